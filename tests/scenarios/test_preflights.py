"""Scenarios 8, 21, 23, 24, 25 and 33: what a preflight is granted, method by method and name by name."""

import pytest

from route_cors import CORSPolicy, no_cors

from .shapes import Build, everywhere, on_layered, serves
from .support import (
    ALWAYS,
    REFUSED,
    A,
    B,
    E,
    blocked,
    granted,
    http_scope,
    preflight_headers,
    preflight_scope,
    raw,
    readable,
    send,
    untouched,
)

pytestmark = pytest.mark.anyio

FOR_A = CORSPolicy(origins=A)
FOR_B = CORSPolicy(origins=B)


@everywhere
async def test_08_each_method_of_a_path_has_its_own_policy(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("GET", "/t", FOR_A, calls=calls), serves("POST", "/t", FOR_B, calls=calls))
    assert (await site.preflight("/t", "POST", A)).seen == REFUSED
    assert (await site.preflight("/t", "POST", B)).seen == granted(B, "POST")
    assert (await site.preflight("/t", "GET", B)).seen == REFUSED
    assert (await site.preflight("/t", "GET", A)).seen == granted(A, *site.methods("GET"))
    assert calls == []
    for method, allowed, other in (("GET", A, B), ("POST", B, A)):
        assert (await site.send(method, "/t", origin=allowed)).seen == readable(200, allowed)
        assert (await site.send(method, "/t", origin=other)).seen == blocked(200)


@everywhere
async def test_08_a_parameter_and_a_literal_at_one_path(build: Build) -> None:
    site = build(serves("GET", "/u/{id}", FOR_A), serves("PUT", "/u/merge", FOR_B))
    assert (await site.preflight("/u/merge", "PUT", B)).seen == granted(B, "PUT")
    assert (await site.preflight("/u/merge", "PUT", A)).seen == REFUSED
    assert (await site.preflight("/u/merge", "GET", A)).seen == granted(A, *site.methods("GET"))
    assert (await site.preflight("/u/merge", "GET", B)).seen == REFUSED
    assert (await site.preflight("/u/7", "GET", A)).seen == granted(A, *site.methods("GET"))


@everywhere
async def test_08_methods_are_granted_together_where_their_policies_are_equal(build: Build) -> None:
    site = build(
        serves("GET", "/m", CORSPolicy(origins=[A, B], allow_headers=["X-Token"])),
        serves("PUT", "/m", CORSPolicy(origins=[B, A], allow_headers=["x-token"])),
        serves("DELETE", "/m", FOR_A),
        serves("PATCH", "/m", no_cors),
        serves("POST", "/m"),
    )
    names = f"{ALWAYS}, x-token"
    for method in ("GET", "PUT"):
        assert (await site.preflight("/m", method)).seen == granted(
            A, *site.methods("GET", "PUT"), names=names
        )
    assert (await site.preflight("/m", "DELETE")).seen == granted(A, "DELETE")
    assert (await site.preflight("/m", "PATCH")).seen == REFUSED
    assert (await site.preflight("/m", "POST")).seen == untouched(405)


@everywhere
async def test_08_methods_of_the_policy_restrict_and_never_add(build: Build) -> None:
    site = build(serves("GET PUT", "/m", CORSPolicy(origins=A, methods=["PUT", "DELETE"])))
    assert (await site.preflight("/m", "PUT")).seen == granted(A, "PUT")
    assert (await site.preflight("/m", "GET")).seen == REFUSED
    assert (await site.preflight("/m", "DELETE")).seen == REFUSED


@everywhere
async def test_21_a_method_that_is_not_registered(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("GET", "/get", FOR_A, calls=calls), serves("GET", "/none", calls=calls))
    for method in ("DELETE", "get", "Get", "BREW", "G\u00e9T", "", "*", "GET, DELETE", "GET DELETE"):
        path = f"{site.prefix}/get"
        reply = await raw(site.app, preflight_scope(path, method.encode("latin-1"), A.encode()))
        assert reply.seen == REFUSED, method
        assert_explains(reply.text, "method")
    assert (await site.preflight("/none", "DELETE")).seen == untouched(405)
    assert calls == []


@everywhere
async def test_21_a_method_header_that_comes_twice(build: Build) -> None:
    site = build(serves("GET PUT", "/m", FOR_A))
    headers = [(b"origin", A.encode()), *[(b"access-control-request-method", b"PUT")] * 2]
    assert (await raw(site.app, http_scope("OPTIONS", f"{site.prefix}/m", headers))).seen == REFUSED


