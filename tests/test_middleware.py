"""The layer: where it stands, what it asks of a request, and what it never lets a client do."""

from __future__ import annotations

import asyncio
import copy
import logging
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asgi import ask, http_scope, preflight, shake_hands, websocket_scope
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Match, Mount, Route, Router, WebSocketRoute

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors
from route_cors.decorators import NoCORS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

A = b"https://a.example"
E = b"https://evil.example"
POLICY = CORSPolicy(origins="https://a.example")
VARY_PREFLIGHT = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
ALLOWED = {"access-control-allow-origin": "https://a.example", "vary": "Origin"}
GRANTED = {
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type",
    "access-control-max-age": "600",
    "vary": VARY_PREFLIGHT,
}


def answers(text: str = "ok") -> Any:
    async def endpoint(_: Request) -> PlainTextResponse:
        return PlainTextResponse(text)

    return endpoint


def app_with(policy: Any, methods: list[str] | None = None, **arguments: Any) -> Starlette:
    app = Starlette(routes=[Route("/x", policy(answers()), methods=methods)])
    install_cors(app, **arguments)
    return app


# Where it stands


@pytest.mark.parametrize(
    "not_an_app", [None, "app:app", Router(), RouteCORSMiddleware, PlainTextResponse("")]
)
def test_install_on_what_is_no_app(not_an_app: Any) -> None:
    with pytest.raises(TypeError, match="takes a FastAPI or Starlette app, not "):
        install_cors(not_an_app)


@pytest.mark.parametrize("default", ["*", {"origins": "*"}, NoCORS, CORSPolicy])
def test_a_default_that_is_no_policy(default: Any) -> None:
    app = Starlette()
    with pytest.raises(TypeError, match="default must be a CORSPolicy, no_cors or None, not "):
        install_cors(app, default=default)
    with pytest.raises(TypeError, match="default must be a CORSPolicy, no_cors or None, not "):
        RouteCORSMiddleware(app, default=default)
    assert not isinstance(getattr(app.build_middleware_stack(), "app", None), RouteCORSMiddleware)


def test_installing_twice() -> None:
    app = Starlette(routes=[Route("/x", cors(POLICY)(answers()))])
    install_cors(app, default=CORSPolicy(origins="https://b.example"))
    install_cors(app, default=CORSPolicy(origins=["https://b.example"]))
    others: dict[str, Any]
    for others in (
        {},
        {"default": POLICY},
        {"default": CORSPolicy(origins="https://b.example"), "debug": True},
    ):
        with pytest.raises(ValueError, match=r"was called on this app before, with default=CORSPolicy\("):
            install_cors(app, **others)
    assert ask(app, http_scope("GET", "/x", [(b"origin", A)])).cors == ALLOWED


def test_the_stack_has_one_layer_after_installing_twice() -> None:
    app = Starlette()
    install_cors(app)
    install_cors(app)
    layers = 0
    stack: Any = app.build_middleware_stack()
    assert isinstance(stack, ServerErrorMiddleware)
    while stack is not None:
        layers += isinstance(stack, RouteCORSMiddleware)
        stack = getattr(stack, "app", None)
    assert layers == 1


def test_installing_on_a_running_app_keeps_its_middleware_as_it_is() -> None:
    made = []

    class Counting:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app
            made.append(self)

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    app = Starlette(routes=[Route("/x", cors(POLICY)(answers()))], middleware=[Middleware(Counting)])
    scope = http_scope("GET", "/x", [(b"origin", A)])
    assert ask(app, dict(scope)).cors == {}
    install_cors(app)
    assert ask(app, dict(scope)).cors == ALLOWED
    assert len(made) == 1


@pytest.mark.parametrize("before", [True, False])
def test_install_and_add_middleware_in_either_order(before: bool) -> None:
    seen: list[str] = []

    class Guard:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            seen.append(scope["method"])
            await PlainTextResponse("who are you?", 401)(scope, receive, send)

    app = Starlette(routes=[Route("/x", cors(POLICY)(answers()), methods=["PUT"])])
    if before:
        install_cors(app)
    app.add_middleware(Guard)
    if not before:
        install_cors(app)
    granted = ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT")))
    assert (granted.status, granted.cors) == (204, {**GRANTED, "access-control-allow-methods": "PUT"})
    assert seen == []
    refused = ask(app, http_scope("PUT", "/x", [(b"origin", A)]))
    assert (refused.status, refused.cors) == (401, ALLOWED)


