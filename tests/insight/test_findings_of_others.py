"""What is found in CORSMiddleware and in policies by the same rules; beside each, what is as it should be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import Cookie, Depends, FastAPI, Request
from fastapi.security import HTTPBearer
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import Response
from starlette.routing import Mount, Route

from route_cors import CORSPolicy, CORSRouter, RouteCORSMiddleware, cors, install_cors, no_cors, report
from route_cors.insight.findings.written import as_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp, Receive, Scope, Send

A = "https://a.example.com"
B = "https://b.example.com"


async def anything() -> None: ...


async def with_cookie(session: Annotated[str, Cookie()]) -> None: ...


async def with_optional_cookie(session: Annotated[str | None, Cookie()] = None) -> None: ...


async def with_request(request: Request) -> None: ...


async def plain(request: Request) -> Response:
    return Response()


def theirs(*dependencies: Any, **arguments: Any) -> FastAPI:
    """An app of one route, with a CORSMiddleware and nothing of ours."""
    app = FastAPI(openapi_url=None)
    app.add_middleware(CORSMiddleware, **arguments)
    app.get("/a", dependencies=[Depends(each) for each in dependencies])(anything)
    return app


def ours(origins: Any, **arguments: Any) -> FastAPI:
    """An app of one route, with a policy on its endpoint."""

    @cors(origins=origins, **arguments)
    async def endpoint() -> None: ...

    app = FastAPI(openapi_url=None)
    app.get("/a")(endpoint)
    install_cors(app)
    return app


def told(app: object, **arguments: Any) -> list[tuple[str, str, str]]:
    return [(each.code, each.severity, each.sentence) for each in report(app, **arguments).findings]


def fixes(app: object) -> list[str]:
    return [each.fix for each in report(app).findings]


def codes(app: object, **arguments: Any) -> list[str]:
    return [code for code, _, _ in told(app, **arguments)]


# --- RC005, RC018, RC019, RC020


@pytest.mark.parametrize(
    ("arguments", "how"),
    [
        ({"allow_origins": ["*"]}, "by *"),
        ({"allow_origins": "*"}, "by *"),
        ({"allow_origins": [A, "*"]}, "by *"),
        ({"allow_origin_regex": ".*"}, "by the regex .*"),
        ({"allow_origin_regex": "https?://.+"}, "by the regex https?://.+"),
    ],
)
def test_any_origin_reflected_with_credentials(arguments: dict[str, Any], how: str) -> None:
    sentence = f"CORSMiddleware reflects every origin, with credentials, {how} (GET /a)"
    assert told(theirs(**arguments, allow_credentials=True)) == [("RC005", "error", sentence)]
    assert codes(theirs(**arguments)) == []


@pytest.mark.parametrize(
    ("arguments", "severity", "powers"),
    [
        ({"allow_origins": ["null"]}, "warning", ""),
        ({"allow_origins": [A, "null"], "allow_credentials": True}, "error", ", with credentials"),
        ({"allow_origin_regex": r"null|https://a\.example\.com"}, "warning", ""),
    ],
)
def test_the_origin_of_every_sandbox(arguments: dict[str, Any], severity: str, powers: str) -> None:
    sentence = f"CORSMiddleware allows the origin null{powers} (GET /a)"
    assert told(theirs(**arguments)) == [("RC018", severity, sentence)]


def test_bare_strings() -> None:
    assert told(theirs(allow_origins=A, allow_methods="PUT", allow_headers="X-Token")) == [
        (
            "RC019",
            "error",
            "CORSMiddleware has 'https://a.example.com' as allow_origins, not a list (GET /a)",
        ),
        (
            "RC019",
            "warning",
            "CORSMiddleware has the letters of a string as allow_methods, not a list (GET /a)",
        ),
        (
            "RC019",
            "warning",
            "CORSMiddleware has the letters of a string as allow_headers, not a list (GET /a)",
        ),
    ]
    assert fixes(theirs(allow_origins=A, allow_methods="PUT")) == [
        "write a list: allow_origins=['https://a.example.com']",
        "write a list: allow_methods=['...']",
    ]
    assert codes(theirs(allow_origins="*", allow_methods="*", allow_headers="*")) == []
    assert codes(theirs(allow_origins=[A], allow_methods=["PUT"], allow_headers=["X-Token"])) == []


@pytest.mark.parametrize(
    ("origin", "fix"),
    [
        (f"{A}/", "write 'https://a.example.com'"),
        ("https://A.example.com", "write 'https://a.example.com'"),
        ("https://a.example.com:443", "write 'https://a.example.com'"),
        ("https://*.example.com", r"write a regex: allow_origin_regex=r'https://[a-z0-9-]+\.example\.com'"),
        ("not an origin", "name an origin: scheme, host and port"),
    ],
)
def test_origins_that_no_browser_sends(origin: str, fix: str) -> None:
    app = theirs(allow_origins=[A, origin])
    sentence = f"CORSMiddleware allows {origin!r}, which no browser ever sends as an Origin (GET /a)"
    assert told(app) == [("RC020", "warning", sentence)]
    assert fixes(app) == [fix]


def test_what_is_as_it_should_be() -> None:
    app = theirs(
        allow_origins=[
            A,
            B,
            "http://192.168.1.7:8080",
            "https://xn--bcher-kva.example",
            "https://[::1]:3000",
        ],
    )
    assert [code for code in codes(app) if code not in {"RC009", "RC025"}] == []


def test_a_layer_that_a_policy_replaces_is_not_judged() -> None:
    app = theirs(allow_origins=["*"], allow_credentials=True)
    install_cors(app, default=CORSPolicy(origins=A))
    assert [code for code in codes(app) if code != "RC012"] == ["RC003"]


def test_a_layer_in_front_of_ours_is_judged() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/a")(cors(origins=A)(anything_else))
    app.add_middleware(RouteCORSMiddleware)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    assert codes(app) == ["RC003", "RC005"]


async def anything_else() -> None: ...


def test_a_websocket_is_no_matter_of_a_cors_middleware() -> None:
    app = FastAPI(openapi_url=None)
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    app.websocket("/a")(no_cors(socket))
    install_cors(app)
    assert codes(app) == []


async def socket(websocket: Any) -> None: ...


def test_its_documentation_is_nobodys_example() -> None:
    app = FastAPI()
    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    app.get("/a")(anything)
    (finding,) = report(app).findings
    assert finding.route is not None
    assert finding.route.path == "/a"
    assert len(finding.routes) == 5


# --- RC007, RC009


@pytest.mark.parametrize(
    ("pattern", "credentials", "expected"),
    [
        (
            r"https://.*example\.com",
            True,
            ("RC007", "warning", "matches https://qexample.com, with credentials"),
        ),
        (r"https://.*example\.com", False, ("RC007", "info", "matches https://qexample.com")),
        (
            r"https://.*\.vercel\.app",
            True,
            ("RC007", "warning", "matches https://q.vercel.app, with credentials"),
        ),
    ],
)
def test_a_loose_regex(pattern: str, credentials: bool, expected: tuple[str, str, str]) -> None:
    app = theirs(allow_origin_regex=pattern, allow_credentials=credentials)
    code, severity, matched = expected
    assert (code, severity, f"the regex {pattern} {matched} (GET /a)") in told(app)
    assert fixes(app)[0].endswith(r"allow_origin_regex=r'https://[a-z0-9-]+\.preview\.example\.com'")


@pytest.mark.parametrize("credentials", [True, False])
def test_a_regex_that_says_what_it_means(credentials: bool) -> None:
    app = theirs(allow_origin_regex=r"https://[a-z0-9-]+\.example\.com", allow_credentials=credentials)
    assert codes(app) == []


def test_any_depth_of_subdomains_is_no_matter_without_credentials() -> None:
    assert codes(theirs(allow_origin_regex=r"https://.*\.example\.com")) == []
    assert codes(theirs(allow_origin_regex=r"https://.*\.example\.com", allow_credentials=True)) == ["RC007"]


def test_http_origins_of_others() -> None:
    sentence = "CORSMiddleware allows http://a.example.com: anyone on the network can impersonate it"
    assert told(theirs(allow_origins=["http://a.example.com", f"{A}/"]))[0] == (
        "RC009",
        "warning",
        f"{sentence} (GET /a)",
    )
    assert codes(theirs(allow_origin_regex=r"https?://a\.example\.com")) == ["RC009"]
    assert codes(theirs(allow_origin_regex=r"http://localhost:\d+")) == []


# --- RC003


def test_two_of_them_that_differ() -> None:
    inside = theirs(allow_origins=[B])
    app = FastAPI(openapi_url=None)
    app.add_middleware(CORSMiddleware, allow_origins=[A])
    app.get("/b")(anything)
    app.mount("/in", inside)
    (finding,) = report(app).findings
    assert (finding.code, finding.severity) == ("RC003", "warning")
    assert re.sub(r" \(tests[^)]*\)", "", finding.sentence) == (
        "preflights for GET /in/a are answered by CORSMiddleware: https://a.example.com; methods GET,"
        " never by CORSMiddleware: https://b.example.com; methods GET"
    )


def test_two_of_them_that_say_the_same_are_in_nobodys_way() -> None:
    app = FastAPI(openapi_url=None)
    app.add_middleware(CORSMiddleware, allow_origins=[A])
    app.mount("/in", theirs(allow_origins=[A]))
    assert codes(app) == []


def test_one_around_a_mount_within_one_around_the_app() -> None:
    mount = Mount("/in", routes=[Route("/a", plain)], middleware=[Middleware(CORSMiddleware)])
    app = Starlette(routes=[mount], middleware=[Middleware(CORSMiddleware, allow_origins=[A])])
    assert [code for code, _, _ in told(app)] == ["RC003"]


# --- RC021


def test_credentials_for_tokens_alone() -> None:
    app = theirs(HTTPBearer(), allow_origins=[A], allow_credentials=True)
    sentence = "CORSMiddleware allows credentials, but its routes only take tokens (GET /a)"
    assert told(app) == [("RC021", "info", sentence)]
    assert codes(theirs(HTTPBearer(), allow_origins=[A])) == []


@pytest.mark.parametrize("dependency", [with_cookie, with_optional_cookie, with_request])
def test_credentials_that_may_be_needed(dependency: Any) -> None:
    assert codes(theirs(HTTPBearer(), dependency, allow_origins=[A], allow_credentials=True)) == []


def test_credentials_of_what_is_not_known_to_need_none() -> None:
    app = theirs(HTTPBearer(), allow_origins=[A], allow_credentials=True)
    app.add_route("/plain", plain)
    assert codes(app) == []
    with_sessions = theirs(HTTPBearer(), allow_origins=[A], allow_credentials=True)
    with_sessions.add_middleware(SessionMiddleware, secret_key="secret")
    assert codes(with_sessions) == []
    assert codes(theirs(allow_origins=[A], allow_credentials=True)) == []


# --- RC022


def yes(origin: str, connection: Any) -> bool:
    return bool(connection.url.path == "/a" and connection.headers["origin"] == origin)


async def yes_after_a_while(origin: str, connection: Any) -> bool:
    return True


def test_callables_that_let_everybody_in() -> None:
    name = f"{__name__}.yes"
    sentence = f"{name} allows every origin, such as https://qzkvjwxhpt.example"
    assert told(ours(yes), ask_callables=True) == [("RC022", "warning", f"{sentence} (GET /a)")]
    credentials = told(ours(yes, allow_credentials=True), ask_callables=True)
    assert credentials == [("RC022", "error", f"{sentence}, with credentials (GET /a)")]
    assert codes(ours(yes_after_a_while), ask_callables=True) == ["RC022"]


def test_nobody_is_asked_unless_that_is_wanted() -> None:
    def fails(origin: str, connection: Any) -> bool:
        raise AssertionError(origin)

    assert codes(ours(yes)) == []
    assert codes(ours(fails)) == []


def raises(origin: str, connection: Any) -> bool:
    raise KeyError(origin)


def says_one(origin: str, connection: Any) -> Any:
    return 1


def knows_one(origin: str, connection: Any) -> bool:
    return origin == A


def takes_tests(origin: str, connection: Any) -> bool:
    return not origin.startswith("http:")


@pytest.mark.parametrize("function", [raises, says_one, knows_one, takes_tests])
def test_callables_that_turn_somebody_away(function: Callable[..., Any]) -> None:
    assert codes(ours([function, B]), ask_callables=True) == []


def test_a_default_for_what_is_not_there_is_asked_too() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/a")(cors(origins=A)(anything_else_again))
    install_cors(app, default=CORSPolicy(origins=lambda origin, connection: True))
    assert codes(app, ask_callables=True) == ["RC022"]
    assert codes(theirs(allow_origins=[A]), ask_callables=True) == []


async def anything_else_again() -> None: ...


# --- RC023


@pytest.mark.parametrize(
    "pattern",
    [
        r"https://([a-z]+)+\.example\.com",
        r"https://([a-z0-9]+-?)+\.example\.com",
        r"https://(a|aa)+\.example\.com",
        r"https://(\w+\.?)+example\.com",
    ],
)
def test_regexes_that_one_request_keeps_busy(pattern: str) -> None:
    assert "RC023" in codes(theirs(allow_origin_regex=pattern))


def test_a_regex_that_takes_no_time() -> None:
    assert "RC023" not in codes(theirs(allow_origin_regex=r"https://([a-z0-9-]+\.)*example\.com"))


# --- RC034


def test_a_policy_without_origins() -> None:
    sentence = "the policy has no origins, so it allows nobody: GET /a"
    assert told(ours([])) == [("RC034", "info", sentence)]


def test_a_default_without_origins() -> None:
    app = FastAPI()
    app.get("/a")(anything)
    install_cors(app, default=CORSPolicy(origins=[]))
    assert "RC012" not in codes(app)
    (found,) = [finding for finding in report(app).findings if finding.code == "RC034"]
    assert found.sentence == "the policy has no origins, so it allows nobody: GET /a"


def test_a_default_without_origins_that_nothing_has() -> None:
    app = FastAPI(openapi_url=None)
    install_cors(app, default=CORSPolicy(origins=[]))
    assert told(app) == [
        (
            "RC034",
            "info",
            "the policy has no origins, so it allows nobody: whatever has no policy of its own",
        )
    ]


def test_a_default_that_closes() -> None:
    app = FastAPI(openapi_url=None)
    app.get("/a")(anything)
    install_cors(app, default=no_cors)
    sentence = "the app's default is no_cors: routes without a policy are closed to other origins"
    assert told(app) == [("RC034", "info", sentence)]
    assert [route.policy for route in report(app).routes] == [no_cors]


# --- RC033


@pytest.mark.parametrize(
    "origin",
    [
        *("https://localhost", "capacitor://localhost", "ionic://localhost", "tauri://localhost"),
        *("http://tauri.localhost", "https://tauri.localhost"),
    ],
)
def test_an_origin_of_every_app(origin: str) -> None:
    for app, who in (
        (ours(origin, allow_credentials=True), "the policy"),
        (theirs(allow_origins=[origin], allow_credentials=True), "CORSMiddleware"),
    ):
        sentence = (
            f"{who} allows {origin}, with credentials: every app made with Capacitor, Ionic or Tauri has that"
            " origin (GET /a)"
        )
        assert ("RC033", "info", sentence) in told(app)


@pytest.mark.parametrize(
    ("origins", "credentials"),
    [
        ("capacitor://localhost", False),
        ("https://localhost:8443", True),
        ("capacitor://app.example.com", True),
        ("http://localhost:*", True),
    ],
)
def test_an_origin_of_some_apps(origins: str, *, credentials: bool) -> None:
    assert "RC033" not in codes(ours(origins, allow_credentials=credentials))


def test_an_app_is_no_local_server() -> None:
    assert codes(ours(["capacitor://localhost", A])) == []


# --- RC024, RC025


@pytest.mark.parametrize(
    ("origin", "credentials", "severity"),
    [
        ("https://codepen.io", True, "warning"),
        ("https://jsfiddle.net", True, "warning"),
        ("https://codepen.io", False, "info"),
    ],
)
def test_hosts_of_all_users(origin: str, credentials: bool, severity: str) -> None:
    powers = ", with credentials" if credentials else ""
    for app, who in (
        (ours(origin, allow_credentials=credentials), "the policy"),
        (theirs(allow_origins=[origin], allow_credentials=credentials), "CORSMiddleware"),
    ):
        sentence = f"{who} allows {origin}{powers}: the pages of all its users have that origin (GET /a)"
        assert told(app) == [("RC024", severity, sentence)]


def test_a_host_of_one_account() -> None:
    sentence = (
        "the policy allows https://somebody.github.io, with credentials: all projects of that account have"
        " that origin (GET /a)"
    )
    assert told(ours("https://somebody.github.io", allow_credentials=True)) == [("RC024", "info", sentence)]


@pytest.mark.parametrize(
    ("origin", "credentials"),
    [
        ("https://somebody.github.io", False),
        ("https://codepen.io.example.com", True),
        ("https://a.example.com", True),
        ("https://my-app.vercel.app", True),
    ],
)
def test_hosts_of_ones_own(origin: str, credentials: bool) -> None:
    assert codes(ours(origin, allow_credentials=credentials)) == []


def test_this_machine_beside_production() -> None:
    app = ours([A, "http://localhost:3000", "http://127.0.0.1:*"])
    sentence = (
        "the policy allows http://127.0.0.1:*, http://localhost:3000 next to production origins (GET /a)"
    )
    assert told(app) == [("RC025", "info", sentence)]
    assert fixes(app) == [
        "add them only in development: origins=['https://a.example.com', *settings.local_origins]"
    ]
    assert codes(theirs(allow_origins=["http://localhost:3000", A])) == ["RC025"]
    assert codes(ours(["http://localhost:3000", "http://127.0.0.1:*"])) == []
    assert codes(ours([A, B])) == []


# --- RC026


def with_sessions(*origins: str, same_site: str = "lax", credentials: bool = True) -> FastAPI:
    app = theirs(allow_origins=[*origins], allow_credentials=credentials)
    app.add_middleware(SessionMiddleware, secret_key="secret", same_site=same_site)  # type: ignore[arg-type]
    return app


OTHER = "https://shop.example.org"


def test_a_cookie_that_never_arrives() -> None:
    sentence = (
        "https://shop.example.org gets no cookies: SessionMiddleware sets SameSite=Lax, and"
        " example.com is another site (GET /a)"
    )
    assert told(with_sessions(A, OTHER), base_url="https://api.example.com") == [
        ("RC026", "warning", sentence)
    ]
    assert codes(with_sessions(A, B), base_url="https://api.example.com") == []
    assert codes(with_sessions(A, B), base_url="https://api.example.net") == ["RC026"]


def test_origins_of_two_sites_where_nobody_says_which_is_the_apis() -> None:
    sentence = (
        "SessionMiddleware sets SameSite=Strict, but https://a.example.com, https://shop.example.org are"
        " different sites: at most one gets cookies (GET /a)"
    )
    assert told(with_sessions(A, OTHER, same_site="strict")) == [("RC026", "info", sentence)]
    assert codes(with_sessions(A, B)) == []


def test_cookies_that_arrive() -> None:
    url = "https://api.example.com"
    assert codes(with_sessions(OTHER, same_site="none"), base_url=url) == []
    assert codes(with_sessions(OTHER, credentials=False), base_url=url) == []
    assert codes(theirs(allow_origins=[OTHER], allow_credentials=True), base_url=url) == []
    assert "RC026" not in codes(with_sessions(A, "http://localhost:3000"), base_url=url)


# --- RC027


def posting(
    function: Callable[..., Any], *dependencies: Any, middleware: Any = None, **arguments: Any
) -> FastAPI:
    app = FastAPI(openapi_url=None)
    if middleware is not None:
        app.add_middleware(middleware, **arguments)
    app.post("/a", dependencies=[Depends(each) for each in dependencies])(function)
    return app


class CSRFMiddleware:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


async def csrf_protect() -> None: ...


async def with_closed_cookie(session: Annotated[str, Cookie()]) -> None: ...


def test_a_post_with_cookies_that_nothing_protects() -> None:
    app = posting(with_cookie)
    app.post("/b")(with_cookie)
    app.post("/c")(with_optional_cookie)
    sentence = "POST /a takes the cookie 'session', and has neither a policy nor enforcement"
    assert told(app) == [("RC027", "warning", f"{sentence}; the same holds for POST /b, POST /c")]
    assert [route.path for route in report(app).findings[0].routes] == ["/a", "/b", "/c"]
    assert told(posting(with_optional_cookie))[0][1] == "info"
    assert told(posting(with_cookie, middleware=SessionMiddleware, secret_key="secret"))[0][1] == "info"


@pytest.mark.parametrize(
    "app",
    [
        posting(anything),
        posting(with_cookie, HTTPBearer()),
        posting(with_cookie, csrf_protect),
        posting(with_cookie, middleware=CSRFMiddleware),
        posting(no_cors(with_closed_cookie)),
    ],
    ids=["no cookie", "token", "csrf dependency", "csrf middleware", "no_cors"],
)
def test_posts_that_are_nothing_to_worry_about(app: FastAPI) -> None:
    assert [code for code in codes(app) if code != "RC001"] == []


def test_an_endpoint_does_not_protect_itself_by_the_name_of_its_module() -> None:
    async def from_a_form(session: Annotated[str, Cookie()]) -> None: ...

    from_a_form.__module__ = "shop.csrf_demo"
    from_a_form.__annotations__ = {"session": Annotated[str, Cookie()], "return": None}
    assert codes(posting(from_a_form)) == ["RC027"]
    assert codes(posting(from_a_form, csrf_protect)) == []


# --- One cause, one finding; code to paste


def test_fifty_routes_of_a_router_are_one_finding() -> None:
    router = CORSRouter(cors=CORSPolicy(origins=A, allow_credentials=True))
    for number in range(50):
        router.post(f"/{number}")(with_optional_cookie)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    (finding,) = report(app).findings
    assert (finding.code, len(finding.routes)) == ("RC011", 50)
    assert finding.sentence.endswith("; the same holds for POST /1, POST /2, POST /3 and 46 more")
    assert finding.fix.endswith(
        "CORSRouter(cors=CORSPolicy(origins=['https://a.example.com'], allow_credentials=True, enforce=True))"
    )


def is_known(origin: str, connection: Any) -> bool:
    return False


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("endpoint", "@cors(origins=[{}], enforce=True)"),
        ("router", "CORSRouter(cors=CORSPolicy(origins=[{}], enforce=True))"),
        ("mount", "cors(origins=[{}], enforce=True)(...)"),
        ("app", "install_cors(app, default=CORSPolicy(origins=[{}], enforce=True))"),
        ("mounted app", "install_cors(app, default=CORSPolicy(origins=[{}], enforce=True))"),
    ],
)
def test_a_policy_as_it_can_be_pasted(source: Any, code: str) -> None:
    policy = CORSPolicy(origins=[A, re.compile(r"https://b\d\.example\.com"), is_known])
    origins = f"{A!r}, re.compile('https://b\\\\d\\\\.example\\\\.com'), is_known"
    assert as_code(policy, source, enforce=True) == code.format(origins)


def test_changes_that_do_not_go_together_are_shown_alone() -> None:
    policy = CORSPolicy(origins="*")
    assert as_code(policy, "endpoint", allow_credentials=True) == "allow_credentials=True"
