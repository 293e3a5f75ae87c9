"""A peculiarity of Chromium: what is preflighted after a redirect, or changes its method by it, begins anew.

Sec-Fetch-Site then says nothing of the redirects before. What the model sent is changed to that here, and
nothing else of it, so that all else can be compared.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from route_cors.testing.url_list import UrlList
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from route_cors.testing import Browser
    from route_cors.testing.history import Exchange

    from .cases import Sent


def begun_anew(
    browser: Browser, fetches: Sequence[Sequence[Exchange]], sent: Sequence[Sent]
) -> tuple[Sent, ...]:
    """What Chromium would have sent in place of `sent`, which are the exchanges of these fetches."""
    sites = [site for exchanges in fetches for site in _sites(browser, exchanges)]
    return tuple(_with_site(request, site) for request, site in zip(sent, sites, strict=True))


def _sites(browser: Browser, exchanges: Sequence[Exchange]) -> Iterator[str]:
    """The Sec-Fetch-Site of each request that was sent for one fetch."""
    urls = UrlList(browser._page, ())
    method = exchanges[0].request.method if exchanges else ""
    for exchange in exchanges:
        sent = exchange.request
        is_cors = sent.headers["sec-fetch-mode"] == "cors" and "origin" in sent.headers
        if exchange.step == "preflight" or (is_cors and sent.method != method):
            urls = replace(urls, urls=())
        if exchange.step == "actual":
            method = sent.method
        urls = urls.redirected_to(parse_url(sent.url))
        if not exchange.from_cache:
            yield urls.farthest


def _with_site(sent: Sent, site: str) -> Sent:
    headers = tuple((name, site if name == "sec-fetch-site" else value) for name, value in sent.headers)
    return replace(sent, headers=headers)
