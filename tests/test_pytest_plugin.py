"""The pytest plugin, in runs of pytest as a user starts them."""

from __future__ import annotations

import re
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from interpreters import environment, plugin_options

import route_cors.testing.pytest_plugin
from route_cors.testing import AsyncBrowser, Browser

if TYPE_CHECKING:
    from pathlib import Path

A = "https://app.example.com"
E = "https://evil.example"

APP = f"""
    async def app(scope, receive, send):
        headers = [(b"access-control-allow-origin", b"{A}"), (b"x-id", b"7")]
        if scope["type"] == "websocket":
            await receive()
            await send({{"type": "websocket.close"}})
            return
        if scope["path"] == "/broken":
            raise RuntimeError("broken on purpose")
        await send({{"type": "http.response.start", "status": 200, "headers": headers}})
        await send({{"type": "http.response.body", "body": b"notes"}})
"""


class Run:
    """A directory with tests, and what pytest says of them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        # In a file of its own, so that no configuration above is found.
        self.write("pytest.ini", "[pytest]\nfilterwarnings = error\n")
        self.write("app.py", APP)

    def write(self, name: str, text: str) -> None:
        (self._directory / name).write_text(dedent(text), encoding="utf-8")

    def __call__(self, *options: str, plugin: bool = True, asyncio: bool = False) -> Outcome:
        # It takes as long to load as all the rest.
        loaded = ["-p", "no:hypothesispytest"]
        if plugin:
            loaded += plugin_options()
        if not asyncio:
            # It warns of a setting of its own, and warnings are errors here.
            loaded += ["-p", "no:asyncio"]
        result = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-p",
                "no:cacheprovider",
                "--color=no",
                "-rA",
                *loaded,
                *options,
            ],
            cwd=self._directory,
            env=environment() | {"PYTEST_ADDOPTS": "", "COLUMNS": "100"},
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert result.stderr == ""
        return Outcome(result.stdout)


class Outcome:
    """The report of a run."""

    def __init__(self, text: str) -> None:
        self.text = text

    @property
    def results(self) -> dict[str, str]:
        """Of each test, by its name."""
        lines = re.findall(r"^(PASSED|FAILED|ERROR|SKIPPED) \S+?::(\S+)", self.text, re.MULTILINE)
        return {name: result for result, name in lines}

    def report_of(self, name: str) -> str:
        """What is printed of one failed test."""
        start = re.search(rf"^_+ (?:ERROR at \w+ of )?{re.escape(name)} _+$", self.text, re.MULTILINE)
        assert start is not None, self.text
        rest = self.text[start.end() :]
        end = re.search(r"^(?:_{3,} .* _{3,}|={3,} .* ={3,})$", rest, re.MULTILINE)
        return rest if end is None else rest[: end.start()]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path)


SECTION = re.compile(r"^-+ what the browsers sent -+$", re.MULTILINE)


def shown(report: str) -> list[str]:
    """The lines of the section; none where there is no section."""
    parts = SECTION.split(report)
    assert len(parts) <= 2, report
    return (
        re.split(r"^-{3,} ", parts[1], flags=re.MULTILINE)[0].strip().splitlines() if len(parts) == 2 else []
    )


def test_a_failed_test_shows_what_its_browsers_sent(run: Run) -> None:
    run.write(
        "test_notes.py",
        f"""
        import pytest
        from app import app
        from route_cors.testing import CORSBlocked

        @pytest.fixture
        def ours(cors_browser):
            return cors_browser(app, origin="{A}")

        def test_blocked(cors_browser):
            stranger = cors_browser(app, origin="{E}")
            stranger.fetch("/notes", method="PUT")

        def test_blocked_at_a_handshake(ours):
            ours.connect("/chat")

        def test_broken(ours):
            ours.fetch("/broken")

        def test_another_reason(ours):
            assert ours.fetch("/notes").status_code == 404

        def test_did_not_raise(ours, cors_browser):
            stranger = cors_browser(app, origin="{E}")
            with pytest.raises(CORSBlocked):
                stranger.fetch("/notes")
            with pytest.raises(CORSBlocked):
                ours.fetch("/notes")

        def test_nothing_was_sent(ours):
            assert list(ours.history) != []

        def test_another_page(ours):
            with pytest.raises(CORSBlocked):
                ours.page(origin="{E}").fetch("/notes")
            assert False

        def test_no_browser(cors_browser):
            assert False

        def test_no_fixture():
            assert False

        @pytest.fixture
        def logged_in(ours):
            ours.fetch("/login")
            ours.connect("/chat")

        def test_at_setup(logged_in):
            pass

        @pytest.fixture
        def leaving(ours):
            yield
            ours.connect("/chat")

        def test_at_teardown(leaving):
            pass

        def test_passes(ours):
            assert ours.fetch("/notes").text == "notes"

        def test_a_browser_of_its_own(cors_browser):
            assert cors_browser(app, origin="{A}") is not cors_browser(app, origin="{A}")

        def test_it_is_the_class(cors_browser):
            from route_cors.testing import Browser
            assert isinstance(cors_browser(app, origin="{A}"), Browser)
            assert repr(cors_browser(app, origin="null")) == "<Browser at null>"

        def test_cookies_are_not_shared(cors_browser):
            one, other = (cors_browser(app, origin="{A}") for _ in range(2))
            one.cookies.set("session", "abc")
            assert dict(other.cookies) == {{}}
        """,
    )
    outcome = run()

    assert outcome.results == {
        "test_blocked": "FAILED",
        "test_blocked_at_a_handshake": "FAILED",
        "test_broken": "FAILED",
        "test_another_reason": "FAILED",
        "test_did_not_raise": "FAILED",
        "test_nothing_was_sent": "FAILED",
        "test_another_page": "FAILED",
        "test_no_browser": "FAILED",
        "test_no_fixture": "FAILED",
        "test_at_setup": "ERROR",
        "test_at_teardown": "ERROR",
        "test_passes": "PASSED",
        "test_a_browser_of_its_own": "PASSED",
        "test_it_is_the_class": "PASSED",
        "test_cookies_are_not_shared": "PASSED",
    }

    blocked = outcome.report_of("test_blocked")
    assert shown(blocked) == [f"<Browser at {E}>", "    preflight OPTIONS https://testserver/notes -> 200"]
    assert (
        "E       route_cors.testing.CORSBlocked: the preflight does not allow the origin "
        f'{E} and grants no method PUT: origins=["{E}"], methods=["PUT"], and a route that serves it\n'
        "E       Access to fetch at 'https://testserver/notes' "
        f"from origin '{E}' has been blocked by CORS policy: Response to preflight request doesn't pass "
        f"access control check: The 'Access-Control-Allow-Origin' header has a value '{A}' that is not equal "
        "to the supplied origin."
    ) in blocked
    assert "E       what would have allowed it:\nE           204 No Content\n" in blocked
    assert '>       stranger.fetch("/notes", method="PUT")' in blocked

    at_handshake = outcome.report_of("test_blocked_at_a_handshake")
    assert shown(at_handshake) == [f"<Browser at {A}>", "    websocket GET wss://testserver/chat -> 403"]
    assert "Error during WebSocket handshake: Unexpected response code: 403" in at_handshake

    broken = outcome.report_of("test_broken")
    assert shown(broken) == [f"<Browser at {A}>", "    actual GET https://testserver/broken -> 500"]
    assert "the app raised:\nE           RuntimeError('broken on purpose')" in broken
    # Where the app raised it is what its author looks for.
    assert re.search(r"^app\.py:\d+: RuntimeError$", broken, re.MULTILINE)

    history = [f"<Browser at {A}>", "    actual GET https://testserver/notes -> 200"]
    assert shown(outcome.report_of("test_another_reason")) == history
    did_not_raise = outcome.report_of("test_did_not_raise")
    assert "DID NOT RAISE" in did_not_raise
    stranger = [f"<Browser at {E}>", "    actual GET https://testserver/notes -> 200"]
    assert shown(did_not_raise) == [*history, *stranger]
    assert shown(outcome.report_of("test_nothing_was_sent")) == [f"<Browser at {A}>", "    nothing"]
    assert shown(outcome.report_of("test_another_page")) == [f"<Browser at {A}>", "    nothing", *stranger]
    assert shown(outcome.report_of("test_no_browser")) == []
    assert shown(outcome.report_of("test_no_fixture")) == []
    assert shown(outcome.report_of("test_at_setup")) == [
        f"<Browser at {A}>",
        "    actual GET https://testserver/login -> 200",
        "    websocket GET wss://testserver/chat -> 403",
    ]
    assert shown(outcome.report_of("test_at_teardown")) == [
        f"<Browser at {A}>",
        "    websocket GET wss://testserver/chat -> 403",
    ]
    assert len(SECTION.findall(outcome.text)) == 9

    # The tests' own lines, and the app's, and none of the package's.
    places = re.findall(r"^(\S+\.py):\d+: ", outcome.text, re.MULTILINE)
    assert {place.rpartition("/")[2] for place in places} == {"test_notes.py", "app.py"}
    assert "route_cors/" not in outcome.text.replace("\\", "/").partition("= FAILURES =")[2]


def test_mistakes_in_a_call_are_shown_where_they_are_made(run: Run) -> None:
    run.write(
        "test_notes.py",
        f"""
        from app import app

        def test_no_origin(cors_browser):
            cors_browser(app)

        def test_bad_origin(cors_browser):
            cors_browser(app, origin="{A}/")

        def test_bad_url(cors_browser):
            cors_browser(app, origin="{A}").fetch("ftp://api.example/")
        """,
    )
    outcome = run("--tb=short")

    assert outcome.results == dict.fromkeys(["test_no_origin", "test_bad_origin", "test_bad_url"], "FAILED")
    assert "keyword-only argument: 'origin'" in outcome.report_of("test_no_origin")
    assert f"write '{A}'" in outcome.report_of("test_bad_origin")
    assert shown(outcome.report_of("test_no_origin")) == shown(outcome.report_of("test_bad_origin")) == []
    assert "ftp://api.example/" in outcome.report_of("test_bad_url")
    assert shown(outcome.report_of("test_bad_url")) == [f"<Browser at {A}>", "    nothing"]


# --- async tests --------------------------------------------------------------------------------------

ASYNC_TESTS = f"""
    import pytest
    from app import app
    from route_cors.testing import AsyncBrowser, CORSBlocked

    MARK

    async def test_passes(async_cors_browser):
        browser = async_cors_browser(app, origin="{A}")
        assert isinstance(browser, AsyncBrowser)
        assert (await browser.fetch("/notes")).text == "notes"

    async def test_blocked(async_cors_browser):
        stranger = async_cors_browser(app, origin="{E}")
        await stranger.fetch("/notes")

    async def test_handshake(async_cors_browser):
        with pytest.raises(CORSBlocked, match="403"):
            await async_cors_browser(app, origin="{A}").connect("/chat")

    async def test_sync_browser(cors_browser):
        assert cors_browser(app, origin="{A}").fetch("/notes").text == "notes"
