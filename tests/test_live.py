"""LiveOrigins: what is declared, what policies use of it, and that nothing old is ever said again."""

from __future__ import annotations

import copy
import functools
import logging
import os
import pickle
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from asgi import ask, http_scope, preflight, websocket_scope
from fastapi import FastAPI, WebSocket
from hypothesis import given, settings
from hypothesis import strategies as st
from live_loads import lifespan_of, run_on, until
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from route_cors import (
    CORSConfigError,
    CORSPolicy,
    CORSRouter,
    Decision,
    LiveOrigins,
    RouteCORSMiddleware,
    cors,
    install_cors,
    report,
)
from route_cors.insight.describe import describe_policy, origins_in_words
from route_cors.insight.explain import explain
from route_cors.insight.explanation import Call
from route_cors.live.members import MAX_MEMBERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.types import ASGIApp

A, B, STRANGER = "https://a.example", "https://b.example", "https://stranger.example"
BACKENDS = pytest.mark.parametrize("backend", ["asyncio", "trio"])
# Far longer than a test takes: only the test itself leads to another load.
NEVER = 3600.0


def nobody() -> list[str]:
    return []


async def sampled() -> list[str]:
    return [A]


class Store:
    """A list of origins, and a load of it."""

    def __init__(self, *origins: str) -> None:
        self.origins: Any = list(origins)
        self.loads = 0

    async def __call__(self) -> Any:
        self.loads += 1
        if isinstance(self.origins, BaseException):
            raise self.origins
        return self.origins


def loaded(live: LiveOrigins) -> None:
    async def once() -> None:
        async with live:
            pass

    anyio.run(once)


def readable(app: ASGIApp, origin: str, path: str = "/x") -> bool:
    reply = ask(app, http_scope("GET", path, [(b"origin", origin.encode())]))
    return reply.cors.get("access-control-allow-origin") == origin


def app_with(policy: CORSPolicy, **options: Any) -> FastAPI:
    app = FastAPI()

    @app.get("/x")
    @cors(policy)
    def x() -> int:
        return 1

    install_cors(app, **options)
    return app


