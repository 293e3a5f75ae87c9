"""A shop of nested routers, with a mounted API of its own, a Host route, static files and a websocket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, FastAPI, WebSocket
from fastapi.security import OAuth2PasswordBearer
from starlette.applications import Starlette
from starlette.responses import JSONResponse, Response
from starlette.routing import Host, Route
from starlette.staticfiles import StaticFiles

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

if TYPE_CHECKING:
    from starlette.requests import Request

SHOP = CORSPolicy(origins=["https://shop.example.com"], allow_credentials=True, enforce=True)
PARTNERS = CORSPolicy(
    origins=["https://*.partners.example.com"], allow_headers=["Authorization"], expose_headers=["Link"]
)

Token = Annotated[str, Depends(OAuth2PasswordBearer(tokenUrl="/api/token"))]

# Products: one router in another, with a policy between the two.
products = APIRouter(prefix="/products")


@products.get("")
async def list_products() -> list[str]:
    return []


@products.get("/{product_id}")
async def read_product(product_id: int) -> int:
    return product_id


@products.delete("/{product_id}")
@no_cors
async def delete_product(product_id: int) -> None: ...


catalog = CORSRouter(prefix="/catalog", cors=CORSPolicy(origins="*"))
catalog.include_router(products)

# The cart belongs to a user.
cart = CORSRouter(prefix="/cart", cors=SHOP)


@cart.get("")
async def read_cart() -> list[str]:
    return []


@cart.put("/{product_id}")
async def put_into_cart(product_id: int, count: int) -> int:
    return count


@cart.websocket("/live")
async def follow_cart(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


# The partners' API is an app of its own, with its own default.
api = FastAPI(title="Partners", openapi_url=None)


@api.get("/orders")
async def list_orders(token: Token) -> list[str]:
    return []


@api.get("/orders/{order_id}")
@cors(PARTNERS.evolve(max_age=3600))
async def read_order(order_id: int, token: Token) -> int:
    return order_id


install_cors(api, default=PARTNERS)


# The status page answers at a host of its own.
@cors(origins="*")
async def status(request: Request) -> Response:
    return JSONResponse({"status": "ok"})


status_page = Starlette(routes=[Route("/", status)])

app = FastAPI(title="Shop")
app.include_router(catalog)
app.include_router(cart)
app.mount("/api", api)
app.mount("/static", cors(origins="*")(StaticFiles(directory=Path(__file__).parent)))
app.router.routes.append(Host("status.example.com", status_page))


@app.websocket("/support")
async def support(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


install_cors(app, default=CORSPolicy(origins=["https://www.example.com"]))
