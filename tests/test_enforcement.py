"""Enforcement: which requests of other pages are refused before anything of the app runs, and how."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest
from asgi import Reply, ask, http_scope
from fastapi import APIRouter, FastAPI
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from route_cors import CORSPolicy, CORSRouter, Decision, RouteCORSMiddleware, cors, install_cors, no_cors
from route_cors.senders import Sender, read_sender

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from route_cors.decorators import Declared

OWN, A, E = b"https://api.example", b"https://a.example", b"https://evil.example"
NAMED = CORSPolicy(origins=["https://a.example"])
ANY = CORSPolicy(origins="*")

# --- The whole rule, cell by cell

# Which policies let a request pass: `named` (it names A), `any` (`*`), `any+` (`*`, and the request has
# cookies), `none` (no policy) and `no_cors`. Everything else is refused.
RULE = """
site    origin  method  passes
own     *       *       named any any+ none no_cors
other   -       safe    named any any+ none no_cors
other   -       unsafe  any
other   null    *       any
other   own     *       any
other   A       *       named any
other   E       *       any
absent  -       *       named any any+ none no_cors
absent  null    *       any
absent  own     *       named any any+ none no_cors
absent  A       *       named any
absent  E       *       any
"""
SITES: dict[str, list[list[bytes]]] = {
    "own": [[b"same-origin"], [b"none"]],
    "other": [
        [b"same-site"],
        [b"cross-site"],
        [b"same-origin", b"same-origin"],
        [b"none", b"same-origin"],
        [b"same-origin, same-origin"],
        [b"Same-Origin"],
        [b"NONE"],
        [b""],
        [b"nonsense"],
        [b"same-origin\xff"],
        [b"x" * 65_536],
    ],
    "absent": [[]],
}
ORIGINS: dict[str, list[bytes]] = {"-": [], "null": [b"null"], "own": [OWN], "A": [A], "E": [E]}
METHODS = {"safe": ["GET", "HEAD", "OPTIONS"], "unsafe": ["POST", "PUT", "PATCH", "DELETE", "get", "X1"]}
POLICIES: dict[str, Declared | None] = {
    "named": NAMED,
    "any": ANY,
    "any+": ANY,
    "none": None,
    "no_cors": no_cors,
}


def cells() -> Iterator[tuple[str, str, str, str, bool]]:
    """Site, origin, method, policy, and whether the request passes."""
    seen: set[tuple[str, str, str]] = set()
    for line in RULE.strip().splitlines()[1:]:
        site, origin, method, *passing = line.split()
        origins = ORIGINS if origin == "*" else [origin]
        methods = METHODS if method == "*" else [method]
        for which_origin, which_methods in itertools.product(origins, methods):
            seen.add((site, which_origin, which_methods))
            for policy in POLICIES:
                yield site, which_origin, which_methods, policy, policy in passing
    assert len(seen) == len(SITES) * len(ORIGINS) * len(METHODS)


class AnyMethod:
    """An endpoint that is an app gets every method; a function gets the methods in upper case."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("ran")(scope, receive, send)


def attached(declared: Declared | None, endpoint: Any) -> Any:
    if declared is None:
        return endpoint
    return cors(declared)(endpoint) if isinstance(declared, CORSPolicy) else declared(endpoint)


def app_with(declared: Declared | None, **arguments: Any) -> Starlette:
    """`/x` with that policy, and an app at `/any` with it."""

    async def served(request: Request) -> Response:
        return PlainTextResponse("ran")

    methods = [name for names in METHODS.values() for name in names if name.isupper()]
    routes = [
        Route("/x", attached(declared, served), methods=methods),
        Route("/any", attached(declared, AnyMethod())),
    ]
    app = Starlette(routes=routes)
    arguments.setdefault("enforce", True)
    install_cors(app, **arguments)
    return app


APPS = {name: app_with(declared) for name, declared in POLICIES.items()}


