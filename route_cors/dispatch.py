"""The route index: (path, method, host) -> the route that the app itself would run, and its CORS terms.

The index is built from the registered routes and says what the router would say, without asking it: the
first full match in registration order, else the first partial one (a 405), else the target of the slash
redirect, else no route. This is the only module that knows how FastAPI and Starlette keep their routes.

How it works: the paths of a router, included routers and all, form a trie of their segments (trie.py):
literals, parameters, and tails or rests for what may span segments (`path` convertors, mounts, hosts). It
gives the few routes that could match. Where a route is made of literals, plain `{x}` and a plain `{x:path}`
at its end, reaching that is the match; else its own regex decides, and a route whose class overrides
`matches` is asked. A mount leads to the index of the mounted app. Rejected: longest-prefix or regex rules
of our own, which is how libraries come to hold a second opinion on paths (flask-cors CVE-2024-6839, -6844,
-6866).

Most requests take the short way, `Resolver.resolve_http`: the index is fresh, and the path can end at one
place alone. Whatever is not as plain as that takes the long way, which gives the same answer.
"""

from __future__ import annotations

import operator
import re
import reprlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar, cast

import fastapi.routing
from fastapi import FastAPI
from starlette import convertors
from starlette._utils import get_route_path
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.routing import PARAM_REGEX, BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute

from route_cors.decorators import Declared, NoCORS, changes, declared_policy, policy_of
from route_cors.policy import CORSPolicy
from route_cors.protocol import UNROUTED_METHODS, Terms
from route_cors.trie import PARAMETER, REST, TAIL, Node, Trie

if TYPE_CHECKING:
    from starlette.types import Scope

__all__ = [
    "DECIDED",
    "ROUTER_POLICY",
    "Placed",
    "Resolver",
    "Source",
    "Surrounded",
    "Target",
    "asks_its_base",
    "is_installed",
    "remember_default",
    "resolve",
    "surrounded",
    "survey",
]

# Scope key: a layer further out has found a policy and does the work. It holds the terms.
DECIDED: Final = "route_cors"
# Attribute of a router, and of the route class that a CORSRouter gives its routes: the declared policy.
ROUTER_POLICY: Final = "cors"

# Attributes of ours on other people's routers and apps.
_INDEXES: Final = "_route_cors_indexes"
_DEFAULT: Final = "_route_cors_default"

# Seconds after which a changed tree is noticed even where every request still finds an answer. Looking at
# every included router each time costs 33 microseconds at 1,000 of them.
_RECHECK_AFTER: Final = 1.0
# Sets of overlapping routes that are kept compiled: a bound on what hostile paths can make us remember.
_MAX_OVERLAPS: Final = 1024

# FastAPI 0.137 made `router.routes` a tree of these; before, include_router copied the routes.
_IncludedRouter: Any = getattr(fastapi.routing, "_IncludedRouter", ())
_CONTEXT_KEY: Final = getattr(
    fastapi.routing, "_FASTAPI_EFFECTIVE_ROUTE_CONTEXT_KEY", "effective_route_context"
)

