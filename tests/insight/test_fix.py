"""The smallest change: each one that is shown does allow the call, and no part of it can be left out."""

from __future__ import annotations

import ast
import contextlib
import inspect
import itertools
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from fastapi import FastAPI, Request, Response, WebSocket
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount, Router

from route_cors import CORSConfigError, CORSPolicy, CORSRoute, CORSRouter, cors, install_cors, no_cors
from route_cors.insight import Call, Fix
from route_cors.insight.explain import explain
from route_cors.testing import Browser, CORSBlocked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from starlette.requests import HTTPConnection
    from starlette.types import Receive, Scope, Send

A: Final = "https://a.example"
B: Final = "https://b.example"
INSECURE: Final = "http://insecure.example"
ORIGINS: Final = (A, B, INSECURE, "http://localhost:3000")


async def endpoint(request: Request) -> Response:
    return Response()


async def websocket_endpoint(websocket: WebSocket) -> None:
    await websocket.accept()


async def opaque(scope: Scope, receive: Receive, send: Send) -> None:
    await Response()(scope, receive, send)


def shop(policy: Any, *, layer: bool = True) -> FastAPI:
    """One policy on a route, a websocket and an opaque app."""
    app = FastAPI(openapi_url=None)

    async def served(request: Request) -> Response:
        return Response()

    async def chat(websocket: WebSocket) -> None:
        await websocket.accept()

    class Opaque:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await Response()(scope, receive, send)

    def declare(thing: Any) -> Any:
        if policy is None:
            return thing
        return no_cors(thing) if policy is no_cors else cors(policy)(thing)

    app.add_api_route("/items/{item}", declare(served), methods=["GET", "POST", "PUT"])
    app.add_api_websocket_route("/chat", declare(chat))
    app.mount("/files", declare(Opaque()))
    if layer:
        install_cors(app)
    return app


def fix_of(app: Any, method: str, path: str, origin: str, **more: Any) -> Fix:
    fix = explain(app, Call(method=method, path=path, origin=origin, **more)).fix
    assert fix is not None
    return fix


def code_of(
    policy: Any, method: str = "GET", origin: str = B, path: str = "/items/7", **more: Any
) -> str | None:
    return fix_of(shop(policy), method, path, origin, **more).code


# --- What is shown

X_TOKEN: Final = (("X-Token", "t"),)


def yes(origin: str, connection: HTTPConnection) -> bool:
    return True


@pytest.mark.parametrize(
    ("policy", "call", "code"),
    [
        (CORSPolicy(origins=A), {}, f"@cors(origins=['{A}', '{B}'])"),
        (None, {}, f"@cors(origins=['{B}'])"),
        (no_cors, {}, f"@cors(origins=['{B}'])"),
        (
            None,
            {"method": "PUT", "headers": X_TOKEN, "credentials": True},
            f"@cors(origins=['{B}'], allow_credentials=True, allow_headers=['X-Token'])",
        ),
        (
            CORSPolicy(origins=B),
            {"credentials": True},
            f"@cors(origins=['{B}'], allow_credentials=True)",
        ),
        (
            CORSPolicy(origins=B, methods=["GET"]),
            {"method": "PUT"},
            f"@cors(origins=['{B}'], methods=['GET', 'PUT'])",
        ),
        # A safelisted method is sent without asking: then nothing reads the policy's methods.
        (
            CORSPolicy(origins=A, methods=["GET"]),
            {"method": "POST"},
            f"@cors(origins=['{A}', '{B}'], methods=['GET'])",
        ),
        (
            CORSPolicy(origins=B, allow_headers=["X-Id"]),
            {"headers": (*X_TOKEN, ("x-ID", "1"), ("content-type", "application/json"), ("X-A", "1"))},
            f"@cors(origins=['{B}'], allow_headers=['X-A', 'X-Id', 'X-Token'])",
        ),
        (
            CORSPolicy(origins=B, allow_headers="*"),
            {"headers": (*X_TOKEN, ("Authorization", "t"))},
            f"@cors(origins=['{B}'], allow_headers=['*', 'Authorization'])",
        ),
        # Any origin cannot be had with credentials.
        (
            CORSPolicy(origins="*"),
            {"credentials": True},
            f"@cors(origins=['{B}'], allow_credentials=True)",
        ),
        (
            CORSPolicy(origins="*", expose_headers="*"),
            {"credentials": True},
            f"@cors(origins=['{B}'], allow_credentials=True)",
        ),
        (
            CORSPolicy(origins=[A, INSECURE, re.compile("https://.*"), re.compile(r"https://x\.example")]),
            {"credentials": True},
            f"@cors(origins=['{A}', '{B}', re.compile('https://x\\\\.example')], allow_credentials=True)",
        ),
        (
            CORSPolicy(origins=[INSECURE, "https://*.b.example"]),
            {"credentials": True, "origin": "https://www.b.example"},
            "@cors(origins=['https://*.b.example'], allow_credentials=True)",
        ),
        # A callable that stays says yes by itself.
        (
            CORSPolicy(origins=[INSECURE, yes]),
            {"credentials": True},
            "@cors(origins=[yes], allow_credentials=True)",
        ),
        # What is anyone's already needs no name.
        (
            CORSPolicy(origins="*"),
            {"headers": X_TOKEN, "origin": "null"},
            "@cors(origins=['*'], allow_headers=['X-Token'])",
        ),
        (
            CORSPolicy(origins=A),
            {"method": "WEBSOCKET", "path": "/chat", "credentials": True},
            f"@cors(origins=['{A}', '{B}'])",
        ),
        # Any method, as it is not known what is served.
        (None, {"method": "PUT", "path": "/files/a"}, f"cors(origins=['{B}'])(...)"),
        (
            CORSPolicy(origins=B, methods=["GET"]),
            {"method": "PUT", "path": "/files/a"},
            f"cors(origins=['{B}'], methods=['GET', 'PUT'])(...)",
        ),
    ],
)
def test_the_code(policy: Any, call: dict[str, Any], code: str) -> None:
    assert code_of(policy, **call) == code


