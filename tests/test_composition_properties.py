"""What is declared holds in apps inside apps, however a request gets to the endpoint: generated arrangements.

The oracle knows which endpoint ran, as each says so, and what is declared on the way to it
(composed_apps.py). It knows nothing of how a layer sees into an app, but for what is promised: through what
shows its `.app` or its routes, through nothing else. `ROUTE_CORS_EXAMPLES` sets how many arrangements each
property sees. A soak:

    ROUTE_CORS_EXAMPLES=50000 python -m pytest -o faulthandler_timeout=0 tests/test_composition_properties.py
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from composed_apps import (
    COMMON,
    STRANGER,
    Arrangement,
    Chain,
    Declared,
    Layer,
    Opaque,
    OwnRoute,
    Program,
    Terms,
    arrange,
    programs,
)
from drawn import drawn
from hypothesis import given, note

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any

    from starlette.types import Message, Scope

EXAMPLES: Final = int(os.environ.get("ROUTE_CORS_EXAMPLES", "200"))
generated = drawn(EXAMPLES)

METHODS: Final = ("GET", "POST", "DELETE", "PUT")
VARY_PREFLIGHT: Final = {"origin", "access-control-request-method", "access-control-request-headers"}


# --- Asking


class Reply(NamedTuple):
    """What the client got, and which endpoints ran."""

    status: int
    headers: dict[str, list[str]]
    ran: tuple[int, ...]

    def cors(self) -> dict[str, list[str]]:
        return {name: value for name, value in self.headers.items() if name.startswith("access-control-")}

    @property
    def allowed(self) -> str | None:
        """The origin that may read it."""
        return self.headers.get("access-control-allow-origin", [None])[0]

    def vary(self) -> list[str]:
        return [name.strip().lower() for line in self.headers.get("vary", ()) for name in line.split(",")]


async def send(arrangement: Arrangement, method: str, **headers: str | None) -> Reply:
    """One request. Whatever the arrangement, it is answered once, with no error and no header twice."""
    messages = await call(arrangement, "http", method, headers)
    assert [message["type"] for message in messages].count("http.response.start") == 1
    start = messages[0]
    assert [message.get("more_body", False) for message in messages[1:]][-1:] == [False]
    answered: dict[str, list[str]] = {}
    for name, value in start["headers"]:
        answered.setdefault(name.decode().lower(), []).append(value.decode("latin-1"))
    reply = Reply(start["status"], answered, tuple(arrangement.ran))
    assert reply.status < 500
    assert all(len(lines) == 1 for lines in reply.cors().values())
    assert len(reply.vary()) == len({*reply.vary()})
    return reply


async def preflight(arrangement: Arrangement, method: str, origin: str) -> Reply:
    return await send(arrangement, "OPTIONS", origin=origin, access_control_request_method=method)


async def opens(arrangement: Arrangement, origin: str | None) -> bool:
    """Whether the handshake is accepted. What is refused gets no other message."""
    messages = await call(arrangement, "websocket", "", {"origin": origin})
    if messages[0]["type"] == "websocket.accept":
        return True
    assert messages[0]["type"] in {"websocket.close", "websocket.http.response.start"}
    assert all(message["type"] == "websocket.http.response.body" for message in messages[1:])
    return False


async def call(
    arrangement: Arrangement, kind: str, method: str, headers: dict[str, str | None]
) -> list[Message]:
    arrangement.ran.clear()
    sent = {"host": arrangement.host, **headers}
    scope: Scope = {
        "type": kind,
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http" if kind == "http" else "ws",
        "path": arrangement.path,
        "raw_path": arrangement.path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [
            (name.replace("_", "-").encode(), value.encode())
            for name, value in sent.items()
            if value is not None
        ],
        "server": ("server.example", 80),
        "client": ("192.0.2.1", 1),
        **({"method": method} if kind == "http" else {"subprotocols": []}),
    }
    incoming: list[Message] = [
        {"type": f"{kind}.disconnect"},
        {"type": "http.request", "body": b"", "more_body": False}
        if kind == "http"
        else {"type": "websocket.connect"},
    ]
    messages: list[Message] = []

    async def receive() -> Message:
        return incoming.pop() if len(incoming) > 1 else incoming[0]

    async def collect(message: Message) -> None:
        messages.append(message)

    await arrangement.app(scope, receive, collect)
    return messages


# --- What must hold, read off the chain


class Verdict(NamedTuple):
    """Whose terms decide for an endpoint: those declared innermost, else the innermost default, if any."""

    terms: Terms | None
    further_out: tuple[Terms, ...]  # all other terms on the way
    guards: tuple[Terms, ...]  # those of layers which enforce before they can know that they do not decide

    def allows(self, origin: str) -> bool:
        return self.terms is not None and self.terms.allows(origin)

    def headers(self, origin: str) -> dict[str, list[str]]:
        if self.terms is None or not self.allows(origin):
            return {}
        return {"access-control-allow-origin": ["*" if self.terms.kind == "any" else origin]}

    def may_be_stopped(self, origin: str) -> bool:
        """Whether a layer may refuse the request that it does not decide about.

        One that enforces has to refuse before it can know whether something of ours stands behind what it
        cannot see into: who is let through there is not promised. What it sees may be a policy on the very
        app that it cannot see into.
        """
        return any(not terms.allows(origin) for terms in self.guards)

    def every_level_allows(self, origin: str) -> bool:
        return self.allows(origin) and all(terms.allows(origin) for terms in self.further_out)


def verdict_on(chain: Chain, *, is_http: bool = True) -> Verdict | None:
    """None where it cannot be known: what is declared innermost is seen by no layer and by no route of ours.

    So it is behind an opaque wrapper, route or middleware with nothing of ours inside it, and with what is
    declared on a mount or an app that is outside of all layers: none of them sees what is around it.
    """
    declared = [position for position, link in enumerate(chain) if isinstance(link, Declared)]
    defaults = [position for position, link in enumerate(chain) if isinstance(link, Layer) and link.default]
    if declared and not is_seen(chain, declared[-1]):
        return None
    deciding = [*(defaults if is_http else ()), *declared]
    if not deciding:
        return Verdict(None, (), ())
    decides = declared[-1] if declared else defaults[-1]
    others = [(position, terms_at(chain, position)) for position in deciding if position != decides]
    return Verdict(
        terms_at(chain, decides),
        tuple(terms for _, terms in others),
        tuple(terms for _, terms in others if terms.enforces and is_hidden_between(chain, 0, decides)),
    )


def terms_at(chain: Chain, position: int) -> Terms:
    link = chain[position]
    terms = link.terms if isinstance(link, Declared) else link.default if isinstance(link, Layer) else None
    assert terms is not None
    return terms


def is_seen(chain: Chain, position: int) -> bool:
    if isinstance(chain[-1], OwnRoute) and position >= chain[-1].since:
        return True
    for link in reversed(chain[:position]):
        if isinstance(link, Layer | Opaque):
            return isinstance(link, Layer)
    return False


def is_hidden_between(chain: Chain, one: int, other: int) -> bool:
    return any(isinstance(link, Opaque) for link in chain[min(one, other) : max(one, other)])


def guards_on(chain: Chain) -> list[Terms]:
    """Those that enforce, where somebody who cannot see all that stands further in knows of them.

    Such a one may see a policy on the very app that it cannot see into.
    """
    if not any(isinstance(link, Opaque) for link in chain):
        return []
    return [terms for terms in terms_on(chain) if terms.enforces]


def terms_on(chain: Chain) -> list[Terms]:
    found = [
        link.terms if isinstance(link, Declared) else link.default
        for link in chain
        if isinstance(link, Declared | Layer)
    ]
    return [terms for terms in found if terms is not None]


class Served(NamedTuple):
    """Who serves a method where nobody's origin is asked for, and what must hold there."""

    method: str
    verdict: Verdict
    has_something_of_ours: bool
    origins: tuple[str, ...]
    party: int


