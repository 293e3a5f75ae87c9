"""Scenarios 1, 5 and 29: what goes wrong carries the headers of its route, so that the page can read it."""

import inspect
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from route_cors import CORSPolicy, cors, install_cors, no_cors

from .shapes import (
    Build,
    Routed,
    everywhere,
    on_fastapi,
    on_fastapi_and_alone,
    on_installed,
    on_layered,
    serves,
)
from .support import A, B, E, Endpoint, blocked, granted, raises, readable, says, send, untouched

pytestmark = pytest.mark.anyio

POLICY = CORSPolicy(origins=A, allow_credentials=True, expose_headers=["X-Id"])


class BoomError(Exception):
    """Unexpected."""


class TeapotError(Exception):
    """Expected, with a handler of its own."""


def of_policy(status: int) -> Any:
    return readable(status, A, credentials=True, expose="x-id")


async def on_any_error(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": "handled"}, 500)


async def on_teapot(request: Request, error: Exception) -> Response:
    return PlainTextResponse("short and stout", 418)


@on_installed
@pytest.mark.parametrize("debug", [False, True])
async def test_01_an_unhandled_exception(build: Build, debug: bool) -> None:
    site = build(
        Routed("GET POST", "/boom", raises(BoomError("boom")), POLICY),
        Routed("GET", "/any", raises(BoomError("boom")), CORSPolicy(origins="*")),
        Routed("GET", "/closed", raises(BoomError("boom")), no_cors),
        Routed("GET", "/none", raises(BoomError("boom"))),
        debug=debug,
    )
    for method in ("GET", "POST"):
        reply = await site.send(method, "/boom", origin=A)
        assert reply.seen == of_policy(500)
        assert ("BoomError" in reply.text) is debug
        assert (await site.send(method, "/boom", origin=E)).seen == blocked(500)
        assert (await site.send(method, "/boom")).seen == blocked(500)
    assert (await site.get("/any", E)).seen == readable(500, "*")
    assert (await site.get("/closed", A)).seen == untouched(500)
    assert (await site.get("/none", A)).seen == untouched(500)


@on_installed
async def test_01_again_with_a_handler_for_every_exception(build: Build) -> None:
    site = build(
        Routed("GET", "/boom", raises(BoomError("boom")), POLICY),
        exception_handlers={Exception: on_any_error},
    )
    reply = await site.get("/boom", A)
    assert reply.seen == of_policy(500)
    assert reply.body == b'{"detail":"handled"}'
    assert (await site.get("/boom", E)).seen == blocked(500)


@on_installed
async def test_01_and_when_a_middleware_fails(build: Build) -> None:
    site = build(serves("GET", "/fine", POLICY))

    class Failing:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            raise BoomError("boom")

    site.app.add_middleware(Failing)
    assert (await site.get("/fine", A)).seen == of_policy(500)
    assert (await site.get("/fine", E)).seen == blocked(500)
    assert (await site.preflight("/fine")).status == 204


def needs_a_number() -> Endpoint:
    async def endpoint(n: int) -> Response:
        return PlainTextResponse(str(n))

    return endpoint


def needs_a_token(calls: list[str]) -> Endpoint:
    async def authenticated(request: Request) -> str:
        calls.append("dependency")
        raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})

    async def endpoint(user: Annotated[str, Depends(authenticated)]) -> Response:
        calls.append("endpoint")
        return PlainTextResponse(user)

    return endpoint


@on_fastapi_and_alone
async def test_05_errors_of_the_route(build: Build) -> None:
    calls: list[str] = []
    site = build(
        Routed("GET", "/number", needs_a_number(), POLICY),
        Routed("GET", "/token", needs_a_token(calls), POLICY),
        Routed("GET", "/tea", raises(TeapotError()), POLICY),
        Routed("GET", "/gone", raises(HTTPException(404)), POLICY),
        exception_handlers={TeapotError: on_teapot},
    )
    for path, status in (("/number?n=x", 422), ("/token", 401), ("/tea", 418), ("/gone", 404)):
        assert (await site.get(path, A)).seen == of_policy(status)
        assert (await site.get(path, E)).seen == blocked(status)
        assert (await site.get(path)).seen == blocked(status)
    assert calls == ["dependency"] * 3
    # A preflight asks neither the parameters nor the dependencies.
    assert (await site.preflight("/number")).seen == granted(A, "GET", credentials=True)
    assert (await site.preflight("/token")).seen == granted(A, "GET", credentials=True)
    assert calls == ["dependency"] * 3


@everywhere
async def test_05_errors_that_the_app_handles(build: Build) -> None:
    site = build(
        Routed("GET", "/token", raises(StarletteHTTPException(401)), POLICY),
        Routed("GET", "/tea", raises(TeapotError()), POLICY),
        exception_handlers={TeapotError: on_teapot},
    )
    for path, status in (("/token", 401), ("/tea", 418)):
        assert (await site.get(path, A)).seen == of_policy(status)
        assert (await site.get(path, E)).seen == blocked(status)


