"""The general path before the special one.

Finding: RC002 error
Fix: register the special path first.
"""

from fastapi import FastAPI

from route_cors import cors, install_cors, no_cors

app = FastAPI()


@app.get("/orders/{order_id}")
@cors(origins="https://app.example.com")
async def order(order_id: str) -> None: ...


@app.get("/orders/secret")
@no_cors
async def secret() -> None: ...


install_cors(app)
