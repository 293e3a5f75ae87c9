"""Where the user's own source makes what a finding is about: the line of the call, never of a library."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fastapi.applications import FastAPI

from route_cors import report
from route_cors.insight import Place
from route_cors.insight.source import Source, is_of_a_library

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Any]]:
    """Import modules from a directory of their own, which is the current one; the last is returned."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def load_modules(**sources: str) -> Any:
        for name, source in sources.items():
            (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        return [importlib.import_module(name) for name in sources][-1]

    yield load_modules
    for name in set(sys.modules) - before:
        del sys.modules[name]


def places(app: object) -> dict[str, str]:
    """Each code, and the place of its first finding."""
    told: dict[str, str] = {}
    for finding in report(app).findings:
        told.setdefault(finding.code, str(finding.place))
    return told


IMPORTS = """\
from fastapi import Cookie, FastAPI, Response
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors
"""


@pytest.mark.parametrize(
    "source",
    [
        "app = FastAPI()\napp.add_middleware(CORSMiddleware, allow_origins=['null'])",
        "ORIGINS = ['null']\napp = FastAPI()\napp.add_middleware(CORSMiddleware, allow_origins=ORIGINS)#null",
        "\napp = FastAPI(middleware=[Middleware(CORSMiddleware, allow_origins=['null'])])",
        "def make(app):\n    return CORSMiddleware(app, allow_origins=['null'])\napp = make(FastAPI())",
        (
            "def make():\n    from fastapi.middleware.cors import CORSMiddleware as Other\n"
            "    app = FastAPI()\n    app.add_middleware(CORSMiddleware, allow_origins=['null'])\n"
            "    return app\napp = make()"
        ),
        (
            "app = FastAPI()\nother = FastAPI()\nother.add_middleware(CORSMiddleware, allow_origins=['*'])\n"
            "import starlette.middleware.cors as c\n"
            "app.add_middleware(c.CORSMiddleware, allow_origins=['null'])"
        ),
    ],
    ids=["add_middleware", "a name", "Middleware", "around", "in a function", "another one"],
)
def test_the_line_that_adds_a_middleware(load: Callable[..., Any], source: str) -> None:
    app = load(main_a=f"{IMPORTS}{source}\n").app
    lines = f"{IMPORTS}{source}\n".splitlines()
    line = next(number for number, text in enumerate(lines, 1) if "null" in text and "ORIGINS = " not in text)
    assert places(app)["RC018"] == f"main_a.py:{line}"


def test_arguments_that_are_others_are_no_match(load: Callable[..., Any]) -> None:
    source = "app = FastAPI()\nfor origins in [['null']]:\n"
    source += "    app.add_middleware(CORSMiddleware, allow_origins=origins)\n"
    module = load(main_b=f"{IMPORTS}{source}other = Middleware(CORSMiddleware, allow_origins=['*'])\n")
    # `origins` is what it was last: the list that was read.
    assert places(module.app)["RC018"] == "main_b.py:7"
    assert Source(module.app, []).of_layer("nowhere.Unknown", None) is None


ROUTERS = """
POLICY = CORSPolicy(origins="https://a.example", allow_credentials=True)
one = CORSRouter(prefix="/one", cors=POLICY)
two = CORSRouter(
    prefix="/two", cors=CORSPolicy(origins=["https://a.example", "http://b.example"])
)

@one.post("/a")
async def a(session: str = Cookie()): ...

@one.post("/b")
async def b(session: str = Cookie()): ...

@two.get("/c")
async def c(): ...

app = FastAPI()
app.include_router(one)
app.include_router(two)
"""


def test_the_line_that_makes_a_router(load: Callable[..., Any]) -> None:
    assert places(load(main_c=IMPORTS + ROUTERS).app) == {"RC009": "main_c.py:8", "RC011": "main_c.py:7"}


IN_A_FUNCTION = """
def make():
    router = CORSRouter(cors=CORSPolicy(origins="http://a.example"))
    router.get("/a")(endpoint)
    app = FastAPI()
    app.include_router(router)
    {}
    return app

async def endpoint(): ...

app = make()
"""


def test_a_router_that_no_module_holds_is_the_only_one_or_none(load: Callable[..., Any]) -> None:
    assert places(load(main_d=IMPORTS + IN_A_FUNCTION.format("")).app) == {"RC009": "main_d.py:7"}
    second = IN_A_FUNCTION.format("CORSRouter()")
    endpoint = (IMPORTS + second).splitlines().index("async def endpoint(): ...") + 1
    for name in ("main_d",):
        del sys.modules[name]
    assert places(load(main_e=IMPORTS + second).app) == {"RC009": f"main_e.py:{endpoint}"}


@pytest.mark.parametrize(
    "install",
    [
        "install_cors(app, default=CORSPolicy(origins='http://a.example'))",
        "install_cors(app=app, default=CORSPolicy(origins='http://a.example'))",
        "app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins='http://a.example'))",
    ],
)
@pytest.mark.parametrize("others", ["", "install_cors(FastAPI())\n"])
def test_the_line_that_installs_a_default(load: Callable[..., Any], install: str, others: str) -> None:
    app = load(main_f=f"{IMPORTS}app = FastAPI()\n{install}\n{others}").app
    assert places(app)["RC009"] == "main_f.py:6"


def test_the_default_of_a_mounted_app_and_a_mount(load: Callable[..., Any]) -> None:
    source = """\
app = FastAPI()
inside = FastAPI(openapi_url=None)
@inside.get("/a")
async def a(): ...
install_cors(inside, default=CORSPolicy(origins="http://a.example"))
app.mount("/in", inside)
opaque = cors(origins="http://b.example")(lambda scope, receive, send: None)
app.mount("/opaque", opaque)
install_cors(app)
"""
    app = load(main_g=IMPORTS + source).app
    found = {finding.sentence.partition(":")[0]: str(finding.place) for finding in report(app).findings}
    assert found["the policy allows http"] == "main_g.py:12"
    assert places(app) == {"RC009": "main_g.py:9", "RC012": "main_g.py:9"}


def test_a_default_is_never_placed_in_a_library(load: Callable[..., Any]) -> None:
    policy = "CORSPolicy(origins='http://a.example')"
    source = f"app = FastAPI()\ninstall_cors(app, default={policy})\n"
    app = load(main_h=IMPORTS + source).app
    assert places(app) == {"RC009": "main_h.py:6"}


COOKIES = """
app = FastAPI(openapi_url=None)
app.add_middleware(
    CORSMiddleware, allow_origins=["https://a.example", "https://b.example.org"], allow_credentials=True
)

@app.get("/login")
async def login(response: Response):
    response.set_cookie({})
"""


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("'session', '1'", True),
        ("'session', '1', samesite='Lax'", True),
        ("'session', '1', samesite=None", False),
        ("'session', '1', samesite='none', secure=True", False),
        ("'session', '1', samesite=app.state.samesite", False),
        ("**{}", False),
        ("*['session', '1', None, None, '/', None, False, False, 'none']", False),
        ("'session', '1', None, None, '/', None, False, False, 'none'", False),
    ],
)
def test_what_a_cookie_is_set_with(load: Callable[..., Any], arguments: str, found: bool) -> None:
    app = load(main_i=IMPORTS + COOKIES.replace("{}", arguments, 1)).app
    assert ("RC026" in places(app)) is found
    if found:
        assert places(app)["RC026"] == "main_i.py:13"


