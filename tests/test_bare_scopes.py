"""Scopes as people make them by hand: without what a server always puts in, or spelled as no server does.

The ASGI specification makes some of these keys optional, and of others people know that their app does not
look at them (https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope).
"""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asgi import Reply, ask, http_scope, preflight, shake_hands, websocket_scope
from fastapi import FastAPI, WebSocket
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from wrappers import copying

import route_cors
from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors import Decision

PACKAGE = Path(route_cors.__file__).parent
A = b"https://a.example"
E = b"https://evil.example"
FOR_A = CORSPolicy(origins="https://a.example")
ENFORCED = CORSPolicy(origins="https://a.example", enforce=True)

VARY_PREFLIGHT = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
READABLE = {"access-control-allow-origin": "https://a.example", "vary": "Origin"}
UNREADABLE = {"vary": "Origin"}
ANYBODY = {"access-control-allow-origin": "*"}
REFUSED = (403, {"vary": VARY_PREFLIGHT})


def granted(methods: str) -> tuple[int, dict[str, str]]:
    return (
        204,
        {
            "access-control-allow-origin": "https://a.example",
            "access-control-allow-methods": methods,
            "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type",
            "access-control-max-age": "600",
            "vary": VARY_PREFLIGHT,
        },
    )


OPTIONAL = (
    "app",
    "asgi",
    "client",
    "http_version",
    "query_string",
    "raw_path",
    "root_path",
    "scheme",
    "server",
    "state",
)
# Each alone, and all of them at once.
MISSING = [*((name,) for name in OPTIONAL), OPTIONAL]
missing_keys = pytest.mark.parametrize("missing", MISSING, ids=[", ".join(names) for names in MISSING])


def without(scope: Scope, *names: str) -> Scope:
    return {name: value for name, value in scope.items() if name not in names}


async def served(scope: Scope, receive: Receive, send: Send) -> None:
    """It looks at nothing."""
    await PlainTextResponse("served")(scope, receive, send)


async def accepts(websocket: WebSocket) -> None:
    await websocket.accept()


def a_starlette_app() -> Starlette:
    async def endpoint(_: Any) -> PlainTextResponse:
        return PlainTextResponse("served")

    def policed(policy: Any) -> Any:
        async def another(_: Any) -> PlainTextResponse:
            return PlainTextResponse("served")

        return policy(another)

    return Starlette(
        routes=[
            Route("/a", policed(cors(FOR_A)), methods=["PUT"]),
            Route("/any", policed(cors(origins="*")), methods=["PUT"]),
            Route("/closed", policed(no_cors), methods=["PUT"]),
            Route("/enforced", policed(cors(ENFORCED)), methods=["PUT"]),
            Route("/plain", endpoint, methods=["PUT"]),
            Mount("/opaque", served),
            WebSocketRoute("/ws", cors(FOR_A)(accepts)),
        ]
    )


def with_install_cors() -> ASGIApp:
    app = a_starlette_app()
    install_cors(app)
    return app


def with_middleware() -> ASGIApp:
    app = a_starlette_app()
    app.add_middleware(RouteCORSMiddleware)
    return app


def with_a_layer_around() -> ASGIApp:
    return RouteCORSMiddleware(a_starlette_app())


def with_two_layers() -> ASGIApp:
    app = a_starlette_app()
    app.add_middleware(RouteCORSMiddleware)
    install_cors(app)
    return app


def copied_outside() -> ASGIApp:
    return copying(with_install_cors())


def copied_inside() -> ASGIApp:
    return RouteCORSMiddleware(copying(a_starlette_app()), default=FOR_A)


def copied_in_between() -> ASGIApp:
    app = Starlette(routes=[Mount("/", copying(with_install_cors()))])
    install_cors(app)
    return app


LAYERED = [
    with_install_cors,
    with_middleware,
    with_a_layer_around,
    with_two_layers,
    copied_outside,
    copied_in_between,
]
layered = pytest.mark.parametrize("build", LAYERED, ids=lambda build: build.__name__)


