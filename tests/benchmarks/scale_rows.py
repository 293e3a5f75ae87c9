"""What the number of routes and of routers costs a request: nothing that a request should notice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from answers import require_answer
from apps import bare, layer, with_install_cors
from many_routes import included, including, path_of, router_of, with_options_handler
from row import Row, Target, compared
from scopes import ORIGIN, actual_headers, fresh_scopes, preflight_headers
from timing import added_by, interleave, own_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

    from scopes import Header
    from timing import Asked, Chunk

__all__ = ["options_handler", "routers", "routes"]

_FEW = 10
_MANY = 10_000

_ROUTERS = 300
_ROUTES_EACH = 2


def routes(seconds: float) -> Iterator[Row]:
    """A preflight for the last route of one included router."""
    few, many = f"{_FEW} routes", f"{_MANY:,} routes"
    subjects = {
        name: own_time(_through_layer(included(count), "OPTIONS", path_of(count - 1), preflight_headers()))
        for name, count in ((few, _FEW), (many, _MANY))
    }
    timings = interleave(subjects, seconds)
    yield compared("preflight", timings, many, few, Target(1.2))


def routers(seconds: float) -> Iterator[Row]:
    """The same routes in many included routers and in one."""
    total = _ROUTERS * _ROUTES_EACH
    one, many = "1 router", f"{_ROUTERS} routers"
    apps = {
        one: included(total),
        many: including(*(router_of(first, _ROUTES_EACH) for first in range(0, total, _ROUTES_EACH))),
    }
    path = path_of(total - 1)
    asked = {name: _through_layer(app, "OPTIONS", path, preflight_headers()) for name, app in apps.items()}
    timings = interleave({name: own_time(each) for name, each in asked.items()}, seconds / 2)
    yield compared("preflight", timings, many, one, Target(1.3))
    asked = {name: _through_layer(app, "PUT", path, actual_headers()) for name, app in apps.items()}
    timings = interleave({name: added_by(each, bare) for name, each in asked.items()}, seconds / 2)
    yield compared("cross-origin PUT", timings, many, one, Target(1.3))


def options_handler(seconds: float) -> Iterator[Row]:
    """A preflight to a whole FastAPI app, answered by an OPTIONS route, and by `install_cors`."""
    path = path_of(_MANY - 1)
    by_handler, by_layer = "app.options", "install_cors"
    apps = {
        by_handler: with_options_handler(included(_MANY), path),
        by_layer: with_install_cors(included(_MANY)),
    }
    subjects: dict[str, Chunk] = {}
    for name, app in apps.items():
        fresh_scope = fresh_scopes(app, "OPTIONS", path, preflight_headers())
        require_answer(app, fresh_scope(), origin=ORIGIN)
        subjects[name] = own_time((app, fresh_scope))
    timings = interleave(subjects, seconds)
    what = f"preflight, whole app of {_MANY:,} routes"
    yield compared(what, timings, by_handler, by_layer, Target(1_000, at_least=True))


def _through_layer(app: FastAPI, method: str, path: str, headers: list[Header]) -> Asked:
    fresh_scope = fresh_scopes(app, method, path, headers)
    around = layer(bare)
    require_answer(around, fresh_scope(), origin=ORIGIN)
    return around, fresh_scope
