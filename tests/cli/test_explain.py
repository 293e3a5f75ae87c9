"""`route-cors explain`: the story of one call."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from route_cors.cli.explain import print_explanation
from route_cors.cli.text import Screen
from route_cors.insight import Call, Check, Explanation, Fix, Step

from .support import SHOP, Terminal

if TYPE_CHECKING:
    from .support import Workplace

REFUSED = Explanation(
    call=Call(method="PUT", path="/a", origin="https://b.example"),
    allowed=False,
    verdict="Blocked at the preflight.",
    preflight="A preflight goes first: the method PUT is not safelisted.",
    steps=(
        Step(
            name="preflight",
            request="OPTIONS https://api.example/a",
            request_headers=(("Origin", "https://b.example"),),
            checks=(
                Check("route", passed=True, detail="/a is main.save"),
                Check("origin", passed=False, detail="https://b.example is not allowed by https://a.example"),
                Check("credentials", passed=None, detail="none are asked for"),
            ),
            answered_by="route_cors",
            status=403,
            response_headers=(("vary", "Origin, Access-Control-Request-Method"),),
        ),
    ),
    reason="Access to fetch at 'https://api.example/a' has been blocked by CORS policy",
    fix=Fix(
        "in the policy of main.save, allow https://b.example", "policy = policy.evolve(\n    origins=[]\n)"
    ),
)

ALLOWED = replace(
    REFUSED,
    allowed=True,
    verdict="Allowed: the page can read the response.",
    steps=(
        replace(REFUSED.steps[0], checks=(), status=204),
        replace(
            REFUSED.steps[0],
            name="actual",
            request="PUT https://api.example/a",
            checks=(),
            answered_by="endpoint",
            status=None,
        ),
    ),
    reason=None,
    fix=None,
)


def printed(explanation: Explanation, stream: StringIO) -> str:
    print_explanation(Screen.of(stream), explanation)
    return stream.getvalue()


def test_a_refused_call_step_by_step() -> None:
    assert (
        printed(REFUSED, StringIO())
        == """\
Blocked at the preflight.
A preflight goes first: the method PUT is not safelisted.

1. Preflight  OPTIONS https://api.example/a
      Origin: https://b.example
    ok route: /a is main.save
    FAILED origin: https://b.example is not allowed by https://a.example
    - credentials: none are asked for
    answer: 403
      vary: Origin, Access-Control-Request-Method

What Chrome's console says
    Access to fetch at 'https://api.example/a' has been blocked by CORS policy

What would allow it
    in the policy of main.save, allow https://b.example
        policy = policy.evolve(
            origins=[]
        )
"""
    )


def test_an_allowed_call_step_by_step() -> None:
    assert (
        printed(ALLOWED, StringIO())
        == """\
Allowed: the page can read the response.
A preflight goes first: the method PUT is not safelisted.

1. Preflight  OPTIONS https://api.example/a
      Origin: https://b.example
    answer: 204
      vary: Origin, Access-Control-Request-Method

2. Request  PUT https://api.example/a
      Origin: https://b.example
    answer: the endpoint's own, which is not known here
      vary: Origin, Access-Control-Request-Method
"""
    )


def test_a_terminal_gets_ticks_and_indented_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "52")
    monkeypatch.setenv("LINES", "50")
    lines = [line.rstrip() for line in printed(REFUSED, Terminal()).splitlines()]
    assert lines[:13] == [
        "Blocked at the preflight.",
        "A preflight goes first: the method PUT is not",
        "safelisted.",
        "",
        "1. Preflight  OPTIONS https://api.example/a",
        "      Origin: https://b.example",
        "    ✓ route: /a is main.save",
        "    ✗ origin: https://b.example is not allowed by",
        "      https://a.example",
        "    - credentials: none are asked for",
        "    answer: 403",
        "      vary: Origin, Access-Control-Request-Method",
        "",
    ]
    assert max(map(len, lines)) <= 52


def test_a_terminal_that_is_not_utf_8_gets_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(Terminal, "encoding", "latin-1")
    text = printed(REFUSED, Terminal())
    assert "    ok route: /a is main.save\n" in text
    assert "    FAILED origin: " in text


def test_a_fix_without_code() -> None:
    text = printed(replace(REFUSED, fix=Fix("no policy can help", None)), StringIO())
    assert text.endswith("What would allow it\n    no policy can help\n")


def test_everything_hostile_is_escaped() -> None:
    evil = "\x1b[31m[red]\u202e\n"
    hostile = Explanation(
        call=REFUSED.call,
        allowed=False,
        verdict=evil,
        preflight=evil,
        steps=(
            Step(
                name="websocket",
                request=evil,
                request_headers=((evil, evil),),
                checks=(Check("origin", passed=False, detail=evil),),
                answered_by="route_cors",
                status=403,
                response_headers=((evil, evil),),
            ),
        ),
        reason=evil,
        fix=Fix(evil, evil),
    )
    shown = "\\x1b[31m[red]\\u202e"
    assert (
        printed(hostile, StringIO())
        == f"""\
{shown}\\n
{shown}\\n

