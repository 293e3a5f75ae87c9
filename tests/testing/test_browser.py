"""`Browser` and `AsyncBrowser` as a test calls them: arguments, event loops, other libraries' apps."""

from __future__ import annotations

import sys
import warnings
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from fastapi import FastAPI
from interpreters import printed_by
from live_server import HOST
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import route_cors.testing
from route_cors import CORSPolicy, cors, install_cors
from route_cors.testing import AsyncBrowser, Browser, CORSBlocked

from .site import ALLOWED, GRANTED, A, Answer, E, Site

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.requests import Request
    from starlette.types import ASGIApp

BOTH = pytest.mark.parametrize("kind", [Browser, AsyncBrowser])
NOTES = {"/notes": Answer(200, ALLOWED, b"notes")}


def a_site() -> Site:
    return Site(dict(NOTES))


def sync_client(**arguments: Any) -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200)), **arguments)


def async_client(**arguments: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app=a_site()), **arguments)


# --- origin -------------------------------------------------------------------------------------------


@BOTH
def test_a_browser_without_an_origin_fails(kind: Any) -> None:
    with pytest.raises(TypeError, match="missing 1 required keyword-only argument: 'origin'"):
        kind(a_site())


@BOTH
def test_an_origin_is_given_by_name(kind: Any) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        kind(a_site(), A)


@BOTH
@pytest.mark.parametrize("origin", [None, 5, b"https://app.example.com", ["https://app.example.com"]])
def test_an_origin_that_is_no_string_is_named(kind: Any, origin: Any) -> None:
    with pytest.raises(TypeError) as caught:
        kind(a_site(), origin=origin)

    assert str(caught.value).startswith(
        f"origin: {origin!r}: must be the origin of a page, such as 'https://"
    )


@BOTH
@pytest.mark.parametrize(
    ("origin", "says"),
    [
        ("https://app.example.com/", "write 'https://app.example.com'"),
        ("HTTPS://App.example.com", "write 'https://app.example.com'"),
        ("https://app.example.com:443", "write 'https://app.example.com'"),
        ("https://m\xfcller.example", "write 'https://xn--mller-kva.example'"),
        ("https://*.example.com", "a page has one origin, not a pattern"),
        ("app.example.com", ""),
        ("*", ""),
        ("", ""),
        ("file:///index.html", ""),
        ("https://app.example.com, https://evil.example", ""),
        ("https://user@app.example.com", ""),
        ("https://app.example.com\n", ""),
    ],
)
def test_a_bad_origin_is_named_with_its_fix(kind: Any, origin: str, says: str) -> None:
    with pytest.raises(ValueError) as caught:
        kind(a_site(), origin=origin)

    assert repr(origin) in str(caught.value)
    assert says in str(caught.value)
    # `raise ... from None`: no second traceback of the package's own.
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@BOTH
@pytest.mark.parametrize("origin", [A, "null", "http://localhost:3000", "https://[::1]:8443"])
def test_a_browser_says_of_which_page_it_is(kind: Any, origin: str) -> None:
    browser = kind(a_site(), origin=origin)

    assert browser.origin == origin
    assert repr(browser) == f"<{kind.__name__} at {origin}>"
    assert list(browser.history) == []
    assert dict(browser.cookies) == {}
    assert list(browser.preflight_cache.entries) == []


# --- target -------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "target",
    [
        None,
        5,
        object(),
        b"http://127.0.0.1",
        httpx.URL("http://127.0.0.1"),
        httpx.ASGITransport(app=a_site()),
    ],
    ids=lambda target: type(target).__name__,
)
def test_what_is_no_target_is_named(kind: Any, target: Any) -> None:
    with pytest.raises(TypeError) as caught:
        kind(target, origin=A)

    must = "must be an ASGI app, the base URL of a live server, an httpx or httpx2 client, or a mapping"
    assert str(caught.value) == f"target: {target!r}: {must} of origins to these"


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
def test_a_client_of_the_other_kind_is_refused_by_name(library: str) -> None:
    module = pytest.importorskip(library)
    client = module.AsyncClient(verify=False)
    with pytest.raises(TypeError) as caught:
        Browser(client, origin=A)
    assert str(caught.value) == f"target: {client!r} is an async client: use AsyncBrowser"
    anyio.run(client.aclose)

    with module.Client(verify=False) as client:
        with pytest.raises(TypeError) as caught:
            AsyncBrowser(client, origin=A)
        assert str(caught.value) == f"target: {client!r} is a sync client: use Browser"


