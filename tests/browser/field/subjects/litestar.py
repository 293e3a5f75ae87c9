"""litestar's CORSConfig."""

from collections.abc import Callable
from typing import Any

from browser.field.serving import serve_asgi
from browser.field.setups import SETUPS, Policy
from browser.field.site import Answer, Failure, places
from litestar import HttpMethod, Litestar, MediaType, Response
from litestar.config.cors import CORSConfig
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler


def handler(answer: Answer) -> Callable[..., Any]:
    async def handle() -> Response[str]:
        if answer.raises == "an error":
            raise Failure
        if answer.raises == "an HTTP error":
            raise HTTPException(status_code=answer.status)
        return Response(
            answer.body, status_code=answer.status, headers=dict(answer.headers), media_type=MediaType.TEXT
        )

    return handle


def config(policy: Policy) -> CORSConfig:
    arguments = {
        "allow_origins": list(policy.origins),
        "allow_methods": ["*"] if policy.methods is None else list(policy.methods),
        "allow_headers": ["*"] if policy.allow_headers is None else list(policy.allow_headers),
        "expose_headers": ["*"] if policy.expose_headers is None else list(policy.expose_headers),
        "allow_credentials": policy.credentials,
        "max_age": policy.max_age,
    }
    if policy.kind == "subdomains":
        arguments["allow_origins"] = ["https://*.app.example"]
    if policy.kind == "regex":
        arguments |= {"allow_origins": [], "allow_origin_regex": policy.origins[0]}
    if policy.kind == "string":
        arguments["allow_origins"] = policy.origins[0]
    return CORSConfig(**arguments)


def serve(setup: str) -> None:
    handlers = [
        HTTPRouteHandler(path, http_method=HttpMethod(method), status_code=200)(handler(answer))
        for (method, path), answer in sorted(places(setup).items(), key=lambda each: each[0][0] != "OPTIONS")
    ]
    app = Litestar(handlers, cors_config=config(SETUPS[setup].policy), openapi_config=None)
    serve_asgi(app)
