"""The ASGI layer: it finds out where each request goes, and has it served under the terms that hold there.

`RouteCORSMiddleware` is the layer; `install_cors` puts it outside everything that can make a response. From
here a request goes to dispatch/resolver.py (where it goes), serving.py (what is done with it) and judging.py
(whether it may).
"""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING

from fastapi import FastAPI
from starlette.applications import Starlette

from route_cors.claims import Consultation, may_advise
from route_cors.decorators import Declared, changes, require_declared
from route_cors.diagnostics import Diagnostics, OnDecision, require_on_decision
from route_cors.dispatch import CLAIM, Resolver, remember_default
from route_cors.judging import Judge
from route_cors.protocol import read_preflight
from route_cors.serving import (
    answer_preflight,
    consult_inside,
    guard_handshake,
    serve_actual,
    serve_advising,
    serve_claimed,
    serve_unsure,
)
from route_cors.stack import put_around

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.dispatch import Target
    from route_cors.protocol import Preflight

__all__ = ["RouteCORSMiddleware", "install_cors"]

_INSTALLED = "_route_cors_installed"


class RouteCORSMiddleware:
    """The CORS layer as an ordinary middleware: each request is served under the policy of its own route.

    `install_cors` is the better place for it: `app.add_middleware(RouteCORSMiddleware)` does not see what
    is answered outside the user middleware, such as the app's own 500s. It fits where paths are rewritten
    by a middleware, behind which it has to stand, and inside `Mount(middleware=[...])`.

    `app` is the ASGI app behind it. `default`, a policy or `no_cors`, applies to every HTTP route, opaque
    mount and 404 that has none of its own; None leaves them untouched. It does not speak for websockets.
    `debug` lets the browser's console name the check that failed a preflight of an allowed origin (the policy
    is shown to that origin), and tells everybody in `X-Route-CORS-Refused` what failed and what would have
    been allowed; None takes the app's own `debug`. `on_decision` is a plain function that is called with the
    `Decision` on each cross-origin request, before that is served: for metrics and traces. It should take no
    time, as the event loop waits for it; what it raises is logged, and never gets into the request.

    >>> from fastapi import FastAPI
    >>> from route_cors import CORSPolicy
    >>> app = FastAPI()
    >>> app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins=["https://app.example.com"]))

    Raises `TypeError` where `default` is neither, or `on_decision` no plain function. Protocol: https://fetch.spec.whatwg.org/#http-cors-protocol
    """

    is_route_cors_layer = True

    def __init__(
        self,
        app: ASGIApp,
        *,
        default: Declared | None = None,
        debug: bool | None = None,
        on_decision: OnDecision | None = None,
    ) -> None:
        require_declared("default", default)
        require_on_decision(on_decision)
        # Public, as every middleware's: FastAPI (from 0.142 on) and OpenTelemetry walk the stack by it.
        self.app = app
        remember_default(self, default)
        self._resolver = Resolver(app, default)
        diagnostics = Diagnostics(debug=debug, on_decision=on_decision)
        self._judge = Judge(diagnostics, self._resolver.scope_at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, handshake or lifespan (https://asgi.readthedocs.io/en/latest/specs/main.html)."""
        # Servers tell an ASGI 3 app by its `__call__` being a coroutine function.
        await self.serve(scope, receive, send)

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """As `__call__`; a plain function, as most requests are handed on and need no coroutine here."""
        if scope["type"] != "http":
            return self._serve_other(scope, receive, send)
        method = scope["method"]
        if method == "OPTIONS":
            preflight = read_preflight(scope.get("headers", ()))
            if preflight is not None:
                target = self._resolver.resolve_http(scope, preflight[1])
                terms = target.certain
                if terms is None or CLAIM in scope:
                    return self._serve_preflight(preflight, target, scope, receive, send)
                return answer_preflight(terms, target, preflight, scope, send, self._judge)
        target = self._resolver.resolve_http(scope, method)
        terms = target.certain
        if terms is None or CLAIM in scope:
            return self._serve_inside(target, scope, receive, send)
        return serve_actual(self.app, terms, target, scope, receive, send, self._judge)

    def _serve_inside(self, target: Target, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """An actual request, where this layer is not the only one of ours that may have something to say."""
        if CLAIM in scope:
            return serve_claimed(self.app, target, scope, receive, send, self._judge)
        if target.terms is None and not target.asks_inside:
            return self.app(scope, receive, send)
        return serve_unsure(self.app, target, scope, receive, send, self._judge)

    def _serve_preflight(
        self, preflight: Preflight, target: Target, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        """One that is not for this layer alone to answer."""
        asked = scope.get(CLAIM)
        if asked is not None:
            here = self._resolver.resolve_http(scope, "OPTIONS")
            if not may_advise(asked, target, here, scope):
                return self.app(scope, receive, send)
            if asked.is_awaited:
                self._resolver.leave_view(scope, target)
                return serve_advising(self.app, target, preflight, scope, receive, send, self._judge)
        terms = target.terms
        if target.asks_inside:
            self._resolver.leave_view(scope, target)
        elif terms is None and target.is_known:
            scope[CLAIM] = Consultation(target, self._judge, None, scope)
        if terms is None:
            return self.app(scope, receive, send)
        if target.asks_inside:
            led_here = self._resolver.resolve_http(scope, "OPTIONS") if target.is_known else None
            return consult_inside(self.app, target, led_here, preflight, scope, receive, send, self._judge)
        return answer_preflight(terms, target, preflight, scope, send, self._judge)

    def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """What is no HTTP request."""
        if scope["type"] == "lifespan":
            return self.app(scope, receive, self._warming_up(scope, send))
        if scope["type"] != "websocket":
            return self.app(scope, receive, send)
        target = self._resolver.resolve(scope, "")
        return guard_handshake(self.app, target, scope, receive, send, self._judge)

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
    default: Declared | None = None,
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
    schema say who may call each operation. Calling it again with the same arguments changes nothing, unless
    somebody has taken the layer out of the app's stack since: it is put back. With other arguments it raises
    `ValueError`. `TypeError` for what is no Starlette or FastAPI app, and for a schema of one that is not
    FastAPI.

    >>> from fastapi import FastAPI
    >>> from route_cors import CORSPolicy
    >>> app = FastAPI()
    >>> install_cors(app, default=CORSPolicy(origins=["https://app.example.com"]))
    """
    _require_app(app)
    require_declared("default", default)
    require_on_decision(on_decision)
    schema_of = _app_with_schema(app) if openapi else None
    arguments = {"default": default, "debug": debug, "on_decision": on_decision, "openapi": openapi}
    installed = getattr(app, _INSTALLED, arguments)
    if installed != arguments:
        before = ", ".join(f"{name}={value!r}" for name, value in installed.items())
        raise ValueError(f"install_cors() was called on this app before, with {before}: call it once")
    layer = functools.partial(RouteCORSMiddleware, default=default, debug=debug, on_decision=on_decision)
    # The second time as well: somebody may have taken it out since.
    put_around(app, layer)
    if hasattr(app, _INSTALLED):
        return
    setattr(app, _INSTALLED, arguments)
    remember_default(app, default)
    changes.note()
    if schema_of is not None:
        # By its name: what people look at is loaded where somebody asks for it, and stands on all of this.
        importlib.import_module("route_cors.insight.openapi").describe_in_schema(schema_of)


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
