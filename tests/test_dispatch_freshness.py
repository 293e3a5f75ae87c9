"""dispatch: what is added, included or mounted while requests run, and what many threads see of it."""

from __future__ import annotations

import contextlib
import copy
import itertools
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
from asgi import Reply, http_scope, preflight
from fastapi import APIRouter, FastAPI
from generated_apps import http_exception
from named_endpoints import (
    STRANGER,
    ask_for,
    assert_owns,
    assert_refuses,
    assert_serves,
    assert_untouched,
    get,
    in_a_list,
    in_a_tree,
    installed,
    named,
    policy,
    silent,
)
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Mount, Route, Router

from route_cors import RouteCORSMiddleware, cors, install_cors
from route_cors.dispatch import index, resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


# --- What changes while the app runs


class Clock:
    now = 1_000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    for module in (index, resolver):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


class Endpoints:
    """Made before the first request: to declare a policy makes every index look again."""

    def __init__(self, *names: str) -> None:
        self.made = {name: named(name) for name in names}

    def __getattr__(self, name: str) -> Any:
        return self.made[name]


@pytest.mark.usefixtures("clock")
def test_routes_added_to_the_app_are_seen_at_once() -> None:
    make = Endpoints("first", "second", "third", "mounted")
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", make.first)
    install_cors(app)
    assert_serves(app, "/a", "first")
    assert_untouched(app, "/b", 404)
    app.add_api_route("/b", make.second)
    assert_serves(app, "/b", "second")
    app.add_api_route("/a", make.third, methods=["PUT"])
    assert_serves(app, "/a", "third", "PUT", method="PUT")
    app.mount("/m", Router([Route("/a", make.mounted)]))
    assert_serves(app, "/m/a", "mounted", "GET, HEAD")


def test_routes_removed_from_the_app_are_gone_within_a_second(clock: Clock) -> None:
    app = installed(Route("/a", named("first")), Route("/{x}", named("second")))
    assert_serves(app, "/a", "first", "GET, HEAD")
    del app.router.routes[0]
    clock.now += 1.0
    assert_serves(app, "/a", "second", "GET, HEAD")
    del app.router.routes[0]
    clock.now += 1.0
    assert_untouched(app, "/a", 404)


@pytest.mark.usefixtures("clock")
def test_routes_added_to_a_mounted_app_are_seen_at_once() -> None:
    make = Endpoints("first", "second")
    sub = Starlette(routes=[Route("/a", make.first)])
    app = installed(Mount("/m", app=sub))
    assert_serves(app, "/m/a", "first", "GET, HEAD")
    sub.router.routes.append(Route("/b", make.second))
    assert_serves(app, "/m/b", "second", "GET, HEAD")


@in_a_tree
@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_routes_added_to_an_included_router_are_seen_at_once(depth: int) -> None:
    make = Endpoints("first", "second", "third")
    innermost = router = APIRouter()
    innermost.add_api_route("/a", make.first)
    for _ in range(depth - 1):
        outer = APIRouter()
        outer.include_router(router, prefix="/in")
        router = outer
    app = FastAPI(openapi_url=None)
    app.include_router(router, prefix="/in")
    install_cors(app)
    prefix = "/in" * depth
    assert_serves(app, prefix + "/a", "first")
    innermost.add_api_route("/b", make.second)
    assert_serves(app, prefix + "/b", "second")
    innermost.add_api_route("/a", make.third, methods=["PUT"])
    assert_serves(app, prefix + "/a", "third", "PUT", method="PUT")


@in_a_list
@pytest.mark.usefixtures("clock")
def test_routes_added_to_a_copied_router_are_nobodys() -> None:
    make = Endpoints("first", "second")
    router = APIRouter()
    router.add_api_route("/a", make.first)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    install_cors(app)
    router.add_api_route("/b", make.second)
    assert_serves(app, "/a", "first")
    assert_untouched(app, "/b", 404)


