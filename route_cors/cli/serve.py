"""`route-cors serve`: the inspector page on one port of this machine, and the app on another."""

from __future__ import annotations

import os
import signal
import socket
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from route_cors.cli.errors import CommandError, one_line
from route_cors.insight.inspector import inspector

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from starlette.types import ASGIApp

    from route_cors.cli.text import Screen

# Not "localhost", which may be ::1, where another program can use the same port.
_HOST: Final = "127.0.0.1"
_MAX_PORT: Final = 65535
_LONGEST_STOP: Final = 2  # seconds; an open stream would never end
_PATIENCE: Final = 0.1  # seconds


def serve(screen: Screen, app: Any, *, port: int, api: str | None) -> None:
    """Serve the inspector until a signal stops it, and the app, which the page calls.

    Args:
        screen: where to print the addresses.
        app: the app to inspect.
        port: of the inspector; 0 for any free one.
        api: the URL of the running app; None: it is served here, on a free port.

    Raises:
        CommandError: the port is taken, `api` is not a base URL, or the app does not start.
    """
    with ExitStack() as stack:
        stop = stack.enter_context(_stopped_by_signals())
        page = stack.enter_context(_listening(port))
        running: list[_Running] = []
        if api is None:
            listener = stack.enter_context(_listening(0))
            api = _url(listener)
            running.append(stack.enter_context(_serving(app, listener)))
        guarded = _guarded(app, api)
        running.append(stack.enter_context(_serving(guarded, page, lifespan="off")))
        _wait(stop, until=lambda: all(each.has_started() for each in running))
        screen.line(f"Inspector  {_url(page)}")
        screen.line(f"App        {api}")
        screen.line("Ctrl-C stops.")
        screen.console.file.flush()
        _wait(stop, until=lambda: False)


def _wait(stop: threading.Event, *, until: Callable[[], bool]) -> None:
    """Wait for one of them. With a timeout: Windows delivers no signal during an endless wait."""
    while not until() and not stop.wait(_PATIENCE):
        pass


@dataclass(frozen=True, slots=True)
class _Running:
    server: uvicorn.Server
    thread: threading.Thread

    def has_started(self) -> bool:
        if not self.thread.is_alive():
            raise CommandError("the app did not start: see above")
        return self.server.started


def _guarded(app: Any, api: str) -> ASGIApp:
    """The inspector, only for this machine: a host name that an attacker points here is refused."""
    try:
        page = inspector(app, allow=_everybody, base_urls=[api])
    except (TypeError, ValueError) as error:
        raise CommandError(f"--api {one_line(error)}") from error
    return TrustedHostMiddleware(page, allowed_hosts=[_HOST, "localhost"])


def _everybody() -> bool:
    return True


def _listening(port: int) -> socket.socket:
    if not 0 <= port <= _MAX_PORT:
        raise CommandError(f"--port {port}: a port is a number from 0 to {_MAX_PORT}; 0 is any free one")
    try:
        return socket.create_server((_HOST, port))
    except OSError as error:
        raise CommandError(
            f"--port {port}: {os.strerror(error.errno or 0)}: write another, or 0 for any free one"
        ) from error


def _url(listener: socket.socket) -> str:
    return f"http://{_HOST}:{listener.getsockname()[1]}"


@contextmanager
def _serving(
    app: ASGIApp, listener: socket.socket, lifespan: Literal["auto", "off"] = "auto"
) -> Generator[_Running, None, None]:
    """A running uvicorn. Outside the main thread it installs no signal handlers, which would replace ours."""
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", lifespan=lifespan, timeout_graceful_shutdown=_LONGEST_STOP)
    )

    def run() -> None:
        with suppress(SystemExit):  # the app's lifespan failed, and uvicorn has logged it
            server.run([listener])

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield _Running(server, thread)
    finally:
        server.should_exit = True
        thread.join()


@contextmanager
def _stopped_by_signals() -> Generator[threading.Event, None, None]:
    """An event that Ctrl-C sets, without a traceback. A second Ctrl-C ends the program immediately."""
    stop = threading.Event()

    def set_stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, set_stop) for number in numbers]
    try:
        yield stop
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
