"""One middleware: part of route_cors, fully known, harmless, or one that may answer CORS by itself."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from types import FunctionType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, TypedDict, cast

from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from route_cors.dispatch.apps import default_of, enforces, is_layer
from route_cors.insight.describe import name_of
from route_cors.insight.foreign.cors import CORSArguments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.middleware import Middleware
    from starlette.types import ASGIApp

    from route_cors.decorators import Declared
    from route_cors.insight.foreign.cors import DescribedCORS


class DescribedLayer(TypedDict):
    """A layer as data.

    `kind`: `route_cors` for a layer of route_cors, `cors` for a CORSMiddleware, with its arguments, `unknown`
    for one that may answer CORS by itself, `other` for one that refuses requests and writes no CORS headers.
    """

    name: str
    kind: Literal["route_cors", "cors", "unknown", "other"]
    arguments: DescribedCORS | None


@dataclass(frozen=True, slots=True)
class OurLayer:
    """A layer of route_cors, which applies policies.

    Attributes:
        default: its default policy, or `no_cors`.
        enforces: whether it refuses cross-origin requests that no policy allows.
    """

    default: Declared | None = None
    enforces: bool = False

    @property
    def name(self) -> str:
        """The full name of its class."""
        return "route_cors.middleware.RouteCORSMiddleware"

    def described(self) -> DescribedLayer:
        """As JSON-compatible data."""
        return DescribedLayer(name=self.name, kind="route_cors", arguments=None)


@dataclass(frozen=True, slots=True)
class KnownLayer:
    """A middleware of Starlette that may answer by itself, and whose behaviour is fully known.

    Attributes:
        name: the full name of its class.
        cors: its arguments, if it is a CORSMiddleware; None if it refuses requests for another reason.
    """

    name: str
    cors: CORSArguments | None
    _kind: type[Any] = field(repr=False, compare=False)
    _state: Mapping[str, Any] = field(repr=False, compare=False)

    def around(self, app: ASGIApp) -> ASGIApp:
        """The same middleware around another app, made without calling the constructor of a subclass."""
        made = object.__new__(self._kind)
        made.__dict__.update(self._state, app=app)
        return cast("ASGIApp", made)

    def in_words(self) -> str:
        """What it does about CORS, on one line."""
        if self.cors is None:
            return f"{self.name}: nothing"
        name = self.name.removeprefix("starlette.middleware.cors.")
        return f"{name}: {self.cors.in_words()}"

    def described(self) -> DescribedLayer:
        """As JSON-compatible data."""
        if self.cors is None:
            return DescribedLayer(name=self.name, kind="other", arguments=None)
        return DescribedLayer(name=self.name, kind="cors", arguments=self.cors.described())

    def allows(self, origin: str) -> bool:
        """Whether a CORSMiddleware itself allows an origin."""
        made = cast("CORSMiddleware", self.around(never_called))
        return made.is_allowed_origin(origin)


@dataclass(frozen=True, slots=True)
class UnknownLayer:
    """A layer that may answer CORS by itself.

    Attributes:
        name: the full name of its class, or of the function.
        passes_websockets: whether it is known to leave handshakes alone.
    """

    name: str
    passes_websockets: bool = False

    def in_words(self) -> str:
        """That its behaviour is not known, in the words used everywhere."""
        return f"not known: {self.name} may answer CORS by itself"

    def described(self) -> DescribedLayer:
        """As JSON-compatible data."""
        return DescribedLayer(name=self.name, kind="unknown", arguments=None)


Layer: TypeAlias = OurLayer | KnownLayer | UnknownLayer


def speaking(layers: Iterable[Layer]) -> tuple[KnownLayer | UnknownLayer, ...]:
    """The other layers that do, or may do, something about CORS."""
    return tuple(each for each in layers if not isinstance(each, OurLayer) and _is_about_cors(each))


def _is_about_cors(layer: KnownLayer | UnknownLayer) -> bool:
    return isinstance(layer, UnknownLayer) or layer.cors is not None


# They answer by themselves or write CORS headers: an instance of each shows what it does.
_MODELLED: Final = (CORSMiddleware, TrustedHostMiddleware, HTTPSRedirectMiddleware)
# Of the frameworks' middleware, these run code of others.
_RUN_OTHERS: Final = frozenset(
    {"starlette.middleware.base.BaseHTTPMiddleware", "starlette.middleware.wsgi.WSGIMiddleware"}
)
_FRAMEWORKS: Final = frozenset({"starlette", "fastapi"})
# Known not to write CORS headers or answer preflights.
_HARMLESS: Final = frozenset(
    {
        "brotli_asgi.BrotliMiddleware",
        "opentelemetry.instrumentation.asgi.OpenTelemetryMiddleware",
        "prometheus_fastapi_instrumentator.middleware.PrometheusInstrumentatorMiddleware",
        "route_cors.insight.inspector.app._Inspector",
        "sentry_sdk.integrations.asgi.SentryAsgiMiddleware",
        "slowapi.middleware.SlowAPIASGIMiddleware",
        "slowapi.middleware.SlowAPIMiddleware",
        "uvicorn.middleware.proxy_headers.ProxyHeadersMiddleware",
    }
)


def layer_of_middleware(middleware: Middleware) -> Layer | None:
    """The layer of a `Middleware(...)`, an entry of `user_middleware`; None for a harmless one."""
    make: Any = middleware.cls
    arguments: dict[str, Any] = {**middleware.kwargs}
    while isinstance(make, functools.partial):
        if make.args:  # in the position of the app
            return UnknownLayer(name_of(make))
        arguments = {**make.keywords, **arguments}
        make = make.func
    if is_layer(make):
        return OurLayer(arguments.get("default"), arguments.get("enforce", False))
    modelled = _modelled(make, is_made=False)
    if modelled is None:
        return _other(make, arguments.get("dispatch"))
    if not all(map(_is_plain, (*middleware.args, *arguments.values()))):
        return UnknownLayer(name_of(make))
    try:
        made = modelled(never_called, *middleware.args, **arguments)
    except Exception:  # noqa: BLE001 - whatever it raises, the app will raise too
        return UnknownLayer(name_of(make))
    return _known(name_of(make), modelled, made.__dict__)


def layer_of(app: object) -> Layer | None:
    """The layer of a middleware object; None for a harmless one."""
    if is_layer(app):
        return OurLayer(default_of(app), enforces(app))
    made_of = type(app)
    modelled = _modelled(made_of, is_made=True)
    state = {} if modelled is None else vars(app)
    if modelled is None or not _methods(modelled).isdisjoint(state):
        return _other(made_of, getattr(app, "dispatch_func", None), app)
    # Attributes of route_cors: @cors may decorate any ASGI app.
    read = {
        name: value for name, value in state.items() if name != "app" and not name.startswith("__route_cors_")
    }
    if not all(map(_is_plain, read.values())):
        return UnknownLayer(name_of(made_of))
    return _known(name_of(made_of), modelled, read)


def _known(name: str, modelled: type[Any], state: dict[str, Any]) -> Layer:
    if modelled is not CORSMiddleware:
        return KnownLayer(name, None, modelled, state)
    made = object.__new__(CORSMiddleware)
    made.__dict__.update(state)
    try:
        return KnownLayer(name, CORSArguments.of(made), modelled, state)
    except (AttributeError, KeyError):  # a subclass that does not call the constructor
        return UnknownLayer(name)


_CONSTRUCTION: Final = frozenset({"__init__", "__new__"})
_LOOKUP: Final = frozenset({"__getattribute__", "__getattr__"})


def _modelled(made_of: object, *, is_made: bool) -> type[Any] | None:
    """The known middleware that it is, or that it is a subclass of without changes.

    `is_made`: there is an instance, which shows what its constructor did.
    """
    if not isinstance(made_of, type):
        return None
    modelled = next((known for known in _MODELLED if issubclass(made_of, known)), None)
    if modelled is None:
        return None
    kept = _methods(modelled) | (_LOOKUP if is_made else _LOOKUP | _CONSTRUCTION)
    added = made_of.__mro__[: made_of.__mro__.index(modelled)]
    return None if any(not kept.isdisjoint(vars(subclass)) for subclass in added) else modelled


def _methods(modelled: type[Any]) -> frozenset[str]:
    """The methods that a request goes through."""
    methods = (
        name for name, value in vars(modelled).items() if isinstance(value, FunctionType | staticmethod)
    )
    return frozenset(methods) - _CONSTRUCTION


def _other(made_of: Any, dispatch: object = None, app: object = None) -> UnknownLayer | None:
    """A middleware that is not modelled: harmless, or not known."""
    name = name_of(made_of if app is None else app)
    is_framework = name.partition(".")[0] in _FRAMEWORKS and name not in _RUN_OTHERS
    is_class = isinstance(made_of, type)
    if is_class and not issubclass(made_of, _MODELLED) and (name in _HARMLESS or is_framework):
        return None
    is_base = is_class and issubclass(made_of, BaseHTTPMiddleware)
    passes = is_base and made_of.__call__ is BaseHTTPMiddleware.__call__
    # `@app.middleware("http")`: what counts is the user's function.
    by_function = made_of is BaseHTTPMiddleware and dispatch is not None
    return UnknownLayer(name_of(dispatch) if by_function else name, passes)


def _is_plain(value: Any) -> bool:
    """Whether it is plain data, which is safe to compare and to print."""
    if type(value) is dict:
        return _are_plain([*value, *value.values()])
    if type(value) in {list, tuple, set, frozenset}:
        return _are_plain(value)
    # Settings may contain URL objects, which equal no origin that a browser sends.
    is_url = type(value).__module__.partition(".")[0] in {"pydantic", "pydantic_core"}
    return value is None or is_url or isinstance(value, str | int | float | re.Pattern)


def _are_plain(values: Iterable[Any]) -> bool:
    return all(map(_is_plain, values))


async def never_called(*_: Any) -> None:
    """The app of an instance that is never called."""
