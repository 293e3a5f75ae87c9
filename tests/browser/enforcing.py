"""An app that enforces, the pages that send requests to it, and every way in which they can."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

import live_server
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from route_cors import CORSPolicy, cors, install_cors, no_cors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send
    from starlette.websockets import WebSocket


BLANK: Final = "<!doctype html><title>page</title><link rel=icon href='data:,'>"
# The letters of the tables: the policy at each path.
PATHS: Final = {
    "n": "/named",
    "w": "/wildcard",
    "c": "/wildcard-with-cookies",
    "0": "/without-policy",
    "x": "/no-cors",
    "f": "/not-enforced",
}


@dataclass(frozen=True)
class Arrived:
    """A request as it reached the server, and what became of it."""

    method: str
    headers: Mapping[str, str]
    status: int
    ran: bool

    @property
    def outcome(self) -> str:
        """`ran`, `refused`, or what else it was."""
        known = {(200, True): "ran", (101, True): "ran", (403, False): "refused"}
        return known.get((self.status, self.ran), f"{self.status}, ran={self.ran}")


def status_of(first: Message) -> int:
    """The status of an answer that starts with this message."""
    if first["type"] == "http.response.start":
        return int(first["status"])
    return 101 if first["type"] == "websocket.accept" else 403


class Watched(live_server.Server):
    """A live server that notes the requests with `case` in their query, but for preflights."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app)
        self.port = self.url.rpartition(":")[2]
        self.arrived: defaultdict[str, list[Arrived]] = defaultdict(list)
        self._changed = threading.Condition()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        (case,) = parse_qs(scope["query_string"].decode()).get("case", [""])
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        method = scope.get("method", "WS")
        if not case or (method == "OPTIONS" and "access-control-request-method" in headers):
            await self.app(scope, receive, send)
            return
        noted = {**scope, "ran": []}
        is_noted = False

        async def send_noting(message: Message) -> None:
            nonlocal is_noted
            # Before the answer: whoever has got it finds the request here.
            if not is_noted:
                is_noted = True
                self._note(case, Arrived(method, headers, status_of(message), bool(noted["ran"])))
            await send(message)

        await self.app(noted, receive, send_noting)

    def _note(self, case: str, arrived: Arrived) -> None:
        with self._changed:
            self.arrived[case].append(arrived)
            self._changed.notify_all()

    def wait_for(self, cases: Iterable[str]) -> None:
        """Return when all of these have arrived, or when nothing more does."""
        missing = set(cases)
        with self._changed:
            while missing := {case for case in missing if case not in self.arrived}:
                if not self._changed.wait(timeout=10):
                    return

    def seen(self, case: str) -> tuple[list[str], list[Mapping[str, str]]]:
        """What became of the requests of a case, and what the browser said of their sender."""
        names = ("sec-fetch-site", "origin", "cookie", "host")
        arrived = self.arrived[case]
        return (
            [f"{each.method} {each.outcome}" for each in arrived],
            [{name: each.headers[name] for name in names if name in each.headers} for each in arrived],
        )


# --- The app


async def endpoint(request: Request) -> Response:
    request.scope["ran"].append(True)
    return PlainTextResponse("ran", headers={"Cache-Control": "no-store"})


async def socket(websocket: WebSocket) -> None:
    websocket.scope["ran"].append(True)
    await websocket.accept()
    await websocket.close()


async def hop(request: Request) -> Response:
    """A redirect to wherever the query says, which any page may read."""
    headers = {
        "Cache-Control": "no-store",
        "Access-Control-Allow-Origin": request.headers.get("origin", "*"),
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Allow-Methods": "PUT",
    }
    if request.method == "OPTIONS":
        return Response(headers=headers)
    return RedirectResponse(request.query_params["to"], request.path_params["status"], headers)


async def blank(_: Request) -> Response:
    return HTMLResponse(BLANK)


async def violating(request: Request) -> Response:
    """A page that breaks its own Content-Security-Policy once, which the browser reports to an URL."""
    policy = f"img-src data:; report-uri {request.query_params['report']}"
    return HTMLResponse(f"{BLANK}<img src=/x>", headers={"Content-Security-Policy": policy})


async def cookies(_: Request) -> Response:
    """A cookie that browsers send with the requests of every page, to all paths but that of `w`."""
    response = HTMLResponse(BLANK)
    for letter, path in PATHS.items():
        if letter != "w":
            response.set_cookie(letter, "1", path=path, samesite="none", secure=True)
    return response


WORKERS: Final = {
    "passing-on": "fetch(event.request)",
    "asking-anew": """event.request.mode === "navigate"
        ? fetch(event.request.url, { method: event.request.method, credentials: "include" })
        : fetch(event.request)""",
}


async def worker(request: Request) -> Response:
    """A service worker that answers everything by what the server says."""
    script = f"""
        self.addEventListener("install", () => self.skipWaiting());
        self.addEventListener("activate", event => event.waitUntil(clients.claim()));
        self.addEventListener("fetch", event => event.respondWith({WORKERS[request.path_params["name"]]}));
    """
    headers = {"Service-Worker-Allowed": "/"}
    return Response(script, headers=headers, media_type="text/javascript")


PAGES: Final = [Route("/", blank), Route("/violating", violating), Route("/cookies", cookies)]


