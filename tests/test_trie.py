"""trie.py: the one way and all the ways, against a look at each trail by itself."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from route_cors.dispatch.trie import PARAMETER, REST, TAIL, Trie

Trail = tuple[str, ...]


def trie_of(trails: list[Trail]) -> Trie[int, object]:
    trie: Trie[int, object] = Trie()
    for number, trail in enumerate(trails):
        trie.add(trail, number)
    trie.seal()
    return trie


def goes_along(trail: Trail, path: str) -> bool:
    """Whether the path takes that trail, as far as steps can tell."""
    segments = path.split("/")
    for depth, step in enumerate(trail):
        if step == REST:
            return True
        if depth == len(segments):
            return False
        if step == TAIL:
            return True
        if not (segments[depth] if step == PARAMETER else segments[depth] == step):
            return False
    return len(segments) == len(trail)


def all_along(trails: list[Trail], path: str) -> set[int]:
    return {number for number, trail in enumerate(trails) if goes_along(trail, path)}


steps = st.lists(st.sampled_from(["a", "a", "b", "", PARAMETER, PARAMETER]), max_size=4)
trails = st.builds(
    lambda inner, last: ("", *inner, *last), steps, st.sampled_from([(), (), (), (TAIL,), (TAIL,), (REST,)])
)
# The empty path, paths without a slash in front, and those that are longer than any trail.
paths = st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=8).map("/".join)


@settings(max_examples=500)
@given(st.lists(trails, max_size=6), st.lists(paths, min_size=1, max_size=6))
def test_every_trail_that_a_path_can_take_is_found(declared: list[Trail], asked: list[str]) -> None:
    trie = trie_of(declared)
    for path in asked:
        found = trie.candidates(path)
        assert len(found) == len(set(found))
        assert set(found) >= all_along(declared, path)
        # A tail may turn out to have nothing to match, a rest what it likes.
        assert set(found) <= {
            number for number, trail in enumerate(declared) if goes_along((*trail[:-1], REST), path)
        } | all_along(declared, path)


@settings(max_examples=500)
@given(st.lists(trails, max_size=6), st.lists(paths, min_size=1, max_size=6))
def test_the_one_way_is_the_only_way(declared: list[Trail], asked: list[str]) -> None:
    trie = trie_of(declared)
    for path in asked:
        end = trie.end_of(path)
        if end.ends or end.inherited:
            assert {*end.ends, *end.inherited} == all_along(declared, path)
            assert not any(declared[number][-1] == REST for number in all_along(declared, path))


@pytest.mark.parametrize(
    ("declared", "path", "matching"),
    [
        ([("", "a", PARAMETER)], "/a/x", {0}),
        ([("", "a", PARAMETER)], "/a/", set()),
        ([("", "a", PARAMETER)], "/a/x/y", set()),
        # A literal beside a parameter, a collection beside its items
        ([("", "a", PARAMETER), ("", "a", "b")], "/a/x", {0}),
        ([("", "a", PARAMETER), ("", "a", "")], "/a/x", {0}),
        ([("", "a", PARAMETER), ("", "a")], "/a", {1}),
        # Two ways
        ([("", "a", PARAMETER), ("", "a", "b")], "/a/b", set()),
        ([("", PARAMETER), ("", REST)], "/x", set()),
        ([("", PARAMETER), ("", PARAMETER, REST)], "/x", set()),
        ([("", "a"), (REST,)], "/a", set()),
        # Behind a catch-all
        ([("", "a", PARAMETER), ("", TAIL)], "/a/x", {0, 1}),
        ([("", "a", PARAMETER), ("", TAIL)], "/b/x/y/z", {1}),
        ([("", "a", TAIL), ("", TAIL)], "/a/", {0, 1}),
        ([("", "a", TAIL), ("", TAIL)], "/a", {1}),
        # A rest elsewhere is no hindrance
        ([("", "a", PARAMETER), ("", "b", REST)], "/a/x", {0}),
    ],
)
def test_what_the_one_way_is_enough_for(declared: list[Trail], path: str, matching: set[int]) -> None:
    end = trie_of(declared).end_of(path)
    assert {*end.ends, *end.inherited} == matching


def test_a_trie_of_nothing() -> None:
    trie = trie_of([])
    assert trie.candidates("/a") == []
    end = trie.end_of("/a/b")
    assert (end.ends, end.inherited) == ([], [])
