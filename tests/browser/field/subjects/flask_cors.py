"""flask-cors: `CORS(app)`, and `cross_origin` for a route."""

import re
from collections.abc import Callable
from typing import Any

from browser.field.serving import serve_wsgi
from browser.field.setups import ROUTES, SETUPS, Policy
from browser.field.site import Answer, Failure, places
from flask import Flask, Response, abort
from flask_cors import CORS, cross_origin


def handler(answer: Answer) -> Callable[..., Any]:
    def handle(**_: str) -> Response:
        if answer.raises == "an error":
            raise Failure
        if answer.raises == "an HTTP error":
            abort(answer.status)
        return Response(answer.body, answer.status, answer.headers, mimetype="text/plain")

    return handle


def origins(policy: Policy) -> object:
    if policy.kind == "subdomains":
        return [re.compile(r"^https://[^/]+\.app\.example$")]
    if policy.kind == "string":
        return policy.origins[0]
    return "*" if policy.kind == "any" else list(policy.origins)


def arguments(policy: Policy) -> dict[str, object]:
    named = {
        "origins": origins(policy),
        "methods": policy.methods,
        "allow_headers": policy.allow_headers,
        "expose_headers": "*" if policy.expose_headers is None else list(policy.expose_headers),
        "supports_credentials": policy.credentials,
        "max_age": policy.max_age,
    }
    # Its defaults for both are all.
    return {name: value for name, value in named.items() if value is not None}


def serve(setup: str) -> None:
    app = Flask("field")
    app.logger.disabled = True
    policy = SETUPS[setup].policy
    if policy is not None:
        CORS(app, **arguments(policy))
    for (method, path), answer in places(setup).items():
        view = handler(answer)
        own = ROUTES[method, path] if setup == "routes" else None
        if own is not None:
            view = cross_origin(**arguments(own))(view)
        rule = path.replace("{", "<").replace("}", ">")
        # Otherwise the framework answers OPTIONS wherever there is another method.
        automatic = False if ("OPTIONS", path) in places(setup) else None
        app.add_url_rule(
            rule,
            f"{method} {path}".replace(".", ""),
            view,
            methods=[method],
            provide_automatic_options=automatic,
        )
    serve_wsgi(app)
