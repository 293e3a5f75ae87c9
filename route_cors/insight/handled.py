"""The result of one request to an app's stand-in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from route_cors.insight.beside import NOTHING_BESIDE, Beside, serves
from route_cors.insight.foreign import KnownLayer, OurLayer, UnknownLayer
from route_cors.insight.passage import Passage

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch.target import Target
    from route_cors.protocol import Check, Preflight

Carrier: TypeAlias = Literal["layer", "route"]
"""What applies a policy: a layer around the route, or the route itself, such as a CORSRoute."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An origin callable that was called, and its result."""

    name: str
    allowed: bool
    fault: str | None

    def __str__(self) -> str:
        said = "allows it" if self.allowed else "does not allow it"
        return f"{self.name} {said if self.fault is None else self.fault}"


@dataclass(slots=True, kw_only=True)
class Handled:
    """The result of one request.

    Attributes:
        scope: of the request.
        method: the method whose policy counts: that of the request, or the one that a preflight announces; ""
            for a handshake.
        beside: what else the path serves, if the request has no route.
        target: where a request with that method goes. Its terms are those that apply, with any tried change.
        receiver: where this request itself goes: for a preflight, the route that gets the OPTIONS request.
        preflight: the preflight; None if it is not one.
        carrier: what applies the policy; None if nothing does.
        is_decided: whether the policy was applied to it.
        failed: the checks of the policy that failed.
        layers_enforce: whether a layer around the route enforces, unless the policy says otherwise.
        refused_for: the check for which enforcement, or the policy of a websocket, refused it.
        asked: the callables that were called, in their order.
        asks_route: whether a route that writes no headers to its 405 is asked whether it refuses the request.
        passages: the layers on its way, from the outside in, and what they did.
        reached_app: whether the response is from the app and not from a layer.
        is_endpoints_own: whether it is the response of an endpoint, which is not known.
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
    layers_enforce: bool = False
    refused_for: Check | None = None
    asked: list[Asked] = field(default_factory=list[Asked])
    asks_route: bool = False
    passages: list[Passage] = field(default_factory=list[Passage])
    reached_app: bool = False
    is_endpoints_own: bool = False

    @property
    def is_websocket(self) -> bool:
        """Whether it is a websocket handshake."""
        return bool(self.scope["type"] == "websocket")

    @property
    def is_served(self) -> bool:
        """Whether a route serves the method, possibly after a redirect."""
        return self.is_websocket or serves(self.target, self.method)

    @property
    def is_enforced(self) -> bool:
        """Whether it is a request that is refused if a page sent it that no policy allows."""
        if self.is_websocket or self.preflight is not None or not self.is_asked:
            return False
        terms = self.target.terms
        return self.layers_enforce if terms is None else terms.is_enforced(by_layer=self.layers_enforce)

    @property
    def is_asked(self) -> bool:
        """Whether a layer of route_cors, or a route that applies its policy itself, got the request."""
        by_layer = any(each.is_reached and isinstance(each.layer, OurLayer) for each in self.passages)
        return by_layer or self.asks_route

    @property
    def others(self) -> list[Passage]:
        """The other layers that it reached."""
        return [each for each in self.passages if each.is_reached and not isinstance(each.layer, OurLayer)]

    @property
    def answered_by(self) -> KnownLayer | None:
        """The other layer that answered it, instead of the app and of a layer of route_cors."""
        if self.is_answered_by_us or not self.others or self.others[-1].hands_on:
            return None
        layer = self.others[-1].layer
        return layer if isinstance(layer, KnownLayer) else None

    @property
    def unknown(self) -> list[UnknownLayer]:
        """Those of them with unknown behaviour that may decide about the request."""
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
        """Whether the layer or the route answers instead of the app: a preflight or a refusal."""
        return self.is_decided and not self.reached_app
