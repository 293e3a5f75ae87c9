"""The screens for an app with many routes and long names, as wide as a terminal is."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .support import Workplace

EVIL = "\\x1b[31m\\u202e"
MANY = f"""\
from fastapi import FastAPI
from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

app = FastAPI(title="{EVIL}")
ORIGINS = [f"https://{{name}}.example.com" for name in ("shop", "admin", "partners", "staging", "preview")]
for area in ("accounts", "orders", "deliveries", "{EVIL}"):
    router = CORSRouter(prefix=f"/api/v1/{{area}}", cors=CORSPolicy(origins=ORIGINS, allow_credentials=True))
    for number in range(100):
        def endpoint(item_id: int): ...
        endpoint.__name__ = f"{{area}}_{{number}}"
        path = f"/departments/{{{{department}}}}/collections/{{number}}/{{{{item_id}}}}" if number % 10 else f"/{{number}}"
        declare = (no_cors, cors(origins="*"), lambda thing: thing)[number % 3]
        router.add_api_route(path, declare(endpoint), methods=["GET", "PUT", "DELETE"][: number % 3 + 1])
    app.include_router(router)
install_cors(app)
"""  # noqa: E501 - source

COMMANDS = (
    ["table"],
    ["table", "-o", "https://shop.example.com"],
    ["check", "--fail-on", "never"],
    ["explain", "GET", "/api/v1/orders/departments/a/collections/2/7", "-o", "https://evil.example", "-c"],
    ["explain", "PUT", "/api/v1/orders/departments/a/collections/2/7", "-o", "https://evil.example"],
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app as the command is given it; imported once, as FastAPI takes seconds for so many routes."""
    directory = tmp_path_factory.mktemp("wide")
    (directory / "wide_app.py").write_text(MANY, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "dont_write_bytecode", True)
        patched.setattr(sys, "path", [str(directory), *sys.path])
        importlib.invalidate_caches()
        importlib.import_module("wide_app")
        yield "wide_app:app"
    del sys.modules["wide_app"]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("command", COMMANDS)
def test_no_line_is_longer_than_the_terminal(
    workplace: Workplace, app: str, command: list[str], width: int
) -> None:
    given = ["--no-pager"] if command[0] == "table" else []
    run = workplace.run_on_a_terminal(*command, "--app", app, *given, width=width, height=40)
    assert run.out
    assert max(map(len, run.lines)) <= width
    assert "\x1b" not in run.out
    assert "\u202e" not in run.out


def test_every_route_is_there_once(workplace: Workplace, app: str) -> None:
    lines = workplace.run("table", "--app", app).lines
    assert "400 routes" in lines[402]
    assert lines[-1] == "4 routes of FastAPI's docs are hidden; --all shows them"
    assert sum("closed (@no_cors)" in line for line in lines) == 136
    assert sum("\\x1b[31m\\u202e" in line for line in lines) == 100
