"""dispatch: whose policy answers, however a route is registered and whatever path a client sends.

What changes while requests run is in test_dispatch_freshness.py, what nobody should send in
test_dispatch_hostile.py, and whatever else there is in test_dispatch_properties.py.
"""

from __future__ import annotations

import functools
import gc
import re
from typing import TYPE_CHECKING, Any, Final

import anyio
import fastapi.routing
import pytest
from asgi import Reply, ask, http_scope, preflight
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.routing import APIRoute
from named_endpoints import (
    ALONE,
    KEEPS_A_TREE,
    STRANGER,
    Opaque,
    allows_root_path,
    ask_for,
    assert_guards,
    assert_owns,
    assert_refuses,
    assert_serves,
    assert_untouched,
    get,
    in_a_list,
    in_a_tree,
    installed,
    named,
    named_app,
    named_class,
    named_websocket,
    policy,
    shaken_by,
    silent,
)
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, Convertor, register_url_convertor
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of endpoints
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Host, Match, Mount, Route, Router, WebSocketRoute, compile_path

from route_cors import (
    CORSPolicy,
    CORSRoute,
    CORSRouter,
    RouteCORSMiddleware,
    cors,
    install_cors,
    no_cors,
)
from route_cors.dispatch.resolver import Resolver
from route_cors.protocol import Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


# --- Templates


class Words(Convertor[str]):
    """May hold one slash."""

    regex = "[a-z]+(?:/[a-z]+)?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class Maybe(Words):
    """May be nothing at all."""

    regex = "x?"


class Bit(Words):
    regex = "0|1"


class Broken(Words):
    regex = "[a-z]+"

    def convert(self, value: str) -> str:
        raise RuntimeError("this convertor has no idea")


@pytest.fixture(autouse=True, scope="module")
def convertors() -> Iterator[None]:
    mine: dict[str, Convertor[Any]] = {"words": Words(), "maybe": Maybe(), "bit": Bit(), "broken": Broken()}
    for name, convertor in mine.items():
        register_url_convertor(name, convertor)
    yield
    for name in mine:
        del CONVERTOR_TYPES[name]


UUID: Final = "c1f4e2d0-3b5a-4c6d-8e7f-901234567890"
LONG: Final = "/a" * 5_000

# (template, paths that are its own, paths that are nobody's)
TEMPLATES: Final = [
    ("/", ["/", "/\n"], ["", "//", "/a", "\n", "/\n\n"]),
    (
        "/a",
        ["/a", "/a\n"],
        ["/A", "/a/", "//a", "/a//", "/a\n\n", "/a\r", "/%61", "/a ", "/a\x00", "a", "/aa", LONG],
    ),
    ("/a/", ["/a/", "/a/\n"], ["/a", "/a//", "/a/\n/"]),
    ("/a/b", ["/a/b"], ["/a//b", "/a/./b", "/x/../a/b", "/a%2Fb", "/a/b/c", "/a"]),
    ("/a//b", ["/a//b"], ["/a/b", "/a///b"]),
    ("/a.b+c", ["/a.b+c"], ["/axb+c", "/a.bbc", "/a.b c"]),
    ("/é", ["/é"], ["/e\u0301", "/É", "/Ã©"]),
    (
        "/{x}",
        ["/a", "/é", "/a b", "/a\n", "/\n", "/a\n\n", "/%2F", "/..", "/\u2028"],
        ["/", "//", "/a/", "/a/b", ""],
    ),
    ("/{x}/", ["/a/", "/a/\n"], ["/a", "//"]),
    ("/{x}/b", ["/a/b", "/b/b\n"], ["//b", "/a/c", "/a/b/", "/a\n/c"]),
    ("/{x}/{y}", ["/a/b"], ["/a", "/a/", "//b", "/a/b/c"]),
    ("/{x:str}", ["/a"], ["/"]),
    ("/{x:int}", ["/7", "/007", "/7\n"], ["/a", "/-7", "/7.0", "/٣", "/7/8", "/", "/7\n\n"]),
    ("/{x:float}", ["/7", "/7.5"], ["/7.", "/.5", "/1e3"]),
    ("/{x:uuid}", [f"/{UUID}", f"/{UUID}\n"], [f"/{UUID}0", f"/{{{UUID}}}"]),
    (
        "/{x}.json",
        ["/a.json", "/a.json.json", "/a b.json\n"],
        ["/.json", "/a", "/axjson", "/a.json/", "/a/.json"],
    ),
    ("/v{x:int}-{y}", ["/v1-a", "/v1-1-1"], ["/v-a", "/v1-", "/1-a"]),
    ("/f/{x:path}", ["/f/", "/f//", "/f/a/b", "/f/a\n", "/f/a/../b", "/f" + LONG], ["/f", "/f/a\nb", "/g/a"]),
    ("/{x:path}", ["/", "//", "/a/b", "/a\n", LONG], ["", "/a\nb"]),
    ("/{x:path}/b", ["//b", "/a/b", "/a/b/b"], ["/b", "/a/b/"]),
    ("/f/{x:path}.txt", ["/f/.txt", "/f/a/b.txt"], ["/f/", "/f.txt"]),
    ("/w/{x:words}", ["/w/a", "/w/a/b", "/w/a\n"], ["/w/", "/w/a/b/c", "/w/1", "/w/a/"]),
    ("/w/{x:words}/{y:int}", ["/w/a/1", "/w/a/b/1"], ["/w/a/b", "/w/1"]),
    ("/m{x:maybe}", ["/m", "/mx"], ["/", "/my"]),
    ("/m/{x:maybe}", ["/m/", "/m/x"], ["/m", "/m/xx"]),
    ("/{x:bit}", ["/0", "/1"], ["/2", "/01"]),
]
CASES: Final = [
    pytest.param(template, path, is_own, id=ascii(f"{template} {'is' if is_own else 'is not'} {path[:40]}"))
    for template, own, foreign in TEMPLATES
    for paths, is_own in ((own, True), (foreign, False))
    for path in paths
]


@pytest.mark.parametrize(("template", "path", "is_own"), CASES)
def test_a_plain_route_answers_for_the_paths_that_the_router_gives_it(
    template: str, path: str, is_own: bool
) -> None:
    app = installed(Route(template, named("here")), redirect_slashes=False)
    if is_own:
        assert_serves(app, path, "here", "GET, HEAD")
    else:
        assert_untouched(app, path, 404)


@pytest.mark.parametrize(("template", "path", "is_own"), CASES)
def test_an_api_route_answers_for_the_paths_that_the_router_gives_it(
    template: str, path: str, is_own: bool
) -> None:
    app = FastAPI(redirect_slashes=False)
    app.add_api_route(template, named("here"))
    install_cors(app)
    if is_own:
        assert_serves(app, path, "here")
    else:
        assert_untouched(app, path, 404)


@pytest.mark.parametrize(("template", "path", "is_own"), CASES)
def test_an_included_route_answers_for_its_paths_under_both_prefixes(
    template: str, path: str, is_own: bool
) -> None:
    router, outer = APIRouter(), APIRouter(prefix="/out")
    router.add_api_route(template, named("here"))
    outer.include_router(router, prefix="/in")
    app = FastAPI(redirect_slashes=False, openapi_url=None)
    app.include_router(outer, prefix="/{tenant}")
    install_cors(app)
    assert_untouched(app, path, 404)
    if is_own:
        assert_serves(app, "/t/out/in" + path, "here")
    else:
        assert_untouched(app, "/t/out/in" + path, 404)


@pytest.mark.parametrize(("template", "path", "is_own"), CASES)
def test_a_mounted_route_answers_for_its_paths_inside(template: str, path: str, is_own: bool) -> None:
    inside = Router([Route(template, named("here"))], redirect_slashes=False)
    app = installed(Mount("/m/{tenant}", app=inside), redirect_slashes=False)
    if path.endswith("\n"):
        # A mount leaves its app too little of such a path. Whatever comes of it comes to both requests.
        served = get(app, "/m/t" + path).status == 200
        assert (ask_for(app, "/m/t" + path, "https://here.example").status == 204) == served
    elif is_own:
        assert_serves(app, "/m/t" + path, "here", "GET, HEAD")
    else:
        assert_untouched(app, "/m/t" + path, 404)


