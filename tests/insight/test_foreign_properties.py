"""`explain` and the report against reality, on apps with CORSMiddleware in every place.

Generated apps have Starlette's middleware around the app, among its own, in routes, routers and mounts, and
as an endpoint, with any arguments, with and without layers of ours. What the test browser sees of them
is what `explain` says, headers and all, and what the report's cells say. `ROUTE_CORS_EXAMPLES` sets how many
apps each property sees.
"""

from __future__ import annotations

import inspect
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from drawn import drawn
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, Router, WebSocketRoute, request_response
from starlette.websockets import WebSocket  # noqa: TC002 - pydantic 2.7 resolves the annotations of a route as it is added

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors, report
from route_cors.insight import Call, access_of
from route_cors.insight.explain import explain
from route_cors.testing import Browser, CORSBlocked
from route_cors.testing.hosts import Everywhere

from .answers import answers_to, ours

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from route_cors.insight import Explanation, ReportedRoute

EXAMPLES: Final = int(os.environ.get("ROUTE_CORS_EXAMPLES", "200"))
generated = drawn(EXAMPLES)

A: Final = "https://a.example"
B: Final = "https://b.example"
ORIGINS: Final = (A, B, "https://sub.b.example", "https://evil.example", "null")
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH")
PATHS: Final = ("/plain", "/ruled", "/closed", "/wrapped", "/end", "/own", "/files/plain", "/sub/plain")
PATHS_BELOW: Final = (
    "/sub/ruled",
    "/sub/none",
    "/none",
    "/router/plain",
    "/sub/wrapped",
    "/plain/",
    "/ws",
    "/sub/ws",
)


# --- What is generated

_has_private_network = "allow_private_network" in inspect.signature(CORSMiddleware).parameters
_origins = st.sampled_from((A, B, "*", "null", "https://evil.example"))
_names = st.sampled_from(("*", "X-Token", "x-other", "Authorization"))
_methods = st.lists(st.sampled_from((*METHODS, "OPTIONS", "*")), max_size=4, unique=True)
_arguments = st.fixed_dictionaries(
    {},
    optional={
        "allow_origins": st.one_of(
            st.lists(_origins, max_size=3, unique=True),
            st.lists(_origins, max_size=2, unique=True).map(tuple),
            st.frozensets(_origins, max_size=2),
            st.sampled_from((A, "*", "https://*.b.example")),
        ),
        "allow_methods": st.one_of(_methods, _methods.map(tuple)),
        "allow_headers": st.lists(_names, max_size=2, unique=True),
        "allow_credentials": st.booleans(),
        "allow_origin_regex": st.sampled_from((None, r"https://.*\.b\.example", "https://.*", ".*a.*")),
        "expose_headers": st.lists(st.sampled_from(("ETag", "*")), max_size=1),
        "max_age": st.sampled_from((0, 60, 600)),
        **({"allow_private_network": st.booleans()} if _has_private_network else {}),
    },
)
_policies = st.sampled_from(
    (
        None,
        CORSPolicy(origins=A),
        CORSPolicy(origins="*"),
        CORSPolicy(
            origins=[A, B], allow_credentials=True, allow_headers=["X-Token"], expose_headers=["ETag"]
        ),
    )
)
_layers = st.one_of(
    st.tuples(st.just("cors"), _arguments),
    st.tuples(st.just("cors"), _arguments),
    st.tuples(st.just("gzip"), st.just({})),
    st.tuples(st.just("ours"), st.fixed_dictionaries({"default": _policies})),
    st.tuples(st.just("hosts"), st.just({"allowed_hosts": ["testserver", "*.other.example"]})),
    st.tuples(st.just("https"), st.just({})),
)
_theirs = st.lists(_layers.filter(lambda layer: layer[0] in {"cors", "gzip"}), max_size=2)

CLASSES: Final[dict[str, Any]] = {
    "cors": CORSMiddleware,
    "gzip": GZipMiddleware,
    "ours": RouteCORSMiddleware,
    "hosts": TrustedHostMiddleware,
    "https": HTTPSRedirectMiddleware,
}
_Layers = list[tuple[str, dict[str, Any]]]


