"""Fetch Metadata: the Sec-Fetch-* headers, which say where a request comes from, and what it is for.

https://w3c.github.io/webappsec-fetch-metadata/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

from route_cors.testing.url_list import UrlList
from route_cors.testing.urls import is_trustworthy

if TYPE_CHECKING:
    from route_cors.testing.request import Destination, Mode
    from route_cors.testing.url_list import Relation

_AnyMode: TypeAlias = "Mode | Literal['navigate', 'websocket']"


def metadata_headers(
    urls: UrlList, mode: _AnyMode, destination: Destination = "", *, user_activated: bool = False
) -> list[tuple[str, str]]:
    """The headers that describe a request, which no script can set.

    https://w3c.github.io/webappsec-fetch-metadata/#fetch-integration

    Args:
        urls: the URLs of the request, with those before redirects.
        mode: of the request.
        destination: of the request; the empty one is sent as `empty`.
        user_activated: whether a person made the page navigate.

    Returns:
        Names and values; none if the URL is neither https nor this machine: browsers send none then.
    """
    has_none = not urls.page.engine.cors_redirect_to_other_origin_has_metadata
    if not is_trustworthy(urls.current) or (has_none and mode == "cors" and urls.has_just_left_an_origin):
        return []
    headers = _headers(urls.farthest, mode, destination)
    if user_activated:
        headers.append(("Sec-Fetch-User", "?1"))
    return headers


def preflight_metadata(urls: UrlList) -> list[tuple[str, str]]:
    """The same of a preflight.

    Args:
        urls: the URLs of the request that it asks for.
    """
    if not is_trustworthy(urls.current):
        return []
    last = UrlList(urls.page, (urls.current,))
    match urls.page.engine.preflight_site_of:
        case "all URLs":
            return _headers(urls.farthest, "cors")
        case "the Origin header" if urls.origin == "null":
            return _headers("cross-site", "cors")
        case _:
            return _headers(last.farthest, "cors")


def _headers(site: Relation, mode: _AnyMode, destination: Destination = "") -> list[tuple[str, str]]:
    return [
        ("Sec-Fetch-Site", site),
        ("Sec-Fetch-Mode", mode),
        ("Sec-Fetch-Dest", destination or "empty"),
    ]
