"""policy.py: every refusal, with its value and fix; the normal form; a policy as a value."""

from __future__ import annotations

import ast
import copy
import functools
import json
import pickle
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.arguments import MAX_MAX_AGE
from route_cors.errors import CORSConfigError, Problem
from route_cors.insight.describe import origins_in_words
from route_cors.policy import CORSPolicy, PolicyArguments

if TYPE_CHECKING:
    from collections.abc import Iterator

A = "https://a.example"
B = "https://b.example"

# For what type checkers would refuse before it runs.
UNTYPED: Any = CORSPolicy


FULL: dict[str, Any] = {
    "origins": [A, "https://*.b.example"],
    "methods": ["GET", "PUT"],
    "allow_headers": ["X-A", "X-B"],
    "expose_headers": ["ETag", "X-Id"],
    "allow_credentials": True,
    "max_age": 60,
    "enforce": True,
    "dangerously_allow_insecure_origins": True,
    "dangerously_allow_public_suffixes": True,
}
DIFFERENT: dict[str, Any] = {
    "origins": [A],
    "methods": ["GET"],
    "allow_headers": ["X-A"],
    "expose_headers": ["ETag"],
    "allow_credentials": False,
    "max_age": 61,
    "enforce": None,
    "dangerously_allow_insecure_origins": False,
    "dangerously_allow_public_suffixes": False,
}


def problems_of(**arguments: Any) -> tuple[Problem, ...]:
    with pytest.raises(CORSConfigError) as raised:
        UNTYPED(**{"origins": A} | arguments)
    return raised.value.problems


def the_problem_of(**arguments: Any) -> Problem:
    (problem,) = problems_of(**arguments)
    return problem


def allow(origin: str, connection: object) -> bool:
    return True


async def allow_later(origin: str, connection: object) -> bool:
    return True


class Allowing:
    def __call__(self, origin: str, connection: object) -> bool:
        return True

    def method(self, origin: str, connection: object) -> bool:
        return True


@dataclass
class Unhashable(Allowing):
    pass


# Normal form


def test_the_defaults() -> None:
    policy = CORSPolicy(origins=A)
    assert policy.origins == (A,)
    assert policy.methods is None
    assert policy.allow_headers == ()
    assert policy.expose_headers == ()
    assert policy.allow_credentials is False
    assert policy.max_age == 600
    assert policy.enforce is None
    assert policy.dangerously_allow_insecure_origins is False
    assert policy.dangerously_allow_public_suffixes is False
    assert policy.origin_set.exact == {A.encode()}


def test_arguments_become_attributes() -> None:
    policy = CORSPolicy(
        origins=[B, A, B],
        methods=["put", "GET", "PATCH", "get"],
        allow_headers=["x-b", "X-A", "X-B"],
        expose_headers=("ETag", "etag", "X-Id"),
        allow_credentials=True,
        max_age=None,
        enforce=True,
        dangerously_allow_insecure_origins=True,
        dangerously_allow_public_suffixes=True,
    )
    assert policy.origins == (A, B)
    assert policy.methods == ("GET", "PATCH", "PUT")
    assert policy.allow_headers == ("X-A", "x-b")
    assert policy.expose_headers == ("ETag", "X-Id")
    assert policy.allow_credentials is True
    assert policy.max_age is None
    assert policy.enforce is True
    assert policy.dangerously_allow_insecure_origins is True
    assert policy.dangerously_allow_public_suffixes is True


def generate(*items: Any) -> Iterator[Any]:
    yield from items


@pytest.mark.parametrize(
    "make", [list, tuple, set, frozenset, iter, dict.fromkeys, lambda items: generate(*items)]
)
def test_any_iterable_will_do(make: Any) -> None:
    names = ["X-A", "X-B"]
    policy = CORSPolicy(
        origins=make([B, A]),
        methods=make(["PUT", "GET"]),
        allow_headers=make(names),
        expose_headers=make(names),
    )
    assert policy.origins == (A, B)
    assert policy.methods == ("GET", "PUT")
    assert policy.allow_headers == policy.expose_headers == ("X-A", "X-B")


REGEX = re.compile(r"https://[a-z]+\.a\.example")


@pytest.mark.parametrize(
    "item",
    [
        *("*", A, "https://*.a.example:*", REGEX, allow, allow_later, Allowing(), Allowing().method),
        *(functools.partial(allow), lambda origin, connection: True, lambda *arguments: True, max),
    ],
)
def test_every_kind_of_origin_alone_and_in_a_list(item: Any) -> None:
    assert CORSPolicy(origins=item).origins == (item,)
    assert CORSPolicy(origins=[item]).origins == (item,)


def test_kinds_of_origins_may_be_mixed() -> None:
    policy = CORSPolicy(origins=[allow, REGEX, B, allow_later, A])
    assert policy.origins == (A, B, REGEX, allow, allow_later)
    assert policy.origin_set.exact == {A.encode(), B.encode()}
    assert policy.origin_set.regexes == (REGEX,)
    assert policy.origin_set.callables == (allow, allow_later)


