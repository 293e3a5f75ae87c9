"""`route-cors probe`: what a browser would do at a running server."""

from __future__ import annotations

import json
import socket
import sys
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from io import StringIO
from typing import TYPE_CHECKING, Any, get_args

import pytest
from fastapi import FastAPI
from hypothesis import given, settings
from hypothesis import strategies as st
from live_server import HOST, Server
from starlette.middleware.cors import CORSMiddleware

from route_cors import cors, install_cors
from route_cors.cli.errors import CommandError
from route_cors.cli.options import Engine
from route_cors.cli.probe import show_probe
from route_cors.cli.text import Screen
from route_cors.testing.engines import EngineName

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

    from .support import Workplace

A = "https://app.example.com"
E = "https://evil.example"
FROM_A = ("--origin", A)
HELD_BACK = (
    "Allowed by the preflight: a browser would send the PUT next. It was not sent here. Whether the page "
    "could read the response is known only with --send, which sends it."
)
ALLOWED = "Allowed: the page can read the response."
NOT_READABLE = "Blocked at the response: the request is sent, but the page may not read the response."


@dataclass
class Recorder:
    """An app, and the requests that it got."""

    app: ASGIApp
    scopes: list[Scope] = field(default_factory=list)

    @property
    def log(self) -> list[str]:
        return [f"{scope['method']} {scope['path']}" for scope in self.scopes]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scopes.append(scope)
        await self.app(scope, receive, send)


@dataclass
class Answers:
    """An app whose responses are written out, by method and path."""

    answers: Mapping[str, tuple[int, list[tuple[str, str]]]]
    body: bytes = b""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        status, headers = self.answers[f"{scope['method']} {scope['path']}"]
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        await send({"type": "http.response.start", "status": status, "headers": raw})
        await send({"type": "http.response.body", "body": self.body})


def shop() -> FastAPI:
    app = FastAPI()

    @app.put("/account/{number}")
    @cors(origins=A, allow_credentials=True, allow_headers=["X-Token"])
    async def save(number: int) -> int:
        return number

    @app.get("/public")
    @cors(origins="*")
    async def public() -> str:
        return "public"

    @app.get("/plain")
    async def plain() -> str:
        return "plain"

    @app.post("/plain")
    async def add() -> str:
        return "added"

    install_cors(app)
    return app


@pytest.fixture(scope="module")
def running() -> Iterator[Server]:
    with Server(shop()) as server:
        yield server


@pytest.fixture
def serve(running: Server) -> Any:
    def put(app: ASGIApp) -> Recorder:
        recorder = Recorder(app)
        running.app = recorder
        return recorder

    put.url = running.url  # type: ignore[attr-defined]
    return put


