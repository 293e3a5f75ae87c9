"""Forms, links, images, scripts, websockets and fetches: who sends what to whom, and by which way."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Final, Literal, get_args

from route_cors.testing.forms import EncType
from route_cors.testing.referrer import ReferrerPolicy

from .cases import Answer, Mode, Resource
from .senders import By, Sender

if TYPE_CHECKING:
    from collections.abc import Iterator

# Of each page: its own origin, another one of its site, another site.
NEIGHBOURS: Final = {"page": ("page", "a", "far"), "name": ("name", "below", "other")}
EVERY_WAY: Final[tuple[dict[str, str], ...]] = (
    {"by": "form", "method": "POST"},
    {"by": "form", "method": "GET"},
    *({"by": by} for by in get_args(By) if by not in {"form", "fetch"}),
    *({"by": "fetch", "mode": mode} for mode in get_args(Mode)),
    *({"by": "fetch", "method": "POST", "mode": mode} for mode in get_args(Mode)),
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


def _name(prefix: str, how: dict[str, str], *more: object) -> str:
    return " ".join([prefix, *how.values(), *map(str, more)])


def direct() -> Iterator[Sender]:
    for page, how in product(NEIGHBOURS, EVERY_WAY):
        for target in NEIGHBOURS[page]:
            yield Sender(_name("direct", how, page, target), url=f"<{target}><case>/x", page=page, **how)  # type: ignore[arg-type]
    for how in EVERY_WAY:
        yield Sender(_name("direct", how, "name", "page"), url="<page><case>/x", page="name", **how)  # type: ignore[arg-type]


def sandboxed() -> Iterator[Sender]:
    for how, target in product(EVERY_WAY, ("page", "a", "far")):
        yield Sender(_name("sandboxed", how, target), url=f"<{target}><case>/x", sandboxed=True, **how)  # type: ignore[arg-type]


def redirected() -> Iterator[Sender]:
    ways = (("page", "page"), ("page", "a"), ("page", "far"), ("a", "b"), ("a", "far"), ("far", "far"))
    for status, way, how in product((302, 307, 301, 303, 308), ways, EVERY_WAY):
        first, last = way
        is_post = how.get("method") == "POST"
        if not is_post and status != 302:
            continue  # one is like the other
        keeps_post = is_post and status in {307, 308}
        if how["by"] == "websocket" or how.get("mode") == "cors":
            continue  # not followed; the cases of fetch()
        if keeps_post and first == "page" != last:
            continue  # what becomes of Origin then is a difference
        setting = ("Set-Cookie", "way=1; SameSite=Lax; Path=<case>")
        yield _redirected(status, first, last, how, setting)


def homeward() -> Iterator[Sender]:
    for status, way, how in product((302, 307), (("far", "page"), ("far", "a"), ("a", "page")), EVERY_WAY):
        if how["by"] != "websocket" and how.get("mode") != "cors":
            yield _redirected(status, *way, how, leads_home=True)


def _redirected(
    status: int,
    first: str,
    last: str,
    how: dict[str, str],
    *headers: tuple[str, str],
    leads_home: bool = False,
) -> Sender:
    location = ("Location", f"<{last}><case>/y")
    return Sender(
        _name("redirected", how, status, first, last),
        url=f"<{first}><case>/x",
        resources=(Resource(f"{first}/x", (Answer(status, (location, *headers)),)), Resource(f"{last}/y")),
        leads_home=leads_home,
        **how,  # type: ignore[arg-type]
    )


def referrer_policies() -> Iterator[Sender]:
    for policy, target in product(get_args(ReferrerPolicy), ("page", "a", "far")):
        for how in ({"by": "form"}, *({"by": "fetch", "mode": mode} for mode in get_args(Mode))):
            if policy in {"no-referrer", "same-origin"} and how.get("mode") in {"no-cors", "same-origin"}:
                continue  # a difference
            yield Sender(
                _name("referrer policy", how, policy, target),
                url=f"<{target}><case>/x",
                method="POST",
                referrer_policy=policy,
                **how,
            )


def encodings() -> Iterator[Sender]:
    for enctype, data in product(get_args(EncType), ((), FIELDS)):
        yield Sender(
            f"encoding {enctype} {len(data)}",
            "form",
            "<a><case>/x",
            method="POST",
            enctype=enctype,
            data=data,
        )
        yield Sender(
            f"encoding GET {enctype} {len(data)}", "form", "<a><case>/x?old#here", enctype=enctype, data=data,
            resources=(Resource("a/x"),),
        )  # fmt: skip


def activated() -> Iterator[Sender]:
    methods: tuple[Literal["GET", "POST"], ...] = ("GET", "POST")
    for target, method in product(("page", "far"), methods):
        yield Sender(
            f"activated form {method} {target}", "form", f"<{target}><case>/x", method=method, activated=True
        )
    yield Sender("activated link", "link", "<far><case>/x", activated=True)


@dataclass(frozen=True)
class SenderDifference:
    """Where Chromium and the standard differ; `chromium` and `standard` are what `told` makes of them."""

    name: str
    standard_says: str
    case: Sender
    chromium: str
    standard: str


SENDER_DIFFERENCES: Final = (
    SenderDifference(
        "a fetch sends its Origin whatever its referrer policy is",
        "append a request `Origin` header: `no-referrer` makes it `null`, but not in mode cors",
        Sender("no-referrer", "fetch", "<a><case>/x", method="POST", referrer_policy="no-referrer"),
        chromium="POST a/x same-site from <page> with strict=1; lax=1; none=1",
        standard="POST a/x same-site from null with strict=1; lax=1; none=1",
    ),
    SenderDifference(
        "a websocket's handshake has no Sec-Fetch-* headers",
        "Fetch metadata: Sec-Fetch-Site, Sec-Fetch-Mode: websocket, Sec-Fetch-Dest: empty",
        Sender("websocket", "websocket", "<a><case>/x"),
        chromium="GET a/x from <page> with strict=1; lax=1; none=1",
        standard="GET a/x same-site from <page> with strict=1; lax=1; none=1",
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
        chromium=(
            "POST far/x cross-site from <page> with none=1\n"
            "POST far/y cross-site from <page> with new=1; none=1"
        ),
        standard=(
            "POST far/x cross-site from <page> with none=1\nPOST far/y cross-site from <page> with none=1"
        ),
    ),
    SenderDifference(
        "a form's POST loses its Origin when the page's own server redirects it to another one",
        "append a request `Origin` header: the page's, as long as the redirects began at its own origin",
        _redirected(307, "page", "a", {"by": "form", "method": "POST"}),
        chromium=(
            "POST page/x same-origin from <page> with strict=1; lax=1; none=1\n"
            "POST a/y same-site from null with strict=1; lax=1; none=1"
        ),
        standard=(
            "POST page/x same-origin from <page> with strict=1; lax=1; none=1\n"
            "POST a/y same-site from <page> with strict=1; lax=1; none=1"
        ),
    ),
)
