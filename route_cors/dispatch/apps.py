"""The visible parts of an app: its router, the middleware around it, its layers of route_cors."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final, cast

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Router
from starlette.staticfiles import StaticFiles

from route_cors.dispatch.target import MAX_MOUNTS, first

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.decorators import Declared

DEFAULT: Final = "_route_cors_default"
"""Attribute of apps and layers: the default of the layer that it is, or that install_cors put around it."""

# And whether that enforces.
_ENFORCES: Final = "_route_cors_enforces"


def remember_default(app: object, default: Declared | None, *, enforces: bool = False) -> None:
    """Note an app's own default, for the index of an app that mounts it."""
    setattr(app, DEFAULT, default)
    setattr(app, _ENFORCES, enforces)


def is_installed(app: object) -> bool:
    """Whether `install_cors` was called on this very app."""
    return isinstance(app, Starlette) and hasattr(app, DEFAULT)


def shows_routes(app: object) -> bool:
    """Whether its routes can be read."""
    return router_of(app) is not NO_ROUTES


def router_of(app: object) -> Any:
    """The object that holds the app's routes; `NO_ROUTES` for an app that shows none.

    Only Starlette's kind of routes is read: other frameworks route differently.
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
    """An app and what it is a middleware of, as far as that is visible."""
    for _ in range(MAX_MOUNTS):
        if app is None:
            return
        yield app
        if shows_routes(app):
            return
        app = getattr(app, "app", None)


def is_layer(app: object) -> bool:
    """Whether it is a layer of route_cors."""
    return bool(getattr(app, "is_route_cors_layer", False))


def hands_all_on(app: object) -> bool:
    """Whether it is a middleware that Starlette or FastAPI puts around those of the user."""
    return type(app) is ServerErrorMiddleware or type(app).__module__.startswith("fastapi.")


def holds_nothing(app: object) -> bool:
    """Whether route_cors cannot be inside of it, because it serves files or is a response."""
    return type(app).__call__ in {StaticFiles.__call__, Response.__call__}


def layers_of(app: object) -> Iterator[Any]:
    """The layers of route_cors among an app's middleware, in the order of the list."""
    yield from filter(_is_ours, getattr(app, "user_middleware", ()))


def _is_ours(middleware: Any) -> bool:
    return is_layer(middleware.cls)


def enforces(app: object) -> bool:
    """Whether a layer that the app has or is enforces."""
    added = any(layer.kwargs.get("enforce", False) for layer in layers_of(app))
    return added or bool(getattr(app, _ENFORCES, False))


def default_of(app: object) -> Declared | None:
    """The default of the layer that an app has or is; of several, that of the innermost with a default."""
    # Layers that were added are inside the one that was installed; the last of them is the innermost.
    added = [layer.kwargs.get("default") for layer in layers_of(app)]
    installed: Declared | None = getattr(app, DEFAULT, None)
    return first(*reversed(added), installed)


def certain_defaults_of(app: object) -> list[Declared | None]:
    """The defaults, innermost first, of all layers that every request goes through.

    A middleware in front of an added one may send the request elsewhere.
    """
    leading = itertools.takewhile(_is_ours, getattr(app, "user_middleware", ()))
    added = [layer.kwargs.get("default") for layer in leading]
    return [*reversed(added), getattr(app, DEFAULT, None)]


def root_path_inside(app: object, root_path: str) -> str:
    """The root path inside an app: FastAPI(root_path=...) overwrites the one it gets."""
    return (isinstance(app, FastAPI) and app.root_path) or root_path
