"""Every route of an app and its position, for people: the command, the inspector, the OpenAPI schema."""

from __future__ import annotations

import reprlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from starlette.routing import Host

from route_cors.decorators import Declared, declared_policy, policy_of
from route_cors.dispatch.apps import DEFAULT, default_of, layers_of, router_of, shows_routes, wrappers_of
from route_cors.dispatch.leaves import Entry
from route_cors.dispatch.routes import ROUTER_POLICY, Registered, Source, flatten, frontends_of
from route_cors.dispatch.target import first

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """A route or mount at its position in an app.

    `route` is what a Target names; `view` has its attributes as they are here (path, methods, dependant),
    with the prefixes of its routers. `endpoint` serves it: for a mount, the app. `path` and `methods` are as
    in a Target. `through` holds the mounts that lead here, the outermost first. `template` is the part of
    `path` that it matches itself, for a mount with the slash that follows. `host` is that of a `Host`.
    `policy` applies here and is declared on `source`; both are None if there is none. `shows_routes`: it is a
    mount whose routes follow. `in_layer`: there is a layer around it.
    """

    route: object
    view: Any
    endpoint: Any
    kind: Literal["http", "websocket", "mount"]
    path: str
    through: tuple[Placed, ...]
    template: str
    host: str | None
    methods: frozenset[str] | None
    shows_routes: bool
    policy: Declared | None
    source: Source | None
    in_layer: bool

    @property
    def depth(self) -> int:
        """How many mounts are around it."""
        return len(self.through)


@dataclass(frozen=True, slots=True)
class Surrounded:
    """An app that shows routes, and what is around it.

    `in_layer`: it is, or has, a layer of route_cors, and `default` is the default of that layer.
    """

    app: Any
    in_layer: bool
    default: Declared | None


def surrounded(app: object) -> Surrounded:
    """The app inside a middleware, or the app itself.

    Raises `TypeError` if no routes are visible.
    """
    wrappers = [*wrappers_of(app)] or [app]
    if not shows_routes(wrappers[-1]):
        shown = reprlib.repr(app)
        raise TypeError(
            f"{shown} shows no routes: give a FastAPI or Starlette app, or a middleware around one"
        )
    in_layer = any(map(_has_layer, wrappers))
    return Surrounded(wrappers[-1], in_layer, first(*map(default_of, reversed(wrappers))))


def survey(app: object) -> Iterator[Placed]:
    """Every route and mount, in the order in which the app tries them; a mount is followed by its routes.

    `app` may be a middleware around it. Of an app that is mounted into itself each route is given once.
    Raises `TypeError` if no routes are visible.
    """
    outermost = surrounded(app)
    router = router_of(outermost.app)
    outer = _Surroundings(
        inherited=policy_of(outermost.app),
        inherited_from="mount",
        default=outermost.default,
        default_of="app",
        in_layer=outermost.in_layer,
        path="",
        through=(),
        routers=(router,),
    )
    yield from _survey(router, outer)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Surroundings:
    """What a router inherits from where it is mounted. `path` and `through` are as in a Placed."""

    inherited: Declared | None
    inherited_from: Source
    default: Declared | None
    default_of: Source
    in_layer: bool
    path: str
    through: tuple[Placed, ...]
    routers: tuple[Any, ...]


def _survey(router: Any, outer: _Surroundings) -> Iterator[Placed]:
    on_router = declared_policy(router, ROUTER_POLICY)
    inherited = first(on_router, outer.inherited)
    inherited_from: Source = outer.inherited_from if on_router is None else "router"
    for order, registered in enumerate(flatten(router.routes, inherited, [], inherited_from)):
        entry = Entry(order, registered, is_exact=False)
        leads_on = registered.mounted_app is not None and shows_routes(registered.mounted_app)
        here = outer if registered.mounted_app is None else _inside_mount(registered, outer)
        kind = entry.kinds[0] if registered.mounted_app is None else "mount"
        default = (here.default_of, here.default if kind != "websocket" else None)
        source, policy = next(filter(_is_declared, (*registered.declarations(), default)), (None, None))
        placed = Placed(
            route=entry.route,
            view=registered.effective,
            endpoint=registered.endpoint,
            kind=kind,
            path=here.path + entry.path,
            through=here.through,
            template=entry.path + "/" if kind == "mount" else entry.path,
            host=registered.effective.host if isinstance(registered.matcher, Host) else None,
            methods=frozenset() if leads_on else entry.methods,
            shows_routes=leads_on,
            policy=policy,
            source=source,
            in_layer=here.in_layer,
        )
        yield placed
        if leads_on:
            yield from _survey_mounted(placed, here)
    for frontend in frontends_of(router, router.routes, inherited, [], inherited_from):
        source, policy = frontend.inherited_from, frontend.inherited
        if policy is None:
            source, policy = (None, None) if outer.default is None else (outer.default_of, outer.default)
        yield Placed(
            route=frontend.route,
            view=frontend.route,
            endpoint=frontend.route.app,
            kind="mount",
            path=outer.path + frontend.path,
            through=outer.through,
            template=frontend.path,
            host=None,
            methods=None,
            shows_routes=False,
            policy=policy,
            source=source,
            in_layer=outer.in_layer,
        )


def _is_declared(declaration: tuple[Source, Declared | None]) -> bool:
    return declaration[1] is not None


def _inside_mount(registered: Registered, outer: _Surroundings) -> _Surroundings:
    """What a mounted app brings itself, or gets from its mount, for whatever is under that path."""
    around = [*reversed(registered.around)]
    in_layer = outer.in_layer or any(map(_has_layer, around))
    own = first(*map(default_of, around))
    if own is None:
        return replace(outer, in_layer=in_layer)
    return replace(outer, in_layer=in_layer, default=own, default_of="mounted app")


def _survey_mounted(mount: Placed, here: _Surroundings) -> Iterator[Placed]:
    router = router_of(mount.endpoint)
    if router in here.routers:
        return
    inner = replace(
        here,
        # A default is not a policy of the mount itself: routes inside look it up again, after all others.
        inherited=None if mount.source in {"app", "mounted app"} else mount.policy,
        inherited_from=mount.source or "mount",
        path=mount.path,
        through=(*here.through, mount),
        routers=(*here.routers, router),
    )
    yield from _survey(router, inner)


def _has_layer(app: object) -> bool:
    """Whether it is a layer of route_cors, or an app with one."""
    return hasattr(app, DEFAULT) or any(layers_of(app))
