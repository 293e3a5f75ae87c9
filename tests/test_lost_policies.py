"""Policies that a decorator or a route class loses: found again where that is certain, else closed and told.

Certain is what holds the original function. A copy of its code is not: a loop and a factory make any number
of functions of one code, name and line, with a policy and without.
"""

import functools
import gc
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from kept_policies import (
    ENFORCED,
    FOR_A,
    NAMES,
    READABLE,
    REFUSED,
    A,
    Arranged,
    Calls,
    asked,
    assert_holds,
    assert_nothing_is_lost,
    assert_said,
    assert_says_that_all_are_closed,
    assert_shut,
    everywhere,
    on_layered,
    seen,
    start,
)
from lossy import COPYING, FOUND, HOLDING, SHARING, replacing
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

by_one_that_is_seen_through = pytest.mark.parametrize("decorate", FOUND.values(), ids=FOUND)
by_one_that_copies = pytest.mark.parametrize("decorate", COPYING.values(), ids=COPYING)


def declared_under(router: APIRouter, calls: Calls, decorate: Callable[[Any], Any]) -> None:
    @router.get("/policy")
    @decorate
    @cors(FOR_A)
    @calls.declared
    def policy() -> str:
        calls.ran.append("policy")
        return "policy"

    @router.get("/closed")
    @decorate
    @no_cors
    @calls.declared
    def closed() -> str:
        return "closed"

    @router.post("/enforced")
    @decorate
    @cors(ENFORCED)
    @calls.declared
    def enforced() -> str:
        calls.ran.append("enforced")
        return "enforced"

    @router.websocket("/ws")
    @decorate
    @cors(FOR_A)
    @calls.declared
    async def ws(websocket: WebSocket) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @router.websocket("/ws-closed")
    @decorate
    @no_cors
    @calls.declared
    async def ws_closed(websocket: WebSocket) -> None:
        await websocket.accept()


def declared_over(router: APIRouter, calls: Calls, decorate: Callable[[Any], Any]) -> None:
    @router.get("/policy")
    @cors(FOR_A)
    @decorate
    def policy() -> str:
        calls.ran.append("policy")
        return "policy"

    @no_cors
    @router.get("/closed")
    @decorate
    def closed() -> str:
        return "closed"

    @cors(ENFORCED)
    @router.post("/enforced")
    @decorate
    def enforced() -> str:
        calls.ran.append("enforced")
        return "enforced"

    @router.websocket("/ws")
    @cors(FOR_A)
    @decorate
    async def ws(websocket: WebSocket) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @no_cors
    @router.websocket("/ws-closed")
    @decorate
    async def ws_closed(websocket: WebSocket) -> None:
        await websocket.accept()


def declared(router: APIRouter, calls: Calls) -> None:
    """With no decorator: for a route class. Websockets have none."""

    @router.get("/policy")
    @cors(FOR_A)
    @calls.declared
    def policy() -> str:
        calls.ran.append("policy")
        return "policy"

    @no_cors
    @router.get("/closed")
    @calls.declared
    def closed() -> str:
        return "closed"

    @cors(ENFORCED)
    @router.post("/enforced")
    @calls.declared
    def enforced() -> str:
        calls.ran.append("enforced")
        return "enforced"

    @router.websocket("/ws")
    @cors(FOR_A)
    async def ws(websocket: WebSocket) -> None:
        calls.ran.append("ws")
        await websocket.accept()

    @no_cors
    @router.websocket("/ws-closed")
    async def ws_closed(websocket: WebSocket) -> None:
        await websocket.accept()


# --- One decorator, one function


