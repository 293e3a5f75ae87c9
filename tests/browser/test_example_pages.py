"""The two pages of examples/mixed_api.py, as a user opens them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

import route_cors

from .conftest import Tabs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Error, Page

ROOT = Path(__file__).parents[2]

# Written out here, and not taken from the example's own table: the page must not be its own judge.
OUTCOMES = {
    "Read the public quotes": ("200", "200"),
    "Read them with credentials": ("blocked", "blocked"),
    "Send public feedback": ("201", "201"),
    "Log in": ("200", "blocked"),
    "Read the profile, with the cookie": ("200", "blocked"),
    "Read the profile, without the cookie": ("401", "blocked"),
    "Upload a file": ("201, ETag readable", "blocked"),
    "Transfer money": ("money sent", "blocked"),
    "Add a note": ("201", "blocked"),
    "Ask for a report that crashes": ("500", "blocked"),
    "Follow the live events": ("3 events", "blocked"),
    "Join the chat": ("connected", "blocked"),
    "Read the internal metrics": ("blocked", "blocked"),
}
FOR_THE_TRUSTED_PAGE_ALONE = (
    "hello, ada",
    '"plan":"gold"',
    "log in first",
    "Internal Server Error",
    "ada/report.txt",
    "noted for ada: call the bank",
    "event 1 for ada · event 2 for ada · event 3 for ada",
    "welcome to the chat",
)


@dataclass(frozen=True)
class Sites:
    api: str
    trusted: str
    stranger: str


@contextmanager
def started(*options: str) -> Iterator[Sites]:
    # The library under test, from wherever this process has it.
    environment = os.environ | {"PYTHONPATH": str(Path(route_cors.__file__).parents[1])}
    ports = ["--api-port", "0", "--trusted-port", "0", "--stranger-port", "0"]
    with subprocess.Popen(
        [sys.executable, ROOT / "examples" / "mixed_api.py", *ports, *options],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as example:
        assert example.stdout is not None
        try:
            yield Sites(*(example.stdout.readline().split()[-1] for _ in range(3)))
        finally:
            example.terminate()


@pytest.fixture(scope="module")
def sites() -> Iterator[Sites]:
    with started() as sites:
        yield sites


def open_page(tabs: Tabs, url: str) -> "Page":
    """The page, when all its calls are done; an error in its script fails the test."""
    errors: list[Error] = []

    def note(error: "Error") -> None:
        errors.append(error)

    page = tabs.another()
    page.on("pageerror", note)
    page.goto(url)
    page.get_by_role("status").filter(has_text="expected").wait_for()
    assert errors == []
    return page


def outcomes(page: "Page") -> dict[str, str]:
    """What each row shows: the name of the call, and what its script could read."""
    shown: dict[str, str] = {}
    for row in page.locator("tbody tr").all():
        verdict = row.locator(".badge").inner_text()
        if verdict == "✓ allowed":
            shown[row.get_by_role("rowheader").inner_text()] = row.locator(".read strong").inner_text()
        else:
            assert verdict == "✕ blocked"
            assert row.locator(".read strong").count() == 0
            shown[row.get_by_role("rowheader").inner_text()] = "blocked"
    return shown


@pytest.mark.parametrize(("front_end", "column"), [("trusted", 0), ("stranger", 1)])
def test_every_row_shows_the_expected_outcome(
    tabs: Tabs, sites: Sites, front_end: Literal["trusted", "stranger"], column: int
) -> None:
    page = open_page(tabs, getattr(sites, front_end))

    assert outcomes(page) == {call: pair[column] for call, pair in OUTCOMES.items()}
    assert page.get_by_role("status").inner_text().endswith("all as expected.")
    assert page.locator(".unexpected").count() == 0
    for why in page.locator("tbody .why").all():
        assert why.inner_text()


def test_each_page_says_which_front_end_it_is(tabs: Tabs, sites: Sites) -> None:
    page = open_page(tabs, sites.trusted)
    assert page.title() == "Trusted front end · route_cors"
    assert page.get_by_role("heading", name="Trusted front end").is_visible()
    assert sites.api in page.locator("header").inner_text()

    page.get_by_role("link", name="Stranger").click()

    page.get_by_role("heading", name="Stranger").wait_for()
    assert page.url == f"{sites.stranger}/"


def test_a_logged_in_users_data_is_for_the_trusted_page_alone(tabs: Tabs, sites: Sites) -> None:
    trusted = open_page(tabs, sites.trusted).locator("table").inner_text()
    # The second page in the same profile: the session cookie goes along with its calls.
    stranger = open_page(tabs, sites.stranger).locator("table").inner_text()

    assert [text for text in FOR_THE_TRUSTED_PAGE_ALONE if text not in trusted] == []
    assert re.search(r'ETag: "[0-9a-f]{12}"', trusted)
    assert [text for text in FOR_THE_TRUSTED_PAGE_ALONE if text in stranger] == []
    assert "ETag:" not in stranger
    for public in ("Readability counts.", "received: nice quotes"):
        assert public in trusted
        assert public in stranger


def test_money_is_sent_by_the_trusted_page_alone(tabs: Tabs, sites: Sites) -> None:
    trusted = open_page(tabs, sites.trusted)
    assert said_to_the_user(trusted) == "ada sent 100 to mallory"
    assert trusted.locator("header").inner_text().count("Enforcement: on") == 1

    # It submits the form as it opens, with the cookie of the login on the trusted page.
    stranger = open_page(tabs, sites.stranger)
    assert said_to_the_user(stranger) == "CORS request refused: site"
    assert outcomes(stranger)["Transfer money"] == "blocked"

    stranger.get_by_role("button", name="Run: Transfer money").click()
    stranger.get_by_role("status").filter(has_text="all as expected").wait_for()
    assert said_to_the_user(stranger) == "CORS request refused: site"
    assert stranger.locator("iframe").count() == 1


def test_what_strangers_do_without_enforcement(tabs: Tabs) -> None:
    with started("--no-enforce") as sites:
        open_page(tabs, sites.trusted)
        page = open_page(tabs, sites.stranger)

        assert said_to_the_user(page) == "ada sent 100 to mallory"
        assert "Enforcement: off" in page.locator("header").inner_text()
        expected = {call: pair[1] for call, pair in OUTCOMES.items()} | {"Transfer money": "money sent"}
        assert outcomes(page) == expected
        assert page.get_by_role("status").inner_text().endswith("all as expected.")
        tabs.forget()


def said_to_the_user(page: "Page") -> str:
    """The answer to the form, in its frame."""
    return page.frame_locator("iframe").locator("body").inner_text()


def test_one_call_and_all_calls_run_again(tabs: Tabs, sites: Sites) -> None:
    page = open_page(tabs, sites.trusted)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url.removeprefix(sites.api)))
    status = page.get_by_role("status")

    page.get_by_role("button", name="Run: Read the public quotes").click()
    status.filter(has_text="all as expected").wait_for()
    assert sent == ["/public/quotes"]

    page.get_by_role("button", name="Run all").click()
    status.filter(has_text="all as expected").wait_for()
    assert len(sent) > len(OUTCOMES) - 1
    assert outcomes(page) == {call: pair[0] for call, pair in OUTCOMES.items()}


def test_a_surprise_is_shown_as_one(tabs: Tabs, sites: Sites) -> None:
    page = open_page(tabs, sites.trusted)
    tabs.context.clear_cookies()

    page.get_by_role("button", name="Run: Read the profile, with the cookie").click()

    page.get_by_role("status").filter(has_text="1 not as expected").wait_for()
    row = page.get_by_role("row", name="Read the profile, with the cookie")
    assert row.locator(".unexpected").inner_text() == "Unexpected: it should have been “200”."


def test_the_page_asks_the_three_sites_and_nobody_else(tabs: Tabs, sites: Sites) -> None:
    asked: set[str] = set()
    tabs.context.on("request", lambda request: asked.add("/".join(request.url.split("/")[:3])))

    open_page(tabs, sites.trusted)

    assert asked == {sites.api, sites.trusted}


# What sticks out of the window, what lies under a button, and text whose contrast is below 4.5 (WCAG 2, AA).
FLAWS = """() => {
    const flaws = [];
    const isText = (node) => node.nodeType === 3 && node.data.trim();
    const texts = [...document.querySelectorAll("main *")].filter((element) =>
        [...element.childNodes].some(isText) && element.checkVisibility() && !element.closest(".hidden"));
    const light = (color) => {
        const [r, g, b] = color.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
            .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        const color = getComputedStyle(element).backgroundColor;
        return color === "rgba(0, 0, 0, 0)" ? behind(element.parentElement) : color;
    };
    const boxes = (element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return [...range.getClientRects()];
    };
    const buttons = [...document.querySelectorAll("tbody button")].map((one) => one.getBoundingClientRect());
    if (document.documentElement.scrollWidth > innerWidth) flaws.push("the page scrolls sideways");
    for (const element of texts) {
        const said = element.textContent.trim();
        const [one, other] = [getComputedStyle(element).color, behind(element)].map(light);
        const contrast = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        if (contrast < 4.5) flaws.push(`contrast ${contrast.toFixed(1)}: ${said}`);
        for (const box of boxes(element)) {
            if (box.left < 0 || box.right > innerWidth) flaws.push(`out of the window: ${said}`);
            if (element.localName !== "button" && buttons.some((button) => box.left < button.right &&
                button.left < box.right && box.top < button.bottom && button.top < box.bottom)) {
                flaws.push(`under a button: ${said}`);
            }
        }
    }
    return [texts.length, [...new Set(flaws)]];
}"""


@pytest.mark.parametrize("width", [390, 1120])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_on_a_phone_and_in_the_dark(
    browser: "Browser", sites: Sites, width: int, scheme: Literal["light", "dark"]
) -> None:
    with browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme) as context:
        for url in (sites.trusted, sites.stranger):
            page = context.new_page()
            page.goto(url)
            page.get_by_role("status").filter(has_text="all as expected").wait_for()

            number, flaws = page.evaluate(FLAWS)
            assert flaws == []
            assert number > 5 * len(OUTCOMES)
            # That there are two schemes at all.
            background = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert background == {"light": "rgb(246, 247, 249)", "dark": "rgb(18, 21, 27)"}[scheme]
