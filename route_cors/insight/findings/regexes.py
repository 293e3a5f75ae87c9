"""Regexes whose matching time explodes. Policies refuse those that are found when they are declared."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.insight.findings.grantors import layers_of_others
from route_cors.insight.printable import printable
from route_cors.regexes import slow_origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.findings.facts import Facts
    from route_cors.insight.findings.finding import Finding


def find_slow_regexes(facts: Facts) -> Iterator[Finding]:
    """RC023: a regex that takes long for some origin, of a length that servers accept."""
    for grantor, _ in layers_of_others(facts):
        for regex in grantor.regexes:
            origin = slow_origin(regex)
            if origin is not None:
                sentence = (
                    f"the regex {printable(regex.pattern)} takes far too long for an origin of"
                    f" {len(origin)} characters, and much longer for longer ones"
                )
                fix = (
                    "do not nest repetitions, and do not let two adjacent parts match the same text:"
                    r" r'https://[a-z0-9-]+\.example\.com'"
                )
                yield grantor.about("RC023", sentence, fix)
