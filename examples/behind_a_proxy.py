r"""An app behind a reverse proxy that terminates TLS and serves it under a path.

    python examples/behind_a_proxy.py
    curl -i -X POST -H 'Host: api.example.com' -H 'X-Forwarded-Proto: https' \
        -H 'Origin: https://api.example.com' http://127.0.0.1:8000/orders
    curl -i -X POST -H 'Host: api.example.com' -H 'Origin: https://api.example.com' http://127.0.0.1:8000/orders

The second command is what the proxy passes on from a page of the app itself. In the third, the proxy does not
say that https was used, so the app does not recognise its own origin. Start your own app with these options:

    uvicorn --root-path /api --proxy-headers --forwarded-allow-ips 127.0.0.1 main:app

Policies name the origins of pages, so they are the same with and without a proxy. The app's own origin is
not: for websockets, and for browsers that send no Sec-Fetch-Site, the Origin is compared with the scheme and
Host of the request. Let the server trust the proxy's X-Forwarded-Proto, as above, and let the proxy pass on
the Host that the browser sent:

    location /api/ {
        proxy_pass http://127.0.0.1:8000/;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
    }

The proxy itself must not add CORS headers: browsers refuse a response with two
Access-Control-Allow-Origin headers.
"""

import serving
from fastapi import FastAPI, WebSocket

from route_cors import CORSPolicy, install_cors, no_cors

app = FastAPI()


@app.post("/orders")
async def order() -> str:
    """Order something."""
    return "ordered"


@app.websocket("/events")
@no_cors
async def events(websocket: WebSocket) -> None:
    """Tell the app's own pages what happens."""
    await websocket.accept()
    await websocket.send_text("ready")
    await websocket.close()


install_cors(app, default=CORSPolicy(origins="https://app.example.com"), enforce=True)

if __name__ == "__main__":
    serving.serve(app, root_path="/api", proxy_headers=True, forwarded_allow_ips="127.0.0.1")
