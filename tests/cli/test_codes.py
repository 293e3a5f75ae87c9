"""`route-cors codes` and `route-cors check --explain`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from interpreters import printed_by

from route_cors.insight.events import EVENTS, FIELDS
from route_cors.insight.findings import BASELINE_CODES, CODES, RETIRED

if TYPE_CHECKING:
    from pathlib import Path

    from .support import Workplace

ALL = {**CODES, **BASELINE_CODES}


def test_the_codes_in_their_order(workplace: Workplace) -> None:
    run = workplace.run("codes")
    assert (run.code, run.err) == (0, "")
    findings, events, hint = run.out.split("\n\n")
    assert findings.splitlines()[:2] == [
        "Findings of `route-cors check`",
        "  RC001  error    A policy that no layer applies",
    ]
    assert [line.split()[0] for line in findings.splitlines()[1:]] == sorted({*ALL, *RETIRED})
    assert f"  RC008  retired  {RETIRED['RC008']}" in findings.splitlines()
    assert events.splitlines()[:2] == [
        "Events in the log `route_cors`",
        "  RCE01  debug    preflight allowed",
    ]
    assert [line.split()[0] for line in events.splitlines()[1:]] == [*EVENTS]
    assert hint == "`route-cors check --explain CODE` explains one of them\n"


def test_the_codes_as_data(workplace: Workplace) -> None:
    data = json.loads(workplace.run("codes", "--json").out)
    assert data.keys() == {"version", "codes"}
    assert data["version"] == 1
    told = {each["code"]: each for each in data["codes"]}
    assert len(told) == len(data["codes"]) == len(ALL) + len(RETIRED) + len(EVENTS)
    title = "A policy that no layer applies"
    assert told["RC001"] == {"code": "RC001", "kind": "finding", "level": "error", "title": title}
    assert told["RC008"] == {
        "code": "RC008",
        "kind": "finding",
        "level": "retired",
        "title": RETIRED["RC008"],
    }
    assert told["RC101"]["level"] == "warning"
    title = "preflight refused"
    assert told["RCE02"] == {"code": "RCE02", "kind": "event", "level": "info", "title": title}


def test_a_finding_is_explained(workplace: Workplace) -> None:
    run = workplace.run("check", "--explain", "RC022")
    code = CODES["RC022"]
    assert (run.code, run.err) == (0, "")
    assert run.out == (
        "RC022 error A callable that allows every origin\n"
        f"    when: {code.when}\n"
        f"    why:  {code.why}\n"
        f"    fix:  {code.fix}\n"
        "\n`route-cors check main.py --ask-callables` finds it in this program:\n"
        f"\n{indented(code.example)}"
        "\nand nothing in this one:\n"
        f"\n{indented(code.fixed)}"
    )


def indented(program: str) -> str:
    return "".join(f"    {line}" if line.strip() else line for line in program.splitlines(keepends=True))


def test_an_event_is_explained(workplace: Workplace) -> None:
    run = workplace.run("check", "--explain", "RCE09")
    event = EVENTS["RCE09"]
    assert (run.code, run.err) == (0, "")
    assert run.out == (
        "RCE09 error on_decision failed\n"
        f"    when: {event.when}\n"
        f"    fix:  {event.fix}\n"
        f"\nA line of the log:\n    {event.example}\n"
        "\nIts fields:\n"
        f"    callable  {FIELDS['callable']}\n"
        f"    failures  {FIELDS['failures']}\n"
    )


def test_an_event_without_fields(workplace: Workplace) -> None:
    run = workplace.run("check", "--explain", "RCE22")
    assert run.out.endswith(f"\nA line of the log:\n    {EVENTS['RCE22'].example}\n")


def test_a_retired_code_is_told_as_retired(workplace: Workplace) -> None:
    run = workplace.run("check", "--explain", "RC008")
    assert (run.code, run.out) == (0, f"RC008 retired {RETIRED['RC008']}\n")
    data = json.loads(workplace.run("check", "--explain", "RC008", "--json").out)
    title = RETIRED["RC008"]
    assert data == {"version": 1, "code": "RC008", "kind": "finding", "level": "retired", "title": title}


def test_a_finding_as_data(workplace: Workplace) -> None:
    data = json.loads(workplace.run("check", "--explain", "rc026", "--json").out)
    code = CODES["RC026"]
    assert data == {
        "version": 1,
        "code": "RC026",
        "kind": "finding",
        "level": "warning",
        "title": code.title,
        "when": code.when,
        "why": code.why,
        "example": code.example,
        "fix": code.fix,
        "fixed": code.fixed,
        "options": ["--base-url", "https://api.example.com"],
    }


def test_an_event_as_data(workplace: Workplace) -> None:
    data = json.loads(workplace.run("check", "--explain", "RCE09", "--json").out)
    event = EVENTS["RCE09"]
    assert data == {
        "version": 1,
        "code": "RCE09",
        "kind": "event",
        "level": "error",
        "title": "on_decision failed",
        "when": event.when,
        "fields": {"callable": FIELDS["callable"], "failures": FIELDS["failures"]},
        "example": event.example,
        "fix": event.fix,
    }


@pytest.mark.parametrize("code", [*ALL, *RETIRED, *EVENTS])
def test_every_code_fits_a_terminal(workplace: Workplace, code: str) -> None:
    run = workplace.run_on_a_terminal("check", "--explain", f" {code.lower()} ", width=80)
    assert run.code == 0
    assert run.lines[0].startswith(f"{code} ")
    assert max(map(len, run.lines)) <= 80
    # No program is wrapped.
    if code in ALL:
        assert indented(ALL[code].example) in run.out
        assert indented(ALL[code].fixed) in run.out


@pytest.mark.parametrize(
    ("given", "near"),
    [
        ("RC035", "similar codes are RC029, RC033, RC034; "),
        ("rce15", "similar codes are RCE12, RCE13, RCE14; "),
        ("RCO05", "similar codes are RC004, RC005, RCE05; "),
        ("5", "similar codes are RC004, RC005, RCE05; "),
        ("RC1000000", ""),
        ("", ""),
        ("cors\x1b[31m", ""),
    ],
)
def test_an_unknown_code_is_told_with_the_nearest(workplace: Workplace, given: str, near: str) -> None:
    error = workplace.refused("check", "--explain", given)
    assert error == f"--explain {given!r}: there is no such code; {near}`route-cors codes` lists all"


def test_of_a_long_one_only_the_beginning_is_shown(workplace: Workplace) -> None:
    error = workplace.refused("check", "--explain", "x" * 9000)
    assert error == f"--explain '{'x' * 20}…': there is no such code; `route-cors codes` lists all"


def test_nothing_is_checked_while_a_code_is_explained(workplace: Workplace) -> None:
    for arguments in (["main.py"], ["--app", "main.py"]):
        error = workplace.refused("check", "--explain", "RC001", *arguments)
        assert error == "--explain only explains a code and does not check an app: leave 'main.py' out"


def test_neither_help_nor_codes_wait_for_fastapi(tmp_path: Path) -> None:
    program = """
import io, json, sys
from contextlib import redirect_stdout, suppress
from route_cors.cli import main
for arguments in (["--help"], ["check", "--help"], ["codes"], ["check", "--explain", "RC001"]):
    sys.argv = ["route-cors", *arguments]
    with redirect_stdout(io.StringIO()), suppress(SystemExit):
        main()
print(json.dumps(sorted({"fastapi", "starlette", "httpx", "uvicorn"} & {*sys.modules})))
"""
    assert json.loads(printed_by(program, tmp_path)) == []
