"""The layer of a dry run: it watches requests and reports what the policies would change.

It answers, writes and refuses nothing, and leaves the scope alone: whatever answers CORS today, another
middleware or a CORSRouter, works as before.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, cast

from route_cors.decisions import (
    ANSWER_NOT_READABLE,
    ANSWER_READABLE,
    PREFLIGHT_ALLOWED,
    PREFLIGHT_REFUSED,
    REQUEST_REFUSED,
    WEBSOCKET_ALLOWED,
    WEBSOCKET_REFUSED,
    DryRun,
)
from route_cors.diagnostics import LOGGER, ROOT_LOGGER, Diagnostics, OnDecision, decided
from route_cors.dispatch import CLAIM, Resolver, served_in
from route_cors.insight.dry_run.summary import Differences
from route_cors.insight.dry_run.would_be import ACCEPTED, Compared, WouldBe
from route_cors.judging import Judge
from route_cors.protocol import Terms, is_foreign, own_origin, read_origin, read_preflight, within_bound

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.decisions import Event
    from route_cors.dispatch import Target
    from route_cors.policy import CORSPolicy
    from route_cors.protocol import Header, Preflight

__all__ = ["DRY_RUN_FAILED", "DryRunLayer"]

DRY_RUN_FAILED: Final = "RCE22 dry run failed"

_CLOSED: Final = Terms(None)
_CORS: Final = b"access-control-"
# Comparisons that are kept, and the bytes of the longest headers among them: at most 512 KB for each app.
_MAX_REMEMBERED: Final = 256
_MAX_REMEMBERED_BYTES: Final = 2048
# Rows whose first difference is logged as a warning, besides one "(other)" for each route.
_MAX_WARNINGS: Final = 200
_QUIET_SECONDS: Final = 60.0


class DryRunLayer:
    """What `install_cors(dry_run=True)` puts around an app in place of `RouteCORSMiddleware`.

    The arguments are those of `RouteCORSMiddleware`. `debug` changes nothing here: no response is written.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        default: CORSPolicy | None = None,
        debug: bool | None = None,
        on_decision: OnDecision | None = None,
    ) -> None:
        self.app = app
        self._resolver = Resolver(app, default)
        self._diagnostics = Diagnostics(debug=debug, on_decision=on_decision)
        self._judge = Judge(self._diagnostics, self._resolver.scope_at)
        self._warned = Differences(_MAX_WARNINGS)
        self._remembered: dict[Any, Compared] = {}
        self._quiet_until = -float("inf")

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Hand everything on; requests with an Origin header are watched.

        Where a layer of route_cors further out decides, there is nothing to compare.
        """
        if scope["type"] == "lifespan":
            return self.app(scope, receive, self._warming_up(scope, send))
        origin = None
        for name, value in scope.get("headers", ()):
            if name == b"origin":
                origin = value if origin is None else read_origin(scope["headers"])
        if origin is None or CLAIM in scope:
            return self.app(scope, receive, send)
        return self._watch(scope, receive, send, within_bound(origin) or b"")

    def _warming_up(self, scope: Scope, send: Send) -> Send:
        def send_when_warm(message: Message) -> Awaitable[None]:
            if message["type"] == "lifespan.startup.complete":
                try:
                    self._resolver.warm_up(scope)
                except Exception:  # noqa: BLE001 - it is logged
                    self._log_fault()
            return send(message)

        return send_when_warm

    async def _watch(self, scope: Scope, receive: Receive, send: Send, origin: bytes) -> None:
        try:
            would_be = await self._judged(scope, origin)
        except Exception:  # noqa: BLE001 - it is logged
            self._log_fault()
            would_be = None
        if would_be is None:
            await self.app(scope, receive, send)
            return
        await self._serve(would_be, scope, receive, send)

    async def _serve(self, would_be: WouldBe, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request on, and look at the start of its response."""
        noted = scope.get("endpoint")
        is_answered = False

        def send_watched(message: Message) -> Awaitable[None]:
            nonlocal is_answered
            if not is_answered and message["type"] in _STARTS:
                is_answered = True
                if "endpoint" in scope and scope["endpoint"] is not would_be.target.endpoint:
                    return self._settle(would_be, noted, scope, message, send)
                self._compare(would_be, scope, message)
            return send(message)

        try:
            await self.app(scope, receive, send_watched)
        except Exception:
            if not is_answered:
                self._compare(would_be, scope, None)
            raise
        if not is_answered:
            self._compare(would_be, scope, None)

    # --- What would be decided

    async def _judged(self, scope: Scope, origin: bytes) -> WouldBe | None:
        """The decision that the layer would make; None if no policy applies, or none is needed."""
        if scope["type"] == "websocket":
            target, under = self._resolver.resolve(scope, ""), self._handshake_under
        else:
            method = scope["method"]
            preflight = read_preflight(scope["headers"]) if method == "OPTIONS" else None
            if preflight is not None:
                return await self._preflight(preflight, scope)
            target, under = self._resolver.resolve_http(scope, method), self._actual_under
        return None if target.terms is None else await under(target.terms, target, scope, origin)

    async def _preflight(self, preflight: Preflight, scope: Scope) -> WouldBe | None:
        target = self._resolver.resolve_http(scope, preflight[1])
        terms = target.terms
        if terms is None or (terms.callables and not _is_foreign(preflight[0], scope)):
            return None
        granted = terms.granted.get(preflight)
        if granted is not None:
            return WouldBe(PREFLIGHT_ALLOWED, target, terms, preflight[0], (), granted, 204, preflight)
        answer = terms.refused.get(preflight)
        if answer is None:
            answer = await self._judge.preflight(terms, target, preflight, scope, explain=False)
        event = PREFLIGHT_REFUSED if answer.failed else PREFLIGHT_ALLOWED
        return WouldBe(
            event, target, terms, preflight[0], answer.failed, answer.headers, answer.status, preflight
        )

    async def _actual_under(
        self, terms: Terms, target: Target, scope: Scope, origin: bytes
    ) -> WouldBe | None:
        headers = terms.readers.get(origin) or terms.readable_by(origin)
        if headers is not None:
            return WouldBe(ANSWER_READABLE, target, terms, origin, (), headers)
        if terms.callables and not _is_foreign(origin, scope):
            return None
        judgement = await self._judge.unlisted(terms, target, origin, scope)
        event = cast("Event", judgement.event)
        return WouldBe(event, target, terms, origin, () if event.allowed else ("origin",), judgement.headers)

    async def _handshake_under(
        self, terms: Terms, target: Target, scope: Scope, origin: bytes
    ) -> WouldBe | None:
        if not _is_foreign(origin, scope):
            return None
        if terms.admits(origin) or await self._judge.is_admitted(terms, target, origin, scope, ""):
            return WouldBe(WEBSOCKET_ALLOWED, target, terms, origin)
        return WouldBe(WEBSOCKET_REFUSED, target, terms, origin, ("origin",))

    # --- What the app answers

    async def _settle(
        self, would_be: WouldBe, noted: object, scope: Scope, message: Message, send: Send
    ) -> None:
        """As for a layer, the policy of the endpoint that the router ran has the last word."""
        try:
            settled = await self._settled(would_be, noted, scope)
        except Exception:  # noqa: BLE001 - it is logged
            self._log_fault()
            settled = None
        if settled is not None:
            self._compare(settled, scope, message)
        await send(message)

    async def _settled(self, would_be: WouldBe, noted: object, scope: Scope) -> WouldBe | None:
        target, origin = would_be.target, would_be.origin
        served = None if would_be.preflight else served_in(scope, (target,), noted)
        if served is None or (served.terms is None and not target.is_known):
            return would_be
        terms = served.terms or _CLOSED
        if would_be.event.kind == "websocket":
            return await self._handshake_under(terms, served, scope, origin)
        settled = await self._actual_under(terms, served, scope, origin)
        if settled is None or settled.event is not REQUEST_REFUSED:
            return settled
        return settled._replace(event=ANSWER_NOT_READABLE)  # it has run: there is nothing left to refuse

    def _compare(self, would_be: WouldBe, scope: Scope, message: Message | None) -> None:
        """Report what would change; `message` is the start of the app's answer, None if there was none."""
        try:
            headers: Any = () if message is None else message.get("headers", ())
            # An iterator can be read only once, and the server has to.
            if isinstance(headers, list | tuple):
                status = None if message is None else _status_of(message)
                sent = cast("Iterable[Header]", headers)
                self._tell(would_be, scope, status, self._compared(would_be, status, sent))
        except Exception:  # noqa: BLE001 - it is logged
            self._log_fault()

    def _compared(self, would_be: WouldBe, status: int | None, sent: Iterable[Header]) -> Compared:
        """What would change. Pages ask the same again and again, so that earlier results are kept."""
        headers = tuple([(name, value) for name, value in sent if name[:15].lower() == _CORS])
        asked = would_be.preflight or would_be.origin
        key = (would_be.terms, would_be.event.id, would_be.failed, asked, status, headers)
        compared = self._remembered.get(key)
        if compared is None:
            compared = would_be.compared_with(status, headers)
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.clear()  # a client makes up new ones
            if _size_of(asked) + sum(map(_size_of, headers)) <= _MAX_REMEMBERED_BYTES:
                self._remembered[key] = compared
        return compared

    def _tell(self, would_be: WouldBe, scope: Scope, status: int | None, compared: Compared) -> None:
        is_asked = (LOGGER.level or ROOT_LOGGER.level) <= self._judge.curiosity
        if not compared.change and not is_asked:
            return
        event, target, origin = would_be.event, would_be.target, would_be.origin
        method = would_be.method or scope.get("method")
        route = None if target.route is None else target.path
        row = (route, event.kind, method, origin.decode("latin-1"), compared.change)
        if (row in self._warned and not is_asked) or not _is_foreign(origin, scope):
            return
        names = would_be.preflight[2] if would_be.preflight and "headers" in would_be.failed else None
        decision = decided(
            event,
            scope,
            target,
            method,
            would_be.failed,
            () if names is None else would_be.terms.refused_names(names),
            _own_origin(scope) if event in {REQUEST_REFUSED, WEBSOCKET_REFUSED} else None,
            DryRun(status, *compared),
        )
        is_first = self._warned.is_new(decision)
        self._diagnostics.tell_of(decision, logging.WARNING if is_first else logging.DEBUG)

    def _log_fault(self) -> None:
        """Log a fault of the dry run itself, at most once a minute; the request knows nothing of it."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_SECONDS
            LOGGER.exception("%s: the request was not affected", DRY_RUN_FAILED)


_STARTS: Final = frozenset(
    {"http.response.start", "websocket.accept", "websocket.close", "websocket.http.response.start"}
)


def _status_of(message: Message) -> int | None:
    if message["type"] == "websocket.accept":
        return ACCEPTED
    return None if message["type"] == "websocket.close" else message["status"]


def _size_of(parts: bytes | tuple[bytes | None, ...]) -> int:
    return len(parts) if isinstance(parts, bytes) else sum(map(len, filter(None, parts)))


def _is_foreign(origin: bytes, scope: Scope) -> bool:
    return is_foreign(origin, scope.get("scheme", "http"), scope["headers"])


def _own_origin(scope: Scope) -> bytes | None:
    return own_origin(scope.get("scheme", "http"), scope["headers"])
