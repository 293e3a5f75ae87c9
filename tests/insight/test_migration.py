"""What each argument of a CORSMiddleware becomes; where the source adds it; the patch, or why not."""

from __future__ import annotations

import importlib.util
import itertools
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
from fastapi import FastAPI
from pydantic import AnyHttpUrl
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.routing import Mount, Route, Router

from route_cors import CORSPolicy, install_cors, report
from route_cors.insight.migration import NoPatchError, migration, patch_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from route_cors.insight.migration import Migration, Replacement

A: Final = "https://a.example"


def _app() -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/items", lambda: None, methods=["GET", "PUT"])
    return app


def _replacement(**arguments: Any) -> Replacement:
    app = _app()
    app.add_middleware(CORSMiddleware, **arguments)
    (replacement,) = migration(app, []).replacements
    return replacement


def _code(**arguments: Any) -> str:
    """The arguments of the policy, on one line."""
    code = _replacement(**arguments).code
    flat = re.sub(r"\n *", "", code).replace(",", ", ").replace(",  ", ", ").replace(", )", ")")
    return flat.removeprefix("install_cors(app, default=CORSPolicy(").removesuffix("))")


def _remarks(**arguments: Any) -> list[tuple[str, bool]]:
    return [(each.about, each.loses) for each in _replacement(**arguments).remarks]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({}, "install_cors(app)"),
        ({"allow_origins": [A]}, f'origins=["{A}"], methods=["GET"]'),
        ({"allow_origins": A}, f'origins=["{A}"], methods=["GET"]'),
        ({"allow_origins": ["*"]}, 'origins="*", methods=["GET"]'),
        ({"allow_origins": "*", "allow_methods": ["*"]}, 'origins="*"'),
        ({"allow_origins": ["*"], "allow_methods": ["GET", "get", "patch"]}, 'origins="*", methods=["GET"]'),
        ({"allow_origins": ["*"], "allow_methods": []}, 'origins="*", methods=["GET"]'),
        ({"allow_origins": ["*"], "allow_methods": "POST"}, 'origins="*", methods=["POST"]'),
        (
            {"allow_origins": ["*"], "allow_methods": ["*"], "allow_headers": ["*"]},
            'origins="*", allow_headers=["*", "Authorization"]',
        ),
        (
            {
                "allow_origins": ["*"],
                "allow_methods": ["*"],
                "allow_headers": ["X-Token", "Accept", "Cookie"],
            },
            'origins="*", allow_headers=["X-Token"]',
        ),
        ({"allow_origins": ["*"], "allow_methods": ["*"], "max_age": 10**6}, 'origins="*", max_age=86400'),
        ({"allow_origins": ["*"], "allow_methods": ["*"], "max_age": -1}, 'origins="*", max_age=0'),
        ({"allow_origins": ["*"], "allow_methods": ["*"], "max_age": 1.5}, 'origins="*", max_age=None'),
        (
            {"allow_origins": ["*"], "allow_methods": ["*"], "expose_headers": ["*", "ETag"]},
            'origins="*", expose_headers="*"',
        ),
        (
            {
                "allow_origins": [A],
                "allow_credentials": True,
                "allow_methods": ["*"],
                "expose_headers": ["*"],
            },
            f'origins=["{A}"], allow_credentials=True',
        ),
        (
            {"allow_origins": ["http://a.example"], "allow_credentials": True, "allow_methods": ["*"]},
            'origins=["http://a.example"], dangerously_allow_insecure_origins=True, allow_credentials=True',
        ),
        (
            {"allow_origin_regex": re.compile(r"https://A\.example", re.IGNORECASE), "allow_methods": ["*"]},
            r'origins=[re.compile(r"https://A\.example", re.IGNORECASE)]',
        ),
        (
            {"allow_origin_regex": 'https://(a|")\\.example', "allow_methods": ["*"]},
            """origins=[re.compile('https://(a|")\\\\.example')]""",
        ),
        ({"allow_origin_regex": "https://.*", "allow_credentials": True}, "install_cors(app)"),
    ],
)
def test_the_policy_says_the_same(arguments: dict[str, Any], code: str) -> None:
    assert _code(**arguments) == code


