"""A real server on this machine, for the tests that need a network."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Self

import uvicorn

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

__all__ = ["HOST", "Server"]

# Loopback as a number: "localhost" may be ::1, where nothing listens.
HOST = "127.0.0.1"


class Server:
    """An ASGI app behind a real uvicorn on a free port.

    Attributes:
        app: what serves; each test may put another one there.
        url: without a slash at its end.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._listener = socket.create_server((HOST, 0))
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        # h11 hands on bytes as they are. The implementation of websockets is named because uvicorn's default
        # before 0.36 is one that websockets calls deprecated.
        config = uvicorn.Config(
            self._serve,
            http="h11",
            interface="asgi3",
            lifespan="off",
            log_level="critical",
            ws="websockets-sansio",
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
