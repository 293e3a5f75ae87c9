"""The methods of the path, on one of its routes.

Finding: RC014 error
Fix: leave methods out.
"""

from fastapi import FastAPI

from route_cors import cors, install_cors

app = FastAPI()


@app.delete("/notes")
@cors(origins="https://app.example.com", methods=["GET", "POST"])
async def delete_notes() -> None: ...


install_cors(app)
