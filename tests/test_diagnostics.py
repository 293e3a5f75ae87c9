"""What the layer and the routes tell of their decisions: to the log, to a callback, to a browser."""

from __future__ import annotations

import asyncio
import functools
import io
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from asgi import Reply, ask, http_scope, preflight, shake_hands, websocket_scope
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket  # noqa: TC002 - pydantic 2.7 resolves the annotations of a route as it is added

from route_cors import (
    CORSPolicy,
    CORSRouter,
    Decision,
    RouteCORSMiddleware,
    cors,
    diagnostics,
    install_cors,
    no_cors,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from starlette.requests import HTTPConnection, Request
    from starlette.types import ASGIApp, Scope

A = b"https://a.example"
E = b"https://evil.example"
OWN = b"https://api.example"
POLICY = CORSPolicy(origins="https://a.example")
REASON = b"x-route-cors-refused"


async def answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("ok")


async def accept(websocket: WebSocket) -> None:
    await websocket.accept()


def under(policy: Any, endpoint: Any = answer) -> Any:
    """The endpoint with that policy, as an object of its own."""

    async def serve(argument: Any) -> Any:
        return await endpoint(argument)

    return cors(policy)(serve) if isinstance(policy, CORSPolicy) else policy(serve)


def site() -> Starlette:
    routes = [
        Route("/account/{number}", under(POLICY), methods=["GET", "PUT"]),
        Route("/open", under(CORSPolicy(origins="*"))),
        Route("/closed", under(no_cors)),
        Route("/enforced", under(POLICY.evolve(enforce=True)), methods=["POST"]),
        Route("/silent", answer),
        Mount("/sub", app=Starlette(routes=[Route("/notes/{id}", under(POLICY))])),
        WebSocketRoute("/chat", under(POLICY, accept)),
        WebSocketRoute("/closed-chat", under(no_cors, accept)),
    ]
    return Starlette(routes=routes)


def listening(app: Starlette, **arguments: Any) -> list[Decision]:
    """The decisions of the app's layer, as they come."""
    seen: list[Decision] = []
    install_cors(app, on_decision=seen.append, **arguments)
    return seen


def get(path: str, origin: bytes | None = None, method: str = "GET", **more: Any) -> Scope:
    return http_scope(method, path, [] if origin is None else [(b"origin", origin)], **more)


def asks_first(path: str, method: bytes, origin: bytes = A, names: bytes | None = None) -> Scope:
    more = () if names is None else ((b"access-control-request-headers", names),)
    return http_scope("OPTIONS", path, preflight(method, origin, *more))


def connect(app: ASGIApp, scope: Scope) -> list[str]:
    """The types of the messages that a handshake is answered with."""
    return [message["type"] for message in shake_hands(app, scope)]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[tuple[int, str]]]:
    """What was logged since the last call, everything that may be: level and line."""
    caplog.set_level(logging.DEBUG, "route_cors")

    def take() -> list[tuple[int, str]]:
        taken = [(level, line) for name, level, line in caplog.record_tuples if name == "route_cors"]
        caplog.clear()
        return taken

    return take


# Which decisions there are

ALLOWED, REFUSED = logging.DEBUG, logging.INFO


