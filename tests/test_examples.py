import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from example_programs import EXAMPLES, PATIENCE, example_environment
from interpreters import plugin_options

EXAMPLE = EXAMPLES / "mixed_api.py"
SUITE = EXAMPLES / "test_your_policies.py"
FREE_PORTS = ("--api-port", "0", "--trusted-port", "0", "--stranger-port", "0")
HOST = "127.0.0.1"
ENVIRONMENT = example_environment()


def run(*arguments: str, program: Sequence[str | Path] = (EXAMPLE,)) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *program, *arguments],
        capture_output=True,
        text=True,
        env=ENVIRONMENT,
        timeout=PATIENCE,
        check=False,
    )


def assert_refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    assert result.returncode == 2
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr


@pytest.fixture(scope="module")
def checked() -> subprocess.CompletedProcess[str]:
    return run("--check")


class TestCheck:
    def test_every_outcome_is_as_expected(self, checked: subprocess.CompletedProcess[str]) -> None:
        assert checked.returncode == 0, checked.stdout
        assert checked.stderr == ""
        header, *rows, _, summary = checked.stdout.splitlines()
        assert header.split() == ["call", "front", "end", "expected", "seen"]
        assert summary == f"{len(rows)} of {len(rows)} outcomes as expected"

    @pytest.mark.parametrize(
        ("call", "front_end", "seen"),
        [
            ("Read the public quotes", "stranger", "200"),
            ("Read them with credentials", "trusted", "blocked, response hidden"),
            ("Log in", "trusted", "200"),
            ("Log in", "stranger", "blocked at the preflight"),
            ("Read the profile, without the cookie", "trusted", "401"),
            ("Upload a file", "trusted", "201, ETag readable"),
            ("Upload a file", "stranger", "blocked at the preflight"),
            ("Transfer money", "trusted", "money sent"),
            ("Transfer money", "stranger", "blocked before the endpoint"),
            ("Add a note", "stranger", "blocked, response hidden"),
            ("Ask for a report that crashes", "trusted", "500"),
            ("Ask for a report that crashes", "stranger", "blocked, response hidden"),
            ("Follow the live events", "trusted", "3 events"),
            ("Join the chat", "trusted", "connected"),
            ("Join the chat", "stranger", "blocked at the handshake"),
            ("Read the internal metrics", "trusted", "blocked, response hidden"),
        ],
    )
    def test_the_table_names_the_outcome(
        self, checked: subprocess.CompletedProcess[str], call: str, front_end: str, seen: str
    ) -> None:
        row = rf"^{re.escape(call)} +{front_end} +{re.escape(seen)} +{re.escape(seen)}$"

        assert re.search(row, checked.stdout, re.MULTILINE), checked.stdout

    def test_without_enforcement_the_strangers_form_sends_money(self) -> None:
        result = run("--check", "--no-enforce")

        assert result.returncode == 0, result.stdout
        assert re.search(r"^Transfer money +stranger +money sent +money sent$", result.stdout, re.MULTILINE)
        assert "blocked before the endpoint" not in result.stdout

    def test_a_surprise_is_named_and_exits_1(self) -> None:
        wrong = f"""
import sys
from dataclasses import replace
sys.path.insert(0, {str(EXAMPLE.parent)!r})
import demonstration, demonstration.check, mixed_api
from demonstration.calls import CALLS, Expected
quotes, *others = CALLS
demonstration.check.CALLS = [replace(quotes, stranger=Expected("404", "wrong on purpose")), *others]
sys.exit(demonstration.main(mixed_api.create_api))
"""
        result = run("--check", program=("-c", wrong))

        assert result.returncode == 1
        surprises = [line.split() for line in result.stdout.splitlines() if line.endswith("UNEXPECTED")]
        assert surprises == [["Read", "the", "public", "quotes", "stranger", "404", "200", "UNEXPECTED"]]