@pytest.mark.parametrize(
    ("arguments", "remarks"),
    [
        ({}, [("allow_origins", False)]),
        ({"allow_origins": ["*"], "allow_methods": ["*"]}, []),
        ({"allow_origins": ["*"], "allow_credentials": True}, [("allow_origins '*' with credentials", True)]),
        ({"allow_origins": [A, "null"]}, [("allow_origins: 'null'", True)]),
        ({"allow_origins": [A, f"{A}/"]}, [("allow_origins: 'https://a.example/'", False)]),
        ({"allow_origins": [A, "app://~"]}, [("allow_origins: 'app://~'", False)]),
        ({"allow_origins": [A, "https://*.a.example"]}, [("allow_origins: 'https://*.a.example'", False)]),
        ({"allow_origins": A}, [(f"allow_origins={A!r}, a bare string", True)]),
        ({"allow_origins": [A], "allow_methods": "PUT"}, [
            ("allow_methods='PUT', a bare string", False),
            ("allow_methods", False),
        ]),
        ({"allow_origins": [A], "allow_methods": ["GET", "get"]}, [("allow_methods: 'get'", False)]),
        ({"allow_origins": [A], "allow_headers": ["Cookie"]}, [("allow_headers: 'Cookie'", False)]),
        ({"allow_origins": [A], "expose_headers": ["Set-Cookie"]}, [("expose_headers: 'Set-Cookie'", False)]),
        ({"allow_origins": [A], "max_age": -1}, [("max_age: -1", False)]),
        ({"allow_origins": [A], "max_age": "soon"}, [("max_age: 'soon'", False)]),
        ({"allow_origins": [A], "allow_origin_regex": ".*l"}, [("allow_origin_regex: '.*l'", True)]),
        ({"allow_origins": ["http://a.example"], "allow_credentials": True}, [
            ("http origins with credentials", False)
        ]),
    ],
)  # fmt: skip
def test_what_is_not_as_it_was_is_said(arguments: dict[str, Any], remarks: list[tuple[str, bool]]) -> None:
    assert _remarks(**arguments) == remarks


def test_a_url_of_pydantic_let_nobody_in() -> None:
    replacement = _replacement(allow_origins=[AnyHttpUrl("http://localhost:3000")])
    assert replacement.policy is None
    (slash, _) = replacement.remarks
    assert slash.why == (
        "a trailing slash: an origin ends with its host or port: no browser sends an "
        "origin in this spelling, so it allowed nobody: it is left out"
    )
    assert slash.instead == "'http://localhost:3000', to allow it"


class Custom(AnyHttpUrl):
    """Looks like an origin, and is none."""

    def __str__(self) -> str:
        return A


def test_what_is_no_text_let_nobody_in() -> None:
    Custom.__module__ = "pydantic.networks"
    replacement = _replacement(allow_origins=[Custom(A)])
    assert replacement.policy is None
    assert replacement.remarks[0].instead == f"{A!r}, to allow it"


_numbers = itertools.count()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("_migration_"):
            del sys.modules[name]


def _written(here: Path, source: str | bytes) -> Any:
    """The module of a file, imported as others are."""
    name = f"_migration_{next(_numbers)}"
    file = here / "main.py"
    file.write_bytes(source if isinstance(source, bytes) else source.encode())
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _migrated(here: Path, source: str | bytes) -> Migration:
    return migration(_written(here, source).app, [here])


HEAD: Final = """\
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

app = FastAPI(openapi_url=None)
app.add_api_route("/items", lambda: None)
"""
INSTALLED: Final = 'install_cors(app, default=CORSPolicy(origins="*"))\n'
PLAIN: Final = (
    'app.add_middleware(CORSMiddleware, allow_origins=["https://a.example"], allow_methods=["*"])\n'
)


