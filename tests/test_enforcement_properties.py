"""Enforcement in apps inside apps: who refuses is known from the description of an app alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from asgi import ask, http_scope
from fastapi import FastAPI
from hypothesis import example, given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from test_enforcement import METHODS, ORIGINS, SITES, WRAPPERS, cells

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

if TYPE_CHECKING:
    from route_cors.decorators import Declared

# What the rule says of each kind of request under each kind of policy.
PASSES: Final = {cell[:4]: cell[4] for cell in cells()}


class Policy(NamedTuple):
    kind: str  # named, any, none, no_cors
    enforce: bool | None = None

    @property
    def declared(self) -> Declared | None:
        if self.kind in {"none", "no_cors"}:
            return no_cors if self.kind == "no_cors" else None
        return CORSPolicy(origins="*" if self.kind == "any" else "https://a.example", enforce=self.enforce)


NOTHING: Final = Policy("none")


class Level(NamedTuple):
    """An app that is mounted in the one before: what is around it, and its layer (None: it has none)."""

    around: str
    policy: Policy
    layer: bool | None


class Built(NamedTuple):
    levels: tuple[Level, ...]
    endpoint: Policy
    is_cors_router: bool

    def build(self) -> Any:
        app = self._innermost()
        for inner in reversed(self.levels[1:]):
            app = self._with_layer(app, inner)
            mounted = WRAPPERS[inner.around](app)
            declared = inner.policy.declared
            outside = FastAPI(openapi_url=None)
            outside.mount("/m", mounted if declared is None else _attached(declared, mounted))
            app = outside
        return self._with_layer(app, self.levels[0])

    def _innermost(self) -> Any:
        declared = self.endpoint.declared
        if self.is_cors_router:
            router = CORSRouter(cors=declared)
            router.add_api_route("/x", _ran, methods=["GET", "POST", "DELETE"], response_model=None)
            app = FastAPI(openapi_url=None)
            app.include_router(router)
            return app

        async def endpoint(request: Request) -> Response:
            return await _ran(request)

        if declared is not None:
            _attached(declared, endpoint)
        return Starlette(routes=[Route("/x", endpoint, methods=["GET", "POST", "DELETE"])])

    def _with_layer(self, app: Any, level: Level) -> Any:
        if level.layer is not None:
            install_cors(app, enforce=level.layer)
        return app

    def judged_by(self) -> list[tuple[Policy, bool]]:
        """For each of ours on the way, outermost first: the policy that it sees, and whether it enforces."""
        judges: list[tuple[Policy, bool]] = []
        enforces = False
        for place, level in enumerate(self.levels):
            if level.layer is not None:
                enforces = enforces or level.layer
                judges.append((self._seen_from(place), enforces))
        inherited = self._seen_from(len(self.levels) - 1)
        if self.is_cors_router and inherited != NOTHING:
            judges.append((inherited, enforces))
        return judges

    def _seen_from(self, place: int) -> Policy:
        """The innermost policy that a layer there sees: what is behind an opaque wrapper, it does not."""
        seen = next(
            (each.policy for each in reversed(self.levels[1 : place + 1]) if each.policy != NOTHING), NOTHING
        )
        for level in self.levels[place + 1 :]:
            seen = seen if level.policy == NOTHING else level.policy
            if level.around == "opaque":
                return seen
        return seen if self.endpoint == NOTHING else self.endpoint


async def _ran(request: Request) -> Response:
    return PlainTextResponse("ran")


def _attached(declared: Declared, thing: Any) -> Any:
    return cors(declared)(thing) if isinstance(declared, CORSPolicy) else declared(thing)


POLICIES = st.one_of(
    st.just(NOTHING),
    st.builds(Policy, st.sampled_from(["named", "any"]), st.sampled_from([None, True, False])),
    st.just(Policy("no_cors")),
)
LEVELS = st.builds(Level, st.sampled_from(sorted(WRAPPERS)), POLICIES, st.sampled_from([None, True, False]))
APPS = st.builds(Built, st.lists(LEVELS, min_size=1, max_size=3).map(tuple), POLICIES, st.booleans())
REQUESTS = st.tuples(
    st.sampled_from(sorted(SITES)),
    st.sampled_from(sorted(ORIGINS)),
    st.sampled_from(sorted(METHODS)),
    st.booleans(),
)


def passes(policy: Policy, request: tuple[str, str, str, bool]) -> bool:
    site, origin, method, has_cookies = request
    kind = "any+" if policy.kind == "any" and has_cookies else policy.kind
    return PASSES[site, origin, method, kind]


@settings(max_examples=int(os.environ.get("ROUTE_CORS_EXAMPLES", "200")))
@given(APPS, st.lists(REQUESTS, min_size=1, max_size=6))
@example(
    Built((Level("plain", NOTHING, True), Level("opaque", Policy("named", False), None)), NOTHING, False),
    [("other", "E", "unsafe", True)],
)
@example(
    Built((Level("plain", NOTHING, False), Level("opaque", NOTHING, True)), Policy("named"), True),
    [("other", "E", "unsafe", True), ("other", "A", "unsafe", True)],
)
@example(  # a layer that only learns of its mount's policy by what the mount noted
    Built(
        (
            Level("plain", NOTHING, None),
            Level("opaque", Policy("any"), None),
            Level("gzip", Policy("named"), True),
        ),
        NOTHING,
        False,
    ),
    [("absent", "A", "safe", False), ("other", "E", "unsafe", True)],
)
@example(  # and a route
    Built(
        (
            Level("plain", NOTHING, None),
            Level("opaque", Policy("any"), None),
            Level("gzip", Policy("named", True), None),
        ),
        NOTHING,
        True,
    ),
    [("absent", "A", "safe", False), ("other", "E", "unsafe", True)],
)
def test_who_refuses(built: Built, requests: list[tuple[str, str, str, bool]]) -> None:
    app = built.build()
    path = "/m" * (len(built.levels) - 1) + "/x"
    for request in requests:
        site, origin, method, has_cookies = request
        sent = [(b"sec-fetch-site", each) for each in SITES[site][0]]
        sent += [(b"origin", each) for each in ORIGINS[origin]]
        sent += [(b"cookie", b"session=1")] if has_cookies else []
        reply = ask(app, http_scope("GET" if method == "safe" else "DELETE", path, sent))
        refusals = [
            policy
            for policy, enforces in built.judged_by()
            if (enforces if policy.enforce is None else policy.enforce) and not passes(policy, request)
        ]
        assert reply.status == (403 if refusals else 200), (request, refusals)
        assert (reply.body == b"ran") is not bool(refusals)
