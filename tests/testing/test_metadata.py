"""Sec-Fetch-*: what a browser says of who asks, how and for what, and where it says nothing."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing.metadata import metadata_headers
from route_cors.testing.url_list import UrlList
from route_cors.testing.urls import parse_url

from .machine import (
    FOR_ANY,
    FOR_PAGE,
    OWN_URL,
    PAGE,
    SIBLING,
    STRANGER,
    THIRD,
    URL,
    a_request,
    always,
    answer,
    fetched,
    log,
    open_page,
    redirect,
    serving,
)

if TYPE_CHECKING:
    from route_cors.testing.messages import SentRequest
    from route_cors.testing.page import Page
    from route_cors.testing.request import Mode

MADE_UP = "https://testserver"


def metadata(sent: SentRequest) -> list[str]:
    """The values of Sec-Fetch-*, each of which must be there once; whatever else the request holds."""
    return [value for name, value in sent.headers.raw if name.lower().startswith("sec-fetch-")]


def sites(page: Page) -> list[str | None]:
    return [exchange.request.headers.get("sec-fetch-site") for exchange in page.history.sent]


# --- Sec-Fetch-Site -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "url", "site"),
    [
        (PAGE, OWN_URL, "same-origin"),
        (PAGE, f"{PAGE}:443/", "same-origin"),
        (PAGE, f"{PAGE}:8443/", "same-site"),
        (PAGE, SIBLING, "same-site"),
        (PAGE, "https://example.com", "same-site"),
        (PAGE, STRANGER, "cross-site"),
        # A site is a scheme too, and a public suffix is none.
        ("http://app.example.com", SIBLING, "cross-site"),
        ("https://a.github.io", "https://b.github.io", "cross-site"),
        ("https://127.0.0.1", "https://127.0.0.1:8443", "same-site"),
        ("https://127.0.0.1", "https://127.0.0.2", "cross-site"),
        ("http://a.localhost", "http://b.a.localhost:81", "same-site"),
        ("http://a.localhost", "http://b.localhost", "cross-site"),
        ("http://localhost", "http://a.localhost", "cross-site"),
        # The origin null is of no site, its own included.
        ("null", OWN_URL, "cross-site"),
        ("null", MADE_UP, "cross-site"),
        # The host of an app that has none counts as of the page's own site.
        (STRANGER, MADE_UP, "same-site"),
        (MADE_UP, MADE_UP, "same-origin"),
    ],
)
def test_how_far_a_url_is_from_a_page(origin: str, url: str, site: str) -> None:
    page = open_page(origin)
    fetched(page, a_request(url, mode="no-cors"), always(answer()))
    assert sites(page) == [site]


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ([PAGE, SIBLING], ["same-origin", "same-site"]),
        ([SIBLING, PAGE], ["same-site", "same-site"]),
        ([STRANGER, PAGE], ["cross-site", "cross-site"]),
        ([STRANGER, SIBLING, PAGE], ["cross-site"] * 3),
        ([SIBLING, STRANGER, PAGE], ["same-site", "cross-site", "cross-site"]),
        ([PAGE, PAGE], ["same-origin", "same-origin"]),
    ],
)
def test_what_was_far_once_stays_so(way: list[str], said: list[str]) -> None:
    page = open_page()
    urls = [f"{origin}/{number}" for number, origin in enumerate(way)]
    answers = {url: redirect(target) for url, target in pairwise(urls)}
    fetched(page, a_request(urls[0], mode="no-cors"), serving({**answers, urls[-1]: answer()}))
    assert log(page) == [f"GET {url}" for url in urls]
    assert sites(page) == said


@given(st.lists(st.sampled_from([PAGE, SIBLING, STRANGER, THIRD, MADE_UP]), min_size=1))
def test_no_redirect_brings_a_request_nearer(way: list[str]) -> None:
    order = ["same-origin", "same-site", "cross-site"]
    page = open_page()
    urls = [parse_url(origin) for origin in way]
    each = [UrlList(page, (url,)).farthest for url in urls]
    assert UrlList(page, tuple(urls)).farthest == max(each, key=order.index)
    assert UrlList(open_page("null"), tuple(urls)).farthest == "cross-site"


# --- Sec-Fetch-Mode, Sec-Fetch-Dest, Sec-Fetch-User ---------------------------------------------------


@pytest.mark.parametrize("mode", ["cors", "no-cors", "same-origin"])
def test_a_fetch_is_for_nothing_in_particular(mode: Mode) -> None:
    page = open_page()
    fetched(page, a_request(OWN_URL, mode=mode), always(answer()))
    assert metadata(page.history[0].request) == ["same-origin", mode, "empty"]


def test_a_preflight_has_the_mode_cors() -> None:
    page = open_page()
    grant = answer(204, FOR_PAGE, "Access-Control-Allow-Methods: PUT")
    fetched(page, a_request(URL, method="PUT"), always(grant))
    assert log(page) == [f"OPTIONS {URL}", f"PUT {URL}"]
    for exchange in page.history:
        assert metadata(exchange.request) == ["same-site", "cors", "empty"]


def test_a_preflight_after_a_redirect_knows_of_it() -> None:
    page = open_page()
    allowed = answer(204, FOR_ANY, "Access-Control-Allow-Headers: x-token")
    answers = {
        f"OPTIONS {STRANGER}/": allowed,
        f"GET {STRANGER}/": redirect(URL, FOR_ANY),
        f"OPTIONS {URL}": allowed,
        f"GET {URL}": answer(200, FOR_ANY),
    }
    fetched(page, a_request(f"{STRANGER}/", headers={"X-Token": "t"}), serving(answers))
    assert sites(page) == ["cross-site"] * 4


@pytest.mark.parametrize(
    "name", ["Sec-Fetch-Site", "sec-fetch-mode", "SEC-FETCH-DEST", "Sec-Fetch-User", "Sec-Fetch-Other"]
)
def test_a_script_can_set_none_of_them(name: str) -> None:
    page = open_page(STRANGER)
    fetched(page, a_request(URL, headers={name: "same-origin"}), always(answer(200, FOR_ANY)))
    assert log(page) == [f"GET {URL}"]
    assert metadata(page.history[0].request) == ["cross-site", "cors", "empty"]


def test_a_person_is_told_last() -> None:
    urls = UrlList(open_page(), (parse_url(OWN_URL),))
    headers = metadata_headers(urls, "navigate", "document", user_activated=True)
    assert headers == [
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
        ("Sec-Fetch-User", "?1"),
    ]
    assert metadata_headers(urls, "navigate", "document") == headers[:3]


# --- where nobody is told -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://app.example.com/", False),
        ("http://testserver/", False),
        ("http://192.168.1.1/", False),
        ("http://localhost.example/", False),
        ("http://localhost:8000/", True),
        ("http://app.localhost/", True),
        ("http://127.0.0.1:8000/", True),
        ("http://127.9.9.9/", True),
        ("http://[::1]:8000/", True),
        ("https://192.168.1.1/", True),
    ],
)
def test_only_who_can_be_trusted_is_told(url: str, said: bool) -> None:
    page = open_page()
    grant = answer(204, FOR_PAGE, "Access-Control-Allow-Methods: PUT")
    fetched(page, a_request(url, method="PUT"), always(grant))
    expected = ["cross-site", "cors", "empty"] if said else []
    assert [metadata(exchange.request) for exchange in page.history] == [expected] * 2


def test_a_redirect_through_the_clear_is_remembered() -> None:
    page = open_page()
    answers = {
        OWN_URL: redirect("http://app.example.com/"),
        "http://app.example.com/": redirect(f"{PAGE}/end"),
    }
    fetched(page, a_request(OWN_URL, mode="no-cors"), serving({**answers, f"{PAGE}/end": answer()}))
    assert sites(page) == ["same-origin", None, "cross-site"]
