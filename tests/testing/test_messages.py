"""Header lists, and what a script reads off a response."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing.messages import Headers, ReceivedResponse, Response, SentRequest

HEADERS = Headers([("Vary", "Origin"), ("X-Id", " \t7\t "), ("vary", "Accept"), ("Empty", "")])


def response(content: bytes) -> Response:
    return Response(200, Headers(), content, "basic", "https://a.example/")


def test_names_are_found_in_any_case() -> None:
    assert HEADERS["x-id"] == HEADERS["X-ID"] == "7"
    assert "X-iD" in HEADERS
    assert HEADERS["empty"] == ""


def test_repeated_headers_are_joined() -> None:
    assert HEADERS["VARY"] == "Origin, Accept"
    assert HEADERS.get_all("Vary") == ("Origin", "Accept")


def test_what_is_missing_is_a_key_error_or_a_default() -> None:
    with pytest.raises(KeyError):
        HEADERS["age"]
    assert "age" not in HEADERS
    assert HEADERS.get("age") is None
    assert HEADERS.get("age", "0") == "0"
    assert HEADERS.get_all("age") == ()


def test_headers_are_listed_in_lower_case_sorted_and_each_once() -> None:
    assert list(HEADERS) == ["empty", "vary", "x-id"]
    assert len(HEADERS) == 3
    assert dict(HEADERS) == {"empty": "", "vary": "Origin, Accept", "x-id": "7"}


def test_raw_has_the_wires_order_and_spelling_without_the_space_around_values() -> None:
    assert HEADERS.raw == (("Vary", "Origin"), ("X-Id", "7"), ("vary", "Accept"), ("Empty", ""))
    assert repr(HEADERS) == f"Headers({list(HEADERS.raw)!r})"


def test_only_spaces_and_tabs_are_no_part_of_a_value() -> None:
    assert Headers([("A", "\xa0b\x0b")])["a"] == "\xa0b\x0b"


def test_no_headers() -> None:
    assert list(Headers()) == []
    assert ReceivedResponse(204).headers == Headers()
    assert SentRequest("GET", "https://a.example/", Headers()).content == b""


def test_headers_compare_as_mappings_do() -> None:
    assert Headers([("A", "1")]) == {"a": "1"}
    assert Headers([("A", "1"), ("a", "2")]) == Headers([("a", "1, 2")])
    assert Headers([("A", "1")]) != Headers([("A", "2")])


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5))))
def test_a_mapping_of_any_pairs_is_consistent(pairs: list[tuple[str, str]]) -> None:
    headers = Headers(pairs)
    assert len(list(headers)) == len(headers)
    assert all(headers[name] == ", ".join(headers.get_all(name)) for name in headers)
    assert sum(len(headers.get_all(name)) for name in headers) == len(headers.raw) == len(pairs)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"h\xc3\xa9", "h\xe9"),
        (b"\xef\xbb\xbfwith a mark", "with a mark"),
        (b"\xff!", "\ufffd!"),
    ],
)
def test_text_is_utf_8_whatever_else_is_said(content: bytes, text: str) -> None:
    assert response(content).text == text


def test_json_is_read_from_the_text() -> None:
    assert response(b'\xef\xbb\xbf{"a": [1, null, true, "\xc3\xa9"]}').json() == {
        "a": [1, None, True, "\xe9"]
    }


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"{", b"{'a': 1}", b"[1,]", b"NaN", b"[Infinity]", b"-Infinity"]
)
def test_what_is_no_json_is_a_value_error(content: bytes) -> None:
    with pytest.raises(ValueError):
        response(content).json()
