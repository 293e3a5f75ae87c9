"""The CORS protocol as pure decisions: what is asked, on which terms, and what is answered.

Nothing here does I/O or knows a framework. `Terms` is a policy as it stands at one path, with every
header that does not depend on the request already encoded; the ASGI layer asks it two questions:
`answer_preflight` and `response_headers`.

The rules are those of the Fetch standard, "HTTP CORS protocol" (https://fetch.spec.whatwg.org/#http-cors-protocol)
and "CORS-preflight fetch" (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from route_cors.headers import ALWAYS_ALLOWED_REQUEST_HEADERS, MAX_REQUEST_HEADERS_BYTES, requested_names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.policy import CORSPolicy

__all__ = [
    "UNROUTED_METHODS",
    "Answer",
    "Header",
    "PreflightRequest",
    "RawHeaders",
    "ResponseHeaders",
    "Terms",
    "merge_headers",
    "own_origin",
    "refuse_actual",
]

Header = tuple[bytes, bytes]
RawHeaders = list[Header]

# What a policy that names no methods allows where no route can be asked for its own (an opaque ASGI
# app, a 404): the CORS-safelisted methods, which a page may send anywhere without a preflight.
UNROUTED_METHODS = frozenset({"GET", "HEAD", "POST"})
# https://fetch.spec.whatwg.org/#cors-safelisted-method
_SAFELISTED_METHODS = UNROUTED_METHODS

_ALLOW_ORIGIN = b"access-control-allow-origin"
_ALLOW_CREDENTIALS = (b"access-control-allow-credentials", b"true")
_ALLOW_METHODS = b"access-control-allow-methods"
_ALLOW_HEADERS = b"access-control-allow-headers"
_ALLOW_PRIVATE_NETWORK = (b"access-control-allow-private-network", b"true")
_EXPOSE_HEADERS = b"access-control-expose-headers"
_MAX_AGE = b"access-control-max-age"
_ANY_ORIGIN = (_ALLOW_ORIGIN, b"*")
_VARY_ORIGIN: Header = (b"vary", b"Origin")
# On every preflight answer, refused or not: whatever stores it must not serve it to another question.
_VARY_PREFLIGHT: Header = (
    b"vary",
    b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
)
_PLAIN_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_DEFAULT_PORTS = {"http": b":80", "https": b":443"}


class PreflightRequest(NamedTuple):
    """What a preflight asks. Header values are as sent, a repeated header joined by commas."""

    origin: bytes
    method: str
    header_names: bytes | None
    private_network: bool


class Answer(NamedTuple):
    """A response that the layer makes itself. `headers` is a fresh list for each answer."""

    status: int
    headers: RawHeaders
    body: bytes


class ResponseHeaders(NamedTuple):
    """What an actual response carries in place of any `Access-Control-*` it came with."""

    added: tuple[Header, ...]
    vary_origin: bool


class Terms:
    """A policy as it stands at one path; `policy` None is the refusal of every origin (`no_cors`).

    `methods` are the methods registered at that path under an equal policy, and only they are granted:
    a browser keeps a grant by URL and origin, so that a method listed beside another would be lent its
    headers and credentials (https://fetch.spec.whatwg.org/#cors-preflight-cache). The safelisted methods
    need no listing there: no answer keeps a browser from sending them with a header once granted.
    """

    __slots__ = (
        "_allowed_names",
        "_any_name",
        "_echoes_names",
        "_granted",
        "_readable",
        "_unread_origin",
        "any_origin",
        "enforces",
        "methods",
        "policy",
    )

    def __init__(self, policy: CORSPolicy | None, methods: Iterable[str] = ()) -> None:
        self.policy = policy
        self.methods = frozenset(methods)
        self.any_origin = policy is not None and policy.origin_set.any
        self.enforces = policy is not None and policy.enforce
        self._any_name = policy is not None and "*" in policy.allow_headers
        self._echoes_names = policy is not None and self._any_name and policy.allow_credentials
        self._allowed_names: frozenset[bytes] = frozenset()
        self._granted: tuple[Header, ...] = ()
        self._readable: tuple[Header, ...] = ()
        # Where the origin was not read or not allowed, and for `no_cors`, which answers nobody.
        self._unread_origin = ResponseHeaders((), vary_origin=policy is not None)
        if policy is None:
            return
        if policy.methods is not None:
            self.methods &= frozenset(policy.methods)
        listed = (*ALWAYS_ALLOWED_REQUEST_HEADERS, *policy.allow_headers)
        self._allowed_names = frozenset(name.lower().encode() for name in listed)
        self._granted = _granted_headers(policy, self.methods)
        self._readable = _readable_headers(policy)
        if self.any_origin:
            self._unread_origin = ResponseHeaders((_ANY_ORIGIN, *self._readable), vary_origin=False)

    def answer_preflight(
        self, request: PreflightRequest, *, origin_allowed: bool, explain: bool = False
    ) -> Answer:
        """Grant or refuse one preflight (https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7).

        `explain` answers a refused preflight of an allowed origin with what the policy does grant, under
        an ok status: the browser blocks it all the same, and its console names the check that failed. Not
        where the method is safelisted, which browsers take as allowed whatever the answer lists.
        """
        names = self._granted_names(request.header_names)
        method_allowed = request.method in self.methods
        if origin_allowed and method_allowed and names is not None:
            return Answer(204, self._grant(request, names), b"")
        if explain and (method_allowed or request.method not in _SAFELISTED_METHODS):
            shown = self._grant(request, names or ()) if origin_allowed else [_VARY_PREFLIGHT]
            return Answer(204, shown, b"")
        checks = {"origin": origin_allowed, "method": method_allowed, "headers": names is not None}
        failed = [check for check, passed in checks.items() if not passed]
        # A route that is closed to every origin says no more than one that is closed to this one.
        reason = ", ".join(failed) if self.policy is not None else "origin"
        return _refusal(f"CORS preflight refused: {reason}", _VARY_PREFLIGHT)

    def response_headers(self, origin: bytes | None, *, origin_allowed: bool) -> ResponseHeaders:
        """What an actual response says (https://fetch.spec.whatwg.org/#http-responses)."""
        if origin is None or not origin_allowed or self.any_origin:
            return self._unread_origin
        return ResponseHeaders(((_ALLOW_ORIGIN, origin), *self._readable), vary_origin=True)

    def _grant(self, request: PreflightRequest, names: tuple[bytes, ...]) -> RawHeaders:
        headers = [_ANY_ORIGIN if self.any_origin else (_ALLOW_ORIGIN, request.origin), *self._granted]
        if names:
            headers.append((_ALLOW_HEADERS, b", ".join(names)))
        if request.private_network and self.policy is not None and self.policy.allow_private_network:
            headers.append(_ALLOW_PRIVATE_NETWORK)
        headers.append(_VARY_PREFLIGHT)
        return headers

    def _granted_names(self, value: bytes | None) -> tuple[bytes, ...] | None:
        """The names that the grant has to echo, mostly none; None where one asked for is not allowed."""
        if value is None:
            return ()
        if self._any_name:
            return self._wildcard_names(value)
        # Browsers send the names sorted, lower-case and without spaces: one look-up. The scan accepts the
        # other spellings that RFC 9110 allows.
        if len(value) <= MAX_REQUEST_HEADERS_BYTES and self._allowed_names.issuperset(value.split(b",")):
            return ()
        names = requested_names(value)
        return () if names is not None and self._allowed_names.issuperset(names) else None

    def _wildcard_names(self, value: bytes) -> tuple[bytes, ...] | None:
        names = requested_names(value)
        if names is None or self._echoes_names:
            # With credentials a browser reads `*` as a header of that name: each name must be spelled out.
            return names
        if b"authorization" in names and b"authorization" not in self._allowed_names:
            return None  # `*` never covers it: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
        return ()


def refuse_actual() -> Answer:
    """The answer to an actual request that `enforce` stops before it reaches the application."""
    return _refusal("CORS request refused: origin", _VARY_ORIGIN)


def own_origin(scheme: str, host: bytes | None) -> bytes | None:
    """The origin of the request's own URL: its scheme and Host header, default port left out.

    `scheme` is the ASGI scope's (`ws` and `wss` count as `http` and `https`); None where there is no
    single Host header. A page cannot choose the Host header that its browser sends, so that an Origin
    equal to this one is a same-origin request (https://fetch.spec.whatwg.org/#origin-header: browsers
    send it with every POST).
    """
    if host is None:
        return None
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    authority = host.lower()
    return scheme.encode() + b"://" + authority.removesuffix(_DEFAULT_PORTS.get(scheme, b""))


def merge_headers(present: Iterable[Header], decided: ResponseHeaders) -> RawHeaders:
    """The response's headers with its `Access-Control-*` replaced by what was decided, as a new list.

    `Vary` is merged: each of its names once, on one line. A handler's own `Vary` always survives.
    """
    merged: RawHeaders = []
    varying: list[bytes] = []
    for header in present:
        name = header[0].lower()
        if name == b"vary":
            varying.append(header[1])
        elif not name.startswith(b"access-control-"):
            merged.append(header)
    merged.extend(decided.added)
    if decided.vary_origin:
        merged.append(_vary_by_origin(varying) if varying else _VARY_ORIGIN)
    else:
        merged.extend((b"vary", value) for value in varying)
    return merged


def _vary_by_origin(varying: list[bytes]) -> Header:
    names = [name.strip() for name in b",".join(varying).split(b",")]
    if b"*" not in names:
        names.append(b"Origin")
    once: dict[bytes, bytes] = {}
    for name in filter(None, names):
        once.setdefault(name.lower(), name)
    return (b"vary", b", ".join(once.values()))


def _granted_headers(policy: CORSPolicy, methods: Iterable[str]) -> tuple[Header, ...]:
    granted: RawHeaders = []
    if policy.allow_credentials:
        granted.append(_ALLOW_CREDENTIALS)
    granted.append((_ALLOW_METHODS, ", ".join(sorted(methods)).encode()))
    if "*" not in policy.allow_headers:
        names = {name.lower(): name for name in (*ALWAYS_ALLOWED_REQUEST_HEADERS, *policy.allow_headers)}
        granted.append((_ALLOW_HEADERS, ", ".join(names.values()).encode()))
    elif not policy.allow_credentials:
        granted.append((_ALLOW_HEADERS, ", ".join(policy.allow_headers).encode()))
    if policy.max_age is not None:
        granted.append((_MAX_AGE, str(policy.max_age).encode()))
    return tuple(granted)


def _readable_headers(policy: CORSPolicy) -> tuple[Header, ...]:
    readable: RawHeaders = []
    if policy.allow_credentials:
        readable.append(_ALLOW_CREDENTIALS)
    if policy.expose_headers:
        readable.append((_EXPOSE_HEADERS, ", ".join(policy.expose_headers).encode()))
    return tuple(readable)


def _refusal(text: str, vary: Header) -> Answer:
    body = text.encode()
    return Answer(403, [_PLAIN_TEXT, (b"content-length", str(len(body)).encode()), vary], body)
