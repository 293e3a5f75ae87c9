"""`route-cors table`: the matrix of routes and policies."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from .support import SHOP

if TYPE_CHECKING:
    from .support import Workplace

UNCARRIED = """\
from fastapi import FastAPI
from route_cors import cors

app = FastAPI(openapi_url=None)

@app.get("/quotes")
@cors(origins="https://a.example", max_age=60)
async def quotes(): ...
"""

ASKING = """\
from fastapi import FastAPI
from route_cors import cors, install_cors

def is_known(origin, connection):
    raise RuntimeError("nobody asks")

app = FastAPI(openapi_url=None)

@app.get("/a")
@cors(origins=["https://a.example", is_known], allow_credentials=True)
async def a(): ...

install_cors(app)
"""


def test_every_route_is_a_line_that_is_never_cut(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP})
    run = workplace.run("table")
    assert (run.code, run.err) == (0, "")
    assert (
        run.out
        == """\
Methods    Path              Policy                                            Declared on  Endpoint     Findings
GET        /quotes           any origin                                        endpoint     main.py:9
GET        /metrics          closed (@no_cors)                                 endpoint     main.py:24
GET        /plain            no policy                                                      main.py:28
PUT        /account/{name}   https://a.example; headers X-Token; enforced      endpoint     main.py:13
WEBSOCKET  /account/chat     https://a.example                                 endpoint     main.py:17
GET        /account/profile  https://a.example; credentials                    router       main.py:21
(mount)    /old              not known: main.opaque may answer CORS by itself               main.opaque

7 routes, 0 findings
"""  # noqa: E501 - a line is never cut
    )


def test_what_one_origin_may_do(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP, "asking.py": ASKING})
    lines = workplace.run("table", "--origin", "https://a.example").lines
    assert lines[:2] == ["What pages of https://a.example may do", ""]
    assert lines[2].split() == [
        *("Methods", "Path", "Access", "Any", "other", "origin"),
        *("Policy", "Declared", "on", "Endpoint", "Findings"),
    ]
    access = [line[28:51].strip() for line in lines[3:-2]]
    assert access == ["yes", "no", "no", "yes", "yes, with credentials", "yes, with credentials", "not known"]
    strangers = [line[51:69].strip() for line in lines[3:-2]]
    assert strangers == ["yes", "no", "no", "no", "no", "no", "not known"]
    lines = workplace.run("table", "-o", "https://b.example").lines
    assert [line.split()[2] for line in lines[3:-2]] == ["yes", *["no"] * 5, "not"]
    (line,) = workplace.run("table", "asking", "-o", "https://b.example").lines[3:-2]
    assert line == (
        "GET      /a    asks the app, with credentials  asks the app, with credentials  "
        "https://a.example, callable: asking.is_known; credentials  endpoint     asking.py:9"
    )
    (line,) = workplace.run("table", "asking", "-o", "null").lines[3:-2]
    assert line.startswith(
        "GET      /a    no      asks the app, with credentials  https://a.example, callable"
    )


@pytest.mark.parametrize(
    ("origin", "error"),
    [
        ("https://a.example/", "'https://a.example/': a trailing slash: "),
        ("HTTPS://A.example", "'HTTPS://A.example': upper case: "),
        ("https://*.a.example", "'https://*.a.example': a pattern: name one origin, as "),
        ("*", "'*': a pattern: name one origin, as a browser would send it"),
        ("", "''"),
        ("a\x1b[31m\u202eb", "'a\\x1b[31m\\u202eb': "),
        ("x" * 100_000, f"'{'x' * 100}…': "),
    ],
)  # fmt: skip
def test_what_is_no_origin_is_one_line(workplace: Workplace, origin: str, error: str) -> None:
    for command in (["table"], ["explain", "GET", "/quotes"]):
        assert workplace.refused(*command, "--origin", origin).startswith(f"--origin {error}")


def test_a_policy_that_nothing_carries_out_is_marked(workplace: Workplace) -> None:
    workplace.write({"main.py": UNCARRIED})
    run = workplace.run("table")
    assert run.code == 0
    assert (
        run.out
        == """\
