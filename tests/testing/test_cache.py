"""The preflight cache, with a clock that is set by hand."""

from __future__ import annotations

import pytest

from route_cors.testing.cache import DEFAULT_MAX_AGE, CacheEntry, CacheKey, PreflightCache
from route_cors.testing.engines import STANDARD

from .machine import Clock

A = "https://a.example"
URL = "https://api.example/x"
PLAIN = CacheKey(A, URL, credentials=False)
WITH_CREDENTIALS = CacheKey(A, URL, credentials=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> PreflightCache:
    return PreflightCache(clock)


def test_the_limits_are_those_of_the_standard_and_of_chromium() -> None:
    assert (DEFAULT_MAX_AGE, STANDARD.longest_max_age) == (5, 7200)


def test_a_new_cache_knows_nothing(cache: PreflightCache) -> None:
    assert cache.entries == ()
    assert len(cache) == 0
    assert not cache.knows_method(PLAIN, "PUT")
    assert not cache.knows_header(PLAIN, "x-token")


def test_each_method_and_each_header_name_is_an_entry(cache: PreflightCache, clock: Clock) -> None:
    clock.now = 7.0
    cache.store(PLAIN, ["PUT", "DELETE"], ["x-token"], 60)
    assert cache.entries == (
        CacheEntry(A, URL, False, "PUT", None, 60, 7.0),
        CacheEntry(A, URL, False, "DELETE", None, 60, 7.0),
        CacheEntry(A, URL, False, None, "x-token", 60, 7.0),
    )
    assert len(cache) == 3


def test_what_was_granted_is_known_and_nothing_else(cache: PreflightCache) -> None:
    cache.store(PLAIN, ["PUT"], ["x-token"], 60)
    assert cache.knows_method(PLAIN, "PUT")
    assert cache.knows_header(PLAIN, "x-token")
    for method in ("DELETE", "put", "x-token", "*"):
        assert not cache.knows_method(PLAIN, method)
    for name in ("x-other", "PUT", "put", "*"):
        assert not cache.knows_header(PLAIN, name)


@pytest.mark.parametrize(
    "other",
    [
        CacheKey("https://b.example", URL, credentials=False),
        CacheKey("null", URL, credentials=False),
        CacheKey(A, "https://api.example/y", credentials=False),
        CacheKey(A, "https://api.example/x?", credentials=False),
        CacheKey(URL, A, credentials=False),
    ],
)
def test_an_entry_is_for_one_origin_and_one_url(cache: PreflightCache, other: CacheKey) -> None:
    cache.store(PLAIN, ["PUT"], ["x-token"], 60)
    assert not cache.knows_method(other, "PUT")
    assert not cache.knows_header(other, "x-token")
    cache.store(other, ["PUT"], ["x-token"], 60)
    assert len(cache) == 4


def test_an_entry_for_credentials_serves_requests_without_them(cache: PreflightCache) -> None:
    cache.store(WITH_CREDENTIALS, ["PUT"], ["x-token"], 60)
    assert cache.knows_method(WITH_CREDENTIALS, "PUT")
    assert cache.knows_method(PLAIN, "PUT")
    assert cache.knows_header(WITH_CREDENTIALS, "x-token")
    assert cache.knows_header(PLAIN, "x-token")


def test_an_entry_without_credentials_does_not_serve_requests_with_them(cache: PreflightCache) -> None:
    cache.store(PLAIN, ["PUT"], ["x-token"], 60)
    assert not cache.knows_method(WITH_CREDENTIALS, "PUT")
    assert not cache.knows_header(WITH_CREDENTIALS, "x-token")


def test_an_asterisk_stands_for_every_method(cache: PreflightCache) -> None:
    cache.store(PLAIN, ["*"], [], 60)
    assert cache.knows_method(PLAIN, "PUT")
    assert cache.knows_method(PLAIN, "anything")
    assert not cache.knows_header(PLAIN, "x-token")


def test_an_asterisk_stands_for_every_header_but_authorization(cache: PreflightCache) -> None:
    cache.store(PLAIN, [], ["*"], 60)
    assert cache.knows_header(PLAIN, "x-token")
    assert not cache.knows_header(PLAIN, "authorization")
    assert not cache.knows_method(PLAIN, "PUT")
    cache.store(PLAIN, [], ["authorization"], 60)
    assert cache.knows_header(PLAIN, "authorization")
    assert len(cache) == 2


def test_an_entry_holds_until_its_last_second_is_over(cache: PreflightCache, clock: Clock) -> None:
    clock.now = 100.0
    cache.store(PLAIN, ["PUT"], [], 60)
    clock.now = 159.999
    assert cache.knows_method(PLAIN, "PUT")
    clock.now = 160.0
    assert not cache.knows_method(PLAIN, "PUT")
    assert cache.entries == ()


def test_no_seconds_are_not_long_enough_for_anything(cache: PreflightCache) -> None:
    cache.store(PLAIN, ["PUT"], ["x-token"], 0)
    assert not cache.knows_method(PLAIN, "PUT")
    assert not cache.knows_header(PLAIN, "x-token")
    assert len(cache) == 0


def test_entries_age_each_by_itself(cache: PreflightCache, clock: Clock) -> None:
    cache.store(PLAIN, ["PUT"], [], 10)
    clock.now = 5.0
    cache.store(PLAIN, ["DELETE"], ["x-token"], 10)
    clock.now = 10.0
    assert not cache.knows_method(PLAIN, "PUT")
    assert cache.knows_method(PLAIN, "DELETE")
    assert cache.knows_header(PLAIN, "x-token")


def test_a_new_answer_renews_what_it_grants_again(cache: PreflightCache, clock: Clock) -> None:
    cache.store(PLAIN, ["PUT", "DELETE"], ["x-token", "x-other"], 10)
    clock.now = 8.0
    cache.store(PLAIN, ["PUT"], ["x-token"], 20)
    assert len(cache) == 4
    clock.now = 27.0
    assert [entry.method or entry.header_name for entry in cache.entries] == ["PUT", "x-token"]
    clock.now = 28.0
    assert len(cache) == 0


def test_a_new_answer_may_end_it_too(cache: PreflightCache) -> None:
    cache.store(PLAIN, ["PUT"], ["x-token"], 60)
    cache.store(PLAIN, ["PUT"], ["x-token"], 0)
    assert len(cache) == 0


def test_what_an_asterisk_covers_renews_the_asterisk(cache: PreflightCache, clock: Clock) -> None:
    cache.store(PLAIN, ["*"], ["*"], 10)
    clock.now = 8.0
    cache.store(PLAIN, ["PUT"], ["x-token"], 10)
    assert [(entry.method, entry.header_name) for entry in cache.entries] == [("*", None), (None, "*")]
    clock.now = 17.0
    assert cache.knows_method(PLAIN, "DELETE")
    assert cache.knows_header(PLAIN, "x-other")


def test_an_asterisk_beside_a_name_is_one_more_entry(cache: PreflightCache) -> None:
    cache.store(PLAIN, ["PUT"], ["x-token"], 10)
    cache.store(PLAIN, ["*"], ["*"], 10)
    assert len(cache) == 4


def test_all_entries_that_match_are_renewed(cache: PreflightCache, clock: Clock) -> None:
    cache.store(PLAIN, ["PUT"], [], 10)
    cache.store(WITH_CREDENTIALS, ["PUT"], [], 10)
    clock.now = 8.0
    cache.store(PLAIN, ["PUT"], [], 10)
    assert {(entry.credentials, entry.stored_at) for entry in cache.entries} == {(False, 8.0), (True, 8.0)}


def test_a_grant_without_credentials_is_no_renewal_for_those_with_them(cache: PreflightCache) -> None:
    cache.store(PLAIN, ["PUT"], [], 10)
    cache.store(WITH_CREDENTIALS, ["PUT"], [], 10)
    assert {entry.credentials for entry in cache.entries} == {False, True}


@pytest.mark.parametrize("max_age", [0, 60])
def test_a_name_that_is_listed_twice_is_one_entry(cache: PreflightCache, max_age: int) -> None:
    cache.store(PLAIN, ["PUT", "PUT"], ["x-token", "x-token"], max_age)
    assert len(cache) == (2 if max_age else 0)


def test_a_url_is_forgotten_for_one_origin(cache: PreflightCache) -> None:
    other_url = CacheKey(A, "https://api.example/y", credentials=False)
    other_origin = CacheKey("https://b.example", URL, credentials=False)
    for key in (PLAIN, WITH_CREDENTIALS, other_url, other_origin):
        cache.store(key, ["PUT"], ["x-token"], 60)
    cache.forget(A, URL)
    assert not cache.knows_method(PLAIN, "PUT")
    assert not cache.knows_header(WITH_CREDENTIALS, "x-token")
    assert cache.knows_method(other_url, "PUT")
    assert cache.knows_method(other_origin, "PUT")


def test_everything_is_forgotten(cache: PreflightCache) -> None:
    cache.store(PLAIN, ["PUT"], ["x-token"], 60)
    cache.clear()
    assert cache.entries == ()
