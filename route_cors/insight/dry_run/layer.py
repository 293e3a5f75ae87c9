"""The layer of a dry run: it watches requests go by, and tells what the policies would have changed.

Nothing is answered, written or refused here, and the scope is left alone: whatever answers CORS today, be it
another middleware or a CORSRouter, goes on as if nobody watched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from route_cors.decisions import (
    ANSWER_NOT_READABLE,
    ANSWER_READABLE,
    PREFLIGHT_ALLOWED,
    PREFLIGHT_REFUSED,
    REQUEST_REFUSED,
    WEBSOCKET_ALLOWED,
    WEBSOCKET_REFUSED,
    DryRun,
)
from route_cors.diagnostics import LOGGER, Diagnostics, OnDecision
from route_cors.dispatch import CLAIM, Resolver
from route_cors.headers import requested_names
from route_cors.insight.dry_run.readings import (
    NOTHING,
    Asked,
    Reading,
    change_between,
    in_words,
    read_actual,
    read_preflight_answer,
)
from route_cors.insight.dry_run.summary import Differences
from route_cors.judging import Judge
from route_cors.protocol import is_foreign, read_origin, read_preflight