class TestDeclaration:
    @pytest.mark.parametrize(
        ("arguments", "field", "reason"),
        [
            ({"load": 3}, "load", "not a function that returns the origins"),
            ({"load": list}, "load", "not a function that returns the origins"),
            ({"load": lambda _: []}, "load", "it must be callable without arguments"),
            ({"every": 0}, "every", "not a number of seconds greater than 0"),
            ({"every": -1.0}, "every", "not a number of seconds greater than 0"),
            ({"every": True}, "every", "not a number of seconds greater than 0"),
            ({"every": float("nan")}, "every", "not a number of seconds greater than 0"),
            ({"every": float("inf")}, "every", "not a number of seconds greater than 0"),
            ({"every": "60"}, "every", "not a number of seconds greater than 0"),
            ({"wake": [1]}, "wake", "not an async iterator, and not a callable that returns one"),
            ({"keep": 3}, "keep", "not the path of a file"),
            ({"first": A}, "first", "write ['https://a.example', ...]"),
            ({"first": None}, "first", "write ['https://a.example', ...]"),
            ({"first": [3]}, "first", "not a str"),
            ({"first": ["https://a.example/"]}, "first", "a trailing slash"),
            ({"first": ["*"]}, "first", "a set that changes cannot allow every origin: declare origins='*'"),
            ({"required": 1}, "required", "not True or False"),
        ],
    )
    def test_each_argument_is_checked(self, arguments: dict[str, Any], field: str, reason: str) -> None:
        make: Any = LiveOrigins
        with pytest.raises(CORSConfigError) as caught:
            make(**{"load": nobody, **arguments})
        (problem,) = caught.value.problems
        assert problem.field == field
        assert reason in problem.reason

    def test_all_problems_are_raised_at_once(self) -> None:
        with pytest.raises(CORSConfigError) as caught:
            LiveOrigins(nobody, every=0, keep=3, first=["x", "y"])  # type: ignore[arg-type]
        assert [problem.field for problem in caught.value.problems] == ["every", "keep", "first", "first"]

    def test_a_built_in_without_a_signature_is_taken(self) -> None:
        live = LiveOrigins({A: 0}.keys)
        loaded(live)
        assert live.origins == (A,)

    @pytest.mark.parametrize("keep", ["x.json", Path("x.json")])
    def test_what_is_sound_is_taken(self, keep: str | os.PathLike[str]) -> None:
        async def wake() -> AsyncIterator[None]:
            yield

        live = LiveOrigins(sampled, every=1, wake=wake, keep=keep, first=[B, A, A], required=True)
        assert live.origins == (A, B)
        assert live.problems == ()
        assert live.age is None
        assert LiveOrigins(sampled, wake=wake()).origins == ()

    def test_it_is_named_after_its_load(self) -> None:
        assert LiveOrigins(functools.partial(sampled)).name == f"{__name__}.sampled"
        assert repr(LiveOrigins(sampled)) == f"LiveOrigins({__name__}.sampled)"

    def test_it_is_equal_to_itself_alone(self) -> None:
        one, other = LiveOrigins(sampled), LiveOrigins(sampled)
        assert CORSPolicy(origins=one) == CORSPolicy(origins=[one])
        assert hash(CORSPolicy(origins=one)) == hash(CORSPolicy(origins=[one]))
        assert CORSPolicy(origins=one) != CORSPolicy(origins=other)

    def test_evolve_and_copies_of_a_policy_keep_it(self) -> None:
        live = LiveOrigins(sampled)
        policy = CORSPolicy(origins=[A, live])
        assert policy.evolve(max_age=0).origins == (A, live)
        assert copy.deepcopy(policy).origins == (A, live)

    @pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
    def test_it_is_not_pickled_or_copied(self, duplicate: Callable[[object], object]) -> None:
        with pytest.raises(TypeError, match=r"LiveOrigins\(.*sampled\) cannot be pickled or copied"):
            duplicate(LiveOrigins(sampled))


