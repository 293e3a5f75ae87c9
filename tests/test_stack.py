"""Where the layer stands in an app's middleware stack: alone, and with OpenTelemetry's instrumentation."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asgi import Reply, http_scope, preflight
from fastapi import FastAPI
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from starlette.applications import Starlette
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotations of handlers
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from route_cors import CORSPolicy, RouteCORSMiddleware, cors, install_cors, stack
from route_cors.stack import put_around

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

A = b"https://a.example"
STRANGER = b"https://stranger.example"
POLICY = CORSPolicy(origins="https://a.example")
READABLE = {"access-control-allow-origin": "https://a.example", "vary": "Origin"}
UNREADABLE = {"vary": "Origin"}
VARY_PREFLIGHT = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
GRANTED = {
    "access-control-allow-origin": "https://a.example",
    "access-control-allow-methods": "GET",
    "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type",
    "access-control-max-age": "600",
    "vary": VARY_PREFLIGHT,
}


def stands_in(app: Starlette) -> bool:
    """Whether a layer is around the app's stack, and will be around the next one.

    False if that is not visible: a second layer around another one leaves the work to it.
    """
    runs = app.middleware_stack is None or stack._holds_layer(app.middleware_stack)
    return runs and stack._builds_layer(app.build_middleware_stack)


def ask(app: ASGIApp, scope: Scope) -> tuple[Reply, Exception | None]:
    """The answer, and what the app raises after it, as it does to the server."""
    messages: list[Message] = []
    raised: list[Exception] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        messages.append(message)

    async def run() -> None:
        try:
            await app(scope, receive, send)
        except Exception as error:  # noqa: BLE001 - the tests look at it
            raised.append(error)

    anyio.run(run)
    return Reply(messages), raised[0] if raised else None


def get(app: ASGIApp, path: str, origin: bytes = A) -> Reply:
    return ask(app, http_scope("GET", path, [(b"origin", origin)]))[0]


def start_and_stop(app: ASGIApp) -> None:
    incoming: list[Message] = [{"type": "lifespan.shutdown"}, {"type": "lifespan.startup"}]
    sent: list[str] = []

    async def receive() -> Message:
        return incoming.pop()

    async def send(message: Message) -> None:
        sent.append(message["type"])

    async def run() -> None:
        await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)

    anyio.run(run)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def layers_in(stack: Any) -> int:
    found = 0
    while stack is not None:
        found += isinstance(stack, RouteCORSMiddleware)
        stack = getattr(stack, "app", None)
    return found


# --- OpenTelemetry


@dataclass(frozen=True)
class Span:
    """What a trace shows of one request."""

    name: str
    status_code: int
    status: str
    events: tuple[tuple[str, str], ...]


class Telemetry:
    """OpenTelemetry with an exporter that keeps the spans here."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        self._provider = TracerProvider()
        self._provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    def instrument(self, app: FastAPI) -> None:
        FastAPIInstrumentor.instrument_app(app, tracer_provider=self._provider)

    def take(self) -> list[Span]:
        """The spans of the requests that were traced since the last time."""
        spans = [span for span in self._exporter.get_finished_spans() if span.kind is SpanKind.SERVER]
        self._exporter.clear()
        return [_seen(span) for span in spans]

    def take_all(self) -> list[tuple[str, list[str]]]:
        """Names and events of all spans, those inside a request included."""
        spans = self._exporter.get_finished_spans()
        self._exporter.clear()
        return [(span.name, [event.name for event in span.events]) for span in spans]


def _seen(span: ReadableSpan) -> Span:
    attributes = dict(span.attributes or {})
    # Its name depends on which of the semantic conventions is in force.
    code: Any = attributes.get("http.status_code", attributes.get("http.response.status_code"))
    events = tuple(
        (event.name, str((event.attributes or {}).get("exception.message"))) for event in span.events
    )
    return Span(span.name, code, span.status.status_code.name, events)


