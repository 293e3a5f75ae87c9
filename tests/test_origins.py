"""origins.py: the grammar of declared origins, with every fix, and the compiled matcher."""

from __future__ import annotations

import ast
import itertools
import re
import socket
import sys
import time
from ipaddress import IPv6Address

import ada_url
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from route_cors import origins
from route_cors.errors import CORSConfigError, Problem
from route_cors.insight.corrections import refused_origin
from route_cors.insight.corrections.spellings import looks_like_regex
from route_cors.origin_set import OriginSet
from route_cors.origins import (
    MAX_ORIGIN_BYTES,
    DeclaredOrigin,
    is_loopback,
    is_serialized_origin,
    parse_origin,
)


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(CORSConfigError) as raised:
        parse_origin(text)
    return raised.value.problems


# Strategies: origins as browsers serialize them

labels = st.from_regex(r"[a-z0-9_-]{1,12}", fullmatch=True)
names = st.builds(lambda first, last: ".".join([*first, f"{last}z"]), st.lists(labels, max_size=3), labels)
ipv4 = st.ip_addresses(v=4).map(str)
ipv6 = st.ip_addresses(v=6).map(str).filter(lambda text: "." not in text).map("[{}]".format)
ports = st.one_of(
    st.just(""), st.integers(1, 65535).filter(lambda port: port not in {80, 443}).map(":{}".format)
)
schemes = st.sampled_from(["https", "http", "chrome-extension", "capacitor"])
exact_origins = st.builds("{}://{}{}".format, schemes, st.one_of(names, ipv4, ipv6), ports)
suffix_patterns = st.builds("{}://*.{}{}".format, schemes, names, st.one_of(ports, st.just(":*")))
port_patterns = st.builds("{}://{}:*".format, schemes, names)
declared = st.one_of(exact_origins, suffix_patterns, port_patterns)


# The grammar


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("https://a.example", DeclaredOrigin("https", "a.example", "", subdomains=False)),
        ("http://a.example:8080", DeclaredOrigin("http", "a.example", "8080", subdomains=False)),
        ("https://a.example:80", DeclaredOrigin("https", "a.example", "80", subdomains=False)),
        ("http://a.example:443", DeclaredOrigin("http", "a.example", "443", subdomains=False)),
        ("https://a.example:65535", DeclaredOrigin("https", "a.example", "65535", subdomains=False)),
        ("http://localhost:*", DeclaredOrigin("http", "localhost", "*", subdomains=False)),
        ("https://*.a.example", DeclaredOrigin("https", "a.example", "", subdomains=True)),
        ("https://*.a.example:*", DeclaredOrigin("https", "a.example", "*", subdomains=True)),
        ("https://*.com", DeclaredOrigin("https", "com", "", subdomains=True)),
        ("http://127.0.0.1:3000", DeclaredOrigin("http", "127.0.0.1", "3000", subdomains=False)),
        ("http://[::1]:3000", DeclaredOrigin("http", "[::1]", "3000", subdomains=False)),
        ("https://[2001:db8::1]:*", DeclaredOrigin("https", "[2001:db8::1]", "*", subdomains=False)),
        ("http://[::ffff:102:304]", DeclaredOrigin("http", "[::ffff:102:304]", "", subdomains=False)),
        ("https://my_host.example", DeclaredOrigin("https", "my_host.example", "", subdomains=False)),
        ("https://-a-.example", DeclaredOrigin("https", "-a-.example", "", subdomains=False)),
        (
            "https://xn--mller-kva.example",
            DeclaredOrigin("https", "xn--mller-kva.example", "", subdomains=False),
        ),
        ("https://1.2.3.4.example", DeclaredOrigin("https", "1.2.3.4.example", "", subdomains=False)),
        ("chrome-extension://abcdef", DeclaredOrigin("chrome-extension", "abcdef", "", subdomains=False)),
        ("capacitor://localhost", DeclaredOrigin("capacitor", "localhost", "", subdomains=False)),
        ("capacitor://localhost:443", DeclaredOrigin("capacitor", "localhost", "443", subdomains=False)),
        ("app://.", DeclaredOrigin("app", ".", "", subdomains=False)),
        ("app://.a..b.:80", DeclaredOrigin("app", ".a..b.", "80", subdomains=False)),
        ("app://127.1", DeclaredOrigin("app", "127.1", "", subdomains=False)),
        ("app://*.Abc:*", DeclaredOrigin("app", "Abc", "*", subdomains=True)),
        (
            "safari-web-extension://140BB581-6C3C-4C4F-8D9C-7B1F5C0A9E11",
            DeclaredOrigin(
                "safari-web-extension", "140BB581-6C3C-4C4F-8D9C-7B1F5C0A9E11", "", subdomains=False
            ),
        ),
        ("chrome-extension://127", DeclaredOrigin("chrome-extension", "127", "", subdomains=False)),
        ("web+app://a", DeclaredOrigin("web+app", "a", "", subdomains=False)),
        (
            "https://" + "a" * 63 + ".example",
            DeclaredOrigin("https", "a" * 63 + ".example", "", subdomains=False),
        ),
    ],
)
def test_these_are_origins_and_patterns(text: str, parts: DeclaredOrigin) -> None:
    assert parse_origin(text) == parts
    assert str(parts) == text


