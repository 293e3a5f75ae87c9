"""The arguments of `fetch`, checked as the constructor of `Request` checks them in a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from json import dumps
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import urlencode

from route_cors.headers import SAFELISTED_METHODS, is_forbidden_method, is_token, normalize_method
from route_cors.testing.engines import STANDARD
from route_cors.testing.referrer import ReferrerPolicy
from route_cors.testing.safelist import is_forbidden, is_no_cors_safelisted
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from route_cors.testing.engines import Engine
    from route_cors.testing.urls import Url

Mode: TypeAlias = Literal["cors", "no-cors", "same-origin"]
"""https://fetch.spec.whatwg.org/#concept-request-mode"""

Credentials: TypeAlias = Literal["omit", "same-origin", "include"]
"""https://fetch.spec.whatwg.org/#concept-request-credentials-mode"""

Redirect: TypeAlias = Literal["follow", "error", "manual"]
"""https://fetch.spec.whatwg.org/#concept-request-redirect-mode"""

Destination: TypeAlias = Literal["", "document", "image", "script"]
"""What a response is used for; empty for `fetch`. https://fetch.spec.whatwg.org/#concept-request-destination"""

HeadersInit: TypeAlias = Mapping[str, str] | Sequence[tuple[str, str]]
"""By name, or pairs. https://fetch.spec.whatwg.org/#typedefdef-headersinit"""

_HTTP_WHITESPACE = " \t\r\n"
_NO_HEADER_VALUE = re.compile(r"[\x00\r\n]|[^\x00-\xff]")


class Body(NamedTuple):
    """The body of a request, in one of its forms, or none."""

    content: str | bytes | Iterator[bytes] | None = None
    json: Any = None
    data: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """A request as a page made it, before it is sent.

    https://fetch.spec.whatwg.org/#concept-request

    Args:
        url: absolute, http or https, without credentials.
        method: normalized.
        headers: without those that a script cannot set.
        content: the body; None if there is none, which differs from an empty one.
        mode: as in JavaScript; `navigate` to open another page.
        credentials, redirect, referrer_policy: as in JavaScript.
        destination: see `Destination`.
        user_activated: whether a person made the page navigate.
        preflight: when there is one: if needed (https://fetch.spec.whatwg.org/#unsafe-request-flag), never,
            or always (https://fetch.spec.whatwg.org/#use-cors-preflight-flag).
        keepalive: whether the request outlives its page.
        is_stream: whether the body is one, which cannot be sent twice.
        most_events: see `SentRequest`.
    """

    url: Url
    method: str
    headers: tuple[tuple[str, str], ...]
    content: bytes | None
    mode: Mode | Literal["navigate"]
    credentials: Credentials
    redirect: Redirect
    referrer_policy: ReferrerPolicy = ""
    destination: Destination = ""
    user_activated: bool = False
    preflight: Literal["if needed", "always", "never"] = "if needed"
    keepalive: bool = False
    is_stream: bool = False
    most_events: int | None = None


def build_request(
    url: str,
    *,
    base: Url | None,
    method: str,
    headers: HeadersInit | None,
    body: Body,
    mode: Mode,
    credentials: Credentials,
    redirect: Redirect,
    referrer_policy: ReferrerPolicy = "",
    upload_progress: bool = False,
    keepalive: bool = False,
    engine: Engine = STANDARD,
) -> Request:
    """Check the arguments of `fetch`, and drop the headers that a browser drops.

    https://fetch.spec.whatwg.org/#dom-request

    Args:
        url: absolute, or relative to `base`.
        base: the base of relative URLs; None if there is none.
        method: not yet normalized.
        headers: by name, or pairs.
        body: in one of its three forms, or none.
        mode: see `Mode`.
        credentials: see `Credentials`.
        redirect: see `Redirect`.
        referrer_policy: see `ReferrerPolicy`.
        upload_progress: whether it is sent by an XMLHttpRequest that listens to its upload.
        keepalive: whether the request outlives its page.
        engine: of the browser.

    Raises:
        ValueError: a browser would throw a TypeError before it sends anything. The message names the value.
        TypeError: an argument that has to be a string is not one.
    """
    check_choice("mode", mode, Mode)
    check_choice("credentials", credentials, Credentials)
    check_choice("redirect", redirect, Redirect)
    check_choice("referrer_policy", referrer_policy, ReferrerPolicy)
    _check_flag("upload_progress", upload_progress)
    _check_flag("keepalive", keepalive)
    if upload_progress and mode != "cors":
        raise ValueError(f"upload_progress: only an XMLHttpRequest has it, in mode 'cors' and not {mode!r}")
    method = _checked_method(method, mode)
    is_stream = isinstance(body.content, Iterator)
    if is_stream and engine.request_streams == "as text":
        is_stream, body = False, body._replace(content="[object ReadableStream]")
    if is_stream:
        _check_stream(mode, engine, keepalive=keepalive)
    content, content_type = _extract_body(body)
    if content is not None and method in {"GET", "HEAD"}:
        raise ValueError(f"a {method} request cannot have a body; method='POST' can")
    set_by_script = list(headers.items() if isinstance(headers, Mapping) else headers or ())
    if body.json is not None and not _holds(set_by_script, "content-type"):
        set_by_script.append(("Content-Type", "application/json"))
    kept = _settable(set_by_script, mode)
    if content_type is not None and not _holds(kept, "content-type"):
        kept.append(("Content-Type", content_type))
    listens = upload_progress and (content is not None or not engine.upload_listener_needs_body)
    return Request(
        checked_url(url, base),
        method,
        tuple(kept),
        content,
        mode,
        credentials,
        redirect,
        referrer_policy,
        preflight="always" if listens or is_stream else "if needed",
        keepalive=keepalive,
        is_stream=is_stream,
    )


