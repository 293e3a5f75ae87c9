"""Requests and responses as they are sent, and as a script sees them; header lists."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NoReturn, Self, TypeAlias

ResponseType: TypeAlias = Literal["basic", "cors", "opaque", "opaqueredirect"]
"""https://fetch.spec.whatwg.org/#concept-response-type"""

REDIRECT_STATUSES: Final = frozenset({301, 302, 303, 307, 308})
"""https://fetch.spec.whatwg.org/#redirect-status"""


class Headers(Mapping[str, str]):
    """A header list: read without regard to case, repeated headers joined with ", ".

    https://fetch.spec.whatwg.org/#concept-header-list

    Args:
        pairs: names and values, one character for each byte (Latin-1), in the order of the wire.

    Attributes:
        raw: the same pairs, without the spaces and tabs around values, which are not part of them.

    >>> headers = Headers([("Vary", "Origin"), ("X-Id", "7"), ("vary", "Accept")])
    >>> headers["VARY"], list(headers), headers.get("Age")
    ('Origin, Accept', ['vary', 'x-id'], None)
    """

    __slots__ = ("_values", "raw")

    raw: tuple[tuple[str, str], ...]

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.raw = tuple((name, value.strip(" \t")) for name, value in pairs)
        values: dict[str, list[str]] = {}
        for name, value in self.raw:
            values.setdefault(name.lower(), []).append(value)
        self._values = values

    @classmethod
    def from_bytes(cls, pairs: Iterable[tuple[bytes, bytes]]) -> Self:
        """The headers as they are received."""
        return cls((name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs)

    def to_bytes(self) -> list[tuple[bytes, bytes]]:
        """The headers as they are sent."""
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.raw]

    def __getitem__(self, name: str) -> str:
        return ", ".join(self._values[name.lower()])

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({list(self.raw)!r})"

    def get_all(self, name: str) -> tuple[str, ...]:
        """The value of each header of that name, not joined.

        >>> Headers([("Vary", "Origin"), ("vary", "Accept")]).get_all("Vary")
        ('Origin', 'Accept')
        """
        return tuple(self._values.get(name.lower(), ()))


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as the browser sends it.

    Args:
        method: normalized: `put` has become `PUT`; `patch` is not changed.
        url: absolute, without fragment and credentials.
        headers: those that the script set, and those for CORS, cookies and Fetch Metadata (`Sec-Fetch-*`).
            Others that a browser adds (`User-Agent`, `Referer`) are left out.
        content: the body.
        is_stream: whether the script streams the body, which then has no Content-Length.
        most_events: of a stream of events, how many are read before the page closes it; None: all.
    """

    method: str
    url: str
    headers: Headers
    content: bytes = b""
    is_stream: bool = False
    most_events: int | None = None


@dataclass(frozen=True, slots=True)
class ReceivedResponse:
    """A response as the server sent it, with the parts that the script cannot read.

    Args:
        status_code: 100 to 599.
        headers: all of them.
        content: the body.
        error: the exception of the app; None for a live server.
    """

    status_code: int
    headers: Headers = field(default_factory=Headers)
    content: bytes = b""
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A response as the page's script sees it.

    Attributes:
        status_code: 0 if the response is opaque.
        headers: those that the script may read: of a `cors` response the safelisted and the exposed ones.
        content: the body; empty if the response is opaque.
        type: `basic` (the page's own origin), `cors`, `opaque` (mode `no-cors`), or `opaqueredirect`
            (redirect `manual`).
        url: of the response, after redirects; empty if it is opaque.

    https://fetch.spec.whatwg.org/#concept-filtered-response
    """

    status_code: int
    headers: Headers
    content: bytes
    type: ResponseType
    url: str

    @property
    def text(self) -> str:
        """The body as UTF-8, regardless of Content-Type (https://fetch.spec.whatwg.org/#dom-body-text)."""
        return self.content.decode("utf-8-sig", "replace")

    def json(self) -> Any:
        """The body, parsed as JSON.

        Raises:
            ValueError: it is not JSON.
        """
        return json.loads(self.text, parse_constant=_refuse_constant)


@dataclass(frozen=True, slots=True)
class Navigation:
    """A navigation from a page to another one, and its response.

    The page cannot read any of it. It is for the test, to see whether the server refused.

    Attributes:
        status_code: of the last response. The page cannot read it.
        url: of that response, after redirects. The page cannot read it.
        type: `navigation`.
    """

    status_code: int
    url: str
    type: Literal["navigation"] = "navigation"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