@pytest.mark.parametrize("template", ["/{x:int}", "/{x:broken}", "/{x:words}-{y:broken}"])
def test_a_convertor_that_raises_is_not_called_for_a_preflight(template: str) -> None:
    # More digits than int() takes: the app's own 500, under the policy of the route that it was meant for.
    path = {"/{x:int}": "/" + "7" * 5_000, "/{x:broken}": "/a"}.get(template, "/a-b")
    app = installed(Route("/before/{x}", named("before")), Route(template, named("here")))
    scope = http_scope("GET", path, [(b"origin", b"https://here.example")])
    sent: list[Message] = []

    async def run() -> None:
        async def send(message: Message) -> None:
            sent.append(message)

        async def receive() -> Message:
            raise AssertionError

        await app(scope, receive, send)

    with pytest.raises((ValueError, RuntimeError)):
        anyio.run(run)
    reply = Reply(sent)
    assert (reply.status, reply.cors["access-control-allow-origin"]) == (500, "https://here.example")
    assert ask_for(app, path, "https://here.example").status == 204
    assert ask_for(app, path, STRANGER).status == 403


def test_a_route_that_is_asked_and_cannot_tell_makes_no_error() -> None:
    class Undecided(Route):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            return super().matches(scope)

    app = installed(Undecided("/{x:broken}", named("here")), Route("/{x}", named("after")))
    # The router asks it too, and makes its 500. Until then the policy is that of what would come next.
    with pytest.raises(RuntimeError, match="no idea"):
        get(app, "/a")
    assert ask_for(app, "/a", "https://after.example").status == 204


def test_a_replaced_regex_is_the_truth() -> None:
    route = Route("/a", named("here"))
    route.path_regex = compile_path("/b/{x:int}")[0]
    route.param_convertors = {"x": CONVERTOR_TYPES["int"]}
    app = installed(route, Route("/b/{x}", named("after")))
    assert_serves(app, "/b/7", "here", "GET, HEAD")
    assert_serves(app, "/b/x", "after", "GET, HEAD")
    assert_untouched(app, "/a", 404)


def test_a_regex_that_ignores_case_is_the_truth() -> None:
    route = Route("/a", named("here"))
    route.path_regex = re.compile("^/a$", re.IGNORECASE)
    app = installed(route)
    assert_serves(app, "/A", "here", "GET, HEAD")


def test_a_regex_whose_parameters_have_no_convertors_is_the_truth() -> None:
    route = Route("/{x}", named("here"))
    route.path_regex = compile_path("/b")[0]
    route.param_convertors = {}
    app = installed(route)
    assert_serves(app, "/b", "here", "GET, HEAD")
    assert_untouched(app, "/c", 404)


# --- Several routes for one path

OVERLAPS: Final = [
    ("/items/special", "/items/{x}", "/items/special"),
    ("/items/{x}", "/items/{y}", "/items/a"),
    ("/items/{x}", "/items/{x:int}", "/items/7"),
    ("/items/{x:int}", "/items/{x:float}", "/items/7"),
    ("/items/{x:path}", "/items/a/b", "/items/a/b"),
    ("/items/{x:path}", "/{x:path}", "/items/a/b"),
    ("/{x}.json", "/{x}", "/a.json"),
    ("/{x}/b", "/a/{x}", "/a/b"),
    ("/{x}/b/{y}", "/a/{x}/c", "/a/b/c"),
    ("/w/{x:words}", "/w/{x}/{y}", "/w/a/b"),
    ("/same", "/same", "/same"),
    ("/same", "/{x}", "/same\n"),
]
BOTH_ORDERS: Final = [*OVERLAPS, *((second, first, path) for first, second, path in OVERLAPS)]


@pytest.mark.parametrize(("first", "second", "path"), BOTH_ORDERS)
def test_the_first_registered_serves(first: str, second: str, path: str) -> None:
    app = installed(Route(first, named("first")), Route(second, named("second")))
    assert_serves(app, path, "first", "GET, HEAD")


@pytest.mark.parametrize(("first", "second", "path"), BOTH_ORDERS)
def test_the_first_included_serves(first: str, second: str, path: str) -> None:
    app = FastAPI(openapi_url=None)
    for template, name in ((first, "first"), (second, "second")):
        router = APIRouter()
        router.add_api_route(template, named(name))
        app.include_router(router)
    install_cors(app)
    assert_serves(app, path, "first")


@pytest.mark.parametrize(("first", "second", "path"), BOTH_ORDERS)
def test_each_method_goes_to_the_first_that_serves_it(first: str, second: str, path: str) -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route(first, named("first"), methods=["GET", "PUT"])
    app.add_api_route(second, named("second"), methods=["PUT", "PATCH"])
    install_cors(app)
    assert_serves(app, path, "first", "GET, PUT")
    assert_serves(app, path, "first", "GET, PUT", method="PUT")
    assert_serves(app, path, "second", "PATCH", method="PATCH")
    # Nobody's: the 405 is the first one's.
    assert_owns(app, path, "first", method="DELETE", status=405)
    assert_refuses(app, path, "first", method="DELETE")


@pytest.mark.parametrize(
    ("first", "second", "asked_before"),
    [("/a/b", "/a/{x}", "/a/c"), ("/a/", "/a/{x}", "/a/c"), ("/a/b", "/a/{x:path}", "/a/c/d")],
)
def test_a_last_newline_is_none_of_the_path_whatever_was_asked_before(
    first: str, second: str, asked_before: str
) -> None:
    app = installed(Route(first, named("first")), Route(second, named("second")))
    assert_serves(app, asked_before, "second", "GET, HEAD")
    assert_serves(app, first + "\n", "first", "GET, HEAD")


def test_a_newline_inside_is_no_part_of_a_rest_whatever_was_asked_before() -> None:
    app = installed(Route("/a/{x:path}", named("rest")), Route("/a/{x}/c", named("plain")))
    assert_serves(app, "/a/b/d", "rest", "GET, HEAD")
    assert_serves(app, "/a/b\n/c", "plain", "GET, HEAD")
    assert_untouched(app, "/a/b\n/d", 404)
    assert_serves(app, "/a/b/d\n", "rest", "GET, HEAD")


@pytest.mark.parametrize(("first", "second", "path"), BOTH_ORDERS)
def test_a_route_without_policy_shadows_like_any_other(first: str, second: str, path: str) -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route(first, silent("first"), methods=["PUT"])
    app.add_api_route(second, named("second"), methods=["PUT", "PATCH"])
    install_cors(app)
    assert_untouched(app, path, 200, method="PUT")
    assert_serves(app, path, "second", "PATCH", method="PATCH")
    assert_untouched(app, path, 405, method="DELETE")


def test_methods_are_granted_together_where_their_policies_are_equal() -> None:
    app = FastAPI(openapi_url=None)
    for method, name in {"GET": "one", "PUT": "two", "POST": "one", "DELETE": "one", "PATCH": "two"}.items():
        # Each a policy object of its own: equal is enough.
        app.add_api_route("/items/{x}", named(name), methods=[method])
    app.add_api_route("/items/{y}", cors(policy("one", max_age=60))(silent("one")), methods=["HEAD"])
    install_cors(app)
    for method in ("GET", "POST", "DELETE"):
        assert_serves(app, "/items/7", "one", "DELETE, GET, POST", method=method)
    for method in ("PUT", "PATCH"):
        assert_serves(app, "/items/7", "two", "PATCH, PUT", method=method)
    # Another max age is another policy.
    other = ask_for(app, "/items/7", "https://one.example", method="HEAD")
    assert other.cors["access-control-allow-methods"] == "HEAD"