class TestMembers:
    def test_members_are_matched_beside_declared_origins(self) -> None:
        live = LiveOrigins(Store(A, "https://*.c.example", "http://localhost:*"))
        origins = CORSPolicy(origins=[B, live]).origin_set
        assert not origins.matches(A.encode())
        loaded(live)
        allowed = [A, B, "https://x.c.example", "http://localhost:3000"]
        assert all(origins.matches(each.encode()) for each in allowed)
        refused = ["https://c.example", STRANGER, "null", ""]
        assert not any(origins.matches(each.encode()) for each in refused)
        assert live.origins == ("http://localhost:*", "https://*.c.example", A)

    def test_what_is_no_origin_is_left_out_and_reported_once(self, caplog: pytest.LogCaptureFixture) -> None:
        live = LiveOrigins(Store(A, A, "*", "null", "https://b.example/", 3, ["x"], b"https://c.example"))  # type: ignore[arg-type]
        loaded(live)
        assert live.origins == (A,)
        assert [problem.value for problem in live.problems] == [
            "*",
            "null",
            "https://b.example/",
            3,
            ["x"],
            b"https://c.example",
        ]
        assert live.problems[2].fix == B
        loaded(live)
        warnings = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
        assert len(warnings) == 1
        assert "6 in .problems: origins: '*': a set that changes" in warnings[0]

    def test_a_policy_uses_what_it_may(self) -> None:
        members = (A, "http://b.example", "https://*.github.io", "https://*.example.com")
        live = LiveOrigins(Store(*members))
        plain = CORSPolicy(origins=live)
        strict = plain.evolve(allow_credentials=True)
        insecure = strict.evolve(dangerously_allow_insecure_origins=True)
        suffixes = strict.evolve(dangerously_allow_public_suffixes=True)
        loaded(live)
        asked = [A, "http://b.example", "https://x.github.io", "https://x.example.com"]
        used = {
            name: [policy.origin_set.matches(each.encode()) for each in asked]
            for name, policy in {"plain": plain, "strict": strict, "in": insecure, "su": suffixes}.items()
        }
        assert used == {
            "plain": [True, True, True, True],
            "strict": [True, False, False, True],
            "in": [True, True, False, True],
            "su": [True, False, True, True],
        }
        assert [problem.value for problem in live.problems] == ["http://b.example", "https://*.github.io"]
        # A policy that is declared later.
        later = strict.evolve(max_age=0, origins=[live, B])
        assert [later.origin_set.matches(each.encode()) for each in asked] == used["strict"]

    @pytest.mark.parametrize(
        ("returned", "said"),
        [
            ("https://a.example", "TypeError: returned str, not a list of origins"),
            (b"https://a.example", "TypeError: returned bytes"),
            (None, "TypeError: returned NoneType"),
            (7, "TypeError: returned int"),
            ((f"https://h{n}.example" for n in range(10**9)), "ValueError: returned more than 100,000"),
            (KeyError("x\n\x1b[31m"), "KeyError: 'x\\\\n\\\\x1b[31m'"),
            (SystemExit(3), "SystemExit: 3"),
            (BaseExceptionGroup("many", [SystemExit(3)]), "BaseExceptionGroup: many"),
        ],
    )
    def test_a_bad_load_leaves_the_set_as_it_is_and_is_logged_once(
        self, returned: object, said: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        store = Store(A)
        live = LiveOrigins(store)
        loaded(live)
        age = live.age
        store.origins = returned
        loaded(live)
        loaded(live)
        assert live.origins == (A,)
        assert live.age is not None
        assert age is not None
        assert live.age > age
        (warning,) = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
        assert warning.startswith("RCE13 live origins failed: name=")
        assert "members=1 age=0s what=load" in warning
        assert said in warning
        assert "\n" not in warning

    def test_it_is_said_when_it_works_again_and_the_next_failure_is_logged_anew(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, "route_cors")
        store = Store(A)
        live = LiveOrigins(store)
        for origins in (OSError("x"), [A], OSError("y")):
            store.origins = origins
            loaded(live)
        said = [each.getMessage().split(":")[0] for each in caplog.records]
        assert said == [
            "RCE13 live origins failed",
            "RCE12 live origins changed",
            "live origins work again",
            "RCE13 live origins failed",
        ]

    def test_as_many_as_are_allowed(self) -> None:
        live = LiveOrigins(Store(*(f"https://h{n}.example" for n in range(MAX_MEMBERS))))
        origins = CORSPolicy(origins=live).origin_set
        loaded(live)
        assert len(live.origins) == MAX_MEMBERS
        assert origins.matches(b"https://h99999.example")
        assert not origins.matches(b"https://h100000.example")

    def test_changes_are_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO, "route_cors")
        store = Store(A)
        live = LiveOrigins(store)
        loaded(live)
        store.origins = [B]
        loaded(live)
        loaded(live)
        said = [each.getMessage() for each in caplog.records]
        assert [text.split(" age=")[1].split(" ", 1)[1] for text in said] == [f"+{A}", f"+{B} -{A}"]

    def test_a_set_that_nobody_runs_is_logged_once(self, caplog: pytest.LogCaptureFixture) -> None:
        app = app_with(CORSPolicy(origins=LiveOrigins(sampled)))
        assert not readable(app, A)
        assert not readable(app, A)
        said = [each.getMessage() for each in caplog.records if "RCE14" in each.getMessage()]
        assert len(said) == 1
        assert "install_cors(app) runs them with the app" in said[0]


ORIGINS = [f"https://{name}.example" for name in "abcd"]