def _check_flag(argument: str, value: object) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{argument}: {value!r}: must be True or False")


def _check_stream(mode: Mode, engine: Engine, *, keepalive: bool) -> None:
    """Whether a request may have a stream as its body (https://fetch.spec.whatwg.org/#dom-request)."""
    if engine.request_streams == "an error":
        raise ValueError("content: this engine cannot send a stream; give the bytes, b''.join(...)")
    if mode == "no-cors":
        raise ValueError("content: a stream cannot be sent in mode 'no-cors'; give the bytes, b''.join(...)")
    if keepalive:
        raise ValueError("content: a stream cannot be sent with keepalive; give the bytes, b''.join(...)")


def _text(argument: str, value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{argument}: {value!r}: must be a string")
    return value


def check_choice(name: str, value: object, choices: object) -> None:
    """Check that `value` is one of the strings of the Literal `choices`.

    Raises:
        ValueError: it is not one of them; the message names the argument `name`.
    """
    known = get_args(choices)
    if value not in known:
        raise ValueError(f"{name}: {value!r}: must be one of {', '.join(map(repr, known))}")


def _checked_method(method: str, mode: Mode) -> str:
    if not is_token(_text("method", method)):
        raise ValueError(f"method: {method!r} is not a valid HTTP method")
    if is_forbidden_method(method):
        raise ValueError(f"method: {method!r}: browsers do not let scripts send CONNECT, TRACE and TRACK")
    method = normalize_method(method)
    if mode == "no-cors" and method not in SAFELISTED_METHODS:
        raise ValueError(
            f"method: {method!r} is not supported in mode 'no-cors', only GET, HEAD and POST are"
        )
    return method


def checked_url(url: str, base: Url | None) -> Url:
    """Read the URL of a request.

    Raises:
        ValueError: it is not valid, is neither http nor https, or has a username or password.
    """
    parsed = parse_url(url, base)
    if parsed.scheme not in {"http", "https"}:
        raise ValueError(f"url: {url!r}: must be http or https; connect() takes ws and wss")
    if parsed.has_credentials:
        raise ValueError(f"url: {url!r}: browsers refuse to fetch a URL with a username or password in it")
    return parsed


def _extract_body(body: Body) -> tuple[bytes | None, str | None]:
    """The bytes, and the default Content-Type of that form.

    https://fetch.spec.whatwg.org/#concept-bodyinit-extract
    """
    content, json, data = body
    if sum(form is not None for form in body) > 1:
        raise ValueError("a request has one body: give only one of content, json and data")
    if isinstance(content, bytes):
        return content, None
    if isinstance(content, Iterator):
        return b"".join(map(_chunk, content)), None
    if isinstance(content, AsyncIterator):
        raise TypeError(f"content: {content!r}: only an AsyncBrowser can read it; give a Browser an iterator")
    if data is not None:
        return urlencode(data, doseq=True).encode(), "application/x-www-form-urlencoded;charset=UTF-8"
    if json is not None:
        # As JSON.stringify writes it.
        content = dumps(json, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    if content is None:
        return None, None
    if not isinstance(content, str):
        raise TypeError(f"content: {content!r}: must be a string, bytes or an iterator of bytes")
    return content.encode(), "text/plain;charset=UTF-8"


def _chunk(chunk: object) -> bytes:
    if not isinstance(chunk, bytes):
        raise TypeError(f"content: {chunk!r}: the chunks of a stream are bytes")
    return chunk


def _settable(headers: Iterable[tuple[str, str]], mode: Mode) -> list[tuple[str, str]]:
    """The headers that a script can set (https://fetch.spec.whatwg.org/#concept-headers-append)."""
    kept: list[tuple[str, str]] = []
    for name, given in headers:
        value = _text("headers", given).strip(_HTTP_WHITESPACE)
        if not is_token(_text("headers", name)):
            raise ValueError(f"headers: {name!r} is not a valid header name")
        if _NO_HEADER_VALUE.search(value):
            raise ValueError(
                f"headers: {name!r}: {value!r} contains a line break, a NUL or a character outside of Latin-1"
            )
        if is_forbidden(name, value):
            continue
        if mode == "no-cors" and not is_no_cors_safelisted(name, _joined(kept, name, value)):
            continue
        kept.append((name, value))
    return kept


def _holds(headers: Iterable[tuple[str, str]], lower_name: str) -> bool:
    return any(name.lower() == lower_name for name, _ in headers)


def _joined(headers: Iterable[tuple[str, str]], name: str, value: str) -> str:
    """The value of `name` after adding `value`."""
    return ", ".join([*(other for known, other in headers if known.lower() == name.lower()), value])
