"""The index of one router: its routes as they are now, under the policies that it inherits."""

from __future__ import annotations

import itertools
import operator
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from route_cors.declarations import moments
from route_cors.decorators import Declared, changes, declared_policy, policy_of
from route_cors.dispatch.apps import certain_defaults_of, default_of, holds_nothing, router_of, shows_routes
from route_cors.dispatch.leaves import Entry, Mounted, Routes
from route_cors.dispatch.lost import tell_of_lost
from route_cors.dispatch.routes import (
    ROUTER_POLICY,
    Frontend,
    Registered,
    Watched,
    flatten,
    frontends_of,
    instead_of_404,
)
from route_cors.dispatch.target import MAX_MOUNTS, TOO_DEEP, Call, Target, behind, first, terms_of
from route_cors.dispatch.trails import trail_of
from route_cors.dispatch.trie import REST

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.types import Scope

    from route_cors.dispatch.leaves import Leaf
    from route_cors.protocol import Terms

# Attribute that route_cors sets on routers.
_INDEXES: Final = "_route_cors_indexes"

# Seconds after which a changed tree is noticed even if every request still finds an answer. Checking every
# included router each time would take 33 microseconds with 1,000 of them.
_RECHECK_AFTER: Final = 1.0


class Index:
    """The routes of one router, under the policies that it inherits. Mounted apps have their own."""

    def __init__(
        self, router: Any, inherited: Declared | None, default: Declared | None, beyond: Declared | None
    ) -> None:
        self.router = router
        self.inherited = first(declared_policy(router, ROUTER_POLICY), inherited)
        self.default = default
        # The default for requests that no known route of this router serves: not every layer may be on the
        # way.
        self.beyond = beyond
        self._terms: dict[tuple[Declared, frozenset[str] | None], Terms] = {}
        self.table: _Table | None = None
        self._building = threading.Lock()

    def __deepcopy__(self, memo: object) -> Index:
        """Return itself: `index_of` makes another index for a copied router, and a lock cannot be copied."""
        return self

    def resolve(self, scope: Scope, method: str | bytes, root_path: str) -> Target:
        """The target of one request; for a slash redirect, the target of that."""
        return self._find(Call.of(scope, method, root_path))

    def policies(self) -> Iterator[Declared | None]:
        """What is declared here and may decide about some request, mounted apps aside."""
        yield from (self.inherited, self.default, self.beyond, policy_of(instead_of_404(self.router)))
        yield from self.current().policies()

    def terms(self, declared: Declared | None, methods: Iterable[str] | None) -> Terms | None:
        """The terms of a policy for these methods: one object for all the paths that share them."""
        if declared is None:
            return None
        key = (declared, None if methods is None else frozenset(methods))
        terms = self._terms.get(key)
        if terms is None:
            terms = self._terms[key] = terms_of(declared, key[1])
        return terms

    def _find(
        self,
        asked: Call,
        taken: frozenset[str] = frozenset(),
        *,
        alone: bool = False,
        redirects: bool = True,
    ) -> Target:
        """The target, through all mounts; `taken` and `alone` as in `narrowed`."""
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
                    # The router that got here answers the redirect itself, whatever is there.
                    way = tuple(entry for mount in led_by for entry in mount.way)
                    return replace(target, redirects_to=redirected, asks_inside=False, way=way)
            target = index._unrouted(call, path) if leaf is None else leaf.target(call.method)
            if leaf is None or target.mounted is None:
                narrowed = index.narrowed(target, taken, call.method if alone else None)
                return behind(led_by, narrowed) if led_by else narrowed
            led_by += (target,)
            taken |= leaf.shape.taken
            call = target.mounted.enter(call, path)
            index = target.mounted.index
        return TOO_DEEP

    def narrowed(
        self, target: Target, taken: frozenset[str] = frozenset(), alone: str | None = None
    ) -> Target:
        """The target without the methods that routes before its mount serve on the same path.

        If routes were asked about one method (`alone`), nothing is known about the other methods: they must
        not be granted with it.
        """
        terms = target.terms
        if terms is None or terms.policy is None or terms.registered is None:
            return target  # a closed route grants nothing
        if not taken and alone is None:
            return target
        methods = terms.registered - taken
        granted = methods if alone is None else methods & {alone}
        return replace(target, terms=self.terms(terms.policy, granted))

    def _look_up(self, call: Call, path: str) -> tuple[Routes, Leaf | None]:
        """The leaf of the routes that match the path, if any, and the routes that it belongs to."""
        table = self.current()
        routes = table.routes[call.kind]
        leaf = routes.find(call, path)
        if (leaf is None or not leaf.shape.serves(call.method)) and table.is_outdated():
            routes = self._rebuild(table).routes[call.kind]
            leaf = routes.find(call, path)
        return routes, leaf

    def _redirected(self, call: Call, path: str, routes: Routes) -> str | None:
        """The path of the slash redirect, if there is one; `routes` are known to be up to date."""
        if call.kind != "http" or path == "/" or not getattr(self.router, "redirect_slashes", False):
            return None
        redirected = call._replace(path=call.path.rstrip("/") if path.endswith("/") else call.path + "/")
        return None if routes.find(redirected, redirected.route_path()) is None else redirected.path

    def _unrouted(self, call: Call, path: str) -> Target:
        """The target if no route matches: a frontend, or the app that the router has for that."""
        table = self.current()
        default = self.beyond if call.kind == "http" else None
        if call.kind == "http" and (frontend := table.frontend(path)) is not None:
            declared = frontend.inherited
            terms = self.terms(first(declared, default), frontend.route.methods)
            methods = frozenset(frontend.route.methods)
            return Target(frontend.route, terms, frontend.path, methods, declared=declared is not None)
        instead = instead_of_404(self.router)
        declared = first(policy_of(instead), self.inherited)
        return Target(
            instead,
            self.terms(first(declared, default), None),
            methods=frozenset() if instead is None else None,
            declared=declared is not None,
            # For a 404 too: a middleware may send the request elsewhere before it gets to the router.
            asks_inside=instead is None or not holds_nothing(instead),
        )

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
                # Do not keep the terms of removed policies.
                self._terms = {}
                # A single assignment publishes it: running requests keep the table that they have.
                self.table = table = _Table(self)
            return table


