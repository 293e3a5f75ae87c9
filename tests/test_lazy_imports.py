"""`import route_cors` costs nothing until a name is used: pytest does it in every run, for the plugin."""

from __future__ import annotations

import importlib
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from interpreters import printed_by

import route_cors
import route_cors.insight
import route_cors.testing

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

HOME = {
    "CORSConfigError": "route_cors.errors",
    "CORSPolicy": "route_cors.policy",
    "CORSRoute": "route_cors.routing",
    "CORSRouter": "route_cors.routing",
    "Decision": "route_cors.decisions",
    "LiveOrigins": "route_cors.live",
    "OriginList": "route_cors.settings",
    "RouteCORSMiddleware": "route_cors.middleware",
    "cors": "route_cors.decorators",
    "inspector": "route_cors.insight.inspector.app",
    "install_cors": "route_cors.middleware",
    "no_cors": "route_cors.decorators",
    "policy_of": "route_cors.decorators",
    "report": "route_cors.insight.overview",
}
# What an app needs that declares policies and installs the layer.
OF_AN_APP = {
    *("arguments", "claims", "decisions", "declarations", "decorators", "diagnostics", "dispatch", "errors"),
    *("handshakes", "headers", "judging", "merging", "middleware", "origin_set", "origins", "policy"),
    *("preflights", "protocol", "regexes", "routing", "senders", "serving", "stack", "suffixes"),
}
OF_THE_HELP = {
    "route_cors",
    *("route_cors.cli", "route_cors.cli.app", "route_cors.cli.errors", "route_cors.cli.options"),
    *("route_cors.cli.text", "route_cors.insight", "route_cors.insight.lazy", "route_cors.insight.printable"),
}
FRAMEWORKS = {
    *("ada_url", "anyio", "asyncio", "fastapi", "httpx", "httpx2", "idna", "publicsuffixlist", "pydantic"),
    "starlette",
}


def run(code: str, tmp_path: Path) -> Any:
    """What a new interpreter prints, as JSON."""
    return json.loads(printed_by(code, tmp_path))


def test_the_package_loads_nothing_but_itself(tmp_path: Path) -> None:
    code = """
import __future__, importlib, json, sys, typing
before = set(sys.modules)
import route_cors
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    assert run(code, tmp_path) == ["route_cors"]


def test_the_plugin_loads_nothing_but_itself_and_pytest(tmp_path: Path) -> None:
    code = """
import json, sys, pytest
before = set(sys.modules)
import route_cors.testing.pytest_plugin
print(json.dumps(sorted(set(sys.modules) - before)))
"""
    assert run(code, tmp_path) == ["route_cors", "route_cors.testing", "route_cors.testing.pytest_plugin"]


def test_a_name_loads_what_it_needs_and_no_more(tmp_path: Path) -> None:
    code = """
import json, sys
from route_cors import CORSConfigError
print(json.dumps(sorted(name.partition(".")[0] for name in sys.modules)))
"""
    assert FRAMEWORKS.isdisjoint(run(code, tmp_path))


def test_an_app_loads_neither_insight_nor_live_origins_nor_more_of_other_packages(tmp_path: Path) -> None:
    code = """
import json, sys, fastapi
before = set(sys.modules)
from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors
app = fastapi.FastAPI()
policy = CORSPolicy(origins=["https://a.example", "https://*.b.example"], allow_headers=["X-Token"])
app.get("/a")(cors(policy)(lambda: None))
app.include_router(CORSRouter(cors=CORSPolicy(origins="*")))
install_cors(app, default=no_cors, enforce=True)
loaded = {*sys.modules} - before
own = {name.split(".")[1] for name in loaded if name.startswith("route_cors.")}
others = {name for name in loaded if name.partition(".")[0] not in {"route_cors", *sys.stdlib_module_names}}
print(json.dumps([sorted(own), sorted(others)]))
"""
    own, others = run(code, tmp_path)
    assert own == sorted(OF_AN_APP)
    # Of Starlette, what FastAPI itself does without: the class-based endpoints, and below 0.137 static files.
    assert {*others} <= {"starlette.endpoints", "starlette.staticfiles"}


def test_a_report_reads_the_list_of_public_suffixes_only_for_patterns(tmp_path: Path) -> None:
    code = """
import json, sys, fastapi
from route_cors import CORSPolicy, install_cors, report
found = []
for origin in ("https://a.example", "https://shop.github.io", "https://*.b.example"):
    app = fastapi.FastAPI(openapi_url=None)
    policy = CORSPolicy(origins=[origin], allow_credentials=True, dangerously_allow_public_suffixes=True)
    install_cors(app, default=policy)
    app.get("/a")(lambda: None)
    codes = [finding.code for finding in report(app).findings]
    found.append([codes, "publicsuffixlist" in sys.modules])