FINE = Span("GET /x", 200, "UNSET", ())
BOOM = Span("GET /boom", 500, "ERROR", (("exception", "boom"),))
ASKED = Span("OPTIONS /x", 204, "UNSET", ())
REFUSED = Span("OPTIONS /x", 403, "UNSET", ())


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.fixture
def app() -> Iterator[FastAPI]:
    app = boom_app()
    yield app
    if getattr(app, "_is_instrumented_by_opentelemetry", False):
        FastAPIInstrumentor.uninstrument_app(app)


def boom_app(**arguments: Any) -> FastAPI:
    app = FastAPI(**arguments)

    @app.get("/x")
    @cors(POLICY)
    async def x() -> str:
        return "x"

    @app.get("/boom")
    @cors(POLICY)
    async def boom() -> None:
        raise RuntimeError("boom")

    return app


Arrange = Callable[[FastAPI, Telemetry], None]


def installed_first(app: FastAPI, telemetry: Telemetry) -> None:
    install_cors(app)
    telemetry.instrument(app)


def instrumented_first(app: FastAPI, telemetry: Telemetry) -> None:
    telemetry.instrument(app)
    install_cors(app)


def instrumented_and_running(app: FastAPI, telemetry: Telemetry) -> None:
    telemetry.instrument(app)
    assert get(app, "/x").cors == {}
    telemetry.take()
    install_cors(app)


def installed_again(app: FastAPI, telemetry: Telemetry) -> None:
    installed_first(app, telemetry)
    install_cors(app)


def instrumented_twice(app: FastAPI, telemetry: Telemetry) -> None:
    installed_first(app, telemetry)
    telemetry.instrument(app)


def instrumented_after_a_change_of_mind(app: FastAPI, telemetry: Telemetry) -> None:
    instrumented_first(app, telemetry)
    FastAPIInstrumentor.uninstrument_app(app)
    telemetry.instrument(app)
    app.middleware_stack = None


def installed_first_and_started(app: FastAPI, telemetry: Telemetry) -> None:
    installed_first(app, telemetry)
    start_and_stop(app)


in_every_order = pytest.mark.parametrize(
    "arrange",
    [
        installed_first,
        installed_first_and_started,
        instrumented_first,
        instrumented_and_running,
        installed_again,
        instrumented_twice,
        instrumented_after_a_change_of_mind,
    ],
)


@in_every_order
@pytest.mark.parametrize("first", ["/boom", "/x"])
def test_every_request_has_its_span_and_its_headers(
    app: FastAPI, telemetry: Telemetry, arrange: Arrange, first: str
) -> None:
    arrange(app, telemetry)
    # The first request of all is served as every later one is.
    for path in (first, "/x", "/boom"):
        span, status = (BOOM, 500) if path == "/boom" else (FINE, 200)
        reply, raised = ask(app, http_scope("GET", path, [(b"origin", A)]))
        assert (reply.status, reply.cors, telemetry.take()) == (status, READABLE, [span])
        assert repr(raised) == ("RuntimeError('boom')" if status == 500 else "None")
        reply = get(app, path, STRANGER)
        assert (reply.status, reply.cors, telemetry.take()) == (status, UNREADABLE, [span])
    reply, _ = ask(app, http_scope("OPTIONS", "/x", preflight(b"GET")))
    assert (reply.status, reply.cors, telemetry.take()) == (204, GRANTED, [ASKED])
    reply, _ = ask(app, http_scope("OPTIONS", "/x", preflight(b"GET", STRANGER)))
    assert (reply.status, reply.cors, telemetry.take()) == (403, {"vary": VARY_PREFLIGHT}, [REFUSED])
    assert layers_in(app.middleware_stack) == 1
    assert stands_in(app)


@in_every_order
def test_a_preflight_that_is_the_first_request(app: FastAPI, telemetry: Telemetry, arrange: Arrange) -> None:
    arrange(app, telemetry)
    reply, _ = ask(app, http_scope("OPTIONS", "/x", preflight(b"GET")))
    assert (reply.status, reply.cors, telemetry.take()) == (204, GRANTED, [ASKED])
    assert get(app, "/boom").cors == READABLE
    assert telemetry.take() == [BOOM]


