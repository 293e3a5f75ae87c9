"""What a person looks at: who may call what in an app, what is wrong with it, and why a call is refused.

All of it reads the one dispatcher and the one protocol core, and decides nothing anew.
"""

from __future__ import annotations

from route_cors.insight.access import Access, Verdict, access_of
from route_cors.insight.explanation import Call, Check, Explanation, Mend, Step
from route_cors.insight.findings import CODES, SEVERITIES, Code, Finding, Severity
from route_cors.insight.overview import Report, report
from route_cors.insight.routes import Place, ReportedRoute

__all__ = [
    "CODES",
    "SEVERITIES",
    "Access",
    "Call",
    "Check",
    "Code",
    "Explanation",
    "Finding",
    "Mend",
    "Place",
    "Report",
    "ReportedRoute",
    "Severity",
    "Step",
    "Verdict",
    "access_of",
    "report",
]
