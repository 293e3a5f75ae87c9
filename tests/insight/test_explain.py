"""`explain`: the whole story of a call, and what it says of each kind of route, layer, policy and origin."""

from __future__ import annotations

import inspect
import json
import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import pytest
from fastapi import Depends, FastAPI, WebSocket
from fastapi.routing import APIRoute
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Host, Match, Mount, Route, Router, WebSocketRoute

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors
from route_cors.insight import Call, Explanation, Fix, Place
from route_cors.insight.explain import explain, explain_async
from route_cors.testing import Browser, CORSBlocked

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import Receive, Scope, Send

OURS: Final = "https://app.example.com"
STRANGER: Final = "https://evil.example"
SHOP: Final = CORSPolicy(origins=OURS, allow_headers=["X-Token"], expose_headers=["ETag"], max_age=60)
GRANTED: Final = "Accept, Accept-Language, Content-Language, Content-Type, X-Token"
VARY: Final = ["vary", "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"]
LAYER: Final = {"name": "layer", "passed": True, "detail": "the CORS layer applies the policy"}


async def endpoint() -> None:
    raise AssertionError("the endpoint ran")


def dependency() -> None:
    raise AssertionError("the dependency ran")


@cors(SHOP)
async def cart(item: str) -> None:
    await endpoint()


@no_cors
async def closed() -> None:
    await endpoint()


@cors(origins=OURS)
async def chat(websocket: WebSocket) -> None:
    await endpoint()


async def open_chat(websocket: WebSocket) -> None:
    await endpoint()


async def opaque(scope: Scope, receive: Receive, send: Send) -> None:
    await endpoint()


def shop(**arguments: Any) -> FastAPI:
    """Routes with a policy, without one, and closed; none of which may run."""
    app = FastAPI(openapi_url=None, dependencies=[Depends(dependency)], **arguments)
    app.add_api_route("/cart/{item}", cart, methods=["GET", "PUT"])
    app.add_api_route("/slash/{item}/", cart, methods=["GET", "PUT"])
    app.add_api_route("/plain", endpoint, methods=["GET", "PUT"])
    app.add_api_route("/closed", closed, methods=["GET", "PUT"])
    app.add_api_websocket_route("/chat", chat)
    app.add_api_websocket_route("/open", open_chat)
    app.mount("/files", opaque)
    return app


def with_layer(**arguments: Any) -> FastAPI:
    app = shop(**arguments)
    install_cors(app)
    return app


def called(app: Any, method: str, path: str, origin: str = OURS, **more: Any) -> Explanation:
    return explain(app, Call(method=method, path=path, origin=origin, **more))


def checks(explanation: Explanation, step: int = -1) -> dict[str, tuple[bool | None, str]]:
    return {check.name: (check.passed, check.detail) for check in explanation.steps[step].checks}


def place_of(function: Any) -> str:
    return str(Place(__file__, inspect.getsourcelines(function)[1]))


# --- The whole story


def by_fetch(mode: str = "cors") -> list[list[str]]:
    """What a browser says of each call; `testserver` is of every page's site."""
    return [["Sec-Fetch-Site", "same-site"], ["Sec-Fetch-Mode", mode], ["Sec-Fetch-Dest", "empty"]]


def about_the_cart() -> list[dict[str, Any]]:
    words = f"{OURS}; headers X-Token; exposes ETag; max age 60 s"
    declared = f"declared on the endpoint {__name__}.cart ({place_of(cart)})"
    return [
        {"name": "route", "passed": True, "detail": f"/cart/{{item}} is {__name__}.cart"},
        {"name": "policy", "passed": True, "detail": f"{words}; {declared}"},
        LAYER,
    ]


def test_a_call_that_is_allowed() -> None:
    explanation = called(with_layer(), "PUT", "/cart/7?n=1", headers=(("X-Token", "t"),))

    by_browser = [
        {"name": "credentials", "passed": None, "detail": "none are asked for"},
        {"name": "response", "passed": True, "detail": "passes the browser's own check"},
    ]
    of_origin = {"name": "origin", "passed": True, "detail": f"{OURS} is allowed by {OURS}"}
    assert explanation.to_dict() == {
        "call": {
            "method": "PUT",
            "path": "/cart/7?n=1",
            "origin": OURS,
            "headers": [["X-Token", "t"]],
            "credentials": False,
            "base_url": "https://testserver",
            "as": "fetch",
        },
        "allowed": True,
        "verdict": "Allowed: the page can read the response.",
        "preflight": "A preflight goes first: the method PUT is not safelisted, "
        "the header x-token is not safelisted.",
        "steps": [
            {
                "name": "preflight",
                "request": "OPTIONS https://testserver/cart/7?n=1",
                "request_headers": [
                    ["Access-Control-Request-Method", "PUT"],
                    ["Access-Control-Request-Headers", "x-token"],
                    ["Origin", OURS],
                    *by_fetch(),
                ],
                "checks": [
                    *about_the_cart(),
                    of_origin,
                    {"name": "method", "passed": True, "detail": "PUT is among those granted: GET, PUT"},
                    {"name": "headers", "passed": True, "detail": "granted: x-token"},
                    *by_browser,
                ],
                "answered_by": "route_cors",
                "status": 204,
                "response_headers": [
                    ["access-control-allow-origin", OURS],
                    ["access-control-allow-methods", "GET, PUT"],
                    ["access-control-allow-headers", GRANTED],
                    ["access-control-max-age", "60"],
                    VARY,
                ],
            },
            {
                "name": "actual",
                "request": "PUT https://testserver/cart/7?n=1",
                "request_headers": [["X-Token", "t"], ["Origin", OURS], *by_fetch()],
                "checks": [*about_the_cart(), of_origin, *by_browser],
                "answered_by": "endpoint",
                "status": None,
                "response_headers": [
                    ["access-control-allow-origin", OURS],
                    ["access-control-expose-headers", "ETag"],
                    ["vary", "Origin"],
                ],
            },
        ],
        "reason": None,
        "fix": None,
        "not_known": [],
        "remarks": [],
    }


