"""The first line of what is blocked: the cause, and what to write."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route, WebSocketRoute

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors
from route_cors.testing import Browser, CORSBlocked

from .machine import (
    ALLOW_PUT,
    FOR_ANY,
    FOR_PAGE,
    PAGE,
    SIBLING,
    STRANGER,
    THIRD,
    URL,
    WITH_CREDENTIALS,
    a_request,
    always,
    answer,
    blocked,
    fetched,
    open_page,
    redirect,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

    from route_cors.testing.messages import ReceivedResponse

OWN = f'origins=["{PAGE}"]'
SERVES = ", and a route that serves it"
UPPER = (
    'method="PATCH", as methods are case-sensitive and fetch only upper-cases '
    "DELETE, GET, HEAD, OPTIONS, POST, PUT"
)


def cause(response: ReceivedResponse, *, origin: str = PAGE, **arguments: Any) -> str:
    """The first line, which is printed as it is."""
    error = blocked(open_page(origin), a_request(URL, **arguments), always(response))
    assert str(error).split("\n")[:2] == [error.cause, error.reason]
    return error.cause


# --- what the headers lack ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "arguments", "expected"),
    [
        (answer(), {}, f"the response allows no origin: {OWN}"),
        (answer(500), {}, f"the response (500) allows no origin: {OWN}"),
        (answer(307), {}, f"the response (307) allows no origin: {OWN}"),
        (
            answer(),
            {"credentials": "include"},
            f"the response allows no origin: {OWN}, allow_credentials=True",
        ),
        (
            answer(200, f"Access-Control-Allow-Origin: {STRANGER}"),
            {},
            f"the response does not allow the origin {PAGE}: {OWN}",
        ),
        (
            answer(200, FOR_PAGE, FOR_ANY),
            {},
            "the response names several origins, where one is allowed: remove one of the two CORS layers",
        ),
        (
            answer(200, f"Access-Control-Allow-Origin: {PAGE}, {PAGE}"),
            {},
            "the response names several origins, where one is allowed: remove one of the two CORS layers",
        ),
        (
            answer(200, FOR_ANY),
            {"credentials": "include"},
            (
                "the response allows any origin, which does not count with credentials: "
                f"{OWN}, allow_credentials=True"
            ),
        ),
        (
            answer(200, FOR_PAGE),
            {"credentials": "include"},
            "the response allows no credentials: allow_credentials=True",
        ),
        (answer(), {"origin": "null"}, 'the response allows no origin: origins="*"'),
        (
            answer(),
            {"origin": "null", "credentials": "include"},
            (
                "the response allows no origin: a page with an origin (sandboxed pages and redirects to "
                "another origin send null), allow_credentials=True"
            ),
        ),
        (
            answer(500, error=KeyError("a\nb")),
            {},
            (
                "the response (500) allows no origin, because the app raised KeyError: "
                "a CORS layer around everything that can make a response, such as install_cors(app)"
            ),
        ),
    ],
)
def test_of_a_response(response: ReceivedResponse, arguments: dict[str, Any], expected: str) -> None:
    assert cause(response, **arguments) == expected


@pytest.mark.parametrize(
    ("response", "arguments", "expected"),
    [
        (
            answer(204, FOR_PAGE),
            {"method": "GET", "headers": {"X-CSRF": "1"}},
            'the preflight grants no header x-csrf: allow_headers=["X-CSRF"]',
        ),
        (
            answer(204, FOR_PAGE, "Access-Control-Allow-Headers: x-b"),
            {"headers": {"X-b": "1", "X-c": "2", "X-A": "3"}},
            (
                f'the preflight grants no method PUT and no header x-a, x-c: methods=["PUT"]{SERVES}, '
                'allow_headers=["X-A", "X-c"]'
            ),
        ),
        (answer(204, FOR_PAGE), {}, f'the preflight grants no method PUT: methods=["PUT"]{SERVES}'),
        (
            answer(204, FOR_PAGE, ALLOW_PUT),
            {"json": 1},
            'the preflight grants no header content-type: allow_headers=["Content-Type"]',
        ),
        (
            answer(204, FOR_ANY, ALLOW_PUT, "Access-Control-Allow-Headers: *"),
            {"headers": {"Authorization": "x", "X-A": "y"}},
            'the preflight grants no header authorization: allow_headers=["Authorization"]',
        ),
        (
            answer(204, FOR_PAGE, WITH_CREDENTIALS, ALLOW_PUT, "Access-Control-Allow-Headers: *"),
            {"headers": {"X-A": "y"}, "credentials": "include"},
            'the preflight grants no header x-a: allow_headers=["X-A"]',
        ),
        (answer(405), {}, f"the preflight (405) allows no origin: {OWN}"),
        (
            answer(405),
            {"headers": {"X-A": "1"}, "json": 1, "credentials": "include"},
            f'the preflight (405) allows no origin: {OWN}, allow_credentials=True, allow_headers=["X-A"]',
        ),
        (answer(200), {"json": 1}, f"the preflight allows no origin: {OWN}"),
        (
            answer(405, FOR_PAGE),
            {},
            (
                "the preflight (405) grants no method PUT and does not have an ok status: "
                f'methods=["PUT"]{SERVES}, '
                "an answer with 204"
            ),
        ),
        (
            answer(404, FOR_PAGE, ALLOW_PUT),
            {},
            "the preflight (404) does not have an ok status: an answer with 204",
        ),
        (
            redirect(THIRD, FOR_PAGE, ALLOW_PUT),
            {},
            "the preflight (307) is redirected, which no browser follows: call the URL where it leads",
        ),
        (
            answer(204, FOR_PAGE, "Access-Control-Allow-Methods: PUT;"),
            {},
            "the preflight has a list that browsers cannot read: names, separated by commas",
        ),
        (
            answer(204, f"Access-Control-Allow-Origin: {STRANGER}", ALLOW_PUT),
            {"headers": {"X-A": "1"}},
            (
                f"the preflight does not allow the origin {PAGE} and grants no header x-a: "
                f'{OWN}, allow_headers=["X-A"]'
            ),
        ),
        (
            answer(204, FOR_ANY),
            {"credentials": "include"},
            (
                "the preflight allows any origin, which does not count with credentials "
                "and grants no method PUT: "
                f'{OWN}, allow_credentials=True, methods=["PUT"]{SERVES}'
            ),
        ),
        (answer(204, FOR_PAGE, ALLOW_PUT), {"method": "put_it"}, None),
        (
            answer(204, FOR_PAGE, "Access-Control-Allow-Methods: PATCH"),
            {"method": "patch"},
            f"the preflight grants no method patch: {UPPER}",
        ),
    ],
)
def test_of_a_preflight(response: ReceivedResponse, arguments: dict[str, Any], expected: str | None) -> None:
    if expected is None:
        expected = "the preflight grants no method put_it: " + UPPER.replace("PATCH", "PUT_IT")
    assert cause(response, **{"method": "PUT", **arguments}) == expected


@pytest.mark.parametrize(
    ("response", "arguments", "expected"),
    [
        (
            answer(),
            {"mode": "same-origin"},
            (
                "mode 'same-origin' does not call another origin: "
                "mode='cors', and a server that allows this origin"
            ),
        ),
        (
            answer(),
            {"mode": "no-cors", "redirect": "manual"},
            "mode 'no-cors' has to follow redirects: redirect='follow'",
        ),
        (
            redirect(THIRD, FOR_PAGE),
            {"redirect": "error"},
            "the response is a redirect (307): redirect='follow', or no redirect",
        ),
        (
            redirect("http://[", FOR_PAGE),
            {},
            "the Location of the redirect is not a URL: a valid Location",
        ),
        (
            redirect(THIRD, FOR_PAGE, f"Location: {STRANGER}"),
            {},
            "the redirect has several Locations: one of them",
        ),
        (
            redirect("data:,x", FOR_PAGE),
            {},
            "the redirect leads to the scheme data: a Location of http or https",
        ),
        (
            redirect("https://user@third.example", FOR_PAGE),
            {},
            (
                "the redirect leads to a URL with a username or password: "
                "a Location without a username and password"
            ),
        ),
        (redirect(URL, FOR_PAGE), {}, "there are too many redirects: fewer redirects"),
    ],
)
def test_of_what_no_policy_blocks(
    response: ReceivedResponse, arguments: dict[str, Any], expected: str
) -> None:
    assert cause(response, **arguments) == expected


def test_after_a_redirect_to_another_origin_the_page_has_none() -> None:
    answers = {URL: redirect(f"{THIRD}/", FOR_PAGE), f"{THIRD}/": answer(200, FOR_PAGE)}
    error = blocked(open_page(), a_request(URL), serving(answers))
    assert error.cause == 'the response does not allow the origin null: origins="*"'


# --- what the server says -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "arguments", "expected"),
    [
        (
            answer(403, content=b"CORS preflight refused: origin, method, headers"),
            {"headers": {"X-A": "1"}, "json": 1},
            (
                "the policy refuses the preflight (origin, method, headers): "
                f'{OWN}, methods=["PUT"]{SERVES}, '
                'allow_headers=["X-A"]'
            ),
        ),
        (
            answer(204, FOR_PAGE, ALLOW_PUT, "X-Route-CORS-Refused: headers x-a,x-b, allowed: Accept, X-B"),
            {"headers": {"X-A": "1", "X-B": "1"}},
            (
                "the policy refuses the preflight (headers x-a,x-b, allowed: Accept, X-B): "
                'allow_headers=["X-A", "X-B"]'
            ),
        ),
        (
            answer(400, FOR_PAGE, "Access-Control-Allow-Headers: X-A", content=b"Disallowed CORS headers"),
            {"headers": {"X-A": "1", "X-B": "1"}},
            'the policy refuses the preflight (headers): allow_headers=["X-B"]',
        ),
        (
            answer(400, FOR_PAGE, "Access-Control-Allow-Headers: X-A", content=b"Disallowed CORS headers"),
            {"headers": {"X-A": "1"}},
            'the policy refuses the preflight (headers): allow_headers=["X-A"]',
        ),
        (
            answer(400, content=b"Disallowed CORS origin, method"),
            {},
            f'the policy refuses the preflight (origin, method): allow_{OWN}, allow_methods=["PUT"]',
        ),
        (
            answer(400, content=b"Disallowed CORS origin"),
            {"origin": "null"},
            'the policy refuses the preflight (origin): allow_origins="*"',
        ),
        (
            answer(403, content=b"CORS request refused: site"),
            {"method": "POST"},
            f"the policy refuses the request (site): {OWN}",
        ),
        (
            answer(403, content=b"CORS request refused: credentials"),
            {"method": "POST"},
            f"the policy refuses the request (credentials): {OWN} in place of '*'",
        ),
        (
            answer(403, content=b"CORS preflight refused: method"),
            {"method": "patch"},
            f"the policy refuses the preflight (method): {UPPER}",
        ),
        # Neither is known.
        (
            answer(403, content=b"CORS preflight refused: luck"),
            {},
            f"the preflight (403) allows no origin: {OWN}",
        ),
        (answer(403, "X-Route-CORS-Refused: no"), {}, f"the preflight (403) allows no origin: {OWN}"),
        (
            answer(403, f"X-Route-CORS-Refused: origin {'x' * 1000}"),
            {},
            f"the policy refuses the preflight (origin {'x' * 393}...): {OWN}",
        ),
    ],
)
def test_the_server_said_so(response: ReceivedResponse, arguments: dict[str, Any], expected: str) -> None:
    assert cause(response, **{"method": "PUT", **arguments}) == expected


# --- real apps ----------------------------------------------------------------------------------------


async def ok(_: Any) -> PlainTextResponse:
    return PlainTextResponse("ok")


def under(policy: Any) -> Any:
    async def endpoint(argument: Any) -> Any:
        return await ok(argument)

    return policy(endpoint)


def shop() -> Starlette:
    ours = cors(origins=PAGE, allow_headers=["X-Token"])
    return Starlette(
        routes=[
            Route("/orders/{number}", under(ours), methods=["PUT", "PATCH"]),
            Route("/plain", under(lambda endpoint: endpoint)),
            Mount("/in", app=Starlette(routes=[Route("/side", under(ours))])),
            WebSocketRoute("/chat", under(ours)),
        ]
    )


def first_line(call: Callable[..., Any], *arguments: Any, **named: Any) -> str:
    with pytest.raises(CORSBlocked) as caught:
        call(*arguments, **named)
    line, *_ = str(caught.value).split("\n")
    return line


def of_stranger(app: ASGIApp, path: str, method: str = "GET", **arguments: Any) -> str:
    return first_line(Browser(app, origin=STRANGER).fetch, path, method=method, **arguments)


def test_the_policy_of_an_app_speaks() -> None:
    app = shop()
    install_cors(app)
    refused = "the policy refuses the preflight"
    line = of_stranger(app, "/orders/7", "PUT", headers={"X-CSRF": "1"})
    assert line == f'{refused} (origin, headers): origins=["{STRANGER}"], allow_headers=["X-CSRF"]'
    ours = Browser(app, origin=PAGE)
    assert first_line(ours.fetch, "/orders/7", method="patch") == f"{refused} (method): {UPPER}"
    assert first_line(ours.fetch, "/plain") == f"the response allows no origin: {OWN}"
    # Its Vary says that a policy had a say.
    assert of_stranger(app, "/in/side") == f'the response allows no origin: origins=["{STRANGER}"]'


def test_in_debug_it_says_what_is_allowed() -> None:
    app = shop()
    install_cors(app, debug=True)
    line = of_stranger(app, "/orders/7", "PUT")
    assert line == (
        f'the policy refuses the preflight (origin {STRANGER}, allowed: {PAGE}): origins=["{STRANGER}"]'
    )
    line = first_line(Browser(app, origin=PAGE).fetch, "/orders/7", method="DELETE")
    assert line == (
        f'the policy refuses the preflight (method DELETE, allowed: PATCH, PUT): methods=["DELETE"]{SERVES}'
    )


def test_enforcement_says_which_step_it_was() -> None:
    app = shop()
    install_cors(app, enforce=True)
    page = Browser(app, origin=STRANGER, base_url="https://shop.example")
    line = first_line(page.fetch, "/plain", method="POST")
    assert line == f'the policy refuses the request (site): origins=["{STRANGER}"]'


def test_so_does_starlettes_own_middleware() -> None:
    app = shop()
    app.add_middleware(CORSMiddleware, allow_origins=[PAGE])
    line = of_stranger(app, "/orders/7", "PUT", headers={"X-CSRF": "1"})
    assert line == (
        f'the policy refuses the preflight (origin, method, headers): allow_origins=["{STRANGER}"], '
        'allow_methods=["PUT"], allow_headers=["X-CSRF"]'
    )
    assert of_stranger(app, "/plain") == f'the response allows no origin: origins=["{STRANGER}"]'


def test_where_another_layer_speaks_it_is_heard_first() -> None:
    app = shop()
    app.add_middleware(CORSMiddleware, allow_origins=["*"])
    line = of_stranger(app, "/in/side", credentials="include")
    assert line.startswith("the response allows any origin, which does not count with credentials: ")


@pytest.mark.parametrize(
    ("path", "method", "named"),
    [
        ("/orders/7", "PUT", "PUT /orders/{number}"),
        ("/orders/7?a=b", "PATCH", "PATCH /orders/{number}"),
        ("/in/side", "GET", "GET /in/side"),
    ],
)
def test_a_policy_that_no_layer_applies_is_named(path: str, method: str, named: str) -> None:
    said = f"{named} has a policy, but no layer applies it: install_cors(app)"
    assert of_stranger(shop(), path, method) == said
    app = shop()
    install_cors(app, dry_run=True)
    assert of_stranger(app, path, method) == f"{said} without dry_run=True, which only watches"


def test_through_a_test_client_as_well() -> None:
    from starlette.testclient import TestClient

    line = of_stranger(TestClient(shop()), "/in/side")  # type: ignore[arg-type]
    assert line == "GET /in/side has a policy, but no layer applies it: install_cors(app)"


def test_of_several_apps_the_one_that_was_asked_is_named() -> None:
    hosts = {"https://plain.example": Starlette(), "https://shop.example": shop()}
    page = Browser(hosts, origin=STRANGER)
    line = first_line(page.fetch, "https://shop.example/in/side")
    assert line == "GET /in/side has a policy, but no layer applies it: install_cors(app)"
    line = first_line(page.fetch, "/in/side")
    assert line == f'the response (404) allows no origin: origins=["{STRANGER}"]'


def test_where_a_layer_or_a_router_applies_policies_none_is_missed() -> None:
    router = CORSRouter(cors=CORSPolicy(origins=PAGE))

    @router.get("/own")
    async def own() -> None: ...

    closed = FastAPI()
    closed.get("/closed")(no_cors(under(lambda endpoint: endpoint)))
    closed.include_router(router)
    allows = f'allows no origin: origins=["{STRANGER}"]'
    assert of_stranger(closed, "/closed?argument=1") == (
        "GET /closed has a policy, but no layer applies it: install_cors(app)"
    )
    assert of_stranger(closed, "/own") == f"the response {allows}"
    install_cors(closed)
    assert of_stranger(closed, "/closed?argument=1") == f"the response {allows}"


class Unreadable:
    """An app whose routes cannot be read."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("ok")(scope, receive, send)

    @property
    def routes(self) -> Any:
        raise RuntimeError("not now")

    @property
    def router(self) -> Any:
        raise RuntimeError("not now")


