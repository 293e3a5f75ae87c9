"""Findings for CI, as SARIF 2.1.0: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from route_cors.insight.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from route_cors.insight.findings import Code, Finding, Severity
    from route_cors.insight.routes import Place

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final[Mapping[Severity, str]] = {"error": "error", "warning": "warning", "info": "note"}


def to_sarif(
    findings: Iterable[Finding],
    codes: Mapping[str, Code],
    *,
    root: Path,
    fallback: Place | None = None,
) -> dict[str, Any]:
    """The findings as a SARIF log, as JSON-compatible data.

    Args:
        findings: in the order that the log will have.
        codes: every code that a finding may have; these are the rules of the log.
        root: the directory that places are relative to; places outside of it are left out.
        fallback: the place for findings without one: viewers skip results without a location.
    """
    rules = [*codes]
    seen = Counter[str]()
    results: list[dict[str, Any]] = []
    for finding in findings:
        identity = _identity(finding)
        seen[identity] += 1
        results.append(
            {
                "ruleId": finding.code,
                "ruleIndex": rules.index(finding.code),
                "level": _LEVELS[finding.severity],
                "message": {"text": _message(finding, root)},
                "locations": _locations(finding.place, root) or _locations(fallback, root),
                "partialFingerprints": {"routeCors/v1": _fingerprint(identity, seen[identity])},
            }
        )
    driver = {"name": "route-cors", "rules": [_rule(name, code) for name, code in codes.items()]}
    run = {"tool": {"driver": driver}, "results": results}
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, code: Code) -> dict[str, Any]:
    return {
        "id": name,
        "shortDescription": {"text": f"{code.title}."},
        "fullDescription": {"text": code.why},
        "help": {"text": f"{code.when}\n\n{code.why}\n\n{code.fix}", "markdown": _help(code)},
        "defaultConfiguration": {"level": _LEVELS[code.severity]},
    }


def _help(code: Code) -> str:
    found, fixed = (f"```python\n{program}```" for program in (code.example, code.fixed))
    parts = (code.when, code.why, "It is found here:", found, code.fix, fixed)
    return "\n\n".join(parts)


def _message(finding: Finding, root: Path) -> str:
    """The sentence and the fix, without the path of the project on this machine."""
    told = f"{finding.sentence}; {finding.fix}"
    return printable(told.replace(f"{root}{os.sep}", ""))


def _locations(place: Place | None, root: Path) -> list[dict[str, Any]]:
    uri = None if place is None else _uri(place.file, root)
    if place is None or uri is None:
        return []
    file = {"uri": uri}
    return [{"physicalLocation": {"artifactLocation": file, "region": {"startLine": max(place.line, 1)}}}]


def _uri(file: str, root: Path) -> str | None:
    """Relative, with forward slashes, as repository viewers expect; None for files outside of the root."""
    path = Path(file)
    if path.is_absolute():
        if not path.is_relative_to(root):
            return None
        path = path.relative_to(root)
    return quote(path.as_posix())


def _identity(finding: Finding) -> str:
    """An identity that does not change when lines move or sentences are reworded."""
    route = finding.route
    if route is None:
        return finding.code
    return repr((finding.code, route.kind, route.host, route.path, route.methods))


def _fingerprint(identity: str, occurrence: int) -> str:
    return hashlib.sha256(f"{identity}#{occurrence}".encode("utf-8", "backslashreplace")).hexdigest()[:32]