print(json.dumps(found))
"""
    exact, of_an_account, pattern = run(code, tmp_path)
    assert [is_loaded for _, is_loaded in (exact, of_an_account, pattern)] == [False, False, True]
    assert "RC024" not in exact[0]
    assert "RC024" in of_an_account[0]


def test_the_help_loads_neither_a_framework_nor_what_a_command_does(tmp_path: Path) -> None:
    code = """
import io, json, sys
from contextlib import redirect_stdout, suppress
before = set(sys.modules)
from route_cors.cli import main
sys.argv = ["route-cors", "--help"]
with redirect_stdout(io.StringIO()) as printed, suppress(SystemExit):
    main()
assert "Find problems of the policies." in printed.getvalue()
print(json.dumps(sorted({*sys.modules} - before)))
"""
    loaded: list[str] = run(code, tmp_path)
    assert {name for name in loaded if name.partition(".")[0] == "route_cors"} == OF_THE_HELP
    roots = {name.partition(".")[0] for name in loaded}
    assert {*FRAMEWORKS, "uvicorn", "email"}.isdisjoint(roots)
    assert "importlib.metadata" not in loaded


def test_the_boxs_modules_load_without_the_framework(tmp_path: Path) -> None:
    code = """
import json, sys
import route_cors.testing
print(json.dumps(sorted(name.partition(".")[0] for name in sys.modules)))
"""
    assert {"fastapi", "starlette", "pydantic", "httpx", "httpx2"}.isdisjoint(run(code, tmp_path))


def test_every_name_is_reached_in_every_way(tmp_path: Path) -> None:
    # One interpreter, in which each name is forgotten again before the next way.
    code = f"""
import importlib, json
import route_cors
home = {HOME!r}
found = []

def forget():
    for name in home:
        vars(route_cors).pop(name, None)

for name in home:
    found.append((name, getattr(route_cors, name)))
forget()
for name in home:
    scope = {{}}
    exec(f"from route_cors import {{name}}", scope)
    found.append((name, scope[name]))
forget()
scope = {{}}
exec("from route_cors import *", scope)
found += [(name, scope[name]) for name in home]
own = {{name: getattr(importlib.import_module(module), name) for name, module in home.items()}}
print(json.dumps([name for name, value in found if value is own[name]]))
"""
    assert run(code, tmp_path) == [*HOME, *HOME, *HOME]


def test_star_import_brings_the_public_names_alone() -> None:
    scope: dict[str, Any] = {}
    exec("from route_cors import *", scope)  # noqa: S102 - it is allowed at the top of a module alone
    del scope["__builtins__"]

    assert sorted(scope) == sorted(HOME) == sorted(route_cors.__all__)


@pytest.mark.parametrize(("name", "module"), HOME.items())
def test_a_name_is_its_modules_own_object(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    own = getattr(importlib.import_module(module), name)
    monkeypatch.delitem(vars(route_cors), name, raising=False)

    assert getattr(route_cors, name) is own
    # It is looked up once.
    assert vars(route_cors)[name] is own
    assert pickle.loads(pickle.dumps(own)) is own  # noqa: S301 - its own


def test_a_policy_survives_pickling() -> None:
    policy = route_cors.CORSPolicy(origins=["https://app.example.com"], allow_headers=["X-Token"])

    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301 - its own


@pytest.mark.parametrize("name", ["CORSPolicies", "_cors", "__path_of__", "CORSMIDDLEWARE"])
def test_an_unknown_name_is_an_attribute_error_that_names_it(name: str) -> None:
    with pytest.raises(AttributeError, match=f"^module 'route_cors' has no attribute '{name}'$"):
        getattr(route_cors, name)
    assert not hasattr(route_cors, name)
    with pytest.raises(ImportError, match=f"cannot import name '{name}' from 'route_cors'"):
        exec(f"from route_cors import {name}")  # noqa: S102 - the name is data here


def test_dir_holds_what_is_public_and_what_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in HOME:
        monkeypatch.delitem(vars(route_cors), name, raising=False)
    listed = dir(route_cors)

    assert listed == sorted(set(listed))
    assert {*HOME, "__all__", "__name__", "policy", "errors"} <= {*listed}


# --- The packages inside, whose names are imported at first use as well


@pytest.mark.parametrize("package", [route_cors.insight, route_cors.testing])
def test_every_name_of_an_inner_package_is_reached(
    package: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {name: getattr(package, name) for name in package.__all__}
    for name in own:
        monkeypatch.delitem(vars(package), name)
    assert {*own} <= {*dir(package)}
    for name, value in own.items():
        assert getattr(package, name) is value
        assert vars(package)[name] is value


@pytest.mark.parametrize("package", [route_cors.insight, route_cors.testing])
def test_an_unknown_name_of_an_inner_package_is_an_attribute_error(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match=f"^module '{package.__name__}' has no attribute 'Browsers'$"):
        package.Browsers  # noqa: B018 - reading it is what fails
