"""dispatch: paths, hosts and methods that no browser sends, and sets of routes that nobody wants.

How much work an answer takes is counted in calls, Python's and C's, and so is the same on every machine.
"""

from __future__ import annotations

import gc
import itertools
import sys
import tracemalloc
from typing import TYPE_CHECKING, Any, Final

import pytest
from asgi import ask, http_scope, preflight
from fastapi import FastAPI
from fastapi.routing import APIRoute
from named_endpoints import (
    STRANGER,
    Opaque,
    assert_serves,
    assert_untouched,
    get,
    installed,
    named,
    named_app,
    policy,
    silent,
)
from starlette.routing import Host, Match, Mount, Route, Router

from route_cors import RouteCORSMiddleware, cors, install_cors
from route_cors.dispatch.resolver import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Message, Scope

    from route_cors.dispatch.target import Target

DEEP: Final = 100_000
# As an ASGI server may hand them over: decoded somehow, and never looked at.
PATHS: Final = {
    "empty": "",
    "no slash": "a",
    "asterisk": "*",
    "slashes": "//",
    "NUL": "/\x00",
    "half an escape": "/%",
    "the last before the surrogates": "/\ud7ff",
    "lone surrogates": "/\ud800/7/\udcff",
    "any byte": "/" + bytes(range(256)).decode("utf-8", "surrogateescape"),
    "any character of Latin-1": "/" + bytes(range(256)).decode("latin-1"),
    "beyond the BMP": "/\U0010ffff",
    "query": "?",
    "dots": "/../..",
    "newline": "\n",
    "newlines": "\n" * 1_000,
    "64 KB in one segment": "/" + "a" * 65_536,
    "64 KB of digits": "/a/" + "7" * 65_536,
    "64 KB of NUL": "\x00" * 65_536,
    "slashes alone": "/" * DEEP,
    "segments": "/a" * DEEP,
    "segments of a mount": "/m" * DEEP,
    "segments, and a newline": "/a" * DEEP + "\n",
}
HOSTS: Final = {
    "empty": b"",
    "any byte": bytes(range(256)),
    "64 KB": b"a" * 65_536,
    "64 KB of dots": b"." * 65_536,
    "64 KB of labels": b"a." * 32_768 + b"example",
    "64 KB of colons": b":" * 65_536,
    "newline": b"other.example\n",
    "not UTF-8": b"\xff\xfe.example",
}


def app_of_all_kinds() -> Starlette:
    return installed(
        Mount(
            "/m", routes=[Route("/{x}", named("mounted")), Mount("/m", routes=[Route("/a", named("inner"))])]
        ),
        Host("other.example", app=named_app("host")),
        Host("{x}.example", app=Router([Route("/a", named("wild"))])),
        Route("/{x}/{y:int}/{z:path}", named("deep")),
        Route("/{x}.txt/{y:float}", named("float")),
        Route("/a", named("a")),
    )


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_no_path_makes_an_error(path: str) -> None:
    app = app_of_all_kinds()
    assert_agrees(app, path)
    assert_agrees(installed(redirect_slashes=False), path)


@pytest.mark.parametrize("host", HOSTS.values(), ids=HOSTS)
def test_no_host_makes_an_error(host: bytes) -> None:
    app = app_of_all_kinds()
    for path in ("/a", "/m/a", "/b"):
        assert_agrees(app, path, host)


