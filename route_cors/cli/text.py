"""The output of a command: on a terminal in colour and as wide as that; otherwise plain, and never cut."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TextIO

from rich.console import Console
from rich.text import Text

from route_cors.insight.printable import printable

if TYPE_CHECKING:
    from collections.abc import Mapping

STYLES: Final[Mapping[str, str]] = {"error": "bold red", "warning": "yellow", "info": "blue"}
"""How the severity of a finding, or the level of an event, is shown."""


@dataclass(frozen=True, slots=True)
class Screen:
    """The output of a command, and whether it is a terminal: only a terminal has a width."""

    console: Console
    is_terminal: bool

    @classmethod
    def of(cls, stream: TextIO | None = None) -> Screen:
        """The screen of a stream; standard output by default."""
        out = sys.stdout if stream is None else stream
        # No markup and no highlighting: `[red]` in a path is a path.
        console = Console(file=out, markup=False, highlight=False, emoji=False)
        return cls(console, is_terminal=out.isatty())

    @property
    def draws(self) -> bool:
        """Whether it can show ticks and lines."""
        return self.is_terminal and self.console.encoding.startswith("utf")

    def line(self, *parts: Text | str, indent: int = 0, hang: int = 0) -> None:
        """Print one line; on a terminal it is wrapped.

        Args:
            parts: of the line, without line breaks.
            indent: spaces before the first line.
            hang: additional spaces before the others.
        """
        whole = Text.assemble(*parts)
        width = max(self.console.width - indent - hang, _NARROWEST)
        lines = whole.wrap(self.console, width) if self.is_terminal and whole.plain else [whole]
        for number, line in enumerate(lines):
            line.rstrip()
            self.console.print(Text(" " * (indent + hang * bool(number))) + line, soft_wrap=True)


_NARROWEST = 20


def text(value: str, style: str = "") -> Text:
    """Text from routes, headers or files, escaped, in that style and without markup."""
    return Text(printable(value), style)


def mark(screen: Screen, *, passed: bool | None) -> Text:
    """The result of a check; None if it was not needed."""
    if passed is None:
        return Text("-", "dim")
    if screen.draws:
        return Text("✓", "green") if passed else Text("✗", "bold red")
    return Text("ok", "green") if passed else Text("FAILED", "bold red")


def as_json(data: dict[str, Any]) -> str:
    """JSON in ASCII, with all control characters escaped, delete included."""
    return json.dumps(data, indent=2).replace("\x7f", "\\u007f")
