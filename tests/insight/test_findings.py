"""Each finding: on what, with which words and fix; and beside each, what is as it should be."""

from __future__ import annotations

import functools
import inspect
import json
import re
import types
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import fastapi
import pytest
from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, File, Form, Header, Request, WebSocket
from fastapi.routing import APIRoute
from fastapi.security import (
    APIKeyCookie,
    APIKeyHeader,
    APIKeyQuery,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    OAuth2PasswordBearer,
)
from fastapi.security.base import SecurityBase
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, register_url_convertor
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from route_cors import (
    CORSPolicy,
    CORSRoute,
    CORSRouter,
    RouteCORSMiddleware,
    cors,
    inspector,
    install_cors,
    no_cors,
    report,
)
from route_cors.insight import CODES, SEVERITIES, Finding, Place

from .apps import clean, faulty, flat, nested, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import Receive, Scope, Send

App = TypeVar("App", bound=Starlette)
A = "https://a.example.com"
HERE = Place(__file__, 1).local_file
VERSION = tuple(int(part) for part in fastapi.__version__.split(".")[:2])


class Found(NamedTuple):
    severity: str
    where: str | None
    sentence: str
    fix: str


def where(finding: Finding) -> str | None:
    route = finding.route
    if route is None:
        return None
    methods = ",".join(route.methods) if route.methods else "ANY"
    what = methods if route.kind == "http" else route.kind.upper()
    return f"{what} {route.host or ''}{route.path}"


def found(app: object, code: str) -> list[Found]:
    """The findings of that code, in their order."""
    return [
        Found(finding.severity, where(finding), finding.sentence, finding.fix)
        for finding in report(app).findings
        if finding.code == code
    ]


def codes(app: object) -> list[str]:
    return [finding.code for finding in report(app).findings]


def line_of(endpoint: Any) -> str:
    """Where a function stands, as a finding says it."""
    return f"{HERE}:{inspect.unwrap(endpoint).__code__.co_firstlineno}"


async def endpoint() -> None: ...


async def starlette_endpoint(request: Request) -> Response:
    return Response()


async def websocket_endpoint(websocket: WebSocket) -> None: ...


def fresh(function: Any = endpoint) -> Any:
    """A copy, that can carry a policy of its own."""
    copy = types.FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__
    )
    copy.__annotations__ = function.__annotations__
    return copy


def fastapi_app(**arguments: Any) -> FastAPI:
    return FastAPI(openapi_url=None, **arguments)


def installed(app: App, **arguments: Any) -> App:
    install_cors(app, **arguments)
    return app


def with_route(path: str, policy: Any, *, methods: Iterable[str] = ("GET",), **arguments: Any) -> FastAPI:
    """An app of one route with that policy, in a layer."""
    app = fastapi_app()
    app.add_api_route(path, cors(policy)(fresh()), methods=[*methods], **arguments)
    return installed(app)


def policy(**arguments: Any) -> CORSPolicy:
    arguments.setdefault("origins", A)
    return CORSPolicy(**arguments)


# --- Whole apps


def test_every_planted_fault_is_found_and_nothing_else() -> None:
    seen: dict[str, list[str]] = {}
    for finding in report(faulty.app, ask_callables=True).findings:
        seen.setdefault(finding.code, []).append(str(where(finding)))
    assert {code: sorted(routes) for code, routes in seen.items()} == {
        code: sorted(routes) for code, routes in faulty.EXPECTED.items()
    }
    assert seen.keys() == CODES.keys()
    # No longer used, and never used again for something else.
    assert "RC008" not in CODES


@pytest.mark.parametrize("app", [clean.app, flat.app, plain.app], ids=["clean", "flat", "plain"])
def test_there_is_nothing_to_be_found_in_a_sound_app(app: object) -> None:
    assert report(app).findings == ()


def test_the_findings_on_the_nested_app() -> None:
    status = f"GET,HEAD status.example.com/ ({Place(nested.__file__, nested.status.__code__.co_firstlineno)})"
    assert [
        (finding.code, finding.severity, where(finding), finding.sentence)
        for finding in report(nested.app).findings
    ] == [
        (
            "RC013",
            "warning",
            "WEBSOCKET /support",
            "WEBSOCKET /support has no policy: any page can open it, with its visitor's cookies",
        ),
        (
            "RC010",
            "info",
            "GET /catalog/products",
            (
                "the same policy is written 3 times: the router of GET /catalog/products, the mount of"
                f" MOUNT /static, {status}"
            ),
        ),
        (
            "RC012",
            "info",
            "GET /api/orders",
            "only because of a mounted app's default, other origins may call GET /api/orders",
        ),
    ]


def test_the_worst_comes_first_then_code_by_code() -> None:
    findings = report(faulty.app).findings
    order = [(SEVERITIES.index(finding.severity), finding.code) for finding in findings]
    assert order == sorted(order)
    assert {finding.severity for finding in findings} == set(SEVERITIES)


def test_no_finding_is_worse_than_its_code() -> None:
    for finding in report(faulty.app).findings:
        assert SEVERITIES.index(finding.severity) >= SEVERITIES.index(CODES[finding.code].severity)


def test_a_finding_as_data() -> None:
    app = fastapi_app()
    app.put("/a")(cors(origins=A)(endpoint_with_a_policy))
    (finding,) = report(app).findings
    assert finding.to_dict() == {
        "code": "RC001",
        "severity": "error",
        "sentence": "PUT /a has a policy, but no layer applies it",
        "why": CODES["RC001"].why,
        "fix": "call install_cors(app)",
        "path": "/a",
        "methods": ["PUT"],
        "host": None,
        "file": HERE,
        "line": endpoint_with_a_policy.__code__.co_firstlineno,
        "routes": [{"path": "/a", "methods": ["PUT"], "host": None}],
    }
    assert json.loads(json.dumps(finding.to_dict())) == finding.to_dict()


async def endpoint_with_a_policy() -> None: ...


def test_a_finding_about_no_route_as_data() -> None:
    finding = Finding(code="RC003", severity="error", sentence="what", fix="how")
    assert finding.to_dict() == {
        "code": "RC003",
        "severity": "error",
        "sentence": "what",
        "why": CODES["RC003"].why,
        "fix": "how",
        "path": None,
        "methods": None,
        "host": None,
        "file": None,
        "line": None,
        "routes": [],
    }


# --- RC001


def test_policies_without_a_layer() -> None:
    app = fastapi_app()
    app.get("/route")(cors(policy())(fresh()))
    app.get("/closed")(no_cors(fresh()))
    app.websocket("/socket")(cors(policy())(fresh(websocket_endpoint)))
    app.mount("/files", cors(policy())(StaticFiles(directory=Path(__file__).parent)))
    app.mount("/app", cors(policy())(Starlette(routes=[Route("/inside", starlette_endpoint)])))
    sentence = (
        "GET /route has a policy, but no layer applies it;"
        " the same holds for GET /closed, WEBSOCKET /socket, MOUNT /files and 1 more"
    )
    assert found(app, "RC001") == [Found("error", "GET /route", sentence, "call install_cors(app)")]
    (finding,) = (each for each in report(app).findings if each.code == "RC001")
    assert [route.path for route in finding.routes] == [
        "/route",
        "/closed",
        "/socket",
        "/files",
        "/app/inside",
    ]
    install_cors(app)
    assert found(app, "RC001") == []


def test_the_routes_of_a_cors_router_need_no_layer() -> None:
    router = CORSRouter(cors=policy())
    router.get("/a")(endpoint)
    router.websocket("/b")(websocket_endpoint)
    app = fastapi_app()
    app.include_router(router)
    assert codes(app) == []


def test_the_inspector_of_an_app_without_a_layer_is_closed_anyhow() -> None:
    app = fastapi_app()
    app.mount("/cors", inspector(app, allow=lambda request: True))
    app.mount("/closed", no_cors(StaticFiles(directory=Path(__file__).parent)))
    assert codes(app) == []