# What a parameter of these convertors matches is never empty and holds no slash: it stays in its segment.
_PLAIN_PARAMETER: Final = convertors.StringConvertor.regex
# And this one matches whatever follows, unless there is a newline in it.
_TAIL_PARAMETER: Final = convertors.PathConvertor.regex
_SEGMENT_PARAMETERS: Final = frozenset(
    convertor.regex
    for convertor in (
        convertors.StringConvertor,
        convertors.IntegerConvertor,
        convertors.FloatConvertor,
        convertors.UUIDConvertor,
    )
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

# Mounts inside mounts that are followed. Only an app that is mounted into itself has more; then the path,
# which the client chooses, would say how long we take.
_MAX_MOUNTS: Final = 64

Source = Literal["endpoint", "mount", "router", "mounted app", "app"]
"""What a policy was declared on. `app` and `mounted app`: it is the default of that app."""

_Kind = Literal["http", "websocket"]
# Routers, and the routes that each had.
_Watched = list[tuple[Any, tuple[BaseRoute, ...]]]
_Override = TypeVar("_Override", bound=Callable[..., Any])
_Policy = TypeVar("_Policy", bound=Declared)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the route (None: nowhere), and the terms that hold there (None: no policy).

    `path` is the route's own, as it was declared, after those of the mounts that lead there, which `through`
    names. `methods` are those that the route serves; None for an ASGI app, which alone knows. `redirects_to`
    is the path of the slash redirect that the app would answer with.
    """

    route: object
    terms: Terms | None
    path: str = ""
    methods: frozenset[str] | None = frozenset()
    redirects_to: str | None = None
    mounted: _Mounted | None = None
    through: tuple[object, ...] = ()

    @property
    def opaque(self) -> bool:
        """Whether it is an ASGI app that shows no routes: what stands inside it is not known here."""
        return self.methods is None


def _behind(mounts: tuple[Target, ...], target: Target) -> Target:
    """The target, as it is named from the top."""
    path = "".join(mount.path for mount in mounts) + target.path
    return replace(target, path=path, through=tuple(mount.route for mount in mounts))


# Not "no route", for which the app's default would speak: what is down there is closed.
_TOO_DEEP: Final = Target(None, Terms(None))


class Resolver:
    """R(path, method, host), as one layer asks for it, request by request.

    `app` is what the layer stands around (None: a route asks, which stands around nothing); `default` holds
    where nothing else is declared.
    """

    def __init__(self, app: object = None, default: CORSPolicy | None = None) -> None:
        self._around = app
        # The app inside a middleware inside the layer, which has not been there to name itself in the scope.
        self._further_in = next(filter(_shows_routes, _wrappers(app)), None)
        self._default = default
        # The app of the last request, and its index, where that alone says where the next one goes.
        self._seen: tuple[object, _Index | None] = (None, None)

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
        root_path = _root_path_inside(app, sent_root_path) if is_entered_later else sent_root_path
        if "router" in scope:
            return self._resolve_inside(scope["router"], scope, method, app, root_path)
        index = self._index_of(app)
        target = index.resolve(scope, method, root_path)
        self._seen = (scope.get("app"), index if root_path == sent_root_path else None)
        return target

    def warm_up(self, scope: Scope) -> None:
        """Build the index before the first request asks for it, that of mounted apps included."""
        pending = [self._index_of(self._app_of(scope))]
        known: set[_Index] = set()
        while pending:
            index = pending.pop()
            if index not in known:
                known.add(index)
                pending += index.current().mounted

    def _app_of(self, scope: Scope) -> object:
        return self._around if _shows_routes(self._around) else scope.get("app", self._further_in)

    def _index_of(self, app: object) -> _Index:
        return _index_of(_router_of(app), policy_of(app), self._default)

    def _resolve_inside(
        self, outermost: Any, scope: Scope, method: str | bytes, app: object, root_path: str
    ) -> Target:
        """R behind another router, which alone knows what is registered before the mount that led here.

        A private route on the same path would serve the request that a preflight announces. The router is
        asked with the root path that it saw, and overruled where it cannot know better.
        """
        router = _router_of(app)
        inner = _NO_ROUTES if router is outermost else router
        on_app = None if inner is _NO_ROUTES else policy_of(app)
        seen_from_here = _index_of(inner, on_app, self._default).resolve(scope, method, root_path)
        if inner is router and "app_root_path" not in scope and _root_path_inside(app, ""):
            # FastAPI(root_path=...) behind a Host route: what the top saw is overwritten.
            return seen_from_here
        on_top = policy_of(app) if inner is _NO_ROUTES else None
        seen_from_top = _index_of(outermost, on_top, None).resolve(
            scope, method, scope.get("app_root_path", root_path)
        )
        if seen_from_top.terms is None and (
            seen_from_top.opaque or seen_from_top.route is seen_from_here.route
        ):
            return seen_from_here
        if seen_from_top.opaque and seen_from_top.route is not seen_from_here.route:
            # A middleware hides what is in there. Whatever is declared there is further in than what the top
            # knows; a default is not, and what was closed out there would be opened by it.
            declared_here = _index_of(inner, on_app, None).resolve(scope, method, root_path)
            return seen_from_top if declared_here.terms is None else declared_here
        return seen_from_top


def resolve(
    scope: Scope, method: str | bytes, *, app: object = None, default: CORSPolicy | None = None
) -> Target:
    """What a Resolver says, for those who ask once."""
    return Resolver(app, default).resolve(scope, method)


def remember_default(app: object, default: CORSPolicy | None) -> None:
    """Note an app's own default, for the index of an app that mounts it."""
    setattr(app, _DEFAULT, default)


def asks_its_base(matches: _Override) -> _Override:
    """Mark an override of `matches` that gives its base class's answer, preflights aside."""
    _transparent_matches.add(matches)
    return matches


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A route or mount where it stands in an app.

    `route` is what a Target names; `view` has its attributes as they are here (path, methods, dependant),
    with the prefixes of its routers. `endpoint` serves it: for a mount, the app. `path` and `methods` are as
    in a Target. `example` is a path that it matches, None where none can be made up, and `host` the one that
    it is served at, an example too, None for any.
    `policy` holds here, declared on `source`; both are None where none does. `shows_routes` tells of a mount
    that its routes follow, `in_layer` that a layer stands around it. `depth` counts the mounts around it.
    """

    route: object
    view: Any
    endpoint: Any
    kind: Literal["http", "websocket", "mount"]
    path: str
    example: str | None
    host: str | None
    methods: frozenset[str] | None
    shows_routes: bool
    policy: Declared | None
    source: Source | None
    in_layer: bool
    depth: int


@dataclass(frozen=True, slots=True)
class Surrounded:
    """An app that shows routes, and what stands around it.

    `in_layer` tells whether that is, or has, a layer of ours, and `default` is the default of that.
    """

    app: Any
    in_layer: bool
    default: CORSPolicy | None


def surrounded(app: object) -> Surrounded:
    """The app inside a middleware, or the app itself.

    Raises `TypeError` where no routes are shown.
    """
    wrappers = [*_wrappers(app)]
    if not _shows_routes(wrappers[-1]):
        shown = reprlib.repr(app)
        raise TypeError(
            f"{shown} shows no routes: give a FastAPI or Starlette app, or a middleware around one"
        )
    in_layer = any(map(_has_layer, wrappers))
    return Surrounded(wrappers[-1], in_layer, _first(*map(_default_of, wrappers)))


def is_installed(app: object) -> bool:
    """Whether `install_cors` was called on this very app."""
    return isinstance(app, Starlette) and hasattr(app, _DEFAULT)


def survey(app: object) -> Iterator[Placed]:
    """Every route and mount, in the order in which the app tries them; a mount, then what is in it.

    `app` may be a middleware around it. Of an app that is mounted into itself each route is given once.
    Raises `TypeError` where no routes are shown.
    """
    outermost = surrounded(app)
    router = _router_of(outermost.app)
    outer = _Surroundings(
        inherited=policy_of(outermost.app),
        inherited_from="mount",
        default=outermost.default,
        default_of="app",
        in_layer=outermost.in_layer,
        path="",
        example="",
        host=None,
        routers=(router,),
    )
    yield from _survey(router, outer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What a router inherits from where it is mounted. Paths and hosts are as in a Placed."""

    inherited: Declared | None
    inherited_from: Source
    default: CORSPolicy | None
    default_of: Source
    in_layer: bool
    path: str
    example: str | None
    host: str | None
    routers: tuple[Any, ...]


def _survey(router: Any, outer: _Surroundings) -> Iterator[Placed]:
    on_router = declared_policy(router, ROUTER_POLICY)
    inherited = _first(on_router, outer.inherited)
    inherited_from: Source = outer.inherited_from if on_router is None else "router"
    for order, registered in enumerate(_flatten(router.routes, inherited, [], inherited_from)):
        entry = _Entry(order, registered, outer.default, is_exact=False)
        here = outer if registered.mounted_app is None else _inside_mount(registered, outer)
        kind = entry.kinds[0] if registered.mounted_app is None else "mount"
        # What declares policies out of sight takes none but the default of a layer that it brings itself.
        takes_default = kind != "websocket" and (entry.takes_default or here.default is not outer.default)
        default = (here.default_of, here.default if takes_default else None)
        source, policy = next(filter(_is_declared, (*registered.declarations(), default)), (None, None))
        view = registered.effective
        # What a mount matches goes on after its own path.
        example = _joined(here.example, _example(view, entry.path + "/" if kind == "mount" else entry.path))
        placed = Placed(
            route=entry.route,
            view=view,
            endpoint=registered.endpoint,
            kind=kind,
            path=here.path + entry.path,
            example=example,
            host=_example(view, view.host) if isinstance(registered.matcher, Host) else here.host,
            methods=entry.methods,
            shows_routes=entry.mounted is not None,
            policy=policy,
            source=source,
            in_layer=here.in_layer,
            depth=len(here.routers) - 1,
        )
        yield placed
        if entry.mounted is not None:
            yield from _survey_mounted(placed, here)
    policy, source = (outer.default, outer.default_of) if inherited is None else (inherited, inherited_from)
    for path, frontend in _frontends(router):
        yield Placed(
            route=frontend,
            view=frontend,
            endpoint=frontend.app,
            kind="mount",
            path=outer.path + path,
            example=_joined(outer.example, path),
            host=outer.host,
            methods=None,
            shows_routes=False,
            policy=policy,
            source=None if policy is None else source,
            in_layer=outer.in_layer,
            depth=len(outer.routers) - 1,
        )


def _frontends(router: Any) -> Iterator[tuple[str, Any]]:
    """The directories that `FastAPI.frontend` serves where no route matches, each with its path.

    To the dispatcher they are what any 404 is: the policies of included routers do not reach them.
    """
    groups = [("", group) for group in getattr(router, "_low_priority_routes", ())]
    for candidate in router.routes:
        contexts: Any = getattr(candidate, "effective_low_priority_routes", tuple)()
        groups += [(context.frontend_prefix, context.original_route) for context in contexts]
    for prefix, group in groups:
        yield from ((prefix + frontend.path, frontend) for frontend in group.routes)


def _is_declared(declaration: tuple[Source, Declared | None]) -> bool:
    return declaration[1] is not None


def _inside_mount(registered: _Registered, outer: _Surroundings) -> _Surroundings:
    """What a mounted app brings itself, or gets from its mount, for whatever is under that path."""
    around = [*_around(registered.matcher, registered.mounted_app)]
    in_layer = outer.in_layer or any(map(_has_layer, around))
    own = _first(*map(_default_of, around))
    if own is None:
        return replace(outer, in_layer=in_layer)
    return replace(outer, in_layer=in_layer, default=own, default_of="mounted app")


def _survey_mounted(mount: Placed, here: _Surroundings) -> Iterator[Placed]:
    router = _router_of(mount.endpoint)
    if router in here.routers:
        return
    inner = replace(
        here,
        # A default is no policy of the mount's own: what is inside asks for it once more, after all others.
        inherited=None if mount.source in {"app", "mounted app"} else mount.policy,
        inherited_from=mount.source or "mount",
        path=mount.path,
        example=None if mount.example is None else mount.example.removesuffix("/"),
        host=mount.host,
        routers=(*here.routers, router),
    )
    yield from _survey(router, inner)


# Values for the parameters of example paths. Nobody registers these names, so that no literal path is hit.
_EXAMPLES: Final = ("qzkv", "7", "7.5", "01234567-89ab-4def-8123-456789abcdef", "2026-11-22", "qzkv/qzkv")


def _example(view: Any, template: str) -> str | None:
    """A path, or host, that the template matches; None where a convertor wants what cannot be guessed."""
    parameters: dict[str, Any] = getattr(view, "param_convertors", {})
    text = template
    for match in PARAM_REGEX.finditer(template):
        convertor = parameters.get(match[1])
        value = next((it for it in _EXAMPLES if convertor and re.fullmatch(convertor.regex, it)), None)
        if value is None:
            return None
        text = text.replace(match[0], value, 1)
    return text


def _joined(prefix: str | None, path: str | None) -> str | None:
    return None if prefix is None or path is None else prefix + path


class _Call(NamedTuple):
    """The request as one router sees it. `path` is whole; a mount grows `root_path`, as in the scope."""

    scope: Scope
    kind: _Kind
    method: str
    path: str
    root_path: str

    def route_path(self) -> str:
        return (
            get_route_path({"path": self.path, "root_path": self.root_path}) if self.root_path else self.path
        )


class _Index:
    """The routes of one router, under the policies that it inherits. Mounted apps have their own."""

    def __init__(self, router: Any, inherited: Declared | None, default: CORSPolicy | None) -> None:
        self.router = router
        self.inherited = _first(declared_policy(router, ROUTER_POLICY), inherited)
        self.default = default
        self._terms: dict[tuple[Declared, frozenset[str]], Terms] = {}
        self.table: _Table | None = None
        self._building = threading.Lock()

    def __deepcopy__(self, memo: object) -> _Index:
        """Itself: `_index_of` gives the copy of a router an index of its own, and a lock cannot be copied."""
        return self

    def resolve(self, scope: Scope, method: str | bytes, root_path: str) -> Target:
        """The target of one request; that of its slash redirect, where there is one."""
        if isinstance(method, bytes):
            method = method.decode("latin-1")
        return self._find(_Call(scope, scope["type"], method, scope["path"], root_path))

    def declared(self, entry: _Entry, kind: _Kind) -> Declared | None:
        """The policy of an entry. The app's default is for HTTP alone."""
        takes_default = kind == "http" and entry.takes_default
        return _first(entry.declared, self.default if takes_default else None)

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
        asked: _Call,
        taken: frozenset[str] = frozenset(),
        *,
        alone: bool = False,
        redirects: bool = True,
    ) -> Target:
        """The target, through all mounts; `taken` and `alone` as `_narrowed` has them."""
        index, call = self, asked
        led_by: tuple[Target, ...] = ()
        for _ in range(_MAX_MOUNTS):
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
                return _behind(led_by, narrowed) if led_by else narrowed
            led_by += (target,)
            taken |= leaf.shape.taken
            call = target.mounted.enter(call, path)
            index = target.mounted.index
        return _TOO_DEEP

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

    def _look_up(self, call: _Call, path: str) -> tuple[_Routes, _Leaf | None]:
        """What the routes that match the path serve, if any does, and the routes of which that is true."""
        table = self.current()
        routes = table.routes[call.kind]
        leaf = routes.find(call, path)
        if (leaf is None or not leaf.shape.serves(call.method)) and table.is_outdated():
            routes = self._rebuild(table).routes[call.kind]
            leaf = routes.find(call, path)
        return routes, leaf

    def _redirected(self, call: _Call, path: str, routes: _Routes) -> str | None:
        """Where the slash redirect leads, if anywhere; `routes` were just found to be the present ones."""
        if call.kind != "http" or path == "/" or not getattr(self.router, "redirect_slashes", False):
            return None
        redirected = call._replace(path=call.path.rstrip("/") if path.endswith("/") else call.path + "/")
        return None if routes.find(redirected, redirected.route_path()) is None else redirected.path

    def _unrouted(self, kind: _Kind) -> Target:
        declared = _first(self.inherited, self.default if kind == "http" else None)
        return Target(None, self.terms(declared, _unrouted_methods(declared)))

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

    def __init__(self, index: _Index) -> None:
        self.change = changes.latest
        self._watched: _Watched = [(index.router, tuple(index.router.routes))]
        self.routes: dict[str, _Routes] = {
            "http": _Routes(index, "http"),
            "websocket": _Routes(index, "websocket"),
        }
        self.mounted: list[_Index] = []
        for order, registered in enumerate(_flatten(self._watched[0][1], index.inherited, self._watched)):
            trail, is_exact = _trail_of(registered.effective) if registered.is_indexed else ((REST,), False)
            entry = _Entry(order, registered, index.default, is_exact=is_exact)
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


