"""Text that is safe to look at."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.insight.printable import MAX_SHOWN, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("/items/{id}", "/items/{id}"),
        ("/Übersicht/日本/😀", "/Übersicht/日本/😀"),
        (r"regex: https://a\.example", r"regex: https://a\.example"),
        ("a\nb\r\t\x00\x7f", r"a\nb\r\t\x00\x7f"),
        ("\x1b]8;;https://evil.example\x07", r"\x1b]8;;https://evil.example\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("\u202e\u2066\u200f\ufeff", r"\u202e\u2066\u200f\ufeff"),
        ("\u2028\u2029\x85", r"\u2028\u2029\x85"),
        ("\ud800", r"\ud800"),
        ("\U000e0001", r"\U000e0001"),
    ],
)
def test_what_would_act_is_escaped(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_what_is_too_long_is_cut() -> None:
    assert printable("x" * MAX_SHOWN) == "x" * MAX_SHOWN
    assert printable("x" * (MAX_SHOWN + 1)) == "x" * MAX_SHOWN + "…"
    assert printable("abcdef", 3) == "abc…"


@given(st.text(alphabet=st.characters()))
def test_nothing_that_acts_is_left(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert printable(shown, 10**9) == shown
