"""Findings about an app's policies. Each rule is one function and has a stable code."""

from __future__ import annotations

from route_cors.insight.findings.codes import CODES, SEVERITIES, Code, Severity
from route_cors.insight.findings.finding import Finding
from route_cors.insight.findings.rules import find_all

__all__ = ["CODES", "SEVERITIES", "Code", "Finding", "Severity", "find_all"]
