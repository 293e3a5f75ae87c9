"""Apps inside apps: descriptions that Hypothesis draws, what is made of them, and what is declared where.

An arrangement has up to three levels, each an app or a router with an endpoint of its own. The next level is
mounted, forwarded to by a route or a Host route, or dispatched to by a middleware; between the two there may
be layers and wrappers, some of which show what they hold. Every endpoint names itself in its response and
notes that it ran. What is declared on the way to it is known from the description alone: its `Chain`.

As in generated_apps.py, Hypothesis draws bytes. Each level reads a slot of its own, so that a level stays as
it is while another one is made smaller; a zero always means the simplest choice.
"""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastapi import APIRouter, FastAPI, Request, WebSocket
from generated_apps import http_exception
from hypothesis import strategies as st
from named_endpoints import KEEPS_A_TREE
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute
from wrappers import Hidden, closure, copying

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = [
    "COMMON",
    "STRANGER",
    "Arrangement",
    "Chain",
    "Declared",
    "Layer",
    "Opaque",
    "OwnRoute",
    "Program",
    "Terms",
    "arrange",
    "programs",
]


# Invited by every policy that invites anybody; and by none but those for any origin.
COMMON: Final = "https://common.example"
STRANGER: Final = "https://stranger.example"


# --- What is drawn: descriptions, so that a failure can be read


class Leaf(NamedTuple):
    """A path with an HTTP endpoint and a websocket, which declare the same."""

    kind: str  # api, plain, class, asgi
    methods: tuple[str, ...]
    policy: str  # none, own, strict (own, with enforce), lenient (own, with enforce=False), no_cors, any
    method_policy: str  # of the first method, where the endpoint is a class
    writes: bool  # whether it writes an Access-Control-Allow-Origin of its own


class Beside(NamedTuple):
    """An endpoint that is registered before the next level, under the whole path that is asked for."""

    method: str
    policy: str


class Level(NamedTuple):
    """One app, how it is reached from the one outside, and what is around it, outermost first."""

    by: str  # mount, forward, host, dispatch
    mount_policy: str
    wrappers: tuple[str, ...]  # shown, gzip (show `.app`), closure, partial, hidden, copying (do not)
    layers: tuple[tuple[str, str, bool], ...]  # (around, install or add; its default; whether it enforces)
    inside: str  # a wrapper between the layer `around` and the app, or none
    kind: str  # fastapi, starlette, corsrouter, apirouter, router
    policy: str  # of the app itself
    stack: str  # a middleware of the app: none, gzip, hidden, copying
    routers: tuple[tuple[str, str], ...]  # included ones: (cors or plain, its policy)
    leaf: Leaf
    beside: Beside | None  # in front of the next level
    dispatches_outside: bool  # of two middlewares of this app, a layer and the one that dispatches


class Program(NamedTuple):
    levels: tuple[Level, ...]
    asked: int  # the level whose endpoint is asked for


MOST_LEVELS: Final = 3
_SLOT: Final = 32
_SIZE: Final = 2 + MOST_LEVELS * _SLOT

WAYS: Final = ("mount", "mount", "mount", "forward", "dispatch", "host")
WRAPPERS: Final = ("closure", "partial", "hidden", "shown", "gzip", "copying", "copying shown")
WRAPPINGS: Final = (
    (),
    *((kind,) for kind in WRAPPERS),
    *((kind,) for kind in WRAPPERS),
    *itertools.product(WRAPPERS, WRAPPERS),
)
LAYERS: Final = (
    ("install",),
    (),
    ("add",),
    ("around",),
    ("install",),
    ("around", "install"),
    ("install", "add"),
)
APPS: Final = ("fastapi", "starlette")
FUNCTIONS: Final = ("closure", "partial", "copying")
INSIDES: Final = (*("none",) * 6, "closure", "gzip")
WRITES: Final = (*(False,) * 5, True)
KINDS: Final = ("fastapi", "starlette", "corsrouter", "fastapi", "apirouter", "router")
ROUTERS: Final = (
    (),
    ("cors",),
    ("plain",),
    ("cors",),
    ("cors", "cors"),
    ("cors", "plain"),
    ("plain", "cors"),
)
LEAVES: Final = ("api", "api", "plain", "class", "asgi")
METHOD_SETS: Final = (("GET", "POST"), ("GET",), ("POST",), ("GET", "DELETE"), ("GET", "POST", "DELETE"))
ENDPOINT_POLICIES: Final = ("none", "own", "no_cors", "strict", "own", "none", "any", "no_cors", "strict")
METHOD_POLICIES: Final = ("none", "none", "own", "no_cors", "strict")
ROUTER_POLICIES: Final = ("none", "own", "no_cors", "strict", "any")
SELDOM: Final = ("none", "none", "none", "none", "own", "no_cors", "strict", "any")
DEFAULTS: Final = ("none", "any", "own", "any", "strict")
STACKS: Final = ("none", "none", "none", "none", "gzip", "hidden", "copying")


