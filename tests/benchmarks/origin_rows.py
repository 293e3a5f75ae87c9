"""What the number of allowed origins costs a check."""

from __future__ import annotations

import marshal
from typing import TYPE_CHECKING

from fastapi import FastAPI

from answers import WrongAnswerError, require_answer
from apps import PATH, bare, layer
from route_cors import CORSPolicy, cors
from row import Row, Target, compared
from scopes import fresh_scopes, preflight_headers
from timing import Chunk, calls_of, interleave, net, own_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["checks", "origins"]

_ORIGINS = 100_000
_PATTERNS = 10_000

_EXACT = f"https://app{_ORIGINS - 1}.example"
_PATTERN = f"https://*.cust{_PATTERNS - 1}.example"
# What is asked for, and whether it is allowed.
_ASKED = {
    "an exact hit": (_EXACT.encode(), True),
    "a pattern's hit": (_PATTERN.replace("*", "eu").encode(), True),
    "a miss": (b"https://eu.stranger.example", False),
}

_ONE = "1 + 1"
_MANY = f"{_ORIGINS:,} origins + {_PATTERNS:,} patterns"


def origins(seconds: float) -> Iterator[Row]:
    """A check by a policy's compiled set alone, and a whole preflight."""
    policies = {
        _ONE: CORSPolicy(origins=[_EXACT, _PATTERN]),
        _MANY: CORSPolicy(
            origins=[
                *(f"https://app{i}.example" for i in range(_ORIGINS)),
                *(f"https://*.cust{i}.example" for i in range(_PATTERNS)),
            ]
        ),
    }
    for asked, (origin, allowed) in _ASKED.items():
        for what, subjects in (
            (f"origin check, {asked}", checks(policies, origin, allowed=allowed)),
            (f"preflight, {asked}", _preflights(policies, origin, allowed=allowed)),
        ):
            timings = interleave(subjects, seconds / 6)
            yield compared(what, timings, _MANY, _ONE, Target(1.5))


def checks(policies: dict[str, CORSPolicy], origin: bytes, *, allowed: bool) -> dict[str, Chunk]:
    """A check by the compiled set of each policy."""
    # A new object each time, whose hash nobody has computed yet.
    packed = marshal.dumps(origin)
    driver = calls_of(lambda: marshal.loads(packed))  # noqa: S302 - what was packed above
    subjects: dict[str, Chunk] = {}
    for name, policy in policies.items():
        if policy.origin_set.matches(origin) is not allowed:
            raise WrongAnswerError(f"{origin!r} is not judged as it should")
        subjects[name] = net(calls_of(_check(policy, packed)), driver)
    return subjects


def _check(policy: CORSPolicy, packed: bytes) -> Callable[[], bool]:
    matches = policy.origin_set.matches
    return lambda: matches(marshal.loads(packed))  # noqa: S302 - what was packed above


def _preflights(policies: dict[str, CORSPolicy], origin: bytes, *, allowed: bool) -> dict[str, Chunk]:
    headers = preflight_headers(origin=origin, names=b"content-type")
    subjects: dict[str, Chunk] = {}
    for name, policy in policies.items():
        fresh_scope = fresh_scopes(_app(policy), "OPTIONS", PATH, headers)
        around = layer(bare)
        if allowed:
            require_answer(around, fresh_scope(), origin=origin)
        else:
            require_answer(around, fresh_scope(), origin=None, statuses=(403,))
        subjects[name] = own_time((around, fresh_scope))
    return subjects


def _app(policy: CORSPolicy) -> FastAPI:
    app = FastAPI()

    @app.put(PATH)
    @cors(policy)
    async def write(number: int) -> None: ...

    return app