@in_a_tree
def test_a_route_that_comes_to_shadow_another_is_seen_within_a_second(clock: Clock) -> None:
    make = Endpoints("other", "early", "late")
    early, late = APIRouter(), APIRouter()
    early.add_api_route("/other", make.other)
    late.add_api_route("/a", make.late)
    app = FastAPI(openapi_url=None)
    app.include_router(early)
    app.include_router(late)
    install_cors(app)
    assert_serves(app, "/a", "late")
    early.add_api_route("/a", make.early)
    clock.now += 1.0
    assert_serves(app, "/a", "early")
    # And the look-out goes on.
    late.add_api_route("/b", make.late)
    assert_serves(app, "/b", "late")
    early.add_api_route("/b", make.early)
    clock.now += 1.0
    assert_serves(app, "/b", "early")


@pytest.mark.parametrize("in_place", [False, True])
def test_another_list_of_equal_length_is_seen_within_a_second(in_place: bool, clock: Clock) -> None:
    make = Endpoints("first", "second")
    app = installed(Route("/{x}", make.first))
    assert_serves(app, "/a", "first", "GET, HEAD")
    clock.now += 0.5
    assert_serves(app, "/a", "first", "GET, HEAD")
    if in_place:
        app.router.routes[:] = [Route("/a", make.second)]
    else:
        app.router.routes = list[BaseRoute]([Route("/a", make.second)])
    clock.now += 0.5
    assert_serves(app, "/a", "second", "GET, HEAD")
    assert_untouched(app, "/b", 404)


class Read(list[BaseRoute]):
    """A list of routes that counts how often it is read."""

    times = 0

    def __iter__(self) -> Iterator[BaseRoute]:
        self.times += 1
        return super().__iter__()


def test_an_unchanged_tree_is_looked_at_once_a_second(clock: Clock) -> None:
    make = Endpoints("first", "second")
    app = installed(Route("/{x}", make.first))
    app.router.routes = routes = Read(app.router.routes)
    for _ in range(3):
        routes.times = 0
        for _ in range(10):
            # Preflights, as the app does not see them: its router reads the list for each request.
            assert ask_for(app, "/a", "https://first.example").status == 204
        assert routes.times == 1
        clock.now += 1.0
    app.router.routes = list[BaseRoute]([Route("/a", make.second)])
    assert_serves(app, "/a", "second", "GET, HEAD")


@pytest.mark.usefixtures("clock")
def test_a_miss_looks_at_a_list_of_equal_length_at_once() -> None:
    make = Endpoints("first", "second")
    app = installed(Route("/a", make.first))
    assert_untouched(app, "/b", 404)
    app.router.routes = list[BaseRoute]([Route("/b", make.second)])
    assert_serves(app, "/b", "second", "GET, HEAD")


@pytest.mark.usefixtures("clock")
def test_a_policy_attached_to_a_running_app_holds_at_once() -> None:
    endpoint, sub = silent("here"), Router([Route("/a", silent("sub"))])
    app = installed(Route("/a", endpoint), Mount("/m", app=sub))
    assert_untouched(app, "/a", 200)
    cors(policy("here"))(endpoint)
    assert_serves(app, "/a", "here", "GET, HEAD")
    assert_untouched(app, "/m/a", 200)
    cors(policy("sub"))(sub)
    assert_serves(app, "/m/a", "sub", "GET, HEAD")


@pytest.mark.usefixtures("clock")
def test_a_layer_installed_on_a_running_mounted_app_speaks_for_it_at_once() -> None:
    sub = Starlette(routes=[Route("/a", silent("sub"))])
    app = installed(Mount("/m", app=sub))
    assert_untouched(app, "/m/a", 200)
    install_cors(sub, default=policy("sub"))
    assert_serves(app, "/m/a", "sub", "GET, HEAD")


# --- Everywhere, and whatever is added

Place = tuple[FastAPI | Starlette, Any, str]


def starlette() -> Starlette:
    return Starlette(exception_handlers={HTTPException: http_exception})


def in_the_app() -> Place:
    app = FastAPI(openapi_url=None)
    return app, app, ""


