"""The ASGI app behind the page: it answers questions about another app, if `allow` lets the user in."""

# No annotations from the future here: FastAPI reads those of the answers.
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import cached_property
from typing import Any, Final, cast, overload

from fastapi import Depends, FastAPI, HTTPException, Request
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from route_cors.decorators import no_cors
from route_cors.insight.inspector.addresses import (
    aliases_of,
    base_path_of,
    checked_base_urls,
    connect_sources,
    origin_of_base_url,
)
from route_cors.insight.inspector.answers import access_data, report_data
from route_cors.insight.inspector.document import document
from route_cors.insight.inspector.gate import Allow, Gate, gate
from route_cors.insight.inspector.questions import QuestionError, call_of, origin_of
from route_cors.insight.survey import survey

_STRICT: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_MOST_WRAPPERS: Final = 100


# The first is for type checkers, which know by it what a lambda gets.
@overload
def inspector(
    app: ASGIApp, *, allow: Callable[[Request], bool | Awaitable[bool]], base_urls: Iterable[str] = ...
) -> ASGIApp: ...


@overload
def inspector(app: ASGIApp, *, allow: Allow | None = ..., base_urls: Iterable[str] = ...) -> ASGIApp: ...


# Quoted: help() would print the types that these names stand for, over several lines.
def inspector(app: "ASGIApp", *, allow: "Allow | None" = None, base_urls: "Iterable[str]" = ()) -> "ASGIApp":
    """The inspector page of an app, to be mounted: who may call what, what is wrong, why a call is refused.

    It reads the app and changes nothing. No page of another origin can read it, whatever the app's policies
    are. It loads no other file, and works offline. Explaining a call needs the extra `cli`.

    Args:
        app: the FastAPI or Starlette app to show, or a middleware around one.
        allow: who may look. It may be left out while `app.debug` is on. Either a FastAPI dependency, which
            lets a user in by returning True or a user; annotated `-> None`, by not raising; annotated `->
            bool`, only by returning True. Or a function with one parameter without an annotation, such as
            `lambda request: …`, which gets the request and has to return True. Both may be async, methods,
            partials, and instances that can be called, but not classes. Everything else is refused with 403:
            a false value, an exception, and what is certainly not a user, such as a response, credentials
            that have not been checked, or a class, function, generator or context manager. An HTTPException,
            or an exception that the app has a handler for, is answered as usual. The log says why, except
            after a plain False.
        base_urls: where the page may send real requests, besides its own server: `https://api.example/v1`.

    Raises:
        ValueError: there is no `allow`, and `app.debug` is off; or one of `base_urls` is not a base URL.
        TypeError: `app` is not a FastAPI or Starlette app, or `allow` cannot decide, such as a class or
            one of FastAPI's security schemes.

    >>> from fastapi import FastAPI
    >>> app = FastAPI()
    >>> app.mount("/cors", inspector(app, allow=lambda request: request.client.host == "127.0.0.1"))
    """
    routed = _routed_app(app)
    return no_cors(_Inspector(app, routed, gate(allow, routed), checked_base_urls(base_urls)))


def _routed_app(app: object) -> Starlette:
    routed = next((inner for inner in _wrapped(app) if isinstance(inner, Starlette)), None)
    if routed is None:
        raise TypeError(
            f"inspector() shows a FastAPI or Starlette app, or a middleware around one, not {app!r}"
        )
    return routed


def _wrapped(app: object) -> Iterator[object]:
    """An app, and what it is a middleware of."""
    for _ in range(_MOST_WRAPPERS):
        yield app
        app = getattr(app, "app", None)
        if app is None:
            return


