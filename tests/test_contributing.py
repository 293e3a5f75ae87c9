"""CONTRIBUTING.md: short, and each file, command and variable in it exists. CI runs environments of tox."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
TEXT: Final = (ROOT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
PROJECT: Final[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CI: Final = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
MOST_LINES: Final = 70
# The files that a request travels through.
WAY: Final[list[str]] = re.findall(r"^\d\. `(route_cors/[\w/]+\.py)`: `", TEXT, re.MULTILINE)

ENVIRONMENTS: Final[dict[str, Any]] = PROJECT["tool"]["tox"]["env"]
RUN_BY_ITSELF: Final = {*PROJECT["tool"]["tox"]["env_list"]}
# What `python -m` runs: what comes with Python, and what the extras bring.
MODULES: Final = {
    "pip",
    "venv",
    *(
        re.split(r"[\[>;]", requirement)[0]
        for extra in ("dev", "test")
        for requirement in PROJECT["project"]["optional-dependencies"][extra]
    ),
}
# Environments that are asked for by name alone.
ASKED_FOR: Final = {"third-party"}


def named(text: str) -> list[str]:
    """What stands in backticks outside of blocks, in the order of the text."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))


def commands(text: str) -> list[str]:
    """The lines of the blocks, and the commands among what is named."""
    blocks: list[str] = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines()]
    return [*lines, *(name for name in named(text) if name.startswith((".venv/", "tox ")))]


def paths(text: str) -> list[str]:
    return sorted({name for name in named(text) if re.fullmatch(r"[\w./]+(?:/|\.py|\.md|\.toml|/run)", name)})


def found(path: str, directories: list[str]) -> bool:
    """Whether there is such a file or directory: in the project, or in one of these directories."""
    return any((ROOT / directory / path).exists() for directory in ["", *directories])


def beside(path: str) -> list[str]:
    """The directories that are named in the line of a path."""
    lines = "\n".join(line for line in TEXT.splitlines() if f"`{path}`" in line)
    return [name for name in paths(lines) if name.endswith("/")]


def names_after(path: str) -> list[str]:
    """The names of Python that the list of a request's way says are in a module."""
    (line,) = re.findall(rf"^\d\. `{re.escape(path)}`: (.+)$", TEXT, re.MULTILINE)
    return named(line)


def lacks(command: str) -> list[str]:
    """What a command needs and lacks: modules, files, options of our scripts, environments, variables."""
    missing: list[str] = []
    for part in command.split("&&"):
        words = shlex.split(part, comments=True)
        while words and re.fullmatch(r"[A-Z_]+=\S+", words[0]):
            variable = words.pop(0).partition("=")[0]
            readers = (ROOT / "tests").rglob("test_*.py")
            if not any(f'environ.get("{variable}"' in file.read_text(encoding="utf-8") for file in readers):
                missing.append(variable)
        missing += lacks_of_program(words)
    return missing


def lacks_of_program(words: list[str]) -> list[str]:
    """As `lacks`, of one program and its arguments."""
    program, *rest = words
    if program.endswith("/python") or program == "python3":
        program, *rest = rest
        if program == "-m":
            program, *rest = rest
            module = [] if program in MODULES else [program]
            return [*module, *lacks_of_arguments(program, rest)]
        source = (ROOT / program).read_text(encoding="utf-8") if (ROOT / program).is_file() else ""
        options = [word for word in rest if word.startswith("--") and f'"{word}"' not in source]
        return options if source else [program]
    if program == "tox":
        return lacks_of_arguments(program, rest)
    return [] if program == "bash" and (ROOT / rest[0]).is_file() else words


def lacks_of_arguments(program: str, words: list[str]) -> list[str]:
    if program == "tox":
        environments = words[words.index("-e") + 1].split(",")
        return [name for name in environments if name not in ENVIRONMENTS]
    if program == "pip":
        (extra,) = re.findall(r"\.\[(\w+)\]", " ".join(words))
        return [] if extra in PROJECT["project"]["optional-dependencies"] else [extra]
    marks = [words[at + 1].removeprefix("not ") for at, word in enumerate(words) if word == "-m"]
    known: str = " ".join(PROJECT["tool"]["pytest"]["ini_options"]["markers"])
    files = [word for word in words if "/" in word]
    return [
        *(mark for mark in marks if f"{mark}:" not in known),
        *(file for file in files if not (ROOT / file).exists()),
    ]


