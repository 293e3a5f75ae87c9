"""What was decided about one request, as data, and as the one line that a log gets of it.

Each kind of outcome has an event id that does not change between versions, for filters, alerts and
dashboards. What a client sent is limited in length, and escaped in the line.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.protocol import Check

EventId = Literal["RCE01", "RCE02", "RCE03", "RCE04", "RCE05", "RCE06", "RCE07"]
Kind = Literal["preflight", "actual", "websocket"]
Change = Literal["", "gains", "loses", "both"]


class Event(NamedTuple):
    """One kind of outcome; `allowed` says whether the page got what it wanted, `level` is the log's."""

    id: EventId
    kind: Kind
    allowed: bool
    level: int


PREFLIGHT_ALLOWED: Final = Event("RCE01", "preflight", allowed=True, level=logging.DEBUG)
PREFLIGHT_REFUSED: Final = Event("RCE02", "preflight", allowed=False, level=logging.INFO)
ANSWER_READABLE: Final = Event("RCE03", "actual", allowed=True, level=logging.DEBUG)
ANSWER_NOT_READABLE: Final = Event("RCE04", "actual", allowed=False, level=logging.INFO)
REQUEST_REFUSED: Final = Event("RCE05", "actual", allowed=False, level=logging.INFO)
WEBSOCKET_ALLOWED: Final = Event("RCE06", "websocket", allowed=True, level=logging.DEBUG)
WEBSOCKET_REFUSED: Final = Event("RCE07", "websocket", allowed=False, level=logging.INFO)
# No decisions: these are only logged.
CALLABLE_FAILED: Final = "RCE08 origin callable failed"
ON_DECISION_FAILED: Final = "RCE09 on_decision failed"
ENDPOINT_CONTRADICTS: Final = "RCE10 another endpoint was served than predicted"
POLICY_LOST: Final = "RCE11 a declared policy is lost"
LIVE_CHANGED: Final = "RCE12 live origins changed"
LIVE_FAILED: Final = "RCE13 live origins failed"
LIVE_NOT_RUNNING: Final = "RCE14 live origins are not loaded"

_WORDS: Final[dict[EventId, str]] = {
    "RCE01": "preflight allowed",
    "RCE02": "preflight refused",
    "RCE03": "answer readable",
    "RCE04": "answer not readable",
    "RCE05": "request refused",
    "RCE06": "websocket allowed",
    "RCE07": "websocket refused",
}


@dataclass(frozen=True, slots=True)
class DryRun:
    """What the app itself answered during a dry run, compared with what the policy would have answered.

    `status` is that of the app's response: 101 for a websocket that was accepted, None if it sent none or
    closed the websocket. `allowed`: the response lets the page do what it wanted, with or without
    credentials. `change` is what the page would gain or lose under the policy: "gains", "loses", "both" if it
    is some of each, "" if nothing changes. `why` explains the change in a sentence of 300 characters at most.
    300 characters at most.
    """

    status: int | None
    allowed: bool
    change: Change
    why: str


# Characters. Longer than any origin that a browser sends: a host name has 253 at most.
_LONGEST: Final = 300
_CUT: Final = "..."


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided about one cross-origin request. `str()` of it is the line that is logged.

    `event` is the stable id of the outcome: RCE01 a preflight was allowed, RCE02 it was refused; RCE03 the
    page may read the response, RCE04 it may not; RCE05 `enforce` refused the request; RCE06 the handshake of
    a websocket was allowed, RCE07 it was refused. `kind` is "preflight", "actual" or "websocket". `allowed`
    says whether the page got what it wanted. `failed` has the checks that failed: "origin", "method" and
    "headers"; for RCE05 one of "site" (the browser says that another site sent the request), "origin" (the
    browser says nothing, and the Origin is not the app's own) and "credentials" (`*` never allows them).

    `method` is the method of the request, or the one that a preflight announces; None for a websocket. `path`
    is as the client sent it, percent-encoded, without a query. `route` is the registered path, after the
    paths of its mounts; None if no route answers. It has no more values than the app has routes, so it fits a
    metric's label, as `event` does. `origin` is the Origin header as the client sent it, None if there is
    none. `refused_headers` are the request-header names that the policy does not allow, if the check
    "headers" failed. For RCE05 and RCE07, `sec_fetch_site` is the header of that name (None if the browser
    sent none), and `own_origin` is the origin of the request's own URL, with which the Origin was compared
    (None without a Host header). What a client sent may contain any characters, and is cut to 300 of them.
    cut to 300 of them.

    `live_age` is the number of seconds since the `LiveOrigins` of the policy were last loaded; if there are
    several, the largest; None if there are none, or if one was never loaded.

    `dry_run` is None except under `install_cors(dry_run=True)`: there the decision has no effect, and
    `dry_run` says what the app answered.

    >>> put = {"kind": "preflight", "method": "PUT", "path": "/notes/7", "route": "/notes/{n}"}
    >>> stranger = {"origin": "https://evil.com", "allowed": False, "failed": ("origin",)}
    >>> print(Decision(event="RCE02", **put, **stranger))
    RCE02 preflight refused: failed=origin method=PUT path=/notes/7 origin=https://evil.com route=/notes/{n}
    """

    event: EventId
    kind: Kind
    allowed: bool
    failed: tuple[Check, ...]
    method: str | None
    path: str
    route: str | None
    origin: str | None
    refused_headers: tuple[str, ...] = ()
    sec_fetch_site: str | None = None
    own_origin: str | None = None
    live_age: float | None = None
    dry_run: DryRun | None = None

    def __str__(self) -> str:
        dry = self.dry_run
        fields = {
            "failed": ",".join(self.failed) or None,
            "method": self.method,
            "refused_headers": ",".join(self.refused_headers) or None,
            "path": self.path,
            "origin": self.origin,
            "sec_fetch_site": self.sec_fetch_site,
            "own_origin": self.own_origin,
            "route": self.route,
            "live_age": None if self.live_age is None else f"{self.live_age:.0f}s",
            "change": (dry.change or "none") if dry else None,
            "why": (dry.why or None) if dry else None,
        }
        said = (f"{name}={_quoted(value)}" for name, value in fields.items() if value is not None)
        return f"{self.event} {'dry run, ' if dry else ''}{_WORDS[self.event]}: {' '.join(said)}"


def bounded(text: str) -> str:
    """The text; only the beginning if it is longer than 300 characters.

    >>> len(bounded("/" * 65_536)), bounded("/" * 65_536)[-4:]
    (300, '/...')
    """
    return text if len(text) <= _LONGEST else text[: _LONGEST - len(_CUT)] + _CUT


def bounded_names(names: Iterable[str]) -> tuple[str, ...]:
    """As many of the names as fit into 300 characters, with a comma between them; then "...".

    >>> bounded_names(["x" * 200, "y" * 200])[1:]
    ('...',)
    """
    fitting: list[str] = []
    left = _LONGEST - len(_CUT)
    for name in names:
        left -= len(name) + 1
        if left < 0:
            return (*fitting, _CUT)
        fitting.append(name)
    return tuple(fitting)


def escaped(text: str) -> str:
    r"""The text in printable ASCII, as the inside of a JSON string.

    >>> print(escaped("/a\n\x1b[31m\u202e"))
    /a\n\u001b[31m\u202e
    """
    return json.dumps(text)[1:-1]


def _quoted(text: str) -> str:
    """The text as it is, or as a JSON string where that would be ambiguous."""
    safe = escaped(text)
    return safe if safe == text and safe and " " not in safe else f'"{safe}"'