"""


def assert_async_outcome(outcome: Outcome, *variants: str) -> None:
    expected = {"test_passes": "PASSED", "test_blocked": "FAILED", "test_handshake": "PASSED"}
    expected["test_sync_browser"] = "PASSED"
    assert outcome.results == {
        f"{name}{variant}": result for name, result in expected.items() for variant in variants
    }
    for variant in variants:
        report = outcome.report_of(f"test_blocked{variant}")
        assert shown(report) == [
            f"<AsyncBrowser at {E}>",
            "    actual GET https://testserver/notes -> 200",
        ]
        assert "is not equal to the supplied origin" in report
        assert '>       await stranger.fetch("/notes")' in report
    assert "route_cors/" not in outcome.text.replace("\\", "/").partition("= FAILURES =")[2]


def test_a_host_without_a_server_fails_at_the_tests_own_line(run: Run) -> None:
    run.write(
        "test_hosts.py",
        f"""
        import warnings

        import anyio
        from app import app

        with warnings.catch_warnings():
            # The Starlette of the oldest FastAPI uses a name that anyio has deprecated since.
            warnings.simplefilter("ignore", DeprecationWarning)
            from starlette.testclient import TestClient

        HOSTS = {{"https://api.example": app}}

        def test_sync(cors_browser):
            browser = cors_browser(HOSTS, origin="{A}", show_secrets=True)
            assert browser.fetch("/notes").text == "notes"
            browser.fetch("https://other.example/notes")

        def test_async(async_cors_browser):
            browser = async_cors_browser(HOSTS, origin="{A}")
            anyio.run(browser.fetch, "https://other.example/notes")

        def test_client(cors_browser):
            cors_browser(TestClient(app), origin="{A}").fetch("https://other.example/notes")
        """,
    )
    outcome = run()
    assert outcome.results == dict.fromkeys(("test_sync", "test_async", "test_client"), "FAILED")
    said = "route_cors.testing.UnknownHostError: https://other.example: no server answers"
    report = outcome.report_of("test_sync")
    assert said in report
    assert '>       browser.fetch("https://other.example/notes")' in report
    assert shown(report) == [f"<Browser at {A}>", "    actual GET https://api.example/notes -> 200"]
    assert said in outcome.report_of("test_async")
    assert said in outcome.report_of("test_client")
    assert "route_cors/" not in outcome.text.replace("\\", "/").partition("= FAILURES =")[2]


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_with_pytest_asyncio(run: Run, mode: str) -> None:
    pytest.importorskip("pytest_asyncio")
    mark = "pytestmark = pytest.mark.asyncio" if mode == "strict" else ""
    run.write("test_notes.py", ASYNC_TESTS.replace("MARK", mark))

    options = ["-o", f"asyncio_mode={mode}", "-o", "asyncio_default_fixture_loop_scope=function"]
    assert_async_outcome(run(*options, asyncio=True), "")


def test_with_the_plugin_of_anyio(run: Run) -> None:
    pytest.importorskip("trio")
    run.write("test_notes.py", ASYNC_TESTS.replace("MARK", "pytestmark = pytest.mark.anyio"))
    run.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture(params=["asyncio", "trio"])
        def anyio_backend(request):
            return request.param
        """,
    )

    assert_async_outcome(run(), "[asyncio]", "[trio]")


