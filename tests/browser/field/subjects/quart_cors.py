"""quart-cors: `cors(app)`, and `route_cors` for a route."""

import re
from collections.abc import Callable
from typing import Any

from browser.field.serving import serve_asgi
from browser.field.setups import ROUTES, SETUPS, Policy
from browser.field.site import WEBSOCKET, Answer, Failure, places
from quart import Quart, Response, abort, websocket
from quart_cors import cors, route_cors


def handler(answer: Answer) -> Callable[..., Any]:
    async def handle(**_: str) -> Response:
        if answer.raises == "an error":
            raise Failure
        if answer.raises == "an HTTP error":
            abort(answer.status)
        response = Response(answer.body, answer.status, mimetype="text/plain")
        response.headers.update(dict(answer.headers))
        return response

    return handle


def origins(policy: Policy) -> object:
    if policy.kind == "subdomains":
        return [re.compile(r"^https://[^/]+\.app\.example$")]
    if policy.kind == "regex":
        return [re.compile(policy.origins[0])]
    if policy.kind == "string":
        return policy.origins[0]
    return ["*"] if policy.kind == "any" else list(policy.origins)


def arguments(policy: Policy) -> dict[str, object]:
    return {
        "allow_origin": origins(policy),
        "allow_methods": ["*"] if policy.methods is None else list(policy.methods),
        "allow_headers": ["*"] if policy.allow_headers is None else list(policy.allow_headers),
        "expose_headers": ["*"] if policy.expose_headers is None else list(policy.expose_headers),
        "allow_credentials": policy.credentials,
        "max_age": policy.max_age,
    }


async def open_socket() -> None:
    await websocket.accept()


def serve(setup: str) -> None:
    app = Quart("field")
    app.logger.disabled = True
    policy = SETUPS[setup].policy
    if policy is not None:
        app = cors(app, **arguments(policy))
    app.add_websocket(WEBSOCKET, "socket", open_socket)
    for (method, path), answer in places(setup).items():
        view = handler(answer)
        own = ROUTES[method, path] if setup == "routes" else None
        if own is not None:
            view = route_cors(**arguments(own))(view)
        rule = path.replace("{", "<").replace("}", ">")
        # Otherwise the framework answers OPTIONS wherever there is another method.
        automatic = False if ("OPTIONS", path) in places(setup) else None
        app.add_url_rule(
            rule,
            f"{method} {path}",
            view,
            methods=[method],
            provide_automatic_options=automatic,
        )
    serve_asgi(app)
