"""Layers of others, one by one: what is read of them, who answers, and what is said of it."""

from __future__ import annotations

import functools
import inspect
import re
from typing import TYPE_CHECKING, Any, Final

import pytest
from fastapi import FastAPI
from pydantic import AnyHttpUrl
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute, request_response
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket  # noqa: TC002 - pydantic 2.7 resolves the annotations of a route as it is added

from route_cors import CORSPolicy, RouteCORSMiddleware, cors, inspector, install_cors, report
from route_cors.insight import Access, Call, access_of
from route_cors.insight.explain import explain
from route_cors.insight.foreign import (
    KnownLayer,
    OurLayer,
    UnknownLayer,
    layer_of,
    layer_of_middleware,
    layers_around,
    layers_at,
    layers_of_app,
)
from route_cors.insight.survey import survey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from route_cors.insight import Explanation
    from route_cors.insight.foreign import Layer

A: Final = "https://a.example"
EVIL: Final = "https://evil.example"
STARLETTES: Final = "starlette.middleware.cors.CORSMiddleware"


class Unknown:
    """A middleware of which nobody knows what it does."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError


class Dispatching(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Any:
        raise AssertionError


class CallingItself(Dispatching):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError


class Renamed(CORSMiddleware):
    """As the others, under a name of its own."""


class Preset(CORSMiddleware):
    def __init__(self, app: Any) -> None:
        super().__init__(app, allow_origins=[A])


class WithoutConstructor(CORSMiddleware):
    def __init__(self, app: Any) -> None:
        self.app = app


class Reflecting(CORSMiddleware):
    def is_allowed_origin(self, origin: str) -> bool:
        return True


class Evasive(CORSMiddleware):
    def __getattribute__(self, name: str) -> Any:
        return super().__getattribute__(name)


class Elsewhere(list[str]):
    """A list that may hold whatever it likes."""


async def nothing(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError


def answering(request: Request) -> Response:
    raise AssertionError


async def timing(request: Request, call_next: Any) -> Response:
    raise AssertionError


async def chatting(websocket: WebSocket) -> None:
    raise AssertionError


def made_by_a_function(app: Any) -> CORSMiddleware:
    raise AssertionError


def name(thing: Any) -> str:
    return f"{__name__}.{thing.__qualname__}"


def words(layer: Layer | None) -> str | None:
    """What is known of it, in short."""
    if layer is None:
        return None
    return "ours" if isinstance(layer, OurLayer) else layer.in_words()


def unknown(thing: Any) -> str:
    return f"not known: {name(thing)} may answer CORS by itself"


# --- One middleware


@pytest.mark.parametrize(
    ("middleware", "said"),
    [
        (Middleware(CORSMiddleware), "CORSMiddleware: no other origin; methods GET"),
        (Middleware(CORSMiddleware, allow_origins=["*"]), "CORSMiddleware: any origin; methods GET"),
        (
            Middleware(CORSMiddleware, [A, "null"], ["GET", "PUT"], ["X-Token"]),
            f"CORSMiddleware: {A}, null; methods GET, PUT; headers x-token",
        ),
        (
            Middleware(
                CORSMiddleware,
                allow_origins=("*",),
                allow_credentials=True,
                allow_methods=[],
                allow_headers=["*"],
                expose_headers=["ETag", "X-Id"],
                max_age=5,
            ),
            (
                "CORSMiddleware: any origin, reflected; credentials; methods none; headers *; "
                "exposes ETag, X-Id; max age 5 s"
            ),
        ),
        (
            Middleware(CORSMiddleware, allow_origins={A}, allow_origin_regex="https://.*"),
            f"CORSMiddleware: {A}, regex: https://.*; methods GET",
        ),
        (
            Middleware(CORSMiddleware, allow_origin_regex=re.compile("x")),  # type: ignore[arg-type]
            "CORSMiddleware: regex: x; methods GET",
        ),
        (
            Middleware(CORSMiddleware, allow_origins="https://a.example"),
            "CORSMiddleware: any part of the text 'https://a.example'; methods GET",
        ),
        (
            Middleware(CORSMiddleware, allow_origins=[AnyHttpUrl("http://localhost:3000/")]),  # type: ignore[list-item]
            "CORSMiddleware: http://localhost:3000/; methods GET",
        ),
        (
            Middleware(functools.partial(CORSMiddleware, allow_origins=[A], max_age=1), max_age=600),
            f"CORSMiddleware: {A}; methods GET",
        ),
        (Middleware(Renamed, allow_origins=[A]), f"{name(Renamed)}: {A}; methods GET"),
        (Middleware(RouteCORSMiddleware), "ours"),
        (Middleware(functools.partial(RouteCORSMiddleware)), "ours"),
        (
            Middleware(TrustedHostMiddleware, ["a.example"]),
            f"{TrustedHostMiddleware.__module__}.TrustedHostMiddleware: nothing",
        ),
        (Middleware(GZipMiddleware), None),
        (Middleware(Unknown), unknown(Unknown)),
        (Middleware(made_by_a_function), unknown(made_by_a_function)),
        (Middleware(Reflecting, allow_origins=[A]), unknown(Reflecting)),
        (Middleware(Evasive, allow_origins=[A]), unknown(Evasive)),
        # What its constructor makes of them is not known.
        (Middleware(Preset), unknown(Preset)),
        (
            Middleware(functools.partial(CORSMiddleware, nothing)),
            f"not known: {STARLETTES} may answer CORS by itself",
        ),
        (
            Middleware(CORSMiddleware, allow_origins=Elsewhere()),
            f"not known: {STARLETTES} may answer CORS by itself",
        ),
        (
            Middleware(CORSMiddleware, allow_origins=(one for one in [A])),  # type: ignore[arg-type]
            f"not known: {STARLETTES} may answer CORS by itself",
        ),
        (
            Middleware(CORSMiddleware, allow_origins=[object()]),  # type: ignore[list-item]
            f"not known: {STARLETTES} may answer CORS by itself",
        ),
        # It raises, and so will the app.
        (
            Middleware(CORSMiddleware, allow_origin_regex="("),
            f"not known: {STARLETTES} may answer CORS by itself",
        ),
        (Middleware(Dispatching), unknown(Dispatching)),
        (Middleware(BaseHTTPMiddleware, dispatch=timing), unknown(timing)),
    ],
)
def test_a_middleware_that_is_added(middleware: Any, said: str | None) -> None:
    assert words(layer_of_middleware(middleware)) == said


def overridden() -> CORSMiddleware:
    made = CORSMiddleware(nothing, [A])
    made.is_allowed_origin = bool  # type: ignore[assignment, method-assign]
    return made


def changed() -> CORSMiddleware:
    made = CORSMiddleware(nothing)
    made.allow_origins = Elsewhere()
    return made


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (CORSMiddleware(nothing, [A]), f"CORSMiddleware: {A}; methods GET"),
        (Renamed(nothing, [A]), f"{name(Renamed)}: {A}; methods GET"),
        # It has run, and shows what it did.
        (Preset(nothing), f"{name(Preset)}: {A}; methods GET"),
        (WithoutConstructor(nothing), unknown(WithoutConstructor)),
        (Reflecting(nothing), unknown(Reflecting)),
        (overridden(), f"not known: {STARLETTES} may answer CORS by itself"),
        (changed(), f"not known: {STARLETTES} may answer CORS by itself"),
        (RouteCORSMiddleware(nothing), "ours"),
        (GZipMiddleware(nothing), None),
        (Unknown(nothing), unknown(Unknown)),
        (nothing, unknown(nothing)),
        (Dispatching(nothing), unknown(Dispatching)),
        (BaseHTTPMiddleware(nothing, dispatch=timing), unknown(timing)),
    ],
)
def test_a_middleware_that_is_made(app: object, said: str | None) -> None:
    assert words(layer_of(app)) == said


@pytest.mark.parametrize(
    ("middleware", "passes"),
    [
        (Middleware(Dispatching), True),
        (Middleware(BaseHTTPMiddleware, dispatch=timing), True),
        (Middleware(CallingItself), False),
        (Middleware(Unknown), False),
    ],
)
def test_what_leaves_handshakes_alone(middleware: Any, passes: bool) -> None:
    layer = layer_of_middleware(middleware)
    assert isinstance(layer, UnknownLayer)
    assert layer.passes_websockets is passes


def test_the_same_middleware_around_another_app() -> None:
    for layer in (layer_of_middleware(Middleware(Renamed, [A])), layer_of(Preset(nothing))):
        assert isinstance(layer, KnownLayer)
        made: Any = layer.around(nothing)
        assert (type(made), made.app, made.allow_origins) == (CORSMiddleware, nothing, [A])
        assert layer.allows(A)
        assert not layer.allows(EVIL)


def test_private_networks() -> None:
    if "allow_private_network" not in inspect.signature(CORSMiddleware).parameters:
        pytest.skip("this Starlette knows nothing of private networks")
    layer = layer_of_middleware(Middleware(CORSMiddleware, [A], allow_private_network=True))
    assert words(layer) == f"{SAID_OF_A}; private network"


def test_as_data() -> None:
    described = layer_of_middleware(Middleware(CORSMiddleware, [A], max_age=1))
    assert described is not None
    assert described.described() == {
        "name": STARLETTES,
        "kind": "cors",
        "arguments": {
            "allow_origins": [A],
            "allow_origin_regex": None,
            "allow_methods": ["GET"],
            "allow_headers": ["accept", "accept-language", "content-language", "content-type"],
            "expose_headers": [],
            "allow_credentials": False,
            "max_age": "1",
            "allow_private_network": False,
        },
    }
    bare: Any = layer_of_middleware(Middleware(CORSMiddleware, allow_origins=A))
    assert bare.described()["arguments"]["allow_origins"] == [A]
    gate = layer_of_middleware(Middleware(TrustedHostMiddleware))
    assert gate is not None
    assert (gate.described()["kind"], gate.described()["arguments"]) == ("other", None)
    assert OurLayer().described() == {
        "name": "route_cors.middleware.RouteCORSMiddleware",
        "kind": "route_cors",
        "arguments": None,
    }


# --- Where they stand


def all_words(layers: Iterable[Layer]) -> list[str | None]:
    return [words(layer) for layer in layers]


OF_A: Final = Middleware(CORSMiddleware, [A])
SAID_OF_A: Final = f"CORSMiddleware: {A}; methods GET"


class Endpoint(HTTPEndpoint):
    pass


class Files(StaticFiles):
    pass


class OtherFiles(StaticFiles):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError


@pytest.mark.parametrize(
    ("route", "said"),
    [
        (Route("/a", answering), []),
        (Route("/a", Endpoint), []),
        (Route("/a", PlainTextResponse("x")), []),
        (Route("/a", answering, middleware=[OF_A]), [SAID_OF_A]),
        (Route("/a", Endpoint, middleware=[OF_A, Middleware(Unknown)]), [SAID_OF_A, unknown(Unknown)]),
        (Route("/a", CORSMiddleware(request_response(answering), [A])), [SAID_OF_A]),
        (Route("/a", CORSMiddleware(nothing, [A])), [SAID_OF_A, unknown(nothing)]),
        (Route("/a", Unknown(request_response(answering))), [unknown(Unknown)]),
        (
            Route("/a", CORSMiddleware(Starlette(middleware=[OF_A]))),
            [
                "CORSMiddleware: no other origin; methods GET",
                SAID_OF_A,
                "not known: starlette.applications.Starlette may answer CORS by itself",
            ],
        ),
        (WebSocketRoute("/a", chatting), []),
        (WebSocketRoute("/a", chatting, middleware=[Middleware(Unknown)]), [unknown(Unknown)]),
        (Mount("/a", StaticFiles(directory=".")), []),
        (Mount("/a", Files(directory=".")), []),
        (Mount("/a", OtherFiles(directory=".")), [unknown(OtherFiles)]),
        (Mount("/a", nothing), [unknown(nothing)]),
        (Mount("/a", nothing, middleware=[OF_A]), [SAID_OF_A, unknown(nothing)]),
        (Mount("/a", CORSMiddleware(nothing, [A])), [SAID_OF_A, unknown(nothing)]),
        (Mount("/a", routes=[], middleware=[OF_A, Middleware(GZipMiddleware)]), [SAID_OF_A]),
        (Mount("/a", Router(middleware=[OF_A])), [SAID_OF_A]),
        (Mount("/a", Starlette(middleware=[OF_A, Middleware(Unknown)])), [SAID_OF_A, unknown(Unknown)]),
        (
            Mount("/a", CORSMiddleware(Starlette(middleware=[Middleware(Unknown)]), [A])),
            [SAID_OF_A, unknown(Unknown)],
        ),
        (Host("a.example", Starlette(middleware=[OF_A])), [SAID_OF_A]),
        (Mount("/a", inspector(FastAPI(), allow=lambda request: True)), []),
    ],
)
def test_what_a_route_adds(route: Any, said: list[str]) -> None:
    app = Starlette(routes=[route])
    (placed, *_) = survey(app)
    assert all_words(layers_at(placed)) == said
    assert all_words(report(app).routes[0].layers) == said


def test_a_middleware_around_itself_is_followed_for_a_while() -> None:
    around_itself = Unknown(None)
    around_itself.app = around_itself
    (placed,) = survey(Starlette(routes=[Route("/a", around_itself)]))
    assert set(layers_at(placed)) == {UnknownLayer(name(Unknown))}


class OwnCall(FastAPI):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError


class OwnStack(Starlette):
    def build_middleware_stack(self) -> Any:
        raise AssertionError


def installed(app: Any) -> Any:
    install_cors(app)
    return app


@pytest.mark.parametrize(
    ("app", "said"),
    [
        (FastAPI(), []),
        (installed(FastAPI(middleware=[OF_A])), ["ours", SAID_OF_A]),
        (Starlette(middleware=[OF_A, Middleware(RouteCORSMiddleware)]), [SAID_OF_A, "ours"]),
        (Router(middleware=[OF_A]), [SAID_OF_A]),
        (OwnCall(middleware=[OF_A]), [unknown(OwnCall), SAID_OF_A]),
        (OwnStack(), [unknown(OwnStack)]),
    ],
)
def test_what_an_app_brings(app: object, said: list[str]) -> None:
    assert all_words(layers_of_app(app)) == said
    assert all_words(layers_around(app)) == []


def test_what_stands_around_an_app() -> None:
    app = CORSMiddleware(GZipMiddleware(Unknown(Starlette(middleware=[OF_A]))))
    outside = ["CORSMiddleware: no other origin; methods GET", unknown(Unknown)]
    assert all_words(layers_around(app)) == outside


def test_each_route_has_those_on_its_way() -> None:
    inner = Starlette(routes=[Route("/b", answering, middleware=[Middleware(Unknown)])], middleware=[OF_A])
    app = Starlette(
        routes=[Mount("/in", routes=[Mount("/er", inner)]), Route("/last", answering)],
        middleware=[Middleware(CORSMiddleware)],
    )
    first = "CORSMiddleware: no other origin; methods GET"
    assert [(route.path, all_words(route.layers)) for route in report(CORSMiddleware(app)).routes] == [
        ("/in", [first, first]),
        ("/in/er", [first, first, SAID_OF_A]),
        ("/in/er/b", [first, first, SAID_OF_A, unknown(Unknown)]),
        ("/last", [first, first]),
    ]


# --- Who answers, and what is said


def shop(*middleware: Middleware, installs: bool = False) -> FastAPI:
    """Routes without a policy, with one, and an app that shows no routes."""
    app = FastAPI(openapi_url=None, middleware=[*middleware])
    app.add_api_route("/plain", lambda: None, methods=["GET", "PUT"])
    app.add_api_route("/ruled", cors(origins=A)(lambda: None), methods=["GET", "PUT"])
    app.add_api_websocket_route("/ws", chatting)
    app.mount("/flask", nothing)
    if installs:
        install_cors(app)
    return app


def called(app: Any, method: str, path: str, origin: str = A, **more: Any) -> Explanation:
    return explain(app, Call(method=method, path=path, origin=origin, **more))


def checks(explanation: Explanation) -> list[tuple[bool | None, str]]:
    """Those of layers of others, in the last step."""
    return [(each.passed, each.detail) for each in explanation.steps[-1].checks if each.name == "middleware"]


OPEN: Final = Middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True, allow_methods=["*"])
SAID_OF_OPEN: Final = "any origin, reflected"


def test_any_origin_with_credentials_is_readable() -> None:
    explanation = called(shop(OPEN), "GET", "/plain", EVIL, credentials=True)
    assert (explanation.allowed, explanation.fix, explanation.not_known) == (True, None, ())
    assert explanation.verdict == "Allowed: the page can read the response."
    (step,) = explanation.steps
    assert (step.status, step.answered_by) == (None, "endpoint")
    assert dict(step.response_headers) == {
        "access-control-allow-origin": EVIL,
        "access-control-allow-credentials": "true",
        "vary": "Origin",
    }
    assert checks(explanation) == [(True, f"{EVIL} is allowed by {STARLETTES}: {SAID_OF_OPEN}")]


def test_it_answers_preflights() -> None:
    explanation = called(
        shop(Middleware(CORSMiddleware, [A])), "PUT", "/plain", EVIL, headers=(("X-B", "1"),)
    )
    assert explanation.allowed is False
    (step,) = explanation.steps
    assert (step.status, step.answered_by) == (400, STARLETTES)
    said = f"{STARLETTES} answers it and refuses its origin, method, headers (400): {A}; methods GET"
    assert checks(explanation) == [(False, said)]
    assert explanation.verdict == (
        f"Blocked at the preflight: the request itself is never sent. It fails at the middleware: {said}."
    )
    assert {name for name, _ in step.response_headers} == {
        "vary",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-max-age",
    }


def test_it_answers_before_the_route_is_looked_for() -> None:
    explanation = called(shop(Middleware(CORSMiddleware, [A])), "PUT", "/nowhere", EVIL)
    failed = [check.name for check in explanation.steps[0].checks if check.passed is False]
    assert failed == ["middleware"]


def test_it_refuses_an_answer() -> None:
    explanation = called(shop(Middleware(CORSMiddleware, [A])), "GET", "/plain", EVIL)
    said = f"{EVIL} is not allowed by {STARLETTES}: {A}"
    assert checks(explanation) == [(False, said)]
    assert explanation.verdict.endswith(f"It fails at the middleware: {said}.")
    # Ours would stand outside of it.
    assert explanation.fix is not None
    assert str(explanation.fix.code).endswith("\ninstall_cors(app)")


def test_ours_outside_of_it_wins_where_a_policy_holds() -> None:
    app = shop(OPEN, installs=True)
    explanation = called(app, "GET", "/ruled", EVIL)
    assert explanation.allowed is False
    assert checks(explanation) == [
        (None, f"{STARLETTES} is inside of the CORS layer, which replaces its CORS headers")
    ]
    assert called(app, "PUT", "/ruled").steps[0].status == 204
    # And leaves alone what has none.
    assert called(app, "PUT", "/plain").steps[0].answered_by == STARLETTES


def test_ours_inside_of_it_is_not_asked() -> None:
    app = shop(Middleware(CORSMiddleware, [EVIL]), Middleware(RouteCORSMiddleware))
    explanation = called(app, "PUT", "/ruled")
    layer = next(check for check in explanation.steps[0].checks if check.name == "layer")
    assert (layer.passed, layer.detail) == (
        False,
        f"it is not reached: {STARLETTES} is outside of it, and answers",
    )
    plain = called(app, "PUT", "/plain").steps[0]
    assert next(check for check in plain.checks if check.name == "layer").passed is None
    # Its headers are written over.
    assert called(app, "GET", "/ruled", EVIL).allowed is True
    allowed = called(app, "GET", "/ruled", A)
    assert allowed.allowed is True
    assert checks(allowed) == [(None, f"{A} is not allowed by {STARLETTES}: {EVIL}")]


def test_what_ours_leaves_to_one_further_in_is_for_theirs_in_between() -> None:
    inner = Middleware(RouteCORSMiddleware, default=CORSPolicy(origins=A))
    app = FastAPI(openapi_url=None, middleware=[Middleware(CORSMiddleware), inner])
    install_cors(app)
    step = called(app, "PUT", "/nowhere").steps[0]
    assert (step.answered_by, step.status) == (STARLETTES, 400)
    # The same with nobody in between; and where it is certain, from further out, what holds.
    app = FastAPI(openapi_url=None, middleware=[Middleware(GZipMiddleware), inner])
    install_cors(app)
    assert called(app, "PUT", "/nowhere").allowed is True
    app = FastAPI(openapi_url=None, middleware=[inner])
    around = RouteCORSMiddleware(CORSMiddleware(RouteCORSMiddleware(app)))
    assert called(around, "PUT", "/nowhere").steps[0].answered_by == "route_cors"
    assert called(around, "GET", "/nowhere").allowed is True


def test_around_the_app_no_policy_helps() -> None:
    explanation = called(CORSMiddleware(shop(), [A]), "PUT", "/plain", EVIL)
    assert explanation.fix is not None
    assert (explanation.fix.change, explanation.fix.code) == (
        f"No policy allows it: {STARLETTES} is outside of every layer of the app, and answers first.",
        None,
    )


def test_hosts_that_are_turned_away() -> None:
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["api.example", "www.shop.example"])
    app = shop(hosts, OPEN)
    trusted = f"{TrustedHostMiddleware.__module__}.TrustedHostMiddleware"
    explanation = called(app, "GET", "/plain")
    assert (explanation.allowed, explanation.steps[0].status) == (False, 400)
    assert checks(explanation) == [(False, f"{trusted} refuses it (400)")]
    explanation = called(app, "GET", "/plain", base_url="https://shop.example")
    assert checks(explanation) == [(None, f"{trusted} redirects it (307)")]
    assert checks(called(app, "PUT", "/plain", base_url="https://shop.example")) == [
        (False, f"{trusted} redirects it (307)")
    ]
    assert called(app, "GET", "/plain", base_url="https://api.example").allowed is True


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_what_is_not_known_gets_no_verdict(method: str) -> None:
    explanation = called(shop(Middleware(Unknown), OPEN), method, "/plain")
    assert (explanation.allowed, explanation.reason, explanation.fix) == (None, None, None)
    assert explanation.not_known == (name(Unknown),)
    assert explanation.verdict == (
        f"Not known: {name(Unknown)} may answer CORS by itself. "
        "If it does not: Allowed: the page can read the response."
    )
    step = explanation.steps[0]
    assert (step.answered_by, step.status, step.response_headers) == (None, None, ())
    assert checks(explanation) == [
        (None, unknown(Unknown)),
        (True, f"{A} is allowed by {STARLETTES}: {SAID_OF_OPEN}"),
    ]


def test_several_that_are_not_known() -> None:
    explanation = called(shop(Middleware(Unknown), Middleware(Dispatching)), "PUT", "/flask/a")
    assert explanation.not_known == (name(Unknown), name(Dispatching), name(nothing))
    assert explanation.verdict.startswith(
        f"Not known: {name(Unknown)}, {name(Dispatching)} and {name(nothing)} may answer CORS by themselves. "
        "If they do not: Blocked at the preflight: the request itself is never sent. "
    )
    # What would make it certain.
    assert explanation.fix is not None
    assert explanation.fix.code == "cors(origins=['https://a.example'])(...)\ninstall_cors(app)"


def test_what_is_not_known_behind_ours_changes_nothing() -> None:
    app = shop(Middleware(Unknown), installs=True)
    assert called(app, "PUT", "/ruled").allowed is True
    explanation = called(app, "GET", "/ruled")
    assert (explanation.allowed, explanation.not_known) == (True, ())
    assert checks(explanation) == [
        (None, f"{name(Unknown)} is inside of the CORS layer, which replaces its CORS headers")
    ]
    assert called(app, "GET", "/ruled", EVIL).allowed is False
    assert called(app, "GET", "/plain").allowed is None


def test_what_is_not_known_behind_one_that_allows_it_changes_nothing() -> None:
    app = shop(OPEN, Middleware(Unknown))
    assert called(app, "GET", "/plain", EVIL, credentials=True).allowed is True
    explanation = called(app, "PUT", "/plain", EVIL, credentials=True)
    assert (explanation.allowed, explanation.not_known) == (True, ())
    # What it exposes may be more.
    assert checks(explanation) == [(True, f"{EVIL} is allowed by {STARLETTES}: {SAID_OF_OPEN}")]


@pytest.mark.parametrize(
    ("app", "allowed"),
    [
        (shop(), True),
        (shop(OPEN), True),
        (shop(Middleware(Dispatching)), True),
        (shop(Middleware(Unknown)), None),
        (shop(Middleware(CallingItself)), None),
        (shop(Middleware(Unknown), installs=True), None),
    ],
)
def test_a_handshake(app: FastAPI, allowed: bool | None) -> None:
    explanation = called(app, "WEBSOCKET", "/ws")
    assert explanation.allowed is allowed
    assert (explanation.not_known == ()) is (allowed is not None)


def test_a_handshake_that_ours_decides_on() -> None:
    app = FastAPI(openapi_url=None, middleware=[Middleware(Unknown)])
    app.add_api_websocket_route("/ws", cors(origins=A)(chatting))
    install_cors(app)
    assert called(app, "WEBSOCKET", "/ws").allowed is True
    assert called(app, "WEBSOCKET", "/ws", EVIL).allowed is False
    outside = Unknown(app)
    assert called(outside, "WEBSOCKET", "/ws").allowed is None


def test_in_place_of_a_404() -> None:
    for default, allowed in ((PlainTextResponse("x"), False), (nothing, None)):
        app = FastAPI(openapi_url=None)
        app.router.default = default
        explanation = called(app, "GET", "/nowhere")
        assert (explanation.allowed, explanation.steps[0].status) == (allowed, None)
        around = Starlette(routes=[Mount("/in", app)])
        assert called(around, "GET", "/in/nowhere").allowed is allowed


def test_a_frontend() -> None:
    app = FastAPI(openapi_url=None)
    if not hasattr(app, "frontend"):
        pytest.skip("this FastAPI has no frontends")
    app.frontend("/front", directory=".")
    step = called(app, "GET", "/front/pyproject.toml").steps[0]
    assert (step.answered_by, step.status) == ("endpoint", None)


def test_a_page_of_its_own_origin_meets_no_cors() -> None:
    explanation = called(shop(OPEN), "GET", "/plain", "https://testserver")
    assert explanation.allowed is True
    assert checks(explanation) == []


# --- The cells of a report


def cell(app: Any, path: str, origin: str = EVIL) -> Access:
    return access_of(next(route for route in report(app).routes if route.path == path), origin)


YES: Final = Access("yes", with_credentials=False)
WITH_CREDENTIALS: Final = Access("yes", with_credentials=True)
NO: Final = Access("no", with_credentials=False)
NOT_KNOWN: Final = Access("unknown", with_credentials=False)


def asks(origin: str, connection: Any) -> bool:
    raise AssertionError


def asking(*middleware: Middleware) -> FastAPI:
    app = FastAPI(openapi_url=None, middleware=[*middleware, Middleware(RouteCORSMiddleware)])
    app.add_api_route("/asks", cors(origins=asks)(lambda: None))
    return app


def behind_unknown(method: str) -> FastAPI:
    default = CORSPolicy(origins=EVIL)
    around = [Middleware(Unknown), Middleware(RouteCORSMiddleware, default=default)]
    app = FastAPI(openapi_url=None, middleware=around)
    app.add_api_route("/a", lambda: None, methods=[method])
    return app


def with_put(**arguments: Any) -> FastAPI:
    app = FastAPI(openapi_url=None, middleware=[Middleware(CORSMiddleware, ["*"], **arguments)])
    app.add_api_route("/a", lambda: None, methods=["PUT"])
    return app


@pytest.mark.parametrize(
    ("app", "path", "access"),
    [
        (shop(OPEN), "/plain", WITH_CREDENTIALS),
        (shop(OPEN), "/ruled", WITH_CREDENTIALS),
        (shop(OPEN, installs=True), "/plain", WITH_CREDENTIALS),
        (shop(OPEN, installs=True), "/ruled", NO),
        (shop(Middleware(CORSMiddleware, ["*"])), "/plain", YES),
        (shop(Middleware(CORSMiddleware, [A])), "/plain", NO),
        (shop(Middleware(CORSMiddleware, [A]), Middleware(CORSMiddleware, [EVIL])), "/plain", YES),
        (shop(Middleware(Unknown)), "/plain", NOT_KNOWN),
        (shop(Middleware(Unknown), OPEN), "/plain", NOT_KNOWN),
        (shop(OPEN, Middleware(Unknown)), "/plain", WITH_CREDENTIALS),
        (shop(Middleware(Unknown), installs=True), "/ruled", NO),
        (shop(Middleware(Unknown), Middleware(RouteCORSMiddleware)), "/ruled", NOT_KNOWN),
        (shop(), "/flask", NOT_KNOWN),
        (shop(OPEN), "/flask", WITH_CREDENTIALS),
        (shop(), "/ws", WITH_CREDENTIALS),
        (shop(Middleware(Dispatching)), "/ws", WITH_CREDENTIALS),
        (shop(Middleware(Unknown)), "/ws", NOT_KNOWN),
        (with_put(), "/a", NO),
        (with_put(allow_methods=["PUT"]), "/a", YES),
        (with_put(allow_methods=["*"], allow_credentials=True), "/a", WITH_CREDENTIALS),
        # A callable may let it in, whatever stands outside; or that allows it anyhow.
        (asking(Middleware(CORSMiddleware, [A])), "/asks", Access("asks", with_credentials=False)),
        (asking(OPEN), "/asks", WITH_CREDENTIALS),
        (asking(Middleware(Unknown)), "/asks", NOT_KNOWN),
        (behind_unknown("PUT"), "/a", NOT_KNOWN),
    ],
)
def test_a_cell(app: Any, path: str, access: Access) -> None:
    assert cell(app, path) == access


def test_a_preflight_does_not_get_to_a_routes_own_middleware() -> None:
    app = Starlette(routes=[Route("/a", answering, methods=["PUT"], middleware=[OPEN])])
    assert cell(app, "/a") == NO
    assert called(app, "PUT", "/a").steps[0].status == 405
    app = Starlette(routes=[Route("/a", answering, methods=["PUT", "OPTIONS"], middleware=[OPEN])])
    assert cell(app, "/a") == WITH_CREDENTIALS
    assert called(app, "PUT", "/a").allowed is True


def test_a_wildcard_of_ours_behind_one_that_adds_credentials() -> None:
    app = FastAPI(
        openapi_url=None,
        middleware=[
            Middleware(CORSMiddleware, [A], allow_credentials=True),
            Middleware(RouteCORSMiddleware, default=CORSPolicy(origins="*")),
        ],
    )
    app.add_api_route("/a", lambda: None)
    assert cell(app, "/a") == YES
    assert called(app, "GET", "/a", EVIL, credentials=True).allowed is False
    app.user_middleware[1] = Middleware(RouteCORSMiddleware, default=CORSPolicy(origins=EVIL))
    assert cell(app, "/a") == WITH_CREDENTIALS
    assert called(app, "GET", "/a", EVIL, credentials=True).allowed is True
    # Credentials of ours, behind one that says nothing of that origin.
    ours = CORSPolicy(origins=EVIL, allow_credentials=True)
    app.user_middleware = [Middleware(CORSMiddleware, [A]), Middleware(RouteCORSMiddleware, default=ours)]
    assert cell(app, "/a") == WITH_CREDENTIALS
    assert called(app, "GET", "/a", EVIL, credentials=True).allowed is True


def test_none_of_the_apps_code_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: Any, **more: Any) -> Any:
        raise AssertionError

    for each in (Unknown, Dispatching, Preset):
        monkeypatch.setattr(each, "__init__", run)
    app = shop(Middleware(Unknown), Middleware(Dispatching), Middleware(Preset))
    assert cell(app, "/plain") == NOT_KNOWN
    assert called(app, "PUT", "/plain").allowed is None
    assert isinstance(report(app).routes, tuple)


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")
def test_a_loop_of_redirects_whose_preflights_the_browser_remembers() -> None:
    """As somebody unknown may let it in: two routers that send the call to each other."""
    inner = FastAPI(openapi_url=None, root_path="/api")
    inner.add_api_route("/a", lambda: None)
    inner.add_api_route("/", lambda: None)
    app = FastAPI(openapi_url=None, middleware=[Middleware(Unknown)])
    app.mount("/a", inner)
    explanation = called(app, "X1", "/a/", EVIL)
    # Nobody reads the end of a loop, whatever is answered on the way.
    assert explanation.allowed is False
    assert explanation.not_known == (name(Unknown),)


def test_of_two_layers_with_something_harmless_between_them_the_inner_default_holds_for_a_404() -> None:
    app = FastAPI(
        openapi_url=None,
        middleware=[
            Middleware(GZipMiddleware),
            Middleware(RouteCORSMiddleware, default=CORSPolicy(origins=A)),
        ],
    )
    install_cors(app, default=CORSPolicy(origins="*"))
    told = called(app, "GET", "/nowhere", A).steps[-1].response_headers
    assert [*told] == [("access-control-allow-origin", A), ("vary", "Origin")]
    assert called(app, "GET", "/nowhere", EVIL).allowed is False
