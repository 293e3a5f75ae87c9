"""Scenarios 36 and 37: what is declared holds in apps inside apps; opaque apps may serve any method."""

import asyncio
import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from wrappers import Hidden, closure, copying

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors

from .support import (
    OWN,
    REFUSED,
    A,
    B,
    E,
    Reply,
    Seen,
    blocked,
    granted,
    http_scope,
    preflight,
    preflight_scope,
    raw,
    readable,
    says,
    send,
    untouched,
)

pytestmark = pytest.mark.anyio

ANY = CORSPolicy(origins="*")
FOR_A = CORSPolicy(origins=A)
FOR_B = CORSPolicy(origins=B)
ENFORCED = CORSPolicy(origins=A, enforce=True)

keeps_a_tree = pytest.mark.skipif(
    not hasattr(APIRouter(), "frontend"), reason="this FastAPI copies the routes of included routers"
)


# --- the apps inside: what is declared in them, and what of ours is there to hold it


class Inside(Protocol):
    """An app whose paths begin with the prefix, and in which something of ours is there."""

    def __call__(self, prefix: str, calls: list[str]) -> ASGIApp: ...


def greeting(calls: list[str]) -> Any:
    async def endpoint(websocket: WebSocket) -> None:
        calls.append("websocket")
        await websocket.accept()
        await websocket.send_text("secret")
        await websocket.close()

    return endpoint


def fill(router: FastAPI | APIRouter, prefix: str, calls: list[str]) -> None:
    router.get(f"{prefix}/closed")(no_cors(says("closed", calls=calls)))
    router.get(f"{prefix}/for-a")(cors(FOR_A)(says("for-a", calls=calls)))
    router.post(f"{prefix}/enforced")(cors(ENFORCED)(says("enforced", calls=calls)))
    router.websocket(f"{prefix}/closed-ws")(no_cors(greeting(calls)))
    router.websocket(f"{prefix}/for-a-ws")(cors(FOR_A)(greeting(calls)))


def installed(prefix: str, calls: list[str]) -> ASGIApp:
    app = FastAPI()
    fill(app, prefix, calls)
    install_cors(app)
    return app


def added(prefix: str, calls: list[str]) -> ASGIApp:
    app = FastAPI()
    fill(app, prefix, calls)
    app.add_middleware(RouteCORSMiddleware)
    return app


def wrapped(prefix: str, calls: list[str]) -> ASGIApp:
    app = FastAPI()
    fill(app, prefix, calls)
    return RouteCORSMiddleware(app)


def router_alone(prefix: str, calls: list[str]) -> ASGIApp:
    """A CORSRouter and no layer."""
    router = CORSRouter(prefix=prefix)
    fill(router, "", calls)
    app = FastAPI()
    app.include_router(router)
    return app


def starlette_app(prefix: str, calls: list[str]) -> Starlette:
    return Starlette(
        routes=[
            Route(f"{prefix}/closed", no_cors(says("closed", calls=calls)), methods=["GET"]),
            Route(f"{prefix}/for-a", cors(FOR_A)(says("for-a", calls=calls)), methods=["GET"]),
            Route(f"{prefix}/enforced", cors(ENFORCED)(says("enforced", calls=calls)), methods=["POST"]),
            WebSocketRoute(f"{prefix}/closed-ws", no_cors(greeting(calls))),
            WebSocketRoute(f"{prefix}/for-a-ws", cors(FOR_A)(greeting(calls))),
        ]
    )


def starlette_installed(prefix: str, calls: list[str]) -> ASGIApp:
    app = starlette_app(prefix, calls)
    install_cors(app)
    return app


INSIDE: tuple[Inside, ...] = (installed, added, wrapped, router_alone, starlette_installed)


# --- the ways to it


def partial(app: ASGIApp) -> ASGIApp:
    async def hand_on(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)

    return functools.partial(hand_on, app)


class Dispatch:
    """A middleware that sends one prefix to another app."""

    def __init__(self, app: ASGIApp, other: ASGIApp) -> None:
        self.app = app
        self.other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_for_other = scope["type"] != "lifespan" and scope["path"].startswith("/sub/")
        await (self.other if is_for_other else self.app)(scope, receive, send)


