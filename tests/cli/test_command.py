"""The command as a process of its own: how it is started, what its output is like, how it ends."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, entry_points, version
from typing import TYPE_CHECKING

import pytest
from interpreters import environment

from .support import SHOP, Run

if TYPE_CHECKING:
    from pathlib import Path

    from .support import Workplace

COMMAND = [sys.executable, "-m", "route_cors"]
LONG = "/" + "a-long-path/" * 20


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    long = SHOP.replace("/quotes", LONG)
    (tmp_path / "main.py").write_text(f"print('imported')\n{long}", encoding="utf-8")
    return tmp_path


def completed(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        cwd=directory,
        env=environment() | variables,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_it_is_installed_under_its_name() -> None:
    found = [point.value for point in entry_points(group="console_scripts") if point.name == "route-cors"]
    assert found in ([], ["route_cors.cli:main"])  # none where the checkout is on the path


def test_its_version(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    run = workplace.run("--version")
    assert run == Run(0, f"route-cors {version('route-cors')}\n", "")

    def not_installed(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", not_installed)
    assert workplace.run("--version") == Run(0, "route-cors, from a checkout that is not installed\n", "")


def test_a_pipe_gets_plain_uncut_lines(shop: Path) -> None:
    run = completed(shop, "table", COLUMNS="80")
    assert (run.returncode, run.stderr) == (0, "imported\n")
    assert "\x1b" not in run.stdout
    (line,) = (line for line in run.stdout.splitlines() if LONG in line)
    assert line.endswith("main.py:10")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_an_output_that_is_not_utf_8_takes_every_path(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "main.py").write_text(SHOP.replace("/quotes", "/Preisübersicht€"), encoding="utf-8")
    run = subprocess.run(
        [*COMMAND, "table"],
        cwd=tmp_path,
        env=environment() | {"PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert "€".encode("ascii", "backslashreplace") in run.stdout


def test_whoever_stops_reading_ends_it_quietly(tmp_path: Path) -> None:
    source = "from fastapi import FastAPI\napp = FastAPI(openapi_url=None)\n"
    source += "for number in range(5000):\n    app.add_route(f'/{number}', print)\n"
    (tmp_path / "main.py").write_text(source)
    with subprocess.Popen(
        [*COMMAND, "table"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"Methods")
        process.stdout.close()
        assert process.stderr.read() == b""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(
    ("variables", "is_coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_a_terminal_gets_colours(shop: Path, variables: dict[str, str], *, is_coloured: bool) -> None:
    text = shown_on_a_terminal(shop, "explain", "GET", "/plain", "--origin", "https://a.example", **variables)
    assert "✗ policy" in re.sub(r"\x1b\[[0-9;]*m", "", text)
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]m", text)) is is_coloured


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_table_longer_than_the_terminal_goes_through_the_users_pager(shop: Path) -> None:
    assert "paged: " in shown_on_a_terminal(shop, "table", PAGER="sed 's/^/paged: /'", LINES="5")
    assert "paged: " not in shown_on_a_terminal(shop, "table", PAGER="sed 's/^/paged: /'", LINES="500")


def shown_on_a_terminal(directory: Path, *arguments: str, **variables: str) -> str:
    import pty

    ours, theirs = pty.openpty()
    clean = {name: value for name, value in environment().items() if name not in {"NO_COLOR", "FORCE_COLOR"}}
    with subprocess.Popen(
        [*COMMAND, *arguments],
        cwd=directory,
        env=clean | {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", "COLUMNS": "100"} | variables,
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.DEVNULL,
    ):
        os.close(theirs)
        shown = b"".join(iter(lambda: read(ours), b""))
    os.close(ours)
    return shown.decode()


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # Linux says so where the other end is closed
        return b""


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    for missing in ("typer", "rich.console"):
        run = run_without(missing, tmp_path, "table")
        name = missing.partition(".")[0]
        assert (run.returncode, run.stdout) == (2, "")
        assert run.stderr == f'route-cors: error: {name} is missing: pip install "route-cors[cli]"\n'


def test_what_one_command_needs_is_named_by_that_command(shop: Path) -> None:
    explain = run_without("ada_url", shop, "explain", "GET", "/plain", "-o", "null")
    assert explain.returncode == 2
    assert explain.stderr.endswith('route-cors: error: ada_url is missing: pip install "route-cors[cli]"\n')
    probe = run_without("ada_url", shop, "probe", "http://127.0.0.1:9", "-o", "null")
    assert (probe.returncode, probe.stdout) == (2, "")
    assert probe.stderr == 'route-cors: error: ada_url is missing: pip install "route-cors[cli]"\n'
    serve = run_without("uvicorn", shop, "serve")
    assert serve.stderr == 'route-cors: error: uvicorn is missing: pip install "route-cors[cli]"\n'
    assert run_without("uvicorn", shop, "check").returncode == 0


def test_a_fault_of_its_own_is_a_traceback(tmp_path: Path) -> None:
    run = run_without("route_cors.insight.describe", tmp_path, "table")
    assert run.returncode == 1
    assert run.stderr.startswith("Traceback (most recent call last):\n")


def run_without(module: str, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command where that module cannot be imported."""
    program = (
        "import sys\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "from route_cors.cli import main\n"
        f"sys.argv = ['route-cors', *{arguments!r}]\n"
        "main()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=directory,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_help_names_every_command(workplace: Workplace) -> None:
    run = workplace.run("--help")
    assert run.code == 0
    assert run.lines[0] == "Usage: route-cors [OPTIONS] COMMAND [ARGS]..."
    assert [line.split()[0] for line in run.out.partition("Commands:\n")[2].splitlines()] == [
        "table",
        "explain",
        "probe",
        "check",
        "codes",
        "migrate",
        "serve",
    ]
    assert "--install-completion" in run.out
    for command in ("table", "explain", "probe", "check", "codes", "migrate", "serve"):
        told = workplace.run(command, "-h")
        assert told.code == 0
        assert told.out.startswith(f"Usage: route-cors {command} [OPTIONS]")


@pytest.mark.parametrize("arguments", [["explain", "GET", "/a"], ["table", "--nope"], ["nope"]])
def test_what_is_no_usage_is_exit_code_2(workplace: Workplace, arguments: list[str]) -> None:
    run = workplace.run(*arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("Usage: route-cors")
