"""Cases written by hand, after what the Web Platform Tests' cors/ and fetch/api/cors/ look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Final, TypeAlias

from . import chains
from .cases import Answer, Case, Credentials, Fetch, Headers, Mode, Redirect, Resource, allowing

Family: TypeAlias = Callable[[], Iterator[Case]]

MODES: Final[tuple[Mode, ...]] = ("cors", "no-cors", "same-origin")
REDIRECTS: Final[tuple[Redirect, ...]] = ("follow", "error", "manual")
CREDENTIALS: Final[tuple[Credentials, ...]] = ("omit", "include")

X: Final = "<a><case>/x"
OPEN: Final = allowing("*")
OPEN_TO_CREDENTIALS: Final = allowing(credentials="true")
GENEROUS: Final = allowing(
    credentials="true", methods="<method>", names="x-one, x-two, authorization, content-type, range"
)
COOKIE: Final = ("Set-Cookie", "k=v; Path=<case>")
CUSTOM: Final = (("X-One", "1"),)


def single(
    name: str,
    fetch: Fetch | tuple[Fetch, ...],
    actual: Headers | Answer | tuple[Answer, ...] = OPEN_TO_CREDENTIALS,
    preflight: Headers | Answer | tuple[Answer, ...] = GENEROUS,
    *,
    sandboxed: bool = False,
) -> Case:
    """Everything happens at one path of the first API."""
    fetches = fetch if isinstance(fetch, tuple) else (fetch,)
    return Case(name, fetches, (Resource("a/x", _answers(actual), _answers(preflight)),), sandboxed)


def _answers(given: Headers | Answer | tuple[Answer, ...]) -> tuple[Answer, ...]:
    if isinstance(given, Answer):
        return (given,)
    answers = tuple(each for each in given if isinstance(each, Answer))
    return answers or (Answer(headers=tuple(each for each in given if isinstance(each, tuple))),)


# --- The CORS check


def origin_values() -> Iterator[Case]:
    values = (
        "*", " * ", "\t*", "<page>", " <page>", "<page> \t ", "\t<page>", "<page>/", "<page>?", "<page>#",
        "<page>:80", "<page>, *", "<page>, <page>", "<page> <page>", "*, *", "* *", "*, <page>", "**", "'*'",
        '"*"', "null", "NULL", "null *", "", "-", "<a>", "<far>", "//127.0.0.1", "127.0.0.1",
        "HTTP://127.0.0.1", "<page>,", ",<page>", "é", "*\xa0", "%2A",
    )  # fmt: skip
    for value, credentials in product(values, CREDENTIALS):
        headers = allowing(value, credentials="true")
        fetch = Fetch(X, credentials=credentials)
        yield single(f"Access-Control-Allow-Origin {value!r}, {credentials}", fetch, headers)
    for value in ("null", "*", "<page>", "NULL", "<origin>"):
        yield single(
            f"Access-Control-Allow-Origin {value!r}, sandboxed", Fetch(X), allowing(value), sandboxed=True
        )


def several_origin_headers() -> Iterator[Case]:
    for first, second in product(("", "*", "<page>"), repeat=2):
        headers = allowing(first) + allowing(second)
        yield single(f"Access-Control-Allow-Origin {first!r} and again {second!r}", Fetch(X), headers)
    yield single("a header name in odd case", Fetch(X), (("aCCESS-cONTROL-aLLOW-oRIGIN", "<page>"),))
    yield single("no header of the protocol", Fetch(X), ())


def credentials_values() -> Iterator[Case]:
    for value in (
        "true",
        "TRUE",
        "True",
        '"true"',
        "false",
        "1",
        "0",
        "",
        " true ",
        "true, true",
        "true,",
        "*",
    ):
        headers = allowing(credentials=value)
        yield single(f"Access-Control-Allow-Credentials {value!r}", Fetch(X, credentials="include"), headers)
        preflighted = Fetch(X, "PUT", credentials="include")
        yield single(
            f"Access-Control-Allow-Credentials {value!r} on the preflight",
            preflighted,
            preflight=allowing(credentials=value, methods="PUT"),
        )
    twice = (*allowing(credentials="true"), ("Access-Control-Allow-Credentials", "true"))
    yield single("Access-Control-Allow-Credentials twice", Fetch(X, credentials="include"), twice)
    yield single(
        "any origin with credentials", Fetch(X, credentials="include"), allowing("*", credentials="true")
    )


def cookies() -> Iterator[Case]:
    answer = (*OPEN_TO_CREDENTIALS, COOKIE)
    include, same_origin, omit = (
        Fetch(X, credentials="include"),
        Fetch(X, credentials="same-origin"),
        Fetch(X, credentials="omit"),
    )
    for first, second in product((include, same_origin, omit), repeat=2):
        yield single(
            f"cookie set with {first.credentials}, sent with {second.credentials}?", (first, second), answer
        )
    yield single(
        "a cookie is set by a response that is blocked", (include, include), (*allowing("*"), COOKIE)
    )
    asked = Fetch(X, "PUT", credentials="include")
    yield single(
        "a cookie is not set by a preflight, nor sent with it",
        (asked, include, asked),
        answer,
        (*allowing(credentials="true", methods="PUT", max_age="0"), ("Set-Cookie", "p=p; Path=<case>")),
    )
    own = "<page><case>/own"
    yield Case(
        "cookies of the page's own server go to the other ports of its host",
        (Fetch(own), include, same_origin, Fetch(own, credentials="omit"), Fetch(own)),
        (
            Resource("page/own", (Answer(headers=(COOKIE,)),)),
            Resource("a/x", (Answer(headers=OPEN_TO_CREDENTIALS),)),
        ),
    )
    yield Case(
        "cookies of a redirect",
        (include, include),
        (
            Resource("a/x", (Answer(302, (*OPEN_TO_CREDENTIALS, COOKIE, ("Location", "<a><case>/y"))),)),
            Resource("a/y", (Answer(headers=OPEN_TO_CREDENTIALS),)),
        ),
    )
    several = (("Set-Cookie", "a=1; Path=<case>"), ("Set-Cookie", "b=2; Path=<case>"))
    yield single("several cookies", (include, include), OPEN_TO_CREDENTIALS + several)
    gone = Answer(headers=(*OPEN_TO_CREDENTIALS, ("Set-Cookie", "k=; Path=<case>; Max-Age=0")))
    yield single("a cookie is deleted", (include, include, include), (Answer(headers=answer), gone))


def cookie_forms() -> Iterator[Case]:
    include = Fetch(X, credentials="include")
    names_and_values = (
        "a", "=a", "a=", "=", "", "a=b=c", " a = b ; Path=<case>", '"a"="b"', 'a="b;c"', "a=b c", "a=\xe9",
        "\xe9=a", "a\t=b", "a=b, c=d", "a=b;", "a=b;;;", ";a=b", "a=\x01", "a=\x7f", "a\x01=b",
        f"a={'x' * 4095}", f"a={'x' * 4096}", f"{'a' * 2048}={'x' * 2048}", f"{'a' * 2049}={'x' * 2048}",
        "__Secure-a=b", "__Secure-a=b; Secure", "__secure-a=b", "__Host-a=b; Secure; Path=<case>",
        "__Host-a=b; Secure", "__HOST-a=b", "=__Secure-a=b", "=__Host-a", "__Secure-",
    )  # fmt: skip
    attributes = (
        "path=<case>", "PATH=<case>", "Path=<case>/", "Path=<case>/x", "Path=<case>/xy", "Path=<case>/y",
        "Path=", "Path=relative", "Path", "Path=<case>/y; Path=<case>", "Path=<case>; Path=<case>/y",
        f"Path=<case>/{'x' * 1100}", f"Path=/{'x' * 1100}; Path=<case>", "Max-Age=abc", "Max-Age=",
        "Max-Age=-1", "Max-Age=0", "Max-Age=1e3", "Max-Age=+10", "Max-Age=99999999999999999999",
        "Max-Age= 600 ", "Max-Age=600; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT", "Expires=0", "Expires=nonsense",
        "Expires=Thu, 01 Jan 1970 00:00:00 GMT", "Expires=Thu, 01-Jan-1970 00:00:00 GMT",
        "Expires=1 Jan 70 0:0:0", "Expires=Fri, 31 Dec 2100 23:59:59 GMT", "expires=Thu Jan  1 00:00:00 1970",
        "Expires=Thu, 01 Jan 1600 00:00:00 GMT", "Expires=Thu, 32 Jan 1970 00:00:00 GMT", "Expires=",
        "Domain=127.0.0.1", "Domain=.127.0.0.1", "Domain=0.0.1", "Domain=localhost", "Domain=",
        "Domain=127.0.0.1; Domain=other", "Domain=other; Domain=127.0.0.1", "Domain=other; Domain=",
        f"Domain={'x' * 1100}", "Secure", "Secure=x", "HttpOnly=x", "unknown", f"unknown={'x' * 2000}",
        "SameSite", "SameSite=", "samesite=STRICT", "SameSite=None", "SameSite=None; Secure",
        "SameSite=Lax; SameSite=None", "SameSite=None; SameSite=Lax", "SameSite=other",
    )  # fmt: skip
    for form in (*names_and_values, *(f"a=b; {attribute}" for attribute in attributes)):
        shown = form if len(form) < 80 else f"{form[:60]}... of {len(form)}"
        set_cookie = (*OPEN_TO_CREDENTIALS, ("Set-Cookie", form))
        yield single(f"Set-Cookie: {shown!r}", (include, include), set_cookie)


def cookie_stores() -> Iterator[Case]:
    include = Fetch(X, credentials="include")
    deep = Fetch("<a><case>/p/q/x", credentials="include")
    steps: dict[str, tuple[tuple[str, ...], ...]] = {
        "longer paths first": (("a=1; Path=<case>", "b=2; Path=<case>/x", "c=3; Path=<case>"),),
        "the same again": (("a=1; Path=<case>", "b=2; Path=<case>"), ("a=1; Path=<case>",)),
        "one name, two paths": (("a=1; Path=<case>", "a=2; Path=<case>/x"),),
        "HttpOnly is overwritten": (("a=1; Path=<case>; HttpOnly",), ("a=2; Path=<case>",)),
        "Secure is overwritten": (("a=1; Path=<case>; Secure",), ("a=2; Path=<case>",)),
        "Strict is overwritten": (("a=1; Path=<case>; SameSite=Strict",), ("a=2; Path=<case>",)),
        "no name, twice": (("a; Path=<case>",), ("b; Path=<case>",)),
        "deleted at another path": (("a=1; Path=<case>",), ("a=; Path=<case>/x; Max-Age=0",)),
        "deleted and set again": (
            ("a=1; Path=<case>", "b=2; Path=<case>"),
            ("a=; Path=<case>; Max-Age=0",),
            ("a=4; Path=<case>",),
        ),
        "without a path": (("a=1",),),
        "paths below": (
            (
                "a=1; Path=<case>/p",
                "b=2; Path=<case>/p/",
                "c=3; Path=<case>/p/q/x",
                "d=4; Path=<case>/p/q/x/",
            ),
        ),
    }
    for name, lines in steps.items():
        answers = tuple(
            Answer(headers=(*OPEN_TO_CREDENTIALS, *(("Set-Cookie", line) for line in step)))
            for step in (*lines, ())
        )
        resources = (Resource("a/x", answers), Resource("a/p/q/x", answers))
        yield Case(f"cookies: {name}", (include,) * (len(lines) + 1), resources)
        yield Case(f"cookies: {name}, at a deeper path", (*((deep,) * (len(lines) + 1)), include), resources)


# --- Preflights


def preflight_statuses() -> Iterator[Case]:
    statuses = (
        *(
            200,
            201,
            202,
            203,
            204,
            205,
            206,
            207,
            226,
            299,
            300,
            301,
            302,
            303,
            304,
            305,
            307,
            308,
            400,
            401,
            403,
            404,
        ),
        *(405, 410, 418, 429, 451, 500, 501, 503, 504, 599, 600, 699, 999),
    )
    for status in statuses:
        location = (("Location", "<a><case>/y"),) if status in {301, 302, 303, 307, 308} else ()
        yield single(
            f"preflight answered with {status}",
            Fetch(X, "PUT"),
            preflight=Answer(status, GENEROUS + location),
        )


def statuses() -> Iterator[Case]:
    codes = (
        200,
        201,
        202,
        204,
        205,
        206,
        226,
        299,
        300,
        304,
        305,
        306,
        400,
        401,
        403,
        404,
        405,
        416,
        418,
        500,
        501,
        599,
        699,
        999,
    )
    for status, method in product(codes, ("GET", "HEAD", "PUT", "CHICKEN")):
        yield single(
            f"{method} answered with {status}", Fetch(X, method), Answer(status, OPEN_TO_CREDENTIALS)
        )


def wildcards() -> Iterator[Case]:
    rows = (
        ("get", "x-one", "GET", "X-One"),
        ("*", "x-one", "SUPER", "X-One"),
        ("*", "*", "OK", "X-One"),
        ("*", "", "PUT", ""),
        ("PUT", "*", "PUT", ""),
        ("get", "*", "GET", "X-One"),
        ("*", "*", "GET", "X-One"),
        ("*", "*", "*", "*"),
        ("put", "*", "PUT", ""),
        ("*, PUT", "*, x-one", "PUT", "X-One"),
        ("PUT", "*", "PUT", "*"),
        ("PUT", "*", "PUT", "Authorization"),
        ("PUT", "*, authorization", "PUT", "Authorization"),
        ("PUT", "AUTHORIZATION", "PUT", "Authorization"),
        ("PUT", "x-one", "PUT", "Authorization"),
    )
    for (methods, names, method, name), credentials in product(rows, CREDENTIALS):
        if (names, name, credentials) == ("*", "Authorization", "omit"):
            # Chromium lets * stand for it: a difference.
            continue
        headers = ((name, "1"),) if name else ()
        fetch = Fetch(X, method, headers, credentials=credentials)
        yield single(
            f"{method} with {name!r} where {methods!r} and {names!r} are allowed, {credentials}",
            fetch,
            preflight=allowing(credentials="true", methods=methods, names=names),
        )
    # A safelisted method needs no listing, whatever the list says.
    yield single(
        "a wildcard among the actual response's", Fetch(X), (*allowing("*", expose="*"), ("*", "star"))
    )


def method_lists() -> Iterator[Case]:
    values = (
        "PUT", "put", " PUT ", "\tPUT", "GET, PUT", "GET,PUT,", ",PUT", ",,PUT,,", "GET PUT", "PUT;q=1",
        '"PUT"', "P(T", "PUT\xe9", "PUT, DE LETE", "PUT, @", "", ",", "PATCH", "PUT, PUT", "GET\t,\tPUT",
        "PUT:", "/", "*PUT", "PUT*", "null", "PUT\xa0",
    )  # fmt: skip
    for value in values:
        yield single(
            f"Access-Control-Allow-Methods {value!r}", Fetch(X, "PUT"), preflight=allowing(methods=value)
        )
        yield single(
            f"Access-Control-Allow-Methods {value!r}, not needed",
            Fetch(X, "GET", CUSTOM),
            preflight=allowing(methods=value, names="x-one"),
        )
    twice = (*allowing(methods="GET"), ("access-control-allow-methods", "PUT"))
    yield single("Access-Control-Allow-Methods twice", Fetch(X, "PUT"), preflight=twice)
    spoiled = (*allowing(methods="PUT"), ("access-control-allow-methods", "@"))
    yield single("Access-Control-Allow-Methods twice, once unreadable", Fetch(X, "PUT"), preflight=spoiled)


def header_lists() -> Iterator[Case]:
    values = (
        "x-one", "X-ONE", " x-one ", "x-two, x-one", "x-two,x-one,", ",x-one", ",,x-one,,", "x-two x-one",
        "x-one;q=1", '"x-one"', "x(one", "x-one\xe9", "x-one, header name", "x-one, @", "", ",", "x-two",
        "x-one, x-one", "\tx-one\t,\tx-two", "x-one:", "x_one", "x-one*", "x-on", "x-one, \x01", "x-one\xa0",
    )  # fmt: skip
    for value in values:
        fetch = Fetch(X, "GET", CUSTOM)
        yield single(f"Access-Control-Allow-Headers {value!r}", fetch, preflight=allowing(names=value))
        yield single(
            f"Access-Control-Allow-Headers {value!r}, not needed",
            Fetch(X, "PUT"),
            preflight=allowing(methods="PUT", names=value),
        )
    twice = (*allowing(names="x-two"), ("Access-Control-Allow-Headers", "x-one"))
    yield single("Access-Control-Allow-Headers twice", Fetch(X, headers=CUSTOM), preflight=twice)
    two = (("X-Two", "2"), ("x-one", "1"), ("X-ONE", "again"))
    yield single(
        "asked for in order and lower case", Fetch(X, headers=two), preflight=allowing(names="X-One,X-Two")
    )
    yield single("one of two names is missing", Fetch(X, headers=two), preflight=allowing(names="x-one"))
    yield single("the names are echoed", Fetch(X, headers=two), preflight=allowing(names="<names>"))


def preflight_checks() -> Iterator[Case]:
    put = Fetch(X, "PUT")
    yield single("preflight without an answer to the origin", put, preflight=allowing(None, methods="PUT"))
    yield single("preflight for another origin", put, preflight=allowing("<a>", methods="PUT"))
    yield single("preflight for any origin", put, preflight=allowing("*", methods="PUT"))
    yield single("preflight passes and the response does not", put, (), allowing("*", methods="PUT"))
    yield single(
        "the response of a preflighted request is exposed", put, (*allowing("*", expose="x-s"), ("X-S", "s"))
    )
    yield single(
        "exposed by the preflight alone", put, (*OPEN, ("X-S", "s")), GENEROUS + allowing(None, expose="x-s")
    )
    yield single("OPTIONS by the script", Fetch(X, "OPTIONS"), preflight=allowing(methods="OPTIONS"))
    for method in (
        "patch",
        "PATCH",
        "Patch",
        "put",
        "delete",
        "options",
        "head",
        "get",
        "post",
        "Get",
        "chicken",
        "!#$%&'*+-.^_`|~",
    ):
        yield single(f"method {method}", Fetch(X, method), preflight=allowing(methods=method))
        yield single(
            f"method {method} where its capitals are allowed",
            Fetch(X, method),
            preflight=allowing(methods=method.upper()),
        )


# --- The preflight cache


def cached_preflights() -> Iterator[Case]:
    custom = Fetch(X, headers=CUSTOM)
    ages = (
        None, "600", "0", "", " 600 ", "600, 5", "5, 600", "600,", "1e99", "600.5", "+600", "0600", "abc",
        "600s", "0x600", "600 5", "99999999999999999999", "4294967296", "18446744073709551616", "--1", "00",
        "9" * 5000, "6\xb2", '"600"', ";", "600;",
    )  # fmt: skip
    for age in ages:
        shown = age if age is None or len(age) < 50 else f"{age[:10]}..."
        yield single(
            f"Access-Control-Max-Age {shown!r}",
            (custom, custom),
            preflight=allowing(names="x-one", max_age=age),
        )
    twice = (*allowing(names="x-one", max_age="0"), ("Access-Control-Max-Age", "600"))
    yield single("Access-Control-Max-Age 0 and again 600", (custom, custom), preflight=twice)
    twice = (*allowing(names="x-one", max_age="600"), ("Access-Control-Max-Age", "600"))
    yield single("Access-Control-Max-Age 600 and again 600", (custom, custom), preflight=twice)


def cache_keys() -> Iterator[Case]:
    both = allowing(
        credentials="true", methods="PUT, DELETE", names="x-one, x-two, authorization", max_age="600"
    )
    custom, put = Fetch(X, headers=CUSTOM), Fetch(X, "PUT")
    with_credentials = Fetch(X, "PUT", credentials="include")
    steps = {
        "the same": (put, put, put),
        "a listed method after a listed header": (custom, put),
        "another listed method": (put, Fetch(X, "DELETE")),
        "a method that was not listed": (put, Fetch(X, "PATCH")),
        "a listed header after a listed method": (put, custom),
        "a listed header in other case": (custom, Fetch(X, headers=(("x-ONE", "1"),))),
        "a header that was not listed": (custom, Fetch(X, headers=(("X-Three", "3"),))),
        "authorization": (put, Fetch(X, headers=(("Authorization", "1"),))),
        "a safelisted request in between": (put, Fetch(X), put),
        "without credentials, then with": (put, with_credentials),
        "with credentials, then without": (with_credentials, put),
        "with, without, with": (with_credentials, put, with_credentials),
        "omit, then same-origin": (Fetch(X, "PUT", credentials="omit"), put),
        "another query": (put, Fetch(f"{X}?q", "PUT")),
        "another fragment": (put, Fetch(f"{X}#f", "PUT")),
        "a fragment, then none": (Fetch(f"{X}#f", "PUT"), put),
        "a method in other case": (Fetch(X, "put"), Fetch(X, "Put")),
        "the same URL in other words": (put, Fetch("<a><case>/q/.././x", "PUT")),
    }
    for name, fetches in steps.items():
        yield single(f"cached: {name}", fetches, preflight=both)
        if name != "authorization":
            yield single(
                f"cached as *: {name}",
                fetches,
                preflight=allowing("*", methods="*", names="*", max_age="600"),
            )
    yield single(
        "a listed method is not a safelisted one's business",
        (custom, Fetch(X, "POST", CUSTOM)),
        preflight=both,
    )
    only_name = allowing(names="x-one", max_age="600")
    yield single(
        "cached as *: authorization",
        (put, Fetch(X, headers=(("Authorization", "1"),))),
        preflight=(
            Answer(headers=allowing(methods="PUT", names="*", max_age="600")),
            Answer(headers=allowing(names="authorization")),
        ),
    )
    redirected = (
        Resource("a/x", (Answer(307, (*OPEN, ("Location", "<b><case>/y"))),), (Answer(headers=both),)),
        Resource("b/y", (Answer(headers=OPEN),), (Answer(headers=both),)),
    )
    directly = Fetch("<b><case>/y", "PUT")
    yield Case("cached for null, then the page's origin", (put, directly), redirected)
    yield Case("cached for the page's origin, then null", (directly, put, directly), redirected)
    yield Case(
        "cached with the fragment that a redirect hands on",
        (Fetch(f"{X}#f", "PUT"), Fetch("<a><case>/y", "PUT"), Fetch("<a><case>/y#f", "PUT")),
        (
            Resource("a/x", (Answer(307, (*OPEN, ("Location", "<a><case>/y"))),), (Answer(headers=both),)),
            Resource("a/y", (Answer(headers=OPEN),), (Answer(headers=both),)),
        ),
    )
    yield single("cached without a list of methods", (custom, custom), preflight=only_name)
    yield single(
        "cached with a method in lower case",
        (Fetch(X, "patch"), Fetch(X, "PATCH")),
        preflight=allowing(methods="patch, PATCH"),
    )
    yield single(
        "GET is cached where it is listed",
        (custom, Fetch(X, "POST", CUSTOM)),
        preflight=allowing(methods="GET", names="x-one"),
    )


def cache_changes() -> Iterator[Case]:
    custom, put = Fetch(X, headers=CUSTOM), Fetch(X, "PUT")
    grants = {
        "method": Answer(204, allowing(methods="PUT", max_age="600")),
        "name": Answer(204, allowing(names="x-one", max_age="600")),
        "nothing": Answer(204, allowing(max_age="600")),
    }
    first, second = grants["method"], Answer(204, allowing(names="x-one", max_age="0"))
    yield single(
        "a second preflight that is not to be kept", (put, custom, custom), preflight=(first, second)
    )
    refused = Answer(403)
    yield single(
        "a refused preflight after a granted one",
        (put, custom, put),
        preflight=(grants["method"], refused, grants["method"]),
    )
    blocked = (Answer(headers=OPEN), Answer(), Answer(headers=OPEN))
    yield single(
        "a blocked simple request after a granted preflight", (put, Fetch(X), put), blocked, grants["method"]
    )


# --- What needs a preflight


def cached_beside_a_wildcard() -> Iterator[Case]:
    """A `*` stands for nothing with credentials; what is named beside it counts, wherever it stands."""
    fetch = Fetch(X, "PUT", CUSTOM, credentials="include")
    for first in (True, False):
        methods, names = ("*, PUT", "*, x-one") if first else ("PUT, *", "x-one, *")
        grants = allowing(credentials="true", methods=methods, names=names, max_age="600")
        yield Case(
            f"cached beside a wildcard, which is {'first' if first else 'last'}",
            (fetch, fetch),
            (Resource("a/x", (Answer(headers=OPEN_TO_CREDENTIALS),), (Answer(204, grants),)),),
        )


def safelisted_values() -> Iterator[Case]:
    long = "a" * 127
    rows: dict[str, tuple[str, ...]] = {}
    rows["Accept"] = (
        "*/*", "", long, f"{long}a", f"{long}aa", '"', "(", ")", ":", "<", ">", "?", "@", "[", "\\", "]", "{",
        "}", "\x7f", "\x01", "a\tb", "é", "text/html;q=0.9,*/*", " x ", "'", "^", "`", "|", "~", "\xff",
    )  # fmt: skip
    rows["Accept-Language"] = (
        "en", "", "en-GB,en;q=0.9", "*", "@", "é", "a_b", "a/b", "a\tb", "\x01", "a=b", "a:b", "a'b", long,
        f"{long}aa",
    )  # fmt: skip
    rows["Content-Language"] = ("de", "", "de, en", "@", "a_b", "\x01", f"{long}a", f"{long}aa")
    rows["Content-Type"] = (
        "text/plain", "TEXT/PLAIN", " text/plain ", "text/plain;charset=utf-8", "text/plain ; charset=utf-8",
        "text /plain", "text/ plain", "text\t/\tplain", "text/plain;", "text/plain;garbage",
        "text/plain;garbage\x01\x02", "text/plain,", ",text/plain", "text/plain,text/plain", "text/plain,x/x",
        "application/x-www-form-urlencoded", "application/x-www-form-urlencoded;\x7f", "multipart/form-data",
        'multipart/form-data;"', "multipart/form-data; boundary=x", "application/json", "text/html", "text",
        "/", "", "text/plainx", "text/plain+x", "application/csp-report", "text/plain; long=" + "0" * 111,
        "text/plain; long=" + "0" * 112, "text/plain;a=b;c", "text/plain\t;a", "text/plain;é",
    )  # fmt: skip
    rows["Range"] = (
        "bytes=0-", "bytes=100-200", "bytes=200-100", "bytes=200-200", "bytes=-200", "bytes=-", "bytes=",
        "bytes=0", "BYTES=0-", "Bytes=0-1", "bytes =0-", "bytes= 0-", "bytes=0 -1", "bytes=0- 1",
        "bytes=0-1,2-3", "bytes=a-b", "bytes=0-1x", "items=0-1", "100-200", "bytes 0-1", ",bytes=0-1",
        "bytes=,0-1", "bytes=00-01", "bytes=+0-1", "bytes=1" + "0" * 18 + "-2" + "0" * 18,
        "bytes=1" + "0" * 60 + "-2" + "0" * 60, "bytes=0-" + "9" * 121, "bytes=0-²", "",
    )  # fmt: skip
    rows["Last-Event-ID"] = ("1", "")
    rows["Cache-Control"] = ("no-cache",)
    rows["Content-Encoding"] = ("identity",)
    rows["X-One"] = ("", " ", "é")
    rows["x-one"] = ("1",)
    rows["*"] = ("1",)
    for name, values in rows.items():
        for value in values:
            shown = value if len(value) < 50 else f"{value[:30]}... of {len(value)}"
            fetch = Fetch(X, "POST", ((name, value),), b"body")
            yield single(f"{name}: {shown!r}", fetch, preflight=allowing(names="<names>"))


def safelisted_together() -> Iterator[Case]:
    full = "a" * 128
    names = ("Accept", "Accept-Language", "Content-Language")
    eight = tuple((names[number % 3], full) for number in range(8))
    agreed_on = {
        "1025 bytes": (*eight, ("Accept", "a")),
        "1025 bytes and an unsafe one": (*eight, ("Accept", "a"), ("X-One", "1")),
        "all there are": (
            *((name, full) for name in names),
            ("Content-Type", f"text/plain;{full[11:]}"),
            ("Range", f"bytes={'0' * 121}-"),
        ),
        "a safe and an unsafe Content-Type": (
            ("Content-Type", "application/json"),
            ("Content-Type", "text/plain"),
        ),
        "an unsafe value beside a safe one": (("Accept", "a"), ("Accept", '"')),
        "a name twice": (("X-One", "1"), ("X-One", "2")),
        "a safe value in two lines": (("Accept", "a"), ("accept", "b")),
    }
    for name, headers in agreed_on.items():
        fetch = Fetch(X, "POST", headers, b"body")
        yield single(f"safelisted values: {name}", fetch, preflight=allowing(names="<names>"))
    # In mode no-cors the standard joins them too: values.
    joined = {
        "1024 bytes": eight,
        "128 bytes twice": (("Accept", full), ("accept", full)),
        "64 and 65 bytes of one name": (("Accept", full[:64]), ("accept", full[:65])),
        "64 and 62 bytes of one name": (("Accept", full[:64]), ("accept", full[:62])),
        "two Content-Types that are safe alone": (
            ("Content-Type", "text/plain"),
            ("content-type", "text/plain"),
        ),
    }
    for name, headers in (agreed_on | joined).items():
        yield single(
            f"safelisted values: {name}, no-cors", Fetch(X, "POST", headers, b"body", mode="no-cors")
        )


def bodies() -> Iterator[Case]:
    yield single("a text", Fetch(X, "POST", body="text"))
    yield single("an empty text", Fetch(X, "POST", body=""))
    yield single("bytes", Fetch(X, "POST", body=b"\x00\xff"))
    yield single("no bytes", Fetch(X, "POST", body=b""))
    yield single("no body", Fetch(X, "POST"))
    yield single(
        "a text that is called JSON", Fetch(X, "POST", (("content-TYPE", "application/json"),), "{}")
    )
    yield single("a body of PUT", Fetch(X, "PUT", body="text"))
    yield single("a body of DELETE", Fetch(X, "DELETE", body="text"))
    yield single(
        "an empty Content-Type",
        Fetch(X, "POST", (("Content-Type", ""),), "text"),
        preflight=allowing(names="*"),
    )


def forbidden_headers() -> Iterator[Case]:
    names = (
        "Accept-Charset", "Accept-Encoding", "Access-Control-Request-Headers",
        "Access-Control-Request-Method", "Connection", "Content-Length", "Cookie", "Cookie2", "Date", "DNT",
        "Expect", "Host", "Keep-Alive", "Origin", "Referer", "Set-Cookie", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Via", "Proxy-X", "Sec-X", "PROXY-", "sec-",
        "Access-Control-Request-Private-Network",
    )  # fmt: skip
    for name in names:
        yield single(
            f"{name} set by a script", Fetch(X, headers=((name, "1"),)), preflight=allowing(names="*")
        )
    for name in ("X-HTTP-Method", "X-HTTP-Method-Override", "X-Method-Override"):
        for value in ("GET", "TRACE", "put, track", "traces", "TRACE,", "connect"):
            yield single(
                f"{name}: {value}", Fetch(X, headers=((name, value),)), preflight=allowing(names="*")
            )


def refused() -> Iterator[Case]:
    for name, fetch in {
        "CONNECT": Fetch(X, "CONNECT"),
        "trace": Fetch(X, "trace"),
        "Track": Fetch(X, "Track"),
        "no method": Fetch(X, "GET "),
        "an empty method": Fetch(X, ""),
        "a body with GET": Fetch(X, body="text"),
        "an empty body with GET": Fetch(X, body=""),
        "a body with HEAD": Fetch(X, "HEAD", body="text"),
        "PUT in mode no-cors": Fetch(X, "PUT", mode="no-cors"),
        "patch in mode no-cors": Fetch(X, "patch", mode="no-cors"),
        "a user in the URL": Fetch("http://user@127.0.0.1/x"),
        "a password in the URL": Fetch("http://:password@127.0.0.1/x"),
        "an empty user in the URL": Fetch("http://@<a:host><case>/x"),
        "no URL": Fetch("http://[/"),
        "a name with a space": Fetch(X, headers=(("X One", "1"),)),
        "an empty name": Fetch(X, headers=(("", "1"),)),
        "a name that is not ASCII": Fetch(X, headers=(("X-é", "1"),)),
        "a value with a line break": Fetch(X, headers=(("X-One", "1\r\n2"),)),
        "a value with a line break at its end": Fetch(X, headers=(("X-One", "1\r\n"),)),
        "a value with a NUL": Fetch(X, headers=(("X-One", "\x00"),)),
        "a value that is not Latin-1": Fetch(X, headers=(("X-One", "€"),)),
        "a bad name in mode no-cors": Fetch(X, headers=(("X One", "1"),), mode="no-cors"),
        "a bad value of a forbidden header": Fetch(X, headers=(("Cookie", "\x00"),)),
    }.items():
        yield single(f"refused? {name}", fetch, preflight=allowing(names="*"))


# --- Modes


def modes() -> Iterator[Case]:
    own = "<page><case>/own"
    answer = (
        ("X-S", "s"),
        ("Set-Cookie", "k=v; Path=<case>"),
        ("Set-Cookie2", "k=v"),
        ("Content-Type", "text/html"),
    )
    for mode, method in product(MODES, ("GET", "HEAD", "POST", "PUT")):
        headers = (
            ("X-One", "1"),
            ("Accept", "text/html"),
            ("Authorization", "a"),
            ("Range", "bytes=0-1"),
            ("Content-Type", "text/html"),
        )
        for target in (own, X):
            yield Case(
                f"{mode} {method} to {'its own' if target == own else 'another'} server",
                (Fetch(target, method, headers, mode=mode), Fetch(target, mode=mode, credentials="include")),
                (
                    Resource("page/own", (Answer(headers=answer),)),
                    Resource(
                        "a/x", (Answer(headers=OPEN_TO_CREDENTIALS + answer),), (Answer(headers=GENEROUS),)
                    ),
                ),
            )
    yield Case("a relative URL", (Fetch("<case>/own"),), (Resource("page/own"),))
    yield Case(
        "a relative URL of a sandboxed page", (Fetch("<case>/own"),), (Resource("page/own"),), sandboxed=True
    )
    yield Case(
        "same-origin mode of a sandboxed page",
        (Fetch(own, mode="same-origin"),),
        (Resource("page/own"),),
        sandboxed=True,
    )
    yield Case(
        "no-cors mode of a sandboxed page",
        (Fetch(own, "POST", mode="no-cors"),),
        (Resource("page/own"),),
        sandboxed=True,
    )
    for redirect, mode in product(REDIRECTS, MODES):
        for first, second in product(("page", "a"), ("page", "a", "b")):
            # After a POST Chromium has its own opinion of the Origin: a difference.
            is_one = (mode, redirect, first) == ("no-cors", "follow", "page") and second != "page"
            once = "GET" if is_one else "POST"
            body = None if is_one else "text"
            yield Case(
                f"redirect {redirect}, mode {mode}, from {first} to {second}",
                (
                    Fetch(f"<{first}><case>/1", once, body=body, mode=mode, redirect=redirect),
                    Fetch(f"<{first}><case>/2", mode=mode, redirect=redirect),
                ),
                (
                    Resource(
                        f"{first}/1", (Answer(307, (*allowing("*"), ("Location", f"<{second}><case>/2"))),)
                    ),
                    *(
                        Resource(f"{role}/2", (Answer(headers=allowing("*")),))
                        for role in dict.fromkeys((first, second))
                    ),
                ),
            )


# --- What a script may read


def exposed_headers() -> Iterator[Case]:
    values = (
        "x-s", "X-S", "x-s,", "x-s,,@#$#%%&^&^*()()11!", "x-s, no, no", "@#$#%%&^&^*()()11!,x-s", "no",
        "x-s no", '"x-s"', '"x-s", x-s', 'x-s, "', "x-s;", "x-s\xa0", "x-s, \xa0", " x-s ", "\tx-s\t,no", "",
        ",", ",x-s", "*", "*, x-s", "x-s, *", "**", "'*'", "* x-s", "x-s, set-cookie, set-cookie2",
        "authorization, x-s", "x-*", "content-type, x-e", "vary", "x-s, \x01", "x-s:", "x-s/", "é, x-s",
    )  # fmt: skip
    sent = (
        ("X-S", "s"), ("x-s", "again"), ("X-E", ""), ("X-L", " spaced \t"), ("X-B", "\xe9"), ("*", "star"),
        ("Vary", "Origin"), ("Authorization", "a"), ("Set-Cookie", "k=v; Path=<case>"), ("Set-Cookie2", "k"),
        ("Content-Type", "text/plain"),
    )  # fmt: skip
    for value, credentials in product(values, CREDENTIALS):
        fetch = Fetch(X, credentials=credentials)
        headers = allowing(credentials="true", expose=value) + sent
        yield single(f"Access-Control-Expose-Headers {value!r}, {credentials}", fetch, headers)
    twice = allowing(expose="x-s") + allowing(None, expose="x-e")
    yield single("Access-Control-Expose-Headers twice", Fetch(X), twice + sent)
    spoiled = allowing(expose="x-s") + allowing(None, expose="@")
    yield single("Access-Control-Expose-Headers twice, once unreadable", Fetch(X), spoiled + sent)
    yield single(
        "Access-Control-Expose-Headers * with same-origin credentials", Fetch(X), allowing(expose="*") + sent
    )


def safelisted_response_headers() -> Iterator[Case]:
    sent = (
        ("Cache-Control", "no-store"), ("Content-Language", "de"), ("Content-Type", "text/plain"),
        ("Expires", "0"), ("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT"), ("Pragma", "no-cache"),
        ("ETag", '"1"'), ("Server", "s"), ("X-Powered-By", "x"), ("Content-Range", "bytes 0-3/4"),
        ("Retry-After", "1"), ("Link", "<x>"), ("Content-Language", "en"),
    )  # fmt: skip
    yield single("readable without being exposed", Fetch(X), OPEN + sent)
    yield single("readable without being exposed, HEAD", Fetch(X, "HEAD"), OPEN + sent)
    yield single("readable without being exposed, 204", Fetch(X), Answer(204, OPEN + sent))
    yield single("unreadable in mode no-cors", Fetch(X, mode="no-cors"), OPEN + sent)
    yield Case(
        "readable on its own server",
        (Fetch("<page><case>/x"),),
        (Resource("page/x", (Answer(headers=sent),)),),
    )


# --- Redirects


def redirected_origins() -> Iterator[Case]:
    values = {"*": "*", "origin": "<page>", "null": "null", "none": None}
    roads = (
        ("page", "a"),
        ("a", "page"),
        ("a", "a"),
        ("a", "b"),
        ("page", "page"),
        ("a", "far"),
        ("page", "far"),
    )
    for (first, second), (one, other) in product(roads, product(values, repeat=2)):
        yield Case(
            f"{first} ({one}) redirects to {second} ({other})",
            (Fetch(f"<{first}><case>/1"),),
            (
                Resource(
                    f"{first}/1",
                    (Answer(302, (*allowing(values[one]), ("Location", f"<{second}><case>/2"))),),
                ),
                Resource(f"{second}/2", (Answer(headers=allowing(values[other])),)),
            ),
        )
    chains = (
        ("page", "a", "page"), ("page", "a", "a"), ("page", "a", "b"), ("page", "page", "a"), ("a", "b", "a"),
        ("a", "b", "b"), ("a", "a", "b"), ("page", "a", "page", "page"), ("a", "page", "a"),
        ("a", "page", "page"),
    )  # fmt: skip
    for chain, sandboxed in product(chains, (False, True)):
        last = len(chain) - 1
        yield Case(
            f"redirects along {' '.join(chain)}{', sandboxed' if sandboxed else ''}",
            (Fetch(f"<{chain[0]}><case>/0", credentials="include"),),
            tuple(
                Resource(
                    f"{role}/{step}",
                    (
                        Answer(headers=OPEN_TO_CREDENTIALS)
                        if step == last
                        else Answer(
                            302, (*OPEN_TO_CREDENTIALS, ("Location", f"<{chain[step + 1]}><case>/{step + 1}"))
                        ),
                    ),
                )
                for step, role in enumerate(chain)
            ),
            sandboxed,
        )


def redirected_userinfo() -> Iterator[Case]:
    roads = (("page", "a"), ("page", "page"), ("a", "page"), ("a", "a"), ("a", "b"))
    for (first, second), userinfo, mode in product(
        roads, ("user:password@", "user@", ":password@", ":@", "@"), MODES[:2]
    ):
        if userinfo not in {":@", "@"} and (mode == "no-cors" or first == second == "page"):
            # Chromium blocks them all: a difference.
            continue
        yield Case(
            f"{first} redirects to {userinfo}{second}, {mode}",
            (Fetch(f"<{first}><case>/1", mode=mode),),
            (
                Resource(
                    f"{first}/1",
                    (
                        Answer(
                            302, (*allowing("*"), ("Location", f"http://{userinfo}<{second}:host><case>/2"))
                        ),
                    ),
                ),
                Resource(f"{second}/2", (Answer(headers=allowing("*")),)),
            ),
        )


def redirected_requests() -> Iterator[Case]:
    headers = (
        ("X-One", "1"),
        ("Authorization", "a"),
        ("Content-Type", "text/html"),
        ("Content-Language", "de"),
        ("Accept", "x/x"),
    )
    for status, method, second in product(
        (301, 302, 303, 307, 308), ("GET", "HEAD", "POST", "PUT", "patch"), ("a", "b", "page")
    ):
        body = None if method in {"GET", "HEAD"} else "text"
        yield Case(
            f"{method} redirected by {status} to {second}",
            (Fetch(X, method, headers, body),),
            (
                Resource(
                    "a/x",
                    (Answer(status, (*OPEN, ("Location", f"<{second}><case>/y"))),),
                    (Answer(headers=GENEROUS),),
                ),
                Resource(f"{second}/y", (Answer(headers=OPEN),), (Answer(headers=GENEROUS),)),
            ),
        )
        yield Case(
            f"{method} redirected by {status} from the page's own server to {second}",
            (Fetch("<page><case>/x", method, headers, body),),
            (
                Resource("page/x", (Answer(status, (("Location", f"<{second}><case>/y"),)),)),
                Resource(f"{second}/y", (Answer(headers=OPEN),), (Answer(headers=GENEROUS),)),
            ),
        )
    for name, preflight in {
        "refused": Answer(403),
        "redirected": Answer(307, (*GENEROUS, ("Location", "<b><case>/z"))),
        "granted": Answer(204, GENEROUS),
    }.items():
        yield Case(
            f"preflight after a redirect: {name}",
            (Fetch(X, "PUT", CUSTOM),),
            (
                Resource(
                    "a/x", (Answer(307, (*OPEN, ("Location", "<b><case>/y"))),), (Answer(headers=GENEROUS),)
                ),
                Resource("b/y", (Answer(headers=OPEN),), (preflight,)),
            ),
        )


def locations() -> Iterator[Case]:
    values: dict[str, tuple[str, ...]] = {
        "none": (),
        "relative": ("y",),
        "relative to the root": ("<case>/y",),
        "relative to the scheme": ("//<b:host><case>/y",),
        "with spaces around it": (" \t<a><case>/y ",),
        "with a fragment": ("<a><case>/y#f",),
        "only a fragment": ("#f",),
        "a query": ("<a><case>/y?q",),
        "data:": ("data:text/plain,x",),
        "ftp:": ("ftp://127.0.0.1/x",),
        "about:": ("about:blank",),
        "unparsable": ("http://[/",),
        "a bad port": ("http://127.0.0.1:99999/",),
        "twice, and different": ("<a><case>/y", "<b><case>/y"),
        "a space inside": ("<a><case>/y z",),
        "a tab inside": ("<a><case>/y\tz",),
        "percent-encoded": ("<a><case>/%79",),
        "in capitals": ("HTTP://<a:host><case>/y",),
        "backslashes": ("\\\\<b:host><case>\\y",),
        "dots": ("<a><case>/q/../y",),
    }
    for (name, lines), status in product(values.items(), (302, 308)):
        location = tuple(("Location", value) for value in lines)
        yield Case(
            f"Location: {name}, {status}",
            (Fetch(f"{X}#own"),),
            (
                Resource("a/x", (Answer(status, OPEN + location), Answer(headers=OPEN))),
                *(Resource(at, (Answer(headers=OPEN),)) for at in ("a/y", "b/y", "a/y%20z", "a/%79", "a/yz")),
            ),
        )
    for length in (20, 21):
        yield Case(
            f"{length} redirects",
            (Fetch("<a><case>/0"),),
            tuple(
                Resource(
                    f"a/{step}",
                    (
                        Answer(headers=OPEN)
                        if step == length
                        else Answer(302, (*OPEN, ("Location", str(step + 1)))),
                    ),
                )
                for step in range(length + 1)
            ),
        )


def sandboxed() -> Iterator[Case]:
    put = Fetch(X, "PUT", CUSTOM, "text")
    yield single("sandboxed: preflighted", put, sandboxed=True)
    yield single("sandboxed: with credentials", Fetch(X, credentials="include"), sandboxed=True)
    yield single(
        "sandboxed: only the page's origin is allowed",
        put,
        allowing("<page>"),
        allowing("<page>", methods="PUT"),
        sandboxed=True,
    )
    own = "<page><case>/own"
    for mode in MODES[:2]:
        yield Case(
            f"sandboxed: its own server, {mode}",
            (Fetch(own, mode=mode),),
            (Resource("page/own", (Answer(headers=allowing("null")),)),),
            sandboxed=True,
        )


def other_sites() -> Iterator[Case]:
    far = "<far><case>/x"
    answer = Answer(headers=OPEN_TO_CREDENTIALS)
    yield Case("another site: simple", (Fetch(far),), (Resource("far/x", (answer,)),))
    yield Case(
        "another site: preflighted",
        (Fetch(far, "PUT"), Fetch(far, "PUT")),
        (Resource("far/x", (answer,), (Answer(headers=GENEROUS),)),),
    )
    yield Case(
        "another site: its cookies are not set by a fetch",
        (Fetch(far, credentials="include"), Fetch(far, credentials="include")),
        (Resource("far/x", (Answer(headers=(*OPEN_TO_CREDENTIALS, COOKIE)),)),),
    )


FAMILIES: Final[tuple[Family, ...]] = (
    origin_values,
    several_origin_headers,
    credentials_values,
    cookies,
    preflight_statuses,
    statuses,
    cookie_forms,
    wildcards,
    method_lists,
    header_lists,
    cookie_stores,
    preflight_checks,
    cached_preflights,
    cache_keys,
    cache_changes,
    cached_beside_a_wildcard,
    safelisted_values,
    safelisted_together,
    bodies,
    forbidden_headers,
    refused,
    modes,
    exposed_headers,
    safelisted_response_headers,
    redirected_origins,
    redirected_userinfo,
    redirected_requests,
    locations,
    sandboxed,
    other_sites,
    *chains.FAMILIES,
)


def written_by_hand() -> list[Case]:
    return [case for family in FAMILIES for case in family()]
