"""The arguments of a policy, one by one: their rules, and the normal form in which a policy keeps them.

Each `read_…` function returns what is sound in a value, and adds a problem for all else.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from route_cors.errors import CORSConfigError, Problem, corrections
from route_cors.headers import (
    is_forbidden_method,
    is_forbidden_request_header,
    is_forbidden_response_header,
    is_token,
    normalize_method,
)
from route_cors.origins import ANY_ORIGIN, LiveItem, OriginItem, parse_origin
from route_cors.regexes import slow_origin

MAX_MAX_AGE: Final = 86400
"""Seconds. No browser caches a preflight for longer: Firefox a day at most, Chromium two hours."""

_WILDCARD: Final = "*"


def read_origins(value: object, problems: list[Problem]) -> tuple[OriginItem, ...]:
    """The sound origins, each once, in a fixed order."""
    items: list[Any] = [value] if _is_one_origin(value) else list(cast("Iterable[Any]", value))
    sound: dict[OriginItem, None] = {}
    for item in map(_without_url, items):
        found = _origin_item_problems(item)
        problems.extend(found)
        if not found:
            sound[item] = None
    return tuple(sorted(sound, key=_origin_order))


def _without_url(item: Any) -> Any:
    """A pydantic URL as an origin: its path is "/" where none was written."""
    return str(item).removesuffix("/") if hasattr(item, "unicode_string") else item


def _is_one_origin(value: object) -> bool:
    return isinstance(value, str | bytes) or callable(value) or not isinstance(value, Iterable)


def _origin_order(item: OriginItem) -> tuple[int, str, int]:
    """Strings, then regexes, then the others; callables stay in the order in which they are called."""
    if isinstance(item, str):
        return 0, item, 0
    if isinstance(item, re.Pattern):
        return 1, item.pattern, item.flags
    return 2, "", 0


def _origin_item_problems(item: object) -> tuple[Problem, ...]:
    if isinstance(item, str):
        return () if item == ANY_ORIGIN else _origin_text_problems(item)
    reason = _origin_type_fault(item)
    if reason is not None:
        return (Problem("origins", item, reason),)
    return _regex_problems(cast("re.Pattern[str]", item)) if isinstance(item, re.Pattern) else ()


def _origin_text_problems(text: str) -> tuple[Problem, ...]:
    try:
        parse_origin(text)
    except CORSConfigError as error:
        return error.problems
    return ()


def _regex_problems(regex: re.Pattern[str]) -> tuple[Problem, ...]:
    origin = slow_origin(regex)
    return () if origin is None else (corrections().slow_regex(regex, origin),)


def _origin_type_fault(item: object) -> str | None:
    match item:
        case re.Pattern(pattern=str()) | LiveItem():
            return None
        case re.Pattern():
            return "a bytes regex: compile a str"
        case bytes():
            return "bytes: write a str"
        case type():
            return (
                "a class: calling it creates an object, which counts as true; use a function or an instance"
            )
        case _ if callable(item):
            return _callable_fault(item)
        case _:
            return "not a str, a compiled regex or a callable, nor a LiveOrigins"


def _callable_fault(item: Callable[..., object]) -> str | None:
    try:
        hash(item)
    except TypeError:
        return "a callable that cannot be hashed: policies are compared and hashed by their origins"
    if not takes(item, "https://a.example", None):
        return "a callable that cannot be called with two arguments: (origin, connection)"
    return None


def takes(function: Callable[..., object], *arguments: object) -> bool:
    """Whether a function can be called with these arguments, as far as it says."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # some built-in callables have no signature
        return True
    return True


def _read_items(field: str, value: object, problems: list[Problem]) -> list[object]:
    """The items of an iterable; a bare string is an iterable of its letters."""
    if isinstance(value, str):
        fix = corrections().fixed_list(field, value)
        problems.append(Problem(field, value, "a bare string: write a list of strings", fix))
        return []
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        problems.append(Problem(field, value, "not an iterable of strings"))
        return []
    return list(cast("Iterable[object]", value))


