"""What one origin may do, for a whole report: the policies' own answer, and that of the layers of others."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from route_cors.decorators import NoCORS
from route_cors.insight.foreign import OurLayer, UnknownLayer, speaking
from route_cors.insight.passage import GUISES
from route_cors.insight.simulated import Between, Written, is_readable
from route_cors.origins import is_serialized_origin
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from route_cors.insight.foreign import KnownLayer, Layer
    from route_cors.insight.passage import Guise
    from route_cors.insight.routes import ReportedRoute

STRANGER: Final = "https://anyotherorigin.app"
"""An origin that no policy names, on a domain that anyone can register."""

ANY_OTHER_ORIGIN: Final = "any other origin"
"""What a screen calls it."""

Verdict: TypeAlias = Literal["yes", "no", "asks", "unknown"]
"""`asks`: a callable decides on each request. `unknown`: something may answer CORS by itself."""


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a page may call a route and read the response, and whether its user's cookies may be sent."""

    verdict: Verdict
    with_credentials: bool


_NONE = Access("no", with_credentials=False)
_UNKNOWN = Access("unknown", with_credentials=False)


def access_of(route: ReportedRoute, origin: str) -> Access:
    """What pages of that origin may do on that route, with one of its methods at least.

    Args:
        route: of a report.
        origin: as browsers send it.

    A policy that no layer applies allows no origin. Without a policy, browsers do not let pages of other
    origins read responses, but they let every page open websockets.
    """
    layers = speaking_layers(route)
    granted = _granted_by_policy(route, origin)
    if route.kind == "websocket":
        may_close = (isinstance(each, UnknownLayer) and not each.passes_websockets for each in layers)
        return _UNKNOWN if any(may_close) else granted
    if not layers:
        return granted
    return _behind(Between(layers, _speaking(route, route.preflight_layers)), granted, route, origin)


def accesses_of(routes: Iterable[ReportedRoute], origin: str) -> list[Access]:
    """As `access_of`, for many routes, which share a few policies and layers."""
    known: dict[object, Access] = {}
    return [_once(known, route, origin) for route in routes]


def _once(known: dict[object, Access], route: ReportedRoute, origin: str) -> Access:
    # By identity: a layer is more than what is shown of it.
    layers = tuple(map(id, (*route.layers, None, *route.preflight_layers)))
    key = (id(route.policy), route.takes_effect, route.kind, route.methods, layers)
    if key not in known:
        known[key] = access_of(route, origin)
    return known[key]


def speaking_layers(route: ReportedRoute) -> tuple[KnownLayer | UnknownLayer, ...]:
    """The other layers that affect CORS on that route, from the outside in.

    Not those inside of a layer of route_cors that applies a policy: it replaces their headers.
    """
    return _speaking(route, route.layers)


def _speaking(route: ReportedRoute, layers: Iterable[Layer]) -> tuple[KnownLayer | UnknownLayer, ...]:
    if route.policy is not None and route.takes_effect:
        layers = itertools.takewhile(lambda layer: not isinstance(layer, OurLayer), layers)
    return speaking(layers)


def _granted_by_policy(route: ReportedRoute, origin: str) -> Access:
    policy = route.policy
    if policy is None or not route.takes_effect:
        is_unguarded = route.kind == "websocket"
        return Access("yes" if is_unguarded else "no", with_credentials=is_unguarded)
    if isinstance(policy, NoCORS):
        return _NONE
    sent = origin.encode("latin-1", "replace")
    credentials = policy.allow_credentials or route.kind == "websocket"
    if policy.origin_set.matches(sent):
        return Access("yes", with_credentials=credentials)
    if policy.origin_set.callables and is_serialized_origin(sent):
        return Access("asks", with_credentials=credentials)
    return _NONE


def _behind(layers: Between, granted: Access, route: ReportedRoute, origin: str) -> Access:
    """What is granted, as it gets through layers of others."""
    ends: list[_End] = []
    for written in _written(granted, route, origin):
        end = {_end(layers, written, route, origin, guise) for guise in _guises(layers.of_requests)}
        if len(end) > 1:
            return _UNKNOWN
        ends += end
    with_credentials = any(end.credentialed for end in ends)
    if len({end.plain for end in ends}) > 1:
        return Access("asks", with_credentials=with_credentials)
    return Access("yes" if ends[0].plain else "no", with_credentials=with_credentials)


class _End(NamedTuple):
    """Whether a page may read an answer, and whether it may if it asks for credentials."""

    plain: bool
    credentialed: bool


def _end(layers: Between, written: Written, route: ReportedRoute, origin: str, guise: Guise) -> _End:
    # What a mount or an app serves is not known: any method.
    methods = route.methods or ("GET",)
    plain, credentialed = (
        any(is_readable(layers, written, each, origin, guise, credentials=asked) for each in methods)
        for asked in (False, True)
    )
    return _End(plain, credentialed)


def _written(granted: Access, route: ReportedRoute, origin: str) -> list[Written]:
    """What ours may write for that origin."""
    policy = route.policy
    is_wildcard = isinstance(policy, CORSPolicy) and policy.origin_set.any and not policy.allow_credentials
    allowed = Written("*" if is_wildcard else origin, granted.with_credentials)
    refused = Written(None, allow_credentials=False)
    return {"yes": [allowed], "no": [refused]}.get(granted.verdict, [allowed, refused])


def _guises(layers: Sequence[KnownLayer | UnknownLayer]) -> Sequence[Guise]:
    return GUISES if any(isinstance(layer, UnknownLayer) for layer in layers) else GUISES[:1]
