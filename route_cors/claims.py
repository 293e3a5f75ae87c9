"""What the layers and routes of ours that one request passes tell each other, so that the innermost decides.

The index foretells where a request goes; what really serves it has the last word. The outermost of ours puts
what it found into the scope, whoever is further in and knows better takes it over, and the outermost writes
it. In the scope, as a middleware that copies the scope copies the reference too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch import Target
    from route_cors.judging import Judge
    from route_cors.protocol import Answer

__all__ = [
    "EVENT",
    "FOUND",
    "HEADERS",
    "JUDGE",
    "TARGET",
    "Claim",
    "Consultation",
    "is_lost",
    "knows_better",
    "may_advise",
]

Claim: TypeAlias = list[Any]
"""Of an actual request or a handshake. A list: an object of a class of ours takes longer to make.

At `HEADERS` those that the response gets (None: it stays as it is), at `TARGET` whose terms these follow, at
`JUDGE` the outermost's, who tells of the decision, at `EVENT` what is still to be told (None: nothing), and
at `FOUND` the target that the outermost had found.
"""
HEADERS: Final = 0
TARGET: Final = 1
JUDGE: Final = 2
EVENT: Final = 3
FOUND: Final = 4


class Consultation:
    """Of a preflight that is passed in, as something further in may know better than the outermost.

    `answer` is the best so far, on the terms of `target`. `is_led` tells that the request that is announced
    goes to a route that is known, so that nobody behind the router may speak for another one. `is_awaited`:
    somebody further out answers; else whoever does better has to answer itself. `led_here` is where the
    preflight itself goes, an OPTIONS request, where that can be foretold.
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
        """Note that it is known where the announced request goes, from here."""
        self.is_led = True
        self._endpoint = scope.get("endpoint")

    def leads_elsewhere(self, inner: Target, here: Target, scope: Scope) -> bool:
        """Whether the announced request is known not to come here, though the preflight does.

        `inner` is where it would go from here, and `here` where the preflight itself goes. Where that is what
        was foretold of the preflight, what was foretold of the request it announces holds too.
        """
        led_here = self.led_here
        if led_here is None or led_here.route is None:
            return False
        if led_here.agrees_with(here):
            return not self.target.agrees_with(inner)
        is_behind = bool(led_here.way) and scope.get("endpoint") is led_here.way[-1].leads_to
        return is_behind and self.target.route is not led_here.route

    def is_closed(self, scope: Scope) -> bool:
        """Whether the preflight came here through a router that would lead the announced request elsewhere.

        A middleware in front of that router, which sent it here, leaves no trace in the router's record.
        """
        return self.is_led and scope.get("endpoint") is not self._endpoint


def may_advise(claim: object, inner: Target, here: Target, scope: Scope) -> bool:
    """Whether somebody further in may answer a preflight, with what is claimed further out in the scope.

    `inner` and `here` as `Consultation.leads_elsewhere` has them.
    """
    if not isinstance(claim, Consultation):
        return False  # a request that a middleware has turned into a preflight
    return not claim.is_closed(scope) and not claim.leads_elsewhere(inner, here, scope)


def knows_better(inner: Target, outer: Target) -> bool:
    """Whether what somebody further in found replaces what was found further out.

    What is declared does, and among defaults the innermost. Where the one further out was certain, and right
    about the route, it has taken all declarations into account, those further in included.
    """
    if inner.terms is None or (not outer.asks_inside and inner.agrees_with(outer)):
        return False
    return inner.declared or not outer.declared


def is_lost(inner: Target, outer: Target) -> bool:
    """Whether what was found further out is declared for a route that does not serve the request.

    It may have been declared on a mount, and hold all the same: so the request is closed.
    """
    is_mistaken = inner.is_known and outer.is_known and not inner.agrees_with(outer)
    return is_mistaken and outer.declared and not inner.declared
