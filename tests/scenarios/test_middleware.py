"""Scenarios 3, 30 and 31: other people's middleware keeps working, and preflights do not meet it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import Depends, FastAPI, HTTPException
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors

from .shapes import Build, on_fastapi_and_alone, on_installed, serves
from .support import (
    REFUSED,
    A,
    E,
    Reply,
    blocked,
    granted,
    preflight,
    raises,
    readable,
    says,
    send,
    untouched,
)

pytestmark = pytest.mark.anyio

POLICY = CORSPolicy(origins=A, allow_headers=["Authorization"])
NAMES = "accept, accept-language, authorization, content-language, content-type"


class Auth:
    """Lets nobody through without a token."""

    def __init__(self, app: ASGIApp, calls: list[str]) -> None:
        self.app = app
        self.calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.calls.append(f"auth {scope['method']}")
        if b"authorization" in dict(scope["headers"]):
            await self.app(scope, receive, send)
        else:
            await PlainTextResponse("who are you?", 401)(scope, receive, send)


@on_installed
@pytest.mark.parametrize("where", ["app", "inner"])
async def test_03_auth_middleware_that_is_added_last(build: Build, where: str) -> None:
    calls: list[str] = []
    site = build(serves("GET", "/x", POLICY, calls=calls))
    (site.app if where == "app" else site.inner).add_middleware(Auth, calls=calls)
    asked = await site.preflight("/x", asks="authorization")
    assert asked.seen == granted(A, *site.methods("GET"), names=NAMES)
    assert (await site.preflight("/x", origin=E)).seen == REFUSED
    assert calls == []
    assert (await site.get("/x", A)).seen == readable(401, A)
    assert (await site.get("/x", E)).seen == blocked(401)
    assert calls == ["auth GET", "auth GET"]
    assert (await site.get("/x", A, headers={"Authorization": "t"})).seen == readable(200, A)
    assert calls == ["auth GET", "auth GET", "auth GET", "served"]


def first_middleware(app: FastAPI, calls: list[str]) -> None:
    app.add_middleware(Auth, calls=calls)
    install_cors(app)


def first_cors(app: FastAPI, calls: list[str]) -> None:
    install_cors(app)
    app.add_middleware(Auth, calls=calls)


def layer_added_last(app: FastAPI, calls: list[str]) -> None:
    app.add_middleware(Auth, calls=calls)
    app.add_middleware(RouteCORSMiddleware)


def function_middleware(app: FastAPI, calls: list[str]) -> None:
    install_cors(app)

    @app.middleware("http")
    async def auth(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        calls.append(f"auth {request.method}")
        if "authorization" in request.headers:
            return await call_next(request)
        return PlainTextResponse("who are you?", 401)


def twice(app: FastAPI, calls: list[str]) -> None:
    first_cors(app, calls)
    install_cors(app)


def both_places(app: FastAPI, calls: list[str]) -> None:
    first_cors(app, calls)
    app.add_middleware(RouteCORSMiddleware)


@pytest.mark.parametrize(
    "arrange", [first_middleware, first_cors, layer_added_last, function_middleware, twice, both_places]
)
async def test_03_in_whatever_order(arrange: Callable[[FastAPI, list[str]], None]) -> None:
    calls: list[str] = []
    app = FastAPI()
    arrange(app, calls)
    app.get("/x")(cors(POLICY)(says(calls=calls, headers={"Vary": "Cookie"})))
    app.get("/none")(says())
    assert (await preflight(app, "/x", asks="authorization")).seen == granted(A, "GET", names=NAMES)
    assert (await preflight(app, "/x", origin=E)).seen == REFUSED
    assert calls == []
    assert (await preflight(app, "/none")).seen == untouched(401)
    assert (await send(app, "GET", "/x", origin=A)).seen == readable(401, A)
    token = {"Authorization": "t"}
    reply = await send(app, "GET", "/x", origin=A, headers=token)
    assert reply.seen == readable(200, A, vary="cookie, origin")
    assert calls == ["auth OPTIONS", "auth GET", "auth GET", "served"]


async def test_03_on_an_app_that_is_running_already() -> None:
    calls: list[str] = []
    app = FastAPI()
    app.add_middleware(Auth, calls=calls)
    app.get("/x")(cors(POLICY)(says()))
    assert (await send(app, "GET", "/x", origin=A)).seen == untouched(401)
    install_cors(app)
    assert (await send(app, "GET", "/x", origin=A)).seen == readable(401, A)
    assert (await preflight(app, "/x")).seen == granted(A, "GET", names=NAMES)
    assert calls == ["auth GET", "auth GET"]


@on_fastapi_and_alone
async def test_03_dependencies_of_the_whole_app(build: Build) -> None:
    calls: list[str] = []

    async def authenticate(request: Request) -> None:
        calls.append(f"auth {request.method}")
        raise HTTPException(401)

    site = build(serves("GET", "/x", POLICY, calls=calls), dependencies=[Depends(authenticate)])
    assert (await site.preflight("/x")).seen == granted(A, "GET", names=NAMES)
    assert (await site.preflight("/x", origin=E)).seen == REFUSED
    assert calls == []
    assert (await site.get("/x", A)).seen == readable(401, A)
    assert calls == ["auth GET"]


async def test_03_of_two_layers_on_one_app_the_innermost_default_decides() -> None:
    asked: list[str] = []

    def is_a(origin: str, connection: HTTPConnection) -> bool:
        asked.append(origin)
        return origin == A

    router = CORSRouter(prefix="/v1", cors=CORSPolicy(origins=is_a))
    router.get("/x")(says())
    app = FastAPI()
    app.include_router(router)
    app.post("/none")(says())
    install_cors(app, default=CORSPolicy(origins=E))
    app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins=A, enforce=True))
    assert (await send(app, "GET", "/v1/x", origin=A)).seen == readable(200, A)
    assert (await preflight(app, "/v1/x")).seen == granted(A, "GET")
    assert asked == [A, A]  # once each, with three that could
    assert (await send(app, "POST", "/none", origin=A)).seen == readable(200, A)
    assert (await preflight(app, "/none", "POST")).seen == granted(A, "POST")
    # `enforce` of the innermost as well: the endpoint does not run.
    assert (await send(app, "POST", "/none", origin=E)).seen == blocked(403)
    assert (await preflight(app, "/none", "POST", origin=E)).seen == REFUSED


async def test_03_and_one_without_a_default_leaves_it_to_the_other() -> None:
    app = FastAPI()
    app.post("/none")(says())
    app.get("/own")(cors(origins="*")(says()))
    install_cors(app)
    app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins=A))
    assert (await send(app, "POST", "/none", origin=A)).seen == readable(200, A)
    assert (await preflight(app, "/none", "POST")).seen == granted(A, "POST")
    assert (await send(app, "GET", "/own", origin=E)).seen == readable(200, "*")


# --- 30 -------------------------------------------------------------------------------------------


class Telemetry:
    """OpenTelemetry with an exporter that keeps the spans here."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider()
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def instrument(self, app: FastAPI) -> None:
        FastAPIInstrumentor.instrument_app(app, tracer_provider=self._provider)

    def take(self) -> list[tuple[str, int]]:
        """Method and status of each request that was traced since the last time."""
        spans = [span for span in self._exporter.get_finished_spans() if span.kind is SpanKind.SERVER]
        self._exporter.clear()
        return [(attribute(span, "method"), attribute(span, "status_code")) for span in spans]


