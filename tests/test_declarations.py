"""What `@cors` leaves on a function besides the policy, and what becomes of that."""

import copy
import functools
import gc
import inspect
import itertools
import logging
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any, get_type_hints

import pytest
from asgi import ask, http_scope
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.routing import APIRoute
from interpreters import printed_by
from kept_policies import (
    ENFORCED,
    FOR_A,
    READABLE,
    REFUSED,
    A,
    Calls,
    asked,
    assert_closed_and_enforced,
    assert_nothing_is_lost,
    assert_policy,
    assert_said,
    assert_shut,
    assert_shut_websocket,
    is_accepted,
    seen,
    start,
)
from lossy import COPYING, SHARING, wrapping
from pydantic import BaseModel, validate_call
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors, policy_of
from route_cors.declarations import Declaration, lost_like, marked

ANY = CORSPolicy(origins="*")
SOURCE = "def endpoint(number: int = 0) -> int:\n    return number\n"


class Note(BaseModel):
    text: str


@dataclass
class Here:
    """A file that is another one in each test: what is dropped in one is no concern of the next."""

    file: str = ""


here = Here()
_serial = itertools.count()


@pytest.fixture(autouse=True)
def elsewhere() -> None:
    here.file = f"made_here_{next(_serial)}.py"


def made(source: str = SOURCE, **names: Any) -> Any:
    """A function that nobody else holds."""
    module: dict[str, Any] = {"__name__": "made_here", **names}
    exec(compile(source, here.file, "exec"), module)  # noqa: S102 - it was written here
    return module.pop("endpoint")


def app_of(*endpoints: Any, default: CORSPolicy | None = None) -> FastAPI:
    """One route for each, `/0` and so on."""
    app = FastAPI()
    for number, endpoint in enumerate(endpoints):
        app.get(f"/{number}")(endpoint)
    install_cors(app, default=default)
    return app


# --- The mark is invisible


def annotated(note: "Note", number: int = 7) -> "list[Note]":
    return [note] * number


FUTURE = """
from __future__ import annotations
def endpoint(note: Note, number: int = 7) -> list[Note]:
    return [note] * number
"""


@pytest.mark.parametrize(
    "make", [lambda: annotated, lambda: made(FUTURE, Note=Note, __name__=__name__)], ids=["", "strings"]
)
def test_annotations_are_what_they_were(make: Callable[[], Any]) -> None:
    plain = make()
    before, signature = dict(plain.__annotations__), inspect.signature(plain)
    declared = FunctionType(plain.__code__, plain.__globals__, plain.__name__, plain.__defaults__)
    declared.__annotations__ = dict(before)
    assert cors(FOR_A)(declared) is declared
    assert declared.__annotations__ == before
    assert repr(declared.__annotations__) == repr(before)
    assert [*declared.__annotations__] == [*before]
    assert isinstance(declared.__annotations__, dict)
    assert inspect.signature(declared) == signature
    assert inspect.get_annotations(declared) == before
    assert get_type_hints(declared) == {"note": Note, "number": int, "return": list[Note]}
    assert validate_call(declared)({"text": "x"}, "2") == [Note(text="x")] * 2


def test_fastapi_reads_them() -> None:
    app = FastAPI()

    @app.get("/notes/{text}")
    @cors(FOR_A)
    async def notes(text: str, number: "int" = 1) -> "list[Note]":
        return [Note(text=text)] * number

    install_cors(app)
    scope = http_scope("GET", "/notes/x", [(b"origin", A.encode())])
    reply = ask(app, {**scope, "query_string": b"number=2"})
    assert (reply.status, reply.body, reply.cors) == (200, b'[{"text":"x"},{"text":"x"}]', READABLE)
    assert ask(app, {**scope, "query_string": b"number=two"}).status == 422


def test_copies_of_them_are_plain() -> None:
    annotations = cors(FOR_A)(made()).__annotations__
    copies: list[Any] = [
        copy.copy(annotations),
        copy.deepcopy(annotations),
        pickle.loads(pickle.dumps(annotations)),  # noqa: S301 - it was made here
        annotations.copy(),
        annotations | {},
    ]
    assert [(type(each), each) for each in copies] == [(dict, {"number": int, "return": int})] * 5


