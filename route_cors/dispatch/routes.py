"""How FastAPI and Starlette keep routes, and which policy is declared on each. No other module knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import fastapi.routing
from starlette.endpoints import HTTPEndpoint
from starlette.routing import BaseRoute, Host, Match, Mount, Route, WebSocketRoute

from route_cors.decorators import Declared, declared_policy, policy_of
from route_cors.dispatch.apps import has_layer, router_of, shows_routes
from route_cors.dispatch.target import first

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch.target import Call

__all__ = [
    "DECIDED",
    "ROUTER_POLICY",
    "Registered",
    "Source",
    "Watched",
    "ask",
    "asks_its_base",
    "declares_policies",
    "flatten",
    "frontends_of",
    "methods_of",
]

# Scope key: a layer further out has found a policy and does the work. It holds the terms.
DECIDED: Final = "route_cors"
# Attribute of a router, and of the route class that a CORSRouter gives its routes: the declared policy.
ROUTER_POLICY: Final = "cors"

# FastAPI 0.137 made `router.routes` a tree of these; before, include_router copied the routes.
_IncludedRouter: Any = getattr(fastapi.routing, "_IncludedRouter", ())
_CONTEXT_KEY: Final = getattr(
    fastapi.routing, "_FASTAPI_EFFECTIVE_ROUTE_CONTEXT_KEY", "effective_route_context"
)

# The implementations of `matches` that the index stands in for. Any other is asked itself.
_indexed_matches: set[Any] = {
    route_class.__dict__["matches"]
    for route_class in (
        Route,
        WebSocketRoute,
        Mount,
        fastapi.routing.APIRoute,
        fastapi.routing.APIWebSocketRoute,
    )
}
_transparent_matches: set[Any] = set()

Source = Literal["endpoint", "mount", "router", "mounted app", "app"]
"""What a policy was declared on. `app` and `mounted app`: it is the default of that app."""

# Routers, and the routes that each had.
Watched = list[tuple[Any, tuple[BaseRoute, ...]]]
_Override = TypeVar("_Override", bound=Callable[..., Any])


def asks_its_base(matches: _Override) -> _Override:
    """Mark an override of `matches` that gives its base class's answer, preflights aside."""
    _transparent_matches.add(matches)
    return matches


def flatten(
    candidates: Iterable[Any],
    inherited: Declared | None,
    watched: Watched,
    inherited_from: Source = "router",
) -> Iterator[Registered]:
    """The routes in the order in which the router tries them, depth first; `watched` gets the routers."""
    for candidate in candidates:
        if isinstance(candidate, _IncludedRouter):
            router = candidate.original_router
            watched.append((router, tuple(router.routes)))
            own = declared_policy(router, ROUTER_POLICY)
            nearest, source = (inherited, inherited_from) if own is None else (own, "router")
            yield from flatten(candidate.effective_candidates(), nearest, watched, source)
        else:
            yield Registered.of(candidate, inherited, inherited_from)


@dataclass(frozen=True, slots=True)
class Registered:
    """A route as it was declared, as it stands in the tree (prefix applied), and what it inherits.

    `matcher` is what is asked: an included API route is matched by the original, under FastAPI's view of it,
    the `context`. `is_indexed` tells whether the trie may stand in for its `matches`.
    """

    declared: Any
    effective: Any
    context: Any
    inherited: Declared | None
    inherited_from: Source
    matcher: Any
    is_indexed: bool

    @classmethod
    def of(cls, candidate: Any, inherited: Declared | None, inherited_from: Source) -> Registered:
        """Read one item of a router's routes."""
        # FastAPI's view of an included route has the original: API routes are matched through the view,
        # others are rebuilt. Not "no BaseRoute": a router serves whatever has `matches` and `handle`.
        outer = (inherited, inherited_from)
        original = getattr(candidate, "original_route", None)
        if original is None:
            return cls(candidate, candidate, None, *outer, candidate, _is_indexed(candidate))
        rebuilt = candidate.starlette_route
        if rebuilt is not None:
            return cls(original, rebuilt, None, *outer, rebuilt, _is_indexed(rebuilt))
        return cls(original, candidate, candidate, *outer, original, _is_indexed(original))

    @property
    def mounted_app(self) -> Any:
        """The app of a mount or host, without the mount's own middleware; None for any other route."""
        matcher = self.matcher
        return getattr(matcher, "_base_app", matcher.app) if isinstance(matcher, Mount | Host) else None

    def policy(self) -> Declared | None:
        """The innermost that is declared."""
        return first(*(declared for _, declared in self.declarations()))

    def declarations(self) -> Iterator[tuple[Source, Declared | None]]:
        """Innermost first: the endpoint or app itself, the router it was declared on, those around it."""
        app = self.mounted_app
        if app is not None:
            yield "mount", first(policy_of(app), policy_of(self.matcher.app))
        else:
            yield "endpoint", policy_of(self.endpoint)
            yield "router", _carried_by(self.declared)
        yield self.inherited_from, self.inherited

    @property
    def endpoint(self) -> Any:
        """What serves the request: a function, a class, the app of a mount; else the route itself."""
        app = self.mounted_app
        return getattr(self.effective, "endpoint", self.matcher) if app is None else app


