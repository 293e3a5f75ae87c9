"""Every program of examples/: it is listed with its command, and runs by it."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pytest
from example_programs import EXAMPLES, PATIENCE, Answer, answers, commands, example_environment, started

if TYPE_CHECKING:
    from pathlib import Path

TESTS = EXAMPLES.parent / "tests"
HOST = "127.0.0.1"
PROGRAMS = sorted(file.name for file in EXAMPLES.glob("*.py") if file.name != "serving.py")
STARTED_BY_PYTHON = [name for name in PROGRAMS if not name.startswith("test_")]

# ---------------------------------------------------------------------------------------- the list


class Listed(NamedTuple):
    """A row of examples/README.md."""

    question: str
    file: str
    command: str


def listed() -> list[Listed]:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(.+)\]\((\S+)\).* \| `(.+)` \|$", text, re.MULTILINE)
    return [Listed(*row) for row in rows]


def test_every_program_is_listed_once() -> None:
    assert sorted(row.file for row in listed()) == PROGRAMS


def test_every_row_of_the_list_is_read() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    heads = rows.count("| Question | Command |")
    assert len(rows) - 2 * heads == len(listed()) > 0


def test_each_row_has_a_question_and_the_command_that_the_program_names() -> None:
    for row in listed():
        assert row.question.endswith("?")
        start, _, _ = row.command.partition(f" examples/{row.file}")
        assert start in {"python", "python -m pytest"}
        named = [" ".join(word for word in command if "=" not in word) for command in commands(row.file)]
        assert any(f"{command} ".startswith(f"{row.command} ") for command in named)


# What the requests at the top of those that serve get, and what is decided about them.
OURS = "https://app.example.com"
WITH_CREDENTIALS = {"access-control-allow-credentials": "true", "vary": "Origin"}
REFUSED = Answer(403, {"vary": "Origin, Sec-Fetch-Site"})
SERVED: dict[str, tuple[list[Answer], list[str]]] = {
    "behind_a_proxy.py": ([Answer(200, {"vary": "Origin"}), REFUSED], ["RCE05"]),
    "from_settings.py": (
        [Answer(200, {"access-control-allow-origin": "https://pr7.preview.example.com", **WITH_CREDENTIALS})],
        ["RCE03"],
    ),
    "public_api.py": (
        [
            Answer(200, {"access-control-allow-origin": "*", "access-control-expose-headers": "X-Total"}),
            REFUSED,
        ],
        ["RCE03", "RCE05"],
    ),
    "spa_with_cookies.py": (
        [Answer(200, {"access-control-allow-origin": OURS, **WITH_CREDENTIALS}), REFUSED],
        ["RCE03", "RCE05"],
    ),
    "swagger_ui_elsewhere.py": (
        [Answer(200, {"access-control-allow-origin": "https://docs.example.com", "vary": "Origin"})],
        ["RCE03"],
    ),
    "tenants.py": (
        [
            Answer(200, {"access-control-allow-origin": "https://shop.acme.example", **WITH_CREDENTIALS}),
            REFUSED,
        ],
        ["RCE03", "RCE05"],
    ),
}
ELSEWHERE = {
    "dry_run.py": "test_diagnostics_examples.py",
    "live_file.py": "test_live_examples.py",
    "live_http.py": "test_live_examples.py",
    "live_postgres.py": "test_live_examples.py",
    "live_previews.py": "test_live_examples.py",
    "live_redis.py": "test_live_examples.py",
    "mcp_server.py": "third_party/test_mcp.py",
    "mixed_api.py": "test_examples.py",
    "test_your_policies.py": "test_examples.py",
    "with_opentelemetry.py": "test_diagnostics_examples.py",
    "with_prometheus.py": "test_diagnostics_examples.py",
}


def test_every_listed_program_is_run() -> None:
    assert sorted([*SERVED, *ELSEWHERE]) == sorted(row.file for row in listed())
    for name, module in ELSEWHERE.items():
        assert f'"{name}"' in (TESTS / module).read_text(encoding="utf-8")


# -------------------------------------------------------------------------------------- they serve

unix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process")


@unix
@pytest.mark.parametrize("name", SERVED)
def test_it_serves_what_it_says_until_ctrl_c(name: str, tmp_path: Path) -> None:
    with started(name, tmp_path, PORT="0") as program:
        seen = answers(name, program.address)
        output, errors = program.stop()

    assert (seen, re.findall(r"^(RCE\d\d) ", output, re.MULTILINE)) == SERVED[name]
    assert errors == ""


@unix
def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as taken:
        number = str(taken.getsockname()[1])
        with started("tenants.py", tmp_path, PORT=number) as program:
            seen = answers("tenants.py", program.address)
            _, errors = program.stop()

    assert seen == SERVED["tenants.py"][0]
    assert errors == f"Port {number} is taken, so a free one is used.\n"
    assert not program.address.endswith(f":{number}")


@unix
def test_an_open_connection_does_not_hold_it(tmp_path: Path) -> None:
    with (
        started("tenants.py", tmp_path, PORT="0") as program,
        socket.create_connection((HOST, int(program.address.rpartition(":")[2]))),
    ):
        assert answers("tenants.py", program.address) == SERVED["tenants.py"][0]
        _, errors = program.stop()

    assert errors == ""


ENDLESS = '''\
"""A response that does not end.

    python endless.py

