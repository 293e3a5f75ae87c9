"""The servers of all cases: sockets that say whatever a case makes them say, and note what was asked."""

from __future__ import annotations

import asyncio
import re
import threading
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Self

from .cases import Answer, Case, Headers, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

LOOPBACK: Final = "127.0.0.1"
BLANK: Final = "<!doctype html><title>front end</title><link rel=icon href='data:,'>"
FRAMED: Final = f"{BLANK}<iframe sandbox=allow-scripts src=/sandboxed></iframe>"
HTML: Final = ("Content-Type", "text/html")
# Of requests that are not part of a case: the pages themselves, and what sets the cookies of a host.
PAGES: Final = {
    "/": Answer(headers=(HTML,), body=FRAMED),
    "/sandboxed": Answer(headers=(HTML,), body=BLANK),
    "/top": Answer(headers=(HTML,), body=BLANK),
    "/sandboxed-top": Answer(
        headers=(HTML, ("Content-Security-Policy", "sandbox allow-scripts allow-forms")), body=BLANK
    ),
    "/cookies": Answer(
        headers=(
            HTML,
            ("Set-Cookie", "strict=1; SameSite=Strict; Path=/"),
            ("Set-Cookie", "lax=1; SameSite=Lax; Path=/"),
            ("Set-Cookie", "none=1; SameSite=None; Secure; Path=/"),
        ),
        body=BLANK,
    ),
}

# Neither the transport's own headers nor those a browser adds for other reasons.
RECORDED: Final = re.compile(
    r"origin|cookie|sec-fetch-(?:site|mode|dest|user)|authorization|range|accept|accept-language|content-(?:type|language|encoding|location)"
    r"|access-control-.*|cache-control|pragma|if-.*|save-data|dpr|.*\*.*|x-.*"
)
ECHOES: Final = {
    "<origin>": "origin",
    "<method>": "access-control-request-method",
    "<names>": "access-control-request-headers",
}
OUTSIDE: Final = b"HTTP/1.1 502 Outside\r\nContent-Length:0\r\n\r\n"
BODILESS: Final = frozenset({204, 304})


class _Running:
    """A case under way."""

    def __init__(self, case: Case) -> None:
        self.resources = {resource.at: resource for resource in case.resources}
        self.sent: list[Sent] = []
        self._asked: Counter[tuple[str, bool]] = Counter()

    def answer(self, request: Sent) -> Answer:
        self.sent.append(request)
        resource = self.resources.get(request.to.partition("?")[0])
        if resource is None:
            return Answer(404, body="no such resource")
        answers = resource.preflight if request.is_preflight else resource.actual
        which = resource.at, request.is_preflight
        self._asked[which] += 1
        return answers[min(self._asked[which], len(answers)) - 1]


