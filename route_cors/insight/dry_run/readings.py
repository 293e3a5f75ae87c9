"""What a browser makes of an answer, and what changes for its page if another one is given.

A server does not see whether a page asks with credentials, so each answer is read for both modes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from route_cors.headers import FORBIDDEN_RESPONSE_HEADERS, SAFELISTED_METHODS, is_token
from route_cors.testing.safelist import SAFELISTED_RESPONSE_HEADERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.decisions import Change
    from route_cors.protocol import Header

# Not covered by `*`: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
_NEVER_BY_WILDCARD: Final = "authorization"
_OK_STATUSES: Final = range(200, 300)
_ANY: Final = "*"


class Asked(NamedTuple):
    """What a preflight asks for: the method, and header names in lower case."""

    method: str
    names: tuple[str, ...]


class Reading(NamedTuple):
    """Why a page does not get what it asked for, without and with credentials; "" if it does.

    `exposed` are the response headers that it may read then, besides the safelisted ones. Without credentials
    `*` among them means all.
    """

    anonymous: str
    credentialed: str
    exposed: frozenset[str] = frozenset()

    @property
    def is_allowed(self) -> bool:
        """Whether the page gets it in either mode."""
        return not (self.anonymous and self.credentialed)


NOTHING: Final = Reading("no response", "no response")


def read_actual(headers: Iterable[Header], origin: bytes) -> Reading:
    """Read the response to an actual request (https://fetch.spec.whatwg.org/#concept-cors-check)."""
    sent = _Sent(headers)
    exposed = frozenset(name.lower() for name in sent.names(b"access-control-expose-headers") or ())
    return Reading(
        sent.fault(origin, credentials=False),
        sent.fault(origin, credentials=True),
        exposed - SAFELISTED_RESPONSE_HEADERS - FORBIDDEN_RESPONSE_HEADERS,
    )


def read_preflight_answer(status: int, headers: Iterable[Header], origin: bytes, asked: Asked) -> Reading:
    """Read the answer to a preflight (https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7)."""
    sent = _Sent(headers)

    def fault(*, credentials: bool) -> str:
        if status not in _OK_STATUSES:
            return f"status {status}"
        return sent.fault(origin, credentials=credentials) or sent.grant_fault(asked, credentials=credentials)

    return Reading(fault(credentials=False), fault(credentials=True))


class _Sent:
    """The CORS headers of an answer; the values of one that was sent more than once are joined by commas."""

    def __init__(self, headers: Iterable[Header]) -> None:
        self._values: dict[bytes, str] = {}
        for raw, value in headers:
            name = raw.lower()
            if name.startswith(b"access-control-"):
                text = value.decode("latin-1").strip(" \t")
                before = self._values.get(name)
                self._values[name] = text if before is None else f"{before}, {text}"

    def fault(self, origin: bytes, *, credentials: bool) -> str:
        """Why the CORS check fails; "" if it passes. An empty origin stands for one that no browser sends."""
        allowed = self._values.get(b"access-control-allow-origin")
        if allowed is None:
            return "no Access-Control-Allow-Origin"
        if allowed == _ANY:
            return "'*' in Access-Control-Allow-Origin" if credentials else ""
        if not origin or allowed != origin.decode("latin-1"):
            return "another origin in Access-Control-Allow-Origin"
        if credentials and self._values.get(b"access-control-allow-credentials") != "true":
            return "no Access-Control-Allow-Credentials: true"
        return ""

    def grant_fault(self, asked: Asked, *, credentials: bool) -> str:
        """Which part of the announced request a preflight's answer does not allow; "" if it allows all."""
        methods = self.names(b"access-control-allow-methods")
        names = self.names(b"access-control-allow-headers")
        if methods is None or names is None:
            return "a list of names that cannot be parsed"
        if asked.method not in {*methods, *SAFELISTED_METHODS} and (credentials or _ANY not in methods):
            return f"method {asked.method} is not allowed"
        listed = {name.lower() for name in names}
        by_wildcard = not credentials and _ANY in listed
        for name in asked.names:
            if name not in listed and not (by_wildcard and name != _NEVER_BY_WILDCARD):
                return f"header {name} is not allowed"
        return ""

    def names(self, header: bytes) -> list[str] | None:
        """The elements of a list header; None if one of them is not a token, which voids the whole list."""
        elements = (each.strip(" \t") for each in self._values.get(header, "").split(","))
        named = [each for each in elements if each]
        return named if all(map(is_token, named)) else None


def change_between(now: Reading, then: Reading) -> Change:
    """What a page would gain or lose, in either credentials mode."""
    gains = (now.anonymous and not then.anonymous) or (now.credentialed and not then.credentialed)
    loses = (then.anonymous and not now.anonymous) or (then.credentialed and not now.credentialed)
    if not now.anonymous and not then.anonymous:
        gains = gains or not _covers(now.exposed, then.exposed)
        loses = loses or not _covers(then.exposed, now.exposed)
    if not now.credentialed and not then.credentialed:
        # With credentials `*` is an ordinary name: https://fetch.spec.whatwg.org/#concept-filtered-response-cors
        gains = gains or not then.exposed - {_ANY} <= now.exposed
        loses = loses or not now.exposed - {_ANY} <= then.exposed
    if gains and loses:
        return "both"
    if gains:
        return "gains"
    return "loses" if loses else ""


def _covers(exposed: frozenset[str], others: frozenset[str]) -> bool:
    return _ANY in exposed or others <= exposed


def in_words(now: Reading, then: Reading, *, failed: str, what: str) -> str:
    """How the answers differ, in a sentence.

    Args:
        now: of what the app answers.
        then: of what the policy would answer.
        failed: the checks that the policy fails; "" if it allows what was asked.
        what: that which is allowed or not: "the call", "reading the response".
    """
    before = _sentence("the app", now, what)
    after = f"the policy refuses {what}: {failed}" if failed else _sentence("the policy", then, what)
    told = f"{before}; {after}"
    if now.is_allowed and then.is_allowed and now.exposed != then.exposed:
        told += f"; exposed now: {_listed(now.exposed)}; then: {_listed(then.exposed)}"
    return told


def _sentence(who: str, reading: Reading, what: str) -> str:
    if not reading.is_allowed:
        return f"{who} does not allow {what}: {reading.anonymous}"
    return f"{who} allows {what} {'without credentials only' if reading.credentialed else 'with credentials'}"


def _listed(names: frozenset[str]) -> str:
    return " ".join(sorted(names)) or "nothing"