@pytest.mark.parametrize(("site", "origin", "method", "policy", "passes"), [*cells()])
def test_every_cell_of_the_rule(site: str, origin: str, method: str, policy: str, passes: bool) -> None:
    cookies = [(b"cookie", b"session=1")]
    for sites, name in itertools.product(SITES[site], METHODS[method]):
        sent = [(b"sec-fetch-site", each) for each in sites]
        sent += [(b"origin", each) for each in ORIGINS[origin]]
        sent += cookies if policy == "any+" else []
        replies = [ask(APPS[policy], http_scope(name, path, sent)) for path in paths_for(name)]
        if policy not in {"any", "any+"}:
            with_cookies = [*sent, *cookies]
            replies += [ask(APPS[policy], http_scope(name, path, with_cookies)) for path in paths_for(name)]
        for reply in replies:
            assert (reply.status, reply.body) == ((200, b"ran") if passes else refusal(reply))


def paths_for(method: str) -> list[str]:
    return ["/x", "/any"] if method.isupper() else ["/any"]


def refusal(reply: Reply) -> tuple[int, bytes]:
    assert reply.body in {
        f"CORS request refused: {why}".encode() for why in ("site", "origin", "credentials")
    }
    return 403, reply.body


# --- The answer, and what is reported


STRANGERS_POST = [(b"sec-fetch-site", b"cross-site"), (b"origin", E)]
PLAIN = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"26")]


def test_what_a_refusal_is() -> None:
    for policy in ("none", "named", "no_cors"):
        reply = ask(APPS[policy], http_scope("POST", "/x", STRANGERS_POST))
        assert reply.status == 403
        assert reply.body == b"CORS request refused: site"
        assert reply.headers == [*PLAIN, (b"vary", b"Origin, Sec-Fetch-Site")]
    old = ask(APPS["none"], http_scope("POST", "/x", [(b"origin", E)]))
    assert (old.body, old.cors) == (b"CORS request refused: origin", {"vary": "Origin, Sec-Fetch-Site"})


def test_a_refusal_under_the_wildcard_may_be_read_as_any_answer_of_the_route() -> None:
    app = app_with(ANY.evolve(expose_headers=["ETag"]))
    for sent in (STRANGERS_POST, STRANGERS_POST[1:]):
        reply = ask(app, http_scope("POST", "/x", [*sent, (b"cookie", b"a=b")]))
        assert (reply.status, reply.body) == (403, b"CORS request refused: credentials")
        assert reply.cors == {
            "access-control-allow-origin": "*",
            "access-control-expose-headers": "ETag",
            "vary": "Origin, Sec-Fetch-Site, Cookie, Authorization",
        }


def test_an_answer_without_a_policy_is_left_alone() -> None:
    reply = ask(
        APPS["none"], http_scope("POST", "/x", [(b"sec-fetch-site", b"same-origin"), (b"origin", b"null")])
    )
    assert (reply.status, reply.cors) == (200, {})


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        (b"Basic dXNlcjpwYXNz", True),
        (b"basic dXNlcjpwYXNz", True),
        (b"Digest username=a", True),
        (b"NEGOTIATE TlRMTVNT", True),
        (b"NTLM TlRMTVNT", True),
        (b"ntlm", True),
        (b"Bearer abc", False),
        (b"Basically abc", False),
        (b"X" * 65_536, False),
        (b"", False),
    ],
)
def test_the_wildcard_and_authorization(value: bytes, refused: bool) -> None:
    sent = [*STRANGERS_POST, (b"authorization", value)]
    assert ask(APPS["any"], http_scope("POST", "/x", sent)).status == (403 if refused else 200)
    twice = [*STRANGERS_POST, (b"authorization", b"Bearer abc"), (b"authorization", value)]
    assert ask(APPS["any"], http_scope("POST", "/x", twice)).status == (403 if refused else 200)
    assert (
        ask(APPS["named"], http_scope("POST", "/x", [(b"origin", A), (b"authorization", value)])).status
        == 200
    )


@pytest.mark.parametrize("regex", [r".*", r"https?://.+", r"https://[a-z0-9.-]+\.[a-z]+"])
def test_a_regex_for_all_origins_is_no_more_than_the_wildcard(regex: str) -> None:
    app = app_with(CORSPolicy(origins=re.compile(regex)))
    assert ask(app, http_scope("POST", "/x", STRANGERS_POST)).status == 200
    reply = ask(app, http_scope("POST", "/x", [*STRANGERS_POST, (b"cookie", b"a=b")]))
    assert (reply.status, reply.body) == (403, b"CORS request refused: credentials")


