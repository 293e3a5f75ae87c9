"""The layer on a mounted app, and the policy on the app around it.

Finding: RC001 error
Fix: call install_cors on the outer app.
"""

from fastapi import FastAPI

from route_cors import cors, install_cors

app = FastAPI()
api = FastAPI()


@app.get("/quotes")
@cors(origins="*")
async def quotes() -> None: ...


app.mount("/api", api)
install_cors(api)
