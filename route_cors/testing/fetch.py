"""The browser's side of CORS, without I/O: generators that yield requests and are sent the responses.

`fetch`, `navigate` and `embed` are generators. Send each request that they yield as it is, without following
redirects or adding headers, and send the response into the generator. In the end it returns what the script
sees, or raises `CORSBlocked`:

    steps = fetch(page, request)
    sent = next(steps)              # the preflight, say
    sent = steps.send(received)     # the actual request

The methods of `_Fetch` are named after the algorithms of https://fetch.spec.whatwg.org/#fetching. They leave
out what does not concern CORS: the HTTP cache, CSP, mixed content, referrers, service workers, prompts, the
second attempt after a 421, and the Referrer-Policy of responses.
"""

from __future__ import annotations

from collections.abc import Generator
from operator import methodcaller
from typing import TYPE_CHECKING, Literal, NoReturn, TypeAlias

from route_cors.headers import is_forbidden_response_header
from route_cors.testing.cache import CacheKey
from route_cors.testing.causes import cause_of
from route_cors.testing.checks import (
    Asked,
    Refused,
    check_cors,
    check_preflight,
    readable_headers,
)
from route_cors.testing.console import console_line
from route_cors.testing.history import CORSBlocked, Exchange, Step
from route_cors.testing.messages import (
    REDIRECT_STATUSES,
    Headers,
    Navigation,
    ReceivedResponse,
    Response,
    SentRequest,
)
from route_cors.testing.metadata import metadata_headers
from route_cors.testing.redirects import becomes_get, check_redirect, location_url
from route_cors.testing.referrer import hides_origin
from route_cors.testing.safelist import (
    NON_WILDCARD_REQUEST_HEADER,
    REQUEST_BODY_HEADERS,
    SAFELISTED_METHODS,
    unsafe_names,
)
from route_cors.testing.url_list import UrlList

if TYPE_CHECKING:
    from route_cors.testing.page import Page
    from route_cors.testing.request import Request
    from route_cors.testing.urls import Url

__all__ = ["NavigationSteps", "Steps", "embed", "fetch", "navigate"]

# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", CORSBlocked)

Steps: TypeAlias = Generator[SentRequest, ReceivedResponse, Response]
"""Yields requests, is sent the responses, returns what the script sees."""

NavigationSteps: TypeAlias = Generator[SentRequest, ReceivedResponse, Navigation]
"""The same for a navigation to another page."""

_Exchanges: TypeAlias = Generator[SentRequest, ReceivedResponse, ReceivedResponse]

_OPAQUE = Response(0, Headers(), b"", "opaque", "")
"""https://fetch.spec.whatwg.org/#concept-filtered-response-opaque"""

_NULL_BODY_STATUSES = frozenset({101, 103, 204, 205, 304})


def fetch(page: Page, request: Request) -> Steps:
    """Do what a browser does when a script of `page` calls fetch.

    Raises:
        CORSBlocked: the script would get a network error.
    """
    under_way = _Fetch(page, request)
    return under_way.filtered((yield from under_way.run()))


def navigate(page: Page, request: Request) -> NavigationSteps:
    """Do what a browser does when `page` navigates to another page.

    Raises:
        CORSBlocked: a redirect was not valid, or there were too many.
    """
    under_way = _Fetch(page, request)
    received = yield from under_way.run()
    return Navigation(received.status_code, under_way.url)


def embed(page: Page, request: Request) -> Steps:
    """Do what a browser does for an element of `page`. Scripts cannot read the response.

    Raises:
        CORSBlocked: a redirect was not valid, or there were too many.
    """
    yield from _Fetch(page, request).run()
    return _OPAQUE


