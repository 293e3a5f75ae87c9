"""Regexes whose matching time explodes, measured with longer and longer origins.

The next length is tried only if the last one took a few milliseconds at most. The steps are so small that
even a time that doubles with each character stays below a second, so no measurement has to be stopped.
"""

from __future__ import annotations

import functools
import time
from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.grantors import grantors
from route_cors.insight.findings.samples import Sampler
from route_cors.insight.printable import printable
from route_cors.origins import MAX_ORIGIN_BYTES

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from route_cors.insight.findings.facts import Facts
    from route_cors.insight.findings.finding import Finding

__all__ = ["find_slow_regexes", "slow_origin"]

# Far above any sound regex: those take microseconds.
_SLOW: Final = 0.005
_TRIES: Final = 3
# For one regex.
_MAX_SAMPLES: Final = 3
_MAX_PLACES: Final = 24
# Characters that may follow in an origin and that a regex does not expect.
_ENDS: Final = ("", "-", ".", "_-")


def find_slow_regexes(facts: Facts) -> Iterator[Finding]:
    """RC023: a regex that takes long for some origin, of a length that servers accept."""
    for grantor in grantors(facts):
        for regex in grantor.regexes:
            origin = slow_origin(regex)
            if origin is not None:
                sentence = (
                    f"the regex {printable(regex.pattern)} takes over {_SLOW * 1000:.0f} ms for an origin of"
                    f" {len(origin)} characters, and much longer for longer ones"
                )
                fix = (
                    "do not nest repetitions, and do not let two adjacent parts match the same text:"
                    r" r'https://[a-z0-9-]+\.example\.com'"
                )
                yield grantor.about("RC023", sentence, fix)


@functools.lru_cache(maxsize=256)
def slow_origin(regex: re.Pattern[str]) -> str | None:
    """The first origin found that takes long to match; None if none is found."""
    for start in _starts(regex):
        for end in _ENDS:
            found = _grown(regex, start, end)
            if found is not None:
                return found
    return None


def _starts(regex: re.Pattern[str]) -> Iterator[str]:
    """Prefixes that end in a character which the regex may repeat."""
    sampler = Sampler(regex)
    starts: dict[str, None] = {}
    for _, sample in zip(range(_MAX_SAMPLES), sampler.samples(), strict=False):
        after = sample.find("://") + 3
        for place in range(after, min(len(sample), after + _MAX_PLACES)):
            starts[sample[: place + 1]] = None
    yield from starts


def _grown(regex: re.Pattern[str], start: str, end: str) -> str | None:
    repeated = start[-1]
    length = 1
    while len(start) + length + len(end) <= MAX_ORIGIN_BYTES:
        origin = f"{start}{repeated * length}{end}"
        # More than once: the machine may have been busy with something else.
        if all(_seconds(regex, origin) > _SLOW for _ in range(_TRIES)):
            return origin
        length += max(1, length // 8)
    return None


def _seconds(regex: re.Pattern[str], text: str) -> float:
    """In this thread's own CPU time, whatever else the machine does."""
    started = time.thread_time()
    regex.fullmatch(text)
    return time.thread_time() - started