class Drawing:
    """Reads descriptions off random bytes, one for each decision; without any it takes the first choice."""

    def __init__(self, source: bytes) -> None:
        self._source = iter(source)

    def among(self, *tables: Sequence[Any]) -> list[Any]:
        return [table[next(self._source, 0) % len(table)] for table in tables]


def programs(*, declares: bool = True, enforces: bool = False) -> st.SearchStrategy[Program]:
    """Without `declares`, no policy is declared anywhere: there are defaults alone.

    With `enforces`, layers may enforce as well, and policies may say that they do not.
    """

    def read(source: bytes) -> Program:
        count, outwards = Drawing(source).among((1, 2, 3, 2, 3, 2, 3, 3), (0, 0, 0, 0, 1, 2))
        starts = range(2, _SIZE, _SLOT)
        levels: list[Level] = []
        for start in itertools.islice(starts, count):
            drawing = Drawing(source[start : start + _SLOT])
            level = _level(drawing, levels, declares=declares)
            levels.append(_with_enforcement(level, drawing) if enforces else level)
        asked = max(0, count - 1 - outwards)
        # A Host route takes whatever its neighbours do not serve, and makes a 404 of their 405.
        if any(level.by == "host" for level in levels[asked + 1 :]):
            asked = count - 1
        return Program(tuple(levels), asked)

    return st.binary(min_size=_SIZE, max_size=_SIZE).map(read)


def _level(drawing: Drawing, outside: Sequence[Level], *, declares: bool) -> Level:
    kind, by, wrappers, layers, routers, first, second, inside = drawing.among(
        KINDS, WAYS, WRAPPINGS, LAYERS, ROUTERS, DEFAULTS, DEFAULTS, INSIDES
    )
    leaf, methods, writes, stack, dispatches_outside, has_beside, beside = drawing.among(
        LEAVES, METHOD_SETS, WRITES, STACKS, (False, True), (False, False, True), ("DELETE", "GET", "POST")
    )
    policies = drawing.among(
        SELDOM, SELDOM, ROUTER_POLICIES, SELDOM, ENDPOINT_POLICIES, METHOD_POLICIES, ENDPOINT_POLICIES
    )
    of_mount, of_app, of_router, of_next, of_leaf, of_method, of_beside = (
        policies if declares else ["none"] * len(policies)
    )
    level = Level(
        by=by,
        mount_policy=of_mount,
        wrappers=wrappers,
        layers=tuple(zip(layers, (first, second), (False, False), strict=False)),
        inside=inside,
        kind=kind,
        policy=of_app,
        stack=stack,
        routers=tuple(
            (router, "none" if router == "plain" else policy)
            for router, policy in zip(routers, (of_router, of_next), strict=False)
        ),
        leaf=Leaf(leaf, methods, of_leaf, of_method if leaf == "class" else "none", writes),
        beside=Beside(beside, of_beside) if has_beside else None,
        dispatches_outside=dispatches_outside,
    )
    return _with_sensible_wrappers(_with_sensible_kind(level, outside), outside)


def _with_enforcement(level: Level, drawing: Drawing) -> Level:
    """With layers that enforce, and with `lenient` in place of `own` in some of its places."""
    enforcing = drawing.among(*[(True, False)] * len(level.layers))
    swaps = drawing.among(*[(False, True)] * 5)
    layers = tuple(
        (how, default, flag) for (how, default, _), flag in zip(level.layers, enforcing, strict=True)
    )
    of_mount, of_app, of_leaf, of_method, of_router = (_swapping(swap) for swap in swaps)
    leaf = level.leaf._replace(
        policy=of_leaf(level.leaf.policy), method_policy=of_method(level.leaf.method_policy)
    )
    return level._replace(
        mount_policy=of_mount(level.mount_policy),
        policy=of_app(level.policy),
        layers=layers,
        leaf=leaf,
        routers=tuple((kind, of_router(policy)) for kind, policy in level.routers),
    )


