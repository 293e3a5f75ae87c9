"""A single-page app on another origin, with a session cookie.

    pip install route-cors uvicorn
    uvicorn --app-dir examples/recipes spa_with_cookies:app

The policy names the origin of the front end: with credentials, browsers accept no `*`. `enforce=True` also
refuses what other sites' pages send with the cookie, such as a form that posts to /orders. The page calls
fetch(url, {credentials: "include"}), and the cookie needs SameSite=None and Secure if the two are on
different sites. app.example.com and api.example.com are the same site: there, Lax is enough.
"""

from typing import Annotated

from fastapi import Cookie, FastAPI, HTTPException, Response

from route_cors import CORSPolicy, install_cors

app = FastAPI()


@app.post("/login")
async def login(response: Response) -> None:
    """Set the session cookie."""
    response.set_cookie("session", "of-ada", httponly=True, secure=True, samesite="lax")


@app.post("/orders")
async def order(session: Annotated[str | None, Cookie()] = None) -> str:
    """Order something as the user whose session it is."""
    if session is None:
        raise HTTPException(401)
    return f"ordered by the session {session}"


install_cors(
    app,
    default=CORSPolicy(origins="https://app.example.com", allow_credentials=True),
    enforce=True,
)
