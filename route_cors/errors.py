"""Problems of a policy, reported together with their fixes."""

from __future__ import annotations

import importlib
import reprlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

# reprlib rather than repr(value)[:100]: it never builds the text of a megabyte first, and an object whose
# own __repr__ fails does not hide the error that is being reported.
_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxother = 100


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a policy.

    Args:
        field: the argument of `CORSPolicy` that it was found in.
        value: the value of that argument, or the item of it that is wrong.
        reason: what is wrong with it, as a sentence.
        fix: what to write instead, if known. For a string it is the new string, or Python source, if it has
            to be a list or a regex; for any other value it is Python source.

    >>> print(Problem("origins", "http://localhost:3000/", "a trailing slash", "http://localhost:3000"))
    origins: 'http://localhost:3000/': a trailing slash; write 'http://localhost:3000' instead
    """

    field: str
    value: object
    reason: str
    fix: str | None = None

    def __str__(self) -> str:
        found = f"{self.field}: {_REPR.repr(self.value)}: {self.reason}"
        if self.fix is None:
            return found
        return f"{found}; write {self.code} instead"

    @property
    def code(self) -> str | None:
        """The fix as Python source."""
        return repr(self.fix) if self.fix is not None and self.is_new_string else self.fix

    @property
    def is_new_string(self) -> bool:
        """Whether the fix is a string and not source."""
        return isinstance(self.value, str) and not str(self.fix).startswith(("[", "re.compile("))


class CORSConfigError(ValueError):
    """A policy that is unsafe or cannot work; raised where the policy is declared.

    Args:
        problems: every problem of the policy, not just the first one.

    Attributes:
        problems: the same, as a tuple.

    >>> error = CORSConfigError([Problem("max_age", -1, "less than 0", "0")])
    >>> print(error)
    1 problem in a CORS policy:
      max_age: -1: less than 0; write 0 instead
    >>> error.problems[0].fix
    '0'
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        # The exception's args are the problems, not the message: copy and pickle call the class with them.
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        heading = f"{count} problem{'' if count == 1 else 's'} in a CORS policy:"
        return "\n".join([heading, *(f"  {problem}" for problem in self.problems)])


def corrections() -> Any:
    """The module `insight.corrections`, which says what to write instead of what is refused."""
    # By name: it imports those that refuse, and sound policies do without it.
    return importlib.import_module("route_cors.insight.corrections")
