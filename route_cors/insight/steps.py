"""A request of an explained call, as a step: each check in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from route_cors.decorators import no_cors
from route_cors.insight.describe import policy_in_words
from route_cors.insight.explanation import Check, Step
from route_cors.insight.grant_checks import grant_checks
from route_cors.insight.others import checks_of_others, speaks_for_cors
from route_cors.insight.printable import shortened
from route_cors.insight.rulings import allowed, own_origin, ruling_checks
from route_cors.insight.without_cors import checks_without_cors
from route_cors.judging import sender_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from route_cors.decorators import Declared
    from route_cors.insight.attempt import Attempt, Sent
    from route_cors.insight.explanation import StepName
    from route_cors.insight.handled import Handled
    from route_cors.insight.routes import Surveyed
    from route_cors.insight.site import Site
    from route_cors.protocol import Terms

_WRITTEN_BY_US = ("access-control-", "vary")
# Headers that have nothing to do with CORS.
_OF_THE_TRANSPORT = frozenset({"connection", "upgrade", "sec-websocket-version", "sec-websocket-key"})


def step_of(site: Site, attempt: Attempt, sent: Sent) -> Step:
    """One request of an attempt, with all its checks.

    Args:
        site: of the app.
        attempt: the attempt.
        sent: one of its requests.
    """
    checks = [*_route_checks(site, attempt, sent.handled), *ruling_checks(attempt, sent)]
    if attempt.call.as_ != "fetch":
        checks += [*checks_of_others(attempt, sent), *checks_without_cors(attempt, sent)]
    elif attempt.is_same_origin:
        detail = f"{attempt.call.origin} is the app's own origin: CORS does not apply"
        checks.append(Check("origin", passed=True, detail=detail))
    else:
        checks += checks_of_others(attempt, sent)
        checks += [*_policy_checks(attempt.call.origin, sent), *_browser_checks(attempt, sent)]
    return Step(
        name=_name_of_step(sent.handled),
        request=f"{sent.request.method} {sent.request.url}",
        request_headers=_request_headers(attempt, sent),
        checks=tuple(_with_one_failure(checks) if _is_refused(attempt, sent) else checks),
        answered_by=_answered_by(sent),
        status=None if sent.handled.is_endpoints_own or sent.unknown else sent.response.status_code,
        response_headers=() if sent.unknown else _response_headers(sent),
    )


def _is_refused(attempt: Attempt, sent: Sent) -> bool:
    return not attempt.goes_through and sent is attempt.last


def _with_one_failure(checks: Iterable[Check]) -> Iterator[Check]:
    """The checks of a refused request: those after the failed one are shown as not failed.

    The exceptions are the origin, the method and the headers: each of them is checked, and may fail.
    """
    failed: Check | None = None
    for check in checks:
        is_of_its_own = failed is None or failed.name == check.name or {failed.name, check.name} <= _ALL_ASKED
        if check.passed is not False or failed is None or is_of_its_own:
            failed = check if failed is None and check.passed is False else failed
            yield check
        elif check.name == "response":
            yield Check("response", passed=None, detail=f"refused, because of the {failed.name}")
        elif check.name == "credentials":
            # https://fetch.spec.whatwg.org/#concept-cors-check: after the origin.
            yield Check("credentials", passed=None, detail=f"not checked, because of the {failed.name}")
        else:
            yield replace(check, passed=None)


_ALL_ASKED = frozenset({"origin", "method", "headers"})


def declared(terms: Terms | None) -> Declared | None:
    """The policy that these terms were made from."""
    if terms is None:
        return None
    return no_cors if terms.policy is None else terms.policy


def where_declared(surveyed: Surveyed | None) -> str:
    """Where the policy of a route was declared, in words that follow "declared".

    Args:
        surveyed: the route; the mount, if no route in it matches; None if nothing matches.
    """
    reported = None if surveyed is None else surveyed.reported
    source = None if reported is None else reported.source
    if reported is not None and source == "endpoint":
        return f"on the endpoint {reported.endpoint}" + (
            "" if reported.place is None else f" ({reported.place})"
        )
    return _WHERE_DECLARED[source]


_WHERE_DECLARED = {
    "mount": "on the mounted app",
    "router": "on its router",
    "app": "as the app's default",
    "mounted app": "as the default of the mounted app",
    None: "for the app as a whole",
}


def _name_of_step(handled: Handled) -> StepName:
    if handled.preflight is not None:
        return "preflight"
    return "websocket" if handled.is_websocket else "actual"


def _request_headers(attempt: Attempt, sent: Sent) -> tuple[tuple[str, str], ...]:
    by_script = {name.lower() for name, _ in attempt.call.headers}
    # The browser adds one if the script sets none.
    left_out = _OF_THE_TRANSPORT | ({"accept"} - by_script)
    return tuple(header for header in sent.request.headers.raw if header[0].lower() not in left_out)


def _answered_by(sent: Sent) -> str | None:
    """The name of what answers; None if that is not known."""
    handled = sent.handled
    if sent.unknown:
        return None
    if handled.is_answered_by_us:
        return "route_cors"
    if handled.answered_by is not None:
        return handled.answered_by.name
    return "endpoint" if handled.is_endpoints_own or handled.is_websocket else "app"


def _response_headers(sent: Sent) -> tuple[tuple[str, str], ...]:
    headers = sent.response.headers.raw
    if sent.handled.is_answered_by_us:
        return headers
    return tuple(header for header in headers if header[0].lower().startswith(_WRITTEN_BY_US))


# The route, and its policy


def _route_checks(site: Site, attempt: Attempt, handled: Handled) -> list[Check]:
    route, policy = _route(site, handled), _policy(handled, site.find(handled.target))
    if handled.refused_for is not None and not handled.is_websocket:
        # Enforcement refuses it, wherever it goes.
        route, policy = (replace(each, passed=each.passed or None) for each in (route, policy))
    elif attempt.call.as_ != "fetch":
        # Nothing asks for a policy.
        policy = replace(policy, passed=policy.passed or None)
    return [route, policy, _layer(handled)]


def _route(site: Site, handled: Handled) -> Check:
    detail = _where_it_goes(site, handled)
    if handled.preflight is not None and handled.carrier is None and handled.answered_by is None:
        detail += f"; the preflight itself {_where_the_preflight_goes(site, handled)}"
    is_found = handled.target.route is not None and handled.is_served
    # If another layer answers first, the missing route is not the reason.
    return Check("route", is_found if handled.answered_by is None else is_found or None, detail)


def _where_it_goes(site: Site, handled: Handled) -> str:
    target = handled.target
    if target.route is None:
        inside = f" in what is mounted at {target.path}" if target.path else ""
        kind = "websocket route" if handled.is_websocket else "route"
        return f"no {kind} for {shortened(handled.scope['path'])}{inside}{_instead(handled)}"
    redirected = (
        "" if target.redirects_to is None else f"redirected to {shortened(target.redirects_to)} (307); "
    )
    serves = f"{target.path or '/'} is {site.name_of(target)}"
    if target.methods is None:
        said = f"{serves}, an ASGI app that shows no routes: how it answers is not known"
    elif not handled.is_served:
        is_alone = frozenset(handled.beside.methods) == target.methods
        said = f"{serves}, for" if is_alone else f"the routes of {target.path or '/'} are for"
        said += f" {', '.join(handled.beside.methods)} and not for {shortened(handled.method)} (405)"
    else:
        said = serves
    return redirected + said


def _instead(handled: Handled) -> str:
    told = instead_in_words(handled)
    return "" if told is None else f"; {told}"


def instead_in_words(handled: Handled) -> str | None:
    """How to ask for what is at the path: a websocket instead of an HTTP route, or the other way round."""
    asked = handled.beside.instead
    if asked is None:
        return None
    kind = "an HTTP" if handled.is_websocket else "a websocket"
    return f"{kind} route is here: explain {asked} {shortened(handled.scope['path'])}"


def _where_the_preflight_goes(site: Site, handled: Handled) -> str:
    receiver = handled.receiver
    if receiver.route is None:
        return "finds no route (404)"
    if receiver.redirects_to is not None:
        return "is redirected (307)"
    if receiver.methods is not None and "OPTIONS" not in receiver.methods:
        return "finds no route for OPTIONS (405)"
    return f"goes to {site.name_of(receiver)}"


def _policy(handled: Handled, surveyed: Surveyed | None) -> Check:
    policy = declared(handled.target.terms)
    if policy is None:
        by_others = speaks_for_cors(handled) or handled.answered_by is not None
        detail = "no policy of route_cors applies here" if by_others else "no policy applies here"
        return Check("policy", passed=None if by_others else False, detail=detail)
    where = where_declared(surveyed)
    if policy is no_cors:
        return Check("policy", passed=False, detail=f"{policy_in_words(policy)}, declared {where}")
    return Check("policy", passed=True, detail=f"{policy_in_words(policy)}; declared {where}")


def _layer(handled: Handled) -> Check:
    has_policy = handled.target.terms is not None
    if handled.carrier is not None and handled.answered_by is not None and not handled.is_asked:
        detail = f"it is not reached: {handled.answered_by.name} is outside of it, and answers"
        return Check("layer", passed=False if has_policy else None, detail=detail)
    if handled.carrier == "route":
        return Check("layer", passed=True, detail="the route applies its policy itself")
    if handled.carrier == "layer":
        if handled.is_enforced and not has_policy:
            return Check("layer", passed=True, detail="the CORS layer enforces, and does nothing else here")
        detail = "applies the policy" if has_policy else "does nothing without a policy"
        return Check("layer", has_policy or None, f"the CORS layer {detail}")
    if not has_policy:
        return Check("layer", passed=None, detail="there is no CORS layer around the route")
    goes_elsewhere = handled.receiver.route is not handled.target.route
    why = "the preflight goes elsewhere" if goes_elsewhere else "there is none around the route"
    return Check("layer", passed=False, detail=f"no CORS layer applies the policy: {why}")


# The checks of the policy


def _policy_checks(origin: str, sent: Sent) -> Iterator[Check]:
    handled = sent.handled
    terms = handled.target.terms
    is_preflight = handled.preflight is not None
    if handled.is_websocket and handled.refused_for is not None:
        yield Check("origin", passed=False, detail=_refused_words(origin, handled))
        return
    if terms is None or not handled.is_decided:
        yield Check("origin", passed=None, detail="no policy applies")
        if is_preflight:
            yield Check("method", passed=None, detail="no policy applies")
            yield Check("headers", passed=None, detail="no policy applies")
        return
    yield _origin(origin, sent)
    if is_preflight:
        yield from grant_checks(handled, terms)


def _refused_words(origin: str, handled: Handled) -> str:
    """Why a websocket is refused: what its policy and the rule looked at."""
    own = own_origin(sender_of(handled.scope))
    refused = f"{origin} is not {allowed(handled)}"
    return f"{refused}, and the app's own origin is {own}; refused with a 403 before the endpoint runs"


def _origin(origin: str, sent: Sent) -> Check:
    handled = sent.handled
    said = allowed(handled)
    if _OF_ITS_ORIGIN.isdisjoint(handled.failed):
        return Check("origin", passed=True, detail=f"{origin} is {said}")
    return Check("origin", passed=False, detail=f"{origin} is not {said}")


# Enforcement refuses for the site what no policy allows.
_OF_ITS_ORIGIN = frozenset({"origin", "site"})


# The checks of the browser


def _browser_checks(attempt: Attempt, sent: Sent) -> Iterator[Check]:
    if not sent.handled.is_websocket:
        yield _credentials(attempt, sent)
    if attempt.blocked is None or not _is_refused(attempt, sent):
        yield Check("response", passed=True, detail="passes the browser's own check")
    else:
        reason = attempt.blocked.reason
        yield Check("response", passed=False, detail=reason.rpartition("blocked by CORS policy: ")[2])


def _credentials(attempt: Attempt, sent: Sent) -> Check:
    if not attempt.call.credentials:
        return Check("credentials", passed=None, detail="none are asked for")
    headers = sent.response.headers
    if headers.get("access-control-allow-origin") == "*":
        return Check("credentials", passed=False, detail="never with Access-Control-Allow-Origin: *")
    granted = headers.get("access-control-allow-credentials") == "true"
    has = "has" if granted else "lacks"
    return Check("credentials", granted, f"the response {has} Access-Control-Allow-Credentials: true")
