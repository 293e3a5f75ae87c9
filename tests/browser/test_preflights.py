"""When Chromium asks first, what it remembers of the answer, and where redirects lead."""

from collections.abc import Callable
from typing import Annotated

import pytest
from fastapi import Body, FastAPI
from starlette.types import ASGIApp

from route_cors import CORSPolicy, cors, install_cors

from .conftest import BLOCKED, Script, Server

Serve = Callable[[ASGIApp], Server]

CUSTOM = {"X-Custom": "1"}


class TestApproval:
    def test_a_json_body_needs_no_allow_headers(
        self, serve: Serve, trusted: Script, stranger: Script
    ) -> None:
        app = FastAPI()
        saved: list[str] = []

        @app.post("/notes")
        @cors(origins=trusted.origin)
        async def save(text: Annotated[str, Body(embed=True)]) -> str:
            saved.append(text)
            return text

        install_cors(app)
        api = serve(app)
        note = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": '{"text": "hi"}'}

        assert trusted.fetch(f"{api.origin}/notes", **note).text == '"hi"'
        assert api.requests[0].headers["access-control-request-headers"] == "content-type"
        assert stranger.fetch(f"{api.origin}/notes", **note) == BLOCKED
        assert saved == ["hi"]
        assert api.log == ["OPTIONS /notes", "POST /notes", "OPTIONS /notes"]

    @pytest.mark.parametrize("allow_credentials", [False, True])
    def test_a_listed_header_is_approved_and_an_unlisted_one_is_not(
        self, serve: Serve, trusted: Script, allow_credentials: bool
    ) -> None:
        app = FastAPI()

        @app.get("/")
        @cors(origins=trusted.origin, allow_headers=["X-Custom"], allow_credentials=allow_credentials)
        async def read() -> str:
            return "read"

        install_cors(app)
        api = serve(app)

        assert trusted.fetch(api.origin, headers=CUSTOM).text == '"read"'
        assert trusted.fetch(api.origin, headers=CUSTOM | {"X-Other": "1"}) == BLOCKED
        assert api.log == ["OPTIONS /", "GET /", "OPTIONS /"]

    @pytest.mark.parametrize("allow_credentials", [False, True])
    def test_a_wildcard_approves_any_header_but_authorization_only_if_it_is_listed(
        self, serve: Serve, trusted: Script, allow_credentials: bool
    ) -> None:
        app = FastAPI()
        wildcard = CORSPolicy(origins=trusted.origin, allow_headers="*", allow_credentials=allow_credentials)
        credentials = "include" if allow_credentials else "omit"

        @app.get("/")
        @cors(wildcard)
        async def read() -> str:
            return "read"

        @app.get("/listed")
        @cors(wildcard.evolve(allow_headers=["*", "Authorization"]))
        async def listed() -> str:
            return "listed"

        install_cors(app)
        api = serve(app)
        token = {"Authorization": "Bearer t"}

        assert trusted.fetch(api.origin, headers=CUSTOM, credentials=credentials).text == '"read"'
        listed_seen = trusted.fetch(f"{api.origin}/listed", headers=token | CUSTOM, credentials=credentials)
        assert listed_seen.text == '"listed"'
        assert api.log == ["OPTIONS /", "GET /", "OPTIONS /listed", "GET /listed"]

    def test_a_method_that_is_not_registered_is_never_sent(self, serve: Serve, stranger: Script) -> None:
        app = FastAPI()

        @app.get("/")
        @cors(origins="*")
        async def read() -> str:
            return "read"

        install_cors(app)
        api = serve(app)

        assert stranger.fetch(api.origin, method="DELETE") == BLOCKED
        assert api.log == ["OPTIONS /"]


class TestDebug:
    """What the browser's own console says of a refused preflight."""

    NO_ORIGIN = (
        "Response to preflight request doesn't pass access control check: No 'Access-Control-Allow-Origin' "
        "header is present on the requested resource."
    )

    @pytest.fixture
    def blamed(self, serve: Serve, trusted: Script) -> Callable[..., str]:
        """The reason that the console gives for a call from the trusted page."""
        said: list[str] = []
        trusted.page.on("console", lambda message: said.append(message.text))

        def blamed(*, debug: bool, origins: str, method: str, headers: dict[str, str]) -> str:
            app = FastAPI()

            @app.put("/")
            @cors(origins=trusted.origin if origins == "trusted" else origins)
            async def save() -> str:
                return "saved"

            install_cors(app, debug=debug)
            api = serve(app)
            assert trusted.fetch(api.origin, method=method, headers=headers) == BLOCKED
            assert api.log == ["OPTIONS /"]
            (reason,) = [text for text in said if "CORS policy" in text]
            said.clear()
            return reason.partition(" has been blocked by CORS policy: ")[2]

        return blamed

    @pytest.mark.parametrize(
        ("origins", "method", "headers", "reason"),
        [
            ("https://another.example", "PUT", {}, NO_ORIGIN),
            (
                "trusted",
                "DELETE",
                {},
                "Method DELETE is not allowed by Access-Control-Allow-Methods in preflight response.",
            ),
            (
                "trusted",
                "PUT",
                CUSTOM,
                (
                    "Request header field x-custom is not allowed by Access-Control-Allow-Headers in "
                    "preflight response."
                ),
            ),
            # Browsers take this method as allowed whatever is listed: it can only be refused by its status.
            (
                "trusted",
                "POST",
                CUSTOM,
                (
                    "Response to preflight request doesn't pass access control check: It does not have HTTP "
                    "ok status."
                ),
            ),
        ],
    )
    def test_the_console_names_the_check_that_failed(
        self, blamed: Callable[..., str], origins: str, method: str, headers: dict[str, str], reason: str
    ) -> None:
        assert blamed(debug=True, origins=origins, method=method, headers=headers) == reason
        # Without it the console blames the origin, whatever it was.
        assert blamed(debug=False, origins=origins, method=method, headers=headers) == self.NO_ORIGIN


