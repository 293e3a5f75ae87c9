"""`explain`: the result of one call, step by step, and what would allow it.

Nothing is decided here. The browser of `route_cors.testing` makes the call to a stand-in of the app, in which
the real layer and the real routes answer. What they did is described in sentences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio.from_thread import start_blocking_portal

from route_cors.insight.attempt import attempt
from route_cors.insight.explanation import Explanation
from route_cors.insight.fix import smallest_change
from route_cors.insight.local_network import remarks_about
from route_cors.insight.others import in_a_sentence
from route_cors.insight.preflights import why_a_preflight
from route_cors.insight.site import Site
from route_cors.insight.steps import step_of
from route_cors.insight.without_cors import outcome_without_cors

if TYPE_CHECKING:
    from route_cors.insight.attempt import Attempt
    from route_cors.insight.explanation import Call, Step

_OWN_ORIGIN = "has the app's own origin, and "


def explain(app: object, call: Call) -> Explanation:
    """The result of a call: what a browser sends, which route is found, each check, each response.

    None of the app's own code runs, except for the callables among the origins of a policy. Starlette's
    CORSMiddleware answers as it does in the app; there is no verdict if any other layer may answer CORS by
    itself. It can be used inside a running event loop, which it blocks; `explain_async` does not.

    Args:
        app: a FastAPI or Starlette app, or a middleware around one.
        call: what a page does.

    Raises:
        TypeError: the app shows no routes.
        ValueError: a browser cannot make that call; the message names the value.

    >>> from fastapi import FastAPI
    >>> from route_cors import cors, install_cors
    >>> from route_cors.insight import Call
    >>> app = FastAPI()
    >>> @app.get("/quotes")
    ... @cors(origins=["https://a.example"])
    ... async def quotes() -> None: ...
    >>> install_cors(app)
    >>> explanation = explain(app, Call(method="GET", path="/quotes", origin="https://b.example"))
    >>> explanation.allowed
    False
    >>> print(explanation.fix.code)
    @cors(origins=['https://a.example', 'https://b.example'])
    """
    with start_blocking_portal() as portal:
        return portal.call(explain_async, app, call)


async def explain_async(app: object, call: Call) -> Explanation:
    """As `explain`, in the running event loop."""
    site = Site(app)
    made = await attempt(site, call)
    steps = tuple(step_of(site, made, sent) for sent in made.sent)
    return Explanation(
        call=call,
        allowed=made.is_allowed if made.is_known else None,
        verdict=_verdict(made, steps),
        preflight=why_a_preflight(made),
        steps=steps,
        reason=made.blocked.reason if made.blocked is not None and made.is_known else None,
        fix=None if made.goes_through else await smallest_change(site, made),
        not_known=tuple(layer.name for layer in made.unknown),
        remarks=remarks_about(call),
    )


def _verdict(made: Attempt, steps: tuple[Step, ...]) -> str:
    if made.is_known:
        return _outcome(made, steps)
    not_known = in_a_sentence(made.unknown)
    they = "it does" if len(made.unknown) == 1 else "they do"
    return f"{not_known[0].upper()}{not_known[1:]}. If {they} not: {_outcome(made, steps)}"


def _outcome(made: Attempt, steps: tuple[Step, ...]) -> str:
    last = steps[-1]
    if made.call.as_ != "fetch":
        return outcome_without_cors(made, last)
    if made.blocked is None:
        return f"Allowed: {_what_is_allowed(made)}."
    failed = next(check for check in last.checks if check.passed is False)
    how = _REFUSED if failed.name == "enforcement" else _HOW_BLOCKED[last.name]
    return f"{how} It fails at the {failed.name}: {failed.detail}."


_REFUSED = "Refused: the request is sent, and answered with a 403 before the endpoint runs."
_HOW_BLOCKED = {
    "preflight": "Blocked at the preflight: the request itself is never sent.",
    "actual": "Blocked at the response: the request is sent, but the page may not read the response.",
    "websocket": "Blocked at the handshake.",
}


def _what_is_allowed(made: Attempt) -> str:
    handled = made.last.handled
    status = made.last.response.status_code
    if handled.is_websocket:
        # Browsers leave it to the server: https://websockets.spec.whatwg.org/#websocket-opening-handshake
        by_default = "" if handled.is_decided else ", as for pages of every origin: no policy applies"
        return f"the websocket opens{'' if made.is_same_origin else by_default}"
    answer = "the response" if handled.is_endpoints_own else f"the response, a {status}"
    return f"the page {_OWN_ORIGIN if made.is_same_origin else ''}can read {answer}"
