"""Requests and handshakes into an ASGI app of this process.

httpx's ASGITransport has no websockets, fails with an AssertionError where an app ends without an answer, and
raises for names and paths that browsers can send.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

import anyio
from anyio.lowlevel import checkpoint

from route_cors.testing.event_stream import has_enough_events
from route_cors.testing.messages import Headers, ReceivedResponse

if TYPE_CHECKING:
    from route_cors.testing.messages import SentRequest

_Message: TypeAlias = MutableMapping[str, Any]
ASGIApp: TypeAlias = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]],
    Awaitable[None],
]
"""https://asgi.readthedocs.io/en/latest/specs/main.html"""

# An exception of the app shows the lines of the app, and not those of this module.
__tracebackhide__ = True

_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_SWITCHING_PROTOCOLS = 101
_GRACE = 1.0
"""Seconds: how long an app may take to end after its websocket or stream of events was closed."""


async def exchange(app: ASGIApp, sent: SentRequest) -> ReceivedResponse:
    """Send a request, and read the response until the app has ended.

    Args:
        app: serves the request. Its exceptions are in the response's `error`; a server would log them.
        sent: the request, to an http or https URL.
    """
    ours = _Exchange(sent)
    scope = scope_of(sent)
    scope["type"] = "http"
    scope["method"] = sent.method
    error = await _error_of(app, scope, ours)
    if ours.has_left:
        error = None
    elif error is None and not ours.complete.is_set():
        error = RuntimeError("the app ended before its response did")
    return ReceivedResponse(ours.status_code, ours.headers, ours.content, error)


async def shake_hands(app: ASGIApp, sent: SentRequest) -> ReceivedResponse:
    """Open a websocket, see whether the app accepts it, and close it.

    Args:
        app: serves the handshake.
        sent: the request, to a ws or wss URL.
    """
    offered = sent.headers.get("sec-websocket-protocol", "")
    scope = scope_of(sent)
    scope["type"] = "websocket"
    scope["subprotocols"] = [name.strip() for name in offered.split(",") if name]
    scope["extensions"] = {"websocket.http.response": {}}
    ours = _Handshake()
    error = await _error_of(app, scope, ours)
    return ReceivedResponse(ours.status_code, ours.headers, ours.content, error)


async def _error_of(
    app: ASGIApp, scope: MutableMapping[str, Any], ours: _Exchange | _Handshake
) -> Exception | None:
    with ours.running:
        try:
            await app(scope, ours.receive, ours.send)
        except Exception as raised:  # noqa: BLE001 - a server answers after any exception
            return raised
    return None


class _Exchange:
    """The server's side of one request."""

    def __init__(self, sent: SentRequest) -> None:
        self.running = anyio.CancelScope()
        self.has_left = False
        # The response of a server if the app sends none.
        self.status_code = 500
        self.headers = Headers()
        self.content = b""
        self.complete = anyio.Event()
        self._started = False
        self._most_events = sent.most_events
        self._request: _Message | None = {"type": "http.request", "body": sent.content, "more_body": False}

    async def receive(self) -> _Message:
        if self._request is None:
            await self.complete.wait()
            return {"type": "http.disconnect"}
        request, self._request = self._request, None
        return request

    async def send(self, message: _Message) -> None:
        # A stream may be endless: this allows the test's own time limit to end it.
        await checkpoint()
        if self.has_left:
            # https://asgi.readthedocs.io/en/latest/specs/www.html#disconnected-client-send-exception
            raise OSError("the page has closed its EventSource")
        if message["type"] == "http.response.start" and not self._started:
            self._started = True
            self.status_code = message["status"]
            self.headers = Headers.from_bytes(message.get("headers", ()))
        if message["type"] == "http.response.body" and not self.complete.is_set():
            self.content += message.get("body", b"")
            if not message.get("more_body", False):
                self.complete.set()
            elif has_enough_events(self.content, self._most_events):
                self._leave()

    def _leave(self) -> None:
        """As if the page had closed its EventSource."""
        self.has_left = True
        self.complete.set()
        self.running.deadline = anyio.current_time() + _GRACE


class _Handshake:
    """The server's side of one handshake. The client disconnects as soon as it is answered."""

    def __init__(self) -> None:
        self.running = anyio.CancelScope()
        # The response of a server if the app sends none.
        self.status_code = 500
        self.headers = Headers()
        self.content = b""
        self._connected = False

    async def receive(self) -> _Message:
        # An app that receives or sends in an endless loop could not be cancelled otherwise.
        await checkpoint()
        if self._connected:
            self._leave()
            return {"type": "websocket.disconnect", "code": 1001}
        self._connected = True
        return {"type": "websocket.connect"}

    async def send(self, message: _Message) -> None:
        await checkpoint()
        match message["type"]:
            case "websocket.accept":
                chosen = message.get("subprotocol")
                own = [] if chosen is None else [(b"sec-websocket-protocol", chosen.encode("latin-1"))]
                self._answer(_SWITCHING_PROTOCOLS, [*message.get("headers", ()), *own])
            case "websocket.close" if self.status_code != _SWITCHING_PROTOCOLS:
                # https://asgi.readthedocs.io/en/latest/specs/www.html#close-send-event
                self._answer(403, [])
            case "websocket.http.response.start":
                self._answer(message["status"], message.get("headers", ()))
            case "websocket.http.response.body":
                self.content += message.get("body", b"")
            case _:
                pass

    def _answer(self, status_code: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        self.status_code = status_code
        self.headers = Headers.from_bytes(headers)
        self._leave()

    def _leave(self) -> None:
        self.running.deadline = min(self.running.deadline, anyio.current_time() + _GRACE)


def scope_of(sent: SentRequest) -> dict[str, Any]:
    """The parts of a scope that HTTP requests and websockets share."""
    url = urlsplit(sent.url)
    headers = [("host", url.netloc), *((name.lower(), value) for name, value in sent.headers.raw)]
    if not sent.is_stream and (sent.content or sent.method in {"POST", "PUT"}):
        headers.append(("content-length", str(len(sent.content))))
    return {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        # Browsers stream bodies over HTTP/2 only.
        "http_version": "2" if sent.is_stream else "1.1",
        "scheme": url.scheme,
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": Headers(headers).to_bytes(),
        "client": ("127.0.0.1", 123),
        "server": (url.hostname, url.port or _DEFAULT_PORTS[url.scheme]),
        "state": {},
    }
