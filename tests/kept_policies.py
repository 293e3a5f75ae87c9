"""Five routes whose policies a decorator may lose, and what is seen where these hold, or were closed.

`GET /policy`, `POST /enforced` and the websocket `/ws` are for one origin; `GET /closed` and `/ws-closed` are
for none (`@no_cors`). Each library, or decorator, that puts another function in the endpoint's place declares
them in its own way. Then either all that they say holds, whatever the layer's default allows to others; or,
where nobody can tell whose policy it was, the route is closed to everybody, and the log says so when the app
starts.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
from asgi import Reply, ask, http_scope, preflight, shake_hands, websocket_scope
from fastapi import APIRouter, FastAPI

from route_cors import CORSPolicy, CORSRouter, install_cors

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Message

__all__ = [
    "ENFORCED",
    "FOR_A",
    "NAMES",
    "Arranged",
    "Calls",
    "assert_closed_and_enforced",
    "assert_enforced",
    "assert_holds",
    "assert_nothing_is_lost",
    "assert_policy",
    "assert_said",
    "assert_says_that_all_are_closed",
    "assert_shut",
    "assert_shut_websocket",
    "everywhere",
    "on_layered",
    "start",
]

A: Final = "https://a.example"
STRANGER: Final = "https://stranger.example"
OWN: Final = "https://api.example"

FOR_A: Final = CORSPolicy(origins=A)
ENFORCED: Final = CORSPolicy(origins=A, enforce=True)

READABLE: Final = {"access-control-allow-origin": A, "vary": "Origin"}
UNREADABLE: Final = {"vary": "Origin"}
VARY_PREFLIGHT: Final = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
REFUSED: Final = (403, {"vary": VARY_PREFLIGHT})


# --- The app around them


@dataclass(frozen=True)
class Arranged:
    """On which router the routes are declared, and what stands around the app."""

    router: type[APIRouter]
    layer: bool
    default: CORSPolicy | None = None

    def app(self, declare: Callable[[APIRouter], None], **router: Any) -> FastAPI:
        """An app with the routes that are declared on such a router, under `/api`."""
        included = self.router(**router)
        declare(included)
        app = FastAPI()
        app.include_router(included, prefix="/api")
        self.install(app)
        return app

    def install(self, app: Starlette) -> None:
        if self.layer:
            install_cors(app, default=self.default)

    def __str__(self) -> str:
        layer = "alone" if not self.layer else "layer" if self.default is None else "layer with a default"
        return f"{self.router.__name__}, {layer}"


_ANY: Final = CORSPolicy(origins="*")
_LAYERED: Final = [
    Arranged(APIRouter, layer=True),
    Arranged(APIRouter, layer=True, default=_ANY),
    Arranged(CORSRouter, layer=True),
    Arranged(CORSRouter, layer=True, default=_ANY),
]
on_layered = pytest.mark.parametrize("arranged", _LAYERED, ids=str)
# A CORSRouter needs no layer for what it holds by itself.
everywhere = pytest.mark.parametrize("arranged", [*_LAYERED, Arranged(CORSRouter, layer=False)], ids=str)


@dataclass
class Calls:
    """Who ran, and where the functions stand that were declared: `@calls.declared` below `@cors`."""

    ran: list[str] = field(default_factory=list[str])
    _codes: dict[str, CodeType] = field(default_factory=dict[str, "CodeType"])

    def declared(self, function: Any) -> Any:
        code: CodeType = function.__code__
        self._codes[code.co_name] = code
        return function

    def names_its_declaration(self, message: str, name: str) -> bool:
        """Whether the message names the function, its file, and a line between decorators and body."""
        code = self._codes[name]
        after = min(line for *_, line in code.co_lines() if line is not None and line > code.co_firstlineno)
        places = re.findall(rf"{re.escape(Path(code.co_filename).name)}:(\d+)\b", message)
        lines = range(code.co_firstlineno, after + 1)
        return name in message and any(int(place) in lines for place in places)


# --- What is seen


def start(app: ASGIApp) -> None:
    """As a server starts it."""
    messages: list[Message] = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]
    sent: list[str] = []

    async def receive() -> Message:
        return messages.pop()

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def run() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    anyio.run(run)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def send(app: ASGIApp, method: str, path: str, origin: str | None = None) -> Reply:
    headers = [] if origin is None else [(b"origin", origin.encode())]
    return ask(app, http_scope(method, path, headers))


def seen(app: ASGIApp, method: str, path: str, origin: str | None = None) -> tuple[int, dict[str, str]]:
    reply = send(app, method, path, origin)
    return reply.status, reply.cors


def asked(app: ASGIApp, method: str, path: str, origin: str) -> tuple[int, dict[str, str]]:
    reply = ask(app, http_scope("OPTIONS", path, preflight(method.encode(), origin.encode())))
    return reply.status, reply.cors


def granted(methods: str) -> tuple[int, dict[str, str]]:
    return 204, {
        "access-control-allow-origin": A,
        "access-control-allow-methods": methods,
        "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type",
        "access-control-max-age": "600",
        "vary": VARY_PREFLIGHT,
    }


def is_accepted(app: ASGIApp, path: str, origin: str | None) -> bool:
    """Whether a handshake is; if so, the client goes at once."""
    headers = [] if origin is None else [(b"origin", origin.encode())]
    answered: str = shake_hands(app, websocket_scope(path, headers))[0]["type"]
    return answered == "websocket.accept"


def assert_holds(app: ASGIApp, calls: Calls, prefix: str = "/api") -> None:
    """Each of the five is served under its own policy."""
    assert_policy(app, calls, f"{prefix}/policy")
    assert_shut(app, "GET", f"{prefix}/closed")
    assert_enforced(app, calls, f"{prefix}/enforced")
    calls.ran.clear()
    for origin, accepted in ((A, True), (OWN, True), (None, True), (STRANGER, False)):
        assert is_accepted(app, f"{prefix}/ws", origin) is accepted
    assert calls.ran == ["ws"] * 3
    assert_shut_websocket(app, f"{prefix}/ws-closed")


def assert_policy(app: ASGIApp, calls: Calls, path: str, methods: str = "GET") -> None:
    calls.ran.clear()
    assert seen(app, "GET", path, A) == (200, READABLE)
    for origin in (STRANGER, OWN, None):
        assert seen(app, "GET", path, origin) == (200, UNREADABLE)
    assert calls.ran == ["policy"] * 4
    assert asked(app, "GET", path, A) == granted(methods)
    assert asked(app, "GET", path, STRANGER) == REFUSED


def assert_enforced(app: ASGIApp, calls: Calls, path: str) -> None:
    calls.ran.clear()
    assert seen(app, "POST", path, STRANGER)[0] == 403
    assert calls.ran == []
    assert seen(app, "POST", path, A) == (200, READABLE)
    assert seen(app, "POST", path, OWN) == (200, UNREADABLE)
    assert calls.ran == ["enforced"] * 2
    assert asked(app, "POST", path, A) == granted("POST")
    assert asked(app, "POST", path, STRANGER) == REFUSED


def assert_shut(app: ASGIApp, method: str, path: str) -> None:
    """No other origin reads it or is granted anything; it is served as it is."""
    for origin in (A, STRANGER, OWN, None):
        assert seen(app, method, path, origin) == (200, {})
    for origin in (A, STRANGER):
        assert asked(app, method, path, origin) == REFUSED


def assert_shut_websocket(app: ASGIApp, path: str) -> None:
    for origin, accepted in ((A, False), (STRANGER, False), (OWN, True), (None, True)):
        assert is_accepted(app, path, origin) is accepted


def assert_closed_and_enforced(app: ASGIApp, calls: Calls, method: str, path: str) -> None:
    """As `@no_cors`; and the lost policy refused requests, so that no other origin's runs."""
    calls.ran.clear()
    for origin in (A, STRANGER):
        assert seen(app, method, path, origin) == (403, {"vary": "Origin, Sec-Fetch-Site"})
        assert asked(app, method, path, origin) == REFUSED
    assert calls.ran == []
    for own in (OWN, None):
        assert seen(app, method, path, own) == (200, {})
    assert len(calls.ran) == 2


