"""All scenarios, in the order of the table."""

from __future__ import annotations

from typing import Final

from browser.field.rows import Scenario
from browser.field.rows_of_origins import ORIGINS
from browser.field.rows_of_requests import REQUESTS
from browser.field.rows_of_routes import ROUTES

__all__ = ["SCENARIOS", "Scenario"]

SCENARIOS: Final[tuple[Scenario, ...]] = (*REQUESTS, *ORIGINS, *ROUTES)
