"""A session cookie that browsers do not send from another site.

Finding: RC026 warning
Options: --base-url https://api.example.com
Fix: set SameSite=None, and enforce the policy.
"""

from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware

from route_cors import cors, install_cors

app = FastAPI()
app.add_middleware(SessionMiddleware, secret_key="secret")


@app.get("/account")
@cors(origins=["https://shop.example.org"], allow_credentials=True)
async def account() -> None: ...


install_cors(app, enforce=True)
