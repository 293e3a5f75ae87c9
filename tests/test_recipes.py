"""The recipes of examples/, as a page in a browser meets them."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from asgi import ask, http_scope
from example_programs import EXAMPLES
from interpreters import environment, load
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from route_cors.insight import SEVERITIES, report
from route_cors.testing import Browser, CORSBlocked

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

RECIPES = [
    "behind_a_proxy",
    "from_settings",
    "public_api",
    "spa_with_cookies",
    "swagger_ui_elsewhere",
    "tenants",
]
APP = "https://app.example.com"
STRANGER = "https://stranger.example"
API = "https://api.example.com"


@pytest.fixture(autouse=True)
def empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a .env file or variables of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.upper().startswith(("CORS", "PARTNERS"))]:
        monkeypatch.delenv(name)
    monkeypatch.syspath_prepend(str(EXAMPLES))


def recipe(name: str) -> ModuleType:
    """A new one for each test."""
    return load(EXAMPLES / f"{name}.py", f"recipe_{name}")


def outcome(app: Any, origin: str, path: str, method: str = "GET", **arguments: Any) -> Any:
    """The JSON or the status that the page reads, or which check of the browser failed."""
    try:
        answer = Browser(app, origin=origin, base_url=API).fetch(f"{API}{path}", method=method, **arguments)
    except CORSBlocked:
        return "blocked"
    return answer.json() if answer.status_code == 200 else answer.status_code


@pytest.mark.parametrize("name", [*RECIPES, "mixed_api"])
def test_check_has_nothing_to_say(name: str) -> None:
    found = report(recipe(name).app).findings
    assert [each for each in found if each.severity != SEVERITIES[-1]] == []


def test_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "https://app.example.com, https://*.preview.example.com/")
    monkeypatch.setenv("PARTNERS", '{"origins": ["https://partner.example"]}')
    app = recipe("from_settings").app
    assert outcome(app, APP, "/orders") == ["tea"]
    assert outcome(app, "https://pr7.preview.example.com", "/orders") == ["tea"]
    assert outcome(app, STRANGER, "/orders") == "blocked"
    assert outcome(app, "https://partner.example", "/stock") == {"tea": 3}
    assert outcome(app, APP, "/stock") == "blocked"


def test_settings_that_are_empty_allow_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", "")
    app = recipe("from_settings").app
    assert outcome(app, "http://localhost:5173", "/orders") == "blocked"


def test_a_mistake_in_a_setting_stops_the_program_with_its_fix() -> None:
    result = subprocess.run(
        [sys.executable, EXAMPLES / "from_settings.py"],
        env=environment() | {"CORS_ORIGINS": "https://app.example.com/app"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 1
    for words in ("cors_origins", "https://app.example.com/app", "write 'https://app.example.com' instead"):
        assert words in result.stderr


def test_a_single_page_app_with_cookies() -> None:
    app = recipe("spa_with_cookies").app
    page = Browser(app, origin=APP, base_url=API)
    assert page.fetch(f"{API}/orders", method="POST", credentials="include").status_code == 401
    page.fetch(f"{API}/login", method="POST", credentials="include")
    ordered = page.fetch(f"{API}/orders", method="POST", credentials="include")
    assert (ordered.status_code, ordered.json()) == (200, "ordered by the session of-ada")
    for headers in ([(b"origin", STRANGER.encode())], [(b"sec-fetch-site", b"cross-site")]):
        refused = ask(app, http_scope("POST", "/orders", [*headers, (b"cookie", b"session=of-ada")]))
        assert (refused.status, refused.cors) == (403, {"vary": "Origin, Sec-Fetch-Site"})


def test_a_public_api_with_a_private_part() -> None:
    app = recipe("public_api").app
    public = Browser(app, origin=STRANGER, base_url=API).fetch(f"{API}/v1/quotes")
    assert (public.json(), public.headers["x-total"]) == (["Readability counts."], "1")
    assert outcome(app, APP, "/account/name", "PUT", credentials="include") == "renamed"
    assert outcome(app, STRANGER, "/account/name", "PUT", credentials="include") == "blocked"
    assert outcome(app, APP, "/internal/metrics") == "blocked"


def test_a_documentation_page_elsewhere() -> None:
    app = recipe("swagger_ui_elsewhere").app
    docs = "https://docs.example.com"
    schema = outcome(app, docs, "/v1/openapi.json")
    assert [*schema["paths"]] == ["/v1/quotes"]
    assert outcome(app, docs, "/v1/quotes", headers={"Authorization": "Bearer 1"}) == [
        "Simple is better than complex."
    ]
    assert outcome(app, STRANGER, "/v1/openapi.json") == "blocked"


def test_behind_a_proxy() -> None:
    app: Any = ProxyHeadersMiddleware(recipe("behind_a_proxy").app, trusted_hosts=["127.0.0.1", "testclient"])
    sent = [(b"host", b"api.example.com"), (b"x-forwarded-proto", b"https")]
    own, other = [(b"origin", API.encode())], [(b"origin", STRANGER.encode())]
    by_proxy = {"client": ("127.0.0.1", 1), "root_path": "/api"}

    def status(origin: list[tuple[bytes, bytes]], **more: Any) -> int:
        scope = http_scope("POST", "/api/orders", [*sent, *origin], **by_proxy | more)
        return ask(app, {**scope, "scheme": "http"}).status

    assert (status(own), status(other)) == (200, 403)
    # Whoever does not come through the proxy may say what they like.
    assert status(own, client=("192.0.2.1", 1)) == 403
    client = TestClient(app, base_url="http://api.example.com", root_path="/api")
    headers = {"Origin": API, "X-Forwarded-Proto": "https"}
    with client.websocket_connect("ws://api.example.com/api/events", headers=headers) as socket:
        assert socket.receive_text() == "ready"
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect("ws://api.example.com/api/events", headers=headers | {"Origin": STRANGER}),
    ):
        pass


def test_tenants() -> None:
    app = recipe("tenants").app
    path = "/tenants/globex/settings"
    assert outcome(app, "https://globex.example", path, "PUT", credentials="include") == "saved for globex"
    for stranger in ("https://shop.acme.example", STRANGER):
        assert outcome(app, stranger, path, "PUT", credentials="include") == "blocked"
    assert outcome(app, "https://globex.example", "/tenants/nobody/settings", "PUT") == "blocked"