def attribute(span: ReadableSpan, name: str) -> Any:
    """Its name depends on which of the semantic conventions is in force."""
    attributes = dict(span.attributes or {})
    new = {"method": "http.request.method", "status_code": "http.response.status_code"}[name]
    return attributes.get(f"http.{name}", attributes.get(new))


def instrumented_app(telemetry: Telemetry, order: str) -> FastAPI:
    inner = FastAPI()
    inner.get("/x")(cors(POLICY)(says()))
    app = FastAPI()
    app.get("/x")(cors(POLICY)(says()))
    app.get("/boom")(cors(POLICY)(raises(RuntimeError("boom"))))
    app.get("/none")(says())
    app.mount("/sub", inner)
    if order == "before":
        telemetry.instrument(app)
    install_cors(app)
    if order == "after":
        telemetry.instrument(app)
    return app


@pytest.mark.parametrize("order", ["before", "after"])
async def test_30_opentelemetry(order: str) -> None:
    telemetry = Telemetry()
    app = instrumented_app(telemetry, order)
    try:
        for path in ("/x", "/sub/x"):
            assert (await send(app, "GET", path, origin=A)).seen == readable(200, A)
            assert telemetry.take() == [("GET", 200)]
            assert (await preflight(app, path)).seen == granted(A, "GET", names=NAMES)
            assert telemetry.take() == [("OPTIONS", 204)]
            assert (await preflight(app, path, origin=E)).seen == REFUSED
            assert telemetry.take() == [("OPTIONS", 403)]
        assert (await send(app, "GET", "/boom", origin=A)).seen == readable(500, A)
        assert telemetry.take() == [("GET", 500)]
        assert (await send(app, "GET", "/nope", origin=A)).seen == untouched(404)
        assert telemetry.take() == [("GET", 404)]
        assert (await send(app, "POST", "/x", origin=A)).seen == readable(405, A)
        assert telemetry.take() == [("POST", 405)]
        assert (await send(app, "GET", "/none", origin=A)).seen == untouched(200)
        assert telemetry.take() == [("GET", 200)]
    finally:
        FastAPIInstrumentor.uninstrument_app(app)


