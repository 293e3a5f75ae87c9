"""The command, run as a user runs it, in a directory of its own."""

from __future__ import annotations

import importlib
import io
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from route_cors.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["SHOP", "Run", "Terminal", "Workplace"]

SHOP = """\
from fastapi import FastAPI, WebSocket
from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

app = FastAPI(openapi_url=None)
account = CORSRouter(
    prefix="/account", cors=CORSPolicy(origins="https://a.example", allow_credentials=True)
)

@app.get("/quotes")
@cors(origins="*")
async def quotes(): ...

@account.put("/{name}")
@cors(origins=["https://a.example"], allow_headers=["X-Token"], enforce=True)
async def save(name: str): ...

@account.websocket("/chat")
@cors(origins=["https://a.example"])
async def chat(websocket: WebSocket): ...

@account.get("/profile")
async def profile(): ...

@app.get("/metrics")
@no_cors
async def metrics(): ...

@app.get("/plain")
async def plain(): ...

async def opaque(scope, receive, send): ...

app.include_router(account)
app.mount("/old", opaque)
install_cors(app)
"""
"""An app with every kind of route and policy, in which nothing is to be found."""


@dataclass(frozen=True)
class Run:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


class Terminal(io.StringIO):
    """A terminal, as far as a program can tell."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Workplace:
    """The current directory, and the command in it."""

    directory: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def write(self, files: Mapping[str, str]) -> None:
        for path, source in files.items():
            file = self.directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source, encoding="utf-8")
        importlib.invalidate_caches()

    def run(self, *arguments: str) -> Run:
        self.monkeypatch.setattr(sys, "argv", ["route-cors", *arguments])
        self.capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = self.capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Run(ended.value.code, out, err)

    def run_on_a_terminal(self, *arguments: str, width: int = 80, height: int = 50) -> Run:
        """As `run`; the terminal knows no colours, and the blanks at the ends of its lines are left out."""
        terminal = Terminal()
        with self.monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", terminal)
            patched.setenv("COLUMNS", str(width))
            patched.setenv("LINES", str(height))
            patched.setenv("TERM", "dumb")
            run = self.run(*arguments)
        out = "".join(f"{line.rstrip()}\n" for line in terminal.getvalue().splitlines())
        return Run(run.code, out, run.err)

    def environment(self, name: str) -> str:
        """A variable as the command has left it."""
        return os.environ[name]

    def refused(self, *arguments: str) -> str:
        """The one line that a command which cannot do what it was asked ends with."""
        run = self.run(*arguments)
        assert (run.code, run.out) == (2, "")
        assert run.err.startswith("route-cors: error: ")
        assert run.err.count("\n") == 1
        return run.err.removeprefix("route-cors: error: ").rstrip("\n")
