"""Which layers a request goes through, from the outside in: around an app, in its stack, at its routes."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import Host, Mount
from starlette.staticfiles import StaticFiles

from route_cors.dispatch.apps import (
    certain_defaults_of,
    enforces,
    holds_nothing,
    is_installed,
    shows_routes,
    wrappers_of,
)
from route_cors.dispatch.target import MAX_MOUNTS
from route_cors.insight.describe import name_of
from route_cors.insight.foreign.layers import Layer, OurLayer, UnknownLayer, layer_of, layer_of_middleware

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from route_cors.insight.survey import Placed


def layers_around(app: object) -> tuple[Layer, ...]:
    """The layers around an app that shows routes; `app` may be one of these layers."""
    return tuple(_read([*wrappers_of(app)][:-1]))


def layers_of_app(app: object) -> tuple[Layer, ...]:
    """The layers of an app that shows its routes: those in its stack and in its router."""
    installed = [OurLayer(certain_defaults_of(app)[-1], enforces(app))] if is_installed(app) else []
    overridden = [UnknownLayer(name_of(type(app)))] if _serves_its_own_way(app) else []
    added: list[Layer | None] = [*map(layer_of_middleware, getattr(app, "user_middleware", ()))]
    router = getattr(app, "router", app)
    inside = [*_inside_of(getattr(router, "middleware_stack", None))]
    return (*overridden, *installed, *(each for each in added if each is not None), *_read(inside))


def layers_at(placed: Placed) -> tuple[Layer, ...]:
    """The layers that a route or mount adds itself, inside of those around it.

    For a mount, those of the mounted app as well, and the app itself if it shows no routes.
    """
    if isinstance(placed.view, Mount | Host):
        return _of_mount(placed.view)
    return layers_in_front_of(getattr(placed.route, "app", None))


def layers_in_front_of(app: object) -> tuple[Layer, ...]:
    """The layers in front of an endpoint; if it is not an endpoint, the last layer is the app itself."""
    return tuple(_around_endpoint(app))


def _of_mount(mount: Any) -> tuple[Layer, ...]:
    app = getattr(mount, "_base_app", mount.app)
    inside = [*wrappers_of(app)]
    # The mount's own middleware may not show the app inside of it.
    outside = [each for each in wrappers_of(mount.app) if all(each is not it for it in inside)]
    if not shows_routes(inside[-1]):
        return (*_read(outside), *_around_endpoint(app))
    return (*_read([*outside, *inside[:-1]]), *layers_of_app(inside[-1]))


def _around_endpoint(app: object) -> Iterator[Layer]:
    """A chain of middleware, and the app at its end if that may answer CORS by itself."""
    for _ in range(MAX_MOUNTS):
        if _is_endpoint(app):
            return
        if shows_routes(app):
            # Its routes are not read, as it is not a mount.
            yield from (*layers_of_app(app), UnknownLayer(name_of(app)))
            return
        layer = layer_of(app)
        if layer is not None:
            yield layer
        app = getattr(app, "app", None)


def _is_endpoint(app: object) -> bool:
    """Whether it contains only a usual endpoint, static files, or nothing."""
    if app is None:
        return True
    if inspect.isfunction(app):
        return (app.__module__.partition(".")[0], app.__qualname__) in _OF_ENDPOINTS
    if isinstance(app, type):
        return issubclass(app, HTTPEndpoint | WebSocketEndpoint)
    serves_files = isinstance(app, StaticFiles) and type(app).__call__ is StaticFiles.__call__
    return serves_files or holds_nothing(app)


# The apps that the frameworks make of functions.
_OF_ENDPOINTS: Final = {
    (framework, f"{made_by}.<locals>.app")
    for framework in ("fastapi", "starlette")
    for made_by in ("request_response", "websocket_session")
}


def _serves_its_own_way(app: object) -> bool:
    """Whether its class overrides the methods that lead a request into its stack."""
    if not isinstance(app, Starlette):
        return False
    usual = FastAPI if isinstance(app, FastAPI) else Starlette
    return any(getattr(type(app), name) is not getattr(usual, name) for name in _LEADS_IN)


_LEADS_IN: Final = ("__call__", "build_middleware_stack")


def _inside_of(stack: object) -> Iterator[object]:
    """The middleware of a router, down to the method of the router."""
    while stack is not None and not inspect.ismethod(stack):
        yield stack
        stack = getattr(stack, "app", None)


def _read(middleware: Iterable[object]) -> Iterator[Layer]:
    yield from filter(None, map(layer_of, middleware))