No connection is open for as long as this one.
"""
import asyncio
import serving

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a", "more_body": True})
    await asyncio.Event().wait()

if __name__ == "__main__":
    serving.serve(app, lifespan="off")
'''


@unix
def test_a_response_that_does_not_end_does_not_hold_it(tmp_path: Path) -> None:
    shutil.copy(EXAMPLES / "serving.py", tmp_path)
    program = tmp_path / "endless.py"
    program.write_text(ENDLESS, encoding="utf-8")
    with (
        started(str(program), tmp_path, PORT="0") as serving,
        httpx.stream("GET", serving.address, trust_env=False, timeout=PATIENCE) as response,
    ):
        assert next(response.iter_bytes()) == b"a"
        serving.stop()


def run(name: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, EXAMPLES / name],
        capture_output=True,
        text=True,
        env=example_environment(**variables),
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("port", ["65536", "-1", "http", "", "\u0668\u0660\u0660\u0660"])
def test_a_port_that_is_none(port: str) -> None:
    result = run("tenants.py", PORT=port)

    said = f"PORT={port!r} is not a port: write a number from 1 to 65535, or 0 for any free one\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", said)


# ------------------------------------------------------------------------- what is not installed

# Found by every new interpreter on whose path it is.
SITECUSTOMIZE = """\
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise {error}

sys.meta_path.insert(0, Without())
"""


def with_import(directory: Path, package: str, error: str) -> dict[str, str]:
    """The variables of an interpreter in which importing that package raises that error."""
    site = SITECUSTOMIZE.format(package=package, error=error)
    (directory / "sitecustomize.py").write_text(site, encoding="utf-8")
    return {"PYTHONPATH": f"{directory}{os.pathsep}{example_environment()['PYTHONPATH']}"}


def without(directory: Path, package: str) -> dict[str, str]:
    return with_import(directory, package, f"ModuleNotFoundError('No module named {package}', name=name)")


@pytest.mark.parametrize(
    ("name", "package"),
    [
        *((name, "fastapi") for name in STARTED_BY_PYTHON),
        ("from_settings.py", "pydantic_settings"),
        ("public_api.py", "uvicorn"),
        ("public_api.py", "websockets"),
        ("with_opentelemetry.py", "opentelemetry"),
        ("with_prometheus.py", "prometheus_client"),
    ],
)
def test_what_is_missing_is_said_with_the_extra(name: str, package: str, tmp_path: Path) -> None:
    result = run(name, **without(tmp_path, package), PORT="0")

    install = f'{sys.executable} -m pip install -e "{EXAMPLES.parent}[examples]"'
    said = f"No module named {package}. This installs what the example needs: {install}\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", said)


def test_what_the_browser_of_an_example_needs(tmp_path: Path) -> None:
    result = run("with_prometheus.py", **without(tmp_path, "ada_url"))

    assert (result.returncode, result.stdout) == (1, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("route_cors.testing needs ada_url: ")
    assert line.endswith('[examples]"')


def test_what_the_mcp_server_needs(tmp_path: Path) -> None:
    result = run("mcp_server.py", **without(tmp_path, "mcp"))

    install = f"{sys.executable} -m pip install mcp"
    said = f"No module named mcp. This installs what the example needs: {install}\n"
    assert (result.returncode, result.stdout, result.stderr) == (1, "", said)


# ------------------------------------------------------------------------------------------ Ctrl-C


@unix
def test_ctrl_c_before_it_serves(tmp_path: Path) -> None:
    result = run("tenants.py", **with_import(tmp_path, "fastapi", "KeyboardInterrupt"))

    assert (result.returncode, result.stdout, result.stderr) == (-signal.SIGINT, "", "")


def test_any_other_error_has_its_traceback(tmp_path: Path) -> None:
    result = run("tenants.py", **with_import(tmp_path, "fastapi", "ValueError('broken')"))

    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith("Traceback (most recent call last):\n")
    assert result.stderr.endswith("ValueError: broken\n")


@pytest.fixture
def serving(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    return importlib.import_module("serving")


def test_ctrl_c_while_it_runs(serving: Any) -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as exit_:
        serving.run(interrupted)
    assert exit_.value.code == 130


def test_what_it_returns_is_the_exit_code(serving: Any) -> None:
    with pytest.raises(SystemExit) as exit_:
        serving.run(lambda: 7)
    assert exit_.value.code == 7


def test_errors_of_other_programs_are_left_to_them(serving: Any) -> None:
    """Where an example is imported: by a server, by the command `route-cors`, by a test."""
    assert sys.excepthook is not serving.report_plainly


def test_an_address_that_cannot_be_used_is_an_error(
    serving: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(serving, "HOST", "192.0.2.1")  # of no machine
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        serving.listen(0)
    assert capsys.readouterr().err == ""  # nor is a port said to be taken
