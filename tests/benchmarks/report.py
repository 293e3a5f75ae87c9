"""The table for a person, and the same as JSON for a program."""

from __future__ import annotations

import platform
from dataclasses import asdict
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from row import Row

__all__ = ["as_data", "table"]

_VERSIONS = ("fastapi", "starlette", "route-cors", "asgi-cors", "flask", "flask-cors", "uvicorn")

_MET = {True: "[green]yes[/]", False: "[red]NO[/]", None: ""}


def table(results: Mapping[str, list[Row]]) -> Table:
    """One line for each row, with the target and the times behind it."""
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    shown.add_column("what")
    shown.add_column("measured", justify="right", no_wrap=True)
    shown.add_column("target", justify="right", no_wrap=True)
    shown.add_column("met", no_wrap=True)
    shown.add_column("from")
    for rows in results.values():
        for row in rows:
            measured = "-" if row.measured is None else _number(row.measured)
            met = "[red]FAILED[/]" if row.failed else _MET[row.met]
            shown.add_row(row.what, measured, str(row.target or ""), met, _behind(row))
        shown.add_section()
    return shown


def as_data(results: Mapping[str, list[Row]]) -> dict[str, Any]:
    """Everything measured, and on what."""
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "versions": {name: version(name) for name in _VERSIONS},
        "rows": [
            {
                "benchmark": benchmark,
                "what": row.what,
                "measured": row.measured,
                "target": None if row.target is None else asdict(row.target),
                "met": row.met,
                "nanoseconds": dict(row.times),
                "amounts": dict(row.amounts),
                "note": row.note,
                "failed": row.failed,
            }
            for benchmark, rows in results.items()
            for row in rows
        ],
    }


def _behind(row: Row) -> str:
    times = [f"{name} {_duration(ns)}" for name, ns in row.times.items()]
    amounts = [f"{name} {_number(amount)}" for name, amount in row.amounts.items()]
    return "; ".join(filter(None, [*times, *amounts, row.note]))


def _duration(ns: float) -> str:
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(ns) >= size:
            return f"{ns / size:.3g} {unit}"
    return f"{ns:.0f} ns"


def _number(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"
