"""For people: who may call what in an app, what is wrong with its policies, and why a call is refused.

All of it uses the dispatcher and the protocol core, and decides nothing itself.

- routes: the routes of an app, with an example of each path (examples); access: what one origin may do there,
  behind other layers (simulated).
- findings: the rules for problems; overview: `report`, the routes and the findings together.
- explain: the result of one call. The browser of `route_cors.testing` makes it (attempt) to a stand-in of the
  app (stand_in, site) with its other layers (passage). The result (handled) is described in sentences (steps,
  others, preflights), and what would allow the call is tried (fix). explanation: the same as data.
- baseline: what a change opened or closed (grants); sarif: the findings for other tools.
- migration: what replaces an app's CORSMiddleware, and who gains or loses access.
- corrections: what to write instead of what a policy refuses; describe: policies in words and as data;
  reasons: why a preflight was refused, for the browser. The core loads these by name.
- inspector: the page; page_origin: checks an origin that a person typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.insight.lazy import imported_at_first_use

if TYPE_CHECKING:
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

_MODULES = {
    "ANY_OTHER_ORIGIN": "access",
    "CODES": "findings",
    "SEVERITIES": "findings",
    "STRANGER": "access",
    "Access": "access",
    "Call": "explanation",
    "Check": "explanation",
    "Code": "findings",
    "Explanation": "explanation",
    "Finding": "findings",
    "Fix": "explanation",
    "Place": "routes",
    "Report": "overview",
    "ReportedRoute": "routes",
    "Severity": "findings",
    "Step": "explanation",
    "Verdict": "access",
    "access_of": "access",
    "report": "overview",
}


# Imported at first use: what the core needs of it, such as the corrections of a refused policy, needs little
# of all this.
__getattr__, __dir__ = imported_at_first_use(__name__, _MODULES)
