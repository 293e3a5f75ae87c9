"""Routes in a few words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from route_cors.insight.routes import ReportedRoute


def methods_in_words(route: ReportedRoute) -> str:
    """The methods of a route; for a mount or a websocket, what it is."""
    if route.kind != "http":
        return "(mount)" if route.kind == "mount" else "WEBSOCKET"
    return "(any)" if route.methods is None else " ".join(route.methods)


def path_in_words(route: ReportedRoute) -> str:
    """The path of a route, after its host if it is only served there: `//api.example/items`."""
    return route.path if route.host is None else f"//{route.host}{route.path}"


def counted(number: int, noun: str) -> str:
    """`1 route`, `2 routes`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
