"""Where a request goes, and the request as one router sees it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeVar

from starlette._utils import get_route_path

from route_cors.decorators import Declared
from route_cors.protocol import Terms

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch.leaves import Mounted

__all__ = ["MAX_MOUNTS", "TOO_DEEP", "Call", "Kind", "Target", "behind", "first"]

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
    """

    route: object
    terms: Terms | None
    path: str = ""
    methods: frozenset[str] | None = frozenset()
    redirects_to: str | None = None
    mounted: Mounted | None = None
    through: tuple[object, ...] = ()

    @property
    def opaque(self) -> bool:
        """Whether it is an ASGI app that shows no routes: what stands inside it is not known here."""
        return self.methods is None


def behind(mounts: tuple[Target, ...], target: Target) -> Target:
    """The target, as it is named from the top."""
    path = "".join(mount.path for mount in mounts) + target.path
    return replace(target, path=path, through=tuple(mount.route for mount in mounts))


# Not "no route", for which the app's default would speak: what is down there is closed.
TOO_DEEP: Final = Target(None, Terms(None))


def first(*declared: _Policy | None) -> _Policy | None:
    """The innermost policy wins: the first that is declared."""
    return next((policy for policy in declared if policy is not None), None)


class Call(NamedTuple):
    """The request as one router sees it. `path` is whole; a mount grows `root_path`, as in the scope."""

    scope: Scope
    kind: Kind
    method: str
    path: str
    root_path: str

    def route_path(self) -> str:
        """The path as that router matches it."""
        return (
            get_route_path({"path": self.path, "root_path": self.root_path}) if self.root_path else self.path
        )
