"""The cookie jar, against RFC 6265bis and what Chrome makes of SameSite."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing.cookies import Cookies
from route_cors.testing.urls import parse_url

HOME = "https://www.a.example/shop/cart"
PAST = "Expires=Thu, 01 Jan 1970 00:00:00 GMT"
FUTURE = "Expires=Fri, 31 Dec 9999 23:59:59 GMT"


def jar(*set_cookie: str, url: str = HOME, same_site: bool = True) -> Cookies:
    """A jar that has seen one response."""
    cookies = Cookies(parse_url(HOME))
    cookies.store(set_cookie, parse_url(url), same_site=same_site)
    return cookies


def sent(cookies: Cookies, url: str = HOME, *, same_site: bool = True) -> str | None:
    return cookies.header_for(parse_url(url), same_site=same_site)


# --- the jar as a mapping -----------------------------------------------------------------------------


def test_a_new_jar_is_empty() -> None:
    cookies = Cookies(None)
    assert dict(cookies) == {}
    assert len(cookies) == 0
    assert "a" not in cookies
    with pytest.raises(KeyError, match="a"):
        cookies["a"]
    assert sent(cookies) is None
    assert repr(cookies) == "Cookies({})"


def test_a_jar_maps_names_to_values() -> None:
    cookies = jar("a=1", "b=2; Path=/", "c=")
    assert dict(cookies) == {"a": "1", "b": "2", "c": ""}
    assert cookies["b"] == "2"
    assert cookies.get("d") is None
    assert list(cookies) == ["a", "b", "c"]
    assert repr(cookies) == "Cookies({'a': '1', 'b': '2', 'c': ''})"


def test_a_name_that_several_hosts_use_is_there_once() -> None:
    cookies = jar("a=1", "a=2; Path=/")
    assert len(cookies) == 1
    assert list(cookies) == ["a"]
    assert cookies["a"] == "2"
    assert [(cookie.value, cookie.path) for cookie in cookies.stored] == [("1", "/shop"), ("2", "/")]


def test_a_jar_can_be_emptied() -> None:
    cookies = jar("a=1")
    cookies.clear()
    assert dict(cookies) == {}
    assert sent(cookies) is None


def test_a_cookie_is_stored_with_its_attributes() -> None:
    (cookie,) = jar("a=b; Domain=.A.example; Path=/x; Secure; HttpOnly; SameSite=Strict").stored
    assert (cookie.name, cookie.value) == ("a", "b")
    assert (cookie.domain, cookie.host_only, cookie.path) == ("a.example", False, "/x")
    assert (cookie.secure, cookie.same_site, cookie.expires) == (True, "strict", None)


# --- names and values ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("set_cookie", "header"),
    [
        ("a=b", "a=b"),
        (" a \t=  b ; Path=/", "a=b"),
        ("a=b=c", "a=b=c"),
        ("a=", "a="),
        ('a="b c"', 'a="b c"'),
        ('a="b;c"', 'a="b'),
        ("a=b,c=d", "a=b,c=d"),
        ("a=h\xe9", "a=h\xe9"),
        ("a=b\tc", "a=b\tc"),
        # What has no name is sent as it came.
        ("b", "b"),
        ("=b", "b"),
        ("a=b;;;", "a=b"),
        ("a=b; unknown; other=1; =; =x", "a=b"),
        ("$Version=1", "$Version=1"),
        ("path=x", "path=x"),
    ],
)
def test_a_cookie_is_sent_as_it_was_set(set_cookie: str, header: str) -> None:
    assert sent(jar(set_cookie)) == header


@pytest.mark.parametrize(
    "set_cookie", ["", ";", "=", " = ; Path=/", "a=b\0c", "a=b\nc", "a\x7f=b", "a=b; Path=/\r"]
)
def test_what_is_no_cookie_is_not_stored(set_cookie: str) -> None:
    assert dict(jar(set_cookie)) == {}


def test_a_name_and_its_value_have_4096_characters_at_most() -> None:
    assert dict(jar(f"abc={'x' * 4093}")) == {"abc": "x" * 4093}
    assert dict(jar(f"abc={'x' * 4094}")) == {}


def test_an_attribute_of_more_than_1024_characters_counts_for_nothing() -> None:
    assert [cookie.path for cookie in jar(f"a=b; Path=/{'x' * 1023}").stored] == [f"/{'x' * 1023}"]
    assert [cookie.path for cookie in jar(f"a=b; Path=/{'x' * 1024}").stored] == ["/shop"]


def test_a_new_value_takes_the_place_of_the_old_one() -> None:
    assert sent(jar("a=1", "b=2", "a=3")) == "a=3; b=2"


def test_each_header_is_one_cookie() -> None:
    assert sent(jar("a=1, b=2", "c=3")) == "a=1, b=2; c=3"


# --- paths --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("set_by", "attribute", "path"),
    [
        ("https://a.example/", "", "/"),
        ("https://a.example/x", "", "/"),
        ("https://a.example/x/", "", "/x"),
        ("https://a.example/x/y", "", "/x"),
        ("https://a.example/x/y?q=/z/", "", "/x"),
        ("https://a.example/x/y", "; Path=/z/", "/z/"),
        ("https://a.example/x/y", "; path = /z", "/z"),
        ("https://a.example/x/y", "; Path=/z; Path=/", "/"),
        ("https://a.example/x/y", "; Path=z", "/x"),
        ("https://a.example/x/y", "; Path=", "/x"),
        ("https://a.example/x/y", "; Path", "/x"),
        ("https://a.example/x/y", '; Path="/"', "/x"),
    ],
)
def test_a_path_is_given_or_that_of_the_url(set_by: str, attribute: str, path: str) -> None:
    assert [cookie.path for cookie in jar(f"a=b{attribute}", url=set_by).stored] == [path]


@pytest.mark.parametrize(
    ("path", "requested", "expected"),
    [
        ("/", "/", True),
        ("/", "/x/y", True),
        ("/x", "/x", True),
        ("/x", "/x/", True),
        ("/x", "/x/y", True),
        ("/x", "/x?q", True),
        ("/x", "/xy", False),
        ("/x", "/", False),
        ("/x", "/y/x", False),
        ("/x", "/X", False),
        ("/x/", "/x/", True),
        ("/x/", "/x/y", True),
        ("/x/", "/x", False),
    ],
)
def test_a_cookie_goes_to_its_path_and_below(path: str, requested: str, *, expected: bool) -> None:
    assert sent(jar(f"a=b; Path={path}"), f"https://www.a.example{requested}") == (
        "a=b" if expected else None
    )


def test_longer_paths_come_first_and_then_older_cookies() -> None:
    cookies = jar("a=1; Path=/", "b=2; Path=/shop", "c=3; Path=/", "d=4; Path=/shop/cart")
    assert sent(cookies) == "d=4; b=2; a=1; c=3"


# --- domains ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("domain", "host", "expected"),
    [
        # Without a Domain it is for the host alone.
        (None, "www.a.example", True),
        (None, "a.example", False),
        (None, "x.www.a.example", False),
        ("", "www.a.example", True),
        ("", "x.www.a.example", False),
        ("www.a.example", "www.a.example", True),
        ("www.a.example", "x.www.a.example", True),
        ("www.a.example", "a.example", False),
        ("a.example", "a.example", True),
        ("a.example", "www.a.example", True),
        ("a.example", "x.y.a.example", True),
        ("a.example", "ba.example", False),
        ("a.example", "a.example.example", False),
        (".a.example", "x.a.example", True),
        ("A.Example", "x.a.example", True),
    ],
)
def test_a_cookie_goes_to_its_domain_and_below(domain: str | None, host: str, *, expected: bool) -> None:
    attribute = "" if domain is None else f"; Domain={domain}"
    assert sent(jar(f"a=b; Path=/{attribute}"), f"https://{host}/") == ("a=b" if expected else None)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.a.example", "b.example"),
        ("www.a.example", "x.www.a.example"),
        ("www.a.example", "w.a.example"),
        ("www.a.example", "ww.a.example"),
        ("www.a.example", "example"),
        ("www.a.co.uk", "co.uk"),
        ("a.github.io", "github.io"),
        ("app.localhost", "localhost"),
        ("127.0.0.1", "0.0.1"),
        ("127.0.0.1", "1"),
        ("www.a.example", "..a.example"),
        ("www.a.example", "a.example:443"),
    ],
)
def test_nobody_sets_cookies_for_others(host: str, domain: str) -> None:
    assert dict(jar(f"a=b; Domain={domain}", url=f"https://{host}/")) == {}


@pytest.mark.parametrize("host", ["localhost", "testserver", "github.io", "127.0.0.1", "[::1]"])
@pytest.mark.parametrize("attribute", ["", "; Domain={}", "; Domain=", "; Domain"])
def test_a_host_sets_cookies_for_itself(host: str, attribute: str) -> None:
    url = f"http://{host}:8000/"
    cookies = jar(f"a=b{attribute.format(host)}", url=url)
    assert sent(cookies, url) == "a=b"
    # Ports do not count.
    assert sent(cookies, f"http://{host}:9000/") == "a=b"


@pytest.mark.parametrize("host", ["localhost", "testserver", "github.io"])
@pytest.mark.parametrize("attribute", ["", "; Domain={}", "; Domain=", "; Domain"])
def test_a_public_suffix_sets_none_for_the_names_below_it(host: str, attribute: str) -> None:
    cookies = jar(f"a=b{attribute.format(host)}", url=f"https://{host}/")
    assert sent(cookies, f"https://x.{host}/") is None


# --- Secure -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/", True),
        ("wss://a.example/", True),
        ("http://a.example/", False),
        ("ws://a.example/", False),
        ("http://localhost:8000/", True),
        ("http://app.localhost/", True),
        ("http://127.0.0.1:8000/", True),
        ("http://[::1]:8000/", True),
        ("ws://localhost/", True),
        ("http://localhost.a.example/", False),
        ("http://10.0.0.1/", False),
        ("http://testserver/", False),
    ],
)
def test_secure_is_for_https_and_this_machine(url: str, *, expected: bool) -> None:
    assert dict(jar("a=b; Secure", url=url)) == ({"a": "b"} if expected else {})
    assert dict(jar("a=b", url=url)) == {"a": "b"}


def test_a_secure_cookie_does_not_go_over_http() -> None:
    cookies = jar("a=b; secure=no; Path=/")
    assert sent(cookies, "https://www.a.example/") == "a=b"
    assert sent(cookies, "http://www.a.example/") is None


def test_any_other_cookie_does() -> None:
    assert sent(jar("a=b; Path=/"), "http://www.a.example/") == "a=b"


def test_http_neither_replaces_nor_hides_what_https_set() -> None:
    cookies = jar("a=1; Secure; Path=/; Domain=a.example")
    for header in ("a=2; Path=/; Domain=a.example", "a=2; Path=/", "a=2; Path=/login"):
        cookies.store([header], parse_url("http://www.a.example/"), same_site=True)
    assert [cookie.value for cookie in cookies.stored] == ["1"]
    cookies.store(["b=2", "a=3; Path=/"], parse_url("http://other.example/"), same_site=True)
    assert [cookie.value for cookie in cookies.stored] == ["1", "2", "3"]


@pytest.mark.parametrize("below", ["", "; Domain=www.a.example"])
def test_http_does_not_hide_it_from_above_either(below: str) -> None:
    cookies = jar(f"a=1; Secure; Path=/{below}")
    cookies.store(["a=2; Path=/; Domain=a.example"], parse_url("http://a.example/"), same_site=True)
    assert [cookie.value for cookie in cookies.stored] == ["1"]


def test_https_replaces_what_it_likes() -> None:
    assert dict(jar("a=1; Secure", "a=2")) == {"a": "2"}


def test_http_may_set_what_https_set_for_a_longer_path() -> None:
    cookies = jar("a=1; Secure; Path=/login")
    cookies.store(["a=2; Path=/"], parse_url("http://www.a.example/"), same_site=True)
    assert [cookie.value for cookie in cookies.stored] == ["1", "2"]


# --- SameSite -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("attributes", "across_sites"),
    [
        ("", False),
        ("; Secure", False),
        ("; SameSite=Lax", False),
        ("; SameSite=Strict; Secure", False),
        ("; SameSite; Secure", False),
        ("; SameSite=nonsense; Secure", False),
        ('; SameSite="None"; Secure', False),
        ("; SameSite=None; SameSite=Lax; Secure", False),
        ("; SameSite=None; Secure", True),
        ("; samesite=none; secure", True),
        ("; SAMESITE = NONE ; SECURE", True),
        ("; Secure; SameSite=Lax; sameSite=None", True),
    ],
)
def test_only_same_site_none_crosses_sites(attributes: str, *, across_sites: bool) -> None:
    header = f"a=b{attributes}"
    assert sent(jar(header)) == "a=b"
    assert sent(jar(header), same_site=False) == ("a=b" if across_sites else None)
    assert dict(jar(header, same_site=False)) == ({"a": "b"} if across_sites else {})


def test_same_site_none_needs_secure() -> None:
    assert dict(jar("a=b; SameSite=None")) == {}
    assert dict(jar("a=b; SameSite=None; Secure", url="http://a.example/")) == {}
    assert dict(jar("a=b; SameSite=None; Secure", url="http://localhost/")) == {"a": "b"}


# --- prefixes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("__Secure-a=b; Secure", True),
        ("__Secure-a=b", False),
        ("__secure-a=b", False),
        ("__Host-a=b; Secure; Path=/", True),
        ("__Host-a=b; Path=/", False),
        ("__Host-a=b; Secure", False),
        ("__Host-a=b; Secure; Path=/shop", False),
        ("__Host-a=b; Secure; Path=/; Domain=www.a.example", False),
        ("__HOST-a=b; Path=/", False),
        # Without a name it would be sent as if it were one of them.
        ("__Host-a; Secure; Path=/", False),
        ("=__Secure-a=b; Secure", False),
        ("a__Host-=b", True),
        ("__Hosta=b", True),
    ],
)
def test_a_prefix_makes_promises(header: str, *, expected: bool) -> None:
    assert bool(jar(header)) is expected


# --- how long -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attributes",
    [
        "",
        "; Max-Age=60",
        "; Max-Age=00000000060",
        f"; Max-Age={'9' * 20}",
        f"; Max-Age={'9' * 1000}",
        f"; {FUTURE}",
        "; Expires=Tue, 19-Jan-2038 03:14:07 GMT",
        # Max-Age counts for more, in either order.
        f"; {PAST}; Max-Age=60",
        f"; Max-Age=60; {PAST}",
        "; Max-Age=0; Max-Age=60",
        # What makes no sense counts for nothing.
        "; Max-Age=",
        "; Max-Age",
        "; Max-Age=soon",
        "; Max-Age=-",
        "; Max-Age=+1",
        "; Max-Age=0.5",
        "; Max-Age=\xb2",
        "; Expires=soon",
        "; Expires=",
        "; Expires",
        "; Expires=Thu, 99 Jan 1970 00:00:00 GMT",
        f"; Expires={'9' * 1000}",
    ],
)
def test_a_cookie_stays(attributes: str) -> None:
    assert dict(jar(f"a=b{attributes}")) == {"a": "b"}


@pytest.mark.parametrize(
    "attributes",
    [
        "; Max-Age=0",
        "; Max-Age=-1",
        "; max-age = 0",
        "; Max-Age=000000000000",
        "; Max-Age=-999999999999",
        f"; Max-Age=-{'9' * 1000}",
        f"; {PAST}",
        "; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
        f"; {FUTURE}; Max-Age=0",
        f"; Max-Age=0; {FUTURE}",
        f"; {FUTURE}; {PAST}",
        "; Max-Age=0; Max-Age=soon",
    ],
)
def test_a_cookie_is_deleted(attributes: str) -> None:
    cookies = jar("a=1", "b=2", f"a=3{attributes}")
    assert dict(cookies) == {"b": "2"}
    assert len(cookies) == 1
    assert sent(cookies) == "b=2"
    assert [cookie.name for cookie in cookies.stored] == ["b"]


def test_a_cookie_is_deleted_where_it_was_set() -> None:
    assert dict(jar("a=1; Path=/", "a=2; Max-Age=0; Path=/shop")) == {"a": "1"}


@pytest.mark.parametrize("attribute", [f"Max-Age={400 * 86400 + 1}", f"Max-Age={'9' * 1000}", FUTURE])
def test_no_cookie_stays_longer_than_400_days(attribute: str) -> None:
    before = time.time()
    (cookie,) = jar(f"a=b; {attribute}").stored
    assert cookie.expires is not None
    assert before + 400 * 86400 <= cookie.expires <= time.time() + 400 * 86400


@pytest.mark.parametrize("zone", ["GMT", "", "-0000", "+0900", "PST"])
def test_a_date_is_utc_whatever_zone_it_names(zone: str) -> None:
    tomorrow = int(time.time()) + 86400
    date = formatdate(tomorrow, usegmt=True).removesuffix("GMT")
    assert [cookie.expires for cookie in jar(f"a=b; Expires={date}{zone}").stored] == [tomorrow]


def test_max_age_counts_from_now() -> None:
    before = time.time()
    (cookie,) = jar("a=b; Max-Age=60").stored
    assert cookie.expires is not None
    assert before + 60 <= cookie.expires <= time.time() + 60


# --- set ----------------------------------------------------------------------------------------------


def test_set_needs_a_home() -> None:
    with pytest.raises(ValueError, match=r"cookie 'a': it needs a host: give the browser a base_url"):
        Cookies(None).set("a", "b")


@pytest.mark.parametrize("value", ["b", "", "b=c", '"b"', "b c", "b,c", "!#$%&'()*+-./:<>?@[\\]^_`{|}~"])
def test_set_sets_a_cookie_of_the_whole_host(value: str) -> None:
    cookies = jar()
    cookies.set("a", value)
    assert cookies["a"] == value
    assert sent(cookies, "https://www.a.example/") == f"a={value}"
    assert sent(cookies, "https://a.example/") is None
    assert sent(cookies, same_site=False) is None


def test_set_knows_the_attributes() -> None:
    cookies = jar()
    cookies.set("a", "b", path="/x", domain="a.example", secure=True, same_site="None")
    assert sent(cookies, "https://y.a.example/x/", same_site=False) == "a=b"
    assert sent(cookies, "https://y.a.example/", same_site=False) is None
    cookies.set("c", "d", same_site="Strict")
    assert [cookie.same_site for cookie in cookies.stored] == ["none", "strict"]


def test_set_sets_one_name_for_several_paths() -> None:
    cookies = jar()
    cookies.set("a", "1")
    cookies.set("a", "2", path="/shop")
    cookies.set("a", "1")
    assert sent(cookies) == "a=2; a=1"


@pytest.mark.parametrize(
    ("home", "attributes"),
    [
        (HOME, {"domain": "b.example"}),
        (HOME, {"domain": "example"}),
        (HOME, {"same_site": "None"}),
        ("http://a.example/", {"secure": True}),
        ("http://a.example/", {"secure": True, "same_site": "None"}),
    ],
)
def test_set_refuses_what_a_browser_would_not_take(
    home: str, attributes: dict[Literal["domain", "same_site"], str]
) -> None:
    cookies = Cookies(parse_url(home))
    cookies.set("a", "1")
    with pytest.raises(ValueError, match="browsers do not store the cookie 'a=1; Path=/") as caught:
        cookies.set("a", "1", **attributes)  # type: ignore[arg-type]
    assert home in str(caught.value)
    assert len(cookies.stored) == 1


@pytest.mark.parametrize(
    "name", ["", "a=b", "a;b", "a b", " a", "a\n", "\xe4", "\u65e5", "\ud800", "\0", "\x7f"]
)
def test_set_takes_no_name_that_would_not_arrive(name: str) -> None:
    cookies = jar()
    with pytest.raises(ValueError, match="must be visible ASCII") as caught:
        cookies.set(name, "1")
    assert repr(name) in str(caught.value)
    assert cookies.stored == ()


@pytest.mark.parametrize(
    "value",
    ["b;c", "b; Secure", " b", "b ", "b\nc", "b\rc", "b\tc", "b\0c", "\x7f", "h\xe9", "\u65e5", "\ud800"],
)
def test_set_takes_no_value_that_would_not_arrive(value: str) -> None:
    cookies = jar()
    with pytest.raises(ValueError, match="cookie 'a'") as caught:
        cookies.set("a", value)
    assert repr(value) in str(caught.value)
    assert cookies.stored == ()


@pytest.mark.parametrize(
    "attributes",
    [{"path": "x"}, {"path": ""}, {"path": "/x; Secure"}, {"path": "/\n"}, {"domain": "a.example; Secure"}],
)
def test_set_takes_no_attribute_that_would_mean_something_else(
    attributes: dict[Literal["domain", "path"], str],
) -> None:
    cookies = jar()
    with pytest.raises(ValueError, match="cookie"):
        cookies.set("a", "1", **attributes)  # type: ignore[arg-type]
    assert cookies.stored == ()


@given(st.text(), st.text())
def test_set_takes_a_cookie_that_arrives_or_raises_a_value_error(name: str, value: str) -> None:
    cookies = jar()
    try:
        cookies.set(name, value)
    except ValueError:
        assert cookies.stored == ()
    else:
        assert cookies[name] == value
        assert sent(cookies) == f"{name}={value}"


# --- nonsense -----------------------------------------------------------------------------------------

_ATTRIBUTES = (
    "Domain",
    "Path",
    "Secure",
    "SameSite",
    "Max-Age",
    "Expires",
    "HttpOnly",
    "Version",
    "Port",
    "",
)
_HALF_MEANT = (
    "a.example",
    "co.uk",
    "None",
    "/",
    "-1",
    "60",
    PAST.partition("=")[2],
    "1 Jan 1 0:0:0",
    "99",
    ".",
    '"',
)
attributes = st.tuples(st.sampled_from(_ATTRIBUTES), st.sampled_from(_HALF_MEANT) | st.text(max_size=20))
set_cookies = st.one_of(
    st.text(),
    st.lists(attributes).map(lambda pairs: "; ".join(["a=b", *(f"{name}={value}" for name, value in pairs)])),
)
urls = st.sampled_from([HOME, "http://localhost/", "https://testserver/", "http://[::1]/", "wss://co.uk/x"])


@given(st.lists(set_cookies), urls, urls, st.booleans())
def test_no_set_cookie_breaks_the_jar(headers: list[str], url: str, other: str, same_site: bool) -> None:
    cookies = jar(*headers, url=url, same_site=same_site)
    header = sent(cookies, other, same_site=same_site)
    assert header is None or "\n" not in header
    assert len(dict(cookies)) == len(cookies) <= len(cookies.stored) <= len(headers)


@given(set_cookies)
def test_nothing_but_same_site_none_is_stored_across_sites(header: str) -> None:
    for cookie in jar(header, same_site=False).stored:
        assert cookie.same_site == "none"
        assert cookie.secure


@given(
    st.builds(
        "{}, {} {} {} {}:{}:{} {}".format,
        st.sampled_from(["Thu", "x", ""]),
        st.integers(-1, 40),
        st.sampled_from(["Jan", "Feb", "13", ""]),
        st.integers(-1, 100_000),
        st.integers(-1, 30),
        st.integers(-1, 70),
        st.integers(-1, 70),
        st.sampled_from(["GMT", "", "+0000", "-0000", "+9999", "EST"]),
    )
)
def test_no_date_breaks_the_jar(date: str) -> None:
    assert len(jar(f"a=b; Expires={date}")) <= 1