Methods  Path     Policy                                       Declared on  Endpoint   Findings
GET      /quotes  https://a.example; max age 60 s (no effect)  endpoint     main.py:6  RC001

1 route, 1 finding
RC001  A policy that no layer applies
`route-cors check` says what to do about them
"""
    )


@pytest.mark.parametrize(
    ("wanted", "paths"),
    [
        ("/ACCOUNT/p", ["/account/profile"]),
        ("credentials", ["/account/profile"]),
        ("main.chat", ["/account/chat"]),
        ("websocket", ["/account/chat"]),
        ("put", ["/account/{name}"]),
        ("closed (@no", ["/metrics"]),
    ],
)
def test_the_filter_looks_at_what_a_route_is(workplace: Workplace, wanted: str, paths: list[str]) -> None:
    workplace.write({"main.py": SHOP})
    run = workplace.run("table", "--filter", wanted)
    assert [line.split()[1] for line in run.lines[1:-2]] == paths
    told = json.loads(workplace.run("table", "-f", wanted, "--json").out)
    assert [route["path"] for route in told["routes"]] == paths


def test_a_filter_may_leave_nothing(workplace: Workplace) -> None:
    workplace.write({"main.py": UNCARRIED})
    run = workplace.run("table", "--filter", "nope")
    assert (run.code, run.out, run.err) == (0, "0 routes, 0 findings\n", "")


def test_the_same_as_json(workplace: Workplace) -> None:
    workplace.write({"main.py": UNCARRIED})
    run = workplace.run("table", "--json", "--origin", "https://a.example")
    assert (run.code, run.err) == (0, "")
    told = json.loads(run.out)
    (finding,) = told.pop("findings")
    assert (finding["code"], finding["file"], finding["line"]) == ("RC001", "main.py", 6)
    assert told == {
        "version": 1,
        "routes": [
            {
                "kind": "http",
                "path": "/quotes",
                "methods": ["GET"],
                "host": None,
                "endpoint": "main.quotes",
                "file": "main.py",
                "line": 6,
                "policy": {
                    "origins": ["https://a.example"],
                    "methods": None,
                    "allow_headers": [],
                    "expose_headers": [],
                    "allow_credentials": False,
                    "max_age": 60,
                    "enforce": None,
                },
                "source": "endpoint",
                "takes_effect": False,
                "example": "/quotes",
                "layers": [],
                "is_documentation": False,
                "is_enforced": False,
                "access": {"verdict": "no", "with_credentials": False},
                "access_of_any_other_origin": {"verdict": "no", "with_credentials": False},
            }
        ],
        "origin": "https://a.example",
    }
    without = json.loads(workplace.run("table", "--json").out)
    assert without.keys() == {"version", "routes", "findings"}
    assert "access" not in without["routes"][0]


def test_who_is_protected_by_a_layer_that_enforces(workplace: Workplace) -> None:
    source = SHOP.replace("install_cors(app)", "install_cors(app, enforce=True)")
    workplace.write({"main.py": source.replace('cors(origins="*")', 'cors(origins="*", enforce=False)')})
    assert [re.split(" {2,}", line)[2] for line in workplace.run("table").lines[1:8]] == [
        "any origin; not enforced",
        "closed (@no_cors); enforced",
        "no policy; enforced",
        "https://a.example; headers X-Token; enforced",
        # A websocket is guarded by its policy.
        "https://a.example",
        "https://a.example; credentials; enforced",
        "not known: main.opaque may answer CORS by itself; enforced",
    ]
    told = json.loads(workplace.run("table", "--json", "--filter", "enforced").out)["routes"]
    assert [(route["path"], route["is_enforced"]) for route in told] == [
        ("/quotes", False),
        ("/metrics", True),
        ("/plain", True),
        ("/account/{name}", True),
        ("/account/profile", True),
        ("/old", True),
    ]


DOCS = """\
from fastapi import FastAPI
from route_cors import cors, install_cors

app = FastAPI(redoc_url=None)
app.mount("/v2", FastAPI())

@app.get("/openapi.yaml")
def docs(): ...

