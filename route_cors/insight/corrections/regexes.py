"""What to write instead of a regex that a policy refuses."""

from __future__ import annotations

import re
from typing import Final

from route_cors.errors import Problem
from route_cors.insight.corrections.spellings import as_code
from route_cors.regexes import can_match_http, compiled, origin_of_anyone, origin_under_suffix, slow_origin

_OPTIONAL_S: Final = re.compile(
    r"https(?:\?|\{0,1\})|http(?:\(s\)|\[s\])\?|\((?:\?:)?(?:http\|https|https\|http|https\?)\)"
    r"|http(?=\\?:(?:\\?/){2}(?!localhost|127\\?\.|\\\[::1))"
)
_NESTED: Final = re.compile(r"\((?:\?:)?([^()|]*[+*])\)[+*]")


def fixed_regex(regex: re.Pattern[str]) -> str | None:
    """The regex without http origins and nested repetitions, as Python source; None if that is unsound."""
    secure = _OPTIONAL_S.sub("https", regex.pattern) if can_match_http(regex) else regex.pattern
    pattern = _NESTED.sub(r"\1", secure)
    fixed = compiled(pattern, regex.flags)
    if fixed is None or slow_origin(fixed) or can_match_http(fixed):
        return None
    return None if origin_of_anyone(fixed) or origin_under_suffix(fixed) else as_code(fixed)


def slow_regex(regex: re.Pattern[str], origin: str) -> Problem:
    """The problem of a regex that takes far too long for that origin."""
    reason = (
        f"takes far too long for an origin of {len(origin)} characters, and much longer for longer ones: do"
        " not repeat what repeats itself, and do not let two adjacent parts match the same text; for any"
        r" labels of a host write [a-z0-9.-]+\."
    )
    return Problem("origins", regex, reason, fixed_regex(regex))
