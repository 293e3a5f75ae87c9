"""What a declaration leaves behind, for when a decorator puts another function in the declared one's place.

The mark is on the annotations, as an attribute that nobody sees: what compiles a function anew hands these
on, be it nothing else. It speaks for no function of another name or file, which may only have been given the
same annotations. Where the mark goes with its function at once, that was dropped: then a function that stands
on the same lines may be its copy.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import weakref
from collections import OrderedDict
from contextlib import suppress
from types import CodeType, FrameType, FunctionType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Changes", "Declaration", "bears_nothing", "lost_like", "mark", "marked", "moments"]


class Changes:
    """What there is to look at anew: `latest` is another object after each change."""

    __slots__ = ("latest",)

    def __init__(self) -> None:
        self.latest = object()

    def note(self) -> None:
        """Note that something has changed."""
        # A new object and not a counter: of two threads that count at once, one change would go unseen.
        self.latest = object()


class Declaration(NamedTuple):
    """Where a policy was declared, and whether it refuses requests (`enforce`).

    `line` is 0 for an object without code, and `file` its module.
    """

    file: str
    line: int
    name: str
    enforce: bool

    @classmethod
    def on(cls, endpoint: Any, declared: object) -> Declaration:
        """The declaration on an object that is still there: on the function under whatever wraps it."""
        while isinstance(endpoint, functools.partial):
            endpoint = endpoint.func
        with suppress(ValueError):  # it wraps itself
            endpoint = inspect.unwrap(endpoint)
        code: CodeType | None = getattr(endpoint, "__code__", None)
        file = str(getattr(endpoint, "__module__", None)) if code is None else code.co_filename
        name = getattr(endpoint, "__qualname__", type(endpoint).__qualname__)
        return cls(
            file, 0 if code is None else code.co_firstlineno, name, getattr(declared, "enforce", False)
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.file}:{self.line})"


# Each declaration, and each look at the routes.
moments: Final = Changes()

_MARK: Final = "_route_cors_mark"
_LOST: Final = "__route_cors_lost__"


class _Annotations(dict[str, Any]):
    """The annotations of a declared function, with its mark; a copy is a plain dictionary."""

    __slots__ = ("__weakref__", _MARK)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def mark(function: FunctionType, declared: object) -> None:
    """Mark the annotations of a function with what is declared on it."""
    moments.note()  # the mark of an earlier declaration may go now: nothing is lost with that
    carrier: Any = _carrier_of(function)
    if isinstance(carrier, dict):
        function.__annotations__ = carrier = _Annotations(function.__annotations__)
    elif type(carrier) is not FunctionType:
        return  # it need not take attributes
    setattr(carrier, _MARK, (declared, _look_of(function)))
    _watch(carrier, function, Declaration.on(function, declared))


def marked(function: FunctionType) -> object:
    """What is declared on the function whose annotations, name and file this one has; None if nothing is."""
    declared, look = getattr(_carrier_of(function), _MARK, (None, None))
    return declared if declared is not None and look == _look_of(function) else None


def bears_nothing(function: FunctionType) -> bool:
    """Whether a function holds nothing, and there is nothing to find by its annotations or its lines."""
    if function.__closure__ or function.__dict__ or (_lost and lost_like(function)):
        return False
    return getattr(_carrier_of(function), _MARK, None) is None


def _carrier_of(function: FunctionType) -> object:
    """What is handed on: from Python 3.14 on what makes the annotations, where there are any; else these."""
    annotate = getattr(function, "__annotate__", None)
    return function.__annotations__ if annotate is None else annotate


def _look_of(function: FunctionType) -> tuple[str, str, str]:
    return function.__module__, function.__qualname__, function.__code__.co_filename


# By what a copy has in common with its function: module, name, file, line. The oldest go.
_lost: OrderedDict[tuple[str, str, str, int], frozenset[Declaration]] = OrderedDict()
_MOST_LOST: Final = 4_000
_NONE: Final[frozenset[Declaration]] = frozenset()

_watches: dict[object, tuple[weakref.ref[Any], weakref.ref[Any]]] = {}


def lost_like(function: FunctionType) -> frozenset[Declaration]:
    """The declarations whose functions were dropped, and this one may be a copy of one."""
    code = function.__code__
    key = (function.__module__, code.co_qualname, code.co_filename, code.co_firstlineno)
    if key in _lost:
        # It stays closed, whatever else is lost later.
        setattr(function, _LOST, _lost[key])
    return getattr(function, _LOST, _NONE)


# A frame and what it runs, and where it is: by identity, as whoever keeps a frame keeps all its variables.
_Frame = tuple[int, CodeType]
_Position = tuple[int, CodeType, int]


def _running() -> Iterator[FrameType]:
    """The frames that run, from the innermost one that is none of ours."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__package__") != __package__:
            yield frame
        frame = frame.f_back


def _declarer() -> tuple[list[_Frame], list[_Position]]:
    """The frame that declares, and where the one is that called it, if any did."""
    frames = [*itertools.islice(_running(), 2)]
    return [*map(_identity, frames[:1])], [*map(_position, frames[1:])]


def _goes_on(declarer: list[_Frame], caller: list[_Position]) -> bool:
    """Whether the declarer still runs, or what it knew is just being dropped, as it has returned."""
    return any(_identity(frame) in declarer or _position(frame) in caller for frame in _running())


def _identity(frame: FrameType) -> _Frame:
    return id(frame), frame.f_code


def _position(frame: FrameType) -> _Position:
    return id(frame), frame.f_code, frame.f_lasti


def _watch(carrier: object, function: FunctionType, declaration: Declaration) -> None:
    """Notice it where the mark goes with its function before anything else has happened.

    So goes what a decorator drops that leaves another function in its place. What was served goes later,
    what nobody serves when whoever declared it is done, and the functions of an app in a collection of
    garbage, which first clears the references to all of it.
    """
    module, code, moment = function.__module__, function.__code__, moments.latest
    key, is_dropped = object(), False
    declarer, caller = _declarer()

    def going(_: object) -> None:
        nonlocal is_dropped
        is_dropped = carried() is not None

    def gone(_: object) -> None:
        del _watches[key]
        if is_dropped and moments.latest is moment and _goes_on(declarer, caller):
            _note_lost(module, code, declaration)

    watched, carried = weakref.ref(function, going), weakref.ref(carrier, gone)
    # Nothing of this leads back to the references: they go with the module, when the interpreter ends.
    _watches[key] = watched, carried


def _note_lost(module: str, code: CodeType, declaration: Declaration) -> None:
    # No lock: this may run in the middle of anything.
    first = code.co_firstlineno
    body = min((line for *_, line in code.co_lines() if line is not None and line > first), default=first)
    # What compiles a function anew may leave out some of its decorators: then the copy starts later.
    for line in range(first, body + 1):
        key = (module, code.co_qualname, code.co_filename, line)
        _lost[key] = _lost.get(key, _NONE) | {declaration}
    while len(_lost) > _MOST_LOST:
        _lost.popitem(last=False)
