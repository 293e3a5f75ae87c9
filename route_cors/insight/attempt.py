"""One call, made by the browser of `route_cors.testing` to a stand-in of the app."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from route_cors.insight.passage import GUISES
from route_cors.insight.stand_in import StandIn
from route_cors.insight.trying import UNCHANGED
from route_cors.testing import AsyncBrowser, CORSBlocked
from route_cors.testing.hosts import Everywhere
from route_cors.testing.urls import parse_url, parse_web_url

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from route_cors.insight.explanation import Call
    from route_cors.insight.foreign import UnknownLayer
    from route_cors.insight.handled import Handled
    from route_cors.insight.passage import Guise
    from route_cors.insight.site import Site
    from route_cors.insight.trying import Change
    from route_cors.testing.forms import FormMethod
    from route_cors.testing.messages import ReceivedResponse, SentRequest

WEBSOCKET = "WEBSOCKET"
"""The method that stands for `new WebSocket(path)`; `WS` is short for it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that the browser sent, the response, and what happened to the request in between.

    `unknown` has the layers whose real answer may differ.
    """

    request: SentRequest
    response: ReceivedResponse
    handled: Handled
    unknown: tuple[UnknownLayer, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A call, the requests that the browser sent for it, and what blocked it; None if nothing did.

    `is_known`: whether the result is the same whatever the unknown layers do. If not, this is the result if
    they do nothing about CORS.
    """

    call: Call
    url: str
    is_same_origin: bool
    sent: tuple[Sent, ...]
    blocked: CORSBlocked | None
    is_known: bool = True

    @property
    def is_allowed(self) -> bool:
        """Whether it is certain that the call goes through."""
        return self.is_known and self.goes_through

    @property
    def goes_through(self) -> bool:
        """Whether the page gets what it wants; of forms, images and links, whether they get to the app."""
        if self.call.as_ == "fetch":
            return self.blocked is None
        return self.blocked is None and self.last.handled.reached_app

    @property
    def unknown(self) -> tuple[UnknownLayer, ...]:
        """The layers whose real answer may differ, each once."""
        return tuple(dict.fromkeys(layer for sent in self.sent for layer in sent.unknown))

    @property
    def last(self) -> Sent:
        """The request at which it ended."""
        return self.sent[-1]


def is_websocket(call: Call) -> bool:
    """Whether the call opens a websocket."""
    return call.method.upper() in {WEBSOCKET, "WS"}


async def attempt(site: Site, call: Call, change: Change = UNCHANGED) -> Attempt:
    """Make the call in a browser that has never been here: no cookie, nothing cached.

    Args:
        site: of the app that is called.
        call: what is called.
        change: what is tried.

    Raises:
        ValueError: no browser could make that call; the message names the value.
    """
    made = await _attempt(site, call, change, "passes")
    # What another layer does about CORS does not matter for requests without CORS.
    if call.as_ != "fetch" or not any(sent.handled.unknown for sent in made.sent):
        return made
    others = [await _attempt(site, call, change, guise) for guise in GUISES if guise != "passes"]
    ends = {each.goes_through for each in (made, *others)}
    sent = [_as_far_as_known(place, each, others) for place, each in enumerate(made.sent)]
    return replace(made, sent=tuple(sent), is_known=len(ends) == 1)


async def _attempt(site: Site, call: Call, change: Change, guise: Guise) -> Attempt:
    base = _base_url(call.base_url)
    url = _url(call, base)
    root_path = parse_url(base).path.rstrip("/")
    stand_in = StandIn(site, root_path, change, guise=guise, credentials=call.credentials)
    browser = AsyncBrowser(Everywhere(stand_in), origin=call.origin, base_url=base)
    blocked: CORSBlocked | None = None
    try:
        await _make(browser, call, url)
    except CORSBlocked as error:
        blocked = error
    exchanges = zip(browser.history.sent, stand_in.handled, strict=True)
    sent = [Sent(each.request, each.response, handled) for each, handled in exchanges if each.response]
    return Attempt(call, url, parse_url(url).origin == call.origin, tuple(sent), blocked)


def _as_far_as_known(place: int, sent: Sent, others: Sequence[Attempt]) -> Sent:
    """A request, with those of its layers that could have changed what is seen of its answer."""
    seen = _seen(sent)
    if all(place < len(other.sent) and _seen(other.sent[place]) == seen for other in others):
        return sent
    return replace(sent, unknown=tuple(sent.handled.unknown))


def _seen(sent: Sent) -> tuple[object, ...]:
    """What counts of an answer."""
    headers = sent.response.headers.raw
    # That of an actual request is the endpoint's own.
    is_status_seen = sent.handled.preflight is not None or sent.handled.is_websocket
    return (
        is_status_seen and sent.response.status_code,
        frozenset((name, value) for name, value in headers if name.lower().startswith("access-control-")),
    )


async def _make(browser: AsyncBrowser, call: Call, url: str) -> None:
    if call.as_ != "fetch":
        await _send(browser, call, url)
        return
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


async def _send(browser: AsyncBrowser, call: Call, url: str) -> None:
    """What a page can send without fetch.

    https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#attr-fs-method
    """
    if call.as_ not in _METHODS:
        raise ValueError(f"as_: {call.as_!r}: a page sends a call as fetch, form, image or link")
    what, methods = _METHODS[call.as_]
    method = call.method.upper()
    if method not in methods:
        raise ValueError(
            f"method: {call.method!r}: {what} sends {' or '.join(methods)}; "
            "only a script sends anything else: explain it as fetch"
        )
    if call.headers:
        raise ValueError(f"headers: {call.headers[0][0]!r}: {what} cannot set headers; fetch can")
    if call.as_ == "form":
        await browser.submit(url, method=cast("FormMethod", method))
    elif call.as_ == "image":
        await browser.embed(url, as_="image")
    else:
        await browser.navigate(url)


_METHODS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "form": ("a form", ("GET", "POST")),
    "image": ("an image", ("GET",)),
    "link": ("a link", ("GET",)),
}


def _base_url(text: str) -> str:
    fault = (
        f"base_url: {text!r}: must be an http or https URL, without username, password, query and fragment"
    )
    base = parse_web_url(text, fault)
    if not {"?", "#"}.isdisjoint(base.href):
        raise ValueError(fault)
    return base.href.rstrip("/")


def _url(call: Call, base: str) -> str:
    if not call.path.startswith("/"):
        raise ValueError(f"path: {call.path!r}: must start with a slash, as from the app's root: '/items'")
    return base + call.path
