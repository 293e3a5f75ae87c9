"""The browser's side of a websocket's opening handshake, without I/O.

CORS does not apply to websockets: the server sees an Origin and decides, and cookies are always sent.
https://websockets.spec.whatwg.org/#concept-websocket-establish
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass
from operator import methodcaller
from typing import TYPE_CHECKING

from route_cors.headers import is_token
from route_cors.testing.causes import cause_of_handshake
from route_cors.testing.checks import Refused
from route_cors.testing.history import CORSBlocked, Exchange
from route_cors.testing.messages import Headers, ReceivedResponse, SentRequest
from route_cors.testing.metadata import metadata_headers
from route_cors.testing.url_list import UrlList
from route_cors.testing.urls import is_same_site, parse_url

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from route_cors.testing.page import Page
    from route_cors.testing.urls import Url

# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", CORSBlocked)

_SWITCHING_PROTOCOLS = 101
_WEBSOCKET_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


@dataclass(frozen=True, slots=True)
class Handshake:
    """A websocket that the server accepted. It has been closed again.

    Args:
        url: of the websocket.
        subprotocol: the one that the server chose; None if it chose none.
    """

    url: str
    subprotocol: str | None


def websocket_url(url: str, base: Url | None) -> Url:
    """Read the URL of a websocket as a browser does.

    https://websockets.spec.whatwg.org/#dom-websocket-websocket

    Args:
        url: ws, wss, http or https, or relative to `base`.
        base: None if there is none.

    Raises:
        ValueError: a browser would throw a SyntaxError.
    """
    parsed = parse_url(url, base)
    if parsed.scheme not in _WEBSOCKET_SCHEMES:
        raise ValueError(f"url: {url!r}: a websocket's scheme is ws or wss")
    if parsed.fragment is not None:
        raise ValueError(f"url: {url!r}: browsers refuse the URL of a websocket with a fragment")
    return parsed.with_scheme(_WEBSOCKET_SCHEMES[parsed.scheme])


def connect(
    page: Page, url: Url, subprotocols: Sequence[str]
) -> Generator[SentRequest, ReceivedResponse, Handshake]:
    """Do what a browser does when a script of `page` makes a WebSocket: it sends one request.

    Raises:
        CORSBlocked: the server did not accept it.
        ValueError: a subprotocol is not a token, or is given twice.
    """
    if not all(map(is_token, subprotocols)) or len(set(subprotocols)) < len(subprotocols):
        raise ValueError(f"subprotocols: {list(subprotocols)!r}: must be tokens, each given once")
    sent = _opening(page, url, subprotocols)
    received = yield sent
    page.history.add(Exchange("websocket", sent, received))
    same_site = is_same_site(url, page.url)
    embedded_in = UrlList(page, (url,)).embedded_in
    set_cookie = received.headers.get_all("set-cookie")
    page.cookies.store(set_cookie, url, same_site=same_site, embedded_in=embedded_in)
    try:
        chosen = _chosen_subprotocol(received, page.origin, subprotocols)
    except Refused as refused:
        said = f"WebSocket connection to '{url.href}' failed: Error during WebSocket handshake: {refused}"
        blocked = CORSBlocked(
            "websocket",
            said,
            fix=refused.fix,
            cause=refused.cause,
            request=sent,
            response=received,
            show_secrets=page.show_secrets,
        )
        raise blocked from received.error
    return Handshake(url.href, chosen)


def _chosen_subprotocol(received: ReceivedResponse, origin: str, offered: Sequence[str]) -> str | None:
    """Check whether the server accepted, and chose one of the subprotocols if any was offered.

    https://www.rfc-editor.org/rfc/rfc6455#section-4.1, and for a server that chooses none
    https://websockets.spec.whatwg.org/#concept-websocket-establish
    """
    if received.status_code != _SWITCHING_PROTOCOLS:
        reason = f"Unexpected response code: {received.status_code}"
        fix = f"a server that accepts handshakes with Origin: {origin}"
        raise Refused("websocket", reason, fix=fix, cause=cause_of_handshake(received.status_code, origin))
    chosen = received.headers.get("sec-websocket-protocol")
    if chosen is None:
        if not offered:
            return None
        reason = "Sent non-empty 'Sec-WebSocket-Protocol' header but no response was received"
        cause = "the server chose no subprotocol: it has to choose one that was offered"
        raise Refused("websocket", reason, fix=f"Sec-WebSocket-Protocol: {offered[0]}", cause=cause)
    if chosen in offered:
        return chosen
    reason = f"'Sec-WebSocket-Protocol' header value '{chosen}' in response does not match any of sent values"
    fix = "a subprotocol that was offered, or none if none was"
    raise Refused("websocket", reason, fix=fix, cause=f"the server chose the subprotocol {chosen}: {fix}")


def _opening(page: Page, url: Url, subprotocols: Sequence[str]) -> SentRequest:
    """Opening handshake (https://www.rfc-editor.org/rfc/rfc6455#section-4.1)."""
    headers = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Origin", page.origin),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", base64.b64encode(secrets.token_bytes(16)).decode()),
    ]
    if subprotocols:
        headers.append(("Sec-WebSocket-Protocol", ", ".join(subprotocols)))
    # In the standard the request has the scheme http or https, so it can be same-origin.
    requested = parse_url(url.href.replace("ws", "http", 1))
    urls = UrlList(page, (requested,))
    if page.engine.websocket_has_metadata:
        headers += metadata_headers(urls, "websocket")
    same_site = is_same_site(url, page.url)
    cookie = page.cookies.header_for(url, same_site=same_site, embedded_in=urls.embedded_in)
    if cookie is not None:
        headers.append(("Cookie", cookie))
    return SentRequest("GET", url.on_the_wire, Headers(headers))
