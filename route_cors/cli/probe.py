"""`route-cors probe`: what a browser would do at a running server."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.text import Text

from route_cors.cli.arguments import page_origin, read_header
from route_cors.cli.errors import CommandError
from route_cors.cli.live_call import LiveCall, make_call
from route_cors.cli.text import as_json, text
from route_cors.headers import normalize_method
from route_cors.insight.printable import MAX_SHOWN, shortened
from route_cors.testing.hosts import origin_of
from route_cors.testing.messages import Headers
from route_cors.testing.printing import lines_of_request, lines_of_response
from route_cors.testing.safelist import is_forbidden
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from route_cors.cli.live_call import Outcome
    from route_cors.cli.text import Screen
    from route_cors.testing.engines import EngineName
    from route_cors.testing.history import Exchange, Step
    from route_cors.testing.messages import ReceivedResponse, SentRequest

_EXIT_CODES: Final = {True: 0, False: 1, None: 3}
_STYLES: Final = {True: "bold green", False: "bold red", None: "bold yellow"}
_TITLES: Final = {"preflight": "Preflight", "actual": "Request"}
_BLOCKED_AT: Final = {
    "preflight": "Blocked at the preflight: no request follows it.",
    "actual": "Blocked at the response: the request is sent, but the page may not read the response.",
    "redirect": "Blocked at a redirect, which a browser does not follow.",
}
# Every request has them, and no CORS library looks at them.
_NOT_SHOWN: Final = frozenset({"sec-fetch-dest", "sec-fetch-mode"})
_OF_EVERY_REQUEST: Final = ("accept", "*/*")
_SHOWN_OF_RESPONSES: Final = frozenset({"location", "vary"})
_MOST_HEADERS: Final = 20


def show_probe(
    screen: Screen,
    url: str,
    *,
    origin: str,
    method: str,
    headers: Sequence[str],
    credentials: bool,
    engine: EngineName,
    timeout: int,
    sends: bool,
    as_data: bool,
) -> int:
    """Ask a running server what a browser would do there, and return the exit code.

    Args:
        screen: where to print.
        url: whole, http or https.
        origin: of the page.
        method: of the call.
        headers: that the script sets.
        credentials: whether the script asks for credentials.
        engine: of the browser.
        timeout: seconds for each response.
        sends: whether a request is sent that may change something on the server.
        as_data: whether to print JSON.

    Raises:
        CommandError: no browser can make such a call, or the server does not answer.
    """
    _check_url(url)
    call = LiveCall(
        url=url,
        origin=page_origin(origin),
        method=normalize_method(method),
        headers=[read_header(each) for each in headers],
        credentials=credentials,
        engine=engine,
        timeout=timeout,
        sends=sends,
    )
    outcome = make_call(call)
    data = _as_data(call, outcome)
    if as_data:
        typer.echo(as_json(data))
    else:
        _print(screen, data)
    return _EXIT_CODES[outcome.allowed]


def _check_url(given: str) -> None:
    try:
        url = parse_url(given)
    except ValueError as error:
        raise CommandError(
            f"{shortened(given)!r} is not a URL: write https://api.example.com/path"
        ) from error
    if url.scheme not in {"http", "https"}:
        raise CommandError(f"{shortened(given)!r}: only http and https URLs have CORS: write https://...")
    if url.has_credentials:
        # It is not shown, as logs have many readers.
        raise CommandError(
            "the URL has a username or password in it, which browsers refuse to fetch: remove it"
        )


def _as_data(call: LiveCall, outcome: Outcome) -> dict[str, Any]:
    """What is printed, secrets shortened and everything cut to a limited length, but not yet escaped."""
    blocked = outcome.blocked
    return {
        "call": {
            "url": _cut(call.url),
            "method": call.method,
            "origin": call.origin,
            "credentials": call.credentials,
            "engine": call.engine,
        },
        "allowed": outcome.allowed,
        "verdict": _verdict(call, outcome),
        "remarks": [*map(_cut, _remarks(call, outcome.exchanges))],
        "steps": [
            _step(each.step, each.request, each.response)
            for each in outcome.exchanges
            if each.response is not None
        ],
        "cause": None if blocked is None else _cut(blocked.cause),
        "reason": None if blocked is None else _cut(blocked.reason),
        "fix": None if blocked is None else [*map(_cut, blocked.fix.split("\n"))],
    }


def _verdict(call: LiveCall, outcome: Outcome) -> str:
    if outcome.blocked is not None:
        return _BLOCKED_AT[outcome.blocked.step]
    if not outcome.is_held_back:
        return "Allowed: the page can read the response."
    unknown = "Whether the page could read the response is known only with --send, which sends it."
    if outcome.exchanges:
        next_one = f"a browser would send the {call.method} next. It was not sent here."
        return f"Allowed by the preflight: {next_one} {unknown}"
    return f"Not known: a browser would send the {call.method} at once, without a preflight. {unknown}"


def _remarks(call: LiveCall, exchanges: Iterable[Exchange]) -> Iterator[str]:
    if call.origin == parse_url(call.url).origin:
        yield "The page is of the server's own origin, where CORS does not apply."
    for name, value in call.headers:
        if is_forbidden(name, value):
            yield f"--header {name}: no script can set it, so it was not sent."
    if call.credentials:
        yield "There were no cookies to send: for a user who is logged in the response may differ."
    for before, after in pairwise(each.request.url for each in exchanges if each.step == "actual"):
        where = "within its origin" if origin_of(before) == origin_of(after) else "to another origin"
        yield f"Redirected {where}: {after}"


def _step(name: Step, sent: SentRequest, received: ReceivedResponse) -> dict[str, Any]:
    asked = replace(sent, headers=_chosen(sent.headers, _is_shown), content=b"")
    got = replace(received, headers=_chosen(received.headers, _is_about_cors), content=b"")
    request, *request_headers = lines_of_request(asked, show_secrets=False)
    _, *response_headers = lines_of_response(got, show_secrets=False)
    return {
        "name": name,
        "request": _cut(request),
        "request_headers": _pairs(request_headers),
        "status": got.status_code,
        "response_headers": _pairs(response_headers),
    }


def _chosen(headers: Headers, is_wanted: Callable[[str, str], bool]) -> Headers:
    return Headers(pair for pair in headers.raw if is_wanted(pair[0].lower(), pair[1]))


def _is_shown(name: str, value: str) -> bool:
    return name not in _NOT_SHOWN and (name, value) != _OF_EVERY_REQUEST


def _is_about_cors(name: str, _: str) -> bool:
    return name.startswith("access-control-") or name in _SHOWN_OF_RESPONSES


def _pairs(lines: Sequence[str]) -> list[list[str]]:
    """Names and values, of a limited number of headers."""
    pairs = [[*map(_cut, line.partition(": ")[::2])] for line in lines[:_MOST_HEADERS]]
    left_out = len(lines) - len(pairs)
    return [*pairs, ["…", f"{left_out} more"]] if left_out else pairs


def _cut(value: str) -> str:
    return value if len(value) < MAX_SHOWN else f"{value[: MAX_SHOWN - 1]}…"


def _print(screen: Screen, data: dict[str, Any]) -> None:
    screen.line(text(data["verdict"], _STYLES[data["allowed"]]))
    for remark in data["remarks"]:
        screen.line(text(remark, "yellow"))
    for number, step in enumerate(data["steps"], 1):
        screen.line()
        screen.line(Text(f"{number}. {_TITLES[step['name']]}  ", "bold"), text(step["request"]))
        _print_headers(screen, step["request_headers"])
        screen.line(Text(f"answer: {step['status']}", "bold"), indent=4)
        _print_headers(screen, step["response_headers"])
    if data["cause"] is not None:
        _print_section(screen, "Why", [data["cause"]])
        _print_section(screen, "What Chrome's console says", [data["reason"]], "red")
        _print_section(screen, "What would allow it, as headers", data["fix"], "cyan")


def _print_headers(screen: Screen, headers: Iterable[Sequence[str]]) -> None:
    for name, value in headers:
        screen.line(text(name, "cyan"), ": ", text(value), indent=6, hang=2)


def _print_section(screen: Screen, title: str, lines: Iterable[str], style: str = "") -> None:
    screen.line()
    screen.line(Text(title, "bold"))
    for line in lines:
        screen.line(text(line, style), indent=4)
