"""What a dry run saw that would change, counted by route and origin, up to a limit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.decisions import Change, Decision

# In place of an origin and a method, which clients can make up.
_OTHER: Final = "(other)"
_Key = tuple[str | None, str, str | None, str | None, str]


@dataclass(frozen=True, slots=True)
class Counted:
    """What pages of one origin would gain or lose on one route.

    `kind`, `route`, `method` and `origin` are as in a `Decision`; `method` and `origin` are "(other)" once
    there are too many rows. `change` and `why` are as in a `DryRun`, `why` of the first request. `requests`
    is how many there were.
    """

    kind: str
    route: str | None
    method: str | None
    origin: str | None
    change: Change
    why: str
    requests: int


class Differences:
    """Counts what would change: give it to `install_cors` as `on_decision`, and iterate over it for the rows.

    >>> from fastapi import FastAPI
    >>> from route_cors import CORSPolicy, install_cors
    >>> differences = Differences()
    >>> install_cors(FastAPI(), default=CORSPolicy(origins="*"), dry_run=True, on_decision=differences)
    >>> [*differences]
    []

    Args:
        limit: how many rows may name an origin and a method, 1 or more: clients can make up any number of
            them. What comes later is counted under "(other)", for each route and kind of change.

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
        """The rows, the most frequent first."""
        return iter(sorted([*self._rows.values()], key=lambda row: -row.requests))

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, row: object) -> bool:
        """Whether there is a row of that route, kind, method, origin and change."""
        return row in self._rows
