"""What scripts can read: responses, errors, headers; and what reached the server."""

from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import Body, Cookie, FastAPI, HTTPException, Request, Response
from starlette.responses import HTMLResponse
from starlette.types import ASGIApp

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

from .conftest import BLOCKED, Script, Server, Tabs, fetch_in, open_page

Serve = Callable[[ASGIApp], Server]


class TestCredentials:
    @pytest.fixture
    def api(self, serve: Serve, trusted: Script) -> Server:
        app = FastAPI()
        account = CORSRouter(cors=CORSPolicy(origins=trusted.origin, allow_credentials=True))

        @account.post("/login")
        async def login(response: Response) -> None:
            response.set_cookie("session", "s3cret", httponly=True, samesite="lax")

        @account.get("/profile")
        async def profile(session: Annotated[str | None, Cookie()] = None) -> str:
            if session != "s3cret":
                raise HTTPException(401, "log in first")
            return "ada"

        app.include_router(account)
        install_cors(app)
        return serve(app)

    def test_the_cookie_is_sent_and_the_answer_readable(self, api: Server, trusted: Script) -> None:
        assert trusted.fetch(f"{api.origin}/login", method="POST", credentials="include").status == 200

        seen = trusted.fetch(f"{api.origin}/profile", credentials="include")

        assert (seen.status, seen.text) == (200, '"ada"')
        assert api.requests[-1].headers["cookie"] == "session=s3cret"

    @pytest.mark.parametrize("credentials", ["omit", "same-origin"])
    def test_without_credentials_the_cookie_stays_home(
        self, api: Server, trusted: Script, credentials: str
    ) -> None:
        trusted.fetch(f"{api.origin}/login", method="POST", credentials="include")

        seen = trusted.fetch(f"{api.origin}/profile", credentials=credentials)

        assert (seen.status, seen.text) == (401, '{"detail":"log in first"}')
        assert "cookie" not in api.requests[-1].headers

    def test_a_stranger_sends_the_cookie_and_reads_nothing(
        self, api: Server, trusted: Script, stranger: Script
    ) -> None:
        trusted.fetch(f"{api.origin}/login", method="POST", credentials="include")

        assert stranger.fetch(f"{api.origin}/profile", credentials="include") == BLOCKED
        assert api.requests[-1].headers["cookie"] == "session=s3cret"

    def test_credentials_without_a_grant_are_blocked(self, serve: Serve, trusted: Script) -> None:
        app = FastAPI()

        @app.get("/named")
        @cors(origins=trusted.origin)
        async def named() -> str:
            return "no credentials here"

        @app.get("/anyone")
        @cors(origins="*")
        async def anyone() -> str:
            return "nor here"

        install_cors(app)
        api = serve(app)

        assert trusted.fetch(f"{api.origin}/named").status == 200
        assert trusted.fetch(f"{api.origin}/named", credentials="include") == BLOCKED
        assert trusted.fetch(f"{api.origin}/anyone").status == 200
        assert trusted.fetch(f"{api.origin}/anyone", credentials="include") == BLOCKED


class TestExposedHeaders:
    def test_exposed_ones_are_visible_and_others_hidden(self, serve: Serve, trusted: Script) -> None:
        app = FastAPI()

        @app.get("/")
        @cors(origins=trusted.origin, expose_headers=["X-Total", "ETag"])
        async def listing(response: Response) -> None:
            response.headers.update({"X-Total": "42", "ETag": '"v1"', "X-Node": "db-7"})

        install_cors(app)

        headers = trusted.fetch(serve(app).origin).headers

        assert headers["x-total"] == "42"
        assert headers["etag"] == '"v1"'
        assert "x-node" not in headers

    def test_they_are_visible_on_errors_too(self, serve: Serve, trusted: Script) -> None:
        app = FastAPI()

        @app.get("/")
        @cors(origins=trusted.origin, expose_headers=["Retry-After"])
        async def busy() -> None:
            raise HTTPException(429, headers={"Retry-After": "7"})

        install_cors(app)

        seen = trusted.fetch(serve(app).origin)

        assert (seen.status, seen.headers["retry-after"]) == (429, "7")

    def test_a_wildcard_exposes_all(self, serve: Serve, stranger: Script) -> None:
        app = FastAPI()

        @app.get("/")
        @cors(origins="*", expose_headers="*")
        async def listing(response: Response) -> None:
            response.headers["X-Anything"] = "visible"

        install_cors(app)

        assert stranger.fetch(serve(app).origin).headers["x-anything"] == "visible"


class TestErrors:
    @pytest.fixture
    def api(self, serve: Serve, trusted: Script) -> Server:
        app = FastAPI()
        policy = CORSPolicy(origins=trusted.origin)

        @app.get("/items/{number}")
        @cors(policy)
        async def item(number: int) -> int:
            return number

        @app.get("/crash")
        @cors(policy)
        async def crash() -> None:
            raise RuntimeError("on purpose")

        install_cors(app, default=policy)
        return serve(app)

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/crash", 500),
            ("GET", "/items/seven", 422),
            ("POST", "/items/7", 405),
            ("GET", "/nowhere", 404),
        ],
    )
    def test_the_trusted_page_reads_them_and_a_stranger_does_not(
        self, api: Server, trusted: Script, stranger: Script, method: str, path: str, status: int
    ) -> None:
        assert trusted.fetch(api.origin + path, method=method).status == status
        assert stranger.fetch(api.origin + path, method=method) == BLOCKED
        assert api.log == [f"{method} {path}"] * 2