def seen(app: ASGIApp, scope: Scope) -> tuple[int, dict[str, str]]:
    reply = ask(app, scope)
    return reply.status, reply.cors


def handshake(app: ASGIApp, scope: Scope) -> list[str]:
    return [message["type"] for message in shake_hands(app, scope)]


OPEN, CLOSED = ["websocket.accept"], ["websocket.close"]


# --- without headers ------------------------------------------------------------------------------


@layered
@pytest.mark.parametrize("more", [(), OPTIONAL], ids=["headers", "all"])
@pytest.mark.parametrize(
    ("path", "headers"),
    [("/a", UNREADABLE), ("/any", ANYBODY), ("/closed", {}), ("/enforced", UNREADABLE), ("/plain", {})],
)
def test_a_request_without_headers_is_one_without_an_origin(
    build: Callable[[], ASGIApp], more: tuple[str, ...], path: str, headers: dict[str, str]
) -> None:
    app = build()

    assert seen(app, without(http_scope("PUT", path), "headers", *more)) == (200, headers)
    # No preflight, but an OPTIONS request like any other: this app has no route for one.
    assert seen(app, without(http_scope("OPTIONS", path), "headers", *more)) == (405, headers)


@layered
def test_without_headers_and_without_a_route(build: Callable[[], ASGIApp]) -> None:
    app = build()

    assert seen(app, without(http_scope("GET", "/nothing"), "headers", *OPTIONAL)) == (404, {})
    assert seen(app, without(http_scope("GET", "/opaque/x"), "headers", *OPTIONAL)) == (200, {})


@pytest.mark.parametrize("path", ["/nothing", "/opaque/x", "/plain"])
def test_without_headers_under_a_default(path: str) -> None:
    app = a_starlette_app()
    install_cors(app, default=FOR_A)

    status = 404 if path == "/nothing" else 200
    scope = without(http_scope("PUT", path), "headers", *OPTIONAL)
    assert seen(app, scope) == (status, UNREADABLE)


@layered
@pytest.mark.parametrize("more", [(), OPTIONAL], ids=["headers", "all"])
def test_a_handshake_without_headers_is_one_without_an_origin(
    build: Callable[[], ASGIApp], more: tuple[str, ...]
) -> None:
    assert handshake(build(), without(websocket_scope("/ws"), "headers", *more)) == OPEN


@pytest.mark.parametrize("layer", [False, True])
def test_without_headers_a_cors_router_leaves_all_to_fastapi(layer: bool) -> None:
    """FastAPI itself wants them, at any rate for its dependencies: it alone may fail."""
    router = CORSRouter(cors=FOR_A)
    router.add_api_route("/x", lambda: "x", methods=["PUT"])
    router.add_api_websocket_route("/ws", accepts)
    app = FastAPI()
    app.include_router(router)
    if layer:
        install_cors(app)

    assert seen(app, without(http_scope("OPTIONS", "/x"), "headers")) == (405, UNREADABLE if layer else {})

    def put() -> bool:
        return seen(app, without(http_scope("PUT", "/x"), "headers")) == (200, UNREADABLE)

    def shake() -> bool:
        return handshake(app, without(websocket_scope("/ws"), "headers")) == OPEN

    for holds in (put, shake):
        failed_in = None
        try:
            assert holds()
        except KeyError as error:
            failed_in = Path(traceback.extract_tb(error.__traceback__)[-1].filename)
        assert failed_in is None or not failed_in.is_relative_to(PACKAGE)


# --- without the other keys -----------------------------------------------------------------------


@layered
@missing_keys
def test_nothing_else_is_needed_for_a_request(build: Callable[[], ASGIApp], missing: tuple[str, ...]) -> None:
    app = build()

    def sent(path: str, origin: bytes) -> tuple[int, dict[str, str]]:
        return seen(app, without(http_scope("PUT", path, [(b"origin", origin)]), *missing))

    assert sent("/a", A) == (200, READABLE)
    assert sent("/a", E) == (200, UNREADABLE)
    assert sent("/any", E) == (200, ANYBODY)
    assert sent("/closed", A) == (200, {})
    assert sent("/enforced", A) == (200, READABLE)
    assert sent("/enforced", E) == (403, {"vary": "Origin, Sec-Fetch-Site"})
    assert sent("/plain", A) == (200, {})
    assert sent("/nothing", A) == (404, {})


