"""dependency-injector: its `inject` wraps as functools.wraps does, and so takes the policy along."""

import sys
from typing import Any

import pytest
from fastapi import APIRouter, Depends, WebSocket
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

pytest.importorskip("dependency_injector", reason="dependency-injector is not installed")

from dependency_injector import containers, providers
from dependency_injector.wiring import Provide, inject


class Container(containers.DeclarativeContainer):
    name = providers.Object("repository")


NAME: Any = Depends(Provide[Container.name])


def declared_under(router: APIRouter, calls: Calls) -> None:
    @router.get("/policy")
    @inject
    @cors(FOR_A)
    async def policy(name: str = NAME) -> str:
        calls.ran.append("policy")
        return name

    @router.get("/closed")
    @inject
    @no_cors
    def closed(name: str = NAME) -> str:
        return name

    @router.post("/enforced")
    @inject
    @cors(ENFORCED)
    async def enforced(name: str = NAME) -> str:
        calls.ran.append("enforced")
        return name

    @router.websocket("/ws")
    @inject
    @cors(FOR_A)
    async def ws(websocket: WebSocket, name: str = NAME) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @router.websocket("/ws-closed")
    @inject
    @no_cors
    async def ws_closed(websocket: WebSocket, name: str = NAME) -> None:
        await websocket.accept()


def declared_over(router: APIRouter, calls: Calls) -> None:
    @cors(FOR_A)
    @router.get("/policy")
    @inject
    async def policy(name: str = NAME) -> str:
        calls.ran.append("policy")
        return name

    @router.get("/closed")
    @no_cors
    @inject
    def closed(name: str = NAME) -> str:
        return name

    @router.post("/enforced")
    @cors(ENFORCED)
    @inject
    async def enforced(name: str = NAME) -> str:
        calls.ran.append("enforced")
        return name

    @router.websocket("/ws")
    @cors(FOR_A)
    @inject
    async def ws(websocket: WebSocket, name: str = NAME) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @no_cors
    @router.websocket("/ws-closed")
    @inject
    async def ws_closed(websocket: WebSocket, name: str = NAME) -> None:
        await websocket.accept()


@everywhere
@pytest.mark.parametrize("declare", [declared_under, declared_over])
def test_inject(arranged: Arranged, declare: Any, caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    app = arranged.app(lambda router: declare(router, calls))
    container = Container()
    container.wire(modules=[sys.modules[__name__]])
    try:
        start(app)
        assert_holds(app, calls)
        assert_nothing_is_lost(caplog)
    finally:
        container.unwire()
