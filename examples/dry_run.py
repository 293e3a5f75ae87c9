"""Try policies next to CORSMiddleware: `install_cors(dry_run=True)` only reports what they would change.

    python examples/dry_run.py            serves the app, calls it, and prints the differences
    python examples/dry_run.py --check    the same; exits with 1 if they are not as expected

Copy the marked lines of `create_app`. The rest makes the calls, as browsers would; in production, your users
make them.
"""

import argparse
import contextlib
import itertools
import logging
from collections.abc import Iterable
from typing import Literal

import serving
import httpx
from fastapi import FastAPI, WebSocket
from starlette.middleware.cors import CORSMiddleware

from route_cors import CORSPolicy, cors, install_cors, no_cors
from route_cors.insight.dry_run import Differences
from route_cors.testing import Browser, CORSBlocked

OURS = "https://app.example.com"
ADMIN = "https://admin.example.com"
STRANGER = "https://stranger.example"

# --- The app ---------------------------------------------------------------------------------------------


def create_app(differences: Differences | None = None) -> FastAPI:
    """An API with a CORSMiddleware, and with the policies that are to replace it."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=[OURS, ADMIN],
        allow_methods=["GET", "POST"],
        allow_headers=["X-Token"],
        allow_credentials=True,
    )

    @app.get("/public/quotes")
    @cors(origins="*")  # new
    async def quotes() -> list[str]:
        return ["Simple is better than complex."]

    @app.put("/account/{account_id}")
    @cors(origins=[OURS], allow_headers=["X-Token", "Authorization"], allow_credentials=True)  # new
    async def save_account(account_id: int) -> int:
        return account_id

    @app.get("/internal/metrics")
    @no_cors  # new
    async def metrics() -> dict[str, int]:
        return {"requests": 7}

    @app.post("/orders")
    async def order() -> str:
        return "ordered"

    @app.websocket("/live")
    @cors(origins=[OURS])  # new
    async def live(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    install_cors(  # new: what `route-cors migrate` proposes, and dry_run=True
        app,
        default=CORSPolicy(
            origins=[OURS, ADMIN], methods=["GET", "POST"], allow_headers=["X-Token"], allow_credentials=True
        ),
        dry_run=True,
        on_decision=differences,
    )
    return app


# --- The demonstration -----------------------------------------------------------------------------------

CALLS = [
    ("GET", "/public/quotes"),
    ("PUT", "/account/7"),
    ("GET", "/internal/metrics"),
    ("POST", "/orders"),
]
MODES: tuple[Literal["same-origin", "include"], ...] = ("same-origin", "include")
HEADERS: tuple[dict[str, str], ...] = ({}, {"X-Token": "a"}, {"Authorization": "Bearer a"})

EXPECTED = """\
gains  GET  /public/quotes         https://stranger.example
gains  PUT  /account/{account_id}  https://app.example.com
loses  GET  /internal/metrics      https://admin.example.com
loses  GET  /internal/metrics      https://app.example.com
loses  GET  /public/quotes         https://admin.example.com
loses  GET  /public/quotes         https://app.example.com
loses  WS   /live                  https://admin.example.com
loses  WS   /live                  https://stranger.example
"""


def call(browser: Browser) -> None:
    """What pages of one origin do: calls with and without credentials and headers, and a websocket."""
    for (method, path), credentials, headers in itertools.product(CALLS, MODES, HEADERS):
        with contextlib.suppress(CORSBlocked):
            browser.fetch(path, method=method, credentials=credentials, headers=headers)
    with contextlib.suppress(CORSBlocked):
        browser.connect("/live")


def differences(origins: Iterable[str] = (OURS, ADMIN, STRANGER)) -> Differences:
    """What a dry run sees while pages of these origins, and programs without an Origin, call the app."""
    seen = Differences()
    with serving.listen(0) as listener, serving.running(create_app(seen), listener) as url:
        for origin in origins:
            call(Browser(url, origin=origin))
        for method, path in CALLS:
            httpx.request(method, url + path, trust_env=False)
    return seen


def main() -> int:
    """Print the differences; with `--check`, return 1 if they are not as expected."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="exit with 1 if they are not as expected")
    arguments = parser.parse_args()
    # The log would say the same.
    logging.getLogger("route_cors").addHandler(logging.NullHandler())
    rows = [*differences()]
    calls = {f"{row.change}  {row.method or 'WS':3}  {row.route:21}  {row.origin}" for row in rows}
    told = "".join(f"{line}\n" for line in sorted(calls))
    print(told, *sorted({f"{row.kind}: {row.why}" for row in rows}), sep="\n")
    return int(arguments.check and told != EXPECTED)


if __name__ == "__main__":
    serving.run(main)
