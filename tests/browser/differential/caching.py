"""Chromium's peculiarities of the preflight cache, in the model's own."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from route_cors.testing.cache import PreflightCache
from route_cors.testing.safelist import SAFELISTED_METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from route_cors.testing import Browser
    from route_cors.testing.cache import CacheKey


class LikeChromium(PreflightCache):
    """The model's own cache with the four peculiarities, and nothing else of its own."""

    def store(self, key: CacheKey, methods: Iterable[str], header_names: Iterable[str], max_age: int) -> None:
        super().forget(key.origin, key.url)
        if key.origin != "null":
            as_names = _NO_WILDCARD if key.credentials else {}
            super().store(key, _renamed(methods, as_names), _renamed(header_names, as_names), max_age)

    def knows_method(self, key: CacheKey, method: str) -> bool:
        known = super().knows_method(key, method) or super().knows_method(
            key, _NO_WILDCARD.get(method, method)
        )
        return known or self._missed(key, needed=method not in SAFELISTED_METHODS)

    def knows_header(self, key: CacheKey, name: str) -> bool:
        known = super().knows_header(key, name) or super().knows_header(key, _NO_WILDCARD.get(name, name))
        return known or self._missed(key, needed=True)

    def forget(self, origin: str, url: str) -> None:
        """Does nothing: only what is of no use to a request goes."""

    def _missed(self, key: CacheKey, *, needed: bool) -> bool:
        if needed:
            super().forget(key.origin, key.url)
        return False


_NO_WILDCARD: Final = {"*": "an asterisk and no wildcard"}


def _renamed(names: Iterable[str], other_names: Mapping[str, str]) -> list[str]:
    return [other_names.get(name, name) for name in names]


def remember_like_chromium(browser: Browser) -> None:
    browser._page = replace(browser._page, preflight_cache=LikeChromium(time.monotonic))
