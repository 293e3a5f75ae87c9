"""Where the user's source creates a middleware, a router or a layer: the objects do not know their line.

The modules of the user are parsed, and the calls in them are compared with the objects. If no call matches,
there is no place.
"""

from __future__ import annotations

import ast
import functools
import linecache
import re
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from route_cors.dispatch.apps import is_layer
from route_cors.insight.describe import name_of
from route_cors.insight.routes import Place
from route_cors.routing import CORSRouter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from route_cors.decorators import Declared
    from route_cors.insight.foreign import CORSArguments

_INSTALLED: Final = tuple(
    Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")
)
# With and without resolving links.
_LIBRARIES: Final = (
    Path(__file__).resolve().parents[1],
    *_INSTALLED,
    *(path.resolve() for path in _INSTALLED),
)
_DIRECTORIES_OF_LIBRARIES: Final = frozenset({"site-packages", "dist-packages"})
# Handwritten modules are shorter.
_MAX_CHARACTERS: Final = 1_000_000
NOT_PLAIN: Final = object()


@functools.lru_cache(maxsize=4096)  # thousands of routes share a few files
def is_of_a_library(file: str) -> bool:
    """Whether a file does not belong to the user: installed, part of Python, or part of route_cors."""
    path = Path(file)
    installed = not _DIRECTORIES_OF_LIBRARIES.isdisjoint(path.parts)
    return installed or any(path.is_relative_to(root) for root in _LIBRARIES)


@dataclass(frozen=True, slots=True)
class Call:
    """One call in a module."""

    module: ModuleType
    node: ast.Call

    @property
    def place(self) -> Place:
        """Where it starts."""
        return Place(str(self.module.__file__), self.node.lineno)

    @property
    def name(self) -> str:
        """The name of the called function, without the object before it."""
        return _name_of(self.node.func)

    def value(self, node: ast.expr | None) -> Any:
        """The value of an expression, if that is obvious; otherwise `NOT_PLAIN`."""
        match node:
            case ast.Name(id=name):
                return vars(self.module).get(name, NOT_PLAIN)
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                owner = vars(self.module).get(name)
                return vars(owner).get(attribute, NOT_PLAIN) if isinstance(owner, ModuleType) else NOT_PLAIN
            case None:
                return NOT_PLAIN
            case _:
                return literal(node)

    def argument(self, name: str) -> ast.expr | None:
        """The argument of that name."""
        return next((keyword.value for keyword in self.node.keywords if keyword.arg == name), None)

    @property
    def is_plain(self) -> bool:
        """Whether all of its arguments are written out, without * or **."""
        starred = any(isinstance(each, ast.Starred) for each in self.node.args)
        return not starred and all(keyword.arg is not None for keyword in self.node.keywords)

    def owner(self) -> Any:
        """The object whose method is called."""
        return self.value(getattr(self.node.func, "value", None))

    def first(self) -> ast.expr | None:
        """The first positional argument."""
        return next(iter(self.node.args), None)


