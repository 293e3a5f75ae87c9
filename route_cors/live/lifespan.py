"""What a layer does with the lifespan of an app: it warms up, and runs the live origins of the policies."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from route_cors.live.origins import LiveOrigins
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.live.loading import Turn

__all__ = ["serve_lifespan"]


async def serve_lifespan(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, warm_up: Callable[[], Iterable[object]]
) -> None:
    """Pass a lifespan on. When the app has started, call `warm_up`, and run the live origins of its policies.

    `warm_up` returns the policies, those of mounted apps included: nobody sends these a lifespan.
    """
    turns: dict[LiveOrigins, Turn] = {}
    has_failed = False

    async def send_when_started(message: Message) -> None:
        nonlocal has_failed
        if message["type"] == "lifespan.startup.complete":
            found = _live_origins(warm_up())
            try:
                # Those that a layer further in runs, which is told first, wait for their turn here.
                for live in found:
                    turns[live] = await live.start()
            except RuntimeError as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                has_failed = True
                raise
        if not has_failed:  # else the server has been told
            await send(message)

    async def receive_while_running() -> Message:
        # While the app waits for its end: nothing is left of them when it shuts down.
        async with AsyncExitStack() as stack:
            for live, turn in turns.items():
                await stack.enter_async_context(live.running(turn))
            return await receive()

    try:
        await app(scope, receive_while_running, send_when_started)
    finally:
        for live, turn in turns.items():
            live.release(turn)


def _live_origins(policies: Iterable[object]) -> set[LiveOrigins]:
    items = (item for policy in policies if isinstance(policy, CORSPolicy) for item in policy.origins)
    return {item for item in items if isinstance(item, LiveOrigins)}
