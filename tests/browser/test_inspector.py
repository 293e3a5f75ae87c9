"""The inspector page in a real browser: what it shows, what it sends, whether everybody can use it."""

import functools
import importlib
import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from route_cors import CORSPolicy, cors, install_cors, no_cors
from route_cors.insight.access import STRANGER
from route_cors.insight.inspector import inspector

from .conftest import Server, Tabs

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = Path(__file__).parents[2] / "examples"
A = "https://a.example"
B = "https://b.example"

Serve = Callable[[ASGIApp], Server]

BOXES = """() => ["filters", "typed", "typed-origin", "table"].map((id) => {
    const { x, y, width } = document.getElementById(id).getBoundingClientRect();
    return [x, y + scrollY, width];
})"""

# Everything that the browser finds wrong while a test goes on.
WATCH = """() => {
    window.violations = [];
    const note = (event) => window.violations.push(event.violatedDirective);
    document.addEventListener("securitypolicyviolation", note);
}"""


def everybody(request: Any) -> bool:
    return True


everybody.__annotations__.clear()


async def item() -> None:
    """An endpoint."""


def asks(origin: str, connection: object) -> bool:
    return True


def small_app() -> FastAPI:
    """A route of each kind."""
    app = FastAPI(openapi_url=None, title="Shop")
    named = CORSPolicy(origins=[A, B], allow_headers=["X-Token"])
    app.add_api_route("/public", cors(origins="*")(functools.partial(item)))
    app.add_api_route("/items/{item_id}", cors(named)(functools.partial(item)), methods=["PUT"])
    app.add_api_route(
        "/account",
        cors(origins=A, allow_credentials=True, enforce=True)(functools.partial(item)),
        methods=["POST"],
    )
    app.add_api_route("/partners", cors(origins=asks)(functools.partial(item)))
    app.add_api_route("/plain", functools.partial(item))
    app.add_api_websocket_route("/chat", cors(origins=A)(functools.partial(item)))
    install_cors(app)
    app.mount("/cors", inspector(app, allow=everybody))
    return app


def large_app(routes: int) -> FastAPI:
    app = FastAPI(openapi_url=None)
    policies = [CORSPolicy(origins=[f"https://app{number}.example", A]) for number in range(10)]
    for number in range(routes):
        app.add_api_route(f"/orders/{number}", cors(policies[number % 10])(functools.partial(item)))
    install_cors(app)
    app.mount("/cors", inspector(app, allow=everybody))
    return app


@dataclass
class Inspected:
    """An open inspector, and all that went wrong in it."""

    page: "Page"
    complaints: list[str] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)

    def cells(self) -> list[list[str]]:
        """What the rows say of each column."""
        rows = self.page.locator("tr.route-row").all()
        return [[cell.inner_text() for cell in row.locator(".cell .word").all()] for row in rows]

    def paths(self) -> list[str]:
        return [path.inner_text() for path in self.page.locator(".route code").all()]

    def column_heads(self) -> list[str]:
        heads = self.page.locator("#columns th").all()
        return [head.inner_text().replace("\n", "") for head in heads]

    def groups(self) -> list[tuple[str, bool]]:
        """What the rows of the groups say, and whether they are open."""
        folds = self.page.locator(".fold").all()
        return [
            (fold.inner_text().replace("\n", " "), fold.get_attribute("aria-expanded") == "true")
            for fold in folds
        ]

    def boxes(self) -> Any:
        """Where the tools and the table are on the page."""
        return self.page.evaluate(BOXES)

    def outcome(self, text: str) -> str:
        """The line above the story, once it holds that text."""
        place = self.page.locator("#outcome")
        place.filter(has_text=text).wait_for()
        return place.inner_text()

    def kind(self) -> str:
        """The colours of that line."""
        return (self.page.locator("#outcome").get_attribute("class") or "").removeprefix("outcome ")

    def focused(self) -> str:
        focused: str = self.page.evaluate("document.activeElement.id || document.activeElement.innerText")
        return focused.replace("\n", " ")


@pytest.fixture(scope="module")
def watching_tabs(tabs_of_the_module: Tabs) -> None:
    tabs_of_the_module.context.add_init_script(f"({WATCH})()")


@pytest.fixture
def look(tabs: Tabs, watching_tabs: None) -> Iterator[Callable[..., Inspected]]:
    """Opens an inspector; an error of its script, or anything against its security policy, fails the test."""
    opened: list[Inspected] = []

    def look_at(url: str, path: str = "/cors/") -> Inspected:
        page = tabs.another()
        seen = Inspected(page)
        page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        page.on("console", lambda message: seen.complaints.append(message.text))
        page.on("request", lambda request: seen.sent.append(f"{request.method} {request.url}"))
        page.goto(url + path)
        page.locator(".group-row, #nothing:visible").first.wait_for()
        opened.append(seen)
        return seen

    yield look_at
    for seen in opened:
        assert seen.page.evaluate("window.violations") == []
        # That CORS blocked a call is what the console is expected to say.
        expected = (
            "blocked by CORS policy",
            "net::ERR_FAILED",
            "the server responded with a status of 4",
            "WebSocket",
        )
        assert [text for text in seen.complaints if not any(part in text for part in expected)] == []


# --- the matrix -----------------------------------------------------------------------------------


