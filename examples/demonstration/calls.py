"""The calls that the pages and `--check` make, and what both should see."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "BLOCKED_FORM",
    "BLOCKED_HANDSHAKE",
    "BLOCKED_PREFLIGHT",
    "BLOCKED_RESPONSE",
    "CALLS",
    "FRONT_ENDS",
    "MONEY_SENT",
    "Call",
    "Expected",
    "FrontEnd",
]

BLOCKED_PREFLIGHT = "blocked at the preflight"
BLOCKED_RESPONSE = "blocked, response hidden"
BLOCKED_HANDSHAKE = "blocked at the handshake"
BLOCKED_FORM = "blocked before the endpoint"
MONEY_SENT = "money sent"

SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})
SAFELISTED_CONTENT_TYPES = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
)

FrontEnd = Literal["trusted", "stranger"]
FRONT_ENDS: Sequence[FrontEnd] = ("trusted", "stranger")


@dataclass(frozen=True)
class Expected:
    """What the script of a page sees, and why."""

    outcome: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that both pages make; without `stranger`, both should see the same result.

    `unprotected` is what the stranger sees without enforcement, if that differs.
    """

    title: str
    path: str
    trusted: Expected
    stranger: Expected | None = None
    unprotected: Expected | None = None
    method: str = "GET"
    kind: Literal["fetch", "form", "events", "websocket"] = "fetch"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    credentials: Literal["same-origin", "include"] = "same-origin"
    reads_header: str | None = None

    @property
    def unsafe_headers(self) -> frozenset[str]:
        """The headers that a preflight has to ask for."""
        return frozenset(
            name.lower()
            for name, value in self.headers.items()
            if name.lower() != "content-type" or value not in SAFELISTED_CONTENT_TYPES
        )

    @property
    def preflighted(self) -> bool:
        """Whether the browser sends a preflight before the call."""
        return self.method not in SAFELISTED_METHODS or bool(self.unsafe_headers)

    def expected(self, front_end: FrontEnd, *, enforce: bool) -> Expected:
        """What the page of this front end should see."""
        if front_end == "trusted" or self.stranger is None:
            return self.trusted
        return self.stranger if enforce or self.unprotected is None else self.unprotected


JSON = {"Content-Type": "application/json"}
FILE = "quarterly figures"

CALLS: Sequence[Call] = (
    Call(
        title="Read the public quotes",
        path="/public/quotes",
        trusted=Expected("200", "The policy is “*”: every page may read them."),
    ),
    Call(
        title="Read them with credentials",
        path="/public/quotes",
        credentials="include",
        trusted=Expected(
            BLOCKED_RESPONSE, "“*” never allows credentials: public calls are made without them."
        ),
    ),
    Call(
        title="Send public feedback",
        method="POST",
        path="/public/feedback",
        headers=JSON,
        body=json.dumps({"text": "nice quotes"}),
        trusted=Expected("201", "A JSON body needs a preflight; “*” allows it for every page."),
    ),
    Call(
        title="Log in",
        method="POST",
        path="/account/login",
        headers=JSON,
        body=json.dumps({"user": "ada"}),
        credentials="include",
        trusted=Expected("200", "The policy names this origin and allows credentials: the cookie is stored."),
        stranger=Expected(BLOCKED_PREFLIGHT, "The preflight got a 403: the login itself was never sent."),
    ),
    Call(
        title="Read the profile, with the cookie",
        path="/account/profile",
        credentials="include",
        trusted=Expected("200", "The cookie was sent, and the policy names this origin."),
        stranger=Expected(
            BLOCKED_RESPONSE, "The call was sent, with any cookie there is; the browser hid the response."
        ),
    ),
    Call(
        title="Read the profile, without the cookie",
        path="/account/profile",
        trusted=Expected("401", "Errors have CORS headers as well: the script sees that it has to log in."),
        stranger=Expected(BLOCKED_RESPONSE, "The browser hid even the status."),
    ),
    Call(
        title="Upload a file",
        method="PUT",
        path="/account/files/report.txt",
        headers={"Content-Type": "text/plain", "X-Checksum": hashlib.sha256(FILE.encode()).hexdigest()},
        body=FILE,
        credentials="include",
        reads_header="ETag",
        trusted=Expected("201, ETag readable", "The preflight grants PUT and X-Checksum; ETag is exposed."),
        stranger=Expected(BLOCKED_PREFLIGHT, "The preflight got a 403: the file was never sent."),
    ),
    Call(
        title="Transfer money",
        kind="form",
        method="POST",
        path="/account/transfers",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body="to=mallory&amount=100",
        credentials="include",
        trusted=Expected(MONEY_SENT, "The policy names the page that the form was on."),
        stranger=Expected(
            BLOCKED_FORM, "Enforcement: a 403 to the form of a page that the policy does not name."
        ),
        unprotected=Expected(MONEY_SENT, "No enforcement: the form had the user's cookie, and it worked."),
    ),
    Call(
        title="Add a note",
        method="POST",
        path="/account/notes",
        headers={"Content-Type": "text/plain"},
        body="call the bank",
        credentials="include",
        trusted=Expected("201", "A text/plain POST needs no preflight; the policy names this origin."),
        stranger=Expected(
            BLOCKED_RESPONSE, "enforce=True: a 403 before the endpoint ran, so no note was written."
        ),
    ),
    Call(
        title="Ask for a report that crashes",
        path="/account/report",
        credentials="include",
        trusted=Expected("500", "install_cors covers unhandled errors: the script sees that it was a 500."),
        stranger=Expected(BLOCKED_RESPONSE, "Errors are as private as the data: the browser hid it."),
    ),
    Call(
        title="Follow the live events",
        kind="events",
        path="/account/events",
        credentials="include",
        trusted=Expected("3 events", "A stream is an ordinary response: the policy names this origin."),
        stranger=Expected(BLOCKED_RESPONSE, "The browser closed the stream before the first event."),
    ),
    Call(
        title="Join the chat",
        kind="websocket",
        path="/account/chat",
        credentials="include",
        trusted=Expected("connected", "The handshake came from the origin that the policy names."),
        stranger=Expected(BLOCKED_HANDSHAKE, "The API refused the handshake with a 403."),
    ),
    Call(
        title="Read the internal metrics",
        path="/internal/metrics",
        trusted=Expected(
            BLOCKED_RESPONSE, "@no_cors: no origin is allowed, so the browser hid the response."
        ),
    ),
)
