"""A policy, in the hope that it stops the forms of other sites.

Finding: RC011 warning
Fix: call install_cors(app, enforce=True).
"""

from typing import Annotated

from fastapi import Cookie, FastAPI

from route_cors import cors, install_cors

app = FastAPI()


@app.post("/transfer")
@cors(origins="https://app.example.com", allow_credentials=True)
async def transfer(session: Annotated[str, Cookie()]) -> None: ...


install_cors(app)
