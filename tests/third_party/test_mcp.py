"""The recipe of an MCP server, with the MCP SDK's own transport behind the policy."""

import importlib.util
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from route_cors.testing import Browser, CORSBlocked

pytest.importorskip("mcp", reason="mcp is not installed")

RECIPE = Path(__file__).parents[2] / "examples" / "recipes" / "mcp_server.py"
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


def test_a_page_opens_a_session_and_ends_it() -> None:
    spec = importlib.util.spec_from_file_location("recipe_mcp_server", RECIPE)
    assert spec is not None
    assert spec.loader is not None
    recipe = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(recipe)
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
