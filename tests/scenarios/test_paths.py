"""Scenarios 16 and 32: on redirected, prefixed, odd and hostile paths, the policy is that of what answers."""

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.routing import Host, Mount, Route

from route_cors import CORSPolicy, cors, install_cors, no_cors

from .shapes import Build, Site, everywhere, on_fastapi, on_installed, on_layered, serves
from .support import (
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
    says,
    send,
    untouched,
)

pytestmark = pytest.mark.anyio

FOR_A = CORSPolicy(origins=A)


@on_layered
async def test_16_a_preflight_is_answered_and_never_redirected(build: Build) -> None:
    site = build(
        serves("POST", "/s/", FOR_A),
        serves("POST", "/t", FOR_A),
        serves("POST", "/any/", CORSPolicy(origins="*")),
        serves("POST", "/closed/", no_cors),
        serves("POST", "/none/"),
    )
    for path in ("/s", "/t/"):
        assert (await site.preflight(path, "POST", A)).seen == granted(A, "POST")
        assert (await site.preflight(path, "POST", E)).seen == REFUSED
        assert (await site.preflight(path, "DELETE", A)).seen == REFUSED
        reply = await site.send("POST", path, origin=A)
        assert reply.seen == readable(307, A)
        (location,) = reply.values("location")
        assert location.endswith(site.prefix + (path.rstrip("/") if path.endswith("/") else path + "/"))
        assert (await site.send("POST", path, origin=E)).seen == blocked(307)
        assert (await site.send("POST", path)).seen == blocked(307)
        assert (await send(site.app, "POST", location, origin=A)).seen == readable(200, A)
    assert (await site.send("POST", "/any", origin=E)).seen == readable(307, "*")
    assert (await site.preflight("/any", "POST", E)).seen == granted("*", "POST")
    assert (await site.send("POST", "/closed", origin=A)).seen == untouched(307)
    assert (await site.preflight("/closed", "POST", A)).seen == REFUSED
    assert (await site.send("POST", "/none", origin=A)).seen == untouched(307)
    assert (await site.preflight("/none", "POST", A)).seen == untouched(307)


@on_fastapi
async def test_16_where_the_router_does_not_redirect(build: Build) -> None:
    site = build(serves("POST", "/s/", FOR_A), redirect_slashes=False)
    assert (await site.preflight("/s", "POST", A)).seen == untouched(404)
    assert (await site.send("POST", "/s", origin=A)).seen == untouched(404)
    assert (await site.preflight("/s/", "POST", A)).seen == granted(A, "POST")


@on_installed
async def test_16_behind_an_https_redirect(build: Build) -> None:
    calls: list[str] = []
    site = build(serves("POST", "/s/", FOR_A, calls=calls))
    site.app.add_middleware(HTTPSRedirectMiddleware)
    for path in ("/s", "/s/"):
        assert (await site.preflight(path, "POST", A)).seen == granted(A, "POST")
        reply = await site.send("POST", path, origin=A)
        assert reply.seen == readable(307, A)
        assert reply.values("location")[0].startswith("https://")
        assert (await site.send("POST", path, origin=E)).seen == blocked(307)
    assert calls == []


# --- 32 -------------------------------------------------------------------------------------------

PUBLIC = CORSPolicy(origins="*")
PRIVATE = CORSPolicy(origins=A, allow_credentials=True)
ROUTES = [
    ("/pub", PUBLIC),
    ("/priv", PRIVATE),
    ("/pub/{x}", PUBLIC),
    ("/files/{p:path}", PUBLIC),
    ("/num/{n:int}", PRIVATE),
    ("/a+b", PRIVATE),
    ("/a b", PUBLIC),
    ("/admin", PRIVATE),
    ("/Admin", PUBLIC),
    ("/caf\u00e9", PRIVATE),
    ("/none", None),
]
# The path as a server hands it over, decoded once; and which route answers it.
PATHS: list[tuple[str, str | None]] = [
    ("/pub", "/pub"),
    ("/priv", "/priv"),
    ("/pub/../priv", None),
    ("/pub/priv", "/pub/{x}"),
    ("/pub/..", "/pub/{x}"),
    ("/pub/%2e%2e", "/pub/{x}"),
    ("/pub/%2e%2e%2fpriv", "/pub/{x}"),
    ("/pub/..\\priv", "/pub/{x}"),
    ("/files/../priv", "/files/{p:path}"),
    ("/files/%2e%2e/priv", "/files/{p:path}"),
    ("/files/", "/files/{p:path}"),
    ("/files//priv", "/files/{p:path}"),
    ("/files/" + "x/" * 20_000, "/files/{p:path}"),
    ("/pub/" + "x" * 65_536, "/pub/{x}"),
    ("/num/" + "9" * 19, "/num/{n:int}"),
    ("/num/x", None),
    ("/num/-1", None),
    ("/%70riv", None),
    ("//priv", None),
    ("/./priv", None),
    ("/priv;x", None),
    ("/priv%0a", None),
    ("/priv\x00", None),
    ("/priv\r", None),
    ("/priv?", None),
    ("/a+b", "/a+b"),
    ("/a b", "/a b"),
    ("/a%20b", None),
    ("/admin", "/admin"),
    ("/Admin", "/Admin"),
    ("/ADMIN", None),
    ("/caf\u00e9", "/caf\u00e9"),
    ("/cafe\u0301", None),
    ("/none", "/none"),
]
POLICY_OF: dict[str | None, CORSPolicy | None] = {None: None, **dict(ROUTES)}


def odd_site(build: Build) -> Site:
    return build(*(serves("GET", path, policy, text=path) for path, policy in ROUTES))