LONG_HOST = ".".join(["a" * 49] * 5) + ".abc"  # 253 characters

# text, key words of each problem's reason, the fix of all of them
REFUSED: list[tuple[str, list[str], str | None]] = [
    # after the host
    ("http://localhost:3000/", ["trailing slash"], "http://localhost:3000"),
    ("https://a.example/api", ["a path"], "https://a.example"),
    ("https://a.example//", ["a path"], "https://a.example"),
    ("https://*.a.example/*", ["a path"], "https://*.a.example"),
    ("https://a.example#top", ["a fragment"], "https://a.example"),
    ("https://a.example/#/?", ["trailing slash", "a fragment"], "https://a.example"),
    ("https://a.example?x=1", ["a query"], "https://a.example"),
    # before the host
    ("https://user@a.example", ["user info"], "https://a.example"),
    ("https://user:word@a.example:8443", ["user info"], "https://a.example:8443"),
    ("https://a@b@c.example", ["user info"], "https://c.example"),
    # spelling
    ("HTTPS://a.example", ["upper case"], "https://a.example"),
    ("https://A.example", ["upper case"], "https://a.example"),
    ("chrome-extension://ABC", ["upper case"], "chrome-extension://abc"),
    ("MOZ-extension://AB-CD", ["upper case"], "moz-extension://ab-cd"),
    ("APP://Abc", ["upper case"], "app://Abc"),
    ("app://[2001:DB8::1]", ["upper case"], "app://[2001:db8::1]"),
    ("app://./", ["trailing slash"], "app://."),
    ("app://./index.html", ["a path"], "app://."),
    ("app://", ["no host"], None),
    ("app://a%20b", ["not allowed in a host"], None),
    ("app://mü", ["not allowed in a host"], None),
    ("app://*.", ["no host"], None),
    ("app://*..x", ["empty label"], None),
    ("app://.:*", ["empty label"], None),
    ("app://a.:*", ["empty label"], None),
    ("HTTPS://A.example:443/", ["trailing slash", "default port", "upper case"], "https://a.example"),
    (" https://a.example", ["white space"], "https://a.example"),
    ("https://a.example\n", ["white space"], "https://a.example"),
    ("https://a. example", ["white space", "character that is not allowed in a host"], None),
    ("https://a.example\x00", ["character that is not allowed in a host"], None),
    ("https://a%2e.example", ["character that is not allowed in a host"], None),
    ("https://a!.example", ["character that is not allowed in a host"], None),
    ("https://müller.example", ["Punycode"], "https://xn--mller-kva.example"),
    ("https://*.müller.example:*", ["Punycode"], "https://*.xn--mller-kva.example:*"),
    (
        "https://MÜLLER.example/",
        ["trailing slash", "Punycode", "upper case"],
        "https://xn--mller-kva.example",
    ),
    ("https://faß.example", ["Punycode"], "https://xn--fa-hia.example"),
    ("https://\u200b.example", ["Punycode", "character that is not allowed in a host"], None),
    ("https://ü_a.example", ["Punycode", "character that is not allowed in a host"], None),
    ("https://[ü::1]", ["not an IPv6 address"], None),
    # scheme
    ("a.example", ["no scheme"], "https://a.example"),
    ("a.example:8443/", ["no scheme", "trailing slash"], "https://a.example:8443"),
    ("//a.example", ["no scheme"], "https://a.example"),
    ("localhost:3000", ["no scheme"], "http://localhost:3000"),
    ("127.0.0.1:3000", ["no scheme"], "http://127.0.0.1:3000"),
    ("https:a.example", ['followed by "://"'], "https://a.example"),
    ("HTTP:/a.example", ['followed by "://"', "upper case"], "http://a.example"),
    ("://a.example", ["a scheme is"], None),
    ("1a://a.example", ["a scheme is"], None),
    ("ht_tp://a.example", ["a scheme is"], None),
    ("mailto:a@a.example", ["no scheme", "user info"], "https://a.example"),
    ("wss://a.example", ["handshake"], "https://a.example"),
    ("WS://a.example:8080", ["handshake"], "http://a.example:8080"),
    # origins that are null
    ("null", ["anyone can have"], None),
    ("NULL", ["anyone can have"], None),
    ("file:///index.html", ["origin null"], None),
    ("file://", ["origin null"], None),
    ("File://a", ["origin null"], None),
    ("data:text/html;x", ["origin null"], None),
    ("about:blank", ["origin null"], None),
    ("blob:https://a.example/1", ["origin null"], None),
    ("javascript:0", ["origin null"], None),
    # nothing, or too much
    ("", ["an empty string"], "[]"),
    (" ", ["an empty string"], "[]"),
    ("https://", ["no host"], None),
    ("https:///a", ["a path", "no host"], None),
    ("https://:443", ["no host", "default port"], None),
    (
        "https://a.example,https://b.example",
        ["several origins"],
        '["https://a.example", "https://b.example"]',
    ),
    (
        "https://a.example, https://B.example/ ",
        ["several origins"],
        '["https://a.example", "https://b.example"]',
    ),
    (
        "https://a.example https://b.example",
        ["several origins"],
        '["https://a.example", "https://b.example"]',
    ),
    ("https://a.example,", ["several origins"], '["https://a.example"]'),
    ("https://a.example,*", ["several origins"], None),
    ("https://a.example/x,y", ["several origins"], None),
    ("https://a.example,https://b..example", ["several origins"], None),
    (",", ["several origins"], None),
    # ports
    ("https://a.example:443", ["default port"], "https://a.example"),
    ("http://a.example:80", ["default port"], "http://a.example"),
    ("http://[::1]:80", ["default port"], "http://[::1]"),
    ("https://a.example:", ["colon without a port"], "https://a.example"),
    ("https://a.example:0", ["port 0"], None),
    ("https://a.example:000", ["port 0"], None),
    ("https://a.example:65536", ["greater than 65535"], None),
    ("https://a.example:" + "9" * 400, ["greater than 65535"], None),
    ("https://a.example:08443", ["leading zeros"], "https://a.example:8443"),
    ("https://a.example:0443", ["leading zeros", "default port"], "https://a.example"),
    ("https://a.example:070000", ["greater than 65535", "leading zeros"], None),
    ("https://a.example:-1", ["a port is a number"], None),
    ("https://a.example:8e3", ["a port is a number"], None),
    ("https://a.example:٣", ["a port is a number"], None),
    ("https://a.example:8*", ['a "*" is only allowed'], r"re.compile('https://a\\.example:8[0-9]+')"),
    # names
    ("https://a.example.", ["trailing dot"], "https://a.example"),
    ("https://.", ["trailing dot", "no host"], None),
    ("https://a..example", ["empty label"], None),
    ("https://.a.example", ["empty label"], None),
    ("https://a.example..", ["trailing dot", "empty label"], None),
    ("https://" + "a" * 64 + ".example", ["longer than 63"], None),
    (f"https://{LONG_HOST}d", ["longer than 253"], None),
    (f"https://*.{LONG_HOST}", ["longer than 253"], None),
    (f"https://*.{LONG_HOST[:252]}", ["longer than 253"], None),
    # IPv4
    ("https://127.1", ["canonical form of the IPv4"], "https://127.0.0.1"),
    ("https://0x7f.1", ["canonical form of the IPv4"], "https://127.0.0.1"),
    ("https://127.0.0.01", ["canonical form of the IPv4"], "https://127.0.0.1"),
    ("https://2130706433", ["canonical form of the IPv4"], "https://127.0.0.1"),
    ("https://0x", ["canonical form of the IPv4"], "https://0.0.0.0"),
    ("https://010.0.0.1", ["canonical form of the IPv4"], "https://8.0.0.1"),
    ("https://1.2.3.4.", ["canonical form of the IPv4"], "https://1.2.3.4"),
    ("https://0X7F.1", ["canonical form of the IPv4", "upper case"], "https://127.0.0.1"),
    ("https://1.2.3.256", ["not a valid one"], None),
    ("https://256.2.3.4", ["not a valid one"], None),
    ("https://1.2.3.4.5", ["not a valid one"], None),
    ("https://1.2.65536", ["not a valid one"], None),
    ("https://1.2.3.08", ["not a valid one"], None),
    ("https://1..3", ["not a valid one"], None),
    ("https://a.example.1", ["not a valid one"], None),
    ("https://4294967296", ["not a valid one"], None),
    ("https://*.1.2.3.4", ["no subdomains"], None),
    ("https://*.0x1", ["no subdomains"], None),
    # IPv6
    ("https://[0:0:0:0:0:0:0:1]", ["canonical form of the IPv6"], "https://[::1]"),
    ("https://[2001:DB8::1]", ["upper case"], "https://[2001:db8::1]"),
    ("https://[2001:0db8::1]", ["canonical form of the IPv6"], "https://[2001:db8::1]"),
    ("https://[::ffff:1.2.3.4]", ["canonical form of the IPv6"], "https://[::ffff:102:304]"),
    ("https://[fe80::1%eth0]", ["a zone", "canonical form of the IPv6"], "https://[fe80::1]"),
    ("http://::1", ["in brackets"], "http://[::1]"),
    ("https://2001:db8::1", ["in brackets"], "https://[2001:db8::1]"),
    ("https://a:b:c", ["in brackets", "not an IPv6 address"], None),
    ("https://[::1", ["not an IPv6 address", "a port is"], None),
    ("https://[::1]a:80", ["not an IPv6 address", "a port is"], None),
    ("https://[]", ["not an IPv6 address"], None),
    ("https://[1.2.3.4]", ["never read as a regex"], "re.compile('https://[1.2.3.4]')"),
    ("https://[:::1]", ["not an IPv6 address"], None),
    ("https://*.[::1]", ["never read as a regex"], "re.compile('https://*.[::1]')"),
    # stars
    ("https://*", ['a "*" is only allowed'], "*"),
    ("*", ["no scheme", "not allowed in a host"], None),
    ("*://a.example", ['a "*" is only allowed'], '["http://a.example", "https://a.example"]'),
    ("http*://a.example", ['a "*" is only allowed'], '["http://a.example", "https://a.example"]'),
    ("https://*a.example", ['a "*" is only allowed'], "https://*.a.example"),
    ("https://a.*.example", ["anyone can register"], None),
    ("https://a.*", ["anyone can register"], None),
    ("https://*.*.example", ['a "*" is only allowed'], "https://*.example"),
    ("https://**.example", ['a "*" is only allowed'], "https://*.example"),
    ("https://*.", ["no host"], None),
    ("https://*..example", ["empty label"], None),
    # regexes
    (r"https://.*\.a\.example", ["never read as a regex"], "https://*.a.example"),
    ("^https://a.example", ["never read as a regex"], "https://a.example"),
    ("https://a.example$", ["never read as a regex"], "https://a.example"),
    ("https?://a.example", ["never read as a regex"], "re.compile('https?://a.example')"),
    ("https://(a|b).example", ["never read as a regex"], "re.compile('https://(a|b).example')"),
    ("https://[a-z]+.example", ["never read as a regex"], "https://*.example"),
    (
        r"https://(a|b){1,2}\.example",
        ["never read as a regex"],
        r"re.compile('https://(a|b){1,2}\\.example')",
    ),
]