def test_cookies_that_another_project_sets_are_none_of_this_app(
    load: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "inside.py").write_text(
        IMPORTS + COOKIES.replace("{}", "'a', '1'").replace("app", "api")
    )
    load(elsewhere="def set(response):\n    response.set_cookie('a', '1', samesite='none')\n")
    sys.path.insert(0, str(tmp_path / "app"))
    try:
        module = importlib.import_module("inside")
        assert "RC026" in places(module.api)
    finally:
        sys.path.remove(str(tmp_path / "app"))


def test_a_source_that_is_gone_or_is_no_longer_python(load: Callable[..., Any], tmp_path: Path) -> None:
    source = "app = FastAPI()\napp.add_middleware(CORSMiddleware, allow_origins=['null'])\n"
    app = load(main_j=IMPORTS + source).app
    (tmp_path / "main_j.py").write_text("add_middleware(CORSMiddleware", encoding="utf-8")
    assert places(app)["RC018"] == "None"
    (tmp_path / "main_j.py").write_text(f"{IMPORTS}{source}#{'x' * 1_000_001}", encoding="utf-8")
    os.utime(tmp_path / "main_j.py", (1, 1))
    assert places(app)["RC018"] == "None"
    (tmp_path / "main_j.py").unlink()
    assert places(app)["RC018"] == "None"


def test_a_directory_that_is_gone(load: Callable[..., Any], tmp_path: Path) -> None:
    directory = tmp_path / "gone"
    directory.mkdir()
    app = load(
        main_k=f"{IMPORTS}app = FastAPI()\napp.add_middleware(CORSMiddleware, allow_origins=['null'])\n"
    ).app
    os.chdir(directory)
    directory.rmdir()
    (finding,) = report(app).findings
    # As the module holds the app.
    assert finding.place == Place(str(tmp_path / "main_k.py"), 6)


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        (FastAPI.__init__.__code__.co_filename, True),
        (os.__file__, True),
        (Source.__init__.__code__.co_filename, True),
        ("/project/.venv/lib/python3.12/site-packages/library.py", True),
        ("/usr/lib/python3/dist-packages/library.py", True),
        ("/project/main.py", False),
        (__file__, False),
    ],
)
def test_what_is_the_users_own(file: str, expected: bool) -> None:
    assert is_of_a_library(file) is expected
