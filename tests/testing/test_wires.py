"""One set of behaviours, of every kind of target: an app, a client, a live server."""

from __future__ import annotations

import gzip
import inspect
import warnings
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from live_server import Server

from route_cors.testing import AsyncBrowser, Browser, CORSBlocked

from .site import ALLOWED, GRANTED, A, Answer, E, Recorded, Site

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from starlette.types import ASGIApp, Receive, Scope, Send

    from route_cors.testing.handshake import Handshake
    from route_cors.testing.history import History
    from route_cors.testing.messages import Response

pytestmark = pytest.mark.anyio

MADE_UP = "https://testserver"

PLAIN = (*ALLOWED, (b"content-type", b"text/plain"))
NOTES = Answer(
    200,
    (*PLAIN, (b"access-control-expose-headers", b"X-Id"), (b"x-id", b"7"), (b"x-secret", b"8")),
    b"notes",
)


# --- the targets --------------------------------------------------------------------------------------

APPS = ["app", "async app"]
TEST_CLIENTS = ["TestClient", "TestClient in its with"]
MEMORY = ["httpx.AsyncClient in memory", "httpx2.AsyncClient in memory"]
NETWORK_CLIENTS = ["httpx.Client", "httpx2.Client", "httpx.AsyncClient", "httpx2.AsyncClient"]
NETWORK = [*NETWORK_CLIENTS, "base URL", "async base URL"]
ALL = [*APPS, *TEST_CLIENTS, *MEMORY, *NETWORK]
CLIENTS = [*TEST_CLIENTS, *MEMORY, *NETWORK_CLIENTS]