def front_end() -> Starlette:
    """The pages of all other origins; it redirects, too."""
    return Starlette(
        routes=[*PAGES, Route("/hop/{status:int}", hop, methods=["GET", "POST", "PUT", "OPTIONS"])]
    )


def enforcing_app(allowed: Iterable[str]) -> Starlette:
    """One path for each policy; it names these origins."""
    named = CORSPolicy(origins=allowed, allow_credentials=True, dangerously_allow_insecure_origins=True)
    anyone, exempt = CORSPolicy(origins="*"), named.evolve(enforce=False)
    attach: dict[str, Callable[[Any], Any]] = {
        "n": cors(named),
        "w": cors(anyone),
        "c": cors(anyone),
        "x": no_cors,
        "f": cors(exempt),
    }
    routes: list[Any] = [
        *PAGES,
        Route("/worker/{name}.js", worker),
        Route("/hop/{status:int}", cors(exempt)(hop), methods=["GET", "POST", "PUT", "OPTIONS"]),
    ]
    for letter, path in PATHS.items():
        attached = attach.get(letter, _as_it_is)
        # Each its own object: a policy is attached to it.
        routes += [
            Route(path, attached(_of_its_own(endpoint)), methods=["GET", "POST", "PUT"]),
            WebSocketRoute(f"{path}/socket", attached(_of_its_own(socket))),
        ]
    app = Starlette(routes=routes)
    install_cors(app, enforce=True)
    return app


def _as_it_is(function: Any) -> Any:
    return function


def _of_its_own(function: Any) -> Any:
    async def call(connection: Any) -> Any:
        return await function(connection)

    return call


# --- The pages

# The ways of a page to send a request without leaving it. Frames and beacons tell nobody when they are done.
SEND: Final = """async cases => {
    const add = (name, properties) =>
        document.body.appendChild(Object.assign(document.createElement(name), properties));
    const loaded = (name, properties) => new Promise(resolve =>
        add(name, { ...properties, onload: resolve, onerror: resolve }));
    const html = text => text.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
    const form = (url, properties) => {
        const name = url, { searchParams } = new URL(url);
        add("iframe", { name });
        const form = add("form", { action: url, target: name, ...properties });
        if (properties.method === "get")
            form.append(Object.assign(document.createElement("input"), {
                name: "case", value: searchParams.get("case") }));
        form.submit();
    };
    // A document of its own in a frame: its form has no other way to get a policy or an opaque origin.
    const framed = (url, head, sandbox) => {
        const frame = document.createElement("iframe");
        if (sandbox) frame.sandbox = sandbox;
        frame.srcdoc = `${head}<form method=post action="${html(url)}"></form>`
            + "<script>document.forms[0].submit()</scr" + "ipt>";
        document.body.append(frame);
    };
    const ask = (url, init) => fetch(url, init).catch(() => {});
    const through = (hop, url) => hop + encodeURIComponent(url);
    const ways = {
        form: (url, enctype) => form(url, { method: "post", enctype }),
        "form get": url => form(url, { method: "get" }),
        "form no-referrer": url => framed(url, "<meta name=referrer content=no-referrer>"),
        "form sandboxed": url => framed(url, "", "allow-forms allow-scripts"),
        link: url => {
            add("iframe", { name: url });
            add("a", { href: url, target: url }).click();
        },
        ping: url => {
            add("iframe", { name: url });
            add("a", { href: "/", target: url, ping: url }).click();
        },
        image: url => loaded("img", { src: url }),
        "image crossorigin": (url, crossOrigin) => loaded("img", { crossOrigin, src: url }),
        script: url => loaded("script", { src: url }),
        beacon: url => { navigator.sendBeacon(url, "text"); },
        "csp report": url => { add("iframe", { src: "/violating?report=" + encodeURIComponent(url) }); },
        events: url => new Promise(resolve => {
            const events = new EventSource(url, { withCredentials: true });
            events.onerror = () => resolve(events.close());
        }),
        websocket: url => new Promise(resolve => {
            const socket = new WebSocket(url.replace("http", "ws").replace("?", "/socket?"));
            socket.onclose = resolve;
        }),
        fetch: (url, init) => ask(url, { credentials: "include", ...init }),
    };
    await Promise.all(cases.map(({ way, url, argument, hop }) =>
        ways[way](hop ? through(hop, url) : url, argument)));
}"""


# Return when the worker has taken over.
REGISTER: Final = """async script => {
    const taken = new Promise(resolve =>
        navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true }));
    await navigator.serviceWorker.register(script, { scope: "/" });
    await taken;
}"""
UNREGISTER: Final = """async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.unregister();
}"""


@dataclass(frozen=True)
class Way:
    """How a page sends a request: one of those above, with its argument, and through which redirect."""

    by: str
    argument: Any = None
    # "own 307": through the app itself.
    hop: str | None = None


def sent(way: Way, url: str, hops: Mapping[str, str]) -> dict[str, Any]:
    """A case as the script above takes it; `hops` are origins by name."""
    hop = None
    if way.hop is not None:
        whose, status = way.hop.split()
        hop = f"{hops[whose]}/hop/{status}?to="
    return {"way": way.by, "url": url, "argument": way.argument, "hop": hop}


def submit_to(url: str) -> str:
    """A script with which a page leaves itself for the answer to its form."""
    return f"""
        const form = document.createElement("form");
        Object.assign(form, {{ method: "post", action: {json.dumps(url)} }});
        document.body.append(form);
        form.submit();
    """
