"""A page that is open, and what belongs to the browser around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from route_cors.testing.cache import PreflightCache
    from route_cors.testing.cookies import Cookies
    from route_cors.testing.history import History
    from route_cors.testing.urls import Url

__all__ = ["Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """A page that is open, and the browser around it.

    Args:
        origin: serialized; `null` for a sandboxed one.
        url: the same as a URL; None for `null`.
        cookies, preflight_cache, history: the browser's, which requests change.
    """

    origin: str
    url: Url | None
    cookies: Cookies
    preflight_cache: PreflightCache
    history: History
