"""Routers in routers: what is registered further out, what is hidden, and who decides of several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from asgi import Reply, ask, http_scope, preflight, shake_hands, websocket_scope
from fastapi import APIRouter, FastAPI, WebSocket
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Mount, Route, Router, WebSocketRoute
from wrappers import Hidden, closure, copying

from route_cors import CORSPolicy, CORSRoute, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp

    from route_cors import Decision
    from route_cors.decorators import Declared

A = b"https://a.example"
B = b"https://b.example"
E = b"https://evil.example"
FOR_A = CORSPolicy(origins="https://a.example")
FOR_B = CORSPolicy(origins="https://b.example")
FOR_ALL = CORSPolicy(origins="*")

VARY_PREFLIGHT = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
UNREADABLE = {"vary": "Origin"}
REFUSED = (403, {"vary": VARY_PREFLIGHT})


def readable(origin: bytes) -> dict[str, str]:
    return {"access-control-allow-origin": origin.decode(), "vary": "Origin"}


def granted(origin: bytes, methods: str) -> tuple[int, dict[str, str]]:
    return (
        204,
        {
            "access-control-allow-origin": origin.decode(),
            "access-control-allow-methods": methods,
            "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type",
            "access-control-max-age": "600",
            "vary": VARY_PREFLIGHT,
        },
    )


def says(text: str) -> Any:
    """A new endpoint, for Starlette and FastAPI alike."""

    async def endpoint() -> PlainTextResponse:
        return PlainTextResponse(text)

    return endpoint


def says_to(text: str) -> Any:
    """As `says`, for Starlette, which hands the request over."""

    async def endpoint(_: Any) -> PlainTextResponse:
        return PlainTextResponse(text)

    return endpoint


def asked(app: ASGIApp, method: bytes, path: str, origin: bytes = A) -> tuple[int, dict[str, str]]:
    """The answer to the preflight of a request with that method."""
    reply = ask(app, http_scope("OPTIONS", path, preflight(method, origin)))
    return reply.status, reply.cors


def sent(app: ASGIApp, method: str, path: str, origin: bytes = A) -> Reply:
    return ask(app, http_scope(method, path, [(b"origin", origin)]))


def handshake(app: ASGIApp, path: str, origin: bytes) -> list[str]:
    return [message["type"] for message in shake_hands(app, websocket_scope(path, [(b"origin", origin)]))]


OPEN, CLOSED = ["websocket.accept"], ["websocket.close"]


# --- what the outer router serves itself ----------------------------------------------------------


def routes_of_inner(app: FastAPI | APIRouter) -> None:
    app.add_api_route("/x", cors(FOR_A)(says("inner")), methods=["PUT", "GET"])
    app.add_api_route("/{anything}/y", cors(FOR_A)(says("inner")), methods=["PUT", "GET"])


def with_install_cors() -> ASGIApp:
    app = FastAPI()
    routes_of_inner(app)
    install_cors(app)
    return app


def with_a_default() -> ASGIApp:
    """As the routes have policies of their own, it speaks for none of them."""
    app = FastAPI()
    routes_of_inner(app)
    install_cors(app, default=FOR_ALL)
    return app


def with_middleware() -> ASGIApp:
    app = FastAPI()
    routes_of_inner(app)
    app.add_middleware(RouteCORSMiddleware)
    return app


def with_a_layer_around() -> ASGIApp:
    app = FastAPI()
    routes_of_inner(app)
    return RouteCORSMiddleware(app)


def with_cors_router() -> ASGIApp:
    app = FastAPI()
    router = CORSRouter()
    routes_of_inner(router)
    app.include_router(router)
    return app


def as_cors_router() -> ASGIApp:
    router = CORSRouter()
    routes_of_inner(router)
    return router


INNER_APPS = (
    with_install_cors,
    with_a_default,
    with_middleware,
    with_a_layer_around,
    with_cors_router,
    as_cors_router,
)
inner_apps = pytest.mark.parametrize("inner", INNER_APPS, ids=lambda make: make.__name__)


def private(path: str, method: str = "PUT") -> Route:
    return Route(path, says_to("private"), methods=[method])


def in_starlette(*routes: BaseRoute) -> ASGIApp:
    return Starlette(routes=list(routes))


def in_fastapi(*routes: BaseRoute) -> ASGIApp:
    return FastAPI(routes=list(routes))


def in_router(*routes: BaseRoute) -> ASGIApp:
    return Router(list(routes))


# FastAPI's routes need an app of FastAPI's around them.
composed = pytest.mark.parametrize(
    ("outer", "inner"),
    [
        (outer, inner)
        for outer in (in_starlette, in_fastapi, in_router)
        for inner in INNER_APPS
        if outer is in_fastapi or inner is not as_cors_router
    ],
    ids=lambda make: make.__name__,
)


@composed
def test_a_private_route_before_the_mount_is_not_spoken_for(outer: Any, inner: Any) -> None:
    app = outer(private("/m/x"), Mount("/m", inner()))

    # Nothing of ours serves a PUT there; the app's own 405 says so.
    assert asked(app, b"PUT", "/m/x") == (405, {})
    assert asked(app, b"PUT", "/m/x", E) == (405, {})
    put = sent(app, "PUT", "/m/x")
    assert (put.status, put.body, put.cors) == (200, b"private", {})
    # And it lends no grant for PUT to the GET beside it.
    assert asked(app, b"GET", "/m/x") == granted(A, "GET")
    assert asked(app, b"GET", "/m/x", E) == REFUSED
    got = sent(app, "GET", "/m/x")
    assert (got.status, got.body, got.cors) == (200, b"inner", readable(A))
    assert sent(app, "GET", "/m/x", E).cors == UNREADABLE
    # A path that the private route does not have is not affected.
    assert asked(app, b"PUT", "/m/z/y") == granted(A, "GET, PUT")


@composed
def test_a_private_route_after_the_mount_serves_nothing(outer: Any, inner: Any) -> None:
    app = outer(Mount("/m", inner()), private("/m/x"))

    assert asked(app, b"PUT", "/m/x") == granted(A, "GET, PUT")
    put = sent(app, "PUT", "/m/x")
    assert (put.status, put.body, put.cors) == (200, b"inner", readable(A))


@composed
@pytest.mark.parametrize("path", ["/m/{name}", "/{all:path}", "/m/{name:path}", "/{first}/x"])
def test_so_is_one_that_matches_with_parameters(outer: Any, inner: Any, path: str) -> None:
    app = outer(private(path), Mount("/m", inner()))

    assert asked(app, b"PUT", "/m/x") == (405, {})
    assert asked(app, b"GET", "/m/x") == granted(A, "GET")


@inner_apps
def test_a_private_route_of_the_router_in_the_middle(inner: Any) -> None:
    middle = FastAPI(routes=[private("/n/x"), Mount("/n", inner())])
    app = FastAPI(routes=[private("/m/n/z/y"), Mount("/m", middle)])

    assert asked(app, b"PUT", "/m/n/x") == (405, {})
    assert asked(app, b"PUT", "/m/n/z/y") == (405, {})
    assert asked(app, b"GET", "/m/n/x") == granted(A, "GET")
    assert asked(app, b"GET", "/m/n/z/y") == granted(A, "GET")
    assert asked(app, b"PUT", "/m/n/other/y") == granted(A, "GET, PUT")
    assert sent(app, "PUT", "/m/n/x").body == b"private"
    assert sent(app, "PUT", "/m/n/x").cors == {}


@inner_apps
def test_a_private_route_before_a_host(inner: Any) -> None:
    app = FastAPI(routes=[private("/x"), Host("api.example", inner())])

    assert asked(app, b"PUT", "/x") == (405, {})
    assert asked(app, b"GET", "/x") == granted(A, "GET")


@inner_apps
def test_an_included_private_route_before_the_mount(inner: Any) -> None:
    app = FastAPI()
    router = APIRouter(prefix="/m")
    router.add_api_route("/x", says("private"), methods=["PUT"])
    app.include_router(router)
    app.mount("/m", inner())

    assert asked(app, b"PUT", "/m/x") == (405, {})
    assert sent(app, "PUT", "/m/x").cors == {}
    assert asked(app, b"GET", "/m/x") == granted(A, "GET")


@inner_apps
def test_with_a_layer_outside_too_a_private_route_is_not_spoken_for(inner: Any) -> None:
    app = FastAPI(routes=[private("/m/x"), Mount("/m", inner())])
    install_cors(app)

    assert asked(app, b"PUT", "/m/x") == (405, {})
    assert sent(app, "PUT", "/m/x").cors == {}
    assert asked(app, b"GET", "/m/x") == granted(A, "GET")
    assert sent(app, "GET", "/m/x").cors == readable(A)


@inner_apps
def test_the_outer_route_with_a_policy_of_its_own_speaks_for_itself_under_a_layer(inner: Any) -> None:
    outside = Route("/m/x", cors(FOR_B)(says_to("outer")), methods=["PUT"])
    app = FastAPI(routes=[outside, Mount("/m", inner())])
    install_cors(app)

    assert asked(app, b"PUT", "/m/x", B) == granted(B, "PUT")
    assert asked(app, b"PUT", "/m/x", A) == REFUSED
    assert sent(app, "PUT", "/m/x", B).cors == readable(B)
    assert sent(app, "PUT", "/m/x", A).cors == UNREADABLE
    assert asked(app, b"GET", "/m/x", A) == granted(A, "GET")
    assert asked(app, b"GET", "/m/x", B) == REFUSED


@inner_apps
def test_and_without_one_if_it_is_a_cors_route(inner: Any) -> None:
    app = FastAPI()
    router = CORSRouter(prefix="/m", cors=FOR_B)
    router.add_api_route("/x", says("outer"), methods=["PUT"])
    app.include_router(router)
    app.mount("/m", inner())

    assert asked(app, b"PUT", "/m/x", B) == granted(B, "PUT")
    assert asked(app, b"PUT", "/m/x", A) == REFUSED
    assert sent(app, "PUT", "/m/x", B).cors == readable(B)
    assert asked(app, b"GET", "/m/x", A) == granted(A, "GET")


@inner_apps
def test_what_serves_a_plain_route_with_a_policy_and_no_layer_is_not_spoken_for_further_in(
    inner: Any,
) -> None:
    """Nobody carries the outer route's policy out: the answer to the PUT would have no header."""
    outside = Route("/m/x", cors(FOR_A)(says_to("outer")), methods=["PUT"])
    app = FastAPI(routes=[outside, Mount("/m", inner())])

    assert asked(app, b"PUT", "/m/x") == (405, {})
    put = sent(app, "PUT", "/m/x")
    assert (put.body, put.cors) == (b"outer", {})


