"""The inspector over ASGI: what it answers, to whom, and what it never gives away."""

import base64
import contextlib
import functools
import hashlib
import inspect
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import urlencode

import anyio
import pytest
from asgi import Reply, ask, http_scope, websocket_scope
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Security
from fastapi.responses import JSONResponse, RedirectResponse
from fastapi.security import (
    APIKeyHeader,
    HTTPAuthorizationCredentials,
    HTTPBasic,
    HTTPBasicCredentials,
    OAuth2PasswordBearer,
    OAuth2PasswordRequestForm,
    SecurityScopes,
)
from hypothesis import given
from hypothesis import strategies as st
from interpreters import printed_by
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from route_cors import CORSPolicy, cors, install_cors, no_cors, policy_of
from route_cors.cli.arguments import page_origin
from route_cors.cli.errors import CommandError
from route_cors.decisions import escaped
from route_cors.insight import Call, report
from route_cors.insight.access import ANY_OTHER_ORIGIN, STRANGER
from route_cors.insight.explain import explain
from route_cors.insight.inspector import inspector

A = "https://a.example"
B = "https://b.example"
STRICT = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
NO_BASE_URL = "is not a base URL: write scheme, host and port, and a path if the API is behind one: "
REFUSED = {"detail": "you may not look at this page"}


async def item(item_id: int) -> None:
    """An endpoint."""


def everybody(request: Request) -> bool:
    return True


def an_app(**arguments: Any) -> FastAPI:
    """One route, without those of the documentation."""
    app = FastAPI(openapi_url=None, **arguments)
    app.add_api_route(
        "/items/{item_id}",
        cors(origins=[A, B], allow_credentials=True, allow_headers=["X-Token"])(functools.partial(item)),
        methods=["PUT"],
    )
    install_cors(app)
    return app


def get(app: ASGIApp, path: str, query: str = "", method: str = "GET", **headers: str) -> Reply:
    """A request; `sec_fetch_site="…"` is a header."""
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return ask(app, http_scope(method, path, sent, query_string=query.encode()))


def inspected(allow: Any = everybody, **arguments: Any) -> FastAPI:
    app = an_app(**arguments)
    app.mount("/cors", inspector(app, allow=allow))
    return app


def headers_of(reply: Reply) -> dict[str, str]:
    assert len({name for name, _ in reply.headers}) == len(reply.headers)
    return {name.decode().lower(): value.decode("latin-1") for name, value in reply.headers}


def security_policy(reply: Reply) -> dict[str, str]:
    directives = headers_of(reply)["content-security-policy"].split("; ")
    return dict(directive.split(" ", 1) for directive in directives)


def source_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# --- the page -------------------------------------------------------------------------------------


def test_the_page_and_all_its_headers() -> None:
    reply = get(inspected(), "/cors/")
    html = reply.body.decode()
    (style,) = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)

    assert reply.status == 200
    assert html.startswith("<!doctype html>\n")
    assert headers_of(reply) == {
        **STRICT,
        # The app's layer closes it to every other origin.
        "content-type": "text/html; charset=utf-8",
        "content-length": str(len(reply.body)),
        "content-security-policy": (
            f"default-src 'none'; script-src {source_of(script)}; style-src {source_of(style)}; "
            "img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
        ),
    }


def test_the_page_asks_for_no_other_file_and_writes_no_markup() -> None:
    html = get(inspected(), "/cors/").body.decode()

    assert re.findall(r"""\b(?:src|action)\s*=|\bimport\b\s*[("']|@import|url\(""", html) == []
    assert [link for link in re.findall(r'href="([^"]*)"', html) if not link.startswith(("#", "data:"))] == []
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|new Function|\son\w+=", html)
        == []
    )
    assert "{{" not in html


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/cors/", 200),
        ("HEAD", "/cors/", 200),
        ("GET", "/cors/data.json", 200),
        ("HEAD", "/cors/data.json", 200),
        ("GET", "/cors/access.json", 400),
        ("GET", "/cors/explain.json", 400),
        ("GET", "/cors/nothing", 404),
        ("GET", "/cors/data.json/", 404),
        ("POST", "/cors/", 405),
        ("PUT", "/cors/data.json", 405),
        ("DELETE", "/cors/access.json", 405),
        ("PATCH", "/cors/explain.json", 405),
        ("OPTIONS", "/cors/", 405),
    ],
)
def test_every_answer_is_strict_and_none_writes(method: str, path: str, status: int) -> None:
    reply = get(inspected(), path, method=method)

    assert reply.status == status
    assert headers_of(reply).items() >= STRICT.items()
    assert security_policy(reply)["default-src"] == "'none'"
    if status == 405:
        assert set(headers_of(reply)["allow"].split(", ")) == {"GET", "HEAD"}


def test_where_it_is_mounted_makes_no_difference() -> None:
    inner = an_app()
    inner.mount("/a/cors", inspector(inner, allow=everybody))
    outer = Starlette(routes=[Mount("/v1", inner)])

    assert get(inner, "/a/cors/data.json").status == 200
    assert get(outer, "/v1/a/cors/data.json").status == 200
    assert get(outer, "/v1/a/cors/").status == 200
    redirect = get(inner, "/a/cors")
    assert (redirect.status, headers_of(redirect)["location"]) == (307, "https://api.example/a/cors/")


def test_served_alone_it_answers_at_the_root() -> None:
    alone = inspector(an_app(), allow=everybody, base_urls=["http://127.0.0.1:9000"])

    assert get(alone, "/").status == 200
    assert json.loads(get(alone, "/data.json").body)["base_urls"] == ["http://127.0.0.1:9000"]


def test_what_is_no_http_is_refused() -> None:
    app = inspected()

    async def handshake(messages: list[Any]) -> None:
        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            messages.append(message)

        await app(websocket_scope("/cors/"), receive, send)

    messages: list[Any] = []
    anyio.run(handshake, messages)
    assert [message["type"] for message in messages] == ["websocket.close"]


# --- the report -----------------------------------------------------------------------------------


def test_the_data_of_a_small_app() -> None:
    data = json.loads(get(inspected(title="Items"), "/cors/data.json", host="localhost:8000").body)
    shown = data["routes"][0]

    assert set(data) == {
        *("version", "title", "routes", "findings", "groups", "columns", "more_origins"),
        *("base_path", "base_urls"),
    }
    assert {name: shown[name] for name in ("path", "methods", "kind", "source", "takes_effect", "words")} == {
        "path": "/items/{item_id}",
        "methods": ["PUT"],
        "kind": "http",
        "source": "endpoint",
        "takes_effect": True,
        "words": {
            "kind": "some",
            "origins": f"{A}, {B}",
            "rest": "credentials; headers X-Token",
            "others": [],
        },
    }
    assert [route["path"] for route in data["routes"]] == ["/items/{item_id}", "/cors"]
    assert data["groups"] == [{"kind": "other", "name": "Routes", "routes": [0, 1]}]
    assert data["columns"] == [
        {"caption": ANY_OTHER_ORIGIN, "origin": STRANGER, "access": [["no", False], ["no", False]]},
        {"origin": A, "access": [["yes", True], ["no", False]]},
        {"origin": B, "access": [["yes", True], ["no", False]]},
    ]
    assert (data["version"], data["title"], data["more_origins"]) == (1, "Items", [])
    # From https, behind its own name: an API of two names.
    assert (data["base_path"], data["base_urls"]) == ("", ["https://127.0.0.1:8000"])


