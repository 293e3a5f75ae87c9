"""`dispatch.survey`: every route where it stands, and who declared the policy that holds there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.testclient import TestClient

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors
from route_cors.dispatch.apps import is_installed
from route_cors.dispatch.resolver import Resolver
from route_cors.insight.survey import Placed, Surrounded, surrounded, survey

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

A = CORSPolicy(origins="https://a.example")
B = CORSPolicy(origins="https://b.example")
ANY = CORSPolicy(origins="*")


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("plain")


async def nothing() -> None: ...


async def opaque(scope: Scope, receive: Receive, send: Send) -> None: ...


async def talk(websocket: Any) -> None: ...


@cors(A)
async def ours(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ours")


def rows(app: object, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(getattr(placed, name) for name in names) for placed in survey(app)]


def bare(routes: Iterable[BaseRoute] = (), **arguments: Any) -> FastAPI:
    return FastAPI(openapi_url=None, routes=[*routes], **arguments)


def test_a_route_with_all_that_is_known_of_it() -> None:
    route = Route("/items/{item_id:int}", ours, methods=["PUT"])
    app = Starlette(routes=[route])

    assert list(survey(app)) == [
        Placed(
            route=route,
            view=route,
            endpoint=ours,
            kind="http",
            path="/items/{item_id:int}",
            through=(),
            template="/items/{item_id:int}",
            host=None,
            methods=frozenset({"PUT"}),
            shows_routes=False,
            policy=A,
            source="endpoint",
            in_layer=False,
        )
    ]


class Endpoint(HTTPEndpoint):
    async def get(self, request: Request) -> None: ...
    async def delete(self, request: Request) -> None: ...


def test_kinds_and_methods() -> None:
    app = Starlette(
        routes=[
            Route("/function", plain),
            Route("/class", Endpoint),
            Route("/app", opaque_app()),
            WebSocketRoute("/chat", talk),
            Mount("/files", opaque),
        ]
    )

    assert rows(app, "path", "kind", "methods", "shows_routes") == [
        ("/function", "http", {"GET", "HEAD"}, False),
        ("/class", "http", {"GET", "HEAD", "DELETE"}, False),
        ("/app", "http", None, False),
        ("/chat", "websocket", set(), False),
        ("/files", "mount", None, False),
    ]


def opaque_app() -> Any:
    class App:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    return App()


def test_paths_through_mounts_and_hosts() -> None:
    inner = Starlette(routes=[Route("/{x:int}", plain)])
    app = Starlette(
        routes=[
            Mount("/v{version:int}", routes=[Mount("/deep", app=inner)]),
            Host("{tenant}.a.example", app=inner),
        ]
    )

    assert rows(app, "kind", "path", "template", "host", "shows_routes", "depth") == [
        ("mount", "/v{version:int}", "/v{version:int}/", None, True, 0),
        ("mount", "/v{version:int}/deep", "/deep/", None, True, 1),
        ("http", "/v{version:int}/deep/{x:int}", "/{x:int}", None, False, 2),
        ("mount", "", "/", "{tenant}.a.example", True, 0),
        ("http", "/{x:int}", "/{x:int}", None, False, 1),
    ]
    outer, deep, route, *_ = survey(app)
    assert (deep.through, route.through) == ((outer,), (outer, deep))


def test_included_routers_have_their_prefixes() -> None:
    inner = APIRouter(prefix="/inner")
    inner.get("/{x}")(nothing)
    outer = APIRouter()
    outer.include_router(inner, prefix="/outer")
    app = bare()
    app.include_router(outer)

    [placed] = survey(app)

    assert (placed.path, placed.template, placed.endpoint) == (
        "/outer/inner/{x}",
        "/outer/inner/{x}",
        nothing,
    )
    assert placed.view.path == "/outer/inner/{x}"


def test_what_a_policy_was_declared_on() -> None:
    by_router, including = CORSRouter(cors=A), CORSRouter(cors=B)
    by_router.get("/router")(nothing)
    by_router.get("/endpoint")(no_cors(copy_of_nothing()))
    plain_router = APIRouter()
    plain_router.get("/including")(nothing)
    including.include_router(plain_router)
    app = bare()
    app.include_router(by_router)
    app.include_router(including)
    app.get("/default")(nothing)
    install_cors(app, default=ANY)

    assert rows(app, "path", "policy", "source") == [
        ("/router", A, "router"),
        ("/endpoint", no_cors, "endpoint"),
        ("/including", B, "router"),
        ("/default", ANY, "app"),
    ]


def copy_of_nothing() -> Any:
    async def another() -> None: ...

    return another


def test_what_a_policy_inside_a_mount_was_declared_on() -> None:
    def app_with(path: str) -> Starlette:
        return Starlette(routes=[Route(path, plain), Route(f"{path}/own", ours)])

    mine = app_with("/mine")
    install_cors(mine, default=B)
    layered = app_with("/layered")
    app = Starlette(
        routes=[
            Mount("/mount", app=cors(ANY)(app_with("/inherits"))),
            Mount("/default", app=app_with("/takes")),
            Mount("/mine", app=mine),
            Mount("/layer", app=layered, middleware=[Middleware(RouteCORSMiddleware, default=B)]),
        ]
    )
    app.add_middleware(RouteCORSMiddleware, default=A)

    assert rows(app, "path", "policy", "source") == [
        ("/mount", ANY, "mount"),
        ("/mount/inherits", ANY, "mount"),
        ("/mount/inherits/own", A, "endpoint"),
        ("/default", A, "app"),
        ("/default/takes", A, "app"),
        ("/default/takes/own", A, "endpoint"),
        ("/mine", B, "mounted app"),
        ("/mine/mine", B, "mounted app"),
        ("/mine/mine/own", A, "endpoint"),
        ("/layer", B, "mounted app"),
        ("/layer/layered", B, "mounted app"),
        ("/layer/layered/own", A, "endpoint"),
    ]


def test_the_policy_of_a_router_around_a_mount_is_its_own() -> None:
    outer = CORSRouter(cors=A)
    outer.mount("/sub", Starlette(routes=[Route("/x", plain)]))
    app = bare(routes=outer.routes)
    app.router.cors = A  # type: ignore[attr-defined]

    assert rows(app, "path", "source") == [("/sub", "router"), ("/sub/x", "router")]


def test_websockets_take_no_default() -> None:
    app = Starlette(routes=[WebSocketRoute("/chat", talk)])
    install_cors(app, default=A)

    assert rows(app, "policy", "source") == [(None, None)]


def test_an_opaque_app_takes_the_default_and_what_shows_its_app_is_looked_into() -> None:
    declaring = GZipMiddleware(Starlette(routes=[Route("/x", cors(B)(copy_of_nothing()))]))
    app = Starlette(routes=[Mount("/opaque", opaque), Mount("/wrapped", hiding(declaring))])
    install_cors(app, default=A)

    assert rows(app, "path", "policy") == [("/opaque", A), ("/wrapped", A), ("/wrapped/x", B)]


def hiding(app: Any) -> Any:
    """A middleware whose routes cannot be seen, though what is inside it can."""

    class Hiding:
        def __init__(self) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

    return Hiding()


def test_where_a_layer_stands() -> None:
    def app() -> Starlette:
        return Starlette(routes=[Route("/x", plain)])

    inner = app()
    install_cors(inner)
    outer = Starlette(
        routes=[
            Route("/outside", plain),
            Mount("/installed", app=inner),
            Mount("/by-mount", app=app(), middleware=[Middleware(RouteCORSMiddleware)]),
            Mount("/none", app=app()),
        ]
    )

    assert [path for path, in_layer in rows(outer, "path", "in_layer") if in_layer] == [
        "/installed",
        "/installed/x",
        "/by-mount",
        "/by-mount/x",
    ]
    outer.add_middleware(RouteCORSMiddleware)
    assert all(in_layer for (in_layer,) in rows(outer, "in_layer"))


@pytest.mark.parametrize("wrap", [RouteCORSMiddleware, GZipMiddleware])
def test_an_app_inside_middleware(wrap: Any) -> None:
    app = Starlette(routes=[Route("/x", plain)])

    assert rows(wrap(app), "path", "in_layer") == [("/x", wrap is RouteCORSMiddleware)]


def test_a_target_names_the_mounts_that_lead_there() -> None:
    inner = Starlette(routes=[Route("/x", plain)])
    host = Host("a.example", app=inner)
    app = Starlette(routes=[Mount("/deep", routes=[host])])

    def target(path: str) -> Any:
        return Resolver(app).resolve(
            {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"a.example")]}, "GET"
        )

    assert (target("/deep/x").path, target("/deep/x").through) == ("/deep/x", (app.routes[0], host))
    assert (target("/deep/none").route, target("/deep/none").through) == (None, (app.routes[0], host))
    assert (target("/none").path, target("/none").through) == ("", ())


@pytest.mark.parametrize("root_path", ["", "/behind"])
def test_a_layer_around_middleware_carries_out_what_is_surveyed(root_path: str) -> None:
    app = bare()
    # As FastAPI(root_path=...), which newer versions call deprecated.
    app.root_path = root_path
    app.put("/x")(cors(A)(copy_of_nothing()))
    layered = RouteCORSMiddleware(GZipMiddleware(app), default=B)

    assert rows(layered, "path", "policy", "in_layer") == [("/x", A, True)]
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "PUT"}
    with TestClient(layered) as client:  # the index is built when the app starts
        response = client.options("/x", headers=asked)
    assert response.headers["access-control-allow-origin"] == "https://a.example"


def test_the_default_of_a_layer_around_the_app() -> None:
    app = RouteCORSMiddleware(Starlette(routes=[Route("/x", plain)]), default=A)

    assert rows(app, "policy", "source") == [(A, "app")]


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI serves no frontends")
def test_frontends_come_last_and_have_the_policy_of_their_router(tmp_path: Path) -> None:
    router = CORSRouter(prefix="/router", cors=B)
    router.frontend("/site", directory=tmp_path)
    app = bare()
    app.frontend("/", directory=tmp_path)
    app.include_router(router, prefix="/v1")
    app.get("/x")(nothing)
    outer = Starlette(routes=[Mount("/in", app=app)])
    install_cors(outer, default=A)

    assert rows(outer, "kind", "path", "template", "policy", "source", "depth") == [
        ("mount", "/in", "/in/", A, "app", 0),
        ("http", "/in/x", "/x", A, "app", 1),
        ("mount", "/in/", "/", A, "app", 1),
        ("mount", "/in/v1/router/site", "/v1/router/site", B, "router", 1),
    ]


def test_a_frontend_without_any_policy(tmp_path: Path) -> None:
    app = bare()
    if hasattr(app, "frontend"):
        app.frontend("/", directory=tmp_path)

    assert rows(app, "policy", "source") == ([(None, None)] if hasattr(app, "frontend") else [])


def test_an_app_mounted_into_itself_is_given_once() -> None:
    app = Starlette(routes=[Route("/x", plain)])
    app.mount("/again", app)

    assert rows(app, "path") == [("/x",), ("/again",)]


def test_the_same_app_mounted_twice_is_given_twice() -> None:
    inner = Starlette(routes=[Route("/x", plain)])
    app = Starlette(routes=[Mount("/a", app=cors(A)(inner)), Mount("/b", app=inner)])

    assert rows(app, "path") == [("/a",), ("/a/x",), ("/b",), ("/b/x",)]


class Odd(BaseRoute):
    """Neither a path nor an endpoint."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return Match.NONE, {}