def test_a_private_websocket_route_before_the_mount_is_none_of_the_inner_apps() -> None:
    inner = FastAPI()

    @inner.websocket("/ws")
    @cors(FOR_A)
    async def guarded(websocket: WebSocket) -> None:
        await websocket.accept()

    async def unguarded(websocket: WebSocket) -> None:
        await websocket.accept()

    install_cors(inner)
    before = Starlette(routes=[WebSocketRoute("/m/ws", unguarded), Mount("/m", inner)])
    after = Starlette(routes=[Mount("/m", inner), WebSocketRoute("/m/ws", unguarded)])

    assert handshake(before, "/m/ws", E) == OPEN
    assert handshake(after, "/m/ws", E) == CLOSED
    assert handshake(after, "/m/ws", A) == OPEN


# --- what lies deep inside, behind what hides it --------------------------------------------------


def gzip_inside(app: ASGIApp) -> ASGIApp:
    return Hidden(GZipMiddleware(app))


def gzip_outside(app: ASGIApp) -> ASGIApp:
    return GZipMiddleware(Hidden(app))


wrapped = pytest.mark.parametrize(
    "wrap",
    [closure, copying, Hidden, gzip_inside, gzip_outside, GZipMiddleware],
    ids=lambda wrap: wrap.__name__,
)


