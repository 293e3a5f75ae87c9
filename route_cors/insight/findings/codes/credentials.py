"""The codes of routes that take cookies, security schemes or headers which do not fit their policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

CREDENTIALS: Final[Mapping[str, Code]] = {
    "RC005": Code(
        severity="error",
        title="Any origin on a route that takes credentials",
        when=(
            "A route whose policy has the origin * takes cookies or HTTP authentication, or a"
            " CORSMiddleware reflects every origin with credentials. It is a warning if the cookie is"
            " optional, and an info if the route takes only tokens that a script has to add."
        ),
        why=(
            "If the origin is reflected, any page on the web can read and change what its visitor can; with"
            " a bare *, browsers block every call with credentials."
        ),
        example="""\
from typing import Annotated
from fastapi import Cookie, FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/account")
@cors(origins="*")
async def account(session: Annotated[str, Cookie()]): ...

install_cors(app)
""",
        fix="Name the origins whose pages may act as their visitor.",
        fixed="""\
from typing import Annotated
from fastapi import Cookie, FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/account")
@cors(origins=["https://app.example.com"], allow_credentials=True)
async def account(session: Annotated[str, Cookie()]): ...

install_cors(app)
""",
    ),
    "RC011": Code(
        severity="warning",
        title="A state-changing request that any page can send without a preflight",
        when=(
            "A POST that a form can send takes cookies or HTTP authentication, or its policy allows"
            " credentials, and nothing enforces the policy. It is an info if the routes of the app take"
            " tokens and no cookies."
        ),
        why="CORS only hides the response: the request has already run, with the visitor's cookies.",
        example="""\
from typing import Annotated
from fastapi import Cookie, FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.post("/notes/{note_id}/star")
@cors(origins=["https://app.example.com"], allow_credentials=True)
async def star(note_id: int, session: Annotated[str, Cookie()]): ...

install_cors(app)
""",
        fix=(
            "Refuse such requests before the endpoint runs: install_cors(app, enforce=True), or"
            " enforce=True in the policy."
        ),
        fixed="""\
from typing import Annotated
from fastapi import Cookie, FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.post("/notes/{note_id}/star")
@cors(origins=["https://app.example.com"], allow_credentials=True)
async def star(note_id: int, session: Annotated[str, Cookie()]): ...

install_cors(app, enforce=True)
""",
    ),
    "RC015": Code(
        severity="warning",
        title="A required header that the policy does not allow",
        when="A route requires a header that pages of other origins may not send under its policy.",
        why="The preflight is refused, or the call is answered with 401, 403 or 422.",
        example="""\
from typing import Annotated
from fastapi import FastAPI, Header
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/notes")
@cors(origins=["https://app.example.com"])
async def notes(x_key: Annotated[str, Header()]): ...

install_cors(app)
""",
        fix="Name the header in allow_headers.",
        fixed="""\
from typing import Annotated
from fastapi import FastAPI, Header
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/notes")
@cors(origins=["https://app.example.com"], allow_headers=["X-Key"])
async def notes(x_key: Annotated[str, Header()]): ...

install_cors(app)
""",
    ),
}
