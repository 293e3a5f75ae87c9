"""CORSMiddleware around a CORSRouter: it answers the preflights.

Finding: RC003 error
Fix: remove it.
"""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from route_cors import CORSPolicy, CORSRouter

app = FastAPI()
quotes = CORSRouter(cors=CORSPolicy(origins="https://app.example.com"))


@quotes.get("/quotes")
async def read() -> None: ...


app.include_router(quotes)
app.add_middleware(CORSMiddleware, allow_origins=["*"])