def test_a_call_that_is_refused() -> None:
    headers = (("X-Token", "t"), ("X-Other", "o"))
    explanation = called(with_layer(), "PUT", "/cart/7", STRANGER, headers=headers, credentials=True)

    words = (
        "Response to preflight request doesn't pass access control check: "
        "No 'Access-Control-Allow-Origin' header is present on the requested resource."
    )
    told = explanation.to_dict()
    assert told.pop("call")["credentials"] is True
    assert told == {
        "allowed": False,
        "verdict": "Blocked at the preflight: the request itself is never sent. "
        f"It fails at the origin: {STRANGER} is not allowed by {OURS}.",
        "preflight": "A preflight goes first: the method PUT is not safelisted, "
        "the header x-other is not safelisted, the header x-token is not safelisted.",
        "steps": [
            {
                "name": "preflight",
                "request": "OPTIONS https://testserver/cart/7",
                "request_headers": [
                    ["Access-Control-Request-Method", "PUT"],
                    ["Access-Control-Request-Headers", "x-other,x-token"],
                    ["Origin", STRANGER],
                    *by_fetch(),
                ],
                "checks": [
                    *about_the_cart(),
                    {
                        "name": "origin",
                        "passed": False,
                        "detail": f"{STRANGER} is not allowed by {OURS}",
                    },
                    {"name": "method", "passed": True, "detail": "PUT is among those granted: GET, PUT"},
                    {"name": "headers", "passed": False, "detail": "not granted: x-other"},
                    {
                        "name": "credentials",
                        "passed": None,
                        "detail": "not checked, because of the origin",
                    },
                    {"name": "response", "passed": None, "detail": "refused, because of the origin"},
                ],
                "answered_by": "route_cors",
                "status": 403,
                "response_headers": [
                    ["content-type", "text/plain; charset=utf-8"],
                    ["content-length", "39"],
                    VARY,
                ],
            }
        ],
        "reason": f"Access to fetch at 'https://testserver/cart/7' from origin '{STRANGER}' has been blocked "
        f"by CORS policy: {words}",
        "fix": {
            "change": f"Allow {STRANGER}, credentials and the header X-Other in the policy declared on the "
            f"endpoint {__name__}.cart ({place_of(cart)}).",
            "code": f"@cors(origins=['{OURS}', '{STRANGER}'], allow_headers=['X-Other', 'X-Token'], "
            "expose_headers=['ETag'], allow_credentials=True, max_age=60)",
        },
        "not_known": [],
        "remarks": [],
    }


# --- Which route is found, and why


def served_by(name: str) -> str:
    return f"{__name__}.{name}"


@pytest.mark.parametrize(
    ("method", "path", "passed", "said"),
    [
        ("GET", "/cart/7", True, f"/cart/{{item}} is {served_by('cart')}"),
        (
            "DELETE",
            "/cart/7",
            False,
            f"/cart/{{item}} is {served_by('cart')}, for GET, PUT and not for DELETE (405)",
        ),
        (
            "PUT",
            "/slash/7",
            True,
            f"redirected to /slash/7/ (307); /slash/{{item}}/ is {served_by('cart')}",
        ),
        ("GET", "/nowhere", False, "no route for /nowhere"),
        ("GET", "/a%0Ab", False, "no route for /a\nb"),
        ("GET", "/" + "x" * 200, False, f"no route for /{'x' * 119}… (201 characters)"),
        ("WEBSOCKET", "/nowhere", False, "no websocket route for /nowhere"),
        ("WEBSOCKET", "/chat", True, f"/chat is {served_by('chat')}"),
        (
            "GET",
            "/files/a",
            True,
            (
                f"/files is {served_by('opaque')}, an ASGI app that shows no routes: how it answers "
                "is not known"
            ),
        ),
    ],
)
def test_the_route(method: str, path: str, passed: bool, said: str) -> None:
    assert checks(called(with_layer(), method, path), 0)["route"] == (passed, said)


