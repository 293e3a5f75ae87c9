"""Endpoints that answer with their own name, and one look at an app: who ran, and whose policy was it?

Each declares a policy for the one origin of its name. So a response says who made it and whose policy it
carries, and a preflight from that origin says whose grant it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import fastapi
import pytest
from asgi import Reply, ask, http_scope, preflight, shake_hands, websocket_scope
from fastapi import WebSocket
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of endpoints
from starlette.responses import PlainTextResponse, Response

from route_cors import CORSPolicy, cors, install_cors

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = [
    "ALONE",
    "FASTAPI",
    "KEEPS_A_TREE",
    "STRANGER",
    "VARY_PREFLIGHT",
    "Opaque",
    "allows_root_path",
    "ask_for",
    "assert_guards",
    "assert_owns",
    "assert_refuses",
    "assert_serves",
    "assert_untouched",
    "get",
    "in_a_list",
    "in_a_tree",
    "installed",
    "named",
    "named_app",
    "named_class",
    "named_websocket",
    "policy",
    "shaken_by",
    "silent",
]

FASTAPI: Final = tuple(int(part) for part in fastapi.__version__.split(".")[:3])
# From then on `router.routes` is a tree: what is included stays live, and plain routes inherit too. Before,
# include_router made copies of the routes: plain ones did not inherit, and mounts were left out.
KEEPS_A_TREE: Final = FASTAPI >= (0, 137)
in_a_tree = pytest.mark.skipif(not KEEPS_A_TREE, reason="include_router makes copies below FastAPI 0.137")
in_a_list = pytest.mark.skipif(KEEPS_A_TREE, reason="include_router keeps the original from FastAPI 0.137 on")
# What FastAPI(root_path=...) says from 0.160 or so on.
allows_root_path = pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")

STRANGER: Final = "https://stranger.example"
# If it is not known what is served: only the method that was asked for.
ALONE: Final = "GET"
VARY_PREFLIGHT: Final = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


# --- Endpoints that say who they are


def policy(name: str, **more: Any) -> CORSPolicy:
    return CORSPolicy(origins=[f"https://{name}.example"], **more)


def silent(name: str) -> Callable[..., Any]:
    """An endpoint without a policy."""

    async def endpoint(request: Request) -> Response:
        return PlainTextResponse(name)

    return endpoint


def named(name: str, **more: Any) -> Callable[..., Any]:
    return cors(policy(name, **more))(silent(name))


def named_class(name: str, *methods: str) -> Any:
    async def handler(self: HTTPEndpoint, request: Request) -> Response:
        return PlainTextResponse(name)

    return cors(policy(name))(type(name.title(), (HTTPEndpoint,), dict.fromkeys(methods, handler)))


class Opaque:
    """An ASGI app that shows no routes."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept", "headers": [(b"x-name", self.name.encode())]})
            return
        await PlainTextResponse(self.name)(scope, receive, send)


def named_app(name: str) -> Any:
    return cors(policy(name))(Opaque(name))


def named_websocket(name: str) -> Any:
    @cors(policy(name))
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept(headers=[(b"x-name", name.encode())])

    return endpoint


# --- One look at an app


def get(
    app: ASGIApp,
    path: str,
    origin: str = STRANGER,
    *,
    method: str = "GET",
    host: str = "api.example",
    **scope: Any,
) -> Reply:
    headers = [(b"host", host.encode()), (b"origin", origin.encode())]
    return ask(app, http_scope(method, path, headers, **scope))


def ask_for(
    app: ASGIApp, path: str, origin: str, *, method: str = "GET", host: str = "api.example", **scope: Any
) -> Reply:
    headers = preflight(method.encode(), origin.encode(), (b"host", host.encode()))
    return ask(app, http_scope("OPTIONS", path, headers, **scope))


def assert_owns(
    app: ASGIApp, path: str, name: str, *, method: str = "GET", status: int = 200, **request: Any
) -> None:
    """That endpoint's policy is on the response, and no other; and it is that endpoint's response."""
    origin = f"https://{name}.example"
    reply = get(app, path, origin, method=method, **request)
    assert (reply.status, reply.cors) == (status, {"access-control-allow-origin": origin, "vary": "Origin"})
    if status == 200 and method != "HEAD":
        assert reply.body.decode() == name
    reply = get(app, path, method=method, **request)
    assert (reply.status, reply.cors) == (status, {"vary": "Origin"})


def assert_serves(
    app: ASGIApp, path: str, name: str, methods: str = "GET", *, method: str = "GET", **request: Any
) -> None:
    """That endpoint runs, its policy is on the response, and it alone decides the preflight."""
    assert_owns(app, path, name, method=method, **request)
    origin = f"https://{name}.example"
    granted = ask_for(app, path, origin, method=method, **request)
    assert (granted.status, granted.cors) == (
        204,
        {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": methods,
            "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type",
            "access-control-max-age": "600",
            "vary": VARY_PREFLIGHT,
        },
    )
    refused = ask_for(app, path, STRANGER, method=method, **request)
    assert (refused.status, refused.cors) == (403, {"vary": VARY_PREFLIGHT})


def assert_refuses(app: ASGIApp, path: str, name: str, *, method: str, **request: Any) -> None:
    """The preflight finds that endpoint's policy, which does not grant the method."""
    refused = ask_for(app, path, f"https://{name}.example", method=method, **request)
    assert (refused.status, refused.body) == (403, b"CORS preflight refused: method")


def assert_untouched(app: ASGIApp, path: str, status: int, *, method: str = "GET", **request: Any) -> None:
    """No policy holds: nothing is written, and a preflight reaches the app."""
    reply = get(app, path, method=method, **request)
    assert (reply.status, reply.cors) == (status, {})
    reply = ask_for(app, path, STRANGER, method=method, **request)
    assert reply.cors == {}
    assert b"CORS" not in reply.body


def installed(*routes: BaseRoute, redirect_slashes: bool = True) -> Starlette:
    app = Starlette(routes=list(routes))
    app.router.redirect_slashes = redirect_slashes
    install_cors(app)
    return app


def shaken_by(app: ASGIApp, path: str, origin: str = STRANGER, **scope: Any) -> str | None:
    """The name of the endpoint that accepts the handshake; None where it is refused."""
    headers = [(b"host", b"api.example"), (b"origin", origin.encode())]
    first, *_ = shake_hands(app, websocket_scope(path, headers, **scope))
    if first["type"] != "websocket.accept":
        return None
    name: bytes = dict(first["headers"])[b"x-name"]
    return name.decode()


def assert_guards(app: ASGIApp, path: str, name: str, **scope: Any) -> None:
    """That websocket endpoint's policy decides the handshake."""
    assert shaken_by(app, path, f"https://{name}.example", **scope) == name
    assert shaken_by(app, path, **scope) is None
