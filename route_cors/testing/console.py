"""What Chrome's console says of a fetch that was blocked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from route_cors.testing.checks import Refused
    from route_cors.testing.request import Destination
    from route_cors.testing.url_list import UrlList


def console_line(refused: Refused, urls: UrlList, destination: Destination) -> str:
    """The line of the console.

    Args:
        refused: the check that failed.
        urls: of the request.
        destination: of the request.
    """
    first, current = urls.urls[0], urls.current
    if not refused.by_policy:
        subject = "Cannot" if destination else "Fetch API cannot"
        return f"{subject} load {current.href}. {refused.reason}"
    came_from = "" if first is current else f" (redirected from '{first.href}')"
    return (
        f"Access to {destination or 'fetch'} at '{current.href}'{came_from} from origin "
        f"'{urls.page.origin}' has been blocked by CORS policy: {refused.reason}"
    )
