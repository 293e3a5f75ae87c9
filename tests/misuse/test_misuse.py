"""Classic mistakes, and what each gets: an error where it is declared, or a finding of `route-cors check`.

Each program beside this module is one mistake. Its docstring says what is wrong, then in a fixed form what it
gets and what to do instead:

    Error: the class of the exception
        the whole message, indented, wherever its lines are broken; without the heading of a CORSConfigError
    Finding: each code with its severity, separated by commas
    Options: of `route-cors check`, if it needs any to find it
    Fix: what to do instead
"""

from __future__ import annotations

import ast
import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from route_cors import CORSConfigError, report

if TYPE_CHECKING:
    from types import TracebackType

PROGRAMS = sorted(file for file in Path(__file__).parent.glob("*.py") if not file.name.startswith("test_"))
OPTIONS: dict[str, dict[str, Any]] = {
    "": {},
    "--ask-callables": {"ask_callables": True},
    "--base-url https://api.example.com": {"base_url": "https://api.example.com"},
}
_FORM = re.compile(
    r"(?P<title>[^\n]+\.)\n\n"
    r"(?:Error: (?P<error>\w+)\n(?P<message>(?: {4}[^\n]+\n)+)|Finding: (?P<findings>[^\n]+)\n)"
    r"(?:Options: (?P<options>[^\n]+)\n)?"
    r"Fix: (?P<fix>[^\n]+\.)\n"
)


class Expected(NamedTuple):
    """What a program gets: an error, or findings."""

    error: str | None
    message: str
    findings: str | None
    options: str


def expected(file: Path) -> Expected:
    """What the docstring of a program says."""
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")), clean=False)
    match = _FORM.fullmatch(docstring or "")
    assert match is not None, f"{file.name}: its docstring has another form"
    message = " ".join((match["message"] or "").split())
    return Expected(match["error"], message, match["findings"], match["options"] or "")


def message_of(error: BaseException) -> str:
    """The message on one line, without what differs from run to run: addresses, and how slow a regex is."""
    told = " ".join(map(str, error.problems)) if isinstance(error, CORSConfigError) else str(error)
    told = re.sub(r" at 0x[0-9A-Fa-f]+>", " at 0x7f3a>", " ".join(told.split()))
    return re.sub(r"\b[0-9]+ characters", "some characters", told)


def files_of(trace: TracebackType | None) -> list[str]:
    """The files that a traceback goes through."""
    files: list[str] = []
    while trace is not None:
        files.append(trace.tb_frame.f_code.co_filename)
        trace = trace.tb_next
    return files


def test_there_are_programs() -> None:
    kinds = [expected(file).error is None for file in PROGRAMS]
    assert len(PROGRAMS) >= 25
    assert any(kinds)
    assert not all(kinds)


@pytest.mark.parametrize("file", PROGRAMS, ids=lambda file: file.stem)
def test_a_mistake_gets_what_it_says(file: Path) -> None:
    wanted = expected(file)
    if wanted.error is not None:
        with pytest.raises(Exception, match=r".") as raised:
            runpy.run_path(str(file), run_name=file.stem)
        assert (raised.type.__name__, message_of(raised.value)) == (wanted.error, wanted.message)
        # The traceback shows the line of the mistake.
        assert str(file) in files_of(raised.tb)
        return
    app = runpy.run_path(str(file), run_name=file.stem)["app"]
    found = report(app, **OPTIONS[wanted.options]).findings
    assert ", ".join(f"{each.code} {each.severity}" for each in found) == wanted.findings


@pytest.mark.parametrize(
    "docstring",
    [
        "A mistake.\n",
        "A mistake.\n\nError: ValueError\nFix: none.\n",
        "A mistake.\n\nFinding: RC001 error\n",
        "A mistake\n\nFinding: RC001 error\nFix: none.\n",
        "A mistake.\n\nError: ValueError\n    no\nFinding: RC001 error\nFix: none.\n",
    ],
)
def test_another_form_is_refused(tmp_path: Path, docstring: str) -> None:
    file = tmp_path / "mistake.py"
    file.write_text(f'"""{docstring}"""\n', encoding="utf-8")
    with pytest.raises(AssertionError, match=r"^mistake\.py: its docstring has another form"):
        expected(file)
