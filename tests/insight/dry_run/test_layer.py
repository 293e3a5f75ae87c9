"""What a dry run reports, to the field, and that nobody else notices it."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import logging
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asgi import ask, http_scope, preflight, websocket_scope
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

from route_cors import CORSPolicy, CORSRouter, Decision, RouteCORSMiddleware, cors, install_cors, no_cors
from route_cors.decisions import DryRun
from route_cors.dispatch.target import CLAIM
from route_cors.insight.dry_run import Differences, DryRunLayer, layer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

    from starlette.requests import HTTPConnection, Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket

A = b"https://a.example"
E = b"https://evil.example"
OWN = b"https://api.example"
POLICY = CORSPolicy(origins="https://a.example")
Headers = list[tuple[bytes, bytes]]


async def answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def accept(websocket: WebSocket) -> None:
    await websocket.accept()


async def reject(websocket: WebSocket) -> None:
    await websocket.close()


def under(policy: Any, endpoint: Any = answer) -> Any:
    """The endpoint with that policy, as an object of its own."""

    async def serve(argument: Any) -> Any:
        return await endpoint(argument)

    return cors(policy)(serve) if isinstance(policy, CORSPolicy) else policy(serve)


def answering(headers: Iterable[Any], status: int = 200) -> ASGIApp:
    """An app that answers everything with these headers."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"body"})

    return app


def watched(
    stack: ASGIApp | None = None, default: CORSPolicy | None = POLICY, **arguments: Any
) -> tuple[Starlette, list[Decision]]:
    """An app with a dry run around its stack, or around another; and what that reports."""
    app = Starlette(routes=[Route("/x", answer, methods=["GET", "POST", "PUT"])])
    if stack is not None:
        app.middleware_stack = stack
    seen: list[Decision] = []
    install_cors(app, default=default, dry_run=True, on_decision=seen.append, **arguments)
    return app, seen


def get(path: str, origin: bytes | None = None, method: str = "GET", **more: Any) -> Scope:
    return http_scope(method, path, [] if origin is None else [(b"origin", origin)], **more)


def asks_first(path: str, method: bytes, origin: bytes = A, names: bytes | None = None) -> Scope:
    more = () if names is None else ((b"access-control-request-headers", names),)
    return http_scope("OPTIONS", path, preflight(method, origin, *more))