class _Table:
    """One compiled state of a router's routes. It never changes after it was published."""

    def __init__(self, index: Index) -> None:
        self.change = changes.latest
        moments.note()
        self._watched: Watched = [(index.router, tuple(index.router.routes))]
        self.routes: dict[str, Routes] = {
            "http": Routes(index, "http"),
            "websocket": Routes(index, "websocket"),
        }
        self.mounted: list[Index] = []
        self._entries: list[Entry] = []
        # By id, the object that the router records as the endpoint of a request that it led into an app.
        self.leads_to: set[int] = set()
        for order, registered in enumerate(flatten(self._watched[0][1], index.inherited, self._watched)):
            trail, is_exact = trail_of(registered.effective) if registered.is_indexed else ((REST,), False)
            mounted = _mounted(registered, index, is_exact=is_exact)
            entry = Entry(order, registered, is_exact=is_exact, mounted=mounted)
            for lost in entry.lost():
                tell_of_lost(index.router, registered.effective, lost)
            for kind in entry.kinds:
                self.routes[kind].register(trail, entry)
            self._entries.append(entry)
            if entry.mounted is not None:
                self.mounted.append(entry.mounted.index)
            if entry.leads_to is not None:
                self.leads_to.add(id(entry.leads_to))
        for routes in self.routes.values():
            routes.seal()
        self._frontends = [*frontends_of(index.router, self._watched[0][1], index.inherited, self._watched)]
        self.http = self.routes["http"]
        self.recheck_at = time.monotonic() + _RECHECK_AFTER

    def frontend(self, path: str) -> Frontend | None:
        """The directory that is served under that path; of several, the first with the longest path."""
        matching = (frontend for frontend in self._frontends if frontend.matches(path))
        return max(matching, key=_by_length, default=None)

    def policies(self) -> Iterator[Declared | None]:
        """Those of the routes."""
        for entry in self._entries:
            yield from entry.policies()
        yield from (frontend.inherited for frontend in self._frontends)

    def policies_of(self, endpoint: object, method: str) -> set[Declared | None]:
        """The policies declared for that endpoint anywhere in these routes; None if there are none."""
        entries = (entry for entry in self._entries if entry.endpoint is endpoint)
        return {entry.declared_for(method) for entry in entries}

    def is_outdated(self) -> bool:
        """Whether anything has changed, in any of the routers."""
        return self.change is not changes.latest or any(
            len(router.routes) != len(routes) or not all(map(operator.is_, router.routes, routes))
            for router, routes in self._watched
        )


def _by_length(frontend: Frontend) -> int:
    return 0 if frontend.path == "/" else len(frontend.path)


def _mounted(registered: Registered, outer: Index, *, is_exact: bool) -> Mounted | None:
    """The way into the app of a mount or host; None if that shows no routes."""
    app = registered.mounted_app
    if app is None or not shows_routes(app):
        return None
    default = first(*map(default_of, reversed(registered.around)), outer.default)
    certain = itertools.chain(*map(certain_defaults_of, reversed(registered.around)))
    beyond = first(*certain, outer.beyond)
    index = index_of(router_of(app), registered.policy(), default, beyond)
    return Mounted(registered, index, is_exact=is_exact)


def index_of(
    router: Any, inherited: Declared | None, default: Declared | None = None, beyond: Declared | None = None
) -> Index:
    """The index of a router in that position; kept on the router, so that it lives as long."""
    key = (inherited, default, beyond)
    index: Index | None = router.__dict__.get(_INDEXES, _NO_INDEXES).get(key)
    if index is not None and index.router is router:  # a copy of a router has the attributes of the original
        return index
    with _indexing:
        indexes: dict[object, Index] = router.__dict__.get(_INDEXES, _NO_INDEXES)
        index = indexes.get(key)
        if index is None or index.router is not router:
            index = Index(router, inherited, default, beyond)
            router.__dict__[_INDEXES] = {**indexes, key: index}
        return index


_NO_INDEXES: Final[dict[object, Index]] = {}
# Held while an index is put on a router: otherwise two threads could make two.
_indexing: Final = threading.Lock()
