"""What the layer adds to the first request of an app, each time in a process of its own."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from row import Row, Target

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["start"]

_SCRIPT = Path(__file__).with_name("first_request.py")
_ROUTES = 5_000
_ADDS_AT_MOST = Target(0.2)
_FIRST, _INDEX = "first request", "index"


def start(seconds: float) -> Iterator[Row]:
    """First requests with the layer and without it, in turn; and the index alone, of an app that is warm."""
    pairs = max(2, round(seconds / 2))
    without: list[dict[str, int]] = []
    within: list[dict[str, int]] = []
    for _ in range(pairs):
        without.append(_first_request())
        within.append(_first_request("--layer"))
    what = f"first request, {_ROUTES:,} included routes"
    bare_ns = statistics.median(run[_FIRST] for run in without)
    index_ns = statistics.median(run[_INDEX] for run in without)
    layer_ns = statistics.median(run[_FIRST] for run in within)
    index_ratio = statistics.median(run[_INDEX] / run[_FIRST] for run in without)
    added = statistics.median(
        run[_FIRST] / alone[_FIRST] - 1 for run, alone in zip(within, without, strict=True)
    )
    yield Row(
        f"{what}: building the index / without the layer",
        index_ratio,
        _ADDS_AT_MOST,
        {"index": index_ns, "without": bare_ns},
    )
    yield Row(
        f"{what}: added by install_cors / without it",
        added,
        _ADDS_AT_MOST,
        {"with": layer_ns, "without": bare_ns},
    )


def _first_request(*arguments: str) -> dict[str, int]:
    command = [sys.executable, str(_SCRIPT), str(_ROUTES), *arguments]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    timed: dict[str, int] = json.loads(printed)
    return timed