def test_a_test_client_is_refused_by_an_async_browser() -> None:
    with (
        closing(test_client(a_site())) as client,
        pytest.raises(TypeError, match="sync client: use Browser"),
    ):
        AsyncBrowser(client, origin=A)


def test_a_client_of_a_subclass_is_a_client() -> None:
    class OurClient(httpx.Client):
        pass

    with OurClient(
        transport=httpx.MockTransport(lambda _: httpx.Response(200)), base_url="http://x.example"
    ) as own:
        assert Browser(own, origin="http://x.example").fetch("/a").url == "http://x.example/a"


def test_any_callable_is_an_app() -> None:
    site = a_site()

    class App:
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await site(scope, receive, send)

    for app in (App(), App().__call__, partial(site)):
        assert Browser(app, origin=A).fetch("/notes").text == "notes"


# --- base_url -----------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize(
    "base_url", ["", "api.example.com", "/api", "127.0.0.1:8000", "http://", "http://a b/"]
)
def test_a_base_url_that_is_none_is_named(kind: Any, base_url: str) -> None:
    with pytest.raises(ValueError) as caught:
        kind(a_site(), origin=A, base_url=base_url)
    assert repr(base_url) in str(caught.value)
    assert "base_url" in str(caught.value)


@BOTH
@pytest.mark.parametrize(
    "base_url", ["ftp://a.example", "localhost:8000", "ws://a.example", "https://u:p@a.example"]
)
def test_a_base_url_is_of_http_and_without_credentials(kind: Any, base_url: str) -> None:
    message = f"base_url: {base_url!r}: must be an http or https URL, without a username and password"
    for arguments in ({"target": a_site(), "base_url": base_url}, {"target": base_url}):
        with pytest.raises(ValueError) as caught:
            kind(**arguments, origin=A)
        assert str(caught.value) == message


@BOTH
@pytest.mark.parametrize("base_url", [5, b"http://a.example"])
def test_a_base_url_that_is_no_string_is_named(kind: Any, base_url: Any) -> None:
    with pytest.raises((TypeError, ValueError)) as caught:
        kind(a_site(), origin=A, base_url=base_url)
    assert repr(base_url) in str(caught.value)


def test_relative_urls_start_at_the_base_url() -> None:
    hosts = ("https://api.example", "https://other.example", "http://plain.example")
    browser = Browser(dict.fromkeys(hosts, a_site()), origin=A, base_url="https://api.example/v1/")
    for url in (
        "notes",
        "/notes",
        "../notes",
        "//other.example/notes",
        "?q",
        "http://plain.example/notes",
        "",
    ):
        browser.fetch(url)
    browser.fetch("notes#part")

    assert [exchange.request.url for exchange in browser.history] == [
        "https://api.example/v1/notes",
        "https://api.example/notes",
        "https://api.example/notes",
        "https://other.example/notes",
        "https://api.example/v1/?q",
        "http://plain.example/notes",
        "https://api.example/v1/",
        "https://api.example/v1/notes",
    ]


def test_without_a_base_url_the_clients_own_counts() -> None:
    with sync_client(base_url="https://api.example/v1") as client:
        assert (
            Browser(client, origin="https://api.example").fetch("notes").url == "https://api.example/v1/notes"
        )
        other = Browser(client, origin="https://api.example", base_url="https://api.example/v2/")
        assert other.fetch("notes").url == "https://api.example/v2/notes"


def test_a_relative_url_needs_a_base() -> None:
    with sync_client() as client:
        browser = Browser(client, origin="https://api.example")
        hint = r"without a base_url it has to be absolute: 'https://api\.example\.com/path'"
        with pytest.raises(ValueError, match=f"^'/notes' is not a URL that a browser can parse; {hint}$"):
            browser.fetch("/notes")
        with pytest.raises(ValueError, match=f"^'/chat' is not a URL .*{hint}"):
            browser.connect("/chat")
        with pytest.raises(ValueError, match="cookie 'a': it needs a host"):
            browser.cookies.set("a", "1")
        assert browser.fetch("https://api.example/notes").status_code == 200
        assert len(browser.history) == 1


