"""What a layer does with the lifespan of an app: it warms up, and runs the live origins of the policies."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from route_cors.live.origins import LiveOrigins
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

# In the scope: the live origins that some layer runs. A layer further in is told first that the app started.
_RUN: Final = "route_cors.live"


async def serve_lifespan(
    app: ASGIApp, scope: Scope, receive: Receive, send: Send, warm_up: Callable[[], Iterable[object]]
) -> None:
    """Pass a lifespan on. When the app has started, call `warm_up`, and run the live origins of its policies.

    `warm_up` returns the policies, those of mounted apps included: nobody sends these a lifespan.
    """
    run_here: list[LiveOrigins] = []
    run_by_all: set[LiveOrigins] = scope.setdefault(_RUN, set())
    has_failed = False

    async def send_when_started(message: Message) -> None:
        nonlocal has_failed
        if message["type"] == "lifespan.startup.complete":
            try:
                for live in _live_origins(warm_up()) - run_by_all:
                    await live.start()
                    run_here.append(live)
            except RuntimeError as error:
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                has_failed = True
                raise
            run_by_all.update(run_here)
        if not has_failed:  # else the server has been told
            await send(message)

    async def receive_while_running() -> Message:
        # While the app waits for its end: nothing is left of them when it shuts down.
        async with AsyncExitStack() as stack:
            for live in run_here:
                await stack.enter_async_context(live.running())
            return await receive()

    await app(scope, receive_while_running, send_when_started)


def _live_origins(policies: Iterable[object]) -> set[LiveOrigins]:
    items = (item for policy in policies if isinstance(policy, CORSPolicy) for item in policy.origins)
    return {item for item in items if isinstance(item, LiveOrigins)}
