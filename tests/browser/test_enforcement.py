"""Enforcement as real browsers meet it: what a page can send, and whether the endpoint ran."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from . import enforcement_table
from .differential.senders import with_cookies_of_others
from .enforcement_table import PAGES, cells, way_of
from .enforcing import (
    PATHS,
    REGISTER,
    SEND,
    UNREGISTER,
    Watched,
    enforcing_app,
    front_end,
    sent,
    submit_to,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from playwright.sync_api import Browser, BrowserContext, Page

HOSTS = {
    "own": "api.{}",
    "sibling": "www.api.{}",
    "partner": "partner.{}",
    "stranger": "evil.{}",
}


@dataclass(frozen=True)
class Sites:
    """The app; and the origins of its own page and the others, secure ones and those of plain http."""

    app: Watched
    secure: Mapping[str, str]
    plain: Mapping[str, str]


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with Watched(front_end()) as others:
        app = Watched(front_end())
        # Browsers count the names below localhost as secure, and know that all others are not.
        secure, plain = (
            {
                page: f"http://{host.format(top)}:{app.port if page == 'own' else others.port}"
                for page, host in HOSTS.items()
            }
            for top in ("localhost", "test")
        )
        app.app = enforcing_app([secure["partner"], plain["partner"]])
        with app:
            yield Sites(app, secure, plain)


@pytest.fixture(scope="module")
def context(
    browser: Browser, chromium: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[BrowserContext]:
    profile = tmp_path_factory.mktemp("profile")
    resolved = "--host-resolver-rules=MAP *.test 127.0.0.1"
    with with_cookies_of_others(browser.browser_type, chromium, profile, resolved) as context:
        yield context


@pytest.fixture(scope="module")
def page(context: BrowserContext, sites: Sites) -> Page:
    page = context.new_page()
    page.goto(f"{sites.secure['own']}/cookies")
    return page


@pytest.mark.parametrize("table", ["DIRECT", "REDIRECTED", "PLAIN"])
def test_every_way_of_every_page(page: Page, sites: Sites, table: str) -> None:
    origins = sites.plain if table == "PLAIN" else sites.secure
    expected = {f"{table}: {cell.name}": cell for cell in cells(getattr(enforcement_table, table))}
    for which in PAGES:
        mine = {case: cell for case, cell in expected.items() if cell.page == which}
        page.goto(origins[which])
        page.evaluate(
            SEND,
            [
                sent(way_of(cell.way), url_for(case, origins["own"], cell.letter), origins)
                for case, cell in mine.items()
            ],
        )
        sites.app.wait_for(case for case, cell in mine.items() if cell.outcome != "unsent")

    wrong: list[str] = []
    for case, cell in expected.items():
        wanted = [] if cell.outcome == "unsent" else [f"{cell.method} {cell.outcome}"]
        seen, said = sites.app.seen(case)
        if seen != wanted:
            wrong.append(f"{case}: {seen} in place of {wanted}; the browser said {said}")
    assert not wrong, "\n".join([f"{len(wrong)} of {len(expected)} are not as expected:", *wrong])


def url_for(case: str, own: str, letter: str) -> str:
    return f"{own}{PATHS[letter]}?case={quote(case)}"


def submit(page: Page, origin: str, url: str) -> None:
    """Send the form of a page of that origin, as its script does: nobody clicks."""
    page.goto(origin)
    devtools = page.context.new_cdp_session(page)
    with page.expect_navigation():
        devtools.send("Runtime.evaluate", {"expression": submit_to(url)})
    devtools.detach()


# As DIRECT has it for a form.
LEAVING = {"own": "nwc0xf", "sibling": "wf", "partner": "nwf", "stranger": "wf"}


def test_a_page_that_leaves_itself(page: Page, sites: Sites) -> None:
    for which, letter in itertools.product(PAGES, "nc0"):
        case = f"leaving: {which}, {letter}"
        outcome = "POST ran" if letter in LEAVING[which] else "POST refused"

        submit(page, sites.secure[which], url_for(case, sites.secure["own"], letter))
        assert sites.app.seen(case)[0] == [outcome]

        # The user may reload the answer; the browser still knows who has sent it at first.
        page.reload()
        assert sites.app.seen(case)[0] == [outcome, outcome]


def test_an_address_that_is_typed_in(page: Page, sites: Sites) -> None:
    for letter in PATHS:
        page.goto(url_for(f"typed: {letter}", sites.secure["own"], letter))
        seen, said = sites.app.seen(f"typed: {letter}")
        assert seen == ["GET ran"]
        assert [each["sec-fetch-site"] for each in said] == ["none"]


@pytest.mark.parametrize(
    ("worker", "running"),
    [
        # It passes on what it got: the browser still says who has sent it.
        ("passing-on", LEAVING),
        # It asks by itself, and is the app's own: what it does for strangers, it does in the app's name.
        ("asking-anew", dict.fromkeys(LEAVING, "nwc0xf")),
    ],
)
def test_the_service_worker_of_the_app(
    page: Page, sites: Sites, worker: str, running: Mapping[str, str]
) -> None:
    own = sites.secure["own"]
    page.goto(own)
    page.evaluate(REGISTER, f"/worker/{worker}.js")
    for which, letter in itertools.product(PAGES, "n0"):
        case = f"{worker}: {which}, {letter}"
        submit(page, sites.secure[which], url_for(case, own, letter))
        sites.app.wait_for([case])
        assert sites.app.seen(case)[0] == ["POST ran" if letter in running[which] else "POST refused"]
    page.goto(own)
    page.evaluate(UNREGISTER)
