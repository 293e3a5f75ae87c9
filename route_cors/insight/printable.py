"""Text from routes, headers and files, made safe to look at."""

from __future__ import annotations

from typing import Final

MAX_SHOWN: Final = 1000
"""How many characters of one text are shown."""


def printable(text: str, limit: int = MAX_SHOWN) -> str:
    r"""The text on one line, without characters that control a terminal or change the reading direction.

    Control characters, ANSI escapes, line separators, bidi marks and lone surrogates are written as Python
    escapes them.

    Args:
        text: of any origin.
        limit: how many of its characters are shown; the rest becomes `…`.

    >>> print(printable("/a\x1b[31m\u202eb\n"))
    /a\x1b[31m\u202eb\n
    """
    shown = text if len(text) <= limit else f"{text[:limit]}…"
    if shown.isprintable():
        return shown
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in shown)


def shortened(text: str) -> str:
    """The text, or its beginning where it is longer than a sentence can hold."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({len(text)} characters)"


_LONGEST: Final = 120
