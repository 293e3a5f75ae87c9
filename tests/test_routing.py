"""CORSRouter and CORSRoute on a plain app, without the layer; and how a policy reaches what is included."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asgi import ask, http_scope, preflight, websocket_scope
from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, WebSocket
from fastapi.routing import APIRoute
from starlette.routing import Match

from route_cors import CORSPolicy, CORSRoute, CORSRouter, cors, install_cors, no_cors
from route_cors.routing import RouterArguments

if TYPE_CHECKING:
    from collections.abc import Callable

A = b"https://a.example"
B = b"https://b.example"
FOR_A = CORSPolicy(origins="https://a.example")
FOR_B = CORSPolicy(origins="https://b.example")


def allowed(app: Any, method: str, path: str, origin: bytes = A, **more: Any) -> bool:
    """Whether a page of that origin may make the request: preflight and response headers have to agree."""
    answer = ask(app, http_scope("OPTIONS", path, preflight(method.encode(), origin), **more))
    grant = answer.cors.get("access-control-allow-origin")
    reply = ask(app, http_scope(method, path, [(b"origin", origin)], **more))
    assert reply.status < 400
    assert reply.cors.get("access-control-allow-origin") == grant
    assert answer.status == (204 if grant is not None else answer.status)
    return grant in {"*", origin.decode()}


# For what type checkers would refuse before it runs.
UNTYPED_ROUTER: Any = CORSRouter


async def endpoint() -> str:
    return "ok"


# What FastAPI has added to APIRouter since the oldest version that is supported.
ADDED_LATER = {"form_limits", "max_body_size", "strict_content_type"}


def test_the_typed_arguments_are_those_of_the_newest_router() -> None:
    known = {*RouterArguments.__annotations__}
    taken = {*inspect.signature(APIRouter.__init__).parameters} - {"self"}
    assert taken <= known
    assert known - taken <= ADDED_LATER


@pytest.mark.parametrize("wrong", ["*", {"origins": "*"}, CORSPolicy, cors(origins="*")])
def test_a_policy_that_is_none(wrong: Any) -> None:
    with pytest.raises(
        TypeError, match=r"cors must be a CORSPolicy, no_cors or None, not .*write cors=CORSPolicy"
    ):
        CORSRouter(cors=wrong)


@pytest.mark.parametrize("other", [CORSPolicy(origins="*"), no_cors, None])
def test_the_policy_of_a_router_cannot_be_changed(other: Any) -> None:
    policy = CORSPolicy(origins=["https://a.example"])
    router: Any = CORSRouter(cors=policy)
    with pytest.raises(AttributeError, match=r"cannot be changed to .*CORSRouter\(cors=\.\.\.\)"):
        router.cors = other
    assert router.cors is policy


def test_every_other_argument_is_that_of_an_api_router() -> None:
    calls: list[str] = []

    async def dependency() -> None:
        calls.append("dependency")

    router = CORSRouter(cors=FOR_A, prefix="/p", tags=["t"], dependencies=[Depends(dependency)])
    router.add_api_route("/x", endpoint, methods=["GET"], status_code=201)
    app = FastAPI()
    app.include_router(router)
    reply = ask(app, http_scope("GET", "/p/x", [(b"origin", A)]))
    assert (reply.status, calls) == (201, ["dependency"])
    assert reply.cors == {"access-control-allow-origin": "https://a.example", "vary": "Origin"}
    assert app.openapi()["paths"]["/p/x"]["get"]["tags"] == ["t"]
    with pytest.raises(TypeError):
        UNTYPED_ROUTER(cors=FOR_A, no_such_argument=1)


def test_a_preflight_runs_no_dependency_and_no_endpoint() -> None:
    calls: list[str] = []

    async def login() -> None:
        calls.append("login")
        raise HTTPException(401)

    router = CORSRouter(cors=FOR_A, dependencies=[Depends(login)])
    router.add_api_route("/x", endpoint, methods=["PUT"])
    app = FastAPI(dependencies=[Depends(login)])
    app.include_router(router)
    assert ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT"))).status == 204
    assert calls == []
    refused = ask(app, http_scope("PUT", "/x", [(b"origin", A)]))
    assert (refused.status, refused.cors) == (
        401,
        {"access-control-allow-origin": "https://a.example", "vary": "Origin"},
    )


def test_two_routers_share_a_path() -> None:
    first, second = CORSRouter(cors=FOR_A), CORSRouter(cors=FOR_B)
    first.add_api_route("/x", endpoint, methods=["GET"])
    second.add_api_route("/x", endpoint, methods=["PUT"])
    second.add_api_route("/x", endpoint, methods=["DELETE"])
    app = FastAPI()
    app.include_router(first)
    app.include_router(second)
    assert allowed(app, "GET", "/x", A)
    assert not allowed(app, "GET", "/x", B)
    assert allowed(app, "PUT", "/x", B)
    assert not allowed(app, "PUT", "/x", A)
    answer = ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT", B)))
    assert answer.cors["access-control-allow-methods"] == "DELETE, PUT"


@pytest.mark.parametrize("install", [False, True])
def test_a_private_route_registered_before_is_not_spoken_for(install: bool) -> None:
    app = FastAPI()
    app.add_api_route("/items/{item}", endpoint, methods=["PUT"])
    router = CORSRouter(cors=FOR_A)
    router.add_api_route("/items/special", endpoint, methods=["PUT", "GET"])
    app.include_router(router)
    if install:
        install_cors(app)
    answer = ask(app, http_scope("OPTIONS", "/items/special", preflight(b"PUT")))
    assert (answer.status, answer.cors) == (405, {})
    assert allowed(app, "GET", "/items/special")


@pytest.mark.parametrize("install", [False, True])
def test_an_options_handler_of_the_user_gets_what_is_no_preflight_of_ours(install: bool) -> None:
    async def options(request: Request) -> str:
        return "theirs"

    app = FastAPI()
    router = CORSRouter(cors=FOR_A)
    router.add_api_route("/x", endpoint, methods=["PUT"])
    router.add_api_route("/x", options, methods=["OPTIONS"])
    app.add_api_route("/plain", endpoint, methods=["PUT"])
    router.add_api_route("/plain", options, methods=["OPTIONS"])
    app.include_router(router)
    if install:
        install_cors(app)
    for headers in ([], [(b"origin", A)], [(b"access-control-request-method", b"PUT")]):
        assert ask(app, http_scope("OPTIONS", "/x", headers)).body == b'"theirs"'
    # The PUT on this path has no policy: neither is it approved, nor does the response of the OPTIONS
    # route carry the headers of its own.
    untouched = ask(app, http_scope("OPTIONS", "/plain", preflight(b"PUT")))
    assert (untouched.body, untouched.cors) == (b'"theirs"', {})
    assert ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT"))).status == 204


def test_a_catch_all_options_route_of_a_cors_router_answers_for_the_route_that_serves_the_method() -> None:
    router = CORSRouter(cors=FOR_B)
    router.add_api_route("/{path:path}", endpoint, methods=["OPTIONS"])
    router.add_api_route("/x", cors(FOR_A)(lambda: "ok"), methods=["PUT"])
    app = FastAPI()
    app.include_router(router)
    assert ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT", A))).status == 204
    assert ask(app, http_scope("OPTIONS", "/x", preflight(b"PUT", B))).status == 403


class Versioned(APIRoute):
    """Matches by a header; keeps a class attribute, as users' route classes do."""

    version = "1"

    def matches(self, scope: Any) -> tuple[Match, Any]:
        match, child_scope = super().matches(scope)
        if match is not Match.NONE and (b"x-version", self.version.encode()) not in scope.get("headers", []):
            return Match.NONE, {}
        return match, child_scope


