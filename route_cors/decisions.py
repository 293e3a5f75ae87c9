"""What was decided about one request, as data, and as the one line that a log gets of it.

Each kind of outcome has an event id that stays what it is from version to version, for filters, alerts and
dashboards. Whatever a client sent is cut to a bound, and escaped in the line.
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

    `status` is that of the app's answer (101 for a websocket that was accepted); None if there was no answer,
    or if the app closed the websocket. `allowed`: the answer lets the page do what it wanted, with or without
    credentials. `change` is what the page would gain or lose under the policy: "gains", "loses", "both" if it
    is some of each, "" if nothing changes. `why` explains the change in a sentence of 300 characters at most.
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

    `event` is the stable id of the outcome: RCE01 and RCE02 a preflight that is allowed or refused, RCE03 and
    RCE04 a request whose answer its page may or may not read, RCE05 one that `enforce` refused, RCE06 and
    RCE07 a websocket's handshake that is allowed or refused. `kind` is what asked: "preflight", "actual" or
    "websocket". `allowed` says whether the page got what it wanted, `failed` which checks failed: "origin",
    "method" and "headers"; for RCE05 one of "site" (the browser says that another site sent it), "origin"
    (the browser does not say, and its Origin is another one) and "credentials" (`*` never covers them).

    `method` is the request's, of a preflight the one that it announces, and None for a websocket. `path` is
    as the client sent it, percent-encoded, without a query. `route` is the path that was registered, after
    those of its mounts; None where no route answers. There are no more of them than the app has routes: the
    one field beside `event` that fits a metric's label. `origin` is the Origin header as the client sent it,
    None if there is none. `refused_headers` are the request-header names that the policy does not allow, if
    the check "headers" failed. Of a refused request or websocket (RCE05, RCE07), `sec_fetch_site` is the
    header of that name, None if the browser sent none, and `own_origin` the origin of the request's own URL,
    with which its Origin was compared, None without a Host header. All that a client sent may contain
    anything, in 300 characters at most.

    `live_age` is the number of seconds since the `LiveOrigins` of the policy were last loaded, of the oldest
    if there are several; None without any, or if one was never loaded.

    `dry_run` is None except under `install_cors(dry_run=True)`: there the decision was not carried out, and
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
    """The text, and of one that is longer than 300 characters its beginning.

    >>> len(bounded("/" * 65_536)), bounded("/" * 65_536)[-4:]
    (300, '/...')
    """
    return text if len(text) <= _LONGEST else text[: _LONGEST - len(_CUT)] + _CUT


def bounded_names(names: Iterable[str]) -> tuple[str, ...]:
    """The names, as many as fit into 300 characters with a comma between them; then "...".

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
