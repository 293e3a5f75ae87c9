"""The app that a command is about, found or missed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .support import Workplace


def app_with(path: str, name: str = "app", kind: str = "FastAPI(openapi_url=None)") -> str:
    """A module with an app that has this one path."""
    return f"""
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Route
{name} = {kind}
{name}.router.add_route({path!r}, print)
"""


def paths(workplace: Workplace, *arguments: str) -> list[str]:
    """The paths that the command finds."""
    run = workplace.run("table", *arguments)
    assert (run.code, run.err) == (0, "")
    return [line.split()[1] for line in run.lines[1:-2]]


NOTHING_USUAL = (
    "no app was named, and there is no main.py, app.py, api.py, app/main.py, app/app.py or app/api.py here: "
    "name it, as in main:app"
)
NO_APP = (
    "'none' has no FastAPI or Starlette app: "
    "name it, as in none:app, or the function that makes it, as in none:create_app()"
)

USUAL_FILES = ["main.py", "app.py", "api.py", "app/main.py", "app/app.py", "app/api.py"]


@pytest.mark.parametrize("number", range(len(USUAL_FILES)))
def test_the_usual_files_are_tried_in_the_order_of_fastapi_dev(workplace: Workplace, number: int) -> None:
    workplace.write({file: app_with(f"/{file}") for file in USUAL_FILES[number:]})
    assert paths(workplace) == [f"/{USUAL_FILES[number]}"]


def test_a_usual_file_in_a_package_is_imported_as_part_of_it(workplace: Workplace) -> None:
    main = "from .own import PATH\n" + app_with("/x").replace("'/x'", "PATH")
    workplace.write({"app/__init__.py": "", "app/own.py": "PATH = '/relative'", "app/main.py": main})
    assert paths(workplace) == ["/relative"]


def test_the_entrypoint_in_pyproject_goes_first(workplace: Workplace) -> None:
    workplace.write({"main.py": app_with("/main"), "backend/server.py": app_with("/server", "application")})
    pyproject = workplace.directory / "pyproject.toml"
    pyproject.write_text('[tool.fastapi]\nentrypoint = "backend.server:application"\n')
    assert paths(workplace) == ["/server"]
    assert paths(workplace, "main") == ["/main"]


@pytest.mark.parametrize("pyproject", ["", "[tool.other]\na = 1\n", "tool = 3\n", "[tool.fastapi]\n"])
def test_a_pyproject_without_entrypoint_changes_nothing(workplace: Workplace, pyproject: str) -> None:
    workplace.write({"main.py": app_with("/main")})
    (workplace.directory / "pyproject.toml").write_text(pyproject)
    assert paths(workplace) == ["/main"]


@pytest.mark.parametrize(
    ("pyproject", "error"),
    [
        ("[tool", "pyproject.toml: TOMLDecodeError: "),
        (
            "[tool.fastapi]\nentrypoint = 3\n",
            "pyproject.toml: the entrypoint of [tool.fastapi] is not a string: write 'main:app'",
        ),
    ],
)
def test_a_broken_pyproject_is_one_line(workplace: Workplace, pyproject: str, error: str) -> None:
    (workplace.directory / "pyproject.toml").write_text(pyproject)
    assert workplace.refused("table").startswith(error)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        (app_with("/api", "api") + app_with("/app") + app_with("/a", "a"), "/app"),
        (app_with("/zeta", "zeta") + app_with("/api", "api"), "/api"),
        (app_with("/starlette", "a", "Starlette()") + app_with("/zeta", "zeta"), "/zeta"),
        (app_with("/starlette", "only", "Starlette()"), "/starlette"),
        (app_with("/starlette", kind="Starlette()") + app_with("/zeta", "zeta"), "/starlette"),
        # A package that is imported has an `app` of its own.
        (
            app_with("/a", "a")
            + app_with("/b", "b")
            + "import types\napp = types.ModuleType('app')\napp.app = b\n",
            "/a",
        ),
        # What is wrapped still counts by its usual name.
        (
            app_with("/wrapped", "inner")
            + app_with("/zeta", "azeta")
            + "from starlette.middleware.gzip import GZipMiddleware\napp = GZipMiddleware(inner)\n",
            "/wrapped",
        ),
    ],
)
def test_the_object_that_is_meant(workplace: Workplace, source: str, wanted: str) -> None:
    workplace.write({"main.py": source})
    assert paths(workplace, "main") == [wanted]


@pytest.mark.parametrize(
    "target",
    ["shop.web", "shop.web:app", "shop/web.py", "shop/web.py:app", "./shop/web.py", "shop.web:holder.app"],
)
def test_every_way_to_name_it(workplace: Workplace, target: str) -> None:
    workplace.write({"shop/web.py": app_with("/x") + "class holder:\n    pass\nholder.app = app\n"})
    assert paths(workplace, target) == ["/x"]
    assert paths(workplace, "--app", target) == ["/x"]
    assert paths(workplace, "-a", target) == ["/x"]


def test_a_package_is_named_by_its_directory_or_its_init(workplace: Workplace) -> None:
    workplace.write(
        {
            "outer/__init__.py": "",
            "outer/inner/__init__.py": "from .web import app",
            "outer/inner/web.py": app_with("/x"),
        }
    )
    for target in (
        "outer/inner",
        "outer/inner/__init__.py",
        "outer.inner",
        f"{workplace.directory}/outer/inner",
    ):
        assert paths(workplace, target) == ["/x"]


@pytest.mark.parametrize(
    "arguments", [["main:create()"], ["main:create", "--factory"], ["main:create()", "--factory"]]
)
def test_a_factory_is_called(workplace: Workplace, arguments: list[str]) -> None:
    workplace.write({"main.py": app_with("/x", "held") + "def create():\n    return held\n"})
    assert paths(workplace, *arguments) == ["/x"]


def test_it_is_named_once(workplace: Workplace) -> None:
    assert workplace.refused("table", "main:app", "--app", "other:app") == (
        "the app is named twice: 'main:app' and --app 'other:app'"
    )


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ([], NOTHING_USUAL),
        (["nope"], "there is no module 'nope', neither here nor installed"),
        (["nope.inner:app"], "there is no module 'nope', neither here nor installed"),
        (["held.inner:app"], "there is no module 'held.inner', neither here nor installed"),
        (["nope.py"], "there is no file 'nope.py'"),
        (["C:\\nope.py"], "there is no file 'C:\\\\nope.py'"),
        (["held:"], "'held:' does not name an app: write module:app, as in main:app"),
        ([":app"], "':app' does not name an app: write module:app, as in main:app"),
        (["held:nope"], "'held' has no 'nope': write held:app"),
        (["held:app.nope"], "'held' has no 'app.nope': write held:app"),
        (["none:app"], "'none' has no 'app'"),
        (["none"], NO_APP),
        (["none:number"], "none:number is of type int and shows no routes"),
        (
            ["none:create"],
            "none:create is of type function and shows no routes: write none:create() if it makes the app",
        ),
        (["empty"], "empty:app has no routes"),
        (["none", "--factory"], "--factory: name the function that makes the app, as in none:create_app"),
        (
            ["none:create()"],
            "calling none:create() failed at none.py:3: RuntimeError: no database at \\x1b[31m here",
        ),
        (["none:number()"], "calling none:number() failed: TypeError: 'int' object is not callable"),
    ],
)
def test_what_is_not_there_is_one_line(workplace: Workplace, arguments: list[str], error: str) -> None:
    none = """\
