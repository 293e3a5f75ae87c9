"""suffixes.py: what is a public suffix, and what has one below it, held against the library's own answers."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.suffixes import (
    is_public_suffix,
    public_suffix_list,
    public_suffixes_by_ending,
    suffix_below,
)

SUFFIXES = sorted(suffix for suffixes in public_suffixes_by_ending().values() for suffix in suffixes)


@pytest.mark.parametrize(
    "host", ["com", "co.uk", "github.io", "kobe.jp", "ck", "compute.amazonaws.com", "xn--p1ai"]
)
def test_public_suffixes(host: str) -> None:
    assert is_public_suffix(host)
    assert suffix_below(host) == host


@pytest.mark.parametrize(
    ("host", "suffix"),
    [
        ("amazonaws.com", "s3.amazonaws.com"),
        ("core.windows.net", "web.core.windows.net"),
        ("windows.net", "web.core.windows.net"),
        # In Unicode on the list.
        ("xn--stfold-9xa.no", "xn--vler-qoa.xn--stfold-9xa.no"),
    ],
)
def test_hosts_with_public_suffixes_below(host: str, suffix: str) -> None:
    assert not is_public_suffix(host)
    assert suffix_below(host) == suffix


@pytest.mark.parametrize(
    "host",
    [
        "example.com",
        "a.github.io",
        "a.b.amazonaws.com.example",
        "ore.windows.net",
        "localhost",
        "a.localhost",
        "www.ck",
        "city.kobe.jp",
    ],
)
def test_hosts_without(host: str) -> None:
    assert not is_public_suffix(host)
    assert suffix_below(host) is None


def test_every_suffix_that_is_read_is_one_for_the_library() -> None:
    assert len(SUFFIXES) > 9000
    assert [suffix for suffix in SUFFIXES if re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)*", suffix) is None] == []
    assert [
        suffix for suffix in SUFFIXES if not suffix.isascii() or not public_suffix_list().is_public(suffix)
    ] == []


@given(st.sampled_from(SUFFIXES), st.integers(1, 4))
def test_every_name_above_a_suffix_has_one_below(suffix: str, count: int) -> None:
    host = ".".join(suffix.split(".")[-count:])
    found = suffix_below(host)
    assert found is not None
    assert found == host or found.endswith(f".{host}")
    assert public_suffix_list().is_public(found)


@given(st.sampled_from(SUFFIXES), st.sampled_from(["qzkvjwxhpt", "a"]))
def test_no_name_below_a_suffix_is_one_by_itself(suffix: str, label: str) -> None:
    host = f"{label}.{suffix}"
    found = suffix_below(host)
    if found is None:
        assert not public_suffix_list().is_public(host)
    else:
        assert found == host or found in SUFFIXES
