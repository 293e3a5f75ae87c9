import importlib.util
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import live_server
import pytest
from browser.engines import DRIVEN_FLAGS, ENGINES
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Frame, Page


def chromium_path() -> str:
    chromium = ENGINES["chromium"]
    path = chromium.path()
    if path is None:
        pytest.skip(str(chromium.missing()))
    return path


@pytest.fixture(scope="session")
def chromium() -> str:
    return chromium_path()


# Of the module and no longer: Playwright keeps an event loop running in the main thread, and tests elsewhere
# have to start their own.
@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed")
    path = chromium_path()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=DRIVEN_FLAGS)
        yield browser
        browser.close()


class Tabs:
    """The pages of a browser profile that is used again: a new page costs Chromium most of a second."""

    def __init__(self, context: "BrowserContext") -> None:
        self.context = context
        self._pages = [context.new_page()]
        self._used = 0
        self._devtools = context.new_cdp_session(self._pages[0])

    def another(self) -> "Page":
        """A blank page that this test has not used yet."""
        if self._used == len(self._pages):
            self._pages.append(self.context.new_page())
        self._used += 1
        return self._pages[self._used - 1]

    def forget(self) -> None:
        """Leave all pages, and the profile as a new one: no cookies, no stored responses or preflights."""
        for page in self.context.pages:
            if page not in self._pages:
                page.close()
        for page in self._pages:
            page.unroute_all()
            page.goto("about:blank")
        self._used = 0
        self.context.clear_cookies()
        self._devtools.send("Network.clearBrowserCache")


@pytest.fixture(scope="module")
def tabs_of_the_module(browser: "Browser") -> Iterator[Tabs]:
    with browser.new_context() as context:
        yield Tabs(context)


@pytest.fixture
def tabs(tabs_of_the_module: Tabs) -> Iterator[Tabs]:
    """A browser profile of its own: no cookies, no cached preflights."""
    yield tabs_of_the_module
    tabs_of_the_module.forget()


@dataclass(frozen=True)
class Recorded:
    """A request as it reached the server."""

    method: str
    path: str
    headers: Mapping[str, str]


class Server(live_server.Server):
    """A live server that notes the requests."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(self._record)
        self._recorded = app
        self.origin = self.url
        self.requests: list[Recorded] = []

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self.requests.append(Recorded(scope.get("method", "WEBSOCKET"), scope["path"], headers))
        await self._recorded(scope, receive, send)

    @property
    def log(self) -> list[str]:
        return [f"{request.method} {request.path}" for request in self.requests]

    @property
    def websocket_origin(self) -> str:
        return self.origin.replace("http", "ws", 1)


@pytest.fixture
def serve() -> Iterator[Callable[[ASGIApp], Server]]:
    with ExitStack() as stack:
        yield lambda app: stack.enter_context(Server(app))


@dataclass(frozen=True)
class Seen:
    """What a script sees of a fetch: a response, or an error that says nothing."""

    error: str | None = None
    status: int | None = None
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


BLOCKED = Seen(error="Failed to fetch")

FETCH = """async ([url, init]) => {
    try {
        const response = await fetch(url, init);
        const { status, headers } = response;
        const text = await response.text();
        return { status, url: response.url, headers: Object.fromEntries(headers), text };
    } catch (error) {
        return { error: error.message };
    }
}"""


def fetch_in(frame: "Page | Frame", url: str, init: Mapping[str, Any]) -> Seen:
    return Seen(**frame.evaluate(FETCH, [url, init]))


@dataclass(frozen=True)
class Script:
    """The scripts of a page."""

    page: "Page"
    origin: str

    def fetch(self, url: str, **init: Any) -> Seen:
        return fetch_in(self.page, url, init)

    def run(self, code: str, *arguments: Any) -> Any:
        return self.page.evaluate(code, arguments)


async def blank(_: Request) -> HTMLResponse:
    return HTMLResponse("<!doctype html><title>front end</title><link rel=icon href='data:,'>")


def open_page(page: "Page", origin: str) -> Script:
    response = page.goto(origin)
    assert response is not None
    assert response.ok
    return Script(page, origin)


@pytest.fixture(scope="module")
def front_ends() -> Iterator[tuple[str, str]]:
    """The origins of two sites that serve an empty page."""
    site = Starlette(routes=[Route("/", blank)])
    with Server(site) as first, Server(site) as second:
        yield first.origin, second.origin


@pytest.fixture
def trusted(tabs: Tabs, front_ends: tuple[str, str]) -> Script:
    return open_page(tabs.another(), front_ends[0])


@pytest.fixture
def stranger(tabs: Tabs, front_ends: tuple[str, str]) -> Script:
    """A page of another origin in the same browser profile: the same cookies."""
    return open_page(tabs.another(), front_ends[1])