# Builds the app inside for the prefix that it sees, and puts it into an app at /sub.
Way = Callable[[Callable[[str], ASGIApp]], Starlette]


def mounted(*wrappers: Callable[[ASGIApp], ASGIApp]) -> Way:
    """Behind these wrappers, outermost first."""

    def mount(build: Callable[[str], ASGIApp]) -> Starlette:
        inside = build("")
        for wrap in reversed(wrappers):
            inside = wrap(inside)
        app = FastAPI()
        app.mount("/sub", inside)
        return app

    return mount


def with_policy(build: Callable[[str], ASGIApp]) -> Starlette:
    app = FastAPI()
    app.mount("/sub", cors(ANY)(GZipMiddleware(build(""))))
    return app


def hidden_with_policy(build: Callable[[str], ASGIApp]) -> Starlette:
    app = FastAPI()
    app.mount("/sub", cors(ANY)(Hidden(build(""))))
    return app


def two_mounts_deep(build: Callable[[str], ASGIApp]) -> Starlette:
    """Each behind GZipMiddleware."""
    between = FastAPI()
    between.mount("/", GZipMiddleware(build("")))
    app = FastAPI()
    app.mount("/sub", GZipMiddleware(between))
    return app


def forwarded(build: Callable[[str], ASGIApp]) -> Starlette:
    return _forwarding(build("/sub"))


def forwarded_hidden(build: Callable[[str], ASGIApp]) -> Starlette:
    return _forwarding(Hidden(build("/sub")))


def _forwarding(inside: Any) -> Starlette:
    return Starlette(routes=[Route("/sub/{rest:path}", inside), WebSocketRoute("/sub/{rest:path}", inside)])


def dispatched(build: Callable[[str], ASGIApp]) -> Starlette:
    app = FastAPI()
    app.add_middleware(Dispatch, other=build("/sub"))
    return app


WAYS: dict[str, Way] = {
    "closure": mounted(closure),
    "partial": mounted(partial),
    "hidden": mounted(Hidden),
    "copying": mounted(copying),
    "gzip": mounted(GZipMiddleware),
    "gzip_outside": mounted(GZipMiddleware, closure),
    "gzip_inside": mounted(closure, GZipMiddleware),
    "gzip_with_policy": with_policy,
    "hidden_with_policy": hidden_with_policy,
    "two_mounts_deep": two_mounts_deep,
    "forwarded": forwarded,
    "forwarded_hidden": forwarded_hidden,
    "dispatched": dispatched,
}


def layer_installed(app: Starlette) -> ASGIApp:
    install_cors(app, default=ANY)
    return app


def layer_around(app: Starlette) -> ASGIApp:
    return RouteCORSMiddleware(app, default=ANY)


by_every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
with_ours_inside = pytest.mark.parametrize(
    "inside",
    INSIDE,
    ids=["installed", "added", "wrapped", "router_alone", "starlette_installed"],
)
under_any_default = pytest.mark.parametrize(
    "layer", [layer_installed, layer_around], ids=["installed", "around"]
)


def seen(reply: Reply) -> Seen:
    """Without what GZipMiddleware adds to Vary."""
    status, headers = reply.seen
    vary = [name for name in headers.pop("vary", "").split(", ") if name not in {"", "accept-encoding"}]
    return status, {**headers, "vary": ", ".join(vary)} if vary else headers


async def handshake(app: ASGIApp, path: str, *origins: str) -> list[str]:
    """The types of what the app sends, in their order."""
    incoming: list[Message] = [{"type": "websocket.disconnect"}, {"type": "websocket.connect"}]
    sent: list[str] = []
    scope = http_scope("", path, [(b"origin", origin.encode()) for origin in origins])
    del scope["method"]

    async def receive() -> Message:
        return incoming.pop()

    async def collect(message: Message) -> None:
        sent.append(message["type"])

    await app({**scope, "type": "websocket", "scheme": "ws", "subprotocols": []}, receive, collect)
    return sent


OPENED = ["websocket.accept", "websocket.send", "websocket.close"]
CLOSED = ["websocket.close"]


