"""Measures the speed and memory of route_cors, against the targets that it is held to.

Every figure is a ratio within one run, as no two machines, and no two seconds of one, are equally fast. Only
`memory` has bytes, and `commands` milliseconds, which hold on an idle machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

import command_rows
import hostile_rows
import layer_rows
import live_rows
import memory_rows
import origin_rows
import overlap_rows
import scale_rows
import server_rows
import shape_rows
import start_rows
from answers import WrongAnswerError
from report import as_data, table
from row import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["BENCHMARKS", "main"]

BENCHMARKS: dict[str, Callable[[float], Iterator[Row]]] = {
    "preflight": layer_rows.preflight,
    "refused": layer_rows.refused,
    "actual": layer_rows.actual,
    "silent": layer_rows.silent,
    "enforced": layer_rows.enforced,
    "dry-run": layer_rows.beside,
    "routes": scale_rows.routes,
    "routers": scale_rows.routers,
    "options-handler": scale_rows.options_handler,
    "origins": origin_rows.origins,
    "live": live_rows.live,
    "long-headers": hostile_rows.long_headers,
    "long-paths": hostile_rows.long_paths,
    "shapes": shape_rows.shapes,
    "overlaps": overlap_rows.overlaps,
    "memory": memory_rows.memory,
    "start": start_rows.start,
    "commands": command_rows.commands,
    "server": server_rows.server,
}

# Of measuring, for one benchmark; building its apps comes on top.
_SECONDS = 10.0
_QUICK_SECONDS = 2.0
# For the table, where the output is no terminal.
_WIDTH = 170


def main() -> int:
    """Run what was asked for. The status is 1 where a target is missed or an answer wrong."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog="\n".join(f"  {name:16} {function.__doc__}" for name, function in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, metavar="NAME", help="of those below")
    parser.add_argument("--quick", action="store_true", help="a fifth of the time, and less sure")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything that was measured there")
    arguments = parser.parse_args()

    console = Console() if sys.stdout.isatty() else Console(width=_WIDTH)
    results: dict[str, list[Row]] = {}
    for name in arguments.only or BENCHMARKS:
        with console.status(name):
            results[name] = _run(name, _QUICK_SECONDS if arguments.quick else _SECONDS)
    console.print(table(results))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(as_data(results), indent=2) + "\n", encoding="utf-8")
    return int(any(row.met is False or row.failed for rows in results.values() for row in rows))


def _run(name: str, seconds: float) -> list[Row]:
    rows: list[Row] = []
    try:
        rows.extend(BENCHMARKS[name](seconds))
    except WrongAnswerError as wrong:
        rows.append(Row(name, None, note=str(wrong), failed=True))
    return rows


if __name__ == "__main__":
    sys.exit(main())
