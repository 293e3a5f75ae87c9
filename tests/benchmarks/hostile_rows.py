"""What a client can make of a request that costs more than an ordinary one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apps import bare, cors_middleware, layer
from many_routes import included, path_of
from row import Row, Target, compared
from scopes import fresh_scopes, preflight_headers
from timing import added_by, interleave, own_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scopes import Header
    from timing import Timings

__all__ = ["long_headers", "long_paths"]

_KIB = 1024
_HEADER_SIZES = [8, 16, 32, 64]
_SEGMENTS = [625, 1_250, 2_500, 5_000]
# The time for each byte, however many there are; the margin is the clock's.
_LINEAR = Target(1.1)
_NOT_MORE = Target(1)

_STARLETTE = "CORSMiddleware"


def long_headers(seconds: float) -> Iterator[Row]:
    """Preflights with endless headers, as no browser sends them."""
    endless: dict[str, Callable[[int], list[Header]]] = {
        "listed names": lambda size: preflight_headers(names=b"x-token," * (size // 8)),
        "one name": lambda size: preflight_headers(names=b"x" * size),
        "commas": lambda size: preflight_headers(names=b"," * size),
        "origin": lambda size: preflight_headers(origin=b"https://" + b"a" * size),
    }
    for what, headers_of in endless.items():
        headers = {size: headers_of(size * _KIB) for size in _HEADER_SIZES}
        yield from _against_starlette(f"preflight, endless {what}", headers, seconds / len(endless))


def long_paths(seconds: float) -> Iterator[Row]:
    """Preflights for a path of thousands of segments that no route has, against the app's own 404."""
    for count in (10, 1_000):
        yield from _against_404(count, seconds / 2)


def _against_starlette(what: str, headers: Mapping[int, list[Header]], seconds: float) -> Iterator[Row]:
    app = included(10)
    around, starlette = layer(bare), cors_middleware(bare)
    fresh_scope = fresh_scopes(app, "OPTIONS", path_of(0), preflight_headers())
    subjects = {"ordinary": own_time((around, fresh_scope))}
    for size, each in headers.items():
        fresh_scope = fresh_scopes(app, "OPTIONS", path_of(0), each)
        subjects[f"{size} KB"] = own_time((around, fresh_scope))
        subjects[f"{_STARLETTE} {size} KB"] = own_time((starlette, fresh_scope))
    timings = interleave(subjects, seconds)
    sizes = {f"{size} KB": size for size in headers}
    yield _growth(what, timings, sizes, "ordinary")
    worst = max(sizes, key=lambda size: timings.ratio(size, f"{_STARLETTE} {size}"))
    yield compared(f"{what}, worst size", timings, worst, f"{_STARLETTE} {worst}", _NOT_MORE)


def _against_404(count: int, seconds: float) -> Iterator[Row]:
    app = included(count)
    around = layer(bare)
    what = f"preflight, endless path, {count:,} routes"
    sizes = {f"{size:,} segments": size for size in _SEGMENTS}
    scopes = {
        name: fresh_scopes(app, "OPTIONS", "/a" * size, preflight_headers()) for name, size in sizes.items()
    }
    *_, longest = sizes
    subjects = {name: added_by((around, fresh_scope), bare) for name, fresh_scope in scopes.items()}
    subjects["the app's 404"] = own_time((app, scopes[longest]))
    timings = interleave(subjects, seconds)
    yield _growth(what, timings, sizes)
    yield compared(what, timings, longest, "the app's 404", _NOT_MORE)


def _growth(what: str, timings: Timings, sizes: Mapping[str, int], *more: str) -> Row:
    """The time by size, where it is largest, against that at the smallest size."""
    smallest, *larger = sizes
    growth = max(timings.ratio(size, smallest) * sizes[smallest] / sizes[size] for size in larger)
    times = {name: timings.ns(name) for name in (*more, *sizes)}
    return Row(f"{what}: growth of the time by size", growth, _LINEAR, times)
