"""Which methods and headers need no preflight, and which no script can send: the lists of the standard."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.headers import SAFELISTED_METHODS
from route_cors.testing.safelist import (
    REQUEST_BODY_HEADERS,
    is_forbidden,
    is_no_cors_safelisted,
    is_safelisted,
    unsafe_names,
)

# https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte
UNSAFE_BYTES = {*range(0x20), *b'"():<>?@[\\]{}\x7f'} - {0x09}
LANGUAGE_BYTES = {*string.ascii_letters.encode(), *string.digits.encode(), *b" *,-.;="}

OVERRIDES = ("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override")

header_values = st.text(st.characters(max_codepoint=0xFF), max_size=150)
header_names = st.sampled_from(
    ["Accept", "accept-language", "Content-Language", "CONTENT-TYPE", "Range", "X-Token", "Authorization"]
)


def test_three_methods_are_safelisted() -> None:
    assert sorted(SAFELISTED_METHODS) == ["GET", "HEAD", "POST"]


def test_four_headers_go_with_the_body() -> None:
    assert sorted(REQUEST_BODY_HEADERS) == [
        "content-encoding",
        "content-language",
        "content-location",
        "content-type",
    ]


# --- headers that no script can send ------------------------------------------------------------------


@pytest.mark.parametrize("spelled", [str, str.lower, str.upper])
@pytest.mark.parametrize("name", ["Cookie", "Host", "Proxy-Authorization", "Sec-Fetch-Mode"])
def test_a_forbidden_header_is_forbidden_in_any_case_and_with_any_value(
    name: str, spelled: type[str]
) -> None:
    assert is_forbidden(spelled(name), "")
    assert is_forbidden(spelled(name), "a value")


@pytest.mark.parametrize("name", ["Accept", "Cookies", "X-Sec-Fetch-Mode"])
def test_what_only_resembles_a_forbidden_header_is_not_one(name: str) -> None:
    assert not is_forbidden(name, "a value")


@pytest.mark.parametrize("name", [*OVERRIDES, "x-http-method", "X-METHOD-OVERRIDE"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("TRACE", True),
        ("track", True),
        ("Connect", True),
        ("PUT,TRACE", True),
        ("PUT, \ttrace\t ,DELETE", True),
        ("TRACE,", True),
        (",,CONNECT", True),
        ("PUT", False),
        ("PUT, DELETE", False),
        ("", False),
        ("TRACER", False),
        ("TRA CE", False),
        ("TRACE PUT", False),
        ("TRACE;q=1", False),
        ('"TRACE"', False),
    ],
)
def test_an_overriding_method_is_forbidden_where_it_names_a_forbidden_one(
    name: str, value: str, *, expected: bool
) -> None:
    assert is_forbidden(name, value) is expected


def test_a_comma_in_a_quoted_string_separates_no_overriding_methods() -> None:
    assert not is_forbidden("X-HTTP-Method", '"PUT, TRACE, PUT"')
    assert is_forbidden("X-HTTP-Method", '"PUT, PUT", TRACE')


def test_a_method_in_any_other_header_is_nobodys_business() -> None:
    assert not is_forbidden("X-HTTP-Methods", "TRACE")


# --- headers that need no preflight -------------------------------------------------------------------


@pytest.mark.parametrize("byte", range(0x100))
def test_accept_and_content_type_take_each_byte_but_the_unsafe_ones(byte: int) -> None:
    safe = byte not in UNSAFE_BYTES
    assert is_safelisted("Accept", f"a{chr(byte)}b") is safe
    assert is_safelisted("Content-Type", f"text/plain;x={chr(byte)}y") is safe


@pytest.mark.parametrize("byte", range(0x100))
@pytest.mark.parametrize("name", ["Accept-Language", "Content-Language"])
def test_languages_take_what_languages_are_made_of(name: str, byte: int) -> None:
    assert is_safelisted(name, f"a{chr(byte)}b") is (byte in LANGUAGE_BYTES)


@pytest.mark.parametrize("name", ["Accept", "Accept-Language", "Content-Language", "Content-Type"])
def test_a_value_of_128_bytes_is_the_longest(name: str) -> None:
    value = "text/plain;" if name == "Content-Type" else ""
    assert is_safelisted(name, value.ljust(128, "a"))
    assert not is_safelisted(name, value.ljust(129, "a"))


def test_a_range_of_128_bytes_is_the_longest() -> None:
    assert is_safelisted("Range", f"bytes={'1' * 121}-")
    assert not is_safelisted("Range", f"bytes={'1' * 122}-")


@pytest.mark.parametrize("name", ["Accept", "Accept-Language", "Content-Language"])
def test_an_empty_value_is_safe(name: str) -> None:
    assert is_safelisted(name, "")


@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
def test_the_case_of_a_name_does_not_matter(spelled: type[str]) -> None:
    assert is_safelisted(spelled("accept"), "text/html")
    assert is_safelisted(spelled("content-type"), "text/plain")
    assert is_safelisted(spelled("range"), "bytes=0-")


@pytest.mark.parametrize(
    "name", ["Authorization", "X-Token", "X-Accept", "Accept-", "Content-Encoding", "User-Agent", "Ranges"]
)
def test_any_other_name_needs_a_preflight(name: str) -> None:
    assert not is_safelisted(name, "a")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("text/plain", True),
        ("application/x-www-form-urlencoded", True),
        ("multipart/form-data", True),
        ("TEXT/Plain", True),
        ("text/plain;charset=utf-8", True),
        ("text/plain ; charset=utf-8", True),
        ("text/plain\t;charset=utf-8", True),
        ("text/plain;", True),
        ("text/plain;;=;nonsense", True),
        ("multipart/form-data; boundary=----WebKitFormBoundary", True),
        # A parameter that is unreadable leaves the type as it is.
        ("text/plain; charset==", True),
        (" text/plain", True),
        ("application/json", False),
        ("text/html", False),
        ("text/xml; text/plain", False),
        ("text/plain, application/json", False),
        ("text/plain,text/plain", False),
        ("application/json;text/plain", False),
        ("text /plain", False),
        ("text/ plain", False),
        ("text/plain x", False),
        ("text/plainx", False),
        ("text/plain\xa0", False),
        ("textplain", False),
        ("text/", False),
        ("/plain", False),
        ("text", False),
        (";", False),
        ("", False),
        ("*/*", False),
    ],
)
def test_content_type_is_that_of_a_form(value: str, *, expected: bool) -> None:
    assert is_safelisted("Content-Type", value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-", True),
        ("bytes=0-0", True),
        ("bytes=5-10", True),
        ("bytes=007-7", True),
        ("bytes=10-9", False),
        ("bytes=-500", False),
        ("bytes=-", False),
        ("bytes=", False),
        ("bytes=0", False),
        ("bytes=0-5,6-9", False),
        ("bytes=0-,", False),
        ("bytes =0-", False),
        ("bytes= 0-", False),
        ("bytes=0 -5", False),
        ("bytes=0- 5", False),
        (" bytes=0-", False),
        ("Bytes=0-", False),
        ("items=0-", False),
        ("bytes=a-b", False),
        ("bytes=+1-2", False),
        ("bytes=\xb2-", False),
        ("bytes=0-\n", False),
        ("", False),
    ],
)
def test_range_is_one_that_media_elements_send(value: str, *, expected: bool) -> None:
    assert is_safelisted("Range", value) is expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("Accept", "text/html", True),
        ("ACCEPT-LANGUAGE", "en", True),
        ("content-language", "en", True),
        ("Content-Type", "text/plain", True),
        ("Content-Type", "application/json", False),
        ("Accept", "<", False),
        ("Accept", "a" * 129, False),
        ("Range", "bytes=0-", False),
        ("X-Token", "t", False),
    ],
)
def test_no_cors_knows_the_same_headers_but_for_range(name: str, value: str, *, expected: bool) -> None:
    assert is_no_cors_safelisted(name, value) is expected


# --- what a preflight asks for ------------------------------------------------------------------------


def test_unsafe_names_are_in_lower_case_sorted_and_each_there_once() -> None:
    headers = [("X-B", "1"), ("Accept", "*/*"), ("x-a", "1"), ("X-b", "2"), ("Authorization", "t")]
    assert unsafe_names(headers) == ("authorization", "x-a", "x-b")


def test_a_header_is_named_where_one_of_its_values_is_unsafe() -> None:
    assert unsafe_names([("Accept", "*/*"), ("accept", "<")]) == ("accept",)


def test_nothing_is_asked_for_where_there_is_nothing() -> None:
    assert unsafe_names([]) == ()


def test_all_safe_values_together_may_have_1024_bytes() -> None:
    longest = [("Accept-Language", "a" * 128)] * 7 + [("Accept", "a" * 128)]
    assert unsafe_names(longest) == ()
    assert unsafe_names([*longest, ("Content-Language", "")]) == ()
    assert unsafe_names([*longest, ("Content-Language", "a")]) == (
        "accept",
        "accept-language",
        "content-language",
    )


def test_too_many_bytes_make_safe_values_unsafe_beside_those_that_are() -> None:
    headers = [("X-Token", "t"), *[("Accept-Language", "a" * 128)] * 9]
    assert unsafe_names(headers) == ("accept-language", "x-token")


def test_values_that_are_unsafe_by_themselves_do_not_count_among_the_1024_bytes() -> None:
    headers = [("Accept-Language", "a" * 128)] * 8 + [("X-Token", "t" * 5000)]
    assert unsafe_names(headers) == ("x-token",)


@given(st.lists(st.tuples(header_names, header_values)))
def test_unsafe_names_hold_the_name_of_each_unsafe_header(headers: list[tuple[str, str]]) -> None:
    unsafe = unsafe_names(headers)
    assert {name.lower() for name, value in headers if not is_safelisted(name, value)} <= set(unsafe)
    assert list(unsafe) == sorted({*unsafe})
    assert {*unsafe} <= {name.lower() for name, _ in headers}


@given(header_names, header_values)
def test_what_no_cors_takes_needs_no_preflight(name: str, value: str) -> None:
    assert is_safelisted(name, value) or not is_no_cors_safelisted(name, value)
