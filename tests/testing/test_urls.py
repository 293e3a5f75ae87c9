"""URLs as browsers read them, which origins pages have, and what is of the same site."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing.handshake import websocket_url
from route_cors.testing.urls import (
    MADE_UP_HOST,
    Url,
    is_address,
    is_public_suffix,
    is_same_site,
    parse_page_origin,
    parse_url,
)

BASE = parse_url("https://me:secret@a.example:8443/x/y?q=1#top")

# Text that looks like a URL for long enough to get into the parser.
texts = st.one_of(
    st.text(),
    st.text("htps:/.@#?[]a1%-_xn *\\~\t\n", max_size=30),
    st.text("a.-0x1:9[]_nz*@", max_size=15).map("https://".__add__),
    st.characters().map(lambda char: f"https://a{char}b.example/{char}?{char}#{char}"),
)


# --- parsing ------------------------------------------------------------------------------------------


def test_a_url_is_taken_apart() -> None:
    assert parse_url("HTTPS://Me:Se%40cret@A.example:8443/x/../y?q#top") == Url(
        scheme="https",
        host="a.example",
        origin="https://a.example:8443",
        username="Me",
        password="Se%40cret",
        path="/y",
        fragment="top",
        href="https://Me:Se%40cret@a.example:8443/y?q#top",
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example", "https://a.example/"),
        ("https://a.example:443/", "https://a.example/"),
        ("http://a.example:443/", "http://a.example:443/"),
        (r"HTTP:\\A.example:80\x/../y", "http://a.example/y"),
        (" \t https://a.example/x \n", "https://a.example/x"),
        ("https://a.exa\nmple/", "https://a.example/"),
        ("https://m\xfcller.example/\xfc", "https://xn--mller-kva.example/%C3%BC"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://[0:0::1]/", "http://[::1]/"),
        ("https:a.example", "https://a.example/"),
        ("data:,x", "data:,x"),
    ],
)
def test_a_url_is_read_without_a_base(text: str, expected: str) -> None:
    assert parse_url(text).href == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("z", "https://me:secret@a.example:8443/x/z"),
        ("/z", "https://me:secret@a.example:8443/z"),
        ("//b.example/z", "https://b.example/z"),
        ("?z", "https://me:secret@a.example:8443/x/y?z"),
        ("#z", "https://me:secret@a.example:8443/x/y?q=1#z"),
        ("", "https://me:secret@a.example:8443/x/y?q=1"),
        ("https:z", "https://me:secret@a.example:8443/x/z"),
        ("http:z", "http://z/"),
    ],
)
def test_a_relative_url_is_read_from_its_base(text: str, expected: str) -> None:
    assert parse_url(text, BASE).href == expected


@pytest.mark.parametrize(
    "text",
    ["", "/x", "a.example", "https://", "https://a b/", "https://a.example:99999/", "https://[::1", "\ud800"],
)
def test_what_is_no_url_by_itself_is_refused_with_a_hint(text: str) -> None:
    with pytest.raises(
        ValueError, match="is not a URL that a browser can parse; without a base_url"
    ) as caught:
        parse_url(text)
    assert repr(text) in str(caught.value)


def test_with_a_base_the_hint_would_be_wrong() -> None:
    with pytest.raises(ValueError, match=r"is not a URL that a browser can parse$"):
        parse_url("https://a b/", BASE)


@pytest.mark.parametrize("wrong", [None, 7, b"https://a.example/"])
def test_what_is_no_text_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError, match="it must be a string") as caught:
        parse_url(wrong)
    assert repr(wrong) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://a.example:443/", "https://a.example"),
        ("http://a.example:8080/", "http://a.example:8080"),
        ("data:,x", "null"),
        ("file:///x", "null"),
        ("blob:https://a.example/1", "https://a.example"),
    ],
)
def test_the_origin_is_serialized(text: str, origin: str) -> None:
    assert parse_url(text).origin == origin


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/", False),
        ("https://@a.example/", False),
        ("https://me@a.example/", True),
        ("https://:secret@a.example/", True),
    ],
)
def test_either_of_user_name_and_password_makes_credentials(text: str, *, expected: bool) -> None:
    assert parse_url(text).has_credentials is expected


# --- what is made of a URL ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "without_fragment", "on_the_wire"),
    [
        ("https://a.example/x", "https://a.example/x", "https://a.example/x"),
        ("https://a.example/x#y", "https://a.example/x", "https://a.example/x"),
        ("https://a.example/x#", "https://a.example/x", "https://a.example/x"),
        ("https://a.example/x?y=%23#z#z", "https://a.example/x?y=%23", "https://a.example/x?y=%23"),
        ("https://me@a.example/@x#y", "https://me@a.example/@x", "https://a.example/@x"),
        ("https://:p%40ss@a.example:1/", "https://:p%40ss@a.example:1/", "https://a.example:1/"),
        ("ws://a:b@c.example/", "ws://a:b@c.example/", "ws://c.example/"),
    ],
)
def test_neither_fragment_nor_credentials_go_over_the_wire(
    text: str, without_fragment: str, on_the_wire: str
) -> None:
    url = parse_url(text)
    assert url.without_fragment == without_fragment
    assert url.on_the_wire == on_the_wire


@pytest.mark.parametrize("text", ["https://a.example/x", "https://a.example/x#y", "https://a.example/x#"])
@pytest.mark.parametrize("fragment", ["", "z"])
def test_a_fragment_takes_the_place_of_another(text: str, fragment: str) -> None:
    assert parse_url(text).with_fragment(fragment) == parse_url(f"https://a.example/x#{fragment}")


@pytest.mark.parametrize(
    ("text", "fragment"),
    [
        ("https://a.example/x", None),
        ("https://a.example/x#", ""),
        ("https://a.example/x#y#z", "y#z"),
        ("https://a.example/%23", None),
    ],
)
def test_an_empty_fragment_is_one(text: str, fragment: str | None) -> None:
    assert parse_url(text).fragment == fragment


@pytest.mark.parametrize(
    ("text", "scheme", "expected"),
    [
        ("http://http.example/http", "ws", "ws://http.example/http"),
        ("https://a.example:80/", "wss", "wss://a.example:80/"),
        ("ws://a.example/", "ws", "ws://a.example/"),
    ],
)
def test_a_scheme_takes_the_place_of_another(text: str, scheme: str, expected: str) -> None:
    changed = parse_url(text).with_scheme(scheme)
    assert (changed.scheme, changed.href) == (scheme, expected)


# --- the origins of pages -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    ["null", "https://a.example", "http://localhost:3000", "http://[::1]:8080", "chrome-extension://abcdef"],
)
def test_a_page_may_have_this_origin(origin: str) -> None:
    assert parse_page_origin(origin) == origin


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("https://a.example/", "write 'https://a.example' instead"),
        ("HTTPS://A.example", "write 'https://a.example' instead"),
        ("https://a.example:443", "write 'https://a.example' instead"),
        ("a.example", "a.example"),
        ("", "''"),
        ("*", r"'\*'"),
        ("Null", "Null"),
        ("https://a.example, https://b.example", "b.example"),
        ("file:///x", "null"),
        ("wss://a.example", "https://a.example"),
        ("https://*.a.example", "a page has one origin, not a pattern"),
        ("http://localhost:*", "a page has one origin, not a pattern"),
    ],
)
def test_no_page_has_this_origin(wrong: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_page_origin(wrong)


# --- sites --------------------------------------------------------------------------------------------

SAME_SITE = [
    ("https://a.example", "https://a.example"),
    ("https://a.example", "https://a.example:8443"),
    ("https://a.example", "https://x.y.a.example"),
    ("https://x.a.example", "https://y.a.example"),
    ("https://x.a.co.uk", "https://y.a.co.uk"),
    ("https://github.io", "https://github.io"),
    ("http://localhost:3000", "http://localhost:8000"),
    ("http://127.0.0.1:3000", "http://127.0.0.1:8000"),
    ("http://[::1]:3000", "http://[::1]:8000"),
    ("wss://a.example", "https://x.a.example"),
    ("ws://a.example", "http://a.example"),
    (f"https://{MADE_UP_HOST}", "http://localhost:3000"),
    (f"https://{MADE_UP_HOST}", "https://a.example"),
]
OTHER_SITE = [
    ("https://a.example", "http://a.example"),
    ("https://a.example", "https://b.example"),
    ("https://a.co.uk", "https://b.co.uk"),
    ("https://a.github.io", "https://b.github.io"),
    ("https://a.github.io", "https://github.io"),
    ("http://localhost", "http://127.0.0.1"),
    ("http://127.0.0.1", "http://10.0.0.1"),
    # The last two numbers of an address are no domain.
    ("http://10.0.0.1", "http://20.0.0.1"),
    ("http://[::1]", "http://[::2]"),
    ("ws://a.example", "https://a.example"),
    ("wss://a.example", "http://a.example"),
    ("https://www.a.example.", "https://a.example"),
    ("https://a.example", f"https://{MADE_UP_HOST}.example"),
]


@pytest.mark.parametrize(("one", "other"), SAME_SITE)
def test_same_site(one: str, other: str) -> None:
    assert is_same_site(parse_url(one), parse_url(other))
    assert is_same_site(parse_url(other), parse_url(one))


@pytest.mark.parametrize(("one", "other"), OTHER_SITE)
def test_another_site(one: str, other: str) -> None:
    assert not is_same_site(parse_url(one), parse_url(other))
    assert not is_same_site(parse_url(other), parse_url(one))


@pytest.mark.parametrize("url", ["https://a.example", f"https://{MADE_UP_HOST}"])
def test_an_opaque_origin_is_of_no_site(url: str) -> None:
    assert not is_same_site(parse_url(url), None)


@pytest.mark.parametrize("host", ["com", "co.uk", "github.io", "localhost", "example", "testserver"])
def test_names_below_a_public_suffix_belong_to_different_people(host: str) -> None:
    assert is_public_suffix(host)


@pytest.mark.parametrize("host", ["a.com", "a.co.uk", "a.github.io", "app.localhost", "x.y.a.example"])
def test_names_below_any_other_belong_to_the_same(host: str) -> None:
    assert not is_public_suffix(host)


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("[::1]", True), ("a.1x", False), ("localhost", False)]
)
def test_an_address_is_no_name(host: str, *, expected: bool) -> None:
    assert is_address(host) is expected
    assert not (expected and is_public_suffix(host))


# --- whatever text there is ---------------------------------------------------------------------------


@given(texts, st.sampled_from([None, BASE]))
def test_any_text_is_a_url_or_a_value_error(text: str, base: Url | None) -> None:
    try:
        url = parse_url(text, base)
    except ValueError:
        return
    assert parse_url(url.href) == url
    assert is_same_site(url, url)
    for fragment in ("", "z"):
        changed = url.with_fragment(fragment)
        assert parse_url(changed.href) == changed
    if url.scheme in {"http", "https"}:
        sent = parse_url(url.on_the_wire)
        assert not sent.has_credentials
        assert sent.fragment is None
        assert sent.origin == url.origin


@given(texts, st.sampled_from([None, BASE]))
def test_any_text_is_the_url_of_a_websocket_or_a_value_error(text: str, base: Url | None) -> None:
    try:
        url = websocket_url(text, base)
    except ValueError:
        return
    assert url.scheme in {"ws", "wss"}
    assert parse_url(url.href).href == url.href


@given(texts)
def test_any_text_is_the_origin_of_a_page_or_a_value_error(text: str) -> None:
    try:
        origin = parse_page_origin(text)
    except ValueError:
        return
    assert origin == text
    # A page whose origin is no URL's would be a stranger on its own server.
    assert origin == "null" or parse_url(origin).origin in {origin, "null"}
