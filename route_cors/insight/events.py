"""The events in the log `route_cors`: what each means, its fields, and what to do about it.

Each line begins with the id of its event, which keeps its meaning from version to version, for filters and
alerts. `route-cors codes` lists the events, and `route-cors check --explain RCE02` explains one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Level: TypeAlias = Literal["debug", "info", "warning", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEvent:
    """An event in the log.

    Attributes:
        level: of its lines; `when` says if there is another one.
        when: the event is logged.
        example: a line with all fields that it can have outside of a dry run.
        fix: what to do about it.
    """

    level: Level
    when: str
    example: str
    fix: str

    @property
    def title(self) -> str:
        """What it is called: the words of its lines after the id."""
        return self.example.partition(" ")[2].partition(": ")[0]

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of its fields: `name=value`, in the order of the line."""
        words = self.example.split()
        return tuple(word.partition("=")[0] for word in words if "=" in word)


FIELDS: Final[Mapping[str, str]] = {
    "age": "how long ago the live origins were last loaded; none if they never were",
    "allow": "the argument of the inspector that says who may look",
    "callable": "the function that failed",
    "change": "in a dry run, what pages would gain or lose under the policy: gains, loses, both or none",
    "error": "what was raised",
    "failed": "the checks that failed: origin, method and headers; for RCE05 site, origin or credentials",
    "failures": "how often it has failed since the last such line",
    "live_age": "how long ago the live origins of the policy were last loaded; left out if there are none",
    "members": "how many origins and patterns the set has now",
    "method": "of the request; of a preflight the method that it announces",
    "name": "of the function that loads the live origins",
    "origin": "the Origin header as the client sent it",
    "own_origin": "the app's own origin, with which the Origin was compared: scheme and Host of the request",
    "path": "of the request as the client sent it, without its query; for RCE10 as the router got it",
    "refused_headers": "the request headers that the policy does not allow",
    "route": "the path of the route whose policy was looked at; left out if there is none",
    "sec_fetch_site": "what the browser says about the page; left out if it says nothing",
    "served": "the endpoint that the router ran",
    "what": "what failed: load, wake or keep",
    "why": "in a dry run, the change in words",
}
"""What the fields of the events mean. What a client sent is escaped and cut to 300 characters."""

_FROM: Final = "origin=https://app.example.com"
_BY: Final = "origin=https://evil.example"
_NOTES: Final = "route=/notes/{note_id}"
_SHOWN_IN_DEBUG: Final = "With debug=True, or in an app in debug mode, it is a warning."
_EXPLAIN: Final = "`route-cors explain` shows each check for the same request, and what would allow it."

