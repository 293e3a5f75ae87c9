"""The dry run: compare what an app answers today with what the policies would answer, without changing it.

layer.py watches the requests; would_be.py decides what the policies would do; readings.py says what a browser
makes of an answer, and what changes between two; summary.py counts the changes, up to a limit.
"""

from __future__ import annotations

from route_cors.insight.dry_run.layer import DryRunLayer
from route_cors.insight.dry_run.summary import Counted, Differences

__all__ = ["Counted", "Differences", "DryRunLayer"]
