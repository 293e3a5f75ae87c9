"""The layer on a router, which has no responses of its own.

Error: TypeError
    install_cors() takes a FastAPI or Starlette app, not <route_cors.routing.CORSRouter object at
    0x7f3a>: put RouteCORSMiddleware around any other ASGI app
Fix: call install_cors on the app.
"""

from route_cors import CORSRouter, install_cors

router = CORSRouter()
install_cors(router)  # type: ignore[arg-type]
