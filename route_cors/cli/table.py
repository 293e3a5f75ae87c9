"""`route-cors table`: an app's routes and their policies."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from route_cors.cli.arguments import page_origin
from route_cors.cli.find_app import find_app
from route_cors.cli.rows import print_rows
from route_cors.cli.text import as_json, text
from route_cors.cli.words import counted, methods_in_words, path_in_words
from route_cors.insight.access import ANY_OTHER_ORIGIN, STRANGER, accesses_of, speaking_layers
from route_cors.insight.describe import policy_in_words
from route_cors.insight.findings import CODES
from route_cors.insight.overview import report

if TYPE_CHECKING:
    from route_cors.cli.text import Screen
    from route_cors.insight.access import Access
    from route_cors.insight.overview import Report
    from route_cors.insight.routes import ReportedRoute


def show_table(
    screen: Screen,
    target: str | None,
    *,
    factory: bool,
    origin: str | None,
    wanted: str,
    with_docs: bool,
    as_data: bool,
    pages: bool,
) -> None:
    """Show the routes of an app, and what pages of an origin may do there.

    Args:
        screen: where to print.
        target: the app, as `find_app` takes it.
        factory: whether that names a function that makes it.
        origin: whose access to show.
        wanted: the text that a route contains to be shown.
        with_docs: whether the routes of FastAPI's documentation are shown.
        as_data: whether to print JSON.
        pages: whether a table that is longer than the terminal goes through a pager.

    Raises:
        CommandError: there is no such app, or the origin is not valid.
    """
    checked = None if origin is None else page_origin(origin)
    shown = _matching(report(find_app(target, factory=factory).app), wanted)
    if as_data:
        typer.echo(as_json(_as_data(shown, checked)))
    else:
        folded, hidden = (shown, 0) if with_docs else _without_documentation(shown)
        _print_table(screen, folded, origin=checked, pages=pages, hidden=hidden)


def _matching(report: Report, wanted: str) -> Report:
    """Those routes whose path, method, endpoint or policy contains a text, in upper or lower case."""
    routes = tuple(route for route in report.routes if wanted.casefold() in _searched(route))
    kept = {id(route) for route in routes}
    findings = tuple(
        finding for finding in report.findings if finding.route is None or id(finding.route) in kept
    )
    return type(report)(routes=routes, findings=findings)


def _without_documentation(report: Report) -> tuple[Report, int]:
    """The report without the routes of FastAPI's own docs, and how many these are.

    A route with a finding is kept, so that the problem can be seen.
    """
    found = {id(finding.route) for finding in report.findings}
    kept = tuple(route for route in report.routes if not route.is_documentation or id(route) in found)
    return replace(report, routes=kept), len(report.routes) - len(kept)


def _as_data(report: Report, origin: str | None) -> dict[str, Any]:
    """The report as JSON; with an origin, also what that origin and any other origin may do."""
    data = report.to_dict()
    if origin is not None:
        data["origin"] = origin
        for name, asked in (("access", origin), ("access_of_any_other_origin", STRANGER)):
            for access, told in zip(accesses_of(report.routes, asked), data["routes"], strict=True):
                told[name] = {"verdict": access.verdict, "with_credentials": access.with_credentials}
    return data


def _print_table(screen: Screen, report: Report, *, origin: str | None, pages: bool, hidden: int) -> None:
    if pages and screen.is_terminal and len(report.routes) > screen.console.height:
        # As git does: less ends by itself if everything fits, and shows colours.
        os.environ.setdefault("LESS", "FRX")
        with screen.console.pager(styles=True):
            _print_all(screen, report, origin, hidden)
    else:
        _print_all(screen, report, origin, hidden)


def _print_all(screen: Screen, report: Report, origin: str | None, hidden: int) -> None:
    if origin is not None:
        screen.line("What pages of ", Text(origin, "bold"), " may do")
        screen.line()
    if report.routes:
        print_rows(screen, *_cells(report, origin))
        screen.line()
    _print_summary(screen, report)
    if hidden:
        told = counted(hidden, "route")
        screen.line(f"{told} of FastAPI's docs {'is' if hidden == 1 else 'are'} hidden; --all shows them")


def _cells(report: Report, origin: str | None) -> tuple[list[str], list[list[Text]]]:
    marks = defaultdict[int, set[str]](set)
    for finding in report.findings:
        marks[id(finding.route)].add(finding.code)
    columns = _access_columns(report, origin)
    access = [title for title, _ in columns]
    header = ["Methods", "Path", *access, "Policy", "Declared on", "Endpoint", "Findings"]
    rows = [
        [
            text(methods_in_words(route)),
            text(path_in_words(route), "bold"),
            *(_access(accesses[number]) for _, accesses in columns),
            _policy(route),
            text(route.source or ""),
            text(route.endpoint if route.place is None else str(route.place), "dim"),
            text(" ".join(sorted(marks[id(route)])), "yellow"),
        ]
        for number, route in enumerate(report.routes)
    ]
    return header, rows


def _access_columns(report: Report, origin: str | None) -> list[tuple[str, list[Access]]]:
    """The access of that origin, then the access of any other origin that no policy names."""
    if origin is None:
        return []
    other = ANY_OTHER_ORIGIN.capitalize()
    return [("Access", accesses_of(report.routes, origin)), (other, accesses_of(report.routes, STRANGER))]


def _policy(route: ReportedRoute) -> Text:
    others = "; ".join(layer.in_words() for layer in speaking_layers(route))
    said = others if others and route.policy is None else policy_in_words(route.policy)
    words = "; ".join([said, *route.words_of_enforcement])
    if route.policy is None:
        return text(words, "" if others or route.is_enforced else "dim")
    ours = text(words) if route.takes_effect else Text.assemble(text(words), (" (no effect)", "red"))
    return Text.assemble(ours, "; in front of it ", text(others)) if others else ours


def _access(access: Access) -> Text:
    words = {
        "yes": ("yes", "green"),
        "no": ("no", "red"),
        "asks": ("asks the app", "yellow"),
        "unknown": ("not known", "yellow"),
    }
    word, style = words[access.verdict]
    return Text(f"{word}, with credentials" if access.with_credentials else word, style)


def _searched(route: ReportedRoute) -> str:
    parts = (methods_in_words(route), path_in_words(route), route.endpoint, _policy(route).plain)
    return "\n".join(parts).casefold()


def _print_summary(screen: Screen, report: Report) -> None:
    found = sorted({finding.code for finding in report.findings})
    screen.line(f"{counted(len(report.routes), 'route')}, {counted(len(report.findings), 'finding')}")
    for code in found:
        screen.line(Text(code, "yellow"), f"  {CODES[code].title}")
    if found:
        screen.line("`route-cors check` says what to do about them")
