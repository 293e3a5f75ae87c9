"""How a browser's requests get to a server: an httpx or httpx2 client, or an ASGI app of this process.

A client is nothing but the wire here. Its transport, timeouts and base URL count; its cookies, headers, auth
and parameters do not, since no browser would have them.
"""

from __future__ import annotations

import inspect
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from anyio.from_thread import start_blocking_portal

from route_cors.testing.asgi import shake_hands
from route_cors.testing.messages import Headers, ReceivedResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from route_cors.testing.asgi import ASGIApp
    from route_cors.testing.messages import SentRequest

__all__ = ["AsyncWire", "Wire", "async_wire_to", "base_url_of", "wire_to"]

_LIBRARIES: Final = ("httpx", "httpx2")
# The key under which requests are marked as ours, and responses keep what was received.
_ALL_HEADERS = "route_cors.headers"
_HTTP_SCHEMES = {"ws://": "http://", "wss://": "https://"}


class Wire(Protocol):
    """Takes one request to a server and brings back the response, following nothing."""

    def exchange(self, sent: SentRequest) -> ReceivedResponse:
        """Send it, and read the response to its end."""
        ...

    def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        """The same for the opening handshake of a websocket, which is closed again."""
        ...


class AsyncWire(Protocol):
    """The same with await."""

    async def exchange(self, sent: SentRequest) -> ReceivedResponse:
        """Send it, and read the response to its end."""
        ...

    async def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        """The same for the opening handshake of a websocket, which is closed again."""
        ...


def base_url_of(target: Any) -> str | None:
    """What relative URLs start from, as far as the target itself says it."""
    if isinstance(target, str):
        return target
    if _library_of(target) is None:
        return "https://testserver"
    return str(target.base_url) or None


def wire_to(target: Any) -> Wire:
    """The wire of a `Browser`.

    Args:
        target: an ASGI app, the base URL of a live server, or a sync client.

    Raises:
        TypeError: it is none of them.
    """
    if isinstance(target, str):
        return _ClientWire(_own_library().Client(limits=_no_idle_connections()))
    if _library_of(target) is None:
        return _InPortal(_ASGIWire(_checked_app(target)))
    if inspect.iscoroutinefunction(target.send):
        raise TypeError(f"target: {target!r} is an async client: AsyncBrowser takes it")
    return _ClientWire(target)


def async_wire_to(target: Any) -> AsyncWire:
    """The wire of an `AsyncBrowser`.

    Args:
        target: an ASGI app, the base URL of a live server, or an async client.

    Raises:
        TypeError: it is none of them.
    """
    if isinstance(target, str):
        return _AsyncClientWire(_own_library().AsyncClient(limits=_no_idle_connections()))
    if _library_of(target) is None:
        return _ASGIWire(_checked_app(target))
    if not inspect.iscoroutinefunction(target.send):
        raise TypeError(f"target: {target!r} is a sync client: Browser takes it")
    return _AsyncClientWire(target)


class _ClientWire:
    def __init__(self, client: Any) -> None:
        self._client = client
        _add_hook(client, _hide_location)

    def exchange(self, sent: SentRequest) -> ReceivedResponse:
        response = self._client.send(
            _request(_library_of(self._client), sent), auth=None, follow_redirects=False
        )
        return _received(response, response.content)

    def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        if hasattr(self._client, "websocket_connect"):
            return _shake_hands_with_test_client(self._client, sent)
        request = _request(_library_of(self._client), sent)
        response = self._client.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            _check_network(response)
            return _received(response, b"")
        finally:
            response.close()


class _AsyncClientWire:
    def __init__(self, client: Any) -> None:
        self._client = client
        _add_hook(client, _hide_location_async)

    async def exchange(self, sent: SentRequest) -> ReceivedResponse:
        response = await self._client.send(
            _request(_library_of(self._client), sent), auth=None, follow_redirects=False
        )
        return _received(response, response.content)

    async def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        request = _request(_library_of(self._client), sent)
        response = await self._client.send(request, auth=None, follow_redirects=False, stream=True)
        try:
            _check_network(response)
            return _received(response, b"")
        finally:
            await response.aclose()


class _ASGIWire:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def exchange(self, sent: SentRequest) -> ReceivedResponse:
        error: Exception | None = None

        async def noting_errors(scope: Any, receive: Any, send: Any) -> None:
            nonlocal error
            try:
                await self._app(scope, receive, send)
            except Exception as raised:
                error = raised
                raise

        # Whatever an app raises, a browser sees the 500 that its server makes of it.
        transport = _own_library().ASGITransport(app=noting_errors, raise_app_exceptions=False)
        request = _request(_own_library(), sent)
        response = await transport.handle_async_request(request)
        return _received(response, await response.aread(), error)

    async def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        return await shake_hands(self._app, sent)


