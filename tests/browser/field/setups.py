"""What each library is told: the same thing, in its own words (subjects/)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal, TypeAlias

__all__ = ["APP", "EVIL", "OTHER", "ROUTES", "SETUPS", "Policy", "Setup"]

APP: Final = "https://app.example"
OTHER: Final = "https://other.example"
EVIL: Final = "https://evil.example"

Kind: TypeAlias = Literal["list", "string", "any", "subdomains", "regex", "glob"]

METHODS: Final = ("GET", "POST", "PUT", "DELETE", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Policy:
    """A CORS policy in no library's words.

    Args:
        origins: the origins, or what is written in their place.
        kind: what `origins` is. `list`: a list of origins; `string`: that one string, no list; `any`: every
            origin; `subdomains`: every https origin below the hosts, as the library's documentation writes
            it; `regex`: a regular expression with no anchor at its end; `glob`: an origin with an asterisk,
            among the others.
        credentials: whether cookies are allowed.
        methods: the methods, or None for all.
        allow_headers: the request headers, or None for all.
        expose_headers: the response headers, or None for all.
        max_age: in seconds.
    """

    origins: tuple[str, ...] = (APP,)
    kind: Kind = "list"
    credentials: bool = False
    methods: tuple[str, ...] | None = METHODS
    allow_headers: tuple[str, ...] | None = ("Content-Type", "X-Token")
    expose_headers: tuple[str, ...] | None = ("X-Id",)
    max_age: int = 600


@dataclass(frozen=True, slots=True)
class Setup:
    """An app of one library.

    Args:
        says: what the app's author wanted, or wrote by mistake.
        policy: of the whole app; None if each route has its own (`ROUTES`).
        may_be_refused: whether an error at start-up is as good as a policy that is right.
    """

    says: str
    policy: Policy | None = Policy()
    may_be_refused: bool = False


_PLAIN: Final = Policy()
_COOKIES: Final = Policy((APP, OTHER), credentials=True)

SETUPS: Final[dict[str, Setup]] = {
    "one": Setup("one origin, no cookies"),
    "two": Setup("two origins, with cookies", _COOKIES),
    "any": Setup("every origin, no cookies", Policy(("*",), "any")),
    "any-cookies": Setup(
        "every origin, with cookies", Policy(("*",), "any", credentials=True), may_be_refused=True
    ),
    "null-cookies": Setup(
        "an origin and `null`, with cookies", Policy((APP, "null"), credentials=True), may_be_refused=True
    ),
    "nobody": Setup("an empty list of origins, with cookies", Policy((), credentials=True)),
    "fresh": Setup("one origin, and preflights that are not kept", replace(_PLAIN, max_age=0)),
    "any-header": Setup("two origins, with cookies, every header", replace(_COOKIES, allow_headers=None)),
    "any-method": Setup("two origins, with cookies, every method", replace(_COOKIES, methods=None)),
    "any-exposed": Setup(
        "two origins, with cookies, every header exposed",
        replace(_COOKIES, expose_headers=None),
        may_be_refused=True,
    ),
    "subdomains": Setup("every https subdomain of app.example", Policy(("app.example",), "subdomains")),
    "regex": Setup(
        "a regular expression without `$`",
        Policy((r"https://[a-z]+\.app\.example",), "regex"),
        may_be_refused=True,
    ),
    "glob": Setup(
        "`https://*.app.example` among the origins",
        Policy(("https://*.app.example",), "glob"),
        may_be_refused=True,
    ),
    "string": Setup("a string in place of a list", Policy((APP,), "string"), may_be_refused=True),
    "joined": Setup(
        "two origins in one string, as of an environment variable",
        Policy((f"{APP},{OTHER}",)),
        may_be_refused=True,
    ),
    "slash": Setup("an origin with a slash at its end", Policy((f"{APP}/",)), may_be_refused=True),
    "upper": Setup("an origin in upper case", Policy(("HTTPS://APP.EXAMPLE",)), may_be_refused=True),
    "websocket": Setup("one origin, and a websocket"),
    "routes": Setup("a policy for each route", None),
}

_ANY: Final = Policy(("*",), "any")
_APP: Final = Policy((APP,), credentials=True)
_OTHER: Final = Policy((OTHER,), credentials=True)

# In the order of registration. None: the route has no policy.
ROUTES: Final[dict[tuple[str, str], Policy | None]] = {
    ("GET", "/public"): _ANY,
    ("GET", "/private"): _APP,
    ("PUT", "/private"): _APP,
    ("GET", "/private/boom"): _APP,
    ("GET", "/private/teapot"): _APP,
    ("GET", "/closed"): None,
    ("PUT", "/closed"): None,
    ("GET", "/shared"): _APP,
    ("PUT", "/shared"): _OTHER,
    ("GET", "/users/{name}"): _ANY,
    ("PUT", "/users/merge"): _APP,
}
