"""How often a dry run saw what change, by route and origin: as many rows as the app has routes, and a bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.decisions import Change, Decision

__all__ = ["Counted", "Differences"]

# In place of what clients make up: an origin, a method.
_OTHER: Final = "(other)"
_Key = tuple[str | None, str, str | None, str, str]


@dataclass(frozen=True, slots=True)
class Counted:
    """One row: what pages of an origin would gain or lose on a route, and how many requests showed it.

    `kind`, `route`, `method` and `origin` as a `Decision` has them; where clients made up too many methods
    and origins, both are "(other)". `why` is the first one's.
    """

    kind: str
    route: str | None
    method: str | None
    origin: str
    change: Change
    why: str
    requests: int


class Differences:
    """What a dry run saw that would change: a function to be given as `on_decision`, and the rows.

    >>> from fastapi import FastAPI
    >>> from route_cors import CORSPolicy, install_cors
    >>> differences = Differences()
    >>> install_cors(FastAPI(), default=CORSPolicy(origins="*"), dry_run=True, on_decision=differences)
    >>> [*differences]
    []

    Args:
        limit: of rows that name an origin and a method as clients sent them, 1 or more. What comes later is
            counted under "(other)", for each route and kind of change.

    Raises:
        ValueError: the limit is less than 1.
    """

    def __init__(self, limit: int = 1000) -> None:
        if limit < 1:
            raise ValueError(f"limit must be 1 or more, not {limit!r}: leave it out for 1000")
        self._limit = limit
        self._rows: dict[_Key, Counted] = {}

    def __call__(self, decision: Decision) -> None:
        """Count the decision, if it is about something that would change."""
        self.is_new(decision)

    def is_new(self, decision: Decision) -> bool:
        """Count the decision; whether it is the first one of its row."""
        seen = decision.dry_run
        if seen is None or not seen.change:
            return False
        key: _Key = (decision.route, decision.kind, decision.method, decision.origin, seen.change)
        if key not in self._rows and len(self._rows) >= self._limit:
            key = (decision.route, decision.kind, _OTHER, _OTHER, seen.change)
        row = self._rows.get(key)
        route, kind, method, origin, _ = key
        requests = 1 if row is None else row.requests + 1
        why = seen.why if row is None else row.why
        self._rows[key] = Counted(kind, route, method, origin, seen.change, why, requests)
        return row is None

    def __iter__(self) -> Iterator[Counted]:
        """The rows, those with the most requests first."""
        return iter(sorted([*self._rows.values()], key=lambda row: -row.requests))

    def __len__(self) -> int:
        return len(self._rows)