# --- 36: an inner policy under an outer layer with a default


@by_every_way
@with_ours_inside
@under_any_default
async def test_36_nothing_further_out_reads_for_what_is_closed(
    way: Way, inside: Inside, layer: Callable[[Starlette], ASGIApp]
) -> None:
    app = layer(way(lambda prefix: inside(prefix, [])))
    for origin in (A, E):
        assert seen(await send(app, "GET", "/sub/closed", origin=origin)) == untouched(200)
        assert seen(await preflight(app, "/sub/closed", "GET", origin)) == REFUSED
    assert seen(await send(app, "GET", "/sub/closed")) == untouched(200)


@by_every_way
@with_ours_inside
@under_any_default
async def test_36_a_policy_further_in_is_the_one_that_holds(
    way: Way, inside: Inside, layer: Callable[[Starlette], ASGIApp]
) -> None:
    app = layer(way(lambda prefix: inside(prefix, [])))
    assert seen(await send(app, "GET", "/sub/for-a", origin=A)) == readable(200, A)
    assert seen(await send(app, "GET", "/sub/for-a", origin=E)) == blocked(200)
    assert seen(await send(app, "GET", "/sub/for-a")) == blocked(200)
    methods = ("GET", "HEAD") if inside is starlette_installed else ("GET",)
    assert seen(await preflight(app, "/sub/for-a", "GET", A)) == granted(A, *methods)
    assert seen(await preflight(app, "/sub/for-a", "GET", E)) == REFUSED
    assert seen(await preflight(app, "/sub/for-a", "DELETE", A)) == REFUSED


@by_every_way
@with_ours_inside
@under_any_default
async def test_36_enforcement_is_not_kept_from_running(
    way: Way, inside: Inside, layer: Callable[[Starlette], ASGIApp]
) -> None:
    calls: list[str] = []
    app = layer(way(lambda prefix: inside(prefix, calls)))
    assert seen(await send(app, "POST", "/sub/enforced", origin=E)) == blocked(403)
    assert calls == []
    assert seen(await send(app, "POST", "/sub/enforced", origin=A)) == readable(200, A)
    assert seen(await send(app, "POST", "/sub/enforced", origin=OWN)) == blocked(200)
    assert calls == ["enforced", "enforced"]
    assert seen(await preflight(app, "/sub/enforced", "POST", A)) == granted(A, "POST")
    assert seen(await preflight(app, "/sub/enforced", "POST", E)) == REFUSED


@by_every_way
@with_ours_inside
@under_any_default
async def test_36_websockets_stay_guarded(
    way: Way, inside: Inside, layer: Callable[[Starlette], ASGIApp]
) -> None:
    calls: list[str] = []
    app = layer(way(lambda prefix: inside(prefix, calls)))
    assert await handshake(app, "/sub/for-a-ws", E) == CLOSED
    assert await handshake(app, "/sub/closed-ws", E) == CLOSED
    assert await handshake(app, "/sub/closed-ws", A) == CLOSED
    assert calls == []
    assert await handshake(app, "/sub/for-a-ws", A) == OPENED
    assert await handshake(app, "/sub/for-a-ws") == OPENED
    assert await handshake(app, "/sub/closed-ws", OWN) == OPENED


@by_every_way
@with_ours_inside
async def test_36_what_is_inside_answers_where_nothing_of_ours_is_outside(way: Way, inside: Inside) -> None:
    calls: list[str] = []
    app = way(lambda prefix: inside(prefix, calls))
    assert seen(await send(app, "GET", "/sub/for-a", origin=A)) == readable(200, A)
    assert seen(await send(app, "GET", "/sub/for-a", origin=E)) == blocked(200)
    methods = ("GET", "HEAD") if inside is starlette_installed else ("GET",)
    assert seen(await preflight(app, "/sub/for-a", "GET", A)) == granted(A, *methods)
    assert seen(await preflight(app, "/sub/closed", "GET", A)) == REFUSED
    assert calls == ["for-a", "for-a"]
    assert seen(await send(app, "POST", "/sub/enforced", origin=E)) == blocked(403)
    assert await handshake(app, "/sub/for-a-ws", E) == CLOSED
    assert calls == ["for-a", "for-a"]


