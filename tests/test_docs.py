"""Whatever is published runs: blocks of READMEs, the docstrings' examples. The changelog has its shape."""

from __future__ import annotations

import builtins
import doctest
import importlib
import itertools
import pkgutil
import re
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

import route_cors

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
PUBLISHED = [README, ROOT / "tests" / "browser" / "differential" / "README.md"]
CHANGELOG = ROOT / "CHANGELOG.md"
VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

# ---------------------------------------------------------------------------------------- README


class Block(NamedTuple):
    """One ```python block, and what the HTML comments before it say of it."""

    line: int
    code: str
    continues: bool = False
    raises: str | None = None
    uses_main: bool = False


# The comments, if any, then the fence; blank lines between them do not matter.
_BLOCK = re.compile(
    r"^(?P<comments>(?:<!--(?:(?!-->).)*-->\s*\n\s*)*)```python[^\n]*\n(?P<code>.*?)^```\s*$",
    re.MULTILINE | re.DOTALL,
)
_RAISES = re.compile(r"<!--\s*raises:\s*(\w+)\s*-->")
_CONTINUES = re.compile(r"<!--\s*continues\s*-->")
_USES_MAIN = re.compile(r"<!--\s*main: the first block\s*-->")


def _blocks(markdown: str) -> list[Block]:
    blocks = []
    for match in _BLOCK.finditer(markdown):
        raises = _RAISES.search(match["comments"])
        blocks.append(
            Block(
                line=markdown.count("\n", 0, match.start("code")) + 1,
                code=match["code"],
                continues=bool(_CONTINUES.search(match["comments"])),
                raises=raises[1] if raises else None,
                uses_main=bool(_USES_MAIN.search(match["comments"])),
            )
        )
    return blocks


def _stories(blocks: list[Block]) -> list[list[Block]]:
    """Blocks that share a namespace: one that stands alone, and those that continue it."""
    stories: list[list[Block]] = []
    for block in blocks:
        if block.continues:
            stories[-1].append(block)
        else:
            stories.append([block])
    return stories


def _run(story: list[Block], filename: str, namespace: dict[str, Any]) -> None:
    for block in story:
        # Leading newlines, so that a traceback shows the line of the file itself.
        program = compile("\n" * (block.line - 1) + block.code, filename, "exec", dont_inherit=True)
        if block.raises is None:
            exec(program, namespace)  # noqa: S102 (our own README)
        else:
            expected = getattr(route_cors, block.raises, None) or getattr(builtins, block.raises)
            with pytest.raises(expected):
                exec(program, namespace)  # noqa: S102


def _readme() -> str:
    return README.read_text(encoding="utf-8")


def test_the_reader_of_blocks_reads_marks() -> None:
    markdown = """
```python
a = 1
```
text
<!-- continues -->
<!-- raises: ValueError -->

```python
raise ValueError(a)
```
<!-- of another block -->
text
<!-- main: the first block -->
```python
b = 2
```
```sh
not python
```
"""
    blocks = _blocks(markdown)
    assert blocks == [
        Block(3, "a = 1\n"),
        Block(10, "raise ValueError(a)\n", continues=True, raises="ValueError"),
        Block(16, "b = 2\n", uses_main=True),
    ]
    assert _stories(blocks) == [blocks[:2], blocks[2:]]
    _run(blocks[:2], "<test>", {})
    with pytest.raises(NameError):
        _run(blocks[1:2], "<test>", {})


@pytest.mark.parametrize("file", PUBLISHED, ids=lambda file: file.parent.name)
def test_every_python_block_is_found(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    fences: list[str] = re.findall(r"^\s*(?:```|~~~)\s*(?:python|py)\b", text, re.MULTILINE)
    assert len(_blocks(text)) == len(fences) > 0


def _published_stories() -> Iterator[Any]:
    for file in PUBLISHED:
        for story in _stories(_blocks(file.read_text(encoding="utf-8"))):
            yield pytest.param(file, story, id=f"{file.parent.name}-line-{story[0].line}")


@pytest.mark.parametrize(("file", "story"), [*_published_stories()])
def test_what_is_published_runs(
    file: Path, story: list[Block], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    if any(block.uses_main for block in story):
        _run(_blocks(file.read_text(encoding="utf-8"))[:1], str(file), _module("main", monkeypatch))
    namespace = _module("published", monkeypatch)
    _run(story, str(file), namespace)
    for name, test in list(namespace.items()):
        if name.startswith("test_"):
            test()


def _module(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The names of a new module, as in a user's file: annotations are looked up through sys.modules."""
    module = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, module)
    return module.__dict__


def test_the_readme_holds_the_command_that_ci_runs() -> None:
    (command,) = re.findall(r"^<!-- ci: test -->\s*```sh\n(.+?)\n```$", _readme(), re.MULTILINE | re.DOTALL)
    assert command.endswith("-m pytest -n auto")
    assert "\n" not in command


# ------------------------------------------------------------------------------------ docstrings


def _doctests() -> list[doctest.DocTest]:
    names = ["route_cors"] + [
        module.name
        for module in pkgutil.walk_packages(route_cors.__path__, "route_cors.")
        if not module.name.endswith("__main__")
    ]
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = itertools.chain.from_iterable(finder.find(importlib.import_module(name)) for name in names)
    return [test for test in found if test.examples]


@pytest.mark.parametrize("example", [pytest.param(test, id=test.name) for test in _doctests()])
def test_the_docstrings_examples_run(example: doctest.DocTest) -> None:
    report: list[str] = []
    # Quiet, or it would take pytest's -v for its own.
    runner = doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS)
    results = runner.run(example, out=report.append)
    assert results.failed == 0, "".join(report)


# ------------------------------------------------------------------------------------- changelog

_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_RELEASE = re.compile(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})")
_KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_changelog_keeps_its_shape() -> None:
    text = CHANGELOG.read_text(encoding="utf-8")
    assert text.startswith("# Changelog\n")
    assert "keepachangelog.com" in text

    sections: list[str] = _SECTION.findall(text)
    releases = [release for section in sections if (release := _RELEASE.fullmatch(section))]
    unreleased = [section for section in sections if section == "[Unreleased]"]
    assert len(unreleased) <= 1
    assert len(unreleased) + len(releases) == len(sections) > 0
    assert sections[: len(unreleased)] == unreleased
    dates = [release[2] for release in releases]
    assert dates == sorted(dates, reverse=True)
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= _KINDS


def test_the_changelog_tells_of_this_version() -> None:
    assert re.search(rf"^## .*\b{re.escape(VERSION)}\b", CHANGELOG.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_version_is_said_once() -> None:
    assert version("route-cors") == VERSION
