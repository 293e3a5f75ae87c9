"""What `CORSBlocked` says is what Chromium's console says of the same call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import httpx
import pytest

from route_cors.testing import Browser as Box
from route_cors.testing import CORSBlocked

from .cases import Answer, Case, Fetch, Resource, allowing
from .servers import Servers
from .table import CUSTOM, OPEN, X, single

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page

PUT: Final = Fetch(X, "PUT")
INCLUDE: Final = Fetch(X, credentials="include")
GRANTED: Final = allowing(methods="<method>", names="<names>")

# Without the redirect to a URL with a password: Chromium's sentence names an empty URL there.
CASES: Final = (
    single("nothing", Fetch(X), ()),
    single("another origin", Fetch(X), allowing("https://a.example")),
    single("a trailing slash", Fetch(X), allowing("<page>/")),
    single("null", Fetch(X), allowing("null")),
    single("several origins", Fetch(X), allowing("<page>, https://a.example")),
    single("twice", Fetch(X), (*OPEN, *OPEN)),
    single("no origin at all", Fetch(X), allowing("all")),
    single("empty", Fetch(X), allowing("")),
    single("* with credentials", INCLUDE, allowing("*", credentials="true")),
    single("no credentials", INCLUDE, allowing()),
    single("True", INCLUDE, allowing(credentials="True")),
    single("preflight: nothing", PUT, preflight=()),
    single("preflight: another origin", PUT, preflight=allowing("https://a.example", methods="PUT")),
    single("preflight: *", Fetch(X, "PUT", credentials="include"), preflight=allowing("*", methods="PUT")),
    single("preflight: status", PUT, preflight=Answer(403, GRANTED)),
    single("preflight: redirect", PUT, preflight=Answer(307, (*GRANTED, ("Location", "/y")))),
    single("preflight: method", PUT, preflight=allowing(methods="DELETE")),
    single("preflight: header", Fetch(X, headers=CUSTOM), preflight=allowing(names="x-two")),
    single("preflight: methods", PUT, preflight=allowing(methods="P U T")),
    single("preflight: headers", Fetch(X, headers=CUSTOM), preflight=allowing(names="x one")),
    single("after the preflight", PUT, (), GRANTED),
    Case(
        "redirected",
        (Fetch(X),),
        (
            Resource("a/x", (Answer(302, (*OPEN, ("Location", "<b><case>/y"))),)),
            Resource("b/y", (Answer(200, allowing("<page>")),)),
        ),
    ),
    single("same-origin", Fetch(X, mode="same-origin")),
    single("no-cors", Fetch(X, mode="no-cors", redirect="error")),
)


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with Servers() as servers:
        yield servers


@pytest.fixture(scope="module")
def page(browser: Browser, servers: Servers) -> Iterator[Page]:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(servers.origins["page"])
        yield page


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_words_are_those_of_the_console(servers: Servers, page: Page, case: Case) -> None:
    number = CASES.index(case)
    (fetch,) = case.fetches
    url = servers.real(fetch.url, number)

    servers.start(number, case)
    init = {"method": fetch.method, "headers": [list(header) for header in fetch.headers]}
    init |= {"credentials": fetch.credentials, "mode": fetch.mode, "redirect": fetch.redirect}
    # What the network says of itself comes after it: "Failed to load resource: net::ERR_FAILED".
    with page.expect_console_message(lambda message: url in message.text) as said:
        page.evaluate("([url, init]) => fetch(url, init).catch(() => null)", [url, init])

    servers.start(number, case)
    with httpx.Client(trust_env=False) as client, pytest.raises(CORSBlocked) as blocked:
        Box(client, origin=servers.origins["page"]).fetch(
            url,
            method=fetch.method,
            headers=fetch.headers,
            credentials=fetch.credentials,
            mode=fetch.mode,
            redirect=fetch.redirect,
        )
    assert blocked.value.reason == said.value.text


@pytest.mark.parametrize("status", [200, 302, 403, 500])
def test_so_are_those_of_a_websocket(servers: Servers, page: Page, status: int) -> None:
    number = len(CASES)
    case = single("websocket", Fetch(X), Answer(status))
    url = servers.real(X, number).replace("http", "ws", 1)

    servers.start(number, case)
    with page.expect_console_message(lambda message: url in message.text) as said:
        page.evaluate("url => new Promise(resolve => new WebSocket(url).onerror = () => resolve())", url)

    servers.start(number, case)
    with httpx.Client(trust_env=False) as client, pytest.raises(CORSBlocked) as blocked:
        Box(client, origin=servers.origins["page"]).connect(url)
    assert blocked.value.reason == said.value.text
