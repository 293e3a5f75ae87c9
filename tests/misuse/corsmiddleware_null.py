"""CORSMiddleware with the origin null.

Finding: RC018 error
Fix: leave it out.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["null"], allow_credentials=True)


@app.get("/notes")
async def notes() -> None: ...
