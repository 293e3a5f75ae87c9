"""`@cors`, `@no_cors` and `policy_of`: they only attach metadata to the endpoint.

The decorators return the object that they were given. They never wrap it, call it or look at its arguments,
so FastAPI reads the signature as usual. They may be placed above or below the route decorator: the policy is
read when the route index is built.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeVar, Unpack, cast, overload

from fastapi import APIRouter
from starlette.applications import Starlette
from starlette.routing import Host, Mount, Route, WebSocketRoute

from route_cors.declarations import Changes, Declaration, mark
from route_cors.policy import CORSPolicy, OtherArguments, check_names

if TYPE_CHECKING:
    from route_cors.origins import Origins

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])

# A bound method cannot have attributes: its policy is kept on the instance, keyed by the function. On the
# function, it would apply to the same method of every other instance.
_POLICY_ATTRIBUTE = "__route_cors_policy__"
_METHOD_POLICIES_ATTRIBUTE = "__route_cors_method_policies__"
# Attribute of a function: for each object with a policy that wraps it, the module of its class, and the
# policy.
AROUND: Final = "__route_cors_around__"

_NOT_ASKED = (APIRouter, Route, WebSocketRoute, Mount, Host)


# Every index compares this, to rebuild when something that it was built from has changed.
changes: Final = Changes()


class NoCORS:
    """Close an endpoint to every other origin, no matter what its routers or the app's default allow.

    `@no_cors` is the only instance, both decorator and marker: `policy_of` returns it. Preflights are refused
    with 403, and no response of the route has a CORS header, even if the endpoint or an inner middleware set
    one. A websocket only accepts the app's own origin.

    >>> @no_cors
    ... async def metrics() -> None: ...
    >>> policy_of(metrics) is no_cors
    True
    """

    __slots__ = ()

    @property
    def enforce(self) -> bool | None:
        """As `CORSPolicy.enforce`: None, as the layer says."""
        return None

    def __call__(self, endpoint: _Endpoint) -> _Endpoint:
        """Close the endpoint, and return it."""
        return _attach(endpoint, self)

    def __repr__(self) -> str:
        return "no_cors"

    def __reduce__(self) -> str:
        return "no_cors"  # pickling and copying return the same marker


@dataclass(frozen=True, slots=True, repr=False)
class Lost(NoCORS):
    """In place of a declared policy whose endpoint is no longer known: the route is closed.

    `declarations` are the possible ones. Users never declare this.
    """

    declarations: tuple[Declaration, ...]

    @property
    def enforce(self) -> bool | None:
        """True if one of the policies may have enforced that; else as the layer says."""
        return any(each.enforce for each in self.declarations) or None


Declared = CORSPolicy | NoCORS

no_cors: Final = NoCORS()


def require_declared(argument: str, declared: object) -> None:
    """Raise a `TypeError` unless it is a policy, `no_cors` or None."""
    if declared is not None and not isinstance(declared, Declared):
        instead = f"write {argument}=CORSPolicy(origins=[...])"
        raise TypeError(f"{argument} must be a CORSPolicy, no_cors or None, not {declared!r}: {instead}")


@overload
def cors(policy: CORSPolicy, /) -> Callable[[_Endpoint], _Endpoint]: ...


@overload
def cors(*, origins: Origins, **arguments: Unpack[OtherArguments]) -> Callable[[_Endpoint], _Endpoint]: ...


def cors(policy: object = None, /, **arguments: Any) -> Callable[[_Endpoint], _Endpoint]:
    """Attach a policy to an endpoint: a function, method, partial, endpoint class or mounted ASGI app.

    Takes one `CORSPolicy`, or the arguments of one (see there for their meaning and ranges). The policy
    applies to the whole endpoint and is never merged with the policy of a router or of the app. An endpoint
    has one policy: for two, register a `functools.partial` of it with the other one. On a handler of an
    `HTTPEndpoint` it applies to that method.

    If a decorator replaces the endpoint (dishka's `inject`, for example), its policy is still found if the
    new object holds the function or keeps its annotations. Otherwise the route is closed, and the log (RCE11)
    and `route-cors check` (RC016) report it: write `@cors` above that decorator. FastHTML's websockets are
    closed for this reason. A copy without any trace of the function, served by a `route_class` of a plain
    `APIRouter`, is not noticed; a `CORSRouter` knows which function it was given.

    Raises `CORSConfigError` if the arguments are not a valid policy, and `TypeError` for `@cors` without a
    call, for `cors()` without origins, and for an object that cannot have attributes.

    >>> @cors(origins=["https://app.example.com"], allow_credentials=True)
    ... async def account() -> None: ...
    >>> policy_of(account)
    CORSPolicy(origins=('https://app.example.com',), allow_credentials=True)

    The rules: https://fetch.spec.whatwg.org/#http-cors-protocol
    """
    check_names(arguments)
    if policy is None:
        if "origins" not in arguments:
            raise TypeError(
                "cors() needs origins: write @cors(origins=[...]) or @cors(policy), or @no_cors to close it"
            )
        policy = CORSPolicy(**arguments)
    elif not isinstance(policy, CORSPolicy):
        raise TypeError(
            f"cors() takes a CORSPolicy or its arguments by name, not {policy!r}: write @cors(origins=[...])"
        )
    elif arguments:
        raise TypeError(
            "cors() takes a policy or the arguments of one, not both: "
            f"write cors(policy.evolve({', '.join(f'{name}=...' for name in arguments)}))"
        )
    return functools.partial(_attach, declared=policy)


def policy_of(endpoint: object) -> Declared | None:
    """The policy that `@cors` attached to this object, `no_cors`, or None.

    A bound method or a `functools.partial` without a policy of its own has the policy of its function.
    Policies of routers, mounted apps and the app's default are not considered.

    >>> @cors(origins="*")
    ... def quotes() -> None: ...
    >>> policy_of(functools.partial(quotes))
    CORSPolicy(origins=('*',))
    >>> policy_of(print) is None
    True
    """
    while (declared := _own_policy(endpoint)) is None and isinstance(endpoint, functools.partial):
        endpoint = endpoint.func
    return declared


def declared_policy(owner: object, attribute: str) -> Declared | None:
    """The policy in that attribute; anything else with that name (a mock, a proxy) is not a policy."""
    value = getattr(owner, attribute, None)
    return value if isinstance(value, CORSPolicy | NoCORS) else None


def _own_policy(endpoint: object) -> Declared | None:
    stored = _stored(endpoint) if inspect.ismethod(endpoint) else None
    return declared_policy(endpoint, _POLICY_ATTRIBUTE) if stored is None else stored


def _method_policies(instance: object) -> dict[object, Declared]:
    policies: object = getattr(instance, _METHOD_POLICIES_ATTRIBUTE, None)
    return cast("dict[object, Declared]", policies) if isinstance(policies, dict) else {}


def _attach(endpoint: _Endpoint, declared: Declared) -> _Endpoint:
    if not callable(endpoint):
        raise TypeError(f"a CORS policy belongs on an endpoint or an ASGI app, not on {endpoint!r}")
    if isinstance(endpoint, _NOT_ASKED):
        # They are callable too, but the policy is read from what they contain.
        raise TypeError(
            f"a CORS policy cannot be attached to {endpoint!r}: "
            "decorate the endpoint, or write CORSRouter(cors=...)"
        )
    present = _stored(endpoint)
    if present is not None and present != declared:
        # The later one would silently apply to every route of this endpoint.
        raise ValueError(
            f"{endpoint!r} already has the policy {present!r}: for a route with another policy, "
            "register a second function or a functools.partial of this one"
        )
    try:
        _store(endpoint, declared)
        _store_on_router(endpoint, declared)
    except (AttributeError, TypeError):
        raise TypeError(
            f"{endpoint!r} cannot have attributes, so no CORS policy can be attached to it: "
            "wrap it in functools.partial and decorate that"
        ) from None
    _leave_behind(endpoint, declared)
    changes.note()
    return endpoint


def _leave_behind(endpoint: object, declared: Declared) -> None:
    """Mark a function, so that the policy is found if a decorator replaces the endpoint, or already has.

    A decorator may have returned an object that wraps the function and never serves.
    """
    wrapped = getattr(endpoint, "__dict__", {}).get("__wrapped__")
    if isinstance(endpoint, FunctionType):
        mark(endpoint, declared)
    elif isinstance(wrapped, FunctionType):
        around = vars(wrapped).get(AROUND, ())
        setattr(wrapped, AROUND, (*around, (type(endpoint).__module__, declared)))


def _store_on_router(app: object, declared: Declared) -> None:
    """The layer of a mounted app only finds the router of the outer app in the scope."""
    if isinstance(app, Starlette):
        setattr(app.router, _POLICY_ATTRIBUTE, declared)


def _stored(endpoint: object) -> Declared | None:
    """What was stored on this object itself; a subclass may declare another policy than its base."""
    if inspect.ismethod(endpoint):
        return _method_policies(endpoint.__self__).get(endpoint.__func__)
    stored: Declared | None = getattr(endpoint, "__dict__", {}).get(_POLICY_ATTRIBUTE)
    return stored


def _store(endpoint: Callable[..., Any], declared: Declared) -> None:
    if not inspect.ismethod(endpoint):
        setattr(endpoint, _POLICY_ATTRIBUTE, declared)
        return
    policies = {**_method_policies(endpoint.__self__), endpoint.__func__: declared}
    setattr(endpoint.__self__, _METHOD_POLICIES_ATTRIBUTE, policies)
