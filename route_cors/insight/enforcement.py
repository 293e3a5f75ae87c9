"""Where cross-origin requests that no policy allows are refused: by a policy, or by layers around a route."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi.routing import APIWebSocketRoute

from route_cors.dispatch.routes import ROUTER_POLICY
from route_cors.insight.foreign import OurLayer
from route_cors.policy import CORSPolicy
from route_cors.routing import CORSRoute

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from route_cors.decorators import Declared
    from route_cors.insight.foreign import Layer
    from route_cors.insight.survey import Placed


def has_enforcing_layer(layers: Iterable[Layer]) -> bool:
    """Whether one of these layers enforces, except where a policy has `enforce=False`."""
    return any(isinstance(layer, OurLayer) and layer.enforces for layer in layers)


def is_default_of_enforcing(policy: Declared, layers: Iterable[Layer]) -> bool:
    """Whether a policy is the default of a layer that enforces: code for it needs both arguments."""
    ours = (layer for layer in layers if isinstance(layer, OurLayer) and layer.default == policy)
    return has_enforcing_layer(ours)


def is_enforced(placed: Placed, layers: Sequence[Layer]) -> bool:
    """Whether a route refuses, before it runs, requests of pages that its policy does not allow.

    Args:
        placed: the route or mount.
        layers: those that a request goes through on its way there.

    A websocket is guarded by its policy alone.
    """
    policy = placed.policy
    is_applied = placed.in_layer or answers_itself(placed.route) or any(map(_is_ours, layers))
    if placed.kind == "websocket":
        return policy is not None and is_applied
    declared = None if policy is None else policy.enforce
    return has_enforcing_layer(layers) if declared is None else declared and is_applied


def words_of_enforcement(policy: Declared | None, *, is_enforced: bool) -> list[str]:
    """Words to add to those for a policy, if they do not say that it is enforced.

    >>> from route_cors.policy import CORSPolicy
    >>> words_of_enforcement(CORSPolicy(origins="*"), is_enforced=True)
    ['enforced']
    """
    says_so = isinstance(policy, CORSPolicy) and policy.enforce
    return ["enforced"] if is_enforced and not says_so else []


def _is_ours(layer: Layer) -> bool:
    return isinstance(layer, OurLayer)


def answers_itself(route: object) -> bool:
    """Whether a route applies its policy without a layer: a CORSRoute or a guarded websocket."""
    dependencies = route.dependencies if isinstance(route, APIWebSocketRoute) else ()
    return isinstance(route, CORSRoute) or any(
        hasattr(depends.dependency, ROUTER_POLICY) for depends in dependencies
    )
