"""How the layers and routes of route_cors on the way of a request cooperate, so that the innermost decides.

The index predicts where a request goes; the route that really serves it decides. The outermost layer puts its
result into the scope, a layer or route further in replaces it if it has a better one, and the outermost
writes the headers. The scope is the place because a middleware that copies it copies the reference too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch.target import Target
    from route_cors.judging import Judge
    from route_cors.protocol import Answer

Claim: TypeAlias = list[Any]
"""The claim for an actual request or a handshake. A list, as that is faster to make than an object.

`HEADERS`: the headers that the response gets (None: it is not changed). `TARGET`: the target whose terms they
follow. `JUDGE`: the judge of the outermost layer, which reports the decision. `EVENT`: what is still to be
reported (None: nothing). `FOUND`: the target that the outermost layer had found. `ENFORCES`: a layer on the
way refuses cross-origin requests that no policy allows, except where a policy has `enforce=False`.
"""
HEADERS: Final = 0
TARGET: Final = 1
JUDGE: Final = 2
EVENT: Final = 3
FOUND: Final = 4
ENFORCES: Final = 5


class Consultation:
    """The claim for a preflight that is passed on, because something further in may have a better answer.

    `answer` is the best answer so far, under the terms of `target`. `is_led`: the announced request goes to a
    known route, so nothing behind the router may answer for another route. `is_awaited`: a layer further out
    sends the answer; otherwise whatever has a better answer has to send it itself. `led_here` is where the
    preflight itself, an OPTIONS request, goes, if that can be predicted.
    """

    __slots__ = ("_endpoint", "answer", "is_awaited", "is_led", "judge", "led_here", "target")

    def __init__(
        self,
        target: Target,
        judge: Judge,
        answer: Answer | None,
        scope: Scope,
        led_here: Target | None = None,
    ) -> None:
        self.target = target
        self.led_here = led_here
        self.judge = judge
        self.answer = answer
        self.is_awaited = answer is not None
        self.is_led = False
        self._endpoint: object = None
        if target.is_known and not target.asks_inside:
            self.lead(scope)

    def lead(self, scope: Scope) -> None:
        """Note that it is known from here on where the announced request goes."""
        self.is_led = True
        self._endpoint = scope.get("endpoint")

    def leads_elsewhere(self, inner: Target, here: Target, scope: Scope) -> bool:
        """Whether the announced request is known not to get here, although the preflight does.

        `inner` is where it would go from here, and `here` is where the preflight itself goes. If that was
        predicted correctly, the prediction for the announced request is trusted too.
        """
        led_here = self.led_here
        if led_here is None or led_here.route is None:
            return False
        if led_here.agrees_with(here):
            return not self.target.agrees_with(inner)
        is_behind = bool(led_here.way) and scope.get("endpoint") is led_here.way[-1].leads_to
        return is_behind and self.target.route is not led_here.route

    def is_closed(self, scope: Scope) -> bool:
        """Whether the preflight got here through a router that would lead the announced request elsewhere.

        If a middleware in front of that router sent it here, the record of the router does not show it.
        """
        return self.is_led and scope.get("endpoint") is not self._endpoint


def may_advise(claim: object, inner: Target, here: Target, scope: Scope) -> bool:
    """Whether a layer or route further in may answer a preflight, given the claim in the scope.

    `inner` and `here` as in `Consultation.leads_elsewhere`.
    """
    if not isinstance(claim, Consultation):
        return False  # a request that a middleware turned into a preflight
    return not claim.is_closed(scope) and not claim.leads_elsewhere(inner, here, scope)


def knows_better(inner: Target, outer: Target) -> bool:
    """Whether a target found further in replaces the one found further out.

    A declared policy does, and among defaults the innermost. But if the outer one was certain and right about
    the route, it has already taken all declarations into account, including those further in.
    """
    if inner.terms is None or (not outer.asks_inside and inner.agrees_with(outer)):
        return False
    return inner.declared or not outer.declared


def is_lost(inner: Target, outer: Target) -> bool:
    """Whether the target found further out is declared for a route that does not serve the request.

    The policy may be that of a mount and still apply: so the response is closed.
    """
    is_mistaken = inner.is_known and outer.is_known and not inner.agrees_with(outer)
    return is_mistaken and outer.declared and not inner.declared
