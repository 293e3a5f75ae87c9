"""What became of one request to an app's stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from route_cors.insight.beside import NOTHING_BESIDE, Beside, serves
from route_cors.insight.foreign import KnownLayer, OurLayer, UnknownLayer
from route_cors.insight.passage import Passage

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch import Target
    from route_cors.protocol import Check, Preflight

__all__ = ["Asked", "Carrier", "Handled"]

Carrier: TypeAlias = Literal["layer", "route"]
"""Who carries a policy out: a layer around the route, or the route itself, as a CORSRoute does."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A callable of a policy that was asked about the origin, and what it said."""

    name: str
    allowed: bool
    fault: str | None

    def __str__(self) -> str:
        said = "allows it" if self.allowed else "does not allow it"
        return f"{self.name} {said if self.fault is None else self.fault}"


@dataclass(slots=True, kw_only=True)
class Handled:
    """What became of one request.

    Attributes:
        scope: of the request.
        method: the one whose policy counts: the request's own, or the one that a preflight announces; "" of a
            handshake.
        beside: what else the path serves, where no route serves the request.
        target: where a request of that method goes. Its terms are those that hold, tried changes included.
        receiver: where this very request goes: for a preflight, what takes its OPTIONS.
        preflight: what it asks; None where it is none.
        carrier: who carries the policy out; None: nobody.
        is_decided: whether it was held against the policy.
        failed: the checks of the policy that it did not pass.
        asked: the callables, in their order.
        passages: the layers on its way, from the outside in, and what became of it there.
        reached_app: whether the answer is the app's, and not a layer's.
        is_endpoints_own: whether it is that of an endpoint, which is not known.
    """

    scope: Scope
    method: str
    target: Target
    receiver: Target
    preflight: Preflight | None
    beside: Beside = NOTHING_BESIDE
    carrier: Carrier | None
    is_decided: bool = False
    failed: tuple[Check, ...] = ()
    asked: list[Asked] = field(default_factory=list[Asked])
    passages: list[Passage] = field(default_factory=list[Passage])
    reached_app: bool = False
    is_endpoints_own: bool = False

    @property
    def is_websocket(self) -> bool:
        """Whether it is a websocket's handshake."""
        return bool(self.scope["type"] == "websocket")

    @property
    def is_served(self) -> bool:
        """Whether a route is there that serves the method, be it behind a redirect."""
        return self.is_websocket or serves(self.target, self.method)

    @property
    def others(self) -> list[Passage]:
        """The layers of others that it got to."""
        return [each for each in self.passages if each.is_reached and not isinstance(each.layer, OurLayer)]

    @property
    def answered_by(self) -> KnownLayer | None:
        """The layer of others that answered it, in place of the app and of ours."""
        if self.is_answered_by_us or not self.others or self.others[-1].hands_on:
            return None
        layer = self.others[-1].layer
        return layer if isinstance(layer, KnownLayer) else None

    @property
    def unknown(self) -> list[UnknownLayer]:
        """Those of them of which nothing is known. A handshake that ours decides on is not theirs to open."""
        met: list[UnknownLayer] = []
        for passage in self.passages:
            layer = passage.layer
            if not passage.is_reached or (
                isinstance(layer, OurLayer) and self.is_websocket and self.is_decided
            ):
                break
            if isinstance(layer, UnknownLayer) and not (self.is_websocket and layer.passes_websockets):
                met.append(layer)
        return met

    @property
    def is_answered_by_us(self) -> bool:
        """Whether our layer, or the route, answers in place of the app: a preflight, or a refusal."""
        return self.is_decided and not self.reached_app