def declares(app: FastAPI | APIRouter) -> None:
    app.add_api_route("/secret", no_cors(says("secret")), methods=["PUT", "GET"])
    app.add_api_route("/own", cors(FOR_A)(says("own")), methods=["PUT", "GET"])


def layer_innermost() -> FastAPI:
    app = FastAPI()
    declares(app)
    install_cors(app)
    return app


def cors_router_innermost() -> FastAPI:
    app = FastAPI()
    router = CORSRouter()
    declares(router)
    app.include_router(router)
    return app


def no_layer_innermost() -> FastAPI:
    app = FastAPI()
    declares(app)
    return app


def two_mounts(innermost: ASGIApp, *, layer: bool) -> FastAPI:
    """An app that declares nothing, and a mount of a mount that leads to what does."""
    middle = FastAPI()
    middle.mount("/c", innermost)
    app = FastAPI()
    app.mount("/b", middle)
    if layer:
        install_cors(app)
    return app


deep_apps = pytest.mark.parametrize(
    "deep",
    [
        lambda: two_mounts(layer_innermost(), layer=False),
        lambda: two_mounts(cors_router_innermost(), layer=False),
        lambda: two_mounts(no_layer_innermost(), layer=True),
        lambda: two_mounts(layer_innermost(), layer=True),
    ],
    ids=["layer innermost", "CORSRouter", "layer in the mounted app", "both layers"],
)