@dataclass
class RawServer:
    """A server that answers one request with these bytes, and then repeats others, waits, or hangs up."""

    answer: bytes
    then: bytes = b""
    closes: bool = False
    repeated: int = 0

    @contextmanager
    def running(self) -> Iterator[str]:
        with socket.create_server((HOST, 0)) as listener:
            thread = threading.Thread(target=self._serve, args=(listener,))
            thread.start()
            yield f"http://{HOST}:{listener.getsockname()[1]}"
            # It ends when the command has closed its connection.
            thread.join()

    def _serve(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(ConnectionError):
            connection.recv(65536)
            connection.sendall(self.answer)
            while self.then and self.repeated < MOST_REPEATED:
                connection.sendall(self.then)
                self.repeated += 1
            while not self.closes and connection.recv(65536):
                pass


# More than the buffers of a connection hold: 20 MB of 64 KB each.
MOST_REPEATED = 320


# ------------------------------------------------------------------------------------------ the verdict


def test_the_preflight_alone_is_sent_of_what_changes_something(workplace: Workplace, serve: Any) -> None:
    app = serve(shop())
    arguments = ("--method", "put", "--header", "X-Token", "--credentials")
    run = workplace.run("probe", f"{serve.url}/account/7", *FROM_A, *arguments)
    assert (run.code, run.err) == (0, "")
    assert (
        run.out
        == f"""\
{HELD_BACK}
There were no cookies to send: for a user who is logged in the response may differ.

1. Preflight  OPTIONS {serve.url}/account/7
      Access-Control-Request-Method: PUT
      Access-Control-Request-Headers: x-token
      Origin: https://app.example.com
      Sec-Fetch-Site: cross-site
    answer: 204
      access-control-allow-origin: https://app.example.com
      access-control-allow-credentials: true
      access-control-allow-methods: PUT
      access-control-allow-headers: Accept, Accept-Language, Content-Language, Content-Type, X-Token
      access-control-max-age: 600
      vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers
"""
    )
    assert app.log == ["OPTIONS /account/7"]


def test_the_request_is_sent_too_if_that_is_asked_for(workplace: Workplace, serve: Any) -> None:
    app = serve(shop())
    arguments = ("-X", "PUT", "-H", "X-Token: secret", "-c", "--send")
    run = workplace.run("probe", f"{serve.url}/account/7", *FROM_A, *arguments)
    assert (run.code, run.lines[0]) == (0, ALLOWED)
    assert run.out.endswith(f"""
2. Request  PUT {serve.url}/account/7
      X-Token: secret
      Origin: https://app.example.com
      Sec-Fetch-Site: cross-site
    answer: 200
      access-control-allow-origin: https://app.example.com
      access-control-allow-credentials: true
      vary: Origin
""")
    assert app.log == ["OPTIONS /account/7", "PUT /account/7"]
    assert [dict(scope["headers"])[b"user-agent"] for scope in app.scopes] == [b"route-cors"] * 2


def test_a_refused_preflight(workplace: Workplace, serve: Any) -> None:
    app = serve(shop())
    run = workplace.run("probe", f"{serve.url}/account/7", "--origin", E, "-X", "PUT", "--send")
    assert (run.code, run.err) == (1, "")
    assert (
        run.out
        == f"""\
Blocked at the preflight: no request follows it.

1. Preflight  OPTIONS {serve.url}/account/7
      Access-Control-Request-Method: PUT
      Origin: https://evil.example
      Sec-Fetch-Site: cross-site
    answer: 403
      vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers

Why
    the policy refuses the preflight (origin): origins=["https://evil.example"]

What Chrome's console says
    Access to fetch at '{serve.url}/account/7' from origin 'https://evil.example' has been blocked by CORS \
policy: Response to preflight request doesn't pass access control check: No 'Access-Control-Allow-Origin' \
header is present on the requested resource.

What would allow it, as headers
    204 No Content
    Access-Control-Allow-Origin: https://evil.example
    Access-Control-Allow-Methods: PUT
"""
    )
    assert app.log == ["OPTIONS /account/7"]


def test_a_simple_request_that_changes_something(workplace: Workplace, serve: Any) -> None:
    app = serve(shop())
    url = f"{serve.url}/plain"
    run = workplace.run("probe", url, *FROM_A, "-X", "POST")
    assert (run.code, run.err) == (3, "")
    assert run.out == (
        "Not known: a browser would send the POST at once, without a preflight. Whether the page could read "
        "the response is known only with --send, which sends it.\n"
    )
    assert app.log == []
    sent = workplace.run("probe", url, *FROM_A, "-X", "POST", "--send")
    assert (sent.code, sent.lines[0]) == (1, NOT_READABLE)
    assert app.log == ["POST /plain"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_what_changes_nothing_is_sent(workplace: Workplace, serve: Any, method: str) -> None:
    grants = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "*")]
    app = serve(Answers({f"{method} /": (200, grants), "OPTIONS /": (200, grants)}))
    run = workplace.run("probe", serve.url, *FROM_A, "--method", method)
    assert (run.code, run.lines[0]) == (0, ALLOWED)
    assert app.log == [*["OPTIONS /"] * (method == "OPTIONS"), f"{method} /"]


def test_a_server_without_cors(workplace: Workplace, serve: Any) -> None:
    serve(FastAPI())
    run = workplace.run("probe", f"{serve.url}/openapi.json", *FROM_A)
    assert (run.code, run.lines[0]) == (1, NOT_READABLE)
    assert f'Why\n    the response allows no origin: origins=["{A}"]\n' in run.out
    refused = workplace.run("probe", f"{serve.url}/openapi.json", *FROM_A, "-H", "X-Token")
    assert refused.code == 1
    assert '(405) allows no origin: origins=["https://app.example.com"], allow_headers=["X-Token"]\n' in (
        refused.out
    )