@pytest.mark.parametrize("wrap", [closure, partial, Hidden, copying, GZipMiddleware])
async def test_36_a_cors_router_called_as_an_app(wrap: Callable[[ASGIApp], ASGIApp]) -> None:
    calls: list[str] = []
    router = CORSRouter()
    fill(router, "", calls)
    top = FastAPI()
    top.mount("/sub", wrap(router))
    install_cors(top, default=ANY)
    assert seen(await send(top, "GET", "/sub/closed", origin=E)) == untouched(200)
    assert seen(await preflight(top, "/sub/closed", "GET", E)) == REFUSED
    assert seen(await preflight(top, "/sub/for-a", "GET", A)) == granted(A, "GET")
    assert calls == ["closed"]
    assert seen(await send(top, "POST", "/sub/enforced", origin=E)) == blocked(403)
    assert await handshake(top, "/sub/for-a-ws", E) == CLOSED
    assert calls == ["closed"]


@by_every_way
async def test_36_the_innermost_default_is_the_first(way: Way) -> None:
    def with_default(prefix: str) -> ASGIApp:
        app = FastAPI()
        app.get(f"{prefix}/plain")(says())
        install_cors(app, default=FOR_B)
        return app

    top = way(with_default)
    install_cors(top, default=ANY)
    # A policy on what is mounted is declared, and comes before any default.
    declared = way in {with_policy, hidden_with_policy}
    assert seen(await send(top, "GET", "/sub/plain", origin=B)) == readable(200, "*" if declared else B)
    assert seen(await send(top, "GET", "/sub/plain", origin=E)) == (
        readable(200, "*") if declared else blocked(200)
    )
    assert seen(await preflight(top, "/sub/plain", "GET", E)) == (
        granted("*", "GET") if declared else REFUSED
    )


@by_every_way
async def test_36_where_nothing_inside_speaks_the_outer_default_stands(way: Way) -> None:
    calls: list[str] = []

    def without_policy(prefix: str) -> ASGIApp:
        app = FastAPI()
        app.get(f"{prefix}/plain")(says(calls=calls))
        install_cors(app)
        return app

    top = way(without_policy)
    install_cors(top, default=ANY)
    assert seen(await send(top, "GET", "/sub/plain", origin=E)) == readable(200, "*")
    assert calls == ["served"]
    assert seen(await preflight(top, "/sub/plain", "GET", E)) == granted("*", "GET")
    assert calls == ["served"]


@pytest.mark.parametrize("wrap", [closure, partial, Hidden, copying])
async def test_36_a_grant_is_for_the_route_that_the_request_comes_to(
    wrap: Callable[[ASGIApp], ASGIApp],
) -> None:
    """The app between serves POST itself: what stands behind it may not grant that method."""
    inner = FastAPI()
    inner.api_route("/x", methods=["GET", "POST"])(cors(FOR_A)(says("inner")))
    install_cors(inner)
    between = FastAPI()
    between.post("/m/x")(says("private"))
    between.mount("/m", wrap(inner))
    install_cors(between)
    top = FastAPI()
    top.mount("/sub", wrap(between))
    install_cors(top)
    assert (await preflight(top, "/sub/m/x", "POST", A)).seen[1].get("access-control-allow-origin") is None
    assert (await send(top, "POST", "/sub/m/x", origin=A)).seen == untouched(200)
    assert (await send(top, "GET", "/sub/m/x", origin=A)).seen == readable(200, A)


# --- 36: what really serves has the last word


