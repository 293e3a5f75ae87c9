"""What holds for every test: the backend, the browser's marker, and which route_cors is under test."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

import route_cors

if TYPE_CHECKING:
    from collections.abc import Generator

ROOT = Path(__file__).resolve().parents[1]
BROWSER_TESTS = ROOT / "tests" / "browser"

# So that its assertions say what they compared, as those of a test module do.
pytest.register_assert_rewrite("kept_policies")

# A slow machine is no failure; a CI run that fails must fail again.
settings.register_profile("route_cors", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("route_cors")


def pytest_report_header() -> list[str]:
    versions = (f"{name} {version(name)}" for name in ("fastapi", "starlette", "anyio", "httpx"))
    return [f"route_cors: {Path(route_cors.__file__).parent}", f"with: {', '.join(versions)}"]


def pytest_configure() -> None:
    of_the_checkout = Path(route_cors.__file__).is_relative_to(ROOT / "route_cors")
    if of_the_checkout and _required("ROUTE_CORS_EXPECT_INSTALLED"):
        pytest.exit(f"an installed route_cors was to be tested, not {route_cors.__file__}", returncode=1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(BROWSER_TESTS):
            item.add_marker(pytest.mark.browser)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and item.get_closest_marker("browser"):
        _fail_if_a_browser_is_required(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if report.skipped and collector.path.is_relative_to(BROWSER_TESTS):
        _fail_if_a_browser_is_required(report)
    return report


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def _required(variable: str) -> bool:
    return os.environ.get(variable, "") not in {"", "0"}


def _fail_if_a_browser_is_required(report: pytest.TestReport | pytest.CollectReport) -> None:
    if _required("ROUTE_CORS_REQUIRE_BROWSER"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
        report.outcome = "failed"
        report.longrepr = f"ROUTE_CORS_REQUIRE_BROWSER forbids to skip this: {reason}"
