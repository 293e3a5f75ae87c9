"""CORSRouter and CORSRoute: per-route CORS on a plain app, without installing anything.

A CORSRoute answers the preflights for requests that it will serve, and writes the headers of its own
responses. It uses the same index as the layer does. If a layer further out has found a policy, the route
leaves the work to that layer.

Its decisions are logged like those of the layer. There is no callback: that is an argument of the layer, and
`install_cors(app, on_decision=...)` takes over the work of the route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn, TypedDict, Unpack
from weakref import WeakValueDictionary

from fastapi import APIRouter, Depends, WebSocket, WebSocketException
from fastapi.routing import APIRoute
from starlette.routing import Match

from route_cors.claims import JUDGE, TARGET, knows_better, may_advise
from route_cors.decorators import Declared, no_cors, require_declared
from route_cors.diagnostics import LOGGER, Diagnostics
from route_cors.dispatch.lost import note_given, policy_at
from route_cors.dispatch.resolver import ENTERED, LED_BY, declared_in, resolve_at_route
from route_cors.dispatch.routes import ROUTER_POLICY, asks_its_base, declared_on
from route_cors.dispatch.target import CLAIM, Target, terms_of
from route_cors.judging import Judge
from route_cors.preflights import answer_preflight, restrict, serve_advising
from route_cors.protocol import Preflight, Terms, read_preflight
from route_cors.serving import Exchange, serve_actual, serve_claimed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from enum import Enum

    from fastapi.params import Depends as DependsParameter
    from starlette.responses import Response
    from starlette.routing import BaseRoute
    from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

# Scope key: the route that has claimed a preflight, when it was asked whether it matches.
_CLAIMED_BY: Final = "route_cors.claimed_by"


class CORSRoute(APIRoute):
    """The route class of a CORSRouter: an APIRoute that answers its own preflights.

    It can be used by itself, `APIRouter(route_class=CORSRoute)`, for endpoints that carry `@cors`.

    >>> router = APIRouter(route_class=CORSRoute)
    """

    cors: Declared | None = None

    def __init__(self, path: str, endpoint: Callable[..., Any], **arguments: Any) -> None:
        super().__init__(path, endpoint, **arguments)
        # Code that makes a new route from the attributes of this one passes it to `add_api_route`.
        self.route_class_override = type(self)

    @asks_its_base
    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As APIRoute; a preflight for a request that this route will serve is a full match too."""
        match, child_scope = super().matches(scope)
        if match is not Match.NONE and "endpoint" in scope:
            child_scope[LED_BY] = scope["endpoint"]
        if match is not Match.NONE and self._claims(scope, is_own=match is Match.FULL):
            return Match.FULL, {**child_scope, _CLAIMED_BY: self}
        return match, child_scope

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the preflight, or serve the request and write the headers of the policy."""
        preflight = _preflight(scope)
        if preflight is not None:
            await self._handle_preflight(preflight, scope, receive, send)
            return
        claim: Any = scope.get(CLAIM)
        if claim.__class__ is list and claim[TARGET].route is self:
            await super().handle(scope, receive, send)
            return
        target = self._target(scope)
        if claim is not None:
            await serve_claimed(Exchange(super().handle, scope, receive, send, _JUDGE), target)
        elif target.terms is None:
            await super().handle(scope, receive, send)
        else:
            await serve_actual(super().handle, target.terms, target, scope, receive, send, _JUDGE)

    async def _handle_preflight(
        self, preflight: Preflight, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answer a preflight that this route has claimed, or that reached its OPTIONS method.

        It answers for another route too, if that is a CORSRoute.
        """
        exchange = Exchange(super().handle, scope, receive, send, _JUDGE)
        target = resolve_at_route(scope, preflight[1])
        asked = scope.get(CLAIM)
        if scope.get(_CLAIMED_BY) is not self:
            await exchange.hand_on()
        elif not target.is_known and self._may_be_meant(preflight, scope):
            await restrict(exchange, self._itself(), preflight)
        elif target.terms is None or not isinstance(target.route, CORSRoute):
            await exchange.hand_on()
        elif asked is not None and asked.is_awaited:
            await serve_advising(exchange, target, preflight)
        else:
            await answer_preflight(target.terms, target, preflight, scope, send, _JUDGE)

    def _target(self, scope: Scope) -> Target:
        """This route, with the terms that apply here."""
        target = resolve_at_route(scope, scope["method"])
        return target if target.route is self else self._itself()

    def _itself(self) -> Target:
        """This route, with the terms that it and its routers declare.

        For a route behind something that shows no routes, so that the index does not see it.
        """
        terms = _terms_around(self, self.methods)
        methods = frozenset(self.methods or ())
        return Target(self, terms, self.path, methods, endpoint=self.endpoint, declared=terms is not None)

    def _claims(self, scope: Scope, *, is_own: bool) -> bool:
        """Whether it is a preflight whose announced request goes to this route.

        `is_own`: the route serves OPTIONS, and gets every preflight.

        If the index does not see this route, an earlier route may serve the request. Then this route is asked
        only if a layer further out answers: it may refuse, but not grant.
        """
        preflight = _preflight(scope)
        if preflight is None or scope.get(CLAIM) is True:  # asked by the index, which must not be asked again
            return False
        # The same path is not enough: a private route registered earlier may serve that method, and if this
        # route granted the preflight, the browser would send the request there (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
        target = resolve_at_route(scope, preflight[1])
        if _is_elsewhere(scope, target):
            return False
        if is_own:
            return True
        if target.is_known:
            return target.route is self and target.terms is not None
        return self._may_be_meant(preflight, scope)

    def _may_be_meant(self, preflight: Preflight, scope: Scope) -> bool:
        """Whether a layer further out answers a preflight for a request that this route could serve."""
        asked = scope.get(CLAIM)
        is_awaited = asked is not None and asked.is_awaited
        return is_awaited and preflight[1].decode("latin-1") in (self.methods or ())


