"""Which cookies each engine stores and sends, where that differs from RFC 6265bis."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from route_cors.testing.fetch import navigate
from route_cors.testing.forms import build_navigation, build_submission
from route_cors.testing.handshake import connect, websocket_url
from route_cors.testing.urls import parse_url

from .machine import (
    ENGINES,
    EVERY_ENGINE,
    FOR_NULL,
    FOR_PAGE,
    OWN_URL,
    SIBLING,
    STRANGER,
    THIRD,
    URL,
    WITH_CREDENTIALS,
    a_request,
    always,
    answer,
    drive,
    fetched,
    last_sent,
    open_page,
    redirect,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from route_cors.testing.engines import EngineName
    from route_cors.testing.page import Page

OPEN = (FOR_PAGE, WITH_CREDENTIALS)
FAR = f"{STRANGER}/x"


def sent(page: Page, url: str, *, credentials: str = "include") -> str | None:
    """The cookies of a fetch."""
    server = always(answer(200, FOR_NULL if page.url is None else FOR_PAGE, WITH_CREDENTIALS))
    fetched(page, a_request(url, credentials="include" if credentials == "include" else "omit"), server)
    return last_sent(page).headers.get("cookie")


def posted(page: Page, url: str) -> str | None:
    """The cookies of a form's POST."""
    form = build_submission(
        url,
        base=None,
        data=None,
        method="POST",
        enctype="text/plain",
        referrer_policy="",
        user_activated=False,
    )
    drive(navigate(page, form), always(answer()))
    return last_sent(page).headers.get("cookie")


def followed(page: Page, url: str) -> str | None:
    """The cookies of a link."""
    link = build_navigation(url, base=None, referrer_policy="", user_activated=False)
    drive(navigate(page, link), always(answer()))
    return last_sent(page).headers.get("cookie")


def store(page: Page, url: str, *cookies: str) -> None:
    """As the server of `url` does on its own page."""
    page.cookies.store(cookies, parse_url(url), same_site=True)


ALL = (
    "no=1",
    "odd=1; SameSite=odd",
    "lax=1; SameSite=Lax",
    "open=1; SameSite=None",
    "none=1; SameSite=None; Secure",
    "strict=1; SameSite=Strict",
)


@pytest.mark.parametrize(
    ("send", "cookies"),
    [
        (sent, ("none=1", "none=1", None, "no=1; odd=1; open=1; none=1")),
        (posted, ("none=1", "no=1; odd=1; none=1", "no=1; odd=1; none=1", "no=1; odd=1; open=1; none=1")),
        (
            followed,
            (
                "no=1; odd=1; lax=1; none=1",
                "no=1; odd=1; lax=1; none=1",
                "no=1; odd=1; lax=1; none=1",
                "no=1; odd=1; lax=1; open=1; none=1",
            ),
        ),
    ],
)
def test_which_cookies_another_site_gets(
    send: Callable[[Page, str], str | None], cookies: tuple[str | None, ...]
) -> None:
    for engine, expected in zip(ENGINES, cookies, strict=True):
        page = open_page(engine=engine)
        store(page, FAR, *ALL)
        assert send(page, FAR) == expected


