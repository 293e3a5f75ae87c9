"""`route-cors migrate`: what replaces CORSMiddleware, tried on apps as people have them."""

from __future__ import annotations

import itertools
import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from .migrated import SHAPES, app_in, differing

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
    note: allow_origins: settings.all_cors_origins is used as it stands: this process \
read the values above from it, another may not

Nobody gains and nobody loses, of 153 calls by pages of 17 origins

- What was answered outside of CORSMiddleware, such as the 500 of an exception, has CORS headers as well.
- CORS headers that endpoints write by themselves are replaced.
- A preflight for a method that the path does not have is refused.
"""
    )
