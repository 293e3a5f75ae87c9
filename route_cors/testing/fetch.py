"""A browser's side of CORS, without I/O: a machine that yields requests and is sent the responses.

`fetch` is a generator. Each request that it yields is to be sent as it is, with nothing followed or added.
What came back is sent into the generator, until it returns what the script sees or raises `CORSBlocked`:

    steps = fetch(page, request)
    sent = next(steps)              # the preflight, say
    sent = steps.send(received)     # the actual request

The methods of `_Fetch` are named after the algorithms of https://fetch.spec.whatwg.org/#fetching, and leave
out what has nothing to do with CORS: the HTTP cache, CSP, mixed content, referrers, service workers, prompts,
the second attempt after a 421.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from itertools import pairwise
from operator import methodcaller
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeAlias

from route_cors.headers import is_forbidden_response_header
from route_cors.testing.cache import CacheKey, PreflightCache
from route_cors.testing.checks import (
    Asked,
    Refused,
    check_cors,
    check_preflight,
    readable_headers,
)
from route_cors.testing.history import CORSBlocked, Exchange, History, Step
from route_cors.testing.messages import (
    REDIRECT_STATUSES,
    Headers,
    ReceivedResponse,
    Response,
    SentRequest,
)
from route_cors.testing.safelist import (
    NON_WILDCARD_REQUEST_HEADER,
    REQUEST_BODY_HEADERS,
    SAFELISTED_METHODS,
    unsafe_names,
)
from route_cors.testing.urls import Url, is_same_site, parse_url

if TYPE_CHECKING:
    from route_cors.testing.cookies import Cookies
    from route_cors.testing.request import Request

__all__ = ["Page", "Steps", "fetch"]

# A failed test shows its own line and not these.
__tracebackhide__ = methodcaller("errisinstance", CORSBlocked)

Steps: TypeAlias = Generator[SentRequest, ReceivedResponse, Response]
"""Yields what a browser sends, is sent what came back, returns what the script sees."""

_Exchanges: TypeAlias = Generator[SentRequest, ReceivedResponse, ReceivedResponse]
_Taint: TypeAlias = Literal["same-origin", "same-site", "cross-site"]

_MOST_REDIRECTS: Final = 20
_NULL_BODY_STATUSES = frozenset({101, 103, 204, 205, 304})


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is open, and the browser around it.

    Args:
        origin: serialized; `null` for a sandboxed one.
        url: the same as a URL; None for `null`.
        private_network: whether whatever is not of its own origin is in a more private network than the page.
        cookies, preflight_cache, history: the browser's, which fetches change.
    """

    origin: str
    url: Url | None
    private_network: bool
    cookies: Cookies
    preflight_cache: PreflightCache
    history: History


def fetch(page: Page, request: Request) -> Steps:
    """Do what a browser does when a script of `page` calls fetch.

    Raises:
        CORSBlocked: the script would get a network error.
    """
    return _Fetch(page, request).run()