@settings(max_examples=int(os.environ.get("ROUTE_CORS_EXAMPLES", "60")), deadline=None)
@given(
    sets=st.lists(st.sets(st.sampled_from(ORIGINS)), min_size=1, max_size=6),
    credentials=st.booleans(),
    enforce=st.booleans(),
    backend=st.sampled_from(["asyncio", "trio"]),
)
def test_no_answer_of_an_old_set_is_given(
    sets: list[set[str]], *, credentials: bool, enforce: bool, backend: str
) -> None:
    store = Store()
    live = LiveOrigins(store, every=NEVER)
    app = app_with(CORSPolicy(origins=live, allow_credentials=credentials, enforce=enforce))

    @app.websocket("/ws")
    @cors(CORSPolicy(origins=live))
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.close()

    async def answers(origin: str) -> tuple[bool, int, bool, str]:
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        head = [(b"origin", origin.encode())]
        await app(http_scope("GET", "/x", head), receive, send)
        read = (b"access-control-allow-origin", origin.encode()) in sent[0]["headers"]
        status = sent[0]["status"]
        sent.clear()
        await app(http_scope("OPTIONS", "/x", preflight(b"GET", origin.encode())), receive, send)
        granted = sent[0]["status"] == 204
        sent.clear()
        await app(websocket_scope("/ws", head), receive, send)
        return read, status, granted, sent[0]["type"]

    async def test() -> None:
        for members in sets:
            store.origins = sorted(members)
            async with live:
                for origin in ORIGINS * 2:
                    expected = (
                        (True, 200, True, "websocket.accept")
                        if origin in members
                        else (False, 403 if enforce else 200, False, "websocket.close")
                    )
                    assert await answers(origin) == expected

    run_on(backend, test)


class TestWithTheRest:
    @pytest.fixture
    def live(self) -> LiveOrigins:
        live = LiveOrigins(sampled)
        loaded(live)
        return live

    def test_it_is_described_with_its_number_of_members(self, live: LiveOrigins) -> None:
        policy = CORSPolicy(origins=[B, live])
        assert describe_policy(policy)["origins"] == [B, f"live: {__name__}.sampled"]
        assert origins_in_words(policy) == f"{B}, live: {__name__}.sampled (1 now)"

    def test_reports_and_explanations_read_it(self, live: LiveOrigins) -> None:
        app = app_with(CORSPolicy(origins=live, allow_credentials=True))
        shown = report(app, ask_callables=True)
        (row,) = [row for row in shown.routes if row.path == "/x"]
        assert isinstance(row.policy, CORSPolicy)
        assert row.policy.origins == (live,)
        assert not [each for each in shown.findings if each.code in {"RC022", "RC034"}]
        assert explain(app, Call(method="GET", path="/x", origin=A)).allowed is True
        assert explain(app, Call(method="GET", path="/x", origin=STRANGER)).allowed is False

    def test_a_dry_run_runs_it_too(self) -> None:
        store = Store(A)
        live = LiveOrigins(store, every=NEVER)
        app = app_with(CORSPolicy(origins=live), dry_run=True)
        seen: list[bool] = []

        async def test() -> None:
            async with lifespan_of(app):
                seen.append(live.origins == (A,))

        run_on("asyncio", test)
        assert seen == [True]
        assert (
            "access-control-allow-origin" not in ask(app, http_scope("GET", "/x", [(b"origin", b"x")])).cors
        )

    def test_decisions_say_how_old_the_set_is(self, caplog: pytest.LogCaptureFixture) -> None:
        seen: list[Decision] = []
        old, new = LiveOrigins(sampled), LiveOrigins(sampled)
        app = app_with(CORSPolicy(origins=[old, new]), on_decision=seen.append)

        def told() -> float | None:
            assert readable(app, A) is (old.age is not None)
            return seen[-1].live_age

        assert told() is None
        loaded(old)
        assert told() is None
        loaded(new)
        age, least = told(), old.age
        assert age is not None
        assert least is not None
        assert 0 <= age <= least
        old._loaded_at = time.monotonic() - 90
        with caplog.at_level(logging.DEBUG, "route_cors"):
            told()
        assert caplog.messages[-1].endswith(" live_age=90s")

    def test_a_default_and_a_router_may_hold_it(self) -> None:
        live = LiveOrigins(sampled)
        app = FastAPI()
        router = CORSRouter(cors=CORSPolicy(origins=live))
        router.add_api_route("/x", nobody)
        app.include_router(router)
        install_cors(app, default=CORSPolicy(origins=[live, B]))

        async def test() -> None:
            async with lifespan_of(app):
                pass

        run_on("asyncio", test)
        assert readable(app, A)
        assert readable(app, A, "/missing")
        assert not readable(app, B)