class _Fetch:
    """One request, with its state, which redirects change."""

    def __init__(self, page: Page, request: Request) -> None:
        self._page = page
        self._request = request
        self._method = request.method
        self._headers = _with_accept(request.headers)
        self._content = request.content
        self._urls = UrlList(page, (request.url,))
        self._tainting: Literal["basic", "cors", "opaque"] = "basic"
        self._last: Exchange | None = None

    # The algorithms, in the order in which they call each other

    def run(self) -> _Exchanges:
        """Send all requests, and return the last response, unfiltered."""
        try:
            return (yield from self._main_fetch())
        except Refused as refused:
            self._block(refused)

    def _main_fetch(self) -> _Exchanges:
        """Main fetch (https://fetch.spec.whatwg.org/#concept-main-fetch)."""
        is_own = self._url.origin == self._page.origin and self._tainting == "basic"
        if is_own or self._is_navigation:
            return (yield from self._http_fetch(make_preflight=False))
        if self._request.mode == "same-origin":
            raise Refused(
                "mode",
                'Request mode is "same-origin" but the URL\'s origin is not same as the request origin '
                f"{self._page.origin}.",
                fix="mode='cors', and a server that allows this origin",
                by_policy=False,
                cause="mode 'same-origin' does not call another origin",
            )
        if self._request.mode == "cors":
            self._tainting = "cors"
            return (yield from self._cors_fetch())
        if self._request.redirect != "follow":
            raise Refused(
                "mode",
                'Request mode is "no-cors" but the redirect mode is not "follow".',
                fix="redirect='follow'",
                by_policy=False,
                cause="mode 'no-cors' has to follow redirects",
            )
        self._tainting = "opaque"
        return (yield from self._http_fetch(make_preflight=False))

    def _cors_fetch(self) -> _Exchanges:
        """The last two cases of main fetch."""
        if self._method in SAFELISTED_METHODS and not unsafe_names(self._headers):
            return (yield from self._http_fetch(make_preflight=False))
        try:
            return (yield from self._http_fetch(make_preflight=True))
        except Refused:
            self._page.preflight_cache.forget(self._urls.origin, self._url.href)
            raise

    def _http_fetch(self, *, make_preflight: bool) -> _Exchanges:
        """HTTP fetch (https://fetch.spec.whatwg.org/#concept-http-fetch)."""
        if make_preflight:
            yield from self._preflight()
        received = yield from self._exchange("actual", self._actual_request())
        if self._includes_credentials:
            set_cookie = received.headers.get_all("set-cookie")
            may_set_all = self._urls.is_of_this_site or self._is_navigation
            self._page.cookies.store(set_cookie, self._url, same_site=may_set_all)
        if self._tainting == "cors":
            check_cors(received.headers, self._asked)
        if received.status_code not in REDIRECT_STATUSES or self._request.redirect == "manual":
            return received
        return (yield from self._http_redirect_fetch(received))

    def _http_redirect_fetch(self, received: ReceivedResponse) -> _Exchanges:
        """HTTP-redirect fetch (https://fetch.spec.whatwg.org/#concept-http-redirect-fetch)."""
        if self._request.redirect == "error":
            raise Refused(
                "redirect",
                "A redirect was received, and the redirect mode is 'error'.",
                fix="redirect='follow', or no redirect",
                by_policy=False,
                cause=f"the response is a redirect ({received.status_code})",
            )
        location = location_url(received.headers.get_all("location"), self._url)
        if location is None or (self._is_navigation and location.scheme not in {"http", "https"}):
            # A navigation to another scheme opens another program, or nothing.
            return received
        is_tainted = self._tainting == "cors"
        check_redirect(location, self._urls, mode=self._request.mode, is_tainted=is_tainted)
        self._apply_redirect(received.status_code, location)
        return (yield from self._main_fetch())

    def _preflight(self) -> Generator[SentRequest, ReceivedResponse, None]:
        """CORS-preflight fetch, unless cached (https://fetch.spec.whatwg.org/#cors-preflight-fetch)."""
        asked = self._asked
        sent = self._preflight_request(asked)
        cache = self._page.preflight_cache
        key = CacheKey(asked.origin, self._url.href, asked.include_credentials)
        method_is_known = asked.method in SAFELISTED_METHODS or cache.knows_method(key, asked.method)
        if method_is_known and all(cache.knows_header(key, name) for name in asked.unsafe_names):
            self._page.history.add(Exchange("preflight", sent, None, from_cache=True))
            return
        granted = check_preflight((yield from self._exchange("preflight", sent)), asked)
        cache.store(key, granted.methods, granted.header_names, granted.max_age)

    def _exchange(self, step: Step, sent: SentRequest) -> _Exchanges:
        received = yield sent
        self._last = Exchange(step, sent, received)
        self._page.history.add(self._last)
        return received

    # Their parts

    def _preflight_request(self, asked: Asked) -> SentRequest:
        headers = [("Accept", "*/*"), ("Access-Control-Request-Method", asked.method)]
        if asked.unsafe_names:
            headers.append(("Access-Control-Request-Headers", ",".join(asked.unsafe_names)))
        headers.append(("Origin", asked.origin))
        headers += metadata_headers(self._urls, "cors")
        return SentRequest("OPTIONS", self._url.on_the_wire, Headers(headers))

    def _actual_request(self) -> SentRequest:
        """The beginning of HTTP-network-or-cache fetch."""
        headers = list(self._headers)
        origin = self._origin_header()
        if origin is not None:
            headers.append(("Origin", origin))
        headers += metadata_headers(
            self._urls,
            self._request.mode,
            self._request.destination,
            user_activated=self._request.user_activated,
        )
        cookie = self._cookie_header()
        if cookie is not None:
            headers.append(("Cookie", cookie))
        return SentRequest(self._method, self._url.on_the_wire, Headers(headers), self._content or b"")

    def _origin_header(self) -> str | None:
        """Append a request Origin header (https://fetch.spec.whatwg.org/#append-a-request-origin-header)."""
        if self._tainting == "cors":
            return self._urls.origin
        if self._method in {"GET", "HEAD"}:
            return None
        policy = self._request.referrer_policy
        if self._request.mode != "cors" and hides_origin(policy, self._page.origin, self._url):
            return "null"
        return self._urls.origin

    def _cookie_header(self) -> str | None:
        if not self._includes_credentials:
            return None
        return self._page.cookies.header_for(
            self._url,
            same_site=self._urls.is_of_this_site,
            safe_navigation=self._is_navigation and self._method == "GET",
        )

    def _apply_redirect(self, status_code: int, location: Url) -> None:
        removed: set[str] = set()
        if becomes_get(status_code, self._method):
            self._method = "GET"
            self._content = None
            removed |= REQUEST_BODY_HEADERS
        if location.origin != self._url.origin:
            removed.add(NON_WILDCARD_REQUEST_HEADER)
        self._headers = tuple(header for header in self._headers if header[0].lower() not in removed)
        self._urls = self._urls.redirected_to(location)

    def filtered(self, response: ReceivedResponse) -> Response:
        """What a script sees of the response (https://fetch.spec.whatwg.org/#concept-filtered-response)."""
        if response.status_code in REDIRECT_STATUSES and self._request.redirect == "manual":
            return Response(0, Headers(), b"", "opaqueredirect", self.url)
        if self._tainting == "opaque":
            return _OPAQUE
        if self._tainting == "cors":
            include = self._request.credentials == "include"
            headers = readable_headers(response.headers, include_credentials=include)
        else:
            headers = Headers(
                header for header in response.headers.raw if not is_forbidden_response_header(header[0])
            )
        has_no_body = self._method == "HEAD" or response.status_code in _NULL_BODY_STATUSES
        content = b"" if has_no_body else response.content
        return Response(response.status_code, headers, content, self._tainting, self.url)

    # Properties of a request in the standard

    @property
    def url(self) -> str:
        """The URL of the response."""
        return self._url.without_fragment

    @property
    def _url(self) -> Url:
        return self._urls.current

    @property
    def _is_navigation(self) -> bool:
        return self._request.mode == "navigate"

    @property
    def _includes_credentials(self) -> bool:
        """Whether cookies are sent (https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch)."""
        credentials = self._request.credentials
        return credentials == "include" or (credentials == "same-origin" and self._tainting == "basic")

    @property
    def _asked(self) -> Asked:
        return Asked(
            origin=self._urls.origin,
            include_credentials=self._request.credentials == "include",
            method=self._method,
            unsafe_names=unsafe_names(self._headers),
        )

    def _block(self, refused: Refused) -> NoReturn:
        """Raise `CORSBlocked` with the last exchange."""
        sent = None if self._last is None else self._last.request
        received = None if self._last is None else self._last.response
        blocked = CORSBlocked(
            refused.step,
            console_line(refused, self._urls, self._request.destination),
            fix=refused.fix,
            cause=self._cause(refused, received),
            request=sent,
            response=received,
            show_secrets=self._page.show_secrets,
        )
        raise blocked from (None if received is None else received.error)

    def _cause(self, refused: Refused, received: ReceivedResponse | None) -> str:
        if refused.cause is not None or received is None:
            return f"{refused.cause or refused.step}: {', '.join(refused.fix.splitlines())}"
        return cause_of(refused.step, self._asked, received, self._actual_request(), self._page.unapplied)


def _with_accept(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The header that fetch adds first (https://fetch.spec.whatwg.org/#concept-fetch)."""
    has_one = any(name.lower() == "accept" for name, _ in headers)
    return headers if has_one else (*headers, ("Accept", "*/*"))
