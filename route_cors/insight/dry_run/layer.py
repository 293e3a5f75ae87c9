"""The layer of a dry run: it watches requests and reports what the policies would change.

It answers, writes and refuses nothing, and leaves the scope alone: whatever answers CORS today, another
middleware or a CORSRouter, works as before.
"""

from __future__ import annotations

import functools
import logging
import math
import time
from typing import TYPE_CHECKING, Any, Final, cast

from route_cors.decisions import REQUEST_REFUSED, WEBSOCKET_REFUSED, DryRun
from route_cors.diagnostics import LOGGER, ROOT_LOGGER, Diagnostics, OnDecision, decided
from route_cors.dispatch.resolver import Resolver
from route_cors.dispatch.target import CLAIM
from route_cors.insight.dry_run.forecast import WITHOUT_POLICY, Forecast
from route_cors.insight.dry_run.summary import Differences
from route_cors.insight.dry_run.would_be import ACCEPTED
from route_cors.judging import Judge, sender_of
from route_cors.live import serve_lifespan
from route_cors.protocol import read_origin, within_bound
from route_cors.senders import SAFE_METHODS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.dispatch.target import Target
    from route_cors.insight.dry_run.would_be import Compared, WouldBe
    from route_cors.policy import CORSPolicy
    from route_cors.protocol import Header, Preflight, Terms

DRY_RUN_FAILED: Final = "RCE22 dry run failed"

# What would change is logged as a warning the first time: for so many rows, and one "(other)" for each route.
_MAX_WARNINGS: Final = 200
_QUIET_SECONDS: Final = 60.0
_STARTS: Final = frozenset(
    {"http.response.start", "websocket.accept", "websocket.close", "websocket.http.response.start"}
)


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
        enforce: bool = False,
    ) -> None:
        self.app = app
        self._resolver = Resolver(app, default)
        self._diagnostics = Diagnostics(debug=debug, on_decision=on_decision)
        self._forecast = Forecast(
            self._resolver, Judge(self._diagnostics, self._resolver.scope_at, enforces=enforce)
        )
        self._enforces = enforce
        self._warned = Differences(_MAX_WARNINGS)
        self._quiet_until = -math.inf

    def serve(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Pass everything on; watch the requests that the layer could change or refuse.

        They have an Origin header, or the browser says that another site sent them. Where a layer of
        route_cors further out decides, there is nothing to compare.
        """
        if scope["type"] == "lifespan":
            return serve_lifespan(self.app, scope, receive, send, functools.partial(self._warm_up, scope))
        origin = site = None
        for name, value in scope.get("headers", ()):
            if name == b"origin":
                origin = value if origin is None else read_origin(scope["headers"])
            elif name == b"sec-fetch-site":
                site = value
        is_silent = origin is None and (site is None or scope.get("method") in SAFE_METHODS)
        if is_silent or CLAIM in scope:
            return self.app(scope, receive, send)
        return self._watch(scope, receive, send, within_bound(origin))

    def _warm_up(self, scope: Scope) -> Iterable[object]:
        try:
            return self._resolver.warm_up(scope)
        except Exception:  # noqa: BLE001 - it is logged
            self._log_fault()
            return ()

    def _watch(
        self, scope: Scope, receive: Receive, send: Send, sent_origin: bytes | None
    ) -> Awaitable[None]:
        """A plain function, as most requests need no more than one coroutine here."""
        would_be = None
        try:
            target, preflight = self._forecast.target_of(scope)
            terms = target.terms
            if terms is None and self._enforces and preflight is None and scope["type"] == "http":
                terms = WITHOUT_POLICY
            if terms is not None and sent_origin is None and not self._forecast.may_refuse(terms, scope):
                terms = None
            origin = sent_origin or b""
            if terms is not None:
                if terms.callables or scope["type"] != "http":
                    return self._judge(terms, target, preflight, scope, receive, send, origin)
                would_be = self._forecast.looked_up(terms, target, preflight, origin)
                if would_be is None:
                    return self._judge(terms, target, preflight, scope, receive, send, origin)
        except Exception:  # noqa: BLE001 - it is logged
            self._log_fault()
        if would_be is None:
            return self.app(scope, receive, send)
        return self._serve(would_be, scope, receive, send)

    async def _judge(  # noqa: PLR0917 - an ASGI call, and what was found out about it
        self,
        terms: Terms,
        target: Target,
        preflight: Preflight | None,
        scope: Scope,
        receive: Receive,
        send: Send,
        origin: bytes,
    ) -> None:
        try:
            would_be = await self._forecast.judged(terms, target, preflight, scope, origin)
        except Exception:  # noqa: BLE001 - it is logged
            self._log_fault()
            would_be = None
        if would_be is None:
            await self.app(scope, receive, send)
        else:
            await self._serve(would_be, scope, receive, send)

    async def _serve(self, would_be: WouldBe, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and look at the start of its response."""
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

    async def _settle(
        self, would_be: WouldBe, noted: object, scope: Scope, message: Message, send: Send
    ) -> None:
        settled: WouldBe | None = would_be
        if would_be.preflight is None:
            try:
                settled = await self._forecast.settled(would_be, noted, scope)
            except Exception:  # noqa: BLE001 - it is logged
                self._log_fault()
        if settled is not None:
            self._compare(settled, scope, message)
        await send(message)

    def _compare(self, would_be: WouldBe, scope: Scope, message: Message | None) -> None:
        """Report what would change; `message` is the start of the app's answer, None if there was none."""
        try:
            headers: Any = () if message is None else message.get("headers", ())
            # An iterator can be read only once, and the server has to.
            if isinstance(headers, list | tuple):
                status = None if message is None else _status_of(message)
                compared = would_be.beside(status, cast("Iterable[Header]", headers))
                self._tell(would_be, scope, status, compared)
        except Exception:  # noqa: BLE001 - it is logged
            self._log_fault()

    def _tell(self, would_be: WouldBe, scope: Scope, status: int | None, compared: Compared) -> None:
        is_asked = (LOGGER.level or ROOT_LOGGER.level) <= self._diagnostics.curiosity
        if not compared.change and not is_asked:
            return
        event, target, origin = would_be.event, would_be.target, would_be.origin
        method = would_be.method or scope.get("method")
        route = None if target.route is None else target.path
        row = (route, event.kind, method, origin.decode("latin-1") or None, compared.change)
        if row in self._warned and not is_asked:
            return
        sender = sender_of(scope)
        if sender.is_own_page and event is not REQUEST_REFUSED:
            return
        decision = decided(
            event,
            scope,
            target,
            method=method,
            failed=would_be.failed,
            refused_headers=would_be.refused_names(),
            sender=sender if event in {REQUEST_REFUSED, WEBSOCKET_REFUSED} else None,
            dry_run=DryRun(status, *compared),
        )
        is_first = self._warned.is_new(decision)
        self._diagnostics.tell_of(decision, logging.WARNING if is_first else logging.DEBUG)

    def _log_fault(self) -> None:
        """Log a fault of the dry run itself, at most once a minute; it does not affect the request."""
        now = time.monotonic()
        if now >= self._quiet_until:
            self._quiet_until = now + _QUIET_SECONDS
            LOGGER.exception("%s: the request is not affected", DRY_RUN_FAILED)


def _status_of(message: Message) -> int | None:
    if message["type"] == "websocket.accept":
        return ACCEPTED
    status: int | None = message.get("status")
    return status