def test_a_callable_names_origins_too() -> None:
    async def is_partner(origin: str, connection: object) -> bool:
        return origin == "https://a.example"

    app = app_with(CORSPolicy(origins=is_partner))
    for path, origin, status in itertools.product(("/x", "/any"), (A, E), (200, 403)):
        reply = ask(app, http_scope("POST", path, [(b"sec-fetch-site", b"cross-site"), (b"origin", origin)]))
        assert (reply.status == status) == ((origin == A) == (status == 200))


def told(declared: Declared | None, sent: list[tuple[bytes, bytes]], **more: Any) -> list[Decision]:
    decisions: list[Decision] = []
    app = app_with(declared, on_decision=decisions.append)
    ask(app, http_scope("POST", "/x", sent, **more))
    return decisions


def test_what_is_reported_of_a_refusal() -> None:
    (site,) = told(None, [(b"sec-fetch-site", b"cross-site")])
    assert str(site) == (
        "RCE05 request refused: failed=site method=POST path=/x sec_fetch_site=cross-site "
        "own_origin=https://api.example route=/x"
    )
    (origin,) = told(NAMED, [(b"origin", b"null"), (b"host", b"internal:8000")])
    assert (origin.failed, origin.origin, origin.sec_fetch_site) == (("origin",), "null", None)
    assert origin.own_origin == "https://internal:8000"
    (credentials,) = told(ANY, [*STRANGERS_POST, (b"cookie", b"session=secret")])
    assert credentials.failed == ("credentials",)
    assert "secret" not in repr(credentials)
    (hostile,) = told(
        None, [(b"sec-fetch-site", b"\x1b[31m\xff\r\n" + b"x" * 65_536), (b"origin", b"\xe9\n")]
    )
    assert len(str(hostile)) < 1000
    assert re.fullmatch("[ -~]+", str(hostile))


def test_what_passes_is_reported_as_before() -> None:
    assert [each.event for each in told(NAMED, [(b"origin", A)])] == ["RCE03"]
    assert told(None, [(b"sec-fetch-site", b"same-origin"), (b"origin", b"null")]) == []
    # Behind a proxy that rewrites Host the browser still says that it is the app's own page.
    own = [(b"sec-fetch-site", b"same-origin"), (b"origin", b"https://public.example")]
    assert told(NAMED, own) == []
    assert [each.event for each in told(NAMED.evolve(enforce=False), STRANGERS_POST)] == ["RCE04"]


@pytest.mark.parametrize(
    ("scheme", "host", "own"),
    [
        ("https", b"a.example", b"https://a.example"),
        ("https", b"A.example:443", b"https://a.example"),
        ("http", b"a.example:80", b"http://a.example"),
        ("http", b"a.example:443", b"http://a.example:443"),
        ("wss", b"a.example", b"https://a.example"),
        ("ws", b"a.example:8000", b"http://a.example:8000"),
        ("http", b"[::1]:8000", b"http://[::1]:8000"),
        ("https", b"user@a.example", b"https://user@a.example"),
        ("https", b"", None),
        ("https", None, None),
        ("https", b"a" * 65_536, b"https://" + b"a" * 65_536),
    ],
)
def test_the_own_origin(scheme: str, host: bytes | None, own: bytes | None) -> None:
    sent = [] if host is None else [(b"host", host)]
    assert read_sender(scheme, sent) == Sender(None, None, own, has_credentials=False)
    assert read_sender(scheme, [*sent, (b"origin", b"x")]).is_own_page is False
    if own is not None and len(own) < 512:
        assert read_sender(scheme, [*sent, (b"origin", own)]).is_own_page
        assert read_sender(scheme, [*sent, *sent, (b"origin", own)]).own_origin is None
        assert not read_sender(scheme, [*sent, (b"origin", own), (b"origin", own)]).is_own_page


def test_a_forwarded_host_counts_for_nothing() -> None:
    forwarded = [(b"x-forwarded-host", b"evil.example"), (b"forwarded", b"host=evil.example;proto=https")]
    reply = ask(APPS["none"], http_scope("POST", "/x", [(b"origin", E), *forwarded]))
    assert reply.status == 403


