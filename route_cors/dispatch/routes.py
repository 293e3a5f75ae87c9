"""How FastAPI and Starlette keep routes, and which policy is declared on each. Only this module knows."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar, cast

import fastapi.routing
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute

from route_cors.decorators import Declared, declared_policy, policy_of
from route_cors.dispatch.apps import is_layer, shows_routes, wrappers_of
from route_cors.dispatch.lost import policy_at
from route_cors.dispatch.target import CLAIM, first

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch.target import Call

# Attribute of a router, and of the route class that a CORSRouter gives its routes: the declared policy.
ROUTER_POLICY: Final = "cors"

# What the handlers of most endpoints declare: one object for all of them.
NO_POLICIES: Final[Mapping[Declared, frozenset[str]]] = {}

# FastAPI 0.137 made `router.routes` a tree of these; before, include_router copied the routes.
_IncludedRouter: Any = getattr(fastapi.routing, "_IncludedRouter", ())
_FrontendRouteGroup: Any = getattr(fastapi.routing, "_FrontendRouteGroup", ())
_CONTEXT_KEY: Final = getattr(
    fastapi.routing, "_FASTAPI_EFFECTIVE_ROUTE_CONTEXT_KEY", "effective_route_context"
)

# The implementations of `matches` that the index replaces. Any other one is called.
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
"""Where a policy was declared. `app` and `mounted app`: it is the default of that app."""

# Routers, and the routes that each had.
Watched = list[tuple[Any, tuple[BaseRoute, ...]]]
_Override = TypeVar("_Override", bound=Callable[..., Any])


def asks_its_base(matches: _Override) -> _Override:
    """Mark an override of `matches` that gives the same answer as its base class, except for preflights."""
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
        if not isinstance(candidate, _IncludedRouter):
            yield Registered.of(candidate, inherited, inherited_from)
            continue
        router = candidate.original_router
        watched.append((router, tuple(router.routes)))
        own = declared_policy(router, ROUTER_POLICY)
        nearest, source = (inherited, inherited_from) if own is None else (own, "router")
        if _matches_its_own_way(router):
            # Its `matches` is called, and only the router itself knows what it serves.
            yield Registered(candidate, candidate, None, nearest, source, candidate, is_indexed=False)
        else:
            yield from flatten(candidate.effective_candidates(), nearest, watched, source)


def _matches_its_own_way(router: Any) -> bool:
    """Whether the class of an included router, or the router itself, overrides how it chooses a route."""
    names = ("matches", "handle")
    own = cast("dict[str, object]", vars(router))
    usual = fastapi.APIRouter
    router_class: Any = router.__class__
    return any(name in own for name in names) or any(
        getattr(router_class, name, None) is not getattr(usual, name, None) for name in names
    )


class Registered(NamedTuple):
    """A route as it was declared, as it is in the tree (prefix applied), and what it inherits.

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
    def around(self) -> tuple[Any, ...]:
        """The objects that a mount or host leads to, outermost first: middleware, wrappers, the app."""
        matcher = self.matcher
        if not isinstance(matcher, Mount | Host):
            return ()
        app = getattr(matcher, "_base_app", matcher.app)
        inside = [*wrappers_of(app)]
        # The mount's own middleware may not show the app inside of it.
        outside = [wrapper for wrapper in wrappers_of(matcher.app) if all(wrapper is not it for it in inside)]
        return (*outside, *inside)

    @property
    def mounted_app(self) -> Any:
        """The innermost visible app of a mount or host; None for any other route."""
        around = self.around
        if not around or shows_routes(around[-1]):
            return around[-1] if around else None
        return getattr(self.matcher, "_base_app", self.matcher.app)

    @property
    def is_wrapped(self) -> bool:
        """Whether there is something around a mounted app that is not a layer of route_cors."""
        outermost = self.around[0]
        return outermost is not self.mounted_app and not is_layer(outermost)

    def policy(self) -> Declared | None:
        """The innermost declared policy."""
        return first(*(declared for _, declared in self.declarations()))

    def declarations(self) -> Iterator[tuple[Source, Declared | None]]:
        """Innermost first: the endpoint or app itself, the router it was declared on, those around it."""
        if self.mounted_app is not None:
            yield "mount", first(*map(policy_of, reversed(self.around)))
        else:
            yield "endpoint", policy_at(self.endpoint)
            yield "router", _carried_by(self.declared)
        yield self.inherited_from, self.inherited

    @property
    def endpoint(self) -> Any:
        """What serves the request: a function, a class, the app of a mount; else the route itself."""
        app = self.mounted_app
        return getattr(self.effective, "endpoint", self.matcher) if app is None else app


