"""What a page sends without reading the answer is the same in the engines and in the box."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from .engine_senders import sent_by_engine
from .sender_quirks import played
from .senders import (
    ToThisMachine,
    compared,
    sent_by_chromium,
    sent_by_the_model,
    set_cookies,
    told,
    with_cookies_of_others,
)
from .senders_table import SENDER_DIFFERENCES, SenderDifference, senders

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from browser.engines import Engine
    from playwright.sync_api import Browser, CDPSession, Page

    from .cases import Sent
    from .senders import Sender
    from .servers import Servers

PARTS: Final = 6


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


@pytest.mark.parametrize("part", range(PARTS))
def test_all_that_is_sent(engine: Engine, client: httpx.Client, servers: Servers, part: int) -> None:
    without_clicks = [sender for sender in senders() if not sender.activated]
    cases = dict(list(enumerate(without_clicks))[part::PARTS])
    seen = sent_by_engine(engine, servers, cases)
    unequal: dict[str, str] = {}
    for number, sender in cases.items():
        model = sent_by_the_model(client, servers, number, sender)
        sent = compared(seen[number], sender)
        assert sent or (sender.by, sender.mode) == ("fetch", "same-origin"), sender
        if sent not in (model, played(engine.name, sender, model)):
            unequal[sender.name] = f"{sender}\n  {engine.name:<9} {sent}\n  model     {model}"
    listed = {sender.name for sender in cases.values() if is_listed(engine, sender)}

    shown = [unequal[name] for name in unequal if name not in listed]
    assert not shown, "\n\n".join([f"{len(shown)} cases, of which the first are:", *shown[:20]])
    assert listed == unequal.keys()


def test_what_clicks_send(page: Page, devtools: CDPSession, client: httpx.Client, servers: Servers) -> None:
    for number, sender in enumerate(sender for sender in senders() if sender.activated):
        chromium = sent_by_chromium(page, devtools, servers, number, sender)

        assert chromium
        assert chromium == sent_by_the_model(client, servers, number, sender)


@pytest.fixture(scope="module")
def of_differences(engine: Engine, servers: Servers) -> Mapping[int, tuple[Sent, ...]]:
    return sent_by_engine(engine, servers, {n: each.case for n, each in enumerate(SENDER_DIFFERENCES)})


@pytest.mark.parametrize("difference", SENDER_DIFFERENCES, ids=lambda difference: difference.name)
def test_a_difference_is_as_documented(
    engine: Engine,
    of_differences: Mapping[int, tuple[Sent, ...]],
    client: httpx.Client,
    servers: Servers,
    difference: SenderDifference,
) -> None:
    number = SENDER_DIFFERENCES.index(difference)
    seen = compared(of_differences[number], difference.case)
    model = sent_by_the_model(client, servers, number, difference.case)

    as_standard = without_secure(difference.standard) if engine.name == "webkit" else difference.standard
    assert told(seen, difference.shows) == difference.does.get(engine.name, as_standard)
    assert told(model, difference.shows) == difference.standard


def test_names_tell_cases_apart() -> None:
    names = [sender.name for sender in senders()]
    assert sorted(names) == sorted(set(names))


def without_secure(told: str) -> str:
    """WebKit stores no Secure cookies from these servers: a difference of fetch()'s table."""
    return told.replace("; none=1", "").replace(" with none=1", "")


def is_listed(engine: Engine, sender: Sender) -> bool:
    return any(
        re.fullmatch(difference.also[engine.name], sender.name)
        for difference in SENDER_DIFFERENCES
        if engine.name in difference.also
    )