def test_a_layer_of_a_mounted_app_carries_out_what_is_in_that_app() -> None:
    inside = installed(Starlette(routes=[Route("/a", cors(policy())(fresh(starlette_endpoint)))]))
    app = Starlette(routes=[Mount("/in", inside), Route("/out", cors(policy())(fresh(starlette_endpoint)))])
    assert [each.where for each in found(app, "RC001")] == ["GET,HEAD /out"]


def test_a_layer_that_is_wrapped_around_the_app_carries_out_all_that_is_in_it() -> None:
    app = fastapi_app()
    app.get("/a")(cors(policy())(fresh()))
    assert codes(RouteCORSMiddleware(app)) == []


# --- RC002


def hidden(app: object) -> list[tuple[str, str | None, str]]:
    return [(each.severity, each.where, each.sentence) for each in found(app, "RC002")]


def two_routes(first: str, second: str, *methods: list[str]) -> FastAPI:
    app = fastapi_app()
    of_first, of_second = methods or (["GET"], ["GET"])
    app.add_api_route(first, no_cors(fresh()), methods=of_first)
    app.add_api_route(second, cors(policy())(fresh()), methods=of_second)
    return installed(app)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/a", "/a"),
        ("/{x}", "/a"),
        ("/{x}", "/{y}"),
        ("/{x}", "/{y:int}"),
        ("/{x:float}", "/{y:int}"),
        ("/{x:path}", "/a/{y}/c"),
        ("/{x:path}", "/{y:path}"),
    ],
)
def test_a_route_that_an_earlier_one_hides(first: str, second: str) -> None:
    assert found(two_routes(first, second), "RC002") == [
        Found(
            "error",
            f"GET {second}",
            f"GET {second} is never reached: GET {first} ({line_of(endpoint)}) comes first and has another"
            " policy",
            f"register it before GET {first}, or give the two routes different paths",
        )
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("/a", "/b"),
        ("/a", "/{x}"),
        ("/7", "/{x:int}"),
        ("/{x:int}", "/{y}"),
        ("/{x:int}", "/{y:float}"),
        ("/{x}", "/{y:path}"),
        ("/{x}/{y}", "/{z:path}"),
        ("/{x:uuid}", "/{y}"),
        ("/a/{x}", "/{x}/b"),
    ],
)
def test_a_route_that_is_reached_by_some_path_is_not_hidden(first: str, second: str) -> None:
    assert hidden(two_routes(first, second)) == []


def test_a_route_that_an_earlier_one_takes_some_methods_of() -> None:
    app = two_routes("/a", "/a", ["GET", "PUT"], ["DELETE", "GET", "PUT"])
    assert hidden(app) == [
        (
            "warning",
            "DELETE,GET,PUT /a",
            (
                f"DELETE,GET,PUT /a is never reached by GET, PUT: GET,PUT /a ({line_of(endpoint)}) comes"
                " first and has another policy"
            ),
        )
    ]


def test_a_route_with_other_methods_on_the_same_path_is_not_hidden() -> None:
    assert hidden(two_routes("/a", "/a", ["GET"], ["POST"])) == []


def test_two_routes_may_hide_one_together() -> None:
    app = fastapi_app()
    app.get("/a")(no_cors(fresh()))
    app.post("/a")(endpoint)
    app.add_api_route("/a", cors(policy())(fresh()), methods=["GET", "POST"])
    at = line_of(endpoint)
    assert [sentence for _, _, sentence in hidden(installed(app))] == [
        f"GET,POST /a is never reached by GET: GET /a ({at}) comes first and has another policy",
        f"GET,POST /a is never reached by POST: POST /a ({at}) comes first and has another policy",
    ]


def test_whatever_hides_a_route_under_an_equal_policy_is_no_matter_of_cors() -> None:
    app = fastapi_app()
    app.get("/{x}")(cors(policy())(fresh()))
    app.get("/a")(cors(policy())(fresh()))
    assert hidden(installed(app)) == []


def test_a_route_without_a_policy_may_be_hidden() -> None:
    app = fastapi_app()
    app.get("/{x}")(cors(policy())(fresh()))
    app.get("/a")(endpoint)
    assert hidden(installed(app)) == []


def test_a_mount_hides_what_comes_after_it() -> None:
    app = fastapi_app()
    app.mount("/files", StaticFiles(directory=Path(__file__).parent))
    app.mount("/api", Starlette(routes=[Route("/b", starlette_endpoint)]))
    app.get("/files/a")(cors(policy())(fresh()))
    app.get("/api/a")(cors(policy())(fresh()))
    app.get("/api")(cors(policy())(fresh()))
    assert [sentence for _, _, sentence in hidden(installed(app))] == [
        "GET /files/a is never reached: MOUNT /files comes first and has another policy",
        "GET /api/a is never reached: MOUNT /api comes first and has another policy",
    ]


def test_a_mount_can_be_hidden() -> None:
    app = fastapi_app()
    app.router.routes.append(Route("/{x:path}", AnyMethod()))
    app.mount("/files", cors(policy())(StaticFiles(directory=Path(__file__).parent)))
    assert [(severity, at) for severity, at, _ in hidden(installed(app))] == [("error", "MOUNT /files")]


class AnyMethod:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Response()(scope, receive, send)


def test_a_mount_at_the_root_that_comes_last_is_not_hidden() -> None:
    app = fastapi_app()
    app.get("/")(no_cors(fresh()))
    app.get("/{x}")(no_cors(fresh()))
    app.mount("/", cors(policy())(StaticFiles(directory=Path(__file__).parent)))
    assert hidden(installed(app)) == []


def test_routes_at_different_hosts_hide_nothing() -> None:
    app = Starlette(
        routes=[
            Host("a.example", Router([Route("/", no_cors(fresh(starlette_endpoint)))])),
            Host("{name}.example", Router([Route("/", cors(policy())(fresh(starlette_endpoint)))])),
            Route("/", cors(policy(max_age=1))(fresh(starlette_endpoint))),
        ]
    )
    assert hidden(installed(app)) == []


def test_a_hidden_websocket() -> None:
    app = fastapi_app()
    app.websocket("/{x}")(no_cors(fresh(websocket_endpoint)))
    app.websocket("/a")(cors(policy())(fresh(websocket_endpoint)))
    app.get("/a")(cors(policy())(fresh()))
    assert [at for _, at, _ in hidden(installed(app))] == ["WEBSOCKET /a"]


def test_one_endpoint_on_a_path_twice_has_the_first_policy() -> None:
    shared = APIRouter()
    shared.get("/a")(fresh())
    app = fastapi_app()
    first, second = CORSRouter(cors=policy()), CORSRouter(cors=policy(max_age=1))
    for outer in (first, second):
        outer.include_router(shared)
        app.include_router(outer)
    assert [(severity, at) for severity, at, _ in hidden(installed(app))] == [("error", "GET /a")]


class ByVersion(APIRoute):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        return (match, child_scope) if (b"version", b"2") in scope["headers"] else (Match.NONE, {})


class AlsoByVersion(Mount):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if (b"version", b"1") in scope["headers"]:
            return super().matches(scope)
        return Match.NONE, {}


def test_of_a_route_that_asks_for_more_than_its_path_nothing_is_said() -> None:
    app = fastapi_app()
    app.get("/a")(no_cors(fresh()))
    app.add_api_route("/a", cors(policy())(fresh()), methods=["GET"])
    app.router.routes[-1].__class__ = type("ByVersion", (ByVersion,), {})
    assert hidden(installed(app)) == []


class ByVersionOrNone(APIRoute):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        return (Match.NONE, {}) if (b"version", b"2") in scope["headers"] else (match, child_scope)


def test_nor_of_what_comes_after_one() -> None:
    app = fastapi_app()
    app.router.add_api_route("/a", no_cors(fresh()), route_class_override=ByVersionOrNone)
    app.get("/a")(cors(policy())(fresh()))
    assert hidden(installed(app)) == []


def test_nor_of_what_is_mounted_under_one() -> None:
    inside = [Route("/a", cors(policy())(fresh(starlette_endpoint)))]
    app = Starlette(
        routes=[Route("/in/{x}", no_cors(fresh(starlette_endpoint))), AlsoByVersion("/in", routes=inside)]
    )
    assert hidden(installed(app)) == []


