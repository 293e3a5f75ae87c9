"""What an origin callable is shown is what the endpoint is; what it raises is a no, and never a 500."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anyio
import anyio.lowlevel
import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from starlette.applications import Starlette
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Host, Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Scope
from wrappers import Hidden

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors

from .support import REFUSED, A, B, E, Seen, blocked, granted, http_scope, readable, reply_of

Verdict = Callable[[str, HTTPConnection], bool | Awaitable[bool]]


# --- requests -------------------------------------------------------------------------------------


def scope_of(kind: str, path: str, origin: str = A, **more: Any) -> Scope:
    """Of a preflight for PUT, the PUT itself, or a handshake."""
    headers = [(b"origin", origin.encode())]
    if kind == "preflight":
        headers.append((b"access-control-request-method", b"PUT"))
        return http_scope("OPTIONS", path, headers, **more)
    if kind == "actual":
        return http_scope("PUT", path, headers, **more)
    scope = http_scope("GET", path, headers, **more)
    scope.update(type="websocket", scheme="ws", subprotocols=[])
    del scope["method"]
    return scope


async def exchange(app: ASGIApp, scope: Scope) -> list[Message]:
    first = {"type": "websocket.connect"} if scope["type"] == "websocket" else {"type": "http.request"}
    incoming = [first]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop() if incoming else {"type": f"{scope['type']}.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def seen(kind: str, messages: list[Message]) -> Seen | str:
    return messages[0]["type"] if kind == "websocket" else reply_of(messages).seen


def allowed(kind: str, origin: str = A) -> Seen | str:
    if kind == "websocket":
        return "websocket.accept"
    return granted(origin, "PUT") if kind == "preflight" else readable(200, origin)


def refused(kind: str) -> Seen | str:
    if kind == "websocket":
        return "websocket.close"
    return REFUSED if kind == "preflight" else blocked(200)


KINDS = ["preflight", "actual", "websocket"]
every_kind = pytest.mark.parametrize("kind", KINDS)


# --- what is seen ---------------------------------------------------------------------------------


class View(NamedTuple):
    """What a connection says of where it is served."""

    path_params: dict[str, Any]
    app: object
    tenants: object
    root_path: str
    database: object

    @classmethod
    def of(cls, connection: HTTPConnection) -> "View":
        """`connection.app` fails where it is not known, and so would the callable."""
        return cls(
            dict(connection.path_params),
            connection.app,
            connection.app.state.tenants,
            connection.scope["root_path"],
            connection.state.database,
        )


@dataclass
class Notes:
    """What the callable was shown, and what the endpoint."""

    asked: list[View] = field(default_factory=list)
    ran: list[View] = field(default_factory=list)

    def plain(self, origin: str, connection: HTTPConnection) -> bool:
        self.asked.append(View.of(connection))
        return origin == A

    async def later(self, origin: str, connection: HTTPConnection) -> bool:
        await anyio.lowlevel.checkpoint()
        self.asked.append(View.of(connection))
        return origin == A

    def endpoint(self) -> Any:
        async def put(request: Request) -> Response:
            self.ran.append(View.of(request))
            return PlainTextResponse("served")

        return put

    def chat(self) -> Any:
        async def chat(websocket: WebSocket) -> None:
            self.ran.append(View.of(websocket))
            await websocket.accept()

        return chat


def named(app: Any, name: str) -> Any:
    """An app whose state tells it from every other."""
    app.state.tenants = name
    return app


class Place(NamedTuple):
    app: ASGIApp
    path: str
    serving: object
    path_params: dict[str, Any]
    root_path: str = ""


Arrange = Callable[[Notes, CORSPolicy], Place]


def declare(router: Any, notes: Notes, policy: CORSPolicy | None) -> None:
    put, chat = notes.endpoint(), notes.chat()
    if policy is not None:
        put, chat = cors(policy)(put), cors(policy)(chat)
    router.add_api_route("/items/{item:int}/{name}", put, methods=["PUT"])
    router.add_api_websocket_route("/items/{item:int}/{name}", chat)


ITEM = {"item": 7, "name": "a b"}
ITEM_PATH = "/items/7/a b"


def direct(notes: Notes, policy: CORSPolicy) -> Place:
    app = named(FastAPI(), "app")
    declare(app, notes, policy)
    install_cors(app)
    return Place(app, ITEM_PATH, app, ITEM)


def in_the_ordinary_place(notes: Notes, policy: CORSPolicy) -> Place:
    app = named(FastAPI(), "app")
    declare(app, notes, policy)
    app.add_middleware(RouteCORSMiddleware)
    return Place(app, ITEM_PATH, app, ITEM)


def around_the_app(notes: Notes, policy: CORSPolicy) -> Place:
    """The layer is called before the app has put itself into the scope."""
    app = named(FastAPI(), "app")
    declare(app, notes, policy)
    return Place(RouteCORSMiddleware(app), ITEM_PATH, app, ITEM)


def on_starlette(notes: Notes, policy: CORSPolicy) -> Place:
    path = "/items/{item:int}/{name}"
    routes = [
        Route(path, cors(policy)(notes.endpoint()), methods=["PUT"]),
        WebSocketRoute(path, cors(policy)(notes.chat())),
    ]
    app = named(Starlette(routes=[Mount("/t/{tenant}", routes=routes)]), "app")
    install_cors(app)
    return Place(app, f"/t/blue{ITEM_PATH}", app, {"tenant": "blue", **ITEM}, "/t/blue")


def included(notes: Notes, policy: CORSPolicy) -> Place:
    inner, outer = APIRouter(prefix="/t/{tenant}"), APIRouter(prefix="/v{version:int}")
    declare(inner, notes, policy)
    outer.include_router(inner)
    app = named(FastAPI(), "app")
    app.include_router(outer)
    install_cors(app)
    return Place(app, f"/v2/t/blue{ITEM_PATH}", app, {"version": 2, "tenant": "blue", **ITEM})


def on_the_router(notes: Notes, policy: CORSPolicy) -> Place:
    router = CORSRouter(prefix="/t/{tenant}", cors=policy)
    declare(router, notes, None)
    app = named(FastAPI(), "app")
    app.include_router(router)
    install_cors(app)
    return Place(app, f"/t/blue{ITEM_PATH}", app, {"tenant": "blue", **ITEM})


def on_a_router_around(notes: Notes, policy: CORSPolicy) -> Place:
    inner, outer = APIRouter(prefix="/t/{tenant}"), CORSRouter(prefix="/v{version:int}", cors=policy)
    declare(inner, notes, None)
    outer.include_router(inner)
    app = named(FastAPI(), "app")
    app.include_router(outer)
    install_cors(app)
    return Place(app, f"/v2/t/blue{ITEM_PATH}", app, {"version": 2, "tenant": "blue", **ITEM})


def router_alone(notes: Notes, policy: CORSPolicy) -> Place:
    inner, outer = CORSRouter(prefix="/t/{tenant}", cors=policy), APIRouter(prefix="/v{version:int}")
    declare(inner, notes, None)
    outer.include_router(inner)
    app = named(FastAPI(), "app")
    app.include_router(outer)
    return Place(app, f"/v2/t/blue{ITEM_PATH}", app, {"version": 2, "tenant": "blue", **ITEM})


def router_alone_in_a_mount(notes: Notes, policy: CORSPolicy) -> Place:
    router = CORSRouter(prefix="/t/{tenant}", cors=policy)
    declare(router, notes, None)
    inner = named(FastAPI(), "inner")
    inner.include_router(router)
    app = named(FastAPI(), "app")
    app.mount("/{region}", inner)
    return Place(app, f"/eu/t/blue{ITEM_PATH}", inner, {"region": "eu", "tenant": "blue", **ITEM}, "/eu")


def mounted(notes: Notes, policy: CORSPolicy) -> Place:
    inner = named(FastAPI(), "inner")
    declare(inner, notes, policy)
    app = named(FastAPI(), "app")
    app.mount("/{region}", inner)
    install_cors(app)
    return Place(app, f"/eu{ITEM_PATH}", inner, {"region": "eu", **ITEM}, "/eu")


def mounted_with_a_router(notes: Notes, policy: CORSPolicy) -> Place:
    """Both a layer and the route itself could ask."""
    place = router_alone_in_a_mount(notes, policy)
    assert isinstance(place.app, FastAPI)
    install_cors(place.app)
    return place


def mounted_two_deep(notes: Notes, policy: CORSPolicy) -> Place:
    inner, middle, app = named(FastAPI(), "inner"), named(FastAPI(), "middle"), named(FastAPI(), "app")
    declare(inner, notes, policy)
    middle.mount("/{zone:int}", inner)
    app.mount("/{region}", middle)
    install_cors(app)
    return Place(app, f"/eu/3{ITEM_PATH}", inner, {"region": "eu", "zone": 3, **ITEM}, "/eu/3")


def mounted_two_deep_with_layers(notes: Notes, policy: CORSPolicy) -> Place:
    inner, middle, app = named(FastAPI(), "inner"), named(FastAPI(), "middle"), named(FastAPI(), "app")
    declare(inner, notes, policy)
    middle.mount("/{zone:int}", inner)
    app.mount("/{region}", middle)
    for each in (inner, middle, app):
        install_cors(each)
    return Place(app, f"/eu/3{ITEM_PATH}", inner, {"region": "eu", "zone": 3, **ITEM}, "/eu/3")


def mounted_on_a_host(notes: Notes, policy: CORSPolicy) -> Place:
    inner = named(FastAPI(), "inner")
    declare(inner, notes, policy)
    app = named(Starlette(routes=[Host("app.{domain}", inner)]), "app")
    install_cors(app)
    return Place(app, ITEM_PATH, inner, {"domain": "example", **ITEM})


def on_the_mount(notes: Notes, policy: CORSPolicy) -> Place:
    """The mount has the policy, a route of the mounted app serves."""
    inner = named(FastAPI(), "inner")
    declare(inner, notes, None)
    app = named(FastAPI(), "app")
    app.mount("/{region}", cors(policy)(inner))
    install_cors(app)
    return Place(app, f"/eu{ITEM_PATH}", inner, {"region": "eu", **ITEM}, "/eu")


def hidden(notes: Notes, policy: CORSPolicy) -> Place:
    inner = named(FastAPI(), "inner")
    declare(inner, notes, policy)
    install_cors(inner)
    app = named(FastAPI(), "app")
    app.mount("/{region}", Hidden(inner))
    install_cors(app)
    return Place(app, f"/eu{ITEM_PATH}", inner, {"region": "eu", **ITEM}, "/eu")


def hidden_under_a_default(notes: Notes, policy: CORSPolicy) -> Place:
    """Whose own callable is asked nothing by which the request could be allowed or refused."""
    inner = named(FastAPI(), "inner")
    declare(inner, notes, policy)
    install_cors(inner)
    app = named(FastAPI(), "app")
    app.mount("/{region}", Hidden(inner))
    install_cors(app, default=CORSPolicy(origins=B))
    return Place(app, f"/eu{ITEM_PATH}", inner, {"region": "eu", **ITEM}, "/eu")


def hidden_router_alone(notes: Notes, policy: CORSPolicy) -> Place:
    place = router_alone_in_a_mount(notes, policy)
    app = named(FastAPI(), "outermost")
    app.mount("/out", Hidden(place.app))
    return place._replace(app=app, path=f"/out{place.path}", root_path=f"/out{place.root_path}")


ARRANGED: list[Arrange] = [
    direct,
    in_the_ordinary_place,
    around_the_app,
    on_starlette,
    included,
    on_the_router,
    on_a_router_around,
    router_alone,
    router_alone_in_a_mount,
    mounted,
    mounted_with_a_router,
    mounted_two_deep,
    mounted_two_deep_with_layers,
    mounted_on_a_host,
    on_the_mount,
    hidden,
    hidden_under_a_default,
    hidden_router_alone,
]


def expected_view(place: Place, proxied: str, database: object) -> View:
    serving: Any = place.serving
    return View(place.path_params, serving, serving.state.tenants, proxied + place.root_path, database)


arranged = pytest.mark.parametrize("arrange", ARRANGED, ids=lambda arrange: arrange.__name__)


@arranged
@pytest.mark.parametrize("proxied", ["", "/proxy"])
@pytest.mark.parametrize("kind", ["actual", "websocket"])
def test_what_the_endpoint_sees(arrange: Arrange, proxied: str, kind: str) -> None:
    """Whatever guards it: this is what the callables below are measured by."""
    notes, database = Notes(), object()
    place = arrange(notes, CORSPolicy(origins=A))

    scope = scope_of(kind, proxied + place.path, root_path=proxied, state={"database": database})
    assert seen(kind, anyio.run(exchange, place.app, scope)) == allowed(kind)
    assert notes.ran == [expected_view(place, proxied, database)]


@arranged
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("proxied", ["", "/proxy"])
@every_kind
def test_a_callable_sees_what_the_endpoint_sees(
    arrange: Arrange, is_async: bool, proxied: str, kind: str
) -> None:
    notes = Notes()
    place = arrange(notes, CORSPolicy(origins=notes.later if is_async else notes.plain))
    database = object()

    def run(origin: str, kind: str = kind) -> Seen | str:
        state = {"database": database}
        scope = scope_of(kind, proxied + place.path, origin, root_path=proxied, state=state)
        return seen(kind, anyio.run(exchange, place.app, scope))

    expected = expected_view(place, proxied, database)
    assert run(A) == allowed(kind)
    assert notes.asked == [expected]
    assert [type(value) for value in notes.asked[0].path_params.values()] == [
        type(value) for value in place.path_params.values()
    ]
    assert run(E) == refused(kind)
    assert notes.asked == [expected, expected]
    if kind == "preflight":
        # No preflight comes to the endpoint: what is compared is the request that it announces.
        assert notes.ran == []
        assert run(A, "actual") == allowed("actual")
    assert notes.ran[0] == expected


@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("kind", ["preflight", "actual"])
def test_so_does_the_callable_of_a_default(is_async: bool, kind: str) -> None:
    notes = Notes()
    inner, app = named(FastAPI(), "inner"), named(FastAPI(), "app")
    declare(inner, notes, None)
    declare(app, notes, None)
    app.mount("/{region}", inner)
    install_cors(app, default=CORSPolicy(origins=notes.later if is_async else notes.plain))
    database = object()

    for path, serving, path_params, root_path in (
        (ITEM_PATH, app, ITEM, ""),
        (f"/eu{ITEM_PATH}", inner, {"region": "eu", **ITEM}, "/eu"),
    ):
        notes.asked.clear()
        scope = scope_of(kind, path, state={"database": database})
        assert seen(kind, anyio.run(exchange, app, scope)) == allowed(kind)
        assert notes.asked == [View(path_params, serving, serving.state.tenants, root_path, database)]


def test_where_no_route_answers_there_are_no_path_params() -> None:
    notes = Notes()
    app = named(FastAPI(), "app")
    install_cors(app, default=CORSPolicy(origins=notes.plain))
    database = object()

    messages = anyio.run(exchange, app, scope_of("actual", "/nothing", state={"database": database}))

    assert reply_of(messages).seen == readable(404, A)
    assert notes.asked == [View({}, app, "app", "", database)]


def test_what_a_callable_does_to_its_connection_does_nothing_to_the_request() -> None:
    """It gets a view: what it changes of the path is not where the request goes."""
    notes = Notes()

    def changes(origin: str, connection: HTTPConnection) -> bool:
        connection.scope["path"] = "/elsewhere"
        connection.scope["root_path"] = "/elsewhere"
        connection.path_params["item"] = 8
        return True

    place = mounted(notes, CORSPolicy(origins=changes))
    for kind in ("actual", "websocket"):
        notes.ran.clear()
        scope = scope_of(kind, place.path, state={"database": None})
        assert seen(kind, anyio.run(exchange, place.app, scope)) == allowed(kind)
        (view,) = notes.ran
        assert (view.path_params, view.root_path) == (place.path_params, place.root_path)


# --- what is raised -------------------------------------------------------------------------------


class UnheardOfError(BaseException):
    """No Exception, so that `except Exception` does not see it."""


def alone_places(callables: Iterable[Verdict]) -> Iterable[tuple[ASGIApp, str]]:
    """A layer, a CORSRouter with nothing else, and a mounted app's route under a layer."""
    for arrange in (direct, router_alone, mounted):
        notes = Notes()
        place = arrange(notes, CORSPolicy(origins=callables))
        yield place.app, place.path


