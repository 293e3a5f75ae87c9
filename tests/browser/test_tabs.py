"""The browser profile that the tests of a module share: to each of them it is a new one."""

from collections.abc import Callable

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from route_cors import CORSPolicy, cors, install_cors

from .conftest import Server, Tabs, fetch_in


@pytest.fixture
def api(serve: Callable[[ASGIApp], Server], front_ends: tuple[str, str]) -> Server:
    """Sets a cookie, says which ones came, and may be kept for an hour, as its preflights may."""
    policy = CORSPolicy(
        origins=front_ends[0], allow_credentials=True, allow_headers=["X-Token"], max_age=3600
    )

    async def told(request: Request) -> PlainTextResponse:
        response = PlainTextResponse(str(request.cookies), headers={"Cache-Control": "max-age=3600"})
        response.set_cookie("known", "yes", max_age=3600)
        return response

    app = Starlette(routes=[Route("/", cors(policy)(told), methods=["GET"])])
    install_cors(app)
    return serve(app)


def told(tabs: Tabs, front_end: str, api: Server, header: dict[str, str]) -> str:
    page = tabs.another()
    page.goto(front_end)
    return fetch_in(page, api.origin, {"headers": header, "credentials": "include"}).text


def test_nothing_is_remembered(tabs: Tabs, front_ends: tuple[str, str], api: Server) -> None:
    first = told(tabs, front_ends[0], api, {"X-Token": "1"})
    assert first == told(tabs, front_ends[0], api, {"X-Token": "1"}) == "{}"
    assert api.log == ["OPTIONS /", "GET /"]  # The second answer was a stored one.

    tabs.forget()

    assert told(tabs, front_ends[0], api, {"X-Token": "1"}) == "{}"
    assert api.log == ["OPTIONS /", "GET /"] * 2


def test_its_pages_are_blank_and_the_same_ones(tabs: Tabs, front_ends: tuple[str, str]) -> None:
    first, second = tabs.another(), tabs.another()
    first.goto(front_ends[0])
    second.route("**", lambda route: route.abort())
    stray = tabs.context.new_page()

    tabs.forget()

    assert stray.is_closed()
    assert (tabs.another(), tabs.another()) == (first, second)
    assert first.url == second.url == "about:blank"
    response = second.goto(front_ends[0])
    assert response is not None
    assert response.ok