def test_an_app_that_cannot_be_read_is_none() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("ok")(scope, receive, send)

    for each in (app, Unreadable()):
        assert of_stranger(each, "/") == f'the response allows no origin: origins=["{STRANGER}"]'


@pytest.mark.parametrize("origin", [STRANGER, "null"])
def test_a_handshake_names_the_origin(origin: str) -> None:
    app = shop()
    install_cors(app)
    page = Browser(app, origin=origin)
    fix = f'origins=["{STRANGER}"]'
    if origin == "null":
        fix = "a page with an origin (sandboxed pages and redirects to another origin send null)"
    line = first_line(page.connect, "/chat")
    assert line == (
        f"the server refused the handshake from {origin} (403): {fix}, unless the endpoint itself closed it"
    )


def test_a_handshake_that_fails_otherwise() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if scope["path"] == "/404":
            await send({"type": "websocket.http.response.start", "status": 404, "headers": []})
            await send({"type": "websocket.http.response.body"})
            return
        await send({"type": "websocket.accept", "subprotocol": "v9" if scope["path"] == "/other" else None})

    page = Browser(app, origin=PAGE)
    answered = "the handshake was answered with 404: a route that accepts it"
    assert first_line(page.connect, "/404") == answered
    chosen = "the server chose the subprotocol v9: a subprotocol that was offered, or none if none was"
    assert first_line(page.connect, "/other", subprotocols=["v1"]) == chosen
    none = "the server chose no subprotocol: it has to choose one that was offered"
    assert first_line(page.connect, "/none", subprotocols=["v1"]) == none