def test_the_matrix_says_who_may_call_what(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(small_app()).origin)

    assert seen.column_heads() == ["Route", "Policy", "Findings", "any other origin", A, B]
    assert seen.paths() == [
        "/public",
        "/items/{item_id}",
        "/account",
        "/partners",
        "/plain",
        "/chat",
        "/cors",
    ]
    assert seen.cells() == [
        ["✓ yes", "✓ yes", "✓ yes"],
        ["✕ no", "✓ yes", "✓ yes"],
        ["✕ no", "✓ yes + credentials", "✕ no"],
        ["? asks", "? asks", "? asks"],
        ["✕ no", "✕ no", "✕ no"],
        ["✕ no", "✓ yes + credentials", "✕ no"],
        ["✕ no", "✕ no", "✕ no"],
    ]
    row = seen.page.get_by_role("row", name="/account")
    assert row.locator(".policy").inner_text().split("\n") == [A, "credentials; enforced", "on the endpoint"]
    assert row.locator(".method").all_inner_texts() == ["POST"]
    assert re.search(r"test_inspector\.py:[0-9]+$", row.get_by_role("rowheader").inner_text())
    assert seen.page.get_by_role("heading", name="Shop").is_visible()
    assert seen.page.locator("#summary").inner_text().startswith("7 routes · 6 policies · ")


def test_nothing_leaves_the_server_it_came_from(look: Callable[..., Inspected], serve: Serve) -> None:
    server = serve(small_app())
    seen = look(server.origin)

    assert [sent for sent in seen.sent if not sent.startswith("GET data:")] == [
        f"GET {server.origin}/cors/",
        f"GET {server.origin}/cors/data.json?",
    ]
    assert seen.complaints == []
    seen.page.locator(".cell button").first.click()
    seen.outcome("Allowed")
    assert server.log == ["GET /cors/", "GET /cors/data.json", "GET /cors/explain.json"]


def test_another_origin_has_a_column_as_long_as_it_is_wanted(
    look: Callable[..., Inspected], serve: Serve
) -> None:
    seen = look(serve(small_app()).origin)
    field_of_origin = seen.page.get_by_label("Another origin")

    field_of_origin.fill("https://c.example")
    field_of_origin.press("Enter")
    seen.page.locator("#columns th").nth(6).wait_for()
    assert seen.column_heads()[4:] == [A, B, "https://c.example"]
    assert [row[3] for row in seen.cells()] == ["✓ yes", *["✕ no"] * 2, "? asks", *["✕ no"] * 3]

    field_of_origin.fill("https://C.example/")
    field_of_origin.press("Enter")
    problem = seen.page.locator("#typed-origin-problem.wrong")
    problem.wait_for()
    assert problem.inner_text().startswith("'https://C.example/': a trailing slash: ")
    assert len(seen.column_heads()) == 7

    # It is gone as soon as something else is typed.
    field_of_origin.fill(A)
    assert problem.count() == 0
    field_of_origin.press("Enter")
    seen.page.get_by_text("That origin has a column already.").wait_for()
    assert seen.column_heads()[4:] == [A, B]
    field_of_origin.fill("https://c.example")
    field_of_origin.press("Enter")
    seen.page.locator("#columns th").nth(6).wait_for()

    field_of_origin.fill("")
    field_of_origin.press("Enter")
    seen.page.locator("#columns th").nth(6).wait_for(state="detached")
    assert seen.column_heads()[4:] == [A, B]


def test_filters(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(small_app()).origin)
    page = seen.page
    search = page.get_by_label("Search")
    verdict = page.locator("#filter-verdict")
    origin = page.get_by_label("Verdict for")

    search.fill("X-TOKEN put")
    assert seen.paths() == ["/items/{item_id}"]
    assert page.locator("#row-count").inner_text() == "1 of 7 routes"
    search.fill("websocket")
    assert seen.paths() == ["/chat"]
    search.fill("")
    verdict.select_option("credentials")
    assert seen.paths() == ["/account", "/chat"]
    origin.select_option(B)
    assert seen.paths() == []
    assert page.get_by_text("No route matches.").is_visible()
    page.get_by_role("button", name="Clear the filters").click()
    assert len(seen.paths()) == 7
    assert seen.focused() == "filter-text"
    origin.select_option(B)
    verdict.select_option("yes")
    assert seen.paths() == ["/public", "/items/{item_id}"]


def test_findings_and_rows_lead_to_each_other(look: Callable[..., Inspected], serve: Serve) -> None:
    app = FastAPI(openapi_url=None)
    for number in range(150):
        app.add_api_route(f"/plain/{number}", functools.partial(item))
    app.add_api_route("/lost", cors(origins=A)(functools.partial(item)))
    server = serve(inspector(app, allow=everybody))
    seen = look(server.origin, "/")
    page = seen.page
    finding = page.locator("#finding-list li").filter(has_text="RC001")

    assert finding.locator(".badge").inner_text() == "✕ error"
    page.get_by_label("Search").fill("nothing like it")
    page.get_by_role("button", name="Show GET /lost in the table").click()
    row = page.locator("tr.named")
    assert seen.paths()[-1] == "/lost"
    assert row.locator(".policy").inner_text().endswith("✕ not applied")
    assert row.locator(".cell button:focus").count() == 1

    row.get_by_role("button", name="RC001, error: show the finding").click()
    assert page.locator("#finding-list li:focus").inner_text().startswith("✕ error")

    page.locator("#filter-finding").select_option("RC001")
    assert seen.paths() == ["/lost"]
    page.locator("#filter-finding").select_option("error")
    assert seen.paths() == ["/lost"]


def test_an_app_without_findings_says_so(look: Callable[..., Inspected], serve: Serve) -> None:
    app = Starlette(routes=[Route("/", no_cors(PlainTextResponse("")), methods=["GET"])])
    install_cors(app)
    seen = look(serve(inspector(app, allow=everybody)).origin, "/")

    assert seen.page.locator("#finding-list").inner_text() == "No findings."