@layered
@missing_keys
def test_nor_for_a_preflight(build: Callable[[], ASGIApp], missing: tuple[str, ...]) -> None:
    app = build()

    def asked(path: str, origin: bytes) -> tuple[int, dict[str, str]]:
        return seen(app, without(http_scope("OPTIONS", path, preflight(b"PUT", origin)), *missing))

    assert asked("/a", A) == granted("PUT")
    assert asked("/a", E) == REFUSED
    assert asked("/closed", A) == REFUSED
    assert asked("/plain", A) == (405, {})


@layered
@missing_keys
def test_nor_for_a_handshake(build: Callable[[], ASGIApp], missing: tuple[str, ...]) -> None:
    app = build()

    def shaken(origin: bytes, *more: tuple[bytes, bytes]) -> list[str]:
        return handshake(app, without(websocket_scope("/ws", [(b"origin", origin), *more]), *missing))

    assert shaken(A) == OPEN
    assert shaken(E) == CLOSED
    # The specification's own default is a connection without TLS.
    own = b"http://api.example" if "scheme" in missing else b"https://api.example"
    assert shaken(own) == OPEN


@missing_keys
def test_nor_where_the_scope_is_copied_further_in(missing: tuple[str, ...]) -> None:
    app = copied_inside()

    assert seen(app, without(http_scope("PUT", "/plain", [(b"origin", A)]), *missing)) == (200, READABLE)
    assert seen(app, without(http_scope("PUT", "/plain", [(b"origin", E)]), *missing)) == (200, UNREADABLE)


@missing_keys
@pytest.mark.parametrize("layer", [False, True])
def test_nor_for_a_cors_router(missing: tuple[str, ...], layer: bool) -> None:
    router = CORSRouter(cors=FOR_A)
    router.add_api_route("/x", lambda: "x", methods=["PUT"])
    app = FastAPI()
    app.include_router(router)
    if layer:
        install_cors(app)

    def asked(origin: bytes) -> tuple[int, dict[str, str]]:
        return seen(app, without(http_scope("OPTIONS", "/x", preflight(b"PUT", origin)), *missing))

    assert asked(A) == granted("PUT")
    assert asked(E) == REFUSED
    # FastAPI itself wants a query string.
    needed = without(http_scope("PUT", "/x", [(b"origin", A)]), *missing)
    needed["query_string"] = b""
    assert seen(app, needed) == (200, READABLE)


@missing_keys
def test_what_was_decided_is_told_all_the_same(missing: tuple[str, ...]) -> None:
    told: list[Decision] = []
    app = a_starlette_app()
    install_cors(app, debug=True, on_decision=told.append)

    scopes = [
        http_scope("PUT", "/a", [(b"origin", A)]),
        http_scope("PUT", "/a", [(b"origin", E)]),
        http_scope("PUT", "/enforced", [(b"origin", E)]),
        http_scope("OPTIONS", "/a", preflight(b"PUT", A)),
        http_scope("OPTIONS", "/a", preflight(b"PUT", E)),
        http_scope("OPTIONS", "/a", preflight(b"DELETE", A, (b"access-control-request-headers", b"x-y"))),
    ]
    for scope in scopes:
        ask(app, without(scope, *missing))
    for origin in (A, E):
        handshake(app, without(websocket_scope("/ws", [(b"origin", origin)]), *missing))

    assert [(decision.event, decision.path, decision.route) for decision in told] == [
        ("RCE03", "/a", "/a"),
        ("RCE04", "/a", "/a"),
        ("RCE05", "/enforced", "/enforced"),
        ("RCE01", "/a", "/a"),
        ("RCE02", "/a", "/a"),
        ("RCE02", "/a", "/a"),
        ("RCE06", "/ws", "/ws"),
        ("RCE07", "/ws", "/ws"),
    ]


