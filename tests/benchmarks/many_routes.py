"""FastAPI apps of many routes under one policy: `/api/r<i>/{number}`, each for PUT."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter, FastAPI, Response

from apps import POLICY, PREFLIGHT_ANSWER
from route_cors import cors
from scopes import NUMBER

__all__ = ["included", "including", "path_of", "router_of", "with_options_handler"]


def path_of(route: int) -> str:
    """The path of a route; equally long for all of them."""
    return f"/api/r{route:05}/{NUMBER}"


@cache
def router_of(first: int, count: int) -> APIRouter:
    """A router of that many routes, numbered from the first."""
    router = APIRouter()
    for route in range(first, first + count):
        router.put(path_of(route))(_endpoint)
    return router


def included(count: int) -> FastAPI:
    """An app that includes one router of that many routes."""
    return including(router_of(0, count))


def including(*routers: APIRouter) -> FastAPI:
    """An app that includes these routers."""
    app = FastAPI()
    for router in routers:
        app.include_router(router)
    return app


def with_options_handler(app: FastAPI, path: str) -> FastAPI:
    """What people write who have no middleware: a route of their own for the preflight."""

    @app.options(path)
    async def answer(number: int) -> Response:
        return Response(status_code=204, headers=PREFLIGHT_ANSWER)

    return app


@cors(POLICY)
async def _endpoint(number: int) -> None: ...
