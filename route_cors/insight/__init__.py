"""What a person looks at: who may call what in an app, what is wrong with it, and why a call is refused.

All of it reads the one dispatcher and the one protocol core, and decides nothing anew.

- routes: what the dispatcher knows of an app, made presentable; access: what one origin may do there, behind
  layers of others as they are (simulated).
- findings: the rules of what is wrong; overview: `report`, the routes and the findings together.
- explain: one call's story. The box's browser makes it (attempt), to the app's stand-in (stand_in, site), in
  which layers of others stand as well (passage); what happened (handled) is put into words (steps, others,
  preflights), and what would allow it is tried (fix). explanation: the story as data.
- baseline: what a change opened or closed (grants); sarif: the findings for other tools.
- migration: what replaces an app's CORSMiddleware, and who gains or loses by it.
- inspector: the page; page_origin: an origin that somebody typed, checked.
"""

from __future__ import annotations

from route_cors.insight.access import ANY_OTHER_ORIGIN, STRANGER, Access, Verdict, access_of
from route_cors.insight.explanation import Call, Check, Explanation, Fix, Step
from route_cors.insight.findings import CODES, SEVERITIES, Code, Finding, Severity
from route_cors.insight.overview import Report, report
from route_cors.insight.routes import Place, ReportedRoute

__all__ = [
    "ANY_OTHER_ORIGIN",
    "CODES",
    "SEVERITIES",
    "STRANGER",
    "Access",
    "Call",
    "Check",
    "Code",
    "Explanation",
    "Finding",
    "Fix",
    "Place",
    "Report",
    "ReportedRoute",
    "Severity",
    "Step",
    "Verdict",
    "access_of",
    "report",
]
