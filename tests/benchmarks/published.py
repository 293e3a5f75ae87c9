"""The tables of the README and of the README beside this, from the figures that `plot.py` measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "FIGURES",
    "LIMITS_OF_COMMANDS",
    "duration",
    "read_figures",
    "rows_of_commands",
    "rows_of_layers",
    "rows_of_readme",
]

FIGURES: Final = Path(__file__).with_name("published.json")

_SUBJECTS: Final = ("route_cors", "CORSMiddleware", "app.options")
_LAYERS: Final = ("route_cors", "CORSMiddleware", "asgi-cors", "flask-cors and Flask")
_ADDED: Final = {
    "cross-origin GET": "added to a cross-origin `GET`",
    "GET without Origin": "added to a `GET` without `Origin`, on a route without a policy",
}

LIMITS_OF_COMMANDS: Final = {
    "`from route_cors import ...`, once FastAPI is imported": 20,
    "`route-cors --help`": 400,
    "`route-cors check` of an app with 500 routes": 1500,
}
"""Milliseconds on an idle machine, by what is waited for."""


def read_figures() -> dict[str, Any]:
    """Nanoseconds by what was measured, number of routes and subject, and on what machine."""
    figures: dict[str, Any] = json.loads(FIGURES.read_text(encoding="utf-8"))
    return figures


def duration(ns: float) -> str:
    """Two digits of a time: `11 µs`."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{_two_digits(ns / size)} {unit}"
    return f"{_two_digits(ns)} ns"


def rows_of_readme(figures: Mapping[str, Any]) -> Iterator[str]:
    """The rows of the table in the project's README."""
    preflights: Mapping[str, Mapping[str, float]] = figures["preflight by routes"]
    counts = [*preflights["route_cors"]]
    for count in (counts[0], counts[-1]):
        times = [duration(preflights[name][count]) for name in _SUBJECTS]
        yield _row(f"a preflight, {int(count):,} routes", *times)
    for measured, what in _ADDED.items():
        times = [duration(figures[measured][name]) for name in _SUBJECTS[:2]]
        yield _row(what, *times, "")


def rows_of_layers(figures: Mapping[str, Any]) -> Iterator[str]:
    """The rows of the table beside this: times relative to CORSMiddleware around the same app."""
    for measured, what in {"preflight": "an allowed preflight", **_ADDED}.items():
        times: Mapping[str, float] = figures[measured]
        ratios = [
            _two_digits(times[name] / times["CORSMiddleware"]) if name in times else "" for name in _LAYERS
        ]
        yield _row(what, *ratios)


def rows_of_commands(figures: Mapping[str, Any]) -> Iterator[str]:
    """And how long one waits for the import and the commands, with the limits."""
    times: Mapping[str, float] = figures["commands"]
    for what, ns in times.items():
        limit = LIMITS_OF_COMMANDS.get(what)
        yield _row(what, duration(ns), "" if limit is None else duration(limit * 1e6))


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |".replace("  ", " ")


def _two_digits(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"
