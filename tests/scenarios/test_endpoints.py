"""Scenarios 28 and 35: endpoints of every kind, and routes that choose for themselves."""

import functools
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.types import Scope

from route_cors import CORSPolicy, CORSRouter, cors, install_cors

from .shapes import Build, Routed, everywhere
from .support import (
    REFUSED,
    A,
    B,
    blocked,
    granted,
    preflight,
    preflight_headers,
    readable,
    says,
    send,
    untouched,
)

pytestmark = pytest.mark.anyio

FOR_A = CORSPolicy(origins=A)
FOR_B = CORSPolicy(origins=B)


@pytest.mark.parametrize("installed", [True, False])
async def test_28_one_function_on_two_routers(installed: bool) -> None:
    calls: list[str] = []
    endpoint = cors(FOR_A)(says(calls=calls))
    first = CORSRouter(prefix="/first", cors=FOR_B)
    first.get("/x")(endpoint)
    second = CORSRouter(prefix="/second")
    second.post("/y")(endpoint)
    app = FastAPI()
    app.include_router(first)
    app.include_router(second)
    if installed:
        install_cors(app)
    for method, path in (("GET", "/first/x"), ("POST", "/second/y")):
        assert (await preflight(app, path, method, A)).seen == granted(A, method)
        assert (await preflight(app, path, method, B)).seen == REFUSED
        assert (await send(app, method, path, origin=A)).seen == readable(200, A)
    assert calls == ["served", "served"]


async def greets(request: Request, greeting: str = "hello") -> Response:
    return PlainTextResponse(greeting)


@cors(FOR_A)
async def greets_a(request: Request, greeting: str = "hello") -> Response:
    return PlainTextResponse(greeting)


class Greeter:
    def __init__(self, greeting: str) -> None:
        self.greeting = greeting

    async def greet(self, request: Request) -> Response:
        return PlainTextResponse(self.greeting)

    def __call__(self, request: Request) -> Response:
        return PlainTextResponse(self.greeting)

    @cors(FOR_A)
    async def greet_a(self, request: Request) -> Response:
        return PlainTextResponse(self.greeting)


@everywhere
async def test_28_a_partial_with_a_policy_of_its_own(build: Build) -> None:
    site = build(
        Routed("GET", "/a", cors(FOR_A)(functools.partial(greets, greeting="a"))),
        Routed("GET", "/b", cors(FOR_B)(functools.partial(greets, greeting="b"))),
        Routed("GET", "/none", functools.partial(greets, greeting="none")),
    )
    for path, origin, other in (("/a", A, B), ("/b", B, A)):
        reply = await site.get(path, origin)
        assert (reply.text.strip('"'), reply.seen) == (path[1:], readable(200, origin))
        assert (await site.get(path, other)).seen == blocked(200)
        assert (await site.preflight(path, origin=origin)).seen == granted(origin, *site.methods("GET"))
    assert (await site.get("/none", A)).seen == untouched(200)


@everywhere
async def test_28_a_partial_of_a_function_with_a_policy(build: Build) -> None:
    twice = functools.partial(functools.partial(greets_a), greeting="a")
    own = cors(FOR_B)(functools.partial(greets_a, greeting="b"))
    site = build(Routed("GET", "/a", twice), Routed("GET", "/b", own))
    assert (await site.get("/a", A)).seen == readable(200, A)
    assert (await site.preflight("/a", origin=A)).seen == granted(A, *site.methods("GET"))
    assert (await site.get("/b", B)).seen == readable(200, B)
    assert (await site.get("/b", A)).seen == blocked(200)


@everywhere
async def test_28_methods_and_callable_instances(build: Build) -> None:
    one, two = Greeter("one"), Greeter("two")
    site = build(
        Routed("GET", "/method", cors(FOR_A)(one.greet)),
        Routed("GET", "/others-method", two.greet),
        Routed("GET", "/declared-in-class", two.greet_a),
    )
    assert (await site.get("/method", A)).seen == readable(200, A)
    assert (await site.get("/others-method", A)).seen == untouched(200)
    assert (await site.get("/declared-in-class", A)).seen == readable(200, A)
    assert (await site.get("/declared-in-class", B)).seen == blocked(200)


@pytest.mark.parametrize("router_class", [APIRouter, CORSRouter])
async def test_28_a_callable_instance(router_class: type[APIRouter]) -> None:
    router = router_class()
    router.get("/instance")(cors(FOR_A)(Greeter("three")))
    router.get("/other")(Greeter("four"))
    app = FastAPI()
    app.include_router(router, prefix="/v1")
    install_cors(app)
    assert (await send(app, "GET", "/v1/instance", origin=A)).seen == readable(200, A)
    assert (await preflight(app, "/v1/instance")).seen == granted(A, "GET")
    assert (await send(app, "GET", "/v1/other", origin=A)).seen == untouched(200)


