"""CORSPolicy: declared, validated and compiled once.

Each rule for policies is one function, named after what it refuses. Rules about one argument are in its
`_read_…` function; rules about several arguments are in the table `_RULES`.
"""

from __future__ import annotations

import functools
import importlib
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NoReturn, ParamSpec, TypedDict, Unpack, cast, final

from route_cors.errors import CORSConfigError, Problem, corrections
from route_cors.headers import (
    is_forbidden_method,
    is_forbidden_request_header,
    is_forbidden_response_header,
    is_token,
    normalize_method,
)
from route_cors.origins import (
    ANY_ORIGIN,
    DeclaredOrigin,
    LiveItem,
    OriginItem,
    Origins,
    OriginSet,
    parse_origin,
)
from route_cors.regexes import can_match_http, origin_of_anyone, origin_under_suffix, slow_origin
from route_cors.suffixes import suffix_below

MAX_MAX_AGE: Final = 86400
"""Seconds. No browser caches a preflight for longer: Firefox a day at most, Chromium two hours."""

_WILDCARD: Final = "*"


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
            "origins": _read_origins(origins, problems),
            "methods": _read_methods(methods, problems),
            "allow_headers": _read_header_names("allow_headers", allow_headers, problems),
            "expose_headers": _read_header_names("expose_headers", expose_headers, problems),
            "max_age": _read_max_age(max_age, problems),
            "enforce": None if enforce is None else _read_flag("enforce", enforce, problems, " or None"),
        }
        flags = {
            "allow_credentials": allow_credentials,
            "dangerously_allow_insecure_origins": dangerously_allow_insecure_origins,
            "dangerously_allow_public_suffixes": dangerously_allow_public_suffixes,
        }
        arguments |= {name: _read_flag(name, flag, problems) for name, flag in flags.items()}
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


# Reading one argument: its rules and its normal form


def _read_origins(value: object, problems: list[Problem]) -> tuple[OriginItem, ...]:
    items: list[Any] = [value] if _is_one_origin(value) else list(cast("Iterable[Any]", value))
    sound: dict[OriginItem, None] = {}
    for item in map(_without_url, items):
        found = _origin_item_problems(item)
        problems.extend(found)
        if not found:
            sound[item] = None
    return tuple(sorted(sound, key=_origin_order))


def _without_url(item: Any) -> Any:
    """A pydantic URL as an origin: its path is "/" where none was written."""
    return str(item).removesuffix("/") if hasattr(item, "unicode_string") else item


def _is_one_origin(value: object) -> bool:
    return isinstance(value, str | bytes) or callable(value) or not isinstance(value, Iterable)


def _origin_order(item: OriginItem) -> tuple[int, str, int]:
    """Strings, then regexes, then the others; callables stay in the order in which they are called."""
    if isinstance(item, str):
        return 0, item, 0
    if isinstance(item, re.Pattern):
        return 1, item.pattern, item.flags
    return 2, "", 0


def _origin_item_problems(item: object) -> tuple[Problem, ...]:
    if isinstance(item, str):
        return () if item == ANY_ORIGIN else _origin_text_problems(item)
    reason = _origin_type_fault(item)
    if reason is not None:
        return (Problem("origins", item, reason),)
    return _regex_problems(cast("re.Pattern[str]", item)) if isinstance(item, re.Pattern) else ()


def _origin_text_problems(text: str) -> tuple[Problem, ...]:
    try:
        parse_origin(text)
    except CORSConfigError as error:
        return error.problems
    return ()


def _regex_problems(regex: re.Pattern[str]) -> tuple[Problem, ...]:
    origin = slow_origin(regex)
    return () if origin is None else (corrections().slow_regex(regex, origin),)


def _origin_type_fault(item: object) -> str | None:
    match item:
        case re.Pattern(pattern=str()) | LiveItem():
            return None
        case re.Pattern():
            return "a bytes regex: compile a str"
        case bytes():
            return "bytes: write a str"
        case type():
            return (
                "a class: calling it creates an object, which counts as true; use a function or an instance"
            )
        case _ if callable(item):
            return _callable_fault(item)
        case _:
            return "not a str, a compiled regex or a callable, nor a LiveOrigins"


def _callable_fault(item: Callable[..., object]) -> str | None:
    try:
        hash(item)
    except TypeError:
        return "a callable that cannot be hashed: policies are compared and hashed by their origins"
    if not takes(item, "https://a.example", None):
        return "a callable that cannot be called with two arguments: (origin, connection)"
    return None