@EVERY_ENGINE
def test_a_cookie_without_same_site_is_older_than_two_minutes(
    engine: EngineName, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(engine=engine)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    store(page, FAR, "no=1", "lax=1; SameSite=Lax")
    monkeypatch.setattr(time, "time", lambda: now + 119)
    assert posted(page, FAR) == (None if engine == "standard" else "no=1")
    monkeypatch.setattr(time, "time", lambda: now + 120)
    assert posted(page, FAR) == ("no=1" if engine in {"firefox", "webkit"} else None)
    assert posted(replace(page, url=parse_url(STRANGER)), FAR) == "no=1; lax=1"


@EVERY_ENGINE
def test_cookies_that_another_site_sets(engine: EngineName) -> None:
    page = open_page(engine=engine)
    new = always(answer(200, *OPEN, "Set-Cookie: new=1; SameSite=None; Secure"))
    fetched(page, a_request(FAR, credentials="include"), new)
    assert sent(page, FAR) == (None if engine == "webkit" else "new=1")
    # Its own pages have them only where they are not kept apart.
    assert followed(page, FAR) == ("new=1" if engine in {"standard", "chromium"} else None)


def test_firefox_keeps_the_cookies_of_other_sites_for_each_site() -> None:
    page = open_page(engine="firefox")
    fetched(
        page,
        a_request(FAR, credentials="include"),
        always(answer(200, *OPEN, "Set-Cookie: a=1; SameSite=None; Secure", "Set-Cookie: b=1")),
    )
    store(page, FAR, "own=1; SameSite=None; Secure")
    assert sent(page, FAR) == "a=1; b=1"
    assert [cookie.jar for cookie in page.cookies.stored] == ["https://example.com"] * 2 + [None]

    neighbour = replace(page, origin=SIBLING, url=parse_url(SIBLING))
    third = replace(page, origin=THIRD, url=parse_url(THIRD))
    link = a_request(FAR, credentials="include", mode="no-cors")
    fetched(neighbour, link, always(answer()))
    assert last_sent(neighbour).headers["cookie"] == "a=1; b=1"
    fetched(third, link, always(answer()))
    assert "cookie" not in last_sent(third).headers


@EVERY_ENGINE
def test_a_sandboxed_page_is_of_no_known_site(engine: EngineName) -> None:
    page = open_page("null", engine=engine)
    store(page, FAR, "none=1; SameSite=None; Secure")
    assert sent(page, FAR) == "none=1"


@EVERY_ENGINE
def test_the_cookies_of_a_websocket(engine: EngineName) -> None:
    page = open_page(engine=engine)
    store(page, FAR, "none=1; SameSite=None; Secure")
    accepting = always(answer(101, "Set-Cookie: new=1; SameSite=None; Secure"))
    for _ in range(2):
        drive(connect(page, websocket_url(FAR, None), ()), accepting)
    assert (
        last_sent(page).headers.get("cookie")
        == {
            "standard": "none=1; new=1",
            "chromium": "none=1; new=1",
            "firefox": "new=1",
            "webkit": "none=1",
        }[engine]
    )


@EVERY_ENGINE
def test_secure_cookies_and_this_machine(engine: EngineName) -> None:
    page = open_page("http://localhost:3000", engine=engine)
    api = "http://localhost:8000/"
    store(page, api, "secure=1; Secure", "plain=1")
    fetched(page, a_request(api, credentials="include", mode="no-cors"), always(answer()))
    expected = "plain=1" if engine == "webkit" else "secure=1; plain=1"
    assert last_sent(page).headers["cookie"] == expected
    store(page, "https://localhost/", "secure=2; Secure")
    store(page, api, "secure=3")
    fetched(page, a_request(api, credentials="include", mode="no-cors"), always(answer()))
    # WebKit does not let what is insecure there replace what is secure.
    assert ("secure=3" in last_sent(page).headers["cookie"]) is (engine != "webkit")


@EVERY_ENGINE
def test_same_site_and_redirects(engine: EngineName) -> None:
    page = open_page(engine=engine)
    store(page, URL, "lax=1; SameSite=Lax")
    server = serving({FAR: redirect(URL, *OPEN), URL: answer(200, FOR_NULL, WITH_CREDENTIALS)})
    fetched(page, a_request(FAR, credentials="include"), server)
    assert last_sent(page).headers.get("cookie") == (None if engine == "standard" else "lax=1")


@EVERY_ENGINE
def test_a_tab_in_a_cookie(engine: EngineName) -> None:
    page = open_page(engine=engine)
    store(page, URL, "a=b\tc", "d=e")
    expected = {"chromium": "d=e", "webkit": "a=b; d=e"}.get(engine, "a=b\tc; d=e")
    assert sent(page, URL) == expected


@EVERY_ENGINE
def test_the_position_of_a_cookie_with_a_new_value(engine: EngineName) -> None:
    page = open_page(engine=engine)
    store(page, URL, "a=1", "b=2", "a=1")
    assert sent(page, URL) == "a=1; b=2"
    store(page, URL, "a=3")
    assert sent(page, URL) == ("b=2; a=3" if engine == "chromium" else "a=3; b=2")


@EVERY_ENGINE
def test_a_no_cors_fetch_that_leaves_its_origin(engine: EngineName) -> None:
    page = open_page(engine=engine)
    store(page, OWN_URL, "own=1")
    store(page, URL, "api=1")
    server = serving({OWN_URL: redirect(URL, *OPEN), URL: answer(200, *OPEN)})
    fetched(page, a_request(OWN_URL, mode="no-cors"), server)
    assert last_sent(page).headers.get("cookie") == ("api=1" if engine == "webkit" else None)
    fetched(page, a_request(OWN_URL), server)
    assert "cookie" not in last_sent(page).headers
    fetched(page, a_request(URL, mode="no-cors"), server)
    assert "cookie" not in last_sent(page).headers


@EVERY_ENGINE
def test_credentials_omit_sends_nothing_anywhere(engine: EngineName) -> None:
    page = open_page(engine=engine)
    store(page, URL, *ALL)
    assert sent(page, URL, credentials="omit") is None
