"""One API with public, private and internal endpoints, and two front ends that call it.

    python examples/mixed_api.py            then open the two printed pages in a browser
    python examples/mixed_api.py --check    the same calls without a browser
    ... --no-enforce                        either, with what enforcement keeps away

The API comes first and is the part to copy. The rest is the demonstration: the calls, the two pages and the
check.
"""

import argparse
import asyncio
import hashlib
import json
import secrets
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import parse_qs, parse_qsl

import httpx
import uvicorn
from fastapi import Body, Cookie, Depends, FastAPI, Header, HTTPException, Request, Response, WebSocket
from fastapi.responses import PlainTextResponse, StreamingResponse
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.types import ASGIApp

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors
from route_cors.testing import Browser, CORSBlocked

# --- The API ---------------------------------------------------------------------------------------------

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
    """A JSON body: the browser asks first, and needs no allow_headers for it."""
    return f"received: {text}"


@public.get("/transfers")
async def count_transfers() -> int:
    """How many there were: by this, both pages find out what their forms did."""
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

    # A form has no preflight and no policy of its own: the browser sends it from any page, with the cookie.
    # `install_cors(app, enforce=True)` stops the strangers' forms, as their pages are not named above.
    @account.post("/transfers", status_code=201)
    async def transfer(user: User, request: Request) -> PlainTextResponse:
        fields = parse_qs((await request.body()).decode(errors="replace"))
        TRANSFERS.append(f"{user} sent {fields['amount'][0]} to {fields['to'][0]}")
        return PlainTextResponse(TRANSFERS[-1], 201)

    # Nor has a text/plain POST a preflight. `enforce=True` here holds even where the app does not enforce;
    # else the note would be written, and the browser would only hide the response.
    @account.post("/notes", status_code=201)
    @cors(ours.evolve(enforce=True))
    async def add_note(user: User, request: Request) -> str:
        return f"noted for {user}: {(await request.body()).decode(errors='replace')}"

    # Browsers do not apply CORS to websockets: the policy is enforced at the handshake.
    @account.websocket("/chat")
    @cors(ours)
    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("welcome to the chat")
        await websocket.close()

    return account


def create_api(front_end: str, *, enforce: bool = True) -> FastAPI:
    """The whole API, for the front end at this origin; `enforce` is for the demonstration alone."""
    app = FastAPI(title="Mixed API")
    app.include_router(public)
    app.include_router(create_account(front_end))

    # For scrapers inside the network: no page should read it, not even ours.
    @app.get("/internal/metrics")
    @no_cors
    async def metrics() -> dict[str, int]:
        return {"sessions": len(SESSIONS)}

    # Protects every route from other pages, and lets the front end read the 500 of /account/report, which is
    # written outside the routes.
    install_cors(app, enforce=enforce)
    return app


# The API by itself, for `uvicorn` and `route-cors`: route-cors table examples/mixed_api.py
app = create_api(front_end="http://127.0.0.1:8001")

# --- The calls: what the pages run, what --check runs, what both expect ----------------------------------

BLOCKED_PREFLIGHT = "blocked at the preflight"
BLOCKED_RESPONSE = "blocked, answer withheld"
BLOCKED_HANDSHAKE = "blocked at the handshake"
BLOCKED_FORM = "blocked before the endpoint"
MONEY_SENT = "money sent"

SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})
SAFELISTED_CONTENT_TYPES = frozenset(
    {"application/x-www-form-urlencoded", "multipart/form-data", "text/plain"}
)

FrontEnd = Literal["trusted", "stranger"]
FRONT_ENDS: Sequence[FrontEnd] = ("trusted", "stranger")