def test_a_route_whose_example_is_redirected() -> None:
    app = two_routes("/a", "/v1/a/")
    # Of /v1/a/ it leaves /a/, which it would redirect to /v1/a, which is /a.
    app.root_path = "/v1"
    assert hidden(app) == []


def test_a_route_whose_convertor_is_gone() -> None:
    register_url_convertor("gone", CONVERTOR_TYPES["str"])
    app = two_routes("/{x}", "/{y:gone}")
    assert [at for _, at, _ in hidden(app)] == ["GET /{y:gone}"]
    del CONVERTOR_TYPES["gone"]
    assert hidden(app) == []


def test_a_route_that_no_example_can_be_made_up_for() -> None:
    class Odd(BaseRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            return Match.NONE, {}

    app = Starlette(routes=[Route("/{x}", no_cors(fresh(starlette_endpoint))), Odd()])
    assert hidden(installed(app, default=policy())) == []


# --- RC003


def behind(layer: str, ruled: str, rest: str) -> str:
    return f"{layer} is inside of route_cors, which replaces its headers on {ruled}: {rest}"


def before(layer: str, ruled: str) -> str:
    return f"{layer} answers preflights before policies such as that of {ruled} apply"


REMOVE = "remove it and call install_cors(app)"
REPLACE = "remove it; install_cors(app, default=...) covers routes without a policy"


def with_starlettes(**arguments: Any) -> FastAPI:
    app = fastapi_app(**arguments)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    return app


def test_another_layer_behind_ours() -> None:
    app = with_starlettes()
    app.get("/a")(cors(policy())(fresh()))
    app.get("/b")(endpoint)
    app.websocket("/c")(cors(policy())(fresh(websocket_endpoint)))
    sentence = behind("CORSMiddleware", "GET /a", "it still decides for GET /b")
    assert found(installed(app), "RC003") == [Found("warning", None, sentence, REPLACE)]


def test_another_layer_that_is_left_nothing_to_say() -> None:
    app = with_starlettes()
    app.get("/a")(cors(policy())(fresh()))
    sentence = behind("CORSMiddleware", "GET /a", "it does nothing else")
    assert found(installed(app), "RC003") == [Found("warning", None, sentence, REPLACE)]


def test_another_layer_before_routes_that_answer_themselves() -> None:
    router = CORSRouter(cors=policy())
    router.get("/a")(endpoint)
    app = with_starlettes()
    app.include_router(router)
    assert found(app, "RC003") == [Found("error", None, before("CORSMiddleware", "GET /a"), REMOVE)]


def test_which_of_two_middleware_stands_outside() -> None:
    inside = fastapi_app()
    inside.add_middleware(CORSMiddleware)
    inside.add_middleware(RouteCORSMiddleware)
    inside.get("/a")(cors(policy())(fresh()))
    outside = fastapi_app()
    outside.add_middleware(RouteCORSMiddleware)
    outside.add_middleware(CORSMiddleware)
    outside.get("/a")(cors(policy())(fresh()))
    assert [each.severity for each in found(inside, "RC003")] == ["warning"]
    assert [each.severity for each in found(outside, "RC003")] == ["error"]


def test_another_layer_around_the_whole_app() -> None:
    app = fastapi_app()
    app.get("/a")(cors(policy())(fresh()))
    wrapped = GZipMiddleware(CORSMiddleware(installed(app)))
    assert found(wrapped, "RC003") == [Found("error", None, before("CORSMiddleware", "GET /a"), REMOVE)]
    covered = [each.severity for each in found(RouteCORSMiddleware(wrapped), "RC003")]
    assert covered == ["warning"]


def test_another_layer_in_a_mounted_app() -> None:
    inside = with_starlettes()
    inside.get("/b")(cors(policy())(fresh()))
    app = fastapi_app()
    app.get("/a")(endpoint)
    app.mount("/in", inside)
    app.get("/in/c")(endpoint)
    assert found(app, "RC003") == [Found("error", "MOUNT /in", before("CORSMiddleware", "GET /in/b"), REMOVE)]
    install_cors(app)
    sentence = behind("CORSMiddleware", "GET /in/b", "it does nothing else")
    assert found(app, "RC003") == [Found("warning", "MOUNT /in", sentence, REPLACE)]


def test_a_mounted_app_with_both() -> None:
    inside = with_starlettes()
    inside.get("/b")(cors(policy())(fresh()))
    app = fastapi_app()
    app.mount("/out", Starlette(routes=[Mount("/in", installed(inside))]))
    sentence = behind("CORSMiddleware", "GET /out/in/b", "it does nothing else")
    assert found(app, "RC003") == [Found("warning", "MOUNT /out/in", sentence, REPLACE)]


def test_another_layer_on_a_mount_a_route_and_around_an_opaque_app() -> None:
    another = [Middleware(CORSMiddleware, allow_origins=["*"])]
    files = cors(policy())(CORSMiddleware(StaticFiles(directory=Path(__file__).parent)))
    app = Starlette(
        routes=[
            Mount("/m", routes=[Route("/a", cors(policy())(fresh(starlette_endpoint)))], middleware=another),
            Route("/r", cors(policy())(fresh(starlette_endpoint)), middleware=another),
            Mount("/f", files),
        ]
    )
    assert [(each.severity, each.where) for each in found(installed(app), "RC003")] == [
        ("warning", "MOUNT /m"),
        ("warning", "GET,HEAD /r"),
        ("warning", "MOUNT /f"),
    ]


def test_another_layer_behind_that_of_a_mounted_app_further_out() -> None:
    inside = with_starlettes()
    inside.get("/a")(cors(policy())(fresh()))
    app = Starlette(routes=[Mount("/out", installed(Starlette(routes=[Mount("/in", inside)])))])
    assert [(each.severity, each.where) for each in found(app, "RC003")] == [("warning", "MOUNT /out/in")]


class Corsair:
    """A pirate, by its name."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class MyPolicies(CORSMiddleware):
    pass


def my_cors_headers(app: Any) -> Any:
    return app


class MyOwn(CORSMiddleware):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


def test_a_subclass_that_changes_nothing_is_the_same() -> None:
    app = with_route("/a", policy())
    app.add_middleware(MyPolicies)
    assert found(app, "RC003") == [
        Found("warning", None, behind("MyPolicies", "GET /a", "it does nothing else"), REPLACE)
    ]


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        (Corsair, "Corsair"),
        (MyOwn, "MyOwn"),
        (my_cors_headers, "my_cors_headers"),
        (functools.partial(my_cors_headers), "my_cors_headers"),
    ],
)
def test_what_may_do_more_than_cors_is_never_to_be_removed(layer: Any, name: str) -> None:
    app = with_route("/a", policy())
    app.add_middleware(layer)
    sentence = f"{name} is inside of route_cors, which replaces its headers on GET /a"
    fix = f"if {name} is only there for CORS, remove it; whatever else it does is not affected"
    assert found(app, "RC003") == [Found("info", None, sentence, fix)]
    outside = fastapi_app()
    outside.add_middleware(RouteCORSMiddleware)
    outside.add_middleware(layer)
    outside.get("/a")(cors(policy())(fresh()))
    sentence = f"{name} may answer CORS requests itself, before policies such as that of GET /a apply"
    fix = f"call install_cors(app), which goes outside of {name}, or make {name} leave CORS alone"
    assert found(outside, "RC003") == [Found("warning", None, sentence, fix)]


def test_another_layer_is_in_nobodys_way_where_there_is_no_policy() -> None:
    inside = with_starlettes()
    inside.get("/b")(endpoint)
    app = fastapi_app()
    app.get("/a")(cors(policy())(fresh()))
    app.mount("/in", inside)
    app.add_middleware(GZipMiddleware)
    assert codes(installed(app)) == []
    assert codes(with_starlettes()) == []


def test_a_websocket_alone_is_in_nobodys_way() -> None:
    app = with_starlettes()
    app.websocket("/a")(cors(policy())(fresh(websocket_endpoint)))
    assert codes(installed(app)) == []


def test_a_default_that_is_never_asked() -> None:
    app = fastapi_app()
    app.add_middleware(RouteCORSMiddleware, default=policy(max_age=1))
    app.get("/a")(cors(policy())(fresh()))
    install_cors(app, default=policy(max_age=2))
    assert found(app, "RC003") == [
        Found(
            "error",
            None,
            "one app has two layers of route_cors: CORSPolicy(origins=('https://a.example.com',),"
            " max_age=1) is used, and CORSPolicy(origins=('https://a.example.com',), max_age=2) never is",
            "keep one default: install_cors(app, default=...)",
        )
    ]


def test_a_default_that_is_never_asked_in_a_mounted_app() -> None:
    inside = fastapi_app()
    inside.get("/a")(endpoint)
    inside.add_middleware(RouteCORSMiddleware, default=policy(max_age=1))
    install_cors(inside, default=policy(max_age=2))
    app = fastapi_app()
    app.mount("/in", inside)
    assert [(each.severity, each.where) for each in found(app, "RC003")] == [("error", "MOUNT /in")]


def test_two_of_our_own_layers_may_go_together() -> None:
    app = fastapi_app()
    app.add_middleware(RouteCORSMiddleware, default=policy())
    app.get("/a")(no_cors(fresh()))
    inside = installed(fastapi_app(), default=policy(max_age=1))
    inside.get("/b")(no_cors(fresh()))
    app.mount("/in", inside)
    install_cors(app, default=policy())
    assert found(app, "RC003") == []


# --- RC004


def with_options(path: str, *, layered: bool = False, route_class: type[APIRoute] = APIRoute) -> FastAPI:
    """An OPTIONS route, and after it a CORSRouter's `PUT /a/{x}`."""
    router = CORSRouter(cors=policy())
    router.put("/a/{x}")(endpoint)
    app = fastapi_app()
    app.router.add_api_route(path, endpoint, methods=["OPTIONS"], route_class_override=route_class)
    app.include_router(router)
    return installed(app) if layered else app


@pytest.mark.parametrize("path", ["/a/{x}", "/{anything:path}"])
def test_an_options_route_before_a_cors_router(path: str) -> None:
    assert found(with_options(path), "RC004") == [
        Found(
            "error",
            "PUT /a/{x}",
            f"the preflights for PUT /a/{{x}} go to OPTIONS {path} ({line_of(endpoint)}), which comes first",
            "call install_cors(app): it answers preflights before any route does",
        )
    ]


def test_a_layer_answers_before_any_options_route() -> None:
    assert codes(with_options("/{anything:path}", layered=True)) == []


def test_an_options_route_of_a_cors_router_answers_for_the_others() -> None:
    assert codes(with_options("/{anything:path}", route_class=CORSRoute)) == []


def test_an_options_route_of_another_path_takes_nothing() -> None:
    assert codes(with_options("/b/{x}")) == []


def test_an_options_route_that_comes_later_takes_nothing() -> None:
    router = CORSRouter(cors=policy())
    router.put("/a")(endpoint)
    app = fastapi_app()
    app.options("/b")(endpoint)
    app.include_router(router)
    app.options("/{anything:path}")(endpoint)
    assert codes(app) == []


def test_an_options_route_outside_of_the_layer_of_a_mounted_app() -> None:
    app = fastapi_app()
    app.options("/{anything:path}")(endpoint)
    app.mount("/in", with_route("/a", policy()))
    assert [each.where for each in found(app, "RC004")] == ["GET /in/a"]


def test_what_takes_the_request_itself_is_said_once() -> None:
    router = CORSRouter(cors=policy())
    router.put("/a")(endpoint)
    app = fastapi_app()
    app.api_route("/a", methods=["OPTIONS", "PUT"])(endpoint)
    app.include_router(router)
    assert codes(app) == ["RC002"]


# --- RC005


def taking(dependency: Any, **arguments: Any) -> FastAPI:
    """An app whose `GET /a` has that dependency, somewhere down the tree, and any origin."""

    async def outer(inner: Any) -> None: ...

    # What a default or an annotation would say; these cannot be made of an argument.
    depends = inspect.Parameter("inner", inspect.Parameter.KEYWORD_ONLY, default=Depends(dependency))
    outer.__signature__ = inspect.Signature([depends])  # type: ignore[attr-defined]

    router = CORSRouter(cors=policy(**{"origins": "*", **arguments}), dependencies=[Depends(outer)])
    router.get("/a")(endpoint)
    app = fastapi_app()
    app.include_router(router)
    return app


async def required_cookie(session: Annotated[str, Cookie()]) -> None: ...


async def optional_cookie(session: Annotated[str | None, Cookie(alias="the-session")] = None) -> None: ...


NAMED = (
    "name the origins:"
    " CORSRouter(cors=CORSPolicy(origins=['https://app.example.com'], allow_credentials=True))"
)


def a_token(name: str) -> str:
    what = f"takes the security scheme {name}: any page that has a token can use it"
    return f"GET /a is open to any origin, and {what}"


IF_YOURS = "if only your own pages should call it, name their origins"


@pytest.mark.parametrize(
    ("dependency", "severity", "what"),
    [
        (required_cookie, "error", "the cookie 'session'"),
        (optional_cookie, "warning", "the cookie 'the-session'"),
        (APIKeyCookie(name="key"), "error", "the security scheme APIKeyCookie"),
        (HTTPBasic(), "error", "the security scheme HTTPBasic"),
        (HTTPDigest(), "error", "the security scheme HTTPDigest"),
    ],
)
def test_any_origin_where_the_browser_would_add_credentials(
    dependency: Any, severity: str, what: str
) -> None:
    sentence = (
        f"GET /a is open to any origin, and takes {what}: with * browsers block every call with credentials"
    )
    assert found(taking(dependency), "RC005") == [Found(severity, "GET /a", sentence, NAMED)]


@pytest.mark.parametrize(
    ("dependency", "name"),
    [
        (HTTPBearer(), "HTTPBearer"),
        (OAuth2PasswordBearer(tokenUrl="token", scheme_name="Token"), "Token"),
        (APIKeyHeader(name="X-Key"), "APIKeyHeader"),
        (APIKeyQuery(name="key"), "APIKeyQuery"),
    ],
)
def test_any_origin_where_a_script_would_add_a_token(dependency: Any, name: str) -> None:
    app = taking(dependency, allow_headers=["*", "Authorization"])
    sentence = a_token(name)
    assert found(app, "RC005") == [Found("info", "GET /a", sentence, IF_YOURS)]
    assert codes(app) == ["RC005"]


def test_all_that_a_route_takes_is_in_one_finding() -> None:
    async def both(
        basic: Annotated[Any, Depends(HTTPBasic())], session: Annotated[str | None, Cookie()] = None
    ) -> None: ...

    assert [each.sentence for each in found(taking(both), "RC005")] == [
        (
            "GET /a is open to any origin, and takes the security scheme HTTPBasic and the cookie"
            " 'session': with * browsers block every call with credentials"
        )
    ]


def test_what_names_its_origins_may_take_credentials() -> None:
    assert codes(taking(required_cookie, origins=A)) == []
    assert codes(taking(endpoint)) == []


def test_a_scheme_of_the_users_own_make() -> None:
    class Bare(SecurityBase):
        async def __call__(self) -> None: ...

    assert [each.sentence for each in found(taking(Bare()), "RC005")] == [a_token("Bare")]


def test_any_origin_on_a_websocket_with_cookies() -> None:
    router = CORSRouter(cors=policy(origins="*"))

    @router.websocket("/a")
    async def socket(websocket: WebSocket, session: Annotated[str | None, Cookie()] = None) -> None: ...

    @router.websocket("/b")
    async def public(websocket: WebSocket, token: str) -> None: ...

    app = fastapi_app()
    app.include_router(router)
    taken = "takes the cookie 'session': any page can open it as its visitor"
    sentence = f"WEBSOCKET /a is open to any origin, and {taken}"
    named = "name the origins: CORSRouter(cors=CORSPolicy(origins=['https://app.example.com']))"
    assert found(app, "RC005") == [Found("error", "WEBSOCKET /a", sentence, named)]


# --- RC006, RC007, RC009


def with_credentials(origins: Any, **arguments: Any) -> FastAPI:
    return with_route("/a", policy(origins=origins, allow_credentials=True, enforce=True, **arguments))


def test_a_pattern_over_a_whole_site() -> None:
    assert found(with_credentials("https://*.example.com"), "RC006") == [
        Found(
            "warning",
            "GET /a",
            "https://*.example.com with credentials: anyone with a name under example.com can act as the"
            " user (GET /a)",
            "name the origins, or put them under a name of their own: 'https://*.preview.example.com'",
        )
    ]


@pytest.mark.parametrize(
    ("origin", "host", "suffix"),
    [
        ("https://*.github.io:8443", "github.io", "github.io"),
        ("https://*.amazonaws.com", "amazonaws.com", "s3.amazonaws.com"),
        ("https://*.core.windows.net", "core.windows.net", "web.core.windows.net"),
    ],
)
def test_a_pattern_over_a_public_suffix(origin: str, host: str, suffix: str) -> None:
    app = with_credentials(origin, dangerously_allow_public_suffixes=True)
    assert [(each.sentence, each.fix) for each in found(app, "RC006")] == [
        (
            f"{origin} with credentials: anyone with a name under {host} can act as the user (GET /a)",
            f"name the origins: anyone can register a name under {suffix}, a public suffix",
        )
    ]


@pytest.mark.parametrize(
    "origin",
    [
        "https://example.com",
        "https://*.preview.example.com",
        "https://*.example.github.io.example.com",
        "http://localhost:*",
        "http://*.localhost:*",
    ],
)
def test_a_pattern_that_is_narrow_enough(origin: str) -> None:
    assert codes(with_credentials(origin)) == []


def test_a_wide_pattern_without_credentials() -> None:
    assert codes(with_route("/a", policy(origins="https://*.example.com"))) == []


FIXED_REGEX = (
    "write [a-z0-9-]+ for the variable part, escape the dots, and end with your own domain:"
    r" re.compile(r'https://[a-z0-9-]+\.preview\.example\.com')"
)


@pytest.mark.parametrize(
    ("pattern", "admitted"),
    [
        (r"https://.*example\.com", "https://qexample.com"),
        (r"https://.*\.example\.com", "https://q.q.example.com"),
        (r"^https://.+\.example\.com$", "https://q.q.example.com"),
        (r"https://app.example\.com", "https://appqexample.com"),
        (r"https://(app|admin).example.com", "https://appqexample.com"),
        (r"https://example\.com.*", "https://example.com.q.com"),
        (r"https://([^/]*)example\.com", "https://qexample.com"),
        (r"https://\S+\.example\.com", "https://q.q.example.com"),
        (r"https://(?:[a-z0-9-]+\.)*example\.com", "https://q.q.example.com"),
        (r"https://app-[a-z]+\.vercel\.app", "https://app-q.vercel.app"),
        (r"https://my-[a-z0-9-]{3,20}\.github\.io", "https://my-qqq.github.io"),
        (r"https://app\d+\.com", "https://app7.com"),
        (r"(?i)https://(?P<name>\w+)example\.com(?::\d+)?", "https://qexample.com"),
        (r"https://app\.example.co\.uk", "https://app.exampleqco.uk"),
        (r"https://q\.com|https://.*\.example\.com", "https://z.z.example.com"),
    ],
)
def test_a_regex_that_lets_strangers_in(pattern: str, admitted: str) -> None:
    sentence = f"the regex {pattern} matches {admitted}, with credentials (GET /a)"
    app = with_credentials(re.compile(pattern))
    assert found(app, "RC007") == [Found("warning", "GET /a", sentence, FIXED_REGEX)]
    (reported,) = report(app).routes
    assert isinstance(reported.policy, CORSPolicy)
    assert reported.policy.origin_set.matches(admitted.encode())


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://[a-z0-9-]+\.example\.com",
        r"https://([a-z0-9-]+\.)?example\.com",
        r"https://.*\.preview\.example\.com",
        r"https://(app|admin)\.example\.com(:8443)?",
        r"https://pr-\d{1,5}\.builds\.example\.com",
        r"https://(?!.*--)[a-z0-9-]+\.example\.com",
        r"https://(?=[a-z])app\.example\.com\Z",
        r"https://app[.]example[.]com",
        # There is no such suffix as exampleqcom.
        r"https://app\.example.com",
        r"https://10\.0\.0\.\d+",
        r"https://10\.0\.\d+\.1",
        r"https://[a-z]+\.localhost:\d+",
        r"https://\[::1\]:\d+",
        r"http://localhost:\d+",
        r"moz-extension://[0-9a-f-]+",
        r"chrome-extension://[a-p]{31}b",
        r"https://a{600}\.example\.com",
        r"https://(((((a{99}){99}){99}){99}){99})?app\.example\.com",
        r"https://app\.example\.com(?#a comment)",
        r"https://([a-z])\1\.example\.com",
    ],
)
def test_a_regex_that_lets_in_what_it_was_written_for(pattern: str) -> None:
    assert codes(with_credentials(re.compile(pattern))) == []


