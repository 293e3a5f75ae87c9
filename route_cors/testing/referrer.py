"""Referrer policies, for the Origin header only: no Referer is sent here.

https://w3c.github.io/webappsec-referrer-policy/
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from route_cors.testing.urls import Url

ReferrerPolicy: TypeAlias = Literal[
    "",
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
]
"""The empty one means `strict-origin-when-cross-origin`."""


def hides_origin(policy: ReferrerPolicy, page_origin: str, url: Url) -> bool:
    """Whether a POST to `url`, if its mode is not `cors`, has `Origin: null`.

    https://fetch.spec.whatwg.org/#append-a-request-origin-header

    Args:
        policy: of the request.
        page_origin: of the page that sends it.
        url: of the request.
    """
    match policy:
        case "no-referrer":
            return True
        case "same-origin":
            return url.origin != page_origin
        case "origin" | "origin-when-cross-origin" | "unsafe-url":
            return False
        case _:
            return page_origin.startswith("https:") and url.scheme != "https"