EVENTS: Final[Mapping[str, LogEvent]] = {
    "RCE01": LogEvent(
        level="debug",
        when="A preflight was answered with the permission to send the call.",
        example=f"RCE01 preflight allowed: method=PUT path=/notes/7 {_FROM} {_NOTES}",
        fix="Nothing.",
    ),
    "RCE02": LogEvent(
        level="info",
        when=(
            "A preflight was answered with 403, because the policy does not allow its origin, its method or"
            f" one of its headers. The browser does not send the call. {_SHOWN_IN_DEBUG}"
        ),
        example=(
            "RCE02 preflight refused: failed=origin,headers method=PUT refused_headers=x-token path=/notes/7"
            f" {_BY} {_NOTES}"
        ),
        fix=_EXPLAIN,
    ),
    "RCE03": LogEvent(
        level="debug",
        when="A request was served, and its page may read the response.",
        example=f"RCE03 answer readable: method=PUT path=/notes/7 {_FROM} {_NOTES}",
        fix="Nothing.",
    ),
    "RCE04": LogEvent(
        level="info",
        when=(
            "A request was served, but its page may not read the response: the policy does not allow the"
            f" origin. {_SHOWN_IN_DEBUG}"
        ),
        example=f"RCE04 answer not readable: failed=origin method=GET path=/notes/7 {_BY} {_NOTES}",
        fix=f"{_EXPLAIN} To refuse such requests before they run, use enforce=True.",
    ),
    "RCE05": LogEvent(
        level="info",
        when=(
            "enforce=True refused a request that a browser sent for a page of another origin, with 403 and"
            f" before anything of the app ran. {_SHOWN_IN_DEBUG}"
        ),
        example=(
            f"RCE05 request refused: failed=site method=PUT path=/notes/7 {_BY} sec_fetch_site=cross-site"
            f" own_origin=https://api.example.com {_NOTES}"
        ),
        fix=(
            "If the page is one of yours, name its origin in the policy. If it is the app's own page, but"
            " own_origin is not the origin that browsers use, let the server trust the headers of its proxy."
        ),
    ),
    "RCE06": LogEvent(
        level="debug",
        when="The handshake of a websocket was passed on to its endpoint.",
        example=f"RCE06 websocket allowed: path=/chat {_FROM} route=/chat",
        fix="Nothing.",
    ),
    "RCE07": LogEvent(
        level="info",
        when=(
            "The handshake of a websocket was closed with 403, because its Origin is neither allowed nor the"
            f" app's own. {_SHOWN_IN_DEBUG}"
        ),
        example=(
            f"RCE07 websocket refused: failed=origin path=/chat {_BY} sec_fetch_site=cross-site"
            " own_origin=https://api.example.com route=/chat"
        ),
        fix="As for RCE05; `route-cors explain WS /chat` shows the checks.",
    ),
    "RCE08": LogEvent(
        level="error",
        when="A callable among the origins raised, or did not return a bool. The origin is refused.",
        example=f"RCE08 origin callable failed: callable=<function is_ours at 0x7f3a> {_BY}",
        fix="Fix the callable; the traceback is in the log.",
    ),
    "RCE09": LogEvent(
        level="error",
        when=(
            "The function given as on_decision raised, or returned a coroutine. The request is not affected."
            " It is logged at most once a minute."
        ),
        example="RCE09 on_decision failed: callable=<function count at 0x7f3a> failures=1",
        fix="Fix the function; the traceback is in the log.",
    ),
    "RCE10": LogEvent(
        level="error",
        when=(
            "The router ran another endpoint than the layer expected, because something between them changed"
            " the path or chose the endpoint. The policy of the endpoint that ran applies."
        ),
        example=(
            "RCE10 another endpoint was served than predicted: path=/new route=/old"
            " served=<function new at 0x7f3a>"
        ),
        fix=(
            "Put the layer behind the middleware that rewrites paths: add RouteCORSMiddleware before that"
            " middleware. If there is none, please report it."
        ),
    ),
    "RCE11": LogEvent(
        level="error",
        when=(
            "A decorator or a route class replaced the function that has the policy, so the route is closed"
            " to other origins. It is logged once, when the routes are read."
        ),
        example=(
            "RCE11 a declared policy is lost: path=/notes declared on notes (main.py:10); the route is"
            " closed, because a decorator replaced the function that has the policy: write @cors above that"
            " decorator, or on the endpoint class"
        ),
        fix="Write @cors above that decorator; RC016 has an example.",
    ),
    "RCE12": LogEvent(
        level="info",
        when="A LiveOrigins was loaded, and has other members than before. They follow, in 300 characters.",
        example="RCE12 live origins changed: name=main.partners members=1 age=none +https://partner.example",
        fix="Nothing, if the change was intended.",
    ),
    "RCE13": LogEvent(
        level="warning",
        when=(
            "A LiveOrigins could not be loaded, woken, read from its kept file or written to it. The last"
            " good set stays in use. Each kind of failure is logged once until it works again."
        ),
        example=(
            "RCE13 live origins failed: name=main.partners members=0 age=none what=load"
            ' error="OSError: no route to host"'
        ),
        fix="See the error; an alert on the age in the lines, or on LiveOrigins.age, shows if it lasts.",
    ),
    "RCE14": LogEvent(
        level="warning",
        when="A request has an origin that is not in a LiveOrigins, and nothing loads that one. Logged once.",
        example=(
            "RCE14 live origins are not loaded: name=main.partners members=0 age=none: install_cors(app) runs"
            " them with the app, if the server sends lifespan events (a TestClient does inside `with`);"
            " elsewhere write `async with origins:`"
        ),
        fix="Call install_cors(app), and start the server with its lifespan; or write `async with origins:`.",
    ),
    "RCE20": LogEvent(
        level="warning",
        when="The argument allow of the inspector returned neither True nor a user: the request is refused.",
        example=(
            "RCE20 inspector refused: allow=<function may_look at 0x7f3a> returned RedirectResponse;"
            " returning a response does not refuse the request: raise HTTPException instead"
        ),
        fix="Return True or a user, or raise an HTTPException; the line says what was returned.",
    ),
    "RCE21": LogEvent(
        level="error",
        when="The argument allow of the inspector raised: the request is refused. The traceback follows.",
        example=(
            "RCE21 inspector's allow failed: allow=<function may_look at 0x7f3a> raised KeyError: 'user'"
        ),
        fix="Fix the function.",
    ),
    "RCE22": LogEvent(
        level="error",
        when="A dry run could not compare a request. It is logged at most once a minute.",
        example="RCE22 dry run failed: the request is not affected",
        fix="Please report it, with the traceback from the log.",
    ),
}
"""By id."""