# --- what fetch refuses -------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str]] = [
    ({"mode": "navigate"}, "mode: 'navigate': must be one of 'cors', 'no-cors', 'same-origin'"),
    ({"mode": None}, "mode: None: must be one of"),
    ({"credentials": "yes"}, "credentials: 'yes': must be one of 'omit', 'same-origin', 'include'"),
    ({"credentials": True}, "credentials: True: must be one of"),
    ({"redirect": "no"}, "redirect: 'no': must be one of 'follow', 'error', 'manual'"),
    ({"method": "TRACE"}, "'TRACE'"),
    ({"content": "body"}, "GET"),
    ({"headers": {"a b": "c"}}, "'a b'"),
    ({"url": "https://user:secret@api.example/"}, "https://user:secret@api.example/"),
    ({"url": "ws://api.example/"}, "ws://api.example/"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG, ids=[says for _, says in WRONG])
def test_what_no_browser_would_send_is_refused_before_anything_is_sent(
    arguments: dict[str, Any], says: str
) -> None:
    site = a_site()
    given: dict[str, Any] = {"url": "/notes", **arguments}
    with pytest.raises(ValueError) as caught:
        Browser(site, origin=A).fetch(**given)
    assert says in str(caught.value)

    async def the_same() -> None:
        await AsyncBrowser(site, origin=A).fetch(**given)

    with pytest.raises(ValueError) as caught_async:
        anyio.run(the_same)
    assert str(caught_async.value) == str(caught.value)
    assert site.requests == []


@pytest.mark.parametrize("url", [None, 5, b"/notes"])
def test_a_url_that_is_no_string_is_named(url: Any) -> None:
    browser = Browser(a_site(), origin=A)
    for call in (browser.fetch, browser.connect):
        with pytest.raises((TypeError, ValueError)) as caught:
            call(url)
        assert repr(url) in str(caught.value)


@pytest.mark.parametrize(
    ("url", "subprotocols", "says"),
    [
        ("ftp://api.example/", [], "url: 'ftp://api.example/': a websocket's scheme is ws or wss"),
        ("/chat#part", [], "url: '/chat#part': browsers refuse the URL of a websocket with a fragment"),
        ("/chat", ["a b"], "subprotocols: ['a b']: must be tokens, each given once"),
        ("/chat", ["a", "a"], "subprotocols: ['a', 'a']: must be tokens, each given once"),
    ],
)
def test_what_no_browser_would_open_is_refused(url: str, subprotocols: list[str], says: str) -> None:
    site = a_site()
    with pytest.raises(ValueError) as caught:
        Browser(site, origin=A).connect(url, subprotocols=subprotocols)
    assert str(caught.value) == says
    assert site.requests == []


# --- the clock, what is no argument, pages ------------------------------------------------------------


@BOTH
def test_the_preflight_cache_ages_by_the_clock(kind: Any) -> None:
    site = a_site()
    site.granted = (*GRANTED, (b"access-control-max-age", b"60"))
    now = 0.0
    browser = kind(site, origin=A, clock=lambda: now)
    for seconds in (0, 59.9, 60.1, 120):
        now = seconds
        answer(browser.fetch, "/notes", method="PUT")

    assert site.log == [
        *("OPTIONS /notes", "PUT /notes"),
        "PUT /notes",
        *("OPTIONS /notes", "PUT /notes"),
        "PUT /notes",
    ]
    assert [exchange.from_cache for exchange in browser.history] == [
        *(False, False),
        *(True, False),
        *(False, False),
        *(True, False),
    ]
    assert len(browser.history.preflights) == 2
    assert len(browser.history.sent) == 6


@BOTH
def test_the_private_network_is_no_argument_any_more(kind: Any) -> None:
    with pytest.raises(TypeError) as caught:
        kind(a_site(), origin=A, private_network=True)
    assert str(caught.value) == (
        "private_network: browsers have dropped the headers of Private Network Access: remove it"
    )


@BOTH
def test_an_argument_that_there_never_was_is_refused(kind: Any) -> None:
    with pytest.raises(TypeError) as caught:
        kind(a_site(), origin=A, cookies={}, headers={})
    assert str(caught.value) == "'cookies', 'headers': a browser has no such argument"