@layered
def test_a_lifespan_scope_has_nothing_but_its_type(build: Callable[[], ASGIApp]) -> None:
    app = build()
    events: list[str] = []

    async def receive() -> Message:
        return {"type": "lifespan.shutdown" if events else "lifespan.startup"}

    async def send(message: Message) -> None:
        events.append(message["type"])

    async def run() -> None:
        await app({"type": "lifespan"}, receive, send)

    anyio.run(run)
    assert events == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


# --- headers as no server spells them -------------------------------------------------------------


@layered
@pytest.mark.parametrize("kind", [tuple, list, lambda headers: [[*header] for header in headers]])
def test_headers_in_any_sequence(build: Callable[[], ASGIApp], kind: Any) -> None:
    """The specification says "iterable", of pairs."""
    app = build()

    def with_headers(scope: Scope) -> Scope:
        return {**scope, "headers": kind(scope["headers"])}

    assert seen(app, with_headers(http_scope("PUT", "/a", [(b"origin", A)]))) == (200, READABLE)
    assert seen(app, with_headers(http_scope("OPTIONS", "/a", preflight(b"PUT", A)))) == granted("PUT")
    assert seen(app, with_headers(http_scope("OPTIONS", "/a", preflight(b"PUT", E)))) == REFUSED
    assert handshake(app, with_headers(websocket_scope("/ws", [(b"origin", E)]))) == CLOSED


ODD_NAMES = [b"Origin", b"ORIGIN", b"orig\xcdn", b"\xff", b"", b"origin\n", b" origin", b"\x00"]


@layered
@pytest.mark.parametrize("name", ODD_NAMES)
def test_an_odd_name_is_no_failure(build: Callable[[], ASGIApp], name: bytes) -> None:
    app = build()

    def sent(path: str, origin: bytes) -> Reply:
        return ask(app, http_scope("PUT", path, [(name, origin), (b"Host", b"api.example")]))

    for path in ("/a", "/any", "/closed", "/plain"):
        for origin in (A, E):
            reply = sent(path, origin)
            assert (reply.status, reply.body) == (200, b"served")
            if path == "/a" and origin is E:
                assert "access-control-allow-origin" not in reply.cors
    # An odd name beside a right one changes nothing.
    both = http_scope("PUT", "/a", [(name, E), (b"origin", A)])
    if name.lower() != b"origin":
        assert seen(app, both) == (200, READABLE)
    asked = [(name, E), (b"ACCESS-CONTROL-REQUEST-METHOD", b"PUT")]
    reply = ask(app, http_scope("OPTIONS", "/a", asked))
    assert reply.status in {403, 405}
    assert "access-control-allow-origin" not in reply.cors
    assert handshake(app, websocket_scope("/ws", [(name, A)])) == OPEN


@given(
    headers=st.lists(
        st.tuples(
            st.binary(max_size=12) | st.sampled_from([*ODD_NAMES, b"origin", b"host", b"sec-fetch-site"]),
            st.binary(max_size=40) | st.sampled_from([A, E]),
        ),
        max_size=6,
    ),
    method=st.sampled_from(["PUT", "OPTIONS"]),
    path=st.sampled_from(["/a", "/any", "/closed", "/enforced", "/plain", "/nothing", "/opaque/x"]),
    missing=st.sets(st.sampled_from(OPTIONAL)),
)
def test_no_headers_of_any_kind_are_a_failure(
    headers: list[tuple[bytes, bytes]], method: str, path: str, missing: set[str]
) -> None:
    scope = without(http_scope(method, path, headers), *missing)
    scope["headers"] = headers

    reply = ask(HOSTILE, scope)

    assert reply.status in {200, 204, 403, 404, 405}
    if path in {"/a", "/enforced"} and A not in (value for _, value in headers):
        assert "access-control-allow-origin" not in reply.cors


HOSTILE = with_install_cors()