@pytest.mark.parametrize("names", ["*", ["*"], ("*", "*")])
def test_the_wildcard_of_names(names: Any) -> None:
    assert CORSPolicy(origins=A, allow_headers=names).allow_headers == ("*",)
    assert CORSPolicy(origins=A, expose_headers=names).expose_headers == ("*",)


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_authorization_may_stand_beside_the_wildcard(name: str) -> None:
    assert CORSPolicy(origins=A, allow_headers=["*", name]).allow_headers == ("*", name)


def test_any_request_header_may_be_allowed_with_credentials() -> None:
    assert CORSPolicy(origins=A, allow_headers="*", allow_credentials=True).allow_headers == ("*",)


@pytest.mark.parametrize("max_age", [0, 1, 600, 86400, None])
def test_max_age_within_its_range(max_age: int | None) -> None:
    assert CORSPolicy(origins=A, max_age=max_age).max_age == max_age


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PATCH", "QUERY", "M-SEARCH"])
def test_methods(method: str) -> None:
    assert CORSPolicy(origins=A, methods=[method]).methods == (method,)


# Refusals of one argument


def test_origins_have_no_default() -> None:
    with pytest.raises(TypeError, match="origins"):
        UNTYPED()


def test_arguments_are_keyword_only() -> None:
    with pytest.raises(TypeError, match="positional"):
        UNTYPED("*")


class NotCallable:
    pass


NOT_CALLABLE = NotCallable()
BYTES_REGEX = re.compile(rb"https://a\.example")
UNHASHABLE = Unhashable()


def one_argument(origin: str) -> bool:
    return True


def three_arguments(origin: str, connection: object, more: object) -> bool:
    return True


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (b"https://a.example", "bytes: write a str"),
        (3, "not a str, a compiled regex or a callable"),
        (None, "not a str, a compiled regex or a callable"),
        (True, "not a str, a compiled regex or a callable"),
        (NOT_CALLABLE, "not a str, a compiled regex or a callable"),
        (BYTES_REGEX, "a bytes regex"),
        (Allowing, "a class"),
        (str, "a class"),
        (one_argument, "two arguments"),
        (three_arguments, "two arguments"),
        (UNHASHABLE, "hashed"),
    ],
)
def test_what_is_no_origin(item: Any, reason: str) -> None:
    for origins in (item, [item]):
        problem = the_problem_of(origins=origins)
        assert (problem.field, problem.value, problem.fix) == ("origins", item, None)
        assert reason in problem.reason


def test_a_list_in_a_list_is_no_origin() -> None:
    assert the_problem_of(origins=[[A]]).value == [A]


@pytest.mark.parametrize("origins", [[], (), set(), {}])
@pytest.mark.parametrize("credentials", [False, True])
def test_no_origins_at_all_allow_nobody(origins: Any, *, credentials: bool) -> None:
    policy = CORSPolicy(origins=origins, allow_credentials=credentials)
    assert policy.origins == ()
    assert policy == CORSPolicy(origins=[], allow_credentials=credentials)
    assert not policy.origin_set.matches(A.encode())
    assert not policy.origin_set.matches(b"null")
    assert origins_in_words(policy) == "no origin"


def test_the_grammar_of_origins_is_that_of_the_origins_module() -> None:
    assert [(problem.value, problem.fix) for problem in problems_of(origins=[f"{A}/", B, "null"])] == [
        (f"{A}/", A),
        ("null", None),
    ]


@pytest.mark.parametrize(
    ("methods", "value", "reason", "fix"),
    [
        ("GET", "GET", "a bare string", '["GET"]'),
        ("get, patch", "get, patch", "a bare string", '["GET", "PATCH"]'),
        ("GET TRACE", "GET TRACE", "a bare string", None),
        ("*", "*", "a bare string", None),
        ("", "", "a bare string", None),
        (b"GET", b"GET", "not an iterable of strings", None),
        (3, 3, "not an iterable of strings", None),
        ([], [], "no methods", None),
        (["*"], "*", "only restrict", None),
        ([b"GET"], b"GET", "not a str", None),
        ([None], None, "not a str", None),
        (["G ET"], "G ET", "RFC 9110", None),
        ([""], "", "RFC 9110", None),
        (["GET\n"], "GET\n", "RFC 9110", "GET"),
        ([" patch"], " patch", "RFC 9110", "PATCH"),
        (["ß"], "ß", "RFC 9110", None),
        (["TRACE"], "TRACE", "forbidden method", None),
        (["track"], "track", "forbidden method", None),
        (["Connect"], "Connect", "forbidden method", None),
        (["patch"], "patch", "as written", "PATCH"),
        (["Query"], "Query", "as written", "QUERY"),
    ],
)
def test_methods_that_are_refused(methods: Any, value: object, reason: str, fix: str | None) -> None:
    problem = the_problem_of(methods=methods)
    assert (problem.field, problem.value, problem.fix) == ("methods", value, fix)
    assert reason in problem.reason