def test_the_route_in_a_mount() -> None:
    app = Starlette(routes=[Mount("/v1", shop()), Host("b.example", shop())])
    install_cors(app)

    assert checks(called(app, "GET", "/v1/cart/7"))["route"] == (
        True,
        f"/v1/cart/{{item}} is {served_by('cart')}",
    )
    assert checks(called(app, "GET", "/v1/none"))["route"] == (
        False,
        "no route for /v1/none in what is mounted at /v1",
    )
    at_host = called(app, "GET", "/cart/7", base_url="https://b.example")
    assert checks(at_host)["route"] == (True, f"/cart/{{item}} is {served_by('cart')}")


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("PUT", "/cart/7", "; the preflight itself finds no route for OPTIONS (405)"),
        ("PUT", "/slash/7", "; the preflight itself is redirected (307)"),
        ("PUT", "/nowhere", "; the preflight itself finds no route (404)"),
        ("PUT", "/files/a", f"; the preflight itself goes to {served_by('opaque')}"),
    ],
)
def test_where_a_preflight_goes_that_no_layer_takes(method: str, path: str, said: str) -> None:
    assert checks(called(shop(), method, path))["route"][1].endswith(said)


# --- Whose policy holds, and who carries it out


def sub() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/cart/{item}", cart)
    app.add_api_route("/plain", endpoint)
    app.mount("/files", opaque)
    return app


DEFAULT: Final = CORSPolicy(origins="https://default.example")


def declared_on_a_router() -> FastAPI:
    app = FastAPI(openapi_url=None)
    router = CORSRouter(cors=DEFAULT)
    router.add_api_route("/plain", endpoint)
    app.include_router(router)
    install_cors(app)
    return app


def declared_on_a_mount() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.mount("/sub", cors(DEFAULT)(sub()))
    install_cors(app)
    return app


def declared_as_default() -> FastAPI:
    app = sub()
    install_cors(app, default=DEFAULT)
    return app


def declared_as_default_of_a_mounted_app() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.mount("/sub", declared_as_default())
    install_cors(app)
    return app


@pytest.mark.parametrize(
    ("make", "path", "said"),
    [
        (with_layer, "/plain", "no policy applies here"),
        (
            with_layer,
            "/closed",
            f"closed (@no_cors), declared on the endpoint {served_by('closed')} ({place_of(closed)})",
        ),
        (declared_on_a_router, "/plain", "https://default.example; declared on its router"),
        (declared_on_a_mount, "/sub/plain", "https://default.example; declared on the mounted app"),
        (declared_on_a_mount, "/sub/none", "https://default.example; declared on the mounted app"),
        (declared_as_default, "/plain", "https://default.example; declared as the app's default"),
        (declared_as_default, "/files/a", "https://default.example; declared as the app's default"),
        (declared_as_default, "/none", "https://default.example; declared for the app as a whole"),
        (
            declared_as_default_of_a_mounted_app,
            "/sub/plain",
            "https://default.example; declared as the default of the mounted app",
        ),
    ],
)
def test_the_policy(make: Any, path: str, said: str) -> None:
    assert checks(called(make(), "GET", path))["policy"] == ("; " in said, said)


def with_cors_routes() -> FastAPI:
    app = FastAPI(openapi_url=None)
    router = CORSRouter(cors=SHOP)
    router.add_api_route("/mine/{item}", endpoint, methods=["GET", "PUT"])
    router.add_api_route("/mine/{item}/", endpoint, methods=["DELETE"])
    router.add_api_route("/all", endpoint, methods=["PUT", "OPTIONS"])
    router.add_api_route("/asks", endpoint, methods=["OPTIONS"])
    router.add_api_route("/asks/", endpoint, methods=["PUT"])
    router.add_api_websocket_route("/chat", open_chat)
    app.include_router(router)
    return app


def with_an_earlier_options_route() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/{path:path}", endpoint, methods=["OPTIONS"])
    app.include_router(with_cors_routes().router)
    return app


def with_a_later_options_route() -> FastAPI:
    app = with_cors_routes()
    app.add_api_route("/{path:path}", endpoint, methods=["OPTIONS"])
    return app


def with_a_layer_in_a_mount() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/cart/{item}", cart, methods=["PUT"])
    app.mount("/sub", with_layer())
    app.router.routes.append(Mount("/other", shop(), middleware=[Middleware(RouteCORSMiddleware)]))
    return app


BY_LAYER: Final = (True, "the CORS layer applies the policy")
BY_ROUTE: Final = (True, "the route applies its policy itself")
BY_NOBODY: Final = (False, "no CORS layer applies the policy: there is none around the route")
ELSEWHERE: Final = (False, "no CORS layer applies the policy: the preflight goes elsewhere")


