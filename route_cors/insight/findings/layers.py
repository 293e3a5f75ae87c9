"""CORS layers that get in each other's way."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Router

from route_cors.dispatch.apps import certain_defaults_of, is_installed, is_layer
from route_cors.insight.describe import name_of
from route_cors.insight.findings.facts import named
from route_cors.insight.findings.finding import finding_about
from route_cors.insight.findings.grantors import heard
from route_cors.insight.foreign import KnownLayer, OurLayer, layer_of, layer_of_middleware
from route_cors.insight.printable import printable
from route_cors.middleware import RouteCORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.middleware import Middleware

    from route_cors.decorators import Declared
    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.foreign import Layer
    from route_cors.insight.routes import Place, ReportedRoute


@dataclass(frozen=True, slots=True)
class _Level:
    """An app, mount or route, and the middleware around it, outermost first.

    Attributes:
        row: the mount or route; None for the app itself.
        is_covered: whether there is a layer of route_cors outside of all that.
        around: the middleware objects.
        app: the app inside them, if it has middleware of its own.
        behind: the routes that a request reaches through all of it.
    """

    row: Row | None
    is_covered: bool
    around: list[object]
    app: object
    behind: list[Row]

    @property
    def reported(self) -> ReportedRoute | None:
        """The route that a finding about it points at."""
        return None if self.row is None else self.row.reported


def find_second_layers(facts: Facts) -> Iterator[Finding]:
    """RC003: a CORS middleware outside of a policy or of another CORS middleware; two defaults on one app."""
    for level in _levels(facts):
        ruled = [
            row for row in level.behind if row.placed.policy is not None and row.placed.kind != "websocket"
        ]
        if ruled:
            yield from _foreign_layers(facts, level, ruled)
            yield from _unheard_defaults(facts, level)
    yield from _pairs(facts)


def _levels(facts: Facts) -> Iterator[_Level]:
    app = facts.around.app
    rows = [row for row in facts.rows if row.speaks]
    yield _Level(None, is_covered=False, around=[*_until(app, facts.app)], app=app, behind=rows)
    for row in facts.rows:
        if row.placed.kind == "mount":
            yield _of_mount(facts, row)
        else:
            around = [*_until(row.placed.endpoint, getattr(row.placed.route, "app", None))]
            yield _Level(row, row.placed.in_layer, around, None, [row])


def _of_mount(facts: Facts, row: Row) -> _Level:
    endpoint = row.placed.endpoint
    outside = facts.around.in_layer if row.mount is None else row.mount.placed.in_layer
    *by_app, app = _until(None, endpoint)
    around = [*_until(endpoint, getattr(row.placed.route, "app", None)), *by_app]
    return _Level(row, outside, around, app, [row] if row.speaks else _inside(facts, row))


def _inside(facts: Facts, mount: Row) -> list[Row]:
    after = itertools.islice(facts.rows, mount.order + 1, None)
    inside = itertools.takewhile(lambda row: row.placed.depth > mount.placed.depth, after)
    return [row for row in inside if row.speaks]


def _until(inner: object, app: object) -> Iterator[object]:
    """A middleware and what is inside of it, down to `inner`, or as far as that is visible."""
    for _ in range(_MAX_MIDDLEWARE):
        if app is None or app is inner:
            return
        yield app
        shows_routes = isinstance(app, Starlette | Router)
        app = None if shows_routes else getattr(app, "app", None)


_MAX_MIDDLEWARE: Final = 64


@dataclass(frozen=True, slots=True)
class _Seen:
    """A middleware: its class, and what is known about it."""

    made_by: object
    layer: Layer | None


def _foreign_layers(facts: Facts, level: _Level, ruled: list[Row]) -> Iterator[Finding]:
    is_covered = level.is_covered
    inside = [
        _Seen(middleware.cls, layer_of_middleware(middleware)) for middleware in _user_middleware(level.app)
    ]
    installed = [_Seen(RouteCORSMiddleware, OurLayer())] if is_installed(level.app) else []
    around = [_Seen(type(middleware), layer_of(middleware)) for middleware in level.around]
    for seen in (*around, *installed, *inside):
        is_covered = is_covered or isinstance(seen.layer, OurLayer)
        if _is_foreign(seen):
            found = _behind(level, seen, ruled) if is_covered else _before(facts, level, seen, ruled)
            yield replace(found, place=_place_of(facts, level, seen) or found.place)


def _behind(level: _Level, seen: _Seen, ruled: list[Row]) -> Finding:
    name = _name(seen.made_by)
    sentence = f"{name} is inside of route_cors, which replaces its headers on {named(ruled)}"
    if _does_more(seen):
        fix = f"if {name} is only there for CORS, remove it; whatever else it does is not affected"
        return finding_about(level.reported, "RC003", sentence, fix, severity="info")
    others = [row for row in level.behind if row.placed.policy is None and row.placed.kind == "http"]
    still = f"it still decides for {named(others)}" if others else "it does nothing else"
    fix = "remove it; install_cors(app, default=...) covers routes without a policy"
    return finding_about(level.reported, "RC003", f"{sentence}: {still}", fix, severity="warning")


def _before(facts: Facts, level: _Level, seen: _Seen, ruled: list[Row]) -> Finding:
    name = _name(seen.made_by)
    if _does_more(seen):
        sentence = (
            f"{name} may answer CORS requests itself, before policies such as that of {named(ruled)} apply"
        )
        outside = f"call install_cors(app), which goes outside of {name}, or make {name} leave CORS alone"
        fix = facts.layer_fix(outside)
        return finding_about(level.reported, "RC003", sentence, fix, severity="warning")
    sentence = f"{name} answers preflights before policies such as that of {named(ruled)} apply"
    return finding_about(
        level.reported, "RC003", sentence, facts.layer_fix("remove it and call install_cors(app)")
    )


def _does_more(seen: _Seen) -> bool:
    """Whether it is, or may be, more than Starlette's middleware with other arguments."""
    return not isinstance(seen.layer, KnownLayer)


