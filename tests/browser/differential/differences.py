"""Where Chromium and the standard differ. The model follows the standard; each difference has its case here.

The generated cases leave out the input that a difference is about, where it can be left out. It cannot with
the preflight cache, where what came before matters: there a case that comes out differently is tried again
with a cache that has Chromium's four peculiarities and nothing else, and has to come out the same then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .cases import Answer, Case, Fetch, Observed, Resource, allowing
from .table import COOKIE, CUSTOM, OPEN, OPEN_TO_CREDENTIALS, X, single


@dataclass(frozen=True)
class Difference:
    """One difference, and the shortest case that shows it.

    `chromium` and `standard` are what `told` makes of the two sides.
    """

    name: str
    standard_says: str
    case: Case
    chromium: str
    standard: str
    of_the_cache: bool = False
    of_sites: bool = False


def told(observed: Observed, *, with_sites: bool = False) -> str:
    """The requests, and what became of the fetches, in one line; with Sec-Fetch-Site where that matters."""
    parts: list[str] = []
    for sent in observed.sent:
        method = "preflight" if sent.is_preflight else sent.method
        headers = dict(sent.headers)
        from_null = " from null" if headers.get("origin") == "null" else ""
        with_cookies = f" with {headers['cookie']}" if "cookie" in headers else ""
        site = f" {headers['sec-fetch-site']}" if with_sites else ""
        parts.append(f"{method} {sent.to}{site}{from_null}{with_cookies}")
    parts.append("->")
    parts += [" ".join(filter(None, (each.type, str(each.status or "")))) for each in observed.outcomes]
    return ", ".join(parts).replace(", ->,", " ->")


PUT: Final = Fetch(X, "PUT")
WITH_COOKIES: Final = Fetch(X, credentials="include")
GRANTS_PUT: Final = allowing(methods="PUT", max_age="600")
GRANTS_ONE: Final = allowing(names="x-one")
LONG: Final = "a" * 65

DIFFERENCES: Final = (
    Difference(
        "`*` allows Authorization",
        "CORS-preflight fetch: a CORS non-wildcard request-header name has to be listed itself",
        single("*", Fetch(X, headers=(("Authorization", "a"),)), preflight=allowing(names="*")),
        chromium="preflight a/x, GET a/x -> cors 200",
        standard="preflight a/x -> blocked",
    ),
    Difference(
        "client hints need no preflight",
        "CORS-safelisted request-header: they are not in the list",
        single(
            "hints",
            Fetch(X, headers=(("Save-Data", "on"), ("DPR", "2"))),
            preflight=allowing(names="<names>"),
        ),
        chromium="GET a/x -> cors 200",
        standard="preflight a/x, GET a/x -> cors 200",
    ),
    Difference(
        "repeated headers are joined before they are checked",
        "CORS-unsafe request-header names: each header of the list by itself",
        single(
            "joined",
            Fetch(X, headers=(("Accept", LONG), ("Accept", LONG))),
            preflight=allowing(names="<names>"),
        ),
        chromium="preflight a/x, GET a/x -> cors 200",
        standard="GET a/x -> cors 200",
    ),
    Difference(
        "the numbers of a Range have 64 bits",
        "parse a single range header value: digits, interpreted as decimal number",
        single(
            "range",
            Fetch(X, headers=(("Range", f"bytes=0-{'9' * 19}"),)),
            preflight=allowing(names="<names>"),
        ),
        chromium="preflight a/x, GET a/x -> cors 200",
        standard="GET a/x -> cors 200",
    ),
    Difference(
        "a negative Access-Control-Max-Age is 0",
        "CORS-preflight fetch: it is not a delta-seconds, so the max-age is 5",
        single("negative", (PUT, PUT), preflight=allowing(methods="PUT", max_age="-1")),
        chromium="preflight a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, cors 200",
        standard="preflight a/x, PUT a/x, PUT a/x -> cors 200, cors 200",
    ),
    Difference(
        "a redirect to a URL with a user or password is blocked wherever it leads",
        "HTTP-redirect fetch: only in mode cors, and across origins",
        Case(
            "userinfo",
            (Fetch("<page><case>/x"), Fetch(X, mode="no-cors")),
            (
                Resource("page/x", (Answer(302, (("Location", "http://user@<page:host><case>/y"),)),)),
                Resource("page/y"),
                Resource("a/x", (Answer(302, (("Location", "http://user@<a:host><case>/y"),)),)),
                Resource("a/y"),
            ),
        ),
        chromium="GET page/x, GET a/x -> blocked, blocked",
        standard="GET page/x, GET page/y, GET a/x, GET a/y -> basic 200, opaque",
    ),
    Difference(
        "an empty Location counts as none",
        "location URL: an empty reference is the URL itself",
        single("empty", Fetch(X), (Answer(302, (*OPEN, ("Location", ""))), Answer(headers=OPEN))),
        chromium="GET a/x -> cors 302",
        standard="GET a/x, GET a/x -> cors 200",
    ),
    Difference(
        "the same Location twice counts as one",
        "location URL: extracting header list values fails, since Location is a single value",
        Case(
            "twice",
            (Fetch(X),),
            (
                Resource("a/x", (Answer(302, (*OPEN, *((("Location", "<a><case>/y"),) * 2))),)),
                Resource("a/y", (Answer(headers=OPEN),)),
            ),
        ),
        chromium="GET a/x, GET a/y -> cors 200",
        standard="GET a/x -> blocked",
    ),
    Difference(
        "a redirect without Location does not count as one for redirect: 'error'",
        "HTTP fetch: the status decides",
        single("no Location", Fetch(X, redirect="error"), Answer(302, OPEN)),
        chromium="GET a/x -> cors 302",
        standard="GET a/x -> blocked",
    ),
    Difference(
        "a Location that cannot be read is an error for redirect: 'manual'",
        "HTTP fetch: the response is an opaque-redirect filtered one, whatever its Location",
        single("unreadable", Fetch(X, redirect="manual"), Answer(302, (*OPEN, ("Location", "http://[/")))),
        chromium="GET a/x -> blocked",
        standard="GET a/x -> opaqueredirect",
    ),
    Difference(
        "a no-cors POST loses its Origin when it is redirected to another one",
        "append a request `Origin` header: the page's, as long as the redirects began at its own origin",
        Case(
            "no-cors",
            (Fetch("<page><case>/x", "POST", mode="no-cors"),),
            (Resource("page/x", (Answer(307, (("Location", "<a><case>/y"),)),)), Resource("a/y")),
        ),
        chromium="POST page/x, POST a/y from null -> opaque",
        standard="POST page/x, POST a/y -> opaque",
    ),
    Difference(
        "a sandboxed page sends `Origin: null` with credentials in mode no-cors too",
        "append a request `Origin` header: not with GET and HEAD in mode no-cors",
        single("Origin", Fetch(X, mode="no-cors", credentials="include"), sandboxed=True),
        chromium="GET a/x from null -> opaque",
        standard="GET a/x -> opaque",
    ),
    Difference(
        "a no-cors fetch that may send cookies to its own origin sends them on when it is redirected",
        "HTTP-network-or-cache fetch: includeCredentials, since its response tainting is opaque",
        Case(
            "cookies",
            (Fetch("<page><case>/x", mode="no-cors"),),
            (
                Resource("page/x", (Answer(302, (COOKIE, ("Location", "<a><case>/y"))),)),
                Resource("a/y"),
            ),
        ),
        chromium="GET page/x, GET a/y with k=v -> opaque",
        standard="GET page/x, GET a/y -> opaque",
    ),
    Difference(
        "SameSite does not look at the redirects on the way",
        "determine the same-site mode: a redirect-taint of cross-site makes the request one of another site",
        Case(
            "SameSite",
            (Fetch("<page><case>/set"), Fetch("<far><case>/x", credentials="include")),
            (
                Resource("page/set", (Answer(headers=(COOKIE,)),)),
                Resource("far/x", (Answer(302, (*OPEN_TO_CREDENTIALS, ("Location", "<a><case>/y"))),)),
                Resource("a/y", (Answer(headers=OPEN_TO_CREDENTIALS),)),
            ),
        ),
        chromium="GET page/set, GET far/x, GET a/y from null with k=v -> basic 200, cors 200",
        standard="GET page/set, GET far/x, GET a/y from null -> basic 200, cors 200",
    ),
    Difference(
        "a cookie with a tab in its value is not stored",
        "RFC 6265bis, 5.6: a control character other than HTAB aborts",
        single("tab", (WITH_COOKIES,) * 2, (*OPEN_TO_CREDENTIALS, ("Set-Cookie", "a=b\tc; Path=<case>"))),
        chromium="GET a/x, GET a/x -> cors 200, cors 200",
        standard="GET a/x, GET a/x with a=b\tc -> cors 200, cors 200",
    ),
    Difference(
        "a cookie that gets a new value moves to the end",
        "RFC 6265bis, 5.7: it keeps the creation-time of the cookie that it replaces",
        single(
            "order",
            (WITH_COOKIES,) * 3,
            (
                Answer(
                    headers=(
                        *OPEN_TO_CREDENTIALS,
                        ("Set-Cookie", "a=1; Path=<case>"),
                        ("Set-Cookie", "b=2; Path=<case>"),
                    )
                ),
                Answer(headers=(*OPEN_TO_CREDENTIALS, ("Set-Cookie", "a=3; Path=<case>"))),
                Answer(headers=OPEN_TO_CREDENTIALS),
            ),
        ),
        chromium="GET a/x, GET a/x with a=1; b=2, GET a/x with b=2; a=3 -> cors 200, cors 200, cors 200",
        standard="GET a/x, GET a/x with a=1; b=2, GET a/x with a=3; b=2 -> cors 200, cors 200, cors 200",
    ),
    Difference(
        "Sec-Fetch-Site ignores the redirects before a preflight, or before a POST became a GET",
        "Fetch metadata: all URLs of the request's URL list",
        Case(
            "anew",
            (Fetch(X, headers=CUSTOM), Fetch("<a><case>/z", "POST")),
            (
                Resource("a/z", (Answer(302, (*OPEN, ("Location", "<page><case>/y"))),)),
                Resource(
                    "a/x", (Answer(302, (*OPEN, ("Location", "<page><case>/y"))),), (Answer(204, GRANTS_ONE),)
                ),
                Resource("page/y", (Answer(headers=OPEN),), (Answer(204, GRANTS_ONE),)),
            ),
        ),
        chromium=(
            "preflight a/x same-site, GET a/x same-site,"
            " preflight page/y same-origin from null, GET page/y same-origin from null,"
            " POST a/z same-site, GET page/y same-origin from null -> cors 200, cors 200"
        ),
        standard=(
            "preflight a/x same-site, GET a/x same-site,"
            " preflight page/y same-site from null, GET page/y same-site from null,"
            " POST a/z same-site, GET page/y same-site from null -> cors 200, cors 200"
        ),
        of_sites=True,
    ),
    # The four that caching.LikeChromium has:
    Difference(
        "preflights for the origin null are not cached for the next fetch",
        "create a new cache entry: the byte-serialized origin is `null`",
        single("null", (PUT, PUT), preflight=GRANTS_PUT, sandboxed=True),
        chromium=(
            "preflight a/x from null, PUT a/x from null, preflight a/x from null, PUT a/x from null"
            " -> cors 200, cors 200"
        ),
        standard="preflight a/x from null, PUT a/x from null, PUT a/x from null -> cors 200, cors 200",
        of_the_cache=True,
    ),
    Difference(
        "a response that is blocked leaves the preflight cache as it is",
        "main fetch: if corsWithPreflightResponse is a network error, then clear cache entries",
        single(
            "blocked", (PUT, PUT, PUT), (Answer(headers=OPEN), Answer(), Answer(headers=OPEN)), GRANTS_PUT
        ),
        chromium="preflight a/x, PUT a/x, PUT a/x, PUT a/x -> cors 200, blocked, cors 200",
        standard="preflight a/x, PUT a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, blocked, cors 200",
        of_the_cache=True,
    ),
    Difference(
        "a preflight replaces all cache entries of its URL",
        "CORS-preflight fetch: what is granted is added to the existing entries",
        single(
            "replaced",
            (PUT, Fetch(X, headers=CUSTOM), PUT),
            preflight=(
                Answer(204, GRANTS_PUT),
                Answer(204, allowing(names="x-one")),
                Answer(204, GRANTS_PUT),
            ),
        ),
        chromium=(
            "preflight a/x, PUT a/x, preflight a/x, GET a/x, preflight a/x, PUT a/x"
            " -> cors 200, cors 200, cors 200"
        ),
        standard="preflight a/x, PUT a/x, preflight a/x, GET a/x, PUT a/x -> cors 200, cors 200, cors 200",
        of_the_cache=True,
    ),
    Difference(
        "a `*` cached with credentials is a name, not a wildcard",
        "method cache entry match: the entry's method is method or `*`, whatever the credentials",
        single(
            "wildcard",
            (Fetch(X, "PUT", credentials="include"), Fetch(X, "DELETE")),
            preflight=(
                Answer(204, allowing(credentials="true", methods="PUT, *")),
                Answer(204, allowing(methods="DELETE")),
            ),
        ),
        chromium="preflight a/x, PUT a/x, preflight a/x, DELETE a/x -> cors 200, cors 200",
        standard="preflight a/x, PUT a/x, DELETE a/x -> cors 200, cors 200",
        of_the_cache=True,
    ),
)
