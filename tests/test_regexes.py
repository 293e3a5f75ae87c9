"""regexes.py: regexes whose matching time explodes are found, wherever the cause is; others are not."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from route_cors.insight.corrections.regexes import fixed_regex
from route_cors.insight.corrections.spellings import as_code
from route_cors.origins import MAX_ORIGIN_BYTES
from route_cors.regexes import slow_origin

SLOW = [
    r"https://([a-z]+)+\.example\.com",
    r"https://([a-z0-9]+-?)+\.example\.com",
    r"https://(a|aa)+\.example\.com",
    r"https://(\w+\.?)+example\.com",
    r"https://(localhost|([a-z]+)+\.x)",
    r"https://localhost|https://([a-z]+)+\.x",
    r"https://(?=([a-z]+)+$)a",
    r"https://(?!([a-z]+)+:)a.*",
    r"https://(?!zz)([a-c]+)+\.x",
    r"https://[a-f]{8}-(x+x+)+y",
    r"https://(ab){3}-(x+x+)+y",
    r"(?P<scheme>https)://((a|b|ab)*)c",
    r"https://(([a-z]+)+)+x",
    r"https://(.*-)*x",
    r"https://([\w.-]+)+",
    r"https://(a|a|a|a|a)+x",
    r"https://(.*)(.*)(.*)(.*)x",
    r"(?i)^HTTPS://([A-Z]+)*\.example$",
    r"https://([^/.]+)+\.example\.com",
]
QUICK = [
    r"https://[a-z0-9-]+\.example\.com",
    r"https://([a-z0-9-]+\.)*example\.com",
    r"https?://(localhost|127\.0\.0\.1)(:\d+)?",
    r"https://.*\.example\.com",
    r"https://.*\.preview\..*\.example\.com",
    r"(?:)",
    r"",
    r".*",
    r"https://pr-\d{1,6}\.preview\.example\.(com|org)(:[0-9]+)?",
    r"^(?:https?:\/\/)?(?:[^.]+\.)?example\.com(\/.*)?$",
    r"https://[\u4e00-\u9fff]+\.example",
    r"https://(?P<a>[a-z]+)\.(?P=a)\.example",
    "|".join(rf"https://app{number}\.example\.com" for number in range(500)),
]


@pytest.mark.parametrize("pattern", SLOW)
def test_slow(pattern: str) -> None:
    origin = slow_origin(re.compile(pattern))
    assert origin is not None
    assert len(origin) <= MAX_ORIGIN_BYTES


@pytest.mark.parametrize("pattern", QUICK)
def test_quick(pattern: str) -> None:
    assert slow_origin(re.compile(pattern)) is None


def test_the_clock_of_the_machine_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """One slow measurement, for whatever reason, refuses nothing."""
    real, calls = time.thread_time, iter(range(10**9))

    def interrupted() -> float:
        # Every fourth measurement is charged with a second of something else.
        call = next(calls)
        return real() + (call // 8) + (call % 8 == 7)

    monkeypatch.setattr(time, "thread_time", interrupted)
    assert slow_origin(re.compile(r"https://[a-z]{2}\.interrupted\.example")) is None


parts = st.sampled_from(
    ["a", "b", "[a-z]", ".", r"\.", "-", "(", ")", "(?:", "|", "+", "*", "?", "{2}", "(?=", "$", r"\w"]
)


def compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:
        return None


@settings(deadline=None, max_examples=60)
@given(st.lists(parts, max_size=12).map("".join).map("https://{}".format).map(compiled).filter(bool))
def test_whatever_the_regex_it_is_answered_and_what_is_named_is_slow(regex: re.Pattern[str]) -> None:
    origin = slow_origin(regex)
    fix = fixed_regex(regex)
    if origin is not None:
        assert origin.startswith("https://"[: len(origin)]) or len(origin) <= MAX_ORIGIN_BYTES
    if fix is not None:
        fixed = eval(fix, {"re": re})  # noqa: S307
        assert slow_origin(fixed) is None
        assert fixed_regex(fixed) == fix


@pytest.mark.parametrize(
    ("regex", "code"),
    [
        (re.compile("a"), "re.compile('a')"),
        (re.compile("a", re.IGNORECASE), "re.compile('a', re.IGNORECASE)"),
        (re.compile(r"\.", re.IGNORECASE | re.DOTALL), r"re.compile('\\.', re.IGNORECASE|re.DOTALL)"),
    ],
)
def test_a_regex_as_code(regex: re.Pattern[str], code: str) -> None:
    assert as_code(regex) == code
    assert eval(code, {"re": re}) == regex  # noqa: S307


def test_a_regex_whose_fix_would_be_no_regex_has_none() -> None:
    # Without the group there is nothing left that \\1 could mean.
    assert fixed_regex(re.compile(r"https://([a-z]+)+\1\.example")) is None
