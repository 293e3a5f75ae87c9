"""headers.py: the lists of the standards, and the scan of Access-Control-Request-Headers."""

from __future__ import annotations

import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors import headers
from route_cors.headers import (
    MAX_REQUEST_HEADERS_BYTES,
    is_forbidden_method,
    is_forbidden_request_header,
    is_forbidden_response_header,
    is_token,
    normalize_method,
    requested_names,
)
from route_cors.testing.safelist import SAFELISTED_RESPONSE_HEADERS

# RFC 9110, section 5.6.2, spelled out once more and in another way.
TCHAR = frozenset("!#$%&'*+-.^_`|~" + string.digits + string.ascii_letters)


@given(st.text())
def test_a_token_is_one_or_more_tchars(text: str) -> None:
    assert is_token(text) == (text != "" and set(text) <= TCHAR)


@pytest.mark.parametrize("code", range(256))
def test_every_character_is_a_tchar_or_not(code: int) -> None:
    assert is_token(f"a{chr(code)}") == (chr(code) in TCHAR)


@pytest.mark.parametrize("name", ["A\n", "A\r\n", "\nA", "A B", "Tökén", "A:", ""])
def test_these_are_no_tokens(name: str) -> None:
    assert not is_token(name)


# https://fetch.spec.whatwg.org/#concept-method-normalize
@pytest.mark.parametrize("method", ["DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"])
def test_six_methods_are_normalized(method: str) -> None:
    assert normalize_method(method.lower()) == method
    assert normalize_method(method.capitalize()) == method
    assert normalize_method(method) == method


@pytest.mark.parametrize(
    "method", ["patch", "Patch", "PATCH", "query", "trace", "connect", "gEtX", "po\u017ft"]
)
def test_other_methods_stay_as_they_are(method: str) -> None:
    assert normalize_method(method) == method


# https://fetch.spec.whatwg.org/#forbidden-method
@pytest.mark.parametrize(
    ("method", "forbidden"),
    [("CONNECT", True), ("TRACE", True), ("TRACK", True), ("track", True), ("GET", False), ("PATCH", False)],
)
def test_forbidden_methods(method: str, forbidden: bool) -> None:
    assert is_forbidden_method(method) is forbidden


# https://fetch.spec.whatwg.org/#forbidden-request-header
FORBIDDEN_REQUEST_HEADERS = [
    "Accept-Charset",
    "Accept-Encoding",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Connection",
    "Content-Length",
    "Cookie",
    "Cookie2",
    "Date",
    "DNT",
    "Expect",
    "Host",
    "Keep-Alive",
    "Origin",
    "Referer",
    "Set-Cookie",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "Via",
    "Proxy-",
    "Proxy-Authorization",
    "Sec-",
    "Sec-Fetch-Site",
    "Sec-Fetch-Mode",
    "sec-ch-ua",
]


@pytest.mark.parametrize("name", FORBIDDEN_REQUEST_HEADERS)
def test_forbidden_request_headers(name: str) -> None:
    assert is_forbidden_request_header(name)
    assert is_forbidden_request_header(name.lower())
    assert is_forbidden_request_header(name.upper())


@pytest.mark.parametrize(
    "name",
    [
        *("X-Token", "Authorization", "Content-Type", "Proxy", "Sec", "X-Sec-A", "User-Agent", "Cookies"),
        *(
            "Accept",
            "Forwarded",
            "Range",
            "Second",
            "X-Cookie",
            "X-Forwarded-For",
            "X-Proxy-Id",
            "X-Sec-Fetch-Mode",
        ),
        # Of a draft that browsers have dropped.
        "Access-Control-Request-Private-Network",
    ],
)
def test_other_request_headers_are_not_forbidden(name: str) -> None:
    assert not is_forbidden_request_header(name)


# https://fetch.spec.whatwg.org/#forbidden-response-header-name
@pytest.mark.parametrize(
    ("name", "forbidden"), [("Set-Cookie", True), ("set-cookie2", True), ("Cookie", False), ("ETag", False)]
)
def test_forbidden_response_headers(name: str, forbidden: bool) -> None:
    assert is_forbidden_response_header(name) is forbidden


def test_the_lists_as_the_standard_has_them() -> None:
    # https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name
    safelisted = "cache-control content-language content-length content-type expires last-modified pragma"
    assert set(safelisted.split()) == SAFELISTED_RESPONSE_HEADERS
    assert headers.ALWAYS_ALLOWED_REQUEST_HEADERS == (
        "Accept",
        "Accept-Language",
        "Content-Language",
        "Content-Type",
    )
    assert headers.MAX_REQUEST_HEADERS_BYTES == 16384


@pytest.mark.parametrize(
    ("value", "names"),
    [
        (b"", ()),
        (b"x-a", (b"x-a",)),
        (b"X-A,x-b", (b"x-a", b"x-b")),
        (b"x-b,x-a,x-b", (b"x-b", b"x-a", b"x-b")),
        (b" x-a\t,\tx-b ", (b"x-a", b"x-b")),
        (b",,x-a, ,\t,x-b,", (b"x-a", b"x-b")),
        (b" ,\t, ", ()),
        (b"x a", None),
        (b"x-a;x-b", None),
        (b"x-a\n", None),
        (b"x-a\r\n,x-b", None),
        (b"x-a\x0b", None),
        (b"x-\xc3\xa4", None),
        (b"x-a,\xff", None),
        (b"x-a,(x-b)", None),
        (b'"x-a"', None),
        (b"\x00", None),
    ],
)
def test_the_scan(value: bytes, names: tuple[bytes, ...] | None) -> None:
    assert requested_names(value) == names


@pytest.mark.parametrize("element", [b",", b"a", b"a,", b" ", b" ,"])
def test_the_bound_is_exact(element: bytes) -> None:
    value = (element * MAX_REQUEST_HEADERS_BYTES)[:MAX_REQUEST_HEADERS_BYTES]
    assert requested_names(value) is not None
    assert requested_names(value + element[:1]) is None


TCHAR_BYTES = frozenset("".join(TCHAR).encode())


def naive_names(value: bytes) -> tuple[bytes, ...] | None:
    """The scan byte by byte."""
    names: list[bytes] = []
    for element in value.split(b","):
        characters = list(element)
        while characters and characters[0] in b" \t":
            del characters[0]
        while characters and characters[-1] in b" \t":
            del characters[-1]
        if any(character not in TCHAR_BYTES for character in characters):
            return None
        if characters:
            names.append(bytes(characters).lower())
    return tuple(names)


@given(st.one_of(st.binary(), st.text(alphabet="aZ-_9, \t;\n\xe4").map(lambda text: text.encode("latin-1"))))
def test_the_scan_is_the_naive_one(value: bytes) -> None:
    assert requested_names(value) == naive_names(value)


@pytest.mark.parametrize("value", [b"," * 10**7, b"a" * 10**7, b" " * 10**7, b"a, " * 10**7])
def test_what_is_too_long_costs_nothing(value: bytes) -> None:
    start = time.thread_time()
    for _ in range(1000):
        assert requested_names(value) is None
    assert time.thread_time() - start < 0.5
