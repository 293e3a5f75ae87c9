"""What was sent and received, as text for a terminal and for the logs of a CI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from route_cors.testing.messages import ReceivedResponse, SentRequest

_LONGEST_BODY: Final = 200
_LONGEST_LINE: Final = 1000
_SECRET: Final = frozenset({"authorization", "cookie", "proxy-authorization", "set-cookie"})
# Of a Set-Cookie header: they say where the cookie is sent, and are not secret.
_ATTRIBUTES: Final = frozenset(
    {"domain", "expires", "httponly", "max-age", "partitioned", "path", "samesite", "secure"}
)


def printable(text: str) -> str:
    """Text of a server, safe for a terminal: no control characters, and of limited length."""
    shown = text if len(text) <= _LONGEST_LINE else f"{text[:_LONGEST_LINE]}… ({len(text)} characters)"
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in shown)


def lines_of_request(request: SentRequest, *, show_secrets: bool) -> list[str]:
    """A request, not yet escaped.

    Args:
        request: as it was sent.
        show_secrets: whether cookies, credentials and the body are shown, and not only their lengths.
    """
    headers = _headers(request.headers.raw, show_secrets=show_secrets)
    return [f"{request.method} {request.url}", *headers, *_body(request.content, show_secrets=show_secrets)]


def lines_of_response(response: ReceivedResponse, *, show_secrets: bool) -> list[str]:
    """A response, not yet escaped; `show_secrets` as for a request."""
    headers = _headers(response.headers.raw, show_secrets=show_secrets)
    return [str(response.status_code), *headers, *_body(response.content, show_secrets=show_secrets)]


def _headers(raw: tuple[tuple[str, str], ...], *, show_secrets: bool) -> list[str]:
    return [f"{name}: {value if show_secrets else _shortened(name.lower(), value)}" for name, value in raw]


def _shortened(lower_name: str, value: str) -> str:
    """A header's value; of secret ones the length, and of cookies the names."""
    if lower_name not in _SECRET:
        return value
    if lower_name == "cookie":
        return "; ".join(map(_pair, value.split("; ")))
    if lower_name == "set-cookie":
        pair, *attributes = value.split(";")
        return ";".join([_pair(pair), *map(_attribute, attributes)])
    return _length(value)


def _pair(pair: str) -> str:
    """A cookie with its name; one without a name is all value."""
    name, equals, value = pair.partition("=")
    return f"{name}={_length(value)}" if equals else _length(pair)


def _attribute(text: str) -> str:
    return text if text.partition("=")[0].strip().lower() in _ATTRIBUTES else _length(text)


def _length(value: str) -> str:
    return f"<{len(value)} character{'s' * (len(value) != 1)}>"


def _body(content: bytes, *, show_secrets: bool) -> list[str]:
    if not content:
        return []
    if show_secrets:
        return ["", *content[:_LONGEST_BODY].decode("utf-8", "replace").splitlines()]
    return ["", f"<body of {len(content)} byte{'s' * (len(content) != 1)}>"]
