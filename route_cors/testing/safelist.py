"""Which methods and headers need no preflight, and which headers scripts cannot set."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from route_cors.headers import is_forbidden_method, is_forbidden_request_header
from route_cors.testing.engines import STANDARD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.testing.engines import Engine

SAFELISTED_RESPONSE_HEADERS: Final = frozenset(
    {
        "cache-control",
        "content-language",
        "content-length",
        "content-type",
        "expires",
        "last-modified",
        "pragma",
    }
)
"""Lower-case names that a script can read even if they are not exposed.

https://fetch.spec.whatwg.org/#cors-safelisted-response-header-name
"""

NON_WILDCARD_REQUEST_HEADER: Final = "authorization"
"""The only name that `*` does not cover. https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name"""

REQUEST_BODY_HEADERS: Final = frozenset(
    {"content-encoding", "content-language", "content-location", "content-type"}
)
"""Removed with the body when a redirect turns a request into a GET.

https://fetch.spec.whatwg.org/#request-body-header-name
"""

_NO_CORS_SAFELISTED = frozenset({"accept", "accept-language", "content-language", "content-type"})
_FORM_TYPES = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"})
_METHOD_OVERRIDES = frozenset({"x-http-method", "x-http-method-override", "x-method-override"})

_LONGEST_VALUE = 128
_LONGEST_VALUES_TOGETHER = 1024

_UNSAFE_BYTE = re.compile(r'[\x00-\x08\x0a-\x1f"():<>?@\[\\\]{}\x7f]')
_LANGUAGE = re.compile(r"[0-9A-Za-z *,.;=-]*")
# Elements of a list; a comma in double quotes is not a separator.
_ELEMENTS = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*(?:"|$))+')
_SINGLE_RANGE = re.compile(r"bytes=(?P<start>[0-9]+)-(?P<end>[0-9]*)")
_INTEGER = re.compile(r"[0-9]+")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
# https://wicg.github.io/client-hints-infrastructure/: the older ones, which scripts can set.
_CLIENT_HINTS: Final = {
    "device-memory": _NUMBER,
    "downlink": _NUMBER,
    "dpr": _NUMBER,
    "ect": re.compile("slow-2g|2g|3g|4g"),
    "rtt": _INTEGER,
    "save-data": re.compile("on"),
    "viewport-width": _INTEGER,
    "width": _INTEGER,
}


def is_forbidden(name: str, value: str) -> bool:
    """Whether scripts cannot set the header `name` to `value`: browsers drop it silently.

    https://fetch.spec.whatwg.org/#forbidden-request-header

    >>> is_forbidden("Cookie", "a=b"), is_forbidden("X-HTTP-Method", "PUT, trace")
    (True, True)
    """
    if name.lower() in _METHOD_OVERRIDES:
        return any(is_forbidden_method(method.strip(" \t")) for method in _ELEMENTS.findall(value))
    return is_forbidden_request_header(name)


def is_safelisted(name: str, value: str, engine: Engine = STANDARD) -> bool:
    """Whether a cross-origin request may have this header without a preflight.

    https://fetch.spec.whatwg.org/#cors-safelisted-request-header

    >>> is_safelisted("Content-Type", "text/plain; charset=utf-8")
    True
    >>> is_safelisted("Content-Type", "application/json")
    False
    """
    if len(value) > _LONGEST_VALUE or not (engine.safelists_non_ascii or value.isascii()):
        return False
    match name.lower():
        case "accept":
            return _UNSAFE_BYTE.search(value) is None
        case "accept-language" | "content-language":
            return _LANGUAGE.fullmatch(value) is not None
        case "content-type":
            # Invalid parameters do not make a MIME type invalid, so only the part before them counts.
            essence = value.partition(";")[0].strip(" \t").lower()
            return _UNSAFE_BYTE.search(value) is None and essence in _FORM_TYPES
        case "range":
            return _is_simple_range(value, engine)
        case other:
            return engine.safelists_client_hints and _is_client_hint(other, value)


def is_no_cors_safelisted(name: str, value: str) -> bool:
    """Whether a request of mode `no-cors` may have this header: browsers drop all others silently.

    https://fetch.spec.whatwg.org/#no-cors-safelisted-request-header

    >>> is_no_cors_safelisted("Range", "bytes=0-"), is_no_cors_safelisted("Accept", "text/html")
    (False, True)
    """
    return name.lower() in _NO_CORS_SAFELISTED and is_safelisted(name, value)


def unsafe_names(headers: Iterable[tuple[str, str]], engine: Engine = STANDARD) -> tuple[str, ...]:
    """The names that a preflight has to request: in lower case, sorted, each once.

    https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names

    >>> unsafe_names([("X-Token", "t"), ("Accept", "*/*"), ("Content-Type", "application/json")])
    ('content-type', 'x-token')
    """
    unsafe: set[str] = set()
    safelisted: set[str] = set()
    size = 0
    for name, value in _joined(headers) if engine.joins_repeated_headers else headers:
        if is_safelisted(name, value, engine):
            safelisted.add(name.lower())
            size += len(value)
        else:
            unsafe.add(name.lower())
    if size > _LONGEST_VALUES_TOGETHER and engine.limits_safelisted_size:
        unsafe |= safelisted
    return tuple(sorted(unsafe))


def _is_client_hint(lower_name: str, value: str) -> bool:
    values = _CLIENT_HINTS.get(lower_name)
    return values is not None and values.fullmatch(value) is not None


def _joined(headers: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    """Each name once, in lower case."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return [(name, ", ".join(of_name)) for name, of_name in values.items()]


def _is_simple_range(value: str, engine: Engine) -> bool:
    """A single range with a start (https://fetch.spec.whatwg.org/#simple-range-header-value)."""
    match = _SINGLE_RANGE.fullmatch(value)
    if match is None:
        return False
    start, end = int(match["start"]), int(match["end"] or match["start"])
    largest = engine.largest_range_number
    return start <= end and (largest is None or end <= largest)
