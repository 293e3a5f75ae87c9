r"""An MCP server that pages of another origin may call, such as an inspector or a chat in the browser.

    python -m pip install mcp
    python examples/mcp_server.py
    curl -i -X OPTIONS -H 'Origin: https://inspector.example.com' \
        -H 'Access-Control-Request-Method: DELETE' http://127.0.0.1:8000/mcp/

The streamable HTTP transport needs three things from CORS: the page has to read the session's header, send it
and the protocol's version, and end the session by DELETE. The server's own check of Host and Origin comes
after route_cors: its allowed_origins have to name the page too.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import serving
from fastapi import FastAPI
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from route_cors import CORSPolicy, cors, install_cors

PAGE = "https://inspector.example.com"
SESSION = "Mcp-Session-Id"

server = MCPServer("tea")


@server.tool()
def steep(minutes: int) -> str:
    """Say when the tea is ready."""
    return f"ready in {minutes} minutes"


transport = server.streamable_http_app(
    streamable_http_path="/",
    json_response=True,
    transport_security=TransportSecuritySettings(
        allowed_hosts=["api.example.com", "127.0.0.1:*"], allowed_origins=[PAGE]
    ),
)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Run the sessions, because the lifespan of a mounted app does not run."""
    async with server.session_manager.run():
        yield


app = FastAPI(lifespan=lifespan)
policy = CORSPolicy(
    origins=PAGE,
    methods=["GET", "POST", "DELETE"],
    allow_headers=["Authorization", SESSION, "MCP-Protocol-Version", "Last-Event-ID"],
    expose_headers=[SESSION],
)
app.mount("/mcp", cors(policy)(transport))
install_cors(app)

if __name__ == "__main__":
    serving.serve(app)
