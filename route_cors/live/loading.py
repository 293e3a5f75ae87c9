"""Repeats a load: at intervals, and whenever `wake` says that there is something new."""

from __future__ import annotations

import inspect
import random
import threading
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, cast

import anyio
import anyio.to_thread

from route_cors.decisions import LIVE_FAILED, bounded, escaped
from route_cors.diagnostics import LOGGER
from route_cors.judging import ends_the_request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterable, Callable

# Seconds. A load that takes longer than `every` has failed; these are the bounds of that limit.
_LONGEST_LOAD: Final = 30.0
_SHORTEST_LIMIT: Final = 1.0
# The least seconds between two loads, however often `wake` says that there is something new.
_LEAST_PAUSE: Final = 0.05
_FIRST_RETRY: Final = 1.0
_MAX_DOUBLINGS: Final = 30


class Loading:
    """The loads of one `LiveOrigins`.

    `take` is called with what each load returned, in a thread; `state` says, for the log, whose loads they
    are and what there is so far. Each app that runs them has an event loop of its own, as two apps with one
    set may be in two threads; only one of them loads at a time.
    """

    def __init__(
        self,
        load: Callable[[], Any],
        wake: AsyncIterable[object] | Callable[[], AsyncIterable[object]] | None,
        every: float,
        take: Callable[[object], None],
        state: Callable[[], str],
    ) -> None:
        self._load, self._wake, self._every, self._take, self._state = load, wake, every, take, state
        self._one_at_a_time = threading.Lock()
        self._is_due = True
        self._is_in_thread = False
        self._failures = 0
        self._told: set[tuple[str, type[BaseException]]] = set()

    def expect(self) -> None:
        """The next task that runs the loads begins with one immediately."""
        self._is_due = True

    async def load(self) -> BaseException | None:
        """Load once, within the time limit; returns why that failed. Waits for a load that is under way."""
        while not self._one_at_a_time.acquire(blocking=False):  # noqa: ASYNC110
            await anyio.sleep(_LEAST_PAUSE)  # an event would be of one thread
        try:
            self._is_due = False
            return await self.attempt("load", self._load_and_take)
        finally:
            self._one_at_a_time.release()

    async def attempt(self, what: str, function: Callable[[], Any]) -> BaseException | None:
        """Call an async function of the user within the time limit; returns why that failed."""
        try:
            with anyio.fail_after(max(_SHORTEST_LIMIT, min(self._every, _LONGEST_LOAD))):
                await function()
        except BaseException as error:
            if ends_the_request(error):
                raise
            self._failures += 1
            self.tell(what, error)
            return error
        self._failures = 0
        self.forget(what)
        return None

    async def _load_and_take(self) -> None:
        is_async = inspect.iscoroutinefunction(self._load)
        # In a tuple: trio refuses a function in a thread that returns an awaitable, as a partial may.
        (loaded,) = (self._load(),) if is_async else await self.in_thread(lambda: (self._load(),))
        if inspect.isawaitable(loaded):
            loaded = await loaded
        await self.in_thread(lambda: self._take(loaded))

    async def in_thread(self, function: Callable[[], Any]) -> Any:
        """Call it in a thread. A call that does not return is left alone, and no other one is started."""
        if self._is_in_thread:
            raise TimeoutError("the previous call has not returned: give it a time limit of its own")

        def call() -> Any:
            self._is_in_thread = True
            try:
                return function()
            finally:
                self._is_in_thread = False

        return await anyio.to_thread.run_sync(call, abandon_on_cancel=True, limiter=anyio.CapacityLimiter(1))

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Load in the background."""
        group = anyio.create_task_group()
        await group.__aenter__()
        group.start_soon(self._run)
        try:
            yield
        finally:
            group.cancel_scope.cancel()
            # Without the exception of the body, which the group would put into an ExceptionGroup.
            await group.__aexit__(None, None, None)

    async def _run(self) -> None:
        woken = [anyio.Event()]
        async with anyio.create_task_group() as tasks:
            if self._wake is not None:
                tasks.start_soon(self._listen, woken)
            while True:
                if not self._is_due:
                    with anyio.move_on_after(self._pause(self._failures)):
                        await woken[0].wait()
                # Any wake-up from here on leads to one more load.
                woken[0] = anyio.Event()
                await self.load()
                await anyio.sleep(min(_LEAST_PAUSE, self._every))

    async def _listen(self, woken: list[anyio.Event]) -> None:
        failures = 0
        while True:
            error: BaseException = StopAsyncIteration("the iterator ended")
            try:
                source = self._wake() if callable(self._wake) else self._wake
                async for _ in cast("AsyncIterable[object]", source):
                    failures = 0
                    self.forget("wake")
                    woken[0].set()
            except BaseException as raised:
                if ends_the_request(raised):
                    raise
                error = raised
            self.tell("wake", error)
            failures += 1
            await anyio.sleep(self._pause(failures))
            woken[0].set()  # wake-ups in between are lost

    def _pause(self, failures: int) -> float:
        """Seconds until the next try: longer with each failure, but not longer than `every`."""
        backed_off = _FIRST_RETRY * 2.0 ** min(failures - 1, _MAX_DOUBLINGS)
        pause = min(self._every, backed_off) if failures else self._every
        # Processes that were started together should not ask together.
        return pause * random.uniform(0.9, 1.1)  # noqa: S311 - no secret

    def tell(self, what: str, error: BaseException) -> None:
        """Log a failure, once per kind until it works again."""
        kind = (what, type(error))
        if kind not in self._told:
            self._told.add(kind)
            text = escaped(bounded(f"{type(error).__name__}: {error}"))
            LOGGER.warning('%s: %s what=%s error="%s"', LIVE_FAILED, self._state(), what, text)

    def forget(self, what: str) -> None:
        """Log that it works again, if it did not."""
        told = {kind for kind in self._told if kind[0] == what}
        self._told -= told
        if told:
            LOGGER.info("live origins work again: %s what=%s", self._state(), what)
