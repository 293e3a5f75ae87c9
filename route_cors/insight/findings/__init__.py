"""Findings about an app's policies. Each rule is one function with a stable code; `codes` explains them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from route_cors.insight.findings.codes import BASELINE_CODES, CODES, RETIRED, SEVERITIES, Code, Severity

if TYPE_CHECKING:
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.findings.rules import find_all

__all__ = [
    "BASELINE_CODES",
    "CODES",
    "RETIRED",
    "SEVERITIES",
    "Code",
    "Finding",
    "Severity",
    "find_all",
]

_MODULES = {"Finding": "finding", "find_all": "rules"}


# Imported at first use: the codes are listed without FastAPI, which the rules need.
def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
