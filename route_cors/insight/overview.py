"""An app's routes, the policy of each, and what is wrong with them. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from route_cors.insight.findings import find_all
from route_cors.insight.routes import survey_routes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from route_cors.insight.findings import Finding
    from route_cors.insight.routes import ReportedRoute, Surveyed


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of an app's routes and mounts, in the order in which it tries them, and all findings."""

    routes: tuple[ReportedRoute, ...]
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """The same as data that JSON can hold."""
        return {
            "version": 1,
            "routes": [route.to_dict() for route in self.routes],
            "findings": [finding.to_dict() for finding in self.findings],
        }


def report(app: object, *, base_url: str | None = None, ask_callables: bool = False) -> Report:
    """Who may call what in an app, where that is declared, and what is wrong with it.

    Nothing is sent, and without `ask_callables` nothing is called: it reads the routes as they are now.

    Args:
        app: a FastAPI or Starlette app, or a middleware around one.
        base_url: where it is served, `https://api.example.com`. It decides which origins are of another site,
            whose calls have no cookies with SameSite=Lax.
        ask_callables: whether callables among the origins are called with made-up origins. Async ones run in
            an event loop of their own, so this is not possible while an event loop is running.

    Raises:
        TypeError: the app shows no routes.
        CORSConfigError: the base URL is not valid.

    >>> from fastapi import FastAPI
    >>> from route_cors import cors
    >>> app = FastAPI(openapi_url=None)
    >>> @app.get("/quotes")
    ... @cors(origins="*")
    ... async def quotes() -> None: ...
    >>> for finding in report(app).findings:
    ...     print(finding.code, finding.severity)
    RC001 error
    """
    return report_of(app, survey_routes(app), base_url=base_url, ask_callables=ask_callables)


def report_of(
    app: object, surveyed: Sequence[Surveyed], *, base_url: str | None = None, ask_callables: bool = False
) -> Report:
    """As `report`, of an app whose routes have been surveyed."""
    return Report(
        routes=tuple(each.reported for each in surveyed),
        findings=find_all(app, surveyed, base_url=base_url, ask_callables=ask_callables),
    )
