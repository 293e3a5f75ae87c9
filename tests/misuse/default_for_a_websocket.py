"""A default, in the hope that it covers websockets.

Finding: RC013 warning
Fix: declare a policy on the websocket.
"""

from fastapi import FastAPI, WebSocket

from route_cors import CORSPolicy, install_cors

app = FastAPI()


@app.websocket("/chat")
async def chat(websocket: WebSocket) -> None: ...


install_cors(app, default=CORSPolicy(origins="https://app.example.com"))
