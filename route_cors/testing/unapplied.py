"""A policy of route_cors that no layer applies: why an app's responses have no CORS headers."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from route_cors.testing.asgi import scope_of

if TYPE_CHECKING:
    from route_cors.testing.messages import SentRequest


def unapplied_policy(app: Any, sent: SentRequest) -> str | None:
    """The route's policy that no layer applies, and the fix, as a sentence; None if there is no such policy.

    Args:
        app: that served the request; None for that of another process.
        sent: the actual request.
    """
    # An app with policies has imported it, and the others need not wait for it.
    if app is None or "route_cors.dispatch" not in sys.modules:
        return None
    try:
        # By name: it is for people, and needs the frameworks.
        unapplied = import_module("route_cors.insight.unapplied").unapplied
        found: str | None = unapplied(app, {**scope_of(sent), "type": "http", "method": sent.method})
    except Exception:  # noqa: BLE001 - a remark about an app that cannot be read is none, and hides no error
        return None
    return found
