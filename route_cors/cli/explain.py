"""`route-cors explain`: the result of one call, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from route_cors.cli.text import mark, text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.cli.text import Screen
    from route_cors.insight.explanation import Explanation, Step


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
        return "that of the endpoint, which is not known here"
    by_another = "" if step.answered_by in _OURS else f" ({step.answered_by})"
    return f"{step.status}{by_another}"


_OURS: Final = frozenset({"route_cors", "app", "endpoint"})


def _print_headers(screen: Screen, headers: Iterable[tuple[str, str]]) -> None:
    for name, value in headers:
        screen.line(text(name, "cyan"), ": ", text(value), indent=6, hang=2)
