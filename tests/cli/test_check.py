"""`route-cors check`: the findings, and what a change opened or closed."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from route_cors.cli.check import print_findings
from route_cors.cli.text import Screen
from route_cors.insight import CODES, Finding

from .support import SHOP

if TYPE_CHECKING:
    from .support import Workplace

SENTENCE = "GET /quotes has a policy, but no layer applies it"

WHY = CODES["RC001"].why

# One error and one warning.
FAULTY = """\
from fastapi import FastAPI, WebSocket
from route_cors import cors

app = FastAPI(openapi_url=None)

@app.get("/quotes")
@cors(origins="https://a.example")
async def quotes(): ...

@app.websocket("/chat")
async def chat(websocket: WebSocket): ...
"""


def test_each_finding_with_its_fix(workplace: Workplace) -> None:
    workplace.write({"main.py": FAULTY})
    run = workplace.run("check")
    assert (run.code, run.err) == (1, "")
    first, second, last = run.out.split("\n\n")
    assert first.splitlines() == [
        "error RC001 GET /quotes  main.py:6",
        f"    {SENTENCE}",
        f"    why:  {WHY}",
        "    fix: call install_cors(app)",
    ]
    assert second.splitlines()[0] == "warning RC013 WEBSOCKET /chat  main.py:10"
    assert last == "1 error, 1 warning in 2 routes\n"


def test_nothing_to_be_found(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP})
    run = workplace.run("check")
    assert (run.code, run.out, run.err) == (0, "no findings in 7 routes\n", "")


def test_the_docs_of_fastapi_are_counted_apart_as_in_the_table(workplace: Workplace) -> None:
    workplace.write(
        {"main.py": "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef home(): ...\n"}
    )
    run = workplace.run("check")
    assert (run.code, run.out) == (0, "no findings in 1 route and 4 of FastAPI's docs\n")
    assert workplace.run("table").lines[-2:] == [
        "1 route, 0 findings",
        "4 routes of FastAPI's docs are hidden; --all shows them",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ([], 1),
        (["--fail-on", "error"], 1),
        (["--fail-on", "never"], 0),
        (["--ignore", "RC001"], 1),
        (["--ignore", "RC001", "--fail-on", "warning"], 1),
        (["--ignore", "RC001", "--fail-on", "info"], 1),
        (["--ignore", "RC001", "--fail-on", "error"], 0),
        (["--ignore", "RC001", "--ignore", "RC013", "--fail-on", "info"], 0),
        (["--ignore", "rc001, RC013"], 0),
        (["--ignore", "RC012"], 1),
        (["--ignore", "RC101,RC102"], 1),
    ],
)
def test_the_exit_code_goes_by_severity_in_every_form(
    workplace: Workplace, arguments: list[str], code: int
) -> None:
    workplace.write({"main.py": FAULTY})
    for form in ([], ["--json"], ["--sarif"]):
        assert workplace.run("check", *arguments, *form).code == code


def test_it_says_how_many_are_ignored(workplace: Workplace) -> None:
    workplace.write({"main.py": FAULTY})
    assert workplace.run("check", "--ignore", "RC001").lines[-1] == "1 warning in 2 routes, 1 ignored"
    run = workplace.run("check", "--ignore", "RC001,RC013")
    assert run.out == "no findings in 2 routes, 2 ignored\n"


@pytest.mark.parametrize("given", ["RC999", "RC001,nope", "", "RC001 RC002"])
def test_an_unknown_code_is_one_line(workplace: Workplace, given: str) -> None:
    workplace.write({"main.py": FAULTY})
    error = workplace.refused("check", "--ignore", given)
    assert ": there is no such code; the codes are RC001, " in error
    assert error.endswith(", RC101, RC102")


def test_a_severity_that_is_none_is_refused(workplace: Workplace) -> None:
    run = workplace.run("check", "--fail-on", "fatal")
    assert (run.code, run.out) == (2, "")
    assert "'fatal' is not one of 'error', 'warning', 'info', 'never'" in run.err


def test_the_same_as_json(workplace: Workplace) -> None:
    workplace.write({"main.py": FAULTY})
    told = json.loads(workplace.run("check", "--json", "--ignore", "RC013").out)
    assert told == {
        "version": 1,
        "findings": [
            {
                "code": "RC001",
                "severity": "error",
                "sentence": SENTENCE,
                "why": WHY,
                "fix": "call install_cors(app)",
                "path": "/quotes",
                "methods": ["GET"],
                "host": None,
                "file": "main.py",
                "line": 6,
                "routes": [{"path": "/quotes", "methods": ["GET"], "host": None}],
            }
        ],
    }


def test_the_same_as_sarif(workplace: Workplace) -> None:
    workplace.write({"main.py": FAULTY})
    (run,) = json.loads(workplace.run("check", "--sarif").out)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == [*CODES, "RC101", "RC102"]
    assert [
        (
            result["ruleId"],
            result["level"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for result in run["results"]
    ] == [("RC001", "error", "main.py", 6), ("RC013", "warning", "main.py", 10)]


def test_one_form_at_a_time(workplace: Workplace) -> None:
    assert workplace.refused("check", "--json", "--sarif") == "--json and --sarif: give only one of them"


def test_a_finding_about_a_middleware_points_at_the_line_that_adds_it(workplace: Workplace) -> None:
    layered = FAULTY + (
        "from fastapi.middleware.cors import CORSMiddleware\n"
        "app.add_middleware(CORSMiddleware, allow_origins=['*'])\n"
        "from route_cors import install_cors\n"
        "install_cors(app)\n"
    )
    workplace.write({"main.py": layered})
    told = json.loads(workplace.run("check", "--json").out)
    (about_the_app,) = (finding for finding in told["findings"] if finding["code"] == "RC003")
    assert (about_the_app["file"], about_the_app["line"]) == ("main.py", 13)
    assert "RC003" in workplace.run("check").out
    (run,) = json.loads(workplace.run("check", "--sarif").out)["runs"]
    (result,) = (result for result in run["results"] if result["ruleId"] == "RC003")
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "main.py"
    assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 13


NO_BASELINE = "not an output of `route-cors table --json`"


def baseline(workplace: Workplace, source: str) -> None:
    """Write the baseline of an app, as a user would."""
    workplace.write({"earlier.py": source})
    told = workplace.run("table", "earlier", "--json")
    (workplace.directory / "baseline.json").write_text(told.out, encoding="utf-8")


def test_what_a_change_opened_and_closed_is_among_the_findings(workplace: Workplace) -> None:
    baseline(workplace, SHOP)
    workplace.write(
        {
            "main.py": SHOP.replace('@cors(origins="*")', '@cors(origins="https://c.example")').replace(
                "@no_cors", '@cors(origins="https://d.example")'
            )
        }
    )
    run = workplace.run("check", "--baseline", "baseline.json")
    assert run.code == 1
    assert (
        run.out
        == """\