1. Handshake  {shown}\\n
      {shown}\\n: {shown}\\n
    FAILED origin: {shown}\\n
    answer: 403
      {shown}\\n: {shown}\\n

What Chrome's console says
    {shown}\\n

What would allow it
    {shown}\\n
        {shown}
"""
    )


EVERY_ORIGIN = ["--origin", "https://b.example"]
OURS = ["--origin", "https://a.example"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["GET", "/quotes", *EVERY_ORIGIN], 0),
        (["GET", "/quotes", *EVERY_ORIGIN, "--credentials"], 1),
        (["GET", "/quotes", "-o", "null"], 0),
        (["PUT", "/account/x", *OURS, "-H", "X-Token"], 0),
        (["PUT", "/account/x", *OURS, "-H", "X-Other"], 1),
        (["PUT", "/account/x", *EVERY_ORIGIN], 1),
        (["WEBSOCKET", "/account/chat", *OURS], 0),
        (["WEBSOCKET", "/account/chat", *EVERY_ORIGIN], 1),
        (["GET", "/account/profile", *OURS, "-c"], 0),
        (["GET", "/metrics", *OURS], 1),
        (["GET", "/plain", *OURS], 1),
        (["GET", "/nothing", *OURS], 1),
    ],
)
def test_the_exit_code_says_whether_it_is_allowed(
    workplace: Workplace, arguments: list[str], code: int
) -> None:
    workplace.write({"main.py": SHOP})
    run = workplace.run("explain", *arguments)
    assert (run.code, run.err) == (code, "")
    assert run.out.startswith("Blocked" if code else "Allowed")
    told = workplace.run("explain", *arguments, "--json", "--app", "main:app")
    assert told.code == code
    assert json.loads(told.out)["allowed"] is (code == 0)


def test_the_exact_headers_stand_there(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP})
    run = workplace.run("explain", "GET", "/account/profile", *OURS)
    assert (
        run.out.split("    answer: the endpoint's own, which is not known here\n")[1]
        == """\
      access-control-allow-origin: https://a.example
      access-control-allow-credentials: true
      vary: Origin
"""
    )


FOREIGN = """\
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

class Guess:
    def __init__(self, app):
        self.app = app

app = FastAPI(openapi_url=None)

@app.put("/a")
def a(): ...

