"""The route index against the router itself: generated apps, generated requests, one question.

Whatever the app, the endpoint whose policy answers must be the one that the app then runs. The app says who
ran: every endpoint names itself in its response; every route registers a method of its own, so that the
`Allow` of a 405 names it; every app notes that a request came by.

`ROUTE_CORS_EXAMPLES` sets the number of generated apps, for a soak.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, Convertor, register_url_convertor
from starlette.endpoints import HTTPEndpoint
from starlette.responses import Response
from starlette.routing import Host, Match, Mount, Router

from route_cors import CORSPolicy, RouteCORSMiddleware, cors, dispatch, install_cors, no_cors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

EXAMPLES: Final = int(os.environ.get("ROUTE_CORS_EXAMPLES", "200"))
generated = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    # Without Phase.explain, which builds as many apps again to say what a readable failure shows.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
)

# What a policy that names no methods grants where no route can be asked for its own.
SAFELISTED: Final = frozenset({"GET", "HEAD", "POST"})
STRANGER: Final = "https://stranger.example"
UUID: Final = "c1f4e2d0-3b5a-4c6d-8e7f-901234567890"


# --- What is generated: descriptions, so that a failure can be read


class Leaf(NamedTuple):
    """A route with an endpoint. `kind` is how it is registered."""

    kind: str  # api, picky, shy, plain, class, asgi, websocket, plain websocket
    template: str
    methods: tuple[str, ...]
    policy: str  # own, none, no_cors


class Include(NamedTuple):
    """A router, included under each of the prefixes."""

    prefixes: tuple[str, ...]
    tree: Tree


class Mounted(NamedTuple):
    """A mount, or a Host route where `at` does not start with a slash."""

    at: str
    kind: str  # fastapi, starlette, router, apirouter, asgi
    tree: Tree
    policy: str  # of an asgi app
    root_path: str
    default: str  # none, install_cors, add_middleware


class Tree(NamedTuple):
    items: tuple[Leaf | Include | Mounted, ...] = ()
    later: tuple[Leaf, ...] = ()
    redirect_slashes: bool = True
    prefix: str = ""


class Program(NamedTuple):
    kind: str  # fastapi, starlette
    tree: Tree
    default: bool
    layer: str  # install_cors, add_middleware
    root_path: str
    mounts_itself: bool


class Probe(NamedTuple):
    path: str
    method: str
    host: str
    root_path: str
    hides: bool


SEGMENTS = ("a", "b", "ab", "{}", "{}", "{:int}", "{}.json", "v{:int}-{}", "{:uuid}", "{:float}")
SPANNING = ("{:path}", "{:word}", "w{:word}", "{:word}.txt")
METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
HOSTS = ("a.example", "{}.example", "b.{}.example")
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "": ("a", "b", "7", "x.json", "ab.json.json", "é", "a b", "%2e", "%2F", "+", "..", "q\n"),
    "int": ("7", "007", "12345678901234567890", "7.0", "-1", "٣"),
    "float": ("7", "7.5", "7.", ".5"),
    "uuid": (UUID, UUID.upper(), UUID.replace("-", ""), "a"),
    "path": ("", "a", "a/b", "/", "a//b", "x.txt", "é/\n"),
    "word": ("ab", "ab/cd", "", "a.txt", "AB"),
}


def paths(*, may_span: bool) -> st.SearchStrategy[str]:
    """Templates; they overlap as often as not."""
    segments = st.lists(st.sampled_from(SEGMENTS), min_size=1, max_size=2).map("/".join)
    if not may_span:
        return segments.map("/{}".format)
    with_rest = st.builds(
        lambda first, last: f"{first}/{last}" if first else last,
        st.one_of(st.just(""), segments),
        st.sampled_from(SPANNING),
    )
    whole = st.one_of(segments, segments, segments, with_rest)
    return st.builds("/{}{}".format, whole, st.sampled_from(["", "", "", "/", "/b"]))


policies = st.sampled_from(["own", "own", "own", "none", "no_cors"])
leaves = st.builds(
    Leaf,
    st.sampled_from(
        ["api", "api", "api", "picky", "shy", "plain", "class", "asgi", "websocket", "plain websocket"]
    ),
    st.one_of(paths(may_span=True), paths(may_span=True), st.just("/")),
    st.lists(st.sampled_from(METHODS), min_size=1, max_size=2, unique=True).map(tuple),
    policies,
)


def trees(depth: int) -> st.SearchStrategy[Tree]:
    item: st.SearchStrategy[Leaf | Include | Mounted] = leaves
    if depth:
        inner = trees(depth - 1)
        prefixes = st.lists(st.one_of(paths(may_span=False), st.just("")), min_size=1, max_size=2)
        mount_at = st.one_of(paths(may_span=False), paths(may_span=True), st.just(""), st.sampled_from(HOSTS))
        mounted = st.builds(
            Mounted,
            mount_at,
            st.sampled_from(["fastapi", "starlette", "router", "apirouter", "asgi"]),
            inner,
            policies,
            st.sampled_from(["", "", "/api", "/a"]),
            st.sampled_from(["none", "none", "install_cors", "add_middleware"]),
        )
        item = st.one_of(leaves, leaves, st.builds(Include, prefixes.map(tuple), inner), mounted)
    return st.builds(
        Tree,
        st.lists(item, min_size=1, max_size=4).map(tuple),
        st.lists(leaves, max_size=1).map(tuple),
        st.booleans(),
        st.sampled_from(["", "", "/a", "/{}"]),
    )


programs = st.builds(
    Program,
    st.sampled_from(["fastapi", "fastapi", "starlette"]),
    trees(3),
    st.booleans(),
    st.sampled_from(["install_cors", "add_middleware"]),
    st.sampled_from(["", "", "/api"]),
    st.booleans(),
).map(lambda program: program._replace(mounts_itself=program.mounts_itself and not program.root_path))


def addresses(tree: Tree, before: str = "", host: str = "") -> Iterator[tuple[str, str]]:
    """The host and the whole template of everything in a tree."""
    for item in (*tree.items, *tree.later):
        if isinstance(item, Leaf):
            yield host, before + item.template
            yield host, before + tree.prefix + item.template
        elif isinstance(item, Include):
            for prefix in item.prefixes:
                yield from addresses(item.tree, before + prefix, host)
        elif item.at[:1] in {"", "/"}:
            at = before + item.at.rstrip("/")
            yield host, at + "/a"
            yield from addresses(item.tree, at, host)
        else:
            yield from addresses(item.tree, before, item.at)


def _mutated(path: str, mutation: str, position: int) -> str:
    slashes = [match.start() for match in re.finditer("/", path)]
    at = slashes[position % len(slashes)] if slashes else 0
    ways = {
        "double slash": path[:at] + "/" + path[at:],
        "empty segment": path[: at + 1] + re.sub("^[^/]*", "", path[at + 1 :]),
        "slash added": path + "/",
        "slash removed": path.rstrip("/"),
        "cut": path[:at],
        "further": path[:at] + "/b" + path[at:],
        "upper case": path.upper(),
    }
    inserted = path + mutation if position % 2 else path[: at + 1] + mutation + path[at + 1 :]
    return ways.get(mutation, inserted)


MUTATIONS = (
    *("double slash", "empty segment", "slash added", "slash removed", "cut", "further", "upper case"),
    *("\n", "\r", "%2e", "%2F", "+", ".json", ";x=1", "é", "\u2028", "/..", "/.", "\\", "?", "#", "\x00"),
)


@st.composite
def probes(draw: st.DrawFn, program: Program) -> Probe:
    known = [*addresses(program.tree)]
    host, template = draw(st.sampled_from(known))
    if program.mounts_itself and draw(st.booleans()):
        template = "/self" + template

    def value(placeholder: re.Match[str]) -> str:
        return draw(st.sampled_from(VALUES[placeholder[1] or ""]))

    path = re.sub(r"\{:?(\w*)\}", value, template)
    for mutation in draw(st.lists(st.sampled_from(MUTATIONS), max_size=2)):
        path = _mutated(path, mutation, draw(st.integers(0, 5)))
    # An app that is mounted into itself runs in circles where the root path is no prefix of the path.
    root_path = "" if program.mounts_itself else draw(st.sampled_from(["", "", "/api", "/a"]))
    if program.mounts_itself:
        path = path.replace("\n", "")
    if draw(st.booleans()):
        path = (root_path or program.root_path) + path
    host = host.replace("{}", draw(st.sampled_from(["a", "x-1", "A"])))
    return Probe(
        path,
        draw(st.one_of(st.sampled_from([*METHODS, "HEAD"]), st.integers(0, 9).map("X{}".format))),
        host
        if host and draw(st.integers(0, 3))
        else draw(st.sampled_from(["a.example", "b.a.example:80", "c"])),
        root_path,
        draw(st.booleans()),
    )


# --- The apps made of it


class WordConvertor(Convertor[str]):
    """May span two segments, and may be empty."""

    regex = "(?:[a-z]+(?:/[a-z]+)?)?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


@pytest.fixture(autouse=True, scope="module")
def word_convertor() -> Iterator[None]:
    register_url_convertor("word", WordConvertor())
    yield
    del CONVERTOR_TYPES["word"]


class Picky(APIRoute):
    """Hides from requests with a certain header."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        if scope["type"] == "http" and (b"x-hide", b"1") in scope["headers"]:
            return Match.NONE, {}
        return super().matches(scope)


