"""Fetch Metadata: the Sec-Fetch-* headers, which say where a request comes from, and what it is for.

https://w3c.github.io/webappsec-fetch-metadata/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from route_cors.testing.urls import is_trustworthy

if TYPE_CHECKING:
    from route_cors.testing.request import Destination, Mode
    from route_cors.testing.url_list import UrlList

_AnyMode: TypeAlias = "Mode | Literal['navigate', 'websocket']"


def metadata_headers(
    urls: UrlList, mode: _AnyMode, destination: Destination = "", *, user_activated: bool = False
) -> list[tuple[str, str]]:
    """The headers that describe a request, which no script can set.

    https://w3c.github.io/webappsec-fetch-metadata/#fetch-integration

    Args:
        urls: the URLs of the request, with those before redirects.
        mode: of the request; a preflight has `cors`.
        destination: of the request; the empty one is sent as `empty`.
        user_activated: whether a person made the page navigate.

    Returns:
        Names and values; none if the URL is neither https nor this machine: browsers send none then.
    """
    if not is_trustworthy(urls.current):
        return []
    headers: list[tuple[str, str]] = [
        ("Sec-Fetch-Site", urls.farthest),
        ("Sec-Fetch-Mode", mode),
        ("Sec-Fetch-Dest", destination or "empty"),
    ]
    if user_activated:
        headers.append(("Sec-Fetch-User", "?1"))
    return headers