async def test_30_the_headers_outlive_the_instrumentation() -> None:
    telemetry = Telemetry()
    app = instrumented_app(telemetry, "after")
    assert (await send(app, "GET", "/boom", origin=A)).seen == readable(500, A)
    FastAPIInstrumentor.uninstrument_app(app)
    telemetry.take()
    assert (await send(app, "GET", "/boom", origin=A)).seen == readable(500, A)
    assert (await preflight(app, "/x")).seen == granted(A, "GET", names=NAMES)
    assert telemetry.take() == []


# --- 31 -------------------------------------------------------------------------------------------

STARLETTES: dict[str, Any] = {
    "allow_origins": [E],
    "allow_methods": ["GET", "PUT"],
    "allow_headers": ["X-Sub"],
    "allow_credentials": True,
    "expose_headers": ["X-Sub"],
    "max_age": 7,
}


def fastapi_with_its_own() -> ASGIApp:
    app = FastAPI()
    app.put("/x")(says("sub", headers={"Vary": "Cookie"}))
    app.get("/boom")(raises(HTTPException(418)))
    app.add_middleware(CORSMiddleware, **STARLETTES)
    return app


def starlette_with_its_own() -> ASGIApp:
    routes = [
        Route("/x", says("sub", headers={"Vary": "Cookie"}), methods=["PUT"]),
        Route("/boom", raises(HTTPException(418))),
    ]
    return Starlette(routes=routes, middleware=[Middleware(CORSMiddleware, **STARLETTES)])


def opaque_with_its_own() -> ASGIApp:
    return CORSMiddleware(PlainTextResponse("sub", headers={"Vary": "Cookie"}), **STARLETTES)


def app_with(sub: ASGIApp, *, installed: bool, deep: bool) -> FastAPI:
    app = FastAPI()
    app.put("/x")(cors(POLICY)(says("ours")))
    app.mount("/sub", Starlette(routes=[Mount("/deep", app=sub)]) if deep else sub)
    if installed:
        install_cors(app)
    return app


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("make", [fastapi_with_its_own, starlette_with_its_own, opaque_with_its_own])
async def test_31_a_mounted_app_with_a_cors_middleware_of_its_own(
    make: Callable[[], ASGIApp], deep: bool
) -> None:
    async def answers(installed: bool) -> list[Reply]:
        app = app_with(make(), installed=installed, deep=deep)
        prefix = "/sub/deep" if deep else "/sub"
        replies: list[Reply] = []
        for origin in (E, A, None):
            for path in ("/x", "/boom", "/nope"):
                for method in ("PUT", "GET", "DELETE"):
                    replies.append(await send(app, method, prefix + path, origin=origin))
                    if origin is not None:
                        replies.append(await preflight(app, prefix + path, method, origin, asks="x-sub"))
        return replies

    with_ours, without = await answers(installed=True), await answers(installed=False)
    assert with_ours == without
    # And it is at work: what was compared is not nothing.
    assert sum(reply.values("access-control-allow-origin") == [E] for reply in without) >= 9
    assert without[1].status == 200
    assert without[1].values("access-control-max-age") == ["7"]
    app = app_with(make(), installed=True, deep=deep)
    assert (await send(app, "PUT", "/x", origin=A)).seen == readable(200, A)
