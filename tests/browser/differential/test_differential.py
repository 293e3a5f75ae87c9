"""Headless Chromium and the model of a browser, with the same pages and the same servers.

They have to agree on the requests that are sent, on what is allowed or blocked, and on what the script may
see. `ROUTE_CORS_EXAMPLES` sets how many generated cases there are. They are the same ones every time where
`CI` is set, or where `ROUTE_CORS_SEED` says which; what fails shows its seed and number:

    ROUTE_CORS_SEED=ci ROUTE_CORS_CASE=123 python -m pytest tests/browser/differential -k generated
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from .caching import remember_like_chromium
from .chromium import in_chromium
from .differences import DIFFERENCES, Difference, told
from .generated import generated
from .model import each_note, in_the_model
from .senders_table import SENDER_DIFFERENCES
from .servers import Servers
from .table import written_by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser

    from .cases import Case, Observed

README: Final = Path(__file__).parents[3] / "README.md"
EXAMPLES: Final = int(os.environ.get("ROUTE_CORS_EXAMPLES", "200"))
SEED: Final = os.environ.get("ROUTE_CORS_SEED") or ("ci" if "CI" in os.environ else secrets.token_hex(4))
ALONE: Final = os.environ.get("ROUTE_CORS_CASE")

# Of the generated cases; less would mean that most of them end before they begin.
LEAST_SHARES: Final = {
    "allowed": 0.35,
    "blocked at the preflight": 0.12,
    "blocked at the actual": 0.04,
    "blocked at the redirect": 0.005,
    "redirected": 0.04,
    "spared a preflight": 0.03,
    "opaque": 0.03,
}
FEWEST_FOR_SHARES: Final = 200
# What is judged by Chromium's cache in place of the standard's.
MOST_OTHERWISE_CACHED: Final = 0.1


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    """The model's way to the servers: its connections are kept, and no proxy has a part in this."""
    with httpx.Client(trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def of_differences(
    browser: Browser, servers: Servers, client: httpx.Client
) -> Mapping[str, tuple[Observed, Observed, Observed]]:
    """What Chromium, the model, and the model with Chromium's cache and new beginnings make of them."""
    cases = {number: difference.case for number, difference in enumerate(DIFFERENCES)}
    chromium = in_chromium(browser, servers, cases)
    model = in_the_model(client, servers, cases, beginning_anew=False)
    like_chromium = in_the_model(client, servers, cases, remember_like_chromium)
    return {
        difference.name: (chromium[number], model[number], like_chromium[number])
        for number, difference in enumerate(DIFFERENCES)
    }


def test_cases_written_by_hand(browser: Browser, servers: Servers, client: httpx.Client) -> None:
    cases = dict(enumerate(written_by_hand()))
    chromium = in_chromium(browser, servers, cases)
    model = in_the_model(client, servers, cases)
    check(
        {number: case for number, case in cases.items() if chromium[number] != model[number]}, chromium, model
    )


def test_generated_cases(browser: Browser, servers: Servers, client: httpx.Client) -> None:
    numbers = range(EXAMPLES) if ALONE is None else [int(ALONE)]
    cases = {number: generated(SEED, number) for number in numbers}
    chromium = in_chromium(browser, servers, cases)
    model = in_the_model(client, servers, cases)
    unequal = {number: case for number, case in cases.items() if chromium[number] != model[number]}
    like_chromium = in_the_model(client, servers, unequal, remember_like_chromium)
    check(
        {number: case for number, case in unequal.items() if chromium[number] != like_chromium[number]},
        chromium,
        model,
    )
    if len(cases) >= FEWEST_FOR_SHARES:
        check_shares(model)
        assert len(unequal) <= MOST_OTHERWISE_CACHED * len(cases)


def test_the_model_does_the_same_over_connections_of_its_own(
    servers: Servers, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    cases = {number: generated(SEED, number) for number in range(20)}

    assert in_the_model(servers.origins["page"], servers, cases) == in_the_model(client, servers, cases)


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda difference: difference.name)
def test_a_difference_is_as_documented(
    of_differences: Mapping[str, tuple[Observed, Observed, Observed]], difference: Difference
) -> None:
    chromium, model, like_chromium = (
        told(observed, with_sites=difference.of_sites) for observed in of_differences[difference.name]
    )
    is_made_up_for = difference.of_the_cache or difference.of_sites

    assert chromium == difference.chromium
    assert model == difference.standard
    assert like_chromium == (difference.chromium if is_made_up_for else difference.standard)


def test_the_readme_lists_the_differences() -> None:
    readme = README.read_text(encoding="utf-8")
    differences = (*DIFFERENCES, *SENDER_DIFFERENCES)
    rows = [f"| {difference.name} | {difference.standard_says} |" for difference in differences]
    assert [row for row in readme.splitlines() if row in rows] == rows


def test_names_tell_cases_apart() -> None:
    assert not [name for name, times in Counter(case.name for case in written_by_hand()).items() if times > 1]


def check(
    unequal: Mapping[int, Case], chromium: Mapping[int, Observed], model: Mapping[int, Observed]
) -> None:
    shown = [_shown(case, chromium[number], model[number]) for number, case in list(unequal.items())[:5]]
    assert not unequal, "\n\n".join([f"{len(unequal)} cases, of which the first are:", *shown])


def _shown(case: Case, chromium: Observed, model: Observed) -> str:
    lines = [repr(case)]
    for title, of_chromium, of_the_model in (
        ("requests", chromium.sent, model.sent),
        ("outcomes", chromium.outcomes, model.outcomes),
    ):
        lines.append(f"  {title}:")
        for one, other in zip_longest(of_chromium, of_the_model):
            lines += (
                [f"      both      {one}"]
                if one == other
                else [f"    * Chromium  {one}", f"    * model     {other}"]
            )
    return "\n".join(lines)


def check_shares(model: Mapping[int, Observed]) -> None:
    """Whether the generated cases are about what they are to be about."""
    fetches = sum(len(observed.outcomes) for observed in model.values())
    found = Counter(each_note(model))
    shown = ", ".join(f"{note}: {times / fetches:.1%}" for note, times in found.most_common())
    print(f"{fetches} fetches: {shown}")  # noqa: T201 - pytest shows it with -s, or when something fails
    assert all(found[note] >= least * fetches for note, least in LEAST_SHARES.items()), shown
