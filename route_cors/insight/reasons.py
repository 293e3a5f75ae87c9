"""Why a preflight was refused, for the browser that sent it: what `debug` adds to the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.decisions import bounded, escaped
from route_cors.diagnostics import origin_as_sent
from route_cors.headers import ALWAYS_ALLOWED_REQUEST_HEADERS
from route_cors.insight.describe import origins_in_words

if TYPE_CHECKING:
    from starlette.types import Scope

    from route_cors.policy import CORSPolicy
    from route_cors.protocol import Answer, Check, Preflight, Terms

# Characters of a reason, which is a header: an app may list hundreds of origins, and servers and proxies
# limit headers to 8 KB.
_LONGEST_REASON: Final = 2000


def explained(refusal: Answer, terms: Terms, preflight: Preflight, scope: Scope) -> Answer:
    """The refusal of a preflight with its reason: the failed checks, what was sent, and what is allowed."""
    _, method, names = preflight
    sent: dict[Check, str] = {
        "origin": origin_as_sent(scope) or "",
        "method": bounded(method.decode("latin-1")),
        "headers": bounded((names or b"").decode("latin-1")),
    }
    allowed: dict[Check, str] = {
        "origin": "no other origin" if terms.policy is None else origins_in_words(terms.policy),
        "method": "any" if terms.methods is None else ", ".join(sorted(terms.methods)) or "none",
        "headers": "" if terms.policy is None else _headers_in_words(terms.policy),
    }
    said = (f"{check} {escaped(sent[check])}, allowed: {escaped(allowed[check])}" for check in refusal.failed)
    return with_reason(refusal, "; ".join(said)[:_LONGEST_REASON])


def _headers_in_words(policy: CORSPolicy) -> str:
    listed = policy.allow_headers
    if "*" not in listed:
        return ", ".join((*ALWAYS_ALLOWED_REQUEST_HEADERS, *listed))
    # Not covered by `*`: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
    return "any" if "authorization" in map(str.lower, listed) else "any but Authorization"


def with_reason(refusal: Answer, reason: str) -> Answer:
    """The refusal of a preflight with its reason, one line of printable ASCII, for debugging.

    It is in a header, as a 204 has no body: with uvicorn, bytes after it cause an error or are read as the
    start of the next response (https://www.rfc-editor.org/rfc/rfc9110#section-15.3.5). If there is a body,
    the reason is also in the body.
    """
    line = reason.encode("ascii")
    headers = (*refusal.headers, (b"x-route-cors-refused", line))
    if not refusal.body:
        return refusal._replace(headers=headers)
    body = b"CORS preflight refused: " + line
    length = str(len(body)).encode()
    resized = tuple((name, length if name == b"content-length" else value) for name, value in headers)
    return refusal._replace(headers=resized, body=body)