def test_thousands_of_routes_are_opened_by_keyboard(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(large_app(5000)).origin)
    page = seen.page
    count = page.locator("#row-count")
    more = page.locator(".more-row button")

    assert count.inner_text() == "5,001 routes in 2 groups"
    assert seen.groups() == [("/orders 5,000 routes", False), ("Other routes 1 route", False)]
    assert len(seen.column_heads()) == 3 + 1 + 8
    assert page.locator("#more-origins").inner_text() == (
        "The columns show the 8 origins that most routes name, out of 11. Type another one above to see it."
    )
    assert page.get_by_role("button", name="Open all groups").is_hidden()
    page.locator(".fold").first.focus()
    page.keyboard.press("Enter")
    assert seen.groups()[0] == ("/orders 5,000 routes", True)
    assert len(seen.paths()) == 100
    assert more.inner_text() == "Show 100 more of 4,900"
    more.focus()
    page.keyboard.press("Space")
    assert len(seen.paths()) == 200
    assert page.locator("#route-100 .cell button:focus").count() == 1
    assert more.inner_text() == "Show 100 more of 4,800"
    page.locator(".fold").first.focus()
    page.keyboard.press("Space")
    assert (seen.groups()[0], seen.paths()) == (("/orders 5,000 routes", False), [])
    page.get_by_label("Search").fill("/orders/499")
    assert count.inner_text() == "11 of 5,001 routes"
    assert seen.groups() == [("/orders 11 of 5,000 routes", True)]
    assert len(seen.paths()) == 11


# --- groups ---------------------------------------------------------------------------------------


def grouped_app(routes: int = 0) -> FastAPI:
    """Two routers, a mount at the root, the documentation, and as many routes beside them."""
    app = FastAPI()
    for path in ("/users", "/users/{user}", "/users/{user}/friends"):
        app.add_api_route(path, cors(origins="*")(functools.partial(item)))
    for path in ("/notes", "/notes/{note}"):
        app.add_api_route(path, functools.partial(item), tags=["Notes"], methods=["PATCH"])
    for number in range(routes):
        app.add_api_route(f"/many/{number}", no_cors(functools.partial(item)))
    install_cors(app)
    app.mount("/cors", inspector(app, allow=everybody))
    app.mount("/", Starlette(routes=[Route("/last", PlainTextResponse(""))]))
    return app


def test_a_few_routes_are_in_open_groups_but_for_the_documentation(
    look: Callable[..., Inspected], serve: Serve
) -> None:
    seen = look(serve(grouped_app()).origin)
    page = seen.page

    assert seen.groups() == [
        ("/users 3 routes", True),
        ("Notes 2 routes", True),
        ("/ 2 routes", True),
        ("Other routes 1 route", True),
        ("API documentation 4 routes", False),
    ]
    assert seen.paths() == [
        *(
            "/users",
            "/users/{user}",
            "/users/{user}/friends",
            "/notes",
            "/notes/{note}",
            "/",
            "/last",
            "/cors",
        )
    ]
    assert page.locator("#row-count").inner_text() == "12 routes in 5 groups"
    summaries = page.locator("tr.group-row td.group-access .word").all_inner_texts()
    assert summaries == ["all 3", "none", "none", "none", "none"]

    page.get_by_role("button", name="API documentation").press("Enter")
    assert seen.paths()[-4:] == ["/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"]
    assert seen.focused() == "API documentation 4 routes"
    page.get_by_role("button", name="Close all groups").click()
    assert [is_open for _, is_open in seen.groups()] == [False] * 5
    assert seen.paths() == []
    page.get_by_role("button", name="Open all groups").click()
    assert len(seen.paths()) == 12
    # Each group says what it opens.
    for fold in page.locator(".fold").all():
        controlled = page.locator(f"#{fold.get_attribute('aria-controls')}")
        assert controlled.locator(".fold").inner_text() == fold.inner_text()


def test_more_than_sixty_routes_are_folded(look: Callable[..., Inspected], serve: Serve) -> None:
    # The eight beside them, and the documentation's four.
    sixty = look(serve(grouped_app(48)).origin)
    assert sixty.groups()[2] == ("/many 48 routes", True)
    assert len(sixty.paths()) == 56
    seen = look(serve(grouped_app(49)).origin)
    assert seen.groups()[2] == ("/many 49 routes", False)
    assert seen.paths() == []

    # Down to a few, they are open, whatever they are.
    seen.page.get_by_label("Search").fill("/docs")
    assert seen.groups() == [("API documentation 2 of 4 routes", True)]
    seen.page.get_by_label("Search").fill("")
    assert seen.groups()[2] == ("/many 49 routes", False)
    seen.page.get_by_label("Policy").select_option("closed")
    assert [row.split("\n") for row in seen.page.locator(".policy").all_inner_texts()[:1]] == [
        ["closed (@no_cors)", "on the endpoint"]
    ]
    seen.page.get_by_label("Policy").select_option("")
    seen.page.locator("#filter-method").select_option("PATCH")
    assert seen.paths() == ["/notes", "/notes/{note}"]


def test_the_arrow_keys_go_from_group_to_group(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(grouped_app()).origin)
    press = seen.page.keyboard.press
    seen.page.locator("#route-6 .cell button").focus()

    press("ArrowDown")
    assert seen.page.locator("#route-7 .cell button:focus").count() == 1
    # What folds away takes no tab stop along.
    seen.page.locator(".fold").nth(1).click()
    assert seen.page.locator('.cell button[tabindex="0"]').count() == 1


def test_an_app_without_routes_says_so(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(inspector(Starlette(), allow=everybody)).origin, "/")

    assert seen.page.locator("#nothing").inner_text() == "This app has no routes."
    assert seen.page.locator("#row-count").inner_text() == "0 routes"


def test_the_lines_of_a_finding_that_follow_a_sentence_are_code(
    look: Callable[..., Inspected], serve: Serve
) -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/lost", cors(origins=A)(functools.partial(item)))
    seen = look(serve(inspector(app, allow=everybody)).origin, "/")

    def with_code(route: Any) -> None:
        data = route.fetch().json()
        data["findings"][0]["fix"] = "write\ninstall_cors(\n    app,\x1b[31m\n)"
        route.fulfill(json=data)

    seen.page.route("**/data.json*", with_code)
    with seen.page.expect_response("**/data.json*"):
        seen.page.get_by_role("button", name="Read again").click()

    written = seen.page.locator("#finding-0 pre")
    written.wait_for()
    assert written.inner_text().split("\n") == ["install_cors(", "    app,U+001B[31m", ")"]
    assert seen.page.locator("#finding-0 .fix").inner_text() == "Fix: write"