def _flatten(
    candidates: Iterable[Any],
    inherited: Declared | None,
    watched: _Watched,
    inherited_from: Source = "router",
) -> Iterator[_Registered]:
    """The routes in the order in which the router tries them, depth first; `watched` gets the routers."""
    for candidate in candidates:
        if isinstance(candidate, _IncludedRouter):
            router = candidate.original_router
            watched.append((router, tuple(router.routes)))
            own = declared_policy(router, ROUTER_POLICY)
            nearest, source = (inherited, inherited_from) if own is None else (own, "router")
            yield from _flatten(candidate.effective_candidates(), nearest, watched, source)
        else:
            yield _Registered.of(candidate, inherited, inherited_from)


@dataclass(frozen=True, slots=True)
class _Registered:
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
    def of(cls, candidate: Any, inherited: Declared | None, inherited_from: Source) -> _Registered:
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
        return _first(*(declared for _, declared in self.declarations()))

    def declarations(self) -> Iterator[tuple[Source, Declared | None]]:
        """Innermost first: the endpoint or app itself, the router it was declared on, those around it."""
        app = self.mounted_app
        if app is not None:
            yield "mount", _first(policy_of(app), policy_of(self.matcher.app))
        else:
            yield "endpoint", policy_of(self.endpoint)
            yield "router", _carried_by(self.declared)
        yield self.inherited_from, self.inherited

    @property
    def endpoint(self) -> Any:
        """What serves the request: a function, a class, the app of a mount; else the route itself."""
        app = self.mounted_app
        return getattr(self.effective, "endpoint", self.matcher) if app is None else app


