"""For the type checkers alone: what the public names promise them. Nothing here is run.

Each line with ignores must be an error to mypy and to pyright: both report an ignore that is not needed.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Literal, assert_type

from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from route_cors import (
    CORSConfigError,
    CORSPolicy,
    CORSRoute,
    CORSRouter,
    Decision,
    RouteCORSMiddleware,
    cors,
    inspector,
    install_cors,
    no_cors,
    policy_of,
    report,
)
from route_cors.decorators import NoCORS
from route_cors.insight import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastapi.routing import APIRoute
    from starlette.types import Receive, Scope, Send

# --- CORSPolicy ---------------------------------------------------------------------------------


def sync_callable(origin: str, connection: HTTPConnection) -> bool:
    return origin.endswith(".example") and connection.url.scheme == "https"


async def async_callable(origin: str, connection: HTTPConnection) -> bool:
    return sync_callable(origin, connection)


def wrong_callable(origin: str) -> bool:
    return bool(origin)


policy = CORSPolicy(
    origins=["https://app.example.com", "https://*.example.com", re.compile(r"https://pr-\d+\.example\.com")],
    methods=["GET", "PUT"],
    allow_headers={"X-Token"},
    expose_headers=("X-Total-Count",),
    allow_credentials=True,
    max_age=None,
    enforce=True,
    dangerously_allow_insecure_origins=False,
    dangerously_allow_public_suffixes=False,
)
assert_type(policy, CORSPolicy)
assert_type(policy.evolve(), CORSPolicy)
assert_type(policy.evolve(max_age=60, origins="*"), CORSPolicy)
assert_type(policy.allow_credentials, bool)
assert_type(hash(policy), int)
CORSPolicy(origins="*")
CORSPolicy(origins=re.compile(r"https://.+\.example\.com"))
CORSPolicy(origins=sync_callable)
CORSPolicy(origins=async_callable)
CORSPolicy(origins=[sync_callable, async_callable, "https://app.example.com"])
CORSPolicy(origins=(origin for origin in ("https://app.example.com",)))

CORSPolicy()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
CORSPolicy("*")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
CORSPolicy(origins=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
CORSPolicy(origins=wrong_callable)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
CORSPolicy(origins="*", max_age="600")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
CORSPolicy(origins="*", allow_origins=["*"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
CORSPolicy(origins="*", allow_private_network=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
policy.evolve(maxage=60)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# --- cors and no_cors keep the type of what they decorate ---------------------------------------


@cors(origins=["https://app.example.com"], allow_credentials=True)
def sync_endpoint(item_id: int, *, verbose: bool = False) -> list[str]:
    return [str(item_id), str(verbose)]


@cors(policy)
async def async_endpoint(item_id: int) -> dict[str, int]:
    return {"id": item_id}


@no_cors
async def closed_endpoint(request: Request) -> Response:
    return PlainTextResponse(str(request.url))


assert_type(sync_endpoint(1, verbose=True), list[str])
sync_endpoint("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
sync_endpoint(1, True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


async def awaits() -> None:
    assert_type(await async_endpoint(1), dict[str, int])
    assert_type(await closed_endpoint(Request({})), Response)
    assert_type(await Service().closed_method(), bytes)
    assert_type(await quotes(3), list[str])


class Service:
    @cors(origins="*")
    def method(self, item_id: int) -> str:
        return str(item_id)

    @no_cors
    async def closed_method(self) -> bytes:
        return b""

    @classmethod
    @cors(origins="*")
    def of_the_class(cls) -> int:
        return 1


service = Service()
assert_type(service.method(1), str)
assert_type(cors(origins="*")(service.method)(1), str)
assert_type(Service.of_the_class(), int)


@cors(origins="*")
class Endpoint(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse(str(request.url))


@no_cors
class ClosedEndpoint(HTTPEndpoint):
    pass


endpoint_class: type[Endpoint] = Endpoint
assert_type(Endpoint({"type": "http"}, receive=None, send=None), Endpoint)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
closed_endpoint_class: type[HTTPEndpoint] = ClosedEndpoint


@cors(origins="*")
async def asgi_app(scope: Scope, receive: Receive, send: Send) -> None:
    raise NotImplementedError


app = FastAPI()
app.mount("/asgi", asgi_app)
static = cors(origins="*")(StaticFiles(directory="static"))
assert_type(static, StaticFiles)
app.mount("/static", static)
app.mount("/closed", no_cors(Starlette()))
assert_type(no_cors(Starlette()), Starlette)
assert_type(cors(origins="*")(functools.partial(sync_endpoint, 1)), functools.partial[list[str]])

cors()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
cors("*")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
cors(policy, max_age=60)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
cors(origins="*", origin="*")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
cors(origins="*")(1)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
no_cors(1)  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
no_cors()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# --- policy_of ----------------------------------------------------------------------------------

assert_type(policy_of(sync_endpoint), CORSPolicy | NoCORS | None)
assert_type(no_cors, NoCORS)
found = policy_of(closed_endpoint)
if isinstance(found, CORSPolicy):
    assert_type(found.evolve(enforce=True), CORSPolicy)
elif found is not None:
    assert_type(found, NoCORS)

# --- CORSRouter and CORSRoute -------------------------------------------------------------------

router = CORSRouter(prefix="/public", tags=["public"], cors=policy)
CORSRouter()
CORSRouter(cors=None)
CORSRouter(prefx="/public")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
CORSRouter(prefix=1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
CORSRouter("/public")  # type: ignore[call-arg, arg-type]  # pyright: ignore[reportCallIssue]
CORSRouter(route_class=CORSRoute, redirect_slashes=False, include_in_schema=False, deprecated=True)
CORSRouter(cors="*")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
api_router: APIRouter = router
api_route: type[APIRoute] = CORSRoute


@router.get("/quotes")
async def quotes(limit: int = 10) -> list[str]:
    return ["…"] * limit


app.include_router(router)

# --- install_cors and RouteCORSMiddleware -------------------------------------------------------

install_cors(app)
install_cors(Starlette(), default=policy, debug=True)
install_cors(app, policy)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
install_cors(app, default=no_cors)
install_cors(app, default="*")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
install_cors(asgi_app)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
install_cors(app, openapi=True)
install_cors(app, dry_run=True)
install_cors(app, dry_run="yes")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
app.add_middleware(RouteCORSMiddleware)
app.add_middleware(RouteCORSMiddleware, default=policy)
app.add_middleware(RouteCORSMiddleware, default="*")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
Starlette(middleware=[])


def on_decision(decision: Decision) -> None:
    assert_type(decision.kind, Literal["preflight", "actual", "websocket"])
    assert_type(decision.route, str | None)
    assert_type(decision.failed, tuple[Literal["origin", "method", "headers", "site", "credentials"], ...])


async def on_decision_later(decision: Decision) -> None: ...


install_cors(app, on_decision=on_decision)
install_cors(app, on_decision=print)
install_cors(app, on_decision=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
app.add_middleware(RouteCORSMiddleware, on_decision=on_decision)

# --- report and inspector -----------------------------------------------------------------------

reported = report(app)
assert_type(reported, Report)
assert_type(reported.routes[0].policy, CORSPolicy | NoCORS | None)
assert_type(reported.findings[0].severity, Literal["error", "warning", "info"])
app.mount("/cors", inspector(app, allow=lambda request: request.client is not None))

# --- CORSConfigError ----------------------------------------------------------------------------

value_error: type[ValueError] = CORSConfigError
try:
    CORSPolicy(origins="http://localhost:3000/")
except CORSConfigError as error:
    for problem in error.problems:
        assert_type(problem.field, str)
        assert_type(problem.reason, str)

# --- An annotation that users write -------------------------------------------------------------

decorate: Callable[[Callable[[], int]], Callable[[], int]] = cors(origins="*")
