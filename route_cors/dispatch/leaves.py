"""What is served where a path ends: the routes that match there, and which of them serves which method."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Host, Match, Mount, Route, WebSocketRoute

from route_cors.dispatch.apps import root_path_inside, wrappers_of
from route_cors.dispatch.routes import ask, declares_policies, methods_of
from route_cors.dispatch.target import Call, Kind, Target
from route_cors.dispatch.trie import Node, Trie
from route_cors.policy import CORSPolicy
from route_cors.protocol import UNROUTED_METHODS, Terms

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable

    from route_cors.decorators import Declared
    from route_cors.dispatch.index import Index
    from route_cors.dispatch.routes import Registered

__all__ = ["Entry", "Leaf", "Mounted", "Routes", "unrouted_methods"]

# Sets of overlapping routes that are kept compiled: a bound on what hostile paths can make us remember.
_MAX_OVERLAPS: Final = 1024


class Entry:
    """One route, ready to be matched.

    `methods` are those it is known to serve (None: an ASGI app, which alone knows); `serves_all` tells
    that the router hands it any method, `judges_method` that its own `matches` decides on each.
    """

    __slots__ = (
        "_context",
        "_matcher",
        "_regex",
        "deciding_regex",
        "declared",
        "judges_method",
        "kinds",
        "methods",
        "mounted",
        "order",
        "path",
        "route",
        "serves_all",
        "takes_default",
    )

    def __init__(
        self, order: int, registered: Registered, *, is_exact: bool, mounted: Mounted | None = None
    ) -> None:
        self.order = order
        self.route = registered.declared
        self._context = registered.context
        effective = registered.effective
        # A Host has none, and what overrides `matches` may have none.
        self.path: str = getattr(effective, "path", "")
        self._matcher = registered.matcher
        self.declared = registered.policy()
        app = registered.mounted_app
        self._regex: re.Pattern[str] | None = effective.path_regex if registered.is_indexed else None
        # What the end of the trail leaves open.
        self.deciding_regex = None if is_exact else self._regex
        self.judges_method = self._regex is None and app is None
        self.kinds: tuple[Kind, ...] = ("http", "websocket")
        self.methods: frozenset[str] | None = None
        self.mounted = mounted
        self.serves_all = True
        self.takes_default = True
        if app is not None:
            self._describe_mount(app)
        else:
            self._describe_endpoint(effective)

    def claim(self) -> _Claim:
        """What an indexed route serves wherever its path matches."""
        return self, self.methods, self.serves_all

    def claim_on(self, call: Call, path: str) -> _Claim | None:
        """What the route serves of this request; None where it does not match."""
        if self._regex is not None:
            return self.claim() if self._regex.match(path) else None
        match, _ = ask(self._matcher, call, self._context)
        if match is Match.NONE:
            return None
        if match is Match.FULL:
            return self, self.methods, True  # it takes this request, at any rate
        return self, frozenset(), False

    def target(self, terms: Terms | None) -> Target:
        """Where a request goes that this route serves."""
        return Target(self.route, terms, self.path, self.methods, None, self.mounted)

    def _describe_mount(self, app: Any) -> None:
        if self.mounted is not None:
            self.methods = frozenset()  # its routes speak for themselves
        else:
            # What declares policies behind a middleware that hides it is further in than the app's default.
            self.takes_default = not any(map(declares_policies, wrappers_of(app)))

    def _describe_endpoint(self, effective: Any) -> None:
        if isinstance(self._matcher, WebSocketRoute):
            self.kinds = ("websocket",)
            self.methods = frozenset()
        elif isinstance(self._matcher, Route):
            self.kinds = ("http",)
            self.serves_all = not effective.methods
            self.methods = (
                frozenset(effective.methods) if effective.methods else methods_of(effective.endpoint)
            )


class Mounted:
    """The way into a mounted app that shows its routes."""

    __slots__ = ("_app", "_mount", "_regex", "index")

    def __init__(self, mount: Mount | Host, app: object, index: Index, regex: Any) -> None:
        self._mount = mount
        self._app = app
        self._regex = regex
        self.index = index

    def enter(self, call: Call, path: str) -> Call:
        """The request as the mounted app sees it."""
        found = None if self._regex is None else self._regex.match(path)
        if found is not None:
            # As Mount.matches does it, its treatment of a trailing newline included.
            root_path = call.root_path + path[: -len("/" + found["path"])]
            return call._replace(root_path=root_path_inside(self._app, root_path))
        child = ask(self._mount, call, None)[1]
        root_path = root_path_inside(self._app, child.get("root_path", call.root_path))
        return call._replace(path=child.get("path", call.path), root_path=root_path)


class Routes(Trie["Entry", "Leaf"]):
    """The routes of one kind, by their paths; what matches together is compiled on the first request."""

    def __init__(self, index: Index, kind: Kind) -> None:
        super().__init__()
        self.asks_routes = False
        self._index = index
        self._kind: Kind = kind
        self._shapes: dict[tuple[_Served, ...], _Shape] = {}
        self._overlaps: dict[tuple[_Claim, ...], Leaf] = {}

    def register(self, trail: Iterable[str], entry: Entry) -> None:
        """Add a route."""
        self.add(trail, entry)
        self.asks_routes = self.asks_routes or entry.judges_method

    def find(self, call: Call, path: str) -> Leaf | None:
        """What the routes that match the path serve; None where no route does."""
        leaf = None if "\n" in path else self._leaf_of(self.end_of(path))
        if leaf is not None and (leaf.regex is None or leaf.regex.match(path)):
            return leaf
        candidates = self.candidates(path)
        if path[-1:] == "\n":
            # The `$` of a route's regex also matches before it: `/a\n` is `/a` to the router.
            candidates = [*{*candidates, *self.candidates(path[:-1])}]
        return self._overlap(call, path, candidates) if candidates else None

    def _leaf_of(self, node: Node[Entry, Leaf]) -> Leaf | None:
        """What is served where the path ends, if one regex at most decides; compiled once."""
        if node.leaf is None and (node.ends or node.inherited):
            matching = sorted([*node.ends, *node.inherited], key=_by_order)
            regexes = {entry.deciding_regex for entry in node.ends} or {None}
            if len(regexes) == 1:
                node.leaf = self._compiled([entry.claim() for entry in matching], *regexes)
        return node.leaf

    def _overlap(self, call: Call, path: str, candidates: list[Entry]) -> Leaf | None:
        """The leaf of those candidates that do match, in the order in which the router tries them."""
        claims: list[_Claim] = []
        for entry in sorted(candidates, key=_by_order):
            claim = entry.claim_on(call, path)
            if claim is None:
                continue
            claims.append(claim)
            if claim[2]:
                break
        if not claims:
            return None
        key = tuple(claims)
        leaf = self._overlaps.get(key)
        if leaf is None:
            if len(self._overlaps) >= _MAX_OVERLAPS:
                self._overlaps.clear()
                self._shapes.clear()
            leaf = self._overlaps[key] = self._compiled(claims, None)
        return leaf

    def _compiled(self, claims: list[_Claim], regex: re.Pattern[str] | None) -> Leaf:
        policies = [self._index.declared(entry, self._kind) for entry, _, _ in claims]
        shape = self._shape(tuple(map(_served, claims, policies)))
        targets: list[Target] = []
        for (entry, _, _), policy in zip(claims, policies, strict=True):
            # Methods are granted together where their policies are equal: see Terms.
            methods = [method for method, owner in shape.owners.items() if policies[owner] == policy]
            targets.append(entry.target(self._index.terms(policy, methods)))
        return Leaf(shape, tuple(targets), regex)

    def _shape(self, served: tuple[_Served, ...]) -> _Shape:
        shape = self._shapes.get(served)
        if shape is None:
            shape = self._shapes[served] = _Shape(served)
        return shape


_by_order = operator.attrgetter("order")

# A route that matches a path, the methods it serves there, and whether it takes all others too. The methods
# None are those of an ASGI app, which knows itself: its policy names them, or they are the safelisted.
_Claim = tuple["Entry", "frozenset[str] | None", bool]
# The methods that a route serves, and whether it takes all others too.
_Served = tuple[frozenset[str], bool]


def _served(claim: _Claim, policy: Declared | None) -> _Served:
    _, methods, takes_all = claim
    return frozenset(unrouted_methods(policy)) if methods is None else methods, takes_all


class _Shape:
    """Which of the routes that match a path serves which method; shared by all paths where it is the same.

    `owners` are the positions of those that serve a method, `otherwise` that of the one that has all others,
    be it for its 405. `taken` are the methods served before that one, which matters for a mount.
    """

    __slots__ = ("otherwise", "owners", "spelled", "taken", "takes_all")

    def __init__(self, routes: Iterable[_Served]) -> None:
        self.owners: dict[str, int] = {}
        self.otherwise = 0
        self.takes_all = False
        for position, (methods, takes_all) in enumerate(routes):
            for method in methods:
                self.owners.setdefault(method, position)
            if takes_all:
                self.otherwise = position
                self.takes_all = True
                break
        self.taken = frozenset(method for method, owner in self.owners.items() if owner != self.otherwise)
        # As a scope has the method, and as a preflight announces it.
        self.spelled: dict[Any, int] = {
            **self.owners,
            **{method.encode(): owner for method, owner in self.owners.items() if method.isascii()},
        }

    def serves(self, method: str) -> bool:
        return self.takes_all or method in self.owners


class Leaf:
    """What the routes that match a path serve, method by method.

    They match if the path leads there, and matches `regex` where there is one.
    """

    __slots__ = ("owners", "regex", "shape", "targets")

    def __init__(self, shape: _Shape, targets: tuple[Target, ...], regex: re.Pattern[str] | None) -> None:
        self.shape = shape
        self.owners = shape.spelled
        self.targets = targets
        self.regex = regex

    def target(self, method: str) -> Target:
        """Where a request with that method goes."""
        return self.targets[self.shape.owners.get(method, self.shape.otherwise)]


def unrouted_methods(declared: Declared | None) -> Iterable[str]:
    """The methods that a policy grants where no route can be asked for its own."""
    named = declared.methods if isinstance(declared, CORSPolicy) else None
    return UNROUTED_METHODS if named is None else named
