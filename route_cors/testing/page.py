"""An open page, and the state of its browser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from route_cors.testing.engines import STANDARD

if TYPE_CHECKING:
    from collections.abc import Callable

    from route_cors.testing.cache import PreflightCache
    from route_cors.testing.cookies import Cookies
    from route_cors.testing.engines import Engine
    from route_cors.testing.history import History
    from route_cors.testing.messages import SentRequest
    from route_cors.testing.urls import Url


@dataclass(frozen=True, slots=True)
class Page:
    """An open page, and the state of its browser.

    Args:
        origin: serialized; `null` for a sandboxed page.
        url: the origin as a URL; None for `null`.
        cookies, preflight_cache, history: of the browser; requests change them.
        show_secrets: whether errors show cookies, credentials and bodies.
        unapplied: says of a request if its route has a policy that no layer applies; else it returns None.
        engine: of the browser.
    """

    origin: str
    url: Url | None
    cookies: Cookies
    preflight_cache: PreflightCache
    history: History
    show_secrets: bool = False
    unapplied: Callable[[SentRequest], str | None] = lambda _: None
    engine: Engine = STANDARD
