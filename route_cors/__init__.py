"""Per-route CORS for FastAPI and Starlette: declare the policy next to the endpoint.

    app = FastAPI()

    @app.put("/account/{account_id}")
    @cors(origins=["https://app.example.com"], allow_credentials=True)
    async def save_account(account_id: int): ...

    install_cors(app)

- Declare: `cors` on an endpoint or a mounted app, `no_cors` to close one, `CORSRouter` for the routes of a
  router, and `CORSPolicy` for a policy that several share. `OriginList` reads origins from settings, and
  `LiveOrigins` has those that change while the app runs. The innermost policy wins; policies are never
  merged. One that is not valid raises `CORSConfigError`.
- Apply: `install_cors(app)`, the layer around the whole app; or `RouteCORSMiddleware`, the same layer as an
  ordinary middleware. A `CORSRouter` and a `CORSRoute` answer for their own routes without a layer.
- Look: `report(app)` lists the routes, who may call them, and what is wrong; `inspector(app)` is a page that
  shows the same; `policy_of` returns the policy of an endpoint; a `Decision` says what was decided about one
  request, for metrics and the log.
- The command `route-cors` shows, explains and checks an app, and asks a running server what a browser would
  do there (`probe`); `route-cors codes` lists the codes of findings and of log events. `route_cors.testing`
  has a browser for tests.

`no_cors` is a decorator and, as `cors=no_cors` or `default=no_cors`, a policy that allows nobody: preflights
are refused, responses have no CORS headers, and a websocket accepts only the app's own pages.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from route_cors.decisions import Decision
    from route_cors.decorators import cors, no_cors, policy_of
    from route_cors.errors import CORSConfigError
    from route_cors.insight.inspector import inspector
    from route_cors.insight.overview import report
    from route_cors.live import LiveOrigins
    from route_cors.middleware import RouteCORSMiddleware, install_cors
    from route_cors.policy import CORSPolicy
    from route_cors.routing import CORSRoute, CORSRouter
    from route_cors.settings import OriginList

__all__ = [
    "CORSConfigError",
    "CORSPolicy",
    "CORSRoute",
    "CORSRouter",
    "Decision",
    "LiveOrigins",
    "OriginList",
    "RouteCORSMiddleware",
    "cors",
    "inspector",
    "install_cors",
    "no_cors",
    "policy_of",
    "report",
]

_MODULES = {
    "CORSConfigError": "errors",
    "CORSPolicy": "policy",
    "CORSRoute": "routing",
    "CORSRouter": "routing",
    "Decision": "decisions",
    "LiveOrigins": "live",
    "OriginList": "settings",
    "RouteCORSMiddleware": "middleware",
    "cors": "decorators",
    "inspector": "insight.inspector",
    "install_cors": "middleware",
    "no_cors": "decorators",
    "policy_of": "decorators",
    "report": "insight.overview",
}


# Imported at first use: pytest imports this package in every run, for its plugin, and importing FastAPI takes
# most of a second.
def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, and the modules that are loaded."""
    return sorted({*globals(), *__all__})
