r"""An app behind a reverse proxy that ends TLS and serves it under a path.

    pip install route-cors uvicorn
    uvicorn --app-dir examples/recipes --root-path /api --proxy-headers \
        --forwarded-allow-ips 127.0.0.1 behind_a_proxy:app

Policies name the origins of pages, so the proxy changes nothing about them. The app's own origin does
depend on it: websockets, and browsers that send no Sec-Fetch-Site, are compared with the scheme and Host of
the request. Have the server trust the proxy's X-Forwarded-Proto (as above), and the proxy hand on the Host
that the browser sent:

    location /api/ {
        proxy_pass http://127.0.0.1:8000/;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-Proto $scheme;
    }

The proxy itself must not add CORS headers: two Access-Control-Allow-Origin make browsers refuse the
response.
"""

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
