"""Remake the table of the field: `python tests/browser/field/remake.py`, with `route-cors[test]` installed.

It installs the newest libraries into an environment of its own, in a temporary directory. `--environment DIR`
keeps it there, and uses it as it is if it exists.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

if __name__ == "__main__":
    tests = Path(__file__).resolve().parents[2]
    # In place of this directory. The checkout's route_cors judges, whatever is installed.
    sys.path[:1] = [str(tests.parent), str(tests)]
    sys.exit(import_module("browser.field.run").main())