def messages_of(app: ASGIApp, scope: Scope) -> list[Message]:
    """What an app sends for a request or handshake."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect" if scope["type"] == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    anyio.run(app, scope, receive, send)
    return sent


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[int, str]]]:
    """What was logged since the last call: level and line."""

    def take() -> list[tuple[int, str]]:
        taken = [(level, line) for name, level, line in caplog.record_tuples if name == "route_cors"]
        caplog.clear()
        return taken

    return take


# --- Which decisions there are

ALLOW_A = (b"access-control-allow-origin", A)
ANY_ORIGIN = (b"access-control-allow-origin", b"*")
CREDENTIALS = (b"access-control-allow-credentials", b"true")
NOW_NOT = "the app does not allow reading the response"
NOW_WITH = "the app allows reading the response with credentials"
NOW_WITHOUT = "the app allows reading the response without credentials only"
THEN_WITH = "the policy allows reading the response with credentials"
THEN_WITHOUT = "the policy allows reading the response without credentials only"
THEN_REFUSED = "the policy refuses reading the response: origin"


def dry(status: int | None, allowed: bool, change: Any = "", why: str = "") -> DryRun:
    return DryRun(status, allowed, change, why)


@pytest.mark.parametrize(
    ("policy", "headers", "origin", "event", "seen"),
    [
        (
            POLICY,
            [],
            A,
            "RCE03",
            dry(200, False, "gains", f"{NOW_NOT}: no Access-Control-Allow-Origin; {THEN_WITHOUT}"),
        ),
        (POLICY, [], E, "RCE04", dry(200, False)),
        (POLICY, [ALLOW_A], A, "RCE03", dry(200, True)),
        (POLICY, [(b"Access-Control-Allow-Origin", b" https://a.example\t")], A, "RCE03", dry(200, True)),
        (POLICY, [ALLOW_A], E, "RCE04", dry(200, False)),
        (POLICY, [ALLOW_A, CREDENTIALS], A, "RCE03", dry(200, True, "loses", f"{NOW_WITH}; {THEN_WITHOUT}")),
        (
            POLICY.evolve(allow_credentials=True),
            [ALLOW_A],
            A,
            "RCE03",
            dry(200, True, "gains", f"{NOW_WITHOUT}; {THEN_WITH}"),
        ),
        (POLICY.evolve(allow_credentials=True), [ALLOW_A, CREDENTIALS], A, "RCE03", dry(200, True)),
        (POLICY, [ANY_ORIGIN], E, "RCE04", dry(200, True, "loses", f"{NOW_WITHOUT}; {THEN_REFUSED}")),
        (
            POLICY,
            [ALLOW_A, ALLOW_A],
            A,
            "RCE03",
            dry(
                200,
                False,
                "gains",
                f"{NOW_NOT}: another origin in Access-Control-Allow-Origin; {THEN_WITHOUT}",
            ),
        ),
        (
            CORSPolicy(origins="*"),
            [],
            E,
            "RCE03",
            dry(200, False, "gains", f"{NOW_NOT}: no Access-Control-Allow-Origin; {THEN_WITHOUT}"),
        ),
        (CORSPolicy(origins="*"), [ANY_ORIGIN], E, "RCE03", dry(200, True)),
        (no_cors, [ALLOW_A], A, "RCE04", dry(200, True, "loses", f"{NOW_WITHOUT}; {THEN_REFUSED}")),
        (
            POLICY.evolve(expose_headers=["ETag", "X-B"]),
            [
                ALLOW_A,
                (b"access-control-expose-headers", b"X-A, etag, Content-Type,"),
                (b"access-control-expose-headers", b"set-cookie"),
            ],
            A,
            "RCE03",
            dry(200, True, "both", f"{NOW_WITHOUT}; {THEN_WITHOUT}; exposed now: etag x-a; then: etag x-b"),
        ),
        (
            POLICY.evolve(expose_headers=["ETag"]),
            [ALLOW_A, (b"access-control-expose-headers", b"*")],
            A,
            "RCE03",
            dry(200, True, "loses", f"{NOW_WITHOUT}; {THEN_WITHOUT}; exposed now: *; then: etag"),
        ),
        (
            POLICY.evolve(expose_headers=["ETag"], allow_credentials=True),
            [ALLOW_A, CREDENTIALS, (b"access-control-expose-headers", b"*")],
            A,
            "RCE03",
            # Without credentials `*` exposes everything, with credentials nothing.
            dry(200, True, "both", f"{NOW_WITH}; {THEN_WITH}; exposed now: *; then: etag"),
        ),
        (
            POLICY,
            [ALLOW_A, (b"access-control-expose-headers", b"x a, ETag")],
            A,
            "RCE03",
            dry(200, True),
        ),
    ],
)
def test_a_request(policy: Any, headers: Headers, origin: bytes, event: str, seen: DryRun) -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x/{number}")(under(policy))
    app.middleware_stack = answering(headers)
    decisions: list[Decision] = []
    install_cors(app, dry_run=True, on_decision=decisions.append)
    scope = get("/x/7", origin)
    for _ in range(2):  # the second result is a known one
        messages = messages_of(app, dict(scope))
        assert messages == messages_of(answering(headers), dict(scope))
    expected = Decision(
        event=event,  # type: ignore[arg-type]
        kind="actual",
        allowed=event == "RCE03",
        failed=() if event == "RCE03" else ("origin",),
        method="GET",
        path="/x/7",
        route="/x/{number}",
        origin=origin.decode(),
        dry_run=seen,
    )
    assert decisions == [expected, expected]


GRANT = [
    ALLOW_A,
    (b"access-control-allow-methods", b"PUT, PATCH"),
    (b"access-control-allow-headers", b"X-Token"),
]
REFUSED = "the app does not allow the call"
GRANTED = "the policy allows the call without credentials only"
CALL_LOST = "the app allows the call without credentials only; the policy refuses the call: "
ANY_METHOD = [ALLOW_A, (b"access-control-allow-methods", b"*")]
NO_LIST = [ALLOW_A, (b"access-control-allow-methods", b"PUT,a b")]
ANY_NAME = [*GRANT[:2], (b"access-control-allow-headers", b"*")]


@pytest.mark.parametrize(
    ("policy", "answered", "asked", "event", "failed", "seen"),
    [
        (POLICY, (200, GRANT), (b"PUT", None), "RCE01", (), dry(200, True)),
        (POLICY, (204, GRANT), (b"PUT", None), "RCE01", (), dry(204, True)),
        (
            POLICY,
            (405, GRANT),
            (b"PUT", None),
            "RCE01",
            (),
            dry(405, False, "gains", f"{REFUSED}: status 405; {GRANTED}"),
        ),
        (
            POLICY,
            (307, GRANT),
            (b"PUT", None),
            "RCE01",
            (),
            dry(307, False, "gains", f"{REFUSED}: status 307; {GRANTED}"),
        ),
        (
            POLICY,
            (200, [ALLOW_A]),
            (b"PUT", None),
            "RCE01",
            (),
            dry(200, False, "gains", f"{REFUSED}: method PUT is not allowed; {GRANTED}"),
        ),
        (
            POLICY,
            (200, GRANT),
            (b"PATCH", None),
            "RCE02",
            ("method",),
            dry(200, True, "loses", f"{CALL_LOST}method"),
        ),
        (POLICY, (200, ANY_METHOD), (b"PUT", None), "RCE01", (), dry(200, True)),
        (
            POLICY,
            (200, NO_LIST),
            (b"PUT", None),
            "RCE01",
            (),
            dry(200, False, "gains", f"{REFUSED}: a list of names that cannot be parsed; {GRANTED}"),
        ),
        (
            POLICY,
            (200, GRANT),
            (b"PUT", b"x-token"),
            "RCE02",
            ("headers",),
            dry(200, True, "loses", f"{CALL_LOST}headers"),
        ),
        (
            POLICY.evolve(allow_headers=["X-Token"]),
            (200, GRANT),
            (b"PUT", b"x-token"),
            "RCE01",
            (),
            dry(200, True),
        ),
        (
            POLICY.evolve(allow_headers=["X-Other"]),
            (200, GRANT),
            (b"PUT", b"x-other"),
            "RCE01",
            (),
            dry(200, False, "gains", f"{REFUSED}: header x-other is not allowed; {GRANTED}"),
        ),
        (POLICY, (200, GRANT), (b"PUT", b"x y"), "RCE02", ("headers",), dry(200, False)),
        (
            POLICY.evolve(allow_headers=["*", "Authorization"]),
            (200, ANY_NAME),
            (b"PUT", b"authorization"),
            "RCE01",
            (),
            dry(200, False, "gains", f"{REFUSED}: header authorization is not allowed; {GRANTED}"),
        ),
        (
            no_cors,
            (200, GRANT),
            (b"PUT", None),
            "RCE02",
            ("origin",),
            dry(200, True, "loses", f"{CALL_LOST}origin"),
        ),
    ],
)
def test_a_preflight(
    policy: Any,
    answered: tuple[int, Headers],
    asked: tuple[bytes, bytes | None],
    event: str,
    failed: Any,
    seen: DryRun,
) -> None:
    status, headers = answered
    app = FastAPI(openapi_url=None)
    app.put("/x/{number}")(under(policy))
    app.middleware_stack = answering(headers, status)
    decisions: list[Decision] = []
    install_cors(app, dry_run=True, on_decision=decisions.append)
    method, names = asked
    scope = asks_first("/x/7", method, A, names)
    for _ in range(3):
        assert messages_of(app, dict(scope)) == messages_of(answering(headers, status), dict(scope))
    expected = Decision(
        event=event,  # type: ignore[arg-type]
        kind="preflight",
        allowed=event == "RCE01",
        failed=failed,
        method=method.decode(),
        path="/x/7",
        route="/x/{number}",
        origin="https://a.example",
        refused_headers=(names.decode(),) if failed == ("headers",) and names else (),
        dry_run=seen,
    )
    assert decisions == [expected, expected, expected]


def test_a_preflight_that_the_app_fails_on_would_be_answered() -> None:
    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise LookupError("on purpose")

    app, seen = watched(failing)
    with pytest.raises(LookupError, match="on purpose"):
        messages_of(app, asks_first("/x", b"PUT"))
    assert [each.dry_run for each in seen] == [
        dry(None, False, "gains", f"{REFUSED}: no response; {GRANTED}")
    ]


ACCEPTED = DryRun(101, allowed=True, change="", why="")
CLOSED = DryRun(None, allowed=False, change="", why="")
LOST = DryRun(
    101, allowed=True, change="loses", why="the app accepts the websocket; the policy refuses it: origin"
)


@pytest.mark.parametrize(
    ("policy", "endpoint", "origin", "decision"),
    [
        (POLICY, accept, A, ("RCE06", ACCEPTED, None)),
        (POLICY, accept, E, ("RCE07", LOST, "https://api.example")),
        (no_cors, accept, A, ("RCE07", LOST, "https://api.example")),
        (POLICY, reject, A, ("RCE06", CLOSED, None)),
        (POLICY, reject, E, ("RCE07", CLOSED, "https://api.example")),
        (POLICY, accept, OWN, None),
        (POLICY, accept, None, None),
        (None, accept, E, None),  # the default does not apply to websockets
    ],
)
def test_a_handshake(policy: Any, endpoint: Any, origin: bytes | None, decision: Any) -> None:
    served = endpoint if policy is None else under(policy, endpoint)
    app = Starlette(routes=[WebSocketRoute("/live", served)])
    seen: list[Decision] = []
    install_cors(app, default=POLICY, dry_run=True, on_decision=seen.append)
    scope = websocket_scope("/live", [] if origin is None else [(b"origin", origin)])
    types = [message["type"] for message in messages_of(app, scope)]
    assert types == ["websocket.close" if endpoint is reject else "websocket.accept"]
    told = [(each.event, each.dry_run, each.own_origin) for each in seen]
    assert told == ([] if decision is None else [decision])


def test_a_denied_handshake_has_a_status() -> None:
    async def deny(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b""})

    app = Starlette(routes=[WebSocketRoute("/live", under(POLICY, accept))])
    app.middleware_stack = deny
    seen: list[Decision] = []
    install_cors(app, dry_run=True, on_decision=seen.append)
    assert len(messages_of(app, websocket_scope("/live", [(b"origin", E)]))) == 2
    assert [each.dry_run for each in seen] == [DryRun(401, allowed=False, change="", why="")]


CROSS_SITE = (b"sec-fetch-site", b"cross-site")


@pytest.mark.parametrize("policy", [None, POLICY, POLICY.evolve(enforce=True)])
def test_requests_that_an_enforcing_layer_would_refuse(policy: CORSPolicy | None) -> None:
    enforce = policy is None or policy.enforce is None
    app, seen = watched(answering([]), policy, enforce=enforce)
    sent = [
        [CROSS_SITE],
        [CROSS_SITE, (b"origin", E)],
        [(b"sec-fetch-site", b"same-origin"), (b"origin", E)],
        [],
    ]
    for headers in sent:
        assert messages_of(app, http_scope("POST", "/x", headers))[0]["status"] == 200
    assert messages_of(app, http_scope("GET", "/x", [CROSS_SITE]))[0]["status"] == 200
    assert [(each.event, each.failed, each.origin, each.sec_fetch_site) for each in seen] == [
        ("RCE05", ("site",), None, "cross-site"),
        ("RCE05", ("site",), "https://evil.example", "cross-site"),
    ]
    why = "the app serves the request (200); enforcement refuses it before it runs: site"
    assert {each.dry_run for each in seen} == {DryRun(200, allowed=False, change="loses", why=why)}


def test_a_policy_that_does_not_enforce_loses_nothing() -> None:
    app, seen = watched(answering([]), POLICY.evolve(enforce=False), enforce=True)
    assert messages_of(app, http_scope("POST", "/x", [CROSS_SITE]))[0]["status"] == 200
    assert seen == []
    assert messages_of(app, http_scope("POST", "/x", [CROSS_SITE, (b"origin", E)]))[0]["status"] == 200
    assert [(each.event, each.dry_run and each.dry_run.change) for each in seen] == [("RCE04", "")]


def test_a_request_that_enforcement_would_refuse() -> None:
    app, seen = watched(answering([ALLOW_A]), POLICY.evolve(enforce=True))
    for origin in (A, E, OWN):
        assert messages_of(app, get("/x", origin, "POST"))[0]["status"] == 200
    assert [(each.event, each.own_origin, each.dry_run) for each in seen] == [
        ("RCE03", None, DryRun(200, allowed=True, change="", why="")),
        (
            "RCE05",
            "https://api.example",
            DryRun(
                200,
                allowed=False,
                change="loses",
                why="the app serves the request (200); enforcement refuses it before it runs: origin",
            ),
        ),
    ]


# --- What is not judged


@pytest.mark.parametrize(
    "scope",
    [
        get("/x"),
        get("/x", OWN),
        get("/x", OWN, "POST"),
        asks_first("/x", b"GET", OWN),
        http_scope("OPTIONS", "/x", [(b"access-control-request-method", b"PUT")]),
        get("/none", A),
        asks_first("/none", b"PUT"),
        get("/nowhere", A),
        websocket_scope("/x", [(b"origin", A)]),
    ],
)
def test_what_no_policy_speaks_about_is_not_reported(scope: Scope) -> None:
    app = Starlette(routes=[Route("/x", under(POLICY), methods=["GET", "POST"]), Route("/none", answer)])
    seen: list[Decision] = []
    install_cors(app, dry_run=True, on_decision=seen.append)
    messages_of(app, scope)
    assert seen == []


def test_where_a_layer_decides_there_is_nothing_to_compare() -> None:
    inner = FastAPI(openapi_url=None)
    inner.get("/x")(under(POLICY))
    seen: list[Decision] = []
    install_cors(inner, dry_run=True, on_decision=seen.append)
    app = Starlette(routes=[Mount("/inner", app=inner)])
    install_cors(app)
    assert ask(app, get("/inner/x", A)).cors == {
        "access-control-allow-origin": "https://a.example",
        "vary": "Origin",
    }
    assert seen == []


def test_a_layer_further_in_goes_on_deciding() -> None:
    inner = Starlette(routes=[Route("/x", under(POLICY))])
    install_cors(inner)
    app = Starlette(routes=[Mount("/inner", app=inner)])
    seen: list[Decision] = []
    install_cors(app, default=CORSPolicy(origins="*"), dry_run=True, on_decision=seen.append)
    assert ask(app, get("/inner/x", A)).cors == {
        "access-control-allow-origin": "https://a.example",
        "vary": "Origin",
    }
    assert ask(app, asks_first("/inner/x", b"GET", E)).status == 403
    assert [(each.event, each.route, each.dry_run) for each in seen] == [
        ("RCE03", "/inner/x", DryRun(200, allowed=True, change="", why="")),
        ("RCE02", "/inner/x", DryRun(403, allowed=False, change="", why="")),
    ]


def test_the_routes_of_a_cors_router_work_as_before() -> None:
    router = CORSRouter(cors=POLICY)
    router.put("/x")(under(POLICY))
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    before = [ask(app, asks_first("/x", b"PUT")), ask(app, get("/x", A, "PUT"))]
    seen: list[Decision] = []
    install_cors(app, dry_run=True, on_decision=seen.append)
    assert [ask(app, asks_first("/x", b"PUT")), ask(app, get("/x", A, "PUT"))] == before
    assert [(each.event, each.dry_run and each.dry_run.change) for each in seen] == [
        ("RCE01", ""),
        ("RCE03", ""),
    ]


# --- Nothing is touched


def test_messages_and_scope_are_the_same_objects() -> None:
    messages: list[Message] = [
        {"type": "http.response.start", "status": 200, "headers": [ALLOW_A]},
        {"type": "http.response.body", "body": b"a", "more_body": True},
        {"type": "http.response.body", "body": b"b"},
    ]
    scopes: list[Scope] = []
    passed: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)
        passed.append(receive)
        for message in messages:
            await send(message)

    async def receive() -> Message:
        raise AssertionError("nothing reads the body")

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    seen: list[Decision] = []
    dry = DryRunLayer(app, default=POLICY, on_decision=seen.append)
    scope = get("/x", A)
    before = dict(scope)

    async def run() -> None:
        await dry.serve(scope, receive, send)

    anyio.run(run)
    assert len(sent) == 3
    assert all(got is given for got, given in zip(sent, messages, strict=True))
    assert scopes[0] is scope
    assert passed == [receive]
    assert scope == before
    assert CLAIM not in scope
    assert len(seen) == 1


def test_a_stream_is_judged_when_it_starts_and_never_buffered() -> None:
    events: list[str] = []

    async def stream() -> AsyncIterator[str]:
        for number in range(3):
            events.append(f"made {number}")
            yield str(number)

    async def endpoint(_: Request) -> StreamingResponse:
        return StreamingResponse(stream())

    app = Starlette(routes=[Route("/x", endpoint)])
    install_cors(app, default=POLICY, dry_run=True, on_decision=lambda _: events.append("decision"))

    async def receive() -> Message:
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: Message) -> None:
        if message.get("body"):
            events.append(f"sent {message['body'].decode()}")

    anyio.run(app, get("/x", A), receive, send)
    assert events == ["decision", "made 0", "sent 0", "made 1", "sent 1", "made 2", "sent 2"]


def test_a_crash_is_raised_and_its_500_is_judged() -> None:
    async def crash(_: Request) -> None:
        raise LookupError("on purpose")

    app = Starlette(routes=[Route("/x", crash)])
    seen: list[Decision] = []
    install_cors(app, default=POLICY, dry_run=True, on_decision=seen.append)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(LookupError, match="on purpose"):
        anyio.run(app, get("/x", A), receive, send)
    assert sent[0]["status"] == 500
    # The layer would put its headers on the 500 as well.
    assert [(each.event, each.dry_run and each.dry_run.change) for each in seen] == [("RCE03", "gains")]
    assert seen[0].dry_run is not None
    assert seen[0].dry_run.status == 500


@pytest.mark.parametrize("fails", [True, False])
@pytest.mark.parametrize("enforce", [True, False])
@pytest.mark.parametrize("origin", [A, E])
def test_without_a_response_there_is_nothing_to_change(*, fails: bool, enforce: bool, origin: bytes) -> None:
    async def silent(scope: Scope, receive: Receive, send: Send) -> None:
        if fails:
            raise LookupError("on purpose")

    app, seen = watched(silent, POLICY.evolve(enforce=enforce))
    scope = get("/x", origin, "POST")
    if fails:
        with pytest.raises(LookupError, match="on purpose"):
            messages_of(app, scope)
    else:
        assert messages_of(app, scope) == []
    assert [each.dry_run for each in seen] == [DryRun(None, allowed=False, change="", why="")]


def test_a_cancelled_request_is_no_answer() -> None:
    async def cancelled(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    app, seen = watched(cancelled)
    with pytest.raises(asyncio.CancelledError):
        messages_of(app, get("/x", A))
    assert seen == []


@pytest.mark.parametrize("headers", [(ALLOW_A,), [[*ALLOW_A]], iter([ALLOW_A]), None])
def test_headers_of_any_kind_reach_the_server(headers: Any) -> None:
    message: Message = {"type": "http.response.start", "status": 200, "headers": headers}
    if headers is None:
        del message["headers"]
    sent: list[Message] = []

    async def stack(scope: Scope, receive: Receive, send: Send) -> None:
        await send(message)

    app, seen = watched(stack)
    sent = messages_of(app, get("/x", A))
    assert sent[0] is message
    if headers is not None:
        assert [tuple(each) for each in sent[0]["headers"]] == [ALLOW_A]
    # What can be read only once is left to the server.
    is_iterator = hasattr(headers, "__next__")
    changes = [] if is_iterator else ["" if headers else "gains"]
    assert [each.dry_run and each.dry_run.change for each in seen] == changes


def test_only_the_first_start_is_read() -> None:
    async def twice(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.start", "status": 201, "headers": [ALLOW_A]})

    app, seen = watched(twice)
    assert len(messages_of(app, get("/x", A))) == 2
    assert [each.dry_run and each.dry_run.status for each in seen] == [200]


# --- What clients send


@pytest.mark.parametrize(
    "origins",
    [[b"x" * 65_536], [A, A], [A, E], [b""], [b"\xff\x00\r\n\x1b[2J"], [b"null"], [b"https://a.example/"]],
)
@pytest.mark.parametrize("policy", [POLICY, POLICY.evolve(origins=[lambda *_: True])])
def test_an_origin_that_no_browser_sends_is_refused(origins: list[bytes], policy: CORSPolicy) -> None:
    # An app that reflects whatever it gets, and one that sends an empty header.
    for headers in ([(b"access-control-allow-origin", b", ".join(origins))], []):
        app, seen = watched(answering(headers), policy)
        scope = http_scope("GET", "/x", [(b"origin", origin) for origin in origins])
        assert messages_of(app, scope) == messages_of(answering(headers), scope)
        (decision,) = seen
        is_null = origins == [b"null"] and policy is not POLICY
        assert (decision.event, len(decision.origin or "") <= 300) == ("RCE04", True) or is_null
        assert str(decision).isascii()
        assert str(decision).isprintable()


def test_an_origin_that_is_too_long_is_not_the_empty_one() -> None:
    app, seen = watched(answering([(b"access-control-allow-origin", b"")]))
    messages_of(app, get("/x", b"x" * 65_536))
    assert [each.dry_run for each in seen] == [DryRun(200, allowed=False, change="", why="")]


def test_a_client_that_makes_up_origins_gets_no_more_than_its_rows(
    logged: Callable[[], list[tuple[int, str]]],
) -> None:
    app = Starlette(routes=[Route("/x", answer), Route("/y", answer)])
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    differences = Differences(limit=100)
    install_cors(app, default=POLICY, dry_run=True, on_decision=differences)
    for number in range(5_000):
        ask(app, get("/x" if number % 2 else "/y", b"https://x%d.example" % number))
    assert len(differences) == 102
    others = [row for row in differences if row.origin == "(other)"]
    assert {(row.route, row.method, row.requests) for row in others} == {
        ("/x", "(other)", 2_450),
        ("/y", "(other)", 2_450),
    }
    lines = logged()
    assert len(lines) == 202
    assert {level for level, _ in lines} == {logging.WARNING}


def test_what_is_remembered_is_bounded() -> None:
    app, _ = watched(answering([ANY_ORIGIN]), CORSPolicy(origins="*"))
    built: Any = app.middleware_stack
    dry = built.app.app
    assert isinstance(dry, DryRunLayer)
    for number in range(1_000):
        ask(app, get("/x", b"https://x%d.example" % number))
        ask(app, asks_first("/x", b"PUT", b"https://x%d.example" % number, b"x-%d" % number))
    assert 0 < len(dry._forecast._kept) <= 256


def test_a_known_answer_with_another_status_is_another_one() -> None:
    statuses = iter((200, 400, 200, 400))

    async def stack(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": next(statuses), "headers": [*GRANT]})

    app, seen = watched(stack)
    for _ in range(4):
        messages_of(app, asks_first("/x", b"PUT"))
    assert [each.dry_run and (each.dry_run.status, each.dry_run.change) for each in seen] == [
        (200, ""),
        (400, "gains"),
        (200, ""),
        (400, "gains"),
    ]


def test_what_is_remembered_of_one_decision_is_bounded() -> None:
    sent: list[bytes] = []

    async def stack(scope: Scope, receive: Receive, send: Send) -> None:
        header = (b"access-control-expose-headers", sent[-1])
        await send({"type": "http.response.start", "status": 200, "headers": [ALLOW_A, header]})

    app, seen = watched(stack)
    for value in [b"x-%d" % number for number in range(20)] + [b"x" * 3000, b"x" * 3000]:
        sent.append(value)
        messages_of(app, get("/x", A))
    built: Any = app.middleware_stack
    kept = [would_be for _, would_be in built.app.app._forecast._kept.values()]
    # The last two are too long.
    assert [len(would_be._seen) for would_be in kept] == [4]
    assert len(seen) == 22
    assert {each.dry_run and each.dry_run.change for each in seen} == {"loses"}
    assert all(len(each.dry_run.why) <= 300 for each in seen if each.dry_run)


# --- Callables


def test_callables_are_asked_about_pages_of_other_origins_alone() -> None:
    asked: list[tuple[str, str]] = []

    async def is_allowed(origin: str, connection: HTTPConnection) -> bool:
        asked.append((origin, connection.path_params["name"]))
        return origin == "https://a.example"

    policy = CORSPolicy(origins=is_allowed)
    app = Starlette(
        routes=[
            Route("/x/{name}", under(policy), methods=["GET", "PUT"]),
            WebSocketRoute("/ws/{name}", under(policy, accept)),
        ]
    )
    seen: list[Decision] = []
    install_cors(app, dry_run=True, on_decision=seen.append)
    for origin in (A, E, OWN):
        ask(app, get("/x/7", origin))
        ask(app, asks_first("/x/8", b"PUT", origin))
        messages_of(app, websocket_scope("/ws/9", [(b"origin", origin)]))
    assert asked == [
        ("https://a.example", "7"),
        ("https://a.example", "8"),
        ("https://a.example", "9"),
        ("https://evil.example", "7"),
        ("https://evil.example", "8"),
        ("https://evil.example", "9"),
    ]
    assert [(each.event, each.dry_run and each.dry_run.change) for each in seen] == [
        ("RCE03", "gains"),
        ("RCE01", "gains"),
        ("RCE06", ""),
        ("RCE04", ""),
        ("RCE02", ""),
        ("RCE07", "loses"),
    ]


# --- What the router ran has the last word


class Rewriting:
    """A middleware that sends everything to another path, in the scope that the dry run sees too."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        self.app = app
        self.path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"] = self.path
        await self.app(scope, receive, send)