@on_layered
async def test_05_a_method_that_the_route_does_not_take(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("GET", "/get", POLICY, calls=calls),
        serves("GET", "/none", calls=calls),
        serves("GET", "/closed", no_cors, calls=calls),
    )
    for method in ("POST", "DELETE", "BREW"):
        assert (await site.send(method, "/get", origin=A)).seen == of_policy(405)
        assert (await site.send(method, "/get", origin=E)).seen == blocked(405)
        assert (await site.send(method, "/none", origin=A)).seen == untouched(405)
        assert (await site.send(method, "/closed", origin=A)).seen == untouched(405)
    assert calls == []


@on_layered
async def test_05_a_path_without_a_route_has_the_default_policy(build: Build) -> None:
    default = CORSPolicy(origins=B)
    routes = [serves("GET", "/here", POLICY), serves("GET", "/none")]
    site = build(*routes, default=default)
    assert (await site.get("/nope", B)).seen == readable(404, B)
    assert (await site.get("/nope", A)).seen == blocked(404)
    assert (await site.get("/nope")).seen == blocked(404)
    assert (await site.send("POST", "/none", origin=B)).seen == readable(405, B)
    assert (await site.get("/here", A)).seen == of_policy(200)
    assert (await site.get("/here", B)).seen == blocked(200)
    assert (await send(site.app, "GET", "/elsewhere", origin=B)).seen == readable(404, B)


@on_layered
async def test_05_and_is_untouched_without_one(build: Build) -> None:
    site = build(serves("GET", "/here", POLICY))
    for origin in (A, E, None):
        assert (await site.get("/nope", origin)).seen == untouched(404)
        assert (await site.get("/here/", origin, follow_redirects=False)).status == 307


@pytest.mark.parametrize("outer_default", [None, CORSPolicy(origins=B)])
async def test_05_a_mounted_apps_own_default_goes_before_the_outer_ones(
    outer_default: CORSPolicy | None,
) -> None:
    inner = FastAPI()
    inner.get("/none")(says())
    inner.get("/ours")(cors(origins="*")(says()))
    install_cors(inner, default=CORSPolicy(origins=A))
    app = FastAPI()
    app.mount("/sub", inner)
    app.get("/outer")(says())
    install_cors(app, default=outer_default)
    for path, status in (("/sub/none", 200), ("/sub/nope", 404)):
        assert (await send(app, "GET", path, origin=A)).seen == readable(status, A)
        assert (await send(app, "GET", path, origin=B)).seen == blocked(status)
    assert (await send(app, "GET", "/sub/ours", origin=E)).seen == readable(200, "*")
    for path, status in (("/outer", 200), ("/nope", 404)):
        expected = untouched(status) if outer_default is None else readable(status, B)
        assert (await send(app, "GET", path, origin=B)).seen == expected


@pytest.mark.skipif(
    "max_body_size" not in inspect.signature(FastAPI).parameters,
    reason="this FastAPI has no max_body_size",
)
@on_fastapi
async def test_29_413_of_a_body_that_is_too_large(build: Build) -> None:
    site = build(serves("POST", "/upload", POLICY), max_body_size=10)
    assert (await site.send("POST", "/upload", origin=A, content=b"x" * 11)).seen == of_policy(413)
    assert (await site.send("POST", "/upload", origin=E, content=b"x" * 11)).seen == blocked(413)
    assert (await site.send("POST", "/upload", origin=A, content=b"x" * 10)).seen == of_policy(200)


@on_installed
async def test_29_400_of_a_host_that_is_not_trusted(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("GET", "/hosted", POLICY, calls=calls))
    site.app.add_middleware(TrustedHostMiddleware, allowed_hosts=["app.example"])
    assert (await site.get("/hosted", A, base="http://other.example")).seen == of_policy(400)
    assert (await site.get("/hosted", E, base="http://other.example")).seen == blocked(400)
    assert calls == []
    assert (await site.get("/hosted", A)).seen == of_policy(200)


class Limiter:
    """One request, and then no more."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.left = 1

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self.left < 1:
            await PlainTextResponse("slow down", 429, {"Retry-After": "5"})(scope, receive, send)
            return
        self.left -= 1
        await self.app(scope, receive, send)


@on_installed
async def test_29_429_of_a_limiter_which_preflights_do_not_reach(build: Build) -> None:
    site = build(serves("GET", "/limited", POLICY))
    site.app.add_middleware(Limiter)
    for _ in range(3):
        assert (await site.preflight("/limited")).seen == granted(A, *site.methods("GET"), credentials=True)
    assert (await site.get("/limited", A)).seen == of_policy(200)
    assert (await site.get("/limited", A)).seen == of_policy(429)
    assert (await site.get("/limited", E)).seen == blocked(429)
