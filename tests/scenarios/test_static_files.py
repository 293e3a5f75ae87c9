"""Scenario 15: a mount of StaticFiles. It shows no routes: the policy stands on the app itself."""

from collections.abc import Callable
from pathlib import Path

import fastapi.routing
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

from .support import REFUSED, A, E, blocked, granted, preflight, readable, says, send, untouched

pytestmark = pytest.mark.anyio

# It shows no routes: any method, each alone.
ANY_METHOD = ("GET", "HEAD", "POST", "PUT", "PROPFIND")
# Before, include_router dropped mounts without a word.
includes_mounts = pytest.mark.skipif(
    not hasattr(fastapi.routing, "iter_route_contexts"), reason="this FastAPI does not include mounts"
)

Place = Callable[[StaticFiles], tuple[Starlette, str]]


@pytest.fixture
def files(tmp_path: Path) -> StaticFiles:
    (tmp_path / "a.txt").write_text("a file")
    return StaticFiles(directory=tmp_path)


def on_fastapi(files: StaticFiles) -> tuple[Starlette, str]:
    app = FastAPI()
    app.mount("/static", files)
    app.get("/{p:path}")(cors(origins="*")(says()))
    return app, "/static"


def on_mounted_app(files: StaticFiles) -> tuple[Starlette, str]:
    app = FastAPI()
    app.mount("/sub", on_fastapi(files)[0])
    return app, "/sub/static"


def on_starlette(files: StaticFiles) -> tuple[Starlette, str]:
    return Starlette(routes=[Mount("/v1", routes=[Mount("/static", app=files)])]), "/v1/static"


def on_included_router(files: StaticFiles) -> tuple[Starlette, str]:
    inner = APIRouter()
    inner.mount("/static", files)
    outer = CORSRouter(prefix="/v1")
    outer.include_router(inner, prefix="/v2")
    app = FastAPI()
    app.include_router(outer)
    return app, "/v1/v2/static"


places = pytest.mark.parametrize(
    "place",
    [on_fastapi, on_mounted_app, on_starlette, pytest.param(on_included_router, marks=includes_mounts)],
)


@places
async def test_15_hit_miss_and_not_modified(place: Place, files: StaticFiles) -> None:
    app, prefix = place(cors(origins=A, expose_headers=["ETag"])(files))
    install_cors(app)
    hit = await send(app, "GET", f"{prefix}/a.txt", origin=A)
    assert hit.text == "a file"
    unchanged = {"If-None-Match": hit.values("etag")[0]}
    for method, path, headers, status in (
        ("GET", "/a.txt", {}, 200),
        ("HEAD", "/a.txt", {}, 200),
        ("GET", "/a.txt", unchanged, 304),
        ("GET", "/missing.txt", {}, 404),
        ("GET", "/../a.txt", {}, 404),
        ("POST", "/a.txt", {}, 405),
    ):
        url = prefix + path
        if ".." in path:
            url = f"{prefix}/%2e%2e/a.txt"
        reply = await send(app, method, url, origin=A, headers=headers)
        assert reply.seen == readable(status, A, expose="etag")
        assert (await send(app, method, url, origin=E, headers=headers)).seen == blocked(status)
        assert (await send(app, method, url, headers=headers)).seen == blocked(status)


@places
async def test_15_any_origin(place: Place, files: StaticFiles) -> None:
    app, prefix = place(cors(origins="*")(files))
    install_cors(app)
    hit = await send(app, "GET", f"{prefix}/a.txt")
    assert hit.seen == readable(200, "*")
    unchanged = {"If-None-Match": hit.values("etag")[0]}
    assert (await send(app, "GET", f"{prefix}/a.txt", origin=E, headers=unchanged)).seen == readable(304, "*")
    assert (await send(app, "GET", f"{prefix}/missing", origin=E)).seen == readable(404, "*")


@places
async def test_15_preflights(place: Place, files: StaticFiles) -> None:
    app, prefix = place(cors(origins=A)(files))
    install_cors(app)
    for path in ("/a.txt", "/missing.txt"):
        for method in ANY_METHOD:
            assert (await preflight(app, prefix + path, method)).seen == granted(A, method)
            assert (await preflight(app, prefix + path, method, origin=E)).seen == REFUSED
        assert (await preflight(app, prefix + path, "TRACE")).seen == REFUSED


@places
async def test_15_methods_of_the_policy_restrict_those_of_the_mount(place: Place, files: StaticFiles) -> None:
    app, prefix = place(cors(origins=A, methods=["GET"])(files))
    install_cors(app)
    assert (await preflight(app, f"{prefix}/a.txt", "GET")).seen == granted(A, "GET")
    assert (await preflight(app, f"{prefix}/a.txt", "HEAD")).seen == REFUSED
    assert (await send(app, "HEAD", f"{prefix}/a.txt", origin=A)).seen == readable(200, A)


@places
async def test_15_and_are_granted_each_alone(place: Place, files: StaticFiles) -> None:
    app, prefix = place(cors(origins=A, methods=["GET", "PROPFIND"])(files))
    install_cors(app)
    for method in ("GET", "PROPFIND"):
        assert (await preflight(app, f"{prefix}/a.txt", method)).seen == granted(A, method)
    assert (await preflight(app, f"{prefix}/a.txt", "PUT")).seen == REFUSED


@places
async def test_15_without_a_policy_and_closed(place: Place, files: StaticFiles) -> None:
    app, prefix = place(files)
    install_cors(app)
    assert (await send(app, "GET", f"{prefix}/a.txt", origin=A)).seen == untouched(200)
    assert (await preflight(app, f"{prefix}/a.txt")).seen == untouched(405)
    no_cors(files)
    assert (await send(app, "GET", f"{prefix}/a.txt", origin=A)).seen == untouched(200)
    assert (await preflight(app, f"{prefix}/a.txt")).seen == REFUSED


@places
async def test_15_under_the_default(place: Place, files: StaticFiles) -> None:
    app, prefix = place(files)
    install_cors(app, default=CORSPolicy(origins=A))
    for path, status in (("/a.txt", 200), ("/missing.txt", 404)):
        assert (await send(app, "GET", prefix + path, origin=A)).seen == readable(status, A)
        for method in ANY_METHOD:
            assert (await preflight(app, prefix + path, method)).seen == granted(A, method)
            assert (await preflight(app, prefix + path, method, origin=E)).seen == REFUSED


@includes_mounts
async def test_15_under_the_policy_of_the_router(files: StaticFiles) -> None:
    router = CORSRouter(cors=CORSPolicy(origins=A))
    router.mount("/static", files)
    app = FastAPI()
    app.include_router(router, prefix="/v1")
    install_cors(app)
    assert (await send(app, "GET", "/v1/static/a.txt", origin=A)).seen == readable(200, A)
    assert (await send(app, "GET", "/v1/static/missing", origin=A)).seen == readable(404, A)
    for method in ANY_METHOD:
        assert (await preflight(app, "/v1/static/a.txt", method)).seen == granted(A, method)
