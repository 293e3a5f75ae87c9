"""The shape of the project: which module may import which, what is public, what lies where."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

import route_cors

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ROOT = Path(__file__).resolve().parents[1]
# The checkout's, or the installed one where that is under test.
PACKAGE = Path(route_cors.__file__).resolve().parent
SOURCES = {
    ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): file
    for file in sorted(PACKAGE.rglob("*.py"))
}

# Each may import those before it, and none after it.
LAYERS = [
    "errors",
    "headers",
    "origins",
    "origin_set",
    "suffixes",
    "regexes",
    "arguments",
    "policy",
    "settings",
    "protocol",
    "senders",
    "merging",
    "declarations",
    "decorators",
    "decisions",
    "dispatch",
    "diagnostics",
    "judging",
    "live",
    "claims",
    "serving",
    "preflights",
    "handshakes",
    "stack",
    "middleware",
    "routing",
    "insight",
    "cli",
]
# Beside them: what tests of an app use.
ASIDE = {"testing"}
# A call is explained by the box, with its own browser.
MAY_IMPORT_TESTING = {"insight", "cli"}
# Pure: neither framework at run time.
PURE = {
    "arguments",
    "decisions",
    "errors",
    "headers",
    "merging",
    "origin_set",
    "origins",
    "policy",
    "protocol",
    "regexes",
    "senders",
    "suffixes",
    *ASIDE,
}
TESTING_MAY_IMPORT = {"errors", "headers", "origins", "testing"}

# How FastAPI keeps its routes is its own affair: one file knows, and one file breaks when it changes.
PRIVATE_STORAGE = re.compile(
    r"\b(?:_?original_router|_?effective_(?:candidates|low_priority_routes)\w*|_low_priority_routes"
    r"|_IncludedRouter|_EffectiveRouteContext|_RouterIncludeContext|include_context|_frontend_routes"
    r"|_FrontendRoute(?:Group)?|_(?:get_)?routes_version|_mark_routes_changed|_contains_router)\b"
)

PUBLIC = {
    "CORSConfigError",
    "CORSPolicy",
    "CORSRoute",
    "CORSRouter",
    "Decision",
    "LiveOrigins",
    "OriginList",
    "RouteCORSMiddleware",
    "cors",
    "inspector",
    "install_cors",
    "no_cors",
    "policy_of",
    "report",
}

# Longer modules are named here, and say in their docstring why they are one piece.
MOST_LINES = 350
LONG: set[str] = set()

TOP_LEVEL = {
    "pyproject.toml",
    "README.md",
    "route_cors",
    "tests",
    "examples",
    "CHANGELOG.md",
    "LICENSE",
}


class Import(NamedTuple):
    """One imported module, by its full name, and whether it is imported at run time."""

    name: str
    at_run_time: bool


_Statement = ast.Import | ast.ImportFrom


def _is_type_checking(test: ast.expr) -> bool:
    return ast.unparse(test) in {"TYPE_CHECKING", "typing.TYPE_CHECKING"}


def _import_statements(node: ast.AST, *, at_run_time: bool) -> Iterator[tuple[_Statement, bool]]:
    """All of them, those inside functions included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, at_run_time
        elif isinstance(child, ast.If) and _is_type_checking(child.test):
            for statement in child.body:
                yield from _import_statements(ast.Module([statement], []), at_run_time=False)
            for statement in child.orelse:
                yield from _import_statements(ast.Module([statement], []), at_run_time=at_run_time)
        else:
            yield from _import_statements(child, at_run_time=at_run_time)


def _imports_of(source: str, module: str, *, is_package: bool = False) -> Iterator[Import]:
    for statement, at_run_time in _import_statements(ast.parse(source), at_run_time=True):
        if isinstance(statement, ast.Import):
            yield from (Import(alias.name, at_run_time) for alias in statement.names)
            continue
        base = module.split(".")
        if statement.level:
            base = base[: len(base) - statement.level + is_package]
            base += statement.module.split(".") if statement.module else []
        else:
            base = (statement.module or "").split(".")
        if base == ["route_cors"]:
            # `from . import policy` names a module, `from . import CORSPolicy` the package itself.
            for alias in statement.names:
                submodule = f"route_cors.{alias.name}"
                yield Import(submodule if submodule in SOURCES else "route_cors", at_run_time)
        else:
            yield Import(".".join(base), at_run_time)


def _imports(module: str) -> list[Import]:
    file = SOURCES[module]
    return list(_imports_of(file.read_text(encoding="utf-8"), module, is_package=file.name == "__init__.py"))


def _part(module: str) -> str:
    """`route_cors.testing.browser` is of the part `testing`, the package itself of the part "" ."""
    return module.split(".")[1] if "." in module else ""


INNER = [module for module in SOURCES if module != "route_cors"]


def test_the_reader_of_imports_sees_every_form() -> None:
    source = """
import a, b.c
from .policy import CORSPolicy
from . import headers, CORSPolicy
from ..x import y
if TYPE_CHECKING:
    from starlette.types import Scope
    if True:
        import d
else:
    import e
def f():
    with g:
        from fastapi import FastAPI
"""
    module = "route_cors.protocol"
    found = {name for name, at_run_time in _imports_of(source, module) if at_run_time}
    for_types = {name for name, at_run_time in _imports_of(source, module) if not at_run_time}
    headers = "route_cors.headers" if "route_cors.headers" in SOURCES else "route_cors"
    assert found == {"a", "b.c", "route_cors.policy", headers, "route_cors", "x", "e", "fastapi"}
    assert for_types == {"starlette.types", "d"}
    assert set(_imports_of("from .x import y", "route_cors.testing", is_package=True)) == {
        Import("route_cors.testing.x", at_run_time=True)
    }