def test_in_the_ordinary_place() -> None:
    app = FastAPI()
    app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins="https://b.example"))

    @app.get("/own")
    @cors(POLICY)
    async def own() -> None: ...

    @app.get("/other")
    async def other() -> None: ...

    assert ask(app, http_scope("GET", "/own", [(b"origin", A)])).cors == ALLOWED
    assert ask(app, http_scope("GET", "/other", [(b"origin", A)])).cors == {"vary": "Origin"}
    by_default = ask(app, http_scope("GET", "/nope", [(b"origin", b"https://b.example")]))
    assert (by_default.status, by_default.cors) == (
        404,
        {"access-control-allow-origin": "https://b.example", "vary": "Origin"},
    )


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
@pytest.mark.parametrize("root_path", ["", "/api"])
def test_around_a_whole_application(root_path: str) -> None:
    app = FastAPI(root_path=root_path)

    @app.put("/x")
    @cors(POLICY)
    async def x() -> None: ...

    layer = RouteCORSMiddleware(app)
    granted = ask(layer, http_scope("OPTIONS", root_path + "/x", preflight(b"PUT")))
    assert (granted.status, granted.cors) == (204, {**GRANTED, "access-control-allow-methods": "PUT"})


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI has no app.frontend()")
def test_the_default_covers_a_frontend(tmp_path: Any) -> None:
    (tmp_path / "index.html").write_text("<!doctype html>")
    app: Any = FastAPI()
    app.frontend("/", directory=tmp_path)
    install_cors(app, default=POLICY)
    reply = ask(app, http_scope("GET", "/index.html", [(b"origin", A)]))
    assert (reply.status, reply.body, reply.cors) == (200, b"<!doctype html>", ALLOWED)


OPENED = PlainTextResponse(
    "for everybody", headers={"access-control-allow-origin": "*", "access-control-expose-headers": "x-a"}
)


def closed_by_default(default: Any, *, installed: bool) -> Starlette:
    inner = Starlette(routes=[Route("/x", answers())])
    app = Starlette(
        routes=[
            Route("/plain", lambda _: OPENED),
            Route("/open", cors(POLICY)(answers())),
            WebSocketRoute("/ws", accept),
            Mount("/mounted", inner),
            Mount("/opaque", Wrapper(OPENED)),
        ]
    )
    if installed:
        install_cors(app, default=default)
    else:
        app.add_middleware(RouteCORSMiddleware, default=default)
    return app


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("path", ["/plain", "/mounted/x", "/mounted/none", "/opaque/y", "/none"])
def test_a_default_that_closes_what_has_no_policy(path: str, installed: bool) -> None:
    app = closed_by_default(no_cors, installed=installed)
    for sent in ([(b"origin", A)], []):
        assert ask(app, http_scope("GET", path, sent)).cors == {}
    refused = ask(app, http_scope("OPTIONS", path, preflight(b"GET")))
    assert (refused.status, refused.cors) == (403, {"vary": VARY_PREFLIGHT})


@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize("path", ["/plain", "/mounted/x", "/mounted/none", "/opaque/y", "/none"])
def test_a_default_without_origins_allows_nobody(path: str, installed: bool) -> None:
    app = closed_by_default(CORSPolicy(origins=[]), installed=installed)
    for sent in ([(b"origin", A)], []):
        assert ask(app, http_scope("GET", path, sent)).cors == {"vary": "Origin"}
    refused = ask(app, http_scope("OPTIONS", path, preflight(b"GET")))
    assert (refused.status, refused.cors) == (403, {"vary": VARY_PREFLIGHT})


@pytest.mark.parametrize("default", [no_cors, CORSPolicy(origins=[])])
def test_a_default_for_nobody_leaves_policies_and_websockets_alone(default: Any) -> None:
    app = closed_by_default(default, installed=True)
    assert ask(app, http_scope("GET", "/open", [(b"origin", A)])).cors == ALLOWED
    assert handshake(app, [(b"origin", E)]) == ACCEPTED
    install_cors(app, default=default)


@pytest.mark.parametrize("outer", [CORSPolicy(origins="*"), None])
def test_the_innermost_default_closes(outer: CORSPolicy | None) -> None:
    inner = Starlette(routes=[Route("/x", answers())])
    install_cors(inner, default=no_cors)
    app = Starlette(routes=[Mount("/in", inner), Mount("/hidden", Wrapper(inner))])
    install_cors(app, default=outer)
    for path in ("/in/x", "/hidden/x"):
        assert ask(app, http_scope("GET", path, [(b"origin", A)])).cors == {}
        assert ask(app, http_scope("OPTIONS", path, preflight(b"GET"))).status == 403


