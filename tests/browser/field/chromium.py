"""The same calls in Chromium, in pages of the very origins: nothing of them is looked up in any network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Self

from browser.field.calls import BLOCKED, Call, Outcome

if TYPE_CHECKING:
    from browser.field.scenarios import Scenario
    from playwright.sync_api import Page, Route

__all__ = ["Chromium"]

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # A page of another host may not call this machine without the user's consent.
    "--disable-features=LocalNetworkAccessChecks",
)

_FETCH: Final = """async ([url, init]) => {
    try {
        const response = await fetch(url, init);
        await response.text();
        return ["read", response.status, response.headers.get("x-id")];
    } catch (error) {
        return [error.message];
    }
}"""


class Chromium:
    """A headless Chromium, as a context manager.

    Args:
        path: of the executable.

    Attributes:
        version: its own.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self.version = ""

    def __enter__(self) -> Self:
        from playwright.sync_api import sync_playwright

        self._playwright = sync_playwright().start()
        self._browser = self._playwright.chromium.launch(executable_path=self._path, args=list(_FLAGS))
        self.version = self._browser.version
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def outcomes(self, url: str, scenario: Scenario) -> tuple[Outcome, ...]:
        """Play a scenario in a profile of its own."""
        with self._browser.new_context() as context:
            return tuple(_outcome(context.new_page(), url, call) for call in scenario.calls)


def _outcome(page: Page, url: str, call: Call) -> Outcome:
    _open(page, call.page)
    init: dict[str, Any] = {
        "method": call.method,
        "headers": [list(header) for header in call.headers],
        "credentials": call.credentials,
    }
    if call.content is not None:
        init["body"] = call.content
    seen = page.evaluate(_FETCH, [url + call.path, init])
    return BLOCKED if seen == ["Failed to fetch"] else tuple(seen)


def _open(page: Page, origin: str) -> None:
    """Open an empty page. Nothing is intercepted afterwards: Playwright would answer preflights itself."""

    def fulfill(route: Route) -> None:
        route.fulfill(content_type="text/html", body="<!doctype html><link rel=icon href='data:,'>")

    page.route("**/*", fulfill)
    page.goto(f"{origin}/")
    page.unroute_all(behavior="wait")
