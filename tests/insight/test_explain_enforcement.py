"""`explain` of enforcement: the step of the rule, and what forms, images and links of other sites do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import pytest
from fastapi import Cookie, FastAPI, Request
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Route

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors
from route_cors.insight import Call, Fix
from route_cors.insight.explain import explain

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.responses import Response

    from route_cors.insight import Explanation

API: Final = "https://api.shop.example"
OURS: Final = "https://app.example.com"
STRANGER: Final = "https://evil.example"
ON_PURPOSE: Final = (
    "It is refused on purpose: a form of another site acts as the user who sees it. No policy names "
    f"{STRANGER}; if that page is your own, name it in a policy."
)


async def endpoint() -> None:
    raise AssertionError("the endpoint ran")


def _new() -> Any:
    async def served(request: Request, session: Annotated[str | None, Cookie()] = None) -> None:
        await endpoint()

    return served


async def is_partner(origin: str, connection: HTTPConnection) -> bool:
    return origin == "https://partner.example"


def shop(*, enforce: bool = True, default: CORSPolicy | None = None) -> FastAPI:
    app = FastAPI(openapi_url=None)
    policies = {
        "named": CORSPolicy(origins=OURS),
        "any": CORSPolicy(origins="*"),
        "regex": CORSPolicy(origins=re.compile("https://.*")),
        "asked": CORSPolicy(origins=is_partner),
        "hooks": CORSPolicy(origins=OURS, enforce=False),
        "strict": CORSPolicy(origins=OURS, enforce=True),
    }
    for path, policy in policies.items():
        app.add_api_route(f"/{path}", cors(policy)(_new()), methods=["GET", "POST"])
    app.add_api_route("/closed", no_cors(_new()), methods=["GET", "POST"])
    app.add_api_route("/plain", _new(), methods=["GET", "POST"])
    install_cors(app, enforce=enforce, default=default)
    return app


def called(app: Any, path: str, origin: str = STRANGER, method: str = "POST", **more: Any) -> Explanation:
    more.setdefault("base_url", API)
    return explain(app, Call(method=method, path=path, origin=origin, **more))


def check(explanation: Explanation, name: str) -> tuple[bool | None, str] | None:
    return next(
        ((each.passed, each.detail) for each in explanation.steps[-1].checks if each.name == name), None
    )


# --- The step of the rule

OTHER: Final = "the browser sends Sec-Fetch-Site: cross-site, and"
OLD: Final = "the browser sends no Sec-Fetch-Site"
HTTP: Final = {"base_url": "http://api.shop.example"}


@pytest.mark.parametrize(
    ("path", "origin", "more", "told"),
    [
        (
            "/named",
            API,
            {},
            (
                "1 of the rule: the browser sends Sec-Fetch-Site: same-origin: no page of another origin is"
                " involved"
            ),
        ),
        ("/named", OURS, {}, f"2 of the rule: {OURS} is allowed by {OURS}"),
        (
            "/asked",
            "https://partner.example",
            {},
            (
                "2 of the rule: https://partner.example is allowed by callable: "
                f"{__name__}.is_partner; {__name__}.is_partner allows it"
            ),
        ),
        (
            "/any",
            STRANGER,
            {},
            "2 of the rule: any origin is allowed, as long as no cookies or HTTP authentication are sent",
        ),
        (
            "/plain",
            STRANGER,
            {"as_": "link", "method": "GET"},
            f"3 of the rule: {OTHER} a GET without an Origin is allowed",
        ),
        (
            "/plain",
            STRANGER,
            {"as_": "image", "method": "GET", **HTTP},
            "4 of the rule: the browser sends neither a Sec-Fetch-Site nor an Origin",
        ),
        (
            "/plain",
            "http://api.shop.example",
            HTTP,
            f"4 of the rule: {OLD}, and http://api.shop.example is the app's own origin",
        ),
    ],
)
def test_what_lets_a_request_pass(path: str, origin: str, more: dict[str, Any], told: str) -> None:
    explanation = called(shop(), path, origin, **more)
    assert check(explanation, "enforcement") == (True, f"step {told}")
    assert explanation.steps[-1].answered_by == "endpoint"


@pytest.mark.parametrize(
    ("path", "more", "told"),
    [
        ("/plain", {}, f"3 of the rule: {OTHER} no policy allows {STRANGER}"),
        ("/closed", {}, f"3 of the rule: {OTHER} {STRANGER} is not allowed by @no_cors"),
        ("/named", {}, f"3 of the rule: {OTHER} {STRANGER} is not allowed by {OURS}"),
        (
            "/asked",
            {},
            (
                f"3 of the rule: {OTHER} {STRANGER} is not allowed by callable: {__name__}.is_partner;"
                f" {__name__}.is_partner does not allow it"
            ),
        ),
        (
            "/any",
            {"credentials": True},
            f"3 of the rule: {OTHER} any origin is allowed, but never with cookies or HTTP authentication",
        ),
        (
            "/regex",
            {"credentials": True},
            (
                f"3 of the rule: {OTHER} regex: https://.* is allowed, but never with cookies or HTTP"
                " authentication"
            ),
        ),
        (
            "/plain",
            HTTP,
            (
                f"4 of the rule: {OLD}, the app's own origin is http://api.shop.example, and no policy allows"
                f" {STRANGER}"
            ),
        ),
        ("/nowhere", {}, f"3 of the rule: {OTHER} no policy allows {STRANGER}"),
    ],
)
@pytest.mark.parametrize("as_", ["fetch", "form"])
def test_what_refuses_a_request(path: str, more: dict[str, Any], told: str, as_: Any) -> None:
    if as_ == "form" and more == HTTP:
        # From a page of https, the browser hides the origin from what is sent over http.
        told = told.replace(STRANGER, "null")
    explanation = called(shop(), path, as_=as_, **more)
    assert check(explanation, "enforcement") == (False, f"step {told}")
    (step,) = explanation.steps
    assert (explanation.allowed, step.status, step.answered_by) == (False, 403, "route_cors")
    sent = "the form is sent" if as_ == "form" else "the request is sent"
    assert explanation.verdict == (
        f"Refused: {sent}, and answered with a 403 before the endpoint runs. It fails at the enforcement:"
        f" step {told}."
    )
    # Nothing else has failed: what becomes of a route or a policy is of no account then.
    assert [each.name for each in step.checks if each.passed is False] == ["enforcement"]


def test_the_layer_of_a_route_without_a_policy() -> None:
    explanation = called(shop(), "/plain")
    assert check(explanation, "policy") == (None, "no policy applies here")
    assert check(explanation, "layer") == (True, "the CORS layer enforces, and does nothing else here")
    assert check(explanation, "origin") == (None, "no policy applies")
    assert check(explanation, "response") == (None, "refused, because of the enforcement")


@pytest.mark.parametrize(("path", "layer"), [("/hooks", True), ("/named", False), ("/plain", False)])
def test_where_nothing_is_enforced_a_call_says_nothing_of_it(path: str, layer: bool) -> None:
    app = shop(enforce=layer)
    assert check(called(app, path), "enforcement") is None
    assert check(called(app, path, as_="form"), "enforcement") == (
        None,
        "none here; with enforce=True, step 3 of the rule refuses it",
    )
    assert check(called(app, path, as_="link", method="GET"), "enforcement") == (
        None,
        "none here; with enforce=True, step 3 of the rule passes it",
    )
    assert check(called(app, "/strict"), "enforcement") is not None


def test_a_router_without_a_layer() -> None:
    router = CORSRouter(cors=CORSPolicy(origins=OURS, enforce=True))
    router.add_api_route("/notes", _new(), methods=["POST"])
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    refused = called(app, "/notes", as_="form")
    assert (refused.allowed, refused.steps[0].status) == (False, 403)
    assert called(app, "/notes", OURS, as_="form").allowed


def test_a_policy_that_was_lost_and_said_that_it_is_enforced() -> None:
    class Lately(HTTPEndpoint):
        @cors(origins=OURS, enforce=True)
        async def dispatch(self) -> None: ...

    app = Starlette(routes=[Route("/lately", Lately)])
    install_cors(app)
    assert called(app, "/lately", as_="form").allowed is False


# --- What is sent without a script

GETS_IT: Final = "the form is sent, and the endpoint gets it."
UNREAD: Final = " The page cannot read the response."


@pytest.mark.parametrize(
    ("path", "origin", "as_", "verdict"),
    [
        ("/named", OURS, "form", f"{GETS_IT}{UNREAD}"),
        ("/named", API, "form", GETS_IT),
        ("/hooks", STRANGER, "form", f"{GETS_IT}{UNREAD}"),
        ("/any", STRANGER, "form", f"{GETS_IT}{UNREAD} With cookies it would be refused."),
        ("/plain", STRANGER, "image", f"the image is asked for, and the endpoint gets it.{UNREAD}"),
        ("/nowhere", STRANGER, "link", f"the link is followed, and the app answers with a 404.{UNREAD}"),
    ],
)
def test_what_is_let_through(path: str, origin: str, as_: Any, verdict: str) -> None:
    explanation = called(shop(), path, origin, "POST" if as_ == "form" else "GET", as_=as_)
    assert explanation.verdict == f"Let through: {verdict}"
    assert (explanation.allowed, explanation.fix, explanation.reason) == (True, None, None)
    assert [step.name for step in explanation.steps] == ["actual"]
    names = {"form": "a form", "image": "an image", "link": "a link"}
    assert explanation.preflight == f"No preflight: browsers send none for {names[as_]}."
    assert explanation.to_dict()["call"]["as"] == as_


NONE: Final = "as the page is on another site, only cookies with SameSite=None are sent"
OF_A_POST: Final = f"{NONE}; those without SameSite too, but in Chromium for two minutes only"
OF_A_GET: Final = "those with SameSite=None or Lax are sent, and those without SameSite"
OF_AN_IMAGE: Final = f"{NONE}, if the browser sends third-party cookies at all"
OF_THE_SITE: Final = "all of the app's are sent: the page is on the same site"
MADE_UP: Final = (
    "testserver counts as the page's own site, so all of them are sent: give the app's URL (--base-url)"
)


@pytest.mark.parametrize(
    ("as_", "method", "origin", "base_url", "told"),
    [
        ("form", "POST", STRANGER, API, OF_A_POST),
        ("form", "POST", "null", API, OF_A_POST),
        ("form", "GET", STRANGER, API, OF_A_GET),
        ("link", "GET", STRANGER, API, OF_A_GET),
        ("image", "GET", STRANGER, API, OF_AN_IMAGE),
        ("image", "GET", "https://www.shop.example", API, OF_THE_SITE),
        ("link", "GET", STRANGER, "https://testserver", MADE_UP),
    ],
)
def test_the_cookies_that_go_along(as_: Any, method: str, origin: str, base_url: str, told: str) -> None:
    explanation = called(shop(), "/plain", origin, method, as_=as_, base_url=base_url)
    assert check(explanation, "cookies") == (None, told)


def test_what_the_page_gets_to_see() -> None:
    shown = "the browser shows it in place of the page, which cannot read it"
    image = "the browser shows it if it is an image; the page can only read its size"
    for as_, told in (("form", shown), ("link", shown), ("image", image)):
        assert check(called(shop(), "/plain", method="GET", as_=as_), "response") == (None, told)


def test_other_layers_on_the_way() -> None:
    app = shop()
    app.add_middleware(CORSMiddleware, allow_origins=[OURS])
    trusting = TrustedHostMiddleware(app, allowed_hosts=["other.example"])
    refused = called(trusting, "/plain", as_="form")
    assert refused.verdict == (
        "Refused: the form is sent, and gets a 400. It fails at the middleware: "
        "starlette.middleware.trustedhost.TrustedHostMiddleware refuses it (400)."
    )
    assert refused.fix == Fix("No policy helps: it is not a policy that refuses it.", None)
    assert check(refused, "enforcement") is None
    redirected = called(HTTPSRedirectMiddleware(app), "/plain", as_="link", method="GET", **HTTP)
    assert [step.status for step in redirected.steps] == [307, None]
    assert redirected.allowed
    # Nothing is said of what a CORSMiddleware allows: nobody asks it.
    assert check(called(app, "/plain", OURS, as_="form"), "middleware") is None


def test_a_layer_of_which_nothing_is_known_may_refuse_it() -> None:
    app = shop()

    @app.middleware("http")
    async def protect(request: Request, call_next: Any) -> Response:
        raise AssertionError

    explanation = called(app, "/hooks", as_="form")
    assert explanation.verdict == (
        f"Let through: the form is sent, and the endpoint gets it, unless {__name__}."
        "test_a_layer_of_which_nothing_is_known_may_refuse_it.<locals>.protect refuses it, which is not"
        " known. The page cannot read the response."
    )
    assert explanation.allowed


# --- What would let a form through


def test_a_stranger_is_refused_on_purpose() -> None:
    assert called(shop(), "/named", as_="form").fix == Fix(ON_PURPOSE, None)
    assert called(shop(), "/plain", as_="form").fix == Fix(ON_PURPOSE, None)
    # `*` and a regex that matches anyone name nobody.
    assert called(shop(), "/any", as_="form", credentials=True).fix == Fix(ON_PURPOSE, None)
    # A script that is refused is as likely to be one's own: what allows it is told as ever.
    fix = called(shop(), "/named").fix
    assert fix is not None
    assert fix.code == f"@cors(origins=['{OURS}', '{STRANGER}'])"


def test_a_page_that_the_app_names_elsewhere_may_be_named_here() -> None:
    fix = called(shop(), "/plain", OURS, as_="form").fix
    assert fix == Fix(
        f"Allow {OURS} with a policy on {__name__}._new.<locals>.served. Then pages of {OURS} may act as the"
        " user who sees them.",
        f"@cors(origins=['{OURS}'])",
    )
    default = CORSPolicy(origins="https://other.example")
    fix = called(shop(default=default), "/named", "https://other.example", as_="form").fix
    assert fix is not None
    assert fix.code == f"@cors(origins=['{OURS}', 'https://other.example'])"


def test_the_default_of_a_layer_that_enforces_is_written_with_it() -> None:
    """The endpoint serves under another policy too, so that it gets none of its own."""
    served = _new()
    router = CORSRouter(prefix="/public", cors=CORSPolicy(origins="*"))
    for owner in (app := FastAPI(openapi_url=None), router):
        owner.add_api_route("/notes", served, methods=["POST"])
    app.include_router(router)
    install_cors(app, default=CORSPolicy(origins=OURS), enforce=True)
    fix = called(app, "/notes").fix
    assert fix is not None
    assert fix.code == (
        f"install_cors(app, default=CORSPolicy(origins=['{OURS}', '{STRANGER}']), enforce=True)"
    )


def test_an_origin_that_the_browser_hides() -> None:
    fix = called(shop(), "/named", OURS, as_="form", **HTTP).fix
    assert fix == Fix(
        "No policy can name the origin null, which the browser sends here: the form leads from https to http,"
        " or a redirect has led it to another origin.",
        None,
    )
    assert called(shop(), "/named", "null", as_="form").fix == Fix(
        "No policy can name the origin null: every sandboxed page has it, no matter who made it.", None
    )


# --- What no page can send


BY_A_SCRIPT: Final = "only a script sends anything else: explain it as fetch"


@pytest.mark.parametrize(
    ("method", "more", "message"),
    [
        ("PUT", {"as_": "form"}, f"method: 'PUT': a form sends GET or POST; {BY_A_SCRIPT}"),
        ("WS", {"as_": "form"}, f"method: 'WS': a form sends GET or POST; {BY_A_SCRIPT}"),
        ("POST", {"as_": "image"}, f"method: 'POST': an image sends GET; {BY_A_SCRIPT}"),
        ("HEAD", {"as_": "link"}, f"method: 'HEAD': a link sends GET; {BY_A_SCRIPT}"),
        (
            "GET",
            {"as_": "link", "headers": (("X-A", "1"),)},
            "headers: 'X-A': a link cannot set headers; fetch can",
        ),
        ("GET", {"as_": "frame"}, "as_: 'frame': a page sends a call as fetch, form, image or link"),
    ],
)
def test_what_no_page_can_send(method: str, more: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        called(shop(), "/plain", method=method, **more)


def test_a_forms_method_is_in_any_case() -> None:
    assert called(shop(), "/hooks", method="post", as_="form").steps[0].request == f"POST {API}/hooks"


# --- Local Network Access


@pytest.mark.parametrize(
    ("base_url", "origin", "more", "told"),
    [
        ("http://localhost:8000", OURS, {}, "localhost is an address of the user's own machine"),
        ("http://api.localhost", OURS, {}, "api.localhost is an address of the user's own machine"),
        ("http://127.1.2.3", "http://192.168.1.7", {}, "127.1.2.3 is an address of the user's own machine"),
        ("http://[::1]:8000", OURS, {}, "::1 is an address of the user's own machine"),
        ("http://192.168.1.7", OURS, {"as_": "image"}, "192.168.1.7 is an address of a private network"),
        ("http://169.254.1.7", "null", {}, "169.254.1.7 is an address of a private network"),
        ("http://[fd00::1]", OURS, {}, "fd00::1 is an address of a private network"),
        ("http://printer.local", OURS, {}, "printer.local is an address of a private network"),
        ("http://127.0.0.1:8000", "http://localhost:3000", {}, None),
        ("http://192.168.1.7", "http://10.0.0.1", {}, None),
        ("http://192.168.1.7", "http://localhost:3000", {}, None),
        ("http://93.184.216.34", OURS, {}, None),
        ("https://api.example", OURS, {}, None),
        ("http://127.0.0.1:8000", OURS, {"as_": "form"}, None),
        ("http://127.0.0.1:8000", OURS, {"as_": "link"}, None),
        ("http://127.0.0.1:8000", OURS, {"method": "WS"}, None),
    ],
)
def test_what_chromium_asks_the_user(
    base_url: str, origin: str, more: dict[str, Any], told: str | None
) -> None:
    remarks = called(shop(), "/plain", origin, base_url=base_url, **{"method": "GET", **more}).remarks
    may_ask = "" if origin.startswith("https:") else "; only https pages can get permission"
    asks = (
        f"{told}: Chromium (Local Network Access) asks the user first whether pages of {origin} may reach it,"
        f" unless their own address is at least as private{may_ask}."
    )
    assert remarks == (() if told is None else (asks,))


@pytest.mark.parametrize(
    ("page", "status", "ruling", "answered_by"),
    [(OURS, 405, True, "app"), (STRANGER, 403, False, "route_cors")],
)
def test_a_route_without_a_layer_refuses_a_stranger_before_its_405(
    page: str, status: int, ruling: bool, answered_by: str
) -> None:
    router = CORSRouter(cors=CORSPolicy(origins=OURS, enforce=True))
    router.add_api_route("/x", endpoint, methods=["GET"])
    app = FastAPI(openapi_url=None)
    app.include_router(router)

    told = explain(app, Call(method="POST", path="/x", origin=page, base_url=API))

    (step,) = told.steps
    assert (
        step.status,
        step.answered_by,
        dict(step.response_headers).get("access-control-allow-origin"),
    ) == (
        status,
        answered_by,
        None,
    )
    assert {check.name: check.passed for check in step.checks}["enforcement"] is ruling
    assert told.allowed is False
