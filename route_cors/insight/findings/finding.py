"""What a finding is, and what each code stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from route_cors.insight.routes import Place, ReportedRoute

__all__ = ["CODES", "SEVERITIES", "Code", "Finding", "Severity", "finding_about"]

Severity: TypeAlias = Literal["error", "warning", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
"""The worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something about an app's policies that is wrong, or that somebody should know.

    Attributes:
        code: `RC001` and so on; what it stands for never changes.
        severity: `error` where a policy does not do what it says, `warning` where it lets in more than may be
            meant, `info` for what is worth a look.
        sentence: what it is, with the values it is about.
        mend: what to write instead, or to do.
        route: the one it is about, or the first of them; None where it is about the app.
        place: where to look in the source.
    """

    code: str
    severity: Severity
    sentence: str
    mend: str
    route: ReportedRoute | None = None
    place: Place | None = None

    def to_dict(self) -> dict[str, Any]:
        """The same as data that JSON can hold."""
        return {
            "code": self.code,
            "severity": self.severity,
            "sentence": self.sentence,
            "mend": self.mend,
            "path": None if self.route is None else self.route.path,
            "methods": None if self.route is None or self.route.methods is None else [*self.route.methods],
            "host": None if self.route is None else self.route.host,
            "file": None if self.place is None else self.place.local_file,
            "line": None if self.place is None else self.place.line,
        }


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for, whichever route it is found on.

    Attributes:
        severity: the worst that it is found with.
        title: what it is about, without values.
    """

    severity: Severity
    title: str


CODES: Final[Mapping[str, Code]] = {
    "RC001": Code("error", "A policy that nothing carries out"),
    "RC002": Code("error", "A route that is never reached, so that its policy never holds"),
    "RC003": Code("error", "A second CORS layer in the way"),
    "RC004": Code("error", "An earlier OPTIONS route that takes the preflights"),
    "RC005": Code("error", "Any origin on a route that takes credentials"),
    "RC006": Code("warning", "Credentials for every subdomain of a site"),
    "RC007": Code("warning", "Credentials for what a regex was not written for"),
    "RC008": Code("warning", "A private network that is open to pages of public ones"),
    "RC009": Code("warning", "An http origin of another machine"),
    "RC010": Code("info", "The same policy spelled more than once"),
    "RC011": Code("warning", "A request that changes state, and that any page can send without being asked"),
    "RC012": Code("info", "Routes that answer other origins by the default alone"),
    "RC013": Code("warning", "A websocket that any page can open"),
    "RC014": Code("error", "A policy whose methods the route does not have"),
    "RC015": Code("warning", "A required header that the policy lets nobody send"),
    "RC016": Code("error", "A policy that is lost, so that its route is closed"),
    "RC017": Code("error", "A policy on a method that is called too late for it"),
}


def finding_about(
    route: ReportedRoute | None, code: str, sentence: str, mend: str, *, severity: Severity | None = None
) -> Finding:
    """A finding at the place of a route; `severity` where it is not the one of the code."""
    return Finding(
        code=code,
        severity=CODES[code].severity if severity is None else severity,
        sentence=sentence,
        mend=mend,
        route=route,
        place=None if route is None else route.place,
    )
