"""The codes of policies without effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

EFFECT: Final[Mapping[str, Code]] = {
    "RC001": Code(
        severity="error",
        title="A policy that no layer applies",
        when=(
            "A route has a policy, but the app has no layer of route_cors, and the route is not that of a"
            " CORSRouter. A dry run is not a layer."
        ),
        why=(
            "Preflights get a 405 and responses get no CORS headers: browsers refuse every cross-origin call."
        ),
        example="""\
from fastapi import FastAPI
from route_cors import cors

app = FastAPI()

@app.get("/quotes")
@cors(origins="*")
async def quotes(): ...
""",
        fix="Call install_cors on the app, or declare the route on a CORSRouter.",
        fixed="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/quotes")
@cors(origins="*")
async def quotes(): ...

install_cors(app)
""",
    ),
    "RC002": Code(
        severity="error",
        title="A route that is never reached, so its policy never applies",
        when=(
            "Every request for the route is served by routes that were registered before it and have"
            " another policy. It is a warning if this is true of some of its methods only."
        ),
        why="Requests are served by the earlier route, under the policy of that route.",
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors, no_cors

app = FastAPI()

@app.get("/orders/{order_id}")
@cors(origins="https://app.example.com")
async def order(order_id: str): ...

@app.get("/orders/latest")
@no_cors
async def latest_order(): ...

install_cors(app)
""",
        fix="Register the more specific path first, or give the two routes different paths.",
        fixed="""\
from fastapi import FastAPI
from route_cors import cors, install_cors, no_cors

app = FastAPI()

@app.get("/orders/latest")
@no_cors
async def latest_order(): ...

@app.get("/orders/{order_id}")
@cors(origins="https://app.example.com")
async def order(order_id: str): ...

install_cors(app)
""",
    ),
    "RC004": Code(
        severity="error",
        title="An earlier OPTIONS route that takes the preflights",
        when=(
            "A CORSRouter answers its own preflights, but the app has no layer, and an OPTIONS route that"
            " was registered before it matches the same path."
        ),
        why="A browser never sends a call whose preflight was not granted.",
        example="""\
from fastapi import FastAPI
from route_cors import CORSPolicy, CORSRouter

app = FastAPI()
notes = CORSRouter(cors=CORSPolicy(origins="https://app.example.com"))

@app.options("/{path:path}")
async def options(path: str): ...

@notes.put("/notes/{note_id}")
async def save(note_id: int): ...

app.include_router(notes)
""",
        fix="Call install_cors(app), which answers preflights before any route does.",
        fixed="""\
from fastapi import FastAPI
from route_cors import CORSPolicy, CORSRouter, install_cors

app = FastAPI()
notes = CORSRouter(cors=CORSPolicy(origins="https://app.example.com"))

@app.options("/{path:path}")
async def options(path: str): ...

@notes.put("/notes/{note_id}")
async def save(note_id: int): ...

app.include_router(notes)
install_cors(app)
""",
    ),
    "RC014": Code(
        severity="error",
        title="A policy whose methods the route does not have",
        when=(
            "The policy's argument methods does not contain any method of its route. The policy of a"
            " router or an app is reported only if it grants nothing on any of its routes."
        ),
        why="No preflight for the route is ever granted.",
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.delete("/notes/{note_id}")
@cors(origins="https://app.example.com", methods=["GET", "POST"])
async def delete(note_id: int): ...

install_cors(app)
""",
        fix="Leave methods out: the policy then applies to the methods of the route.",
        fixed="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.delete("/notes/{note_id}")
@cors(origins="https://app.example.com")
async def delete(note_id: int): ...

install_cors(app)
""",
    ),
}
