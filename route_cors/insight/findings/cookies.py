"""Cookies that an app sets and browsers do not send, and cookies that browsers send for any site."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from route_cors.insight.describe import name_of
from route_cors.insight.findings.facts import named
from route_cors.insight.findings.finding import finding_about
from route_cors.insight.findings.grantors import grantors
from route_cors.insight.findings.hosts import named_origins
from route_cors.insight.foreign import UnknownLayer
from route_cors.insight.printable import printable
from route_cors.origins import is_loopback, parse_origin
from route_cors.suffixes import public_suffix_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.findings.grantors import Grantor
    from route_cors.insight.routes import Place
    from route_cors.insight.source import Call


@dataclass(frozen=True, slots=True)
class _SetCookie:
    """Something that sets cookies.

    `same_site`: in lower case; None if it is not known.
    """

    what: str
    same_site: str | None
    place: Place | None


# By its name: its module needs itsdangerous, which may not be installed.
_SESSIONS: Final = "starlette.middleware.sessions.SessionMiddleware"
_SAME_SITE_ALONE: Final = frozenset({"lax", "strict"})


def _cookies_set(facts: Facts, apps: Iterable[object]) -> Iterator[_SetCookie]:
    for app in apps:
        for middleware in getattr(app, "user_middleware", ()):
            if name_of(middleware.cls) == _SESSIONS:
                place = facts.source.of_layer(_SESSIONS, None, app)
                same_site = middleware.kwargs.get("same_site", "lax")
                yield _SetCookie("SessionMiddleware", str(same_site).lower(), place)
    for call in facts.source.near("set_cookie"):
        yield _SetCookie("set_cookie", _same_site(call), call.place)


def sets_cookies(facts: Facts, rows: Iterable[Row]) -> bool:
    """Whether something is known to set cookies for these routes."""
    return any(True for _ in _cookies_set(facts, facts.apps_of(rows)))


# Of set_cookie(key, value, max_age, expires, path, domain, secure, httponly, samesite).
_BEFORE_SAME_SITE: Final = 8


def _same_site(call: Call) -> str | None:
    written = call.argument("samesite")
    if written is None:
        is_default = len(call.node.args) <= _BEFORE_SAME_SITE and call.is_plain
        return "lax" if is_default else None
    value = call.value(written)
    return value.lower() if isinstance(value, str) else None


def find_lost_cookies(facts: Facts) -> Iterator[Finding]:
    """RC026: credentials for origins of other sites, although all cookies are same-site cookies."""
    for grantor in grantors(facts):
        cookies = [*_cookies_set(facts, facts.apps_of(grantor.rows))] if grantor.credentials else []
        if cookies and all(cookie.same_site in _SAME_SITE_ALONE for cookie in cookies):
            yield from _lost(grantor, cookies[0], facts.base_url)


def _lost(grantor: Grantor, cookie: _SetCookie, base_url: str | None) -> Iterator[Finding]:
    sites: dict[str, str] = {}
    for text, origin in named_origins(grantor):
        if not is_loopback(origin.host):
            sites.setdefault(_site(origin.host), text)
    same = f"SameSite={str(cookie.same_site).capitalize()}"
    fix = f"{cookie.what}(..., {_ARGUMENTS[cookie.what]}), and enforce=True, as any site can send it then"
    if base_url is not None:
        own = _site(parse_origin(base_url).host)
        others = [text for site, text in sites.items() if site != own]
        if others:
            shown = ", ".join(others[:_MOST_SHOWN])
            sentence = f"{shown} gets no cookies: {cookie.what} sets {same}, and {own} is another site"
            yield _placed(grantor.about("RC026", sentence, fix), cookie)
    elif len(sites) > 1:
        shown = ", ".join([*sites.values()][:_MOST_SHOWN])
        sentence = f"{cookie.what} sets {same}, but {shown} are different sites: at most one gets cookies"
        yield _placed(grantor.about("RC026", sentence, fix, severity="info"), cookie)


_MOST_SHOWN: Final = 3
_ARGUMENTS: Final = {
    "SessionMiddleware": "same_site='none', https_only=True",
    "set_cookie": "samesite='none', secure=True",
}


def _placed(finding: Finding, cookie: _SetCookie) -> Finding:
    return replace(finding, place=cookie.place or finding.place)


def _site(host: str) -> str:
    """https://html.spec.whatwg.org/#same-site, schemes aside."""
    return public_suffix_list().privatesuffix(host) or host


def find_open_changes(facts: Facts) -> Iterator[Finding]:
    """RC027: POST routes that take cookies and have no policy; one finding for all of them."""
    rows = [row for row in facts.rows if row.placed.policy is None and _takes_post_as_user(row)]
    rows = [row for row in rows if not (row.reported.is_enforced or any(map(_is_guard, row.reported.layers)))]
    if not rows:
        return
    cookies = [*_cookies_set(facts, facts.apps_of(rows))]
    is_kept_in = bool(cookies) and all(cookie.same_site in _SAME_SITE_ALONE for cookie in cookies)
    certain = [row for row in rows if row.needs.ambient or (row.needs.required_cookies and not is_kept_in)]
    first = (certain or rows)[0]
    ordered = [first, *(row for row in rows if row is not first)]
    severity: Severity = "warning" if certain else "info"
    taken = " and ".join(first.needs.sent_by_browsers)
    sentence = (
        f"{first} takes {printable(taken)}, and has neither a policy nor enforcement{_and(ordered[1:])}"
    )
    fix = (
        "refuse what other sites send before the endpoint runs: install_cors(app, enforce=True);"
        " @cors(origins=['https://app.example.com'], allow_credentials=True) names whose pages may send it"
    )
    found = finding_about(first.reported, "RC027", sentence, fix, severity=severity)
    yield replace(found, place=facts.place_of(first), routes=tuple(row.reported for row in ordered))


def _and(rows: Sequence[Row]) -> str:
    return f"; the same holds for {named(rows, at_most=3)}" if rows else ""


def _takes_post_as_user(row: Row) -> bool:
    needs = row.needs
    is_post = row.placed.kind == "http" and "POST" in (row.reported.methods or ())
    return is_post and bool(needs.sent_by_browsers) and needs.is_sent_unasked and not needs.tokens


def _is_guard(layer: Any) -> bool:
    return isinstance(layer, UnknownLayer) and any(word in layer.name.lower() for word in _GUARDS)


_GUARDS: Final = ("csrf", "xsrf")
