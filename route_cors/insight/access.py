"""What one origin may do: the policies' own answer, for a whole report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from route_cors.decorators import NoCORS
from route_cors.origins import is_serialized_origin

if TYPE_CHECKING:
    from route_cors.insight.routes import ReportedRoute

__all__ = ["Access", "Verdict", "access_of"]

Verdict: TypeAlias = Literal["yes", "no", "asks"]
"""`asks`: a callable decides, with the request in hand."""


@dataclass(frozen=True, slots=True)
class Access:
    """Whether a page may call a route and read the answer, and whether its user's cookies may go along."""

    verdict: Verdict
    with_credentials: bool


_NONE = Access("no", with_credentials=False)


def access_of(route: ReportedRoute, origin: str) -> Access:
    """What pages of that origin may do on that route.

    Args:
        route: of a report.
        origin: as browsers send it.

    A policy that nothing carries out lets nobody in. Where there is none, browsers keep every page of another
    origin from reading; not so for websockets, which they let every page open.
    """
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