BYTES = st.binary(max_size=40) | st.sampled_from([b"same-origin", b"none", b"cross-site", OWN, A, E, b"null"])
NAMES = st.sampled_from([b"sec-fetch-site", b"origin", b"host", b"cookie", b"authorization", b"accept"])


@given(
    st.sampled_from(sorted(APPS)),
    st.sampled_from(["GET", "POST"]),
    st.lists(st.tuples(NAMES, BYTES), max_size=12),
)
@example("none", "POST", [(b"sec-fetch-site", b"same-origin")] * 3000)
@example("any", "POST", [(b"host", b"x"), (b"host", b"x"), (b"origin", b"https://x")])
def test_whatever_is_sent_is_served_or_refused(
    policy: str, method: str, sent: list[tuple[bytes, bytes]]
) -> None:
    reply = ask(APPS[policy], http_scope(method, "/x", sent))
    assert reply.status in {200, 403}
    # What decides can be told from each value alone, and two of a kind are never of help.
    sites = [value for name, value in sent if name == b"sec-fetch-site"]
    origins = [value for name, value in sent if name == b"origin"]
    if sites in ([b"same-origin"], [b"none"]) or (not sites and not origins):
        assert reply.status == 200
    elif policy in {"none", "no_cors"} and (sites or origins != [OWN]) and (origins or method == "POST"):
        own = [value for name, value in sent if name == b"host"] or [b"api.example"]
        is_own = not sites and len(origins) == len(own) == 1 and origins[0] == b"https://" + own[0].lower()
        assert is_own or reply.status == 403


# --- Who declares it


@pytest.mark.parametrize("layer", [True, False])
@pytest.mark.parametrize("policy", [True, False, None])
def test_a_policy_decides_and_else_the_layer(layer: bool, policy: bool | None) -> None:
    app = app_with(NAMED.evolve(enforce=policy), enforce=layer)
    status = 403 if (layer if policy is None else policy) else 200
    for path in ("/x", "/any"):
        assert ask(app, http_scope("POST", path, STRANGERS_POST)).status == status
        assert ask(app, http_scope("POST", path, [(b"sec-fetch-site", b"cross-site")])).status == status
    assert ask(app, http_scope("POST", "/404", STRANGERS_POST)).status == (403 if layer else 404)


class Opaque:
    """A wrapper that shows nothing of what it is around."""

    def __init__(self, app: ASGIApp) -> None:
        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            await app(scope, receive, send)

        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._call(scope, receive, send)


WRAPPERS: dict[str, Callable[[ASGIApp], ASGIApp]] = {
    "plain": lambda app: app,
    "gzip": GZipMiddleware,
    "opaque": Opaque,
}


def mounted(inner: ASGIApp, *, enforce: bool, around: str = "plain") -> FastAPI:
    app = FastAPI(openapi_url=None)
    app.mount("/inner", WRAPPERS[around](inner))
    install_cors(app, enforce=enforce)
    return app


@pytest.mark.parametrize("around", WRAPPERS)
@pytest.mark.parametrize(("outer", "inner"), [*itertools.product([True, False], [True, False])])
def test_a_layer_on_the_way_is_enough(around: str, outer: bool, inner: bool) -> None:
    app = mounted(app_with(None, enforce=inner), enforce=outer, around=around)
    reply = ask(app, http_scope("POST", "/inner/x", STRANGERS_POST))
    assert reply.status == (403 if outer or inner else 200)
    assert ask(app, http_scope("POST", "/inner/x", [(b"sec-fetch-site", b"same-origin")])).status == 200
    assert ask(app, http_scope("GET", "/inner/x", [(b"sec-fetch-site", b"cross-site")])).status == 200


@pytest.mark.parametrize("around", ["plain", "gzip"])
@pytest.mark.parametrize("is_layered", [True, False])
def test_a_policy_inside_takes_its_route_out(around: str, is_layered: bool) -> None:
    policy = NAMED.evolve(enforce=False)
    inner = (
        app_with(policy, enforce=True)
        if is_layered
        else Starlette(routes=[Route("/x", attached(policy, AnyMethod()))])
    )
    app = mounted(inner, enforce=True, around=around)
    assert ask(app, http_scope("POST", "/inner/x", STRANGERS_POST)).status == 200