install_cors(app)
"""


def test_the_routes_of_the_docs_are_folded_away(workplace: Workplace) -> None:
    workplace.write({"main.py": DOCS})
    lines = workplace.run("table").lines
    assert [line.split()[1] for line in lines[1:3]] == ["/v2", "/openapi.yaml"]
    assert lines[3:] == [
        "",
        "2 routes, 0 findings",
        "7 routes of FastAPI's docs are hidden; --all shows them",
    ]
    assert workplace.run("table", "--filter", "/v2/docs/").lines == [
        "0 routes, 0 findings",
        "1 route of FastAPI's docs is hidden; --all shows them",
    ]
    lines = workplace.run("table", "--all").lines
    assert [line.split()[-3 if "oauth2" in line else 2] for line in lines[1:4]][:2] == [
        "/openapi.json",
        "/docs",
    ]
    assert lines[-1] == "9 routes, 0 findings"
    told = json.loads(workplace.run("table", "--json").out)["routes"]
    assert [route["path"] for route in told if not route["is_documentation"]] == ["/v2", "/openapi.yaml"]
    assert len(told) == 9


def test_what_is_wrong_with_the_docs_is_not_hidden(workplace: Workplace) -> None:
    source = "from fastapi import FastAPI\nfrom route_cors import cors\napp = FastAPI(docs_url=None)\n"
    workplace.write({"main.py": f'{source}cors(origins="*")(app.routes[0].endpoint)\n'})
    lines = workplace.run("table").lines
    assert lines[1].split()[2] == "/openapi.json"
    assert "RC001" in lines[1]
    assert lines[3] == "1 route, 1 finding"
    assert lines[-1] == "1 route of FastAPI's docs is hidden; --all shows them"


def test_a_routes_host_stands_before_its_path(workplace: Workplace) -> None:
    hosts = (
        "from starlette.applications import Starlette\n"
        "from starlette.routing import Host, Route\n"
        "class Endpoint:\n"
        "    async def __call__(self, scope, receive, send): ...\n"
        "inner = Starlette(routes=[Route('/a', Endpoint())])\n"
        "app = Starlette(routes=[Host('api.example', inner)])\n"
    )
    workplace.write({"main.py": hosts})
    lines = workplace.run("table").lines
    assert lines[1].startswith("(mount)  //api.example/ ")
    assert lines[2].split() == [
        *("(any)", "//api.example/a"),
        *["not", "known:", "main.Endpoint", "may", "answer", "CORS", "by", "itself"],
        "main.Endpoint",
    ]


def test_a_file_is_named_as_it_is_found_or_imported(workplace: Workplace) -> None:
    source = (
        "from fastapi import FastAPI\n"
        "app = FastAPI(docs_url=None, redoc_url=None)\n"
        "exec(compile('def made(): ...', '/nowhere/made.py', 'exec'))\n"
        "app.add_api_route('/made', made)\n"
    )
    workplace.write({"shop/main.py": f"{source}@app.get('/own')\ndef own(): ...\n"})
    expected = [r"fastapi/applications\.py:[0-9]+", r"/nowhere/made\.py:1", r"shop/main\.py:5"]
    lines = workplace.run("table", "shop.main", "--all").lines[1:-2]
    assert len(lines) == len(expected)
    assert all(re.search(f" {place}$", line) for line, place in zip(lines, expected, strict=True))
    told = json.loads(workplace.run("table", "shop.main", "--json").out)
    assert [route["file"] for route in told["routes"]] == [
        "fastapi/applications.py",
        "/nowhere/made.py",
        "shop/main.py",
    ]


def test_a_wide_terminal_shows_it_side_by_side(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP})
    run = workplace.run_on_a_terminal("table", width=100)
    assert (run.code, run.err) == (0, "")
    assert run.lines[:7] == [
        "Methods     Path               Policy                                      Declared on   Endpoint",
        "─" * 100,
        "GET         /quotes            any origin                                  endpoint      main.py:9",
        "GET         /metrics           closed (@no_cors)                           endpoint      main.py:24",
        "GET         /plain             no policy                                                 main.py:28",
        "PUT         /account/{name}    https://a.example; headers X-Token;         endpoint      main.py:13",
        "                               enforced",
    ]


def test_a_narrow_terminal_stacks_it(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP, "uncarried.py": UNCARRIED})
    run = workplace.run_on_a_terminal("table", width=80)
    assert run.lines[:8] == [
        "Methods     Path               Policy",
        "─" * 79,
        "GET         /quotes            any origin",
        "                               endpoint, main.py:9",
        "GET         /metrics           closed (@no_cors)",
        "                               endpoint, main.py:24",
        "GET         /plain             no policy",
        "                               main.py:28",
    ]
    run = workplace.run_on_a_terminal("table", "uncarried", "-o", "https://a.example", width=50)
    assert run.lines[2:11] == [
        "Methods   Path      Policy",
        "─" * 50,
        "GET       /quotes   access: no; any other origin:",
        "                    no",
        "                    https://a.example; max age 60",
        "                    s (no effect)",
        "                    endpoint, uncarried.py:6",
        "                    RC001",
        "",
    ]
    assert max(map(len, run.lines)) == 50


MANY = """\
from fastapi import FastAPI
app = FastAPI(openapi_url=None)
for number in range(100):
    app.add_api_route(f"/{number}", print, response_model=None)