@pytest.mark.parametrize(
    ("source", "patched"),
    [
        (
            HEAD + PLAIN,
            HEAD.replace(
                "from fastapi.middleware.cors import CORSMiddleware",
                "from route_cors import CORSPolicy, install_cors",
            )
            + 'install_cors(app, default=CORSPolicy(origins=["https://a.example"]))\n',
        ),
        (
            "from starlette.middleware import cors\nfrom route_cors import install_cors\nimport re\n"
            + HEAD.replace("from fastapi.middleware.cors import CORSMiddleware\n", "")
            + r'app.add_middleware(cors.CORSMiddleware, allow_origin_regex=r"https://\w\.a\.example")  # all',
            "from starlette.middleware import cors\nfrom route_cors import install_cors\nimport re\n"
            + HEAD.replace("from fastapi.middleware.cors import CORSMiddleware\n", "")
            + "from route_cors import CORSPolicy, install_cors\n"
            "install_cors(\n    app,\n    default=CORSPolicy(\n        "
            r'origins=[re.compile(r"https://\w\.a\.example")],'
            '\n        methods=["GET"],\n    ),\n)\n',
        ),
        (
            f"{HEAD}\nused = CORSMiddleware\nif used:\n    {PLAIN}",
            HEAD.replace(
                "import CORSMiddleware",
                "import CORSMiddleware\nfrom route_cors import CORSPolicy, install_cors",
            )
            + '\nused = CORSMiddleware\nif used:\n    install_cors(app, default=CORSPolicy(origins=["https://a.example"]))\n',
        ),
        (
            f"{HEAD}{PLAIN}if app:\n    app.add_middleware(CORSMiddleware)\n",
            HEAD.replace(
                "from fastapi.middleware.cors import CORSMiddleware", "from route_cors import install_cors"
            )
            + "if app:\n    install_cors(app)\n",
        ),
        (
            f"{HEAD}if app:\n    {PLAIN}app.add_middleware(CORSMiddleware)\n",
            HEAD.replace(
                "from fastapi.middleware.cors import CORSMiddleware", "from route_cors import install_cors"
            )
            + "if app:\n    pass\ninstall_cors(app)\n",
        ),
        (
            f"{HEAD}from route_cors import CORSPolicy, install_cors\n{PLAIN}{INSTALLED}",
            HEAD.replace("from fastapi.middleware.cors import CORSMiddleware\n", "")
            + "from route_cors import CORSPolicy, install_cors\n"
            + INSTALLED,
        ),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_patch_applies(here: Path, source: str, patched: str, end: str) -> None:
    patch = patch_of(_migrated(here, source.replace("\n", end)))
    subprocess.run(["git", "apply"], input=patch.encode(), cwd=here, check=True)
    assert (here / "main.py").read_bytes().decode() == patched.replace("\n", end)


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (f"{HEAD}x = 1; {PLAIN}", "main.py:6: there is other code on the lines of the call"),
        (f"{HEAD}{PLAIN.rstrip()}; x = 1\n", "main.py:6: there is other code on the lines of the call"),
        (
            f"{HEAD}def f():\n    {PLAIN}f()\n",
            "main.py:7: the call is not a statement of its own in the module, outside of functions",
        ),
        (
            f"{HEAD}other = [app]\nother[0].add_middleware(CORSMiddleware)\n",
            "main.py:7: the call is not on a module-level name of the app",
        ),
        (f"{HEAD}{PLAIN}{PLAIN}", "a CORSMiddleware may have been added at any of main.py:6, main.py:7"),
        (
            f"{HEAD}app.add_middleware(eval('CORSMiddleware'))\n",
            "the line that adds a CORSMiddleware was not found",
        ),
        (f"{HEAD}{PLAIN}# \x1b[31m\n", "'main.py' holds control characters near the call"),
        (f"{HEAD}{PLAIN}# a\r# b\n", "main.py:6: the file mixes several kinds of line endings"),
    ],
)
def test_why_there_is_no_patch(here: Path, source: str, why: str) -> None:
    with pytest.raises(NoPatchError) as error:
        patch_of(_migrated(here, source))
    assert str(error.value) == why


