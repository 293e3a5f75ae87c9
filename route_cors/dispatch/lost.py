"""Find the policy of an endpoint that has none itself, because a decorator replaced the original function.

A policy is only found again if it is certain: the endpoint has the marked annotations of the function with
the policy, or it holds that function. Identical code is not certain, nor are identical closure cells: all
functions that are defined in one loop share both. An endpoint that may be the copy of a dropped function is
closed.
"""

from __future__ import annotations

import functools
import gc
import inspect
import logging
from contextlib import suppress
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, Final

from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint

from route_cors.decisions import POLICY_LOST, escaped
from route_cors.declarations import Declaration, bears_nothing, lost_like, marked
from route_cors.decorators import AROUND, Declared, Lost, policy_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOGGER: Final = logging.getLogger("route_cors")

# Attribute of a router: the routes that were logged already.
_TOLD: Final = "_route_cors_told"
# Attribute of an object that a route class put in place of endpoints: the endpoints.
_GIVEN: Final = "__route_cors_given__"

# The most objects that are searched: a wrapper holds a few functions, the registry of a library thousands.
_MOST_HELD: Final = 64

_TOO_LATE: Final[dict[type, tuple[str, ...]]] = {
    HTTPEndpoint: ("dispatch", "method_not_allowed"),
    WebSocketEndpoint: ("dispatch", "on_connect", "on_receive", "on_disconnect"),
}


def policy_at(endpoint: object) -> Declared | None:
    """The policy of an endpoint: its own, or that of the replaced function; a `Lost` if that is unclear."""
    declared = policy_of(endpoint)
    if declared is not None:
        return declared
    if isinstance(endpoint, type):
        misplaced = misplaced_in(endpoint)
        return Lost(misplaced) if misplaced else None
    if isinstance(endpoint, FunctionType) and bears_nothing(endpoint):
        return None  # as most do
    found = _stood_for(endpoint)
    policies = {policy for _, policy in found}
    if len(policies) <= 1 and None not in policies:
        return next(iter(policies), None)
    return Lost(_ordered(found))


def misplaced_in(endpoint: type) -> tuple[Declaration, ...]:
    """The declarations on methods of an endpoint class, or held by them, that are called too late."""
    bases = [base for base in _TOO_LATE if issubclass(endpoint, base)]
    methods = [getattr(endpoint, name, None) for base in bases for name in _TOO_LATE[base]]
    return _ordered([each for method in methods for each in _stood_for(method)])


def note_given(endpoint: object, route: object) -> None:
    """Note which endpoint a router was given for a route, as the route class may replace it."""
    served = getattr(route, "endpoint", endpoint)
    if served is not endpoint:
        # An object without attributes may look like a lost endpoint, and is then closed.
        with suppress(AttributeError, TypeError):
            setattr(served, _GIVEN, (*getattr(served, _GIVEN, ()), endpoint))


def tell_of_lost(router: Any, route: Any, lost: Lost) -> None:
    """Log once that a policy does not apply to a route."""
    told: set[object] = router.__dict__.setdefault(_TOLD, set())
    path: str = getattr(route, "path", "")
    if (path, lost) not in told:
        told.add((path, lost))
        places = " or ".join(map(str, lost.declarations))
        _LOGGER.error("%s: path=%s declared on %s; %s", POLICY_LOST, escaped(path), escaped(places), _WAY_OUT)


_WAY_OUT: Final = (
    "the route is closed, because a decorator replaced the function that has the policy: "
    "write @cors above that decorator, or on the endpoint class"
)

# Declarations, each with its policy; None if it may belong to another function.
_Found = list[tuple[Declaration, Declared | None]]


def _ordered(found: _Found) -> tuple[Declaration, ...]:
    return tuple(sorted({declaration for declaration, _ in found}))


def _stood_for(endpoint: object) -> _Found:
    """The declarations that an endpoint may have.

    They are its own, and those of the functions that it holds, directly or through others.
    """
    found: _Found = []
    pending: list[tuple[object, ...]] = [(endpoint,)]
    known: set[int] = set()
    while pending and len(known) < _MOST_HELD:
        path = pending.pop()
        each = path[-1]
        if id(each) in known:
            continue
        known.add(id(each))
        here = _declared_on(each, path[-2:-1])
        found += here
        if not here:
            inside = filter(_is_function, _inside(each))
            held = [inner for inner in inside if not any(_calls(user, inner) for user in path)]
            pending += [(*path, inner) for inner in (*held, *getattr(each, "__dict__", {}).get(_GIVEN, ()))]
    return found


def _declared_on(held: object, holder: tuple[object, ...]) -> _Found:
    policies: list[Any] = [policy_of(held)]
    if policies == [None] and isinstance(held, FunctionType):
        # The module that made an object with a policy around the function made what holds that as well.
        modules = [getattr(each, "__module__", None) for each in holder]
        around = vars(held).get(AROUND, ())
        policies = [marked(held), *(policy for module, policy in around if module in modules)]
        if policies == [None]:
            return [(declaration, None) for declaration in lost_like(held)]
    return [(Declaration.on(held, policy), policy) for policy in policies if policy is not None]


def _inside(holder: object) -> Iterator[object]:
    yield from [*getattr(holder, "__dict__", {}).values()]
    if isinstance(holder, functools.partial):
        yield from (holder.func, *holder.args)
    if isinstance(holder, MethodType):
        yield holder.__func__
    if isinstance(holder, FunctionType):
        yield from gc.get_referents(*(holder.__closure__ or ()))  # what is in the cells


def _is_function(held: object) -> bool:
    """Not any object that can be called: what a function uses is not what it stands for."""
    # By the exact type and not isinstance: the object may be a proxy for anything.
    is_one = issubclass(type(held), FunctionType | MethodType | functools.partial)
    return is_one or type(inspect.getattr_static(held, "__wrapped__", None)) is FunctionType


def _calls(user: object, held: object) -> bool:
    """Whether one was written beside the other, or in its sight and has its name: then it calls that."""
    if not isinstance(held, FunctionType) or not isinstance(user, FunctionType):
        return False
    if held.__module__ != user.__module__ or held.__qualname__ == user.__qualname__:
        return False
    scope, inner = (each.__qualname__.rpartition(".")[0] for each in (held, user))
    is_in_sight = scope.endswith("<locals>") and inner.startswith(scope)
    return scope == inner or (is_in_sight and held.__name__ in user.__code__.co_freevars)