warning RC101 GET /metrics  main.py:24
    GET /metrics: opened to https://d.example
    fix: if that is intended, update the baseline: route-cors table --json > FILE

info RC102 GET /quotes  main.py:9
    GET /quotes: no longer open to every origin
    fix: if that is intended, update the baseline: route-cors table --json > FILE

1 warning, 1 info in 7 routes
"""
    )
    assert workplace.run("check", "--baseline", "baseline.json", "--ignore", "RC101").code == 0
    told = json.loads(workplace.run("check", "--baseline", "baseline.json", "--json").out)
    assert [finding["code"] for finding in told["findings"]] == ["RC101", "RC102"]
    (sarif,) = json.loads(workplace.run("check", "--baseline", "baseline.json", "--sarif").out)["runs"]
    assert [result["level"] for result in sarif["results"]] == ["warning", "note"]


def test_the_worst_comes_first_whatever_it_is(workplace: Workplace) -> None:
    source = "from fastapi import FastAPI\napp = FastAPI(openapi_url=None)\napp.add_route('/a', print)\n"
    baseline(workplace, source)
    workplace.write({"main.py": FAULTY})
    told = json.loads(workplace.run("check", "--baseline", "baseline.json", "--json").out)
    assert [finding["code"] for finding in told["findings"]] == ["RC001", "RC013", "RC101"]


def test_an_unchanged_app_changes_nothing(workplace: Workplace) -> None:
    baseline(workplace, SHOP)
    workplace.write({"main.py": SHOP})
    run = workplace.run("check", "--baseline", "baseline.json")
    assert (run.code, run.out) == (0, "no findings in 7 routes\n")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_baseline_may_be_in_what_a_shell_makes_of_it(workplace: Workplace, encoding: str) -> None:
    workplace.write({"main.py": SHOP})
    told = workplace.run("table", "--json").out
    (workplace.directory / "baseline.json").write_text(told, encoding=encoding)
    assert workplace.run("check", "--baseline", "baseline.json").code == 0


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "No such file or directory"),
        ("", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("\x1b[31m", "not JSON: Expecting value: line 1 column 1 (char 0)"),
        ("[" * 200_000, "not JSON: "),
        ("[]", f"{NO_BASELINE}: a report is an object, not of type list"),
        ("{}", f"{NO_BASELINE}: version: "),
        ('{"version": 2, "routes": []}', f"{NO_BASELINE}: version: "),
        ('{"version": 1, "routes": [{"kind": "\\u001b"}]}', f"{NO_BASELINE}: routes.0."),
        ('{"version": 1, "findings": []}', f"{NO_BASELINE}: routes: "),
    ],
)  # fmt: skip
def test_what_is_no_baseline_is_one_line(workplace: Workplace, content: str | None, error: str) -> None:
    workplace.write({"main.py": SHOP})
    if content is not None:
        (workplace.directory / "baseline.json").write_text(content)
    told = workplace.refused("check", "--baseline", "baseline.json")
    assert told.startswith(f"--baseline 'baseline.json': {error}")


def test_a_finding_is_wrapped_on_a_terminal(workplace: Workplace) -> None:
    workplace.write({"main.py": FAULTY})
    run = workplace.run_on_a_terminal("check", "--ignore", "RC013", width=50)
    assert (
        run.out
        == """\