# --- What is said


def errors_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "route_cors" and record.levelno >= logging.ERROR
    ]


def assert_nothing_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    assert errors_of(caplog) == []


def assert_said(caplog: pytest.LogCaptureFixture, calls: Calls, closed: dict[str, str]) -> None:
    """One error for each of these paths, with the function that was declared there and where it stands.

    `one|another` is for either of two functions.
    """
    said = errors_of(caplog)
    for path, name in closed.items():
        about = [
            message for message in said if re.search(rf"(?<![\w/-]){re.escape(path)}(?![\w/-])", message)
        ]
        assert len(about) == 1, f"{path}: {about}"
        assert any(calls.names_its_declaration(about[0], one) for one in name.split("|")), about[0]
    assert len(said) == len(closed), said


# What stands for each of the five at its path.
NAMES: Final = {
    "/policy": "policy",
    "/closed": "closed",
    "/enforced": "enforced",
    "/ws": "ws",
    "/ws-closed": "ws_closed",
}


def assert_says_that_all_are_closed(
    app: ASGIApp, calls: Calls, caplog: pytest.LogCaptureFixture, prefix: str = "/api"
) -> None:
    """The log says it of each of the five when the app starts, and never again; and they are closed."""
    start(app)
    closed = {prefix + path: name for path, name in NAMES.items()}
    assert_said(caplog, calls, closed)
    assert_shut(app, "GET", f"{prefix}/policy")
    assert_shut(app, "GET", f"{prefix}/closed")
    assert_closed_and_enforced(app, calls, "POST", f"{prefix}/enforced")
    assert_shut_websocket(app, f"{prefix}/ws")
    assert_shut_websocket(app, f"{prefix}/ws-closed")
    assert_said(caplog, calls, closed)
