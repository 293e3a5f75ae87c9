"""Where a request goes, and what the layer would decide about it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, cast

from route_cors.decisions import (
    ANSWER_NOT_READABLE,
    ANSWER_READABLE,
    PREFLIGHT_ALLOWED,
    PREFLIGHT_REFUSED,
    REQUEST_REFUSED,
    WEBSOCKET_ALLOWED,
    WEBSOCKET_REFUSED,
)
from route_cors.dispatch.served import served_in
from route_cors.insight.dry_run.would_be import WouldBe
from route_cors.judging import sender_of
from route_cors.protocol import Answer, Terms, read_preflight
from route_cors.serving import CLOSED

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.dispatch.resolver import Resolver
    from route_cors.dispatch.target import Target
    from route_cors.judging import Judge
    from route_cors.protocol import Headers, Preflight

WITHOUT_POLICY: Final = Terms(None)
"""The terms of a route without a policy, in an app that enforces: nobody is allowed there."""

_MAX_REMEMBERED: Final = 256


class Forecast:
    """What the layer would decide. Decisions that it would only look up are kept.

    Args:
        resolver: of the app.
        judge: decides as that of the layer does.
    """

    def __init__(self, resolver: Resolver, judge: Judge) -> None:
        self._resolver = resolver
        self._judge = judge
        self._kept: dict[object, tuple[Headers | Answer, WouldBe]] = {}

    def target_of(self, scope: Scope) -> tuple[Target, Preflight | None]:
        """Where a request goes, or the request that a preflight announces."""
        if scope["type"] != "http":
            return self._resolver.resolve(scope, ""), None
        method = scope["method"]
        preflight = read_preflight(scope["headers"]) if method == "OPTIONS" else None
        return self._resolver.resolve_http(scope, method if preflight is None else preflight[1]), preflight

    def looked_up(
        self, terms: Terms, target: Target, preflight: Preflight | None, origin: bytes
    ) -> WouldBe | None:
        """The decision about an HTTP request; None if the request has to be judged."""
        found: Headers | Answer | None
        if preflight is not None:
            found = terms.granted.get(preflight) or terms.refused.get(preflight)
        elif terms.is_enforced(by_layer=self._judge.enforces):
            return None
        else:
            found = terms.readers.get(origin) or terms.readable_by(origin)
            if found is None:
                found = terms.unreadable
        if found is None:
            return None
        key = (id(target), preflight or origin)
        kept = self._kept.get(key)
        # The terms may say something else since then. The target of that id is kept, so it is still the same.
        if kept is None or kept[0] is not found:
            if len(self._kept) >= _MAX_REMEMBERED:
                self._kept.clear()  # a client makes up new ones
            self._kept[key] = kept = found, _made(terms, target, preflight, origin, found)
        return kept[1]

    async def judged(
        self, terms: Terms, target: Target, preflight: Preflight | None, scope: Scope, origin: bytes
    ) -> WouldBe | None:
        """The decision about a request; None if it comes from a page of the app's own origin."""
        if scope["type"] == "http" and not terms.callables:
            known = self.looked_up(terms, target, preflight, origin)
            if known is not None:
                return known
        elif sender_of(scope).is_own_page and not self.may_refuse(terms, scope):
            return None
        if preflight is not None:
            answer = await self._judge.preflight(terms, target, preflight, scope, explain=False)
            return _made(terms, target, preflight, origin, answer)
        if scope["type"] == "http":
            return await self._actual(terms, target, scope, origin)
        return await self._handshake(terms, target, scope, origin)

    async def settled(self, would_be: WouldBe, noted: object, scope: Scope) -> WouldBe | None:
        """The decision once the router has noted which endpoint it ran, which has the last word.

        Args:
            would_be: what was decided before.
            noted: what the record held before.
            scope: of the request, with the record.
        """
        target, origin = would_be.target, would_be.origin
        served = served_in(scope, (target,), noted)
        if served is None or (served.terms is None and not target.is_known):
            return would_be
        settled = await self.judged(served.terms or CLOSED, served, None, scope, origin)
        if settled is None or settled.event is not REQUEST_REFUSED:
            return settled
        return replace(settled, event=ANSWER_NOT_READABLE)  # it has run: there is nothing left to refuse

    def may_refuse(self, terms: Terms, scope: Scope) -> bool:
        """Whether the request would be refused if a page sent it that no policy allows."""
        return scope["type"] == "http" and terms.is_enforced(by_layer=self._judge.enforces)

    async def _actual(self, terms: Terms, target: Target, scope: Scope, origin: bytes) -> WouldBe | None:
        headers, event, refused_for = await self._judge.actual(terms, target, scope)
        if event is None or (terms is WITHOUT_POLICY and refused_for is None):
            return None  # the response is not changed
        failed = () if event.allowed else (refused_for or "origin",)
        return WouldBe(event, target, terms, origin, failed, headers)

    async def _handshake(self, terms: Terms, target: Target, scope: Scope, origin: bytes) -> WouldBe:
        if await self._judge.admits(terms, target, origin, scope, ""):
            return WouldBe(WEBSOCKET_ALLOWED, target, terms, origin)
        return WouldBe(WEBSOCKET_REFUSED, target, terms, origin, ("origin",))


def _made(
    terms: Terms, target: Target, preflight: Preflight | None, origin: bytes, found: Headers | Answer
) -> WouldBe:
    if preflight is None:
        headers = cast("Headers", found)
        if headers is terms.unreadable and not terms.any_origin:
            return WouldBe(ANSWER_NOT_READABLE, target, terms, origin, ("origin",), headers)
        return WouldBe(ANSWER_READABLE, target, terms, origin, (), headers)
    answer = found if isinstance(found, Answer) else Answer(204, found, b"")
    event = PREFLIGHT_REFUSED if answer.failed else PREFLIGHT_ALLOWED
    return WouldBe(event, target, terms, origin, answer.failed, answer.headers, answer.status, preflight)
