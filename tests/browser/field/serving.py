"""The servers that the subjects run in, each in a process that holds nothing else."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import threading
from socketserver import ThreadingMixIn
from typing import Any, Literal
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

__all__ = ["serve_aiohttp", "serve_asgi", "serve_wsgi"]

HOST = "127.0.0.1"


def serve_asgi(app: Any, *, lifespan: Literal["on", "off"] = "off") -> None:
    """Serve an ASGI app."""
    import uvicorn

    config = uvicorn.Config(app, lifespan=lifespan, log_level="critical", ws="websockets-sansio")
    listener = _listener()
    _announce(listener)
    uvicorn.Server(config).run([listener])


def serve_aiohttp(app: Any) -> None:
    """Serve an aiohttp app."""
    asyncio.run(_serve_aiohttp(app))


def serve_wsgi(app: Any) -> None:
    """Serve a WSGI app."""
    server = _Threading((HOST, 0), _Quiet)
    server.set_app(app)
    _announce(server.socket)
    server.serve_forever()


class _Threading(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        pass


async def _serve_aiohttp(app: Any) -> None:
    from aiohttp import web  # type: ignore[import-not-found,unused-ignore]

    runner: Any = web.AppRunner(app)
    await runner.setup()
    listener = _listener()
    await web.SockSite(runner, listener).start()
    _announce(listener)
    await asyncio.Event().wait()


def _listener() -> socket.socket:
    return socket.create_server((HOST, 0))


def _announce(listener: socket.socket) -> None:
    """Tell the port, and end with the process that started this one: its end of the pipe is then closed."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()


def _end_with_the_parent() -> None:
    sys.stdin.read()
    os._exit(0)