def test_a_route_of_another_kind() -> None:
    odd = Odd()
    app = Starlette(routes=[odd])

    [placed] = survey(app)

    assert (placed.kind, placed.path, placed.template, placed.endpoint) == ("http", "", "", odd)


@pytest.mark.parametrize("app", [opaque, GZipMiddleware(opaque), None, 3])
def test_what_shows_no_routes_is_refused(app: object) -> None:
    with pytest.raises(TypeError, match="shows no routes: give a FastAPI or Starlette app"):
        list(survey(app))


def test_a_router_without_routes_has_none() -> None:
    assert list(survey(Router())) == []


def test_on_which_app_install_cors_was_called() -> None:
    inner, outer = Starlette(), Starlette()
    outer.mount("/inner", inner)
    install_cors(inner, default=A)

    assert (is_installed(inner), is_installed(outer)) == (True, False)
    assert surrounded(GZipMiddleware(inner)) == Surrounded(inner, in_layer=True, default=A)
    assert surrounded(outer) == Surrounded(outer, in_layer=False, default=None)
    assert not is_installed(RouteCORSMiddleware(outer))


# What is surveyed is what holds, also where layers stand in mounts alone


def answered(app: Any, path: str, method: str = "GET") -> tuple[int, str | None]:
    """The status of a preflight for it, and the origin that may read the answer to the request itself."""
    asked = {"Origin": "https://b.example", "Access-Control-Request-Method": method}
    client = TestClient(app)
    preflight = client.options(path, headers=asked)
    response = client.request(method, path, headers={"Origin": "https://b.example"})
    return preflight.status_code, response.headers.get("access-control-allow-origin")


