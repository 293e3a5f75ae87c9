"""Serve one setup of one subject: `python serve.py SUBJECT SETUP`, in the environment of the subjects.

It prints a port, or `refused: …` if the library refuses the setup, and serves until its standard input ends.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path


def main(subject: str, setup: str) -> int:
    module = import_module(f"browser.field.subjects.{subject}")
    try:
        module.serve(setup)
    except BaseException as error:
        print(f"refused: {type(error).__name__}: {error}".replace("\n", " "), flush=True)  # noqa: T201
        raise
    return 0


if __name__ == "__main__":
    del sys.path[0]
    # At the end: it is the directory of the tests, and no library's.
    sys.path.append(str(Path(__file__).resolve().parents[2]))
    sys.exit(main(*sys.argv[1:]))
