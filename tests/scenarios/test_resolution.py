"""Scenarios 6, 26, 27, 28, 34, 35: the policy is that of the route which really answers."""

import fastapi.routing
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.routing import Route

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

from .shapes import Build, Routed, everywhere, on_layered, serves
from .support import (
    REFUSED,
    A,
    B,
    E,
    blocked,
    granted,
    preflight,
    readable,
    says,
    send,
    untouched,
)

pytestmark = pytest.mark.anyio

FOR_A = CORSPolicy(origins=A)
FOR_B = CORSPolicy(origins=B)
# From this FastAPI on, routes that are added to a router after it was included are served.
INCLUDES_LIVE = hasattr(fastapi.routing, "iter_route_contexts")


@pytest.mark.parametrize(
    ("router_class", "installed"), [(APIRouter, True), (CORSRouter, True), (CORSRouter, False)]
)
async def test_06_one_router_included_twice(router_class: type[APIRouter], installed: bool) -> None:
    router = router_class(prefix="/items")
    router.get("/{item_id}")(cors(FOR_A)(says()))
    app = FastAPI()
    if installed:
        install_cors(app)
    app.include_router(router, prefix="/v1")
    app.include_router(router, prefix="/v2")
    for version in ("/v1", "/v2"):
        assert (await preflight(app, f"{version}/items/7")).seen == granted(A, "GET")
        assert (await send(app, "GET", f"{version}/items/7", origin=A)).seen == readable(200, A)
    assert (await preflight(app, "/v3/items/7")).seen == untouched(404)


async def test_06_under_two_routers_with_policies_of_their_own() -> None:
    shared = APIRouter()
    shared.get("/items")(says())
    shared.get("/own")(cors(origins="*")(says()))
    app = FastAPI()
    for prefix, policy in (("/v1", FOR_A), ("/v2", FOR_B)):
        outer = CORSRouter(prefix=prefix, cors=policy)
        outer.include_router(shared)
        app.include_router(outer)
    app.include_router(shared, prefix="/v3")
    install_cors(app)
    for prefix, origin, other in (("/v1", A, B), ("/v2", B, A)):
        assert (await preflight(app, f"{prefix}/items", origin=origin)).seen == granted(origin, "GET")
        assert (await preflight(app, f"{prefix}/items", origin=other)).seen == REFUSED
        assert (await send(app, "GET", f"{prefix}/items", origin=origin)).seen == readable(200, origin)
        assert (await send(app, "GET", f"{prefix}/items", origin=other)).seen == blocked(200)
        assert (await send(app, "GET", f"{prefix}/own", origin=E)).seen == readable(200, "*")
    assert (await preflight(app, "/v3/items")).seen == untouched(405)


async def test_06_a_plain_router_inherits_from_the_nearest() -> None:
    plain = APIRouter(prefix="/plain")
    plain.get("/x")(says())
    inner = CORSRouter(prefix="/inner", cors=FOR_B)
    inner.include_router(plain)
    outer = CORSRouter(prefix="/outer", cors=FOR_A)
    outer.include_router(inner)
    outer.include_router(plain)
    app = FastAPI()
    app.include_router(outer)
    install_cors(app, default=CORSPolicy(origins=E))
    for path, origin, other in (("/outer/inner/plain/x", B, A), ("/outer/plain/x", A, B)):
        assert (await preflight(app, path, origin=origin)).seen == granted(origin, "GET")
        assert (await send(app, "GET", path, origin=origin)).seen == readable(200, origin)
        assert (await preflight(app, path, origin=other)).seen == REFUSED
        assert (await preflight(app, path, origin=E)).seen == REFUSED


@pytest.mark.parametrize("installed", [True, False])
async def test_06_the_innermost_router_wins_wholly(installed: bool) -> None:
    inner = CORSRouter(prefix="/inner", cors=CORSPolicy(origins=B, max_age=None))
    inner.get("/x")(says())
    inner.get("/own")(cors(origins="*")(says()))
    inner.get("/closed")(no_cors(says()))
    middle = CORSRouter(prefix="/middle")
    middle.include_router(inner)
    middle.get("/x")(says())
    outer = CORSRouter(prefix="/outer", cors=CORSPolicy(origins=A, allow_credentials=True))
    outer.include_router(middle)
    app = FastAPI()
    app.include_router(outer)
    if installed:
        install_cors(app, default=CORSPolicy(origins=E))
    expected = granted(B, "GET", max_age=None)
    assert (await preflight(app, "/outer/middle/inner/x", origin=B)).seen == expected
    assert (await preflight(app, "/outer/middle/inner/x", origin=A)).seen == REFUSED
    assert (await preflight(app, "/outer/middle/x", origin=A)).seen == granted(A, "GET", credentials=True)
    assert (await preflight(app, "/outer/middle/x", origin=B)).seen == REFUSED
    assert (await preflight(app, "/outer/middle/inner/own", origin=E)).seen == granted("*", "GET")
    for origin in (A, B, E):
        assert (await preflight(app, "/outer/middle/inner/closed", origin=origin)).seen == REFUSED
        assert (await send(app, "GET", "/outer/middle/inner/closed", origin=origin)).seen == untouched(200)