class _Entry:
    """One route, ready to be matched.

    `methods` are those it is known to serve (None: an ASGI app, which alone knows); `serves_all` tells
    that the router hands it any method, `judges_method` that its own `matches` decides on each.
    """

    __slots__ = (
        "_context",
        "_matcher",
        "_regex",
        "deciding_regex",
        "declared",
        "judges_method",
        "kinds",
        "methods",
        "mounted",
        "order",
        "path",
        "route",
        "serves_all",
        "takes_default",
    )

    def __init__(
        self, order: int, registered: _Registered, default: CORSPolicy | None, *, is_exact: bool
    ) -> None:
        self.order = order
        self.route = registered.declared
        self._context = registered.context
        effective = registered.effective
        # A Host has none, and what overrides `matches` may have none.
        self.path: str = getattr(effective, "path", "")
        self._matcher = registered.matcher
        self.declared = registered.policy()
        app = registered.mounted_app
        self._regex: re.Pattern[str] | None = effective.path_regex if registered.is_indexed else None
        # What the end of the trail leaves open.
        self.deciding_regex = None if is_exact else self._regex
        self.judges_method = self._regex is None and app is None
        self.kinds: tuple[_Kind, ...] = ("http", "websocket")
        self.methods: frozenset[str] | None = None
        self.mounted: _Mounted | None = None
        self.serves_all = True
        self.takes_default = True
        if app is not None:
            self._describe_mount(app, default)
        else:
            self._describe_endpoint(effective)

    def claim(self) -> _Claim:
        """What an indexed route serves wherever its path matches."""
        return self, self.methods, self.serves_all

    def claim_on(self, call: _Call, path: str) -> _Claim | None:
        """What the route serves of this request; None where it does not match."""
        if self._regex is not None:
            return self.claim() if self._regex.match(path) else None
        match, _ = _ask(self._matcher, call, self._context)
        if match is Match.NONE:
            return None
        if match is Match.FULL:
            return self, self.methods, True  # it takes this request, at any rate
        return self, frozenset(), False

    def target(self, terms: Terms | None) -> Target:
        return Target(self.route, terms, self.path, self.methods, None, self.mounted)

    def _describe_mount(self, app: Any, default: CORSPolicy | None) -> None:
        mount: Any = self._matcher
        if _shows_routes(app):
            own = _first(*map(_default_of, _around(mount, app)))
            index = _index_of(_router_of(app), self.declared, _first(own, default))
            self.mounted = _Mounted(mount, app, index, self._regex)
            self.methods = frozenset()  # its routes speak for themselves
        else:
            # What declares policies behind a middleware that hides it is further in than the app's default.
            self.takes_default = not any(map(_declares_policies, _wrappers(app)))

    def _describe_endpoint(self, effective: Any) -> None:
        if isinstance(self._matcher, WebSocketRoute):
            self.kinds = ("websocket",)
            self.methods = frozenset()
        elif isinstance(self._matcher, Route):
            self.kinds = ("http",)
            self.serves_all = not effective.methods
            self.methods = (
                frozenset(effective.methods) if effective.methods else _methods_of(effective.endpoint)
            )