def test_every_module_has_its_place() -> None:
    assert {_part(module) for module in INNER} <= {*LAYERS, *ASIDE, "__main__"}


@pytest.mark.parametrize("module", INNER)
def test_imports_point_one_way(module: str) -> None:
    own = {_part(name) for name, _ in _imports(module) if name.split(".")[0] == "route_cors"}
    part = _part(module)
    if part == "testing":
        assert own <= TESTING_MAY_IMPORT
    elif part == "__main__":
        assert own <= {"cli"}
    else:
        # Not even the package itself: `from route_cors import …` inside it is a circle.
        within = {part} if SOURCES[module].parent != PACKAGE else set[str]()
        aside = {"testing"} if part in MAY_IMPORT_TESTING else set[str]()
        assert own <= {*LAYERS[: LAYERS.index(part)], *within, *aside}


def test_modules_are_short_unless_they_say_why() -> None:
    lines = {module: len(file.read_text(encoding="utf-8").splitlines()) for module, file in SOURCES.items()}
    assert {module for module, count in lines.items() if count > MOST_LINES} == LONG


@pytest.mark.parametrize("module", [module for module in INNER if _part(module) in PURE])
def test_the_decisions_are_made_without_a_framework(module: str) -> None:
    at_run_time = {name.split(".")[0] for name, at_run_time in _imports(module) if at_run_time}
    assert at_run_time.isdisjoint({"starlette", "fastapi"})


@pytest.mark.parametrize("module", [module for module in SOURCES if module != "route_cors.dispatch.routes"])
def test_one_module_alone_knows_how_fastapi_keeps_its_routes(module: str) -> None:
    assert PRIVATE_STORAGE.findall(SOURCES[module].read_text(encoding="utf-8")) == []


def _definitions(statements: Iterable[ast.stmt]) -> Iterator[str]:
    for statement in statements:
        match statement:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield statement.name
            case ast.Assign(targets=targets):
                for node in itertools.chain.from_iterable(map(ast.walk, targets)):
                    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                        yield node.id
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case ast.If():
                if not _is_type_checking(statement.test):
                    yield from _definitions(statement.body)
                yield from _definitions(statement.orelse)
            case ast.Try():
                yield from _definitions([*statement.body, *statement.orelse, *statement.finalbody])
                yield from _definitions(itertools.chain.from_iterable(h.body for h in statement.handlers))
            case _:
                pass


def _defined_names(file: Path) -> set[str]:
    """What a module defines at its top level; what it imports is not its own."""
    body = ast.parse(file.read_text(encoding="utf-8")).body
    return {name for name in _definitions(body) if not name.startswith("_")}


@pytest.mark.parametrize("module", INNER)
def test_packages_list_what_they_hand_on(module: str) -> None:
    imported = importlib.import_module(module)
    listed: list[str] = getattr(imported, "__all__", [])
    if SOURCES[module].name == "__init__.py":
        assert len(listed) == len(set(listed))
        assert all(hasattr(imported, name) for name in listed)
        assert _defined_names(SOURCES[module]) <= set(listed)
    else:
        # The names without an underscore are what a module offers: a list would say them twice.
        assert listed == []


def test_the_package_exports_its_public_names() -> None:
    assert set(route_cors.__all__) == PUBLIC
    assert len(route_cors.__all__) == len(PUBLIC)
    assert all(hasattr(route_cors, name) for name in PUBLIC)


def test_the_package_itself_defines_nothing() -> None:
    assert _defined_names(SOURCES["route_cors"]) == set()


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (PACKAGE / "py.typed").is_file()


@pytest.mark.parametrize("costly", ["publicsuffixlist", "idna.idnadata", "httpx", "uvicorn"])
def test_importing_the_package_loads_nothing_costly(costly: str) -> None:
    # anyio and Starlette import some of these themselves: what counts is what route_cors adds.
    program = (
        "import sys, fastapi\n"
        "before = set(sys.modules)\n"
        "from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors\n"
        "CORSPolicy(origins=['https://a.example'], allow_credentials=True)\n"
        f"sys.exit({costly!r} in set(sys.modules) - before)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def _files_of_the_project() -> list[str]:
    """The files that are tracked, and those that could be."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listing = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"not in a git checkout: {error}")
    return [name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_the_top_level_holds_only_what_belongs_there() -> None:
    top_level = {name.split("/")[0] for name in _files_of_the_project()}
    assert {name for name in top_level if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.skipif(PACKAGE == ROOT / "route_cors", reason="the checkout's own package is under test")
def test_what_is_installed_are_the_files_of_the_checkout() -> None:
    installed, checkout = (_contents(package) for package in (PACKAGE, ROOT / "route_cors"))
    assert sorted(installed) == sorted(checkout)
    assert [name for name, content in installed.items() if content != checkout[name]] == []


def _contents(package: Path) -> dict[str, bytes]:
    files = (file for file in package.rglob("*") if file.is_file() and file.suffix != ".pyc")
    return {file.relative_to(package).as_posix(): file.read_bytes() for file in files}