@pytest.mark.parametrize("around", WRAPPERS)
def test_a_policy_inside_puts_its_route_in(around: str) -> None:
    app = mounted(app_with(NAMED.evolve(enforce=True), enforce=False), enforce=False, around=around)
    reply = ask(app, http_scope("POST", "/inner/x", STRANGERS_POST))
    assert (reply.status, reply.cors) == (403, {"vary": "Origin, Sec-Fetch-Site"})
    allowed = ask(app, http_scope("POST", "/inner/x", [(b"sec-fetch-site", b"cross-site"), (b"origin", A)]))
    assert (allowed.status, allowed.cors) == (
        200,
        {"access-control-allow-origin": "https://a.example", "vary": "Origin"},
    )


def test_a_mount_takes_an_app_out_that_shows_nothing() -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/hooks", cors(NAMED.evolve(enforce=False))(AnyMethod()))
    app.mount("/rest", AnyMethod())
    install_cors(app, enforce=True)
    assert ask(app, http_scope("POST", "/hooks/x", STRANGERS_POST)).status == 200
    assert ask(app, http_scope("POST", "/rest/x", STRANGERS_POST)).status == 403


def test_an_inner_policy_that_names_fewer_is_asked_as_well() -> None:
    """The outer default lets A in; what serves it inside of an opaque app names another."""
    policy = CORSPolicy(origins="https://b.example")
    inner = Starlette(
        routes=[Route("/x", attached(policy, AnyMethod()))], middleware=[Middleware(RouteCORSMiddleware)]
    )
    app = FastAPI(openapi_url=None)
    app.mount("/inner", Opaque(inner))
    install_cors(app, default=NAMED, enforce=True)
    sent = [(b"sec-fetch-site", b"cross-site"), (b"origin", A)]
    assert ask(app, http_scope("POST", "/inner/x", sent)).status == 403
    router = CORSRouter(cors=policy)
    router.add_api_route("/x", lambda: "ran", methods=["POST"])
    hidden = FastAPI(openapi_url=None)
    hidden.include_router(router)
    app.mount("/hidden", Opaque(hidden))
    assert ask(app, http_scope("POST", "/hidden/x", sent)).status == 403


def test_a_router_without_a_layer_enforces_its_own_policy() -> None:
    router = CORSRouter(cors=NAMED.evolve(enforce=True))
    router.add_api_route("/x", lambda: "ran", methods=["POST"])
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    reply = ask(app, http_scope("POST", "/x", STRANGERS_POST))
    assert (reply.status, reply.body) == (403, b"CORS request refused: site")
    assert reply.cors == {"vary": "Origin, Sec-Fetch-Site"}
    assert (
        ask(app, http_scope("POST", "/x", [(b"sec-fetch-site", b"cross-site"), (b"origin", A)])).status == 200
    )


def test_the_layer_as_a_middleware() -> None:
    app = Starlette(
        routes=[Route("/x", AnyMethod()), Mount("/files", StaticFiles(directory="."))],
        middleware=[Middleware(RouteCORSMiddleware, enforce=True)],
    )
    for path in ("/x", "/files/a", "/404"):
        assert ask(app, http_scope("POST", path, STRANGERS_POST)).status == 403
    assert ask(app, http_scope("POST", "/404", [])).status == 404


def test_nothing_of_the_app_runs_for_a_refused_request() -> None:
    ran: list[str] = []

    class Noting:
        def __init__(self, app: ASGIApp) -> None:
            self.app = app

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            ran.append(scope["type"])
            await self.app(scope, receive, send)

    app = FastAPI(openapi_url=None, middleware=[Middleware(Noting)])
    app.include_router(APIRouter(), dependencies=[])
    app.add_api_route("/x", lambda: ran.append("endpoint"), methods=["POST"])
    install_cors(app, enforce=True)
    assert ask(app, http_scope("POST", "/x", STRANGERS_POST)).status == 403
    assert ran == []


def test_preflights_are_not_requests() -> None:
    """A route without a policy gets them as before, with its own way to answer them."""
    app = FastAPI(openapi_url=None)
    app.add_api_route("/x", lambda: "mine", methods=["OPTIONS"])
    app.add_api_route("/x", lambda: "ran", methods=["PUT"])
    install_cors(app, enforce=True)
    sent = [*STRANGERS_POST, (b"access-control-request-method", b"PUT")]
    assert ask(app, http_scope("OPTIONS", "/x", sent)).status == 200
    assert ask(app, http_scope("OPTIONS", "/x", STRANGERS_POST)).status == 403


