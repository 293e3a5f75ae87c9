"""What would replace an app's CORSMiddleware, and who would gain or lose by it.

- found: where each one stands. proposal: the policy that does the same, as far as one can; origins and
  arguments: what becomes of each argument, as it is read (reading).
- source: the line that added it. patch: the change of a file, to be looked at; nothing is ever written.
- candidates: the origins that are asked about. changes: each call as it is and as it would be, judged by the
  box's browser on the app's stand-in, as `explain` does.
- plan: all of it together, as data.
"""

from __future__ import annotations

from route_cors.insight.migration.changes import Change
from route_cors.insight.migration.patch import NoPatchError, patch_of
from route_cors.insight.migration.plan import Migration, Replacement, migration
from route_cors.insight.migration.reading import Remark

__all__ = [
    "Change",
    "Migration",
    "NoPatchError",
    "Remark",
    "Replacement",
    "migration",
    "patch_of",
]
