"""What is wrong with an origin that a policy refuses, and the origin that is meant."""

from __future__ import annotations

import ipaddress
import json
import re
from typing import TYPE_CHECKING

from route_cors.errors import Problem
from route_cors.insight.corrections.spellings import spelling_of_list, spelling_of_many, spelling_of_none
from route_cors.origins import (
    DEFAULT_PORTS,
    LOWER_CASE_SCHEMES,
    MAX_HOST,
    MAX_LABEL,
    MAX_ORIGIN_BYTES,
    MAX_PORT,
    WEBSOCKET_SCHEMES,
    WITHOUT_ORIGIN,
    DeclaredOrigin,
    canonical_ipv6,
    ends_in_number,
    is_loopback,
)
from route_cors.suffixes import suffix_below

if TYPE_CHECKING:
    from route_cors.insight.corrections.spellings import Spelling

_IPV4_BYTES = 4

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
_SLASHLESS = re.compile(r"https?:/?(?!/)", re.IGNORECASE)
_OPAQUE_HOST = re.compile(r"[A-Za-z0-9_.-]+")
_LABEL = re.compile(r"[a-z0-9_-]+")
_NOT_IN_A_HOST = 'a character that is not allowed in a host: only letters, digits, "-", "_" and "." are'


def refused_origin(text: str) -> Problem:
    """All that is wrong with `text`, and what to write instead.

    >>> refused_origin("HTTPS://A.example:443").fix
    'https://a.example'
    """
    origin, faults = _read(text)
    stripped, fix = text.strip(), _fixed(origin)
    known = spelling_of_none(stripped) or spelling_of_list(stripped)
    if known is None and fix is None:
        known = spelling_of_many(stripped)
    if known is not None:
        faults, fix = [known.reason], _fixed_list(known) or known.fix
    return Problem("origins", text, "; ".join(faults), fix)


def secured(origin: DeclaredOrigin) -> str | None:
    """The https form of an http origin; None for one with a port, as https uses another port."""
    if origin.port or (origin.subdomains and suffix_below(origin.host) is not None):
        return None
    return str(DeclaredOrigin("https", origin.host, "", origin.subdomains))


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
    is_lower = scheme.lower() in LOWER_CASE_SCHEMES or host.startswith("[")
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
    if scheme.lower() in WITHOUT_ORIGIN:
        faults.append("pages of that scheme have the origin null")
    elif scheme.lower() in WEBSOCKET_SCHEMES:
        faults.append("no page has a ws or wss origin: a websocket handshake carries the origin of its page")
        scheme = WEBSOCKET_SCHEMES[scheme.lower()]
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
    if len(number) > len(str(MAX_PORT)) or int(number) > MAX_PORT:
        faults.append(f"the port is greater than {MAX_PORT}")
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
    if scheme not in LOWER_CASE_SCHEMES and not is_ipv6:
        return subdomains, _read_opaque(host, faults)
    host = host.lower()
    if not host.isascii() and not is_ipv6:
        faults.append("Unicode in the host: browsers send it as Punycode")
        host = _punycode(host)
    is_ipv4 = not is_ipv6 and scheme in DEFAULT_PORTS and ends_in_number(host)
    if subdomains and (is_ipv6 or is_ipv4):
        faults.append("an IP address has no subdomains that a * could match")
        return subdomains, host
    if is_ipv6:
        return subdomains, _read_ipv6(host, faults)
    if is_ipv4:
        return subdomains, _read_ipv4(host, faults)
    return subdomains, _read_name(host, faults, MAX_HOST - len("a.") if subdomains else MAX_HOST)


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
    if any(len(label) > MAX_LABEL for label in labels):
        faults.append(f"a label of the host is longer than {MAX_LABEL} characters")
    if len(host) > longest:
        faults.append(f"the host is longer than {MAX_HOST} characters")
    return host


def _punycode(host: str) -> str:
    """`host` as browsers send it; unchanged if that cannot be computed."""
    import idna  # noqa: PLC0415 - its tables are large, and needed only to fix a mistake

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        return host


def _read_ipv6(host: str, faults: list[str]) -> str:
    canonical = canonical_ipv6(host)
    if canonical is None:
        faults.append("not an IPv6 address in brackets")
        return host
    if "%" in host:
        faults.append("a zone in the IPv6 address: an origin has none")
    if canonical != host:
        faults.append("not the canonical form of the IPv6 address, which browsers send")
    return canonical


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
