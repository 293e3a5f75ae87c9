"""The opening handshake of a websocket: what the server is told, and what the script learns."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from route_cors.testing.handshake import Handshake, connect, websocket_url
from route_cors.testing.history import CORSBlocked
from route_cors.testing.urls import parse_url

from .machine import PAGE, SIBLING, STRANGER, always, answer, drive, last_sent, open_page

if TYPE_CHECKING:
    from route_cors.testing.messages import ReceivedResponse, SentRequest
    from route_cors.testing.page import Page

BASE = parse_url(f"{SIBLING}/chat/7?x=1#top")
URL = parse_url("wss://api.example.com/live")
ACCEPTED = answer(101)


def connected(
    page: Page, *subprotocols: str, url: str = URL.href, response: ReceivedResponse = ACCEPTED
) -> Handshake:
    return drive(connect(page, parse_url(url), subprotocols), always(response))


def refused(page: Page, *subprotocols: str, response: ReceivedResponse) -> CORSBlocked:
    with pytest.raises(CORSBlocked) as caught:
        connected(page, *subprotocols, response=response)
    return caught.value


def opening(page: Page, *subprotocols: str, url: str = URL.href) -> SentRequest:
    return next(connect(page, parse_url(url), subprotocols))


# --- URLs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://a.example/x", "wss://a.example/x"),
        ("ws://a.example:80/x?y", "ws://a.example/x?y"),
        ("https://a.example/x", "wss://a.example/x"),
        ("http://a.example:8000/x", "ws://a.example:8000/x"),
        ("HTTPS://A.example", "wss://a.example/"),
        ("live", "wss://api.example.com/chat/live"),
        ("/live", "wss://api.example.com/live"),
        ("//a.example", "wss://a.example/"),
        ("?y", "wss://api.example.com/chat/7?y"),
    ],
)
def test_the_scheme_becomes_that_of_websockets(url: str, expected: str) -> None:
    assert websocket_url(url, BASE).href == expected


@pytest.mark.parametrize("url", ["wss://a.example/#x", "https://a.example/#x", "#x", "ws://a.example/#"])
def test_a_fragment_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="browsers refuse the URL of a websocket with a fragment") as caught:
        websocket_url(url, BASE)
    assert repr(url) in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://a.example/", "data:,x", "file:///x", "mailto:a@a.example"])
def test_another_scheme_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="a websocket's scheme is ws or wss"):
        websocket_url(url, BASE)


@pytest.mark.parametrize("url", ["/live", "", "wss://", "wss://a b/"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is not a URL that a browser can parse"):
        websocket_url(url, None)


# --- what the server is told --------------------------------------------------------------------------


def test_the_opening_is_a_get_that_wants_to_be_upgraded() -> None:
    sent = opening(open_page())
    assert (sent.method, sent.url, sent.content) == ("GET", URL.href, b"")
    key = sent.headers["sec-websocket-key"]
    assert len(base64.b64decode(key, validate=True)) == 16
    assert dict(sent.headers) == {
        "connection": "Upgrade",
        "origin": PAGE,
        "sec-fetch-site": "same-site",
        "sec-fetch-mode": "websocket",
        "sec-fetch-dest": "empty",
        "sec-websocket-key": key,
        "sec-websocket-version": "13",
        "upgrade": "websocket",
    }


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("wss://app.example.com/", "same-origin"),
        ("wss://app.example.com:8443/", "same-site"),
        ("wss://stranger.example/", "cross-site"),
        ("ws://app.example.com/", None),
        ("ws://localhost/", "cross-site"),
    ],
)
def test_a_server_is_told_whose_page_it_is(url: str, said: str | None) -> None:
    sent = opening(open_page(), url=url)
    assert sent.headers.get("sec-fetch-site") == said
    assert ("sec-fetch-mode" in sent.headers) is (said is not None)


def test_each_opening_has_a_key_of_its_own() -> None:
    keys = {opening(open_page()).headers["sec-websocket-key"] for _ in range(5)}
    assert len(keys) == 5


@pytest.mark.parametrize("origin", [PAGE, "null", "http://localhost:3000"])
@pytest.mark.parametrize("url", [URL.href, "wss://app.example.com/"])
def test_the_origin_is_always_told(origin: str, url: str) -> None:
    assert opening(open_page(origin), url=url).headers["origin"] == origin


def test_neither_credentials_nor_a_fragment_are_sent() -> None:
    assert opening(open_page(), url="wss://me:secret@a.example/x").url == "wss://a.example/x"


def test_subprotocols_are_offered_in_their_order() -> None:
    assert opening(open_page(), "b.v2", "a").headers["sec-websocket-protocol"] == "b.v2, a"


@pytest.mark.parametrize(
    "subprotocols", [("a b",), ("",), ("a,b",), ("a", "b\n"), ("\xe4",), ("a", "a"), ("a", "b", "a")]
)
def test_subprotocols_are_tokens_each_given_once(subprotocols: tuple[str, ...]) -> None:
    page = open_page()
    with pytest.raises(ValueError, match="must be tokens, each given once") as caught:
        connected(page, *subprotocols)
    assert repr([*subprotocols]) in str(caught.value)
    assert len(page.history) == 0


def test_the_case_of_a_subprotocol_counts() -> None:
    assert opening(open_page(), "a", "A").headers["sec-websocket-protocol"] == "a, A"


# --- cookies ------------------------------------------------------------------------------------------


def page_with_cookies(origin: str, url: str) -> Page:
    page = open_page(origin)
    page.cookies.store(
        ["lax=1; Path=/", "strict=2; SameSite=Strict", "none=3; SameSite=None; Secure"],
        parse_url(url.replace("ws", "http", 1)),
        same_site=True,
    )
    return page


@pytest.mark.parametrize("origin", [PAGE, SIBLING])
def test_all_cookies_go_along_within_a_site(origin: str) -> None:
    page = page_with_cookies(origin, URL.href)
    assert opening(page).headers["cookie"] == "lax=1; strict=2; none=3"


@pytest.mark.parametrize("origin", [STRANGER, "null", "http://app.example.com"])
def test_across_sites_those_go_along_that_say_so(origin: str) -> None:
    assert opening(page_with_cookies(origin, URL.href)).headers["cookie"] == "none=3"


def test_where_no_cookie_fits_there_is_no_header() -> None:
    assert "cookie" not in opening(open_page()).headers


@pytest.mark.parametrize(("origin", "stored"), [(PAGE, {"a": "1", "b": "2"}), (STRANGER, {"b": "2"})])
@pytest.mark.parametrize("status", [101, 403])
def test_cookies_are_stored_whatever_the_answer(origin: str, stored: dict[str, str], status: int) -> None:
    page = open_page(origin)
    response = answer(status, "Set-Cookie: a=1", "Set-Cookie: b=2; SameSite=None; Secure")
    if status == 101:
        connected(page, response=response)
    else:
        refused(page, response=response)
    assert dict(page.cookies) == stored


# --- what the script learns ---------------------------------------------------------------------------


def test_an_accepted_handshake() -> None:
    page = open_page(STRANGER)
    assert connected(page) == Handshake(URL.href, None)
    (exchange,) = page.history
    assert (exchange.step, exchange.response, exchange.from_cache) == ("websocket", ACCEPTED, False)
    assert str(exchange) == "websocket GET wss://api.example.com/live -> 101"
    assert page.history.preflights == []


@pytest.mark.parametrize("chosen", ["a", "b"])
def test_the_server_chooses_a_subprotocol(chosen: str) -> None:
    response = answer(101, f"sec-websocket-protocol: {chosen}")
    assert connected(open_page(), "a", "b", response=response).subprotocol == chosen


@pytest.mark.parametrize(
    ("offered", "lines", "reason"),
    [
        (("a",), [], "Sent non-empty 'Sec-WebSocket-Protocol' header but no response was received"),
        (
            ("a",),
            ["Sec-WebSocket-Protocol: b"],
            "'Sec-WebSocket-Protocol' header value 'b' in response does not match any of sent values",
        ),
        (
            ("a", "b"),
            ["Sec-WebSocket-Protocol: a, b"],
            "'Sec-WebSocket-Protocol' header value 'a, b' in response does not match any of sent values",
        ),
        (
            ("a",),
            ["Sec-WebSocket-Protocol: A"],
            "'Sec-WebSocket-Protocol' header value 'A' in response does not match any of sent values",
        ),
    ],
)
def test_a_subprotocol_that_nobody_offered_fails_the_handshake(
    offered: tuple[str, ...], lines: list[str], reason: str
) -> None:
    error = refused(open_page(), *offered, response=answer(101, *lines))
    assert error.step == "websocket"
    assert error.reason == (
        f"WebSocket connection to '{URL.href}' failed: Error during WebSocket handshake: {reason}"
    )
    assert "subprotocol" in error.fix.lower() or error.fix == f"Sec-WebSocket-Protocol: {offered[0]}"


def test_a_subprotocol_where_none_was_offered_fails_it_too() -> None:
    assert refused(open_page(), response=answer(101, "Sec-WebSocket-Protocol: a")).step == "websocket"


@pytest.mark.parametrize("status", [100, 200, 204, 302, 401, 403, 404, 500])
def test_any_other_status_refuses(status: int) -> None:
    page = open_page()
    response = answer(status, "Location: /elsewhere")
    error = refused(page, response=response)
    assert (error.step, error.response) == ("websocket", response)
    assert error.reason == (
        f"WebSocket connection to '{URL.href}' failed: Error during WebSocket handshake: "
        f"Unexpected response code: {status}"
    )
    assert error.fix == f"a server that accepts handshakes with Origin: {PAGE}"
    assert error.request is last_sent(page)
    assert len(page.history) == 1


@pytest.mark.parametrize("raised", [RuntimeError("no table"), None])
def test_what_the_app_raised_is_the_cause(raised: Any) -> None:
    assert refused(open_page(), response=answer(500, error=raised)).__cause__ is raised