class _Mounted:
    """The way into a mounted app that shows its routes."""

    __slots__ = ("_app", "_mount", "_regex", "index")

    def __init__(self, mount: Mount | Host, app: object, index: _Index, regex: Any) -> None:
        self._mount = mount
        self._app = app
        self._regex = regex
        self.index = index

    def enter(self, call: _Call, path: str) -> _Call:
        """The request as the mounted app sees it."""
        found = None if self._regex is None else self._regex.match(path)
        if found is not None:
            # As Mount.matches does it, its treatment of a trailing newline included.
            root_path = call.root_path + path[: -len("/" + found["path"])]
            return call._replace(root_path=_root_path_inside(self._app, root_path))
        child = _ask(self._mount, call, None)[1]
        root_path = _root_path_inside(self._app, child.get("root_path", call.root_path))
        return call._replace(path=child.get("path", call.path), root_path=root_path)


class _Routes(Trie["_Entry", "_Leaf"]):
    """The routes of one kind, by their paths; what matches together is compiled on the first request."""

    def __init__(self, index: _Index, kind: _Kind) -> None:
        super().__init__()
        self.asks_routes = False
        self._index = index
        self._kind: _Kind = kind
        self._shapes: dict[tuple[_Served, ...], _Shape] = {}
        self._overlaps: dict[tuple[_Claim, ...], _Leaf] = {}

    def register(self, trail: Iterable[str], entry: _Entry) -> None:
        self.add(trail, entry)
        self.asks_routes = self.asks_routes or entry.judges_method

    def find(self, call: _Call, path: str) -> _Leaf | None:
        """What the routes that match the path serve; None where no route does."""
        leaf = None if "\n" in path else self._leaf_of(self.end_of(path))
        if leaf is not None and (leaf.regex is None or leaf.regex.match(path)):
            return leaf
        candidates = self.candidates(path)
        if path[-1:] == "\n":
            # The `$` of a route's regex also matches before it: `/a\n` is `/a` to the router.
            candidates = [*{*candidates, *self.candidates(path[:-1])}]
        return self._overlap(call, path, candidates) if candidates else None

    def _leaf_of(self, node: Node[_Entry, _Leaf]) -> _Leaf | None:
        """What is served where the path ends, if one regex at most decides; compiled once."""
        if node.leaf is None and (node.ends or node.inherited):
            matching = sorted([*node.ends, *node.inherited], key=_by_order)
            regexes = {entry.deciding_regex for entry in node.ends} or {None}
            if len(regexes) == 1:
                node.leaf = self._compiled([entry.claim() for entry in matching], *regexes)
        return node.leaf

    def _overlap(self, call: _Call, path: str, candidates: list[_Entry]) -> _Leaf | None:
        """The leaf of those candidates that do match, in the order in which the router tries them."""
        claims: list[_Claim] = []
        for entry in sorted(candidates, key=_by_order):
            claim = entry.claim_on(call, path)
            if claim is None:
                continue
            claims.append(claim)
            if claim[2]:
                break
        if not claims:
            return None
        key = tuple(claims)
        leaf = self._overlaps.get(key)
        if leaf is None:
            if len(self._overlaps) >= _MAX_OVERLAPS:
                self._overlaps.clear()
                self._shapes.clear()
            leaf = self._overlaps[key] = self._compiled(claims, None)
        return leaf

    def _compiled(self, claims: list[_Claim], regex: re.Pattern[str] | None) -> _Leaf:
        policies = [self._index.declared(entry, self._kind) for entry, _, _ in claims]
        shape = self._shape(tuple(map(_served, claims, policies)))
        targets: list[Target] = []
        for (entry, _, _), policy in zip(claims, policies, strict=True):
            # Methods are granted together where their policies are equal: see Terms.
            methods = [method for method, owner in shape.owners.items() if policies[owner] == policy]
            targets.append(entry.target(self._index.terms(policy, methods)))
        return _Leaf(shape, tuple(targets), regex)

    def _shape(self, served: tuple[_Served, ...]) -> _Shape:
        shape = self._shapes.get(served)
        if shape is None:
            shape = self._shapes[served] = _Shape(served)
        return shape