@pytest.mark.parametrize("inside", INSIDE, ids=["installed", "added", "wrapped", "router_alone", "starlette"])
async def test_36_a_path_that_is_dispatched_away_from_the_router(inside: Inside) -> None:
    """The router has the same paths, open to everybody; they are never served."""
    calls: list[str] = []
    top = FastAPI()
    top.get("/sub/closed")(cors(ANY)(says("never")))
    top.get("/sub/for-a")(cors(ANY)(says("never")))
    top.post("/sub/enforced")(cors(ANY)(says("never")))
    top.websocket("/sub/for-a-ws")(cors(ANY)(greeting([])))
    top.add_middleware(Dispatch, other=inside("/sub", calls))
    install_cors(top)
    assert (await send(top, "GET", "/sub/closed", origin=E)).seen == untouched(200)
    assert (await send(top, "GET", "/sub/for-a", origin=A)).seen == readable(200, A)
    assert (await send(top, "GET", "/sub/for-a", origin=E)).seen == blocked(200)
    assert calls == ["closed", "for-a", "for-a"]
    assert (await send(top, "POST", "/sub/enforced", origin=E)).seen == blocked(403)
    assert await handshake(top, "/sub/for-a-ws", E) == CLOSED
    assert calls == ["closed", "for-a", "for-a"]


class Rewrite:
    """A middleware that leads one path to another route, in the scope that it was given."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            scope["path"] = scope["path"].replace("/open", "/shut")
        await self.app(scope, receive, send)


async def test_36_the_routers_record_of_what_it_ran_is_believed(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()
    app.get("/open/closed")(cors(ANY)(says("never")))
    app.get("/open/for-a")(cors(ANY)(says("never")))
    app.websocket("/open/ws")(cors(ANY)(greeting([])))
    app.get("/shut/closed")(no_cors(says("served")))
    app.get("/shut/for-a")(cors(FOR_A)(says("served")))
    app.websocket("/shut/ws")(cors(FOR_A)(greeting([])))
    app.add_middleware(Rewrite)
    install_cors(app)
    closed = await send(app, "GET", "/open/closed", origin=E)
    assert (closed.text, closed.status) == ("served", 200)
    assert "access-control-allow-origin" not in closed.seen[1]
    assert "ERROR" in [record.levelname for record in caplog.records if record.name == "route_cors"]
    readable_by_a = await send(app, "GET", "/open/for-a", origin=A)
    assert (readable_by_a.text, readable_by_a.seen) == ("served", readable(200, A))
    assert (await send(app, "GET", "/open/for-a", origin=E)).seen == blocked(200)
    assert await handshake(app, "/open/ws", E) == CLOSED
    assert await handshake(app, "/open/ws", A) == OPENED


# --- 36: the methods of an endpoint class


class Account(HTTPEndpoint):
    """GET is under the policy of the class; the others have their own."""

    async def get(self, request: Request) -> Response:
        return PlainTextResponse("get")

    @no_cors
    async def delete(self, request: Request) -> Response:
        return PlainTextResponse("delete")

    @cors(FOR_B)
    async def put(self, request: Request) -> Response:
        return PlainTextResponse("put")

    @cors(origins=B, enforce=True)
    async def post(self, request: Request) -> Response:
        return PlainTextResponse("post")


class AccountForA(Account):
    pass


cors(FOR_A)(AccountForA)


def account(prefix: str) -> Starlette:
    return Starlette(routes=[Route(f"{prefix}/account", AccountForA)])


def account_installed(prefix: str) -> ASGIApp:
    app = account(prefix)
    install_cors(app)
    return app


def unwrapped(build: Callable[[str], ASGIApp]) -> Starlette:
    """The app inside is itself the one at /sub, with no other layer."""
    return Starlette(routes=[Mount("/sub", build(""))])


@pytest.mark.parametrize("way", [unwrapped, *WAYS.values()], ids=["unwrapped", *WAYS])
async def test_36_a_method_of_an_endpoint_class_has_a_policy_of_its_own(way: Way) -> None:
    top = way(account_installed)
    install_cors(top, default=ANY)
    for method, reader, methods in (
        ("GET", A, ("GET", "HEAD")),
        ("PUT", B, ("PUT",)),
        ("POST", B, ("POST",)),
    ):
        assert seen(await send(top, method, "/sub/account", origin=reader)) == readable(200, reader)
        assert seen(await preflight(top, "/sub/account", method, reader)) == granted(reader, *methods)
        assert seen(await preflight(top, "/sub/account", method, E)) == REFUSED
    assert seen(await send(top, "GET", "/sub/account", origin=B)) == blocked(200)
    assert seen(await send(top, "PUT", "/sub/account", origin=A)) == blocked(200)
    assert seen(await send(top, "POST", "/sub/account", origin=A)) == blocked(403)
    for origin in (A, B, E):
        assert seen(await send(top, "DELETE", "/sub/account", origin=origin)) == untouched(200)
        assert seen(await preflight(top, "/sub/account", "DELETE", origin)) == REFUSED


# --- 36: frontends, and routers that decide themselves what they match


@keeps_a_tree
@pytest.mark.parametrize("is_mounted", [False, True])
async def test_36_a_frontend_is_under_its_routers_policy(tmp_path: Path, is_mounted: bool) -> None:
    (tmp_path / "page.html").write_text("page")
    app = FastAPI()
    closed: Any = CORSRouter(prefix="/closed", cors=no_cors)
    closed.frontend("/", directory=tmp_path)
    public: Any = CORSRouter(prefix="/public", cors=CORSPolicy(origins=A, methods=["GET"]))
    public.frontend("/", directory=tmp_path)
    plain: Any = APIRouter(prefix="/plain")
    plain.frontend("/", directory=tmp_path)
    for router in (closed, public, plain):
        app.include_router(router)
    top = app
    if is_mounted:
        top = FastAPI()
        top.mount("/sub", closure(app))
        install_cors(app)
    install_cors(top, default=ANY)
    at = "/sub" if is_mounted else ""
    for origin in (A, E):
        assert (await send(top, "GET", f"{at}/closed/page.html", origin=origin)).seen == untouched(200)
        assert (await preflight(top, f"{at}/closed/page.html", "GET", origin)).seen == REFUSED
    assert (await send(top, "GET", f"{at}/public/page.html", origin=A)).seen == readable(200, A)
    assert (await send(top, "GET", f"{at}/public/page.html", origin=E)).seen == blocked(200)
    assert (await preflight(top, f"{at}/public/page.html", "GET", A)).seen == granted(A, "GET")
    assert (await preflight(top, f"{at}/public/page.html", "GET", E)).seen == REFUSED
    assert (await send(top, "GET", f"{at}/plain/page.html", origin=E)).seen == readable(200, "*")


class Versioned(APIRouter):
    """Takes only what asks for its version."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if (b"x-version", b"2") not in scope["headers"]:
            return Match.NONE, {}
        matches: Any = getattr(super(), "matches")  # noqa: B009 - older versions have no such method
        found: tuple[Match, Scope] = matches(scope)
        return found