@pytest.mark.parametrize(
    ("scope", "level", "line"),
    [
        (
            asks_first("/account/7", b"PUT"),
            ALLOWED,
            (
                "RCE01 preflight allowed: method=PUT path=/account/7 origin=https://a.example "
                "route=/account/{number}"
            ),
        ),
        (
            asks_first("/account/7", b"PUT", E),
            REFUSED,
            (
                "RCE02 preflight refused: failed=origin method=PUT path=/account/7 "
                "origin=https://evil.example route=/account/{number}"
            ),
        ),
        (
            asks_first("/account/7", b"DELETE", A, b"x-token"),
            REFUSED,
            (
                "RCE02 preflight refused: failed=method,headers method=DELETE refused_headers=x-token "
                "path=/account/7 origin=https://a.example route=/account/{number}"
            ),
        ),
        (
            asks_first("/closed", b"DELETE", A),
            REFUSED,
            (
                "RCE02 preflight refused: failed=origin method=DELETE path=/closed origin=https://a.example "
                "route=/closed"
            ),
        ),
        (
            asks_first("/account/7", b"PUT", OWN),
            REFUSED,
            (
                "RCE02 preflight refused: failed=origin method=PUT path=/account/7 "
                "origin=https://api.example route=/account/{number}"
            ),
        ),
        (
            get("/sub/notes/7", A),
            ALLOWED,
            (
                "RCE03 answer readable: method=GET path=/sub/notes/7 origin=https://a.example "
                "route=/sub/notes/{id}"
            ),
        ),
        (
            get("/open", E),
            ALLOWED,
            "RCE03 answer readable: method=GET path=/open origin=https://evil.example route=/open",
        ),
        (
            get("/account/7", E, "PUT"),
            REFUSED,
            (
                "RCE04 answer not readable: failed=origin method=PUT path=/account/7 "
                "origin=https://evil.example route=/account/{number}"
            ),
        ),
        (
            get("/closed", A),
            REFUSED,
            (
                "RCE04 answer not readable: failed=origin method=GET path=/closed origin=https://a.example "
                "route=/closed"
            ),
        ),
        (
            get("/account/7", A, "DELETE"),
            ALLOWED,
            (
                "RCE03 answer readable: method=DELETE path=/account/7 origin=https://a.example "
                "route=/account/{number}"
            ),
        ),
        (
            get("/enforced", E, "POST"),
            REFUSED,
            (
                "RCE05 request refused: failed=origin method=POST path=/enforced origin=https://evil.example "
                "own_origin=https://api.example route=/enforced"
            ),
        ),
        (
            get("/account/7/", A),
            ALLOWED,
            (
                "RCE03 answer readable: method=GET path=/account/7/ origin=https://a.example "
                "route=/account/{number}"
            ),
        ),
    ],
)
def test_a_decision_is_logged_once(
    scope: Scope, level: int, line: str, lines: Callable[[], list[tuple[int, str]]]
) -> None:
    app = site()
    install_cors(app)
    for _ in range(3):  # the later ones are answered from what is remembered
        ask(app, dict(scope))
        assert lines() == [(level, line)]


def test_handshakes_are_decisions(lines: Callable[[], list[tuple[int, str]]]) -> None:
    app = site()
    install_cors(app)
    assert connect(app, websocket_scope("/chat", [(b"origin", A)])) == ["websocket.accept"]
    assert connect(app, websocket_scope("/chat", [(b"origin", E)])) == ["websocket.close"]
    assert connect(app, websocket_scope("/closed-chat", [(b"origin", A)])) == ["websocket.close"]
    assert lines() == [
        (ALLOWED, "RCE06 websocket allowed: path=/chat origin=https://a.example route=/chat"),
        (
            REFUSED,
            (
                "RCE07 websocket refused: failed=origin path=/chat origin=https://evil.example "
                "own_origin=https://api.example route=/chat"
            ),
        ),
        (
            REFUSED,
            (
                "RCE07 websocket refused: failed=origin path=/closed-chat origin=https://a.example "
                "own_origin=https://api.example route=/closed-chat"
            ),
        ),
    ]


@pytest.mark.parametrize(
    ("scheme", "host", "own"),
    [
        ("https", b"API.example:443", "https://api.example"),
        ("http", b"10.0.0.7:8000", "http://10.0.0.7:8000"),
        ("https", None, None),
        ("https", b"x" * 1000, f"https://{'x' * 289}..."),
    ],
)
def test_a_refused_request_shows_the_own_origin_that_was_compared(
    scheme: str, host: bytes | None, own: str | None
) -> None:
    app = site()
    seen = listening(app)
    scope = get("/enforced", E, "POST", scheme=scheme)
    scope["headers"] = [(b"origin", E), *([] if host is None else [(b"host", host)])]
    ask(app, scope)
    assert [(each.event, each.own_origin) for each in seen] == [("RCE05", own)]


