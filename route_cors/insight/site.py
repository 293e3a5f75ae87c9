"""An app as `explain` looks at it: its routes by the targets that lead there, and the layers around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.describe import name_of
from route_cors.dispatch import surrounded
from route_cors.insight.routes import survey_routes

if TYPE_CHECKING:
    from route_cors.dispatch import Target
    from route_cors.insight.routes import Surveyed

__all__ = ["Site"]


class Site:
    """What is known of an app's routes, and of the layers around them.

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

    def position(self, target: Target) -> int:
        """Of the target's route among all, in the order in which the app tries them.

        Those of an app that is mounted into itself are there once.
        """
        positions = self._positions(target.route)
        same_path = (each for each in positions if self._routes[each].placed.path == target.path)
        return next(same_path, positions[0])

    def find(self, target: Target) -> Surveyed | None:
        """The target's route; where there is none, the mount in which it is missing, if any."""
        if target.route is not None:
            return self._routes[self.position(target)]
        return self._routes[self._positions(target.through[-1])[0]] if target.through else None

    def name_of(self, target: Target) -> str:
        """The full name of what serves it."""
        found = self.find(target)
        return name_of(target.route) if found is None else found.reported.endpoint

    def is_in_layer(self, target: Target, receiver: Target) -> bool:
        """Whether a layer stands around both what answers there and what receives the request.

        For a preflight these may be two: a layer that only its receiver is in has no say about the other.
        """
        positions = self._way(target) & self._way(receiver)
        return self._has_layer or any(self._routes[each].placed.in_layer for each in positions)

    def _way(self, target: Target) -> set[int]:
        """The positions of the mounts that lead there, and of the route."""
        positions = {self._positions(mount)[0] for mount in target.through}
        return positions if target.route is None else {*positions, self.position(target)}

    def _positions(self, route: object) -> list[int]:
        return [position for position, each in enumerate(self._routes) if each.placed.route is route]