class Shy(APIRoute):
    """Makes no 405s: what it does not serve it leaves to the routes after it."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, child_scope = super().matches(scope)
        return (match, child_scope) if match is Match.FULL else (Match.NONE, {})


ROUTE_CLASSES: Final[dict[str, type[APIRoute]]] = {"picky": Picky, "shy": Shy}
# What a router of Starlette's registers instead.
WITHOUT_FASTAPI: Final = {"api": "plain", "picky": "plain", "shy": "asgi", "websocket": "plain websocket"}


class Party(NamedTuple):
    """An endpoint: what it declared, and whether it is an ASGI app, of which nothing is known."""

    policy: str
    is_opaque: bool


class TracedFastAPI(FastAPI):
    number: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["trail"].append(self.number)
        await super().__call__(scope, receive, send)


class TracedStarlette(Starlette):
    number: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["trail"].append(self.number)
        await super().__call__(scope, receive, send)


def origin_of(number: int) -> str:
    return f"https://r{number}.example"


def declare(endpoint: Any, policy: str, number: int) -> Any:
    if policy == "own":
        return cors(origins=[origin_of(number)])(endpoint)
    return no_cors(endpoint) if policy == "no_cors" else endpoint


@dataclass
class Built:
    """An app, and what is known of its endpoints and of the apps in it, by number."""

    parties: dict[int, Party] = field(default_factory=dict)
    defaults: dict[int, str] = field(default_factory=dict)
    late: list[Callable[[], None]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    app: Any = None
    asks: bool = False

    def add(self, owner: Any, leaf: Leaf) -> Callable[[], None]:
        """Declare an endpoint; what is returned registers it. (To declare makes every index look again.)"""
        number = next(self.numbers)
        methods = [*leaf.methods, f"X{number}"]
        path = self.named(leaf.template)
        router = getattr(owner, "router", owner)
        kind = leaf.kind if isinstance(router, APIRouter) else WITHOUT_FASTAPI.get(leaf.kind, leaf.kind)
        self.asks = self.asks or kind in ROUTE_CLASSES
        endpoint = declare(ENDPOINTS[kind](number), leaf.policy, number)
        self.parties[number] = Party(leaf.policy, is_opaque=kind == "asgi")
        if kind in {"api", *ROUTE_CLASSES}:
            route_class = ROUTE_CLASSES.get(kind, APIRoute)
            return lambda: router.add_api_route(
                path, endpoint, methods=methods, response_model=None, route_class_override=route_class
            )
        if kind == "websocket":
            return lambda: router.add_api_websocket_route(path, endpoint)
        if kind == "plain websocket":
            return lambda: router.add_websocket_route(path, endpoint)
        return lambda: router.add_route(path, endpoint, methods=methods if kind == "plain" else None)

    def fill(self, owner: Any, tree: Tree, *, in_fastapi: bool) -> Any:
        in_fastapi = in_fastapi or isinstance(owner, FastAPI)
        for item in tree.items:
            if isinstance(item, Leaf):
                self.add(owner, item)()
            elif isinstance(item, Mounted):
                self.mount(owner, item, in_fastapi=in_fastapi)
            elif isinstance(getattr(owner, "router", owner), APIRouter):
                included = self.fill(
                    APIRouter(prefix=self.named(item.tree.prefix)), item.tree, in_fastapi=in_fastapi
                )
                for prefix in item.prefixes:
                    # FastAPI refuses a route that would have no path at all, and so does a mount at "".
                    owner.include_router(included, prefix=self.named(prefix) or "/i")
        self.late += [self.add(owner, leaf) for leaf in tree.later]
        return owner

    def mount(self, owner: Any, item: Mounted, *, in_fastapi: bool) -> None:
        inside: Any
        number = next(self.numbers)
        if item.kind == "asgi":
            inside = declare(asgi_app(number), item.policy, number)
            self.parties[number] = Party(item.policy, is_opaque=True)
        elif item.kind in {"fastapi", "starlette"}:
            inside = self.new_app(number, item.kind, item.tree.redirect_slashes, item.root_path)
            self.layer(inside, item.default)
            self.fill(inside, item.tree, in_fastapi=in_fastapi)
        else:
            # API routes need the state that a FastAPI app around them makes.
            router_class = APIRouter if item.kind == "apirouter" and in_fastapi else Router
            router = router_class(redirect_slashes=item.tree.redirect_slashes)
            inside = self.fill(router, item.tree, in_fastapi=in_fastapi)
        at = self.named(item.at)
        route: Mount | Host = Mount(at, app=inside) if at[:1] in {"", "/"} else Host(at, app=inside)
        getattr(owner, "router", owner).routes.append(route)

    def new_app(self, number: int, kind: str, redirect_slashes: bool, root_path: str) -> Any:
        app: Any
        if kind == "fastapi":
            app = TracedFastAPI(openapi_url=None, redirect_slashes=redirect_slashes)
            # What FastAPI(root_path=...) sets; the newest versions warn of the argument.
            app.root_path = root_path
        else:
            app = TracedStarlette()
            app.router.redirect_slashes = redirect_slashes
        app.number = number
        return app

    def layer(self, app: Any, how: str, *, default: bool = True) -> None:
        if how == "none":
            return
        policy = CORSPolicy(origins=[origin_of(app.number)]) if default else None
        if default:
            self.defaults[app.number] = origin_of(app.number)
        if how == "install_cors":
            install_cors(app, default=policy)
        else:
            app.add_middleware(RouteCORSMiddleware, default=policy)

    def named(self, template: str) -> str:
        """Every parameter under a name of its own."""
        return re.sub(r"\{(:?\w*)\}", lambda found: f"{{p{next(self.numbers)}{found[1]}}}", template)


def build(program: Program) -> Built:
    built = Built()
    app = built.new_app(next(built.numbers), program.kind, program.tree.redirect_slashes, program.root_path)
    built.app = app
    if program.mounts_itself:
        app.mount("/self", app)
    built.layer(app, program.layer, default=program.default)
    built.fill(app, program.tree, in_fastapi=False)
    return built


def http_endpoint(number: int) -> Any:
    async def endpoint() -> Response:
        return Response(headers={"x-served": str(number)})

    return endpoint


def plain_endpoint(number: int) -> Any:
    async def endpoint(request: Request) -> Response:
        return Response(headers={"x-served": str(number)})

    return endpoint


def endpoint_class(number: int) -> Any:
    class Endpoint(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return Response(headers={"x-served": str(number)})

        put = get

        async def method_not_allowed(self, request: Request) -> Response:
            return Response(status_code=405, headers={"allow": f"X{number}"})

    return Endpoint


def asgi_app(number: int) -> Any:
    class App:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                await send({"type": "websocket.accept", "headers": [(b"x-served", b"%d" % number)]})
                return
            await Response(headers={"x-served": str(number)})(scope, receive, send)

    return App()


def websocket_endpoint(number: int) -> Any:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept(headers=[(b"x-served", b"%d" % number)])

    return endpoint


ENDPOINTS: Final[dict[str, Callable[[int], Any]]] = {
    "api": http_endpoint,
    "picky": http_endpoint,
    "shy": http_endpoint,
    "plain": plain_endpoint,
    "class": endpoint_class,
    "asgi": asgi_app,
    "websocket": websocket_endpoint,
    "plain websocket": websocket_endpoint,
}


# --- Asking them


class Reply(NamedTuple):
    status: int
    headers: dict[str, list[str]]
    body: bytes
    trail: tuple[int, ...]

    def cors(self) -> dict[str, list[str]]:
        return {name: value for name, value in self.headers.items() if name.startswith("access-control-")}


async def send_to(app: ASGIApp, probe: Probe, kind: str = "http", **headers: str) -> Reply:
    messages: list[Message] = []
    trail: list[int] = []

    async def receive() -> Message:
        return {"type": "websocket.connect" if kind == "websocket" else "http.request"}

    async def send(message: Message) -> None:
        messages.append(message)

    sent = {"host": probe.host, **({"x-hide": "1"} if probe.hides else {}), **headers}
    scope = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "method": probe.method,
        "path": probe.path,
        "raw_path": probe.path.encode(),
        "root_path": probe.root_path,
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in sent.items()
        ],
        "server": ("server.example", 80),
        "client": ("192.0.2.1", 1),
        "trail": trail,
    }
    if kind == "websocket":
        del scope["method"]
        scope["subprotocols"] = []
    await app(scope, receive, send)
    start = messages[0]
    answered: dict[str, list[str]] = {}
    for name, value in start.get("headers", ()):
        answered.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    body = b"".join(message.get("body", b"") for message in messages[1:])
    return Reply(
        start.get("status", 101 if start["type"] == "websocket.accept" else 403), answered, body, tuple(trail)
    )


class Verdict(NamedTuple):
    """What the app did with a request: whom it went to, and whether that one really served it."""

    party: int | None
    serves: bool
    declared: str | None  # the origin that holds there, "" for no_cors, None for no policy
    granted: frozenset[str] | None  # the methods that may be granted where no route can be asked
    is_redirect: bool = False

    def may_grant(self, method: str) -> bool:
        return self.serves if self.granted is None else method in self.granted


def declared_for(built: Built, party: int | None, trail: tuple[int, ...]) -> str | None:
    policy = "none" if party is None else built.parties[party].policy
    if policy == "none":
        return next((built.defaults[app] for app in reversed(trail) if app in built.defaults), None)
    return origin_of(party) if policy == "own" and party is not None else ""


def redirected(probe: Probe, reply: Reply) -> Probe:
    """Where a browser goes then; the old routers cannot write every path into a Location."""
    location = unquote(urlsplit(reply.headers["location"][0]).path)
    ways = {probe.path + "/", probe.path.rstrip("/")}
    if location not in ways:
        location = probe.path.rstrip("/") if probe.path.endswith("/") else probe.path + "/"
    return probe._replace(path=location)


async def verdict_on(built: Built, probe: Probe, reply: Reply, *, follow: bool = True) -> Verdict:
    if "x-served" in reply.headers:
        party = int(reply.headers["x-served"][0])
        granted = SAFELISTED if built.parties[party].is_opaque else None
        return Verdict(party, True, declared_for(built, party, reply.trail), granted)
    if reply.status == 405:
        found = re.search(r"X(\d+)", reply.headers["allow"][0])
        assert found is not None
        party = int(found[1])
        return Verdict(party, False, declared_for(built, party, reply.trail), None)
    if reply.status == 307 and follow:
        target = redirected(probe, reply)
        verdict = await verdict_on(built, target, await send_to(built.app, target), follow=False)
        return verdict._replace(is_redirect=True)
    assert reply.status in {404, 307}, reply
    return Verdict(None, False, declared_for(built, None, reply.trail), SAFELISTED)


def expected_headers(declared: str | None, origin: str) -> tuple[dict[str, list[str]], list[str] | None]:
    if not declared:
        return {}, None
    return ({"access-control-allow-origin": [origin]} if origin == declared else {}), ["Origin"]


def assert_policy_of(reply: Reply, verdict: Verdict, origin: str) -> None:
    headers, vary = expected_headers(verdict.declared, origin)
    assert reply.cors() == headers
    assert reply.headers.get("vary") == vary


async def check_http(built: Built, probe: Probe) -> None:
    app = built.app
    first = await send_to(app, probe, origin=STRANGER)
    verdict = await verdict_on(built, probe, first)
    assert_policy_of(first, verdict, STRANGER)
    if verdict.declared:
        again = await send_to(app, probe, origin=verdict.declared)
        assert again.status == first.status
        assert_policy_of(again, verdict, verdict.declared)
    for origin in {STRANGER, verdict.declared or STRANGER}:
        await check_preflight(built, probe, verdict, origin)


async def check_preflight(built: Built, probe: Probe, verdict: Verdict, origin: str) -> None:
    asking = {"origin": origin, "access_control_request_method": probe.method}
    preflight = await send_to(built.app, probe._replace(method="OPTIONS"), **asking)
    if verdict.declared is None:
        # Untouched: the app has seen it, and nobody has written a CORS header.
        assert preflight.cors() == {}
        assert preflight.trail
        return
    if origin != verdict.declared or not verdict.may_grant(probe.method):
        assert preflight.status == 403
        assert preflight.cors() == {}
        return
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == [origin]
    granted = set(preflight.headers["access-control-allow-methods"][0].split(", "))
    assert probe.method in granted
    for method in {*granted, *METHODS, "HEAD", f"X{verdict.party}"}:
        other = await verdict_on_method(built, probe, method)
        # A browser keeps the grant for the URL: every method in it must have that very policy. (Where a
        # route that is asked redirects one method alone, there is nothing that the others could reach.)
        has_equal_policy = other.declared == verdict.declared and other.may_grant(method)
        is_nowhere = verdict.is_redirect and built.asks and other.party is None
        assert method not in granted or has_equal_policy or is_nowhere
        # And it spares the preflights of the endpoint's other methods; a route that was asked has spoken
        # of the one method alone.
        if other.party == verdict.party and other.may_grant(method):
            assert method in granted or built.asks


async def verdict_on_method(built: Built, probe: Probe, method: str) -> Verdict:
    other = probe._replace(method=method)
    return await verdict_on(built, other, await send_to(built.app, other))


async def check_websocket(built: Built, probe: Probe) -> None:
    alone = await send_to(built.app, probe, "websocket")
    strange = await send_to(built.app, probe, "websocket", origin=STRANGER)
    if alone.status != 101:
        assert strange.status == 403
        return
    party = int(alone.headers["x-served"][0])
    # The app's default is for HTTP alone.
    policy = built.parties[party].policy
    assert strange.status == (101 if policy == "none" else 403)
    invited = await send_to(built.app, probe, "websocket", origin=origin_of(party))
    assert invited.status == (403 if policy == "no_cors" else 101)


async def check(built: Built, probe: Probe) -> None:
    await check_http(built, probe)
    await check_websocket(built, probe)


# --- What must hold


@st.composite
def cases(draw: st.DrawFn) -> tuple[Program, list[Probe], list[Probe]]:
    program = draw(programs)
    some = st.lists(probes(program), min_size=1, max_size=4)
    return program, draw(some), draw(some)


@generated
@given(cases())
def test_the_policy_that_answers_is_that_of_the_endpoint_that_runs(
    case: tuple[Program, list[Probe], list[Probe]],
) -> None:
    program, first, second = case
    built = build(program)
    now = 0.0

    async def run() -> None:
        nonlocal now
        for probe in first:
            await check(built, probe)
        for register in built.late:
            register()
        now += 2.0
        for probe in (*first, *second):
            await check(built, probe)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(dispatch, "time", SimpleNamespace(monotonic=lambda: now))
        asyncio.run(run())


# --- Whatever a client sends

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
wild_paths = st.one_of(
    texts.map("/{}".format),
    texts,
    st.lists(st.sampled_from(["a", "b", "", "7", "..", "\n", "é", "x.json", "7" * 5_000]), max_size=12).map(
        "/".join
    ),
    st.integers(1, 5_000).map(lambda depth: "/a" * depth),
)


origins = st.one_of(st.binary(max_size=40), st.integers(0, 9).map(origin_of).map(str.encode))
hosts = st.one_of(st.binary(max_size=20), st.sampled_from([b"a.example", b"b.a.example:80", b"A.EXAMPLE:x"]))


class Shown:
    """What an app shows of itself, around nothing that could fail."""

    def __init__(self, app: Any) -> None:
        self.routes = app.routes
        self.router = app.router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await Response()(scope, receive, send)
        else:
            await send({"type": "websocket.accept"})


@generated
@given(programs, st.lists(st.tuples(wild_paths, texts, origins, hosts), min_size=1, max_size=8))
def test_nothing_that_a_client_sends_makes_an_error(
    program: Program, requests: list[tuple[str, str, bytes, bytes]]
) -> None:
    layer = RouteCORSMiddleware(Shown(build(program).app))

    async def run() -> None:
        for path, method, origin, host in requests:
            headers = [(b"host", host), (b"origin", origin)]
            asked = [*headers, (b"access-control-request-method", method.encode())]
            for kind, verb, sent in (
                ("http", method, headers),
                ("http", "OPTIONS", asked),
                ("websocket", "", headers),
            ):
                scope = {"type": kind, "method": verb, "path": path, "root_path": "", "headers": sent}
                answered: list[Message] = []

                async def send(message: Message, answered: list[Message] = answered) -> None:
                    answered.append(message)

                await layer(scope, never_called, send)
                assert answered

    asyncio.run(run())


async def never_called() -> Message:
    raise AssertionError
