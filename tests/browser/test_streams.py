"""Event streams and websockets in Chromium."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import FastAPI, WebSocket
from fastapi.responses import HTMLResponse, StreamingResponse
from starlette.types import ASGIApp

from route_cors import CORSPolicy, cors, install_cors, no_cors

from .conftest import Script, Server, Tabs, open_page

Serve = Callable[[ASGIApp], Server]

# Far beyond what the second request takes; an answer that is buffered runs into it.
BUFFERED_AFTER = 30


def event_source(script: Script, url: str, *, credentials: bool = False) -> Any:
    return script.run(
        """([url, withCredentials]) => new Promise((resolve) => {
            const received = [];
            const source = new EventSource(url, { withCredentials });
            const finish = (outcome) => { source.close(); resolve(outcome); };
            source.onmessage = (event) => received.push(event.data);
            source.addEventListener("end", () => finish(received));
            source.onerror = () => finish("error");
        })""",
        url,
        credentials,
    )


def websocket(script: Script, url: str) -> Any:
    return script.run(
        """([url]) => new Promise((resolve) => {
            const socket = new WebSocket(url);
            socket.onmessage = (event) => { resolve(event.data); socket.close(); };
            socket.onclose = (event) => resolve(event.code);
        })""",
        url,
    )


class TestServerSentEvents:
    @pytest.mark.parametrize("credentials", [False, True])
    def test_event_source(self, serve: Serve, trusted: Script, stranger: Script, credentials: bool) -> None:
        app = FastAPI()

        @app.get("/events")
        @cors(origins=trusted.origin, allow_credentials=credentials)
        async def events() -> StreamingResponse:
            async def stream() -> AsyncIterator[str]:
                yield "data: one\n\n"
                yield "data: two\n\n"
                yield "event: end\ndata:\n\n"

            return StreamingResponse(stream(), media_type="text/event-stream")

        install_cors(app)
        api = serve(app)

        assert event_source(trusted, f"{api.origin}/events", credentials=credentials) == ["one", "two"]
        assert event_source(stranger, f"{api.origin}/events", credentials=credentials) == "error"

    def test_the_first_chunk_arrives_before_the_stream_ends(self, serve: Serve, trusted: Script) -> None:
        app = FastAPI()
        policy = CORSPolicy(origins=trusted.origin)
        first_was_read = asyncio.Event()

        @app.get("/stream")
        @cors(policy)
        async def stream() -> StreamingResponse:
            async def chunks() -> AsyncIterator[str]:
                yield "first"
                try:
                    await asyncio.wait_for(first_was_read.wait(), BUFFERED_AFTER)
                except TimeoutError:
                    yield ", but buffered"
                else:
                    yield ", second"

            return StreamingResponse(chunks(), media_type="text/event-stream")

        @app.post("/first-was-read")
        @cors(policy)
        async def read() -> None:
            first_was_read.set()

        install_cors(app)
        api = serve(app)

        chunks = trusted.run(
            """async ([origin]) => {
                const response = await fetch(origin + "/stream");
                const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
                const first = await reader.read();
                await fetch(origin + "/first-was-read", { method: "POST" });
                const second = await reader.read();
                const end = await reader.read();
                return [first.value, second.value, end.done];
            }""",
            api.origin,
        )

        assert chunks == ["first", ", second", True]


class TestWebSocket:
    @pytest.fixture
    def accepted(self) -> list[str | None]:
        return []

    @pytest.fixture
    def api(self, serve: Serve, trusted: Script, accepted: list[str | None]) -> Server:
        app = FastAPI()

        async def greet(websocket: WebSocket) -> None:
            accepted.append(websocket.headers.get("origin"))
            await websocket.accept()
            await websocket.send_text("welcome")
            await websocket.close()

        async def greet_own(websocket: WebSocket) -> None:
            await greet(websocket)

        app.add_api_websocket_route("/chat", cors(origins=trusted.origin)(greet))
        app.add_api_websocket_route("/internal", no_cors(greet_own))

        @app.get("/", response_class=HTMLResponse)
        async def own_page() -> str:
            return "<!doctype html><title>own</title><link rel=icon href='data:,'>"

        install_cors(app)
        return serve(app)

    def test_the_trusted_page_connects_and_the_stranger_is_refused_before_accept(
        self, api: Server, trusted: Script, stranger: Script, accepted: list[str | None]
    ) -> None:
        assert websocket(trusted, f"{api.websocket_origin}/chat") == "welcome"
        assert websocket(stranger, f"{api.websocket_origin}/chat") == 1006
        assert accepted == [trusted.origin]
        assert api.log == ["WEBSOCKET /chat"] * 2

    def test_the_own_page_connects_everywhere_and_no_cors_takes_no_other(
        self, api: Server, tabs: Tabs, trusted: Script, accepted: list[str | None]
    ) -> None:
        own = open_page(tabs.another(), api.origin)

        assert websocket(own, f"{api.websocket_origin}/chat") == "welcome"
        assert websocket(own, f"{api.websocket_origin}/internal") == "welcome"
        assert websocket(trusted, f"{api.websocket_origin}/internal") == 1006
        assert accepted == [api.origin, api.origin]
