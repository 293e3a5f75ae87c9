"""Every button of the two pages of examples/mixed_api.py: what Chromium does is what `explain` says."""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import live_server
import pytest

from route_cors.insight import Call, Explanation
from route_cors.insight.explain import explain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, CDPSession, ConsoleMessage, Page
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
# As many as there are: a button that is added to the example is one more here.
BUTTONS: Final = (
    "Read the public quotes",
    "Read them with credentials",
    "Send public feedback",
    "Log in",
    "Read the profile, with the cookie",
    "Read the profile, without the cookie",
    "Upload a file",
    "Transfer money",
    "Add a note",
    "Ask for a report that crashes",
    "Follow the live events",
    "Join the chat",
    "Read the internal metrics",
)
POLICY: Final = "blocked by CORS policy: "


@dataclass
class Recorder:
    """What reached the API, and what went back: the request, the status, the headers of CORS."""

    app: ASGIApp
    answers: list[tuple[str, int, tuple[tuple[str, str], ...]]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = f"{scope.get('method', 'GET')} {scope['path']}"

        async def record(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.answers.append((request, message["status"], of_cors(message["headers"])))
            elif message["type"] in {"websocket.accept", "websocket.close"} and not self.answers:
                self.answers.append((request, 101 if message["type"] == "websocket.accept" else 403, ()))
            await send(message)

        await self.app(scope, receive, record)


def of_cors(headers: Any) -> tuple[tuple[str, str], ...]:
    pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return tuple((name, value) for name, value in pairs if name.startswith(("access-control-", "vary")))


@dataclass(frozen=True)
class Example:
    """The example's API, which is recorded, its calls, and the sites of its two front ends."""

    api: ASGIApp
    url: str
    recorder: Recorder
    calls: dict[str, Any]
    front_ends: dict[str, str]


@pytest.fixture(scope="module")
def example() -> Iterator[Example]:
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.syspath_prepend(str(EXAMPLES))
        mixed_api: Any = importlib.import_module("mixed_api")
        calls_of: Any = importlib.import_module("demonstration.calls")
        pages: Any = importlib.import_module("demonstration.pages")
        servers = {
            name: stack.enter_context(live_server.Server(no_app)) for name in ("api", "trusted", "stranger")
        }
        urls = {name: server.url for name, server in servers.items()}
        sites = pages.Sites(**urls)
        api = mixed_api.create_api(front_end=urls["trusted"])
        recorder = Recorder(api)
        servers["api"].app = recorder
        for name in calls_of.FRONT_ENDS:
            servers[name].app = pages.create_front_end(name, sites, enforce=True)
        calls = {call.title: call for call in calls_of.CALLS}
        yield Example(api, urls["api"], recorder, calls, urls)


async def no_app(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError("not there yet")


@dataclass
class Opened:
    """A page of the example, all calls of which were made once, and what its console says from then on."""

    page: Page
    devtools: CDPSession
    said: list[str] = field(default_factory=list)

    def note(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)

    def press(self, title: str) -> str:
        self.said.clear()
        # Else a preflight that was answered before is not sent again.
        self.devtools.send("Network.clearBrowserCache")
        self.page.get_by_role("button", name=f"Run: {title}", exact=True).click()
        self.page.get_by_role("status").filter(has_text="as expected").wait_for()
        header = self.page.get_by_role("rowheader", name=title, exact=True)
        return self.page.get_by_role("row").filter(has=header).locator(".badge").inner_text()


@pytest.fixture(scope="module", params=["trusted", "stranger"])
def opened(request: pytest.FixtureRequest, example: Example, browser: Any) -> Iterator[tuple[str, Opened]]:
    with browser.new_context() as context:
        front_end: Literal["trusted", "stranger"] = request.param
        # The user has a cookie of the API: `explain` assumes that if credentials are asked for.
        context.add_cookies([{"name": "visited", "value": "1", "url": example.url}])
        yield example.front_ends[front_end], open_page(context, example.front_ends[front_end])


def open_page(context: BrowserContext, url: str) -> Opened:
    page = context.new_page()
    opened = Opened(page, context.new_cdp_session(page))
    page.on("console", opened.note)
    page.goto(url)
    page.get_by_role("status").filter(has_text="as expected").wait_for()
    return opened


def test_there_are_as_many_buttons(example: Example, opened: tuple[str, Opened]) -> None:
    assert tuple(example.calls) == BUTTONS
    assert opened[1].page.get_by_role("button", name="Run: ").count() == len(BUTTONS)


def explained(example: Example, call: Any, origin: str) -> Explanation:
    return explain(
        example.api,
        Call(
            method="WEBSOCKET" if call.kind == "websocket" else call.method,
            path=call.path,
            origin=origin,
            headers=() if call.kind == "form" else tuple(call.headers.items()),
            credentials=call.credentials == "include",
            base_url=example.url,
            as_="form" if call.kind == "form" else "fetch",
        ),
    )


@pytest.mark.parametrize("title", BUTTONS)
def test_chromium_does_what_is_explained(example: Example, opened: tuple[str, Opened], title: str) -> None:
    origin, page = opened
    call = example.calls[title]
    explanation = explained(example, call, origin)

    example.recorder.answers.clear()
    badge = page.press(title)

    assert badge == ("✓ allowed" if explanation.allowed else "✕ blocked")
    # Of a form the page asks elsewhere what has come of it.
    answers = [
        each for each in example.recorder.answers if call.kind != "form" or each[0].endswith(call.path)
    ]
    seen = [(request, headers) for request, _, headers in answers]
    told = [
        (step.request.replace(example.url, "").replace(example.url.replace("http", "ws", 1), ""), step)
        for step in explanation.steps
    ]
    assert seen == [(request, of_cors_in(step.response_headers)) for request, step in told]
    for (_, status, _), step in zip(answers, explanation.steps, strict=True):
        # That of an endpoint's own answer is not known.
        assert step.status in {None, status}
    said = [text for text in page.said if "CORS" in text or "WebSocket" in text]
    # Nothing is said of a form: CORS does not apply to it.
    assert len(said) == (not explanation.allowed and call.kind != "form")
    if explanation.reason is not None:
        # Of what a fetch is called "fetch", an event source is "resource".
        assert said[0].rpartition(POLICY)[2] == explanation.reason.rpartition(POLICY)[2]
        assert call.kind == "events" or said == [explanation.reason]


def of_cors_in(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.startswith(("access-control-", "vary")))
