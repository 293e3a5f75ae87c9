"""What a code is: the sentences and the programs that explain it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Severity: TypeAlias = Literal["error", "warning", "info"]

SEVERITIES: Final[tuple[Severity, ...]] = ("error", "warning", "info")
"""The worst first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What a code means, for every route that it is found on.

    The two programs are files of their own, `main.py`: the tests run `route-cors check main.py` on both.

    Attributes:
        severity: the worst severity that it is reported with.
        title: what it is about, in general.
        when: what is looked at, and when it is reported.
        why: the consequence.
        example: a program in which it is found.
        fix: what to do, in general.
        fixed: the same program, in which nothing is found.
        options: of `route-cors check`, if it needs any to find it.
    """

    severity: Severity
    title: str
    when: str
    why: str
    example: str
    fix: str
    fixed: str
    options: tuple[str, ...] = ()