def sent(method: str, path: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> Scope:
    """A path need be nothing that could be written as bytes."""
    return {**http_scope(method, "", headers), "path": path}


def assert_agrees(app: ASGIApp, path: str, host: bytes = b"api.example") -> None:
    """Whoever serves the path, its policy decides the preflight; and where nobody does, none."""
    reply = ask(app, sent("GET", path, [(b"host", host), (b"origin", STRANGER.encode())]))
    name = reply.body.decode() if reply.status == 200 else "nobody"
    asked = preflight(b"GET", f"https://{name}.example".encode(), (b"host", host))
    granted = ask(app, sent("OPTIONS", path, asked))
    if reply.status == 200:
        assert granted.status == 204
        assert granted.cors["access-control-allow-origin"] == f"https://{name}.example"
    elif reply.status != 307:
        assert granted.cors == {}
    assert ("vary" in reply.cors) == ("vary" in granted.cors)


@pytest.mark.parametrize("path", ["/a" * DEEP, "/m" * DEEP, "/self" * DEEP, "/" * DEEP, "/a\n" * DEEP])
def test_the_depth_of_calls_does_not_follow_the_path(path: str) -> None:
    app = app_of_all_kinds()
    app.mount("/self", app)
    app.router.routes.insert(0, Route("".join(f"/{{x{number}}}" for number in range(200)), named("long")))
    Resolver(app).resolve(http_scope("GET", "/"), "GET")  # Its index is built by whoever comes first.
    scope = sent("GET", path)
    limit, depth = sys.getrecursionlimit(), sum(1 for _ in frames())
    sys.setrecursionlimit(depth + 60)
    try:
        Resolver(app).resolve(scope, "GET")
    finally:
        sys.setrecursionlimit(limit)


def frames() -> Iterator[Any]:
    frame: Any = sys._getframe()
    while frame is not None:
        yield frame
        frame = frame.f_back


# --- Sets of routes that nobody wants


def work_of(ask_something: Callable[[], object]) -> int:
    """How many calls it takes, once all is compiled that is compiled once."""
    ask_something()
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    # When garbage is collected depends on what ran before, and Hypothesis has itself called each time.
    gc.disable()
    sys.setprofile(count)
    try:
        ask_something()
    finally:
        sys.setprofile(before)
        gc.enable()
    return calls


def resolving(app: Any, path: str, method: str = "GET") -> Callable[[], Target]:
    scope = sent("GET", path)
    return lambda: Resolver(app).resolve(scope, method)


def app_of(templates: Iterable[str]) -> Starlette:
    routes = (Route(template, cors(policy("here"))(silent(template))) for template in templates)
    return installed(*routes, redirect_slashes=False)


def assert_runs(app: Any, path: str) -> str:
    """The endpoint that the index names is the one that the app runs; what it says is its template."""
    reply = get(app, path)
    target: Any = Resolver(app).resolve(sent("GET", path), "GET")
    assert reply.body.decode() == ("Not Found" if target.route is None else target.route.path)
    return reply.body.decode()


def test_every_mixture_of_literals_and_parameters() -> None:
    templates = [
        "/" + "/".join("a" if number >> bit & 1 else f"{{x{bit}}}" for bit in range(10))
        for number in range(1_024)
    ]
    served = set()
    for ordered in (templates, templates[::-1]):
        app = app_of(ordered)
        for number in range(0, 1_024, 37):
            path = "/" + "/".join("a" if number >> bit & 1 else "b" for bit in range(10))
            served.add(assert_runs(app, path))
        for path in (
            "/a" * 9,
            "/a" * 11,
            "/a" * 9 + "/",
            "/a" * 10 + "\n",
            "/b" * 10 + "\n",
            "/a" * 5 + "/" * 5,
        ):
            assert_runs(app, path)
        # The way branches at each of ten segments, and no node is passed twice.
        assert work_of(resolving(app, "/a" * 10)) < 60 * len(templates)
        assert work_of(resolving(app, "/a" * 9)) < 60 * len(templates)
    assert len(served) > 20


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/{{a}}/{{b}}/{{c}}/x{}", "/1/2/3/x7"),
        ("/x{}/{{a}}/{{b}}", "/x7/1/2"),
        ("/{{a}}/x{}/{{b}}", "/1/x7/2"),
        ("/{{a}}/{{b}}/x{}/", "/1/2/x7/"),
        ("/x{}", "/x7"),
    ],
)
@pytest.mark.parametrize("hit", [True, False])
def test_routes_that_differ_in_a_literal_cost_nothing_more(template: str, path: str, hit: bool) -> None:
    few, many = (app_of([template.format(number) for number in range(count)]) for count in (10, 2_000))
    asked = path if hit else path.replace("x7", "y7")
    assert assert_runs(many, asked) == (template.format(7) if hit else "Not Found")
    if hit:
        assert work_of(resolving(many, asked)) == work_of(resolving(few, asked))
    else:
        # A miss looks at the routes again: are there new ones? That is one comparison for each.
        assert work_of(resolving(many, asked)) - work_of(resolving(few, asked)) <= 2 * 2_000


