"""The origin of a page, as a person types it, with the same error message everywhere."""

from __future__ import annotations

from typing import Final

from route_cors.errors import CORSConfigError
from route_cors.origins import ANY_ORIGIN, parse_origin

_LONGEST_SHOWN: Final = 100


def checked_page_origin(given: str) -> str:
    """The origin of a page: one, as browsers send it, or the `null` of a sandboxed page.

    Args:
        given: what was typed.

    Raises:
        ValueError: it is not such an origin; the message starts with the value, and says what is wrong and,
            if that is clear, what to write instead.

    >>> checked_page_origin("https://a.example")
    'https://a.example'
    >>> checked_page_origin("https://a.example/")
    Traceback (most recent call last):
    ValueError: 'https://a.example/': a trailing slash: an origin ends with its host or port: write https://a.example
    """
    if given == "null":
        return given
    shown = repr(given if len(given) <= _LONGEST_SHOWN else f"{given[:_LONGEST_SHOWN]}…")
    if ANY_ORIGIN in given:
        raise ValueError(f"{shown}: a pattern: name one origin, as a browser would send it")
    try:
        parse_origin(given)
    except CORSConfigError as error:
        (problem,) = error.problems
        advice = f": write {problem.fix}" if problem.fix is not None and problem.is_new_string else ""
        raise ValueError(f"{shown}: {problem.reason}{advice}") from error
    return given