def literal(node: ast.expr) -> Any:
    """The value of that argument, if it is written there; otherwise `NOT_PLAIN`."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return NOT_PLAIN


class Source:
    """The calls in the user's modules.

    Args:
        app: the app, which one of the modules contains.
        modules: names of further modules: those of the endpoints.
    """

    def __init__(self, app: object, modules: Iterable[str]) -> None:
        self._app = app
        self._modules = frozenset(modules)
        # The calls that create a middleware, by its full name: needed for each route.
        self._making: dict[str, list[Call]] = {}

    @functools.cached_property
    def calls(self) -> tuple[Call, ...]:
        """All calls that may create one of the objects asked for here."""
        return tuple(call for module in self._users_own() for call in _calls_in(module))

    def near(self, name: str) -> list[Call]:
        """The calls of that name in and below the directories of the app and of the endpoints."""
        around = {Path(str(module.__file__)).parent for module in self._users_own() if self._is_about(module)}
        return [
            call
            for call in self.calls
            if call.name == name and not around.isdisjoint(Path(call.place.file).parents)
        ]

    def of_layer(self, name: str, arguments: CORSArguments | None, app: object = None) -> Place | None:
        """The line that adds another middleware; the first, if several match equally well.

        Args:
            name: the full name of its class.
            arguments: those of a CORSMiddleware.
            app: the app that it is added to, if known.
        """
        if name not in self._making:
            self._making[name] = [call for call in self.calls if _makes(call, name)]
        calls = self._making[name]
        calls = [call for call in calls if app is not None and call.owner() is app] or calls
        fits = [(call, _fit(call, arguments)) for call in calls]
        best = max((fit for _, fit in fits if fit is not None), default=None)
        return None if best is None else next(call.place for call, fit in fits if fit == best)

    def of_router(self, policy: Declared | None) -> Place | None:
        """The line that creates the CORSRouter of a policy."""
        calls = [call for call in self.calls if call.name == CORSRouter.__name__]
        named = [call for call in calls if call.value(call.argument("cors")) is policy]
        return _only(named) or _only([call for call in calls if _held_by(call) is policy]) or _only(calls)

    def of_layer_of_ours(self, app: object) -> Place | None:
        """The line that installs a layer on an app."""
        calls = [call for call in self.calls if call.name == "install_cors" or _adds_ours(call)]
        return _only([call for call in calls if _app_of(call) is app]) or _only(calls)

    def of_mount(self, path: str) -> Place | None:
        """The line that mounts something at the end of a path."""
        calls = [call for call in self.calls if call.name in {"mount", "Mount"}]
        ends = [call for call in calls if _ends(path, call.value(call.first()))]
        return _only(ends)

    def _users_own(self) -> Iterator[ModuleType]:
        here = _here()
        seen: set[str] = set()
        for module in [*sys.modules.values()]:
            file = getattr(module, "__file__", None)
            if not isinstance(file, str) or not file.endswith(".py") or file in seen or is_of_a_library(file):
                continue
            below = here is not None and Path(file).is_relative_to(here)
            if below or self._is_about(module):
                seen.add(file)
                yield module

    def _is_about(self, module: ModuleType) -> bool:
        """Whether it contains the app or an endpoint."""
        return module.__name__ in self._modules or any(held is self._app for held in vars(module).values())


def _here() -> Path | None:
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None


_TELLING: Final = re.compile(r"CORS|install_cors|add_middleware|Middleware|[mM]ount|set_cookie")


def _calls_in(module: ModuleType) -> Iterator[Call]:
    file = str(module.__file__)
    try:
        now = Path(file).stat()
    except OSError:
        return
    yield from (Call(module, node) for node in _nodes_in(file, now.st_mtime_ns, now.st_size))


@functools.lru_cache(maxsize=1024)  # a project is read once, however many reports are made
def _nodes_in(file: str, _modified: int, _size: int) -> tuple[ast.Call, ...]:
    linecache.checkcache(file)
    text = "".join(linecache.getlines(file))
    if len(text) > _MAX_CHARACTERS or _TELLING.search(text) is None:
        return ()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the file has changed since
        return ()
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    return tuple(node for node in calls if _TELLING.search(_name_of(node.func)))


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _only(calls: list[Call]) -> Place | None:
    return calls[0].place if len(calls) == 1 else None


def _makes(call: Call, name: str) -> bool:
    """Whether it adds or creates a middleware of that full name."""
    is_adding = call.name in {"add_middleware", "Middleware"}
    made = call.first() if is_adding else call.node.func
    value = call.value(made)
    if value is not NOT_PLAIN:
        return name_of(value) == name
    written = "" if made is None else _name_of(made)
    return bool(written) and written == name.rpartition(".")[2]


_COMPARED: Final = ("allow_origins", "allow_origin_regex", "allow_credentials")


def _fit(call: Call, arguments: object) -> int | None:
    """How many arguments are known to be equal; None if one is known to differ."""
    fit = 0
    for name in _COMPARED:
        given = call.value(call.argument(name))
        if given is NOT_PLAIN or arguments is None:
            continue
        if _frozen(given) != getattr(arguments, name):
            return None
        fit += 1
    return fit


def _frozen(value: Any) -> object:
    return tuple(iter(value)) if type(value) in {list, tuple} else value


def _held_by(call: Call) -> object:
    """The policy of the router that a module holds under the name that the call's result is assigned to."""
    for name, held in vars(call.module).items():
        if isinstance(held, CORSRouter) and _is_assigned(call, name):
            return held.cors
    return NOT_PLAIN


def _is_assigned(call: Call, name: str) -> bool:
    line = linecache.getline(str(call.module.__file__), call.node.lineno)
    return re.match(rf"\s*{re.escape(name)}\s*(?::[^=]*)?=", line) is not None


def _adds_ours(call: Call) -> bool:
    return call.name == "add_middleware" and is_layer(call.value(call.first()))


def _app_of(call: Call) -> object:
    if call.name == "install_cors":
        return call.value(call.first() or call.argument("app"))
    return call.owner()


def _ends(path: str, written: object) -> bool:
    return isinstance(written, str) and bool(written.strip("/")) and path.endswith(written.rstrip("/"))