NAMES_REFUSED = [
    ("X-Token", "X-Token", "a bare string", '["X-Token"]'),
    ("X-A, x-b:", "X-A, x-b:", "a bare string", '["X-A", "x-b"]'),
    ("X-A, Ü", "X-A, Ü", "a bare string", None),
    ("*, X-A", "*, X-A", "a bare string", None),
    ("", "", "a bare string", None),
    (b"X-A", b"X-A", "not an iterable of strings", None),
    (None, None, "not an iterable of strings", None),
    ([3], 3, "not a str", None),
    ([b"X-A"], b"X-A", "not a str", None),
    (["X A"], "X A", "RFC 9110", None),
    ([""], "", "RFC 9110", None),
    (["X-A\n"], "X-A\n", "RFC 9110", "X-A"),
    (["X-A:"], "X-A:", "RFC 9110", "X-A"),
    (["X-Ü"], "X-Ü", "RFC 9110", None),
    (["X-*"], "X-*", "only wildcard", None),
    (["*", "X-A"], "*", "allows every name: leave out X-A", None),
]


@pytest.mark.parametrize("field", ["allow_headers", "expose_headers"])
@pytest.mark.parametrize(("names", "value", "reason", "fix"), NAMES_REFUSED)
def test_names_that_are_refused(field: str, names: Any, value: object, reason: str, fix: str | None) -> None:
    problem = the_problem_of(**{field: names})
    assert (problem.field, problem.value, problem.fix) == (field, value, fix)
    assert reason in problem.reason


@pytest.mark.parametrize(
    ("field", "name", "reason"),
    [
        ("allow_headers", "Cookie", "forbidden request-header"),
        ("allow_headers", "Origin", "forbidden request-header"),
        ("allow_headers", "Sec-Fetch-Mode", "forbidden request-header"),
        ("allow_headers", "proxy-x", "forbidden request-header"),
        ("expose_headers", "Set-Cookie", "forbidden response-header name"),
        ("expose_headers", "set-cookie2", "forbidden response-header name"),
    ],
)
def test_forbidden_names(field: str, name: str, reason: str) -> None:
    problem = the_problem_of(**{field: [name, "X-A"]})
    assert (problem.field, problem.value, problem.fix) == (field, name, None)
    assert reason in problem.reason


def test_a_name_is_forbidden_in_its_own_direction_only() -> None:
    assert CORSPolicy(origins=A, expose_headers=["Date", "Via"]).expose_headers == ("Date", "Via")


def test_authorization_is_not_exposed_by_name_beside_the_wildcard() -> None:
    assert the_problem_of(expose_headers=["*", "Authorization"]).value == "*"


def test_a_bare_string_of_wildcard_and_authorization_is_fixed() -> None:
    assert the_problem_of(allow_headers="*, Authorization").fix == '["*", "Authorization"]'


@pytest.mark.parametrize(
    ("max_age", "reason", "fix"),
    [
        (-1, "not between 0 and 86400", "0"),
        (86401, "not between 0 and 86400", "86400"),
        (True, "(an int)", None),
        (False, "(an int)", None),
        (600.0, "(an int)", None),
        ("600", "(an int)", None),
    ],
)
def test_max_age_that_is_refused(max_age: Any, reason: str, fix: str | None) -> None:
    problem = the_problem_of(max_age=max_age)
    assert (problem.field, problem.value, problem.fix) == ("max_age", max_age, fix)
    assert reason in problem.reason


FLAGS = [
    "allow_credentials",
    "dangerously_allow_insecure_origins",
    "dangerously_allow_public_suffixes",
]


@pytest.mark.parametrize("flag", FLAGS)
@pytest.mark.parametrize("value", [1, 0, "yes", "", None])
def test_flags_are_bools(flag: str, value: Any) -> None:
    problem = the_problem_of(**{flag: value})
    assert (problem.field, problem.value) == (flag, value)
    assert "not True or False" in problem.reason


@pytest.mark.parametrize("value", [1, 0, "yes", ""])
def test_enforce_is_a_bool_or_none(value: Any) -> None:
    problem = the_problem_of(enforce=value)
    assert (problem.field, problem.value, problem.reason) == ("enforce", value, "not True or False or None")


# Refusals of several arguments together


@pytest.mark.parametrize("other", [A, REGEX, allow])
def test_any_origin_beside_others(other: Any) -> None:
    problem = the_problem_of(origins=["*", other])
    assert (problem.field, problem.value) == ("origins", "*")
    assert "leave out the other origins" in problem.reason


def test_any_origin_with_credentials() -> None:
    problem = the_problem_of(origins="*", allow_credentials=True)
    assert (problem.field, problem.value, problem.fix) == ("origins", "*", None)
    assert problem.reason == "with credentials every site could act as the user: name the origins to allow"