def rewritten(path: str, policy: Any) -> tuple[Starlette, list[Decision]]:
    app = Starlette(
        routes=[
            Route("/foretold", under(POLICY), methods=["GET", "PUT"]),
            Route("/served", answer if policy is None else under(policy), methods=["GET", "PUT"]),
            WebSocketRoute("/foretold-ws", under(POLICY, accept)),
            WebSocketRoute("/served-ws", under(policy or no_cors, accept)),
        ]
    )
    app.add_middleware(Rewriting, path=path)
    seen: list[Decision] = []
    install_cors(app, dry_run=True, on_decision=seen.append)
    return app, seen


@pytest.mark.parametrize(
    ("policy", "origin", "told"),
    [
        (CORSPolicy(origins="https://evil.example"), E, [("RCE03", "gains")]),
        (CORSPolicy(origins="https://evil.example"), A, [("RCE04", "")]),
        (no_cors, A, [("RCE04", "")]),
        (None, A, [("RCE04", "")]),  # nobody knows its policy: closed
        (CORSPolicy(origins=[lambda *_: True]), E, [("RCE03", "gains")]),
        (CORSPolicy(origins="https://a.example", enforce=True), E, [("RCE04", "")]),
        (CORSPolicy(origins="https://a.example", enforce=True), A, [("RCE03", "gains")]),
    ],
)
def test_the_policy_of_the_endpoint_that_was_served_holds(policy: Any, origin: bytes, told: Any) -> None:
    app, seen = rewritten("/served", policy)
    assert ask(app, get("/foretold", origin)).cors == {}
    assert [(each.event, each.dry_run and each.dry_run.change) for each in seen] == told
    assert [each.route for each in seen] == [None]