@everywhere
@by_one_that_is_seen_through
def test_it_holds_under_a_decorator_that_holds_the_function(
    arranged: Arranged, decorate: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()
    app = arranged.app(lambda router: declared_under(router, calls, decorate))
    start(app)
    assert_holds(app, calls)
    assert_nothing_is_lost(caplog)


@on_layered
@by_one_that_copies
def test_it_is_closed_under_a_decorator_that_drops_the_function(
    arranged: Arranged, decorate: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()
    app = arranged.app(lambda router: declared_under(router, calls, decorate))
    assert_says_that_all_are_closed(app, calls, caplog)


@everywhere
@pytest.mark.parametrize("decorate", [*FOUND.values(), *COPYING.values()], ids=[*FOUND, *COPYING])
def test_it_holds_over_any_decorator(
    arranged: Arranged, decorate: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()
    app = arranged.app(lambda router: declared_over(router, calls, decorate))
    start(app)
    assert_holds(app, calls)
    assert_nothing_is_lost(caplog)


@everywhere
@pytest.mark.parametrize("decorate", HOLDING.values(), ids=HOLDING)
def test_it_holds_on_a_route_class_that_replaces_the_function_with_one_that_holds_it(
    arranged: Arranged, decorate: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()
    app = arranged.app(lambda router: declared(router, calls), route_class=replacing(decorate))
    start(app)
    assert_holds(app, calls)
    assert_nothing_is_lost(caplog)


@pytest.mark.parametrize("default", [None, CORSPolicy(origins="*")], ids=["no default", "default"])
@pytest.mark.parametrize("decorate", [*SHARING.values(), *COPYING.values()], ids=[*SHARING, *COPYING])
def test_a_cors_router_has_seen_the_function_that_a_route_class_drops(
    default: CORSPolicy | None, decorate: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()
    arranged = Arranged(CORSRouter, layer=True, default=default)
    app = arranged.app(lambda router: declared(router, calls), route_class=replacing(decorate))
    start(app)
    assert_holds(app, calls)
    assert_nothing_is_lost(caplog)


# An object is an ASGI app to Starlette.
@pytest.mark.parametrize("decorate", [FOUND[name] for name in FOUND if name != "an object"])
def test_it_holds_on_a_starlette_app(
    decorate: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    @decorate
    @cors(FOR_A)
    def served(request: Request) -> Response:
        return PlainTextResponse("served")

    app = Starlette(routes=[Route("/x", served)])
    install_cors(app, default=CORSPolicy(origins="*"))
    start(app)
    assert seen(app, "GET", "/x", A) == (200, READABLE)
    assert_nothing_is_lost(caplog)


# --- Which function it was


@on_layered
@by_one_that_is_seen_through
def test_a_function_that_is_served_itself_and_held_by_another_route(
    arranged: Arranged, decorate: Callable[[Any], Any]
) -> None:
    """Both have its policy, or the second is closed: in no case is that opened to others."""

    def declare(router: APIRouter) -> None:
        @router.get("/itself")
        @cors(FOR_A)
        def endpoint() -> str:
            return "served"

        router.get("/decorated")(decorate(endpoint))

    app = arranged.app(declare)
    start(app)
    assert seen(app, "GET", "/api/itself", A) == (200, READABLE)
    assert seen(app, "GET", "/api/decorated", A) in [(200, READABLE), (200, {})]
    assert asked(app, "GET", "/api/decorated", "https://b.example") == REFUSED


@everywhere
def test_a_function_that_calls_another_endpoint_has_no_policy_of_that(
    arranged: Arranged, caplog: pytest.LogCaptureFixture
) -> None:
    def declare(router: APIRouter) -> None:
        @router.get("/one")
        @cors(FOR_A)
        def one() -> str:
            return "served"

        @router.get("/two")
        @cors(origins="https://b.example")
        def two() -> str:
            return one()

        @router.get("/three")
        def three() -> str:
            return one() + two()

    app = arranged.app(declare)
    start(app)
    assert seen(app, "GET", "/api/one", A) == (200, READABLE)
    assert seen(app, "GET", "/api/two", A) == (200, {"vary": "Origin"})
    assert_has_no_policy(app, "/api/three", arranged)
    assert_nothing_is_lost(caplog)


@everywhere
def test_a_function_that_calls_one_which_is_served_decorated(
    arranged: Arranged, caplog: pytest.LogCaptureFixture
) -> None:
    def declare(router: APIRouter) -> None:
        @cors(FOR_A)
        def one() -> str:
            return "served"

        router.get("/one")(HOLDING["wrapping"](one))

        @router.get("/two")
        def two() -> str:
            return one()

    app = arranged.app(declare)
    start(app)
    assert seen(app, "GET", "/api/one", A) == (200, READABLE)
    assert_has_no_policy(app, "/api/two", arranged)
    assert_nothing_is_lost(caplog)


def assert_has_no_policy(app: ASGIApp, path: str, arranged: Arranged) -> None:
    """What the layer's default says to everybody, or nothing."""
    expected = {} if arranged.default is None else {"access-control-allow-origin": "*"}
    for origin in (A, "https://b.example", None):
        assert seen(app, "GET", path, origin) == (200, expected)
    # The app's own answer, where no policy speaks.
    status, headers = asked(app, "GET", path, A)
    assert status == (405 if arranged.default is None else 204)
    assert headers.get("access-control-allow-origin") == expected.get("access-control-allow-origin")


@on_layered
def test_a_wrapper_of_two_functions_with_different_policies_is_closed(
    arranged: Arranged, caplog: pytest.LogCaptureFixture
) -> None:
    calls = Calls()

    def either(first: Any, second: Any) -> Any:
        def wrapper(which: bool = False) -> Any:
            return first() if which else second()

        return wrapper

    def declare(router: APIRouter) -> None:
        @cors(FOR_A)
        @calls.declared
        def one() -> str:
            return "one"

        @cors(origins="*")
        @calls.declared
        def two() -> str:
            return "two"

        router.get("/either")(either(one, two))

    app = arranged.app(declare)
    start(app)
    assert_said(caplog, calls, {"/api/either": "one|two"})
    assert_shut(app, "GET", "/api/either")


@on_layered
def test_a_partial_of_a_decorated_function(arranged: Arranged, caplog: pytest.LogCaptureFixture) -> None:
    def declare(router: APIRouter) -> None:
        @HOLDING["wrapping"]
        @cors(FOR_A)
        def endpoint(number: int) -> str:
            return str(number)

        router.get("/x")(functools.partial(endpoint, number=7))

    app = arranged.app(declare)
    start(app)
    assert seen(app, "GET", "/api/x", A) == (200, READABLE)
    assert_nothing_is_lost(caplog)


@on_layered
@by_one_that_copies
def test_the_policy_that_a_decorated_function_has_itself_is_the_one(
    arranged: Arranged, decorate: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    def declare(router: APIRouter) -> None:
        @router.get("/x")
        @cors(FOR_A)
        @decorate
        @cors(origins="*")
        def endpoint() -> str:
            return "served"

    app = arranged.app(declare)
    start(app)
    assert seen(app, "GET", "/api/x", A) == (200, READABLE)
    assert asked(app, "GET", "/api/x", "https://b.example") == REFUSED
    assert_nothing_is_lost(caplog)


@on_layered
@by_one_that_copies
@pytest.mark.parametrize("closed", [0, 1])
def test_two_of_one_loop_and_one_of_them_closed(
    arranged: Arranged,
    decorate: Callable[[Any], Any],
    closed: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Both are copies, and nobody can tell which of them it was."""
    calls = Calls()

    def declare(router: APIRouter) -> None:
        for number in range(2):

            def endpoint() -> str:
                return "served"

            calls.declared(endpoint)
            router.get(f"/{number}")(decorate(no_cors(endpoint) if number == closed else endpoint))

    app = arranged.app(declare)
    start(app)
    assert_said(caplog, calls, {"/api/0": "endpoint", "/api/1": "endpoint"})
    for path in ("/api/0", "/api/1"):
        assert_shut(app, "GET", path)


@everywhere
@by_one_that_copies
def test_a_twin_that_never_had_a_policy_keeps_none(
    arranged: Arranged, decorate: Callable[[Any], Any], caplog: pytest.LogCaptureFixture
) -> None:
    """The one that has it is served as it is: nothing was lost."""

    def declare(router: APIRouter) -> None:
        for number in range(2):

            def endpoint() -> str:
                return "served"

            router.get(f"/{number}")(decorate(endpoint) if number else cors(FOR_A)(endpoint))

    app = arranged.app(declare)
    start(app)
    assert seen(app, "GET", "/api/0", A) == (200, READABLE)
    assert_has_no_policy(app, "/api/1", arranged)
    assert_nothing_is_lost(caplog)


# --- When it is told


def test_it_is_told_once_and_by_the_first_request_where_there_is_no_start(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = Calls()
    app = FastAPI()
    declared_under(app.router, calls, COPYING["stripped"])
    install_cors(app)
    assert_shut(app, "GET", "/policy")
    assert_said(caplog, calls, NAMES)
    start(app)
    assert_shut(app, "GET", "/policy")
    assert_said(caplog, calls, NAMES)


def test_a_route_that_is_added_later_is_closed_and_told_as_well(caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    app = FastAPI()
    install_cors(app, default=CORSPolicy(origins="*"))
    start(app)
    assert_nothing_is_lost(caplog)

    @app.get("/late")
    @COPYING["stripped"]
    @no_cors
    @calls.declared
    def late() -> str:
        return "late"

    assert_shut(app, "GET", "/late")
    assert_said(caplog, calls, {"/late": "late"})


@pytest.mark.parametrize(
    ("decorate", "headers"),
    [(HOLDING["wrapping"], READABLE), (COPYING["copied"], {})],
    ids=["held", "copied"],
)
def test_an_app_that_is_made_again_and_again(
    decorate: Callable[[Any], Any], headers: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """As a test suite does it: each app has functions of the same code as those before it."""
    calls = Calls()

    def create_app() -> FastAPI:
        app = FastAPI()

        @cors(FOR_A)
        @calls.declared
        def endpoint() -> str:
            return "served"

        app.get("/x")(decorate(endpoint))
        install_cors(app)
        return app

    for _ in range(3):
        caplog.clear()
        app = create_app()
        start(app)
        assert seen(app, "GET", "/x", A) == (200, headers)
        assert_said(caplog, calls, {} if headers else {"/x": "endpoint"})
        del app
        gc.collect()
