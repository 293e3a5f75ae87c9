"""A policy on a method of a websocket, which is called after the handshake.

Finding: RC017 error
Fix: declare it on the class.
"""

from typing import Any

from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from route_cors import cors, install_cors


class Chat(WebSocketEndpoint):
    @cors(origins="https://app.example.com")
    async def on_receive(self, websocket: WebSocket, data: Any) -> None: ...


app = Starlette(routes=[WebSocketRoute("/chat", Chat)])
install_cors(app)
