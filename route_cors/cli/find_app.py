"""The app of a command: named as `module:app` or as a file, or found where `fastapi dev` would look."""

from __future__ import annotations

import importlib
import inspect
import sys
import sysconfig
import tomllib
import traceback
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from fastapi import FastAPI
from starlette.applications import Starlette

from route_cors.cli.errors import CommandError, one_line
from route_cors.insight.routes import Place
from route_cors.insight.survey import survey

if TYPE_CHECKING:
    from collections.abc import Generator

_USUAL_FILES = ("main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py")
_USUAL_NAMES = ("app", "api")
_MAX_WRAPPERS = 20


@dataclass(frozen=True, slots=True)
class Found:
    """An app that shows routes.

    Attributes:
        app: the app.
        name: as it can be given to the command: `main:app`.
        file: of the module that contains it.
    """

    app: Any
    name: str
    file: str | None


def find_app(target: str | None, *, factory: bool = False) -> Found:
    """Import an app.

    What the import prints goes to standard error.

    Args:
        target: `module:app`, `module`, `path/to/file.py` or `path/to/file.py:app`; `module:create_app()`
            calls the function that makes it. None: the entrypoint in pyproject.toml, or the first usual file.
        factory: the target is a function that makes the app, with or without the parentheses.

    Raises:
        CommandError: there is no such app, its import failed, or it shows no routes.
    """
    wanted = _wanted(_default_target() if target is None else target)
    sys.path.insert(0, str(wanted.directory))
    with redirect_stdout(sys.stderr):
        module = _import(wanted.module)
        name = wanted.name or _name_in(module, factory=factory)
        app = _attribute(module, name.removesuffix("()"))
        if factory or name.endswith("()"):
            with _naming_the_cause(f"calling {wanted.module}:{name.removesuffix('()')}()"):
                app = app()
        _require_routes(app, f"{wanted.module}:{name}")
        return Found(app, f"{wanted.module}:{name}", module.__file__)


class _Wanted(NamedTuple):
    module: str
    name: str | None
    directory: Path


def _default_target() -> str:
    named = _entrypoint(Path("pyproject.toml"))
    if named is not None:
        return named
    for file in _USUAL_FILES:
        if Path(file).is_file():
            return file
    raise CommandError(
        f"no app was named, and there is no {', '.join(_USUAL_FILES[:-1])} or {_USUAL_FILES[-1]} here: "
        "name it, as in main:app"
    )


def _entrypoint(file: Path) -> str | None:
    """`[tool.fastapi] entrypoint`, as newer versions of `fastapi dev` read it."""
    if not file.is_file():
        return None
    try:
        settings: object = tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise CommandError(f"{file}: {one_line(error)}") from error
    for key in ("tool", "fastapi", "entrypoint"):
        settings = cast("dict[str, object]", settings).get(key) if isinstance(settings, dict) else None
    if settings is None or isinstance(settings, str):
        return settings
    raise CommandError(f"{file}: the entrypoint of [tool.fastapi] is not a string: write 'main:app'")


def _wanted(target: str) -> _Wanted:
    place, colon, name = target.rpartition(":")
    if not colon or "/" in name or "\\" in name:  # C:\main.py
        place, name = target, ""
    elif not place or not name:
        raise CommandError(f"{target!r} does not name an app: write module:app, as in main:app")
    if place.endswith(".py") or "/" in place or "\\" in place:
        return _wanted_file(Path(place), name or None)
    return _Wanted(place, name or None, Path.cwd())


def _wanted_file(file: Path, name: str | None) -> _Wanted:
    """The module of a file, with the packages around it: the directories that have an __init__.py."""
    if not file.exists():
        raise CommandError(f"there is no file {str(file)!r}")
    path = file.resolve()
    path = path.parent if path.name == "__init__.py" else path.with_suffix("")
    parts = [path.name]
    while (path.parent / "__init__.py").is_file():
        path = path.parent
        parts.insert(0, path.name)
    return _Wanted(".".join(parts), name, path.parent)


def _import(name: str) -> ModuleType:
    try:
        with _naming_the_cause(f"importing {name!r}"):
            return importlib.import_module(name)
    except CommandError as error:
        missing = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
        if missing is not None and f"{name}.".startswith(f"{missing}."):
            raise CommandError(
                f"there is no module {missing!r}, neither here nor installed"
            ) from error.__cause__
        raise


@contextmanager
def _naming_the_cause(doing: str) -> Generator[None, None, None]:
    """Report any exception of an app, sys.exit included, in one line about the app; Ctrl-C is passed on."""
    try:
        yield
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        place = _place_of(error)
        raise CommandError(
            f"{doing} failed{'' if place is None else f' at {place}'}: {one_line(error)}"
        ) from error


def _place_of(error: BaseException) -> Place | None:
    """The line of the user's code that raised it, or that called the code that raised it."""
    if isinstance(error, SyntaxError) and error.filename and not error.filename.startswith("<"):
        return Place(error.filename, error.lineno or 1)
    files = [
        frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")
    ]
    own = [frame for frame in files if not _is_of_a_library(frame.filename)]
    return Place(own[-1].filename, own[-1].lineno or 1) if own else None


def _is_of_a_library(file: str) -> bool:
    return any(Path(file).is_relative_to(root) for root in _LIBRARIES)


_LIBRARIES = (
    Path(__file__).resolve().parents[1],
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
)


def _name_in(module: ModuleType, *, factory: bool) -> str:
    if factory:
        raise CommandError(
            f"--factory: name the function that makes the app, as in {module.__name__}:create_app"
        )
    names = _apps_in(module)
    if names:
        return names[0]
    raise CommandError(
        f"{module.__name__!r} has no FastAPI or Starlette app: name it, as in {module.__name__}:app, "
        f"or the function that makes it, as in {module.__name__}:create_app()"
    )


def _apps_in(module: ModuleType) -> list[str]:
    """The names of the apps in a module; the first one is used."""
    held = sorted(vars(module).items())
    usual = [name for name in _USUAL_NAMES if _is_app(vars(module).get(name))]
    fastapi = [name for name, thing in held if isinstance(thing, FastAPI)]
    return [*usual, *fastapi, *(name for name, thing in held if isinstance(thing, Starlette))]


def _is_app(thing: object) -> bool:
    """Whether it is an app, or a middleware around one."""
    for _ in range(_MAX_WRAPPERS):
        if isinstance(thing, Starlette):
            return True
        # A package may contain a module `app`.
        thing = None if isinstance(thing, ModuleType | type) else getattr(thing, "app", None)
    return False


def _attribute(module: ModuleType, name: str) -> Any:
    thing: Any = module
    for part in name.split("."):
        if not hasattr(thing, part):
            apps = _apps_in(module)
            hint = f": write {module.__name__}:{apps[0]}" if apps else ""
            raise CommandError(f"{module.__name__!r} has no {name!r}{hint}")
        thing = getattr(thing, part)
    return thing


def _require_routes(app: Any, name: str) -> None:
    try:
        first = next(survey(app), None)
    except TypeError as error:
        hint = f": write {name}() if it makes the app" if inspect.isroutine(app) else ""
        raise CommandError(f"{name} is of type {type(app).__name__} and shows no routes{hint}") from error
    if first is None:
        raise CommandError(f"{name} has no routes")
