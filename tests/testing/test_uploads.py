"""Upload listeners, keepalive and streams as bodies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from live_server import Server

from route_cors.testing import AsyncBrowser, Browser, CORSBlocked
from route_cors.testing.engines import EngineName, engine_named
from route_cors.testing.request import Body, build_request

from .machine import (
    EVERY_ENGINE,
    FOR_ANY,
    PAGE,
    URL,
    always,
    answer,
    blocked,
    fetched,
    log,
    open_page,
    redirect,
    serving,
)
from .site import A, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from route_cors.testing.request import Request

KIB_64 = 64 * 1024
OWN = f"{PAGE}/notes"
SECURE = pytest.mark.parametrize("engine", ["standard", "chromium"])


def chunks() -> Iterator[bytes]:
    yield b"one, "
    yield b"two"


def upload(url: str = URL, *, engine: EngineName = "standard", content: Any = b"...", **more: Any) -> Request:
    settings: dict[str, Any] = {
        "method": "POST",
        "mode": "cors",
        "credentials": "same-origin",
        "redirect": "follow",
        **more,
    }
    return build_request(
        url, base=None, headers=None, body=Body(content), engine=engine_named(engine), **settings
    )


# --- Upload listeners ---------------------------------------------------------------------------------


@EVERY_ENGINE
def test_a_listener_forces_a_preflight(engine: EngineName) -> None:
    page = open_page(engine=engine)
    assert (
        fetched(page, upload(engine=engine, upload_progress=True), always(answer(200, FOR_ANY))).status_code
        == 200
    )
    assert log(page) == [f"OPTIONS {URL}", f"POST {URL}"]
    preflight = page.history[0].request.headers
    assert preflight["access-control-request-method"] == "POST"
    assert "access-control-request-headers" not in preflight


@EVERY_ENGINE
def test_a_preflight_that_is_refused_lets_nothing_be_uploaded(engine: EngineName) -> None:
    page = open_page(engine=engine)
    error = blocked(page, upload(engine=engine, upload_progress=True), always(answer(403)))
    assert error.step == "preflight"
    assert log(page) == [f"OPTIONS {URL}"]


@EVERY_ENGINE
def test_a_listener_has_no_effect_on_the_pages_own_origin(engine: EngineName) -> None:
    page = open_page(engine=engine)
    fetched(page, upload(OWN, engine=engine, upload_progress=True), always(answer()))
    assert log(page) == [f"POST {OWN}"]


@EVERY_ENGINE
def test_a_listener_without_a_body(engine: EngineName) -> None:
    page = open_page(engine=engine)
    request = upload(engine=engine, upload_progress=True, content=None, method="GET")
    fetched(page, request, always(answer(200, FOR_ANY)))
    assert len(page.history.preflights) == (engine != "chromium")


@pytest.mark.parametrize("lines", [[], ["Access-Control-Allow-Methods: POST"]])
@EVERY_ENGINE
def test_a_forced_preflight_is_cached(engine: EngineName, lines: list[str]) -> None:
    page = open_page(engine=engine)
    for _ in range(2):
        fetched(page, upload(engine=engine, upload_progress=True), always(answer(200, FOR_ANY, *lines)))
    assert len(page.history.preflights) == (2 if engine == "firefox" else 1)


def test_a_forced_preflight_that_lists_other_methods_grants_none() -> None:
    page = open_page()
    server = always(answer(200, FOR_ANY, "Access-Control-Allow-Methods: PUT"))
    for _ in range(2):
        fetched(page, upload(upload_progress=True), server)
    assert len(page.history.preflights) == 2


@pytest.mark.parametrize("mode", ["no-cors", "same-origin"])
def test_a_listener_has_mode_cors(mode: str) -> None:
    said = f"^upload_progress: only an XMLHttpRequest has it, in mode 'cors' and not '{mode}'$"
    with pytest.raises(ValueError, match=said):
        upload(upload_progress=True, mode=mode)


@pytest.mark.parametrize("argument", ["upload_progress", "keepalive"])
@pytest.mark.parametrize("value", [1, "yes", None])
def test_flags_are_flags(argument: str, value: object) -> None:
    with pytest.raises(TypeError, match=f"^{argument}: {value!r}: must be True or False$"):
        upload(**{argument: value})  # type: ignore[arg-type]


# --- Keepalive ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("url", "method"), [(URL, "POST"), (URL, "PUT"), (OWN, "POST")])
@EVERY_ENGINE
def test_the_limit_of_keepalive(engine: EngineName, url: str, method: str) -> None:
    server = always(answer(200, FOR_ANY, "Access-Control-Allow-Methods: PUT"))
    page = open_page(engine=engine)
    fetched(page, upload(url, engine=engine, content=b"a" * KIB_64, keepalive=True, method=method), server)
    assert log(page)[-1] == f"{method} {url}"

    page = open_page(engine=engine)
    too_long = upload(url, engine=engine, content=b"a" * (KIB_64 + 1), keepalive=True, method=method)
    error = blocked(page, too_long, server)
    assert error.step == "actual"
    assert "its body of 65537 bytes is longer than 64 KiB" in error.reason
    assert error.fix == "a body of at most 65536 bytes, or keepalive=False"
    # By the standard, the preflight comes first.
    assert log(page) == ([f"OPTIONS {url}"] if (engine, method) == ("standard", "PUT") else [])

    page = open_page(engine=engine)
    fetched(page, upload(url, engine=engine, content=b"a" * (KIB_64 + 1), method=method), server)


def test_keepalive_without_a_body() -> None:
    page = open_page()
    assert (
        fetched(page, upload(content=None, keepalive=True), always(answer(200, FOR_ANY))).status_code == 200
    )


# --- Streams ------------------------------------------------------------------------------------------


@SECURE
def test_a_stream_always_has_a_preflight(engine: EngineName) -> None:
    page = open_page(engine=engine)
    fetched(page, upload(engine=engine, content=chunks()), always(answer(200, FOR_ANY)))
    assert log(page) == [f"OPTIONS {URL}", f"POST {URL}"]
    sent = page.history[-1].request
    assert (sent.content, sent.is_stream) == (b"one, two", True)
    assert "content-type" not in sent.headers

    page = open_page(engine=engine)
    fetched(page, upload(OWN, engine=engine, content=chunks()), always(answer()))
    assert log(page) == [f"POST {OWN}"]


@SECURE
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_stream_is_not_sent_again(engine: EngineName, status: int) -> None:
    page = open_page(engine=engine)
    server = serving({f"OPTIONS {URL}": answer(204, FOR_ANY), URL: redirect(OWN, FOR_ANY, status=status)})
    error = blocked(page, upload(engine=engine, content=chunks()), server)
    assert error.step == "redirect"
    assert error.fix == "303 See Other, or a body that is not a stream"
    assert log(page) == [f"OPTIONS {URL}", f"POST {URL}"]


def test_a_303_drops_the_stream() -> None:
    page = open_page()
    server = serving(
        {
            OWN: redirect(f"{PAGE}/done", status=303),
            f"{PAGE}/done": redirect(f"{PAGE}/end", status=302),
            f"{PAGE}/end": answer(),
        }
    )
    assert fetched(page, upload(OWN, content=chunks()), server).status_code == 200
    sent = page.history[-1].request
    assert (sent.method, sent.content, sent.is_stream) == ("GET", b"", False)


def test_chromium_streams_over_tls_only() -> None:
    for engine, url, requests in (
        ("chromium", "http://api.example.com/", ["OPTIONS http://api.example.com/"]),
        ("chromium", "http://app.example.com/", []),
        (
            "standard",
            "http://api.example.com/",
            ["OPTIONS http://api.example.com/", "POST http://api.example.com/"],
        ),
    ):
        page = open_page("http://app.example.com", engine=engine)  # type: ignore[arg-type]
        request = upload(url, engine=engine, content=chunks())  # type: ignore[arg-type]
        if engine == "standard":
            fetched(page, request, always(answer(200, FOR_ANY)))
        else:
            error = blocked(page, request, always(answer(200, FOR_ANY)))
            assert (error.step, error.fix) == ("actual", "a URL of https, or a body that is not a stream")
        assert log(page) == requests


def test_firefox_sends_the_name_of_the_stream() -> None:
    page = open_page(engine="firefox")
    request = upload(engine="firefox", content=chunks(), mode="no-cors", keepalive=True)
    fetched(page, request, always(answer()))
    sent = page.history[-1].request
    assert (sent.content, sent.is_stream) == (b"[object ReadableStream]", False)
    assert sent.headers["content-type"] == "text/plain;charset=UTF-8"
    assert log(page) == [f"POST {URL}"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"engine": "webkit"}, "this engine cannot send a stream"),
        ({"mode": "no-cors"}, "a stream cannot be sent in mode 'no-cors'"),
        ({"keepalive": True}, "a stream cannot be sent with keepalive"),
        ({"method": "GET"}, "a GET request cannot have a body"),
    ],
)
def test_where_no_stream_can_be_sent(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        upload(content=chunks(), **more)


@pytest.mark.parametrize("chunk", ["text", 1, bytearray(b"x"), None])
def test_the_chunks_of_a_stream_are_bytes(chunk: object) -> None:
    with pytest.raises(TypeError, match=r"^content: .*: the chunks of a stream are bytes$"):
        upload(content=iter([chunk]))


def test_only_an_async_browser_reads_async_iterators() -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b""

    with pytest.raises(TypeError, match="an AsyncBrowser can read it"):
        Browser(Site(), origin=A).fetch("/", method="POST", content=never())  # type: ignore[arg-type]


async def async_chunks() -> AsyncIterator[bytes]:
    for chunk in chunks():
        yield chunk


@pytest.mark.anyio
@pytest.mark.parametrize("content", [chunks, async_chunks])
async def test_what_an_app_is_sent(content: Any) -> None:
    site = Site()
    await AsyncBrowser(site, origin=A).fetch("/notes", method="PUT", content=content())
    preflight, actual = site.requests
    assert preflight.scope["http_version"] == "1.1"
    assert actual.body == b"one, two"
    assert actual.scope["http_version"] == "2"
    assert actual.header("content-length") is None
    assert actual.header("transfer-encoding") is None


@pytest.mark.anyio
@pytest.mark.parametrize("browser", [Browser, AsyncBrowser])
async def test_what_a_live_server_is_sent(browser: Any) -> None:
    site = Site()
    with Server(site) as server:
        if browser is Browser:
            client: Any = httpx.Client(base_url=server.url, trust_env=False)
            Browser(client, origin=A).fetch("/notes", method="PUT", content=chunks())
            client.close()
        else:
            client = httpx.AsyncClient(base_url=server.url, trust_env=False)
            await AsyncBrowser(client, origin=A).fetch("/notes", method="PUT", content=async_chunks())
            await client.aclose()
    actual = site.requests[-1]
    assert actual.body == b"one, two"
    assert actual.header("transfer-encoding") == "chunked"
    assert actual.header("content-length") is None


@pytest.mark.anyio
async def test_the_flags_reach_both_browsers() -> None:
    one, other = Browser(Site(), origin=A), AsyncBrowser(Site(), origin=A)
    one.fetch("/", method="POST", content="a", upload_progress=True)
    await other.fetch("/", method="POST", content="a", upload_progress=True)
    assert len(one.history.preflights) == len(other.history.preflights) == 1
    with pytest.raises(CORSBlocked, match="64 KiB"):
        one.fetch("/", method="POST", content=b"a" * 70_000, keepalive=True)
    with pytest.raises(CORSBlocked, match="64 KiB"):
        await other.fetch("/", method="POST", content=b"a" * 70_000, keepalive=True)
