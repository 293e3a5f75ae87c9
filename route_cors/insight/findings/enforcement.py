"""Enforcement that leaves a route with cookies out, or that a proxy makes refuse the app's own pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from route_cors.dispatch.apps import is_installed, is_layer, wrappers_of
from route_cors.insight.describe import name_of
from route_cors.insight.enforcement import has_enforcing_layer, is_default_of_enforcing
from route_cors.insight.findings.finding import finding_about
from route_cors.insight.findings.written import as_code
from route_cors.insight.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding
    from route_cors.policy import CORSPolicy


def find_exempt_routes(facts: Facts) -> Iterator[Finding]:
    """RC028: `enforce=False` on a POST with cookies, in a layer that enforces."""
    for row in facts.rows:
        policy, needs = row.policy, row.needs
        if policy is None or policy.enforce is not False or not has_enforcing_layer(row.reported.layers):
            continue
        takes_cookies = needs.sent_by_browsers or policy.allow_credentials
        if needs.is_sent_unasked and takes_cookies and "POST" in (row.reported.methods or ()):
            taken = " and ".join(needs.sent_by_browsers) or "credentials"
            sentence = f"{row} takes {printable(taken)}, and enforce=False leaves it out of enforcement"
            fix = f"leave enforce=False out: {code_at(row, enforce=None)}"
            severity: Severity = "warning" if needs.sent_by_browsers else "info"
            yield finding_about(row.reported, "RC028", sentence, fix, severity=severity)


def code_at(row: Row, **changes: Any) -> str:
    """The policy of a route as code, with some arguments changed; a default with its layer's `enforce`."""
    policy = cast("CORSPolicy", row.policy)
    enforces = is_default_of_enforcing(policy, row.reported.layers)
    return as_code(policy, row.placed.source, in_enforcing=enforces, **changes)


def find_unknown_own_origins(facts: Facts) -> Iterator[Finding]:
    """RC029: enforcement behind a proxy whose scheme and host are not known where it decides."""
    enforced = [row for row in facts.rows if row.reported.is_enforced and row.placed.kind != "websocket"]
    if not enforced:
        return
    apps = facts.apps_of(enforced)
    around = [*wrappers_of(facts.app)]
    found = [sign for app in apps for sign in _signs(app, around if app is facts.around.app else [])]
    if not found or any(sign.is_trusted for sign in found):
        return
    sign = found[0]
    first = next((row for row in enforced if row.speaks), enforced[0])
    sentence = (
        f"{sign.words}, so enforcement may not know the scheme and host of the app's own pages:"
        " browsers that send no Sec-Fetch-Site are refused there"
    )
    fix = (
        "trust the proxy: uvicorn --proxy-headers --forwarded-allow-ips='10.0.0.1', or around the whole app: "
        "app = ProxyHeadersMiddleware(app, trusted_hosts=['10.0.0.1'])"
    )
    found_there = finding_about(first.reported, "RC029", sentence, fix)
    place = facts.source.of_layer(_PROXY_HEADERS, None) or facts.place_of(first)
    yield replace(found_there, place=place, routes=tuple(row.reported for row in enforced))


# By its name: uvicorn need not be installed.
_PROXY_HEADERS: Final = "uvicorn.middleware.proxy_headers.ProxyHeadersMiddleware"


class _Sign(NamedTuple):
    """A sign that a proxy is in front of the app.

    `is_trusted`: the headers of the proxy are trusted where enforcement decides.
    """

    words: str
    is_trusted: bool = False


def _signs(app: Any, around: Sequence[object]) -> Iterator[_Sign]:
    """The signs on one app; `around` are the middleware around it, from the outside in."""
    root_path = getattr(app, "root_path", "")
    if any(name_of(type(each)) == _PROXY_HEADERS for each in around):
        yield _Sign("ProxyHeadersMiddleware is around the app", is_trusted=True)
    is_inside = is_installed(app) or any(map(is_layer, around))
    for middleware in getattr(app, "user_middleware", ()):
        if name_of(middleware.cls) != _PROXY_HEADERS:
            is_inside = is_inside or is_layer(middleware.cls)
        elif is_inside:
            yield _Sign("ProxyHeadersMiddleware is inside of the CORS layer")
        elif middleware.args or "trusted_hosts" in middleware.kwargs:
            yield _Sign("ProxyHeadersMiddleware is outside of the CORS layer", is_trusted=True)
        else:
            yield _Sign("ProxyHeadersMiddleware trusts a proxy on 127.0.0.1 alone")
    if root_path:
        yield _Sign(f"root_path={printable(root_path)!r} says that a proxy is in front of the app")
