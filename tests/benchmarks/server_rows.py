"""Requests per second through uvicorn, one worker: what is left of the difference in a whole server.

A second is one of the server's processor time, as Linux counts it: the load of other programs does not show,
and on a machine of its own the server is busy all the time, so that it is as long as any other second.
"""

from __future__ import annotations

import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from answers import WrongAnswerError
from apps import PATH
from row import Row
from scopes import NUMBER, actual_headers, preflight_headers
from server import APPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scopes import Header

__all__ = ["server"]

_SCRIPT = Path(__file__).with_name("server.py")
_WHAT = "uvicorn with httptools"

_OURS, _STARLETTE, _NEITHER = APPS
_TRAFFIC = {
    "preflights": ("OPTIONS", preflight_headers()),
    "cross-origin GETs": ("GET", actual_headers()),
}


class _Server(NamedTuple):
    """A running server: its port, and where Linux keeps the nanoseconds that it ran."""

    port: int
    schedstat: Path

    def ran_ns(self) -> int:
        return int(self.schedstat.read_text(encoding="ascii").split()[0])


def server(seconds: float) -> Iterator[Row]:
    """Seconds of wrk, 16 connections, in turn: with each layer, and with an OPTIONS route in place of one."""
    wrk = shutil.which("wrk")
    if wrk is None or not Path("/proc/self/schedstat").exists():
        yield Row(f"{_WHAT}: requests per second", None, note="not measured: needs wrk, and Linux's /proc")
        return
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        servers = [(name, stack.enter_context(_serving(name))) for name in APPS]
        for what, (method, headers) in _TRAFFIC.items():
            script = directory / f"{method}.lua"
            script.write_text(_lua(method, headers), encoding="ascii")
            rates: dict[str, list[float]] = {name: [] for name in APPS}
            for _ in range(max(3, round(seconds))):
                random.shuffle(servers)
                for name, running in servers:
                    rates[name].append(_rate(wrk, running, script))
            for other in (_STARLETTE, _NEITHER):
                yield _compared(f"{_WHAT}, {what} per second", rates, other)


def _compared(what: str, rates: dict[str, list[float]], other: str) -> Row:
    ratio = statistics.median(ours / theirs for ours, theirs in zip(rates[_OURS], rates[other], strict=True))
    amounts = {name: statistics.median(rates[name]) for name in (_OURS, other)}
    return Row(f"{what}: {_OURS} / {other}", ratio, amounts=amounts)


@contextmanager
def _serving(name: str) -> Iterator[_Server]:
    """A server of that app, which is stopped afterwards."""
    with subprocess.Popen([sys.executable, _SCRIPT, name], stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("the server has no output")
            port = int(process.stdout.readline())
            yield _Server(port, Path(f"/proc/{process.pid}/schedstat"))
        finally:
            process.terminate()


def _rate(wrk: str, running: _Server, script: Path) -> float:
    command = [wrk, "-t1", "-c16", "-d1s", "-s", str(script), f"http://127.0.0.1:{running.port}"]
    before = running.ran_ns()
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ran = running.ran_ns() - before
    found = re.search(r"(\d+) requests in ", printed)
    if found is None or "Non-2xx" in printed or "Socket errors" in printed:
        raise WrongAnswerError(f"wrk says: {printed}")
    return int(found[1]) / (ran / 1e9)


def _lua(method: str, headers: list[Header]) -> str:
    """wrk's script: the headers, and another number in each path."""
    lines = [f'wrk.method = "{method}"']
    lines += [f"wrk.headers['{name.decode()}'] = '{value.decode()}'" for name, value in headers]
    before, after = PATH.split(NUMBER)
    lines += [
        "local number = 1000000",
        "request = function()",
        "    number = number + 1",
        f'    return wrk.format(nil, "{before}" .. number .. "{after}")',
        "end",
    ]
    return "\n".join(lines)