@on_layered
async def test_06_a_route_added_after_the_first_request(build: Build) -> None:
    site = build(serves("GET", "/early", FOR_A))
    assert (await site.get("/early", A)).seen == readable(200, A)
    late = "/late" if site.inner is site.app else "/sub/late"
    assert (await preflight(site.app, late, "PUT", B)).seen == untouched(404)
    site.inner.router.routes.append(Route("/late", cors(FOR_B)(says()), methods=["PUT"]))
    assert (await preflight(site.app, late, "PUT", B)).seen == granted(B, "PUT")
    assert (await preflight(site.app, late, "PUT", A)).seen == REFUSED
    assert (await send(site.app, "PUT", late, origin=B)).seen == readable(200, B)
    assert (await site.get("/early", A)).seen == readable(200, A)


@pytest.mark.parametrize("installed", [True, False])
async def test_06_a_route_added_late_to_an_included_router(installed: bool) -> None:
    router = CORSRouter(prefix="/v1", cors=FOR_A)
    router.get("/early")(says())
    app = FastAPI()
    outer = APIRouter(prefix="/api")
    outer.include_router(router)
    app.include_router(outer)
    if installed:
        install_cors(app)
    assert (await preflight(app, "/api/v1/early")).seen == granted(A, "GET")
    assert (await preflight(app, "/api/v1/late", "PUT")).seen == untouched(404)
    router.put("/late")(says())
    if INCLUDES_LIVE:
        assert (await send(app, "PUT", "/api/v1/late", origin=A)).seen == readable(200, A)
        assert (await preflight(app, "/api/v1/late", "PUT")).seen == granted(A, "PUT")
    else:
        assert (await send(app, "PUT", "/api/v1/late", origin=A)).seen == untouched(404)
        assert (await preflight(app, "/api/v1/late", "PUT")).seen == untouched(404)


@on_layered
async def test_06_a_policy_that_is_attached_late(build: Build) -> None:
    endpoint = says()
    site = build(Routed("GET", "/x", endpoint))
    assert (await site.get("/x", A)).seen == untouched(200)
    cors(FOR_A)(endpoint)
    assert (await site.get("/x", A)).seen == readable(200, A)
    assert (await site.preflight("/x")).seen == granted(A, *site.methods("GET"))


@everywhere
async def test_26_a_private_route_that_is_registered_first(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("PUT", "/items/{i}", text="private", calls=calls),
        serves("PUT", "/items/special", FOR_A, text="special", calls=calls),
        serves("GET", "/items/special", FOR_A, text="get", calls=calls),
    )
    assert (await site.preflight("/items/special", "PUT")).seen == untouched(405)
    assert calls == []
    reply = await site.send("PUT", "/items/special", origin=A)
    assert (reply.text, reply.seen) == ("private", untouched(200))
    # Nor is it granted beside another method, or kept by a browser along with it.
    assert (await site.preflight("/items/special", "GET")).seen == granted(A, *site.methods("GET"))


@everywhere
async def test_26_and_an_options_handler_behind_both(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("PUT", "/items/{i}", text="private", calls=calls),
        serves("PUT", "/items/special", FOR_A, text="special", calls=calls),
        serves("OPTIONS", "/items/{i}", text="options", calls=calls),
    )
    assert (await site.preflight("/items/special", "PUT")).seen == untouched(200)
    assert calls == ["options"]


@everywhere
async def test_26_the_other_way_round(build: Build) -> None:
    site = build(serves("PUT", "/items/special", FOR_A), serves("PUT", "/items/{i}"))
    assert (await site.preflight("/items/special", "PUT")).seen == granted(A, "PUT")
    assert (await site.preflight("/items/other", "PUT")).seen == untouched(405)


@everywhere
async def test_26_the_first_ones_own_policy_decides(build: Build) -> None:
    site = build(
        serves("PUT", "/b/{i}", FOR_B),
        serves("PUT", "/b/special", FOR_A),
        serves("PUT", "/closed/{i}", no_cors),
        serves("PUT", "/closed/special", FOR_A),
    )
    assert (await site.preflight("/b/special", "PUT", A)).seen == REFUSED
    assert (await site.preflight("/b/special", "PUT", B)).seen == granted(B, "PUT")
    assert (await site.preflight("/closed/special", "PUT", A)).seen == REFUSED
    assert (await site.send("PUT", "/closed/special", origin=A)).seen == untouched(200)


