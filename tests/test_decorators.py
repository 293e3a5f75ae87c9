"""@cors, @no_cors and policy_of: the metadata, on everything that can be an endpoint."""

from __future__ import annotations

import copy
import functools
import pickle
from typing import TYPE_CHECKING, Any, Protocol
from unittest.mock import Mock

import pytest
from fastapi import APIRouter
from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from route_cors import CORSConfigError, CORSPolicy, cors, no_cors, policy_of

if TYPE_CHECKING:
    from collections.abc import Callable

POLICY = CORSPolicy(origins="https://a.example")
OTHER = CORSPolicy(origins="https://b.example")


def function() -> None: ...


class Endpoint(Protocol):
    def __call__(self, *args: Any) -> Any: ...


def fresh_endpoints() -> dict[str, Any]:
    async def coroutine() -> None: ...

    def plain() -> None: ...

    class View(HTTPEndpoint): ...

    class Socket(WebSocketEndpoint): ...

    class Methods:
        def method(self) -> None: ...

        @classmethod
        def of_class(cls) -> None: ...

        @staticmethod
        def static() -> None: ...

    return {
        "function": plain,
        "coroutine function": coroutine,
        "lambda": lambda: None,
        "partial": functools.partial(plain),
        "endpoint class": View,
        "websocket endpoint": Socket,
        "bound method": Methods().method,
        "class method": Methods.of_class,
        "static method": Methods.static,
        "asgi app": StaticFiles(check_dir=False),
    }


@pytest.mark.parametrize("kind", fresh_endpoints())
@pytest.mark.parametrize("declared", [POLICY, no_cors], ids=["cors", "no_cors"])
def test_the_same_object_comes_back_with_the_policy_on_it(kind: str, declared: Any) -> None:
    endpoint = fresh_endpoints()[kind]
    assert policy_of(endpoint) is None
    decorate = no_cors if declared is no_cors else cors(POLICY)
    assert decorate(endpoint) is endpoint
    assert policy_of(endpoint) is declared


def test_arguments_make_the_policy() -> None:
    @cors(origins="https://a.example")
    def endpoint() -> None: ...

    assert policy_of(endpoint) == POLICY


def test_a_partial_has_the_policy_of_its_function_unless_it_has_its_own() -> None:
    decorated = cors(POLICY)(lambda: None)
    inherits = functools.partial(functools.partial(decorated))
    assert policy_of(inherits) is POLICY
    assert policy_of(cors(OTHER)(functools.partial(decorated))) is OTHER
    assert policy_of(decorated) is POLICY


def test_a_wrapper_that_keeps_the_attributes_keeps_the_policy() -> None:
    decorated = cors(POLICY)(lambda: None)

    @functools.wraps(decorated)
    def wrapper() -> None: ...

    assert policy_of(wrapper) is POLICY


class Views:
    @cors(POLICY)
    def decorated(self) -> None: ...

    def plain(self) -> None: ...


def test_a_method_decorated_in_its_class_speaks_for_every_instance() -> None:
    assert policy_of(Views().decorated) is POLICY


def test_a_bound_method_speaks_for_its_instance_alone() -> None:
    first, second, third = Views(), Views(), Views()
    cors(POLICY)(first.plain)
    cors(OTHER)(second.plain)
    no_cors(second.decorated)
    assert policy_of(first.plain) is POLICY
    assert policy_of(functools.partial(first.plain)) is POLICY
    assert policy_of(second.plain) is OTHER
    assert policy_of(second.decorated) is no_cors
    assert policy_of(third.plain) is None
    assert policy_of(first.decorated) is POLICY


def test_a_subclass_inherits_and_may_declare_its_own() -> None:
    @cors(POLICY)
    class Base(HTTPEndpoint): ...

    class Heir(Base): ...

    @no_cors
    class Closed(Base): ...

    assert policy_of(Heir) is POLICY
    assert policy_of(Closed) is no_cors
    assert policy_of(Base) is POLICY


