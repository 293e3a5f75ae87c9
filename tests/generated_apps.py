"""Apps of every shape: descriptions that Hypothesis draws, and the FastAPI and Starlette apps made of them.

Every endpoint names itself in its response; every route registers a method of its own, so that the `Allow`
of a 405 names it; whatever is mounted notes that a request came by; and where a router is shared, the names
of the path's parameters tell which of its places the request came through. So the app itself says who ran,
and the description says what that one declared: `Built.policy_of` is a second, naive reading of "innermost
wins" that knows nothing of the index.

Hypothesis draws bytes, and the descriptions are read off them. To let it draw each decision took three
quarters of the time, and four fifths of the apps were then its own variations of the one before.
"""

from __future__ import annotations

import functools
import itertools
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.routing import APIRoute
from hypothesis import strategies as st
from named_endpoints import KEEPS_A_TREE
from starlette.applications import Starlette
from starlette.convertors import Convertor, register_url_convertor
from starlette.endpoints import HTTPEndpoint
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Host, Match, Mount, Router

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from starlette.types import Receive, Scope, Send

__all__ = [
    "METHODS",
    "Built",
    "Leaf",
    "Mounted",
    "Probe",
    "Program",
    "Tree",
    "Wild",
    "build",
    "cases",
    "http_exception",
    "origin_of",
    "policy_for",
    "wild_cases",
]

UUID: Final = "c1f4e2d0-3b5a-4c6d-8e7f-901234567890"


# --- What is drawn: descriptions, so that a failure can be read


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


class Shared(NamedTuple):
    """One of the program's shared routers, included once more."""

    which: int
    prefix: str


class Mounted(NamedTuple):
    """A mount, or a Host route where `at` does not start with a slash."""

    at: str
    kind: str  # fastapi, starlette, router, apirouter, asgi
    tree: Tree
    policy: str  # of the mounted app itself: own, none, no_cors
    root_path: str
    default: str  # none, install_cors, add_middleware: the layer that it brings


Item = Leaf | Include | Shared | Mounted


class Tree(NamedTuple):
    items: tuple[Item, ...] = ()
    later: tuple[Item, ...] = ()
    redirect_slashes: bool = True
    prefix: str = ""
    cors: str = "plain"  # plain: an APIRouter; of a CORSRouter: own, none, no_cors


class Program(NamedTuple):
    kind: str  # fastapi, starlette
    tree: Tree
    shared: tuple[Tree, ...]
    layer: str  # install_cors, add_middleware, none
    default: bool
    policy: str  # of the app itself
    root_path: str
    mounts_itself: bool


class Probe(NamedTuple):
    path: str
    method: str
    host: str
    root_path: str
    hides: bool


class Wild(NamedTuple):
    """A request as somebody would send it who wants to do harm."""

    path: str
    method: str
    origin: bytes
    host: bytes