@BOTH
def test_another_page_of_the_browser_has_its_own_history(kind: Any) -> None:
    site = a_site()
    now = 0.0
    ours = kind(site, origin=A, base_url="https://api.example/v1/", clock=lambda: now)
    answer(ours.fetch, "/notes", method="PUT")
    again = ours.page(origin=A)
    assert type(again) is kind
    answer(again.fetch, "../notes", method="PUT")

    # The cache is the browser's, and its clock too.
    assert [str(exchange) for exchange in again.history] == [
        "preflight OPTIONS https://api.example/notes -> answered by the preflight cache",
        "actual PUT https://api.example/notes -> 200",
    ]
    assert len(ours.history) == 2
    now = 100.0
    answer(again.fetch, "../notes", method="PUT")
    assert len(again.history.preflights) == 1
    with pytest.raises(ValueError, match=r"write 'https://a\.example'"):
        ours.page(origin="https://a.example/")


def answer(call: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    """What a method of either kind of browser returns."""
    outcome = call(*arguments, **more)
    if not hasattr(outcome, "__await__"):
        return outcome

    async def awaited() -> Any:
        return await outcome

    return anyio.run(awaited)


# --- forms, links, images, scripts -------------------------------------------------------------------


@BOTH
def test_a_form_of_a_stranger_is_sent_and_its_answer_seen_by_the_test_alone(kind: Any) -> None:
    site = Site({"/notes": Answer(303, [(b"location", b"/done")]), "/done": Answer(200)})
    stranger = kind(site, origin=E, base_url="https://api.example/")
    stranger.cookies.set("none", "1", same_site="None", secure=True)
    stranger.cookies.set("lax", "1")
    sent = answer(
        stranger.submit,
        "/notes",
        data=[("a", "1")],
        enctype="text/plain",
        referrer_policy="no-referrer",
        user_activated=True,
    )

    assert (sent.status_code, sent.url, sent.type) == (200, "https://api.example/done", "navigation")
    assert site.log == ["POST /notes", "GET /done"]
    post, get = site.requests
    assert (post.body, post.header("content-type")) == (b"a=1\r\n", "text/plain")
    assert [post.header(name) for name in ("origin", "cookie", "sec-fetch-user")] == ["null", "none=1", "?1"]
    assert [get.header(name) for name in ("origin", "cookie")] == [None, "none=1; lax=1"]
    assert [str(exchange) for exchange in stranger.history] == [
        "actual POST https://api.example/notes -> 303",
        "actual GET https://api.example/done -> 200",
    ]


@BOTH
def test_a_form_without_more_is_a_post(kind: Any) -> None:
    site = a_site()
    answer(kind(site, origin=A).submit, "/notes")
    answer(kind(site, origin=A).submit, "/notes?a=1", data={"b": "2"}, method="GET")
    assert site.log == ["POST /notes", "GET /notes?b=2"]
    assert site.requests[0].header("content-type") == "application/x-www-form-urlencoded"


@BOTH
def test_a_link_is_followed(kind: Any) -> None:
    site = a_site()
    sent = answer(kind(site, origin=E).navigate, "/notes", user_activated=True)
    assert (sent.status_code, sent.url, sent.type) == (200, "https://testserver/notes", "navigation")
    answer(kind(site, origin=E).navigate, "/notes", referrer_policy="no-referrer")
    assert site.log == ["GET /notes", "GET /notes"]
    assert [request.header("sec-fetch-user") for request in site.requests] == ["?1", None]
    assert {request.header("sec-fetch-mode") for request in site.requests} == {"navigate"}


@BOTH
@pytest.mark.parametrize("as_", ["image", "script"])
def test_an_element_is_loaded(kind: Any, as_: str) -> None:
    site = a_site()
    page = kind(site, origin=E)
    seen = answer(page.embed, "/notes", as_=as_)
    assert (seen.status_code, seen.type, seen.content, dict(seen.headers)) == (0, "opaque", b"", {})
    assert site.requests[0].header("sec-fetch-dest") == as_
    assert page.history[0].response.content == b"notes"


@BOTH
def test_a_fetch_may_hide_its_origin(kind: Any) -> None:
    site = a_site()
    answer(kind(site, origin=E).fetch, "/notes", method="POST", mode="no-cors", referrer_policy="no-referrer")
    assert site.requests[0].header("origin") == "null"


# --- event loops --------------------------------------------------------------------------------------

# asyncio always; trio where it is installed.
BACKENDS = pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])


@pytest.fixture
def backend(anyio_backend: str) -> str:
    if anyio_backend == "trio":
        pytest.importorskip("trio")
    return anyio_backend


