"""Scenario 20: `enforce` stops what other origins send before anything of the app has run."""

import pytest
from fastapi import Depends, FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from route_cors import CORSPolicy, cors, install_cors

from .shapes import Build, Routed, everywhere, on_fastapi_and_alone, on_installed, on_layered, serves
from .support import (
    HOST,
    OWN,
    REFUSED,
    A,
    E,
    blocked,
    granted,
    http_scope,
    raw,
    readable,
    says,
    send,
    untouched,
)

pytestmark = pytest.mark.anyio

ENFORCED = CORSPolicy(origins=A, allow_credentials=True, enforce=True)
SIMPLE = {"Content-Type": "text/plain"}  # needs no preflight: any page can send it


@everywhere
async def test_20_who_gets_through(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("POST GET", "/x", ENFORCED, calls=calls))
    for method in ("POST", "GET"):
        for origin in (E, "null", "https://app.example", f"{OWN}:8080", f"{OWN}.evil.com"):
            reply = await site.send(method, "/x", origin=origin, headers=SIMPLE)
            assert reply.seen == blocked(403)
            assert "a.example" not in reply.text
    assert calls == []
    assert (await site.send("POST", "/x", origin=A, headers=SIMPLE)).seen == readable(
        200, A, credentials=True
    )
    assert (await site.send("POST", "/x", origin=OWN, headers=SIMPLE)).seen == blocked(200)
    assert (await site.send("POST", "/x", headers=SIMPLE)).seen == blocked(200)
    assert len(calls) == 3


@everywhere
async def test_20_without_it_the_handler_runs(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("POST", "/x", ENFORCED.evolve(enforce=False), calls=calls))
    assert (await site.send("POST", "/x", origin=E, headers=SIMPLE)).seen == blocked(200)
    assert calls == ["served"]


@everywhere
async def test_20_preflights_are_as_ever(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("PUT", "/x", ENFORCED, calls=calls))
    assert (await site.preflight("/x", "PUT", A)).seen == granted(A, "PUT", credentials=True)
    assert (await site.preflight("/x", "PUT", E)).seen == REFUSED
    assert (await site.preflight("/x", "PUT", OWN)).seen == REFUSED
    assert calls == []


@everywhere
async def test_20_any_origin_stops_nobody(build: Build) -> None:
    site = build(serves("POST", "/x", CORSPolicy(origins="*", enforce=True)))
    assert (await site.send("POST", "/x", origin=E)).seen == readable(200, "*")


@everywhere
@pytest.mark.parametrize(
    ("scheme", "host", "own", "foreign"),
    [
        ("http", b"app.example", b"http://app.example", b"https://app.example"),
        ("https", b"app.example", b"https://app.example", b"http://app.example"),
        ("http", b"app.example:80", b"http://app.example", b"http://app.example:8080"),
        ("https", b"app.example:443", b"https://app.example", b"https://app.example:80"),
        ("http", b"app.example:8000", b"http://app.example:8000", b"http://app.example"),
        ("http", b"APP.example", b"http://app.example", b"http://app.example.evil.com"),
        ("http", b"a/?x=", b"https://evil.example", b"http://a"),
    ],
)
async def test_20_the_own_origin(build: Build, scheme: str, host: bytes, own: bytes, foreign: bytes) -> None:
    calls: list[str] = []
    site = build(serves("POST", "/x", ENFORCED, calls=calls))
    path = f"{site.prefix}/x"
    scope = http_scope("POST", path, [(b"origin", foreign)], host=host, scheme=scheme)
    assert (await raw(site.app, scope)).seen == blocked(403)
    assert calls == []
    scope = http_scope("POST", path, [(b"origin", own)], host=host, scheme=scheme)
    expected = 403 if host.startswith(b"a/") else 200
    assert (await raw(site.app, scope)).seen == blocked(expected)


@everywhere
async def test_20_origins_that_no_browser_sends(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("POST", "/x", ENFORCED, calls=calls))
    for sent in (
        [b""],
        [A.encode(), E.encode()],
        [OWN.encode(), OWN.encode()],
        [OWN.encode(), E.encode()],
        [A.encode() + b"\r\nX-Evil: 1"],
        [b"\xff"],
        [OWN.encode() + b"\n"],
        [b"https://" + b"a" * 65_536],
    ):
        scope = http_scope("POST", f"{site.prefix}/x", [(b"origin", origin) for origin in sent])
        assert (await raw(site.app, scope)).seen == blocked(403), [origin[:40] for origin in sent]
    two_hosts = http_scope("POST", f"{site.prefix}/x", [(b"host", HOST.encode()), (b"origin", OWN.encode())])
    assert (await raw(site.app, two_hosts)).seen == blocked(403)
    assert calls == []


class Recording:
    def __init__(self, app: ASGIApp, calls: list[str]) -> None:
        self.app = app
        self.calls = calls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append("middleware")
        await self.app(scope, receive, send)


@on_installed
async def test_20_before_any_middleware(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("POST", "/x", ENFORCED, calls=calls), serves("POST", "/none", calls=calls))
    site.app.add_middleware(Recording, calls=calls)
    assert (await site.send("POST", "/x", origin=E, headers=SIMPLE)).seen == blocked(403)
    assert calls == []
    assert (await site.send("POST", "/none", origin=E, headers=SIMPLE)).seen == untouched(200)
    assert calls == ["middleware", "served"]


@on_fastapi_and_alone
async def test_20_before_any_dependency(build: Build) -> None:
    calls: list[str] = []

    def dependency() -> None:
        calls.append("dependency")

    site = build(serves("POST", "/x", ENFORCED, calls=calls), dependencies=[Depends(dependency)])
    assert (await site.send("POST", "/x", origin=E, headers=SIMPLE)).seen == blocked(403)
    assert calls == []
    assert (await site.send("POST", "/x", origin=A, headers=SIMPLE)).status == 200
    assert calls == ["dependency", "served"]


@on_layered
async def test_20_also_where_the_route_answers_with_an_error(build: Build) -> None:
    site = build(serves("POST", "/x", ENFORCED), Routed("GET", "/closed", says(status=418), ENFORCED))
    assert (await site.send("DELETE", "/x", origin=E)).seen == blocked(403)
    assert (await site.send("DELETE", "/x", origin=A)).seen == readable(405, A, credentials=True)
    assert (await site.send("GET", "/closed", origin=E)).seen == blocked(403)


@on_layered
async def test_20_an_enforcing_default(build: Build) -> None:
    calls: list[str] = []
    any_origin = CORSPolicy(origins="*")
    site = build(
        serves("POST", "/default", calls=calls),
        serves("POST", "/any", any_origin, calls=calls),
        default=ENFORCED,
    )
    for path in ("/default", "/nope"):
        assert (await site.send("POST", path, origin=E, headers=SIMPLE)).seen == blocked(403)
    assert calls == []
    assert (await site.send("POST", "/any", origin=E, headers=SIMPLE)).seen == readable(200, "*")
    assert (await site.send("POST", "/default", origin=OWN)).seen == blocked(200)


async def test_20_the_methods_of_one_path_apart() -> None:
    app = FastAPI()
    app.get("/x")(cors(origins=A)(says("get")))
    app.post("/x")(cors(ENFORCED)(says("post")))
    install_cors(app)
    assert (await send(app, "GET", "/x", origin=E)).seen == blocked(200)
    assert (await send(app, "POST", "/x", origin=E)).seen == blocked(403)