ERRORS: list[BaseException] = [
    ValueError("no"),
    SystemExit(3),
    UnheardOfError("no"),
    ExceptionGroup("several", [ValueError("no"), KeyError("no")]),
    BaseExceptionGroup("several", [ValueError("no"), UnheardOfError("no")]),
    asyncio.CancelledError("by hand"),
    StopIteration(),
    RecursionError("no"),
]


def raising(error: BaseException, *, is_async: bool) -> Verdict:
    def plain(origin: str, connection: HTTPConnection) -> bool:
        raise error

    async def later(origin: str, connection: HTTPConnection) -> bool:
        await anyio.lowlevel.checkpoint()
        raise error

    return later if is_async else plain


async def outcome(app: ASGIApp, scope: Scope) -> list[Message] | BaseException:
    """The messages, or what got out: caught here, as some of it would take the event loop with it."""
    try:
        return await exchange(app, scope)
    except BaseException as error:  # noqa: BLE001
        return error


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@every_kind
def test_whatever_a_callable_raises_is_a_no(
    error: BaseException, is_async: bool, kind: str, backend: str, caplog: pytest.LogCaptureFixture
) -> None:
    is_allowed = raising(error, is_async=is_async)
    for app, path in alone_places([is_allowed]):
        caplog.clear()
        scope = scope_of(kind, path, state={"database": None})
        messages = anyio.run(outcome, app, scope, backend=backend)
        assert not isinstance(messages, BaseException), f"{messages!r} got out"
        assert seen(kind, messages) == refused(kind)
        (record,) = (each for each in caplog.records if each.levelno >= logging.ERROR)
        assert record.name == "route_cors"
        assert record.getMessage().startswith("RCE08 origin callable failed: callable=")
        assert record.exc_info is not None
        logged = record.exc_info[1]
        # A coroutine cannot raise StopIteration: Python makes another error of it.
        assert logged is error or (is_async and isinstance(logged, RuntimeError))
        assert record.exc_info[2] is not None


