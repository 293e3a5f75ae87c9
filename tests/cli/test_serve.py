"""`route-cors serve`: the inspector and the app, on real ports."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeAlias

import httpx
import pytest
from interpreters import environment

from .support import SHOP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .support import Workplace

    Start: TypeAlias = Callable[..., subprocess.Popen[str]]

LIFESPAN = """
import contextlib

@contextlib.asynccontextmanager
async def lifespan(app):
    app.state.started = True
    yield
    print("the app has stopped", flush=True)

app.router.lifespan_context = lifespan

@app.get("/started")
async def started():
    return app.state.started
"""


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    (tmp_path / "main.py").write_text(SHOP + LIFESPAN, encoding="utf-8")
    with ExitStack() as stack:

        def start(*arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "route_cors", "serve", "--port", "0", *arguments],
                cwd=tmp_path,
                env=environment(),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


def addresses(process: subprocess.Popen[str]) -> tuple[str, str]:
    assert process.stdout is not None
    inspector, app, stop = (process.stdout.readline() for _ in range(3))
    assert stop == "Ctrl-C stops.\n"
    return inspector.removeprefix("Inspector  ").strip(), app.removeprefix("App        ").strip()


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_page_and_the_app_have_an_origin_each(start: Start, number: signal.Signals) -> None:
    process = start()
    inspector, app = addresses(process)
    assert inspector != app
    with httpx.Client(trust_env=False) as client:
        page = client.get(inspector)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert app in page.headers["content-security-policy"]
        assert client.get(f"{app}/started").json() is True
        assert client.get(f"{app}/quotes").headers["access-control-allow-origin"] == "*"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "the app has stopped\n", "")


def test_a_name_that_is_made_to_point_here_gets_nothing(start: Start) -> None:
    inspector, _ = addresses(start())
    port = inspector.rpartition(":")[2]
    with httpx.Client(trust_env=False) as client:
        for host, status in {
            f"localhost:{port}": 200,
            f"127.0.0.1:{port}": 200,
            f"evil.example:{port}": 400,
            f"127.0.0.1.evil.example:{port}": 400,
            "localhost.evil.example": 400,
        }.items():
            assert client.get(inspector, headers={"Host": host}).status_code == status


def test_an_app_that_runs_elsewhere_is_not_served_again(start: Start) -> None:
    process = start("--api", "http://localhost:8000/v1")
    inspector, app = addresses(process)
    assert app == "http://localhost:8000/v1"
    policy = httpx.get(inspector, trust_env=False).headers["content-security-policy"]
    assert " http://localhost:8000 ws://" in policy
    process.terminate()
    out, err = process.communicate(timeout=30)
    assert (out, err) == ("", "")


def test_a_port_that_is_taken_is_one_line(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP})
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert workplace.refused("serve", "--port", str(port)) == (
            f"--port {port}: Address already in use: write another, or 0 for any free one"
        )


@pytest.mark.parametrize("port", ["-1", "65536"])
def test_what_is_no_port_is_one_line(workplace: Workplace, port: str) -> None:
    workplace.write({"main.py": SHOP})
    assert workplace.refused("serve", "--port", port) == (
        f"--port {port}: a port is a number from 0 to 65535; 0 is any free one"
    )


@pytest.mark.parametrize(
    "api", ["localhost:8000", "ftp://a.example", "http://*.a.example", "http://A.example", ""]
)
def test_what_is_no_base_url_is_one_line(workplace: Workplace, api: str) -> None:
    workplace.write({"main.py": SHOP})
    assert workplace.refused("serve", "--port", "0", "--api", api).startswith("--api ")


def test_an_app_that_does_not_start_is_said_so(workplace: Workplace) -> None:
    workplace.write(
        {
            "main.py": SHOP
            + LIFESPAN.replace("    yield\n", "    raise ValueError('no database')\n    yield\n")
        }
    )
    run = workplace.run("serve", "--port", "0")
    assert (run.code, run.out) == (2, "")
    assert "ValueError: no database" in run.err
    assert run.err.endswith("route-cors: error: the app did not start: see above\n")
