"""Declared and missing policies that deserve a second look."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from route_cors.decorators import NoCORS
from route_cors.insight.findings.facts import label, named, place_of
from route_cors.insight.findings.finding import finding_about

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding


def find_repeated_policies(facts: Facts) -> Iterator[Finding]:
    """RC010: equal policies that are written more than once: one may be changed and the other forgotten."""
    for policy, rows in facts.policies:
        spelled: dict[int, str] = {}
        for row in rows:
            if id(row.policy) not in spelled:
                spelled[id(row.policy)] = _declaration(row)
        if policy == facts.around.default:
            spelled.setdefault(id(facts.around.default), "the default of the app")
        if len(spelled) > 1:
            places = ", ".join(spelled.values())
            sentence = f"the same policy is written {len(spelled)} times: {places}"
            fix = f"write it once, and use it everywhere: SHARED = {policy!r}"
            yield finding_about(rows[0].reported, "RC010", sentence, fix)


def _declaration(row: Row) -> str:
    match row.placed.source:
        case "endpoint":
            return place_of(row.reported)
        case "app":
            return "the default of the app"
        case "mounted app":
            return f"the default of the mounted app of {label(row.reported)}"
        case _:
            return f"the {row.placed.source} of {label(row.reported)}"


def find_routes_by_default(facts: Facts) -> Iterator[Finding]:
    """RC012: routes that may have been forgotten: one finding for each default."""
    groups: dict[int, list[Row]] = {}
    for row in facts.rows:
        is_by_default = row.placed.source in {"app", "mounted app"}
        opens = row.policy is not None and bool(row.policy.origins)
        if is_by_default and opens and row.speaks and not row.is_documentation:
            groups.setdefault(id(row.policy), []).append(row)
    for rows in groups.values():
        whose = "the app's default" if rows[0].placed.source == "app" else "a mounted app's default"
        sentence = f"only because of {whose}, other origins may call {named(rows, 10)}"
        fix = "if that is intended, declare it with @cors(...); if not, close them with @no_cors"
        found = finding_about(rows[0].reported, "RC012", sentence, fix)
        place = facts.place_of_declaration(rows[0])
        yield replace(found, place=place, routes=tuple(row.reported for row in rows))


def find_closed(facts: Facts) -> Iterator[Finding]:
    """RC034: a policy without origins, and an app whose default closes what has no policy."""
    for policy, rows in facts.policies:
        if not policy.origins:
            shown = [row for row in rows if not row.is_documentation]
            where = named(shown, 10) if shown else "whatever has no policy of its own"
            sentence = f"the policy has no origins, so it allows nobody: {where}"
            fix = "if that is intended, write no_cors; if not, look at the setting that the origins come from"
            found = finding_about(rows[0].reported if rows else None, "RC034", sentence, fix)
            yield replace(found, place=facts.place_of_policy(policy, rows))
    if isinstance(facts.around.default, NoCORS):
        sentence = "the app's default is no_cors: routes without a policy are closed to other origins"
        found = finding_about(None, "RC034", sentence, "open single routes with @cors(origins=[...])")
        yield replace(found, place=facts.source.of_layer_of_ours(facts.around.app))


def find_open_websockets(facts: Facts) -> Iterator[Finding]:
    """RC013: a websocket without a policy: every page can open it, with its visitor's cookies."""
    for row in facts.rows:
        if row.placed.kind == "websocket" and row.placed.policy is None:
            sentence = f"{row} has no policy: any page can open it, with its visitor's cookies"
            fix = "write @cors(origins=['https://app.example.com']), or @no_cors to allow only its own pages"
            yield finding_about(row.reported, "RC013", sentence, fix)