class TestPorts:
    @pytest.mark.parametrize("option", ["--api-port", "--trusted-port", "--stranger-port"])
    def test_one_that_is_in_use(self, option: str) -> None:
        with socket.create_server((HOST, 0)) as taken:
            number = str(taken.getsockname()[1])

            assert_refused(run(*FREE_PORTS, option, number), option, number, "in use")

    @pytest.mark.parametrize("number", ["80", "65536", "-1", "http", "", "٨٠٠٠"])
    def test_one_that_is_none_or_privileged(self, number: str) -> None:
        assert_refused(run(*FREE_PORTS, f"--api-port={number}"), "--api-port", "not a port")

    def test_the_same_one_twice(self) -> None:
        with socket.create_server((HOST, 0)) as free:
            number = str(free.getsockname()[1])

        result = run("--api-port", number, "--trusted-port", number, "--stranger-port", "0")

        assert_refused(result, "--trusted-port", number, "in use")


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """The running example and the three addresses that it printed."""
    with subprocess.Popen(
        [sys.executable, EXAMPLE, *(options or FREE_PORTS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    ) as process:
        assert process.stdout is not None
        try:
            lines = [process.stdout.readline() for _ in range(4)]
            yield process, re.findall(r"http://\S+", "".join(lines))
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process")
class TestStop:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_it_is_clean(self, number: signal.Signals) -> None:
        """Its ports end with it, and may belong to another program at once: nobody looks."""
        with started() as (process, addresses):
            statuses = [httpx.get(address, trust_env=False).status_code for address in addresses]
            assert statuses == [404, 200, 200]

            process.send_signal(number)
            output, errors = process.communicate(timeout=PATIENCE)

        assert process.returncode == 0
        assert (output, errors) == ("", "")

    def test_the_usual_ports_are_taken(self) -> None:
        """By this test, or by another program that runs now."""
        usual, free = (8000, 8001), ("--stranger-port", "0")
        with ExitStack() as taken:
            for port in usual:
                with suppress(OSError):
                    taken.enter_context(socket.create_server((HOST, port)))
            with started(*free) as (process, addresses):
                assert [httpx.get(url, trust_env=False).status_code for url in addresses] == [404, 200, 200]
                process.send_signal(signal.SIGINT)
                _, errors = process.communicate(timeout=PATIENCE)

        assert process.returncode == 0
        assert errors == "".join(f"Port {port} is taken, so a free one is used.\n" for port in usual)

    def test_open_connections_do_not_hold_it(self) -> None:
        with started() as (process, (api, *_)), httpx.Client(trust_env=False) as client:
            assert client.get(f"{api}/public/quotes").status_code == 200
            idle = socket.create_connection((HOST, int(api.rpartition(":")[2])))

            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=PATIENCE)
            idle.close()

        assert (process.returncode, errors) == (0, "")


class TestSuiteToCopy:
    """examples/test_your_policies.py, in a directory of its own, as a user would run it."""

    def run(self, directory: Path, text: str) -> subprocess.CompletedProcess[str]:
        (directory / SUITE.name).write_text(text, encoding="utf-8")
        # It takes as long to load as all the rest.
        loaded = ("-p", "no:hypothesispytest", *plugin_options())
        options = ("-q", "--rootdir", str(directory), *loaded)
        return run(*options, str(directory), program=("-m", "pytest"))

    def test_it_passes(self, tmp_path: Path) -> None:
        result = self.run(tmp_path, SUITE.read_text(encoding="utf-8"))
        assert result.returncode == 0, result.stdout
        assert re.search(r"^\d+ passed", result.stdout, re.MULTILINE)

    def test_it_passes_in_this_repository_with_pytest_alone(self) -> None:
        """Not with this repository's settings, which need pytest-xdist and pytest-asyncio."""
        without = (
            "-p",
            "no:xdist",
            "-p",
            "no:asyncio",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:hypothesispytest",
        )
        result = run(str(SUITE), *without, *plugin_options(), program=("-m", "pytest"))
        assert result.returncode == 0, result.stdout
        assert "\nconfigfile: pytest.ini\n" in result.stdout

    @pytest.mark.parametrize(
        ("right", "wrong", "failing"),
        [
            (
                "origins=[OURS], allow_credentials=True))",
                'origins=[OURS, "https://evil.example"], allow_credentials=True))',
                "test_a_stranger_does_not_read_the_account[https://evil.example]",
            ),
            ("enforce=True", "enforce=False", "test_a_stranger_does_not_even_add_a_note_unread"),
            ("install_cors(app)", "", "test_our_front_end_learns_of_a_crash"),
            (', expose_headers=["X-Total"]', "", "test_everybody_reads_the_quotes_and_their_number"),
            (
                "origins=[OURS], allow_credentials=True))",
                'origins=re.compile("https://app.example.com"), allow_credentials=True))',
                "does_not_read_the_account[https://appxexample.com]",
            ),
        ],
    )
    def test_a_wrong_policy_fails_it(self, tmp_path: Path, right: str, wrong: str, failing: str) -> None:
        text = SUITE.read_text(encoding="utf-8")
        assert right in text
        result = self.run(tmp_path, "import re\n" + text.replace(right, wrong, 1))
        assert result.returncode == 1, result.stdout
        assert re.search(rf"^FAILED .*{re.escape(failing)}", result.stdout, re.MULTILINE), result.stdout
        assert "what the browsers sent" in result.stdout
