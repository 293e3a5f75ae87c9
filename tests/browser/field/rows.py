"""A row of the table: what a page does, what must hold, and where that is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from browser.field.calls import Call, Holds

__all__ = [
    "CACHES",
    "CHECK",
    "CORS",
    "CREDENTIALS",
    "FETCH",
    "JSON",
    "LISTS",
    "MISTAKES",
    "NO_PART",
    "NULL",
    "OPTIONS",
    "ORIGIN",
    "PREFLIGHT",
    "TOKEN",
    "VARY",
    "WEBSOCKET",
    "Scenario",
    "put",
    "scenario",
    "with_cookies",
]

FETCH: Final = "https://fetch.spec.whatwg.org/"
CORS: Final = f"{FETCH}#http-cors-protocol"
CHECK: Final = f"{FETCH}#concept-cors-check"
PREFLIGHT: Final = f"{FETCH}#cors-preflight-fetch"
CREDENTIALS: Final = f"{FETCH}#cors-protocol-and-credentials"
NO_PART: Final = f"{FETCH}#http-responses"
CACHES: Final = f"{FETCH}#cors-protocol-and-http-caches"
ORIGIN: Final = "https://html.spec.whatwg.org/multipage/browsers.html#same-origin"
MISTAKES: Final = "https://portswigger.net/web-security/cors"
LISTS: Final = "https://www.rfc-editor.org/rfc/rfc9110#section-5.6.1"
VARY: Final = "https://www.rfc-editor.org/rfc/rfc9110#section-12.5.5"
OPTIONS: Final = "https://www.rfc-editor.org/rfc/rfc9110#section-9.3.7"
WEBSOCKET: Final = "https://www.rfc-editor.org/rfc/rfc6455#section-10.2"

NULL: Final = "null"
JSON: Final = (("Content-Type", "application/json"),)
TOKEN: Final = (("X-Token", "t"),)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row of the table.

    Args:
        name: unique, of letters and hyphens.
        setup: of the app; see `SETUPS`.
        calls: what happens, in this order, in one browser.
        must: what must hold, in words.
        holds: the same for the judge.
        source: where it is said that this must hold, or where it went wrong.
        in_chromium: whether Chromium is asked too.
    """

    name: str
    setup: str
    calls: tuple[Call, ...]
    must: str
    holds: Holds
    source: str
    in_chromium: bool = False


def put(
    page: str, path: str = "/notes", *, cookies: bool = False, headers: tuple[tuple[str, str], ...] = ()
) -> Call:
    """A call that needs a preflight."""
    return Call(page, path, "PUT", headers, "{}", "include" if cookies else "same-origin")


def with_cookies(page: str, path: str = "/me") -> Call:
    """A call with cookies."""
    return Call(page, path, credentials="include")


def scenario(
    name: str,
    setup: str,
    calls: Call | tuple[Call, ...],
    must: str,
    holds: Holds,
    source: str,
    *,
    in_chromium: bool = False,
) -> Scenario:
    """A scenario of one call or several."""
    return Scenario(
        name, setup, calls if isinstance(calls, tuple) else (calls,), must, holds, source, in_chromium
    )