def test_a_callable_of_the_served_endpoint_is_not_asked_about_the_apps_own_origin() -> None:
    app, seen = rewritten("/served", CORSPolicy(origins=[lambda *_: True]))
    ask(app, get("/foretold", OWN))
    assert seen == []


def test_a_websocket_that_was_served_elsewhere() -> None:
    app, seen = rewritten("/served-ws", CORSPolicy(origins="https://evil.example"))
    for origin in (A, E):
        messages_of(app, websocket_scope("/foretold-ws", [(b"origin", origin)]))
    assert [(each.event, each.dry_run and each.dry_run.change) for each in seen] == [
        ("RCE07", "loses"),
        ("RCE06", ""),
    ]


def test_a_preflight_is_decided_before_anything_is_served() -> None:
    app, seen = rewritten("/served", no_cors)
    assert ask(app, asks_first("/foretold", b"PUT")).status == 405
    assert [(each.event, each.route) for each in seen] == [("RCE01", "/foretold")]


def test_what_an_opaque_app_serves_keeps_the_policy_that_was_foretold() -> None:
    inner = Starlette(routes=[Route("/x", answer)])

    async def opaque(scope: Scope, receive: Receive, send: Send) -> None:
        await inner(scope, receive, send)

    app = Starlette(routes=[Mount("/opaque", app=opaque)])
    seen: list[Decision] = []
    install_cors(app, default=POLICY, dry_run=True, on_decision=seen.append)
    ask(app, get("/opaque/x", A))
    assert [(each.event, each.route, each.dry_run and each.dry_run.change) for each in seen] == [
        ("RCE03", "/opaque", "gains")
    ]