"""


def test_a_long_table_goes_through_the_pager_of_a_terminal(workplace: Workplace) -> None:
    workplace.write({"main.py": MANY.replace("print", "lambda: None")})
    paged: list[str] = []
    workplace.monkeypatch.setattr("pydoc.pager", paged.append)
    workplace.monkeypatch.delenv("LESS", raising=False)
    assert workplace.run_on_a_terminal("table", height=20).out == ""
    assert "/99" in paged.pop()
    # As git does: less ends by itself where all fits, and shows colours.
    assert workplace.environment("LESS") == "FRX"
    for arguments in (["--no-pager"], ["--filter", "/99"]):
        assert "/99" in workplace.run_on_a_terminal("table", *arguments, height=20).out
    assert "/99" in workplace.run_on_a_terminal("table", height=500).out
    assert "/99" in workplace.run("table").out
    assert paged == []


def test_markup_and_escapes_in_a_path_are_text(workplace: Workplace) -> None:
    hostile = "/[red]a[/red]\x1b[31m\u202e\u2028<script>[link=https://evil.example]"
    source = "from starlette.applications import Starlette\napp = Starlette()\n"
    workplace.write({"main.py": f"{source}app.add_route({hostile!r}, print)\n"})
    shown = "/[red]a[/red]\\x1b[31m\\u202e\\u2028<script>[link=https://evil.example]"
    for run in (workplace.run("table"), workplace.run_on_a_terminal("table", width=200)):
        assert shown in run.out
        assert "\x1b[31m" not in run.out
    run = workplace.run("table", "--json")
    assert run.out.isascii()
    assert json.loads(run.out)["routes"][0]["path"] == hostile


FOREIGN = """\
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from route_cors import RouteCORSMiddleware, cors

app = FastAPI(openapi_url=None)

@app.get("/a")
def a(): ...

@app.get("/b")
@cors(origins="https://b.example")
def b(): ...

app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
unruled = FastAPI(openapi_url=None, routes=app.routes, middleware=app.user_middleware)
app.user_middleware.append(type(app.user_middleware[0])(RouteCORSMiddleware))
"""


def test_what_layers_of_others_do(workplace: Workplace) -> None:
    workplace.write({"main.py": FOREIGN})
    theirs = "CORSMiddleware: any origin, reflected; credentials; methods GET"
    lines = workplace.run("table", "main:app", "-o", "https://c.example").lines
    assert [re.split(" {2,}", line)[1:5] for line in lines[3:5]] == [
        ["/a", *["yes, with credentials"] * 2, theirs],
        ["/b", *["yes, with credentials"] * 2, f"https://b.example; in front of it {theirs}"],
    ]
    lines = workplace.run("table", "main:unruled", "--filter", "reflected").lines
    assert [re.split(" {2,}", line)[1:3] for line in lines[1:3]] == [
        ["/a", theirs],
        ["/b", f"https://b.example (no effect); in front of it {theirs}"],
    ]
