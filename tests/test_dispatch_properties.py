"""The route index against the router itself: generated apps, generated requests, one question.

Whatever the app, the endpoint whose policy answers must be the one that the app then runs, and the app says
who ran (generated_apps.py). `ROUTE_CORS_EXAMPLES` sets how many apps each property sees. A soak of an hour:

    ROUTE_CORS_EXAMPLES=100000 python -m pytest -o faulthandler_timeout=0 tests/test_dispatch_properties.py

Its apps are new ones every time, and one that fails is kept in `.hypothesis/`: the next run tries it first.
Where `CI` is set they are the same ones every time.
"""

from __future__ import annotations

import os
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from drawn import drawn
from generated_apps import (
    METHODS,
    Built,
    Leaf,
    Mounted,
    Probe,
    Program,
    Tree,
    Wild,
    build,
    cases,
    policy_for,
    wild_cases,
)
from hypothesis import given, reject
from starlette.responses import Response

from route_cors import RouteCORSMiddleware
from route_cors.dispatch import index, resolver
from route_cors.dispatch.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

EXAMPLES: Final = int(os.environ.get("ROUTE_CORS_EXAMPLES", "200"))
generated = drawn(EXAMPLES)

# What a policy that names no methods grants where no route can be asked for its own.
STRANGER: Final = "https://stranger.example"


def finished(work: Coroutine[Any, Any, None]) -> None:
    """Run what never waits for anything; an event loop for each app would cost more than its requests."""
    with pytest.raises(StopIteration):
        work.send(None)


# --- Asking an app


class Reply(NamedTuple):
    status: int
    headers: dict[str, list[str]]
    trail: tuple[int, ...]

    def cors(self) -> dict[str, list[str]]:
        return {name: value for name, value in self.headers.items() if name.startswith("access-control-")}

    def parameters(self) -> list[str]:
        return self.headers["x-parameters"][0].split()


def scope_of(probe: Probe, kind: str = "http", **headers: str) -> Scope:
    sent = {"host": probe.host, **({"x-hide": "1"} if probe.hides else {}), **headers}
    scope = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "method": probe.method,
        "path": probe.path,
        "raw_path": probe.path.encode(),
        "root_path": probe.root_path,
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in sent.items()
        ],
        "server": ("server.example", 80),
        "client": ("192.0.2.1", 1),
        "trail": [],
    }
    if kind == "websocket":
        del scope["method"]
        scope["subprotocols"] = []
    return scope


async def send_to(app: ASGIApp, probe: Probe, kind: str = "http", **headers: str) -> Reply:
    messages: list[Message] = []
    scope = scope_of(probe, kind, **headers)

    async def receive() -> Message:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start = messages[0]
    answered: dict[str, list[str]] = {}
    for name, value in start.get("headers", ()):
        answered.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    status = start.get("status", 101 if start["type"] == "websocket.accept" else 403)
    return Reply(status, answered, tuple(scope["trail"]))


class Verdict(NamedTuple):
    """What the app did with a request: whom it went to, and whether that one really served it."""

    party: int | None
    serves: bool
    declared: str | None  # the origin that holds there, "" for no_cors, None for no policy
    is_unknowable: bool = False  # nobody can say which methods are served there
    answers_alone: bool = False
    is_redirect: bool = False

    def may_grant(self) -> bool:
        return self.serves or self.is_unknowable


def redirected(probe: Probe, reply: Reply) -> Probe:
    """Where a browser goes then; the old routers cannot write every path into a Location."""
    location = unquote(urlsplit(reply.headers["location"][0]).path)
    ways = {probe.path + "/", probe.path.rstrip("/")}
    if location not in ways:
        location = probe.path.rstrip("/") if probe.path.endswith("/") else probe.path + "/"
    return probe._replace(path=location)


async def verdict_on(built: Built, probe: Probe, reply: Reply, *, follow: bool = True) -> Verdict:
    if "x-served" in reply.headers:
        return verdict_on_party(built, int(reply.headers["x-served"][0]), reply, serves=True)
    if reply.status == 405:
        found = re.search(r"X(\d+)", reply.headers["allow"][0])
        assert found is not None
        if "x-parameters" not in reply.headers:
            # By its own method the same route says where it stands.
            by_name = await send_to(built.app, probe._replace(method=found[0]))
            assert by_name.headers["x-served"] == [found[1]]
            if by_name.trail != reply.trail:
                reject()  # the same router stands before a mount and behind it: nobody can tell which it was
            reply = by_name
        return verdict_on_party(built, int(found[1]), reply, serves=False)
    if reply.status == 307 and follow:
        target = redirected(probe, reply)
        verdict = await verdict_on(built, target, await send_to(built.app, target), follow=False)
        return verdict._replace(is_redirect=True)
    assert reply.status in {404, 307}, reply
    return Verdict(None, False, built.policy_of(None, reply.trail, ()), is_unknowable=True)