@wrapped
@deep_apps
def test_what_is_declared_in_a_mount_of_a_mount_is_opened_by_no_default(deep: Any, wrap: Any) -> None:
    app = FastAPI()
    app.mount("/a", wrap(deep()))
    install_cors(app, default=FOR_ALL)

    for origin in (E, A):
        for method in ("GET", "PUT"):
            reply = sent(app, method, "/a/b/c/secret", origin)
            assert (reply.status, reply.body, reply.cors) == (200, b"secret", {})
            assert asked(app, method.encode(), "/a/b/c/secret", origin) == REFUSED
    assert sent(app, "PUT", "/a/b/c/own", A).cors == readable(A)
    assert sent(app, "PUT", "/a/b/c/own", E).cors == UNREADABLE
    assert asked(app, b"PUT", "/a/b/c/own", A) == granted(A, "GET, PUT")
    assert asked(app, b"PUT", "/a/b/c/own", E) == REFUSED


@wrapped
@deep_apps
def test_nor_by_the_policy_of_the_mount(deep: Any, wrap: Any) -> None:
    app = FastAPI()
    app.mount("/a", cors(FOR_ALL)(wrap(deep())))
    install_cors(app)

    assert sent(app, "GET", "/a/b/c/secret", E).cors == {}
    assert asked(app, b"PUT", "/a/b/c/secret", E) == REFUSED
    assert sent(app, "PUT", "/a/b/c/own", A).cors == readable(A)
    assert asked(app, b"PUT", "/a/b/c/own", A) == granted(A, "GET, PUT")
    assert asked(app, b"PUT", "/a/b/c/own", E) == REFUSED


@wrapped
@deep_apps
def test_it_holds_with_nothing_further_out(deep: Any, wrap: Any) -> None:
    app = FastAPI()
    app.mount("/a", wrap(deep()))

    # The layer that is there, or the route itself, closes it.
    assert sent(app, "GET", "/a/b/c/secret", E).cors == {}
    assert asked(app, b"PUT", "/a/b/c/secret", E) == REFUSED
    assert asked(app, b"PUT", "/a/b/c/own", A) == granted(A, "GET, PUT")
    assert sent(app, "PUT", "/a/b/c/own", A).cors == readable(A)


@pytest.mark.parametrize("wrap", [closure, Hidden, gzip_inside, gzip_outside, GZipMiddleware])
def test_a_default_reads_nothing_that_is_closed_where_no_layer_is_inside(wrap: Any) -> None:
    """Nothing of ours is in there to say so but what the router itself notes down: what it ran."""
    app = FastAPI()
    app.mount("/a", wrap(two_mounts(no_layer_innermost(), layer=False)))
    install_cors(app, default=FOR_ALL)

    for method in ("GET", "PUT"):
        reply = sent(app, method, "/a/b/c/secret", E)
        assert (reply.status, reply.body) == (200, b"secret")
        assert "access-control-allow-origin" not in reply.cors
        assert "access-control-allow-origin" not in sent(app, method, "/a/b/c/own", E).cors
    # What nothing is declared on is the default's: a file that is not there, another app.
    missing = sent(app, "GET", "/a/b/c/nothing", E)
    assert (missing.status, missing.cors) == (404, {"access-control-allow-origin": "*"})


@wrapped
def test_an_app_that_declares_nothing_anywhere_is_under_the_default(wrap: Any) -> None:
    innermost = FastAPI()
    innermost.add_api_route("/open", says("open"), methods=["PUT", "GET"])
    app = FastAPI()
    app.mount("/a", wrap(two_mounts(innermost, layer=False)))
    install_cors(app, default=FOR_A)

    assert sent(app, "GET", "/a/b/c/open", A).cors == readable(A)
    assert sent(app, "GET", "/a/b/c/open", E).cors == UNREADABLE
    status, headers = asked(app, b"GET", "/a/b/c/open", A)
    assert (status, headers["access-control-allow-origin"]) == (204, A.decode())
    assert asked(app, b"GET", "/a/b/c/open", E) == REFUSED


# --- a preflight that comes to one route and is about another -------------------------------------


def options_on(router: CORSRouter | APIRouter | FastAPI, path: str) -> None:
    router.add_api_route(path, says("theirs"), methods=["OPTIONS"])


