"""An app's stand-in: the real layers in front of the real routes, and none of the app's own code behind them.

`explain` sends its requests here. The dispatcher says where each one goes, the layers of route_cors and of
Starlette answer it or write their headers, each at its position, and a 200 takes the place of the endpoint.
So no dependency, endpoint or middleware of the user runs; only a policy's callables are asked, as the layer
asks them. An unknown middleware is assumed to be what the caller says (passage.py).
"""

from __future__ import annotations

import functools
import math
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Unpack

from fastapi import FastAPI
from starlette.datastructures import URL
from starlette.responses import RedirectResponse, Response

from route_cors.claims import Consultation
from route_cors.decisions import REQUEST_REFUSED, WEBSOCKET_REFUSED
from route_cors.diagnostics import Diagnostics, Found
from route_cors.dispatch.target import CLAIM, Target
from route_cors.insight.beside import NOTHING_BESIDE, beside, serves
from route_cors.insight.enforcement import answers_itself, has_enforcing_layer
from route_cors.insight.foreign import OurLayer
from route_cors.insight.handled import Handled
from route_cors.insight.passage import Passage
from route_cors.insight.trying import UNCHANGED, TryingResolver
from route_cors.judging import Judge
from route_cors.middleware import RouteCORSMiddleware
from route_cors.protocol import read_preflight
from route_cors.routing import CORSRoute

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from route_cors.decisions import Event
    from route_cors.dispatch.resolver import Resolver
    from route_cors.insight.foreign import Layer
    from route_cors.insight.handled import Carrier
    from route_cors.insight.passage import Guise
    from route_cors.insight.site import Site
    from route_cors.insight.trying import Change


