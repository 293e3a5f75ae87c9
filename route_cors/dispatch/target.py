"""Where a request goes, and the request as one router sees it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar

from starlette._utils import get_route_path

from route_cors.decorators import Declared, Lost, NoCORS
from route_cors.protocol import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

    from route_cors.dispatch.leaves import Entry, Mounted

__all__ = ["CLAIM", "MAX_MOUNTS", "TOO_DEEP", "Call", "Kind", "Target", "behind", "first", "terms_of"]

# Scope key: what a layer further out has found out about the request (claims.py), or True in the copies of a
# scope with which routes are asked whether they match.
CLAIM: Final = "route_cors"

# Mounts inside mounts that are followed. Only an app that is mounted into itself has more; then the path,
# which the client chooses, would say how long we take.
MAX_MOUNTS: Final = 64

Kind = Literal["http", "websocket"]
_Policy = TypeVar("_Policy", bound=Declared)


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the route (None: nowhere), and the terms that hold there (None: no policy).

    `path` is the route's own, as it was declared, after those of the mounts that lead there, which `through`
    names. `methods` are those that the route serves; None for an ASGI app, which alone knows. `redirects_to`
    is the path of the slash redirect that the app would answer with.

    `endpoint` is what the router will note as `scope["endpoint"]`. `declared` tells terms that somebody
    declared from those of a default. `asks_inside`: something of ours that is not seen from here may serve
    the request, and then knows better. `way` are the entries of the mounts and of
    the route; of a redirect, those of the mounts that lead to the router which answers it.
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
    # The terms, where nobody else of ours, further out or in, has anything to say about the request.
    certain: Terms | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "certain", None if self.asks_inside else self.terms)

    def uncertain(self) -> Target:
        """The same, for who is not alone on the way of the request."""
        target = replace(self)
        object.__setattr__(target, "certain", None)
        return target

    @property
    def opaque(self) -> bool:
        """Whether it is an ASGI app that shows no routes: what stands inside it is not known here."""
        return self.methods is None

    @property
    def is_known(self) -> bool:
        """Whether it is known who answers: an endpoint, or a router with its slash redirect."""
        if self.redirects_to is not None:
            return True
        return self.route is not None and not (self.way and self.way[-1].asks_inside)

    def agrees_with(self, other: Target) -> bool:
        """Whether both lead to the same route. Where a redirect leads is for the outermost router to say."""
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


# Not "no route", for which the app's default would speak: what is down there is closed.
TOO_DEEP: Final = Target(None, Terms(None), declared=True)


def first(*declared: _Policy | None) -> _Policy | None:
    """The innermost policy wins: the first that is declared."""
    return next((policy for policy in declared if policy is not None), None)


def terms_of(declared: Declared, methods: Iterable[str] | None = ()) -> Terms:
    """The terms of what is declared, for these methods."""
    if isinstance(declared, NoCORS):
        return Terms(None, enforces=isinstance(declared, Lost) and declared.enforce)
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