def test_redirects_and_404s_have_their_policies() -> None:
    app = Starlette(routes=[Route("/x/", under(POLICY)), Route("/r", lambda _: RedirectResponse("/x/"))])
    seen: list[Decision] = []
    install_cors(app, default=CORSPolicy(origins="*"), dry_run=True, on_decision=seen.append)
    statuses = [ask(app, get(path, A)).status for path in ("/x", "/r", "/nowhere")]
    assert statuses == [307, 307, 404]
    assert [(each.event, each.route, each.dry_run and each.dry_run.status) for each in seen] == [
        ("RCE03", "/x/", 307),
        ("RCE03", "/r", 307),
        ("RCE03", None, 404),
    ]


# --- The log


def test_a_change_is_a_warning_the_first_time(
    logged: Callable[[], list[tuple[int, str]]], caplog: pytest.LogCaptureFixture
) -> None:
    app = Starlette(routes=[Route("/x", answer, methods=["GET", "PUT"])])
    install_cors(app, default=POLICY, dry_run=True)
    line = (
        "RCE03 dry run, answer readable: method=GET path=/x origin=https://a.example route=/x change=gains "
        'why="the app does not allow reading the response: no Access-Control-Allow-Origin; the policy allows '
        'reading the response without credentials only"'
    )
    for expected in ([(logging.WARNING, line)], [], []):
        ask(app, get("/x", A))
        assert logged() == expected
    ask(app, get("/x", A, "PUT"))
    assert [(level, said[:40]) for level, said in logged()] == [
        (logging.WARNING, "RCE03 dry run, answer readable: method=P")
    ]
    ask(app, get("/x", E))
    assert logged() == []
    caplog.set_level(logging.DEBUG, "route_cors")
    ask(app, get("/x", A))
    ask(app, get("/x", E))
    assert [(level, said[:5]) for level, said in logged()] == [
        (logging.DEBUG, "RCE03"),
        (logging.DEBUG, "RCE04"),
    ]