def test_starlettes_middleware(workplace: Workplace, serve: Any) -> None:
    serve(CORSMiddleware(shop(), allow_origins=[A], allow_methods=["PUT"]))
    assert workplace.run("probe", f"{serve.url}/plain", *FROM_A).code == 0
    put = workplace.run("probe", f"{serve.url}/account/7", *FROM_A, "-X", "PUT")
    assert (put.code, put.lines[0]) == (0, HELD_BACK)
    header = workplace.run("probe", f"{serve.url}/account/7", *FROM_A, "-X", "PUT", "-H", "X-Other")
    assert header.code == 1
    assert 'the policy refuses the preflight (headers): allow_headers=["X-Other"]\n' in header.out
    stranger = workplace.run("probe", f"{serve.url}/plain", "--origin", E)
    assert (stranger.code, stranger.lines[0]) == (1, NOT_READABLE)


@pytest.mark.parametrize(("headers", "code"), [([], 1), ([("Access-Control-Allow-Origin", A)], 0)])
def test_an_error_of_the_server_is_readable_as_any_other_response(
    workplace: Workplace, serve: Any, headers: list[tuple[str, str]], code: int
) -> None:
    serve(Answers({"GET /": (500, headers)}))
    run = workplace.run("probe", serve.url, *FROM_A)
    assert run.code == code
    assert "    answer: 500\n" in run.out
    assert ("the response (500) allows no origin" in run.out) is bool(code)


def test_an_engine_is_played_where_it_differs(workplace: Workplace, serve: Any) -> None:
    grants = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Headers", "*")]
    serve(Answers({"OPTIONS /": (200, grants), "GET /": (200, grants)}))
    call = ("probe", serve.url, *FROM_A, "--header", "Authorization")
    assert [workplace.run(*call, "--engine", name).code for name in ("standard", "chromium")] == [1, 0]
    assert workplace.run(*call).code == 1
    assert workplace.run(*call, "--engine", "lynx").code == 2


# --------------------------------------------------------------------------------------------- remarks


def test_a_page_of_the_servers_own_origin(workplace: Workplace, serve: Any) -> None:
    serve(shop())
    run = workplace.run("probe", f"{serve.url}/plain", "--origin", serve.url)
    assert (run.code, run.lines[:2]) == (
        0,
        [ALLOWED, "The page is of the server's own origin, where CORS does not apply."],
    )


def test_a_header_that_no_script_can_set(workplace: Workplace, serve: Any) -> None:
    app = serve(shop())
    run = workplace.run(
        "probe", f"{serve.url}/public", *FROM_A, "-H", "Cookie: a=b", "-H", "Accept: text/html"
    )
    assert (run.code, run.lines[:2]) == (
        0,
        [ALLOWED, "--header Cookie: no script can set it, so it was not sent."],
    )
    assert "      Accept: text/html\n" in run.out
    assert b"cookie" not in dict(app.scopes[0]["headers"])


def test_redirects_are_told(workplace: Workplace, serve: Any) -> None:
    readable = ("Access-Control-Allow-Origin", "*")
    with Server(Answers({"GET /there": (200, [readable])})) as other:
        serve(
            Answers(
                {
                    "GET /old": (307, [readable, ("Location", "/new")]),
                    "GET /new": (302, [readable, ("Location", f"{other.url}/there")]),
                }
            )
        )
        run = workplace.run("probe", f"{serve.url}/old", *FROM_A)
        assert (run.code, run.lines[:3]) == (
            0,
            [
                ALLOWED,
                f"Redirected within its origin: {serve.url}/new",
                f"Redirected to another origin: {other.url}/there",
            ],
        )
        assert (
            f"    answer: 302\n      Access-Control-Allow-Origin: *\n      Location: {other.url}/there\n"
            in run.out
        )
        assert f"3. Request  GET {other.url}/there\n      Origin: null\n" in run.out


