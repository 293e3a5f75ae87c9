"""An app with every fault planted, and the table of what is to be found where.

The app itself has no layer, so that a policy can be without effect. The apps that it mounts have one each,
and hold the faults that take a layer to make.
"""

from __future__ import annotations

import re
from types import FunctionType
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Body, Cookie, Depends, FastAPI, Header, Request, WebSocket
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBearer
from starlette.endpoints import WebSocketEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.routing import WebSocketRoute
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

A = "https://a.example.com"

# Codes, and the routes that each is found on: what `method path` of a finding's route gives.
EXPECTED: Mapping[str, tuple[str, ...]] = {
    "RC001": ("GET /untold",),
    "RC002": ("GET /shop/orders/latest", "GET,PUT /shop/orders/{order_id}/items"),
    "RC003": ("MOUNT /legacy", "MOUNT /shop"),
    "RC004": ("PUT /early/riser",),
    "RC005": (
        "GET /shop/any/basic",
        "GET /shop/any/cookie",
        "GET /shop/any/key",
        "GET /theirs/any/a",
        "WEBSOCKET /shop/any/live",
    ),
    "RC006": ("GET /shop/wide", "GET /shop/wide/hosted"),
    "RC007": ("GET /shop/regex/unanchored", "GET /shop/regex/unescaped"),
    "RC009": ("GET /shop/insecure", "GET /shop/insecure/regex"),
    "RC010": ("GET /shop/twice/one",),
    "RC011": ("POST /shop/notes", "POST /shop/notes/{note_id}/star"),
    "RC012": ("GET /shop/forgotten",),
    "RC013": ("WEBSOCKET /shop/chat",),
    "RC014": ("DELETE /shop/nothing",),
    "RC015": ("GET /shop/needs/key", "GET /shop/needs/token"),
    "RC016": ("GET /shop/copied",),
    "RC017": ("WEBSOCKET /shop/late",),
    "RC018": ("GET /theirs/null/a",),
    "RC019": ("GET /theirs/bare/a",),
    "RC020": ("GET /theirs/slash/a",),
    "RC021": ("GET /theirs/needless/a",),
    "RC022": ("GET /shop/asked",),
    "RC023": ("GET /theirs/slow/a",),
    "RC024": ("GET /shop/pens",),
    "RC025": ("GET /shop/local",),
    "RC026": ("GET /theirs/lost/a",),
    "RC027": ("POST /theirs/lost/a",),
    "RC028": ("POST /guarded/hook",),
    "RC029": ("POST /guarded/notes",),
    "RC033": ("GET /shop/phones",),
    "RC034": ("GET /shop/nobody",),
}

# --- Without a layer

app = FastAPI(title="Faulty", openapi_url=None)


@app.get("/untold")
@cors(origins=A)
async def untold() -> None: ...


@app.get("/untold/closed")
@no_cors
async def untold_and_closed() -> None: ...


@app.options("/early/{path:path}")
async def any_options(path: str) -> None: ...


early = CORSRouter(cors=CORSPolicy(origins=A, max_age=1))


@early.put("/early/riser")
async def put_early() -> None: ...


app.include_router(early)

# --- Behind another CORS middleware

legacy = FastAPI(openapi_url=None)
legacy.add_middleware(CORSMiddleware, allow_origins=["*"])
old = CORSRouter(cors=CORSPolicy(origins=A, max_age=2))


@old.get("/prices")
async def prices() -> None: ...


legacy.include_router(old)
app.mount("/legacy", legacy)

# --- Without anything of ours


def theirs(path: str, *dependencies: Any, **arguments: Any) -> FastAPI:
    inside = FastAPI(openapi_url=None)
    inside.add_middleware(CORSMiddleware, **arguments)
    inside.get("/a", dependencies=[Depends(each) for each in dependencies])(anything)
    app.mount(f"/theirs/{path}", inside)
    return inside


async def anything() -> None: ...


async def with_session(session: Annotated[str, Cookie()]) -> None: ...


async def with_session_too(session: Annotated[str, Cookie()]) -> None: ...


theirs("any", allow_origins=["*"], allow_credentials=True)
theirs("null", allow_origins=["null"])
theirs("bare", allow_origins=A)
theirs("slash", allow_origins=[f"{A}/"])
theirs("slow", allow_origin_regex=r"https://([a-z]+)+\.example\.com")
theirs("needless", HTTPBearer(), allow_origins=[A], allow_credentials=True)
lost = theirs("lost", allow_origins=[A, "https://a.example.org"], allow_credentials=True)
lost.add_middleware(SessionMiddleware, secret_key="secret")
lost.post("/a")(with_session)

# --- With a layer, and a default

shop = FastAPI(openapi_url=None)
shop.add_middleware(CORSMiddleware, allow_origins=["*"])


@shop.get("/orders/{order_id}")
@cors(origins=A, max_age=3)
async def order() -> None: ...


