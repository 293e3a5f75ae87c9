"""A CORSMiddleware while it is read, and the result so far: arguments of a policy, and remarks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from route_cors.errors import CORSConfigError
from route_cors.insight.foreign import never_called
from route_cors.origins import ANY_ORIGIN
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.middleware.cors import CORSMiddleware

    from route_cors.insight.foreign import CORSArguments, KnownLayer


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that differs from before.

    Attributes:
        about: the argument and its value.
        why: why it cannot be kept, or need not be.
        instead: what to write instead, if there is something.
        loses: whether somebody may lose access.
    """

    about: str
    why: str
    instead: str | None
    loses: bool


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of the policy.

    Attributes:
        name: its name.
        value: its value.
        literal: the value as Python source.
        written_as: the argument of CORSMiddleware with exactly the same value, if any.
        pattern: the Python source of the regex, if it is a list of origins that ends in one.
    """

    name: str
    value: Any
    literal: str
    written_as: str | None = None
    pattern: str | None = None

    def code(self, written: Mapping[str, str]) -> str:
        """Its Python source, using a name from the user's source if the value has one there."""
        name = None if self.written_as is None else written.get(self.written_as)
        compiled = self.pattern
        if compiled is not None and "allow_origin_regex" in written:
            compiled = f"re.compile({written['allow_origin_regex']})"
        if name is None:
            return self.literal if self.pattern is None else self.literal.replace(self.pattern, str(compiled))
        return name if compiled is None else f"[*{name}, {compiled}]"


@dataclass(slots=True)
class Reading:
    """A CORSMiddleware while it is read, and the result so far.

    Attributes:
        layer: the middleware.
        cors: its arguments.
        made: an instance.
        served: the methods of the routes behind it.
        credentials: whether the policy allows them.
        arguments: of the policy.
        remarks: what differs from before.
    """

    layer: KnownLayer
    cors: CORSArguments
    made: CORSMiddleware
    served: frozenset[str]
    credentials: bool
    arguments: list[Argument] = field(default_factory=list[Argument])
    remarks: list[Remark] = field(default_factory=list[Remark])

    @classmethod
    def of(cls, layer: KnownLayer, served: frozenset[str]) -> Reading:
        """A reading without results yet."""
        cors = cast("CORSArguments", layer.cors)
        made = cast("CORSMiddleware", layer.around(never_called))
        reflects = cors.any_origin and cors.allow_credentials
        return cls(layer, cors, made, served, cors.allow_credentials and not reflects)

    def put(self, name: str, value: object, literal: str, written_as: str | None = None) -> None:
        """Add an argument of the policy."""
        self.arguments.append(Argument(name, value, literal, written_as))

    def remark(self, about: str, why: str, instead: str | None = None, *, loses: bool = False) -> None:
        """Add a remark about something that differs from before."""
        self.remarks.append(Remark(about, why, instead, loses))


def quoted(text: str) -> str:
    """A string as Python source, in double quotes as formatters write it, and escaped."""
    spelled = ascii(text)
    return spelled if '"' in spelled or spelled.startswith('"') else f'"{spelled[1:-1]}"'


def spelled(names: Iterable[str]) -> str:
    """A list of strings as Python source."""
    return f"[{', '.join(map(quoted, names))}]"


def is_accepted(**arguments: Any) -> bool:
    """Whether a policy accepts these arguments; with any origin if none are given."""
    given: dict[str, Any] = {"origins": ANY_ORIGIN, **arguments}
    try:
        CORSPolicy(**given)
    except CORSConfigError:
        return False
    return True