@pytest.mark.parametrize(
    ("make", "method", "path", "carried", "status"),
    [
        (with_layer, "PUT", "/cart/7", BY_LAYER, 204),
        (with_layer, "GET", "/plain", (None, "the CORS layer does nothing without a policy"), None),
        (with_layer, "PUT", "/plain", (None, "the CORS layer does nothing without a policy"), 405),
        (shop, "GET", "/plain", (None, "there is no CORS layer around the route"), None),
        (shop, "GET", "/cart/7", BY_NOBODY, None),
        (shop, "PUT", "/cart/7", BY_NOBODY, 405),
        (shop, "WEBSOCKET", "/chat", BY_NOBODY, 101),
        (with_cors_routes, "GET", "/mine/7", BY_ROUTE, None),
        (with_cors_routes, "PUT", "/mine/7", BY_ROUTE, 204),
        (with_cors_routes, "PUT", "/all", BY_ROUTE, 204),
        (with_cors_routes, "PUT", "/all/", BY_NOBODY, 307),
        (with_cors_routes, "POST", "/mine/7", (None, BY_NOBODY[1]), 405),
        (with_cors_routes, "WEBSOCKET", "/chat", BY_ROUTE, 101),
        (with_an_earlier_options_route, "PUT", "/mine/7", ELSEWHERE, None),
        (with_a_later_options_route, "PUT", "/mine/7", BY_ROUTE, 204),
        (with_a_later_options_route, "PUT", "/all", BY_ROUTE, 204),
        (with_a_layer_in_a_mount, "PUT", "/cart/7", BY_NOBODY, 405),
        (with_a_layer_in_a_mount, "PUT", "/sub/cart/7", BY_LAYER, 204),
        (with_a_layer_in_a_mount, "PUT", "/other/cart/7", BY_LAYER, 204),
        (
            with_a_layer_in_a_mount,
            "GET",
            "/sub/none",
            (None, "the CORS layer does nothing without a policy"),
            404,
        ),
        (lambda: RouteCORSMiddleware(shop()), "PUT", "/cart/7", BY_LAYER, 204),
        (lambda: RouteCORSMiddleware(GZipMiddleware(shop())), "PUT", "/cart/7", BY_LAYER, 204),
    ],
)
def test_who_carries_it_out(
    make: Any, method: str, path: str, carried: tuple[bool | None, str], status: int | None
) -> None:
    explanation = called(make(), method, path)

    assert checks(explanation, 0)["layer"] == carried
    assert explanation.steps[0].status == status


def test_a_route_without_a_layer_gets_no_header() -> None:
    explanation = called(shop(), "PUT", "/cart/7")

    assert [step.response_headers for step in explanation.steps] == [()]
    assert {name: passed for name, (passed, _) in checks(explanation).items()} == {
        "route": True,
        "policy": True,
        "layer": False,
        "origin": None,
        "method": None,
        "headers": None,
        "credentials": None,
        "response": None,
    }
    assert explanation.verdict == (
        "Blocked at the preflight: the request itself is never sent. It fails at the layer: "
        "no CORS layer applies the policy: there is none around the route."
    )
    assert explanation.fix is not None
    assert explanation.fix.code == "install_cors(app)"


def test_a_preflight_for_a_route_that_is_closed() -> None:
    explanation = called(with_layer(), "PUT", "/closed", headers=(("X-A", "1"),))

    found = checks(explanation)
    assert found["policy"][0] is False
    assert found["origin"] == (None, f"{OURS} is not allowed by @no_cors")
    assert found["method"] == found["headers"] == (None, "not checked, as no origin is allowed")


def test_what_is_not_reached_has_not_failed() -> None:
    """Each thing that a policy refuses is told; the browser looks at credentials after the origin alone."""

    def marks(*, credentials: bool, **more: Any) -> dict[str, bool | None]:
        refused = called(with_layer(), "PUT", "/cart/7", credentials=credentials, **more)
        assert refused.allowed is False
        return {name: passed for name, (passed, _) in checks(refused).items()}

    other = (("X-Other", "o"),)
    passed = dict.fromkeys(("route", "policy", "layer"), True)
    assert marks(credentials=True) == {
        **passed,
        "origin": True,
        "method": True,
        "headers": None,
        "credentials": False,
        "response": None,
    }
    assert marks(credentials=True, origin=STRANGER, headers=other) == {
        **passed,
        "origin": False,
        "method": True,
        "headers": False,
        "credentials": None,
        "response": None,
    }
    assert marks(credentials=True, headers=other) == {
        **passed,
        "origin": True,
        "method": True,
        "headers": False,
        "credentials": None,
        "response": None,
    }


def at_one_path() -> FastAPI:
    app = FastAPI(openapi_url=None)
    for method in ("PATCH", "GET", "DELETE"):
        app.add_api_route("/users/{user}", cors(origins=OURS)(partial(endpoint)), methods=[method])
    app.add_api_websocket_route("/ws", open_chat)
    app.mount("/in", Starlette(routes=[WebSocketRoute("/ws", open_chat)]))
    install_cors(app)
    return app


