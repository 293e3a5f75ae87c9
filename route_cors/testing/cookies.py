"""The cookie jar of a browser: which cookies it stores, and which it sends.

http.cookiejar has no SameSite, no cookie prefixes and no public suffix list, and drops a cookie because of
an attribute that browsers ignore. So this implements RFC 6265bis, with the choices of Chrome:
https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate
from typing import TYPE_CHECKING, Literal

from route_cors.testing.urls import is_address, is_public_suffix, is_trustworthy, parse_url

if TYPE_CHECKING:
    from route_cors.testing.urls import Url

__all__ = ["Cookie", "Cookies"]

_LONGEST_PAIR = 4096
_LONGEST_ATTRIBUTE = 1024
_LONGEST_LIFE = 400 * 24 * 3600
_WHITESPACE = " \t"
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SECONDS = re.compile(r"-?[0-9]+")
# These arrive unchanged: no separators, and no spaces at the ends, which would be removed.
_SETTABLE_NAME = re.compile(r"[!-:<>-~]+")
_SETTABLE_VALUE = re.compile(r"(?:[!-:<-~]+(?: +[!-:<-~]+)*)?")


@dataclass(frozen=True, slots=True)
class Cookie:
    """A cookie as it is stored.

    Args:
        name: may be empty.
        value: as it is sent, quotes included.
        domain: the host that set it, or its Domain.
        host_only: whether it is not sent to subdomains of `domain`.
        path: it is sent to this path and those below it.
        secure: whether it is only sent over https, or to this machine.
        same_site: `strict`, `lax` or `none`.
        expires: seconds since the epoch; None: at the end of the session.
    """

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool
    same_site: str
    expires: float | None

    @property
    def has_expired(self) -> bool:
        """Whether it has expired."""
        return self.expires is not None and self.expires <= time.time()

    def goes_to(self, url: Url, *, same_site: bool, safe_navigation: bool = False) -> bool:
        """Whether it is sent with a request.

        Args:
            url: of the request.
            same_site: whether the page that sends it is on the same site.
            safe_navigation: whether the request opens another page by GET: `Lax` cookies are sent then.
        """
        enough = {"none"}
        if safe_navigation:
            enough.add("lax")
        return (
            (url.host == self.domain if self.host_only else _domain_matches(url.host, self.domain))
            and _path_matches(url.path, self.path)
            and (is_trustworthy(url) or not self.secure)
            and (same_site or self.same_site in enough)
        )


class Cookies(Mapping[str, str]):
    """Cookies by name, for all hosts.

    They are sent with requests if the credentials mode allows it, and stored from the responses. A cookie
    without SameSite is `Lax`; `Lax` and `Strict` cookies are not sent to other sites, and not stored from
    them. A navigation to another site also sends `Lax` cookies if it is a GET, and its response may set any.
    `None` needs `Secure`, and `Secure` needs https or this machine.

    Args:
        home: the URL for which `set` sets cookies; None if there is none.

    Example:
        browser.cookies.set("session", "abc")
        browser.fetch("/account/7", credentials="include")
    """

    def __init__(self, home: Url | None) -> None:
        self._home = home
        # In the order of their creation; a cookie that is replaced keeps its position.
        self._cookies: dict[tuple[str, str, bool, str], Cookie] = {}

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

    def header_for(self, url: Url, *, same_site: bool, safe_navigation: bool = False) -> str | None:
        """The Cookie header of a request with credentials; None if no cookie is sent.

        https://fetch.spec.whatwg.org/#cookie-header

        Args:
            url: of the request.
            same_site: whether the page that sends it, and all redirects, are on the site of `url`.
            safe_navigation: whether the request opens another page by GET.
        """
        fitting = [
            cookie
            for cookie in self._fresh()
            if cookie.goes_to(url, same_site=same_site, safe_navigation=safe_navigation)
        ]
        fitting.sort(key=lambda cookie: len(cookie.path), reverse=True)
        pairs = (f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in fitting)
        return "; ".join(pairs) or None

    def store(self, set_cookie: Iterable[str], url: Url, *, same_site: bool) -> None:
        """Store the cookies of the Set-Cookie headers of a response to a request with credentials.

        https://fetch.spec.whatwg.org/#set-cookie-header

        Args:
            set_cookie: the values of the headers.
            url: of the request.
            same_site: as for `header_for`; also if the response is a page that is opened, on any site.
        """
        for header in set_cookie:
            self._store(header, url, same_site=same_site)

    def _fresh(self) -> list[Cookie]:
        return [cookie for cookie in self._cookies.values() if not cookie.has_expired]

    def _store(self, header: str, url: Url, *, same_site: bool) -> bool:
        """Section 5.7 of RFC 6265bis; whether the cookie was stored."""
        cookie = _parse(header, url)
        if cookie is None or not (same_site or cookie.same_site == "none"):
            return False
        if not cookie.secure and not is_trustworthy(url) and self._has_secure_one_like(cookie):
            return False
        key = (cookie.name, cookie.domain, cookie.host_only, cookie.path)
        if cookie.has_expired:
            # Removed: if it is set again, it gets a new position.
            self._cookies.pop(key, None)
        else:
            self._cookies[key] = cookie
        return True

    def _has_secure_one_like(self, cookie: Cookie) -> bool:
        """Whether a cookie from an insecure page would hide or replace one that was set over https."""
        return any(
            old.secure
            and old.name == cookie.name
            and (_domain_matches(old.domain, cookie.domain) or _domain_matches(cookie.domain, old.domain))
            and _path_matches(cookie.path, old.path)
            for old in self._fresh()
        )


def _parse(header: str, url: Url) -> Cookie | None:
    """Section 5.6 of RFC 6265bis, and the checks of 5.7 that need no other cookie; None if it is ignored."""
    pair, *attributes = header.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(_WHITESPACE), value.strip(_WHITESPACE)
    if _CONTROLS.search(header) or not name + value or len(name + value) > _LONGEST_PAIR:
        return None
    given = _attributes(attributes)
    domain = given.get("domain", "").lower().removeprefix(".")
    if domain and domain != url.host and (is_public_suffix(domain) or not _domain_matches(url.host, domain)):
        return None
    # A host that is a public suffix can only set cookies for itself.
    host_only = not domain or is_public_suffix(domain)
    path = given.get("path", "")
    cookie = Cookie(
        name=name,
        value=value,
        domain=url.host if host_only else domain,
        host_only=host_only,
        path=path if path.startswith("/") else url.path[: url.path.rfind("/")] or "/",
        secure="secure" in given,
        same_site=_same_site(given.get("samesite", "")),
        expires=_expiry(given),
    )
    return cookie if _is_acceptable(cookie, url) else None


def _attributes(parts: Iterable[str]) -> dict[str, str]:
    """By name in lower case; the last of several counts, and invalid ones are ignored."""
    attributes: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        name, value = name.strip(_WHITESPACE).lower(), value.strip(_WHITESPACE)
        if len(value) > _LONGEST_ATTRIBUTE:
            continue
        if name == "max-age" and not _SECONDS.fullmatch(value):
            continue
        if name == "expires" and _seconds_at(value) is None:
            continue
        attributes[name] = value
    return attributes


def _same_site(value: str) -> str:
    lower = value.lower()
    return lower if lower in {"strict", "none"} else "lax"


def _expiry(given: Mapping[str, str]) -> float | None:
    now = time.time()
    if "max-age" in given:
        return now + _life(given["max-age"])
    then = _seconds_at(given.get("expires", ""))
    return None if then is None else min(then, now + _LONGEST_LIFE)


def _life(max_age: str) -> int:
    """Seconds; 0 for a cookie that is to be deleted."""
    if max_age.startswith("-"):
        return 0
    # Python refuses to convert more than 4,300 digits.
    digits = max_age.lstrip("0") or "0"
    return _LONGEST_LIFE if len(digits) > len(str(_LONGEST_LIFE)) else min(int(digits), _LONGEST_LIFE)


def _seconds_at(date: str) -> float | None:
    """Seconds since the epoch; the date of a cookie is in UTC, even if it names another zone."""
    parsed = parsedate(date)
    try:
        return None if parsed is None else datetime(*parsed[:6], tzinfo=UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _is_acceptable(cookie: Cookie, url: Url) -> bool:
    if cookie.secure and not is_trustworthy(url):
        return False
    if cookie.same_site == "none" and not cookie.secure:
        return False
    # A cookie without a name could look like one with a prefix.
    prefixed = (cookie.name or cookie.value).lower()
    if prefixed.startswith("__secure-"):
        return bool(cookie.name) and cookie.secure
    if prefixed.startswith("__host-"):
        return bool(cookie.name) and cookie.secure and cookie.host_only and cookie.path == "/"
    return True


def _domain_matches(host: str, domain: str) -> bool:
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def _path_matches(path: str, cookie_path: str) -> bool:
    return path == cookie_path or path.startswith(
        cookie_path if cookie_path.endswith("/") else f"{cookie_path}/"
    )