async def serving(arrangement: Arrangement) -> list[Served]:
    """The methods of the path that some endpoint serves, so far as anything can be said of them."""
    found: list[Served] = []
    for method in METHODS:
        reply = await send(arrangement, method)
        if not reply.ran:
            assert reply.status == 405
            continue
        assert reply.status == 200
        assert reply.headers["x-served"] == [str(reply.ran[0])]
        assert len(reply.ran) == 1
        chain = arrangement.parties[reply.ran[0]].chain_for(method)
        verdict = verdict_on(chain)
        if verdict is not None:
            ours = any(isinstance(link, Layer | OwnRoute) for link in chain)
            found.append(Served(method, verdict, ours, origins_on(chain), reply.ran[0]))
    return found


def origins_on(*chains: Chain) -> tuple[str, ...]:
    """Those that somebody on the way invites, and others."""
    terms = [terms for chain in chains for terms in terms_on(chain)]
    invited = [each.origin for each in terms if each.kind in {"own", "strict"}]
    return (STRANGER, COMMON, *dict.fromkeys(invited))


async def websockets(arrangement: Arrangement) -> tuple[Verdict, tuple[str, ...]] | None:
    """What must hold for the websocket of the path."""
    messages = await call(arrangement, "websocket", "", {})
    assert messages[0]["type"] == "websocket.accept"  # without an Origin nobody is refused
    number = int(dict(messages[0]["headers"])[b"x-served"])
    chain = arrangement.parties[number].chain
    verdict = verdict_on(chain, is_http=False)
    return verdict and (verdict, origins_on(chain))


