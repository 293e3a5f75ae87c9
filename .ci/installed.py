"""An app, and preflights for it without a server: what route_cors does wherever it is installed.

`.ci/run` runs this outside of the checkout, where nothing else is installed but what route_cors depends on.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

from fastapi import FastAPI

import route_cors
from route_cors import cors, install_cors

OURS = "https://app.example.com"
CHECKOUT = Path(__file__).resolve().parents[1]

app = FastAPI()


@app.put("/notes/{note_id}")
@cors(origins=OURS)
async def save(note_id: int) -> None:
    """The one route."""


install_cors(app)


async def preflight(origin: str) -> tuple[int, str | None]:
    """The status of the response, and the origin that it allows."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {"host": "api.example.com", "origin": origin, "access-control-request-method": "PUT"}
    scope = {
        "type": "http",
        "method": "OPTIONS",
        "path": "/notes/7",
        "raw_path": b"/notes/7",
        "root_path": "",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await app(scope, receive, send)
    answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], answered.get("access-control-allow-origin")


def main() -> None:
    """Say what is wrong, and exit with 1."""
    where = Path(route_cors.__file__).resolve().parent
    if where.is_relative_to(CHECKOUT / "route_cors"):
        sys.exit(f"that is the checkout, and not an installed route_cors: {where}")
    answers = [asyncio.run(preflight(origin)) for origin in (OURS, "https://evil.example")]
    if answers != [(204, OURS), (403, None)]:
        sys.exit(f"wrong answers: {answers}")


if __name__ == "__main__":
    main()