@on_layered
async def test_26_and_the_default_where_it_has_none(build: Build) -> None:
    site = build(serves("PUT", "/items/{i}"), serves("PUT", "/items/special", FOR_A), default=FOR_B)
    assert (await site.preflight("/items/special", "PUT", A)).seen == REFUSED
    assert (await site.preflight("/items/special", "PUT", B)).seen == granted(B, "PUT")


@pytest.mark.parametrize("installed", [True, False])
async def test_26_a_private_route_of_a_plain_router_and_a_mount(installed: bool) -> None:
    private = APIRouter(prefix="/items")
    private.put("/{i}")(says("private"))
    special = CORSRouter(prefix="/items", cors=FOR_A)
    special.put("/special")(says("special"))
    hidden = CORSRouter(prefix="/hidden", cors=FOR_A)
    hidden.put("/special")(says("hidden"))
    app = FastAPI()
    app.include_router(private)
    app.include_router(special)
    app.mount("/hidden", Starlette(routes=[Route("/other", says())]))
    app.include_router(hidden)
    if installed:
        install_cors(app)
    assert (await preflight(app, "/items/special", "PUT")).seen == untouched(405)
    assert (await send(app, "PUT", "/items/special", origin=A)).text == "private"
    # A mount that matches is final: its 404 is the answer.
    assert (await preflight(app, "/hidden/special", "PUT")).seen == untouched(404)
    assert (await send(app, "PUT", "/hidden/special", origin=A)).seen == untouched(404)


@on_layered
async def test_27_a_catch_all_options_route_registered_first(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("OPTIONS", "/{p:path}", text="catch-all", calls=calls),
        serves("PUT", "/x/y", FOR_A, calls=calls),
        serves("PUT", "/z", calls=calls),
    )
    assert (await site.preflight("/x/y", "PUT", A)).seen == granted(A, "PUT")
    assert (await site.preflight("/x/y", "PUT", E)).seen == REFUSED
    assert calls == []
    for path in ("/z", "/nowhere"):
        reply = await site.preflight(path, "PUT", A)
        assert (reply.text, reply.seen) == ("catch-all", untouched(200))
    reply = await site.send("OPTIONS", "/x/y", origin=A)
    assert (reply.text, reply.seen) == ("catch-all", untouched(200))


@on_layered
async def test_27_even_where_the_catch_all_has_a_policy(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("OPTIONS", "/{p:path}", CORSPolicy(origins="*"), text="catch-all", calls=calls),
        serves("PUT", "/x/y", FOR_A, calls=calls),
        serves("PUT", "/z", calls=calls),
    )
    assert (await site.preflight("/x/y", "PUT", E)).seen == REFUSED
    assert (await site.preflight("/x/y", "PUT", A)).seen == granted(A, "PUT")
    assert calls == []
    assert (await site.preflight("/z", "PUT", A)).seen == untouched(200)
    assert calls == ["catch-all"]


@everywhere
async def test_34_the_policy_of_an_options_route_is_not_that_of_put(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("OPTIONS", "/o", CORSPolicy(origins="*"), text="options", calls=calls),
        serves("PUT", "/o", text="put", calls=calls),
    )
    assert (await site.preflight("/o", "PUT", E)).seen == untouched(200)
    assert calls == ["options"]
    assert (await site.send("OPTIONS", "/o", origin=E)).seen == readable(200, "*")
    assert (await site.send("PUT", "/o", origin=E)).seen == untouched(200)
    assert calls == ["options", "options", "put"]


@everywhere
async def test_34_whichever_comes_first(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("PUT", "/o", text="put", calls=calls),
        serves("OPTIONS", "/o", CORSPolicy(origins="*"), text="options", calls=calls),
    )
    assert (await site.preflight("/o", "PUT", E)).seen == untouched(200)
    assert calls == ["options"]


@everywhere
async def test_34_and_gives_way_to_that_of_put(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("OPTIONS", "/o", CORSPolicy(origins="*"), text="options", calls=calls),
        serves("PUT", "/o", FOR_A, text="put", calls=calls),
        serves("OPTIONS", "/closed", CORSPolicy(origins="*"), text="options", calls=calls),
        serves("PUT", "/closed", no_cors, text="put", calls=calls),
    )
    assert (await site.preflight("/o", "PUT", E)).seen == REFUSED
    assert (await site.preflight("/o", "PUT", A)).seen == granted(A, "PUT")
    assert (await site.preflight("/closed", "PUT", A)).seen == REFUSED
    assert calls == []
