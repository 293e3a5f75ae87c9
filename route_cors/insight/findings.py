"""What is wrong with an app's policies, or worth a look: each rule is one function, and has a stable code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from route_cors.insight.routes import Place, ReportedRoute, Surveyed

__all__ = ["CODES", "SEVERITIES", "Code", "Finding", "Severity", "find_all"]

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
        route: the one it is about; None where it is about the app.
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
            "file": None if self.place is None else self.place.file,
            "line": None if self.place is None else self.place.line,
        }


@dataclass(frozen=True, slots=True)
class Code:
    """What a code stands for, whichever route it is found on."""

    severity: Severity
    title: str


CODES: Final[Mapping[str, Code]] = {
    "RC001": Code("error", "A policy that nothing carries out"),
    "RC002": Code("error", "A route that is never reached"),
}


def find_all(app: object, routes: Sequence[Surveyed]) -> tuple[Finding, ...]:
    """All findings, the worst first, then in the order of the routes."""
    found = [finding for rule in _RULES for finding in rule(app, routes)]
    return tuple(sorted(found, key=lambda finding: SEVERITIES.index(finding.severity)))


def _policies_without_effect(_app: object, routes: Sequence[Surveyed]) -> Iterator[Finding]:
    for route in (surveyed.reported for surveyed in routes):
        if route.policy is not None and not route.takes_effect:
            yield Finding(
                code="RC001",
                severity=CODES["RC001"].severity,
                sentence="the policy is declared, and nothing carries it out",
                mend="call install_cors(app)",
                route=route,
                place=route.place,
            )


_RULES: Final[tuple[Callable[[object, Sequence[Surveyed]], Iterator[Finding]], ...]] = (
    _policies_without_effect,
)