def test_a_second_policy_on_the_same_object_is_refused_and_changes_nothing() -> None:
    endpoint = cors(POLICY)(lambda: None)
    assert cors(origins=["https://a.example"])(endpoint) is endpoint
    for decorate in (cors(OTHER), no_cors):
        with pytest.raises(
            ValueError, match=r"already has the policy CORSPolicy\(origins=\('https://a\.example',\)\)"
        ):
            decorate(endpoint)
    assert policy_of(endpoint) == POLICY
    views = Views()
    cors(POLICY)(views.plain)
    with pytest.raises(ValueError, match="already has the policy"):
        no_cors(views.plain)


def test_without_origins() -> None:
    with pytest.raises(TypeError, match=r"cors\(\) needs origins: write @cors\(origins="):
        cors()  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="needs origins"):
        cors(allow_credentials=True)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("argument", "instead"),
    [
        ("allow_origins", "write origins="),
        ("allow_methods", "write methods="),
        ("allow_origin_regex", "write origins=re.compile(...)"),
        (
            "allow_private_network",
            "browsers have dropped the headers of Private Network Access: remove it",
        ),
    ],
)
def test_an_argument_of_other_middleware_is_refused_with_what_to_write(argument: str, instead: str) -> None:
    untyped: Any = cors
    policy: Any = CORSPolicy
    calls: list[Callable[[], object]] = [
        lambda: untyped(**{argument: True}),
        lambda: untyped(origins="*", **{argument: True}),
        lambda: untyped(POLICY, **{argument: True}),
        lambda: policy(**{argument: True}),
        lambda: policy(origins="*", **{argument: True}),
        lambda: policy(origins="*").evolve(**{argument: True}),
    ]
    for call in calls:
        with pytest.raises(TypeError) as caught:
            call()
        assert str(caught.value) == f"a policy has no argument {argument}: {instead}"


@pytest.mark.parametrize("misused", [function, "https://a.example", ["https://a.example"], no_cors])
def test_something_else_in_the_place_of_the_policy(misused: Any) -> None:
    with pytest.raises(TypeError, match=r"write @cors\(origins="):
        cors(misused)


def test_a_policy_and_arguments() -> None:
    with pytest.raises(TypeError, match=r"write cors\(policy\.evolve\(max_age=\.\.\.\)\)"):
        cors(POLICY, max_age=5)  # type: ignore[call-overload]


def test_unknown_argument() -> None:
    with pytest.raises(TypeError, match="allow_origins"):
        cors(origins="*", allow_origins="*")  # type: ignore[call-overload]


def test_an_unsound_policy_is_refused_before_anything_is_decorated() -> None:
    with pytest.raises(CORSConfigError):
        cors(origins="*", allow_credentials=True)


@pytest.mark.parametrize("endpoint", [print, len, object.__repr__])
def test_what_takes_no_attributes_cannot_carry_a_policy(endpoint: Any) -> None:
    with pytest.raises(TypeError, match=r"cannot have attributes.*functools\.partial"):
        cors(POLICY)(endpoint)
    assert policy_of(cors(POLICY)(functools.partial(endpoint))) is POLICY


@pytest.mark.parametrize("nonsense", [None, "handler", 3, POLICY])
def test_what_is_no_endpoint_cannot_carry_a_policy(nonsense: Any) -> None:
    with pytest.raises(TypeError, match="not on"):
        no_cors(nonsense)


@pytest.mark.parametrize("included", [APIRouter(), Route("/x", lambda: None), Mount("/m", routes=[])])
def test_what_is_included_hands_no_policy_on(included: Any) -> None:
    with pytest.raises(TypeError, match=r"cannot be attached to .*write CORSRouter\(cors=\.\.\.\)"):
        no_cors(included)


def test_whatever_else_goes_by_our_attributes_is_no_policy() -> None:
    assert policy_of(Mock()) is None
    assert policy_of(Mock().method) is None
    assert policy_of(None) is None


def test_no_cors_is_one() -> None:
    assert copy.deepcopy(no_cors) is no_cors
    assert pickle.loads(pickle.dumps(no_cors)) is no_cors  # noqa: S301 - our own bytes
    assert repr(no_cors) == "no_cors"
    assert "Close an endpoint" in (no_cors.__doc__ or "")