def in_a_starlette_app() -> Place:
    app = starlette()
    return app, app, ""


def in_a_mounted_app() -> Place:
    app, inner = FastAPI(openapi_url=None), FastAPI(openapi_url=None)
    app.mount("/m", inner)
    return app, inner, "/m"


def in_an_app_mounted_in_a_mounted_app() -> Place:
    app, inner, innermost = FastAPI(openapi_url=None), starlette(), FastAPI(openapi_url=None)
    app.mount("/m/{x}", inner)
    inner.mount("/n", innermost)
    return app, innermost, "/m/x/n"


def in_a_mounted_router() -> Place:
    app, router = starlette(), Router()
    app.mount("/m", router)
    return app, router, "/m"


def in_an_included_router() -> Place:
    app, router = FastAPI(openapi_url=None), APIRouter()
    app.include_router(router, prefix="/in")
    return app, router, "/in"


def in_a_router_included_four_deep() -> Place:
    app = FastAPI(openapi_url=None)
    routers = [APIRouter() for _ in range(4)]
    for outer, inner in itertools.pairwise([app.router, *routers]):
        outer.include_router(inner, prefix="/in")
    return app, routers[-1], "/in" * 4


def in_a_router_included_by_a_mounted_app() -> Place:
    app, inner, router = FastAPI(openapi_url=None), FastAPI(openapi_url=None), APIRouter()
    app.mount("/m", inner)
    inner.include_router(router, prefix="/in")
    return app, router, "/m/in"


def in_an_app_mounted_on_an_included_router() -> Place:
    app, router, inner = FastAPI(openapi_url=None), APIRouter(), FastAPI(openapi_url=None)
    app.include_router(router, prefix="/in")
    router.mount("/m", inner)
    return app, inner, "/in/m"


ANYWHERE: Final = (
    in_the_app,
    in_a_starlette_app,
    in_a_mounted_app,
    in_an_app_mounted_in_a_mounted_app,
    in_a_mounted_router,
    pytest.param(in_an_included_router, marks=in_a_tree),
    pytest.param(in_a_router_included_four_deep, marks=in_a_tree),
    pytest.param(in_a_router_included_by_a_mounted_app, marks=in_a_tree),
    pytest.param(in_an_app_mounted_on_an_included_router, marks=in_a_tree),
)


def routes_of(owner: Any) -> Any:
    """The router whose list of routes it is."""
    return getattr(owner, "router", owner)


def let_fastapi_notice(owner: Any) -> None:
    """A change of the list itself is nothing to FastAPI until a method of an included router is called."""
    if isinstance(owner, APIRouter):
        owner.add_api_route("/noticed", silent("noticed"))


def add_route(owner: Any, endpoint: Any) -> str:
    owner.add_route("/b", endpoint)
    return "/b"


def add_mount(owner: Any, endpoint: Any) -> str:
    owner.mount("/mounted", Router([Route("/b", endpoint)]))
    let_fastapi_notice(owner)
    return "/mounted/b"


def add_router(owner: Any, endpoint: Any) -> str:
    if not hasattr(owner, "include_router"):
        pytest.skip("nothing can be included there")
    innermost, router = APIRouter(), APIRouter()
    innermost.add_api_route("/b", endpoint, methods=["GET", "HEAD"])
    router.include_router(innermost, prefix="/added")
    owner.include_router(router)
    return "/added/b"


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("add", [add_route, add_mount, add_router])
@pytest.mark.parametrize("place", ANYWHERE)
def test_whatever_is_added_is_seen_by_the_next_request_that_asks_for_it(
    place: Callable[[], Place], add: Callable[[Any, Any], str]
) -> None:
    make = Endpoints("before", "added")
    app, owner, prefix = place()
    install_cors(app)
    owner.add_route("/a", make.before)
    assert_serves(app, prefix + "/a", "before", "GET, HEAD")
    for path in ("/b", "/mounted/b", "/added/b", "/b/"):
        assert_untouched(app, prefix + path, 404)
    path = prefix + add(owner, make.added)
    assert_serves(app, path, "added", "GET, HEAD")
    assert_serves(app, prefix + "/a", "before", "GET, HEAD")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("place", ANYWHERE)
