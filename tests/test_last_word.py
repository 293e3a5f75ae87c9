"""Arrangements in which what is foretold is not what serves: rewriting, hiding, streaming, other methods."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import fastapi.routing
import pytest
from asgi import ask, http_scope, preflight, shake_hands, websocket_scope
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

A = b"https://a.example"
B = b"https://b.example"
E = b"https://evil.example"
FOR_A = CORSPolicy(origins=A.decode())
FOR_B = CORSPolicy(origins=B.decode())
ANY = CORSPolicy(origins="*")


def says(text: str) -> Any:
    async def endpoint(request: Request) -> PlainTextResponse:
        return PlainTextResponse(text)

    return endpoint


def unannotated() -> Any:
    async def endpoint():  # type: ignore[no-untyped-def]  # noqa: ANN202
        return "ok"

    return endpoint


def hidden(app: ASGIApp, *, change: Callable[[Scope], None] = lambda scope: None) -> ASGIApp:
    async def wrapper(scope: Scope, receive: Receive, send: Send) -> None:
        change(scope)
        await app(scope, receive, send)

    return wrapper


class Shown:
    """A middleware that shows what it is around."""

    def __init__(self, app: ASGIApp, *, change: Callable[[Scope], None] = lambda scope: None) -> None:
        self.app = app
        self._change = change

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._change(scope)
        await self.app(scope, receive, send)


def get(app: ASGIApp, path: str, origin: bytes, method: str = "GET") -> tuple[int, str | None]:
    reply = ask(app, http_scope(method, path, [(b"origin", origin)]))
    return reply.status, reply.cors.get("access-control-allow-origin")


def asked(app: ASGIApp, path: str, origin: bytes, method: bytes = b"GET") -> tuple[int, str | None]:
    reply = ask(app, http_scope("OPTIONS", path, preflight(method, origin)))
    return reply.status, reply.cors.get("access-control-allow-origin")


def opened(app: ASGIApp, path: str, origin: bytes) -> list[str]:
    """The types of the messages that the server is sent."""
    scope = websocket_scope(path, [(b"host", b"api.example"), (b"origin", origin)])
    return [message["type"] for message in shake_hands(app, scope)]


def mere_router() -> APIRouter:
    """A router that is neither an app nor a CORSRouter, with routes of CORSRouters in it."""
    outer = CORSRouter(cors=FOR_A)
    inner = CORSRouter()

    @inner.get("/x")
    async def x() -> None: ...

    @inner.websocket("/ws")
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()

    outer.include_router(inner)

    @outer.get("/closed")
    @no_cors
    async def closed() -> None: ...

    @outer.websocket("/closed-ws")
    @no_cors
    async def closed_ws(websocket: WebSocket) -> None:
        await websocket.accept()

    router = APIRouter()
    router.include_router(outer)
    return router


def test_routes_in_a_mere_router_out_of_sight_know_what_they_declare() -> None:
    app = FastAPI()
    app.mount("/m", hidden(mere_router()))
    install_cors(app, default=ANY)
    assert get(app, "/m/x", A) == (200, A.decode())
    assert get(app, "/m/x", E) == (200, None)
    assert get(app, "/m/closed", E) == (200, None)
    assert opened(app, "/m/ws", E) == ["websocket.close"]
    assert opened(app, "/m/ws", A) == ["websocket.accept"]
    assert opened(app, "/m/closed-ws", A) == ["websocket.close"]


def test_they_may_refuse_a_preflight_and_grant_none() -> None:
    app = FastAPI()
    app.mount("/m", hidden(mere_router()))
    install_cors(app, default=ANY)
    assert asked(app, "/m/x", E) == (403, None)
    assert asked(app, "/m/x", A) == (204, "*")  # the outer answer stands
    assert asked(app, "/m/closed", A) == (403, None)


def test_an_endpoint_that_is_out_of_sight_in_two_routers_that_differ_is_closed() -> None:
    async def shared() -> None: ...

    first, second = CORSRouter(cors=FOR_A), CORSRouter(cors=FOR_B)
    inner = CORSRouter()
    inner.add_api_route("/x", shared)
    first.include_router(inner, prefix="/first")
    second.include_router(inner, prefix="/second")
    router = APIRouter()
    router.include_router(first)
    router.include_router(second)
    app = FastAPI()
    app.mount("/m", hidden(router))
    install_cors(app, default=ANY)
    for path in ("/m/first/x", "/m/second/x"):
        assert get(app, path, E) == (200, None)


@pytest.mark.skipif(not hasattr(fastapi.routing, "_IncludedRouter"), reason="the route has the policy itself")
def test_what_is_out_of_sight_is_closed_while_a_router_cannot_be_read() -> None:
    class Unreadable(Mount):
        @property
        def app(self) -> Any:
            raise RuntimeError

        @app.setter
        def app(self, app: Any) -> None: ...

    app = FastAPI()
    app.mount("/m", hidden(mere_router()))
    install_cors(app, default=ANY)
    assert get(app, "/m/x", A) == (200, "https://a.example")
    elsewhere = CORSRouter()
    elsewhere.routes.append(Unreadable("/x", app=hidden(mere_router())))
    try:
        assert asked(app, "/m/x", A) == (403, None)
        assert asked(app, "/m/x", E) == (403, None)
        assert get(app, "/m/x", A) == (200, None)
    finally:
        elsewhere.routes.clear()  # it may outlive this test
    assert get(app, "/m/x", A) == (200, "https://a.example")


def test_a_route_of_no_policy_out_of_sight_is_under_the_outer_default() -> None:
    inner = CORSRouter()

    @inner.get("/x")
    async def x() -> None: ...

    router = APIRouter()
    router.include_router(inner)
    app = FastAPI()
    app.mount("/m", hidden(router))
    install_cors(app, default=ANY)
    assert get(app, "/m/x", E) == (200, "*")
    assert asked(app, "/m/x", E) == (204, "*")


def test_a_stream_that_answers_a_preflight_is_ended() -> None:
    ended: list[str] = []

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        ended.append((await receive())["type"])
        try:
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
        except OSError:
            ended.append("OSError")
            raise

    app = Starlette(routes=[Mount("/m", stream)])
    install_cors(app, default=ANY)
    assert asked(app, "/m/x", E, b"PUT") == (204, "*")
    assert ended == ["http.disconnect", "OSError"]


def to_b(scope: Scope) -> None:
    scope["path"] = scope["path"].replace("/a", "/b")


def test_what_was_declared_for_another_route_opens_nothing() -> None:
    inner = Starlette(routes=[Route("/a", cors(FOR_A)(says("a"))), Route("/b", says("b"))])
    app = Starlette(routes=[Mount("/m", Shown(RouteCORSMiddleware(inner), change=to_b))])
    install_cors(app)
    assert get(app, "/m/a", A) == (200, None)
    assert asked(app, "/m/a", A) == (403, None)


def test_a_preflight_for_what_is_served_beside_the_mount_is_answered_by_that() -> None:
    inner = Starlette(routes=[Route("/x", cors(FOR_B)(says("inner")), methods=["PUT", "GET"])])
    install_cors(inner)
    beside = Route("/s/x", cors(FOR_A)(says("beside")), methods=["PUT"])
    middle = Starlette(routes=[beside, Mount("/s", hidden(inner))])
    app = Starlette(routes=[Mount("/m", Shown(middle))])
    install_cors(app)
    assert get(app, "/m/s/x", A, "PUT") == (200, A.decode())
    assert asked(app, "/m/s/x", A, b"PUT") == (204, A.decode())
    assert asked(app, "/m/s/x", B, b"PUT") == (403, None)
    assert asked(app, "/m/s/x", B, b"GET") == (204, B.decode())


def test_a_preflight_beside_which_another_route_shows_itself() -> None:
    shown = Starlette(
        routes=[
            Route("/x", cors(FOR_A)(says("put")), methods=["PUT"]),
            Route("/x", cors(FOR_B)(says("options")), methods=["OPTIONS"]),
        ]
    )
    install_cors(shown)
    app = Starlette(routes=[Mount("/m", Shown(shown))])
    install_cors(app)
    assert asked(app, "/m/x", A, b"PUT") == (204, A.decode())
    assert asked(app, "/m/x", B, b"PUT") == (403, None)


def as_options(scope: Scope) -> None:
    scope["method"] = "OPTIONS"


def as_get(scope: Scope) -> None:
    scope["method"] = "GET"


def test_a_request_that_a_middleware_turns_into_a_preflight_is_none() -> None:
    inner = Starlette(routes=[Route("/x", cors(FOR_A)(says("x")), methods=["GET", "OPTIONS"])])
    install_cors(inner)
    app = Starlette(routes=[Mount("/m", hidden(inner, change=as_options))])
    install_cors(app, default=ANY)
    reply = ask(app, http_scope("GET", "/m/x", preflight(b"GET", E)))
    assert reply.status == 200


def test_a_preflight_that_a_middleware_turns_into_a_request_is_answered_by_the_outer_layer() -> None:
    inner = Starlette(routes=[Route("/x", cors(FOR_A)(says("x")))])
    install_cors(inner)
    app = Starlette(routes=[Mount("/m", hidden(inner, change=as_get))])
    install_cors(app, default=ANY)
    assert asked(app, "/m/x", E) == (204, "*")


def test_a_websocket_out_of_sight_that_is_closed_ends_for_its_app_too() -> None:
    seen: list[str] = []

    @no_cors
    async def talk(websocket: WebSocket) -> None:
        await websocket.accept()
        seen.append((await websocket.receive())["type"])
        await websocket.send_text("x")

    app = Starlette(routes=[Mount("/m", hidden(Starlette(routes=[WebSocketRoute("/ws", talk)])))])
    install_cors(app)
    assert opened(app, "/m/ws", E) == ["websocket.close"]
    assert seen == ["websocket.disconnect"]


def test_a_redirect_inside_a_mount_is_where_the_outermost_router_leads() -> None:
    inner = Starlette(routes=[Route("/a/", cors(FOR_A)(says("a")))])
    install_cors(inner)
    app = Starlette(routes=[Mount("/m", inner)])
    assert get(app, "/m/a", A) == (307, A.decode())


def test_more_routes_in_a_mounted_app_than_are_remembered() -> None:
    routes = [Route(f"/{number}", cors(FOR_A)(says("x"))) for number in range(1_030)]
    app = Starlette(routes=[Mount("/m", Starlette(routes=routes))])
    layer = RouteCORSMiddleware(app)
    for number in [*range(1_030), *range(1_030), 0]:
        assert asked(layer, f"/m/{number}", A) == (204, A.decode())


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI has no app.frontend()")
@pytest.mark.parametrize("is_included", [False, True])
def test_routes_that_stand_among_the_frontends(is_included: bool) -> None:
    # As FastAPI's own tests put them there; its documentation has no way to.
    router: Any = APIRouter()

    def add(path: str, endpoint: Any) -> None:
        router._low_priority_routes.append(router.route_class(path, endpoint, methods=["GET"]))

    add("/closed", no_cors(unannotated()))
    add("/for-a", cors(FOR_A)(unannotated()))
    add("/open", unannotated())
    router._mark_routes_changed()
    app = FastAPI()
    if is_included:
        app.include_router(router, prefix="/in")
    else:
        app.router._low_priority_routes.extend(router._low_priority_routes)
    install_cors(app, default=ANY)
    at = "/in" if is_included else ""
    assert get(app, f"{at}/closed", A) == (200, None)
    assert get(app, f"{at}/for-a", A) == (200, A.decode())
    assert get(app, f"{at}/for-a", E) == (200, None)
    assert get(app, f"{at}/open", E) == (200, "*")
