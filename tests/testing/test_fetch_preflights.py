"""Preflights: when there is one, what it asks for, and when the cache answers in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from route_cors.testing.fetch import fetch
from route_cors.testing.messages import REDIRECT_STATUSES

from .machine import (
    ALLOW_PUT,
    FOR_ANY,
    FOR_PAGE,
    PAGE,
    SIBLING,
    THIRD,
    URL,
    WITH_CREDENTIALS,
    Clock,
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
    from route_cors.testing.page import Page

GRANT = answer(204, FOR_PAGE, WITH_CREDENTIALS, ALLOW_PUT, "Access-Control-Allow-Headers: x-token")
redirects = pytest.mark.parametrize("status", sorted(REDIRECT_STATUSES))


# --- preflights ---------------------------------------------------------------------------------------


def test_a_preflight_asks_for_the_method_and_the_unsafe_headers() -> None:
    page = open_page()
    request = a_request(
        f"{URL}?q#top",
        method="put",
        headers={"X-Token": "t", "Accept": "text/html", "Authorization": "a"},
        json={"a": 1},
        credentials="include",
    )
    page.cookies.set("session", "s", domain="example.com")
    answers = {
        f"OPTIONS {URL}?q": answer(
            200,
            FOR_PAGE,
            WITH_CREDENTIALS,
            ALLOW_PUT,
            "Access-Control-Allow-Headers: content-type, x-token, Authorization",
            "Set-Cookie: preflight=1",
        ),
        f"PUT {URL}?q": answer(200, FOR_PAGE, WITH_CREDENTIALS, content=b"done"),
    }
    assert fetched(page, request, serving(answers)).text == "done"
    preflight, actual = page.history
    assert (preflight.step, preflight.request.content, preflight.from_cache) == ("preflight", b"", False)
    # No cookies, no headers of the script's own.
    assert preflight.request.headers.raw == (
        ("Accept", "*/*"),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization,content-type,x-token"),
        ("Origin", PAGE),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Mode", "cors"),
        ("Sec-Fetch-Dest", "empty"),
    )
    assert (actual.step, actual.request.content) == ("actual", b'{"a":1}')
    assert dict(actual.request.headers) == {
        "accept": "text/html",
        "authorization": "a",
        "content-type": "application/json",
        "cookie": "session=s",
        "origin": PAGE,
        "x-token": "t",
        "sec-fetch-site": "same-site",
        "sec-fetch-mode": "cors",
        "sec-fetch-dest": "empty",
    }
    # And none are taken from its answer.
    assert dict(page.cookies) == {"session": "s"}


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "patch", "OPTIONS", "UNICORN"])
def test_any_other_method_is_preflighted(method: str) -> None:
    page = open_page()
    server = always(answer(204, FOR_ANY, f"Access-Control-Allow-Methods: {method}"))
    assert fetched(page, a_request(URL, method=method), server).type == "cors"
    preflight, actual = page.history
    assert preflight.request.headers["access-control-request-method"] == method
    assert "access-control-request-headers" not in preflight.request.headers
    assert actual.request.method == method


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Token": "t"},
        {"Authorization": "t"},
        {"Content-Type": "application/json"},
        {"Accept": "<"},
        {"Range": "bytes=-5"},
    ],
)
def test_any_other_header_is_preflighted(headers: dict[str, str]) -> None:
    page = open_page()
    (name,) = headers
    server = always(answer(204, FOR_ANY, f"Access-Control-Allow-Headers: {name}"))
    fetched(page, a_request(URL, headers=headers), server)
    assert [exchange.step for exchange in page.history] == ["preflight", "actual"]
    assert page.history[0].request.headers["access-control-request-headers"] == name.lower()
    assert page.history[0].request.headers["access-control-request-method"] == "GET"


def test_what_a_preflight_does_not_grant_is_not_sent() -> None:
    page = open_page()
    refusal = answer(204, FOR_PAGE, "Access-Control-Allow-Methods: DELETE")
    error = blocked(page, a_request(URL, method="PUT"), always(refusal))
    assert error.step == "preflight"
    assert error.reason == (
        f"Access to fetch at '{URL}' from origin '{PAGE}' has been blocked by CORS policy: "
        "Method PUT is not allowed by Access-Control-Allow-Methods in preflight response."
    )
    assert error.fix == f"204 No Content\n{FOR_PAGE}\n{ALLOW_PUT}"
    assert error.request is last_sent(page)
    assert error.response is refusal
    assert log(page) == [f"OPTIONS {URL}"]


def test_a_preflight_that_was_granted_says_nothing_of_the_response() -> None:
    page = open_page()
    answers = {f"OPTIONS {URL}": answer(204, FOR_ANY, ALLOW_PUT), f"PUT {URL}": answer(200)}
    error = blocked(page, a_request(URL, method="PUT"), serving(answers))
    assert (error.step, error.response) == ("actual", answers[f"PUT {URL}"])


@redirects
def test_a_preflight_follows_no_redirect(status: int) -> None:
    page = open_page()
    server = always(redirect(f"{SIBLING}/elsewhere", FOR_ANY, ALLOW_PUT, status=status))
    error = blocked(page, a_request(URL, method="PUT"), server)
    assert error.step == "preflight"
    assert error.reason.endswith(
        "Response to preflight request doesn't pass access control check: "
        "Redirect is not allowed for a preflight request."
    )
    assert len(page.history) == 1


# --- the preflight cache ------------------------------------------------------------------------------


def steps(page: Page) -> list[str]:
    """What has happened since it was asked last: the methods, in brackets where the cache answered."""
    seen = [
        f"({exchange.request.method})" if exchange.from_cache else exchange.request.method
        for exchange in page.history
    ]
    page.history.clear()
    return seen


def test_the_cache_spares_a_preflight_for_five_seconds_unless_the_server_says_otherwise() -> None:
    clock = Clock()
    page = open_page(clock=clock)
    put = a_request(URL, method="PUT", headers={"X-Token": "t"})
    for now, expected in (
        (0.0, ["OPTIONS", "PUT"]),
        (4.999, ["(OPTIONS)", "PUT"]),
        (5.0, ["OPTIONS", "PUT"]),
    ):
        clock.now = now
        fetched(page, put, always(GRANT))
        assert steps(page) == expected


def test_a_preflight_from_the_cache_shows_what_would_have_been_sent() -> None:
    page = open_page()
    for _ in range(2):
        fetched(page, a_request(URL, method="PUT"), always(GRANT))
    sent, _, cached, actual = page.history
    assert (cached.step, cached.response, cached.from_cache) == ("preflight", None, True)
    assert cached.request == sent.request
    assert (actual.step, actual.from_cache) == ("actual", False)
    assert page.history.preflights == [sent]


@pytest.mark.parametrize(("max_age", "seconds"), [("60", 60), ("7200", 7200), ("86400", 7200)])
def test_the_server_says_how_long(max_age: str, seconds: int) -> None:
    clock = Clock()
    page = open_page(clock=clock)
    server = always(answer(204, FOR_PAGE, ALLOW_PUT, f"Access-Control-Max-Age: {max_age}"))
    for now, expected in (
        (0, ["OPTIONS", "PUT"]),
        (seconds - 0.5, ["(OPTIONS)", "PUT"]),
        (seconds, ["OPTIONS", "PUT"]),
    ):
        clock.now = now
        fetched(page, a_request(URL, method="PUT"), server)
        assert steps(page) == expected


def test_no_seconds_are_no_cache() -> None:
    page = open_page()
    for _ in range(2):
        fetched(
            page,
            a_request(URL, method="PUT"),
            always(answer(204, FOR_PAGE, ALLOW_PUT, "Access-Control-Max-Age: 0")),
        )
        assert steps(page) == ["OPTIONS", "PUT"]


@pytest.mark.parametrize(
    ("again", "from_cache"),
    [
        ({"method": "PUT"}, True),
        ({"method": "PUT", "headers": {"X-TOKEN": "other"}}, True),
        ({"headers": {"X-Token": "t"}}, True),
        ({"method": "POST", "headers": {"X-Token": "t"}}, True),
        ({"method": "PUT", "credentials": "omit"}, True),
        ({"method": "DELETE"}, False),
        ({"method": "PUT", "headers": {"X-Other": "t"}}, False),
        ({"method": "PUT", "headers": {"X-Token": "t", "Authorization": "t"}}, False),
        ({"method": "PUT", "credentials": "include"}, False),
        ({"method": "PUT", "url": f"{URL}?q"}, False),
        ({"method": "PUT", "url": f"{URL}/"}, False),
        # The standard compares whole URLs.
        ({"method": "PUT", "url": f"{URL}#top"}, False),
        ({"method": "PUT", "url": f"{THIRD}/notes"}, False),
    ],
)
def test_the_cache_knows_what_was_granted_for_a_url(again: dict[str, Any], *, from_cache: bool) -> None:
    page = open_page()
    fetched(page, a_request(URL, method="PUT", headers={"X-Token": "t"}), always(GRANT))
    page.history.clear()
    arguments: dict[str, Any] = {"url": URL, **again}
    next(fetch(page, a_request(**arguments)))
    assert [exchange.from_cache for exchange in page.history] == [True] * from_cache


def test_with_credentials_the_cache_knows_for_both() -> None:
    page = open_page()
    for credentials, expected in (("include", ["OPTIONS", "PUT"]), ("same-origin", ["(OPTIONS)", "PUT"])):
        fetched(page, a_request(URL, method="PUT", credentials=credentials), always(GRANT))  # type: ignore[arg-type]
        assert steps(page) == expected


def test_a_wildcard_is_remembered_but_for_authorization() -> None:
    page = open_page()
    lines = ("Access-Control-Allow-Methods: *", "Access-Control-Allow-Headers: *, authorization")
    fetched(
        page,
        a_request(URL, method="PUT"),
        always(answer(204, FOR_ANY, *lines[:1], "Access-Control-Allow-Headers: *")),
    )
    assert steps(page) == ["OPTIONS", "PUT"]
    fetched(page, a_request(URL, method="DELETE", headers={"X-Token": "t"}), always(answer(204, FOR_ANY)))
    assert steps(page) == ["(OPTIONS)", "DELETE"]
    fetched(page, a_request(URL, headers={"Authorization": "t"}), always(answer(204, FOR_ANY, *lines)))
    assert steps(page) == ["OPTIONS", "GET"]


@pytest.mark.parametrize("failing", ["OPTIONS", "PUT"])
def test_a_failure_makes_the_cache_forget_that_url_alone(failing: str) -> None:
    page = open_page()
    other = f"{SIBLING}/other"
    for url in (URL, other):
        fetched(page, a_request(url, method="PUT"), always(GRANT))
    answers = {f"OPTIONS {URL}": GRANT, f"PUT {URL}": GRANT, f"{failing} {URL}": answer(404)}
    # What the cache does not know is asked for, so that there is a preflight to fail.
    headers = {"X-New": "t"} if failing == "OPTIONS" else {}
    blocked(page, a_request(URL, method="PUT", headers=headers), serving(answers))
    assert {entry.url for entry in page.preflight_cache.entries} == {other}


def test_a_simple_request_that_fails_makes_it_forget_nothing() -> None:
    page = open_page()
    fetched(page, a_request(URL, method="PUT"), always(GRANT))
    blocked(page, a_request(URL), always(answer(404)))
    assert len(page.preflight_cache) > 0
