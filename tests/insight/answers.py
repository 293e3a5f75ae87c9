"""What a simulated browser was answered."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.testing import Browser

__all__ = ["Header", "answers_to", "ours"]

Header = tuple[str, str]


def ours(headers: Iterable[Header]) -> list[Header]:
    """The CORS headers and Vary."""
    return [header for header in headers if header[0].startswith("access-control-") or header[0] == "vary"]


def answers_to(browser: Browser) -> list[Any]:
    """Each request with the status and CORS headers of its answer."""
    return [
        (
            f"{each.request.method} {each.request.url}",
            each.response.status_code,
            ours(each.response.headers.raw),
        )
        for each in browser.history
        if each.response is not None
    ]