@pytest.mark.parametrize(
    "template",
    ["/{{a{0}}}/{{b{0}}}", "/{{a{0}:int}}/{{b{0}}}", "/{{a{0}}}.json/{{b{0}}}", "/{{a{0}:path}}/x{0}", "/a"],
)
def test_routes_that_all_overlap_cost_no_more_than_a_scan_of_them(template: str) -> None:
    count = 2_000
    app = app_of([template.format(number) for number in range(count)])
    for path in ("/1/2", "/1.json/x7", "/1/x1999", "/a", "/1/2/3/x0", "/b\n/x3", "//2"):
        assert_runs(app, path)
        assert work_of(resolving(app, path)) < 25 * count


@pytest.mark.parametrize("path", ["/a" * DEEP, "/" * DEEP, "/7" * DEEP])
def test_a_long_path_costs_no_more_than_a_short_one(path: str) -> None:
    app = app_of(["/{x}/{y:int}", "/{x}/{y}.json", "/a/b/{z}", "/a/a", "/7/7/7/{x}"])
    # No segment beyond the deepest route is looked at.
    assert work_of(resolving(app, path)) <= 2 * work_of(resolving(app, path[:12]))


def test_a_long_path_into_mounts_costs_no_more_than_a_short_one() -> None:
    app = app_of_all_kinds()
    assert work_of(resolving(app, "/m" * DEEP)) <= 2 * work_of(resolving(app, "/m" * 6))


def test_an_app_that_is_mounted_into_itself_is_left_at_some_depth() -> None:
    app = app_of(["/a", "/{x}/b"])
    app.mount("/self", app)
    assert work_of(resolving(app, "/self" * DEEP)) <= 2 * work_of(resolving(app, "/self" * 200))


def test_overlapping_parameters_cost_no_more_than_the_router() -> None:
    # 2 to the power of 24 ways through the trie, if each were walked.
    templates = [
        "/" + "/".join("a" if (number >> bit) & 1 else f"{{x{bit}}}" for bit in range(24))
        for number in range(64)
    ]
    app = installed(*(Route(template, named("here")) for template in templates), redirect_slashes=False)
    assert_untouched(app, "/a" * 23 + "/a/b", 404)
    assert_serves(app, "/a" * 24, "here", "GET, HEAD")


# --- Paths that are nearly the same

SIMILAR: Final = (
    *(
        "/same",
        "/same/",
        "/same\n",
        "/same/\n",
        "/same\n\n",
        "/",
        "//",
        "",
        "/other",
        "/other\n",
        "/7",
        "/7\n",
    ),
    *("/same/b", "/same/b\n", "/same//", "/7/b", "/other/b/", "/x.json", "/x.json\n", "/m", "/m/a", "/m/a\n"),
)


def app_of_similar_routes() -> Starlette:
    numbers = itertools.count(1)

    def numbered() -> Any:
        return cors(policy("a", max_age=next(numbers)))(silent("here"))

    return installed(
        Route("/same", numbered()),
        Route("/m/a", numbered(), methods=["POST"]),
        Mount("/m", routes=[Route("/a", numbered())]),
        Route("/{x}", numbered(), methods=["GET", "POST"]),
        Route("/{x:int}", numbered(), methods=["PUT"]),
        Route("/same/", numbered()),
        Route("/{x}/b", numbered()),
        Route("/{x}.json", numbered(), methods=["DELETE"]),
        Route("/same/{y}", numbered()),
    )


@pytest.mark.parametrize("second", SIMILAR, ids=repr)
def test_an_answer_does_not_depend_on_what_was_asked_before(second: str) -> None:
    expected = grants(app_of_similar_routes(), second)
    for first in SIMILAR:
        app = app_of_similar_routes()
        grants(app, first)
        assert grants(app, second) == expected


def grants(app: ASGIApp, path: str) -> list[tuple[int, dict[str, str]]]:
    """What preflights for all methods are told there; the maximal age says which route it was."""
    asked = (preflight(method) for method in (b"GET", b"POST", b"PUT", b"DELETE"))
    replies = [ask(app, sent("OPTIONS", path, headers)) for headers in asked]
    return [(reply.status, reply.cors) for reply in replies]


