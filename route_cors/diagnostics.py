"""Reports of decisions: to the log, to a callback, and with `debug` to the browser.

CORS fails silently: the page sees no reason, and the server no error. The logger is `route_cors`. It gets one
line for each decision, at debug level if the request was allowed, at info level if it was refused. The events
and their fields are explained in `insight.events`, which `route-cors codes` lists.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypedDict, Unpack

from route_cors.decisions import ON_DECISION_FAILED, Decision, bounded, bounded_names
from route_cors.origins import LiveItem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

    from route_cors.decisions import DryRun, Event
    from route_cors.dispatch.target import Target
    from route_cors.policy import CORSPolicy
    from route_cors.protocol import Check
    from route_cors.senders import Sender

OnDecision: TypeAlias = Callable[[Decision], object]
"""Called with each decision. Its return value is ignored."""

LOGGER: Final = logging.getLogger("route_cors")
# Its parent, whose level applies if it has none of its own.
ROOT_LOGGER: Final = logging.getLogger()

# A callback that fails for one request usually fails for all: to keep the log readable, its traceback is
# logged once in this many seconds.
_QUIET_SECONDS: Final = 60.0
# Bytes of a header that are looked at; fewer are kept.
_LONGEST_VALUE: Final = 2000


class Found(TypedDict, total=False):
    """What else is known about a request: the rest of its `Decision`."""

    method: str | None
    failed: tuple[Check, ...]
    refused_headers: Iterable[bytes]
    sender: Sender | None
    dry_run: DryRun


class Diagnostics:
    """How one layer reports its decisions.

    With `debug` True, the response to a refused preflight says why; with None, only if the app is in debug
    mode. `on_decision` is called with each Decision.
    """

    __slots__ = ("_failures", "_quiet_until", "curiosity", "debug", "on_decision")

    def __init__(self, *, debug: bool | None = None, on_decision: OnDecision | None = None) -> None:
        self.debug = debug
        self.on_decision = on_decision
        # Allowed requests are reported if the level of the logger, or of its parent, is not higher than this.
        # One comparison in place of `asked_for`, which takes 3 % of the time of a preflight.
        self.curiosity: float = logging.DEBUG if on_decision is None else math.inf
        self._failures = 0
        self._quiet_until = -math.inf

    def explains(self, scope: Scope) -> bool:
        """Whether a refused preflight is answered with the reason."""
        return bool(getattr(scope.get("app"), "debug", False)) if self.debug is None else self.debug

    def asked_for(self, event: Event, scope: Scope) -> bool:
        """Whether the event may have to be reported: False is certain. Faster than asking the logger."""
        threshold = LOGGER.level or ROOT_LOGGER.level
        return (
            self.on_decision is not None or threshold <= event.level or threshold <= self._level(event, scope)
        )

    def _level(self, event: Event, scope: Scope) -> int:
        """Refusals are warnings in debug mode: Python shows those without any logging set up."""
        return event.level if event.allowed or not self.explains(scope) else logging.WARNING

    def tell(self, event: Event, scope: Scope, target: Target, **found: Unpack[Found]) -> None:
        """Log the decision about a request and call the callback with it, if it is `asked_for`."""
        if self.asked_for(event, scope):
            self.tell_of(decided(event, scope, target, **found), self._level(event, scope))

    def tell_of(self, decision: Decision, level: int) -> None:
        """Log a decision, and call the callback with it."""
        # The line is only formatted if a handler writes it.
        LOGGER.log(level, "%s", decision, extra={"decision": decision})
        if self.on_decision is not None:
            self._call(self.on_decision, decision)

    def _call(self, on_decision: OnDecision, decision: Decision) -> None:
        try:
            returned = on_decision(decision)
            if inspect.iscoroutine(returned):
                returned.close()
                raise TypeError(_NOT_PLAIN.format(on_decision))  # noqa: TRY301 - one way to be logged
        except Exception:
            self._failures += 1
            now = time.monotonic()
            if now >= self._quiet_until:
                LOGGER.exception(
                    "%s: callable=%r failures=%d", ON_DECISION_FAILED, on_decision, self._failures
                )
                self._failures = 0
                self._quiet_until = now + _QUIET_SECONDS


def decided(event: Event, scope: Scope, target: Target, **found: Unpack[Found]) -> Decision:
    """The decision about a request, as data; what the client sent is limited in length."""
    method, sender = found.get("method"), found.get("sender")
    return Decision(
        event=event.id,
        kind=event.kind,
        allowed=event.allowed,
        failed=found.get("failed", ()),
        method=None if method is None else bounded(method),
        path=_path_as_sent(scope),
        route=None if target.route is None else target.path,
        origin=origin_as_sent(scope),
        refused_headers=bounded_names(name.decode("latin-1") for name in found.get("refused_headers", ())),
        sec_fetch_site=None if sender is None else _as_text(sender.site),
        own_origin=None if sender is None else _as_text(sender.own_origin),
        live_age=None if target.terms is None else _live_age(target.terms.policy),
        dry_run=found.get("dry_run"),
    )


_NOT_PLAIN = (
    "on_decision must be a plain function, not {!r}: write `def on_decision(decision): ...`, "
    "and let it put the decision into a queue for async code"
)


def require_on_decision(on_decision: object) -> None:
    """Raise `TypeError` for anything but None and a plain function."""
    if on_decision is None:
        return
    if not callable(on_decision):
        raise TypeError(
            f"on_decision must be a function or None, not {on_decision!r}: "
            "write `def on_decision(decision): ...` and give its name"
        )
    function: Any = on_decision
    while isinstance(function, functools.partial):
        function = function.func
    if any(map(_runs_later, (function, type(function).__call__))):
        raise TypeError(_NOT_PLAIN.format(on_decision))


def _runs_later(function: Any) -> bool:
    kinds = (inspect.iscoroutinefunction, inspect.isasyncgenfunction, inspect.isgeneratorfunction)
    return any(is_one(function) for is_one in kinds)


def _as_text(sent: bytes | None) -> str | None:
    return None if sent is None else bounded(sent[:_LONGEST_VALUE].decode("latin-1"))


def _live_age(policy: CORSPolicy | None) -> float | None:
    if policy is None or not policy.origin_set.live:
        return None
    ages = [item.age for item in policy.origins if isinstance(item, LiveItem)]
    return None if None in ages else max(age for age in ages if age is not None)


def _path_as_sent(scope: Scope) -> str:
    # Optional in ASGI (https://asgi.readthedocs.io/en/latest/specs/www.html#http-connection-scope).
    raw: bytes | None = scope.get("raw_path")
    return bounded(scope["path"] if raw is None else raw.partition(b"?")[0].decode("latin-1"))


def origin_as_sent(scope: Scope) -> str | None:
    """The Origin header as the client sent it, limited in length."""
    sent = [value for name, value in scope.get("headers", ()) if name == b"origin"]
    return _as_text(b", ".join(sent)) if sent else None
