"""A websocket's handshake with an ASGI app of this process, which httpx cannot do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

import anyio
from anyio.lowlevel import checkpoint

from route_cors.testing.messages import Headers, ReceivedResponse

if TYPE_CHECKING:
    from route_cors.testing.messages import SentRequest

__all__ = ["ASGIApp", "shake_hands"]

_Message: TypeAlias = MutableMapping[str, Any]
ASGIApp: TypeAlias = Callable[
    [MutableMapping[str, Any], Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]],
    Awaitable[None],
]
"""https://asgi.readthedocs.io/en/latest/specs/main.html"""

_SWITCHING_PROTOCOLS = 101

_GRACE = 1.0
"""Seconds that an app has to end after its websocket was closed."""


async def shake_hands(app: ASGIApp, sent: SentRequest) -> ReceivedResponse:
    """Open a websocket, see whether the app accepts it, and close it.

    Args:
        app: serves the handshake.
        sent: the request, to a ws or wss URL.
    """
    handshake = _Handshake()
    error: Exception | None = None
    with anyio.CancelScope() as handshake.running:
        try:
            await app(_scope(sent), handshake.receive, handshake.send)
        except Exception as raised:  # noqa: BLE001 - whatever it is, a server would answer 500
            error = raised
    return ReceivedResponse(handshake.status_code, handshake.headers, handshake.content, error)


class _Handshake:
    """The server's side of one handshake, whose client leaves as soon as it is answered."""

    def __init__(self) -> None:
        self.running = anyio.CancelScope()
        # What stands where the app ends without an answer.
        self.status_code = 500
        self.headers = Headers()
        self.content = b""
        self._connected = False

    async def receive(self) -> _Message:
        if self._connected:
            return {"type": "websocket.disconnect", "code": 1001}
        self._connected = True
        return {"type": "websocket.connect"}

    async def send(self, message: _Message) -> None:
        # An app may send without end, and would never let the scope end it.
        await checkpoint()
        match message["type"]:
            case "websocket.accept":
                chosen = message.get("subprotocol")
                own = [] if chosen is None else [(b"sec-websocket-protocol", chosen.encode("latin-1"))]
                self._answer(101, [*message.get("headers", ()), *own])
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
        self.headers = Headers((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers)
        self.running.deadline = anyio.current_time() + _GRACE


def _scope(sent: SentRequest) -> _Message:
    url = urlsplit(sent.url)
    headers = [("host", url.netloc), *((name.lower(), value) for name, value in sent.headers.raw)]
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": url.scheme,
        "path": unquote(url.path),
        "raw_path": url.path.encode(),
        "query_string": url.query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers],
        "client": ("127.0.0.1", 123),
        "server": (url.hostname, url.port or {"ws": 80, "wss": 443}[url.scheme]),
        "subprotocols": list(_offered(sent)),
        "extensions": {"websocket.http.response": {}},
        "state": {},
    }


def _offered(sent: SentRequest) -> Iterable[str]:
    offered = sent.headers.get("sec-websocket-protocol", "")
    return (name.strip() for name in offered.split(",") if name)
