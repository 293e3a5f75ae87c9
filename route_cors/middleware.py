"""The ASGI layer: it resolves the route of each request, and serves it under the policy of that route.

`RouteCORSMiddleware` is the layer; `install_cors` puts it around everything that can make a response. From
here follow a request to dispatch/resolver.py (which route it goes to), preflights.py, serving.py or
handshakes.py (what is done with it) and judging.py (whether it is allowed).
"""

from __future__ import annotations

import functools
import importlib
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI
from starlette.applications import Starlette

from route_cors.claims import Consultation, may_advise
from route_cors.decorators import Declared, changes, require_declared
from route_cors.diagnostics import Diagnostics, OnDecision, require_on_decision
from route_cors.dispatch.apps import remember_default
from route_cors.dispatch.resolver import Resolver
from route_cors.dispatch.target import CLAIM
from route_cors.handshakes import guard_handshake
from route_cors.judging import Judge
from route_cors.preflights import answer_preflight, consult_inside, serve_advising
from route_cors.protocol import read_preflight
from route_cors.senders import passes_without_judging
from route_cors.serving import Exchange, serve_actual, serve_claimed, serve_unsure, serve_without_policy
from route_cors.stack import put_around

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from route_cors.dispatch.target import Target
    from route_cors.protocol import Preflight

_INSTALLED = "_route_cors_installed"


