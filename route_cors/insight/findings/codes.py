"""What each code stands for, and why it matters; what a code stands for never changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CODES", "SEVERITIES", "Code", "Severity"]

Severity: TypeAlias = Literal["error", "warning", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for, whichever route it is found on.

    Attributes:
        severity: the worst that it is found with.
        title: what it is about, without values.
        why: what comes of it.
    """

    severity: Severity
    title: str
    why: str = ""


CODES: Final[Mapping[str, Code]] = {
    "RC001": Code(
        "error",
        "A policy that nothing carries out",
        "Preflights get a 405, and responses no CORS headers: browsers refuse every cross-origin call.",
    ),
    "RC002": Code(
        "error",
        "A route that is never reached, so that its policy never holds",
        "Requests are served by the earlier route, under that one's policy.",
    ),
    "RC003": Code(
        "error",
        "A second CORS layer in the way",
        "The outer layer answers preflights, and its headers win: what the inner one says is lost.",
    ),
    "RC004": Code(
        "error",
        "An earlier OPTIONS route that takes the preflights",
        "A browser that gets no grant to its preflight never sends the call.",
    ),
    "RC005": Code(
        "error",
        "Any origin on a route that takes credentials",
        "With credentials, any page on the web reads and changes what its visitor may; with a bare * browsers"
        " send none, and the call fails.",
    ),
    "RC006": Code(
        "warning",
        "Credentials for every subdomain of a site",
        "One forgotten or rented subdomain, or one with a script injected, acts as your user.",
    ),
    "RC007": Code(
        "warning",
        "A regex that admits what it was not written for",
        "Whoever registers a name that the regex admits reads the responses, with credentials as your user.",
    ),
    "RC008": Code(
        "warning",
        "A private network that is open to pages of public ones",
        "A page on the internet reaches a server that only the visitor's own network should.",
    ),
    "RC009": Code(
        "warning",
        "An http origin of another machine",
        "Whoever is on the visitor's network can put a script into an http page, and has its rights.",
    ),
    "RC010": Code(
        "info",
        "The same policy spelled more than once",
        "One copy is changed, and another is forgotten.",
    ),
    "RC011": Code(
        "warning",
        "A request that changes state, and that any page can send without being asked",
        "CORS only hides the response: the request has already run, with the visitor's cookies.",
    ),
    "RC012": Code(
        "info",
        "Routes that answer other origins by the default alone",
        "A new route is open to them although nobody decided that.",
    ),
    "RC013": Code(
        "warning",
        "A websocket that any page can open",
        "Browsers apply no CORS to websockets, and send cookies with the handshake.",
    ),
    "RC014": Code(
        "error",
        "A policy whose methods the route does not have",
        "No preflight for the route is ever granted.",
    ),
    "RC015": Code(
        "warning",
        "A required header that the policy lets nobody send",
        "The preflight is refused, or the call is answered with 401, 403 or 422.",
    ),
    "RC016": Code(
        "error",
        "A policy that is lost, so that its route is closed",
        "A decorator or a route class put another function in the place of the one with the policy.",
    ),
    "RC017": Code(
        "error",
        "A policy on a method that is called too late for it",
        "The request was let in before that method is called.",
    ),
    "RC018": Code(
        "error",
        "The origin null is allowed",
        "Every sandboxed frame, and every data: and file: page, has the origin null, whoever made it.",
    ),
    "RC019": Code(
        "error",
        "A bare string where a list belongs",
        "CORSMiddleware looks for the origin within the text, so that every part of it is allowed too:"
        " https://app.example.co in https://app.example.com.",
    ),
    "RC020": Code(
        "warning",
        "An allowed origin that no browser sends",
        "It allows nobody: CORSMiddleware compares whole texts, and knows no patterns.",
    ),
    "RC021": Code(
        "info",
        "Credentials that nothing needs",
        "Access-Control-Allow-Credentials is for cookies and HTTP authentication. A token in a header needs"
        " none of it, and without it a mistake in the origins costs less.",
    ),
    "RC022": Code(
        "error",
        "A callable that lets everybody in",
        "It is a * that is not seen, and that credentials go with.",
    ),
    "RC023": Code(
        "error",
        "A regex that one request can keep busy",
        "Its time grows out of hand with the length of the Origin header, and the server answers nobody else"
        " meanwhile.",
    ),
    "RC024": Code(
        "warning",
        "An origin where anyone publishes",
        "Whoever publishes a page there has the rights that were meant for yours.",
    ),
    "RC025": Code(
        "info",
        "This machine beside production origins",
        "Whatever listens on a port of a visitor's machine has the rights of your front end.",
    ),
    "RC026": Code(
        "warning",
        "A cookie that never arrives",
        "Browsers send cookies with SameSite=Lax or Strict to calls of the same site alone: the call is made"
        " without, and looks logged out.",
    ),
    "RC027": Code(
        "warning",
        "A POST with cookies, which nothing keeps other sites from sending",
        "Any page can send it with a form as its visitor: without a policy no response is readable, and the"
        " request has run all the same.",
    ),
}