def test_the_routes_and_findings_are_those_of_the_report() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a", functools.partial(item))
    app.add_api_route("/b", cors(origins=A)(functools.partial(item)))
    told = report(app).to_dict()

    shown = inspector(app, allow=everybody)
    data = json.loads(get(shown, "/data.json").body)

    for route in data["routes"]:
        del route["words"]
    assert data["routes"] == told["routes"]
    linked = [(finding["code"], finding.pop("route")) for finding in data["findings"]]
    assert ("RC001", 1) in linked
    assert data["findings"] == told["findings"]


def test_a_finding_about_the_app_is_linked_to_no_route() -> None:
    app = Starlette(routes=[Route("/", cors(origins=A)(PlainTextResponse("")))])
    install_cors(app)
    app.add_middleware(CORSMiddleware, allow_origins=["*"])

    data = json.loads(get(inspector(app, allow=everybody), "/data.json").body)

    about_the_app = [finding for finding in data["findings"] if finding["path"] is None]
    assert about_the_app
    assert {finding["route"] for finding in about_the_app} == {None}


def test_the_most_used_origins_come_first_and_the_rest_are_named() -> None:
    app = Starlette()
    for number in range(10):
        origins = [f"https://{letter}.example" for letter in "abcdefghij"[: number + 1]]
        app.router.routes.append(Route(f"/{number}", cors(origins=origins)(PlainTextResponse("")), name="x"))
    app.router.routes.append(
        WebSocketRoute("/ws", cors(origins="https://j.example")(functools.partial(item)))
    )
    app.router.routes.append(Route("/closed", no_cors(PlainTextResponse(""))))
    app.router.routes.append(
        Route("/any", cors(origins=["https://*.k.example", re.compile("x")])(PlainTextResponse("")))
    )
    install_cors(app)

    data = json.loads(get(inspector(app, allow=everybody), "/data.json").body)

    # j is named by two routes, as i is: then by name.
    assert [column["origin"] for column in data["columns"]] == [
        STRANGER,
        *(f"https://{x}.example" for x in "abcdefgh"),
    ]
    assert data["more_origins"] == ["https://i.example", "https://j.example"]
    assert data["columns"][8]["access"] == [
        *[["no", False]] * 7,
        *[["yes", False]] * 3,
        *[["no", False]] * 3,
    ]


class Guess:
    def __init__(self, app: ASGIApp) -> None:
        raise AssertionError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError


def test_what_layers_of_others_do() -> None:
    app = Starlette(routes=[Route("/a", PlainTextResponse(""))])
    app.add_middleware(CORSMiddleware, allow_origins=[A, "*.example", B], allow_credentials=True)
    bare = Starlette(routes=[Mount("/sub", app)])
    bare.add_middleware(CORSMiddleware, allow_origins="https://c.example")
    shown = inspector(bare, allow=everybody)

    data = json.loads(get(shown, "/data.json").body)
    outer = "CORSMiddleware: any part of the text 'https://c.example'; methods GET"
    assert data["routes"][1]["words"] == {
        "kind": "others",
        "origins": "no policy",
        "rest": "",
        "others": [outer, f"CORSMiddleware: {A}, *.example, {B}; credentials; methods GET"],
    }
    assert data["columns"][1:] == [
        {"origin": A, "access": [["yes", True]] * 2},
        {"origin": B, "access": [["yes", True]] * 2},
        {"origin": "https://c.example", "access": [["yes", True]] * 2},
    ]
    app.add_middleware(Guess)
    column = json.loads(get(shown, "/access.json", f"origin={A}").body)
    assert column["access"] == [["unknown", False]] * 2
    # Nobody is named by it.
    assert len(json.loads(get(shown, "/data.json").body)["columns"]) == 1 + 3
    told = get(shown, "/explain.json", urlencode({"method": "GET", "path": "/sub/a", "origin": A}))
    assert json.loads(told.body)["allowed"] is None


def test_what_one_origin_may_do() -> None:
    def asks(origin: str, connection: object) -> bool:
        return False

    app = FastAPI(openapi_url=None)
    app.add_api_route("/any", cors(origins="*")(functools.partial(item)))
    app.add_api_route("/a", cors(origins=A)(functools.partial(item)))
    app.add_api_route("/asks", cors(origins=asks)(functools.partial(item)))
    install_cors(app)
    shown = inspector(app, allow=everybody)

    def answer(query: str) -> Any:
        return json.loads(get(shown, "/access.json", query).body)

    no, yes, it_asks = ["no", False], ["yes", False], ["asks", False]
    assert answer(f"origin={A}") == {"version": 1, "origin": A, "access": [yes, yes, it_asks]}
    assert answer(f"origin={B}") == {"version": 1, "origin": B, "access": [yes, no, it_asks]}
    assert answer("origin=null") == {"version": 1, "origin": "null", "access": [yes, no, no]}


SLASH_AND_CASE = (
    "'https://A.example/': a trailing slash: an origin ends with its host or port; upper case: browsers send "
    "origins in lower case: write https://a.example"
)
NO_SCHEME = 'no scheme: an origin is "scheme://host" or "scheme://host:port"'
NO_HOST = (
    "Unicode in the host: browsers send it as Punycode; a character that is not allowed in a host: "
    'only letters, digits, "-", "_" and "." are'
)


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("", "missing: write origin=… once"),
        (f"origin={A}&origin={B}", "more than one: write origin=… once"),
        ("origin=", "'': an empty string is not an origin"),
        ("origin=https://A.example/", SLASH_AND_CASE),
        ("origin=*", "'*': a pattern: name one origin, as a browser would send it"),
        ("origin=%3Cscript%3E%E2%80%AE", f"'<script>\\u202e': {NO_SCHEME}; {NO_HOST}"),
        (
            f"origin=https://{'a' * 5000}",
            f"'https://{'a' * 92}…': longer than 512 characters, which no origin is",
        ),
    ],
)
def test_what_is_no_origin_is_said_to_be_none(query: str, reason: str) -> None:
    reply = get(inspected(), "/cors/access.json", query)

    assert (reply.status, json.loads(reply.body)) == (
        400,
        {"detail": f"origin: {reason}", "parameter": "origin", "reason": reason},
    )


