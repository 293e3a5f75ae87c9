"""Route sets made to be ambiguous, where an index is left with what a router does: to try them all."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Match, Route

from apps import POLICY, bare, layer
from route_cors import cors
from row import Row, Target, compared
from scopes import actual_headers, fresh_scopes, preflight_headers
from timing import added_by, calls_of, interleave, net, own_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request

    from timing import Chunk

__all__ = ["overlaps"]

_DEPTH = 10
_SAME = 2_000

_LAYER = "RouteCORSMiddleware"
_SCAN = "Starlette's scan"


def overlaps(seconds: float) -> Iterator[Row]:
    """A whole preflight, and what is added to a request, against Starlette's trying of its routes."""
    # Every path of ten segments matches some: a literal or a parameter stands in each place.
    patterns = Starlette(routes=[_route(steps, "GET") for steps in product(("a", None), repeat=_DEPTH)])
    # One pattern, again and again: whoever announces the last method has all of them tried.
    same = Starlette(routes=[_route((None,) * 3, f"M{each}") for each in range(_SAME)])
    sets = {f"{2**_DEPTH:,} patterns of depth {_DEPTH}": patterns, f"{_SAME:,} routes of one pattern": same}
    cases = [
        (patterns, "/a" * _DEPTH, "PUT", "matched by all, served by none"),
        (patterns, "/b" + "/a" * (_DEPTH - 1), "PUT", "matched by half of them, served by none"),
        (patterns, "/b" * _DEPTH, "GET", "served by the last"),
        (same, "/a/b/c", "PUT", "matched by all, served by none"),
        (same, "/a/b/c", f"M{_SAME - 1}", "served by the last"),
    ]
    names = {id(app): name for name, app in sets.items()}
    share = seconds / (2 * len(cases) + 2)
    for app, path, method, what in cases:
        name = f"{names[id(app)]}, {what}"
        yield _preflight_against_scan(name, app, path, method, share, Target(1))
        yield _request_against_scan(name, app, path, method, share, Target(1))
    # The router stops at the first that serves it; a preflight's answer lists the methods of all.
    name = f"{names[id(patterns)]}, matched by all, served by the first"
    yield _preflight_against_scan(name, patterns, "/a" * _DEPTH, "GET", share)
    yield _request_against_scan(name, patterns, "/a" * _DEPTH, "GET", share)


def _preflight_against_scan(
    what: str, app: Starlette, path: str, method: str, seconds: float, target: Target | None = None
) -> Row:
    fresh_scope = fresh_scopes(app, "OPTIONS", path, preflight_headers(method.encode()))
    subjects = {_LAYER: own_time((layer(bare), fresh_scope)), _SCAN: _scan(app, path, method)}
    return compared(f"preflight, {what}", interleave(subjects, seconds), _LAYER, _SCAN, target)


def _request_against_scan(
    what: str, app: Starlette, path: str, method: str, seconds: float, target: Target | None = None
) -> Row:
    fresh_scope = fresh_scopes(app, method, path, actual_headers())
    subjects = {_LAYER: added_by((layer(bare), fresh_scope), bare), _SCAN: _scan(app, path, method)}
    return compared(f"actual request, {what}", interleave(subjects, seconds), _LAYER, _SCAN, target)


def _scan(app: Starlette, path: str, method: str) -> Chunk:
    """What Starlette's router does to find the route, and no more."""
    routes = app.router.routes
    fresh_scope = fresh_scopes(app, method, path, [])

    def scan() -> object:
        scope = fresh_scope()
        partial = None
        for route in routes:
            match, _ = route.matches(scope)
            if match is Match.FULL:
                return route
            if match is Match.PARTIAL and partial is None:
                partial = route
        return partial

    return net(calls_of(scan), calls_of(fresh_scope))


def _route(steps: tuple[str | None, ...], method: str) -> Route:
    path = "".join(f"/{step or f'{{p{place}}}'}" for place, step in enumerate(steps))
    return Route(path, _endpoint, methods=[method])


@cors(POLICY)
async def _endpoint(request: Request) -> Response:
    return Response()
