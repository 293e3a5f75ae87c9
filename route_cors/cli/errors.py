"""Errors that end a command with one line and exit code 2."""

from __future__ import annotations

import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from route_cors.insight.printable import printable

if TYPE_CHECKING:
    from collections.abc import Generator

_REFUSED = 2


class CommandError(Exception):
    """The command cannot do what it was asked; the message says why, and what to write instead."""


@contextmanager
def reporting_errors(*, with_traceback: bool) -> Generator[None, None, None]:
    """Print what went wrong in one line, and end with exit code 2.

    Args:
        with_traceback: print the traceback of the cause before that.
    """
    try:
        yield
    except CommandError as error:
        if with_traceback and error.__cause__ is not None:
            traceback.print_exception(error.__cause__)
        sys.stderr.write(f"route-cors: error: {printable(str(error))}\n")
        raise typer.Exit(_REFUSED) from None


def one_line(error: BaseException) -> str:
    """The message of an exception, without line breaks."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - the app's own exception, which may fail in any way
        text = "(its message cannot be read)"
    name = type(error).__name__
    joined = " ".join(text.split())
    return f"{name}: {joined}" if joined else name