def test_a_redirect_that_no_browser_follows(workplace: Workplace, serve: Any) -> None:
    serve(
        Answers({"GET /": (302, [("Access-Control-Allow-Origin", "*"), ("Location", "javascript:alert(1)")])})
    )
    run = workplace.run("probe", serve.url, *FROM_A)
    assert (run.code, run.lines[0]) == (1, "Blocked at a redirect, which a browser does not follow.")
    assert "Why\n    the redirect leads to the scheme javascript: a Location of http or https\n" in run.out


# -------------------------------------------------------------------------------------------- as data


def test_as_data(workplace: Workplace, serve: Any) -> None:
    serve(shop())
    run = workplace.run("probe", f"{serve.url}/plain", *FROM_A, "--json")
    assert run.code == 1
    assert json.loads(run.out) == {
        "call": {
            "url": f"{serve.url}/plain",
            "method": "GET",
            "origin": A,
            "credentials": False,
            "engine": "standard",
        },
        "allowed": False,
        "verdict": NOT_READABLE,
        "remarks": [],
        "steps": [
            {
                "name": "actual",
                "request": f"GET {serve.url}/plain",
                "request_headers": [["Origin", A], ["Sec-Fetch-Site", "cross-site"]],
                "status": 200,
                "response_headers": [],
            }
        ],
        "cause": f'the response allows no origin: origins=["{A}"]',
        "reason": f"Access to fetch at '{serve.url}/plain' from origin '{A}' has been blocked by CORS "
        "policy: No 'Access-Control-Allow-Origin' header is present on the requested resource.",
        "fix": [f"Access-Control-Allow-Origin: {A}"],
    }
    held_back = json.loads(workplace.run("probe", f"{serve.url}/plain", *FROM_A, "-X", "POST", "--json").out)
    assert [held_back[name] for name in ("allowed", "steps", "cause", "reason", "fix")] == [
        None,
        [],
        None,
        None,
        None,
    ]


# ---------------------------------------------------------------------------- what servers may answer


def test_secrets_are_shortened(workplace: Workplace, serve: Any) -> None:
    grants = [("Access-Control-Allow-Origin", A), ("Access-Control-Allow-Headers", "authorization")]
    serve(
        Answers(
            {"OPTIONS /": (200, grants), "GET /": (200, [*grants, ("Set-Cookie", "id=hidden")])}, b"hidden"
        )
    )
    for as_data in ((), ("--json",)):
        run = workplace.run("probe", serve.url, *FROM_A, "-H", "Authorization: Bearer hidden", *as_data)
        assert run.code == 0
        assert "<13 characters>" in run.out
        assert "hidden" not in run.out


def test_control_characters_are_escaped(workplace: Workplace, serve: Any) -> None:
    serve(
        Answers({"GET /": (200, [("Access-Control-Allow-Origin", "\x1b[31mé\x9b\x7f"), ("X-Other", "\x1b")])})
    )
    run = workplace.run("probe", serve.url, *FROM_A)
    assert run.code == 1
    assert "      Access-Control-Allow-Origin: \\x1b[31mé\\x9b\\x7f\n" in run.out
    assert "X-Other" not in run.out
    assert all(line.isprintable() for line in run.lines)
    data = workplace.run("probe", serve.url, *FROM_A, "--json").out
    assert data.isascii()
    assert json.loads(data)["steps"][0]["response_headers"] == [
        ["Access-Control-Allow-Origin", "\x1b[31mé\x9b\x7f"]
    ]


def test_long_headers_and_many_of_them_are_cut(workplace: Workplace, serve: Any) -> None:
    serve(Answers({"GET /": (200, [("Access-Control-Allow-Origin", "x" * 65536)])}))
    run = workplace.run("probe", serve.url, *FROM_A)
    assert run.code == 1
    assert f"      Access-Control-Allow-Origin: {'x' * 999}…\n" in run.out
    assert max(map(len, run.lines)) < 1100
    serve(Answers({"GET /": (200, [("Access-Control-Allow-Origin", "*"), *[("Vary", "a")] * 50])}))
    many = workplace.run("probe", serve.url, *FROM_A)
    assert many.code == 0
    assert many.out.endswith("      Vary: a\n" * 19 + "      …: 31 more\n")
    data = json.loads(workplace.run("probe", serve.url, *FROM_A, "--json").out)
    assert data["steps"][0]["response_headers"][-2:] == [["Vary", "a"], ["…", "31 more"]]


