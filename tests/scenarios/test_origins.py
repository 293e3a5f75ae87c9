"""Scenarios 9 and 12: which origins are allowed, by callables and by patterns."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from route_cors import CORSPolicy, cors, install_cors

from .shapes import Build, everywhere, on_layered, serves
from .support import (
    REFUSED,
    A,
    B,
    E,
    blocked,
    granted,
    http_scope,
    preflight_scope,
    raw,
    readable,
    says,
    send,
)

pytestmark = pytest.mark.anyio

Verdict = Callable[[str, HTTPConnection], bool | Awaitable[bool]]


async def async_yes(origin: str, connection: HTTPConnection) -> bool:
    await asyncio.sleep(0)
    return True


async def async_no(origin: str, connection: HTTPConnection) -> bool:
    await asyncio.sleep(0)
    return False


async def async_raises(origin: str, connection: HTTPConnection) -> bool:
    await asyncio.sleep(0)
    raise LookupError("the tenants' table is away")


def yes(origin: str, connection: HTTPConnection) -> bool:
    return True


def no(origin: str, connection: HTTPConnection) -> bool:
    return False


def failing(origin: str, connection: HTTPConnection) -> bool:
    raise LookupError("the tenants' table is away")


class AsyncCallable:
    async def __call__(self, origin: str, connection: HTTPConnection) -> bool:
        return origin == A


@everywhere
@pytest.mark.parametrize("is_allowed", [async_yes, yes])
async def test_09_a_callable_that_says_yes(build: Build, is_allowed: Verdict) -> None:
    site = build(serves("GET", "/c", CORSPolicy(origins=is_allowed, allow_credentials=True)))
    assert (await site.get("/c", E)).seen == readable(200, E, credentials=True)
    assert (await site.preflight("/c", origin=E)).seen == granted(E, *site.methods("GET"), credentials=True)


@everywhere
@pytest.mark.parametrize("is_allowed", [async_no, no])
async def test_09_a_callable_that_says_no(build: Build, is_allowed: Verdict) -> None:
    site = build(serves("GET", "/c", CORSPolicy(origins=is_allowed, allow_credentials=True)))
    assert (await site.get("/c", E)).seen == blocked(200)
    assert (await site.preflight("/c", origin=E)).seen == REFUSED


@everywhere
@pytest.mark.parametrize("is_allowed", [async_raises, failing])
async def test_09_a_callable_that_raises(
    build: Build, is_allowed: Verdict, caplog: pytest.LogCaptureFixture
) -> None:
    site = build(serves("GET", "/c", CORSPolicy(origins=is_allowed)))
    assert (await site.get("/c", E)).seen == blocked(200)
    assert (await site.preflight("/c", origin=E)).seen == REFUSED
    logged = [record for record in caplog.records if record.name.startswith("route_cors")]
    assert len(logged) == 2
    assert all(record.levelno >= logging.ERROR for record in logged)
    assert all(record.exc_info and record.exc_info[0] is LookupError for record in logged)


@everywhere
async def test_09_after_one_that_raises_the_others_are_asked(build: Build) -> None:
    site = build(serves("GET", "/c", CORSPolicy(origins=[async_raises, AsyncCallable(), B])))
    assert (await site.get("/c", A)).seen == readable(200, A)
    assert (await site.get("/c", B)).seen == readable(200, B)
    assert (await site.get("/c", E)).seen == blocked(200)


@everywhere
async def test_09_a_callable_sees_the_origin_and_the_connection(build: Build) -> None:
    seen: list[tuple[str, str, str | None]] = []

    async def tenant(origin: str, connection: HTTPConnection) -> bool:
        assert isinstance(connection, HTTPConnection)
        seen.append((origin, connection.url.path, connection.headers.get("x-tenant")))
        return connection.headers.get("x-tenant") == "blue"

    site = build(serves("GET", "/c", CORSPolicy(origins=tenant)))
    assert (await site.get("/c", A, headers={"X-Tenant": "blue"})).seen == readable(200, A)
    assert (await site.get("/c", A, headers={"X-Tenant": "red"})).seen == blocked(200)
    assert (await site.get("/c")).seen == blocked(200)
    assert seen == [(A, f"{site.prefix}/c", "blue"), (A, f"{site.prefix}/c", "red")]


@everywhere
async def test_09_a_hundred_concurrent_origins_do_not_mix(build: Build) -> None:
    together = asyncio.Barrier(100)

    async def is_even(origin: str, connection: HTTPConnection) -> bool:
        await together.wait()  # all hundred are inside before the first is answered
        return int(origin.removeprefix("https://t").removesuffix(".example")) % 2 == 0

    site = build(serves("GET", "/c", CORSPolicy(origins=is_even, expose_headers=["X-Id"])))
    origins = [f"https://t{number}.example" for number in range(100)]
    replies = await asyncio.gather(*(site.get("/c", origin) for origin in origins))
    for number, (origin, reply) in enumerate(zip(origins, replies, strict=True)):
        expected = readable(200, origin, expose="x-id") if number % 2 == 0 else blocked(200)
        assert reply.seen == expected
    replies = await asyncio.gather(*(site.preflight("/c", origin=origin) for origin in origins))
    for number, (origin, reply) in enumerate(zip(origins, replies, strict=True)):
        assert reply.seen == (granted(origin, *site.methods("GET")) if number % 2 == 0 else REFUSED)


PATTERN = CORSPolicy(origins="https://*.example.com", allow_credentials=True)
LOOKALIKES = [
    b"https://example.com",
    b"https://x.example.com.evil.com",
    b"https://evilexample.com",
    b"https://evil-example.com",
    b"https://evil.com/.example.com",
    b"https://evil.com?.example.com",
    b"https://evil.com#.example.com",
    b"https://evil.com:443/.example.com",
    b"https://x.example.com\n",
    b"https://x.example.com\r\n",
    b"https://x.example.com ",
    b" https://x.example.com",
    b"https://x.example.com/",
    b"https://x.example.com:8443",
    b"https://.example.com",
    b"https://..example.com",
    b"https://x..example.com",
    b"https://X.example.com",
    b"https://x.example.com.",
    b"http://x.example.com",
    b"https://x@x.example.com",
    b"https://x\xe9.example.com",
    b"https://x.example.com, https://x.example.com",
    b"https://x.example.com\x00",
    b"https://x_example.com",
    b"https://*.example.com",
    b"https://" + b"x." * 32_000 + b"example.com",
    b"null",
    b"",
]


@everywhere
@pytest.mark.parametrize(
    "origin", ["https://x.example.com", "https://x.y.example.com", "https://1.example.com"]
)
async def test_12_one_or_more_labels_match(build: Build, origin: str) -> None:
    site = build(serves("GET", "/w", PATTERN))
    assert (await site.get("/w", origin)).seen == readable(200, origin, credentials=True)
    assert (await site.preflight("/w", origin=origin)).seen == granted(
        origin, *site.methods("GET"), credentials=True
    )


@everywhere
async def test_12_nothing_that_only_looks_like_it_does(build: Build) -> None:
    site = build(serves("GET", "/w", PATTERN))
    path = f"{site.prefix}/w"
    for origin in LOOKALIKES:
        reply = await raw(site.app, http_scope("GET", path, [(b"origin", origin)]))
        assert reply.seen == blocked(200), origin[:80]
        reply = await raw(site.app, preflight_scope(path, b"GET", origin))
        assert reply.seen == REFUSED, origin[:80]


@everywhere
async def test_12_several_origins_are_none(build: Build) -> None:
    site = build(serves("GET", "/w", PATTERN))
    path = f"{site.prefix}/w"
    twice = [(b"origin", b"https://x.example.com")] * 2
    assert (await raw(site.app, http_scope("GET", path, twice))).seen == blocked(200)
    both = (b"https://x.example.com", b"https://y.example.com")
    assert (await raw(site.app, preflight_scope(path, b"GET", *both))).seen == REFUSED


@on_layered
async def test_12_any_origin_never_reads_the_header(build: Build) -> None:
    site = build(serves("GET", "/any", CORSPolicy(origins="*")))
    path = f"{site.prefix}/any"
    for origin in [*LOOKALIKES, b"x" * 65_536]:
        reply = await raw(site.app, http_scope("GET", path, [(b"origin", origin), (b"origin", origin)]))
        assert reply.seen == readable(200, "*"), origin[:80]
        assert (await raw(site.app, preflight_scope(path, b"GET", origin))).seen == granted(
            "*", *site.methods("GET")
        ), origin[:80]


async def test_12_a_port_pattern_means_any_port_or_none() -> None:
    app = FastAPI()
    app.get("/p")(cors(origins="http://localhost:*")(says()))
    install_cors(app)
    for origin in ("http://localhost", "http://localhost:3000", "http://localhost:65535"):
        assert (await send(app, "GET", "/p", origin=origin)).seen == readable(200, origin)
    for origin in ("http://localhost:", "http://localhost:65536", "http://localhost:3000.evil.com"):
        assert (await send(app, "GET", "/p", origin=origin)).seen == blocked(200)