def test_the_methods_of_a_policy_restrict_and_never_add() -> None:
    endpoint = named("here", methods=["PUT", "DELETE"])
    app = installed(Route("/a", endpoint, methods=["GET", "PUT"]))
    assert_serves(app, "/a", "here", "PUT", method="PUT")
    assert_refuses(app, "/a", "here", method="GET")
    assert_refuses(app, "/a", "here", method="DELETE")


@pytest.mark.parametrize("method", ["get", "Get", "PROPFIND", "", "GET, PUT", "*", "X" * 5_000])
def test_a_method_that_nobody_registered_is_refused(method: str) -> None:
    app = installed(Route("/a", named("here")))
    assert_refuses(app, "/a", "here", method=method)


# --- Kinds of endpoints


def test_an_endpoint_class_serves_the_methods_that_it_defines() -> None:
    app = installed(
        Route("/a", named_class("here", "get", "put")), Route("/{x}", named("after"), methods=["PATCH"])
    )
    for method in ("GET", "PUT"):
        assert_serves(app, "/a", "here", "GET, HEAD, PUT", method=method)
    assert_owns(app, "/a", "here", method="HEAD")
    # A class takes every method, so that the route after it is never reached.
    assert_refuses(app, "/a", "here", method="PATCH")
    assert_owns(app, "/a", "here", method="PATCH", status=405)


def test_an_endpoint_class_without_get_has_no_head() -> None:
    app = installed(Route("/a", named_class("here", "post", "options")))
    assert_serves(app, "/a", "here", "OPTIONS, POST", method="POST")
    assert_refuses(app, "/a", "here", method="HEAD")


def test_an_endpoint_class_under_a_list_of_methods_serves_those() -> None:
    app = installed(
        Route("/a", named_class("here", "get", "put"), methods=["PUT"]), Route("/a", named("after"))
    )
    assert_serves(app, "/a", "here", "PUT", method="PUT")
    assert_serves(app, "/a", "after", "GET, HEAD")


def test_an_asgi_endpoint_is_granted_any_method() -> None:
    app = installed(Route("/a", named_app("here")), Route("/a", named("after"), methods=["PUT"]))
    assert_serves(app, "/a", "here", ALONE)
    # It is handed every method, and it alone knows what it makes of it.
    assert_serves(app, "/a", "here", "PUT", method="PUT")


def test_an_asgi_endpoint_is_granted_the_methods_of_its_policy() -> None:
    app = installed(Route("/a", cors(policy("here", methods=["PUT", "DELETE"]))(Opaque("here"))))
    assert_serves(app, "/a", "here", "PUT", method="PUT")
    assert_refuses(app, "/a", "here", method="GET")


def test_an_asgi_endpoint_closed_by_no_cors() -> None:
    app = installed(Route("/a", no_cors(Opaque("here"))))
    assert ask_for(app, "/a", STRANGER).status == 403
    assert get(app, "/a").cors == {}


def test_partials_and_bound_methods_are_endpoints_too() -> None:
    class Service:
        async def show(self, request: Request) -> Response:
            return PlainTextResponse("method")

    async def endpoint(name: str, request: Request) -> Response:
        return PlainTextResponse(name)

    app = installed(
        Route("/partial", cors(policy("partial"))(functools.partial(endpoint, "partial"))),
        Route("/method", cors(policy("method"))(Service().show)),
    )
    assert_serves(app, "/partial", "partial", "GET, HEAD")
    assert_serves(app, "/method", "method", "GET, HEAD")


# --- Mounts


def test_a_mount_leads_to_its_routes() -> None:
    app = installed(
        Mount("/routes", routes=[Route("/a", named("routes"))]),
        Mount("/router", app=Router([Route("/a", named("router"))])),
        Mount("/starlette", app=Starlette(routes=[Route("/a", named("starlette"))])),
        Mount("", routes=[Route("/a", named("rest"))]),
    )
    for name in ("routes", "router", "starlette"):
        assert_serves(app, f"/{name}/a", name, "GET, HEAD")
        assert_owns(app, f"/{name}/a", name, method="PUT", status=405)
        # A mount that matches keeps the request: nothing after it is asked.
        assert_untouched(app, f"/{name}/b", 404)
    assert_serves(app, "/a", "rest", "GET, HEAD")


def test_routes_around_a_mount_keep_their_order() -> None:
    app = installed(
        Route("/m/before", named("before")),
        Mount("/m", routes=[Route("/{x}", named("inside"), methods=["GET", "PUT"])]),
        Route("/m/after", named("after")),
    )
    assert_serves(app, "/m/before", "before", "GET, HEAD")
    assert_serves(app, "/m/after", "inside", "GET, HEAD, PUT")


def test_a_grant_before_a_mount_names_no_method_that_is_served_inside_it() -> None:
    shared = policy("shared")
    inside = Starlette(routes=[Route("/a", named("inside"), methods=["POST"])])
    app = installed(
        Route("/m/a", cors(shared)(silent("shared")), methods=["PUT"]), Mount("/m", cors(shared)(inside))
    )
    assert_serves(app, "/m/a", "shared", "PUT", method="PUT")
    assert_serves(app, "/m/a", "inside", "POST", method="POST")


def test_a_grant_inside_a_mount_names_no_method_that_is_served_before_it() -> None:
    app = installed(
        Route("/m/a", named("before"), methods=["GET"]),
        Mount("/m", routes=[Mount("", routes=[Route("/a", named("inside"), methods=["GET", "PUT"])])]),
    )
    assert_serves(app, "/m/a", "before", "GET, HEAD")
    assert_serves(app, "/m/a", "inside", "PUT", method="PUT")


def test_a_grant_of_an_opaque_mount_names_no_method_that_is_served_before_it() -> None:
    app = installed(Route("/m/a", named("before"), methods=["GET"]), Mount("/m", app=named_app("inside")))
    assert_serves(app, "/m/a", "before", "GET, HEAD")
    assert_serves(app, "/m/a", "inside", "POST", method="POST")


def test_mounts_in_mounts() -> None:
    leaf = Router([Route("/{x:int}", named("leaf"))])
    app = installed(
        Mount(
            "/{a}",
            routes=[Mount("/b", app=Router([Mount("/{c:int}", app=leaf), Route("/{x:path}", named("b"))]))],
        )
    )
    assert_serves(app, "/a/b/1/2", "leaf", "GET, HEAD")
    assert_untouched(app, "/a/b/1/x", 404)
    assert_serves(app, "/a/b/x/2", "b", "GET, HEAD")
    assert_untouched(app, "/a/c", 404)


@pytest.mark.parametrize("mount_path", ["/{where:path}", "/{where:words}"])
def test_a_mount_whose_own_path_spans_segments(mount_path: str) -> None:
    app = installed(Mount(mount_path, routes=[Route("/leaf", named("leaf"))]))
    assert_serves(app, "/a/b/leaf", "leaf", "GET, HEAD")


def test_an_app_that_is_mounted_twice_has_one_policy_in_both_places() -> None:
    inside = Router([Route("/a", named("inside"))])
    app = installed(
        Mount("/one", app=inside), Mount("/two", app=inside), Mount("/three", app=cors(origins="*")(inside))
    )
    for place in ("/one", "/two", "/three"):
        assert_serves(app, place + "/a", "inside", "GET, HEAD")


def test_a_policy_on_a_mounted_app_holds_for_what_has_none_of_its_own() -> None:
    inside = Router([Route("/own", named("own")), Route("/bare", silent("sub"))])
    app = installed(Mount("/m", app=cors(policy("sub"))(inside)))
    assert_serves(app, "/m/own", "own", "GET, HEAD")
    assert_serves(app, "/m/bare", "sub", "GET, HEAD")
    assert_owns(app, "/m/nowhere", "sub", status=404)
    assert ask_for(app, "/m/nowhere", "https://sub.example").cors["access-control-allow-methods"] == ALONE