def test_all_methods_of_a_path_are_named() -> None:
    for method in ("OPTIONS", "PUT"):
        explanation = called(at_one_path(), method, "/users/7")
        assert checks(explanation, 0)["route"] == (
            False,
            f"the routes of /users/{{user}} are for DELETE, GET, PATCH and not for {method} (405)",
        )
        assert explanation.fix == Fix(
            f"No policy helps: /users/{{user}} is for DELETE, GET, PATCH and not for {method}.", None
        )


@pytest.mark.parametrize(
    ("method", "path", "told", "hint"),
    [
        ("GET", "/ws", "no route for /ws", "a websocket route is here: explain WS /ws"),
        (
            "PUT",
            "/in/ws",
            "no route for /in/ws in what is mounted at /in",
            "a websocket route is here: explain WS /in/ws",
        ),
        ("WS", "/users/7", "no websocket route for /users/7", "an HTTP route is here: explain GET /users/7"),
        ("ws", "/users/7", "no websocket route for /users/7", "an HTTP route is here: explain GET /users/7"),
    ],
)
def test_what_is_there_for_the_other_kind_of_request(method: str, path: str, told: str, hint: str) -> None:
    explanation = called(at_one_path(), method, path)
    assert checks(explanation, 0)["route"][1].startswith(f"{told}; {hint}")
    assert explanation.fix is not None
    assert explanation.fix.change.endswith(f". {hint[0].upper()}{hint[1:]}.")
    assert called(at_one_path(), "WS", "/ws").allowed


class Endpoint(HTTPEndpoint):
    async def get(self, request: Any) -> None:
        await endpoint()


class Shy(APIRoute):
    """Makes no 405s."""

    def matches(self, scope: Any) -> Any:
        match, child_scope = super().matches(scope)
        return (match, child_scope) if match is Match.FULL else (Match.NONE, {})


def test_routes_of_other_kinds() -> None:
    app = Starlette(
        routes=[Route("/class", cors(origins=OURS)(Endpoint)), Route("/asgi", cors(SHOP)(Router()))]
    )
    install_cors(app)

    assert called(app, "GET", "/class").allowed
    assert checks(called(app, "PUT", "/class"))["route"] == (
        False,
        f"/class is {served_by('Endpoint')}, for GET, HEAD and not for PUT (405)",
    )
    assert called(app, "GET", "/asgi").allowed
    assert called(app, "PUT", "/asgi").allowed
    assert checks(called(app, "PUT", "/asgi"), 0)["method"] == (
        True,
        "PUT is granted: any method is, because the methods that are served are not known",
    )


def test_a_policy_restricts_the_methods_where_nobody_can_say_what_is_served() -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/files", cors(origins=OURS, methods=["GET", "PUT"])(Router()))
    install_cors(app, default=SHOP.evolve(methods=["GET", "PUT"]))
    # No route is a failure of its own, which is named first.
    for path in ("/files/a", "/nowhere"):
        assert checks(called(app, "PUT", path), 0)["method"] == (
            True,
            "PUT is among those granted: GET, PUT",
        )
        assert checks(called(app, "DELETE", path), 0)["method"] == (
            None,
            "DELETE is not among those granted: GET, PUT",
        )


@pytest.mark.parametrize("path", ["/files/a", "/nowhere"])
def test_a_preflight_that_is_passed_in_is_answered_by_the_layer(path: str) -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/files", opaque)
    install_cors(app, default=SHOP)
    explanation = called(app, "PUT", path, origin="https://other.example")
    (preflight,) = explanation.steps
    assert preflight.status == 403
    # All of them, and not only those that are written on an answer of the app's.
    assert "content-length" in dict(preflight.response_headers)


def test_any_method_is_any_that_a_browser_can_send() -> None:
    app = FastAPI(openapi_url=None)
    install_cors(app, default=SHOP)
    assert checks(called(app, "PURGE", "/nowhere"), 0)["method"] == (
        True,
        "PURGE is granted: any method is, because the methods that are served are not known",
    )
    assert checks(called(app, "x" * 65, "/nowhere"), 0)["method"] == (
        None,
        f"{'x' * 65} is not a method that can be granted",
    )


def test_a_layer_in_a_mount_speaks_for_no_route_in_front_of_it() -> None:
    @cors(origins=OURS)
    async def in_front() -> None:
        await endpoint()

    inside = FastAPI(openapi_url=None)
    inside.add_api_route("/x", cart, methods=["PUT"])
    install_cors(inside, default=SHOP)
    app = FastAPI(openapi_url=None)
    app.add_api_route("/{anything}/x", in_front, methods=["GET"])
    app.mount("/in", inside)
    headers = (("X-Token", "1"),)
    explanation = called(app, "GET", "/in/x", headers=headers)
    assert [step.status for step in explanation.steps] == [405]
    with pytest.raises(CORSBlocked) as blocked:
        Browser(app, origin=OURS).fetch("/in/x", headers=headers)
    assert explanation.reason == blocked.value.reason