@everywhere
async def test_21_an_origin_that_is_not_allowed(build: Build) -> None:
    calls: list[str] = []
    policy = CORSPolicy(origins=A, allow_credentials=True, allow_headers=["X-Token"])
    site = build(serves("GET", "/get", policy, calls=calls))
    reply = await site.preflight("/get", origin=E)
    assert reply.seen == REFUSED
    assert_explains(reply.text, "origin")
    reply = await site.send("OPTIONS", "/get", origin=E, headers=preflight_headers("DELETE", "x-other"))
    assert reply.seen == REFUSED
    assert_explains(reply.text, "origin", "method", "headers")
    assert calls == []


def assert_explains(text: str, *checks: str) -> None:
    """One line that names the failed checks, and tells nothing of the policy."""
    assert text.strip().count("\n") == 0
    named = text.rpartition(":")[2].replace(",", " ").split()
    assert sorted(named) == sorted(checks)
    assert "a.example" not in text.lower()
    assert "x-token" not in text.lower()


@everywhere
async def test_21_a_path_without_a_route(build: Build) -> None:
    site = build(serves("GET", "/get", CORSPolicy(origins="*")))
    for method in ("GET", "DELETE"):
        assert (await site.preflight("/nope", method, E)).seen == untouched(404)


@on_layered
async def test_21_or_with_the_default_policy(build: Build) -> None:
    site = build(serves("GET", "/get", FOR_A), default=FOR_B)
    for path in ("/nope", "/get/nope"):
        for method in ("GET", "HEAD", "POST", "DELETE", "PROPFIND"):
            assert (await site.preflight(path, method, B)).seen == granted(B, method)
            assert (await site.preflight(path, method, A)).seen == REFUSED
        for method in ("*", "TRACE", "CONNECT"):
            assert (await site.preflight(path, method, B)).seen == REFUSED
    assert (await site.preflight("/get", "GET", A)).seen == granted(A, *site.methods("GET"))


@everywhere
async def test_23_a_preflight_for_a_private_network_is_one_like_any_other(build: Build) -> None:
    site = build(serves("GET", "/get", FOR_A))
    headers = {"Access-Control-Request-Private-Network": "true", **preflight_headers("GET")}

    async def asked(origin: str) -> object:
        return (await site.send("OPTIONS", "/get", origin=origin, headers=headers)).seen

    assert await asked(A) == granted(A, *site.methods("GET"))
    assert await asked(E) == REFUSED


TOLERATED: list[tuple[bytes, ...]] = [
    (b"x-a,x-b",),
    (b"X-A,x-b",),
    (b"X-A , X-B",),
    (b"  x-a,\tx-b  ",),
    (b"x-a,x-b,",),
    (b",x-a,,x-b,",),
    (b"x-a", b"x-b"),
    (b"x-a,", b"", b",x-b"),
    (b"x-b,x-a,x-b",),
    (b"",),
    (b"x-a" + b"," * 8_192,),
    (b"," * 8_192,),
    (b"accept,accept-language,content-language,content-type,x-a",),
]
REFUSED_NAMES: list[tuple[bytes, ...]] = [
    (b"x-c",),
    (b"x-a,x-c",),
    (b"x-a x-b",),
    (b"x-a", b"x-c"),
    (b"x-a;x-b",),
    (b"*",),
    (b"x-a\n",),
    (b"x-a\r\nx-b: 1",),
    (b"x-a\x00",),
    (b"x-\xe9",),
    (b"authorization",),
    (b"x-",),
    (b"," * 65_536,),
    (b"x-a," * 16_384,),
    (b"x-a", b"," * 65_536),
    (b"x" * 65_536,),
]


@everywhere
async def test_24_request_headers_are_read_tolerantly(build: Build) -> None:
    site = build(serves("PUT", "/h", CORSPolicy(origins=A, allow_headers=["X-A", "x-b"])))
    path = f"{site.prefix}/h"
    for lines in TOLERATED:
        reply = await raw(site.app, preflight_scope(path, b"PUT", A.encode(), asks=lines))
        assert reply.seen == granted(A, "PUT", names=f"{ALWAYS}, x-a, x-b"), lines


@everywhere
async def test_24_but_only_listed_names_pass_and_not_without_bounds(build: Build) -> None:
    site = build(serves("PUT", "/h", CORSPolicy(origins=A, allow_headers=["X-A", "x-b"])))
    path = f"{site.prefix}/h"
    for lines in REFUSED_NAMES:
        reply = await raw(site.app, preflight_scope(path, b"PUT", A.encode(), asks=lines))
        assert reply.seen == REFUSED, [line[:40] for line in lines]
        assert_explains(reply.text, "headers")


