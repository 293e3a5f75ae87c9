"""Differences of redirects."""

from __future__ import annotations

from typing import Final

from .cases import Answer, Case, Fetch, Resource, allowing
from .chains import OF_A_BODY, chain
from .difference import Difference
from .table import COOKIE, CUSTOM, OPEN, X, single

PUT: Final = Fetch(X, "PUT")
GET_ONE: Final = Fetch(X, headers=CUSTOM)


def _redirected(name: str, fetch: Fetch, first: str, last: str, status: int = 307) -> Case:
    """From one server to another, each of which grants everything."""
    grants = allowing(methods="<method>", names="x-one, content-type, authorization")
    location = ("Location", f"<{last}><case>/y")
    return Case(
        name,
        (fetch,),
        (
            Resource(f"{first}/x", (Answer(status, (*OPEN, location)),), (Answer(204, grants),)),
            Resource(f"{last}/y", (Answer(headers=OPEN),), (Answer(204, grants),)),
        ),
    )


OF_REDIRECTS: Final = (
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
        standard="GET page/x, GET page/y, GET a/x, GET a/y -> basic 200, opaque",
        does={"chromium": "GET page/x, GET a/x -> blocked, blocked"},
    ),
    Difference(
        "an empty Location counts as none",
        "location URL: an empty reference is the URL itself",
        single("empty", Fetch(X), (Answer(302, (*OPEN, ("Location", ""))), Answer(headers=OPEN))),
        standard="GET a/x, GET a/x -> cors 200",
        does={"chromium": "GET a/x -> cors 302", "webkit": "GET a/x -> blocked"},
    ),
    Difference(
        "several Locations count as one",
        "location URL: extracting header list values fails, since Location is a single value",
        Case(
            "twice",
            (Fetch(X),),
            (
                Resource("a/x", (Answer(302, (*OPEN, *((("Location", "<a><case>/y"),) * 2))),)),
                Resource("a/y", (Answer(headers=OPEN),)),
            ),
        ),
        standard="GET a/x -> blocked",
        does={
            "chromium": "GET a/x, GET a/y -> cors 200",
            "firefox": "GET a/x, GET a/y -> cors 200",
            "webkit": "GET a/x, GET a/y,%20<a><case>/y -> blocked",
        },
        also={"webkit": "Location: twice, and different, 30[28]"},
    ),
    Difference(
        "the path of a Location is percent-encoded in other ways",
        "URL parsing: tabs are removed, and what is encoded stays so",
        single("encoded", Fetch(X), (Answer(302, (*OPEN, ("Location", "<a><case>/%79\tz"))),)),
        standard="GET a/x, GET a/%79z -> blocked",
        does={"firefox": "GET a/x, GET a/%79%09z -> blocked", "webkit": "GET a/x, GET a/yz -> blocked"},
        also={"firefox": "Location: a tab inside, 30[28]", "webkit": "Location: percent-encoded, 30[28]"},
    ),
    Difference(
        "a redirect without Location does not count as one for redirect: 'error'",
        "HTTP fetch: the status decides",
        single("no Location", Fetch(X, redirect="error"), Answer(302, OPEN)),
        standard="GET a/x -> blocked",
        does={"chromium": "GET a/x -> cors 302", "webkit": "GET a/x -> cors 302"},
    ),
    Difference(
        "a Location that cannot be read is an error for redirect: 'manual'",
        "HTTP fetch: the response is an opaque-redirect filtered one, whatever its Location",
        single("unreadable", Fetch(X, redirect="manual"), Answer(302, (*OPEN, ("Location", "http://[/")))),
        standard="GET a/x -> opaqueredirect",
        does={"chromium": "GET a/x -> blocked"},
    ),
    Difference(
        "a no-cors POST loses its Origin when it is redirected to another one",
        "append a request `Origin` header: the page's, as long as the redirects began at its own origin",
        Case(
            "no-cors",
            (Fetch("<page><case>/x", "POST", mode="no-cors"),),
            (Resource("page/x", (Answer(307, (("Location", "<a><case>/y"),)),)), Resource("a/y")),
        ),
        standard="POST page/x, POST a/y -> opaque",
        does={"chromium": "POST page/x, POST a/y from null -> opaque"},
    ),
    Difference(
        "a POST that a redirect of its own server makes a GET keeps its Origin",
        "append a request `Origin` header: not with GET and HEAD",
        _redirected("kept", Fetch("<page><case>/x", "POST"), "page", "page", 303),
        standard="POST page/x [origin: <page>], GET page/y -> basic 200",
        does={"webkit": "POST page/x [origin: <page>], GET page/y [origin: <page>] -> basic 200"},
        shows=("origin",),
        is_played=True,
    ),
    Difference(
        "the headers of a body come back with a redirect by 307 or 308",
        "HTTP-redirect fetch: where a POST becomes a GET they are removed from the request for good",
        chain("307", Fetch("<a><case>/0", "POST", OF_A_BODY), ("a", "a", "a", "a"), (303, 307, 302), OPEN),
        standard="POST a/0 [content-type: text/plain;x] [content-language: de], GET a/1, GET a/2, GET a/3 -> cors 200",
        does={
            "firefox": "POST a/0 [content-type: text/plain;x] [content-language: de], GET a/1, GET a/2 [content-type: text/plain;x] [content-language: de], GET a/3 -> cors 200",
            "webkit": "POST a/0 [content-type: text/plain;x] [content-language: de], GET a/1, GET a/2 [content-type: text/plain;x] [content-language: de], GET a/3 [content-type: text/plain;x] [content-language: de] -> cors 200",
        },
        shows=("content-type", "content-language"),
        is_played=True,
    ),
    Difference(
        "in mode cors the headers of a body come back with any other redirect",
        "HTTP-redirect fetch: where a POST becomes a GET they are removed from the request for good",
        chain("302", Fetch("<a><case>/0", "POST", OF_A_BODY), ("a", "a", "a"), (303, 302), OPEN),
        standard="POST a/0 [content-type: text/plain;x] [content-language: de], GET a/1, GET a/2 -> cors 200",
        does={
            "webkit": "POST a/0 [content-type: text/plain;x] [content-language: de], GET a/1, GET a/2 [content-type: text/plain;x] [content-language: de] -> cors 200"
        },
        shows=("content-type", "content-language"),
        is_played=True,
    ),
    Difference(
        "within the page's own origin only the Content-Type comes back, with a redirect by 307 or 308",
        "HTTP-redirect fetch: where a POST becomes a GET all headers of the body are removed for good",
        chain("own", Fetch("<page><case>/0", "POST", OF_A_BODY), ("page",) * 4, (303, 302, 307), ()),
        standard="POST page/0 [content-type: text/plain;x] [content-language: de], GET page/1, GET page/2, GET page/3 -> basic 200",
        does={
            "firefox": "POST page/0 [content-type: text/plain;x] [content-language: de], GET page/1, GET page/2, GET page/3 [content-type: text/plain;x] [content-language: de] -> basic 200",
            "webkit": "POST page/0 [content-type: text/plain;x] [content-language: de], GET page/1, GET page/2, GET page/3 [content-type: text/plain;x] -> basic 200",
        },
        shows=("content-type", "content-language"),
        is_played=True,
    ),
    Difference(
        "a redirect without Location shows its body for redirect: 'manual'",
        "HTTP fetch: the response is an opaque-redirect filtered one, whose body is null",
        single("shown", Fetch(X, redirect="manual"), Answer(302, OPEN)),
        standard="GET a/x -> opaqueredirect",
        does={"webkit": "GET a/x -> opaqueredirect 'body'"},
        shows=("text",),
        is_played=True,
    ),
    Difference(
        "a redirect has to allow credentials where the fetch began at the page's own origin",
        "CORS check: only for the credentials mode `include`",
        chain("credentials", Fetch("<page><case>/0"), ("page", "a", "a"), (302, 302), OPEN),
        standard="GET page/0, GET a/1, GET a/2 -> cors 200",
        does={"webkit": "GET page/0, GET a/1 -> blocked"},
        is_played=True,
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
        standard="GET page/x, GET a/y -> opaque",
        does={"webkit": "GET page/x, GET a/y with k=v -> opaque"},
    ),
    Difference(
        "Sec-Fetch-Site of a preflight ignores the redirects before it",
        "Fetch metadata: all URLs of the request's URL list",
        _redirected("preflight", GET_ONE, "a", "page"),
        standard="preflight a/x [sec-fetch-site: same-site], GET a/x [sec-fetch-site: same-site], preflight page/y from null [sec-fetch-site: same-site], GET page/y from null [sec-fetch-site: same-site] -> cors 200",
        does={
            "chromium": "preflight a/x [sec-fetch-site: same-site], GET a/x [sec-fetch-site: same-site], preflight page/y from null [sec-fetch-site: same-origin], GET page/y from null [sec-fetch-site: same-site] -> cors 200",
            "firefox": "preflight a/x [sec-fetch-site: same-site], GET a/x [sec-fetch-site: same-site], preflight page/y [sec-fetch-site: same-origin], GET page/y from null [sec-fetch-site: cross-site] -> cors 200",
            "webkit": "preflight a/x [sec-fetch-site: same-site], GET a/x [sec-fetch-site: same-site], preflight page/y from null [sec-fetch-site: cross-site], GET page/y from null -> cors 200",
        },
        shows=("sec-fetch-site",),
        is_played=True,
    ),
    Difference(
        "Sec-Fetch-Site is cross-site after every redirect but one within the page's own origin",
        "Fetch metadata: another origin of the same site is same-site",
        _redirected("same site", Fetch(X), "a", "a"),
        standard="GET a/x [sec-fetch-site: same-site], GET a/y [sec-fetch-site: same-site] -> cors 200",
        does={
            "firefox": "GET a/x [sec-fetch-site: same-site], GET a/y [sec-fetch-site: cross-site] -> cors 200"
        },
        shows=("sec-fetch-site",),
        is_played=True,
    ),
    Difference(
        "after a redirect to another origin there are no Sec-Fetch-* headers",
        "Fetch metadata: every request to a trustworthy URL has them",
        _redirected("none", Fetch(X), "a", "b"),
        standard="GET a/x [sec-fetch-site: same-site] [sec-fetch-mode: cors], GET b/y from null [sec-fetch-site: same-site] [sec-fetch-mode: cors] -> cors 200",
        does={
            "firefox": "GET a/x [sec-fetch-site: same-site] [sec-fetch-mode: cors], GET b/y from null [sec-fetch-site: cross-site] [sec-fetch-mode: cors] -> cors 200",
            "webkit": "GET a/x [sec-fetch-site: same-site] [sec-fetch-mode: cors], GET b/y from null -> cors 200",
        },
        shows=("sec-fetch-site", "sec-fetch-mode"),
        is_played=True,
    ),
    Difference(
        "a preflight after a redirect names the page's origin",
        "append a request `Origin` header: `null`, as the request's redirect-taint is not same-origin",
        _redirected("origin", Fetch(X, "PUT"), "a", "b"),
        standard="preflight a/x [origin: <page>], PUT a/x [origin: <page>], preflight b/y from null [origin: null], PUT b/y from null [origin: null] -> cors 200",
        does={
            "firefox": "preflight a/x [origin: <page>], PUT a/x [origin: <page>], preflight b/y [origin: <page>], PUT b/y from null [origin: null] -> cors 200"
        },
        shows=("origin",),
        also={"firefox": "cached for null, then the page's origin|cached for the page's origin, then null"},
        is_played=True,
    ),
    Difference(
        "what was preflighted is preflighted again after a redirect that took away the reason",
        "main fetch: only for a method or a header that needs it",
        _redirected("again", Fetch(X, headers=(("Authorization", "a"),)), "a", "b"),
        standard="preflight a/x [access-control-request-headers: authorization], GET a/x, GET b/y from null -> cors 200",
        does={
            "firefox": "preflight a/x [access-control-request-headers: authorization], GET a/x, preflight b/y, GET b/y from null -> cors 200",
            "webkit": "preflight a/x [access-control-request-headers: authorization], GET a/x, preflight b/y from null [access-control-request-headers: authorization], GET b/y from null -> cors 200",
        },
        shows=("access-control-request-headers",),
    ),
    Difference(
        "a preflight after a redirect asks for headers that the redirect removed",
        "HTTP-redirect fetch: Authorization and the headers of a body are gone",
        _redirected("asked", Fetch(X, headers=(("Authorization", "a"), *CUSTOM)), "a", "b"),
        standard="preflight a/x [access-control-request-headers: authorization,x-one], GET a/x, preflight b/y from null [access-control-request-headers: x-one], GET b/y from null -> cors 200",
        does={
            "firefox": "preflight a/x [access-control-request-headers: authorization,x-one], GET a/x, preflight b/y [access-control-request-headers: x-one], GET b/y from null -> cors 200",
            "webkit": "preflight a/x [access-control-request-headers: authorization,x-one], GET a/x, preflight b/y from null [access-control-request-headers: authorization,x-one], GET b/y from null -> cors 200",
        },
        shows=("access-control-request-headers",),
        is_played=True,
    ),
)
