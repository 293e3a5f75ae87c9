"""The ASGI layer: it resolves the route of each request and carries out what the protocol decides.

`RouteCORSMiddleware` is the layer; `install_cors` puts it outside everything that can make a response.
What is shared with `CORSRoute` is here too: answering a preflight, and serving an actual request under
given terms.
"""

from __future__ import annotations

import functools
import inspect
from typing import TYPE_CHECKING, Any, cast

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import HTTPConnection

from route_cors.decisions import (
    ANSWER_NOT_READABLE,
    ANSWER_READABLE,
    CALLABLE_FAILED,
    PREFLIGHT_ALLOWED,
    PREFLIGHT_REFUSED,
    REQUEST_REFUSED,
    WEBSOCKET_ALLOWED,
    WEBSOCKET_REFUSED,
)
from route_cors.decorators import changes
from route_cors.diagnostics import (
    LOGGER,
    ROOT_LOGGER,
    Diagnostics,
    OnDecision,
    explained,
    require_on_decision,
)
from route_cors.dispatch import DECIDED, Resolver, remember_default
from route_cors.openapi import describe_in_schema
from route_cors.origins import OriginCallable, is_serialized_origin
from route_cors.policy import CORSPolicy
from route_cors.protocol import (
    Answer,
    Check,
    Headers,
    Preflight,
    Terms,
    is_foreign,
    merge_headers,
    read_origin,
    read_preflight,
    refuse_actual,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.decisions import Event
    from route_cors.dispatch import Target

__all__ = [
    "RouteCORSMiddleware",
    "answer_preflight",
    "install_cors",
    "refuses_websocket",
    "serve_actual",
]

_INSTALLED = "_route_cors_installed"


class RouteCORSMiddleware:
    """The CORS layer as an ordinary middleware: each request is served under the policy of its own route.

    `install_cors` is the better place for it: `app.add_middleware(RouteCORSMiddleware)` does not see what
    is answered outside the user middleware, such as the app's own 500s. It fits where paths are rewritten
    by a middleware, behind which it has to stand, and inside `Mount(middleware=[...])`.

    `app` is the ASGI app behind it. `default` is the policy of every HTTP route, opaque mount and 404 that
    has none of its own; None leaves them untouched. It does not speak for websockets. `debug` lets the
    browser's console name the check that failed a preflight of an allowed origin (the policy is shown to
    that origin), and tells everybody in `X-Route-CORS-Refused` what failed and what would have been allowed;
    None takes the app's own `debug`. `on_decision` is a plain function that is called with the `Decision` on
    each cross-origin request, before that is served: for metrics and traces. It should take no time, as the
    event loop waits for it; what it raises is logged, and never gets into the request.

    >>> from fastapi import FastAPI
    >>> app = FastAPI()
    >>> app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins=["https://app.example.com"]))

    Raises `TypeError` where `default` is no policy, or `on_decision` no plain function. Protocol: https://fetch.spec.whatwg.org/#http-cors-protocol
    """

    is_route_cors_layer = True

    def __init__(
        self,
        app: ASGIApp,
        *,
        default: CORSPolicy | None = None,
        debug: bool | None = None,
        on_decision: OnDecision | None = None,
    ) -> None:
        _require_policy(default)
        require_on_decision(on_decision)
        # Public, as every middleware's: FastAPI (from 0.142 on) and OpenTelemetry walk the stack by it.
        self.app = app
        remember_default(self, default)
        self._resolver = Resolver(app, default)
        self._diagnostics = Diagnostics(debug=debug, on_decision=on_decision)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, handshake or lifespan (https://asgi.readthedocs.io/en/latest/specs/main.html)."""
        # Servers tell an ASGI 3 app by its `__call__` being a coroutine function.
        await self.serve(scope, receive, send)

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """As `__call__`; a plain function, as most requests are handed on and need no coroutine here."""
        if scope["type"] != "http":
            return self._serve_other(scope, receive, send)
        if scope["method"] == "OPTIONS":
            # No preflight comes here that a layer further out has found a policy for.
            preflight = read_preflight(scope["headers"])
            if preflight is not None:
                target = self._resolver.resolve_http(scope, preflight[1])
                terms = target.terms
                if terms is None:
                    return self.app(scope, receive, send)
                return answer_preflight(terms, target, preflight, scope, send, self._diagnostics)
        if DECIDED in scope:
            return self.app(scope, receive, send)
        target = self._resolver.resolve_http(scope, scope["method"])
        terms = target.terms
        if terms is None:
            return self.app(scope, receive, send)
        scope[DECIDED] = terms
        return serve_actual(self.app, terms, target, scope, receive, send, self._diagnostics)

    def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """What is no HTTP request."""
        if scope["type"] == "lifespan":
            return self.app(scope, receive, self._warming_up(scope, send))
        if scope["type"] == "websocket" and DECIDED not in scope:
            return self._guard(scope, receive, send)
        return self.app(scope, receive, send)

    async def _guard(self, scope: Scope, receive: Receive, send: Send) -> None:
        target = self._resolver.resolve(scope, "")
        terms = target.terms
        if terms is not None:
            scope[DECIDED] = terms
            if await refuses_websocket(terms, target, scope, self._diagnostics):
                await send({"type": "websocket.close", "code": 1008, "reason": "CORS: origin"})
                return
        await self.app(scope, receive, send)

    def _warming_up(self, scope: Scope, send: Send) -> Send:
        """A `send` that builds the route index when the app has started, and not with its first request."""

        def send_when_warm(message: Message) -> Awaitable[None]:
            if message["type"] == "lifespan.startup.complete":
                self._resolver.warm_up(scope)
            return send(message)

        return send_when_warm


def install_cors(
    app: Starlette,
    *,
    default: CORSPolicy | None = None,
    debug: bool | None = None,
    on_decision: OnDecision | None = None,
    openapi: bool = False,
) -> None:
    """Put the CORS layer around everything that can answer for the app, its 500s included.

    Preflights are answered from the registered routes before any middleware, dependency or endpoint runs,
    and every response (404, 405, 413, 422, 500, redirects, middleware that answers by itself) carries the
    headers of its route's policy. It may be called before or after `add_middleware`, before or after the
    routes are declared, and on a running app.

    `default`, `debug` and `on_decision` are those of `RouteCORSMiddleware`. `openapi` has the app's OpenAPI
    schema say who may call each operation. Calling it again with the same arguments changes nothing; with
    others it raises `ValueError`. `TypeError` for what is no Starlette or FastAPI app, and for a schema of
    one that is not FastAPI.

    >>> from fastapi import FastAPI
    >>> app = FastAPI()
    >>> install_cors(app, default=CORSPolicy(origins=["https://app.example.com"]))
    """
    _require_app(app)
    _require_policy(default)
    require_on_decision(on_decision)
    schema_of = _app_with_schema(app) if openapi else None
    arguments = {"default": default, "debug": debug, "on_decision": on_decision, "openapi": openapi}
    installed = getattr(app, _INSTALLED, None)
    if installed == arguments:
        return
    if installed is not None:
        before = ", ".join(f"{name}={value!r}" for name, value in installed.items())
        raise ValueError(f"install_cors() was called on this app before, with {before}: call it once")
    layer = functools.partial(RouteCORSMiddleware, default=default, debug=debug, on_decision=on_decision)
    _install(app, layer)
    setattr(app, _INSTALLED, arguments)
    remember_default(app, default)
    changes.note()
    if schema_of is not None:
        describe_in_schema(schema_of)


def _install(app: Starlette, layer: Callable[[ASGIApp], RouteCORSMiddleware]) -> None:
    build = app.build_middleware_stack

    def around(stack: ASGIApp) -> ASGIApp:
        tracing = _opentelemetry_around(stack)
        if tracing is None:
            return _OutsideErrors(layer(stack))
        tracing.app = layer(tracing.app)
        return stack

    def build_middleware_stack() -> ASGIApp:
        return around(build())

    if app.middleware_stack is not None:
        # The app is running: its stack is kept, as middleware may hold state.
        app.middleware_stack = around(app.middleware_stack)
    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]


class _OutsideErrors(ServerErrorMiddleware):
    """The layer around a whole middleware stack, whose own ServerErrorMiddleware makes the 500s.

    It handles no errors itself. It is a ServerErrorMiddleware because OpenTelemetry's `instrument_app`
    emits no spans where the outermost object is none, and builds its own stack around this one's `.app`.
    """

    def __init__(self, layer: RouteCORSMiddleware) -> None:
        super().__init__(layer)
        self._serve = layer.serve

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        # No coroutine function: inside the app's own, nobody looks at that, and it saves one.
        return self._serve(scope, receive, send)


def _opentelemetry_around(stack: Any) -> Any:
    """What OpenTelemetry's `instrument_app` put around the app's own stack, if it came before us.

    The layer goes inside of it, or the preflights that it answers would have no span. By name, as nothing
    here may need that package; an OpenTelemetryMiddleware that the user added has no errors inside it.
    """
    tracing = getattr(stack, "app", None)
    named = type(tracing).__name__ == "OpenTelemetryMiddleware"
    return tracing if named and isinstance(getattr(tracing, "app", None), ServerErrorMiddleware) else None


def _require_app(app: object) -> None:
    if not isinstance(app, Starlette):
        raise TypeError(
            f"install_cors() takes a FastAPI or Starlette app, not {app!r}: "
            "put RouteCORSMiddleware around any other ASGI app"
        )


def _app_with_schema(app: Starlette) -> FastAPI:
    if not isinstance(app, FastAPI):
        raise TypeError(f"openapi=True takes a FastAPI app, not {app!r}: Starlette has no schema to add to")
    return app


def _require_policy(default: object) -> None:
    if default is not None and not isinstance(default, CORSPolicy):
        raise TypeError(f"default must be a CORSPolicy or None, not {default!r}")


async def answer_preflight(  # noqa: PLR0917 - by position, which takes less time
    terms: Terms, target: Target, preflight: Preflight, scope: Scope, send: Send, diagnostics: Diagnostics
) -> None:
    """Answer in the app's place, before any of its middleware, dependencies or endpoints."""
    granted = terms.granted.get(preflight)
    # Whoever wants to know of it is told on the long way.
    if granted is None or (LOGGER.level or ROOT_LOGGER.level) <= diagnostics.curiosity:
        await _send(await _judge(terms, target, preflight, scope, diagnostics), send)
        return
    # A list of its own, as middleware further out may add to it.
    await send({"type": "http.response.start", "status": 204, "headers": [*granted]})
    await send({"type": "http.response.body", "body": b""})


async def _judge(
    terms: Terms, target: Target, preflight: Preflight, scope: Scope, diagnostics: Diagnostics
) -> Answer:
    """The answer to a preflight that was not granted before, or of which somebody is to be told."""
    origin = preflight[0]
    allowed = terms.admits(origin) or await _is_allowed_by_callable(terms.callables, origin, scope)
    explains = diagnostics.explains(scope)
    answer = terms.answer_preflight(preflight, origin_allowed=allowed, explain=explains)
    event = PREFLIGHT_REFUSED if answer.failed else PREFLIGHT_ALLOWED
    # Of any preflight: browsers send none to their page's own origin.
    diagnostics.tell(event, scope, target, method=preflight[1].decode("latin-1"), failed=answer.failed)
    return explained(answer, terms, preflight, scope) if explains and answer.failed else answer


def serve_actual(  # noqa: PLR0917 - an ASGI call, and what was found out about it
    app: ASGIApp,
    terms: Terms,
    target: Target,
    scope: Scope,
    receive: Receive,
    send: Send,
    diagnostics: Diagnostics,
    decided: Headers | None = None,
) -> Awaitable[None]:
    """Hand the request on, and write the decided headers when its response starts."""
    if decided is None:
        origin = read_origin(scope["headers"])
        decided = terms.readers.get(origin) or terms.readable_by(origin)
        if decided is None:
            return _serve_unlisted(
                app, terms, target, scope, receive, send, diagnostics, cast("bytes", origin)
            )
        if origin is not None and (LOGGER.level or ROOT_LOGGER.level) <= diagnostics.curiosity:
            _tell_of_actual(ANSWER_READABLE, origin, target, scope, diagnostics)
    headers = decided

    def send_with_headers(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            # A copy: the message belongs to the app, which may send the same one again.
            message = dict(message)
            message["headers"] = merge_headers(message.get("headers", ()), headers)
        return send(message)

    return app(scope, receive, send_with_headers)


async def _serve_unlisted(  # noqa: PLR0917 - an ASGI call, and what was found out about it
    app: ASGIApp,
    terms: Terms,
    target: Target,
    scope: Scope,
    receive: Receive,
    send: Send,
    diagnostics: Diagnostics,
    origin: bytes,
) -> None:
    """An actual request from an origin that no more than a callable may allow."""
    decided, event = terms.unreadable, ANSWER_NOT_READABLE
    if await _is_allowed_by_callable(terms.callables, origin, scope):
        decided, event = terms.readable_by_admitted(origin), ANSWER_READABLE
    elif terms.enforces and _is_foreign(origin, scope):
        event = REQUEST_REFUSED
    if diagnostics.asked_for(event):
        _tell_of_actual(event, origin, target, scope, diagnostics)
    if event is REQUEST_REFUSED:
        await _send(refuse_actual(), send)
        return
    await serve_actual(app, terms, target, scope, receive, send, diagnostics, decided)


def _tell_of_actual(
    event: Event, origin: bytes, target: Target, scope: Scope, diagnostics: Diagnostics
) -> None:
    """Unless a page of the app's own origin sent it, for which no policy is needed."""
    if _is_foreign(origin, scope):
        failed: tuple[Check, ...] = () if event.allowed else ("origin",)
        diagnostics.tell(event, scope, target, method=scope["method"], failed=failed)


async def refuses_websocket(terms: Terms, target: Target, scope: Scope, diagnostics: Diagnostics) -> bool:
    """Whether the handshake is to be closed before it is accepted.

    Browsers let any page open a websocket anywhere, cookies and all, and tell the server its origin
    (https://websockets.spec.whatwg.org/#websocket-opening-handshake): the check is the server's to make.
    """
    origin = read_origin(scope["headers"])
    if origin is None or not _is_foreign(origin, scope):
        return False
    if terms.admits(origin) or await _is_allowed_by_callable(terms.callables, origin, scope):
        diagnostics.tell(WEBSOCKET_ALLOWED, scope, target)
        return False
    diagnostics.tell(WEBSOCKET_REFUSED, scope, target, failed=("origin",))
    return True


def _is_foreign(origin: bytes, scope: Scope) -> bool:
    return is_foreign(origin, scope.get("scheme", "http"), scope["headers"])


async def _is_allowed_by_callable(callables: tuple[OriginCallable, ...], sent: bytes, scope: Scope) -> bool:
    if not callables or not is_serialized_origin(sent):
        return False
    origin = sent.decode("ascii")
    for is_allowed in callables:
        try:
            verdict: Any = is_allowed(origin, HTTPConnection(scope))
            if inspect.isawaitable(verdict):
                verdict = await verdict
            if not isinstance(verdict, bool):
                raise TypeError(f"an origin callable must return True or False, not {verdict!r}")  # noqa: TRY301
        except Exception:  # noqa: BLE001 - it is logged with its traceback
            # Only a serialized origin comes here: ASCII, no controls, 512 bytes at most.
            LOGGER.exception("%s: callable=%r origin=%s", CALLABLE_FAILED, is_allowed, origin)
            continue
        if verdict:
            return True
    return False


async def _send(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers]})
    await send({"type": "http.response.body", "body": answer.body})
