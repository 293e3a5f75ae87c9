"""Who refuses in apps inside apps, where layers enforce and policies say that they do or that they do not.

As test_composition_properties.py, whose oracle knows what is declared on the way to each endpoint. A soak:

    ROUTE_CORS_EXAMPLES=50000 python -m pytest -o faulthandler_timeout=0 tests/test_composition_enforcement.py
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, NamedTuple

from composed_apps import COMMON, STRANGER, Declared, Layer, Opaque, Program, programs
from hypothesis import given
from test_composition_properties import METHODS, arranged, finished, generated, is_seen, origins_on, send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from composed_apps import Arrangement, Chain, Terms

OTHER_SITES: Final = ("cross-site", "same-site", "nonsense")


class Asked(NamedTuple):
    """A request, by what its browser says of the page that sent it."""

    method: str
    site: str | None
    origin: str | None
    cookie: str | None = None

    def is_allowed_by(self, terms: Terms | None) -> bool:
        """Whether the terms let it run where they are enforced (None: there are none, which allow nobody)."""
        if self.site is None and self.origin is None:
            return True
        if self.site is not None and self.origin is None and self.method == "GET":
            return True
        if terms is None:
            return False
        if terms.kind == "any":
            return self.cookie is None
        return self.origin is not None and terms.allows(self.origin)


def requests(method: str, origins: tuple[str, ...]) -> list[Asked]:
    asked = [Asked(method, site, None) for site in OTHER_SITES]
    for origin in origins:
        asked += [Asked(method, "cross-site", origin), Asked(method, None, origin)]
        asked.append(Asked(method, "cross-site", origin, "session=1"))
    return asked


def readings(chain: Chain) -> Iterator[Chain]:
    """The chain with what is seen by one of ours, and with any of the rest.

    A policy that nobody has to see may be seen all the same: that of a mount by the layer of the app that is
    mounted, that of an app by its routes.
    """
    unseen = [
        position
        for position, link in enumerate(chain)
        if isinstance(link, Declared) and not is_seen(chain, position)
    ]
    for seen in itertools.product((False, True), repeat=len(unseen)):
        left_out = {position for position, is_known in zip(unseen, seen, strict=True) if not is_known}
        yield tuple(link for position, link in enumerate(chain) if position not in left_out)


def decides(known: Chain) -> Terms | None:
    """The innermost terms that are declared, else the innermost default."""
    declared = [link.terms for link in known if isinstance(link, Declared)]
    defaults = [link.default for link in known if isinstance(link, Layer) and link.default is not None]
    return [None, *defaults, *declared][-1]


def is_enforced(terms: Terms | None, chain: Chain) -> bool:
    """The innermost policy says it; else any layer on the way does."""
    if terms is not None and terms.enforce is not None:
        return terms.enforce
    return any(isinstance(link, Layer) and link.enforces for link in chain)


def is_refused(asked: Asked, known: Chain, *, sees_app: bool) -> bool:
    """Whether the contract has it refused: by what decides, or where nobody can see what is further in.

    Whoever enforces there cannot know whether something further in lets the request run. `sees_app`: what is
    declared on the very app that it cannot see into is known.
    """
    doubts = [
        (*known[:position], *(of_app_at(known, position) if sees_app else ()))
        for position, link in enumerate(known)
        if isinstance(link, Opaque)
    ]
    return any(is_refused_by(asked, each) for each in (*doubts, known))


def of_app_at(known: Chain, position: int) -> Chain:
    inside = itertools.dropwhile(lambda link: isinstance(link, Layer), known[position + 1 :])
    return tuple(itertools.takewhile(lambda link: isinstance(link, Declared), inside))[:1]


def is_refused_by(asked: Asked, known: Chain) -> bool:
    terms = decides(known)
    return is_enforced(terms, known) and not asked.is_allowed_by(terms)


def possible_refusals(asked: Asked, chain: Chain) -> set[bool]:
    """Two where it cannot be known."""
    return {
        is_refused(asked, known, sees_app=sees_app) for known in readings(chain) for sees_app in (False, True)
    }


async def served_methods(arrangement: Arrangement) -> list[tuple[str, int]]:
    """Which endpoint serves which method; a request that no browser sent reaches all of them."""
    replies = [(method, await send(arrangement, method)) for method in METHODS]
    return [(method, reply.ran[0]) for method, reply in replies if reply.ran]


@generated
@given(programs(enforces=True))
def test_an_endpoint_runs_only_if_the_contract_lets_it(program: Program) -> None:
    arrangement = arranged(program)

    async def check() -> None:
        for method, party in await served_methods(arrangement):
            chain = arrangement.parties[party].chain_for(method)
            for asked in requests(method, origins_on(chain)):
                reply = await send(
                    arrangement, method, sec_fetch_site=asked.site, origin=asked.origin, cookie=asked.cookie
                )
                refusals = possible_refusals(asked, chain)
                possible = [(403, ()) if refused else (200, (party,)) for refused in refusals]
                assert (reply.status, reply.ran) in possible, asked

    finished(check())


@generated
@given(programs(enforces=True))
def test_what_no_other_site_sent_always_runs(program: Program) -> None:
    arrangement = arranged(program)

    async def check() -> None:
        for method, party in await served_methods(arrangement):
            for site in ("same-origin", "none"):
                for origin in (None, "null", STRANGER, COMMON):
                    reply = await send(arrangement, method, sec_fetch_site=site, origin=origin)
                    assert (reply.status, reply.ran) == (200, (party,))

    finished(check())
