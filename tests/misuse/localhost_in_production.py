"""The developer's origin in the list for production.

Finding: RC025 info
Fix: take it from a setting.
"""

from fastapi import FastAPI

from route_cors import cors, install_cors

app = FastAPI()


@app.get("/notes")
@cors(origins=["https://app.example.com", "http://localhost:3000"])
async def notes() -> None: ...


install_cors(app)
