"""Where the page may send its real requests: to itself, its server by another name, base URLs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from route_cors.origins import parse_origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# It goes into a header and into URLs: no character that could end either.
_BASE_URL: Final = re.compile(
    r"(?P<origin>https?://[^/?#\\\s;,'\"]+)(?P<path>(?:/[A-Za-z0-9._~!$&()*+:@%=-]*)*)"
)

_LOOPBACK_HOST: Final = re.compile(r"(?P<name>localhost|127\.0\.0\.1|\[::1\])(?::(?P<port>[1-9][0-9]{0,4}))?")
_MAX_PORT: Final = 65535

# Not [::1]: a Content-Security-Policy has no way to write an IPv6 address, and browsers warn about it.
_LOOPBACK_NAMES: Final = ("localhost", "127.0.0.1")


def checked_base_url(base_url: str) -> str:
    """The base URL without a slash at its end.

    Raises:
        ValueError: it is not http or https, or has a query, a fragment, user info, or a host that is not
            spelled as browsers spell it.
        TypeError: it is not a string.

    >>> checked_base_url("https://api.example/v1/")
    'https://api.example/v1'
    """
    if not isinstance(base_url, str):
        raise TypeError(f"a base URL is text, not {base_url!r}: write 'https://api.example'")
    match = _BASE_URL.fullmatch(base_url)
    if match is None:
        raise ValueError(
            f"{base_url!r} is not a base URL: write scheme, host and port, and a path if the API is behind "
            "one: 'https://api.example/v1'"
        )
    if parse_origin(match["origin"]).is_pattern:
        raise ValueError(f"{base_url!r} holds a '*': name each base URL")
    return base_url.rstrip("/")


def checked_base_urls(base_urls: Iterable[str]) -> tuple[str, ...]:
    """Those that the page may call, checked.

    Raises:
        ValueError: one of them is not a base URL, or its host is an IPv6 address.
        TypeError: they are a single string, or one of them is not a string.
    """
    if isinstance(base_urls, str):
        raise TypeError(f"base_urls is a list: write base_urls=[{base_urls!r}]")
    checked = tuple(dict.fromkeys(map(checked_base_url, base_urls)))
    for base_url in checked:
        if "[" in base_url:
            raise ValueError(
                f"{base_url!r}: a Content-Security-Policy cannot name an IPv6 address: write a host name"
            )
    return checked


def origin_of_base_url(base_url: str) -> str:
    """The origin of a checked base URL."""
    return "/".join(base_url.split("/")[:3])


def aliases_of(scheme: str, host: str) -> list[str]:
    """The other names of this machine: the same server has another origin under each.

    Args:
        scheme: of the request, `http` or `https`.
        host: its Host header. As the client chooses it, only its port is used.

    >>> aliases_of("http", "localhost:8000")
    ['http://127.0.0.1:8000']
    """
    match = _LOOPBACK_HOST.fullmatch(host)
    if match is None or scheme not in {"http", "https"} or int(match["port"] or 0) > _MAX_PORT:
        return []
    port = f":{match['port']}" if match["port"] else ""
    return [f"{scheme}://{name}{port}" for name in _LOOPBACK_NAMES if name != match["name"]]


def connect_sources(origins: Iterable[str]) -> str:
    """The `connect-src` that lets the page call itself and those origins, websockets included."""
    http = dict.fromkeys(origins)
    return " ".join(["'self'", *http, *(origin.replace("http", "ws", 1) for origin in http)])


def base_path_of(scope: Mapping[str, object], mounted_at: str | None) -> str:
    """The path that the shown app is served under, percent-encoded; empty if there is none.

    Args:
        scope: of a request to the inspector.
        mounted_at: the inspector's own path in the shown app; None if it is not mounted there.
    """
    root_path = str(scope.get("root_path", ""))
    if mounted_at is not None and root_path.endswith(mounted_at):
        root_path = root_path.removesuffix(mounted_at)
    else:
        root_path = str(scope.get("app_root_path", ""))
    return quote(root_path.rstrip("/"), safe="/!$&()*+:@=~")
