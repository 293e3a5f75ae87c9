"""The CORS protocol as pure decisions, without I/O and without a framework.

`read_preflight` and `read_origin` read what a request asks. `Terms` is a policy as it applies at one path,
with all headers that do not depend on the request already encoded. The ASGI layer uses it to answer a
preflight (`answer_preflight`) and to get the headers of an actual response (`readable_by`), which it merges
into the headers of the app (`merge_headers`).

The rules are those of the Fetch standard, "HTTP CORS protocol" (https://fetch.spec.whatwg.org/#http-cors-protocol)
and "CORS-preflight fetch" (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from route_cors.headers import (
    ALWAYS_ALLOWED_REQUEST_HEADERS,
    MAX_REQUEST_HEADERS_BYTES,
    is_forbidden_method,
    is_token,
    requested_names,
)
from route_cors.origins import MAX_ORIGIN_BYTES, OriginSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.policy import CORSPolicy

__all__ = [
    "Answer",
    "Check",
    "Header",
    "Headers",
    "Preflight",
    "RawHeaders",
    "Terms",
    "is_foreign",
    "merge_headers",
    "read_origin",
    "read_preflight",
    "refuse_actual",
    "with_reason",
    "within_bound",
]

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]
RawHeaders = list[Header]
# The checks of a preflight, in this order; actual requests and handshakes only have the first one.
Check = Literal["origin", "method", "headers"]
# A preflight: its Origin, and the values of its Access-Control-Request-Method and -Headers, None if there are
# none. A plain tuple, because it is fast to make and to hash.
Preflight = tuple[bytes, bytes, bytes | None]

_Asked = TypeVar("_Asked")
_Said = TypeVar("_Said")

_ORIGIN = b"origin"
_REQUEST_METHOD = b"access-control-request-method"
_REQUEST_HEADERS = b"access-control-request-headers"
_HOST = b"host"
# In place of an origin that is too long, so that it need not be hashed: no policy allows it.
_NO_ORIGIN = b""
_OF_A_PREFLIGHT = frozenset({_ORIGIN, _REQUEST_METHOD, _REQUEST_HEADERS})
_READ = _OF_A_PREFLIGHT | {_HOST}
# How many answers of each kind are cached, and the bytes of the longest preflight that is. So a client can
# make us keep at most 256 KiB for one policy at one set of methods (tests/test_protocol.py weighs it).
_MAX_REMEMBERED = 64
_MAX_REMEMBERED_BYTES = 512

# https://fetch.spec.whatwg.org/#cors-safelisted-method
_SAFELISTED_METHODS = frozenset({"GET", "HEAD", "POST"})
# Bytes. No method has a longer name; granted methods are sent back.
_LONGEST_METHOD = 64

_ALLOW_ORIGIN = b"access-control-allow-origin"
_ALLOW_CREDENTIALS = (b"access-control-allow-credentials", b"true")
_ALLOW_METHODS = b"access-control-allow-methods"
_ALLOW_HEADERS = b"access-control-allow-headers"
_EXPOSE_HEADERS = b"access-control-expose-headers"
_MAX_AGE = b"access-control-max-age"
_ANY_ORIGIN = (_ALLOW_ORIGIN, b"*")
_VARY_ORIGIN: Header = (b"vary", b"Origin")
# On every answer to a preflight, refused or not: a cache must not serve it for another question.
_VARY_PREFLIGHT: Header = (
    b"vary",
    b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
)
_PLAIN_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_CONTENT_LENGTH = b"content-length"
_REASON = b"x-route-cors-refused"
_CHECKS: tuple[Check, ...] = ("origin", "method", "headers")
# The failed checks, by the results of all checks.
_FAILED: dict[tuple[bool, ...], tuple[Check, ...]] = {
    passed: tuple(check for check, each in zip(_CHECKS, passed, strict=True) if not each)
    for passed in itertools.product((False, True), repeat=3)
}
_ORIGIN_ALONE = _CHECKS[:1]
_DEFAULT_PORTS = {"http": b":80", "https": b":443"}


class Answer(NamedTuple):
    """A response of the layer itself; `failed` are the checks that failed, if it is a refusal."""

    status: int
    headers: Headers
    body: bytes
    failed: tuple[Check, ...] = ()


def read_preflight(sent: Iterable[Header]) -> Preflight | None:
    """The preflight of an OPTIONS request with these headers, if it is one.

    https://fetch.spec.whatwg.org/#cors-preflight-request; names are lower-case, as ASGI has them.
    """
    origin = method = names = None
    for name, value in sent:
        if name not in _OF_A_PREFLIGHT:
            continue
        if name == _ORIGIN and origin is None:
            origin = value
        elif name == _REQUEST_METHOD and method is None:
            method = value
        elif name == _REQUEST_HEADERS and names is None:
            names = value
        else:
            return read_preflight(_joined(sent).items())
    if origin is None or method is None:
        return None
    return origin if len(origin) <= MAX_ORIGIN_BYTES else _NO_ORIGIN, method, names


def read_origin(sent: Iterable[Header]) -> bytes | None:
    """The origin of a request with these headers, if it has one."""
    origin = None
    for name, value in sent:
        if name == _ORIGIN:
            if origin is not None:
                return read_origin(_joined(sent).items())
            origin = value
    return within_bound(origin)


def within_bound(origin: bytes | None) -> bytes | None:
    """The origin; one that is too long is replaced by a value that no policy allows."""
    return origin if origin is None or len(origin) <= MAX_ORIGIN_BYTES else _NO_ORIGIN


def _joined(sent: Iterable[Header]) -> dict[bytes, bytes]:
    """The headers that are read here; the values of one that was sent more than once are joined by commas.

    So an origin or a method that is sent twice matches nothing, without needing a rule of its own
    (https://fetch.spec.whatwg.org/#concept-header-list-get).
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in sent:
        if name in _READ:
            values.setdefault(name, []).append(value)
    # Joined once: appending each value to the text so far would take quadratic time.
    return {name: b", ".join(each) for name, each in values.items()}


class Terms:
    """A policy as it applies at one path; with `policy` None every origin is refused (`no_cors`).

    `methods` are the methods registered at that path under an equal policy, and only they are granted: a
    browser caches a grant by URL and origin, so a method that is listed together with another would get the
    headers and credentials of that one too (https://fetch.spec.whatwg.org/#cors-preflight-cache). The
    safelisted methods need no listing there: no answer keeps a browser from sending them with a header once
    granted. None: it is not known what is served there (an opaque ASGI app, a 404); then any method that a
    browser can send is granted, each on its own. A policy may restrict the methods: `registered` are those
    given, `methods` those that the policy allows. `enforces` without a policy: requests of other origins are
    refused as well.

    `granted`, `refused` and `readers` cache earlier results: browsers ask the same again and again, from the
    same few origins, and a look-up takes less than half the time of a new answer. A client that makes up new
    questions only evicts answers of the same kind.
    """

    __slots__ = (
        "_allowed_names",
        "_any_name",
        "_echoes_names",
        "_every_grant",
        "_longest_name",
        "_readable",
        "admits",
        "any_origin",
        "callables",
        "enforces",
        "granted",
        "methods",
        "policy",
        "readers",
        "refused",
        "registered",
        "unreadable",
    )

    def __init__(
        self, policy: CORSPolicy | None, methods: Iterable[str] | None = (), *, enforces: bool = False
    ) -> None:
        self.policy = policy
        self.registered = None if methods is None else frozenset(methods)
        self.methods: frozenset[str] | None = self.registered
        origins = OriginSet() if policy is None else policy.origin_set
        # Whether an origin is allowed; and the callables, which need the connection.
        self.admits = origins.matches
        self.callables = origins.callables
        self.any_origin = origins.any
        self.enforces = enforces or (policy is not None and policy.enforce)
        self._any_name = policy is not None and "*" in policy.allow_headers
        self._echoes_names = policy is not None and self._any_name and policy.allow_credentials
        self._allowed_names: frozenset[bytes] = frozenset()
        self._longest_name = 0
        self._every_grant: Headers = (_VARY_PREFLIGHT,)
        self.granted: dict[Preflight, Headers] = {}
        self.refused: dict[Preflight, Answer] = {}
        self.readers: dict[bytes | None, Headers] = {}
        self._readable: Headers = ()
        # The headers of a response to a request without an allowed origin; none for `no_cors`.
        self.unreadable: Headers = ()
        if policy is None:
            self.methods = frozenset()
            return
        if policy.methods is not None:
            named = frozenset(policy.methods)
            self.methods = named if self.methods is None else self.methods & named
        listed = (*ALWAYS_ALLOWED_REQUEST_HEADERS, *policy.allow_headers)
        self._allowed_names = frozenset({b"", *(name.lower().encode() for name in listed)})
        self._longest_name = max(map(len, self._allowed_names))
        granted = _granted_headers(policy, None if self.registered is None else self.methods)
        self._every_grant = (*granted, _VARY_PREFLIGHT)
        self._readable = _readable_headers(policy)
        self.unreadable = (_ANY_ORIGIN, *self._readable) if self.any_origin else (_VARY_ORIGIN,)

    def answer_preflight(
        self, preflight: Preflight, *, origin_allowed: bool, explain: bool = False
    ) -> Answer:
        """Grant or refuse one preflight (https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7).

        `explain` answers a refused preflight of an allowed origin with the headers that the policy does grant
        and an ok status: the browser still blocks the call, and its console names the check that failed. But
        browsers treat safelisted methods as allowed, whatever the answer lists: for those the status stays
        403, and the console says that instead of blaming the origin.
        """
        _, announced, asked = preflight
        method = announced.decode("latin-1")
        method_allowed = self.grants(method)
        names = self._granted_names(asked)
        # A callable may decide otherwise next time.
        is_kept = not self.callables and sum(map(len, filter(None, preflight))) <= _MAX_REMEMBERED_BYTES
        if origin_allowed and method_allowed and names is not None:
            headers = self._granting(preflight, names)
            if is_kept:
                _remember(self.granted, preflight, headers)
            return Answer(204, headers, b"")
        failed = _FAILED[origin_allowed, method_allowed, names is not None]
        if self.policy is None:
            # A route that is closed to every origin tells as little as one that is closed to this origin.
            failed = _ORIGIN_ALONE
        refusal = _refusal("preflight", failed, _VARY_PREFLIGHT)
        if not explain:
            if is_kept:
                _remember(self.refused, preflight, refusal)
            return refusal
        shown = self._granting(preflight, names or ()) if origin_allowed else (_VARY_PREFLIGHT,)
        if method_allowed or method not in _SAFELISTED_METHODS:
            return Answer(204, shown, b"", failed)
        added = (header for header in shown if header not in refusal.headers)
        return refusal._replace(headers=(*refusal.headers, *added))

    def grants(self, method: str) -> bool:
        """Whether the policy applies to requests with that method."""
        if self.methods is not None:
            return method in self.methods
        # Not `*`: once granted, a browser reads it as all methods of that URL, those of other routes too
        # (https://fetch.spec.whatwg.org/#cors-preflight-fetch, step 7.6).
        is_possible = len(method) <= _LONGEST_METHOD and is_token(method) and not is_forbidden_method(method)
        return is_possible and method != "*"

    def readable_by(self, origin: bytes | None) -> Headers | None:
        """The headers with which a page of that origin may read a response; None if it may not.

        Callables are not called. A request without an origin gets the headers for no particular origin.
        (https://fetch.spec.whatwg.org/#http-responses)
        """
        if origin is None or self.any_origin:
            return self.unreadable
        if not self.admits(origin):
            return None
        headers = self.readable_by_admitted(origin)
        _remember(self.readers, origin, headers)
        return headers

    def readable_by_admitted(self, origin: bytes) -> Headers:
        """As `readable_by`, for an origin that is already known to be allowed."""
        return ((_ALLOW_ORIGIN, origin), *self._readable, _VARY_ORIGIN)

    def _granting(self, preflight: Preflight, names: tuple[bytes, ...]) -> Headers:
        origin, method, _ = preflight
        headers = [_ANY_ORIGIN if self.any_origin else (_ALLOW_ORIGIN, origin), *self._every_grant]
        if self.registered is None and self.grants(method.decode("latin-1")):
            headers.append((_ALLOW_METHODS, method))
        if names:
            headers.append((_ALLOW_HEADERS, b", ".join(names)))
        return tuple(headers)

    def _granted_names(self, value: bytes | None) -> tuple[bytes, ...] | None:
        """The names that the grant has to repeat, usually none; None if a requested name is not allowed."""
        if value is None:
            return ()
        if self._any_name:
            return self._wildcard_names(value)
        if len(value) > MAX_REQUEST_HEADERS_BYTES:
            return None
        elements = value.split(b",")
        # Browsers send the names sorted, lower-case and without spaces; RFC 9110 allows other spellings.
        if self._allowed_names.issuperset(elements) or all(map(self._lists, elements)):
            return ()
        return None

    def _lists(self, element: bytes) -> bool:
        name = element.strip(b" \t")
        return len(name) <= self._longest_name and name.lower() in self._allowed_names

    def _wildcard_names(self, value: bytes) -> tuple[bytes, ...] | None:
        names = requested_names(value)
        if names is None or self._echoes_names:
            # With credentials a browser reads `*` as a header name: each name has to be listed.
            return names
        if b"authorization" in names and b"authorization" not in self._allowed_names:
            return None  # `*` never covers it: https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name
        return ()


def _remember(memo: dict[_Asked, _Said], asked: _Asked, said: _Said) -> None:
    if len(memo) >= _MAX_REMEMBERED:
        memo.clear()  # a client makes up new ones
    memo[asked] = said


def with_reason(refusal: Answer, reason: str) -> Answer:
    """The refusal of a preflight with its reason, one line of printable ASCII, for debugging.

    It is in a header, as a 204 has no body: with uvicorn, bytes after it cause an error or are read as the
    start of the next response (https://www.rfc-editor.org/rfc/rfc9110#section-15.3.5). If there is a body,
    the reason is also in the body.
    """
    line = reason.encode("ascii")
    headers = (*refusal.headers, (_REASON, line))
    if not refusal.body:
        return refusal._replace(headers=headers)
    body = b"CORS preflight refused: " + line
    resized = tuple(_length_of(body) if name == _CONTENT_LENGTH else (name, value) for name, value in headers)
    return refusal._replace(headers=resized, body=body)


def refuse_actual() -> Answer:
    """The answer to an actual request that `enforce` stops before it reaches the application."""
    return _refusal("request", _ORIGIN_ALONE, _VARY_ORIGIN)


def is_foreign(origin: bytes, scheme: str, sent: Iterable[Header]) -> bool:
    """Whether that origin differs from the origin of the request's own URL.

    The latter is the scheme and Host header, without the default port. `scheme` is that of the ASGI scope
    (`ws` and `wss` count as `http` and `https`), `sent` are the headers of the request. A page cannot choose
    the Host header that its browser sends, so an equal Origin means a same-origin request
    (https://fetch.spec.whatwg.org/#origin-header: browsers send it with every POST).
    """
    host = _joined(sent).get(_HOST)
    if host is None:
        return True
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    own = scheme.encode() + b"://" + host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, b""))
    return origin != own


