"""fastapi-versionizer: it takes the routes of an app and registers their attributes on routers of its own.

The endpoints stay what they are. The route class of a CORSRouter, which carries the policy of that, is not
among what it looks at.
"""

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
    on_layered,
    start,
)
from named_endpoints import KEEPS_A_TREE

from route_cors import CORSRouter, cors, no_cors

pytest.importorskip("fastapi_versionizer", reason="fastapi-versionizer is not installed")

from fastapi_versionizer import Versionizer

# From FastAPI 0.137 on it fails with an AttributeError at the first router that was included.
included = pytest.mark.skipif(KEEPS_A_TREE, reason="fastapi-versionizer knows no included routers there")


def versioned(app: FastAPI) -> FastAPI:
    Versionizer(app, prefix_format="/v{major}").versionize()
    return app


def declare(target: APIRouter | FastAPI, calls: Calls) -> None:
    @target.get("/policy")
    @cors(FOR_A)
    async def policy() -> str:
        calls.ran.append("policy")
        return "policy"

    @no_cors
    @target.get("/closed")
    async def closed() -> str:
        return "closed"

    @target.post("/enforced")
    @cors(ENFORCED)
    async def enforced() -> str:
        calls.ran.append("enforced")
        return "enforced"

    @target.websocket("/ws")
    @cors(FOR_A)
    async def ws(websocket: WebSocket) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @no_cors
    @target.websocket("/ws-closed")
    async def ws_closed(websocket: WebSocket) -> None:
        await websocket.accept()


@on_layered
def test_routes_of_the_app_itself(arranged: Arranged, caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    app = FastAPI()
    declare(app, calls)
    arranged.install(versioned(app))
    start(app)
    assert_holds(app, calls, "/v1")
    assert_nothing_is_lost(caplog)


@included
@on_layered
def test_routes_of_routers(arranged: Arranged, caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    app = versioned(arranged.app(lambda router: declare(router, calls)))
    start(app)
    assert_holds(app, calls, "/v1/api")
    assert_nothing_is_lost(caplog)


@included
@on_layered
def test_the_policies_of_routers(arranged: Arranged, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever router the arrangement has: these are CORSRouters, each with a policy."""
    calls = Calls()

    async def policy() -> str:
        calls.ran.append("policy")
        return "policy"

    async def closed() -> str:
        return "closed"

    async def enforced() -> str:
        calls.ran.append("enforced")
        return "enforced"

    async def ws(websocket: WebSocket) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    async def ws_closed(websocket: WebSocket) -> None:
        await websocket.accept()

    def routers(including: APIRouter) -> None:
        for_a, for_none, enforcing = (CORSRouter(cors=it) for it in (FOR_A, no_cors, ENFORCED))
        for_a.get("/policy")(policy)
        for_a.websocket("/ws")(ws)
        for_none.get("/closed")(closed)
        for_none.websocket("/ws-closed")(ws_closed)
        enforcing.post("/enforced")(enforced)
        every: Any = (for_a, for_none, enforcing)
        for router in every:
            including.include_router(router)

    app = versioned(arranged.app(routers))
    start(app)
    assert_holds(app, calls, "/v1/api")
    assert_nothing_is_lost(caplog)
