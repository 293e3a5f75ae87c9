"""Rows of a table: on a terminal in columns, or stacked if it is narrow; anywhere else one row in a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich import box
from rich.cells import cell_len
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from route_cors.cli.text import Screen


def print_rows(screen: Screen, header: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    """Print the routes.

    Args:
        screen: where to print.
        header: Methods, Path, maybe columns of access, Policy, Declared on, Endpoint, Findings.
        rows: at least one; each with as many cells as the header.
    """
    if screen.is_terminal:
        screen.console.print(_drawn(header, rows, screen.console.width))
        return
    for line in _plain([header, *([cell.plain for cell in row] for row in rows)]):
        screen.line(line)


def _drawn(header: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> Table:
    whole = header
    columns = len(header) if any(row[-1] for row in rows) else len(header) - 1
    if _fits(header[:columns], rows, width):
        header, rows = header[:columns], [row[:columns] for row in rows]
    else:
        header = ["Methods", "Path", "Policy"]
        titles = whole[2 : whole.index("Policy")]
        rows = [[*row[:2], Text("\n").join(filter(None, _stacked(titles, row[2:])))] for row in rows]
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for title in header:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _fits(header: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> bool:
    """Whether no column but that of the policies has to break its lines."""
    needed: list[int] = [
        max(len(title), *(row[column].cell_len for row in rows)) for column, title in enumerate(header)
    ]
    policy = header.index("Policy")
    needed[policy] = min(needed[policy], _NARROWEST_POLICY)
    return sum(needed) + _GAP * (len(needed) - 1) <= width


_NARROWEST_POLICY: Final = 36
_GAP: Final = 3


def _stacked(titles: Sequence[str], cells: Sequence[Text]) -> Iterator[Text]:
    """Everything about a route in one cell, with a line for each kind of information."""
    *access, policy, source, endpoint, marks = cells
    told = (Text.assemble(f"{title.lower()}: ", cell) for title, cell in zip(titles, access, strict=True))
    yield Text("; ").join(told)
    yield policy
    yield Text(", ", "dim").join(filter(None, (source, endpoint)))
    yield marks


def _plain(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(padded).rstrip()
