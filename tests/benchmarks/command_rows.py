"""How long a new user waits: for the import and for the command, each time in a process of its own.

The only rows with a limit in milliseconds, on an idle machine. So the fastest of all rounds counts, as all
else that the machine does adds to it; the time of FastAPI's import in the same rounds is shown beside it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter_ns
from typing import TYPE_CHECKING

from answers import WrongAnswerError
from published import LIMITS_OF_COMMANDS
from row import Row, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["commands", "times_of_commands"]

_FEWEST_ROUNDS = 5
_REFERENCE = "`import fastapi`, to compare with"
_IMPORT, _HELP, _CHECK = LIMITS_OF_COMMANDS
_APP = Path(__file__).with_name("app_of_500_routes.py")
# What is printed says that the command did its work.
_COMMANDS = {
    _HELP: (["--help"], "Find problems of the policies."),
    _CHECK: (["check", str(_APP)], "no findings in 500 routes"),
}
# In one process: the difference of two would be lost in what each of them varies.
_BOTH_IMPORTS = """
from time import perf_counter_ns
start = perf_counter_ns()
import fastapi
between = perf_counter_ns()
from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors
print(between - start, perf_counter_ns() - between)
"""


def commands(seconds: float) -> Iterator[Row]:
    """The import beside FastAPI's, `route-cors --help`, and `route-cors check` of 500 routes."""
    times = times_of_commands(round(seconds))
    for what, limit in LIMITS_OF_COMMANDS.items():
        beside = {"route_cors": times[what], "import fastapi": times[_REFERENCE]}
        yield Row(f"{what}: ms", times[what] / 1e6, Target(limit), beside)


def times_of_commands(rounds: int) -> dict[str, float]:
    """Nanoseconds of each, and of FastAPI's import: the fastest of that many rounds, of five at least."""
    # The first round compiles what is imported.
    _one_round()
    measured = [_one_round() for _ in range(max(rounds, _FEWEST_ROUNDS))]
    return {what: min(times[what] for times in measured) for what in measured[0]}


def _one_round() -> dict[str, int]:
    reference, ours = (int(ns) for ns in _printed_by("-c", _BOTH_IMPORTS).split())
    times = {_REFERENCE: reference, _IMPORT: ours}
    for what, (arguments, expected) in _COMMANDS.items():
        start = perf_counter_ns()
        printed = _printed_by("-m", "route_cors", *arguments)
        times[what] = perf_counter_ns() - start
        if expected not in printed:
            raise WrongAnswerError(f"{what} prints {printed!r}")
    return times


def _printed_by(*arguments: str) -> str:
    # Compiled modules are kept, as they are where a package is installed.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    result = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, check=False, env=variables
    )
    if result.returncode:
        raise WrongAnswerError(result.stderr)
    return result.stdout