@BACKENDS
def test_both_browsers_work_in_any_event_loop(backend: str) -> None:
    site = a_site()

    async def test() -> None:
        for browser in (Browser(site, origin=A), AsyncBrowser(site, origin=A)):
            stranger: Any = browser.page(origin=E)
            response: Any = browser.fetch("/notes", method="PUT")
            handshake: Any = browser.connect("/chat")
            if isinstance(browser, AsyncBrowser):
                response, handshake = await response, await handshake
            assert (response.text, handshake.url) == ("notes", "wss://testserver/chat")
            with pytest.raises(CORSBlocked, match="preflight"):
                await outcome_of(stranger.fetch("/notes", method="PUT"))
            with pytest.raises(CORSBlocked, match="403"):
                await outcome_of(stranger.connect("/chat"))

    anyio.run(test, backend=backend)


async def outcome_of(outcome: Any) -> Any:
    return await outcome if hasattr(outcome, "__await__") else outcome


@BACKENDS
def test_an_async_browsers_app_runs_in_the_tests_own_event_loop(backend: str) -> None:
    async def test() -> None:
        released = anyio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await released.wait()
            await a_site()(scope, receive, send)

        async def release() -> None:
            released.set()

        browser = AsyncBrowser(app, origin=A)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(release)
            assert (await browser.fetch("/notes")).text == "notes"

    anyio.run(test, backend=backend)


@BACKENDS
def test_fetches_at_the_same_time_do_not_mix(backend: str) -> None:
    """All are at the server before the first is answered, and they are answered in the opposite order."""
    count = 20
    site = Site({f"/{n}": Answer(200, ALLOWED, str(n).encode()) for n in range(count)})

    async def test() -> dict[int, Any]:
        waiting = {n: anyio.Event() for n in range(count)}
        arrived: list[int] = []

        async def app(scope: Any, receive: Any, send: Any) -> None:
            number = int(scope["path"][1:])
            arrived.append(number)
            if len(arrived) == count:
                waiting[count - 1].set()
            await waiting[number].wait()
            await site(scope, receive, send)
            waiting[number - 1 if number else 0].set()

        pages = {True: AsyncBrowser(app, origin=A), False: AsyncBrowser(app, origin=E)}
        outcomes: dict[int, Any] = {}

        async def call(number: int) -> None:
            try:
                outcomes[number] = (await pages[number % 2 == 0].fetch(f"/{number}")).text
            except CORSBlocked as blocked:
                outcomes[number] = blocked

        async with anyio.create_task_group() as tasks:
            for number in range(count):
                tasks.start_soon(call, number)
        assert sorted(arrived) == list(range(count))
        assert len(pages[True].history) == len(pages[False].history) == count // 2
        return outcomes

    outcomes = anyio.run(test, backend=backend)
    assert len(outcomes) == count
    for number, outcome in outcomes.items():
        if number % 2 == 0:
            assert outcome == str(number)
        else:
            assert outcome.request.url == f"https://testserver/{number}"
            assert outcome.response.content == str(number).encode()


def test_a_browser_of_an_app_may_outlive_an_event_loop() -> None:
    browser = AsyncBrowser(a_site(), origin=A)
    for _ in range(2):
        assert answer(browser.fetch, "/notes", method="PUT").text == "notes"

    # The second preflight was spared.
    assert len(browser.history.preflights) == 1


def test_what_ends_a_program_ends_it() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer(AsyncBrowser(app, origin=A).fetch, "/")


# --- apps of any CORS library -------------------------------------------------------------------------


def notes(request: Request) -> PlainTextResponse:
    return PlainTextResponse("notes", headers={"X-Id": "7"})


def plain_app(*methods: str) -> Starlette:
    return Starlette(routes=[Route("/notes", notes, methods=["GET", "PUT", *methods])])


def with_cors_middleware() -> ASGIApp:
    return CORSMiddleware(
        plain_app(),
        allow_origins=[A],
        allow_methods=["PUT"],
        allow_headers=["X-Token"],
        expose_headers=["X-Id"],
    )


def with_asgi_cors() -> ASGIApp:
    asgi_cors: Any = pytest.importorskip("asgi_cors")
    # It adds headers, and leaves it to the app to answer preflights.
    app: ASGIApp = asgi_cors.asgi_cors(plain_app("OPTIONS"), hosts=[A], methods=["PUT"], headers=["X-Token"])
    return app


def with_install_cors() -> ASGIApp:
    app = plain_app()
    install_cors(app, default=CORSPolicy(origins=A, allow_headers=["X-Token"], expose_headers=["X-Id"]))
    return app