def test_around_a_router_and_around_an_app_without_routes() -> None:
    router = Router([Route("/x", cors(POLICY)(answers()))])
    assert ask(RouteCORSMiddleware(router), http_scope("GET", "/x", [(b"origin", A)])).cors == ALLOWED
    plain = RouteCORSMiddleware(PlainTextResponse("ok"), default=POLICY)
    assert ask(plain, http_scope("GET", "/x", [(b"origin", A)])).cors == ALLOWED
    granted = ask(plain, http_scope("OPTIONS", "/x", preflight(b"POST")))
    assert (granted.status, granted.cors) == (
        204,
        {**GRANTED, "access-control-allow-methods": "POST"},
    )
    assert ask(plain, http_scope("OPTIONS", "/x", preflight(b"TRACE"))).status == 403


class Wrapper:
    """A middleware that shows no routes, so that what is behind it is opaque to the app that mounts it."""

    def __init__(self, app: ASGIApp) -> None:
        self.wrapped = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.wrapped(scope, receive, send)


def inner_app() -> FastAPI:
    app = FastAPI()

    @app.put("/x")
    @cors(POLICY)
    async def x() -> None: ...

    return app


@pytest.mark.parametrize("outer_has_layer", [True, False])
@pytest.mark.parametrize("wrap", [lambda app: app, Wrapper], ids=["shown", "opaque"])
def test_a_layer_inside_a_mounted_app(outer_has_layer: bool, wrap: Any) -> None:
    inner = inner_app()
    install_cors(inner, default=CORSPolicy(origins="https://b.example"))
    outer = FastAPI()
    outer.mount("/inner", wrap(inner))
    if outer_has_layer:
        install_cors(outer)
    granted = ask(outer, http_scope("OPTIONS", "/inner/x", preflight(b"PUT")))
    assert (granted.status, granted.cors) == (204, {**GRANTED, "access-control-allow-methods": "PUT"})
    assert ask(outer, http_scope("PUT", "/inner/x", [(b"origin", A)])).cors == ALLOWED
    missing = ask(outer, http_scope("GET", "/inner/nope", [(b"origin", b"https://b.example")]))
    assert (missing.status, missing.cors) == (
        404,
        {"access-control-allow-origin": "https://b.example", "vary": "Origin"},
    )


@pytest.mark.parametrize("install", [True, False])
def test_a_layer_inside_knows_that_the_outer_app_serves_the_method_itself(install: bool) -> None:
    outer = FastAPI()

    @outer.put("/inner/x")
    async def private() -> None: ...

    inner = inner_app()
    if install:
        install_cors(inner, default=POLICY)
    else:
        inner.add_middleware(RouteCORSMiddleware, default=POLICY)
    outer.mount("/inner", inner)
    refused = ask(outer, http_scope("OPTIONS", "/inner/x", preflight(b"PUT")))
    assert (refused.status, refused.cors) == (405, {})


def test_in_the_middleware_of_a_mount_with_a_default_of_its_own() -> None:
    layer = Middleware(RouteCORSMiddleware, default=POLICY)
    app = Starlette(routes=[Mount("/m", routes=[Route("/x", answers())], middleware=[layer])])
    assert ask(app, http_scope("GET", "/m/x", [(b"origin", A)])).cors == ALLOWED
    assert ask(app, http_scope("OPTIONS", "/m/x", preflight(b"GET"))).status == 204


def test_around_something_opaque_inside_a_mount_the_outer_routes_are_not_mistaken_for_its_own() -> None:
    app = Starlette(
        routes=[
            Route("/x", cors(origins="*")(answers())),
            Mount("/m", RouteCORSMiddleware(Wrapper(Starlette(routes=[Route("/x", answers())])))),
        ]
    )
    assert ask(app, http_scope("GET", "/m/x", [(b"origin", A)])).cors == {}
    assert ask(app, http_scope("GET", "/x", [(b"origin", A)])).cors == {}


