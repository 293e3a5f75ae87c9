"""The clock: several subjects timed in turn, so that what slows the machine slows all of them.

A shared machine changes its speed by half and more, for seconds at a time. So no subject is timed at a
stretch: each round runs a few milliseconds of every subject, in a random order, while the garbage collector
rests. The clock is this thread's own, which stands still while other programs have the processor.

Ratios are taken within each round, and their median is reported. Over eight runs of four seconds on such a
machine they stayed within 3 to 6 %; ratios of medians over all rounds within 8 to 10 %, as a median may stand
for a fast second of one subject and a slow one of another; ratios of minima within 70 to 80 %, as the least
net time is that of a fast subject beside a slow driver.
"""

from __future__ import annotations

import gc
import random
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import repeat
from time import perf_counter, thread_time_ns
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = [
    "Asked",
    "Chunk",
    "Timings",
    "added_by",
    "calls_of",
    "interleave",
    "net",
    "nothing",
    "own_time",
    "receive",
]

# An ASGI app, and what makes the scopes of the requests to it. Not ASGIApp, whose calls may be any awaitable:
# these are coroutines.
Asked: TypeAlias = tuple[Callable[..., Any], Callable[[], "Scope"]]
# Runs that many times, and says how many nanoseconds it took.
Chunk: TypeAlias = Callable[[int], int]

_CHUNK_NS = 2_500_000
_FEWEST_ROUNDS = 7


async def receive() -> Message:
    """The whole of a request without a body."""
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: Message) -> None:
    """A server's part in sending is not measured."""


def _requests(asked: Asked) -> Chunk:
    """Requests without an event loop: nothing here waits for anything."""
    app, fresh_scope = asked

    def run(calls: int) -> int:
        start = thread_time_ns()
        for _ in repeat(None, calls):
            try:
                app(fresh_scope(), receive, _send).send(None)
            except StopIteration:
                continue
            raise RuntimeError(f"{app!r} waits for something")
        return thread_time_ns() - start

    return run


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """The app whose time is the driver's own."""


def own_time(asked: Asked) -> Chunk:
    """Requests to an ASGI app, without what it takes to make them."""
    return added_by(asked, nothing)


def added_by(asked: Asked, inner: ASGIApp) -> Chunk:
    """Requests to an ASGI app through a layer, without what they take without it."""
    _, fresh_scope = asked
    return net(_requests(asked), _requests((inner, fresh_scope)))


def calls_of(function: Callable[[], object]) -> Chunk:
    """Calls of a plain function."""

    def run(calls: int) -> int:
        start = thread_time_ns()
        for _ in repeat(None, calls):
            function()
        return thread_time_ns() - start

    return run


def net(subject: Chunk, driver: Chunk) -> Chunk:
    """The subject's time without that of its driver, which is taken beside it."""

    def run(calls: int) -> int:
        return subject(calls) - driver(calls)

    return run


@dataclass(frozen=True)
class Timings:
    """Nanoseconds a call, by subject and round."""

    rounds: Mapping[str, list[float]]

    def ns(self, subject: str) -> float:
        """The median time of a call."""
        return statistics.median(self.rounds[subject])

    def ratio(self, subject: str, other: str) -> float:
        """What one takes for each moment of the other: the median over the rounds."""
        pairs = zip(self.rounds[subject], self.rounds[other], strict=True)
        return statistics.median(time / other_time for time, other_time in pairs)


def interleave(subjects: Mapping[str, Chunk], seconds: float) -> Timings:
    """Time the subjects in turn, for about that long all together."""
    calls = {name: _calls_in_a_chunk(run) for name, run in subjects.items()}
    rounds: dict[str, list[float]] = {name: [] for name in subjects}
    order = list(subjects)
    shuffle = random.Random(0).shuffle
    until = perf_counter() + seconds
    # What exists by now is not looked through again; what the rounds leave behind is collected between them.
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        while perf_counter() < until or len(rounds[order[0]]) < _FEWEST_ROUNDS:
            shuffle(order)
            for name in order:
                rounds[name].append(subjects[name](calls[name]) / calls[name])
            gc.collect()
    finally:
        gc.enable()
        gc.unfreeze()
    return Timings(rounds)


def _calls_in_a_chunk(run: Chunk) -> int:
    run(1)  # what is built on the first call is not measured
    calls = 1
    while (elapsed := _elapsed_ns(run, calls)) < _CHUNK_NS // 4:
        calls *= 2
    return max(1, round(calls * _CHUNK_NS / elapsed))


def _elapsed_ns(run: Chunk, calls: int) -> int:
    """The driver's time included, which a chunk may leave out of its own account."""
    start = thread_time_ns()
    run(calls)
    return thread_time_ns() - start
