"""All rules, in the order of their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.callables import find_open_callables
from route_cors.insight.findings.causes import by_cause
from route_cors.insight.findings.codes import SEVERITIES
from route_cors.insight.findings.cookies import find_lost_cookies, find_open_changes
from route_cors.insight.findings.credentials import (
    find_credentials_for_anyone,
    find_missing_headers,
    find_unasked_changes,
)
from route_cors.insight.findings.declared import (
    find_closed,
    find_open_websockets,
    find_repeated_policies,
    find_routes_by_default,
)
from route_cors.insight.findings.effect import (
    find_empty_methods,
    find_hidden_routes,
    find_taken_preflights,
    find_without_effect,
)
from route_cors.insight.findings.enforcement import find_exempt_routes, find_unknown_own_origins
from route_cors.insight.findings.facts import Facts
from route_cors.insight.findings.hosts import find_local_origins, find_shared_hosts
from route_cors.insight.findings.layers import find_second_layers
from route_cors.insight.findings.lost import find_lost_policies, find_misplaced_policies
from route_cors.insight.findings.origins import (
    find_insecure_origins,
    find_loose_regexes,
    find_origins_of_every_app,
    find_wide_patterns,
)
from route_cors.insight.findings.regexes import find_slow_regexes
from route_cors.insight.findings.strangers import (
    find_any_origin_reflected,
    find_bare_strings,
    find_needless_credentials,
    find_null,
    find_unsent_origins,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.routes import Surveyed

_RULES: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    find_without_effect,
    find_hidden_routes,
    find_second_layers,
    find_taken_preflights,
    find_credentials_for_anyone,
    find_any_origin_reflected,
    find_wide_patterns,
    find_loose_regexes,
    find_insecure_origins,
    find_repeated_policies,
    find_unasked_changes,
    find_routes_by_default,
    find_open_websockets,
    find_empty_methods,
    find_missing_headers,
    find_lost_policies,
    find_misplaced_policies,
    find_null,
    find_bare_strings,
    find_unsent_origins,
    find_needless_credentials,
    find_slow_regexes,
    find_shared_hosts,
    find_local_origins,
    find_lost_cookies,
    find_open_changes,
    find_exempt_routes,
    find_unknown_own_origins,
    find_origins_of_every_app,
    find_closed,
)


def find_all(
    app: object, routes: Sequence[Surveyed], *, base_url: str | None = None, ask_callables: bool = False
) -> tuple[Finding, ...]:
    """All findings: the worst first, then in the order of the codes and of the routes.

    Args:
        app: the app, or a middleware around it.
        routes: its routes, from `survey_routes`.
        base_url: where the app is served, if known.
        ask_callables: whether origin callables are called with made-up origins, which runs the user's code;
            not possible while an event loop is running.
    """
    facts = Facts(app, routes, base_url)
    rules = (*_RULES, find_open_callables) if ask_callables else _RULES
    found = by_cause((finding for rule in rules for finding in rule(facts)), facts)
    return tuple(sorted(found, key=lambda finding: (SEVERITIES.index(finding.severity), finding.code)))
