"""What would replace an app's CORSMiddleware, and who would gain or lose by it.

- found: the places with a CORSMiddleware. proposal: the policy that does the same, if possible;
origins
  and arguments: what replaces each argument (reading).
- source: the line that added it. patch: the change of a file, for review; no file is ever written.
- candidates: the origins that calls are made from. changes: each call before and after, made by the simulated
  browser to the app's stand-in, as `explain` does.
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
