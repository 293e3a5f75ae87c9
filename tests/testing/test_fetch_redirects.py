"""Redirects: what goes on to where, in whose name, and what a script sees of it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, get_args

import pytest

from route_cors.testing.messages import REDIRECT_STATUSES, ReceivedResponse
from route_cors.testing.request import Mode, Redirect
from route_cors.testing.urls import parse_url

from .machine import (
    ALLOW_PUT,
    FOR_ANY,
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
    log,
    open_page,
    redirect,
    serving,
)

if TYPE_CHECKING:
    from route_cors.testing.messages import SentRequest
    from route_cors.testing.page import Page

NOT_PRESENT = "No 'Access-Control-Allow-Origin' header is present on the requested resource."
GRANT = answer(204, FOR_PAGE, WITH_CREDENTIALS, ALLOW_PUT, "Access-Control-Allow-Headers: x-token")

redirects = pytest.mark.parametrize("status", sorted(REDIRECT_STATUSES))


# --- redirects: method, body and headers --------------------------------------------------------------

SCRIPT_HEADERS = {
    "Authorization": "t",
    "Content-Encoding": "br",
    "Content-Language": "en",
    "Content-Location": "/x",
    "Content-Type": "text/plain",
    "X-Token": "t",
}


@pytest.mark.parametrize(
    ("status", "method", "becomes"),
    [
        (301, "GET", "GET"),
        (301, "HEAD", "HEAD"),
        (301, "POST", "GET"),
        (301, "PUT", "PUT"),
        (301, "patch", "patch"),
        (302, "GET", "GET"),
        (302, "HEAD", "HEAD"),
        (302, "POST", "GET"),
        (302, "DELETE", "DELETE"),
        (303, "GET", "GET"),
        (303, "HEAD", "HEAD"),
        (303, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "patch", "GET"),
        (307, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (307, "PUT", "PUT"),
        (308, "POST", "POST"),
        (308, "DELETE", "DELETE"),
    ],
)
def test_some_redirects_make_a_get(status: int, method: str, becomes: str) -> None:
    page = open_page()
    content = None if method in {"GET", "HEAD"} else b"body"
    request = a_request(OWN_URL, method=method, headers=SCRIPT_HEADERS, content=content)
    answers = {OWN_URL: redirect("/other", status=status), f"{PAGE}/other": answer()}
    assert fetched(page, request, serving(answers)).url == f"{PAGE}/other"
    sent = last_sent(page)
    assert sent.method == becomes
    has_become_get = (method, becomes) != (method, method)
    assert sent.content == (b"" if has_become_get else content or b"")
    kept = {"Authorization", "X-Token"} if has_become_get else {*SCRIPT_HEADERS}
    assert {name for name in SCRIPT_HEADERS if name in sent.headers} == kept


@pytest.mark.parametrize(
    ("start", "location", "kept"),
    [
        (OWN_URL, f"{PAGE}/other", True),
        (OWN_URL, URL, False),
        (URL, f"{SIBLING}/other", True),
        (URL, f"{SIBLING}:8443/", False),
        (URL, STRANGER, False),
        (URL, OWN_URL, False),
    ],
)
def test_authorization_does_not_leave_its_origin(start: str, location: str, *, kept: bool) -> None:
    page = open_page()
    request = a_request(start, headers={"AUTHORIZATION": "t", "X-Token": "t"})
    allow = [
        "Access-Control-Allow-Origin: *",
        "Access-Control-Allow-Headers: *, authorization",
    ]

    def server(sent: SentRequest) -> ReceivedResponse:
        is_first = sent.url == start and sent.method != "OPTIONS"
        return redirect(location, *allow) if is_first else answer(200, *allow)

    fetched(page, request, server)
    assert ("authorization" in last_sent(page).headers) is kept
    assert last_sent(page).headers["x-token"] == "t"


def test_what_is_gone_does_not_come_back() -> None:
    page = open_page()
    answers = {
        OWN_URL: redirect(URL),
        URL: redirect(f"{PAGE}/end", FOR_PAGE),
        f"{PAGE}/end": answer(200, FOR_NULL),
    }
    allow_all = answer(204, FOR_PAGE, "Access-Control-Allow-Headers: authorization")
    preflights = {f"OPTIONS {url}": allow_all for url in answers}
    fetched(page, a_request(OWN_URL, headers={"Authorization": "t"}), serving({**answers, **preflights}))
    assert log(page) == [f"GET {OWN_URL}", f"GET {URL}", f"GET {PAGE}/end"]
    assert "authorization" not in last_sent(page).headers


# --- redirects: whose origin, and what is asked again -------------------------------------------------


@pytest.mark.parametrize(
    ("chain", "origin"),
    [
        # From the page to wherever it goes: its own origin.
        ([SIBLING], PAGE),
        ([PAGE, SIBLING], PAGE),
        ([PAGE, PAGE, STRANGER], PAGE),
        ([SIBLING, SIBLING], PAGE),
        ([STRANGER, STRANGER, STRANGER], PAGE),
        # Another origin has sent it somewhere: nobody's.
        ([SIBLING, PAGE], "null"),
        ([SIBLING, STRANGER], "null"),
        ([SIBLING, f"{SIBLING}:8443"], "null"),
        ([STRANGER, PAGE], "null"),
        ([STRANGER, THIRD], "null"),
        ([PAGE, STRANGER, PAGE], "null"),
        ([PAGE, STRANGER, THIRD], "null"),
        ([STRANGER, STRANGER, THIRD], "null"),
        ([STRANGER, THIRD, THIRD], "null"),
        ([STRANGER, PAGE, STRANGER], "null"),
    ],
)
def test_an_origin_that_was_sent_on_by_another_is_null(chain: list[str], origin: str) -> None:
    page = open_page()
    urls = [f"{host}/{place}" for place, host in enumerate(chain)]
    allow = {PAGE: FOR_PAGE, "null": FOR_NULL}
    answers = {url: redirect(then, FOR_ANY) for url, then in pairwise(urls)}
    answers[urls[-1]] = answer(200, allow[origin])
    seen = fetched(page, a_request(urls[0]), serving(answers))
    assert (seen.type, seen.url) == ("cors", urls[-1])
    assert last_sent(page).headers["origin"] == origin
    refused = {**answers, urls[-1]: answer(200, allow["null" if origin == PAGE else PAGE])}
    error = blocked(open_page(), a_request(urls[0]), serving(refused))
    assert "that is not equal to the supplied origin." in error.reason


def test_a_redirect_at_home_stays_basic() -> None:
    page = open_page()
    answers = {OWN_URL: redirect("/other"), f"{PAGE}/other": answer(200, "X-Id: 7")}
    seen = fetched(page, a_request(OWN_URL, method="POST"), serving(answers))
    assert (seen.type, seen.headers["x-id"]) == ("basic", "7")
    assert last_sent(page).headers["origin"] == PAGE


def test_who_was_away_stays_a_stranger_at_home() -> None:
    page = open_page()
    answers = {URL: redirect(OWN_URL, FOR_PAGE), OWN_URL: answer(200, "X-Id: 7")}
    error = blocked(page, a_request(URL), serving(answers))
    assert error.step == "actual"
    assert error.reason == (
        f"Access to fetch at '{OWN_URL}' (redirected from '{URL}') from origin '{PAGE}' has been blocked by "
        f"CORS policy: {NOT_PRESENT}"
    )
    assert error.fix == FOR_NULL


def test_who_was_away_has_to_ask_at_home() -> None:
    page = open_page()
    home = f"{PAGE}/end"
    answers = {
        f"OPTIONS {URL}": GRANT,
        f"PUT {URL}": redirect(home, FOR_PAGE),
        f"OPTIONS {home}": answer(204, FOR_NULL, ALLOW_PUT),
        f"PUT {home}": answer(200, FOR_NULL),
    }
    assert fetched(page, a_request(URL, method="PUT"), serving(answers)).type == "cors"
    assert log(page) == [f"OPTIONS {URL}", f"PUT {URL}", f"OPTIONS {home}", f"PUT {home}"]
    assert [exchange.request.headers["origin"] for exchange in page.history][2:] == ["null", "null"]


def test_each_response_on_the_way_has_to_be_readable() -> None:
    page = open_page()
    answers = {URL: redirect(f"{SIBLING}/other"), f"{SIBLING}/other": answer(200, FOR_ANY)}
    error = blocked(page, a_request(URL), serving(answers))
    assert (error.step, error.response) == ("actual", answers[URL])
    assert log(page) == [f"GET {URL}"]


def test_at_home_a_redirect_need_not_be() -> None:
    page = open_page()
    assert (
        fetched(page, a_request(OWN_URL), serving({OWN_URL: redirect(URL), URL: answer(200, FOR_PAGE)})).type
        == "cors"
    )


def test_no_cors_goes_wherever_it_is_sent_and_learns_nothing() -> None:
    page = open_page()
    answers = {
        URL: redirect(f"{STRANGER}/x"),
        f"{STRANGER}/x": redirect(OWN_URL),
        OWN_URL: answer(200, "X-Id: 7"),
    }
    seen = fetched(page, a_request(URL, mode="no-cors", method="POST"), serving(answers))
    assert (seen.type, seen.url) == ("opaque", "")
    assert [exchange.request.headers.get("origin") for exchange in page.history] == [PAGE, "null", "null"]


def test_no_cors_from_home_is_opaque_once_it_is_away() -> None:
    page = open_page()
    answers = {OWN_URL: redirect(URL), URL: answer()}
    assert fetched(page, a_request(OWN_URL, mode="no-cors"), serving(answers)).type == "opaque"


def test_a_preflighted_request_asks_again_where_it_is_sent() -> None:
    page = open_page()
    other = f"{SIBLING}/other"
    answers = {
        f"OPTIONS {URL}": GRANT,
        f"PUT {URL}": redirect(other, FOR_PAGE),
        f"OPTIONS {other}": GRANT,
        f"PUT {other}": answer(200, FOR_PAGE, content=b"done"),
    }
    put = a_request(URL, method="PUT", headers={"X-Token": "t"}, content=b"body")
    assert fetched(page, put, serving(answers)).text == "done"
    assert log(page) == [f"OPTIONS {URL}", f"PUT {URL}", f"OPTIONS {other}", f"PUT {other}"]
    assert {entry.url for entry in page.preflight_cache.entries} == {URL, other}
    fetched(page, put, serving(answers))
    assert [exchange.from_cache for exchange in page.history][4:] == [True, False, True, False]


def test_the_second_preflight_can_be_refused_and_is_forgotten_at_that_url() -> None:
    page = open_page()
    other = f"{STRANGER}/other"
    answers = {f"OPTIONS {URL}": GRANT, f"PUT {URL}": redirect(other, FOR_PAGE), f"OPTIONS {other}": GRANT}
    error = blocked(page, a_request(URL, method="PUT"), serving(answers))
    assert (error.step, error.request) == ("preflight", last_sent(page))
    assert error.fix == f"204 No Content\n{FOR_NULL}\n{ALLOW_PUT}"
    assert {entry.url for entry in page.preflight_cache.entries} == {URL}


def test_a_put_that_becomes_a_get_asks_no_more() -> None:
    page = open_page()
    answers = {
        f"OPTIONS {URL}": GRANT,
        f"PUT {URL}": redirect("/done", FOR_PAGE, status=303),
        f"{SIBLING}/done": answer(200, FOR_PAGE),
    }
    fetched(page, a_request(URL, method="PUT", headers={"Content-Type": "text/plain"}), serving(answers))
    assert log(page) == [f"OPTIONS {URL}", f"PUT {URL}", f"GET {SIBLING}/done"]


def test_the_cache_is_for_null_where_the_origin_is() -> None:
    page = open_page()
    end = f"{THIRD}/end"
    answers = {
        f"{STRANGER}/": redirect(end, FOR_PAGE),
        f"OPTIONS {STRANGER}/": answer(204, FOR_PAGE, ALLOW_PUT),
        f"OPTIONS {end}": answer(204, FOR_NULL, ALLOW_PUT),
        f"PUT {end}": answer(200, FOR_NULL),
    }
    fetched(page, a_request(STRANGER, method="PUT"), serving(answers))
    assert {(entry.origin, entry.url) for entry in page.preflight_cache.entries} == {
        (PAGE, f"{STRANGER}/"),
        ("null", end),
    }


# --- redirects: where to ------------------------------------------------------------------------------


@redirects
@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/other", f"{SIBLING}/other"),
        ("other?q", f"{SIBLING}/a/other?q"),
        ("?q", f"{SIBLING}/a/b?q"),
        (f"  {SIBLING}:443/x ", f"{SIBLING}/x"),
        (f"//{SIBLING.partition('//')[2]}/x", f"{SIBLING}/x"),
        (r"\x", f"{SIBLING}/x"),
    ],
)
def test_a_location_is_read_from_the_url_it_came_from(status: int, location: str, expected: str) -> None:
    page = open_page()
    start = f"{SIBLING}/a/b"
    answers = {start: redirect(location, FOR_ANY, status=status), expected: answer(200, FOR_ANY)}
    assert fetched(page, a_request(start), serving(answers)).url == expected


@redirects
@pytest.mark.parametrize("url", [URL, OWN_URL])
def test_without_a_location_a_redirect_is_a_response(status: int, url: str) -> None:
    response = answer(status, FOR_ANY, content=b"body")
    seen = fetched(open_page(), a_request(url), always(response))
    assert (seen.status_code, seen.content, seen.url) == (status, b"body", url)


@pytest.mark.parametrize("status", [200, 201, 300, 304, 305, 306, 309])
def test_a_location_makes_no_redirect_of_other_statuses(status: int) -> None:
    page = open_page()
    assert (
        fetched(page, a_request(URL), always(redirect("/other", FOR_ANY, status=status))).status_code
        == status
    )
    assert len(page.history) == 1


@pytest.mark.parametrize("url", [URL, OWN_URL])
@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["Location: https://"], "'https://'"),
        (["Location: https://a b/"], "'https://a b/'"),
        (["Location: /a", "Location: /b"], "/b"),
        (["Location: /a", "Location: /a"], "/a"),
        (["Location: ftp://a.example/"], "protocol schemes"),
        (["Location: data:,x"], "protocol schemes"),
        (["Location: about:blank"], "protocol schemes"),
        (["Location: wss://api.example.com/"], "protocol schemes"),
    ],
)
def test_a_location_that_leads_nowhere_is_blocked(url: str, lines: list[str], reason: str) -> None:
    page = open_page()
    response = answer(302, FOR_ANY, *lines)
    error = blocked(page, a_request(url), always(response))
    assert (error.step, error.response, error.request) == ("redirect", response, last_sent(page))
    assert reason in error.reason
    assert error.fix
    assert len(page.history) == 1


@pytest.mark.parametrize("location", ["/next", f"{SIBLING}/next"])
def test_twenty_redirects_are_followed_and_no_more(location: str) -> None:
    def redirected(times: int) -> Page:
        page = open_page()
        answers = iter([*[redirect(location, FOR_ANY)] * times, answer(200, FOR_ANY)])
        fetched(page, a_request(URL), lambda _: next(answers))
        return page

    assert len(redirected(20).history) == 21
    page = open_page()
    error = blocked(page, a_request(URL), always(redirect(location, FOR_ANY)))
    assert error.step == "redirect"
    assert "20 redirects" in error.reason
    assert len(page.history) == 21


@pytest.mark.parametrize(
    ("start", "locations", "shown"),
    [
        ("#a", ["/x"], "/x#a"),
        ("#a", ["/x#b"], "/x#b"),
        ("#a", ["/x", "/y"], "/y#a"),
        ("#a", ["/x#b", "/y"], "/y#b"),
        ("#a", ["/x#", "/y"], "/y#"),
        ("#", ["/x"], "/x#"),
        ("", ["/x"], "/x"),
        ("", ["/x#b", "/y?q"], "/y?q#b"),
    ],
)
def test_a_fragment_stays_until_a_location_has_one(start: str, locations: list[str], shown: str) -> None:
    page = open_page()
    answers = iter([*[redirect(location, FOR_ANY) for location in locations], answer(404)])
    error = blocked(page, a_request(f"{SIBLING}/{start}"), lambda _: next(answers))
    assert f"Access to fetch at '{SIBLING}{shown}' (redirected from '{SIBLING}/{start}')" in error.reason
    assert not any("#" in sent for sent in log(page))


@pytest.mark.parametrize(
    ("start", "location", "mode", "allowed"),
    [
        (OWN_URL, "https://me@app.example.com/x", "cors", True),
        (OWN_URL, "https://:secret@app.example.com/x", "cors", True),
        (OWN_URL, "https://me:secret@app.example.com/x", "same-origin", True),
        (OWN_URL, "https://me:secret@api.example.com/x", "cors", False),
        (OWN_URL, "https://me@api.example.com/x", "no-cors", True),
        (URL, "https://me@api.example.com/x", "cors", False),
        (URL, "https://:secret@api.example.com/x", "cors", False),
        # Back at home, but by way of another origin.
        (URL, "https://me@app.example.com/x", "cors", False),
        (URL, "https://me@stranger.example/x", "cors", False),
        (URL, "https://me@stranger.example/x", "no-cors", True),
    ],
)
def test_a_location_with_credentials_crosses_no_origins(
    start: str, location: str, mode: Mode, *, allowed: bool
) -> None:
    page = open_page()
    url = parse_url(location).on_the_wire
    answers = {start: redirect(location, FOR_ANY), url: answer(200, FOR_ANY)}
    request = a_request(start, mode=mode)
    if allowed:
        fetched(page, request, serving(answers))
        assert log(page) == [f"GET {start}", f"GET {url}"]
        assert "authorization" not in last_sent(page).headers
        return
    error = blocked(page, request, serving(answers))
    assert error.step == "redirect"
    assert error.reason.endswith(
        f"Redirect location '{location}' contains a username and password, which is disallowed for "
        "cross-origin requests."
    )
    assert log(page) == [f"GET {start}"]


# --- redirect modes -----------------------------------------------------------------------------------


@redirects
@pytest.mark.parametrize("lines", [["Location: /other"], []])
@pytest.mark.parametrize(
    ("url", "mode"), [(URL, "cors"), (OWN_URL, "cors"), (OWN_URL, "same-origin"), (OWN_URL, "no-cors")]
)
def test_manual_stops_at_a_redirect_and_tells_nothing_of_it(
    status: int, lines: list[str], url: str, mode: Mode
) -> None:
    page = open_page()
    response = answer(status, *lines, FOR_ANY, "X-Id: 7", content=b"body")
    seen = fetched(page, a_request(f"{url}#x", mode=mode, redirect="manual"), always(response))
    assert (seen.type, seen.status_code, dict(seen.headers), seen.content, seen.url) == (
        "opaqueredirect",
        0,
        {},
        b"",
        url,
    )
    assert len(page.history) == 1


@redirects
@pytest.mark.parametrize("lines", [["Location: /other"], []])
@pytest.mark.parametrize(
    ("url", "mode"), [(URL, "cors"), (OWN_URL, "cors"), (OWN_URL, "same-origin"), (OWN_URL, "no-cors")]
)
def test_error_is_blocked_at_a_redirect(status: int, lines: list[str], url: str, mode: Mode) -> None:
    page = open_page()
    response = answer(status, *lines, FOR_ANY)
    error = blocked(page, a_request(url, mode=mode, redirect="error"), always(response))
    assert (error.step, error.response) == ("redirect", response)
    assert "'error'" in error.reason
    assert "redirect='follow'" in error.fix
    assert len(page.history) == 1


@pytest.mark.parametrize("kind", get_args(Redirect))
def test_each_redirect_mode_reads_what_is_no_redirect(kind: Redirect) -> None:
    assert (
        fetched(open_page(), a_request(URL, redirect=kind), always(answer(300, FOR_ANY))).status_code == 300
    )


@pytest.mark.parametrize("kind", get_args(Redirect))
def test_each_redirect_mode_has_the_cors_check_first(kind: Redirect) -> None:
    error = blocked(open_page(), a_request(URL, redirect=kind), always(redirect("/other")))
    assert (error.step, error.fix) == ("actual", FOR_PAGE)


# --- what is no matter of CORS is not said to be one --------------------------------------------------


@pytest.mark.parametrize(
    ("response", "redirect_mode", "reason"),
    [
        (redirect("/next", FOR_ANY), "error", "A redirect was received, and the redirect mode is 'error'."),
        (redirect("/next", FOR_ANY), "follow", "More than 20 redirects."),
        (redirect("/a", FOR_ANY, "Location: /b"), "follow", "Several Location headers: /a, /b."),
        (
            redirect("http://[", FOR_ANY),
            "follow",
            "The redirect is not valid: 'http://[' is not a URL that a browser can parse.",
        ),
    ],
)
def test_a_redirect_that_fails_by_itself(
    response: ReceivedResponse, redirect_mode: Redirect, reason: str
) -> None:
    error = blocked(open_page(), a_request(URL, redirect=redirect_mode), always(response))
    assert error.step == "redirect"
    url = f"{SIBLING}/next" if "20" in reason else URL
    assert error.reason == f"Fetch API cannot load {url}. {reason}"
