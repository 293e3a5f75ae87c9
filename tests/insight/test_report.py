"""`report(app)`: rows of every kind, where each was written, whose policy holds, what an origin may do."""

from __future__ import annotations

import functools
import inspect
import json
import re
import sys
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import pytest
from asgi import ask, http_scope
from fastapi import APIRouter, FastAPI, Request, WebSocket
from named_endpoints import KEEPS_A_TREE
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute
from starlette.staticfiles import StaticFiles

import route_cors
from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors, report
from route_cors.insight import (
    ANY_OTHER_ORIGIN,
    CODES,
    STRANGER,
    Access,
    Place,
    Report,
    ReportedRoute,
    access_of,
)
from route_cors.insight.describe import describe_policy, name_of, origins_in_words, policy_in_words
from route_cors.insight.foreign import OurLayer

from .apps import clean, faulty, flat, nested, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from route_cors.decorators import Declared
    from route_cors.origins import OriginItem

A, B = "https://a.example", "https://b.example"
HERE = __file__
MODULE = __name__


async def endpoint() -> None: ...


async def starlette_endpoint(request: Request) -> Response:
    return Response()


async def websocket_endpoint(websocket: WebSocket) -> None: ...


class Endpoint(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return Response()

    delete = get


class Application:
    """An ASGI app that shows nothing of itself."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


def policy(**arguments: Any) -> CORSPolicy:
    arguments.setdefault("origins", A)
    return CORSPolicy(**arguments)


def line_of(function: Callable[..., Any]) -> int:
    return function.__code__.co_firstlineno


def place_of(function: Callable[..., Any]) -> Place:
    return Place(HERE, line_of(function))


def rows(app: object) -> list[tuple[str, str, tuple[str, ...] | None]]:
    return [(route.kind, route.path, route.methods) for route in report(app).routes]


def sources(app: object) -> dict[str, tuple[Declared | None, str | None, bool]]:
    return {route.path: (route.policy, route.source, route.takes_effect) for route in report(app).routes}


def one(route: BaseRoute) -> ReportedRoute:
    """The row of that route, in an app of its own."""
    return report(Starlette(routes=[route])).routes[0]


# --- Rows


def test_an_http_route() -> None:
    own = policy()
    app = FastAPI(openapi_url=None)
    app.api_route("/items/{item_id}", methods=["PUT", "GET"])(cors(own)(shown))
    install_cors(app)
    assert report(app) == Report(
        routes=(
            ReportedRoute(
                kind="http",
                path="/items/{item_id}",
                methods=("GET", "PUT"),
                host=None,
                endpoint=f"{MODULE}.shown",
                place=place_of(shown),
                policy=own,
                source="endpoint",
                takes_effect=True,
                example="/items/7",
                layers=(OurLayer(),),
                preflight_layers=(OurLayer(),),
            ),
        ),
        findings=(),
    )


async def shown(item_id: int) -> None: ...


def test_a_row_of_every_kind() -> None:
    app = Starlette(
        routes=[
            Route("/function", starlette_endpoint),
            Route("/class/{number:int}", Endpoint),
            Route("/asgi", Application()),
            WebSocketRoute("/socket", websocket_endpoint),
            Mount("/files", StaticFiles(directory=Path(__file__).parent)),
            Mount("/inside", routes=[Route("/a", starlette_endpoint, methods=["POST"])]),
            Host("{tenant}.example", Starlette(routes=[Route("/b", starlette_endpoint)])),
        ]
    )
    assert [
        (route.kind, route.path, route.methods, route.host, route.example, route.endpoint, route.place)
        for route in report(app).routes
    ] == [
        ("http", "/function", ("GET", "HEAD"), None, "/function", f"{MODULE}.starlette_endpoint", PLACE),
        (
            "http",
            "/class/{number:int}",
            ("DELETE", "GET", "HEAD"),
            None,
            "/class/7",
            f"{MODULE}.Endpoint",
            CLASS,
        ),
        ("http", "/asgi", None, None, "/asgi", f"{MODULE}.Application", None),
        ("websocket", "/socket", (), None, "/socket", f"{MODULE}.websocket_endpoint", SOCKET),
        ("mount", "/files", None, None, "/files/", "starlette.staticfiles.StaticFiles", None),
        ("mount", "/inside", None, None, "/inside/", "starlette.routing.Router", None),
        ("http", "/inside/a", ("POST",), None, "/inside/a", f"{MODULE}.starlette_endpoint", PLACE),
        ("mount", "/", None, "qzkv.example", "/", "starlette.applications.Starlette", None),
        ("http", "/b", ("GET", "HEAD"), "qzkv.example", "/b", f"{MODULE}.starlette_endpoint", PLACE),
    ]


PLACE = place_of(starlette_endpoint)
SOCKET = place_of(websocket_endpoint)
CLASS = Place(HERE, inspect.getsourcelines(Endpoint)[1])


def test_routes_as_fastapi_declares_and_includes_them() -> None:
    inner = APIRouter(prefix="/inner")
    inner.get("/a/{x:path}")(endpoint)
    inner.websocket("/b")(websocket_endpoint)
    outer = APIRouter(prefix="/outer")
    outer.include_router(inner, prefix="/more")
    app = FastAPI()
    app.include_router(outer)
    documentation = [
        ("http", path, ("GET", "HEAD"))
        for path in ("/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc")
    ]
    assert rows(app) == [
        *documentation,
        ("http", "/outer/more/inner/a/{x:path}", ("GET",)),
        ("websocket", "/outer/more/inner/b", ()),
    ]


def test_the_routes_as_they_are_now() -> None:
    app = FastAPI(openapi_url=None)
    assert report(app) == Report(routes=(), findings=())
    app.get("/a")(endpoint)
    assert rows(app) == [("http", "/a", ("GET",))]


def test_the_app_may_be_inside_a_middleware() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/a")(cors(policy())(unique()))
    assert sources(RouteCORSMiddleware(app))["/a"] == (policy(), "endpoint", True)


def test_what_shows_no_routes() -> None:
    with pytest.raises(TypeError, match=r"^3 shows no routes: give a FastAPI or Starlette app"):
        report(3)


def test_a_route_that_shows_nothing_of_itself() -> None:
    class Odd(BaseRoute):
        def matches(self, scope: Any) -> tuple[Match, Any]:
            return Match.NONE, {}

    row = one(Odd())
    assert (row.kind, row.path, row.methods, row.place) == ("http", "", None, None)
    assert row.endpoint == f"{MODULE}.test_a_route_that_shows_nothing_of_itself.<locals>.Odd"


# --- Places


def unique() -> Callable[..., Any]:
    """An endpoint of its own, all of which stand on one line."""

    async def endpoint_of_its_own() -> None: ...

    return endpoint_of_its_own


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def around() -> None: ...

    return around


def test_where_an_endpoint_was_written() -> None:
    wrapped = decorated(endpoint)
    for function in (
        endpoint,
        functools.partial(functools.partial(endpoint)),
        wrapped,
        functools.partial(wrapped),
    ):
        row = one(Route("/", function))
        assert row.place == place_of(endpoint), function
        assert row.endpoint == f"{MODULE}.endpoint"


def test_the_line_is_that_of_the_first_decorator() -> None:
    @cors(policy())
    @no_change
    async def decorated_twice(request: Request) -> None: ...

    source, start = inspect.getsourcelines(decorated_twice)
    assert source[0].strip() == "@cors(policy())"
    assert one(Route("/", decorated_twice)).place == Place(HERE, start)


def no_change(function: Any) -> Any:
    return function


def test_a_method_is_where_it_was_written() -> None:
    class Items:
        async def read(self, request: Request) -> None: ...

    row = one(Route("/", Items().read))
    assert row.place == place_of(Items.read)
    assert row.endpoint == f"{MODULE}.test_a_method_is_where_it_was_written.<locals>.Items.read"


def test_where_python_knows_no_place() -> None:
    typed = type("Typed", (HTTPEndpoint,), {"__module__": "nowhere"})
    assert one(Route("/", typed)).place is None
    assert one(Route("/", Application())).place is None


def test_a_place_is_shown_as_editors_open_it() -> None:
    assert str(Place("shop/api.py", 12)) == "shop/api.py:12"


# --- Whose policy it is


def test_every_source_of_a_policy() -> None:
    own, of_router, of_outer, of_mount, of_mounted, of_app = (policy(max_age=age) for age in range(6))
    inner = APIRouter(prefix="/outer")
    inner.get("/inherited")(endpoint)
    router = CORSRouter(prefix="/router", cors=of_router)
    router.get("/own")(cors(own)(unique()))
    router.get("/routers")(endpoint)
    router.get("/closed")(no_cors(unique()))
    router.websocket("/socket")(websocket_endpoint)
    outer = CORSRouter(cors=of_outer)
    outer.include_router(inner)
    inside = FastAPI(openapi_url=None)
    inside.get("/by-default")(endpoint)
    inside.get("/own")(cors(own)(unique()))
    install_cors(inside, default=of_mounted)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    app.include_router(outer)
    app.mount("/mount", cors(of_mount)(Starlette(routes=[Route("/mounted", starlette_endpoint)])))
    app.mount("/opaque", cors(of_mount)(Application()))
    app.mount("/inside", inside)
    app.get("/by-default")(endpoint)
    app.websocket("/socket")(websocket_endpoint)
    install_cors(app, default=of_app)
    assert sources(app) == {
        "/router/own": (own, "endpoint", True),
        "/router/routers": (of_router, "router", True),
        "/router/closed": (no_cors, "endpoint", True),
        "/router/socket": (of_router, "router", True),
        "/outer/inherited": (of_outer, "router", True),
        "/mount": (of_mount, "mount", True),
        "/mount/mounted": (of_mount, "mount", True),
        "/opaque": (of_mount, "mount", True),
        "/inside": (of_mounted, "mounted app", True),
        "/inside/by-default": (of_mounted, "mounted app", True),
        "/inside/own": (own, "endpoint", True),
        "/by-default": (of_app, "app", True),
        # The default does not speak for websockets.
        "/socket": (None, None, True),
    }


def test_what_takes_effect_without_a_layer() -> None:
    shared = policy()
    router = CORSRouter(prefix="/router", cors=shared)
    router.get("/api")(endpoint)
    router.websocket("/socket")(websocket_endpoint)
    router.add_route("/plain", starlette_endpoint)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    app.get("/own")(cors(shared)(unique()))
    app.get("/none")(unique())
    plain_route = (shared, "router", False) if KEEPS_A_TREE else (None, None, False)
    assert sources(app) == {
        "/router/api": (shared, "router", True),
        "/router/socket": (shared, "router", True),
        "/plain": plain_route,
        "/own": (shared, "endpoint", False),
        "/none": (None, None, False),
    }


def test_the_policy_is_the_very_object_that_was_declared() -> None:
    own, of_first, of_second = policy(), policy(), policy()
    app = FastAPI(openapi_url=None)
    app.get("/own")(cors(own)(unique()))
    for prefix, declared in (("/first", of_first), ("/second", of_second)):
        router = CORSRouter(prefix=prefix, cors=declared)
        router.get("/a")(endpoint)
        app.include_router(router)
    policies = [route.policy for route in report(app).routes]
    assert [id(found) for found in policies] == [id(own), id(of_first), id(of_second)]


# --- Files


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("{here}/main.py", "main.py"),
        ("{here}/app/main.py", "app/main.py"),
        # A library, wherever it is installed, as it is imported.
        ("{here}/.venv/site-packages/lib/routes.py", "lib/routes.py"),
        ("{library}/lib/routes.py", "lib/routes.py"),
        ("{library}/nested/lib/routes.py", "lib/routes.py"),
        ("{elsewhere}/main.py", "{elsewhere}/main.py"),
        ("<string>", "<string>"),
    ],
)
def test_a_file_is_named_as_seen_from_here(
    file: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {name: (tmp_path / name).as_posix() for name in ("here", "library", "elsewhere")}
    Path(places["here"]).mkdir()
    monkeypatch.chdir(places["here"])
    for root in (places["library"], f"{places['library']}/nested", f"{places['here']}/.venv/site-packages"):
        monkeypatch.syspath_prepend(root)

    place = Place(file.format(**places), 7)

    assert (place.local_file, str(place)) == (told.format(**places), f"{told.format(**places)}:7")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows deletes no directory that somebody is in")
def test_a_directory_that_was_deleted_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()

    assert str(Place("/srv/api/main.py", 7)) == "/srv/api/main.py:7"


# --- Enforcement


def _copy(function: Callable[..., Any]) -> Callable[..., Any]:
    return FunctionType(function.__code__, function.__globals__, function.__name__)


class Lately(HTTPEndpoint):
    @cors(origins=A, enforce=True)
    async def dispatch(self) -> None: ...


class Openly(HTTPEndpoint):
    @cors(origins=A)
    async def dispatch(self) -> None: ...


def test_a_policy_that_was_lost_is_enforced_if_it_said_so() -> None:
    app = Starlette(routes=[Route("/lately", Lately), Route("/openly", Openly)])
    install_cors(app)
    assert protected(app) == {"/lately": True, "/openly": False}
    assert [route.words_of_enforcement for route in report(app).routes] == [["enforced"], []]


def protected(app: object) -> dict[str, bool]:
    return {route.path: route.is_enforced for route in report(app).routes}


def test_a_policy_says_whether_it_is_enforced_and_else_the_layer() -> None:
    def app_of(*, layer: bool | None) -> FastAPI:
        app = FastAPI(openapi_url=None)
        for name, declared in (("none", None), ("true", True), ("false", False)):
            app.post(f"/{name}")(cors(origins=A, enforce=declared)(lambda: None))
        app.post("/closed")(no_cors(lambda: None))
        app.post("/plain")(lambda: None)
        app.websocket("/guarded")(cors(origins=A, enforce=False)(_copy(websocket_endpoint)))
        app.websocket("/open")(websocket_endpoint)
        app.mount("/files", Application())
        if layer is not None:
            install_cors(app, enforce=layer)
        return app

    assert protected(app_of(layer=None)) == dict.fromkeys(protected(app_of(layer=None)), False)
    by_policy = {"/true": True, "/guarded": True}
    assert protected(app_of(layer=False)) == protected(app_of(layer=None)) | by_policy
    by_layer = dict.fromkeys(["/none", "/closed", "/plain", "/files"], True)
    assert protected(app_of(layer=True)) == protected(app_of(layer=False)) | by_layer


def test_a_router_enforces_its_own_policy_without_a_layer() -> None:
    app = FastAPI(openapi_url=None)
    for name, enforce in (("true", True), ("none", None)):
        router = CORSRouter(prefix=f"/{name}", cors=policy(enforce=enforce))
        router.add_api_route("/a", endpoint, methods=["POST"])
        app.include_router(router)
    assert protected(app) == {"/true/a": True, "/none/a": False}


def test_any_layer_on_the_way_enforces() -> None:
    around = Middleware(RouteCORSMiddleware, enforce=True)
    inner = Starlette(routes=[Route("/a", Endpoint)], middleware=[around])
    routes = [
        Mount("/inner", inner),
        Mount("/beside", routes=[Route("/a", Endpoint)]),
        Mount("/around", RouteCORSMiddleware(Router([Route("/a", Endpoint)]), enforce=True)),
        Mount("/mount", routes=[Route("/a", Endpoint)], middleware=[around]),
        Route("/route", Endpoint, middleware=[around]),
        Route("/own", cors(policy(enforce=True))(Endpoint), middleware=[around]),
    ]
    app = Starlette(routes=routes)
    assert protected(app) == {
        "/inner": True,
        "/inner/a": True,
        "/beside": False,
        "/beside/a": False,
        "/around": True,
        "/around/a": True,
        "/mount": True,
        "/mount/a": True,
        "/route": True,
        "/own": True,
    }
    for path, expected in protected(app).items():
        if path.endswith(("/a", "route", "own")):
            reply = ask(app, http_scope("POST", path, [(b"sec-fetch-site", b"cross-site")]))
            assert (reply.status == 403) is expected, path
    install_cors(app, enforce=True)
    assert set(protected(app).values()) == {True}
    assert set(protected(RouteCORSMiddleware(Router([Route("/a", Endpoint)]), enforce=True)).values()) == {
        True
    }


# --- As data


def test_a_report_as_data() -> None:
    app = FastAPI(openapi_url=None)
    app.put("/items/{item_id}")(cors(origins=A)(described))
    app.mount("/files", Application())
    assert report(app).to_dict() == {
        "version": 1,
        "routes": [
            {
                "kind": "http",
                "path": "/items/{item_id}",
                "methods": ["PUT"],
                "host": None,
                "endpoint": f"{MODULE}.described",
                "file": Place(HERE, 1).local_file,
                "line": line_of(described),
                "policy": {
                    "origins": [A],
                    "methods": None,
                    "allow_headers": [],
                    "expose_headers": [],
                    "allow_credentials": False,
                    "max_age": 600,
                    "enforce": None,
                },
                "source": "endpoint",
                "takes_effect": False,
                "example": "/items/7",
                "layers": [],
                "is_documentation": False,
                "is_enforced": False,
            },
            {
                "kind": "mount",
                "path": "/files",
                "methods": None,
                "host": None,
                "endpoint": f"{MODULE}.Application",
                "file": None,
                "line": None,
                "policy": None,
                "source": None,
                "takes_effect": False,
                "example": "/files/",
                "layers": [{"name": f"{MODULE}.Application", "kind": "unknown", "arguments": None}],
                "is_documentation": False,
                "is_enforced": False,
            },
        ],
        "findings": [
            {
                "code": "RC001",
                "severity": "error",
                "sentence": "PUT /items/{item_id} has a policy, but no layer applies it",
                "why": CODES["RC001"].why,
                "fix": "call install_cors(app)",
                "path": "/items/{item_id}",
                "methods": ["PUT"],
                "host": None,
                "file": Place(HERE, 1).local_file,
                "line": line_of(described),
                "routes": [{"path": "/items/{item_id}", "methods": ["PUT"], "host": None}],
            }
        ],
    }


async def described(item_id: int) -> None: ...


@pytest.mark.parametrize("module", [clean, faulty, flat, nested, plain])
def test_the_data_of_any_report_can_be_written_as_json(module: Any) -> None:
    data = report(module.app).to_dict()
    assert json.loads(json.dumps(data)) == data
    assert len(data["routes"]) == len(report(module.app).routes)


def test_the_routes_of_the_docs_are_known_by_what_serves_them() -> None:
    """Not by their paths: these are the app's to choose, and others may have the usual ones."""
    app = FastAPI(openapi_url="/schema", docs_url="/pages", redoc_url=None)
    app.add_api_route("/docs", unique())
    app.mount("/", FastAPI(docs_url=None))
    told = {(route.path, route.is_documentation) for route in report(app).routes}
    assert told == {
        ("/schema", True),
        ("/pages", True),
        ("/docs/oauth2-redirect", True),
        ("/docs", False),
        ("/", False),
        ("/openapi.json", True),
        ("/redoc", True),
    }


def test_it_is_a_public_name() -> None:
    assert route_cors.report is report


# --- What an origin may do


def row_with(declared: Declared | None, *, socket: bool = False, layered: bool = True) -> ReportedRoute:
    endpoint_of_its_own = unique()
    app = FastAPI(openapi_url=None)
    register = app.websocket("/a") if socket else app.get("/a")
    if isinstance(declared, CORSPolicy):
        register(cors(declared)(endpoint_of_its_own))
    else:
        register(endpoint_of_its_own if declared is None else declared(endpoint_of_its_own))
    if layered:
        install_cors(app)
    return report(app).routes[0]


def asks(origin: str, connection: Any) -> bool:
    raise AssertionError


@pytest.mark.parametrize(
    ("declared", "origin", "access"),
    [
        (None, A, Access("no", with_credentials=False)),
        (no_cors, A, Access("no", with_credentials=False)),
        (policy(), A, Access("yes", with_credentials=False)),
        (policy(), B, Access("no", with_credentials=False)),
        (policy(), "null", Access("no", with_credentials=False)),
        (policy(origins="*"), "null", Access("yes", with_credentials=False)),
        (policy(allow_credentials=True), A, Access("yes", with_credentials=True)),
        (policy(allow_credentials=True), B, Access("no", with_credentials=False)),
        (policy(origins="https://*.a.example"), "https://x.a.example", Access("yes", with_credentials=False)),
        (policy(origins=re.compile("https://.")), "https://x", Access("yes", with_credentials=False)),
        (policy(origins=[A, asks]), A, Access("yes", with_credentials=False)),
        (policy(origins=[A, asks]), B, Access("asks", with_credentials=False)),
        (policy(origins=asks, allow_credentials=True), B, Access("asks", with_credentials=True)),
        # A callable is not asked about what no browser sends.
        (policy(origins=asks), "no origin", Access("no", with_credentials=False)),
        (policy(), "https://ä.example\u202e", Access("no", with_credentials=False)),
    ],
)
def test_what_pages_of_an_origin_may_do(declared: Declared | None, origin: str, access: Access) -> None:
    assert access_of(row_with(declared), origin) == access


@pytest.mark.parametrize(
    ("declared", "layered", "access"),
    [
        (None, True, Access("yes", with_credentials=True)),
        (policy(), True, Access("yes", with_credentials=True)),
        (policy(origins=B), True, Access("no", with_credentials=False)),
        (no_cors, True, Access("no", with_credentials=False)),
        (policy(origins=asks), True, Access("asks", with_credentials=True)),
        # Without a layer browsers let every page in.
        (policy(origins=B), False, Access("yes", with_credentials=True)),
    ],
)
def test_what_pages_of_an_origin_may_do_with_a_websocket(
    declared: Declared | None, layered: bool, access: Access
) -> None:
    assert access_of(row_with(declared, socket=True, layered=layered), A) == access


@pytest.mark.parametrize(
    ("declared", "verdict"),
    [
        (None, "no"),
        (no_cors, "no"),
        (policy(), "no"),
        (policy(origins="https://*.a.example"), "no"),
        (policy(origins=["http://localhost:*", A]), "no"),
        (policy(origins="*"), "yes"),
        (policy(origins=re.compile(r"https://[a-z]+\.app")), "yes"),
        (policy(origins=[A, asks]), "asks"),
    ],
)
def test_what_any_other_origin_may_do(declared: Declared | None, verdict: str) -> None:
    """The one that stands for all of them is let in where anyone can have an origin that is."""
    assert access_of(row_with(declared), STRANGER) == Access(verdict, with_credentials=False)  # type: ignore[arg-type]
    assert ANY_OTHER_ORIGIN == "any other origin"


def test_a_policy_that_nothing_carries_out_lets_nobody_in() -> None:
    row = row_with(policy(origins="*"), layered=False)
    assert access_of(row, A) == Access("no", with_credentials=False)


# --- In words


EVERYTHING = policy(
    origins=[B, "https://*.a.example", re.compile(r"https://x\.example"), asks],
    methods=["PUT", "GET"],
    allow_headers=["X-B", "X-A"],
    expose_headers=["ETag"],
    allow_credentials=True,
    max_age=60,
    enforce=True,
)
ORIGINS = rf"https://*.a.example, https://b.example, regex: https://x\.example, callable: {MODULE}.asks"


@pytest.mark.parametrize(
    ("declared", "origins", "whole"),
    [
        (None, "no policy", "no policy"),
        (no_cors, "closed (@no_cors)", "closed (@no_cors)"),
        (policy(origins="*"), "any origin", "any origin"),
        (policy(), A, A),
        (policy(max_age=None), A, f"{A}; no max age"),
        (policy(max_age=0), A, f"{A}; max age 0 s"),
        (
            EVERYTHING,
            ORIGINS,
            (
                f"{ORIGINS}; credentials; methods GET, PUT; headers X-A, X-B; exposes ETag; max age 60 s;"
                " enforced"
            ),
        ),
    ],
)
def test_a_policy_in_words(declared: Declared | None, origins: str, whole: str) -> None:
    assert origins_in_words(declared) == origins
    assert policy_in_words(declared) == whole


def test_a_policy_as_data() -> None:
    assert describe_policy(EVERYTHING) == {
        "origins": ["https://*.a.example", B, r"regex: https://x\.example", f"callable: {MODULE}.asks"],
        "methods": ["GET", "PUT"],
        "allow_headers": ["X-A", "X-B"],
        "expose_headers": ["ETag"],
        "allow_credentials": True,
        "max_age": 60,
        "enforce": True,
    }
    assert describe_policy(no_cors) == {
        "origins": [],
        "methods": None,
        "allow_headers": [],
        "expose_headers": [],
        "allow_credentials": False,
        "max_age": None,
        "enforce": None,
    }


def test_equal_policies_are_the_same_data() -> None:
    one_way: list[OriginItem] = [A, B, asks]
    assert describe_policy(policy(origins=one_way)) == describe_policy(policy(origins=[*reversed(one_way)]))


@pytest.mark.parametrize(
    ("thing", "name"),
    [
        (endpoint, f"{MODULE}.endpoint"),
        (functools.partial(endpoint), f"{MODULE}.endpoint"),
        (Endpoint, f"{MODULE}.Endpoint"),
        (Application(), f"{MODULE}.Application"),
        (len, "len"),
        (3, "int"),
    ],
)
def test_the_name_of_what_serves_a_route(thing: object, name: str) -> None:
    assert name_of(thing) == name
