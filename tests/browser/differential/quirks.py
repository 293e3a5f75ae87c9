"""What an engine does in so many cases that they cannot do without it, played by the model.

Each is a difference (differences.py) with a case of its own. Here is what has to be known to compare all the
others exactly: how an engine remembers preflights, and what it says of itself after a redirect.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from route_cors.headers import SAFELISTED_METHODS
from route_cors.testing.cache import CacheKey, PreflightCache
from route_cors.testing.checks import Asked, Refused, check_preflight
from route_cors.testing.engines import STANDARD, Engine, engine_named
from route_cors.testing.safelist import is_forbidden, unsafe_names
from route_cors.testing.url_list import UrlList
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from browser.engines import Name

    from route_cors.testing import Browser
    from route_cors.testing.cache import CacheEntry
    from route_cors.testing.history import Exchange

    from .cases import Fetch, Sent


@dataclass(frozen=True)
class Hop:
    """One request, and how it came about.

    `urls` are those of its fetch so far; `first` is the first request that was sent for it.
    """

    fetch: Fetch
    sent: Sent
    is_preflight: bool
    urls: UrlList
    first: Sent

    @property
    def is_redirected(self) -> bool:
        return len(self.urls.urls) > 1

    @property
    def crosses_origins(self) -> bool:
        return len({url.origin for url in self.urls.urls[-2:]}) > 1

    @property
    def relation_of_its_url_alone(self) -> str:
        return UrlList(self.urls.page, self.urls.urls[-1:]).farthest

    def with_headers(self, changes: Mapping[str, str | None]) -> Sent:
        headers = {**dict(self.sent.headers), **changes}
        lines = ((name, value) for name, value in headers.items() if value is not None)
        return replace(self.sent, headers=tuple(sorted(lines)))


@dataclass(frozen=True)
class Quirks:
    cache: type[PreflightCache]
    sent: Callable[[Hop], Sent]
    # What the model plays by itself, since servers may answer to it.
    engine: Engine = STANDARD
    remembers_refused_preflights: bool = False
    forgets_what_a_blocked_request_did_not_need: bool = False

    def prepare(self, browser: Browser) -> None:
        cache = self.cache(time.monotonic)
        browser._page = replace(browser._page, preflight_cache=cache, engine=self.engine)

    def after(
        self, browser: Browser, url: str, fetch: Fetch, exchanges: Sequence[Exchange], *, is_blocked: bool
    ) -> None:
        """What the engine still does after this fetch of this URL."""
        last = exchanges[-1] if exchanges else None
        if self.remembers_refused_preflights and last is not None and last.step == "preflight":
            # Of the request the history keeps what is on the wire, and the cache the fragment too.
            asked_for = parse_url(url, browser._base).href if len(exchanges) == 1 else last.request.url
            _remember(browser, last, asked_for, include_credentials=fetch.credentials == "include")
        if self.forgets_what_a_blocked_request_did_not_need and is_blocked and fetch.mode == "cors":
            browser.preflight_cache.forget(browser._page.origin, parse_url(url, browser._base).href)

    def played(
        self, browser: Browser, fetches: Sequence[tuple[Fetch, Sequence[Exchange]]], sent: Sequence[Sent]
    ) -> tuple[Sent, ...]:
        """What the engine would have sent in place of `sent`, which are the exchanges of these fetches."""
        remaining = iter(sent)
        return tuple(
            self.sent(hop)
            for fetch, exchanges in fetches
            for hop in _hops(browser, fetch, exchanges, remaining)
        )


def _hops(
    browser: Browser, fetch: Fetch, exchanges: Sequence[Exchange], sent: Iterator[Sent]
) -> Iterator[Hop]:
    done = UrlList(browser._page, ())
    first: Sent | None = None
    for exchange in exchanges:
        urls = done.redirected_to(parse_url(exchange.request.url))
        if exchange.step == "actual":
            done = urls
        if not exchange.from_cache:
            request = next(sent)
            first = first or request
            yield Hop(fetch, request, exchange.step == "preflight", urls, first)


def _remember(browser: Browser, exchange: Exchange, url: str, *, include_credentials: bool) -> None:
    """Store what a preflight granted that asked for something else."""
    if exchange.response is None:
        return
    origin = exchange.request.headers["origin"]
    asked = Asked(origin, include_credentials, method="GET", unsafe_names=())
    with suppress(Refused):
        granted = check_preflight(exchange.response, asked)
        key = CacheKey(origin, url, include_credentials)
        browser.preflight_cache.store(key, granted.methods, granted.header_names, granted.max_age)


# --- Chromium


class _ForgettingWhatIsOfNoUse(PreflightCache):
    """A cache that a blocked response leaves as it is: only what is of no use to a request goes."""

    def forget(self, origin: str, url: str) -> None:
        """Does nothing."""

    def _missed(self, key: CacheKey, *, needed: bool) -> bool:
        if needed:
            self._drop(key)
        return False

    def _drop(self, key: CacheKey) -> None:
        super().forget(key.origin, key.url)


class LikeChromium(_ForgettingWhatIsOfNoUse):
    """The model's own cache with Chromium's four peculiarities, and nothing else of its own."""

    def store(self, key: CacheKey, methods: Iterable[str], header_names: Iterable[str], max_age: int) -> None:
        self._drop(key)
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


_NO_WILDCARD: Final = {"*": "an asterisk and no wildcard"}


def _renamed(names: Iterable[str], other_names: Mapping[str, str]) -> list[str]:
    return [other_names.get(name, name) for name in names]


def _sent_by_chromium(hop: Hop) -> Sent:
    if not hop.is_preflight:
        return hop.sent
    return hop.with_headers({"sec-fetch-site": hop.relation_of_its_url_alone})


# --- Firefox


class LikeFirefox(PreflightCache):
    """`*` is a name, credentials are compared, and GET and POST need no listing."""

    def store(self, key: CacheKey, methods: Iterable[str], header_names: Iterable[str], max_age: int) -> None:
        super().store(key, _renamed(methods, _NO_WILDCARD), _renamed(header_names, _NO_WILDCARD), max_age)

    def knows_method(self, key: CacheKey, method: str) -> bool:
        return method in {"GET", "POST"} or super().knows_method(key, _NO_WILDCARD.get(method, method))

    def knows_header(self, key: CacheKey, name: str) -> bool:
        return super().knows_header(key, _NO_WILDCARD.get(name, name))

    def _matching(self, key: CacheKey) -> list[CacheEntry]:
        return [entry for entry in super()._matching(key) if entry.credentials == key.credentials]


def _sent_by_firefox(hop: Hop) -> Sent:
    if hop.is_preflight:
        # The page's own, also where a redirect has made that of the actual request `null`.
        origin = "null" if hop.urls.page.origin == "null" else "<page>"
        return hop.with_headers({"sec-fetch-site": hop.relation_of_its_url_alone, "origin": origin})
    if hop.is_redirected and hop.urls.farthest != "same-origin":
        return hop.with_headers({"sec-fetch-site": "cross-site"})
    return hop.sent


# --- WebKit


class LikeWebKit(_ForgettingWhatIsOfNoUse):
    """A preflight replaces what was remembered; `*` covers Authorization, and nothing with credentials."""

    def store(self, key: CacheKey, methods: Iterable[str], header_names: Iterable[str], max_age: int) -> None:
        self._drop(key)
        # The names before `*`, which would stand for them.
        super().store(key, _wildcard_last(methods), _wildcard_last(header_names), max_age)

    def knows_method(self, key: CacheKey, method: str) -> bool:
        known = any(entry.method in _granting(key, method) for entry in self._matching(key))
        return known or self._missed(key, needed=method not in SAFELISTED_METHODS)

    def knows_header(self, key: CacheKey, name: str) -> bool:
        known = any(entry.header_name in _granting(key, name) for entry in self._matching(key))
        return known or self._missed(key, needed=True)


def _wildcard_last(names: Iterable[str]) -> list[str]:
    return sorted(names, key="*".__eq__)


def _granting(key: CacheKey, name: str) -> set[str]:
    return {name} if key.credentials else {name, "*"}


_NO_METADATA: Final = {"sec-fetch-site": None, "sec-fetch-mode": None, "sec-fetch-dest": None}


def _sent_by_webkit(hop: Hop) -> Sent:
    headers, first = dict(hop.sent.headers), dict(hop.first.headers)
    if hop.is_preflight and hop.is_redirected:
        names = unsafe_names(header for header in hop.fetch.headers if not is_forbidden(*header))
        changes = {"access-control-request-headers": ",".join(names) or None}
        if headers["origin"] == "null":
            changes["sec-fetch-site"] = "cross-site"
        return hop.with_headers(changes)
    if not hop.is_redirected:
        return hop.sent
    if hop.crosses_origins and first.get("sec-fetch-mode") == "cors":
        return hop.with_headers(_NO_METADATA)
    return hop.sent


_FIREFOX: Final = engine_named("firefox")
_WEBKIT: Final = engine_named("webkit")
QUIRKS: Final[Mapping[Name, Quirks]] = {
    "chromium": Quirks(LikeChromium, _sent_by_chromium),
    "firefox": Quirks(
        LikeFirefox,
        _sent_by_firefox,
        Engine(body_headers_return=_FIREFOX.body_headers_return),
        forgets_what_a_blocked_request_did_not_need=True,
    ),
    "webkit": Quirks(
        LikeWebKit,
        _sent_by_webkit,
        Engine(
            checks_redirects_with_first_credentials=_WEBKIT.checks_redirects_with_first_credentials,
            body_headers_return=_WEBKIT.body_headers_return,
            shows_body_of_redirect_without_location=_WEBKIT.shows_body_of_redirect_without_location,
            keeps_origin_after_redirect=_WEBKIT.keeps_origin_after_redirect,
        ),
        remembers_refused_preflights=True,
    ),
}
