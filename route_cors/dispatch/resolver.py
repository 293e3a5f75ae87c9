"""R(path, method, host): the route to which the app itself would dispatch a request, as a layer asks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from starlette._utils import get_route_path

from route_cors.decorators import changes, policy_of
from route_cors.dispatch.apps import NO_ROUTES, root_path_inside, router_of, shows_routes, wrappers_of
from route_cors.dispatch.index import index_of

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch.index import Index
    from route_cors.dispatch.target import Target
    from route_cors.policy import CORSPolicy

__all__ = ["Resolver", "resolve"]


class Resolver:
    """R(path, method, host), as one layer asks for it, request by request.

    `app` is what the layer stands around (None: a route asks, which stands around nothing); `default` holds
    where nothing else is declared.
    """

    def __init__(self, app: object = None, default: CORSPolicy | None = None) -> None:
        self._around = app
        # The app inside a middleware inside the layer, which has not been there to name itself in the scope.
        self._further_in = next(filter(shows_routes, wrappers_of(app)), None)
        self._default = default
        # The app of the last request, and its index, where that alone says where the next one goes.
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
            or time.monotonic() >= table.recheck_at
        ):
            return self.resolve(scope, method)
        path = get_route_path(scope) if scope.get("root_path") else scope["path"]
        # `Trie.end_of`, without the call, which is 2 % of a whole preflight.
        node = table.http.start
        for segment in path.split("/", table.http.depth):
            node = node.one_way.get(segment, node.otherwise)
        leaf = node.leaf
        # The `$` of a route's regex also matches before a last newline, and `{x:path}` stops at any.
        if leaf is not None and "\n" not in path and (leaf.regex is None or leaf.regex.match(path)):
            owner = leaf.owners.get(method)
            if owner is not None:
                return leaf.targets[owner]
        return index.resolve(scope, method, scope.get("root_path", ""))

    def resolve(self, scope: Scope, method: str | bytes) -> Target:
        """As `resolve_http`, the long way, and for handshakes as well (whose method is "")."""
        app = self._app_of(scope)
        sent_root_path = scope.get("root_path", "")
        is_entered_later = app is self._around or app is self._further_in
        root_path = root_path_inside(app, sent_root_path) if is_entered_later else sent_root_path
        if "router" in scope:
            return self._resolve_inside(scope["router"], scope, method, app, root_path)
        index = self._index_of(app)
        target = index.resolve(scope, method, root_path)
        self._seen = (scope.get("app"), index if root_path == sent_root_path else None)
        return target

    def warm_up(self, scope: Scope) -> None:
        """Build the index before the first request asks for it, that of mounted apps included."""
        pending = [self._index_of(self._app_of(scope))]
        known: set[Index] = set()
        while pending:
            index = pending.pop()
            if index not in known:
                known.add(index)
                pending += index.current().mounted

    def _app_of(self, scope: Scope) -> object:
        return self._around if shows_routes(self._around) else scope.get("app", self._further_in)

    def _index_of(self, app: object) -> Index:
        return index_of(router_of(app), policy_of(app), self._default)

    def _resolve_inside(
        self, outermost: Any, scope: Scope, method: str | bytes, app: object, root_path: str
    ) -> Target:
        """R behind another router, which alone knows what is registered before the mount that led here.

        A private route on the same path would serve the request that a preflight announces. The router is
        asked with the root path that it saw, and overruled where it cannot know better.
        """
        router = router_of(app)
        inner = NO_ROUTES if router is outermost else router
        on_app = None if inner is NO_ROUTES else policy_of(app)
        seen_from_here = index_of(inner, on_app, self._default).resolve(scope, method, root_path)
        if inner is router and "app_root_path" not in scope and root_path_inside(app, ""):
            # FastAPI(root_path=...) behind a Host route: what the top saw is overwritten.
            return seen_from_here
        on_top = policy_of(app) if inner is NO_ROUTES else None
        seen_from_top = index_of(outermost, on_top, None).resolve(
            scope, method, scope.get("app_root_path", root_path)
        )
        if seen_from_top.terms is None and (
            seen_from_top.opaque or seen_from_top.route is seen_from_here.route
        ):
            return seen_from_here
        if seen_from_top.opaque and seen_from_top.route is not seen_from_here.route:
            # A middleware hides what is in there. Whatever is declared there is further in than what the top
            # knows; a default is not, and what was closed out there would be opened by it.
            declared_here = index_of(inner, on_app, None).resolve(scope, method, root_path)
            return seen_from_top if declared_here.terms is None else declared_here
        return seen_from_top


def resolve(
    scope: Scope, method: str | bytes, *, app: object = None, default: CORSPolicy | None = None
) -> Target:
    """What a Resolver says, for those who ask once."""
    return Resolver(app, default).resolve(scope, method)
