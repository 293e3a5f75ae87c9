"""An app's routes and mounts, each with the policy that applies and where it comes from. Pure data."""

from __future__ import annotations

import functools
import inspect
import itertools
import linecache
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import CodeType
from typing import TYPE_CHECKING, Any, Literal

from fastapi import FastAPI

from route_cors.insight.describe import describe_policy, name_of
from route_cors.insight.enforcement import answers_itself, is_enforced, words_of_enforcement
from route_cors.insight.examples import example_host, example_path
from route_cors.insight.foreign import layers_around, layers_at, layers_of_app
from route_cors.insight.survey import surrounded, survey

if TYPE_CHECKING:
    from route_cors.decorators import Declared
    from route_cors.dispatch.routes import Source
    from route_cors.insight.foreign import Layer
    from route_cors.insight.survey import Placed


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the source: the file as Python knows it, and the line, counted from 1."""

    file: str
    line: int

    @property
    def local_file(self) -> str:
        """The file as seen from the current directory; that of a library as it is imported; with slashes."""
        return _local(self.file, _here())

    def __str__(self) -> str:
        return f"{self.local_file}:{self.line}"


def _here() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:  # deleted under a running server
        return None


@functools.lru_cache(maxsize=1024)  # thousands of routes share a few files
def _local(file: str, here: Path | None) -> str:
    path = Path(file)
    if here is not None and path.is_relative_to(here) and _LIBRARIES not in path.parts:
        return path.relative_to(here).as_posix()
    roots = [root for root in sys.path if path.is_relative_to(root)]
    return path.relative_to(max(roots, key=len)).as_posix() if roots else path.as_posix()


_LIBRARIES = "site-packages"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportedRoute:
    """A route or mount of an app, and who may call it.

    Attributes:
        kind: `http`, `websocket` or `mount`.
        path: as it was declared, after those of the mounts that lead there: `/items/{item_id}`. A mount at
            the root is at `/`.
        methods: sorted; None if only the endpoint knows them (a mount, an ASGI app); empty for websockets.
        host: the host that it is served at; None for any.
        endpoint: the full name of what serves it.
        place: where the endpoint was written; None if Python does not know.
        policy: the one that applies; `no_cors`; or None.
        source: what the policy was declared on: the `endpoint`, a `mount`, a `router`, the `app` as its
            default, or a `mounted app` as its own default. None without a policy.
        takes_effect: whether a layer, or the route itself as a CORSRoute, applies the policy.
        example: a path that the route matches; None if none could be found.
        layers: the middleware that a request goes through on its way there, layers of route_cors included,
            from the outside in; without those that are known to do nothing about CORS and to answer nothing.
            For a mount that shows no routes, also what is mounted.
        preflight_layers: those of them that a preflight meets. If the route does not serve OPTIONS, not its
            own: its 405 is made outside of them.
        is_documentation: whether it is one of FastAPI's own, for the schema and the pages of the docs.
        is_enforced: whether requests of pages that the policy does not allow are refused before the endpoint
            runs, by `enforce` of the policy or of a layer; for a websocket, whether it has a policy.
    """

    kind: Literal["http", "websocket", "mount"]
    path: str
    methods: tuple[str, ...] | None
    host: str | None
    endpoint: str
    place: Place | None
    policy: Declared | None
    source: Source | None
    takes_effect: bool
    example: str | None
    layers: tuple[Layer, ...] = ()
    preflight_layers: tuple[Layer, ...] = ()
    is_documentation: bool = False
    is_enforced: bool = False

    @property
    def words_of_enforcement(self) -> list[str]:
        """Words to add to those for its policy; none for websockets, which only their policy guards."""
        is_enforced = self.is_enforced and self.kind != "websocket"
        return words_of_enforcement(self.policy, is_enforced=is_enforced)

    def to_dict(self) -> dict[str, Any]:
        """The same as data that JSON can hold."""
        return {
            "kind": self.kind,
            "path": self.path,
            "methods": None if self.methods is None else [*self.methods],
            "host": self.host,
            "endpoint": self.endpoint,
            "file": None if self.place is None else self.place.local_file,
            "line": None if self.place is None else self.place.line,
            "policy": None if self.policy is None else describe_policy(self.policy),
            "source": self.source,
            "takes_effect": self.takes_effect,
            "example": self.example,
            "layers": [layer.described() for layer in self.layers],
            "is_documentation": self.is_documentation,
            "is_enforced": self.is_enforced,
        }


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A route as the report shows it, and as the dispatcher placed it."""

    reported: ReportedRoute
    placed: Placed