@pytest.mark.parametrize(
    "pattern",
    [
        "https://" + "(" * 40 + "a" + ")" * 40 + r".*\.example\.com",
        r"https://.*\.example\.com" + "|a" * 1500,
        "https://abcdefghijklmnopqrstuvwxyz0123456789.{1,3}" + r"\.example\.com",
        r"https://[^\x00-\x7f]+\.example\.com",
        r"https:// .*\.example\.com # spread out",
        r"https://(?P<a>.*)(?P=a)example\.com",
    ],
)
def test_of_a_regex_that_is_not_understood_nothing_is_said(pattern: str) -> None:
    assert codes(with_credentials(re.compile(pattern, re.VERBOSE if "#" in pattern else 0))) == []


def test_a_class_with_a_bracket_in_it_warns_of_nothing() -> None:
    with pytest.warns(FutureWarning, match="nested set"):
        regex = re.compile(r"https://[[a-z0-9]+example\.com")
    assert [each.where for each in found(with_credentials(regex), "RC007")] == ["GET /a"]


def test_a_loose_regex_without_credentials() -> None:
    assert codes(with_route("/a", policy(origins=re.compile(r"https://.*example\.com")))) == []


@pytest.mark.parametrize(
    ("origins", "let_in"),
    [
        (["http://a.example.com", A], "http://a.example.com"),
        (["http://192.168.1.5:3000", "http://*.a.example"], "http://*.a.example; http://192.168.1.5:3000"),
        (
            re.compile(r"https?://a\.example\.com"),
            r"http://a.example.com, by the regex https?://a\.example\.com",
        ),
        (
            re.compile(r".+\.a\.example\.com"),
            r"http://q.a.example.com, by the regex .+\.a\.example\.com",
        ),
    ],
)
def test_http_origins(origins: Any, let_in: str) -> None:
    sentence = f"the policy allows {let_in}: anyone on the network can impersonate it (GET /a)"
    assert found(with_route("/a", policy(origins=origins)), "RC009") == [
        Found("warning", "GET /a", sentence, "write https: instead of http:")
    ]


