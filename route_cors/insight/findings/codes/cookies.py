"""The codes of cookies that browsers do not send, and of those that they send for any site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

COOKIES: Final[Mapping[str, Code]] = {
    "RC026": Code(
        severity="warning",
        title="A cookie that browsers do not send",
        when=(
            "A policy allows credentials for an origin on another site than the API (--base-url gives its"
            " URL), and all cookies that the app sets are SameSite=Lax or Strict. Without --base-url it is"
            " an info, if the origins are on several sites."
        ),
        why=(
            "Browsers send cookies with SameSite=Lax or Strict only with calls within the same site: the"
            " call arrives without them, as if the user were not logged in."
        ),
        example="""\
from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware
from route_cors import cors, install_cors

app = FastAPI()
app.add_middleware(
    SessionMiddleware,
    secret_key="secret",
)

@app.get("/account")
@cors(origins=["https://shop.example.org"], allow_credentials=True)
async def account(): ...

install_cors(app, enforce=True)
""",
        fix="Set SameSite=None and Secure, and enforce=True, because any site can then send the cookie.",
        fixed="""\
from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware
from route_cors import cors, install_cors

app = FastAPI()
app.add_middleware(
    SessionMiddleware,
    secret_key="secret",
    same_site="none",
    https_only=True,
)

@app.get("/account")
@cors(origins=["https://shop.example.org"], allow_credentials=True)
async def account(): ...

install_cors(app, enforce=True)
""",
        options=("--base-url", "https://api.example.com"),
    ),
    "RC027": Code(
        severity="warning",
        title="A POST with cookies that other sites can send",
        when=(
            "A POST that a form can send takes cookies or HTTP authentication, and has neither a policy nor"
            " enforcement. It is an info if the cookie is optional, or if all cookies that the app sets are"
            " SameSite=Lax or Strict."
        ),
        why=(
            "Any page can send it with a form, as its visitor. Without a policy the page cannot read the"
            " response, but the request has already run."
        ),
        example="""\
from typing import Annotated
from fastapi import Cookie, FastAPI
from route_cors import install_cors

app = FastAPI()

@app.post("/logout")
async def logout(session: Annotated[str, Cookie()]): ...

install_cors(app)
""",
        fix="Refuse what other sites send before the endpoint runs: install_cors(app, enforce=True).",
        fixed="""\
from typing import Annotated
from fastapi import Cookie, FastAPI
from route_cors import install_cors

app = FastAPI()

@app.post("/logout")
async def logout(session: Annotated[str, Cookie()]): ...

install_cors(app, enforce=True)
""",
    ),
}
