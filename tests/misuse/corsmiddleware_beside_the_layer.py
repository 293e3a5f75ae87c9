"""CORSMiddleware was left in the app after it moved over.

Finding: RC003 warning
Fix: remove it.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from route_cors import cors, install_cors

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["*"])


@app.get("/quotes")
@cors(origins="https://app.example.com")
async def quotes() -> None: ...


install_cors(app)