def test_what_a_middleware_further_out_adds_to_an_answer_is_on_that_answer_alone() -> None:
    app = app_with(cors(POLICY))

    async def further_out(scope: Scope, receive: Receive, send: Send) -> None:
        async def adding(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-added", b"1"))
            await send(message)

        await app(scope, receive, adding)

    for origin, status in ((A, 204), (A, 204), (E, 403), (E, 403)):
        reply = ask(further_out, http_scope("OPTIONS", "/x", preflight(b"GET", origin)))
        assert reply.status == status
        assert [name for name, _ in reply.headers].count(b"x-added") == 1


def test_a_handshake_is_judged_by_one_of_two_layers() -> None:
    asked: list[str] = []

    def is_allowed(origin: str, connection: HTTPConnection) -> bool:
        asked.append(origin)
        return True

    @cors(origins=is_allowed)
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    app = Starlette(routes=[WebSocketRoute("/chat", chat)])
    app.add_middleware(RouteCORSMiddleware)
    install_cors(app)
    sent: list[str] = []

    async def run() -> None:
        async def receive() -> Message:
            return {"type": "websocket.connect"}

        async def send(message: Message) -> None:
            sent.append(message["type"])

        await app(websocket_scope("/chat", [(b"origin", A)]), receive, send)

    anyio.run(run)
    assert sent == ["websocket.accept"]
    assert asked == ["https://a.example"]


class CountedRoute(Route):
    """Counts how often its path is read, which the index does when it is built."""

    reads = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "path":
            CountedRoute.reads += 1
        return super().__getattribute__(name)


@pytest.mark.parametrize("how", ["install_cors", "add_middleware"])
@pytest.mark.parametrize("is_mounted", [False, True])
def test_the_index_is_built_when_the_app_has_started(how: str, is_mounted: bool) -> None:
    async def start(app: Starlette) -> AsyncIterator[None]:
        owner = mounted if is_mounted else app
        owner.router.routes.append(CountedRoute("/late", cors(POLICY)(answers())))
        yield

    mounted = Starlette()
    app = Starlette(routes=[Mount("/m", app=mounted)], lifespan=asynccontextmanager(start))
    mounted.mount("/itself", mounted)
    if how == "install_cors":
        install_cors(app)
    else:
        app.add_middleware(RouteCORSMiddleware)
    events: list[str] = []

    async def run() -> None:
        stop = asyncio.Event()

        async def receive() -> Message:
            if not events:
                return {"type": "lifespan.startup"}
            await stop.wait()
            return {"type": "lifespan.shutdown"}

        async def send(message: Message) -> None:
            events.append(message["type"])
            stop.set()

        await app({"type": "lifespan", "state": {}}, receive, send)

    anyio.run(run)
    assert events == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    built = CountedRoute.reads
    reply = ask(app, http_scope("OPTIONS", "/m/late" if is_mounted else "/late", preflight(b"GET", A)))
    assert (reply.status, reply.cors) == (204, {**GRANTED, "access-control-allow-methods": "GET, HEAD"})
    assert CountedRoute.reads == built > 0


def test_lifespan_and_other_scopes_pass_through() -> None:
    events: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        events.append(scope["type"])

    async def run() -> None:
        layer: Any = RouteCORSMiddleware(app)
        for kind in ("lifespan", "something.new"):
            await layer({"type": kind}, None, None)

    anyio.run(run)
    assert events == ["lifespan", "something.new"]


def test_the_startup_of_an_app_runs_as_before() -> None:
    from starlette.testclient import TestClient

    events: list[str] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        events.append("startup")
        yield
        events.append("shutdown")

    app = FastAPI(lifespan=lifespan)
    install_cors(app)
    with TestClient(app):
        assert events == ["startup"]
    assert events == ["startup", "shutdown"]


@pytest.mark.parametrize("shape", ["routes of another kind", "a router of another kind", "no attributes"])
def test_the_routes_of_another_framework_are_not_read(shape: str) -> None:
    class Other:
        __slots__ = ("router", "routes")

        def __init__(self) -> None:
            self.routes: list[Any] = [object()] if shape == "routes of another kind" else []
            self.router = object() if shape == "a router of another kind" else self

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("other")(scope, receive, send)

    app = Starlette(routes=[Mount("/m", Other()), Route("/x", cors(POLICY)(answers()))])
    install_cors(app)
    assert ask(app, http_scope("GET", "/m/x", [(b"origin", A)])).body == b"other"
    assert ask(app, http_scope("GET", "/x", [(b"origin", A)])).cors == ALLOWED


def test_what_declares_policies_behind_a_wrapper_is_further_in_than_the_default() -> None:
    class Wraps(Wrapper):
        def __init__(self, app: ASGIApp) -> None:
            super().__init__(app)
            self.app = app

    def private() -> FastAPI:
        inner = FastAPI()
        router = CORSRouter(cors=no_cors)
        router.add_api_route("/x", answers(), methods=["GET"])
        inner.include_router(router)
        return inner

    with_layer = FastAPI()
    install_cors(with_layer)
    with_middleware = FastAPI()
    with_middleware.add_middleware(RouteCORSMiddleware)
    for inner in (private(), with_layer, with_middleware, RouteCORSMiddleware(private())):
        if inner in {with_layer, with_middleware}:
            inner.add_api_route("/x", no_cors(answers()), methods=["GET"])
        outer = FastAPI()
        outer.mount("/m", Wraps(inner))
        install_cors(outer, default=CORSPolicy(origins="*"))
        assert ask(outer, http_scope("GET", "/m/x", [(b"origin", A)])).cors == {}
    plain = FastAPI()
    plain.mount("/m", Wraps(FastAPI(openapi_url=None)))
    install_cors(plain, default=POLICY)
    assert ask(plain, http_scope("GET", "/m/x", [(b"origin", A)])).cors == ALLOWED


def test_an_app_mounted_into_itself_behind_a_wrapper() -> None:
    app = Starlette(routes=[Route("/x", answers())])
    app.mount("/self", GZipMiddleware(app))
    layer = RouteCORSMiddleware(app, default=POLICY)
    for path in ("/x", "/nope"):
        reply = ask(layer, http_scope("GET", path, [(b"origin", A)]))
        assert reply.cors["access-control-allow-origin"] == "https://a.example"


def test_the_default_of_a_layer_in_the_middleware_of_a_mount_is_further_in() -> None:
    layer = Middleware(RouteCORSMiddleware, default=POLICY)
    app = Starlette(routes=[Mount("/m", routes=[Route("/x", answers())], middleware=[layer])])
    install_cors(app, default=CORSPolicy(origins="*"))
    assert ask(app, http_scope("GET", "/m/x", [(b"origin", A)])).cors == ALLOWED


def test_a_policy_on_the_app_itself_is_that_of_all_its_routes() -> None:
    app = no_cors(Starlette(routes=[Route("/x", answers()), Route("/y", cors(POLICY)(answers()))]))
    install_cors(app, default=CORSPolicy(origins="*"))
    assert ask(app, http_scope("GET", "/x", [(b"origin", A)])).cors == {}
    assert ask(app, http_scope("GET", "/y", [(b"origin", A)])).cors == ALLOWED


@pytest.mark.parametrize("make_copy", [copy.copy, copy.deepcopy])
def test_a_copy_of_a_router_has_an_index_of_its_own(make_copy: Callable[[Router], Router]) -> None:
    router = Router([Route("/x", cors(POLICY)(answers()))])
    assert ask(RouteCORSMiddleware(router), http_scope("GET", "/x", [(b"origin", A)])).cors == ALLOWED
    other = make_copy(router)
    other.routes = list[BaseRoute]([Route("/x", answers())])
    assert ask(RouteCORSMiddleware(other), http_scope("GET", "/x", [(b"origin", A)])).cors == {}


def test_a_route_that_is_one_by_its_methods_alone() -> None:
    class Duck:
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            return (Match.FULL, {}) if scope["path"] == "/duck" else (Match.NONE, {})

        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await PlainTextResponse("quack")(scope, receive, send)

    duck: Any = cors(POLICY)(Duck)()
    app = Starlette(routes=[duck, Route("/x", cors(origins="*")(answers()))])
    install_cors(app)
    reply = ask(app, http_scope("GET", "/duck", [(b"origin", A)]))
    assert (reply.body, reply.cors) == (b"quack", ALLOWED)
    assert ask(app, http_scope("GET", "/x")).cors == {"access-control-allow-origin": "*"}


# Explaining


@pytest.mark.parametrize(
    ("app_debug", "debug", "explains"),
    [(False, None, False), (True, None, True), (True, False, False), (False, True, True)],
)
def test_debug_shows_an_allowed_origin_what_is_granted(
    app_debug: bool, debug: bool | None, explains: bool
) -> None:
    app = Starlette(debug=app_debug, routes=[Route("/x", cors(POLICY)(answers()), methods=["PUT"])])
    install_cors(app, debug=debug)
    refused = ask(app, http_scope("OPTIONS", "/x", preflight(b"DELETE")))
    stranger = ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT", E)))
    if explains:
        assert (refused.status, refused.cors) == (204, {**GRANTED, "access-control-allow-methods": "PUT"})
        assert (stranger.status, stranger.cors) == (204, {"vary": VARY_PREFLIGHT})
    else:
        assert (refused.status, refused.cors, refused.body) == (
            403,
            {"vary": VARY_PREFLIGHT},
            b"CORS preflight refused: method",
        )
        assert (stranger.status, stranger.cors) == (403, {"vary": VARY_PREFLIGHT})


# What a request asks


@pytest.mark.parametrize(
    "headers",
    [
        [(b"access-control-request-method", b"PUT")],
        [(b"origin", A)],
        [],
    ],
)
def test_an_options_request_without_all_of_it_is_no_preflight(headers: list[tuple[bytes, bytes]]) -> None:
    app = Starlette(routes=[Route("/x", cors(POLICY)(answers()), methods=["PUT"])])
    install_cors(app)
    assert ask(app, http_scope("OPTIONS", "/x", headers)).status == 405


def test_a_get_with_the_request_method_header_is_an_ordinary_request() -> None:
    reply = ask(app_with(cors(POLICY)), http_scope("GET", "/x", preflight(b"PUT")))
    assert (reply.status, reply.body, reply.cors) == (200, b"ok", ALLOWED)


@pytest.mark.parametrize(
    "origins",
    [
        [A, A],
        [A, E],
        [A + b", " + A],
        [b""],
        [b"null"],
        [b"HTTPS://A.EXAMPLE"],
        [A + b"\n"],
        [A + b"/"],
        [A.replace(b"a", "ä".encode())],
        [b"https://a.example\x00"],
        [b"https://" + b"a" * 65536],
    ],
)
def test_an_origin_that_is_not_allowed(origins: list[bytes]) -> None:
    headers = [(b"origin", origin) for origin in origins]
    for policy in (cors(POLICY), cors(origins=["https://*.example", "https://a.example:*"])):
        app = app_with(policy, ["GET"])
        assert ask(app, http_scope("GET", "/x", headers)).cors == {"vary": "Origin"}
        asking = [*headers, (b"access-control-request-method", b"GET")]
        reply = ask(app, http_scope("OPTIONS", "/x", asking))
        assert (reply.status, reply.cors, reply.body) == (
            403,
            {"vary": VARY_PREFLIGHT},
            b"CORS preflight refused: origin",
        )


@pytest.mark.parametrize("origins", [[A, E], [b"null"], [b"\xff" * 65536]])
def test_an_any_origin_policy_never_reads_the_origin(origins: list[bytes]) -> None:
    headers = [(b"origin", origin) for origin in origins]
    app = app_with(cors(origins="*"))
    assert ask(app, http_scope("GET", "/x", headers)).cors == {"access-control-allow-origin": "*"}
    asking = [*headers, (b"access-control-request-method", b"GET")]
    assert ask(app, http_scope("OPTIONS", "/x", asking)).status == 204


@pytest.mark.parametrize(
    "methods", [[b"PUT", b"PUT"], [b"PUT", b"GET"], [b""], [b"\xff\xfe"], [b"P" * 65536]]
)
def test_a_requested_method_that_no_route_has(methods: list[bytes]) -> None:
    headers = [(b"origin", A), *((b"access-control-request-method", method) for method in methods)]
    reply = ask(app_with(cors(POLICY), ["PUT"]), http_scope("OPTIONS", "/x", headers))
    assert (reply.status, reply.cors, reply.body) == (
        403,
        {"vary": VARY_PREFLIGHT},
        b"CORS preflight refused: method",
    )


def test_other_headers_that_come_twice_make_no_difference() -> None:
    sent = [(b"cookie", b"a=b"), (b"origin", A), (b"cookie", b"c=d")]
    assert ask(app_with(cors(POLICY)), http_scope("GET", "/x", sent)).cors == ALLOWED


def test_requested_headers_on_several_lines() -> None:
    app = app_with(cors(POLICY.evolve(allow_headers=["X-A", "X-B"])), ["PUT"])
    lines = [(b"access-control-request-headers", value) for value in (b"x-a", b"X-B, content-type")]
    assert ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT", A, *lines))).status == 204
    lines.append((b"access-control-request-headers", b"x-c"))
    assert ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT", A, *lines))).status == 403


def test_a_preflight_for_a_private_network_is_a_preflight_like_any_other() -> None:
    app = app_with(cors(POLICY), ["PUT"])
    asking = preflight(b"PUT", A, (b"access-control-request-private-network", b"true"))
    reply = ask(app, http_scope("OPTIONS", "/x", asking))
    assert (reply.status, reply.cors) == (
        204,
        ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT", A))).cors,
    )
    assert "access-control-allow-private-network" not in reply.cors


# Responses


def test_a_message_without_headers_and_one_that_is_sent_again() -> None:
    start: Message = {"type": "http.response.start", "status": 200}

    @cors(POLICY)
    class Bare:
        def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
            self.send = send

        def __await__(self) -> Any:
            yield from self.respond().__await__()

        async def respond(self) -> None:
            await self.send(start)
            await self.send({"type": "http.response.body"})

    app = Starlette(routes=[Route("/x", Bare)])
    install_cors(app)
    for _ in range(2):
        assert ask(app, http_scope("GET", "/x", [(b"origin", A)])).cors == ALLOWED
    assert start == {"type": "http.response.start", "status": 200}


def test_two_cors_layers() -> None:
    app = Starlette(
        routes=[
            Route("/x", cors(POLICY.evolve(expose_headers=["X-Id"]))(answers())),
            Route("/closed", no_cors(answers())),
            Route("/plain", answers()),
        ],
        middleware=[
            Middleware(
                CORSMiddleware, allow_origins=["*"], allow_credentials=True, expose_headers=["X-Other"]
            )
        ],
    )
    install_cors(app)
    sent = [(b"origin", A)]
    assert ask(app, http_scope("GET", "/x", sent)).cors == {
        **ALLOWED,
        "access-control-expose-headers": "X-Id",
    }
    assert not {name for name in ask(app, http_scope("GET", "/closed", sent)).cors if name != "vary"}
    assert "access-control-expose-headers" in ask(app, http_scope("GET", "/plain", sent)).cors


def test_interleaved_requests_do_not_see_each_other() -> None:
    both_are_in = asyncio.Event()
    waiting: list[str] = []

    async def wait(request: Request) -> PlainTextResponse:
        waiting.append(request.headers["origin"])
        if len(waiting) == 2:
            both_are_in.set()
        await both_are_in.wait()
        return PlainTextResponse(request.headers["origin"])

    app = Starlette(routes=[Route("/x", cors(origins=["https://a.example", "https://b.example"])(wait))])
    install_cors(app)

    async def run() -> None:
        from httpx import ASGITransport, AsyncClient

        async with AsyncClient(transport=ASGITransport(app), base_url="https://api.example") as client:
            origins = ["https://a.example", "https://b.example"]
            replies = await asyncio.gather(
                *(client.get("/x", headers={"Origin": origin}) for origin in origins)
            )
        for origin, reply in zip(origins, replies, strict=True):
            assert reply.headers["access-control-allow-origin"] == origin == reply.text

    asyncio.run(run())


# enforce and websockets


ENFORCED = cors(POLICY.evolve(enforce=True))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ([(b"origin", A)], 200),
        ([(b"origin", E)], 403),
        ([(b"origin", A), (b"origin", A)], 403),
        ([(b"origin", b"null")], 403),
        ([(b"origin", b"")], 403),
        ([(b"origin", b"https://api.example")], 200),
        ([(b"origin", b"https://api.example"), (b"host", b"API.example:443")], 200),
        ([(b"origin", b"http://api.example")], 403),
        ([(b"origin", b"https://api.example:8443")], 403),
        ([(b"origin", b"https://api.example"), (b"host", b"api.example"), (b"host", b"api.example")], 403),
        ([], 200),
    ],
)
def test_enforce(sent: list[tuple[bytes, bytes]], status: int) -> None:
    reply = ask(app_with(ENFORCED, ["POST"]), http_scope("POST", "/x", sent))
    assert reply.status == status
    unread = {"vary": "Origin" if status == 200 else "Origin, Sec-Fetch-Site"}
    assert reply.cors == (ALLOWED if sent == [(b"origin", A)] else unread)
    assert reply.body == (b"ok" if status == 200 else b"CORS request refused: origin")


