"""An API that any page may read, with a part for one front end only, and a part that no page may call.

    python examples/public_api.py
    curl -i -H 'Origin: https://any.example' http://127.0.0.1:8000/v1/quotes
    curl -i -X PUT -H 'Origin: https://any.example' http://127.0.0.1:8000/account/name

The innermost policy wins; policies are never merged: `*` does not apply to /account or /internal.
"""

import serving
from fastapi import FastAPI, Response

from route_cors import CORSPolicy, CORSRouter, install_cors, no_cors

public = CORSRouter(prefix="/v1", cors=CORSPolicy(origins="*", expose_headers=["X-Total"]))
account = CORSRouter(
    prefix="/account",
    cors=CORSPolicy(origins="https://app.example.com", allow_credentials=True, enforce=True),
)


@public.get("/quotes")
async def quotes(response: Response) -> list[str]:
    """Return what anybody may read."""
    response.headers["X-Total"] = "1"
    return ["Readability counts."]


@account.put("/name")
async def rename() -> str:
    """Change something of the user's."""
    return "renamed"


app = FastAPI()
app.include_router(public)
app.include_router(account)


@app.get("/internal/metrics")
@no_cors
async def metrics() -> str:
    """Return what no page of another origin may read, regardless of the default."""
    return "requests 1"


install_cors(app)

if __name__ == "__main__":
    serving.serve(app)