def test_it_is_of_one_screen() -> None:
    assert len(TEXT.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("path", paths(TEXT))
def test_a_path_exists(path: str) -> None:
    assert found(path, beside(path))


def test_paths_are_seen() -> None:
    text = "`a/b.py` and `.ci/run`, `tests/`\n`c.toml` `Name.method` `a b` `name`\n```sh\n`d.py`\n```\n"
    assert paths(text) == [".ci/run", "a/b.py", "c.toml", "tests/"]
    assert not found("tests/no.py", [])
    assert found("quirks.py", ["tests/browser/differential/"])
    assert not found("quirks.py", [])


@pytest.mark.parametrize("command", commands(TEXT))
def test_a_command_exists(command: str) -> None:
    assert lacks(command) == []


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (
            "ROUTE_CORS_EXAMPLES=5 ROUTE_CORS_NO=1 python3 -m pytest tests/no.py",
            ["ROUTE_CORS_NO", "tests/no.py"],
        ),
        ('python3 -m pytest -m "not slow"', ["slow"]),
        ("python3 -m no_such_module", ["no_such_module"]),
        ("python3 -m venv .venv && python3 -m pip install -e '.[no]'", ["no"]),
        ("tox -e lint,fastapi0999", ["fastapi0999"]),
        ("python3 tests/benchmarks/run.py --quick --no", ["--no"]),
        ("python3 tests/no.py", ["tests/no.py"]),
        ("bash .ci/no", ["bash", ".ci/no"]),
    ],
)
def test_what_a_command_lacks_is_noticed(command: str, missing: list[str]) -> None:
    assert lacks(command) == missing


@pytest.mark.parametrize("path", WAY)
def test_a_request_travels_through_these_functions(path: str) -> None:
    module = importlib.import_module(path.removesuffix(".py").replace("/", "."))
    for name in names_after(path):
        looked_at: Any = module
        for attribute in name.split("."):
            looked_at = getattr(looked_at, attribute)
        assert callable(looked_at)


def test_a_request_travels_through_four_files() -> None:
    assert len(WAY) == 4


# ------------------------------------------------------------------------------------- tox and CI


def test_each_environment_of_tox_is_run_or_asked_for_by_name() -> None:
    assert {*ENVIRONMENTS} - ASKED_FOR == RUN_BY_ITSELF


def test_each_fastapi_is_another_one() -> None:
    pins = [
        environment["deps"][0] for name, environment in ENVIRONMENTS.items() if name.startswith("fastapi")
    ]
    assert len({*pins}) == len(pins) > 0
    for name, environment in ENVIRONMENTS.items():
        if name.startswith("fastapi"):
            assert environment["deps"][0].startswith(f"fastapi==0.{name.removeprefix('fastapi0')}.")


def test_ci_runs_environments_that_there_are() -> None:
    (joined,) = re.findall(r'-e "\$\(IFS=,; echo "\$\{newer\[\*\]:\+\$\{newer\[\*\]\},\}(.+?)"\)"', CI)
    assert {*joined.split(",")} <= {*ENVIRONMENTS}
    assert {*re.findall(r"\.tox/(\w+)/", CI)} <= {*joined.split(",")}


def test_each_function_of_ci_is_called() -> None:
    """One with another name than its calls fails only on a machine that lacks what it installs."""
    defined: list[str] = re.findall(r"^(\w+)\(\) \{$", CI, re.MULTILINE)
    called = re.sub(r"^\w+\(\) \{$", "", CI, flags=re.MULTILINE)
    assert "apt_install" in defined
    assert [name for name in defined if not re.search(rf"\b{name}\b", called)] == []