class RouteCORSMiddleware:
    """The CORS layer as an ordinary middleware: each request is served under the policy of its own route.

    Prefer `install_cors`: `app.add_middleware(RouteCORSMiddleware)` does not see responses that are made
    outside the user middleware, such as the app's own 500s. Use this class inside a middleware that rewrites
    paths, and in `Mount(middleware=[...])`.

    `app` is the ASGI app inside it. `default`, a policy or `no_cors`, applies to every HTTP route, opaque
    mount and 404 without a policy; None leaves them unchanged. It does not apply to websockets. With `debug`,
    a refused preflight says why. If its origin is allowed, the browser's console names the check that failed
    (which shows the policy to that origin). For any origin, the header `X-Route-CORS-Refused` says what
    failed and what would have been allowed. None takes the app's own `debug`. `on_decision` is a plain
    function that is called with the `Decision` on each cross-origin request before the request is served, for
    metrics and traces. It must be fast, as the event loop waits for it; an exception in it is logged, and
    does not affect the request.

    `enforce` refuses cross-origin requests from browsers that no policy allows, with a 403 and before
    anything behind the layer runs. It applies to every HTTP route, mount and 404, except where a policy says
    `enforce=False`. Requests from the app's own pages, from clients other than browsers, and for links and
    images on other sites are served. For a mounted app that shows no routes, declare a policy with
    `enforce=False` on its mount: policies inside are not known here (see `senders.judge_sender`).

    >>> from fastapi import FastAPI
    >>> from route_cors import CORSPolicy
    >>> app = FastAPI()
    >>> app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins=["https://app.example.com"]))

    Raises `TypeError` if `default` is neither a policy nor `no_cors`, `on_decision` not a plain function, or
    `enforce` not a bool. Protocol: https://fetch.spec.whatwg.org/#http-cors-protocol
    """

    is_route_cors_layer = True

    def __init__(
        self,
        app: ASGIApp,
        *,
        default: Declared | None = None,
        debug: bool | None = None,
        on_decision: OnDecision | None = None,
        enforce: bool = False,
    ) -> None:
        require_declared("default", default)
        require_on_decision(on_decision)
        _require_flag(enforce)
        # Public, as in every middleware: FastAPI (from 0.142 on) and OpenTelemetry read the stack by it.
        self.app = app
        remember_default(self, default, enforces=enforce)
        self._resolver = Resolver(app, default)
        diagnostics = Diagnostics(debug=debug, on_decision=on_decision)
        self._judge = Judge(diagnostics, self._resolver.scope_at, enforces=enforce)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, handshake or lifespan (https://asgi.readthedocs.io/en/latest/specs/main.html)."""
        # Servers recognize an ASGI 3 app by its `__call__`, which has to be a coroutine function.
        await self.serve(scope, receive, send)

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """As `__call__`; a plain function, because most requests need no coroutine of this layer."""
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
        """An actual request for which another layer or route of route_cors may decide."""
        if CLAIM in scope:
            return serve_claimed(Exchange(self.app, scope, receive, send, self._judge), target)
        if target.terms is None and not target.asks_inside:
            if not self._judge.enforces or passes_without_judging(scope["method"], scope.get("headers", ())):
                return self.app(scope, receive, send)
            return serve_without_policy(self.app, target, scope, receive, send, self._judge)
        return serve_unsure(Exchange(self.app, scope, receive, send, self._judge), target)

    def _serve_preflight(
        self, preflight: Preflight, target: Target, scope: Scope, receive: Receive, send: Send
    ) -> Awaitable[None]:
        """A preflight that another layer or route of route_cors may answer."""
        exchange = Exchange(self.app, scope, receive, send, self._judge)
        asked = scope.get(CLAIM)
        if asked is not None:
            here = self._resolver.resolve_http(scope, "OPTIONS")
            if not may_advise(asked, target, here, scope):
                return exchange.hand_on()
            if asked.is_awaited:
                self._resolver.leave_view(scope, target)
                return serve_advising(exchange, target, preflight)
        terms = target.terms
        if target.asks_inside:
            self._resolver.leave_view(scope, target)
        elif terms is None and target.is_known:
            scope[CLAIM] = Consultation(target, self._judge, None, scope)
        if terms is None:
            return exchange.hand_on()
        if target.asks_inside:
            led_here = self._resolver.resolve_http(scope, "OPTIONS") if target.is_known else None
            return consult_inside(exchange, target, led_here, preflight)
        return answer_preflight(terms, target, preflight, scope, send, self._judge)

    def _serve_other(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """A lifespan, a websocket, or a scope of an unknown type."""
        if scope["type"] == "lifespan":
            # Most apps have no live origins, and what tests and commands import is served no lifespan.
            from route_cors.live import serve_lifespan  # noqa: PLC0415 - a tenth of the import

            # The route index is built then.
            warm_up = functools.partial(self._resolver.warm_up, scope)
            return serve_lifespan(self.app, scope, receive, send, warm_up)
        if scope["type"] != "websocket":
            return self.app(scope, receive, send)
        target = self._resolver.resolve(scope, "")
        return guard_handshake(Exchange(self.app, scope, receive, send, self._judge), target)


def install_cors(
    app: Starlette,
    *,
    default: Declared | None = None,
    debug: bool | None = None,
    on_decision: OnDecision | None = None,
    openapi: bool = False,
    enforce: bool = False,
    dry_run: bool = False,
) -> None:
    """Put the CORS layer around everything that can make a response of the app, its 500s included.

    Preflights are answered from the registered routes before any middleware, dependency or endpoint runs,
    and every response (404, 405, 413, 422, 500, redirects, responses of middleware) has the headers of its
    route's policy. It may be called before or after `add_middleware`, before or after the routes are
    declared, and on a running app.

    `default`, `debug`, `on_decision` and `enforce` are those of `RouteCORSMiddleware`. With `openapi` the
    app's OpenAPI schema says who may call each operation, to everyone who can read it. `on_decision` belongs
    to the layer: decisions of a `CORSRouter` in an app without one are only logged. A second call with the
    same arguments changes nothing, but puts the layer back if it has been removed from the app's stack.

    A route that is added while the app runs is found by the next request for it. Changes that alter an
    existing answer, such as a route inserted before another, take effect within a second.

    `dry_run` only watches, next to another CORS middleware for example: no response is changed, no request is
    refused, and no body is read. For each cross-origin request with a policy, the log and `on_decision` get
    the `Decision` that would be made, whose `dry_run` says what the app answered instead and what would
    change. What would change is logged as a warning the first time. Origin callables are called as usual.

    Raises `ValueError` for a second call with other arguments, and for `openapi` with `dry_run`; `TypeError`
    if `app` is not a Starlette or FastAPI app, or with `openapi` not a FastAPI app.

    >>> from fastapi import FastAPI
    >>> from route_cors import CORSPolicy
    >>> app = FastAPI()
    >>> install_cors(app, default=CORSPolicy(origins=["https://app.example.com"]))
    """
    _require_app(app)
    require_declared("default", default)
    require_on_decision(on_decision)
    _require_flag(enforce)
    if openapi and dry_run:
        raise ValueError("openapi=True describes policies that apply, and dry_run=True applies none: use one")
    schema_of = _app_with_schema(app) if openapi else None
    named = {
        "default": default,
        "debug": debug,
        "on_decision": on_decision,
        "openapi": openapi,
        "enforce": enforce,
        "dry_run": dry_run,
    }
    installed = getattr(app, _INSTALLED, named)
    if installed != named:
        before = ", ".join(f"{name}={value!r}" for name, value in installed.items())
        raise ValueError(f"install_cors() was called on this app before, with {before}: call it once")
    # By name: `insight` imports this module, and is only loaded if it is used.
    watching = importlib.import_module("route_cors.insight.dry_run").DryRunLayer if dry_run else None
    # In a second call as well: the layer may have been removed.
    make: Any = watching or RouteCORSMiddleware
    layer = functools.partial(make, default=default, debug=debug, on_decision=on_decision, enforce=enforce)
    put_around(app, layer)
    if hasattr(app, _INSTALLED):
        return
    setattr(app, _INSTALLED, named)
    if dry_run:
        return
    remember_default(app, default, enforces=enforce)
    changes.note()
    if schema_of is not None:
        importlib.import_module("route_cors.insight.openapi").describe_in_schema(schema_of)


def is_dry_run(app: object) -> bool:
    """Whether `install_cors(dry_run=True)` was called on this very app."""
    return bool(getattr(app, _INSTALLED, {}).get("dry_run"))


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


def _require_flag(enforce: object) -> None:
    if not isinstance(enforce, bool):
        raise TypeError(f"enforce must be True or False, not {enforce!r}")