HEAD = b"HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\n"


def test_a_body_that_does_not_end(workplace: Workplace) -> None:
    server = RawServer(HEAD + b"\r\n", then=b"x" * 65536)
    with server.running() as url:
        assert workplace.run("probe", url, *FROM_A).code == 0
    assert server.repeated < MOST_REPEATED


def test_a_body_that_does_not_begin(workplace: Workplace) -> None:
    with RawServer(HEAD + b"Content-Length: 5\r\n\r\n").running() as url:
        assert workplace.run("probe", url, *FROM_A, "--timeout", "1").code == 0


def test_a_body_that_breaks_off(workplace: Workplace) -> None:
    with RawServer(HEAD + b"Content-Length: 500\r\n\r\nxx", closes=True).running() as url:
        assert workplace.run("probe", url, *FROM_A).code == 0


@pytest.mark.parametrize(
    ("headers", "cause"),
    [
        (b"", "the policy refuses the request (origin)"),
        (b"Content-Encoding: gzip\r\n", "the response allows no origin"),
    ],
)
def test_a_compressed_body_is_left_alone(workplace: Workplace, headers: bytes, cause: str) -> None:
    """A few bytes of it may stand for gigabytes. The headers say enough."""
    body = b"Content-Length: 23\r\n\r\nDisallowed CORS origin."
    with RawServer(b"HTTP/1.1 200 OK\r\n" + headers + body).running() as url:
        run = workplace.run("probe", url, *FROM_A)
    assert run.code == 1
    assert f"Why\n    {cause}" in run.out


@given(
    status=st.integers(200, 599),
    values=st.lists(st.text(st.characters(max_codepoint=255), max_size=300), max_size=3),
    name=st.sampled_from(["Access-Control-Allow-Origin", "Access-Control-Allow-Headers", "Location", "Vary"]),
    body=st.binary(max_size=50) | st.just(b"Disallowed CORS \x1b[31m, origin"),
)
@settings(max_examples=60)
def test_nothing_that_a_server_answers_is_a_fault(
    running: Server, status: int, values: list[str], name: str, body: bytes
) -> None:
    """A header that is none ends in uvicorn's 500."""
    # A redirect stays at this server.
    before = "/" if name == "Location" else ""
    headers = [("Access-Control-Allow-Origin", "*"), *((name, f"{before}a{value}") for value in values)]
    answer = (status, headers)
    running.app = Answers({"OPTIONS /": answer, "GET /": answer}, b"" if status in {204, 304} else body)
    out = StringIO()
    try:
        code = show_probe(
            Screen.of(out),
            running.url,
            origin=A,
            method="GET",
            headers=["X-Token"],
            credentials=False,
            engine="standard",
            timeout=10,
            sends=False,
            as_data=False,
        )
    except CommandError:
        return
    assert code in {0, 1}
    assert all(line.isprintable() and len(line) < 1100 for line in out.getvalue().split("\n"))


# ------------------------------------------------------------------------------ what cannot be asked


def refused(workplace: Workplace, url: str, *arguments: str) -> str:
    return workplace.refused("probe", url, *FROM_A, *arguments)


def test_what_is_not_the_url_of_a_server(workplace: Workplace) -> None:
    assert refused(workplace, "/account/7") == (
        "'/account/7' is not a URL: write https://api.example.com/path"
    )
    assert refused(workplace, "ftp://a.example/\x1b") == (
        "'ftp://a.example/\\x1b': only http and https URLs have CORS: write https://..."
    )
    said = refused(workplace, "https://ada:hidden@a.example/")
    assert said == "the URL has a username or password in it, which browsers refuse to fetch: remove it"
    assert len(refused(workplace, "x" * 5000)) < 250


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("-X", "A B"), "method: 'A B' is not a valid HTTP method"),
        (("-X", "TRACE"), "method: 'TRACE': browsers do not let scripts send CONNECT, TRACE and TRACK"),
        (("-H", "no name: 1"), "--header 'no name: 1': write 'Name: value', or only the name"),
        (
            ("-H", "X: €"),
            "headers: 'X': '€' contains a line break, a NUL or a character outside of Latin-1",
        ),
        (
            ("--origin", f"{A}/"),
            f"--origin '{A}/': a trailing slash: an origin ends with its host or port: write {A}",
        ),
    ],
)
def test_what_no_browser_sends(workplace: Workplace, arguments: tuple[str, ...], said: str) -> None:
    assert refused(workplace, "https://a.example", *arguments) == said


