"""CORS layers that stand in each other's way."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Router

from route_cors.dispatch import is_installed
from route_cors.dispatch.apps import certain_defaults_of
from route_cors.insight.findings.facts import named
from route_cors.insight.findings.finding import finding_about
from route_cors.insight.printable import printable
from route_cors.middleware import RouteCORSMiddleware

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.middleware import Middleware

    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.routes import ReportedRoute
    from route_cors.policy import CORSPolicy

__all__ = ["find_second_layers"]


@dataclass(frozen=True, slots=True)
class _Level:
    """An app, mount or route, and what stands around it, outermost first.

    Attributes:
        row: the mount or route; None for the app itself.
        is_covered: whether a layer of ours stands outside of all that.
        around: the middleware objects.
        app: what they stand around, if that has middleware of its own.
        behind: the routes that a request gets to through all of it.
    """

    row: Row | None
    is_covered: bool
    around: list[object]
    app: object
    behind: list[Row]

    @property
    def reported(self) -> ReportedRoute | None:
        """Where a finding about it stands."""
        return None if self.row is None else self.row.reported


def find_second_layers(facts: Facts) -> Iterator[Finding]:
    """RC003: another CORS middleware between the browser and a policy, or two defaults on one app."""
    for level in _levels(facts):
        ruled = [
            row for row in level.behind if row.placed.policy is not None and row.placed.kind != "websocket"
        ]
        if ruled:
            yield from _foreign_layers(level, ruled)
            yield from _unheard_defaults(level)


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
    """A middleware and what it stands around, down to `inner`, or as far as that can be seen."""
    for _ in range(_MAX_MIDDLEWARE):
        if app is None or app is inner:
            return
        yield app
        shows_routes = isinstance(app, Starlette | Router)
        app = None if shows_routes else getattr(app, "app", None)


_MAX_MIDDLEWARE: Final = 64


def _foreign_layers(level: _Level, ruled: list[Row]) -> Iterator[Finding]:
    is_covered = level.is_covered
    inside = [middleware.cls for middleware in _user_middleware(level.app)]
    installed = [RouteCORSMiddleware] if is_installed(level.app) else []
    for layer_class in (*map(type, level.around), *installed, *inside):
        is_covered = is_covered or _is_ours(layer_class)
        if _is_foreign(layer_class):
            yield _foreign(level, layer_class, ruled, is_covered=is_covered)


def _foreign(level: _Level, layer_class: object, ruled: list[Row], *, is_covered: bool) -> Finding:
    name = _name(layer_class)
    if is_covered:
        others = [row for row in level.behind if row.placed.policy is None and row.placed.kind == "http"]
        still = f"it still speaks for {named(others)}" if others else "it does nothing else"
        sentence = f"{name} stands behind route_cors, which replaces its headers on {named(ruled)}: {still}"
        mend = "remove it; install_cors(app, default=...) speaks for routes without a policy"
    else:
        sentence = f"{name} answers preflights before a policy is asked, such as that of {named(ruled)}"
        mend = "remove it, and call install_cors(app)"
    return finding_about(
        level.reported,
        "RC003",
        sentence,
        mend,
        severity="warning" if is_covered else "error",
    )


def _unheard_defaults(level: _Level) -> Iterator[Finding]:
    """A default of ours that another one, further in on the same app, never lets come to a word."""
    defaults = [*_defaults_on(level.app)]
    for default in defaults[:-1]:
        heard = defaults[-1]
        if default != heard:
            sentence = f"of two layers of route_cors on one app, {heard!r} is asked, and {default!r} never is"
            mend = "give one default, to install_cors(app, default=...)"
            yield finding_about(level.reported, "RC003", sentence, mend)


def _defaults_on(app: object) -> Iterator[CORSPolicy]:
    """Those of the layers that an app brings, outermost first."""
    installed = certain_defaults_of(app)[-1] if is_installed(app) else None
    if installed is not None:
        yield installed
    for layer in _user_middleware(app):
        default: Any = layer.kwargs.get("default")
        if _is_ours(layer.cls) and default is not None:
            yield default


def _user_middleware(app: object) -> list[Middleware]:
    """As the app has them, outermost first."""
    return app.user_middleware if isinstance(app, Starlette) else []


def _is_ours(layer_class: object) -> bool:
    return bool(getattr(layer_class, "is_route_cors_layer", False))


def _is_foreign(layer_class: object) -> bool:
    if _is_ours(layer_class):
        return False
    is_starlettes = isinstance(layer_class, type) and issubclass(layer_class, CORSMiddleware)
    return is_starlettes or "cors" in _name(layer_class).lower()


def _name(layer_class: Any) -> str:
    while isinstance(layer_class, functools.partial):
        layer_class = layer_class.func
    return printable(str(getattr(layer_class, "__name__", "")))
