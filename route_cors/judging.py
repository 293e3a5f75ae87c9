"""Decide about one request, under the terms that apply where it goes, and report the decision.

protocol.py and senders.py decide what only depends on the headers of the request. This module adds what needs
more: the callables of a policy, which get the connection, and the log.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from starlette.requests import HTTPConnection

from route_cors.decisions import (
    ANSWER_NOT_READABLE,
    ANSWER_READABLE,
    CALLABLE_FAILED,
    PREFLIGHT_ALLOWED,
    PREFLIGHT_REFUSED,
    REQUEST_REFUSED,
    WEBSOCKET_ALLOWED,
    WEBSOCKET_REFUSED,
)
from route_cors.diagnostics import LOGGER, Diagnostics
from route_cors.dispatch.resolver import scope_at as scope_at_route
from route_cors.origins import is_serialized_origin
from route_cors.senders import judge_sender, read_sender

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Scope

    from route_cors.decisions import Event
    from route_cors.dispatch.target import Target
    from route_cors.protocol import Answer, Check, Headers, Preflight, Terms
    from route_cors.senders import Sender

    # The scope as the route of a target will see it, for a request with that method.
    ScopeAt = Callable[[Scope, Target, str | bytes], Scope]


class Judgement(NamedTuple):
    """The decision about an actual request: the headers of its response, and what to report.

    `refused_for` is the check for which the request must not be served; None: it is served.
    """

    headers: Headers
    event: Event | None
    refused_for: Check | None = None


class Judge:
    """Decides about requests for one layer, or for all routes that apply their policy themselves.

    Decisions are reported to `diagnostics`. `scope_at` is the function of the dispatcher, or that of the
    resolver for an app that has not been entered yet. `enforces`: cross-origin requests that no policy allows
    are refused, except where a policy has `enforce=False`.
    """

    __slots__ = ("curiosity", "diagnostics", "enforces", "scope_at")

    def __init__(
        self, diagnostics: Diagnostics, scope_at: ScopeAt = scope_at_route, *, enforces: bool = False
    ) -> None:
        self.diagnostics = diagnostics
        self.enforces = enforces
        self.curiosity = diagnostics.curiosity
        self.scope_at = scope_at

    async def preflight(
        self, terms: Terms, target: Target, preflight: Preflight, scope: Scope, *, explain: bool
    ) -> Answer:
        """The answer to a preflight (https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7)."""
        origin, method, _ = preflight
        allowed = await self.admits(terms, target, origin, scope, method)
        return terms.answer_preflight(preflight, origin_allowed=allowed, explain=explain)

    def speaks_of_refusals(self, scope: Scope) -> bool:
        """Whether a refused preflight has to be reported: to the log, to the callback, or for debugging."""
        return self.diagnostics.asked_for(PREFLIGHT_REFUSED, scope) or self.diagnostics.explains(scope)

    def told(self, answer: Answer, target: Target, preflight: Preflight, scope: Scope) -> Answer:
        """Report an answer, and return it as it is sent."""
        event = PREFLIGHT_REFUSED if answer.failed else PREFLIGHT_ALLOWED
        # For any preflight: browsers do not send them to the page's own origin.
        method = preflight[1].decode("latin-1")
        is_named = "headers" in answer.failed and self.diagnostics.asked_for(event, scope)
        names = preflight[2] if is_named else None
        refused = () if names is None or target.terms is None else target.terms.refused_names(names)
        self.diagnostics.tell(
            event, scope, target, method=method, failed=answer.failed, refused_headers=refused
        )
        if target.terms is None or not answer.failed or not self.diagnostics.explains(scope):
            return answer
        # By name: only needed where an app is debugged.
        reasons: Any = importlib.import_module("route_cors.insight.reasons")
        explained: Answer = reasons.explained(answer, target.terms, preflight, scope)
        return explained

    async def actual(
        self, terms: Terms, target: Target, scope: Scope, *, enforces: bool = False
    ) -> Judgement:
        """The headers for the response to an actual request, and whether it is served at all.

        `enforces`: as `Judge` has it, for a layer further out.
        """
        judgement = self.listed(terms, scope, enforces=enforces)
        if judgement is None:
            judgement = await self.unlisted(terms, target, scope, enforces=enforces)
        return judgement

    async def unlisted(
        self, terms: Terms, target: Target, scope: Scope, *, enforces: bool = False
    ) -> Judgement:
        """As `actual`, for an origin that only a callable may allow."""
        sender = sender_of(scope)
        origin = cast("bytes", sender.origin)
        is_admitted = await self._is_admitted(terms, target, origin, scope, scope["method"])
        readable = terms.readable_by_admitted(origin) if is_admitted else None
        return self._decided(terms, readable, sender, scope["method"], enforces=enforces)

    def listed(self, terms: Terms, scope: Scope, *, enforces: bool = False) -> Judgement | None:
        """As `actual`; None for an origin that only a callable may allow."""
        sender = sender_of(scope)
        readable = terms.readers.get(sender.origin) or terms.readable_by(sender.origin)
        if readable is None and terms.callables:
            return None
        return self._decided(terms, readable, sender, scope["method"], enforces=enforces)

    def _decided(
        self, terms: Terms, readable: Headers | None, sender: Sender, method: str, *, enforces: bool
    ) -> Judgement:
        """The decision, where `readable` are the headers for the sender's origin if the policy allows it."""
        headers = terms.unreadable if readable is None else readable
        if terms.is_enforced(by_layer=self.enforces or enforces):
            is_allowed = terms.any_origin or (sender.origin is not None and readable is not None)
            ruling = judge_sender(sender, method, is_allowed=is_allowed, for_anyone=terms.for_anyone)
            if ruling.failed is not None:
                return Judgement(headers, REQUEST_REFUSED, ruling.failed)
        if readable is None:
            return Judgement(headers, ANSWER_NOT_READABLE)
        return Judgement(headers, None if sender.origin is None else ANSWER_READABLE)

    def tell_of_actual(
        self, event: Event | None, target: Target, scope: Scope, refused_for: Check | None = None
    ) -> None:
        """Report the decision, unless a page of the app's own origin sent the request: it needs no policy."""
        if event is None or not self.diagnostics.asked_for(event, scope):
            return
        sender = sender_of(scope)
        if sender.is_own_page and refused_for is None:
            return
        failed: tuple[Check, ...] = () if event.allowed else (refused_for or "origin",)
        self.diagnostics.tell(
            event, scope, target, method=scope["method"], failed=failed, sender=refused_for and sender
        )

    async def refuses_handshake(
        self, terms: Terms, target: Target, scope: Scope, teller: Diagnostics
    ) -> bool:
        """Whether the handshake of a websocket has to be refused before it is accepted.

        Browsers let any page open a websocket to any server, with cookies, and only tell the server its
        origin (https://websockets.spec.whatwg.org/#websocket-opening-handshake): the server has to check it.
        The decision is reported to `teller`, the diagnostics of the outermost layer.
        """
        sender = sender_of(scope)
        if sender.is_own_page:
            return False
        origin = cast("bytes", sender.origin)
        if await self.admits(terms, target, origin, scope, ""):
            teller.tell(WEBSOCKET_ALLOWED, scope, target)
            return False
        teller.tell(WEBSOCKET_REFUSED, scope, target, failed=("origin",), sender=sender)
        return True

    async def admits(
        self, terms: Terms, target: Target, origin: bytes, scope: Scope, method: str | bytes
    ) -> bool:
        """Whether the policy allows the origin: by a list, or by one of its callables."""
        return terms.admits(origin) or await self._is_admitted(terms, target, origin, scope, method)

    async def _is_admitted(
        self, terms: Terms, target: Target, sent: bytes, scope: Scope, method: str | bytes
    ) -> bool:
        """Whether one of the policy's callables allows the origin; listed origins are not looked at."""
        if not terms.callables or not is_serialized_origin(sent):
            return False
        origin = sent.decode("ascii")
        connection = HTTPConnection(self.scope_at(scope, target, method))
        for is_allowed in terms.callables:
            try:
                verdict: Any = is_allowed(origin, connection)
                if inspect.isawaitable(verdict):
                    verdict = await verdict
                if not isinstance(verdict, bool):
                    raise TypeError(f"an origin callable must return True or False, not {verdict!r}")  # noqa: TRY301
            except BaseException as error:
                if ends_the_request(error):
                    raise
                # Only a serialized origin gets here: ASCII, no control characters, 512 bytes at most.
                LOGGER.exception("%s: callable=%r origin=%s", CALLABLE_FAILED, is_allowed, origin)
                continue
            if verdict:
                return True
        return False


def sender_of(scope: Scope) -> Sender:
    """Who sent a request, as far as its headers say it."""
    return read_sender(scope.get("scheme", "http"), scope.get("headers", ()))


def ends_the_request(error: BaseException) -> bool:
    """Whether the exception of a callable is not its failure, but the end of the request or server.

    A callable that awaits a task which was cancelled elsewhere raises the same CancelledError as one whose
    own request is cancelled; asyncio counts the cancellations of each task. In trio only a cancelled scope
    raises one.
    """
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        return any(map(ends_the_request, group.exceptions))
    if isinstance(error, asyncio.CancelledError):
        try:
            task = asyncio.current_task()
        except RuntimeError:  # not the event loop of asyncio
            return False
        return task is not None and task.cancelling() > 0
    # By name, as trio may not be installed.
    is_trios = type(error).__name__ == "Cancelled" and type(error).__module__.startswith("trio")
    return is_trios or isinstance(error, KeyboardInterrupt | GeneratorExit)
