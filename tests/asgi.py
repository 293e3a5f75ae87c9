"""A request as an ASGI server hands it over, sent byte for byte, for what client libraries would tidy up."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import anyio

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Scope

__all__ = ["Reply", "ask", "http_scope", "preflight", "shake_hands", "websocket_scope"]


@dataclass(frozen=True)
class Reply:
    """What came back: the messages, and the response that they make."""

    messages: list[Message]
    status: int = field(init=False)
    headers: list[tuple[bytes, bytes]] = field(init=False)
    body: bytes = field(init=False)

    def __post_init__(self) -> None:
        (start,) = (message for message in self.messages if message["type"] == "http.response.start")
        bodies = (message for message in self.messages if message["type"] == "http.response.body")
        object.__setattr__(self, "status", start["status"])
        object.__setattr__(self, "headers", list(start["headers"]))
        object.__setattr__(self, "body", b"".join(message.get("body", b"") for message in bodies))

    @property
    def cors(self) -> dict[str, str]:
        """Every CORS header and `vary`; a header that comes twice fails."""
        found = [
            (name.lower().decode(), value.decode("latin-1"))
            for name, value in self.headers
            if name.lower() == b"vary" or name.lower().startswith(b"access-control-")
        ]
        assert len(dict(found)) == len(found), f"sent twice: {found}"
        return dict(found)


def http_scope(method: str, path: str, headers: Iterable[tuple[bytes, bytes]] = (), **more: Any) -> Scope:
    sent = list(headers)
    if not any(name == b"host" for name, _ in sent):
        sent.append((b"host", b"api.example"))
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "https",
        "path": path,
        "raw_path": path.encode("utf-8", "surrogateescape"),
        "query_string": b"",
        "root_path": "",
        "headers": sent,
        "client": ("192.0.2.1", 50000),
        "server": ("api.example", 443),
        "state": {},
        **more,
    }


def websocket_scope(path: str, headers: Iterable[tuple[bytes, bytes]] = (), **more: Any) -> Scope:
    scope = http_scope("GET", path, headers, type="websocket", scheme="wss", subprotocols=[], **more)
    del scope["method"]
    return scope


def preflight(
    method: bytes, origin: bytes = b"https://a.example", *more: tuple[bytes, bytes]
) -> list[tuple[bytes, bytes]]:
    return [(b"origin", origin), (b"access-control-request-method", method), *more]


def ask(app: ASGIApp, scope: Scope) -> Reply:
    """Send the request with an empty body and wait until the app is done; what it raises is raised here."""
    messages: list[Message] = []
    requests: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if not requests:
            await anyio.sleep_forever()  # the client stays connected, and says no more
        return requests.pop()

    async def send(message: Message) -> None:
        messages.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    anyio.run(run)
    return Reply(messages)


def shake_hands(app: ASGIApp, scope: Scope) -> list[Message]:
    """What the app sends to a client that opens a websocket and goes at once."""
    incoming: list[Message] = [{"type": "websocket.disconnect", "code": 1000}, {"type": "websocket.connect"}]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    async def run() -> None:
        await app(scope, receive, send)

    anyio.run(run)
    return sent
