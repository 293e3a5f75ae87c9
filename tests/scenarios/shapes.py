"""The ways in which an app can be put together: each scenario holds in every one that it is run on."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from route_cors import CORSRoute, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors
from route_cors.decorators import Declared, NoCORS
from route_cors.testing import AsyncBrowser

from .support import HOST, A, Endpoint, Reply, preflight, says, send


class Routed(NamedTuple):
    """One route to be registered. `methods` are separated by spaces."""

    methods: str
    path: str
    endpoint: Endpoint
    declared: Declared | None = None


def serves(
    methods: str,
    path: str,
    declared: Declared | None = None,
    *,
    text: str = "served",
    calls: list[str] | None = None,
) -> Routed:
    """A route with an endpoint of its own."""
    return Routed(methods, path, says(text, calls=calls), declared)


@dataclass(frozen=True)
class Site:
    """An app, and where the routes are to be found in it. `inner` is the app on which they stand."""

    app: Starlette
    inner: Starlette
    prefix: str
    adds_head: bool = False

    async def send(self, method: str, path: str, **more: Any) -> Reply:
        return await send(self.app, method, self.prefix + path, **more)

    async def get(self, path: str, origin: str | None = None, **more: Any) -> Reply:
        return await self.send("GET", path, origin=origin, **more)

    async def preflight(
        self, path: str, method: str = "GET", origin: str = A, *, asks: str | None = None
    ) -> Reply:
        return await preflight(self.app, self.prefix + path, method, origin, asks=asks)

    def page(self, origin: str, **options: Any) -> AsyncBrowser:
        """A page of this origin; its relative URLs start where the routes are."""
        return AsyncBrowser(self.app, origin=origin, base_url=f"https://{HOST}{self.prefix}/", **options)

    def methods(self, *registered: str) -> tuple[str, ...]:
        """What the router makes of these: Starlette serves HEAD wherever it serves GET, FastAPI does not."""
        return (*registered, "HEAD") if self.adds_head and "GET" in registered else registered


class Build(Protocol):
    """Puts an app together. `default` is the layer's, `debug` and `exception_handlers` the app's."""

    def __call__(self, *routes: Routed, **options: Any) -> Site: ...


def decorated(routed: Routed) -> Endpoint:
    if routed.declared is None:
        return routed.endpoint
    if isinstance(routed.declared, NoCORS):
        return no_cors(routed.endpoint)
    return cors(routed.declared)(routed.endpoint)


def declare(target: FastAPI | APIRouter, routes: Iterable[Routed]) -> None:
    """As users do: `@app.get(...)` above `@cors(...)`."""
    for routed in routes:
        target.api_route(routed.path, methods=routed.methods.split())(decorated(routed))


def as_routes(routes: Iterable[Routed]) -> list[Route]:
    return [
        Route(routed.path, decorated(routed), methods=routed.methods.split(), name=f"route{number}")
        for number, routed in enumerate(routes)
    ]


# --- with install_cors ----------------------------------------------------------------------------


def direct(*routes: Routed, default: Any = None, **options: Any) -> Site:
    app = FastAPI(**options)
    declare(app, routes)
    install_cors(app, default=default)
    return Site(app, app, "")


def included(*routes: Routed, default: Any = None, **options: Any) -> Site:
    """A CORSRouter in an APIRouter; the layer comes first, the routes last."""
    app = FastAPI(**options)
    install_cors(app, default=default)
    _include_cors_router(app, routes)
    return Site(app, app, "/api/v1")


def nested(*routes: Routed, default: Any = None, **options: Any) -> Site:
    """An APIRouter in a CORSRouter without a policy, in an APIRouter, two prefixes."""
    app = FastAPI(**options)
    inner = APIRouter(prefix="/v1")
    declare(inner, routes)
    middle = CORSRouter()
    middle.include_router(inner)
    outer = APIRouter(prefix="/api")
    outer.include_router(middle)
    app.include_router(outer)
    install_cors(app, default=default)
    return Site(app, app, "/api/v1")


def inherited(*routes: Routed, default: Any = None, **options: Any) -> Site:
    """Each policy on a CORSRouter that includes the plain router of the route."""
    app = FastAPI(**options)
    _include_inheriting(app, routes, APIRouter)
    install_cors(app, default=default)
    return Site(app, app, "/api/v1")


def mounted(*routes: Routed, default: Any = None, **options: Any) -> Site:
    inner = FastAPI(**options)
    declare(inner, routes)
    app = FastAPI(**options)
    app.mount("/sub", inner)
    install_cors(app, default=default)
    return Site(app, inner, "/sub")


def mounted_included(*routes: Routed, default: Any = None, **options: Any) -> Site:
    inner = FastAPI(**options)
    _include_cors_router(inner, routes)
    app = FastAPI(**options)
    install_cors(app, default=default)
    app.mount("/sub", inner)
    return Site(app, inner, "/sub/api/v1")


def starlette(*routes: Routed, default: Any = None, **options: Any) -> Site:
    app = Starlette(routes=as_routes(routes), **options)
    install_cors(app, default=default)
    return Site(app, app, "", adds_head=True)


def starlette_mount(*routes: Routed, default: Any = None, **options: Any) -> Site:
    app = Starlette(routes=[Mount("/sub", routes=as_routes(routes))], **options)
    install_cors(app, default=default)
    return Site(app, app, "/sub", adds_head=True)


def starlette_mounted(*routes: Routed, default: Any = None, **options: Any) -> Site:
    inner = Starlette(routes=as_routes(routes), **options)
    app = Starlette(routes=[Mount("/sub", app=inner)], **options)
    install_cors(app, default=default)
    return Site(app, inner, "/sub", adds_head=True)


# --- with the layer in the ordinary place ---------------------------------------------------------


def middleware(*routes: Routed, default: Any = None, **options: Any) -> Site:
    app = FastAPI(**options)
    _include_cors_router(app, routes)
    app.add_middleware(RouteCORSMiddleware, default=default)
    return Site(app, app, "/api/v1")


# --- with nothing installed -----------------------------------------------------------------------


def alone(*routes: Routed, **options: Any) -> Site:
    app = FastAPI(**options)
    _include_cors_router(app, routes)
    return Site(app, app, "/api/v1")


def alone_inherited(*routes: Routed, **options: Any) -> Site:
    """Each policy on a CORSRouter that includes the CORSRouter of the route."""
    app = FastAPI(**options)
    _include_inheriting(app, routes, CORSRouter)
    return Site(app, app, "/api/v1")


def alone_mounted(*routes: Routed, **options: Any) -> Site:
    inner = FastAPI(**options)
    _include_cors_router(inner, routes)
    app = FastAPI(**options)
    app.mount("/sub", inner)
    return Site(app, inner, "/sub/api/v1")


def alone_route_class(*routes: Routed, **options: Any) -> Site:
    app = FastAPI(**options)
    inner = APIRouter(prefix="/v1", route_class=CORSRoute)
    declare(inner, routes)
    outer = APIRouter(prefix="/api")
    outer.include_router(inner)
    app.include_router(outer)
    return Site(app, app, "/api/v1")


def _include_cors_router(app: FastAPI, routes: Iterable[Routed]) -> None:
    inner = CORSRouter(prefix="/v1")
    declare(inner, routes)
    outer = APIRouter(prefix="/api")
    outer.include_router(inner)
    app.include_router(outer)


def _include_inheriting(app: FastAPI, routes: Iterable[Routed], inner_class: type[APIRouter]) -> None:
    outer = APIRouter(prefix="/api")
    for routed in routes:
        inner = inner_class()
        declare(inner, [routed._replace(declared=None)])
        owner = CORSRouter(prefix="/v1", cors=routed.declared)
        owner.include_router(inner)
        outer.include_router(owner)
    app.include_router(outer)


# --- parameters -----------------------------------------------------------------------------------

FASTAPI: tuple[Build, ...] = (direct, included, nested, inherited, mounted, mounted_included)
STARLETTE: tuple[Build, ...] = (starlette, starlette_mount, starlette_mounted)
ALONE: tuple[Build, ...] = (alone, alone_inherited, alone_mounted, alone_route_class)


def _on(*builds: Build) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("build", builds, ids=[build.__name__ for build in builds])  # type: ignore[attr-defined]


on_fastapi = _on(*FASTAPI)
on_fastapi_and_alone = _on(*FASTAPI, middleware, *ALONE)
on_installed = _on(*FASTAPI, *STARLETTE)
on_layered = _on(*FASTAPI, *STARLETTE, middleware)
everywhere = _on(*FASTAPI, *STARLETTE, middleware, *ALONE)
