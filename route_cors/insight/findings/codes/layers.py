"""The code of CORS layers that get in each other's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

LAYERS: Final[Mapping[str, Code]] = {
    "RC003": Code(
        severity="error",
        title="A second CORS layer in the way",
        when=(
            "A CORSMiddleware, or another layer that may answer CORS, is around a policy or around another"
            " such layer, or an app has two defaults. It is a warning or an info if the other layer has no"
            " effect, or may do more than CORS."
        ),
        why="The outer layer answers preflights, and its headers win: those of the inner layer are lost.",
        example="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from route_cors import CORSPolicy, CORSRouter

app = FastAPI()
notes = CORSRouter(cors=CORSPolicy(origins="https://app.example.com"))

@notes.get("/notes")
async def read(): ...

app.include_router(notes)
app.add_middleware(CORSMiddleware, allow_origins=["*"])
""",
        fix=(
            "Remove the other layer, and call install_cors(app). `route-cors migrate` shows what does the"
            " same as a CORSMiddleware."
        ),
        fixed="""\
from fastapi import FastAPI
from route_cors import CORSPolicy, CORSRouter, install_cors

app = FastAPI()
notes = CORSRouter(cors=CORSPolicy(origins="https://app.example.com"))

@notes.get("/notes")
async def read(): ...

app.include_router(notes)
install_cors(app)
""",
    ),
}