app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])
known = FastAPI(openapi_url=None, routes=app.routes, middleware=app.user_middleware)
app.add_middleware(Guess)
"""


def test_what_is_not_known_has_a_code_of_its_own(workplace: Workplace) -> None:
    workplace.write({"main.py": FOREIGN})
    run = workplace.run("explain", "PUT", "/a", *OURS)
    assert run.code == 3
    assert run.lines[0].startswith("Not known: main.Guess may answer CORS by itself. If it does not: Blocked")
    assert "    - middleware: not known: main.Guess may answer CORS by itself" in run.lines
    assert run.lines[-1].strip() != ""
    assert "    answer: not known" in run.lines
    told = workplace.run("explain", "PUT", "/a", *OURS, "--json")
    assert told.code == 3
    data = json.loads(told.out)
    assert (data["allowed"], data["not_known"]) == (None, ["main.Guess"])
    (step,) = data["steps"]
    assert (step["answered_by"], step["status"], step["response_headers"]) == (None, None, [])


def test_who_answers_in_the_place_of_the_app(workplace: Workplace) -> None:
    workplace.write({"main.py": FOREIGN})
    run = workplace.run("explain", "PUT", "/a", *OURS, "--app", "main:known")
    assert run.code == 1
    assert "    answer: 400 (starlette.middleware.cors.CORSMiddleware)" in run.lines


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("X-Token: a: b", ["X-Token", "a: b"]),
        ("  X-Token :a ", ["X-Token", "a"]),
        ("X-Token", ["X-Token", "1"]),
        ("X-Token:", ["X-Token", "1"]),
        ("Authorization", ["Authorization", "Bearer token"]),
        ("content-type", ["content-type", "application/json"]),
    ],
)
def test_a_header_without_a_value_gets_one(workplace: Workplace, given: str, sent: list[str]) -> None:
    workplace.write({"main.py": SHOP})
    told = json.loads(workplace.run("explain", "GET", "/quotes", *OURS, "-H", given, "--json").out)
    assert told["call"]["headers"] == [sent]


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (["/a?b=c"], ("https://testserver", "/a?b=c")),
        (["/a?b=https://c.example"], ("https://testserver", "/a?b=https://c.example")),
        (["/a", "--base-url", "http://localhost:8000/v1"], ("http://localhost:8000/v1", "/a")),
        (["http://localhost:8000/a/b?c=d"], ("http://localhost:8000", "/a/b?c=d")),
        (["https://api.example"], ("https://api.example", "/")),
    ],
)
def test_where_the_app_is_served(workplace: Workplace, arguments: list[str], call: tuple[str, str]) -> None:
    workplace.write({"main.py": SHOP})
    told = json.loads(workplace.run("explain", "GET", *arguments, *OURS, "--json").out)["call"]
    assert (told["base_url"], told["path"]) == call


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["main:app", "GET"], "'main:app' is not a method; to name the app, write --app 'main:app'"),
        (["GET", "/a", "-H", "a b: c"], "--header 'a b: c': write 'Name: value', or only the name"),
        (["GET", "/a", "-H", ""], "--header '': write 'Name: value', or only the name"),
        (["GET", "https://[/a"], "'https://[/a' is not a URL: Invalid IPv6 URL"),
        (
            ["GET", "https://a.example/", "--base-url", "https://b.example"],
            "'https://a.example/' is a whole URL: leave --base-url out",
        ),
        (["GET", "quotes"], "path: 'quotes': "),
        (["GET", "/a", "--base-url", "a.example"], "base_url: 'a.example': "),
        (["TRACE", "/a"], "method: 'TRACE': "),
        (["GET"], "the method or the path is missing: route-cors explain PUT /account/7"),
        (["--method", "GET"], "the method or the path is missing: route-cors explain PUT /account/7"),
        ([], "the method or the path is missing: route-cors explain PUT /account/7"),
        (["GET", "/a", "--method", "PUT"], "the method is given twice: 'GET' and --method 'PUT'"),
        (
            ["PUT", "/a", "--as", "form"],
            "method: 'PUT': a form sends GET or POST; only a script sends anything else: explain it as fetch",
        ),
        (
            ["GET", "/a", "--as", "image", "-H", "X-A"],
            "headers: 'X-A': an image cannot set headers; fetch can",
        ),
    ],
)
def test_what_makes_no_call_is_one_line(workplace: Workplace, arguments: list[str], error: str) -> None:
    workplace.write({"main.py": SHOP})
    assert workplace.refused("explain", *arguments, *OURS).startswith(error)


def test_what_a_callable_prints_does_not_get_into_the_output(workplace: Workplace) -> None:
    source = SHOP.replace('origins="*"', "origins=lambda origin, connection: print('asked') or True")
    workplace.write({"main.py": source})
    run = workplace.run("explain", "GET", "/quotes", *EVERY_ORIGIN, "--json")
    assert json.loads(run.out)["allowed"]
    assert set(run.err.split()) == {"asked"}


def test_a_form_of_another_site(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP.replace("install_cors(app)", "install_cors(app, enforce=True)")})
    served = ["--base-url", "https://api.example", "--as", "form"]
    run = workplace.run("explain", "--method", "POST", "--from", "https://evil.example", *served, "/quotes")
    assert (run.code, run.err) == (0, "")
    assert run.lines[0] == (
        "Let through: the form is sent, and the app answers with a 405. The page cannot read the response."
        " With cookies it would be refused."
    )
    run = workplace.run("explain", "POST", "/plain", "--from", "https://evil.example", *served)
    assert run.code == 1
    assert run.lines[0] == (
        "Refused: the form is sent, and answered with a 403 before the endpoint runs. It fails at the"
        " enforcement: step 3 of the rule: the browser sends Sec-Fetch-Site: cross-site, and no policy allows"
        " https://evil.example."
    )
    told = json.loads(workplace.run("explain", "POST", "/plain", *OURS, *served, "--json").out)
    assert (told["call"]["as"], told["call"]["method"], told["allowed"]) == ("form", "POST", False)


def test_what_chromium_asks_first_is_told_at_the_top(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP})
    lines = workplace.run("explain", "GET", "http://127.0.0.1:8000/quotes", *OURS).lines
    assert lines[2] == (
        "127.0.0.1 is an address of the user's own machine: Chromium (Local Network Access) asks the user"
        " first whether pages of https://a.example may reach it, unless their own address is at least as"
        " private."
    )
