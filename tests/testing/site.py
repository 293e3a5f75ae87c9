"""What the tests of the wires send to: an app that keeps what it was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Receive, Scope, Send

__all__ = ["ALLOWED", "GRANTED", "A", "Answer", "E", "Recorded", "Site"]

A = "https://app.example.com"
E = "https://evil.example"


class Answer(NamedTuple):
    """A response, byte for byte."""

    status: int = 200
    headers: Iterable[tuple[bytes, bytes]] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Recorded:
    """A request as the app was handed it."""

    scope: Scope
    body: bytes = b""

    @property
    def line(self) -> str:
        query = self.scope["query_string"].decode()
        method = self.scope.get("method", "WEBSOCKET")
        return f"{method} {unquote(self.scope['path'])}{'?' if query else ''}{query}"

    @property
    def headers(self) -> dict[str, list[str]]:
        """Each header's values."""
        values: dict[str, list[str]] = {}
        for name, value in self.scope["headers"]:
            values.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        return values

    def header(self, name: str) -> str | None:
        """The value of a header; None where there is none. It must not be there twice."""
        values = self.headers.get(name, [])
        assert len(values) < 2, f"{name} was sent {len(values)} times: {values}"
        return values[0] if values else None


ALLOWED = (
    (b"access-control-allow-origin", A.encode()),
    (b"access-control-allow-credentials", b"true"),
    (b"vary", b"Origin"),
)
GRANTED = (
    *ALLOWED,
    (b"access-control-allow-methods", b"PUT, DELETE, patch"),
    (b"access-control-allow-headers", b"Content-Type, X-Token"),
)


@dataclass
class Site:
    """An app of one allowed origin, A, whose answers are written out: no CORS library is asked.

    Args:
        answers: by path, to all requests but preflights. A path that is not there is answered with 404.
        granted: the headers that answer preflights.
        requests: as they arrived.
    """

    answers: dict[str, Answer] = field(default_factory=dict)
    granted: Iterable[tuple[bytes, bytes]] = GRANTED
    requests: list[Recorded] = field(default_factory=list)

    @property
    def log(self) -> list[str]:
        return [recorded.line for recorded in self.requests]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            self.requests.append(Recorded(scope))
            await self._websocket(scope, receive, send)
            return
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        recorded = Recorded(scope, body)
        self.requests.append(recorded)
        if scope["path"] == "/broken":
            raise RuntimeError("broken on purpose")
        if recorded.header("access-control-request-method") is not None:
            answer = Answer(204, self.granted)
        else:
            answer = self.answers.get(scope["path"], Answer(404, ALLOWED))
        await respond(send, "http", answer)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        for event in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{event}"
            scope["state"]["last"] = event
            await send({"type": f"lifespan.{event}.complete"})

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/broken":
            raise RuntimeError("broken on purpose")
        if scope["path"] == "/silent":
            return
        assert (await receive())["type"] == "websocket.connect"
        if scope["path"] == "/denied":
            await respond(send, "websocket.http", Answer(401, [(b"x-why", b"caf\xe9")], b"log in first"))
            return
        if (b"origin", A.encode()) not in scope["headers"]:
            await send({"type": "websocket.close"})
            return
        offered = scope["subprotocols"]
        headers = [(b"set-cookie", b"seen=1; SameSite=None; Secure")]
        await send(
            {"type": "websocket.accept", "subprotocol": offered[-1] if offered else None, "headers": headers}
        )
        assert (await receive())["type"] == "websocket.disconnect"


async def respond(send: Any, protocol: str, answer: Answer) -> None:
    headers = list(answer.headers)
    # Without it a server would choose chunks, and say so in a header of its own.
    if answer.status != 204 and answer.body:
        headers.append((b"content-length", str(len(answer.body)).encode()))
    await send({"type": f"{protocol}.response.start", "status": answer.status, "headers": headers})
    await send({"type": f"{protocol}.response.body", "body": answer.body})
