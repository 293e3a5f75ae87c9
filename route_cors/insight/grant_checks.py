"""What a policy grants of what a preflight announces: its method and its headers, each as a check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.insight.explanation import Check
from route_cors.insight.printable import shortened
from route_cors.protocol import Terms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.handled import Handled


def grant_checks(handled: Handled, terms: Terms) -> Iterator[Check]:
    """The checks of a preflight that these terms answer, after that of its origin."""
    yield _method(handled, terms)
    yield _headers(handled, terms)


def _method(handled: Handled, terms: Terms) -> Check:
    if terms.policy is None:
        return Check("method", passed=None, detail="not checked, as no origin is allowed")
    passed = "method" not in handled.failed
    return Check("method", passed, f"{shortened(handled.method)} {_granted(terms, passed=passed)}")


def _granted(terms: Terms, *, passed: bool) -> str:
    """What is granted, in words that follow a method."""
    if terms.methods is None:
        said = "is granted: any method is, because the methods that are served are not known"
        return said if passed else "is not a method that can be granted"
    granted = ", ".join(sorted(terms.methods)) or "none"
    return f"{'is' if passed else 'is not'} among those granted: {granted}"


def _headers(handled: Handled, terms: Terms) -> Check:
    names = _names_asked_for(handled)
    if not names:
        return Check("headers", passed=None, detail="none is asked for")
    if terms.policy is None:
        return Check("headers", passed=None, detail="not checked, as no origin is allowed")
    if "headers" not in handled.failed:
        return Check("headers", passed=True, detail=f"granted: {shortened(', '.join(names))}")
    refused = [name for name in names if not _grants(terms, name)]
    if not refused:
        return Check("headers", passed=False, detail="too many names to be read")
    return Check("headers", passed=False, detail=f"not granted: {shortened(', '.join(refused))}")


def _names_asked_for(handled: Handled) -> list[str]:
    asked = None if handled.preflight is None else handled.preflight[2]
    return [] if asked is None else asked.decode("latin-1").split(",")


def _grants(terms: Terms, name: str) -> bool:
    """Whether the terms grant that one header, regardless of the others."""
    alone = (b"", b"", name.encode("latin-1"))
    # Terms cache their answers, so these are a copy.
    answer = Terms(terms.policy, terms.registered).answer_preflight(alone, origin_allowed=True)
    return "headers" not in answer.failed