class Second(Versioned):
    version = "2"


def test_a_route_class_of_the_users_keeps_its_ways() -> None:
    first = CORSRouter(cors=FOR_A, route_class=Versioned)
    second = CORSRouter(cors=FOR_B, route_class=Second)
    first.add_api_route("/x", lambda: "first", methods=["GET"])
    second.add_api_route("/x", lambda: "second", methods=["GET"])
    app = FastAPI()
    app.include_router(first)
    app.include_router(second)
    for version, origin, body in ((b"1", A, b'"first"'), (b"2", B, b'"second"')):
        reply = ask(app, http_scope("GET", "/x", [(b"origin", origin), (b"x-version", version)]))
        assert (reply.body, reply.cors) == (
            body,
            {"access-control-allow-origin": origin.decode(), "vary": "Origin"},
        )
    assert ask(app, http_scope("GET", "/x", [(b"origin", A)])).status == 404
    (route,) = first.routes
    assert isinstance(route, Versioned)
    assert isinstance(route, CORSRoute)


def test_cors_route_on_a_plain_router() -> None:
    router = APIRouter(route_class=CORSRoute)
    router.add_api_route("/x", cors(FOR_A)(lambda: "ok"), methods=["PUT"])
    router.add_api_route("/y", lambda: "ok", methods=["PUT"])
    app = FastAPI()
    app.include_router(router, prefix="/v1")
    assert allowed(app, "PUT", "/v1/x")
    assert ask(app, http_scope("OPTIONS", "/v1/y", preflight(b"PUT"))).status == 405