@pytest.mark.parametrize(
    ("allow_headers", "sent", "refused"),
    [
        (["X-Token"], b"X-TOKEN, x-other ,accept,,x-third", ("x-other", "x-third")),
        (["X-Token"], b"x token", ("x token",)),
        (["X-Token"], b"x-\x1b[2J", ("x-\x1b[2J",)),
        (["X-Token"], b"a" * 20_000, ("...",)),
        ("*", b"x-token,Authorization", ("authorization",)),
        ("*", b"x token,y", ("x token,y",)),
        ((), b",".join(b"x-%d" % number for number in range(1000)), None),
    ],
)
def test_a_refused_preflight_names_the_headers_that_are_not_allowed(
    allow_headers: Any, sent: bytes, refused: tuple[str, ...] | None
) -> None:
    policy = POLICY.evolve(allow_headers=allow_headers)
    app = Starlette(routes=[Route("/x", under(policy), methods=["PUT"])])
    seen = listening(app)
    ask(app, asks_first("/x", b"PUT", A, sent))
    (decision,) = seen
    assert decision.failed == ("headers",)
    if refused is None:
        assert decision.refused_headers[:2] == ("x-0", "x-1")
        assert decision.refused_headers[-1] == "..."
        assert 290 < len(",".join(decision.refused_headers)) <= 300
    else:
        assert decision.refused_headers == refused


def test_without_a_route_there_is_none_to_name(lines: Callable[[], list[tuple[int, str]]]) -> None:
    app = site()
    seen = listening(app, default=POLICY)
    ask(app, get("/nowhere", A))
    ask(app, asks_first("/nowhere", b"TRACE"))
    assert lines() == [
        (ALLOWED, "RCE03 answer readable: method=GET path=/nowhere origin=https://a.example"),
        (
            REFUSED,
            "RCE02 preflight refused: failed=method method=TRACE path=/nowhere origin=https://a.example",
        ),
    ]
    assert [decision.route for decision in seen] == [None, None]


@pytest.mark.parametrize(
    "scope",
    [
        get("/account/7"),
        get("/closed"),
        get("/enforced", OWN, "POST"),
        get("/account/7", OWN, "PUT"),
        get("/open", OWN),
        get("/closed", OWN),
        get("/silent", E),
        get("/nowhere", E),
        asks_first("/silent", b"PUT", E),
        http_scope("OPTIONS", "/account/7", [(b"access-control-request-method", b"PUT")]),
    ],
)
def test_what_is_no_cross_origin_decision_is_not_told(
    scope: Scope, lines: Callable[[], list[tuple[int, str]]]
) -> None:
    app = site()
    seen = listening(app)
    ask(app, scope)
    assert (lines(), seen) == ([], [])


@pytest.mark.parametrize("origin", [None, OWN])
@pytest.mark.parametrize("path", ["/chat", "/closed-chat"])
def test_a_handshake_that_is_not_cross_origin_is_not_told(
    path: str, origin: bytes | None, lines: Callable[[], list[tuple[int, str]]]
) -> None:
    app = site()
    seen = listening(app)
    headers = [] if origin is None else [(b"origin", origin)]
    assert connect(app, websocket_scope(path, headers)) == ["websocket.accept"]
    assert (lines(), seen) == ([], [])


def test_a_callables_verdict_is_a_decision_like_any_other() -> None:
    async def is_allowed(origin: str, _: HTTPConnection) -> bool:
        return origin == "https://a.example"

    app = Starlette(routes=[Route("/x", under(CORSPolicy(origins=is_allowed)))])
    seen = listening(app)
    for origin in (A, E):
        ask(app, get("/x", origin))
        ask(app, asks_first("/x", b"GET", origin))
    assert [decision.event for decision in seen] == ["RCE03", "RCE01", "RCE04", "RCE02"]


# CORSRoute: the same, with nothing installed


@pytest.fixture
def routed() -> FastAPI:
    router = CORSRouter(prefix="/r", cors=POLICY)

    @router.put("/notes/{note}")
    async def save(note: int) -> None: ...

    @router.websocket("/chat")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    app = FastAPI()
    app.include_router(router)
    return app