def _swapping(swap: bool) -> Callable[[str], str]:
    return lambda policy: "lenient" if swap and policy == "own" else policy


def _with_sensible_kind(level: Level, outside: Sequence[Level]) -> Level:
    """What the frameworks themselves allow."""
    if not outside:
        level = level._replace(by="mount")
    elif level.by == "dispatch" and outside[-1].kind not in APPS:
        level = level._replace(by="forward")  # only an app has middleware
    if level.kind == "apirouter" and (level.wrappers or level.inside != "none" or level.by == "forward"):
        # Out of sight, the routes of a mere router cannot know their siblings, so that they grant nothing.
        level = level._replace(kind="corsrouter")
    if level.by == "dispatch" and level.kind not in APPS:
        # Nothing around a middleware makes a response of a router's 405.
        level = level._replace(kind="starlette")
    if level.kind in {"corsrouter", "apirouter"} and not _reaches_through_fastapi(outside, level.by):
        level = level._replace(kind="fastapi")  # what API routes need, a FastAPI app puts into the scope
    if level.kind not in APPS:
        around = tuple(("around", default, flag) for _, default, flag in level.layers[:1])
        level = level._replace(layers=around, stack="none")
    if level.kind in {"starlette", "router"}:
        leaf = level.leaf._replace(kind="plain") if level.leaf.kind == "api" else level.leaf
        level = level._replace(routers=(), leaf=leaf)
    if level.kind == "apirouter":
        level = level._replace(policy="none")  # takes no `@cors`: that is what a CORSRouter is for
    return level


def _with_sensible_wrappers(level: Level, outside: Sequence[Level]) -> Level:
    if not outside:
        level = level._replace(wrappers=())
    is_wrapped_by_layer = level.layers[:1] and level.layers[0][0] == "around"
    if not is_wrapped_by_layer:
        level = level._replace(inside="none")
    if level.by == "forward" and level.wrappers[:1] and level.wrappers[0] in FUNCTIONS:
        # A route takes a function for a handler of requests.
        level = level._replace(wrappers=("hidden", *level.wrappers[1:]))
    is_app_itself = not level.wrappers and not is_wrapped_by_layer
    takes_no_policy = level.policy != "none" or level.kind in {"apirouter", "corsrouter"}
    if not outside or level.by == "dispatch" or (is_app_itself and takes_no_policy):
        level = level._replace(mount_policy="none")
    return level


def _reaches_through_fastapi(outside: Sequence[Level], by: str) -> bool:
    """Whether the request has gone through the router of a FastAPI app before it comes here."""
    ways = [*(level.by for level in outside), by][1:]
    return any(
        level.kind == "fastapi" and onwards != "dispatch"
        for level, onwards in zip(outside, ways, strict=True)
    )


# --- What is declared on the way to an endpoint


class Terms(NamedTuple):
    """A policy, as far as it matters here."""

    kind: str  # own, strict, lenient, no_cors, any
    number: int

    @property
    def origin(self) -> str:
        """Invited by this policy, by no other."""
        return f"https://p{self.number}.example"

    @property
    def enforces(self) -> bool:
        return self.kind == "strict"

    @property
    def enforce(self) -> bool | None:
        """None: as the layers say."""
        return {"strict": True, "lenient": False}.get(self.kind)

    def allows(self, origin: str) -> bool:
        return self.kind == "any" or (self.kind != "no_cors" and origin in {self.origin, COMMON})

    def declaration(self) -> Any:
        return no_cors if self.kind == "no_cors" else _policy(self)


@functools.cache
def _policy(terms: Terms) -> CORSPolicy:
    if terms.kind == "any":
        return CORSPolicy(origins="*")
    return CORSPolicy(origins=[terms.origin, COMMON], enforce=terms.enforce)


class Layer(NamedTuple):
    """A layer that the request goes through, its default, and whether it enforces."""

    default: Terms | None
    enforces: bool = False


class Declared(NamedTuple):
    """A policy on an endpoint, a router, an app or what is mounted."""

    terms: Terms


class Opaque(NamedTuple):
    """A layer further out cannot see what stands further in."""


class OwnRoute(NamedTuple):
    """The route is one that a CORSRouter made, and answers without any layer.

    It knows what is declared on its endpoint and on its routers: what comes from `since` on.
    """

    since: int