class _Fetch:
    """One call of fetch on its way: what of its request changes with redirects."""

    def __init__(self, page: Page, request: Request) -> None:
        self._page = page
        self._request = request
        self._method = request.method
        self._headers = _with_accept(request.headers)
        self._content = request.content
        self._urls = [request.url]
        self._tainting: Literal["basic", "cors", "opaque"] = "basic"
        self._last: Exchange | None = None

    # The algorithms, in the order in which they call each other

    def run(self) -> Steps:
        try:
            response = yield from self._main_fetch()
        except Refused as refused:
            self._block(refused)
        return self._filtered(response)

    def _main_fetch(self) -> _Exchanges:
        """Main fetch (https://fetch.spec.whatwg.org/#concept-main-fetch)."""
        if self._url.origin == self._page.origin and self._tainting == "basic":
            return (yield from self._http_fetch(make_preflight=False))
        if self._request.mode == "same-origin":
            raise Refused(
                "mode",
                'Request mode is "same-origin" but the URL\'s origin is not same as the request origin '
                f"{self._page.origin}.",
                fix="mode='cors', and a server that allows this origin",
                by_policy=False,
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
            )
        self._tainting = "opaque"
        return (yield from self._http_fetch(make_preflight=self._is_more_private))

    def _cors_fetch(self) -> _Exchanges:
        """The last two cases of main fetch."""
        is_simple = self._method in SAFELISTED_METHODS and not unsafe_names(self._headers)
        if is_simple and not self._is_more_private:
            return (yield from self._http_fetch(make_preflight=False))
        try:
            return (yield from self._http_fetch(make_preflight=True))
        except Refused:
            self._page.preflight_cache.forget(self._origin, self._url.href)
            raise

    def _http_fetch(self, *, make_preflight: bool) -> _Exchanges:
        """HTTP fetch (https://fetch.spec.whatwg.org/#concept-http-fetch)."""
        if make_preflight:
            yield from self._preflight()
        received = yield from self._exchange("actual", self._actual_request())
        if self._includes_credentials:
            set_cookie = received.headers.get_all("set-cookie")
            self._page.cookies.store(set_cookie, self._url, same_site=self._is_of_this_site)
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
            )
        location = self._location(received.headers.get_all("location"))
        if location is None:
            return received
        self._check_redirect(location)
        self._apply_redirect(received.status_code, location)
        return (yield from self._main_fetch())

    def _preflight(self) -> Generator[SentRequest, ReceivedResponse, None]:
        """CORS-preflight fetch, unless cached (https://fetch.spec.whatwg.org/#cors-preflight-fetch)."""
        asked = self._asked
        sent = self._preflight_request(asked)
        cache = self._page.preflight_cache
        key = CacheKey(asked.origin, self._url.href, asked.include_credentials)
        # A private network is asked about whatever the method.
        needs_no_method = asked.method in SAFELISTED_METHODS and not asked.private_network
        method_is_known = needs_no_method or cache.knows_method(key, asked.method)
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
        if asked.private_network:
            headers.append(("Access-Control-Request-Private-Network", "true"))
        headers.append(("Origin", asked.origin))
        return SentRequest("OPTIONS", self._url.on_the_wire, Headers(headers))

    def _actual_request(self) -> SentRequest:
        """The beginning of HTTP-network-or-cache fetch."""
        headers = list(self._headers)
        origin = self._origin_header()
        if origin is not None:
            headers.append(("Origin", origin))
        if self._includes_credentials:
            cookie = self._page.cookies.header_for(self._url, same_site=self._is_of_this_site)
            if cookie is not None:
                headers.append(("Cookie", cookie))
        return SentRequest(self._method, self._url.on_the_wire, Headers(headers), self._content or b"")

    def _origin_header(self) -> str | None:
        """Under the default referrer policy (https://fetch.spec.whatwg.org/#append-a-request-origin-header)."""
        if self._tainting == "cors":
            return self._origin
        if self._method in {"GET", "HEAD"}:
            return None
        from_https = self._page.origin.startswith("https:")
        if self._request.mode != "cors" and from_https and self._url.scheme != "https":
            return "null"
        return self._origin

    def _location(self, values: tuple[str, ...]) -> Url | None:
        """Location URL (https://fetch.spec.whatwg.org/#concept-response-location-url)."""
        if not values:
            return None
        first, *others = values
        if others:
            said = f"Several Location headers: {', '.join(values)}."
            raise Refused("redirect", said, fix="one of them", by_policy=False)
        try:
            location = parse_url(first, self._url)
        except ValueError as error:
            said = f"The redirect leads nowhere: {error}."
            raise Refused("redirect", said, fix="a valid Location", by_policy=False) from None
        if location.fragment is None and self._url.fragment is not None:
            return location.with_fragment(self._url.fragment)
        return location

    def _check_redirect(self, location: Url) -> None:
        if location.scheme not in {"http", "https"}:
            raise Refused(
                "redirect",
                "Cross origin requests are only supported for protocol schemes: http, https.",
                fix="a Location of http or https",
            )
        if len(self._urls) > _MOST_REDIRECTS:
            said = f"More than {_MOST_REDIRECTS} redirects."
            raise Refused("redirect", said, fix="an end to them", by_policy=False)
        crosses = self._request.mode == "cors" and location.origin != self._page.origin
        if location.has_credentials and (crosses or self._tainting == "cors"):
            raise Refused(
                "redirect",
                f"Redirect location '{location.href}' contains a username and password, which is disallowed "
                "for cross-origin requests.",
                fix="a Location without a username and password",
            )

    def _apply_redirect(self, status_code: int, location: Url) -> None:
        match status_code:
            case 301 | 302:
                becomes_get = self._method == "POST"
            case 303:
                becomes_get = self._method not in {"GET", "HEAD"}
            case _:
                becomes_get = False
        removed: set[str] = set()
        if becomes_get:
            self._method = "GET"
            self._content = None
            removed |= REQUEST_BODY_HEADERS
        if location.origin != self._url.origin:
            removed.add(NON_WILDCARD_REQUEST_HEADER)
        self._headers = tuple(header for header in self._headers if header[0].lower() not in removed)
        self._urls.append(location)

    def _filtered(self, response: ReceivedResponse) -> Response:
        """The filtered response (https://fetch.spec.whatwg.org/#concept-filtered-response)."""
        url = self._url.without_fragment
        if response.status_code in REDIRECT_STATUSES and self._request.redirect == "manual":
            return Response(0, Headers(), b"", "opaqueredirect", url)
        if self._tainting == "opaque":
            return Response(0, Headers(), b"", "opaque", "")
        if self._tainting == "cors":
            include = self._request.credentials == "include"
            headers = readable_headers(response.headers, include_credentials=include)
        else:
            headers = Headers(
                header for header in response.headers.raw if not is_forbidden_response_header(header[0])
            )
        has_no_body = self._method == "HEAD" or response.status_code in _NULL_BODY_STATUSES
        content = b"" if has_no_body else response.content
        return Response(response.status_code, headers, content, self._tainting, url)

    # What the standard reads off a request

    @property
    def _url(self) -> Url:
        """The current URL (https://fetch.spec.whatwg.org/#concept-request-current-url)."""
        return self._urls[-1]

    @property
    def _redirect_taint(self) -> _Taint:
        """The redirect-taint (https://fetch.spec.whatwg.org/#concept-request-tainted-origin)."""
        taint: _Taint = "same-origin"
        for last, url in pairwise(self._urls):
            if not is_same_site(url, last) and not is_same_site(last, self._page.url):
                return "cross-site"
            if last.origin not in {url.origin, self._page.origin}:
                taint = "same-site"
        return taint

    @property
    def _origin(self) -> str:
        """The serialized origin (https://fetch.spec.whatwg.org/#serializing-a-request-origin)."""
        return self._page.origin if self._redirect_taint == "same-origin" else "null"

    @property
    def _includes_credentials(self) -> bool:
        """Whether cookies go along (https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch)."""
        credentials = self._request.credentials
        return credentials == "include" or (credentials == "same-origin" and self._tainting == "basic")

    @property
    def _is_of_this_site(self) -> bool:
        """The same-site mode (https://fetch.spec.whatwg.org/#determine-the-same-site-mode)."""
        return is_same_site(self._url, self._page.url) and self._redirect_taint != "cross-site"

    @property
    def _is_more_private(self) -> bool:
        return self._page.private_network and self._url.origin != self._page.origin

    @property
    def _asked(self) -> Asked:
        return Asked(
            origin=self._origin,
            include_credentials=self._request.credentials == "include",
            method=self._method,
            unsafe_names=unsafe_names(self._headers),
            private_network=self._is_more_private,
        )

    def _block(self, refused: Refused) -> NoReturn:
        """Say it as Chrome's console does, with the exchange that was the last."""
        sent = None if self._last is None else self._last.request
        received = None if self._last is None else self._last.response
        said = f"Fetch API cannot load {self._url.href}. {refused.reason}"
        if refused.by_policy:
            came_from = f" (redirected from '{self._urls[0].href}')" if len(self._urls) > 1 else ""
            said = (
                f"Access to fetch at '{self._url.href}'{came_from} from origin '{self._page.origin}' has "
                f"been blocked by CORS policy: {refused.reason}"
            )
        blocked = CORSBlocked(refused.step, said, fix=refused.fix, request=sent, response=received)
        raise blocked from (None if received is None else received.error)


def _with_accept(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What fetch adds before anything else (https://fetch.spec.whatwg.org/#concept-fetch)."""
    has_one = any(name.lower() == "accept" for name, _ in headers)
    return headers if has_one else (*headers, ("Accept", "*/*"))