def test_mount_middleware_does_not_hide_the_routes() -> None:
    class Through:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    app = installed(
        Mount("/m", routes=[Route("/a", named("inside"))], middleware=[Middleware(Through)]),
        Mount("/opaque", app=named_app("opaque"), middleware=[Middleware(Through)]),
    )
    assert_serves(app, "/m/a", "inside", "GET, HEAD")
    assert_serves(app, "/opaque/a", "opaque", ALONE)


def test_a_policy_on_the_middleware_of_a_mount_holds_for_what_is_behind_it() -> None:
    class Through(Opaque):
        def __init__(self, app: ASGIApp) -> None:
            super().__init__("through")

    def build(app: ASGIApp) -> Any:
        return cors(policy("through"))(Through(app))

    app = installed(Mount("/m", app=Opaque("inside"), middleware=[Middleware(build)]))
    assert_serves(app, "/m/a", "through", ALONE)


def test_an_opaque_app_has_the_policy_set_on_it_or_none() -> None:
    app = installed(Mount("/with", app=named_app("with")), Mount("/without", app=Opaque("without")))
    assert_serves(app, "/with/a/b", "with", ALONE)
    assert_owns(app, "/with/", "with", method="PUT")
    assert_serves(app, "/with/", "with", "PUT", method="PUT")
    assert_untouched(app, "/without/a/b", 200)


def test_what_shows_no_list_of_routes_is_opaque() -> None:
    class Odd(Opaque):
        routes = "many"

    app = installed(Mount("/odd", app=cors(policy("odd"))(Odd("odd"))))
    assert_serves(app, "/odd/a", "odd", ALONE)


def test_any_app_that_shows_its_routes_is_descended_into() -> None:
    class Framework:
        """Somebody's own, around a Router."""

        def __init__(self, *routes: BaseRoute) -> None:
            self.inner = Router(routes)
            self.routes = self.inner.routes

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.inner(scope, receive, send)

    app = installed(Mount("/m", app=Framework(Route("/a", named("inside")))))
    assert_serves(app, "/m/a", "inside", "GET, HEAD")
    assert_untouched(app, "/m/b", 404)


def test_mounted_fastapi_apps_and_routers() -> None:
    sub, plain, mine = FastAPI(openapi_url=None), APIRouter(), CORSRouter(cors=policy("mine"))
    sub.add_api_route("/a", named("sub"))
    plain.add_api_route("/a", named("plain"))
    mine.add_api_route("/a", silent("mine"))
    app = FastAPI(openapi_url=None)
    app.mount("/sub", sub)
    app.mount("/plain", plain)
    app.mount("/mine", mine)
    install_cors(app)
    for name in ("sub", "plain", "mine"):
        assert_serves(app, f"/{name}/a", name)
    assert_untouched(app, "/plain/b", 404)
    assert_owns(app, "/mine/b", "mine", status=404)


def test_an_app_that_is_mounted_into_itself() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", named("here"))
    app.mount("/self", app)
    install_cors(app)
    for depth in (0, 1, 2, 20):
        assert_serves(app, "/self" * depth + "/a", "here")
    assert_untouched(app, "/self/self/b", 404)


@pytest.mark.parametrize("path", ["/self/a\n", "/self" * 2_000 + "/a"])
def test_an_app_that_is_mounted_into_itself_ends_somewhere(path: str) -> None:
    # The router itself goes round in circles for the first, and runs out of stack for the second.
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", named("here"))
    app.mount("/self", app)
    install_cors(app)
    assert ask_for(app, path, "https://here.example").status == 403


# --- Host routes


def test_host_routes() -> None:
    app = installed(
        Route("/before", named("before")),
        Host("api.example", app=Router([Route("/a", named("api"))])),
        Host(
            "{tenant}.example",
            app=Router([Route("/a", named("tenant")), Mount("/m", app=named_app("opaque"))]),
        ),
        Route("/a", named("after")),
    )
    assert_serves(app, "/before", "before", "GET, HEAD", host="api.example")
    assert_serves(app, "/a", "api", "GET, HEAD", host="api.example")
    assert_serves(app, "/a", "api", "GET, HEAD", host="api.example:8080")
    assert_serves(app, "/a", "tenant", "GET, HEAD", host="other.example")
    assert_serves(app, "/m/a", "opaque", ALONE, host="other.example")
    assert_serves(app, "/a", "after", "GET, HEAD", host="example.com")
    assert_untouched(app, "/b", 404, host="api.example")


def test_an_opaque_host() -> None:
    app = installed(Host("api.example", app=named_app("api")), Host("www.example", app=Opaque("www")))
    assert_serves(app, "/any/path", "api", ALONE)
    assert_untouched(app, "/any/path", 200, host="www.example")


@pytest.mark.parametrize(
    "host", ["", "api.example:", "a/b", "[::1", "API.EXAMPLE", "é.example", "a.example\n"]
)
def test_whatever_the_host_the_router_and_the_index_agree(host: str) -> None:
    app = installed(Host("api.example", app=Router([Route("/a", named("api"))])), Route("/a", named("after")))
    headers = [(b"host", host.encode("utf-8"))]
    name = ask(app, http_scope("GET", "/a", headers)).body.decode()
    asked = preflight(b"GET", f"https://{name}.example".encode(), *headers)
    assert ask(app, http_scope("OPTIONS", "/a", asked)).status == 204


@in_a_tree
def test_an_included_host_route() -> None:
    router = APIRouter()
    router.routes.append(Host("api.example", app=Router([Route("/a", named("api"))])))
    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/v1")
    app.include_router(router)
    install_cors(app)
    assert_serves(app, "/v1/a", "api", "GET, HEAD")
    assert_untouched(app, "/a", 404)
    assert_untouched(app, "/v1/a", 404, host="www.example")


@in_a_tree
def test_an_included_mount() -> None:
    router = CORSRouter(cors=policy("router"))
    router.mount("/m", app=Router([Route("/own", named("own")), Route("/bare", silent("router"))]))
    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/v1")
    app.include_router(router, prefix="/{version}/x")
    install_cors(app)
    for prefix in ("/v1", "/v2/x"):
        assert_serves(app, prefix + "/m/own", "own", "GET, HEAD")
        assert_serves(app, prefix + "/m/bare", "router", "GET, HEAD")
        assert_owns(app, prefix + "/m/nowhere", "router", status=404)
    assert_untouched(app, "/m/own", 404)


# --- Root paths


@pytest.mark.parametrize("root_path", ["/proxy", "/a", "/proxy/v1"])
def test_the_root_path_of_the_server(root_path: str) -> None:
    app = installed(
        Route("/a", named("here")),
        Mount("/m", routes=[Route("/a", named("mounted"))]),
        Route("/a/a", named("deep")),
    )
    assert_serves(app, root_path + "/a", "here", "GET, HEAD", root_path=root_path)
    assert_serves(app, root_path + "/m/a", "mounted", "GET, HEAD", root_path=root_path)
    # Servers that cut the prefix off send it all the same.
    assert_serves(app, "/a/a", "here" if root_path == "/a" else "deep", "GET, HEAD", root_path=root_path)
    assert_untouched(app, root_path + "x/a", 404, root_path=root_path)
    assert_untouched(app, root_path, 404, root_path=root_path) if root_path != "/a" else None


def fastapi_with(root_path: str) -> FastAPI:
    return FastAPI(openapi_url=None, root_path=root_path)


def test_a_root_path_is_none_of_the_path_whatever_was_asked_before() -> None:
    app = installed(Route("/a", named("inner")), Route("/api/a", named("outer")))
    assert_serves(app, "/a", "inner", "GET, HEAD")
    assert_serves(app, "/api/a", "outer", "GET, HEAD")
    assert_serves(app, "/api/a", "inner", "GET, HEAD", root_path="/api")
    assert_serves(app, "/api/api/a", "outer", "GET, HEAD", root_path="/api")