@pytest.mark.parametrize("seconds", ["0", "-1", "601", "nan", "soon"])
def test_a_timeout_is_a_number_of_seconds(workplace: Workplace, seconds: str) -> None:
    run = workplace.run("probe", "http://127.0.0.1:9", *FROM_A, "--timeout", seconds)
    assert (run.code, run.out) == (2, "")
    assert "--timeout" in run.err


def test_a_server_that_is_not_there(workplace: Workplace) -> None:
    # Bound and not listening: nobody else can take the port, and nobody answers.
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        url = f"http://{HOST}:{taken.getsockname()[1]}/a"
        assert refused(workplace, url) == f"GET {url}: the connection was refused"
        assert refused(workplace, url, "-X", "PUT") == f"OPTIONS {url}: the connection was refused"


def test_a_host_that_does_not_exist(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    # Longer than the name of any host may be, so that no other machine is asked.
    host = f"{'a' * 64}.invalid"
    said = refused(workplace, f"http://{host}/")
    assert said.startswith(f"GET http://{host}/: there is no such host (")


def test_a_server_without_tls(workplace: Workplace, serve: Any) -> None:
    url = serve.url.replace("http:", "https:")
    assert refused(workplace, url).startswith(f"GET {url}/: TLS failed: ")


def test_a_server_that_does_not_answer(workplace: Workplace) -> None:
    with RawServer(b"HTTP/1.1 200 OK\r\nX-Slow: ").running() as url:
        said = refused(workplace, url, "--timeout", "1")
    assert said == f"GET {url}/: no response within 1 s; --timeout waits longer"


@pytest.mark.parametrize("answer", [b"", b"\x1b[31m\xff\r\n\r\n", b"HTTP/1.1 99999 \r\n\r\n"])
def test_a_server_of_something_else(workplace: Workplace, answer: bytes) -> None:
    with RawServer(answer, closes=True).running() as url:
        said = refused(workplace, url)
    assert said.startswith(f"GET {url}/: RemoteProtocolError: ")
    assert said.isprintable()


def test_a_long_url_is_shortened(workplace: Workplace) -> None:
    said = refused(workplace, f"http://{HOST}:9/{'a' * 2000}")
    assert said.startswith(f"GET http://{HOST}:9/aaa")
    assert said.endswith("… (2019 characters): the connection was refused")
    assert refused(workplace, f"http://{HOST}:9/{'a' * 70000}") == "InvalidURL: URL too long"


def test_a_proxy_that_is_none(workplace: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "gopher://proxy.example")
    assert "gopher" in refused(workplace, "https://a.example")


def test_a_proxy_is_asked_for_what_is_elsewhere(
    workplace: Workplace, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = serve(Answers({"GET http://api.example/notes": (200, [("Access-Control-Allow-Origin", "*")])}))
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", serve.url)
    assert workplace.run("probe", "http://api.example/notes", *FROM_A).code == 0
    assert [dict(scope["headers"])[b"host"] for scope in app.scopes] == [b"api.example"]


def test_no_proxy_is_asked_for_this_machine(
    workplace: Workplace, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(shop())
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", f"http://{HOST}:9")  # nobody listens there
    assert workplace.run("probe", f"{serve.url}/public", *FROM_A).code == 0


def test_either_library_of_requests_will_do(
    workplace: Workplace, serve: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(shop())
    monkeypatch.setitem(sys.modules, "httpx", None)
    assert workplace.run("probe", f"{serve.url}/public", *FROM_A).code == 0
    monkeypatch.setitem(sys.modules, "httpx2", None)
    assert refused(workplace, f"{serve.url}/public") == (
        "route_cors.testing needs httpx or httpx2 here: pip install 'route-cors[testing]'"
    )


def test_every_engine_can_be_named() -> None:
    """The command has them by itself: its help does not load the browser."""
    assert [each.value for each in Engine] == [*get_args(EngineName)]
