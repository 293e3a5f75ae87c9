"""Policies that were declared and apply nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.decorators import Lost
from route_cors.dispatch.lost import misplaced_in
from route_cors.dispatch.routes import policies_of_methods
from route_cors.insight.findings.codes import CODES
from route_cors.insight.findings.finding import Finding
from route_cors.insight.printable import printable
from route_cors.insight.routes import Place

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from route_cors.declarations import Declaration
    from route_cors.insight.findings.facts import Facts, Row


def find_lost_policies(facts: Facts) -> Iterator[Finding]:
    """RC016: a decorator or a route class replaced the function that has the policy."""
    for row in facts.rows:
        policies = {row.placed.policy, *policies_of_methods(row.placed.endpoint)}
        every = {one for each in policies if isinstance(each, Lost) for one in each.declarations}
        lost = sorted(every - {*_misplaced(row)})
        if lost:
            sentence = f"{row} is closed: the policy of {_named(lost)} is lost"
            fix = "put @cors above the decorator that replaces the function, or use functools.wraps there"
            yield _finding(row, "RC016", lost[0], sentence, fix)


def find_misplaced_policies(facts: Facts) -> Iterator[Finding]:
    """RC017: a policy on a method that is called after the request was let in."""
    for row in facts.rows:
        misplaced = _misplaced(row)
        if misplaced:
            sentence = f"the policy of {_named(misplaced)} never applies to {row}"
            fix = "the method is called too late: declare the policy on the endpoint class itself"
            yield _finding(row, "RC017", misplaced[0], sentence, fix)


def _misplaced(row: Row) -> Sequence[Declaration]:
    endpoint = row.placed.endpoint
    return misplaced_in(endpoint) if isinstance(endpoint, type) else ()


def _named(declarations: Sequence[Declaration]) -> str:
    return " or ".join(printable(str(declaration)) for declaration in declarations[:3])


def _finding(row: Row, code: str, declaration: Declaration, sentence: str, fix: str) -> Finding:
    """A finding that points at the declaration, not at what is served in its place."""
    return Finding(
        code=code,
        severity=CODES[code].severity,
        sentence=sentence,
        fix=fix,
        route=row.reported,
        routes=(row.reported,),
        place=Place(declaration.file, declaration.line) if declaration.line else row.reported.place,
    )