def frontends_of(router: Any) -> Iterator[tuple[str, Any]]:
    """The directories that `FastAPI.frontend` serves where no route matches, each with its path.

    To the dispatcher they are what any 404 is: the policies of included routers do not reach them.
    """
    groups = [("", group) for group in getattr(router, "_low_priority_routes", ())]
    for candidate in router.routes:
        contexts: Any = getattr(candidate, "effective_low_priority_routes", tuple)()
        groups += [(context.frontend_prefix, context.original_route) for context in contexts]
    for prefix, group in groups:
        yield from ((prefix + frontend.path, frontend) for frontend in group.routes)


def declares_policies(app: object) -> bool:
    """Whether it is a layer of ours, an app with one, or one whose routes carry policies or may lead to some.

    Not by its index: what is mounted may be the very app whose index is being built.
    """
    if has_layer(app):
        return True
    router = router_of(app)
    inherited = declared_policy(router, ROUTER_POLICY)
    return inherited is not None or any(
        registered.policy() is not None or shows_routes(registered.mounted_app)
        for registered in flatten(router.routes, inherited, [])
    )


def methods_of(endpoint: Any) -> frozenset[str] | None:
    """The methods that an endpoint class defines; None for any other ASGI app."""
    if not (isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint)):
        return None
    defined = {method.upper() for method in _ENDPOINT_METHODS if getattr(endpoint, method, None) is not None}
    return frozenset(defined | {"HEAD"} if "GET" in defined else defined)


# The handlers that HTTPEndpoint looks for (`query` from Starlette 1.0 on).
_ENDPOINT_METHODS: Final = ("get", "head", "post", "put", "patch", "delete", "options", "query")


def _carried_by(route: Any) -> Declared | None:
    """The policy of the CORSRouter that a route was declared on, through every include_router.

    API routes carry it in their class, websocket routes in a dependency. An including router puts its
    dependencies before theirs: the last one is the innermost.
    """
    carriers: list[object] = [route.__class__]
    if isinstance(route, fastapi.routing.APIWebSocketRoute):
        carriers += [depends.dependency for depends in reversed(route.dependencies)]
    return first(*(declared_policy(carrier, ROUTER_POLICY) for carrier in carriers))


def _is_indexed(route: BaseRoute) -> bool:
    """Whether the trie may stand in for the route's `matches`."""
    if "matches" in getattr(route, "__dict__", ()):
        return False
    for route_class in type(route).__mro__:
        matches = route_class.__dict__.get("matches")
        if matches is not None and matches not in _transparent_matches:
            return matches in _indexed_matches
    return False


def ask(route: BaseRoute, call: Call, context: Any) -> tuple[Match, Scope]:
    """The verdict of the route's own `matches` on the request, with that method, at that place."""
    scope = dict(call.scope)
    scope.update(type=call.kind, method=call.method, path=call.path, root_path=call.root_path, path_params={})
    # A fresh state for FastAPI's matching, and a CORSRoute must not ask us again.
    scope["fastapi"] = {} if context is None else {_CONTEXT_KEY: context}
    scope[DECIDED] = True
    try:
        match, child_scope = route.matches(scope)
    except Exception:  # noqa: BLE001 - a convertor that raises is the app's 500 to make, not ours
        return Match.NONE, {}
    return match, dict(child_scope)
