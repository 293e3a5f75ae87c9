"""The members of a `LiveOrigins`: what a load returned, and what of it a policy may use."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple, cast

from route_cors.errors import CORSConfigError, Problem
from route_cors.origin_set import OriginSet
from route_cors.origins import ANY_ORIGIN, DeclaredOrigin, parse_origin
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_MEMBERS: Final = 100_000
"""More are a mistake, such as a load of the wrong table, and would take hundreds of megabytes."""


class Members(NamedTuple):
    """The origins and patterns of a set, by their text, and what was left out of it."""

    origins: Mapping[str, DeclaredOrigin]
    problems: tuple[Problem, ...]


class Rules(NamedTuple):
    """What a policy allows, of what is refused with credentials otherwise."""

    insecure: bool
    public_suffixes: bool


def read_members(loaded: object, known: Mapping[str, DeclaredOrigin]) -> Members:
    """Read what a load returned; `known` are members that need not be read again.

    Raises `TypeError` if it is not an iterable of strings, and `ValueError` if there are too many. A member
    that is not an origin is left out, with its problem.
    """
    if isinstance(loaded, str | bytes) or not isinstance(loaded, Iterable):
        kind = type(loaded).__name__
        raise TypeError(f"returned {kind}, not a list of origins: return ['https://a.example', ...]")
    items = list(itertools.islice(cast("Iterable[object]", loaded), MAX_MEMBERS + 1))
    if len(items) > MAX_MEMBERS:
        raise ValueError(f"returned more than {MAX_MEMBERS:,} origins: return those that are in use")
    origins: dict[str, DeclaredOrigin] = {}
    problems: list[Problem] = []
    for item in items:
        try:
            origins[cast("str", item)] = _read(item, known)
        except CORSConfigError as error:
            problems += error.problems
    return Members(origins, tuple(problems))


def _read(item: object, known: Mapping[str, DeclaredOrigin]) -> DeclaredOrigin:
    if not isinstance(item, str):
        raise CORSConfigError([Problem("origins", item, "not a str: return origins and origin patterns")])
    if item == ANY_ORIGIN:
        reason = "a set that changes cannot allow every origin: declare origins='*'"
        raise CORSConfigError([Problem("origins", item, reason)])
    return known.get(item) or parse_origin(item)


def admitted(origins: Mapping[str, DeclaredOrigin], rules: Rules) -> tuple[OriginSet, list[Problem]]:
    """The members that a policy with these rules may use, compiled, and what is wrong with the others."""
    problems: list[Problem] = []
    sound: list[DeclaredOrigin] = []
    for text, origin in origins.items():
        # What is refused with credentials is one of these, and to ask takes long.
        found = _problems(text, rules) if origin.is_insecure or origin.subdomains else ()
        problems += found
        if not found:
            sound.append(origin)
    return OriginSet.compile(sound), problems


def _problems(text: str, rules: Rules) -> tuple[Problem, ...]:
    if all(rules):
        return ()
    try:
        CORSPolicy(
            origins=text,
            allow_credentials=True,
            dangerously_allow_insecure_origins=rules.insecure,
            dangerously_allow_public_suffixes=rules.public_suffixes,
        )
    except CORSConfigError as error:
        return error.problems
    return ()