Chain = tuple[Layer | Declared | Opaque | OwnRoute, ...]


class Party(NamedTuple):
    """An endpoint: what is declared on the way to it, and in addition on one of its methods."""

    chain: Chain
    by_method: dict[str, Terms]
    writes: bool

    def chain_for(self, method: str) -> Chain:
        terms = self.by_method.get(method)
        if terms is None:
            return self.chain
        own = tuple(link for link in self.chain[-1:] if isinstance(link, OwnRoute))
        return (*self.chain[: len(self.chain) - len(own)], Declared(terms), *own)


# --- The parts of an arrangement


async def _hand_on(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    await app(scope, receive, send)


def partial(app: ASGIApp) -> ASGIApp:
    return functools.partial(_hand_on, app)


class Shown:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


class CopyingShown(Shown):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(dict(scope), receive, send)


class CopyingHidden(Hidden):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.wrapped(dict(scope), receive, send)


WRAP: Final[dict[str, Callable[[Any], Any]]] = {
    "closure": closure,
    "partial": partial,
    "hidden": Hidden,
    "shown": Shown,
    "gzip": GZipMiddleware,
    "copying": copying,
    "copying shown": CopyingShown,
}
STACK: Final[dict[str, Any]] = {"gzip": GZipMiddleware, "hidden": Hidden, "copying": CopyingHidden}
TRANSPARENT: Final = ("shown", "gzip", "copying shown")


class Dispatch:
    """A middleware that sends what is under a prefix to another app. Mounts leave `path` as it is."""

    def __init__(self, app: ASGIApp, prefix: str, other: ASGIApp) -> None:
        self.app = app
        self.prefix = prefix
        self.other = other

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_for_other = scope["type"] in {"http", "websocket"} and scope["path"].startswith(self.prefix)
        await (self.other if is_for_other else self.app)(scope, receive, send)


class Recorder:
    """Makes endpoints that name themselves and note that they ran."""

    def __init__(self, number: int, ran: list[int], *, writes: bool) -> None:
        self.number = number
        self.ran = ran
        self.writes = writes

    def response(self) -> Response:
        self.ran.append(self.number)
        headers = {"x-served": str(self.number)}
        if self.writes:
            headers["access-control-allow-origin"] = "https://written.example"
        return Response("secret", headers=headers)

    def function(self) -> Any:
        async def endpoint(request: Request) -> Response:
            return self.response()

        return endpoint

    def websocket(self) -> Any:
        async def endpoint(websocket: WebSocket) -> None:
            await websocket.accept(headers=[(b"x-served", str(self.number).encode())])
            await websocket.send_text("secret")
            await websocket.close()

        return endpoint

    def endpoint_class(self, methods: Sequence[str], by_method: dict[str, Terms]) -> Any:
        def handler(method: str) -> Any:
            async def serve(endpoint: HTTPEndpoint, request: Request) -> Response:
                return self.response()

            return _attach(serve, by_method.get(method))

        return type("Endpoint", (HTTPEndpoint,), {method.lower(): handler(method) for method in methods})

    def asgi(self) -> Any:
        async def endpoint(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "websocket":
                websocket = WebSocket(scope, receive, send)
                await self.websocket()(websocket)
            else:
                await self.response()(scope, receive, send)

        return Hidden(endpoint)


# --- The arrangement


class Place(NamedTuple):
    """A router to register on, and what leads to its routes."""

    router: Any
    chain: Chain
    prefix: str  # that the paths registered on it have by themselves
    inherited: Chain = ()  # from routers that are included
    since: int = 0  # the first link that a route of a CORSRouter knows

    def chain_of(self, terms: Terms | None, *, is_api: bool) -> Chain:
        inherited = self.inherited if is_api or KEEPS_A_TREE else ()
        is_own = is_api and isinstance(self.router, CORSRouter)
        own = (OwnRoute(self.since),) if is_own else ()
        return (*self.chain, *inherited, *_declared(terms), *own)


@dataclass
class Arrangement:
    """What was built, and what is known of its endpoints by number."""

    program: Program
    app: Any = None
    parties: dict[int, Party] = field(default_factory=dict)
    ran: list[int] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def path(self) -> str:
        return f"{self.prefix(self.program.asked)}/l{self.program.asked}"

    @property
    def host(self) -> str:
        ways = {level.by for level in self.program.levels[: self.program.asked + 1]}
        return "inner.example" if "host" in ways else "outer.example"

    def prefix(self, index: int) -> str:
        """Of everything on that level."""
        levels = self.program.levels[: index + 1]
        return "".join(f"/m{number}" for number, level in enumerate(levels) if number and level.by != "host")

    def terms(self, policy: str) -> Terms | None:
        return None if policy == "none" else Terms(policy, next(self._numbers))

    def build(self, index: int, chain: Chain, stripped: str) -> Any:
        """The level of that index, as it is mounted, and all further in.

        `chain` leads to it; `stripped` is what mounts take off the paths that it sees.
        """
        level = self.program.levels[index]
        of_mount = self.terms(level.mount_policy)
        hides = [level.by == "forward", *(wrapper not in TRANSPARENT for wrapper in level.wrappers)]
        opaque = tuple(Opaque() for hidden in hides if hidden)
        built = self.with_layers(index, (*chain, *_declared(of_mount), *opaque), stripped)
        for wrapper in reversed(level.wrappers):
            built = WRAP[wrapper](built)
        return _attach(built, of_mount)

    def with_layers(self, index: int, chain: Chain, stripped: str) -> Any:
        level = self.program.levels[index]
        made = {how: Layer(self.terms(default), enforces) for how, default, enforces in level.layers}
        arguments: dict[str, dict[str, Any]] = {
            how: {"default": _default(each.default), "enforce": each.enforces} for how, each in made.items()
        }
        layers: dict[str, Chain] = {how: (each,) for how, each in made.items()}
        hides = level.inside not in {"none", *TRANSPARENT}
        chain = (
            *chain,
            *layers.get("around", ()),
            *((Opaque(),) if hides else ()),
            *layers.get("install", ()),
        )
        of_app = self.terms(level.policy)
        added = layers.get("add", ())
        app = _new_app(level, of_app)
        of_routes = (*chain, *added, *_declared(of_app))
        # A CORSRouter that is the app itself is one of the routers that its routes know.
        since = len(of_routes) - (level.kind == "corsrouter" and of_app is not None)
        middleware = self.fill(
            index,
            Place(app, of_routes, stripped, since=since),
            (*chain, *(() if level.dispatches_outside else added), *_declared(of_app)),
        )
        if "add" in made:
            layer = functools.partial(app.add_middleware, RouteCORSMiddleware, **arguments["add"])
            middleware.insert(0 if level.dispatches_outside else len(middleware), layer)
        if level.stack != "none":
            middleware.insert(0, functools.partial(app.add_middleware, STACK[level.stack]))
        for add in middleware:  # the last one is the outermost
            add()
        if "install" in made:
            install_cors(app, **arguments["install"])
        if "around" not in made:
            return app
        inside = app if level.inside == "none" else WRAP[level.inside](app)
        return RouteCORSMiddleware(inside, **arguments["around"])

    def fill(self, index: int, app: Place, dispatched: Chain) -> list[Callable[[], None]]:
        """Register all that the level holds; what is returned adds the middleware that it needs."""
        level = self.program.levels[index]
        innermost = self.register_leaf(index, app)
        if index + 1 == len(self.program.levels):
            return []
        way = self.program.levels[index + 1].by
        prefix = self.prefix(index + 1)
        if way == "dispatch":
            other = self.build(index + 1, (*dispatched, Opaque()), app.prefix)
            return [functools.partial(app.router.add_middleware, Dispatch, prefix=prefix, other=other)]
        # Below FastAPI 0.137 include_router leaves mounts out; from then on it puts a router of its own into
        # an included Host route.
        place = innermost if KEEPS_A_TREE and way != "host" else app
        # Where nothing of ours sees the routes, a preflight may be led to where the method that it announces
        # never comes. Nobody can know, so nothing is put beside the next level there.
        if level.beside is not None and index < self.program.asked and _is_seen(app.chain):
            self.register_beside(place, level.beside, self.path.removeprefix(place.prefix))
        inner = self.build(
            index + 1, place.chain_of(None, is_api=False), prefix if way == "mount" else app.prefix
        )
        _connect(_router_of(place.router), way, prefix.removeprefix(place.prefix), inner)
        return []

    def register_leaf(self, index: int, app: Place) -> Place:
        """On the innermost of the level's included routers, which is returned."""
        level = self.program.levels[index]
        prefix = self.prefix(index)
        routers: list[Any] = [app.router]
        inherited: Chain = ()
        for kind, policy in level.routers:
            terms = self.terms(policy)
            inherited = (*inherited, *_declared(terms))
            routers.append(CORSRouter(cors=terms and terms.declaration()) if kind == "cors" else APIRouter())
        place = Place(routers[-1], app.chain, prefix if level.routers else app.prefix, inherited, app.since)
        self.register(place, level.leaf, f"{prefix}/l{index}".removeprefix(place.prefix))
        for outer, inner in reversed(list(itertools.pairwise(routers))):
            outer.include_router(inner, prefix=prefix.removeprefix(app.prefix) if outer is app.router else "")
        return place

    def register(self, place: Place, leaf: Leaf, path: str) -> None:
        terms, of_method = self.terms(leaf.policy), self.terms(leaf.method_policy)
        by_method = {} if of_method is None else {leaf.methods[0]: of_method}
        is_api = leaf.kind == "api"
        number = self.new_party(place.chain_of(terms, is_api=is_api), by_method, leaf.writes)
        recorder = Recorder(number, self.ran, writes=leaf.writes)
        router = _router_of(place.router)
        if leaf.kind == "asgi":
            endpoint = websocket = _attach(recorder.asgi(), terms)
        else:
            made = (
                recorder.endpoint_class(leaf.methods, by_method)
                if leaf.kind == "class"
                else recorder.function()
            )
            endpoint, websocket = _attach(made, terms), _attach(recorder.websocket(), terms)
        methods = None if leaf.kind in {"asgi", "class"} else [*leaf.methods]
        _register_http(router, path, endpoint, methods, is_api=is_api)
        if is_api:
            router.add_api_websocket_route(path, websocket)
        else:
            router.routes.append(WebSocketRoute(path, websocket))

    def register_beside(self, place: Place, beside: Beside, path: str) -> None:
        terms = self.terms(beside.policy)
        router = _router_of(place.router)
        is_api = isinstance(router, APIRouter)
        number = self.new_party(place.chain_of(terms, is_api=is_api), {}, writes=False)
        endpoint = _attach(Recorder(number, self.ran, writes=False).function(), terms)
        _register_http(router, path, endpoint, [beside.method], is_api=is_api)

    def new_party(self, chain: Chain, by_method: dict[str, Terms], writes: bool) -> int:
        number = next(self._numbers)
        self.parties[number] = Party(chain, by_method, writes)
        return number


def arrange(program: Program) -> Arrangement:
    arrangement = Arrangement(program)
    arrangement.app = arrangement.build(0, (), "")
    return arrangement


def _new_app(level: Level, of_app: Terms | None) -> Any:
    if level.kind == "corsrouter":
        return CORSRouter(cors=of_app and of_app.declaration())
    if level.kind == "apirouter":
        return APIRouter()
    if level.kind == "router":
        return _attach(Router(), of_app)
    if level.kind == "fastapi":
        return _attach(FastAPI(openapi_url=None), of_app)
    return _attach(Starlette(exception_handlers={HTTPException: http_exception}), of_app)


def _router_of(owner: Any) -> Any:
    return getattr(owner, "router", owner)


def _register_http(router: Any, path: str, endpoint: Any, methods: list[str] | None, *, is_api: bool) -> None:
    if is_api:
        router.add_api_route(path, endpoint, methods=methods, response_model=None)
    else:
        router.routes.append(Route(path, endpoint, methods=methods))


def _connect(router: Any, way: str, at: str, inner: Any) -> None:
    if way == "mount":
        router.routes.append(Mount(at, app=inner))
    elif way == "host":
        router.routes.append(Host("inner.example", app=inner))
    else:
        router.routes += [
            Route(f"{at}/{{rest:path}}", inner),
            WebSocketRoute(f"{at}/{{rest:path}}", inner),
        ]


def _attach(thing: Any, terms: Terms | None) -> Any:
    if terms is None:
        return thing
    return no_cors(thing) if terms.kind == "no_cors" else cors(terms.declaration())(thing)


def _default(terms: Terms | None) -> CORSPolicy | None:
    return None if terms is None else terms.declaration()


def _declared(terms: Terms | None) -> Chain:
    return () if terms is None else (Declared(terms),)


def _is_seen(chain: Chain) -> bool:
    """Whether a layer further out sees what stands at the end of this chain."""
    for link in reversed(chain):
        if isinstance(link, Layer | Opaque):
            return isinstance(link, Layer)
    return False