KINDS: Final = (
    *("api", "api", "api", "api", "picky", "shy", "plain", "class", "asgi", "websocket", "plain websocket"),
)
METHODS: Final = ("GET", "POST", "PUT", "DELETE", "OPTIONS")
METHOD_SETS: Final = (*((method,) for method in METHODS), *itertools.combinations(METHODS, 2))
POLICIES: Final = ("own", "none", "own", "own", "none", "no_cors")
ROUTER_POLICIES: Final = ("plain", "own", "plain", "own", "plain", "none", "own", "no_cors", "own", "plain")
SEGMENTS: Final = ("a", "b", "ab", "{}", "{}", "{:int}", "{}.json", "v{:int}-{}", "{:uuid}", "{:float}", "")
SECOND_SEGMENTS: Final = (*("",) * 14, *(f"/{segment}" for segment in SEGMENTS[:-1]))
SPANNING: Final = (*("",) * 10, "/{:path}", "/{:word}", "/w{:word}", "/{:word}.txt")
ENDINGS: Final = ("", "", "", "/", "/b")
PREFIXES: Final = ("", "/a", "/{}", "/b", "/{:int}", "/a/{}", "/{}/b", "/ab", "/{}.json", "/v{:int}-{}")
MOUNT_POINTS: Final = (
    *("/a", "/b", "/ab", "/a/b", "/v{:int}-{}", "/a", "/b", "/{}.json", "/a/{}", "/{:int}"),
    *("/{}", "", "/{:path}", "/a/{:word}", "a.example", "{}.example", "b.{}.example", "c.example"),
)
# What a client puts in place of a parameter: what fits, and what is odd (and may fit).
VALUES: Final[dict[str, tuple[str, ...]]] = {
    "": ("a", "b", "7", "ab"),
    "int": ("7", "007"),
    "float": ("7", "7.5"),
    "uuid": (UUID,),
    "path": ("a", "", "a/b"),
    "word": ("ab", "ab/cd", ""),
}
ODD_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "": ("x.json", "ab.json.json", "é", "a b", "%2e", "%2F", "+", "..", "q\n", UUID, ""),
    "int": ("12345678901234567890", "7.0", "-1", "٣"),
    "float": ("7.", ".5", "1e5"),
    "uuid": (UUID.upper(), UUID.replace("-", ""), "a"),
    "path": ("/", "a//b", "x.txt", "é/\n"),
    "word": ("a.txt", "AB", "ab/cd/ef"),
}
# Of a shared router: deeper than all places where it may stand.
_DEEPEST: Final = 9
# Shapes of a tree: l a route, i an included router, s a shared one, m a mount.
ROOT_SHAPES: Final = ("il", "lil", "ml", "isl", "sil", "lsm", "sils", "mis", "sli", "lll", "mm", "ii", "smis")
INNER_SHAPES: Final = ("il", "ll", "si", "lm", "ml", "is", "ii", "mi", "ls", "lll", "sl", "ils")
LAST_SHAPES: Final = ("l", "ll", "lll")
# Of those that come after the first requests.
LATER_SHAPES: Final = ("", "", "", "l", "l", "i", "m", "s")
WILD_PIECES: Final = ("a", "b", "", "7", "..", "\n", "é", "x.json", "7" * 5_000, "\ud800", "\x00")
MUTATIONS: Final = (
    *("double slash", "empty segment", "slash added", "slash added", "slash removed", "cut", "further"),
    *("upper case", "\n", "\r", "%2e", "%2F", "+", ".json", ";x=1", "é", "\u2028", "/..", "/.", "\\"),
    *("?", "#", "\x00"),
)
TWISTS: Final = ("\n", "/", "/b", "a", ".json", "\n\n")
# Most of the requests ask for a path as it was registered.
MUTATION_PAIRS: Final = (
    *[()] * (10 * len(MUTATIONS)),
    *[("slash added",), ("slash removed",)] * len(MUTATIONS),
    *((mutation,) for mutation in MUTATIONS),
    *zip(MUTATIONS, (*MUTATIONS[5:], *MUTATIONS[:5]), strict=True),
)
# As many bytes as an app takes, mostly, and three requests.
_BYTES_OF_A_PROGRAM: Final = 240
_BYTES_OF_A_REQUEST: Final = 40
_SIZE: Final = _BYTES_OF_A_PROGRAM + 3 * _BYTES_OF_A_REQUEST
# A router of Starlette's registers another kind instead.
WITHOUT_FASTAPI: Final = {"api": "plain", "picky": "plain", "shy": "asgi", "websocket": "plain websocket"}


