"""A regex with a dot that is not escaped.

Finding: RC007 warning
Fix: escape it.
"""

import re

from fastapi import FastAPI

from route_cors import cors, install_cors

app = FastAPI()


@app.get("/account")
@cors(origins=re.compile(r"https://(app|admin).example\.com"), allow_credentials=True)
async def account() -> None: ...


install_cors(app)