@shop.get("/orders/latest")
@no_cors
async def latest_order() -> None: ...


@shop.api_route("/orders/{order}/items", methods=["GET"])
@no_cors
async def items() -> None: ...


@shop.api_route("/orders/{order_id}/items", methods=["GET", "PUT"])
@cors(origins=A, max_age=4)
async def save_items() -> None: ...


anyone = CORSRouter(prefix="/any", cors=CORSPolicy(origins="*", allow_headers=["X-Key"]))


@anyone.get("/basic", dependencies=[Depends(HTTPBasic())])
async def with_basic() -> None: ...


@anyone.get("/cookie")
async def with_cookie(session: Annotated[str | None, Cookie()] = None) -> None: ...


@anyone.get("/key", dependencies=[Depends(APIKeyHeader(name="X-Key"))])
async def with_key() -> None: ...


@anyone.websocket("/live")
async def live(websocket: WebSocket, session: Annotated[str, Cookie()]) -> None: ...


shop.include_router(anyone)


@shop.get("/wide")
@cors(origins="https://*.example.com", allow_credentials=True)
async def wide() -> None: ...


@shop.get("/wide/hosted")
@cors(origins="https://*.github.io", allow_credentials=True, dangerously_allow_public_suffixes=True)
async def wide_and_hosted() -> None: ...


@shop.get("/regex/unanchored")
@cors(origins=re.compile(r"https://.*example\.com"), allow_credentials=True)
async def unanchored() -> None: ...


@shop.get("/regex/unescaped")
@cors(origins=re.compile(r"https://(app|admin).example\.com"), allow_credentials=True)
async def unescaped() -> None: ...


@shop.get("/insecure")
@cors(origins=[A, "http://a.example.com"])
async def insecure() -> None: ...


@shop.get("/insecure/regex")
@cors(origins=re.compile(r"https?://a\.example\.com"))
async def insecure_by_regex() -> None: ...


@shop.get("/twice/one")
@cors(origins=A, max_age=5)
async def one() -> None: ...


@shop.get("/twice/two")
@cors(origins=A, max_age=5)
async def two() -> None: ...


@shop.post("/notes")
@cors(origins=A, allow_credentials=True)
async def add_note(request: Request) -> None: ...


@shop.post("/notes/{note_id}/star")
@cors(origins=A, max_age=6)
async def star_note(note_id: int, session: Annotated[str, Cookie()]) -> None: ...


@shop.put("/notes")
@cors(origins=A, allow_credentials=True, max_age=7)
async def save_note(text: Annotated[str, Body()]) -> None: ...


@shop.get("/forgotten")
async def forgotten() -> None: ...


@shop.websocket("/chat")
async def chat(websocket: WebSocket) -> None: ...


@shop.delete("/nothing")
@cors(origins=A, methods=["PUT"])
async def delete_nothing() -> None: ...


@shop.get("/asked")
@cors(origins=lambda origin, connection: True, max_age=10)
async def asked() -> None: ...


@shop.get("/nobody")
@cors(origins=[])
async def nobody() -> None: ...


@shop.get("/phones")
@cors(origins=["capacitor://localhost", "https://app.example.com"], allow_credentials=True)
async def phones() -> None: ...


@shop.get("/pens")
@cors(origins="https://codepen.io", allow_credentials=True)
async def pens() -> None: ...


@shop.get("/local")
@cors(origins=[A, "http://localhost:3000"], max_age=12)
async def local() -> None: ...


@shop.get("/needs/key")
@cors(origins=A, max_age=8)
async def needs_key(x_key: Annotated[str, Header()]) -> None: ...


@shop.get("/needs/token", dependencies=[Depends(HTTPBearer())])
@cors(origins=A, max_age=9)
async def needs_token() -> None: ...


def copied(function: Callable[..., object]) -> Callable[..., object]:
    """A new function of the same code, and nothing else of the one that is dropped."""
    assert isinstance(function, FunctionType)
    return FunctionType(function.__code__, function.__globals__, function.__name__)


@shop.get("/copied")
@copied
@cors(origins=A, max_age=10)
async def copy() -> None: ...


class Late(WebSocketEndpoint):
    @cors(origins=A, max_age=11)
    async def on_receive(self, websocket: WebSocket, data: object) -> None: ...


shop.router.routes.append(WebSocketRoute("/late", Late))

install_cors(shop, default=CORSPolicy(origins="https://www.example.com"))
app.mount("/shop", shop)

# --- With a layer that enforces, behind a proxy

guarded = FastAPI(openapi_url=None)
guarded.post("/notes")(with_session)
guarded.post("/hook")(cors(origins=A, enforce=False)(with_session_too))
guarded.add_middleware(ProxyHeadersMiddleware, trusted_hosts=["10.0.0.1"])
install_cors(guarded, enforce=True)
app.mount("/guarded", guarded)
