"""What the tests of live origins load: under the control of the test, under asyncio and trio."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import anyio.lowlevel

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from starlette.types import ASGIApp, Message

__all__ = ["PATIENCE", "Wakes", "lifespan_of", "run_on", "until"]

# Far beyond what any of it takes.
PATIENCE = 20.0


def run_on(backend: str, test: Callable[[], Awaitable[Any]]) -> None:
    """Run a test on that backend, and fail it if it hangs."""

    async def within_limits() -> None:
        with anyio.fail_after(PATIENCE):
            await test()

    anyio.run(within_limits, backend=backend)


async def until(condition: Callable[[], bool]) -> None:
    """Let others run until it is so."""
    while not condition():
        await anyio.lowlevel.checkpoint()


class Wakes:
    """An async iterator that yields when the test says so, ends, or raises."""

    def __init__(self) -> None:
        self.started = 0
        self._send, self._receive = anyio.create_memory_object_stream[BaseException | None](10_000)

    def __call__(self) -> AsyncIterator[None]:
        self.started += 1
        return self._items()

    async def _items(self) -> AsyncIterator[None]:
        while True:
            item = await self._receive.receive()
            if isinstance(item, StopAsyncIteration):
                return
            if item is not None:
                raise item
            yield

    def wake(self, times: int = 1) -> None:
        for _ in range(times):
            self._send.send_nowait(None)

    def end(self) -> None:
        self._send.send_nowait(StopAsyncIteration())

    def fail(self, error: BaseException) -> None:
        self._send.send_nowait(error)

    def close(self) -> None:
        self._send.close()
        self._receive.close()


@asynccontextmanager
async def lifespan_of(app: ASGIApp) -> AsyncGenerator[list[Message]]:
    """The app between its start-up and its shutdown, as a server runs it; yields what it sent."""
    shutdown, started = anyio.Event(), anyio.Event()
    incoming: list[Message] = [{"type": "lifespan.startup"}]
    sent: list[Message] = []

    async def receive() -> Message:
        if incoming:
            return incoming.pop()
        await shutdown.wait()
        return {"type": "lifespan.shutdown"}

    async def send(message: Message) -> None:
        sent.append(message)
        started.set()

    async def serve() -> None:
        try:
            await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
        except RuntimeError:
            if sent[-1]["type"] != "lifespan.startup.failed":
                raise

    async with anyio.create_task_group() as server:
        server.start_soon(serve)
        await started.wait()
        yield sent
        shutdown.set()