def survey_routes(app: object) -> list[Surveyed]:
    """What the dispatcher knows of an app's routes, made presentable.

    Raises:
        TypeError: the app shows no routes: it is not a Starlette or FastAPI app, or a middleware around one.
    """
    on_all = (*layers_around(app), *layers_of_app(surrounded(app).app))
    on_mounts: list[tuple[Layer, ...]] = []
    surveyed: list[Surveyed] = []
    for placed in survey(app):
        del on_mounts[placed.depth :]
        own = layers_at(placed)
        outside = (*on_all, *itertools.chain.from_iterable(on_mounts))
        surveyed.append(Surveyed(_reported(placed, outside, own), placed))
        if placed.shows_routes:
            on_mounts.append(own)
    return surveyed


def _reported(placed: Placed, outside: tuple[Layer, ...], own: tuple[Layer, ...]) -> ReportedRoute:
    takes_preflights = placed.kind == "mount" or placed.methods is None or "OPTIONS" in placed.methods
    return ReportedRoute(
        kind=placed.kind,
        # Starlette keeps that of a mount at / as an empty text.
        path="/" if placed.kind == "mount" and not placed.path else placed.path,
        methods=None if placed.methods is None or placed.kind == "mount" else tuple(sorted(placed.methods)),
        host=example_host(placed),
        endpoint=name_of(placed.endpoint),
        place=None if placed.kind == "mount" else place_of(placed.endpoint),
        policy=placed.policy,
        source=placed.source,
        takes_effect=placed.in_layer or answers_itself(placed.route),
        example=example_path(placed),
        layers=(*outside, *own),
        preflight_layers=(*outside, *own) if takes_preflights else outside,
        is_documentation=_is_documentation(placed.endpoint),
        is_enforced=is_enforced(placed, (*outside, *own)),
    )


def _is_documentation(endpoint: Any) -> bool:
    """The app says where these are: what is at a path like /docs may be the user's own.

    A mounted app is of that module too.
    """
    return inspect.isfunction(endpoint) and endpoint.__module__ == FastAPI.__module__


def place_of(endpoint: Any) -> Place | None:
    """Where an endpoint was written; the app of a mount is seldom the user's own."""
    while isinstance(endpoint, functools.partial):
        endpoint = endpoint.func
    # A decorator's wrapper names what it wraps; one that names itself would be followed for ever.
    with suppress(ValueError):
        endpoint = inspect.unwrap(endpoint)
    if isinstance(endpoint, type):
        return _place_of_class(endpoint)
    code = _code_of(endpoint)
    return None if code is None else Place(code.co_filename, code.co_firstlineno)


def _code_of(function: object) -> CodeType | None:
    code = getattr(function, "__code__", None)
    return code if isinstance(code, CodeType) else None


def _place_of_class(endpoint: type) -> Place | None:
    """The line that says `class`, looked for above the first handler.

    Not by `inspect.getsourcelines`, which reads the whole file for each class: 15 ms, with 5,000 routes.
    """
    handlers = [code for value in vars(endpoint).values() if (code := _code_of(value)) is not None]
    if not handlers:
        return None
    first = min(handlers, key=lambda code: code.co_firstlineno)
    says_class = re.compile(rf"\s*class {re.escape(endpoint.__name__)}\b")
    above = linecache.getlines(first.co_filename)[: first.co_firstlineno]
    lines = (number for number in range(len(above), 0, -1) if says_class.match(above[number - 1]))
    return Place(first.co_filename, next(lines, first.co_firstlineno))