def merge_headers(present: Iterable[Header], decided: Headers) -> RawHeaders:
    """The headers of an actual response, as a new list: the decided headers replace those that are present.

    `Vary` is merged: each name once, on one line. The names that a handler set are always kept. So are the
    names that it exposes, for those who may read, unless it brings other CORS headers too: then another CORS
    layer wrote them (CORSMiddleware exposes its names to those whom it does not allow as well).
    """
    headers = [*present]
    for name, _ in headers:
        if name not in _KEPT and name[:1] in _INITIALS:
            return _merged(headers, decided)
    headers += decided
    return headers


# The first letters of the headers that have to be replaced or merged, in either case.
_INITIALS = frozenset({b"a", b"A", b"v", b"V"})
# Headers of nearly all responses that never have to be: this saves a look-up.
_KEPT = frozenset({b"content-type", b"content-length"})


def _merged(headers: RawHeaders, decided: Headers) -> RawHeaders:
    merged: RawHeaders = []
    varying: list[bytes] = []
    theirs: dict[bytes, bytes] = {}  # the CORS headers that are present
    for header in headers:
        name = header[0].lower()
        if name == b"vary":
            varying.append(header[1])
        elif name.startswith(b"access-control-"):
            theirs[name] = theirs.get(name, b"") + b"," + header[1]
        else:
            merged.append(header)
    if theirs.keys() == {_EXPOSE_HEADERS}:
        decided = _exposing(decided, theirs[_EXPOSE_HEADERS])
    if _VARY_ORIGIN in decided and varying:
        merged += [header for header in decided if header != _VARY_ORIGIN]
        merged.append(_vary_by_origin(varying))
        return merged
    return [*merged, *decided, *((b"vary", value) for value in varying)]


