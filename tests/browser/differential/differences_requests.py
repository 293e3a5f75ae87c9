"""Differences of what is asked for and read, redirects apart."""

from __future__ import annotations

from typing import Final

from .cases import Answer, Fetch, allowing
from .difference import Difference
from .table import OPEN, X, single

PUT: Final = Fetch(X, "PUT")
LONG: Final = "a" * 65


OF_REQUESTS: Final = (
    Difference(
        "`*` allows Authorization",
        "CORS-preflight fetch: a CORS non-wildcard request-header name has to be listed itself",
        single("*", Fetch(X, headers=(("Authorization", "a"),)), preflight=allowing(names="*")),
        standard="preflight a/x -> blocked",
        does={
            "chromium": "preflight a/x, GET a/x -> cors 200",
            "firefox": "preflight a/x, GET a/x -> cors 200",
            "webkit": "preflight a/x, GET a/x -> cors 200",
        },
    ),
    Difference(
        "client hints need no preflight",
        "CORS-safelisted request-header: they are not in the list",
        single(
            "hints",
            Fetch(X, headers=(("Save-Data", "on"), ("DPR", "2"))),
            preflight=allowing(names="<names>"),
        ),
        standard="preflight a/x, GET a/x -> cors 200",
        does={"chromium": "GET a/x -> cors 200"},
    ),
    Difference(
        "repeated headers are joined before they are checked",
        "CORS-unsafe request-header names: each header of the list by itself",
        single(
            "joined",
            Fetch(X, headers=(("Accept", LONG), ("Accept", LONG))),
            preflight=allowing(names="<names>"),
        ),
        standard="GET a/x -> cors 200",
        does={
            "chromium": "preflight a/x, GET a/x -> cors 200",
            "webkit": "preflight a/x, GET a/x -> cors 200",
        },
    ),
    Difference(
        "repeated headers are asked for as often",
        "CORS-unsafe request-header names: a sorted set",
        single(
            "twice", Fetch(X, headers=(("X-One", "1"), ("X-One", "2"))), preflight=allowing(names="x-one")
        ),
        standard="preflight a/x [access-control-request-headers: x-one], GET a/x -> cors 200",
        does={"firefox": "preflight a/x [access-control-request-headers: x-one,x-one], GET a/x -> cors 200"},
        shows=("access-control-request-headers",),
        also={
            "firefox": "asked for in order and lower case|one of two names is missing|the names are echoed|safelisted values: a name twice"
        },
    ),
    Difference(
        "of a Content-Type that is given twice the second is dropped",
        "append to a header list: combined with a comma",
        single(
            "types",
            Fetch(X, "POST", (("Content-Type", "application/json"), ("Content-Type", "text/plain"))),
            preflight=allowing(names="<names>"),
        ),
        standard="preflight a/x, POST a/x [content-type: application/json, text/plain] -> cors 200",
        does={"firefox": "preflight a/x, POST a/x [content-type: text/plain] -> cors 200"},
        shows=("content-type",),
        also={"firefox": "safelisted values: a safe and an unsafe Content-Type"},
    ),
    Difference(
        "an Accept or a Content-Type beyond ASCII needs a preflight",
        "CORS-unsafe request-header byte: those above 0x7F are none",
        single("accept", Fetch(X, headers=(("Accept", "\xe9"),)), preflight=allowing(names="<names>")),
        standard="GET a/x -> cors 200",
        does={"firefox": "preflight a/x, GET a/x -> cors 200"},
        also={"firefox": "Accept: '[éÿ]'|Content-Type: 'text/plain;é'"},
    ),
    Difference(
        "safelisted headers are not counted together",
        "CORS-unsafe request-header names: more than 1,024 bytes of safelisted values are unsafe",
        single(
            "long",
            Fetch(
                X,
                "POST",
                tuple((name, "a" * 128) for name in ("Accept", "Accept-Language", "Content-Language") * 3),
            ),
            preflight=allowing(names="<names>"),
        ),
        standard="preflight a/x, POST a/x -> cors 200",
        does={"firefox": "POST a/x -> cors 200"},
        also={"firefox": "safelisted values: 1025 bytes( and an unsafe one)?"},
    ),
    Difference(
        "the numbers of a Range have 64 bits",
        "parse a single range header value: digits, interpreted as decimal number",
        single(
            "range",
            Fetch(X, headers=(("Range", f"bytes=0-{'9' * 19}"),)),
            preflight=allowing(names="<names>"),
        ),
        standard="GET a/x -> cors 200",
        does={"chromium": "preflight a/x, GET a/x -> cors 200"},
    ),
    Difference(
        "the unit of a Range may be in any case, and its numbers may have a sign",
        "parse a single range header value: `bytes`, `=`, digits",
        single("unit", Fetch(X, headers=(("Range", "BYTES=+0-1"),)), preflight=allowing(names="<names>")),
        standard="preflight a/x, GET a/x -> cors 200",
        does={"webkit": "GET a/x -> cors 200"},
        also={"webkit": "Range: '(BYTES=0-|Bytes=0-1|bytes=\\+0-1)'"},
    ),
    Difference(
        "header values are sent in UTF-8",
        "header values are byte sequences: isomorphic encode",
        single("sent", Fetch(X, headers=(("X-One", "\xe9"),)), preflight=allowing(names="<names>")),
        standard="preflight a/x, GET a/x [x-one: é] -> cors 200",
        does={"webkit": "preflight a/x, GET a/x [x-one: Ã©] -> cors 200"},
        shows=("x-one",),
        also={"webkit": "(Accept|Accept-Language|Content-Type|Range|X-One): '.*[éÿ²].*'"},
    ),
    Difference(
        "bytes beyond ASCII in a response's headers cannot be read",
        "the value of a header is isomorphic decoded",
        single("read", Fetch(X), (*allowing(expose="x-one"), ("X-One", "\xe9"))),
        standard="GET a/x -> cors 200 [x-one: é]",
        does={"webkit": "GET a/x -> cors 200 [x-one: ï¿½]"},
        shows=("x-one",),
        also={
            "webkit": (
                r"Access-Control-Expose-Headers ('(\*|\*, x-s|x-s, \*)', omit|\* with same-origin credentials)"
            )
        },
    ),
    Difference(
        "a repeated Content-Type of a response is joined without a space",
        "get a header: combined with a comma and a space",
        single(
            "joined types", Fetch(X), (*OPEN, ("Content-Type", "text/plain"), ("Content-Type", "text/html"))
        ),
        standard="GET a/x -> cors 200 [content-type: text/plain, text/html]",
        does={"firefox": "GET a/x -> cors 200 [content-type: text/plain,text/html]"},
        shows=("content-type",),
    ),
    Difference(
        "the body of a 205 is read",
        "null body status: 205 is one",
        single("205", Fetch(X), Answer(205, OPEN)),
        standard="GET a/x -> cors 205",
        does={"webkit": "GET a/x -> cors 205 'body'"},
        shows=("text",),
        also={"webkit": "(GET|PUT|CHICKEN) answered with 205"},
    ),
)