def test_a_page_of_the_apps_own_is_not_logged(logged: Callable[[], list[tuple[int, str]]]) -> None:
    app, seen = watched(answering([(b"access-control-allow-origin", OWN)]))
    messages_of(app, get("/x", OWN, "POST"))
    assert (logged(), seen) == ([], [])


def test_a_callback_that_fails_does_not_get_into_the_request(
    logged: Callable[[], list[tuple[int, str]]],
) -> None:
    def failing(decision: Decision) -> None:
        raise LookupError("on purpose")

    app = FastAPI(openapi_url=None)
    install_cors(app, default=POLICY, dry_run=True, on_decision=failing)
    assert ask(app, get("/x", A)).status == 404
    assert [said[:5] for _, said in logged()] == ["RCE03", "RCE09"]


# --- Faults of the dry run itself


def without(scope: Scope, key: str) -> Scope:
    return {name: value for name, value in scope.items() if name != key}


FAULTY: list[Any] = [
    # Where the request goes.
    (POLICY, without(get("/x", A), "path"), [ALLOW_A]),
    # What is decided: a server that gives a text as Host.
    (
        POLICY.evolve(origins=[lambda *_: True]),
        {**get("/x"), "headers": [(b"origin", A), (b"host", "x")]},
        [],
    ),
    # What the app sent.
    (POLICY, get("/x", A), [(1, 2)]),
]