class TestLifespan:
    @BACKENDS
    def test_it_runs_from_start_up_to_shutdown(self, backend: str) -> None:
        store = Store(A)
        live = LiveOrigins(store, every=NEVER)
        app = app_with(CORSPolicy(origins=live))

        async def test() -> None:
            async with lifespan_of(app) as sent:
                assert [message["type"] for message in sent] == ["lifespan.startup.complete"]
                assert live.origins == (A,)
            assert [message["type"] for message in sent][1:] == ["lifespan.shutdown.complete"]
            store.origins = [B]
            async with lifespan_of(app):
                assert live.origins == (B,)

        run_on(backend, test)
        assert store.loads == 2

    @BACKENDS
    def test_start_up_fails_without_what_is_required(self, backend: str) -> None:
        store = Store()
        store.origins = OSError("no route to host")
        app = app_with(CORSPolicy(origins=LiveOrigins(store, required=True)))

        async def test() -> None:
            async with lifespan_of(app) as sent:
                pass
            (message,) = sent
            assert message["type"] == "lifespan.startup.failed"
            assert message["message"].startswith("required live origins cannot be loaded: ")
            assert message["message"].endswith("Store: OSError: no route to host")

        run_on(backend, test)

    @BACKENDS
    def test_start_up_goes_on_without_what_is_not_required(self, backend: str) -> None:
        store = Store()
        store.origins = OSError("no route to host")
        live = LiveOrigins(store, every=0.01)
        app = app_with(CORSPolicy(origins=live))

        async def test() -> None:
            async with lifespan_of(app) as sent:
                assert [message["type"] for message in sent] == ["lifespan.startup.complete"]
                store.origins = [A]
                await until(lambda: live.origins == (A,))

        run_on(backend, test)

    def test_with_first_members_start_up_does_not_wait(self) -> None:
        async def test() -> None:
            gate = anyio.Event()

            async def load() -> list[str]:
                await gate.wait()
                return [B]

            live = LiveOrigins(load, first=[A], every=NEVER)
            async with lifespan_of(app_with(CORSPolicy(origins=live))):
                assert live.origins == (A,)
                gate.set()
                await until(lambda: live.origins == (B,))

        run_on("asyncio", test)

    @BACKENDS
    def test_the_outermost_layer_runs_what_is_in_mounted_apps(self, backend: str) -> None:
        stores = [Store(A), Store(A), Store(A), Store(A)]
        lives = [LiveOrigins(store, every=NEVER) for store in stores]
        inner = app_with(CORSPolicy(origins=lives[0]), default=CORSPolicy(origins=lives[1]))
        app = Starlette(
            routes=[
                Mount("/m", app=inner),
                Route("/x", cors(CORSPolicy(origins=lives[0]))(functools.partial(_page))),
            ]
        )
        app.add_middleware(RouteCORSMiddleware, default=CORSPolicy(origins=lives[2]))
        install_cors(app, default=CORSPolicy(origins=lives[3]))

        async def test() -> None:
            async with lifespan_of(app):
                assert [live.origins for live in lives] == [(A,)] * 4

        run_on(backend, test)
        assert [store.loads for store in stores] == [1, 1, 1, 1]

    @BACKENDS
    def test_an_exception_of_the_app_is_its_own(self, backend: str) -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            raise KeyError("as it is")

        layer = RouteCORSMiddleware(app, default=CORSPolicy(origins=LiveOrigins(sampled, every=NEVER)))

        async def test() -> None:
            with pytest.raises(BaseExceptionGroup) as caught:
                async with lifespan_of(layer):
                    pass
            assert [repr(error) for error in caught.value.exceptions] == ["KeyError('as it is')"]

        run_on(backend, test)


def _page(_: Any) -> Any:
    raise NotImplementedError
