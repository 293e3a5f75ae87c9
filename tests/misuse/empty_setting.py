"""A setting that is empty, so that nobody is allowed.

Finding: RC034 info
Fix: look at the setting.
"""

from fastapi import FastAPI

from route_cors import CORSPolicy, CORSRouter, OriginList

app = FastAPI()
notes = CORSRouter(cors=CORSPolicy(origins=OriginList("")))


@notes.get("/notes")
async def read() -> None: ...


app.include_router(notes)
