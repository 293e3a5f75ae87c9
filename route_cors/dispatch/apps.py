"""What an app shows: its router, what stands around it, the layers of ours that it brings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Router

from route_cors.dispatch.target import MAX_MOUNTS, first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.policy import CORSPolicy

__all__ = [
    "NO_ROUTES",
    "around_mount",
    "default_of",
    "has_layer",
    "is_installed",
    "remember_default",
    "root_path_inside",
    "router_of",
    "shows_routes",
    "wrappers_of",
]

# On apps and layers: the default of the layer that it is, or that install_cors put around it.
_DEFAULT: Final = "_route_cors_default"


def remember_default(app: object, default: CORSPolicy | None) -> None:
    """Note an app's own default, for the index of an app that mounts it."""
    setattr(app, _DEFAULT, default)


def is_installed(app: object) -> bool:
    """Whether `install_cors` was called on this very app."""
    return isinstance(app, Starlette) and hasattr(app, _DEFAULT)


def shows_routes(app: object) -> bool:
    """Whether its routes can be read."""
    return router_of(app) is not NO_ROUTES


def router_of(app: object) -> Any:
    """What holds the app's routes; an app that shows none has nothing to be found.

    Only routes of Starlette's kind are read: what other frameworks call so is routed otherwise.
    """
    router = getattr(app, "router", app)
    if isinstance(router, Router):
        return router
    routes: object = getattr(app, "routes", None)
    if not isinstance(routes, list) or not hasattr(app, "__dict__"):
        return NO_ROUTES
    is_readable = all(isinstance(item, BaseRoute) for item in cast("list[object]", routes))
    return app if is_readable else NO_ROUTES


NO_ROUTES: Final = Router()


def wrappers_of(app: object) -> Iterator[object]:
    """An app and what it is a middleware of, as far as that can be seen."""
    for _ in range(MAX_MOUNTS):
        yield app
        if shows_routes(app):
            return
        app = getattr(app, "app", None)


def has_layer(app: object) -> bool:
    """Whether it is a layer of ours, or an app with one."""
    return hasattr(app, _DEFAULT) or any(_layers_of(app))


def _layers_of(app: object) -> Iterator[Any]:
    """The layers of ours among an app's middleware, as they were added."""
    for middleware in getattr(app, "user_middleware", ()):
        if getattr(middleware.cls, "is_route_cors_layer", False):
            yield middleware


def around_mount(mount: Any, app: object) -> Iterator[object]:
    """A mounted app, and what the mount put around it."""
    yield app
    yield from wrappers_of(mount.app)


def default_of(app: object) -> CORSPolicy | None:
    """The default of the layer that an app brings itself or is, however it was added."""
    installed: CORSPolicy | None = getattr(app, _DEFAULT, None)
    return first(installed, *(layer.kwargs.get("default") for layer in _layers_of(app)))


def root_path_inside(app: object, root_path: str) -> str:
    """FastAPI(root_path=...) overwrites what it is handed, on entry."""
    return (isinstance(app, FastAPI) and app.root_path) or root_path
