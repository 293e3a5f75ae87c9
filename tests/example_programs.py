"""The programs of examples/: what they say about themselves, and how they are started and stopped."""

from __future__ import annotations

import ast
import re
import shlex
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import httpx
from interpreters import environment

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "EXAMPLES",
    "PATIENCE",
    "Answer",
    "Serving",
    "answers",
    "commands",
    "example_environment",
    "started",
]

EXAMPLES = Path(__file__).parents[1] / "examples"
# Far beyond what any of it takes, so that a hanging program fails its test and no more.
PATIENCE = 60


def example_environment(**variables: str) -> dict[str, str]:
    """With a proxy that answers nobody: what is on this machine is not for it."""
    nobody = "http://127.0.0.1:9"
    return environment() | {"HTTP_PROXY": nobody, "HTTPS_PROXY": nobody} | variables


def commands(name: str) -> list[list[str]]:
    """The commands at the top of a program, as a shell reads them."""
    text = ast.get_docstring(ast.parse((EXAMPLES / name).read_text(encoding="utf-8"))) or ""
    block = re.findall(r"(?:^    .+\n)+", f"{text}\n", re.MULTILINE)[0]
    return [shlex.split(line) for line in block.replace("\\\n", "").splitlines()]


class Answer(NamedTuple):
    """What a request of the docstring gets: the status, and the headers that concern CORS."""

    status: int
    cors: dict[str, str]


@dataclass(frozen=True)
class Serving:
    """A program that serves."""

    process: subprocess.Popen[str]
    address: str

    def stop(self) -> tuple[str, str]:
        """What it printed, and its errors, after Ctrl-C; it has to return 0."""
        self.process.send_signal(signal.SIGINT)
        output, errors = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0, errors
        return output, errors


@contextmanager
def started(name: str, directory: Path, **variables: str) -> Iterator[Serving]:
    """The program, started by its own first command, in a directory that has nothing for it."""
    own = [word for word in commands(name)[0] if "=" in word]
    variables |= dict(word.split("=", 1) for word in own)
    with subprocess.Popen(
        [sys.executable, EXAMPLES / name],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=directory,
        env=example_environment(**variables),
    ) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            said = re.fullmatch(r"Serving on (http://127\.0\.0\.1:\d+) \(Ctrl-C stops\)\n", line)
            assert said is not None, line
            yield Serving(process, said[1])
        finally:
            if process.poll() is None:
                process.kill()


def answers(name: str, address: str) -> list[Answer]:
    """The answers to the requests at the top of a program."""
    return [_ask(command, address) for command in commands(name) if command[0] == "curl"]


def _ask(command: list[str], address: str) -> Answer:
    """Send what curl would send."""
    method, headers = "GET", dict[str, str]()
    *options, url = command[2:]
    assert command[:2] == ["curl", "-i"]
    for option, value in zip(options[::2], options[1::2], strict=True):
        if option == "-X":
            method = value
        else:
            assert option == "-H"
            header, _, headers[header] = value.partition(": ")
    assert url.startswith("http://127.0.0.1:8000/")
    url = url.replace("http://127.0.0.1:8000", address)
    got = httpx.request(method, url, headers=headers, trust_env=False, timeout=PATIENCE)
    cors = {key: value for key, value in got.headers.items() if key == "vary" or key.startswith("access-")}
    return Answer(got.status_code, cors)
