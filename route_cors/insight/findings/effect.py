"""Policies without effect: no layer applies them, or requests never reach their route."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Final

from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Host, Mount, Route, WebSocketRoute

from route_cors.insight.findings.facts import example_paths, place_of
from route_cors.insight.findings.finding import Finding, finding_about
from route_cors.protocol import Terms
from route_cors.routing import CORSRoute

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from route_cors.insight.findings.facts import Facts, Row


def find_without_effect(facts: Facts) -> Iterator[Finding]:
    """RC001: a policy that no layer applies.

    Not for `no_cors` on an opaque app, such as the inspector: it is closed without a layer too.
    """
    for row in facts.rows:
        is_declared = row.policy is not None or (row.placed.policy is not None and row.placed.kind != "mount")
        if is_declared and row.speaks and not row.reported.takes_effect:
            sentence = f"{row} has a policy, but no layer applies it"
            fix = facts.layer_fix("call install_cors(app)")
            yield finding_about(row.reported, "RC001", sentence, fix)


def find_hidden_routes(facts: Facts) -> Iterator[Finding]:
    """RC002: a policy on a route whose requests are taken by routes that were registered before it.

    Only if the policies differ: otherwise a route that is never reached does not concern CORS.
    """
    is_by_path = _by_path_alone(facts)
    for row in facts.rows:
        if row.placed.policy is None or not row.speaks or row.reported.example is None:
            continue
        if not is_by_path(row):
            continue
        for taker, methods in _takers(facts, row).items():
            if taker.placed.policy != row.placed.policy and is_by_path(taker):
                yield _hidden(row, taker, methods)


def _takers(facts: Facts, row: Row) -> dict[Row, list[str]]:
    """The routes that always serve a route's methods in its place, whatever its parameters are."""
    takers: dict[Row, list[str]] = {}
    for method in _methods(row):
        taker = facts.reached(row.reported.example or "", method, row)
        if taker is None or taker is row:
            continue
        reached = [facts.reached(path, method, row) for path in example_paths(row)]
        if reached and None not in reached and row not in reached:
            takers.setdefault(taker, []).append(method)
    return takers


def _methods(row: Row) -> tuple[str, ...]:
    if row.placed.kind == "websocket":
        return ("",)
    return _ALL_METHODS if row.reported.methods is None else row.reported.methods


# The methods that an ASGI app may serve.
_ALL_METHODS: Final = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


def _hidden(row: Row, taker: Row, methods: list[str]) -> Finding:
    is_whole = len(methods) == len(_methods(row))
    lost = f"{row} is never reached" if is_whole else f"{row} is never reached by {', '.join(methods)}"
    return finding_about(
        row.reported,
        "RC002",
        f"{lost}: {place_of(taker.reported)} comes first and has another policy",
        f"register it before {taker}, or give the two routes different paths",
        severity="error" if is_whole else "warning",
    )


def _by_path_alone(facts: Facts) -> Callable[[Row], bool]:
    """A test for routes that match by host, path and method alone.

    A route whose class overrides `matches`, and what is mounted under one, may look at headers or versions:
    example requests cannot show which requests it leaves to other routes.
    """
    choosy = [row for row in facts.rows if row.placed.kind == "mount" and _judges(row.placed.route)]
    prefixes = tuple(row.placed.path for row in choosy)

    def is_by_path(row: Row) -> bool:
        return not _judges(row.placed.route) and not (prefixes and row.placed.path.startswith(prefixes))

    return is_by_path


_KNOWN: Final = (Route, WebSocketRoute, Mount, Host, APIRoute, APIWebSocketRoute, CORSRoute)
_KNOWN_MATCHES: Final = {known.matches for known in _KNOWN}


def _judges(route: object) -> bool:
    matches = getattr(route, "matches", None)
    return not inspect.ismethod(matches) or matches.__func__ not in _KNOWN_MATCHES


def find_taken_preflights(facts: Facts) -> Iterator[Finding]:
    """RC004: an OPTIONS route that takes the preflights of a later route, without a layer to answer them."""
    first = next((row.order for row in facts.rows if _answers_options(row)), len(facts.rows))
    for row in facts.rows[first:]:
        if row.placed.kind != "http" or row.placed.policy is None or not row.reported.takes_effect:
            continue
        taker = facts.reached(row.reported.example or "", "OPTIONS", row)
        if taker is None or taker.order >= row.order or not _answers_options(taker):
            continue
        if facts.reached(row.reported.example or "", _methods(row)[0], row) is not row:
            continue  # RC002
        sentence = f"the preflights for {row} go to {place_of(taker.reported)}, which comes first"
        fix = facts.layer_fix("call install_cors(app): it answers preflights before any route does")
        yield finding_about(row.reported, "RC004", sentence, fix)


def _answers_options(row: Row) -> bool:
    """Whether it answers OPTIONS itself: a CORSRoute and a layer answer for the method that is announced."""
    serves = row.reported.methods is None or "OPTIONS" in row.reported.methods
    return serves and row.speaks and not row.placed.in_layer and not isinstance(row.placed.route, CORSRoute)


def find_empty_methods(facts: Facts) -> Iterator[Finding]:
    """RC014: a policy that names none of the methods of its routes.

    The policy of a router or an app may leave some routes out on purpose (`methods=["GET"]`: other origins
    may only read). It is a mistake if it is declared on the endpoint itself, or if no route is left.
    """
    groups: dict[int, list[Row]] = {}
    for row in facts.rows:
        if row.policy is not None and row.policy.methods is not None and row.placed.kind == "http":
            owner = row.placed.endpoint if row.placed.source == "endpoint" else row.policy
            groups.setdefault(id(owner), []).append(row)
    for rows in groups.values():
        if not any(map(_grants_methods, rows)):
            yield _without_methods(rows[0])


def _grants_methods(row: Row) -> bool:
    methods = row.reported.methods
    return methods is None or bool(Terms(row.policy, methods).methods)


def _without_methods(row: Row) -> Finding:
    named = ", ".join((row.policy and row.policy.methods) or ())
    sentence = f"the policy of {row} allows only {named}, which the route does not serve: it grants nothing"
    fix = "leave methods out: the policy then applies to the methods of the route"
    return finding_about(row.reported, "RC014", sentence, fix)
