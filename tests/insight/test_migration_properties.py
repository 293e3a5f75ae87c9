"""A migrated app against reality: it behaves as before, but for what `migration` listed, to the last call.

Generated apps with any CORSMiddlewares, on the app, around it and on a mounted app, are built twice: as they
are, and with what is proposed in their place. The test browser calls both. A hundredth of
`ROUTE_CORS_EXAMPLES` is how many apps are seen, 20 at least: each is called some hundred times.
"""

from __future__ import annotations

import inspect
import itertools
import os
from typing import TYPE_CHECKING, Any, Final

from allowed_calls import may
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse

from route_cors import install_cors
from route_cors.insight.migration import migration

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors import CORSPolicy
    from route_cors.insight.migration import Change

EXAMPLES: Final = max(20, int(os.environ.get("ROUTE_CORS_EXAMPLES", "0")) // 100)
generated = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])

A: Final = "https://a.example"
B: Final = "http://b.example:8000"
_ORIGINS: Final = (
    *(
        A,
        B,
        "*",
        "null",
        "https://a.example/",
        "https://*.a.example",
        "HTTPS://A.EXAMPLE",
        "http://localhost:3000",
    ),
    *(
        "",
        " https://a.example",
        "https://a.example:443",
        "a.example",
        "app://.",
        "app://~",
        "https://ä.example",
        "\x1b[31m",
    ),
)
_REGEXES: Final = (
    *(
        None,
        r"https://.*\.a\.example",
        r"https?://b\.example(:\d+)?",
        ".*",
        "https://.*",
        "null",
        r"(?i)HTTPS://A\.EXAMPLE",
    ),
)
_NAMES: Final = ("*", "X-Token", "Authorization", "content-type", "Cookie", "x y", "", "X-Token: 1")
_METHODS: Final = ("*", "GET", "POST", "PUT", "delete", "get", "patch", "OPTIONS", "TRACE", "x y")

_arguments: Final = st.fixed_dictionaries(
    {},
    optional={
        "allow_origins": st.one_of(
            st.lists(st.sampled_from(_ORIGINS), max_size=3),
            st.sampled_from((A, "*", "https://a.example, https://c.example", "https://a.example/")),
        ),
        "allow_origin_regex": st.sampled_from(_REGEXES),
        "allow_methods": st.one_of(
            st.lists(st.sampled_from(_METHODS), max_size=3), st.just("GET"), st.just("PUT")
        ),
        "allow_headers": st.lists(st.sampled_from(_NAMES), max_size=3),
        "expose_headers": st.lists(st.sampled_from((*_NAMES, "Set-Cookie", "ETag")), max_size=2),
        "allow_credentials": st.booleans(),
        "max_age": st.sampled_from((0, 600, -1, 10**6, 1.5)),
        **(
            {"allow_private_network": st.booleans()}
            if "allow_private_network" in inspect.signature(CORSMiddleware).parameters
            else {}
        ),
    },
)
_Layers = list[dict[str, Any]]


def _built(
    added: _Layers,
    around: _Layers,
    on_mounted: _Layers,
    *,
    default: CORSPolicy | None,
    of_mounted: CORSPolicy | None,
) -> Any:
    mounted = FastAPI(openapi_url=None)

    @mounted.api_route("/inner", methods=["GET", "PUT"])
    async def inner() -> None: ...

    app = FastAPI(openapi_url=None)

    @app.api_route("/items/{number}", methods=["GET", "HEAD", "POST", "PUT", "DELETE"])
    async def items(number: int) -> PlainTextResponse:
        return PlainTextResponse(str(number))

    @app.api_route("/others", methods=["PATCH", "QUERY"])
    async def others() -> None: ...

    app.mount("/mounted", mounted)
    for arguments in on_mounted:
        mounted.add_middleware(CORSMiddleware, **arguments)
    app.add_middleware(GZipMiddleware)
    for arguments in added:
        app.add_middleware(CORSMiddleware, **arguments)
    if default is not None:
        install_cors(app, default=default)
    if of_mounted is not None:
        install_cors(mounted, default=of_mounted)
    whole: Any = app
    for arguments in around:
        whole = CORSMiddleware(whole, **arguments)
    return whole


_ROUTES: Final = {
    "/items/{number}": ("/items/1", ("DELETE", "GET", "HEAD", "POST", "PUT")),
    "/others": ("/others", ("PATCH", "QUERY")),
    "/mounted/inner": ("/mounted/inner", ("GET", "PUT")),
}
_ASKS: Final = ("nothing", "credentials", "headers")


def _listed(changes: Iterable[Change]) -> set[tuple[str, str, str, str, str]]:
    return {
        (change.verdict, origin, method, path, asks)
        for change in changes
        for origin, method, path, asks in itertools.product(
            change.origins, change.methods, change.paths, change.asks
        )
    }


def _differing(before: Any, after: Any, origins: Iterable[str]) -> set[tuple[str, str, str, str, str]]:
    found: set[tuple[str, str, str, str, str]] = set()
    for origin, (declared, (path, methods)), asks in itertools.product(origins, _ROUTES.items(), _ASKS):
        for method in methods:
            was, now = (may(app, origin, method, path, asks) for app in (before, after))
            if was is not now:
                found.add(("gains" if now else "loses", origin, method, declared, asks))
    return found


@generated
@given(
    st.lists(_arguments, min_size=1, max_size=2),
    st.lists(_arguments, max_size=1),
    st.lists(_arguments, max_size=1),
)
def test_a_migrated_app_behaves_as_before_but_for_what_is_listed(
    added: _Layers, around: _Layers, on_mounted: _Layers
) -> None:
    before = _built(added, around, on_mounted, default=None, of_mounted=None)
    found = migration(before, [])
    policies = {each.where: each.policy for each in found.replacements}
    after = _built([], [], [], default=policies.get("app"), of_mounted=policies.get("mounted app"))
    assert found.not_known == ()
    assert {each.where for each in found.replacements} == {"app", *(["mounted app"] if on_mounted else [])}
    origins = found.origins[:6]
    listed = {each for each in _listed(found.changes) if each[1] in origins}
    assert listed == _differing(before, after, origins)


@generated
@given(_arguments)
def test_the_code_makes_the_policy(arguments: dict[str, Any]) -> None:
    app = FastAPI(openapi_url=None)
    app.add_api_route("/items", lambda: None, methods=["PATCH"])
    app.add_middleware(CORSMiddleware, **arguments)
    found = migration(app, [])
    (replacement,) = found.replacements
    written: list[CORSPolicy | None] = []
    held = {"app": None}
    exec("\n".join(replacement.imports), held)  # noqa: S102 - what is to be pasted has to run
    held["install_cors"] = lambda _, default=None: written.append(default)  # type: ignore[assignment]
    exec(replacement.code, held)  # noqa: S102
    assert written == [replacement.policy]
    assert replacement.code.isascii()
