"""What each code means, why it matters, and how to fix it; the meaning of a code never changes.

The rules themselves are beside this package, in modules of about the same names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.baseline import BASELINE_CODES
from route_cors.insight.findings.codes.code import SEVERITIES, Code, Severity
from route_cors.insight.findings.codes.cookies import COOKIES
from route_cors.insight.findings.codes.credentials import CREDENTIALS
from route_cors.insight.findings.codes.declared import DECLARED
from route_cors.insight.findings.codes.effect import EFFECT
from route_cors.insight.findings.codes.enforcement import ENFORCEMENT
from route_cors.insight.findings.codes.hosts import HOSTS
from route_cors.insight.findings.codes.layers import LAYERS
from route_cors.insight.findings.codes.lost import LOST
from route_cors.insight.findings.codes.matching import MATCHING
from route_cors.insight.findings.codes.origins import ORIGINS
from route_cors.insight.findings.codes.strangers import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BASELINE_CODES", "CODES", "RETIRED", "SEVERITIES", "Code", "Severity"]

_OF_RULES: Final = (
    EFFECT,
    LAYERS,
    CREDENTIALS,
    ORIGINS,
    DECLARED,
    LOST,
    STRANGERS,
    MATCHING,
    HOSTS,
    COOKIES,
    ENFORCEMENT,
)

CODES: Final[Mapping[str, Code]] = {
    name: codes[name]
    for name, codes in sorted(
        ((name, codes) for codes in _OF_RULES for name in codes), key=lambda each: each[0]
    )
}

RETIRED: Final[Mapping[str, str]] = {
    "RC008": "About allow_private_network, which policies no longer have: browsers dropped those headers",
}
"""Codes that earlier versions reported, and what they were about. They are not used again."""
