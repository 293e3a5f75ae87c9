"""The README: short, its pictures and figures made by scripts, and what it claims named with a test of it."""

from __future__ import annotations

import ast
import functools
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import typer
from interpreters import load

from route_cors.cli.app import app as command

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
README: Final = ROOT / "README.md"
TEXT: Final = README.read_text(encoding="utf-8")
PICTURES: Final = ROOT / ".github" / "pictures"
MOST_LINES: Final = 260
MOST_BYTES_OF_A_PICTURE: Final = 300_000

CLAIM: Final = re.compile(r"<!-- tested: (.+?) -->")
FENCE: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def test_it_is_short() -> None:
    assert len(TEXT.splitlines()) <= MOST_LINES


# ------------------------------------------------------------------------------------- what it claims


def named() -> list[str]:
    return sorted({each for claim in CLAIM.findall(TEXT) for each in claim.split("; ")})


def unnamed(text: str) -> Iterator[str]:
    """The paragraphs, lists and tables that name nothing which holds what they claim."""
    for piece in re.split(r"\n{2,}", FENCE.sub("", text)):
        prose = re.sub(r"<!--.*?-->", "", piece).strip()
        is_picture = re.fullmatch(r"(?:!\[.*?\]\(.*?\)\n?)+", prose)
        if prose and not is_picture and not prose.startswith("#") and not CLAIM.search(piece):
            yield prose


@functools.cache
def names_in(path: Path) -> frozenset[str]:
    """The tests of a module: `test_it`, `TestIt`, `TestIt::test_it`."""
    names: set[str] = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}::{each.name}" for each in node.body if isinstance(each, ast.FunctionDef)}
    return frozenset(names)


def exists(name: str) -> bool:
    """Whether there is such a test, module, file or command."""
    if name.startswith("route-cors "):
        return is_command(name)
    path, _, test = name.partition("::")
    return (ROOT / path).is_file() and (not test or test in names_in(ROOT / path))


def is_command(line: str) -> bool:
    """Whether `route-cors` has that command, with all the options that are written there."""
    words = shlex.split(line, comments=True)[1:]
    commands: dict[str, Any] = vars(typer.main.get_command(command))["commands"]
    if words[0] not in commands:
        return False
    known = {name for parameter in commands[words[0]].params for name in parameter.opts}
    return all(word in known for word in words if word.startswith("-"))


def test_each_claim_names_what_holds_it() -> None:
    assert list(unnamed(TEXT)) == []


@pytest.mark.parametrize("name", named())
def test_what_holds_a_claim_exists(name: str) -> None:
    assert exists(name)


def test_what_does_not_exist_is_noticed() -> None:
    here = "tests/test_readme.py"
    assert exists(f"{here}::test_it_is_short")
    assert exists("tests/browser/test_preflights.py::TestCache::test_max_age_is_how_long_an_approval_lasts")
    assert exists("route-cors check --sarif")
    for name in (f"{here}::test_it_is_long", "tests/no.py", "route-cors ask", "route-cors check --no"):
        assert not exists(name)


def test_prose_without_a_test_is_noticed() -> None:
    text = "# Title\n\nA claim. <!-- tested: a -->\n\nAnother.\n\n![x](y)\n\n```python\nx = 1\n\ny = 2\n```\n"
    assert list(unnamed(text)) == ["Another."]


@pytest.mark.parametrize("line", re.findall(r"^route-cors .+$", TEXT, re.MULTILINE))
def test_the_commands_that_it_shows_exist(line: str) -> None:
    assert is_command(line)


# ---------------------------------------------------------------------------------------------- links


def anchors() -> set[str]:
    """Those that GitHub makes of the headings."""
    headings: list[str] = re.findall(r"^#+ (.+)$", FENCE.sub("", TEXT), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links() -> set[str]:
    return {*re.findall(r"\]\(([^)\s]+)\)", TEXT)}


@pytest.mark.parametrize("link", sorted(each for each in links() if not each.startswith("https://")))
def test_links_lead_somewhere(link: str) -> None:
    if link.startswith("#"):
        assert link[1:] in anchors()
    else:
        assert (ROOT / link).exists()


# ----------------------------------------------------------------------------------- pictures, figures


def shown() -> set[str]:
    return {Path(link).name for link in links() if link.endswith(".png")}


def test_every_picture_is_shown_and_small() -> None:
    files = {file.name: file.stat().st_size for file in PICTURES.glob("*.png")}
    assert set(files) == shown()
    assert {name for name, size in files.items() if size > MOST_BYTES_OF_A_PICTURE} == set()


def test_every_picture_is_made_by_a_script() -> None:
    scripts = [PICTURES / "make.py", ROOT / "tests" / "benchmarks" / "plot.py"]
    written = "".join(script.read_text(encoding="utf-8") for script in scripts)
    made: list[str] = re.findall(r'^    "(\w+)": picture_\w+,$', written, re.MULTILINE)
    drawn: list[str] = re.findall(r'"([\w-]+)\.png"', written)
    assert {f"{name}.png" for name in [*made, *drawn]} == shown()


def test_the_picture_of_the_innermost_is_of_the_block() -> None:
    """Each route with the policy that it gets, and the decorator where its endpoint has its own."""
    page: str = load(PICTURES / "innermost.py").page(TEXT)
    own = r'(?:<span class="own".+?<code>(.+?)</code></span>)?'
    rows = re.findall(rf'<div class="row"><code>(.+?)</code>{own}.+?>(\w+)</span>', page)
    assert rows == [
        ("GET /orders", "", "ours"),
        ("GET /public/quotes", "", "everyone"),
        ("POST /public/quotes", "@cors(ours)", "ours"),
        ("GET /public/stats", "@no_cors", "closed"),
        ("GET /admin/users", "", "staff"),
    ]


def test_the_figures_are_those_that_were_measured() -> None:
    """In both READMEs; `plot.py` draws the picture from the same file."""
    published = load(ROOT / "tests" / "benchmarks" / "published.py")
    figures = published.read_figures()
    of_layers = (ROOT / "tests" / "benchmarks" / "README.md").read_text(encoding="utf-8")
    for text, rows in (
        (TEXT, published.rows_of_readme),
        (of_layers, published.rows_of_layers),
        (of_layers, published.rows_of_commands),
    ):
        assert "\n".join(rows(figures)) in text
        for told in (figures["date"], figures["python"], figures["versions"]["fastapi"]):
            assert told in text


def test_what_a_new_user_waits_for_is_within_its_limits() -> None:
    published = load(ROOT / "tests" / "benchmarks" / "published.py")
    times = published.read_figures()["commands"]
    assert {
        what for what, limit in published.LIMITS_OF_COMMANDS.items() if times[what] > limit * 1e6
    } == set()


def test_a_duration_has_two_digits() -> None:
    duration = load(ROOT / "tests" / "benchmarks" / "published.py").duration
    assert [duration(ns) for ns in (0.5, 87, 871, 1_049, 23_600, 151_000, 40_300_000, 1_290_000_000)] == [
        "0.5 ns",
        "87 ns",
        "871 ns",
        "1 µs",
        "24 µs",
        "151 µs",
        "40 ms",
        "1.3 s",
    ]
