"""Per-route CORS for FastAPI and Starlette: the policy stands where the endpoint stands."""

from __future__ import annotations

from route_cors.decorators import cors, no_cors, policy_of
from route_cors.errors import CORSConfigError
from route_cors.middleware import RouteCORSMiddleware, install_cors
from route_cors.policy import CORSPolicy
from route_cors.routing import CORSRoute, CORSRouter

__all__ = [
    "CORSConfigError",
    "CORSPolicy",
    "CORSRoute",
    "CORSRouter",
    "RouteCORSMiddleware",
    "cors",
    "install_cors",
    "no_cors",
    "policy_of",
]
