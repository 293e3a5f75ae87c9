"""The command `route-cors`: who may call what in an app, and why a call is refused."""

from __future__ import annotations

import sys

__all__ = ["main"]

_EXTRA = frozenset({"ada_url", "anyio", "httpx", "rich", "typer", "uvicorn"})


def main() -> None:
    """Run the command. If a package of the extra is not installed, say so in one line."""
    try:
        from route_cors.cli.app import app  # noqa: PLC0415 - needs the extra

        app(prog_name="route-cors")
    except ImportError as error:
        missing = _missing(error)
        if missing is None:
            raise
        sys.stderr.write(f'route-cors: error: {missing} is missing: pip install "route-cors[cli]"\n')
        sys.exit(2)


def _missing(error: ImportError) -> str | None:
    """The package of the extra that is not installed. The command itself reports failed imports of an app."""
    cause = error.__cause__ if isinstance(error.__cause__, ImportError) else error
    name = (cause.name or "").partition(".")[0]
    return name if isinstance(cause, ModuleNotFoundError) and name in _EXTRA else None
