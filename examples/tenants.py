"""Each tenant has its own origins, chosen by a parameter of the path.

    python examples/tenants.py
    curl -i -X PUT -H 'Origin: https://shop.acme.example' http://127.0.0.1:8000/tenants/acme/settings
    curl -i -X PUT -H 'Origin: https://shop.acme.example' http://127.0.0.1:8000/tenants/globex/settings

The callable gets the connection as the route will see it, path parameters included. It runs for each request
with an Origin that nothing else in `origins` allows, so it should answer from memory. If it raises, the
origin is refused.
"""

import serving
from fastapi import FastAPI
from starlette.requests import HTTPConnection

from route_cors import CORSPolicy, CORSRouter, install_cors

ORIGINS = {
    "acme": {"https://shop.acme.example"},
    "globex": {"https://globex.example", "https://admin.globex.example"},
}


def is_of_tenant(origin: str, connection: HTTPConnection) -> bool:
    """Whether the tenant in the path has that origin."""
    return origin in ORIGINS.get(connection.path_params["tenant"], set())


router = CORSRouter(
    prefix="/tenants/{tenant}", cors=CORSPolicy(origins=is_of_tenant, allow_credentials=True, enforce=True)
)


@router.put("/settings")
async def save(tenant: str) -> str:
    """Save something that the tenant's own pages may change."""
    return f"saved for {tenant}"


app = FastAPI()
app.include_router(router)
install_cors(app)

if __name__ == "__main__":
    serving.serve(app)
