"""dishka: `inject` puts another function in the endpoint's place; `DishkaRoute` does it in the route class.

The new function has the name of the old one and none of its attributes, but for one that holds it.
"""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from kept_policies import (
    ENFORCED,
    FOR_A,
    Arranged,
    Calls,
    assert_holds,
    assert_nothing_is_lost,
    everywhere,
    start,
)

from route_cors import cors, no_cors

pytest.importorskip("dishka", reason="dishka is not installed")

from dishka import Provider, Scope, make_async_container
from dishka.integrations.fastapi import DishkaRoute, FromDishka, inject, setup_dishka


class Repository:
    name = "repository"


def with_container(app: FastAPI) -> FastAPI:
    provider = Provider()
    provider.provide(Repository, scope=Scope.APP)
    setup_dishka(make_async_container(provider), app)
    return app


def declared_under_inject(router: APIRouter, calls: Calls) -> None:
    @router.get("/policy")
    @inject
    @cors(FOR_A)
    async def policy(repository: FromDishka[Repository]) -> str:
        calls.ran.append("policy")
        return repository.name

    @router.get("/closed")
    @inject
    @no_cors
    async def closed(repository: FromDishka[Repository]) -> str:
        return repository.name

    @router.post("/enforced")
    @inject
    @cors(ENFORCED)
    async def enforced(repository: FromDishka[Repository]) -> str:
        calls.ran.append("enforced")
        return repository.name

    @router.websocket("/ws")
    @inject
    @cors(FOR_A)
    async def ws(websocket: WebSocket, repository: FromDishka[Repository]) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @router.websocket("/ws-closed")
    @inject
    @no_cors
    async def ws_closed(websocket: WebSocket, repository: FromDishka[Repository]) -> None:
        await websocket.accept()


def declared_over_inject(router: APIRouter, calls: Calls) -> None:
    @router.get("/policy")
    @cors(FOR_A)
    @inject
    async def policy(repository: FromDishka[Repository]) -> str:
        calls.ran.append("policy")
        return repository.name

    @no_cors
    @router.get("/closed")
    @inject
    async def closed(repository: FromDishka[Repository]) -> str:
        return repository.name

    @cors(ENFORCED)
    @router.post("/enforced")
    @inject
    async def enforced(repository: FromDishka[Repository]) -> str:
        calls.ran.append("enforced")
        return repository.name

    @router.websocket("/ws")
    @cors(FOR_A)
    @inject
    async def ws(websocket: WebSocket, repository: FromDishka[Repository]) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @no_cors
    @router.websocket("/ws-closed")
    @inject
    async def ws_closed(websocket: WebSocket, repository: FromDishka[Repository]) -> None:
        await websocket.accept()


@everywhere
@pytest.mark.parametrize("declare", [declared_under_inject, declared_over_inject])
def test_inject(
    arranged: Arranged,
    declare: Callable[[APIRouter, Calls], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = Calls()
    app = with_container(arranged.app(lambda router: declare(router, calls)))
    start(app)
    assert_holds(app, calls)
    assert_nothing_is_lost(caplog)


def declared_for_the_route_class(router: APIRouter, calls: Calls) -> None:
    @router.get("/policy")
    @cors(FOR_A)
    async def policy(repository: FromDishka[Repository]) -> str:
        calls.ran.append("policy")
        return repository.name

    @router.get("/closed")
    @no_cors
    async def closed(repository: FromDishka[Repository]) -> str:
        return repository.name

    @router.post("/enforced")
    @cors(ENFORCED)
    async def enforced(repository: FromDishka[Repository]) -> str:
        calls.ran.append("enforced")
        return repository.name

    _declare_websockets(router, calls)


def declared_above_the_route_decorator(router: APIRouter, calls: Calls) -> None:
    @cors(FOR_A)
    @router.get("/policy")
    async def policy(repository: FromDishka[Repository]) -> str:
        calls.ran.append("policy")
        return repository.name

    @no_cors
    @router.get("/closed")
    async def closed(repository: FromDishka[Repository]) -> str:
        return repository.name

    @cors(ENFORCED)
    @router.post("/enforced")
    async def enforced(repository: FromDishka[Repository]) -> str:
        calls.ran.append("enforced")
        return repository.name

    _declare_websockets(router, calls)


def _declare_websockets(router: APIRouter, calls: Calls) -> None:
    """No route class is asked for these."""

    @router.websocket("/ws")
    @cors(FOR_A)
    async def ws(websocket: WebSocket) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @router.websocket("/ws-closed")
    @no_cors
    async def ws_closed(websocket: WebSocket) -> None:
        await websocket.accept()


@everywhere
@pytest.mark.parametrize("declare", [declared_for_the_route_class, declared_above_the_route_decorator])
def test_the_route_class(
    arranged: Arranged,
    declare: Callable[[APIRouter, Calls], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = Calls()
    app = with_container(arranged.app(lambda router: declare(router, calls), route_class=DishkaRoute))
    start(app)
    assert_holds(app, calls)
    assert_nothing_is_lost(caplog)


@everywhere
def test_what_is_injected_nothing_stays_the_same_function(arranged: Arranged) -> None:
    calls = Calls()

    def declare(router: APIRouter) -> None:
        @inject
        @cors(FOR_A)
        async def policy() -> str:
            calls.ran.append("policy")
            return "policy"

        @inject
        @no_cors
        def closed(repository: FromDishka[Repository]) -> str:
            return repository.name

        plain: Any = {"/policy": policy, "/closed": closed}
        for path, endpoint in plain.items():
            router.get(path)(endpoint)
        _declare_websockets(router, calls)

        @router.post("/enforced")
        @inject
        @cors(ENFORCED)
        def enforced(repository: FromDishka[Repository]) -> str:
            calls.ran.append("enforced")
            return repository.name

    app = with_container(arranged.app(declare))
    assert_holds(app, calls)
