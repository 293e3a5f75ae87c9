"""What was seen, as data and as a page."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from browser.field.calls import CLIENT, OWN, Call
from browser.field.libraries import SUBJECTS
from browser.field.scenarios import SCENARIOS, Scenario
from browser.field.setups import SETUPS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Cell", "Field", "Verdict", "as_json", "from_json", "page"]

Verdict: TypeAlias = Literal["yes", "no", "refused", "cannot"]

_SHOWN: Final[dict[Verdict, str]] = {"yes": "yes", "no": "**no**", "refused": "refused", "cannot": "n/a"}


@dataclass(frozen=True, slots=True)
class Cell:
    """What a subject did in a scenario.

    Args:
        verdict: `yes`: what must hold held; `no`; `refused`: the library refuses to start with that setup;
            `cannot`: its documentation has no words for the setup.
        lines: for `no`, the exchanges; for the last two, why.
    """

    verdict: Verdict
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A run.

    Args:
        date: of the run, ISO 8601.
        python: the version that the subjects ran on.
        versions: of each subject.
        chromium: its version.
        calls: how many calls Chromium made; it judged all as the box did.
        cells: by the name of the scenario and of the subject.
    """

    date: str
    python: str
    versions: Mapping[str, str]
    chromium: str
    calls: int
    cells: Mapping[str, Mapping[str, Cell]]


def as_json(field: Field) -> str:
    """The data file."""
    return json.dumps(asdict(field), indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Field:
    """Read a data file."""
    data: dict[str, Any] = json.loads(text)
    cells = {
        scenario: {
            subject: Cell(cell["verdict"], tuple(cell["lines"])) for subject, cell in of_subjects.items()
        }
        for scenario, of_subjects in data.pop("cells").items()
    }
    return Field(**data, cells=cells)


def page(field: Field) -> str:
    """The README beside this file."""
    return "\n".join([*_introduction(field), *_matrix(field), "", *_details(field)])


def _introduction(field: Field) -> Iterator[str]:
    yield "# The field: what Python's CORS libraries do"
    yield ""
    yield f"Made on {field.date} by `python tests/browser/field/remake.py`; not edited by hand."
    yield ""
    yield (
        f"Each library serves the site of `site.py` on Python {field.python}, in a process of its own. The "
        "browser of `route_cors.testing` makes the calls over HTTP and judges the responses; Chromium "
        f"{field.chromium} made {field.calls} of them too, and came to the same verdict each time. What each "
        "library was told is in `setups.py` and `subjects/`."
    )
    yield ""
    for subject in SUBJECTS:
        yield f"- {field.versions[subject.name]}"
    yield ""
    yield (
        "*yes*: what must hold held. ***no***: it did not; the requests are below. *refused*: the library "
        "refuses to start with such a policy, which is as good. *n/a*: the library does not offer this; the "
        "reason is below. The rows do not weigh the same: some keep a response from a page, others let a "
        "stranger read one."
    )
    yield ""


def _matrix(field: Field) -> Iterator[str]:
    titles = [subject.title for subject in SUBJECTS]
    yield f"| | {' | '.join(titles)} |"
    yield f"| --- |{' --- |' * len(titles)}"
    for scenario in SCENARIOS:
        cells = field.cells[scenario.name]
        shown = (_SHOWN[cells[subject.name].verdict] for subject in SUBJECTS)
        yield f"| [{scenario.name}](#{scenario.name}) | {' | '.join(shown)} |"


def _details(field: Field) -> Iterator[str]:
    yield "## The scenarios"
    for scenario in SCENARIOS:
        yield ""
        yield f"### {scenario.name}"
        yield ""
        yield f"Setup: {SETUPS[scenario.setup].says}. {_told(scenario)}"
        yield f"Must hold: {scenario.must}. Source: {scenario.source}"
        yield from _seen(field.cells[scenario.name])


def _told(scenario: Scenario) -> str:
    return " ".join(f"{_sentence(call)}." for call in scenario.calls)


def _sentence(call: Call) -> str:
    who = {CLIENT: "A client that is no browser", OWN: "A page of the site itself"}.get(
        call.page, f"A page of `{call.page}`"
    )
    if call.how == "open":
        return f"{who} opens `{call.path}`"
    if call.how == "websocket":
        return f"{who} opens the websocket `{call.path}`"
    with_cookies = " with cookies" if call.credentials == "include" else ""
    names = ", ".join(f"`{name}`" for name, _ in call.headers)
    return f"{who} calls `{call.method} {call.path}`{with_cookies}{' with ' if names else ''}{names}"


def _seen(cells: Mapping[str, Cell]) -> Iterator[str]:
    """Subjects that did the same share a line."""
    shown = [(subject, cells[subject.name]) for subject in SUBJECTS if cells[subject.name].verdict != "yes"]
    if shown:
        yield ""
    for (verdict, lines), group in groupby(
        sorted(shown, key=lambda each: _order(each[1])), key=lambda each: (each[1].verdict, each[1].lines)
    ):
        titles = ", ".join(subject.title for subject, _ in group)
        if verdict == "no":
            yield f"- **{titles}**:"
            yield from (f"  - `{line}`" for line in lines)
        else:
            yield f"- {titles}: {'refused: ' if verdict == 'refused' else ''}{'; '.join(lines)}"


def _order(cell: Cell) -> tuple[int, tuple[str, ...]]:
    return ("no", "refused", "cannot").index(cell.verdict), cell.lines
