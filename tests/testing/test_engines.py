"""What each engine does where it differs from the standard, each as tests/browser/ has seen it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing import AsyncBrowser, Browser
from route_cors.testing.engines import STANDARD, Engine, EngineName, engine_named
from route_cors.testing.fetch import embed, navigate
from route_cors.testing.forms import build_embed, build_navigation, build_submission
from route_cors.testing.handshake import connect, websocket_url
from route_cors.testing.request import Credentials

from .machine import (
    ALLOW_PUT,
    ENGINES,
    EVERY_ENGINE,
    FOR_ANY,
    FOR_NULL,
    FOR_PAGE,
    OWN_URL,
    PAGE,
    SIBLING,
    STRANGER,
    URL,
    WITH_CREDENTIALS,
    Clock,
    a_request,
    always,
    answer,
    blocked,
    drive,
    fetched,
    last_sent,
    log,
    open_page,
    redirect,
    serving,
)
from .site import A, Site

if TYPE_CHECKING:
    from route_cors.testing.messages import ReceivedResponse, SentRequest
    from route_cors.testing.page import Page
    from route_cors.testing.request import Mode, Redirect

BROWSERS: Final[tuple[EngineName, ...]] = ENGINES[1:]
CUSTOM = {"X-One": "1"}
OTHER = f"{SIBLING}/other"


def preflights(page: Page) -> int:
    return len(page.history.preflights)


# --- The argument -------------------------------------------------------------------------------------


def test_nothing_named_is_the_standard() -> None:
    assert engine_named("standard") is STANDARD == Engine()
    assert open_page().engine is STANDARD
    assert Browser(Site(), origin=A)._page.engine is STANDARD


@pytest.mark.parametrize("browser", [Browser, AsyncBrowser])
@pytest.mark.parametrize("engine", ["safari", "Chromium", "", None, 1])
def test_an_engine_that_is_not_known_names_those_that_are(browser: type[Browser], engine: EngineName) -> None:
    said = f"^engine: {engine!r}: must be one of 'standard', 'chromium', 'firefox', 'webkit'$"
    with pytest.raises(ValueError, match=said):
        browser(Site(), origin=A, engine=engine)


@EVERY_ENGINE
@pytest.mark.parametrize("browser", [Browser, AsyncBrowser])
def test_every_page_of_a_browser_has_its_engine(browser: type[Browser], engine: EngineName) -> None:
    one = browser(Site(), origin=A, engine=engine)
    other = one.page(origin=STRANGER)
    assert one._page.engine is other._page.engine is engine_named(engine)
    assert one.preflight_cache._engine is one.cookies._engine is engine_named(engine)


# --- Preflights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", ["omit", "include"])
@EVERY_ENGINE
def test_the_wildcard_and_authorization(engine: EngineName, credentials: Credentials) -> None:
    page = open_page(engine=engine)
    request = replace(a_request(URL, headers={"Authorization": "a"}), credentials=credentials)
    server = always(answer(200, FOR_PAGE, WITH_CREDENTIALS, "Access-Control-Allow-Headers: *"))
    if engine == "standard" or credentials == "include":
        assert blocked(page, request, server).step == "preflight"
    else:
        assert fetched(page, request, server).status_code == 200


@pytest.mark.parametrize(
    ("name", "value", "safe"),
    [
        ("DPR", "2", True),
        ("Device-Memory", "0.5", True),
        ("Downlink", "1.5", True),
        ("ECT", "4g", True),
        ("RTT", "100", True),
        ("Save-Data", "on", True),
        ("Viewport-Width", "100", True),
        ("Width", "100", True),
        ("Width", "1.5", False),
        ("DPR", "2\u00b2", False),
        ("ECT", "5g", False),
        ("Save-Data", "off", False),
        ("DPRX", "2", False),
    ],
)
@EVERY_ENGINE
def test_client_hints(engine: EngineName, name: str, value: str, safe: bool) -> None:
    page = open_page(engine=engine)
    fetched(
        page,
        a_request(URL, headers={name: value}),
        always(answer(200, FOR_ANY, "Access-Control-Allow-Headers: *")),
    )
    assert preflights(page) == (0 if safe and engine == "chromium" else 1)


@pytest.mark.parametrize(
    ("headers", "with_preflight"),
    [
        ([("Accept", "a" * 65)] * 2, {"chromium", "webkit"}),
        ([("Accept", "a" * 63), ("accept", "a" * 63)], set[str]()),
        ([("Range", f"bytes=0-{2**63 - 1}")], set[str]()),
        ([("Range", f"bytes=0-{2**63}")], {"chromium"}),
        ([("Range", f"bytes={2**63}-")], {"chromium"}),
        ([("Accept", "\xe9")], {"firefox"}),
        (
            [("Accept", "a" * 128), ("Accept-Language", "a" * 128), ("Content-Language", "a" * 128)],
            set[str](),
        ),
    ],
)
@EVERY_ENGINE
def test_which_headers_need_a_preflight(
    engine: EngineName, headers: list[tuple[str, str]], with_preflight: set[str]
) -> None:
    page = open_page(engine=engine)
    server = always(answer(200, FOR_ANY, "Access-Control-Allow-Headers: *"))
    fetched(page, a_request(URL, headers=headers), server)
    assert preflights(page) == (engine in with_preflight)


@EVERY_ENGINE
def test_safelisted_headers_of_more_than_1024_bytes_together(engine: EngineName) -> None:
    page = open_page(engine=engine)
    names = ["Accept", "Accept-Language", "Content-Language"] * 3
    server = always(answer(200, FOR_ANY, "Access-Control-Allow-Headers: *"))
    fetched(page, a_request(URL, headers=[(name, "a" * 120) for name in names]), server)
    # In Chromium and WebKit it is a joined value that is too long.
    assert preflights(page) == (engine != "firefox")


@EVERY_ENGINE
def test_a_preflight_after_a_redirect_removed_headers(engine: EngineName) -> None:
    page = open_page(engine=engine)
    headers = {"Authorization": "a", "X-One": "1"}
    grants = answer(204, FOR_ANY, "Access-Control-Allow-Headers: authorization, x-one")
    server = serving(
        {
            f"OPTIONS {URL}": grants,
            URL: redirect(f"{STRANGER}/", FOR_ANY),
            f"OPTIONS {STRANGER}/": grants,
            f"{STRANGER}/": answer(200, FOR_ANY),
        }
    )
    assert fetched(page, a_request(URL, headers=headers), server).status_code == 200
    asked = page.history.preflights[-1].request
    assert asked.headers["access-control-request-headers"] == (
        "authorization,x-one" if engine == "webkit" else "x-one"
    )
    assert asked.headers["origin"] == (PAGE if engine == "firefox" else "null")
    assert "authorization" not in last_sent(page).headers
    assert last_sent(page).headers["origin"] == "null"


@EVERY_ENGINE
def test_a_preflight_after_a_redirect_removed_the_body(engine: EngineName) -> None:
    page = open_page(engine=engine)
    grants = answer(204, FOR_ANY, "Access-Control-Allow-Headers: content-type, x-one")
    server = serving(
        {
            f"OPTIONS {URL}": grants,
            URL: redirect(OTHER, FOR_ANY, status=303),
            f"OPTIONS {OTHER}": grants,
            OTHER: answer(200, FOR_ANY),
        }
    )
    fetched(page, a_request(URL, method="POST", json=1, headers=CUSTOM), server)
    asked = page.history.preflights[-1].request.headers["access-control-request-headers"]
    assert asked == ("content-type,x-one" if engine == "webkit" else "x-one")
    assert "content-type" not in last_sent(page).headers


# --- The preflight cache ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "seconds"),
    [
        ("86401", (7200, 7200, 86400, 600)),
        ("9" * 5000, (7200, 7200, 86400, 600)),
        ("599", (599, 599, 599, 599)),
        ("00", (0, 0, 0, 0)),
        ("-1", (5, 0, 0, 0)),
        ("abc", (5, 5, 0, 5)),
        ("600, 5", (5, 5, 0, 5)),
        ("--1", (5, 5, 0, 5)),
        (None, (5, 5, 5, 5)),
    ],
)
def test_for_how_long_an_answer_is_cached(age: str | None, seconds: tuple[int, ...]) -> None:
    lines = [] if age is None else [f"Access-Control-Max-Age: {age}"]
    server = always(answer(200, FOR_ANY, ALLOW_PUT, *lines))
    for engine, kept_for in zip(ENGINES, seconds, strict=True):
        clock = Clock()
        page = open_page(clock=clock, engine=engine)
        fetched(page, a_request(URL, method="PUT"), server)
        assert len(page.preflight_cache) == (kept_for > 0)
        clock.now = max(kept_for - 1, 0)
        assert len(page.preflight_cache) == (kept_for > 0)
        clock.now = kept_for
        assert len(page.preflight_cache) == 0


@EVERY_ENGINE
def test_the_cache_of_a_sandboxed_page(engine: EngineName) -> None:
    page = open_page("null", engine=engine)
    for _ in range(2):
        fetched(page, a_request(URL, method="PUT"), always(answer(200, FOR_NULL, ALLOW_PUT)))
    assert preflights(page) == (2 if engine in {"chromium", "firefox"} else 1)


@EVERY_ENGINE
def test_a_blocked_response_and_the_cache(engine: EngineName) -> None:
    page = open_page(engine=engine)
    request = a_request(URL, method="PUT")
    allowed = always(answer(200, FOR_ANY, ALLOW_PUT))
    fetched(page, request, allowed)
    blocked(page, request, always(answer()))
    fetched(page, request, allowed)
    assert preflights(page) == (1 if engine in {"chromium", "webkit"} else 2)


@EVERY_ENGINE
def test_another_preflight_of_the_same_url(engine: EngineName) -> None:
    page = open_page(engine=engine)
    put, custom = a_request(URL, method="PUT"), a_request(URL, headers=CUSTOM)
    fetched(page, put, always(answer(200, FOR_ANY, ALLOW_PUT)))
    fetched(page, custom, always(answer(200, FOR_ANY, "Access-Control-Allow-Headers: x-one")))
    fetched(page, put, always(answer(200, FOR_ANY, ALLOW_PUT)))
    assert preflights(page) == (3 if engine in {"chromium", "webkit"} else 2)


@EVERY_ENGINE
def test_a_preflight_that_is_refused_after_one_that_was_granted(engine: EngineName) -> None:
    page = open_page(engine=engine)
    fetched(page, a_request(URL, method="PUT"), always(answer(200, FOR_ANY, ALLOW_PUT)))
    blocked(page, a_request(URL, headers=CUSTOM), always(answer(403)))
    assert len(page.preflight_cache) == 0


@pytest.mark.parametrize(
    ("stored", "asked", "known_to"),
    [
        ("omit", "omit", {"standard", "chromium", "webkit"}),
        ("omit", "include", set[str]()),
        ("include", "omit", {"standard", "webkit"}),
        ("include", "include", {"standard"}),
    ],
)
@EVERY_ENGINE
def test_a_cached_wildcard(
    engine: EngineName, stored: Credentials, asked: Credentials, known_to: set[str]
) -> None:
    page = open_page(engine=engine)
    server = always(answer(200, FOR_PAGE, WITH_CREDENTIALS, "Access-Control-Allow-Methods: *, PUT, DELETE"))
    only_wildcard = always(answer(200, FOR_PAGE, WITH_CREDENTIALS, "Access-Control-Allow-Methods: *, PUT"))
    fetched(page, replace(a_request(URL, method="PUT"), credentials=stored), only_wildcard)
    fetched(page, replace(a_request(URL, method="DELETE"), credentials=asked), server)
    assert preflights(page) == (1 if engine in known_to else 2)


@pytest.mark.parametrize(
    ("name", "known_to"),
    [("X-One", {"standard", "chromium", "webkit"}), ("Authorization", {"webkit"})],
)
@EVERY_ENGINE
def test_a_cached_wildcard_for_headers(engine: EngineName, name: str, known_to: set[str]) -> None:
    page = open_page(engine=engine)
    fetched(
        page,
        a_request(URL, headers={"X-Two": "2"}),
        always(answer(200, FOR_ANY, "Access-Control-Allow-Headers: *, x-two")),
    )
    fetched(
        page,
        a_request(URL, headers={name: "1"}),
        always(answer(200, FOR_ANY, f"Access-Control-Allow-Headers: {name}")),
    )
    assert preflights(page) == (1 if engine in known_to else 2)


@EVERY_ENGINE
def test_what_was_granted_with_credentials_is_asked_without(engine: EngineName) -> None:
    page = open_page(engine=engine)
    server = always(answer(200, FOR_PAGE, WITH_CREDENTIALS, ALLOW_PUT))
    fetched(page, a_request(URL, method="PUT", credentials="include"), server)
    fetched(page, a_request(URL, method="PUT"), server)
    assert preflights(page) == (2 if engine == "firefox" else 1)


@EVERY_ENGINE
def test_head_and_the_cache(engine: EngineName) -> None:
    page = open_page(engine=engine)
    for _ in range(2):
        server = always(answer(200, FOR_ANY, "Access-Control-Allow-Headers: x-one"))
        fetched(page, a_request(URL, method="HEAD", headers=CUSTOM), server)
    assert preflights(page) == (2 if engine == "firefox" else 1)


# --- Redirects ----------------------------------------------------------------------------------------


@EVERY_ENGINE
def test_a_redirect_to_a_url_with_a_user(engine: EngineName) -> None:
    page = open_page(engine=engine)
    server = serving({OWN_URL: redirect("https://user@app.example.com/y"), f"{PAGE}/y": answer()})
    if engine == "chromium":
        assert blocked(page, a_request(OWN_URL), server).step == "redirect"
    else:
        assert fetched(page, a_request(OWN_URL), server).status_code == 200
    link = build_navigation(OWN_URL, base=None, referrer_policy="", user_activated=False)
    assert drive(navigate(page, link), server).status_code == 200


@pytest.mark.parametrize(
    ("mode", "locations", "outcomes"),
    [
        ("follow", [""], {"standard": "loop", "chromium": 302, "firefox": "loop", "webkit": "blocked"}),
        ("error", [""], {"standard": "blocked", "chromium": 302, "firefox": "blocked", "webkit": 302}),
        ("error", [], {"standard": "blocked", "chromium": 302, "firefox": "blocked", "webkit": 302}),
        ("error", [OTHER], dict.fromkeys(ENGINES, "blocked")),
        ("manual", ["http://[/"], {"standard": 0, "chromium": "blocked", "firefox": 0, "webkit": 0}),
        ("manual", [OTHER], dict.fromkeys(ENGINES, 0)),
        ("manual", [], dict.fromkeys(ENGINES, 0)),
        ("follow", [OTHER, OTHER], {"standard": "blocked", "chromium": 200, "firefox": 200, "webkit": 404}),
        (
            "follow",
            [OTHER, URL],
            {"standard": "blocked", "chromium": "blocked", "firefox": "blocked", "webkit": 404},
        ),
        ("follow", [], dict.fromkeys(ENGINES, 302)),
    ],
)
@EVERY_ENGINE
def test_locations(
    engine: EngineName, mode: Redirect, locations: list[str], outcomes: dict[str, object]
) -> None:
    page = open_page(engine=engine)

    def server(sent: SentRequest) -> ReceivedResponse:
        if sent.url == OTHER:
            return answer(200, FOR_ANY)
        if sent.url != URL:
            return answer(404, FOR_ANY)
        return answer(302, FOR_ANY, *(f"Location: {location}" for location in locations))

    request = a_request(URL, redirect=mode)
    expected = outcomes[engine]
    if expected == "loop":
        assert "More than 20 redirects" in blocked(page, request, server).reason
    elif expected == "blocked":
        assert blocked(page, request, server).step == "redirect"
        assert log(page) == [f"GET {URL}"]
    else:
        assert fetched(page, request, server).status_code == expected


# --- Origin -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("as_", ["fetch", "form"])
@EVERY_ENGINE
def test_the_origin_of_a_post_after_a_redirect(engine: EngineName, as_: str) -> None:
    for way, hidden_by in (((OWN_URL, OWN_URL), set[str]()), ((OWN_URL, OTHER), {"chromium"})):
        page = open_page(engine=engine)
        first, last = f"{PAGE}/first", way[1]
        server = serving({first: redirect(last), last: answer()})
        if as_ == "fetch":
            fetched(page, a_request(first, method="POST", mode="no-cors"), server)
        else:
            form = build_submission(
                first,
                base=None,
                data=None,
                method="POST",
                enctype="text/plain",
                referrer_policy="",
                user_activated=False,
            )
            drive(navigate(page, form), server)
        assert last_sent(page).headers["origin"] == ("null" if engine in hidden_by else PAGE)


@EVERY_ENGINE
def test_the_origin_of_a_post_without_referrer(engine: EngineName) -> None:
    modes: tuple[Mode, ...] = ("no-cors", "cors")
    for mode in modes:
        page = open_page(engine=engine)
        request = replace(a_request(URL, method="POST", referrer_policy="no-referrer"), mode=mode)
        fetched(page, request, always(answer(200, FOR_ANY)))
        is_hidden = mode == "no-cors" and engine != "chromium"
        assert last_sent(page).headers["origin"] == ("null" if is_hidden else PAGE)
    page = open_page(engine=engine)
    form = build_submission(
        URL,
        base=None,
        data=None,
        method="POST",
        enctype="text/plain",
        referrer_policy="no-referrer",
        user_activated=False,
    )
    drive(navigate(page, form), always(answer()))
    assert last_sent(page).headers["origin"] == "null"


@EVERY_ENGINE
def test_the_origin_of_a_get_of_a_sandboxed_page(engine: EngineName) -> None:
    pages: tuple[tuple[str, Credentials], ...] = (("null", "include"), ("null", "omit"), (PAGE, "include"))
    for origin, credentials in pages:
        page = open_page(origin, engine=engine)
        request = replace(a_request(URL, mode="no-cors"), credentials=credentials)
        fetched(page, request, always(answer()))
        has_one = engine == "firefox" and (origin, credentials) == ("null", "include")
        assert last_sent(page).headers.get("origin") == ("null" if has_one else None)
    page = open_page("null", engine=engine)
    drive(embed(page, build_embed(URL, base=None, as_="image")), always(answer()))
    assert "origin" not in last_sent(page).headers


# --- Sec-Fetch-* --------------------------------------------------------------------------------------


@EVERY_ENGINE
def test_a_handshake_and_sec_fetch(engine: EngineName) -> None:
    page = open_page(engine=engine)
    drive(connect(page, websocket_url(URL, None), ()), always(answer(101)))
    expected = None if engine == "chromium" else "websocket"
    assert last_sent(page).headers.get("sec-fetch-mode") == expected


@pytest.mark.parametrize(
    ("first", "last", "sites"),
    [
        (URL, OTHER, ("same-site", "same-site", "cross-site", "same-site")),
        (OWN_URL, f"{PAGE}/other", ("same-origin",) * 4),
        (OWN_URL, URL, ("same-site", "same-site", "cross-site", None)),
        (URL, OWN_URL, ("same-site", "same-site", "cross-site", None)),
        (URL, STRANGER, ("cross-site", "cross-site", "cross-site", None)),
    ],
)
def test_sec_fetch_site_after_a_redirect(first: str, last: str, sites: tuple[str | None, ...]) -> None:
    server = serving(
        {first: redirect(last, FOR_ANY), f"{STRANGER}/": answer(200, FOR_ANY), last: answer(200, FOR_ANY)}
    )
    for engine, site in zip(ENGINES, sites, strict=True):
        page = open_page(engine=engine)
        fetched(page, a_request(first), server)
        assert last_sent(page).headers.get("sec-fetch-site") == site
        page = open_page(engine=engine)
        fetched(page, a_request(first, mode="no-cors"), server)
        by_mode = sites[0] if site is None else site
        assert last_sent(page).headers.get("sec-fetch-site") == by_mode


@EVERY_ENGINE
def test_a_redirect_within_the_second_origin_has_sec_fetch_again(engine: EngineName) -> None:
    page = open_page(engine=engine)
    # WebKit asks a redirect for credentials as well.
    leads_on = redirect(OTHER, FOR_PAGE, WITH_CREDENTIALS)
    server = serving({OWN_URL: redirect(URL), URL: leads_on, OTHER: answer(200, FOR_ANY)})
    fetched(page, a_request(OWN_URL), server)
    sites = [exchange.request.headers.get("sec-fetch-site") for exchange in page.history]
    assert (
        sites
        == {
            "standard": ["same-origin", "same-site", "same-site"],
            "chromium": ["same-origin", "same-site", "same-site"],
            "firefox": ["same-origin", "cross-site", "cross-site"],
            "webkit": ["same-origin", None, "same-site"],
        }[engine]
    )


@pytest.mark.parametrize(
    ("first", "last", "sites"),
    [
        (URL, OTHER, ("same-site",) * 4),
        (URL, OWN_URL, ("same-site", "same-origin", "same-origin", "cross-site")),
        (OWN_URL, URL, ("same-site",) * 4),
        ("http://api.example.com/notes", "http://api.example.com/y", (None,) * 4),
    ],
)
def test_sec_fetch_site_of_a_preflight_after_a_redirect(
    first: str, last: str, sites: tuple[str | None, ...]
) -> None:
    grants = answer(204, FOR_ANY, "Access-Control-Allow-Headers: x-one")
    server = serving(
        {
            f"OPTIONS {first}": grants,
            f"OPTIONS {last}": grants,
            first: redirect(last, FOR_ANY),
            last: answer(200, FOR_ANY),
        }
    )
    for engine, site in zip(ENGINES, sites, strict=True):
        page = open_page(engine=engine)
        fetched(page, a_request(first, headers=CUSTOM), server)
        assert page.history.preflights[-1].request.headers.get("sec-fetch-site") == site


# --- All together -------------------------------------------------------------------------------------


@given(
    engine=st.sampled_from(BROWSERS),
    method=st.sampled_from(["GET", "POST", "PUT"]),
    headers=st.dictionaries(st.sampled_from(["X-One", "Authorization", "Accept"]), st.just("a")),
    credentials=st.sampled_from(get_args(Credentials)),
)
def test_a_server_without_cors_headers_is_closed_in_every_engine(
    engine: EngineName, method: str, headers: dict[str, str], credentials: Credentials
) -> None:
    page = open_page(engine=engine)
    request = replace(a_request(URL, method=method, headers=headers), credentials=credentials)
    blocked(page, request, always(answer(200)))
    assert "PUT" not in " ".join(log(page))
