"""What other layers did to a request of an explained call, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.insight.explanation import Check
from route_cors.insight.foreign import OurLayer, UnknownLayer, speaking
from route_cors.testing.messages import REDIRECT_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from route_cors.insight.attempt import Attempt, Sent
    from route_cors.insight.foreign import KnownLayer
    from route_cors.insight.handled import Handled

NAME = "middleware"
"""The name of the checks."""


def speaks_for_cors(handled: Handled) -> bool:
    """Whether the request met another layer that does, or may do, something about CORS."""
    return bool(speaking(each.layer for each in handled.others))


def in_a_sentence(unknown: Sequence[UnknownLayer]) -> str:
    """That it is not known what some layers do: they may answer CORS by themselves."""
    if len(unknown) == 1:
        return unknown[0].in_words()
    names = [layer.name for layer in unknown]
    return f"not known: {', '.join(names[:-1])} and {names[-1]} may answer CORS by themselves"


def checks_of_others(attempt: Attempt, sent: Sent) -> Iterator[Check]:
    """A check for each layer that matters, from the outside in."""
    is_blocked = attempt.blocked is not None and sent is attempt.last
    is_about_cors = attempt.call.as_ == "fetch" and not sent.handled.is_websocket
    is_ruled = False
    for passage in sent.handled.passages:
        layer = passage.layer
        if isinstance(layer, OurLayer):
            is_ruled = sent.handled.is_decided
        elif not passage.is_reached:
            return
        elif isinstance(layer, UnknownLayer):
            yield from _of_unknown(layer, sent, is_ruled=is_ruled and is_about_cors)
        elif sent.handled.answered_by is layer and not passage.hands_on:
            yield _answer(layer, sent)
        elif layer.cors is not None and is_about_cors:
            yield _headers(layer, attempt.call.origin, is_ruled=is_ruled, is_blocked=is_blocked)


def _of_unknown(layer: UnknownLayer, sent: Sent, *, is_ruled: bool) -> Iterator[Check]:
    if layer in sent.unknown:
        yield Check(NAME, passed=None, detail=in_a_sentence([layer]))
    elif is_ruled:
        yield Check(NAME, passed=None, detail=f"{layer.name} {_BEHIND_OURS}")


_BEHIND_OURS = "is inside of the CORS layer, which replaces its CORS headers"


def _answer(layer: KnownLayer, sent: Sent) -> Check:
    status = sent.response.status_code
    if layer.cors is None:
        is_redirect = status in REDIRECT_STATUSES
        detail = f"{layer.name} {'redirects it' if is_redirect else 'refuses it'} ({status})"
        return Check(
            NAME, passed=None if is_redirect and sent.handled.preflight is None else False, detail=detail
        )
    said = sent.response.content.decode("latin-1").removeprefix("Disallowed CORS ")
    granted = "grants it" if said == "OK" else f"refuses its {said}"
    detail = f"{layer.name} answers it and {granted} ({status}): {layer.cors.in_words()}"
    return Check(NAME, passed=said == "OK", detail=detail)


def _headers(layer: KnownLayer, origin: str, *, is_ruled: bool, is_blocked: bool) -> Check:
    if is_ruled:
        return Check(NAME, passed=None, detail=f"{layer.name} {_BEHIND_OURS}")
    words = "" if layer.cors is None else layer.cors.origins_in_words()
    if layer.allows(origin):
        return Check(NAME, passed=True, detail=f"{origin} is allowed by {layer.name}: {words}")
    refused = f"{origin} is not allowed by {layer.name}: {words}"
    return Check(NAME, passed=False if is_blocked else None, detail=refused)
