"""The cookie jar of a browser: which cookies it stores, and which it sends.

https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Literal

from route_cors.testing.engines import STANDARD
from route_cors.testing.set_cookie import Cookie, domain_matches, is_secure, parse_set_cookie, path_matches
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from route_cors.testing.engines import Engine
    from route_cors.testing.set_cookie import Navigation
    from route_cors.testing.urls import Url

# These arrive unchanged: no separators, and no spaces at the ends, which would be removed.
_SETTABLE_NAME = re.compile(r"[!-:<>-~]+")
_SETTABLE_VALUE = re.compile(r"(?:[!-:<-~]+(?: +[!-:<-~]+)*)?")


class Cookies(Mapping[str, str]):
    """Cookies by name, for all hosts.

    They are sent with requests if the credentials mode allows it, and stored from the responses. A cookie
    without SameSite is `Lax`; `Lax` and `Strict` cookies are not sent to other sites, and not stored from
    them. A navigation to another site also sends `Lax` cookies if it is a GET, and its response may set any.
    `None` needs `Secure`, and `Secure` needs https or this machine.

    Args:
        home: the URL for which `set` sets cookies; None if there is none.
        engine: whose jar it is.

    Example:
        browser.cookies.set("session", "abc")
        browser.fetch("/account/7", credentials="include")
    """

    def __init__(self, home: Url | None, engine: Engine = STANDARD) -> None:
        self._home = home
        self._engine = engine
        # In the order of their creation; a cookie that is replaced keeps its position.
        self._cookies: dict[tuple[str, str, bool, str, str | None], Cookie] = {}

    def __getitem__(self, name: str) -> str:
        return {cookie.name: cookie.value for cookie in self._fresh()}[name]

    def __iter__(self) -> Iterator[str]:
        return iter({cookie.name: None for cookie in self._fresh()})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Cookies({dict(self)!r})"

    @property
    def stored(self) -> tuple[Cookie, ...]:
        """All cookies with their attributes, in the order in which they were first stored."""
        return tuple(self._fresh())

    def set(
        self,
        name: str,
        value: str,
        *,
        path: str = "/",
        domain: str | None = None,
        secure: bool = False,
        same_site: Literal["Strict", "Lax", "None"] | None = None,
        url: str | None = None,
    ) -> None:
        """Set a cookie as the server at the base URL, or at `url`, would on its own page.

        Args:
            name: of visible ASCII, without `=` and `;`.
            value: of visible ASCII and spaces, without `;`.
            path: where it is sent to.
            domain: it is sent to this domain and its subdomains; None: only to the host that sets it.
            secure: whether it is only sent over https.
            same_site: None: not given, which means `Lax`.
            url: of the server that sets it, for a browser with several hosts; None: the base URL.

        Raises:
            ValueError: a browser would not store it, or there is no base URL.
        """
        home = self._home if url is None else parse_url(url, self._home)
        if home is None:
            raise ValueError(f"cookie {name!r}: it needs a host: give the browser a base_url")
        if not _SETTABLE_NAME.fullmatch(name) or not _SETTABLE_VALUE.fullmatch(value):
            raise ValueError(f"cookie {name!r}: {value!r}: must be visible ASCII without ';'")
        if not path.startswith("/") or not all(map(_SETTABLE_VALUE.fullmatch, (path, domain or ""))):
            raise ValueError(
                f"cookie {name!r}: path {path!r}, domain {domain!r}: must be '/…' and a host, without ';'"
            )
        header = f"{name}={value}; Path={path}"
        header += "" if domain is None else f"; Domain={domain}"
        header += "; Secure" * secure
        header += "" if same_site is None else f"; SameSite={same_site}"
        if not self._store(header, home, same_site=True):
            raise ValueError(f"browsers do not store the cookie {header!r} from {home.href}")

    def clear(self) -> None:
        """Remove all cookies."""
        self._cookies.clear()

    def header_for(
        self,
        url: Url,
        *,
        same_site: bool,
        navigation: Navigation = "no",
        embedded_in: str | None = None,
    ) -> str | None:
        """The Cookie header of a request with credentials; None if no cookie is sent.

        https://fetch.spec.whatwg.org/#cookie-header

        Args:
            url: of the request.
            same_site: whether the page that sends it, and all redirects, are on the site of `url`.
            navigation: whether the request opens another page.
            embedded_in: the site of the page, if `url` is of another one and is not opened as a page.
        """
        jar = self._jar(embedded_in)
        fitting = [
            cookie
            for cookie in self._fresh()
            if cookie.jar == jar
            and cookie.goes_to(url, self._engine, same_site=same_site, navigation=navigation)
        ]
        fitting.sort(key=lambda cookie: len(cookie.path), reverse=True)
        pairs = (f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in fitting)
        return "; ".join(pairs) or None

    def store(
        self, set_cookie: Iterable[str], url: Url, *, same_site: bool, embedded_in: str | None = None
    ) -> None:
        """Store the cookies of the Set-Cookie headers of a response to a request with credentials.

        https://fetch.spec.whatwg.org/#set-cookie-header

        Args:
            set_cookie: the values of the headers.
            url: of the request.
            same_site: as for `header_for`; also if the response is a page that is opened, on any site.
            embedded_in: as for `header_for`.
        """
        if embedded_in is not None and self._engine.third_party_cookies == "not stored":
            return
        for header in set_cookie:
            self._store(header, url, same_site=same_site, jar=self._jar(embedded_in))

    def _jar(self, embedded_in: str | None) -> str | None:
        return embedded_in if self._engine.third_party_cookies == "in a jar of their own" else None

    def _fresh(self) -> list[Cookie]:
        return [cookie for cookie in self._cookies.values() if not cookie.has_expired]

    def _store(self, header: str, url: Url, *, same_site: bool, jar: str | None = None) -> bool:
        """Section 5.7 of RFC 6265bis; whether the cookie was stored."""
        cookie = parse_set_cookie(header, url, self._engine, jar)
        if cookie is None or not (same_site or cookie.same_site == "none"):
            return False
        is_insecure = not cookie.secure and not is_secure(url, self._engine)
        if is_insecure and self._has_secure_one_like(cookie):
            return False
        key = (cookie.name, cookie.domain, cookie.host_only, cookie.path, jar)
        old = self._cookies.get(key)
        changes = old is not None and old.value != cookie.value
        if cookie.has_expired or (changes and self._engine.new_value_moves_cookie):
            # Removed: if it is set again, it gets a new position.
            self._cookies.pop(key, None)
        if not cookie.has_expired:
            self._cookies[key] = cookie
        return True

    def _has_secure_one_like(self, cookie: Cookie) -> bool:
        """Whether a cookie from an insecure page would hide or replace one that was set over https."""
        return any(
            old.secure
            and old.name == cookie.name
            and (domain_matches(old.domain, cookie.domain) or domain_matches(cookie.domain, old.domain))
            and path_matches(cookie.path, old.path)
            for old in self._fresh()
        )