def handshake(app: ASGIApp, sent: list[tuple[bytes, bytes]]) -> list[str]:
    return [message["type"] for message in shake_hands(app, websocket_scope("/ws", sent))]


async def accept(websocket: WebSocket) -> None:
    await websocket.accept()


ACCEPTED = ["websocket.accept"]
CLOSED = ["websocket.close"]


@pytest.mark.parametrize(
    ("policy", "sent", "expected"),
    [
        (cors(POLICY), [(b"origin", A)], ACCEPTED),
        (cors(POLICY), [(b"origin", E)], CLOSED),
        (cors(POLICY), [(b"origin", A), (b"origin", A)], CLOSED),
        (cors(POLICY), [(b"origin", b"null")], CLOSED),
        (cors(POLICY), [], ACCEPTED),
        (cors(POLICY), [(b"origin", b"https://api.example")], ACCEPTED),
        # A proxy may have rewritten the Host; what the browser says goes first.
        (
            cors(POLICY),
            [(b"origin", b"https://public.example"), (b"sec-fetch-site", b"same-origin")],
            ACCEPTED,
        ),
        (no_cors, [(b"origin", b"null"), (b"sec-fetch-site", b"same-origin")], ACCEPTED),
        (cors(POLICY), [(b"origin", E), (b"sec-fetch-site", b"cross-site")], CLOSED),
        (cors(POLICY), [(b"origin", A), (b"sec-fetch-site", b"cross-site")], ACCEPTED),
        (cors(POLICY), [(b"origin", E)] + [(b"sec-fetch-site", b"same-origin")] * 2, CLOSED),
        (cors(origins="*"), [(b"origin", E), (b"origin", b"null")], ACCEPTED),
        (no_cors, [(b"origin", A)], CLOSED),
        (no_cors, [(b"origin", b"https://api.example")], ACCEPTED),
        (no_cors, [], ACCEPTED),
        (lambda endpoint: endpoint, [(b"origin", E)], ACCEPTED),
    ],
)
def test_a_websocket_handshake(policy: Any, sent: list[tuple[bytes, bytes]], expected: list[str]) -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept()

    app = Starlette(routes=[WebSocketRoute("/ws", policy(endpoint))])
    install_cors(app, default=CORSPolicy(origins="https://other.example"))
    assert handshake(app, sent) == expected


