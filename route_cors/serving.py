"""Applying a policy: answering preflights, writing headers, refusing requests and handshakes.

For the layer, and for the routes that apply their policy themselves. A request may pass several of them; the
outermost one writes, and those further in tell it what to write, with the claim in the scope (claims.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from route_cors.claims import (
    ENFORCES,
    EVENT,
    FOUND,
    HEADERS,
    JUDGE,
    TARGET,
    Claim,
    Consultation,
    is_lost,
    knows_better,
)
from route_cors.decisions import ANSWER_NOT_READABLE, ANSWER_READABLE, ENDPOINT_CONTRADICTS, bounded, escaped
from route_cors.diagnostics import LOGGER, ROOT_LOGGER
from route_cors.dispatch.served import served_in
from route_cors.dispatch.target import CLAIM
from route_cors.protocol import (
    Terms,
    is_said_to_be_own,
    merge_headers,
    read_origin,
    refuse_actual,
    within_bound,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.dispatch.target import Target
    from route_cors.judging import Judge, Judgement
    from route_cors.protocol import Answer, Check, Headers, Preflight

_CLOSED: Final = Terms(None)


class Exchange(NamedTuple):
    """A request on its way to the app behind a layer or route, and the judge there.

    Not on the fastest ways, where it takes longer to make one than to pass the parts.
    """

    app: ASGIApp
    scope: Scope
    receive: Receive
    send: Send
    judge: Judge

    def hand_on(self) -> Awaitable[None]:
        """Let the app serve it."""
        return self.app(self.scope, self.receive, self.send)


# --- Preflights


async def answer_preflight(  # noqa: PLR0917 - by position, which takes less time
    terms: Terms, target: Target, preflight: Preflight, scope: Scope, send: Send, judge: Judge
) -> None:
    """Answer instead of the app, before any of its middleware, dependencies or endpoints."""
    granted = terms.granted.get(preflight)
    # If it has to be reported, that is done on the long way.
    if granted is None or (LOGGER.level or ROOT_LOGGER.level) <= judge.curiosity:
        refused = terms.refused.get(preflight)
        if refused is not None and not judge.speaks_of_refusals(scope):
            await _send(refused, send)
            return
        explain = judge.diagnostics.explains(scope)
        if terms.callables:
            answer = await judge.preflight(terms, target, preflight, scope, explain=explain)
        else:
            allowed = terms.admits(preflight[0])
            answer = terms.answer_preflight(preflight, origin_allowed=allowed, explain=explain)
        await _send(judge.told(answer, target, preflight, scope), send)
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
        await _send(answer, self._exchange.send)

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
        terms = _CLOSED
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
        await _send(answer, exchange.send)


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


# --- Actual requests


def serve_actual(  # noqa: PLR0917 - an ASGI call, and what was found out about it
    app: ASGIApp,
    terms: Terms,
    target: Target,
    scope: Scope,
    receive: Receive,
    send: Send,
    judge: Judge,
    headers: Headers | None = None,
) -> Awaitable[None]:
    """Call the app, and write the headers when its response starts. Only for the outermost layer or route.

    No router has noted an endpoint yet, or it is that of this route. `headers`: if they are decided already.
    """
    if headers is None:
        origin = None
        # As `read_origin`; calling it takes 3 % of the time that the layer adds to a request.
        for name, value in scope.get("headers", ()):
            if name == b"origin":
                origin = value if origin is None else read_origin(scope["headers"])
        headers = terms.readers.get(origin) or terms.readable_by(within_bound(origin))
        # An origin that the policy names needs no second look: see `judge_sender`, step 2.
        is_enforced = (terms.enforces or judge.enforces) and (origin is None or terms.for_anyone)
        if headers is None or is_enforced:
            return _serve_guarded(Exchange(app, scope, receive, send, judge), terms, target)
        if (LOGGER.level or ROOT_LOGGER.level) <= judge.curiosity:
            judge.tell_of_actual(ANSWER_READABLE, target, scope)
    # The function below uses few variables: the more it holds, the longer it takes to make it.
    claim: Claim = [headers, target, judge, None, target, judge.enforces]
    scope[CLAIM] = claim

    def send_with_headers(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            if "endpoint" in scope and scope["endpoint"] is not claim[FOUND].endpoint:
                return _settle(claim, None, scope, message, send)
            # A copy: the app may send the same message again.
            merged = merge_headers(message.get("headers", ()), claim[HEADERS])
            message = {**message, "headers": merged}
        return send(message)

    return app(scope, receive, send_with_headers)


def _serve_guarded(exchange: Exchange, terms: Terms, target: Target) -> Awaitable[None]:
    """An actual request that may be refused, or whose origin is not listed."""
    judgement = exchange.judge.listed(terms, exchange.scope)
    if judgement is None:
        return _serve_asking(exchange, terms, target)
    return _serve_judged(exchange, judgement, terms, target)


async def _serve_asking(exchange: Exchange, terms: Terms, target: Target) -> None:
    """An actual request from an origin that only a callable may allow."""
    judgement = await exchange.judge.unlisted(terms, target, exchange.scope)
    await _serve_judged(exchange, judgement, terms, target)


def _serve_judged(exchange: Exchange, judgement: Judgement, terms: Terms, target: Target) -> Awaitable[None]:
    app, scope, receive, send, judge = exchange
    if judgement.refused_for is not None:
        return _refuse(judgement, target, scope, send, judge)
    judge.tell_of_actual(judgement.event, target, scope)
    return serve_actual(app, terms, target, scope, receive, send, judge, judgement.headers)


def _refuse(judgement: Judgement, target: Target, scope: Scope, send: Send, judge: Judge) -> Awaitable[None]:
    """Report that an actual request is refused, and answer it."""
    judge.tell_of_actual(judgement.event, target, scope, judgement.refused_for)
    return _send(refuse_actual(cast("Check", judgement.refused_for), judgement.headers), send)


def serve_without_policy(  # noqa: PLR0917 - an ASGI call, and what was found out about it
    app: ASGIApp, target: Target, scope: Scope, receive: Receive, send: Send, judge: Judge
) -> Awaitable[None]:
    """Hand a request on to a route without a policy, unless this layer refuses it: there nobody is allowed.

    Its response is not changed.
    """
    if is_said_to_be_own(scope.get("headers", ())):
        return app(scope, receive, send)
    judgement = cast("Judgement", judge.listed(_CLOSED, scope))
    if judgement.refused_for is None:
        return app(scope, receive, send)
    return _refuse(judgement, target, scope, send, judge)


async def serve_unsure(exchange: Exchange, target: Target) -> None:
    """As `serve_actual`, if a layer or route of ours further in may know better."""
    app, scope, receive, send, judge = exchange
    claim: Claim = [None, target, judge, None, target, judge.enforces]
    if target.terms is not None or judge.enforces:
        judgement = await judge.actual(target.terms or _CLOSED, target, scope)
        if judgement.refused_for is not None:
            await _refuse(judgement, target, scope, send, judge)
            return
        if target.terms is not None:
            claim[HEADERS], claim[EVENT] = judgement.headers, judgement.event
    noted = scope.get("endpoint")
    scope[CLAIM] = claim

    def send_settled(message: Message) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            return _settle(claim, noted, scope, message, send)
        return send(message)

    await app(scope, receive, send_settled)


def serve_claimed(exchange: Exchange, target: Target) -> Awaitable[None]:
    """Serve a request that was claimed further out, and take it over if it is known better here."""
    judge = exchange.judge
    claim: Claim = exchange.scope[CLAIM]
    if type(claim) is not list:
        # A preflight that a middleware has turned into another request: the response is dropped.
        return exchange.hand_on()
    outer: Target = claim[TARGET]
    # No layer further out refuses on its own, but this one does.
    is_first_to_enforce = judge.enforces and not claim[ENFORCES]
    claim[ENFORCES] = claim[ENFORCES] or judge.enforces
    if knows_better(target, outer):
        return _take_over(exchange, target)
    if is_lost(target, outer):
        return _take_over(exchange, replace(target, terms=_CLOSED))
    if is_first_to_enforce:
        return _take_over(exchange, outer)
    return exchange.hand_on()


async def _take_over(exchange: Exchange, target: Target) -> None:
    """Serve a request that was claimed further out under the terms of that target."""
    scope = exchange.scope
    claim: Claim = scope[CLAIM]
    judgement = await exchange.judge.actual(target.terms or _CLOSED, target, scope, enforces=claim[ENFORCES])
    if target is not claim[TARGET]:
        claim[HEADERS], claim[EVENT], claim[TARGET] = judgement.headers, judgement.event, target
    if judgement.refused_for is None:
        await exchange.hand_on()
        return
    claim[EVENT] = None
    await _refuse(judgement, target, scope, exchange.send, claim[JUDGE])


async def _settle(claim: Claim, noted: object, scope: Scope, message: Message, send: Send) -> None:
    """Write the headers that were decided last, after comparing them with the endpoint that the router noted.

    `noted` is what it had noted before: it is not of this request.
    """
    judge: Judge = claim[JUDGE]
    served = served_in(scope, (claim[FOUND], claim[TARGET]), noted)
    if served is not None:
        await _correct(claim, served, scope)
    event, claim[EVENT] = claim[EVENT], None
    judge.tell_of_actual(event, claim[TARGET], scope)
    headers = claim[HEADERS]
    if headers is not None:
        message = {**message, "headers": merge_headers(message.get("headers", ()), headers)}
    await send(message)


async def _correct(claim: Claim, served: Target, scope: Scope) -> None:
    """Apply the policy of the endpoint that was served, if the index could not see it, or was wrong."""
    target: Target = claim[TARGET]
    if served.terms is None and not target.is_known:
        return  # the provisional decision is kept
    if target.is_known:
        LOGGER.error(
            "%s: path=%s route=%s served=%r",
            ENDPOINT_CONTRADICTS,
            escaped(bounded(scope["path"])),
            escaped(target.path),
            served.endpoint,
        )
    terms = served.terms or _CLOSED
    judgement = await claim[JUDGE].actual(terms, served, scope)
    claim[HEADERS], claim[TARGET] = judgement.headers, served
    # The endpoint has run: the request can no longer be refused.
    claim[EVENT] = ANSWER_NOT_READABLE if judgement.refused_for else judgement.event


# --- Handshakes


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
            terms: Terms | None = served.terms or _CLOSED
        elif target.asks_inside:
            served, terms = target, target.terms  # nothing further in knew better
        else:
            return False
        judge: Judge = self._claim[JUDGE]
        return terms is not None and await judge.refuses_handshake(
            terms, served, self._scope, judge.diagnostics
        )


async def _send(answer: Any, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers]})
    await send({"type": "http.response.body", "body": answer.body})
