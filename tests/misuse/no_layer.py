"""A policy on a plain route, and no layer that applies it.

Finding: RC001 error
Fix: call install_cors(app).
"""

from fastapi import FastAPI

from route_cors import cors

app = FastAPI()


@app.get("/quotes")
@cors(origins="*")
async def quotes() -> None: ...
