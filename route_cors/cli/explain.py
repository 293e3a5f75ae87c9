"""`route-cors explain`: the result of one call, step by step."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Final

import typer
from rich.text import Text

from route_cors.cli.arguments import read_call, read_request
from route_cors.cli.errors import CommandError
from route_cors.cli.find_app import find_app
from route_cors.cli.text import as_json, mark, text
from route_cors.insight.explain import explain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from route_cors.cli.text import Screen
    from route_cors.insight.explanation import Explanation, SentAs, Step

_EXIT_CODES: Final = {True: 0, False: 1, None: 3}


def show_explanation(
    screen: Screen,
    target: str | None,
    request: tuple[str | None, str | None, str | None],
    *,
    factory: bool,
    origin: str,
    sent_as: SentAs,
    headers: Sequence[str],
    credentials: bool,
    base_url: str | None,
    as_data: bool,
) -> int:
    """Explain one call, and return the exit code.

    Args:
        screen: where to print.
        target: the app, as `find_app` takes it.
        request: the two arguments and the option that `read_request` takes.
        factory: whether the target names a function that makes the app.
        origin: of the page.
        sent_as: how the page sends it.
        headers: that the script sets.
        credentials: whether the script asks for credentials.
        base_url: where the app is served.
        as_data: whether to print JSON.

    Raises:
        CommandError: there is no such app, or no browser can make such a call.
    """
    call = read_call(
        *read_request(*request),
        origin=origin,
        headers=headers,
        credentials=credentials,
        base_url=base_url,
        as_=sent_as,
    )
    found = find_app(target, factory=factory)
    try:
        with redirect_stdout(sys.stderr):
            explanation = explain(found.app, call)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if as_data:
        typer.echo(as_json(explanation.to_dict()))
    else:
        print_explanation(screen, explanation)
    return _EXIT_CODES[explanation.allowed]


def print_explanation(screen: Screen, explanation: Explanation) -> None:
    """Print the verdict, each request with its checks and its response, and what would allow the call."""
    screen.line(text(explanation.verdict, _STYLES[explanation.allowed]))
    screen.line(text(explanation.preflight))
    for remark in explanation.remarks:
        screen.line(text(remark, "yellow"))
    for number, step in enumerate(explanation.steps, 1):
        screen.line()
        _print_step(screen, number, step)
    if explanation.reason is not None:
        screen.line()
        screen.line(Text("What Chrome's console says", "bold"))
        screen.line(text(explanation.reason, "red"), indent=4)
    if explanation.fix is not None:
        screen.line()
        screen.line(Text("What would allow it", "bold"))
        screen.line(text(explanation.fix.change), indent=4)
        for line in (explanation.fix.code or "").splitlines():
            screen.line(text(line, "cyan"), indent=8)


_STYLES: Final = {True: "bold green", False: "bold red", None: "bold yellow"}
_TITLES: Final = {"preflight": "Preflight", "actual": "Request", "websocket": "Handshake"}


def _print_step(screen: Screen, number: int, step: Step) -> None:
    screen.line(Text(f"{number}. {_TITLES[step.name]}  ", "bold"), text(step.request))
    _print_headers(screen, step.request_headers)
    for check in step.checks:
        name, detail = Text(f" {check.name}: ", "bold"), text(check.detail)
        screen.line(mark(screen, passed=check.passed), name, detail, indent=4, hang=2)
    screen.line(Text("answer: ", "bold"), text(_answer(step), "bold"), indent=4)
    _print_headers(screen, step.response_headers)


def _answer(step: Step) -> str:
    if step.answered_by is None:
        return "not known"
    if step.status is None:
        return "the endpoint's own, which is not known here"
    by_another = "" if step.answered_by in _OURS else f" ({step.answered_by})"
    return f"{step.status}{by_another}"


_OURS: Final = frozenset({"route_cors", "app", "endpoint"})


def _print_headers(screen: Screen, headers: Iterable[tuple[str, str]]) -> None:
    for name, value in headers:
        screen.line(text(name, "cyan"), ": ", text(value), indent=6, hang=2)