@pytest.mark.parametrize("path", ["/x", "/{all:path}"])
@pytest.mark.parametrize("first", [True, False])
def test_an_options_cors_route_and_a_cors_route(path: str, first: bool) -> None:
    """It is answered for, under the policy of the route that would serve the request."""
    router = CORSRouter(cors=FOR_B)
    if first:
        options_on(router, path)
    router.add_api_route("/x", cors(FOR_A)(says("put")), methods=["PUT"])
    if not first:
        options_on(router, path)
    app = FastAPI()
    app.include_router(router)

    assert asked(app, b"PUT", "/x", A) == granted(A, "PUT")
    assert asked(app, b"PUT", "/x", B) == REFUSED
    assert sent(app, "PUT", "/x", A).cors == readable(A)
    # What is no preflight is theirs, under the policy of their own route.
    plain = sent(app, "OPTIONS", "/x", B)
    assert (plain.status, plain.body, plain.cors) == (200, b"theirs", readable(B))


def test_an_options_cors_route_and_a_cors_route_of_another_router() -> None:
    theirs, other = CORSRouter(cors=FOR_B), CORSRouter(cors=FOR_A)
    options_on(theirs, "/{all:path}")
    other.add_api_route("/x", says("put"), methods=["PUT"])
    app = FastAPI()
    app.include_router(theirs)
    app.include_router(other)

    assert asked(app, b"PUT", "/x", A) == granted(A, "PUT")
    assert asked(app, b"PUT", "/x", B) == REFUSED


@pytest.mark.parametrize("path", ["/x", "/{all:path}"])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("policy", [cors(FOR_A), cors(origins="*"), no_cors, lambda endpoint: endpoint])
def test_an_options_cors_route_and_a_plain_route(path: str, first: bool, policy: Any) -> None:
    """Nobody would write the headers of the answer to the request: nothing is granted, nothing is refused."""
    router = CORSRouter(cors=FOR_B)
    options_on(router, path)
    app = FastAPI()
    if first:
        app.include_router(router)
    app.add_api_route("/x", policy(says("put")), methods=["PUT"])
    if not first:
        app.include_router(router)

    for origin in (A, B):
        reply = ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT", origin)))
        assert (reply.status, reply.body, reply.cors) == (200, b"theirs", {})
    put = sent(app, "PUT", "/x", A)
    assert (put.status, put.cors) == (200, {})


def test_under_a_layer_the_plain_route_is_answered_for() -> None:
    router = CORSRouter(cors=FOR_B)
    options_on(router, "/x")
    app = FastAPI()
    app.include_router(router)
    app.add_api_route("/x", cors(FOR_A)(says("put")), methods=["PUT"])
    install_cors(app)

    assert asked(app, b"PUT", "/x", A) == granted(A, "PUT")
    assert asked(app, b"PUT", "/x", B) == REFUSED


def test_an_options_cors_route_behind_a_mount() -> None:
    """What the outer app would run is another route than what the mounted app would."""
    router = CORSRouter(cors=FOR_A)
    options_on(router, "/x")
    router.add_api_route("/x", says("put"), methods=["PUT", "DELETE"])
    inner = FastAPI()
    inner.include_router(router)
    app = FastAPI()
    app.add_api_route("/m/x", says("private"), methods=["PUT"])
    app.mount("/m", inner)

    reply = ask(app, http_scope("OPTIONS", "/m/x", preflight(b"PUT", A)))
    assert (reply.status, reply.body, reply.cors) == (200, b"theirs", {})
    assert asked(app, b"DELETE", "/m/x", A) == granted(A, "DELETE, OPTIONS")


# --- a sibling that was registered earlier --------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "granted_with_get"),
    [
        # Methods are granted together where their policies are equal, whoever carries these out.
        (cors(FOR_A), "GET, PUT"),
        (cors(FOR_B), "GET"),
        (no_cors, "GET"),
        (lambda endpoint: endpoint, "GET"),
    ],
)
def test_a_sibling_that_serves_the_method_keeps_its_preflights(policy: Any, granted_with_get: str) -> None:
    """They are not for the CORSRoute: neither to be granted, nor to be kept from who comes after it."""
    app = FastAPI()
    app.add_api_route("/items/{item}", policy(says("sibling")), methods=["PUT"])
    router = CORSRouter(cors=FOR_A)
    router.add_api_route("/items/special", says("special"), methods=["PUT", "GET"])
    app.include_router(router)

    reply = ask(app, http_scope("OPTIONS", "/items/special", preflight(b"PUT", A)))
    # The 405 is the first partial match's, as without us: it names the methods of that route.
    assert (reply.status, reply.cors, dict(reply.headers)[b"allow"]) == (405, {}, b"PUT")
    assert asked(app, b"GET", "/items/special", A) == granted(A, granted_with_get)

    options_on(app, "/{all:path}")
    reply = ask(app, http_scope("OPTIONS", "/items/special", preflight(b"PUT", A)))
    assert (reply.status, reply.body, reply.cors) == (200, b"theirs", {})
    put = sent(app, "PUT", "/items/special", A)
    assert (put.status, put.body, put.cors) == (200, b"sibling", {})