@pytest.mark.parametrize(("policy", "scope", "headers"), FAULTY)
def test_a_fault_is_logged_and_the_request_served(
    policy: CORSPolicy,
    scope: Scope,
    headers: Any,
    logged: Callable[[], list[tuple[int, str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr(layer, "time", SimpleNamespace(monotonic=lambda: now[0]))
    app, seen = watched(answering(headers), policy)
    line = (logging.ERROR, "RCE22 dry run failed: the request is not affected")
    for elapsed, expected in ((0, [line]), (59, []), (1, [line])):
        now[0] += elapsed
        assert messages_of(app, dict(scope))[0] == messages_of(answering(headers), dict(scope))[0]
        assert logged() == expected
    assert seen == []


def test_a_fault_while_it_is_settled(logged: Callable[[], list[tuple[int, str]]]) -> None:
    app, seen = rewritten("/served", CORSPolicy(origins=[lambda *_: True]))
    scope = {**get("/foretold"), "headers": [(b"origin", A), (b"host", "x")]}
    assert messages_of(app, scope)[0]["status"] == 200
    assert logged() == [(logging.ERROR, "RCE22 dry run failed: the request is not affected")]
    assert seen == []


@pytest.mark.parametrize("fails", [True, False])
def test_the_lifespan_goes_on(*, fails: bool, logged: Callable[[], list[tuple[int, str]]]) -> None:
    class Odd:
        @property
        def router(self) -> Any:
            raise LookupError("on purpose")

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    dry = DryRunLayer(app, default=POLICY)

    def serve(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        return dry.serve(scope, receive, send)

    scope = {"type": "lifespan", "app": Odd() if fails else Starlette()}
    types = [message["type"] for message in messages_of(functools.partial(_awaited, serve), scope)]
    assert types == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert [said[:5] for _, said in logged()] == (["RCE22"] if fails else [])


async def _awaited(serve: Any, scope: Scope, receive: Receive, send: Send) -> None:
    await serve(scope, receive, send)


# --- install_cors


def test_a_dry_run_is_no_layer() -> None:
    app = FastAPI()
    install_cors(app, default=POLICY, dry_run=True)
    outer = Starlette(routes=[Mount("/sub", app=app)])
    install_cors(outer)
    # The default of the dry run applies nowhere.
    assert ask(outer, get("/sub/x", A)).cors == {}


def test_it_is_put_back() -> None:
    app = FastAPI(openapi_url=None)
    seen: list[Decision] = []
    install = functools.partial(install_cors, app, default=POLICY, dry_run=True, on_decision=seen.append)
    install()
    app.__dict__.pop("build_middleware_stack")
    app.middleware_stack = None
    ask(app, get("/x", A))
    assert seen == []
    install()
    install()
    ask(app, get("/x", A))
    assert len(seen) == 1


def test_a_schema_says_what_applies() -> None:
    app = FastAPI()
    with pytest.raises(ValueError, match=r"^openapi=True describes .* use one$"):
        install_cors(app, openapi=True, dry_run=True)
    install_cors(app, openapi=True)


def test_bad_arguments_are_refused() -> None:
    with pytest.raises(TypeError, match="on_decision must be a function"):
        install_cors(FastAPI(), dry_run=True, on_decision=7)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="default must be a CORSPolicy"):
        install_cors(FastAPI(), dry_run=True, default="*")  # type: ignore[arg-type]


def test_it_stands_beside_a_layer_that_was_added() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/x")(under(POLICY))
    app.add_middleware(RouteCORSMiddleware)
    seen: list[Decision] = []
    install_cors(app, dry_run=True, on_decision=seen.append)
    assert ask(app, asks_first("/x", b"GET")).status == 204
    assert ask(app, get("/x", A)).cors["access-control-allow-origin"] == "https://a.example"
    assert [each.dry_run and each.dry_run.change for each in seen] == ["", ""]


def test_a_decision_with_a_dry_run_is_data() -> None:
    app, seen = watched(answering([]))
    messages_of(app, get("/x", A))
    assert dataclasses.asdict(seen[0])["dry_run"] == {
        "status": 200,
        "allowed": False,
        "change": "gains",
        "why": (
            "the app does not allow reading the response: no Access-Control-Allow-Origin; the policy allows "
            "reading the response without credentials only"
        ),
    }
