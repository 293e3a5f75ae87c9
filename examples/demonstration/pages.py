"""The two front ends: one page, which gets the calls as JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from demonstration.calls import CALLS, FrontEnd

__all__ = ["Sites", "create_front_end"]

PAGE = Path(__file__).with_name("index.html")


@dataclass(frozen=True)
class Sites:
    """The three origins."""

    api: str
    trusted: str
    stranger: str

    def front_end(self, front_end: FrontEnd) -> str:
        """The origin of this front end."""
        return self.trusted if front_end == "trusted" else self.stranger


def create_front_end(front_end: FrontEnd, sites: Sites, *, enforce: bool) -> Starlette:
    """The site of a front end: one page, which gets the calls as JSON."""
    site = {
        "name": front_end,
        "enforce": enforce,
        "sites": asdict(sites),
        "calls": [
            asdict(call)
            | {
                "preflighted": call.preflighted,
                "expected": asdict(call.expected(front_end, enforce=enforce)),
            }
            for call in CALLS
        ],
    }
    # Escaped, so that no text of a call can end the script element.
    html = PAGE.read_text(encoding="utf-8").replace("{{ site }}", json.dumps(site).replace("<", "\\u003c"))

    async def index(_: Request) -> HTMLResponse:
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    return Starlette(routes=[Route("/", index)])
