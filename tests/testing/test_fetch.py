"""Single requests: what is sent, what the script sees of the response, and what is blocked."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from route_cors.testing.fetch import fetch
from route_cors.testing.request import Credentials, Mode, Redirect

from .machine import (
    FOR_ANY,
    FOR_NULL,
    FOR_PAGE,
    OWN_URL,
    PAGE,
    SIBLING,
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
)

NOT_PRESENT = "No 'Access-Control-Allow-Origin' header is present on the requested resource."

modes = pytest.mark.parametrize("mode", get_args(Mode))


# --- the page's own origin ----------------------------------------------------------------------------


@modes
def test_at_home_everything_is_readable_but_cookies(mode: Mode) -> None:
    page = open_page()
    response = answer(201, "X-Id: 7", "Set-Cookie: a=b", "SET-COOKIE2: a=b", "X-Id: 8", content=b"hello")
    seen = fetched(page, a_request(OWN_URL, mode=mode), always(response))
    assert (seen.type, seen.status_code, seen.url) == ("basic", 201, OWN_URL)
    assert seen.headers.raw == (("X-Id", "7"), ("X-Id", "8"))
    assert seen.text == "hello"
    assert log(page) == [f"GET {OWN_URL}"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "patch", "UNICORN"])
def test_at_home_nothing_is_preflighted(method: str) -> None:
    page = open_page()
    request = a_request(OWN_URL, method=method, headers={"Authorization": "t", "X-Token": "t"})
    assert fetched(page, request, always(answer(404))).status_code == 404
    assert [exchange.step for exchange in page.history] == ["actual"]
    assert last_sent(page).method == method
    assert last_sent(page).headers["x-token"] == "t"


@pytest.mark.parametrize(
    ("url", "other"),
    [
        (f"{PAGE}:443/", False),
        (f"{PAGE}:8443/", True),
        (PAGE.replace("https", "http"), True),
        (PAGE.replace("app", "www"), True),
        ("https://example.com", True),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, *, other: bool) -> None:
    seen = fetched(open_page(), a_request(url), always(answer(200, FOR_PAGE)))
    assert seen.type == ("cors" if other else "basic")


@pytest.mark.parametrize("origin", [SIBLING, "null"])
def test_a_sandboxed_page_has_no_home(origin: str) -> None:
    seen = fetched(
        open_page("null"),
        a_request(f"{origin if origin != 'null' else PAGE}/"),
        always(answer(200, FOR_NULL)),
    )
    assert seen.type == "cors"


# --- what goes over the wire --------------------------------------------------------------------------


def test_a_request_is_sent_with_what_the_script_set() -> None:
    page = open_page()
    headers = [("X-A", "1"), ("x-a", "2")]
    request = a_request(f"{OWN_URL}?q=1#top", method="put", headers=headers, content=b"body")
    fetched(page, request, always(answer()))
    sent = last_sent(page)
    assert (sent.method, sent.url, sent.content) == ("PUT", f"{OWN_URL}?q=1", b"body")
    assert sent.headers.raw == (
        ("X-A", "1"),
        ("x-a", "2"),
        ("Accept", "*/*"),
        ("Origin", PAGE),
        ("Sec-Fetch-Site", "same-origin"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Dest", "empty"),
    )


def test_accept_is_added_where_the_script_set_none() -> None:
    for headers, accept in (({}, "*/*"), ({"ACCEPT": "text/html"}, "text/html")):
        page = open_page()
        fetched(page, a_request(OWN_URL, headers=headers), always(answer()))
        assert last_sent(page).headers["accept"] == accept


@pytest.mark.parametrize(
    ("accept", "last", "first_sent"),
    [
        ({}, 125, "GET"),
        ({}, 126, "OPTIONS"),
        ({"Accept": ""}, 128, "GET"),
    ],
)
def test_the_accept_that_a_browser_adds_counts_among_the_1024_bytes(
    accept: dict[str, str], last: int, first_sent: str
) -> None:
    headers = [*accept.items(), *[("Accept-Language", "a" * 128)] * 7, ("Accept-Language", "a" * last)]
    assert next(fetch(open_page(), a_request(URL, headers=headers))).method == first_sent


@pytest.mark.parametrize(
    ("url", "method", "mode", "origin"),
    [
        # At home it goes along where something may be changed.
        (OWN_URL, "GET", "cors", None),
        (OWN_URL, "HEAD", "cors", None),
        (OWN_URL, "POST", "cors", PAGE),
        (OWN_URL, "PUT", "same-origin", PAGE),
        (OWN_URL, "GET", "same-origin", None),
        (OWN_URL, "POST", "no-cors", PAGE),
        # Across origins always, but for what nobody can read.
        (URL, "GET", "cors", PAGE),
        (URL, "HEAD", "cors", PAGE),
        (URL, "POST", "cors", PAGE),
        (URL, "GET", "no-cors", None),
        (URL, "HEAD", "no-cors", None),
        (URL, "POST", "no-cors", PAGE),
        # The default referrer policy tells nothing on the way down to http.
        ("http://api.example.com/", "POST", "no-cors", "null"),
        ("http://api.example.com/", "POST", "cors", PAGE),
    ],
)
def test_when_the_origin_is_told(url: str, method: str, mode: Mode, origin: str | None) -> None:
    page = open_page()
    fetched(page, a_request(url, method=method, mode=mode), always(answer(200, FOR_ANY)))
    assert last_sent(page).headers.get("origin") == origin


def test_a_page_of_http_tells_its_origin_to_http() -> None:
    page = open_page("http://app.example.com")
    fetched(page, a_request("http://api.example.com", method="POST", mode="no-cors"), always(answer()))
    assert last_sent(page).headers["origin"] == "http://app.example.com"


def test_a_sandboxed_page_says_null() -> None:
    page = open_page("null")
    fetched(page, a_request(URL, credentials="include"), always(answer(200, FOR_NULL, WITH_CREDENTIALS)))
    assert last_sent(page).headers["origin"] == "null"
    assert NOT_PRESENT in blocked(page, a_request(URL), always(answer())).reason


# --- simple requests across origins -------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "post"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {
            "Accept": "text/html",
            "Accept-Language": "en",
            "Content-Language": "en",
            "Content-Type": "text/plain",
        },
        {"Range": "bytes=0-9"},
    ],
)
def test_a_simple_request_needs_no_preflight(method: str, headers: dict[str, str]) -> None:
    page = open_page()
    request = a_request(URL, method=method, headers=headers)
    assert fetched(page, request, always(answer(200, FOR_ANY))).type == "cors"
    assert [exchange.step for exchange in page.history] == ["actual"]
    assert {name.title(): value for name, value in last_sent(page).headers.items()}.items() >= headers.items()


@pytest.mark.parametrize("arguments", [{"content": "x"}, {"content": b"x"}, {"data": {"a": "b"}}])
def test_a_form_needs_no_preflight(arguments: dict[str, Any]) -> None:
    page = open_page()
    fetched(page, a_request(URL, method="POST", **arguments), always(answer(200, FOR_ANY)))
    assert log(page) == [f"POST {URL}"]


@pytest.mark.parametrize("status", [200, 204, 304, 400, 401, 404, 500, 599])
def test_any_status_is_readable_for_a_page_that_is_allowed(status: int) -> None:
    assert fetched(open_page(), a_request(URL), always(answer(status, FOR_PAGE))).status_code == status


@pytest.mark.parametrize("status", [200, 404, 500])
def test_no_status_is_for_a_page_that_is_not(status: int) -> None:
    page = open_page()
    response = answer(status, "X-Id: 7", content=b"secret")
    error = blocked(page, a_request(URL), always(response))
    assert error.step == "actual"
    assert error.reason == (
        f"Access to fetch at '{URL}' from origin '{PAGE}' has been blocked by CORS policy: {NOT_PRESENT}"
    )
    assert error.fix == FOR_PAGE
    assert error.request is last_sent(page)
    assert error.response is response
    assert error.__cause__ is None
    # The server has seen it nonetheless.
    assert log(page) == [f"GET {URL}"]


def test_what_the_app_raised_is_the_cause() -> None:
    raised = RuntimeError("no table")
    error = blocked(open_page(), a_request(URL), always(answer(500, error=raised)))
    assert error.__cause__ is raised
    preflight = blocked(open_page(), a_request(URL, method="PUT"), always(answer(500, error=raised)))
    assert (preflight.step, preflight.__cause__) == ("preflight", raised)


def test_a_page_that_is_allowed_reads_the_apps_500() -> None:
    response = answer(500, FOR_PAGE, content=b"oops", error=RuntimeError("no table"))
    assert fetched(open_page(), a_request(URL), always(response)).text == "oops"


@pytest.mark.parametrize("credentials", get_args(Credentials))
def test_credentials_have_to_be_allowed_where_they_are_included(credentials: Credentials) -> None:
    request = a_request(URL, credentials=credentials)
    assert fetched(open_page(), request, always(answer(200, FOR_PAGE, WITH_CREDENTIALS))).type == "cors"
    for lines in ([FOR_ANY], [FOR_PAGE], [FOR_ANY, WITH_CREDENTIALS]):
        if credentials == "include":
            assert (
                "credentials mode is 'include'"
                in blocked(open_page(), request, always(answer(200, *lines))).reason
            )
        else:
            assert fetched(open_page(), request, always(answer(200, *lines))).type == "cors"


# --- what the script sees -----------------------------------------------------------------------------

HEADERS = ["Content-Type: text/plain", "X-Id: 7", "Set-Cookie: a=b", "ETag: e"]


@pytest.mark.parametrize(
    ("lines", "credentials", "readable"),
    [
        ([], "same-origin", ["content-type"]),
        (["Access-Control-Expose-Headers: x-id, Set-Cookie"], "same-origin", ["content-type", "x-id"]),
        (["Access-Control-Expose-Headers: x-id"], "include", ["content-type", "x-id"]),
        (
            ["Access-Control-Expose-Headers: *"],
            "omit",
            [
                "access-control-allow-credentials",
                "access-control-allow-origin",
                "access-control-expose-headers",
                "content-type",
                "etag",
                "x-id",
            ],
        ),
        (["Access-Control-Expose-Headers: *"], "include", ["content-type"]),
        (["Access-Control-Expose-Headers: ((("], "same-origin", ["content-type"]),
    ],
)
def test_across_origins_the_exposed_headers_are_readable(
    lines: list[str], credentials: Credentials, readable: list[str]
) -> None:
    response = answer(200, *HEADERS, *lines, FOR_PAGE, WITH_CREDENTIALS)
    seen = fetched(open_page(), a_request(URL, credentials=credentials), always(response))
    assert list(seen.headers) == readable


@pytest.mark.parametrize("status", [200, 302, 404])
def test_what_is_opaque_tells_nothing(status: int) -> None:
    response = answer(status, *HEADERS, FOR_ANY, content=b"secret")
    seen = fetched(open_page(), a_request(f"{URL}#x", mode="no-cors"), always(response))
    assert (seen.type, seen.status_code, dict(seen.headers), seen.content, seen.url) == (
        "opaque",
        0,
        {},
        b"",
        "",
    )


@pytest.mark.parametrize("url", [URL, OWN_URL])
@pytest.mark.parametrize(
    ("method", "status", "content"),
    [
        ("GET", 200, b"body"),
        ("HEAD", 200, b""),
        ("head", 404, b""),
        ("GET", 101, b""),
        ("GET", 103, b""),
        ("GET", 204, b""),
        ("GET", 205, b""),
        ("GET", 304, b""),
        ("GET", 100, b"body"),
        ("GET", 203, b"body"),
        ("GET", 206, b"body"),
        ("GET", 300, b"body"),
        ("POST", 404, b"body"),
    ],
)
def test_some_methods_and_statuses_have_no_body(url: str, method: str, status: int, content: bytes) -> None:
    response = answer(status, FOR_PAGE, content=b"body")
    seen = fetched(open_page(), a_request(url, method=method), always(response))
    assert (seen.status_code, seen.content) == (status, content)


def test_a_script_sees_no_fragment() -> None:
    assert fetched(open_page(), a_request(f"{URL}?q#top"), always(answer(200, FOR_ANY))).url == f"{URL}?q"


# --- modes --------------------------------------------------------------------------------------------


def test_same_origin_sends_nothing_across_origins() -> None:
    page = open_page()
    error = blocked(page, a_request(f"{URL}#x", mode="same-origin"), always(answer(200, FOR_ANY)))
    assert error.step == "mode"
    assert error.reason == (
        f'Fetch API cannot load {URL}#x. Request mode is "same-origin" but the URL\'s origin is not same as '
        f"the request origin {PAGE}."
    )
    assert error.request is None
    assert error.response is None
    assert "mode='cors'" in error.fix
    assert len(page.history) == 0


def test_same_origin_follows_no_redirect_out() -> None:
    page = open_page()
    error = blocked(page, a_request(OWN_URL, mode="same-origin"), always(redirect(URL)))
    assert (error.step, log(page)) == ("mode", [f"GET {OWN_URL}"])


@pytest.mark.parametrize("kind", ["error", "manual"])
def test_no_cors_follows_redirects_or_sends_nothing(kind: Redirect) -> None:
    page = open_page()
    error = blocked(page, a_request(URL, mode="no-cors", redirect=kind), always(answer()))
    assert error.step == "mode"
    assert error.reason == (
        f'Fetch API cannot load {URL}. Request mode is "no-cors" but the redirect mode is not "follow".'
    )
    assert error.fix == "redirect='follow'"
    assert len(page.history) == 0
    # At home it makes no difference.
    assert fetched(page, a_request(OWN_URL, mode="no-cors", redirect=kind), always(answer())).type == "basic"


def test_no_cors_sends_what_a_form_could() -> None:
    page = open_page()
    headers = {"X-Token": "t", "Accept-Language": "en"}
    fetched(
        page, a_request(URL, method="POST", mode="no-cors", headers=headers, json={}), always(answer(500))
    )
    assert [exchange.step for exchange in page.history] == ["actual"]
    assert dict(last_sent(page).headers) == {
        "accept": "*/*",
        "accept-language": "en",
        "content-type": "text/plain;charset=UTF-8",
        "origin": PAGE,
        "sec-fetch-site": "same-site",
        "sec-fetch-mode": "no-cors",
        "sec-fetch-dest": "empty",
    }
