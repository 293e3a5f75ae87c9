"""Applying a policy to preflights: they are answered here, or after those further in were asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from route_cors.claims import Consultation, is_lost, knows_better
from route_cors.diagnostics import LOGGER, ROOT_LOGGER
from route_cors.dispatch.target import CLAIM
from route_cors.serving import CLOSED, send_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import Message, Scope, Send

    from route_cors.dispatch.target import Target
    from route_cors.judging import Judge
    from route_cors.protocol import Answer, Preflight, Terms
    from route_cors.serving import Exchange


async def answer_preflight(  # noqa: PLR0917 - by position, which takes less time
    terms: Terms, target: Target, preflight: Preflight, scope: Scope, send: Send, judge: Judge
) -> None:
    """Answer instead of the app, before any of its middleware, dependencies or endpoints."""
    granted = terms.granted.get(preflight)
    # If it has to be reported, that is done on the long way.
    if granted is None or (LOGGER.level or ROOT_LOGGER.level) <= judge.curiosity:
        refused = terms.refused.get(preflight)
        if refused is not None and not judge.speaks_of_refusals(scope):
            await send_answer(refused, send)
            return
        explain = judge.diagnostics.explains(scope)
        if terms.callables:
            answer = await judge.preflight(terms, target, preflight, scope, explain=explain)
        else:
            allowed = terms.admits(preflight[0])
            answer = terms.answer_preflight(preflight, origin_allowed=allowed, explain=explain)
        await send_answer(judge.told(answer, target, preflight, scope), send)
        return
    # A list of its own, as middleware further out may add to it.
    await send({"type": "http.response.start", "status": 204, "headers": [*granted]})
    await send({"type": "http.response.body", "body": b""})


async def consult_inside(
    exchange: Exchange, target: Target, led_here: Target | None, preflight: Preflight
) -> None:
    """Answer a preflight after asking the app inside, in which a layer or route of ours may know better.

    The response of the app itself is dropped. `led_here` is as in a Consultation.
    """
    app, scope, _, _, judge = exchange
    explains = judge.diagnostics.explains(scope)
    terms = cast("Terms", target.terms)
    answer = await judge.preflight(terms, target, preflight, scope, explain=explains)
    asked = scope[CLAIM] = Consultation(target, judge, answer, scope, led_here)
    answering = _Answering(exchange, asked, preflight)
    try:
        await app(scope, answering.receive, answering.send)
    except Exception:  # noqa: BLE001 - it is logged with its traceback
        # The response of the app would have been dropped as well.
        LOGGER.debug("the app failed on a preflight that was passed in", exc_info=True)
    await answering.answer()


class _Answering:
    """The send and receive of an app that a preflight is passed to: it is answered once, by route_cors."""

    def __init__(self, exchange: Exchange, asked: Consultation, preflight: Preflight) -> None:
        self._exchange, self._asked, self._preflight = exchange, asked, preflight
        self._is_answered = False

    async def answer(self) -> None:
        """Send the best answer, unless one has been sent."""
        if self._is_answered:
            return
        self._is_answered = True
        asked, scope = self._asked, self._exchange.scope
        answer = asked.judge.told(cast("Answer", asked.answer), asked.target, self._preflight, scope)
        await send_answer(answer, self._exchange.send)

    async def send(self, message: Message) -> None:
        """Drop a message of the app. When its response starts, nothing further in has a better answer."""
        if message["type"] == "http.response.start":
            await self.answer()
        elif message.get("more_body"):
            # Ends a response that never ends by itself. Servers raise it if the client has disconnected
            # (https://asgi.readthedocs.io/en/latest/specs/www.html#send-exceptions).
            raise OSError("a preflight gets no more than headers")

    async def receive(self) -> Message:
        """What the client sends; a disconnect once the preflight has been answered."""
        return {"type": "http.disconnect"} if self._is_answered else await self._exchange.receive()


def serve_advising(exchange: Exchange, target: Target, preflight: Preflight) -> Awaitable[None]:
    """Tell the layer further out the answer to a preflight, if it is known better here."""
    asked: Consultation = exchange.scope[CLAIM]
    if knows_better(target, asked.target):
        terms = cast("Terms", target.terms)
    elif is_lost(target, asked.target):
        terms = CLOSED
    else:
        if target.is_known and not target.asks_inside:
            asked.lead(exchange.scope)
        return exchange.hand_on()
    return _advise(exchange, terms, target, preflight)


async def _advise(exchange: Exchange, terms: Terms, target: Target, preflight: Preflight) -> None:
    asked, answer = await _advice(exchange, terms, target, preflight)
    asked.answer, asked.target = answer, target
    if target.asks_inside:
        await exchange.hand_on()
    else:
        # Middleware between here and there expects a response.
        await send_answer(answer, exchange.send)


async def restrict(exchange: Exchange, target: Target, preflight: Preflight) -> None:
    """Refuse a preflight that is answered further out, if these terms refuse it; they never allow one."""
    if target.terms is not None:
        asked, answer = await _advice(exchange, target.terms, target, preflight)
        if answer.failed:
            asked.answer, asked.target = answer, target
    await exchange.hand_on()


async def _advice(
    exchange: Exchange, terms: Terms, target: Target, preflight: Preflight
) -> tuple[Consultation, Answer]:
    scope = exchange.scope
    asked: Consultation = scope[CLAIM]
    explains = asked.judge.diagnostics.explains(scope)
    return asked, await exchange.judge.preflight(terms, target, preflight, scope, explain=explains)
