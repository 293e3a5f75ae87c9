"""Findings about an app's policies. Each rule is one function with a stable code; `codes` explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.insight.findings.codes import BASELINE_CODES, CODES, RETIRED, SEVERITIES, Code, Severity
from route_cors.insight.lazy import imported_at_first_use

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

# The codes are listed without FastAPI, which the rules need.
__getattr__, __dir__ = imported_at_first_use(__name__, {"Finding": "finding", "find_all": "rules"})