def test_a_method_that_is_added_is_seen_by_the_next_request_that_asks_for_it(
    place: Callable[[], Place],
) -> None:
    make = Endpoints("before", "added")
    app, owner, prefix = place()
    install_cors(app)
    owner.add_route("/a", make.before, methods=["POST"])
    assert_serves(app, prefix + "/a", "before", "POST", method="POST")
    assert_refuses(app, prefix + "/a", "before", method="PUT")
    owner.add_route("/a", make.added, methods=["PUT"])
    assert_serves(app, prefix + "/a", "added", "PUT", method="PUT")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("place", ANYWHERE[:5])
def test_the_target_of_a_redirect_that_is_added_is_seen_by_the_next_request(
    place: Callable[[], Place],
) -> None:
    make = Endpoints("before", "added")
    app, owner, prefix = place()
    install_cors(app)
    owner.add_route("/a", make.before)
    assert_untouched(app, prefix + "/b/", 404)
    owner.add_route("/b", make.added)
    assert_owns(app, prefix + "/b/", "added", status=307)


@pytest.mark.parametrize("place", ANYWHERE)
def test_what_comes_to_shadow_is_seen_within_a_second(place: Callable[[], Place], clock: Clock) -> None:
    make = Endpoints("before", "shadow")
    app, owner, prefix = place()
    install_cors(app)
    owner.add_route("/a", make.before)
    assert_serves(app, prefix + "/a", "before", "GET, HEAD")
    routes_of(owner).routes.insert(0, Route("/{x}", make.shadow))
    let_fastapi_notice(owner)
    clock.now += 1.0
    assert_serves(app, prefix + "/a", "shadow", "GET, HEAD")


@pytest.mark.parametrize("place", ANYWHERE)
def test_what_is_taken_away_is_gone_within_a_second(place: Callable[[], Place], clock: Clock) -> None:
    make = Endpoints("first", "second")
    app, owner, prefix = place()
    install_cors(app)
    owner.add_route("/a", make.first)
    owner.add_route("/{x}", make.second)
    assert_serves(app, prefix + "/a", "first", "GET, HEAD")
    del routes_of(owner).routes[-2]
    let_fastapi_notice(owner)
    clock.now += 1.0
    assert_serves(app, prefix + "/a", "second", "GET, HEAD")


# --- What changes in the middle of a look


class Acting(Route):
    """A route that does something once, when its path is read: by then the policies before it are known."""

    act: Callable[[], object] | None = None

    def __getattribute__(self, name: str) -> Any:
        if name == "path":
            act, self.act = self.act, None
            if act is not None:
                act()
        return super().__getattribute__(name)


@pytest.mark.usefixtures("clock")
def test_a_policy_attached_while_the_routes_are_read_holds_for_the_next_request() -> None:
    endpoint = silent("here")
    acting = Acting("/b", silent("b"))
    app = installed(Route("/a", endpoint), acting)
    acting.act = lambda: cors(policy("here"))(endpoint)
    get(app, "/a")
    assert_serves(app, "/a", "here", "GET, HEAD")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("place", ANYWHERE)
def test_a_route_added_while_the_routes_are_read_is_seen_by_the_next_request(
    place: Callable[[], Place],
) -> None:
    make = Endpoints("added", "shadow")
    app, owner, prefix = place()
    install_cors(app)
    acting = Acting("/b", silent("b"))
    routes_of(owner).routes.append(acting)
    acting.act = lambda: owner.add_route("/a", make.added)
    get(app, prefix + "/a")
    assert_serves(app, prefix + "/a", "added", "GET, HEAD")


@pytest.mark.usefixtures("clock")
def test_an_error_while_the_routes_are_read_is_not_kept() -> None:
    def fail() -> None:
        raise OSError

    acting = Acting("/b", silent("b"))
    app = installed(acting, Route("/a", named("here")))
    acting.act = fail
    with pytest.raises(OSError):
        get(app, "/a")
    assert_serves(app, "/a", "here", "GET, HEAD")


