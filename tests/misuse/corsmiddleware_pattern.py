"""CORSMiddleware with a pattern, which it does not support.

Finding: RC020 warning
Fix: write allow_origin_regex, or declare a policy.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

app = FastAPI()
app.add_middleware(CORSMiddleware, allow_origins=["https://*.example.com"])


@app.get("/notes")
async def notes() -> None: ...
