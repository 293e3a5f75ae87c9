"""The readings of a dry run decide what the simulated browser decides, from the same headers."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.insight.dry_run.readings import (
    NOTHING,
    Asked,
    Reading,
    change_between,
    read_actual,
    read_preflight_answer,
)
from route_cors.testing import checks
from route_cors.testing.messages import Headers, ReceivedResponse
from route_cors.testing.safelist import SAFELISTED_RESPONSE_HEADERS

if TYPE_CHECKING:
    from route_cors.decisions import Change

ORIGIN: Final = "https://a.example"
_PREFIX: Final = "Access-Control-Allow-"
_values = st.sampled_from(
    (
        *("*", ORIGIN, f" {ORIGIN}\t", "https://b.example", "null", "", "true", "True", "PUT", "put, PUT"),
        *(
            "X-Token, ETag",
            "x-token,authorization",
            "*, Authorization",
            "a b",
            "ETag,,",
            "\xff",
            "Set-Cookie",
        ),
        *("Cache-Control", "X-Other"),
    )
)
_names = st.sampled_from(
    (
        *(f"{_PREFIX}Origin", f"{_PREFIX}Origin".lower(), f"{_PREFIX}Credentials", f"{_PREFIX}Methods"),
        *(f"{_PREFIX}Headers", "Access-Control-Expose-Headers", "Content-Type", "Vary"),
    )
)
_headers = st.lists(st.tuples(_names, _values), max_size=6)
_methods = st.sampled_from(("GET", "POST", "PUT", "put", "*"))
_asked_names = st.lists(st.sampled_from(("x-token", "authorization", "x-other", "*")), max_size=2).map(tuple)
MODES: Final = (False, True)


def _as_bytes(headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _passes(check: object, *arguments: object) -> bool:
    try:
        check(*arguments)  # type: ignore[operator]
    except checks.Refused:
        return False
    return True


@given(_headers)
def test_a_response_is_read_as_by_the_simulated_browser(headers: list[tuple[str, str]]) -> None:
    reading = read_actual(_as_bytes(headers), ORIGIN.encode())
    for credentials, why in zip(MODES, (reading.anonymous, reading.credentialed), strict=True):
        asked = checks.Asked(ORIGIN, include_credentials=credentials, method="GET", unsafe_names=())
        assert _passes(checks.check_cors, Headers(headers), asked) == (not why), why
    sent = Headers([*headers, *((name, "1") for name in ("x-token", "etag", "x-other", "set-cookie"))])
    for credentials in MODES:
        readable = {*checks.readable_headers(sent, include_credentials=credentials)}
        is_all = "*" in reading.exposed and not credentials
        exposed = {*sent} - {"set-cookie"} if is_all else reading.exposed
        assert readable - SAFELISTED_RESPONSE_HEADERS == (
            ({*exposed} & {*sent}) - SAFELISTED_RESPONSE_HEADERS
        )


@given(st.sampled_from((200, 204, 299, 199, 300, 307, 400, 403, 404, 500)), _headers, _methods, _asked_names)
def test_a_preflight_is_read_as_by_the_simulated_browser(
    status: int, headers: list[tuple[str, str]], method: str, names: tuple[str, ...]
) -> None:
    reading = read_preflight_answer(status, _as_bytes(headers), ORIGIN.encode(), Asked(method, names))
    received = ReceivedResponse(status, Headers(headers), b"")
    for credentials, why in zip(MODES, (reading.anonymous, reading.credentialed), strict=True):
        asked = checks.Asked(ORIGIN, include_credentials=credentials, method=method, unsafe_names=names)
        assert _passes(checks.check_preflight, received, asked) == (not why), why


@pytest.mark.parametrize(
    ("now", "then", "change"),
    [
        (Reading("", ""), Reading("", ""), ""),
        (Reading("", "no"), Reading("", "no"), ""),
        (NOTHING, NOTHING, ""),
        (NOTHING, Reading("", "no"), "gains"),
        (Reading("", "no"), Reading("", ""), "gains"),
        (Reading("", ""), Reading("", "no"), "loses"),
        (Reading("", "no"), NOTHING, "loses"),
        (Reading("", "", frozenset("a")), Reading("", "", frozenset("b")), "both"),
        (Reading("", "no", frozenset("a")), Reading("", "no", frozenset("ab")), "gains"),
        (Reading("", "no", frozenset("ab")), Reading("", "no", frozenset("a")), "loses"),
        (Reading("", "no", frozenset("*")), Reading("", "no", frozenset("a")), "loses"),
        (Reading("", "no", frozenset("a")), Reading("", "no", frozenset("*")), "gains"),
        # With credentials `*` exposes nothing.
        (Reading("", "", frozenset("*")), Reading("", "", frozenset("a")), "both"),
        (Reading("", "", frozenset("*")), Reading("", ""), "loses"),
        # More for pages with credentials, fewer names for all.
        (Reading("", "no", frozenset("a")), Reading("", ""), "both"),
        # Who can read nothing has no use for names.
        (Reading("no", "no", frozenset("a")), NOTHING, ""),
    ],
)
def test_what_changes(now: Reading, then: Reading, change: Change) -> None:
    assert change_between(now, then) == change


_READINGS: Final = [
    Reading(anonymous, credentialed, frozenset(exposed))
    for (anonymous, credentialed), exposed in itertools.product(
        (("", ""), ("", "no"), ("no", "no")), ("", "a", "b", "ab", "*", "*a")
    )
]


def test_the_way_back_is_the_opposite() -> None:
    opposite = {"": "", "both": "both", "gains": "loses", "loses": "gains"}
    for now, then in itertools.product(_READINGS, repeat=2):
        assert change_between(then, now) == opposite[change_between(now, then)]
