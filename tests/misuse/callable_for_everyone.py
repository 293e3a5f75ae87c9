"""A callable that looks at the scheme, and allows every site.

Finding: RC022 error
Options: --ask-callables
Fix: compare the whole origin.
"""

from fastapi import FastAPI

from route_cors import cors, install_cors

app = FastAPI()


def is_ours(origin: str, connection: object) -> bool:
    return origin.startswith("http")


@app.get("/account")
@cors(origins=is_ours, allow_credentials=True)
async def account() -> None: ...


install_cors(app)