class StandIn:
    """The ASGI app that answers in the place of the app.

    Args:
        site: of the app.
        root_path: the path that the app is served behind, as a server would pass it on.
        change: what is tried.
        guise: what an unknown layer is assumed to be.
        credentials: whether the user's cookies are sent.

    Attributes:
        handled: what happened to each request, in their order.
    """

    def __init__(
        self,
        site: Site,
        root_path: str,
        change: Change = UNCHANGED,
        *,
        guise: Guise = "passes",
        credentials: bool = False,
    ) -> None:
        self.handled: list[Handled] = []
        self._site = site
        self._root_path = (isinstance(site.app, FastAPI) and site.app.root_path) or root_path
        self._change = change
        self._guise: Guise = guise
        self._credentials = credentials
        self._resolver = TryingResolver(self.handled, site.app, site.default, change)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request as the app would."""
        scope["app"] = self._site.app
        scope["root_path"] = self._root_path
        handled = self._handled(scope)
        self.handled.append(handled)
        serve: ASGIApp = self._answer
        for passage in reversed(handled.passages):
            serve = passage.around(serve, self._guise, credentials=self._credentials)
        await serve(scope, receive, send)

    def _our_layer(self, resolver: Resolver, app: ASGIApp, *, enforces: bool) -> ASGIApp:
        return _Layer(app, resolver, _Listener(self), enforces=enforces)

    def _handled(self, scope: Scope) -> Handled:
        preflight = None
        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            preflight = read_preflight(scope["headers"])
        method = scope.get("method", "") if preflight is None else preflight[1].decode("latin-1")
        target = self._resolver.resolve(scope, method)
        receiver = target if preflight is None else self._receiver(scope, target)
        carrier = self._carrier(scope, target, receiver, is_preflight=preflight is not None)
        is_served = target.route is not None and (scope["type"] == "websocket" or serves(target, method))
        layers = self._layers(receiver, scope, carrier)
        # A route that applies its policy itself does not know of any other enforcement.
        enforces = carrier == "layer" and has_enforcing_layer(layers)
        return Handled(
            scope=scope,
            method=method,
            target=target,
            receiver=receiver,
            preflight=preflight,
            beside=NOTHING_BESIDE if is_served else beside(self._resolver, scope, target, self._site.methods),
            carrier=carrier,
            layers_enforce=enforces,
            passages=self._passages(layers, carrier, enforces=enforces),
        )

    def _layers(self, receiver: Target, scope: Scope, carrier: Carrier | None) -> list[Layer]:
        """The layers that a request passes. A route that applies its policy itself is the innermost."""
        is_served = scope["type"] == "websocket" or serves(receiver, scope["method"])
        layers = self._site.layers(receiver, is_served=is_served)
        if self._change.adds_layer:
            layers.insert(self._site.place_of_installed, OurLayer())
        return [*layers, OurLayer()] if carrier == "route" else layers

    def _passages(self, layers: list[Layer], carrier: Carrier | None, *, enforces: bool) -> list[Passage]:
        """What happens to the request at each layer; one of ours does the work of all."""
        ours: dict[int, Resolver] = {}
        if carrier == "route":
            ours = {len(layers) - 1: self._resolver}
        elif carrier == "layer":
            ours = self._ours(layers)
        return [
            Passage(
                layer=layer,
                makes_ours=functools.partial(
                    self._our_layer, ours.get(place, self._resolver), enforces=enforces
                ),
            )
            for place, layer in enumerate(layers)
            if place in ours or not isinstance(layer, OurLayer)
        ]

    def _ours(self, layers: list[Layer]) -> dict[int, Resolver]:
        """Which layers of route_cors take part, by position: usually the outermost, which does all the work.

        If several are in front of every route, what the outermost leaves to one further in goes to the others
        first. They are looked at as they are, since a layer between them that does nothing about CORS is not
        in the list, but still keeps the outermost from being certain.
        """
        ours = [place for place, layer in enumerate(layers) if isinstance(layer, OurLayer)]
        shared = [place for place in ours if place < self._site.shared]
        if self._change.adds_layer or len(shared) <= 1:
            return {ours[0]: self._resolver}
        return {place: self._resolver_of(place, layers[place]) for place in shared}

    def _resolver_of(self, place: int, layer: Layer) -> Resolver:
        default = layer.default if isinstance(layer, OurLayer) else None
        return TryingResolver(self.handled, self._site.seen_by(place), default, self._change)

    def _receiver(self, scope: Scope, announced: Target) -> Target:
        """Where a preflight goes: to the first route that takes its OPTIONS, or claims it as its own."""
        of_options = self._resolver.resolve(scope, "OPTIONS")
        # No route at all: the class of the announced one overrides `matches`, and makes no 405s to claim.
        is_shy = of_options.route is None and of_options.through == announced.through
        if is_shy or not _claims(announced):
            return of_options
        if not serves(of_options, "OPTIONS"):
            return announced
        comes_first = self._site.position(of_options) < self._site.position(announced)
        return of_options if comes_first else announced

    def _carrier(
        self, scope: Scope, target: Target, receiver: Target, *, is_preflight: bool
    ) -> Carrier | None:
        if self._change.adds_layer or self._site.is_in_layer(target, receiver):
            return "layer"
        if scope["type"] == "websocket":
            return "route" if answers_itself(target.route) else None
        if is_preflight and receiver is not target:
            # An OPTIONS route that is one answers for the others, the target of a redirect included.
            is_asked = isinstance(receiver.route, CORSRoute) and serves(receiver, "OPTIONS")
            is_ours = isinstance(target.route, CORSRoute) and target.terms is not None
            answers = is_asked and is_ours and receiver.redirects_to is None
        elif is_preflight:
            answers = _claims(target)
        else:
            # The 405 of a CORSRoute is made outside of it.
            answers = _claims(target) and serves(target, scope["method"])
        return "route" if answers else None

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """What the app's router, and the endpoint, would answer."""
        handled = self.handled[-1]
        handled.reached_app = not _is_asked_in_vain(scope)
        receiver = handled.receiver
        if scope["type"] == "websocket":
            accepts = receiver.route is not None
            await send({"type": "websocket.accept" if accepts else "websocket.close"})
            return
        response = _response(receiver, scope)
        handled.is_endpoints_own = handled.reached_app and response is _ENDPOINTS_OWN
        is_405 = response.status_code == HTTPStatus.METHOD_NOT_ALLOWED
        if is_405 and handled.carrier is None and _claims(receiver):
            await self._answer_405_of_route(response, scope, receive, send)
        else:
            await response(scope, receive, send)

    async def _answer_405_of_route(
        self, response: Response, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """The 405 of a CORSRoute: the route may refuse the request, but its 405 is raised through it."""

        async def raised(_scope: Scope, _receive: Receive, _send: Send) -> None:
            raise _RaisedThroughRoute

        handled = self.handled[-1]
        handled.asks_route = True
        try:
            await self._our_layer(self._resolver, raised, enforces=False)(scope, receive, send)
        except _RaisedThroughRoute:
            handled.is_decided, handled.failed = False, ()
            await response(scope, receive, send)
        else:
            handled.carrier, handled.reached_app = "route", False


class _RaisedThroughRoute(Exception):  # noqa: N818 - it is not an error
    """The place of the HTTPException that a route raises for a method that it does not serve."""


class _Layer(RouteCORSMiddleware):
    """The layer with a resolver and a listener of our own."""

    def __init__(self, app: ASGIApp, resolver: Resolver, listener: Diagnostics, *, enforces: bool) -> None:
        super().__init__(app)
        self._resolver = resolver
        self._judge = Judge(listener, resolver.scope_at, enforces=enforces)


class _Listener(Diagnostics):
    """Receives what the layer decides; neither the log nor the callback gets made-up requests.

    The app's debug mode, which changes the response to a refused preflight, changes no explanation.
    """

    def __init__(self, stand_in: StandIn) -> None:
        super().__init__(debug=False)
        self._stand_in = stand_in
        self.curiosity = math.inf

    def asked_for(self, event: Event, scope: Scope) -> bool:  # noqa: ARG002 - as it is called
        return True

    def tell(self, event: Event, scope: Scope, target: Target, **found: Unpack[Found]) -> None:  # noqa: ARG002
        handled = self._stand_in.handled[-1]
        handled.is_decided = True
        handled.failed = found.get("failed", ())
        if event in {REQUEST_REFUSED, WEBSOCKET_REFUSED}:
            handled.refused_for = next(iter(handled.failed))


def _claims(target: Target) -> bool:
    """Whether it is a CORSRoute with a policy: it takes the preflights of its own requests."""
    return isinstance(target.route, CORSRoute) and target.terms is not None and target.redirects_to is None


def _is_asked_in_vain(scope: Scope) -> bool:
    """Whether it is a preflight that the layer passed in, and answers itself in any case."""
    asked = scope.get(CLAIM)
    return isinstance(asked, Consultation) and asked.is_awaited


def _response(target: Target, scope: Scope) -> Response:
    if target.redirects_to is not None:
        return RedirectResponse(str(URL(scope={**scope, "path": target.redirects_to})))
    if target.route is None:
        return Response(status_code=404)
    if not serves(target, scope["method"]):
        return Response(status_code=405)
    return _ENDPOINTS_OWN


_ENDPOINTS_OWN: Final = Response()