# --- Many threads


class Gate(list[BaseRoute]):
    """A list of routes where one thread is held while it reads them, and that notes who looks at it."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        super().__init__(routes)
        self.entered, self.open, self.seen = threading.Event(), threading.Event(), threading.Event()
        self._held: threading.Thread | None = None

    def __iter__(self) -> Iterator[BaseRoute]:
        self._hold()
        return super().__iter__()

    def __len__(self) -> int:
        if threading.current_thread() is not self._held:
            self.seen.set()
        return super().__len__()

    def _hold(self) -> None:
        if self._held is None:
            self._held = threading.current_thread()
            self.entered.set()
            self.open.wait(timeout=60)


@contextlib.contextmanager
def rebuilding(owner: Any, *added: BaseRoute, ask: Callable[[], object]) -> Iterator[Gate]:
    """While another thread, which asks that, is in the middle of reading what was added."""
    router = routes_of(owner)
    router.routes = gate = Gate([*router.routes, *added])
    let_fastapi_notice(owner)
    other = threading.Thread(target=ask)
    other.start()
    try:
        assert gate.entered.wait(timeout=60)
        gate.seen.clear()
        yield gate
    finally:
        gate.open.set()
        other.join()


@pytest.mark.parametrize("due", ["nothing", "a look at the routes", "a look at the policies"])
@pytest.mark.parametrize("place", ANYWHERE)
def test_a_known_route_is_answered_while_another_thread_rebuilds(
    place: Callable[[], Place], due: str, clock: Clock
) -> None:
    make = Endpoints("known", "added")
    app, owner, prefix = place()
    owner.add_route("/known", make.known)
    install_cors(app)
    assert_serves(app, prefix + "/known", "known", "GET, HEAD")
    answers: list[Reply] = []

    def ask_for_known() -> None:
        answers.append(ask_for(app, prefix + "/known", "https://known.example"))

    added = Route("/added", make.added)
    with rebuilding(owner, added, ask=lambda: ask_for(app, prefix + "/added", STRANGER)):
        if due == "a look at the routes":
            clock.now += 1.0
        elif due == "a look at the policies":
            named("another")
        asking = threading.Thread(target=ask_for_known)
        asking.start()
        # Only where it is blocked does it take that long, and then the assertion fails.
        asking.join(timeout=10)
        assert [reply.status for reply in answers] == [204]
    asking.join()
    assert_serves(app, prefix + "/added", "added", "GET, HEAD")


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("place", ANYWHERE)
def test_an_added_route_is_seen_while_another_thread_rebuilds(place: Callable[[], Place]) -> None:
    make = Endpoints("known", "first", "second")
    app, owner, prefix = place()
    owner.add_route("/known", make.known)
    install_cors(app)
    assert_serves(app, prefix + "/known", "known", "GET, HEAD")
    answers: list[Reply] = []

    def ask_for_second() -> None:
        answers.append(ask_for(app, prefix + "/second", "https://second.example"))

    added = Route("/first", make.first), Route("/second", make.second)
    with rebuilding(owner, *added, ask=lambda: ask_for(app, prefix + "/first", STRANGER)) as gate:
        asking = threading.Thread(target=ask_for_second)
        asking.start()
        gate.seen.wait(timeout=10)
    asking.join()
    assert [reply.status for reply in answers] == [204]


class Looked(list[BaseRoute]):
    """A list of routes that tells when a certain thread has looked at it."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        super().__init__(routes)
        self.by: threading.Thread | None = None
        self.seen = threading.Event()

    def __len__(self) -> int:
        if threading.current_thread() is self.by:
            self.seen.set()
        return super().__len__()


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("place", ANYWHERE)
def test_a_route_added_in_the_middle_of_another_threads_rebuild_is_seen(place: Callable[[], Place]) -> None:
    make = Endpoints("known", "added")
    app, owner, prefix = place()
    owner.add_route("/known", make.known)
    install_cors(app)
    assert_serves(app, prefix + "/known", "known", "GET, HEAD")
    router = routes_of(owner)
    router.routes = routes = Looked(router.routes)
    acting = Acting("/acting", silent("acting"))
    routes.append(acting)
    let_fastapi_notice(owner)
    has_read, may_go_on = threading.Event(), threading.Event()
    answers: list[Reply] = []

    def hold() -> None:
        has_read.set()
        may_go_on.wait(timeout=60)

    def ask_for_added() -> None:
        answers.append(ask_for(app, prefix + "/added", "https://added.example"))

    acting.act = hold
    rebuilding_it = threading.Thread(target=lambda: ask_for(app, prefix + "/acting", STRANGER))
    rebuilding_it.start()
    assert has_read.wait(timeout=60)
    # What the other thread has read does not hold it, and the request that asks for it comes after it.
    routes.append(Route("/added", make.added))
    let_fastapi_notice(owner)
    asking = routes.by = threading.Thread(target=ask_for_added)
    asking.start()
    routes.seen.wait(timeout=10)
    may_go_on.set()
    rebuilding_it.join()
    asking.join()
    assert [reply.status for reply in answers] == [204]


