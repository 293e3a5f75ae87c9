"""A dry run: the policies beside whatever answers CORS today, to see what they would change.

layer.py watches requests go by; readings.py says what a browser makes of an answer, and what changes between
two; summary.py counts the changes, in bounds.
"""

from __future__ import annotations

from route_cors.insight.dry_run.layer import DryRunLayer
from route_cors.insight.dry_run.summary import Counted, Differences

__all__ = ["Counted", "Differences", "DryRunLayer"]