@dataclass(frozen=True)
class Expected:
    """What the script of a page sees, and why."""

    outcome: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call that both pages make; without `stranger`, both should see the same result.

    `unprotected` is what the stranger sees without enforcement, where that differs.
    """

    title: str
    path: str
    trusted: Expected
    stranger: Expected | None = None
    unprotected: Expected | None = None
    method: str = "GET"
    kind: Literal["fetch", "form", "events", "websocket"] = "fetch"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    credentials: Literal["same-origin", "include"] = "same-origin"
    reads_header: str | None = None

    @property
    def unsafe_headers(self) -> frozenset[str]:
        """The headers that a preflight has to ask for."""
        return frozenset(
            name.lower()
            for name, value in self.headers.items()
            if name.lower() != "content-type" or value not in SAFELISTED_CONTENT_TYPES
        )

    @property
    def preflighted(self) -> bool:
        """Whether the browser asks before it sends the call."""
        return self.method not in SAFELISTED_METHODS or bool(self.unsafe_headers)

    def expected(self, front_end: FrontEnd, *, enforce: bool) -> Expected:
        """What the page of this front end should see."""
        if front_end == "trusted" or self.stranger is None:
            return self.trusted
        return self.stranger if enforce or self.unprotected is None else self.unprotected


JSON = {"Content-Type": "application/json"}
FILE = "quarterly figures"

CALLS: Sequence[Call] = (
    Call(
        title="Read the public quotes",
        path="/public/quotes",
        trusted=Expected("200", "The policy is “*”: every page may read them."),
    ),
    Call(
        title="Read them with credentials",
        path="/public/quotes",
        credentials="include",
        trusted=Expected(
            BLOCKED_RESPONSE, "“*” never goes with credentials: a public call is made without them."
        ),
    ),
    Call(
        title="Send public feedback",
        method="POST",
        path="/public/feedback",
        headers=JSON,
        body=json.dumps({"text": "nice quotes"}),
        trusted=Expected("201", "A JSON body makes the browser ask first; “*” says yes to every page."),
    ),
    Call(
        title="Log in",
        method="POST",
        path="/account/login",
        headers=JSON,
        body=json.dumps({"user": "ada"}),
        credentials="include",
        trusted=Expected("200", "The policy names this origin and grants credentials: the cookie is kept."),
        stranger=Expected(BLOCKED_PREFLIGHT, "The preflight got a 403: the login itself was never sent."),
    ),
    Call(
        title="Read the profile, with the cookie",
        path="/account/profile",
        credentials="include",
        trusted=Expected("200", "The cookie went along, and the policy names this origin."),
        stranger=Expected(
            BLOCKED_RESPONSE, "The call was sent, with the cookie if there is one; the answer stays hidden."
        ),
    ),
    Call(
        title="Read the profile, without the cookie",
        path="/account/profile",
        trusted=Expected("401", "Errors carry the policy as well: the script knows that it has to log in."),
        stranger=Expected(BLOCKED_RESPONSE, "The browser hid even the status."),
    ),
    Call(
        title="Upload a file",
        method="PUT",
        path="/account/files/report.txt",
        headers={"Content-Type": "text/plain", "X-Checksum": hashlib.sha256(FILE.encode()).hexdigest()},
        body=FILE,
        credentials="include",
        reads_header="ETag",
        trusted=Expected("201, ETag readable", "The preflight grants PUT and X-Checksum; ETag is exposed."),
        stranger=Expected(BLOCKED_PREFLIGHT, "The preflight got a 403: the file was never sent."),
    ),
    Call(
        title="Transfer money",
        kind="form",
        method="POST",
        path="/account/transfers",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        body="to=mallory&amount=100",
        credentials="include",
        trusted=Expected(MONEY_SENT, "The policy names the page that the form was on."),
        stranger=Expected(
            BLOCKED_FORM, "Enforcement: a 403 to the form of a page that the policy does not name."
        ),
        unprotected=Expected(MONEY_SENT, "No enforcement: the form came with the user's cookie, and it ran."),
    ),
    Call(
        title="Add a note",
        method="POST",
        path="/account/notes",
        headers={"Content-Type": "text/plain"},
        body="call the bank",
        credentials="include",
        trusted=Expected("201", "A text/plain POST needs no preflight; the policy names this origin."),
        stranger=Expected(
            BLOCKED_RESPONSE, "enforce=True: a 403 before the endpoint ran, no note was written."
        ),
    ),
    Call(
        title="Ask for a report that crashes",
        path="/account/report",
        credentials="include",
        trusted=Expected("500", "install_cors covers unhandled errors: the script sees that it was a 500."),
        stranger=Expected(BLOCKED_RESPONSE, "Errors are as private as the data: the browser hid it."),
    ),
    Call(
        title="Follow the live events",
        kind="events",
        path="/account/events",
        credentials="include",
        trusted=Expected("3 events", "A stream is an ordinary response: the policy names this origin."),
        stranger=Expected(BLOCKED_RESPONSE, "The browser closed the stream before the first event."),
    ),
    Call(
        title="Join the chat",
        kind="websocket",
        path="/account/chat",
        credentials="include",
        trusted=Expected("connected", "The handshake came from the origin that the policy names."),
        stranger=Expected(BLOCKED_HANDSHAKE, "The API refused the handshake with a 403."),
    ),
    Call(
        title="Read the internal metrics",
        path="/internal/metrics",
        trusted=Expected(
            BLOCKED_RESPONSE, "@no_cors: the API names no page, and the browser hid the answer from all."
        ),
    ),
)

# --- The two front ends -----------------------------------------------------------------------------------

PAGE = Path(__file__).with_name("front_end") / "index.html"


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


# --- The same calls without a browser ---------------------------------------------------------------------


STEPS = {"preflight": BLOCKED_PREFLIGHT, "actual": BLOCKED_RESPONSE, "websocket": BLOCKED_HANDSHAKE}


def form_outcome(page: Browser, call: Call) -> str:
    """Whether the form of this page did something; its script sees nothing of the answer."""
    before = page.fetch("/public/transfers").json()
    page.submit(call.path, data=parse_qsl(call.body or ""))
    return MONEY_SENT if page.fetch("/public/transfers").json() > before else BLOCKED_FORM


def outcome(page: Browser, call: Call) -> str:
    """What a script of this page sees of the call."""
    if call.kind == "form":
        return form_outcome(page, call)
    try:
        if call.kind == "websocket":
            page.connect(call.path)
            return "connected"
        response = page.fetch(
            call.path,
            method=call.method,
            headers=call.headers,
            content=call.body,
            credentials=call.credentials,
        )
    except CORSBlocked as blocked:
        return STEPS[blocked.step]
    if call.kind == "events":
        return f"{response.text.count('data: event')} events"
    if call.reads_header is None:
        return str(response.status_code)
    is_readable = call.reads_header in response.headers
    return f"{response.status_code}, {call.reads_header} {'readable' if is_readable else 'hidden'}"


def check(sites: Sites, *, enforce: bool) -> bool:
    """Make every call from both front ends; print the outcomes and whether they are as expected."""
    rows = [("call", "front end", "expected", "seen", "")]
    # One connection per call: after a crash, the server closes the connection some time after the response.
    alone = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=sites.api, trust_env=False, limits=alone) as client:
        # One browser for both: the stranger's calls send the cookie of the trusted login.
        trusted = Browser(client, origin=sites.trusted)
        pages = {"trusted": trusted, "stranger": trusted.page(origin=sites.stranger)}
        for front_end, call in product(FRONT_ENDS, CALLS):
            seen = outcome(pages[front_end], call)
            wanted = call.expected(front_end, enforce=enforce).outcome
            rows.append((call.title, front_end, wanted, seen, "" if seen == wanted else "UNEXPECTED"))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    calls = len(rows) - 1
    surprises = sum(row[-1] == "UNEXPECTED" for row in rows)
    print(f"\n{calls - surprises} of {calls} outcomes as expected")
    return surprises == 0


# --- The command ------------------------------------------------------------------------------------------

# One host name for all three: cookies know no ports, so the session cookie of the API goes along with the
# calls of both pages, and CORS alone decides which of them reads the answers. A number, because a browser
# may take "localhost" to be ::1, where another program can own the port.
HOST = "127.0.0.1"
PORTS = {"api": 8000, "trusted": 8001, "stranger": 8002}
UNPRIVILEGED = range(1024, 65536)


def create_parser() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description="An API with several CORS policies, and two front ends.")
    for name, default in PORTS.items():
        parser.add_argument(f"--{name}-port", metavar="PORT", help=f"default: {default}; 0: any free one")
    parser.add_argument(
        "--check",
        action="store_true",
        help="make the calls without a browser, on free ports; exit 1 when an outcome is not as expected",
    )
    parser.add_argument(
        "--no-enforce",
        action="store_false",
        dest="enforce",
        help="let the forms of strangers through, to see what they do",
    )
    return parser


def listen(port: str) -> socket.socket:
    """A socket that listens on this port."""
    number = int(port) if port.isascii() and port.isdigit() else -1
    if number != 0 and number not in UNPRIVILEGED:
        raise ValueError(f"{port!r} is not a port from 1024 to 65535, or 0 for any free one")
    return socket.create_server((HOST, number))


@contextmanager
def serving(app: ASGIApp, listener: socket.socket) -> Iterator[None]:
    """A running uvicorn."""
    # Critical only: one endpoint crashes on purpose, and its traceback would bury the addresses.
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=2)
    server = uvicorn.Server(config)
    # Outside the main thread uvicorn leaves the signals alone; three servers would fight for them.
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        yield
    finally:
        server.should_exit = True
        thread.join()


def stop_on_signals() -> threading.Event:
    """An event that Ctrl-C sets, in place of its traceback."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = create_parser()
    options = parser.parse_args(arguments)
    with ExitStack() as stack:
        listeners: dict[str, socket.socket] = {}
        for name, default in PORTS.items():
            port: str | None = getattr(options, f"{name}_port")
            if port is None:
                port = "0" if options.check else str(default)
            try:
                listeners[name] = stack.enter_context(listen(port))
            except (OSError, ValueError) as error:
                reason = error.strerror if isinstance(error, OSError) else error
                parser.exit(2, f"{parser.prog}: error: --{name}-port: {reason}\n")
        sites = Sites(**{name: f"http://{HOST}:{own.getsockname()[1]}" for name, own in listeners.items()})
        enforce: bool = options.enforce
        stack.enter_context(serving(create_api(sites.trusted, enforce=enforce), listeners["api"]))
        if options.check:
            return 0 if check(sites, enforce=enforce) else 1
        for front_end in FRONT_ENDS:
            app = create_front_end(front_end, sites, enforce=enforce)
            stack.enter_context(serving(app, listeners[front_end]))
        stop = stop_on_signals()
        print(f"API                {sites.api}")
        print(f"Trusted front end  {sites.trusted}")
        print(f"Stranger           {sites.stranger}")
        print("Open both pages in one browser. Ctrl-C stops.", flush=True)
        # With a timeout, because an endless wait keeps Windows from delivering the signal.
        while not stop.wait(0.2):
            pass
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