def verdict_on_party(built: Built, party: int, reply: Reply, *, serves: bool) -> Verdict:
    parameters = reply.parameters()
    return Verdict(
        party,
        serves,
        built.policy_of(party, reply.trail, parameters),
        is_unknowable=built.parties[party].is_opaque,
        answers_alone=built.answers_alone(party, parameters),
    )


def named_by_the_index(built: Built, scope: Scope) -> Any:
    """The endpoint, or the mounted app that shows no routes, of the route that the index finds."""
    has_default = built.program.layer != "none" and built.program.default
    default = policy_for(built.app.number) if has_default else None
    route: Any = Resolver(built.app, default).resolve(scope, scope.get("method", "")).route
    return getattr(route, "endpoint", None) or getattr(route, "app", None)


def expected_headers(declared: str | None, origin: str) -> tuple[dict[str, list[str]], list[str] | None]:
    if not declared:
        return {}, None
    return ({"access-control-allow-origin": [origin]} if origin == declared else {}), ["Origin"]


def assert_policy(reply: Reply, declared: str | None, origin: str) -> None:
    headers, vary = expected_headers(declared, origin)
    assert reply.cors() == headers
    assert reply.headers.get("vary") == vary


# --- What must hold with a layer


async def check(built: Built, probe: Probe) -> None:
    await check_http(built, probe)
    await check_websocket(built, probe)


async def check_http(built: Built, probe: Probe) -> None:
    app = built.app
    first = await send_to(app, probe, origin=STRANGER)
    verdict = await verdict_on(built, probe, first)
    ran = None if verdict.party is None else built.parties[verdict.party].endpoint
    assert named_by_the_index(built, scope_of(probe)) is ran
    assert_policy(first, verdict.declared, STRANGER)
    if verdict.declared:
        again = await send_to(app, probe, origin=verdict.declared)
        assert again.status == first.status
        assert_policy(again, verdict.declared, verdict.declared)
    for origin in {STRANGER, verdict.declared or STRANGER}:
        await check_preflight(built, probe, verdict, origin)


async def check_preflight(built: Built, probe: Probe, verdict: Verdict, origin: str) -> None:
    preflight = await send_preflight(built, probe, origin)
    if verdict.declared is None:
        # Untouched: the app has seen it, and nobody has written a CORS header.
        assert preflight.cors() == {}
        assert preflight.trail
    elif origin == verdict.declared and verdict.may_grant():
        assert preflight.status == 204
        await check_grant(built, probe, verdict, preflight)
    else:
        assert preflight.status == 403
        assert preflight.cors() == {}


async def send_preflight(built: Built, probe: Probe, origin: str) -> Reply:
    asking = {"origin": origin, "access_control_request_method": probe.method}
    return await send_to(built.app, probe._replace(method="OPTIONS"), **asking)


async def check_grant(built: Built, probe: Probe, verdict: Verdict, preflight: Reply) -> None:
    assert preflight.headers["access-control-allow-origin"] == [verdict.declared]
    granted = set(preflight.headers["access-control-allow-methods"][0].split(", "))
    assert probe.method in granted
    if verdict.is_unknowable:
        assert granted == {probe.method}
        return
    for method in {*granted, *METHODS, "HEAD", f"X{verdict.party}"}:
        other = await verdict_on_method(built, probe, method)
        # A browser keeps the grant for the URL: every method in it must have that very policy. (Where a
        # route that is asked redirects one method alone, there is nothing that the others could reach.)
        has_equal_policy = other.declared == verdict.declared and other.may_grant()
        is_nowhere = verdict.is_redirect and built.asks and other.party is None
        assert method not in granted or has_equal_policy or is_nowhere
        # And it spares the preflights of the endpoint's other methods; a route that was asked has spoken
        # of the one method alone.
        if other.party == verdict.party and other.may_grant():
            assert method in granted or built.asks


async def verdict_on_method(built: Built, probe: Probe, method: str) -> Verdict:
    other = probe._replace(method=method)
    return await verdict_on(built, other, await send_to(built.app, other))


async def check_websocket(built: Built, probe: Probe) -> None:
    alone = await send_to(built.app, probe, "websocket")
    if alone.status != 101:
        return
    party = int(alone.headers["x-served"][0])
    assert named_by_the_index(built, scope_of(probe, "websocket")) is built.parties[party].endpoint
    declared = built.policy_of(party, alone.trail, alone.parameters(), is_http=False)
    if built.program.layer == "none" and not built.answers_alone(party, alone.parameters()):
        declared = None
    strange = await send_to(built.app, probe, "websocket", origin=STRANGER)
    assert strange.status == (101 if declared is None else 403)
    invited = await send_to(built.app, probe, "websocket", origin=declared or STRANGER)
    assert invited.status == (403 if declared == "" else 101)