def name_of(what: str) -> str:
    return f"{__name__}.shop.<locals>.{what}"


@pytest.mark.parametrize(
    ("policy", "call", "words"),
    [
        (None, {}, f"Allow {B} with a policy on {name_of('served')}."),
        (
            CORSPolicy(origins=["*"]),
            {"credentials": True, "headers": X_TOKEN},
            (
                f"Allow {B} in place of '*', credentials and the header X-Token in the policy declared "
                "on the endpoint"
            ),
        ),
        (
            no_cors,
            {"headers": (*X_TOKEN, ("X-A", "1"))},
            (
                f"Allow {B} and the headers X-A and X-Token with a policy on {name_of('served')}, in place "
                f"of @no_cors, declared on the endpoint {name_of('served')}"
            ),
        ),
    ],
)
def test_the_sentence(policy: Any, call: dict[str, Any], words: str) -> None:
    arguments = {"method": "GET", "path": "/items/7", "origin": B} | call
    assert fix_of(shop(policy), **arguments).change.startswith(words)


def test_a_policy_that_other_routes_share() -> None:
    app = FastAPI(openapi_url=None)
    router = CORSRouter(cors=CORSPolicy(origins=A))
    router.add_api_route("/mine", endpoint)
    app.include_router(router)

    assert fix_of(app, "GET", "/mine", B) == Fix(
        f"Allow {B} with a policy of its own on {__name__}.endpoint; others keep the one on its router.",
        f"@cors(origins=['{A}', '{B}'])",
    )


def test_an_endpoint_that_serves_elsewhere_under_another_policy() -> None:
    """A policy on it would hold there as well."""
    app = FastAPI(openapi_url=None)
    for prefix, origin in (("/a", A), ("/b", "https://c.example")):
        router = CORSRouter(prefix=prefix, cors=CORSPolicy(origins=origin))
        router.add_api_route("/mine", endpoint)
        app.include_router(router)

    assert fix_of(app, "GET", "/a/mine", B) == Fix(
        f"Allow {B} in the policy declared on its router.",
        f"CORSRouter(cors=CORSPolicy(origins=['{A}', '{B}']))",
    )


def test_what_a_library_serves_cannot_be_decorated() -> None:
    app = FastAPI()
    install_cors(app, default=CORSPolicy(origins=A))
    assert fix_of(app, "GET", "/openapi.json", B) == Fix(
        f"Allow {B} in the policy declared as the app's default.",
        f"install_cors(app, default=CORSPolicy(origins=['{A}', '{B}']))",
    )


@pytest.mark.parametrize("on_app", [True, False])
def test_an_app_that_is_mounted_behind_a_policy(on_app: bool) -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/files", Opaque() if on_app else cors(origins=A)(Opaque()))
    install_cors(app, default=CORSPolicy(origins=A) if on_app else None)
    fix = fix_of(app, "PUT", "/files/a", B)
    assert fix.code == f"cors(origins=['{A}', '{B}'])(...)"
    own = f"with a policy of its own on {__name__}.Opaque; others keep the one as the app's default."
    assert fix.change == f"Allow {B} {own if on_app else 'in the policy declared on the mounted app.'}"


