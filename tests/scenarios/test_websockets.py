"""Scenario 17: the origin of a websocket's handshake is checked before it is accepted."""

from collections.abc import Callable
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import Mount, WebSocketRoute
from starlette.types import ASGIApp, Message, Scope
from starlette.websockets import WebSocket, WebSocketDisconnect

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors
from route_cors.decorators import Declared, NoCORS
from route_cors.testing import Browser, CORSBlocked

from .support import HOST, OWN, A, E, client_of, granted, preflight, readable, says, send

FOR_A = CORSPolicy(origins=A)

Place = Callable[[Any], tuple[Starlette, str]]


def greeter(calls: list[str], declared: Declared | None) -> Any:
    """An endpoint that greets, and notes that it was called."""

    async def endpoint(websocket: WebSocket) -> None:
        calls.append("endpoint")
        await websocket.accept()
        await websocket.send_text("hello")
        await websocket.close()

    if declared is None:
        return endpoint
    return no_cors(endpoint) if isinstance(declared, NoCORS) else cors(declared)(endpoint)


def direct(endpoint: Any) -> tuple[Starlette, str]:
    app = FastAPI()
    app.websocket("/ws")(endpoint)
    return app, "/ws"


def included(endpoint: Any) -> tuple[Starlette, str]:
    app = FastAPI()
    inner = APIRouter(prefix="/v1")
    inner.websocket("/ws/{room}")(endpoint)
    outer = APIRouter(prefix="/api")
    outer.include_router(inner)
    app.include_router(outer)
    return app, "/api/v1/ws/7"


def cors_router(endpoint: Any) -> tuple[Starlette, str]:
    app = FastAPI()
    inner = CORSRouter(prefix="/v1")
    inner.websocket("/ws/{room}")(endpoint)
    outer = APIRouter(prefix="/api")
    outer.include_router(inner)
    app.include_router(outer)
    return app, "/api/v1/ws/7"


def starlette(endpoint: Any) -> tuple[Starlette, str]:
    return Starlette(routes=[Mount("/v1", routes=[WebSocketRoute("/ws", endpoint)])]), "/v1/ws"


def mounted(place: Place) -> Place:
    def mount(endpoint: Any) -> tuple[Starlette, str]:
        inner, path = place(endpoint)
        app = FastAPI()
        app.mount("/sub", inner)
        return app, f"/sub{path}"

    return mount


def installed(place: Place) -> Place:
    def install(endpoint: Any) -> tuple[Starlette, str]:
        app, path = place(endpoint)
        install_cors(app)
        return app, path

    return install


def with_middleware(endpoint: Any) -> tuple[Starlette, str]:
    app, path = included(endpoint)
    app.add_middleware(RouteCORSMiddleware)
    return app, path


WITH_LAYER: dict[str, Place] = {
    "direct": installed(direct),
    "included": installed(included),
    "cors_router": installed(cors_router),
    "starlette": installed(starlette),
    "mounted": installed(mounted(direct)),
    "mounted_cors_router": installed(mounted(cors_router)),
    "mounted_starlette": installed(mounted(starlette)),
}
ALONE: dict[str, Place] = {"alone": cors_router, "alone_mounted": mounted(cors_router)}


def on(places: dict[str, Place]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("place", places.values(), ids=places.keys())


everywhere = on({**WITH_LAYER, "middleware": with_middleware, **ALONE})
with_layer = on(WITH_LAYER)


def connects(app: Starlette, path: str, origin: str | None) -> bool:
    """Whether the handshake succeeds: of a page, or of a program that is no browser."""
    try:
        if origin is not None:
            Browser(app, origin=origin, base_url=OWN).connect(path)
            return True
        with client_of(app).websocket_connect(f"ws://{HOST}{path}") as websocket:
            assert websocket.receive_text() == "hello"
    except (CORSBlocked, WebSocketDisconnect):
        return False
    return True


async def handshake(
    app: ASGIApp, path: str, *origins: bytes, host: bytes | None, scheme: str = "ws"
) -> list[str]:
    """The types of what the app sends, in their order."""
    headers = [] if host is None else [(b"host", host)]
    scope: Scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [*headers, *((b"origin", origin) for origin in origins)],
        "client": ("203.0.113.7", 50000),
        "server": (HOST, 80),
        "subprotocols": [],
    }
    incoming: list[Message] = [{"type": "websocket.disconnect", "code": 1005}, {"type": "websocket.connect"}]
    sent: list[str] = []

    async def receive() -> Message:
        return incoming.pop()

    async def collect(message: Message) -> None:
        sent.append(message["type"])

    await app(scope, receive, collect)
    return sent


ACCEPTED = ["websocket.accept", "websocket.send", "websocket.close"]
REFUSED = ["websocket.close"]  # before accept: a server makes it a 403


@everywhere
def test_17_who_connects(place: Place) -> None:
    calls: list[str] = []
    app, path = place(greeter(calls, FOR_A))
    assert not connects(app, path, E)
    assert not connects(app, path, "null")
    assert calls == []
    assert connects(app, path, A)
    assert connects(app, path, OWN)
    assert connects(app, path, None)
    assert len(calls) == 3


@everywhere
def test_17_no_cors_admits_the_own_origin_alone(place: Place) -> None:
    calls: list[str] = []
    app, path = place(greeter(calls, no_cors))
    assert not connects(app, path, A)
    assert calls == []
    assert connects(app, path, OWN)
    assert connects(app, path, None)


@everywhere
def test_17_any_origin(place: Place) -> None:
    app, path = place(greeter([], CORSPolicy(origins="*")))
    for origin in (A, E, "null", OWN, None):
        assert connects(app, path, origin)


@everywhere
def test_17_without_a_policy_it_is_not_checked(place: Place) -> None:
    app, path = place(greeter([], None))
    assert connects(app, path, E)


