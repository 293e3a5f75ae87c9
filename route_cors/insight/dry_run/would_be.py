"""What the policies would decide about a request, and how that compares with what the app answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from route_cors.decisions import REQUEST_REFUSED, Change, bounded
from route_cors.headers import requested_names
from route_cors.insight.dry_run.readings import (
    NOTHING,
    Asked,
    Reading,
    change_between,
    in_words,
    read_actual,
    read_preflight_answer,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from route_cors.decisions import Event
    from route_cors.dispatch.target import Target
    from route_cors.protocol import Check, Header, Headers, Preflight, Terms

# Results that are kept for each decision, and the bytes of the longest headers among them.
_MAX_REMEMBERED: Final = 4
_MAX_REMEMBERED_BYTES: Final = 2048

ACCEPTED: Final = 101
"""In place of the status of a websocket's handshake that the app accepts."""


class Compared(NamedTuple):
    """What an app's answer allows, and what would change; as in `DryRun`."""

    allowed: bool
    change: Change
    why: str


@dataclass(frozen=True, slots=True, eq=False)
class WouldBe:
    """The decision that would be made about a request.

    `origin` is empty if no browser sends such an Origin header. `headers` are those that the response would
    get, or those of the layer's own answer to a preflight, whose status is `status`.
    """

    event: Event
    target: Target
    terms: Terms
    origin: bytes
    failed: tuple[Check, ...] = ()
    headers: Headers = ()
    status: int = 0
    preflight: Preflight | None = None
    _seen: list[tuple[int | None, list[Header], Compared]] = field(
        init=False, repr=False, default_factory=list[tuple[int | None, "list[Header]", "Compared"]]
    )

    @property
    def method(self) -> str | None:
        """The one that a preflight announces; None for other requests: their scope has it."""
        return None if self.preflight is None else self.preflight[1].decode("latin-1")

    def refused_names(self) -> tuple[bytes, ...]:
        """The request-header names that a preflight asks for and the policy does not allow."""
        names = self.preflight[2] if self.preflight is not None and "headers" in self.failed else None
        return () if names is None else self.terms.refused_names(names)

    def beside(self, status: int | None, headers: Iterable[Header]) -> Compared:
        """What the page gets now, and what it would gain or lose. Earlier results are kept.

        Args:
            status: of the app's answer; None if there was none.
            headers: of the app's answer.
        """
        # Of a preflight's answer, all headers are the same each time; of other responses, those of CORS are.
        sent = [*headers] if self.preflight else [each for each in headers if each[0][:1] in _INITIALS]
        for seen_status, seen, compared in self._seen:
            if seen == sent and seen_status == status:
                return compared
        compared = self._beside(status, sent)
        if sum(len(name) + len(value) for name, value in sent) <= _MAX_REMEMBERED_BYTES:
            if len(self._seen) >= _MAX_REMEMBERED:
                self._seen.clear()
            self._seen.append((status, sent, compared))
        return compared

    def _beside(self, status: int | None, headers: Sequence[Header]) -> Compared:
        if self.event.kind == "preflight":
            return self._preflight(status, headers)
        if self.event.kind == "websocket":
            return self._handshake(status)
        return self._actual(status, headers)

    def _preflight(self, status: int | None, headers: Sequence[Header]) -> Compared:
        asked = self._asked()
        now = NOTHING if status is None else read_preflight_answer(status, headers, self.origin, asked)
        then = read_preflight_answer(self.status, self.headers, self.origin, asked)
        return self._told(now, then, "the call")

    def _asked(self) -> Asked:
        names = (self.preflight[2] if self.preflight else None) or b""
        # A list that cannot be parsed is one name that nobody allows.
        listed = requested_names(names)
        texts = (name.decode("latin-1") for name in ((names,) if listed is None else listed))
        return Asked(self.method or "", tuple(texts))

    def _actual(self, status: int | None, headers: Sequence[Header]) -> Compared:
        if status is None:
            # The layer writes headers on responses: without a response there is nothing to change.
            return Compared(allowed=False, change="", why="")
        now = read_actual(headers, self.origin)
        if self.event is REQUEST_REFUSED:
            failed = ", ".join(self.failed)
            why = f"the app serves the request ({status}); enforcement refuses it before it runs: {failed}"
            return Compared(now.is_allowed, "loses", why)
        return self._told(now, read_actual(self.headers, self.origin), "reading the response")

    def _handshake(self, status: int | None) -> Compared:
        # The layer only refuses handshakes: what the app refuses stays refused.
        is_accepted = status == ACCEPTED
        if self.event.allowed or not is_accepted:
            return Compared(is_accepted, "", "")
        return Compared(is_accepted, "loses", "the app accepts the websocket; the policy refuses it: origin")

    def _told(self, now: Reading, then: Reading, what: str) -> Compared:
        change = change_between(now, then)
        failed = ", ".join(self.failed)
        why = bounded(in_words(now, then, failed=failed, what=what)) if change else ""
        return Compared(now.is_allowed, change, why)


_INITIALS: Final = frozenset({b"a", b"A"})