@pytest.mark.parametrize("enforce", ["yes", 1, None])
def test_enforce_is_a_bool(enforce: Any) -> None:
    message = f"enforce must be True or False, not {enforce!r}"
    with pytest.raises(TypeError, match=re.escape(message)):
        install_cors(FastAPI(), enforce=enforce)
    with pytest.raises(TypeError, match=re.escape(message)):
        RouteCORSMiddleware(FastAPI(), enforce=enforce)


def test_a_second_call_with_another_enforce() -> None:
    app = FastAPI()
    install_cors(app, enforce=True)
    install_cors(app, enforce=True)
    with pytest.raises(ValueError, match="enforce=True, dry_run=False: call it once"):
        install_cors(app)


def test_a_layer_between_two_others_that_enforces() -> None:
    """The outermost default lets A in, and so the layer in between; what serves it names another."""
    policy = CORSPolicy(origins="https://b.example")
    innermost = Starlette(
        routes=[Route("/x", attached(policy, AnyMethod()))], middleware=[Middleware(RouteCORSMiddleware)]
    )
    between = RouteCORSMiddleware(Opaque(innermost), default=NAMED, enforce=True)
    app = FastAPI(openapi_url=None)
    app.mount("/inner", Opaque(between))
    install_cors(app, default=NAMED)
    sent = [(b"sec-fetch-site", b"cross-site"), (b"origin", A)]
    assert ask(app, http_scope("POST", "/inner/x", sent)).status == 403
    sent = [(b"sec-fetch-site", b"same-origin"), (b"origin", A)]
    assert ask(app, http_scope("POST", "/inner/x", sent)).status == 200


@pytest.mark.parametrize("has_default", [True, False])
def test_two_layers_that_enforce_ask_once(has_default: bool) -> None:
    asked: list[str] = []

    def is_partner(origin: str, connection: object) -> bool:
        asked.append(origin)
        return True

    decisions: list[Decision] = []
    default = CORSPolicy(origins=is_partner) if has_default else None
    inner = app_with(None, default=default, on_decision=decisions.append)
    app = FastAPI(openapi_url=None)
    app.mount("/inner", Opaque(inner))
    install_cors(app, default=CORSPolicy(origins=is_partner), enforce=True, on_decision=decisions.append)
    sent = [(b"sec-fetch-site", b"cross-site"), (b"origin", A)]
    reply = ask(app, http_scope("POST", "/inner/x", sent))
    assert (reply.status, [each.event for each in decisions]) == (200, ["RCE03"])
    # Each of the defaults once: an inner one takes over.
    assert asked == ["https://a.example"] * (2 if has_default else 1)


def test_a_layer_inside_that_enforces_leaves_answers_without_a_policy_alone() -> None:
    async def with_its_own_headers(request: Request) -> Response:
        return PlainTextResponse("ran", headers={"Access-Control-Allow-Origin": "https://a.example"})

    inner = Starlette(routes=[Route("/x", with_its_own_headers, methods=["POST"])])
    install_cors(inner, enforce=True)
    app = mounted(inner, enforce=False, around="opaque")
    reply = ask(app, http_scope("POST", "/inner/x", [(b"sec-fetch-site", b"same-origin")]))
    assert (reply.status, reply.cors) == (200, {"access-control-allow-origin": "https://a.example"})
    assert ask(app, http_scope("POST", "/inner/x", STRANGERS_POST)).status == 403


def test_a_policy_that_allows_nobody_leaves_its_route_out() -> None:
    app = app_with(CORSPolicy(origins=[], enforce=False))
    assert ask(app, http_scope("POST", "/x", STRANGERS_POST)).status == 200
    assert ask(app, http_scope("POST", "/x", STRANGERS_POST)).cors == {"vary": "Origin"}
    asked = [*STRANGERS_POST, (b"access-control-request-method", b"POST")]
    assert ask(app, http_scope("OPTIONS", "/x", asked)).body == b"CORS preflight refused: origin"
    assert ask(app_with(CORSPolicy(origins=[])), http_scope("POST", "/x", STRANGERS_POST)).status == 403