def test_a_file_elsewhere_is_not_patched(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = _migrated(here, HEAD + PLAIN)
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    with pytest.raises(NoPatchError, match="is not in the current directory"):
        patch_of(found)


def _lines(found: Migration) -> list[list[int]]:
    return [[place.line for place in places] for each in found.replacements for places in each.places]


@pytest.mark.parametrize(
    ("added", "lines"),
    [
        ('app.add_middleware(CORSMiddleware, **{"allow_origins": ["https://a.example"]})\n', [[6]]),
        ('app.add_middleware(CORSMiddleware, *[["https://a.example"]])\n', [[6]]),
        ('app.add_middleware(CORSMiddleware, ["https://a.example"], ("GET",))\n', [[6]]),
        ("from starlette.middleware import cors\napp.add_middleware(cors.CORSMiddleware)\n", [[7]]),
        (
            "def f():\n    from a import CORSMiddleware\napp.add_middleware(globals()['CORSMiddleware'])\n",
            [[]],
        ),
        (f"{PLAIN}other = FastAPI()\nother.{PLAIN[4:]}", [[6]]),
        (f"{PLAIN}other = FastAPI()\nother.add_middleware(CORSMiddleware, allow_origin_regex=1)\n", [[6]]),
        (f"print()\nprint(CORSMiddleware)\n{PLAIN}", [[8]]),
    ],
)
def test_the_line_is_found(here: Path, added: str, lines: list[list[int]]) -> None:
    assert _lines(_migrated(here, HEAD + added)) == lines


def test_a_module_that_cannot_be_read_has_no_lines(here: Path) -> None:
    module = _written(here, HEAD + PLAIN)
    for written in (b"CORS(", b"# CORS \xff", b"nothing", b"# CORS\n" + b"#" * 2_000_000):
        (here / "main.py").write_bytes(written)
        assert _lines(migration(module.app, [here])) == [[]]
    (here / "main.py").unlink()
    assert _lines(migration(module.app, [here])) == [[]]


def test_names_of_the_source_are_kept_where_they_say_the_same(here: Path) -> None:
    source = f"""{HEAD}
ORIGINS, REGEX = ["https://b.example"], r"https://\\w\\.a\\.example"
TRUE, NAMES, AGE = bool(1), ["X-Token"], 60
app.add_middleware(CORSMiddleware, allow_origins=ORIGINS, allow_origin_regex=REGEX, allow_credentials=TRUE,
    allow_methods=[*"a"][1:] + ["GET"], allow_headers=NAMES, expose_headers=NAMES, max_age=AGE)
"""
    (replacement,) = _migrated(here, source).replacements
    assert (
        replacement.code
        == """\
install_cors(
    app,
    default=CORSPolicy(
        origins=[*ORIGINS, re.compile(REGEX)],
        allow_credentials=TRUE,
        methods=[*'a'][1:] + ['GET'],
        allow_headers=NAMES,
        expose_headers=NAMES,
        max_age=AGE,
    ),
)"""
    )
    assert dict(replacement.read)["allow_origin_regex"] == "REGEX"


def test_a_regex_by_its_name_alone(here: Path) -> None:
    source = f'{HEAD}\nREGEX = "https://a"\napp.add_middleware(CORSMiddleware, allow_origin_regex=REGEX, allow_origins=["https://b"])\n'
    (replacement,) = _migrated(here, source).replacements
    assert 'origins=["https://b", re.compile(REGEX)]' in replacement.code


def test_the_app_is_left_as_it_was() -> None:
    for installs in (False, True):
        app = _app()
        app.add_middleware(CORSMiddleware, allow_origins=[A])
        if installs:
            install_cors(app)
        before = dict(vars(app))
        added = [*app.user_middleware]
        (replacement,) = migration(app, []).replacements
        assert vars(app) == before
        assert app.user_middleware == added
        assert replacement.code.endswith("# replaces the existing install_cors(...)") is installs


def test_a_default_that_holds_already_is_kept() -> None:
    app = _app()
    app.add_middleware(CORSMiddleware, allow_origins=["https://b.example"])
    install_cors(app, default=CORSPolicy(origins=A))
    found = migration(app, [])
    (replacement,) = found.replacements
    assert replacement.code == "# nothing: install_cors already has a default here"
    assert (replacement.policy, replacement.imports, replacement.remarks) == (None, (), ())
    assert found.changes == ()


def _respond(_: Any) -> Response:
    return Response()


def _wheres(app: Any) -> list[tuple[str, str, str]]:
    return [
        (each.where, each.path, each.code.partition("  #")[0]) for each in migration(app, []).replacements
    ]


def test_every_place_is_found() -> None:
    layer = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"])
    none = Middleware(CORSMiddleware)
    app = _app()
    sub = _app()
    sub.add_middleware(CORSMiddleware, allow_origins=[A], allow_methods=["*"])
    app.mount("/once", sub)
    app.mount("/twice", sub)
    app.router.routes += [
        Mount("/mount", routes=[Route("/r", _respond)], middleware=[layer]),
        Mount("/router", app=Router(routes=[Route("/r", _respond)], middleware=[layer])),
        Route("/route", _respond, middleware=[none]),
        Mount("/end", app=CORSMiddleware(_respond, allow_origins=["*"], allow_methods=["*"])),  # type: ignore[arg-type]
    ]
    around = GZipMiddleware(CORSMiddleware(app, allow_origins=["*"], allow_methods=["*"]))
    assert _wheres(around) == [
        ("around", "", 'RouteCORSMiddleware(app, default=CORSPolicy(origins="*"))'),
        ("mounted app", "/once", f'install_cors(app, default=CORSPolicy(origins=["{A}"]))'),
        ("mount", "/mount", 'cors(origins="*")(...)'),
        ("router", "/router", '@cors(origins="*")'),
        ("route", "/route", "@no_cors"),
        ("mount", "/end", 'cors(origins="*")(...)'),
    ]


def test_a_bare_router_is_no_app() -> None:
    router = Router(routes=[Route("/r", _respond)])
    assert _wheres(CORSMiddleware(router, allow_origins=["*"], allow_methods=["*"])) == [
        ("around", "", 'RouteCORSMiddleware(app, default=CORSPolicy(origins="*"))')
    ]


def test_a_mounted_app_behind_what_is_no_app() -> None:
    sub = _app()
    sub.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"])
    app = CORSMiddleware(Router(routes=[Mount("/sub", app=sub)]), allow_origins=[A])
    found = migration(app, [])
    assert [(each.where, each.is_compared) for each in found.replacements] == [
        ("around", False),
        ("mounted app", True),
    ]
    # The outer one stays, and goes on refusing the preflights of a PUT.
    assert found.calls > 0
    assert found.changes == ()


def test_what_is_replaced_by_nothing_is_gone() -> None:
    app = _app()
    app.add_middleware(CORSMiddleware, allow_origins=["null"])
    (change,) = migration(app, []).changes
    assert (change.verdict, change.origins, change.methods) == ("loses", ("null",), ("GET",))
    assert (change.asks, change.paths) == (("nothing",), ("/items",))


def test_the_outermost_is_what_the_policy_is_of() -> None:
    app = _app()
    app.add_middleware(CORSMiddleware, allow_origins=["https://inner.example"])
    (replacement,) = migration(CORSMiddleware(app, allow_origins=[A]), []).replacements
    assert replacement.policy == CORSPolicy(origins=A, methods=["GET"])
    assert [each.loses for each in replacement.remarks] == [True]


def test_the_origins_beside_any_are_those_to_name() -> None:
    (remark,) = _replacement(allow_origins=["*", A, f"{A}/"], allow_credentials=True).remarks
    assert remark.instead == f"name the origins that you trust: origins=['{A}'], allow_credentials=True"


def test_what_is_installed_goes_on_enforcing() -> None:
    for default, replaced in ((None, A), (None, "null"), (CORSPolicy(origins=A), A)):
        app = _app()
        app.add_middleware(CORSMiddleware, allow_origins=[replaced])
        install_cors(app, default=default, enforce=True)
        (replacement,) = migration(app, []).replacements
        assert [route.is_enforced for route in report(app).routes] == [True]
        if default is None:
            named = f'default=CORSPolicy(origins=["{A}"], methods=["GET"]), ' if replaced == A else ""
            code = f"install_cors(app, {named}enforce=True)  # replaces the existing install_cors(...)"
            assert re.sub(r",?\n *", " ", replacement.code).replace("( ", "(").replace(" )", ")") == code


def test_a_host_is_asked_by_its_name() -> None:
    from starlette.routing import Host

    app = _app()
    app.router.routes.insert(0, Host("api.example", app=Router(routes=[Route("/r", _respond)])))
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    found = migration(app, [])
    assert {path for change in found.changes for path in change.paths} == {"/r", "/items"}


@pytest.mark.skipif(
    "allow_private_network" not in CORSMiddleware.__init__.__annotations__, reason="Starlette has none yet"
)
def test_the_private_network() -> None:
    replacement = _replacement(allow_origins=[A], allow_private_network=True)
    assert replacement.code == _replacement(allow_origins=[A]).code
    why = "browsers have dropped the headers of Private Network Access: left out, and nobody loses access"
    (remark,) = replacement.remarks
    assert (remark.about, remark.why, remark.instead) == ("allow_private_network", why, None)
    assert not remark.loses