def _place_of(facts: Facts, level: _Level, seen: _Seen) -> Place | None:
    arguments = seen.layer.cors if isinstance(seen.layer, KnownLayer) else None
    return facts.source.of_layer(name_of(_unwrapped(seen.made_by)), arguments, level.app)


def _pairs(facts: Facts) -> Iterator[Finding]:
    """Two CORSMiddleware, one inside the other, with different arguments, and no policy."""
    pairs: dict[tuple[KnownLayer, KnownLayer], list[Row]] = {}
    for row in facts.rows:
        if row.speaks and row.placed.kind != "websocket":
            for pair in itertools.pairwise(heard(row)):
                pairs.setdefault(pair, []).append(row)
    for (outer, inner), rows in pairs.items():
        if outer.cors is None or inner.cors is None or outer == inner:
            continue
        places = [facts.source.of_layer(layer.name, layer.cors) for layer in (outer, inner)]
        told = [_told(layer.in_words(), place) for layer, place in zip((outer, inner), places, strict=True)]
        sentence = f"preflights for {named(rows, 3)} are answered by {told[0]}, never by {told[1]}"
        fix = "keep one of them around each route: one for the whole app, or one for each mounted app"
        found = finding_about(rows[0].reported, "RC003", sentence, fix, severity="warning")
        yield replace(found, place=places[0], routes=tuple(row.reported for row in rows))


def _told(words: str, place: Place | None) -> str:
    return printable(words if place is None else f"{words} ({place})")


def _unheard_defaults(facts: Facts, level: _Level) -> Iterator[Finding]:
    """A default that is never used, because a layer further in on the same app has one too."""
    defaults = [*_defaults_on(level.app)]
    for default in defaults[:-1]:
        heard = defaults[-1]
        if default != heard:
            sentence = f"one app has two layers of route_cors: {heard!r} is used, and {default!r} never is"
            fix = "keep one default: install_cors(app, default=...)"
            found = finding_about(level.reported, "RC003", sentence, fix)
            yield replace(found, place=facts.source.of_layer_of_ours(level.app) or found.place)


def _defaults_on(app: object) -> Iterator[Declared]:
    """The defaults of the layers that an app brings, outermost first."""
    installed = certain_defaults_of(app)[-1] if is_installed(app) else None
    if installed is not None:
        yield installed
    for layer in _user_middleware(app):
        default: Any = layer.kwargs.get("default")
        if is_layer(layer.cls) and default is not None:
            yield default


def _user_middleware(app: object) -> list[Middleware]:
    """As the app has them, outermost first."""
    return app.user_middleware if isinstance(app, Starlette) else []


def _is_foreign(seen: _Seen) -> bool:
    """Whether it is a CORSMiddleware, or has CORS in its name."""
    if isinstance(seen.layer, KnownLayer):
        return seen.layer.cors is not None
    made_by: object = _unwrapped(seen.made_by)
    has_the_word = "cors" in _name(made_by).lower()
    is_starlettes = isinstance(made_by, type) and issubclass(made_by, CORSMiddleware)
    return not isinstance(seen.layer, OurLayer) and (is_starlettes or has_the_word)


def _unwrapped(made_by: Any) -> Any:
    while isinstance(made_by, functools.partial):
        made_by = made_by.func
    return made_by


def _name(made_by: object) -> str:
    return printable(str(getattr(_unwrapped(made_by), "__name__", "")))
