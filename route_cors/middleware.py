"""The ASGI layer: it resolves the route of each request and carries out what the protocol decides.

`RouteCORSMiddleware` is the layer; `install_cors` puts it outside everything that can make a response.
What is shared with `CORSRoute` is here too: reading the request's CORS headers, answering a preflight, and
serving an actual request under given terms.
"""

from __future__ import annotations

import inspect
import logging
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import HTTPConnection

from route_cors.decorators import note_change
from route_cors.dispatch import DECIDED, remember_default, resolve
from route_cors.origins import OriginCallable, is_serialized_origin
from route_cors.policy import CORSPolicy
from route_cors.protocol import Answer, PreflightRequest, Terms, merge_headers, own_origin, refuse_actual

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = [
    "CORSRequest",
    "RouteCORSMiddleware",
    "answer_preflight",
    "install_cors",
    "refuses_websocket",
    "serve_actual",
]

_logger = logging.getLogger("route_cors")

_INSTALLED = "_route_cors_installed"


class CORSRequest(NamedTuple):
    """What a request says about CORS. A header sent more than once counts as its values joined by commas.

    So an origin or a method that comes twice is one that nobody registered, and needs no rule of its own
    (https://fetch.spec.whatwg.org/#concept-header-list-get).
    """

    origin: bytes | None
    host: bytes | None
    requested_method: bytes | None
    requested_headers: bytes | None
    private_network: bool

    @classmethod
    def of(cls, scope: Scope) -> CORSRequest:
        """Read the headers of a request once."""
        sent = scope["headers"]
        headers = dict(sent)
        if len(headers) != len(sent):
            headers = _joined(sent)
        return cls(
            headers.get(b"origin"),
            headers.get(b"host"),
            headers.get(b"access-control-request-method"),
            headers.get(b"access-control-request-headers"),
            headers.get(b"access-control-request-private-network") == b"true",
        )

    def preflight(self, scope: Scope) -> PreflightRequest | None:
        """The preflight that it is: all three conditions of https://fetch.spec.whatwg.org/#cors-preflight-request."""
        if scope["method"] != "OPTIONS" or self.origin is None or self.requested_method is None:
            return None
        method = self.requested_method.decode("latin-1")
        return PreflightRequest(self.origin, method, self.requested_headers, self.private_network)


_READ = frozenset(
    {
        b"origin",
        b"host",
        b"access-control-request-method",
        b"access-control-request-headers",
        b"access-control-request-private-network",
    }
)