class _InPortal:
    """An async wire for sync tests: each exchange has an event loop, as the test itself may run in one."""

    def __init__(self, wire: AsyncWire) -> None:
        self._wire = wire

    def exchange(self, sent: SentRequest) -> ReceivedResponse:
        with start_blocking_portal() as portal:
            return portal.call(self._wire.exchange, sent)

    def shake_hands(self, sent: SentRequest) -> ReceivedResponse:
        with start_blocking_portal() as portal:
            return portal.call(self._wire.shake_hands, sent)


def _library_of(target: Any) -> ModuleType | None:
    """The library of which `target` is a client; None if it is no client."""
    for cls in type(target).__mro__:
        root = cls.__module__.partition(".")[0]
        if root in _LIBRARIES:
            return sys.modules[root]
    return None


def _own_library() -> Any:
    for name in _LIBRARIES:
        try:
            return import_module(name)
        except ImportError:
            continue
    raise ImportError("route_cors.testing needs httpx or httpx2: pip install 'route-cors[testing]'")


def _no_idle_connections() -> Any:
    """Nobody closes a browser at the end of a test: it keeps no connection that would have to be."""
    return _own_library().Limits(max_keepalive_connections=0)


def _checked_app(target: Any) -> ASGIApp:
    if not callable(target):
        raise TypeError(
            f"target: {target!r}: must be an ASGI app, the base URL of a live server, or an httpx or httpx2 "
            "client"
        )
    return target  # type: ignore[no-any-return]


def _request(library: Any, sent: SentRequest) -> Any:
    url = sent.url
    for scheme, http in _HTTP_SCHEMES.items():
        url = url.replace(scheme, http, 1) if url.startswith(scheme) else url
    request = library.Request(sent.method, url, headers=_encoded(sent.headers), content=sent.content)
    # The constructor upper-cases it: `patch` is none of the methods that a browser normalizes.
    request.method = sent.method
    request.extensions = {**request.extensions, _ALL_HEADERS: ()}
    return request


def _add_hook(client: Any, hook: Callable[[Any], Any]) -> None:
    hooks = client.event_hooks
    if hook not in hooks["response"]:
        client.event_hooks = {**hooks, "response": [*hooks["response"], hook]}


def _hide_location(response: Any) -> None:
    """Keep a client from reading the Location of our own responses: it raises where a browser just blocks.

    It builds the request that would follow even if it is told to follow none.
    """
    if _ALL_HEADERS in response.request.extensions:
        response.extensions[_ALL_HEADERS] = response.headers.raw
        response.headers.pop("location", None)


async def _hide_location_async(response: Any) -> None:
    _hide_location(response)


def _encoded(headers: Headers) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.raw]


def _received(response: Any, content: bytes, error: Exception | None = None) -> ReceivedResponse:
    headers = response.extensions.get(_ALL_HEADERS, response.headers.raw)
    return ReceivedResponse(response.status_code, Headers(_decoded(headers)), content, error)


def _decoded(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _check_network(response: Any) -> None:
    if "network_stream" not in response.extensions:
        raise TypeError("this client has no network, and so no websockets: give the browser the app itself")


def _shake_hands_with_test_client(client: Any, sent: SentRequest) -> ReceivedResponse:
    """Starlette's TestClient has websockets of its own, and its app may need the event loop that it runs."""
    refusal: Any = sys.modules["starlette.websockets"].WebSocketDisconnect
    chosen: str | None = None
    headers: list[tuple[str, str]] = []
    kept = client.cookies
    # The browser's cookies are among the headers, and the client would add its own.
    client.cookies = None
    accepted = False
    try:
        with client.websocket_connect(sent.url, headers=dict(sent.headers.raw)) as session:
            accepted = True
            chosen = session.accepted_subprotocol
            headers = _decoded(session.extra_headers or ())
    except refusal as refused:
        # An app that does not expect to be left raises it too, when the websocket is closed.
        if not accepted:
            is_response = hasattr(refused, "status_code")
            return _received(refused, refused.content) if is_response else ReceivedResponse(403)
    finally:
        client.cookies = kept
    if chosen is not None:
        headers.append(("sec-websocket-protocol", chosen))
    return ReceivedResponse(101, Headers(headers))
