"""Forms, links, images, scripts, websockets and fetches: who sends what to whom, and by which way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, get_args

from route_cors.testing.forms import EncType
from route_cors.testing.referrer import ReferrerPolicy

from .cases import Answer, Mode, Resource
from .senders import Sender

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .difference import ByEngine

# Of each page: its own origin, another one of its site, other sites.
NEIGHBOURS: Final = {"page": ("page", "a", "far"), "name": ("name", "below", "other", "page")}
EVERY_WAY: Final = (
    Sender("form POST", "form", "", method="POST"),
    Sender("form GET", "form", ""),
    Sender("link", "link", ""),
    Sender("image", "image", ""),
    Sender("script", "script", ""),
    Sender("websocket", "websocket", ""),
    *(Sender(f"fetch {mode}", "fetch", "", mode=mode) for mode in get_args(Mode)),
    *(Sender(f"fetch POST {mode}", "fetch", "", method="POST", mode=mode) for mode in get_args(Mode)),
)
# Without those that are not followed, and those that the cases of fetch() are about.
REDIRECTED: Final = tuple(
    how for how in EVERY_WAY if how.by != "websocket" and (how.by, how.mode) != ("fetch", "cors")
)
FIELDS: Final = (
    ("a b", "1\r2\n3\r\n4"),
    ("\u00fc~*-._", "=&;+ %"),
    ('"q"\n', "\U0001f600"),
    ("a b", ""),
    ("", "x"),
)


def senders() -> Iterator[Sender]:
    yield from direct()
    yield from sandboxed()
    yield from redirected()
    yield from homeward()
    yield from referrer_policies()
    yield from encodings()
    yield from activated()


def direct() -> Iterator[Sender]:
    for page, how in product(NEIGHBOURS, EVERY_WAY):
        for target in NEIGHBOURS[page]:
            name = f"direct: {how.name}, {page} to {target}"
            yield replace(how, name=name, url=f"<{target}><case>/x", page=page)


def sandboxed() -> Iterator[Sender]:
    for how, target in product(EVERY_WAY, ("page", "a", "far")):
        name = f"sandboxed: {how.name} to {target}"
        yield replace(how, name=name, url=f"<{target}><case>/x", sandboxed=True)


def redirected() -> Iterator[Sender]:
    ways = (("page", "page"), ("page", "a"), ("page", "far"), ("a", "b"), ("a", "far"), ("far", "far"))
    for status, (first, last), how in product((302, 307, 301, 303, 308), ways, REDIRECTED):
        is_post = how.method == "POST"
        if not is_post and status != 302:
            continue  # one is like the other
        if is_post and status in {307, 308} and first == "page" != last:
            continue  # what becomes of Origin then is a difference
        yield _redirected(how, status, first, last, ("Set-Cookie", "way=1; SameSite=Lax; Path=<case>"))


def homeward() -> Iterator[Sender]:
    ways = (("far", "page"), ("far", "a"), ("a", "page"))
    for status, (first, last), how in product((302, 307), ways, REDIRECTED):
        yield replace(_redirected(how, status, first, last), leads_home=True)


def _redirected(how: Sender, status: int, first: str, last: str, *headers: tuple[str, str]) -> Sender:
    location = ("Location", f"<{last}><case>/y")
    return replace(
        how,
        name=f"redirected: {how.name}, {status} from {first} to {last}",
        url=f"<{first}><case>/x",
        resources=(Resource(f"{first}/x", (Answer(status, (location, *headers)),)), Resource(f"{last}/y")),
    )


def referrer_policies() -> Iterator[Sender]:
    policies: tuple[ReferrerPolicy, ...] = get_args(ReferrerPolicy)
    for policy, target, how in product(policies, ("page", "a", "far"), EVERY_WAY):
        hides = how.by == "fetch" and how.mode != "cors" and policy in {"no-referrer", "same-origin"}
        if how.method != "POST" or hides:
            continue  # no Origin, or a difference
        name = f"referrer policy: {how.name}, {policy!r} to {target}"
        yield replace(how, name=name, url=f"<{target}><case>/x", referrer_policy=policy)


def encodings() -> Iterator[Sender]:
    enctypes: tuple[EncType, ...] = get_args(EncType)
    for enctype, data in product(enctypes, ((), FIELDS)):
        name = f"encoding: {enctype}, {len(data)} fields"
        posted = Sender(name, "form", "<a><case>/x", method="POST", enctype=enctype, data=data)
        yield posted
        yield replace(posted, name=f"{name} by GET", url="<a><case>/x?old#here", method="GET")


def activated() -> Iterator[Sender]:
    methods: tuple[Literal["GET", "POST"], ...] = ("GET", "POST")
    for target, method in product(("page", "far"), methods):
        yield Sender(
            f"activated form {method} {target}", "form", f"<{target}><case>/x", method=method, activated=True
        )
    yield Sender("activated link", "link", "<far><case>/x", activated=True)


@dataclass(frozen=True)
class SenderDifference:
    """Where an engine and the standard differ; `does` and `standard` are what `told` makes of them.

    `also` is, for each engine, a regular expression of the names of further senders that differ for this reason.
    """

    name: str
    standard_says: str
    case: Sender
    standard: str
    does: ByEngine
    shows: tuple[str, ...] = ()
    also: ByEngine = field(default_factory=dict)


SENDER_DIFFERENCES: Final = (
    SenderDifference(
        "a fetch sends its Origin whatever its referrer policy is",
        "append a request `Origin` header: `no-referrer` makes it `null`, but not in mode cors",
        Sender("no-referrer", "fetch", "<a><case>/x", method="POST", referrer_policy="no-referrer"),
        standard="POST a/x same-site from null with strict=1; lax=1; none=1",
        does={"chromium": "POST a/x same-site from <page> with strict=1; lax=1; none=1"},
    ),
    SenderDifference(
        "a websocket's handshake has no Sec-Fetch-* headers",
        "Fetch metadata: Sec-Fetch-Site, Sec-Fetch-Mode: websocket, Sec-Fetch-Dest: empty",
        Sender("websocket", "websocket", "<a><case>/x"),
        standard="GET a/x same-site from <page> with strict=1; lax=1; none=1",
        does={"chromium": "GET a/x from <page> with strict=1; lax=1; none=1"},
    ),
    SenderDifference(
        "a cookie without SameSite goes along with the POST of another site's form for its first two minutes",
        "RFC 6265bis, 5.7.7: such a cookie is `Lax`, and an unsafe method sends none",
        Sender(
            "two minutes",
            "form",
            "<far><case>/x",
            method="POST",
            resources=(
                Resource(
                    "far/x",
                    (Answer(307, (("Location", "<far><case>/y"), ("Set-Cookie", "new=1; Path=<case>"))),),
                ),
                Resource("far/y"),
            ),
        ),
        standard="POST far/x cross-site from <page> with none=1\nPOST far/y cross-site from <page> with none=1",
        does={
            "chromium": "POST far/x cross-site from <page> with none=1\nPOST far/y cross-site from <page> with new=1; none=1",
            "firefox": "POST far/x cross-site from <page> with none=1\nPOST far/y cross-site from <page> with new=1; none=1",
            "webkit": "POST far/x cross-site from <page>\nPOST far/y cross-site from <page> with new=1",
        },
    ),
    SenderDifference(
        "a form's POST loses its Origin when the page's own server redirects it to another one",
        "append a request `Origin` header: the page's, as long as the redirects began at its own origin",
        _redirected(EVERY_WAY[0], 307, "page", "a"),
        standard="POST page/x same-origin from <page> with strict=1; lax=1; none=1\nPOST a/y same-site from <page> with strict=1; lax=1; none=1",
        does={
            "chromium": "POST page/x same-origin from <page> with strict=1; lax=1; none=1\nPOST a/y same-site from null with strict=1; lax=1; none=1",
            "firefox": "POST page/x same-origin from <page> with strict=1; lax=1; none=1\nPOST a/y cross-site from <page> with strict=1; lax=1; none=1",
            "webkit": "POST page/x same-origin from <page> with strict=1; lax=1\nPOST a/y same-site from null with strict=1; lax=1",
        },
    ),
    SenderDifference(
        "a websocket's Sec-Fetch-Dest is `websocket`",
        "Fetch metadata: the destination of a websocket's request is empty",
        Sender("destination", "websocket", "<a><case>/x"),
        standard="GET a/x same-site from <page> with strict=1; lax=1; none=1 [sec-fetch-dest: empty]",
        does={
            "chromium": "GET a/x from <page> with strict=1; lax=1; none=1",
            "webkit": "GET a/x same-site from <page> with strict=1; lax=1 [sec-fetch-dest: websocket]",
        },
        shows=("sec-fetch-dest",),
    ),
    SenderDifference(
        "a `~` in the fields of a form that is sent by GET stays as it is",
        "URL: the application/x-www-form-urlencoded percent-encode set holds U+007E",
        Sender("tilde", "form", "<a><case>/x", data=(("a", "~"),)),
        standard="GET a/x?a=%7E same-site with strict=1; lax=1; none=1",
        does={"webkit": "GET a/x?a=~ same-site with strict=1; lax=1"},
        also={"webkit": "encoding: .*, 5 fields by GET"},
    ),
    SenderDifference(
        "what a sandboxed page embeds gets the SameSite cookies of its site",
        "site for cookies: an opaque origin is same-site with nothing",
        Sender("sandboxed image", "image", "<a><case>/x", sandboxed=True),
        standard="GET a/x cross-site with none=1",
        does={"webkit": "GET a/x cross-site with strict=1; lax=1"},
    ),
    SenderDifference(
        "Sec-Fetch-Site of an image is cross-site after a redirect within the site",
        "Fetch metadata: another origin of the same site is same-site",
        _redirected(EVERY_WAY[3], 302, "page", "a"),
        standard="GET page/x same-origin with strict=1; lax=1; none=1\nGET a/y same-site with strict=1; lax=1; none=1",
        does={
            "firefox": "GET page/x same-origin with strict=1; lax=1; none=1\nGET a/y cross-site with strict=1; lax=1; none=1"
        },
    ),
)
