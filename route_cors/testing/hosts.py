"""Which server answers for which origin: each of them only for its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import methodcaller
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from route_cors.origins import WEBSOCKET_SCHEMES
from route_cors.testing.messages import Headers
from route_cors.testing.printing import printable
from route_cors.testing.urls import parse_url, parse_web_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from route_cors.testing.messages import SentRequest
    from route_cors.testing.urls import Url

_EXAMPLE: Final = "'https://api.example.com'"
# Of a mapping's origins, in a message.
_MOST_SHOWN: Final = 5


class UnknownHostError(LookupError):
    """A request led to a host for which the browser has no server: the test has to name one.

    An app only answers for the origin of its base URL, whatever its paths are, because a redirect to another
    host leads to another server. It is not a `CORSBlocked`: no browser blocks the request.

    Attributes:
        method, url: of the request.
        origin: of that URL.
        known: the origins for which there is a server.

    >>> from route_cors.testing import Browser
    >>> async def app(scope, receive, send):
    ...     headers = [(b"location", b"https://idp.example/authorize")]
    ...     await send({"type": "http.response.start", "status": 302, "headers": headers})
    ...     await send({"type": "http.response.body"})
    >>> Browser(app, origin="https://testserver").fetch("/login")
    Traceback (most recent call last):
    ...
    route_cors.testing.UnknownHostError: https://idp.example: no server answers for this origin ...
    """

    def __init__(self, method: str, url: str, origin: str, known: tuple[str, ...]) -> None:
        super().__init__(method, url, origin, known)
        self.method = method
        self.url = url
        self.origin = origin
        self.known = known

    def __str__(self) -> str:
        said = f"{self.origin}: no server answers for this origin ({self.method} {self.url}); {self._fix}"
        return printable(said)

    @property
    def _fix(self) -> str:
        if not self.known:
            return f"the client has no base_url: give the browser base_url={self.origin!r}"
        shown = ", ".join(self.known[:_MOST_SHOWN]) + ", ..." * (len(self.known) > _MOST_SHOWN)
        if len(self.known) > 1:
            return f"only for {shown}: add {self.origin!r}: ... to the browser's mapping"
        return (
            f"only for {shown}: name both, Browser({{{shown!r}: ..., {self.origin!r}: ...}}, origin=...), "
            f"or give base_url={self.origin!r} if the app itself is there"
        )


# Where users import it from, and its name in tracebacks.
UnknownHostError.__module__ = "route_cors.testing"
# A failed test shows its own line, and not those of this module.
__tracebackhide__ = methodcaller("errisinstance", UnknownHostError)


@dataclass(frozen=True, slots=True)
class Everywhere:
    """An app that answers for every origin, such as one that takes the place of several servers."""

    app: Any


class ByOrigin:
    """A wire for each origin. They are all sync, or all async, and so is this one.

    Args:
        wires: by origin, as a browser writes it.
    """

    def __init__(self, wires: Mapping[str, Any]) -> None:
        self._wires = wires

    def exchange(self, sent: SentRequest) -> Any:
        """As `Wire.exchange`."""
        return self._wire_for(sent).exchange(sent)

    def shake_hands(self, sent: SentRequest) -> Any:
        """As `Wire.shake_hands`."""
        return self._wire_for(sent).shake_hands(sent)

    def _wire_for(self, sent: SentRequest) -> Any:
        origin = origin_of(sent.url)
        if origin not in self._wires:
            raise UnknownHostError(sent.method, sent.url, origin, tuple(self._wires))
        return self._wires[origin]


class _Forwarding:
    """A wire to a live server that has another address than its public origin, as behind a reverse proxy.

    Args:
        wire: to the live server.
        origin: the public one: the server gets its host in `Host`, and its scheme in `X-Forwarded-Proto`.
        address: the origin at which the server is reached.
    """

    def __init__(self, wire: Any, origin: Url, address: Url) -> None:
        self._wire = wire
        self._host = origin.href.removesuffix("/").partition("://")[2]
        self._scheme = origin.scheme
        self._address = address.origin

    def exchange(self, sent: SentRequest) -> Any:
        """As `Wire.exchange`."""
        return self._wire.exchange(self._forwarded(sent))

    def shake_hands(self, sent: SentRequest) -> Any:
        """As `Wire.shake_hands`."""
        return self._wire.shake_hands(self._forwarded(sent))

    def _forwarded(self, sent: SentRequest) -> SentRequest:
        path = sent.url.partition("://")[2].partition("/")[2]
        headers = [("Host", self._host), *sent.headers.raw, ("X-Forwarded-Proto", self._scheme)]
        return replace(sent, url=f"{self._address}/{path}", headers=Headers(headers))


def by_origin(target: Mapping[str, Any], wire_to: Callable[[Any, Url], Any]) -> ByOrigin:
    """The wire to several servers.

    Args:
        target: as `checked_hosts` returns it.
        wire_to: makes the wire to a server with this origin.
    """
    return ByOrigin({key: _wire_at(parse_url(key), server, wire_to) for key, server in target.items()})


def _wire_at(origin: Url, server: Any, wire_to: Callable[[Any, Url], Any]) -> Any:
    wire = wire_to(server, origin)
    if not isinstance(server, str) or parse_url(server).origin == origin.origin:
        return wire
    return _Forwarding(wire, origin, parse_url(server))


def origin_of(url: str) -> str:
    """The origin for which the server of a URL answers; that of a websocket is one of http or https.

    >>> origin_of("wss://api.example.com:443/chat")
    'https://api.example.com'
    """
    parsed = parse_url(url)
    scheme = WEBSOCKET_SCHEMES.get(parsed.scheme)
    return parsed.origin if scheme is None else parse_url(parsed.with_scheme(scheme).href).origin


def are_hosts(target: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether a browser's target is a mapping of origins to servers."""
    return isinstance(target, Mapping)


