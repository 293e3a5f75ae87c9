"""The run over the field: every library, every scenario; see remake.py."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from browser.field.calls import BLOCKED, NO_RESPONSE
from browser.field.chromium import Chromium
from browser.field.judge import evidence, holds, judged
from browser.field.libraries import SUBJECTS, Subject
from browser.field.scenarios import SCENARIOS
from browser.field.setups import SETUPS
from browser.field.table import Cell, Field, as_json, page

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser.field.calls import Seen
    from browser.field.scenarios import Scenario

__all__ = ["main"]

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parents[2]

_VERSIONS: Final = """import sys
from importlib.metadata import version
print(", ".join(f"{name} {version(name)}" for name in sys.argv[1:]))"""

# What an app that was refused says at most.
_LONGEST_REASON: Final = 200


class Refused(Exception):  # noqa: N818 - a verdict
    """The library refuses a setup."""


@dataclass
class Chromiums:
    """What Chromium said, beside the box."""

    chromium: Chromium
    calls: int = 0
    differences: list[str] = field(default_factory=list)

    def confirm(self, url: str, subject: Subject, scenario: Scenario, seen: tuple[Seen, ...]) -> None:
        """Play the scenario once more."""
        outcomes = self.chromium.outcomes(url, scenario)
        judged_by_box = tuple(BLOCKED if each.outcome == NO_RESPONSE else each.outcome for each in seen)
        self.calls += len(outcomes)
        if outcomes != judged_by_box:
            self.differences.append(
                f"{subject.title}: {scenario.name}: Chromium {outcomes}, the box {judged_by_box}: "
                f"{evidence(url, seen)}"
            )


def main() -> int:
    """Play everything, and write `results.json` and `README.md` beside this file."""
    parser = argparse.ArgumentParser(description="Remake tests/browser/field/README.md.")
    parser.add_argument("--environment", type=Path, help="a directory to keep the environment in")
    kept: Path | None = parser.parse_args().environment
    path = next(filter(None, map(shutil.which, _chromiums())), None)
    if path is None:
        print("needs a Chromium: ROUTE_CORS_CHROMIUM names it", file=sys.stderr)  # noqa: T201
        return 1
    with tempfile.TemporaryDirectory() as temporary, Chromium(path) as chromium:
        python = _environment(kept or Path(temporary) / "environment")
        confirmed = Chromiums(chromium)
        cells = _play(python, confirmed)
        versions = {subject.name: _versions(python, subject.distributions) for subject in SUBJECTS}
    made = Field(
        date=datetime.now(UTC).date().isoformat(),
        python=_printed(python, ["-c", "import platform; print(platform.python_version())"]),
        versions=versions,
        chromium=chromium.version,
        calls=confirmed.calls,
        cells=cells,
    )
    print("\n".join(confirmed.differences) or f"Chromium agrees in {confirmed.calls} calls")  # noqa: T201
    if confirmed.differences:
        return 1
    (HERE / "results.json").write_text(as_json(made), encoding="utf-8")
    (HERE / "README.md").write_text(page(made), encoding="utf-8")
    return 0


def _chromiums() -> tuple[str, ...]:
    named = os.environ.get("ROUTE_CORS_CHROMIUM")
    return (named,) if named else ("chromium", "chromium-browser", "google-chrome")


def _environment(directory: Path) -> Path:
    """The interpreter of an environment with all subjects, which is made if it is not there."""
    python = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(directory, with_pip=True)
        wanted = ["-r", str(HERE / "requirements.txt"), "-e", str(ROOT)]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True)
    return python


def _play(python: Path, confirmed: Chromiums) -> dict[str, dict[str, Cell]]:
    cells: dict[str, dict[str, Cell]] = {scenario.name: {} for scenario in SCENARIOS}
    for subject in SUBJECTS:
        print(subject.title, flush=True)  # noqa: T201
        for setup in SETUPS:
            for name, cell in _of_setup(python, subject, setup, confirmed):
                cells[name][subject.name] = cell
    return cells


def _of_setup(python: Path, subject: Subject, setup: str, confirmed: Chromiums) -> Iterator[tuple[str, Cell]]:
    offered: list[Scenario] = []
    for scenario in SCENARIOS:
        if scenario.setup != setup:
            continue
        reason = subject.why_not(setup, scenario.name)
        if reason is None:
            offered.append(scenario)
        else:
            yield scenario.name, Cell("cannot", (reason,))
    if not offered:
        return
    try:
        with _served(python, subject.name, setup) as url:
            for scenario in offered:
                yield scenario.name, _cell(url, subject, scenario, confirmed)
    except Refused as refused:
        if not SETUPS[setup].may_be_refused:
            raise
        for scenario in offered:
            yield scenario.name, Cell("refused", (str(refused),))


def _cell(url: str, subject: Subject, scenario: Scenario, confirmed: Chromiums) -> Cell:
    seen = judged(url, url, scenario)
    if scenario.in_chromium:
        confirmed.confirm(url, subject, scenario, seen)
    return Cell("yes") if holds(scenario, seen) else Cell("no", tuple(evidence(url, seen)))


@contextmanager
def _served(python: Path, subject: str, setup: str) -> Iterator[str]:
    """The base URL of a subject, which serves in a process of its own."""
    # A set of strings has another order in each process otherwise, and so have some headers.
    environment = os.environ | {"PYTHONHASHSEED": "0", "PYTHONPATH": ""}
    with subprocess.Popen(
        [python, HERE / "serve.py", subject, setup],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        said = process.stdout.readline().strip()
        try:
            if not said.isdecimal():
                raise Refused(said.removeprefix("refused: ")[:_LONGEST_REASON])
            yield f"http://127.0.0.1:{said}"
        finally:
            process.stdin.close()


def _versions(python: Path, distributions: tuple[str, ...]) -> str:
    return _printed(python, ["-c", _VERSIONS, *distributions])


def _printed(python: Path, arguments: list[str]) -> str:
    return subprocess.run([python, *arguments], check=True, capture_output=True, text=True).stdout.strip()