_by_order = operator.attrgetter("order")

# A route that matches a path, the methods it serves there, and whether it takes all others too. The methods
# None are those of an ASGI app, which knows itself: its policy names them, or they are the safelisted.
_Claim = tuple["_Entry", "frozenset[str] | None", bool]
# The methods that a route serves, and whether it takes all others too.
_Served = tuple[frozenset[str], bool]


def _served(claim: _Claim, policy: Declared | None) -> _Served:
    _, methods, takes_all = claim
    return frozenset(_unrouted_methods(policy)) if methods is None else methods, takes_all


class _Shape:
    """Which of the routes that match a path serves which method; shared by all paths where it is the same.

    `owners` are the positions of those that serve a method, `otherwise` that of the one that has all others,
    be it for its 405. `taken` are the methods served before that one, which matters for a mount.
    """

    __slots__ = ("otherwise", "owners", "spelled", "taken", "takes_all")

    def __init__(self, routes: Iterable[_Served]) -> None:
        self.owners: dict[str, int] = {}
        self.otherwise = 0
        self.takes_all = False
        for position, (methods, takes_all) in enumerate(routes):
            for method in methods:
                self.owners.setdefault(method, position)
            if takes_all:
                self.otherwise = position
                self.takes_all = True
                break
        self.taken = frozenset(method for method, owner in self.owners.items() if owner != self.otherwise)
        # As a scope has the method, and as a preflight announces it.
        self.spelled: dict[Any, int] = {
            **self.owners,
            **{method.encode(): owner for method, owner in self.owners.items() if method.isascii()},
        }

    def serves(self, method: str) -> bool:
        return self.takes_all or method in self.owners


