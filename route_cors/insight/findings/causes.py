"""Merge findings with the same cause: fifty routes of a router share its policy, which is changed once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.facts import named
from route_cors.insight.source import is_of_a_library

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.routes import Place

# One thing is missing (the layer), whatever the policies are.
_OF_THE_APP: Final = frozenset({"RC001"})
# Found route by route, although the policy may be shared by many routes.
_OF_A_POLICY: Final = frozenset({"RC004", "RC005", "RC011", "RC015", "RC028"})


def by_cause(found: Iterable[Finding], facts: Facts) -> Iterator[Finding]:
    """The findings, merged by cause at the first of their routes; each points into the user's source."""
    rows = {id(row.reported): row for row in facts.rows}
    groups: dict[object, list[Finding]] = {}
    for finding in found:
        row = rows.get(id(finding.route))
        groups.setdefault(_cause(finding, row), []).append(finding)
    for group in groups.values():
        first = rows.get(id(group[0].route))
        yield _joined(group, [rows[id(each.route)] for each in group[1:]], first, facts)


def _cause(finding: Finding, row: Row | None) -> object:
    if finding.code in _OF_THE_APP:
        return finding.code
    # Findings about a policy or a layer already name all their routes.
    if row is None or len(finding.routes) != 1 or finding.code not in _OF_A_POLICY:
        return id(finding)
    return finding.code, finding.severity, finding.fix, row.placed.kind, id(row.placed.policy)


def _joined(group: list[Finding], others: list[Row], row: Row | None, facts: Facts) -> Finding:
    first = group[0]
    if not others:
        return replace(first, place=_in_the_users_source(first, row, facts))
    place = None if row is None else facts.place_of_declaration(row)
    return replace(
        first,
        sentence=f"{first.sentence}; the same holds for {named(others, at_most=3)}",
        place=place or _in_the_users_source(first, row, facts),
        routes=(*first.routes, *(other.reported for other in others)),
    )


def _in_the_users_source(finding: Finding, row: Row | None, facts: Facts) -> Place | None:
    place = finding.place
    if place is not None and not is_of_a_library(place.file):
        return place
    return None if row is None else facts.place_of_declaration(row)