@pytest.mark.usefixtures("clock")
def test_a_policy_attached_while_another_thread_builds_the_first_index_is_seen() -> None:
    endpoint = silent("here")
    acting = Acting("/acting", silent("acting"))
    app = installed(Route("/a", endpoint), acting)
    has_read, may_go_on, has_asked = threading.Event(), threading.Event(), threading.Event()
    answers: list[Reply] = []

    def hold() -> None:
        has_read.set()
        may_go_on.wait(timeout=60)

    async def entered(scope: Scope, receive: Receive, send: Send) -> None:
        has_asked.set()
        await app(scope, receive, send)

    acting.act = hold
    building = threading.Thread(target=lambda: get(app, "/a"))
    building.start()
    assert has_read.wait(timeout=60)
    cors(policy("here"))(endpoint)
    asking = threading.Thread(target=lambda: answers.append(ask_for(entered, "/a", "https://here.example")))
    asking.start()
    has_asked.wait(timeout=60)
    may_go_on.set()
    building.join()
    asking.join()
    assert [reply.status for reply in answers] == [204]


class Changing(Route):
    """A route that is asked whether it matches, and does something once when it is."""

    act: Callable[[], object] | None = None

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        act, self.act = self.act, None
        if act is not None:
            act()
        return super().matches(scope)


@pytest.mark.usefixtures("clock")
def test_an_answer_is_not_torn_by_a_rebuild_in_its_middle() -> None:
    make = Endpoints("asked", "new")
    asked = Changing("/a", make.asked, methods=["POST", "PUT"])
    app = installed(asked)
    assert at_once(app, "/a", "PUT", "https://asked.example") == (204, "PUT")

    def change() -> None:
        # In a thread of its own this would come at any time; here it comes at the worst.
        app.router.routes = list[BaseRoute]([Route("/new", make.new)])
        assert at_once(app, "/new", "GET", "https://new.example") == (204, "GET, HEAD")

    asked.act = change
    # Of a route that was asked about one method, only that one is known.
    assert at_once(app, "/a", "PUT", "https://asked.example") == (204, "PUT")


def test_each_of_two_layers_sees_a_change_within_a_second(clock: Clock) -> None:
    make = Endpoints("old", "new")
    app = Starlette(routes=[Route("/a", make.old)])
    layers = RouteCORSMiddleware(app), RouteCORSMiddleware(app)
    for layer in layers:
        assert_serves(layer, "/a", "old", "GET, HEAD")
    app.router.routes = list[BaseRoute]([Route("/a", make.new)])
    clock.now += 1.0
    for layer in layers:
        assert_serves(layer, "/a", "new", "GET, HEAD")


# --- One layer, or one router, in several places


