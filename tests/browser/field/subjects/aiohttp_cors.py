"""aiohttp-cors: `setup(app)` with defaults, and `add(route)` for every route."""

from collections.abc import Callable
from typing import Any

import aiohttp_cors
from aiohttp import web
from browser.field.serving import serve_aiohttp
from browser.field.setups import ROUTES, SETUPS, Policy
from browser.field.site import Answer, Failure, places


def handler(answer: Answer) -> Callable[..., Any]:
    async def handle(_: web.Request) -> web.Response:
        if answer.raises == "an error":
            raise Failure
        if answer.raises == "an HTTP error":
            raise TeapotError
        return web.Response(text=answer.body, status=answer.status, headers=dict(answer.headers))

    return handle


class TeapotError(web.HTTPClientError):
    status_code = 418


def config(policy: Policy) -> dict[str, aiohttp_cors.ResourceOptions]:
    options = aiohttp_cors.ResourceOptions(
        allow_credentials=policy.credentials,
        expose_headers="*" if policy.expose_headers is None else policy.expose_headers,
        allow_headers="*" if policy.allow_headers is None else policy.allow_headers,
        allow_methods="*" if policy.methods is None else policy.methods,
        max_age=policy.max_age,
    )
    return dict.fromkeys(policy.origins, options)


def serve(setup: str) -> None:
    app = web.Application()
    policy = SETUPS[setup].policy
    cors = aiohttp_cors.setup(app, defaults={} if policy is None else config(policy))
    for (method, path), answer in places(setup).items():
        own = ROUTES[method, path] if setup == "routes" else None
        route = app.router.add_route(method, path, handler(answer))
        if path == "/described":
            continue
        if policy is not None and (policy.methods is None or method in policy.methods):
            cors.add(route)
        elif own is not None:
            cors.add(route, config(own))
    serve_aiohttp(app)
