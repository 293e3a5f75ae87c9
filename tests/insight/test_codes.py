"""The reference of the findings: an entry for each, and programs that do what it says."""

from __future__ import annotations

import ast
import importlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import route_cors
from route_cors.cli import main
from route_cors.insight import findings
from route_cors.insight.findings import BASELINE_CODES, CODES, RETIRED, SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(route_cors.__file__).parent
REFERENCE = PACKAGE / "insight" / "findings" / "codes"
ALL = {**CODES, **BASELINE_CODES}
# On a terminal of 80 columns, which shows them indented by four.
WIDEST = 76


def codes_in(file: Path) -> set[str]:
    """The codes among the strings of a module."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {text for text in strings if isinstance(text, str) and re.fullmatch(r"RC\d{3}", text)}


def test_what_is_reported_has_an_entry_and_no_other_has() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if not file.is_relative_to(REFERENCE)]
    reported = set[str]().union(*map(codes_in, files))
    assert sorted(reported) == sorted(ALL)


def test_the_reader_of_modules_sees_a_code(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("# RC001\nf('RC002', severity={'RC003': 'RC004 and more'})", encoding="utf-8")
    assert codes_in(module) == {"RC002", "RC003"}


def test_a_code_is_never_used_again() -> None:
    assert RETIRED.keys().isdisjoint(ALL)
    assert [*CODES] == sorted(CODES)
    assert len({code.title for code in ALL.values()} | {*RETIRED.values()}) == len(ALL) + len(RETIRED)


@pytest.mark.parametrize("name", ALL)
def test_an_entry_is_written_like_the_others(name: str) -> None:
    code = ALL[name]
    assert code.severity in SEVERITIES
    assert not code.title.endswith(".")
    for words in (code.when, code.why, code.fix):
        assert re.fullmatch(r"\S[^\n]*\.", words)
    for program in (code.example, code.fixed):
        assert program.endswith("\n")
        assert max(map(len, program.splitlines())) <= WIDEST


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where `main.py` is written and imported, again and again."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    # Bytecode is told apart by the second: a module that is written twice would be the first one again.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield tmp_path
    sys.modules.pop("main", None)


def printed(
    program: str, *arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """What the command prints as JSON about a program."""
    Path("main.py").write_text(program, encoding="utf-8")
    importlib.invalidate_caches()
    sys.modules.pop("main", None)
    monkeypatch.setattr(sys, "argv", ["route-cors", *arguments, "--json"])
    with pytest.raises(SystemExit):
        main()
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.usefixtures("directory")
def test_it_is_all_that_is_found_in_its_example_and_nothing_is_once_that_is_fixed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = ALL[name]

    def run(program: str, *arguments: str) -> Any:
        return printed(program, *arguments, monkeypatch=monkeypatch, capsys=capsys)

    # The baseline, for the two that need one, is the program without the finding.
    baseline = run(code.fixed, "table", "main.py")
    Path("baseline.json").write_text(json.dumps(baseline), encoding="utf-8")

    found = run(code.example, "check", "main.py", *code.options)["findings"]
    assert [(each["code"], each["severity"]) for each in found] == [(name, code.severity)]
    assert run(code.fixed, "check", "main.py", *code.options)["findings"] == []


def test_the_rules_are_loaded_at_first_use() -> None:
    assert {"Finding", "find_all", "CODES"} <= {*dir(findings)}
    assert findings.find_all.__module__ == "route_cors.insight.findings.rules"
    with pytest.raises(
        AttributeError, match=r"^module 'route_cors.insight.findings' has no attribute 'find'$"
    ):
        findings.find  # noqa: B018 - reading it is what fails
