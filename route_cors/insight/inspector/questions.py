"""What the page asks, read from a query string: an origin, or a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from route_cors.headers import is_token
from route_cors.insight.explanation import Call
from route_cors.insight.inspector.addresses import checked_base_url
from route_cors.insight.page_origin import checked_page_origin

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

_FLAGS: Final = {"": False, "false": False, "0": False, "true": True, "1": True}
_LONGEST_SHOWN: Final = 100


class QuestionError(ValueError):
    """A question that is not valid.

    Attributes:
        parameter: what is wrong.
        reason: why.
    """

    def __init__(self, parameter: str, reason: str) -> None:
        super().__init__(f"{parameter}: {reason}")
        self.parameter = parameter
        self.reason = reason


def origin_of(query: QueryParams) -> str:
    """The one origin that is asked about.

    Raises:
        QuestionError: it is missing, or not as browsers send it.
    """
    origin = _one(query, "origin")
    try:
        return checked_page_origin(origin)
    except ValueError as error:
        raise QuestionError("origin", str(error)) from error


def call_of(query: QueryParams) -> Call:
    """The call that is asked about.

    `method`, `path` and `origin`; any number of `header`; `credentials` and `base_url` where they matter.

    Raises:
        QuestionError: one of them is missing or not valid.
    """
    method = _one(query, "method")
    if not is_token(method):
        raise QuestionError(
            "method", f"{_short(method)} is not a method: write GET, or WEBSOCKET for a handshake"
        )
    path = _one(query, "path")
    if not path.startswith("/"):
        raise QuestionError(
            "path", f"{_short(path)} does not start with a slash: write /{path[:_LONGEST_SHOWN]}"
        )
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
        raise QuestionError(name, f"{'missing' if not values else 'more than one'}: write {name}=… once")
    return values[0]


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not is_token(name.strip()):
        raise QuestionError("header", f"{_short(line)} is not a header: write a name, a colon and a value")
    return name.strip(), value.strip()


def _flag(query: QueryParams, name: str) -> bool:
    text = query.get(name, "")
    if text not in _FLAGS:
        raise QuestionError(name, f"{_short(text)} is neither true nor false")
    return _FLAGS[text]


def _base_url(query: QueryParams) -> dict[str, Any]:
    """Nothing if it is not given: a call has a default of its own."""
    text = query.get("base_url")
    if text is None:
        return {}
    try:
        return {"base_url": checked_base_url(text)}
    except ValueError as error:
        raise QuestionError("base_url", str(error)) from None


def _short(text: str) -> str:
    """Quoted and escaped, and no longer than a message should be."""
    return ascii(text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…")