@allows_root_path
def test_the_root_path_of_the_app() -> None:
    app = fastapi_with("/proxy")
    app.add_api_route("/a", named("here"))
    app.mount("/m", Router([Route("/a", named("mounted"))]))
    install_cors(app)
    for path, name, methods in (("/a", "here", "GET"), ("/m/a", "mounted", "GET, HEAD")):
        assert_serves(app, "/proxy" + path, name, methods)
        assert_serves(app, "/proxy" + path, name, methods, root_path="/ignored")
    assert_serves(app, "/a", "here")


@allows_root_path
def test_the_root_path_of_a_mounted_app() -> None:
    # FastAPI overwrites what the mount has made of it: the path is whole again.
    sub = fastapi_with("/proxy")
    sub.add_api_route("/a", named("short"))
    sub.add_api_route("/sub/a", named("whole"))
    app = fastapi_with("")
    app.mount("/sub", sub)
    install_cors(app)
    assert_serves(app, "/sub/a", "whole")
    assert_serves(app, "/proxy/sub/a", "whole", root_path="/proxy")


@allows_root_path
def test_the_root_path_of_an_app_behind_a_host_route() -> None:
    sub = fastapi_with("/proxy")
    sub.add_api_route("/a", named("inside"))
    app = installed(Route("/a", named("outside")), Host("api.example", app=sub))
    assert_serves(app, "/proxy/a", "inside")
    assert_serves(app, "/a", "outside", "GET, HEAD")


@allows_root_path
def test_a_layer_inside_an_app_behind_a_host_route_knows_the_root_path_outside() -> None:
    sub = fastapi_with("/proxy")
    sub.add_api_route("/a", named("inside"))
    install_cors(sub)
    app = Starlette(routes=[Route("/a", named("outside")), Host("api.example", app=sub)])
    assert_serves(app, "/proxy/a", "inside")


# --- Slash redirects


def test_a_redirect_carries_the_policy_of_its_target() -> None:
    app = installed(
        Route("/a/", named("slash")),
        Route("/b", named("bare")),
        Mount("/m", routes=[Route("/", named("root")), Route("/c/", named("inner"))]),
        Mount("/opaque", app=named_app("opaque")),
    )
    for path, name, methods in (
        ("/a", "slash", "GET, HEAD"),
        ("/b/", "bare", "GET, HEAD"),
        ("/b//", "bare", "GET, HEAD"),
        ("/m", "root", "GET, HEAD"),
        ("/m/c", "inner", "GET, HEAD"),
        ("/opaque", "opaque", ALONE),
    ):
        assert_owns(app, path, name, status=307)
        granted = ask_for(app, path, f"https://{name}.example")
        assert granted.cors["access-control-allow-methods"] == methods
    # Redirected to a route that will answer with 405.
    assert_owns(app, "/a", "slash", method="PUT", status=307)
    assert_refuses(app, "/a", "slash", method="PUT")


def test_a_redirect_into_a_mount_that_has_no_such_route() -> None:
    app = Starlette(routes=[Mount("/m", routes=[Route("/a", named("inside"))])])
    install_cors(app, default=policy("default"))
    assert_owns(app, "/m", "default", status=307)
    assert_owns(app, "/m/", "default", status=404)


def test_a_grant_for_a_redirect_inside_a_mount_names_no_method_that_is_served_before_it() -> None:
    inside = Router([Route("/a/", named("inside"), methods=["GET", "PUT"])])
    app = installed(Route("/m/a", named("before"), methods=["GET"]), Mount("/m", app=inside))
    assert_serves(app, "/m/a", "before", "GET, HEAD")
    assert_serves(app, "/m/a", "inside", "PUT", method="PUT", status=307)
    assert_serves(app, "/m/a/", "inside", "GET, HEAD, PUT", method="PUT")


def test_a_redirect_to_what_would_be_redirected_again() -> None:
    # Cut by all its slashes at once, the path is one that only another redirect would lead on.
    app = Starlette(routes=[Mount("/m/{x}", routes=[Mount("/b", routes=[Route("/", named("leaf"))])])])
    install_cors(app, default=policy("default"))
    assert_owns(app, "/m/a/b", "leaf", status=307)
    assert_owns(app, "/m/a/b//", "default", status=get(app, "/m/a/b//").status)


def test_without_redirects_a_slash_too_many_is_a_404() -> None:
    inner = Router([Route("/c/", named("inner"))], redirect_slashes=False)
    app = installed(Route("/a/", named("slash")), Mount("/m", app=inner), redirect_slashes=False)
    for path in ("/a", "/m", "/m/c"):
        assert_untouched(app, path, 404)
    app.router.redirect_slashes = True
    assert_owns(app, "/a", "slash", status=307)
    assert_untouched(app, "/m/c", 404)


def test_a_redirect_of_an_included_router() -> None:
    router = APIRouter()
    router.add_api_route("/a/", named("here"))
    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/in")
    install_cors(app)
    assert_owns(app, "/in/a", "here", status=307)
    assert_serves(app, "/in/a/", "here")


def test_a_redirect_that_asks_a_route() -> None:
    app = installed(HeaderRoute("/a/", named("here")))
    assert_untouched(app, "/a", 404)
    headers = [(b"x-version", b"2"), (b"origin", b"https://here.example")]
    reply = ask(app, http_scope("GET", "/a", headers))
    assert (reply.status, reply.cors["access-control-allow-origin"]) == (307, "https://here.example")


# --- Websockets


def test_websocket_routes_have_the_policies_of_their_own() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", named("http"))
    app.add_api_websocket_route("/a", named_websocket("api"))
    app.router.add_websocket_route("/plain/{x:int}", named_websocket("plain"))
    app.mount(
        "/m", Router([WebSocketRoute("/{x}", named_websocket("mounted")), Route("/h", named("mounted"))])
    )
    app.mount("/opaque", named_app("opaque"))
    app.router.routes.append(Host("ws.example", app=Router([WebSocketRoute("/b", named_websocket("host"))])))
    install_cors(app, default=policy("default"))
    assert_guards(app, "/a", "api")
    assert_guards(app, "/plain/7", "plain")
    assert_guards(app, "/m/h", "mounted")
    assert_guards(app, "/opaque/a", "opaque")
    assert shaken_by(app, "/plain/x", "https://plain.example") is None
    assert_serves(app, "/a", "http")


def test_the_first_websocket_route_is_the_one() -> None:
    app = installed(
        WebSocketRoute("/{x}", named_websocket("first")), WebSocketRoute("/a", named_websocket("second"))
    )
    assert_guards(app, "/a", "first")
    assert_guards(app, "/a\n", "first")


def test_the_default_does_not_speak_for_websockets() -> None:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept(headers=[(b"x-name", b"bare")])

    app = Starlette(routes=[WebSocketRoute("/a", endpoint)])
    install_cors(app, default=policy("default"))
    assert shaken_by(app, "/a") == "bare"


def test_the_default_does_not_speak_for_websockets_that_go_nowhere() -> None:
    app = Starlette()
    app.router.default = Opaque("nobody")
    install_cors(app, default=policy("default"))
    assert shaken_by(app, "/nowhere") == "nobody"


def test_an_included_websocket_route() -> None:
    router = APIRouter()
    router.add_api_websocket_route("/a", named_websocket("api"))
    router.add_websocket_route("/plain", named_websocket("plain"))
    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/in")
    install_cors(app)
    assert_guards(app, "/in/a", "api")
    assert_guards(app, "/in/plain", "plain")


# --- Routes whose class has its own `matches`


class HeaderRoute(Route):
    """Takes requests of the second version alone."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if (b"x-version", b"2") not in scope["headers"]:
            return Match.NONE, {}
        return super().matches(scope)


class HeaderAPIRoute(APIRoute):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if (b"x-version", b"2") not in scope.get("headers", ()):
            return Match.NONE, {}
        return super().matches(scope)


class ShyAPIRoute(APIRoute):
    """Leaves what it does not serve to the routes after it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        return (match, child_scope) if match is Match.FULL else (Match.NONE, {})


def owner_of(app: ASGIApp, path: str, method: str, *headers: tuple[bytes, bytes]) -> tuple[int, str]:
    reply = ask(app, http_scope(method, path, headers))
    return reply.status, reply.body.decode()


