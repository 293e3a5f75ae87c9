"""`insight.examples`: a path and a host that lead to a route, with parameters that its endpoint takes."""

from __future__ import annotations

import datetime as dt
import ipaddress
import uuid
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NewType

import pytest
from annotated_types import Ge, Gt, Le, Lt
from fastapi import Depends, FastAPI
from fastapi import Path as PathParameter
from pydantic import UUID1, UUID4, StringConstraints, conint
from starlette.applications import Starlette
from starlette.convertors import CONVERTOR_TYPES, Convertor, register_url_convertor
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Host, Mount, Route
from starlette.testclient import TestClient

from route_cors.dispatch.resolver import Resolver
from route_cors.insight.examples import example_host, example_path
from route_cors.insight.survey import survey

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.requests import Request


async def plain(request: Request) -> PlainTextResponse:
    return PlainTextResponse("plain")


def examples(app: object) -> list[Any]:
    return [example_path(placed) for placed in survey(app)]


class Year(Convertor[int]):
    regex = "[12][0-9]{3}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


class Rune(Year):
    regex = "[ᚠ-ᛪ]"


register_url_convertor("example_year", Year())
register_url_convertor("example_rune", Rune())


@pytest.mark.parametrize(
    ("template", "example"),
    [
        ("/", "/"),
        ("/a/{x}/b/{y}", "/a/qzkv/b/qzkv"),
        ("/{x:int}.{y:float}", "/7.7"),
        ("/{x:uuid}", "/01234567-89ab-4def-8123-456789abcdef"),
        ("/{rest:path}", "/qzkv"),
        ("/{year:example_year}", "/2026"),
        ("/{rune:example_rune}", None),
    ],
)
def test_an_example_of_each_path(template: str, example: str | None) -> None:
    app = Starlette(routes=[Route(template, plain)])

    assert examples(app) == [example]
    if example is not None:
        scope = {"type": "http", "method": "GET", "path": example, "headers": []}
        assert Resolver(app).resolve(scope, "GET").route is app.routes[0]


class Colour(Enum):
    RED = "red"


Number = NewType("Number", int)


@pytest.mark.parametrize(
    ("annotation", "example"),
    [
        (int, "/7/end"),
        (float, "/7.5/end"),
        (bool, "/true/end"),
        (uuid.UUID, "/01234567-89ab-4def-8123-456789abcdef/end"),
        (dt.date, "/2026-11-22/end"),
        (dt.datetime, "/2026-11-22T07:00:00/end"),
        (Colour, "/red/end"),
        (Literal["a", "b"], "/a/end"),
        (Annotated[int, PathParameter(title="a number")], "/7/end"),
        (str, "/qzkv/end"),
        (bytes, "/qzkv/end"),
        (Annotated[int, PathParameter(ge=100)], "/100/end"),
        (Annotated[int, PathParameter(gt=100, multiple_of=7)], "/105/end"),
        (Annotated[int, PathParameter(lt=0)], "/-1/end"),
        (Annotated[float, PathParameter(gt=0, lt=1)], "/0.5/end"),
        (Annotated[Decimal, PathParameter(le=3)], "/3/end"),
        (conint(ge=8, le=9), "/8/end"),
        (Annotated[Number, Ge(10)], "/10/end"),
        (int | None, "/7/end"),
        (Annotated[str, PathParameter(min_length=6)], "/qzkv-7/end"),
        (Annotated[str, PathParameter(max_length=2)], "/7/end"),
        (Annotated[str, PathParameter(pattern="^[A-Z]{3}$")], "/QQQ/end"),
        (Annotated[str, PathParameter(pattern=r"^[A-Z]{2,3}-\d{4}$")], "/QQ-7777/end"),
        (Annotated[str, PathParameter(min_length=8, max_length=8)], "/qqqqqqqq/end"),
        (Annotated[dt.date, PathParameter(), Gt(dt.date(2030, 1, 1))], "/2030-01-02/end"),
        (Annotated[dt.datetime, PathParameter(), Lt(dt.datetime(2020, 1, 1))], "/2019-12-31T00:00:00/end"),  # noqa: DTZ001
        (dt.time, "/07:00:00/end"),
        (dt.timedelta, "/PT7S/end"),
        (UUID1, "/01234567-89ab-1def-8123-456789abcdef/end"),
        (UUID4, "/01234567-89ab-4def-8123-456789abcdef/end"),
        (ipaddress.IPv4Address, "/192.0.2.7/end"),
        (ipaddress.IPv6Address, "/2001:db8::7/end"),
    ],
)
def test_an_example_is_one_that_the_endpoint_takes(annotation: Any, example: str) -> None:
    async def endpoint(value: Any) -> None: ...

    endpoint.__annotations__["value"] = annotation
    app = FastAPI(openapi_url=None)
    app.add_api_route("/{value}/end", endpoint)
    assert examples(app) == [example]
    assert TestClient(app).get(example).status_code == 200


