"""The arguments of fetch: what a browser refuses, what it drops, and what it makes of the rest."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing.request import Credentials, HeadersInit, Mode, Redirect, Request
from route_cors.testing.urls import parse_url

from .machine import SIBLING, a_request

BASE = parse_url(f"{SIBLING}/users/7?x=1#top")


def headers_of(request: Request) -> dict[str, str]:
    return dict(request.headers)


# --- methods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["delete", "Get", "hEAD", "options", "pOST", "Put"])
def test_six_methods_are_upper_cased(method: str) -> None:
    assert a_request(method=method).method == method.upper()


@pytest.mark.parametrize(
    "method", ["patch", "Patch", "PATCH", "query", "gets", "UNICORN", "!#$%&'*+-.^_`|~9"]
)
def test_any_other_method_is_left_as_it_is_spelled(method: str) -> None:
    assert a_request(method=method).method == method


@pytest.mark.parametrize("method", ["CONNECT", "TRACE", "TRACK", "connect", "Trace", "tRACK"])
@pytest.mark.parametrize("mode", get_args(Mode))
def test_a_forbidden_method_is_refused_in_every_mode(method: str, mode: Mode) -> None:
    with pytest.raises(
        ValueError, match=f"method: '{method}': browsers do not let scripts send CONNECT, TRACE and TRACK"
    ):
        a_request(method=method, mode=mode)


@pytest.mark.parametrize(
    "method", ["", " ", "GET ", "GET\n", "GE T", "a/b", "a:b", "P\xdcT", "po\u017ft", "\0"]
)
def test_what_is_no_token_is_no_method(method: str) -> None:
    with pytest.raises(ValueError, match="is not a valid HTTP method") as caught:
        a_request(method=method)
    assert repr(method) in str(caught.value)


@pytest.mark.parametrize("method", ["get", "HEAD", "Post"])
def test_no_cors_knows_three_methods(method: str) -> None:
    assert a_request(method=method, mode="no-cors").method == method.upper()


@pytest.mark.parametrize("method", ["put", "DELETE", "PATCH", "OPTIONS", "post2"])
def test_no_cors_refuses_any_other_method(method: str) -> None:
    with pytest.raises(ValueError, match="is not supported in mode 'no-cors', only GET, HEAD and POST are"):
        a_request(method=method, mode="no-cors")


# --- choices ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", ["navigate", "CORS", "", "websocket", None])
def test_an_unknown_mode_is_refused_with_the_known_ones(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"mode: .* must be one of 'cors', 'no-cors', 'same-origin'$"):
        a_request(mode=wrong)


@pytest.mark.parametrize("wrong", ["always", "Include", "", True])
def test_unknown_credentials_are_refused_with_the_known_ones(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"credentials: .* must be one of 'omit', 'same-origin', 'include'$"):
        a_request(credentials=wrong)


@pytest.mark.parametrize("wrong", ["never", "FOLLOW", "", False])
def test_an_unknown_redirect_is_refused_with_the_known_ones(wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"redirect: .* must be one of 'follow', 'error', 'manual'$"):
        a_request(redirect=wrong)


@pytest.mark.parametrize("mode", get_args(Mode))
@pytest.mark.parametrize("credentials", get_args(Credentials))
@pytest.mark.parametrize("redirect", get_args(Redirect))
def test_known_choices_are_kept(mode: Mode, credentials: Credentials, redirect: Redirect) -> None:
    request = a_request(mode=mode, credentials=credentials, redirect=redirect)
    assert (request.mode, request.credentials, request.redirect) == (mode, credentials, redirect)


# --- URLs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("notes", f"{SIBLING}/users/notes"),
        ("/notes", f"{SIBLING}/notes"),
        ("?y=2", f"{SIBLING}/users/7?y=2"),
        ("", f"{SIBLING}/users/7?x=1"),
        ("//other.example/a", "https://other.example/a"),
        ("http://other.example", "http://other.example/"),
        ("HTTP://OTHER.example:80/a b", "http://other.example/a%20b"),
    ],
)
def test_a_url_is_read_from_its_base(url: str, expected: str) -> None:
    assert a_request(url, base=BASE).url.href == expected


def test_a_relative_url_needs_a_base() -> None:
    with pytest.raises(
        ValueError, match=r"'/notes' is not a URL .* without a base_url it has to be absolute"
    ):
        a_request("/notes")


@pytest.mark.parametrize(
    "url", ["ftp://a.example/", "data:,x", "blob:https://a.example/1", "ws://a.example/"]
)
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="must be http or https") as caught:
        a_request(url)
    assert url in str(caught.value)


@pytest.mark.parametrize(
    "url", ["https://me@a.example/", "https://:secret@a.example/", "//me:secret@a.example"]
)
def test_a_url_with_credentials_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="browsers refuse to fetch a URL with a username or password in it"):
        a_request(url, base=BASE)


def test_an_empty_user_name_is_none() -> None:
    assert a_request("https://@a.example/").url.href == "https://a.example/"


# --- bodies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "content", "content_type"),
    [
        ({"content": "h\u00e9"}, b"h\xc3\xa9", "text/plain;charset=UTF-8"),
        ({"content": ""}, b"", "text/plain;charset=UTF-8"),
        ({"content": b"\xff\x00"}, b"\xff\x00", None),
        ({"content": b""}, b"", None),
        ({"json": {"a": [1, None], "\xe9": "x"}}, '{"a":[1,null],"\xe9":"x"}'.encode(), "application/json"),
        ({"json": []}, b"[]", "application/json"),
        ({"json": 0}, b"0", "application/json"),
        ({"json": False}, b"false", "application/json"),
        ({"json": ""}, b'""', "application/json"),
        (
            {"data": {"a": "1 & 2", "b": ["x", "y"]}},
            b"a=1+%26+2&b=x&b=y",
            "application/x-www-form-urlencoded;charset=UTF-8",
        ),
        ({"data": {}}, b"", "application/x-www-form-urlencoded;charset=UTF-8"),
    ],
)
def test_a_body_has_its_own_type(body: dict[str, Any], content: bytes, content_type: str | None) -> None:
    request = a_request(method="POST", **body)
    assert request.content == content
    assert headers_of(request).get("Content-Type") == content_type


def test_without_a_body_there_is_none() -> None:
    request = a_request(method="POST")
    assert request.content is None
    assert request.headers == ()


@pytest.mark.parametrize("body", [{"content": "x"}, {"content": b"x"}, {"json": 1}, {"data": {"a": "b"}}])
def test_a_type_that_the_script_sets_stays(body: dict[str, Any]) -> None:
    request = a_request(method="POST", headers={"content-TYPE": "text/csv"}, **body)
    assert request.headers == (("content-TYPE", "text/csv"),)


@pytest.mark.parametrize("method", ["GET", "head"])
@pytest.mark.parametrize("body", [{"content": ""}, {"content": b""}, {"json": 0}, {"data": {}}])
def test_get_and_head_have_no_body(method: str, body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"a {method.upper()} request cannot have a body"):
        a_request(method=method, **body)


@pytest.mark.parametrize("method", ["DELETE", "OPTIONS", "PATCH", "get2"])
def test_any_other_method_may_have_a_body(method: str) -> None:
    assert a_request(method=method, content=b"x").content == b"x"


@pytest.mark.parametrize(
    "bodies",
    [
        {"content": "x", "json": {}},
        {"content": b"", "data": {}},
        {"json": 1, "data": {}},
        {"content": "", "json": 0, "data": {}},
    ],
)
def test_two_bodies_are_one_too_many(bodies: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a request has one body: give only one of content, json and data"):
        a_request(method="POST", **bodies)


@pytest.mark.parametrize("wrong", [7, ["x"], {"a": "b"}, bytearray(b"x")])
def test_a_body_of_another_type_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"^content: ") as caught:
        a_request(method="POST", content=wrong)
    assert repr(wrong) in str(caught.value)


def test_json_has_no_nan() -> None:
    with pytest.raises(ValueError, match="JSON"):
        a_request(method="POST", json=float("nan"))


# --- headers ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (None, ()),
        ({}, ()),
        ([], ()),
        ({"X-A": "1"}, (("X-A", "1"),)),
        ([("X-A", "1"), ("x-a", "2")], (("X-A", "1"), ("x-a", "2"))),
        ((("X-A", "1"), ("x-a", "2")), (("X-A", "1"), ("x-a", "2"))),
        ({"X-A": ""}, (("X-A", ""),)),
        ({"X-A": " \t\r\n1 2\n "}, (("X-A", "1 2"),)),
        ({"X-A": "\xe9\xff"}, (("X-A", "\xe9\xff"),)),
    ],
)
def test_headers_are_a_mapping_or_pairs(
    headers: HeadersInit | None, expected: tuple[tuple[str, str], ...]
) -> None:
    assert a_request(headers=headers).headers == expected


@pytest.mark.parametrize("name", ["", "X A", "X-A:", "X-A\n", "X-\xc4", "(X)", '"X"'])
def test_what_is_no_token_is_no_header_name(name: str) -> None:
    with pytest.raises(ValueError, match="is not a valid header name") as caught:
        a_request(headers={name: "1"})
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize("value", ["a\nb", "a\rb", "a\r\nX-B: 1", "a\0b", "\0", "\u0100", "\u20ac", "\ud800"])
def test_a_value_holds_no_line_break_no_nul_and_latin_1_alone(value: str) -> None:
    with pytest.raises(
        ValueError, match=r"headers: 'X-A': .* contains a line break, a NUL or a character outside of Latin-1"
    ):
        a_request(headers={"X-A": value})


@pytest.mark.parametrize("mode", get_args(Mode))
def test_a_name_that_is_none_is_refused_even_where_it_would_be_dropped(mode: Mode) -> None:
    with pytest.raises(ValueError, match="is not a valid header name"):
        a_request(headers={"Sec Fetch": "1"}, mode=mode)
    with pytest.raises(ValueError, match="'Cookie'"):
        a_request(headers={"Cookie": "a\nb"}, mode=mode)


@pytest.mark.parametrize("mode", get_args(Mode))
def test_what_no_script_can_set_is_dropped_in_silence(mode: Mode) -> None:
    headers = {
        "Cookie": "a=b",
        "Origin": "https://evil.example",
        "HOST": "evil.example",
        "Sec-Fetch-Site": "same-origin",
        "proxy-authorization": "Basic x",
        "Access-Control-Request-Method": "PUT",
        "X-HTTP-Method-Override": "PUT, TRACE",
        "Accept": "text/html",
    }
    assert a_request(headers=headers, mode=mode).headers == (("Accept", "text/html"),)


def test_an_overriding_method_that_is_not_forbidden_is_sent() -> None:
    assert headers_of(a_request(headers={"X-HTTP-Method-Override": "PUT"})) == {
        "X-HTTP-Method-Override": "PUT"
    }


def test_no_cors_drops_what_needs_a_preflight() -> None:
    headers = {
        "Accept": "text/html",
        "Accept-Language": "en",
        "Content-Language": "de",
        "Content-Type": "text/plain",
        "Range": "bytes=0-",
        "Authorization": "Bearer t",
        "X-Token": "t",
    }
    assert [name for name, _ in a_request(headers=headers, mode="no-cors").headers] == [
        "Accept",
        "Accept-Language",
        "Content-Language",
        "Content-Type",
    ]
    assert [name for name, _ in a_request(headers=headers).headers] == [*headers]


def test_no_cors_looks_at_the_values_of_one_name_together() -> None:
    # 63 + 2 for the comma and the space + 63 are the 128 bytes that are allowed.
    fits = [("Accept", "a" * 63), ("ACCEPT", "b" * 63)]
    assert a_request(headers=fits, mode="no-cors").headers == tuple(fits)
    one_too_many = [("Accept", "a" * 63), ("X-Token", "t"), ("ACCEPT", "b" * 64), ("accept", "c")]
    assert a_request(headers=one_too_many, mode="no-cors").headers == (
        ("Accept", "a" * 63),
        ("accept", "c"),
    )
    # Two types make no type.
    types = [("Content-Type", "text/plain"), ("Content-Type", "text/plain")]
    assert a_request(headers=types, mode="no-cors").headers == (("Content-Type", "text/plain"),)


def test_no_cors_looks_at_each_name_by_itself() -> None:
    headers = [("Accept", "a" * 128), ("Accept-Language", "b" * 128)]
    assert a_request(headers=headers, mode="no-cors").headers == tuple(headers)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        # What JSON.stringify returned is a string, and strings are text/plain once their own type is gone.
        ({"json": {}}, "text/plain;charset=UTF-8"),
        ({"json": {}, "headers": {"Content-Type": "application/json"}}, "text/plain;charset=UTF-8"),
        ({"content": b"{}", "headers": {"Content-Type": "application/json"}}, None),
        ({"data": {"a": "b"}}, "application/x-www-form-urlencoded;charset=UTF-8"),
        ({"content": "x", "headers": {"Content-Type": "multipart/form-data"}}, "multipart/form-data"),
    ],
)
def test_no_cors_sends_the_types_of_forms_alone(arguments: dict[str, Any], expected: str | None) -> None:
    request = a_request(method="POST", mode="no-cors", **arguments)
    assert headers_of(request).get("Content-Type") == expected


@pytest.mark.parametrize("wrong", [None, 7, b"x"])
@pytest.mark.parametrize("argument", ["method", "headers"])
def test_what_is_no_string_is_a_type_error_that_names_it(argument: str, wrong: Any) -> None:
    arguments: list[dict[str, Any]] = [{"method": wrong}]
    if argument == "headers":
        arguments = [{"headers": [(wrong, "a")]}, {"headers": {"X-A": wrong}}]
    for given_ones in arguments:
        with pytest.raises(TypeError, match=f"^{argument}.*must be a string$") as caught:
            a_request(**given_ones)
        assert repr(wrong) in str(caught.value)


# --- whatever a script hands over ---------------------------------------------------------------------


def accepted(**arguments: Any) -> Request | None:
    """The request; None where the arguments are refused. Any other exception fails the test."""
    try:
        return a_request(**arguments)
    except ValueError:
        return None


@given(
    st.one_of(st.text(), st.text().map("https://a.example/".__add__), st.text().map("https://".__add__)),
    st.sampled_from([None, BASE]),
)
def test_any_text_is_a_url_or_a_value_error(url: str, base: Any) -> None:
    request = accepted(url=url, base=base)
    assert request is None or request.url.href.startswith(("https://", "http://"))


@given(st.text(max_size=10), st.sampled_from(get_args(Mode)))
def test_any_text_is_a_method_or_a_value_error(method: str, mode: Mode) -> None:
    request = accepted(method=method, mode=mode)
    assert request is None or request.method.upper() == method.upper()


@given(st.lists(st.tuples(st.text(max_size=20), st.text())), st.sampled_from(get_args(Mode)))
def test_any_texts_are_headers_or_a_value_error(headers: list[tuple[str, str]], mode: Mode) -> None:
    request = accepted(headers=headers, mode=mode)
    assert request is None or {*request.headers} <= {
        (name, value.strip(" \t\r\n")) for name, value in headers
    }


@given(st.text(), st.text(), st.sampled_from(get_args(Mode)))
def test_any_text_is_a_body_or_a_value_error(text: str, value: str, mode: Mode) -> None:
    for body in ({"content": text}, {"json": {text: value}}, {"data": {text: value}}):
        request = accepted(method="POST", mode=mode, **body)
        assert request is None or request.content is not None