def test_without_the_layer_the_spans_are_the_same(app: FastAPI, telemetry: Telemetry) -> None:
    telemetry.instrument(app)
    assert (get(app, "/boom").status, get(app, "/x").status) == (500, 200)
    assert telemetry.take() == [BOOM, FINE]


@in_every_order
def test_the_layer_outlives_the_instrumentation(app: FastAPI, telemetry: Telemetry, arrange: Arrange) -> None:
    arrange(app, telemetry)
    assert get(app, "/boom").cors == READABLE
    FastAPIInstrumentor.uninstrument_app(app)
    telemetry.take()
    for _ in range(2):
        assert stands_in(app)
        assert (get(app, "/x").cors, get(app, "/boom").cors) == (READABLE, READABLE)
        assert ask(app, http_scope("OPTIONS", "/x", preflight(b"GET")))[0].cors == GRANTED
        assert layers_in(app.middleware_stack) == 1
        # Once more changes nothing.
        install_cors(app)
    assert telemetry.take() == []


@pytest.mark.parametrize("arrange", [installed_first, instrumented_first])
def test_uninstrumented_before_the_first_request(
    app: FastAPI, telemetry: Telemetry, arrange: Arrange
) -> None:
    arrange(app, telemetry)
    FastAPIInstrumentor.uninstrument_app(app)
    assert (get(app, "/x").cors, get(app, "/boom").cors) == (READABLE, READABLE)
    assert telemetry.take() == []


def test_instrumented_on_a_running_app(app: FastAPI, telemetry: Telemetry) -> None:
    install_cors(app)
    assert get(app, "/x").cors == READABLE
    telemetry.instrument(app)
    # OpenTelemetry replaces what builds the stack, and this one is built.
    assert (get(app, "/boom").cors, telemetry.take()) == (READABLE, [])
    app.middleware_stack = None
    assert (get(app, "/boom").cors, telemetry.take()) == (READABLE, [BOOM])


@pytest.mark.parametrize("arrange", [installed_first, instrumented_first])
def test_the_apps_own_500_is_made_once_for_each_exception(telemetry: Telemetry, arrange: Arrange) -> None:
    made: list[str] = []

    async def server_error(request: Request, error: Exception) -> Response:
        made.append(str(error))
        return PlainTextResponse("sorry", 500, {"X-Own": "yes"})

    app = boom_app(exception_handlers={Exception: server_error})
    arrange(app, telemetry)
    try:
        for count in (1, 2):
            reply = get(app, "/boom")
            assert (reply.body, reply.cors, telemetry.take()) == (b"sorry", READABLE, [BOOM])
            assert made == ["boom"] * count
    finally:
        FastAPIInstrumentor.uninstrument_app(app)


@pytest.mark.parametrize("arrange", [installed_first, instrumented_first])
def test_the_page_of_debug_mode(telemetry: Telemetry, arrange: Arrange) -> None:
    app = boom_app(debug=True)
    arrange(app, telemetry)
    try:
        for _ in range(2):
            reply = get(app, "/boom")
            assert (reply.status, reply.cors, telemetry.take()) == (500, READABLE, [BOOM])
            assert b"Traceback" in reply.body
    finally:
        FastAPIInstrumentor.uninstrument_app(app)


def traced_in_a_mount(telemetry: Telemetry, arrange: Arrange) -> list[tuple[str, list[str]]]:
    """All spans and their events, of an instrumented app in another one, and that one's own."""
    inner, app = boom_app(), boom_app()
    app.mount("/sub", inner)
    arrange(inner, telemetry)
    arrange(app, telemetry)
    try:
        for path in ("/sub/boom", "/boom", "/sub/boom"):
            get(app, path)
        return telemetry.take_all()
    finally:
        FastAPIInstrumentor.uninstrument_app(app)
        FastAPIInstrumentor.uninstrument_app(inner)


@pytest.mark.parametrize("arrange", [installed_first, instrumented_first])
def test_a_mounted_app_and_the_one_around_it(telemetry: Telemetry, arrange: Arrange) -> None:
    without = traced_in_a_mount(telemetry, lambda app, telemetry: telemetry.instrument(app))
    assert traced_in_a_mount(telemetry, arrange) == without


