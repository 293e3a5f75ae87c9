"""errors.py: what a person reads, and that the error survives the ways in which errors travel."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

from route_cors.errors import CORSConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("max_age", -1, "too small"), "max_age: -1: too small"),
        (Problem("max_age", -1, "too small", "0"), "max_age: -1: too small; write 0 instead"),
        (
            Problem("methods", "patch", "as spelled", "PATCH"),
            "methods: 'patch': as spelled; write 'PATCH' instead",
        ),
        (Problem("methods", "GET", "bare", '["GET"]'), "methods: 'GET': bare; write [\"GET\"] instead"),
    ],
)
def test_a_problem_reads_as_a_sentence(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_a_fix_is_none_unless_given() -> None:
    assert Problem("origins", "", "empty").fix is None


def test_a_long_value_is_cut() -> None:
    text = str(Problem("origins", "https://" + "a" * 100_000, "long"))
    assert "https://aaa" in text
    assert len(text) < 200


def test_a_value_cannot_forge_lines() -> None:
    assert "\n" not in str(Problem("origins", "https://a.example\nINFO: all is well", "white space"))


def test_a_value_whose_repr_fails_does_not_hide_the_problem() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError

    assert str(Problem("origins", Broken(), "of no known kind")).endswith(": of no known kind")


def test_a_problem_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Problem("origins", "", "empty").reason = "fine"  # type: ignore[misc]


def test_the_message_holds_every_problem_on_a_line_of_its_own() -> None:
    error = CORSConfigError([Problem("origins", "", "empty"), Problem("max_age", -1, "too small", "0")])
    assert str(error).splitlines() == [
        "2 problems in a CORS policy:",
        "  origins: '': empty",
        "  max_age: -1: too small; write 0 instead",
    ]
    assert str(CORSConfigError(error.problems[:1])).startswith("1 problem in a CORS policy:")


def test_it_is_a_value_error_and_takes_any_iterable() -> None:
    error = CORSConfigError(problem for problem in [Problem("origins", "", "empty")])
    assert isinstance(error, ValueError)
    assert error.problems == (Problem("origins", "", "empty"),)


def by_pickle(error: CORSConfigError) -> object:
    return pickle.loads(pickle.dumps(error))  # noqa: S301 - of this very test


@pytest.mark.parametrize("travel", [copy.copy, copy.deepcopy, by_pickle])
def test_it_can_be_copied_and_pickled(travel: Callable[[CORSConfigError], object]) -> None:
    error = CORSConfigError([Problem("max_age", -1, "too small", "0")])
    arrived = travel(error)
    assert isinstance(arrived, CORSConfigError)
    assert arrived is not error
    assert arrived.problems == error.problems
    assert arrived.args == (error.problems,)
    assert str(arrived) == str(error)
