"""The layer's own time for one request, against what other layers take around the same inner app."""

from __future__ import annotations

from typing import TYPE_CHECKING

from answers import WrongAnswerError, require_answer
from apps import PATH, SILENT_PATH, bare, cors_middleware, dry_run, floor, installed, layer, shop
from other_libraries import asgi_cors_around, flask_cors_preflight
from row import Row, Target, compared
from scopes import ORIGIN, OWN, actual_headers, fresh_scopes, one_scope, preflight_headers, served_scopes
from timing import added_by, calls_of, interleave, nothing, own_time

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.types import Scope

    from scopes import Header
    from timing import Asked, Chunk, Timings

    Scopes = Callable[[object, str, str, Iterable[Header]], Callable[[], Scope]]

__all__ = ["actual", "beside", "enforced", "preflight", "refused", "silent", "times_of_layers"]

_MIDDLEWARE = "RouteCORSMiddleware"
_INSTALLED = "install_cors"
_DRY_RUN = "dry_run=True"
_STARLETTE = "CORSMiddleware"
_ASGI_CORS = "asgi-cors"
_FLASK_CORS = "flask-cors and Flask"
_FLOOR = "two precomputed sends"


def preflight(seconds: float) -> Iterator[Row]:
    """An allowed preflight, answered by each layer: of one scope again and again, and of new ones."""
    headers = preflight_headers()
    ask_flask = flask_cors_preflight(PATH, headers)
    if ask_flask() != "200 OK":
        raise WrongAnswerError(f"flask-cors answers {ask_flask()}")
    for what, scopes, target in (
        ("preflight", one_scope, Target(0.30)),
        ("preflight, all its objects new", fresh_scopes, None),
    ):
        layers = _layers("OPTIONS", PATH, headers, ORIGIN, scopes)
        subjects = {
            **{name: own_time(asked) for name, asked in layers.items()},
            _FLASK_CORS: calls_of(ask_flask),
            _FLOOR: own_time((floor, scopes(None, "OPTIONS", PATH, headers))),
        }
        timings = interleave(subjects, seconds / 2)
        for name in (_INSTALLED, _MIDDLEWARE):
            yield compared(what, timings, name, _STARLETTE, target)
        for name in (_FLOOR, _ASGI_CORS, _FLASK_CORS):
            yield compared(what, timings, name, _STARLETTE)


def refused(seconds: float) -> Iterator[Row]:
    """A preflight from an origin that is not allowed."""
    headers = preflight_headers(origin=b"https://stranger.example")
    fresh_scope = fresh_scopes(shop(), "OPTIONS", PATH, headers)
    layers: dict[str, Asked] = {
        _MIDDLEWARE: (layer(bare), fresh_scope),
        _STARLETTE: (cors_middleware(bare), fresh_scope),
    }
    for around, _ in layers.values():
        require_answer(around, fresh_scope(), origin=None, statuses=(400, 403))
    timings = interleave({name: own_time(asked) for name, asked in layers.items()}, seconds)
    yield compared("refused preflight", timings, _MIDDLEWARE, _STARLETTE, Target(0.45))


def actual(seconds: float) -> Iterator[Row]:
    """What each layer adds to a cross-origin GET."""
    yield from _added("cross-origin GET", PATH, ORIGIN, Target(0.40), seconds / 2)
    what = "cross-origin GET, its scope filled key by key"
    yield from _added(what, PATH, ORIGIN, Target(0.42), seconds / 2, served_scopes)


def silent(seconds: float) -> Iterator[Row]:
    """What each layer adds to a GET without Origin, to a route without a policy."""
    yield from _added("GET without Origin and policy", SILENT_PATH, None, Target(0.25), seconds)


def enforced(seconds: float) -> Iterator[Row]:
    """What each layer adds where ours refuses the requests of strangers."""
    own_page = [(name, OWN if name == b"origin" else value) for name, value in actual_headers(OWN)]
    own_page = [(name, b"same-origin" if name == b"sec-fetch-site" else value) for name, value in own_page]
    for what, asked, target in (
        ("enforced PUT of an allowed origin", ("PUT", PATH, actual_headers(), ORIGIN), Target(0.45)),
        ("enforced PUT of the app's own page, no policy", ("PUT", SILENT_PATH, own_page, None), Target(0.45)),
        ("enforced GET, no Origin, no policy", ("GET", SILENT_PATH, actual_headers(None), None), None),
    ):
        timings = interleave(_subjects(_layers(*asked, enforce=True)), seconds / 3)
        for name in (_INSTALLED, _MIDDLEWARE):
            yield compared(what, timings, name, _STARLETTE, target)


