"""A directory to work in, as if it were the only one."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from .support import Workplace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def workplace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Workplace]:
    before = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    # Bytecode is told apart by the second: a module that is written twice would be the first one again.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield Workplace(tmp_path, monkeypatch, capsys)
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", None)):
            del sys.modules[name]
