"""asgi-cors, around a Starlette app: it has no routes of its own."""

from asgi_cors import asgi_cors
from browser.field.serving import serve_asgi
from browser.field.setups import SETUPS, Policy
from browser.field.site import places
from browser.field.subjects.starlette import handler
from starlette.applications import Starlette
from starlette.routing import Route


def arguments(policy: Policy) -> dict[str, object]:
    # With max_age no response reaches the client: asgi-cors 1.0.1 sends its header as a string, not as bytes.
    shared = {"methods": policy.methods, "headers": policy.allow_headers}
    if policy.kind == "any":
        return {"allow_all": True, **shared}
    if policy.kind == "subdomains":
        return {"host_wildcards": ["https://*.app.example"], **shared}
    if policy.kind == "string":
        return {"hosts": policy.origins[0], **shared}
    return {"hosts": list(policy.origins), **shared}


def serve(setup: str) -> None:
    routes = [
        Route(path, handler(answer), methods=[method]) for (method, path), answer in places(setup).items()
    ]
    serve_asgi(asgi_cors(Starlette(routes=routes), **arguments(SETUPS[setup].policy)))