@pytest.mark.parametrize(
    "origins",
    [
        "*",
        "http://localhost:3000",
        "http://app.localhost",
        "http://127.0.0.1:*",
        "http://[::1]:3000",
        re.compile(r"http://localhost:\d+"),
        re.compile(r"http://127\.0\.0\.1:\d+"),
        lambda origin, connection: True,
    ],
)
def test_http_origins_of_this_machine(origins: Any) -> None:
    assert codes(with_route("/a", policy(origins=origins))) == []


def test_a_regex_that_credentials_keep_from_http() -> None:
    assert codes(with_credentials(re.compile(r"[a-z]+://a\.example\.com"))) == []


def test_what_is_wrong_with_a_policy_is_said_once() -> None:
    router = CORSRouter(cors=policy(origins="http://a.example"))
    for path in ("/a", "/b", "/c", "/d", "/e"):
        router.get(path)(endpoint)
    app = fastapi_app()
    app.include_router(router)
    assert [(each.where, each.sentence.partition(" (")[2]) for each in found(app, "RC009")] == [
        ("GET /a", "GET /a, GET /b, GET /c and 2 more)")
    ]


def test_a_default_that_no_route_has() -> None:
    default = policy(origins=["http://a.example", "https://b.example"])
    app = installed(fastapi_app(), default=default)
    everything_else = "the default, for paths without a route"
    assert [(each.code, each.route, each.place, each.sentence) for each in report(app).findings] == [
        (
            "RC009",
            None,
            None,
            (
                "the policy allows http://a.example: anyone on the network can impersonate it"
                f" ({everything_else})"
            ),
        ),
    ]