@pytest.mark.parametrize("install", [False, True])
def test_the_innermost_policy_wins_wholly(install: bool) -> None:
    inner = CORSRouter(prefix="/inner", cors=FOR_B)
    inner.add_api_route("/router", lambda: "ok", methods=["PUT"])
    inner.add_api_route("/own", cors(origins="*")(lambda: "ok"), methods=["PUT"])
    inner.add_api_route("/closed", no_cors(lambda: "ok"), methods=["PUT"])
    without = CORSRouter(prefix="/without")
    without.add_api_route("/router", lambda: "ok", methods=["PUT"])
    outer = CORSRouter(prefix="/outer", cors=FOR_A)
    outer.include_router(inner)
    outer.include_router(without)
    app = FastAPI()
    app.include_router(outer)
    if install:
        install_cors(app)
    assert allowed(app, "PUT", "/outer/inner/router", B)
    assert not allowed(app, "PUT", "/outer/inner/router", A)
    assert allowed(app, "PUT", "/outer/inner/own", b"https://anyone.example")
    assert not allowed(app, "PUT", "/outer/inner/closed", A)
    assert allowed(app, "PUT", "/outer/without/router", A)


def test_a_closed_router() -> None:
    router = CORSRouter(cors=no_cors)
    router.add_api_route("/x", lambda: "ok", methods=["PUT"])
    router.add_api_route("/open", cors(FOR_A)(lambda: "ok"), methods=["PUT"])
    app = FastAPI()
    app.include_router(router)
    install_cors(app, default=CORSPolicy(origins="*"))
    assert not allowed(app, "PUT", "/x")
    assert allowed(app, "PUT", "/open")


def test_a_router_mounted_and_not_included() -> None:
    router = CORSRouter(cors=FOR_A)
    router.add_api_route("/x", lambda: "ok", methods=["PUT"])
    app = FastAPI()
    app.mount("/m", router)
    assert allowed(app, "PUT", "/m/x")


def test_inside_a_mounted_app_the_outer_routes_count() -> None:
    router = CORSRouter(cors=FOR_A)
    router.add_api_route("/x", lambda: "ok", methods=["PUT", "GET"])
    inner = FastAPI()
    inner.include_router(router)
    app = FastAPI()
    app.add_api_route("/m/x", endpoint, methods=["PUT"])
    app.mount("/m", inner)
    assert ask(app, http_scope("OPTIONS", "/m/x", preflight(b"PUT"))).cors == {}
    assert allowed(app, "GET", "/m/x")


def test_headers_are_never_written_twice_with_the_layer_installed() -> None:
    router = CORSRouter(cors=FOR_A)
    router.add_api_route("/x", lambda: "ok", methods=["PUT"])
    app = FastAPI()
    app.include_router(router)
    install_cors(app, default=FOR_B)
    assert allowed(app, "PUT", "/x")


def handshake(app: Any, path: str, *sent: tuple[bytes, bytes]) -> list[str]:
    events: list[str] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        events.append(message["type"])

    async def run() -> None:
        await app(websocket_scope(path, sent), receive, send)

    anyio.run(run)
    return events


@pytest.mark.parametrize("install", [False, True])
def test_the_websockets_of_a_router_are_guarded_without_the_layer_too(install: bool) -> None:
    order: list[str] = []

    async def dependency() -> None:
        order.append("dependency")

    router = CORSRouter(prefix="/r", cors=FOR_A)

    @router.websocket("/ws", dependencies=[Depends(dependency)])
    async def ws(websocket: WebSocket) -> None:
        order.append("endpoint")
        await websocket.accept()

    @router.websocket("/open")
    @cors(origins="*")
    async def open_to_all(websocket: WebSocket) -> None:
        await websocket.accept()

    app = FastAPI()
    app.include_router(router, prefix="/v1")
    if install:
        install_cors(app)
    assert handshake(app, "/v1/r/ws", (b"origin", B)) == ["websocket.close"]
    assert order == []
    assert handshake(app, "/v1/r/ws", (b"origin", A)) == ["websocket.accept"]
    assert order == ["dependency", "endpoint"]
    assert handshake(app, "/v1/r/ws", (b"origin", b"https://api.example")) == ["websocket.accept"]
    assert handshake(app, "/v1/r/ws") == ["websocket.accept"]
    assert handshake(app, "/v1/r/open", (b"origin", B)) == ["websocket.accept"]


def test_the_schema_is_that_of_a_plain_router() -> None:
    def described(make: Callable[..., APIRouter]) -> dict[str, Any]:
        router = make(prefix="/p", tags=["t"])

        @router.get("/x/{number}")
        async def read(number: int, flag: bool = False) -> str:
            return ""

        @router.post("/x")
        async def write(body: dict[str, int]) -> str:
            return ""

        @router.websocket("/ws")
        async def ws(websocket: WebSocket) -> None: ...

        outer = APIRouter()
        outer.include_router(router, prefix="/v1")
        app = FastAPI()
        app.include_router(outer)
        return app.openapi()

    assert described(lambda **more: CORSRouter(cors=FOR_A, **more)) == described(APIRouter)
