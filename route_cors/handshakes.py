"""Applying a policy to the handshakes of websockets: they are closed before they are accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from route_cors.claims import FOUND, JUDGE, TARGET, Claim, knows_better
from route_cors.dispatch.served import served_in
from route_cors.dispatch.target import CLAIM
from route_cors.serving import CLOSED

if TYPE_CHECKING:
    from starlette.types import Message, Send

    from route_cors.dispatch.target import Target
    from route_cors.judging import Judge
    from route_cors.protocol import Terms
    from route_cors.serving import Exchange


async def guard_handshake(exchange: Exchange, target: Target) -> None:
    """Pass a handshake to the app, or close it before it is accepted."""
    _, scope, _, send, judge = exchange
    claim: Claim | None = scope.get(CLAIM)
    if claim is not None and not knows_better(target, claim[TARGET]):
        await exchange.hand_on()
        return
    terms = target.terms
    teller = judge if claim is None else claim[JUDGE]
    is_sure = not target.asks_inside and terms is not None
    if is_sure and await judge.refuses_handshake(cast("Terms", terms), target, scope, teller.diagnostics):
        await _close(send)
        return
    if claim is not None:
        claim[TARGET] = target
        await exchange.hand_on()
    elif terms is None and not target.asks_inside:
        await exchange.hand_on()
    else:
        scope[CLAIM] = [None, target, judge, None, target, judge.enforces]
        await _Handshake(exchange).serve()


async def _close(send: Send) -> None:
    await send({"type": "websocket.close", "code": 1008, "reason": "CORS: origin"})


class _Handshake:
    """The send and receive of a websocket: before it is accepted, the endpoint that was served is checked."""

    def __init__(self, exchange: Exchange) -> None:
        self._app, self._scope, self._receive, self._send, _ = exchange
        self._claim: Claim = self._scope[CLAIM]
        self._noted = self._scope.get("endpoint")
        self._is_closed = False

    async def serve(self) -> None:
        """Call the app. An exception after the websocket was closed is not a failure of the app."""
        try:
            await self._app(self._scope, self.receive, self.send)
        except Exception:
            if not self._is_closed:
                raise

    async def send(self, message: Message) -> None:
        """Pass a message of the app on; if the policy refuses the handshake, close instead of accepting."""
        if self._is_closed:
            # As servers do if the client has disconnected.
            raise OSError("the websocket was closed: CORS: origin")
        if message["type"] == "websocket.accept" and await self._is_refused():
            self._is_closed = True
            await _close(self._send)
            return
        await self._send(message)

    async def receive(self) -> Message:
        """What the client sends; a disconnect once the websocket is closed."""
        if self._is_closed:
            return {"type": "websocket.disconnect", "code": 1008, "reason": "CORS: origin"}
        return await self._receive()

    async def _is_refused(self) -> bool:
        target: Target = self._claim[TARGET]
        served = served_in(self._scope, (self._claim[FOUND], target), self._noted)
        if served is not None and (served.terms is not None or target.is_known):
            terms: Terms | None = served.terms or CLOSED
        elif target.asks_inside:
            served, terms = target, target.terms  # nothing further in knew better
        else:
            return False
        judge: Judge = self._claim[JUDGE]
        return terms is not None and await judge.refuses_handshake(
            terms, served, self._scope, judge.diagnostics
        )