def test_a_route_that_leaves_preflights_to_others() -> None:
    app = FastAPI(openapi_url=None)
    router = CORSRouter(cors=SHOP, route_class=Shy)
    router.add_api_route("/mine", endpoint, methods=["PUT"])
    app.include_router(router)

    explanation = called(app, "PUT", "/mine")
    assert [step.status for step in explanation.steps] == [404]
    assert checks(explanation)["layer"] == ELSEWHERE
    with pytest.raises(CORSBlocked) as blocked:
        Browser(app, origin=OURS).fetch("/mine", method="PUT")
    assert explanation.reason == blocked.value.reason


# --- Whom the policy asks


def raises(origin: str, connection: HTTPConnection) -> bool:
    raise RuntimeError("no database")


def says_no(origin: str, connection: HTTPConnection) -> bool:
    return False


async def says_yes(origin: str, connection: HTTPConnection) -> bool:
    return connection.url.path == "/asked" and connection.app.state.yes is True


def says_maybe(origin: str, connection: HTTPConnection) -> Any:
    return "maybe"


def test_callables_are_asked_and_say_why(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI(openapi_url=None)
    app.state.yes = True
    app.add_api_route("/asked", cors(origins=[raises, says_no, says_maybe, says_yes])(endpoint_of()))
    app.add_api_route("/never", cors(origins=[raises])(endpoint_of()))
    install_cors(app)

    with caplog.at_level(logging.DEBUG):
        allowed = called(app, "GET", "/asked")
        refused = called(app, "GET", "/never")

    names = [f"callable: {served_by(name)}" for name in ("raises", "says_no", "says_maybe", "says_yes")]
    assert checks(allowed)["origin"] == (
        True,
        (
            f"{OURS} is allowed by {', '.join(names)}; {served_by('raises')} raised "
            f"RuntimeError('no database'); {served_by('says_no')} does not allow it; "
            f"{served_by('says_maybe')} returned 'maybe', which is neither True nor False; "
            f"{served_by('says_yes')} allows it"
        ),
    )
    assert checks(refused)["origin"] == (
        False,
        f"{OURS} is not allowed by {names[0]}; {served_by('raises')} raised RuntimeError('no database')",
    )
    # Nothing was decided about a request that somebody sent.
    assert [record for record in caplog.records if record.name.startswith("route_cors")] == []


def endpoint_of() -> Any:
    async def own() -> None:
        await endpoint()

    return own


def test_nobody_is_told_of_what_was_never_sent(caplog: pytest.LogCaptureFixture) -> None:
    app = shop()
    decisions: list[object] = []
    install_cors(app, on_decision=decisions.append)

    with caplog.at_level(logging.DEBUG):
        for origin in (OURS, STRANGER):
            for method, path in (("PUT", "/cart/7"), ("GET", "/cart/7"), ("WEBSOCKET", "/chat")):
                called(app, method, path, origin)

    assert decisions == []
    assert [record for record in caplog.records if record.name.startswith("route_cors")] == []


def test_what_is_explained_is_not_granted() -> None:
    # The app's own terms remember what they granted: an explanation must not write into them.
    app = with_layer()
    headers = (("X-Token", "t"), ("X-Other", "o"))
    assert not called(app, "PUT", "/cart/7", STRANGER, headers=headers).allowed

    for names in ({"X-Token": "t"}, {"X-Other": "o"}, dict(headers), {}):
        with pytest.raises(CORSBlocked, match=r"^the policy refuses the preflight \(origin"):
            Browser(app, origin=STRANGER).fetch("/cart/7", method="PUT", headers=names)


@pytest.mark.parametrize("debug", [None, True, False])
def test_debug_changes_nothing(debug: bool | None) -> None:
    app = shop(debug=True)
    install_cors(app, debug=debug)

    assert called(app, "PUT", "/cart/7", STRANGER) == called(with_layer(), "PUT", "/cart/7", STRANGER)


# --- The browser's part


@pytest.mark.parametrize(
    ("method", "headers", "why"),
    [
        ("GET", (), "No preflight: GET and all its headers are safelisted."),
        ("POST", (("Content-Type", "text/plain"),), "No preflight: POST and all its headers are safelisted."),
        (
            "POST",
            (("Content-Type", "application/json"),),
            (
                "A preflight goes first: the header content-type is not safelisted with the value "
                "'application/json'."
            ),
        ),
        ("patch", (), "A preflight goes first: the method patch is not safelisted."),
        (
            "GET",
            (("X-" + "a" * 200, "1"), ("Accept", "x" * 129)),
            (
                f"A preflight goes first: the header accept is not safelisted with the value '{'x' * 120}… "
                f"(129 characters)', the header x-{'a' * 118}… (202 characters) is not safelisted."
            ),
        ),
        (
            "GET",
            (("Cookie", "a=b"), ("Origin", OURS)),
            (
                "No preflight: GET and all its headers are safelisted. The browser leaves out Cookie, "
                "Origin, which no script can set."
            ),
        ),
        ("WEBSOCKET", (), "No preflight: browsers send none before a websocket's handshake."),
    ],
)
def test_why_the_browser_asks_first(method: str, headers: tuple[tuple[str, str], ...], why: str) -> None:
    assert called(with_layer(), method, "/cart/7", headers=headers).preflight == why


def test_the_headers_of_the_transport_are_left_out() -> None:
    app = with_layer()
    handshake = called(app, "WEBSOCKET", "/chat")
    accepting = called(app, "GET", "/cart/7", headers=(("Accept", "text/html"),))

    assert handshake.steps[0].request == "GET wss://testserver/chat"
    websocket, fetched = (tuple(map(tuple, by_fetch(mode))) for mode in ("websocket", "cors"))
    assert handshake.steps[0].request_headers == (("Origin", OURS), *websocket)
    assert accepting.steps[0].request_headers == (("Accept", "text/html"), ("Origin", OURS), *fetched)


def test_credentials() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/any", cors(origins="*")(endpoint_of()))
    app.add_api_route("/ours", cors(origins=OURS)(endpoint_of()))
    app.add_api_route("/cookies", cors(origins=OURS, allow_credentials=True)(endpoint_of()))
    install_cors(app)

    found = {
        path: checks(called(app, "GET", path, credentials=True))["credentials"]
        for path in ("/any", "/ours", "/cookies")
    }
    assert found == {
        "/any": (False, "never with Access-Control-Allow-Origin: *"),
        "/ours": (False, "the response lacks Access-Control-Allow-Credentials: true"),
        "/cookies": (True, "the response has Access-Control-Allow-Credentials: true"),
    }


def test_a_page_of_the_apps_own_origin_needs_no_cors() -> None:
    explanation = called(with_layer(), "PUT", "/closed", "https://testserver")

    assert explanation.allowed
    assert explanation.verdict == "Allowed: the page has the app's own origin, and can read the response."
    assert explanation.preflight == "No preflight: the page has the app's own origin."
    assert [step.name for step in explanation.steps] == ["actual"]
    assert checks(explanation)["origin"] == (
        True,
        "https://testserver is the app's own origin: CORS does not apply",
    )
    assert list(checks(explanation)) == ["route", "policy", "layer", "origin"]


def test_a_redirect_is_followed() -> None:
    explanation = called(with_layer(), "PUT", "/slash/7?a=b")

    assert [(step.name, step.request, step.status) for step in explanation.steps] == [
        ("preflight", "OPTIONS https://testserver/slash/7?a=b", 204),
        ("actual", "PUT https://testserver/slash/7?a=b", 307),
        ("preflight", "OPTIONS https://testserver/slash/7/?a=b", 204),
        ("actual", "PUT https://testserver/slash/7/?a=b", None),
    ]
    # The Location is the router's.
    assert [name for name, _ in explanation.steps[1].response_headers] == [
        "access-control-allow-origin",
        "access-control-expose-headers",
        "vary",
    ]


def test_an_answer_that_is_an_error_is_read_all_the_same() -> None:
    app = declared_as_default()

    explanation = called(app, "GET", "/none", "https://default.example")
    assert explanation.verdict == "Allowed: the page can read the response, a 404."
    explanation = called(app, "POST", "/plain", "https://default.example")
    assert explanation.verdict == "Allowed: the page can read the response, a 405."


def test_enforce() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/notes", cors(origins=OURS, enforce=True)(endpoint_of()), methods=["POST"])
    install_cors(app)

    explanation = called(app, "POST", "/notes", STRANGER)
    assert explanation.steps[0].status == 403
    assert explanation.verdict == (
        "Refused: the request is sent, and answered with a 403 before the endpoint runs. It fails at the "
        "enforcement: step 3 of the rule: the browser sends Sec-Fetch-Site: same-site, and "
        f"{STRANGER} is not allowed by {OURS}."
    )
    assert called(app, "POST", "/notes", "https://testserver").steps[0].status is None


@pytest.mark.parametrize(
    ("make", "path", "origin", "verdict"),
    [
        (with_layer, "/chat", OURS, "Allowed: the websocket opens."),
        (
            with_layer,
            "/open",
            STRANGER,
            "Allowed: the websocket opens, as for pages of every origin: no policy applies.",
        ),
        (
            shop,
            "/chat",
            STRANGER,
            "Allowed: the websocket opens, as for pages of every origin: no policy applies.",
        ),
        (with_layer, "/chat", "https://testserver", "Allowed: the websocket opens."),
        (
            with_layer,
            "/chat",
            STRANGER,
            (
                f"Blocked at the handshake. It fails at the origin: {STRANGER} is not allowed by {OURS}, "
                "and the app's own origin is https://testserver; refused with a 403 before the endpoint runs."
            ),
        ),
        (
            with_layer,
            "/none",
            OURS,
            "Blocked at the handshake. It fails at the route: no websocket route for /none.",
        ),
    ],
)
def test_websockets(make: Any, path: str, origin: str, verdict: str) -> None:
    explanation = called(make(), "WEBSOCKET", path, origin, credentials=True)

    assert explanation.verdict == verdict
    assert [step.name for step in explanation.steps] == ["websocket"]
    assert explanation.allowed is verdict.startswith("Allowed")


def test_so_many_names_that_nobody_looks_at_them() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/any", cors(origins="*", allow_headers="*")(endpoint_of()))
    install_cors(app)
    headers = tuple((f"X-{number:0100}", "1") for number in range(200))

    explanation = called(app, "GET", "/any", headers=headers)
    assert checks(explanation)["headers"] == (False, "too many names to be read")
    assert explanation.fix == Fix("No policy allows it.", None)


# --- Where the app is served


@pytest.mark.parametrize("base_url", ["https://api.example/v2", "https://api.example/v2/"])
def test_a_path_before_the_apps_own(base_url: str) -> None:
    explanation = called(with_layer(), "GET", "/cart/a%2Fb", base_url=base_url)

    assert explanation.steps[0].request == "GET https://api.example/v2/cart/a%2Fb"
    assert checks(explanation)["route"] == (False, "no route for /v2/cart/a/b")
    assert called(with_layer(), "GET", "/cart/a%20b", base_url=base_url).allowed


def test_a_root_path_of_the_apps_own() -> None:
    app = with_layer()
    app.root_path = "/proxied"

    assert called(app, "GET", "/cart/7").allowed
    assert called(app, "GET", "/proxied/cart/7").allowed
    assert called(app, "GET", "/cart/7", base_url="https://api.example/proxied").allowed


# --- Where it runs


@pytest.mark.anyio
async def test_inside_a_running_event_loop() -> None:
    call = Call(method="PUT", path="/cart/7", origin=STRANGER)

    assert explain(with_layer(), call) == await explain_async(with_layer(), call)


# --- Bad input


@pytest.mark.parametrize("app", [object(), opaque, GZipMiddleware(opaque)])
def test_what_shows_no_routes(app: Any) -> None:
    with pytest.raises(TypeError, match="shows no routes"):
        called(app, "GET", "/")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"method": ""}, "method: '' is not a valid HTTP method"),
        ({"method": "GE\nT"}, "method: 'GE\\nT' is not a valid HTTP method"),
        ({"method": "TRACE"}, "method: 'TRACE': browsers do not let scripts send CONNECT, TRACE and TRACK"),
        ({"path": ""}, "path: '': must start with a slash, as from the app's root: '/items'"),
        ({"path": "items"}, "path: 'items': must start with a slash, as from the app's root: '/items'"),
        ({"path": "/\ud800"}, "'https://testserver/\\ud800' is not a URL that a browser can parse"),
        ({"origin": "*"}, None),
        ({"origin": ""}, "origin: '': an empty string is not an origin"),
        ({"origin": "https://<script>"}, None),
        ({"origin": "https://" + "a" * 65536}, None),
        ({"base_url": "testserver"}, None),
        ({"base_url": "ftp://a.example"}, None),
        ({"base_url": "https://a:b@a.example"}, None),
        ({"base_url": "https://a.example?q"}, None),
        ({"base_url": "https://a.example/#f"}, None),
        ({"headers": (("X Token", "t"),)}, "headers: 'X Token' is not a valid header name"),
        ({"headers": (("X-Token", "é€"),)}, None),
        (
            {"method": "WEBSOCKET", "headers": (("X-Token", "t"),)},
            "headers: 'X-Token': a script cannot set headers of a websocket's handshake",
        ),
        ({"method": "WEBSOCKET", "path": "/#a"}, None),
    ],
)
def test_what_no_browser_can_send(changes: dict[str, Any], message: str | None) -> None:
    arguments: dict[str, Any] = {"method": "GET", "path": "/cart/7", "origin": OURS}

    with pytest.raises(ValueError) as caught:
        explain(with_layer(), Call(**arguments | changes))
    assert message in {None, str(caught.value)}
    if "base_url" in changes:
        assert str(caught.value) == (
            f"base_url: {changes['base_url']!r}: must be an http or https URL, without username, password, "
            "query and fragment"
        )


@pytest.mark.parametrize(
    "changes",
    [
        {"path": "/<script>alert(1)</script>?q=<script>"},
        {"path": "/\x1b[31m\x00\u202e"},
        {"path": "/%ff%00%0d%0a"},
        {"path": "/../..//\\evil.example/"},
        {"path": "/" + "a" * 65536},
        {"method": "X" * 65536},
        {"headers": (("X" * 65536, "1"),)},
        {"headers": (("X-Token", "\x7f\x01é" + "x" * 65536),)},
    ],
)
def test_what_is_hostile_is_data(changes: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"method": "GET", "path": "/cart/7", "origin": STRANGER}

    explanation = explain(with_layer(), Call(**arguments | changes))
    assert not explanation.allowed
    assert len(explanation.verdict) < 1000
    assert json.loads(json.dumps(explanation.to_dict())) == explanation.to_dict()
