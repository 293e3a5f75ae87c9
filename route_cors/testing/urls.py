"""URLs as browsers parse them, their origins and their sites."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Final

import ada_url

from route_cors.errors import CORSConfigError
from route_cors.origins import is_loopback, parse_origin

if TYPE_CHECKING:
    from publicsuffixlist import PublicSuffixList

MADE_UP_HOST: Final = "testserver"
"""The host of an app without a base URL, as in Starlette's TestClient.

As the real host is not known, it counts as on the same site as every page.
"""


@dataclass(frozen=True, slots=True)
class Url:
    """A parsed URL (https://url.spec.whatwg.org/#concept-url).

    Args:
        scheme: without the colon.
        host: without the port; empty if the scheme has no hosts.
        origin: serialized; `null` if it is opaque.
        username, password: percent-encoded, or empty.
        path: percent-encoded.
        fragment: without its `#`; None if there is no `#`.
        href: the whole URL, serialized.
    """

    scheme: str
    host: str
    origin: str
    username: str
    password: str
    path: str
    fragment: str | None
    href: str

    @property
    def has_credentials(self) -> bool:
        """Includes credentials (https://url.spec.whatwg.org/#include-credentials)."""
        return bool(self.username or self.password)

    def with_fragment(self, fragment: str) -> Url:
        """The same URL with another fragment."""
        return replace(self, fragment=fragment, href=f"{self.without_fragment}#{fragment}")

    def with_scheme(self, scheme: str) -> Url:
        """The same URL with another scheme that has the same default port."""
        return replace(self, scheme=scheme, href=self.href.replace(self.scheme, scheme, 1))

    @property
    def without_fragment(self) -> str:
        """The URL as a script sees it in a response."""
        return self.href.partition("#")[0]

    @property
    def on_the_wire(self) -> str:
        """The URL as it is requested, without fragment and credentials, which browsers do not send."""
        if not self.has_credentials:
            return self.without_fragment
        rest = self.without_fragment.partition("@")[2]
        return f"{self.scheme}://{rest}"


def parse_url(text: str, base: Url | None = None) -> Url:
    r"""Parse `text` as a browser does.

    https://url.spec.whatwg.org/#concept-url-parser

    Args:
        text: absolute, or relative to `base`.
        base: None if there is none.

    Raises:
        ValueError: browsers cannot parse it, or it is relative and there is no base.
        TypeError: it is not a string.

    >>> parse_url(r"HTTP:\\A.example:80\x/../y#z").href
    'http://a.example/y#z'
    """
    if not isinstance(text, str):
        raise TypeError(f"{text!r} is not a URL: it must be a string")
    try:
        parsed = ada_url.URL(text, None if base is None else base.href)
    except ValueError:
        hint = "" if base else "; without a base_url it has to be absolute: 'https://api.example.com/path'"
        raise ValueError(f"{text!r} is not a URL that a browser can parse{hint}") from None
    return Url(
        scheme=parsed.protocol.removesuffix(":"),
        host=parsed.hostname,
        origin=parsed.origin,
        username=parsed.username,
        password=parsed.password,
        path=parsed.pathname,
        fragment=parsed.href.partition("#")[2] if "#" in parsed.href else None,
        href=parsed.href,
    )


def parse_web_url(text: str, fault: str) -> Url:
    """An http or https URL without a username and password; raises `ValueError(fault)` for any other."""
    try:
        url = parse_url(text)
    except ValueError:
        raise ValueError(fault) from None
    if url.scheme not in {"http", "https"} or url.has_credentials:
        raise ValueError(fault)
    return url


def parse_page_origin(text: str) -> str:
    """Check the origin of a page.

    Args:
        text: a serialized origin, or `null`, which sandboxed frames and local files have.

    Raises:
        ValueError: a page cannot have such an origin; the message says the right spelling, if that is clear.

    >>> parse_page_origin("https://app.example.com")
    'https://app.example.com'
    """
    if text == "null":
        return text
    try:
        declared = parse_origin(text)
    except CORSConfigError as error:
        (problem,) = error.problems
        fix = problem.fix if problem.is_new_string else None
        raise ValueError(str(replace(problem, field="origin", fix=fix))) from None
    if declared.is_pattern:
        raise ValueError(f"origin: {text!r}: a page has one origin, not a pattern")
    return text


def is_same_site(url: Url, other: Url | None) -> bool:
    """Whether two URLs, or a URL and a page's origin, are schemefully same site.

    https://html.spec.whatwg.org/multipage/browsers.html#same-site

    Args:
        url: the first.
        other: the second; None is an opaque origin, which has no site.

    >>> is_same_site(parse_url("https://api.example.co.uk"), parse_url("https://www.example.co.uk"))
    True
    >>> is_same_site(parse_url("https://a.github.io"), parse_url("https://b.github.io"))
    False
    """
    if other is None:
        return False
    if MADE_UP_HOST in {url.host, other.host}:
        return True
    return _site(url) == _site(other)


def site_of(url: Url) -> str:
    """The site of a URL, with its scheme.

    https://html.spec.whatwg.org/multipage/browsers.html#obtain-a-site

    >>> site_of(parse_url("https://api.example.co.uk:8443/notes"))
    'https://example.co.uk'
    """
    return "://".join(_site(url))


def is_trustworthy(url: Url) -> bool:
    """Whether a request cannot be changed on the network: https, or this machine.

    https://w3c.github.io/webappsec-secure-contexts/#is-url-trustworthy

    >>> is_trustworthy(parse_url("http://app.localhost:8000")), is_trustworthy(parse_url("http://a.example"))
    (True, False)
    """
    return url.scheme in {"https", "wss"} or is_loopback(url.host)


def is_address(host: str) -> bool:
    """Whether a URL's host is an IP address and not a name."""
    return host.startswith("[") or host.rpartition(".")[2].isdecimal()


def is_public_suffix(host: str) -> bool:
    """Whether names directly below `host` belong to different people.

    >>> is_public_suffix("co.uk"), is_public_suffix("example.co.uk"), is_public_suffix("localhost")
    (True, False, True)
    """
    return not is_address(host) and _suffixes().privatesuffix(host) is None


def _site(url: Url) -> tuple[str, str]:
    """The scheme (for ws and wss http and https), and the registrable domain or, without one, the host."""
    scheme = {"ws": "http", "wss": "https"}.get(url.scheme, url.scheme)
    if is_address(url.host):
        return scheme, url.host
    # In browsers a name with a dot at its end is another name.
    name = url.host.removesuffix(".")
    dot = url.host[len(name) :]
    return scheme, (_suffixes().privatesuffix(name) or name) + dot


@cache
def _suffixes() -> PublicSuffixList:
    # Imported here because it reads the whole list, which a test without cookies does not need.
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415

    return PublicSuffixList()
