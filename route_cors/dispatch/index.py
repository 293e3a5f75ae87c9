"""The index of one router: its routes as they are now, under the policies that it inherits."""

from __future__ import annotations

import operator
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from route_cors.decorators import Declared, NoCORS, changes, declared_policy
from route_cors.dispatch.apps import around_mount, default_of, router_of, shows_routes
from route_cors.dispatch.leaves import Entry, Mounted, Routes, unrouted_methods
from route_cors.dispatch.routes import ROUTER_POLICY, Registered, Watched, flatten
from route_cors.dispatch.target import MAX_MOUNTS, TOO_DEEP, Call, Kind, Target, behind, first
from route_cors.dispatch.trails import trail_of
from route_cors.dispatch.trie import REST
from route_cors.protocol import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

    from route_cors.dispatch.leaves import Leaf
    from route_cors.policy import CORSPolicy

__all__ = ["Index", "index_of"]

# Attribute of ours on other people's routers.
_INDEXES: Final = "_route_cors_indexes"

# Seconds after which a changed tree is noticed even where every request still finds an answer. Looking at
# every included router each time costs 33 microseconds at 1,000 of them.
_RECHECK_AFTER: Final = 1.0


class Index:
    """The routes of one router, under the policies that it inherits. Mounted apps have their own."""

    def __init__(self, router: Any, inherited: Declared | None, default: CORSPolicy | None) -> None:
        self.router = router
        self.inherited = first(declared_policy(router, ROUTER_POLICY), inherited)
        self.default = default
        self._terms: dict[tuple[Declared, frozenset[str]], Terms] = {}
        self.table: _Table | None = None
        self._building = threading.Lock()

    def __deepcopy__(self, memo: object) -> Index:
        """Itself: `index_of` gives the copy of a router an index of its own, and a lock cannot be copied."""
        return self

    def resolve(self, scope: Scope, method: str | bytes, root_path: str) -> Target:
        """The target of one request; that of its slash redirect, where there is one."""
        if isinstance(method, bytes):
            method = method.decode("latin-1")
        return self._find(Call(scope, scope["type"], method, scope["path"], root_path))

    def declared(self, entry: Entry, kind: Kind) -> Declared | None:
        """The policy of an entry. The app's default is for HTTP alone."""
        takes_default = kind == "http" and entry.takes_default
        return first(entry.declared, self.default if takes_default else None)

    def terms(self, declared: Declared | None, methods: Iterable[str]) -> Terms | None:
        """The terms of a policy for these methods: one object for all the paths that share them."""
        if declared is None:
            return None
        key = (declared, frozenset(methods))
        terms = self._terms.get(key)
        if terms is None:
            terms = Terms(None) if isinstance(declared, NoCORS) else Terms(declared, key[1])
            self._terms[key] = terms
        return terms

    def _find(
        self,
        asked: Call,
        taken: frozenset[str] = frozenset(),
        *,
        alone: bool = False,
        redirects: bool = True,
    ) -> Target:
        """The target, through all mounts; `taken` and `alone` as `_narrowed` has them."""
        index, call = self, asked
        led_by: tuple[Target, ...] = ()
        for _ in range(MAX_MOUNTS):
            path = call.route_path()
            routes, leaf = index._look_up(call, path)
            alone = alone or routes.asks_routes
            if leaf is None:
                redirected = index._redirected(call, path, routes) if redirects else None
                if redirected is not None:
                    # The browser follows to a URL that is routed from the top; the grant is for this one.
                    asked = asked._replace(path=redirected)
                    target = self._find(asked, taken, alone=alone, redirects=False)
                    return replace(target, redirects_to=redirected)
            target = index._unrouted(call.kind) if leaf is None else leaf.target(call.method)
            if leaf is None or target.mounted is None:
                narrowed = index._narrowed(target, taken, call.method if alone else None)
                return behind(led_by, narrowed) if led_by else narrowed
            led_by += (target,)
            taken |= leaf.shape.taken
            call = target.mounted.enter(call, path)
            index = target.mounted.index
        return TOO_DEEP

    def _narrowed(self, target: Target, taken: frozenset[str], alone: str | None) -> Target:
        """The target without the methods that routes before its mount serve on the same path.

        Where routes were asked about one method (`alone`), they said nothing of the others: none of these
        may be granted beside it.
        """
        terms = target.terms
        if terms is None or terms.policy is None or (not taken and alone is None):
            return target
        methods = terms.methods - taken
        granted = methods if alone is None else methods & {alone}
        return replace(target, terms=self.terms(terms.policy, granted))

    def _look_up(self, call: Call, path: str) -> tuple[Routes, Leaf | None]:
        """What the routes that match the path serve, if any does, and the routes of which that is true."""
        table = self.current()
        routes = table.routes[call.kind]
        leaf = routes.find(call, path)
        if (leaf is None or not leaf.shape.serves(call.method)) and table.is_outdated():
            routes = self._rebuild(table).routes[call.kind]
            leaf = routes.find(call, path)
        return routes, leaf

    def _redirected(self, call: Call, path: str, routes: Routes) -> str | None:
        """Where the slash redirect leads, if anywhere; `routes` were just found to be the present ones."""
        if call.kind != "http" or path == "/" or not getattr(self.router, "redirect_slashes", False):
            return None
        redirected = call._replace(path=call.path.rstrip("/") if path.endswith("/") else call.path + "/")
        return None if routes.find(redirected, redirected.route_path()) is None else redirected.path

    def _unrouted(self, kind: Kind) -> Target:
        declared = first(self.inherited, self.default if kind == "http" else None)
        return Target(None, self.terms(declared, unrouted_methods(declared)))

    def current(self) -> _Table:
        """The routes as they are now, as far as that has to be known."""
        table = self.table
        if table is None:
            return self._rebuild(None)
        if table.change is changes.latest:
            now = time.monotonic()
            if now < table.recheck_at:
                return table
            if not table.is_outdated():
                table.recheck_at = now + _RECHECK_AFTER
                return table
        if self._building.locked():
            return table  # another thread is at it: until then the old answers hold, and a miss waits
        return self._rebuild(table)

    def _rebuild(self, seen: _Table | None) -> _Table:
        with self._building:
            table = self.table
            if table is None or table is seen or table.is_outdated():  # else another thread has just built it
                # One assignment publishes it: running requests keep the table that they hold.
                self.table = table = _Table(self)
            return table


