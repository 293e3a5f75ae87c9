"""Scenario 7: what only looks like a preflight is an ordinary request."""

import pytest

from route_cors import CORSPolicy, no_cors

from .shapes import Build, everywhere, on_layered, serves
from .support import A, B, E, blocked, preflight_headers, readable, untouched

pytestmark = pytest.mark.anyio

FOR_A = CORSPolicy(origins=A)


@everywhere
async def test_07_options_without_a_request_method_goes_to_the_users_handler(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("OPTIONS", "/own", FOR_A, text="own", calls=calls),
        serves("GET", "/own", CORSPolicy(origins=B), text="get", calls=calls),
        serves("OPTIONS", "/none", text="none", calls=calls),
        serves("GET", "/none", FOR_A, text="get", calls=calls),
        serves("OPTIONS", "/closed", no_cors, text="closed", calls=calls),
    )
    assert (await site.send("OPTIONS", "/own", origin=A)).seen == readable(200, A)
    assert (await site.send("OPTIONS", "/own", origin=B)).seen == blocked(200)
    assert (await site.send("OPTIONS", "/own")).seen == blocked(200)
    assert (await site.send("OPTIONS", "/none", origin=A)).seen == untouched(200)
    assert (await site.send("OPTIONS", "/closed", origin=A)).seen == untouched(200)
    assert calls == ["own", "own", "own", "none", "closed"]


@everywhere
async def test_07_a_request_method_without_an_origin_is_no_preflight_either(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("OPTIONS", "/own", FOR_A, text="options", calls=calls),
        serves("GET", "/own", FOR_A, text="get", calls=calls),
    )
    reply = await site.send("OPTIONS", "/own", headers=preflight_headers("GET"))
    assert (reply.text, reply.seen) == ("options", blocked(200))
    assert calls == ["options"]


@everywhere
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_07_nor_is_another_method_with_a_request_method(build: Build, method: str) -> None:
    calls: list[str] = []
    site = build(serves("GET POST", "/x", FOR_A, calls=calls))
    headers = preflight_headers("DELETE", "x-other")
    assert (await site.send(method, "/x", origin=A, headers=headers)).seen == readable(200, A)
    assert (await site.send(method, "/x", origin=E, headers=headers)).seen == blocked(200)
    assert calls == ["served", "served"]


@everywhere
async def test_07_without_a_handler_it_is_405(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("GET", "/x", FOR_A, calls=calls), serves("GET", "/none", calls=calls))
    for path in ("/x", "/none"):
        for headers in ({}, preflight_headers("GET")):
            assert (await site.send("OPTIONS", path, headers=headers)).status == 405
        assert (await site.send("OPTIONS", path, origin=A)).status == 405
    assert calls == []


@on_layered
async def test_07_under_the_policy_of_the_route(build: Build) -> None:
    site = build(
        serves("GET", "/x", FOR_A), serves("GET", "/any", CORSPolicy(origins="*")), serves("GET", "/n")
    )
    assert (await site.send("OPTIONS", "/x", origin=A)).seen == readable(405, A)
    assert (await site.send("OPTIONS", "/x", origin=E)).seen == blocked(405)
    assert (await site.send("OPTIONS", "/any", origin=E)).seen == readable(405, "*")
    assert (await site.send("OPTIONS", "/n", origin=E)).seen == untouched(405)
