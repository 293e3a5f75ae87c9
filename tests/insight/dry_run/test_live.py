"""Under a real uvicorn that nobody has set up: what a person sees on stderr, and four kinds of traffic."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fastapi import FastAPI, WebSocket
from interpreters import environment
from live_server import HOST, Server
from starlette.middleware.cors import CORSMiddleware

from route_cors import CORSPolicy, Decision, cors, install_cors
from route_cors.testing import Browser, CORSBlocked

if TYPE_CHECKING:
    from collections.abc import Iterator

A = "https://a.example"
E = "https://evil.example"
POLICY = CORSPolicy(origins=A)
README = Path(__file__).resolve().parents[3] / "README.md"
# Far beyond what any of it takes, so that a hanging program fails its test and no more.
PATIENCE = 60

MAIN = """
{before}
from fastapi import FastAPI
from route_cors import CORSPolicy, install_cors

app = FastAPI(debug={debug})

@app.put("/items/{{number}}")
async def save(number: int) -> None: ...

install_cors(app, default=CORSPolicy(origins="https://a.example"){more})
"""


@contextlib.contextmanager
def uvicorn_of(directory: Path, **written: object) -> Iterator[tuple[str, Any]]:
    """A running `uvicorn main:app`, as it is without any options: its URL, and what reads its stderr."""
    text = MAIN.format(**{"before": "", "more": ""} | written)
    (directory / "main.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "uvicorn", "main:app", "--port", "0"]
    with subprocess.Popen(
        command,
        cwd=directory,
        env=environment() | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        try:
            until_started = iter(process.stderr.readline, "")
            address = next(
                filter(None, (re.search(r"running on (http://\S+)", line) for line in until_started))
            )

            def rest() -> list[str]:
                process.terminate()
                _, errors = process.communicate(timeout=PATIENCE)
                return [line for line in errors.splitlines() if "RCE" in line]

            yield address[1], rest
        finally:
            if process.poll() is None:
                process.kill()


def _calls(url: str) -> None:
    for origin in (A, E):
        with contextlib.suppress(CORSBlocked):
            Browser(url, origin=origin).fetch("/items/7", method="PUT")


@pytest.mark.skipif(sys.platform == "win32", reason="a process that is terminated there says no more")
class TestWithoutAnySetUp:
    def test_a_refusal_is_seen_in_debug_mode(self, tmp_path: Path) -> None:
        with uvicorn_of(tmp_path, debug=True) as (url, rest):
            _calls(url)
            assert rest() == [
                (
                    "RCE02 preflight refused: failed=origin method=PUT path=/items/7 "
                    "origin=https://evil.example route=/items/{number}"
                )
            ]

    def test_it_is_not_seen_in_production(self, tmp_path: Path) -> None:
        with uvicorn_of(tmp_path, debug=False) as (url, rest):
            _calls(url)
            assert rest() == []

    def test_it_is_seen_with_the_two_calls_of_the_readme(self, tmp_path: Path) -> None:
        calls: list[str] = re.findall(r"`(logging\.[^`]+)`", README.read_text("utf-8"))
        assert len(calls) == 2
        before = "\n".join(["import logging", *calls])
        with uvicorn_of(tmp_path, debug=False, before=before) as (url, rest):
            _calls(url)
            assert rest() == [
                (
                    "INFO:route_cors:RCE02 preflight refused: failed=origin method=PUT path=/items/7 "
                    "origin=https://evil.example route=/items/{number}"
                )
            ]

    def test_the_differences_of_a_dry_run_are_seen_in_production(self, tmp_path: Path) -> None:
        with uvicorn_of(tmp_path, debug=False, more=", dry_run=True") as (url, rest):
            _calls(url)
            _calls(url)
            assert rest() == [
                (
                    "RCE01 dry run, preflight allowed: method=PUT path=/items/7 origin=https://a.example "
                    'route=/items/{number} change=gains why="the app does not allow the call: status 405; '
                    'the policy allows the call without credentials only"'
                )
            ]


def test_four_kinds_of_traffic() -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["PUT"])

    @app.put("/items/{number}")
    async def save(number: int) -> int:
        return number

    @app.websocket("/live")
    @cors(POLICY)
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    seen: list[Decision] = []
    install_cors(app, default=POLICY, dry_run=True, on_decision=seen.append)
    with Server(app) as server:
        for origin in (A, E):
            browser = Browser(server.url, origin=origin)
            assert browser.fetch("/items/7", method="PUT").json() == 7
            browser.connect("/live")
        assert httpx.put(f"{server.url}/items/8", trust_env=False).json() == 8
        own = {"Origin": server.url}
        assert httpx.put(f"{server.url}/items/9", headers=own, trust_env=False).json() == 9
    assert HOST in server.url
    assert [(each.event, each.path, each.origin, each.dry_run and each.dry_run.change) for each in seen] == [
        ("RCE01", "/items/7", A, ""),
        ("RCE03", "/items/7", A, ""),
        ("RCE06", "/live", A, ""),
        ("RCE02", "/items/7", E, "loses"),
        ("RCE04", "/items/7", E, "loses"),
        ("RCE07", "/live", E, "loses"),
    ]
    assert [each.own_origin for each in seen if each.own_origin] == [server.url]