@every_kind
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_the_next_callable_is_asked_all_the_same(error: BaseException, is_async: bool, kind: str) -> None:
    def yes(origin: str, connection: HTTPConnection) -> bool:
        return True

    for app, path in alone_places([raising(error, is_async=is_async), yes]):
        messages = anyio.run(outcome, app, scope_of(kind, path, state={"database": None}))
        assert not isinstance(messages, BaseException), f"{messages!r} got out"
        assert seen(kind, messages) == allowed(kind)


@every_kind
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("is_async", [False, True], ids=["plain", "async"])
def test_who_presses_ctrl_c_means_the_program(kind: str, backend: str, is_async: bool) -> None:
    for app, path in alone_places([raising(KeyboardInterrupt(), is_async=is_async)]):
        scope = scope_of(kind, path, state={"database": None})
        assert isinstance(anyio.run(outcome, app, scope, backend=backend), KeyboardInterrupt)


# --- what is cancelled ----------------------------------------------------------------------------


async def awaits_a_task_that_is_cancelled(origin: str, connection: HTTPConnection) -> bool:
    task = asyncio.ensure_future(asyncio.Event().wait())
    asyncio.get_running_loop().call_soon(task.cancel, "by somebody else")
    return await task


async def awaits_a_future_that_was_cancelled(origin: str, connection: HTTPConnection) -> bool:
    future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
    future.cancel()
    return await future