@pytest.mark.parametrize(("text", "reasons", "fix"), REFUSED, ids=[repr(entry[0][:60]) for entry in REFUSED])
def test_these_are_refused(text: str, reasons: list[str], fix: str | None) -> None:
    (problem,) = problems_of(text)
    assert (problem.field, problem.value, problem.fix) == ("origins", text, fix)
    found = problem.reason.split("; ")
    assert len(found) == len(reasons)
    for words, reason in zip(reasons, found, strict=True):
        assert words in reason


def test_the_longest_origin() -> None:
    longest = "a" * (MAX_ORIGIN_BYTES - len("://x.y")) + "://x.y"
    assert str(parse_origin(longest)) == longest
    assert OriginSet.compile([longest]).matches(longest.encode())
    (problem,) = problems_of(f"a{longest}")
    assert "longer than 512" in problem.reason


@pytest.mark.parametrize("host", [LONG_HOST, f"*.{LONG_HOST[:251]}"])
def test_the_longest_host(host: str) -> None:
    assert str(parse_origin(f"https://{host}")) == f"https://{host}"


@pytest.mark.parametrize("character", "^$()[]|\\+?")
def test_what_looks_like_a_regex(character: str) -> None:
    assert looks_like_regex(f"https://a{character}.example")


@pytest.mark.parametrize("text", ["https://*.a.example:*", "http://[2001:DB8::1]:3000", "web+app://a"])
def test_what_does_not_look_like_a_regex(text: str) -> None:
    assert not looks_like_regex(text)


