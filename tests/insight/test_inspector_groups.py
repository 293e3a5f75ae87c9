"""How the inspector groups routes: by what a reader knows of the app's mounts and routers."""

import functools
from enum import Enum
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route

from route_cors.insight.inspector.groups import groups_of
from route_cors.insight.survey import survey


async def item() -> None:
    """An endpoint."""


def grouped(app: object) -> list[tuple[str, str, list[str]]]:
    placed = [*survey(app)]
    groups = groups_of(placed)
    assert sorted(number for group in groups for number in group.routes) == [*range(len(placed))]
    return [(group.kind, group.name, [placed[number].path for number in group.routes]) for group in groups]


def starlette(*paths: str) -> Starlette:
    return Starlette(routes=[Route(path, PlainTextResponse("")) for path in paths])


def test_the_prefixes_of_routers() -> None:
    app = starlette("/users", "/health", "/items/{item}", "/users/{user}", "/items", "/", "/{anything}")

    assert grouped(app) == [
        ("prefix", "/users", ["/users", "/users/{user}"]),
        ("prefix", "/items", ["/items/{item}", "/items"]),
        ("prefix", "/", ["/", "/{anything}"]),
        ("other", "Other routes", ["/health"]),
    ]


@pytest.mark.parametrize("common", ["/api", "/API/v1", "/v2.1", "/rest/v1beta2"])
def test_what_all_paths_of_an_api_start_with_tells_nothing_apart(common: str) -> None:
    app = starlette(*(f"{common}/{name}" for name in ("a/1", "a/{b}", "c", "c/d", "{e}")), common)

    assert [(kind, name) for kind, name, _ in grouped(app)] == [
        ("prefix", f"{common}/a"),
        ("prefix", f"{common}/c"),
        ("prefix", common),
    ]


def test_routes_that_share_nothing_are_no_rest_where_there_is_nothing_else() -> None:
    app = FastAPI(docs_url=None, redoc_url=None)
    app.add_api_route("/a", functools.partial(item))
    app.add_api_route("/b", functools.partial(item))

    assert grouped(app) == [
        ("other", "Routes", ["/a", "/b"]),
        ("documentation", "API documentation", ["/openapi.json"]),
    ]
    assert grouped(Starlette()) == []


class Tags(Enum):
    ADMIN = "admin"


def test_tags_go_before_prefixes() -> None:
    app = FastAPI(openapi_url=None)
    users = APIRouter(prefix="/users", tags=["Users"])
    for path in ("/me", "/{user}"):
        users.add_api_route(path, functools.partial(item), tags=["more"])
    app.include_router(users)
    app.add_api_route("/users-by-name", functools.partial(item), tags=["Users"])
    app.add_api_route("/admin", functools.partial(item), tags=[Tags.ADMIN])

    assert grouped(app) == [
        ("tag", "Users", ["/users/me", "/users/{user}", "/users-by-name"]),
        ("tag", "admin", ["/admin"]),
    ]


def test_a_websocket_goes_with_the_tagged_routes_beside_it() -> None:
    app = FastAPI(openapi_url=None)
    for path, tag in (("/chat/rooms", "Chat"), ("/both/a", "A"), ("/both/b", "B")):
        app.add_api_route(path, functools.partial(item), tags=[tag])
    for path in ("/chat/live", "/both/live", "/both/other"):
        app.add_api_websocket_route(path, functools.partial(item))

    assert grouped(app) == [
        ("tag", "Chat", ["/chat/rooms", "/chat/live"]),
        ("tag", "A", ["/both/a"]),
        ("tag", "B", ["/both/b"]),
        ("prefix", "/both", ["/both/live", "/both/other"]),
    ]


def test_the_documentation_is_a_group_of_its_own_and_comes_last() -> None:
    app = FastAPI()
    app.add_api_route("/docs-of-ours", functools.partial(item))
    app.mount("/sub", FastAPI(docs_url=None))

    *_, last = grouped(app)

    assert last == (
        "documentation",
        "API documentation",
        [
            *("/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"),
            *("/sub/openapi.json", "/sub/redoc"),
        ],
    )


def test_mounts_are_groups_and_those_in_them_too() -> None:
    inner = starlette("/deep", "/deeper")
    middle = Starlette(routes=[Route("/a", PlainTextResponse("")), Mount("/in", inner)])
    app = Starlette(
        routes=[
            Route("/plain", PlainTextResponse("")),
            Mount("/sub", middle),
            Mount("/files", PlainTextResponse("")),
            Host("api.example", starlette("/hosted")),
            Mount("/", starlette("/last")),
        ]
    )

    assert grouped(app) == [
        ("mount", "/sub", ["/sub", "/sub/a"]),
        ("mount", "/sub/in", ["/sub/in", "/sub/in/deep", "/sub/in/deeper"]),
        ("mount", "//api.example", ["", "/hosted"]),
        ("mount", "/", ["", "/last"]),
        ("other", "Other routes", ["/plain", "/files"]),
    ]


def large_app() -> FastAPI:
    app = FastAPI(openapi_url=None)
    for number in range(10):
        app.add_api_route(f"/v1/users/{number}", functools.partial(item), tags=["Users"])
        app.add_api_route(f"/v1/items/{number}", functools.partial(item))
    app.add_api_route("/health", functools.partial(item))
    return app


def test_a_large_mount_is_divided_as_an_app_is() -> None:
    hosted = Starlette(routes=[Mount("/api", large_app())])
    app = Starlette(routes=[Mount("/api", large_app()), Host("a.example", hosted)])

    assert [(kind, name, len(paths)) for kind, name, paths in grouped(app)] == [
        ("mount", "/api", 2),
        ("tag", "/api: Users", 10),
        ("prefix", "/api/v1/items", 10),
        ("mount", "//a.example", 1),
        ("mount", "//a.example/api", 2),
        ("tag", "//a.example/api: Users", 10),
        ("prefix", "//a.example/api/v1/items", 10),
    ]


SEGMENTS = st.sampled_from(["", "api", "v1", "a", "b", "{c}", "//", "\ud800", "\u202e"])


@given(
    st.lists(st.lists(SEGMENTS, max_size=4, unique=True)),
    st.lists(st.sampled_from(["/", "", "/m", "//", "/{h}"])),
)
def test_each_route_is_in_one_group_whatever_it_is_called(paths: list[list[str]], mounts: list[str]) -> None:
    app: Any = starlette(*("/" + "/".join(parts) for parts in paths))
    for mount in mounts:
        app = Starlette(routes=[Mount(mount, app), Route("/beside", PlainTextResponse(""))])

    assert all(paths for _, _, paths in grouped(app))
