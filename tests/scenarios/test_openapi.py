"""Scenario 22: nothing of the library shows in the OpenAPI schema, and it adds no route."""

import json
from types import FunctionType
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from pydantic import BaseModel

from route_cors import CORSPolicy, CORSRoute, CORSRouter, cors, install_cors, no_cors

from .support import A, readable, send

POLICY = CORSPolicy(origins=A)


class Item(BaseModel):
    name: str
    price: float = 0.0


def token(x_token: str = "") -> str:
    return x_token


async def read_item(item_id: int, q: str | None = None) -> Item:
    """Read one item."""
    return Item(name=q or str(item_id))


async def write_item(item_id: int, item: Item, user: Annotated[str, Depends(token)]) -> Item:
    """Write one item."""
    return item


async def read_closed() -> dict[str, str]:
    return {"closed": "yes"}


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()


def without() -> FastAPI:
    inner = APIRouter(prefix="/items", tags=["items"], dependencies=[Depends(token)])
    inner.get("/{item_id}", response_model=Item, summary="One item")(read_item)
    inner.put("/{item_id}", responses={404: {"description": "none"}}, operation_id="write")(write_item)
    inner.get("/closed", deprecated=True, include_in_schema=True)(read_closed)
    inner.websocket("/talk")(talk)
    outer = APIRouter(prefix="/v1")
    outer.include_router(inner, tags=["v1"])
    return app_of(outer)


def with_it(router_class: Any, options: dict[str, Any], *, installed: bool) -> FastAPI:
    copies = {endpoint: copy_of(endpoint) for endpoint in (read_item, write_item, read_closed, talk)}
    inner = router_class(prefix="/items", tags=["items"], dependencies=[Depends(token)], **options)
    inner.get("/{item_id}", response_model=Item, summary="One item")(cors(POLICY)(copies[read_item]))
    inner.put("/{item_id}", responses={404: {"description": "none"}}, operation_id="write")(
        cors(POLICY)(copies[write_item])
    )
    no_cors(inner.get("/closed", deprecated=True, include_in_schema=True)(copies[read_closed]))
    inner.websocket("/talk")(cors(POLICY)(copies[talk]))
    outer = CORSRouter(prefix="/v1", cors=POLICY)
    outer.include_router(inner, tags=["v1"])
    app = app_of(outer)
    if installed:
        install_cors(app, default=POLICY)
    return app


def copy_of(endpoint: Any) -> Any:
    """The same function, which takes a policy without handing it to the other apps."""
    copy = FunctionType(endpoint.__code__, endpoint.__globals__, endpoint.__name__, endpoint.__defaults__)
    copy.__annotations__ = endpoint.__annotations__
    copy.__doc__ = endpoint.__doc__
    return copy


def app_of(router: APIRouter) -> FastAPI:
    app = FastAPI(title="items", version="1", description="with or without")
    app.include_router(router, responses={418: {"description": "a teapot"}})
    return app


variants = pytest.mark.parametrize(
    ("router_class", "options"),
    [
        (APIRouter, {}),
        (APIRouter, {"route_class": CORSRoute}),
        (CORSRouter, {}),
        (CORSRouter, {"cors": POLICY}),
        (CORSRouter, {"cors": no_cors}),
    ],
)


@variants
@pytest.mark.parametrize("installed", [True, False])
def test_22_the_schema_is_identical(router_class: Any, options: dict[str, Any], installed: bool) -> None:
    expected = without().openapi()
    assert set(expected["paths"]) == {"/v1/items/{item_id}", "/v1/items/closed"}
    app = with_it(router_class, options, installed=installed)
    # As text: the order counts too.
    assert json.dumps(app.openapi()) == json.dumps(expected)


@variants
@pytest.mark.parametrize("installed", [True, False])
def test_22_no_route_is_added(router_class: Any, options: dict[str, Any], installed: bool) -> None:
    expected = without()
    app = with_it(router_class, options, installed=installed)
    assert len(app.routes) == len(expected.routes)
    for name, parameters in (("read_item", {"item_id": 7}), ("read_closed", {})):
        assert app.url_path_for(name, **parameters) == expected.url_path_for(name, **parameters)


@pytest.mark.anyio
@variants
async def test_22_served_by_a_mounted_app(router_class: Any, options: dict[str, Any]) -> None:
    plain, ours = FastAPI(), FastAPI()
    plain.mount("/sub", without())
    ours.mount("/sub", with_it(router_class, options, installed=False))
    install_cors(ours, default=POLICY)
    expected = await send(plain, "GET", "/sub/openapi.json")
    reply = await send(ours, "GET", "/sub/openapi.json", origin=A)
    assert (reply.body, reply.seen) == (expected.body, readable(200, A))
    docs = await send(plain, "GET", "/sub/docs")
    assert (await send(ours, "GET", "/sub/docs")).body == docs.body
