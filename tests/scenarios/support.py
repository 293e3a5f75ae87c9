"""Requests as browsers send them, what comes back as a browser would judge it, and what is to be expected."""

import warnings
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Scope

if TYPE_CHECKING:
    from starlette.testclient import TestClient

A = "https://a.example"
B = "https://b.example"
E = "https://evil.example"
HOST = "app.example"
OWN = f"http://{HOST}"

Endpoint = Callable[..., Awaitable[Response]]
Pairs = Iterable[tuple[str, str]]
# A status, and every header of CORS with what it says: nothing more and nothing less is compared.
Seen = tuple[int, dict[str, str]]

# Headers whose value is a list in any order, and whether case matters in it.
_LISTS = {
    "access-control-allow-headers": False,
    "access-control-allow-methods": True,
    "access-control-expose-headers": False,
    "vary": False,
}
ALWAYS = "accept, accept-language, content-language, content-type"
VARY_PREFLIGHT = "access-control-request-headers, access-control-request-method, origin"


@dataclass(frozen=True)
class Reply:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def seen(self) -> Seen:
        return self.status, cors_headers(self.headers)

    @property
    def text(self) -> str:
        return self.body.decode()

    def values(self, name: str) -> list[str]:
        return [value for sent, value in self.headers if sent == name]


def cors_headers(headers: Pairs) -> dict[str, str]:
    """Every `access-control-*` header, and Vary. One that came twice equals nothing expected."""
    lines: dict[str, list[str]] = {}
    for name, value in headers:
        if name.lower().startswith("access-control-") or name.lower() == "vary":
            lines.setdefault(name.lower(), []).append(value)
    return {name: _normal(name, values) for name, values in lines.items()}


def _normal(name: str, values: list[str]) -> str:
    if name == "vary":
        values = [", ".join(values)]
    if len(values) > 1:
        return f"{len(values)} times: {values}"
    if name not in _LISTS:
        return values[0]
    items = [item.strip() for item in values[0].split(",")]
    return ", ".join(sorted(items if _LISTS[name] else map(str.lower, items)))


# --- what is expected -----------------------------------------------------------------------------


def untouched(status: int) -> Seen:
    """No header of CORS, no Vary."""
    return status, {}


def blocked(status: int, *, vary: str = "origin") -> Seen:
    """An actual response that the page cannot read, and that caches keep apart; 403: it is enforced."""
    return status, {"vary": "origin, sec-fetch-site" if status == 403 else vary}


def readable(
    status: int, origin: str, *, credentials: bool = False, expose: str | None = None, vary: str | None = None
) -> Seen:
    """An actual response that the page can read. One for any origin varies by nothing."""
    headers = {"access-control-allow-origin": origin}
    if credentials:
        headers["access-control-allow-credentials"] = "true"
    if expose is not None:
        headers["access-control-expose-headers"] = expose
    if vary is None and origin != "*":
        vary = "origin"
    return status, headers if vary is None else {**headers, "vary": vary}


def granted(
    origin: str,
    *methods: str,
    names: str | None = ALWAYS,
    credentials: bool = False,
    max_age: str | None = "600",
) -> Seen:
    """A preflight that is answered with yes."""
    headers = {
        "access-control-allow-origin": origin,
        "access-control-allow-methods": ", ".join(sorted(methods)),
        "vary": VARY_PREFLIGHT,
    }
    if names is not None:
        headers["access-control-allow-headers"] = names
    if credentials:
        headers["access-control-allow-credentials"] = "true"
    if max_age is not None:
        headers["access-control-max-age"] = max_age
    return 204, headers


REFUSED: Seen = (403, {"vary": VARY_PREFLIGHT})


# --- requests -------------------------------------------------------------------------------------


async def send(  # the arguments are those of a request
    app: ASGIApp,
    method: str,
    path: str,
    *,
    origin: str | None = None,
    headers: Mapping[str, str] | None = None,
    base: str = OWN,
    **content: Any,
) -> Reply:
    """One request by httpx. The app's exceptions are a 500 here, as they are for a server."""
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    sent = {**(headers or {}), **({} if origin is None else {"Origin": origin})}
    async with httpx.AsyncClient(transport=transport, base_url=base, trust_env=False) as client:
        response = await client.request(method, path, headers=sent, **content)
    raw = tuple(
        (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers.raw
    )
    return Reply(response.status_code, raw, response.content)


def preflight_headers(method: str, asks: str | None = None) -> dict[str, str]:
    headers = {"Access-Control-Request-Method": method}
    return headers if asks is None else {**headers, "Access-Control-Request-Headers": asks}


async def preflight(
    app: ASGIApp, path: str, method: str = "GET", origin: str = A, *, asks: str | None = None
) -> Reply:
    return await send(app, "OPTIONS", path, origin=origin, headers=preflight_headers(method, asks))


def http_scope(
    method: str,
    path: str,
    headers: Iterable[tuple[bytes, bytes]],
    *,
    host: bytes = HOST.encode(),
    **more: Any,
) -> Scope:
    """What a server hands over, byte for byte: no client library puts it in order."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", host), *headers],
        "client": ("203.0.113.7", 50000),
        "server": (HOST, 80),
        **more,
    }


async def raw(app: ASGIApp, scope: Scope, body: bytes = b"") -> Reply:
    """One ASGI call. An exception that escapes fails the test, even where a response was sent before it."""
    incoming: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return incoming.pop() if incoming else {"type": "http.disconnect"}

    async def collect(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, collect)
    return reply_of(sent)


def reply_of(sent: list[Message]) -> Reply:
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert len(starts) == 1, f"{len(starts)} responses were started"
    pairs = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in starts[0]["headers"])
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return Reply(starts[0]["status"], pairs, body)


def preflight_scope(
    path: str, method: bytes, *origins: bytes, asks: Iterable[bytes] = (), **more: Any
) -> Scope:
    headers = [(b"origin", origin) for origin in origins]
    headers.append((b"access-control-request-method", method))
    headers += [(b"access-control-request-headers", line) for line in asks]
    return http_scope("OPTIONS", path, headers, **more)


def client_of(app: ASGIApp, base: str = OWN) -> "TestClient":
    with warnings.catch_warnings():
        # Starlette's newest prefers httpx2 and says so where only httpx is there.
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    return TestClient(app, base_url=base, raise_server_exceptions=False)


# --- endpoints ------------------------------------------------------------------------------------


def says(
    text: str = "served",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    calls: list[str] | None = None,
) -> Endpoint:
    """A new endpoint that answers so, and notes that it was called."""

    async def endpoint(request: Request) -> Response:
        if calls is not None:
            calls.append(text)
        return PlainTextResponse(text, status, headers)

    return endpoint


def raises(error: Exception) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        raise error

    return endpoint
