"""`route-cors migrate`: what replaces CORSMiddleware, tried on apps as people have them."""

from __future__ import annotations

import itertools
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from .migrated import BY_HAND, SHAPES, app_in, differing

if TYPE_CHECKING:
    from .support import Workplace


def _listed(told: dict[str, Any]) -> set[tuple[str, ...]]:
    return {
        (change["verdict"], *call)
        for change in told["changes"]
        for call in itertools.product(change["origins"], change["methods"], change["paths"], change["asks"])
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_a_patched_app_behaves_as_before_but_for_what_was_listed(workplace: Workplace, shape: str) -> None:
    workplace.write({"main.py": SHAPES[shape]})
    file = workplace.directory / "main.py"
    before = app_in(file)
    told = json.loads(workplace.run("migrate", "--json").out)
    patch = workplace.run("migrate", "--diff")
    assert (patch.code, patch.err) == (0, "")
    assert file.read_text(encoding="utf-8") == SHAPES[shape]
    subprocess.run(
        ["git", "apply"],
        input=patch.out.encode(),
        cwd=workplace.directory,
        check=True,
    )
    assert "CORSMiddleware" not in file.read_text(encoding="utf-8")
    after = app_in(file)
    assert differing(before, after, told["origins"]) == _listed(told)
    assert told["not_known"] == []


@pytest.mark.parametrize("shape", BY_HAND)
def test_the_printed_code_behaves_as_before_but_for_what_was_listed(workplace: Workplace, shape: str) -> None:
    before, after, line = BY_HAND[shape]
    workplace.write({"main.py": before})
    told = json.loads(workplace.run("migrate", "--json").out)
    (replacement,) = told["replacements"]
    assert replacement["layers"][0]["lines"] == [{"file": "main.py", "line": line}]
    written = after.split("@@")
    indent = written[0].rpartition("\n")[2]
    code = "\n".join([*replacement["imports"], replacement["code"]]).replace("\n", f"\n{indent}")
    workplace.write({"migrated.py": code.join(written)})
    was, now = (app_in(workplace.directory / name) for name in ("main.py", "migrated.py"))
    assert differing(was, now, told["origins"]) == _listed(told)
    refused = workplace.refused("migrate", "--diff")
    assert refused.startswith(f"--diff: main.py:{line}: the call ")


def test_a_settings_list_keeps_its_name(workplace: Workplace) -> None:
    source = SHAPES["settings"].replace('allow_methods=["*"]', 'allow_methods=["GET", "PUT"]')
    workplace.write({"main.py": source})
    run = workplace.run("migrate")
    assert (run.code, run.err) == (0, "")
    assert (
        run.out
        == """\
CORSMiddleware of the app
    is: CORSMiddleware: http://localhost:5173, https://a.example, https://dashboard.example; \
credentials; methods GET, PUT; headers *
    remove: main.py:19
    write:
        from route_cors import CORSPolicy, install_cors
        install_cors(
            app,
            default=CORSPolicy(
                origins=settings.all_cors_origins,
                allow_credentials=True,
                methods=["GET", "PUT"],
                allow_headers="*",
            ),
        )
    note: allow_origins: settings.all_cors_origins is used as it is: the values above \
are from this process, and may differ elsewhere

No page gains or loses access in 153 calls by pages of 17 origins

- Responses made outside of CORSMiddleware, such as the 500 of an exception, get CORS headers as well.
- CORS headers that endpoints set themselves are replaced.
- A preflight for a method that the path does not have is refused.
"""
    )


def test_what_cannot_be_kept_is_said_with_what_to_write(workplace: Workplace) -> None:
    workplace.write({"main.py": SHAPES["reflecting"]})
    run = workplace.run("migrate")
    assert run.code == 0
    at = run.lines.index(
        "    cannot be kept: allow_origins '*' with credentials: CORSMiddleware reflects every origin, so "
        "every site can act as the user: a policy cannot do that, and this one is without credentials"
    )
    assert run.lines[at + 1] == (
        "        write: name the origins that you trust: origins=['https://app.example.com'], "
        "allow_credentials=True"
    )
    assert run.lines[at + 3 : at + 6] == [
        "Who gains and who loses, of 18 calls by pages of 2 origins",
        "    loses GET POST /items (with credentials): https://stranger.example, null",
        "    loses PUT /items/{number} (with credentials): https://stranger.example, null",
    ]


def test_what_stands_on_no_app_is_told_and_left(workplace: Workplace) -> None:
    workplace.write(
        {
            "main.py": """\
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.routing import Route

def items(request): return Response()

app = Starlette(routes=[
    Route("/\x1b[31m", items, middleware=[Middleware(CORSMiddleware, allow_origins=["https://a.example"])]),
])
"""
        }
    )
    run = workplace.run("migrate")
    assert (
        run.out
        == """\
CORSMiddleware of the route /\\x1b[31m
    is: CORSMiddleware: https://a.example; methods GET
    remove: main.py:10
    write:
        from route_cors import cors, install_cors
        @cors(origins=["https://a.example"], methods=["GET"])  # above the endpoint, and install_cors(app) \
for the app
    note: it is not compared below, because it is not a layer of an app

nothing was compared: none of them is a layer of an app

- Responses made outside of CORSMiddleware, such as the 500 of an exception, get CORS headers as well.
- CORS headers that endpoints set themselves are replaced.
- A preflight for a method that the path does not have is refused.
"""
    )


UNKNOWN = """\
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

class Strange:
    def __init__(self, app): self.app = app
    async def __call__(self, scope, receive, send): await self.app(scope, receive, send)

Strange.__qualname__ = "Str\x1bange"

app = FastAPI(openapi_url=None)

@app.get("/items/{number}")
async def items(number: int): ...

app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])
app.add_middleware(Strange)
"""


def test_nothing_is_promised_of_what_is_not_known(workplace: Workplace) -> None:
    workplace.write({"main.py": UNKNOWN})
    run = workplace.run("migrate")
    assert run.lines[:2] == [
        r"not known: main.Str\x1bange may answer CORS by itself, and is not compared",
        "",
    ]
    (told,) = [line for line in run.lines if line.startswith("    not known GET")]
    assert told == (
        "    not known GET /items/{number}: https://a.example, https://stranger.example, null, "
        "http://a.example, https://sub.a.example, https://nota.example, https://a.example.stranger.example"
    )


def test_a_line_that_is_not_found(workplace: Workplace) -> None:
    source = """\
from fastapi import FastAPI
from fastapi.middleware import cors

app = FastAPI(openapi_url=None)
app.add_middleware(getattr(cors, "CORSMiddleware"), allow_origins=["*"], allow_headers=["Cookie"])
"""
    workplace.write({"main.py": f"{source}app.add_api_route('/items', lambda: None)\n"})
    run = workplace.run("migrate")
    assert "    remove: the line was not found in the source: look for CORSMiddleware" in run.lines
    assert run.lines[6] == (
        "    note: allow_headers: 'Cookie': a forbidden request-header in the Fetch standard: no script can "
        "set it: left out, and nobody loses access"
    )


def test_an_app_without_it(workplace: Workplace) -> None:
    workplace.write({"main.py": "from fastapi import FastAPI\napp = FastAPI()\n"})
    run = workplace.run("migrate")
    assert (run.code, run.out) == (0, "there is no CORSMiddleware to replace\n")
    assert workplace.refused("migrate", "--diff") == "--diff: there is no CORSMiddleware to replace"
    assert workplace.refused("migrate", "--diff", "--json") == "--json and --diff: give only one of them"


def test_a_path_of_which_nothing_is_known_is_left_out(workplace: Workplace) -> None:
    workplace.write(
        {
            "main.py": """\
import re
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from starlette.convertors import Convertor, register_url_convertor

class Odd(Convertor):
    regex = "(?!)"
    def convert(self, value): return value
    def to_string(self, value): return value

register_url_convertor("odd", Odd())
app = FastAPI(openapi_url=None)

@app.get("/{it:odd}")
async def items(it: str): ...

app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"])
"""
        }
    )
    run = workplace.run("migrate")
    assert "    not compared: /{it:odd}: no example of a path that it matches was found" in run.lines