@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("endpoint", [plain, PlainTextResponse("opaque")])
def test_the_default_of_a_mounted_app_opens_nothing_that_is_closed_further_out(
    endpoint: Any, hides: bool
) -> None:
    sub = Starlette(routes=[Route("/x", endpoint)])
    install_cors(sub, default=B)
    middle = no_cors(Starlette(routes=[Mount("/sub", GZipMiddleware(sub) if hides else sub)]))
    app = Starlette(routes=[Mount("/closed", middle)])

    assert answered(app, "/closed/sub/x") == (403, None)


def test_what_is_declared_behind_middleware_is_further_in_than_what_closes_it() -> None:
    sub = Starlette(routes=[Route("/x", cors(B)(copy_of_plain()))])
    install_cors(sub)
    middle = no_cors(Starlette(routes=[Mount("/sub", GZipMiddleware(sub))]))
    app = Starlette(routes=[Mount("/closed", middle)])

    assert answered(app, "/closed/sub/x") == (204, "https://b.example")


def copy_of_plain() -> Any:
    async def another(request: Request) -> PlainTextResponse:
        return PlainTextResponse("another")

    return another


def test_the_policy_of_the_whole_app_reaches_its_cors_routes_with_no_layer() -> None:
    router = CORSRouter()
    router.get("/x")(copy_of_nothing())
    app = cors(B)(bare())
    app.include_router(router)

    assert rows(app, "policy", "source") == [(B, "mount")]
    assert answered(app, "/x") == (204, "https://b.example")


def test_an_opaque_app_in_a_layer_of_its_own() -> None:
    layered = RouteCORSMiddleware(PlainTextResponse("raw"), default=B)
    app = Starlette(routes=[Mount("/raw", layered), Mount("/bare", RouteCORSMiddleware(opaque))])
    app.add_middleware(RouteCORSMiddleware, default=A)

    assert rows(app, "path", "policy", "source", "in_layer") == [
        ("/raw", B, "mounted app", True),
        ("/bare", A, "app", True),
    ]
    assert answered(app, "/raw/x") == (204, "https://b.example")
