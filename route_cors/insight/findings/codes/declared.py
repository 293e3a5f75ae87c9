"""The codes of declared and missing policies that deserve a second look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

DECLARED: Final[Mapping[str, Code]] = {
    "RC010": Code(
        severity="info",
        title="The same policy written more than once",
        when="Equal policies are written at several places: on endpoints, routers, mounts or as a default.",
        why="One copy gets changed, and another is forgotten.",
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/notes")
@cors(origins=["https://app.example.com"])
async def notes(): ...

@app.get("/tags")
@cors(origins=["https://app.example.com"])
async def tags(): ...

install_cors(app)
""",
        fix="Write the policy once, and use it everywhere; or put the routes on one CORSRouter.",
        fixed="""\
from fastapi import FastAPI
from route_cors import CORSPolicy, cors, install_cors

app = FastAPI()
ours = CORSPolicy(origins=["https://app.example.com"])

@app.get("/notes")
@cors(ours)
async def notes(): ...

@app.get("/tags")
@cors(ours)
async def tags(): ...

install_cors(app)
""",
    ),
    "RC012": Code(
        severity="info",
        title="Routes that other origins may call only because of the default",
        when=(
            "Routes have no policy of their own and no router with one, so the default of the app, which"
            " allows some origin, applies to them."
        ),
        why="A new route is open to other origins without anyone having decided that.",
        example="""\
from fastapi import FastAPI
from route_cors import CORSPolicy, install_cors

app = FastAPI()

@app.get("/notes")
async def notes(): ...

install_cors(app, default=CORSPolicy(origins="https://app.example.com"))
""",
        fix="Declare what is intended: @cors(...) on the routes that are open, @no_cors on the others.",
        fixed="""\
from fastapi import FastAPI
from route_cors import CORSPolicy, cors, install_cors

app = FastAPI()
ours = CORSPolicy(origins="https://app.example.com")

@app.get("/notes")
@cors(ours)
async def notes(): ...

install_cors(app, default=ours)
""",
    ),
    "RC013": Code(
        severity="warning",
        title="A websocket that any page can open",
        when="A websocket route has no policy. The default of the app does not apply to websockets.",
        why="Browsers apply no CORS to websockets, and send cookies with the handshake.",
        example="""\
from fastapi import FastAPI, WebSocket
from route_cors import install_cors

app = FastAPI()

@app.websocket("/chat")
async def chat(websocket: WebSocket): ...

install_cors(app)
""",
        fix="Declare a policy, which is checked at the handshake; @no_cors admits only the app's own pages.",
        fixed="""\
from fastapi import FastAPI, WebSocket
from route_cors import cors, install_cors

app = FastAPI()

@app.websocket("/chat")
@cors(origins=["https://app.example.com"])
async def chat(websocket: WebSocket): ...

install_cors(app)
""",
    ),
    "RC034": Code(
        severity="info",
        title="Nobody is allowed",
        when="A policy has no origins, or the default of the app is no_cors.",
        why=("An empty setting causes this without an error, and the front end cannot call the API either."),
        example="""\
from fastapi import FastAPI
from route_cors import OriginList, cors, install_cors

app = FastAPI()

@app.get("/notes")
@cors(origins=OriginList(""))
async def notes(): ...

install_cors(app)
""",
        fix="If that is intended, write no_cors; if not, look at the setting that the origins come from.",
        fixed="""\
from fastapi import FastAPI
from route_cors import install_cors, no_cors

app = FastAPI()

@app.get("/notes")
@no_cors
async def notes(): ...

install_cors(app)
""",
    ),
}
