"""Any origin, on a route that takes a cookie.

Finding: RC005 error
Fix: name the origins.
"""

from typing import Annotated

from fastapi import Cookie, FastAPI

from route_cors import cors, install_cors

app = FastAPI()


@app.get("/account")
@cors(origins="*")
async def account(session: Annotated[str, Cookie()]) -> None: ...


install_cors(app)