def test_17_nor_does_the_default_speak_for_it() -> None:
    for place in (direct, included, cors_router, starlette, mounted(direct)):
        app, path = place(greeter([], None))
        install_cors(app, default=FOR_A)
        assert connects(app, path, E)


@pytest.mark.anyio
@everywhere
@pytest.mark.parametrize(
    ("scheme", "host", "own", "foreign"),
    [
        ("ws", b"app.example", b"http://app.example", b"https://app.example"),
        ("wss", b"app.example", b"https://app.example", b"http://app.example"),
        ("ws", b"app.example:80", b"http://app.example", b"http://app.example:8080"),
        ("wss", b"app.example:443", b"https://app.example", b"https://app.example:80"),
        ("ws", b"app.example:8000", b"http://app.example:8000", b"http://app.example"),
        ("ws", b"APP.example", b"http://app.example", b"http://app.example.evil.com"),
        ("ws", b"[::1]:8000", b"http://[::1]:8000", b"http://[::1]"),
    ],
)
async def test_17_the_own_origin(place: Place, scheme: str, host: bytes, own: bytes, foreign: bytes) -> None:
    calls: list[str] = []
    app, path = place(greeter(calls, FOR_A))
    assert await handshake(app, path, foreign, host=host, scheme=scheme) == REFUSED
    assert calls == []
    assert await handshake(app, path, own, host=host, scheme=scheme) == ACCEPTED


@pytest.mark.anyio
@everywhere
async def test_17_origins_that_no_browser_sends(place: Place) -> None:
    calls: list[str] = []
    app, path = place(greeter(calls, FOR_A))
    host = HOST.encode()
    for origins in (
        [b""],
        [A.encode(), E.encode()],
        [A.encode(), A.encode()],
        [A.encode() + b"\n"],
        [b"\xff"],
        [b"https://" + b"a" * 65_536],
        [OWN.encode() + b"/"],
        [OWN.encode(), OWN.encode()],
    ):
        assert await handshake(app, path, *origins, host=host) == REFUSED, [o[:40] for o in origins]
    assert await handshake(app, path, E.encode(), host=None) == REFUSED
    assert calls == []


@with_layer
def test_17_dependencies_do_not_run_before_the_check(place: Place) -> None:
    calls: list[str] = []
    app, path = place(greeter(calls, FOR_A))

    class Recording:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
            calls.append("middleware")
            await self.app(scope, receive, send)

    app.add_middleware(Recording)
    assert not connects(app, path, E)
    assert calls == []
    assert connects(app, path, A)
    assert calls == ["middleware", "endpoint"]


@pytest.mark.parametrize("layered", [False, True])
def test_17_nor_do_the_routes_own_with_a_cors_router_alone(layered: bool) -> None:
    calls: list[str] = []

    def dependency() -> None:
        calls.append("dependency")

    router = CORSRouter()
    router.websocket("/ws", dependencies=[Depends(dependency)])(greeter(calls, FOR_A))
    app = FastAPI()
    app.include_router(router)
    if layered:
        install_cors(app)
    assert not connects(app, "/ws", E)
    assert calls == []
    assert connects(app, "/ws", A)
    assert calls == ["dependency", "endpoint"]


@pytest.mark.parametrize("layered", [False, True])
def test_17_the_policy_of_a_router(layered: bool) -> None:
    inner = CORSRouter(prefix="/inner")
    inner.websocket("/ws")(greeter([], None))
    inner.websocket("/own")(greeter([], CORSPolicy(origins=E)))
    router = CORSRouter(prefix="/outer", cors=FOR_A)
    router.include_router(inner)
    router.websocket("/ws")(greeter([], None))
    plain = APIRouter(prefix="/plain")
    plain.websocket("/ws")(greeter([], None))
    router.include_router(plain)
    closed = CORSRouter(prefix="/closed", cors=no_cors)
    closed.websocket("/ws")(greeter([], None))
    router.include_router(closed)
    app = FastAPI()
    app.include_router(router)
    if layered:
        install_cors(app)
    # What a plain router brings is guarded by the layer.
    for path in ("/outer/ws", "/outer/inner/ws", *(["/outer/plain/ws"] if layered else [])):
        assert connects(app, path, A)
        assert connects(app, path, OWN)
        assert not connects(app, path, E)
    assert connects(app, "/outer/inner/own", E)
    assert not connects(app, "/outer/inner/own", A)
    assert connects(app, "/outer/closed/ws", OWN)
    assert not connects(app, "/outer/closed/ws", A)


@pytest.mark.parametrize("inside", [False, True])
def test_17_a_class_based_endpoint(inside: bool) -> None:
    @cors(FOR_A)
    class Greeter(WebSocketEndpoint):
        async def on_connect(self, websocket: WebSocket) -> None:
            await websocket.accept()
            await websocket.send_text("hello")

    route = WebSocketRoute("/ws", Greeter)
    app = Starlette(routes=[Mount("/m", routes=[route]) if inside else route])
    install_cors(app)
    path = "/m/ws" if inside else "/ws"
    assert connects(app, path, A)
    assert not connects(app, path, E)


@pytest.mark.anyio
async def test_17_a_websocket_and_a_get_at_one_path() -> None:
    app = FastAPI()
    app.websocket("/x")(greeter([], FOR_A))
    app.get("/x")(cors(origins=E)(says()))
    install_cors(app)
    assert (await send(app, "GET", "/x", origin=E)).seen == readable(200, E)
    assert (await preflight(app, "/x", origin=E)).seen == granted(E, "GET")
    host = HOST.encode()
    assert await handshake(app, "/x", A.encode(), host=host) == ACCEPTED
    assert await handshake(app, "/x", E.encode(), host=host) == REFUSED
