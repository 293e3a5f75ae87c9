"""A documentation page (Swagger UI, Redoc) on another origin: it reads the schema, and calls the API.

    python examples/swagger_ui_elsewhere.py
    curl -i -H 'Origin: https://docs.example.com' http://127.0.0.1:8000/v1/openapi.json

"Try it out" is a fetch from the documentation's origin: each operation that it should work for needs a policy
that allows it. A policy cannot be declared on FastAPI's own route for the schema, so that route is turned
off, and another one with a policy serves the schema.
"""

from typing import Any

import serving
from fastapi import FastAPI

from route_cors import CORSPolicy, CORSRouter, install_cors

DOCS = CORSPolicy(origins="https://docs.example.com", allow_headers=["Authorization"])

app = FastAPI(openapi_url=None)
api = CORSRouter(prefix="/v1", cors=DOCS)


@api.get("/quotes")
async def quotes() -> list[str]:
    """Return what "Try it out" shows."""
    return ["Simple is better than complex."]


@api.get("/openapi.json", include_in_schema=False)
async def schema() -> dict[str, Any]:
    """Return the schema that the documentation reads."""
    return app.openapi()


app.include_router(api)
install_cors(app)

if __name__ == "__main__":
    serving.serve(app)