REGEXES_FOR_ANYONE = [
    r".*",
    r"(?s).*",
    r".+",
    r"https://.*",
    r"https://.+\.com",
    r"https://[^.]+\.(com|net)",
    r"https://\w+\.\w+",
    r"https://[a-z]+\.io",
    r"https://.*:8443",
    r"https://([a-z0-9-]+\.)+[a-z]{2,}(:\d+)?",
    r"https://\d+\.\d+\.\d+\.\d+",
    r"https://\[.*\]",
    r"https://www\..*",
    r"chrome-extension://[a-p]{32}",
    r"(?i)HTTPS://.*\.XYZ",
]


@pytest.mark.parametrize("pattern", REGEXES_FOR_ANYONE)
def test_regexes_that_mean_any_origin(pattern: str) -> None:
    regex = re.compile(pattern)
    problem = the_problem_of(origins=[A, regex], allow_credentials=True)
    assert (problem.field, problem.value, problem.fix) == ("origins", regex, None)
    assert "origins that anyone can register, such as" in problem.reason
    named = re.search(r"such as (\S+): ", problem.reason)
    assert named is not None
    assert regex.fullmatch(named[1])
    CORSPolicy(origins=regex)


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://[a-z0-9-]+\.a\.example",
        r"https://pr-\d+--app\.netlify\.app",
        r"https://(a|b)\.com",
        r"https://[a-z]+",
        r"https://.*\.mycompany\.com",
        r"moz-extension://[0-9a-f-]{36}",
        r"https\://a\.example",
        r"http://localhost(:\d+)?|https://a\.example",
        r"http:\/\/localhost:\d+",
        r"http://127\.0\.0\.1:\d+",
        r"http://127.0.0.1",
        r"http://\[::1\]:\d+",
        r"https://httpbin\.example",
        r"(?:https|chrome-extension)://a\.example",
        r"(https)://a\.example",
        r"(?i)https://A\.EXAMPLE",
    ],
)
def test_regexes_that_are_fine_with_credentials(pattern: str) -> None:
    regex = re.compile(pattern)
    policy = CORSPolicy(origins=regex, allow_credentials=True)
    assert policy.origins == (regex,)


HTTPS = r"https://a\.example"


@pytest.mark.parametrize(
    ("pattern", "fixed"),
    [
        (r"https?://a\.example", HTTPS),
        (r"https{0,1}://a\.example", HTTPS),
        (r"http(s)?://a\.example", HTTPS),
        (r"http[s]?://a\.example", HTTPS),
        (r"(http|https)://a\.example", HTTPS),
        (r"(https|http)://a\.example", HTTPS),
        (r"^(?:https?):\/\/a\.example$", r"^https:\/\/a\.example$"),
        (r"http://a\.example", HTTPS),
        (r"http://[a-z]+\.localhost", r"https://[a-z]+\.localhost"),
        (r"http://.*\.a\.example", r"https://.*\.a\.example"),
        (r"HTTP://a\.example(?i:)", None),
        (r"https://a\.example|http://b\.example", r"https://a\.example|https://b\.example"),
        (r"http://localhost|http://a\.example", r"http://localhost|https://a\.example"),
        (
            r"https?://(localhost|a\.example)(:\d+)?",
            r"https://(localhost|a\.example)(:\d+)?",
        ),
        (r"https?://localhost\.a\.example", r"https://localhost\.a\.example"),
        (r"https?://(localhost|127\.0\.0\.1|0\.0\.0\.0)", r"https://(localhost|127\.0\.0\.1|0\.0\.0\.0)"),
        (r"httpb?://a\.example", None),
        (r"http.://a\.example", None),
        (r"http://128\.0\.0\.1", r"https://128\.0\.0\.1"),
        (r"http://1270\.example", r"https://1270\.example"),
    ],
)
def test_regexes_that_can_match_insecure_origins(pattern: str, fixed: str | None) -> None:
    regex = re.compile(pattern)
    problem = the_problem_of(origins=regex, allow_credentials=True)
    fix = None if fixed is None else f"re.compile({fixed!r})"
    assert (problem.field, problem.value, problem.fix) == ("origins", regex, fix)
    assert "dangerously_allow_insecure_origins" in problem.reason
    if fixed is not None:
        CORSPolicy(origins=re.compile(fixed), allow_credentials=True)
    CORSPolicy(origins=regex)
    CORSPolicy(origins=regex, allow_credentials=True, dangerously_allow_insecure_origins=True)


@pytest.mark.parametrize(
    "pattern",
    [
        r"^https?://(localhost|127\.0\.0\.1)(:\d+)?$",
        r"https?://(localhost|127\.0\.0\.1)(:[0-9]+)?",
        r"https?:\/\/(localhost|127\.0\.0\.1):\d+\Z",
        r"^http://(localhost|127\.0\.0\.1):(3000|5173)$",
        r"https?://localhost",
        r"^https?://(?:localhost|127\.0\.0\.1|\[::1\])(?::\d+)?$",
        r"^https?://(.*\.)?localhost(:\d+)?$",
        r"https?://(?:[a-z0-9-]+\.)*localhost:\d{1,5}",
        r"(http|https)://localhost(:\d+)?",
        r"http(s)?://localhost\:\d+",
        r"http[s]?://127\.\d+\.\d+\.\d+(:\d+)?",
        r"(https?)://(localhost)",
        r"^https?://(localhost|127\.0\.0\.1)(:\d+)?$|^https://[a-z]+\.a\.example$",
    ],
)
def test_regexes_of_this_machine_are_fine_with_credentials(pattern: str) -> None:
    policy = CORSPolicy(origins=re.compile(pattern), allow_credentials=True)
    for origin in (b"http://a.example", b"http://localhost.a.example", b"http://127.0.0.1.a.example:80"):
        assert not policy.origin_set.matches(origin)


