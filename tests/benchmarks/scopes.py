"""Requests as a server hands them over: what Chromium sends, as new objects for each request, or as the same.

A server parses every request into strings and bytes of its own, whose hashes nobody has computed yet. So
method and headers are unpacked anew for each call (`marshal` does that faster than anything else, and in this
version of its format it shares and interns nothing), and each path is another one, so that nobody gains by
remembering whole paths. Every subject pays for it alike, the empty app included, whose time is subtracted.
One scope again and again is what a benchmark is usually fed: it shows the layer's own work, and hides the
hashing of what it looks up.
"""

from __future__ import annotations

import marshal
from itertools import count, repeat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from starlette.types import Scope

__all__ = [
    "NUMBER",
    "ORIGIN",
    "OWN",
    "Header",
    "actual_headers",
    "fresh_scopes",
    "one_scope",
    "preflight_headers",
    "served_scopes",
]

Header = tuple[bytes, bytes]

ORIGIN = b"https://app.example.com"
# Of the app itself.
OWN = b"https://api.example.com"

# In a path: where each request has another number.
NUMBER = "{number}"

_HOST = (b"host", b"api.example.com")
_AGENT = (
    b"user-agent",
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
)
_LANGUAGES = [(b"accept-encoding", b"gzip, deflate, br, zstd"), (b"accept-language", b"en-US,en;q=0.9")]

_WITHOUT_REFERENCES = 2
# All numbers have as many digits.
_FIRST_NUMBER = 1_000_000


def preflight_headers(
    method: bytes = b"PUT", origin: bytes = ORIGIN, names: bytes = b"content-type,x-token"
) -> list[Header]:
    """The twelve headers of a preflight, as Chromium 156 sends them; proxies take `Connection` off."""
    return [
        _HOST,
        (b"accept", b"*/*"),
        (b"access-control-request-method", method),
        (b"access-control-request-headers", names),
        (b"origin", origin),
        _AGENT,
        (b"sec-fetch-mode", b"cors"),
        (b"sec-fetch-site", b"same-site"),
        (b"sec-fetch-dest", b"empty"),
        (b"referer", ORIGIN + b"/"),
        *_LANGUAGES,
    ]


def actual_headers(origin: bytes | None = ORIGIN) -> list[Header]:
    """A `fetch` with credentials and a header of its own; without Origin it goes to the page's own server."""
    cross_origin = [] if origin is None else [(b"origin", origin)]
    return [
        _HOST,
        (b"sec-ch-ua-platform", b'"Linux"'),
        _AGENT,
        (b"sec-ch-ua", b'"Not:A-Brand";v="8", "Chromium";v="156"'),
        (b"x-token", b"0123456789abcdef"),
        (b"sec-ch-ua-mobile", b"?0"),
        (b"accept", b"*/*"),
        *cross_origin,
        (b"sec-fetch-site", b"same-site" if cross_origin else b"same-origin"),
        (b"sec-fetch-mode", b"cors"),
        (b"sec-fetch-dest", b"empty"),
        (b"referer", ORIGIN + b"/"),
        *_LANGUAGES,
        (b"cookie", b"session=0123456789abcdef"),
    ]


def one_scope(app: object, method: str, path: str, headers: Iterable[Header]) -> Callable[[], Scope]:
    """What makes copies of the scope of one request: all the objects in it are the same."""
    raw_path = next(_raw_paths(path))
    scope = {
        **_constant(app),
        "method": method,
        "headers": list(headers),
        "path": raw_path.decode("ascii"),
        "raw_path": raw_path,
    }
    return scope.copy


def fresh_scopes(app: object, method: str, path: str, headers: Iterable[Header]) -> Callable[[], Scope]:
    """What makes the scopes of one request, as FastAPI hands them to its middleware."""
    constant = _constant(app)
    parsed = marshal.dumps((method, list(headers)), _WITHOUT_REFERENCES)
    unpack = marshal.loads
    raw_paths = _raw_paths(path)

    def fresh_scope() -> Scope:
        scope = dict(constant)
        scope["method"], scope["headers"] = unpack(parsed)
        raw_path = scope["raw_path"] = next(raw_paths)
        scope["path"] = raw_path.decode("ascii")
        return scope

    return fresh_scope


def served_scopes(app: object, method: str, path: str, headers: Iterable[Header]) -> Callable[[], Scope]:
    """As `fresh_scopes`, each scope a dict that was filled key by key, as uvicorn and FastAPI do it.

    To add a key to one of those may take longer than to a copy, which has room for it or has not.
    """
    fresh_scope = fresh_scopes(app, method, path, headers)
    at_first = ("type", "asgi", "http_version", "server", "client", "scheme", "root_path", "headers", "state")
    later = ("method", "path", "raw_path", "query_string", "app")

    def served_scope() -> Scope:
        whole = fresh_scope()
        scope = {name: whole[name] for name in at_first}
        for name in later:
            scope[name] = whole[name]
        return scope

    return served_scope


def _constant(app: object) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("192.0.2.1", 50000),
        "scheme": "https",
        "root_path": "",
        "query_string": b"",
        "state": {},
        "app": app,
    }


def _raw_paths(path: str) -> Iterator[bytes]:
    before, number, after = path.encode("ascii").partition(NUMBER.encode())
    if not number:
        return repeat(before)
    return (b"%b%d%b" % (before, each, after) for each in count(_FIRST_NUMBER))