class RouterArguments(TypedDict, total=False):
    """The arguments of the newest APIRouter, for type checkers and editors."""

    prefix: str
    tags: list[str | Enum] | None
    dependencies: Sequence[DependsParameter] | None
    default_response_class: type[Response]
    responses: dict[int | str, dict[str, Any]] | None
    callbacks: list[BaseRoute] | None
    routes: list[BaseRoute] | None
    redirect_slashes: bool
    default: ASGIApp | None
    dependency_overrides_provider: Any
    route_class: type[APIRoute]
    on_startup: Sequence[Callable[[], Any]] | None
    on_shutdown: Sequence[Callable[[], Any]] | None
    lifespan: Lifespan[Any] | None
    deprecated: bool | None
    include_in_schema: bool
    generate_unique_id_function: Callable[[APIRoute], str]
    strict_content_type: bool
    max_body_size: int | None
    form_limits: Any


class CORSRouter(APIRouter):
    """An APIRouter whose routes share a CORS policy. Use it like `APIRouter`; no other setup is needed.

    Its routes answer their preflights and send the headers of their policy in every app that includes it.
    405s, redirects and 500s get them only with `install_cors`; without it, websockets are checked after the
    routers' dependencies. Below FastAPI 0.137, plain routers inside inherit it for API and websocket routes.

    `cors` is the policy of all its routes without one of their own; `no_cors` closes them; None inherits
    from the routers that include this one. The innermost policy wins; policies are never merged. All other
    arguments are those of APIRouter. Raises `TypeError` if `cors` is something else.

    >>> from route_cors import CORSPolicy
    >>> public = CORSRouter(prefix="/public", cors=CORSPolicy(origins="*"))
    >>> @public.get("/quotes")
    ... async def quotes() -> list[str]:
    ...     return ["Simple is better than complex."]
    """

    def __init__(self, *, cors: Declared | None = None, **arguments: Unpack[RouterArguments]) -> None:
        require_declared("cors", cors)
        super().__init__(**arguments)
        self._declared_cors = cors
        _ROUTERS[id(self)] = self
        self._route_classes: dict[tuple[type[APIRoute], Declared | None], type[APIRoute]] = {}

    @property
    def cors(self) -> Declared | None:
        """The policy that it was created with. It cannot change: existing routes already carry it."""
        return self._declared_cors

    @cors.setter
    def cors(self, cors: object) -> NoReturn:
        raise AttributeError(
            f"the policy of a CORSRouter cannot be changed to {cors!r}: create the router with it, "
            "CORSRouter(cors=...), put @cors(...) on an endpoint, or let a callable in origins=[...] decide"
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As APIRouter's, for a router that is mounted or called by an app instead of being included."""
        # Its routes have to know their position, and the app around may not show it.
        scope[ENTERED] = (self, scope.get("app"))
        await super().__call__(scope, receive, send)

    def add_api_route(self, path: str, endpoint: Callable[..., Any], **arguments: Any) -> None:
        """As APIRouter's, with a route class that carries the policy."""
        route_class = arguments.pop("route_class_override", None)
        if route_class is None:
            route_class = self.route_class
        arguments["route_class_override"] = self._carrying(route_class)
        super().add_api_route(path, endpoint, **arguments)
        note_given(endpoint, self.routes[-1])

    def add_api_websocket_route(
        self,
        path: str,
        endpoint: Callable[..., Any],
        name: str | None = None,
        *,
        dependencies: Sequence[DependsParameter] | None = None,
    ) -> None:
        """As APIRouter's, and the origin of the handshake is checked before the route's own dependencies.

        FastAPI runs the dependencies of routers before those of a route; `install_cors` checks before both.
        """
        guarded = [Depends(_handshake_guard(self.cors)), *(dependencies if dependencies is not None else ())]
        super().add_api_websocket_route(path, endpoint, name, dependencies=guarded)

    def _carrying(self, route_class: type[APIRoute]) -> type[APIRoute]:
        """The route class for routes of that kind: one class for all of them."""
        # Not shared by routers with equal policies: a report tells where a policy is written twice.
        key = (route_class, self.cors)
        if key not in self._route_classes:
            self._route_classes[key] = _cors_route_class(route_class, self.cors)
        return self._route_classes[key]


def _cors_route_class(route_class: type[APIRoute], declared: Declared | None) -> type[APIRoute]:
    """A CORSRoute of that kind that carries the policy.

    Below FastAPI 0.137, include_router makes new routes of the same class and keeps nothing else: only the
    class can carry a policy. A policy that the class already has is an inner one.
    """
    if issubclass(route_class, CORSRoute):
        if declared is None or route_class.cors is not None:
            return route_class
        bases: tuple[type[APIRoute], ...] = (route_class,)
    else:
        bases = (CORSRoute,) if route_class is APIRoute else (CORSRoute, route_class)
    return type(route_class.__name__, bases, {ROUTER_POLICY: declared, "__module__": route_class.__module__})


def _preflight(scope: Scope) -> Preflight | None:
    return read_preflight(scope.get("headers", ())) if scope["method"] == "OPTIONS" else None


def _is_elsewhere(scope: Scope, target: Target) -> bool:
    """Whether the routes here must not answer a preflight, because a layer further out decides."""
    asked = scope.get(CLAIM)
    return asked is not None and not may_advise(asked, target, resolve_at_route(scope, "OPTIONS"), scope)


# All routers, by id: they have no lasting hash.
_ROUTERS: WeakValueDictionary[int, CORSRouter] = WeakValueDictionary()


def _terms_around(route: Any, methods: Iterable[str] | None) -> Terms | None:
    """The terms of a route as declared by it and the routers around it, wherever those are.

    If the routers that include its endpoint differ, it is not known which one applies: the route is closed.
    """
    declared = declared_on(route)
    if declared is None:
        endpoint = getattr(route, "endpoint", None)
        found = {each for router in [*_ROUTERS.values()] for each in _policies_in(router, endpoint)}
        declared = no_cors if len(found) > 1 else next(iter(found), None)
    if declared is None:
        return None
    return terms_of(declared, methods or ())


def _policies_in(router: CORSRouter, endpoint: object) -> set[Declared]:
    try:
        return declared_in(router, endpoint, "")
    except Exception:  # noqa: BLE001 - whatever the error is, the router may have closed this endpoint
        LOGGER.debug(
            "the routes of a CORSRouter cannot be read: routes that are not visible are closed", exc_info=True
        )
        return {no_cors}


_JUDGE = Judge(Diagnostics(debug=False))


def _handshake_guard(declared: Declared | None) -> Callable[..., Awaitable[None]]:
    """A dependency that carries the policy of its route and closes handshakes that the policy refuses.

    It is a dependency because that is the only part of a websocket route that include_router keeps in every
    version of FastAPI. A route class would be lost, and a wrapped endpoint would change the signature.
    """

    async def refuse_foreign_handshake(websocket: WebSocket) -> None:
        scope = websocket.scope
        claim = scope.get(CLAIM)
        target = _handshake_target(scope, declared)
        terms = target.terms
        if terms is None or (claim is not None and not knows_better(target, claim[TARGET])):
            return
        teller = _JUDGE if claim is None else claim[JUDGE]
        if await _JUDGE.refuses_handshake(terms, target, scope, teller.diagnostics):
            raise WebSocketException(code=1008, reason="CORS: origin")
        if claim is not None:
            claim[TARGET] = target

    setattr(refuse_foreign_handshake, ROUTER_POLICY, declared)
    return refuse_foreign_handshake


def _handshake_target(scope: Scope, declared: Declared | None) -> Target:
    """The websocket's route with the terms that apply there; its own terms if the index does not see it."""
    route: object = scope.get("route")
    target = resolve_at_route(scope, "")
    endpoint = scope.get("endpoint")
    if target.endpoint is endpoint:
        return target
    # Below FastAPI 0.137 the guard of a router that includes the route runs as well, before the route's own.
    own = policy_at(endpoint) or (declared if route is None else None)
    terms = _terms_around(route, ()) if own is None else terms_of(own)
    return Target(route, terms, endpoint=endpoint, declared=terms is not None)
