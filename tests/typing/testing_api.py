"""For the type checkers alone: what `route_cors.testing` promises them. Nothing here is run.

Each line with ignores must be an error to mypy and to pyright: both report an ignore that is not needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, assert_type

import httpx
from fastapi import FastAPI
from starlette.testclient import TestClient

from route_cors.testing import AsyncBrowser, Browser, CORSBlocked, UnknownHostError
from route_cors.testing.history import Exchange
from route_cors.testing.messages import Headers, Navigation, ReceivedResponse, Response, SentRequest

if TYPE_CHECKING:
    from route_cors.testing.handshake import Handshake

OURS = "https://app.example.com"
app = FastAPI()

# --- targets --------------------------------------------------------------------------------------

browser = Browser(app, origin=OURS)
Browser(TestClient(app), origin=OURS, base_url="https://api.example.com")
Browser(httpx.Client(), origin="null", clock=lambda: 0.0)
Browser("http://127.0.0.1:8000", origin=OURS)
Browser({"https://api.example.com": app, "https://idp.example": "http://127.0.0.1:8000"}, origin=OURS)
Browser(app, origin=OURS, show_secrets=True)
Browser(app)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Browser(app, OURS)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Browser(app, origin=None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
assert_type(browser.page(origin="https://evil.example"), Browser)

# --- fetch ----------------------------------------------------------------------------------------

response = browser.fetch("/", method="PUT", headers={"X-Token": "t"}, json={"a": 1}, credentials="include")
assert_type(response, Response)
assert_type(response.status_code, int)
assert_type(response.headers, Headers)
assert_type(response.headers["content-type"], str)
assert_type(response.text, str)
assert_type(response.type, Literal["basic", "cors", "opaque", "opaqueredirect"])
browser.fetch("/", headers=[("Accept", "text/html")], content=b"", mode="no-cors", redirect="manual")
browser.fetch("/", mode="navigate")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
browser.fetch("/", credentials=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
browser.fetch("/", headers={"X-Id": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
browser.fetch("/", "PUT")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

# --- forms, links, images and scripts -------------------------------------------------------------

assert_type(browser.submit("/", data={"a": "1", "b": ["2", "3"]}, enctype="text/plain"), Navigation)
assert_type(browser.submit("/", data=[("a", "1")], method="GET", user_activated=True), Navigation)
assert_type(browser.navigate("/", referrer_policy="no-referrer"), Navigation)
assert_type(browser.navigate("/").type, Literal["navigation"])
assert_type(browser.embed("/", as_="image"), Response)
browser.submit("/", data={"a": 1})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
browser.submit("/", method="PUT")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
browser.embed("/", as_="frame")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
browser.embed("/")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Browser(app, origin=OURS, private_network=True)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

# --- what a test looks at -------------------------------------------------------------------------

for exchange in browser.history:
    assert_type(exchange, Exchange)
    assert_type(exchange.request, SentRequest)
    assert_type(exchange.response, ReceivedResponse | None)
assert_type(browser.history[0], Exchange)
assert_type(browser.history.preflights, list[Exchange])
assert_type(browser.cookies["session"], str)
browser.cookies.set("session", "1", same_site="None", secure=True)
browser.cookies.set("session", "1", same_site="none")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
browser.preflight_cache.clear()
try:
    browser.connect("/chat", subprotocols=["v1"])
except CORSBlocked as blocked:
    assert_type(blocked.step, Literal["preflight", "actual", "redirect", "mode", "websocket"])
    assert_type(blocked.cause, str)
    assert_type(blocked.reason, str)
    assert_type(blocked.response, ReceivedResponse | None)
except UnknownHostError as unknown:
    assert_type(unknown.origin, str)
    assert_type(unknown.known, tuple[str, ...])


async def asynchronously(async_cors_browser: type[AsyncBrowser]) -> Handshake:
    page = async_cors_browser(app, origin=OURS)
    assert_type(page, AsyncBrowser)
    assert_type(await page.fetch("/"), Response)
    assert_type(await page.submit("/"), Navigation)
    assert_type(await page.navigate("/"), Navigation)
    assert_type(await page.embed("/", as_="script"), Response)
    assert_type(page.page(origin=OURS), AsyncBrowser)
    return await page.connect("/chat")