def with_a_policy_per_route() -> ASGIApp:
    app = FastAPI()

    @app.api_route("/notes", methods=["GET", "PUT"])
    @cors(origins=A, allow_headers=["X-Token"], expose_headers=["X-Id"])
    def notes() -> PlainTextResponse:
        return PlainTextResponse("notes", headers={"X-Id": "7"})

    install_cors(app)
    return app


def test_client(app: ASGIApp) -> Any:
    with warnings.catch_warnings():
        # Starlette's newest prefers httpx2 and says so where only httpx is there.
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    return TestClient(app)


# A helper, whatever its name begins with.
test_client.__test__ = False  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "build", [with_cors_middleware, with_asgi_cors, with_install_cors, with_a_policy_per_route]
)
@pytest.mark.parametrize("through", [lambda app: app, test_client], ids=["app", "TestClient"])
def test_every_cors_library_is_judged_by_the_same_calls(
    build: Callable[[], ASGIApp], through: Callable[[Any], Any]
) -> None:
    target = through(build())
    ours = Browser(target, origin=A)
    response = ours.fetch("/notes", method="PUT", headers={"X-Token": "t"})
    assert (response.status_code, response.text, response.type) == (200, "notes", "cors")
    # asgi-cors exposes nothing.
    assert response.headers.get("x-id") == (None if build is with_asgi_cors else "7")
    assert ours.fetch("/notes").text == "notes"

    stranger = Browser(target, origin=E)
    with pytest.raises(CORSBlocked, match=r"^the (policy refuses the )?preflight .*origin") as caught:
        stranger.fetch("/notes", method="PUT")
    assert caught.value.fix.splitlines()[1] == f"Access-Control-Allow-Origin: {E}"
    with pytest.raises(CORSBlocked, match=r"^the response .* origin"):
        stranger.fetch("/notes")
    assert stranger.fetch("/notes", mode="no-cors").type == "opaque"

    with pytest.raises(CORSBlocked) as caught:
        ours.fetch("/notes", headers={"X-Other": "t"})
    assert caught.value.step == "preflight"
    assert caught.value.fix.splitlines()[-1] == "Access-Control-Allow-Headers: x-other"
    with pytest.raises(CORSBlocked, match="credentials mode is 'include'"):
        ours.fetch("/notes", credentials="include")


# --- without the extra --------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["ada_url", "anyio"])
def test_without_what_it_needs_the_import_says_what_to_install(missing: str, tmp_path: Path) -> None:
    code = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == {missing!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
try:
    from route_cors.testing import Browser
except ImportError as error:
    print(error)
"""
    expected = f"route_cors.testing needs {missing}: pip install 'route-cors[testing]'\n"
    assert printed_by(code, tmp_path) == expected


def test_without_httpx_only_what_needs_it_fails(tmp_path: Path) -> None:
    code = f"""
import sys
sys.modules["httpx"] = sys.modules["httpx2"] = None
from route_cors.testing import AsyncBrowser, Browser, CORSBlocked

async def app(scope, receive, send):
    await send({{"type": "http.response.start", "status": 200}})
    await send({{"type": "http.response.body", "body": b"own"}})

print(Browser(app, origin="https://testserver").fetch("/").text)
for kind in (Browser, AsyncBrowser):
    try:
        kind("http://{HOST}:9", origin={A!r})
    except ImportError as error:
        print(error)
"""
    says = "route_cors.testing needs httpx or httpx2 here: pip install 'route-cors[testing]'\n"
    assert printed_by(code, tmp_path) == f"own\n{says}{says}"


def test_without_httpx_the_other_one_does(monkeypatch: pytest.MonkeyPatch) -> None:
    httpx2 = pytest.importorskip("httpx2")
    monkeypatch.setitem(sys.modules, "httpx", None)
    # The port is closed: what is raised tells which library it was.
    with pytest.raises(httpx2.ConnectError):
        Browser(f"http://{HOST}:9", origin=A).fetch("/")


def test_the_missing_import_is_named_here_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    monkeypatch.setitem(sys.modules, "httpx2", None)
    with pytest.raises(ImportError, match=r"needs httpx or httpx2 here: pip install 'route-cors\[testing\]'"):
        Browser(f"http://{HOST}:9", origin=A)


def test_four_names_are_public() -> None:
    assert route_cors.testing.__all__ == ["AsyncBrowser", "Browser", "CORSBlocked", "UnknownHostError"]
