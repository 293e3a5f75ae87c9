"""What the index weighs."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

from answers import answer, require_answer
from apps import bare, layer
from many_routes import included, path_of
from row import Row, Target
from scopes import ORIGIN, actual_headers, fresh_scopes, preflight_headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI
    from starlette.types import ASGIApp

__all__ = ["memory"]

_ROUTES = 5_000
_AT_MOST = Target(1_024)


def memory(_seconds: float) -> Iterator[Row]:
    """Allocations that outlive the requests: once the index is built, and once every route was asked for.

    The app has served a request before, so that what FastAPI keeps of its routes is not counted.
    """
    app = included(_ROUTES)
    answer(app, fresh_scopes(app, "GET", "/nowhere", [])())
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        around = layer(bare)
        _ask(around, app, 0)
        built = _traced(before)
        for route in range(_ROUTES):
            _ask(around, app, route)
        asked = _traced(before)
    finally:
        tracemalloc.stop()
    for when, size in (("when built", built), ("every route asked for", asked)):
        yield Row(f"memory of the index, {when}, a route: bytes", size / _ROUTES, _AT_MOST)


def _ask(around: ASGIApp, app: FastAPI, route: int) -> None:
    """A preflight and the request that it announces."""
    path = path_of(route)
    require_answer(around, fresh_scopes(app, "OPTIONS", path, preflight_headers())(), origin=ORIGIN)
    require_answer(around, fresh_scopes(app, "PUT", path, actual_headers())(), origin=ORIGIN)


def _traced(before: int) -> int:
    gc.collect()
    return tracemalloc.get_traced_memory()[0] - before
