"""`Browser`: what a test calls."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any, TypeVar

from route_cors.testing.any_browser import AnyBrowser
from route_cors.testing.event_source import EventSource
from route_cors.testing.history import CORSBlocked
from route_cors.testing.hosts import UnknownHostError
from route_cors.testing.request import Body
from route_cors.testing.wires import wire_to

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from route_cors.testing.forms import EmbedAs, EncType, FormData, FormMethod
    from route_cors.testing.handshake import Handshake
    from route_cors.testing.messages import Navigation, ReceivedResponse, Response, SentRequest
    from route_cors.testing.referrer import ReferrerPolicy
    from route_cors.testing.request import Credentials, HeadersInit, Mode, Redirect

# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", (CORSBlocked, UnknownHostError))

_Result = TypeVar("_Result")


class Browser(AnyBrowser):
    """A page in a browser, for tests: a call is blocked if a browser would block it.

    https://fetch.spec.whatwg.org/#http-cors-protocol

    Args:
        target: what is tested: an ASGI app, the base URL of a live server, or an httpx or httpx2 client, such
            as a TestClient. A client only sends the requests: its cookies, headers and auth are not used.
            The lifespan of an app is not run; `with TestClient(app) as client` runs it.
            For several hosts a mapping of their origins to such targets: `{"https://api.example.com": app,
            "https://idp.example": idp}`. A live server may have another address than its origin: it then
            gets the origin's host in `Host` and its scheme in `X-Forwarded-Proto`, as behind a proxy.
        origin: of the page: `https://app.example.com`, or `null` for a sandboxed frame.
        base_url: the base of relative URLs. By default: that of the client, that of the live server, the
            first origin of a mapping, or for an app `https://testserver`, a host that counts as being on the
            page's own site. An app, in a client as well, answers only for the origin of this URL.
        clock: returns the time in seconds, for the preflight cache.
        show_secrets: whether `CORSBlocked` prints cookies, credentials and bodies. By default it prints only
            the names and lengths, as the logs of a CI have many readers.
        engine: `standard`, `chromium`, `firefox` or `webkit`. Those of browsers differ from the standard as
            the browsers do; see `Engine` in `route_cors.testing.engines`.

    Attributes:
        origin: of the page.
        history: the requests that were sent, and their responses; see `History`.
        cookies: the cookie jar; see `Cookies`.
        preflight_cache: see `PreflightCache`.

    Raises:
        ValueError: `origin` is not the origin of a page, a key of a mapping not the origin of a server,
            `base_url` not an http or https URL, or there is no such engine.
        TypeError: `target` cannot be sent requests, or it is async; or an argument is unknown.

    A request to an origin for which there is no server, redirects included, raises `UnknownHostError`.

    >>> async def app(scope, receive, send):
    ...     headers = [(b"access-control-allow-origin", b"https://app.example.com")]
    ...     await send({"type": "http.response.start", "status": 200, "headers": headers})
    ...     await send({"type": "http.response.body", "body": b"hello"})
    >>> Browser(app, origin="https://app.example.com").fetch("/").text
    'hello'
    >>> Browser(app, origin="https://evil.example").fetch("/")
    Traceback (most recent call last):
    ...
    route_cors.testing.CORSBlocked: the response does not allow the origin https://evil.example: origins=["...
    """

    def _connect_to(self, target: Any) -> None:
        self._wire = wire_to(target, self._base)

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: HeadersInit | None = None,
        content: str | bytes | Iterator[bytes] | None = None,
        json: Any = None,
        data: Mapping[str, Any] | None = None,
        credentials: Credentials = "same-origin",
        mode: Mode = "cors",
        redirect: Redirect = "follow",
        referrer_policy: ReferrerPolicy = "",
        upload_progress: bool = False,
        keepalive: bool = False,
    ) -> Response:
        """Call `fetch` in the page's script, and return what the script sees.

        https://fetch.spec.whatwg.org/#fetch-method

        Args:
            url: absolute, or relative to the base URL.
            method: `get`, `head`, `post`, `put`, `delete` and `options` are upper-cased, all others are not.
            headers: by name, or pairs. Those that no script can set (`Cookie`, `Origin`) are dropped, and in
                mode `no-cors` also those that would need a preflight.
            content: the body. A string has the type `text/plain`; bytes have none. An iterator of bytes is a
                stream (`duplex: "half"`): at other origins it always needs a preflight, and only a redirect
                with 303 may follow. It is read before anything is sent.
            json: the body, as `application/json`.
            data: the body, as a form.
            credentials: whether cookies are sent: `omit`, `same-origin` or `include`.
            mode: `cors`, `no-cors` or `same-origin`.
            redirect: `follow`, `error` or `manual`.
            referrer_policy: with `no-referrer` a POST has `Origin: null`, except in mode `cors`.
            upload_progress: whether it is sent by an XMLHttpRequest whose `upload` has listeners, which
                always needs a preflight at other origins.
            keepalive: whether the request outlives the page. Its body has 64 KiB at most.

        An XMLHttpRequest is a fetch of mode `cors`, and `xhr.withCredentials = true` is
        `credentials="include"`; without it, `credentials` is left out.

        There is no HTTP cache, so the same call always sends the same requests, except for what `cookies` and
        `preflight_cache` contain: `.clear()` empties them.

        Raises:
            CORSBlocked: the script would get a TypeError that says "Failed to fetch".
            ValueError: a browser would refuse the arguments before it sends anything.

        Exceptions of a client (no connection, a response that is not HTTP) are not changed.

        >>> async def app(scope, receive, send):
        ...     headers = [(b"access-control-allow-origin", b"*")]
        ...     await send({"type": "http.response.start", "status": 200, "headers": headers})
        ...     await send({"type": "http.response.body"})
        >>> browser = Browser(app, origin="https://app.example.com", base_url="https://files.example")
        >>> browser.fetch("/", method="POST", content=b"...").status_code, len(browser.history.preflights)
        (200, 0)
        >>> _ = browser.fetch("/", method="POST", content=b"...", upload_progress=True)
        >>> len(browser.history.preflights)
        1
        """
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
        return _drive(steps, self._wire.exchange)

    def event_source(
        self, url: str, *, with_credentials: bool = False, most: int | None = None
    ) -> EventSource:
        r"""Make an EventSource in the page's script, and iterate over its events.

        https://html.spec.whatwg.org/multipage/server-sent-events.html#the-eventsource-interface

        It connects when the first event is asked for. If a connection has ended and another event is asked
        for, it connects again, without waiting and with `Last-Event-ID`. There is no preflight. The server
        ends it with 204.

        Args:
            url: absolute, or relative to the base URL.
            with_credentials: whether cookies are sent to other origins.
            most: after how many events the page closes it. A stream that does not end needs this; a
                TestClient reads responses to their end, so give the app itself.

        Returns:
            An iterator of events with `type`, `data`, `last_event_id` and `origin`. Its own `last_event_id`
            and `retry` (milliseconds) are what the server last said.

        Raises:
            CORSBlocked: while iterating: the page may not read the stream, or the response is not a stream of
                events. A browser does not connect again then.
            RuntimeError: while iterating: 20 connections in a row brought no event.
            ValueError, TypeError: a browser would refuse the arguments before it sends anything.

        >>> async def app(scope, receive, send):
        ...     headers = [(b"content-type", b"text/event-stream"), (b"access-control-allow-origin", b"*")]
        ...     await send({"type": "http.response.start", "status": 200, "headers": headers})
        ...     await send({"type": "http.response.body", "body": b"id: 1\ndata: hello\n\n"})
        >>> browser = Browser(app, origin="https://app.example.com")
        >>> [event.data for event in browser.event_source("/events", most=2)]
        ['hello', 'hello']
        >>> browser.history[-1].request.headers["last-event-id"]
        '1'
        """
        events = self._subscription(url, with_credentials=with_credentials, most=most)
        return EventSource(events, lambda steps: _drive(steps, self._wire.exchange))

    def submit(
        self,
        url: str,
        *,
        data: FormData | None = None,
        method: FormMethod = "POST",
        enctype: EncType = "application/x-www-form-urlencoded",
        referrer_policy: ReferrerPolicy = "",
        user_activated: bool = False,
    ) -> Navigation:
        """Submit a form of the page, as a CSRF attack does. The response replaces the page.

        https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#form-submission-2

        CORS does not apply: there is no preflight, and no CORS header is needed. A form on another site sends
        the cookies with `SameSite=None` by POST, and also those with `Lax` by GET; a form on the same site
        sends all. A POST has an `Origin`. Only redirects to http and https are followed.
        The default `https://testserver` of an app counts as being on the site of every page: give a
        `base_url` to put the app on another site.

        Args:
            url: the form's action.
            data: the fields by name, or pairs.
            method: with `GET` the fields replace the URL's query.
            enctype: of the body. `text/plain` can look like JSON: `data={'{"a":"': '"}'}` sends `{"a":"="}`.
            referrer_policy: of the page; with `no-referrer` a POST has `Origin: null`.
            user_activated: whether a person clicked and not a script: then `Sec-Fetch-User` is sent.

        Returns:
            The server's response, for the test. The page itself cannot read any of it, not even the status.

        Raises:
            CORSBlocked: a redirect was not valid, or there were too many; never because of CORS.
            ValueError: a form cannot have such an argument.
            TypeError: a field is not a string.

        >>> async def app(scope, receive, send):
        ...     own = (b"sec-fetch-site", b"same-origin") in scope["headers"]
        ...     await send({"type": "http.response.start", "status": 303 if own else 403, "headers": []})
        ...     await send({"type": "http.response.body"})
        >>> stranger = Browser(app, origin="https://evil.example", base_url="https://bank.example")
        >>> stranger.submit("/transfer", data={"to": "mallory"}).status_code
        403
        >>> stranger.page(origin="https://bank.example").submit("/transfer").status_code
        303
        """
        steps = self._submit_steps(
            url,
            data=data,
            method=method,
            enctype=enctype,
            referrer_policy=referrer_policy,
            user_activated=user_activated,
        )
        return _drive(steps, self._wire.exchange)

    def navigate(
        self, url: str, *, referrer_policy: ReferrerPolicy = "", user_activated: bool = False
    ) -> Navigation:
        """Follow a link of the page. The response replaces the page.

        It is a GET with cookies, but from another site without the `Strict` ones.

        https://html.spec.whatwg.org/multipage/links.html#following-hyperlinks

        Args:
            url: where the link leads.
            referrer_policy: of the page.
            user_activated: whether a person clicked and not a script: then `Sec-Fetch-User` is sent.

        Returns:
            The server's response, for the test. The page itself cannot read any of it.

        Raises:
            CORSBlocked: a redirect was not valid, or there were too many; never because of CORS.
            ValueError: a link cannot have such an argument.

        Example:
            assert Browser(app, origin="https://mail.example").navigate("/account").status_code == 200
        """
        steps = self._navigate_steps(url, referrer_policy=referrer_policy, user_activated=user_activated)
        return _drive(steps, self._wire.exchange)

    def embed(self, url: str, *, as_: EmbedAs) -> Response:
        """Show an image of `url` in the page, or run it as a script: a GET of mode `no-cors`.

        https://html.spec.whatwg.org/multipage/urls-and-fetching.html#create-a-potential-cors-request

        Args:
            url: absolute, or relative to the base URL.
            as_: `image` or `script`, of elements without the attribute `crossorigin`.

        Returns:
            An opaque response, also on the page's own origin: scripts cannot read what an element loads. A
            test can read `history[-1].response`.

        Raises:
            CORSBlocked: a redirect was not valid, or there were too many.
            ValueError: an element cannot have such an argument.

        >>> async def app(scope, receive, send):
        ...     await send({"type": "http.response.start", "status": 200, "headers": []})
        ...     await send({"type": "http.response.body", "body": b"secret"})
        >>> page = Browser(app, origin="https://evil.example", base_url="https://bank.example")
        >>> page.embed("/logo.png", as_="image").content
        b''
        >>> page.history[-1].request.headers["sec-fetch-dest"], page.history[-1].response.status_code
        ('image', 200)
        """
        return _drive(self._embed_steps(url, as_), self._wire.exchange)

    def connect(self, url: str, *, subprotocols: Sequence[str] = ()) -> Handshake:
        """Open a websocket in the page's script, and close it again.

        https://websockets.spec.whatwg.org/#dom-websocket-websocket

        Args:
            url: ws, wss, http or https, or relative to the base URL.
            subprotocols: that the script offers.

        Raises:
            CORSBlocked: the server did not accept the handshake.
            ValueError: a browser would refuse the arguments before it sends anything.
        """
        return _drive(self._connect_steps(url, subprotocols), self._wire.shake_hands)


def _drive(
    steps: Generator[SentRequest, ReceivedResponse, _Result],
    exchange: Callable[[SentRequest], ReceivedResponse],
) -> _Result:
    """Send what the steps yield, until they return."""
    try:
        sent = next(steps)
        while True:
            sent = steps.send(exchange(sent))
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