class _Table:
    """One state of a router's routes, compiled. They never change once it is published."""

    def __init__(self, index: Index) -> None:
        self.change = changes.latest
        self._watched: Watched = [(index.router, tuple(index.router.routes))]
        self.routes: dict[str, Routes] = {
            "http": Routes(index, "http"),
            "websocket": Routes(index, "websocket"),
        }
        self.mounted: list[Index] = []
        for order, registered in enumerate(flatten(self._watched[0][1], index.inherited, self._watched)):
            trail, is_exact = trail_of(registered.effective) if registered.is_indexed else ((REST,), False)
            entry = Entry(order, registered, is_exact=is_exact, mounted=_mounted(registered, index.default))
            for kind in entry.kinds:
                self.routes[kind].register(trail, entry)
            if entry.mounted is not None:
                self.mounted.append(entry.mounted.index)
        for routes in self.routes.values():
            routes.seal()
        self.http = self.routes["http"]
        self.recheck_at = time.monotonic() + _RECHECK_AFTER

    def is_outdated(self) -> bool:
        """Whether anything has changed, in any of the routers."""
        return self.change is not changes.latest or any(
            len(router.routes) != len(routes) or not all(map(operator.is_, router.routes, routes))
            for router, routes in self._watched
        )


def _mounted(registered: Registered, default: CORSPolicy | None) -> Mounted | None:
    """The way into what a mount or host leads to; None where no routes are shown there."""
    app = registered.mounted_app
    if app is None or not shows_routes(app):
        return None
    mount = registered.matcher
    own = first(*map(default_of, around_mount(mount, app)))
    index = index_of(router_of(app), registered.policy(), first(own, default))
    return Mounted(mount, app, index, registered.effective.path_regex if registered.is_indexed else None)


def index_of(router: Any, inherited: Declared | None, default: CORSPolicy | None) -> Index:
    """The index of a router in that position; kept on the router, so that it lives as long."""
    key = (inherited, default)
    index: Index | None = router.__dict__.get(_INDEXES, _NO_INDEXES).get(key)
    if index is not None and index.router is router:  # a copy of a router has the attributes of the original
        return index
    with _indexing:
        indexes: dict[object, Index] = router.__dict__.get(_INDEXES, _NO_INDEXES)
        index = indexes.get(key)
        if index is None or index.router is not router:
            index = Index(router, inherited, default)
            router.__dict__[_INDEXES] = {**indexes, key: index}
        return index


_NO_INDEXES: Final[dict[object, Index]] = {}
# Held by who puts an index on a router: two threads would make two.
_indexing: Final = threading.Lock()
