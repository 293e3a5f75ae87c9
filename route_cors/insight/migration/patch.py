"""A patch that replaces CORSMiddleware in a file, if each call is a plain statement of its module."""

from __future__ import annotations

import ast
import difflib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from route_cors.middleware import install_cors, is_dry_run
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.migration.plan import Migration, Replacement
    from route_cors.insight.migration.source import Source, Written


class NoPatchError(Exception):
    """There is no patch; the message says why."""


_Edits = dict[tuple[int, int], str]
"""The replacement for a range of lines, counted from 0."""


def patch_of(migration: Migration) -> str:
    """The patch for a migration, for `git apply` or `patch -p1` in the current directory.

    Args:
        migration: of an app.

    Raises:
        NoPatchError: there is nothing to change, or a call is too complex to be changed automatically.
    """
    if not migration.replacements:
        raise NoPatchError("there is no CORSMiddleware to replace")
    edits: dict[str, tuple[Source, _Edits]] = {}
    for replacement in migration.replacements:
        if is_dry_run(replacement.app):
            raise NoPatchError("the app has install_cors(dry_run=True): remove that first, or edit by hand")
        calls = [_only(calls) for calls in replacement.calls]
        for number, call in enumerate(calls):
            if "\r" in call.source.text.replace("\r\n", ""):
                raise NoPatchError(f"{call.place}: the file mixes several kinds of line endings")
            statement = _statement(call, replacement)
            source, of_file = edits.setdefault(call.source.file, (call.source, {}))
            if number == 0 and replacement.policy_code:
                of_file[_lines_of(statement)] = _in_place(statement, replacement.code, source)
                _import(source, replacement.imports, of_file, statement)
            else:
                of_file[_lines_of(statement)] = _gone(statement, source)
    for source, of_file in edits.values():
        _drop_import(source, of_file)
    return "".join(_diff(source, of_file) for source, of_file in edits.values())


def _only(calls: tuple[Written, ...]) -> Written:
    if len(calls) == 1:
        return calls[0]
    if not calls:
        raise NoPatchError("the line that adds a CORSMiddleware was not found")
    places = ", ".join(str(call.place) for call in calls)
    raise NoPatchError(f"a CORSMiddleware may have been added at any of {places}")


def _statement(call: Written, replacement: Replacement) -> ast.Expr:
    """The statement that consists of a call, if there is one."""
    place = call.place
    found = [each for each in _run_at_import(call.source.tree.body) if each.value is call.call]
    if not found:
        raise NoPatchError(
            f"{place}: the call is not a statement of its own in the module, outside of functions"
        )
    if not call.is_on(replacement.app):
        raise NoPatchError(f"{place}: the call is not on a module-level name of the app")
    statement = found[0]
    lines = _split(call.source.text)
    first, last = lines[statement.lineno - 1].encode(), lines[(statement.end_lineno or 0) - 1].encode()
    after = last[statement.end_col_offset or 0 :].strip()
    if first[: statement.col_offset].strip() or (after and not after.startswith(b"#")):
        raise NoPatchError(f"{place}: there is other code on the lines of the call")
    return statement


def _split(text: str) -> list[str]:
    """The lines as Python counts them, which does not split at form feeds and the like."""
    return [*io.StringIO(text, newline="\n")]


def _run_at_import(body: list[ast.stmt]) -> Iterator[ast.Expr]:
    """The expression statements of a module, including those under an `if`."""
    for statement in body:
        if isinstance(statement, ast.Expr):
            yield statement
        elif isinstance(statement, ast.If):
            yield from _run_at_import([*statement.body, *statement.orelse])


def _lines_of(statement: ast.stmt) -> tuple[int, int]:
    return statement.lineno - 1, statement.end_lineno or statement.lineno


def _in_place(statement: ast.stmt, code: str, source: Source) -> str:
    indent, end = " " * statement.col_offset, _line_end(source)
    return "".join(f"{indent}{line}{end}" for line in code.splitlines())


def _gone(statement: ast.stmt, source: Source) -> str:
    """Nothing, or `pass` under an `if`, where a statement is needed."""
    return "" if statement in source.tree.body else _in_place(statement, "pass", source)


def _line_end(source: Source) -> str:
    return "\r\n" if "\r\n" in source.text else "\n"


_NAMES: Final[dict[str, dict[str, object]]] = {
    "import re": {"re": re},
    "from route_cors import install_cors": {"install_cors": install_cors},
    "from route_cors import CORSPolicy, install_cors": {
        "CORSPolicy": CORSPolicy,
        "install_cors": install_cors,
    },
}
"""The names that each import adds to a module."""


def _import(source: Source, imports: tuple[str, ...], edits: _Edits, statement: ast.stmt) -> None:
    """Add missing imports: below the import of CORSMiddleware, or else above the call."""
    held = vars(source.module)
    missing = [
        line for line in imports if any(held.get(name) is not meant for name, meant in _NAMES[line].items())
    ]
    above = [each for each in source.tree.body if each.lineno <= statement.lineno]
    imported = next((each for each in above if _imports_cors(each)), None)
    line = above[-1].lineno - 1 if imported is None else _lines_of(imported)[1]
    at = (line, line)
    present = edits.get(at, "")
    end = _line_end(source)
    edits[at] = present + "".join(f"{each}{end}" for each in missing if f"{each}{end}" not in present)


def _imports_cors(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.ImportFrom) and any(
        alias.name == "CORSMiddleware" for alias in statement.names
    )


def _drop_import(source: Source, edits: _Edits) -> None:
    """Remove imports that are no longer used, if they import nothing else."""
    gone = [*edits]
    for statement in source.tree.body:
        if not isinstance(statement, ast.ImportFrom) or not _imports_cors(statement):
            continue
        name = statement.names[0].asname or statement.names[0].name
        used = [
            node
            for node in ast.walk(source.tree)
            if isinstance(node, ast.Name)
            and node.id == name
            and not any(first < node.lineno <= last for first, last in gone)
        ]
        if len(statement.names) == 1 and not used:
            edits[_lines_of(statement)] = ""


def _diff(source: Source, edits: _Edits) -> str:
    name = Path(source.file)
    here = Path.cwd()
    if not name.is_relative_to(here):
        raise NoPatchError(f"{source.file!r} is not in the current directory")
    path = name.relative_to(here).as_posix()
    before = _split(source.text)
    after = [*before]
    for (first, last), text in sorted(edits.items(), reverse=True):
        after[first:last] = _split(text)
    whole = "".join(_lines(before, after, path))
    if not all(line.replace("\t", "").isprintable() for line in whole.replace("\r\n", "\n").split("\n")):
        raise NoPatchError(f"{path!r} holds control characters near the call")
    return whole


def _lines(before: list[str], after: list[str], path: str) -> Iterator[str]:
    for line in difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
