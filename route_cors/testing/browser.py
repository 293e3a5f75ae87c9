"""`Browser`: what a test calls."""

from __future__ import annotations

from operator import methodcaller
from typing import TYPE_CHECKING, Any, TypeVar

from route_cors.testing.any_browser import AnyBrowser
from route_cors.testing.history import CORSBlocked
from route_cors.testing.request import Body
from route_cors.testing.wires import wire_to

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from route_cors.testing.forms import EmbedAs, EncType, FormData, FormMethod
    from route_cors.testing.handshake import Handshake
    from route_cors.testing.messages import Navigation, ReceivedResponse, Response, SentRequest
    from route_cors.testing.referrer import ReferrerPolicy
    from route_cors.testing.request import Credentials, HeadersInit, Mode, Redirect

__all__ = ["Browser"]

# A failed test shows its own line and not these.
__tracebackhide__ = methodcaller("errisinstance", CORSBlocked)

_Result = TypeVar("_Result")


class Browser(AnyBrowser):
    """A page in a browser, for tests: calls go through only if a browser would let them through.

    https://fetch.spec.whatwg.org/#http-cors-protocol

    Args:
        target: what is tested: an ASGI app, the base URL of a live server, or an httpx or httpx2 client, such
            as a TestClient. A client is nothing but the wire: its cookies, headers and auth are not used.
            The lifespan of an app is not run; `with TestClient(app) as client` runs it.
        origin: of the page whose script calls: `https://app.example.com`, or `null` for a sandboxed frame.
        base_url: what relative URLs start from. Without it: the client's own, the live server's, or
            `https://testserver` for an app, whose host then counts as of the page's own site.
        clock: returns the seconds by which the preflight cache ages.

    Attributes:
        origin: the page's.
        history: what was sent and what came back; see `History`.
        cookies: the cookie jar; see `Cookies`.
        preflight_cache: see `PreflightCache`.

    Raises:
        ValueError: `origin` is not the origin of a page, or `base_url` is no http or https URL.
        TypeError: `target` is nothing to send requests to, or it is async; or an argument is unknown.

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
        referrer_policy: ReferrerPolicy = "",
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
            referrer_policy: `no-referrer` makes a POST say `Origin: null`, but not in mode `cors`.

        Raises:
            CORSBlocked: the script would get a TypeError that says "Failed to fetch".
            ValueError: a browser would refuse the arguments before it sends anything.

        What a client raises (no connection, nothing that is HTTP) comes through as it is.
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
        )
        return _drive(steps, self._wire.exchange)

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
        """Submit a form of the page, which the answer replaces: what CSRF is made of.

        https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#form-submission-2

        CORS has no part in it: there is no preflight, and no CORS header is needed. A form of another site
        sends the cookies with `SameSite=None` by POST, and those with `Lax` too by GET; one of the same site
        sends all. A POST says `Origin`. Redirects are followed, unless to another scheme than http and https.
        An app's own `https://testserver` is of every page's site: a `base_url` puts it on a site of its own.

        Args:
            url: the form's action.
            data: the fields by name, or pairs.
            method: `GET` puts the fields in place of the URL's query.
            enctype: of the body. `text/plain` can pass for JSON: `data={'{"a":"': '"}'}` sends `{"a":"="}`.
            referrer_policy: of the page; `no-referrer` makes a POST say `Origin: null`.
            user_activated: whether a person clicked, which `Sec-Fetch-User` says; else a script did.

        Returns:
            What the server did, for the test to look at. The page itself can read nothing of it, not even the
            status.

        Raises:
            CORSBlocked: a redirect led nowhere, or there were too many; never because of CORS.
            ValueError: no form can have such an argument.
            TypeError: a field is no string.

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
        """Follow a link of the page, which the answer replaces.

        It is a GET with cookies; from another site, without the `Strict` ones.

        https://html.spec.whatwg.org/multipage/links.html#following-hyperlinks

        Args:
            url: where the link leads.
            referrer_policy: of the page. A GET says no `Origin`, but a redirect may lead on.
            user_activated: whether a person clicked, which `Sec-Fetch-User` says; else a script did.

        Returns:
            What the server did, for the test to look at; the page can read nothing of it.

        Raises:
            CORSBlocked: a redirect led nowhere, or there were too many; never because of CORS.
            ValueError: no link can have such an argument.

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
            An opaque response, for the page's own origin too: no script reads what an element loads. The test
            can look at `history[-1].response`.

        Raises:
            CORSBlocked: a redirect led nowhere, or there were too many.
            ValueError: no element can have such an argument.

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
            subprotocols: those that the script offers.

        Raises:
            CORSBlocked: the server did not accept the handshake.
            ValueError: a browser would refuse the arguments before it sends anything.
        """
        return _drive(self._connect_steps(url, subprotocols), self._wire.shake_hands)


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
