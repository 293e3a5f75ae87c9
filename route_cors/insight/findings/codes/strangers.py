"""The codes of what CORSMiddleware accepts and a CORSPolicy would refuse when it is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

STRANGERS: Final[Mapping[str, Code]] = {
    "RC018": Code(
        severity="error",
        title="The origin null is allowed",
        when=(
            "null is among the origins of a CORSMiddleware, or matched by its regex. It is a warning"
            " without credentials."
        ),
        why=(
            "Every sandboxed frame, and every data: and file: page, has the origin null, no matter who made"
            " it."
        ),
        example="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["https://app.example.com", "null"],
    allow_credentials=True,
)

@app.get("/notes")
async def notes(): ...
""",
        fix="Remove null; serve the page from an origin of its own, and name that origin.",
        fixed="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware,
    allow_origins=["https://app.example.com", "https://files.example.com"],
    allow_credentials=True,
)

@app.get("/notes")
async def notes(): ...
""",
    ),
    "RC019": Code(
        severity="error",
        title="A bare string in place of a list",
        when=(
            "allow_origins of a CORSMiddleware is a string other than *. It is a warning for allow_methods"
            " and allow_headers."
        ),
        why=(
            "CORSMiddleware looks for the origin within the string, so every part of the string is allowed"
            " too: https://app.example.co in https://app.example.com."
        ),
        example="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origins="https://app.example.com"
)

@app.get("/notes")
async def notes(): ...
""",
        fix="Write a list.",
        fixed="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origins=["https://app.example.com"]
)

@app.get("/notes")
async def notes(): ...
""",
    ),
    "RC020": Code(
        severity="warning",
        title="An allowed origin that no browser sends",
        when=(
            "An origin of a CORSMiddleware has a trailing slash, a path, an upper-case letter, a default"
            " port or a wildcard."
        ),
        why="It allows nobody: CORSMiddleware compares whole strings and supports no patterns.",
        example="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origins=["https://app.example.com/"]
)

@app.get("/notes")
async def notes(): ...
""",
        fix="Write the origin as browsers send it; for a pattern, write allow_origin_regex.",
        fixed="""\
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(
    CORSMiddleware, allow_origins=["https://app.example.com"]
)

@app.get("/notes")
async def notes(): ...
""",
    ),
    "RC021": Code(
        severity="info",
        title="Credentials that nothing needs",
        when=(
            "A policy or a CORSMiddleware allows credentials, its routes take tokens, and it is certain"
            " that none of them takes cookies or HTTP authentication of the browser."
        ),
        why=(
            "Access-Control-Allow-Credentials is for cookies and HTTP authentication. A token in a header"
            " does not need it, and without it a mistake in the origins does less harm."
        ),
        example="""\
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from route_cors import CORSPolicy, cors, install_cors

app = FastAPI()
ours = CORSPolicy(
    origins=["https://app.example.com"],
    allow_headers=["Authorization"],
    allow_credentials=True,
)

@app.get("/notes", dependencies=[Depends(HTTPBearer())])
@cors(ours)
async def notes(): ...

install_cors(app)
""",
        fix="Leave allow_credentials out.",
        fixed="""\
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer
from route_cors import CORSPolicy, cors, install_cors

app = FastAPI()
ours = CORSPolicy(
    origins=["https://app.example.com"],
    allow_headers=["Authorization"],
)

@app.get("/notes", dependencies=[Depends(HTTPBearer())])
@cors(ours)
async def notes(): ...

install_cors(app)
""",
    ),
}