@pytest.mark.parametrize(
    "annotation",
    [
        # What only pydantic can tell, or what no value fits.
        Annotated[str, StringConstraints(pattern=r"^\p{Greek}$")],
        Annotated[int, Gt(3), Lt(3)],
        Annotated[int, Ge(7), Le("text")],
        Annotated[int, Gt(float("inf"))],
        Annotated[dt.date, Gt(dt.date.max)],
        Annotated[bytes, "a remark"],
    ],
)
def test_an_example_where_none_is_known_to_fit(annotation: Any) -> None:
    async def endpoint(value: Any) -> None: ...

    class Field:
        alias = "value"
        field_info = PathParameter()

    Field.field_info.annotation = annotation

    class View:
        param_convertors: Final = {"value": CONVERTOR_TYPES["str"]}

        class dependant:  # noqa: N801 - as FastAPI has it
            path_params = (Field,)

    [placed] = survey(Starlette(routes=[Route("/{value}", plain)]))
    assert example_path(replace(placed, view=View)) == "/qzkv"


def test_a_parameter_that_a_dependency_takes_too() -> None:
    def needs_item(item: int) -> None: ...

    def needs_a_long_one(item: Annotated[str, PathParameter(min_length=3)]) -> None: ...

    async def endpoint(item: str) -> None: ...

    app = FastAPI(openapi_url=None)
    app.add_api_route("/a/{item}", endpoint, dependencies=[Depends(needs_item)])
    app.add_api_route(
        "/b/{item}", lambda: None, dependencies=[Depends(needs_a_long_one), Depends(needs_item)]
    )
    found = examples(app)
    assert found == ["/a/7", "/b/777"]
    assert [TestClient(app).get(example).status_code for example in found] == [200, 200]


def test_paths_in_mounts_and_behind_hosts() -> None:
    inner = Starlette(routes=[Route("/{x:int}", plain)])
    app = Starlette(
        routes=[
            Mount("/v{version:int}", routes=[Mount("/deep", app=inner)]),
            Host("{tenant}.a.example", app=inner),
            Host("b.example", app=Starlette(routes=[Host("{number:int}.b.example", app=inner)])),
        ]
    )

    assert [(placed.path, example_path(placed), example_host(placed)) for placed in survey(app)] == [
        ("/v{version:int}", "/v7/", None),
        ("/v{version:int}/deep", "/v7/deep/", None),
        ("/v{version:int}/deep/{x:int}", "/v7/deep/7", None),
        ("", "/", "qzkv.a.example"),
        ("/{x:int}", "/7", "qzkv.a.example"),
        ("", "/", "b.example"),
        ("", "/", "7.b.example"),
        ("/{x:int}", "/7", "7.b.example"),
    ]


def test_what_is_in_a_mount_or_behind_a_host_that_cannot_be_guessed() -> None:
    inner = Starlette(routes=[Route("/x", plain)])
    app = Starlette(routes=[Mount("/{rune:example_rune}", app=inner), Host("{rune:example_rune}.de", inner)])

    assert [(example_path(placed), example_host(placed)) for placed in survey(app)] == [
        (None, None),
        (None, None),
        ("/", None),
        ("/x", None),
    ]


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI serves no frontends")
def test_frontends_are_at_their_own_path(tmp_path: Path) -> None:
    app = FastAPI(openapi_url=None)
    app.frontend("/site", directory=tmp_path)
    outer = Starlette(routes=[Mount("/in", app=app)])

    assert examples(outer) == ["/in/", "/in/site"]


class Odd(BaseRoute):
    """Neither a path nor an endpoint."""


def test_a_route_of_another_kind() -> None:
    assert examples(Starlette(routes=[Odd()])) == [""]
