"""Scenarios 1, 2, 3, 8, 16, 18, 20, 23, 25 and 33 as the script of a page sees them, from call to outcome."""

from typing import TYPE_CHECKING, Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from route_cors import CORSPolicy
from route_cors.testing import AsyncBrowser, CORSBlocked

from .shapes import Build, Routed, everywhere, on_installed, on_layered, serves
from .support import A, E, raises, says

if TYPE_CHECKING:
    from route_cors.testing.request import Credentials

pytestmark = pytest.mark.anyio

FOR_A = CORSPolicy(origins=A)
PRIVATE = CORSPolicy(origins=A, allow_credentials=True)


async def stopped(page: AsyncBrowser, url: str, **init: Any) -> str:
    """The step at which the browser stopped the call."""
    with pytest.raises(CORSBlocked) as blocked:
        await page.fetch(url, **init)
    return blocked.value.step


def steps(page: AsyncBrowser) -> list[str]:
    """What was really sent, and what the preflight cache answered."""
    return [f"{exchange.step}{' from cache' * exchange.from_cache}" for exchange in page.history]


@on_installed
async def test_01_a_crash_is_a_500_for_our_page_and_nothing_for_a_stranger(build: Build) -> None:
    site = build(Routed("GET", "/boom", raises(RuntimeError("boom")), FOR_A))
    assert (await site.page(A).fetch("boom")).status_code == 500
    assert await stopped(site.page(E), "boom") == "actual"


@everywhere
async def test_02_a_public_and_a_private_endpoint(build: Build) -> None:
    site = build(serves("GET", "/pub", CORSPolicy(origins="*")), serves("GET", "/priv", PRIVATE))
    ours = site.page(A)
    # One that browsers send from other sites too: CORS alone keeps the answer from the stranger.
    ours.cookies.set("session", "1", secure=True, same_site="None")
    stranger = ours.page(origin=E)
    assert (await ours.fetch("priv", credentials="include")).text == "served"
    assert (await stranger.fetch("pub")).text == "served"
    assert await stopped(stranger, "priv", credentials="include") == "actual"
    assert await stopped(stranger, "pub", credentials="include") == "actual"
    sent = [exchange.request.headers.get("cookie") for exchange in stranger.history]
    assert sent == [None, "session=1", "session=1"]


def needs_token(app: ASGIApp) -> ASGIApp:
    async def middleware(scope: Scope, receive: Receive, send: Send) -> None:
        if (b"authorization", b"t") in scope["headers"]:
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 401, "headers": []})
        await send({"type": "http.response.body"})

    return middleware


@on_installed
async def test_03_auth_middleware_that_knows_no_preflights(build: Build) -> None:
    site = build(serves("GET", "/x", FOR_A.evolve(allow_headers=["Authorization"])))
    site.app.add_middleware(needs_token)
    page = site.page(A)
    assert (await page.fetch("x", headers={"Authorization": "t"})).text == "served"
    assert (await page.fetch("x")).status_code == 401
    assert steps(page) == ["preflight", "actual", "actual"]


@everywhere
async def test_08_the_cache_lends_no_method_the_permission_of_another(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("PUT", "/t", FOR_A, calls=calls),
        serves("DELETE", "/t", CORSPolicy(origins="https://b.example"), calls=calls),
    )
    page = site.page(A)
    assert (await page.fetch("t", method="PUT")).text == "served"
    assert await stopped(page, "t", method="DELETE") == "preflight"
    assert steps(page) == ["preflight", "actual", "preflight"]
    assert calls == ["served"]


@on_layered
async def test_16_a_slash_redirect_is_followed(build: Build) -> None:
    site = build(serves("PUT", "/s/", FOR_A))
    page = site.page(A)
    response = await page.fetch("s", method="PUT", json={"n": 1})
    assert response.text == "served"
    assert response.url.endswith("/s/")
    assert steps(page) == ["preflight", "actual", "preflight", "actual"]
    assert await stopped(site.page(E), "s", method="PUT") == "preflight"


@everywhere
async def test_18_what_the_script_reads_of_the_headers(build: Build) -> None:
    said = {"X-Id": "7", "X-Secret": "s", "ETag": '"1"'}
    site = build(
        Routed("GET", "/some", says(headers=said), FOR_A.evolve(expose_headers=["x-id"])),
        Routed("GET", "/all", says(headers=said), FOR_A.evolve(expose_headers="*")),
        Routed("GET", "/none", says(headers=said), FOR_A),
    )
    always = {"content-length": "6", "content-type": "text/plain; charset=utf-8"}
    page = site.page(A)
    assert dict((await page.fetch("none")).headers) == always
    assert dict((await page.fetch("some")).headers) == {**always, "x-id": "7"}
    everything = (await page.fetch("all")).headers
    assert {name: everything.get(name) for name in said} == said


@everywhere
async def test_20_enforce_stops_what_needs_no_permission(build: Build) -> None:
    calls: list[str] = []
    site = build(
        serves("POST", "/open", PRIVATE, calls=calls, text="open"),
        serves("POST", "/enforced", PRIVATE.evolve(enforce=True), calls=calls, text="enforced"),
    )
    stranger = site.page(E)
    for url in ("open", "enforced"):
        opaque = await stranger.fetch(url, method="POST", content="form-like", mode="no-cors")
        assert (opaque.type, opaque.status_code, opaque.content) == ("opaque", 0, b"")
    assert calls == ["open"]


@everywhere
@pytest.mark.parametrize(("max_age", "asked"), [(600, 1), (0, 3), (None, 1)])
async def test_25_how_often_the_browser_asks(build: Build, max_age: int | None, asked: int) -> None:
    site = build(serves("PUT", "/x", FOR_A.evolve(max_age=max_age)))
    page = site.page(A)
    for _ in range(3):
        await page.fetch("x", method="PUT")
    assert len(page.history.preflights) == asked


@everywhere
@pytest.mark.parametrize("policy", [FOR_A, PRIVATE])
async def test_33_a_json_body_needs_no_listing(build: Build, policy: CORSPolicy) -> None:
    site = build(serves("POST", "/json", policy))
    page = site.page(A)
    credentials: Credentials = "include" if policy.allow_credentials else "omit"
    assert (await page.fetch("json", method="POST", json={"n": 1}, credentials=credentials)).text == "served"
    assert steps(page) == ["preflight", "actual"]
