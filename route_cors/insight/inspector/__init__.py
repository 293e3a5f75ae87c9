"""The inspector page: who may call what, and why a call is refused, in a browser."""

from __future__ import annotations

from route_cors.insight.inspector.app import inspector

__all__ = ["inspector"]