error RC001 GET /quotes  main.py:6
    GET /quotes has a policy, but no layer applies
    it
    why:  Preflights get a 405 and responses
          get no CORS headers: browsers refuse
          every cross-origin call.
    fix: call install_cors(app)

1 error in 2 routes, 1 ignored
"""
    )


@pytest.mark.parametrize("given", ["api.example.com", "https://", "https://[", "ftp:x"])
def test_where_an_app_is_served_is_a_url(workplace: Workplace, given: str) -> None:
    workplace.write({"main.py": SHOP})
    error = workplace.refused("check", "--base-url", given)
    assert error == f"--base-url {given!r}: write a URL, https://api.example.com"
    assert workplace.run("check", "--base-url", "https://api.example.com/v1").code == 0


def test_callables_are_asked_only_if_that_is_wanted(workplace: Workplace) -> None:
    workplace.write({"main.py": SHOP.replace('@cors(origins="*")', "@cors(origins=lambda origin, _: True)")})
    assert workplace.run("check").code == 0
    run = workplace.run("check", "--ask-callables")
    assert run.code == 1
    assert run.lines[0] == "warning RC022 GET /quotes  main.py:9"


def test_what_was_changed_in_the_same_way_is_one_finding(workplace: Workplace) -> None:
    routes = "".join(f"@app.get('/{n}')\nasync def f{n}(): ...\n" for n in range(6))
    source = (
        "from fastapi import FastAPI\nfrom route_cors import CORSRouter, CORSPolicy\n"
        "app = CORSRouter(cors=CORSPolicy(origins='https://a.example'))\n"
        f"{routes}router, app = app, FastAPI(openapi_url=None)\napp.include_router(router)\n"
    )
    baseline(workplace, source)
    workplace.write(
        {"main.py": source.replace("'https://a.example'", "['https://a.example', 'https://b.example']")}
    )
    told = json.loads(workplace.run("check", "--baseline", "baseline.json", "--json").out)
    (finding,) = told["findings"]
    likewise = "; the same holds for GET /1, GET /2, GET /3 and 2 more"
    assert finding["sentence"] == f"GET /0: opened to https://b.example{likewise}"
    assert [route["path"] for route in finding["routes"]] == ["/0", "/1", "/2", "/3", "/4", "/5"]


def test_a_finding_that_has_no_place_is_told_without_one() -> None:
    stream = StringIO()
    finding = Finding(code="RC000", severity="info", sentence="Something is so.", fix="Change it.")
    print_findings(Screen.of(stream), [finding], routes=1, of_docs=0, ignored=0)
    assert stream.getvalue() == (
        "info RC000\n    Something is so.\n    fix: Change it.\n\n1 info in 1 route\n"
    )
