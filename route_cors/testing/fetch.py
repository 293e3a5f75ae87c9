"""The browser's side of CORS, without I/O: generators that yield requests and are sent the responses.

`fetch`, `navigate` and `embed` are generators. Send each request that they yield as it is, without following
redirects or adding headers, and send the response into the generator. In the end it returns what the script
sees, or raises `CORSBlocked`:

    steps = fetch(page, request)
    sent = next(steps)              # such as the preflight
    sent = steps.send(received)     # the actual request

The methods of `_Fetch` are named after the algorithms of https://fetch.spec.whatwg.org/#fetching. What they
send is made in sending.py. They leave out what does not concern CORS: the HTTP cache, CSP, mixed content,
referrers, service workers, prompts, the second attempt after a 421, and the Referrer-Policy of responses.
"""

from __future__ import annotations

from collections.abc import Generator
from operator import methodcaller
from typing import TYPE_CHECKING, NoReturn, TypeAlias

from route_cors.headers import SAFELISTED_METHODS
from route_cors.testing.cache import CacheKey
from route_cors.testing.causes import cause_of
from route_cors.testing.checks import (
    Asked,
    Refused,
    check_cors,
    check_preflight,
)
from route_cors.testing.console import console_line
from route_cors.testing.filtering import OPAQUE
from route_cors.testing.history import CORSBlocked, Exchange, Step
from route_cors.testing.messages import (
    REDIRECT_STATUSES,
    Navigation,
    ReceivedResponse,
    Response,
    SentRequest,
)
from route_cors.testing.redirects import check_redirect
from route_cors.testing.sending import Sending
from route_cors.testing.urls import Url

if TYPE_CHECKING:
    from route_cors.testing.page import Page
    from route_cors.testing.request import Request

# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", CORSBlocked)

Steps: TypeAlias = Generator[SentRequest, ReceivedResponse, Response]
"""Yields requests, is sent the responses, returns what the script sees."""

NavigationSteps: TypeAlias = Generator[SentRequest, ReceivedResponse, Navigation]
"""The same for a navigation to another page."""

StreamSteps: TypeAlias = Generator[SentRequest, ReceivedResponse, tuple[ReceivedResponse, tuple[Url, ...]]]
"""The same for a stream of events: the last response, the first URL and those that redirects led to."""

_Exchanges: TypeAlias = Generator[SentRequest, ReceivedResponse, ReceivedResponse]

_SEE_OTHER = 303


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
    return OPAQUE


def open_stream(page: Page, request: Request) -> StreamSteps:
    """Do what a browser does when an EventSource of `page` connects.

    Raises:
        CORSBlocked: the EventSource would get a network error.
    """
    under_way = _Fetch(page, request)
    received = yield from under_way.run()
    return received, under_way.urls


class _Fetch(Sending):
    """The algorithms, over the state of one request."""

    def __init__(self, page: Page, request: Request) -> None:
        super().__init__(page, request)
        self._last: Exchange | None = None

    # The algorithms, in the order in which they call each other

    def run(self) -> _Exchanges:
        """Send all requests, and return the last response, unfiltered."""
        try:
            if self._engine.checks_keepalive_first:
                self._check_keepalive()
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
        needs_none = self._method in SAFELISTED_METHODS and not self._asked.unsafe_names
        if self._request.preflight == "never" or (needs_none and self._request.preflight == "if needed"):
            return (yield from self._http_fetch(make_preflight=False))
        try:
            return (yield from self._http_fetch(make_preflight=True))
        except Refused:
            self._page.preflight_cache.forget(self._asked_first.origin, self._url.href)
            raise

    def _http_fetch(self, *, make_preflight: bool) -> _Exchanges:
        """HTTP fetch (https://fetch.spec.whatwg.org/#concept-http-fetch)."""
        if make_preflight:
            yield from self._preflight()
        self._check_keepalive()
        self._check_stream()
        received = yield from self._exchange("actual", self._actual_request())
        if self._includes_credentials:
            set_cookie = received.headers.get_all("set-cookie")
            may_set_all = self._urls.is_of_this_site or self._is_navigation
            self._page.cookies.store(
                set_cookie, self._url, same_site=may_set_all, embedded_in=self._embedded_in
            )
        if self._tainting == "cors":
            check_cors(received.headers, self._asked_of(received))
        if received.status_code not in REDIRECT_STATUSES:
            return received
        if self._request.redirect == "manual":
            if self._engine.reads_location_for_manual:
                self._location(received)
            return received
        return (yield from self._http_redirect_fetch(received))

    def _http_redirect_fetch(self, received: ReceivedResponse) -> _Exchanges:
        """HTTP-redirect fetch (https://fetch.spec.whatwg.org/#concept-http-redirect-fetch)."""
        if self._request.redirect == "error":
            if self._engine.needs_location_for_error and not any(received.headers.get_all("location")):
                return received
            raise Refused(
                "redirect",
                "A redirect was received, and the redirect mode is 'error'.",
                fix="redirect='follow', or no redirect",
                by_policy=False,
                cause=f"the response is a redirect ({received.status_code})",
            )
        location = self._location(received)
        if location is None or (self._is_navigation and location.scheme not in {"http", "https"}):
            # A navigation to another scheme opens another program, or nothing.
            return received
        is_tainted = self._tainting == "cors"
        check_redirect(location, self._urls, mode=self._request.mode, is_tainted=is_tainted)
        if self._request.is_stream and self._content is not None and received.status_code != _SEE_OTHER:
            raise Refused(
                "redirect",
                "A redirect was received, and the body is a stream, which cannot be sent again.",
                fix="303 See Other, or a body that is not a stream",
                by_policy=False,
                cause=f"the response is a redirect ({received.status_code}), and the body is a stream",
            )
        self._apply_redirect(received.status_code, location)
        return (yield from self._main_fetch())

    def _preflight(self) -> Generator[SentRequest, ReceivedResponse, None]:
        """CORS-preflight fetch, unless cached (https://fetch.spec.whatwg.org/#cors-preflight-fetch)."""
        asked = self._asked_first
        sent = self._preflight_request(asked)
        cache = self._page.preflight_cache
        key = CacheKey(asked.origin, self._url.href, asked.include_credentials)
        if self._is_known(asked, key):
            self._page.history.add(Exchange("preflight", sent, None, from_cache=True))
            return
        cache.missed(key)
        granted = check_preflight((yield from self._exchange("preflight", sent)), asked)
        cache.store(key, granted.methods, granted.header_names, granted.max_age)

    def _is_known(self, asked: Asked, key: CacheKey) -> bool:
        """Whether the cache makes a preflight unnecessary: the beginning of HTTP fetch."""
        if asked.is_forced and not self._engine.caches_forced_preflights:
            return False
        cache = self._page.preflight_cache
        looks_up = asked.is_forced or (self._engine.looks_up_head and asked.method == "HEAD")
        needs_none = asked.method in SAFELISTED_METHODS and not looks_up
        return (needs_none or cache.knows_method(key, asked.method)) and all(
            cache.knows_header(key, name) for name in asked.unsafe_names
        )

    def _exchange(self, step: Step, sent: SentRequest) -> _Exchanges:
        received = yield sent
        self._last = Exchange(step, sent, received)
        self._page.history.add(self._last)
        return received

    # How it ends

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
        asked = self._asked_first if refused.step == "preflight" else self._asked
        return cause_of(refused.step, asked, received, self._actual_request(), self._page.unapplied)
