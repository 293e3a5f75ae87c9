"""`install_cors(app, openapi=True)`: policies in the schema, and nothing else changed in it."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from fastapi import APIRouter, Cookie, FastAPI
from fastapi.testclient import TestClient
from openapi_spec_validator import validate
from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors
from route_cors.insight.survey import survey

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import Receive, Scope, Send

A = "https://a.example"
PLAIN: dict[str, Any] = {
    "methods": None,
    "allow_headers": [],
    "expose_headers": [],
    "allow_credentials": False,
    "max_age": 600,
    "enforce": None,
    "is_enforced": False,
}


class Item(BaseModel):
    name: str


async def is_tenant(origin: str, connection: HTTPConnection) -> bool:
    return False


def create_app() -> FastAPI:
    public = CORSRouter(prefix="/public", cors=CORSPolicy(origins="*"))

    @public.get("/items/{item_id:int}", response_model=Item)
    async def read(item_id: int) -> Item:
        """One item.

        With *its* name.
        """
        return Item(name=str(item_id))

    inner = APIRouter()

    @inner.get("/things")
    @inner.delete("/things")
    @cors(
        origins=["https://*.a.example", re.compile(r"https://`b`"), is_tenant],
        methods=["DELETE"],
        allow_headers=["X-Token"],
        expose_headers=["ETag"],
        max_age=None,
        enforce=True,
    )
    async def things() -> None: ...

    @inner.get("/closed", description="Never across origins.")
    @no_cors
    async def closed() -> None: ...

    @inner.post("/account", openapi_extra={"x-other": 1})
    @cors(origins=A, allow_credentials=True, max_age=0)
    async def account(item: Item, session: Annotated[str, Cookie()]) -> None: ...

    app = FastAPI(title="items", version="1")
    app.include_router(public)
    app.include_router(inner, prefix="/inner")

    @app.get("/undeclared")
    async def undeclared() -> None: ...

    return app


def described(app: FastAPI, path: str, method: str) -> tuple[Any, str]:
    operation = app.openapi()["paths"][path][method]
    return operation["x-cors"], operation["description"]


@pytest.fixture
def app() -> FastAPI:
    app = create_app()
    install_cors(app, openapi=True)
    return app


@pytest.mark.parametrize(
    ("path", "method", "extension", "description"),
    [
        (
            "/public/items/{item_id}",
            "get",
            {"origins": ["*"], **PLAIN},
            "One item.\n\nWith *its* name.\n\n**CORS:** `any origin`",
        ),
        (
            "/inner/closed",
            "get",
            {"origins": [], **PLAIN, "max_age": None},
            "Never across origins.\n\n**CORS:** `closed (@no_cors)`",
        ),
        (
            "/inner/account",
            "post",
            {"origins": [A], **PLAIN, "allow_credentials": True, "max_age": 0},
            f"**CORS:** `{A}; credentials; max age 0 s`",
        ),
        ("/undeclared", "get", None, "**CORS:** `no policy`"),
    ],
)
def test_each_operation_says_who_may_call_it(
    app: FastAPI, path: str, method: str, extension: Any, description: str
) -> None:
    assert described(app, path, method) == (extension, description)


@pytest.mark.parametrize("method", ["get", "delete"])
def test_every_argument_of_a_policy_is_there(app: FastAPI, method: str) -> None:
    extension, description = described(app, "/inner/things", method)

    assert extension == {
        "origins": ["https://*.a.example", "regex: https://`b`", f"callable: {__name__}.is_tenant"],
        "methods": ["DELETE"],
        "allow_headers": ["X-Token"],
        "expose_headers": ["ETag"],
        "allow_credentials": False,
        "max_age": None,
        "enforce": True,
        "is_enforced": True,
    }
    # A code span that the backticks of the regex do not end.
    assert description == (
        f"**CORS:** ``https://*.a.example, regex: https://`b`, callable: {__name__}.is_tenant; "
        "methods DELETE; headers X-Token; exposes ETag; no max age; enforced``"
    )


def without_policies(schema: dict[str, Any]) -> dict[str, Any]:
    bare = copy.deepcopy(schema)
    for item in bare["paths"].values():
        for operation in item.values():
            del operation["x-cors"]
            text, separator, _ = operation["description"].rpartition("\n\n**CORS:** ")
            if separator:
                operation["description"] = text
            else:
                del operation["description"]
    return bare


def test_the_schema_is_valid_and_otherwise_unchanged(app: FastAPI) -> None:
    schema = app.openapi()

    validate(schema)
    assert json.dumps(without_policies(schema)) == json.dumps(create_app().openapi())


def test_it_is_off_by_default() -> None:
    app = create_app()
    install_cors(app)

    assert json.dumps(app.openapi()) == json.dumps(create_app().openapi())


def test_it_is_what_is_served_each_time_the_same(app: FastAPI) -> None:
    client = TestClient(app)
    first = client.get("/openapi.json").json()

    assert first == client.get("/openapi.json").json() == app.openapi()
    assert app.openapi() is app.openapi()
    assert first["paths"]["/undeclared"]["get"]["description"] == "**CORS:** `no policy`"


def test_the_default_speaks_for_what_declares_nothing() -> None:
    app = create_app()
    install_cors(app, default=CORSPolicy(origins=A), openapi=True)

    assert described(app, "/undeclared", "get") == ({"origins": [A], **PLAIN}, f"**CORS:** `{A}`")


def test_a_layer_that_enforces_protects_every_operation() -> None:
    app = create_app()

    @app.post("/hooks")
    @cors(origins=A, enforce=False)
    async def hooks() -> None: ...

    install_cors(app, openapi=True, enforce=True)

    assert described(app, "/undeclared", "get") == ({"is_enforced": True}, "**CORS:** `no policy; enforced`")
    assert described(app, "/inner/account", "post") == (
        {"origins": [A], **PLAIN, "allow_credentials": True, "max_age": 0, "is_enforced": True},
        f"**CORS:** `{A}; credentials; max age 0 s; enforced`",
    )
    assert described(app, "/inner/closed", "get")[1].endswith("`closed (@no_cors); enforced`")
    assert described(app, "/inner/things", "get")[1].count("enforced") == 1
    assert described(app, "/hooks", "post") == (
        {"origins": [A], **PLAIN, "enforce": False},
        f"**CORS:** `{A}; not enforced`",
    )


def test_a_route_that_comes_later_is_described(app: FastAPI) -> None:
    assert "/later" not in app.openapi()["paths"]

    @app.get("/later")
    @cors(origins=A)
    async def later() -> None: ...

    app.openapi_schema = None
    assert described(app, "/later", "get")[1] == f"**CORS:** `{A}`"


def test_a_policy_that_comes_later_is_described(app: FastAPI) -> None:
    assert described(app, "/undeclared", "get")[0] is None
    endpoint = next(placed.endpoint for placed in survey(app) if placed.path == "/undeclared")
    cors(origins=A)(endpoint)

    assert described(app, "/undeclared", "get")[1] == f"**CORS:** `{A}`"


def test_of_two_routes_the_first_is_described_as_it_is_the_one_that_runs() -> None:
    app = FastAPI()

    @app.get("/twice", operation_id="first")
    @cors(origins=A)
    async def first() -> None: ...

    @app.get("/twice", operation_id="second")
    @cors(origins="*")
    async def second() -> None: ...

    install_cors(app, openapi=True)

    assert described(app, "/twice", "get")[1] == f"**CORS:** `{A}`"


def test_a_mounted_app_of_the_same_path_is_not_mistaken_for_it() -> None:
    inner = FastAPI()

    @inner.get("/same")
    @cors(origins="*")
    async def same() -> None: ...

    app = FastAPI()
    app.mount("", inner)

    @app.get("/same")
    @cors(origins=A)
    async def own() -> None: ...

    install_cors(app, openapi=True)

    assert described(app, "/same", "get")[1] == f"**CORS:** `{A}`"


def test_what_the_user_makes_of_the_schema_is_kept() -> None:
    app = create_app()

    def custom() -> dict[str, Any]:
        return {"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}, "x-logo": "logo.png"}

    app.openapi = custom  # type: ignore[method-assign]
    install_cors(app, openapi=True)

    assert app.openapi() == custom()


def test_an_extension_of_the_users_own_is_kept() -> None:
    app = FastAPI()

    @app.get("/own", openapi_extra={"x-cors": "mine"})
    @cors(origins=A)
    async def own() -> None: ...

    install_cors(app, openapi=True)

    assert described(app, "/own", "get") == ("mine", f"**CORS:** `{A}`")


def test_a_plain_starlette_app_has_no_schema() -> None:
    with pytest.raises(TypeError, match=r"openapi=True .* FastAPI"):
        install_cors(Starlette(), openapi=True)


def test_hostile_texts_stay_in_their_code() -> None:
    app = FastAPI()

    @app.get("/odd")
    @cors(origins=re.compile(r"`<script>alert(1)</script>"))
    async def odd() -> None: ...

    install_cors(app, openapi=True)

    assert described(app, "/odd", "get")[1] == "**CORS:** ``regex: `<script>alert(1)</script>``"
    validate(app.openapi())


class Guess:
    def __init__(self, app: Any) -> None:
        raise AssertionError

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        raise AssertionError


def test_what_speaks_for_an_operation_that_has_no_policy() -> None:
    app = FastAPI()

    @app.get("/plain")
    async def plain() -> None: ...

    @app.get("/ruled")
    @cors(origins=A)
    async def ruled() -> None: ...

    app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_credentials=True)
    app.add_middleware(TrustedHostMiddleware)
    app.add_middleware(Guess)
    install_cors(app, openapi=True)
    schema = app.openapi()

    validate(json.loads(json.dumps(schema)))
    theirs = schema["paths"]["/plain"]["get"]
    assert theirs["description"] == (
        f"**CORS:** `not known: {__name__}.Guess may answer CORS by itself; "
        "CORSMiddleware: any origin, reflected; credentials; methods GET`"
    )
    guess, known = theirs["x-cors"]["middleware"]
    assert theirs["x-cors"]["is_enforced"] is False
    assert guess == {"name": f"{__name__}.Guess", "kind": "unknown", "arguments": None}
    assert (known["name"], known["kind"]) == ("starlette.middleware.cors.CORSMiddleware", "cors")
    assert known["arguments"]["allow_origins"] == ["*"]
    assert schema["paths"]["/ruled"]["get"]["x-cors"] == {"origins": [A], **PLAIN}
