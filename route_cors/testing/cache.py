"""The CORS-preflight cache: what successful preflights have granted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from route_cors.testing.safelist import NON_WILDCARD_REQUEST_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DEFAULT_MAX_AGE: Final = 5
"""Seconds, if Access-Control-Max-Age is missing or cannot be read."""

LONGEST_MAX_AGE: Final = 7200
"""Seconds: the limit of Chromium. That of Firefox is 86,400."""


@dataclass(frozen=True, slots=True)
class CacheKey:
    """What an entry applies to.

    Args:
        origin: as in the Origin header.
        url: absolute; the standard compares the fragment too.
        credentials: whether the preflight was for a request with credentials "include".
    """

    origin: str
    url: str
    credentials: bool


@dataclass(frozen=True, slots=True)
class CacheEntry:
    """One method or one header name that was granted (https://fetch.spec.whatwg.org/#cache-entry).

    Args:
        origin, url, credentials: see `CacheKey`.
        method: the method, `*`, or None if the entry is for a header.
        header_name: the name in lower case, `*`, or None if the entry is for a method.
        max_age: for how many seconds it is valid.
        stored_at: the time at which it was stored, by the browser's clock.
    """

    origin: str
    url: str
    credentials: bool
    method: str | None
    header_name: str | None
    max_age: int
    stored_at: float

    def grants_method(self, method: str) -> bool:
        """Whether this method needs no preflight."""
        return self.method in {method, "*"}

    def grants_header(self, name: str) -> bool:
        """Whether this header, named in lower case, needs no preflight."""
        return self.header_name == name or (self.header_name == "*" and name != NON_WILDCARD_REQUEST_HEADER)


class PreflightCache:
    """The granted methods and header names that are still fresh.

    https://fetch.spec.whatwg.org/#cors-preflight-cache

    Args:
        clock: returns seconds since any start; a test can use its own clock.

    Example:
        now = 0.0
        browser = Browser(app, origin="https://app.example.com", clock=lambda: now)
        browser.fetch("/account/7", method="DELETE")
        now += 3600
        assert not browser.preflight_cache.entries
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._entries: list[CacheEntry] = []

    @property
    def entries(self) -> tuple[CacheEntry, ...]:
        """The entries that have not expired."""
        now = self._clock()
        self._entries = [entry for entry in self._entries if now - entry.stored_at < entry.max_age]
        return tuple(self._entries)

    def __len__(self) -> int:
        return len(self.entries)

    def clear(self) -> None:
        """Remove all entries, as in a new browser profile."""
        self._entries.clear()

    def forget(self, origin: str, url: str) -> None:
        """Clear cache entries (https://fetch.spec.whatwg.org/#concept-cache-clear)."""
        self._entries = [entry for entry in self._entries if (entry.origin, entry.url) != (origin, url)]

    def knows_method(self, key: CacheKey, method: str) -> bool:
        """Method cache entry match (https://fetch.spec.whatwg.org/#concept-cache-match-method)."""
        return any(entry.grants_method(method) for entry in self._matching(key))

    def knows_header(self, key: CacheKey, name: str) -> bool:
        """Header-name cache entry match (https://fetch.spec.whatwg.org/#concept-cache-match-header).

        Args:
            key: of the request.
            name: in lower case.
        """
        return any(entry.grants_header(name) for entry in self._matching(key))

    def store(self, key: CacheKey, methods: Iterable[str], header_names: Iterable[str], max_age: int) -> None:
        """Store what a preflight granted: the last steps of a CORS-preflight fetch.

        https://fetch.spec.whatwg.org/#cors-preflight-fetch-0

        Args:
            key: of the request.
            methods: the granted methods.
            header_names: the granted header names, in lower case.
            max_age: seconds.
        """
        for method in methods:
            known = [entry for entry in self._matching(key) if entry.grants_method(method)]
            self._renew_or_add(key, known, max_age, method=method)
        for name in header_names:
            known = [entry for entry in self._matching(key) if entry.grants_header(name)]
            self._renew_or_add(key, known, max_age, header_name=name)

    def _matching(self, key: CacheKey) -> list[CacheEntry]:
        """Cache entry match (https://fetch.spec.whatwg.org/#concept-cache-match)."""
        return [
            entry
            for entry in self.entries
            if (entry.origin, entry.url) == (key.origin, key.url) and entry.credentials >= key.credentials
        ]

    def _renew_or_add(
        self,
        key: CacheKey,
        known: list[CacheEntry],
        max_age: int,
        *,
        method: str | None = None,
        header_name: str | None = None,
    ) -> None:
        now = self._clock()
        if not known:
            granted = CacheEntry(key.origin, key.url, key.credentials, method, header_name, max_age, now)
            self._entries.append(granted)
        for entry in known:
            place = self._entries.index(entry)
            # The standard only sets the max-age. Counted from the older response, it would end too early.
            self._entries[place] = replace(entry, max_age=max_age, stored_at=now)