@pytest.mark.parametrize(
    ("pattern", "suffix"),
    [
        (r"https://.*\.vercel\.app", "vercel.app"),
        (r"https://.*.vercel.app", "vercel.app"),
        (r"^https:\/\/[a-z0-9-]+\.vercel\.app$", "vercel.app"),
        (r"https://[a-z]{5}\.(netlify|vercel)\.app", "netlify.app"),
        (r"https://[0-9a-f]{8}\.(netlify\.app|pages\.dev)", "pages.dev"),
        (r"https://(\w+\-)?\w+\.herokuapp\.com", "herokuapp.com"),
        (r"https://.+\.co\.uk", None),
        (r"https://[a-z]+\.co\.nz(:\d+)?", "co.nz"),
        (r"https://[^.]+\.cloud", "cloud"),
        (r"https://.*\.amazonaws\.com", None),
        (r"https://[a-z0-9-]+\.core\.windows\.net", None),
        (r"https://([a-z0-9-]+\.)*core\.windows\.net", "blob.core.windows.net"),
        (r"(?i)https://.*\.GITHUB\.IO", "github.io"),
    ],
)
def test_regexes_of_a_public_suffix_are_refused_as_the_pattern_is(pattern: str, suffix: str | None) -> None:
    regex = re.compile(pattern)
    CORSPolicy(origins=regex)
    if pattern == r"https://[a-z0-9-]+\.core\.windows\.net":  # one label, which is Azure's to choose
        CORSPolicy(origins=regex, allow_credentials=True)
        return
    problem = the_problem_of(origins=regex, allow_credentials=True)
    assert (problem.field, problem.value, problem.fix) == ("origins", regex, None)
    named = re.search(r"https://[^ :]+", problem.reason)
    assert named is not None
    assert regex.fullmatch(named[0])
    if suffix is not None:
        assert f"under {suffix}, a public suffix" in problem.reason
        CORSPolicy(origins=regex, allow_credentials=True, dangerously_allow_public_suffixes=True)


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://[a-z0-9-]+\.my-app\.vercel\.app",
        r"https://my-app-[a-z0-9]+\.vercel\.app",
        r"https://(a|b)\.github\.io",
        r"https://.*\.mycompany\.co\.uk",
        r"https://.*\.mycompany\.com\.au",
        r"https://mybucket\.s3\.[a-z0-9-]+\.amazonaws\.com",
    ],
)
def test_regexes_of_names_of_ones_own_under_a_public_suffix(pattern: str) -> None:
    CORSPolicy(origins=re.compile(pattern), allow_credentials=True)


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize(
    ("pattern", "fixed"),
    [
        (r"https://([a-z]+)+\.example\.com", r"https://[a-z]+\.example\.com"),
        (r"https://([a-z0-9]+-?)+\.example\.com", None),
        (r"https://app-([a-z]+)*\.(?:[a-z]+)+\.example\.com", r"https://app-[a-z]+\.[a-z]+\.example\.com"),
        (r"http:(//((a)+)+)+x", None),
    ],
)
def test_regexes_that_take_too_long(pattern: str, fixed: str | None, *, credentials: bool) -> None:
    regex = re.compile(pattern)
    problem = the_problem_of(origins=[A, regex], allow_credentials=credentials)
    fix = None if fixed is None else f"re.compile({fixed!r})"
    assert (problem.field, problem.value, problem.fix) == ("origins", regex, fix)
    assert "takes far too long" in problem.reason
    if fixed is not None:
        CORSPolicy(origins=re.compile(fixed), allow_credentials=credentials)


@pytest.mark.parametrize(
    "pattern", [r"h[t]{2}ps?://a\.example", r"http://localhost.*", r"[a-z]+://a\.example"]
)
def test_insecure_origins_that_no_text_shows_are_not_matched(pattern: str) -> None:
    regex = re.compile(pattern)
    insecure = b"http://localhost.a.example" if "localhost" in pattern else b"http://a.example"
    guarded = CORSPolicy(origins=regex, allow_credentials=True)
    assert not guarded.origin_set.matches(insecure)
    assert CORSPolicy(origins=regex).origin_set.matches(insecure)
    assert guarded.evolve(dangerously_allow_insecure_origins=True).origin_set.matches(insecure)
    assert guarded.origin_set.matches(
        b"http://localhost:3000" if "localhost" in pattern else b"https://a.example"
    )


