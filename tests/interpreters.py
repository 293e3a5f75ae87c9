"""New interpreters, runs of pytest and modules, with the library under test from where this one has it."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import route_cors

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["environment", "load", "plugin_options", "printed_by"]


def environment() -> dict[str, str]:
    """In which the library under test is imported."""
    variables = os.environ | {"PYTHONPATH": str(Path(route_cors.__file__).parents[1])}
    # Dozens of interpreters would each compile what they import, and most of them are longer at that than at
    # their own work.
    variables.pop("PYTHONDONTWRITEBYTECODE", None)
    return variables


def printed_by(code: str, directory: Path) -> str:
    """What a new interpreter prints that runs this code; it must neither fail nor warn."""
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def plugin_options() -> list[str]:
    """What pytest has to be told where the library is on the path and not installed: its plugin."""
    points = entry_points(group="pytest11")
    is_found = any(
        (point.name, point.value) == ("route_cors", "route_cors.testing.pytest_plugin") for point in points
    )
    return [] if is_found else ["-p", "route_cors.testing.pytest_plugin"]


def load(file: Path, name: str | None = None) -> ModuleType:
    """A file that is no part of a package, as a module of this interpreter: a new one each time."""
    spec = importlib.util.spec_from_file_location(name or file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
