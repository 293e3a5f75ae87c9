"""Sending a browser's requests: with an httpx or httpx2 client, or to an ASGI app of this process.

Only the transport, timeout and base URL of a client are used, and not its cookies, headers, auth, parameters
and hooks, which no browser would have. So a request goes directly to its transport: `send` would also keep
the cookies of the response, and fail at a Location that a browser only blocks.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from functools import lru_cache
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, Protocol

from anyio.from_thread import start_blocking_portal

from route_cors.origins import is_loopback
from route_cors.testing import asgi
from route_cors.testing.hosts import ByOrigin, Everywhere, UnknownHostError, are_hosts, by_origin, origin_of
from route_cors.testing.messages import Headers, ReceivedResponse
from route_cors.testing.responses import (
    LIBRARIES,
    aread_response,
    decompressed,
    own_library,
    read_response,
    received,
    received_handshake,
)
from route_cors.testing.urls import MADE_UP_HOST, parse_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from route_cors.testing.messages import SentRequest
    from route_cors.testing.urls import Url

# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", UnknownHostError)

# Variables that say which certificates are trusted.
_CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")


class Wire(Protocol):
    """Sends one request to a server and returns the response, without following redirects."""

    def exchange(self, sent: SentRequest) -> ReceivedResponse:
        """Send it, and read the whole response."""
        ...

    def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        """The same for the opening handshake of a websocket, which is closed again."""
        ...


class AsyncWire(Protocol):
    """The same with await."""

    async def exchange(self, sent: SentRequest) -> ReceivedResponse:
        """Send it, and read the whole response."""
        ...

    async def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        """The same for the opening handshake of a websocket, which is closed again."""
        ...


def base_url_of(target: Any) -> str | None:
    """The base of relative URLs, if the target has one: of several servers the first."""
    if isinstance(target, str):
        return target
    if are_hosts(target):
        return next(iter(target))
    if _library_of(target) is None:
        return f"https://{MADE_UP_HOST}"
    return str(target.base_url) or None


def app_at(target: Any, url: str) -> Any:
    """The ASGI app of this process that answers for a URL; None if there is none.

    Args:
        target: as of `wire_to`.
        url: one that a server of the target answers for.
    """
    server: Any = target[origin_of(url)] if are_hosts(target) else target
    if isinstance(server, str):
        return None
    # The transport of a client in memory, such as a TestClient, has an app.
    return server if _library_of(server) is None else getattr(server._transport, "app", None)  # noqa: SLF001


def wire_to(target: Any, base: Url | None) -> Wire:
    """The wire of a `Browser`.

    Args:
        target: an ASGI app, the base URL of a live server, a sync client, or several of these by origin.
        base: an app answers for its origin; None if it is not known.

    Raises:
        TypeError: it is none of these.
    """
    if are_hosts(target):
        return by_origin(target, wire_to)
    if isinstance(target, str):
        return _ClientWire(own_library().Client(**_options(target)), base)
    library = _library_of(target)
    if library is None:
        wire: Wire = _of_app(target, base, _InPortal)
        return wire
    if isinstance(target, library.AsyncClient):
        raise TypeError(f"target: {target!r} is an async client: use AsyncBrowser")
    return _ClientWire(target, base)


def async_wire_to(target: Any, base: Url | None) -> AsyncWire:
    """The wire of an `AsyncBrowser`: as `wire_to`, but a client is an async one."""
    if are_hosts(target):
        return by_origin(target, async_wire_to)
    if isinstance(target, str):
        return _AsyncClientWire(own_library().AsyncClient(**_options(target)), base)
    library = _library_of(target)
    if library is None:
        wire: AsyncWire = _of_app(target, base, lambda wire: wire)
        return wire
    if isinstance(target, library.Client):
        raise TypeError(f"target: {target!r} is a sync client: use Browser")
    return _AsyncClientWire(target, base)


def _of_app(target: Any, base: Url | None, adapted: Callable[[_ASGIWire], Any]) -> Any:
    if isinstance(target, Everywhere):
        return adapted(_ASGIWire(target.app))
    wire = adapted(_ASGIWire(_checked_app(target)))
    return ByOrigin({} if base is None else {base.origin: wire})


class _ClientWire:
    def __init__(self, client: Any, base: Url | None) -> None:
        self._client = client
        self._base = base

    def exchange(self, sent: SentRequest) -> ReceivedResponse:
        return read_response(self._respond(sent), sent.most_events)

    def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        if hasattr(self._client, "websocket_connect"):
            return self._shake_hands_with_test_client(sent)
        response = self._respond(sent)
        response.close()
        return received_handshake(response)

    def _respond(self, sent: SentRequest) -> Any:
        request = _request(self._client, sent, _http_url(sent.url))
        return _transport(self._client, request, self._base).handle_request(request)

    def _shake_hands_with_test_client(self, sent: SentRequest) -> ReceivedResponse:
        """Starlette's TestClient has its own websockets, and its app may need the event loop that it runs."""
        disconnected: Any = sys.modules["starlette.websockets"].WebSocketDisconnect
        chosen: str | None = None
        headers: list[tuple[bytes, bytes]] = []
        accepted = False
        try:
            with self._session(sent) as session:
                accepted = True
                chosen = session.accepted_subprotocol
                headers = list(session.extra_headers or ())
        except disconnected as refusal:
            # An app that does not expect a disconnect raises it too, when the websocket is closed.
            if not accepted:
                is_response = hasattr(refusal, "status_code")
                return received(refusal, None) if is_response else ReceivedResponse(403)
        if chosen is not None:
            headers.append((b"sec-websocket-protocol", chosen.encode("latin-1")))
        return ReceivedResponse(101, Headers.from_bytes(headers))

    def _session(self, sent: SentRequest) -> Any:
        """What `websocket_connect` returns, for a request of our own: its transport raises it."""
        request = _request(self._client, sent, sent.url)
        try:
            _transport(self._client, request, self._base).handle_request(request)
        except Exception as upgrade:
            session: Any = getattr(upgrade, "session", None)
            if session is None:
                raise
            return session
        raise TypeError(f"{self._client!r} does not open websockets as Starlette's TestClient does")


