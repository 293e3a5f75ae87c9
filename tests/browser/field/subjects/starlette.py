"""Starlette's CORSMiddleware."""

from collections.abc import Callable
from typing import Any

from browser.field.serving import serve_asgi
from browser.field.setups import ROUTES, SETUPS, Policy
from browser.field.site import Answer, Failure, places
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


def handler(answer: Answer) -> Callable[..., Any]:
    async def handle(_: Request) -> Response:
        if answer.raises == "an error":
            raise Failure
        if answer.raises == "an HTTP error":
            raise HTTPException(answer.status)
        return Response(answer.body, answer.status, dict(answer.headers), media_type="text/plain")

    return handle


def middleware(policy: Policy) -> Middleware:
    arguments = {
        "allow_methods": ["*"] if policy.methods is None else list(policy.methods),
        "allow_headers": ["*"] if policy.allow_headers is None else list(policy.allow_headers),
        "expose_headers": ["*"] if policy.expose_headers is None else list(policy.expose_headers),
        "allow_credentials": policy.credentials,
        "max_age": policy.max_age,
    }
    if policy.kind == "subdomains":
        arguments["allow_origin_regex"] = r"https://.*\.app\.example"
    elif policy.kind == "regex":
        arguments["allow_origin_regex"] = policy.origins[0]
    elif policy.kind == "string":
        arguments["allow_origins"] = policy.origins[0]
    else:
        arguments["allow_origins"] = list(policy.origins)
    return Middleware(CORSMiddleware, **arguments)


def of_the_route(setup: str, place: tuple[str, str]) -> list[Middleware]:
    policy = ROUTES[place] if setup == "routes" else None
    return [] if policy is None else [middleware(policy)]


def serve(setup: str) -> None:
    policy = SETUPS[setup].policy
    routes = [
        Route(path, handler(answer), methods=[method], middleware=of_the_route(setup, (method, path)))
        for (method, path), answer in places(setup).items()
    ]
    app = Starlette(routes=routes, middleware=[] if policy is None else [middleware(policy)])
    # Middleware is made at the first request; what it refuses is wanted now.
    app.middleware_stack = app.build_middleware_stack()
    serve_asgi(app)