def parsed_or_problems(text: str) -> DeclaredOrigin | tuple[Problem, ...]:
    try:
        return parse_origin(text)
    except CORSConfigError as error:
        return error.problems


def declares(fix: str) -> list[str]:
    """What a fix says to write, declared."""
    items: list[str] = ast.literal_eval(fix) if fix.startswith("[") else [fix]
    if fix.startswith("re.compile("):
        re.compile(ast.literal_eval(fix.removeprefix("re.compile(").removesuffix(")")))
        return items
    return [item if item == "*" else str(parse_origin(item)) for item in items]


pieces = (
    *(
        "https",
        "HTTP",
        "ws",
        "://",
        ":",
        "/",
        "*.",
        "*",
        ".",
        "a",
        "B",
        "ü",
        "example",
        "@",
        "?",
        "#",
        "[",
        "]",
    ),
    *("::1", "0x7f", "127", "01", ":80", ":443", ":0443", ",", " ", "\n", "localhost", "null", "file:", "₁"),
)
near_origins = st.lists(st.sampled_from(pieces), max_size=9).map("".join)


@given(st.one_of(st.text(), near_origins, near_origins.map("https://{}".format)))
@example("https://K.example")
def test_whatever_is_declared_is_canonical_or_refused_with_valid_fixes(text: str) -> None:
    read = parsed_or_problems(text)
    if isinstance(read, DeclaredOrigin):
        assert str(read) == text
        assert read.is_pattern or is_serialized_origin(text.encode())
        return
    assert read
    for problem in read:
        assert problem.value == text
        assert problem.fix != text
        assert problem.fix is None or problem.fix == "[]" or declares(problem.fix)


