"""A single-page app on another origin, with a session cookie.

    python examples/spa_with_cookies.py
    curl -i -X POST -H 'Origin: https://app.example.com' http://127.0.0.1:8000/login
    curl -i -X POST -H 'Origin: https://evil.example' -H 'Cookie: session=of-ada' http://127.0.0.1:8000/orders

The policy names the origin of the front end: with credentials, browsers accept no `*`. `enforce=True` also
refuses what other sites' pages send with the cookie, such as a form that posts to /orders. The page calls
fetch(url, {credentials: "include"}), and the cookie needs SameSite=None and Secure if the two are on
different sites. app.example.com and api.example.com are the same site: there, Lax is enough.
"""

from typing import Annotated

import serving
from fastapi import Cookie, FastAPI, HTTPException, Response

from route_cors import CORSPolicy, install_cors

app = FastAPI()


@app.post("/login")
async def login(response: Response) -> None:
    """Set the session cookie."""
    response.set_cookie("session", "of-ada", httponly=True, secure=True, samesite="lax")


@app.post("/orders")
async def order(session: Annotated[str | None, Cookie()] = None) -> str:
    """Order something as the user of the session."""
    if session is None:
        raise HTTPException(401)
    return f"ordered by the session {session}"


install_cors(
    app,
    default=CORSPolicy(origins="https://app.example.com", allow_credentials=True),
    enforce=True,
)

if __name__ == "__main__":
    serving.serve(app)
