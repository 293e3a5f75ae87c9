"""The codes of callables and regexes: what they allow, and how long they take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

MATCHING: Final[Mapping[str, Code]] = {
    "RC022": Code(
        severity="error",
        title="A callable that allows every origin",
        when=(
            "With --ask-callables, the callables among the origins are called with made-up origins, and one"
            " allows all of them. It is a warning without credentials."
        ),
        why="It is a hidden *, and unlike * it can be combined with credentials.",
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

def is_ours(origin, connection):
    return origin.startswith("http")

@app.get("/account")
@cors(origins=is_ours, allow_credentials=True)
async def account(): ...

install_cors(app)
""",
        fix="Compare the origin with those that you trust.",
        fixed="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()
OURS = {"https://app.example.com", "https://admin.example.com"}

def is_ours(origin, connection):
    return origin in OURS

@app.get("/account")
@cors(origins=is_ours, allow_credentials=True)
async def account(): ...

install_cors(app)
""",
        options=("--ask-callables",),
    ),
    "RC023": Code(
        severity="error",
        title="A regex that one request can make very slow",
        when=(
            "The regex of a CORSMiddleware takes too long for some origin, of a length that servers accept."
            " Such a regex in a policy is refused when the policy is declared."
        ),
        why=(
            "The time it takes grows explosively with the length of the Origin header, and meanwhile the"
            " server answers no other request."
        ),
        example="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origin_regex=r"https://([a-z]+)+\\.example\\.com"
)

@app.get("/notes")
async def notes(): ...
""",
        fix="Do not nest repetitions, and do not let two adjacent parts match the same text.",
        fixed="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origin_regex=r"https://[a-z]+\\.example\\.com"
)

@app.get("/notes")
async def notes(): ...
""",
    ),
}