def arranged(program: Program) -> Arrangement:
    # Hypothesis shows the bytes that it drew.
    note("\n".join([*map(str, program.levels), f"asked: {program.asked}"]))
    return arrange(program)


def finished(work: Coroutine[Any, Any, None]) -> None:
    """Run what never waits for anything; an event loop for each app would cost more than its requests."""
    with pytest.raises(StopIteration):
        work.send(None)


# --- The properties


@generated
@given(programs())
def test_nobody_reads_runs_or_opens_what_the_innermost_policy_refuses(program: Program) -> None:
    arrangement = arranged(program)

    async def check() -> None:
        for served in await serving(arrangement):
            for origin in refused(served.verdict, served.origins):
                reply = await send(arrangement, served.method, origin=origin)
                assert reply.cors() == {}
                if served.verdict.terms is not None and served.verdict.terms.enforces:
                    assert (reply.status, reply.ran) == (403, ())
                assert (await preflight(arrangement, served.method, origin)).cors() == {}
        guarded = await websockets(arrangement)
        if guarded is not None and guarded[0].terms is not None:
            for origin in refused(*guarded):
                assert not await opens(arrangement, origin)

    finished(check())


def refused(verdict: Verdict, origins: Iterable[str]) -> list[str]:
    return [origin for origin in origins if verdict.terms is not None and not verdict.allows(origin)]


@generated
@given(programs())
def test_what_every_level_allows_is_allowed(program: Program) -> None:
    arrangement = arranged(program)

    async def check() -> None:
        for served in await serving(arrangement):
            for origin in served.origins:
                if served.verdict.every_level_allows(origin):
                    await assert_allowed(arrangement, served, origin)
        guarded = await websockets(arrangement)
        if guarded is not None:
            verdict, origins = guarded
            for origin in origins:
                if verdict.terms is None or verdict.every_level_allows(origin):
                    assert await opens(arrangement, origin)

    finished(check())


async def assert_allowed(arrangement: Arrangement, served: Served, origin: str) -> None:
    headers = served.verdict.headers(origin)
    reply = await send(arrangement, served.method, origin=origin)
    assert (reply.status, reply.ran) == (200, (served.party,))
    assert reply.cors() == headers
    assert ("origin" in reply.vary()) == (headers["access-control-allow-origin"] == [origin])
    asked = await preflight(arrangement, served.method, origin)
    assert asked.status == 204
    methods = asked.headers["access-control-allow-methods"]
    assert served.method in methods[0].split(", ")
    assert asked.cors() == {
        **headers,
        "access-control-allow-methods": methods,
        "access-control-allow-headers": asked.headers["access-control-allow-headers"],
        "access-control-max-age": ["600"],
    }
    assert {*asked.vary()} >= VARY_PREFLIGHT


@generated
@given(programs())
def test_the_innermost_policy_decides_alone(program: Program) -> None:
    """Whatever stands further out, allowing more or less: innermost wins, wholly."""
    arrangement = arranged(program)

    async def check() -> None:
        for served in await serving(arrangement):
            await check_deciding(arrangement, served)
        guarded = await websockets(arrangement)
        if guarded is not None:
            verdict, origins = guarded
            for origin in origins:
                assert await opens(arrangement, origin) == (verdict.terms is None or verdict.allows(origin))

    finished(check())