def test_a_sibling_that_is_a_cors_route_answers_for_itself() -> None:
    first, second = CORSRouter(cors=FOR_B), CORSRouter(cors=FOR_A)
    first.add_api_route("/items/{item}", says("sibling"), methods=["PUT"])
    second.add_api_route("/items/special", says("special"), methods=["PUT", "GET"])
    app = FastAPI()
    app.include_router(first)
    app.include_router(second)

    assert asked(app, b"PUT", "/items/special", B) == granted(B, "PUT")
    assert asked(app, b"PUT", "/items/special", A) == REFUSED
    assert asked(app, b"GET", "/items/special", A) == granted(A, "GET")
    assert asked(app, b"GET", "/items/special", B) == REFUSED
    assert sent(app, "PUT", "/items/special", B).cors == readable(B)


def test_a_sibling_on_the_same_router_without_a_policy() -> None:
    router = APIRouter(route_class=CORSRoute)
    router.add_api_route("/items/{item}", says("sibling"), methods=["PUT"])
    router.add_api_route("/items/special", cors(FOR_A)(says("special")), methods=["PUT", "GET"])
    app = FastAPI()
    app.include_router(router)

    assert asked(app, b"PUT", "/items/special", A) == (405, {})
    assert sent(app, "PUT", "/items/special", A).cors == {}
    assert asked(app, b"GET", "/items/special", A) == granted(A, "GET")


# --- websockets of routers in routers -------------------------------------------------------------


def chat_on(router: FastAPI | APIRouter, declared: Any = None) -> None:
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    router.add_api_websocket_route("/ws", chat if declared is None else cors(declared)(chat))


installed = pytest.mark.parametrize("install", [False, True], ids=["alone", "layer"])


def nested_routers(*policies: Declared | None, declared: Any = None, install: bool = False) -> FastAPI:
    """A websocket at /0/1/.../ws, on a CORSRouter in a CORSRouter; the innermost policy comes last."""
    inner: CORSRouter | None = None
    for depth, policy in reversed([*enumerate(policies)]):
        router = CORSRouter(prefix=f"/{depth}", cors=policy)
        if inner is None:
            chat_on(router, declared)
        else:
            router.include_router(inner)
        inner = router
    assert inner is not None
    app = FastAPI()
    app.include_router(inner)
    if install:
        install_cors(app)
    return app


@installed
@pytest.mark.parametrize(
    ("policies", "opens"),
    [
        ((FOR_B, FOR_A), [A]),
        ((FOR_A, FOR_B), [B]),
        ((FOR_A, FOR_B, None), [B]),
        ((FOR_A, None, FOR_B), [B]),
        ((None, FOR_A, FOR_B), [B]),
        ((FOR_B, FOR_B, FOR_A), [A]),
        ((FOR_A, FOR_A, FOR_B), [B]),
        ((FOR_A, FOR_B, FOR_ALL), [A, B, E]),
        ((FOR_ALL, FOR_A), [A]),
        ((FOR_ALL, FOR_B, FOR_A, None), [A]),
        ((FOR_A, None), [A]),
        ((FOR_ALL, no_cors), []),
        ((no_cors, FOR_A), [A]),
        ((no_cors, None), []),
        ((None, None), [A, B, E]),
    ],
)
def test_the_innermost_router_guards_the_handshake(install: bool, policies: Any, opens: Any) -> None:
    app = nested_routers(*policies, install=install)
    path = "".join(f"/{depth}" for depth in range(len(policies))) + "/ws"

    for origin in (A, B, E):
        assert handshake(app, path, origin) == (OPEN if origin in opens else CLOSED)
    # The app's own origin needs nobody's permission.
    assert handshake(app, path, b"https://api.example") == OPEN


@installed
def test_the_endpoint_is_further_in_than_any_router(install: bool) -> None:
    app = nested_routers(FOR_A, no_cors, declared=FOR_B, install=install)

    assert handshake(app, "/0/1/ws", B) == OPEN
    assert handshake(app, "/0/1/ws", A) == CLOSED


