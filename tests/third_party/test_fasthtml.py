"""FastHTML: every endpoint is a closure of the library's around what was decorated, a websocket's is a class.

The closure holds the decorated function. What the decorator gives back, and `@cors` above it is put on, is
another object, which wraps that function and serves nothing. In the class it is a handler of its messages.
"""

from collections.abc import Callable
from typing import Any

import pytest
from kept_policies import (
    ENFORCED,
    FOR_A,
    Calls,
    assert_enforced,
    assert_nothing_is_lost,
    assert_policy,
    assert_said,
    assert_shut,
    assert_shut_websocket,
    start,
)

from route_cors import CORSPolicy, cors, install_cors, no_cors

pytest.importorskip("fasthtml", reason="FastHTML is not installed")

from fasthtml.common import APIRouter, FastHTML
from starlette.responses import PlainTextResponse

in_a_layer = pytest.mark.parametrize(
    "default", [None, CORSPolicy(origins="*")], ids=["no default", "default"]
)


def on(target: Any, decorator: str, path: str) -> Callable[[Any], Any]:
    """`@app.get(path)` and its like, which have no types."""
    made: Callable[[Any], Any] = getattr(target, decorator)(path)
    return made


def declared_under(app: Any, calls: Calls) -> None:
    @on(app, "get", "/policy")
    @cors(FOR_A)
    async def policy() -> Any:
        calls.ran.append("policy")
        return PlainTextResponse("policy")

    @on(app, "get", "/closed")
    @no_cors
    def closed() -> Any:
        return PlainTextResponse("closed")

    @on(app, "post", "/enforced")
    @cors(ENFORCED)
    async def enforced() -> Any:
        calls.ran.append("enforced")
        return PlainTextResponse("enforced")


def declared_over(app: Any, calls: Calls) -> None:
    @cors(FOR_A)
    @on(app, "get", "/policy")
    async def policy() -> Any:
        calls.ran.append("policy")
        return PlainTextResponse("policy")

    @no_cors
    @on(app, "get", "/closed")
    def closed() -> Any:
        return PlainTextResponse("closed")

    @cors(ENFORCED)
    @on(app, "post", "/enforced")
    async def enforced() -> Any:
        calls.ran.append("enforced")
        return PlainTextResponse("enforced")

    # As the names of a module, which keep what the decorators gave back.
    app.state.kept = (policy, closed, enforced)


def declared_on_a_router(app: Any, calls: Calls) -> None:
    router = APIRouter()
    declared_under(router, calls)
    router.to_app(app)


@in_a_layer
@pytest.mark.parametrize("declare", [declared_under, declared_over, declared_on_a_router])
def test_routes(
    declare: Callable[[Any, Calls], None],
    default: CORSPolicy | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls = Calls()
    app = FastHTML(secret_key="not a secret")
    declare(app, calls)
    install_cors(app, default=default)
    start(app)
    # HEAD is served too: but FastHTML's routes match in a way of their own, and were asked about GET alone.
    assert_policy(app, calls, "/policy", "GET")
    assert_shut(app, "GET", "/closed")
    assert_enforced(app, calls, "/enforced")
    assert_nothing_is_lost(caplog)


@in_a_layer
def test_websockets(default: CORSPolicy | None, caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    app = FastHTML(secret_key="not a secret")

    @on(app, "ws", "/ws")
    @cors(FOR_A)
    @calls.declared
    async def ws(msg: str, send: Any) -> None: ...

    @no_cors
    @on(app, "ws", "/ws-closed")
    @calls.declared
    async def ws_closed(msg: str, send: Any) -> None: ...

    install_cors(app, default=default)
    start(app)
    closed = {"/ws": "ws", "/ws-closed": "ws_closed"}
    assert_said(caplog, calls, closed)
    assert_shut_websocket(app, "/ws")
    assert_shut_websocket(app, "/ws-closed")
    assert_said(caplog, calls, closed)