# --- the address ----------------------------------------------------------------------------------


def test_the_filters_are_in_the_address(look: Callable[..., Inspected], serve: Serve) -> None:
    server = serve(small_app())
    seen = look(server.origin)
    page = seen.page
    url = f"{server.origin}/cors/"

    page.get_by_label("Search").fill("a b&c=%20#é")
    page.wait_for_url(f"{url}?search=a+b%26c%3D%2520%23%C3%A9")
    page.get_by_label("Search").fill("/")
    page.locator("#filter-method").select_option("PUT")
    page.get_by_label("Policy").select_option("some")
    page.locator("#filter-verdict").select_option("yes")
    page.get_by_label("Verdict for").select_option(B)
    page.get_by_label("Another origin").fill("https://c.example")
    page.get_by_label("Another origin").press("Enter")
    whole = f"{url}?search=%2F&method=PUT&policy=some&verdict=yes&of=https%3A%2F%2Fb.example"
    whole += "&origin=https%3A%2F%2Fc.example"
    page.wait_for_url(whole)
    assert seen.paths() == ["/items/{item_id}"]

    again = look(server.origin, whole.removeprefix(server.origin))
    again.page.locator("#row-count", has_text="1 of 7 routes").wait_for()
    assert again.paths() == ["/items/{item_id}"]
    assert again.column_heads()[3:] == ["any other origin", A, B, "https://c.example"]
    assert again.page.get_by_label("Search").input_value() == "/"
    assert again.page.get_by_label("Another origin").input_value() == "https://c.example"
    assert again.page.url == whole

    page.get_by_role("searchbox").fill("zzz")
    page.get_by_role("button", name="Clear the filters").click()
    page.wait_for_url(f"{url}?origin=https%3A%2F%2Fc.example")
    page.get_by_label("Another origin").fill("")
    page.get_by_label("Another origin").press("Enter")
    page.wait_for_url(url)


def test_back_and_forward_bring_the_filters_back(look: Callable[..., Inspected], serve: Serve) -> None:
    server = serve(small_app())
    seen = look(server.origin, "/cors/?search=chat")
    page = seen.page
    count = page.locator("#row-count")
    count.filter(has_text="1 of 7 routes").wait_for()

    # A section is another place in the history; the filter that was just typed goes along.
    page.get_by_role("searchbox").fill("pub")
    page.get_by_role("link", name="Findings").click()
    page.wait_for_url("**/cors/?search=pub#findings")
    page.get_by_role("searchbox").fill("account")
    page.wait_for_url("**/cors/?search=account#findings")
    assert seen.paths() == ["/account"]

    page.go_back()
    page.wait_for_url("**/cors/?search=pub")
    page.wait_for_function("document.getElementById('filter-text').value === 'pub'")
    assert seen.paths() == ["/public"]
    page.go_forward()
    page.wait_for_function("document.getElementById('filter-text').value === 'account'")
    assert seen.paths() == ["/account"]


HOSTILE_ADDRESSES = {
    "markup": "search=%3Cimg+src%3Dx+onerror%3D%22window.pwned%3D1%22%3E",
    "a script's address": "origin=javascript%3Awindow.pwned%3D1",
    "names of properties": "verdict=constructor&of=__proto__&policy=toString&method=valueOf&finding=name",
    "what cannot be seen": "search=%E2%80%AE%00%1B%5B31m&origin=%E2%80%AE",
    "no encoding": "search=%FF%ZZ&origin=%",
    "a megabyte less": f"search={'x' * 9000}&origin={'y' * 9000}",
    "many of one": "search=a&search=b&origin=https://c.example&origin=x",
}


@pytest.mark.parametrize("query", HOSTILE_ADDRESSES.values(), ids=HOSTILE_ADDRESSES.keys())
def test_what_an_address_says_is_text_and_nothing_else(
    look: Callable[..., Inspected], serve: Serve, query: str
) -> None:
    seen = look(serve(small_app()).origin, f"/cors/?{query}#__proto__")
    page = seen.page
    page.wait_for_load_state("networkidle")

    assert page.locator("#summary").inner_text().startswith("7 routes")
    assert len(page.get_by_role("searchbox").input_value()) <= 600
    for select in ("method", "policy", "finding", "verdict", "origin"):
        assert page.locator(f"#filter-{select}").evaluate("each => each.selectedIndex") == 0
    assert page.locator("img, script:not(:last-of-type), iframe, object").count() == 0
    assert page.evaluate("window.pwned") is None
    # Nothing but its own questions was sent.
    assert {sent.split("?")[0].rsplit("/", 1)[1] for sent in seen.sent if "data:" not in sent} <= {
        *("", "data.json", "access.json")
    }
    page.get_by_role("searchbox").fill("account")
    assert seen.paths() == ["/account"]


# --- origins that are none ------------------------------------------------------------------------


@pytest.mark.parametrize("width", [390, 768, 1280])
def test_a_bad_origin_is_explained_where_it_is_typed_and_nothing_moves(
    browser: "Browser", serve: Serve, width: int
) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{serve(small_app()).origin}/cors/")
        page.locator(".group-row").first.wait_for()
        seen = Inspected(page)
        before = seen.boxes()
        field_of_origin = page.get_by_label("Another origin")

        field_of_origin.fill("https://C.example/")
        field_of_origin.press("Enter")

        problem = page.locator("#typed-origin-problem.wrong")
        problem.wait_for()
        assert problem.inner_text() == (
            "'https://C.example/': a trailing slash: an origin ends with its host or port; upper case: "
            "browsers send origins in lower case: write https://c.example"
        )
        assert field_of_origin.get_attribute("aria-invalid") == "true"
        assert field_of_origin.get_attribute("aria-describedby") == "typed-origin-problem"
        assert seen.boxes() == before
        assert problem.evaluate("each => each.scrollHeight <= each.clientHeight")


