"""An explained call as data: what a browser sends, what it gets, each check, and what would allow it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

SentAs: TypeAlias = Literal["fetch", "form", "image", "link"]
"""How a page sends a call: its script calls `fetch`, it submits a form, shows an image, or follows a link."""

StepName: TypeAlias = Literal["preflight", "actual", "websocket"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that a page makes.

    Args:
        method: as the script gives it; `WS` or `WEBSOCKET` for `new WebSocket(path)`. Forms send GET and
            POST, images and links GET.
        path: relative to the app's root, with its query: `/account/7?full=1`.
        origin: of the page, as browsers send it; `null` for a sandboxed page.
        headers: names and values that the script sets.
        credentials: whether the script asks for credentials (`credentials: "include"`); for forms, images
            and links, whether the user has cookies that are sent.
        base_url: where the app is served: scheme, host, port, and a path if it is served below one.
        as_: how the page sends it. CORS does not apply to forms, images and links: they are sent, the page
            cannot read the response, and only enforcement keeps them from the endpoint.
    """

    method: str
    path: str
    origin: str
    headers: tuple[tuple[str, str], ...] = ()
    credentials: bool = False
    base_url: str = "https://testserver"
    as_: SentAs = "fetch"


@dataclass(frozen=True, slots=True)
class Check:
    """One check, and its result.

    Attributes:
        name: `route`, `policy`, `origin`, `method`, `headers`, `response` and so on; they do not change.
        passed: None if the check was not needed.
        detail: the result in a sentence, with the values.
    """

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A request that the browser sends, and the response to it.

    Attributes:
        name: `preflight`, `actual` or `websocket`.
        request: `OPTIONS https://api.example/account/7`.
        request_headers: those that matter to CORS.
        checks: in the order in which they are made: first the app's, then the browser's.
        answered_by: `route_cors`; `app`, for its router; `endpoint`; or the full name of a middleware's
            class. None if that is not known.
        status: of the response; None if only the endpoint knows it, which is not run, or if it is not known.
        response_headers: those about CORS, exactly, in their order; if route_cors answers, all.
    """

    name: StepName
    request: str
    request_headers: tuple[tuple[str, str], ...]
    checks: tuple[Check, ...]
    answered_by: str | None
    status: int | None
    response_headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Fix:
    """The smallest change that would allow the call. It is shown, and never applied.

    Attributes:
        change: what to do, in a sentence.
        code: the Python code: the changed policy, or the line to add; None if no policy can allow the call.
    """

    change: str
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The result of a call.

    Attributes:
        call: the call.
        allowed: whether the page's script can read the response (or use the websocket); for a form, an image
            or a link, whether the request gets to the app. None if that is not known, because another layer
            may answer CORS by itself.
        verdict: that in a sentence.
        preflight: why the browser sends a preflight, or why it sends none, in a sentence.
        steps: the requests that are sent, in their order; none is sent after a failed one.
        reason: what Chrome's console says if the call is blocked; None if it is not.
        fix: what would certainly allow the call; None if it is allowed, or may be allowed.
        not_known: the full names of the layers that may answer CORS by themselves.
        remarks: what else browsers do with such a call, in sentences.
    """

    call: Call
    allowed: bool | None
    verdict: str
    preflight: str
    steps: tuple[Step, ...]
    reason: str | None
    fix: Fix | None
    not_known: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The same as data that JSON can hold."""
        return {
            "call": {
                "method": self.call.method,
                "path": self.call.path,
                "origin": self.call.origin,
                "headers": [[*pair] for pair in self.call.headers],
                "credentials": self.call.credentials,
                "base_url": self.call.base_url,
                "as": self.call.as_,
            },
            "allowed": self.allowed,
            "verdict": self.verdict,
            "preflight": self.preflight,
            "steps": [_step_as_dict(step) for step in self.steps],
            "reason": self.reason,
            "fix": None if self.fix is None else {"change": self.fix.change, "code": self.fix.code},
            "not_known": [*self.not_known],
            "remarks": [*self.remarks],
        }


def _step_as_dict(step: Step) -> dict[str, Any]:
    return {
        "name": step.name,
        "request": step.request,
        "request_headers": [[*pair] for pair in step.request_headers],
        "checks": [
            {"name": check.name, "passed": check.passed, "detail": check.detail} for check in step.checks
        ],
        "answered_by": step.answered_by,
        "status": step.status,
        "response_headers": [[*pair] for pair in step.response_headers],
    }
