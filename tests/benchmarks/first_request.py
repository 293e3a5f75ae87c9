"""A process of its own, for start_rows.py: how long an app's first request takes, printed as JSON.

python first_request.py ROUTES [--layer]. Without the layer, an index for the same app is then built as well.
"""

from __future__ import annotations

import json
import sys
from time import thread_time_ns
from typing import TYPE_CHECKING

from answers import answer
from apps import bare, layer, with_install_cors
from many_routes import included, path_of
from scopes import actual_headers, fresh_scopes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Scope

__all__ = ["main"]


def main() -> None:
    """Serve the first request to the last route of the app."""
    count = int(sys.argv[1])
    app = included(count)
    fresh_scope = fresh_scopes(app, "PUT", path_of(count - 1), actual_headers())
    if "--layer" in sys.argv:
        taken = {"first request": _time(with_install_cors(app), fresh_scope())}
    else:
        taken = {"first request": _time(app, fresh_scope())}
        # What FastAPI keeps of its routes is there by now: this is the index, and next to nothing else.
        taken["index"] = _time(layer(bare), fresh_scope())
    json.dump(taken, sys.stdout)


def _time(app: ASGIApp, scope: Scope) -> int:
    start = thread_time_ns()
    answer(app, scope)
    return thread_time_ns() - start


if __name__ == "__main__":
    main()
