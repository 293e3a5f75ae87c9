"""Origins: the forms that browsers send, and the grammar of declared ones.

An origin is serialized as `scheme://host`, and `:port` where that is not the scheme's default:
https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
Browsers always send exactly that form, so a declared origin in any other spelling would never match. That is
why every other spelling is refused here, and why origins are compared byte for byte.
"""

from __future__ import annotations

import ipaddress
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from route_cors.errors import CORSConfigError, corrections

if TYPE_CHECKING:
    # This module does not import Starlette: the name is only used in annotations and a forward reference.
    from starlette.requests import HTTPConnection

OriginCallable: TypeAlias = Callable[[str, "HTTPConnection"], bool | Awaitable[bool]]
"""A callable that decides about an origin: `(origin, connection) -> bool`, or the async form of it."""


class LiveItem(ABC):
    """An item of `origins` whose members change while the app runs: a `LiveOrigins`."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What it is called in logs and tables."""

    @property
    @abstractmethod
    def origins(self) -> tuple[str, ...]:
        """Its members now."""

    @property
    @abstractmethod
    def age(self) -> float | None:
        """Seconds since they were last known to be these; None: never."""

    @abstractmethod
    def under(self, *, insecure: bool, public_suffixes: bool) -> Callable[[bytes], bool]:
        """What says whether an origin is a member, for a policy that allows these two, or does not.

        It may say otherwise the next time, and takes what `OriginSet.matches` takes.
        """


OriginItem: TypeAlias = str | re.Pattern[str] | OriginCallable | LiveItem
"""An item of `origins`: `"*"`, an origin or origin pattern, a compiled regex, a callable, a `LiveOrigins`."""


class Url(Protocol):
    """What the URLs of pydantic have in common."""

    def unicode_string(self) -> str:
        """The URL, with its path."""
        ...


Origins: TypeAlias = OriginItem | Url | Iterable[OriginItem | Url]
"""What `origins=` takes."""

ANY_ORIGIN: Final = "*"

DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
"""The default ports, which browsers leave out. https://url.spec.whatwg.org/#default-port

ws and wss have them too, but no page has such an origin: the Origin of a handshake is that of its page.
"""

MAX_ORIGIN_BYTES: Final = 512
"""The longest origin that is read: a host has at most 253 bytes, which leaves enough for the scheme."""

MAX_HOST: Final = 253
MAX_LABEL: Final = 63
MAX_PORT: Final = 65535

WITHOUT_ORIGIN: Final = frozenset({"about", "blob", "data", "file", "ftp", "javascript"})
"""Schemes whose pages have the origin null."""

WEBSOCKET_SCHEMES: Final = {"ws": "http", "wss": "https"}
"""And those of the pages that open a websocket: no page has a ws or wss origin."""

LOWER_CASE_SCHEMES: Final = frozenset({*DEFAULT_PORTS, "chrome-extension", "moz-extension"})
"""Chromium and Firefox have their extensions in lower case; other schemes are opaque."""

_LOOPBACK_IPV4 = re.compile(r"127(?:\.[0-9]{1,3}){3}")

# The URL standard lets hosts hold more characters (";", "!", "'" and others), and some browsers do send them.
# No registered name has them; attackers put them into hosts to get past regexes. So they are refused here.
_SERIALIZED = re.compile(
    rb"(?P<scheme>(?P<web>https?)|(?!https?:)[a-z][a-z0-9+.-]*)://"
    rb"(?P<host>(?(web)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[A-Za-z0-9_.-]+)|\[[0-9a-f:]+\])"
    rb"(?::(?P<port>[1-9][0-9]{0,4}))?"
)


def is_loopback(host: str) -> bool:
    """Whether `host`, in lower case, is this machine: localhost, *.localhost, 127.0.0.0/8 or [::1].

    The loopback part of https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy

    >>> is_loopback("app.localhost"), is_loopback("127.0.0.1"), is_loopback("localhost.example")
    (True, True, False)
    """
    is_name = host == "localhost" or host.endswith(".localhost")
    return is_name or host == "[::1]" or _LOOPBACK_IPV4.fullmatch(host) is not None


def is_serialized_origin(origin: bytes) -> bool:
    """Whether `origin`, an Origin header's value, has the form that a browser gives to a tuple origin.

    False for `null`, for what is empty, joined, longer than `MAX_ORIGIN_BYTES` or not ASCII, and for anything
    that ends in a newline. Takes almost no time, however long the value is.

    >>> is_serialized_origin(b"https://a.example:8443"), is_serialized_origin(b"null")
    (True, False)
    """
    return split_origin(origin) is not None