def test_what_holds_on_a_mount_is_shown_on_a_route_of_it() -> None:
    inside = Starlette(routes=[Route("/a", starlette_endpoint)])
    app = Starlette(routes=[Mount("/in", cors(policy(origins="http://a.example"))(inside))])
    assert [each.where for each in found(installed(app), "RC009")] == ["GET,HEAD /in/a"]


# --- RC010


def test_a_policy_that_is_spelled_more_than_once() -> None:
    router = CORSRouter(cors=CORSPolicy(origins=[A, "https://b.example"], max_age=5))
    router.get("/a")(endpoint)
    router.get("/b")(endpoint)
    app = fastapi_app()
    app.include_router(router)
    own = cors(origins=["https://b.example", A], max_age=5)(fresh())
    app.get("/c")(own)
    app.mount(
        "/d", cors(origins=["https://b.example", A], max_age=5)(StaticFiles(directory=Path(__file__).parent))
    )
    inside = installed(fastapi_app(), default=CORSPolicy(origins=[A, "https://b.example"], max_age=5))
    inside.get("/f")(endpoint)
    app.mount("/e", inside)
    install_cors(app, default=CORSPolicy(origins=[A, "https://b.example"], max_age=5))
    assert found(app, "RC010") == [
        Found(
            "info",
            "GET /a",
            f"the same policy is written 5 times: the router of GET /a, GET /c ({line_of(endpoint)}), the"
            " mount of MOUNT /d, the default of the mounted app of GET /e/f, the default of the app",
            "write it once, and use it everywhere: SHARED ="
            " CORSPolicy(origins=('https://a.example.com', 'https://b.example'), max_age=5)",
        )
    ]


def test_the_routers_that_spell_the_same_policy() -> None:
    app = fastapi_app()
    for prefix in ("/a", "/b"):
        router = CORSRouter(prefix=prefix, cors=policy())
        router.get("/x")(endpoint)
        app.include_router(router)
    assert [each.sentence for each in found(app, "RC010")] == [
        "the same policy is written 2 times: the router of GET /a/x, the router of GET /b/x"
    ]


def test_a_default_that_an_endpoint_spells_again() -> None:
    app = fastapi_app()
    app.get("/a")(endpoint)
    app.get("/b")(cors(policy())(fresh()))
    assert [each.sentence for each in found(installed(app, default=policy()), "RC010")] == [
        f"the same policy is written 2 times: the default of the app, GET /b ({line_of(endpoint)})"
    ]


def test_a_policy_that_is_shared() -> None:
    shared = policy()
    router = CORSRouter(prefix="/r", cors=shared)
    router.get("/a")(endpoint)
    router.get("/b")(cors(shared)(fresh()))
    app = fastapi_app()
    app.include_router(router)
    app.get("/c")(cors(shared)(fresh()))
    app.get("/d")(cors(shared.evolve(max_age=1))(fresh()))
    app.get("/e")(no_cors(fresh()))
    app.get("/f")(no_cors(fresh()))
    install_cors(app, default=shared)
    assert codes(app) == []


# --- RC011


class Item(BaseModel):
    name: str


async def takes_request(request: Request) -> None: ...


async def takes_nothing() -> None: ...


async def takes_form(name: Annotated[str, Form()]) -> None: ...


async def takes_file(file: Annotated[bytes, File()]) -> None: ...


async def takes_text(text: Annotated[str, Body()]) -> None: ...


async def takes_optional(item: Item | None = None) -> None: ...


async def takes_item(item: Item) -> None: ...


async def takes_two(item: Item, text: Annotated[str, Body()]) -> None: ...


async def takes_csrf_token(x_csrf_token: Annotated[str, Header()]) -> None: ...


async def takes_optional_token(x_csrf_token: Annotated[str | None, Header()] = None) -> None: ...


async def takes_browsers_headers(
    user_agent: Annotated[str, Header()], origin: Annotated[str, Header()]
) -> None: ...


def posting(function: Callable[..., Any], *, methods: Iterable[str] = ("POST",), **arguments: Any) -> FastAPI:
    app = fastapi_app()
    declared = policy(
        **{"allow_credentials": True, "allow_headers": ["x-csrf-token", "Authorization"], **arguments}
    )
    app.add_api_route("/a", cors(declared)(fresh(function)), methods=[*methods])
    return installed(app)


@pytest.mark.parametrize(
    "function",
    [
        takes_request,
        takes_nothing,
        takes_form,
        takes_file,
        takes_text,
        takes_optional,
        takes_optional_token,
        takes_browsers_headers,
    ],
)
# What FastAPI 0.115 imports for forms.
@pytest.mark.filterwarnings("ignore:Please use `import python_multipart`:PendingDeprecationWarning")
def test_a_post_that_needs_no_preflight(function: Callable[..., Any]) -> None:
    assert found(posting(function), "RC011") == [
        Found(
            "warning",
            "POST /a",
            "POST /a accepts a POST that any page can send as its visitor, without a preflight: the policy"
            " only hides the response",
            "refuse it before the endpoint runs: install_cors(app, enforce=True), for all routes of the app,"
            " or for those of this policy: @cors(origins=['https://a.example.com'],"
            " allow_headers=['Authorization', 'x-csrf-token'], allow_credentials=True, enforce=True)",
        )
    ]


@pytest.mark.parametrize("function", [takes_item, takes_two])
def test_a_post_of_json_needs_one_where_fastapi_is_strict(function: Callable[..., Any]) -> None:
    # Before 0.132 it takes a body of no type at all for JSON, and no preflight is made for that.
    expected = [] if VERSION >= (0, 132) else ["RC011"]
    assert codes(posting(function)) == expected


@pytest.mark.skipif(VERSION < (0, 132), reason="there is no strict_content_type before")
def test_a_post_of_json_needs_none_where_fastapi_is_not_strict() -> None:
    app = fastapi_app(strict_content_type=False)
    app.post("/a")(cors(policy(allow_credentials=True))(fresh(takes_item)))
    assert codes(installed(app)) == ["RC011"]


def test_a_required_header_makes_browsers_ask() -> None:
    assert codes(posting(takes_csrf_token)) == []


async def takes_bearer(token: Annotated[Any, Depends(HTTPBearer())]) -> None: ...


async def takes_optional_bearer(token: Annotated[Any, Depends(HTTPBearer(auto_error=False))]) -> None: ...


def test_a_bearer_token_makes_browsers_ask_where_it_is_required() -> None:
    assert codes(posting(takes_bearer)) == ["RC021"]
    # What it takes may be a cookie that it does not name; but the app goes by tokens.
    findings = report(posting(takes_optional_bearer)).findings
    assert [(finding.code, finding.severity) for finding in findings] == [
        ("RC011", "info"),
        ("RC021", "info"),
    ]


def test_a_post_that_is_enforced_or_open_to_anyone_or_no_ones() -> None:
    assert codes(posting(takes_request, enforce=True)) == []
    assert codes(posting(takes_request, origins="*", allow_credentials=False)) == []
    assert codes(posting(takes_request, allow_credentials=False)) == []


def test_a_post_that_the_policy_exempts_has_its_own_fix() -> None:
    (told,) = found(posting(takes_request, enforce=False, allow_headers=()), "RC011")
    assert told.fix == (
        "refuse it before the endpoint runs:"
        " @cors(origins=['https://a.example.com'], allow_credentials=True, enforce=True)"
    )