@installed
def test_one_router_in_two_others(install: bool) -> None:
    """Its own policy holds in both; where it has none, that of the one it is reached through."""
    own, inherits = CORSRouter(prefix="/own", cors=FOR_A), CORSRouter(prefix="/inherits")
    chat_on(own)
    chat_on(inherits)
    app = FastAPI()
    for prefix, policy in (("/b", FOR_B), ("/closed", no_cors)):
        router = CORSRouter(prefix=prefix, cors=policy)
        router.include_router(own)
        router.include_router(inherits)
        app.include_router(router)
    if install:
        install_cors(app)

    for prefix in ("/b", "/closed"):
        assert handshake(app, f"{prefix}/own/ws", A) == OPEN
        assert handshake(app, f"{prefix}/own/ws", B) == CLOSED
    assert handshake(app, "/b/inherits/ws", B) == OPEN
    assert handshake(app, "/b/inherits/ws", A) == CLOSED
    assert handshake(app, "/closed/inherits/ws", B) == CLOSED


@installed
def test_behind_a_plain_router_and_a_mount(install: bool) -> None:
    inner, plain, outer = CORSRouter(cors=FOR_A), APIRouter(prefix="/p"), CORSRouter(cors=FOR_B)
    chat_on(inner)
    plain.include_router(inner)
    outer.include_router(plain)
    mounted = FastAPI()
    mounted.include_router(outer)
    app = FastAPI()
    app.mount("/m", mounted)
    if install:
        install_cors(app)

    assert handshake(app, "/m/p/ws", A) == OPEN
    assert handshake(app, "/m/p/ws", B) == CLOSED


# --- who decides, where several could -------------------------------------------------------------


@dataclass
class Told:
    """What each of two layers told of its decisions, and what their policies' callable was asked."""

    outer: list[Decision] = field(default_factory=list)
    inner: list[Decision] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def once(self) -> tuple[str, str | None]:
        (decision,) = self.outer + self.inner
        return decision.event, decision.route

    def policy(self, **more: Any) -> CORSPolicy:
        def is_allowed(origin: str, connection: HTTPConnection) -> bool:
            self.asked.append(origin)
            return origin == A.decode()

        return CORSPolicy(origins=is_allowed, **more)


def app_of(policy: CORSPolicy) -> FastAPI:
    app = FastAPI()
    app.add_api_route("/x", cors(policy)(says("x")), methods=["PUT"])
    chat_on(app, policy)
    return app


def in_one_app(told: Told, policy: CORSPolicy) -> tuple[ASGIApp, str]:
    app = app_of(policy)
    app.add_middleware(RouteCORSMiddleware, on_decision=told.inner.append)
    install_cors(app, on_decision=told.outer.append)
    return app, ""


def around_an_app(told: Told, policy: CORSPolicy) -> tuple[ASGIApp, str]:
    app = app_of(policy)
    install_cors(app, on_decision=told.inner.append)
    return RouteCORSMiddleware(app, on_decision=told.outer.append), ""


def around_a_layer(told: Told, policy: CORSPolicy) -> tuple[ASGIApp, str]:
    layer = RouteCORSMiddleware(app_of(policy), on_decision=told.inner.append)
    return RouteCORSMiddleware(layer, on_decision=told.outer.append), ""


def around_a_mounted_app(told: Told, policy: CORSPolicy) -> tuple[ASGIApp, str]:
    inner = app_of(policy)
    install_cors(inner, on_decision=told.inner.append)
    app = FastAPI()
    app.mount("/m", inner)
    install_cors(app, on_decision=told.outer.append)
    return app, "/m"


def around_a_mounts_middleware(told: Told, policy: CORSPolicy) -> tuple[ASGIApp, str]:
    layer = Middleware(RouteCORSMiddleware, on_decision=told.inner.append)
    app = Starlette(routes=[Mount("/m", app_of(policy), middleware=[layer])])
    install_cors(app, on_decision=told.outer.append)
    return app, "/m"


def around_a_hidden_app(told: Told, policy: CORSPolicy) -> tuple[ASGIApp, str]:
    inner = app_of(policy)
    install_cors(inner, on_decision=told.inner.append)
    app = FastAPI()
    app.mount("/m", Hidden(inner))
    install_cors(app, on_decision=told.outer.append)
    return app, "/m"


def around_a_cors_router(told: Told, policy: CORSPolicy) -> tuple[ASGIApp, str]:
    """The route is the second who could decide, and tells nobody but the log."""
    router = CORSRouter(cors=policy)
    router.add_api_route("/x", says("x"), methods=["PUT"])
    chat_on(router)
    app = FastAPI()
    app.include_router(router)
    install_cors(app, on_decision=told.outer.append)
    return app, ""