def test_with_xdist(run: Run) -> None:
    pytest.importorskip("xdist")
    run.write("test_notes.py", ASYNC_TESTS.replace("MARK", "pytestmark = pytest.mark.anyio"))
    run.write(
        "conftest.py",
        """
        import pytest

        @pytest.fixture
        def anyio_backend():
            return "asyncio"
        """,
    )
    outcome = run("-n", "1")

    assert "1 worker" in outcome.text
    assert_async_outcome(outcome, "")


# --- what it costs ------------------------------------------------------------------------------------

WATCHING = """
    import sys
    import pytest

    def state():
        loaded = {name.partition(".")[0] for name in sys.modules}
        packages = loaded & {"ada_url", "fastapi", "httpx", "httpx2", "starlette"}
        own = {name for name in sys.modules if name.split(".")[0] == "route_cors"}
        return sorted(packages), sorted(own)

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logfinish(nodeid, location):
        import app
        reporters = [
            name for name, plugin in app.manager.list_name_plugin()
            if "route_cors" in name and plugin is not None and app.manager.get_hookcallers(plugin)
        ]
        print(f"\\n<{nodeid.rpartition(':')[2]}: {reporters} {state()}>")

    def pytest_configure(config):
        import app
        app.manager = config.pluginmanager
"""