def enforcing(app: App, **arguments: Any) -> App:
    install_cors(app, enforce=True, **arguments)
    return app


@pytest.mark.parametrize("function", [takes_request, takes_form, takes_nothing])
# What FastAPI 0.115 imports for forms.
@pytest.mark.filterwarnings("ignore:Please use `import python_multipart`:PendingDeprecationWarning")
def test_a_layer_that_enforces_protects_every_post(function: Callable[..., Any]) -> None:
    app = fastapi_app()
    app.post("/a")(cors(policy(allow_credentials=True))(fresh(function)))
    app.post("/b", dependencies=[Depends(required_cookie)])(fresh(function))
    assert codes(enforcing(app)) == []


def test_a_route_with_cookies_that_is_left_out_of_enforcement() -> None:
    app = fastapi_app()
    exempt = cors(policy(enforce=False, max_age=1))
    app.post("/a", dependencies=[Depends(required_cookie)])(exempt(fresh()))
    app.post("/b", dependencies=[Depends(required_cookie)])(exempt(fresh()))
    app.put("/c", dependencies=[Depends(required_cookie)])(exempt(fresh()))
    app.post("/hook")(exempt(fresh(takes_request)))
    (finding,) = report(enforcing(app)).findings
    assert (finding.code, finding.severity, finding.sentence, finding.fix) == (
        "RC028",
        "warning",
        (
            "POST /a takes the cookie 'session', and enforce=False leaves it out of enforcement; the same"
            " holds for POST /b"
        ),
        "leave enforce=False out: @cors(origins=['https://a.example.com'], max_age=1)",
    )
    assert [route.path for route in finding.routes] == ["/a", "/b"]


def test_credentials_on_a_route_that_is_left_out_of_enforcement_may_be_cookies() -> None:
    app = fastapi_app()
    app.post("/a")(fresh(takes_request))
    default = policy(enforce=False, allow_credentials=True)
    assert found(enforcing(app, default=default), "RC028") == [
        Found(
            "info",
            "POST /a",
            "POST /a takes credentials, and enforce=False leaves it out of enforcement",
            "leave enforce=False out: install_cors(app, default=CORSPolicy(origins=['https://a.example.com'],"
            " allow_credentials=True), enforce=True)",
        )
    ]


PROXY = "uvicorn --proxy-headers --forwarded-allow-ips='10.0.0.1'"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (enforcing, None),
        (
            lambda app: enforcing(with_proxy(app, trusted_hosts=["10.0.0.1"])),
            "ProxyHeadersMiddleware is inside of the CORS layer",
        ),
        (lambda app: behind_proxy(enforcing(app)), None),
        (lambda app: behind_proxy(enforcing(rooted(app))), None),
        (lambda app: enforcing(rooted(app)), "root_path='/api' says that a proxy is in front of the app"),
        (lambda app: installed(rooted(app)), None),
        (lambda app: with_proxy(with_layer_added(app), trusted_hosts=["10.0.0.1"]), None),
        (
            lambda app: with_proxy(with_layer_added(app)),
            "ProxyHeadersMiddleware trusts a proxy on 127.0.0.1 alone",
        ),
        (
            lambda app: with_layer_added(with_proxy(app, trusted_hosts="*")),
            "ProxyHeadersMiddleware is inside of the CORS layer",
        ),
        (
            lambda app: RouteCORSMiddleware(with_proxy(app, trusted_hosts="*"), enforce=True),
            "ProxyHeadersMiddleware is inside of the CORS layer",
        ),
    ],
)
def test_an_own_origin_that_a_proxy_hides(make: Callable[[FastAPI], object], words: str | None) -> None:
    app = fastapi_app()
    app.websocket("/live")(cors(policy())(fresh(websocket_endpoint)))
    app.get("/a")(fresh(takes_nothing))
    told = found(make(app), "RC029")
    if words is None:
        assert told == []
        return
    (only,) = told
    assert (only.severity, only.where) == ("info", "GET /a")
    assert only.sentence == (
        f"{words}, so enforcement may not know the scheme and host of the app's own pages: browsers that send"
        " no Sec-Fetch-Site are refused there"
    )
    assert only.fix == (
        f"trust the proxy: {PROXY}, or around the whole app: "
        "app = ProxyHeadersMiddleware(app, trusted_hosts=['10.0.0.1'])"
    )


def test_a_mounted_app_that_a_proxy_hides() -> None:
    inner = enforcing(with_proxy(fastapi_app(), trusted_hosts="*"))
    inner.get("/a")(fresh(takes_nothing))
    app = fastapi_app()
    app.mount("/inner", inner)
    (finding,) = report(app).findings
    assert (finding.code, [route.path for route in finding.routes]) == ("RC029", ["/inner", "/inner/a"])
    assert where(finding) == "GET /inner/a"
    app.root_path = "/api"
    assert report(app).findings[0].sentence.startswith("root_path='/api' says")


def test_enforcement_of_mounts_alone_behind_a_proxy() -> None:
    app = fastapi_app()
    app.mount("/empty", Starlette())
    assert [where(finding) for finding in report(enforcing(rooted(app))).findings] == ["MOUNT /empty"]


def with_proxy(app: App, **arguments: Any) -> App:
    app.add_middleware(ProxyHeadersMiddleware, **arguments)
    return app


def behind_proxy(app: Any) -> object:
    return ProxyHeadersMiddleware(app, trusted_hosts=["10.0.0.1"])


def with_layer_added(app: App) -> App:
    app.add_middleware(RouteCORSMiddleware, enforce=True)
    return app


def rooted(app: FastAPI) -> FastAPI:
    app.root_path = "/api"
    return app


def test_a_post_that_any_origin_may_send_with_cookies_is_said_once() -> None:
    app = fastapi_app()
    app.post("/a", dependencies=[Depends(required_cookie)])(cors(policy(origins="*"))(fresh()))
    assert codes(installed(app)) == ["RC005"]


@pytest.mark.parametrize("methods", [["GET"], ["PUT"], ["DELETE", "PATCH"]])
def test_other_methods_change_nothing_or_make_browsers_ask(methods: list[str]) -> None:
    assert codes(posting(takes_request, methods=methods)) == []


@pytest.mark.parametrize(
    "dependency", [required_cookie, optional_cookie, APIKeyCookie(name="k"), HTTPBasic()]
)
def test_a_post_with_cookies_is_the_users_whatever_the_policy_says(dependency: Any) -> None:
    app = fastapi_app()
    app.post("/a", dependencies=[Depends(dependency)])(cors(policy())(fresh()))
    assert codes(installed(app)) == ["RC011"]


def test_a_post_of_plain_starlette() -> None:
    @cors(policy(allow_credentials=True))
    class Both(HTTPEndpoint):
        async def post(self, request: Request) -> Response:
            return Response()

    app = Starlette(
        routes=[
            Route("/class", Both),
            Route(
                "/route",
                cors(policy(allow_credentials=True, max_age=1))(fresh(starlette_endpoint)),
                methods=["POST"],
            ),
        ]
    )
    assert [each.where for each in found(installed(app), "RC011")] == ["POST /class", "POST /route"]


# --- RC012


def test_routes_that_live_on_a_default() -> None:
    app = FastAPI()
    app.get("/a")(endpoint)
    app.get("/b")(cors(policy(max_age=1))(fresh()))
    app.mount("/files", StaticFiles(directory=Path(__file__).parent))
    app.websocket("/c")(cors(policy(max_age=1))(fresh(websocket_endpoint)))
    inside = installed(FastAPI(), default=policy(max_age=2))
    inside.put("/d")(endpoint)
    app.mount("/in", inside)
    install_cors(app, default=policy())
    fix = "if that is intended, declare it with @cors(...); if not, close them with @no_cors"
    assert found(app, "RC012") == [
        Found(
            "info",
            "GET /a",
            "only because of the app's default, other origins may call GET /a, MOUNT /files",
            fix,
        ),
        Found(
            "info",
            "PUT /in/d",
            "only because of a mounted app's default, other origins may call PUT /in/d",
            fix,
        ),
    ]


