"""What is served where a path ends: the routes that match there, and which of them serves which method."""

from __future__ import annotations

import functools
import operator
from typing import TYPE_CHECKING, Any, Final

from starlette.routing import Match, Route, WebSocketRoute

from route_cors.decorators import Lost
from route_cors.dispatch.apps import default_of, holds_nothing, root_path_inside
from route_cors.dispatch.routes import NO_POLICIES, ask, leads_to_app, methods_of, policies_of_methods
from route_cors.dispatch.target import Call, Kind, Target, behind, first
from route_cors.dispatch.trie import Node, Trie

if TYPE_CHECKING:
    import re
    from collections.abc import Iterable, Mapping

    from route_cors.decorators import Declared
    from route_cors.dispatch.index import Index
    from route_cors.dispatch.routes import Registered
    from route_cors.protocol import Terms

# Compiled sets of overlapping routes that are kept: a bound on the memory that hostile paths can use.
_MAX_OVERLAPS: Final = 1024


@functools.lru_cache(maxsize=256)
def _shared(methods: frozenset[str]) -> frozenset[str]:
    """One object for all routes of the same methods: a set of its own is a fifth of a route's memory."""
    return methods


class Entry:
    """One route, ready to be matched.

    `methods` are those it is known to serve (None: an ASGI app, where this is not known); `serves_all`: the
    router passes it any method; `judges_method`: its own `matches` decides about each method. `asks_inside`:
    it leads to an app that may contain invisible parts of route_cors. `default` is that of a layer around a
    mounted app, in place of the index's own.
    """

    __slots__ = (
        "_of_methods",
        "asks_inside",
        "context",
        "deciding_regex",
        "declared",
        "default",
        "endpoint",
        "judges_method",
        "kinds",
        "matcher",
        "methods",
        "mounted",
        "order",
        "path",
        "regex",
        "route",
        "serves_all",
    )

    def __init__(
        self, order: int, registered: Registered, *, is_exact: bool, mounted: Mounted | None = None
    ) -> None:
        self.order = order
        self.route = registered.declared
        self.context = registered.context
        self.matcher = registered.matcher
        effective = registered.effective
        # A Host has none, and a route that overrides `matches` may have none.
        self.path: str = getattr(effective, "path", "")
        self.declared = registered.policy()
        app = registered.mounted_app
        self.regex: re.Pattern[str] | None = effective.path_regex if registered.is_indexed else None
        # What remains to be decided at the end of the trail.
        self.deciding_regex = None if is_exact else self.regex
        self.judges_method = self.regex is None and app is None
        self.kinds: tuple[Kind, ...] = ("http", "websocket")
        self.methods: frozenset[str] | None = None
        self.mounted = mounted
        self.serves_all = True
        self.default: Declared | None = None
        self._of_methods: Mapping[Declared, frozenset[str]] = NO_POLICIES
        self.endpoint = registered.endpoint
        self.asks_inside = False
        if mounted is not None:
            self.methods = frozenset()  # those of its routes count
        elif app is not None:
            self.default = first(*map(default_of, reversed(registered.around)))
            self.asks_inside = not holds_nothing(app)
        else:
            self._describe_endpoint(effective)

    @property
    def leads_to(self) -> object:
        """The app that the router records as the endpoint of a request that it passes on; else None."""
        if self.mounted is None and not self.asks_inside:
            return None
        return getattr(self.matcher, "app", self.endpoint)

    def _describe_endpoint(self, effective: Any) -> None:
        self.asks_inside = leads_to_app(self.matcher, self.endpoint)
        if isinstance(self.matcher, WebSocketRoute):
            self.kinds = ("websocket",)
            self.methods = frozenset()
        elif isinstance(self.matcher, Route):
            self.kinds = ("http",)
            self.serves_all = not effective.methods
            served = methods_of(self.endpoint)
            self.methods = _shared(frozenset(effective.methods)) if effective.methods else served
            self._of_methods = policies_of_methods(self.endpoint)

    def policies(self) -> Iterable[Declared | None]:
        """All policies that the route may be served under."""
        return (self.declared, self.default, *self._of_methods)

    def declared_for(self, method: str) -> Declared | None:
        """The policy that is declared for requests with that method."""
        of_method = (each for each, methods in self._of_methods.items() if method in methods)
        return next(of_method, self.declared)

    def lost(self) -> list[Lost]:
        """The `Lost` in place of lost policies, if there is one."""
        return [each for each in (self.declared, *self._of_methods) if isinstance(each, Lost)]

    def offers(self) -> Iterable[Offer]:
        """What an indexed route serves wherever its path matches."""
        return self._offers(self.methods, takes_all=self.serves_all)

    def offers_on(self, call: Call, path: str) -> Iterable[Offer]:
        """What the route serves for this request; nothing if it does not match."""
        if self.regex is not None:
            return self.offers() if self.regex.match(path) else ()
        match, _ = ask(self.matcher, call, self.context)
        if match is Match.NONE:
            return ()
        if match is Match.FULL:
            return self._offers(self.methods, takes_all=True)  # it takes this request, in any case
        return self._offers(frozenset(), takes_all=False)

    def _offers(self, methods: frozenset[str] | None, *, takes_all: bool) -> Iterable[Offer]:
        if methods is not None:
            for declared, of_methods in self._of_methods.items():
                yield self, methods & of_methods, False, declared
                methods -= of_methods
        yield self, methods, takes_all, self.declared

    def target(self, terms: Terms | None, declared: Declared | None) -> Target:
        """The target of a request that this route serves."""
        return Target(
            self.route,
            terms,
            self.path,
            self.methods,
            mounted=self.mounted,
            endpoint=self.endpoint,
            declared=declared is not None,
            asks_inside=self.asks_inside,
            way=(self,),
        )


