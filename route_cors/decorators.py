"""`@cors`, `@no_cors` and `policy_of`: metadata on the endpoint, nothing else.

The decorators return the object that they were given. They never wrap it, call it or look at its
arguments, so that FastAPI's own reading of the signature is untouched, and it makes no difference whether
they stand above or below the route decorator: the policy is read when the route index is built.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast, overload

from fastapi import APIRouter
from starlette.applications import Starlette
from starlette.routing import Host, Mount, Route, WebSocketRoute

from route_cors.declarations import Changes, Declaration, mark
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from route_cors.origins import OriginItem

__all__ = [
    "AROUND",
    "Declared",
    "Lost",
    "NoCORS",
    "changes",
    "cors",
    "declared_policy",
    "no_cors",
    "policy_of",
]

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])

# A bound method takes no attributes of its own: its policy is kept on the object that it is bound to,
# by the underlying function, lest it speak for the same method of every other instance.
_POLICY_ATTRIBUTE = "__route_cors_policy__"
_METHOD_POLICIES_ATTRIBUTE = "__route_cors_method_policies__"
# Attribute of a function: of each object with a policy that wraps it, whose module made it, and the policy.
AROUND: Final = "__route_cors_around__"

_NOT_ASKED = (APIRouter, Route, WebSocketRoute, Mount, Host)


# What every index looks at, to look again where something that it was built from has changed.
changes: Final = Changes()


class NoCORS:
    """Close an endpoint to every other origin, whatever its routers or the app's default allow.

    `@no_cors` is the one instance, decorator and marker alike: `policy_of` gives it back. Preflights are
    refused with 403, and no response of the route carries a CORS header, even where the endpoint or an
    inner middleware wrote one. A websocket admits the app's own origin alone.

    >>> @no_cors
    ... async def metrics() -> None: ...
    >>> policy_of(metrics) is no_cors
    True
    """

    __slots__ = ()

    def __call__(self, endpoint: _Endpoint) -> _Endpoint:
        """Close the endpoint, and return it."""
        return _attach(endpoint, self)

    def __repr__(self) -> str:
        return "no_cors"

    def __reduce__(self) -> str:
        return "no_cors"  # pickling and copying give the one marker back


@dataclass(frozen=True, slots=True, repr=False)
class Lost(NoCORS):
    """In place of a policy that was declared, where nobody can tell any more for whom: the route is closed.

    `declarations` are those that it may have been. Nobody declares this.
    """

    declarations: tuple[Declaration, ...]

    @property
    def enforce(self) -> bool:
        """Whether requests are refused, and not their answers alone: one of the policies may have done so."""
        return any(each.enforce for each in self.declarations)


Declared = CORSPolicy | NoCORS

no_cors: Final = NoCORS()


@overload
def cors(policy: CORSPolicy, /) -> Callable[[_Endpoint], _Endpoint]: ...


@overload
def cors(
    *,
    origins: OriginItem | Iterable[OriginItem],
    methods: Iterable[str] | None = ...,
    allow_headers: str | Iterable[str] = ...,
    expose_headers: str | Iterable[str] = ...,
    allow_credentials: bool = ...,
    max_age: int | None = ...,
    allow_private_network: bool = ...,
    enforce: bool = ...,
    dangerously_allow_insecure_origins: bool = ...,
    dangerously_allow_public_suffixes: bool = ...,
) -> Callable[[_Endpoint], _Endpoint]: ...


def cors(policy: object = None, /, **arguments: Any) -> Callable[[_Endpoint], _Endpoint]:
    """Attach a policy to an endpoint: a function, method, partial, endpoint class or mounted ASGI app.

    Takes one `CORSPolicy`, or the arguments of one (see there for their meaning and ranges). The policy
    stands for the whole endpoint and is never merged with that of a router or of the app.

    Raises `CORSConfigError` where the arguments make no policy, and `TypeError` for `@cors` without a
    call, for `cors()` without origins, and for an object that takes no attributes.

    >>> @cors(origins=["https://app.example.com"], allow_credentials=True)
    ... async def account() -> None: ...
    >>> policy_of(account)
    CORSPolicy(origins=('https://app.example.com',), allow_credentials=True)

    The rules behind it: https://fetch.spec.whatwg.org/#http-cors-protocol
    """
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
    """The policy that `@cors` put on this very object, `no_cors`, or None.

    A bound method and a `functools.partial` without a policy of their own have that of their function.
    What routers, mounted apps or the app's default add is not looked at here.

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
    """The policy under that attribute; whatever else goes by the name (a mock, a proxy) is none of ours."""
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
        raise TypeError(f"a CORS policy stands on an endpoint or an ASGI app, not on {endpoint!r}")
    if isinstance(endpoint, _NOT_ASKED):
        # Callable as well, but it is what they hold that is asked for its policy.
        raise TypeError(
            f"a CORS policy does not stand on {endpoint!r}: "
            "decorate the endpoint, or write CORSRouter(cors=...)"
        )
    present = _stored(endpoint)
    if present is not None and present != declared:
        # The later one would silently speak for every route of this endpoint.
        raise ValueError(
            f"{endpoint!r} already has the policy {present!r}; for a route with another one, "
            "register a second function or a functools.partial of this one"
        )
    try:
        _store(endpoint, declared)
        _store_on_router(endpoint, declared)
    except (AttributeError, TypeError):
        raise TypeError(
            f"{endpoint!r} takes no attributes, so that no CORS policy can stand on it: "
            "wrap it in functools.partial and decorate that"
        ) from None
    _leave_behind(endpoint, declared)
    changes.note()
    return endpoint


def _leave_behind(endpoint: object, declared: Declared) -> None:
    """What leads to the policy from what a decorator leaves in the endpoint's place, or has left already.

    What that gives back may be an object which wraps the function, and serves nothing.
    """
    wrapped = getattr(endpoint, "__dict__", {}).get("__wrapped__")
    if isinstance(endpoint, FunctionType):
        mark(endpoint, declared)
    elif isinstance(wrapped, FunctionType):
        around = vars(wrapped).get(AROUND, ())
        setattr(wrapped, AROUND, (*around, (type(endpoint).__module__, declared)))


def _store_on_router(app: object, declared: Declared) -> None:
    """What a mounted app's layer finds in the scope of the app around it is that one's router."""
    if isinstance(app, Starlette):
        setattr(app.router, _POLICY_ATTRIBUTE, declared)


def _stored(endpoint: object) -> Declared | None:
    """What was stored on this very object; a subclass may declare another policy than its base."""
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