def _read_names(field: str, value: object, problems: list[Problem]) -> dict[str, str]:
    """The sound names, each under its lower-case form; the first of several that only differ in case."""
    sound: dict[str, str] = {}
    for item in _read_items(field, value, problems):
        if not isinstance(item, str):
            problems.append(Problem(field, item, "not a str"))
            continue
        reason = fault_of(field, item)
        if reason is None:
            sound.setdefault(item.lower(), item)
        else:
            problems.append(Problem(field, item, reason, corrections().fixed_name(field, item)))
    return sound


def fault_of(field: str, name: str) -> str | None:
    """What is wrong with a name, for `methods`, `allow_headers` or `expose_headers`."""
    return _method_fault(name) if field == "methods" else _header_fault(field, name)


def read_methods(value: object, problems: list[Problem]) -> tuple[str, ...] | None:
    """The methods, as browsers send them; None for those of the route."""
    if value is None:
        return None
    before = len(problems)
    sound = _read_names("methods", value, problems)
    if not sound and len(problems) == before:
        problems.append(Problem("methods", value, "no methods: use None for the methods of the route"))
    return tuple(sorted(map(normalize_method, sound.values())))


def _method_fault(method: str) -> str | None:
    if method == _WILDCARD:
        return "methods only restrict those of the route: leave methods out to allow all of them"
    if not is_token(method):
        return "not a method: not a token (RFC 9110, section 5.6.2)"
    if is_forbidden_method(method):
        return "a forbidden method in the Fetch standard: no script can send it"
    if normalize_method(method) != method.upper():
        return "browsers send this method as written, but routes have methods in upper case"
    return None


def read_header_names(field: str, value: object, problems: list[Problem]) -> tuple[str, ...]:
    """The sound header names, in a fixed order."""
    if value == _WILDCARD:
        return (_WILDCARD,)
    sound = _read_names(field, value, problems)
    # Without credentials, * allows every name except Authorization:
    # https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
    beside_wildcard = sound.keys() - {_WILDCARD, "authorization" if field == "allow_headers" else _WILDCARD}
    if _WILDCARD in sound and beside_wildcard:
        reason = f"allows every name: leave out {', '.join(sorted(sound[name] for name in beside_wildcard))}"
        problems.append(Problem(field, _WILDCARD, reason))
    return tuple(sound[name] for name in sorted(sound))


_NEVER_NAMED: Final[tuple[tuple[str, Callable[[str], bool], str], ...]] = (
    (
        "allow_headers",
        is_forbidden_request_header,
        "a forbidden request-header in the Fetch standard: no script can set it",
    ),
    (
        "allow_headers",
        lambda name: name.lower().startswith("access-control-"),
        "a response header: route_cors writes it, and no script has to send it; leave it out",
    ),
    (
        "expose_headers",
        is_forbidden_response_header,
        "a forbidden response-header name in the Fetch standard: no script can read it",
    ),
)


def _header_fault(field: str, name: str) -> str | None:
    if name == _WILDCARD:
        return None
    if not is_token(name):
        return "not a header name: not a token (RFC 9110, section 5.6.2)"
    if _WILDCARD in name:
        return 'the only wildcard that browsers support is "*" by itself'
    return next((reason for of, holds, reason in _NEVER_NAMED if of == field and holds(name)), None)


def read_max_age(value: object, problems: list[Problem]) -> int | None:
    """A number of seconds that browsers keep to, or None."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        problems.append(Problem("max_age", value, "not a number of seconds (an int) or None"))
        return None
    if 0 <= value <= MAX_MAX_AGE:
        return value
    nearest = 0 if value < 0 else MAX_MAX_AGE
    problems.append(Problem("max_age", value, f"not between 0 and {MAX_MAX_AGE} seconds", str(nearest)))
    return None


def read_flag(name: str, value: object, problems: list[Problem], other: str = "") -> bool:
    """True or False; `other` is what else may be written there."""
    if not isinstance(value, bool):
        problems.append(Problem(name, value, f"not True or False{other}"))
    return value is True