def checked_hosts(target: Mapping[Any, Any]) -> dict[str, Any]:
    """The servers by their origins.

    Raises:
        ValueError: a key is not the origin of a server, or occurs twice; a live server has a path; or the
            mapping is empty. The message names the value and what to write.
        TypeError: a key is not a string.
    """
    if not target:
        raise ValueError(f"target: {target!r}: no server: name the origin of each one: {{{_EXAMPLE}: app}}")
    origins: dict[str, str] = {}
    for key, server in target.items():
        origin = _checked_key(key)
        if origin in origins:
            raise ValueError(
                f"target: {key!r}: the same origin as {origins[origin]!r}: remove one, and write {origin!r}"
            )
        origins[origin] = key
        if isinstance(server, str):
            _check_address(key, server)
    for origin, key in origins.items():
        if origin != key:
            raise ValueError(f"target: {key!r}: {_why_not(key)}; write {origin!r} instead")
    return dict(target)


def _checked_key(key: object) -> str:
    """The origin that a key means."""
    if not isinstance(key, str):
        raise TypeError(f"target: {key!r}: the key of a server is its origin, such as {_EXAMPLE}")
    if key == "null":
        raise ValueError(f"target: 'null': no server has this origin; write that of its URLs, as {_EXAMPLE}")
    if "*" in key:
        raise ValueError(f"target: {key!r}: a server has one origin, not a pattern; write an entry for each")
    try:
        return _http_origin(key)
    except ValueError:
        raise ValueError(f"target: {key!r}: must be an http or https origin, such as {_EXAMPLE}") from None


def _http_origin(text: str) -> str:
    parsed = parse_url(text)
    if parsed.scheme not in {"http", "https", *WEBSOCKET_SCHEMES} or "*" in parsed.host:
        raise ValueError(text)
    return origin_of(text)


def _why_not(key: str) -> str:
    if parse_url(key).scheme in WEBSOCKET_SCHEMES:
        return "the websockets of a server belong to its http or https origin"
    if set("/?#@") & set(key.partition("://")[2]):
        return "an origin has no user, path, query and fragment"
    return "not how browsers write this origin"


def _check_address(key: str, server: str) -> None:
    fault = f"target: {key!r}: {server!r}: must be the origin of a live server, as 'http://127.0.0.1:8000'"
    address = parse_web_url(server, fault)
    if address.href != f"{address.origin}/":
        raise ValueError(f"{fault}, without a path; write {address.origin!r} instead")