def _joined(sent: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """The headers that are read here, however often each was sent."""
    values: dict[bytes, list[bytes]] = {}
    for name, value in sent:
        if name in _READ:
            values.setdefault(name, []).append(value)
    # Joined once: to append each value to the text so far would cost the square of their number.
    return {name: b", ".join(each) for name, each in values.items()}


class RouteCORSMiddleware:
    """The CORS layer as an ordinary middleware: each request is served under the policy of its own route.

    `install_cors` is the better place for it: `app.add_middleware(RouteCORSMiddleware)` does not see what
    is answered outside the user middleware, such as the app's own 500s. It fits where paths are rewritten
    by a middleware, behind which it has to stand, and inside `Mount(middleware=[...])`.

    `app` is the ASGI app behind it. `default` is the policy of every HTTP route, opaque mount and 404 that
    has none of its own; None leaves them untouched. It does not speak for websockets. `debug` lets the
    browser's console name the check that failed a preflight of an allowed origin (the policy is shown to
    that origin); None takes the app's own `debug`.

    >>> from fastapi import FastAPI
    >>> app = FastAPI()
    >>> app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins=["https://app.example.com"]))

    Raises `TypeError` where `default` is no policy. Protocol: https://fetch.spec.whatwg.org/#http-cors-protocol
    """

    is_route_cors_layer = True

    def __init__(self, app: ASGIApp, *, default: CORSPolicy | None = None, debug: bool | None = None) -> None:
        _require_policy(default)
        # Public, as every middleware's: FastAPI (from 0.142 on) and OpenTelemetry walk the stack by it.
        self.app = app
        remember_default(self, default)
        self._default = default
        self._debug = debug

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, handshake or lifespan (https://asgi.readthedocs.io/en/latest/specs/main.html)."""
        kind = scope["type"]
        if kind not in {"http", "websocket"} or DECIDED in scope:
            await self.app(scope, receive, send)
            return
        request = CORSRequest.of(scope)
        preflight = request.preflight(scope) if kind == "http" else None
        method = preflight.method if preflight is not None else scope.get("method", "")
        terms = resolve(scope, method, app=self.app, default=self._default).terms
        if terms is None:
            await self.app(scope, receive, send)
            return
        scope[DECIDED] = terms
        if preflight is not None:
            await answer_preflight(terms, preflight, scope, send, explain=self._explains(scope))
        elif kind == "websocket":
            if await refuses_websocket(terms, request, scope):
                await send({"type": "websocket.close", "code": 1008, "reason": "CORS: origin"})
                return
            await self.app(scope, receive, send)
        else:
            await serve_actual(self.app, terms, request, scope, receive, send)

    def _explains(self, scope: Scope) -> bool:
        return bool(getattr(scope.get("app"), "debug", False)) if self._debug is None else self._debug


def install_cors(app: Starlette, *, default: CORSPolicy | None = None, debug: bool | None = None) -> None:
    """Put the CORS layer around everything that can answer for the app, its 500s included.

    Preflights are answered from the registered routes before any middleware, dependency or endpoint runs,
    and every response (404, 405, 413, 422, 500, redirects, middleware that answers by itself) carries the
    headers of its route's policy. It may be called before or after `add_middleware`, before or after the
    routes are declared, and on a running app.

    `default` and `debug` are those of `RouteCORSMiddleware`. Calling it again with the same arguments
    changes nothing; with others it raises `ValueError`. `TypeError` for what is no Starlette or FastAPI app.

    >>> from fastapi import FastAPI
    >>> app = FastAPI()
    >>> install_cors(app, default=CORSPolicy(origins=["https://app.example.com"]))
    """
    _require_app(app)
    _require_policy(default)
    arguments = (default, debug)
    installed = getattr(app, _INSTALLED, None)
    if installed == arguments:
        return
    if installed is not None:
        raise ValueError(
            f"install_cors() was called on this app before, with default={installed[0]!r} and "
            f"debug={installed[1]!r}: call it once"
        )
    build = app.build_middleware_stack

    def around(stack: ASGIApp) -> ASGIApp:
        tracing = _opentelemetry_around(stack)
        if tracing is None:
            return _OutsideErrors(RouteCORSMiddleware(stack, default=default, debug=debug))
        tracing.app = RouteCORSMiddleware(tracing.app, default=default, debug=debug)
        return stack

    def build_middleware_stack() -> ASGIApp:
        return around(build())

    if app.middleware_stack is not None:
        # The app is running: its stack is kept, as middleware may hold state.
        app.middleware_stack = around(app.middleware_stack)
    app.build_middleware_stack = build_middleware_stack  # type: ignore[method-assign]
    setattr(app, _INSTALLED, arguments)
    remember_default(app, default)
    note_change()


class _OutsideErrors(ServerErrorMiddleware):
    """The layer around a whole middleware stack, whose own ServerErrorMiddleware makes the 500s.

    It handles no errors itself. It is a ServerErrorMiddleware because OpenTelemetry's `instrument_app`
    emits no spans where the outermost object is none, and builds its own stack around this one's `.app`.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


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


def _require_policy(default: object) -> None:
    if default is not None and not isinstance(default, CORSPolicy):
        raise TypeError(f"default must be a CORSPolicy or None, not {default!r}")


async def answer_preflight(
    terms: Terms, preflight: PreflightRequest, scope: Scope, send: Send, *, explain: bool = False
) -> None:
    """Answer in the app's place, before any of its middleware, dependencies or endpoints."""
    allowed = await _is_allowed(terms, preflight.origin, scope)
    await _send(terms.answer_preflight(preflight, origin_allowed=allowed, explain=explain), send)


async def serve_actual(  # noqa: PLR0917 - an ASGI call, and what was found out about it
    app: ASGIApp, terms: Terms, request: CORSRequest, scope: Scope, receive: Receive, send: Send
) -> None:
    """Hand the request on, and write the decided headers when its response starts."""
    allowed = await _is_allowed(terms, request.origin, scope)
    if not allowed and terms.enforces and _is_foreign(request, scope):
        await _send(refuse_actual(), send)
        return
    decided = terms.response_headers(request.origin, origin_allowed=allowed)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            # A copy: the message belongs to the app, which may send the same one again.
            message = {**message, "headers": merge_headers(message.get("headers", ()), decided)}
        await send(message)

    await app(scope, receive, send_with_headers)


async def refuses_websocket(terms: Terms, request: CORSRequest, scope: Scope) -> bool:
    """Whether the handshake is to be closed before it is accepted.

    Browsers let any page open a websocket anywhere, cookies and all, and tell the server its origin
    (https://websockets.spec.whatwg.org/#websocket-opening-handshake): the check is the server's to make.
    """
    return _is_foreign(request, scope) and not await _is_allowed(terms, request.origin, scope)


def _is_foreign(request: CORSRequest, scope: Scope) -> bool:
    """Whether a browser sent it from another origin than the app's own."""
    return request.origin is not None and request.origin != own_origin(
        scope.get("scheme", "http"), request.host
    )


async def _is_allowed(terms: Terms, origin: bytes | None, scope: Scope) -> bool:
    if terms.any_origin:
        return True
    if origin is None or terms.policy is None:
        return False
    origins = terms.policy.origin_set
    if origins.matches(origin):
        return True
    if not origins.callables or not is_serialized_origin(origin):
        return False
    return await _is_allowed_by_callable(origins.callables, origin.decode("ascii"), scope)


async def _is_allowed_by_callable(callables: tuple[OriginCallable, ...], origin: str, scope: Scope) -> bool:
    for is_allowed in callables:
        try:
            verdict: Any = is_allowed(origin, HTTPConnection(scope))
            if inspect.isawaitable(verdict):
                verdict = await verdict
            if not isinstance(verdict, bool):
                raise TypeError(f"an origin callable must return True or False, not {verdict!r}")  # noqa: TRY301
        except Exception:
            # Only a serialized origin comes here: ASCII, no controls, 512 bytes at most.
            _logger.exception("Origin %s is not allowed: %r failed", origin, is_allowed)
            continue
        if verdict:
            return True
    return False


async def _send(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