@pytest.mark.parametrize(
    ("origin", "fix"),
    [
        ("http://a.example", "https://a.example"),
        ("http://a.example:8080", None),
        ("http://a.example:*", None),
        ("http://*.a.example", "https://*.a.example"),
        ("http://10.0.0.1", "https://10.0.0.1"),
        ("http://128.0.0.1", "https://128.0.0.1"),
        ("http://[::2]", "https://[::2]"),
        ("http://localhost.example", "https://localhost.example"),
    ],
)
def test_insecure_origins_with_credentials(origin: str, fix: str | None) -> None:
    problem = the_problem_of(origins=[A, origin], allow_credentials=True)
    assert (problem.field, problem.value, problem.fix) == ("origins", origin, fix)
    assert "dangerously_allow_insecure_origins" in problem.reason
    CORSPolicy(origins=origin)
    CORSPolicy(origins=origin, allow_credentials=True, dangerously_allow_insecure_origins=True)


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        "http://localhost:*",
        "http://*.localhost:3000",
        "http://a.localhost",
        "http://127.8.9.1",
        "http://[::1]:3000",
        "capacitor://localhost",
        "https://*.localhost",
    ],
)
def test_this_machine_is_secure(origin: str) -> None:
    assert CORSPolicy(origins=origin, allow_credentials=True).origins == (origin,)


@pytest.mark.parametrize(
    "suffix",
    [
        "com",
        "co.uk",
        "github.io",
        "vercel.app",
        "kobe.jp",
        "ck",
        "compute.amazonaws.com",
        "xn--p1ai",
        "unheardof",
    ],
)
def test_public_suffixes_with_credentials(suffix: str) -> None:
    for origin in (f"https://*.{suffix}", f"https://*.{suffix}:*"):
        problem = the_problem_of(origins=[A, origin], allow_credentials=True)
        assert (problem.field, problem.value, problem.fix) == ("origins", origin, None)
        assert suffix in problem.reason
        assert "dangerously_allow_public_suffixes" in problem.reason
        CORSPolicy(origins=origin)
        CORSPolicy(origins=origin, allow_credentials=True, dangerously_allow_public_suffixes=True)


@pytest.mark.parametrize(
    ("origin", "suffix"),
    [
        ("https://*.amazonaws.com", "s3.amazonaws.com"),
        ("https://*.core.windows.net:*", "web.core.windows.net"),
        ("https://*.windows.net", "web.core.windows.net"),
    ],
)
def test_public_suffixes_below_a_wildcard_with_credentials(origin: str, suffix: str) -> None:
    problem = the_problem_of(origins=[A, origin], allow_credentials=True)
    assert (problem.field, problem.value, problem.fix) == ("origins", origin, None)
    assert f"under {suffix}, a public suffix" in problem.reason
    CORSPolicy(origins=origin)
    CORSPolicy(origins=origin, allow_credentials=True, dangerously_allow_public_suffixes=True)


@pytest.mark.parametrize(
    "origin", ["https://*.me.github.io", "https://*.a.co.uk", "https://github.io", "https://com:*"]
)
def test_what_is_no_wildcard_directly_under_a_public_suffix(origin: str) -> None:
    assert CORSPolicy(origins=origin, allow_credentials=True).origins == (origin,)


def test_an_insecure_public_suffix_has_two_problems_and_no_fix() -> None:
    insecure, public = problems_of(origins="http://*.github.io", allow_credentials=True)
    assert "anyone on the network" in insecure.reason
    assert "public suffix" in public.reason
    assert insecure.fix is None


def test_any_header_exposed_with_credentials() -> None:
    problem = the_problem_of(expose_headers="*", allow_credentials=True)
    assert (problem.field, problem.value, problem.fix) == ("expose_headers", "*", None)
    assert "credentials" in problem.reason


def test_all_problems_of_all_arguments_are_raised_at_once() -> None:
    problems = problems_of(
        origins=["null", "http://a.example", "https://*.com", 3],
        methods=["TRACE", "patch"],
        allow_headers=["Cookie", "X A"],
        expose_headers=["*", "Set-Cookie"],
        allow_credentials=True,
        max_age=-1,
        enforce=1,
    )
    assert [(problem.field, problem.value) for problem in problems] == [
        ("origins", "null"),
        ("origins", 3),
        ("methods", "TRACE"),
        ("methods", "patch"),
        ("allow_headers", "Cookie"),
        ("allow_headers", "X A"),
        ("expose_headers", "Set-Cookie"),
        ("max_age", -1),
        ("enforce", 1),
        ("origins", "http://a.example"),
        ("origins", "https://*.com"),
        ("expose_headers", "*"),
    ]


texts = st.one_of(
    st.text(max_size=8), st.sampled_from(["get", "patch", "X-A:", "*", "TRACE", "Cookie", "a, b", "GET\t"])
)
whatever = st.one_of(
    texts, st.none(), st.integers(), st.booleans(), st.binary(max_size=3), st.lists(texts, max_size=3)
)