@keeps_a_tree
async def test_36_a_router_that_overrides_matching_speaks_for_its_own_requests_alone() -> None:
    versioned = Versioned()
    versioned.get("/x")(cors(ANY)(says("public")))
    private = APIRouter()
    private.get("/x")(no_cors(says("private")))
    app = FastAPI()
    app.include_router(versioned)
    app.include_router(private)
    install_cors(app)
    first = await send(app, "GET", "/x", origin=E)
    assert (first.text, first.seen) == ("private", untouched(200))
    second = await send(app, "GET", "/x", origin=E, headers={"X-Version": "2"})
    assert (second.text, second.seen) == ("public", readable(200, "*"))
    assert (await preflight(app, "/x", "GET", E)).seen == REFUSED


# --- 36: callables see the route that they decide for


@pytest.mark.parametrize("way", [unwrapped, *WAYS.values()], ids=["unwrapped", *WAYS])
async def test_36_a_callable_gets_the_connection_as_its_route_has_it(way: Way) -> None:
    asked: list[Any] = []
    served: list[Any] = []

    def facts(connection: HTTPConnection) -> tuple[Any, ...]:
        return connection.app, dict(connection.path_params), connection.scope["root_path"]

    def is_known(origin: str, connection: HTTPConnection) -> bool:
        asked.append(facts(connection))
        known: set[str] = connection.app.state.origins[connection.path_params["tenant"]]
        return origin in known

    def build(prefix: str) -> ASGIApp:
        app = FastAPI()
        app.state.origins = {"t1": {A}, "t2": {B}}

        @app.get(f"{prefix}/{{tenant}}/x")
        @cors(origins=is_known)
        async def endpoint(request: Request) -> None:
            served.append(facts(request))

        install_cors(app)
        return app

    top: Starlette = way(build)
    top.state.origins = {"t1": {E}}
    install_cors(top, default=ANY)
    for tenant, reader in (("t1", A), ("t2", B)):
        asked.clear()
        assert seen(await send(top, "GET", f"/sub/{tenant}/x", origin=reader)) == readable(200, reader)
        assert seen(await send(top, "GET", f"/sub/{tenant}/x", origin=E)) == blocked(200)
        assert seen(await preflight(top, f"/sub/{tenant}/x", "GET", reader)) == granted(reader, "GET")
        assert seen(await preflight(top, f"/sub/{tenant}/x", "GET", E)) == REFUSED
        assert len(asked) >= 4
        assert all(each == served[-1] for each in asked)