ROUTED = [
    (
        ALLOWED,
        "RCE01 preflight allowed: method=PUT path=/r/notes/7 origin=https://a.example route=/r/notes/{note}",
    ),
    (
        REFUSED,
        (
            "RCE02 preflight refused: failed=origin method=PUT path=/r/notes/7 origin=https://evil.example "
            "route=/r/notes/{note}"
        ),
    ),
    (
        ALLOWED,
        "RCE03 answer readable: method=PUT path=/r/notes/7 origin=https://a.example route=/r/notes/{note}",
    ),
    (
        REFUSED,
        (
            "RCE04 answer not readable: failed=origin method=PUT path=/r/notes/7 origin=https://evil.example "
            "route=/r/notes/{note}"
        ),
    ),
    (ALLOWED, "RCE06 websocket allowed: path=/r/chat origin=https://a.example route=/r/chat"),
    (
        REFUSED,
        (
            "RCE07 websocket refused: failed=origin path=/r/chat origin=https://evil.example "
            "own_origin=https://api.example route=/r/chat"
        ),
    ),
]


@pytest.mark.parametrize("installed", [False, True])
def test_a_cors_router_logs_what_the_layer_would(
    routed: FastAPI, installed: bool, lines: Callable[[], list[tuple[int, str]]]
) -> None:
    if installed:
        install_cors(routed)
    for scope in (asks_first("/r/notes/7", b"PUT"), asks_first("/r/notes/7", b"PUT", E)):
        ask(routed, scope)
    for origin in (A, E, None):
        ask(routed, get("/r/notes/7", origin, "PUT"))
    for origin in (A, E, OWN):
        connect(routed, websocket_scope("/r/chat", [(b"origin", origin)]))
    assert lines() == ROUTED


def test_a_layer_inside_another_tells_nothing_twice(lines: Callable[[], list[tuple[int, str]]]) -> None:
    inner: list[Decision] = []
    app = Starlette(routes=[Route("/x", under(POLICY)), WebSocketRoute("/chat", under(POLICY, accept))])
    app.add_middleware(RouteCORSMiddleware, on_decision=inner.append)
    outer = listening(app)
    for scope in (get("/x", A), get("/x", E), asks_first("/x", b"GET"), asks_first("/x", b"GET", E)):
        ask(app, scope)
    connect(app, websocket_scope("/chat", [(b"origin", A)]))
    assert [line[:5] for _, line in lines()] == ["RCE03", "RCE04", "RCE01", "RCE02", "RCE06"]
    assert [decision.event for decision in outer] == ["RCE03", "RCE04", "RCE01", "RCE02", "RCE06"]
    assert inner == []


# The log


def test_a_record_carries_the_decision(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "route_cors")
    app = site()
    install_cors(app)
    ask(app, asks_first("/account/7", b"PUT", E))
    (record,) = caplog.records
    assert vars(record)["decision"] == Decision(
        event="RCE02",
        kind="preflight",
        allowed=False,
        failed=("origin",),
        method="PUT",
        path="/account/7",
        route="/account/{number}",
        origin="https://evil.example",
    )


@pytest.fixture
def root_level() -> Iterator[Callable[[int], None]]:
    root = logging.getLogger()
    before = root.level
    yield root.setLevel
    root.setLevel(before)


def events_of(app: Starlette, caplog: pytest.LogCaptureFixture) -> list[str]:
    caplog.clear()
    preflights = (asks_first("/account/7", b"PUT"), asks_first("/account/7", b"PUT", E))
    for scope in (*preflights, get("/account/7", A), get("/account/7", E)):
        ask(app, scope)
    return [line[:5] for name, _, line in caplog.record_tuples if name == "route_cors"]


