"""The codes of origins that a policy allows, perhaps without intent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.codes.code import Code

if TYPE_CHECKING:
    from collections.abc import Mapping

ORIGINS: Final[Mapping[str, Code]] = {
    "RC006": Code(
        severity="warning",
        title="Credentials for every subdomain of a site",
        when=(
            "A policy with credentials has a pattern for all names under a site, https://*.example.com, or"
            " under a public suffix."
        ),
        why="One forgotten or rented subdomain, or one with an injected script, can act as your user.",
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/account")
@cors(origins="https://*.example.com", allow_credentials=True)
async def account(): ...

install_cors(app)
""",
        fix="Name the origins, or put those that vary under a name of their own.",
        fixed="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()
ours = ["https://app.example.com", "https://*.preview.example.com"]

@app.get("/account")
@cors(origins=ours, allow_credentials=True)
async def account(): ...

install_cors(app)
""",
    ),
    "RC007": Code(
        severity="warning",
        title="A regex that matches origins it was not written for",
        when=(
            "A regex allows credentials for origins of sites that anyone can register, or for subdomains of"
            " any depth. It is an info for a CORSMiddleware without credentials."
        ),
        why=(
            "Anyone who registers a domain that the regex matches can read the responses, and with"
            " credentials act as your user."
        ),
        example="""\
import re
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/account")
@cors(origins=re.compile(r"https://.*example\\.com"), allow_credentials=True)
async def account(): ...

install_cors(app)
""",
        fix="Write [a-z0-9-]+ for the variable part, escape the dots, and end with your own domain.",
        fixed="""\
import re
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()
previews = re.compile(r"https://[a-z0-9-]+\\.preview\\.example\\.com")

@app.get("/account")
@cors(origins=previews, allow_credentials=True)
async def account(): ...

install_cors(app)
""",
    ),
    "RC009": Code(
        severity="warning",
        title="An http origin that is not localhost",
        when="An origin, pattern or regex allows http: pages of a host other than the visitor's own machine.",
        why=(
            "Anyone on the visitor's network can put a script into an http page, and use the page's rights."
        ),
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/quotes")
@cors(origins=["http://app.example.com"])
async def quotes(): ...

install_cors(app)
""",
        fix="Serve the page by https, and write https: in its origin.",
        fixed="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/quotes")
@cors(origins=["https://app.example.com"])
async def quotes(): ...

install_cors(app)
""",
    ),
    "RC033": Code(
        severity="info",
        title="An origin that every app of its kind has",
        when=(
            "Credentials are allowed for an origin such as capacitor://localhost, which every app made with"
            " Capacitor, Ionic or Tauri has by default."
        ),
        why=(
            "All apps of that kind have the same origin: any of them on the device, not only yours, may"
            " call with it."
        ),
        example="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/account")
@cors(origins="capacitor://localhost", allow_credentials=True)
async def account(): ...

install_cors(app)
""",
        fix=(
            "Give the app a host name of its own (in Capacitor: server.hostname) and name that origin, or"
            " authenticate by a token in a header."
        ),
        fixed="""\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI()

@app.get("/account")
@cors(origins="capacitor://notes.example.com", allow_credentials=True)
async def account(): ...

install_cors(app)
""",
    ),
}
