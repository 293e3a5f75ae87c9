"""A path and a host for each route, whose parameters the endpoint takes: else the answer is a 404 or a 422.

Read from convertors and annotations. No validator or convertor of the app's own is run.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import itertools
import re
import uuid
from contextlib import suppress
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, Union, get_args, get_origin

from starlette.routing import PARAM_REGEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from route_cors.insight.survey import Placed

# Values for the parameters of example paths. Nobody registers these names, so that no literal path is hit.
_EXAMPLES: Final = ("qzkv", "7", "7.5", "01234567-89ab-4def-8123-456789abcdef", "2026-11-22", "qzkv/qzkv")
_LONGEST: Final = 64


def example_path(placed: Placed) -> str | None:
    """A path that a route matches; None if a convertor asks for a value that cannot be guessed."""
    path = ""
    for each in (*placed.through, placed):
        own = _matching(each.view, each.template)
        if own is None:
            return None
        path = path.removesuffix("/") + own
    return path


def example_host(placed: Placed) -> str | None:
    """The host that a route is served at, or one of those; None for any, or if none can be guessed."""
    outwards = (placed, *reversed(placed.through))
    return next((_matching(each.view, each.host) for each in outwards if each.host is not None), None)


def _matching(view: Any, template: str) -> str | None:
    """A text that a template of a route's path or host matches."""
    if "{" not in template:
        return template
    convertors: dict[str, Any] = getattr(view, "param_convertors", {})
    typed = _typed_examples(getattr(view, "dependant", None))
    text = template
    for match in PARAM_REGEX.finditer(template):
        convertor = convertors.get(match[1])
        values = itertools.chain(typed.get(match[1], ()), _EXAMPLES, _texts())
        value = next((it for it in values if convertor and re.fullmatch(convertor.regex, it)), None)
        if value is None:
            return None
        text = text.replace(match[0], value, 1)
    return text


def _typed_examples(dependant: Any) -> dict[str, list[str]]:
    """Values that FastAPI takes for the path parameters of an endpoint, its dependencies' among them."""
    wanted: dict[str, list[list[str]]] = {}
    for field in _path_parameters(dependant):
        base, limits = _unwrapped(field.field_info.annotation, getattr(field.field_info, "metadata", ()))
        fitting: list[str] = []
        # A limit may be of any kind, and next to the last date is none.
        with suppress(TypeError, ValueError, ArithmeticError):
            fitting.extend(itertools.islice(_fitting(base, limits), _LONGEST))
        if fitting:
            wanted.setdefault(field.alias, []).append(fitting)
    # Where several of them have the same name, one value has to fit all.
    return {
        name: [*(each for each in lists[0] if all(each in other for other in lists)), *lists[0]]
        for name, lists in wanted.items()
    }


def _path_parameters(dependant: Any) -> Iterator[Any]:
    yield from getattr(dependant, "path_params", ())
    for inner in getattr(dependant, "dependencies", ()):
        yield from _path_parameters(inner)


def _unwrapped(annotation: Any, limits: Iterable[Any]) -> tuple[Any, tuple[Any, ...]]:
    """A plain type, and what holds its limits: `Annotated[int, Ge(1)]`, a NewType, `int | None`."""
    origin = get_origin(annotation)
    if origin is Annotated:
        base, *more = get_args(annotation)
        return _unwrapped(base, (*limits, *more))
    if origin in {Union, UnionType}:
        return _unwrapped(get_args(annotation)[0], limits)
    inner = getattr(annotation, "__supertype__", None) or getattr(annotation, "__value__", None)
    return (annotation, tuple(limits)) if inner is None else _unwrapped(inner, limits)


def _fitting(base: Any, limits: tuple[Any, ...]) -> Iterator[str]:
    if isinstance(base, type) and issubclass(base, Enum):
        return (str(member.value) for member in base)
    if get_origin(base) is Literal:
        return map(str, get_args(base))
    if base in _NUMBERS:
        return (str(number) for number in _numbers(base, limits) if _is_within(number, limits))
    if base in _DATES:
        return (day.isoformat() for day in _days(_DATES[base], limits) if _is_within(day, limits))
    if base is str:
        return (text for text in (*_EXAMPLES[:2], *_texts()) if _is_spelled(text, limits))
    return _uuids(limits) if base is uuid.UUID else iter(_OF_TYPES.get(base, ()))


