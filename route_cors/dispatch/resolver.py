"""R(path, method, host): the route to which the app itself would dispatch a request, for a layer.

The path is resolved as the router will see it. A request that has got here needs no permission from further
out, but a preflight does: it is only granted if the request that it announces would be led to exactly the
route that grants it.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from starlette._utils import get_route_path
from starlette.applications import Starlette

from route_cors.decorators import Declared, changes, no_cors, policy_of
from route_cors.dispatch.apps import (
    NO_ROUTES,
    certain_defaults_of,
    default_of,
    hands_all_on,
    is_layer,
    root_path_inside,
    router_of,
    shows_routes,
    wrappers_of,
)
from route_cors.dispatch.index import index_of
from route_cors.dispatch.routes import ask
from route_cors.dispatch.target import CLAIM, Call, Target, first

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from route_cors.dispatch.index import Index

# Scope key: the CORSRouter that was called as an ASGI app, and the app around it at that time.
ENTERED: Final = "route_cors.entered"
# Scope key: the views of the layers further out that passed a preflight on.
_VIEWS: Final = "route_cors.views"
# Scope key: the endpoint that the scope had when a CORSRoute was asked whether it matches, which is the app
# that a mount led to. When the route is called, it is the route's own.
LED_BY: Final = "route_cors.led_by"

# Where a request with a given method goes, and where the request goes that a preflight announces.
_View = tuple["Callable[[str | bytes], Target]", Target]


class Resolver:
    """R(path, method, host), as one layer asks for it, request by request.

    `app` is the app inside of the layer; `default` applies if nothing else is declared.
    """

    def __init__(self, app: object = None, default: Declared | None = None) -> None:
        self._around = app
        self._wrappers = [*wrappers_of(app)]
        # The app inside a middleware inside the layer, which has not been there to name itself in the scope.
        self._further_in = next(filter(shows_routes, self._wrappers), None)
        self._default = default
        # The app of the last request and its index, if the index alone determines where the next one goes.
        self._seen: tuple[object, Index | None] = (None, None)

    def resolve_http(self, scope: Scope, method: str | bytes) -> Target:
        """The route to which the app itself would dispatch that HTTP request.

        `scope` is the request's; `method` the one to resolve for, as the scope has it, or in bytes, as a
        preflight announces another.
        """
        app, index = self._seen
        if (
            index is None
            or (table := index.table) is None
            or scope.get("app") is not app
            or "router" in scope
            or table.change is not changes.latest
            or (now := time.monotonic()) >= table.recheck_at
        ):
            return self.resolve(scope, method)
        root_path = scope.get("root_path")
        path = get_route_path(scope) if root_path else scope["path"]
        # `Trie.end_of` inlined: the call would be 2 % of a whole preflight.
        node = table.http.start
        for segment in path.split("/", table.http.depth):
            node = node.one_way.get(segment, node.otherwise)
        leaf = node.leaf
        # The `$` of a route's regex also matches before a last newline, and `{x:path}` stops at any.
        if leaf is not None and "\n" not in path and (leaf.regex is None or leaf.regex.match(path)):
            owner = leaf.owners.get(method, leaf.otherwise)
            if owner is not None:
                target = leaf.targets[owner]
                if target.mounted is None:
                    return target
                inside = None if root_path or leaf.owners else _inside(target, path, method, now)
                if inside is not None:
                    return inside
        return index.resolve(scope, method, root_path or "")

    def resolve(self, scope: Scope, method: str | bytes) -> Target:
        """As `resolve_http`, the long way, also for handshakes (with the method "")."""
        app = self._app_of(scope)
        sent_root_path = scope.get("root_path", "")
        is_entered_later = app is self._around or app is self._further_in
        root_path = root_path_inside(app, sent_root_path) if is_entered_later else sent_root_path
        index = self._index_of(app)
        if "router" not in scope:
            self._seen = (scope.get("app"), index if root_path == sent_root_path else None)
            return index.resolve(scope, method, root_path)
        return self._resolve_inside(scope, method, app, index, root_path).uncertain()

    def _resolve_inside(
        self, scope: Scope, method: str | bytes, app: object, index: Index, root_path: str
    ) -> Target:
        """R for a layer behind a router that led the request here."""
        # Around something that shows no routes, behind a router that has led the request here?
        has_passed = self._further_in is None and (
            index.router is scope["router"] or id(scope.get("endpoint")) in index.current().leads_to
        )
        if has_passed:
            index = index_of(NO_ROUTES, None, self._default, self._default)
        index = _led_to(index, scope.get("endpoint"), scope)
        if CLAIM in scope:
            return _narrowed(index.resolve(scope, method, root_path), index, scope, method)
        # FastAPI(root_path=...) behind a Host route: what the top saw is overwritten, and mostly none.
        is_overwritten = not has_passed and "app_root_path" not in scope and root_path_inside(app, "")
        on_top = policy_of(app) if has_passed else policy_of(scope["router"])
        top = _from_top(scope, method, "" if is_overwritten else root_path, on_top)
        return _under(top, index, scope, method, root_path)

    def leave_view(self, scope: Scope, target: Target) -> None:
        """Show layers further in where requests with other methods go from here, for preflight grants.

        The scope is copied, as routers on the way write to it.
        """
        app = self._app_of(scope)
        root_path = scope.get("root_path", "")
        root_path = root_path if app is scope.get("app") else root_path_inside(app, root_path)
        view = _view_of(self._index_of(app), dict(scope), root_path)
        scope[_VIEWS] = (*scope.get(_VIEWS, ()), (view, target))

    def warm_up(self, scope: Scope) -> set[Declared | None]:
        """Build the index before the first request needs it, including those of mounted apps.

        Returns all policies in them.
        """
        pending = [self._index_of(self._app_of(scope))]
        known: set[Index] = set()
        while pending:
            index = pending.pop()
            if index not in known:
                known.add(index)
                pending += index.current().mounted
        return {self._default, *(declared for index in known for declared in index.policies())}

    def scope_at(self, scope: Scope, target: Target, method: str | bytes) -> Scope:
        """The scope as the route of the target will have it, for a layer that may be outside of the app."""
        app = self._app_of(scope)
        seen = dict(scope)
        if app is self._around or app is self._further_in:
            seen["app"] = app
            seen["root_path"] = root_path_inside(app, scope.get("root_path", ""))
        return scope_at(seen, target, method)

    def _app_of(self, scope: Scope) -> object:
        """The object with the routes: the innermost visible one, or the app whose router it is."""
        app = scope.get("app")
        inside = self._further_in
        is_inside_its_app = inside is None or router_of(app) is router_of(inside)
        return app if is_inside_its_app and shows_routes(app) else inside

    def _index_of(self, app: object) -> Index:
        on_app = first(policy_of(app), *map(policy_of, reversed(self._wrappers)))
        # Of several layers around one app, the innermost default applies, whichever layer is asked.
        inside = [default_of(wrapper) for wrapper in reversed(self._wrappers)]
        default = first(default_of(app), *inside, self._default)
        # A layer that is not known to be in front of all others only uses its own default.
        certain = certain_defaults_of(app)
        is_in_front = self._further_in is not None and (
            isinstance(self._further_in, Starlette) or self._default in certain
        )
        # The same holds for layers behind another middleware, but not for those behind the frameworks' own.
        users = itertools.dropwhile(hands_all_on, self._wrappers)
        next_to_it = [*map(default_of, itertools.takewhile(is_layer, users))]
        beyond = first(*(certain if is_in_front else ()), *reversed(next_to_it), self._default)
        return index_of(router_of(app), on_app, default, beyond)


def resolve_at_route(scope: Scope, method: str | bytes) -> Target:
    """As a Resolver, for a route: its router has been passed already."""
    root_path = scope.get("root_path", "")
    router, on_app = passed_router(scope)
    if router is scope.get("router"):
        return _from_top(scope, method, root_path, on_app)[1]
    index = _led_to(index_of(router, on_app), scope.get(LED_BY, scope.get("endpoint")), scope)
    if "router" not in scope or CLAIM in scope:
        return _narrowed(index.resolve(scope, method, root_path), index, scope, method)
    top = _from_top(scope, method, root_path, policy_of(scope["router"]))
    return _under(top, index, scope, method, root_path)


def _led_to(index: Index, mounted: object, scope: Scope) -> Index:
    """The index under the policy of the mount that led here, which Starlette notes as the endpoint.

    Behind something that shows no routes, no index further out has it, and if it is declared on a wrapper of
    the app, neither has that of the app. What the outermost router sees needs no such note.
    """
    if index.inherited is not None or mounted is None or "router" not in scope:
        return index
    declared = first(*map(policy_of, reversed([*wrappers_of(mounted)])))
    top = scope["router"]
    if declared is None or id(mounted) in index_of(top, policy_of(top)).current().leads_to:
        return index
    return index_of(index.router, declared, index.default, index.beyond)


def passed_router(scope: Scope) -> tuple[Any, Declared | None]:
    """The router that led the request here, and the policy that is declared on its app."""
    app = scope.get("app")
    entered, outer = scope.get(ENTERED, (None, None))
    if entered is not None and outer is app:
        return entered, None
    return router_of(app), policy_of(app)


def declared_in(router: Any, endpoint: object, method: str) -> set[Declared]:
    """The policies declared for an endpoint in that router or in routers that it includes."""
    policies = index_of(router, None).current().policies_of(endpoint, method)
    return {declared for declared in policies if declared is not None}


def _from_top(scope: Scope, method: str | bytes, root_path: str, on_app: Declared | None) -> _View:
    """R for the outermost router, with the root path that it saw."""
    view = _view_of(index_of(scope["router"], on_app), scope, scope.get("app_root_path", root_path))
    return view, view(method)


def _view_of(index: Index, scope: Scope, root_path: str) -> Callable[[str | bytes], Target]:
    return lambda method: index.resolve(scope, method, root_path)


def _under(top: _View, index: Index, scope: Scope, method: str | bytes, root_path: str) -> Target:
    """R behind another router: only that one knows the routes before the mount that led here.

    A private route on the same path would serve the request that a preflight announces.
    """
    _, above = top
    here = _narrowed(index.resolve(scope, method, root_path), index, scope, method, top)
    if above.is_known and not above.agrees_with(here):
        # The announced request is served elsewhere, and has to be answered there.
        return replace(above, terms=None) if isinstance(method, bytes) else here
    if above.redirects_to is not None:
        return above
    if above.is_known or index.router is NO_ROUTES:
        return here if above.terms is None else replace(above, asks_inside=here.asks_inside)
    if not above.declared or above.terms is None:
        return here
    # The routes in there are not visible from the top, and inherit what is declared on the way.
    inherited = first(index.inherited, above.terms.policy or no_cors)
    index = index_of(index.router, inherited, index.default, index.beyond)
    return _narrowed(index.resolve(scope, method, root_path), index, scope, method, top)


def _narrowed(target: Target, index: Index, scope: Scope, method: str | bytes, *views: _View) -> Target:
    """The target of the announced request, without the methods that would not get here.

    A browser caches a grant for the URL: it must not apply to a route further out that serves such a method.
    """
    if not isinstance(method, bytes) or target.terms is None:
        return target
    views = (*views, *scope.get(_VIEWS, ()))
    others = (target.terms.methods or frozenset()) - {method.decode("latin-1")}
    taken = {other for other in others if any(view(other).route is not led.route for view, led in views)}
    return index.narrowed(target, frozenset(taken))


def _inside(mount: Target, path: str, method: str | bytes, now: float) -> Target | None:
    """The short way through a mount; None if the long way is needed."""
    mounted = mount.mounted
    table = None if mounted is None else mounted.index.table
    if (
        mounted is None
        or mounted.prefix is None
        or table is None
        or table.change is not changes.latest
        or now >= table.recheck_at
    ):
        return None
    path = path[mounted.prefix :]
    node = table.http.start
    for segment in path.split("/", table.http.depth):
        node = node.one_way.get(segment, node.otherwise)
    leaf = node.leaf
    if leaf is None or (leaf.regex is not None and not leaf.regex.match(path)):
        return None
    owner = leaf.owners.get(method, leaf.otherwise)
    if owner is None:
        return None
    found = leaf.targets[owner]
    if found.mounted is None:
        return mounted.seen_from_outside(mount, found)
    inside = None if leaf.owners else _inside(found, path, method, now)
    return None if inside is None else mounted.seen_from_outside(mount, inside)


def scope_at(scope: Scope, target: Target, method: str | bytes) -> Scope:
    """The scope as the route of the target will have it: its parameters, app and root path.

    For code that reads the request before it gets there. It does what the router will do, on a copy.
    """
    if target.endpoint is not None and scope.get("endpoint") is target.endpoint:
        return scope  # it is there
    seen = dict(scope)
    for entry in target.way:
        call = Call.of(seen, method, seen.get("root_path", ""))
        seen.update(ask(entry.matcher, call, entry.context)[1])
        if entry.mounted is not None:
            seen["root_path"] = root_path_inside(entry.mounted.app, seen["root_path"])
            if isinstance(entry.mounted.app, Starlette):
                seen["app"] = entry.mounted.app
    return seen