class Drawing:
    """Reads descriptions off random bytes, one for each decision; without any it takes the first choice."""

    def __init__(self, source: bytes) -> None:
        self._source = iter(source)
        self._trees_left = 6
        self._has_layers = True

    def among(self, *tables: Sequence[Any]) -> list[Any]:
        """An element of each; the first of each is the simplest."""
        return [table[self.number(len(table))] for table in tables]

    def number(self, below: int) -> int:
        number = next(self._source, 0)
        if below > 0x80:
            number = number << 8 | next(self._source, 0)
        return number % below

    def program(self, layers: Sequence[str]) -> Program:
        self._has_layers = "none" not in layers
        kind, layer, default, policy, root_path, mounts_itself, shared = self.among(
            ("fastapi", "fastapi", "fastapi", "starlette") if self._has_layers else ("fastapi",),
            layers,
            (False, True),
            ("none", "none", "none", "own") if self._has_layers else ("none",),
            ("", "", "", "/api"),
            (False, False, True),
            (1, 2),
        )
        tree = self.tree(3, ROOT_SHAPES)
        trees = tuple(self.tree(0, LAST_SHAPES) for _ in range(shared))
        # An app that is mounted into itself runs in circles where the root path is no prefix of the path.
        mounts_itself = mounts_itself and not root_path
        return Program(kind, tree, trees, layer, default, policy, root_path, mounts_itself)

    def tree(self, depth: int, shapes: Sequence[str]) -> Tree:
        self._trees_left -= 1
        shape, later, redirect_slashes, prefix, cors_of = self.among(
            shapes if self._has_layers else [shape for shape in shapes if "m" not in shape],
            LATER_SHAPES if depth else ("", "", "l"),
            (True, True, False),
            ("", "", "/a", "/{}"),
            ROUTER_POLICIES if self._has_layers else ROUTER_POLICIES[1::2],
        )
        items = tuple(self.item(symbol, depth) for symbol in shape)
        added = tuple(self.item(symbol, min(depth, 1)) for symbol in later)
        return Tree(items, added, redirect_slashes, prefix, cors_of)

    def item(self, symbol: str, depth: int) -> Item:
        if symbol == "s":
            return Shared(*self.among((0, 1), PREFIXES))
        if symbol == "l" or self._trees_left < 0:
            return self.leaf()
        shapes = INNER_SHAPES if depth > 1 else LAST_SHAPES
        if symbol == "i":
            first, second = self.among(PREFIXES, (*(None,) * 20, *PREFIXES))
            prefixes = (first,) if second in {None, first} else (first, second)
            return Include(prefixes, self.tree(depth - 1, shapes))
        at, kind, policy, root_path, default = self.among(
            MOUNT_POINTS,
            ("fastapi", "fastapi", "starlette", "router", "apirouter", "asgi"),
            ("none", "none", "none", "own", "no_cors"),
            ("", "", "", "", "", "/api", "/a", "/a"),
            ("none", "none", "install_cors", "add_middleware") if self._has_layers else ("none",),
        )
        tree = Tree() if kind == "asgi" else self.tree(depth - 1, shapes)
        return Mounted(at, kind, tree, policy, root_path, default)

    def leaf(self) -> Leaf:
        first, second, spanning, ending, kind, methods, policy = self.among(
            SEGMENTS, SECOND_SEGMENTS, SPANNING, ENDINGS, KINDS, METHOD_SETS, POLICIES
        )
        template = "/" + (first + second + spanning + ending).removeprefix("/")
        return Leaf(kind, template.replace("//", "/"), methods, policy)

    def probe(self, program: Program, known: Sequence[Address]) -> Probe:
        (address,) = self.among(known)
        template = address.template
        mutations, position, in_itself = self.among(MUTATION_PAIRS, range(6), (False, False, True))
        if program.mounts_itself and in_itself:
            template = "/self" + template
        method, other, host, letter, root_path, has_root_path, hides = self.among(
            ("own", "own", "own", "HEAD", *METHODS, *METHODS),
            range(10),
            (*("",) * 9, "a.example", "b.a.example:80", "c"),
            ("a", "x-1", "A"),
            ("", "", "", "/api", "/a"),
            (True, True, True, False),
            (False, False, False, True),
        )

        def value(placeholder: re.Match[str]) -> str:
            (values,) = self.among((*(VALUES,) * 11, ODD_VALUES))
            (chosen,) = self.among(values[placeholder[1] or ""])
            return str(chosen)

        path = re.sub(r"\{:?(\w*)\}", value, template)
        for mutation in mutations:
            path = _mutated(path, mutation, position)
        if program.mounts_itself:  # see program(), and a newline makes it such a path
            root_path, path = "", path.replace("\n", "")
        if has_root_path:
            path = ((program.kind == "fastapi" and program.root_path) or root_path) + path
        methods = (*address.methods, f"X{other}")
        return Probe(
            path,
            methods[other % len(methods)] if method == "own" else method,
            (host or address.host or "c").replace("{}", letter),
            root_path,
            hides,
        )

    def wild(self) -> Wild:
        kind, pieces, method, origin, host = self.among(
            ("pieces", "pieces", "text", "/text", "deep"),
            range(12),
            (*METHODS, None, None, None),
            (*(origin_of(number).encode() for number in range(8)), None, None, None, None),
            (b"a.example", b"b.a.example:80", b"A.EXAMPLE:x", None, None),
        )
        if kind == "pieces":
            path = "/".join(self.among(*[WILD_PIECES] * pieces))
        elif kind == "deep":
            path = "/a" * self.number(5_000)
        else:
            path = kind.removesuffix("text") + self.text(pieces).decode("utf-8", "surrogateescape")
        return Wild(
            path,
            self.text(pieces).decode("latin-1") if method is None else method,
            self.text(pieces) if origin is None else origin,
            self.text(pieces) if host is None else host,
        )

    def text(self, length: int) -> bytes:
        return bytes(self.number(0x80) | (self.number(2) << 7) for _ in range(length))


