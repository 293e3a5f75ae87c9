"""The reference of the log events: an entry for each, and its example is what is logged."""

from __future__ import annotations

import ast
import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asgi import ask, http_scope, preflight, websocket_scope
from fastapi import FastAPI, Request, WebSocket
from starlette.responses import RedirectResponse

import route_cors
from route_cors import CORSPolicy, LiveOrigins, cors, inspector, install_cors, no_cors
from route_cors.insight.events import EVENTS, FIELDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

PACKAGE = Path(route_cors.__file__).parent
REFERENCE = PACKAGE / "insight" / "events.py"
APP = b"https://app.example.com"
EVIL = b"https://evil.example"
API = (b"host", b"api.example.com")
CROSS_SITE = (b"sec-fetch-site", b"cross-site")


def events_in(file: Path) -> set[str]:
    """The events among the strings of a module: an id, or a line of the log that begins with it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    strings = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
    found = (re.match(r"RCE\d\d(?= [a-z]|\Z)", text) for text in strings if isinstance(text, str))
    return {match[0] for match in found if match}


def test_what_is_logged_has_an_entry_and_no_other_has() -> None:
    files = [file for file in PACKAGE.rglob("*.py") if file != REFERENCE]
    assert sorted(set[str]().union(*map(events_in, files))) == sorted(EVENTS)


def test_the_reader_of_modules_sees_an_event(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("# RCE01\nf('RCE02 thing failed', g='RCE03', h='RCE04: x', i='see RCE05')")
    assert events_in(module) == {"RCE02", "RCE03"}


def test_a_field_is_explained_if_an_event_has_it() -> None:
    sometimes = {"change", "live_age", "why"}
    assert {name for event in EVENTS.values() for name in event.fields} | sometimes == {*FIELDS}


# --- Each event is made once


def site(**arguments: Any) -> FastAPI:
    app = FastAPI(openapi_url=None)
    ours = CORSPolicy(origins="https://app.example.com")

    @app.api_route("/notes/{note_id}", methods=["GET", "PUT"])
    @cors(ours)
    async def notes(note_id: int) -> None: ...

    @app.websocket("/chat")
    @cors(ours)
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    install_cors(app, **arguments)
    return app


def asks(origin: bytes, *more: tuple[bytes, bytes]) -> Scope:
    return http_scope("OPTIONS", "/notes/7", preflight(b"PUT", origin, *more))


def calls(method: str, origin: bytes, *more: tuple[bytes, bytes]) -> Scope:
    return http_scope(method, "/notes/7", [API, (b"origin", origin), *more])


def opens(origin: bytes) -> Scope:
    return websocket_scope("/chat", [API, (b"origin", origin), CROSS_SITE])


def served(app: ASGIApp, scope: Scope) -> None:
    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        pass

    if scope["type"] == "websocket":
        anyio.run(app, scope, receive, send)
    else:
        ask(app, scope)


def a_callable_fails() -> None:
    def is_ours(origin: str, connection: object) -> bool:
        raise LookupError("on purpose")

    app = FastAPI(openapi_url=None)
    app.get("/")(cors(origins=is_ours)(fresh()))
    install_cors(app)
    served(app, http_scope("GET", "/", [(b"origin", EVIL)]))


def on_decision_fails() -> None:
    def count(decision: object) -> None:
        raise LookupError("on purpose")

    served(site(on_decision=count), calls("GET", APP))


def another_endpoint_is_served() -> None:
    async def new() -> None: ...

    class Renaming:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                scope["path"] = "/new"
            await self.app(scope, receive, send)

    app = FastAPI(openapi_url=None)
    app.get("/old")(cors(origins="*")(fresh()))
    app.get("/new")(no_cors(new))
    app.add_middleware(Renaming)
    install_cors(app)
    served(app, http_scope("GET", "/old", [(b"origin", EVIL)]))


def a_policy_is_lost() -> None:
    program = (
        "\n" * 9
        + "@app.get('/notes')\n@copied\n@cors(origins='https://app.example.com')\nasync def notes(): ...\n"
    )
    app = FastAPI(openapi_url=None)
    names = {"app": app, "cors": cors, "copied": copied, "__name__": "main"}
    exec(compile(program, "main.py", "exec"), names)  # noqa: S102 - our own program
    install_cors(app)
    served(app, http_scope("GET", "/notes", [(b"origin", EVIL)]))


def copied(function: Any) -> Any:
    return type(function)(function.__code__, {**function.__globals__}, function.__name__)


def may_not_look(answer: Callable[[Request], object]) -> Callable[[], None]:
    def look() -> None:
        def may_look(request: Request) -> object:
            return answer(request)

        app = FastAPI(openapi_url=None)
        app.mount("/cors", inspector(app, allow=may_look))
        served(app, http_scope("GET", "/cors/", []))

    return look


def a_dry_run_fails() -> None:
    app = FastAPI(openapi_url=None)
    install_cors(app, default=CORSPolicy(origins=[lambda *_: True]), dry_run=True)
    # A server that gives the Host as a text.
    scope = http_scope("GET", "/", [])
    served(app, {**scope, "headers": [(b"origin", EVIL), (b"host", "x")]})


def live(*members: object) -> LiveOrigins:
    def partners() -> list[Any]:
        for member in members:
            if isinstance(member, Exception):
                raise member
        return [*members]

    partners.__module__, partners.__qualname__ = "main", "partners"
    return LiveOrigins(partners)


async def runs(origins: LiveOrigins) -> None:
    async with origins:
        pass


def fresh() -> Any:
    async def endpoint() -> None: ...

    return endpoint


MADE: dict[str, Callable[[], None]] = {
    "RCE01": lambda: served(site(), asks(APP)),
    "RCE02": lambda: served(site(), asks(EVIL, (b"access-control-request-headers", b"x-token"))),
    "RCE03": lambda: served(site(), calls("PUT", APP)),
    "RCE04": lambda: served(site(), calls("GET", EVIL)),
    "RCE05": lambda: served(site(enforce=True), calls("PUT", EVIL, CROSS_SITE)),
    "RCE06": lambda: served(site(), opens(APP)),
    "RCE07": lambda: served(site(), opens(EVIL)),
    "RCE08": a_callable_fails,
    "RCE09": on_decision_fails,
    "RCE10": another_endpoint_is_served,
    "RCE11": a_policy_is_lost,
    "RCE12": lambda: anyio.run(runs, live("https://partner.example")),
    "RCE13": lambda: anyio.run(runs, live(OSError("no route to host"))),
    "RCE14": lambda: served(
        site(default=CORSPolicy(origins=live())), http_scope("GET", "/elsewhere", [(b"origin", EVIL)])
    ),
    "RCE20": may_not_look(lambda request: RedirectResponse("/login")),
    "RCE21": may_not_look(lambda request: dict[str, object]()["user"]),
    "RCE22": a_dry_run_fails,
}


def test_every_event_is_made() -> None:
    assert [*MADE] == [*EVENTS]


@pytest.mark.parametrize("event", EVENTS)
def test_its_example_is_the_line_that_is_logged(event: str, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "route_cors"):
        MADE[event]()
    (record,) = (record for record in caplog.records if record.getMessage().startswith(event))
    assert record.name == "route_cors"
    assert record.levelname == EVENTS[event].level.upper()
    line = record.getMessage().partition("\n")[0]
    # Functions by their own names, at one address.
    line = re.sub(r"<function [\w.<>]*?(\w+) at 0x\w+>", r"<function \1 at 0x7f3a>", line)
    assert line == EVENTS[event].example
    assert line.startswith(f"{event} {EVENTS[event].title}: ")


def test_the_fields_of_a_line_are_in_its_order() -> None:
    assert EVENTS["RCE04"].fields == ("failed", "method", "path", "origin", "route")
    assert EVENTS["RCE22"].fields == ()


def test_in_a_dry_run_a_line_has_two_fields_more(caplog: pytest.LogCaptureFixture) -> None:
    served(site(dry_run=True), calls("GET", APP))
    (line,) = caplog.messages
    assert line.startswith("RCE03 dry run, answer readable: ")
    assert re.findall(r"(\w+)=", line) == [*EVENTS["RCE03"].fields, "change", "why"]


def test_the_levels_in_debug_mode_are_those_that_are_told(caplog: pytest.LogCaptureFixture) -> None:
    told = [event for event, entry in EVENTS.items() if "debug mode" in entry.when]
    assert told == ["RCE02", "RCE04", "RCE05", "RCE07"]
    for scope in (asks(EVIL), calls("GET", EVIL), opens(EVIL)):
        served(site(debug=True), scope)
    served(site(debug=True, enforce=True), calls("PUT", EVIL, CROSS_SITE))
    assert sorted((record.getMessage()[:5], record.levelname) for record in caplog.records) == [
        (event, "WARNING") for event in told
    ]
