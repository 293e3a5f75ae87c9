"""Where the user's source adds a CORSMiddleware, found by comparing calls with its arguments."""

from __future__ import annotations

import ast
import inspect
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from starlette.middleware.cors import CORSMiddleware

from route_cors.insight.describe import name_of
from route_cors.insight.foreign import CORSArguments, never_called
from route_cors.insight.routes import Place
from route_cors.insight.source import NOT_PLAIN, is_of_a_library, literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

    from route_cors.insight.foreign import KnownLayer

_MAX_BYTES: Final = 2_000_000
_SIGNATURE: Final = inspect.signature(CORSMiddleware)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A module of the user, its text and its syntax tree."""

    module: ModuleType
    file: str
    text: str
    tree: ast.Module


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A call that adds, or is, a CORSMiddleware.

    Attributes:
        source: the module.
        call: `X.add_middleware(CORSMiddleware, ...)`, `Middleware(CORSMiddleware, ...)` or
            `CORSMiddleware(X, ...)`.
        target: X in the first form, as Python source; None in the others.
        arguments: of the middleware.
        is_whole: whether these are all arguments; not so with `**options` and the like.
    """

    source: Source
    call: ast.Call
    target: str | None
    arguments: Mapping[str, ast.expr]
    is_whole: bool

    @property
    def place(self) -> Place:
        """Where it begins."""
        return Place(self.source.file, self.call.lineno)

    @property
    def expressions(self) -> dict[str, str]:
        """The arguments that are not literals, as written."""
        return {
            name: ast.unparse(value) for name, value in self.arguments.items() if literal(value) is NOT_PLAIN
        }

    def is_on(self, app: object) -> bool:
        """Whether its target is a module-level name of the app."""
        return (
            self.target is not None and app is not None and vars(self.source.module).get(self.target) is app
        )

    def may_be(self, layer: KnownLayer) -> bool:
        """Whether it may have made that layer: the literals in the call have the values that were read."""
        literals = {name: literal(value) for name, value in self.arguments.items()}
        try:
            made = CORSMiddleware(
                never_called, **{name: value for name, value in literals.items() if value is not NOT_PLAIN}
            )
            there = CORSArguments.of(made)
        except Exception:  # noqa: BLE001 - whatever it raises, the app's own would have raised too
            return False
        unsaid = () if self.is_whole else _SIGNATURE.parameters
        dynamic = {name for name in (*literals, *unsaid) if literals.get(name, NOT_PLAIN) is NOT_PLAIN}
        names = [name for name in CORSArguments.__dataclass_fields__ if name not in dynamic]
        return all(getattr(there, name) == getattr(layer.cors, name) for name in names)


def read_sources(roots: Iterable[Path]) -> list[Source]:
    """The imported modules below some directories, without libraries, that name a CORSMiddleware."""
    within = [root.resolve() for root in roots]
    modules = {
        file: module for module in [*sys.modules.values()] if (file := _file_of(module, within)) is not None
    }
    return [source for file, module in sorted(modules.items()) if (source := _read(module, file)) is not None]


def _file_of(module: ModuleType, roots: Iterable[Path]) -> str | None:
    file: object = getattr(module, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py"):
        return None
    path = Path(file).resolve()
    is_own = any(path.is_relative_to(root) for root in roots) and not is_of_a_library(str(path))
    return file if is_own else None


def _read(module: ModuleType, file: str) -> Source | None:
    try:
        if Path(file).stat().st_size > _MAX_BYTES:
            return None
        written = Path(file).read_bytes()
        if b"CORS" not in written:
            return None
        return Source(module=module, file=file, text=written.decode(), tree=ast.parse(written))
    except (OSError, SyntaxError, ValueError, RecursionError):  # changed since, or in another encoding
        return None


def calls_for(layer: KnownLayer, app: object, sources: Iterable[Source]) -> list[Written]:
    """The calls that may have made a layer; one if it is certain.

    Args:
        layer: a CORSMiddleware.
        app: the app that it was added to; None if that is not known.
        sources: the modules of the user.
    """
    calls = [call for source in sources for call in _calls_in(source, layer.name) if call.may_be(layer)]
    return [call for call in calls if call.is_on(app)] or calls


def _calls_in(source: Source, name: str) -> Iterator[Written]:
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and (read := _read_call(source, node, name)) is not None:
            yield read


def _read_call(source: Source, call: ast.Call, name: str) -> Written | None:
    function = call.func
    given = [*call.args]
    if not given and not call.keywords:
        return None
    target = None
    if _stands_for(source, function, name):
        given = given[1:]
    elif given and _stands_for(source, given[0], name) and _adds(function):
        given = given[1:]
        target = ast.unparse(function.value) if isinstance(function, ast.Attribute) else None
    else:
        return None
    arguments: dict[str, ast.expr] = {}
    names = [*_SIGNATURE.parameters][1:]
    arguments.update(zip(names, given, strict=False))
    arguments.update({each.arg: each.value for each in call.keywords if each.arg in names})
    is_whole = all(each.arg is not None for each in call.keywords)
    is_whole = is_whole and not any(isinstance(each, ast.Starred) for each in given)
    return Written(source=source, call=call, target=target, arguments=arguments, is_whole=is_whole)


def _adds(function: ast.expr) -> bool:
    return ast.unparse(function).rpartition(".")[2] in {"add_middleware", "Middleware"}


def _stands_for(source: Source, expression: ast.expr, name: str) -> bool:
    """Whether it is the class of that full name; in a function, only the last part is compared."""
    if not isinstance(expression, ast.Name | ast.Attribute):
        return False
    *path, last = ast.unparse(expression).split(".")
    held: object = source.module
    for part in (*path, last):
        held = getattr(held, part, None)
    return name_of(held) == name if isinstance(held, type) else last == name.rpartition(".")[2]
