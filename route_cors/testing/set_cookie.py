"""Set-Cookie headers: the cookies that they name, as a browser stores them.

http.cookiejar has no SameSite, no cookie prefixes and no public suffix list, and drops a cookie because of
an attribute that browsers ignore. So this implements RFC 6265bis, with the choices of Chrome:
https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate
from typing import TYPE_CHECKING, Literal, TypeAlias

from route_cors.testing.urls import is_address, is_public_suffix, is_trustworthy

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from route_cors.testing.engines import Engine
    from route_cors.testing.urls import Url

Navigation: TypeAlias = Literal["no", "safe", "unsafe"]
"""Whether a request opens another page, and if so whether by a safe method such as GET."""

_LONGEST_PAIR = 4096
_LONGEST_ATTRIBUTE = 1024
_LONGEST_LIFE = 400 * 24 * 3600
_WHITESPACE = " \t"
_CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SAME_SITES = frozenset({"strict", "lax", "none"})
_SECONDS = re.compile(r"-?[0-9]+")


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
        created: seconds since the epoch.
        names_same_site: whether its server said what SameSite is.
        jar: the site of the pages that have it, in an engine that keeps cookies of other sites apart.
    """

    name: str
    value: str
    domain: str
    host_only: bool
    path: str
    secure: bool
    same_site: str
    expires: float | None
    created: float = 0.0
    names_same_site: bool = True
    jar: str | None = None

    @property
    def has_expired(self) -> bool:
        """Whether it has expired."""
        return self.expires is not None and self.expires <= time.time()

    def goes_to(self, url: Url, engine: Engine, *, same_site: bool, navigation: Navigation) -> bool:
        """Whether it is sent with a request.

        Args:
            url: of the request.
            engine: of the browser.
            same_site: whether the page that sends it is on the same site.
            navigation: whether the request opens another page: by GET `Lax` cookies are sent then.
        """
        enough = {"none"}
        if navigation == "safe" or (navigation == "unsafe" and self._is_new(engine)):
            enough.add("lax")
        return (
            (url.host == self.domain if self.host_only else domain_matches(url.host, self.domain))
            and path_matches(url.path, self.path)
            and (is_secure(url, engine) or not self.secure)
            and (same_site or self.same_site in enough)
        )

    def _is_new(self, engine: Engine) -> bool:
        age = time.time() - self.created
        return not self.names_same_site and age < engine.lax_allows_post_for


def is_secure(url: Url, engine: Engine) -> bool:
    """Whether `url` may set cookies that are `Secure`, and is sent them."""
    return is_trustworthy(url) and (engine.loopback_is_secure or url.scheme in {"https", "wss"})


def parse_set_cookie(header: str, url: Url, engine: Engine, jar: str | None) -> Cookie | None:
    """Section 5.6 of RFC 6265bis, and the checks of 5.7 that need no other cookie.

    Args:
        header: the value of the Set-Cookie header.
        url: of the response.
        engine: of the browser.
        jar: see `Cookie`.

    Returns:
        None if a browser ignores it.
    """
    pair, *attributes = header.split(";")
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", pair
    name, value = name.strip(_WHITESPACE), value.strip(_WHITESPACE)
    if "\t" in name + value and engine.tab_in_cookie != "kept":
        if engine.tab_in_cookie == "refused":
            return None
        value = value.partition("\t")[0]
    if _CONTROLS.search(header) or not name + value or len(name + value) > _LONGEST_PAIR:
        return None
    given = _attributes(attributes)
    domain = given.get("domain", "").lower().removeprefix(".")
    if domain and domain != url.host and (is_public_suffix(domain) or not domain_matches(url.host, domain)):
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
        same_site=_same_site(given.get("samesite", ""), engine),
        expires=_expiry(given),
        created=time.time(),
        names_same_site=given.get("samesite", "").lower() in _SAME_SITES,
        jar=jar,
    )
    return cookie if _is_acceptable(cookie, url, engine) else None


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


def _same_site(value: str, engine: Engine) -> str:
    lower = value.lower()
    return lower if lower in _SAME_SITES else engine.default_same_site


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


def _is_acceptable(cookie: Cookie, url: Url, engine: Engine) -> bool:
    if cookie.secure and not is_secure(url, engine):
        return False
    names_none = cookie.same_site == "none" and cookie.names_same_site
    if names_none and engine.none_needs_secure and not cookie.secure:
        return False
    # A cookie without a name could look like one with a prefix.
    prefixed = (cookie.name or cookie.value).lower()
    if prefixed.startswith("__secure-"):
        return bool(cookie.name) and cookie.secure
    if prefixed.startswith("__host-"):
        return bool(cookie.name) and cookie.secure and cookie.host_only and cookie.path == "/"
    return True


def domain_matches(host: str, domain: str) -> bool:
    """Domain matching (RFC 6265bis, section 5.1.3)."""
    return host == domain or (host.endswith(f".{domain}") and not is_address(host))


def path_matches(path: str, cookie_path: str) -> bool:
    """Path matching (RFC 6265bis, section 5.1.4)."""
    return path == cookie_path or path.startswith(
        cookie_path if cookie_path.endswith("/") else f"{cookie_path}/"
    )
