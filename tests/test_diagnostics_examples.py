"""The examples of `on_decision` and of the dry run, run as their users run them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from example_programs import EXAMPLES, PATIENCE
from interpreters import environment

if TYPE_CHECKING:
    from pathlib import Path

OPENTELEMETRY = """\
OPTIONS RCE01 allowed=True failed= origin=https://app.example.com route=/account/{account_id}
PUT RCE03 allowed=True failed= origin=https://app.example.com route=/account/{account_id}
OPTIONS RCE02 allowed=False failed=origin origin=https://evil.example route=/account/{account_id}
GET: no policy, no decision
"""
PROMETHEUS = """\
cors_decisions_total{allowed="true",event="RCE01",route="/account/{account_id}"} 3.0
cors_decisions_total{allowed="true",event="RCE03",route="/account/{account_id}"} 3.0
cors_decisions_total{allowed="false",event="RCE02",route="/account/{account_id}"} 2.0
cors_decisions_total{allowed="false",event="RCE04",route="/metrics"} 1.0
"""
DRY_RUN = """\
gains  GET  /public/quotes         https://stranger.example
gains  PUT  /account/{account_id}  https://app.example.com
loses  GET  /internal/metrics      https://admin.example.com
loses  GET  /internal/metrics      https://app.example.com
loses  GET  /public/quotes         https://admin.example.com
loses  GET  /public/quotes         https://app.example.com
loses  WS   /live                  https://admin.example.com
loses  WS   /live                  https://stranger.example

actual: the app allows reading the response with credentials; \
the policy allows reading the response without credentials only
actual: the app allows reading the response with credentials; the policy refuses reading the response: origin
actual: the app does not allow reading the response: no Access-Control-Allow-Origin; \
the policy allows reading the response without credentials only
preflight: the app allows the call with credentials; the policy refuses the call: headers
preflight: the app allows the call with credentials; the policy refuses the call: origin
preflight: the app does not allow the call: status 400; the policy allows the call with credentials
websocket: the app accepts the websocket; the policy refuses it: origin
"""
# And a change that its own check has to notice.
CASES = [
    ("with_opentelemetry.py", OPENTELEMETRY, "on_decision=note_on_span", "on_decision=None"),
    ("with_prometheus.py", PROMETHEUS, "on_decision=count", "on_decision=None"),
    ("dry_run.py", DRY_RUN, "dry_run=True,", "dry_run=False,"),
]


def run(program: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, program, *arguments],
        capture_output=True,
        text=True,
        env=environment(),
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(("name", "output"), [case[:2] for case in CASES])
@pytest.mark.parametrize("arguments", [(), ("--check",)])
def test_it_shows_what_it_says(name: str, output: str, arguments: tuple[str, ...]) -> None:
    result = run(EXAMPLES / name, *arguments)

    assert (result.returncode, result.stdout, result.stderr) == (0, output, "")


@pytest.mark.parametrize(("name", "right", "wrong"), [(case[0], *case[2:]) for case in CASES])
def test_its_check_notices_what_is_wrong(name: str, right: str, wrong: str, tmp_path: Path) -> None:
    text = (EXAMPLES / name).read_text(encoding="utf-8")
    assert text.count(right) == 1
    shutil.copy(EXAMPLES / "serving.py", tmp_path)
    changed = tmp_path / name
    changed.write_text(text.replace(right, wrong), encoding="utf-8")

    assert run(changed).returncode == 0
    assert run(changed, "--check").returncode == 1
