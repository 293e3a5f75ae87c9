"""Applying a policy to actual requests: writing headers, refusing requests.

For the layer, and for the routes that apply their policy themselves. A request may pass several of them; the
outermost one writes, and those further in tell it what to write, with the claim in the scope (claims.py).
Preflights are in preflights.py, the handshakes of websockets in handshakes.py.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from route_cors.claims import ENFORCES, EVENT, FOUND, HEADERS, JUDGE, TARGET, Claim, is_lost, knows_better
from route_cors.decisions import ANSWER_NOT_READABLE, ANSWER_READABLE, ENDPOINT_CONTRADICTS, bounded, escaped
from route_cors.diagnostics import LOGGER, ROOT_LOGGER
from route_cors.dispatch.served import served_in
from route_cors.dispatch.target import CLAIM
from route_cors.merging import merge_headers
from route_cors.protocol import Terms, read_origin, within_bound
from route_cors.senders import is_said_to_be_own, refuse_actual

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.dispatch.target import Target
    from route_cors.judging import Judge, Judgement
    from route_cors.protocol import Check, Headers

CLOSED: Final = Terms(None)


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
    return send_answer(refuse_actual(cast("Check", judgement.refused_for), judgement.headers), send)


def serve_without_policy(  # noqa: PLR0917 - an ASGI call, and what was found out about it
    app: ASGIApp, target: Target, scope: Scope, receive: Receive, send: Send, judge: Judge
) -> Awaitable[None]:
    """Hand a request on to a route without a policy, unless this layer refuses it: there nobody is allowed.

    Its response is not changed.
    """
    if is_said_to_be_own(scope.get("headers", ())):
        return app(scope, receive, send)
    judgement = cast("Judgement", judge.listed(CLOSED, scope))
    if judgement.refused_for is None:
        return app(scope, receive, send)
    return _refuse(judgement, target, scope, send, judge)


async def serve_unsure(exchange: Exchange, target: Target) -> None:
    """As `serve_actual`, if a layer or route of ours further in may know better."""
    app, scope, receive, send, judge = exchange
    claim: Claim = [None, target, judge, None, target, judge.enforces]
    if target.terms is not None or judge.enforces:
        judgement = await judge.actual(target.terms or CLOSED, target, scope)
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
        return _take_over(exchange, replace(target, terms=CLOSED))
    if is_first_to_enforce:
        return _take_over(exchange, outer)
    return exchange.hand_on()


async def _take_over(exchange: Exchange, target: Target) -> None:
    """Serve a request that was claimed further out under the terms of that target."""
    scope = exchange.scope
    claim: Claim = scope[CLAIM]
    judgement = await exchange.judge.actual(target.terms or CLOSED, target, scope, enforces=claim[ENFORCES])
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
    terms = served.terms or CLOSED
    judgement = await claim[JUDGE].actual(terms, served, scope)
    claim[HEADERS], claim[TARGET] = judgement.headers, served
    # The endpoint has run: the request can no longer be refused.
    claim[EVENT] = ANSWER_NOT_READABLE if judgement.refused_for else judgement.event


async def send_answer(answer: Any, send: Send) -> None:
    """Send an answer of route_cors itself, in place of the app's."""
    await send({"type": "http.response.start", "status": answer.status, "headers": [*answer.headers]})
    await send({"type": "http.response.body", "body": answer.body})