def endpoint_class() -> Any:
    class Account(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("got")

        async def put(self, request: Request) -> Response:
            return PlainTextResponse("put")

    return cors(FOR_A)(Account)


def class_on_fastapi() -> tuple[Starlette, str]:
    app = FastAPI()
    app.router.add_route("/account", endpoint_class())
    return app, "/account"


def class_on_included_router() -> tuple[Starlette, str]:
    inner = APIRouter()
    inner.add_route("/account", endpoint_class())
    # Prefixes of the includes: FastAPI below 0.137 forgets a router's own one here.
    outer = CORSRouter()
    outer.include_router(inner, prefix="/v1")
    app = FastAPI()
    app.include_router(outer, prefix="/api")
    return app, "/api/v1/account"


def class_on_mounted_app() -> tuple[Starlette, str]:
    app = FastAPI()
    app.mount("/sub", class_on_fastapi()[0])
    return app, "/sub/account"


def class_on_starlette() -> tuple[Starlette, str]:
    return Starlette(routes=[Route("/account", endpoint_class())]), "/account"


def class_on_starlette_mount() -> tuple[Starlette, str]:
    routes = [Mount("/v1", routes=[Mount("/sub", routes=[Route("/account", endpoint_class())])])]
    return Starlette(routes=routes), "/v1/sub/account"


@pytest.mark.parametrize(
    "make",
    [
        class_on_fastapi,
        class_on_included_router,
        class_on_mounted_app,
        class_on_starlette,
        class_on_starlette_mount,
    ],
)
async def test_28_a_class_based_endpoint(make: Any) -> None:
    app, path = make()
    install_cors(app)
    for method in ("GET", "HEAD", "PUT"):
        assert (await preflight(app, path, method, A)).seen == granted(A, "GET", "HEAD", "PUT")
        assert (await send(app, method, path, origin=A)).seen == readable(200, A)
        assert (await send(app, method, path, origin=B)).seen == blocked(200)
    assert (await preflight(app, path, "DELETE", A)).seen == REFUSED
    assert (await preflight(app, path, "GET", B)).seen == REFUSED
    assert (await send(app, "DELETE", path, origin=A)).seen == readable(405, A)


def versioned(version: bytes) -> type[APIRoute]:
    """A route of one version of an API; clients name it in a header, and get the first one otherwise."""

    class VersionedRoute(APIRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            match, child_scope = super().matches(scope)
            if dict(scope["headers"]).get(b"x-version", b"1") != version:
                return Match.NONE, {}
            return match, child_scope

    return VersionedRoute


def versions(router_class: type[APIRouter], app: FastAPI) -> None:
    """Both versions of one path; the second one's router comes first."""
    for version, policy in ((b"2", FOR_B), (b"1", FOR_A)):
        router = router_class(prefix="/v", route_class=versioned(version))
        router.put("/x")(cors(policy)(says(version.decode())))
        outer = APIRouter(prefix="/api")
        outer.include_router(router)
        app.include_router(outer)


@pytest.mark.parametrize(
    ("router_class", "installed", "mounted"),
    [
        (APIRouter, True, False),
        (APIRouter, True, True),
        (CORSRouter, True, False),
        (CORSRouter, True, True),
        (CORSRouter, False, False),
        (CORSRouter, False, True),
    ],
)
async def test_35_a_custom_matches(router_class: type[APIRouter], installed: bool, mounted: bool) -> None:
    inner = FastAPI()
    versions(router_class, inner)
    app, path = inner, "/api/v/x"
    if mounted:
        app = FastAPI()
        app.mount("/sub", inner)
        path = "/sub/api/v/x"
    if installed:
        install_cors(app)
    for version, origin, other in (("1", A, B), ("2", B, A), (None, A, B)):
        headers = {} if version is None else {"X-Version": version}
        reply = await send(app, "PUT", path, origin=origin, headers=headers)
        assert (reply.text, reply.seen) == (version or "1", readable(200, origin))
        assert (await send(app, "PUT", path, origin=other, headers=headers)).seen == blocked(200)
        asked = {**headers, **preflight_headers("PUT")}
        assert (await send(app, "OPTIONS", path, origin=origin, headers=asked)).seen == granted(origin, "PUT")
        assert (await send(app, "OPTIONS", path, origin=other, headers=asked)).seen == REFUSED
    none = {"X-Version": "3"}
    assert (await send(app, "PUT", path, origin=A, headers=none)).seen == untouched(404)
    asked = {**none, **preflight_headers("PUT")}
    assert (await send(app, "OPTIONS", path, origin=A, headers=asked)).seen == untouched(404)
