"""A layer as one request goes through it, in an app's stand-in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from route_cors.insight.foreign import KnownLayer, OurLayer, UnknownLayer
from route_cors.protocol import read_preflight

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from route_cors.insight.foreign import Layer

Guise: TypeAlias = Literal["passes", "opens", "closes"]
"""What an unknown layer is assumed to be: one that does nothing, allows all, or refuses all."""

GUISES: tuple[Guise, ...] = ("passes", "opens", "closes")


@dataclass(slots=True, kw_only=True)
class Passage:
    """One layer on the way of one request.

    Attributes:
        layer: what is known about it.
        makes_ours: makes a layer of ours around an app.
        is_reached: whether the request got there.
        hands_on: whether the layer passed it on.
    """

    layer: Layer
    makes_ours: Callable[[ASGIApp], ASGIApp]
    is_reached: bool = False
    hands_on: bool = False

    def around(self, app: ASGIApp, guise: Guise, *, credentials: bool) -> ASGIApp:
        """The layer around what is further in, which notes what happens to the request.

        Args:
            app: what is further in.
            guise: what it is assumed to be if it is unknown.
            credentials: whether the request may carry cookies.
        """

        async def further_in(scope: Scope, receive: Receive, send: Send) -> None:
            self.hands_on = True
            await app(scope, receive, send)

        known = self.layer
        layer = (
            self.makes_ours(further_in)
            if isinstance(known, OurLayer)
            else put_around(further_in, known, guise)
        )

        async def enter(scope: Scope, receive: Receive, send: Send) -> None:
            self.is_reached = True
            if credentials and not isinstance(self.layer, UnknownLayer):
                scope = _with_cookie(scope)
            await layer(scope, receive, send)

        return enter


def put_around(app: ASGIApp, layer: KnownLayer | UnknownLayer, guise: Guise) -> ASGIApp:
    """Another layer around an app; `guise` is what it is assumed to be if it is unknown."""
    return layer.around(app) if isinstance(layer, KnownLayer) else _Unknown(app, guise)


def _with_cookie(scope: Scope) -> Scope:
    """The request as it is once the user has a cookie: before 1.0, Starlette's CORSMiddleware looks for one.

    https://fetch.spec.whatwg.org/#cors-preflight-fetch: preflights carry none.
    """
    if scope["type"] != "http" or read_preflight(scope["headers"]) is not None:
        return scope
    return {**scope, "headers": [*scope["headers"], (b"cookie", b"of=the-user")]}


class _Unknown:
    """What an unknown layer might be."""

    def __init__(self, app: ASGIApp, guise: Guise) -> None:
        self._app = app
        self._guise = guise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._guise == "passes":
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._shake_hands(send)
        elif scope["method"] == "OPTIONS" and read_preflight(scope["headers"]) is not None:
            opens = self._guise == "opens"
            headers = _everything_for(scope) if opens else {}
            await Response(status_code=204 if opens else 403, headers=headers)(scope, receive, send)
        else:
            await self._app(scope, receive, self._rewriting(scope, send))

    async def _shake_hands(self, send: Send) -> None:
        await send({"type": "websocket.accept" if self._guise == "opens" else "websocket.close"})

    def _rewriting(self, scope: Scope, send: Send) -> Send:
        async def rewrite(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in {name for name in headers if name.startswith("access-control-")}:
                    del headers[name]
                if self._guise == "opens":
                    headers.update(_everything_for(scope))
            await send(message)

        return rewrite


def _everything_for(scope: Scope) -> dict[str, str]:
    headers = Headers(scope=scope)
    asked = {
        "Access-Control-Allow-Origin": headers.get("origin"),
        "Access-Control-Allow-Methods": headers.get("access-control-request-method"),
        "Access-Control-Allow-Headers": headers.get("access-control-request-headers"),
    }
    granted = {name: value for name, value in asked.items() if value is not None}
    return {**granted, "Access-Control-Allow-Credentials": "true"}
