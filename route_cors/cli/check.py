"""`route-cors check`: the findings of an app, and what a change opened or closed."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer
from rich.text import Text

from route_cors.cli.arguments import api_origin, read_baseline, read_codes
from route_cors.cli.errors import CommandError
from route_cors.cli.find_app import find_app
from route_cors.cli.text import STYLES, as_json, text
from route_cors.cli.words import counted, methods_in_words, path_in_words
from route_cors.insight.baseline import changes_as_findings, compare
from route_cors.insight.findings import BASELINE_CODES, CODES, SEVERITIES
from route_cors.insight.overview import report
from route_cors.insight.routes import Place
from route_cors.insight.sarif import to_sarif

if TYPE_CHECKING:
    from collections.abc import Sequence

    from route_cors.cli.text import Screen
    from route_cors.insight.findings import Finding
    from route_cors.insight.overview import Report

_ALL_CODES: Final = {**CODES, **BASELINE_CODES}


def check_app(
    screen: Screen,
    target: str | None,
    *,
    factory: bool,
    fail_on: str,
    ignore: Sequence[str],
    baseline: str | None,
    base_url: str | None,
    ask_callables: bool,
    as_data: bool,
    as_sarif: bool,
) -> bool:
    """Print the findings of an app. Return whether none is of the severity in `fail_on`, or worse.

    Args:
        screen: where to print.
        target: the app, as `find_app` takes it.
        factory: whether that names a function that makes it.
        fail_on: a severity, or `never`.
        ignore: codes of findings that are left out.
        baseline: the file with an earlier report.
        base_url: where the app is served.
        ask_callables: whether callables among the origins are called.
        as_data: whether to print JSON.
        as_sarif: whether to print SARIF.

    Raises:
        CommandError: there is no such app, or one of the arguments is not valid.
    """
    if as_data and as_sarif:
        raise CommandError("--json and --sarif: give only one of them")
    ignored = read_codes(ignore, _ALL_CODES)
    served_at = None if base_url is None else api_origin(base_url)
    found = find_app(target, factory=factory)
    with redirect_stdout(sys.stderr):
        whole = report(found.app, base_url=served_at, ask_callables=ask_callables)
    every = _findings(whole, baseline)
    findings = [finding for finding in every if finding.code not in ignored]
    if as_data:
        typer.echo(as_json({"version": 1, "findings": [finding.to_dict() for finding in findings]}))
    elif as_sarif:
        fallback = None if found.file is None else Place(found.file, 1)
        typer.echo(as_json(to_sarif(findings, _ALL_CODES, root=Path.cwd(), fallback=fallback)))
    else:
        of_docs = sum(route.is_documentation for route in whole.routes)
        print_findings(
            screen,
            findings,
            routes=len(whole.routes) - of_docs,
            of_docs=of_docs,
            ignored=len(every) - len(findings),
        )
    return not any(_is_as_bad_as(finding, fail_on) for finding in findings)


def _findings(whole: Report, baseline: str | None) -> list[Finding]:
    if baseline is None:
        return [*whole.findings]
    try:
        changes = compare(read_baseline(baseline), whole)
    except ValueError as error:
        raise CommandError(
            f"--baseline {baseline!r}: not an output of `route-cors table --json`: {error}"
        ) from error
    findings = [*whole.findings, *changes_as_findings(changes)]
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


def _is_as_bad_as(finding: Finding, limit: str) -> bool:
    return limit in SEVERITIES and SEVERITIES.index(finding.severity) <= SEVERITIES.index(limit)


def print_findings(
    screen: Screen, findings: Sequence[Finding], *, routes: int, of_docs: int, ignored: int
) -> None:
    """Print each finding with its fix, then how many there are.

    Args:
        screen: where to print.
        findings: the most severe first.
        routes: how many routes of the app's own were checked.
        of_docs: how many routes of FastAPI's docs, which `table` hides.
        ignored: how many findings are not shown.
    """
    for finding in findings:
        _print_finding(screen, finding)
        screen.line()
    counts = Counter(finding.severity for finding in findings)
    told = [counted(counts[severity], severity) for severity in SEVERITIES if counts[severity]]
    docs = f" and {of_docs} of FastAPI's docs" if of_docs else ""
    left_out = f", {ignored} ignored" if ignored else ""
    screen.line(f"{', '.join(told) or 'no findings'} in {counted(routes, 'route')}{docs}{left_out}")


def _print_finding(screen: Screen, finding: Finding) -> None:
    severity = Text(finding.severity, STYLES[finding.severity])
    screen.line(severity, " ", Text(finding.code, "bold"), *_subject(finding))
    screen.line(text(finding.sentence), indent=4)
    if finding.why:
        screen.line(Text("why:  ", "dim"), text(finding.why), indent=4, hang=6)
    screen.line(Text("fix: ", "green"), text(finding.fix), indent=4, hang=6)


def _subject(finding: Finding) -> list[Text | str]:
    parts: list[Text | str] = []
    if finding.route is not None:
        parts += [" ", text(methods_in_words(finding.route)), " ", text(path_in_words(finding.route), "bold")]
    if finding.place is not None:
        parts += ["  ", text(str(finding.place), "dim")]
    return parts