class Site(NamedTuple):
    """An app, as it is built."""

    is_fastapi: bool
    around: _Layers
    own: _Layers
    installed: bool
    default: CORSPolicy | None
    policy: CORSPolicy | None
    on_route: _Layers
    on_mount: _Layers
    of_sub: _Layers
    is_sub_installed: bool
    sub_default: CORSPolicy | None
    as_endpoint: dict[str, Any]
    of_router: _Layers


sites = st.builds(
    Site,
    is_fastapi=st.booleans(),
    around=st.lists(_layers, max_size=2),
    own=st.lists(_layers, max_size=3),
    installed=st.booleans(),
    default=_policies,
    policy=_policies,
    on_route=_theirs,
    on_mount=_theirs,
    of_sub=_theirs,
    is_sub_installed=st.booleans(),
    sub_default=_policies,
    as_endpoint=_arguments,
    of_router=_theirs,
)


def middleware(layers: _Layers) -> list[Middleware]:
    return [Middleware(CLASSES[kind], **arguments) for kind, arguments in layers]


def answering(request: Request) -> PlainTextResponse:
    return PlainTextResponse("x")


async def accepting(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


def routes(site: Site) -> list[Any]:
    def ruled(request: Request) -> PlainTextResponse:
        return PlainTextResponse("x")

    def closed(request: Request) -> PlainTextResponse:
        return PlainTextResponse("x")

    methods = [*METHODS]
    return [
        Route("/plain", answering, methods=methods),
        Route("/ruled", ruled if site.policy is None else cors(site.policy)(ruled), methods=methods),
        Route("/closed", no_cors(closed), methods=methods),
        Route("/wrapped", answering, methods=["GET", "PUT"], middleware=middleware(site.on_route)),
        Route("/end", CORSMiddleware(request_response(answering), **site.as_endpoint)),
        WebSocketRoute("/ws", accepting),
    ]


def build(site: Site) -> Any:
    sub = Starlette(routes=routes(site), middleware=middleware(site.of_sub))
    if site.is_sub_installed:
        install_cors(sub, default=site.sub_default)
    app: Any = FastAPI(openapi_url=None) if site.is_fastapi else Starlette()
    app.router.routes += [
        *routes(site),
        Mount("/sub", sub),
        Mount("/files", routes=routes(site), middleware=middleware(site.on_mount)),
        Mount("/router", Router(routes(site), middleware=middleware(site.of_router))),
    ]
    if site.is_fastapi:
        own = CORSRouter(cors=site.policy)
        own.add_api_route("/own", lambda: "x", methods=[*METHODS])
        app.include_router(own)
    app.user_middleware += middleware(site.own)
    if site.installed:
        install_cors(app, default=site.default)
    for kind, arguments in site.around:
        app = CLASSES[kind](app, **arguments)
    return app


calls = st.builds(
    Call,
    method=st.sampled_from((*METHODS, "WEBSOCKET")),
    path=st.sampled_from((*PATHS, *PATHS_BELOW)),
    origin=st.sampled_from(ORIGINS),
    headers=st.sampled_from(
        (
            (),
            (("X-Token", "t"),),
            (("Authorization", "b"), ("x-other", "o")),
            (("Content-Type", "application/json"),),
        )
    ),
    credentials=st.booleans(),
    base_url=st.sampled_from(("https://testserver", "http://testserver", "https://unknown.example")),
).map(lambda call: call if call.method != "WEBSOCKET" else replace(call, headers=()))


# --- What is seen


def seen_in_reality(app: Any, call: Call) -> tuple[str | None, list[Any]]:
    """What blocked it, and each request with the status and CORS headers of its answer."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        # Whoever asks for credentials has a cookie, as far as the server is concerned.
        if call.credentials and scope["type"] == "http" and not _is_preflight(scope):
            scope = {**scope, "headers": [*scope["headers"], (b"cookie", b"a=b")]}
        await app(scope, receive, send)

    browser = Browser(Everywhere(served), origin=call.origin, base_url=call.base_url)
    reason = None
    try:
        if call.method == "WEBSOCKET":
            browser.connect(call.path)
        else:
            browser.fetch(
                call.path,
                method=call.method,
                headers=call.headers,
                credentials="include" if call.credentials else "same-origin",
            )
    except CORSBlocked as blocked:
        reason = blocked.reason
    return reason, answers_to(browser)


def _is_preflight(scope: Scope) -> bool:
    return scope["method"] == "OPTIONS" and any(
        name == b"access-control-request-method" for name, _ in scope["headers"]
    )


def told(explanation: Explanation) -> list[Any]:
    return [
        # The endpoints answer 200, which is for nobody but them to know.
        (step.request, 200 if step.status is None else step.status, ours(step.response_headers))
        for step in explanation.steps
    ]


@generated
@given(sites, st.lists(calls, min_size=1, max_size=4))
def test_what_is_explained_is_what_happens(site: Site, asked: list[Call]) -> None:
    app = build(site)
    for call in asked:
        explanation = explain(app, call)
        reason, answers = seen_in_reality(build(site), call)
        # Only Starlette's middleware and ours are about.
        assert (explanation.allowed, explanation.not_known) == (reason is None, ())
        assert (explanation.reason, told(explanation)) == (reason, answers)
        assert (explanation.fix is None) is explanation.allowed


# --- The cells of the report


def may(app: Any, route: ReportedRoute, origin: str, *, credentials: bool) -> bool:
    methods = ("WEBSOCKET",) if route.kind == "websocket" else route.methods or ("GET",)
    return any(
        seen_in_reality(
            app, Call(method=method, path=str(route.example), origin=origin, credentials=credentials)
        )[0]
        is None
        for method in methods
    )


def is_gate(layer: tuple[str, Any]) -> bool:
    return layer[0] in {"hosts", "https"}


@generated
@given(sites, st.sampled_from(ORIGINS[:-1]), st.integers(0, 100))
def test_what_a_cell_says_is_what_happens(site: Site, origin: str, chosen: int) -> None:
    site = site._replace(
        around=[layer for layer in site.around if not is_gate(layer)],
        own=[layer for layer in site.own if not is_gate(layer)],
    )
    app = build(site)
    rows = [route for route in report(app).routes if route.kind != "mount"]
    route = rows[chosen % len(rows)]
    access = access_of(route, origin)
    assert access.verdict == ("yes" if may(app, route, origin, credentials=False) else "no")
    if route.kind != "websocket":
        assert access.with_credentials is may(app, route, origin, credentials=True)


# --- Beside what is not known


class Guessed:
    """A middleware that does something about CORS, for a policy, or nothing at all."""

    def __init__(self, app: Any, headers: dict[str, str], *, answers: bool) -> None:
        self.app = app
        self.headers = headers
        self.answers = answers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif self.answers and _is_preflight(scope):
            await PlainTextResponse("", headers=self.headers)(scope, receive, send)
        else:
            await self.app(scope, receive, self._rewriting(send))

    def _rewriting(self, send: Send) -> Callable[[Any], Any]:
        async def rewrite(message: Any) -> None:
            if message["type"] == "http.response.start":
                added = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
                kept = [each for each in message["headers"] if each[0] not in dict(added)]
                message = {**message, "headers": [*kept, *added]}
            await send(message)

        return rewrite


_written = st.fixed_dictionaries(
    {},
    optional={
        "Access-Control-Allow-Origin": st.sampled_from((*ORIGINS, "*")),
        "Access-Control-Allow-Credentials": st.just("true"),
        "Access-Control-Allow-Methods": st.sampled_from(("PUT", "*")),
        "Access-Control-Allow-Headers": st.sampled_from(
            ("*", "x-token, authorization, x-other, content-type")
        ),
    },
)


@generated
@given(sites, _written, st.booleans(), st.integers(0, 3), st.lists(calls, min_size=1, max_size=4))
def test_what_is_not_known_is_never_guessed(
    site: Site, headers: dict[str, str], answers: bool, place: int, asked: list[Call]
) -> None:
    def built() -> Any:
        app = build(site._replace(around=[]))
        app.user_middleware.insert(place, Middleware(Guessed, headers, answers=answers))
        return app

    app = built()
    for call in asked:
        explanation = explain(app, call)
        reason, _ = seen_in_reality(built(), call)
        assert explanation.allowed in {reason is None, None}
        if explanation.allowed is None:
            assert explanation.not_known == (f"{__name__}.Guessed",)
