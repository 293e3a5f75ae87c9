"""The policy of a route that no layer applies, for the browser of `route_cors.testing`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.dispatch.resolver import Resolver
from route_cors.insight.site import Site
from route_cors.middleware import is_dry_run

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Scope


def unapplied(app: ASGIApp, scope: Scope) -> str | None:
    """A sentence with the fix, if the request's route has a policy that no layer applies; else None.

    Raises `TypeError` if no routes are visible.
    """
    site = Site(app)
    method = scope["method"]
    scope["app"] = site.app
    found = site.find(Resolver(site.app, site.default).resolve(scope, method))
    if found is None or found.reported.policy is None or found.reported.takes_effect:
        return None
    fix = "install_cors(app)"
    if is_dry_run(site.app):
        fix = "install_cors(app) without dry_run=True, which only watches"
    return f"{method} {found.reported.path} has a policy, but no layer applies it: {fix}"
