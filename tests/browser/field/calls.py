"""What a page does, what came of it, and what is asked of that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from browser.field.setups import APP

if TYPE_CHECKING:
    from route_cors.testing.history import Exchange
    from route_cors.testing.messages import ReceivedResponse

__all__ = [
    "BLOCKED",
    "CLIENT",
    "COOKIE",
    "NO_RESPONSE",
    "OWN",
    "Call",
    "Holds",
    "Outcome",
    "Seen",
    "all_of",
    "answers",
    "blocked",
    "blocked_before_the_request",
    "is_approved",
    "is_not_echoed",
    "names_it_once",
    "preflights",
    "reads",
    "tells_nothing",
    "varies_by",
    "whole_in_a_cache",
]

Outcome: TypeAlias = tuple[Any, ...]
"""What a script sees: `("read", status, X-Id)`, or `("blocked",)`."""

BLOCKED: Final[Outcome] = ("blocked",)

NO_RESPONSE: Final[Outcome] = ("no response",)
"""The server closed the connection: for the script the same as `BLOCKED`."""

COOKIE: Final = ("session", "s")
"""Each browser has it before the first call; a call with credentials sends it."""

OWN: Final = "own"
"""A page of the site itself."""
CLIENT: Final = ""
"""A program that is no browser: it sends what the call says, and nothing else."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a page.

    Args:
        page: its origin, `OWN` or `CLIENT`.
        path, method, headers, content, credentials: as `fetch` takes them.
        how: `fetch`; `open`, for a link that is followed; `websocket`.
    """

    page: str
    path: str = "/notes"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    content: str | None = None
    credentials: Literal["same-origin", "include"] = "same-origin"
    how: Literal["fetch", "open", "websocket"] = "fetch"


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a call.

    Args:
        outcome: for the page.
        exchanges: with the server, oldest first.
    """

    outcome: Outcome
    exchanges: tuple[Exchange, ...]

    @property
    def last(self) -> Exchange:
        return self.exchanges[-1]

    @property
    def received(self) -> ReceivedResponse:
        """The last response."""
        response = self.last.response
        assert response is not None
        return response

    def values(self, name: str) -> list[str]:
        """The elements of a list header of the last response, in lower case."""
        lines = self.received.headers.get_all(name)
        return [element.strip().lower() for line in lines for element in line.split(",")]


Holds: TypeAlias = Callable[[Sequence[Seen]], bool]
"""Whether what was seen of the calls of a scenario is what must hold."""


def reads(status: int = 200, *, x_id: str | None = None) -> Holds:
    """The page reads the last response, and this header of it if one is named."""

    def holds(seen: Sequence[Seen]) -> bool:
        outcome = seen[-1].outcome
        return outcome[:2] == ("read", status) and x_id in {None, outcome[-1]}

    return holds


def blocked(seen: Sequence[Seen]) -> bool:
    """The page cannot read the last response."""
    return seen[-1].outcome == BLOCKED


def blocked_before_the_request(seen: Sequence[Seen]) -> bool:
    """Nothing but preflights was sent: the handler did not run."""
    return blocked(seen) and all(each.step == "preflight" for each in seen[-1].exchanges)


def tells_nothing(seen: Sequence[Seen]) -> bool:
    """The page is blocked, and the last response has no header of CORS but the one allowed origin."""
    others = {name for name in seen[-1].received.headers if name.startswith("access-control-")}
    return blocked(seen) and others <= {"access-control-allow-origin"}


def varies_by(*names: str) -> Holds:
    """Vary names each of these, once."""
    return lambda seen: all(seen[-1].values("vary").count(name.lower()) == 1 for name in names)


def whole_in_a_cache(seen: Sequence[Seen]) -> bool:
    """A cache that keeps the first response may give it to the page of the last call, which can read it then.

    https://fetch.spec.whatwg.org/#cors-protocol-and-http-caches
    """
    first, last = seen[0], seen[-1]
    if {"origin", "*"} & set(first.values("vary")):
        return True
    names = ("access-control-allow-origin", "access-control-allow-credentials")
    if first.values(names[0]) == ["*"] and last.values(names[0]) == ["*"]:
        return True
    return all(first.values(name) == last.values(name) for name in names)


def names_it_once(seen: Sequence[Seen]) -> bool:
    """There is one Access-Control-Allow-Origin."""
    return len(seen[-1].received.headers.get_all("access-control-allow-origin")) == 1


def preflights(number: int) -> Holds:
    """So many preflights were sent, and each call was read."""

    def holds(seen: Sequence[Seen]) -> bool:
        sent = [exchange.step for each in seen for exchange in each.exchanges if not exchange.from_cache]
        return all(each.outcome[0] == "read" for each in seen) and sent.count("preflight") == number

    return holds


def answers(body: bytes) -> Holds:
    """The last response holds this."""
    return lambda seen: seen[-1].received.content == body


def is_approved(seen: Sequence[Seen]) -> bool:
    """The last response is one to a preflight, and allows `APP`."""
    response = seen[-1].received
    allowed = response.headers.get("access-control-allow-origin")
    return 200 <= response.status_code < 300 and allowed in {APP, "*"}


def is_not_echoed(seen: Sequence[Seen]) -> bool:
    """The response is no server error, and shorter than what was sent."""
    response = seen[-1].received
    sent = sum(len(value) for _, value in seen[-1].last.request.headers.raw)
    received = sum(len(value) for _, value in response.headers.raw) + len(response.content)
    return response.status_code < 500 and received < sent


def all_of(*every: Holds) -> Holds:
    """Each of these holds."""
    return lambda seen: all(holds(seen) for holds in every)
