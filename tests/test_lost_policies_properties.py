"""Functions that look alike, some with a policy and some decorated, are never taken for one another.

Modules are generated that make several functions of one name: by running the same source again, by a factory,
in a loop, in several classes. Some get a policy, some are wrapped or copied, some are served. Each policy is
for the origin of the function's number, so that whose was applied can be seen.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from asgi import ask, http_scope, preflight
from fastapi import APIRouter, FastAPI
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from lossy import COPYING, FOUND

from route_cors import CORSPolicy, CORSRouter, cors, install_cors, no_cors

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

EXAMPLES: Final = max(200, int(os.environ.get("ROUTE_CORS_EXAMPLES", "0")) // 5)
VARY_PREFLIGHT: Final = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"

# Each makes a list of `count` functions that return their number, and keeps none of them: what a decorator is
# given has no name yet.
FAMILIES: Final = {
    "a factory": """
def make(number):
    def endpoint():
        return number
    return endpoint

made = [make(number) for number in range(count)]
""",
    "a loop": """
made = []
for number in range(count):
    def endpoint(number: int = number) -> int:
        return number
    made.append(endpoint)
    del endpoint
""",
    "a loop, of functions that are told apart by nothing": """
made = []
for number in range(count):
    def endpoint():
        return "alike"
    made.append(endpoint)
    del endpoint
""",
    "a factory with a loop": """
def make():
    shared = "alike"
    functions = []
    for number in range(count):
        def endpoint():
            return shared
        functions.append(endpoint)
        del endpoint
    return functions

made = make()
""",
    "classes": """
made = []
for number in range(count):
    class Owner:
        @staticmethod
        def endpoint(number: int = number) -> int:
            return number
    made.append(Owner.endpoint)
    # What its class holds is not dropped.
    del Owner.endpoint
""",
}
# The same module run once for each function.
RUN_AGAIN: Final = """
def endpoint():
    return NUMBER
"""
DECORATORS: Final[dict[str, Callable[[Any], Any] | None]] = {"nothing": None, **FOUND, **COPYING}


@dataclass(frozen=True)
class Twin:
    """One of the functions: what it declares, and what becomes of it."""

    declares: str
    decorator: str
    is_served: bool

    @property
    def is_lost(self) -> bool:
        """Whether its policy may stand for another function's, as far as anybody can tell."""
        return self.declares != "nothing" and self.decorator in COPYING


twins = st.builds(
    Twin,
    st.sampled_from(["nothing", "policy", "no_cors"]),
    st.sampled_from([*DECORATORS]),
    # Most are.
    st.sampled_from([True, True, True, False]),
)


def origin_of(number: int) -> str:
    return f"https://twin{number}.example"


_serial = itertools.count()


def functions(family: str, count: int) -> list[Any]:
    """A new module for each example: nothing in it looks like what was there before."""
    name = f"generated_twins_{next(_serial)}"
    if family == "a module that is run again":
        code = compile(RUN_AGAIN, f"{name}.py", "exec")
        return [_run(code, name, NUMBER=number).pop("endpoint") for number in range(count)]
    if family == "a module that is compiled again":
        return [
            _run(compile(RUN_AGAIN, f"{name}.py", "exec"), name, NUMBER=number).pop("endpoint")
            for number in range(count)
        ]
    made: list[Any] = _run(compile(FAMILIES[family], f"{name}.py", "exec"), name, count=count)["made"]
    return made


def _run(code: Any, name: str, **names: Any) -> dict[str, Any]:
    module = ModuleType(name)
    module.__dict__.update(names)
    exec(code, module.__dict__)  # noqa: S102 - it was written above
    return module.__dict__


families = st.sampled_from([*FAMILIES, "a module that is run again", "a module that is compiled again"])


class Said(logging.Handler):
    """What the log says, at error level."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def of(self, path: str) -> list[str]:
        """The lines about the route of that path."""
        return [line for line in self.lines if re.search(rf"(?<![\w/-]){path}(?![\w/-])", line)]


def app_of(family: str, chosen: list[Twin], router: APIRouter, default: CORSPolicy | None) -> FastAPI:
    made = functions(family, len(chosen))
    unserved: list[Any] = []
    for number, twin in enumerate(chosen):
        # What is decorated lives on only where the decorator holds it.
        function, made[number] = made[number], None
        if twin.declares == "policy":
            function = cors(origins=origin_of(number))(function)
        elif twin.declares == "no_cors":
            function = no_cors(function)
        decorate = DECORATORS[twin.decorator]
        if decorate is not None:
            function = decorate(function)
        if twin.is_served:
            router.get(f"/{number}")(function)
        else:
            unserved.append(function)
        del function
    app = FastAPI()
    app.include_router(router)
    install_cors(app, default=default)
    app.state.unserved = unserved
    return app


def readers(app: ASGIApp, path: str, count: int) -> set[str]:
    """The origins of all those that may read the answer and are granted a preflight; `*` is for anybody."""
    found: set[str] = set()
    for origin in [*map(origin_of, range(count)), "https://stranger.example"]:
        reply = ask(app, http_scope("GET", path, [(b"origin", origin.encode())]))
        assert reply.status == 200
        asked = ask(app, http_scope("OPTIONS", path, preflight(b"GET", origin.encode())))
        allowed = reply.cors.get("access-control-allow-origin")
        assert asked.cors.get("access-control-allow-origin") == allowed
        if allowed is not None:
            assert allowed in {origin, "*"}
            found.add(allowed)
    return found


def is_refused(app: ASGIApp, path: str) -> bool:
    """Whether a policy speaks there, and allows nothing to a stranger."""
    reply = ask(app, http_scope("OPTIONS", path, preflight(b"GET", b"https://stranger.example")))
    return (reply.status, reply.cors) == (403, {"vary": VARY_PREFLIGHT})


@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
@given(
    families,
    st.lists(twins, min_size=1, max_size=5),
    st.sampled_from([APIRouter, CORSRouter]),
    st.sampled_from([None, CORSPolicy(origins="*")]),
)
def test_no_function_has_the_policy_of_another(
    family: str, chosen: list[Twin], router: type[APIRouter], default: CORSPolicy | None
) -> None:
    said = Said()
    logger = logging.getLogger("route_cors")
    logger.addHandler(said)
    try:
        app = app_of(family, chosen, router(), default)
        for number, twin in enumerate(chosen):
            if twin.is_served:
                note(f"/{number}: {twin}")
                assert_own_policy_or_closed(app, number, chosen, default, said)
    finally:
        logger.removeHandler(said)


def assert_own_policy_or_closed(
    app: ASGIApp, number: int, chosen: list[Twin], default: CORSPolicy | None, said: Said
) -> None:
    twin = chosen[number]
    path = f"/{number}"
    allowed = readers(app, path, len(chosen))
    refused = is_refused(app, path)
    told = said.of(path)
    note(f"readable by {allowed or 'nobody'}, {told}")
    if twin.declares == "nothing":
        assert allowed == (set() if refused or default is None else {"*"})
        # Nothing is closed unless a policy was lost that may have been its own.
        assert not refused or any(other.is_lost for other in chosen)
        assert len(told) == refused
        return
    assert refused
    assert allowed <= ({origin_of(number)} if twin.declares == "policy" else set())
    if twin.decorator not in COPYING:
        # What holds the function, or has its marked annotations, is certain, whatever else was lost.
        assert len(allowed) == (twin.declares == "policy")
        assert told == []
    elif twin.declares == "policy":
        assert len(told) == (not allowed)
    else:
        assert len(told) <= 1