@given(declared)
def test_generated_origins_are_all_legal(text: str) -> None:
    assert str(parse_origin(text)) == text


@given(exact_origins.filter(lambda text: not text.startswith("capacitor")))
def test_slash_and_case_are_fixed_to_the_origin_itself(text: str) -> None:
    assert {problem.fix for problem in problems_of(f"{text.upper()}/")} == {text}


@pytest.mark.skipif(sys.platform == "win32", reason="another inet_aton")
@given(
    st.lists(
        st.from_regex(r"0x[0-9a-f]{0,9}|0[0-9]{0,11}|[1-9][0-9]{0,10}", fullmatch=True),
        min_size=1,
        max_size=4,
    )
)
def test_ipv4_is_read_as_the_c_library_does(parts: list[str]) -> None:
    host = ".".join(parts)
    assume("0x" not in parts)  # 0 for the URL standard, an error for the C library
    try:
        quad = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        assert [problem.fix for problem in problems_of(f"https://{host}")] == [None]
        return
    if quad == host:
        assert parse_origin(f"https://{host}").host == host
    else:
        assert [problem.fix for problem in problems_of(f"https://{host}")] == [f"https://{quad}"]


SCHEMES = ["https", "http", "app", "chrome-extension", "moz-extension", "file", "ws", "wss", "Http", "", "9"]
HOSTS = [
    *("a.example", "A.example", "*.a.example", "a..example", "a.example.", ".", "", "*", "a_b", "a-b.0x1"),
    *("127.0.0.1", "127.1", "01.2.3.4", "1.2.3.256", "*.1.2.3.4", "1.2.3.4.", "x.1", "müller.example"),
    *(
        "[::1]",
        "[0::1]",
        "[::ffff:102:304]",
        "[::ffff:1.2.3.4]",
        "[::1%1]",
        "*.[::1]",
        "[:::]",
        "::1",
        "[::A]",
    ),
    *(
        "x" * 63,
        "x" * 64,
        "a." * 126 + "a",
        "a." * 126 + "ab",
        "*." + "a." * 125 + "a",
        "*." + "a." * 126 + "a",
    ),
    *("a." * 250 + "a", "a\n", "\ud800", "\u0661.a"),
]
PORTS = [
    "",
    ":",
    ":*",
    ":80",
    ":443",
    ":8080",
    ":08080",
    ":0",
    ":65535",
    ":65536",
    ":99999",
    ":100000",
    ":x",
    ":1:*",
]
TAILS = ["", "/", "?", "#", "\n", " "]


def assert_refused_exactly_if_something_is_wrong(text: str) -> None:
    # Two grammars: a strict one, and one that finds what is wrong.
    problem = refused_origin(text)
    if problem.reason:
        assert problems_of(text) == (problem,)
    else:
        assert str(parse_origin(text)) == text


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_origin_is_refused_exactly_if_one_of_its_parts_is_wrong(scheme: str) -> None:
    for host, port in itertools.product(HOSTS, PORTS):
        assert_refused_exactly_if_something_is_wrong(f"{scheme}://{host}{port}")
    for length in range(500, 520):
        assert_refused_exactly_if_something_is_wrong(f"{scheme}://".ljust(length, "a"))


@given(
    st.tuples(*map(st.sampled_from, (SCHEMES, ["://", ":/", ":"], HOSTS, PORTS, TAILS)))
    .map("".join)
    .flatmap(lambda text: st.sampled_from([text, text[1:], text.swapcase()]))
)
def test_whatever_is_refused_has_something_wrong_with_it(text: str) -> None:
    assert_refused_exactly_if_something_is_wrong(text)