def test_the_level_may_change_at_run_time(
    caplog: pytest.LogCaptureFixture, root_level: Callable[[int], None]
) -> None:
    app = site()
    install_cors(app)
    refusals = ["RCE02", "RCE04"]
    every = ["RCE01", "RCE02", "RCE03", "RCE04"]
    caplog.handler.setLevel(logging.DEBUG)
    root_level(logging.WARNING)
    assert events_of(app, caplog) == []
    root_level(logging.DEBUG)
    assert events_of(app, caplog) == every
    caplog.set_level(logging.INFO, "route_cors")
    assert events_of(app, caplog) == refusals
    root_level(logging.WARNING)
    assert events_of(app, caplog) == refusals
    caplog.set_level(logging.DEBUG, "route_cors")
    assert events_of(app, caplog) == every
    logging.disable(logging.INFO)
    try:
        assert events_of(app, caplog) == []
    finally:
        logging.disable(logging.NOTSET)
    assert events_of(app, caplog) == every


def long(unit: bytes) -> st.SearchStrategy[bytes]:
    """64 KB of it."""
    return st.just(unit).map(lambda each: each * (65_536 // len(each)))


PATH = st.sampled_from(["/account/7", "/closed", "/open", "/account/\x1b[0m\u202e"])
HOSTILE = st.one_of(
    st.sampled_from(
        [b"https://a\r\nRCE01 preflight allowed: x", b"\x1b[2J", b"\xe2\x80\xae", b"%s%n{0}", b'"', b"\\"]
    ),
    *map(long, (b"\xff", b"\x00", b"x", b"x, ", b"\r\n", b"https://a.example ")),
    st.binary(),
)


@given(path=PATH, origin=HOSTILE, method=HOSTILE, names=HOSTILE)
def test_nothing_that_a_client_sends_forges_a_line_or_raises(
    path: str, origin: bytes, method: bytes, names: bytes
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    logger = logging.getLogger("route_cors")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    try:
        app = site()
        seen = listening(app, debug=True)
        refused = ask(app, asks_first(path, method, origin, names))
        ask(app, get(path, origin, raw_path=None))
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)
        logger.propagate = True
    lines = stream.getvalue().split("\n")
    assert lines == [*map(str, seen), ""]
    assert [decision.event for decision in seen] in (["RCE02", "RCE03"], ["RCE02", "RCE04"])
    assert all(line.isascii() and line.isprintable() and len(line) < 6_000 for line in lines)
    reason = reason_of(refused)
    assert reason is not None
    assert reason.isascii()
    assert reason.isprintable()
    assert len(reason) <= 2_000


@pytest.mark.parametrize(
    ("raw_path", "shown"),
    [
        (b"/account/a%1Bb%20c", "/account/a%1Bb%20c"),
        (b"/account/a%1Bb?token=secret", "/account/a%1Bb"),
        (None, r'"/account/a\u001bb c"'),
    ],
)
def test_the_path_is_what_the_client_sent_without_its_query(
    raw_path: bytes | None, shown: str, lines: Callable[[], list[tuple[int, str]]]
) -> None:
    app = Starlette(routes=[Route("/account/{name:path}", under(POLICY))])
    install_cors(app)
    ask(app, get("/account/a\x1bb c", A, raw_path=raw_path))
    assert lines() == [
        (
            ALLOWED,
            (
                f"RCE03 answer readable: method=GET path={shown} origin=https://a.example "
                "route=/account/{name:path}"
            ),
        )
    ]


def test_a_failed_callable_has_an_event_of_its_own(lines: Callable[[], list[tuple[int, str]]]) -> None:
    def is_allowed(origin: str, _: HTTPConnection) -> bool:
        raise LookupError(origin)

    app = Starlette(routes=[Route("/x", under(CORSPolicy(origins=is_allowed)))])
    install_cors(app)
    ask(app, get("/x", E))
    (failed, decided) = lines()
    assert failed == (
        logging.ERROR,
        f"RCE08 origin callable failed: callable={is_allowed!r} origin=https://evil.example",
    )
    assert decided == (
        REFUSED,
        "RCE04 answer not readable: failed=origin method=GET path=/x origin=https://evil.example route=/x",
    )


# The callback


class Cases:
    """What is no plain function of a decision."""

    @staticmethod
    async def later(decision: Decision) -> None: ...

    async def __call__(self, decision: Decision) -> None: ...

    @staticmethod
    async def some(decision: Decision) -> AsyncIterator[None]:
        yield

    @staticmethod
    def one_by_one(decision: Decision) -> Iterator[None]:
        yield


@pytest.mark.parametrize(
    "not_plain",
    [
        Cases.later,
        Cases(),
        Cases.some,
        Cases.one_by_one,
        functools.partial(Cases.later),
        functools.partial(Cases()),
    ],
)
def test_a_callback_that_nobody_would_await(not_plain: Any) -> None:
    for declare in (install_cors, RouteCORSMiddleware):
        with pytest.raises(TypeError, match=r"^on_decision must be a plain function, not .*: write `def on_"):
            declare(Starlette(), on_decision=not_plain)


@pytest.mark.parametrize("nothing", ["print", 7, [], False])
def test_a_callback_that_cannot_be_called(nothing: Any) -> None:
    for declare in (install_cors, RouteCORSMiddleware):
        with pytest.raises(
            TypeError, match=r"^on_decision must be a function or None, not .*: write `def on_"
        ):
            declare(Starlette(), on_decision=nothing)


def test_what_may_be_a_callback() -> None:
    seen: list[Decision] = []

    class Counter:
        """False, as an empty container is."""

        def __len__(self) -> int:
            return 0

        def __call__(self, decision: Decision) -> None:
            seen.append(decision)

    def note(prefix: str, decision: Decision) -> None:
        seen.append(decision)

    for callback in (seen.append, Counter(), functools.partial(note, "cors")):
        app = site()
        install_cors(app, on_decision=callback)
        ask(app, get("/account/7", A))
        ask(app, get("/account/7", E))
    assert [decision.event for decision in seen] == ["RCE03", "RCE04"] * 3


def test_the_callback_is_called_with_each_decision_whatever_is_logged(
    root_level: Callable[[int], None],
) -> None:
    root_level(logging.CRITICAL)
    app = site()
    seen = listening(app)
    for _ in range(2):
        ask(app, asks_first("/account/7", b"PUT"))
        ask(app, get("/account/7", A))
        ask(app, get("/account/7", E))
    assert [(decision.event, decision.allowed) for decision in seen] == [
        ("RCE01", True),
        ("RCE03", True),
        ("RCE04", False),
    ] * 2


def test_the_callback_comes_before_the_endpoint() -> None:
    order: list[str] = []

    async def endpoint(_: Request) -> PlainTextResponse:
        order.append("endpoint")
        return PlainTextResponse("ok")

    app = Starlette(routes=[Route("/x", under(POLICY, endpoint))])
    install_cors(app, on_decision=lambda decision: order.append(decision.event))
    ask(app, get("/x", A))
    ask(app, get("/x", E))
    assert order == ["RCE03", "endpoint", "RCE04", "endpoint"]


def test_a_failing_callback_never_gets_into_the_request_nor_floods_the_log(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [5.0]
    monkeypatch.setattr(diagnostics, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def broken(decision: Decision) -> None:
        raise LookupError(decision.event)

    app = site()
    install_cors(app, on_decision=broken)
    quiet = site()
    install_cors(quiet)
    scopes = [
        asks_first("/account/7", b"PUT"),
        asks_first("/account/7", b"PUT", E),
        get("/account/7", A),
        get("/account/7", E),
        get("/enforced", E, "POST"),
    ]

    def same() -> bool:
        replies = [[ask(each, dict(scope)).messages for scope in scopes] for each in (app, quiet)]
        return replies[0] == replies[1]

    def logged() -> list[str]:
        taken = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
        caplog.clear()
        return taken

    assert same()
    assert caplog.records[0].exc_info is not None
    assert caplog.records[0].exc_info[0] is LookupError
    assert logged() == [f"RCE09 on_decision failed: callable={broken!r} failures=1"]
    now[0] += 59
    assert same()
    assert logged() == []
    now[0] += 1
    assert same()
    assert logged() == [f"RCE09 on_decision failed: callable={broken!r} failures=10"]
    assert connect(app, websocket_scope("/chat", [(b"origin", A)])) == ["websocket.accept"]
    assert connect(app, websocket_scope("/chat", [(b"origin", E)])) == ["websocket.close"]


def test_a_coroutine_that_comes_back_is_an_error_and_leaves_no_warning(
    caplog: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    app = site()
    install_cors(app, on_decision=lambda decision: Cases().later(decision))
    assert ask(app, get("/account/7", A)).status == 200
    (record,) = caplog.records
    assert record.exc_info is not None
    assert str(record.exc_info[1]).startswith("on_decision must be a plain function, not <function ")
    assert [*recwarn] == []


def test_what_is_no_exception_goes_through() -> None:
    def cancelled(decision: Decision) -> None:
        raise asyncio.CancelledError

    app = site()
    install_cors(app, on_decision=cancelled)
    with pytest.raises(asyncio.CancelledError):
        ask(app, get("/account/7", A))


# The arguments of install_cors


def note(decision: Decision) -> None: ...


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"on_decision": note}),
        ({"on_decision": note}, {}),
        ({"on_decision": note}, {"on_decision": print}),
        ({}, {"openapi": True}),
        ({"openapi": True}, {}),
        ({}, {"dry_run": True}),
        ({"dry_run": True}, {}),
        ({"dry_run": True, "default": POLICY}, {"dry_run": True}),
    ],
)
def test_installing_twice(first: dict[str, Any], second: dict[str, Any]) -> None:
    app = FastAPI()
    install_cors(app, **first)
    install_cors(app, **first)
    unset = {"default": None, "debug": None, "on_decision": None, "openapi": False, "enforce": False}
    unset["dry_run"] = False
    shown = unset | first
    with pytest.raises(ValueError, match="was called on this app before, with ") as raised:
        install_cors(app, **second)
    assert str(raised.value) == (
        "install_cors() was called on this app before, with "
        f"{', '.join(f'{name}={value!r}' for name, value in shown.items())}: call it once"
    )


def test_only_fastapi_has_a_schema() -> None:
    app = Starlette(routes=[Route("/x", under(POLICY))])
    with pytest.raises(TypeError, match=r"^openapi=True takes a FastAPI app, not <starlette"):
        install_cors(app, openapi=True)
    assert ask(app, get("/x", A)).cors == {}


def test_the_schema_is_described_where_it_is_asked_for() -> None:
    described: list[bool] = []
    for openapi in (False, True):
        app = FastAPI()
        app.get("/x")(under(POLICY))
        install_cors(app, openapi=openapi)
        described.append("x-cors" in app.openapi()["paths"]["/x"]["get"])
    assert described == [False, True]


# debug


def reason_of(reply: Reply) -> str | None:
    values = [value.decode() for name, value in reply.headers if name == REASON]
    assert len(values) <= 1
    return values[0] if values else None


DEBUGGED = CORSPolicy(origins=["https://a.example", "https://*.b.example"], allow_headers=["X-Token"])
LISTED = "Accept, Accept-Language, Content-Language, Content-Type, X-Token"


@pytest.mark.parametrize(
    ("policy", "scope", "reason"),
    [
        (
            DEBUGGED,
            asks_first("/x", b"PUT", E),
            "origin https://evil.example, allowed: https://*.b.example, https://a.example",
        ),
        (DEBUGGED, asks_first("/x", b"DELETE"), "method DELETE, allowed: PUT"),
        (
            DEBUGGED,
            asks_first("/x", b"PUT", A, b"x-token,x-other"),
            f"headers x-token,x-other, allowed: {LISTED}",
        ),
        (
            DEBUGGED,
            asks_first("/x", b"DELETE", E, b"x-other"),
            (
                "origin https://evil.example, allowed: https://*.b.example, https://a.example; "
                f"method DELETE, allowed: PUT; headers x-other, allowed: {LISTED}"
            ),
        ),
        (
            DEBUGGED.evolve(allow_headers="*"),
            asks_first("/x", b"PUT", A, b"authorization"),
            "headers authorization, allowed: any but Authorization",
        ),
        (
            DEBUGGED.evolve(allow_headers=["*", "Authorization"]),
            asks_first("/x", b"PUT", A, b"x token"),
            "headers x token, allowed: any",
        ),
        (DEBUGGED.evolve(methods=["GET"]), asks_first("/x", b"DELETE"), "method DELETE, allowed: none"),
        (no_cors, asks_first("/x", b"PUT", E), "origin https://evil.example, allowed: no other origin"),
    ],
)
def test_debug_says_what_failed_and_what_is_allowed(policy: Any, scope: Scope, reason: str) -> None:
    for debug in (True, False):
        app = Starlette(routes=[Route("/x", under(policy), methods=["PUT"])])
        install_cors(app, debug=debug)
        refused = ask(app, dict(scope))
        assert (refused.status, refused.body == b"") == ((204, True) if debug else (403, False))
        assert reason_of(refused) == (reason if debug else None)


def test_debug_says_it_in_the_body_where_there_is_one() -> None:
    app = Starlette(routes=[Route("/x", under(DEBUGGED), methods=["PUT"])])
    install_cors(app, debug=True)
    refused = ask(app, asks_first("/x", b"POST"))
    assert (refused.status, refused.body) == (403, b"CORS preflight refused: method POST, allowed: PUT")
    assert (b"content-length", b"49") in refused.headers
    assert reason_of(refused) == "method POST, allowed: PUT"


def test_debug_mode_may_change_at_run_time() -> None:
    app = Starlette(routes=[Route("/x", under(DEBUGGED), methods=["PUT"])])
    install_cors(app)
    for debug in (False, True, False):
        app.debug = debug
        # The second time the refusal is a known one.
        for refused in (ask(app, asks_first("/x", b"DELETE")), ask(app, asks_first("/x", b"DELETE"))):
            assert refused.status == (204 if debug else 403)
            assert reason_of(refused) == ("method DELETE, allowed: PUT" if debug else None)


@pytest.mark.parametrize(
    ("scope", "event", "level"),
    [
        (asks_first("/account/7", b"PUT", E), "RCE02", logging.INFO),
        (get("/account/7", E), "RCE04", logging.INFO),
        (get("/enforced", E, "POST"), "RCE05", logging.INFO),
        (get("/account/7", A), "RCE03", logging.DEBUG),
        (asks_first("/account/7", b"PUT"), "RCE01", logging.DEBUG),
    ],
)
def test_refusals_are_warnings_in_debug_mode(
    scope: Scope, event: str, level: int, lines: Callable[[], list[tuple[int, str]]]
) -> None:
    app = site()
    install_cors(app)
    for debug in (False, True, False):
        app.debug = debug
        for _ in range(2):
            ask(app, dict(scope))
            expected = logging.WARNING if debug and level == logging.INFO else level
            assert [(logged, line[:5]) for logged, line in lines()] == [(expected, event)]


def test_refused_handshakes_are_warnings_in_debug_mode(
    lines: Callable[[], list[tuple[int, str]]],
) -> None:
    app = site()
    install_cors(app, debug=True)
    connect(app, websocket_scope("/chat", [(b"origin", E)]))
    assert [(level, line[:5]) for level, line in lines()] == [(logging.WARNING, "RCE07")]


def test_debug_adds_nothing_where_nothing_is_refused() -> None:
    app = Starlette(debug=True, routes=[Route("/x", under(DEBUGGED.evolve(enforce=True)), methods=["PUT"])])
    install_cors(app)
    assert reason_of(ask(app, asks_first("/x", b"PUT"))) is None
    assert reason_of(ask(app, get("/x", A, "PUT"))) is None
    assert reason_of(ask(app, get("/x", E, "PUT"))) is None


def test_a_reason_has_a_length() -> None:
    many = CORSPolicy(origins=[f"https://x{number}.example" for number in range(1000)])
    app = Starlette(routes=[Route("/x", under(many))])
    install_cors(app, debug=True)
    reason = reason_of(ask(app, asks_first("/x", b"GET")))
    assert reason is not None
    assert len(reason) == 2000
    assert reason.startswith("origin https://a.example, allowed: https://x0.example, https://x1.example, ")


def test_a_cors_route_alone_explains_nothing(routed: FastAPI) -> None:
    routed.debug = True
    refused = ask(routed, asks_first("/r/notes/7", b"PUT", E))
    assert (refused.status, reason_of(refused)) == (403, None)