def test_nothing_is_said_when_the_interpreter_ends(tmp_path: Path) -> None:
    code = """
from route_cors import cors
kept = []
@cors(origins="*")
def one(): ...
@cors(origins="*")
def two() -> None: kept.append(two)
two()
left = [cors(origins="*")(lambda: None) for _ in range(9)]
class Last:
    def __del__(self): left.clear()
last = Last()
print("done")
"""
    assert printed_by(code, tmp_path) == "done\n"


# --- For whom it speaks


def test_it_speaks_for_a_function_that_was_compiled_anew() -> None:
    copied = SHARING["compiled anew"](cors(FOR_A)(made()))
    assert policy_of(copied) is None
    assert marked(copied) is FOR_A


def test_the_newest_declaration_is_what_it_says(caplog: pytest.LogCaptureFixture) -> None:
    first = SHARING["compiled anew"](cors(ANY)(made()))
    second = SHARING["compiled anew"](no_cors(first))
    third = SHARING["compiled anew"](cors(FOR_A)(second))
    app = app_of(third, default=ANY)
    del first, second
    assert seen(app, "GET", "/0", A) == (200, READABLE)
    assert asked(app, "GET", "/0", "https://b.example") == REFUSED
    assert_nothing_is_lost(caplog)


@pytest.mark.parametrize("name", ["name", "module", "file"])
def test_it_speaks_for_no_other_function_with_these_annotations(name: str) -> None:
    """As one that takes over a signature does it."""
    public = cors(FOR_A)(made())
    other = made()
    other.__annotations__ = public.__annotations__
    if name == "name":
        other.__qualname__ = "other"
    elif name == "module":
        other.__module__ = "other"
    else:
        other.__code__ = other.__code__.replace(co_filename="other.py")
    app = app_of(other, public)
    assert seen(app, "GET", "/0", A) == (200, {})
    assert asked(app, "GET", "/0", A)[0] == 405
    assert seen(app, "GET", "/1", A) == (200, READABLE)


def test_a_twin_has_annotations_of_its_own() -> None:
    twins = [made() for _ in range(2)]
    twins[1].__annotations__ = twins[0].__annotations__
    cors(FOR_A)(twins[0])
    assert [marked(each) for each in twins] == [FOR_A, None]


def test_it_is_on_what_makes_the_annotations_where_that_is() -> None:
    """From Python 3.14 on; before, any function may have such an attribute."""
    original = made()

    def annotate(form: int) -> dict[str, Any]:
        raise AssertionError  # nobody asks for them

    original.__annotate__ = annotate
    before = original.__annotations__
    cors(FOR_A)(original)
    assert original.__annotations__ is before
    copied = FunctionType(original.__code__, original.__globals__, original.__name__)
    assert marked(copied) is None
    copied.__annotate__ = annotate  # type: ignore[attr-defined]
    assert marked(copied) is FOR_A


def test_what_makes_the_annotations_may_take_no_attributes() -> None:
    original = made()
    bound = FOR_A.evolve
    original.__annotate__ = bound
    assert policy_of(cors(FOR_A)(original)) is FOR_A
    copied = made()
    copied.__annotate__ = bound
    assert marked(copied) is None


# --- What was dropped


def test_a_function_that_is_dropped_makes_suspects_of_its_copies_alone() -> None:
    kept = made()
    COPYING["copied"](cors(FOR_A)(made()))
    place = Declaration(here.file, 1, "endpoint", enforce=False)
    assert lost_like(kept) == {place}
    for change in ({"co_firstlineno": 9}, {"co_qualname": "other"}, {"co_filename": "other.py"}):
        assert lost_like(FunctionType(kept.__code__.replace(**change), {"__name__": "made_here"})) == set()
    assert lost_like(FunctionType(kept.__code__, {"__name__": "other"})) == set()


@pytest.mark.parametrize("happens", ["a declaration", "a look at the routes"])
def test_one_that_goes_later_was_not_dropped_by_a_decorator(happens: str) -> None:
    kept = made()
    function = cors(FOR_A)(made())
    if happens == "a declaration":
        cors(FOR_A)(annotated)
    else:
        start(app_of())
    del function
    assert lost_like(kept) == set()


def test_one_that_nobody_serves_goes_when_its_factory_is_done_and_was_not_dropped_by_a_decorator() -> None:
    def declare() -> list[object]:
        return [cors(FOR_A)(made())]

    kept = made()
    unused = declare()
    unused.clear()
    assert lost_like(kept) == set()


