"""Routes that take cookies, security schemes or headers under a policy that does not fit them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.enforcement import has_enforcing_layer
from route_cors.insight.findings.enforcement import code_at
from route_cors.insight.findings.finding import finding_about
from route_cors.protocol import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.findings.needs import Needs
    from route_cors.policy import CORSPolicy


def find_credentials_for_anyone(facts: Facts) -> Iterator[Finding]:
    """RC005: any origin on a route that takes what identifies a user."""
    for row in facts.rows:
        if row.policy is None or not row.policy.origin_set.any:
            continue
        needs = row.needs
        found = _of_a_websocket(needs) if row.placed.kind == "websocket" else _of_a_request(needs)
        if found is not None:
            severity, reason, how = found
            fix = how if severity == "info" else f"{how}: {_naming(row)}"
            sentence = f"{row} is open to any origin, and {reason}"
            yield finding_about(row.reported, "RC005", sentence, fix, severity=severity)


def _of_a_request(needs: Needs) -> tuple[Severity, str, str] | None:
    # Browsers block every call with credentials under a `*`: the policy opens a route that no page can use
    # with them. An optional cookie, however, may be just a preference.
    if needs.sent_by_browsers:
        required = needs.ambient or needs.required_cookies
        reason = (
            f"takes {' and '.join(needs.sent_by_browsers)}: with * browsers block every call with credentials"
        )
        return "error" if required else "warning", reason, "name the origins"
    # Only a script that has the token can send it: for a public API, `*` is fine.
    if needs.tokens:
        reason = f"takes {' and '.join(needs.tokens)}: any page that has a token can use it"
        return "info", reason, "if only your own pages should call it, name their origins"
    return None


def _of_a_websocket(needs: Needs) -> tuple[Severity, str, str] | None:
    # Here credentials are sent under a `*` as well: https://websockets.spec.whatwg.org/#websocket-opening-handshake
    if not needs.sent_by_browsers:
        return None
    reason = f"takes {' and '.join(needs.sent_by_browsers)}: any page can open it as its visitor"
    return "error", reason, "name the origins"


def _naming(row: Row) -> str:
    credentials = {} if row.placed.kind == "websocket" else {"allow_credentials": True}
    return code_at(row, origins=["https://app.example.com"], **credentials)


def find_unasked_changes(facts: Facts) -> Iterator[Finding]:
    """RC011: a POST that browsers send without a preflight, as the user, from every page, and that then runs.

    If the policy allows credentials, the route may read a cookie that its signature does not name. The
    finding is less severe if the app's routes take tokens and none of them takes a cookie.
    """
    goes_by_tokens = _goes_by_tokens(facts)
    for row in facts.rows:
        policy = row.policy
        if policy is None or row.reported.is_enforced or policy.origin_set.any or "POST" not in _methods(row):
            continue
        if policy.enforce is False and has_enforcing_layer(row.reported.layers):
            continue  # RC028
        needs = row.needs
        if needs.is_sent_unasked and (needs.sent_by_browsers or policy.allow_credentials):
            yield finding_about(
                row.reported,
                "RC011",
                f"{row} accepts a POST that any page can send as its visitor, without a preflight: the policy"
                " only hides the response",
                _how_to_enforce(row, policy),
                severity="warning" if needs.sent_by_browsers or not goes_by_tokens else "info",
            )


def _how_to_enforce(row: Row, policy: CORSPolicy) -> str:
    code = code_at(row, enforce=True)
    if row.placed.in_layer and policy.enforce is None:
        everywhere = "install_cors(app, enforce=True), for all routes of the app"
        return f"refuse it before the endpoint runs: {everywhere}, or for those of this policy: {code}"
    return f"refuse it before the endpoint runs: {code}"


def _goes_by_tokens(facts: Facts) -> bool:
    rows = [row for row in facts.rows if row.speaks]
    return any(row.needs.tokens for row in rows) and not any(row.needs.sent_by_browsers for row in rows)


def _methods(row: Row) -> tuple[str, ...]:
    return row.reported.methods or ()


def find_missing_headers(facts: Facts) -> Iterator[Finding]:
    """RC015: a header that the route requires and that no preflight grants."""
    for row in facts.rows:
        if row.policy is None or row.placed.kind != "http":
            continue
        missing = [name for name in row.needs.headers if not _grants(row, name)]
        if missing:
            sentence = f"{row} requires {', '.join(missing)}, but its policy does not allow pages to send it"
            allowed = sorted({*row.policy.allow_headers, *missing})
            fix = f"allow it: {code_at(row, allow_headers=allowed)}"
            yield finding_about(row.reported, "RC015", sentence, fix)


def _grants(row: Row, name: str) -> bool:
    """Whether a preflight for that header passes; if no method passes, the header is not the problem."""
    terms = Terms(row.policy, _methods(row))
    method = next(iter(sorted(terms.methods or ())), None)
    if method is None:
        return True
    asked = (b"", method.encode(), name.lower().encode("latin-1", "replace"))
    return terms.answer_preflight(asked, origin_allowed=True).status == _GRANTED


_GRANTED: Final = 204