@given(
    st.text(max_size=600) | st.from_regex(r"(https?|chrome-extension|app)://[a-z.0-9-]{0,20}(:[0-9]{0,6})?/?")
)
def test_the_page_and_the_command_say_the_same_of_an_origin(typed: str) -> None:
    reply = get(HOSTILE, "/access.json", urlencode({"origin": typed}, errors="replace"))
    told = json.loads(reply.body)

    if reply.status == 200:
        assert (told["origin"], page_origin(typed)) == (typed, typed)
        return
    with pytest.raises(CommandError) as refused:
        page_origin(typed.encode(errors="replace").decode())
    assert (reply.status, f"--origin {told['reason']}") == (400, str(refused.value))


def test_an_origin_that_no_app_names_is_the_first_column() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/any", cors(origins="*")(functools.partial(item)))
    app.add_api_route("/named", cors(origins=A, allow_credentials=True)(functools.partial(item)))
    app.add_api_route("/all", cors(origins=re.compile("https?://.*"))(functools.partial(item)))
    app.add_api_route("/asks", cors(origins=lambda origin, connection: True)(functools.partial(item)))
    app.add_api_route("/closed", no_cors(functools.partial(item)))
    app.add_api_websocket_route("/socket", functools.partial(item))
    install_cors(app)

    data = json.loads(get(inspector(app, allow=everybody), "/data.json").body)

    stranger = data["columns"][0]
    assert (stranger["caption"], stranger["origin"]) == ("any other origin", STRANGER)
    no, yes = ["no", False], ["yes", False]
    assert stranger["access"] == [yes, no, yes, ["asks", False], no, ["yes", True]]
    assert [column["origin"] for column in data["columns"][1:]] == [A]


def test_each_kind_of_policy_has_its_words() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/plain", functools.partial(item))
    app.add_api_route("/closed", no_cors(functools.partial(item)))
    app.add_api_route("/any", cors(origins="*", max_age=5)(functools.partial(item)))
    app.add_api_route("/some", cors(origins=A)(functools.partial(item)))

    data = json.loads(get(inspector(app, allow=everybody), "/data.json").body)

    assert [route["words"] for route in data["routes"]] == [
        {"kind": "none", "origins": "no policy", "rest": "", "others": []},
        {"kind": "closed", "origins": "closed (@no_cors)", "rest": "", "others": []},
        {"kind": "any", "origins": "any origin", "rest": "max age 5 s", "others": []},
        {"kind": "some", "origins": A, "rest": "", "others": []},
    ]


# --- a call ---------------------------------------------------------------------------------------


def test_a_call_is_explained_as_explain_does() -> None:
    app = inspected()
    query = (
        "method=PUT&path=/items/7%3Ffull=1&origin=https://c.example&header=X-Token:%20a:b&header=X-Other:"
        "&credentials=true&base_url=https://api.example/v1/"
    )
    call = Call(
        method="PUT",
        path="/items/7?full=1",
        origin="https://c.example",
        headers=(("X-Token", "a:b"), ("X-Other", "")),
        credentials=True,
        base_url="https://api.example/v1",
    )

    reply = get(app, "/cors/explain.json", query)

    assert (reply.status, json.loads(reply.body)) == (200, explain(app, call).to_dict())
    assert headers_of(reply)["content-type"] == "application/json"


def test_what_a_call_leaves_out_has_the_defaults_of_one() -> None:
    reply = get(inspected(), "/cors/explain.json", f"method=GET&path=/&origin={A}")

    assert json.loads(reply.body)["call"] == {
        "method": "GET",
        "path": "/",
        "origin": A,
        "headers": [],
        "credentials": False,
        "base_url": "https://testserver",
        "as": "fetch",
    }


@pytest.mark.parametrize(
    ("changed", "detail"),
    [
        ({"method": None}, "method: missing: write method=… once"),
        ({"method": "G T"}, "method: 'G T' is not a method: write GET, or WEBSOCKET for a handshake"),
        ({"path": None}, "path: missing: write path=… once"),
        ({"path": "items"}, "path: 'items' does not start with a slash: write /items"),
        ({"path": "@evil/"}, "path: '@evil/' does not start with a slash: write /@evil/"),
        ({"origin": "x"}, f"origin: 'x': {NO_SCHEME}: write https://x"),
        ({"header": "X"}, "header: 'X' is not a header: write a name, a colon and a value"),
        ({"header": "a b: c"}, "header: 'a b: c' is not a header: write a name, a colon and a value"),
        ({"credentials": "perhaps"}, "credentials: 'perhaps' is neither true nor false"),
        (
            {"base_url": "ftp://x"},
            f"base_url: 'ftp://x' {NO_BASE_URL}'https://api.example/v1'",
        ),
        ({"base_url": "https://*.a.io"}, "base_url: 'https://*.a.io' holds a '*': name each base URL"),
    ],
)
def test_a_call_that_makes_no_sense_is_said_to_make_none(changed: dict[str, str | None], detail: str) -> None:
    asked = {"method": "GET", "path": "/", "origin": A, **changed}
    query = "&".join(f"{name}={value}" for name, value in asked.items() if value is not None)

    reply = get(inspected(), "/cors/explain.json", query)

    parameter, _, reason = detail.partition(": ")
    assert (reply.status, json.loads(reply.body)) == (
        400,
        {"detail": detail, "parameter": parameter, "reason": reason},
    )


def test_a_call_that_no_browser_makes_is_refused_in_words() -> None:
    reply = get(inspected(), "/cors/explain.json", f"method=TRACE&path=/&origin={A}")

    assert reply.status == 400
    assert "TRACE" in json.loads(reply.body)["detail"]


@given(
    st.dictionaries(
        st.sampled_from(["method", "path", "origin", "header", "credentials", "base_url"]),
        st.text(max_size=20)
        | st.sampled_from(["GET", "/", "//", A, "null", "a: b", "true", "http://[::1]:1"]),
    )
)
def test_no_question_is_a_server_error(asked: dict[str, str]) -> None:
    query = urlencode(asked, errors="surrogatepass")
    for answer in ("access.json", "explain.json"):
        assert get(HOSTILE, f"/{answer}", query).status in {200, 400}


HOSTILE = inspector(an_app(), allow=everybody)


def test_without_the_extra_a_call_is_not_explained_and_all_else_works(tmp_path: Any) -> None:
    code = """
import json, sys
sys.modules["ada_url"] = None
import anyio, httpx
from fastapi import FastAPI
from route_cors.insight.inspector import inspector

async def run():
    transport = httpx.ASGITransport(inspector(FastAPI(debug=True)))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/explain.json?method=GET&path=/&origin=https://a.example")
        print(json.dumps([answer.status_code, answer.json(), (await client.get("/data.json")).status_code]))

anyio.run(run)
"""
    status, told, data = json.loads(printed_by(code, tmp_path))

    assert (status, data) == (501, 200)
    assert told["detail"].endswith(": install it with pip install 'route-cors[testing]'")
    assert "ada_url" in told["detail"]