def test_one_that_is_dropped_as_who_declared_it_returns() -> None:
    def declare() -> None:
        function = cors(FOR_A)(made())
        COPYING["copied"](function)

    kept = made()
    declare()
    assert lost_like(kept) == {Declaration(here.file, 1, "endpoint", enforce=False)}


def test_what_a_collection_of_garbage_takes_was_not_dropped_by_a_decorator() -> None:
    kept = made()
    function = cors(FOR_A)(made())
    function.itself = function
    del function
    gc.collect()
    assert lost_like(kept) == set()


def test_one_that_is_there_without_its_mark_was_not_dropped() -> None:
    kept = made()
    function = cors(FOR_A)(made())
    function.__annotations__ = {}
    assert lost_like(kept) == set()


def test_the_oldest_are_forgotten(tmp_path: Path) -> None:
    """In an interpreter of its own, as others would forget as well. What was found closed stays so."""
    code = """
from types import FunctionType
from route_cors import cors
from route_cors.declarations import lost_like
def endpoint() -> None:
    return None
def made(line):
    return FunctionType(endpoint.__code__.replace(co_firstlineno=line), globals())
def found(line):
    cors(origins="*")(made(line))
    return len(lost_like(made(line)))
one = made(10)
print(found(10), len(lost_like(one)), {found(line) for line in range(20, 22_020, 10)})
print(len(lost_like(made(10))), len(lost_like(one)), len(lost_like(made(22_010))))
"""
    assert printed_by(code, tmp_path) == "1 1 {1}\n0 1 1\n"


