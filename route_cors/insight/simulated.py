"""One cell of a report: whether a response is readable after other layers have changed it.

The layers are run as they are, around an answer that is made up: with no browser and no event loop, as a
report may have tens of thousands of cells. That it agrees with reality is held by a property test.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from starlette.datastructures import Headers
from starlette.responses import Response

from route_cors.headers import SAFELISTED_METHODS
from route_cors.insight.passage import put_around

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.insight.foreign import KnownLayer, UnknownLayer
    from route_cors.insight.passage import Guise

# https://fetch.spec.whatwg.org/#cors-safelisted-method
# https://fetch.spec.whatwg.org/#ok-status
_OK_STATUSES: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class Between:
    """Layers of others between a page and an answer, from the outside in: on requests, and on preflights."""

    of_requests: Sequence[KnownLayer | UnknownLayer]
    of_preflights: Sequence[KnownLayer | UnknownLayer]


@dataclass(frozen=True, slots=True)
class Written:
    """What is written inside of all those layers: an allowed origin, or None, and whether credentials are.

    A preflight is granted whatever it asks for, or nothing.
    """

    allow_origin: str | None
    allow_credentials: bool


def is_readable(
    layers: Between, written: Written, method: str, origin: str, guise: Guise, *, credentials: bool
) -> bool:
    """Whether a page may make a call and read its answer.

    Args:
        layers: of others.
        written: inside of them.
        method: of the call.
        origin: of the page.
        guise: what unknown layers are assumed to be.
        credentials: whether the call is made with credentials.
    """
    asked = _Asked(layers, written, origin, guise, credentials)
    return (method in SAFELISTED_METHODS or asked.is_granted(method)) and asked.is_readable()


@dataclass(frozen=True, slots=True)
class _Asked:
    layers: Between
    written: Written
    origin: str
    guise: Guise
    credentials: bool

    def is_granted(self, method: str) -> bool:
        """Whether a preflight is answered with that method among those granted."""
        announced = (b"access-control-request-method", method.encode("latin-1"))
        status, headers = self._answer(self.layers.of_preflights, "OPTIONS", announced)
        methods = {each.strip() for each in headers.get("access-control-allow-methods", "").split(",")}
        is_named = method in methods or ("*" in methods and not self.credentials)
        return status in _OK_STATUSES and self._admits(headers) and is_named

    def is_readable(self) -> bool:
        """Whether an answer is."""
        return self._admits(self._answer(self.layers.of_requests, "GET")[1])

    def _admits(self, headers: Headers) -> bool:
        """https://fetch.spec.whatwg.org/#concept-cors-check."""
        allowed = headers.get("access-control-allow-origin")
        if not self.credentials:
            return allowed in {"*", self.origin}
        return allowed == self.origin and headers.get("access-control-allow-credentials") == "true"

    def _answer(
        self, layers: Sequence[KnownLayer | UnknownLayer], method: str, *more: tuple[bytes, bytes]
    ) -> tuple[int, Headers]:
        app: ASGIApp = self._inside
        for layer in reversed(layers):
            app = put_around(app, layer, self.guise)
        headers = [(b"origin", self.origin.encode("latin-1", "replace")), *more]
        if self.credentials and method != "OPTIONS":
            headers.append((b"cookie", b"of=the-user"))
        return _sent(app, {"type": "http", "method": method, "headers": headers})

    async def _inside(self, scope: Scope, receive: Receive, send: Send) -> None:
        written = self.written
        headers: dict[str, str] = {}
        if written.allow_origin is not None:
            headers["Access-Control-Allow-Origin"] = written.allow_origin
            if written.allow_credentials:
                headers["Access-Control-Allow-Credentials"] = "true"
            asked = Headers(scope=scope).get("access-control-request-method")
            if asked is not None:
                headers["Access-Control-Allow-Methods"] = asked
        await Response(headers=headers)(scope, receive, send)


def _sent(app: ASGIApp, scope: Scope) -> tuple[int, Headers]:
    """The status and headers of a response; nothing on the way to it has to be awaited."""
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    # The body is not read.
    answering: Any = app(scope, cast("Receive", None), send)
    with suppress(StopIteration):
        answering.send(None)
    return messages[0]["status"], Headers(raw=messages[0]["headers"])