class _Inspector:
    """One page and three answers in JSON.

    To the app that mounts it, it is a function: it shows no routes, so that they are not in its report.
    """

    def __init__(self, shown: ASGIApp, routed: Starlette, gate: Gate, base_urls: tuple[str, ...]) -> None:
        self._shown = shown
        self._routed = routed
        self._gate = gate
        self._base_urls = base_urls

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # What `allow` depends on is the shown app's own, and looks for it there.
        inner = {**scope, "app": self._routed}
        await self._stack(inner, receive, self._strict(scope, send) if scope["type"] == "http" else send)

    @cached_property
    def _stack(self) -> ASGIApp:
        """Made at the first request: the app has all its exception handlers by then.

        They are used here too, because `allow` may raise an exception that only the app can answer, such as a
        redirect to its login.
        """
        answering = FastAPI(
            openapi_url=None,
            redirect_slashes=False,
            dependencies=[Depends(_refuse_other_origins), Depends(self._gate.ask)],
            exception_handlers=cast("Any", {**self._routed.exception_handlers}),
        )
        if isinstance(self._routed, FastAPI):
            answering.router.dependency_overrides_provider = self._routed
        answering.router.route_class = self._gate.route_class(answering.exception_handlers)
        answers: dict[str, Callable[..., Response]] = {
            "/": self._page,
            "/data.json": self._data,
            "/access.json": self._access,
            "/explain.json": self._explanation,
        }
        for path, answer in answers.items():
            answering.add_api_route(path, answer, methods=["GET", "HEAD"])
        return answering.build_middleware_stack()

    def _strict(self, scope: Scope, send: Send) -> Send:
        elsewhere = [*self._aliases(scope), *map(origin_of_base_url, self._base_urls)]
        policy = document().security_policy(connect_sources(elsewhere))

        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name in {name for name in headers if name.startswith("access-control-")}:
                    del headers[name]
                headers.update({**_STRICT, "Content-Security-Policy": policy})
            await send(message)

        return send_strictly

    def _aliases(self, scope: Scope) -> list[str]:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        return aliases_of(scope["scheme"], hosts[0].decode("latin-1")) if len(hosts) == 1 else []

    def _served_at(self, scope: Scope) -> dict[str, object]:
        """Where the calls may go: a path of its own server, None if the app is not there; base URLs."""
        is_elsewhere = self._own_path is None and self._base_urls
        base_path = base_path_of(scope, self._own_path)
        aliases = [] if self._own_path is None else self._aliases(scope)
        return {
            "base_path": None if is_elsewhere else base_path,
            "base_urls": [*(f"{alias}{base_path}" for alias in aliases), *self._base_urls],
        }

    @cached_property
    def _own_path(self) -> str | None:
        """Where it is mounted in the app that it shows; None if it is served separately."""
        return next((each.path for each in survey(self._shown) if self in _wrapped(each.endpoint)), None)

    # The answers; not async, so that they run in a thread: the report of a large app takes its time.

    def _page(self) -> Response:
        return HTMLResponse(document().html)

    def _data(self, request: Request) -> Response:
        title = getattr(self._routed, "title", None)
        return _json(report_data(self._shown) | {"title": title} | self._served_at(request.scope))

    def _access(self, request: Request) -> Response:
        try:
            origin = origin_of(request.query_params)
        except QuestionError as error:
            return _questioned(error)
        return _json(access_data(self._shown, origin))

    def _explanation(self, request: Request) -> Response:
        try:
            from route_cors.insight.explain import explain  # noqa: PLC0415 - needs an extra
        except ImportError as error:
            return _json({"detail": f"{error}: install it with pip install 'route-cors[testing]'"}, 501)
        try:
            call = call_of(request.query_params)
            return _json(explain(self._shown, call).to_dict())
        except QuestionError as error:
            return _questioned(error)
        except ValueError as error:
            return _json({"detail": str(error)}, 400)


def _refuse_other_origins(request: Request) -> None:
    """Refuse what the page itself does not send, as another CORS middleware around this may allow it.

    Browsers send an Origin with a GET only to another origin; a link from another site is a navigation.
    """
    headers = request.headers
    site = headers.get("sec-fetch-site", "none")
    is_foreign = site not in {"same-origin", "none"} and headers.get("sec-fetch-mode") != "navigate"
    if "origin" in headers or is_foreign:
        raise HTTPException(403, "only the page itself may ask")


def _questioned(error: QuestionError) -> Response:
    """What is wrong with a question, and where: the page says it where that was typed."""
    return _json({"detail": str(error), "parameter": error.parameter, "reason": error.reason}, 400)


def _json(data: object, status: int = 200) -> Response:
    # Not Starlette's: paths may hold what cannot be written in UTF-8.
    return Response(json.dumps(data), status, media_type="application/json")
