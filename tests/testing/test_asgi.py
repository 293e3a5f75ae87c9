"""Apps of this process: what they are handed, and those that keep to no protocol."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from route_cors.testing import AsyncBrowser, Browser, CORSBlocked

from .site import ALLOWED, A, Answer, Site

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

START: Message = {"type": "http.response.start", "status": 200, "headers": ALLOWED}


def headers_of(scope: Scope) -> dict[bytes, bytes]:
    assert len(dict(scope["headers"])) == len(scope["headers"])
    return dict(scope["headers"])


# --- what an app is handed ----------------------------------------------------------------------------


def test_the_scope_of_a_request() -> None:
    site = Site({"/caf\xe9 /x": Answer(200, ALLOWED)})
    url = "https://API.example:8443/caf\xe9%20/x?q=\xe9&r"
    browser = Browser(site, origin=A, base_url="https://api.example:8443")
    browser.fetch(url, method="POST", content="body", headers={"Accept-Language": "de"})

    (recorded,) = site.requests
    scope = dict(recorded.scope)
    assert headers_of(scope) == {
        b"host": b"api.example:8443",
        b"accept": b"*/*",
        b"accept-language": b"de",
        b"content-type": b"text/plain;charset=UTF-8",
        b"content-length": b"4",
        b"origin": A.encode(),
        b"sec-fetch-site": b"cross-site",
        b"sec-fetch-mode": b"cors",
        b"sec-fetch-dest": b"empty",
    }
    del scope["headers"]
    assert scope == {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "https",
        "path": "/caf\xe9 /x",
        "raw_path": b"/caf%C3%A9%20/x",
        "query_string": b"q=%C3%A9&r",
        "root_path": "",
        "client": ("127.0.0.1", 123),
        "server": ("api.example", 8443),
        "state": {},
    }


def test_the_scope_of_a_handshake() -> None:
    site = Site()
    browser = Browser(site, origin=A, base_url="http://[::1]")
    browser.connect("ws://[::1]/caf%C3%A9?q", subprotocols=["v1", "v2"])

    (recorded,) = site.requests
    scope = dict(recorded.scope)
    headers = headers_of(scope)
    assert len(headers.pop(b"sec-websocket-key")) == 24
    assert headers == {
        b"host": b"[::1]",
        b"connection": b"Upgrade",
        b"upgrade": b"websocket",
        b"origin": A.encode(),
        b"sec-fetch-site": b"cross-site",
        b"sec-fetch-mode": b"websocket",
        b"sec-fetch-dest": b"empty",
        b"sec-websocket-version": b"13",
        b"sec-websocket-protocol": b"v1, v2",
    }
    del scope["headers"]
    assert scope == {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/caf\xe9",
        "raw_path": b"/caf%C3%A9",
        "query_string": b"q",
        "root_path": "",
        "client": ("127.0.0.1", 123),
        "server": ("::1", 80),
        "subprotocols": ["v1", "v2"],
        "extensions": {"websocket.http.response": {}},
        "state": {},
    }


@pytest.mark.parametrize(
    ("base", "server"),
    [
        ("https://api.example", ("api.example", 443)),
        ("http://api.example", ("api.example", 80)),
        ("http://api.example:443", ("api.example", 443)),
    ],
)
def test_the_port_is_that_of_the_scheme(base: str, server: tuple[str, int]) -> None:
    site = Site()
    browser = Browser(site, origin=A, base_url=base)
    browser.fetch("/")
    browser.connect("/")

    assert [recorded.scope["server"] for recorded in site.requests] == [server, server]
    assert [recorded.header("host") for recorded in site.requests] == [base.partition("//")[2]] * 2


def test_each_request_has_a_state_of_its_own() -> None:
    site = Site()
    browser = Browser(site, origin=A)
    browser.fetch("/")
    site.requests[0].scope["state"]["user"] = "ada"
    browser.fetch("/")

    assert site.requests[1].scope["state"] == {}


def test_an_app_hears_that_the_client_left_once_it_has_answered() -> None:
    heard: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        heard.append((await receive())["type"])
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(listen, receive)
            await send(START)
            await send({"type": "http.response.body", "body": b"1", "more_body": True})
            await send({"type": "http.response.body", "body": b"2", "more_body": False})

    async def listen(receive: Receive) -> None:
        heard.append((await receive())["type"])

    assert Browser(app, origin=A).fetch("/").content == b"12"
    assert heard == ["http.request", "http.disconnect"]


@pytest.mark.parametrize(
    "url",
    [
        "https://xn--ls8h.example/",
        "https://a_b.example/",
        "https://-.example/",
        f"https://a.example/{'x' * 70_000}",
    ],
    ids=["emoji", "underscore", "hyphen", "long"],
)
def test_what_a_browser_can_send_arrives(url: str) -> None:
    site = Site()
    Browser(site, origin=A, base_url=url).fetch(url)

    (recorded,) = site.requests
    assert f"https://{recorded.header('host')}{recorded.scope['path']}" == url


# --- apps that answer wrongly, or not at all ----------------------------------------------------------


async def says_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    pass


async def sends_a_body_alone(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.body", "body": b"no start", "more_body": True})


@pytest.mark.parametrize("app", [says_nothing, sends_a_body_alone])
def test_an_app_that_ends_without_an_answer_is_a_500(app: ASGIApp) -> None:
    with pytest.raises(CORSBlocked, match="the app ended before its response did") as caught:
        Browser(app, origin=A).fetch("/")

    assert caught.value.response is not None
    assert caught.value.response.status_code == 500
    assert isinstance(caught.value.__cause__, RuntimeError)


async def starts_and_returns(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)


async def starts_and_raises(scope: Scope, receive: Receive, send: Send) -> None:
    await send(START)
    raise RuntimeError("too late")


@pytest.mark.parametrize(
    ("app", "error"),
    [(starts_and_returns, "the app ended before its response did"), (starts_and_raises, "too late")],
)
def test_what_went_wrong_after_the_start_is_in_history(app: ASGIApp, error: str) -> None:
    browser = Browser(app, origin=A)
    # The headers are there, and the script may read them.
    assert browser.fetch("/").status_code == 200

    response = browser.history[0].response
    assert response is not None
    assert str(response.error) == error


def test_of_two_answers_the_first_counts() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for status, body in ((200, b"first"), (404, b"second")):
            await send({**START, "status": status})
            await send({"type": "http.response.body", "body": body})

    response = Browser(app, origin=A).fetch("/")
    assert (response.status_code, response.content) == (200, b"first")


def test_messages_without_what_is_optional_in_them() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.http.response.start", "status": 410})
            await send({"type": "websocket.http.response.body"})
        else:
            await send({"type": "http.response.start", "status": 418})
            await send({"type": "http.response.body"})

    browser = Browser(app, origin="https://testserver")
    assert browser.fetch("/").status_code == 418
    with pytest.raises(CORSBlocked, match="Unexpected response code: 410"):
        browser.connect("/")


def test_a_stream_without_an_end_ends_when_its_test_does() -> None:
    async def test() -> bool:
        with anyio.CancelScope() as scope:

            async def app(_: Scope, receive: Receive, send: Send) -> None:
                await send(START)
                for number in itertools.count():
                    await send({"type": "http.response.body", "body": b"tick", "more_body": True})
                    if number == 10:
                        scope.cancel()

            await AsyncBrowser(app, origin=A).fetch("/")
        return scope.cancelled_caught

    assert anyio.run(test)


# --- websockets that do not end -----------------------------------------------------------------------


async def sends_for_ever(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        await send({"type": "websocket.send", "text": "tick"})


async def receives_for_ever(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while True:
        await receive()


async def stays_for_ever(scope: Scope, receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    assert (await receive())["type"] == "websocket.disconnect"
    await anyio.sleep_forever()


async def receives_and_never_answers(scope: Scope, receive: Receive, send: Send) -> None:
    while True:
        await receive()


def test_a_handshake_ends_where_the_app_does_not() -> None:
    outcomes: dict[str, Any] = {}

    async def shake_hands_with(app: Any) -> None:
        try:
            outcomes[app.__name__] = (await AsyncBrowser(app, origin=A).connect("/")).url
        except CORSBlocked as blocked:
            outcomes[app.__name__] = blocked.reason.rpartition(": ")[2]

    # Side by side, since each of them is waited for.
    async def all_of_them() -> None:
        async with anyio.create_task_group() as tasks:
            for app in (sends_for_ever, receives_for_ever, stays_for_ever, receives_and_never_answers):
                tasks.start_soon(shake_hands_with, app)

    anyio.run(all_of_them)
    assert outcomes == {
        "sends_for_ever": "wss://testserver/",
        "receives_for_ever": "wss://testserver/",
        "stays_for_ever": "wss://testserver/",
        "receives_and_never_answers": "500",
    }


def test_an_app_cleans_up_after_its_websocket() -> None:
    steps: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        steps.append((await receive())["type"])
        await send({"type": "websocket.accept"})
        steps.append((await receive())["type"])
        await checkpoint()
        await send({"type": "websocket.close"})
        steps.append("cleaned up")

    assert Browser(app, origin=A).connect("/").subprotocol is None
    assert steps == ["websocket.connect", "websocket.disconnect", "cleaned up"]


def test_an_app_that_fails_at_its_closed_websocket_had_accepted_it() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        raise RuntimeError("nobody there")

    browser = Browser(app, origin=A)
    assert browser.connect("/").url == "wss://testserver/"
    response = browser.history[0].response
    assert response is not None
    assert (response.status_code, str(response.error)) == (101, "nobody there")
