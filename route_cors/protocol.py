"""The CORS protocol as pure decisions, without I/O and without a framework.

`read_preflight` and `read_origin` read what a request asks. `Terms` is a policy as it applies at one path,
with all headers that do not depend on the request already encoded. The ASGI layer uses it to answer a
preflight (`answer_preflight`) and to get the headers of an actual response (`readable_by`), which it merges
into the headers of the app (merging.py). Whether a request may run at all is decided in senders.py.

The rules are those of the Fetch standard, "HTTP CORS protocol" (https://fetch.spec.whatwg.org/#http-cors-protocol)
and "CORS-preflight fetch" (https://fetch.spec.whatwg.org/#cors-preflight-fetch).
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

from route_cors.headers import (
    ALWAYS_ALLOWED_REQUEST_HEADERS,
    MAX_REQUEST_HEADERS_BYTES,
    SAFELISTED_METHODS,
    is_forbidden_method,
    is_token,
    requested_names,
)
from route_cors.origin_set import OriginSet
from route_cors.origins import MAX_ORIGIN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.policy import CORSPolicy

Header = tuple[bytes, bytes]
Headers = tuple[Header, ...]
RawHeaders = list[Header]
# The checks of a preflight: origin, method, headers. Handshakes only have the first one. An actual request is
# refused for what `judge_sender` says: site, credentials or origin.
Check = Literal["origin", "method", "headers", "site", "credentials"]
# A preflight: its Origin, and the values of its Access-Control-Request-Method and -Headers, None if there are
# none. A plain tuple, because it is fast to make and to hash.
Preflight = tuple[bytes, bytes, bytes | None]

_Asked = TypeVar("_Asked")
_Said = TypeVar("_Said")

ORIGIN = b"origin"
_REQUEST_METHOD = b"access-control-request-method"
_REQUEST_HEADERS = b"access-control-request-headers"
# In place of an origin that is too long, so that it need not be hashed: no policy allows it.
NO_ORIGIN = b""
_OF_A_PREFLIGHT = frozenset({ORIGIN, _REQUEST_METHOD, _REQUEST_HEADERS})
# How many answers of each kind are cached, and the bytes of the longest preflight that is. So a client can
# make us keep at most 256 KiB for one policy at one set of methods (tests/test_protocol.py weighs it).
_MAX_REMEMBERED = 64
_MAX_REMEMBERED_BYTES = 512

# Bytes. No method has a longer name; granted methods are sent back.
_LONGEST_METHOD = 64

ALLOW_ORIGIN = b"access-control-allow-origin"
_ALLOW_CREDENTIALS = (b"access-control-allow-credentials", b"true")
_ALLOW_METHODS = b"access-control-allow-methods"
_ALLOW_HEADERS = b"access-control-allow-headers"
EXPOSE_HEADERS = b"access-control-expose-headers"
_MAX_AGE = b"access-control-max-age"
_ANY_ORIGIN = (ALLOW_ORIGIN, b"*")
VARY_ORIGIN: Header = (b"vary", b"Origin")
# On every answer to a preflight, refused or not: a cache must not serve it for another question.
_VARY_PREFLIGHT: Header = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
_PLAIN_TEXT = (b"content-type", b"text/plain; charset=utf-8")
_CHECKS: tuple[Check, ...] = ("origin", "method", "headers")
_ORIGIN_ALONE = _CHECKS[:1]


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
        if name == ORIGIN and origin is None:
            origin = value
        elif name == _REQUEST_METHOD and method is None:
            method = value
        elif name == _REQUEST_HEADERS and names is None:
            names = value
        else:
            return read_preflight(_joined(sent).items())
    if origin is None or method is None:
        return None
    return origin if len(origin) <= MAX_ORIGIN_BYTES else NO_ORIGIN, method, names


def read_origin(sent: Iterable[Header]) -> bytes | None:
    """The origin of a request with these headers, if it has one."""
    origin = None
    for name, value in sent:
        if name == ORIGIN:
            if origin is not None:
                return read_origin(_joined(sent).items())
            origin = value
    return within_bound(origin)


def within_bound(origin: bytes | None) -> bytes | None:
    """The origin; one that is too long is replaced by a value that no policy allows."""
    return origin if origin is None or len(origin) <= MAX_ORIGIN_BYTES else NO_ORIGIN


def _joined(sent: Iterable[Header]) -> dict[bytes, bytes]:
    """The headers that are read here; the values of one that was sent more than once are joined by commas.

    So an origin or a method that is sent twice matches nothing, without needing a rule of its own
    (https://fetch.spec.whatwg.org/#concept-header-list-get).
    """
    values: dict[bytes, list[bytes]] = {}
    for name, value in sent:
        if name in _OF_A_PREFLIGHT:
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
    given, `methods` those that the policy allows. `enforces`: whether requests are refused by `judge_sender`;
    None: as the layer says.

    `granted`, `refused` and `readers` cache earlier results: browsers ask the same again and again, from the
    same few origins, and a look-up takes less than half the time of a new answer. A client that makes up new
    questions only evicts answers of the same kind. With live origins nothing is cached (`is_remembered`):
    what a set of them said must never be said again once another one has taken its place.
    """

    def __init__(
        self, policy: CORSPolicy | None, methods: Iterable[str] | None = (), *, enforces: bool | None = None
    ) -> None:
        self.policy = policy
        self.registered = None if methods is None else frozenset(methods)
        self.methods: frozenset[str] | None = self.registered
        origins = OriginSet() if policy is None else policy.origin_set
        # Whether an origin is allowed; and the callables, which need the connection.
        self.admits = origins.matches
        self.callables = origins.callables
        self.is_remembered = not origins.live
        self.any_origin = origins.any
        # For enforcement: a regex that matches all origins is no more than another way to write `*`.
        self.for_anyone = origins.any or (policy is not None and policy.matches_anyone)
        self.enforces = enforces if policy is None else policy.enforce
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
        self.unreadable = (_ANY_ORIGIN, *self._readable) if self.any_origin else (VARY_ORIGIN,)

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
        is_kept = self.is_remembered and not self.callables
        is_kept = is_kept and sum(map(len, filter(None, preflight))) <= _MAX_REMEMBERED_BYTES
        if origin_allowed and method_allowed and names is not None:
            headers = self._granting(preflight, names)
            if is_kept:
                _remember(self.granted, preflight, headers)
            return Answer(204, headers, b"")
        passed = (origin_allowed, method_allowed, names is not None)
        failed: tuple[Check, ...] = tuple(each for each, ok in zip(_CHECKS, passed, strict=True) if not ok)
        if self.policy is None:
            # A route that is closed to every origin tells as little as one that is closed to this origin.
            failed = _ORIGIN_ALONE
        refused = refusal("preflight", failed, _VARY_PREFLIGHT)
        if not explain:
            if is_kept:
                _remember(self.refused, preflight, refused)
            return refused
        shown = self._granting(preflight, names or ()) if origin_allowed else (_VARY_PREFLIGHT,)
        if method_allowed or method not in SAFELISTED_METHODS:
            return Answer(204, shown, b"", failed)
        added = (header for header in shown if header not in refused.headers)
        return refused._replace(headers=(*refused.headers, *added))

    def is_enforced(self, *, by_layer: bool) -> bool:
        """Whether requests are refused by `judge_sender`; `by_layer`: the layer refuses them by default."""
        return by_layer if self.enforces is None else self.enforces

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
        if self.is_remembered:
            _remember(self.readers, origin, headers)
        return headers

    def readable_by_admitted(self, origin: bytes) -> Headers:
        """As `readable_by`, for an origin that is already known to be allowed."""
        return ((ALLOW_ORIGIN, origin), *self._readable, VARY_ORIGIN)

    def _granting(self, preflight: Preflight, names: tuple[bytes, ...]) -> Headers:
        origin, method, _ = preflight
        headers = [_ANY_ORIGIN if self.any_origin else (ALLOW_ORIGIN, origin), *self._every_grant]
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

    def refused_names(self, value: bytes) -> tuple[bytes, ...]:
        """Which of the requested header names are not allowed, as they were sent; for those who look.

        The whole value, where it is refused for what it is: too long, or no list of names.
        """
        if len(value) > MAX_REQUEST_HEADERS_BYTES:
            return (value,)
        if self._any_name:
            return (value,) if requested_names(value) is None else (b"authorization",)
        return tuple(element.strip(b" \t") for element in value.split(b",") if not self._lists(element))

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
        readable.append((EXPOSE_HEADERS, ", ".join(policy.expose_headers).encode()))
    return tuple(readable)


@functools.cache  # few: the texts only name checks, and nothing that a client sent
def refusal(what: str, failed: tuple[Check, ...], vary: Header) -> Answer:
    """The answer that names the failed checks of a preflight or request, but does not show the policy."""
    body = f"CORS {what} refused: {', '.join(failed)}".encode()
    return Answer(403, (_PLAIN_TEXT, (b"content-length", str(len(body)).encode()), vary), body, failed)