def test_an_app_that_is_made_under_instrumentation(telemetry: Telemetry) -> None:
    import fastapi

    FastAPIInstrumentor().instrument(tracer_provider=telemetry._provider)
    try:
        app = fastapi.FastAPI()
        assert type(app) is not FastAPI
        app.add_api_route("/boom", cors(POLICY)(_boom))
        install_cors(app)
        assert (get(app, "/boom").cors, telemetry.take()) == (READABLE, [BOOM])
    finally:
        FastAPIInstrumentor().uninstrument()
    assert (get(app, "/boom").cors, telemetry.take()) == (READABLE, [])


async def _boom() -> None:
    raise RuntimeError("boom")


def test_two_event_loops_that_serve_the_first_requests(app: FastAPI, telemetry: Telemetry) -> None:
    installed_first(app, telemetry)
    start = threading.Barrier(4)
    replies: list[Reply] = []

    def request() -> None:
        start.wait()
        replies.append(get(app, "/boom"))

    threads = [threading.Thread(target=request) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(reply.status, reply.cors) for reply in replies] == [(500, READABLE)] * 4
    assert telemetry.take() == [BOOM] * 4


@pytest.mark.parametrize("before", [True, False])
def test_tracing_that_the_user_added_is_left_where_it_is(telemetry: Telemetry, before: bool) -> None:
    app = boom_app()
    if before:
        install_cors(app)
    app.add_middleware(OpenTelemetryMiddleware, tracer_provider=telemetry._provider)
    if not before:
        install_cors(app)
    assert (get(app, "/x").cors, get(app, "/boom").cors) == (READABLE, READABLE)
    assert len(telemetry.take()) == 2
    # It stands among the user's middleware, which no preflight meets.
    assert ask(app, http_scope("OPTIONS", "/x", preflight(b"GET")))[0].cors == GRANTED
    assert telemetry.take() == []


# --- Others that replace the stack, or what builds it


def test_it_stands_outside_what_makes_the_500s() -> None:
    app = Starlette(routes=[Route("/boom", cors(POLICY)(_boom_response))])
    assert not stands_in(app)
    install_cors(app)
    assert stands_in(app)
    assert get(app, "/boom").cors == READABLE
    stack: Any = app.middleware_stack
    # What it is for others: a ServerErrorMiddleware, with the layer and then the app's own inside.
    assert isinstance(stack, ServerErrorMiddleware)
    while not isinstance(stack, RouteCORSMiddleware):
        stack = stack.app
    assert isinstance(stack.app, ServerErrorMiddleware)


async def _fine_response(request: Request) -> Response:
    return PlainTextResponse("x")


async def _boom_response(request: Request) -> Response:
    raise RuntimeError("boom")


@pytest.mark.parametrize("running", [True, False])
def test_what_took_the_layer_out_is_overruled_by_installing_again(running: bool) -> None:
    app = boom_app()
    build = app.build_middleware_stack
    install_cors(app)
    if running:
        assert get(app, "/x").cors == READABLE
        app.middleware_stack = build()
    app.build_middleware_stack = build  # type: ignore[method-assign]
    assert not stands_in(app)
    install_cors(app)
    assert stands_in(app)
    assert (get(app, "/x").cors, get(app, "/boom").cors) == (READABLE, READABLE)
    assert layers_in(app.middleware_stack) == 1
    with pytest.raises(ValueError, match="was called on this app before"):
        install_cors(app, default=POLICY)


def test_a_stack_that_was_replaced_while_its_builder_was_not() -> None:
    app = Starlette(routes=[Route("/x", cors(POLICY)(_fine_response))])
    install_cors(app)
    app.middleware_stack = app.router
    assert not stands_in(app)
    install_cors(app)
    assert stands_in(app)
    assert get(app, "/x").cors == READABLE