# --- What is remembered


class Asked(APIRoute):
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope)


def big_app() -> FastAPI:
    """With everything in it of which the index keeps something."""
    app = FastAPI(openapi_url=None)
    inner = FastAPI(openapi_url=None)
    for number in range(8):
        inner.add_route(f"/{{x:path}}/{number}/{{y:path}}", named(f"r{number}"), methods=["GET", "PUT"])
    app.mount("/m", inner)
    app.mount("/opaque", named_app("opaque"))
    app.add_api_route("/asked/{x}", named("asked"), methods=["GET", "POST"])
    app.router.add_api_route("/asked/{x}", silent("asked"), methods=["PUT"], route_class_override=Asked)
    app.router.routes.append(Host("{x}.example", app=Router([Route("/{y}", named("host"))])))
    app.router.routes.append(Host("{x}.opaque", app=Opaque("opaque")))
    app.add_route("/{x:int}/{y}", named("int"))
    app.router.add_websocket_route("/{x}/socket", named("socket"))
    install_cors(app, default=policy("default"))
    return app


def hostile_scopes(numbers: range) -> Iterator[Scope]:
    for number in numbers:
        bits = [str(bit) for bit in range(8) if number >> bit & 1]
        paths = (
            f"/{number}",
            f"/asked/{number}",
            f"/opaque/{number}",
            f"/{number}/{number}/",
            f"/m/a{number}/{'/'.join(bits)}/b{number}",
            f"/a{number}\n",
            f"/{'/' * (number % 300)}{number}",
        )
        for path, method in itertools.product(paths, ("GET", f"M{number}")):
            host = f"h{number}.{('example', 'opaque', 'invalid')[number % 3]}"
            origin = f"https://o{number}.example".encode()
            yield sent("OPTIONS", path, preflight(method.encode(), origin, (b"host", host.encode())))


async def never_called(*_: object) -> Message:
    raise AssertionError


class Shown:
    """What an app shows, around nothing that could remember anything."""

    def __init__(self, app: Any) -> None:
        self.routes = app.routes
        self.router = app.router

    async def __call__(self, scope: Scope, receive: object, send: object) -> None:
        return


def test_nothing_grows_with_what_clients_send() -> None:
    layer = RouteCORSMiddleware(Shown(big_app()), default=policy("default"))

    async def send(message: Message) -> None:
        return

    def send_all(numbers: range) -> None:
        for scope in hostile_scopes(numbers):
            answering: Any = layer(scope, never_called, send)
            with pytest.raises(StopIteration):
                answering.send(None)

    def most_after(numbers: range) -> int:
        """What is forgotten at times is looked at when there is most of it."""
        sizes: list[int] = []
        for number in numbers:
            send_all(range(number, number + 1))
            sizes.append(tracemalloc.get_traced_memory()[0])
        return max(sizes)

    send_all(range(100))  # All overlaps of the routes are known by then.
    gc.collect()
    tracemalloc.start()
    try:
        before = most_after(range(100, 500))
        gc.collect()
        after = most_after(range(500, 1100))
    finally:
        tracemalloc.stop()
    # 8,400 different requests: a few bytes for each would be more.
    assert after - before < 64 * 1024


def test_more_overlaps_than_are_remembered() -> None:
    app = installed(*(Route(f"/{{x:path}}/{number}/{{y:path}}", named(f"r{number}")) for number in range(12)))
    gc.collect()
    before = len(gc.get_objects())
    for bits in range(1, 4_096):
        numbers = [number for number in range(12) if bits >> number & 1]
        path = "/a/" + "/".join(map(str, numbers)) + "/b"
        scope = http_scope("OPTIONS", path, preflight(b"GET"))
        # Every route has a claim, as none of them takes all methods; the first has the say.
        assert Resolver(app).resolve(scope, "GET").route is app.router.routes[numbers[0]]
    gc.collect()
    # Each of the 4,095 sets of routes would be a dozen objects and more.
    assert len(gc.get_objects()) - before < 30_000
