"""An app for command_rows.py, to be checked: `route-cors check tests/benchmarks/app_of_500_routes.py`."""

from __future__ import annotations

from many_routes import included
from route_cors import install_cors

__all__ = ["app"]

app = included(500)
install_cors(app)