class Address(NamedTuple):
    """Where something is registered: its host, whole template and methods."""

    host: str
    template: str
    methods: tuple[str, ...]


def _addresses(
    program: Program, tree: Tree, *, includes: bool, before: str = "", host: str = "", depth: int = 1
) -> Iterator[Address]:
    """Of everything in a tree; the deeper it is, the more often, as there is less of it."""

    def inside(tree: Tree, at: str, *, includes: bool = includes, host: str = host) -> Iterator[Address]:
        return _addresses(program, tree, includes=includes, before=before + at, host=host, depth=depth + 1)

    for item in (*tree.items, *tree.later):
        if isinstance(item, Leaf):
            weight = 1 if "websocket" in item.kind else 2 * depth
            yield from [Address(host, before + item.template, item.methods)] * weight
        elif isinstance(item, Mounted):
            is_host = item.at[:1] not in {"", "/"}
            at = "" if is_host else item.at.rstrip("/")
            of = item.at if is_host else host
            yield Address(of, before + at + "/a", ())
            yield from inside(item.tree, at, host=of, includes=item.kind in {"fastapi", "apirouter"})
        elif not includes:
            yield from inside(*_mounted_instead(program, item))
        elif isinstance(item, Include):
            for prefix in item.prefixes:
                yield from inside(item.tree, prefix + item.tree.prefix)
        else:
            shared = _shared_tree(program, item)
            yield from inside(shared, _marked(item.prefix) + shared.prefix)


def _shared_tree(program: Program, item: Shared) -> Tree:
    return program.shared[item.which % len(program.shared)]


def _mounted_instead(program: Program, item: Include | Shared) -> tuple[Tree, str]:
    """Where a router that can include none mounts it, and what."""
    if isinstance(item, Include):
        return item.tree, item.prefixes[-1] or "/i"
    return _shared_tree(program, item), item.prefix or "/s"


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


def cases(*layers: str) -> st.SearchStrategy[tuple[Program, list[Probe]]]:
    """An app with one of these layers, and what is asked of it."""

    def read(source: bytes) -> tuple[Program, list[Probe]]:
        program, requests = _parts(source, layers)
        known = [*_addresses(program, program.tree, includes=program.kind == "fastapi")]
        first, second = (drawing.probe(program, known) for drawing in requests[:2])
        # A path that is nearly the same may go elsewhere, and what is remembered of one is not for the other.
        (twist,) = requests[2].among(TWISTS)
        path = first.path.replace("\n", "") if program.mounts_itself else first.path + twist
        return program, [first, second, first._replace(path=path)]

    return _sources.map(read)