# --- properties ---------------------------------------------------------------------------------------

_NAMES = st.sampled_from(["X-A", "X-B", "X-CSRF", "Authorization", "Content-Type"])
_LINES = st.lists(
    st.sampled_from(
        [
            FOR_ANY,
            FOR_PAGE,
            f"Access-Control-Allow-Origin: {STRANGER}",
            WITH_CREDENTIALS,
            "Access-Control-Allow-Headers: x-a, authorization",
            "Access-Control-Allow-Headers: *",
            "Access-Control-Allow-Headers: ;",
            "Access-Control-Allow-Methods: PUT",
            "Access-Control-Allow-Methods: *",
            "Vary: Origin",
            "X-Route-CORS-Refused: origin a, allowed: b; method c, allowed: d",
            "X-Route-CORS-Refused: \x1b[2J",
            f"Location: {THIRD}",
        ]
    ),
    max_size=6,
)
_BODIES = st.sampled_from([b"", b"\xff", b"CORS preflight refused: headers", b"Disallowed CORS origin, luck"])


@given(
    _LINES,
    _BODIES,
    st.sampled_from([200, 204, 307, 403, 405, 500]),
    st.lists(_NAMES, unique=True),
    st.sampled_from(["GET", "PUT", "patch"]),
    st.booleans(),
    st.sampled_from([PAGE, "null"]),
)
def test_whatever_a_server_answers_there_is_a_cause_and_a_fix(
    lines: list[str],
    body: bytes,
    status: int,
    names: list[str],
    method: str,
    include: bool,
    origin: str,
) -> None:
    request = a_request(
        f"{SIBLING}/",
        method=method,
        headers=dict.fromkeys(names, "application/json"),
        credentials="include" if include else "omit",
        redirect="error",
    )
    try:
        fetched(open_page(origin), request, always(answer(status, *lines, content=body)))
    except CORSBlocked as error:
        first, said, *_ = str(error).split("\n")
        assert said.startswith(("Access to fetch at", "Fetch API cannot load"))
        assert re.fullmatch(r"(the|there) [^:]+.*: [^ ].*", first)


@given(st.lists(_NAMES, unique=True, min_size=1), st.lists(_NAMES, unique=True))
def test_the_headers_that_are_to_be_allowed_are_those_that_were_not(
    sent: list[str], granted: list[str]
) -> None:
    response = answer(204, FOR_PAGE, f"Access-Control-Allow-Headers: {','.join(granted)}")
    missing = sorted((name for name in sent if name not in granted), key=str.lower)
    if not missing:
        return
    line = cause(response, headers=dict.fromkeys(sent, "application/json"))
    named = [name for name in missing if name != "Content-Type"] or missing
    shown = ", ".join(f'"{name}"' for name in named)
    lower = ", ".join(missing).lower()
    assert line == f"the preflight grants no header {lower}: allow_headers=[{shown}]"
