"""Origins: the grammar of declared ones, and `OriginSet`, which says whether an Origin header is among them.

An origin is serialized as `scheme://host`, and `:port` where that is not the scheme's default:
https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
Browsers always send exactly that form, so a declared origin in any other spelling would never match. That is
why every other spelling is refused here, and why origins are compared byte for byte.
"""

from __future__ import annotations

import ipaddress
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from route_cors.errors import CORSConfigError, Problem
from route_cors.spellings import spelling_of_list, spelling_of_many, spelling_of_none

if TYPE_CHECKING:
    # This module does not import Starlette: the name is only used in annotations and a forward reference.
    from starlette.requests import HTTPConnection

    from route_cors.spellings import Spelling

__all__ = [
    "ANY_ORIGIN",
    "DEFAULT_PORTS",
    "MAX_ORIGIN_BYTES",
    "DeclaredOrigin",
    "LiveItem",
    "LiveSet",
    "OriginCallable",
    "OriginItem",
    "OriginSet",
    "Origins",
    "Url",
    "is_loopback",
    "is_serialized_origin",
    "parse_origin",
]

OriginCallable: TypeAlias = Callable[[str, "HTTPConnection"], bool | Awaitable[bool]]
"""A callable that decides about an origin: `(origin, connection) -> bool`, or the async form of it."""


class LiveSet(Protocol):
    """The members of a live item under the rules of a policy. They may change between any two calls."""

    def matches(self, origin: bytes) -> bool:
        """As `OriginSet.matches`."""
        ...


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

    @abstractmethod
    def under(self, *, insecure: bool, public_suffixes: bool) -> LiveSet:
        """Its members for a policy that allows insecure origins, or public suffixes, or does not."""


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

_MAX_HOST = 253
_MAX_LABEL = 63
_MAX_PORT = 65535
_IPV4_BYTES = 4

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_NOT_IN_A_HOST = 'a character that is not allowed in a host: only letters, digits, "-", "_" and "." are'
_OPAQUE_HOST = re.compile(r"[A-Za-z0-9_.-]+")
# Chromium and Firefox have their extensions in lower case; other schemes are opaque.
_LOWER_CASE = frozenset({*DEFAULT_PORTS, "chrome-extension", "moz-extension"})
_LABEL = re.compile(r"[a-z0-9_-]+")
# Most origins: they need no closer look, which takes ten times as long. The last label is no number.
_PLAIN = re.compile(r"https://(?P<host>(?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9_-]{0,62})")
_LOOPBACK_IPV4 = re.compile(r"127(?:\.[0-9]{1,3}){3}")

# The URL standard lets hosts hold more characters (";", "!", "'" and others), and some browsers do send them.
# No registered name has them; attackers put them into hosts to get past regexes. So they are refused here.
_SERIALIZED = re.compile(
    rb"(?P<scheme>(?P<web>https?)|(?!https?:)[a-z][a-z0-9+.-]*)://"
    rb"(?P<host>(?(web)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|[A-Za-z0-9_.-]+)|\[[0-9a-f:]+\])"
    rb"(?::(?P<port>[1-9][0-9]{0,4}))?"
)

_SLASHLESS = re.compile(r"https?:/?(?!/)", re.IGNORECASE)
_WITHOUT_ORIGIN = frozenset({"about", "blob", "data", "file", "ftp", "javascript"})
_WEBSOCKET_SCHEMES = {"ws": "http", "wss": "https"}


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
    return _split(origin) is not None


