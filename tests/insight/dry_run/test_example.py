"""The example's dry run under uvicorn, against what `route-cors migrate` lists for the same app."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from example_programs import EXAMPLES
from interpreters import environment, load

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = EXAMPLES / "dry_run.py"


def _example() -> Any:
    return load(EXAMPLE, "dry_run_example")


def _migration() -> Any:
    command = [sys.executable, "-m", "route_cors", "migrate", "--json", f"{EXAMPLE}:create_app()"]
    run = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    return json.loads(run.stdout)


def test_it_reports_what_migrate_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    migration = _migration()
    listed = {
        (change["verdict"], *call)
        for change in migration["changes"]
        for call in itertools.product(change["methods"], change["paths"], change["origins"])
    }
    assert len(migration["origins"]) > 10
    (replacement,) = migration["replacements"]
    assert replacement["policy"]["origins"] == ["https://admin.example.com", "https://app.example.com"]

    rows = [*_example().differences(migration["origins"])]
    seen = {
        (verdict, row.method, row.route, row.origin)
        for row in rows
        for verdict in (("gains", "loses") if row.change == "both" else (row.change,))
    }
    assert {each for each in seen if each[1] is not None} == listed
    ours = {"https://app.example.com"}
    assert {each for each in seen if each[1] is None} == {
        ("loses", None, "/live", origin) for origin in {*migration["origins"]} - ours
    }


def test_what_migrate_does_not_do_to_an_app_with_a_dry_run() -> None:
    command = [sys.executable, "-m", "route_cors", "migrate", "--diff", f"{EXAMPLE}:create_app()"]
    run = subprocess.run(
        command, cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode != 0
    assert run.stdout == ""
    assert "the app has install_cors(dry_run=True): remove that first, or edit by hand" in run.stderr
