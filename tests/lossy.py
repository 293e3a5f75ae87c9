"""Decorators that put another object in the endpoint's place, by what they leave of the original.

They are for endpoints that are plain functions, and for those of websockets, whose coroutine they hand on.
"""

from __future__ import annotations

import functools
import inspect
import sys
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final

from fastapi.routing import APIRoute

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["COPYING", "FOUND", "HOLDING", "SHARING", "replacing"]


# --- They hold the original, and call it


def wrapping(function: Any) -> Any:
    """It keeps the signature, which FastAPI reads, and no attribute."""

    def wrapper(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return _with_signature_of(function, wrapper)


def _with_signature_of(function: Any, wrapper: Any) -> Any:
    wrapper.__signature__ = inspect.signature(function)
    return wrapper


def wrapping_twice(function: Any) -> Any:
    return wrapping(wrapping(function))


def as_functools_does(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return wrapper


def pointing_back(function: Any) -> Any:
    """As functools.wraps, without the attributes of the original."""

    @functools.wraps(function, updated=())
    def wrapper(*arguments: Any, **named: Any) -> Any:
        return function(*arguments, **named)

    return wrapper


class Calling:
    """An object that is called in place of the function that it holds."""

    def __init__(self, function: Any) -> None:
        self.function = function
        _with_signature_of(function, self)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self.function(*arguments, **named)


def holding_in_an_attribute(function: Any) -> Any:
    """Compiled, as dishka does it: the original is among the new one's globals, and in an attribute."""
    made: dict[str, Any] = {"original": function}
    source = "def made(*arguments, **named):\n    return original(*arguments, **named)\n"
    exec(compile(source, "<made>", "exec"), made)  # noqa: S102 - it is the kind of code that is meant
    wrapper = _with_signature_of(function, made["made"])
    wrapper.__original__ = function
    wrapper.__name__ = function.__name__
    wrapper.__qualname__ = function.__qualname__
    wrapper.__module__ = function.__module__
    return wrapper


# --- They leave nothing of it but its code, or where that stood


def copied(function: Any) -> Any:
    """The same code in a new function."""
    copy = FunctionType(
        function.__code__,
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__annotations__ = dict(function.__annotations__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def stripped(function: Any) -> Any:
    """Other code on another line, as what compiles a function anew without its own decorator leaves it."""
    code = function.__code__
    body = min(line for *_, line in code.co_lines() if line is not None and line > code.co_firstlineno)
    copy: Any = FunctionType(
        code.replace(co_firstlineno=body),
        function.__globals__,
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    copy.__annotations__ = dict(function.__annotations__)
    return copy


# --- They hand its annotations on


def compiled_anew(function: Any) -> Any:
    """Other code with the same name, in the same file, on the same line, as typeguard makes it."""
    code = function.__code__
    checked = code.replace(co_consts=(*code.co_consts, "checked"))
    copy: Any = FunctionType(
        checked, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    if sys.version_info >= (3, 14) and function.__annotate__ is not None:
        copy.__annotate__ = function.__annotate__
    else:
        copy.__annotations__ = function.__annotations__
    copy.__kwdefaults__ = function.__kwdefaults__
    copy.__qualname__ = function.__qualname__
    copy.__module__ = function.__module__
    return copy


# By what they do.
HOLDING: Final[dict[str, Callable[[Any], Any]]] = {
    "wrapping": wrapping,
    "wrapping twice": wrapping_twice,
    "functools.wraps": as_functools_does,
    "pointing back": pointing_back,
    "an object": Calling,
    "in an attribute": holding_in_an_attribute,
}
COPYING: Final[dict[str, Callable[[Any], Any]]] = {
    "copied": copied,
    "stripped": stripped,
}
SHARING: Final[dict[str, Callable[[Any], Any]]] = {"compiled anew": compiled_anew}
FOUND: Final = {**HOLDING, **SHARING}


def replacing(decorator: Callable[[Any], Any]) -> type[APIRoute]:
    """A route class that does it where the route is made."""

    class ReplacingRoute(APIRoute):
        def __init__(self, path: str, endpoint: Callable[..., Any], **arguments: Any) -> None:
            if not hasattr(endpoint, "replaced"):
                endpoint = decorator(endpoint)
                endpoint.replaced = True  # type: ignore[attr-defined]
            super().__init__(path, endpoint, **arguments)

    return ReplacingRoute