@given(st.ip_addresses(v=6))
def test_ipv6_is_fixed_to_one_form(address: IPv6Address) -> None:
    (problem,) = problems_of(f"https://[{address.exploded}]/")
    canonical = problem.fix
    assert canonical is not None
    host = parse_origin(canonical).host
    assert IPv6Address(host[1:-1]) == address
    assert "." not in host


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("localhost", True),
        ("app.localhost", True),
        ("127.0.0.1", True),
        ("127.255.255.254", True),
        ("[::1]", True),
        ("localhost.example", False),
        ("evillocalhost", False),
        ("127.example", False),
        ("127.0.0.1.example", False),
        ("127.0.0", False),
        ("128.0.0.1", False),
        ("1127.0.0.1", False),
        ("[::2]", False),
        ("localhost\n", False),
        ("127.0.0.1\n", False),
    ],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


@pytest.mark.parametrize(
    ("text", "insecure"),
    [
        ("http://a.example", True),
        ("http://*.a.example:*", True),
        ("http://localhost:*", False),
        ("http://*.localhost", False),
        ("https://a.example", False),
        ("capacitor://a", False),
    ],
)
def test_insecure_origins(text: str, insecure: bool) -> None:
    assert parse_origin(text).is_insecure is insecure


# The matcher


@pytest.mark.parametrize(
    "origin",
    [
        b"https://a.example",
        b"http://localhost:3000",
        b"http://[::1]:3000",
        b"chrome-extension://abcdef",
        b"https://a_b.example:65535",
        b"app://.",
        b"safari-web-extension://140BB581-6C3C-4C4F",
        b"httpsx://A.",
    ],
)
def test_these_are_serialized_origins(origin: bytes) -> None:
    assert is_serialized_origin(origin)


@pytest.mark.parametrize(
    "origin",
    [
        b"",
        b"null",
        b"*",
        b"https://a.example\n",
        b"\nhttps://a.example",
        b"https://a.example/",
        b"https://a.example, https://a.example",
        b"https://a.example,https://b.example",
        b"https://a.example https://b.example",
        b"https://A.example",
        b"http://A",
        b"HTTPS://a.example",
        b"App://a",
        b"app://a b",
        b"app://\xc3\xbc",
        b"https://a..example",
        b"https://.example",
        b"https://a.example.",
        b"https://",
        b"https://:80",
        b"https://a:",
        b"https://a:0",
        b"https://a:08",
        b"https://a:65536",
        b"https://a:123456",
        b"https://a:*",
        b"https://*.example",
        b"https://u@a.example",
        b"https://a.example?",
        b"https://a.example#",
        b"https://a;b.example",
        b"https://a!.example",
        b"https://a%00.example",
        b"https://m\xc3\xbcller.example",
        b"https://a.example\x00",
        b"https://[::1",
        b"https://[::1]]",
        b"https://[::G]",
        b"a.example",
        b"//a.example",
        b"https:a.example",
        b"1://a",
        b"\xff\xfe",
    ],
)
def test_these_are_no_serialized_origins(origin: bytes) -> None:
    assert not is_serialized_origin(origin)
    everything = OriginSet.compile([re.compile(r"(?s).*"), "https://*.example:*"])
    assert not everything.matches(origin)


def test_an_origin_has_512_bytes_at_most() -> None:
    longest = b"https://" + b"a" * (512 - len(b"https://"))
    assert is_serialized_origin(longest)
    assert not is_serialized_origin(longest + b"a")


@pytest.mark.parametrize(
    ("pattern", "origin", "matching"),
    [
        ("app://*.x", b"app://a.x", True),
        ("app://*.x", b"app://A.b.x", True),
        ("app://*.x", b"app://.x", False),
        ("app://*.x", b"app://a..x", False),
        ("app://*.x", b"app://x", False),
        ("app://*.x:*", b"app://.x:80", False),
        ("app://X:*", b"app://X:80", True),
        ("app://X:*", b"app://x:80", False),
        ("app://.", b"app://.", True),
        ("app://.", b"app://", False),
        ("app://.", b"app://..", False),
        ("app://ABC", b"app://abc", False),
        ("https://*.x", b"https://A.x", False),
    ],
)
def test_opaque_hosts_are_compared_as_they_are(pattern: str, origin: bytes, *, matching: bool) -> None:
    assert OriginSet.compile([pattern]).matches(origin) is matching


opaque_pieces = st.sampled_from(
    [
        ".",
        "a",
        "B",
        "%41",
        "ü",
        "*",
        "_",
        "-",
        "~",
        "!",
        "/",
        ":",
        "80",
        "0",
        "@",
        "[",
        "::1",
        "]",
        "127",
        " ",
        "\x7f",
    ]
)
opaque_schemes = st.sampled_from(
    ["app", "ionic", "safari-web-extension", "chrome-extension", "https", "http", "ws", "ftp"]
)


