"""What a test sees of what happened: the exchanges, and the error that says why a call was blocked."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing.history import CORSBlocked, Exchange, History
from route_cors.testing.messages import Headers, ReceivedResponse, SentRequest

from .machine import answer

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = ("authorization", "cookie", "proxy-authorization", "set-cookie")
URL = "https://api.example.com/notes"
SENT = SentRequest("PUT", URL, Headers([("Accept", "*/*"), ("Origin", "https://a.example")]))


def an_exchange(step: str = "actual", status: int | None = 200) -> Exchange:
    preflight = step == "preflight"
    sent = SentRequest("OPTIONS", URL, Headers()) if preflight else SENT
    response = None if status is None else answer(status)
    return Exchange("preflight" if preflight else "actual", sent, response, from_cache=status is None)


PREFLIGHT = an_exchange("preflight", 204)
ACTUAL = an_exchange()
CACHED = an_exchange("preflight", None)


@pytest.fixture
def history() -> History:
    history = History()
    for exchange in (PREFLIGHT, ACTUAL, CACHED, ACTUAL):
        history.add(exchange)
    return history


# --- exchanges ----------------------------------------------------------------------------------------


def test_a_history_is_a_sequence_oldest_first(history: History) -> None:
    assert len(history) == 4
    assert list(history) == [PREFLIGHT, ACTUAL, CACHED, ACTUAL]
    assert history[0] is PREFLIGHT
    assert history[-2] is CACHED
    assert history[1:3] == [ACTUAL, CACHED]
    assert CACHED in history
    assert history.count(ACTUAL) == 2
    with pytest.raises(IndexError):
        history[4]


def test_what_the_cache_answered_was_not_sent(history: History) -> None:
    assert history.sent == [PREFLIGHT, ACTUAL, ACTUAL]
    assert history.preflights == [PREFLIGHT]


def test_a_history_can_be_cleared_and_goes_on(history: History) -> None:
    history.clear()
    assert list(history) == []
    assert history.preflights == history.sent == []
    history.add(ACTUAL)
    assert history.sent == [ACTUAL]


def test_a_history_prints_a_line_for_each_exchange(history: History) -> None:
    assert str(history).split("\n") == [
        f"preflight OPTIONS {URL} -> 204",
        f"actual PUT {URL} -> 200",
        f"preflight OPTIONS {URL} -> answered by the preflight cache",
        f"actual PUT {URL} -> 200",
    ]


def test_a_printed_url_moves_no_cursor() -> None:
    exchange = Exchange("actual", SentRequest("GET", "https://a.example/\x1b[2J", Headers()), answer())
    assert str(exchange) == r"actual GET https://a.example/\x1b[2J -> 200"


# --- what was blocked ---------------------------------------------------------------------------------


def test_an_error_has_what_a_test_asks_for() -> None:
    received = answer(403)
    error = CORSBlocked("preflight", "refused", fix="a 204", request=SENT, response=received)
    assert (error.step, error.reason, error.fix) == ("preflight", "refused", "a 204")
    assert error.request is SENT
    assert error.response is received


def test_an_error_may_know_neither_request_nor_response() -> None:
    error = CORSBlocked("mode", "refused", fix="mode='cors'")
    assert error.request is None
    assert error.response is None
    lines = ["blocked at the mode: mode='cors'", "refused", "what would have allowed it:", "    mode='cors'"]
    assert str(error).split("\n") == lines


def test_an_error_prints_the_cause_and_what_was_sent_and_what_came_and_what_would_have_been_needed() -> None:
    response = answer(200, "Content-Type: text/plain", "Vary: Origin", content=b"hello\nworld")
    error = CORSBlocked(
        "actual",
        "not allowed",
        fix="A: 1\nB: 2",
        cause="for a reason: do this",
        request=SENT,
        response=response,
        show_secrets=True,
    )
    assert error.cause == "for a reason: do this"
    assert str(error).split("\n") == [
        "for a reason: do this",
        "not allowed",
        "sent:",
        f"    PUT {URL}",
        "    Accept: */*",
        "    Origin: https://a.example",
        "received:",
        "    200",
        "    Content-Type: text/plain",
        "    Vary: Origin",
        "    ",
        "    hello",
        "    world",
        "what would have allowed it:",
        "    A: 1",
        "    B: 2",
    ]


def test_a_response_without_a_body_prints_none() -> None:
    error = CORSBlocked("actual", "r", fix="m", request=SENT, response=answer(204))
    assert "received:\n    204\nwhat would" in str(error)


def test_the_apps_own_error_is_printed() -> None:
    response = answer(500, error=RuntimeError("no such\ntable"))
    error = CORSBlocked("actual", "r", fix="m", request=SENT, response=response)
    assert "\nthe app raised:\n    RuntimeError('no such\\ntable')\nwhat would have" in str(error)


def test_a_long_body_is_cut_off() -> None:
    received = answer(200, content=b"x" * 200 + b"y")
    error = CORSBlocked("actual", "r", fix="m", response=received, show_secrets=True)
    assert f"    {'x' * 200}\nwhat" in str(error)


def test_a_body_that_is_no_text_is_printed_nonetheless() -> None:
    received = answer(200, content=b"\xff\x00")
    error = CORSBlocked("actual", "r", fix="m", response=received, show_secrets=True)
    assert "    \ufffd\\x00\n" in str(error)


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\rb", r"a\rb"),
        ("a\x00b", r"a\x00b"),
        ("a\x7fb", r"a\x7fb"),
        ("a\x85b", r"a\x85b"),
        ("a\x9b2Jb", r"a\x9b2Jb"),
        ("a\xa0b", r"a\xa0b"),
        ("a\tb", r"a\tb"),
        ("h\xe9", "h\xe9"),
        ("a\\b", "a\\b"),
    ],
)
def test_what_a_server_says_moves_no_cursor(hostile: str, shown: str) -> None:
    sent = SentRequest("GET", f"https://a.example/{hostile}", Headers([("X-Sent", f"s{hostile}s")]))
    received = ReceivedResponse(200, Headers([(f"X{hostile}", f"r{hostile}r")]))
    error = CORSBlocked(
        "actual",
        f"because {hostile}",
        fix=f"not {hostile}",
        cause=f"as {hostile}",
        request=sent,
        response=received,
    )
    assert str(error).split("\n") == [
        f"as {shown}",
        f"because {shown}",
        "sent:",
        f"    GET https://a.example/{shown}",
        f"    X-Sent: s{shown}s",
        "received:",
        "    200",
        f"    X{shown}: r{shown}r",
        "what would have allowed it:",
        f"    not {shown}",
    ]


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u2028", "\ufeff", "\ud800"])
def test_what_cannot_be_seen_is_spelled_out(hidden: str) -> None:
    assert rf"because \u{ord(hidden):04x}" in str(CORSBlocked("actual", f"because {hidden}", fix="m"))


@given(st.text(), st.binary(max_size=300), st.text(), st.booleans(), st.sampled_from(["X", *SECRET]))
def test_whatever_is_printed_is_printable(
    reason: str, content: bytes, value: str, show_secrets: bool, name: str
) -> None:
    received = ReceivedResponse(200, Headers([(name, value)]), content)
    error = CORSBlocked(
        "actual", reason, fix=value, request=SENT, response=received, show_secrets=show_secrets
    )
    assert all(line.isprintable() for line in str(error).split("\n"))


# --- what is not shown --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("Authorization: Bearer abc", "Authorization: <10 characters>"),
        ("PROXY-authorization: Basic a", "PROXY-authorization: <7 characters>"),
        (
            "Cookie: session=abc; theme=d; plain",
            "Cookie: session=<3 characters>; theme=<1 character>; <5 characters>",
        ),
        ("Cookie: a=b=c", "Cookie: a=<3 characters>"),
        ("Set-Cookie: session=abc", "Set-Cookie: session=<3 characters>"),
        ("Set-Cookie: secret", "Set-Cookie: <6 characters>"),
        ("Set-Cookie: =secret;Secure", "Set-Cookie: =<6 characters>;Secure"),
        (
            "Set-Cookie: a=b; Path=/x; Domain=a.example; Max-Age=1; Expires=x",
            "Set-Cookie: a=<1 character>; Path=/x; Domain=a.example; Max-Age=1; Expires=x",
        ),
        (
            "Set-Cookie: a=b; HttpOnly; SameSite=Lax; Partitioned; Other=abc",
            "Set-Cookie: a=<1 character>; HttpOnly; SameSite=Lax; Partitioned;<10 characters>",
        ),
        ("X-Token: t", "X-Token: t"),
    ],
)
@pytest.mark.parametrize("of_request", [False, True])
def test_of_secret_headers_names_and_lengths_are_shown(header: str, shown: str, of_request: bool) -> None:
    name, _, value = header.partition(": ")
    headers = Headers([(name, value)])
    request = SentRequest("GET", URL, headers if of_request else Headers())
    response = ReceivedResponse(200, Headers() if of_request else headers)
    error = CORSBlocked("actual", "r", fix="m", request=request, response=response)
    assert f"    {shown}\n" in str(error)
    told = CORSBlocked("actual", "r", fix="m", request=request, response=response, show_secrets=True)
    assert f"    {header}\n" in str(told)


@pytest.mark.parametrize(("content", "shown"), [(b"x", "<body of 1 byte>"), (b"secret", "<body of 6 bytes>")])
def test_of_bodies_the_length_is_shown(content: bytes, shown: str) -> None:
    request = SentRequest("POST", URL, Headers(), content)
    error = CORSBlocked("actual", "r", fix="m", request=request, response=answer(200, content=content))
    assert f"POST {URL}\n    \n    {shown}\nreceived:\n    200\n    \n    {shown}\nwhat" in str(error)
    told = CORSBlocked("actual", "r", fix="m", request=request, response=answer(200), show_secrets=True)
    assert f"POST {URL}\n    \n    {content.decode()}\nreceived:\n    200\nwhat" in str(told)


_VALUES = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=12, max_size=40)


@given(_VALUES, st.sampled_from(SECRET))
def test_no_value_of_a_secret_header_is_printed(value: str, name: str) -> None:
    secret = f"name={value}" if "cookie" in name else value
    received = ReceivedResponse(200, Headers([(name, secret)]), value.encode())
    sent = SentRequest("POST", URL, Headers([(name, secret)]), value.encode())
    error = CORSBlocked("actual", "r", fix="m", request=sent, response=received)
    # The name of a cookie reaches up to the first sign of equality.
    hidden = [part for part in value.split(";") if len(part) > 9 and "=" not in part]
    assert all(part not in str(error) for part in hidden)


def pickled(error: CORSBlocked) -> CORSBlocked:
    again: CORSBlocked = pickle.loads(pickle.dumps(error))  # noqa: S301 - what was pickled here
    return again


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, pickled])
def test_an_error_survives_the_way_out_of_a_worker_process(
    again: Callable[[CORSBlocked], CORSBlocked],
) -> None:
    received = answer(200, "X: 1", content=b"body")
    for show_secrets in (False, True):
        error = CORSBlocked(
            "actual", "r", fix="m", cause="c", request=SENT, response=received, show_secrets=show_secrets
        )
        other = again(error)
        assert type(other) is CORSBlocked
        assert (other.step, other.reason, other.fix, other.cause) == ("actual", "r", "m", "c")
        assert str(other) == str(error)