async def _is_told_of_a_cancellation(origin: str, connection: HTTPConnection) -> bool:
    """Waits for what somebody else has cancelled."""
    waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    waiting.cancel()
    return await waiting


@by_every_way
async def test_36_what_a_callable_raises_is_a_refusal(way: Way) -> None:
    def build(prefix: str) -> ASGIApp:
        app = FastAPI()
        app.get(f"{prefix}/x")(cors(origins=_is_told_of_a_cancellation)(says()))
        app.post(f"{prefix}/x")(cors(origins=_is_told_of_a_cancellation, enforce=True)(says()))
        app.websocket(f"{prefix}/ws")(cors(origins=_is_told_of_a_cancellation)(greeting([])))
        install_cors(app)
        return app

    top = way(build)
    install_cors(top, default=ANY)
    assert seen(await send(top, "GET", "/sub/x", origin=A)) == blocked(200)
    assert seen(await send(top, "POST", "/sub/x", origin=A)) == blocked(403)
    assert seen(await preflight(top, "/sub/x", "GET", A)) == REFUSED
    assert await handshake(top, "/sub/ws", A) == CLOSED


async def test_36_a_request_that_is_cancelled_while_a_callable_waits_is_cancelled() -> None:
    waits = asyncio.Event()

    async def waits_for_ever(origin: str, connection: HTTPConnection) -> bool:
        waits.set()
        await asyncio.get_running_loop().create_future()
        return True

    app = FastAPI()
    app.get("/x")(cors(origins=waits_for_ever)(says()))
    install_cors(app)
    request = asyncio.create_task(raw(app, http_scope("GET", "/x", [(b"origin", A.encode())])))
    await waits.wait()
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


# --- 36: a scope that somebody made by hand, without headers


@pytest.mark.parametrize("put_on", [layer_installed, layer_around])
@pytest.mark.parametrize("wrap", [None, closure, partial, Hidden, copying])
async def test_36_a_scope_without_headers_is_one_without_an_origin(
    put_on: Callable[[Starlette], ASGIApp], wrap: Callable[[ASGIApp], ASGIApp] | None
) -> None:
    """In a plain Starlette app, which needs no headers itself."""
    calls: list[str] = []
    top = put_on(Starlette(routes=[Mount("/sub", starlette_app("", calls))]))
    if wrap is not None:
        top = put_on(Starlette(routes=[Mount("/sub", wrap(starlette_installed("", calls)))]))

    def without_headers(method: str, path: str) -> Scope:
        scope = http_scope(method, path, [])
        del scope["headers"]
        return scope

    assert (await raw(top, without_headers("GET", "/sub/closed"))).seen == untouched(200)
    assert (await raw(top, without_headers("GET", "/sub/for-a"))).seen == blocked(200)
    assert (await raw(top, without_headers("POST", "/sub/enforced"))).seen == blocked(200)
    assert calls == ["closed", "for-a", "enforced"]
    assert (await raw(top, without_headers("OPTIONS", "/sub/for-a"))).seen == blocked(405)


# --- 37: the methods of what nobody can look into


async def answers(scope: Scope, receive: Receive, send: Send) -> None:
    """An app that serves any method, and whose own CORS is for everybody."""
    headers = {"access-control-allow-origin": "*", "access-control-allow-methods": "*"}
    await PlainTextResponse("served", 200, headers)(scope, receive, send)


Covers = Callable[[CORSPolicy], Starlette]


