"""Origins from another service, with an ETag: the list is only sent again after a change.

    python examples/live_http.py https://config.example.com/origins.json
    curl -i -H 'Origin: https://partner.example' http://127.0.0.1:8000/

The service answers with a JSON list of origins.
"""

import os
import sys
from http import HTTPStatus

import serving
import httpx
from fastapi import FastAPI

from route_cors import CORSPolicy, LiveOrigins, install_cors


class Origins:
    """The list at a URL, and its last ETag."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._etag = ""
        self._members: list[str] = []

    async def __call__(self) -> list[str]:
        """The members, which are fetched again if they have changed."""
        headers = {"If-None-Match": self._etag} if self._etag else {}
        async with httpx.AsyncClient(timeout=5) as client:
            answer = await client.get(self._url, headers=headers)
        if answer.status_code != HTTPStatus.NOT_MODIFIED:
            # An error page is a failure, so that the set stays as it is.
            answer.raise_for_status()
            self._members = answer.json()
            self._etag = answer.headers.get("etag", "")
        return self._members


def create_app(url: str, every: float = 10) -> FastAPI:
    """An app that allows the origins at that URL."""
    live = LiveOrigins(Origins(url), every=every)
    app = FastAPI()
    install_cors(app, default=CORSPolicy(origins=live))

    @app.get("/")
    async def members() -> list[str]:
        return list(live.origins)

    return app


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("name the URL of a JSON list of origins: https://config.example.com/origins.json")
    serving.serve(create_app(sys.argv[1], float(os.environ.get("EVERY", "10"))))