class TestCache:
    @pytest.mark.parametrize(
        ("max_age", "log"),
        [
            (600, ["OPTIONS /", "PUT /", "PUT /", "PUT /"]),
            (0, ["OPTIONS /", "PUT /", "OPTIONS /", "PUT /", "OPTIONS /", "PUT /"]),
        ],
    )
    def test_max_age_is_how_long_an_approval_lasts(
        self, serve: Serve, trusted: Script, max_age: int, log: list[str]
    ) -> None:
        app = FastAPI()

        @app.put("/")
        @cors(origins=trusted.origin, max_age=max_age)
        async def save() -> str:
            return "saved"

        install_cors(app)
        api = serve(app)

        for _ in range(3):
            assert trusted.fetch(api.origin, method="PUT").text == '"saved"'
        assert api.log == log

    def test_the_approval_of_one_origin_is_not_the_other_ones(
        self, serve: Serve, trusted: Script, stranger: Script
    ) -> None:
        app = FastAPI()

        @app.put("/")
        @cors(origins=trusted.origin)
        async def save() -> str:
            return "saved"

        install_cors(app)
        api = serve(app)

        assert trusted.fetch(api.origin, method="PUT").status == 200
        assert stranger.fetch(api.origin, method="PUT") == BLOCKED
        assert api.log == ["OPTIONS /", "PUT /", "OPTIONS /"]

    def test_methods_of_one_policy_share_an_approval(self, serve: Serve, trusted: Script) -> None:
        app = FastAPI()
        policy = CORSPolicy(origins=trusted.origin)

        @app.put("/")
        @cors(policy)
        async def save() -> str:
            return "saved"

        @app.delete("/")
        @cors(policy)
        async def remove() -> str:
            return "removed"

        install_cors(app)
        api = serve(app)

        assert trusted.fetch(api.origin, method="PUT").text == '"saved"'
        assert trusted.fetch(api.origin, method="DELETE").text == '"removed"'
        assert api.log == ["OPTIONS /", "PUT /", "DELETE /"]

    def test_a_grant_of_get_never_lends_put_its_permission(
        self, serve: Serve, trusted: Script, stranger: Script
    ) -> None:
        app = FastAPI()
        saved: list[str] = []

        @app.get("/")
        @cors(origins="*", allow_headers=["X-Custom"])
        async def read() -> str:
            return "read"

        @app.put("/")
        @cors(origins=trusted.origin)
        async def save() -> str:
            saved.append("saved")
            return "saved"

        install_cors(app)
        api = serve(app)

        # The origin: the cached grant holds for the stranger, but not for PUT.
        assert stranger.fetch(api.origin, headers=CUSTOM).text == '"read"'
        assert stranger.fetch(api.origin, method="PUT") == BLOCKED
        # The header: the trusted page may send PUT, but not with the header that GET may have.
        assert trusted.fetch(api.origin, headers=CUSTOM).text == '"read"'
        assert trusted.fetch(api.origin, method="PUT", headers=CUSTOM) == BLOCKED
        assert saved == []
        assert trusted.fetch(api.origin, method="PUT").text == '"saved"'
        assert api.log == [
            *["OPTIONS /", "GET /", "OPTIONS /"],
            *["OPTIONS /", "GET /", "OPTIONS /", "OPTIONS /", "PUT /"],
        ]


class TestSlashRedirect:
    @pytest.fixture
    def api(self, serve: Serve, trusted: Script) -> Server:
        app = FastAPI()
        policy = CORSPolicy(origins=trusted.origin)

        @app.get("/s/")
        @cors(policy)
        async def read() -> str:
            return "read"

        @app.put("/s/")
        @cors(policy)
        async def save() -> str:
            return "saved"

        install_cors(app)
        return serve(app)

    def test_a_simple_get_follows_it(self, api: Server, trusted: Script, stranger: Script) -> None:
        seen = trusted.fetch(f"{api.origin}/s")

        assert (seen.text, seen.url) == ('"read"', f"{api.origin}/s/")
        assert stranger.fetch(f"{api.origin}/s") == BLOCKED
        assert api.log == ["GET /s", "GET /s/", "GET /s"]

    def test_a_preflighted_put_follows_it(self, api: Server, trusted: Script, stranger: Script) -> None:
        seen = trusted.fetch(f"{api.origin}/s", method="PUT")

        assert (seen.text, seen.url) == ('"saved"', f"{api.origin}/s/")
        # Approved for the path without the slash, there and then; the target gets a preflight of its own.
        assert api.log == ["OPTIONS /s", "PUT /s", "OPTIONS /s/", "PUT /s/"]
        assert stranger.fetch(f"{api.origin}/s", method="PUT") == BLOCKED
        assert api.log[4:] == ["OPTIONS /s"]