def by_decorator(policy: CORSPolicy) -> Starlette:
    app = FastAPI()
    app.mount("/files", cors(policy)(Hidden(answers)))
    install_cors(app)
    return app


def by_default(policy: CORSPolicy) -> Starlette:
    app = FastAPI()
    app.mount("/files", Hidden(answers))
    install_cors(app, default=policy)
    return app


def by_default_of_a_middleware(policy: CORSPolicy) -> Starlette:
    app = Starlette(routes=[Mount("/files", closure(Hidden(answers)))])
    app.add_middleware(RouteCORSMiddleware, default=policy)
    return app


def by_route(policy: CORSPolicy) -> Starlette:
    app = Starlette(routes=[Route("/files/{rest:path}", cors(policy)(Hidden(answers)))])
    install_cors(app)
    return app


def by_mount_of_an_app_inside(policy: CORSPolicy) -> Starlette:
    inside = FastAPI()
    inside.mount("/files", Hidden(answers))
    install_cors(inside, default=policy)
    app = FastAPI()
    app.mount("/", closure(inside))
    return app


on_opaque = pytest.mark.parametrize(
    "covers",
    [by_decorator, by_default, by_default_of_a_middleware, by_route, by_mount_of_an_app_inside],
)
UNSENDABLE = (
    "*",
    "CONNECT",
    "TRACE",
    "TRACK",
    "connect",
    "Trace",
    "DELETE, GET",
    "DEL ETE",
    "DEL\xcaTE",
    "(",
)


@on_opaque
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "GET", "HEAD", "POST", "PURGE", "patch"])
async def test_37_any_method_that_a_browser_can_send_is_granted(covers: Covers, method: str) -> None:
    app = covers(FOR_A)
    assert (await preflight(app, "/files/x", method, A)).seen == granted(A, method)
    assert (await preflight(app, "/files/x", method, E)).seen == REFUSED
    assert (await send(app, method, "/files/x", origin=A)).seen == readable(200, A)


@on_opaque
async def test_37_methods_restrict_there_as_everywhere(covers: Covers) -> None:
    app = covers(FOR_A.evolve(methods=["GET"]))
    assert (await preflight(app, "/files/x", "GET", A)).seen == granted(A, "GET")
    for method in ("DELETE", "PUT", "PATCH", "POST", "PURGE", *UNSENDABLE):
        reply = await raw(app, preflight_scope("/files/x", method.encode("latin-1"), A.encode()))
        assert reply.seen == REFUSED


@on_opaque
@pytest.mark.parametrize("method", UNSENDABLE)
async def test_37_what_no_browser_sends_is_never_granted(covers: Covers, method: str) -> None:
    for policy in (FOR_A, ANY):
        scope = preflight_scope("/files/x", method.encode("latin-1"), A.encode())
        assert (await raw(covers(policy), scope)).seen == REFUSED


async def test_37_a_default_grants_what_a_404_answers() -> None:
    app = FastAPI()
    install_cors(app, default=FOR_A)
    assert (await preflight(app, "/nope", "DELETE", A)).seen == granted(A, "DELETE")
    assert (await send(app, "DELETE", "/nope", origin=A)).seen == readable(404, A)
    assert (await preflight(app, "/nope", "DELETE", E)).seen == REFUSED
    restricted = FastAPI()
    install_cors(restricted, default=FOR_A.evolve(methods=["PUT"]))
    assert (await preflight(restricted, "/nope", "PUT", A)).seen == granted(A, "PUT")
    assert (await preflight(restricted, "/nope", "DELETE", A)).seen == REFUSED


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_37_methods_add_nothing_to_a_route(method: str) -> None:
    app = FastAPI()
    app.get("/x")(cors(origins=A, methods=["PUT"])(says()))
    alone = CORSRouter(cors=CORSPolicy(origins=A, methods=["PUT"]))
    alone.get("/alone")(says())
    app.include_router(alone)
    install_cors(app)
    assert (await preflight(app, "/x", method, A)).seen == REFUSED
    assert (await preflight(app, "/alone", method, A)).seen == REFUSED
    assert (await send(app, "PUT", "/x", origin=A)).status == 405
