"""All rules, in the order of their codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.credentials import (
    find_credentials_for_anyone,
    find_missing_headers,
    find_unasked_changes,
)
from route_cors.insight.findings.declared import (
    find_open_networks,
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
from route_cors.insight.findings.facts import Facts
from route_cors.insight.findings.finding import SEVERITIES, Finding
from route_cors.insight.findings.layers import find_second_layers
from route_cors.insight.findings.lost import find_lost_policies, find_misplaced_policies
from route_cors.insight.findings.origins import (
    find_insecure_origins,
    find_loose_regexes,
    find_wide_patterns,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from route_cors.insight.routes import Surveyed

__all__ = ["find_all"]

_RULES: Final[tuple[Callable[[Facts], Iterator[Finding]], ...]] = (
    find_without_effect,
    find_hidden_routes,
    find_second_layers,
    find_taken_preflights,
    find_credentials_for_anyone,
    find_wide_patterns,
    find_loose_regexes,
    find_open_networks,
    find_insecure_origins,
    find_repeated_policies,
    find_unasked_changes,
    find_routes_by_default,
    find_open_websockets,
    find_empty_methods,
    find_missing_headers,
    find_lost_policies,
    find_misplaced_policies,
)


def find_all(app: object, routes: Sequence[Surveyed]) -> tuple[Finding, ...]:
    """All findings, the worst first, then in the order of the codes and of the routes.

    Args:
        app: the app, or a middleware around it.
        routes: what `survey_routes` says of it.
    """
    facts = Facts(app, routes)
    found = [finding for rule in _RULES for finding in rule(facts)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))
