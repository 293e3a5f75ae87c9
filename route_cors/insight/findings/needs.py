"""What a FastAPI route takes from the request: cookies, security schemes, headers, the kind of its body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from fastapi import params
from fastapi.datastructures import DefaultPlaceholder
from fastapi.dependencies.models import Dependant
from fastapi.security.base import SecurityBase
from pydantic import BaseModel

from route_cors.headers import ALWAYS_ALLOWED_REQUEST_HEADERS, is_forbidden_request_header
from route_cors.insight.describe import name_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a route takes, including its dependencies, each in words.

    Attributes:
        required_cookies: the cookies that it requires.
        optional_cookies: the other cookies.
        ambient: security schemes that browsers satisfy by themselves: cookies, HTTP Basic and the like.
        tokens: security schemes that need a script: bearer tokens, keys in a header or query.
        headers: the required headers that only a script can set.
        has_simple_body: whether it accepts a body that browsers send without a preflight.
        is_known: whether its signature tells all this; that of a plain Starlette route does not.
        reads_request: whether it gets the request itself, and so may read anything from it.
        is_guarded: whether a dependency has CSRF in its name, and so may refuse requests of other sites.
    """

    required_cookies: tuple[str, ...] = ()
    optional_cookies: tuple[str, ...] = ()
    ambient: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    has_simple_body: bool = True
    is_known: bool = False
    reads_request: bool = False
    is_guarded: bool = False

    @property
    def is_sent_unasked(self) -> bool:
        """Whether browsers send a POST to it without a preflight, and nothing in it may refuse that."""
        return self.has_simple_body and not self.headers and not self.is_guarded

    @property
    def sent_by_browsers(self) -> tuple[str, ...]:
        """The credentials that a browser adds by itself."""
        return (*self.ambient, *self.required_cookies, *self.optional_cookies)


# A plain Starlette route may read anything.
NOTHING_KNOWN: Final = Needs()


def needs_of(view: Any) -> Needs:
    """What a route takes, according to the signature that FastAPI read; `NOTHING_KNOWN` for other routes."""
    dependant = getattr(view, "dependant", None)
    if not isinstance(dependant, Dependant):
        return NOTHING_KNOWN
    tree = [*_tree(dependant)]
    schemes = [each.call for each in tree if isinstance(each.call, SecurityBase)]
    cookies = [field for each in tree for field in each.cookie_params]
    return Needs(
        required_cookies=tuple(_cookie(field) for field in cookies if _is_required(field)),
        optional_cookies=tuple(_cookie(field) for field in cookies if not _is_required(field)),
        ambient=tuple(_scheme(scheme) for scheme in schemes if _is_ambient(scheme)),
        tokens=tuple(_scheme(scheme) for scheme in schemes if not _is_ambient(scheme)),
        headers=tuple(dict.fromkeys(_required_headers(tree, schemes))),
        has_simple_body=_has_simple_body(view),
        is_known=True,
        reads_request=any(_reads_request(each) for each in tree if not isinstance(each.call, SecurityBase)),
        # Of its dependencies: the endpoint is not a guard, even in a module that has CSRF in its name.
        is_guarded=any("csrf" in name_of(each.call).lower() for each in tree[1:] if each.call is not None),
    )


def _reads_request(dependant: Any) -> bool:
    return any(getattr(dependant, name, None) is not None for name in _REQUESTS)


_REQUESTS: Final = ("request_param_name", "http_connection_param_name", "websocket_param_name")


def _tree(dependant: Any) -> Iterator[Any]:
    """A dependant and those below it."""
    yield dependant
    for inner in dependant.dependencies:
        yield from _tree(inner)


def _cookie(field: Any) -> str:
    return f"the cookie {field.alias!r}"


def _is_required(field: Any) -> bool:
    return bool(field.field_info.is_required())


def _scheme(scheme: SecurityBase) -> str:
    return f"the security scheme {getattr(scheme, 'scheme_name', type(scheme).__name__)}"


# https://fetch.spec.whatwg.org/#credentials: cookies, and the answer to an HTTP authentication challenge.
_AMBIENT_SCHEMES: Final = frozenset({"basic", "digest", "negotiate"})


def _is_ambient(scheme: SecurityBase) -> bool:
    is_cookie = _where(scheme) == "cookie"
    return is_cookie or str(getattr(_model(scheme), "scheme", "")).lower() in _AMBIENT_SCHEMES


def _where(scheme: SecurityBase) -> str:
    """`header`, `query` or `cookie` for an API key; empty for the other schemes, which use Authorization."""
    return str(getattr(getattr(_model(scheme), "in_", None), "value", ""))


def _model(scheme: SecurityBase) -> object:
    return getattr(scheme, "model", None)


def _required_headers(tree: list[Any], schemes: list[SecurityBase]) -> Iterator[str]:
    for scheme in schemes:
        if getattr(scheme, "auto_error", False) and not _is_ambient(scheme):
            yield from _headers_of(scheme)
    for dependant in tree:
        for field in dependant.header_params:
            if _is_required(field) and not _is_model(field) and _is_a_scripts(field.alias):
                yield field.alias


def _headers_of(scheme: SecurityBase) -> Iterator[str]:
    where = _where(scheme)
    if where == "header":
        yield str(getattr(_model(scheme), "name", ""))
    elif not where:
        yield "Authorization"


def _is_model(field: Any) -> bool:
    """Whether it declares several headers at once, as a Pydantic model does."""
    annotation = field.field_info.annotation
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _is_a_scripts(name: str) -> bool:
    """Whether only the page's script sets that header; browsers and proxies do not."""
    lower = name.lower()
    by_browsers = lower in _BY_BROWSERS or is_forbidden_request_header(name)
    return not by_browsers and not lower.startswith(_BY_PROXIES)


_BY_BROWSERS: Final = {
    *(name.lower() for name in ALWAYS_ALLOWED_REQUEST_HEADERS),
    *("cache-control", "if-modified-since", "if-none-match", "pragma", "range", "user-agent"),
}
_BY_PROXIES: Final = ("cf-", "forwarded", "traceparent", "x-forwarded-", "x-real-ip", "x-request-id")


def _has_simple_body(view: Any) -> bool:
    """Whether the route takes no body, or one of a content type that needs no preflight.

    https://fetch.spec.whatwg.org/#cors-safelisted-request-header: forms and plain text need none, JSON does.
    But FastAPI reads a body without a content type as JSON unless it is strict, and passes plain text on as
    bytes.
    """
    field = getattr(view, "body_field", None)
    if field is None or isinstance(field.field_info, params.Form) or not _is_required(field):
        return True
    takes_bytes = any(field.field_info.annotation is raw for raw in (Any, object, str, bytes))
    return takes_bytes or not _is_strict(view)


def _is_strict(view: Any) -> bool:
    strict = getattr(view, "strict_content_type", False)
    return bool(strict.value if isinstance(strict, DefaultPlaceholder) else strict)
