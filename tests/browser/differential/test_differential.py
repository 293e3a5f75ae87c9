"""Chromium, Firefox, WebKit and the model of a browser, with the same pages and the same servers.

They have to agree on the requests that are sent, on what is allowed or blocked, and on what the script may
see, but for the differences that are listed. `ROUTE_CORS_EXAMPLES` sets how many generated cases each
engine gets, or `ROUTE_CORS_BROWSER_FETCHES` how many fetches. They are the same ones every time where `CI` is
set, or where `ROUTE_CORS_SEED` says which; what fails shows its seed and number:

    ROUTE_CORS_SEED=ci ROUTE_CORS_CASE=123 python -m pytest tests/browser/differential -k generated
"""

from __future__ import annotations

import os
import re
import secrets
from collections import Counter
from itertools import count, zip_longest
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from .difference import told
from .differences import DIFFERENCES
from .engine_fetches import in_engine
from .generated import generated
from .model import each_note, in_the_model
from .quirks import QUIRKS
from .readme import README, as_text
from .sidesteps import sidestep
from .table import written_by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from browser.engines import Engine, Name

    from .cases import Case, Observed
    from .difference import Difference
    from .servers import Servers

EXAMPLES: Final = int(os.environ.get("ROUTE_CORS_EXAMPLES", "200"))
FETCHES: Final = int(os.environ.get("ROUTE_CORS_BROWSER_FETCHES", "0"))
SEED: Final = os.environ.get("ROUTE_CORS_SEED") or ("ci" if "CI" in os.environ else secrets.token_hex(4))
ALONE: Final = os.environ.get("ROUTE_CORS_CASE")

# Of the generated cases; less would mean that most of them end before they begin.
LEAST_SHARES: Final = {
    "allowed": 0.35,
    "blocked at the preflight": 0.12,
    "blocked at the actual": 0.04,
    "blocked at the redirect": 0.003,
    "redirected": 0.01,
    "spared a preflight": 0.03,
    "opaque": 0.03,
}
# Of the cases written by hand, so that several processes share them.
PARTS: Final = 4
FEWEST_FOR_SHARES: Final = 200
# What is judged by an engine's quirks in place of the standard.
MOST_WITH_QUIRKS: Final = 0.15


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """The model's way to the servers: its connections are kept, and no proxy has a part in this."""
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def of_differences(
    engine: Engine, servers: Servers, client: httpx.Client
) -> Mapping[str, tuple[Observed, Observed, Observed]]:
    """What the engine, the model, and the model with the engine's quirks make of them."""
    cases = {number: difference.case for number, difference in enumerate(DIFFERENCES)}
    seen = in_engine(engine, servers, cases)
    model = in_the_model(client, servers, cases)
    played = in_the_model(client, servers, cases, QUIRKS[engine.name])
    return {
        difference.name: (seen[number], model[number], played[number])
        for number, difference in enumerate(DIFFERENCES)
    }


@pytest.mark.parametrize("part", range(PARTS))
def test_cases_written_by_hand(engine: Engine, servers: Servers, client: httpx.Client, part: int) -> None:
    everything = list(enumerate(written_by_hand()))
    cases = dict(everything[part::PARTS])
    seen = in_engine(engine, servers, cases)
    model = in_the_model(client, servers, cases)
    unequal = unequal_with_quirks(engine, servers, client, cases, seen, model)
    listed = {number for number, case in cases.items() if is_listed(engine.name, case)}

    agree = sorted(cases[number].name for number in listed - unequal.keys())
    assert not agree, f"{engine.name} does what the standard says, and is said to differ: {agree}"
    check(
        engine.name, {number: case for number, case in unequal.items() if number not in listed}, seen, model
    )


def test_generated_cases(engine: Engine, servers: Servers, client: httpx.Client) -> None:
    cases = {number: sidestep(engine.name, generated(SEED, number)) for number in generated_numbers()}
    seen = in_engine(engine, servers, cases)
    model = in_the_model(client, servers, cases)
    with_quirks = sum(seen[number] != model[number] for number in cases)
    check(engine.name, unequal_with_quirks(engine, servers, client, cases, seen, model), seen, model)
    if len(cases) >= FEWEST_FOR_SHARES:
        check_shares(engine.name, model)
        assert with_quirks <= MOST_WITH_QUIRKS * len(cases), with_quirks