class Servers:
    """Three listeners under seven origins, in an event loop of their own."""

    def __init__(self) -> None:
        self.origins: Mapping[str, str] = {}
        # What a browser says of itself, learned when it opens the page: no script asked for it.
        self.default_language: str | None = None
        self._running: dict[int, _Running] = {}
        self._pages: Mapping[str, Callable[[str], Answer]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._listeners: list[asyncio.Server] = []
        self._connections: set[asyncio.StreamWriter] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        ports = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        self.origins = {
            role: f"http://{LOOPBACK}:{port}" for role, port in zip(("page", "a", "b"), ports, strict=True)
        }
        self.origins |= {
            "far": f"http://localhost:{ports[1]}",
            "name": f"http://a.localhost:{ports[0]}",
            "below": f"http://b.a.localhost:{ports[1]}",
            "other": f"http://b.localhost:{ports[2]}",
        }
        self._roles = {origin.removeprefix("http://"): role for role, origin in self.origins.items()}
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> list[int]:
        self._listeners = [await asyncio.start_server(self._serve, LOOPBACK, 0) for _ in range(3)]
        return [listener.sockets[0].getsockname()[1] for listener in self._listeners]

    async def _close(self) -> None:
        for listener in self._listeners:
            listener.close()
        for connection in self._connections:
            connection.close()
        # The handlers end with their connections; a task that is still pending would be warned about.
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    # --- What the tests ask for

    @contextmanager
    def also_serving(self, pages: Mapping[str, Callable[[str], Answer]]) -> Iterator[None]:
        """Answer at these paths with what becomes of the request's body."""
        self._pages = pages
        try:
            yield
        finally:
            self._pages = {}

    def start(self, number: int, case: Case) -> None:
        """Answer for this case under a prefix of its own, from its first answers on."""
        self._running[number] = _Running(case)

    def take(self, number: int) -> tuple[Sent, ...]:
        """What was sent for a case that is over, with placeholders for what differs from run to run."""
        return tuple(self._running.pop(number).sent)

    def real(self, text: str, number: int) -> str:
        for role, origin in self.origins.items():
            text = text.replace(f"<{role}>", origin).replace(f"<{role}:host>", origin.removeprefix("http://"))
        return text.replace("<case>", f"/c{number}")

    def placeholders(self, text: str, number: int) -> str:
        for role, origin in self.origins.items():
            text = text.replace(origin, f"<{role}>")
        return re.sub(rf"/c{number}\b", "<case>", text)

    # --- HTTP

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                start, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
                method, target, _ = start.split(" ", 2)
                headers = [
                    (name.lower(), value.strip(" \t"))
                    for name, _, value in (line.partition(":") for line in lines)
                ]
                length = int(dict(headers).get("content-length", "0"))
                body = await reader.readexactly(length)
                if method == "CONNECT":
                    writer.write(self._connected(target))
                else:
                    path = self._path(target)
                    writer.write(self._respond(method, path, headers, body.decode("latin-1")))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the other side has gone
        finally:
            self._connections.discard(writer)
            writer.close()

    # Each listener is a proxy for all of them, and for nothing else.

    def _path(self, target: str) -> str:
        return re.sub(r"http://[^/?]*", "", target, count=1) if target.startswith("http:") else target

    def _connected(self, host: str) -> bytes:
        return b"HTTP/1.1 200 Connected\r\n\r\n" if host in self._roles else OUTSIDE

    def _respond(self, method: str, target: str, headers: list[tuple[str, str]], body: str) -> bytes:
        said = dict(headers)
        if said["host"] not in self._roles:
            return OUTSIDE
        of_a_case = re.fullmatch(r"/c(\d+)(/.*)", target)
        if of_a_case is None:
            self.default_language = said.get("accept-language")
            return _message(self._page(target.partition("?")[0], body), method)
        number = int(of_a_case[1])
        recorded: dict[str, str] = {}
        for name, value in headers:
            if RECORDED.fullmatch(name) and (name, value) != ("accept-language", self.default_language):
                # Whether a repeated header is one line or several makes no difference to a server.
                recorded[name] = f"{recorded[name]}, {value}" if name in recorded else value
        shown = tuple(sorted((name, self.placeholders(value, number)) for name, value in recorded.items()))
        request = Sent(
            self._roles[said["host"]] + self.placeholders(of_a_case[2], number), method, shown, body
        )
        answer = self._running[number].answer(request)
        return _message(self._filled(answer, said, number), method)

    def _page(self, path: str, body: str) -> Answer:
        if path in self._pages:
            return self._pages[path](body)
        return PAGES.get(path, Answer(headers=(HTML,), body=""))

    def _filled(self, answer: Answer, said: Mapping[str, str], number: int) -> Answer:
        lines: list[tuple[str, str]] = []
        for name, value in answer.headers:
            echoed = [
                (placeholder, said.get(header))
                for placeholder, header in ECHOES.items()
                if placeholder in value
            ]
            filled = self.real(value, number)
            for placeholder, heard in echoed:
                filled = filled.replace(placeholder, heard or "")
            if all(heard is not None for _, heard in echoed):
                lines.append((name, filled))
        return Answer(answer.status, tuple(lines), answer.body)


def _message(answer: Answer, method: str) -> bytes:
    body = b"" if answer.status in BODILESS else answer.body.encode()
    lines: Headers = answer.headers
    if not any(name.lower() == "cache-control" for name, _ in lines):
        # No browser's HTTP cache has a part in this.
        lines += (("Cache-Control", "no-store"),)
    if answer.status not in BODILESS:
        lines += (("Content-Length", str(len(body))),)
    head = f"HTTP/1.1 {answer.status} Status\r\n" + "".join(f"{name}:{value}\r\n" for name, value in lines)
    return head.encode("latin-1") + b"\r\n" + (b"" if method == "HEAD" else body)
