"""The recipe of an MCP server, with the MCP SDK's own transport behind the policy."""

import sys
from pathlib import Path

import pytest
from example_programs import EXAMPLES, Answer, answers, started
from interpreters import load
from starlette.testclient import TestClient

from route_cors.testing import Browser, CORSBlocked

pytest.importorskip("mcp", reason="mcp is not installed")

API = "https://api.example.com"
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-03-26",
        "capabilities": {},
        "clientInfo": {"name": "page", "version": "1"},
    },
}


def test_a_page_opens_a_session_and_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES))
    recipe = load(EXAMPLES / "mcp_server.py", "recipe_mcp_server")
    accepts = {"Accept": "application/json, text/event-stream"}
    with TestClient(recipe.app, base_url=API) as client:
        page = Browser(client, origin=recipe.PAGE)
        opened = page.fetch(f"{API}/mcp/", method="POST", json=INITIALIZE, headers=accepts)
        session = opened.headers["mcp-session-id"]
        assert opened.status_code == 200
        of_session = {"Mcp-Session-Id": session, "MCP-Protocol-Version": "2025-03-26"}
        ended = page.fetch(f"{API}/mcp/", method="DELETE", headers=of_session)
        assert ended.status_code == 200
        again = page.fetch(f"{API}/mcp/", method="POST", json=INITIALIZE, headers=accepts | of_session)
        assert again.status_code == 404  # it has ended
        stranger = Browser(client, origin="https://stranger.example")
        with pytest.raises(CORSBlocked):
            stranger.fetch(f"{API}/mcp/", method="POST", json=INITIALIZE, headers=accepts)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to send to one process")
def test_it_serves_what_it_says_until_ctrl_c(tmp_path: Path) -> None:
    with started("mcp_server.py", tmp_path, PORT="0") as program:
        seen = answers("mcp_server.py", program.address)
        output, errors = program.stop()

    granted = {
        "access-control-allow-origin": "https://inspector.example.com",
        "access-control-allow-headers": "Accept, Accept-Language, Content-Language, Content-Type, "
        "Authorization, Last-Event-ID, MCP-Protocol-Version, Mcp-Session-Id",
        "access-control-allow-methods": "DELETE",
        "access-control-max-age": "600",
        "vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers",
    }
    assert seen == [Answer(204, granted)]
    assert output.startswith("RCE01 preflight allowed: method=DELETE path=/mcp/ ")
    # What the SDK logs is its own.
    assert "RCE" not in errors
    assert "Traceback" not in errors
