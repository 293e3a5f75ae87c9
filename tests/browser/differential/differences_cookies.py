"""Differences of cookies."""

from __future__ import annotations

from typing import Final

from .cases import Answer, Case, Fetch, Resource
from .difference import Difference
from .table import COOKIE, OPEN_TO_CREDENTIALS, X, single

PUT: Final = Fetch(X, "PUT")
WITH_COOKIES: Final = Fetch(X, credentials="include")


def _cookie(name: str, *lines: str) -> Case:
    """One that is set, and whether it comes back."""
    set_cookies = tuple(("Set-Cookie", f"{line}; Path=<case>") for line in lines)
    return single(name, (WITH_COOKIES,) * 2, (*OPEN_TO_CREDENTIALS, *set_cookies))


OF_COOKIES: Final = (
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
        standard="GET page/set, GET far/x, GET a/y from null -> basic 200, cors 200",
        does={
            "chromium": "GET page/set, GET far/x, GET a/y from null with k=v -> basic 200, cors 200",
            "firefox": "GET page/set, GET far/x, GET a/y from null with k=v -> basic 200, cors 200",
            "webkit": "GET page/set, GET far/x, GET a/y from null with k=v -> basic 200, cors 200",
        },
    ),
    Difference(
        "a cookie without SameSite goes to other sites",
        "RFC 6265bis, 5.7.7: such a cookie is `Lax`",
        Case(
            "none",
            (Fetch("<far><case>/x", credentials="include"),) * 2,
            (Resource("far/x", (Answer(headers=(*OPEN_TO_CREDENTIALS, COOKIE)),)),),
        ),
        standard="GET far/x, GET far/x -> cors 200, cors 200",
        does={
            "firefox": "GET far/x, GET far/x with k=v -> cors 200, cors 200",
            "webkit": "GET far/x, GET far/x with k=v -> cors 200, cors 200",
        },
        also={
            "firefox": "another site: its cookies are not set by a fetch",
            "webkit": "another site: its cookies are not set by a fetch",
        },
    ),
    Difference(
        "a SameSite=Strict cookie goes with what a sandboxed page sends",
        "site for cookies: an opaque origin is same-site with nothing",
        single(
            "sandboxed",
            (WITH_COOKIES,) * 2,
            (*OPEN_TO_CREDENTIALS, ("Set-Cookie", "k=v; SameSite=Strict; Path=<case>")),
            sandboxed=True,
        ),
        standard="GET a/x from null, GET a/x from null -> cors 200, cors 200",
        does={"webkit": "GET a/x from null, GET a/x from null with k=v -> cors 200, cors 200"},
    ),
    Difference(
        "a tab in a cookie's value is no part of it",
        "RFC 6265bis, 5.6: a control character other than HTAB aborts",
        single("tab", (WITH_COOKIES,) * 2, (*OPEN_TO_CREDENTIALS, ("Set-Cookie", "a=b\tc; Path=<case>"))),
        standard="GET a/x, GET a/x with a=b\tc -> cors 200, cors 200",
        does={
            "chromium": "GET a/x, GET a/x -> cors 200, cors 200",
            "webkit": "GET a/x, GET a/x with a=b -> cors 200, cors 200",
        },
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
        standard="GET a/x, GET a/x with a=1; b=2, GET a/x with a=3; b=2 -> cors 200, cors 200, cors 200",
        does={
            "chromium": "GET a/x, GET a/x with a=1; b=2, GET a/x with b=2; a=3 -> cors 200, cors 200, cors 200"
        },
    ),
    Difference(
        "a cookie without a name is sent with `=`",
        "RFC 6265bis, 5.8.3: the name is empty, so only the value is sent",
        _cookie("nameless", "a"),
        standard="GET a/x, GET a/x with a -> cors 200, cors 200",
        does={"firefox": "GET a/x, GET a/x with a= -> cors 200, cors 200"},
        also={"firefox": "Set-Cookie: 'a'|cookies: no name, twice.*"},
    ),
    Difference(
        "a cookie with an empty name is not stored",
        "RFC 6265bis, 5.6: an empty name is allowed",
        _cookie("empty name", "=a"),
        standard="GET a/x, GET a/x with a -> cors 200, cors 200",
        does={"firefox": "GET a/x, GET a/x -> cors 200, cors 200"},
        also={"firefox": "Set-Cookie: '=a'"},
    ),
    Difference(
        "an empty cookie is stored",
        "RFC 6265bis, 5.6: neither name nor value aborts",
        _cookie("empty", "="),
        standard="GET a/x, GET a/x -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x with  -> cors 200, cors 200"},
        also={"webkit": "Set-Cookie: '(=|;a=b)?'"},
    ),
    Difference(
        "bytes beyond ASCII in a cookie are replaced or end it",
        "RFC 6265bis, 5.6: names and values are octets",
        _cookie("octets", "a=b\xe9c"),
        standard="GET a/x, GET a/x with a=béc -> cors 200, cors 200",
        does={
            "firefox": "GET a/x, GET a/x with a=bï¿½c -> cors 200, cors 200",
            "webkit": "GET a/x, GET a/x with a=b -> cors 200, cors 200",
        },
        also={"firefox": "Set-Cookie: 'a=é'", "webkit": "Set-Cookie: '(a=é|é=a)'"},
    ),
    Difference(
        "a control character ends a cookie",
        "RFC 6265bis, 5.6: it aborts",
        _cookie("control", "a=b\x01c"),
        standard="GET a/x, GET a/x -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x with a=b -> cors 200, cors 200"},
        also={"webkit": "Set-Cookie: '(a\\\\t=b|a=\\\\x01|a=\\\\x7f|a\\\\x01=b)'"},
    ),
    Difference(
        "a cookie may be of any size",
        "RFC 6265bis, 5.6: not above 4,096 octets",
        _cookie("size", f"a={'x' * 4096}"),
        standard="GET a/x, GET a/x -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x with a=xxxxxxxxxxxxxxxxxx... of 4098 -> cors 200, cors 200"},
        also={"webkit": "Set-Cookie: '(a=x|a{60}).*\\.\\.\\. of 4098'?"},
    ),
    Difference(
        "an attribute of more than 1,024 octets counts",
        "RFC 6265bis, 5.6: it is ignored",
        single(
            "attribute",
            (WITH_COOKIES,) * 2,
            (*OPEN_TO_CREDENTIALS, ("Set-Cookie", f"a=b; Path=<case>/{'x' * 1100}")),
        ),
        standard="GET a/x, GET a/x with a=b -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x -> cors 200, cors 200"},
        also={"webkit": "Set-Cookie: 'a=b; (Path=<case>/x*|Domain=x*)\\.\\.\\. of 111\\d'?"},
    ),
    Difference(
        "Secure cookies are not stored from http:// on this machine",
        "RFC 6265bis, 5.7: loopback addresses may count as secure, and do in browsers",
        _cookie("secure", "a=b; Secure"),
        standard="GET a/x, GET a/x with a=b -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x -> cors 200, cors 200"},
        also={
            "webkit": "Set-Cookie: 'a=b; Secure(=x)?'|Set-Cookie: '__Secure-a=b; Secure'|Set-Cookie: 'a=b; SameSite=None; Secure'|cookies: Secure is overwritten.*"
        },
    ),
    Difference(
        "the prefixes `__Secure-` and `__Host-` promise nothing in other case",
        "RFC 6265bis, 5.7: they are compared without regard to case",
        _cookie("prefix", "__secure-a=b"),
        standard="GET a/x, GET a/x -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x with __secure-a=b -> cors 200, cors 200"},
        also={"webkit": "Set-Cookie: '(=?__Secure-(a=b)?|__secure-a=b|__HOST-a=b|=__Host-a)'"},
    ),
    Difference(
        "SameSite=None needs no Secure",
        "RFC 6265bis, 5.7: it does",
        _cookie("insecure", "a=b; SameSite=None"),
        standard="GET a/x, GET a/x -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x with a=b -> cors 200, cors 200"},
        also={"webkit": "Set-Cookie: 'a=b; SameSite=(Lax; SameSite=)?None'"},
    ),
    Difference(
        "Expires counts where a Max-Age is there too",
        "RFC 6265bis, 5.7: Max-Age has precedence",
        _cookie("expires", "a=b; Max-Age=600; Expires=Thu, 01 Jan 1970 00:00:00 GMT"),
        standard="GET a/x, GET a/x with a=b -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x -> cors 200, cors 200"},
        also={
            "webkit": "Set-Cookie: 'a=b; Max-Age=(600; Expires=Thu, 01 Jan 1970|0; Expires=Fri, 01 Jan 2100) 00:00:00 GMT'"
        },
    ),
    Difference(
        "an empty Max-Age is 0",
        "RFC 6265bis, 5.6.2: it is ignored",
        _cookie("no age", "a=b; Max-Age="),
        standard="GET a/x, GET a/x with a=b -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x -> cors 200, cors 200"},
        also={"webkit": "Set-Cookie: 'a=b; Max-Age='"},
    ),
    Difference(
        "a Domain above an address covers it",
        "RFC 6265bis, 5.1.3: addresses have no parents",
        _cookie("address", "a=b; Domain=0.0.1"),
        standard="GET a/x, GET a/x -> cors 200, cors 200",
        does={"webkit": "GET a/x, GET a/x with a=b -> cors 200, cors 200"},
        also={"webkit": "Set-Cookie: 'a=b; Domain=0.0.1'"},
    ),
)
