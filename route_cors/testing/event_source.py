"""EventSource: connections that are opened again where the last one ended.

https://html.spec.whatwg.org/multipage/server-sent-events.html#server-sent-events-processing-model
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from operator import methodcaller
from typing import TYPE_CHECKING, Final, Generic, NoReturn, Self, TypeAlias, TypeVar

from route_cors.testing.event_stream import Event, read_events
from route_cors.testing.fetch import open_stream
from route_cors.testing.history import CORSBlocked
from route_cors.testing.messages import ReceivedResponse, SentRequest
from route_cors.testing.request import Request, checked_url

if TYPE_CHECKING:
    from route_cors.testing.page import Page
    from route_cors.testing.urls import Url

# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", CORSBlocked)

EventSourceSteps: TypeAlias = Generator[SentRequest, ReceivedResponse, None]
"""One connection: yields requests, and is sent the responses."""

_Ended = TypeVar("_Ended")

_MOST_IDLE_CONNECTIONS: Final = 20
_NO_CONTENT = 204
_OK = 200
_PERMANENT = frozenset({301, 308})
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)


def subscription(
    page: Page, url: str, *, base: Url | None, with_credentials: bool, most: int | None
) -> Subscription:
    """Check the arguments of an EventSource.

    Args:
        page: whose script makes it.
        url: absolute, or relative to `base`.
        base: the base of relative URLs; None if there is none.
        with_credentials: whether cookies are sent to other origins.
        most: after how many events the page closes it; None: never.

    Raises:
        ValueError: the URL is not valid, or `most` is negative.
        TypeError: `with_credentials` is not a bool, or `most` not an int.
    """
    if not isinstance(with_credentials, bool):
        raise TypeError(f"with_credentials: {with_credentials!r}: must be True or False")
    if isinstance(most, bool) or not isinstance(most, int | None):
        raise TypeError(f"most: {most!r}: must be a number of events, or None for all")
    if most is not None and most < 0:
        raise ValueError(f"most: {most!r}: must not be negative")
    return Subscription(page, checked_url(url, base), with_credentials=with_credentials, most=most)


class Subscription:
    """An EventSource without I/O.

    Attributes:
        events: that were received, and are not yet taken.
        is_closed: whether the server or the page has ended it.
        last_event_id: that the next connection sends; empty if there is none.
        retry: how long a browser waits before it, in milliseconds; None if the server did not say.
    """

    def __init__(self, page: Page, url: Url, *, with_credentials: bool, most: int | None) -> None:
        self.events: deque[Event] = deque()
        self.is_closed = most == 0
        self.last_event_id = ""
        self.retry: int | None = None
        self._page = page
        self._url = url
        self._with_credentials = with_credentials
        self._left = most
        self._idle_connections = 0

    def connect(self) -> EventSourceSteps:
        """Open a connection, and read it to its end, or until there are enough events.

        Raises:
            CORSBlocked: the page may not read the stream, or it is not a stream of events.
            RuntimeError: the server ends one connection after the other without an event.
        """
        # Until it is known to be a stream: what a browser blocks is not tried again.
        self.is_closed = True
        received, urls = yield from open_stream(self._page, self._request())
        if received.status_code == _NO_CONTENT:
            return
        self._check(received)
        self.is_closed = False
        self._move(urls)
        stream = read_events(
            received.content, origin=urls[-1].origin, last_event_id=self.last_event_id, most=self._left
        )
        self.last_event_id = stream.last_event_id
        self.retry = self.retry if stream.retry is None else stream.retry
        self.events += stream.events
        self._count(len(stream.events))

    def _request(self) -> Request:
        """The request, which has no preflight, whatever its headers."""
        headers = [("Accept", "text/event-stream"), ("Cache-Control", "no-cache"), ("Pragma", "no-cache")]
        if self.last_event_id:
            # Scripts see it as UTF-8; a header has bytes.
            headers.append(("Last-Event-ID", self.last_event_id.encode().decode("latin-1")))
        return Request(
            self._url,
            "GET",
            tuple(headers),
            None,
            "cors",
            "include" if self._with_credentials else "same-origin",
            "follow",
            preflight="never",
            most_events=self._left,
        )

    def _check(self, received: ReceivedResponse) -> None:
        """Whether the response is a stream of events, in Chrome's words if it is not."""
        content_type = received.headers.get("content-type", "")
        essence, _, parameters = content_type.partition(";")
        charset = _CHARSET.search(parameters)
        if received.status_code != _OK:
            self._fail(
                received, f"EventSource's response has a status {received.status_code} that is not 200."
            )
        if essence.strip(" \t").lower() != "text/event-stream":
            self._fail(
                received,
                f'EventSource\'s response has a MIME type ("{essence}") that is not "text/event-stream".',
            )
        needs_utf_8 = self._page.engine.event_stream_is_utf_8
        if needs_utf_8 and charset is not None and charset[1].lower() not in {"utf-8", "utf8"}:
            self._fail(received, f'EventSource\'s response has a charset ("{charset[1]}") that is not UTF-8.')

    def _fail(self, received: ReceivedResponse, reason: str) -> NoReturn:
        """Fail the connection (https://html.spec.whatwg.org/multipage/server-sent-events.html#fail-the-connection)."""
        raise CORSBlocked(
            "actual",
            f"{reason} Aborting the connection.",
            fix="200 OK\nContent-Type: text/event-stream",
            request=self._page.history[-1].request,
            response=received,
            cause="the response is not an event stream: 200 OK, Content-Type: text/event-stream",
            show_secrets=self._page.show_secrets,
        ) from received.error

    def _move(self, urls: tuple[Url, ...]) -> None:
        """Choose where the next connection goes, after redirects."""
        match self._page.engine.reconnects_to:
            case "the first URL":
                return
            case "the last URL":
                self._url = urls[-1]
            case _:
                # A stream has no preflights, so each URL has one exchange.
                exchanges = self._page.history[-len(urls) :]
                for url, exchange in zip(urls[1:], exchanges, strict=False):
                    if exchange.response is None or exchange.response.status_code not in _PERMANENT:
                        return
                    self._url = url

    def _count(self, received: int) -> None:
        self._idle_connections = 0 if received else self._idle_connections + 1
        if self._idle_connections == _MOST_IDLE_CONNECTIONS:
            raise RuntimeError(
                f"{self._url.href}: {_MOST_IDLE_CONNECTIONS} connections in a row brought no event; a server "
                "ends an EventSource with 204 No Content"
            )
        if self._left is not None:
            self._left -= received
            self.is_closed = self._left == 0


class _Source(Generic[_Ended]):
    """What both kinds of EventSource have.

    Args:
        subscription: what is connected to.
        connect: opens a connection, and reads it to its end.
    """

    def __init__(self, subscription: Subscription, connect: Callable[[EventSourceSteps], _Ended]) -> None:
        self._subscription = subscription
        self._connect = connect

    @property
    def last_event_id(self) -> str:
        """What the next connection sends as Last-Event-ID; empty if it sends none."""
        return self._subscription.last_event_id

    @property
    def retry(self) -> int | None:
        """How long a browser would wait before it, in milliseconds; None if the server did not say."""
        return self._subscription.retry


class EventSource(_Source[None], Iterator[Event]):
    """The events of an EventSource, which connects again whenever a connection has ended."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        while not self._subscription.events:
            if self._subscription.is_closed:
                raise StopIteration
            self._connect(self._subscription.connect())
        return self._subscription.events.popleft()


class AsyncEventSource(_Source[Awaitable[None]], AsyncIterator[Event]):
    """`EventSource` for async tests."""

    async def __anext__(self) -> Event:
        while not self._subscription.events:
            if self._subscription.is_closed:
                raise StopAsyncIteration
            await self._connect(self._subscription.connect())
        return self._subscription.events.popleft()