async def assert_policy_of_what_answers(site: Site, path: str, answers: str | None, **more: Any) -> None:
    policy = POLICY_OF[answers]
    for origin in (A, E):
        sent = [(b"origin", origin.encode())]
        reply = await raw(site.app, http_scope("GET", path, sent, **more))
        asked = await raw(site.app, preflight_scope(path, b"GET", origin.encode(), **more))
        methods = site.methods("GET")
        if answers is None:
            assert reply.seen == untouched(404)
            assert asked.seen == untouched(404)
            continue
        assert reply.text == answers
        if policy is PUBLIC:
            assert reply.seen == readable(200, "*")
            assert asked.seen == granted("*", *methods)
        elif policy is None:
            assert reply.seen == untouched(200)
            assert asked.seen == untouched(405)
        elif origin == A:
            assert reply.seen == readable(200, A, credentials=True)
            assert asked.seen == granted(A, *methods, credentials=True)
        else:
            assert reply.seen == blocked(200)
            assert asked.seen == REFUSED


@everywhere
async def test_32_odd_paths(build: Build) -> None:
    site = odd_site(build)
    for path, answers in PATHS:
        await assert_policy_of_what_answers(site, site.prefix + path, answers)


@everywhere
@pytest.mark.parametrize(
    "host", [b"a/?x=", b"a/priv?", b"app.example/pub#", b"", b"\xff", b"a@b:c", b"[", b"a:99999"]
)
async def test_32_the_host_header_changes_nothing(build: Build, host: bytes) -> None:
    site = odd_site(build)
    for path in ("/pub", "/priv", "/none", "/pub/../priv"):
        answers = None if ".." in path else path
        await assert_policy_of_what_answers(site, site.prefix + path, answers, host=host)


@everywhere
async def test_32_behind_a_proxy_that_announces_its_prefix(build: Build) -> None:
    site = odd_site(build)
    for path, answers in PATHS:
        await assert_policy_of_what_answers(site, f"/proxy{site.prefix}{path}", answers, root_path="/proxy")
        # Without the prefix in the path, Starlette finds what is on the app itself, and nothing in a mount.
        found = None if site.prefix.startswith("/sub") else answers
        await assert_policy_of_what_answers(site, site.prefix + path, found, root_path="/proxy")


@on_fastapi
async def test_32_or_an_app_that_knows_it(build: Build) -> None:
    site = odd_site(build)
    # As FastAPI(root_path=...) sets it, which the newest FastAPI calls deprecated.
    site.app.root_path = "/proxy"  # type: ignore[attr-defined]
    for path, answers in PATHS:
        await assert_policy_of_what_answers(site, f"/proxy{site.prefix}{path}", answers)
        found = None if site.prefix.startswith("/sub") else answers
        await assert_policy_of_what_answers(site, site.prefix + path, found)


@on_layered
async def test_32_a_trailing_newline_is_what_the_router_makes_of_it(build: Build) -> None:
    site = odd_site(build)
    for path in ("/priv\n", "/pub/x\n", "/files/x\n", "/priv\n\n", "/none\n"):
        whole = site.prefix + path
        reply = await raw(site.app, http_scope("GET", whole, []))
        assert reply.status in {200, 404, 307}
        if reply.status == 200:
            await assert_policy_of_what_answers(site, whole, reply.text)
        elif reply.status == 404:
            await assert_policy_of_what_answers(site, whole, None)
    if "sub" not in site.prefix:
        await assert_policy_of_what_answers(site, f"{site.prefix}/priv\n", "/priv")


async def test_32_the_host_that_the_route_is_for() -> None:
    app = Starlette(
        routes=[
            Host("one.example", app=Starlette(routes=[Route("/x", cors(FOR_A)(says("one")))])),
            Host("{name}.two.example", app=Starlette(routes=[Route("/x", cors(origins=B)(says("two")))])),
            Route("/x", says("any")),
        ]
    )
    install_cors(app)
    for base, text, origin in (
        ("http://one.example", "one", A),
        ("http://sub.two.example", "two", B),
        ("http://three.example", "any", None),
    ):
        for asking in (A, B):
            reply = await send(app, "GET", "/x", origin=asking, base=base)
            headers = preflight_headers("GET")
            asked = await send(app, "OPTIONS", "/x", origin=asking, base=base, headers=headers)
            assert reply.text == text
            if origin is None:
                assert (reply.seen, asked.seen) == (untouched(200), untouched(405))
            elif asking == origin:
                assert (reply.seen, asked.seen) == (readable(200, origin), granted(origin, "GET", "HEAD"))
            else:
                assert (reply.seen, asked.seen) == (blocked(200), REFUSED)


async def test_32_mounts_within_mounts_behind_a_proxy() -> None:
    inner = FastAPI()
    inner.get("/x")(cors(FOR_A)(says("inner")))
    app = Starlette(
        routes=[
            Mount("/m", routes=[Mount("/{tenant}", app=inner), Route("/x", cors(PUBLIC)(says("middle")))]),
            Route("/m/t/x", cors(PUBLIC)(says("never"))),
        ]
    )
    install_cors(app)
    for root, prefix in (("", ""), ("/p", "/p"), ("/m", "/m"), ("/m/t", "/m/t")):
        for path, text, expected in (
            ("/m/t/x", "inner", readable(200, A)),
            ("/m/x", "middle", readable(200, "*")),
            ("/m/t/nope", None, untouched(404)),
        ):
            scope = http_scope("GET", prefix + path, [(b"origin", A.encode())], root_path=root)
            reply = await raw(app, scope)
            assert reply.seen == expected
            assert text is None or reply.text == text