# Callables


def test_a_callable_is_asked_with_the_origin_and_the_connection() -> None:
    asked: list[tuple[str, str]] = []

    def decide(origin: str, connection: HTTPConnection) -> bool:
        asked.append((origin, connection.headers["x-tenant"]))
        return origin.endswith(".example")

    app = app_with(cors(origins=decide))
    assert ask(app, http_scope("GET", "/x", [(b"origin", A), (b"x-tenant", b"t1")])).cors == ALLOWED
    assert asked == [("https://a.example", "t1")]


def test_callables_are_asked_until_one_allows_and_only_where_nothing_else_does() -> None:
    asked: list[str] = []

    async def never(origin: str, _: HTTPConnection) -> bool:
        asked.append("never")
        return False

    def always(origin: str, _: HTTPConnection) -> bool:
        asked.append("always")
        return True

    app = app_with(cors(origins=["https://a.example", never, always]))
    assert ask(app, http_scope("GET", "/x", [(b"origin", A)])).cors == ALLOWED
    assert asked == []
    assert "access-control-allow-origin" in ask(app, http_scope("GET", "/x", [(b"origin", E)])).cors
    assert asked == ["never", "always"]


def raises(_origin: str, _connection: HTTPConnection) -> bool:
    raise KeyError("tenant")


