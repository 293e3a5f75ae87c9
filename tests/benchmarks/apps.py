"""The apps and layers that are compared: one policy, said to each library in its own words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI
from starlette.middleware.cors import CORSMiddleware

from route_cors import CORSPolicy, RouteCORSMiddleware, cors, install_cors
from scopes import NUMBER, ORIGIN

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = [
    "PATH",
    "POLICY",
    "PREFLIGHT_ANSWER",
    "SILENT_PATH",
    "bare",
    "cors_middleware",
    "dry_run",
    "floor",
    "installed",
    "layer",
    "shop",
    "with_cors_middleware",
    "with_install_cors",
]

PATH = f"/api/orders/{NUMBER}"
# The same shape; no policy stands there.
SILENT_PATH = f"/api/parts/{NUMBER}"

POLICY = CORSPolicy(origins=[ORIGIN.decode()], allow_headers=["X-Token"], allow_credentials=True)
# What CORSMiddleware has to be told for the same.
_EQUIVALENT: dict[str, Any] = {
    "allow_origins": [ORIGIN.decode()],
    "allow_methods": ["GET", "PUT"],
    "allow_headers": ["X-Token"],
    "allow_credentials": True,
}

# What grants such a preflight.
PREFLIGHT_ANSWER = {
    "access-control-allow-origin": ORIGIN.decode(),
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, PUT",
    "access-control-allow-headers": "Content-Type, X-Token",
    "access-control-max-age": "600",
    "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
}
_START: Message = {
    "type": "http.response.start",
    "status": 204,
    "headers": [(name.encode(), value.encode()) for name, value in PREFLIGHT_ANSWER.items()],
}
_BODY: Message = {"type": "http.response.body", "body": b""}


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """The inner app: no framework, so that what a layer adds is not lost in what a framework takes."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"11")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"id":4711}'})


async def floor(scope: Scope, receive: Receive, send: Send) -> None:
    """The limit: a preflight's answer that was computed beforehand, sent to whoever asks."""
    await send(_START)
    await send(_BODY)


def cors_middleware(app: ASGIApp) -> ASGIApp:
    """Starlette's own, with the equivalent policy."""
    return CORSMiddleware(app, **_EQUIVALENT)


def with_cors_middleware(app: FastAPI) -> FastAPI:
    """The same where users put it."""
    app.add_middleware(CORSMiddleware, **_EQUIVALENT)
    return app


def shop() -> FastAPI:
    """An app of ten routes of one shape in an included router, one of which has no policy."""
    app = FastAPI()
    router = APIRouter(prefix="/api")
    for name in ("customers", "invoices", "offers", "orders"):

        @router.get(f"/{name}/{{number}}")
        @cors(POLICY)
        async def read(number: int) -> dict[str, int]:
            return {"number": number}

        @router.put(f"/{name}/{{number}}")
        @cors(POLICY)
        async def write(number: int) -> None: ...

    @router.get("/parts/{number}")
    async def read_part(number: int) -> None: ...

    @router.put("/parts/{number}")
    async def write_part(number: int) -> None: ...

    app.include_router(router)
    return app


def layer(app: ASGIApp, *, enforce: bool = False) -> ASGIApp:
    """The layer as any middleware is: directly around an app."""
    return RouteCORSMiddleware(app, enforce=enforce)


def with_install_cors(app: FastAPI) -> FastAPI:
    """The layer where users put it."""
    install_cors(app)
    return app


def installed(app: FastAPI, inner: ASGIApp, *, enforce: bool = False) -> Any:
    """The layer as `install_cors` puts it around the stack of an app; here that stack is the inner app."""
    app.middleware_stack = inner
    install_cors(app, enforce=enforce)
    return app.middleware_stack


def dry_run(app: FastAPI, inner: ASGIApp) -> Any:
    """As `installed`, with nothing but a dry run."""
    app.middleware_stack = inner
    install_cors(app, dry_run=True)
    return app.middleware_stack
