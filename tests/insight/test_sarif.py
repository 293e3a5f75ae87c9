"""Findings as SARIF."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from route_cors.insight import CODES, Code, Finding, Place, ReportedRoute
from route_cors.insight.sarif import to_sarif

if TYPE_CHECKING:
    from collections.abc import Mapping

    from route_cors.insight import Severity

ROOT = Path("/project")

ROUTE = ReportedRoute(
    kind="http",
    path="/items/{item_id}",
    methods=("GET",),
    host=None,
    endpoint="main.item",
    place=Place("/project/app/main.py", 12),
    policy=None,
    source=None,
    takes_effect=True,
    example="/items/1",
)

OF_CODES: list[tuple[str, Severity, str]] = [("RC001", "error", "A thing"), ("RC002", "info", "Another")]
TWO_CODES = {
    name: Code(
        severity=severity,
        title=title,
        when="A thing was seen.",
        why="It breaks.",
        example="thing()\n",
        fix="Leave it out.",
        fixed="pass\n",
    )
    for name, severity, title in OF_CODES
}
HELP = {
    "text": "A thing was seen.\n\nIt breaks.\n\nLeave it out.",
    "markdown": (
        "A thing was seen.\n\nIt breaks.\n\nIt is found here:\n\n```python\nthing()\n```\n\nLeave it out.\n\n"
        "```python\npass\n```"
    ),
}


def finding(**changes: Any) -> Finding:
    told: dict[str, Any] = {
        "code": "RC001",
        "severity": "error",
        "sentence": "GET /items/{item_id} is wrong",
        "fix": "write it otherwise",
        "route": ROUTE,
        "place": ROUTE.place,
    }
    return Finding(**{**told, **changes})


def results(*findings: Finding, fallback: Place | None = None) -> list[dict[str, Any]]:
    log = to_sarif(findings, CODES, root=ROOT, fallback=fallback)
    told: list[dict[str, Any]] = log["runs"][0]["results"]
    return told


def uri(place: Place) -> str:
    (result,) = results(finding(place=place))
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


def fingerprint(result: Mapping[str, Any]) -> str:
    (told,) = result["partialFingerprints"].values()
    return str(told)


def test_the_whole_log() -> None:
    log = to_sarif([finding()], TWO_CODES, root=ROOT)
    (result,) = log["runs"][0]["results"]
    assert len(result.pop("partialFingerprints")["routeCors/v1"]) == 32
    assert log == {
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "route-cors",
                        "rules": [
                            {
                                "id": "RC001",
                                "shortDescription": {"text": "A thing."},
                                "fullDescription": {"text": "It breaks."},
                                "help": HELP,
                                "defaultConfiguration": {"level": "error"},
                            },
                            {
                                "id": "RC002",
                                "shortDescription": {"text": "Another."},
                                "fullDescription": {"text": "It breaks."},
                                "help": HELP,
                                "defaultConfiguration": {"level": "note"},
                            },
                        ],
                    }
                },
                "results": [
                    {
                        "ruleId": "RC001",
                        "ruleIndex": 0,
                        "level": "error",
                        "message": {"text": "GET /items/{item_id} is wrong; write it otherwise"},
                        "locations": [
                            {
                                "physicalLocation": {
                                    "artifactLocation": {"uri": "app/main.py"},
                                    "region": {"startLine": 12},
                                }
                            }
                        ],
                    }
                ],
            }
        ],
    }


def test_nothing_found_is_a_log_as_well() -> None:
    assert results() == []


@pytest.mark.parametrize(
    ("severity", "level"), [("error", "error"), ("warning", "warning"), ("info", "note")]
)
def test_a_findings_own_severity_is_its_level(severity: str, level: str) -> None:
    (result,) = results(finding(severity=severity))
    assert result["level"] == level


def test_the_index_leads_to_the_rule() -> None:
    log = to_sarif([finding(code=code) for code in CODES], CODES, root=ROOT)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [*CODES]


def test_a_file_is_named_from_the_root_on() -> None:
    assert uri(Place("/project/main.py", 1)) == "main.py"
    assert uri(Place("app/main.py", 1)) == "app/main.py"
    assert uri(Place("/project/odd name#1/ü?.py", 1)) == "odd%20name%231/%C3%BC%3F.py"


def test_a_line_is_never_less_than_one() -> None:
    (result,) = results(finding(place=Place("/project/main.py", 0)))
    assert result["locations"][0]["physicalLocation"]["region"] == {"startLine": 1}


def test_a_finding_without_a_place_points_at_the_fallback() -> None:
    (result,) = results(finding(place=None, route=None), fallback=Place("/project/main.py", 1))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "main.py"
    (result,) = results(finding(place=None, route=None))
    assert result["locations"] == []


@pytest.mark.parametrize("file", ["/elsewhere/main.py", "/projects/main.py"])
def test_no_file_outside_of_the_root_is_named(file: str) -> None:
    (result,) = results(finding(place=Place(file, 3)))
    assert result["locations"] == []
    (result,) = results(finding(place=Place(file, 3)), fallback=Place("/project/main.py", 1))
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "main.py"
    (result,) = results(finding(place=None), fallback=Place(file, 1))
    assert result["locations"] == []


def test_the_fingerprint_outlives_new_lines_and_new_words() -> None:
    first, moved = results(finding()), results(finding(place=Place("/project/b.py", 99), sentence="reworded"))
    assert fingerprint(first[0]) == fingerprint(moved[0])


def test_the_fingerprint_tells_findings_apart() -> None:
    other = replace(ROUTE, path="/other")
    told = results(
        finding(),
        finding(),
        finding(code="RC002"),
        finding(route=other),
        finding(route=None),
        finding(route=None),
    )
    assert len(set(map(fingerprint, told))) == len(told)


def test_whose_machine_it_was_is_not_told() -> None:
    (result,) = results(
        finding(sentence="GET /a (/project/app/main.py:3) comes first", fix="see /project/b.py")
    )
    assert result["message"]["text"] == "GET /a (app/main.py:3) comes first; see b.py"


def test_nothing_in_a_message_acts() -> None:
    evil = "\x1b[31m\u202e\n<script>"
    (result,) = results(finding(sentence=evil, fix=evil))
    assert result["message"]["text"] == r"\x1b[31m\u202e\n<script>; \x1b[31m\u202e\n<script>"
    route = replace(ROUTE, path="\ud800")
    assert json.dumps(results(finding(route=route))).isascii()
