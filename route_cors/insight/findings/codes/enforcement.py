"""The codes of enforcement that leaves a route out, or that a proxy makes refuse the app's own pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

ENFORCEMENT: Final[Mapping[str, Code]] = {
    "RC028": Code(
        severity="warning",
        title="enforce=False on a route that takes cookies",
        when=(
            "The layer enforces, but the policy of a POST that a form can send says enforce=False, and the"
            " route takes cookies or HTTP authentication. It is an info if only its policy allows"
            " credentials."
        ),
        why=(
            "Any page can send it with a form, as its visitor. Routes without cookies, such as webhooks,"
            " are what enforce=False is for."
        ),
        example="""\
from typing import Annotated
from fastapi import Cookie, FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.post("/logout")
@cors(origins=["https://app.example.com"], enforce=False)
async def logout(session: Annotated[str, Cookie()]): ...

install_cors(app, enforce=True)
""",
        fix="Leave enforce=False out.",
        fixed="""\
from typing import Annotated
from fastapi import Cookie, FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.post("/logout")
@cors(origins=["https://app.example.com"])
async def logout(session: Annotated[str, Cookie()]): ...

install_cors(app, enforce=True)
""",
    ),
    "RC029": Code(
        severity="info",
        title="Enforcement that may not know the app's own origin",
        when=(
            "The layer enforces, and root_path or ProxyHeadersMiddleware shows that a proxy is in front of"
            " the app, but nothing in front of the layer trusts the headers of the proxy."
        ),
        why=(
            "Browsers from before 2023, and all browsers over plain http, send no Sec-Fetch-Site. Their"
            " Origin is then compared with the scheme and host of the request, as the server or a proxy left"
            " them."
        ),
        example="""\
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from route_cors import install_cors

app = FastAPI()

@app.post("/notes")
async def add(): ...

app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=["10.0.0.1"])
install_cors(app, enforce=True)
""",
        fix=(
            "Trust the proxy around the whole app, as here, or with uvicorn --proxy-headers"
            " --forwarded-allow-ips=ADDRESS."
        ),
        fixed="""\
from fastapi import FastAPI
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware
from route_cors import install_cors

api = FastAPI()

@api.post("/notes")
async def add(): ...

install_cors(api, enforce=True)
app = ProxyHeadersMiddleware(api, trusted_hosts=["10.0.0.1"])
""",
    ),
}
