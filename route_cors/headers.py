"""Names: methods and headers as RFC 9110 and the Fetch standard define them, and the request-headers scan."""

from __future__ import annotations

import re
from typing import Final

ALWAYS_ALLOWED_REQUEST_HEADERS: Final = ("Accept", "Accept-Language", "Content-Language", "Content-Type")
"""Allowed by every policy, with any value: they are safelisted for some values only, not for a JSON body.

https://fetch.spec.whatwg.org/#cors-safelisted-request-header
"""

SAFELISTED_METHODS: Final = frozenset({"GET", "HEAD", "POST"})
"""https://fetch.spec.whatwg.org/#cors-safelisted-method"""

FORBIDDEN_METHODS: Final = frozenset({"CONNECT", "TRACE", "TRACK"})
"""https://fetch.spec.whatwg.org/#forbidden-method"""

NORMALIZED_METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "POST", "PUT"})
"""The methods that browsers upper-case; PATCH is not one of them. https://fetch.spec.whatwg.org/#concept-method-normalize"""

FORBIDDEN_REQUEST_HEADERS: Final = frozenset(
    {
        *("accept-charset", "accept-encoding", "access-control-request-headers"),
        *("access-control-request-method", "connection", "content-length", "cookie", "cookie2", "date"),
        *("dnt", "expect", "host", "keep-alive", "origin", "referer", "set-cookie", "te", "trailer"),
        *("transfer-encoding", "upgrade", "via"),
    }
)
"""Lower-case names that no script can set. https://fetch.spec.whatwg.org/#forbidden-request-header"""

FORBIDDEN_REQUEST_HEADER_PREFIXES: Final = ("proxy-", "sec-")
"""Lower-case prefixes of further names that no script can set, from the same list."""

FORBIDDEN_RESPONSE_HEADERS: Final = frozenset({"set-cookie", "set-cookie2"})
"""Lower-case names that no script can read. https://fetch.spec.whatwg.org/#forbidden-response-header-name"""

MAX_REQUEST_HEADERS_BYTES: Final = 16 * 1024
"""The longest Access-Control-Request-Headers that is read.

Servers cap a request's whole head at 8 to 64 KB; this much would name hundreds of headers.
"""

# https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_TOKEN_BYTES = re.compile(_TOKEN.pattern.encode())


def is_token(name: str) -> bool:
    r"""Whether `name` is a token, which is what methods and header names are (RFC 9110, section 5.6.2).

    >>> is_token("X-Token"), is_token("X Token"), is_token("X-Token\n"), is_token("")
    (True, False, False, False)
    """
    return _TOKEN.fullmatch(name) is not None


def normalize_method(method: str) -> str:
    """The method as a browser sends it: six methods are upper-cased, all others are sent as written.

    https://fetch.spec.whatwg.org/#concept-method-normalize

    >>> normalize_method("get"), normalize_method("patch")
    ('GET', 'patch')
    """
    # The standard's upper-casing is of bytes: "po\u017ft" is not POST.
    upper = method.upper() if method.isascii() else method
    return upper if upper in NORMALIZED_METHODS else method


def is_forbidden_method(method: str) -> bool:
    """Whether no script can send `method`, in any case.

    https://fetch.spec.whatwg.org/#forbidden-method

    >>> is_forbidden_method("Trace")
    True
    """
    return method.upper() in FORBIDDEN_METHODS


def is_forbidden_request_header(name: str) -> bool:
    """Whether no script can set `name`, in any case and to any value.

    https://fetch.spec.whatwg.org/#forbidden-request-header

    >>> is_forbidden_request_header("Sec-Fetch-Mode"), is_forbidden_request_header("X-Token")
    (True, False)
    """
    lower = name.lower()
    return lower in FORBIDDEN_REQUEST_HEADERS or lower.startswith(FORBIDDEN_REQUEST_HEADER_PREFIXES)


def is_forbidden_response_header(name: str) -> bool:
    """Whether no script can read `name`, in any case, even if it is exposed.

    https://fetch.spec.whatwg.org/#forbidden-response-header-name

    >>> is_forbidden_response_header("Set-Cookie")
    True
    """
    return name.lower() in FORBIDDEN_RESPONSE_HEADERS


def requested_names(value: bytes) -> tuple[bytes, ...] | None:
    """The names in an Access-Control-Request-Headers, lower-cased and in their order.

    https://fetch.spec.whatwg.org/#http-access-control-request-headers

    Args:
        value: the header's value; the values of several lines are joined with b"," first.

    Returns:
        None if it is longer than `MAX_REQUEST_HEADERS_BYTES` or an element is not a token.

    Browsers send sorted, lower-case names with neither spaces nor empty elements. Some gateways
    add them, so they are accepted here, as RFC 9110, section 5.6.1.2 requires of every recipient of a list.

    >>> requested_names(b"content-type, X-Token,,")
    (b'content-type', b'x-token')
    >>> requested_names(b"x token") is None
    True
    """
    if len(value) > MAX_REQUEST_HEADERS_BYTES:
        return None
    names: list[bytes] = []
    for element in value.lower().split(b","):
        name = element.strip(b" \t")
        if not name:
            continue
        if _TOKEN_BYTES.fullmatch(name) is None:
            return None
        names.append(name)
    return tuple(names)
