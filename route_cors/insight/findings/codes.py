"""What each code means, and why it matters; the meaning of a code never changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Severity: TypeAlias = Literal["error", "warning", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
"""The worst first."""


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means, for every route that it is found on.

    Attributes:
        severity: the worst severity that it is reported with.
        title: what it is about, in general.
        why: the consequence.
    """

    severity: Severity
    title: str
    why: str = ""


CODES: Final[Mapping[str, Code]] = {
    "RC001": Code(
        "error",
        "A policy that no layer applies",
        "Preflights get a 405 and responses get no CORS headers: browsers refuse every cross-origin call.",
    ),
    "RC002": Code(
        "error",
        "A route that is never reached, so its policy never applies",
        "Requests are served by the earlier route, under the policy of that route.",
    ),
    "RC003": Code(
        "error",
        "A second CORS layer in the way",
        "The outer layer answers preflights, and its headers win: those of the inner layer are lost.",
    ),
    "RC004": Code(
        "error",
        "An earlier OPTIONS route that takes the preflights",
        "A browser never sends a call whose preflight was not granted.",
    ),
    "RC005": Code(
        "error",
        "Any origin on a route that takes credentials",
        "If the origin is reflected, any page on the web can read and change what its visitor can; with a"
        " bare * browsers block every call with credentials.",
    ),
    "RC006": Code(
        "warning",
        "Credentials for every subdomain of a site",
        "One forgotten or rented subdomain, or one with an injected script, can act as your user.",
    ),
    "RC007": Code(
        "warning",
        "A regex that matches origins it was not written for",
        "Whoever registers a domain that the regex matches can read the responses, with credentials as your"
        " user.",
    ),
    # RC008 was about `allow_private_network`, which a policy no longer has. The code is not used again.
    "RC009": Code(
        "warning",
        "An http origin that is not localhost",
        "Anyone on the visitor's network can put a script into an http page, and gets the page's rights.",
    ),
    "RC010": Code(
        "info",
        "The same policy written more than once",
        "One copy gets changed, and another is forgotten.",
    ),
    "RC011": Code(
        "warning",
        "A state-changing request that any page can send without a preflight",
        "CORS only hides the response: the request has already run, with the visitor's cookies.",
    ),
    "RC012": Code(
        "info",
        "Routes that other origins may call only because of the default",
        "A new route is open to other origins although nobody decided that.",
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
        "A required header that the policy does not allow",
        "The preflight is refused, or the call is answered with 401, 403 or 422.",
    ),
    "RC016": Code(
        "error",
        "A policy that was lost, so its route is closed",
        "A decorator or a route class replaced the function that has the policy.",
    ),
    "RC017": Code(
        "error",
        "A policy on a method that is called too late to apply it",
        "When that method is called, the request has already been let in.",
    ),
    "RC018": Code(
        "error",
        "The origin null is allowed",
        "Every sandboxed frame, and every data: and file: page, has the origin null, no matter who made it.",
    ),
    "RC019": Code(
        "error",
        "A bare string in place of a list",
        "CORSMiddleware looks for the origin within the string, so every part of the string is allowed too:"
        " https://app.example.co in https://app.example.com.",
    ),
    "RC020": Code(
        "warning",
        "An allowed origin that no browser sends",
        "It allows nobody: CORSMiddleware compares whole strings and supports no patterns.",
    ),
    "RC021": Code(
        "info",
        "Credentials that nothing needs",
        "Access-Control-Allow-Credentials is for cookies and HTTP authentication. A token in a header does"
        " not need it, and without it a mistake in the origins does less harm.",
    ),
    "RC022": Code(
        "error",
        "A callable that allows every origin",
        "It is a hidden *, and unlike * it can be combined with credentials.",
    ),
    "RC023": Code(
        "error",
        "A regex that one request can make very slow",
        "The time it takes explodes with the length of the Origin header, and the server answers nobody else"
        " meanwhile.",
    ),
    "RC024": Code(
        "warning",
        "An origin where anyone can publish",
        "Whoever publishes a page there has the rights that were meant for your pages.",
    ),
    "RC025": Code(
        "info",
        "Localhost next to production origins",
        "Whatever listens on a port of a visitor's machine has the rights of your front end.",
    ),
    "RC026": Code(
        "warning",
        "A cookie that browsers do not send",
        "Browsers send cookies with SameSite=Lax or Strict only with calls within the same site: the call"
        " arrives without them and looks logged out.",
    ),
    "RC027": Code(
        "warning",
        "A POST with cookies that other sites can send",
        "Any page can send it with a form, as its visitor. Without a policy the page cannot read the"
        " response, but the request has already run.",
    ),
    "RC028": Code(
        "warning",
        "enforce=False on a route that takes cookies",
        "Any page can send it with a form, as its visitor. Routes without cookies, such as webhooks, are what"
        " enforce=False is for.",
    ),
    "RC029": Code(
        "info",
        "Enforcement that may not know the app's own origin",
        "Browsers of before 2023, and all browsers over plain http, send no Sec-Fetch-Site. Their Origin is"
        " then compared with the scheme and host of the request, as the server or a proxy left them.",
    ),
    "RC033": Code(
        "info",
        "An origin that every app of its kind has",
        "The origin does not tell apps apart: any app on the device, and not yours alone, may call with it.",
    ),
    "RC034": Code(
        "info",
        "Nobody is allowed",
        "An empty setting does that without an error, and then the front end cannot call the API either.",
    ),
}
