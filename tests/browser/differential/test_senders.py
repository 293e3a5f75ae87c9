"""What a page sends without reading the answer is the same in Chromium and in the box."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from .senders import (
    ToThisMachine,
    sent_by_chromium,
    sent_by_the_model,
    set_cookies,
    told,
    with_cookies_of_others,
)
from .senders_table import SENDER_DIFFERENCES, SenderDifference, senders
from .servers import Servers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, CDPSession, Page

    from .cases import Sent


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with httpx.Client(transport=ToThisMachine(), trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def page(
    browser: Browser, chromium: str, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    profile = tmp_path_factory.mktemp("profile")
    with with_cookies_of_others(browser.browser_type, chromium, profile) as context:
        page = context.new_page()
        set_cookies(page, servers)
        yield page


@pytest.fixture(scope="module")
def devtools(page: Page) -> CDPSession:
    return page.context.new_cdp_session(page)


def test_all_that_is_sent(page: Page, devtools: CDPSession, client: httpx.Client, servers: Servers) -> None:
    unequal: list[str] = []
    for number, sender in enumerate(senders()):
        chromium = sent_by_chromium(page, devtools, servers, number, sender)
        model = sent_by_the_model(client, servers, number, sender)
        assert chromium or (sender.by, sender.mode) == ("fetch", "same-origin"), sender
        if sender.by == "websocket":
            model = tuple(map(_without_metadata, model))
        if chromium != model:
            unequal.append(f"{sender}\n  Chromium  {chromium}\n  model     {model}")
    assert not unequal, "\n\n".join([f"{len(unequal)} cases, of which the first are:", *unequal[:20]])


@pytest.mark.parametrize("difference", SENDER_DIFFERENCES, ids=lambda difference: difference.name)
def test_a_difference_is_as_documented(
    page: Page, devtools: CDPSession, client: httpx.Client, servers: Servers, difference: SenderDifference
) -> None:
    number = 10_000 + SENDER_DIFFERENCES.index(difference)

    assert told(sent_by_chromium(page, devtools, servers, number, difference.case)) == difference.chromium
    assert told(sent_by_the_model(client, servers, number, difference.case)) == difference.standard


def test_names_tell_cases_apart() -> None:
    names = [sender.name for sender in senders()]
    assert sorted(names) == sorted(set(names))


def _without_metadata(sent: Sent) -> Sent:
    """The difference of a websocket's handshake."""
    headers = tuple(header for header in sent.headers if not header[0].startswith("sec-fetch-"))
    return type(sent)(sent.to, sent.method, headers, sent.body)
