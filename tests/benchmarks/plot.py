"""Measures what the READMEs publish, and draws the picture of preflight times.

    python tests/benchmarks/plot.py           # measures anew, three minutes; then draws
    python tests/benchmarks/plot.py --draw    # draws the figures in published.json

Whole FastAPI apps answer a preflight for the last route of one included router; and each layer stands around
the same inner app. It prints the rows of the tables, which tests/test_docs.py holds the READMEs to.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from matplotlib.figure import Figure

from answers import require_answer
from apps import with_cors_middleware, with_install_cors
from command_rows import times_of_commands
from layer_rows import times_of_layers
from many_routes import included, path_of, with_options_handler
from published import FIGURES, duration, read_figures, rows_of_commands, rows_of_layers, rows_of_readme
from scopes import ORIGIN, fresh_scopes, preflight_headers
from timing import Chunk, interleave, own_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from matplotlib.axes import Axes

__all__ = ["main"]

_PICTURE = Path(__file__).parents[2] / ".github" / "pictures" / "preflight-time.png"
_COUNTS = [10, 30, 100, 300, 1_000, 3_000, 10_000]
_SECONDS = 20.0
_SECONDS_OF_LAYERS = 10.0
_ROUNDS_OF_COMMANDS = 40
_VERSIONS = ("fastapi", "starlette", "asgi-cors", "flask", "flask-cors")

_INK = "#24292f"
_FAINT = "#d0d7de"


class _Line(NamedTuple):
    """How one app is drawn. `above` is where its label stands beside the line's end, in points."""

    label: str
    colour: str
    width: float
    above: float


_LINES = {
    "app.options": _Line("app.options(path)", "#bc4c00", 2.0, 0),
    "CORSMiddleware": _Line("CORSMiddleware", "#6e7781", 2.0, 2),
    "route_cors": _Line("route_cors", "#0969da", 3.0, -2),
}


def main() -> None:
    """Measure unless told not to, write the picture, and print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--draw", action="store_true", help="draw what was measured before")
    if not parser.parse_args().draw:
        FIGURES.write_text(json.dumps(_measure(), indent=2) + "\n", encoding="utf-8")
    figures = read_figures()
    _draw(figures["preflight by routes"])
    tables = [rows(figures) for rows in (rows_of_readme, rows_of_layers, rows_of_commands)]
    print(*("\n".join(rows) for rows in tables), sep="\n\n")  # noqa: T201 - for a person


def _measure() -> dict[str, Any]:
    """Nanoseconds by what was measured, and on what."""
    return {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in _VERSIONS},
        "preflight by routes": _preflights(),
        **times_of_layers(_SECONDS_OF_LAYERS),
        "commands": times_of_commands(_ROUNDS_OF_COMMANDS),
    }


def _preflights() -> dict[str, dict[str, float]]:
    """By app and number of routes."""
    subjects: dict[str, Chunk] = {}
    for count in _COUNTS:
        for name, app in _apps(count).items():
            fresh_scope = fresh_scopes(app, "OPTIONS", path_of(count - 1), preflight_headers())
            require_answer(app, fresh_scope(), origin=ORIGIN)
            subjects[f"{name} {count}"] = own_time((app, fresh_scope))
    timings = interleave(subjects, _SECONDS)
    return {name: {str(count): timings.ns(f"{name} {count}") for count in _COUNTS} for name in _LINES}


def _apps(count: int) -> dict[str, FastAPI]:
    return {
        "app.options": with_options_handler(included(count), path_of(count - 1)),
        "CORSMiddleware": with_cors_middleware(included(count)),
        "route_cors": with_install_cors(included(count)),
    }


def _draw(times: Mapping[str, Mapping[str, float]]) -> None:
    figure = Figure(figsize=(8, 4.2), dpi=150, layout="constrained", facecolor="white")
    axes = figure.subplots()
    for name, line in _LINES.items():
        _draw_line(axes, line, [times[name][str(count)] for count in _COUNTS])
    _describe(axes)
    figure.savefig(_PICTURE)


def _draw_line(axes: Axes, line: _Line, times: list[float]) -> None:
    seconds = [ns / 1e9 for ns in times]
    axes.plot(
        _COUNTS, seconds, color=line.colour, linewidth=line.width, marker="o", markersize=line.width + 3
    )
    axes.annotate(
        f"{line.label}: {duration(times[-1])}",
        (_COUNTS[-1], seconds[-1]),
        xytext=(10, line.above),
        textcoords="offset points",
        va="center",
        color=line.colour,
        fontsize=11,
        fontweight="bold",
    )


def _describe(axes: Axes) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(_COUNTS, [f"{count:,}" for count in _COUNTS])
    axes.set_yticks([1e-5, 1e-4, 1e-3, 1e-2, 1e-1], ["10 µs", "100 µs", "1 ms", "10 ms", "100 ms"])
    axes.minorticks_off()
    axes.set_ylim(5e-6, 1.2e-1)
    axes.set_xlabel("routes", color=_INK)
    axes.set_ylabel("time", color=_INK)
    title = "How long a FastAPI app takes to answer a preflight for its last route"
    axes.set_title(title, loc="left", color=_INK, fontweight="bold")
    axes.tick_params(colors=_INK, length=0)
    axes.grid(color=_FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(_FAINT)


if __name__ == "__main__":
    main()
