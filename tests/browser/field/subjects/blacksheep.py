"""blacksheep: `use_cors`, and `cors("name")` for a route."""

from collections.abc import Callable
from typing import Any

from blacksheep import Application, Content, Response
from blacksheep.exceptions import HTTPException
from browser.field.serving import serve_asgi
from browser.field.setups import ROUTES, SETUPS, Policy
from browser.field.site import Answer, Failure, places


def handler(answer: Answer) -> Callable[..., Any]:
    async def handle() -> Response:
        if answer.raises == "an error":
            raise Failure
        if answer.raises == "an HTTP error":
            raise HTTPException(answer.status)
        headers = [(name.encode(), value.encode()) for name, value in answer.headers]
        return Response(answer.status, headers, Content(b"text/plain", answer.body.encode()))

    return handle


def arguments(policy: Policy) -> dict[str, object]:
    return {
        "allow_origins": policy.origins[0] if policy.kind == "string" else policy.origins,
        "allow_methods": "*" if policy.methods is None else policy.methods,
        "allow_headers": "*" if policy.allow_headers is None else policy.allow_headers,
        "expose_headers": "*" if policy.expose_headers is None else policy.expose_headers,
        "allow_credentials": policy.credentials,
        "max_age": policy.max_age,
    }


def serve(setup: str) -> None:
    app = Application(show_error_details=False)
    policy = SETUPS[setup].policy
    app.use_cors(**({} if policy is None else arguments(policy)))
    for (method, path), answer in places(setup).items():
        view = handler(answer)
        app.router.add(method, path, view)
        own = ROUTES[method, path] if setup == "routes" else None
        if own is not None:
            app.add_cors_policy(f"{method} {path}", **arguments(own))
            app.cors(f"{method} {path}")(view)
    serve_asgi(app, lifespan="on")
