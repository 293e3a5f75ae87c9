"""Streams of events, as an EventSource reads them.

https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINE_END = re.compile(r"\r\n|\n|\r")
_DIGITS = re.compile(r"[0-9]+")
# Python refuses to convert more than 4,300 digits.
_MOST_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Event:
    """An event that an EventSource dispatches.

    Args:
        type: `message` if the server named none.
        data: its lines, joined by newlines.
        last_event_id: the id of this event, or of the last one before it that had one; empty if none had.
        origin: of the stream, after redirects.
    """

    type: str
    data: str
    last_event_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class EventStream:
    """What was read of a stream.

    Args:
        events: that are complete.
        last_event_id: that the next connection sends.
        retry: how long to wait before it, in milliseconds; None if the server did not say.
    """

    events: tuple[Event, ...]
    last_event_id: str
    retry: int | None


def read_events(
    content: bytes | bytearray, *, origin: str = "", last_event_id: str = "", most: int | None = None
) -> EventStream:
    r"""Interpret an event stream. An event at its end that no empty line follows is not complete.

    https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

    Args:
        content: the body, or its beginning.
        origin: of the stream.
        last_event_id: of the connection before.
        most: how many events are read; None: all.

    >>> read_events(b"id: 7\nevent: joined\ndata: ada\n\ndata: incomplete").events
    (Event(type='joined', data='ada', last_event_id='7', origin=''),)
    """
    reader = _Reader(origin, last_event_id)
    for line in _lines(content):
        reader.read(line)
        if len(reader.events) == most:
            break
    return EventStream(tuple(reader.events), reader.last_event_id, reader.retry)


def has_enough_events(content: bytes | bytearray, most: int | None) -> bool:
    """Whether a page that wants no more than `most` events closes the stream now; with None it never does."""
    return most is not None and len(read_events(content, most=most).events) == most


class _Reader:
    """The buffers of the algorithm."""

    def __init__(self, origin: str, last_event_id: str) -> None:
        self.events: list[Event] = []
        self.last_event_id = last_event_id
        self.retry: int | None = None
        self._origin = origin
        self._id = last_event_id
        self._type = ""
        self._data: list[str] = []

    def read(self, line: str) -> None:
        if not line:
            self._dispatch()
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "event":
                self._type = value
            case "data":
                self._data.append(value)
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if _DIGITS.fullmatch(value):
                self.retry = int(value[:_MOST_DIGITS])
            case _:
                pass  # a comment, or a field that browsers ignore

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data:
            data = "\n".join(self._data)
            self.events.append(Event(self._type or "message", data, self._id, self._origin))
        self._type, self._data = "", []


def _lines(content: bytes | bytearray) -> Iterator[str]:
    """The lines that are complete."""
    lines = _LINE_END.split(content.decode("utf-8-sig", "replace"))
    yield from lines[:-1]
