"""`AsyncBrowser`: what an async test calls."""

from __future__ import annotations

from collections.abc import AsyncIterator
from operator import methodcaller
from typing import TYPE_CHECKING, Any, TypeVar

from route_cors.testing.any_browser import AnyBrowser
from route_cors.testing.event_source import AsyncEventSource
from route_cors.testing.history import CORSBlocked
from route_cors.testing.hosts import UnknownHostError
from route_cors.testing.request import Body
from route_cors.testing.wires import async_wire_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping, Sequence

    from route_cors.testing.forms import EmbedAs, EncType, FormData, FormMethod
    from route_cors.testing.handshake import Handshake
    from route_cors.testing.messages import Navigation, ReceivedResponse, Response, SentRequest
    from route_cors.testing.referrer import ReferrerPolicy
    from route_cors.testing.request import Credentials, HeadersInit, Mode, Redirect

# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", (CORSBlocked, UnknownHostError))

_Result = TypeVar("_Result")


class AsyncBrowser(AnyBrowser):
    """`Browser` for async tests: the same arguments and attributes, with await.

    Args:
        target: an ASGI app, which runs in the test's own event loop and whose lifespan is not run, the base
            URL of a live server, or an async httpx or httpx2 client; or a mapping of origins to these.
        origin, base_url, clock, show_secrets, engine: as for `Browser`.

    Raises:
        ValueError: as `Browser`.
        TypeError: `target` cannot be sent requests, or it is not async.

    Example:
        async def test_only_our_front_end_may_save():
            browser = AsyncBrowser(app, origin="https://app.example.com")
            assert (await browser.fetch("/account/7", method="DELETE")).status_code == 200
    """

    def _connect_to(self, target: Any) -> None:
        self._wire = async_wire_to(target, self._base)

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: HeadersInit | None = None,
        content: str | bytes | Iterator[bytes] | AsyncIterator[bytes] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        credentials: Credentials = "same-origin",
        mode: Mode = "cors",
        redirect: Redirect = "follow",
        referrer_policy: ReferrerPolicy = "",
        upload_progress: bool = False,
        keepalive: bool = False,
    ) -> Response:
        """Call `fetch` in the page's script: see `Browser.fetch`. A stream may be an async iterator."""
        if isinstance(content, AsyncIterator):
            content = iter([chunk async for chunk in content])
        steps = self._fetch_steps(
            url,
            method,
            headers,
            Body(content, json, data),
            mode=mode,
            credentials=credentials,
            redirect=redirect,
            referrer_policy=referrer_policy,
            upload_progress=upload_progress,
            keepalive=keepalive,
        )
        return await _drive(steps, self._wire.exchange)

    def event_source(
        self, url: str, *, with_credentials: bool = False, most: int | None = None
    ) -> AsyncEventSource:
        """Make an EventSource, to be iterated over with `async for`: see `Browser.event_source`."""
        events = self._subscription(url, with_credentials=with_credentials, most=most)
        return AsyncEventSource(events, lambda steps: _drive(steps, self._wire.exchange))

    async def submit(
        self,
        url: str,
        *,
        data: FormData | None = None,
        method: FormMethod = "POST",
        enctype: EncType = "application/x-www-form-urlencoded",
        referrer_policy: ReferrerPolicy = "",
        user_activated: bool = False,
    ) -> Navigation:
        """Submit a form of the page: see `Browser.submit`."""
        steps = self._submit_steps(
            url,
            data=data,
            method=method,
            enctype=enctype,
            referrer_policy=referrer_policy,
            user_activated=user_activated,
        )
        return await _drive(steps, self._wire.exchange)

    async def navigate(
        self, url: str, *, referrer_policy: ReferrerPolicy = "", user_activated: bool = False
    ) -> Navigation:
        """Follow a link of the page: see `Browser.navigate`."""
        steps = self._navigate_steps(url, referrer_policy=referrer_policy, user_activated=user_activated)
        return await _drive(steps, self._wire.exchange)

    async def embed(self, url: str, *, as_: EmbedAs) -> Response:
        """Show an image, or run a script, in the page: see `Browser.embed`."""
        return await _drive(self._embed_steps(url, as_), self._wire.exchange)

    async def connect(self, url: str, *, subprotocols: Sequence[str] = ()) -> Handshake:
        """Open a websocket in the page's script: see `Browser.connect`."""
        return await _drive(self._connect_steps(url, subprotocols), self._wire.shake_hands)


async def _drive(
    steps: Generator[SentRequest, ReceivedResponse, _Result],
    exchange: Callable[[SentRequest], Awaitable[ReceivedResponse]],
) -> _Result:
    try:
        sent = next(steps)
        while True:
            sent = steps.send(await exchange(sent))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