def test_what_a_router_has_in_place_of_its_404_is_no_route_of_its_own() -> None:
    app = FastAPI(openapi_url=None)
    app.mount("/in", Router(default=Opaque()))
    install_cors(app, default=CORSPolicy(origins=A))
    assert fix_of(app, "GET", "/in/nowhere", B).code == (
        f"install_cors(app, default=CORSPolicy(origins=['{A}', '{B}']))"
    )


@pytest.mark.skipif(not hasattr(FastAPI, "frontend"), reason="this FastAPI has no frontends")
def test_a_frontend_cannot_be_decorated(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page", encoding="utf-8")
    app = FastAPI(openapi_url=None)
    app.frontend("/", directory=tmp_path)
    install_cors(app, default=CORSPolicy(origins=A))
    assert fix_of(app, "GET", "/index.html", B).code == (
        f"install_cors(app, default=CORSPolicy(origins=['{A}', '{B}']))"
    )


def under_a_default(policies: Mapping[str, CORSPolicy]) -> FastAPI:
    """Routes that share the policy `default` or `router`, but for those that have one by their name."""
    app = FastAPI(openapi_url=None)
    router = CORSRouter(prefix="/router", cors=policies["router"])

    def declared(name: str, thing: Any) -> Any:
        return cors(policies[name])(thing) if name in policies else thing

    def served() -> Any:
        async def serve(request: Request) -> Response:
            return Response()

        return serve

    for holder, prefix in ((app, "/"), (router, "/router/")):
        for name in ("a", "b"):
            path = f"/{name}"
            holder.add_api_route(path, declared(prefix + name, served()), methods=["GET", "PUT", "DELETE"])
    app.include_router(router)
    app.mount("/files", declared("/files", Opaque()))
    install_cors(app, default=policies["default"])
    return app


class Opaque:
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await Response()(scope, receive, send)


PATHS: Final = ("/a", "/b", "/router/a", "/router/b", "/files")


def let_in(app: FastAPI) -> set[tuple[str, str, str]]:
    """What pages may do in reality, without credentials."""
    found: set[tuple[str, str, str]] = set()
    for origin in ORIGINS:
        browser = Browser(app, origin=origin)
        for path, method in itertools.product((*PATHS, "/none"), ("GET", "PUT", "DELETE")):
            with contextlib.suppress(CORSBlocked):
                browser.fetch(path, method=method)
                found.add((path, method, origin))
    return found


@settings(max_examples=40)
@given(st.data())
def test_no_other_route_is_changed(data: st.DataObject) -> None:
    """And of the route itself nobody loses what was allowed, where all that is needed can stand beside it."""
    policies = {name: data.draw(shared_policies(), label=name) for name in ("default", "router")}
    call = Call(
        method=data.draw(st.sampled_from(["GET", "PUT", "DELETE"])),
        path=data.draw(st.sampled_from(PATHS)),
        origin=data.draw(st.sampled_from(ORIGINS)),
    )
    app = under_a_default(policies)
    fix = explain(app, call).fix
    if fix is None:
        return
    assert fix.code is not None
    arguments = fix.code.removeprefix("@").removesuffix("(...)")
    assert arguments.startswith("cors(")
    changed = eval(arguments.replace("cors(", "CORSPolicy(", 1), {"CORSPolicy": CORSPolicy})  # noqa: S307 - our own
    before, after = let_in(app), let_in(under_a_default({**policies, call.path: changed}))
    assert before < after
    assert {path for path, _, _ in after - before} == {call.path}
    assert (call.path, call.method, call.origin) in after


@st.composite
def shared_policies(draw: st.DrawFn) -> CORSPolicy:
    return CORSPolicy(
        origins=draw(st.lists(st.sampled_from(ORIGINS), min_size=1, max_size=3, unique=True)),
        methods=draw(st.sampled_from([None, ["GET"], ["PUT"], ["DELETE", "GET"]])),
    )


def test_where_nothing_carries_the_policy_out() -> None:
    app = shop(CORSPolicy(origins=A), layer=False)

    assert fix_of(app, "PUT", "/items/7", A) == Fix("Put the CORS layer around the app.", "install_cors(app)")
    fix = fix_of(app, "PUT", "/items/7", B)
    assert fix.code == f"@cors(origins=['{A}', '{B}'])\ninstall_cors(app)"
    assert fix.change.endswith(". Put the CORS layer around the app.")


def test_a_router_takes_the_layer_as_a_middleware() -> None:
    app = Router([Mount("/v1", cors(origins=A)(Router()))])

    assert fix_of(Starlette(routes=app.routes), "GET", "/v1/a", A).code is None
    assert fix_of(shop(CORSPolicy(origins=A), layer=False).router, "GET", "/items/7", A).code == (
        "app = RouteCORSMiddleware(app)"
    )


def test_a_cors_route_needs_no_layer() -> None:
    app = FastAPI(openapi_url=None)
    app.router.route_class = CORSRoute
    app.add_api_route("/mine", endpoint, methods=["PUT"])

    assert fix_of(app, "PUT", "/mine", A).code == f"@cors(origins=['{A}'])"


# --- Where there is nothing to change


@pytest.mark.parametrize(
    ("policy", "call", "sentence"),
    [
        (CORSPolicy(origins=A), {"path": "/none"}, "No policy helps: there is no route for /none."),
        (
            CORSPolicy(origins=A),
            {"path": "/none", "method": "WEBSOCKET"},
            "No policy helps: there is no websocket route for /none.",
        ),
        (
            CORSPolicy(origins=A),
            {"method": "DELETE", "origin": A},
            "No policy helps: /items/{item} is for GET, POST, PUT and not for DELETE.",
        ),
        (
            CORSPolicy(origins=A),
            {"origin": "null"},
            "No policy can name the origin null: every sandboxed page has it, no matter who made it.",
        ),
        (
            CORSPolicy(origins="*"),
            {"origin": "null", "credentials": True},
            "No policy can name the origin null: every sandboxed page has it, no matter who made it.",
        ),
        (
            CORSPolicy(origins=A),
            {"origin": INSECURE, "credentials": True},
            (
                f"No policy can allow it: origins: '{INSECURE}': http with credentials: anyone on the "
                "network can act as the user; use https, or set dangerously_allow_insecure_origins; write "
                "'https://insecure.example' instead."
            ),
        ),
    ],
)
def test_no_policy_helps(policy: Any, call: dict[str, Any], sentence: str) -> None:
    arguments = {"method": "GET", "path": "/items/7", "origin": B} | call
    assert fix_of(shop(policy), **arguments) == Fix(sentence, None)


def test_a_method_that_browsers_do_not_put_into_upper_case() -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/items", cors(origins=A)(lambda: None), methods=["PATCH"])
    install_cors(app)

    assert fix_of(app, "patch", "/items", A) == Fix(
        "No policy helps: /items is for PATCH and not for patch: browsers send the method as the script "
        "spells it, so write PATCH.",
        None,
    )


# --- For all policies and calls


def no(origin: str, connection: HTTPConnection) -> bool:
    return False


ITEMS: Final = (
    *ORIGINS,
    "https://*.example",
    "http://localhost:*",
    re.compile("https://.*"),
    re.compile(r"https://b\.example"),
    yes,
    no,
)
NAMES: Final = ("X-Token", "X-Id", "Authorization", "Content-Type", "Range")


class Case(NamedTuple):
    policy: Any
    layer: bool
    call: Call


@st.composite
def policies(draw: st.DrawFn) -> CORSPolicy:
    arguments: dict[str, Any] = {
        "origins": draw(st.one_of(st.just(["*"]), st.lists(st.sampled_from(ITEMS), min_size=1, max_size=3))),
        "methods": draw(st.sampled_from([None, ["GET"], ["PUT"], ["GET", "POST"]])),
        "allow_headers": draw(
            st.sampled_from([(), ["X-Id"], ["X-Token", "X-Id"], "*", ["*", "Authorization"]])
        ),
        "expose_headers": draw(st.sampled_from([(), ["ETag"], "*"])),
        "allow_credentials": draw(st.booleans()),
        "enforce": draw(st.booleans()),
    }
    try:
        return CORSPolicy(**arguments)
    except CORSConfigError:
        arguments["allow_credentials"] = False
        return CORSPolicy(**arguments)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    method = draw(st.sampled_from(["GET", "POST", "PUT", "PUT", "DELETE", "WEBSOCKET"]))
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=3))
    path = draw(st.sampled_from(["/items/7", "/items/7/", "/items/7", "/files/a", "/none"]))
    return Call(
        method=method,
        path="/chat" if method == "WEBSOCKET" else path,
        origin=draw(st.sampled_from([*ORIGINS, "null"])),
        headers=() if method == "WEBSOCKET" else tuple((name, "a/b") for name in names),
        credentials=draw(st.booleans()),
    )


