"""Marks of declared policies, to find them again if a decorator replaces the function.

The mark is an invisible attribute of the annotations: code that compiles a function again keeps at least
these. It does not count for a function with another name or file, which may just share the annotations. If
the mark disappears together with its function right away, the function was dropped: then another function on
the same lines may be its copy.
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


class Changes:
    """A record of changes: `latest` is another object after each change."""

    __slots__ = ("latest",)

    def __init__(self) -> None:
        self.latest = object()

    def note(self) -> None:
        """Note that something has changed."""
        # A new object instead of a counter: with two threads counting at once, one change could be lost.
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
        """The declaration on an existing object: on the innermost function that it wraps."""
        while isinstance(endpoint, functools.partial):
            endpoint = endpoint.func
        with suppress(ValueError):  # it wraps itself
            endpoint = inspect.unwrap(endpoint)
        code: CodeType | None = getattr(endpoint, "__code__", None)
        file = str(getattr(endpoint, "__module__", None)) if code is None else code.co_filename
        name = getattr(endpoint, "__qualname__", type(endpoint).__qualname__)
        return cls(
            file, 0 if code is None else code.co_firstlineno, name, bool(getattr(declared, "enforce", False))
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.file}:{self.line})"


# Noted at each declaration, and whenever the routes are read.
moments: Final = Changes()

_MARK: Final = "_route_cors_mark"
_LOST: Final = "__route_cors_lost__"


class _Annotations(dict[str, Any]):
    """The annotations of a function with a mark; a copy is a plain dictionary."""

    __slots__ = ("__weakref__", _MARK)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (dict(self),)


def mark(function: FunctionType, declared: object) -> None:
    """Mark the annotations of a function with the policy declared on it."""
    moments.note()  # the mark of an earlier declaration may go now: nothing is lost with that
    carrier: Any = _carrier_of(function)
    if isinstance(carrier, dict):
        function.__annotations__ = carrier = _Annotations(function.__annotations__)
    elif type(carrier) is not FunctionType:
        return  # it may not allow attributes
    setattr(carrier, _MARK, (declared, _look_of(function)))
    _watch(carrier, function, Declaration.on(function, declared))


def marked(function: FunctionType) -> object:
    """The policy of the function whose annotations, name and file this one has, if any."""
    declared, look = getattr(_carrier_of(function), _MARK, (None, None))
    return declared if declared is not None and look == _look_of(function) else None


def bears_nothing(function: FunctionType) -> bool:
    """Whether neither the contents of a function nor its annotations or lines can lead to a policy."""
    if function.__closure__ or function.__dict__ or (_lost and lost_like(function)):
        return False
    return getattr(_carrier_of(function), _MARK, None) is None


def _carrier_of(function: FunctionType) -> object:
    """The object that is kept: from Python 3.14 on the function that makes the annotations, else these."""
    annotate = getattr(function, "__annotate__", None)
    return function.__annotations__ if annotate is None else annotate


def _look_of(function: FunctionType) -> tuple[str, str, str]:
    return function.__module__, function.__qualname__, function.__code__.co_filename


# By what a copy shares with its function: module, name, file, line. The oldest are removed.
_lost: OrderedDict[tuple[str, str, str, int], frozenset[Declaration]] = OrderedDict()
_MOST_LOST: Final = 4_000
_NONE: Final[frozenset[Declaration]] = frozenset()

_watches: dict[object, tuple[weakref.ref[Any], weakref.ref[Any]]] = {}


def lost_like(function: FunctionType) -> frozenset[Declaration]:
    """The declarations on dropped functions that this function may be a copy of."""
    code = function.__code__
    key = (function.__module__, code.co_qualname, code.co_filename, code.co_firstlineno)
    if key in _lost:
        # It stays closed, even if the entry is removed later.
        setattr(function, _LOST, _lost[key])
    return getattr(function, _LOST, _NONE)


# A frame and its code, and its position: by identity, as keeping a frame keeps all its variables alive.
_Frame = tuple[int, CodeType]
_Position = tuple[int, CodeType, int]


def _running() -> Iterator[FrameType]:
    """The frames that are running, innermost first, without those of this package."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_globals.get("__package__") != __package__:
            yield frame
        frame = frame.f_back


def _declarer() -> tuple[list[_Frame], list[_Position]]:
    """The frame that declares, and the position of its caller, if it has one."""
    frames = [*itertools.islice(_running(), 2)]
    return [*map(_identity, frames[:1])], [*map(_position, frames[1:])]


def _goes_on(declarer: list[_Frame], caller: list[_Position]) -> bool:
    """Whether the declaring frame still runs, or has just returned and its variables are being dropped."""
    return any(_identity(frame) in declarer or _position(frame) in caller for frame in _running())


def _identity(frame: FrameType) -> _Frame:
    return id(frame), frame.f_code


def _position(frame: FrameType) -> _Position:
    return id(frame), frame.f_code, frame.f_lasti


def _watch(carrier: object, function: FunctionType, declaration: Declaration) -> None:
    """Notice if the mark and its function are dropped before anything else happens.

    This is what happens to a function that a decorator replaces. A function that was served is dropped later,
    one that nobody serves when its declaring frame ends, and the functions of an app in a collection of
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
    # Nothing here refers back to the references: they go with the module, when the interpreter ends.
    _watches[key] = watched, carried


def _note_lost(module: str, code: CodeType, declaration: Declaration) -> None:
    # No lock: this may run at any point of the program.
    first = code.co_firstlineno
    body = min((line for *_, line in code.co_lines() if line is not None and line > first), default=first)
    # A function that is compiled again may lose some of its decorators: then the copy starts later.
    for line in range(first, body + 1):
        key = (module, code.co_qualname, code.co_filename, line)
        _lost[key] = _lost.get(key, _NONE) | {declaration}
    while len(_lost) > _MOST_LOST:
        _lost.popitem(last=False)