def _split(origin: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Scheme, host and port (b"" where there is none) of a serialized origin; None if it is not one."""
    if len(origin) > MAX_ORIGIN_BYTES:
        return None
    match = _SERIALIZED.fullmatch(origin)
    if match is None:
        return None
    scheme, host, port = match.group("scheme", "host", "port")
    if port is None:
        return scheme, host, b""
    return (scheme, host, port) if int(port) <= _MAX_PORT else None


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
    plain = _PLAIN.fullmatch(text) if len(text) <= _MAX_HOST else None
    if plain is not None:
        return DeclaredOrigin("https", plain["host"], "", subdomains=False)
    origin, faults = _read(text)
    if origin is not None and not faults:
        return origin
    stripped, fix = text.strip(), _fixed(origin)
    known = spelling_of_none(stripped) or spelling_of_list(stripped)
    if known is None and fix is None:
        known = spelling_of_many(stripped)
    if known is not None:
        faults, fix = [known.reason], _fixed_list(known) or known.fix
    raise CORSConfigError([Problem("origins", text, "; ".join(faults), fix)])


def _fixed(origin: DeclaredOrigin | None) -> str | None:
    """The origin that was recognised, if it has no problems itself."""
    if origin is None:
        return None
    text = str(origin)
    return None if _read(text)[1] else text


def _fixed_list(known: Spelling) -> str | None:
    fixed = [_fixed(_read(part)[0]) for part in known.instead]
    if not fixed or None in fixed:
        return None
    return json.dumps(fixed) if known.is_list or len(fixed) > 1 else fixed[0]


def _read(text: str) -> tuple[DeclaredOrigin | None, list[str]]:
    """The origin recognised in `text`, with every part corrected, and every fault that was found.

    Each function below reads one part: it notes the faults and returns the part as it should be.
    """
    stripped = text.strip()
    faults: list[str] = []
    if len(stripped) > MAX_ORIGIN_BYTES:
        return None, [f"longer than {MAX_ORIGIN_BYTES} characters, which no origin is"]
    if any(character.isspace() for character in text):
        faults.append("white space: an origin has none")
    scheme, rest = _read_scheme(stripped, faults)
    authority = _read_rest(rest, faults)
    name, port = _split_authority(authority, faults)
    subdomains, host = _read_host(name, scheme.lower(), faults)
    origin = DeclaredOrigin(scheme.lower(), host, _read_port(port, scheme.lower(), faults), subdomains)
    if origin.is_pattern and scheme.lower() not in DEFAULT_PORTS and host and ".." in f".{host}.":
        faults.append("an empty label in the host of a pattern: only an origin may have one")
    is_lower = scheme.lower() in _LOWER_CASE or host.startswith("[")
    if scheme != scheme.lower() or (is_lower and name != name.lower()):
        faults.append("upper case: browsers send origins in lower case")
    return origin, faults


def _read_scheme(text: str, faults: list[str]) -> tuple[str, str]:
    scheme, separator, rest = text.partition("://")
    if _SLASHLESS.match(text):
        faults.append('the scheme must be followed by "://"')
        scheme, _, rest = text.partition(":")
        return scheme, rest.removeprefix("/")
    if not separator:
        faults.append('no scheme: an origin is "scheme://host" or "scheme://host:port"')
        rest = text.removeprefix("//")
        host = rest.partition("/")[0].partition(":")[0].lower()
        return ("http" if is_loopback(host) else "https"), rest
    if scheme.lower() in _WITHOUT_ORIGIN:
        faults.append("pages of that scheme have the origin null")
    elif scheme.lower() in _WEBSOCKET_SCHEMES:
        faults.append("no page has a ws or wss origin: a websocket handshake carries the origin of its page")
        scheme = _WEBSOCKET_SCHEMES[scheme.lower()]
    elif _SCHEME.fullmatch(scheme.lower()) is None:
        faults.append('a scheme is a letter, then letters, digits, "+", "-" or "."')
    return scheme, rest


def _read_rest(rest: str, faults: list[str]) -> str:
    """Host and port, without the other parts of a URL."""
    end = re.search(r"[/?#]", rest)
    authority, tail = (rest, "") if end is None else (rest[: end.start()], rest[end.start() :])
    path_and_query, fragment_mark, _ = tail.partition("#")
    path, query_mark, _ = path_and_query.partition("?")
    if path == "/":
        faults.append("a trailing slash: an origin ends with its host or port")
    elif path:
        faults.append("a path: an origin ends with its host or port")
    if query_mark:
        faults.append("a query: an origin ends with its host or port")
    if fragment_mark:
        faults.append("a fragment: an origin ends with its host or port")
    _, at, host_and_port = authority.rpartition("@")
    if at:
        faults.append("user info: an origin has none")
    return host_and_port


def _split_authority(authority: str, faults: list[str]) -> tuple[str, str | None]:
    """The host, and what follows its colon, if there is one."""
    if authority.startswith("["):
        address, bracket, after = authority.partition("]")
        if bracket and (not after or after.startswith(":")):
            return address + bracket, after[1:] if after else None
    elif authority.count(":") > 1:
        faults.append("write an IPv6 address in brackets: a host has no other colons")
        return f"[{authority}]", None
    host, colon, port = authority.partition(":")
    return host, port if colon else None


def _read_port(port: str | None, scheme: str, faults: list[str]) -> str:
    if port is None or port == "*":
        return "" if port is None else "*"
    if not port:
        faults.append("a colon without a port")
        return ""
    if re.fullmatch(r"[0-9]+", port) is None:
        faults.append("a port is a number, or * for any or none")
        return port
    number = port.lstrip("0")
    if not number:
        faults.append("port 0: no server can use it")
        return port
    if len(number) > len(str(_MAX_PORT)) or int(number) > _MAX_PORT:
        faults.append(f"the port is greater than {_MAX_PORT}")
    if number != port:
        faults.append("leading zeros in the port: browsers send none")
    if number == DEFAULT_PORTS.get(scheme):
        faults.append(f"the default port: browsers leave out the {number} of {scheme}")
        return ""
    return number


def _read_host(name: str, scheme: str, faults: list[str]) -> tuple[bool, str]:
    """Whether the host starts with `*.`, and the rest of it."""
    subdomains = name.startswith("*.")
    host = name.removeprefix("*.")
    is_ipv6 = host.startswith("[")
    if scheme not in _LOWER_CASE and not is_ipv6:
        return subdomains, _read_opaque(host, faults)
    host = host.lower()
    if not host.isascii() and not is_ipv6:
        faults.append("Unicode in the host: browsers send it as Punycode")
        host = _punycode(host)
    is_ipv4 = not is_ipv6 and scheme in DEFAULT_PORTS and _ends_in_number(host)
    if subdomains and (is_ipv6 or is_ipv4):
        faults.append("an IP address has no subdomains that a * could match")
        return subdomains, host
    if is_ipv6:
        return subdomains, _read_ipv6(host, faults)
    if is_ipv4:
        return subdomains, _read_ipv4(host, faults)
    return subdomains, _read_name(host, faults, _MAX_HOST - len("a.") if subdomains else _MAX_HOST)


def _read_opaque(host: str, faults: list[str]) -> str:
    """The host of a scheme that is not the web's, which browsers send as it is written: `app://.`.

    https://url.spec.whatwg.org/#concept-opaque-host-parser
    """
    if not host:
        faults.append("no host")
    elif _OPAQUE_HOST.fullmatch(host) is None:
        faults.append(_NOT_IN_A_HOST)
    return host


def _read_name(host: str, faults: list[str], longest: int) -> str:
    if host.endswith("."):
        faults.append("a trailing dot in the host: browsers only send it if the URL has it")
        host = host.removesuffix(".")
    if not host:
        faults.append("no host")
        return host
    labels = host.split(".")
    if "" in labels:
        faults.append("an empty label in the host: two dots, or one at its start")
    if any(label and _LABEL.fullmatch(label) is None for label in labels):
        faults.append(_NOT_IN_A_HOST)
    if any(len(label) > _MAX_LABEL for label in labels):
        faults.append(f"a label of the host is longer than {_MAX_LABEL} characters")
    if len(host) > longest:
        faults.append(f"the host is longer than {_MAX_HOST} characters")
    return host


def _punycode(host: str) -> str:
    """`host` as browsers send it; unchanged if that cannot be computed."""
    import idna  # noqa: PLC0415 - its tables are large, and needed only to fix a mistake

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host


def _read_ipv6(host: str, faults: list[str]) -> str:
    try:
        address = ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        faults.append("not an IPv6 address in brackets")
        return host
    if address.scope_id is not None:
        faults.append("a zone in the IPv6 address: an origin has none")
    canonical = f"[{_serialize_ipv6(address)}]"
    if canonical != host:
        faults.append("not the canonical form of the IPv6 address, which browsers send")
    return canonical


def _serialize_ipv6(address: ipaddress.IPv6Address) -> str:
    """Never ending in a dotted quad: https://url.spec.whatwg.org/#concept-ipv6-serializer ."""
    mapped = address.ipv4_mapped
    if mapped is not None:
        # `compressed` ends these in a dotted quad from Python 3.13 on.
        return f"::ffff:{int(mapped) >> 16:x}:{int(mapped) & 0xFFFF:x}"
    return ipaddress.IPv6Address(int(address)).compressed


def _ends_in_number(host: str) -> bool:
    """Whether browsers read `host` as an IPv4 address.

    https://url.spec.whatwg.org/#ends-in-a-number-checker
    """
    last = host.removesuffix(".").rpartition(".")[2]
    return re.fullmatch(r"[0-9]+|0x[0-9a-f]*", last) is not None


def _read_ipv4(host: str, faults: list[str]) -> str:
    canonical = _parse_ipv4(host)
    if canonical is None:
        faults.append(
            "a host whose last label is a number is read as an IPv4 address, and it is not a valid one"
        )
        return host
    if canonical != host:
        faults.append("not the canonical form of the IPv4 address, which browsers send")
    return canonical


def _parse_ipv4(host: str) -> str | None:
    """The dotted quad of a host that browsers read as an IPv4 address.

    https://url.spec.whatwg.org/#concept-ipv4-parser
    Not `socket.inet_aton`: what it accepts differs between platforms.
    """
    parts = host.removesuffix(".").split(".")
    if len(parts) > _IPV4_BYTES:
        return None
    numbers = [number for number in map(_parse_ipv4_number, parts) if number is not None]
    if len(numbers) < len(parts):
        return None
    *leading, last = numbers
    # The last number stands for all bytes that are left.
    try:
        return str(ipaddress.IPv4Address(bytes(leading) + last.to_bytes(_IPV4_BYTES - len(leading), "big")))
    except (ValueError, OverflowError):
        return None


def _parse_ipv4_number(part: str) -> int | None:
    """Hexadecimal after 0x, octal after 0: https://url.spec.whatwg.org/#ipv4-number-parser ."""
    if re.fullmatch(r"0x[0-9a-f]*", part):
        return int(f"{part}0", 16) >> 4  # the extra 0 is for a bare "0x", which is 0 as well
    if re.fullmatch(r"0[0-7]*", part):
        return int(part, 8)
    return int(part) if re.fullmatch(r"[1-9][0-9]*", part) else None


# The compiled matcher


@dataclass(frozen=True, slots=True)
class OriginSet:
    """Compiled origins: looking up an Origin header takes the same time among thousands as in one.

    Made by `compile`. `matches` does not call callables: they need the connection and may be async.

    Args:
        any: whether it is the set of all origins.
        exact: origins that match byte for byte.
        patterns: (scheme, host, port) of the patterns; a host that starts with a dot is a suffix, and the
            port b"*" is any port or none.
        regexes: matched with `fullmatch`.
        callables: to be called by the caller if `matches` is False and `is_serialized_origin` is True.
        live: sets whose members change while the app runs.
        insecure_regexes: whether a regex may match http origins other than those of this machine.
    """

    any: bool = False
    exact: frozenset[bytes] = frozenset()
    patterns: frozenset[tuple[bytes, bytes, bytes]] = frozenset()
    regexes: tuple[re.Pattern[str], ...] = ()
    callables: tuple[OriginCallable, ...] = ()
    live: tuple[LiveSet, ...] = ()
    insecure_regexes: bool = True

    @classmethod
    def compile(
        cls,
        items: Iterable[OriginItem | DeclaredOrigin],
        *,
        insecure_regexes: bool = True,
        public_suffixes: bool = True,
    ) -> OriginSet:
        """Compile declared origins.

        Args:
            items: as `CORSPolicy` accepts them, or read already.
            insecure_regexes: if False, regexes and live items never match http origins of other machines.
            public_suffixes: if False, live items never match by a wildcard above a public suffix.

        Raises:
            CORSConfigError: if one of the strings is neither `"*"` nor an origin nor an origin pattern.

        >>> origins = OriginSet.compile(["https://a.example", "https://*.b.example"])
        >>> origins.matches(b"https://x.y.b.example"), origins.matches(b"https://b.example")
        (True, False)
        """
        declared: list[DeclaredOrigin] = []
        regexes: list[re.Pattern[str]] = []
        callables: list[OriginCallable] = []
        live: list[LiveSet] = []
        is_any = False
        for item in items:
            if isinstance(item, str) and item == ANY_ORIGIN:
                is_any = True
            elif isinstance(item, str):
                declared.append(parse_origin(item))
            elif isinstance(item, re.Pattern):
                regexes.append(item)
            elif isinstance(item, DeclaredOrigin):
                declared.append(item)
            elif isinstance(item, LiveItem):
                live.append(item.under(insecure=insecure_regexes, public_suffixes=public_suffixes))
            else:
                callables.append(item)
        return cls(
            any=is_any,
            exact=frozenset(str(origin).encode() for origin in declared if not origin.is_pattern),
            patterns=frozenset(_pattern_key(origin) for origin in declared if origin.is_pattern),
            regexes=tuple(regexes),
            callables=tuple(callables),
            live=tuple(live),
            insecure_regexes=insecure_regexes,
        )

    def matches(self, origin: bytes) -> bool:
        """Whether `origin`, an Origin header's value, is in the set, callables aside.

        The byte-for-byte comparison of https://fetch.spec.whatwg.org/#concept-cors-check, step 4; never
        raises, whatever the bytes.
        """
        if self.any or origin in self.exact:
            return True
        for members in self.live:
            if members.matches(origin):
                return True
        if not self.patterns and not self.regexes:
            return False
        parts = _split(origin)
        if parts is None:
            return False
        return self._matches_pattern(*parts) or self._matches_regex(origin, *parts)

    def _matches_pattern(self, scheme: bytes, host: bytes, port: bytes) -> bool:
        """Look up the host itself, then each of its suffixes that starts with a dot, the longest first."""
        patterns = self.patterns
        # `app://.x` is an origin, and none of a subdomain of x.
        suffix = b"" if host.startswith(b".") or b".." in host else host
        while suffix:
            if (scheme, suffix, port) in patterns or (scheme, suffix, b"*") in patterns:
                return True
            dot = host.find(b".", len(host) - len(suffix) + 1)
            suffix = host[dot:] if dot != -1 else b""
        return False

    def _matches_regex(self, origin: bytes, scheme: bytes, host: bytes, _port: bytes) -> bool:
        # Defence in depth: `CORSPolicy` refuses regexes whose text allows insecure origins, but the text
        # alone does not show for certain what a regex matches.
        if not self.insecure_regexes and scheme == b"http" and not is_loopback(host.decode("ascii")):
            return False
        text = origin.decode("ascii")
        return any(regex.fullmatch(text) is not None for regex in self.regexes)


def _pattern_key(origin: DeclaredOrigin) -> tuple[bytes, bytes, bytes]:
    host = f".{origin.host}" if origin.subdomains else origin.host
    return origin.scheme.encode(), host.encode(), origin.port.encode()