async def raises_later(_origin: str, _connection: HTTPConnection) -> bool:
    raise KeyError("tenant")


def says_something_else(_origin: str, _connection: HTTPConnection) -> Any:
    return "https://a.example"


@pytest.mark.parametrize("decide", [raises, raises_later, says_something_else])
def test_a_callable_that_fails_allows_nothing_and_is_logged(
    decide: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = app_with(cors(origins=decide))
    with caplog.at_level(logging.ERROR, "route_cors"):
        reply = ask(app, http_scope("GET", "/x", [(b"origin", A)]))
    assert (reply.status, reply.cors) == (200, {"vary": "Origin"})
    (record,) = caplog.records
    assert record.exc_info is not None
    assert decide.__name__ in record.getMessage()
    assert "https://a.example" in record.getMessage()


@pytest.mark.parametrize("origin", [b"null", b"https://a.example\r\nforged: line", b"\xff", b"x" * 65536])
def test_a_callable_never_sees_what_is_no_origin(origin: bytes, caplog: pytest.LogCaptureFixture) -> None:
    app = app_with(cors(origins=raises))
    assert ask(app, http_scope("GET", "/x", [(b"origin", origin)])).cors == {"vary": "Origin"}
    assert caplog.records == []


def test_a_callable_whose_own_task_was_cancelled_allows_nobody() -> None:
    async def cancelled(_origin: str, _connection: HTTPConnection) -> bool:
        raise asyncio.CancelledError

    app = app_with(cors(origins=cancelled))
    assert ask(app, http_scope("GET", "/x", [(b"origin", A)])).cors == {"vary": "Origin"}


@pytest.mark.parametrize("outer", [POLICY, CORSPolicy(origins="*"), no_cors], ids=["named", "any", "no_cors"])
@pytest.mark.parametrize("inner", [None, False, True], ids=["a CORSRoute", "a layer", "an enforcing layer"])
def test_the_policy_of_a_mounted_wrapper_counts_behind_something_opaque(
    outer: Any, inner: bool | None
) -> None:
    router = CORSRouter()
    router.add_api_route("/x", answers(), methods=["GET"], response_model=None)
    innermost = FastAPI(openapi_url=None)
    innermost.include_router(router)
    if inner is not None:
        install_cors(innermost, enforce=inner)
    between = FastAPI(openapi_url=None)
    between.mount("/m", cors(CORSPolicy(origins="https://b.example"))(GZipMiddleware(innermost)))
    app = FastAPI(openapi_url=None)
    declare = outer if outer is no_cors else cors(outer)
    app.mount("/m", declare(Wrapper(between)))

    b = ask(app, http_scope("GET", "/m/m/x", [(b"origin", b"https://b.example")]))
    a = ask(app, http_scope("GET", "/m/m/x", [(b"origin", A)]))

    assert (b.status, b.cors) == (
        200,
        {"access-control-allow-origin": "https://b.example", "vary": "Origin"},
    )
    assert a.status == (403 if inner else 200)
    assert a.cors == {"vary": "Origin, Sec-Fetch-Site" if inner else "Origin"}


@pytest.mark.parametrize("make", [Starlette, FastAPI])
def test_of_two_layers_before_a_middleware_that_hides_the_app_the_inner_default_counts(
    make: type[Starlette],
) -> None:
    app = make(routes=[Route("/x", answers())])
    app.add_middleware(Wrapper)
    app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins="*"))
    install_cors(app, default=POLICY.evolve(enforce=True))

    for path, status in (("/x", 200), ("/nowhere", 404)):
        reply = ask(app, http_scope("GET", path, [(b"origin", E)]))
        assert (reply.status, reply.cors) == (status, {"access-control-allow-origin": "*"})
