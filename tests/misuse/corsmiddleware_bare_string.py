"""CORSMiddleware with a string: it looks for the origin within it.

Finding: RC019 error
Fix: write a list.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins="https://app.example.com")


@app.get("/notes")
async def notes() -> None: ...