def test_nothing_is_loaded_or_called_until_a_fixture_is_used(run: Run) -> None:
    run.write("app.py", "")
    run.write("conftest.py", WATCHING)
    run.write(
        "test_notes.py",
        """
        def test_without():
            pass

        def test_with(cors_browser):
            pass

        def test_after():
            assert False
        """,
    )
    # The other plugins load some of the packages themselves.
    outcome = run("-s", "-p", "no:anyio", "-p", "no:xdist")

    assert outcome.results == {"test_without": "PASSED", "test_with": "PASSED", "test_after": "FAILED"}
    without, used, after = re.findall(r"^<(\w+: .*)>$", outcome.text, re.MULTILINE)
    assert (
        without
        == "test_without: [] ([], ['route_cors', 'route_cors.testing', 'route_cors.testing.pytest_plugin'])"
    )
    assert used.startswith("test_with: ['route_cors.reporter'] ")
    assert "'route_cors.testing.browser'" in used
    assert "fastapi" not in used
    assert after.startswith("test_after: ['route_cors.reporter'] ")
    assert shown(outcome.report_of("test_after")) == []


def test_it_can_be_switched_off(run: Run) -> None:
    run.write(
        "test_notes.py",
        f"""
        from app import app
        from route_cors.testing import Browser

        def test_without_the_fixture():
            assert Browser(app, origin="{A}").fetch("/notes").text == "notes"

        def test_with_the_fixture(cors_browser):
            pass
        """,
    )
    outcome = run("-p", "no:route_cors", plugin=False)

    assert outcome.results == {"test_without_the_fixture": "PASSED", "test_with_the_fixture": "ERROR"}
    assert "fixture 'cors_browser' not found" in outcome.text


def test_its_fixtures_are_listed_with_what_they_are_for(run: Run) -> None:
    run.write("test_notes.py", "def test(): pass\n")
    text = run("--fixtures").text

    for name, browser in {"cors_browser": Browser, "async_cors_browser": AsyncBrowser}.items():
        listed = f"`route_cors.testing.{browser.__name__}`; if the test fails, the report shows what its"
        assert re.search(rf"^{name} -- .*\n    {re.escape(listed)}", text, re.MULTILINE), text


# --- in this very run ---------------------------------------------------------------------------------

if plugin_options():
    cors_browser = route_cors.testing.pytest_plugin.cors_browser
    async_cors_browser = route_cors.testing.pytest_plugin.async_cors_browser


def test_the_fixture_is_a_browser(cors_browser: type[Browser]) -> None:
    site = cors_browser("http://127.0.0.1:9", origin=A)

    assert isinstance(site, Browser)
    assert issubclass(cors_browser, Browser)
    assert repr(cors_browser) == repr(Browser)


def test_the_async_fixture_is_an_async_browser(async_cors_browser: type[AsyncBrowser]) -> None:
    assert isinstance(async_cors_browser("http://127.0.0.1:9", origin=A), AsyncBrowser)
