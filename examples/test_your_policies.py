"""A test suite to copy: who may call what, decided as a browser decides it.

    python -m pytest examples/test_your_policies.py

It needs pytest and the extra `testing` of route-cors. In your project, import your app instead of the one
below, and use your own origins and paths. The fixture `cors_browser` comes with route_cors: a failed test
shows what the browser sent and why it was blocked.
"""

from typing import Annotated

import pytest
from fastapi import Body, Cookie, FastAPI, HTTPException, Response, WebSocket

from route_cors import CORSPolicy, CORSRouter, cors, install_cors
from route_cors.testing import AsyncBrowser, Browser, CORSBlocked

# --- What is tested: in your project, `from your_package import app` --------------------------------------

OURS = "https://app.example.com"

public = CORSRouter(prefix="/public", cors=CORSPolicy(origins="*", expose_headers=["X-Total"]))
private = CORSRouter(cors=CORSPolicy(origins=[OURS], allow_credentials=True))
notes: list[str] = []


@public.get("/quotes")
async def quotes(response: Response) -> list[str]:
    response.headers["X-Total"] = "1"
    return ["Readability counts."]


@private.post("/login")
async def login(user: Annotated[str, Body(embed=True)], response: Response) -> None:
    response.set_cookie("session", user, httponly=True, secure=True, samesite="lax")


@private.get("/account")
async def account(session: Annotated[str | None, Cookie()] = None) -> str:
    if session is None:
        raise HTTPException(401)
    return f"the account of {session}"


@private.put("/account")
async def save_account() -> None:
    raise RuntimeError("the database is away")


@private.post("/notes")
@cors(origins=[OURS], allow_credentials=True, enforce=True)
async def add_note(text: Annotated[str, Body(media_type="text/plain")]) -> None:
    notes.append(text)


@private.websocket("/chat")
async def chat(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


app = FastAPI()
app.include_router(public)
app.include_router(private)
install_cors(app)

# --- The suite ---------------------------------------------------------------------------------------------

API = "https://api.example.com"

# Origins that a careless comparison would accept as ours.
STRANGERS = [
    "https://evil.example",
    "https://app.example.com.evil.example",
    "https://evil-app.example.com",
    "https://appxexample.com",
    "https://example.com",
    "https://app.example.com:8443",
    "http://app.example.com",
    "null",
]


@pytest.fixture
def ours(cors_browser: type[Browser]) -> Browser:
    """Our front end in a browser where a user is logged in."""
    browser = cors_browser(app, origin=OURS, base_url=API)
    browser.fetch("/login", method="POST", json={"user": "ada"}, credentials="include")
    browser.history.clear()
    return browser


@pytest.fixture(params=STRANGERS)
def stranger(ours: Browser, request: pytest.FixtureRequest) -> Browser:
    """Another page in the same browser: it has the user's cookies."""
    return ours.page(origin=request.param)


def test_our_front_end_reads_the_account(ours: Browser) -> None:
    assert ours.fetch("/account", credentials="include").json() == "the account of ada"


def test_our_front_end_is_told_to_log_in(ours: Browser) -> None:
    assert ours.fetch("/account", credentials="omit").status_code == 401


def test_our_front_end_learns_of_a_crash(ours: Browser) -> None:
    assert ours.fetch("/account", method="PUT", credentials="include").status_code == 500


def test_our_front_end_joins_the_chat(ours: Browser) -> None:
    ours.connect("/chat")


def test_ten_saves_cost_one_preflight(ours: Browser) -> None:
    for _ in range(10):
        ours.fetch("/account", method="PUT", credentials="include")
    assert len(ours.history.preflights) == 1
    assert len(ours.history.sent) == 11


def test_everybody_reads_the_quotes_and_their_number(stranger: Browser) -> None:
    response = stranger.fetch("/public/quotes")
    assert response.json() == ["Readability counts."]
    assert response.headers["X-Total"] == "1"


def test_nobody_reads_the_quotes_with_credentials(ours: Browser) -> None:
    with pytest.raises(CORSBlocked, match="must not be the wildcard"):
        ours.fetch("/public/quotes", credentials="include")


def test_a_stranger_does_not_read_the_account(stranger: Browser) -> None:
    with pytest.raises(CORSBlocked) as blocked:
        stranger.fetch("/account", credentials="include")
    assert blocked.value.step == "actual"


def test_a_stranger_does_not_save(stranger: Browser) -> None:
    with pytest.raises(CORSBlocked, match=r"preflight.*origin"):
        stranger.fetch("/account", method="PUT", credentials="include")
    assert [exchange.step for exchange in stranger.history] == ["preflight"]


def test_a_stranger_does_not_even_add_a_note_unread(stranger: Browser) -> None:
    notes.clear()
    stranger.fetch("/notes", method="POST", content="hello", credentials="include", mode="no-cors")
    assert notes == []


def test_a_stranger_does_not_join_the_chat(stranger: Browser) -> None:
    with pytest.raises(CORSBlocked, match="Unexpected response code: 403"):
        stranger.connect("/chat")


OPEN_TO_ALL = {"/public/quotes"}
OPERATIONS = [(path, method) for path, methods in app.openapi()["paths"].items() for method in methods]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_what_is_not_meant_for_all_is_closed(ours: Browser, path: str, method: str) -> None:
    """Also checks endpoints that you add later."""
    stranger = ours.page(origin="https://evil.example")
    if path in OPEN_TO_ALL:
        stranger.fetch(path, method=method)
        return
    with pytest.raises(CORSBlocked):
        stranger.fetch(path, method=method)


@pytest.mark.anyio
async def test_an_async_test_does_the_same(async_cors_browser: type[AsyncBrowser]) -> None:
    browser = async_cors_browser(app, origin="https://evil.example")
    with pytest.raises(CORSBlocked):
        await browser.fetch("/account", method="PUT")
