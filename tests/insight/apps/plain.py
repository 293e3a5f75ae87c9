"""A wiki in plain Starlette: routes, an endpoint class, a mount of routes, static files, a websocket."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from route_cors import CORSPolicy, cors, install_cors, no_cors

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.websockets import WebSocket

EDITOR = CORSPolicy(
    origins=["https://edit.wiki.example"],
    allow_headers=["If-Match"],
    expose_headers=["ETag"],
    allow_credentials=True,
    enforce=True,
)


@cors(origins="*")
async def index(request: Request) -> Response:
    return PlainTextResponse("wiki")


@cors(EDITOR)
class Page(HTTPEndpoint):
    async def get(self, request: Request) -> Response:
        return PlainTextResponse("page")

    async def put(self, request: Request) -> Response:
        return Response(status_code=204)

    async def post(self, request: Request) -> Response:
        return Response(status_code=201)


@cors(origins="*", expose_headers=["Link"])
async def search(request: Request) -> Response:
    return JSONResponse([])


@no_cors
async def reindex(request: Request) -> Response:
    return Response(status_code=202)


async def revisions(request: Request) -> Response:
    return JSONResponse([])


@cors(EDITOR)
async def edits(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.close()


app = Starlette(
    routes=[
        Route("/", index),
        Route("/pages/{name:path}", Page),
        Mount(
            "/api",
            routes=[
                Route("/search", search),
                Route("/reindex", reindex, methods=["POST"]),
                Route("/revisions/{number:int}", revisions),
            ],
        ),
        WebSocketRoute("/edits", edits),
        Mount("/static", cors(origins="*", max_age=None)(StaticFiles(directory=Path(__file__).parent))),
    ]
)
install_cors(app)
