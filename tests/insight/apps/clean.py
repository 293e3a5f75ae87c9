"""An app that uses everything, and uses it well: there is nothing to be found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Body, Cookie, Depends, FastAPI, Header, Request, WebSocket
from fastapi.security import APIKeyHeader, HTTPBearer
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import JSONResponse, Response
from starlette.routing import Host, Mount, Route
from starlette.staticfiles import StaticFiles

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection


def is_a_customers(origin: str, connection: HTTPConnection) -> bool:
    return origin == "https://customer.example.net"


async def current_user(session: Annotated[str | None, Cookie()] = None) -> str | None:
    return session


ANYONE = CORSPolicy(origins="*", expose_headers="*", max_age=86400)
OURS = CORSPolicy(
    origins=[
        "https://app.example.com",
        "https://*.preview.example.com",
        re.compile(r"https://pr-[0-9]+\.builds\.example\.com"),
        re.compile(r"https://[a-z0-9-]+\.example\.com"),
    ],
    allow_headers=["X-CSRF-Token"],
    allow_credentials=True,
    enforce=True,
)
PARTNERS = CORSPolicy(
    origins=[is_a_customers, "https://*.example.org"], allow_headers=["Authorization", "X-Key"]
)

User = Annotated[str | None, Depends(current_user)]

public = CORSRouter(prefix="/public", cors=ANYONE)


@public.get("/quotes")
async def quotes() -> list[str]:
    return []


@public.post("/feedback")
async def feedback(text: Annotated[str, Body(embed=True)]) -> str:
    return text


notes = APIRouter(prefix="/notes")


@notes.get("")
async def list_notes(user: User) -> list[str]:
    return []


@notes.post("")
async def add_note(user: User, request: Request) -> None: ...


@notes.get("/{note_id}")
async def read_note(note_id: int, user: User) -> int:
    return note_id


@notes.options("/{note_id}")
@no_cors
async def options_of_a_note(note_id: int) -> None: ...


# No browser sends this one without asking first, as it needs a header of the script's own.
@notes.post("/{note_id}/share")
@cors(OURS.evolve(enforce=False))
async def share_note(note_id: int, user: User, x_csrf_token: Annotated[str, Header()]) -> int:
    return note_id


@notes.websocket("/live")
@cors(OURS)
async def follow_notes(websocket: WebSocket, user: User) -> None:
    await websocket.accept()
    await websocket.close()


account = CORSRouter(prefix="/account", cors=OURS)
account.include_router(notes)

app = FastAPI(title="Clean")
app.include_router(public)
app.include_router(account)


@app.get("/partners/orders", dependencies=[Depends(HTTPBearer())])
@cors(PARTNERS)
async def orders() -> list[str]:
    return []


@app.get("/partners/keys", dependencies=[Depends(APIKeyHeader(name="X-Key"))])
@cors(PARTNERS)
async def keys() -> list[str]:
    return []


@app.api_route("/partners/orders", methods=["PUT", "DELETE"])
@cors(PARTNERS.evolve(methods=["PUT"]))
async def change_orders() -> None: ...


@app.get("/internal/metrics")
@no_cors
async def metrics() -> dict[str, int]:
    return {}


@cors(ANYONE)
class Status(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return JSONResponse({})


@cors(ANYONE)
async def feed(request: Request) -> Response:
    return JSONResponse([])


app.mount("/static", cors(ANYONE)(StaticFiles(directory=Path(__file__).parent)))
app.mount("/feeds", Starlette(routes=[Route("/{name}", feed), Mount("/all", routes=[Route("/", feed)])]))
app.router.routes.append(Host("status.example.com", Starlette(routes=[Route("/", Status)])))

# Its 404s and 405s, and the documentation, which holds nothing of anyone's.
install_cors(app, default=CORSPolicy(origins="https://www.example.com"))
