"""A process of its own, for server_rows.py: one app behind uvicorn, on a free port that it prints.

python server.py NAME, with a name of APPS. httptools and uvloop are what `uvicorn[standard]` installs.
"""

from __future__ import annotations

import socket
import sys
from typing import TYPE_CHECKING

import uvicorn

from apps import PATH, shop, with_cors_middleware, with_install_cors
from many_routes import with_options_handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

__all__ = ["APPS", "main"]


APPS: dict[str, Callable[[], ASGIApp]] = {
    "route_cors": lambda: with_install_cors(shop()),
    "CORSMiddleware": lambda: with_cors_middleware(shop()),
    "neither": lambda: with_options_handler(shop(), PATH),
}


def main() -> None:
    """Serve until terminated."""
    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    app = APPS[sys.argv[1]]()
    config = uvicorn.Config(app, http="httptools", loop="uvloop", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