async def waits_too_long(origin: str, connection: HTTPConnection) -> bool:
    async with asyncio.timeout(0):
        return await asyncio.Event().wait()


@every_kind
@pytest.mark.parametrize(
    "is_allowed",
    [awaits_a_task_that_is_cancelled, awaits_a_future_that_was_cancelled, waits_too_long],
    ids=lambda function: function.__name__,
)
def test_somebody_elses_cancelled_task_is_a_no(
    is_allowed: Verdict, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def twice(app: ASGIApp, path: str) -> list[list[Message] | BaseException]:
        scopes = [scope_of(kind, path, state={"database": None}) for _ in range(2)]
        answers = [await outcome(app, scope) for scope in scopes]
        # The request's own task is none the worse for it.
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        await asyncio.sleep(0)
        return answers

    for app, path in alone_places([is_allowed]):
        caplog.clear()
        for messages in anyio.run(twice, app, path):
            assert not isinstance(messages, BaseException), f"{messages!r} got out"
            assert seen(kind, messages) == refused(kind)
        assert [record.getMessage()[:5] for record in caplog.records] == ["RCE08", "RCE08"]


@dataclass(eq=False)
class Waiting:
    """A callable that waits for ever; `started` is set when it does."""

    how: str
    started: anyio.Event = field(default_factory=anyio.Event)
    cleaned_up: bool = False

    async def __call__(self, origin: str, connection: HTTPConnection) -> bool:
        try:
            if self.how == "itself":
                self.started.set()
                await anyio.sleep_forever()
            elif self.how == "a task group":
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(anyio.sleep_forever)
                    tasks.start_soon(anyio.sleep_forever)
                    self.started.set()
            else:
                self.started.set()
                await asyncio.ensure_future(asyncio.Event().wait())
        finally:
            self.cleaned_up = True
        return True


def is_cancellation(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(is_cancellation, error.exceptions))
    return isinstance(error, anyio.get_cancelled_exc_class())


@every_kind
@pytest.mark.parametrize(
    ("backend", "how"),
    [
        ("asyncio", "itself"),
        ("asyncio", "a task group"),
        ("asyncio", "a task"),
        ("trio", "itself"),
        ("trio", "a task group"),
    ],
)
def test_a_request_that_is_cancelled_is_cancelled(
    backend: str, how: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """By a cancel scope, as a server's or a middleware's task group has one."""

    ended_by: list[BaseException] = []

    async def serve(app: ASGIApp, path: str) -> None:
        try:
            await exchange(app, scope_of(kind, path, state={"database": None}))
        except BaseException as error:
            ended_by.append(error)
            raise

    async def run() -> None:
        for number in range(3):
            waiting = Waiting(how)
            app, path = [*alone_places([waiting])][number]
            ended_by.clear()
            with anyio.fail_after(10):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(serve, app, path)
                    await waiting.started.wait()
                    tasks.cancel_scope.cancel()
            assert waiting.cleaned_up
            assert [is_cancellation(error) for error in ended_by] == [True]

    anyio.run(run, backend=backend)
    assert caplog.messages == []


@every_kind
@pytest.mark.parametrize("how", ["itself", "a task group", "a task"])
def test_a_task_that_is_cancelled_ends_as_one(how: str, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """By `task.cancel()`, as asyncio has it."""

    async def run() -> None:
        for number in range(3):
            waiting = Waiting(how)
            app, path = [*alone_places([waiting])][number]
            task = asyncio.create_task(exchange(app, scope_of(kind, path, state={"database": None})))
            await waiting.started.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert task.cancelled()
            assert waiting.cleaned_up

    anyio.run(run)
    assert caplog.messages == []


class Suspended:
    """To be awaited outside any event loop."""

    def __await__(self) -> Generator[None, None, bool]:
        yield
        return True


def test_a_coroutine_that_is_closed_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    """As Python does with one that nobody awaits to its end. To go on would be a RuntimeError."""

    async def is_allowed(origin: str, connection: HTTPConnection) -> bool:
        return await Suspended()

    for app, path in alone_places([is_allowed]):
        request = exchange(app, scope_of("preflight", path, state={"database": None}))
        request.send(None)
        request.close()
    assert caplog.messages == []