class _AsyncClientWire:
    def __init__(self, client: Any, base: Url | None) -> None:
        self._client = client
        self._base = base

    async def exchange(self, sent: SentRequest) -> ReceivedResponse:
        return await aread_response(await self._respond(sent), sent.most_events)

    async def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        response = await self._respond(sent)
        await response.aclose()
        return received_handshake(response)

    async def _respond(self, sent: SentRequest) -> Any:
        request = _request(self._client, sent, _http_url(sent.url))
        return await _transport(self._client, request, self._base).handle_async_request(request)


class _ASGIWire:
    def __init__(self, app: asgi.ASGIApp) -> None:
        self._app = app

    async def exchange(self, sent: SentRequest) -> ReceivedResponse:
        received = await asgi.exchange(self._app, sent)
        return replace(received, content=decompressed(received.headers, received.content))

    async def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        return await asgi.shake_hands(self._app, sent)


class _InPortal:
    """An async wire for sync tests: each exchange has its own event loop, as the test may run in one."""

    def __init__(self, wire: AsyncWire) -> None:
        self._wire = wire

    def exchange(self, sent: SentRequest) -> ReceivedResponse:
        with start_blocking_portal() as portal:
            return portal.call(self._wire.exchange, sent)

    def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        with start_blocking_portal() as portal:
            return portal.call(self._wire.shake_hands, sent)


def _library_of(target: Any) -> Any:
    """The library whose client `target` is; None if it is not a client."""
    for cls in type(target).__mro__:
        library = sys.modules.get(cls.__module__.partition(".")[0])
        if library is not None and library.__name__ in LIBRARIES:
            return library if isinstance(target, library.Client | library.AsyncClient) else None
    return None


def _options(base_url: str) -> dict[str, Any]:
    """The options of a client of our own."""
    # Browsers do not use a proxy for this machine.
    trust_env = not is_loopback(parse_url(base_url).host)
    named = tuple(os.environ.get(name) for name in _CERTIFICATES)
    return {
        # A `Browser` is never closed, so it must not keep connections open.
        "limits": own_library().Limits(max_keepalive_connections=0),
        "trust_env": trust_env,
        "verify": _tls(own_library(), trust_env, named),
    }


@lru_cache(maxsize=8)
def _tls(library: Any, trust_env: bool, _named: tuple[str | None, ...]) -> Any:  # noqa: FBT001
    """The default of that library's clients, made once: reading the certificates takes 50 ms."""
    return library.create_ssl_context(trust_env=trust_env)


def _checked_app(target: Any) -> asgi.ASGIApp:
    if not callable(target):
        raise TypeError(
            f"target: {target!r}: must be an ASGI app, the base URL of a live server, an httpx or httpx2 "
            "client, or a mapping of origins to these"
        )
    return target  # type: ignore[no-any-return]


def _http_url(url: str) -> str:
    """The URL that a websocket is opened with."""
    return url.replace("ws", "http", 1) if url.startswith("ws") else url


def _request(client: Any, sent: SentRequest, url: str) -> Any:
    request = _library_of(client).Request(
        sent.method,
        url,
        headers=sent.headers.to_bytes(),
        content=sent.content,
        extensions={"timeout": client.timeout.as_dict()},
    )
    if sent.is_stream:
        request.headers.pop("content-length", None)
        request.headers["transfer-encoding"] = "chunked"
    # The constructor upper-cases it, but browsers do not normalize `patch`.
    request.method = sent.method
    return request


def _transport(client: Any, request: Any, base: Url | None) -> Any:
    # There is no public access to a client's transports.
    transport = client._transport_for_url(request.url)  # noqa: SLF001
    if transport is client._transport and hasattr(transport, "app"):  # noqa: SLF001
        _check_origin(request, base)
    return transport


def _check_origin(request: Any, base: Url | None) -> None:
    """An app in a client answers for one origin as well, though its transport would take any request."""
    known = () if base is None else (base.origin,)
    origin = origin_of(str(request.url))
    if origin not in known:
        raise UnknownHostError(request.method, str(request.url), origin, known)
