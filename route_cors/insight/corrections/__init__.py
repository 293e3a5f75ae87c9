"""What to write instead of what a policy refuses. A policy without problems never loads this.

- origins: reads what is written for an origin, and says all that is wrong with it.
- spellings: lists, regexes and wildcards that are written in place of an origin.
- regexes: a regex without what makes it unsafe.
- names: methods and header names.
"""

from __future__ import annotations

from route_cors.insight.corrections.names import fixed_list, fixed_name, refuse_argument
from route_cors.insight.corrections.origins import refused_origin, secured
from route_cors.insight.corrections.regexes import fixed_regex, slow_regex

__all__ = [
    "fixed_list",
    "fixed_name",
    "fixed_regex",
    "refuse_argument",
    "refused_origin",
    "secured",
    "slow_regex",
]
