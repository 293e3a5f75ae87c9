"""The codes of policies that were declared and apply nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

LOST: Final[Mapping[str, Code]] = {
    "RC016": Code(
        severity="error",
        title="A policy that was lost, so its route is closed",
        when=(
            "The function that has the policy was replaced by another one that keeps no reference to it."
            " Wrappers that call the function, or that use functools.wraps, are recognised."
        ),
        why="A decorator or a route class replaced the function that has the policy.",
        example="""\
from types import FunctionType
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

def copied(function):
    return FunctionType(function.__code__, function.__globals__)

@app.get("/notes")
@copied
@cors(origins=["https://app.example.com"])
async def notes(): ...

install_cors(app)
""",
        fix="Put @cors above the decorator that replaces the function, or use functools.wraps there.",
        fixed="""\
from types import FunctionType
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

def copied(function):
    return FunctionType(function.__code__, function.__globals__)

@app.get("/notes")
@cors(origins=["https://app.example.com"])
@copied
async def notes(): ...

install_cors(app)
""",
    ),
    "RC017": Code(
        severity="error",
        title="A policy on a method that is called too late to apply it",
        when=(
            "A method of an endpoint class that does not serve an HTTP method has a policy, such as"
            " on_receive of a WebSocketEndpoint."
        ),
        why="When that method is called, the request has already been let in.",
        example="""\
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute
from route_cors import cors, install_cors

class Chat(WebSocketEndpoint):
    @cors(origins=["https://app.example.com"])
    async def on_receive(self, websocket, data): ...

app = Starlette(routes=[WebSocketRoute("/chat", Chat)])
install_cors(app)
""",
        fix="Declare the policy on the endpoint class.",
        fixed="""\
from starlette.applications import Starlette
from starlette.endpoints import WebSocketEndpoint
from starlette.routing import WebSocketRoute
from route_cors import cors, install_cors

@cors(origins=["https://app.example.com"])
class Chat(WebSocketEndpoint):
    async def on_receive(self, websocket, data): ...

app = Starlette(routes=[WebSocketRoute("/chat", Chat)])
install_cors(app)
""",
    ),
}