def granted_to(app: ASGIApp, path: str, method: str, name: str, *headers: tuple[bytes, bytes]) -> str | None:
    asked = preflight(method.encode(), f"https://{name}.example".encode(), *headers)
    return ask(app, http_scope("OPTIONS", path, asked)).cors.get("access-control-allow-methods")


SECOND: Final = (b"x-version", b"2")


def test_a_route_that_matches_by_header_is_asked_about_each_request() -> None:
    app = installed(HeaderRoute("/a", named("second")), Route("/{x}", named("first")))
    assert_owns(app, "/a", "first")
    assert owner_of(app, "/a", "GET", SECOND) == (200, "second")
    # What it said of one method says nothing of the others.
    assert granted_to(app, "/a", "GET", "second", SECOND) == "GET"
    assert granted_to(app, "/a", "HEAD", "second", SECOND) == "HEAD"
    assert granted_to(app, "/a", "GET", "first", SECOND) is None
    assert granted_to(app, "/a", "GET", "first") in {"GET", "GET, HEAD"}


@pytest.mark.parametrize("prefixes", [("/in",), ("/in", "/again/{x}")])
def test_a_route_class_with_matches_is_asked_on_included_routers_too(prefixes: tuple[str, ...]) -> None:
    router = APIRouter(route_class=HeaderAPIRoute)
    router.add_api_route("/a", named("second"))
    app = FastAPI(openapi_url=None)
    for prefix in prefixes:
        app.include_router(router, prefix=prefix)
    app.add_api_route("/{x:path}", named("first"))
    install_cors(app)
    for path in ("/in/a", *(["/again/7/a"] if len(prefixes) > 1 else [])):
        assert_serves(app, path, "first")
        assert owner_of(app, path, "GET", SECOND) == (200, "second")
        assert granted_to(app, path, "GET", "second", SECOND) == "GET"
        assert granted_to(app, path, "GET", "first", SECOND) is None
    assert owner_of(app, "/a", "GET", SECOND) == (200, "first")
    assert granted_to(app, "/a", "GET", "first", SECOND) == "GET"


@pytest.mark.parametrize("is_included", [False, True])
def test_a_route_class_that_matches_by_method(is_included: bool) -> None:
    router = APIRouter(route_class=ShyAPIRoute)
    router.add_api_route("/a", named("shy"), methods=["GET", "PUT"])
    app = FastAPI(openapi_url=None)
    if is_included:
        app.include_router(router)
    else:
        app.router.routes.extend(router.routes)
    app.add_api_route("/a", named("after"), methods=["PUT", "PATCH"])
    install_cors(app)
    for method, name in {"GET": "shy", "PUT": "shy", "PATCH": "after"}.items():
        # Least of all may PUT be granted beside PATCH: it is the other's.
        assert_serves(app, "/a", name, method, method=method)
    assert_owns(app, "/a", "after", method="DELETE", status=405)


