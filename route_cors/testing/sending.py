"""What a browser sends for one request, and what follows from its state, which redirects change."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from route_cors.testing.checks import Asked, Refused
from route_cors.testing.filtering import filtered
from route_cors.testing.messages import (
    REDIRECT_STATUSES,
    Headers,
    ReceivedResponse,
    Response,
    SentRequest,
)
from route_cors.testing.metadata import metadata_headers, preflight_metadata
from route_cors.testing.redirects import becomes_get, location_url
from route_cors.testing.referrer import hides_origin
from route_cors.testing.safelist import (
    NON_WILDCARD_REQUEST_HEADER,
    REQUEST_BODY_HEADERS,
    unsafe_names,
)
from route_cors.testing.url_list import UrlList

if TYPE_CHECKING:
    from route_cors.testing.filtering import Tainting
    from route_cors.testing.page import Page
    from route_cors.testing.request import Request
    from route_cors.testing.set_cookie import Navigation
    from route_cors.testing.urls import Url

_LONGEST_KEPT_ALIVE = 64 * 1024


class Sending:
    """One request, with its state.

    Args:
        page: that sends it.
        request: as the page made it.
    """

    def __init__(self, page: Page, request: Request) -> None:
        self._page = page
        self._engine = page.engine
        self._request = request
        self._method = request.method
        self._headers = _with_accept(request.headers)
        self._content = request.content
        self._urls = UrlList(page, (request.url,))
        self._tainting: Tainting = "basic"
        self._removed: tuple[tuple[str, str], ...] = ()
        self._kept_origin: str | None = None

    def _preflight_request(self, asked: Asked) -> SentRequest:
        headers = [("Accept", "*/*"), ("Access-Control-Request-Method", asked.method)]
        if asked.unsafe_names:
            headers.append(("Access-Control-Request-Headers", ",".join(asked.unsafe_names)))
        headers.append(("Origin", asked.origin))
        headers += preflight_metadata(self._urls)
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
        return SentRequest(
            self._method,
            self._url.on_the_wire,
            Headers(headers),
            self._content or b"",
            is_stream=self._request.is_stream and self._content is not None,
            most_events=self._request.most_events,
        )

    def _origin_header(self) -> str | None:
        """Append a request Origin header (https://fetch.spec.whatwg.org/#append-a-request-origin-header)."""
        if self._tainting == "cors":
            return self._urls.origin
        if self._method in {"GET", "HEAD"}:
            return "null" if self._is_sandboxed_get_with_origin else self._kept_origin
        if self._engine.hides_origin_after_redirect and self._urls.has_left_an_origin:
            return "null"
        ignores = not self._engine.origin_follows_referrer_policy and not self._is_navigation
        if self._request.mode == "cors" or ignores:
            return self._urls.origin
        hides = hides_origin(self._request.referrer_policy, self._page.origin, self._url)
        return "null" if hides else self._urls.origin

    @property
    def _is_sandboxed_get_with_origin(self) -> bool:
        request = self._request
        is_fetch = request.mode == "no-cors" and not request.destination
        has_credentials = request.credentials == "include"
        is_sandboxed = self._page.origin == "null"
        return self._engine.sandboxed_get_has_origin and is_sandboxed and is_fetch and has_credentials

    def _cookie_header(self) -> str | None:
        if not self._includes_credentials:
            return None
        of_navigation: Navigation = "safe" if self._method == "GET" else "unsafe"
        return self._page.cookies.header_for(
            self._url,
            same_site=self._urls.is_of_this_site,
            navigation=of_navigation if self._is_navigation else "no",
            embedded_in=self._embedded_in,
        )

    def _location(self, received: ReceivedResponse) -> Url | None:
        return location_url(received.headers.get_all("location"), self._url, self._engine)

    def _check_keepalive(self) -> None:
        """A step of HTTP-network-or-cache fetch."""
        size = len(self._content or b"")
        if self._request.keepalive and size > _LONGEST_KEPT_ALIVE:
            raise Refused(
                "actual",
                f"The request has keepalive, and its body of {size} bytes is longer than 64 KiB.",
                fix=f"a body of at most {_LONGEST_KEPT_ALIVE} bytes, or keepalive=False",
                by_policy=False,
            )

    def _check_stream(self) -> None:
        needs_tls = self._engine.request_streams == "sent over TLS"
        if self._request.is_stream and needs_tls and self._url.scheme == "http":
            raise Refused(
                "actual",
                "The body is a stream, which is sent over HTTP/2 only, and so not to a URL of http.",
                fix="a URL of https, or a body that is not a stream",
                by_policy=False,
            )

    def _apply_redirect(self, status_code: int, location: Url) -> None:
        removed: set[str] = set()
        was_get = self._method in {"GET", "HEAD"}
        stays = location.origin == self._url.origin
        if self._engine.keeps_origin_after_redirect and not self._is_navigation:
            self._kept_origin = self._origin_header() if stays else None
        if becomes_get(status_code, self._method):
            self._method = "GET"
            self._content = None
            removed |= REQUEST_BODY_HEADERS
        if not stays:
            removed.add(NON_WILDCARD_REQUEST_HEADER)
        self._removed += tuple(header for header in self._headers if header[0].lower() in removed)
        self._headers = tuple(header for header in self._headers if header[0].lower() not in removed)
        self._urls = self._urls.redirected_to(location)
        if was_get:
            self._bring_back_body_headers(status_code)

    def _bring_back_body_headers(self, status_code: int) -> None:
        """Some engines start again from the headers that the script gave, and keep all of them in a GET."""
        lost = [header for header in self._removed if header[0].lower() in REQUEST_BODY_HEADERS]
        returning = self._returning_body_headers(status_code)
        keeps = self._engine.body_headers_return != "with 307 and 308"
        kept = [header for header in self._headers if header not in lost or keeps]
        self._headers = (*kept, *(each for each in lost if each[0].lower() in returning and each not in kept))

    def _returning_body_headers(self, status_code: int) -> frozenset[str]:
        keeps_method = status_code in {307, 308}
        match self._engine.body_headers_return:
            case "never":
                return frozenset()
            case "with 307 and 308":
                return REQUEST_BODY_HEADERS if keeps_method else frozenset()
            case _:
                if self._request.mode == "cors" and self._urls.farthest != "same-origin":
                    return REQUEST_BODY_HEADERS
                had_left = self._began_at_its_page and self._urls.urls[-2].origin != self._page.origin
                return frozenset({"content-type"}) if keeps_method and not had_left else frozenset()

    def filtered(self, response: ReceivedResponse) -> Response:
        """What a script sees of the response."""
        return filtered(
            response,
            self._request,
            tainting=self._tainting,
            method=self._method,
            url=self.url,
            engine=self._engine,
        )

    # Properties of a request in the standard

    @property
    def url(self) -> str:
        """The URL of the response."""
        return self._url.without_fragment

    @property
    def urls(self) -> tuple[Url, ...]:
        """The first URL, and those that redirects led to."""
        return self._urls.urls

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
        if credentials != "same-origin":
            return credentials == "include"
        began_here = self._request.mode == "no-cors" and self._began_at_its_page
        keeps = self._engine.keeps_credentials_after_redirect
        return self._tainting == "basic" or (keeps and began_here)

    @property
    def _began_at_its_page(self) -> bool:
        """Whether the first URL is of the page's own origin."""
        return self._request.url.origin == self._page.origin

    @property
    def _embedded_in(self) -> str | None:
        return None if self._is_navigation else self._urls.embedded_in

    @property
    def _asked(self) -> Asked:
        return Asked(
            origin=self._urls.origin,
            include_credentials=self._request.credentials == "include",
            method=self._method,
            unsafe_names=unsafe_names(self._headers, self._engine),
            engine=self._engine,
            is_forced=self._request.preflight == "always",
        )

    def _asked_of(self, received: ReceivedResponse) -> Asked:
        """What this response has to grant."""
        asked = self._asked
        leads_on = received.status_code in REDIRECT_STATUSES and any(received.headers.get_all("location"))
        had_credentials = self._request.credentials == "same-origin" and self._began_at_its_page
        if self._engine.checks_redirects_with_first_credentials and leads_on and had_credentials:
            return replace(asked, include_credentials=True)
        return asked

    @property
    def _asked_first(self) -> Asked:
        """What the preflight asks."""
        asked = self._asked
        if self._engine.preflight_names_page:
            asked = replace(asked, origin=self._page.origin)
        if self._engine.preflight_names_removed_headers:
            headers = (*self._headers, *(each for each in self._removed if each not in self._headers))
            asked = replace(asked, unsafe_names=unsafe_names(headers, self._engine))
        return asked


def _with_accept(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """The header that fetch adds first (https://fetch.spec.whatwg.org/#concept-fetch)."""
    has_one = any(name.lower() == "accept" for name, _ in headers)
    return headers if has_one else (*headers, ("Accept", "*/*"))
