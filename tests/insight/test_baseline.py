"""What a change opened or closed."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from fastapi import FastAPI, WebSocket
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Host, Route

from route_cors import CORSPolicy, cors, install_cors, no_cors, report
from route_cors.insight.baseline import compare
from route_cors.insight.findings import BASELINE_CODES

if TYPE_CHECKING:
    from collections.abc import Callable

    from route_cors.insight import Report

A, B = "https://a.example", "https://b.example"
OF_A = CORSPolicy(origins=A)
OF_B = CORSPolicy(origins=B)
WILD = CORSPolicy(origins="https://*.a.example")
BY_REGEX = CORSPolicy(origins=[A, re.compile(r"https://b\.example")])
X_A = OF_A.evolve(allow_headers=["X-A"])
ANY_HEADER = OF_A.evolve(allow_headers="*")
AND_AUTHORIZATION = OF_A.evolve(allow_headers=["Authorization", "*"])


def is_known(origin: str, connection: object) -> bool:
    return True


def declaring(policy: CORSPolicy | str | None) -> Callable[[Any], Any]:
    if isinstance(policy, CORSPolicy):
        return cors(policy)
    return no_cors if policy == "no_cors" else lambda endpoint: endpoint


def app_with(
    policy: CORSPolicy | str | None,
    *,
    path: str = "/a",
    methods: tuple[str, ...] = ("PUT",),
    kind: str = "http",
    is_carried: bool = True,
) -> Report:
    """The report of an app with this one route."""
    app = FastAPI(openapi_url=None)
    if kind == "websocket":

        async def connect(websocket: WebSocket) -> None: ...

        app.websocket(path)(declaring(policy)(connect))
    elif kind == "mount":

        async def opaque(scope: Any, receive: Any, send: Any) -> None: ...

        app.mount(path, declaring(policy)(opaque))
    else:

        async def endpoint() -> None: ...

        app.api_route(path, methods=[*methods])(declaring(policy)(endpoint))
    if is_carried:
        install_cors(app)
    return report(app)


def changed(before: Report, after: Report) -> list[str]:
    """`+` for what is opened, `-` for what is closed."""
    return [
        f"{'+' if change.opened else '-'} {change.sentence}" for change in compare(written(before), after)
    ]


def written(before: Report) -> Any:
    """As it comes out of the file."""
    return json.loads(json.dumps(before.to_dict()))


def between(before: CORSPolicy | str | None, after: CORSPolicy | str | None, **route: Any) -> list[str]:
    return changed(app_with(before, **route), app_with(after, **route))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, OF_A, ["+ opened to https://a.example"]),
        ("no_cors", OF_A, ["+ opened to https://a.example"]),
        (OF_A, None, ["- no longer open to https://a.example"]),
        (OF_A, "no_cors", ["- no longer open to https://a.example"]),
        (None, "no_cors", []),
        (None, CORSPolicy(origins="*"), ["+ opened to every origin"]),
        (None, OF_A.evolve(allow_credentials=True), ["+ opened to https://a.example with credentials"]),
        # Origins.
        (OF_A, CORSPolicy(origins=[A, B]), ["+ opened to https://b.example"]),
        (OF_A, OF_B, ["+ opened to https://b.example", "- no longer open to https://a.example"]),
        (OF_A, CORSPolicy(origins="*"), ["+ opened to every origin"]),
        (CORSPolicy(origins="*"), OF_A, ["- no longer open to every origin"]),
        (OF_A, BY_REGEX, [r"+ opened to regex: https://b\.example"]),
        (OF_A, CORSPolicy(origins=[A, is_known]), [f"+ opened to callable: {__name__}.is_known"]),
        (CORSPolicy(origins=[A, is_known]), OF_A, [f"- no longer open to callable: {__name__}.is_known"]),
        # One origin out of a pattern is less than the pattern.
        (WILD, CORSPolicy(origins="https://x.a.example"), ["- no longer open to https://*.a.example"]),
        (CORSPolicy(origins="https://x.a.example"), WILD, ["+ opened to https://*.a.example"]),
        (WILD, CORSPolicy(origins=["https://*.a.example", B]), ["+ opened to https://b.example"]),
        # What goes with them.
        (OF_A, OF_A.evolve(allow_credentials=True), ["+ credentials are allowed now"]),
        (OF_A.evolve(allow_credentials=True), OF_A, ["- credentials are no longer allowed"]),
        (OF_A, OF_A.evolve(allow_headers=["X-B", "X-A"]), ["+ request header X-A, X-B is allowed now"]),
        (X_A, OF_A.evolve(allow_headers=["x-a", "X-B"]), ["+ request header X-B is allowed now"]),
        (X_A, OF_A, ["- request header X-A is no longer allowed"]),
        (X_A, ANY_HEADER, ["+ request header * is allowed now"]),
        (ANY_HEADER, X_A, ["- request header * is no longer allowed"]),
        (ANY_HEADER, AND_AUTHORIZATION, ["+ request header Authorization is allowed now"]),
        (OF_A, OF_A.evolve(expose_headers=["ETag"]), ["+ pages may read response header ETag now"]),
        (OF_A.evolve(expose_headers=["ETag"]), OF_A, ["- pages may no longer read response header ETag"]),
        (OF_A, OF_A.evolve(enforce=True), ["- calls of origins that are not allowed are refused now"]),
        (OF_A.evolve(enforce=True), OF_A, ["+ calls of origins that are not allowed reach the endpoint now"]),
        (OF_A, OF_A.evolve(methods=["GET"]), ["- method PUT is no longer allowed"]),
        (OF_A.evolve(methods=["GET"]), OF_A, ["+ method PUT is allowed now"]),
        (OF_A, OF_A.evolve(methods=["PUT"]), []),
        (OF_A, OF_A.evolve(max_age=5), []),
    ],
)  # fmt: skip
def test_a_policy_that_changed(
    before: CORSPolicy | str | None, after: CORSPolicy | str | None, told: list[str]
) -> None:
    assert between(before, after) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, OF_A, ["- no longer open to every origin"]),
        (OF_A, None, ["+ opened to every origin"]),
        (None, "no_cors", ["- no longer open to every origin with credentials"]),
        ("no_cors", None, ["+ opened to every origin with credentials"]),
        (OF_A, CORSPolicy(origins=[A, B]), ["+ opened to https://b.example"]),
        # A handshake is held to its policy, and carries the cookies, whatever that says.
        (OF_A, OF_A.evolve(enforce=True, allow_credentials=True), []),
    ],
)
def test_a_websocket_is_open_without_a_policy(
    before: CORSPolicy | str | None, after: CORSPolicy | str | None, told: list[str]
) -> None:
    assert between(before, after, kind="websocket") == told


def test_an_opaque_app_takes_any_method_unless_the_policy_names_some() -> None:
    public = CORSPolicy(origins="*")
    some, fewer = public.evolve(methods=["GET", "PROPFIND"]), public.evolve(methods=["GET"])
    assert between(public, some, kind="mount") == ["- only methods GET, PROPFIND are allowed now"]
    assert between(some, public, kind="mount") == ["+ any method is allowed now, not only GET, PROPFIND"]
    assert between(some, fewer, kind="mount") == ["- method PROPFIND is no longer allowed"]
    assert between(fewer, some, kind="mount") == ["+ method PROPFIND is allowed now"]
    assert between(public, public.evolve(max_age=1), kind="mount") == []


def test_a_policy_that_nothing_carries_out_opens_nothing() -> None:
    enforced = OF_A.evolve(enforce=True)
    carried, lost = app_with(enforced), app_with(enforced, is_carried=False)
    assert changed(carried, lost) == [
        "+ calls of origins that are not allowed reach the endpoint now",
        "- no longer open to https://a.example",
    ]
    assert changed(lost, carried) == [
        "- calls of origins that are not allowed are refused now",
        "+ opened to https://a.example",
    ]
    socket = app_with(OF_A, kind="websocket", is_carried=False)
    assert changed(app_with(OF_A, kind="websocket"), socket) == ["+ opened to every origin"]


def test_routes_that_are_new_or_gone() -> None:
    empty = app_with(None, path="/other")
    assert changed(empty, app_with(OF_A)) == ["+ a new route, open to https://a.example"]
    assert changed(app_with(OF_A), empty) == ["- the route is gone; it was open to https://a.example"]
    assert changed(empty, app_with(None)) == []
    assert changed(app_with("no_cors"), empty) == []
    socket = app_with(None, kind="websocket")
    assert changed(empty, socket) == ["+ a new route, open to every origin with credentials"]
    assert changed(app_with(OF_A), app_with(OF_A, methods=("POST",))) == [
        "+ a new route, open to https://a.example",
        "- the route is gone; it was open to https://a.example",
    ]


def test_a_change_that_holds_for_several_methods_is_told_once() -> None:
    before, after = (
        app_with(policy, methods=("PUT", "GET", "DELETE"))
        for policy in (OF_A, CORSPolicy(origins=[A, B], methods=["GET", "PUT"]))
    )
    assert [(change.sentence, change.route.methods) for change in compare(written(before), after)] == [
        ("opened to https://b.example", ("DELETE", "GET", "PUT")),
        ("method DELETE is no longer allowed", ("DELETE",)),
    ]


def test_the_route_is_as_it_is_now_or_as_it_was() -> None:
    before, after = app_with(OF_A), app_with(OF_B)
    opened, closed = compare(written(before), after)
    assert opened.route == closed.route == after.routes[0]
    (gone,) = compare(written(before), app_with(None, path="/other"))
    assert (gone.route.path, gone.route.methods, gone.route.endpoint) == (
        "/a",
        ("PUT",),
        before.routes[0].endpoint,
    )
    assert (gone.route.place, gone.route.policy) == (None, None)
    (gone,) = compare(written(app_with(OF_A, kind="mount")), after.__class__(routes=(), findings=()))
    assert (gone.route.kind, gone.route.methods) == ("mount", None)


def test_hosts_and_kinds_tell_routes_apart() -> None:
    def endpoint(request: object) -> None: ...

    def at(host: str) -> Report:
        inner = Starlette(routes=[Route("/a", cors(OF_A)(endpoint))])
        app = Starlette(routes=[Host(host, inner)])
        install_cors(app)
        return report(app)

    assert changed(at("x.example"), at("y.example")) == [
        "+ a new route, open to https://a.example",
        "- the route is gone; it was open to https://a.example",
    ]


def test_of_two_equal_routes_the_first_counts() -> None:
    def both(second: CORSPolicy) -> Report:
        app = FastAPI(openapi_url=None)
        for policy in (OF_A, second):
            app.add_api_route("/a", cors(policy)(lambda: None), response_model=None)
        install_cors(app)
        return report(app)

    assert changed(both(OF_A), both(OF_B)) == []


def test_a_change_among_the_findings() -> None:
    after = app_with(OF_B)
    opened, closed = (change.to_finding() for change in compare(written(app_with(OF_A)), after))
    assert (opened.code, opened.severity) == ("RC101", BASELINE_CODES["RC101"].severity)
    assert (closed.code, closed.severity) == ("RC102", BASELINE_CODES["RC102"].severity)
    assert opened.sentence == "PUT /a: opened to https://b.example"
    assert (opened.route, opened.place) == (after.routes[0], after.routes[0].place)
    (mounted,) = compare(written(app_with(None, kind="mount")), app_with(OF_A, kind="mount"))
    assert mounted.to_finding().sentence == "/a: opened to https://a.example"
    (socket,) = compare(written(app_with(OF_A, kind="websocket")), app_with(None, kind="websocket"))
    assert socket.to_finding().sentence == "WEBSOCKET /a: opened to every origin"


ROUTE: dict[str, Any] = written(app_with(OF_A))["routes"][0]
POLICY: dict[str, Any] = ROUTE["policy"]


@pytest.mark.parametrize(
    ("data", "where"),
    [
        (None, "a report is an object, not of type NoneType"),
        ([], "a report is an object, not of type list"),
        ({}, "version: "),
        ({"version": 1}, "routes: "),
        ({"version": 1, "routes": {}}, "routes: "),
        ({"version": 1, "routes": [3]}, "routes.0: "),
        ({"version": 1, "routes": [ROUTE, ROUTE | {"kind": "other"}]}, "routes.1.kind: "),
        ({"version": 1, "routes": [ROUTE | {"policy": {}}]}, "routes.0.policy.origins: "),
        ({"version": 1, "routes": [ROUTE | {"policy": POLICY | {"origins": 3}}]}, "routes.0.policy."),
    ],
)  # fmt: skip
def test_what_is_no_report_is_refused(data: object, where: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(where)}"):
        compare(data, app_with(OF_A))


def test_what_was_edited_by_hand_into_an_origin_is_just_another() -> None:
    odd = copy.deepcopy(ROUTE)
    odd["policy"]["origins"] = ["https://*.*.example", "nonsense\x00\ud800"]
    told = [change.sentence for change in compare({"version": 1, "routes": [odd]}, app_with(OF_A))]
    assert told[0] == "opened to https://a.example"
    assert len(told) == 2


policies = st.one_of(
    st.none(),
    st.just("no_cors"),
    st.builds(
        CORSPolicy,
        origins=st.sampled_from([A, B, [A, B], "https://*.example", re.compile("https://a.example")]),
        allow_headers=st.sampled_from([(), ("X-A",), "*"]),
        expose_headers=st.sampled_from([(), ("ETag",)]),
        enforce=st.booleans(),
    ),
)


@given(policies, policies, st.sampled_from(["http", "websocket", "mount"]))
def test_what_opens_one_way_closes_the_other(
    before: CORSPolicy | str | None, after: CORSPolicy | str | None, kind: str
) -> None:
    there, back = between(before, after, kind=kind), between(after, before, kind=kind)
    assert sorted(line[0] for line in there) == sorted("-+"[line[0] == "-"] for line in back)
    assert between(before, before, kind=kind) == []


def test_enforcement_by_a_layer() -> None:
    def app_of(policy: CORSPolicy | None, **arguments: Any) -> Report:
        app = FastAPI(openapi_url=None)
        app.put("/a")(declaring(policy)(lambda: None))
        install_cors(app, **arguments)
        return report(app)

    refused = "calls of origins that are not allowed are refused now"
    let_in = "calls of origins that are not allowed reach the endpoint now"
    for policy in (None, OF_A):
        assert changed(app_of(policy), app_of(policy, enforce=True)) == [f"- {refused}"]
        assert changed(app_of(policy, enforce=True), app_of(policy)) == [f"+ {let_in}"]
    enforced, exempt = OF_A.evolve(enforce=True), OF_A.evolve(enforce=False)
    assert changed(app_of(enforced), app_of(OF_A, enforce=True)) == []
    assert changed(app_of(OF_A, enforce=True), app_of(exempt, enforce=True)) == [f"+ {let_in}"]
    assert changed(app_of(None, enforce=True), app_of(OF_A)) == [
        f"+ {let_in}",
        "+ opened to https://a.example",
    ]


@pytest.mark.parametrize("enforce", [True, False])
def test_a_baseline_of_an_earlier_version_knows_the_enforcement_of_policies(enforce: bool) -> None:
    data = written(app_with(OF_A.evolve(enforce=enforce)))
    del data["routes"][0]["is_enforced"]
    assert compare(data, app_with(OF_A.evolve(enforce=enforce))) == ()
    (change,) = compare(data, app_with(OF_A.evolve(enforce=not enforce)))
    assert change.opened is enforce
    data["routes"][0]["takes_effect"] = False
    assert [each.opened for each in compare(data, app_with(OF_A))] == [True]
    without = written(app_with(None))
    del without["routes"][0]["is_enforced"]
    assert compare(without, app_with(None)) == ()


def test_a_mount_at_the_root_in_a_baseline_of_an_earlier_version() -> None:
    """It was written with an empty path."""
    app = FastAPI(openapi_url=None)
    app.mount("/", cors(origins=A)(Response()))
    install_cors(app)
    data = report(app).to_dict()
    assert data["routes"][0]["path"] == "/"
    data["routes"][0]["path"] = ""
    assert compare(data, report(app)) == ()
