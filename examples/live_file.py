"""Origins in a file, one per line: the app follows each change of it.

    python examples/live_file.py
    echo https://partner.example >> origins.txt
    curl -i -H 'Origin: https://partner.example' http://127.0.0.1:8000/

A Kubernetes ConfigMap that is mounted as a directory works the same way.
"""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import serving
import watchfiles
from fastapi import FastAPI

from route_cors import CORSPolicy, LiveOrigins, install_cors


def create_app(file: Path) -> FastAPI:
    """An app that allows the origins in that file."""

    def origins() -> list[str]:
        lines = (line.partition("#")[0].strip() for line in file.read_text().splitlines())
        return [line for line in lines if line]

    async def changes() -> AsyncIterator[None]:
        # The directory, because editors and deployments replace the file that would be watched otherwise.
        async for _ in watchfiles.awatch(file.parent, recursive=False):
            yield

    # Network file systems send no notifications: for those the file is read once a minute.
    live = LiveOrigins(origins, every=60, wake=changes)
    app = FastAPI()
    install_cors(app, default=CORSPolicy(origins=live))

    @app.get("/")
    async def members() -> list[str]:
        return list(live.origins)

    return app


if __name__ == "__main__":
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "origins.txt").absolute()
    path.touch()
    serving.serve(create_app(path))
