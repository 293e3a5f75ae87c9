"""Why a browser sends a preflight before a call, or why it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.headers import SAFELISTED_METHODS
from route_cors.insight.attempt import is_websocket
from route_cors.insight.printable import shortened
from route_cors.insight.without_cors import why_no_preflight
from route_cors.testing.safelist import is_forbidden

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.attempt import Attempt
    from route_cors.testing.messages import SentRequest

# Safelisted for some values: for others the browser sends a preflight.
_SAFELISTED_BY_VALUE = frozenset({"accept", "accept-language", "content-language", "content-type", "range"})


def why_a_preflight(made: Attempt) -> str:
    """The reason in a sentence, and which headers of the call the browser leaves out."""
    return " ".join([_reason(made), *_left_out(made)])


def _reason(made: Attempt) -> str:
    if made.call.as_ != "fetch":
        return why_no_preflight(made.call.as_)
    if is_websocket(made.call):
        return "No preflight: browsers send none before a websocket's handshake."
    if made.is_same_origin:
        return "No preflight: the page has the app's own origin."
    first = made.sent[0]
    if first.handled.preflight is None:
        return f"No preflight: {first.request.method} and all its headers are safelisted."
    return f"A preflight goes first: {', '.join(_unsafe(made, first.request))}."


def _unsafe(made: Attempt, preflight: SentRequest) -> Iterator[str]:
    method = preflight.headers["access-control-request-method"]
    if method not in SAFELISTED_METHODS:
        yield f"the method {shortened(method)} is not safelisted"
    names = preflight.headers.get("access-control-request-headers", "")
    for name in filter(None, names.split(",")):
        if name in _SAFELISTED_BY_VALUE:
            values = [value for given, value in made.call.headers if given.lower() == name]
            yield f"the header {name} is not safelisted with the value {shortened(', '.join(values))!r}"
        else:
            yield f"the header {shortened(name)} is not safelisted"


def _left_out(made: Attempt) -> Iterator[str]:
    names = [name for name, value in made.call.headers if is_forbidden(name, value)]
    if names:
        yield f"The browser leaves out {', '.join(names)}, which no script can set."