class Mounted:
    """The way into a mounted app that shows its routes.

    `is_wrapped`: there is something around it whose behaviour is not known. `prefix` is the length of the
    part that the mount removes from the path, if that is constant and all that the mount does; else None.
    """

    __slots__ = ("_mount", "_regex", "_seen", "app", "index", "is_wrapped", "prefix")

    def __init__(self, registered: Registered, index: Index, *, is_exact: bool) -> None:
        mount = registered.effective
        self._mount = registered.matcher
        self._regex = mount.path_regex if registered.is_indexed else None
        self.app = registered.mounted_app
        self.index = index
        self.is_wrapped = registered.is_wrapped
        is_plain = is_exact and not mount.param_convertors.keys() - {"path"} and mount.path
        self.prefix = len(mount.path) if is_plain and not root_path_inside(self.app, "") else None
        # Targets inside, as they are named from outside: by the object, as to hash one takes long.
        self._seen: dict[int, tuple[Target, Target]] = {}

    def enter(self, call: Call, path: str) -> Call:
        """The request as the mounted app sees it."""
        found = None if self._regex is None else self._regex.match(path)
        if found is not None:
            # As Mount.matches does it, including its treatment of a trailing newline.
            root_path = call.root_path + path[: -len("/" + found["path"])]
            return call._replace(root_path=root_path_inside(self.app, root_path))
        child = ask(self._mount, call, None)[1]
        return call.inside(child, root_path_inside(self.app, child.get("root_path", call.root_path)))

    def seen_from_outside(self, mount: Target, inside: Target) -> Target:
        """The inner target, as it is named outside of the mount; one object for each inner target."""
        known = self._seen.get(id(inside))
        if known is not None:
            return known[1]
        if len(self._seen) >= _MAX_OVERLAPS:
            self._seen.clear()  # of routes that are gone, mostly
        target = behind((mount,), inside)
        # With the inner one, so that no other object gets its id.
        self._seen[id(inside)] = inside, target
        return target


