"""The base URL of a live server as the target: real connections, which nobody closes."""

from __future__ import annotations

import gc
import socket
import ssl
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from fastapi import FastAPI, WebSocket
from live_server import HOST, Server
from starlette.responses import PlainTextResponse, RedirectResponse

from route_cors import CORSPolicy, CORSRouter, cors, install_cors
from route_cors.testing import AsyncBrowser, Browser, CORSBlocked

from .site import A, E, Site

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    from starlette.types import ASGIApp

BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])


def an_app() -> ASGIApp:
    app = FastAPI()
    router = CORSRouter(cors=CORSPolicy(origins=A, allow_credentials=True))

    @router.put("/notes/{number}")
    async def save(number: int) -> PlainTextResponse:
        response = PlainTextResponse(f"saved {number}")
        response.set_cookie("last", str(number), secure=True, samesite="none")
        return response

    @app.get("/public")
    @cors(origins="*")
    async def public() -> PlainTextResponse:
        return PlainTextResponse("public")

    @router.get("/old")
    async def old() -> RedirectResponse:
        return RedirectResponse("/public")

    @router.websocket("/chat")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept(subprotocol="v1")
        await websocket.receive()

    app.include_router(router)
    install_cors(app)
    return app


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(an_app()) as server:
        yield server


def connections_to(server: Server) -> list[Any]:
    """The open sockets of this process whose other end is the server."""
    gc.collect()
    with warnings.catch_warnings():
        # Looking at every object wakes some that are deprecated.
        warnings.simplefilter("ignore")
        sockets = [thing for thing in gc.get_objects() if isinstance(thing, socket.socket)]
    return [one for one in sockets if one.fileno() != -1 and peer_of(one) == (HOST, int(server.url[17:]))]


def peer_of(one: socket.socket) -> Any:
    try:
        return one.getpeername()
    except OSError:
        return None


@contextmanager
def no_resource_left(server: Server) -> Iterator[None]:
    """Nothing stays open, and nothing that was left open is closed with a complaint."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ResourceWarning)
        yield
        assert connections_to(server) == []
    assert [str(warning.message) for warning in caught] == []


def every_kind_of_call(browser: Browser, stranger: Browser) -> None:
    saved = browser.fetch("/notes/7", method="PUT", credentials="include")
    assert (saved.status_code, saved.text) == (200, "saved 7")
    assert dict(browser.cookies) == {"last": "7"}
    assert browser.fetch("/old").text == "public"
    assert browser.connect("/chat", subprotocols=["v1"]).subprotocol == "v1"
    with pytest.raises(CORSBlocked, match="preflight"):
        stranger.fetch("/notes/7", method="PUT")
    with pytest.raises(CORSBlocked, match=r"^the response \(307\) allows no origin"):
        stranger.fetch("/old")
    with pytest.raises(CORSBlocked, match="Unexpected response code: 403"):
        stranger.connect("/chat")


def test_a_browser_leaves_no_connection_open(server: Server) -> None:
    with no_resource_left(server):
        browser = Browser(server.url, origin=A)
        every_kind_of_call(browser, Browser(server.url, origin=E))
        assert connections_to(server) == []
        del browser


@BACKENDS
def test_an_async_browser_leaves_no_connection_open(server: Server, backend: str) -> None:
    pytest.importorskip(backend)

    async def test() -> None:
        browser = AsyncBrowser(server.url, origin=A)
        saved = await browser.fetch("/notes/7", method="PUT", credentials="include")
        assert (saved.status_code, saved.text) == (200, "saved 7")
        assert (await browser.fetch("/old")).text == "public"
        assert (await browser.connect("/chat", subprotocols=["v1"])).subprotocol == "v1"
        stranger = browser.page(origin=E)
        await blocked(stranger.fetch("/notes/7", method="PUT"), "preflight")
        await blocked(stranger.fetch("/old"), "^the response")
        await blocked(stranger.connect("/chat"), "403")
        assert connections_to(server) == []

    with no_resource_left(server):
        anyio.run(test, backend=backend)


async def blocked(call: Awaitable[Any], says: str) -> None:
    with pytest.raises(CORSBlocked, match=says):
        await call


@BACKENDS
def test_calls_at_the_same_time_do_not_mix(server: Server, backend: str) -> None:
    pytest.importorskip(backend)
    count = 12
    outcomes: dict[int, str] = {}

    async def test() -> None:
        browser = AsyncBrowser(server.url, origin=A)

        async def call(number: int) -> None:
            outcomes[number] = (await browser.fetch(f"/notes/{number}", method="PUT")).text

        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(call, number)
        assert len(browser.history) == 2 * count

    with no_resource_left(server):
        anyio.run(test, backend=backend)
    assert outcomes == {number: f"saved {number}" for number in range(count)}


def test_an_async_browser_may_outlive_an_event_loop(server: Server) -> None:
    browser = AsyncBrowser(server.url, origin=A)

    async def test() -> str:
        await browser.connect("/chat", subprotocols=["v1"])
        return (await browser.fetch("/notes/1", method="PUT")).text

    with no_resource_left(server):
        assert [anyio.run(test), anyio.run(test)] == ["saved 1", "saved 1"]
    assert len(browser.history.preflights) == 1


def test_the_servers_own_pages_need_no_cors(server: Server) -> None:
    response = Browser(server.url, origin=server.url).fetch("/public")

    assert (response.type, response.text, response.url) == ("basic", "public", f"{server.url}/public")


@pytest.mark.parametrize("path", ["", "/", "/ignored", "/ignored?a=b#c"])
def test_a_base_url_may_have_a_path(server: Server, path: str) -> None:
    assert Browser(server.url + path, origin=A).fetch("public").text == "public"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_no_proxy_is_asked_for_this_machine(
    server: Server, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Browsers go to loopback addresses directly. Nobody listens there.
    monkeypatch.setenv(variable, f"http://{HOST}:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)

    assert Browser(server.url, origin=A).fetch("/public").text == "public"


def test_a_proxy_is_asked_for_what_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    with Server(site) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)

        assert Browser("http://api.example", origin=A).fetch("/notes").status_code == 404
    assert site.log == ["GET http://api.example/notes"]


def test_a_server_that_is_not_there_is_no_matter_of_cors() -> None:
    # Bound and not listening: nobody else can take the port, and nobody answers.
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        url = f"http://{HOST}:{taken.getsockname()[1]}"
        browser = Browser(url, origin=A)
        calls: list[Callable[[str], Any]] = [browser.fetch, browser.connect]
        for call in calls:
            with pytest.raises(httpx.ConnectError):
                call("/notes")
    assert list(browser.history) == []


def test_certificates_that_are_named_later_are_those_that_count(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Browser("https://api.example", origin=A)
    none = tmp_path / "none.pem"
    none.write_text("no certificate", encoding="ascii")
    monkeypatch.setenv("SSL_CERT_FILE", str(none))

    with pytest.raises(ssl.SSLError):
        Browser("https://api.example", origin=A)
    Browser("http://127.0.0.1:9", origin=A)  # asks the environment nothing
