"""The findings on generated apps (generated_apps.py): no errors, and no route called hidden that is not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from drawn import drawn
from generated_apps import Probe, Program, build, cases
from hypothesis import given

from route_cors import report
from route_cors.decorators import NoCORS
from route_cors.dispatch.resolver import Resolver
from route_cors.insight.routes import survey_routes
from route_cors.insight.survey import surrounded

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.insight import Finding, Report, ReportedRoute
    from route_cors.insight.survey import Placed

# A tenth of what the dispatcher's own properties see: each app gets a whole report.
EXAMPLES: Final = max(100, int(os.environ.get("ROUTE_CORS_EXAMPLES", "0")) // 10)
generated = drawn(EXAMPLES)
EVERY_LAYER: Final = ("install_cors", "add_middleware", "none")


def scope_of(kind: str, path: str, method: str, host: str | None) -> Scope:
    scope = {
        "type": kind,
        "path": path,
        "root_path": "",
        "headers": [(b"host", (host or "h.example").encode())],
    }
    return scope | ({"method": method} if kind == "http" else {})


def hidden(found: Report) -> list[tuple[ReportedRoute, Finding]]:
    return [
        (finding.route, finding) for finding in found.findings if finding.code == "RC002" and finding.route
    ]


def methods_of(placed: Placed) -> list[str]:
    if placed.kind == "websocket":
        return [""]
    return sorted(placed.methods) if placed.methods else ["GET", "POST"]


def in_force(target: Any) -> Any:
    return None if target.terms is None else target.terms.policy


@generated
@given(cases(*EVERY_LAYER))
def test_what_is_reported_holds_unless_it_is_said_to_be_hidden(case: tuple[Program, list[Probe]]) -> None:
    app = build(case[0]).app
    found = report(app)
    surveyed = survey_routes(app)
    assert tuple(each.reported for each in surveyed) == found.routes
    default = surrounded(app).default
    said = [route for route, _ in hidden(found)]
    for each in surveyed:
        placed = each.placed
        example = each.reported.example
        if placed.shows_routes or example is None or placed.policy is None or each.reported in said:
            continue
        kind = "websocket" if placed.kind == "websocket" else "http"
        for method in methods_of(placed):
            scope = scope_of(kind, example, method, each.reported.host)
            target = Resolver(app, default).resolve(scope, method)
            if target.route is placed.route and target.path == placed.path:
                expected = None if isinstance(placed.policy, NoCORS) else placed.policy
                assert in_force(target) == expected


@generated
@given(cases(*EVERY_LAYER))
def test_no_request_gets_to_a_route_that_is_said_to_be_hidden(case: tuple[Program, list[Probe]]) -> None:
    program, probes = case
    app = build(program).app
    surveyed = survey_routes(app)
    by_route: dict[tuple[int, str], list[ReportedRoute]] = {}
    for each in surveyed:
        by_route.setdefault((id(each.placed.route), each.reported.path), []).append(each.reported)
    said = hidden(report(app))
    for probe in probes:
        for kind, method in (("http", probe.method), ("websocket", "")):
            target = Resolver(app).resolve(scope_of(kind, probe.path, method, probe.host), method)
            served = by_route.get((id(target.route), target.path), [])
            if len(served) != 1:
                continue
            for route, finding in said:
                if route is served[0]:
                    assert finding.severity == "warning", finding
                    assert f"by {method}" not in finding.sentence
                    assert f", {method}" not in finding.sentence