Case = tuple[Program, list[Probe]]


@generated
@given(cases("install_cors", "add_middleware"))
def test_the_policy_that_answers_is_that_of_the_endpoint_that_runs(case: Case) -> None:
    run(case, check)


def run(case: Case, checked: Any) -> None:
    """Ask before and after the later routes are registered."""
    program, probes = case
    built = build(program)
    now = 0.0

    async def all_checks() -> None:
        nonlocal now
        await checked(built, probes[0])
        for register in built.late:
            register()
        now += 2.0
        for probe in probes:
            await checked(built, probe)

    with pytest.MonkeyPatch.context() as patched:
        for module in (index, resolver):
            patched.setattr(module, "time", SimpleNamespace(monotonic=lambda: now))
        finished(all_checks())


# --- What must hold without one: the routes of a CORSRouter answer for themselves, and nobody else does


async def check_alone(built: Built, probe: Probe) -> None:
    reply = await send_to(built.app, probe, origin=STRANGER)
    verdict = await verdict_on(built, probe, reply)
    ran = None if verdict.party is None else built.parties[verdict.party].endpoint
    assert named_by_the_index(built, scope_of(probe)) is ran
    declared = verdict.declared if verdict.answers_alone else None
    # A 405 or a redirect is made outside of the route.
    on_response = declared if "x-served" in reply.headers else None
    assert_policy(reply, on_response, STRANGER)
    if on_response:
        assert_policy(await send_to(built.app, probe, origin=on_response), on_response, on_response)
    for origin in {STRANGER, declared or STRANGER}:
        await check_preflight_alone(built, probe, verdict._replace(declared=declared), origin)
    await check_websocket(built, probe)


async def check_preflight_alone(built: Built, probe: Probe, verdict: Verdict, origin: str) -> None:
    preflight = await send_preflight(built, probe, origin)
    untouched = await send_to(built.app, probe._replace(method="OPTIONS"))
    if preflight.status == 204:
        assert origin == verdict.declared
        assert verdict.may_grant()
        await check_grant(built, probe, verdict, preflight)
        return
    assert preflight.cors() == {}
    if preflight.status == 403:
        assert verdict.declared is not None
        assert origin != verdict.declared or not verdict.may_grant()
        return
    assert preflight.status == untouched.status
    assert preflight.headers.get("x-served") == untouched.headers.get("x-served")
    if "x-served" not in untouched.headers and verdict.declared is not None and verdict.serves:
        # Nobody else has taken it, and yet the route let it go: one that hides from other methods may.
        assert verdict.is_redirect or built.parties[verdict.party or 0].kind == "shy"


@generated
@given(cases("none"))
def test_without_a_layer_the_routes_of_a_cors_router_answer_alone(case: Case) -> None:
    run(case, check_alone)


# --- What the generated apps come upon too seldom


def test_a_grant_inside_a_mount_names_no_method_of_which_nothing_is_known() -> None:
    # Picky hides from some requests, and it alone knows from which: who is granted the POST may not be
    # granted the PUT beside it, which would go to Picky.
    picky = Leaf("picky", "/m/a", ("PUT",), "own")
    inside = Tree((Leaf("plain", "/a", ("POST", "PUT"), "own"),))
    mounted = Mounted("/m", "starlette", inside, "none", "", "none")
    program = Program("fastapi", Tree((picky, mounted)), (), "install_cors", False, "none", "", False)
    run(
        (
            program,
            [Probe("/m/a", method, "a.example", "", hides) for method in METHODS for hides in (False, True)],
        ),
        check,
    )


# --- Whatever a client sends


class Shown:
    """What an app shows of itself, around nothing that could fail."""

    def __init__(self, app: Any) -> None:
        self.routes = app.routes
        self.router = app.router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await Response()(scope, receive, send)
        else:
            await send({"type": "websocket.accept"})


@generated
@given(wild_cases("install_cors"))
def test_nothing_that_a_client_sends_makes_an_error(case: tuple[Program, list[Wild]]) -> None:
    program, requests = case
    layer = RouteCORSMiddleware(Shown(build(program).app))

    async def all_requests() -> None:
        for path, method, origin, host in requests:
            headers = [(b"host", host), (b"origin", origin)]
            asked = [*headers, (b"access-control-request-method", method.encode("latin-1"))]
            for kind, verb, sent in (
                ("http", method, headers),
                ("http", "OPTIONS", asked),
                ("websocket", "", headers),
            ):
                scope = {"type": kind, "method": verb, "path": path, "root_path": "", "headers": sent}
                answered: list[Message] = []

                async def send(message: Message, answered: list[Message] = answered) -> None:
                    answered.append(message)

                await layer(scope, never_called, send)
                assert answered

    finished(all_requests())


async def never_called() -> Message:
    raise AssertionError
