"""A bearer token, and no permission to send it.

Finding: RC015 warning
Fix: write allow_headers=["Authorization"].
"""

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from route_cors import cors, install_cors

app = FastAPI()


@app.get("/notes", dependencies=[Depends(HTTPBearer())])
@cors(origins="https://app.example.com")
async def notes() -> None: ...


install_cors(app)