@everywhere
async def test_24_any_name_without_credentials(build: Build) -> None:
    site = build(
        serves("PUT", "/h", CORSPolicy(origins=A, allow_headers="*")),
        serves("PUT", "/auth", CORSPolicy(origins=A, allow_headers=["*", "Authorization"])),
    )
    assert (await site.preflight("/h", "PUT", asks="x-anything,x-else")).seen == granted(A, "PUT", names="*")
    assert (await site.preflight("/h", "PUT")).seen == granted(A, "PUT", names="*")
    assert (await site.preflight("/h", "PUT", asks="authorization")).seen == REFUSED
    for asks in ("authorization", "x-anything,Authorization", None):
        assert (await site.preflight("/auth", "PUT", asks=asks)).seen == granted(
            A, "PUT", names="*, authorization"
        )
    path = f"{site.prefix}/h"
    for line in (b"x y", b"x-a\r\nset-cookie: 1", b"x" * 65_536, b"\xff"):
        reply = await raw(site.app, preflight_scope(path, b"PUT", A.encode(), asks=[line]))
        assert reply.seen == REFUSED, line[:40]


@everywhere
async def test_24_any_name_with_credentials_is_echoed(build: Build) -> None:
    site = build(serves("PUT", "/h", CORSPolicy(origins=A, allow_headers="*", allow_credentials=True)))
    for asks, names in (
        ("x-b,X-A", "x-a, x-b"),
        ("authorization, x-a,", "authorization, x-a"),
        (None, None),
        (",", None),
    ):
        assert (await site.preflight("/h", "PUT", asks=asks)).seen == granted(
            A, "PUT", names=names, credentials=True
        )
    path = f"{site.prefix}/h"
    for line in (b"x y", b"x-a\r\nset-cookie: 1", b"x" * 65_536, b"\xff"):
        reply = await raw(site.app, preflight_scope(path, b"PUT", A.encode(), asks=[line]))
        assert reply.seen == REFUSED, line[:40]


@on_layered
async def test_25_the_routes_max_age_goes_before_the_defaults(build: Build) -> None:
    site = build(
        serves("GET", "/zero", CORSPolicy(origins=A, max_age=0)),
        serves("GET", "/none", CORSPolicy(origins=A, max_age=None)),
        serves("GET", "/day", CORSPolicy(origins=A, max_age=86_400)),
        serves("GET", "/default"),
        default=CORSPolicy(origins=A, max_age=600),
    )
    methods = site.methods("GET")
    assert (await site.preflight("/zero")).seen == granted(A, *methods, max_age="0")
    assert (await site.preflight("/none")).seen == granted(A, *methods, max_age=None)
    assert (await site.preflight("/day")).seen == granted(A, *methods, max_age="86400")
    assert (await site.preflight("/default")).seen == granted(A, *methods, max_age="600")


@everywhere
async def test_25_with_nothing_around_it_too(build: Build) -> None:
    site = build(serves("GET", "/zero", CORSPolicy(origins=A, max_age=0)), serves("GET", "/plain", FOR_A))
    assert (await site.preflight("/zero")).seen == granted(A, *site.methods("GET"), max_age="0")
    assert (await site.preflight("/plain")).seen == granted(A, *site.methods("GET"), max_age="600")


@everywhere
@pytest.mark.parametrize(
    "policy", [FOR_A, CORSPolicy(origins=A, allow_credentials=True, allow_headers=["X-B"])]
)
async def test_33_a_json_body_needs_no_listing(build: Build, policy: CORSPolicy) -> None:
    calls: list[str] = []
    site = build(serves("POST", "/json", policy, calls=calls))
    names = ", ".join(sorted([*ALWAYS.split(", "), *(name.lower() for name in policy.allow_headers)]))
    for asks in ("content-type", "Content-Type", "accept,content-type", "accept-language,content-language"):
        assert (await site.preflight("/json", "POST", asks=asks)).seen == granted(
            A, "POST", names=names, credentials=policy.allow_credentials
        )
    assert calls == []
    reply = await send(site.app, "POST", f"{site.prefix}/json", origin=A, json={"n": 1})
    assert reply.seen == readable(200, A, credentials=policy.allow_credentials)
    assert calls == ["served"]
