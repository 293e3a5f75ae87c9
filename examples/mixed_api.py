"""One API with public, private and internal endpoints: the example to copy.

    python examples/mixed_api.py            serves it and two front ends; open their pages in a browser
    python examples/mixed_api.py --check    makes the same calls without a browser
    ... --no-enforce                        either, without enforcement, to see what it prevents

The front ends, and the calls that they make, are in the directory demonstration.
"""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import parse_qs

import serving
from fastapi import Body, Cookie, Depends, FastAPI, Header, HTTPException, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

SESSIONS: dict[str, str] = {}
TRANSFERS: list[str] = []


async def current_user(session: Annotated[str | None, Cookie()] = None) -> str:
    """The user that the session cookie belongs to."""
    if session is None or session not in SESSIONS:
        raise HTTPException(401, "log in first")
    return SESSIONS[session]


User = Annotated[str, Depends(current_user)]

# The same for everybody, without cookies: other origins may read all of it.
public = CORSRouter(prefix="/public", cors=CORSPolicy(origins="*"))


@public.get("/quotes")
async def quotes() -> list[str]:
    """Quotes for every page that wants some."""
    return ["Simple is better than complex.", "Readability counts."]


@public.post("/feedback", status_code=201)
async def feedback(text: Annotated[str, Body(embed=True)]) -> str:
    """A JSON body needs a preflight, but no allow_headers."""
    return f"received: {text}"


@public.get("/transfers")
async def count_transfers() -> int:
    """How many there were: it shows both pages what their forms did."""
    return len(TRANSFERS)


async def three_events(user: str) -> AsyncIterator[str]:
    """Server-sent events."""
    for number in range(1, 4):
        yield f"data: event {number} for {user}\n\n"
        await asyncio.sleep(0.1)
    yield "event: end\ndata: end\n\n"


def create_account(front_end: str) -> CORSRouter:
    """The routes with data of a user; `front_end` is the origin of the only web app that may read it."""
    # A browser adds the session cookie to every call, from any page, so the policy names the origin.
    ours = CORSPolicy(origins=front_end, allow_credentials=True)
    account = CORSRouter(prefix="/account", cors=ours)

    @account.post("/login")
    async def login(user: Annotated[str, Body(embed=True)], response: Response) -> str:
        session = secrets.token_urlsafe()
        SESSIONS[session] = user
        response.set_cookie("session", session, httponly=True, samesite="lax")
        return f"hello, {user}"

    @account.get("/profile")
    async def profile(user: User) -> dict[str, str]:
        return {"user": user, "plan": "gold"}

    @account.get("/report")
    async def report(user: User) -> None:
        raise RuntimeError(f"the report of {user} crashes on purpose")

    @account.get("/events")
    async def events(user: User) -> StreamingResponse:
        return StreamingResponse(three_events(user), media_type="text/event-stream")

    # Only this endpoint uses custom headers, one in each direction, so no other endpoint grants them.
    @account.put("/files/{name}", status_code=201)
    @cors(ours.evolve(allow_headers=["X-Checksum"], expose_headers=["ETag"]))
    async def upload(
        name: str, user: User, request: Request, response: Response, x_checksum: Annotated[str, Header()]
    ) -> str:
        checksum = hashlib.sha256(await request.body()).hexdigest()
        if x_checksum != checksum:
            raise HTTPException(400, "the file does not match its checksum")
        response.headers["ETag"] = f'"{checksum[:12]}"'
        return f"{user}/{name}"

    # A form has no preflight: the browser sends it from any page, with the cookie. `enforce=True` below
    # refuses the forms of strangers, as the policy does not name their pages.
    @account.post("/transfers", status_code=201)
    async def transfer(user: User, request: Request) -> PlainTextResponse:
        fields = parse_qs((await request.body()).decode(errors="replace"))
        TRANSFERS.append(f"{user} sent {fields['amount'][0]} to {fields['to'][0]}")
        return PlainTextResponse(TRANSFERS[-1], 201)

    # A text/plain POST has no preflight either. `enforce=True` here applies even if the app does not enforce.
    @account.post("/notes", status_code=201)
    @cors(ours.evolve(enforce=True))
    async def add_note(user: User, request: Request) -> str:
        return f"noted for {user}: {(await request.body()).decode(errors='replace')}"

    # Browsers do not apply CORS to websockets: the router's policy is enforced at the handshake.
    @account.websocket("/chat")
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("welcome to the chat")
        await websocket.close()

    return account


def create_api(front_end: str, *, enforce: bool = True) -> FastAPI:
    """The whole API, for the front end at this origin."""
    app = FastAPI(title="Mixed API")
    app.include_router(public)
    app.include_router(create_account(front_end))

    # For scrapers inside the network: no page should read it, not even ours.
    @app.get("/internal/metrics")
    @no_cors
    async def metrics() -> dict[str, int]:
        return {"sessions": len(SESSIONS)}

    # The front end can also read the 500 of /account/report, which is made outside of the routes.
    install_cors(app, enforce=enforce)
    return app


app = create_api(front_end="http://127.0.0.1:8001")

if __name__ == "__main__":
    from demonstration import main

    serving.run(lambda: main(create_api))
