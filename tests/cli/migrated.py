"""Apps as people have them, before they move over from CORSMiddleware; and one file as an app."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from allowed_calls import may
from interpreters import load

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["BY_HAND", "SHAPES", "app_in", "differing"]

_numbers: Final = itertools.count()

_HEAD: Final = """\
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
"""
_ROUTES: Final = """

@app.get("/items")
async def items(): ...


@app.post("/items")
async def add(): ...


@app.put("/items/{number}")
async def save(number: int): ...
"""

SHAPES: Final = {
    # As full-stack-fastapi-template has it.
    "settings": f"""{_HEAD}

class Settings:
    FRONTEND_HOST = "https://dashboard.example"
    BACKEND_CORS_ORIGINS = ["http://localhost:5173", "https://a.example"]

    @property
    def all_cors_origins(self) -> list[str]:
        return [str(each).rstrip("/") for each in self.BACKEND_CORS_ORIGINS] + [self.FRONTEND_HOST]


settings = Settings()
app = FastAPI(openapi_url=None)

# Set all CORS enabled origins
if settings.all_cors_origins:
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.all_cors_origins,
        allow_credentials=True,
        allow_methods=["*"],
        allow_headers=["*"],
    )
{_ROUTES}""",
    "previews": rf"""{_HEAD}

app = FastAPI(openapi_url=None)
app.add_middleware(
    CORSMiddleware,
    allow_origins=["https://shop.example", "http://localhost:3000"],
    allow_origin_regex=r"https://pr-\d+--shop\.previews\.example",
    allow_methods=["GET", "PUT"],
    allow_credentials=True,
)
{_ROUTES}""",
    "two": f"""{_HEAD}

app = FastAPI(openapi_url=None)
app.add_middleware(CORSMiddleware, allow_origins=["https://inner.example"])
app.add_middleware(CORSMiddleware, allow_origins=["https://outer.example"], allow_methods=["*"])
{_ROUTES}""",
    "sub-application": f"""{_HEAD}

app = FastAPI(openapi_url=None)
public = FastAPI(openapi_url=None)
public.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"])


@public.post("/quotes")
async def quotes(): ...


app.mount("/public", public)
app.add_middleware(
    CORSMiddleware, allow_origins=["https://a.example"], allow_methods=["*"], allow_headers=["X-Token"]
)
{_ROUTES}""",
    "bearer": f"""{_HEAD}

app = FastAPI(openapi_url=None)
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
{_ROUTES}""",
    "reflecting": f"""{_HEAD}

app = FastAPI(openapi_url=None)
app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True, allow_methods=["*"])
{_ROUTES}""",
}


def app_in(file: Path) -> Any:
    """The `app` of a file, as it is now."""
    return load(file, f"_migrated_{next(_numbers)}").app


_CALLS: Final = {
    "/items": ("/items", ("GET", "POST")),
    "/items/{number}": ("/items/7", ("PUT",)),
    "/public/quotes": ("/public/quotes", ("POST",)),
}


def differing(before: Any, after: Any, origins: Iterable[str]) -> set[tuple[str, ...]]:
    """The calls that end otherwise, made by the test browser, and how."""
    found: set[tuple[str, ...]] = set()
    there = {getattr(route, "path", None) for route in after.routes}
    for origin, (declared, (path, methods)) in itertools.product(origins, _CALLS.items()):
        if declared.startswith("/public") and "/public" not in there:
            continue
        for method, asks in itertools.product(methods, ("nothing", "credentials", "headers")):
            was, now = (may(app, origin, method, path, asks) for app in (before, after))
            if was is not now:
                found.add(("gains" if now else "loses", origin, method, declared, asks))
    return found


BY_HAND: Final = {
    "constructor": (
        f"""{_HEAD}from starlette.middleware import Middleware

app = FastAPI(
    openapi_url=None,
    middleware=[Middleware(CORSMiddleware, allow_origins=["https://a.example"], allow_headers=["X-Token"])],
)
{_ROUTES}""",
        f"""{_HEAD}
app = FastAPI(openapi_url=None)
{_ROUTES}
@@
""",
        7,
    ),
    "factory": (
        f"""{_HEAD}

def create(origins):
    api = FastAPI(openapi_url=None)
    api.add_middleware(CORSMiddleware, allow_origins=origins, allow_methods=["*"], max_age=60)
    return api


app = create(["https://a.example", "https://b.example"])
{_ROUTES}""",
        f"""{_HEAD}

def create(origins):
    api = FastAPI(openapi_url=None)
    @@
    return api


app = create(["https://a.example", "https://b.example"])
{_ROUTES}""",
        7,
    ),
    "around": (
        f"""{_HEAD}

app = FastAPI(openapi_url=None)
{_ROUTES}

app = CORSMiddleware(app, allow_origins=["https://a.example"])
""",
        f"""{_HEAD}

app = FastAPI(openapi_url=None)
{_ROUTES}
@@
""",
        20,
    ),
}
"""Each before, after with the printed code in the place of @@, and the line of the call."""
