"""FastAPI's own tests, with the layer in every app and without: the outcomes have to be the same.

    python tests/fastapi_own_suite.py                      of the FastAPI that is installed here
    python tests/fastapi_own_suite.py --version 0.164.0    of another one

It makes a virtual environment in a temporary directory, installs this checkout there with that FastAPI and
what its tests need, takes the tests from FastAPI's source distribution on PyPI, and runs them twice. What
differs is run once more both ways, alone; it exits with 1 where that differs again. It takes ten minutes or
more, and the network. pytest does not collect it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]

# A pytest plugin, for both runs: it notes what became of each test, and installs the layer if it is told to.
PLUGIN = """
import functools
import json
import os
from pathlib import Path

from fastapi import FastAPI
from route_cors import install_cors

if os.environ["ROUTE_CORS_IN_EVERY_APP"] == "1":
    without = FastAPI.__init__

    @functools.wraps(without)
    def with_the_layer(self, *arguments, **named):
        without(self, *arguments, **named)
        install_cors(self)

    FastAPI.__init__ = with_the_layer

outcomes = {}


def pytest_runtest_logreport(report):
    # The worst of its set-up, call and tear-down.
    if report.when == "call" or report.outcome != "passed":
        outcomes[report.nodeid] = report.outcome if outcomes.get(report.nodeid) != "failed" else "failed"


def pytest_collectreport(report):
    if report.failed:
        outcomes[report.nodeid] = "not collected"


def pytest_sessionfinish(session):
    # Of several processes, the one that hears from all.
    if not hasattr(session.config, "workerinput"):
        Path(os.environ["ROUTE_CORS_OUTCOMES"]).write_text(json.dumps(outcomes))
"""

Outcomes = dict[str, str]


def run(*command: str | Path) -> None:
    """Run it, and stop here where it fails."""
    subprocess.run([str(part) for part in command], check=True)


def say(text: str) -> None:
    """At once, as what is started here writes to the same place."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Compare the two runs; 1 where they differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--version", default=version("fastapi"), help="of FastAPI")
    parser.add_argument("tests", nargs="*", default=["tests"], help="files or directories of its tests")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fastapi-own-suite-") as directory:
        suite = Suite(Path(directory), arguments.version)
        without, with_it = suite.outcomes(arguments.tests)
        differing = sorted(differences(without, with_it))
        if differing:
            say(f"once more, alone: {len(differing)} tests that differ")
            without, with_it = suite.outcomes(differing)
            differing = sorted(differences(without, with_it))
    for test in differing:
        say(f"{test}: {without.get(test)} without the layer, {with_it.get(test)} with it")
    say("the outcomes differ" if differing else "the outcomes are the same")
    return int(bool(differing))


def differences(without: Outcomes, with_it: Outcomes) -> set[str]:
    """The tests with two outcomes, those that only one run has among them."""
    return {test for test, _ in without.items() ^ with_it.items()}


class Suite:
    """The tests of one version, in an environment of their own."""

    def __init__(self, directory: Path, fastapi: str) -> None:
        self._directory = directory
        venv.create(directory / "venv", with_pip=True)
        self._python = directory / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
        pip: list[str | Path] = [self._python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        requirement = f"fastapi=={fastapi}"
        run(*pip, "download", "--no-binary", "fastapi", "--no-deps", "--dest", directory, requirement)
        (archive,) = directory.glob("fastapi-*.tar.gz")
        with tarfile.open(archive) as source:
            source.extractall(directory, filter="data")
        self._source = directory / archive.name.removesuffix(".tar.gz")
        needed = test_requirements(self._source)
        run(*pip, "install", ROOT, f"fastapi[all]=={fastapi}", "pytest-xdist", *needed)
        (directory / "in_every_app.py").write_text(PLUGIN, encoding="utf-8")

    def outcomes(self, tests: Iterable[str]) -> tuple[Outcomes, Outcomes]:
        """What became of each of these tests, without the layer and with it."""
        return self._run(tests, with_layer=False), self._run(tests, with_layer=True)

    def _run(self, tests: Iterable[str], *, with_layer: bool) -> Outcomes:
        say("with the layer in every app:" if with_layer else "without the layer:")
        noted = self._directory / "outcomes.json"
        noted.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "PYTHONPATH": str(self._directory),
            "ROUTE_CORS_IN_EVERY_APP": str(int(with_layer)),
            "ROUTE_CORS_OUTCOMES": str(noted),
        }
        command = [str(self._python), "-m", "pytest", "-p", "in_every_app", "-n", "auto", "-q", "--tb=no"]
        # Some of them may fail wherever they are not at home: it is the comparison that counts.
        subprocess.run([*command, *tests], check=False, cwd=self._source, env=environment)
        outcomes: Outcomes = json.loads(noted.read_text(encoding="utf-8"))
        return outcomes


def test_requirements(source: Path) -> list[str]:
    """What FastAPI's project file asks for its tests; its older ones have a list beside it."""
    older = source / "requirements-tests.txt"
    groups = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8")).get("dependency-groups")
    if groups is not None:
        return list(members(groups, "tests"))
    if older.is_file():
        return ["-r", str(older)]
    sys.exit("this version's source distribution does not say what its tests need")


def members(groups: dict[str, list[str | dict[str, str]]], name: str) -> Iterable[str]:
    """The requirements of a dependency group (https://packaging.python.org/en/latest/specifications/dependency-groups/)."""
    for item in groups[name]:
        if isinstance(item, str):
            yield item
        else:
            yield from members(groups, item["include-group"])


if __name__ == "__main__":
    sys.exit(main())