cases = st.builds(Case, st.one_of(policies(), st.sampled_from([None, no_cors])), st.booleans(), calls())


def is_allowed(case: Case) -> bool:
    """In reality."""
    browser = Browser(shop(case.policy, layer=case.layer), origin=case.call.origin)
    call = case.call
    try:
        if call.method == "WEBSOCKET":
            browser.connect(call.path)
        else:
            credentials: Any = "include" if call.credentials else "same-origin"
            browser.fetch(call.path, method=call.method, headers=call.headers, credentials=credentials)
    except CORSBlocked:
        return False
    return True


class Applied(NamedTuple):
    """The code of a fix, taken apart: the arguments of the policy, and whether the layer is to be added."""

    arguments: dict[str, Any]
    layer: bool

    @classmethod
    def read(cls, code: str, policy: Any) -> Applied:
        first, *others = code.split("\n")
        if first == "install_cors(app)":
            assert others == []
            return cls({}, layer=True)
        assert others in ([], ["install_cors(app)"])
        call = ast.parse(first.removeprefix("@").removesuffix("(...)"), mode="eval").body
        assert isinstance(call, ast.Call)
        assert ast.unparse(call.func) == "cors"
        values: dict[str, Any] = {
            keyword.arg: eval(ast.unparse(keyword.value), {"re": re, "yes": yes, "no": no})  # noqa: S307 - our own
            for keyword in call.keywords
            if keyword.arg is not None
        }
        if isinstance(policy, CORSPolicy):
            # The whole of the policy as it is then: what of it is new?
            changed = CORSPolicy(**values)
            values = {
                name: list(value) if isinstance(value := getattr(changed, name), tuple) else value
                for name in inspect.signature(CORSPolicy).parameters
                if getattr(changed, name) != getattr(policy, name)
            }
        return cls(values, layer=bool(others))

    def parts_left_out(self, policy: Any) -> Iterator[Applied]:
        """The same without any one part; of a list without any one that is new in it."""
        for name, value in self.arguments.items():
            others = {other: each for other, each in self.arguments.items() if other != name}
            yield self._replace(arguments=others)
            if isinstance(value, list) and name != "methods":
                present = getattr(policy, name, ())
                for item in [item for item in value if item not in present]:
                    yield self._replace(
                        arguments={**others, name: [other for other in value if other != item]}
                    )
        if self.layer:
            yield self._replace(layer=False)

    def to(self, case: Case) -> Case | None:
        """None where there is no such policy."""
        policy = case.policy
        try:
            if isinstance(policy, CORSPolicy):
                policy = policy.evolve(**self.arguments)
            elif "origins" in self.arguments:
                policy = CORSPolicy(**self.arguments)
        except CORSConfigError:
            return None
        return case._replace(policy=policy, layer=case.layer or self.layer)


