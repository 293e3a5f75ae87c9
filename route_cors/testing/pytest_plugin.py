"""The fixtures `cors_browser` and `async_cors_browser`, and the report section of failed tests.

pytest imports this module in every run, whether a test uses it or not. So it only imports pytest, and
registers no hooks until a test uses a fixture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

    import pluggy

    from route_cors.testing import AsyncBrowser, Browser

    _Browser = TypeVar("_Browser", Browser, AsyncBrowser)

_REPORTER = "route_cors.reporter"
_BROWSERS = pytest.StashKey[list[Any]]()


@pytest.fixture
def cors_browser(request: pytest.FixtureRequest) -> type[Browser]:
    """`route_cors.testing.Browser`; if the test fails, the report shows what its browsers sent.

    Example:
        def test_only_our_front_end_may_save(cors_browser):
            browser = cors_browser(app, origin="https://app.example.com")
            assert browser.fetch("/account/7", method="DELETE").status_code == 200
    """
    from route_cors.testing import Browser  # noqa: PLC0415 - only in runs that use it

    return _reported(Browser, request)


@pytest.fixture
def async_cors_browser(request: pytest.FixtureRequest) -> type[AsyncBrowser]:
    """`route_cors.testing.AsyncBrowser`; if the test fails, the report shows what its browsers sent.

    Example:
        async def test_only_our_front_end_may_save(async_cors_browser):
            browser = async_cors_browser(app, origin="https://app.example.com")
            assert (await browser.fetch("/account/7", method="DELETE")).status_code == 200
    """
    from route_cors.testing import AsyncBrowser  # noqa: PLC0415 - only in runs that use it

    return _reported(AsyncBrowser, request)


def _reported(kind: type[_Browser], request: pytest.FixtureRequest) -> type[_Browser]:
    """The same class, but its instances are recorded with the test."""
    manager = request.config.pluginmanager
    if not manager.has_plugin(_REPORTER):
        manager.register(_Reporter(), _REPORTER)
    browsers = request.node.stash.setdefault(_BROWSERS, [])

    def remember(self: _Browser, *args: Any, **kwargs: Any) -> None:
        kind.__init__(self, *args, **kwargs)
        browsers.append(self)

    return type(kind.__name__, (kind,), {"__init__": remember, "__module__": kind.__module__})


class _Reporter:
    """Adds a section about the browsers to the report of a failed test."""

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pluggy.Result[pytest.TestReport], None]:
        report = (yield).get_result()
        browsers = item.stash.get(_BROWSERS, None)
        if report.failed and browsers:
            pages = "\n".join(f"{browser!r}\n{_indented(str(browser.history))}" for browser in browsers)
            report.sections.append(("what the browsers sent", pages))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines() or ["nothing"])
