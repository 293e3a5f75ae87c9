"""One call, made by the browser in the box, to an app's stand-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from route_cors.insight.stand_in import UNCHANGED, StandIn
from route_cors.testing import AsyncBrowser, CORSBlocked
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from route_cors.insight.explanation import Call
    from route_cors.insight.site import Site
    from route_cors.insight.stand_in import Change, Handled
    from route_cors.testing.messages import ReceivedResponse, SentRequest

__all__ = ["WEBSOCKET", "Attempt", "Sent", "attempt", "is_websocket"]

WEBSOCKET = "WEBSOCKET"
"""The method that stands for `new WebSocket(path)`."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that the browser sent, what came back, and what became of it in between."""

    request: SentRequest
    response: ReceivedResponse
    handled: Handled


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call, the requests that the browser sent for it, and what blocked it; None where nothing did."""

    call: Call
    url: str
    is_same_origin: bool
    sent: tuple[Sent, ...]
    blocked: CORSBlocked | None

    @property
    def last(self) -> Sent:
        """The request at which it ended."""
        return self.sent[-1]


def is_websocket(call: Call) -> bool:
    """Whether the call opens a websocket."""
    return call.method.upper() == WEBSOCKET


async def attempt(site: Site, call: Call, change: Change = UNCHANGED) -> Attempt:
    """Make the call in a browser that has never been here: no cookie, nothing cached.

    Args:
        site: of the app that is called.
        call: what is called.
        change: what is tried.

    Raises:
        ValueError: no browser could make that call; the message names the value.
    """
    base = _base_url(call.base_url)
    url = _url(call, base)
    stand_in = StandIn(site, parse_url(base).path.rstrip("/"), change)
    browser = AsyncBrowser(stand_in, origin=call.origin, base_url=base)
    blocked: CORSBlocked | None = None
    try:
        await _make(browser, call, url)
    except CORSBlocked as error:
        blocked = error
    exchanges = zip(browser.history, stand_in.handled, strict=True)
    sent = [Sent(each.request, each.response, handled) for each, handled in exchanges if each.response]
    return Attempt(call, url, parse_url(url).origin == call.origin, tuple(sent), blocked)


async def _make(browser: AsyncBrowser, call: Call, url: str) -> None:
    if is_websocket(call):
        if call.headers:
            name = call.headers[0][0]
            raise ValueError(f"headers: {name!r}: a script cannot set headers of a websocket's handshake")
        await browser.connect(url)
        return
    await browser.fetch(
        url,
        method=call.method,
        headers=call.headers,
        credentials="include" if call.credentials else "same-origin",
    )


def _base_url(text: str) -> str:
    fault = (
        f"base_url: {text!r}: must be an http or https URL, without username, password, query and fragment"
    )
    try:
        base = parse_url(text)
    except ValueError:
        raise ValueError(fault) from None
    if base.scheme not in {"http", "https"} or base.has_credentials or not {"?", "#"}.isdisjoint(base.href):
        raise ValueError(fault)
    return base.href.rstrip("/")


def _url(call: Call, base: str) -> str:
    if not call.path.startswith("/"):
        raise ValueError(f"path: {call.path!r}: must start with a slash, as from the app's root: '/items'")
    return base + call.path