def problems_or_none(**arguments: Any) -> tuple[Problem, ...]:
    try:
        CORSPolicy(**arguments)
    except CORSConfigError as error:
        return error.problems
    return ()


others = dict.fromkeys(DIFFERENT.keys() - {"origins"}, whatever)


@given(st.fixed_dictionaries({"origins": whatever}, optional=others))
def test_whatever_is_declared_is_a_policy_or_has_problems(arguments: dict[str, Any]) -> None:
    problems = problems_or_none(**arguments)
    assert {problem.field for problem in problems} <= arguments.keys()
    if not problems:
        assert CORSPolicy(**arguments) == CORSPolicy(**arguments)


@given(
    st.sampled_from(["methods", "allow_headers", "expose_headers"]),
    st.one_of(texts, st.lists(texts, min_size=1)),
)
def test_fixes_are_valid(field: str, value: Any) -> None:
    for problem in problems_or_none(**{"origins": A, field: value}):
        if problem.fix is not None:
            fix = ast.literal_eval(problem.fix) if problem.fix.startswith("[") else [problem.fix]
            assert problems_or_none(**{"origins": A, field: fix}) == ()


# A policy as a value


@pytest.mark.parametrize(
    "same",
    [
        {"origins": ["https://*.b.example", A, A]},
        {"methods": ["put", "GET", "GET"]},
        {"allow_headers": ["x-b", "X-A", "x-a"]},
        {"expose_headers": {"etag", "X-ID"}},
    ],
)
def test_policies_that_say_the_same_are_equal(same: dict[str, Any]) -> None:
    assert CORSPolicy(**FULL) == UNTYPED(**FULL | same)
    assert hash(CORSPolicy(**FULL)) == hash(UNTYPED(**FULL | same))


@pytest.mark.parametrize("field", DIFFERENT)
def test_policies_that_differ_in_one_argument_are_not_equal(field: str) -> None:
    assert DIFFERENT.keys() == FULL.keys()
    assert CORSPolicy(**FULL) != UNTYPED(**FULL | {field: DIFFERENT[field]})


def test_no_methods_given_is_not_all_methods_given() -> None:
    assert CORSPolicy(origins=A) != CORSPolicy(origins=A, methods=["GET", "HEAD", "POST"])


def test_a_policy_equals_nothing_else() -> None:
    assert CORSPolicy(origins=A) != A
    assert CORSPolicy(origins=A).__eq__(A) is NotImplemented


def test_equal_regexes_and_callables_make_equal_policies() -> None:
    instance = Allowing()
    first = CORSPolicy(origins=[allow, instance.method, re.compile(REGEX.pattern)])
    second = CORSPolicy(origins=[re.compile(REGEX.pattern), instance.method, allow])
    assert first == second
    assert hash(first) == hash(second)
    assert first != CORSPolicy(origins=[allow, Allowing().method, REGEX])
    assert CORSPolicy(origins=REGEX) != CORSPolicy(origins=re.compile(REGEX.pattern, re.IGNORECASE))


@pytest.mark.parametrize("name", [*FULL, "origin_set", "_key", "anything"])
def test_a_policy_is_immutable(name: str) -> None:
    policy = CORSPolicy(**FULL)
    before = repr(policy)
    with pytest.raises(AttributeError, match="immutable"):
        setattr(policy, name, "*")
    with pytest.raises(AttributeError, match="immutable"):
        delattr(policy, name)
    assert repr(policy) == before
    assert not hasattr(policy, "__dict__")


def test_what_it_was_made_from_may_change_afterwards() -> None:
    origins, names = [A], ["X-A"]
    policy = CORSPolicy(origins=origins, allow_headers=names)
    origins.append(B)
    names.append("X-B")
    assert policy == CORSPolicy(origins=A, allow_headers=["X-A"])
    assert not policy.origin_set.matches(B.encode())


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"origins": "*"}, "CORSPolicy(origins=('*',))"),
        ({"origins": [B, A]}, f"CORSPolicy(origins=('{A}', '{B}'))"),
        ({"origins": A, "max_age": 600}, f"CORSPolicy(origins=('{A}',))"),
        ({"origins": A, "max_age": None}, f"CORSPolicy(origins=('{A}',), max_age=None)"),
        ({"origins": A, "methods": ["get"]}, f"CORSPolicy(origins=('{A}',), methods=('GET',))"),
        ({"origins": A, "allow_headers": "*"}, f"CORSPolicy(origins=('{A}',), allow_headers=('*',))"),
        ({"origins": A, "enforce": True}, f"CORSPolicy(origins=('{A}',), enforce=True)"),
    ],
)
def test_the_repr_shows_what_differs_from_the_defaults(arguments: dict[str, Any], text: str) -> None:
    assert repr(CORSPolicy(**arguments)) == text


