"""Scenarios 2, 13, 14, 18: the headers of actual responses, whatever else has written some."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from route_cors import CORSPolicy, cors, install_cors, no_cors

from .shapes import Build, Routed, Site, everywhere, on_installed, on_layered, serves
from .support import REFUSED, A, B, E, Seen, blocked, granted, preflight, readable, says, send, untouched

pytestmark = pytest.mark.anyio

PUBLIC = CORSPolicy(origins="*")
PRIVATE = CORSPolicy(origins=A, allow_credentials=True)


@everywhere
async def test_02_two_policies_side_by_side(build: Build) -> None:
    site = build(serves("GET", "/pub", PUBLIC), serves("GET", "/priv", PRIVATE), serves("GET", "/none"))
    for origin in (E, A, "null", None):
        assert (await site.get("/pub", origin)).seen == readable(200, "*")
        assert (await site.get("/none", origin)).seen == untouched(200)
    assert (await site.get("/priv", A)).seen == readable(200, A, credentials=True)
    for origin in (E, B, "null", None):
        assert (await site.get("/priv", origin)).seen == blocked(200)


@everywhere
async def test_02_and_their_preflights(build: Build) -> None:
    site = build(serves("GET", "/pub", PUBLIC), serves("GET", "/priv", PRIVATE))
    methods = site.methods("GET")
    assert (await site.preflight("/pub", origin=E)).seen == granted("*", *methods)
    assert (await site.preflight("/priv", origin=A)).seen == granted(A, *methods, credentials=True)
    assert (await site.preflight("/priv", origin=E)).seen == REFUSED
    assert (await site.preflight("/priv", origin="null")).seen == REFUSED


@everywhere
async def test_02_cookies_travel_only_where_they_are_granted(build: Build) -> None:
    site = build(serves("GET", "/pub", PUBLIC), serves("GET", "/priv", PRIVATE))
    cookie = {"Cookie": "session=1"}
    assert (await site.get("/pub", A, headers=cookie)).seen == readable(200, "*")
    assert (await site.get("/priv", A, headers=cookie)).seen == readable(200, A, credentials=True)
    assert (await site.get("/priv", E, headers=cookie)).seen == blocked(200)


@on_layered
async def test_02_what_the_default_covers_and_what_it_does_not(build: Build) -> None:
    site = build(
        serves("GET", "/pub", PUBLIC),
        serves("GET", "/closed", no_cors),
        serves("GET", "/other"),
        default=CORSPolicy(origins=B),
    )
    for origin in (A, B, E):
        assert (await site.get("/pub", origin)).seen == readable(200, "*")
        assert (await site.get("/closed", origin)).seen == untouched(200)
        assert (await site.preflight("/closed", origin=origin)).seen == REFUSED
    assert (await site.get("/other", B)).seen == readable(200, B)
    assert (await site.get("/other", A)).seen == blocked(200)
    assert (await site.preflight("/other", origin=B)).seen == granted(B, *site.methods("GET"))


@everywhere
@pytest.mark.parametrize(
    ("written", "vary"),
    [
        ("Accept-Encoding", "accept-encoding, origin"),
        ("Accept-Encoding, Cookie", "accept-encoding, cookie, origin"),
        ("Origin", "origin"),
        ("origin, Accept-Encoding", "accept-encoding, origin"),
        ("ORIGIN , Accept-Encoding,", "accept-encoding, origin"),
    ],
)
async def test_13_the_endpoints_vary_is_merged(build: Build, written: str, vary: str) -> None:
    site = build(Routed("GET", "/v", says(headers={"Vary": written}), CORSPolicy(origins=A)))
    assert (await site.get("/v")).seen == blocked(200, vary=vary)
    assert (await site.get("/v", E)).seen == blocked(200, vary=vary)
    assert (await site.get("/v", A)).seen == readable(200, A, vary=vary)


@everywhere
async def test_13_several_lines_of_it_too(build: Build) -> None:
    async def endpoint(request: Request) -> Response:
        response = PlainTextResponse("served")
        response.raw_headers += [(b"vary", b"Accept-Encoding"), (b"Vary", b"Cookie, accept-encoding")]
        return response

    site = build(Routed("GET", "/v", endpoint, CORSPolicy(origins=A)))
    assert (await site.get("/v")).seen == blocked(200, vary="accept-encoding, cookie, origin")


@everywhere
async def test_13_a_vary_by_everything_stays_one(build: Build) -> None:
    site = build(Routed("GET", "/v", says(headers={"Vary": "*"}), CORSPolicy(origins=A)))
    for origin in (None, A, E):
        (vary,) = (await site.get("/v", origin)).values("vary")
        assert "*" in [name.strip() for name in vary.split(",")]


@everywhere
async def test_13_any_origin_adds_none_and_takes_none_away(build: Build) -> None:
    site = build(
        Routed("GET", "/v", says(headers={"Vary": "Accept-Encoding"}), PUBLIC),
        Routed("GET", "/plain", says(headers={"Vary": "Accept-Encoding"})),
    )
    for origin in (None, E):
        assert (await site.get("/v", origin)).seen == readable(200, "*", vary="accept-encoding")
        assert (await site.get("/plain", origin)).seen == blocked(200, vary="accept-encoding")


EVERYTHING = {
    "Access-Control-Allow-Origin": E,
    "Access-Control-Allow-Credentials": "true",
    "Access-Control-Allow-Methods": "DELETE",
    "Access-Control-Allow-Headers": "X-Evil",
    "Access-Control-Expose-Headers": "X-Evil",
    "Access-Control-Max-Age": "86400",
    "Access-Control-Allow-Private-Network": "true",
}


def writes_cors_headers() -> Any:
    async def endpoint(request: Request) -> Response:
        response = PlainTextResponse("served", headers=EVERYTHING)
        response.raw_headers += [
            (b"Access-Control-Allow-Origin", b"*"),  # spelled as ASGI forbids
            (b"access-control-allow-origin", b"null"),
        ]
        return response

    return endpoint


@everywhere
async def test_14_the_policy_replaces_what_the_handler_wrote(build: Build) -> None:
    policy = CORSPolicy(origins=A, expose_headers=["X-Id"])
    site = build(
        Routed("GET", "/h", writes_cors_headers(), policy),
        Routed("GET", "/any", writes_cors_headers(), PUBLIC),
        Routed("GET", "/closed", writes_cors_headers(), no_cors),
    )
    assert (await site.get("/h", A)).seen == readable(200, A, expose="x-id")
    assert (await site.get("/h", E)).seen == blocked(200)
    assert (await site.get("/h")).seen == blocked(200)
    assert (await site.get("/any", E)).seen == readable(200, "*")
    assert (await site.get("/closed", A)).seen == untouched(200)


@everywhere
async def test_14_names_that_the_handler_exposes_are_joined(build: Build) -> None:
    policy = CORSPolicy(origins=A, expose_headers=["X-Id"])
    written = {"Access-Control-Expose-Headers": "X-Total, x-id"}
    site = build(
        Routed("GET", "/h", says(headers=written), policy),
        Routed("GET", "/any", says(headers=written), PUBLIC),
        Routed("GET", "/closed", says(headers=written), no_cors),
    )
    assert (await site.get("/h", A)).seen == readable(200, A, expose="x-id, x-total")
    assert (await site.get("/h", E)).seen == blocked(200)
    assert (await site.get("/h")).seen == blocked(200)
    assert (await site.get("/any", E)).seen == readable(200, "*", expose="x-id, x-total")
    assert (await site.get("/closed", A)).seen == untouched(200)


@everywhere
async def test_14_and_leaves_a_route_without_one_alone(build: Build) -> None:
    site = build(
        Routed("GET", "/own", says(headers={"Access-Control-Allow-Origin": E, "Vary": "Cookie"})),
        serves("GET", "/other", PRIVATE),
    )
    assert (await site.get("/own", A)).seen == readable(200, E, vary="cookie")


@everywhere
async def test_14_a_response_object_that_is_used_again_does_not_pile_up(build: Build) -> None:
    shared = PlainTextResponse("served", headers={"Vary": "Cookie"})

    async def endpoint(request: Request) -> Response:
        return shared

    site = build(Routed("GET", "/shared", endpoint, CORSPolicy(origins=[A, B])))
    for origin in (A, B, A):
        assert (await site.get("/shared", origin)).seen == readable(200, origin, vary="cookie, origin")
    assert (await site.get("/shared", E)).seen == blocked(200, vary="cookie, origin")
    assert shared.headers["vary"] == "Cookie"


def but_vary(seen: Seen) -> Seen:
    status, headers = seen
    return status, {name: value for name, value in headers.items() if name != "vary"}


def add_starlettes(site: Site, where: str) -> None:
    target = site.app if where == "app" else site.inner
    target.add_middleware(
        CORSMiddleware, allow_origins=[E], allow_credentials=True, expose_headers=["X-Evil"]
    )


@on_installed
@pytest.mark.parametrize("where", ["app", "inner"])
async def test_14_the_policy_also_beats_starlettes_middleware(build: Build, where: str) -> None:
    site = build(
        Routed("GET", "/h", writes_cors_headers(), PRIVATE),
        Routed("GET", "/closed", writes_cors_headers(), no_cors),
        Routed("GET", "/any", says(), PUBLIC),
    )
    add_starlettes(site, where)
    assert (await site.get("/h", A)).seen == readable(200, A, credentials=True)
    assert (await site.get("/h", E)).seen == blocked(200)
    # Whether that middleware varies by an origin that it does not allow, depends on its version.
    for origin in (A, E):
        assert but_vary((await site.get("/closed", origin)).seen) == untouched(200)
        assert but_vary((await site.get("/any", origin)).seen) == readable(200, "*")
    assert (await site.preflight("/h", origin=A)).seen == granted(A, *site.methods("GET"), credentials=True)
    assert (await site.preflight("/h", origin=E)).seen == REFUSED
    assert (await site.preflight("/closed", origin=E)).seen == REFUSED


@pytest.mark.parametrize("installed", [False, True])
async def test_14_starlettes_middleware_keeps_the_routes_without_a_policy(installed: bool) -> None:
    app = FastAPI()
    app.get("/plain")(says())
    app.get("/ours")(cors(PRIVATE)(says()))
    app.add_middleware(CORSMiddleware, allow_origins=[E], allow_methods=["GET"], max_age=5)
    if installed:
        install_cors(app)
    assert (await send(app, "GET", "/plain", origin=E)).seen == readable(200, E)
    assert (await preflight(app, "/plain", origin=E)).status == 200
    assert (await preflight(app, "/plain", origin=E)).values("access-control-max-age") == ["5"]
    assert (await preflight(app, "/plain", origin=A)).status == 400


@everywhere
async def test_18_names_are_exposed_on_responses_and_not_on_preflights(build: Build) -> None:
    policy = CORSPolicy(origins=A, expose_headers=["X-Id", "x-total"])
    site = build(
        Routed("GET", "/ok", says(headers={"X-Id": "7"}), policy),
        Routed("GET", "/gone", says(status=410, headers={"X-Id": "7"}), policy),
        Routed("GET", "/failed", says(status=503), policy),
        Routed("GET", "/moved", says(status=302, headers={"Location": "/ok"}), policy),
    )
    for path, status in (("/ok", 200), ("/gone", 410), ("/failed", 503), ("/moved", 302)):
        assert (await site.get(path, A)).seen == readable(status, A, expose="x-id, x-total")
        assert (await site.get(path, E)).seen == blocked(status)
        assert (await site.get(path)).seen == blocked(status)
        assert (await site.preflight(path)).seen == granted(A, *site.methods("GET"))
        assert (await site.preflight(path, origin=E)).seen == REFUSED


@everywhere
async def test_18_under_any_origin_without_an_origin_too(build: Build) -> None:
    site = build(serves("GET", "/any", CORSPolicy(origins="*", expose_headers=["X-Id"])))
    for origin in (None, E):
        assert (await site.get("/any", origin)).seen == readable(200, "*", expose="x-id")
    assert (await site.preflight("/any", origin=E)).seen == granted("*", *site.methods("GET"))


@everywhere
async def test_18_all_names(build: Build) -> None:
    site = build(serves("GET", "/any", CORSPolicy(origins=A, expose_headers="*")))
    assert (await site.get("/any", A)).seen == readable(200, A, expose="*")
    assert (await site.get("/any", E)).seen == blocked(200)


@on_layered
async def test_18_on_the_routers_own_answers_too(build: Build) -> None:
    site = build(serves("GET", "/ok", CORSPolicy(origins=A, expose_headers=["Allow"])))
    assert (await site.send("PATCH", "/ok", origin=A)).seen == readable(405, A, expose="allow")
