"""Starts the examples on a free port, stops at Ctrl-C, and names a package that is missing in plain words.

Each example imports this module first and ends with `serving.serve(app)` or `serving.run(main)`. Your own app
needs neither: start it with `uvicorn` or `fastapi run`.
"""

import contextlib
import errno
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from starlette.types import ASGIApp

__all__ = ["HOST", "address", "listen", "run", "running", "serve", "serve_workers"]

HERE = Path(__file__).resolve().parent
# A number, because "localhost" may be ::1 for a browser, where another program can use the port.
HOST = "127.0.0.1"
LAST_PORT = 65535


def serve(app: "ASGIApp", *, port: int = 8000, **options: Any) -> None:
    """Serve an app until Ctrl-C, and print what route_cors decides about each request.

    The port is the one in the variable PORT, else `port`; if it is taken, a free one. Options are uvicorn's.
    """
    log = logging.getLogger("route_cors")
    log.addHandler(logging.StreamHandler(sys.stdout))
    log.setLevel(logging.DEBUG)
    log.propagate = False  # some libraries give the root logger a handler, which would print it again
    server = create_server(app, log_level="warning", **options)
    with listen(wanted_port(port)) as listener, contextlib.suppress(KeyboardInterrupt):
        print(f"Serving on {address(listener)} (Ctrl-C stops)", flush=True)
        server.run([listener])


def serve_workers(app: str, workers: int, *, port: int = 8000) -> None:
    """Serve `module:app` by several processes until Ctrl-C, on the port as with `serve`."""
    import uvicorn  # noqa: PLC0415 - it may be missing, which is said plainly

    # Only bound: no connection is accepted before the workers run. They listen on it once it is closed here.
    number = free_port(wanted_port(port))
    print(f"Serving on http://{HOST}:{number} by {workers} workers (Ctrl-C stops)", flush=True)
    uvicorn.run(app, app_dir=str(HERE), host=HOST, port=number, workers=workers, log_level="warning")


def run(main: Callable[[], int]) -> NoReturn:
    """Exit with what `main` returns; with 130, as shells do, and without a traceback after Ctrl-C."""
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)


@contextlib.contextmanager
def running(app: "ASGIApp", listener: socket.socket) -> Iterator[str]:
    """The address of an app that is served in a thread of its own, without any output."""
    # uvicorn's own set-up of the log would, for a moment, let the servers of other threads write to it.
    server = create_server(app, log_level="critical", log_config=None)
    # Outside the main thread uvicorn handles no signals: several servers would compete for them.
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield address(listener)
    finally:
        server.should_exit = True
        thread.join()


def create_server(app: "ASGIApp", **options: Any) -> Any:
    """A uvicorn that is not held up by connections that stay open."""
    import uvicorn  # noqa: PLC0415 - it may be missing, which is said plainly

    # Named, because the default of some versions is an implementation that websockets calls deprecated.
    config = uvicorn.Config(app, ws="websockets-sansio", timeout_graceful_shutdown=2, **options)
    config.load()  # now, before the address is printed: an error shows here
    return uvicorn.Server(config)


def listen(port: int) -> socket.socket:
    """A socket that listens on this port, or on a free one if another program has it."""
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    print(f"Port {port} is taken, so a free one is used.", file=sys.stderr)
    return socket.create_server((HOST, 0))


def free_port(port: int) -> int:
    """This port, or a free one if another program has it; it is bound for a moment, and nothing listens."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            print(f"Port {port} is taken, so a free one is used.", file=sys.stderr)
            probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def address(listener: socket.socket) -> str:
    """The URL of that listener."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


def wanted_port(default: int) -> int:
    """The port in the variable PORT; 0 is any free one."""
    text = os.environ.get("PORT", str(default))
    if text.isascii() and text.isdigit() and int(text) <= LAST_PORT:
        return int(text)
    sys.exit(f"PORT={text!r} is not a port: write a number from 1 to {LAST_PORT}, or 0 for any free one")


def report_plainly(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    """Name a missing package in one line, and say nothing after Ctrl-C; anything else has its traceback."""
    if isinstance(error, ImportError):
        install = f'{sys.executable} -m pip install -e "{HERE.parent}[examples]"'
        if str(error.name).partition(".")[0] == "mcp":
            install = f"{sys.executable} -m pip install mcp"
        print(f"{error}. This installs what the example needs: {install}", file=sys.stderr)
    elif not isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)


# Not where another program, such as uvicorn or pytest, imports an example; but in the workers of one.
is_example = Path(getattr(sys.modules["__main__"], "__file__", None) or HERE).resolve().parent == HERE
if is_example or multiprocessing.parent_process() is not None:
    sys.excepthook = report_plainly
