"""A handler for OPTIONS, written when preflights failed, which now takes them.

Finding: RC004 error
Fix: remove it, or call install_cors(app).
"""

from fastapi import FastAPI

from route_cors import CORSPolicy, CORSRouter

app = FastAPI()
notes = CORSRouter(cors=CORSPolicy(origins="https://app.example.com"))


@app.options("/{path:path}")
async def options(path: str) -> None: ...


@notes.put("/notes")
async def save() -> None: ...


app.include_router(notes)
