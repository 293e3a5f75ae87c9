"""Enforcement left out for a route with cookies, because a call was refused.

Finding: RC028 warning
Fix: name the origin of the page, and leave enforce=False out.
"""

from typing import Annotated

from fastapi import Cookie, FastAPI

from route_cors import cors, install_cors

app = FastAPI()


@app.post("/transfer")
@cors(origins=["https://app.example.com"], enforce=False)
async def transfer(session: Annotated[str, Cookie()]) -> None: ...


install_cors(app, enforce=True)