@pytest.mark.usefixtures("clock")
def test_a_layer_that_serves_by_itself_and_behind_a_mount_knows_what_is_before_the_mount() -> None:
    inner = Starlette(routes=[Route("/a", named("inner"), methods=["POST", "PUT"])])
    install_cors(inner)
    app = FastAPI(openapi_url=None)
    app.router.routes += [Route("/m/a", silent("before"), methods=["PUT"]), Mount("/m", app=inner)]
    for _ in range(2):
        assert_serves(inner, "/a", "inner", "POST, PUT", method="PUT")
        assert_untouched(app, "/m/a", 200, method="PUT")


@pytest.mark.usefixtures("clock")
def test_one_layer_before_several_apps_knows_them_apart() -> None:
    apps = {name: Starlette(routes=[Route("/a", named(name))]) for name in ("first", "second")}

    async def into_the_app_of_the_scope(scope: Scope, receive: Receive, send: Send) -> None:
        await scope["app"].router(scope, receive, send)

    layer = RouteCORSMiddleware(into_the_app_of_the_scope)
    for name in ("first", "second", "first", "second"):

        async def serve(scope: Scope, receive: Receive, send: Send, name: str = name) -> None:
            await layer({**scope, "app": apps[name]}, receive, send)

        assert_serves(serve, "/a", name, "GET, HEAD")


@pytest.mark.usefixtures("clock")
def test_a_copy_of_a_router_that_has_served_requests_is_a_router_of_its_own() -> None:
    make = Endpoints("original", "copied")
    original = Router([Route("/a", make.original)])
    app = installed(Mount("/original", app=original))
    assert_serves(app, "/original/a", "original", "GET, HEAD")
    copied = copy.deepcopy(original)
    copied.routes = list[BaseRoute]([Route("/a", make.copied)])
    app.mount("/copy", copied)
    assert_serves(app, "/copy/a", "copied", "GET, HEAD")
    assert_serves(app, "/original/a", "original", "GET, HEAD")


