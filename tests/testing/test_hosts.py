"""Several hosts: which server answers, what leads to none, and what goes from one to the other."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_server import Server

from route_cors.testing import AsyncBrowser, Browser, CORSBlocked, UnknownHostError
from route_cors.testing.hosts import Everywhere, checked_hosts, origin_of

from .site import ALLOWED, A, Answer, E, Site

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

BOTH = pytest.mark.parametrize("kind", [Browser, AsyncBrowser])

API = "https://api.example.com"  # of the same site as A
IDP = "https://idp.example"
NOTES = {"/notes": Answer(200, ALLOWED, b"notes")}


def outcome(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """What a method of either kind of browser returns."""
    returned = call(*arguments, **named)
    if not hasattr(returned, "__await__"):
        return returned

    async def awaited() -> Any:
        return await returned

    return anyio.run(awaited)


def unknown(call: Callable[..., Any], *arguments: Any, **named: Any) -> UnknownHostError:
    with pytest.raises(UnknownHostError) as caught:
        outcome(call, *arguments, **named)
    return caught.value


def to(location: str, *headers: tuple[bytes, bytes], status: int = 302) -> Answer:
    return Answer(status, [(b"location", location.encode()), *headers])


def cookies_of(site: Site) -> list[tuple[str, str | None]]:
    return [(recorded.line, recorded.header("cookie")) for recorded in site.requests]


# --- an app answers for its own origin alone ----------------------------------------------------------


@BOTH
def test_an_app_does_not_answer_for_a_host_that_a_redirect_leads_to(kind: Any) -> None:
    # It has the path itself: that it answered there made such a test pass.
    site = Site({"/login": to(f"{IDP}/authorize?state=1"), "/authorize": Answer(200, ALLOWED)})
    browser = kind(site, origin="https://testserver")
    error = unknown(browser.fetch, "/login")

    assert (error.method, error.url, error.origin) == ("GET", f"{IDP}/authorize?state=1", IDP)
    assert error.known == ("https://testserver",)
    assert str(error) == (
        f"{IDP}: no server answers for this origin (GET {IDP}/authorize?state=1); only for "
        f"https://testserver: name both, Browser({{'https://testserver': ..., '{IDP}': ...}}, origin=...), "
        f"or give base_url='{IDP}' if the app itself is there"
    )
    assert site.log == ["GET /login"]
    assert [str(each) for each in browser.history] == ["actual GET https://testserver/login -> 302"]


@BOTH
@pytest.mark.parametrize(
    "url",
    [
        "https://testserver:8443/notes",
        "http://testserver/notes",
        "https://testserver./notes",
        "https://sub.testserver/notes",
        "https://other.example/notes",
    ],
)
def test_an_app_answers_for_one_scheme_host_and_port(kind: Any, url: str) -> None:
    site = Site(dict(NOTES))
    browser = kind(site, origin=A)
    for call in (browser.fetch, browser.navigate, browser.submit):
        assert unknown(call, url).url == url
    assert unknown(browser.embed, url, as_="image").url == url
    assert unknown(browser.connect, url).url == url.replace("http", "ws", 1)
    error = unknown(browser.fetch, url, method="PUT")
    assert (error.method, error.url) == ("OPTIONS", url)
    assert site.requests == []
    assert outcome(browser.fetch, "https://testserver:443/notes").text == "notes"
    assert outcome(browser.connect, "wss://testserver:443/chat").url == "wss://testserver/chat"


@BOTH
def test_the_base_url_says_whose_answers_they_are(kind: Any) -> None:
    browser = kind(Site(dict(NOTES)), origin=A, base_url=f"{API}/v1/")
    assert outcome(browser.fetch, f"{API}/notes").text == "notes"
    assert unknown(browser.fetch, "https://testserver/notes").known == (API,)
    stranger = browser.page(origin=E)
    assert unknown(stranger.fetch, f"{IDP}/notes").known == (API,)


def test_an_app_in_a_client_answers_for_one_origin_too() -> None:
    from starlette.testclient import TestClient

    site = Site(dict(NOTES))
    client = TestClient(site)
    browser = Browser(client, origin=A)
    assert browser.fetch("http://testserver/notes").text == "notes"
    for call in (browser.fetch, browser.connect):
        assert unknown(call, f"{IDP}/chat").known == ("http://testserver",)
    moved = Browser(client, origin=A, base_url=API)
    assert moved.fetch("/notes").text == "notes"
    assert moved.connect("/chat").url == "wss://api.example.com/chat"
    assert unknown(moved.fetch, "http://testserver/notes").known == (API,)
    assert len(site.requests) == 3


def test_so_does_one_in_an_async_client() -> None:
    async def test() -> None:
        transport = httpx.ASGITransport(app=Site(dict(NOTES)))
        async with httpx.AsyncClient(transport=transport) as client:
            browser = AsyncBrowser(client, origin=A, base_url=API)
            assert (await browser.fetch("/notes")).text == "notes"
            with pytest.raises(UnknownHostError):
                await browser.fetch(f"{IDP}/notes")
            with pytest.raises(UnknownHostError) as caught:
                await AsyncBrowser(client, origin=A).fetch(f"{API}/notes")
            assert str(caught.value) == (
                f"{API}: no server answers for this origin (GET {API}/notes); "
                f"the client has no base_url: give the browser base_url='{API}'"
            )

    anyio.run(test)


def test_the_mounts_of_a_client_name_hosts_themselves() -> None:
    async def test() -> None:
        mounts = {IDP: httpx.ASGITransport(app=Site(dict(NOTES)))}
        transport = httpx.ASGITransport(app=Site())
        async with httpx.AsyncClient(transport=transport, mounts=mounts, base_url=API) as client:
            browser = AsyncBrowser(client, origin=A)
            assert (await browser.fetch(f"{IDP}/notes")).text == "notes"
            assert (await browser.fetch("/notes")).status_code == 404

    anyio.run(test)


# --- the error ----------------------------------------------------------------------------------------


def test_a_browser_does_not_block_it() -> None:
    assert not issubclass(UnknownHostError, CORSBlocked)
    assert UnknownHostError.__module__ == "route_cors.testing"


def test_where_there_are_several_hosts_it_says_so() -> None:
    site = Site(dict(NOTES))
    hosts = [f"https://{letter}.example" for letter in "abcdefg"]
    error = unknown(Browser(dict.fromkeys(hosts, site), origin=A).fetch, f"{IDP}/notes")
    assert str(error) == (
        f"{IDP}: no server answers for this origin (GET {IDP}/notes); only for {', '.join(hosts[:5])}, ...: "
        f"add '{IDP}': ... to the browser's mapping"
    )
    error = unknown(Browser(dict.fromkeys(hosts[:2], site), origin=A).fetch, f"{IDP}/notes")
    assert f"; only for {', '.join(hosts[:2])}: add '" in str(error)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])  # noqa: S301 - what was pickled here
def test_it_survives_the_way_out_of_a_worker_process(again: Callable[[Any], Any]) -> None:
    error = UnknownHostError("GET", f"{IDP}/", IDP, (API,))
    assert type(again(error)) is UnknownHostError
    assert str(again(error)) == str(error)


@given(st.text(), st.text(), st.text(), st.lists(st.text()))
def test_whatever_leads_there_is_printable(method: str, url: str, origin: str, known: list[str]) -> None:
    assert str(UnknownHostError(method, url, origin, tuple(known))).isprintable()


# --- a mapping ----------------------------------------------------------------------------------------


@BOTH
def test_each_host_has_its_own_app(kind: Any) -> None:
    api, idp = Site(dict(NOTES)), Site({"/notes": Answer(200, ALLOWED, b"others")})
    browser = kind({API: api, IDP: idp, "http://[::1]:8000": api}, origin=A)

    assert outcome(browser.fetch, "/notes").text == "notes"
    assert outcome(browser.fetch, f"{IDP}/notes").text == "others"
    assert outcome(browser.fetch, "http://[::1]:8000/notes").text == "notes"
    assert outcome(browser.connect, "wss://idp.example/chat").url == "wss://idp.example/chat"
    assert outcome(browser.connect, "/chat").url == "wss://api.example.com/chat"
    assert outcome(browser.submit, f"{IDP}/form").url == f"{IDP}/form"
    assert outcome(browser.navigate, f"{IDP}/link").url == f"{IDP}/link"
    outcome(browser.embed, f"{IDP}/image", as_="image")
    assert idp.log == ["GET /notes", "WEBSOCKET /chat", "POST /form", "GET /link", "GET /image"]
    assert [recorded.header("host") for recorded in api.requests] == [
        "api.example.com",
        "[::1]:8000",
        "api.example.com",
    ]
    assert {recorded.header("host") for recorded in idp.requests} == {"idp.example"}
    assert unknown(browser.fetch, "https://third.example/").known == (API, IDP, "http://[::1]:8000")
    assert outcome(browser.page(origin=E).navigate, f"{IDP}/link").status_code == 404


@BOTH
def test_relative_urls_start_at_the_first_host_or_the_base_url(kind: Any) -> None:
    api, idp = Site(), Site()
    outcome(kind({API: api, IDP: idp}, origin=A).navigate, "a")
    outcome(kind({API: api, IDP: idp}, origin=A, base_url=f"{IDP}/v1/").navigate, "b")
    assert (api.log, idp.log) == (["GET /a"], ["GET /v1/b"])
    with pytest.raises(ValueError) as caught:
        kind({API: api}, origin=A, base_url=f"{IDP}/v1/")
    assert str(caught.value) == (
        f"base_url: '{IDP}/v1/': no server of the mapping answers for it; add '{IDP}': ... to it"
    )


@BOTH
def test_a_mapping_that_changes_later_changes_nothing(kind: Any) -> None:
    hosts: dict[str, Any] = {API: Site(dict(NOTES))}
    browser = kind(hosts, origin=A)
    hosts.clear()
    assert outcome(browser.page(origin=A).fetch, "/notes").text == "notes"


WRONG: list[tuple[dict[Any, Any], str]] = [
    ({}, "target: {}: no server: name the origin of each one: {'https://api.example.com': app}"),
    (
        {"https://a.example/v1": 1},
        (
            "target: 'https://a.example/v1': an origin has no user, path, query and fragment; "
            "write 'https://a.example' instead"
        ),
    ),
    (
        {"https://a.example/": 1},
        (
            "target: 'https://a.example/': an origin has no user, path, query and fragment; "
            "write 'https://a.example' instead"
        ),
    ),
    (
        {"https://u@a.example": 1},
        (
            "target: 'https://u@a.example': an origin has no user, path, query and fragment; "
            "write 'https://a.example' instead"
        ),
    ),
    (
        {"https://a.example?b": 1},
        (
            "target: 'https://a.example?b': an origin has no user, path, query and fragment; "
            "write 'https://a.example' instead"
        ),
    ),
    (
        {"HTTPS://A.example:443": 1},
        (
            "target: 'HTTPS://A.example:443': not how browsers write this origin; "
            "write 'https://a.example' instead"
        ),
    ),
    (
        {"https://m\xfcller.example": 1},
        (
            "target: 'https://m\xfcller.example': not how browsers write this origin; "
            "write 'https://xn--mller-kva.example' instead"
        ),
    ),
    (
        {"wss://a.example": 1},
        (
            "target: 'wss://a.example': the websockets of a server belong to its http or https origin; "
            "write 'https://a.example' instead"
        ),
    ),
    (
        {"null": 1},
        "target: 'null': no server has this origin; write that of its URLs, as 'https://api.example.com'",
    ),
    (
        {"https://*.a.example": 1},
        "target: 'https://*.a.example': a server has one origin, not a pattern; write an entry for each",
    ),
    ({"*": 1}, "target: '*': a server has one origin, not a pattern; write an entry for each"),
    *(
        (
            {key: 1},
            f"target: {key!r}: must be an http or https origin, such as 'https://api.example.com'",
        )
        for key in (
            "",
            "a.example",
            "/v1",
            "ftp://a.example",
            "file:///x",
            "http://a b",
            "https://%2a.example",
        )
    ),
    (
        {"https://a.example": 1, "https://A.example/": 2},
        (
            "target: 'https://A.example/': the same origin as 'https://a.example': remove one, "
            "and write 'https://a.example'"
        ),
    ),
    (
        {"https://a.example:443": 1, "https://a.example": 2},
        (
            "target: 'https://a.example': the same origin as 'https://a.example:443': remove one, "
            "and write 'https://a.example'"
        ),
    ),
    (
        {API: "127.0.0.1:8000"},
        f"target: '{API}': '127.0.0.1:8000': must be the origin of a live server, as 'http://127.0.0.1:8000'",
    ),
    *(
        (
            {API: address},
            f"target: '{API}': {address!r}: must be the origin of a live server, as 'http://127.0.0.1:8000'",
        )
        for address in ("", "ws://127.0.0.1", "http://u:p@127.0.0.1", "null")
    ),
    (
        {API: "http://127.0.0.1:8000/v1"},
        (
            f"target: '{API}': 'http://127.0.0.1:8000/v1': must be the origin of a live server, as "
            "'http://127.0.0.1:8000', without a path; write 'http://127.0.0.1:8000' instead"
        ),
    ),
]


@BOTH
@pytest.mark.parametrize(("hosts", "says"), WRONG, ids=[repr(hosts) for hosts, _ in WRONG])
def test_a_wrong_entry_is_named_with_its_fix(kind: Any, hosts: dict[Any, Any], says: str) -> None:
    with pytest.raises(ValueError) as caught:
        kind(hosts, origin=A)
    assert str(caught.value) == says
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@BOTH
@pytest.mark.parametrize("key", [5, None, b"https://a.example"])
def test_a_key_that_is_no_string_is_named(kind: Any, key: Any) -> None:
    with pytest.raises(TypeError) as caught:
        kind({key: Site()}, origin=A)
    says = f"target: {key!r}: the key of a server is its origin, such as 'https://api.example.com'"
    assert str(caught.value) == says


@BOTH
def test_a_server_of_a_mapping_is_of_the_same_kinds_as_a_target(kind: Any) -> None:
    for server in (5, {API: Site()}, None):
        with pytest.raises(TypeError if server is None or server == 5 else UnknownHostError):
            outcome(kind({IDP: server}, origin=A).fetch, "/")
    with (
        httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200))) as client,
        pytest.raises(TypeError, match="sync client: use Browser"),
    ):
        AsyncBrowser({API: client}, origin=A)


def test_a_client_may_be_a_server_of_a_mapping() -> None:
    from starlette.testclient import TestClient

    browser = Browser({API: Site(), IDP: TestClient(Site(dict(NOTES)))}, origin=A)
    assert browser.fetch(f"{IDP}/notes").text == "notes"
    assert browser.connect(f"{IDP}/chat").url == "wss://idp.example/chat"


@given(st.dictionaries(st.text() | st.sampled_from([API, f"{API}/", IDP, "null"]), st.none(), max_size=3))
def test_keys_are_origins_or_are_refused(hosts: dict[str, Any]) -> None:
    said = ""
    checked: dict[str, Any] = {}
    try:
        checked = checked_hosts(hosts)
    except ValueError as error:
        said = str(error)
    assert checked == hosts or said.startswith("target: ")
    assert said.isprintable()
    assert all(origin_of(key) == key for key in checked)


# --- live servers beside apps -------------------------------------------------------------------------


@BOTH
def test_a_live_server_may_have_another_address(kind: Any) -> None:
    live = Site({**NOTES, "/away": to(f"{IDP}/notes", *ALLOWED)})
    app = Site({"/notes": Answer(200, [(b"access-control-allow-origin", b"*")], b"others")})
    with Server(live) as server:
        browser = kind({API: server.url, IDP: app, server.url: server.url}, origin=A)
        read = outcome(browser.fetch, "/notes?a=b", method="PUT", content="body")
        assert (read.url, read.text) == (f"{API}/notes?a=b", "notes")
        assert outcome(browser.fetch, "/away").text == "others"
        assert outcome(browser.connect, "/chat").url == "wss://api.example.com/chat"
        assert outcome(browser.fetch, f"{server.url}/notes").text == "notes"
        assert unknown(browser.fetch, "https://third.example/").known == (API, IDP, server.url)
        moved = kind({API: f"{server.url}/"}, origin=A)
        assert outcome(moved.navigate, API).url == f"{API}/"

    assert live.log == [
        "OPTIONS /notes?a=b",
        "PUT /notes?a=b",
        "GET /away",
        "WEBSOCKET /chat",
        "GET /notes",
        "GET /",
    ]
    own = server.url.removeprefix("http://")
    assert [recorded.header("host") for recorded in live.requests] == [
        *["api.example.com"] * 4,
        own,
        "api.example.com",
    ]
    forwarded = [recorded.header("x-forwarded-proto") for recorded in live.requests]
    assert forwarded == [*["https"] * 4, None, "https"]
    assert live.requests[1].body == b"body"
    # The browser itself sent neither.
    assert "host" not in browser.history[1].request.headers
    assert browser.history[1].request.url == f"{API}/notes?a=b"


# --- from one host to the other -----------------------------------------------------------------------


@BOTH
def test_a_login_elsewhere_and_back(kind: Any) -> None:
    """A link to one host, its redirect to another site, and the way back, as with OpenID Connect."""
    api = Site(
        {
            "/login": to(
                f"{IDP}/authorize",
                (b"set-cookie", b"state=1; Path=/; Secure"),
                (b"set-cookie", b"strict=2; Path=/; SameSite=Strict"),
            ),
            "/callback": to(
                "/home", (b"set-cookie", b"session=3; Domain=example.com; Path=/; SameSite=Lax; Secure")
            ),
        }
    )
    idp = Site(
        {"/authorize": to(f"{API}/callback", (b"set-cookie", b"sso=4; Path=/; SameSite=None; Secure"))}
    )
    browser = kind({API: api, IDP: idp}, origin=A)
    reached = outcome(browser.navigate, "/login", user_activated=True)

    assert (reached.status_code, reached.url) == (404, f"{API}/home")
    assert cookies_of(api) == [
        ("GET /login", None),
        # A redirect came from another site: Strict stays at home.
        ("GET /callback", "state=1"),
        ("GET /home", "state=1; session=3"),
    ]
    assert cookies_of(idp) == [("GET /authorize", None)]
    sites = [recorded.header("sec-fetch-site") for recorded in (*api.requests, *idp.requests)]
    assert sites == ["same-site", "cross-site", "cross-site", "cross-site"]
    assert {recorded.header("sec-fetch-user") for recorded in (*api.requests, *idp.requests)} == {"?1"}

    outcome(browser.navigate, f"{IDP}/authorize")
    assert cookies_of(idp)[1:] == [("GET /authorize", "sso=4")]


@BOTH
def test_cookies_of_a_domain_go_to_its_hosts_alone(kind: Any) -> None:
    shared = Answer(
        200,
        [
            *ALLOWED,
            (b"set-cookie", b"wide=1; Domain=example.com; Path=/; Secure"),
            (b"set-cookie", b"own=2; Path=/; Secure"),
            (b"set-cookie", b"theirs=3; Domain=idp.example; Path=/; SameSite=None; Secure"),
        ],
    )
    api, auth, idp = Site({"/": shared}), Site({"/": Answer(200, ALLOWED)}), Site({"/": Answer(200, ALLOWED)})
    browser = kind({API: api, "https://auth.example.com": auth, IDP: idp}, origin=A)
    for url in (API, API, "https://auth.example.com", IDP):
        outcome(browser.fetch, url, credentials="include")
    assert cookies_of(api) == [("GET /", None), ("GET /", "wide=1; own=2")]
    assert cookies_of(auth) == [("GET /", "wide=1")]
    assert cookies_of(idp) == [("GET /", None)]
    insecure = kind({API: api, "http://api.example.com": auth}, origin="http://app.example.com")
    outcome(insecure.navigate, API)
    outcome(insecure.navigate, "http://api.example.com")
    assert auth.requests[-1].header("cookie") is None


@BOTH
def test_a_cookie_is_set_for_any_of_the_hosts(kind: Any) -> None:
    api, idp = Site(), Site()
    browser = kind({API: api, IDP: idp}, origin=IDP)
    browser.cookies.set("here", "1")
    browser.cookies.set("there", "2", url=IDP)
    browser.cookies.set("path", "3", url="/a/b", path="/a")
    with pytest.raises(ValueError) as caught:
        browser.cookies.set("x", "4", url=IDP, domain="example.com")
    says = "browsers do not store the cookie 'x=4; Path=/; Domain=example.com' from https://idp.example/"
    assert str(caught.value) == says
    with pytest.raises(ValueError, match=r"^'http://a b' is not a URL that a browser can parse"):
        browser.cookies.set("x", "4", url="http://a b")
    for url in (f"{IDP}/a", f"{API}/a"):
        outcome(browser.page(origin=url[:-2]).navigate, url)
    assert cookies_of(idp) == [("GET /a", "there=2")]
    assert cookies_of(api) == [("GET /a", "path=3; here=1")]


@BOTH
def test_an_app_may_stand_for_every_host(kind: Any) -> None:
    site = Site(dict(NOTES))
    browser = kind(Everywhere(site), origin=A)
    for url in ("/notes", f"{API}/notes", f"{IDP}/notes"):
        assert outcome(browser.fetch, url).text == "notes"


@BOTH
def test_third_party_cookies_need_samesite_none(kind: Any) -> None:
    set_both = [
        *ALLOWED,
        (b"set-cookie", b"lax=1; Path=/; Secure"),
        (b"set-cookie", b"none=2; Path=/; SameSite=None; Secure"),
    ]
    idp = Site({"/": Answer(200, set_both)})
    browser = kind({IDP: idp}, origin=A)
    for _ in range(2):
        outcome(browser.fetch, "/", credentials="include")
    outcome(browser.fetch, "/", credentials="same-origin")
    assert cookies_of(idp) == [("GET /", None), ("GET /", "none=2"), ("GET /", None)]


@BOTH
def test_a_fetch_that_is_redirected_to_another_origin_has_none(kind: Any) -> None:
    any_origin = (b"access-control-allow-origin", b"*")
    api = Site({"/away": to(f"{IDP}/notes", any_origin, status=307)})
    idp = Site({"/notes": Answer(200, [any_origin], b"read")})
    browser = kind({API: api, IDP: idp}, origin=A)
    read = outcome(browser.fetch, "/away", headers={"Accept": "text/plain"})

    assert (read.text, read.url, read.type) == ("read", f"{IDP}/notes", "cors")
    sent = [*api.requests, *idp.requests]
    assert [recorded.header("origin") for recorded in sent] == [A, "null"]
    assert [recorded.header("sec-fetch-site") for recorded in sent] == ["same-site", "cross-site"]
    with pytest.raises(CORSBlocked) as caught:
        outcome(browser.fetch, "/away", credentials="include")
    assert caught.value.request is not None
    assert caught.value.request.url == f"{API}/away"


@BOTH
def test_a_preflight_is_asked_at_each_host_and_authorization_stays_behind(kind: Any) -> None:
    grants = [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-headers", b"authorization, x-token"),
    ]
    open_to_all = (b"access-control-allow-origin", b"*")
    api = Site({"/away": to(f"{IDP}/notes", open_to_all, status=307)}, granted=grants)
    idp = Site({"/notes": Answer(200, [open_to_all], b"read")}, granted=grants)
    browser = kind({API: api, IDP: idp}, origin=A)
    read = outcome(browser.fetch, "/away", headers={"Authorization": "Bearer x", "X-Token": "t"})

    assert read.text == "read"
    assert (api.log, idp.log) == (["OPTIONS /away", "GET /away"], ["OPTIONS /notes", "GET /notes"])
    assert api.requests[1].header("authorization") == "Bearer x"
    assert idp.requests[0].header("access-control-request-headers") == "x-token"
    assert idp.requests[1].header("authorization") is None


def test_apps_of_a_mapping_run_in_the_tests_own_event_loop() -> None:
    async def test() -> None:
        released = anyio.Event()

        async def waits(scope: Scope, receive: Receive, send: Send) -> None:
            await released.wait()
            await Site(dict(NOTES))(scope, receive, send)

        async def releases(scope: Scope, receive: Receive, send: Send) -> None:
            released.set()
            await Site(dict(NOTES))(scope, receive, send)

        browser = AsyncBrowser({API: waits, IDP: releases}, origin=A)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(browser.fetch, "/notes")
            assert (await browser.fetch(f"{IDP}/notes")).text == "notes"

    anyio.run(test)


# --- what errors show ---------------------------------------------------------------------------------


@BOTH
def test_secrets_are_shown_on_request_alone(kind: Any) -> None:
    app = Site({"/": Answer(200, [(b"set-cookie", b"session=s3cret")], b"hidden body")})
    for arguments, is_shown in (
        ({}, False),
        ({"show_secrets": False}, False),
        ({"show_secrets": True}, True),
    ):
        for browser in (kind(app, origin=A, **arguments), kind(app, origin=A, **arguments).page(origin=A)):
            browser.cookies.set("token", "abcdef", same_site="None", secure=True)
            with pytest.raises(CORSBlocked) as caught:
                outcome(browser.fetch, "/", credentials="include")
            secrets = ("s3cret", "hidden body", "abcdef")
            assert [each in str(caught.value) for each in secrets] == [is_shown] * 3
    refusing = kind(Site(), origin=E, show_secrets=True)
    refusing.cookies.set("token", "abcdef", same_site="None", secure=True)
    with pytest.raises(CORSBlocked, match="token=abcdef"):
        outcome(refusing.connect, "/chat")


@BOTH
@pytest.mark.parametrize("value", [None, 1, "yes"])
def test_show_secrets_is_a_bool(kind: Any, value: Any) -> None:
    with pytest.raises(TypeError) as caught:
        kind(Site(), origin=A, show_secrets=value)
    assert str(caught.value) == f"show_secrets: {value!r}: must be True or False"


@BOTH
def test_a_bad_origin_is_called_by_the_arguments_name(kind: Any) -> None:
    with pytest.raises(ValueError) as caught:
        kind(Site(), origin="https://app.example.com/")
    assert str(caught.value).startswith("origin: 'https://app.example.com/': ")
    assert str(caught.value).endswith("; write 'https://app.example.com' instead")
