"""The CORS-preflight cache: what successful preflights have granted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from route_cors.testing.engines import STANDARD
from route_cors.testing.safelist import NON_WILDCARD_REQUEST_HEADER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from route_cors.testing.engines import Engine

DEFAULT_MAX_AGE: Final = 5
"""Seconds, if Access-Control-Max-Age is missing or cannot be read."""


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
        engine: whose cache it is.

    Example:
        now = 0.0
        browser = Browser(app, origin="https://app.example.com", clock=lambda: now)
        browser.fetch("/account/7", method="DELETE")
        now += 3600
        assert not browser.preflight_cache.entries
    """

    def __init__(self, clock: Callable[[], float], engine: Engine = STANDARD) -> None:
        self._clock = clock
        self._engine = engine
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
        if not self._engine.caches_one_answer:
            self._remove(origin, url)

    def missed(self, key: CacheKey) -> None:
        """A request needs more than is cached: some engines then remove it."""
        if self._engine.caches_one_answer:
            self._remove(key.origin, key.url)

    def knows_method(self, key: CacheKey, method: str) -> bool:
        """Method cache entry match (https://fetch.spec.whatwg.org/#concept-cache-match-method)."""
        return any(self._grants_method(entry, key, method) for entry in self._matching(key))

    def knows_header(self, key: CacheKey, name: str) -> bool:
        """Header-name cache entry match (https://fetch.spec.whatwg.org/#concept-cache-match-header).

        Args:
            key: of the request.
            name: in lower case.
        """
        return any(self._grants_header(entry, key, name) for entry in self._matching(key))

    def store(self, key: CacheKey, methods: Iterable[str], header_names: Iterable[str], max_age: int) -> None:
        """Store what a preflight granted: the last steps of a CORS-preflight fetch.

        https://fetch.spec.whatwg.org/#cors-preflight-fetch-0

        Args:
            key: of the request.
            methods: the granted methods.
            header_names: the granted header names, in lower case.
            max_age: seconds.
        """
        if self._engine.caches_one_answer:
            self._remove(key.origin, key.url)
        if key.origin == "null" and not self._engine.caches_null_origin:
            return
        for method in methods:
            known = [entry for entry in self._matching(key) if self._grants_method(entry, key, method)]
            self._renew_or_add(key, known, max_age, method=method)
        for name in header_names:
            known = [entry for entry in self._matching(key) if self._grants_header(entry, key, name)]
            self._renew_or_add(key, known, max_age, header_name=name)

    def _matching(self, key: CacheKey) -> list[CacheEntry]:
        """Cache entry match (https://fetch.spec.whatwg.org/#concept-cache-match)."""
        return [
            entry
            for entry in self.entries
            if (entry.origin, entry.url) == (key.origin, key.url) and self._has_credentials_of(entry, key)
        ]

    def _has_credentials_of(self, entry: CacheEntry, key: CacheKey) -> bool:
        if self._engine.caches_by_credentials:
            return entry.credentials == key.credentials
        return entry.credentials >= key.credentials

    def _grants_method(self, entry: CacheEntry, key: CacheKey, method: str) -> bool:
        return entry.grants_method(method) if self._reads_wildcard(entry, key) else entry.method == method

    def _grants_header(self, entry: CacheEntry, key: CacheKey, name: str) -> bool:
        if not self._reads_wildcard(entry, key):
            return entry.header_name == name
        engine = self._engine
        covers = engine.wildcard_grants_authorization and engine.cached_wildcard_grants_authorization
        return (covers and entry.header_name == "*") or entry.grants_header(name)

    def _reads_wildcard(self, entry: CacheEntry, key: CacheKey) -> bool:
        """Whether `*` stands for all names, and not for itself."""
        match self._engine.cached_wildcard:
            case "always":
                return True
            case "stored without credentials":
                return not entry.credentials
            case "asked without credentials":
                return not key.credentials
            case _:
                return False

    def _remove(self, origin: str, url: str) -> None:
        self._entries = [entry for entry in self._entries if (entry.origin, entry.url) != (origin, url)]

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
