"""Apps of common shapes that are not the plainest: what their paths cost beyond one look-up a segment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from answers import require_answer
from apps import PATH, POLICY, bare, cors_middleware, layer
from route_cors import cors
from row import Target, compared
from scopes import ORIGIN, fresh_scopes, preflight_headers
from timing import interleave, own_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from row import Row

__all__ = ["shapes"]

_STARLETTE = "CORSMiddleware"
_MOUNTED = "{number} in a mounted app"
_TWICE_MOUNTED = "{number} in an app mounted in a mounted app"
_TARGETS = {_MOUNTED: Target(0.45), _TWICE_MOUNTED: Target(0.6)}


def shapes(seconds: float) -> Iterator[Row]:
    """The same preflight in apps of other shapes, against CORSMiddleware, which looks at no routes."""
    starlette_scope = fresh_scopes(None, "OPTIONS", PATH, preflight_headers())
    subjects = {_STARLETTE: own_time((cors_middleware(bare), starlette_scope))}
    apps = _apps()
    for shape, app in apps.items():
        fresh_scope = fresh_scopes(app, "OPTIONS", PATH, preflight_headers())
        around = layer(bare)
        require_answer(around, fresh_scope(), origin=ORIGIN)
        subjects[shape] = own_time((around, fresh_scope))
    timings = interleave(subjects, seconds)
    for shape in apps:
        yield compared("preflight", timings, shape, _STARLETTE, _TARGETS.get(shape))


def _apps() -> dict[str, FastAPI]:
    plain = FastAPI()
    plain.put("/api/orders/{number}")(_endpoint)

    convertor = FastAPI()
    convertor.put("/api/orders/{number:int}")(_endpoint)

    literal = FastAPI()
    literal.put("/api/orders/newest")(_endpoint)
    literal.put("/api/orders/{number}")(_endpoint)

    catch_all = FastAPI()
    catch_all.put("/api/orders/{number}")(_endpoint)
    catch_all.get("/{path:path}")(_catch_all)

    static = FastAPI()
    static.put("/api/orders/{number}")(_endpoint)
    static.mount("/", StaticFiles(directory=".", check_dir=False))

    mounted = FastAPI()
    mounted.put("/orders/{number}")(_endpoint)
    mounting = FastAPI()
    mounting.mount("/api", mounted)

    orders = FastAPI()
    orders.put("/{number}")(_endpoint)
    api = FastAPI()
    api.mount("/orders", orders)
    mounting_twice = FastAPI()
    mounting_twice.mount("/api", api)

    nested = FastAPI()
    inner = APIRouter(prefix="/orders")
    inner.put("/{number}")(_endpoint)
    outer = APIRouter(prefix="/api")
    outer.include_router(inner)
    nested.include_router(outer)

    return {
        "{number}": plain,
        "{number:int}": convertor,
        "{number} beside a literal": literal,
        "{number} before a catch-all route": catch_all,
        "{number} before StaticFiles at /": static,
        _MOUNTED: mounting,
        _TWICE_MOUNTED: mounting_twice,
        "{number} in nested routers": nested,
    }


@cors(POLICY)
async def _endpoint(number: int) -> None: ...


async def _catch_all(path: str) -> None: ...