def beside(seconds: float) -> Iterator[Row]:
    """What a dry run around CORSMiddleware adds, against what the layer itself adds there."""
    stranger = b"https://stranger.example"
    for what, method, path, headers, origin, target in (
        ("cross-origin GET", "GET", PATH, actual_headers(), ORIGIN, Target(1.0)),
        ("a stranger's GET", "GET", PATH, actual_headers(stranger), None, Target(1.0)),
        ("GET without Origin", "GET", PATH, actual_headers(None), None, Target(1.0)),
        ("preflight", "OPTIONS", PATH, preflight_headers(), ORIGIN, None),
    ):
        inside = cors_middleware(bare)
        app, watched = shop(), shop()
        layers: dict[str, Asked] = {
            _INSTALLED: (installed(app, inside), fresh_scopes(app, method, path, headers)),
            _DRY_RUN: (dry_run(watched, inside), fresh_scopes(watched, method, path, headers)),
        }
        for around, scope in layers.values():
            require_answer(around, scope(), origin=origin)
        # A preflight does not get through the layer: there it is the layer's own time.
        inner = {_INSTALLED: nothing if method == "OPTIONS" else inside, _DRY_RUN: inside}
        subjects = {name: added_by(asked, inner[name]) for name, asked in layers.items()}
        timings = interleave(subjects, seconds / 4)
        yield compared(f"beside CORSMiddleware, {what}", timings, _DRY_RUN, _INSTALLED, target)


def times_of_layers(seconds: float) -> dict[str, dict[str, float]]:
    """What is published of the layers: nanoseconds by what is asked and by layer, with new scopes."""
    headers = preflight_headers()
    preflights = {
        **{name: own_time(asked) for name, asked in _layers("OPTIONS", PATH, headers, ORIGIN).items()},
        _FLASK_CORS: calls_of(flask_cors_preflight(PATH, headers)),
    }
    measured = {
        "preflight": preflights,
        "cross-origin GET": _subjects(_layers("GET", PATH, actual_headers(), ORIGIN)),
        "GET without Origin": _subjects(_layers("GET", SILENT_PATH, actual_headers(None), None)),
    }
    return {what: _published(interleave(subjects, seconds)) for what, subjects in measured.items()}


def _published(timings: Timings) -> dict[str, float]:
    times = {name: timings.ns(name) for name in timings.rounds if name != _MIDDLEWARE}
    return {"route_cors": times.pop(_INSTALLED), **times}


def _added(
    what: str,
    path: str,
    origin: bytes | None,
    target: Target,
    seconds: float,
    scopes: Scopes = fresh_scopes,
) -> Iterator[Row]:
    layers = _layers("GET", path, actual_headers(origin), origin, scopes)
    timings = interleave(_subjects(layers), seconds)
    for name in (_INSTALLED, _MIDDLEWARE):
        yield compared(what, timings, name, _STARLETTE, target)
    yield compared(what, timings, _ASGI_CORS, _STARLETTE)


def _subjects(layers: dict[str, Asked]) -> dict[str, Chunk]:
    return {name: added_by(asked, bare) for name, asked in layers.items()}


def _layers(
    method: str,
    path: str,
    headers: list[Header],
    origin: bytes | None,
    scopes: Scopes = fresh_scopes,
    *,
    enforce: bool = False,
) -> dict[str, Asked]:
    """The layers, each around the inner app, and seen to allow that origin (None: they were not asked)."""
    app = shop()
    installed_app = shop()
    scope_of_app = scopes(app, method, path, headers)
    layers: dict[str, Asked] = {
        _MIDDLEWARE: (layer(bare, enforce=enforce), scope_of_app),
        _INSTALLED: (
            installed(installed_app, bare, enforce=enforce),
            scopes(installed_app, method, path, headers),
        ),
        _STARLETTE: (cors_middleware(bare), scope_of_app),
        _ASGI_CORS: (asgi_cors_around(bare), scope_of_app),
    }
    for around, scope in layers.values():
        require_answer(around, scope(), origin=origin)
    return layers