_OF_TYPES: Final[dict[Any, tuple[str, ...]]] = {
    bool: ("true",),
    dt.time: ("07:00:00",),
    dt.timedelta: ("PT7S",),
    ipaddress.IPv4Address: ("192.0.2.7",),
    ipaddress.IPv6Address: ("2001:db8::7",),
}
_NUMBERS: Final = (int, float, Decimal)
_DATES: Final[dict[Any, Any]] = {dt.date: dt.date(2026, 11, 22), dt.datetime: dt.datetime(2026, 11, 22, 7)}  # noqa: DTZ001 - one of an annotation's limits has no zone either
_BOUNDS: Final = ("ge", "gt", "le", "lt")


def _limits_named(name: str, limits: Iterable[Any]) -> Iterator[Any]:
    values = (getattr(limit, name, None) for limit in limits)
    return (value for value in values if value is not None)


def _numbers(base: Any, limits: tuple[Any, ...]) -> Iterator[Any]:
    """The usual one, then those next to each bound, and a multiple of what is asked for."""
    usual = base("7") if base is int else base("7.5")
    yield usual
    bounds = [base(bound) for name in _BOUNDS for bound in _limits_named(name, limits)]
    step = base(next(_limits_named("multiple_of", limits), 1))
    for bound in (*bounds, base(0)):
        lower = bound // step * step if step else bound
        yield from (bound, bound + 1, bound - 1, lower, lower + step, lower - step)
    yield from (base("7" * digits) for digits in range(2, 10))
    if bounds:
        # Where there is no room for a whole one.
        yield sum(bounds, base(0)) / len(bounds) if base is not int else bounds[0]


def _days(usual: Any, limits: tuple[Any, ...]) -> Iterator[Any]:
    yield usual
    for name in _BOUNDS:
        for bound in _limits_named(name, limits):
            yield from (bound, bound + dt.timedelta(days=1), bound - dt.timedelta(days=1))


def _is_within(value: Any, limits: tuple[Any, ...]) -> bool:
    return (
        all(value >= bound for bound in _limits_named("ge", limits))
        and all(value > bound for bound in _limits_named("gt", limits))
        and all(value <= bound for bound in _limits_named("le", limits))
        and all(value < bound for bound in _limits_named("lt", limits))
        and all(value % step == 0 for step in _limits_named("multiple_of", limits))
    )


def _uuids(limits: tuple[Any, ...]) -> Iterator[str]:
    usual = _EXAMPLES[3]
    versions = [*_limits_named("uuid_version", limits)] or [4]
    return (f"{usual[:14]}{version}{usual[15:]}" for version in versions)


def _is_spelled(text: str, limits: tuple[Any, ...]) -> bool:
    """Whether it is as long as it has to be, and of that pattern."""
    return (
        all(len(text) >= least for least in _limits_named("min_length", limits))
        and all(len(text) <= most for most in _limits_named("max_length", limits))
        and all(_matches(pattern, text) for pattern in _limits_named("pattern", limits))
    )


def _matches(pattern: str | re.Pattern[str], text: str) -> bool:
    # pydantic's own engine knows a few things that this one does not.
    with suppress(re.error):
        return re.search(pattern, text) is not None
    return False


def _texts() -> Iterator[str]:
    """Words, codes, slugs and the like, for what asks for a length or a pattern."""
    yield from (
        "2026",
        "q7",
        "Q7",
        "v7",
        "qzkv-7",
        "qzkv_7",
        "qzkv@example.com",
        "7.7.7",
        "192.0.2.7",
        "2026-11",
        "qz-QZ",
    )
    for count in range(1, _LONGEST + 1):
        yield from (letter * count for letter in "qQ7a")
    for letter, separator in itertools.product("qQ", ("", "-", "_")):
        for letters, digits in itertools.product(range(1, 7), repeat=2):
            yield f"{letter * letters}{separator}{'7' * digits}"