def test_a_bad_origin_of_a_call_is_explained_at_its_field(
    look: Callable[..., Inspected], serve: Serve
) -> None:
    seen = look(serve(small_app()).origin)
    field_of_origin = seen.page.get_by_label("Origin of the page")

    field_of_origin.fill("a.example")
    field_of_origin.press("Enter")
    problem = seen.page.locator("#origin-problem.wrong")
    problem.wait_for()
    assert problem.inner_text() == (
        '\'a.example\': no scheme: an origin is "scheme://host" or "scheme://host:port": write https://a.example'
    )
    assert field_of_origin.get_attribute("aria-invalid") == "true"
    assert seen.outcome("origin") == f"origin: {problem.inner_text()}"

    field_of_origin.fill("https://a.example")
    assert problem.count() == 0
    assert field_of_origin.get_attribute("aria-invalid") is None
    hint = seen.page.locator("#origin-problem").inner_text()
    assert hint == "Scheme, host and port, as a browser sends it; or null."


def test_nothing_is_suggested_for_the_origin_that_stands_for_all_others(
    look: Callable[..., Inspected], serve: Serve
) -> None:
    seen = look(serve(small_app()).origin)

    seen.page.locator("#route-2 .cell button").first.click()
    assert seen.outcome("Refused").startswith("✕ Refused")
    assert seen.page.locator("#origin").input_value() == STRANGER
    assert seen.page.locator("#told > .note").inner_text().startswith(f"{STRANGER} stands for every origin")
    assert seen.page.locator(".fix pre").count() == 0

    seen.page.locator("#route-2 .cell button").last.click()
    seen.page.locator(".fix pre").wait_for()
    assert seen.page.locator("#told > .note").count() == 0


# --- code -----------------------------------------------------------------------------------------


