"""`explain` against reality: generated apps, and what the test browser sees of them.

The apps are those of the dispatcher's own properties (generated_apps.py), whose endpoints answer 200.
`ROUTE_CORS_EXAMPLES` sets how many apps each property sees.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast

from drawn import drawn
from generated_apps import (
    Include,
    Leaf,
    Mounted,
    build,
    cases,
    origin_of,
)
from hypothesis import given
from hypothesis import strategies as st

from route_cors import CORSPolicy, report
from route_cors.insight import Call
from route_cors.insight.explain import explain
from route_cors.testing import Browser, CORSBlocked
from route_cors.testing.hosts import Everywhere

from .answers import answers_to, ours

if TYPE_CHECKING:
    from generated_apps import Built, Probe, Program, Tree
    from starlette.types import Receive, Scope, Send

    from route_cors.insight.explanation import SentAs

HTTP_FORBIDDEN: Final = 403
# A tenth of what the dispatcher's own properties see: each is a call in two browsers.
EXAMPLES: Final = max(60, int(os.environ.get("ROUTE_CORS_EXAMPLES", "0")) // 10)
generated = drawn(EXAMPLES)


def seen_in_reality(built: Built, call: Call, root_path: str) -> tuple[str | None, list[Any]]:
    """What blocked it, and each request with the status and headers of its answer."""

    async def served(scope: Scope, receive: Receive, send: Send) -> None:
        scope["trail"] = []
        scope["root_path"] = root_path
        await built.app(scope, receive, send)

    browser = Browser(Everywhere(served), origin=call.origin, base_url=call.base_url)
    url = call.base_url + call.path
    credentials: Any = "include" if call.credentials else "same-origin"
    reason = None
    if call.credentials and call.method != "WEBSOCKET":
        browser.cookies.set("session", "of-the-user", secure=True, same_site="None")
    try:
        if call.as_ == "form":
            browser.submit(url, method=cast("Any", call.method))
        elif call.as_ == "image":
            browser.embed(url, as_="image")
        elif call.as_ == "link":
            browser.navigate(url)
        elif call.method == "WEBSOCKET":
            browser.connect(url)
        else:
            browser.fetch(url, method=call.method, headers=call.headers, credentials=credentials)
    except CORSBlocked as blocked:
        reason = blocked.reason
    return reason, answers_to(browser)


def call_of(built: Built, probe: Probe, chosen: int, *, credentials: bool, websocket: bool) -> Call:
    """By a page that some policy of the app allows, mostly."""
    named = [
        each.policy.origins[0] for each in report(built.app).routes if isinstance(each.policy, CORSPolicy)
    ]
    origins = [*filter(lambda origin: isinstance(origin, str), named), origin_of(0)]
    return Call(
        method="WEBSOCKET" if websocket else probe.method,
        path=probe.path.partition("#")[0]
        if probe.path.startswith("/")
        else f"/{probe.path.partition('#')[0]}",
        origin=str(origins[chosen % len(origins)]),
        headers=(("X-Hide", "1"),) if probe.hides and not websocket else (),
        credentials=credentials,
        base_url=f"https://{probe.host}{probe.root_path}",
    )


def check_agreement(
    case: tuple[Program, list[Probe]],
    chosen: int,
    *,
    credentials: bool,
    websocket: bool,
    enforcement: tuple[bool | None, ...] = (None,),
    sent_as: SentAs = "fetch",
) -> None:
    program, probes = case
    built = build(program, enforcement)
    for register in built.late:
        register()
    for probe in probes:
        call = call_of(built, probe, chosen, credentials=credentials, websocket=websocket)
        if sent_as != "fetch":
            method = "POST" if sent_as == "form" and probe.method != "GET" else "GET"
            call = replace(call, method=method, headers=(), as_=sent_as)
        explanation = explain(built.app, call)
        told = [
            # The endpoints answer 200, which is for nobody but them to know.
            (
                step.request,
                200 if step.answered_by == "endpoint" else step.status,
                ours(step.response_headers),
            )
            for step in explanation.steps
            if step.answered_by is not None
        ]
        reason, answers = seen_in_reality(built, call, probe.root_path)
        assert answers[: len(told)] == told
        is_refused = any(
            status == HTTP_FORBIDDEN and not request.startswith("OPTIONS ") for request, status, _ in answers
        )
        rulings = [
            check.passed for step in explanation.steps for check in step.checks if check.name == "enforcement"
        ]
        if not websocket:
            assert (False in rulings) is is_refused
        if sent_as != "fetch":
            assert (explanation.allowed, explanation.reason) == (not is_refused, None)
            assert (explanation.fix is None) is explanation.allowed
            assert len(told) == len(answers) == len(rulings)
            continue
        if explanation.allowed is None:
            # A mount or a default that shows no routes.
            assert explanation.not_known != ()
            continue
        assert explanation.reason == reason
        assert explanation.allowed is (reason is None)
        assert (explanation.fix is None) is explanation.allowed
        if explanation.not_known == ():
            assert told == answers


@generated
@given(cases("install_cors", "add_middleware"), st.integers(0, 30), st.booleans(), st.booleans())
def test_apps_in_a_layer(
    case: tuple[Program, list[Probe]], chosen: int, credentials: bool, websocket: bool
) -> None:
    check_agreement(case, chosen, credentials=credentials, websocket=websocket)


@generated
@given(cases("none"), st.integers(0, 30), st.booleans(), st.booleans())
def test_apps_without_a_layer(
    case: tuple[Program, list[Probe]], chosen: int, credentials: bool, websocket: bool
) -> None:
    program, probes = case
    case = without_layer(program, redirect_slashes=True), probes
    check_agreement(case, chosen, credentials=credentials, websocket=websocket)


def plainer(tree: Tree, *, redirect_slashes: bool) -> Tree:
    """Without what is explained wrongly where no layer stands around the app.

    Route classes that make no 405s: whether such a CORSRoute claims a preflight, it alone knows. Redirects
    out of a mount that has a layer: they are explained as if they were made where they lead.
    """

    def changed(item: Any) -> Any:
        if isinstance(item, Leaf):
            return item._replace(kind="picky" if item.kind == "shy" else item.kind)
        if isinstance(item, Include | Mounted):
            return item._replace(tree=plainer(item.tree, redirect_slashes=redirect_slashes))
        return item

    return tree._replace(
        items=tuple(map(changed, tree.items)),
        later=tuple(map(changed, tree.later)),
        redirect_slashes=redirect_slashes and tree.redirect_slashes,
    )


def without_layer(program: Program, *, redirect_slashes: bool) -> Program:
    return program._replace(
        layer="none",
        tree=plainer(program.tree, redirect_slashes=redirect_slashes),
        shared=tuple(plainer(tree, redirect_slashes=redirect_slashes) for tree in program.shared),
    )


@generated
@given(cases("install_cors"), st.integers(0, 30), st.booleans(), st.booleans())
def test_apps_with_layers_in_their_mounts_alone(
    case: tuple[Program, list[Probe]], chosen: int, credentials: bool, websocket: bool
) -> None:
    program, probes = case
    case = without_layer(program, redirect_slashes=False), probes
    check_agreement(case, chosen, credentials=credentials, websocket=websocket)


enforcements: Final = st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=7).map(tuple)


@generated
@given(
    cases("install_cors", "add_middleware"),
    st.integers(0, 30),
    enforcements,
    st.sampled_from(["fetch", "form", "image", "link"]),
    st.booleans(),
)
def test_apps_that_enforce(
    case: tuple[Program, list[Probe]],
    chosen: int,
    enforcement: tuple[bool | None, ...],
    sent_as: SentAs,
    credentials: bool,
) -> None:
    check_agreement(
        case, chosen, credentials=credentials, websocket=False, enforcement=enforcement, sent_as=sent_as
    )


@generated
@given(
    cases("none"), st.integers(0, 30), enforcements, st.sampled_from(["fetch", "form", "link"]), st.booleans()
)
def test_apps_that_enforce_without_a_layer(
    case: tuple[Program, list[Probe]],
    chosen: int,
    enforcement: tuple[bool | None, ...],
    sent_as: SentAs,
    credentials: bool,
) -> None:
    program, probes = case
    case = without_layer(program, redirect_slashes=True), probes
    check_agreement(
        case, chosen, credentials=credentials, websocket=False, enforcement=enforcement, sent_as=sent_as
    )