def test_one_of_the_dropped_refused_requests(caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()

    def make() -> Any:
        def enforced() -> str:
            calls.ran.append("enforced")
            return "enforced"

        return calls.declared(enforced)

    copies = [COPYING["copied"](cors(each)(make())) for each in (ANY, ENFORCED)]
    app = app_of(*copies, default=ANY)
    for path in ("/0", "/1"):
        assert_closed_and_enforced(app, calls, "GET", path)
    assert_said(caplog, calls, {"/0": "enforced", "/1": "enforced"})


def test_what_is_lost_on_the_way_through_a_mount(caplog: pytest.LogCaptureFixture) -> None:
    """A route before the mount serves another method there, which narrows the terms inside."""
    calls = Calls()
    inner, outer = FastAPI(), FastAPI()

    @outer.post("/in/x")
    @cors(ANY)
    def before() -> None: ...

    @inner.get("/x")
    @COPYING["copied"]
    @cors(ENFORCED)
    @calls.declared
    def enforced() -> str:
        calls.ran.append("enforced")
        return "enforced"

    outer.mount("/in", inner)
    install_cors(outer, default=ANY)
    for origin in (A, "https://b.example"):
        assert seen(outer, "GET", "/in/x", origin) == (403, {"vary": "Origin, Sec-Fetch-Site"})
        assert asked(outer, "GET", "/in/x", origin) == REFUSED
    assert calls.ran == []
    assert_said(caplog, calls, {"/x": "enforced"})


# --- What is held


class Wrapper:
    """What a decorator gives back that has registered another function: it serves nothing."""

    def __init__(self, function: Any) -> None:
        functools.update_wrapper(self, function)

    def __call__(self) -> None: ...


def registering(router: APIRouter, path: str) -> Callable[[Any], Any]:
    def decorate(function: Any) -> Any:
        router.get(path)(wrapping(function))
        return Wrapper(function)

    return decorate


@pytest.fixture
def beside_wrapping(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Wrapper, "__module__", wrapping.__module__)


@pytest.mark.usefixtures("beside_wrapping")
def test_a_policy_on_what_a_registering_decorator_gave_back(caplog: pytest.LogCaptureFixture) -> None:
    app = FastAPI()

    @cors(FOR_A)
    @registering(app.router, "/x")
    def endpoint() -> str:
        return "served"

    install_cors(app, default=ANY)
    assert seen(app, "GET", "/x", A) == (200, READABLE)
    assert asked(app, "GET", "/x", "https://b.example") == REFUSED
    assert_nothing_is_lost(caplog)


def test_what_another_module_made_around_the_function_has_nothing_of_that() -> None:
    app = FastAPI()

    def endpoint() -> str:
        return "served"

    app.get("/itself")(endpoint)
    app.get("/wrapped")(wrapping(endpoint))
    cors(FOR_A)(Wrapper(endpoint))
    install_cors(app, default=ANY)
    for path in ("/itself", "/wrapped"):
        assert seen(app, "GET", path, A) == (200, {"access-control-allow-origin": "*"})


@pytest.mark.usefixtures("beside_wrapping")
def test_two_policies_on_what_it_gave_back(caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()
    app = FastAPI()

    @calls.declared
    def endpoint() -> str:
        return "served"

    cors(FOR_A)(registering(app.router, "/x")(endpoint))
    cors(ANY)(registering(app.router, "/y")(endpoint))
    install_cors(app)
    assert_shut(app, "GET", "/x")
    assert_shut(app, "GET", "/y")
    assert_said(caplog, calls, {"/x": "endpoint", "/y": "endpoint"})


def test_an_object_with_a_policy_that_is_held() -> None:
    declared = cors(FOR_A)(Wrapper(lambda: None))
    app = app_of(lambda: str(declared))
    assert seen(app, "GET", "/0", A) == (200, READABLE)


def test_a_function_in_sight_is_called_and_not_held(caplog: pytest.LogCaptureFixture) -> None:
    """By the name that it has where both were written."""
    app = FastAPI()

    @app.get("/one")
    @cors(FOR_A)
    def one() -> str:
        return "one"

    def add_two() -> None:
        @app.get("/two")
        def two() -> str:
            return one()

    add_two()
    install_cors(app)
    assert seen(app, "GET", "/two", A) == (200, {})
    assert asked(app, "GET", "/two", A)[0] == 405
    assert_nothing_is_lost(caplog)


def test_a_method_of_an_object() -> None:
    class Owner:
        @wrapping
        @cors(FOR_A)
        def endpoint(self) -> str:
            return "served"

    owner: Any = Owner()
    app = app_of(functools.partial(owner.endpoint))
    assert seen(app, "GET", "/0", A) == (200, READABLE)


def test_what_has_no_code_is_named_by_its_module(caplog: pytest.LogCaptureFixture) -> None:
    first, second = cors(FOR_A)(functools.partial(len, "")), cors(ANY)(functools.partial(max, 1, 2))
    app = app_of(lambda: str((first(), second())))
    assert_policy_is_unknown(app, "/0")
    [said] = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
    assert "declared on len (builtins:0) or max (builtins:0)" in said


def test_what_wraps_itself(caplog: pytest.LogCaptureFixture) -> None:
    first, second = (cors(each)(made()) for each in (FOR_A, ANY))
    for each in (first, second):
        each.__wrapped__ = each
    app = app_of(lambda: str((first, second)))
    assert_policy_is_unknown(app, "/0")
    assert f"endpoint ({here.file}:1)" in caplog.text


def assert_policy_is_unknown(app: FastAPI, path: str) -> None:
    assert seen(app, "GET", path, A)[1] == {}
    assert asked(app, "GET", path, A) == REFUSED


def test_a_holder_of_thousands_is_not_searched_through() -> None:
    """It is a registry, and stands for none of them."""

    def holder() -> str:
        return "served"

    holder.first = cors(FOR_A)(made())  # type: ignore[attr-defined]
    assert seen(app_of(holder), "GET", "/0", A) == (200, READABLE)
    for number in range(2_000):
        setattr(holder, f"held_{number}", wrapping(made()))
    assert seen(app_of(holder), "GET", "/0", A) == (200, {})


class Proxy:
    """For what is not there outside of a request."""

    def __init__(self, outside: list[bool]) -> None:
        self.outside = outside

    def __getattribute__(self, name: str) -> Any:
        outside: list[bool] = object.__getattribute__(self, "outside")
        if outside:
            raise RuntimeError("working outside of a request")
        return object.__getattribute__(self, name)


def test_a_holder_of_a_proxy() -> None:
    outside = [True]
    proxy, function = Proxy(outside), cors(FOR_A)(made())
    app = app_of(lambda: str((type(proxy), function)))
    assert seen(app, "GET", "/0", A) == (200, READABLE)
    outside.clear()  # others may look at it


# --- Endpoint classes


class Late(WebSocketEndpoint):
    """Its `on_receive` runs when the handshake is long accepted."""

    calls = Calls()

    @cors(FOR_A)
    @calls.declared
    async def on_receive(self, websocket: WebSocket, data: object) -> None: ...


class LateHTTP(HTTPEndpoint):
    calls = Calls()

    @wrapping
    @cors(ENFORCED)
    @calls.declared
    async def dispatch(self) -> None: ...

    @cors(FOR_A)
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("served")


def test_a_policy_on_a_method_that_is_called_too_late(caplog: pytest.LogCaptureFixture) -> None:
    app = Starlette(routes=[WebSocketRoute("/ws", Late)])
    install_cors(app)
    start(app)
    assert_shut_websocket(app, "/ws")
    assert_said(caplog, Late.calls, {"/ws": "on_receive"})


def test_a_policy_on_dispatch(caplog: pytest.LogCaptureFixture) -> None:
    app = Starlette(routes=[Route("/x", LateHTTP)])
    install_cors(app, default=ANY)
    start(app)
    assert asked(app, "POST", "/x", A) == REFUSED
    assert asked(app, "GET", "/x", A)[0] == 204
    assert_said(caplog, LateHTTP.calls, {"/x": "dispatch"})


def test_the_policy_of_the_class_holds_in_spite_of_one_on_a_method() -> None:
    class Both(Late): ...

    app = Starlette(routes=[WebSocketRoute("/ws", cors(FOR_A)(Both))])
    install_cors(app)
    assert is_accepted(app, "/ws", A)
    assert not is_accepted(app, "/ws", "https://b.example")


def test_a_handler_that_was_copied(caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()

    class Endpoint(HTTPEndpoint):
        @COPYING["copied"]
        @cors(FOR_A)
        @calls.declared
        async def get(self, request: Request) -> Response:
            return PlainTextResponse("served")

        @SHARING["compiled anew"]
        @cors(FOR_A)
        async def post(self, request: Request) -> Response:
            return PlainTextResponse("served")

    app = Starlette(routes=[Route("/x", Endpoint)])
    install_cors(app, default=ANY)
    assert_shut(app, "GET", "/x")
    assert seen(app, "POST", "/x", A) == (200, READABLE)
    assert_said(caplog, calls, {"/x": "get"})


# --- Routes that are made anew


def test_a_route_that_is_made_of_the_attributes_of_another_keeps_its_class() -> None:
    calls = Calls()
    router = CORSRouter(cors=FOR_A)

    @router.get("/policy")
    async def policy() -> str:
        calls.ran.append("policy")
        return "policy"

    [route] = router.routes
    app = FastAPI()
    app.router.add_api_route(
        "/made",
        vars(route)["endpoint"],
        methods=["GET"],
        route_class_override=vars(route)["route_class_override"],
    )
    install_cors(app)
    assert_policy(app, calls, "/made")


def test_a_route_class_that_gives_one_function_for_all(caplog: pytest.LogCaptureFixture) -> None:
    calls = Calls()

    def common() -> str:
        return "served"

    class Common(APIRoute):
        def __init__(self, path: str, endpoint: Any, **arguments: Any) -> None:
            super().__init__(path, common, **arguments)

    app = FastAPI()
    router = CORSRouter(route_class=Common)

    @router.get("/one")
    @cors(FOR_A)
    @calls.declared
    def one() -> None: ...

    @router.get("/two")
    @cors(ANY)
    @calls.declared
    def two() -> None: ...

    app.include_router(router)
    install_cors(app)
    assert_shut(app, "GET", "/one")
    assert_shut(app, "GET", "/two")
    assert_said(caplog, calls, {"/one": "one|two", "/two": "one|two"})


def test_a_route_class_that_gives_what_takes_no_attributes() -> None:
    """Nothing can be noted on it."""

    class Owner:
        def served(self) -> str:
            return "served"

    class Bound(APIRoute):
        def __init__(self, path: str, endpoint: Any, **arguments: Any) -> None:
            super().__init__(path, Owner().served, **arguments)

    router = CORSRouter(route_class=Bound)
    router.get("/x")(made())
    app = FastAPI()
    app.include_router(router)
    assert seen(app, "GET", "/x", A) == (200, {})