def targets(*names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("wired", names, indirect=True)


EVERY_TARGET = targets(*ALL)
EVERY_CLIENT = targets(*CLIENTS)
# Starlette's TestClient decodes each header as UTF-8.
EVERY_TARGET_FOR_BYTES = targets(*APPS, *MEMORY, *NETWORK)
# httpx over ASGITransport has none.
EVERY_TARGET_WITH_WEBSOCKETS = targets(*APPS, *TEST_CLIENTS, *NETWORK)


@dataclass
class Wired:
    """A target, and how to open pages on it.

    Args:
        name: one of `ALL`.
        target: what a browser is given.
        base: what relative URLs start from, without the slash at its end.
        kind: the browser that takes the target.
    """

    name: str
    target: Any
    base: str
    kind: type[Browser | AsyncBrowser]

    def page(self, origin: str = A, **arguments: Any) -> Page:
        return Page(self.kind(self.target, origin=origin, **arguments))

    async def call_itself(self, url: str, **arguments: Any) -> Any:
        """A request of the client's own, with no browser."""
        outcome = self.target.get(url, **arguments)
        return await outcome if inspect.isawaitable(outcome) else outcome


@dataclass
class Page:
    """A browser of either kind, with one spelling; a sync one is called inside the test's event loop."""

    browser: Any

    @property
    def history(self) -> History:
        history: History = self.browser.history
        return history

    async def fetch(self, url: str, **arguments: Any) -> Response:
        outcome: Any = self.browser.fetch(url, **arguments)
        response: Response = await outcome if inspect.isawaitable(outcome) else outcome
        return response

    async def connect(self, url: str, *, subprotocols: Sequence[str] = ()) -> Handshake:
        outcome: Any = self.browser.connect(url, subprotocols=subprotocols)
        handshake: Handshake = await outcome if inspect.isawaitable(outcome) else outcome
        return handshake

    async def blocked(self, url: str, **arguments: Any) -> CORSBlocked:
        with pytest.raises(CORSBlocked) as caught:
            await self.fetch(url, **arguments)
        return caught.value

    async def refused(self, url: str) -> CORSBlocked:
        with pytest.raises(CORSBlocked) as caught:
            await self.connect(url)
        return caught.value


@pytest.fixture
def site() -> Site:
    return Site({"/notes": NOTES})


@pytest.fixture(scope="module")
def live() -> Iterator[Server]:
    with Server(Site()) as server:
        yield server


@pytest.fixture
async def wired(request: pytest.FixtureRequest, site: Site, live: Server) -> AsyncIterator[Wired]:
    name: str = request.param
    live.app = site
    async with AsyncExitStack() as stack:
        match name:
            case "app":
                yield Wired(name, site, MADE_UP, Browser)
            case "async app":
                yield Wired(name, site, MADE_UP, AsyncBrowser)
            case "base URL":
                yield Wired(name, live.url, live.url, Browser)
            case "async base URL":
                yield Wired(name, live.url, live.url, AsyncBrowser)
            case "TestClient":
                client = test_client(site)
                stack.callback(client.close)
                yield Wired(name, client, MADE_UP, Browser)
            case "TestClient in its with":
                yield Wired(name, stack.enter_context(test_client(site)), MADE_UP, Browser)
            case _:
                library = pytest.importorskip(name.partition(".")[0])
                # verify=False: no client here has to read a list of certificates.
                if name.endswith("in memory"):
                    transport = library.ASGITransport(app=site, raise_app_exceptions=False)
                    client = library.AsyncClient(transport=transport, base_url=MADE_UP, verify=False)
                    yield Wired(name, await stack.enter_async_context(client), MADE_UP, AsyncBrowser)
                elif name.endswith("AsyncClient"):
                    client = library.AsyncClient(base_url=live.url, trust_env=False, verify=False)
                    yield Wired(name, await stack.enter_async_context(client), live.url, AsyncBrowser)
                else:
                    client = library.Client(base_url=live.url, trust_env=False, verify=False)
                    yield Wired(name, stack.enter_context(client), live.url, Browser)


def test_client(app: ASGIApp, **arguments: Any) -> Any:
    with warnings.catch_warnings():
        # Starlette's newest prefers httpx2 and says so where only httpx is there.
        warnings.simplefilter("ignore")
        from starlette.testclient import TestClient
    return TestClient(app, base_url=MADE_UP, **arguments)


# A helper, whatever its name begins with.
test_client.__test__ = False  # type: ignore[attr-defined]


# --- what comes back ----------------------------------------------------------------------------------


@EVERY_TARGET
async def test_an_allowed_call_goes_through_with_its_preflight(wired: Wired, site: Site) -> None:
    response = await wired.page().fetch("/notes?a=b", method="PUT", json={"a": 1}, headers={"X-Token": "t"})

    assert (response.status_code, response.text) == (200, "notes")
    assert (response.type, response.url) == ("cors", f"{wired.base}/notes?a=b")
    assert dict(response.headers) == {"content-length": "5", "content-type": "text/plain", "x-id": "7"}
    assert site.log == ["OPTIONS /notes?a=b", "PUT /notes?a=b"]
    preflight, actual = site.requests
    assert preflight.header("origin") == A
    assert preflight.header("access-control-request-method") == "PUT"
    assert preflight.header("access-control-request-headers") == "content-type,x-token"
    assert preflight.header("x-token") is None
    assert preflight.body == b""
    assert (actual.header("origin"), actual.header("x-token")) == (A, "t")
    assert (actual.header("content-type"), actual.body) == ("application/json", b'{"a":1}')


@EVERY_TARGET
async def test_history_holds_what_was_sent_and_all_that_came_back(wired: Wired) -> None:
    page = wired.page()
    await page.fetch("/notes", method="DELETE")

    preflight, actual = page.history
    assert str(preflight) == f"preflight OPTIONS {wired.base}/notes -> 204"
    assert str(actual) == f"actual DELETE {wired.base}/notes -> 200"
    assert actual.response is not None
    assert actual.response.headers["x-secret"] == "8"
    assert actual.response.content == b"notes"


@EVERY_TARGET
async def test_a_stranger_is_blocked_at_the_preflight(wired: Wired, site: Site) -> None:
    error = await wired.page(E).blocked("/notes", method="PUT")

    assert error.step == "preflight"
    assert f"has a value '{A}' that is not equal to the supplied origin" in error.reason
    assert error.request is not None
    assert (error.request.method, error.request.url) == ("OPTIONS", f"{wired.base}/notes")
    assert error.response is not None
    assert error.response.status_code == 204
    assert site.log == ["OPTIONS /notes"]


@EVERY_TARGET
async def test_a_stranger_is_blocked_at_the_actual_response(wired: Wired, site: Site) -> None:
    error = await wired.page(E).blocked("/notes")

    assert error.step == "actual"
    assert error.response is not None
    assert (error.response.status_code, error.response.content) == (200, b"notes")
    assert site.log == ["GET /notes"]


@EVERY_TARGET
async def test_an_own_page_reads_everything_without_a_preflight(wired: Wired, site: Site) -> None:
    response = await wired.page(wired.base).fetch("/notes", method="PUT")

    assert (response.type, response.headers["x-secret"]) == ("basic", "8")
    assert site.log == ["PUT /notes"]


@EVERY_TARGET
async def test_head_has_headers_and_no_body(wired: Wired, site: Site) -> None:
    response = await wired.page().fetch("/notes", method="HEAD")

    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == "5"
    assert site.log == ["HEAD /notes"]


@EVERY_TARGET
async def test_204_has_no_body(wired: Wired, site: Site) -> None:
    site.answers["/empty"] = Answer(204, ALLOWED)
    response = await wired.page().fetch("/empty", method="DELETE")

    assert (response.status_code, response.content, dict(response.headers)) == (204, b"", {})


@EVERY_TARGET
async def test_a_404_is_read_where_the_page_may(wired: Wired) -> None:
    assert (await wired.page().fetch("/nowhere")).status_code == 404
    assert (await wired.page(E).blocked("/nowhere")).step == "actual"


@EVERY_TARGET
async def test_a_large_body_arrives_whole_in_both_directions(wired: Wired, site: Site) -> None:
    large = bytes(range(256)) * 2048
    site.answers["/large"] = Answer(200, PLAIN, large)
    response = await wired.page().fetch("/large", method="POST", content=large)

    assert response.content == large
    assert site.requests[-1].body == large


# --- what is sent -------------------------------------------------------------------------------------


BODIES: list[tuple[dict[str, Any], bytes, str | None]] = [
    ({"content": "h\xe9llo"}, "h\xe9llo".encode(), "text/plain;charset=UTF-8"),
    ({"content": b"\x00\xff"}, b"\x00\xff", None),
    ({"content": ""}, b"", "text/plain;charset=UTF-8"),
    ({"json": {"a": [1, "\xe9"]}}, '{"a":[1,"\xe9"]}'.encode(), "application/json"),
    (
        {"data": {"a b": "c&d", "e": "\xe9"}},
        b"a+b=c%26d&e=%C3%A9",
        "application/x-www-form-urlencoded;charset=UTF-8",
    ),
    ({}, b"", None),
]


@EVERY_TARGET
async def test_each_form_of_a_body_arrives(wired: Wired, site: Site) -> None:
    for arguments, body, content_type in BODIES:
        assert (await wired.page().fetch("/notes", method="POST", **arguments)).status_code == 200
        assert site.requests[-1].body == body
        assert site.requests[-1].header("content-type") == content_type
        assert site.requests[-1].header("content-length") == str(len(body))


@EVERY_TARGET
async def test_the_method_is_spelled_as_a_browser_spells_it(wired: Wired, site: Site) -> None:
    page = wired.page()
    for method in ("patch", "put", "Delete"):
        await page.fetch("/notes", method=method)
        page.browser.preflight_cache.clear()

    assert site.log == [
        *("OPTIONS /notes", "patch /notes"),
        *("OPTIONS /notes", "PUT /notes"),
        *("OPTIONS /notes", "DELETE /notes"),
    ]
    asked = [recorded.header("access-control-request-method") for recorded in site.requests]
    assert asked[::2] == ["patch", "PUT", "DELETE"]


@EVERY_TARGET
async def test_an_upper_case_patch_is_another_method(wired: Wired, site: Site) -> None:
    error = await wired.page().blocked("/notes", method="PATCH")

    assert "Method PATCH is not allowed by Access-Control-Allow-Methods" in error.reason
    assert site.log == ["OPTIONS /notes"]


@EVERY_TARGET
async def test_a_url_is_sent_as_a_browser_writes_it(wired: Wired, site: Site) -> None:
    await wired.page().fetch("/a/../%zz|[\xe9] '?x=%zz|'\"[\xe9]#part")

    (recorded,) = site.requests
    assert recorded.scope["raw_path"] == b"/%zz|[%C3%A9]%20'"
    assert recorded.scope["query_string"] == b"x=%zz|%27%22[%C3%A9]"


@EVERY_TARGET
async def test_a_page_without_an_origin_sends_null(wired: Wired, site: Site) -> None:
    assert (await wired.page("null").blocked("/notes")).step == "actual"
    assert site.requests[0].header("origin") == "null"


# --- redirects ----------------------------------------------------------------------------------------


def redirect(location: bytes, status: int = 307) -> Answer:
    return Answer(status, (*ALLOWED, (b"location", location)))


@EVERY_TARGET
async def test_the_browser_follows_a_redirect(wired: Wired, site: Site) -> None:
    site.answers["/old"] = redirect(b"/notes?new")
    page = wired.page()
    response = await page.fetch("/old", method="PUT", content="body")

    assert (response.status_code, response.url) == (200, f"{wired.base}/notes?new")
    assert site.log == ["OPTIONS /old", "PUT /old", "OPTIONS /notes?new", "PUT /notes?new"]
    assert [recorded.body for recorded in site.requests] == [b"", b"body", b"", b"body"]
    assert [str(exchange).rpartition(" ")[2] for exchange in page.history] == ["204", "307", "204", "200"]


@EVERY_CLIENT
async def test_a_client_that_would_follow_leaves_it_to_the_browser(wired: Wired, site: Site) -> None:
    wired.target.follow_redirects = True
    site.answers["/old"] = redirect(b"/notes", 302)
    page = wired.page()

    assert (await page.blocked("/old", redirect="error")).step == "redirect"
    assert (await page.fetch("/old", redirect="manual")).type == "opaqueredirect"
    assert site.log == ["GET /old", "GET /old"]
    assert (await page.fetch("/old")).text == "notes"
    assert site.log[2:] == ["GET /old", "GET /notes"]


NOWHERE = [
    (b"http://[", "is not valid: 'http://[' is not a URL that a browser can parse"),
    (b"https://a b/", "is not valid"),
    (b"data:text/plain,hello", "only supported for protocol schemes: http, https"),
    (b"javascript:alert(1)", "only supported for protocol schemes: http, https"),
    (b"https://user:secret@other.example/", "contains a username and password"),
]


@EVERY_TARGET
async def test_a_redirect_that_leads_nowhere_is_blocked(wired: Wired, site: Site) -> None:
    page = wired.page()
    for location, says in NOWHERE:
        site.answers["/old"] = redirect(location, 302)
        error = await page.blocked("/old")

        assert (error.step, says in error.reason) == ("redirect", True), error
        assert error.response is not None
        assert error.response.headers["location"] == location.decode()
    assert site.log == ["GET /old"] * len(NOWHERE)


@EVERY_TARGET
async def test_two_locations_are_blocked(wired: Wired, site: Site) -> None:
    site.answers["/old"] = Answer(302, (*redirect(b"/notes").headers, (b"location", b"/other")))
    error = await wired.page().blocked("/old")

    assert (error.step, "Several Location headers: /notes, /other" in error.reason) == ("redirect", True)


@EVERY_CLIENT
async def test_the_clients_own_requests_still_see_locations(wired: Wired, site: Site) -> None:
    site.answers["/old"] = redirect(b"/notes", 302)
    await wired.page().fetch("/old")

    answer = await wired.call_itself("/old", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (302, "/notes")
    assert str(answer.next_request.url) == f"{wired.base}/notes"
    assert (await wired.call_itself("/old", follow_redirects=True)).text == "notes"


# --- a client is nothing but the wire -----------------------------------------------------------------


def own_affairs(client: Any) -> None:
    """All that a client could add to a request."""
    client.headers.update({"authorization": "Bearer x", "x-client": "1", "origin": "https://own.example"})
    client.auth = ("user", "password")
    client.params = {"q": "1"}
    client.cookies.set("theirs", "1")


def names_of_the_client(recorded: Recorded) -> set[str]:
    return {"authorization", "cookie", "user-agent", "x-client"} & set(recorded.headers)


@EVERY_CLIENT
async def test_what_a_client_would_add_is_not_sent(wired: Wired, site: Site) -> None:
    own_affairs(wired.target)
    assert (await wired.page().fetch("/notes", method="PUT", credentials="include")).status_code == 200

    assert site.log == ["OPTIONS /notes", "PUT /notes"]
    for recorded in site.requests:
        assert recorded.header("origin") == A
        assert names_of_the_client(recorded) == set()


@targets(*TEST_CLIENTS, *NETWORK_CLIENTS)
async def test_what_a_client_would_add_is_not_in_its_handshakes(wired: Wired, site: Site) -> None:
    own_affairs(wired.target)
    await wired.page().connect("/chat?a=b")

    assert site.log == ["WEBSOCKET /chat?a=b"]
    assert site.requests[0].header("origin") == A
    assert names_of_the_client(site.requests[0]) == set()


@EVERY_CLIENT
async def test_what_a_client_would_add_is_still_there_for_its_own_requests(wired: Wired, site: Site) -> None:
    own_affairs(wired.target)
    page = wired.page()
    await page.fetch("/notes")
    if wired.name not in MEMORY:
        await page.connect("/chat")
    site.requests.clear()
    await wired.call_itself("/notes")

    (recorded,) = site.requests
    assert recorded.line == "GET /notes?q=1"
    assert names_of_the_client(recorded) == {"authorization", "cookie", "user-agent", "x-client"}
    assert recorded.header("cookie") == "theirs=1"


@EVERY_CLIENT
async def test_hooks_of_a_client_are_for_its_own_requests(wired: Wired, site: Site) -> None:
    seen: list[str] = []
    wired.target.event_hooks = hooks(wired, seen)
    page = wired.page()
    await page.fetch("/notes", method="PUT")
    assert seen == []

    await wired.call_itself("/notes")
    assert seen == ["request", "response"]


def hooks(wired: Wired, seen: list[str]) -> dict[str, list[Any]]:
    if wired.kind is Browser:
        return {
            "request": [lambda _: seen.append("request")],
            "response": [lambda _: seen.append("response")],
        }

    async def note_request(_: Any) -> None:
        seen.append("request")

    async def note_response(_: Any) -> None:
        seen.append("response")

    return {"request": [note_request], "response": [note_response]}


# --- cookies ------------------------------------------------------------------------------------------

LOGIN = Answer(200, (*PLAIN, (b"set-cookie", b"session=abc; SameSite=None; Secure; Path=/")), b"welcome")


@EVERY_TARGET
async def test_cookies_are_the_browsers(wired: Wired, site: Site) -> None:
    site.answers["/login"] = LOGIN
    page = wired.page()
    response = await page.fetch("/login", method="POST", credentials="include")
    for credentials in ("include", "same-origin", "omit"):
        await page.fetch("/notes", credentials=credentials)

    assert "set-cookie" not in response.headers
    assert dict(page.browser.cookies) == {"session": "abc"}
    sent = [recorded.header("cookie") for recorded in site.requests]
    assert sent == [None, "session=abc", None, None]


@EVERY_TARGET
async def test_cookies_of_a_response_without_credentials_are_not_stored(wired: Wired, site: Site) -> None:
    site.answers["/login"] = LOGIN
    page = wired.page()
    await page.fetch("/login", method="POST")
    await page.fetch("/notes", credentials="include")

    assert dict(page.browser.cookies) == {}
    assert site.requests[-1].header("cookie") is None


@EVERY_TARGET
async def test_browsers_of_one_target_share_no_cookies(wired: Wired, site: Site) -> None:
    site.answers["/login"] = LOGIN
    await wired.page().fetch("/login", method="POST", credentials="include")
    await wired.page().fetch("/notes", credentials="include")

    assert site.requests[-1].header("cookie") is None


@EVERY_TARGET
async def test_pages_of_one_browser_share_its_cookies(wired: Wired, site: Site) -> None:
    site.answers["/login"] = LOGIN
    page = wired.page()
    await page.fetch("/login", method="POST", credentials="include")
    stranger = Page(page.browser.page(origin=E))

    assert (await stranger.blocked("/notes", credentials="include")).step == "actual"
    assert site.requests[-1].header("cookie") == "session=abc"
    assert site.requests[-1].header("origin") == E
    assert len(stranger.history) == len(page.history) == 1


@EVERY_CLIENT
async def test_the_clients_own_cookies_stay_as_they_are(wired: Wired, site: Site) -> None:
    site.answers["/login"] = LOGIN
    wired.target.cookies.set("theirs", "1")
    page = wired.page()
    await page.fetch("/login", method="POST", credentials="include")
    if wired.name not in MEMORY:
        await page.connect("/chat")

    assert dict(wired.target.cookies) == {"theirs": "1"}


# --- a server that sends nonsense ---------------------------------------------------------------------


@EVERY_TARGET
async def test_an_origin_that_is_allowed_twice_is_not_allowed(wired: Wired, site: Site) -> None:
    site.answers["/twice"] = Answer(200, (*ALLOWED, *ALLOWED))
    site.answers["/joined"] = Answer(200, [(b"access-control-allow-origin", f"{A}, {E}".encode())])
    page = wired.page()

    error = await page.blocked("/twice")
    assert f"contains multiple values '{A}, {A}', but only one is allowed" in error.reason
    assert error.response is not None
    assert error.response.headers.get_all("access-control-allow-origin") == (A, A)
    error = await page.blocked("/joined")
    assert f"contains multiple values '{A}, {E}', but only one is allowed" in error.reason


@EVERY_TARGET
async def test_repeated_headers_are_kept_apart(wired: Wired, site: Site) -> None:
    headers = (*PLAIN, (b"access-control-expose-headers", b"*, x-id"), (b"X-Id", b"1"), (b"x-id", b"2"))
    site.answers["/many"] = Answer(200, headers)
    page = wired.page()
    response = await page.fetch("/many")

    assert response.headers["x-id"] == "1, 2"
    assert page.history[0].response is not None
    assert page.history[0].response.headers.get_all("x-id") == ("1", "2")


@EVERY_TARGET_FOR_BYTES
async def test_bytes_beyond_ascii_are_seen_as_they_are(wired: Wired, site: Site) -> None:
    headers = (*PLAIN, (b"access-control-expose-headers", b"x-id"), (b"x-id", b"\xe9\xff \xc3\xa9"))
    site.answers["/latin"] = Answer(200, headers)
    site.answers["/origin"] = Answer(200, [(b"access-control-allow-origin", b"https://\xe9.example\xff")])
    page = wired.page()

    assert (await page.fetch("/latin")).headers["x-id"] == "\xe9\xff \xc3\xa9"
    error = await page.blocked("/origin")
    assert "'https://\xe9.example\xff'" in error.reason
    assert str(error).count("https://\xe9.example\xff") == 2


@EVERY_TARGET_FOR_BYTES
async def test_bytes_beyond_ascii_are_sent_as_they_are(wired: Wired, site: Site) -> None:
    await wired.page().fetch("/notes", headers={"Accept": "\xe9\xff"}, method="POST")

    assert site.requests[-1].header("accept") == "\xe9\xff"


@EVERY_TARGET_FOR_BYTES
async def test_a_location_beyond_ascii_is_no_crash(wired: Wired, site: Site) -> None:
    site.answers["/old"] = redirect(b"/caf\xe9", 302)

    # Isomorphic, as browsers decode it: the character, and then its UTF-8.
    assert (await wired.page().fetch("/old")).url == f"{wired.base}/caf%C3%A9"


@EVERY_TARGET
async def test_an_absurd_max_age_is_no_crash(wired: Wired, site: Site) -> None:
    for max_age, preflights in {b"9" * 5000: 1, b"600, 600": 1, b"-1": 1, b"1e9": 1, b"": 1, b"0": 2}.items():
        site.granted = (*GRANTED, (b"access-control-max-age", max_age))
        page = wired.page(clock=lambda: 0.0)
        for _ in range(2):
            assert (await page.fetch("/notes", method="PUT")).status_code == 200
        assert len(page.history.preflights) == preflights, max_age


@EVERY_TARGET
async def test_a_body_that_is_not_encoded_as_it_says_does_not_hide_the_verdict(
    wired: Wired, site: Site
) -> None:
    site.answers["/zip"] = Answer(200, (*PLAIN, (b"content-encoding", b"gzip")), b"no gzip")

    assert (await wired.page(E).blocked("/zip")).step == "actual"
    assert (await wired.page().fetch("/zip")).content == b"no gzip"


@EVERY_TARGET
async def test_a_compressed_body_is_read(wired: Wired, site: Site) -> None:
    site.answers["/zip"] = Answer(200, (*PLAIN, (b"content-encoding", b"gzip")), gzip.compress(b"zipped"))

    assert (await wired.page().fetch("/zip")).content == b"zipped"
    assert (await wired.page().fetch("/zip", method="HEAD")).content == b""


# --- an app that raises -------------------------------------------------------------------------------


@targets(*APPS)
async def test_the_apps_exception_is_the_cause(wired: Wired) -> None:
    error = await wired.page().blocked("/broken")

    assert error.step == "actual"
    assert isinstance(error.__cause__, RuntimeError)
    assert "the app raised:\n    RuntimeError('broken on purpose')" in str(error)
    assert error.response is not None
    assert error.response.status_code == 500


@targets(*APPS)
async def test_an_app_that_raises_at_the_preflight_blocks_it(wired: Wired, site: Site) -> None:
    error = await wired.page().blocked("/broken", method="PUT")

    assert (error.step, site.log) == ("preflight", ["OPTIONS /broken"])
    assert isinstance(error.__cause__, RuntimeError)


@targets(*MEMORY, *NETWORK)
async def test_a_server_that_answers_500_blocks(wired: Wired) -> None:
    error = await wired.page().blocked("/broken")

    assert (error.step, error.__cause__) == ("actual", None)
    assert error.response is not None
    assert error.response.status_code == 500


@targets(*APPS, *MEMORY, *NETWORK)
async def test_an_own_page_sees_the_500(wired: Wired) -> None:
    assert (await wired.page(wired.base).fetch("/broken")).status_code == 500


@targets(*TEST_CLIENTS)
async def test_a_test_client_raises_what_the_app_raised(wired: Wired) -> None:
    with pytest.raises(RuntimeError, match="broken on purpose"):
        await wired.page().fetch("/broken")
    with pytest.raises(RuntimeError, match="broken on purpose"):
        await wired.page().connect("/broken")


async def test_a_test_client_that_raises_nothing_shows_the_500(site: Site) -> None:
    client = test_client(site, raise_server_exceptions=False)
    with client, pytest.raises(CORSBlocked) as caught:
        Browser(client, origin=A).fetch("/broken")

    assert caught.value.response is not None
    assert caught.value.response.status_code == 500


@targets(*TEST_CLIENTS)
async def test_a_test_client_keeps_its_lifespan(wired: Wired, site: Site) -> None:
    page = wired.page()
    await page.fetch("/notes")
    await page.connect("/chat")

    expected = {"last": "startup"} if wired.name == "TestClient in its with" else {}
    assert [recorded.scope["state"] for recorded in site.requests] == [expected, expected]


# --- websockets ---------------------------------------------------------------------------------------


async def unprepared(scope: Scope, receive: Receive, send: Send) -> None:
    """Starlette's websockets raise WebSocketDisconnect where their client leaves."""
    from starlette.websockets import WebSocket

    websocket = WebSocket(scope, receive, send)
    await websocket.accept()
    await websocket.receive_text()


async def test_an_app_that_does_not_expect_to_be_left_had_accepted() -> None:
    with test_client(unprepared_with_lifespan) as client:
        for target in (client, unprepared):
            assert Browser(target, origin=A).connect("/").url == "wss://testserver/"


async def unprepared_with_lifespan(scope: Scope, receive: Receive, send: Send) -> None:
    app: ASGIApp = Site() if scope["type"] == "lifespan" else unprepared
    await app(scope, receive, send)


@EVERY_TARGET_WITH_WEBSOCKETS
async def test_a_handshake_is_accepted(wired: Wired, site: Site) -> None:
    page = wired.page()
    page.browser.cookies.set("session", "abc", secure=True, same_site="None")
    handshake = await page.connect("/chat?a=b", subprotocols=["v1", "v2"])

    assert (handshake.url, handshake.subprotocol) == (f"{websocket(wired.base)}/chat?a=b", "v2")
    (recorded,) = site.requests
    assert recorded.line == "WEBSOCKET /chat?a=b"
    assert recorded.scope["subprotocols"] == ["v1", "v2"]
    assert recorded.header("origin") == A
    assert recorded.header("cookie") == "session=abc"
    for name, value in {
        "upgrade": "websocket",
        "connection": "upgrade",
        "sec-websocket-version": "13",
    }.items():
        assert (recorded.header(name) or "").lower() == value
    assert recorded.header("sec-websocket-key") is not None
    (exchange,) = page.history
    assert str(exchange) == f"websocket GET {handshake.url} -> 101"
    assert dict(page.browser.cookies) == {"session": "abc", "seen": "1"}


@EVERY_TARGET_WITH_WEBSOCKETS
async def test_a_handshake_without_subprotocols_chooses_none(wired: Wired, site: Site) -> None:
    handshake = await wired.page().connect(f"{wired.base}/chat")

    assert handshake.subprotocol is None
    assert site.requests[0].scope["subprotocols"] == []
    assert site.requests[0].header("sec-websocket-protocol") is None


@EVERY_TARGET_WITH_WEBSOCKETS
async def test_a_handshake_is_refused_by_closing(wired: Wired, site: Site) -> None:
    error = await wired.page(E).refused("/chat")

    assert error.step == "websocket"
    assert f"'{websocket(wired.base)}/chat' failed" in error.reason
    assert error.reason.endswith("Unexpected response code: 403")
    assert site.requests[0].header("origin") == E


@EVERY_TARGET_WITH_WEBSOCKETS
async def test_a_handshake_is_refused_by_a_response(wired: Wired) -> None:
    error = await wired.page().refused("/denied")

    assert error.reason.endswith("Unexpected response code: 401")
    assert error.response is not None
    assert error.response.headers["x-why"] == "caf\xe9"


@targets(*APPS, *TEST_CLIENTS)
async def test_the_body_of_a_refusal_is_kept(wired: Wired) -> None:
    error = await wired.page().refused("/denied")

    assert error.response is not None
    assert error.response.content == b"log in first"


@targets(*APPS)
async def test_what_an_app_raises_at_the_handshake_is_the_cause(wired: Wired) -> None:
    error = await wired.page().refused("/broken")

    assert isinstance(error.__cause__, RuntimeError)
    assert "RuntimeError('broken on purpose')" in str(error)
    assert error.response is not None
    assert error.response.status_code == 500


@targets(*NETWORK)
async def test_a_server_whose_app_raises_at_the_handshake_answers_500(wired: Wired) -> None:
    error = await wired.page().refused("/broken")

    assert error.__cause__ is None
    assert error.response is not None
    assert error.response.status_code == 500


@targets(*APPS, *NETWORK)
async def test_a_handshake_that_is_not_answered_is_a_500(wired: Wired) -> None:
    error = await wired.page().refused("/silent")

    assert error.reason.endswith("Unexpected response code: 500")


@targets(*MEMORY)
async def test_a_client_without_a_network_has_no_websockets(wired: Wired, site: Site) -> None:
    page = wired.page()
    with pytest.raises(TypeError, match="no network, so no websockets: give the browser the app itself"):
        await page.connect("/chat")


class WithWebsockets(httpx.Client):
    """A client of somebody's who has heard of TestClient's method."""

    def websocket_connect(self, url: str) -> None:
        raise NotImplementedError


async def test_a_client_that_only_resembles_a_test_client_is_named() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    with WithWebsockets(transport=transport, base_url=MADE_UP) as client:
        with pytest.raises(TypeError) as caught:
            Browser(client, origin=A).connect("/chat")
        says = f"{client!r} does not open websockets as Starlette's TestClient does"
        assert str(caught.value) == says


async def test_what_a_transport_raises_is_raised() -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("the cable is cut")

    with WithWebsockets(transport=httpx.MockTransport(fail), base_url=MADE_UP) as client:
        browser = Browser(client, origin=A)
        for call in (browser.fetch, browser.connect):
            with pytest.raises(httpx.ConnectError, match="the cable is cut"):
                call("/chat")
    assert list(browser.history) == []


# --- transports that read responses themselves --------------------------------------------------------


def a_response(request: httpx.Request) -> httpx.Response:
    headers = [("content-encoding", "gzip"), ("set-cookie", "a=1"), ("location", "http://[")]
    return httpx.Response(200, headers=headers, content=gzip.compress(request.method.encode()))


async def test_a_response_that_was_read_already() -> None:
    transport = httpx.MockTransport(a_response)
    with httpx.Client(transport=transport, base_url=MADE_UP) as client:
        assert Browser(client, origin=MADE_UP).fetch("/notes", method="PUT").text == "PUT"
        assert not client.cookies
    async with httpx.AsyncClient(transport=transport, base_url=MADE_UP) as async_client:
        browser = AsyncBrowser(async_client, origin=MADE_UP)
        assert (await browser.fetch("/notes", method="patch")).text == "patch"
        with pytest.raises(TypeError, match="no network, so no websockets"):
            await browser.connect("/chat")


async def test_the_transport_of_a_mount_is_used() -> None:
    mounts = {"https://other.example": httpx.MockTransport(a_response)}
    with httpx.Client(mounts=mounts, base_url="https://other.example", trust_env=False) as client:
        assert Browser(client, origin="https://other.example").fetch("/").text == "GET"


async def test_the_timeout_of_a_client_counts() -> None:
    seen: list[Any] = []

    def note_timeout(request: httpx.Request) -> httpx.Response:
        seen.append(request.extensions["timeout"])
        return httpx.Response(200)

    transport = httpx.MockTransport(note_timeout)
    with httpx.Client(transport=transport, base_url=MADE_UP, timeout=7) as client:
        Browser(client, origin=MADE_UP).fetch("/")
    assert seen == [{"connect": 7, "read": 7, "write": 7, "pool": 7}]


def websocket(base: str) -> str:
    return base.replace("http", "ws", 1)