@pytest.fixture
def hasty_threads() -> Iterator[None]:
    """Threads take turns after every few instructions, so that they meet in the worst of places."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def all_at_once(*tasks: Callable[[], object]) -> None:
    """Run each in a thread; what one raises is raised here."""
    ready = threading.Barrier(len(tasks))

    def run(task: Callable[[], object]) -> None:
        ready.wait(timeout=60)
        task()

    with ThreadPoolExecutor(len(tasks)) as threads:
        for future in [threads.submit(run, task) for task in tasks]:
            future.result()


class Counted(Route):
    """A route that counts how often its path is read: once or so by each index that is made of it."""

    def __init__(self, path: str, endpoint: Any) -> None:
        self.reads: list[None] = []
        super().__init__(path, endpoint)

    def __getattribute__(self, name: str) -> Any:
        if name == "path":
            self.reads.append(None)
        return super().__getattribute__(name)


class Meeting(list[BaseRoute]):
    """A list of routes whose first reader waits until all are there who want to read it."""

    def __init__(self, routes: Iterable[BaseRoute], arrivals: threading.Semaphore, expected: int) -> None:
        super().__init__(routes)
        self._arrivals, self._missing = arrivals, expected

    def __iter__(self) -> Iterator[BaseRoute]:
        missing, self._missing = self._missing, 0
        for _ in range(missing):
            self._arrivals.acquire(timeout=60)
        return super().__iter__()


def counted_app() -> tuple[Starlette, tuple[Counted, Counted]]:
    outside, inside = Counted("/b", silent("b")), Counted("/a", named("here"))
    return installed(outside, Mount("/m", app=Starlette(routes=[inside]))), (outside, inside)


@pytest.mark.usefixtures("clock")
def test_first_requests_that_come_while_an_index_is_built_wait_for_it() -> None:
    app, counted = counted_app()
    arrivals, count = threading.Semaphore(0), 8
    app.router.routes = Meeting(app.router.routes, arrivals, count)
    answers: list[Answer] = []

    def ask_for_it() -> None:
        arrivals.release()
        answers.append(at_once(app, "/m/a", "GET", "https://here.example"))

    all_at_once(*[ask_for_it] * count)
    assert answers == [(204, "GET, HEAD")] * count
    assert_read_as_often_as_by_one_request(counted)


@pytest.mark.usefixtures("clock", "hasty_threads")
def test_first_requests_that_come_at_once_build_one_index_of_each_app() -> None:
    for _ in range(200):
        app, counted = counted_app()
        answers: list[Answer] = []

        def ask_for_it(app: ASGIApp = app, answers: list[Answer] = answers) -> None:
            answers.append(at_once(app, "/m/a", "GET", "https://here.example"))

        all_at_once(*[ask_for_it] * 4)
        assert answers == [(204, "GET, HEAD")] * 4
        assert_read_as_often_as_by_one_request(counted)


def assert_read_as_often_as_by_one_request(counted: tuple[Counted, Counted]) -> None:
    app, once = counted_app()
    at_once(app, "/m/a", "GET", "https://here.example")
    assert [len(route.reads) for route in counted] == [len(route.reads) for route in once]
    assert all(route.reads for route in once)


Answer = tuple[int, str | None]


def at_once(app: ASGIApp, path: str, method: str, origin: str) -> Answer:
    """The status of a preflight and the methods that it grants; an event loop would take most of the time."""
    messages: list[Message] = []

    async def receive() -> Message:
        raise AssertionError

    async def send(message: Message) -> None:
        messages.append(message)

    scope = http_scope("OPTIONS", path, preflight(method.encode(), origin.encode()))
    answering: Any = app(scope, receive, send)
    with pytest.raises(StopIteration):
        answering.send(None)
    reply = Reply(messages)
    return reply.status, reply.cors.get("access-control-allow-methods")


@pytest.mark.usefixtures("hasty_threads")
@pytest.mark.parametrize("place", ANYWHERE)
def test_every_answer_is_of_one_state_while_another_thread_changes_the_routes(
    place: Callable[[], Place], clock: Clock
) -> None:
    app, owner, prefix = place()
    owner.add_route("/known", named("known"))
    install_cors(app)
    router = routes_of(owner)
    old, new = "https://old.example", "https://new.example"
    # One endpoint for both methods, or one for each; the other route comes and goes.
    together = Route("/a", named("old"), methods=["POST", "PUT"])
    apart = [Route("/a", named("old"), methods=["POST"]), Route("/a", named("new"), methods=["PUT"])]
    states = [[*router.routes, together], [*router.routes, *apart, Route("/b", named("new"))]]
    possible: dict[tuple[str, str, str], set[Answer]] = {
        ("/known", "GET", "https://known.example"): {(204, "GET, HEAD")},
        ("/a", "POST", old): {(204, "POST, PUT"), (204, "POST")},
        ("/a", "PUT", old): {(204, "POST, PUT"), (403, None)},
        ("/a", "PUT", new): {(204, "PUT"), (403, None)},
        # Untouched, it is the app's 404; a route that is gone before the app looks for it is its 405 or 404.
        ("/b", "GET", new): {(204, "GET, HEAD"), (404, None), (405, None)},
    }
    router.routes = list(states[0])
    let_fastapi_notice(owner)
    done = threading.Semaphore(0)

    def change() -> None:
        turn = 0
        while not done.acquire(blocking=False):
            turn += 1
            if turn % 3:
                router.routes = list(states[turn % 2])
            else:
                router.routes[:] = states[turn % 2]
            let_fastapi_notice(owner)
            clock.now += 0.4
        router.routes = list(states[1])
        let_fastapi_notice(owner)

    def watch() -> None:
        try:
            for _ in range(300):
                for (path, method, origin), answers in possible.items():
                    assert at_once(app, prefix + path, method, origin) in answers
        finally:
            done.release()

    all_at_once(change, watch, watch)
    clock.now += 1.0
    assert at_once(app, prefix + "/a", "PUT", new) == (204, "PUT")
    assert at_once(app, prefix + "/b", "GET", new) == (204, "GET, HEAD")
