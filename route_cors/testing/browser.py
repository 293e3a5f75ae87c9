"""`Browser` and `AsyncBrowser`: what a test calls."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import replace
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Self, TypeVar

from route_cors.testing.cache import PreflightCache
from route_cors.testing.cookies import Cookies
from route_cors.testing.fetch import Page, fetch
from route_cors.testing.handshake import connect, websocket_url
from route_cors.testing.history import CORSBlocked, History
from route_cors.testing.request import Body, build_request
from route_cors.testing.urls import parse_page_origin, parse_url
from route_cors.testing.wires import async_wire_to, base_url_of, wire_to

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence

    from route_cors.testing.handshake import Handshake
    from route_cors.testing.messages import ReceivedResponse, Response, SentRequest
    from route_cors.testing.request import Credentials, HeadersInit, Mode, Redirect
    from route_cors.testing.urls import Url

__all__ = ["AsyncBrowser", "Browser"]

# A failed test shows its own line and not these.
__tracebackhide__ = methodcaller("errisinstance", CORSBlocked)

_Result = TypeVar("_Result")


class _AnyBrowser(ABC):
    """What `Browser` and `AsyncBrowser` share: all but how a request gets to the server."""

    def __init__(
        self,
        target: Any,
        *,
        origin: str,
        base_url: str | None = None,
        private_network: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not isinstance(origin, str):
            raise TypeError(
                f"origin: {origin!r}: must be the origin of a page, such as 'https://app.example.com'"
            )
        parse_page_origin(origin)
        base = base_url if base_url is not None else base_url_of(target)
        self._base = None if base is None else _checked_base(base)
        self._connect_to(target)
        self._target = target
        self._clock = clock
        self._page = Page(
            origin=origin,
            url=None if origin == "null" else parse_url(origin),
            private_network=private_network,
            cookies=Cookies(self._base),
            preflight_cache=PreflightCache(clock),
            history=History(),
        )

    @abstractmethod
    def _connect_to(self, target: Any) -> None:
        """Make the wire to the target, or raise TypeError."""

    @property
    def origin(self) -> str:
        """Of the page whose script fetches."""
        return self._page.origin

    @property
    def history(self) -> History:
        """What was sent, and what came back."""
        return self._page.history

    @property
    def cookies(self) -> Cookies:
        """The cookie jar."""
        return self._page.cookies

    @property
    def preflight_cache(self) -> PreflightCache:
        """What the browser remembers of answered preflights."""
        return self._page.preflight_cache

    def page(self, *, origin: str) -> Self:
        """Open another page in the same browser: with its cookies and preflight cache, and its own history.

        Args:
            origin: of the other page.

        Raises:
            ValueError: `origin` is not the origin of a page.

        Example:
            ours.fetch("/login", method="POST", json={"user": "ada"}, credentials="include")
            stranger = ours.page(origin="https://evil.example")
            with pytest.raises(CORSBlocked):
                stranger.fetch("/account", credentials="include")
        """
        other = type(self)(
            self._target,
            origin=origin,
            base_url=None if self._base is None else self._base.href,
            private_network=self._page.private_network,
            clock=self._clock,
        )
        own = other._page  # noqa: SLF001 - of the same class
        other._page = replace(own, cookies=self.cookies, preflight_cache=self.preflight_cache)  # noqa: SLF001
        return other

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self.origin}>"


class Browser(_AnyBrowser):
    """A page in a browser, for tests: calls go through only if a browser would let them through.

    https://fetch.spec.whatwg.org/#http-cors-protocol

    Args:
        target: what is tested: an ASGI app, the base URL of a live server, or an httpx or httpx2 client, such
            as a TestClient. A client is nothing but the wire: its cookies, headers and auth are not used.
            The lifespan of an app is not run; `with TestClient(app) as client` runs it.
        origin: of the page whose script calls: `https://app.example.com`, or `null` for a sandboxed frame.
        base_url: what relative URLs start from. Without it: the client's own, the live server's, or
            `https://testserver` for an app, whose host then counts as of the page's own site.
        private_network: whether the target is in a more private network than the page, so that each call
            across origins is preflighted (https://wicg.github.io/private-network-access/).
        clock: returns the seconds by which the preflight cache ages.

    Attributes:
        origin: the page's.
        history: what was sent and what came back; see `History`.
        cookies: the cookie jar; see `Cookies`.
        preflight_cache: see `PreflightCache`.

    Raises:
        ValueError: `origin` is not the origin of a page, or `base_url` is no http or https URL.
        TypeError: `target` is nothing to send requests to, or it is async.

    >>> async def app(scope, receive, send):
    ...     headers = [(b"access-control-allow-origin", b"https://app.example.com")]
    ...     await send({"type": "http.response.start", "status": 200, "headers": headers})
    ...     await send({"type": "http.response.body", "body": b"hello"})
    >>> Browser(app, origin="https://app.example.com").fetch("/").text
    'hello'
    >>> Browser(app, origin="https://evil.example").fetch("/")
    Traceback (most recent call last):
    ...
    route_cors.testing.CORSBlocked: actual: Access to fetch at 'https://testserver/' from origin ...
    """

    def _connect_to(self, target: Any) -> None:
        self._wire = wire_to(target)

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: HeadersInit | None = None,
        content: str | bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        credentials: Credentials = "same-origin",
        mode: Mode = "cors",
        redirect: Redirect = "follow",
    ) -> Response:
        """Call `fetch` in the page's script, and return what the script sees.

        https://fetch.spec.whatwg.org/#fetch-method

        Args:
            url: absolute, or relative to the base URL.
            method: `get`, `head`, `post`, `put`, `delete` and `options` are upper-cased, all others are not.
            headers: by name, or pairs. Those that no script can set (`Cookie`, `Origin`) are dropped, as are
                in mode `no-cors` those that would need a preflight.
            content: the body. As a string it has the type `text/plain`, as bytes none.
            json: the body, as `application/json`.
            data: the body, as a form.
            credentials: whether cookies go along: `omit`, `same-origin` or `include`.
            mode: `cors`, `no-cors` or `same-origin`.
            redirect: `follow`, `error` or `manual`.

        Raises:
            CORSBlocked: the script would get a TypeError that says "Failed to fetch".
            ValueError: a browser would refuse the arguments before it sends anything.

        What a client raises (no connection, nothing that is HTTP) comes through as it is.
        """
        request = build_request(
            url,
            base=self._base,
            method=method,
            headers=headers,
            body=Body(content, json, data),
            mode=mode,
            credentials=credentials,
            redirect=redirect,
        )
        return _drive(fetch(self._page, request), self._wire.exchange)

    def connect(self, url: str, *, subprotocols: Sequence[str] = ()) -> Handshake:
        """Open a websocket in the page's script, and close it again.

        https://websockets.spec.whatwg.org/#dom-websocket-websocket

        Args:
            url: ws, wss, http or https, or relative to the base URL.
            subprotocols: those that the script offers.

        Raises:
            CORSBlocked: the server did not accept the handshake.
            ValueError: a browser would refuse the arguments before it sends anything.
        """
        steps = connect(self._page, websocket_url(url, self._base), subprotocols)
        return _drive(steps, self._wire.shake_hands)


class AsyncBrowser(_AnyBrowser):
    """`Browser` for async tests: the same arguments and attributes, with await.

    Args:
        target: an ASGI app, which runs in the test's own event loop and whose lifespan is not run, the base
            URL of a live server, or an async httpx or httpx2 client.
        origin, base_url, private_network, clock: as `Browser` has them.

    Raises:
        ValueError: as `Browser`.
        TypeError: `target` is nothing to send requests to, or it is not async.

    Example:
        async def test_only_our_front_end_may_save():
            browser = AsyncBrowser(app, origin="https://app.example.com")
            assert (await browser.fetch("/account/7", method="DELETE")).status_code == 200
    """

    def _connect_to(self, target: Any) -> None:
        self._wire = async_wire_to(target)

    async def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: HeadersInit | None = None,
        content: str | bytes | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        credentials: Credentials = "same-origin",
        mode: Mode = "cors",
        redirect: Redirect = "follow",
    ) -> Response:
        """Call `fetch` in the page's script: see `Browser.fetch`."""
        request = build_request(
            url,
            base=self._base,
            method=method,
            headers=headers,
            body=Body(content, json, data),
            mode=mode,
            credentials=credentials,
            redirect=redirect,
        )
        return await _drive_async(fetch(self._page, request), self._wire.exchange)

    async def connect(self, url: str, *, subprotocols: Sequence[str] = ()) -> Handshake:
        """Open a websocket in the page's script: see `Browser.connect`."""
        steps = connect(self._page, websocket_url(url, self._base), subprotocols)
        return await _drive_async(steps, self._wire.shake_hands)


def _checked_base(text: str) -> Url:
    fault = f"base_url: {text!r}: must be an http or https URL, without a username and password"
    try:
        base = parse_url(text)
    except ValueError:
        raise ValueError(fault) from None
    if base.scheme not in {"http", "https"} or base.has_credentials:
        raise ValueError(fault)
    return base


def _drive(
    steps: Generator[SentRequest, ReceivedResponse, _Result],
    exchange: Callable[[SentRequest], ReceivedResponse],
) -> _Result:
    """Do what the steps ask for, until they return."""
    try:
        sent = next(steps)
        while True:
            sent = steps.send(exchange(sent))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def _drive_async(
    steps: Generator[SentRequest, ReceivedResponse, _Result],
    exchange: Callable[[SentRequest], Awaitable[ReceivedResponse]],
) -> _Result:
    try:
        sent = next(steps)
        while True:
            sent = steps.send(await exchange(sent))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