@pytest.mark.parametrize("shows", [True, False])
def test_a_builder_that_somebody_wrapped(shows: bool) -> None:
    class Outermost:
        def __init__(self, app: ASGIApp) -> None:
            if shows:
                self.app = app
            self._inside = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self._inside(scope, receive, send)

    app = boom_app()
    install_cors(app)
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: Outermost(build())  # type: ignore[method-assign]
    # It does not say what it wraps: nobody can tell before it builds.
    assert not stands_in(app)
    install_cors(app)
    assert stands_in(app)
    assert (get(app, "/x").cors, get(app, "/boom").cors) == (READABLE, READABLE)
    assert layers_in(app.middleware_stack) == 1


def test_a_layer_among_the_users_middleware_is_another_one() -> None:
    app = boom_app()
    app.add_middleware(RouteCORSMiddleware)
    assert get(app, "/boom").cors == {}
    assert not stands_in(app)
    install_cors(app)
    assert stands_in(app)
    assert get(app, "/boom").cors == READABLE
    assert layers_in(app.middleware_stack) == 2


def test_somebody_else_who_takes_what_is_inside_the_outermost() -> None:
    app = boom_app()
    install_cors(app)
    build: Callable[[], Any] = app.build_middleware_stack
    app.build_middleware_stack = lambda: ServerErrorMiddleware(build().app)  # type: ignore[method-assign]
    for _ in range(2):
        assert (get(app, "/x").cors, get(app, "/boom").cors) == (READABLE, READABLE)
    assert layers_in(app.middleware_stack) == 1


def test_tracing_of_another_shape_is_left_as_it_is(telemetry: Telemetry) -> None:
    class Passing:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    app = boom_app()
    install_cors(app)
    build: Callable[[], Any] = app.build_middleware_stack

    def build_traced() -> Any:
        errors = ServerErrorMiddleware(Passing(Passing(build().app)))
        return ServerErrorMiddleware(OpenTelemetryMiddleware(errors, tracer_provider=telemetry._provider))

    app.build_middleware_stack = build_traced  # type: ignore[method-assign]
    for _ in range(2):
        assert (get(app, "/x").cors, get(app, "/boom").cors) == (READABLE, READABLE)
        assert len(telemetry.take()) == 2
    assert layers_in(app.middleware_stack) == 1


@pytest.mark.parametrize("before", [True, False])
def test_something_around_the_tracing(telemetry: Telemetry, before: bool) -> None:
    """As Logfire puts it there, where it instruments all apps."""

    class Once:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self.app(scope, receive, send)

    app = boom_app()
    if before:
        install_cors(app)
    telemetry.instrument(app)
    build: Callable[[], Any] = app.build_middleware_stack

    def build_with_it() -> Any:
        stack = build()
        stack.app = Once(stack.app)
        return stack

    app.build_middleware_stack = build_with_it  # type: ignore[method-assign]
    install_cors(app)
    try:
        for _ in range(2):
            assert (get(app, "/boom").cors, telemetry.take()) == (READABLE, [BOOM])
        assert ask(app, http_scope("OPTIONS", "/x", preflight(b"GET")))[0].cors == GRANTED
        assert telemetry.take() == [ASKED]
        assert layers_in(app.middleware_stack) == 1
    finally:
        FastAPIInstrumentor.uninstrument_app(app)
    assert get(app, "/boom").cors == READABLE


def test_middleware_that_holds_itself_is_walked_once() -> None:
    class Circular:
        def __init__(self, app: ASGIApp) -> None:
            self.app: Any = self
            self._inside = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await self._inside(scope, receive, send)

    app = boom_app()
    app.add_middleware(Circular)
    install_cors(app)
    assert get(app, "/boom").cors == READABLE
    assert stands_in(app)


def test_any_layer_can_be_put_around() -> None:
    class Counting:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
            served.append(scope["type"])
            await self.app(scope, receive, send)

    served: list[str] = []
    app = Starlette()
    put_around(app, Counting)
    put_around(app, Counting)
    assert get(app, "/nothing").status == 404
    put_around(app, Counting)
    assert get(app, "/nothing").status == 404
    assert served == ["http", "http"]