@given(st.builds("{}://{}".format, opaque_schemes, st.lists(opaque_pieces, max_size=6).map("".join)))
@example("app://.")
@example("ftp://a:21")
def test_whatever_is_declared_is_what_a_browser_serializes(text: str) -> None:
    """The URL standard is the judge: https://url.spec.whatwg.org/#concept-opaque-host-parser ."""
    read = parsed_or_problems(text)
    if isinstance(read, DeclaredOrigin) and not read.is_pattern:
        url = ada_url.URL(text)
        assert f"{url.protocol}//{url.host}" == text
        assert is_serialized_origin(text.encode())


# Every request of one origin and one pattern that the matrix has: nothing else may match.
CANDIDATES = {
    "https://x.example.com",
    "https://x.y.example.com",
    "https://x.example.com:8443",
    "https://example.com",
    "https://example.com:8443",
    "http://x.example.com",
    "https://x.example.com.evil.com",
    "https://evilexample.com",
    "https://evil.com/.example.com",
    "https://x.example.com\n",
    "https://.example.com",
    "https://x..example.com",
    "https://x.example.com:",
    "https://x@evil.example.com",
    "https://x.example.comx",
    "https://com",
    "https://x_y.example.com",
    "https://X.example.com",
    "https://example.com.",
    "null",
    "",
}


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        (
            "https://*.example.com",
            {"https://x.example.com", "https://x.y.example.com", "https://x_y.example.com"},
        ),
        ("https://*.example.com:8443", {"https://x.example.com:8443"}),
        (
            "https://*.example.com:*",
            {
                "https://x.example.com",
                "https://x.y.example.com",
                "https://x_y.example.com",
                "https://x.example.com:8443",
            },
        ),
        ("https://example.com:*", {"https://example.com", "https://example.com:8443"}),
        ("http://*.example.com", {"http://x.example.com"}),
        ("https://*.y.example.com", {"https://x.y.example.com"}),
        ("https://example.com", {"https://example.com"}),
        ("https://*.evil.com", {"https://x.example.com.evil.com"}),
    ],
)
def test_patterns(pattern: str, matching: set[str]) -> None:
    origins = OriginSet.compile([pattern])
    assert {candidate for candidate in CANDIDATES if origins.matches(candidate.encode())} == matching


@given(
    exact_origins,
    st.sampled_from(["delete", "insert", "replace"]),
    st.integers(0, 300),
    st.binary(min_size=1, max_size=1),
)
def test_an_exact_origin_matches_itself_and_no_mutation(text: str, how: str, place: int, byte: bytes) -> None:
    origin = text.encode()
    origins = OriginSet.compile([text])
    assert origins.matches(origin)
    place %= len(origin)
    rest = origin[place:] if how == "insert" else origin[place + 1 :]
    mutation = origin[:place] + (b"" if how == "delete" else byte) + rest
    assert origins.matches(mutation) is (mutation == origin)


@given(names, exact_origins, ports)
def test_a_pattern_matches_nothing_outside_its_suffix(suffix: str, text: str, port: str) -> None:
    origins = OriginSet.compile([f"https://*.{suffix}{port}"])
    scheme, _, rest = text.partition("://")
    host = rest if rest.startswith("[") else rest.partition(":")[0]
    belongs = scheme == "https" and host.endswith(f".{suffix}") and rest == f"{host}{port}"
    assert origins.matches(text.encode()) is belongs
    assert not origins.matches(f"https://{suffix}{port}".encode())


@given(st.lists(labels, min_size=1, max_size=5), suffix_patterns, st.integers(1, 65535))
def test_a_pattern_matches_everything_below_its_suffix(above: list[str], pattern: str, number: int) -> None:
    origin = pattern.replace("*", ".".join(above), 1).replace("*", str(number))
    assert OriginSet.compile([pattern]).matches(origin.encode())