def _exposing(decided: Headers, names: bytes) -> Headers:
    """With more names exposed, if they allow anybody to read."""
    ours = dict(decided)
    if _ALLOW_ORIGIN not in ours:
        return decided
    both = (ours.get(_EXPOSE_HEADERS, b"") + b"," + names).split(b",")
    return (*(ours | {_EXPOSE_HEADERS: _each_once(map(bytes.strip, both))}).items(),)


def _vary_by_origin(varying: list[bytes]) -> Header:
    names = [name.strip() for name in b",".join(varying).split(b",")]
    if b"*" not in names:
        names.append(b"Origin")
    return (b"vary", _each_once(names))


def _each_once(names: Iterable[bytes]) -> bytes:
    once: dict[bytes, bytes] = {}
    for name in filter(None, names):
        once.setdefault(name.lower(), name)
    return b", ".join(once.values())


def _granted_headers(policy: CORSPolicy, methods: Iterable[str] | None) -> Headers:
    granted: RawHeaders = []
    if policy.allow_credentials:
        granted.append(_ALLOW_CREDENTIALS)
    if methods is not None:
        granted.append((_ALLOW_METHODS, ", ".join(sorted(methods)).encode()))
    if "*" not in policy.allow_headers:
        names = {name.lower(): name for name in (*ALWAYS_ALLOWED_REQUEST_HEADERS, *policy.allow_headers)}
        granted.append((_ALLOW_HEADERS, ", ".join(names.values()).encode()))
    elif not policy.allow_credentials:
        granted.append((_ALLOW_HEADERS, ", ".join(policy.allow_headers).encode()))
    if policy.max_age is not None:
        granted.append((_MAX_AGE, str(policy.max_age).encode()))
    return tuple(granted)


def _readable_headers(policy: CORSPolicy) -> Headers:
    readable: RawHeaders = []
    if policy.allow_credentials:
        readable.append(_ALLOW_CREDENTIALS)
    if policy.expose_headers:
        readable.append((_EXPOSE_HEADERS, ", ".join(policy.expose_headers).encode()))
    return tuple(readable)


@functools.cache  # few: the texts only name checks, and nothing that a client sent
def _refusal(what: str, failed: tuple[Check, ...], vary: Header) -> Answer:
    body = f"CORS {what} refused: {', '.join(failed)}".encode()
    return Answer(403, (_PLAIN_TEXT, _length_of(body), vary), body, failed)


def _length_of(body: bytes) -> Header:
    return (_CONTENT_LENGTH, str(len(body)).encode())
