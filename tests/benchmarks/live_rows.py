"""What the number of a live set's members costs a check, a load, and in memory."""

from __future__ import annotations

import gc
import time
import tracemalloc
from typing import TYPE_CHECKING

import anyio

from answers import WrongAnswerError
from origin_rows import checks
from route_cors import CORSPolicy, LiveOrigins
from row import Row, Target, compared
from timing import interleave

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMBERS = 100_000
_HIT = f"https://app{_MEMBERS - 1}.example"
_ONE = "1 member"
_MANY = f"{_MEMBERS:,} members"


def live(seconds: float) -> Iterator[Row]:
    """Live origins: a check by the set, loading it, putting it in place of another one, memory."""
    members = [f"https://app{number}.example" for number in range(_MEMBERS)]
    policies = {_ONE: _loaded([_HIT])[0], _MANY: _loaded(members)[0]}
    for asked, origin, allowed in (("a hit", _HIT, True), ("a miss", "https://eu.stranger.example", False)):
        timings = interleave(checks(policies, origin.encode(), allowed=allowed), seconds / 4)
        yield compared(f"live origins, check, {asked}", timings, _MANY, _ONE, Target(1.5))
    first, swap = min(_seconds(members) for _ in range(3))
    yield Row(f"live origins, first load of {_MEMBERS:,}: seconds", first, Target(1))
    yield Row(f"live origins, a load of {_MEMBERS:,} with one other member: seconds", swap, Target(1))
    yield Row("live origins, memory of a member: bytes", _memory(members) / _MEMBERS, Target(1_024))


def _loaded(members: list[str]) -> tuple[CORSPolicy, LiveOrigins]:
    origins = LiveOrigins(lambda: members)
    policy = CORSPolicy(origins=origins, allow_credentials=True)
    anyio.run(_load, origins)
    if len(origins.origins) != len(members):
        raise WrongAnswerError("members were left out")
    return policy, origins


async def _load(origins: LiveOrigins) -> None:
    async with origins:
        pass


def _seconds(members: list[str]) -> tuple[float, float]:
    """Of CPU, for the first load, and for one more after one member was replaced."""
    present = [*members]
    origins = LiveOrigins(lambda: present)
    CORSPolicy(origins=origins, allow_credentials=True)
    times: list[float] = []
    for newcomer in (members[0], "https://newcomer.example"):
        present[0] = newcomer
        started = time.process_time()
        anyio.run(_load, origins)
        times.append(time.process_time() - started)
    return times[0], times[1]


def _memory(members: list[str]) -> int:
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = _loaded(members)
        gc.collect()
        size = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    del kept
    return size
