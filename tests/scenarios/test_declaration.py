"""Scenarios 4, 10, 11: what cannot work, or is not safe, is refused where it is declared."""

import re
from typing import Any

import pytest

from route_cors import CORSConfigError, CORSPolicy, cors

from .support import A

SAFE = CORSPolicy(origins=A)


@pytest.mark.parametrize(
    "origins",
    [
        "*",
        ["*"],
        re.compile(r".*"),
        re.compile(r"https://.*"),
        re.compile(r"https://[a-z0-9.-]+"),
        re.compile(r"https?://.+(:\d+)?"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "declare",
    [
        lambda origins: CORSPolicy(origins=origins, allow_credentials=True),
        lambda origins: cors(origins=origins, allow_credentials=True),
        lambda origins: SAFE.evolve(origins=origins, allow_credentials=True),
    ],
    ids=["CORSPolicy", "cors", "evolve"],
)
def test_04_any_origin_with_credentials_is_refused(declare: Any, origins: Any) -> None:
    with pytest.raises(CORSConfigError) as caught:
        declare(origins)
    assert {problem.field for problem in caught.value.problems} == {"origins"}
    assert any("credentials" in problem.reason for problem in caught.value.problems)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "pattern", ["https://*", "https://*:*", "*://a.example", "https://*.*", "https://*."]
)
def test_04_nor_is_there_a_pattern_that_means_any_origin(pattern: str) -> None:
    with pytest.raises(CORSConfigError) as caught:
        CORSPolicy(origins=pattern)
    assert [problem.value for problem in caught.value.problems] == [pattern] * len(caught.value.problems)


def test_04_credentials_with_named_origins_are_accepted() -> None:
    policy = CORSPolicy(origins=[A, "https://*.a.example", re.compile(r"https://pr-\d+\.a\.example")])
    assert policy.evolve(allow_credentials=True).allow_credentials


@pytest.mark.parametrize(
    ("origin", "fix"),
    [
        ("HTTPS://A.example:443/", "https://a.example"),
        ("HTTPS://A.example", "https://a.example"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("https://a.example/", "https://a.example"),
        ("http://localhost:3000/", "http://localhost:3000"),
        ("https://müller.example", "https://xn--mller-kva.example"),
    ],
)
def test_10_an_origin_in_another_spelling_is_refused_with_its_fix(origin: str, fix: str) -> None:
    with pytest.raises(CORSConfigError) as caught:
        CORSPolicy(origins=[origin])
    problems = caught.value.problems
    assert problems
    assert {(problem.field, problem.value, problem.fix) for problem in problems} == {("origins", origin, fix)}
    assert repr(fix) in str(caught.value)
    assert CORSPolicy(origins=[fix]).origins == (fix,)


def test_10_each_fault_of_it_is_named() -> None:
    with pytest.raises(CORSConfigError) as caught:
        cors(origins="HTTPS://A.example:443/")
    reasons = " ".join(problem.reason for problem in caught.value.problems)
    assert "trailing slash" in reasons
    assert "upper case" in reasons
    assert "default port" in reasons


@pytest.mark.parametrize(
    "origins",
    [
        "https://a.example,https://b.example",
        "https://a.example, https://b.example",
        ["https://a.example,https://b.example"],
    ],
    ids=str,
)
def test_11_a_comma_separated_string_is_refused(origins: Any) -> None:
    with pytest.raises(CORSConfigError) as caught:
        CORSPolicy(origins=origins)
    (problem,) = caught.value.problems
    assert problem.field == "origins"
    assert problem.fix is not None
    assert "https://a.example" in problem.fix
    assert "https://b.example" in problem.fix


def test_all_problems_come_at_once() -> None:
    with pytest.raises(CORSConfigError) as caught:
        CORSPolicy(origins=["null", "https://a.example/path"], max_age=-1, allow_headers=["Cookie"])
    assert {problem.field for problem in caught.value.problems} == {"origins", "max_age", "allow_headers"}
    assert len(caught.value.problems) == 4
