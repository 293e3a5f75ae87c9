"""Where a request goes, and the request as one router sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar

from starlette._utils import get_route_path

from route_cors.decorators import Declared, NoCORS
from route_cors.protocol import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

    from route_cors.dispatch.leaves import Entry, Mounted

# Scope key: what a layer further out found out about the request (claims.py), or True in copies of a scope
# that are only used to ask routes whether they match.
CLAIM: Final = "route_cors"

# The deepest nesting of mounts that is followed. Only an app that is mounted into itself has more; without a
# limit the path, which the client chooses, would determine how long this takes.
MAX_MOUNTS: Final = 64

Kind = Literal["http", "websocket"]
_Policy = TypeVar("_Policy", bound=Declared)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the route (None: nowhere), and the terms that apply there (None: no policy).

    `path` is the declared path of the route, after the paths of the mounts that lead there, which are in
    `through`. `methods` are those that the route serves; None for an ASGI app, where this is not known.
    `redirects_to` is the path of the slash redirect that the app would answer with.

    `endpoint` is what the router will record as `scope["endpoint"]`. `declared`: the terms are from a
    declared policy and not from a default. `asks_inside`: a part of route_cors that is not visible from here
    may serve the request, and then decides. `way` are the entries of the mounts and of the route; for a
    redirect, those of the mounts that lead to the router which answers it.
    """

    route: object
    terms: Terms | None
    path: str = ""
    methods: frozenset[str] | None = frozenset()
    redirects_to: str | None = None
    mounted: Mounted | None = None
    through: tuple[object, ...] = ()
    endpoint: object = None
    declared: bool = False
    asks_inside: bool = False
    way: tuple[Entry, ...] = ()
    # The terms, if no other part of route_cors, further out or in, may decide about the request.
    certain: Terms | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "certain", None if self.asks_inside else self.terms)

    def uncertain(self) -> Target:
        """The same target, for a layer that is not the only one on the way of the request."""
        target = replace(self)
        object.__setattr__(target, "certain", None)
        return target

    @property
    def is_known(self) -> bool:
        """Whether it is known what answers: an endpoint, or a router with its slash redirect."""
        if self.redirects_to is not None:
            return True
        return self.route is not None and not (self.way and self.way[-1].asks_inside)

    def agrees_with(self, other: Target) -> bool:
        """Whether both lead to the same route. Only the outermost router knows where a redirect leads."""
        is_same_redirect = self.redirects_to is not None and other.redirects_to is not None
        return self.route is other.route or is_same_redirect


def behind(mounts: tuple[Target, ...], target: Target) -> Target:
    """The target, as it is named from the top."""
    path = "".join(mount.path for mount in mounts) + target.path
    entries = tuple(entry for mount in mounts for entry in mount.way)
    return replace(
        target,
        path=path,
        through=(*(mount.route for mount in mounts), *target.through),
        # A middleware around the mounted app may send the request elsewhere, or rewrite its path.
        asks_inside=target.asks_inside or any(_is_wrapped(mount) for mount in mounts),
        way=(*entries, *target.way),
    )


def _is_wrapped(mount: Target) -> bool:
    return mount.mounted is not None and mount.mounted.is_wrapped


# Not "no route", to which the app's default would apply: routes at that depth are closed.
TOO_DEEP: Final = Target(None, Terms(None), declared=True)


def first(*declared: _Policy | None) -> _Policy | None:
    """The innermost policy wins: the first that is declared."""
    return next((policy for policy in declared if policy is not None), None)


def terms_of(declared: Declared, methods: Iterable[str] | None = ()) -> Terms:
    """The terms of what is declared, for these methods."""
    if isinstance(declared, NoCORS):
        return Terms(None, enforces=declared.enforce)
    return Terms(declared, methods)


class Call(NamedTuple):
    """The request as one router sees it. `path` is whole; a mount grows `root_path`, as in the scope."""

    scope: Scope
    kind: Kind
    method: str
    path: str
    root_path: str

    @classmethod
    def of(cls, scope: Scope, method: str | bytes, root_path: str) -> Call:
        """The request of a scope; `method` in bytes where a preflight announces it."""
        method = method.decode("latin-1") if isinstance(method, bytes) else method
        return cls(scope, scope["type"], method, scope["path"], root_path)

    def inside(self, child_scope: Scope, root_path: str) -> Call:
        """The request as what is mounted sees it."""
        return self._replace(path=child_scope.get("path", self.path), root_path=root_path)

    def route_path(self) -> str:
        """The path as that router matches it."""
        return (
            get_route_path({"path": self.path, "root_path": self.root_path}) if self.root_path else self.path
        )
