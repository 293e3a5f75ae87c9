"""CORSMiddleware with `*` and credentials: it reflects every origin.

Finding: RC005 error
Fix: name the origins.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)


@app.get("/notes")
async def notes() -> None: ...