def wild_cases(*layers: str) -> st.SearchStrategy[tuple[Program, list[Wild]]]:
    """An app with one of these layers, and what no client would ask."""

    def read(source: bytes) -> tuple[Program, list[Wild]]:
        program, requests = _parts(source, layers)
        return program, [drawing.wild() for drawing in requests]

    return _sources.map(read)


_sources = st.binary(min_size=_SIZE, max_size=_SIZE)


def _parts(source: bytes, layers: Sequence[str]) -> tuple[Program, list[Drawing]]:
    """Each request has a place of its own, so that it stays as it is while a failing app is made smaller."""
    starts = range(_BYTES_OF_A_PROGRAM, _SIZE, _BYTES_OF_A_REQUEST)
    requests = [Drawing(source[start : start + _BYTES_OF_A_REQUEST]) for start in starts]
    return Drawing(source[:_BYTES_OF_A_PROGRAM]).program(layers), requests


# --- The parts of the apps


class WordConvertor(Convertor[str]):
    """May span two segments, and may be empty."""

    regex = "(?:[a-z]+(?:/[a-z]+)?)?"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


# For good: a CORSRouter may be looked into as long as it lives, and the apps of a test that is over live on
# until their cycles are collected.
register_url_convertor("word", WordConvertor())


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


class Traced:
    """Notes that a request came by."""

    number: int

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["trail"].append(self.number)
        inside: Any = super()
        await inside.__call__(scope, receive, send)


class TracedFastAPI(Traced, FastAPI):
    pass


class TracedStarlette(Traced, Starlette):
    pass


class TracedRouter(Traced, Router):
    pass


class TracedAPIRouter(Traced, APIRouter):
    pass


class TracedCORSRouter(Traced, CORSRouter):
    pass


async def http_exception(request: Request, error: Exception) -> Response:
    """Starlette's own is a plain function in its older versions, for which a thread would be started."""
    assert isinstance(error, HTTPException)
    return Response(status_code=error.status_code, headers=error.headers)


def who(number: int, scope: Scope) -> dict[str, str]:
    return {"x-served": str(number), "x-parameters": " ".join(scope["path_params"])}


def api_endpoint(number: int) -> Any:
    async def endpoint(request: Request) -> Response:
        return Response(headers=who(number, request.scope))

    return endpoint


def endpoint_class(number: int) -> Any:
    class Endpoint(HTTPEndpoint):
        async def get(self, request: Request) -> Response:
            return Response(headers=who(number, request.scope))

        put = get

        async def method_not_allowed(self, request: Request) -> Response:
            parameters = who(number, request.scope)["x-parameters"]
            return Response(status_code=405, headers={"allow": f"X{number}", "x-parameters": parameters})

    return Endpoint


def asgi_app(number: int) -> Any:
    class App:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            response = Response(headers=who(number, scope))
            if scope["type"] == "websocket":
                await send({"type": "websocket.accept", "headers": response.raw_headers})
            else:
                await response(scope, receive, send)

    return App()


def websocket_endpoint(number: int) -> Any:
    async def endpoint(websocket: WebSocket) -> None:
        await websocket.accept(headers=Response(headers=who(number, websocket.scope)).raw_headers)

    return endpoint


ENDPOINTS: Final[dict[str, Callable[[int], Any]]] = {
    "api": api_endpoint,
    "picky": api_endpoint,
    "shy": api_endpoint,
    "plain": api_endpoint,
    "class": endpoint_class,
    "asgi": asgi_app,
    "websocket": websocket_endpoint,
    "plain websocket": websocket_endpoint,
}


def origin_of(number: int) -> str:
    return f"https://r{number}.example"


# What policies and layers say of enforcement, by their numbers, while an app is built.
ENFORCEMENT: Final = ContextVar[tuple[bool | None, ...]]("ENFORCEMENT", default=(None,))


