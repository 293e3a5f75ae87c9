"""What a benchmark reports: a ratio, the target it has to meet, and the times behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from timing import Timings

__all__ = ["Row", "Target", "compared"]


@dataclass(frozen=True)
class Target:
    """The bound of a ratio: an upper one, or a lower one where more is better."""

    bound: float
    at_least: bool = False

    def is_met_by(self, measured: float) -> bool:
        return measured >= self.bound if self.at_least else measured <= self.bound

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {self.bound:,g}"


@dataclass(frozen=True)
class Row:
    """One line of the table. `measured` None: it could not be, and `note` says why; `failed` if by a fault.

    `times` are nanoseconds; `amounts` are whatever else was measured, in the unit that their name gives.
    """

    what: str
    measured: float | None
    target: Target | None = None
    times: Mapping[str, float] = field(default_factory=dict[str, float])
    amounts: Mapping[str, float] = field(default_factory=dict[str, float])
    note: str = ""
    failed: bool = False

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none or nothing was measured."""
        if self.measured is None or self.target is None:
            return None
        return self.target.is_met_by(self.measured)


def compared(what: str, timings: Timings, subject: str, other: str, target: Target | None = None) -> Row:
    """One subject's time against the other's."""
    times = {name: timings.ns(name) for name in (subject, other)}
    return Row(f"{what}: {subject} / {other}", timings.ratio(subject, other), target, times)
