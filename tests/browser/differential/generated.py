"""Cases made by chance: each from its seed and its number alone, so that any of them can be run by itself.

Noise blocks everything and tests nothing. So a server first grants what the page is going to ask for, and
then one thing or another of that is spoiled. What Chromium is known to treat in another way than the standard
(differences.py) is left out here where its input can be left out, and what the others do in sidesteps.py.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Final, Literal, TypeAlias, TypeVar

from .cases import Answer, Case, Credentials, Fetch, Header, Headers, Mode, Redirect, Resource, allowing

T = TypeVar("T")
Weights: TypeAlias = tuple[tuple[T, float], ...]

COUNTS: Final[Weights[int]] = ((1, 30), (2, 40), (3, 30))
ROLES: Final[Weights[str]] = (("a", 55), ("b", 13), ("far", 16), ("page", 16))
METHODS: Final[Weights[str]] = (
    ("GET", 26), ("POST", 18), ("PUT", 14), ("DELETE", 8), ("HEAD", 6), ("PATCH", 6), ("OPTIONS", 4),
    ("patch", 4), ("put", 3), ("get", 2), ("post", 2), ("Delete", 1), ("CHICKEN", 2), ("chicken", 1),
    ("*", 1), ("TRACE", 1), ("P UT", 0.3),
)  # fmt: skip
CREDENTIALS: Final[Weights[Credentials]] = (("same-origin", 42), ("include", 42), ("omit", 16))
MODES: Final[Weights[Mode]] = (("cors", 85), ("no-cors", 10), ("same-origin", 5))
REDIRECTS: Final[Weights[Redirect]] = (("follow", 90), ("error", 5), ("manual", 5))
BODIES: Final[Weights[str | bytes | None]] = (
    (None, 40),
    ("text", 34),
    (b"\x00bytes\xff", 20),
    ("", 3),
    (b"", 3),
)

REQUEST_HEADERS: Final[Weights[Header]] = (
    (("X-One", "1"), 20), (("x-two", "2"), 12), (("X-THREE", "3"), 8), (("X-One", ""), 1),
    (("X-One", "\xe9"), 2), (("*", "1"), 2), (("Authorization", "Bearer token"), 14),
    (("authorization", "x"), 3), (("Content-Type", "application/json"), 14),
    (("Content-Type", "text/plain"), 4), (("content-type", "TEXT/plain;charset=x"), 3),
    (("Content-Type", "text/plain,x/x"), 2), (("Content-Type", "multipart/form-data; boundary=x"), 2),
    (("Content-Type", "text/plain;\xe9"), 1), (("Content-Type", "x" * 129), 1),
    (("Accept", "application/json"), 6), (("Accept", "text/html;q=0.9, */*"), 3), (("Accept", "a" * 128), 2),
    (("Accept", "a" * 129), 2), (("Accept", "<x>"), 2), (("Accept", "\xe9"), 1), (("Accept", "a\tb"), 1),
    (("Accept-Language", "de-CH, de;q=0.9"), 4), (("Accept-Language", "d_e"), 2),
    (("Accept-Language", "\xe9"), 1), (("Content-Language", "de"), 3), (("Content-Language", "d@"), 2),
    (("Range", "bytes=0-99"), 4), (("Range", "bytes=5-"), 2), (("Range", "bytes=-5"), 2),
    (("Range", "bytes=9-1"), 1), (("Range", "bytes=0-1,2-3"), 1), (("Cache-Control", "no-cache"), 2),
    (("X-Requested-With", "XMLHttpRequest"), 4), (("Content-Encoding", "x"), 1), (("Cookie", "forged=1"), 2),
    (("Origin", "http://forged.example"), 2), (("Sec-Purpose", "x"), 1), (("Proxy-X", "x"), 1),
    (("Host", "x"), 1), (("X-HTTP-Method-Override", "TRACE"), 1), (("X-HTTP-Method-Override", "PUT"), 1),
    (("X One", "1"), 0.3), (("X-Bad", "\x00"), 0.3),
)  # fmt: skip

STATUSES: Final[Weights[int]] = (
    (200, 78), (201, 3), (204, 4), (205, 1), (206, 2), (304, 2), (400, 2), (401, 2), (403, 1), (404, 3),
    (405, 1), (418, 1), (500, 3), (503, 1), (599, 1), (299, 1), (300, 1), (416, 1),
)  # fmt: skip
PREFLIGHT_STATUSES: Final[Weights[int]] = (
    (200, 52), (204, 34), (201, 1), (202, 1), (206, 1), (226, 1), (299, 1), (205, 1), (300, 0.5), (301, 1),
    (307, 1), (304, 1), (400, 1), (401, 1), (403, 2), (404, 1), (405, 2), (500, 1), (503, 0.5),
)  # fmt: skip
REDIRECT_STATUSES: Final[Weights[int]] = ((301, 3), (302, 6), (303, 4), (307, 6), (308, 3))

ORIGINS: Final[Weights[str | None]] = (
    ("<origin>", 58), ("*", 20), ("<page>", 7), (None, 3), ("null", 2), ("<a>", 1), ("<origin>/", 1),
    ("<origin>, <origin>", 1), ("*, *", 0.5), (" <origin>\t", 2), ("", 0.5), ("<origin>,", 0.5),
    ("\xe9", 0.5), ("**", 0.5), ("<origin> *", 0.5), ("NULL", 0.5),
)  # fmt: skip
ALLOW_CREDENTIALS: Final[Weights[str | None]] = (
    ("true", 87), (None, 5), ("TRUE", 1), ("false", 2), ("true, true", 1), (" true ", 2), ("", 1), ("1", 1),
)  # fmt: skip
# Negative ones are a difference; short ones would make it matter how fast the machine is.
MAX_AGES: Final[Weights[str | None]] = (
    (None, 30), ("600", 40), ("0", 12), ("86400", 3), ("", 1), ("600, 5", 2), ("1e99", 1),
    ("99999999999999999999", 1), ("abc", 1), ("00", 1), ("+600", 1), ("600.5", 1), (" 600 ", 1), ("0x0", 1),
    ("0 0", 1), ("\xb2", 1),
)  # fmt: skip
NOISE: Final = (
    "", " ", ",", ",,", "no", "x-one x-two", '"x-one"', "@", "\xe9", "x-one;", "null", "PUT GET", "*", "x/x",
    "(", "\x01",
)  # fmt: skip

# Of a list in the answer to a preflight: how it comes from what is wanted.
Form: TypeAlias = Literal["all", "echo", "*", "more", "less", "other case", "noise", "none"]
FORMS: Final[Weights[Form]] = (
    ("all", 46), ("echo", 10), ("*", 13), ("more", 10), ("less", 9), ("other case", 4), ("noise", 5),
    ("none", 3),
)  # fmt: skip

RESPONSE_HEADERS: Final[Weights[Header]] = (
    (("X-Seen", "1"), 20), (("x-seen", "2"), 6), (("X-Other", "\xe9"), 6), (("X-Empty", ""), 3),
    (("Content-Type", "text/plain"), 12), (("Content-Type", "text/html"), 4), (("Content-Language", "de"), 4),
    (("ETag", '"1"'), 8), (("Expires", "0"), 3), (("Pragma", "no-cache"), 3),
    (("Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT"), 3), (("Vary", "Origin"), 10),
    (("Authorization", "x"), 2), (("*", "star"), 2), (("Set-Cookie2", "k=v"), 1), (("Server", "x"), 3),
    (("Retry-After", "1"), 2),
)  # fmt: skip
# One value for each name: to change it is a difference.
COOKIES: Final[Weights[str]] = (
    ("k=v", 50), ("l=1; HttpOnly", 15), ("m=2; SameSite=Strict", 8), ("n=3; SameSite=Lax", 5),
    ("k=; Max-Age=0", 10), ("o=4; Max-Age=600", 5),
)  # fmt: skip
EXPOSED: Final[Weights[str | None]] = (
    (None, 35), ("x-seen", 18), ("X-Seen, ETag", 12), ("*", 14), ("x-seen,,", 2), ("etag,x-other, vary", 6),
    ("set-cookie, x-seen", 2), ("*, x-seen", 2), ("x-seen, @", 3), ('"x-seen", x-seen', 2),
    ("x-seen x-other", 2), ("\xe9, x-seen", 2), ("", 1), ("x-*", 1), ("authorization", 1),
)  # fmt: skip
LOCATIONS: Final[Weights[str]] = (
    ("<{role}><case>/{path}", 60), ("<{role}><case>/{path}#fragment", 5), (" <{role}><case>/{path}\t", 3),
    ("//<{role}:host><case>/{path}", 4), ("http://@<{role}:host><case>/q/../{path}", 2),
    ("<{role}><case>/{path}?query", 4),
)  # fmt: skip
DEAD_ENDS: Final = (
    "data:text/plain,x", "ftp://127.0.0.1/x", "http://[/", "about:blank", "http://127.0.0.1:99999/",
    "javascript:0",
)  # fmt: skip

PATHS: Final = ("x", "y", "z")
MOST_HOPS: Final = 3


def generated(seed: str, number: int) -> Case:
    return _Maker(Random(f"{seed}/{number}")).case(f"generated {number} of seed {seed}")


class _Maker:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._sandboxed = self._chance(0.1)
        # Of a redirect from another site Chromium has its own idea of what SameSite means: a difference.
        self._cookies = self._chance(0.5)
        self._roles = tuple((role, share) for role, share in ROLES if role != "far" or not self._cookies)
        self._fetches: tuple[Fetch, ...] = ()
        self._resources: dict[str, Resource] = {}

    def case(self, name: str) -> Case:
        fetches = [self._fetch()]
        for _ in range(1, self._one_of(COUNTS)):
            fetches.append(
                self._variation(self._random.choice(fetches)) if self._chance(0.8) else self._fetch()
            )
        self._fetches = tuple(fetches)
        for fetch in fetches:
            role, path = _place(fetch.url)
            self._serve(role, path, MOST_HOPS)
        return Case(name, self._fetches, tuple(self._resources.values()), self._sandboxed)

    def _chance(self, probability: float) -> bool:
        return self._random.random() < probability

    def _one_of(self, weights: Weights[T]) -> T:
        values, shares = zip(*weights, strict=True)
        chosen: T = self._random.choices(values, shares)[0]
        return chosen

    # --- Fetches

    def _fetch(self) -> Fetch:
        role = self._one_of(self._roles)
        url = f"<{role}><case>/x" if role != "page" or self._chance(0.8) else "<case>/x"
        if self._chance(0.1):
            url += self._random.choice(("?query", "#fragment", "?a=b&c=\xe9"))
        return self._variation(Fetch(url))

    def _variation(self, fetch: Fetch) -> Fetch:
        """Other arguments for the same URL, some of them."""
        if self._chance(0.4) and (fetch.headers or fetch.method not in {"GET", "HEAD", "POST"}):
            again = fetch.credentials if self._chance(0.7) else self._one_of(CREDENTIALS)
            return replace(fetch, credentials=again)
        mode = self._one_of(MODES)
        method = self._one_of(METHODS)
        if mode == "no-cors" and method.upper() not in {"GET", "HEAD", "POST"} and self._chance(0.9):
            method = self._random.choice(("GET", "POST", "HEAD"))
        takes_a_body = method.upper() not in {"GET", "HEAD"} or self._chance(0.01)
        return replace(
            fetch,
            method=method,
            headers=self._request_headers(),
            body=self._one_of(BODIES) if takes_a_body else None,
            credentials=self._one_of(CREDENTIALS),
            mode=mode,
            redirect=self._one_of(REDIRECTS),
        )

    def _request_headers(self) -> Headers:
        headers: dict[str, Header] = {}
        for _ in range(self._one_of(((0, 42), (1, 34), (2, 18), (4, 6)))):
            header = self._one_of(REQUEST_HEADERS)
            # Chromium joins the values of a repeated name before it looks at them: a difference.
            headers[header[0].lower()] = header
        return tuple(headers.values())

    # --- Servers

    def _serve(self, role: str, path: str, hops: int) -> None:
        at = f"{role}/{path}"
        if at in self._resources:
            return
        # Reserved, so that what redirects here does not make it again.
        self._resources[at] = Resource(at)
        times = 1 if self._chance(0.75) else 2
        self._resources[at] = Resource(
            at,
            tuple(self._actual(role, path, hops) for _ in range(times)),
            tuple(self._preflight() for _ in range(1 if self._chance(0.7) else 2)),
        )

    def _actual(self, role: str, path: str, hops: int) -> Answer:
        headers = self._cors_headers(expose=self._one_of(EXPOSED))
        for _ in range(self._random.randrange(4)):
            headers += (self._one_of(RESPONSE_HEADERS),)
        if self._cookies and self._chance(0.3):
            cookie = self._one_of(COOKIES)
            headers += (("Set-Cookie", f"{cookie}; Path=<case>"),)
        # Within one fetch Chromium does remember a preflight of a sandboxed page, and not for the next one: a
        # difference. So no redirect leads back there.
        paths = [each for each in PATHS if each > path or not self._sandboxed]
        if hops and paths and self._chance(0.24):
            return Answer(
                self._one_of(REDIRECT_STATUSES), headers + self._location(role, paths, hops), "redirected"
            )
        return Answer(self._one_of(STATUSES), headers)

    def _location(self, role: str, paths: list[str], hops: int) -> Headers:
        if self._chance(0.06) and not self._is_used(redirect="manual"):
            return (("Location", self._random.choice(DEAD_ENDS)),)
        if self._chance(0.04) and not self._is_used(redirect="error"):
            return ()
        if any(map(_is_treated_otherwise_when_redirected, self._fetches)) or self._chance(0.3):
            target = role
        else:
            target = self._one_of(self._roles)
        path = self._random.choice(paths)
        self._serve(target, path, hops - 1)
        return (("Location", self._one_of(LOCATIONS).format(role=target, path=path)),)

    def _is_used(self, *, redirect: str) -> bool:
        return any(fetch.redirect == redirect for fetch in self._fetches)

    def _preflight(self) -> Answer:
        methods = sorted(
            {
                fetch.method if fetch.method.islower() and fetch.method == "patch" else fetch.method.upper()
                for fetch in self._fetches
            }
        )
        names = sorted(
            {name.lower() for fetch in self._fetches for name, _ in fetch.headers} | {"content-type"}
        )
        headers = self._cors_headers(
            methods=self._granted(methods, "<method>"),
            names=self._granted(names, "<names>"),
            max_age=self._one_of(MAX_AGES),
        )
        if self._cookies and self._chance(0.1):
            headers += (("Set-Cookie", "p=p; Path=<case>"),)
        status = self._one_of(PREFLIGHT_STATUSES)
        if status in {301, 307}:
            headers += (("Location", "<b><case>/x"),)
        return Answer(status, headers, "")

    def _granted(self, wanted: list[str], echo: str) -> str | None:
        """A list that holds what is wanted, mostly."""
        random = self._random
        granted = list(wanted)
        match self._one_of(FORMS):
            case "none":
                return None
            case "echo":
                return echo
            case "*":
                granted = ["*"]
            case "more":
                granted += ["X-More", "PROPFIND"]
            case "less":
                granted.remove(random.choice(granted))
            case "other case":
                granted = [each.swapcase() for each in granted]
            case "noise":
                granted.append(random.choice(NOISE))
            case _:
                pass  # all of them
        if "*" in granted and "authorization" in wanted and "authorization" not in map(str.lower, granted):
            # Chromium takes * for it as well: a difference.
            granted.append("authorization")
        random.shuffle(granted)
        return random.choice((",", ", ", ",", ", ", " ,\t", ",,")).join(granted)

    def _cors_headers(
        self,
        *,
        methods: str | None = None,
        names: str | None = None,
        max_age: str | None = None,
        expose: str | None = None,
    ) -> Headers:
        origin = self._one_of(ORIGINS)
        if (
            origin == "*"
            and any(fetch.credentials == "include" for fetch in self._fetches)
            and self._chance(0.8)
        ):
            origin = "<origin>"
        headers = allowing(
            origin,
            credentials=self._one_of(ALLOW_CREDENTIALS),
            methods=methods,
            names=names,
            max_age=max_age,
            expose=expose,
        )
        if self._chance(0.02):
            headers += (self._random.choice(headers or ((("X-Seen", "1")),)),)
        if self._chance(0.05):
            headers = tuple((name.swapcase(), value) for name, value in headers)
        return headers


def _is_treated_otherwise_when_redirected(fetch: Fetch) -> bool:
    """Chromium has its own ideas of Origin and of cookies then: differences."""
    return fetch.mode == "no-cors" and (fetch.method.upper() == "POST" or fetch.credentials == "same-origin")


def _place(url: str) -> tuple[str, str]:
    """The role of a fetch's server, and its path."""
    role, found, rest = url.removeprefix("<").partition("><case>/")
    if not found:
        role, rest = "page", url.removeprefix("<case>/")
    return role, rest.partition("?")[0].partition("#")[0]
