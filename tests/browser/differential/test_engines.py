"""Engines that are missing, crash, hang, or come up in another locale: each fails within its time."""

from __future__ import annotations

import os
import select
import sys
from typing import TYPE_CHECKING, Final

import pytest
from browser.engines import ENGINES, Engine, EngineError

from .cases import Answer
from .harness import Work, done_by
from .servers import Servers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from browser.engines import Name

# What a page does, without a browser: it takes its work, and posts what the engine is told to have seen.
PAGE: Final = """
import json, sys, urllib.request
here = sys.argv[1].removesuffix("top")
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
told = json.loads(opener.open(here + "work").read())
opener.open(here + "seen", json.dumps(POSTED).encode())
import time; time.sleep(600)
"""


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


@pytest.fixture
def engine(tmp_path: Path) -> Callable[[str], Engine]:
    """An engine that is a Python program."""

    def make(code: str) -> Engine:
        program = tmp_path / "engine.py"
        program.write_text(code, encoding="utf-8")
        return Engine(
            "chromium", "chromium", (sys.executable,), lambda _, __, url: (str(program), url), lambda *_: None
        )

    return make


def work(seconds: float) -> Work:
    return Work("cases 0 to 9", lambda _: {"top": Answer()}, {"some": "work"}, seconds)


def test_what_the_page_posts_is_returned(servers: Servers, engine: Callable[[str], Engine]) -> None:
    posts = PAGE.replace("POSTED", '{"language": "en-US", "seen": [told, "\u00e9"]}')

    assert done_by(engine(posts), servers, work(30)) == [{"some": "work"}, "\u00e9"]


def test_an_engine_that_crashes_is_named_with_its_last_words(
    servers: Servers, engine: Callable[[str], Engine]
) -> None:
    crashes = "import sys; print('no display'); sys.exit(3)"

    with pytest.raises(EngineError, match=r"chromium, cases 0 to 9: .* status 3; it said:\nno display"):
        done_by(engine(crashes), servers, work(30))


def test_an_engine_that_hangs_ends_with_its_children(
    servers: Servers, engine: Callable[[str], Engine], tmp_path: Path
) -> None:
    hangs = f"""
import os, pathlib, subprocess, time
child = subprocess.Popen(["sleep", "600"])
pathlib.Path({str(tmp_path / "pids")!r}).write_text(f"{{os.getpid()}} {{child.pid}}")
time.sleep(600)
"""

    with pytest.raises(EngineError, match=r"chromium, cases 0 to 9: nothing was posted within 5 s"):
        done_by(engine(hangs), servers, work(5))

    for pid in (tmp_path / "pids").read_text(encoding="ascii").split():
        assert ends(int(pid))


def test_an_engine_in_another_locale_is_refused(servers: Servers, engine: Callable[[str], Engine]) -> None:
    posts = PAGE.replace("POSTED", '{"language": "de-CH", "seen": []}')

    with pytest.raises(EngineError, match="chromium, cases 0 to 9: came up in 'de-CH', not 'en-US'"):
        done_by(engine(posts), servers, work(30))


def test_a_script_that_fails_is_reported(servers: Servers, engine: Callable[[str], Engine]) -> None:
    posts = PAGE.replace("POSTED", '{"error": "TypeError: told is undefined"}')

    with pytest.raises(EngineError, match="the page's script failed: TypeError: told is undefined"):
        done_by(engine(posts), servers, work(30))


@pytest.mark.parametrize("name", ENGINES)
def test_a_missing_engine_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, name: Name) -> None:
    missing = ENGINES[name]
    monkeypatch.setenv(missing.variable, "/nonexistent/browser")

    assert missing.missing() == f"no {name} at /nonexistent/browser (ROUTE_CORS_{name.upper()})"
    with (
        pytest.raises(EngineError, match="no "),
        missing.open("http://127.0.0.1/", "http://127.0.0.1", print),
    ):
        pytest.fail("it was opened")


def test_an_engine_that_is_nowhere_names_its_package() -> None:
    nowhere = Engine("firefox", "firefox-esr", ("no-such-browser",), lambda *_: (), lambda *_: None)

    assert nowhere.missing() == "no firefox: apt-get install firefox-esr, or name it in ROUTE_CORS_FIREFOX"


def ends(pid: int) -> bool:
    """Whether a process is gone, or goes within ten seconds: a signal takes effect in its own time."""
    try:
        process = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(process) as file:
        readable, _, _ = select.select([file], [], [], 10)
    return bool(readable)
