"""Why a call was blocked, in one line: the cause, and what to write in a policy or in the call.

First it looks at what the server said itself: route_cors names the failed checks in the body of a refusal
and, with `debug`, what it would allow in a header; Starlette's CORSMiddleware names the checks too. If the
server said nothing, it looks for what the headers lack: the standard's checks are repeated for each part of
the request.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from route_cors.headers import ALWAYS_ALLOWED_REQUEST_HEADERS, NORMALIZED_METHODS
from route_cors.testing.checks import Refused, check_cors, check_preflight
from route_cors.testing.messages import REDIRECT_STATUSES, Headers, ReceivedResponse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from route_cors.testing.checks import Asked
    from route_cors.testing.history import Step
    from route_cors.testing.messages import SentRequest

_REFUSED: Final = "x-route-cors-refused"
# The bodies of route_cors and of Starlette's CORSMiddleware, and what their arguments are called.
_BODY: Final = re.compile(
    r"(?P<library>CORS (?:preflight|request) refused: |Disallowed CORS )(?P<failed>[a-z]+(?:, [a-z]+)*)"
)
_CHECKS: Final = frozenset({"origin", "method", "headers", "site", "credentials"})
_LONGEST_BODY: Final = 200
# With `debug` a policy of many origins is shown, and the fix comes after it.
_LONGEST_REASON: Final = 400
_ALWAYS_ALLOWED: Final = frozenset(map(str.lower, ALWAYS_ALLOWED_REQUEST_HEADERS))
_OK_STATUSES: Final = range(200, 300)
_FORBIDDEN: Final = 403
_OF_THE_ORIGIN: Final = frozenset({"access-control-allow-origin", "access-control-allow-credentials"})
_OPAQUE: Final = "a page with an origin (sandboxed pages and redirects to another origin send null)"
_AROUND: Final = "a CORS layer around everything that can make a response, such as install_cors(app)"
_UNLESS: Final = ", unless the endpoint itself closed it"
_NAMES: Final[Mapping[Step, str]] = {"preflight": "preflight", "actual": "response"}


class _Lack(NamedTuple):
    """What a response lacks, as the end of a sentence, and what to write."""

    said: str
    fixes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Call:
    """What is known about a call that was blocked.

    Args:
        step: `preflight` or `actual`.
        asked: the request.
        received: the response to that step.
        written: the names of its headers as the script wrote them, by lower-case name.
    """

    step: Step
    asked: Asked
    received: ReceivedResponse
    written: Mapping[str, str]


def cause_of(
    step: Step,
    asked: Asked,
    received: ReceivedResponse,
    actual: SentRequest,
    unapplied: Callable[[SentRequest], str | None],
) -> str:
    """The line for a preflight or a response that does not pass.

    Args:
        step: `preflight` or `actual`.
        asked: the request.
        received: the response to that step.
        actual: the request as it is sent, or would be after the preflight.
        unapplied: says whether the route has a policy that no layer applies; asked if nothing else is known.
    """
    call = _Call(step, asked, received, {name.lower(): name for name, _ in actual.headers.raw})
    told = _told(call)
    if told is not None:
        return _line(told.said, told.fixes)
    if not _speaks_cors(received):
        said = unapplied(actual)
        if said is not None:
            return said
    lacks = list(_lacks(call))
    status = received.status_code
    shown = "" if status in _OK_STATUSES else f" ({status})"
    said = " and ".join(lack.said for lack in lacks)
    return _line(f"the {_NAMES[step]}{shown} {said}", (fix for lack in lacks for fix in lack.fixes))


def cause_of_handshake(status_code: int, origin: str) -> str:
    """The line for a handshake of a websocket that was not accepted."""
    if status_code != _FORBIDDEN:
        return _line(f"the handshake was answered with {status_code}", ("a route that accepts it",))
    fix = _OPAQUE if origin == "null" else f"origins={_listed([origin])}"
    return f"{_line(f'the server refused the handshake from {origin} ({status_code})', (fix,))}{_UNLESS}"


def _line(cause: str, fixes: Iterable[str]) -> str:
    return f"{cause}: {', '.join(dict.fromkeys(fixes))}"


# What the server said


def _told(call: _Call) -> _Lack | None:
    body = _BODY.match(call.received.content[:_LONGEST_BODY].decode("latin-1"))
    reason = call.received.headers.get(_REFUSED)
    if reason is not None:
        failed = [part.split(" ", 1)[0] for part in reason.split("; ")]
    elif body is not None:
        reason = body["failed"]
        failed = reason.split(", ")
    else:
        return None
    if not _CHECKS.issuperset(failed):
        return None
    prefix = "allow_" if body is not None and body["library"].startswith("Disallowed") else ""
    what = "request" if call.step == "actual" else "preflight"
    fixes = tuple(_fix_of_check(check, call, prefix) for check in failed)
    shown = reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}..."
    return _Lack(f"the policy refuses the {what} ({shown})", fixes)


def _fix_of_check(check: str, call: _Call, prefix: str) -> str:
    match check:
        case "method":
            return _fix_of_method(call.asked.method, prefix)
        case "headers":
            return _fix_of_headers(call)
        case "credentials":
            return f"{_fix_of_origin(call.asked)} in place of '*'"
        case _:
            return _fix_of_origin(call.asked, prefix)


# What the headers lack


def _speaks_cors(received: ReceivedResponse) -> bool:
    """Whether some policy affected a response."""
    vary = {name.strip().lower() for name in received.headers.get("vary", "").split(",")}
    return "access-control-allow-origin" in received.headers or "origin" in vary


def _lacks(call: _Call) -> Iterator[_Lack]:
    is_preflight = call.step == "preflight"
    if is_preflight and call.received.status_code in REDIRECT_STATUSES:
        yield _Lack("is redirected, which no browser follows", ("call the URL where it leads",))
        return
    lack = _lack_of_origin(call)
    if lack is not None:
        yield lack
    if not is_preflight or (lack is not None and not _names_an_origin(call)):
        return
    yield from _lacks_of_grants(call)


def _names_an_origin(call: _Call) -> bool:
    return "access-control-allow-origin" in call.received.headers


def _lack_of_origin(call: _Call) -> _Lack | None:
    asked = call.asked
    allowed = call.received.headers.get_all("access-control-allow-origin")
    fix = _fix_of_origin(asked)
    with_credentials = (fix, "allow_credentials=True") if asked.include_credentials else (fix,)
    if not allowed:
        return _lack_of_header(call, with_credentials)
    if _passes(call.received, asked):
        return None
    first, *others = allowed
    if others or "," in first:
        return _Lack("names several origins, where one is allowed", ("remove one of the two CORS layers",))
    if not _passes(call.received, replace(asked, include_credentials=False)):
        return _Lack(f"does not allow the origin {asked.origin}", with_credentials)
    return _lack_of_credentials(first, with_credentials)


def _lack_of_credentials(allowed: str, fixes: tuple[str, ...]) -> _Lack:
    if allowed == "*":
        return _Lack("allows any origin, which does not count with credentials", fixes)
    return _Lack("allows no credentials", fixes[1:])


def _lack_of_header(call: _Call, fixes: tuple[str, ...]) -> _Lack:
    if call.received.error is not None:
        raised = type(call.received.error).__name__
        return _Lack(f"allows no origin, because the app raised {raised}", (_AROUND,))
    return _Lack("allows no origin", (*fixes, *_needed_headers(call)))


def _passes(received: ReceivedResponse, asked: Asked) -> bool:
    try:
        check_cors(received.headers, asked)
    except Refused:
        return False
    return True


def _needed_headers(call: _Call) -> Iterator[str]:
    if call.step == "preflight" and not _ALWAYS_ALLOWED.issuperset(call.asked.unsafe_names):
        yield _fix_of_headers(call)


def _lacks_of_grants(call: _Call) -> Iterator[_Lack]:
    asked = call.asked
    if not _grants(call, replace(asked, method="GET", unsafe_names=())):
        yield _Lack("has a list that browsers cannot read", ("names, separated by commas",))
        return
    missing = _missing_names(call)
    lacks: list[_Lack] = []
    if not _grants(call, replace(asked, unsafe_names=())):
        lacks.append(_Lack(f"no method {asked.method}", (_fix_of_method(asked.method),)))
    if missing:
        lacks.append(_Lack(f"no header {', '.join(missing)}", (_fix_of_headers(call),)))
    if lacks:
        said = " and ".join(lack.said for lack in lacks)
        yield _Lack(f"grants {said}", tuple(fix for lack in lacks for fix in lack.fixes))
    if call.received.status_code not in _OK_STATUSES:
        yield _Lack("does not have an ok status", ("an answer with 204",))


def _missing_names(call: _Call) -> tuple[str, ...]:
    asked = replace(call.asked, method="GET")
    granted = (_grants(call, replace(asked, unsafe_names=(name,))) for name in asked.unsafe_names)
    return tuple(name for name, is_granted in zip(asked.unsafe_names, granted, strict=True) if not is_granted)


def _grants(call: _Call, asked: Asked) -> bool:
    """Whether the lists of a preflight's response grant a request, regardless of its origin."""
    lists = [header for header in call.received.headers.raw if header[0].lower() not in _OF_THE_ORIGIN]
    passing = [
        ("Access-Control-Allow-Origin", asked.origin),
        ("Access-Control-Allow-Credentials", "true"),
    ]
    try:
        check_preflight(ReceivedResponse(204, Headers([*passing, *lists])), asked)
    except Refused:
        return False
    return True


# What to write


def _fix_of_origin(asked: Asked, prefix: str = "") -> str:
    if asked.origin != "null":
        return f"{prefix}origins={_listed([asked.origin])}"
    return _OPAQUE if asked.include_credentials else f'{prefix}origins="*"'


def _fix_of_method(method: str, prefix: str = "") -> str:
    if method != method.upper():
        # https://fetch.spec.whatwg.org/#concept-method-normalize
        usual = ", ".join(sorted(NORMALIZED_METHODS))
        return f'method="{method.upper()}", as methods are case-sensitive and fetch only upper-cases {usual}'
    # The methods of a policy of route_cors only restrict those of its routes.
    needed = "" if prefix else ", and a route that serves it"
    return f"{prefix}methods={_listed([method])}{needed}"


def _fix_of_headers(call: _Call) -> str:
    names = _missing_names(call) or call.asked.unsafe_names
    needed = [name for name in names if name not in _ALWAYS_ALLOWED] or names
    return f"allow_headers={_listed(call.written.get(name, name) for name in needed)}"


def _listed(values: Iterable[str]) -> str:
    return json.dumps(list(values))
