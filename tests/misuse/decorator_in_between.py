"""A decorator between @cors and the route that replaces the function by a copy.

Finding: RC016 error
Fix: write @cors above that decorator.
"""

from types import FunctionType
from typing import Any

from fastapi import FastAPI

from route_cors import cors, install_cors

app = FastAPI()


def copied(function: Any) -> Any:
    return FunctionType(function.__code__, function.__globals__)


@app.get("/notes")
@copied
@cors(origins="https://app.example.com")
async def notes() -> None: ...


install_cors(app)