@pytest.mark.parametrize("arguments", [FULL, {"origins": [REGEX, A]}, {"origins": "*"}])
def test_the_repr_evaluates_back(arguments: dict[str, Any]) -> None:
    policy = CORSPolicy(**arguments)
    assert eval(repr(policy), {"CORSPolicy": CORSPolicy, "re": re}) == policy  # noqa: S307


@pytest.mark.parametrize(
    "arguments", [FULL, {"origins": [REGEX, allow, A]}, {"origins": "*", "max_age": None}]
)
def test_a_policy_can_be_copied_and_pickled(arguments: dict[str, Any]) -> None:
    policy = CORSPolicy(**arguments)
    if allow not in policy.origins:  # this module has no name that pickle could find, in whatever import mode
        arrived = pickle.loads(pickle.dumps(policy))  # noqa: S301
        assert arrived is not policy
        assert arrived == policy
        assert hash(arrived) == hash(policy)
        assert arrived.origin_set == policy.origin_set
    assert copy.copy(policy) is policy
    assert copy.deepcopy([policy]) == [policy]


def test_what_is_unpickled_is_validated() -> None:
    pickled = pickle.dumps(CORSPolicy(origins=A), protocol=0)
    with pytest.raises(CORSConfigError):
        pickle.loads(pickled.replace(A.encode(), b"https://A.example"))  # noqa: S301


def test_evolve_changes_a_copy() -> None:
    policy = CORSPolicy(**FULL)
    evolved = policy.evolve(origins=B, max_age=None)
    assert evolved == UNTYPED(**FULL | {"origins": B, "max_age": None})
    assert evolved.origin_set.matches(B.encode())
    assert not evolved.origin_set.matches(A.encode())
    assert policy == CORSPolicy(**FULL)
    assert policy.evolve() == policy


def test_evolve_validates_the_whole() -> None:
    with pytest.raises(CORSConfigError) as raised:
        CORSPolicy(origins="*").evolve(allow_credentials=True)
    assert [problem.field for problem in raised.value.problems] == ["origins"]


@pytest.mark.parametrize("name", ["origin", "origin_set", "_key"])
def test_evolve_knows_no_other_names(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        UNTYPED(origins=A).evolve(**{name: A})


def test_the_typed_arguments_are_those_of_the_class() -> None:
    hints = get_type_hints(CORSPolicy.__init__, localns={"HTTPConnection": object})
    del hints["return"]
    assert get_type_hints(PolicyArguments, localns={"HTTPConnection": object}) == hints
    assert MAX_MAX_AGE == 86400


# What is loaded when. In a process of its own: here, other tests have loaded everything.

LOADED = """
import importlib.util, json, sys, types
package = types.ModuleType("route_cors")  # not its __init__, which loads the frameworks
package.__path__ = list(importlib.util.find_spec("route_cors").submodule_search_locations)
sys.modules["route_cors"] = package
from route_cors.errors import CORSConfigError
from route_cors.policy import CORSPolicy
try:
    CORSPolicy(**json.loads(sys.argv[1]))
except CORSConfigError:
    pass
loaded = sys.modules.keys() & {
    *("fastapi", "idna", "publicsuffixlist", "route_cors.insight.corrections", "route_cors.insight.overview"),
    "starlette",
}
print(json.dumps(sorted(loaded)))
"""
CORRECTIONS = "route_cors.insight.corrections"


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        ({"origins": [A, "https://*.a.example"]}, []),
        ({"origins": [A, "http://localhost:*"], "allow_credentials": True}, []),
        (
            {
                "origins": "https://*.a.example",
                "allow_credentials": True,
                "dangerously_allow_public_suffixes": True,
            },
            [],
        ),
        ({"origins": [A, "https://*.a.example"], "allow_credentials": True}, ["publicsuffixlist"]),
        ({"origins": [A, "https://*.github.io"], "allow_credentials": True}, ["publicsuffixlist"]),
        ({"origins": A, "methods": ["get"], "allow_headers": ["X-A"], "expose_headers": ["X-A"]}, []),
        ({"origins": A, "max_age": -1}, []),
        ({"origins": "https://müller.example"}, ["idna", CORRECTIONS]),
        ({"origins": "a.example"}, [CORRECTIONS]),
        ({"origins": A, "methods": "GET"}, [CORRECTIONS]),
        ({"origins": A, "allow_headers": ["X-A:"]}, [CORRECTIONS]),
    ],
)
def test_what_is_costly_is_loaded_only_where_it_is_needed(
    arguments: dict[str, Any], loaded: list[str]
) -> None:
    program = [sys.executable, "-c", LOADED, json.dumps(arguments)]
    run = subprocess.run(program, capture_output=True, text=True, check=True)
    assert json.loads(run.stdout) == loaded


@pytest.mark.parametrize("name", ["Access-Control-Allow-Origin", "access-control-expose-headers"])
def test_response_headers_are_no_request_headers(name: str) -> None:
    problem = the_problem_of(allow_headers=["X-Token", name])
    assert (problem.field, problem.value) == ("allow_headers", name)
    assert problem.reason.startswith("a response header: ")
