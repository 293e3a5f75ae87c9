"""CORSPolicy: declared, validated and compiled once.

Each rule for policies is one function, named after what it refuses. Rules about one argument are in its
`read_…` function (arguments.py); rules about several arguments are in the table `_RULES`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator  # noqa: TC003 - who reads the hints needs them
from typing import Any, Final, NoReturn, ParamSpec, TypedDict, Unpack, final

from route_cors.arguments import (
    read_flag,
    read_header_names,
    read_max_age,
    read_methods,
    read_origins,
)
from route_cors.errors import CORSConfigError, Problem, corrections
from route_cors.origin_set import OriginSet
from route_cors.origins import ANY_ORIGIN, DeclaredOrigin, OriginItem, Origins, parse_origin
from route_cors.regexes import can_match_http, origin_of_anyone, origin_under_suffix
from route_cors.suffixes import suffix_below

_Arguments = ParamSpec("_Arguments")


def check_names(arguments: Iterable[str]) -> None:
    """Raise a `TypeError` that says what to write, if one of these is not called so here."""
    for name in arguments:
        if name not in PolicyArguments.__optional_keys__:
            corrections().refuse_argument(name)


def _naming_the_argument_to_write(init: Callable[_Arguments, None]) -> Callable[_Arguments, None]:
    @functools.wraps(init)
    def checked(*args: _Arguments.args, **arguments: _Arguments.kwargs) -> None:
        check_names(arguments)
        init(*args, **arguments)

    return checked


class OtherArguments(TypedDict, total=False):
    """The arguments of `CORSPolicy` beside `origins`."""

    methods: Iterable[str] | None
    allow_headers: str | Iterable[str]
    expose_headers: str | Iterable[str]
    allow_credentials: bool
    max_age: int | None
    enforce: bool | None
    dangerously_allow_insecure_origins: bool
    dangerously_allow_public_suffixes: bool


class PolicyArguments(OtherArguments, total=False):
    """The arguments of `evolve`: those of `CORSPolicy`, all optional."""

    origins: Origins


@final
class CORSPolicy:
    """A CORS policy: which origins may do what. Immutable and hashable.

    Two policies are equal if they mean the same: the order of origins, methods and header names, repetitions
    and the case of header names do not matter.

    Args:
        origins: one of these, or any iterable of them. `"*"`: any origin. An origin, as browsers send it:
            `"https://a.example"`, or a pydantic URL. An origin pattern: `"https://*.a.example"`, one or more
            labels; `"http://localhost:*"`, any port or none. A compiled regex, which must match the whole
            origin. A callable `(origin: str, connection: HTTPConnection) -> bool`, or the async form of it.
            A `LiveOrigins`, whose members change while the app runs. An empty iterable allows no origin.
        methods: the methods that other origins may use, which restrict those of the route and never add any.
            None: the methods of the route, or any if they are not known (an app without routes, a 404).
        allow_headers: names of request-headers that other origins may set. Accept, Accept-Language,
            Content-Language and Content-Type are always allowed. `"*"`: any; without credentials,
            Authorization has to be listed as well.
        expose_headers: names of response headers that other origins may read. `"*"`: any. Names that the
            endpoint itself writes under Access-Control-Expose-Headers are added.
        allow_credentials: whether browsers may send cookies and HTTP authentication, and let scripts read
            the response.
        max_age: for how many seconds browsers may cache a preflight, 0 to 86400. With None no header is sent,
            and browsers cache it for 5 seconds.
        enforce: True: a request that a browser sends for a page of another origin, which is not allowed, gets
            a 403 before the endpoint runs, instead of a response that the page cannot read; with
            `origins="*"`, only if it has cookies or HTTP authentication. False: such requests run. None: as
            `install_cors(app, enforce=...)` says.
        dangerously_allow_insecure_origins: allows credentials with `http://` origins other than localhost and
            loopback addresses. Anyone on the network can impersonate them.
        dangerously_allow_public_suffixes: allows credentials with a wildcard under which there is a public
            suffix: `https://*.github.io`, `https://*.amazonaws.com`. Anyone can register a name there.

    Attributes:
        origins, methods, allow_headers, expose_headers: as sorted tuples without repetitions; methods may
            be None. All other arguments unchanged.
        origin_set: the origins, compiled.

    Raises:
        CORSConfigError: with every problem, where the policy is declared.

    The rules for credentials are those of
    https://fetch.spec.whatwg.org/#cors-protocol-and-credentials

    >>> CORSPolicy(origins=["https://b.example", "https://a.example"], methods=["get"])
    CORSPolicy(origins=('https://a.example', 'https://b.example'), methods=('GET',))
    >>> CORSPolicy(origins="*", allow_credentials=True)
    Traceback (most recent call last):
    ...
    route_cors.errors.CORSConfigError: 1 problem in a CORS policy:
      origins: '*': with credentials every site could act as the user: name the origins to allow
    """

    __slots__ = ("_key", "origin_set", *PolicyArguments.__optional_keys__)

    origins: tuple[OriginItem, ...]
    methods: tuple[str, ...] | None
    allow_headers: tuple[str, ...]
    expose_headers: tuple[str, ...]
    allow_credentials: bool
    max_age: int | None
    enforce: bool | None
    dangerously_allow_insecure_origins: bool
    dangerously_allow_public_suffixes: bool
    origin_set: OriginSet
    _key: tuple[object, ...]

    @_naming_the_argument_to_write
    def __init__(
        self,
        *,
        origins: Origins,
        methods: Iterable[str] | None = None,
        allow_headers: str | Iterable[str] = (),
        expose_headers: str | Iterable[str] = (),
        allow_credentials: bool = False,
        max_age: int | None = 600,
        enforce: bool | None = None,
        dangerously_allow_insecure_origins: bool = False,
        dangerously_allow_public_suffixes: bool = False,
    ) -> None:
        problems: list[Problem] = []
        arguments: dict[str, object] = {
            "origins": read_origins(origins, problems),
            "methods": read_methods(methods, problems),
            "allow_headers": read_header_names("allow_headers", allow_headers, problems),
            "expose_headers": read_header_names("expose_headers", expose_headers, problems),
            "max_age": read_max_age(max_age, problems),
            "enforce": None if enforce is None else read_flag("enforce", enforce, problems, " or None"),
        }
        flags = {
            "allow_credentials": allow_credentials,
            "dangerously_allow_insecure_origins": dangerously_allow_insecure_origins,
            "dangerously_allow_public_suffixes": dangerously_allow_public_suffixes,
        }
        arguments |= {name: read_flag(name, flag, problems) for name, flag in flags.items()}
        # In their normal form, without the parts that have a problem.
        for name, value in arguments.items():
            object.__setattr__(self, name, value)
        problems.extend(problem for rule in _RULES for problem in rule(self))
        if problems:
            raise CORSConfigError(problems)
        insecure_regexes = dangerously_allow_insecure_origins or not allow_credentials
        compiled = OriginSet.compile(
            self.origins,
            insecure_regexes=insecure_regexes,
            public_suffixes=dangerously_allow_public_suffixes or not allow_credentials,
        )
        object.__setattr__(self, "origin_set", compiled)
        object.__setattr__(self, "_key", self._meaning())

    @property
    def matches_anyone(self) -> bool:
        """Whether one of its regexes matches origins that anyone can register."""
        return any(origin_of_anyone(regex) is not None for regex in _regexes(self))

    def evolve(self, **changes: Unpack[PolicyArguments]) -> CORSPolicy:
        """A copy with some arguments changed, validated as a whole.

        Args:
            **changes: arguments of `CORSPolicy`.

        Raises:
            CORSConfigError: if the changed policy has problems.
            TypeError: if there is no such argument.

        >>> CORSPolicy(origins="https://a.example").evolve(max_age=0)
        CORSPolicy(origins=('https://a.example',), max_age=0)
        """
        arguments = self._arguments()
        arguments.update(changes)
        return CORSPolicy(**arguments)

    def _arguments(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _ARGUMENTS}

    def _meaning(self) -> tuple[object, ...]:
        """Equal for policies that mean the same."""
        as_compared = {
            "origins": frozenset(self.origins),
            "allow_headers": tuple(map(str.lower, self.allow_headers)),
            "expose_headers": tuple(map(str.lower, self.expose_headers)),
        }
        return tuple((self._arguments() | as_compared).values())

    def __repr__(self) -> str:
        shown = [
            f"{name}={value!r}"
            for name, value in self._arguments().items()
            if value != _ARGUMENTS[name].default
        ]
        return f"CORSPolicy({', '.join(shown)})"

    def __eq__(self, other: object) -> bool:
        return self._key == other._key if isinstance(other, CORSPolicy) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._key)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a CORSPolicy is immutable: use evolve({name}=...) for a changed copy")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a CORSPolicy is immutable: {name} cannot be deleted")

    def __copy__(self) -> CORSPolicy:
        return self

    def __deepcopy__(self, memo: object) -> CORSPolicy:
        return self

    @classmethod
    def __get_pydantic_core_schema__(cls, source: object, handler: object) -> Any:
        # By its name: pydantic is loaded for those who use it, and what it does with policies stands on them.
        return importlib.import_module("route_cors.settings").policy_schema(handler)

    def __reduce__(self) -> tuple[Callable[[dict[str, Any]], CORSPolicy], tuple[dict[str, Any]]]:
        # By its arguments and not by its slots: an unpickled policy is validated and compiled again.
        return _from_arguments, (self._arguments(),)


_ARGUMENTS: Final = inspect.signature(CORSPolicy).parameters


def _from_arguments(arguments: dict[str, Any]) -> CORSPolicy:
    return CORSPolicy(**arguments)


# Rules about several arguments


def _parsed_origins(policy: CORSPolicy) -> Iterator[tuple[str, DeclaredOrigin]]:
    for item in policy.origins:
        if isinstance(item, str) and item != ANY_ORIGIN:
            yield item, parse_origin(item)


def _regexes(policy: CORSPolicy) -> Iterator[re.Pattern[str]]:
    return (item for item in policy.origins if isinstance(item, re.Pattern))


def _refuse_any_origin_beside_others(policy: CORSPolicy) -> Iterator[Problem]:
    if ANY_ORIGIN in policy.origins and len(policy.origins) > 1:
        yield Problem(
            "origins", ANY_ORIGIN, "allows every origin: leave out the other origins, or leave out this one"
        )


def _refuse_any_origin_with_credentials(policy: CORSPolicy) -> Iterator[Problem]:
    if not policy.allow_credentials:
        return
    if ANY_ORIGIN in policy.origins:
        reason = "with credentials every site could act as the user: name the origins to allow"
        yield Problem("origins", ANY_ORIGIN, reason)
    for regex in _regexes(policy):
        origin = origin_of_anyone(regex)
        if origin is not None:
            reason = (
                f"matches origins that anyone can register, such as {origin}: with credentials they could act"
                " as the user; name the origins, or end it with a domain of your own:"
                r" r'https://[a-z0-9-]+\.example\.com'"
            )
            yield Problem("origins", regex, reason)


def _refuse_insecure_origins_with_credentials(policy: CORSPolicy) -> Iterator[Problem]:
    if not policy.allow_credentials or policy.dangerously_allow_insecure_origins:
        return
    for text, origin in _parsed_origins(policy):
        if origin.is_insecure:
            reason = (
                "http with credentials: anyone on the network can act as the user; use https, or set"
                " dangerously_allow_insecure_origins"
            )
            yield Problem("origins", text, reason, corrections().secured(origin))
    for regex in _regexes(policy):
        if can_match_http(regex):
            reason = (
                "matches http origins (https? does), which anyone on the network can impersonate to act as"
                " the user; write https, and 'http://localhost:*' by itself, or set"
                " dangerously_allow_insecure_origins"
            )
            yield Problem("origins", regex, reason, corrections().fixed_regex(regex))


def _refuse_public_suffixes_with_credentials(policy: CORSPolicy) -> Iterator[Problem]:
    if not policy.allow_credentials or policy.dangerously_allow_public_suffixes:
        return
    for text, origin in _parsed_origins(policy):
        suffix = suffix_below(origin.host) if origin.subdomains else None
        if suffix is not None:
            yield Problem("origins", text, _OF_A_SUFFIX.format(suffix))
    for regex in _regexes(policy):
        named = None if origin_of_anyone(regex) else origin_under_suffix(regex)
        if named is not None:
            yield Problem("origins", regex, f"matches {named[0]}: {_OF_A_SUFFIX.format(named[1])}")


_OF_A_SUFFIX: Final = (
    "anyone can register a name under {}, a public suffix, and act as the user with credentials; name the"
    " origins, or set dangerously_allow_public_suffixes"
)


def _refuse_any_exposed_header_with_credentials(policy: CORSPolicy) -> Iterator[Problem]:
    if policy.allow_credentials and "*" in policy.expose_headers:
        reason = 'with credentials browsers read "*" as a header name: name the headers to expose'
        yield Problem("expose_headers", "*", reason)


_RULES: Final[tuple[Callable[[CORSPolicy], Iterator[Problem]], ...]] = (
    _refuse_any_origin_beside_others,
    _refuse_any_origin_with_credentials,
    _refuse_insecure_origins_with_credentials,
    _refuse_public_suffixes_with_credentials,
    _refuse_any_exposed_header_with_credentials,
)
