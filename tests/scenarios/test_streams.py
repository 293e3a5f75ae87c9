"""Scenario 19: headers go out when the response starts, and no chunk waits for the next one."""

from collections.abc import AsyncIterator

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Message

from route_cors import CORSPolicy

from .shapes import Build, Routed, everywhere
from .support import A, E, Seen, blocked, cors_headers, http_scope, readable

pytestmark = pytest.mark.anyio


class Page:
    """The receiving end of a stream: it lets the app go on only when it has seen the first chunk."""

    def __init__(self) -> None:
        self.first_chunk_seen = anyio.Event()
        self.messages: list[Message] = []
        self._requested = False

    async def receive(self) -> Message:
        if self._requested:
            await anyio.sleep_forever()  # the page stays
        self._requested = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        if message["type"] == "http.response.body" and message.get("body") == b"data: 1\n\n":
            assert self.messages[0]["type"] == "http.response.start"
            self.first_chunk_seen.set()

    @property
    def seen(self) -> Seen:
        start = self.messages[0]
        pairs = [(name.decode(), value.decode()) for name, value in start["headers"]]
        return start["status"], cors_headers(pairs)


def streams(page: Page, declared: CORSPolicy) -> Routed:
    async def events() -> AsyncIterator[bytes]:
        yield b"data: 1\n\n"
        await page.first_chunk_seen.wait()
        yield b"data: 2\n\n"

    async def endpoint(request: Request) -> Response:
        headers = {"Vary": "Accept", "X-Id": "7"}
        return StreamingResponse(events(), media_type="text/event-stream", headers=headers)

    return Routed("GET", "/events", endpoint, declared)


@everywhere
@pytest.mark.parametrize(
    ("origin", "expected"),
    [(A, readable(200, A, expose="x-id", vary="accept, origin")), (E, blocked(200, vary="accept, origin"))],
)
async def test_19_the_first_chunk_comes_before_the_stream_ends(
    build: Build, origin: str, expected: Seen
) -> None:
    page = Page()
    site = build(streams(page, CORSPolicy(origins=A, expose_headers=["X-Id"])))
    scope = http_scope("GET", f"{site.prefix}/events", [(b"origin", origin.encode())])
    with anyio.fail_after(60):  # a chunk that is held back would wait for ever
        await site.app(scope, page.receive, page.send)
    assert page.seen == expected
    starts = [message for message in page.messages if message["type"] == "http.response.start"]
    bodies = [message for message in page.messages if message["type"] == "http.response.body"]
    assert len(starts) == 1
    assert [message["body"] for message in bodies] == [b"data: 1\n\n", b"data: 2\n\n", b""]


@everywhere
async def test_19_two_streams_at_once_do_not_mix(build: Build) -> None:
    page, other = Page(), Page()
    site = build(
        streams(page, CORSPolicy(origins=[A, E])),
        streams(other, CORSPolicy(origins=[A, E]))._replace(path="/others"),
    )

    async def run(receiver: Page, path: str, origin: str) -> None:
        scope = http_scope("GET", site.prefix + path, [(b"origin", origin.encode())])
        await site.app(scope, receiver.receive, receiver.send)

    # Each goes on only after the other one's first chunk.
    page.first_chunk_seen, other.first_chunk_seen = other.first_chunk_seen, page.first_chunk_seen
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(run, page, "/events", A)
            group.start_soon(run, other, "/others", E)
    assert page.seen == readable(200, A, vary="accept, origin")
    assert other.seen == readable(200, E, vary="accept, origin")