class _Leaf:
    """What the routes that match a path serve, method by method.

    They match if the path leads there, and matches `regex` where there is one.
    """

    __slots__ = ("owners", "regex", "shape", "targets")

    def __init__(self, shape: _Shape, targets: tuple[Target, ...], regex: re.Pattern[str] | None) -> None:
        self.shape = shape
        self.owners = shape.spelled
        self.targets = targets
        self.regex = regex

    def target(self, method: str) -> Target:
        return self.targets[self.shape.owners.get(method, self.shape.otherwise)]


def _index_of(router: Any, inherited: Declared | None, default: CORSPolicy | None) -> _Index:
    """The index of a router in that position; kept on the router, so that it lives as long."""
    key = (inherited, default)
    index: _Index | None = router.__dict__.get(_INDEXES, _NO_INDEXES).get(key)
    if index is not None and index.router is router:  # a copy of a router has the attributes of the original
        return index
    with _indexing:
        indexes: dict[object, _Index] = router.__dict__.get(_INDEXES, _NO_INDEXES)
        index = indexes.get(key)
        if index is None or index.router is not router:
            index = _Index(router, inherited, default)
            router.__dict__[_INDEXES] = {**indexes, key: index}
        return index


_NO_INDEXES: Final[dict[object, _Index]] = {}
# Held by who puts an index on a router: two threads would make two.
_indexing: Final = threading.Lock()


def _shows_routes(app: object) -> bool:
    return _router_of(app) is not _NO_ROUTES


def _router_of(app: object) -> Any:
    """What holds the app's routes; an app that shows none has nothing to be found.

    Only routes of Starlette's kind are read: what other frameworks call so is routed otherwise.
    """
    router = getattr(app, "router", app)
    if isinstance(router, Router):
        return router
    routes: object = getattr(app, "routes", None)
    if not isinstance(routes, list) or not hasattr(app, "__dict__"):
        return _NO_ROUTES
    is_readable = all(isinstance(item, BaseRoute) for item in cast("list[object]", routes))
    return app if is_readable else _NO_ROUTES


