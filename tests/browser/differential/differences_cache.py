"""Differences of the preflight cache."""

from __future__ import annotations

from typing import Final

from .cases import Answer, Fetch, allowing
from .difference import Difference
from .table import CUSTOM, OPEN, X, single

PUT: Final = Fetch(X, "PUT")
GET_ONE: Final = Fetch(X, headers=CUSTOM)
GRANTS_PUT: Final = allowing(methods="PUT", max_age="600")


OF_THE_CACHE: Final = (
    Difference(
        "a negative Access-Control-Max-Age is 0",
        "CORS-preflight fetch: it is not a delta-seconds, so the max-age is 5",
        single("negative", (PUT, PUT), preflight=allowing(methods="PUT", max_age="-1")),
        standard="preflight a/x, PUT a/x, PUT a/x -> cors 200, cors 200",
        does={
            "chromium": "preflight a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, cors 200",
            "firefox": "preflight a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, cors 200",
            "webkit": "preflight a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, cors 200",
        },
    ),
    Difference(
        "an Access-Control-Max-Age that is not a number is 0",
        "CORS-preflight fetch: a max-age that cannot be read is 5",
        single("nan", (PUT, PUT), preflight=allowing(methods="PUT", max_age="600, 5")),
        standard="preflight a/x, PUT a/x, PUT a/x -> cors 200, cors 200",
        does={"firefox": "preflight a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, cors 200"},
        also={
            "firefox": (
                r"Access-Control-Max-Age ('(?! 600 )(?!9{9})[^']*[^\d'][^']*'|0 and again 600|600 and again 600)"
            )
        },
    ),
    Difference(
        "preflights for the origin null are not cached for the next fetch",
        "create a new cache entry: the byte-serialized origin is `null`",
        single("null", (PUT, PUT), preflight=GRANTS_PUT, sandboxed=True),
        standard="preflight a/x from null, PUT a/x from null, PUT a/x from null -> cors 200, cors 200",
        does={
            "chromium": "preflight a/x from null, PUT a/x from null, preflight a/x from null, PUT a/x from null -> cors 200, cors 200"
        },
        is_played=True,
    ),
    Difference(
        "a response that is blocked leaves the preflight cache as it is",
        "main fetch: if corsWithPreflightResponse is a network error, then clear cache entries",
        single(
            "blocked", (PUT, PUT, PUT), (Answer(headers=OPEN), Answer(), Answer(headers=OPEN)), GRANTS_PUT
        ),
        standard="preflight a/x, PUT a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, blocked, cors 200",
        does={
            "chromium": "preflight a/x, PUT a/x, PUT a/x, PUT a/x -> cors 200, blocked, cors 200",
            "webkit": "preflight a/x, PUT a/x, PUT a/x, PUT a/x -> cors 200, blocked, cors 200",
        },
        is_played=True,
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
        standard="preflight a/x, PUT a/x, preflight a/x, GET a/x, PUT a/x -> cors 200, cors 200, cors 200",
        does={
            "chromium": "preflight a/x, PUT a/x, preflight a/x, GET a/x, preflight a/x, PUT a/x -> cors 200, cors 200, cors 200",
            "webkit": "preflight a/x, PUT a/x, preflight a/x, GET a/x, preflight a/x, PUT a/x -> cors 200, cors 200, cors 200",
        },
        is_played=True,
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
        standard="preflight a/x, PUT a/x, DELETE a/x -> cors 200, cors 200",
        does={
            "chromium": "preflight a/x, PUT a/x, preflight a/x, DELETE a/x -> cors 200, cors 200",
            "firefox": "preflight a/x, PUT a/x, preflight a/x, DELETE a/x -> cors 200, cors 200",
        },
        is_played=True,
    ),
    Difference(
        "a `*` is never cached as a wildcard",
        "method cache entry match: the entry's method is method or `*`",
        single("star", (PUT, PUT), preflight=allowing(methods="*", max_age="600")),
        standard="preflight a/x, PUT a/x, PUT a/x -> cors 200, cors 200",
        does={"firefox": "preflight a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, cors 200"},
        is_played=True,
    ),
    Difference(
        "a `*` in the preflight cache covers Authorization",
        "header-name cache entry match: not a CORS non-wildcard request-header name",
        single(
            "authorization",
            (PUT, Fetch(X, headers=(("Authorization", "1"),))),
            preflight=(
                Answer(204, allowing(methods="PUT", names="*", max_age="600")),
                Answer(204, allowing(names="authorization")),
            ),
        ),
        standard="preflight a/x, PUT a/x, preflight a/x, GET a/x -> cors 200, cors 200",
        does={"webkit": "preflight a/x, PUT a/x, GET a/x -> cors 200, cors 200"},
        is_played=True,
    ),
    Difference(
        "what was cached with credentials is of no use without them",
        "cache entry match: the entry's credentials is true, or the request's credentials mode is not `include`",
        single(
            "credentials",
            (Fetch(X, "PUT", credentials="include"), PUT),
            preflight=allowing(credentials="true", methods="PUT", max_age="600"),
        ),
        standard="preflight a/x, PUT a/x, PUT a/x -> cors 200, cors 200",
        does={"firefox": "preflight a/x, PUT a/x, preflight a/x, PUT a/x -> cors 200, cors 200"},
        is_played=True,
    ),
    Difference(
        "HEAD is cached only where it is listed",
        "CORS-preflight fetch: a CORS-safelisted method needs no entry",
        single("head", (Fetch(X, "HEAD", CUSTOM),) * 2, preflight=allowing(names="x-one", max_age="600")),
        standard="preflight a/x, HEAD a/x, HEAD a/x -> cors 200, cors 200",
        does={"firefox": "preflight a/x, HEAD a/x, preflight a/x, HEAD a/x -> cors 200, cors 200"},
    ),
    Difference(
        "a request that needed no preflight clears the cache when it is blocked",
        "main fetch: only after a CORS-preflight fetch or with an entry that spared one",
        single(
            "cleared",
            (PUT, Fetch(X), PUT),
            (Answer(headers=OPEN), Answer(), Answer(headers=OPEN)),
            GRANTS_PUT,
        ),
        standard="preflight a/x, PUT a/x, GET a/x, PUT a/x -> cors 200, blocked, cors 200",
        does={
            "firefox": (
                "preflight a/x, PUT a/x, GET a/x, preflight a/x, PUT a/x -> cors 200, blocked, cors 200"
            )
        },
        is_played=True,
    ),
    Difference(
        "what a refused preflight granted is cached",
        "CORS-preflight fetch: a network error, and nothing is cached",
        single("refused", (PUT, GET_ONE), preflight=allowing(names="x-one", max_age="600")),
        standard="preflight a/x, preflight a/x, GET a/x -> blocked, cors 200",
        does={"webkit": "preflight a/x, GET a/x -> blocked, cors 200"},
        is_played=True,
    ),
)
