"""The box as the judge: the calls of a scenario, made by `route_cors.testing`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from browser.field.calls import BLOCKED, CLIENT, COOKIE, NO_RESPONSE, OWN, Call, Outcome, Seen
from httpx import RemoteProtocolError

from route_cors.testing import Browser, CORSBlocked
from route_cors.testing.history import Exchange
from route_cors.testing.messages import Headers, SentRequest
from route_cors.testing.urls import parse_url
from route_cors.testing.wires import wire_to

if TYPE_CHECKING:
    from collections.abc import Iterable

    from browser.field.scenarios import Scenario

    from route_cors.testing.messages import Response

__all__ = ["evidence", "holds", "judged"]

# What a reader needs to repeat a request, and to see what is wrong with the response.
_SHOWN_OF_REQUESTS: Final = (
    "origin",
    "access-control-request-method",
    "access-control-request-headers",
    "x-token",
    "x-other",
    "cookie",
)
_LONGEST: Final = 80
_OWN: Final = "http://127.0.0.1:8000"


def judged(target: Any, url: str, scenario: Scenario) -> tuple[Seen, ...]:
    """Play a scenario.

    Args:
        target: an ASGI app or a base URL.
        url: the base URL.
        scenario: to play, in a browser of its own.
    """
    first = Browser(target, origin=url, base_url=url)
    first.cookies.set(*COOKIE, secure=True, same_site="None")
    return tuple(_play(target, url, first, call) for call in scenario.calls)


def holds(scenario: Scenario, seen: tuple[Seen, ...]) -> bool:
    """Whether what must hold does; never without a response."""
    return all(each.outcome != NO_RESPONSE for each in seen) and scenario.holds(seen)


def evidence(url: str, seen: Iterable[Seen]) -> list[str]:
    """The exchanges, one a line, with what matters of the headers.

    Args:
        url: the base URL, whose port is another one in each run.
        seen: of the calls.
    """
    return [
        _line(exchange).replace(url, _OWN)
        for each in seen
        for exchange in each.exchanges
        if not exchange.from_cache
    ]


def _play(target: Any, url: str, browser: Browser, call: Call) -> Seen:
    if call.page == CLIENT:
        return _send(target, url, call)
    page = browser.page(origin=url if call.page == OWN else call.page)
    try:
        outcome = _outcome(page, call)
    except RemoteProtocolError:
        page.history.add(Exchange("actual", _request(url, call), None))
        outcome = NO_RESPONSE
    return Seen(outcome, tuple(page.history))


def _send(target: Any, url: str, call: Call) -> Seen:
    sent = _request(url, call)
    try:
        response = wire_to(target, parse_url(url)).exchange(sent)
    except RemoteProtocolError:
        return Seen(NO_RESPONSE, (Exchange("actual", sent, None),))
    return Seen(("read", response.status_code, None), (Exchange("actual", sent, response),))


def _request(url: str, call: Call) -> SentRequest:
    return SentRequest(call.method, url + call.path, Headers(call.headers), (call.content or "").encode())


def _outcome(page: Browser, call: Call) -> Outcome:
    try:
        if call.how == "open":
            return ("opened", page.navigate(call.path).status_code)
        if call.how == "websocket":
            page.connect(call.path)
            return ("read", 101, None)
        return _read(
            page.fetch(
                call.path,
                method=call.method,
                headers=call.headers,
                content=call.content,
                credentials=call.credentials,
            )
        )
    except CORSBlocked:
        return BLOCKED


def _read(response: Response) -> Outcome:
    return ("read", response.status_code, response.headers.get("x-id"))


def _line(exchange: Exchange) -> str:
    path = "/" + exchange.request.url.split("/", 3)[3]
    sent = [f"{exchange.request.method} {path}", *_shown(exchange.request.headers, _SHOWN_OF_REQUESTS)]
    if exchange.response is None:
        return f"{'; '.join(sent)} -> the connection is closed"
    names = [
        name for name in exchange.response.headers if name.startswith("access-control-") or name == "vary"
    ]
    received = [str(exchange.response.status_code), *_shown(exchange.response.headers, names)]
    return f"{'; '.join(sent)} -> {'; '.join(received)}"


def _shown(headers: Headers, names: Iterable[str]) -> list[str]:
    return [f"{name}: {_short(value)}" for name in names for value in headers.get_all(name)]


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[:20]}… ({len(value)} characters)"