@given(names, st.text(min_size=1))
def test_a_label_holds_host_characters_only(suffix: str, label: str) -> None:
    assume(re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", label) is None)
    origin = f"https://{label}.{suffix}".encode("utf-8", "surrogatepass")
    assert not OriginSet.compile([f"https://*.{suffix}"]).matches(origin)


@given(st.one_of(st.binary(), exact_origins.map(str.encode)), st.lists(declared, max_size=4))
def test_no_bytes_ever_raise(origin: bytes, items: list[str]) -> None:
    origins = OriginSet.compile([*items, re.compile(r"https://a\.example")])
    assert origins.matches(origin) in {True, False}
    assert OriginSet.compile(["*"]).matches(origin)


@given(st.lists(declared, max_size=6), exact_origins)
def test_a_set_matches_what_one_of_its_items_does(items: list[str], text: str) -> None:
    origin = text.encode()
    assert OriginSet.compile(items).matches(origin) is any(
        OriginSet.compile([i]).matches(origin) for i in items
    )


def test_regexes_match_the_whole_origin() -> None:
    origins = OriginSet.compile([re.compile(r"https://[a-z]+\.a\.example")])
    assert origins.matches(b"https://x.a.example")
    for origin in (
        b"https://x.a.example.evil.example",
        b"https://x.a.example\n",
        b"https://x.a.example:8443",
        b"xhttps://x.a.example",
        b"https://1.a.example",
    ):
        assert not origins.matches(origin)


def test_every_regex_is_asked() -> None:
    origins = OriginSet.compile([re.compile(r"https://a\.example"), re.compile(r"https://b\.example")])
    assert origins.matches(b"https://a.example")
    assert origins.matches(b"https://b.example")


def test_regexes_admit_insecure_origins_only_where_that_is_asked_for() -> None:
    anything = [re.compile(r".*")]
    secure = OriginSet.compile(anything, insecure_regexes=False)
    for origin in (
        b"https://a.example",
        b"http://localhost:3000",
        b"http://127.0.0.1",
        b"http://[::1]",
        b"capacitor://a",
    ):
        assert secure.matches(origin)
    for origin in (
        b"http://a.example",
        b"http://localhost.example",
        b"http://127.a.example",
        b"http://[::2]",
    ):
        assert not secure.matches(origin)
        assert OriginSet.compile(anything).matches(origin)


def test_insecure_origins_that_are_declared_in_full_are_not_held_up() -> None:
    origins = OriginSet.compile(["http://a.example", "http://*.b.example"], insecure_regexes=False)
    assert origins.matches(b"http://a.example")
    assert origins.matches(b"http://x.b.example")


def test_callables_are_kept_and_not_asked() -> None:
    def refuse(origin: str, connection: object) -> bool:
        raise AssertionError

    origins = OriginSet.compile([refuse, "https://a.example"])
    assert origins.callables == (refuse,)
    assert not origins.matches(b"https://b.example")
    assert not origins.matches(b"null")


def test_the_compiled_form() -> None:
    origins = OriginSet.compile(["https://a.example", "https://*.b.example:8443", "http://localhost:*"])
    assert origins == OriginSet(
        any=False,
        exact=frozenset({b"https://a.example"}),
        patterns=frozenset({(b"https", b".b.example", b"8443"), (b"http", b"localhost", b"*")}),
    )
    assert OriginSet.compile(["*"]) == OriginSet(any=True)
    assert not hasattr(origins, "__dict__")
    with pytest.raises(AttributeError):
        origins.any = True  # type: ignore[misc]


def test_compile_refuses_what_is_no_origin() -> None:
    with pytest.raises(CORSConfigError, match="trailing slash"):
        OriginSet.compile(["https://a.example/"])


def seconds(origins: OriginSet, origin: bytes) -> float:
    """The best of several runs of 2000; what other processes take meanwhile does not count."""
    runs: list[float] = []
    for _ in range(7):
        start = time.thread_time()
        for _ in range(2000):
            origins.matches(origin)
        runs.append(time.thread_time() - start)
    return min(runs)


@pytest.mark.parametrize("origin", [b"https://x.p0.example", b"https://e0.example", b"https://nobody.test"])
def test_the_cost_does_not_grow_with_the_number_of_origins(origin: bytes) -> None:
    few = OriginSet.compile(["https://e0.example", "https://*.p0.example"])
    many = OriginSet.compile(
        [f"https://{kind}{number}.example" for kind in ("e", "*.p") for number in range(5000)]
    )
    assert len(many.patterns) == len(many.exact) == 5000
    assert seconds(many, origin) < 5 * seconds(few, origin)


@pytest.mark.parametrize("length", [64 * 1024, 10**6])
@pytest.mark.parametrize("origin", [b"a", b".", b"a.", b"https://", b"null, "])
def test_long_values_are_refused_at_little_cost(length: int, origin: bytes) -> None:
    value = b"https://" + (origin * length)[:length]
    origins = OriginSet.compile(["https://*.a.example", re.compile(r"(?s).*")])
    start = time.thread_time()
    for _ in range(1000):
        assert not origins.matches(value)
    assert time.thread_time() - start < 1


@given(
    st.from_regex(origins._PLAIN, fullmatch=True)
    | st.from_regex(r"https://[a-z0-9_.*:/-]{0,70}(\.[0-9a-fx]{1,4})?\n?", fullmatch=True)
)
def test_origins_that_need_no_closer_look_are_read_the_same(text: str) -> None:
    declared = origins._DECLARED.fullmatch(text)
    if declared is None or len(text) > origins.MAX_HOST:
        return
    scheme, wildcard, host, port = declared.groups(default="")
    origin = DeclaredOrigin(scheme, host, port, subdomains=bool(wildcard))
    is_sound = origins._has_port_as_sent(origin) and origins._has_host_as_sent(origin)
    assert origins._as_sent(text) == (origin if is_sound else None)
