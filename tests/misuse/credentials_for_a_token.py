"""Credentials, for a token in a header.

Finding: RC021 info
Fix: leave allow_credentials out.
"""

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from route_cors import cors, install_cors

app = FastAPI()


@app.get("/notes", dependencies=[Depends(HTTPBearer())])
@cors(origins="https://app.example.com", allow_headers=["Authorization"], allow_credentials=True)
async def notes() -> None: ...


install_cors(app)
