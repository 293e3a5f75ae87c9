"""New interpreters and new runs of pytest, with the library under test from wherever this process has it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import route_cors

__all__ = ["environment", "plugin_options", "printed_by"]


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