def takes(function: Callable[..., object], *arguments: object) -> bool:
    """Whether a function can be called with these arguments, as far as it says."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        return False
    except ValueError:  # some built-in callables have no signature
        return True
    return True


def _read_items(field: str, value: object, problems: list[Problem]) -> list[object]:
    """The items of an iterable; a bare string is an iterable of its letters."""
    if isinstance(value, str):
        fix = corrections().fixed_list(field, value)
        problems.append(Problem(field, value, "a bare string: write a list of strings", fix))
        return []
    if isinstance(value, bytes) or not isinstance(value, Iterable):
        problems.append(Problem(field, value, "not an iterable of strings"))
        return []
    return list(cast("Iterable[object]", value))


def _read_names(field: str, value: object, problems: list[Problem]) -> dict[str, str]:
    """The sound names, each under its lower-case form; the first of several that only differ in case."""
    sound: dict[str, str] = {}
    for item in _read_items(field, value, problems):
        if not isinstance(item, str):
            problems.append(Problem(field, item, "not a str"))
            continue
        reason = fault_of(field, item)
        if reason is None:
            sound.setdefault(item.lower(), item)
        else:
            problems.append(Problem(field, item, reason, corrections().fixed_name(field, item)))
    return sound


def fault_of(field: str, name: str) -> str | None:
    """What is wrong with a name, for `methods`, `allow_headers` or `expose_headers`."""
    return _method_fault(name) if field == "methods" else _header_fault(field, name)


def _read_methods(value: object, problems: list[Problem]) -> tuple[str, ...] | None:
    if value is None:
        return None
    before = len(problems)
    sound = _read_names("methods", value, problems)
    if not sound and len(problems) == before:
        problems.append(Problem("methods", value, "no methods: use None for the methods of the route"))
    return tuple(sorted(map(normalize_method, sound.values())))


def _method_fault(method: str) -> str | None:
    if method == _WILDCARD:
        return "methods only restrict those of the route: leave methods out to allow all of them"
    if not is_token(method):
        return "not a method: not a token (RFC 9110, section 5.6.2)"
    if is_forbidden_method(method):
        return "a forbidden method in the Fetch standard: no script can send it"
    if normalize_method(method) != method.upper():
        return "browsers send this method as written, but routes have methods in upper case"
    return None


def _read_header_names(field: str, value: object, problems: list[Problem]) -> tuple[str, ...]:
    if value == _WILDCARD:
        return (_WILDCARD,)
    sound = _read_names(field, value, problems)
    # Without credentials, * allows every name except Authorization:
    # https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
    beside_wildcard = sound.keys() - {_WILDCARD, "authorization" if field == "allow_headers" else _WILDCARD}
    if _WILDCARD in sound and beside_wildcard:
        reason = f"allows every name: leave out {', '.join(sorted(sound[name] for name in beside_wildcard))}"
        problems.append(Problem(field, _WILDCARD, reason))
    return tuple(sound[name] for name in sorted(sound))


_NEVER_NAMED: Final[tuple[tuple[str, Callable[[str], bool], str], ...]] = (
    (
        "allow_headers",
        is_forbidden_request_header,
        "a forbidden request-header in the Fetch standard: no script can set it",
    ),
    (
        "allow_headers",
        lambda name: name.lower().startswith("access-control-"),
        "a response header: route_cors writes it, and no script has to send it; leave it out",
    ),
    (
        "expose_headers",
        is_forbidden_response_header,
        "a forbidden response-header name in the Fetch standard: no script can read it",
    ),
)


def _header_fault(field: str, name: str) -> str | None:
    if name == _WILDCARD:
        return None
    if not is_token(name):
        return "not a header name: not a token (RFC 9110, section 5.6.2)"
    if _WILDCARD in name:
        return 'the only wildcard that browsers support is "*" by itself'
    return next((reason for of, holds, reason in _NEVER_NAMED if of == field and holds(name)), None)


def _read_max_age(value: object, problems: list[Problem]) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        problems.append(Problem("max_age", value, "not a number of seconds (an int) or None"))
        return None
    if 0 <= value <= MAX_MAX_AGE:
        return value
    nearest = 0 if value < 0 else MAX_MAX_AGE
    problems.append(Problem("max_age", value, f"not between 0 and {MAX_MAX_AGE} seconds", str(nearest)))
    return None


def _read_flag(name: str, value: object, problems: list[Problem], other: str = "") -> bool:
    if not isinstance(value, bool):
        problems.append(Problem(name, value, f"not True or False{other}"))
    return value is True


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
    if policy.allow_credentials and _WILDCARD in policy.expose_headers:
        reason = 'with credentials browsers read "*" as a header name: name the headers to expose'
        yield Problem("expose_headers", _WILDCARD, reason)


_RULES: Final[tuple[Callable[[CORSPolicy], Iterator[Problem]], ...]] = (
    _refuse_any_origin_beside_others,
    _refuse_any_origin_with_credentials,
    _refuse_insecure_origins_with_credentials,
    _refuse_public_suffixes_with_credentials,
    _refuse_any_exposed_header_with_credentials,
)
