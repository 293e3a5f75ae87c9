"""What `report`, `explain` and `migrate` say of an app that only has a dry run: it has no layer."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, report
from route_cors.insight.explain import explain
from route_cors.insight.explanation import Call
from route_cors.insight.migration import NoPatchError, migration, patch_of

A = "https://a.example"
POLICY = CORSPolicy(origins=A)
REMOVE = "install_cors(dry_run=True) only watches; remove dry_run to apply the policies"


class MyCORS:
    """Of somebody else."""

    def __init__(self, app: Any) -> None:
        self.app = app


def shop() -> FastAPI:
    app = FastAPI(openapi_url=None)

    @app.put("/items")
    @cors(POLICY)
    async def save() -> None: ...

    @app.get("/others")
    async def others() -> None: ...

    return app


def fixes(app: Any) -> list[tuple[str, str]]:
    return [(finding.code, finding.fix) for finding in report(app).findings]


def test_a_policy_that_no_layer_applies() -> None:
    app = shop()
    assert fixes(app) == [("RC001", "call install_cors(app)")]
    install_cors(app, default=POLICY, dry_run=True)
    assert fixes(app) == [("RC001", REMOVE)]
    (items, others) = report(app).routes
    assert (items.takes_effect, others.policy) == (False, None)


def test_one_in_a_mounted_app() -> None:
    app, mounted = FastAPI(openapi_url=None), shop()
    app.mount("/in", mounted)
    install_cors(mounted, dry_run=True)
    assert fixes(app) == [("RC001", REMOVE)]


@pytest.mark.parametrize(
    ("layer", "arguments", "fix"),
    [
        (CORSMiddleware, {"allow_origins": [A]}, "remove it and call install_cors(app)"),
        (MyCORS, {}, "call install_cors(app), which goes outside of MyCORS, or make MyCORS leave CORS alone"),
    ],
)
def test_another_layer_in_front(layer: Any, arguments: dict[str, Any], fix: str) -> None:
    for dry_run, expected in ((False, fix), (True, REMOVE)):
        router = CORSRouter(cors=POLICY)

        @router.get("/items")
        async def items() -> None: ...

        app = FastAPI(openapi_url=None)
        app.include_router(router)
        app.add_middleware(layer, **arguments)
        if dry_run:
            install_cors(app, dry_run=True)
        assert fixes(app) == [("RC003", expected)]


def test_an_options_route_in_front() -> None:
    router = CORSRouter(cors=POLICY)

    @router.put("/items")
    async def items() -> None: ...

    app = FastAPI(openapi_url=None)
    app.options("/items")(lambda: None)
    app.include_router(router)
    assert fixes(app) == [("RC004", "call install_cors(app): it answers preflights before any route does")]
    install_cors(app, dry_run=True)
    assert fixes(app) == [("RC004", REMOVE)]


def test_an_explanation_tells_what_would_apply_the_policy() -> None:
    app = shop()
    install_cors(app, dry_run=True)
    explanation = explain(app, Call(method="PUT", path="/items", origin=A))
    assert explanation.allowed is False
    assert explanation.fix is not None
    assert explanation.fix.code == "install_cors(app)  # without dry_run=True, which only watches"


def test_a_migration_compares_with_the_middleware_as_it_is() -> None:
    found = []
    for dry_run in (False, True):
        app = shop()
        app.add_middleware(CORSMiddleware, allow_origins=[A], allow_methods=["GET"])
        if dry_run:
            install_cors(app, default=POLICY, dry_run=True)
        found.append(migration(app, []))
    without, with_dry_run = found
    assert with_dry_run.changes == without.changes
    assert [change.verdict for change in without.changes] == ["gains"]
    note = "  # replaces the existing install_cors(...)"
    assert with_dry_run.replacements[0].code == without.replacements[0].code + note
    with pytest.raises(NoPatchError, match="line that adds a CORSMiddleware was not found"):
        patch_of(without)
    with pytest.raises(NoPatchError, match=r"^the app has install_cors\(dry_run=True\): remove that first"):
        patch_of(with_dry_run)
