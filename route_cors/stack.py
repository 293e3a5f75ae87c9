"""Put a layer around an app's whole middleware stack, whatever else is there or is added later.

Starlette builds the stack on the first call, with `app.build_middleware_stack()`: a ServerErrorMiddleware (it
makes the 500s), the user's middleware, the router. That method is replaced here, on this app only, by one
that puts the layer around the result. `add_middleware` cannot do that: it adds inside the
ServerErrorMiddleware.

OpenTelemetry's `instrument_app` (and Logfire's, which calls it) replaces the same method, and
`uninstrument_app` restores the method it had found. Its stack is, from the outside in: a
ServerErrorMiddleware, the OpenTelemetryMiddleware, another ServerErrorMiddleware, a recorder of exceptions,
the rest. The layer belongs directly inside the OpenTelemetryMiddleware: further out, the preflights that it
answers would have no span; further in, it would miss the 500s. The recorder belongs inside the middleware
that makes the 500s, since a span ends with its response. All of this is recognised by names and structure,
without importing that package.
"""

from __future__ import annotations

import copy
import threading
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from starlette.middleware.errors import ServerErrorMiddleware

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

# Where OpenTelemetry keeps the method that `uninstrument_app` restores.
_FOUND_BY_OPENTELEMETRY: Final = "_original_build_middleware_stack"
# Attribute of a layer around a stack: other layers of its kind may be among the user's middleware.
_OUTERMOST: Final = "_route_cors_outermost"


class Layer(Protocol):
    """A middleware whose `serve` does the same as calling it, and need not be a coroutine function."""

    @property
    def app(self) -> ASGIApp:
        """The app inside of it."""
        ...

    def serve(self, scope: Scope, receive: Receive, send: Send, /) -> Awaitable[None]:
        """Serve one request, handshake or lifespan."""
        ...


def put_around(app: Starlette, layer: Callable[[ASGIApp], Layer]) -> None:
    """Put a layer around the app's stack: around the running one, and around all that will be built.

    Does nothing if there already is one. A running stack is kept, as its middleware may hold state.
    """
    if app.middleware_stack is not None:
        app.middleware_stack = _around(app.middleware_stack, app, layer)
    if not _builds_layer(app.build_middleware_stack):
        app.build_middleware_stack = _Build(app, app.build_middleware_stack, layer)  # type: ignore[method-assign]
    found = vars(app).get(_FOUND_BY_OPENTELEMETRY)
    if found is not None and not _builds_layer(found):
        setattr(app, _FOUND_BY_OPENTELEMETRY, _Build(app, found, layer))


class _Build:
    """Replaces an app's `build_middleware_stack`: builds the same stack with the layer around it."""

    def __init__(
        self, app: Starlette, build: Callable[[], ASGIApp], layer: Callable[[ASGIApp], Layer]
    ) -> None:
        self._app = app
        self._build = build
        self._layer = layer

    def __call__(self) -> ASGIApp:
        return _around(self._build(), self._app, self._layer)


def _builds_layer(build: object) -> bool:
    """Whether it is a `_Build`, or wraps one, as that of OpenTelemetry does."""
    return any(isinstance(each, _Build) for each in _parts(build, "__wrapped__"))


def _holds_layer(stack: object) -> bool:
    return any(getattr(part, _OUTERMOST, None) is True for part in _parts(stack))


def _parts(stack: object, inside: str = "app") -> Iterator[object]:
    """The middleware of a stack from the outside in, as far as it is visible in that attribute."""
    seen: set[int] = set()
    while stack is not None and id(stack) not in seen:
        yield stack
        seen.add(id(stack))
        stack = getattr(stack, inside, None)


def _around(stack: ASGIApp, app: Starlette, layer: Callable[[ASGIApp], Layer]) -> ASGIApp:
    if _holds_layer(stack):
        return stack
    tracing = _tracing_in(stack)
    if tracing is None:
        return cast("ASGIApp", _OutsideErrors(_made(layer, stack), app))
    tracing.app = _made(layer, tracing.app)
    return stack


def _made(layer: Callable[[ASGIApp], Layer], stack: ASGIApp) -> Layer:
    made = layer(stack)
    setattr(made, _OUTERMOST, True)
    return made


def _tracing_in(stack: object) -> Any:
    """The OpenTelemetryMiddleware of `instrument_app`; inside one that the user added, no 500s are made."""
    for part in _parts(stack):
        inside = getattr(part, "app", None)
        if type(part).__name__ == "OpenTelemetryMiddleware" and isinstance(inside, ServerErrorMiddleware):
            return part
    return None


class _OutsideErrors(ServerErrorMiddleware):
    """The layer around a whole middleware stack, whose own ServerErrorMiddleware makes the 500s.

    It does not handle errors. It is a ServerErrorMiddleware because OpenTelemetry's `instrument_app` emits no
    spans if the outermost object is not one, and builds its own stack around the `.app` of this one.
    """

    def __init__(self, layer: Layer, app: Starlette) -> None:
        super().__init__(cast("ASGIApp", _Taken(layer, app)))
        self._serve = layer.serve

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Any:
        # Not a coroutine function: this saves a coroutine, and the app's own `__call__` is one.
        return self._serve(scope, receive, send)


class _Taken:
    """The layer for code that takes the `.app` of an `_OutsideErrors`; nothing else calls it.

    When OpenTelemetry takes it, the stack of OpenTelemetry does not exist yet. The first call, a lifespan or
    a request, comes through the finished stack and reorders it, also for itself. Later calls do not get here.
    """

    def __init__(self, layer: Layer, app: Starlette) -> None:
        # Public, like that of every middleware: stacks are searched by this attribute.
        self.app = layer
        self._around = app

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        _move_out(self._around.middleware_stack, self)
        return self.app.serve(scope, receive, send)


def _move_out(stack: ASGIApp | None, taken: _Taken) -> None:
    """Move a layer from inside OpenTelemetry's recorder to where it would be if it had been added later.

    The objects around it stay as they are, for calls in progress; a copy of the recorder goes further in.
    """
    with _moving:
        tracing = _tracing_in(stack)
        if tracing is None:
            return
        recorder: Any = tracing.app.app
        errors: Any = taken.app.app
        if getattr(recorder, "app", None) is not taken or not isinstance(errors, ServerErrorMiddleware):
            return
        further_in: Any = copy.copy(recorder)
        further_in.app = errors.app
        errors.app = further_in
        tracing.app = taken.app


# Two event loops in two threads may serve the first requests of one app.
_moving: Final = threading.Lock()
