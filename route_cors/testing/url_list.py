"""The URLs of a request, from the first through all redirects, and what follows from them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, TypeAlias

from route_cors.testing.urls import is_same_site, site_of

if TYPE_CHECKING:
    from route_cors.testing.page import Page
    from route_cors.testing.urls import Url

Relation: TypeAlias = Literal["same-origin", "same-site", "cross-site"]
"""Of a URL to a page. A page with the origin `null` is cross-site to everything, itself included."""


@dataclass(frozen=True, slots=True)
class UrlList:
    """The URLs of a request of a page (https://fetch.spec.whatwg.org/#concept-request-url-list).

    Args:
        page: that sends the request.
        urls: at least one; http or https.
    """

    page: Page
    urls: tuple[Url, ...]

    def redirected_to(self, url: Url) -> UrlList:
        """The list with one more URL."""
        return replace(self, urls=(*self.urls, url))

    @property
    def current(self) -> Url:
        """The current URL (https://fetch.spec.whatwg.org/#concept-request-current-url)."""
        return self.urls[-1]

    @property
    def redirect_taint(self) -> Relation:
        """The redirect-taint (https://fetch.spec.whatwg.org/#concept-request-tainted-origin)."""
        taint: Relation = "same-origin"
        for last, url in pairwise(self.urls):
            if not is_same_site(url, last) and not is_same_site(last, self.page.url):
                return "cross-site"
            if last.origin not in {url.origin, self.page.origin}:
                taint = "same-site"
        return taint

    @property
    def origin(self) -> str:
        """The serialized origin (https://fetch.spec.whatwg.org/#serializing-a-request-origin)."""
        return self.page.origin if self.redirect_taint == "same-origin" else "null"

    @property
    def is_of_this_site(self) -> bool:
        """Whether all its cookies are sent (https://fetch.spec.whatwg.org/#determine-the-same-site-mode)."""
        if not is_same_site(self.current, self.page.url):
            return False
        return self.redirect_taint != "cross-site" or not self.page.engine.same_site_looks_at_redirects

    @property
    def embedded_in(self) -> str | None:
        """The site of the page, if the current URL is of another one; of a sandboxed page it is not known."""
        page = self.page.url
        return None if page is None or is_same_site(self.current, page) else site_of(page)

    @property
    def has_just_left_an_origin(self) -> bool:
        """Whether the last redirect, if there was one, led to another origin."""
        return len(self.urls) > 1 and self.current.origin != self.urls[-2].origin

    @property
    def has_left_an_origin(self) -> bool:
        """Whether a redirect led to another origin."""
        return any(url.origin != last.origin for last, url in pairwise(self.urls))

    @property
    def farthest(self) -> Relation:
        """The farthest relation of a URL to the page: the value of Sec-Fetch-Site.

        https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header
        """
        farthest: Relation = "same-origin"
        for url in self.urls:
            if url.origin == self.page.origin:
                continue
            if not is_same_site(url, self.page.url):
                return "cross-site"
            farthest = "same-site"
        is_redirected = len(self.urls) > 1
        if farthest == "same-site" and is_redirected and self.page.engine.redirected_same_site_is_cross_site:
            return "cross-site"
        return farthest
