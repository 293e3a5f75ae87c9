"""Routes and places in a few words."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from route_cors.insight.routes import Place, ReportedRoute

__all__ = ["counted", "local", "methods_in_words", "path_in_words", "place_in_words"]


def methods_in_words(route: ReportedRoute) -> str:
    """Its methods, or what it is in their place."""
    if route.kind != "http":
        return "(mount)" if route.kind == "mount" else "WEBSOCKET"
    return "(any)" if route.methods is None else " ".join(route.methods)


def path_in_words(route: ReportedRoute) -> str:
    """Its path, after its host if it is served at that one alone: `//api.example/items`."""
    return route.path if route.host is None else f"//{route.host}{route.path}"


def local(file: str) -> str:
    """A file as seen from the current directory; that of a library as it is imported; both with slashes."""
    path = Path(file)
    if path.is_relative_to(Path.cwd()) and _LIBRARIES not in path.parts:
        return path.relative_to(Path.cwd()).as_posix()
    roots = [root for root in sys.path if path.is_relative_to(root)]
    return path.relative_to(max(roots, key=len)).as_posix() if roots else path.as_posix()


_LIBRARIES = "site-packages"


def place_in_words(place: Place) -> str:
    """`app/main.py:12`, or `fastapi/applications.py:1120`."""
    return f"{local(place.file)}:{place.line}"


def counted(number: int, noun: str) -> str:
    """`1 route`, `2 routes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
