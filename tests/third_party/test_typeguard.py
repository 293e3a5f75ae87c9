"""typeguard: `typechecked` compiles a function anew, checks and all, and drops the original.

What is left of that is its name, its file and its line, which a loop or a factory gives to several functions;
and its annotations, which are its own.
"""

from typing import TYPE_CHECKING, Any

import pytest
from fastapi import APIRouter, WebSocket
from kept_policies import (
    ENFORCED,
    FOR_A,
    READABLE,
    A,
    Arranged,
    Calls,
    assert_holds,
    assert_nothing_is_lost,
    assert_shut,
    everywhere,
    seen,
    start,
)

from route_cors import cors, no_cors

pytest.importorskip("typeguard", reason="typeguard is not installed")

from typeguard import typechecked

if TYPE_CHECKING:
    from collections.abc import Callable


@everywhere
def test_a_policy_below_it(arranged: Arranged, caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()

    def declare(router: APIRouter) -> None:
        @router.get("/policy")
        @typechecked
        @cors(FOR_A)
        @calls.declared
        async def policy() -> str:
            calls.ran.append("policy")
            return "policy"

        @router.get("/closed")
        @typechecked
        @no_cors
        @calls.declared
        async def closed() -> str:
            return "closed"

        @router.post("/enforced")
        @typechecked
        @cors(ENFORCED)
        @calls.declared
        def enforced() -> str:
            calls.ran.append("enforced")
            return "enforced"

        @router.websocket("/ws")
        @typechecked
        @cors(FOR_A)
        @calls.declared
        async def ws(websocket: WebSocket) -> None:
            calls.ran.append("ws")
            await websocket.accept()

        @router.websocket("/ws-closed")
        @typechecked
        @no_cors
        @calls.declared
        async def ws_closed(websocket: WebSocket) -> None:
            await websocket.accept()

    app = arranged.app(declare)
    start(app)
    assert_holds(app, calls)
    assert_nothing_is_lost(caplog)


@everywhere
def test_a_policy_above_it(arranged: Arranged, caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()

    def declare(router: APIRouter) -> None:
        @router.get("/policy")
        @cors(FOR_A)
        @typechecked
        async def policy() -> str:
            calls.ran.append("policy")
            return "policy"

        @no_cors
        @router.get("/closed")
        @typechecked
        async def closed() -> str:
            return "closed"

        @router.post("/enforced")
        @cors(ENFORCED)
        @typechecked
        def enforced() -> str:
            calls.ran.append("enforced")
            return "enforced"

        @cors(FOR_A)
        @router.websocket("/ws")
        @typechecked
        async def ws(websocket: WebSocket) -> None:
            calls.ran.append("ws")
            await websocket.accept()

        @router.websocket("/ws-closed")
        @no_cors
        @typechecked
        async def ws_closed(websocket: WebSocket) -> None:
            await websocket.accept()

    app = arranged.app(declare)
    start(app)
    assert_holds(app, calls)
    assert_nothing_is_lost(caplog)


@everywhere
def test_two_that_look_alike(arranged: Arranged, caplog: pytest.LogCaptureFixture) -> None:
    def declare(router: APIRouter) -> None:
        for number in range(3):
            declared: Callable[[Any], Any] = cors(FOR_A) if number == 1 else no_cors

            @typechecked
            @declared
            async def endpoint(number: int = number) -> int:
                return number

            router.get(f"/{number}")(endpoint)

    app = arranged.app(declare)
    start(app)
    assert_shut(app, "GET", "/api/0")
    assert seen(app, "GET", "/api/1", A) == (200, READABLE)
    assert_shut(app, "GET", "/api/2")
    assert_nothing_is_lost(caplog)


@everywhere
def test_nothing_is_closed_where_nothing_was_declared(
    arranged: Arranged, caplog: pytest.LogCaptureFixture
) -> None:
    def declare(router: APIRouter) -> None:
        for number in range(2):

            async def endpoint() -> str:
                return "served"

            made: Any = cors(FOR_A)(endpoint) if number else typechecked(endpoint)
            router.get(f"/{number}")(made)

    app = arranged.app(declare)
    start(app)
    assert_nothing_is_lost(caplog)
