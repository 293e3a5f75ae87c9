"""`route-cors check`: the findings as text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from rich.text import Text

from route_cors.cli.text import text
from route_cors.cli.words import counted, methods_in_words, path_in_words
from route_cors.insight.findings import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from route_cors.cli.text import Screen
    from route_cors.insight.findings import Finding, Severity

_STYLES: Final[Mapping[Severity, str]] = {"error": "bold red", "warning": "yellow", "info": "blue"}


def is_as_bad_as(finding: Finding, limit: str) -> bool:
    """Whether a finding is of that severity, or of a worse one; the limit may be `never`."""
    return limit in SEVERITIES and SEVERITIES.index(finding.severity) <= SEVERITIES.index(limit)


def findings_as_data(findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings as JSON-compatible data."""
    return {"version": 1, "findings": [finding.to_dict() for finding in findings]}


def print_findings(screen: Screen, findings: Sequence[Finding], *, routes: int, ignored: int) -> None:
    """Print each finding with its fix, then how many there are.

    Args:
        screen: where to print.
        findings: the most severe first.
        routes: how many routes were checked.
        ignored: how many findings are not shown.
    """
    for finding in findings:
        _print_finding(screen, finding)
        screen.line()
    counts = Counter(finding.severity for finding in findings)
    told = [counted(counts[severity], severity) for severity in SEVERITIES if counts[severity]]
    left_out = f", {ignored} ignored" if ignored else ""
    screen.line(f"{', '.join(told) or 'no findings'} in {counted(routes, 'route')}{left_out}")


def _print_finding(screen: Screen, finding: Finding) -> None:
    severity = Text(finding.severity, _STYLES[finding.severity])
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