def test_a_cors_route_that_is_asked_does_not_ask_again() -> None:
    asked: list[str] = []

    class Watched(CORSRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            asked.append(scope["method"])
            return super().matches(scope)

    router = APIRouter(route_class=Watched)
    router.add_api_route("/a", named("here"))
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    assert ask_for(app, "/a", "https://here.example").status == 204
    asked.clear()
    assert_refuses(app, "/a", "here", method="OPTIONS")
    assert set(asked) == {"OPTIONS"}
    assert len(asked) < 20


def test_a_route_that_is_asked_lends_nothing_to_the_default() -> None:
    router = APIRouter(route_class=ShyAPIRoute)
    router.add_api_route("/a", named("shy"))
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    install_cors(app, default=policy("default"))
    assert_serves(app, "/a", "shy")
    assert_owns(app, "/a", "default", method="POST", status=404)
    # GET is the other's.
    assert granted_to(app, "/a", "POST", "default") in {"POST", "HEAD, POST"}


def test_a_matches_on_the_instance_is_asked() -> None:
    route = Route("/a", named("hidden"), methods=["PUT"])
    route.matches = lambda scope: (Match.NONE, {})  # type: ignore[method-assign]
    app = installed(route, Route("/a", named("here"), methods=["PUT"]))
    assert_serves(app, "/a", "here", "PUT", method="PUT")


def test_a_proxy_around_a_route_is_asked() -> None:
    class Proxy:
        """As instrumentations make them: it passes for what it stands around."""

        def __init__(self, route: Route) -> None:
            self._route = route

        @property
        def __class__(self) -> Any:
            return self._route.__class__

        @__class__.setter
        def __class__(self, value: Any) -> None:
            raise AttributeError

        def __getattr__(self, name: str) -> Any:
            return getattr(self._route, name)

    proxy: Any = Proxy(Route("/a", named("here")))
    app = installed(proxy)
    assert_serves(app, "/a", "here", "GET")
    assert_untouched(app, "/b", 404)


def test_an_asked_route_makes_its_own_405() -> None:
    app = installed(HeaderRoute("/a", named("second")), Route("/{x}", named("first"), methods=["PATCH"]))
    headers = [SECOND, (b"origin", b"https://second.example")]
    reply = ask(app, http_scope("PUT", "/a", headers))
    assert (reply.status, reply.cors["access-control-allow-origin"]) == (405, "https://second.example")
    assert granted_to(app, "/a", "PUT", "second", SECOND) is None
    assert granted_to(app, "/a", "PATCH", "first", SECOND) == "PATCH"


def test_a_route_of_another_kind_is_asked() -> None:
    class Everything(BaseRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            return (Match.FULL if scope["path"].startswith("/e") else Match.NONE), {}

        async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
            await Opaque("every")(scope, receive, send)

    app = installed(cors(policy("every"))(Everything()), Route("/{x}", named("after")))
    assert_serves(app, "/e", "every", "GET")
    assert_owns(app, "/a", "after")
    assert_guards(app, "/e", "every")


def test_a_mount_that_overrides_matches_is_asked_and_entered() -> None:
    class HeaderMount(Mount):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            if SECOND not in scope["headers"]:
                return Match.NONE, {}
            return super().matches(scope)

    app = installed(HeaderMount("/m", routes=[Route("/a", named("second"))]), Route("/m/a", named("first")))
    assert_serves(app, "/m/a", "first", "GET, HEAD")
    assert owner_of(app, "/m/a", "GET", SECOND) == (200, "second")
    assert granted_to(app, "/m/a", "GET", "second", SECOND) == "GET, HEAD"


def test_a_websocket_route_that_overrides_matches_is_asked() -> None:
    class Never(WebSocketRoute):
        def matches(self, scope: Scope) -> tuple[Match, Scope]:
            return Match.NONE, {}

    app = installed(Never("/a", named_websocket("never")), WebSocketRoute("/a", named_websocket("here")))
    assert_guards(app, "/a", "here")


def test_an_endpoint_class_on_an_asked_route_serves_the_methods_that_it_defines() -> None:
    app = installed(HeaderRoute("/a", named_class("here", "get")))
    assert granted_to(app, "/a", "GET", "here", SECOND) == "GET"
    assert owner_of(app, "/a", "DELETE", SECOND)[0] == 405
    assert granted_to(app, "/a", "DELETE", "here", SECOND) is None


def test_what_hostile_methods_make_us_remember_is_bounded() -> None:
    app = installed(HeaderRoute("/a", named_app("here")))
    granted_to(app, "/a", "GET", "here", SECOND)
    for number in range(3_000):
        scope = http_scope("OPTIONS", "/a", preflight(b"M%d" % number, b"https://here.example", SECOND))
        Resolver(app).resolve(scope, f"M{number}")
    assert sum(isinstance(thing, Terms) for thing in gc.get_objects()) < 2_500


# --- Who inherits from whom


def chain(*, endpoint: bool, own: bool, including: bool, mounted: bool, default: bool) -> FastAPI:
    """An endpoint of a router, included by another, in a mounted app: a policy at some of the five places."""
    router = CORSRouter(cors=policy("own") if own else None)
    router.add_api_route("/a", named("endpoint") if endpoint else silent("nobody"))
    outer = CORSRouter(cors=policy("including") if including else None)
    between = APIRouter()
    between.include_router(router)
    outer.include_router(between, prefix="/in")
    sub = FastAPI(openapi_url=None)
    sub.include_router(outer)
    if mounted:
        install_cors(sub, default=policy("mounted"))
    app = FastAPI(openapi_url=None)
    app.mount("/m", sub)
    install_cors(app, default=policy("default") if default else None)
    return app


PLACES: Final = ("endpoint", "own", "including", "mounted", "default")


@pytest.mark.parametrize("innermost", PLACES)
@pytest.mark.parametrize("others", [False, True])
def test_the_innermost_policy_wins_wholly(innermost: str, others: bool) -> None:
    reached = PLACES.index(innermost)
    declared = {place: at == reached or (others and at > reached) for at, place in enumerate(PLACES)}
    app = chain(**declared)
    reply = get(app, "/m/in/a", f"https://{innermost}.example")
    assert reply.cors == {"access-control-allow-origin": f"https://{innermost}.example", "vary": "Origin"}
    assert ask_for(app, "/m/in/a", f"https://{innermost}.example").status == 204
    for other in {*PLACES} - {innermost}:
        assert ask_for(app, "/m/in/a", f"https://{other}.example").status == 403


def test_an_api_route_inherits_from_the_router_that_includes_its_own() -> None:
    router, outer = APIRouter(), CORSRouter(cors=policy("outer"))
    router.add_api_route("/a", silent("outer"))
    outer.include_router(router, prefix="/in")
    app = FastAPI(openapi_url=None)
    app.include_router(outer)
    install_cors(app)
    assert_serves(app, "/in/a", "outer")


def test_two_including_routers_have_their_own_word_each() -> None:
    router = APIRouter()
    router.add_api_route("/a", silent("one"))
    app = FastAPI(openapi_url=None)
    for name in ("one", "two"):
        outer = CORSRouter(cors=policy(name))
        outer.include_router(router, prefix=f"/{name}")
        app.include_router(outer)
    install_cors(app)
    assert_serves(app, "/one/a", "one")
    assert ask_for(app, "/two/a", "https://two.example").status == 204
    assert ask_for(app, "/two/a", "https://one.example").status == 403


def test_no_cors_is_a_policy_like_any_other() -> None:
    router = CORSRouter(cors=no_cors)
    router.add_api_route("/closed", silent("closed"))
    router.add_api_route("/open", named("open"))
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    install_cors(app, default=policy("default"))
    assert_serves(app, "/open", "open")
    assert ask_for(app, "/closed", "https://default.example").status == 403
    assert get(app, "/closed", "https://default.example").cors == {}


def mixed_router() -> CORSRouter:
    router = CORSRouter(cors=policy("router"))
    router.add_api_route("/api", silent("router"))
    router.add_route("/plain", silent("router"))
    router.mount("/mounted", Router([Route("/a", silent("router"))]))

    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept(headers=[(b"x-name", b"router")])

    router.add_websocket_route("/websocket", endpoint)
    return router


@in_a_tree
def test_in_a_tree_every_kind_of_route_inherits() -> None:
    outer = APIRouter()
    outer.include_router(mixed_router())
    app = FastAPI(openapi_url=None)
    app.include_router(outer)
    install_cors(app)
    assert_serves(app, "/api", "router")
    assert_serves(app, "/plain", "router", "GET, HEAD")
    assert_serves(app, "/mounted/a", "router", "GET, HEAD")
    assert_guards(app, "/websocket", "router")


@in_a_list
def test_in_a_list_api_routes_inherit() -> None:
    outer = APIRouter()
    outer.include_router(mixed_router())
    app = FastAPI(openapi_url=None)
    app.include_router(outer)
    install_cors(app)
    assert_serves(app, "/api", "router")
    assert_untouched(app, "/plain", 200)
    assert shaken_by(app, "/websocket") == "router"
    # Such a router drops its mounts.
    assert_untouched(app, "/mounted/a", 404)


def test_a_mounted_router_speaks_for_every_kind_of_route() -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/m", mixed_router())
    install_cors(app, default=policy("default"))
    assert_serves(app, "/m/api", "router")
    assert_serves(app, "/m/plain", "router", "GET, HEAD")
    assert_serves(app, "/m/mounted/a", "router", "GET, HEAD")
    assert_owns(app, "/m/nowhere", "router", status=404)
    assert_guards(app, "/m/websocket", "router")


def test_what_is_called_cors_and_is_no_policy_is_none_of_ours() -> None:
    class OwnRouter(APIRouter):
        cors = "yes, please"

    router = OwnRouter()
    router.add_api_route("/a", silent("a"))
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    install_cors(app)
    assert_untouched(app, "/a", 200)


# --- Defaults, and layers further in


def test_the_default_holds_for_http_routes_opaque_mounts_and_404s() -> None:
    app = Starlette(
        routes=[
            Route("/own", named("own")),
            Route("/bare", silent("default"), methods=["PUT"]),
            Mount("/opaque", app=Opaque("default")),
            Mount("/m", routes=[Route("/a", silent("default"))]),
        ]
    )
    install_cors(app, default=policy("default"))
    assert_serves(app, "/own", "own", "GET, HEAD")
    assert_serves(app, "/bare", "default", "PUT", method="PUT")
    assert_owns(app, "/bare", "default", status=405)
    assert_serves(app, "/opaque/a", "default", ALONE)
    assert_serves(app, "/m/a", "default", "GET, HEAD")
    for path in ("/nowhere", "/m/nowhere"):
        assert_owns(app, path, "default", status=404)
        assert ask_for(app, path, "https://default.example").cors["access-control-allow-methods"] == ALONE


def test_the_methods_of_a_default_hold_where_no_route_can_be_asked() -> None:
    app = Starlette(routes=[Mount("/opaque", app=Opaque("default"))])
    install_cors(app, default=policy("default", methods=["PUT", "GET"]))
    for path in ("/opaque/a", "/nowhere"):
        granted = ask_for(app, path, "https://default.example", method="PUT")
        assert granted.cors["access-control-allow-methods"] == "PUT"
        refused = ask_for(app, path, "https://default.example", method="DELETE")
        assert (refused.status, refused.body) == (403, b"CORS preflight refused: method")


def test_a_class_endpoint_under_a_default_keeps_its_methods() -> None:
    app = Starlette(routes=[Route("/a", type("Plain", (HTTPEndpoint,), {"delete": silent("default")}))])
    install_cors(app, default=policy("default"))
    granted = ask_for(app, "/a", "https://default.example", method="DELETE")
    assert granted.cors["access-control-allow-methods"] == "DELETE"


@pytest.mark.parametrize("how", ["install_cors", "add_middleware"])
@pytest.mark.parametrize("has_outer_default", [False, True])
def test_a_mounted_app_brings_its_own_default(how: str, has_outer_default: bool) -> None:
    sub = Starlette(routes=[Route("/a", silent("sub")), Route("/own", named("own"))])
    app = Starlette(routes=[Mount("/m", app=sub), Route("/a", silent("default"))])
    add_layer(sub, how, policy("sub"))
    install_cors(app, default=policy("default") if has_outer_default else None)
    assert_serves(app, "/m/a", "sub", "GET, HEAD")
    assert_serves(app, "/m/own", "own", "GET, HEAD")
    assert_owns(app, "/m/nowhere", "sub", status=404)
    if has_outer_default:
        assert_serves(app, "/a", "default", "GET, HEAD")
    else:
        assert_untouched(app, "/a", 200)


@pytest.mark.parametrize("how", ["install_cors", "add_middleware"])
def test_a_mounted_app_with_a_layer_and_no_default_has_the_outer_one(how: str) -> None:
    sub = Starlette(routes=[Route("/a", silent("default"))])
    app = Starlette(routes=[Mount("/m", app=sub)])
    add_layer(sub, how, None)
    install_cors(app, default=policy("default"))
    assert_serves(app, "/m/a", "default", "GET, HEAD")


def test_other_middleware_of_a_mounted_app_is_no_layer() -> None:
    class Through:
        def __init__(self, app: ASGIApp, default: object) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    sub = Starlette(
        routes=[Route("/a", silent("second"))],
        middleware=[
            Middleware(Through, default=policy("through")),
            Middleware(RouteCORSMiddleware, default=policy("first")),
            Middleware(RouteCORSMiddleware, default=policy("second")),
        ],
    )
    app = installed(Mount("/m", app=sub))
    assert_serves(app, "/m/a", "second", "GET, HEAD")


def add_layer(app: Starlette, how: str, default: CORSPolicy | None) -> None:
    if how == "install_cors":
        install_cors(app, default=default)
    else:
        app.add_middleware(RouteCORSMiddleware, default=default)


@pytest.mark.parametrize("how", ["install_cors", "add_middleware"])
def test_a_layer_of_a_mounted_app_alone(how: str) -> None:
    sub = FastAPI(openapi_url=None)
    sub.add_api_route("/own", named("own"))
    sub.add_api_route("/bare", silent("sub"), methods=["GET", "PUT"])
    sub.mount("/deeper", Router([Route("/a", named("deeper"))]))
    sub.mount("/opaque", Opaque("sub"))
    add_layer(sub, how, policy("sub"))
    app = Starlette(
        routes=[Route("/bare", silent("outside")), Mount("/m", app=sub), Route("/own", named("late"))]
    )
    assert_serves(app, "/m/own", "own")
    assert_serves(app, "/m/bare", "sub", "GET, PUT", method="PUT")
    assert_serves(app, "/m/deeper/a", "deeper", "GET, HEAD")
    assert_serves(app, "/m/opaque/a", "sub", ALONE)
    assert_owns(app, "/m/nowhere", "sub", status=404)
    # What is outside has no layer.
    assert get(app, "/own").cors == {}
    assert_untouched(app, "/bare", 200)


@pytest.mark.parametrize("root_path", ["", "/proxy"])
def test_a_layer_of_a_mounted_app_knows_what_is_registered_before_the_mount(root_path: str) -> None:
    sub = Starlette(routes=[Route("/a", named("sub"), methods=["PUT", "DELETE"])])
    install_cors(sub)
    app = Starlette(routes=[Route("/m/a", silent("private"), methods=["PUT"]), Mount("/m", app=sub)])
    path = root_path + "/m/a"
    # The preflight comes through the mount; the request that it announces would not.
    assert ask_for(app, path, "https://sub.example", method="PUT", root_path=root_path).status != 204
    assert_serves(app, path, "sub", "DELETE", method="DELETE", root_path=root_path)


def test_a_layer_in_the_middleware_of_a_mount() -> None:
    layer = Middleware(RouteCORSMiddleware, default=policy("mount"))
    app = Starlette(
        routes=[
            Route("/a", named("outside")),
            Mount(
                "/m", routes=[Route("/a", silent("mount")), Route("/own", named("own"))], middleware=[layer]
            ),
            Mount("/opaque", app=Opaque("mount"), middleware=[layer]),
        ]
    )
    assert_serves(app, "/m/a", "mount", "GET, HEAD")
    assert_serves(app, "/m/own", "own", "GET, HEAD")
    assert_serves(app, "/opaque/a", "mount", ALONE)
    assert get(app, "/a").cors == {}


@pytest.mark.parametrize("inner", [Starlette, Router])
def test_a_layer_around_a_mounted_app(inner: Callable[..., Any]) -> None:
    wrapped = inner(routes=[Route("/a", silent("mount")), Route("/own", named("own"))])
    app = Starlette(
        routes=[
            Mount("/m", app=RouteCORSMiddleware(wrapped, default=policy("mount"))),
            Route("/a", named("outside")),
            Route("/own", silent("outside")),
        ]
    )
    assert_serves(app, "/m/a", "mount", "GET, HEAD")
    assert_serves(app, "/m/own", "own", "GET, HEAD")


@allows_root_path
def test_a_layer_around_a_whole_app() -> None:
    inside = fastapi_with("/proxy")
    inside.add_api_route("/a", named("here"))
    app = RouteCORSMiddleware(inside, default=policy("default"))
    assert_serves(app, "/proxy/a", "here")
    assert_owns(app, "/nowhere", "default", status=404)


def test_a_layer_around_what_shows_no_routes() -> None:
    app = RouteCORSMiddleware(Opaque("default"), default=policy("default"))
    assert_serves(app, "/any", "default", ALONE)


def test_an_outer_layer_that_found_a_policy_does_the_work_alone() -> None:
    sub = Starlette(routes=[Route("/a", named("sub"))])
    install_cors(sub, default=policy("inner"))
    app = Starlette(routes=[Mount("/m", app=sub)])
    install_cors(app, default=policy("default"))
    reply = get(app, "/m/a", "https://sub.example")
    assert [name for name, _ in reply.headers].count(b"access-control-allow-origin") == 1
    assert [name for name, _ in reply.headers].count(b"vary") == 1


def test_a_cors_route_without_any_layer_finds_itself() -> None:
    router = APIRouter(route_class=CORSRoute)
    router.add_api_route("/a", named("here"))
    sub = FastAPI(openapi_url=None)
    sub.include_router(router, prefix="/in")
    app = FastAPI(openapi_url=None)
    app.mount("/m", sub)
    assert_serves(app, "/m/in/a", "here")
    assert_serves(sub, "/in/a", "here")


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI serves no frontends")
def test_the_default_covers_a_frontend(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("default", encoding="utf-8")
    app: Any = FastAPI(openapi_url=None)
    app.add_api_route("/a/", named("here"))
    app.frontend("/", directory=tmp_path)
    install_cors(app, default=policy("default"))
    reply = get(app, "/index.html", "https://default.example")
    assert (reply.status, reply.cors["access-control-allow-origin"]) == (200, "https://default.example")
    granted = ask_for(app, "/index.html", "https://default.example")
    assert granted.cors["access-control-allow-methods"] == "GET, HEAD"
    # The slash redirect comes before it.
    assert_owns(app, "/a", "here", status=307)


# --- What is taken from FastAPI by its private names


@pytest.mark.skipif(not KEEPS_A_TREE, reason="FastAPI keeps a flat list below 0.137")
def test_fastapi_still_has_the_private_names_that_the_index_reads() -> None:
    """If this fails, FastAPI keeps its included routers in another way: dispatch/routes.py must learn it."""
    innermost, router, app = APIRouter(), APIRouter(), FastAPI(openapi_url=None)
    api: Any
    plain: Any
    declared = silent("api")
    innermost.add_api_route("/api", declared)
    innermost.add_route("/plain", silent("plain"))
    router.include_router(innermost, prefix="/in")
    app.include_router(router, prefix="/out")

    included_class = fastapi.routing._IncludedRouter
    key = fastapi.routing._FASTAPI_EFFECTIVE_ROUTE_CONTEXT_KEY
    (outer,) = (route for route in app.router.routes if isinstance(route, included_class))
    assert outer.original_router is router
    (inner,) = outer.effective_candidates()
    assert isinstance(inner, included_class)
    assert inner.original_router is innermost
    api, plain = inner.effective_candidates()
    assert (api.original_route, plain.original_route) == (innermost.routes[0], innermost.routes[1])
    assert api.starlette_route is None
    assert api.path_regex.pattern == "^/out/in/api$"
    assert (api.path, api.methods, api.param_convertors) == ("/out/in/api", {"GET"}, {})
    assert api.endpoint is declared
    assert plain.starlette_route.path == "/out/in/plain"
    scope = http_scope("GET", "/out/in/api", fastapi={key: api})
    assert innermost.routes[0].matches(scope)[0] is Match.FULL