# --- who may look ---------------------------------------------------------------------------------


def yields_a_user() -> Iterator[str]:
    yield "ada"


async def says_yes() -> bool:
    return True


async def says_no() -> bool:
    return False


async def is_ada(request: Request) -> bool:
    return request.headers.get("user") == "ada"


def says_nothing(request: Request) -> None:
    pass


def forgets_to_say(request: Request):  # type: ignore[no-untyped-def]  # noqa: ANN201
    pass


def truthy_yes() -> bool:
    return "yes"  # type: ignore[return-value]


def current_user(user: Annotated[str | None, Header()] = None) -> str | None:
    return user


def admin(user: Annotated[str | None, Depends(current_user)]) -> None:
    if user != "ada":
        raise HTTPException(401, "log in", {"WWW-Authenticate": "Basic"})


class Session:
    """A dependency that is a class."""

    def __init__(self, user: Annotated[str | None, Depends(current_user)]) -> None:
        self.user = user


def has_a_session(session: Annotated[Session, Depends()]) -> Session:
    return session


class GivesUser:
    """A dependency that is an object or its method, and gives what it was made with."""

    def __init__(self, user: object) -> None:
        self.user = user

    def __call__(self) -> object:
        return self.user

    async def who(self) -> object:
        return self.user


class IsAda:
    """A predicate that is an object."""

    async def __call__(self, request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        return request.headers.get("user") == "ada"


PREDICATES: list[Any] = [
    lambda request: request.headers.get("user") == "ada",
    lambda request: is_ada(request),  # noqa: PLW0108 - it is the awaitable that it gives which matters
    IsAda(),
    is_ada,
    functools.partial(is_ada),
    IsAda().__call__,
    functools.partial(IsAda()),
    Depends(is_ada),
    current_user,
    lambda user=Depends(current_user): user == "ada",  # noqa: B008
]


@pytest.mark.parametrize("allow", PREDICATES)
def test_the_one_who_may_look_looks_and_nobody_else_does(allow: object) -> None:
    app = inspected(allow)

    for path in ("/cors/", "/cors/data.json"):
        assert get(app, path, user="ada").status == 200
        refused = get(app, path)
        assert (refused.status, json.loads(refused.body)) == (403, REFUSED)
        assert headers_of(refused).items() >= STRICT.items()
    for path in ("/cors/access.json", "/cors/explain.json"):
        assert get(app, path, user="ada").status == 400
        assert get(app, path).status == 403


@pytest.mark.parametrize(
    "allow",
    [
        *(says_yes, yields_a_user, says_nothing, has_a_session, Depends(says_yes), GivesUser("ada")),
        *(GivesUser("ada").who, functools.partial(GivesUser.who, GivesUser("ada"))),
        lambda: says_yes(),  # noqa: PLW0108 - FastAPI does not await what it gives
    ],
)
def test_what_lets_everybody_in(allow: object) -> None:
    assert get(inspected(allow), "/cors/").status == 200


class NoTruth:
    """As an array of NumPy is one."""

    def __bool__(self) -> bool:
        raise ValueError("ambiguous\nRCE01 preflight allowed")


class User(BaseModel):
    name: str


@pytest.mark.parametrize("user", ["ada", 7, {"sub": "ada"}, ("ada", "token"), User(name="ada"), object()])
@pytest.mark.parametrize("place", [GivesUser, lambda user: GivesUser(user).who, lambda user: lambda: user])
def test_a_user_of_any_kind_is_let_in(user: object, place: Any) -> None:
    assert get(inspected(place(user)), "/cors/").status == 200


def a_generator() -> Iterator[bool]:
    yield True


async def an_async_generator() -> AsyncIterator[bool]:
    yield True


async def gives(answer: object) -> object:
    return answer


class NeverDone:
    """To be awaited, and again, and again."""

    def __await__(self) -> Generator[Any, None, "NeverDone"]:
        yield from ()
        return self


USER_OR_RAISE = "it has to return True or a user, or be annotated -> None and raise to refuse"
RESPONSE = "returning a response does not refuse the request: raise HTTPException instead"
EXCEPTION = "returning an exception does not refuse the request: raise it"
NOT_CALLED = "it was never called, so nothing was checked"
NOT_RUN = "it never ran, so nothing was checked"
NOT_ENTERED = "it was never entered: write a dependency that yields, without @contextmanager"
AS_SENT = "that is what the client sent: check it, and return the user that it belongs to"
ABOUT = "that is the request that it has to decide about, or a part of it"

# What `allow` makes, and what the log says of it. Each is made anew: a coroutine can be awaited once.
NO_ANSWERS: list[tuple[Callable[[Request], object], str]] = [
    (lambda request: RedirectResponse("/login"), f"RedirectResponse; {RESPONSE}"),
    (lambda request: JSONResponse({}, 403), f"JSONResponse; {RESPONSE}"),
    (lambda request: HTTPException(403), f"HTTPException; {EXCEPTION}"),
    (lambda request: KeyboardInterrupt(), f"KeyboardInterrupt; {EXCEPTION}"),
    (lambda request: HTTPException, f"the class HTTPException; {NOT_CALLED}"),
    (lambda request: RedirectResponse, f"the class RedirectResponse; {NOT_CALLED}"),
    (lambda request: Session, f"the class Session; {NOT_CALLED}"),
    (lambda request: says_no, f"function; {NOT_CALLED}"),
    (lambda request: functools.partial(says_no), f"partial; {NOT_CALLED}"),
    (lambda request: IsAda(), f"IsAda; {NOT_CALLED}"),
    (lambda request: HTTPBasic(), f"HTTPBasic; {NOT_CALLED}"),
    (
        lambda request: Depends(says_yes),
        "Depends; FastAPI resolves a Depends only as a parameter's default or in its annotation",
    ),
    (lambda request: a_generator(), f"generator; {NOT_RUN}"),
    (lambda request: an_async_generator(), f"async_generator; {NOT_RUN}"),
    (lambda request: NeverDone(), f"NeverDone; {NOT_RUN}"),
    (lambda request: contextlib.contextmanager(a_generator)(), f"_GeneratorContextManager; {NOT_ENTERED}"),
    (
        lambda request: contextlib.asynccontextmanager(an_async_generator)(),
        f"_AsyncGeneratorContextManager; {NOT_ENTERED}",
    ),
    (lambda request: HTTPBasicCredentials(username="ada", password="x"), f"HTTPBasicCredentials; {AS_SENT}"),
    (
        lambda request: HTTPAuthorizationCredentials(scheme="Bearer", credentials="x"),
        f"HTTPAuthorizationCredentials; {AS_SENT}",
    ),
    (
        lambda request: OAuth2PasswordRequestForm(username="ada", password="x"),
        f"OAuth2PasswordRequestForm; {AS_SENT}",
    ),
    (lambda request: request, f"Request; {ABOUT}"),
    (lambda request: request.headers, f"Headers; {ABOUT}"),
    (lambda request: request.query_params, f"QueryParams; {ABOUT}"),
    (lambda request: SecurityScopes(["cors"]), f"SecurityScopes; {ABOUT}"),
    (
        lambda request: HTTPStatus.FORBIDDEN,
        "HTTPStatus; returning a status does not refuse the request: raise HTTPException",
    ),
    (lambda request: None, f"NoneType; {USER_OR_RAISE}"),
    (lambda request: 0, f"int; {USER_OR_RAISE}"),
    (lambda request: "", f"str; {USER_OR_RAISE}"),
    (lambda request: (), f"tuple; {USER_OR_RAISE}"),
    (lambda request: {}, f"dict; {USER_OR_RAISE}"),
    (lambda request: NotImplemented, f"NotImplementedType; {USER_OR_RAISE}"),
    (lambda request: ..., f"ellipsis; {USER_OR_RAISE}"),
]


def as_predicate(answer: Callable[[Request], object]) -> Any:
    def predicate(request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return answer(request)

    return predicate


def as_dependency(answer: Callable[[Request], object]) -> Any:
    def dependency(request: Request):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return answer(request)

    return dependency


def as_async_dependency(answer: Callable[[Request], object]) -> Any:
    async def dependency(request: Request) -> object:
        given = answer(request)
        return await given if inspect.isawaitable(given) else given

    return dependency


def as_bool(answer: Callable[[Request], object]) -> Any:
    def dependency(request: Request) -> bool:
        return answer(request)  # type: ignore[return-value]

    return dependency


def as_generator(answer: Callable[[Request], object]) -> Any:
    def dependency(request: Request) -> Iterator[object]:
        yield answer(request)

    return Depends(dependency)


@pytest.mark.parametrize(
    "kind",
    [as_predicate, as_dependency, as_async_dependency, as_bool, as_generator],
    ids=lambda kind: kind.__name__,
)
@pytest.mark.parametrize(("answer", "said"), NO_ANSWERS, ids=[said for _, said in NO_ANSWERS])
def test_what_is_no_yes_is_a_no_that_is_logged(
    kind: Any, answer: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    allow = kind(answer)
    function = allow.dependency if kind is as_generator else allow
    with caplog.at_level(logging.DEBUG, "route_cors"):
        reply = get(inspected(allow), "/cors/data.json")

    assert (reply.status, json.loads(reply.body)) == (403, REFUSED)
    assert [(record.name, record.levelname) for record in caplog.records] == [("route_cors", "WARNING")]
    assert caplog.messages == [f"RCE20 inspector refused: allow={escaped(repr(function))} returned {said}"]


@pytest.mark.parametrize("allow", [lambda request: 1, truthy_yes, lambda request: User(name="ada")])
def test_where_true_is_promised_nothing_else_is_one(allow: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert get(inspected(allow), "/cors/").status == 403
    (message,) = caplog.messages
    assert message.endswith(f"; {USER_OR_RAISE}")


@pytest.mark.parametrize("allow", [forgets_to_say, current_user, lambda: None, Depends(forgets_to_say)])
def test_nothing_is_a_yes_only_where_it_is_announced(allow: Any, caplog: pytest.LogCaptureFixture) -> None:
    assert get(inspected(allow), "/cors/").status == 403
    (message,) = caplog.messages
    assert message.endswith(f" returned NoneType; {USER_OR_RAISE}")


def test_who_announces_nothing_and_gives_a_response_refuses(caplog: pytest.LogCaptureFixture) -> None:
    def log_in() -> None:
        return RedirectResponse("/login")  # type: ignore[return-value]

    assert get(inspected(log_in), "/cors/").status == 403
    (message,) = caplog.messages
    assert message.endswith(f" returned RedirectResponse; {RESPONSE}")


def test_what_does_not_say_whether_it_is_true_is_a_no(caplog: pytest.LogCaptureFixture) -> None:
    assert get(inspected(GivesUser(NoTruth())), "/cors/").status == 403
    (message,) = caplog.messages
    assert message.endswith(" returned NoTruth; testing whether it is true raises ValueError")


def test_a_coroutine_is_awaited_once_and_what_it_gives_is_the_answer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # Python would complain of a coroutine that is thrown away before it ran, and pytest makes that an error.
    assert get(inspected(lambda: gives(gives(True))), "/cors/").status == 403
    (message,) = caplog.messages
    assert message.endswith(f" returned coroutine; {NOT_RUN}")
    assert get(inspected(lambda: gives(True)), "/cors/").status == 200
    assert get(inspected(lambda: gives(RedirectResponse("/login"))), "/cors/").status == 403


class Named(GivesUser):
    """Its representation is not for a log."""

    def __repr__(self) -> str:
        return "ada\r\nRCE01 preflight allowed \x1b[31m" + "x" * 500


class Nameless(GivesUser):
    def __repr__(self) -> str:
        raise ValueError


def test_the_line_is_one_line_whatever_is_in_it(caplog: pytest.LogCaptureFixture) -> None:
    assert get(inspected(Named(None)), "/cors/").status == 403
    assert get(inspected(Nameless(None)), "/cors/").status == 403

    named, nameless = caplog.messages
    assert named.startswith(r"RCE20 inspector refused: allow=ada\r\nRCE01 preflight allowed \u001b[31mxxx")
    assert named.endswith(f"x... returned NoneType; {USER_OR_RAISE}")
    assert len(named) < 500
    assert re.match(r"RCE20 inspector refused: allow=<[\w.<>]+\.Nameless object at 0x\w+> returned", nameless)


@pytest.mark.parametrize("allow", [says_no, lambda request: False, lambda: False, lambda: says_no()])  # noqa: PLW0108
def test_a_plain_no_is_not_logged(allow: object, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "route_cors"):
        assert get(inspected(allow), "/cors/").status == 403

    assert caplog.messages == []


def test_a_predicate_that_fails_is_a_no(caplog: pytest.LogCaptureFixture) -> None:
    def fails(request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        return request.headers["user"] == "ada"

    app = inspected(fails)

    assert get(app, "/cors/", user="ada").status == 200
    assert get(app, "/cors/").status == 403
    (message,) = caplog.messages
    assert message.startswith(f"RCE21 inspector's allow failed: allow={fails!r} raised KeyError: 'user'\n")
    assert ", in fails\n" in message


def test_what_fails_is_a_no_and_no_500(caplog: pytest.LogCaptureFixture) -> None:
    """Wherever it is raised: in a dependency, in one of its own, before or after it was awaited."""

    def fails(user: Annotated[str | None, Header()] = None) -> str:
        if user != "ada":
            raise ValueError(f"no such user: {user}")
        return user

    async def fails_later(user: Annotated[str | None, Header()] = None) -> str:
        return fails(user)

    def yields_too_late(user: Annotated[str | None, Header()] = None) -> Iterator[str]:
        yield fails(user)

    def depends(user: Annotated[str, Depends(fails)]) -> str:
        return user

    class Reads:
        def __init__(self, user: Annotated[str | None, Header()] = None) -> None:
            fails(user)

    def depends_on_a_class(user: Annotated[Reads, Depends()]) -> None:
        pass

    def gives_what_fails(user: Annotated[str | None, Header()] = None) -> Any:
        return fails_later(user)

    forms: list[Any] = [fails, fails_later, yields_too_late, depends, depends_on_a_class, gives_what_fails]
    for allow in forms:
        caplog.clear()
        app = inspected(allow)
        assert get(app, "/cors/data.json", user="ada").status == 200
        assert caplog.messages == []
        reply = get(app, "/cors/data.json", user="x\nRCE01 preflight allowed")
        assert (reply.status, json.loads(reply.body)) == (403, REFUSED)
        assert headers_of(reply).items() >= STRICT.items()
        (message,) = caplog.messages
        line, frames = message.split("\n", 1)
        assert line == (
            f"RCE21 inspector's allow failed: allow={escaped(repr(allow))} raised "
            r"ValueError: no such user: x\nRCE01 preflight allowed"
        )
        assert frames.startswith("  File ")
        # The oldest FastAPI raises what a generator raised anew, without its frames.
        assert ", in fails\n" in frames or allow is yields_too_late
        assert "\nRCE01" not in caplog.text
        assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_dependency_that_never_yields_is_a_no(caplog: pytest.LogCaptureFixture) -> None:
    def yields_nothing() -> Iterator[str]:
        yield from ()

    assert get(inspected(yields_nothing), "/cors/").status == 403
    assert caplog.messages[0].startswith("RCE21 ")


@pytest.mark.parametrize("status", [303, 307, 401, 404, 418, 500, 503])
def test_a_dependency_may_refuse_with_any_status(status: int, caplog: pytest.LogCaptureFixture) -> None:
    def refuses() -> None:
        raise HTTPException(status, "no", {"Location": "/login"})

    reply = get(inspected(refuses), "/cors/")

    assert (reply.status, headers_of(reply)["location"]) == (status, "/login")
    assert caplog.messages == []


@pytest.mark.parametrize("caught", [Exception, 500])
def test_the_apps_answer_to_all_that_fails_is_none_to_a_refusal(
    caught: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fails() -> None:
        raise ValueError

    async def oops(request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse("oops", 500)

    app = inspected(fails, exception_handlers={caught: oops})

    assert get(app, "/cors/").status == 403
    assert [message[:5] for message in caplog.messages] == ["RCE21"]


def test_what_fails_in_the_page_itself_is_no_refusal() -> None:
    class FailingTitle(FastAPI):
        @property
        def title(self) -> Any:
            raise ZeroDivisionError

        @title.setter
        def title(self, title: str) -> None: ...

    app = FailingTitle(openapi_url=None)
    with pytest.raises(ZeroDivisionError):
        get(inspector(app, allow=everybody), "/data.json")


def test_a_predicate_may_refuse_in_its_own_words() -> None:
    def refuses(request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
        raise HTTPException(418, "no")

    assert get(inspected(refuses), "/cors/").status == 418


def test_a_dependency_refuses_in_its_own_words() -> None:
    reply = get(inspected(admin), "/cors/data.json", user="bob")

    assert (reply.status, json.loads(reply.body)) == (401, {"detail": "log in"})
    assert headers_of(reply).items() >= {**STRICT, "www-authenticate": "Basic"}.items()
    assert get(inspected(admin), "/cors/data.json", user="ada").status == 200


def test_a_dependency_may_ask_for_scopes() -> None:
    def has_scopes(scopes: SecurityScopes) -> bool:
        return scopes.scopes == ["cors"]

    assert get(inspected(Security(has_scopes, scopes=["cors"])), "/cors/").status == 200
    assert get(inspected(Security(has_scopes, scopes=["other"])), "/cors/").status == 403


class NotLoggedInError(Exception):
    """What only the app has an answer to."""


def test_what_the_dependency_raises_is_answered_by_the_apps_own_handler() -> None:
    def log_in() -> None:
        raise NotLoggedInError

    # No layer, which would take away what the handler grants.
    app = FastAPI()
    app.mount("/cors", inspector(app, allow=log_in))

    @app.exception_handler(NotLoggedInError)
    async def to_login(request: Request, error: Exception) -> RedirectResponse:
        unwanted = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public"}
        return RedirectResponse("/login", 303, unwanted)

    reply = get(app, "/cors/")

    assert (reply.status, headers_of(reply)["location"]) == (303, "/login")
    assert headers_of(reply).items() >= STRICT.items()
    assert reply.cors == {}


def test_the_dependency_sees_the_app_that_is_shown() -> None:
    def is_open(request: Request) -> bool:
        return request.app.state.is_open is True

    app = inspected(is_open)
    app.state.is_open = True
    assert get(app, "/cors/").status == 200
    app.state.is_open = False
    assert get(app, "/cors/").status == 403


def test_the_apps_dependency_overrides_hold_here_too() -> None:
    app = inspected(admin)
    assert get(app, "/cors/").status == 401

    app.dependency_overrides = {current_user: lambda: "ada"}
    assert get(app, "/cors/").status == 200
    app.dependency_overrides = {}
    assert get(app, "/cors/").status == 401


def test_a_starlette_app_may_use_dependencies_too() -> None:
    app = Starlette(routes=[Route("/", PlainTextResponse(""))])
    app.mount("/cors", inspector(app, allow=admin))

    assert get(app, "/cors/").status == 401
    assert get(app, "/cors/data.json", user="ada").status == 200
    assert json.loads(get(app, "/cors/data.json", user="ada").body)["title"] is None


def test_it_is_not_made_without_allow() -> None:
    message = (
        "the inspector needs to know who may look: give a dependency, or a function that takes the request, "
        "as in inspector(app, allow=require_admin); it can be left out only while app.debug is on, as in "
        "FastAPI(debug=True)"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        inspector(an_app())


def test_while_the_app_is_debugged_everybody_may_look_and_no_longer() -> None:
    app = inspected(None, debug=True)
    assert get(app, "/cors/data.json").status == 200

    app.debug = False

    assert get(app, "/cors/data.json").status == 403
    app.debug = True
    assert get(app, "/cors/data.json").status == 200


def test_with_allow_debug_makes_no_difference() -> None:
    assert get(inspected(says_no, debug=True), "/cors/").status == 403


class OnlyAdmins:
    """A predicate once it is made, and no class that checks anything when it is."""

    def __init__(self, admin: str = "ada") -> None:
        self.admin = admin

    def __call__(self, request):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN204
        return request.headers.get("user") == self.admin


ONLY_ADMINS_IS_A_CLASS = (
    "allow=OnlyAdmins is a class: each request would get an instance of it, and everybody be let in: give an "
    "instance that is called with the request, allow=OnlyAdmins(...), or a function that depends on it: def "
    "require_admin(checked: Annotated[OnlyAdmins, Depends()]) -> None"
)
NO_ALLOW = "allow is a dependency or a function that takes the request, not"
SCHEME = "reads credentials without checking them, so it would let in everybody who sends some: give a "


@pytest.mark.parametrize(
    ("allow", "message"),
    [
        (True, f"{NO_ALLOW} True: write allow=require_admin"),
        ("admin", f"{NO_ALLOW} 'admin': write allow=require_admin"),
        (Depends(), f"{NO_ALLOW} None: write allow=require_admin"),
        (HTTPBasic(), f"HTTPBasic {SCHEME}"),
        (Depends(APIKeyHeader(name="key")), f"APIKeyHeader {SCHEME}"),
        (OAuth2PasswordBearer("/token"), f"OAuth2PasswordBearer {SCHEME}"),
        (HTTPBasic().__call__, f"HTTPBasic {SCHEME}"),
        (functools.partial(HTTPBasic()), f"HTTPBasic {SCHEME}"),
        (OnlyAdmins, ONLY_ADMINS_IS_A_CLASS),
        (Depends(OnlyAdmins), ONLY_ADMINS_IS_A_CLASS),
        (Security(OnlyAdmins, scopes=["cors"]), ONLY_ADMINS_IS_A_CLASS),
        (functools.partial(functools.partial(OnlyAdmins, "ada")), ONLY_ADMINS_IS_A_CLASS),
        (HTTPBasic, "allow=HTTPBasic is a class: "),
        (bool, "allow=bool is a class: "),
        (User, "allow=User is a class: "),
        (iter, "does not say what it takes: put it into a function"),
        (lambda request, user=Depends(current_user): user, "takes a request without a type among other "),  # noqa: B008
    ],
)
def test_what_cannot_say_who_may_look_is_refused(allow: Any, message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        inspector(an_app(), allow=allow)


@pytest.mark.parametrize("shown", [None, 3, PlainTextResponse(""), Route("/", PlainTextResponse(""))])
def test_what_shows_no_routes_is_refused(shown: Any) -> None:
    message = f"inspector() shows a FastAPI or Starlette app, or a middleware around one, not {shown!r}"
    with pytest.raises(TypeError, match=f"^{re.escape(message)}$"):
        inspector(shown, allow=everybody)


def test_a_middleware_around_an_app_shows_the_app() -> None:
    app = an_app()
    shown = inspector(CORSMiddleware(app), allow=everybody)

    assert [route["path"] for route in json.loads(get(shown, "/data.json").body)["routes"]] == [
        "/items/{item_id}"
    ]


def test_what_wraps_itself_is_no_app() -> None:
    class Circle:
        """A middleware that was put around itself."""

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None: ...

        def __repr__(self) -> str:
            return "Circle()"

    circle = Circle()
    circle.app = circle  # type: ignore[attr-defined]

    with pytest.raises(TypeError, match=r"not Circle\(\)$"):
        inspector(circle, allow=everybody)


# --- other origins --------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/cors/", "/cors/data.json", "/cors/access.json", "/cors/nothing"])
def test_no_policy_of_the_app_opens_it(path: str) -> None:
    app = FastAPI()
    install_cors(app, default=CORSPolicy(origins="*"))
    app.mount("/cors", inspector(app, allow=everybody))

    assert get(app, path).cors == {}
    assert get(app, path, origin=A).cors == {}
    preflight = get(app, path, method="OPTIONS", origin=A, access_control_request_method="GET")
    assert preflight.status == 403
    assert set(preflight.cors) == {"vary"}


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": A},
        {"origin": "https://api.example"},
        {"origin": "null"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "cors"},
        {"sec_fetch_site": "cross-site"},
    ],
)
def test_another_middleware_around_it_opens_nothing(headers: dict[str, str]) -> None:
    app = CORSMiddleware(inspected(), allow_origins=["*"])

    for path in ("/cors/", "/cors/data.json", "/cors/access.json", "/cors/explain.json"):
        reply = get(app, path, **headers)
        assert (reply.status, json.loads(reply.body)) == (403, {"detail": "only the page itself may ask"})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "none", "sec_fetch_mode": "navigate"},
        {"sec_fetch_site": "same-origin", "sec_fetch_mode": "cors"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"},
    ],
)
def test_the_page_itself_and_a_link_to_it_are_answered(headers: dict[str, str]) -> None:
    assert get(inspected(), "/cors/", **headers).status == 200


def test_it_is_one_row_in_the_apps_report_and_closed() -> None:
    app = inspected()
    (row,) = (route for route in report(app).routes if route.path.startswith("/cors"))

    assert (row.kind, row.path, row.policy, row.takes_effect) == ("mount", "/cors", no_cors, True)
    assert policy_of(inspector(app, allow=everybody)) is no_cors


# --- where the page may call ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "sources"),
    [
        ("localhost:8000", "'self' http://127.0.0.1:8000 ws://127.0.0.1:8000"),
        ("127.0.0.1:8000", "'self' http://localhost:8000 ws://localhost:8000"),
        ("localhost", "'self' http://127.0.0.1 ws://127.0.0.1"),
        (
            "[::1]:65535",
            "'self' http://localhost:65535 http://127.0.0.1:65535 ws://localhost:65535 ws://127.0.0.1:65535",
        ),
        ("localhost:65536", "'self'"),
        ("localhost:0", "'self'"),
        ("localhost:08", "'self'"),
        ("localhost:8000; script-src *", "'self'"),
        ("localhost:8000\n", "'self'"),
        ("localhost:\u00b2", "'self'"),
        ("localhost.evil.example:8000", "'self'"),
        ("LOCALHOST:8000", "'self'"),
        ("", "'self'"),
    ],
)
def test_on_this_machine_the_page_may_call_its_server_by_the_other_name(host: str, sources: str) -> None:
    app = inspected()
    reply = ask(app, http_scope("GET", "/cors/", [(b"host", host.encode("latin-1"))], scheme="http"))

    assert security_policy(reply)["connect-src"] == sources


def test_two_hosts_are_none() -> None:
    hosts = [(b"host", b"localhost:1"), (b"host", b"localhost:2")]

    assert security_policy(ask(inspected(), http_scope("GET", "/cors/", hosts)))["connect-src"] == "'self'"


@given(st.binary(max_size=40) | st.from_regex(rb"(localhost|127.0.0.1|\[::1\])(:[0-9]{0,6})?.{0,3}"))
def test_no_host_writes_anything_into_the_header(host: bytes) -> None:
    reply = ask(HOSTILE, http_scope("GET", "/", [(b"host", host)]))

    source = r"(?:https|wss)://(?:localhost|127\.0\.0\.1)(?::[1-9][0-9]{0,4})?"
    assert re.fullmatch(rf"'self'(?: {source})*", security_policy(reply)["connect-src"])


@pytest.mark.parametrize("scheme", ["ws", "x"])
def test_an_unknown_scheme_has_no_other_name(scheme: str) -> None:
    reply = ask(HOSTILE, http_scope("GET", "/", [(b"host", b"localhost")], scheme=scheme))

    assert security_policy(reply)["connect-src"] == "'self'"


def test_base_urls_may_be_called() -> None:
    app = an_app()
    urls = ["https://api.example/v1/", "http://api.example:8080", "https://api.example/v2"]
    app.mount("/cors", inspector(app, allow=everybody, base_urls=urls))

    reply = get(app, "/cors/data.json")

    assert security_policy(reply)["connect-src"] == (
        "'self' https://api.example http://api.example:8080 wss://api.example ws://api.example:8080"
    )
    assert json.loads(reply.body)["base_urls"] == [
        *("https://api.example/v1", "http://api.example:8080", "https://api.example/v2")
    ]


@pytest.mark.parametrize(
    ("base_urls", "error", "message"),
    [
        ("https://a.example", TypeError, "base_urls is a list: write base_urls=['https://a.example']"),
        ([3], TypeError, "a base URL is text, not 3: write 'https://api.example'"),
        (["a.example"], ValueError, f"'a.example' {NO_BASE_URL}"),
        (["ws://a.example"], ValueError, f"'ws://a.example' {NO_BASE_URL}"),
        (["https://a.example/?x"], ValueError, f"'https://a.example/?x' {NO_BASE_URL}"),
        (["https://a.example; script-src *"], ValueError, NO_BASE_URL),
        (["https://a.example/\n"], ValueError, NO_BASE_URL),
        (["https://user@a.example"], ValueError, "user info"),
        (["https://A.example"], ValueError, "upper case"),
        (["http://a.example:80"], ValueError, "default port"),
        (["https://*.a.example"], ValueError, "'https://*.a.example' holds a '*': name each base URL"),
        (["http://a.example:*"], ValueError, "'http://a.example:*' holds a '*': name each base URL"),
        (["http://[::1]:8000"], ValueError, "a Content-Security-Policy cannot name an IPv6 address"),
    ],
)
def test_what_is_no_base_url_is_refused(base_urls: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        inspector(an_app(), allow=everybody, base_urls=base_urls)


def served_at(app: ASGIApp, path: str, **scope: Any) -> tuple[str | None, list[str]]:
    reply = ask(app, http_scope("GET", path, [(b"host", b"localhost:80")], scheme="http", **scope))
    data = json.loads(reply.body)
    return data["base_path"], data["base_urls"]


def test_the_page_is_told_where_the_app_is() -> None:
    app = inspected()
    outer = Starlette(routes=[Mount("/v1", app)])

    assert served_at(app, "/cors/data.json") == ("", ["http://127.0.0.1:80"])
    assert served_at(outer, "/v1/cors/data.json") == ("/v1", ["http://127.0.0.1:80/v1"])
    assert served_at(app, "/x/cors/data.json", root_path="/x") == ("/x", ["http://127.0.0.1:80/x"])
    assert served_at(app, "/ä b/cors/data.json", root_path="/ä b") == (
        "/%C3%A4%20b",
        ["http://127.0.0.1:80/%C3%A4%20b"],
    )


def test_behind_a_middleware_of_its_own_it_knows_its_place_too() -> None:
    app = an_app()
    app.mount("/cors", CORSMiddleware(inspector(app, allow=everybody)))

    assert served_at(app, "/cors/data.json") == ("", ["http://127.0.0.1:80"])


def test_beside_the_app_its_own_server_is_no_place_to_call() -> None:
    app = an_app()
    named = ["http://127.0.0.1:9000"]

    assert served_at(inspector(app, allow=everybody, base_urls=named), "/data.json") == (None, named)
    # Where nothing is named, its own server is the best guess.
    assert served_at(inspector(app, allow=everybody), "/data.json") == ("", [])
    host = Starlette(routes=[Mount("/admin/cors", inspector(app, allow=everybody))])
    assert served_at(host, "/x/admin/cors/data.json", root_path="/x") == ("/x", [])


# --- hostile and large ----------------------------------------------------------------------------


def test_paths_of_every_kind_come_through_as_data() -> None:
    app = FastAPI(openapi_url=None, title="</script>\ud800")
    paths = ["/<script>alert(1)</script>", "/\u202eb\x1b[31m\x00", "/\ud800", "/" + "x" * 70_000, "/{a:path}"]
    for path in paths:
        app.add_api_route(path, functools.partial(item))

    reply = get(inspector(app, allow=everybody), "/data.json")

    data = json.loads(reply.body)
    assert reply.body.isascii()
    assert [route["path"] for route in data["routes"]] == paths
    assert data["title"] == "</script>\ud800"
    assert headers_of(reply)["content-type"] == "application/json"


def test_thousands_of_routes() -> None:
    app = FastAPI(openapi_url=None)
    policies = [CORSPolicy(origins=f"https://{number}.example") for number in range(20)]
    for number in range(5000):
        app.add_route(f"/orders/{number}", cors(policies[number % 20])(functools.partial(item)))  # type: ignore[arg-type]
    install_cors(app)
    shown = inspector(app, allow=everybody)

    data = json.loads(get(shown, "/data.json").body)

    assert len(data["routes"]) == 5000
    assert len(data["columns"]) == 1 + 8
    assert [(group["kind"], len(group["routes"])) for group in data["groups"]] == [("prefix", 5000)]
    assert len(data["more_origins"]) == 12
    for column in data["columns"][1:]:
        assert sum(verdict == "yes" for verdict, _ in column["access"]) == 250
    typed = json.loads(get(shown, "/access.json", "origin=https://19.example").body)
    assert sum(verdict == "yes" for verdict, _ in typed["access"]) == 250


def test_routes_that_are_added_later_are_shown() -> None:
    app = inspected()
    assert len(json.loads(get(app, "/cors/data.json").body)["routes"]) == 2

    app.add_api_route("/late", functools.partial(item))

    assert len(json.loads(get(app, "/cors/data.json").body)["routes"]) == 3