def enforced(number: int) -> bool | None:
    said = ENFORCEMENT.get()
    return said[number % len(said)]


def policy_for(number: int) -> CORSPolicy:
    return _policy_for(number, enforced(number))


@functools.cache
def _policy_for(number: int, enforce: bool | None) -> CORSPolicy:
    return CORSPolicy(origins=[origin_of(number)], enforce=enforce)


def declare(thing: Any, policy: str, number: int) -> Any:
    if policy == "own":
        return cors(policy_for(number))(thing)
    return no_cors(thing) if policy == "no_cors" else thing


# --- The apps


class Party(NamedTuple):
    """An endpoint: what it is and declares, and the router that it was declared on."""

    endpoint: Any
    kind: str
    policy: str
    place: int

    @property
    def is_opaque(self) -> bool:
        """Whether it is an ASGI app, of which nothing is known."""
        return self.kind == "asgi"

    @property
    def is_fastapis(self) -> bool:
        return self.kind in {"api", "picky", "shy", "websocket"}


@dataclass
class Place:
    """A router or an app: what it declares, and where it stands.

    `around` are the places that include or mount it. Where these are several, each has a mark: the name of a
    parameter that is in the path of every request that comes through it.
    """

    depth: int
    cors: str = "plain"
    policy: str = "none"
    is_included: bool = False
    around: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class Built:
    """An app, and what is known of its endpoints, routers and mounted apps, by number."""

    program: Program
    app: Any = None
    parties: dict[int, Party] = field(default_factory=dict)
    places: dict[int, Place] = field(default_factory=dict)
    defaults: dict[int, str] = field(default_factory=dict)
    late: list[Callable[[], None]] = field(default_factory=list)
    asks: bool = False
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _shared: dict[int, tuple[int, Any]] = field(default_factory=dict)

    # --- What must hold, read off the description

    def policy_of(
        self, party: int | None, trail: Sequence[int], parameters: Iterable[str], *, is_http: bool = True
    ) -> str | None:
        """The origin that may read what a party answers, or a 404; "" is nobody, None is no policy at all."""
        found = None if party is None else _declared(self.parties[party].policy, party)
        if found is None:
            found = self._inherited(party, trail, parameters)
        if found is None and is_http:
            found = next((self.defaults[app] for app in reversed(trail) if app in self.defaults), None)
        return found

    def answers_alone(self, party: int | None, parameters: Iterable[str]) -> bool:
        """Whether its route answers without a layer around the app: those declared on a CORSRouter do."""
        if party is None or not self.parties[party].is_fastapis:
            return False
        for place in self._outwards(self.parties[party].place, parameters):
            if self.places[place].cors != "plain":
                return True
            # A copy is declared anew on each router that includes the one before.
            if KEEPS_A_TREE or not self.places[place].is_included:
                return False
        return False

    def _inherited(self, party: int | None, trail: Sequence[int], parameters: Iterable[str]) -> str | None:
        # Below FastAPI 0.137 nothing but FastAPI's own routes inherits from a router that was included.
        inherits = KEEPS_A_TREE or party is None or self.parties[party].is_fastapis
        for number in self._outwards(trail[-1] if party is None else self.parties[party].place, parameters):
            place = self.places[number]
            if inherits or not place.is_included:
                for declared in (place.cors, place.policy):
                    found = _declared(declared, number)
                    if found is not None:
                        return found
        return None

    def _outwards(self, number: int, parameters: Iterable[str]) -> Iterator[int]:
        """The places that a request came through, innermost first."""
        yield number
        while self.places[number].around:
            (number,) = {
                outer for mark, outer in self.places[number].around if not mark or mark in parameters
            }
            yield number

    # --- How it is made

    def place(self, depth: int, **more: Any) -> int:
        number = next(self._numbers)
        self.places[number] = Place(depth, **more)
        return number

    def place_in(self, around: int, policy: str) -> int:
        return self.place(self.places[around].depth + 1, policy=policy, around=[("", around)])

    def fill(self, owner: Any, number: int, tree: Tree, *, in_fastapi: bool) -> Any:
        in_fastapi = in_fastapi or isinstance(owner, FastAPI)
        for item in tree.items:
            self.prepared(owner, number, item, in_fastapi=in_fastapi)()
        # To declare a policy makes every index look again: these are declared now, and registered later.
        self.late += [self.prepared(owner, number, item, in_fastapi=in_fastapi) for item in tree.later]
        return owner

    def prepared(self, owner: Any, number: int, item: Item, *, in_fastapi: bool) -> Callable[[], None]:
        """Make it; what is returned registers it."""
        if isinstance(item, Leaf):
            return self.prepared_leaf(owner, number, item)
        if isinstance(item, Mounted):
            return self.prepared_mount(owner, number, item, in_fastapi=in_fastapi)
        if not isinstance(getattr(owner, "router", owner), APIRouter):
            tree, at = _mounted_instead(self.program, item)
            mounted = Mounted(at, "router", tree, "none", "", "none")
            return self.prepared_mount(owner, number, mounted, in_fastapi=in_fastapi)
        if isinstance(item, Include):
            depth = self.places[number].depth + 1
            place, router = self.new_router(item.tree, depth, in_fastapi=in_fastapi)
            self.places[place].around.append(("", number))
            prefixes = [self.named(prefix, number) for prefix in item.prefixes]
        else:
            place, router = self.shared_router(item, in_fastapi=in_fastapi)
            prefixes = [self.named(_marked(item.prefix), place, str(next(self._numbers)))]
            (mark, *_) = re.findall(r"\{(\w+)", prefixes[0])
            self.places[place].around.append((mark, number))

        def include() -> None:
            for prefix in prefixes:
                owner.include_router(router, prefix=prefix)

        return include

    def shared_router(self, item: Shared, *, in_fastapi: bool) -> tuple[int, Any]:
        which = item.which % len(self.program.shared)
        if which not in self._shared:
            tree = _shared_tree(self.program, item)
            self._shared[which] = self.new_router(tree, _DEEPEST, in_fastapi=in_fastapi)
        return self._shared[which]

    def new_router(self, tree: Tree, depth: int, *, in_fastapi: bool) -> tuple[int, Any]:
        place = self.place(depth, cors=tree.cors, is_included=True)
        prefix = self.named(tree.prefix, place, "r")
        router = (
            APIRouter(prefix=prefix)
            if tree.cors == "plain"
            else CORSRouter(prefix=prefix, cors=_router_policy(tree.cors, place))
        )
        return place, self.fill(router, place, tree, in_fastapi=in_fastapi)

    def prepared_leaf(self, owner: Any, place: int, leaf: Leaf) -> Callable[[], None]:
        number = next(self._numbers)
        methods = [*leaf.methods, f"X{number}"]
        path = self.named(leaf.template, place)
        router = getattr(owner, "router", owner)
        kind = leaf.kind if isinstance(router, APIRouter) else WITHOUT_FASTAPI.get(leaf.kind, leaf.kind)
        self.asks = self.asks or kind in ROUTE_CLASSES
        endpoint = declare(ENDPOINTS[kind](number), leaf.policy, number)
        self.parties[number] = Party(endpoint, kind, leaf.policy, place)
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

    def prepared_mount(
        self, owner: Any, around: int, item: Mounted, *, in_fastapi: bool
    ) -> Callable[[], None]:
        inside: Any
        if item.kind == "asgi":
            number = next(self._numbers)
            inside = declare(asgi_app(number), item.policy, number)
            self.parties[number] = Party(inside, "asgi", item.policy, around)
        elif item.kind in {"fastapi", "starlette"}:
            number = self.place_in(around, item.policy)
            inside = self.new_app(number, item.kind, item.tree.redirect_slashes, item.root_path)
            self.layer(inside, item.default)
            declare(inside, item.policy, number)
            self.fill(inside, number, item.tree, in_fastapi=in_fastapi)
        else:
            # API routes need the state that a FastAPI app around them makes.
            is_fastapis = item.kind == "apirouter" and in_fastapi
            # An APIRouter takes no `@cors`: that is what a CORSRouter is for.
            number = self.place_in(around, "none" if is_fastapis else item.policy)
            inside = self.mountable_router(number, item.tree, is_fastapis=is_fastapis)
            inside.number = number
            declare(inside, self.places[number].policy, number)
            self.fill(inside, number, item.tree, in_fastapi=in_fastapi)
        at = self.named(item.at, around)
        if self.places[around].is_included:
            if not KEEPS_A_TREE:
                return lambda: None  # include_router leaves mounts out, and fails on Host routes
            # FastAPI refuses what has no path at all, and puts a router of its own into an included Host
            # route, whose 404s nobody could tell from the app's.
            at = at if at[:1] == "/" else "/m"
        route: Mount | Host = Mount(at, app=inside) if at[:1] in {"", "/"} else Host(at, app=inside)
        return lambda: getattr(owner, "router", owner).routes.append(route)

    def mountable_router(self, number: int, tree: Tree, *, is_fastapis: bool) -> Any:
        if not is_fastapis:
            return TracedRouter(redirect_slashes=tree.redirect_slashes)
        if tree.cors == "plain":
            return TracedAPIRouter(redirect_slashes=tree.redirect_slashes)
        self.places[number].cors = tree.cors
        policy = _router_policy(tree.cors, number)
        return TracedCORSRouter(redirect_slashes=tree.redirect_slashes, cors=policy)

    def new_app(self, number: int, kind: str, redirect_slashes: bool, root_path: str) -> Any:
        app: Any
        if kind == "fastapi":
            app = TracedFastAPI(openapi_url=None, redirect_slashes=redirect_slashes)
            # What FastAPI(root_path=...) sets; the newest versions warn of the argument.
            app.root_path = root_path
        else:
            app = TracedStarlette(exception_handlers={HTTPException: http_exception})
            app.router.redirect_slashes = redirect_slashes
        app.number = number
        return app

    def layer(self, app: Any, how: str, *, has_default: bool = True) -> None:
        if how == "none":
            return
        default = policy_for(app.number) if has_default else None
        if has_default:
            self.defaults[app.number] = origin_of(app.number)
        # Not by the same number as its default.
        enforce = bool(enforced(app.number + 1))
        if how == "install_cors":
            install_cors(app, default=default, enforce=enforce)
        else:
            app.add_middleware(RouteCORSMiddleware, default=default, enforce=enforce)

    def named(self, template: str, place: int, *more: str) -> str:
        """Every parameter of a path under a name of its own.

        By its depth in the app, so that few patterns are new to `re`: to compile them would take longest.
        """
        before = "_".join(("p", str(self.places[place].depth), *more))
        found = itertools.count()
        return re.sub(r"\{(:?\w*)\}", lambda name: f"{{{before}_{next(found)}{name[1]}}}", template)


def build(program: Program, enforcement: tuple[bool | None, ...] = (None,)) -> Built:
    token = ENFORCEMENT.set(enforcement)
    try:
        return _build(program)
    finally:
        ENFORCEMENT.reset(token)


def _build(program: Program) -> Built:
    built = Built(program)
    number = built.place(0, policy=program.policy)
    app = built.new_app(number, program.kind, program.tree.redirect_slashes, program.root_path)
    built.app = app
    declare(app, program.policy, number)
    if program.mounts_itself:
        app.mount("/self", app)
    built.layer(app, program.layer, has_default=program.default)
    built.fill(app, number, program.tree, in_fastapi=False)
    return built


def _marked(prefix: str) -> str:
    return prefix if "{" in prefix else prefix + "/{}"


def _declared(policy: str, number: int) -> str | None:
    return {"own": origin_of(number), "no_cors": ""}.get(policy)


def _router_policy(policy: str, number: int) -> Any:
    return {"own": policy_for(number), "no_cors": no_cors}.get(policy)
