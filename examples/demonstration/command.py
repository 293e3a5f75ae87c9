"""The command of examples/mixed_api.py: the API and the two front ends, each on a port of its own."""

import argparse
import signal
import socket
import threading
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Protocol

import serving
from starlette.types import ASGIApp

from demonstration.calls import FRONT_ENDS
from demonstration.check import check
from demonstration.pages import Sites, create_front_end

__all__ = ["main"]

# All three have one host name: cookies ignore ports, so the session cookie of the API is sent with the calls
# of both pages, and only CORS decides which of them may read the responses.
PORTS = {"api": 8000, "trusted": 8001, "stranger": 8002}
UNPRIVILEGED = range(1024, 65536)


class CreateAPI(Protocol):
    """The function that makes the API of the demonstration."""

    def __call__(self, front_end: str, *, enforce: bool) -> ASGIApp:
        """The API for the front end at this origin."""
        ...


def create_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description="An API with several CORS policies, and two front ends.")
    for name, default in PORTS.items():
        parser.add_argument(
            f"--{name}-port",
            metavar="PORT",
            help=f"default: {default}, or a free one if it is taken; 0: any free one",
        )
    parser.add_argument(
        "--check",
        action="store_true",
        help="make the calls without a browser, on free ports; exit 1 when an outcome is not as expected",
    )
    parser.add_argument(
        "--no-enforce",
        action="store_false",
        dest="enforce",
        help="do not enforce the policies, to see what a form of another origin can do",
    )
    return parser


def listen(port: str) -> socket.socket:
    """A socket that listens on the port that was asked for, and on no other."""
    number = int(port) if port.isascii() and port.isdigit() else -1
    if number != 0 and number not in UNPRIVILEGED:
        raise ValueError(f"{port!r} is not a port from 1024 to 65535, or 0 for any free one")
    return socket.create_server((serving.HOST, number))


def listen_on_all(options: argparse.Namespace, parser: argparse.ArgumentParser) -> dict[str, socket.socket]:
    """The sockets of the API and the front ends."""
    listeners: dict[str, socket.socket] = {}
    for name, default in PORTS.items():
        port: str | None = getattr(options, f"{name}_port")
        if port is None:
            listeners[name] = serving.listen(0 if options.check else default)
            continue
        try:
            listeners[name] = listen(port)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            parser.exit(2, f"{parser.prog}: error: --{name}-port: {reason}\n")
    return listeners


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C sets, so that there is no traceback."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def main(create_api: CreateAPI, arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = create_parser()
    options = parser.parse_args(arguments)
    enforce: bool = options.enforce
    with ExitStack() as stack:
        listeners = listen_on_all(options, parser)
        for listener in listeners.values():
            stack.enter_context(listener)
        sites = Sites(**{name: serving.address(listener) for name, listener in listeners.items()})
        stack.enter_context(serving.running(create_api(sites.trusted, enforce=enforce), listeners["api"]))
        if options.check:
            return 0 if check(sites, enforce=enforce) else 1
        for front_end in FRONT_ENDS:
            app = create_front_end(front_end, sites, enforce=enforce)
            stack.enter_context(serving.running(app, listeners[front_end]))
        stop = stop_on_signals()
        print(f"API                {sites.api}")
        print(f"Trusted front end  {sites.trusted}")
        print(f"Stranger           {sites.stranger}")
        print("Open both pages in one browser. Ctrl-C stops.", flush=True)
        # With a timeout, because an endless wait keeps Windows from delivering the signal.
        while not stop.wait(0.2):
            pass
    return 0