def split_origin(origin: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Scheme, host and port (b"" where there is none) of a serialized origin; None if it is not one."""
    if len(origin) > MAX_ORIGIN_BYTES:
        return None
    match = _SERIALIZED.fullmatch(origin)
    if match is None:
        return None
    scheme, host, port = match.group("scheme", "host", "port")
    if port is None:
        return scheme, host, b""
    return (scheme, host, port) if int(port) <= MAX_PORT else None


# The grammar of declared origins


@dataclass(frozen=True, slots=True)
class DeclaredOrigin:
    """The parts of a declared origin or origin pattern. `str` joins them again.

    Args:
        scheme: without the colon.
        host: without the leading `*.` of a pattern; an IPv6 address in its brackets.
        port: the digits; `""` if there is none; `"*"` for any port or none.
        subdomains: whether it is a pattern that starts with `*.`.
    """

    scheme: str
    host: str
    port: str
    subdomains: bool

    def __str__(self) -> str:
        wildcard = "*." if self.subdomains else ""
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{wildcard}{self.host}{port}"

    @property
    def is_pattern(self) -> bool:
        """Whether more than one origin matches."""
        return self.subdomains or self.port == "*"

    @property
    def is_insecure(self) -> bool:
        """Whether anyone on the network can impersonate it: it is http and not this machine itself."""
        return self.scheme == "http" and not is_loopback(self.host)


def parse_origin(text: str) -> DeclaredOrigin:
    """Read a declared origin or origin pattern.

    The host of a pattern may start with `*.`, which matches one or more whole labels, and its port `*`, which
    matches any port or none. A `*` is not allowed anywhere else.

    Args:
        text: the origin, as a browser would send it, or the pattern.

    Raises:
        CORSConfigError: with one problem, which says all that is wrong. If what is meant can be recognised,
            its fix is the origin as browsers send it, a list of them, or a regex.

    >>> parse_origin("https://*.a.example").host
    'a.example'
    >>> try:
    ...     parse_origin("HTTPS://A.example:443")
    ... except CORSConfigError as error:
    ...     print(error.problems[0].fix)
    https://a.example
    """
    origin = _as_sent(text)
    if origin is None:
        raise CORSConfigError([corrections().refused_origin(text)])
    return origin


# Most origins, in a third of the time: their last label is no number.
_PLAIN = re.compile(r"https://((?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62})")
_DECLARED = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<wildcard>\*\.)?(?P<host>[A-Za-z0-9_.-]+|\[[0-9a-f:]+\])"
    r"(?::(?P<port>\*|[1-9][0-9]{0,4}))?"
)


def _as_sent(text: str) -> DeclaredOrigin | None:
    """The origin or pattern, if its parts are written as browsers send them; None for all else."""
    plain = _PLAIN.fullmatch(text) if len(text) <= MAX_HOST else None
    if plain is not None:
        return DeclaredOrigin("https", plain[1], "", subdomains=False)
    match = _DECLARED.fullmatch(text) if len(text) <= MAX_ORIGIN_BYTES else None
    if match is None:
        return None
    scheme, wildcard, host, port = match.groups(default="")
    origin = DeclaredOrigin(scheme, host, port, subdomains=bool(wildcard))
    has_origin = scheme not in WITHOUT_ORIGIN and scheme not in WEBSOCKET_SCHEMES
    return origin if has_origin and _has_port_as_sent(origin) and _has_host_as_sent(origin) else None


def _has_port_as_sent(origin: DeclaredOrigin) -> bool:
    port = origin.port
    return port in {"", "*"} or (int(port) <= MAX_PORT and port != DEFAULT_PORTS.get(origin.scheme))


def _has_host_as_sent(origin: DeclaredOrigin) -> bool:
    host = origin.host
    if host.startswith("["):
        return not origin.subdomains and canonical_ipv6(host) == host
    if origin.scheme not in LOWER_CASE_SCHEMES:
        # Browsers send an opaque host as it is written: `app://.`.
        return not origin.is_pattern or ".." not in f".{host}."
    if origin.scheme in DEFAULT_PORTS and ends_in_number(host):
        return not origin.subdomains and _is_ipv4(host)
    longest = MAX_HOST - len("a.") if origin.subdomains else MAX_HOST
    labels = host.split(".")
    return (
        host == host.lower() and len(host) <= longest and all(0 < len(label) <= MAX_LABEL for label in labels)
    )


def canonical_ipv6(host: str) -> str | None:
    """An IPv6 address in brackets as browsers send it, without its zone; None if it is not an address."""
    try:
        address = ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None
    # Never ending in a dotted quad, as `compressed` does for these from Python 3.13 on:
    # https://url.spec.whatwg.org/#concept-ipv6-serializer
    mapped = address.ipv4_mapped
    if mapped is not None:
        return f"[::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}]"
    return f"[{ipaddress.IPv6Address(int(address)).compressed}]"


def ends_in_number(host: str) -> bool:
    """Whether browsers read `host` as an IPv4 address.

    https://url.spec.whatwg.org/#ends-in-a-number-checker
    """
    last = host.removesuffix(".").rpartition(".")[2]
    return re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None


def _is_ipv4(host: str) -> bool:
    """Whether it is the one form in which browsers send an address; the library takes no other."""
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return False
    return True
