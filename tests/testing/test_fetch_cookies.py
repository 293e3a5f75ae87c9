"""Cookies: which requests carry them, and from which responses they are taken."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from .machine import (
    FOR_NULL,
    FOR_PAGE,
    OWN_URL,
    PAGE,
    SIBLING,
    STRANGER,
    THIRD,
    URL,
    WITH_CREDENTIALS,
    a_request,
    always,
    answer,
    blocked,
    fetched,
    last_sent,
    open_page,
    redirect,
    serving,
    with_cookies,
)

if TYPE_CHECKING:
    from route_cors.testing.messages import ReceivedResponse, SentRequest
    from route_cors.testing.request import Credentials, Mode


@pytest.mark.parametrize(
    ("url", "credentials", "cookie"),
    [
        (OWN_URL, "omit", None),
        (OWN_URL, "same-origin", "near=1; far=2"),
        (OWN_URL, "include", "near=1; far=2"),
        (URL, "omit", None),
        (URL, "same-origin", None),
        (URL, "include", "near=1; far=2"),
        (STRANGER, "omit", None),
        (STRANGER, "same-origin", None),
        (STRANGER, "include", "far=2"),
    ],
)
@pytest.mark.parametrize("mode", ["cors", "no-cors"])
def test_cookies_go_where_the_credentials_mode_and_the_site_let_them(
    url: str, credentials: Credentials, cookie: str | None, mode: Mode
) -> None:
    page = with_cookies(open_page(), url)
    server = always(answer(200, FOR_PAGE, WITH_CREDENTIALS))
    fetched(page, a_request(url, credentials=credentials, mode=mode), server)
    assert last_sent(page).headers.get("cookie") == cookie


@pytest.mark.parametrize(
    ("url", "credentials", "stored"),
    [
        (OWN_URL, "omit", {}),
        (OWN_URL, "same-origin", {"a": "1", "b": "2"}),
        (OWN_URL, "include", {"a": "1", "b": "2"}),
        (URL, "omit", {}),
        (URL, "same-origin", {}),
        (URL, "include", {"a": "1", "b": "2"}),
        (STRANGER, "same-origin", {}),
        (STRANGER, "include", {"b": "2"}),
    ],
)
def test_cookies_are_stored_on_the_same_terms_whether_or_not_the_page_may_read(
    url: str, credentials: Credentials, stored: dict[str, str]
) -> None:
    page = open_page()
    set_cookie = ("Set-Cookie: a=1", "Set-Cookie: b=2; SameSite=None; Secure")
    request = a_request(url, credentials=credentials)
    if url == OWN_URL:
        fetched(page, request, always(answer(200, *set_cookie)))
    else:
        blocked(page, request, always(answer(200, *set_cookie)))
    assert dict(page.cookies) == stored


def test_a_sandboxed_page_is_of_no_site() -> None:
    page = with_cookies(open_page("null"), URL)
    fetched(page, a_request(URL, credentials="include"), always(answer(200, FOR_NULL, WITH_CREDENTIALS)))
    assert last_sent(page).headers["cookie"] == "far=2"


@pytest.mark.parametrize(
    ("chain", "cookie"),
    [
        ([PAGE, SIBLING], "near=1; far=2"),
        ([SIBLING, PAGE], "near=1; far=2"),
        ([SIBLING, f"{SIBLING}:8443", SIBLING], "near=1; far=2"),
        ([PAGE, STRANGER], "far=2"),
        ([STRANGER, PAGE], "far=2"),
        ([PAGE, STRANGER, SIBLING], "far=2"),
        ([STRANGER, THIRD], "far=2"),
    ],
)
def test_another_site_on_the_way_keeps_the_near_cookies_away(chain: list[str], cookie: str) -> None:
    page = with_cookies(open_page(), *chain)
    urls = [f"{host}/{place}" for place, host in enumerate(chain)]
    following = dict(pairwise(urls))

    def server(sent: SentRequest) -> ReceivedResponse:
        allow = (f"Access-Control-Allow-Origin: {sent.headers.get('origin', PAGE)}", WITH_CREDENTIALS)
        return redirect(following[sent.url], *allow) if sent.url in following else answer(200, *allow)

    fetched(page, a_request(urls[0], credentials="include"), server)
    assert last_sent(page).headers["cookie"] == cookie


def test_cookies_of_a_redirect_go_along_at_once() -> None:
    page = open_page()
    answers = {OWN_URL: redirect("/home", "Set-Cookie: session=s; Path=/"), f"{PAGE}/home": answer()}
    fetched(page, a_request(OWN_URL, method="POST"), serving(answers))
    assert last_sent(page).headers["cookie"] == "session=s"


def test_same_origin_credentials_stay_behind_when_the_request_leaves() -> None:
    page = with_cookies(open_page(), OWN_URL, URL)
    answers = {
        OWN_URL: redirect(URL),
        URL: redirect(f"{PAGE}/end", FOR_PAGE),
        f"{PAGE}/end": answer(200, FOR_NULL),
    }
    fetched(page, a_request(OWN_URL), serving(answers))
    assert ["cookie" in exchange.request.headers for exchange in page.history] == [True, False, False]
