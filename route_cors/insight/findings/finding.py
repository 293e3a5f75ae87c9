"""What a finding is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from route_cors.insight.findings.codes import CODES

if TYPE_CHECKING:
    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.routes import Place, ReportedRoute


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about an app's policies that is wrong, or worth knowing.

    Attributes:
        code: `RC001` and so on; its meaning never changes.
        severity: `error` if a policy does not do what it says, `warning` if it may allow more than intended,
            `info` if it is worth a look.
        sentence: what was found, with the values.
        fix: what to write or do instead.
        route: the route it is about, or the first of them; None if it is about the app.
        place: where to look in the user's source.
        routes: all routes that it is about.
    """

    code: str
    severity: Severity
    sentence: str
    fix: str
    route: ReportedRoute | None = None
    place: Place | None = None
    routes: tuple[ReportedRoute, ...] = ()

    @property
    def why(self) -> str:
        """Why it matters; empty for the codes of a baseline."""
        return CODES[self.code].why if self.code in CODES else ""

    def to_dict(self) -> dict[str, Any]:
        """The finding as JSON-compatible data."""
        return {
            "code": self.code,
            "severity": self.severity,
            "sentence": self.sentence,
            "why": self.why,
            "fix": self.fix,
            "path": None if self.route is None else self.route.path,
            "methods": None if self.route is None or self.route.methods is None else [*self.route.methods],
            "host": None if self.route is None else self.route.host,
            "file": None if self.place is None else self.place.local_file,
            "line": None if self.place is None else self.place.line,
            "routes": [
                {
                    "path": route.path,
                    "methods": None if route.methods is None else [*route.methods],
                    "host": route.host,
                }
                for route in self.routes
            ],
        }


def finding_about(
    route: ReportedRoute | None, code: str, sentence: str, fix: str, *, severity: Severity | None = None
) -> Finding:
    """A finding at the place of a route; `severity` if it differs from that of the code."""
    return Finding(
        code=code,
        severity=CODES[code].severity if severity is None else severity,
        sentence=sentence,
        fix=fix,
        route=route,
        place=None if route is None else route.place,
        routes=() if route is None else (route,),
    )