class Routes(Trie["Entry", "Leaf"]):
    """The routes of one kind, by path; routes that match together are compiled at the first request."""

    def __init__(self, index: Index, kind: Kind) -> None:
        super().__init__()
        self.asks_routes = False
        self._index = index
        self._kind: Kind = kind
        self._shapes: dict[tuple[_Served, ...], _Shape] = {}
        self._overlaps: dict[tuple[Offer, ...], Leaf] = {}

    def register(self, trail: Iterable[str], entry: Entry) -> None:
        """Add a route."""
        self.add(trail, entry)
        self.asks_routes = self.asks_routes or entry.judges_method

    def find(self, call: Call, path: str) -> Leaf | None:
        """The leaf of the routes that match the path; None if no route does."""
        leaf = None if "\n" in path else self._leaf_of(self.end_of(path))
        if leaf is not None and (leaf.regex is None or leaf.regex.match(path)):
            return leaf
        candidates = self.candidates(path)
        if path[-1:] == "\n":
            # The `$` of a route's regex also matches before it: `/a\n` is `/a` to the router.
            candidates = [*{*candidates, *self.candidates(path[:-1])}]
        return self._overlap(call, path, candidates) if candidates else None

    def _leaf_of(self, node: Node[Entry, Leaf]) -> Leaf | None:
        """The leaf where the path ends, if at most one regex decides; compiled once."""
        if node.leaf is None and (node.ends or node.inherited):
            matching = sorted([*node.ends, *node.inherited], key=_by_order)
            regexes = {entry.deciding_regex for entry in node.ends} or {None}
            if len(regexes) == 1:
                offers = [offer for entry in matching for offer in entry.offers()]
                node.leaf = self._compiled(offers, *regexes)
        return node.leaf

    def _overlap(self, call: Call, path: str, candidates: list[Entry]) -> Leaf | None:
        """The leaf of the candidates that really match, in the order in which the router tries them."""
        offers: list[Offer] = []
        for entry in sorted(candidates, key=_by_order):
            offers += entry.offers_on(call, path)
            if offers and offers[-1][2]:
                break
        if not offers:
            return None
        key = tuple(offers)
        leaf = self._overlaps.get(key)
        if leaf is None:
            if len(self._overlaps) >= _MAX_OVERLAPS:
                self._overlaps.clear()
                self._shapes.clear()
            leaf = self._overlaps[key] = self._compiled(offers, None)
        return leaf

    def _compiled(self, offers: list[Offer], regex: re.Pattern[str] | None) -> Leaf:
        policies = [self._policy(offer) for offer in offers]
        shape = self._shape(tuple((methods or frozenset(), takes_all) for _, methods, takes_all, _ in offers))
        targets: list[Target] = []
        for (entry, served, _, declared), policy in zip(offers, policies, strict=True):
            # Methods are granted together if their policies are equal: see Terms.
            methods = [method for method, owner in shape.owners.items() if policies[owner] == policy]
            terms = self._index.terms(policy, None if served is None else methods)
            targets.append(entry.target(terms, declared))
        return Leaf(shape, tuple(targets), regex)

    def _policy(self, offer: Offer) -> Declared | None:
        """The policy of an offer. A default only applies to HTTP, not to a mount that shows its routes."""
        entry, _, _, declared = offer
        if self._kind == "websocket" or entry.mounted is not None:
            return declared
        return first(declared, entry.default, self._index.default)

    def _shape(self, served: tuple[_Served, ...]) -> _Shape:
        shape = self._shapes.get(served)
        if shape is None:
            shape = self._shapes[served] = _Shape(served)
        return shape


_by_order = operator.attrgetter("order")

# A route that matches a path, the methods it serves there (None: an ASGI app, where this is not known),
# whether it takes all other methods too, and the policy that is declared for them.
Offer = tuple["Entry", "frozenset[str] | None", bool, "Declared | None"]
# The methods that a route serves, and whether it takes all others too.
_Served = tuple[frozenset[str], bool]


class _Shape:
    """Which of the routes that match a path serves which method; shared by all paths where it is the same.

    `owners` are the positions of those that serve a method, `otherwise` that of the one that gets all
    others, possibly to answer 405. `taken` are the methods served before that one, which matters for a mount.
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

    They match if the path leads there and matches `regex`, if there is one.
    """

    __slots__ = ("otherwise", "owners", "regex", "shape", "targets")

    def __init__(self, shape: _Shape, targets: tuple[Target, ...], regex: re.Pattern[str] | None) -> None:
        self.shape = shape
        self.owners = shape.spelled
        # The target for all other methods; None if the routes have to be checked for changes first.
        self.otherwise = shape.otherwise if shape.takes_all else None
        self.targets = targets
        self.regex = regex

    def target(self, method: str) -> Target:
        """The target of a request with that method."""
        return self.targets[self.shape.owners.get(method, self.shape.otherwise)]
