"""route_cors, on FastAPI."""

import re
from typing import Any

from browser.field.serving import serve_asgi
from browser.field.setups import ROUTES, SETUPS, Policy
from browser.field.site import WEBSOCKET, Answer, Failure, places
from fastapi import FastAPI, HTTPException, WebSocket
from fastapi.responses import PlainTextResponse

from route_cors import CORSPolicy, cors, install_cors


def handler(answer: Answer) -> Any:
    async def handle() -> PlainTextResponse:
        if answer.raises == "an error":
            raise Failure
        if answer.raises == "an HTTP error":
            raise HTTPException(answer.status)
        return PlainTextResponse(answer.body, answer.status, dict(answer.headers))

    return handle


def socket() -> Any:
    """An endpoint of its own for each app, as a function has one policy."""

    async def open_and_close(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    return open_and_close


def origins(policy: Policy) -> Any:
    if policy.kind == "subdomains":
        return ["https://*.app.example"]
    if policy.kind == "regex":
        return [re.compile(policy.origins[0])]
    if policy.kind in {"any", "string"}:
        return policy.origins[0]
    return list(policy.origins)


def compiled(policy: Policy) -> CORSPolicy:
    return CORSPolicy(
        origins=origins(policy),
        methods=policy.methods,
        allow_headers="*" if policy.allow_headers is None else policy.allow_headers,
        expose_headers="*" if policy.expose_headers is None else policy.expose_headers,
        allow_credentials=policy.credentials,
        max_age=policy.max_age,
    )


def application(setup: str) -> FastAPI:
    app = FastAPI(openapi_url=None)
    policy = SETUPS[setup].policy
    install_cors(app, default=None if policy is None else compiled(policy))
    # The default does not apply to websockets: they are as open as without the library, or have a policy.
    app.websocket(WEBSOCKET)(socket() if policy is None else cors(compiled(policy))(socket()))
    for (method, path), answer in places(setup).items():
        endpoint = handler(answer)
        own = ROUTES[method, path] if setup == "routes" else None
        if own is not None:
            endpoint = cors(compiled(own))(endpoint)
        app.add_api_route(path, endpoint, methods=[method])
    return app


def serve(setup: str) -> None:
    serve_asgi(application(setup))
