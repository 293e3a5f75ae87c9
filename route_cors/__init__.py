"""Per-route CORS for FastAPI and Starlette: declare the policy next to the endpoint."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from route_cors.decisions import Decision
    from route_cors.decorators import cors, no_cors, policy_of
    from route_cors.errors import CORSConfigError
    from route_cors.insight.inspector import inspector
    from route_cors.insight.overview import report
    from route_cors.live import LiveOrigins
    from route_cors.middleware import RouteCORSMiddleware, install_cors
    from route_cors.policy import CORSPolicy
    from route_cors.routing import CORSRoute, CORSRouter
    from route_cors.settings import OriginList

__all__ = [
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
]

_MODULES = {
    "CORSConfigError": "errors",
    "CORSPolicy": "policy",
    "CORSRoute": "routing",
    "CORSRouter": "routing",
    "Decision": "decisions",
    "LiveOrigins": "live",
    "OriginList": "settings",
    "RouteCORSMiddleware": "middleware",
    "cors": "decorators",
    "inspector": "insight.inspector",
    "install_cors": "middleware",
    "no_cors": "decorators",
    "policy_of": "decorators",
    "report": "insight.overview",
}


# Imported at first use: pytest imports this package in every run, for its plugin, and importing FastAPI takes
# most of a second.
def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
