"""EventSource: what it sends, what ends it, and where it connects again."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from live_server import Server
from starlette.responses import StreamingResponse

from route_cors.testing import AsyncBrowser, Browser, CORSBlocked

from .machine import ENGINES, EVERY_ENGINE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Receive, Scope, Send

    from route_cors.testing.engines import EngineName

A = "https://app.example.com"
API = "https://api.example.com"
ALLOWED = ((b"access-control-allow-origin", A.encode()), (b"access-control-allow-credentials", b"true"))
STREAM = (*ALLOWED, (b"content-type", b"text/event-stream"))
ONE = b"retry: 100\nid: 7\ndata: one\n\n"


class Script:
    """An app that gives one answer after the other, and then 204."""

    def __init__(self, *answers: tuple[int, Any, bytes]) -> None:
        self.answers = list(answers)
        self.paths: list[str] = []
        self.headers: list[dict[str, str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.paths.append(f"{scope['method']} {scope['path']}")
        self.headers.append({name.decode(): value.decode() for name, value in scope["headers"]})
        status, headers, body = self.answers.pop(0) if self.answers else (204, ALLOWED, b"")
        await send({"type": "http.response.start", "status": status, "headers": list(headers)})
        await send({"type": "http.response.body", "body": body})


def browser_of(app: Any, **more: Any) -> Browser:
    return Browser(app, origin=A, base_url=API, **more)


def located(url: str) -> tuple[tuple[bytes, bytes], ...]:
    return (*ALLOWED, (b"location", url.encode()))


# --- What is sent -------------------------------------------------------------------------------------


@EVERY_ENGINE
def test_the_requests_and_the_events(engine: EngineName) -> None:
    app = Script((200, STREAM, ONE + b"data: two\n\ndata: cut"), (200, STREAM, b"event: x\ndata: three\n\n"))
    browser = browser_of(app, engine=engine)
    source = browser.event_source("/events")
    assert not browser.history
    assert next(source).data == "one"
    assert (source.last_event_id, source.retry) == ("7", 100)
    assert len(browser.history) == 1
    events = list(source)
    assert [(event.type, event.data, event.last_event_id) for event in events] == [
        ("message", "two", "7"),
        ("x", "three", "7"),
    ]
    assert {event.origin for event in events} == {API}
    assert source.retry == 100
    # No preflight, though Last-Event-ID would need one in a fetch.
    assert app.paths == ["GET /events"] * 3
    first, second, third = app.headers
    assert {name: value for name, value in first.items() if name != "host"} == {
        "accept": "text/event-stream",
        "cache-control": "no-cache",
        "pragma": "no-cache",
        "origin": A,
        "sec-fetch-site": "same-site",
        "sec-fetch-mode": "cors",
        "sec-fetch-dest": "empty",
    }
    assert second == third == {**first, "last-event-id": "7"}
    assert list(source) == []
    assert len(app.paths) == 3


def test_an_id_of_other_letters() -> None:
    app = Script((200, STREAM, "id: \u20ac\ndata: a\n\n".encode()))
    list(browser_of(app).event_source("/"))
    assert app.headers[1]["last-event-id"] == "\u20ac"


def test_an_id_that_is_reset() -> None:
    app = Script((200, STREAM, ONE), (200, STREAM, b"id\ndata: a\n\n"))
    list(browser_of(app).event_source("/"))
    assert [headers.get("last-event-id") for headers in app.headers] == [None, "7", None]


@pytest.mark.parametrize(("with_credentials", "cookie"), [(True, "a=b"), (False, None)])
def test_credentials(with_credentials: bool, cookie: str | None) -> None:
    app = Script((200, STREAM, ONE))
    browser = browser_of(app)
    browser.cookies.set("a", "b")
    list(browser.event_source("/", with_credentials=with_credentials))
    assert app.headers[0].get("cookie") == cookie


def test_the_pages_own_origin() -> None:
    app = Script((200, STREAM[2:], ONE))
    browser = Browser(app, origin=A, base_url=A)
    browser.cookies.set("a", "b")
    assert [event.data for event in browser.event_source("/")] == ["one"]
    assert "origin" not in app.headers[0]
    assert app.headers[0]["cookie"] == "a=b"


# --- What ends it -------------------------------------------------------------------------------------


def test_204_at_once() -> None:
    app = Script()
    assert list(browser_of(app).event_source("/")) == []
    assert len(app.paths) == 1


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (200, STREAM[2:], "No 'Access-Control-Allow-Origin' header is present"),
        (200, ((b"access-control-allow-origin", b"*"), STREAM[2]), None),
        (200, (*ALLOWED, (b"content-type", b"text/plain")), 'a MIME type ("text/plain") that is not'),
        (200, (*ALLOWED, (b"content-type", b"text/event-streams")), 'that is not "text/event-stream"'),
        (200, ALLOWED, 'a MIME type ("") that is not "text/event-stream"'),
        (201, STREAM, "a status 201 that is not 200. Aborting the connection."),
        (500, STREAM, "a status 500 that is not 200"),
        (302, STREAM, "a status 302 that is not 200"),
    ],
)
@EVERY_ENGINE
def test_a_response_that_is_no_stream(
    engine: EngineName, status: int, headers: Any, said: str | None
) -> None:
    app = Script((200, STREAM, ONE), (status, headers, ONE), (200, STREAM, ONE))
    source = browser_of(app, engine=engine).event_source("/")
    assert next(source).data == "one"
    if said is None:
        assert next(source).data == "one"
        return
    with pytest.raises(CORSBlocked) as caught:
        next(source)
    assert caught.value.step == "actual"
    assert said in caught.value.reason
    assert caught.value.request is not None
    assert caught.value.response is not None
    assert caught.value.response.status_code == status
    # It is not opened again.
    assert list(source) == []
    assert len(app.paths) == 2


def test_the_wildcard_with_credentials() -> None:
    app = Script((200, ((b"access-control-allow-origin", b"*"), STREAM[2]), ONE))
    with pytest.raises(CORSBlocked, match="must not be the wildcard"):
        next(browser_of(app).event_source("/", with_credentials=True))


def test_what_a_failed_connection_would_have_needed() -> None:
    app = Script((404, STREAM, b""))
    with pytest.raises(CORSBlocked) as caught:
        next(browser_of(app).event_source("/"))
    assert caught.value.fix == "200 OK\nContent-Type: text/event-stream"


@pytest.mark.parametrize(
    ("content_type", "refused_by"),
    [
        ("TEXT/Event-Stream ;x=y", set[str]()),
        ("text/event-stream; charset=UTF-8", set[str]()),
        ('text/event-stream; charset="utf8"', set[str]()),
        ("text/event-stream; charset=iso-8859-1", {"chromium"}),
    ],
)
@EVERY_ENGINE
def test_parameters_of_the_type(engine: EngineName, content_type: str, refused_by: set[str]) -> None:
    app = Script((200, (*ALLOWED, (b"content-type", content_type.encode())), ONE))
    source = browser_of(app, engine=engine).event_source("/")
    if engine in refused_by:
        with pytest.raises(CORSBlocked, match="charset"):
            next(source)
    else:
        assert next(source).data == "one"


def test_a_server_that_never_ends_it_and_never_says_anything() -> None:
    app = Script(*[(200, STREAM, ONE)], *[(200, STREAM, b": nothing\n\n")] * 30)
    source = browser_of(app).event_source("/")
    assert next(source).data == "one"
    with pytest.raises(RuntimeError, match="20 connections in a row brought no event"):
        next(source)
    assert len(app.paths) == 21


def test_silence_is_counted_anew_after_an_event() -> None:
    silent, loud = (200, STREAM, b""), (200, STREAM, ONE)
    app = Script(*[silent] * 19, loud, *[silent] * 19, loud)
    assert len(list(browser_of(app).event_source("/"))) == 2


# --- Redirects ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "reconnects_to"),
    [
        ((302,), ("/0", "/1", "/0", "/0")),
        ((301,), ("/0", "/1", "/1", "/0")),
        ((308, 307, 301), ("/0", "/3", "/1", "/0")),
        ((), ("/0", "/0", "/0", "/0")),
    ],
)
def test_where_it_connects_again(statuses: tuple[int, ...], reconnects_to: tuple[str, ...]) -> None:
    for engine, path in zip(ENGINES, reconnects_to, strict=True):
        redirects = [(status, located(f"{API}/{at}"), b"") for at, status in enumerate(statuses, 1)]
        app = Script(*redirects, (200, STREAM, ONE))
        source = browser_of(app, engine=engine).event_source("/0")
        assert next(source).origin == API
        list(source)
        assert app.paths[len(statuses) + 1] == f"GET {path}"


# --- Closing ------------------------------------------------------------------------------------------


def test_no_more_events_than_wanted() -> None:
    app = Script(*[(200, STREAM, b"data: a\n\ndata: b\n\n")] * 5)
    assert [event.data for event in browser_of(app).event_source("/", most=3)] == ["a", "b", "a"]
    assert len(app.paths) == 2
    assert list(browser_of(app).event_source("/", most=0)) == []
    assert len(app.paths) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"most": -1}, ValueError, "^most: -1: must not be negative$"),
        ({"most": "1"}, TypeError, "^most: '1': must be a number of events, or None for all$"),
        ({"most": True}, TypeError, "^most: True: "),
        ({"with_credentials": 1}, TypeError, "^with_credentials: 1: must be True or False$"),
        ({"url": "ftp://x"}, ValueError, "must be http or https"),
    ],
)
@pytest.mark.parametrize("browser", [Browser, AsyncBrowser])
def test_arguments_are_checked_at_once(
    browser: Any, arguments: Any, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        browser(Script(), origin=A).event_source(**{"url": "/", **arguments})


def endless(*, pause: float = 0.0) -> ASGIApp:
    """A stream that goes on as long as its reader listens."""

    async def events() -> AsyncIterator[bytes]:
        number = 0
        while True:
            number += 1
            yield b"id: %d\ndata: tick\n\n" % number
            await anyio.sleep(pause)

    headers = {"access-control-allow-origin": "*"}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(events(), media_type="text/event-stream", headers=headers)(
            scope, receive, send
        )

    return app


def test_an_endless_stream() -> None:
    browser = browser_of(endless())
    ids = [event.last_event_id for event in browser.event_source("/", most=3)]
    assert ids == ["1", "2", "3"]
    (exchange,) = browser.history
    assert exchange.response is not None
    assert exchange.response.error is None


def test_an_endless_stream_that_waits_for_longer_than_its_reader() -> None:
    assert len(list(browser_of(endless(pause=3600)).event_source("/", most=1))) == 1


def test_an_app_that_ignores_that_its_reader_has_gone() -> None:
    refused: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"access-control-allow-origin", b"*"), (b"content-type", b"text/event-stream")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"data: a\n\n", "more_body": True})
        try:
            await send({"type": "http.response.body", "body": b"data: b\n\n", "more_body": True})
        except OSError as error:
            refused.append(str(error))
        await receive()
        refused.append((await receive())["type"])

    assert [event.data for event in browser_of(app).event_source("/", most=1)] == ["a"]
    assert refused == ["the page has closed its EventSource", "http.disconnect"]


@pytest.mark.anyio
@pytest.mark.parametrize("target", ["app", "client", "live"])
async def test_an_async_browser(target: str) -> None:
    with Server(endless()) as server:
        client = httpx.AsyncClient(base_url=server.url, trust_env=False)
        targets: dict[str, Any] = {"app": endless(), "client": client, "live": server.url}
        browser = AsyncBrowser(targets[target], origin=A)
        source = browser.event_source("/", most=2)
        assert [event.data async for event in source] == ["tick", "tick"]
        assert (source.last_event_id, source.retry) == ("2", None)
        await client.aclose()


def test_a_live_server() -> None:
    with Server(endless()) as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for target in (client, server.url):
            source = Browser(target, origin=A).event_source("/", most=2)
            assert [event.last_event_id for event in islice(source, 5)] == ["1", "2"]
