"""The same calls in Chromium, in pages of the very origins: nothing of them is looked up in any network."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final, Self

from browser.engines import DRIVEN_FLAGS
from browser.field.calls import BLOCKED, COOKIE, Call, Outcome

if TYPE_CHECKING:
    from browser.field.scenarios import Scenario
    from playwright.sync_api import Page, Route

__all__ = ["Chromium"]

_FLAGS: Final = (
    *DRIVEN_FLAGS,
    # A page of another host may not call this machine without the user's consent.
    "--disable-features=LocalNetworkAccessChecks",
)

# Some builds of Chromium block the cookies of other sites by default.
_PREFERENCES: Final = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}

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

        self._profile = TemporaryDirectory(ignore_cleanup_errors=True)
        preferences = Path(self._profile.name, "Default", "Preferences")
        preferences.parent.mkdir()
        preferences.write_text(json.dumps(_PREFERENCES), encoding="utf-8")
        self._playwright = sync_playwright().start()
        self._context = self._playwright.chromium.launch_persistent_context(
            self._profile.name, executable_path=self._path, args=list(_FLAGS)
        )
        page = self._context.new_page()
        self._devtools = self._context.new_cdp_session(page)
        self.version = str(self._devtools.send("Browser.getVersion")["product"]).partition("/")[2]
        return self

    def __exit__(self, *_: object) -> None:
        self._context.close()
        self._playwright.stop()
        self._profile.cleanup()

    def outcomes(self, url: str, scenario: Scenario) -> tuple[Outcome, ...]:
        """Play a scenario in a profile as good as new."""
        self._devtools.send("Network.clearBrowserCache")
        self._context.clear_cookies()
        name, value = COOKIE
        self._context.add_cookies(
            [
                {
                    "name": name,
                    "value": value,
                    "domain": url.removeprefix("http://").partition(":")[0],
                    "path": "/",
                    "secure": True,
                    "sameSite": "None",
                }
            ]
        )
        return tuple(self._in_a_page(url, call) for call in scenario.calls)

    def _in_a_page(self, url: str, call: Call) -> Outcome:
        page = self._context.new_page()
        try:
            return _outcome(page, url, call)
        finally:
            page.close()


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