_NO_ROUTES: Final = Router()


def _wrappers(app: object) -> Iterator[object]:
    """An app and what it is a middleware of, as far as that can be seen."""
    for _ in range(_MAX_MOUNTS):
        yield app
        if _shows_routes(app):
            return
        app = getattr(app, "app", None)


def _declares_policies(app: object) -> bool:
    """Whether it is a layer of ours, an app with one, or one whose routes carry policies or may lead to some.

    Not by its index: what is mounted may be the very app whose index is being built.
    """
    if _has_layer(app):
        return True
    router = _router_of(app)
    inherited = declared_policy(router, ROUTER_POLICY)
    return inherited is not None or any(
        registered.policy() is not None or _shows_routes(registered.mounted_app)
        for registered in _flatten(router.routes, inherited, [])
    )


def _has_layer(app: object) -> bool:
    """Whether it is a layer of ours, or an app with one."""
    return hasattr(app, _DEFAULT) or any(_layers_of(app))


def _layers_of(app: object) -> Iterator[Any]:
    """The layers of ours among an app's middleware, as they were added."""
    for middleware in getattr(app, "user_middleware", ()):
        if getattr(middleware.cls, "is_route_cors_layer", False):
            yield middleware


def _around(mount: Any, app: object) -> Iterator[object]:
    """A mounted app, and what the mount put around it."""
    yield app
    yield from _wrappers(mount.app)


def _default_of(app: object) -> CORSPolicy | None:
    """The default of the layer that an app brings itself or is, however it was added."""
    installed: CORSPolicy | None = getattr(app, _DEFAULT, None)
    return _first(installed, *(layer.kwargs.get("default") for layer in _layers_of(app)))


def _root_path_inside(app: object, root_path: str) -> str:
    """FastAPI(root_path=...) overwrites what it is handed, on entry."""
    return (isinstance(app, FastAPI) and app.root_path) or root_path


def _unrouted_methods(declared: Declared | None) -> Iterable[str]:
    named = declared.methods if isinstance(declared, CORSPolicy) else None
    return UNROUTED_METHODS if named is None else named


def _methods_of(endpoint: Any) -> frozenset[str] | None:
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
    return _first(*(declared_policy(carrier, ROUTER_POLICY) for carrier in carriers))


def _is_indexed(route: BaseRoute) -> bool:
    """Whether the trie may stand in for the route's `matches`."""
    if "matches" in getattr(route, "__dict__", ()):
        return False
    for route_class in type(route).__mro__:
        matches = route_class.__dict__.get("matches")
        if matches is not None and matches not in _transparent_matches:
            return matches in _indexed_matches
    return False


def _ask(route: BaseRoute, call: _Call, context: Any) -> tuple[Match, Scope]:
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


def _trail_of(route: Any) -> tuple[tuple[str, ...], bool]:
    """The segments of a route's path, and whether reaching their end is already the match.

    The regex is the truth. Where it is not what Starlette makes of the path (somebody replaced it), the
    route is a candidate for every path.
    """
    template = route.path + "/{path:path}" if isinstance(route, Mount) else route.path
    regex = route.path_regex
    if regex.pattern != _pattern_of(template, route.param_convertors) or regex.flags != re.UNICODE:
        return (REST,), False
    trail: list[str] = []
    exact = True
    for segment in template.split("/"):
        regexes = [route.param_convertors[match[1]].regex for match in PARAM_REGEX.finditer(segment)]
        is_whole = PARAM_REGEX.fullmatch(segment) is not None
        if not regexes:
            trail.append(segment)
        elif _SEGMENT_PARAMETERS.issuperset(regexes):
            trail.append(PARAMETER)
            exact = exact and is_whole and regexes == [_PLAIN_PARAMETER]
        elif exact and is_whole and regexes == [_TAIL_PARAMETER] and len(trail) == template.count("/"):
            return (*trail, TAIL), True
        else:
            return (*trail, REST), False
    return tuple(trail), exact


def _pattern_of(template: str, param_convertors: dict[str, Any]) -> str:
    pattern = "^"
    end = 0
    for match in PARAM_REGEX.finditer(template):
        if match[1] not in param_convertors:
            return ""
        pattern += re.escape(template[end : match.start()])
        pattern += f"(?P<{match[1]}>{param_convertors[match[1]].regex})"
        end = match.end()
    return pattern + re.escape(template[end:]) + "$"


def _first(*declared: _Policy | None) -> _Policy | None:
    """Innermost wins, wholly: the first that is declared."""
    return next((policy for policy in declared if policy is not None), None)