@settings(max_examples=150, deadline=None)
@given(cases)
def test_each_fix_is_one_and_the_smallest(case: Case) -> None:
    explanation = explain(shop(case.policy, layer=case.layer), case.call)

    # What an app that shows no routes does, it alone knows.
    assert explanation.allowed in {is_allowed(case), None}
    assert explanation.allowed is not None or case.call.path.startswith("/files")
    assert (explanation.fix is None) is is_allowed(case)
    if explanation.fix is None or explanation.fix.code is None:
        return
    applied = Applied.read(explanation.fix.code, case.policy)
    fixed = applied.to(case)
    assert fixed is not None
    assert is_allowed(fixed)
    for smaller in applied.parts_left_out(case.policy):
        less = smaller.to(case)
        assert less is None or not is_allowed(less)


@settings(max_examples=100, deadline=None)
@given(cases)
def test_a_call_to_a_route_can_be_fixed(case: Case) -> None:
    """Only where there is nothing to call, or nothing that may be said, there is no code."""
    fix = explain(shop(case.policy, layer=case.layer), case.call).fix
    if fix is not None and fix.code is None:
        assert fix.change.startswith(
            ("No policy helps: ", "No policy can name the origin null", "No policy can allow it")
        )


def test_what_has_no_name_and_what_has_flags_in_python() -> None:
    policy = CORSPolicy(
        origins=[re.compile(r"https://x\.example", re.IGNORECASE), lambda origin, _: origin == A]
    )
    code = code_of(policy)
    assert code == f"@cors(origins=['{B}', re.compile('https://x\\\\.example', re.IGNORECASE), ...])"


@pytest.mark.parametrize(
    ("flags", "spelled"), [(0, ""), (re.VERBOSE | re.IGNORECASE, ", re.IGNORECASE|re.VERBOSE")]
)
def test_a_pattern_keeps_its_flags(flags: int, spelled: str) -> None:
    code = code_of(CORSPolicy(origins=re.compile(r"https://x\.example", flags)))
    assert code is not None
    assert f"re.compile('https://x\\\\.example'{spelled})" in code
