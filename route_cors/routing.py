"""CORSRouter and CORSRoute: per-route CORS on a plain app, with nothing to install.

A CORSRoute claims the preflights that announce a request which it will serve, and writes the headers of
its own responses. Both ask the same index as the layer does, and where a layer further out has found a
policy they leave the work to it.

What they decide is logged as the layer's decisions are. There is no callback: a route belongs to no layer
that could have one, and `install_cors(app, on_decision=...)` takes its work over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, WebSocket, WebSocketException
from fastapi.routing import APIRoute, APIWebSocketRoute
from starlette.routing import Match

from route_cors.decorators import Declared, NoCORS
from route_cors.diagnostics import Diagnostics
from route_cors.dispatch import DECIDED, ROUTER_POLICY, Target, asks_its_base, resolve
from route_cors.middleware import answer_preflight, refuses_websocket, serve_actual
from route_cors.policy import CORSPolicy
from route_cors.protocol import Preflight, read_preflight

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from fastapi.params import Depends as DependsParameter
    from starlette.types import Receive, Scope, Send

__all__ = ["CORSRoute", "CORSRouter", "answers_itself"]


class CORSRoute(APIRoute):
    """The route class of a CORSRouter: an APIRoute that answers its own preflights.

    It can be used by itself, `APIRouter(route_class=CORSRoute)`, for endpoints that carry `@cors`.

    >>> router = APIRouter(route_class=CORSRoute)
    """

    cors: Declared | None = None

    @asks_its_base
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As APIRoute, and a preflight of a request that this very route will serve is a full match."""
        match, child_scope = super().matches(scope)
        if match is Match.PARTIAL and self._will_serve(scope):
            return Match.FULL, child_scope
        return match, child_scope

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the preflight, or serve the request and write the headers of its policy."""
        preflight = _preflight(scope)
        target = _target(scope, preflight)
        # A preflight may come to an OPTIONS route, and be about another one. Where that is no CORSRoute, it
        # is not ours to answer for; neither is a response under the policy of any route but this one.
        ours = target.route is self if preflight is None else isinstance(target.route, CORSRoute)
        if target.terms is None or not ours:
            await super().handle(scope, receive, send)
        elif preflight is not None:
            await answer_preflight(target.terms, target, preflight, scope, send, _DIAGNOSTICS)
        else:
            await serve_actual(super().handle, target.terms, target, scope, receive, send, _DIAGNOSTICS)

    def _will_serve(self, scope: Scope) -> bool:
        """Whether it is a preflight, and this route the one that the announced request goes to."""
        preflight = _preflight(scope)
        if preflight is None:
            return False
        # Not "it is my path": a private route registered earlier may serve that method, and a browser told
        # yes by this one would send it the request (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
        target = _target(scope, preflight)
        return target.route is self and target.terms is not None


class CORSRouter(APIRouter):
    """An APIRouter whose routes share a CORS policy, in place of `APIRouter`; nothing else is to be set up.

    Its routes answer their preflights and carry the headers of their policy in every app that includes it.
    Errors made outside a route (405, redirects, unhandled exceptions) carry them with `install_cors`.

    `cors` is the policy of all its routes without one of their own; `no_cors` closes them; None inherits
    from the routers that include this one. Innermost wins, wholly: nothing is merged. All other arguments
    are those of APIRouter. Raises `TypeError` where `cors` is neither.

    >>> public = CORSRouter(prefix="/public", cors=CORSPolicy(origins="*"))
    >>> @public.get("/quotes")
    ... async def quotes() -> list[str]:
    ...     return ["Simple is better than complex."]
    """

    def __init__(self, *, cors: Declared | None = None, **arguments: Any) -> None:
        _require_declared(cors)
        super().__init__(**arguments)
        self.cors = cors
        self._route_classes: dict[tuple[type[APIRoute], Declared | None], type[APIRoute]] = {}

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **arguments: Any) -> None:
        """As APIRouter's, with a route class that carries the policy."""
        route_class = arguments.pop("route_class_override", None)
        if route_class is None:
            route_class = self.route_class
        arguments["route_class_override"] = self._carrying(route_class)
        super().add_api_route(path, endpoint, **arguments)

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[DependsParameter] | None = None,
    ) -> None:
        """As APIRouter's, with a check of the handshake's origin before all that the route itself declares.

        FastAPI runs the dependencies of routers before those of a route; `install_cors` checks before both.
        """
        guarded = [Depends(_handshake_guard(self.cors)), *(dependencies if dependencies is not None else ())]
        super().add_api_websocket_route(path, endpoint, name, dependencies=guarded)

    def _carrying(self, route_class: type[APIRoute]) -> type[APIRoute]:
        """The route class for routes of that kind: one, however many they are."""
        # Not shared by routers whose policies are equal: a report tells who spelled one twice.
        key = (route_class, self.cors)
        if key not in self._route_classes:
            self._route_classes[key] = _cors_route_class(route_class, self.cors)
        return self._route_classes[key]


def answers_itself(route: object) -> bool:
    """Whether a route carries its policy out by itself, with no layer: a CORSRoute, a guarded websocket."""
    dependencies = route.dependencies if isinstance(route, APIWebSocketRoute) else ()
    return isinstance(route, CORSRoute) or any(
        hasattr(depends.dependency, ROUTER_POLICY) for depends in dependencies
    )


def _require_declared(cors: object) -> None:
    if cors is not None and not isinstance(cors, CORSPolicy | NoCORS):
        raise TypeError(
            f"cors must be a CORSPolicy, no_cors or None, not {cors!r}: write cors=CORSPolicy(origins=[...])"
        )


def _cors_route_class(route_class: type[APIRoute], declared: Declared | None) -> type[APIRoute]:
    """A CORSRoute of that kind, carrying the policy.

    Below FastAPI 0.137, include_router makes new routes of the same class and nothing else survives: the
    class is the one place where a policy can travel. A policy that it carries already is an inner one.
    """
    if issubclass(route_class, CORSRoute):
        if declared is None or route_class.cors is not None:
            return route_class
        bases: tuple[type[APIRoute], ...] = (route_class,)
    else:
        bases = (CORSRoute,) if route_class is APIRoute else (CORSRoute, route_class)
    return type(route_class.__name__, bases, {ROUTER_POLICY: declared, "__module__": route_class.__module__})


def _preflight(scope: Scope) -> Preflight | None:
    return read_preflight(scope["headers"]) if scope["method"] == "OPTIONS" else None


def _target(scope: Scope, preflight: Preflight | None = None) -> Target:
    """Where the request goes, or the one that is announced; nowhere if a layer further out took it on."""
    if DECIDED in scope:
        return _ELSEWHERE
    return resolve(scope, scope.get("method", "") if preflight is None else preflight[1])


_ELSEWHERE = Target(None, None)
_DIAGNOSTICS = Diagnostics(debug=False)


def _handshake_guard(declared: Declared | None) -> Callable[..., Awaitable[None]]:
    """A dependency that closes a handshake which the policy of its route refuses, and carries that policy.

    A dependency, as it is the one thing of a websocket route that include_router hands on, on every version
    of FastAPI. A route class would be lost, a wrapped endpoint would change the signature that FastAPI reads.
    """

    async def refuse_foreign_handshake(websocket: WebSocket) -> None:
        scope = websocket.scope
        target = _target(scope)
        terms = target.terms
        if terms is not None and await refuses_websocket(terms, target, scope, _DIAGNOSTICS):
            raise WebSocketException(code=1008, reason="CORS: origin")

    setattr(refuse_foreign_handshake, ROUTER_POLICY, declared)
    return refuse_foreign_handshake