two_layers = pytest.mark.parametrize(
    "build",
    [
        in_one_app,
        around_an_app,
        around_a_layer,
        around_a_mounted_app,
        around_a_mounts_middleware,
        around_a_hidden_app,
        around_a_cors_router,
    ],
    ids=lambda build: build.__name__,
)


@two_layers
@pytest.mark.parametrize(
    ("origin", "event", "answer"),
    [(A, "RCE01", granted(A, "PUT")), (E, "RCE02", REFUSED)],
    ids=["allowed", "refused"],
)
def test_a_preflight_is_decided_once(build: Any, origin: bytes, event: str, answer: Any) -> None:
    told = Told()
    app, prefix = build(told, told.policy())

    assert asked(app, b"PUT", f"{prefix}/x", origin) == answer
    assert told.once[0] == event
    assert told.asked == [origin.decode()]


@two_layers
@pytest.mark.parametrize(
    ("origin", "event", "headers"),
    [(A, "RCE03", readable(A)), (E, "RCE04", UNREADABLE)],
    ids=["allowed", "refused"],
)
def test_an_actual_request_is_decided_once(build: Any, origin: bytes, event: str, headers: Any) -> None:
    told = Told()
    app, prefix = build(told, told.policy())

    # `cors` fails where a header comes twice.
    reply = sent(app, "PUT", f"{prefix}/x", origin)
    assert (reply.status, reply.body, reply.cors) == (200, b"x", headers)
    assert told.once[0] == event
    assert told.asked == [origin.decode()]


@two_layers
def test_a_request_that_is_refused_is_decided_once(build: Any) -> None:
    told = Told()
    app, prefix = build(told, told.policy(enforce=True))

    reply = sent(app, "PUT", f"{prefix}/x", E)
    assert (reply.status, reply.cors) == (403, {"vary": "Origin, Sec-Fetch-Site"})
    assert told.once[0] == "RCE05"
    assert told.asked == [E.decode()]


@two_layers
@pytest.mark.parametrize(
    ("origin", "event", "events"), [(A, "RCE06", OPEN), (E, "RCE07", CLOSED)], ids=["allowed", "refused"]
)
def test_a_handshake_is_decided_once(build: Any, origin: bytes, event: str, events: list[str]) -> None:
    told = Told()
    app, prefix = build(told, told.policy())

    assert handshake(app, f"{prefix}/ws", origin) == events
    assert told.once[0] == event
    assert told.asked == [origin.decode()]


@two_layers
def test_several_requests_are_decided_once_each(build: Any) -> None:
    """What one request leaves behind says nothing about the next."""
    told = Told()
    app, prefix = build(told, told.policy())
    for number in range(1, 4):
        sent(app, "PUT", f"{prefix}/x", A)
        sent(app, "PUT", f"{prefix}/x", E)
        assert len(told.outer + told.inner) == len(told.asked) == 2 * number


def test_of_two_defaults_the_inner_one_decides_alone() -> None:
    told = Told()
    inner = FastAPI()
    inner.add_api_route("/x", says("x"), methods=["PUT"])
    install_cors(inner, default=FOR_A, on_decision=told.inner.append)
    app = FastAPI()
    app.mount("/m", inner)
    install_cors(app, default=FOR_ALL, on_decision=told.outer.append)

    reply = sent(app, "PUT", "/m/x", E)
    assert (reply.status, reply.cors) == (200, UNREADABLE)
    assert told.once == ("RCE04", "/m/x")
    assert asked(app, b"PUT", "/m/x", A) == granted(A, "PUT")
    assert sent(app, "PUT", "/m/x", A).cors == readable(A)


def test_a_layer_with_a_policy_around_one_without_and_the_other_way_round() -> None:
    for inner_default, outer_default in ((None, FOR_A), (FOR_A, None), (FOR_A, FOR_A)):
        told = Told()
        app = FastAPI()
        app.add_api_route("/x", says("x"), methods=["PUT"])
        app.add_middleware(RouteCORSMiddleware, default=inner_default, on_decision=told.inner.append)
        install_cors(app, default=outer_default, on_decision=told.outer.append)

        assert sent(app, "PUT", "/x", A).cors == readable(A)
        assert told.once[0] == "RCE03"
        assert asked(app, b"PUT", "/x", A) == granted(A, "PUT")
        assert len(told.outer + told.inner) == 2