def test_the_model_does_the_same_over_connections_of_its_own(
    servers: Servers, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    cases = {number: generated(SEED, number) for number in range(20)}

    assert in_the_model(servers.origins["page"], servers, cases) == in_the_model(client, servers, cases)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_a_difference_is_as_documented(
    engine: Engine,
    of_differences: Mapping[str, tuple[Observed, Observed, Observed]],
    difference: Difference,
) -> None:
    seen, model, played = (told(each, difference.shows) for each in of_differences[difference.name])

    assert model == difference.standard
    assert seen == difference.does.get(engine.name, difference.standard)
    if difference.is_played:
        assert played == seen


def test_each_difference_is_one() -> None:
    assert all(difference.does for difference in DIFFERENCES)
    assert all(difference.standard not in difference.does.values() for difference in DIFFERENCES)


def test_the_readme_lists_the_differences() -> None:
    assert README.read_text(encoding="utf-8") == as_text(), (
        "in tests/, python -m browser.differential.readme writes it anew"
    )


def test_names_tell_cases_apart() -> None:
    assert not [name for name, times in Counter(case.name for case in written_by_hand()).items() if times > 1]
    assert not [name for name, times in Counter(each.name for each in DIFFERENCES).items() if times > 1]


def generated_numbers() -> list[int]:
    if ALONE is not None:
        return [int(ALONE)]
    if not FETCHES:
        return list(range(EXAMPLES))
    numbers: list[int] = []
    fetches = 0
    for number in count():
        if fetches >= FETCHES:
            break
        numbers.append(number)
        fetches += len(generated(SEED, number).fetches)
    return numbers


def is_listed(name: Name, case: Case) -> bool:
    return any(
        re.fullmatch(difference.also[name], case.name)
        for difference in DIFFERENCES
        if name in difference.also
    )


def unequal_with_quirks(
    engine: Engine,
    servers: Servers,
    client: httpx.Client,
    cases: Mapping[int, Case],
    seen: Mapping[int, Observed],
    model: Mapping[int, Observed],
) -> dict[int, Case]:
    """The cases which the engine judges neither as the standard does nor as its quirks are played."""
    unequal = {number: case for number, case in cases.items() if seen[number] != model[number]}
    played = in_the_model(client, servers, unequal, QUIRKS[engine.name])
    return {number: case for number, case in unequal.items() if seen[number] != played[number]}


def check(
    name: Name, unequal: Mapping[int, Case], seen: Mapping[int, Observed], model: Mapping[int, Observed]
) -> None:
    shown = [_shown(name, case, seen[number], model[number]) for number, case in list(unequal.items())[:5]]
    assert not unequal, "\n\n".join([f"{len(unequal)} cases in {name}, of which the first are:", *shown])


def _shown(name: Name, case: Case, seen: Observed, model: Observed) -> str:
    lines = [repr(case)]
    for title, of_the_engine, of_the_model in (
        ("requests", seen.sent, model.sent),
        ("outcomes", seen.outcomes, model.outcomes),
    ):
        lines.append(f"  {title}:")
        for one, other in zip_longest(of_the_engine, of_the_model):
            lines += (
                [f"      both      {one}"]
                if one == other
                else [f"    * {name:<9} {one}", f"    * model     {other}"]
            )
    return "\n".join(lines)


def check_shares(name: Name, model: Mapping[int, Observed]) -> None:
    """Whether the generated cases are about what they are to be about."""
    fetches = sum(len(observed.outcomes) for observed in model.values())
    found = Counter(each_note(model))
    shown = ", ".join(f"{note}: {times / fetches:.1%}" for note, times in found.most_common())
    print(f"{name}, seed {SEED}: {fetches} fetches: {shown}")  # noqa: T201 - pytest shows it with -s, or when something fails
    assert all(found[note] >= least * fetches for note, least in LEAST_SHARES.items()), shown
