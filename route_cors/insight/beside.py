"""What a path serves besides what was asked for: other methods, or a websocket's handshake."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Scope

    from route_cors.dispatch.resolver import Resolver
    from route_cors.dispatch.target import Target


class Beside(NamedTuple):
    """What the path of a request serves.

    Attributes:
        methods: of all its routes, sorted; without those of apps that show no routes.
        instead: if no route takes such a request, the method that one takes: `WS` for a websocket's, or a
            method of an HTTP route; None if there is no route at all.
    """

    methods: tuple[str, ...]
    instead: str | None


NOTHING_BESIDE = Beside((), None)


def beside(resolver: Resolver, scope: Scope, target: Target, methods: Iterable[str]) -> Beside:
    """What else is at the path of a request.

    Args:
        resolver: says where requests go.
        scope: of the request.
        target: where it goes.
        methods: those that the app has anywhere.
    """
    seen: dict[str, Any] = {**scope, "type": "http", "method": "GET"}
    served = [method for method in sorted(methods) if serves(resolver.resolve(seen, method), method)]
    return Beside(tuple(served), _instead(resolver, scope, served) if target.route is None else None)


def _instead(resolver: Resolver, scope: Scope, served: list[str]) -> str | None:
    if scope["type"] == "websocket":
        return next(iter(sorted(served, key=lambda method: method != "GET")), None)
    handshake = resolver.resolve({**scope, "type": "websocket"}, "")
    return None if handshake.route is None else "WS"


def serves(target: Target, method: str) -> bool:
    """Whether a target takes requests with that method; what shows no routes takes any."""
    return target.methods is None or method in target.methods
