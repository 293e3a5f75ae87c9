"""Every CORSMiddleware of an app and where it was added; other layers that may answer CORS are named."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from starlette.applications import Starlette

from route_cors.dispatch.apps import wrappers_of
from route_cors.insight.foreign import (
    KnownLayer,
    UnknownLayer,
    layer_of,
    layer_of_middleware,
    layers_around,
    layers_at,
    layers_of_app,
)
from route_cors.insight.survey import surrounded, survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from route_cors.insight.foreign import Layer
    from route_cors.insight.survey import Placed

Where: TypeAlias = Literal["around", "app", "mounted app", "router", "mount", "route"]
"""`app` and `mounted app`: `add_middleware`, `middleware=` of the app, or outermost around it, as in
`CORSMiddleware(app, ...)`; `around`: the same, inside of something else; `router`, `mount` and `route`: their
own `middleware=`, or an endpoint that is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The CORSMiddleware in one place.

    Attributes:
        where: where it was added.
        path: of the mount or route; "" for the app itself.
        app: the app whose default replaces it; None if it is on a router, mount or route.
        layers: from the outside in, at least one.
    """

    where: Where
    path: str
    app: Any
    layers: tuple[KnownLayer, ...]


@dataclass(frozen=True, slots=True)
class Everything:
    """Everything that was found, and the full names of layers that may answer CORS by themselves."""

    found: tuple[Found, ...]
    not_known: tuple[str, ...]


def find_layers(app: object) -> Everything:
    """Find them around an app, in it, and on each of its routes and mounts.

    Args:
        app: a FastAPI or Starlette app, or a middleware around one.

    Raises:
        TypeError: the app shows no routes.
    """
    inner = surrounded(app).app
    apps = {id(inner)}
    seen = [*_of_app("app", "", inner, layers_around(app), _leading(app))]
    for placed in survey(app):
        inside = [*wrappers_of(placed.endpoint)][-1] if placed.shows_routes else None
        brought = () if inside is None else layers_of_app(inside)
        own = layers_at(placed)
        seen.append(_placed(_kind(placed), placed.path, None, own[: len(own) - len(brought)]))
        if inside is not None and id(inside) not in apps:
            apps.add(id(inside))
            seen += _of_app("mounted app", placed.path, inside)
    unknown = (layer.name for _, layers in seen for layer in layers if isinstance(layer, UnknownLayer))
    return Everything(tuple(found for found, _ in seen if found.layers), tuple(dict.fromkeys(unknown)))


def without_cors(app: Any) -> Any:
    """An app with the layers around it, except for the outermost CORSMiddleware, which a default replaces."""
    if not isinstance(surrounded(app).app, Starlette):
        return app
    return next(each for each in wrappers_of(app) if not is_cors(layer_of(each)))


def is_cors(layer: Layer | None) -> bool:
    """Whether it is a CORSMiddleware with known behaviour."""
    return isinstance(layer, KnownLayer) and layer.cors is not None


def _leading(app: object) -> int:
    """How many of the layers around an app are outermost CORSMiddleware."""
    return len([*itertools.takewhile(lambda each: is_cors(layer_of(each)), wrappers_of(app))])


_Seen = tuple[Found, "tuple[Layer, ...]"]


def _of_app(
    where: Where, path: str, app: Any, around: tuple[Layer, ...] = (), leading: int = 0
) -> Iterator[_Seen]:
    """Those around an app, those in its middleware, and those of its router, which are further in."""
    read = map(layer_of_middleware, getattr(app, "user_middleware", ()))
    added = tuple(layer for layer in read if layer is not None)
    of_router = [*layers_of_app(app)]
    for layer in added:
        of_router.remove(layer)
    if not isinstance(app, Starlette):
        yield _placed("around", path, None, around)
    else:
        yield _placed(where, path, app, (*around[:leading], *added))
        yield _placed("around", path, None, around[leading:])
    yield _placed("router", path, None, of_router)


def _placed(where: Where, path: str, app: object, layers: Iterable[Layer]) -> _Seen:
    every = tuple(layers)
    cors = tuple(layer for layer in every if isinstance(layer, KnownLayer) and layer.cors is not None)
    return Found(where=where, path=path, app=app, layers=cors), every


def _kind(placed: Placed) -> Where:
    return "mount" if placed.kind == "mount" else "route"
