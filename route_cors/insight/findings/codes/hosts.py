"""The codes of hosts that other people use as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

HOSTS: Final[Mapping[str, Code]] = {
    "RC024": Code(
        severity="warning",
        title="An origin where anyone can publish",
        when=(
            "An allowed origin is shared by all users of a host, such as https://codepen.io. It is an"
            " info without credentials, and for the pages of one account, such as https://ada.github.io."
        ),
        why="Anyone who publishes a page there has the rights that were meant for your pages.",
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/account")
@cors(origins=["https://codepen.io"], allow_credentials=True)
async def account(): ...

install_cors(app)
""",
        fix="Remove the origin, and serve the page from a domain of your own.",
        fixed="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/account")
@cors(origins=["https://demo.example.com"], allow_credentials=True)
async def account(): ...

install_cors(app)
""",
    ),
    "RC025": Code(
        severity="info",
        title="Localhost next to production origins",
        when="An origin on localhost or a loopback address is in one list with origins of other hosts.",
        why="Any server on a port of a visitor's own machine has the rights of your front end.",
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/notes")
@cors(origins=["https://app.example.com", "http://localhost:3000"])
async def notes(): ...

install_cors(app)
""",
        fix="Add local origins only in development, from a setting.",
        fixed="""\
import os
from fastapi import FastAPI
from route_cors import OriginList, cors, install_cors

app = FastAPI()
local = OriginList(os.environ.get("LOCAL_ORIGINS", ""))

@app.get("/notes")
@cors(origins=["https://app.example.com", *local])
async def notes(): ...

install_cors(app)
""",
    ),
}