def test_many_routes_that_live_on_a_default() -> None:
    app = fastapi_app()
    for number in range(12):
        app.get(f"/{number}")(endpoint)
    install_cors(app, default=policy())
    (finding,) = found(app, "RC012")
    assert finding.sentence == (
        "only because of the app's default, other origins may call GET /0, GET /1, GET /2, GET /3, GET /4,"
        " GET /5, GET /6, GET /7, GET /8, GET /9 and 2 more"
    )


# --- RC013


def test_a_websocket_that_nobody_guards() -> None:
    app = fastapi_app()
    app.websocket("/a")(websocket_endpoint)
    app.websocket("/b")(cors(policy())(fresh(websocket_endpoint)))
    app.websocket("/c")(no_cors(fresh(websocket_endpoint)))
    app.mount("/in", Starlette(routes=[WebSocketRoute("/d", websocket_endpoint)]))
    install_cors(app, default=policy())
    assert found(app, "RC013") == [
        Found(
            "warning",
            f"WEBSOCKET {path}",
            f"WEBSOCKET {path} has no policy: any page can open it, with its visitor's cookies",
            "write @cors(origins=['https://app.example.com']), or @no_cors to allow only its own pages",
        )
        for path in ("/a", "/in/d")
    ]


# --- RC014


def test_a_policy_for_methods_that_the_route_does_not_have() -> None:
    assert found(with_route("/a", policy(methods=["PUT", "DELETE"])), "RC014") == [
        Found(
            "error",
            "GET /a",
            "the policy of GET /a allows only DELETE, PUT, which the route does not serve: it grants nothing",
            "leave methods out: the policy then applies to the methods of the route",
        )
    ]


def test_a_policy_for_one_method_of_several() -> None:
    assert codes(with_route("/a", policy(methods=["PUT", "PATCH"]), methods=["GET", "PUT"])) == []


def test_a_policy_for_one_route_of_its_endpoint() -> None:
    app = fastapi_app()
    both = cors(policy(methods=["PUT"]))(fresh())
    app.get("/a")(both)
    app.put("/a")(both)
    assert codes(installed(app)) == []


def test_a_shared_policy_that_one_endpoint_gains_nothing_from() -> None:
    reading = policy(methods=["GET"])
    app = fastapi_app()
    app.get("/a")(cors(reading)(fresh()))
    app.put("/a")(cors(reading)(fresh()))
    assert [each.where for each in found(installed(app), "RC014")] == ["PUT /a"]


def test_a_router_that_other_origins_may_only_read() -> None:
    reading = CORSRouter(cors=policy(methods=["GET"]))
    reading.get("/a")(endpoint)
    reading.put("/a")(endpoint)
    nothing = CORSRouter(cors=policy(methods=["PATCH"]))
    nothing.get("/b")(endpoint)
    app = fastapi_app()
    app.include_router(reading)
    app.include_router(nothing)
    assert [each.where for each in found(app, "RC014")] == ["GET /b"]


def test_the_methods_of_an_asgi_app_are_its_own() -> None:
    app = Starlette(routes=[Route("/a", cors(policy(methods=["PATCH"]))(AnyMethod()))])
    assert codes(installed(app)) == []


# --- RC015


def requiring(*dependencies: Any, **arguments: Any) -> FastAPI:
    app = fastapi_app()
    app.get("/a", dependencies=[Depends(each) for each in dependencies])(cors(policy(**arguments))(fresh()))
    return installed(app)


@pytest.mark.parametrize(
    ("dependency", "name", "fixed"),
    [
        (takes_csrf_token, "x-csrf-token", "['x-csrf-token', 'X-Other']"),
        (HTTPBearer(), "Authorization", "['Authorization', 'X-Other']"),
        (OAuth2PasswordBearer(tokenUrl="token"), "Authorization", "['Authorization', 'X-Other']"),
        (APIKeyHeader(name="X-Key"), "X-Key", "['X-Key', 'X-Other']"),
    ],
)
def test_a_header_that_no_page_may_send(dependency: Any, name: str, fixed: str) -> None:
    assert found(requiring(dependency, allow_headers=["X-Other"]), "RC015") == [
        Found(
            "warning",
            "GET /a",
            f"GET /a requires {name}, but its policy does not allow pages to send it",
            f"allow it: @cors(origins=['https://a.example.com'], allow_headers={fixed})",
        )
    ]


def test_a_wildcard_does_not_cover_authorization() -> None:
    app = requiring(HTTPBearer(), takes_csrf_token, allow_headers="*")
    assert [(each.sentence, each.fix) for each in found(app, "RC015")] == [
        (
            "GET /a requires Authorization, but its policy does not allow pages to send it",
            "allow it: @cors(origins=['https://a.example.com'], allow_headers=['*', 'Authorization'])",
        )
    ]
    assert found(requiring(HTTPBearer(), allow_headers="*", allow_credentials=True), "RC015") == []


class Headers(BaseModel):
    x_token: str


async def takes_a_model_of_headers(headers: Annotated[Headers, Header()]) -> None: ...


async def takes_what_proxies_add(
    x_forwarded_for: Annotated[str, Header()], x_request_id: Annotated[str, Header()]
) -> None: ...


@pytest.mark.parametrize(
    "dependency",
    [
        HTTPBearer(auto_error=False),
        HTTPBasic(),
        APIKeyQuery(name="key"),
        APIKeyCookie(name="key"),
        takes_optional_token,
        takes_browsers_headers,
        takes_what_proxies_add,
        takes_a_model_of_headers,
    ],
)
def test_what_a_script_need_not_send(dependency: Any) -> None:
    assert codes(requiring(dependency)) == []


def test_a_header_that_is_allowed_in_any_case() -> None:
    assert codes(requiring(takes_csrf_token, allow_headers=["X-CSRF-Token"])) == []


def test_where_no_method_is_granted_the_headers_are_not_the_reason() -> None:
    assert codes(requiring(takes_csrf_token, methods=["PUT"])) == ["RC014"]


# --- Whatever the app holds


def test_control_characters_are_spelled_out_and_long_paths_cut() -> None:
    app = fastapi_app()
    app.websocket("/\x1b[31m\n\u202e<script>")(websocket_endpoint)
    app.websocket("/" + "a" * 65536)(websocket_endpoint)
    open_to_all = "has no policy: any page can open it, with its visitor's cookies"
    assert [each.sentence for each in found(app, "RC013")] == [
        rf"WEBSOCKET /\x1b[31m\n\u202e<script> {open_to_all}",
        f"WEBSOCKET /{'a' * 189}… {open_to_all}",
    ]


class Pathless(BaseRoute):
    """What a router serves, and shows nothing of."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        raise RuntimeError

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None: ...


class OddView(APIRoute):
    """A route whose attributes are not what they look like."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.dependant = "nothing of the kind"  # type: ignore[assignment]
        self.app = self


def odd_apps() -> Iterable[Any]:
    itself = Starlette()
    itself.mount("/self", itself)
    yield itself
    pathless = Starlette()
    pathless.router.routes.append(Pathless())
    yield pathless
    odd = fastapi_app()
    odd.router.add_api_route("/odd", cors(policy())(fresh()), route_class_override=OddView)
    yield odd
    surrogates = fastapi_app()
    surrogates.get("/\ud800")(cors(policy())(fresh()))
    yield surrogates
    around = Corsair(None)
    around.app = Corsair(fastapi_app())
    yield around
    loop = Starlette()
    endless = Corsair(None)
    endless.app = endless
    loop.mount("/endless", cors(policy())(endless))
    yield loop


@pytest.mark.parametrize("default", [None, policy()])
def test_nothing_that_an_app_holds_makes_an_error(default: CORSPolicy | None) -> None:
    for app in odd_apps():
        report(app)
        layered = RouteCORSMiddleware(app, default=default)
        report(layered)


def test_what_shows_no_routes_cannot_be_judged() -> None:
    with pytest.raises(TypeError, match="shows no routes"):
        report(3)
