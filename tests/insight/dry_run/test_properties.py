"""A dry run against reality: generated apps with any CORSMiddleware, next to any policies.

Nobody can tell a dry run from outside, and what it reports is what pages of a simulated browser see with the
CORSMiddleware and with `install_cors` in its place. A tenth of `ROUTE_CORS_EXAMPLES` is how many apps are
seen, 100 at least.
"""

from __future__ import annotations

import inspect
import os
from typing import TYPE_CHECKING, Any, Final

import anyio
from asgi import http_scope
from asgi import preflight as preflight_headers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from route_cors import CORSConfigError, CORSPolicy, Decision, cors, install_cors, no_cors
from route_cors.testing import Browser, CORSBlocked

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Scope

EXAMPLES: Final = max(100, int(os.environ.get("ROUTE_CORS_EXAMPLES", "0")) // 10)
generated = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

A: Final = "https://a.example"
B: Final = "http://b.example:8000"
ORIGINS: Final = (A, B, "https://sub.a.example", "null")
# Those that the responses have; a page that may read X-Extra may read all.
EXPOSED: Final = ("ETag", "X-A", "X-B")
PATHS: Final = ("/items", "/special", "/mounted/inner", "/missing")

_arguments: Final = st.fixed_dictionaries(
    {},
    optional={
        "allow_origins": st.lists(st.sampled_from((A, B, "*", "null", f"{A}/")), max_size=3),
        "allow_origin_regex": st.sampled_from((None, r"https://.*\.a\.example", ".*", "null")),
        "allow_methods": st.lists(st.sampled_from(("*", "GET", "PUT", "put")), max_size=2),
        "allow_headers": st.lists(st.sampled_from(("*", "X-Token", "Authorization", "x y")), max_size=2),
        "expose_headers": st.lists(st.sampled_from(("*", *EXPOSED, "x y", "Set-Cookie")), max_size=2),
        "allow_credentials": st.booleans(),
        **(
            {"allow_private_network": st.booleans()}
            if "allow_private_network" in inspect.signature(CORSMiddleware).parameters
            else {}
        ),
    },
)


def _policy(arguments: dict[str, Any]) -> CORSPolicy | None:
    try:
        return CORSPolicy(**arguments)
    except CORSConfigError:
        return None


_policies: Final = (
    st.fixed_dictionaries(
        {
            "origins": st.one_of(
                st.just("*"),
                st.lists(
                    st.sampled_from((A, B, "https://*.a.example", "http://b.example:*")),
                    min_size=1,
                    max_size=2,
                ),
                # A callable is asked, each time.
                st.just([lambda origin, _: origin == A]),
            )
        },
        optional={
            "methods": st.sampled_from((None, ["GET"], ["PUT", "POST"])),
            "allow_headers": st.sampled_from((["X-Token"], "*", ["*", "Authorization"], ["Authorization"])),
            "expose_headers": st.sampled_from((["ETag"], ["X-A", "X-B"], "*")),
            "allow_credentials": st.booleans(),
            "dangerously_allow_insecure_origins": st.just(value=True),
        },
    )
    .map(_policy)
    .filter(lambda policy: policy is not None)
)
_declared: Final = st.one_of(_policies, st.just(no_cors))


async def _respond(*_: object) -> PlainTextResponse:
    return PlainTextResponse("body", headers=dict.fromkeys((*EXPOSED, "X-Extra"), "1"))


def _endpoint(declared: Any) -> Any:
    async def endpoint(request: Request) -> PlainTextResponse:
        return await _respond(request)

    if declared is None:
        return endpoint
    return declared(endpoint) if declared is no_cors else cors(declared)(endpoint)


def _app(arguments: dict[str, Any] | None, special: Any, inner: Any) -> Starlette:
    methods = ["GET", "PUT"]
    mounted = Starlette(routes=[Route("/inner", _endpoint(inner), methods=methods)])
    app = Starlette(
        routes=[
            Route("/items", _endpoint(None), methods=methods),
            Route("/special", _endpoint(special), methods=methods),
            Mount("/mounted", app=mounted),
        ],
        exception_handlers={404: _respond},
    )
    if arguments is not None:
        app.add_middleware(CORSMiddleware, **arguments)
    return app


def _messages(app: ASGIApp, scope: Scope) -> list[Message]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    anyio.run(app, dict(scope), receive, send)
    return sent


_Readable = frozenset[str] | None
"""What a page may read; None: nothing at all."""


def _readable(app: ASGIApp, origin: str, path: str, credentials: Any) -> _Readable:
    """What a page gets of a request that needs no preflight."""
    try:
        response = Browser(app, origin=origin).fetch(path, credentials=credentials)
    except CORSBlocked:
        return None
    return frozenset(response.headers) & {name.lower() for name in (*EXPOSED, "X-Extra")}


def _granted(app: ASGIApp, origin: str, path: str, credentials: Any) -> _Readable:
    """Whether a page's preflight is granted."""
    try:
        Browser(app, origin=origin).fetch(
            path, method="PUT", headers={"X-Token": "1", "Authorization": "Bearer 1"}, credentials=credentials
        )
    except CORSBlocked as blocked:
        return None if blocked.step == "preflight" else frozenset()
    return frozenset()


def _change(before: list[_Readable], after: list[_Readable]) -> str:
    gains = loses = False
    for was, now in zip(before, after, strict=True):
        if was is None or now is None:
            gains |= was is None and now is not None
            loses |= now is None and was is not None
        else:
            gains |= not now <= was
            loses |= not was <= now
    return {(True, True): "both", (True, False): "gains", (False, True): "loses"}.get((gains, loses), "")


@generated
@given(
    _arguments,
    st.tuples(_policies, _declared, _declared),
    st.tuples(st.sampled_from(ORIGINS), st.sampled_from(PATHS)),
)
def test_what_it_reports_is_what_pages_see(
    arguments: dict[str, Any], policies: tuple[Any, Any, Any], page: tuple[str, str]
) -> None:
    default, special, inner = policies
    before, after, dry = (_app(given, special, inner) for given in (arguments, None, arguments))
    install_cors(after, default=default)
    seen: list[Decision] = []
    install_cors(dry, default=default, dry_run=True, on_decision=seen.append)
    for sees, scope in _REQUESTS:
        request = scope(*page)
        assert _messages(dry, request) == _messages(before, request)
        (decision,) = seen
        seen.clear()
        was, now = ([sees(app, *page, mode) for mode in _MODES] for app in (before, after))
        assert decision.dry_run is not None
        assert decision.dry_run.change == _change(was, now), (decision, was, now)
        assert decision.dry_run.allowed == any(each is not None for each in was)
        assert (decision.dry_run.why == "") == (decision.dry_run.change == "")
        assert decision.allowed == any(each is not None for each in now)


_MODES: Final = ("same-origin", "include")


def _host(headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    return [*headers, (b"host", b"testserver")]


def _simple(origin: str, path: str) -> Scope:
    return http_scope("GET", path, _host([(b"origin", origin.encode())]))


def _preflight(origin: str, path: str) -> Scope:
    names = (b"access-control-request-headers", b"authorization,x-token")
    return http_scope("OPTIONS", path, _host(preflight_headers(b"PUT", origin.encode(), names)))


_REQUESTS: Final = ((_readable, _simple), (_granted, _preflight))

_sent: Final = st.lists(
    st.tuples(
        st.sampled_from(
            (
                *(b"origin", b"origin", b"access-control-request-method", b"access-control-request-headers"),
                *(b"cookie", b"host", b"sec-fetch-site"),
            )
        ),
        st.one_of(
            st.sampled_from((A.encode(), b"*", b"null", b"GET", b"PUT", b"x-token", b"testserver", b"")),
            st.binary(max_size=20),
            st.sampled_from((b"x" * 65_536, b"\xff\x00\r\n", b"https://a.example,")),
        ),
    ),
    max_size=6,
)


@generated
@given(
    _arguments,
    _policies,
    _declared,
    st.sampled_from(PATHS),
    st.sampled_from(("GET", "OPTIONS", "PUT")),
    _sent,
)
def test_nobody_can_tell_it_from_outside(
    arguments: dict[str, Any],
    default: Any,
    special: Any,
    path: str,
    method: str,
    sent: list[tuple[bytes, bytes]],
) -> None:
    before, dry = (_app(arguments, special, None) for _ in range(2))
    seen: list[Decision] = []
    install_cors(dry, default=default, dry_run=True, on_decision=seen.append)
    scope = http_scope(method, path, sent)
    assert _messages(dry, scope) == _messages(before, scope)
    assert all(str(decision).isascii() and str(decision).isprintable() for decision in seen)
