"""What other libraries make of the same policy."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from asgi_cors import asgi_cors
from flask import Flask
from flask_cors import CORS

from scopes import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import ASGIApp

    from scopes import Header

__all__ = ["asgi_cors_around", "flask_cors_preflight"]


def asgi_cors_around(app: ASGIApp) -> ASGIApp:
    """asgi-cors answers no preflight by itself: it adds headers to what the inner app answers.

    It knows no credentials, and its max_age writes a str where ASGI wants bytes: left out.
    """
    around: ASGIApp = asgi_cors(app, hosts=[ORIGIN.decode()], headers=["X-Token"], methods=["GET", "PUT"])
    return around


def flask_cors_preflight(path: str, headers: Iterable[Header]) -> Callable[[], str]:
    """A preflight to flask-cors, which lives inside Flask: a whole WSGI app answers. Returns the status."""
    app = _flask_app(path.rpartition("/")[0])
    environ: dict[str, Any] = {
        "REQUEST_METHOD": "OPTIONS",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers:
        environ["HTTP_" + name.decode().upper().replace("-", "_")] = value.decode()

    def ask() -> str:
        answered: list[str] = []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            allowed = dict(headers).get("Access-Control-Allow-Origin")
            answered.append(status if allowed == ORIGIN.decode() else "no CORS headers")

        b"".join(app(dict(environ), start_response))
        return answered[0]

    return ask


def _flask_app(directory: str) -> Flask:
    app = Flask("shop")

    @app.get(f"{directory}/<number>")
    def read(number: str) -> str:
        return number

    @app.put(f"{directory}/<number>")
    def write(number: str) -> str:
        return number

    CORS(
        app,
        origins=[ORIGIN.decode()],
        methods=["GET", "PUT"],
        allow_headers=["Content-Type", "X-Token"],
        supports_credentials=True,
        max_age=600,
    )
    return app