def test_a_fix_of_two_lines_is_shown_on_two_lines(look: Callable[..., Inspected], serve: Serve) -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/a\nb\x1b[31m", functools.partial(item))
    seen = look(serve(inspector(app, allow=everybody)).origin, "/")

    # A name that holds a line break keeps it to itself.
    assert seen.paths() == ["/aU+000AbU+001B[31m"]
    seen.page.locator("#path").fill("/a%0Ab%1B[31m")
    seen.page.locator("#origin").fill(A)
    seen.page.locator("#explain-call").click()
    seen.outcome("Blocked")
    written = seen.page.locator(".fix pre")
    assert written.inner_text().split("\n") == [f"@cors(origins=['{A}'])", "install_cors(app)"]
    assert written.locator(".escape").count() == 0
    assert "\n" not in seen.page.locator(".checks li").first.inner_text().split("route ")[1]


# --- by keyboard alone ----------------------------------------------------------------------------


def test_the_whole_way_from_the_top_to_an_explanation_by_keyboard(
    look: Callable[..., Inspected], serve: Serve
) -> None:
    seen = look(serve(small_app()).origin)
    press = seen.page.keyboard.press

    press("Tab")
    assert seen.focused() == "Skip to the routes"
    press("Enter")
    stops: list[str] = []
    for _ in range(11):
        press("Tab")
        stops.append(seen.focused())
    assert stops[:8] == [
        *("filter-text", "filter-method", "filter-policy", "filter-finding", "filter-verdict"),
        *("filter-origin", "typed-origin", "Show column"),
    ]
    # The scroller, the group, then one cell for all of them.
    assert stops[9] == "Routes 7 routes"
    assert stops[10].endswith("✓ yes")
    for key in ("ArrowDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        press(key)
    press("ArrowRight")
    press("Enter")

    assert seen.outcome("Refused").startswith("✕ Refused")
    assert seen.focused() == "explain-title"
    values = {name: seen.page.locator(f"#{name}").input_value() for name in ("method", "path", "origin")}
    assert values == {"method": "POST", "path": "/account", "origin": B}
    seen.page.get_by_role("button", name="Back to the routes").focus()
    press("Enter")
    assert seen.page.locator("#route-2 .cell button:focus").count() == 1


def test_the_form_explains_by_keyboard(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(small_app()).origin)
    keyboard = seen.page.keyboard
    seen.page.locator("#method").focus()

    # Each field is selected as a whole when it is reached.
    for text in ("PUT", "/items/7?full=1", A):
        keyboard.press("Control+a")
        keyboard.type(text)
        keyboard.press("Tab")
    keyboard.press("Tab")
    keyboard.type("X-Other: 1")
    keyboard.press("Enter")
    keyboard.type("Content-Type: application/json")
    keyboard.press("Tab")
    keyboard.press("Space")
    keyboard.press("Tab")
    assert seen.focused() == "explain-call"
    keyboard.press("Enter")

    assert seen.outcome("Blocked").startswith("✕ Blocked at the preflight")
    (step,) = seen.page.locator(".step").all()
    assert step.get_by_role("heading", level=3).inner_text() == "1. Preflight"
    assert step.locator(".line code").inner_text().startswith("OPTIONS ")
    requested = step.locator("pre").first.inner_text().split("\n")
    assert f"Origin: {A}" in requested
    assert "Access-Control-Request-Method: PUT" in requested
    assert "Access-Control-Request-Headers: content-type,x-other" in requested
    assert step.locator(".checks .failed").all_inner_texts() != []
    answers = {answer[2:] for answer in step.locator(".checks li > :first-child").all_inner_texts()}
    assert answers <= {"passed", "failed", "not asked"}
    assert seen.page.get_by_role("heading", name="console says").count() == 1
    assert seen.page.locator(".fix pre").inner_text() != ""


def test_a_question_that_makes_no_sense_is_answered_in_words(
    look: Callable[..., Inspected], serve: Serve
) -> None:
    seen = look(serve(small_app()).origin)

    seen.page.get_by_label("Path").fill("items")
    seen.page.get_by_label("Path").press("Enter")
    assert seen.outcome("path") == "path: 'items' does not start with a slash: write /items"
    seen.page.get_by_role("button", name="Try in this browser").click()
    assert seen.outcome("Nothing") == "Nothing was sent: the path does not start with a slash."


def test_an_answer_that_comes_late_is_not_shown(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(small_app()).origin)
    waiting: list[Any] = []
    seen.page.route("**/explain.json*", lambda route: waiting.append(route))  # noqa: PLW0108 - no built-in

    with seen.page.expect_request("**/explain.json*"):
        seen.page.locator(".cell button").nth(0).click()
    with seen.page.expect_request("**/explain.json*"):
        seen.page.locator(".cell button").nth(8).click()
    for route in reversed(waiting):
        with seen.page.expect_response("**/explain.json*"):
            route.continue_()
        # Once a later request is through, the page has done what it does with this one.
        seen.page.evaluate("fetch('data.json').then((response) => response.text())")

    assert len(waiting) == 2
    assert seen.outcome("Refused").startswith("✕ Refused")
    assert seen.page.locator(".step code").first.inner_text().endswith("/account")


# --- what this browser does -----------------------------------------------------------------------


@dataclass(frozen=True)
class RealCall:
    """A call as the form makes it, and what comes of it on the page of the trusted front end."""

    method: str
    path: str
    allowed: bool
    reaches: tuple[str, ...]
    headers: str = ""
    credentials: bool = False
    status: str = "200"


REAL_CALLS = {
    "anybody's": RealCall("GET", "/public/quotes", True, ("GET /public/quotes",)),
    "blocked at the answer": RealCall(
        "GET", "/public/quotes", False, ("GET /public/quotes",), credentials=True
    ),
    "closed": RealCall("GET", "/internal/metrics", False, ("GET /internal/metrics",)),
    "a 401 that is read": RealCall(
        "GET", "/account/profile", True, ("GET /account/profile",), credentials=True, status="401"
    ),
    "blocked at the preflight": RealCall(
        "PUT", "/account/files/x", False, ("OPTIONS /account/files/x",), headers="X-Other: 1"
    ),
    "granted at the preflight": RealCall(
        *("PUT", "/account/files/x", True, ("OPTIONS /account/files/x", "PUT /account/files/x")),
        headers="X-Checksum: 0",
        credentials=True,
        status="401",
    ),
    "a method in lower case": RealCall("patch", "/public/quotes", False, ("OPTIONS /public/quotes",)),
    "a websocket": RealCall("WEBSOCKET", "/account/chat", True, ("WEBSOCKET /account/chat",), status="101"),
}


class Behind:
    """An app that is put in later: its policies name the origin that it is served at."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


@pytest.fixture
def mixed(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The example's API, with the inspector's page as its trusted front end."""
    monkeypatch.syspath_prepend(str(EXAMPLES))
    mixed_api = importlib.import_module("mixed_api")
    behind = Behind()
    server = serve(behind)
    app = mixed_api.create_api(front_end=server.origin)
    app.mount("/cors", inspector(app, allow=everybody))
    behind.app = app
    return server


def ask_the_browser(seen: Inspected, call: RealCall) -> None:
    page = seen.page
    page.locator("#method").fill(call.method)
    page.get_by_label("Path").fill(call.path)
    page.get_by_label("Headers, one per line").fill(call.headers)
    page.get_by_label("with credentials").set_checked(call.credentials)
    confirm = page.get_by_label("Send the real request")
    if confirm.is_visible():
        confirm.check()
    page.get_by_role("button", name="Try in this browser").click()


def compared(seen: Inspected) -> tuple[str, str]:
    predicted, real = seen.page.locator(".compared .agrees").all_inner_texts()
    return predicted, real


@pytest.mark.parametrize("call", REAL_CALLS.values(), ids=REAL_CALLS.keys())
def test_the_browser_does_as_predicted(look: Callable[..., Inspected], mixed: Server, call: RealCall) -> None:
    seen = look(mixed.origin)
    before = len(mixed.log)
    # The same server by its other name is another origin.
    assert seen.page.locator("#base-url").input_value() == mixed.origin.replace("127.0.0.1", "localhost")

    ask_the_browser(seen, call)

    mark = "✓ Allowed" if call.allowed else "✕ Blocked"
    assert seen.outcome("as predicted") == f"{mark} by this browser\n= as predicted"
    assert seen.kind() == ("good" if call.allowed else "bad")
    word = "✓ allowed" if call.allowed else "✕ blocked"
    assert compared(seen) == (word, word)
    # Where the call was blocked, nothing looks like a success.
    assert bool(seen.page.locator("#outcome.good, .compared .good").count()) is call.allowed
    assert ("✓" in seen.page.locator("#seen").inner_text()) is call.allowed
    assert [line for line in mixed.log[before:] if "/cors/" not in line] == [*call.reaches]
    if call.allowed:
        assert seen.page.locator(".compared dd").first.inner_text() == call.status
    else:
        assert "the same" in seen.page.locator(".compared .note").last.inner_text()


def test_the_browser_shows_the_headers_that_a_script_can_read(
    look: Callable[..., Inspected], mixed: Server
) -> None:
    seen = look(mixed.origin)

    ask_the_browser(seen, REAL_CALLS["anybody's"])
    seen.outcome("as predicted")

    real = seen.page.locator(".compared .sides > div").last
    assert real.locator("dd").all_inner_texts()[:2] == ["200", "cors"]
    assert [line.split(":")[0] for line in real.locator("pre").inner_text().split("\n")] == [
        *("content-length", "content-type")
    ]


def test_a_call_to_the_pages_own_origin_is_no_matter_of_cors(
    look: Callable[..., Inspected], mixed: Server
) -> None:
    seen = look(mixed.origin)
    seen.page.get_by_label("Where the API is served").select_option(mixed.origin)

    ask_the_browser(seen, REAL_CALLS["closed"])

    assert seen.outcome("predicted") == "✓ Allowed by this browser\n= as predicted"
    assert seen.page.locator(".compared dd").all_inner_texts()[:2] == ["200", "basic"]


def test_a_strangers_websocket_is_refused_as_predicted(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(small_app()).origin)

    ask_the_browser(seen, RealCall("WEBSOCKET", "/chat", False, ()))

    assert seen.outcome("predicted") == "✕ Blocked by this browser\n= as predicted"


def test_what_changes_data_is_confirmed_first(look: Callable[..., Inspected], mixed: Server) -> None:
    seen = look(mixed.origin)
    page = seen.page
    confirm = page.get_by_label("Send the real request: DELETE may change data")
    before = len(mixed.log)
    assert confirm.is_hidden()

    page.locator("#method").fill("delete")
    page.get_by_role("button", name="Try in this browser").click()
    assert seen.outcome("Nothing") == "Nothing was sent. Tick “Send the real request” first."
    assert seen.focused() == "confirm"
    page.keyboard.press("Space")
    assert confirm.is_checked()
    # It was ticked for that call and no other.
    page.get_by_label("Path").fill("/public/quotes")
    assert not confirm.is_checked()
    page.get_by_role("button", name="Try in this browser").click()
    seen.outcome("Nothing")
    assert mixed.log[before:] == []


def test_what_comes_otherwise_is_said_loudly(look: Callable[..., Inspected], serve: Serve) -> None:
    app = small_app()

    async def without_cors(scope: Scope, receive: Receive, send: Send) -> None:
        async def strip(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = [pair for pair in message["headers"] if not pair[0].startswith(b"access-control-")]
                message["headers"] = kept
            await send(message)

        await app(scope, receive, strip)

    seen = look(serve(without_cors).origin)
    ask_the_browser(seen, RealCall("GET", "/public", True, ()))

    assert seen.outcome("predicted") == "✕ Blocked by this browser\n≠ not as predicted"
    assert seen.kind() == "odd"
    assert compared(seen) == ("✓ allowed", "✕ blocked")


# --- hostile --------------------------------------------------------------------------------------

NASTY = {
    "/<script>window.pwned=1</script>": "/<script>window.pwned=1</script>",
    "/<img src=x onerror='window.pwned=1'>": "/<img src=x onerror='window.pwned=1'>",
    "/a\u202eb\u2066c\u200bd\x1b[31m": "/aU+202EbU+2066cU+200BdU+001B[31m",
    "/\ud800\u00a0\U000e0041": "/U+D800U+00A0U+E0041",
    "/" + "x" * 70_000: "/" + "x" * 299 + "… 69,701 more",
    "/\u05d0\u05d1/7": "/\u05d0\u05d1/7",
}


def nasty_app() -> FastAPI:
    app = FastAPI(openapi_url=None, title="<img src=x onerror='window.pwned=1'>\u202e")
    for path in NASTY:
        app.add_api_route(path, cors(origins=[A, B])(functools.partial(item)))
    app.mount("/cors", inspector(app, allow=everybody))
    return app


def test_what_the_app_is_called_is_text_and_nothing_else(
    look: Callable[..., Inspected], serve: Serve
) -> None:
    seen = look(serve(nasty_app()).origin)

    assert seen.paths() == [*NASTY.values(), "/cors"]
    assert seen.page.locator("h1").inner_text() == "<img src=x onerror='window.pwned=1'>U+202E"
    # Findings and explanations show them too.
    for cell in seen.page.locator("td.cell:last-child button").all()[:3]:
        cell.click()
        seen.outcome("Blocked")
    assert seen.page.locator("img, script:not(:last-of-type), iframe, object").count() == 0
    assert seen.page.evaluate("window.pwned") is None
    assert seen.complaints == []


def test_the_browser_holds_the_page_to_its_policy(tabs: Tabs, serve: Serve) -> None:
    page = tabs.another()
    page.goto(f"{serve(small_app()).origin}/cors/")
    page.locator(".group-row").first.wait_for()

    refused = page.evaluate("""() => {
        const tried = [
            () => { document.body.innerHTML += "x"; },
            () => { document.createElement("script").textContent = "window.pwned = 1"; },
            () => { new Worker("data:,"); },
        ];
        return tried.map((attempt) => {
            try { attempt(); return "done"; } catch (error) { return error.name; }
        });
    }""")
    assert refused[:2] == ["TypeError", "TypeError"]
    assert page.evaluate("fetch('https://elsewhere.example').catch((error) => error.name)") == "TypeError"
    assert page.evaluate("window.pwned") is None


def test_what_cannot_be_read_is_said(look: Callable[..., Inspected], serve: Serve) -> None:
    app = FastAPI(openapi_url=None, debug=True)
    app.mount("/cors", inspector(app))
    seen = look(serve(app).origin)

    app.debug = False
    seen.page.get_by_role("button", name="Read again").click()
    alert = seen.page.get_by_role("alert").filter(has_text="could not be read")
    alert.wait_for()
    assert alert.inner_text() == "The app could not be read: you may not look at this page"

    app.debug = True
    app.add_api_route("/late", functools.partial(item))
    seen.page.get_by_role("button", name="Read again").click()
    seen.page.locator("#summary", has_text="2 routes").wait_for()
    assert alert.count() == 0
    assert seen.paths() == ["/cors", "/late"]


# --- for everybody --------------------------------------------------------------------------------

# The text of each visible element against what is behind it: https://www.w3.org/TR/WCAG22/#contrast-minimum
FAINT = """() => {
    const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const paint = (colors) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const color of colors) { canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); }
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (rgb) => {
        const linear = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = rgb.map((v) => linear(v / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const behind = (element) => {
        const colors = [];
        for (let each = element; each; each = each.parentElement) {
            colors.unshift(getComputedStyle(each).backgroundColor);
        }
        return colors;
    };
    const faint = [];
    for (const element of document.querySelectorAll("body *")) {
        const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
        if (!hasText || !element.checkVisibility() || element.tagName === "NOSCRIPT") continue;
        const back = behind(element);
        const text = light(paint([...back, getComputedStyle(element).color]));
        const [more, less] = [text, light(paint(back))].sort((a, b) => b - a);
        const contrast = (more + 0.05) / (less + 0.05);
        if (contrast < 4.5) faint.push(`${element.tagName}.${element.className}: ${contrast.toFixed(2)}`);
    }
    return [...new Set(faint)];
}"""


@pytest.mark.parametrize(
    ("scheme", "page_color"), [("light", "rgb(246, 246, 243)"), ("dark", "rgb(18, 22, 24)")]
)
def test_both_schemes_can_be_read(browser: "Browser", serve: Serve, scheme: Any, page_color: str) -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route(
        "/lost", cors(origins=A, allow_credentials=True)(functools.partial(item)), methods=["POST"]
    )
    with browser.new_context(color_scheme=scheme) as context:
        page = context.new_page()
        for shown in (small_app(), app):
            page.goto(serve(inspector(shown, allow=everybody)).origin)
            page.locator(".cell button").last.click()
            page.locator(".step").first.wait_for()

            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == page_color
            assert page.evaluate(FAINT) == []
            page.get_by_label("Another origin").fill("x")
            page.get_by_label("Another origin").press("Enter")
            page.locator("#typed-origin-problem.wrong").wait_for()
            page.locator("#method").fill("GET")
            page.get_by_role("button", name="Try in this browser").click()
            page.locator(".compared").wait_for()
            assert page.evaluate(FAINT) == []


NAMED_ROLES = {
    *("button", "checkbox", "columnheader", "combobox", "form", "group", "heading", "link", "navigation"),
    *("region", "rowheader", "search", "searchbox", "table", "textbox"),
}


def test_everything_has_a_name(look: Callable[..., Inspected], serve: Serve) -> None:
    seen = look(serve(small_app()).origin)
    seen.page.locator(".cell button").nth(7).click()
    seen.outcome("Allowed")
    session = seen.page.context.new_cdp_session(seen.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    named = [
        (node["role"]["value"], node["name"]["value"])
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in NAMED_ROLES
    ]

    assert [role for role, name in named if not name.strip()] == []
    # A cell says which origin it is about, as it may be reached without its column's head.
    assert ("button", f"{A} yes + credentials") in named
    assert (
        "table",
        "Routes by origin. The arrow keys move between the cells, Enter explains the call.",
    ) in named
    assert {name for role, name in named if role == "columnheader"} == {
        *("Route", "Policy", "Findings", "any other origin", A, B)
    }
    levels = seen.page.locator("h1, h2, h3, h4").evaluate_all("all => all.map((each) => each.localName)")
    assert levels[0] == "h1"
    assert all(int(after[1]) - int(before[1]) <= 1 for before, after in itertools.pairwise(levels))


def test_results_are_announced(look: Callable[..., Inspected], serve: Serve) -> None:
    page = look(serve(small_app()).origin).page

    for announced in ("#outcome", "#row-count", "#summary"):
        assert page.locator(announced).get_attribute("role") == "status"
    for alarming in ("#problem", "#typed-origin-problem", "#origin-problem"):
        assert page.locator(alarming).get_attribute("role") == "alert"


@pytest.mark.parametrize("width", [320, 390, 768, 800, 1280])
def test_a_narrow_page_fits_and_stays_a_table(browser: "Browser", serve: Serve, width: int) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(f"{serve(nasty_app()).origin}/cors/")
        page.locator(".group-row").first.wait_for()
        page.locator(".cell button").first.click()
        page.locator(".step").first.wait_for()

        assert page.evaluate("document.documentElement.scrollWidth") == width
        # The columns' heads, the group, the paths, the inspector itself.
        assert page.get_by_role("row").count() == 1 + 1 + len(NASTY) + 1
        assert page.get_by_role("rowheader").count() == 1 + len(NASTY) + 1


# What can be pressed, and the checkboxes with their labels: https://www.w3.org/TR/WCAG22/#target-size-enhanced
TARGETS = """() => [...document.querySelectorAll("button, a, input, select, textarea")]
    .filter((each) => each.checkVisibility() && !each.classList.contains("skip"))
    .map((each) => [each.outerHTML, each.type === "checkbox" ? each.closest("label") : each])
    .map(([html, target]) => [html, target.getBoundingClientRect().height])
    .filter(([, height]) => height < 40)"""


def test_fingers_have_room(browser: "Browser", serve: Serve) -> None:
    lost = FastAPI(openapi_url=None)
    lost.add_api_route("/lost", cors(origins=A)(functools.partial(item)), methods=["POST"])
    with browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True) as context:
        page = context.new_page()
        for app in (grouped_app(), lost):
            page.goto(f"{serve(inspector(app, allow=everybody)).origin}/?search=/")
            page.locator(".cell button").first.click()
            page.locator(".step").first.wait_for()
            assert page.locator("#confirm").is_visible() is (app is lost)
            assert page.evaluate(TARGETS) == []


def test_who_wants_less_motion_gets_less(browser: "Browser", serve: Serve) -> None:
    origin = serve(small_app()).origin
    for wish, behavior in (("reduce", "auto"), ("no-preference", "smooth")):
        with browser.new_context(reduced_motion=wish) as context:  # type: ignore[arg-type]
            page = context.new_page()
            page.goto(f"{origin}/cors/")
            assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == behavior
