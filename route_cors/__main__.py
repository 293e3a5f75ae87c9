"""`python -m route_cors`: the command, if it is not on the path."""

from __future__ import annotations

from route_cors.cli import main

if __name__ == "__main__":
    main()