class Frontend(NamedTuple):
    """A directory that `frontend()` serves if no route matches, and its path in the router."""

    path: str
    route: Any
    inherited: Declared | None
    inherited_from: Source

    def matches(self, path: str) -> bool:
        """Whether it serves that path."""
        return self.path in ("/", path) or path.startswith(self.path + "/")


def frontends_of(
    router: Any,
    routes: Iterable[Any],
    inherited: Declared | None,
    watched: Watched,
    inherited_from: Source = "router",
    *,
    within: Any = None,
) -> Iterator[Frontend]:
    """The directories that a router and those that it includes serve where no route matches, in its order.

    `routes` are the router's own, `within` is how it is included; None if it is the one that is asked.
    """
    prefix = "" if within is None else within.include_context.prefix
    for group in getattr(router, "_low_priority_routes", ()):
        if not isinstance(group, _FrontendRouteGroup):
            continue  # nothing public puts one there; what it serves is known when it has served it
        watched.append((group, tuple(group.routes)))
        for route in group.routes:
            path = prefix if prefix and route.path == "/" else prefix + route.path
            yield Frontend(path, route, inherited, inherited_from)
    for candidate in routes:
        if isinstance(candidate, _IncludedRouter):
            included = candidate.original_router
            own = declared_policy(included, ROUTER_POLICY)
            nearest, source = (inherited, inherited_from) if own is None else (own, "router")
            within_it = candidate.effective_candidates()
            yield from frontends_of(included, within_it, nearest, watched, source, within=candidate)


def instead_of_404(router: Any) -> Any:
    """The ASGI app of a router for requests that no route matches; None if it is the usual 404."""
    if not isinstance(router, Router) or getattr(router.default, "__func__", None) is Router.not_found:
        return None
    return router.default


def declared_on(route: Any) -> Declared | None:
    """The policy of a route itself: of its endpoint, or of the CORSRouter that it was declared on."""
    return first(policy_at(getattr(route, "endpoint", None)), _carried_by(route))


def methods_of(endpoint: Any) -> frozenset[str] | None:
    """The methods that an endpoint class defines; None for any other ASGI app."""
    if not _is_endpoint_class(endpoint):
        return None
    defined = {method.upper() for method in _ENDPOINT_METHODS if getattr(endpoint, method, None) is not None}
    return frozenset(defined | {"HEAD"} if "GET" in defined else defined)


def policies_of_methods(endpoint: Any) -> Mapping[Declared, frozenset[str]]:
    """The policies on the handlers of an endpoint class, each with the methods that it is about."""
    if not _is_endpoint_class(endpoint):
        return NO_POLICIES
    policies: dict[Declared, frozenset[str]] = {}
    for method in methods_of(endpoint) or ():
        # In Starlette, `get` answers HEAD if `head` is not defined.
        handler = getattr(endpoint, method.lower(), None) or endpoint.get
        declared = policy_at(handler)
        if declared is not None:
            policies[declared] = policies.get(declared, frozenset()) | {method}
    return policies


def _is_endpoint_class(endpoint: Any) -> bool:
    return isinstance(endpoint, type) and issubclass(endpoint, HTTPEndpoint)


def leads_to_app(route: object, endpoint: Any) -> bool:
    """Whether the endpoint of a route is an ASGI app, which may contain a part of route_cors.

    For Starlette, a function in a `functools.partial` is not an app. FastAPI calls whatever it is
    given.
    """
    if isinstance(route, fastapi.routing.APIRoute | fastapi.routing.APIWebSocketRoute):
        return False
    while isinstance(endpoint, functools.partial):
        endpoint = endpoint.func
    view: type[Any] = endpoint if isinstance(endpoint, type) else object
    is_view = issubclass(view, HTTPEndpoint | WebSocketEndpoint)
    return not (is_view or inspect.isfunction(endpoint) or inspect.ismethod(endpoint))


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
    """Whether the trie may replace the route's `matches`."""
    if "matches" in getattr(route, "__dict__", ()):
        return False
    for route_class in type(route).__mro__:
        matches = route_class.__dict__.get("matches")
        if matches is not None and matches not in _transparent_matches:
            return matches in _indexed_matches
    return False


def ask(route: BaseRoute, call: Call, context: Any) -> tuple[Match, Scope]:
    """The result of the route's own `matches` for the request, with that method, at that place."""
    scope = dict(call.scope)
    scope.update(type=call.kind, method=call.method, path=call.path, root_path=call.root_path)
    # A fresh state for FastAPI's matching, and a CORSRoute must not ask us again.
    scope["fastapi"] = {} if context is None else {_CONTEXT_KEY: context}
    scope[CLAIM] = True
    try:
        match, child_scope = route.matches(scope)
    except Exception:  # noqa: BLE001 - a convertor that raises is the app's 500 to make, not ours
        return Match.NONE, {}
    return match, dict(child_scope)