number = 3
def create():
    raise RuntimeError("no database\\n  at \x1b[31m here")
"""
    empty = "from starlette.applications import Starlette\napp = Starlette()\n"
    workplace.write({"held.py": app_with("/x"), "none.py": none, "empty.py": empty})
    assert workplace.refused("table", *arguments) == error


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("x = 1\nraise ValueError('a\\nb')", "importing 'main' failed at main.py:2: ValueError: a b"),
        ("x = (", "importing 'main' failed at main.py:1: SyntaxError: '(' was never closed"),
        ("import sys\nsys.exit(3)", "importing 'main' failed at main.py:2: SystemExit: 3"),
        ("import sys\nsys.exit()", "importing 'main' failed at main.py:2: SystemExit"),
        ("import nope", "importing 'main' failed at main.py:1: ModuleNotFoundError: No module named 'nope'"),
        ("raise BaseException", "importing 'main' failed at main.py:1: BaseException"),
        (
            "class Odd(Exception):\n    def __str__(self): 1/0\nraise Odd",
            "importing 'main' failed at main.py:3: Odd: (its message cannot be read)",
        ),
        # Raised deep in a library: the line of the user's that went there.
        ("import json\njson.loads('')", "importing 'main' failed at main.py:2: JSONDecodeError: "),
        ("compile('(', '<text>', 'exec')", "importing 'main' failed at main.py:1: SyntaxError: "),
        (
            "from route_cors import CORSPolicy\nCORSPolicy(origins='http://a.example/')",
            "importing 'main' failed at main.py:2: CORSConfigError: 1 problem in a CORS policy: origins: ",
        ),
        ("raise OSError('\\u202e' + 'x' * 2000)", "importing 'main' failed at main.py:1: OSError: \\u202ex"),
    ],
)  # fmt: skip
def test_an_import_that_fails_is_one_line(workplace: Workplace, source: str, error: str) -> None:
    workplace.write({"main.py": source})
    told = workplace.refused("table")
    assert told.startswith(error)
    assert len(told) < 1100


def test_ctrl_c_during_the_import_is_the_users_own(workplace: Workplace) -> None:
    workplace.write({"main.py": "raise KeyboardInterrupt"})
    run = workplace.run("table")
    assert (run.code, run.out, "error" in run.err) == (130, "", False)


def test_the_traceback_is_shown_on_demand(workplace: Workplace) -> None:
    workplace.write({"main.py": "raise ValueError('no')"})
    run = workplace.run("table", "--traceback")
    assert run.code == 2
    assert "Traceback (most recent call last):\n" in run.err
    assert run.err.endswith(
        "\nValueError: no\nroute-cors: error: importing 'main' failed at main.py:1: ValueError: no\n"
    )
    # Nothing caused this one.
    assert "Traceback" not in workplace.run("table", "nope.py", "--traceback").err


def test_what_the_app_prints_does_not_get_into_the_output(workplace: Workplace) -> None:
    create = "def create():\n    print('made')\n    return held\n"
    workplace.write({"main.py": "print('at import')\n" + app_with("/x", "held") + create})
    run = workplace.run("table", "main:create()")
    assert (run.code, run.err) == (0, "at import\nmade\n")
    assert run.lines[0].startswith("Methods")


def test_the_current_directory_is_searched_first(workplace: Workplace) -> None:
    workplace.write({"elsewhere/main.py": app_with("/elsewhere"), "main.py": app_with("/here")})
    sys.path.insert(0, str(workplace.directory / "elsewhere"))
    assert paths(workplace, "main:app") == ["/here"]
