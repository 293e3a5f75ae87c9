"""The site that every subject serves, in no framework's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from browser.field.setups import ROUTES

__all__ = ["PLACES", "WEBSOCKET", "Answer", "Failure", "places"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler does.

    Args:
        body: what it returns.
        status: of the response.
        headers: of the response.
        raises: in place of returning: an exception that nobody expects, or the framework's own for an HTTP
            error.
    """

    body: str = ""
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    raises: Literal["nothing", "an error", "an HTTP error"] = "nothing"


class Failure(Exception):  # noqa: N818 - an endpoint's own
    """What no framework knows."""


WEBSOCKET: Final = "/socket"

_ID: Final = (("X-Id", "7"),)
_BOOM: Final = Answer(status=500, raises="an error")
_TEAPOT: Final = Answer(status=418, raises="an HTTP error")

PLACES: Final[dict[tuple[str, str], Answer]] = {
    ("GET", "/notes"): Answer("notes", headers=_ID),
    ("POST", "/notes"): Answer("saved"),
    ("PUT", "/notes"): Answer("saved"),
    ("DELETE", "/notes"): Answer("deleted"),
    ("PATCH", "/notes"): Answer("changed"),
    ("GET", "/described"): Answer("described"),
    ("OPTIONS", "/described"): Answer("options of the app"),
    ("GET", "/hidden"): Answer("no such note", 404, _ID),
    ("GET", "/account"): Answer("log in first", 401),
    ("GET", "/boom"): _BOOM,
    ("GET", "/teapot"): _TEAPOT,
    ("GET", "/moved"): Answer(status=302, headers=(("Location", "/notes"),)),
    ("GET", "/varies"): Answer("varies", headers=(("Vary", "Accept-Encoding"),)),
    ("GET", "/own"): Answer("own", headers=(("Access-Control-Allow-Origin", "https://cdn.example"),)),
    ("GET", "/me"): Answer("ada"),
}

_OF_THE_ROUTES: Final[dict[str, Answer]] = {"/private/boom": _BOOM, "/private/teapot": _TEAPOT}


def places(setup: str) -> dict[tuple[str, str], Answer]:
    """The method and path of every handler; `{name}` stands for one segment."""
    if setup == "routes":
        return {(method, path): _OF_THE_ROUTES.get(path, Answer(path)) for method, path in ROUTES}
    return PLACES
