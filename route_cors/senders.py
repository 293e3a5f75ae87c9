"""Who sent a request, and whether it may run: protection against cross-origin requests that no policy allows.

`read_sender` reads what a request says about the page that sent it. `judge_sender` decides by that, and by
the policy, whether it may run (`enforce`). `refuse_actual` answers one that may not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from route_cors.origins import WEBSOCKET_SCHEMES
from route_cors.protocol import NO_ORIGIN, ORIGIN, VARY_ORIGIN, refusal, within_bound

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.protocol import Answer, Check, Header, Headers

_HOST = b"host"
_SITE = b"sec-fetch-site"
_COOKIE = b"cookie"
_AUTHORIZATION = b"authorization"
# In place of a Sec-Fetch-Site that was sent more than once: no browser sends it.
_SEVERAL = b","
_OF_A_SENDER = frozenset({ORIGIN, _HOST, _SITE, _COOKIE, _AUTHORIZATION})
# On a request that was refused: what the decision looked at.
_VARY_SENDER: Header = (b"vary", b"Origin, Sec-Fetch-Site")
_VARY_SENDER_AND_CREDENTIALS: Header = (b"vary", b"Origin, Sec-Fetch-Site, Cookie, Authorization")
_DEFAULT_PORTS = {"http": b":80", "https": b":443"}


class Sender(NamedTuple):
    """What a request says about the page that sent it.

    `site` and `origin` are its Sec-Fetch-Site and Origin headers, None if it has none. `own_origin` is the
    origin of its own URL: the scheme and the Host header, without the default port; None without a Host
    header. A page cannot choose any of these. `has_credentials`: it has a cookie, or an Authorization of a
    kind that browsers send by themselves.
    """

    site: bytes | None
    origin: bytes | None
    own_origin: bytes | None
    has_credentials: bool

    @property
    def is_own_page(self) -> bool:
        """Whether the browser says, or the Origin shows, that no page of another origin sent it."""
        if self.site in _NO_OTHER_SITE:
            return True
        return self.origin is None or self.origin == self.own_origin


class Ruling(NamedTuple):
    """What `judge_sender` decides: the step of the rule that decided, and the check that failed, if any."""

    step: int
    failed: Check | None


# https://w3c.github.io/webappsec-fetch-metadata/#sec-fetch-site-header: the page has the origin of the URL,
# on the whole way of redirects; or the user typed the URL in, or opened a bookmark.
_NO_OTHER_SITE = frozenset({b"same-origin", b"none"})
# https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1. Links, images and forms with GET send these without an
# Origin, from everywhere.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Browsers ask for a password, or the system knows the user, and then send them with every request. All other
# schemes, such as Bearer, are set by scripts, which needs a preflight from another origin.
_SENT_BY_BROWSERS = frozenset({b"basic", b"digest", b"negotiate", b"ntlm"})
# Bytes, more than the longest of their names.
_LONGEST_SCHEME = 16

_PASSES_AS_OWN = Ruling(1, None)
_PASSES_AS_ALLOWED = Ruling(2, None)
_PASSES_AS_SAFE = Ruling(3, None)
_PASSES_AS_OLD = Ruling(4, None)


def read_sender(scheme: str, sent: Iterable[Header]) -> Sender:
    """What the headers of a request say about its sender.

    `scheme` is that of the ASGI scope; `ws` and `wss` count as `http` and `https`. A site, origin or host
    that was sent more than once is replaced by a value that equals nothing.
    """
    site = origin = host = None
    has_credentials = False
    for name, value in sent:
        if name not in _OF_A_SENDER:
            continue
        if name == _SITE:
            site = value if site is None else _SEVERAL
        elif name == ORIGIN:
            origin = value if origin is None else NO_ORIGIN
        elif name == _HOST:
            host = value if host is None else b""
        elif name == _COOKIE or _is_sent_by_browsers(value):
            has_credentials = True
    return Sender(site, within_bound(origin), _own_origin(scheme, host), has_credentials)


def is_said_to_be_own(sent: Iterable[Header]) -> bool:
    """Whether the browser says that no other site sent the request: step 1 of `judge_sender`, and fast."""
    site = None
    for name, value in sent:
        if name == _SITE:
            site = value if site is None else _SEVERAL
    return site in _NO_OTHER_SITE


def _is_sent_by_browsers(authorization: bytes) -> bool:
    scheme, _, _ = authorization[:_LONGEST_SCHEME].partition(b" ")
    return scheme.lower() in _SENT_BY_BROWSERS


def _own_origin(scheme: str, host: bytes | None) -> bytes | None:
    if not host:
        return None
    scheme = WEBSOCKET_SCHEMES.get(scheme, scheme)
    return scheme.encode() + b"://" + host.lower().removesuffix(_DEFAULT_PORTS.get(scheme, b""))


def judge_sender(sender: Sender, method: str, *, is_allowed: bool, for_anyone: bool) -> Ruling:
    """Whether a request may run, by what its browser says about the page that sent it.

    Browsers send a stranger's forms, images and simple fetches with the cookies of their user, and CORS only
    hides the response. This is the protection against that. `is_allowed`: the policy allows the origin.
    `for_anyone`: it does so for all of them.

    The order is that of Go's net/http.CrossOriginProtection, with the policy in its second step. Each step
    says where it lets a stranger in.
    """
    # 1. The browser says that no other site has to do with it, redirects included. It goes before the Origin,
    # which is `null` under `Referrer-Policy: no-referrer`, and before the Host, which a proxy may have
    # rewritten. Pages cannot set the header: https://fetch.spec.whatwg.org/#forbidden-request-header. Open
    # to: scripts that run in a page of the app (XSS), and what the app's own service worker sends on.
    if sender.site in _NO_OTHER_SITE:
        return _PASSES_AS_OWN
    # 2. The policy. `*` never covers credentials (https://fetch.spec.whatwg.org/#cors-protocol-and-credentials),
    # so a stranger's request may not use them. Open to: what an allowed origin does, and under `*` what a
    # server allows by the client's address or TLS certificate.
    if is_allowed and not (for_anyone and sender.has_credentials):
        return _PASSES_AS_ALLOWED
    # 3. The browser says that another site has to do with it, or what no browser says. Links and images from
    # elsewhere stay possible. Open to: safe methods that change something.
    if sender.site is not None:
        if sender.origin is None and method in SAFE_METHODS:
            return _PASSES_AS_SAFE
        return Ruling(3, "credentials" if for_anyone else "site")
    # 4. The browser says nothing: it is older than 2023, asks over plain http, or is none. Browsers send the
    # Origin with everything but GET and HEAD. Open to: browsers of before 2020, which left it out of forms.
    if sender.origin is None or sender.origin == sender.own_origin:
        return _PASSES_AS_OLD
    return Ruling(4, "credentials" if for_anyone else "origin")


def passes_without_judging(method: str, sent: Iterable[Header]) -> bool:
    """Whether `judge_sender` lets a request run, whatever else there is: a safe method without an Origin."""
    if method not in SAFE_METHODS:
        return False
    # A loop is faster here than anything that calls `any` or makes a set of the names.
    for name, _ in sent:  # noqa: SIM110
        if name == ORIGIN:
            return False
    return True


def refuse_actual(failed: Check, readable: Headers = ()) -> Answer:
    """The answer to an actual request that enforcement stops before it reaches the application.

    `readable` are the headers of the route's policy for that origin.
    """
    vary = _VARY_SENDER_AND_CREDENTIALS if failed == "credentials" else _VARY_SENDER
    refused = refusal("request", (failed,), vary)
    return refused._replace(headers=(*(each for each in readable if each != VARY_ORIGIN), *refused.headers))
