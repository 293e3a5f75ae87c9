"""The table of the field: the page says what the data say, and route_cors holds what must hold."""

from collections import Counter
from pathlib import Path

import pytest
from browser.field.calls import CLIENT, OWN
from browser.field.judge import evidence, holds, judged
from browser.field.libraries import SUBJECTS
from browser.field.scenarios import SCENARIOS, Scenario
from browser.field.setups import SETUPS
from browser.field.subjects import route_cors
from browser.field.table import Field, as_json, from_json, page

from route_cors import CORSConfigError

HERE = Path(__file__).parent
URL = "http://127.0.0.1:8000"
NAMES = [scenario.name for scenario in SCENARIOS]


@pytest.fixture(scope="module")
def data() -> str:
    return (HERE / "results.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def field(data: str) -> Field:
    return from_json(data)


def test_the_page_is_made_of_the_data(field: Field) -> None:
    assert (HERE / "README.md").read_text(encoding="utf-8") == page(field)


def test_the_data_are_as_the_command_writes_them(data: str, field: Field) -> None:
    assert as_json(field) == data


def test_the_data_are_of_these_scenarios_and_libraries(field: Field) -> None:
    assert list(field.cells) == NAMES
    expected = [subject.name for subject in SUBJECTS]
    assert {name: sorted(cells) for name, cells in field.cells.items()} == dict.fromkeys(
        NAMES, sorted(expected)
    )
    assert sorted(field.versions) == sorted(expected)


def test_what_a_library_does_not_offer_is_marked_as_such(field: Field) -> None:
    marked = {
        (subject.name, scenario.name, subject.why_not(scenario.setup, scenario.name))
        for subject in SUBJECTS
        for scenario in SCENARIOS
        if subject.why_not(scenario.setup, scenario.name) is not None
    }
    assert marked == {
        (subject, scenario, "; ".join(cell.lines))
        for scenario, cells in field.cells.items()
        for subject, cell in cells.items()
        if cell.verdict == "cannot"
    }


def test_a_scenario_that_failed_has_the_requests_that_show_it(field: Field) -> None:
    shown = {
        (scenario, subject): any(" -> " in line for line in cell.lines)
        for scenario, cells in field.cells.items()
        for subject, cell in cells.items()
        if cell.verdict == "no"
    }
    assert shown == dict.fromkeys(shown, True)
    assert shown


def test_only_what_may_be_refused_was_refused(field: Field) -> None:
    setups = {scenario.name: scenario.setup for scenario in SCENARIOS}
    refused = {
        setups[scenario]
        for scenario, cells in field.cells.items()
        for cell in cells.values()
        if cell.verdict == "refused"
    }
    assert refused <= {name for name, setup in SETUPS.items() if setup.may_be_refused}


def test_the_scenarios_are_well_formed() -> None:
    assert [name for name, number in Counter(NAMES).items() if number > 1] == []
    assert {scenario.setup for scenario in SCENARIOS} == set(SETUPS)
    for scenario in SCENARIOS:
        assert scenario.calls, scenario.name
        assert scenario.must, scenario.name
        assert scenario.source.startswith("https://"), scenario.name
        assert scenario.name.replace("-", "").replace("418", "").replace("401", "").isalpha(), scenario.name


def test_chromium_is_asked_what_a_page_of_an_origin_can_do() -> None:
    asked = [call for scenario in SCENARIOS if scenario.in_chromium for call in scenario.calls]
    assert len(asked) > 20
    assert {call.how for call in asked} == {"fetch"}
    assert not {call.page for call in asked} & {CLIENT, OWN, "null"}


def test_every_library_can_do_what_the_list_does_not_deny() -> None:
    known = {*NAMES, *SETUPS}
    assert {subject.name: set(subject.cannot) - known for subject in SUBJECTS} == {
        subject.name: set() for subject in SUBJECTS
    }


@pytest.mark.parametrize("scenario", SCENARIOS, ids=NAMES)
def test_route_cors_holds_it(scenario: Scenario, field: Field) -> None:
    told = field.cells[scenario.name]["route_cors"].verdict
    try:
        app = route_cors.application(scenario.setup)
    except CORSConfigError:
        assert SETUPS[scenario.setup].may_be_refused
        assert told == "refused"
        return
    seen = judged(app, URL, scenario)
    assert holds(scenario, seen), evidence(URL, seen)
    assert told == "yes"
