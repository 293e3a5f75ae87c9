"""What the page asks, read from a query string: an origin, or a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.headers import is_token
from route_cors.insight.explanation import Call
from route_cors.insight.inspector.addresses import checked_base_url
from route_cors.origins import MAX_ORIGIN_BYTES, is_serialized_origin

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

__all__ = ["call_of", "origin_of"]

_FLAGS: Final = {"": False, "false": False, "0": False, "true": True, "1": True}
_LONGEST_SHOWN: Final = 100


def origin_of(query: QueryParams) -> str:
    """The one origin that is asked about.

    Raises:
        ValueError: there is none, or it is not as browsers send it.
    """
    origin = _one(query, "origin")
    if origin != "null" and not is_serialized_origin(origin.encode()):
        raise ValueError(
            f"origin: {_short(origin)} is no origin as browsers send it: write scheme, host, and a port that "
            f"is not the default, in lower case and at most {MAX_ORIGIN_BYTES} bytes: https://app.example"
        )
    return origin


def call_of(query: QueryParams) -> Call:
    """The call that is asked about.

    `method`, `path` and `origin`; any number of `header`; `credentials` and `base_url` where they matter.

    Raises:
        ValueError: one of them is missing, or makes no sense.
    """
    method = _one(query, "method")
    if not is_token(method):
        raise ValueError(f"method: {_short(method)} is no method: write GET, or WEBSOCKET for a handshake")
    path = _one(query, "path")
    if not path.startswith("/"):
        raise ValueError(f"path: {_short(path)} does not start with a slash: write /{path[:_LONGEST_SHOWN]}")
    return Call(
        method=method,
        path=path,
        origin=origin_of(query),
        headers=tuple(map(_header, query.getlist("header"))),
        credentials=_flag(query, "credentials"),
        **_base_url(query),
    )


def _one(query: QueryParams, name: str) -> str:
    values = query.getlist(name)
    if len(values) != 1:
        raise ValueError(f"{name}: {'missing' if not values else 'more than one'}: write {name}=… once")
    return values[0]


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not is_token(name.strip()):
        raise ValueError(f"header: {_short(line)} is no header: write a name, a colon and a value")
    return name.strip(), value.strip()


def _flag(query: QueryParams, name: str) -> bool:
    text = query.get(name, "")
    if text not in _FLAGS:
        raise ValueError(f"{name}: {_short(text)} is neither true nor false")
    return _FLAGS[text]


def _base_url(query: QueryParams) -> dict[str, str]:
    """Nothing where it is not asked about: a call has a default of its own."""
    text = query.get("base_url")
    if text is None:
        return {}
    try:
        return {"base_url": checked_base_url(text)}
    except ValueError as error:
        raise ValueError(f"base_url: {error}") from None


def _short(text: str) -> str:
    """Quoted and escaped, and no longer than a message should be."""
    return ascii(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