@generated
@given(programs(declares=False))
def test_where_nothing_is_declared_the_innermost_default_holds(program: Program) -> None:
    arrangement = arranged(program)

    async def check() -> None:
        for served in await serving(arrangement):
            await check_deciding(arrangement, served)
        for origin in (STRANGER, COMMON):
            assert await opens(arrangement, origin)  # a default says nothing of websockets

    finished(check())


async def check_deciding(arrangement: Arrangement, served: Served) -> None:
    verdict = served.verdict
    if verdict.terms is None:
        return
    for origin in served.origins:
        if not verdict.may_be_stopped(origin):
            reply = await send(arrangement, served.method, origin=origin)
            is_stopped = verdict.terms.enforces and not verdict.allows(origin)
            assert (reply.status, reply.ran) == ((403, ()) if is_stopped else (200, (served.party,)))
            assert reply.cors() == verdict.headers(origin)
            if verdict.terms.kind in {"own", "strict"}:
                assert "origin" in reply.vary()
        if verdict.allows(origin):
            await assert_granted(arrangement, served, origin)
        else:
            answer = await preflight(arrangement, served.method, origin)
            assert (answer.status, answer.cors()) == (403, {})


async def assert_granted(arrangement: Arrangement, served: Served, origin: str) -> None:
    answer = await preflight(arrangement, served.method, origin)
    assert answer.status == 204
    assert answer.allowed == served.verdict.headers(origin)["access-control-allow-origin"][0]
    assert served.method in answer.headers["access-control-allow-methods"][0].split(", ")


@generated
@given(programs())
def test_what_a_preflight_grants_is_readable(program: Program) -> None:
    """Each method that it names, of the endpoint that serves it, or the 405 where none does."""
    arrangement = arranged(program)

    async def check() -> None:
        chains = [
            arrangement.parties[number].chain_for(method)
            for method in METHODS
            for number in (await send(arrangement, method)).ran
        ]
        # Where nobody can see what is declared, an outer default may grant what only the router's own record
        # of what it ran can close. Of an endpoint that makes a 405 too.
        known = [*chains, *(party.chain for party in arrangement.parties.values())]
        if any(verdict_on(chain) is None for chain in known):
            return
        guards = [terms for chain in chains for terms in guards_on(chain)]
        for origin in origins_on(*chains):
            if any(not terms.allows(origin) for terms in guards):
                continue  # see Verdict.may_be_stopped
            for method in METHODS:
                asked = await preflight(arrangement, method, origin)
                if asked.status == 204:
                    for granted in asked.headers["access-control-allow-methods"][0].split(", "):
                        reply = await send(arrangement, granted, origin=origin)
                        if reply.status == 405 and reply.allowed is None:
                            continue  # raised by a mere router, and made further out than any layer
                        assert reply.allowed == asked.allowed
                        assert reply.allowed in {origin, "*"}
                else:
                    assert asked.cors() == {}

    finished(check())


@generated
@given(programs())
def test_nothing_makes_an_error_and_caches_keep_apart_what_differs(program: Program) -> None:
    """Of all arrangements, those included of which nothing else can be said."""
    arrangement = arranged(program)

    async def check() -> None:
        chains = [party.chain for party in arrangement.parties.values()]
        origins = (None, *origins_on(*chains), "null", "https://server.example", "http://server.example")
        for method in ("GET", "POST", "PUT", "OPTIONS"):
            replies = [await send(arrangement, method, origin=origin) for origin in origins]
            # The 405 of a router that has no layer is not made by a route, and carries nothing of ours. One
            # that enforces, and does not decide for whom it lets through, does not write their headers.
            served = [number for number in replies[0].ran if not guards_on(arrangement.parties[number].chain)]
            if served and len({(reply.allowed, reply.status) for reply in replies}) > 1:
                assert all("origin" in reply.vary() for reply in replies)
        for origin in origins:
            await opens(arrangement, origin)
            await preflight(arrangement, "PUT", origin or "")

    finished(check())
