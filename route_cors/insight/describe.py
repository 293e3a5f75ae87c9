"""A policy in words for people, and as JSON-compatible data for programs."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, TypedDict

from route_cors.decorators import NoCORS
from route_cors.origins import ANY_ORIGIN, LiveItem

if TYPE_CHECKING:
    from route_cors.decorators import Declared
    from route_cors.origins import OriginItem


class DescribedPolicy(TypedDict):
    """A policy as data. The keys are the arguments of `CORSPolicy`; `no_cors` is a policy without origins.

    An origin is written as it is, a regex as `regex: ` and its pattern, a callable as `callable: ` and its
    name, a `LiveOrigins` as `live: ` and its name, whatever its members are at the moment.
    """

    origins: list[str]
    methods: list[str] | None
    allow_headers: list[str]
    expose_headers: list[str]
    allow_credentials: bool
    max_age: int | None
    enforce: bool | None


def describe_policy(declared: Declared) -> DescribedPolicy:
    """The policy as JSON-compatible data; equal for equal policies.

    >>> from route_cors.policy import CORSPolicy
    >>> describe_policy(CORSPolicy(origins="https://a.example"))["origins"]
    ['https://a.example']
    """
    if isinstance(declared, NoCORS):
        return DescribedPolicy(
            origins=[],
            methods=None,
            allow_headers=[],
            expose_headers=[],
            allow_credentials=False,
            max_age=None,
            enforce=None,
        )
    return DescribedPolicy(
        origins=[*map(_origin_as_text, declared.origins)],
        methods=None if declared.methods is None else [*declared.methods],
        allow_headers=[*declared.allow_headers],
        expose_headers=[*declared.expose_headers],
        allow_credentials=declared.allow_credentials,
        max_age=declared.max_age,
        enforce=declared.enforce,
    )


def origins_in_words(declared: Declared | None) -> str:
    """The allowed origins, in a few words.

    >>> from route_cors.policy import CORSPolicy
    >>> origins_in_words(CORSPolicy(origins="*")), origins_in_words(None)
    ('any origin', 'no policy')
    """
    if declared is None:
        return "no policy"
    if isinstance(declared, NoCORS):
        return "closed (@no_cors)"
    if ANY_ORIGIN in declared.origins:
        return "any origin"
    if not declared.origins:
        return "no origin"
    return ", ".join(map(_origin_in_words, declared.origins))


def policy_in_words(declared: Declared | None) -> str:
    """The whole policy on one line, without what it does not grant.

    >>> from route_cors.policy import CORSPolicy
    >>> policy_in_words(CORSPolicy(origins="https://a.example", allow_credentials=True, max_age=0))
    'https://a.example; credentials; max age 0 s'
    """
    parts = [origins_in_words(declared)]
    if declared is None or isinstance(declared, NoCORS):
        return parts[0]
    if declared.allow_credentials:
        parts.append("credentials")
    if declared.methods is not None:
        parts.append(f"methods {', '.join(declared.methods)}")
    if declared.allow_headers:
        parts.append(f"headers {', '.join(declared.allow_headers)}")
    if declared.expose_headers:
        parts.append(f"exposes {', '.join(declared.expose_headers)}")
    if declared.max_age != _DEFAULT_MAX_AGE:
        parts.append("no max age" if declared.max_age is None else f"max age {declared.max_age} s")
    if declared.enforce is not None:
        parts.append("enforced" if declared.enforce else "not enforced")
    return "; ".join(parts)


_DEFAULT_MAX_AGE = 600


def _origin_in_words(item: OriginItem) -> str:
    text = _origin_as_text(item)
    return f"{text} ({len(item.origins)} now)" if isinstance(item, LiveItem) else text


def _origin_as_text(item: OriginItem) -> str:
    if isinstance(item, str):
        return item
    if isinstance(item, LiveItem):
        return f"live: {item.name}"
    return f"regex: {item.pattern}" if isinstance(item, re.Pattern) else f"callable: {name_of(item)}"


def name_of(thing: Any) -> str:
    """The full name of a function or class; of any other object, that of its class.

    >>> name_of(name_of), name_of(3)
    ('route_cors.insight.describe.name_of', 'int')
    """
    while isinstance(thing, functools.partial):
        thing = thing.func
    if not hasattr(thing, "__qualname__"):
        return name_of(type(thing))
    # A method of a built-in has no module.
    module: str = getattr(thing, "__module__", None) or "builtins"
    return thing.__qualname__ if module == "builtins" else f"{module}.{thing.__qualname__}"