class TestAnyOriginAndNone:
    def test_a_public_api_is_readable_from_everywhere(
        self, serve: Serve, trusted: Script, stranger: Script
    ) -> None:
        app = FastAPI()
        public = CORSRouter(cors=CORSPolicy(origins="*"))

        @public.get("/quotes")
        async def quotes() -> str:
            return "readability counts"

        app.include_router(public)
        install_cors(app)
        api = serve(app)

        for script in (trusted, stranger):
            assert script.fetch(f"{api.origin}/quotes").text == '"readability counts"'

    def test_a_router_needs_no_install_cors(self, serve: Serve, stranger: Script) -> None:
        app = FastAPI()
        public = CORSRouter(cors=CORSPolicy(origins="*"))

        @public.put("/quotes")
        async def add(text: Annotated[str, Body(embed=True)]) -> str:
            return text

        app.include_router(public)
        api = serve(app)

        seen = stranger.fetch(
            f"{api.origin}/quotes",
            method="PUT",
            headers={"Content-Type": "application/json"},
            body='{"text": "new"}',
        )

        assert (seen.status, seen.text) == (200, '"new"')
        assert api.log == ["OPTIONS /quotes", "PUT /quotes"]

    def test_no_cors_is_blocked_for_every_page(self, serve: Serve, trusted: Script, stranger: Script) -> None:
        app = FastAPI()
        restarts: list[str] = []

        @app.get("/metrics")
        @no_cors
        async def metrics() -> str:
            return "internal"

        @app.put("/restart")
        @no_cors
        async def restart() -> None:
            restarts.append("restarted")

        install_cors(app, default=CORSPolicy(origins="*"))
        api = serve(app)

        for script in (trusted, stranger):
            assert script.fetch(f"{api.origin}/metrics") == BLOCKED
            assert script.fetch(f"{api.origin}/restart", method="PUT") == BLOCKED
        assert restarts == []
        assert api.log == ["GET /metrics", "OPTIONS /restart"] * 2


class TestOpaqueOrigin:
    def test_a_sandboxed_frame_reads_what_is_public_and_nothing_else(
        self, serve: Serve, trusted: Script
    ) -> None:
        app = FastAPI()

        @app.get("/public")
        @cors(origins="*")
        async def public() -> str:
            return "public"

        @app.get("/private")
        @cors(origins=trusted.origin)
        async def private() -> str:
            return "private"

        install_cors(app)
        api = serve(app)
        trusted.run(
            """() => {
                const frame = document.createElement("iframe");
                frame.sandbox = "allow-scripts";
                frame.srcdoc = "<!doctype html><title>sandboxed</title>";
                document.body.append(frame);
                return new Promise((resolve) => frame.addEventListener("load", () => resolve()));
            }"""
        )
        frame = trusted.page.frames[1]

        assert fetch_in(frame, f"{api.origin}/public", {}).text == '"public"'
        assert fetch_in(frame, f"{api.origin}/private", {}) == BLOCKED
        assert [request.headers["origin"] for request in api.requests] == ["null", "null"]
        assert trusted.fetch(f"{api.origin}/private").text == '"private"'


TRANSFER = {"method": "POST", "headers": {"Content-Type": "text/plain"}, "body": "transfer 100"}


class TestEnforce:
    def test_a_simple_post_reaches_the_handler_from_allowed_origins_alone(
        self, serve: Serve, tabs: Tabs, trusted: Script, stranger: Script
    ) -> None:
        app = FastAPI()
        transfers: list[str | None] = []

        @app.get("/", response_class=HTMLResponse)
        async def own_page() -> str:
            return "<!doctype html><title>own</title><link rel=icon href='data:,'>"

        @app.post("/transfer")
        @cors(origins=trusted.origin, enforce=True)
        async def transfer(request: Request) -> str:
            transfers.append(request.headers.get("origin"))
            return (await request.body()).decode()

        install_cors(app)
        api = serve(app)
        own = open_page(tabs.another(), api.origin)

        assert stranger.fetch(f"{api.origin}/transfer", **TRANSFER) == BLOCKED
        # An opaque response hides a 403 as well as a 200: only the server's record tells them apart.
        assert stranger.fetch(f"{api.origin}/transfer", mode="no-cors", **TRANSFER).status == 0
        assert transfers == []
        assert trusted.fetch(f"{api.origin}/transfer", **TRANSFER).text == '"transfer 100"'
        assert own.fetch("/transfer", **TRANSFER).text == '"transfer 100"'
        assert transfers == [trusted.origin, api.origin]
        assert api.log == ["GET /", *["POST /transfer"] * 4]

    def test_without_it_the_handler_runs_and_only_the_answer_is_hidden(
        self, serve: Serve, trusted: Script, stranger: Script
    ) -> None:
        app = FastAPI()
        transfers: list[str | None] = []

        @app.post("/transfer")
        @cors(origins=trusted.origin)
        async def transfer(request: Request) -> None:
            transfers.append(request.headers.get("origin"))

        install_cors(app)

        assert stranger.fetch(f"{serve(app).origin}/transfer", **TRANSFER) == BLOCKED
        assert transfers == [stranger.origin]
