"""An app as `explain` looks at it: its routes by the targets that lead there, and the layers around them."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.routing import Host, Mount

from route_cors.decorators import policy_of
from route_cors.dispatch.apps import remember_default, router_of
from route_cors.insight.describe import name_of
from route_cors.insight.foreign import OurLayer, layers_around, layers_at, layers_in_front_of, layers_of_app
from route_cors.insight.routes import place_of, survey_routes
from route_cors.insight.source import is_of_a_library
from route_cors.insight.survey import surrounded
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from route_cors.dispatch.target import Target
    from route_cors.insight.foreign import Layer
    from route_cors.insight.routes import Surveyed
    from route_cors.insight.survey import Placed

_USUAL_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


def _is_fixed(placed: Placed) -> bool:
    """Whether the user has nothing to decorate there: a frontend, or an endpoint of a library."""
    if placed.kind == "mount":
        return not isinstance(placed.route, Mount | Host)
    place = place_of(placed.endpoint)
    return place is not None and is_of_a_library(place.file)


class _Shown:
    """A layer that shows what it is around."""

    def __init__(self, layer: Layer, app: object) -> None:
        self.app = app
        self.is_route_cors_layer = isinstance(layer, OurLayer)
        if isinstance(layer, OurLayer):
            remember_default(self, layer.default, enforces=layer.enforces)


class Site:
    """What is known about an app's routes, and of the layers around them.

    Args:
        app: a FastAPI or Starlette app, or a middleware around one.

    Attributes:
        app: the one that holds the routes.
        default: that of the layer around it.

    Raises:
        TypeError: it shows no routes.
    """

    def __init__(self, app: object) -> None:
        outermost = surrounded(app)
        self.app = outermost.app
        self.default = outermost.default
        self._has_layer = outermost.in_layer
        self._routes = survey_routes(app)
        self._outside = layers_around(app)
        self._on_app = layers_of_app(self.app)

    @functools.cached_property
    def methods(self) -> frozenset[str]:
        """Those of all routes, and the usual ones, which an app that shows no routes may serve."""
        return _USUAL_METHODS.union(*(each.placed.methods or () for each in self._routes))

    def names(self, origin: str) -> bool:
        """Whether a policy of the app allows this origin, but not every origin."""
        policies = [each.placed.policy for each in self._routes] + [self.default]
        sent = origin.encode("latin-1", "replace")
        chosen = (each for each in policies if isinstance(each, CORSPolicy) and not each.matches_anyone)
        return any(not each.origin_set.any and each.origin_set.matches(sent) for each in chosen)

    def position(self, target: Target) -> int:
        """The position of the target's route among all, in the order in which the app tries them.

        The routes of an app that is mounted into itself are counted once. What a router has in place of its
        404 is not a route, and comes after all of them.
        """
        positions = self._positions(target.route)
        same_path = (each for each in positions if self._routes[each].placed.path == target.path)
        return next(itertools.chain(same_path, positions), len(self._routes))

    def find(self, target: Target) -> Surveyed | None:
        """The target's route; without one, the mount in which it is missing, if any."""
        if target.route is not None and self._positions(target.route):
            return self._routes[self.position(target)]
        return self._routes[self._positions(target.through[-1])[0]] if target.through else None

    def name_of(self, target: Target) -> str:
        """The full name of what serves it."""
        found = self.find(target)
        return name_of(target.route) if found is None else found.reported.endpoint

    def can_declare_alone(self, target: Target) -> bool:
        """Whether what serves a target has no policy of its own, and a new one would not change other routes.

        The policy goes on the endpoint, which may serve other routes under another policy.
        """
        found = self.find(target)
        if found is None or found.placed.route is not target.route:
            return False
        if policy_of(found.placed.endpoint) is not None or _is_fixed(found.placed):
            return False
        others = [each.placed for each in self._routes if each.placed.endpoint is found.placed.endpoint]
        return all(each.policy is found.placed.policy for each in others)

    def is_in_layer(self, target: Target, receiver: Target) -> bool:
        """Whether a layer is around both what answers there and what receives the request.

        For a preflight these may differ: a layer around its receiver alone does not affect the other route.
        """
        positions = self._way(target) & self._way(receiver)
        return self._has_layer or any(self._routes[each].placed.in_layer for each in positions)

    def layers(self, target: Target, *, is_served: bool) -> list[Layer]:
        """The layers that a request goes through on its way there, ours among them, from the outside in.

        Args:
            target: where it goes.
            is_served: whether that serves it. A route makes its 405 outside of its own middleware.
        """
        routes = [entry.route for entry in target.way if entry.route is not target.route]
        if is_served and target.redirects_to is None and target.route is not None:
            routes.append(target.route)
        return [*self._outside, *self._on_app, *itertools.chain.from_iterable(map(self._layers_at, routes))]

    @property
    def place_of_installed(self) -> int:
        """The position among these of the layer that `install_cors` puts around the app."""
        return len(self._outside) if isinstance(self.app, Starlette) else 0

    @property
    def shared(self) -> int:
        """How many of these are in front of every route: around the app, and in its own stack."""
        return len(self._outside) + len(self._on_app)

    def seen_by(self, place: int) -> object:
        """What one of these that are shared is around, as far as a layer of ours looks at that."""
        inside = (*self._outside, *self._on_app)[place + 1 :]
        in_front = len(inside) - len(self._on_app)
        seen: object = self.app if in_front >= 0 else router_of(self.app)
        for layer in reversed(inside[:in_front] if in_front >= 0 else inside):
            seen = _Shown(layer, seen)
        return seen

    def _layers_at(self, route: object) -> tuple[Layer, ...]:
        positions = self._positions(route)
        # What a router has in place of its 404 is not a route.
        return layers_at(self._routes[positions[0]].placed) if positions else layers_in_front_of(route)

    def _way(self, target: Target) -> set[int]:
        """The positions of the mounts that lead there, and of the route."""
        positions = {self._positions(mount)[0] for mount in target.through}
        return {*positions, self.position(target)} if self._positions(target.route) else positions

    def _positions(self, route: object) -> list[int]:
        return [position for position, each in enumerate(self._routes) if each.placed.route is route]
