"""Who refuses in apps inside apps, where layers enforce and policies say that they do or that they do not.

As test_composition_properties.py, whose oracle knows what is declared on the way to each endpoint. A soak:

    ROUTE_CORS_EXAMPLES=50000 python -m pytest -o faulthandler_timeout=0 tests/test_composition_enforcement.py
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from composed_apps import COMMON, STRANGER, Declared, Layer, Opaque, Program, programs
from hypothesis import given
from test_composition_properties import METHODS, arranged, finished, generated, is_seen, origins_on, send

if TYPE_CHECKING:
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


def decides(chain: Chain) -> Terms | None:
    """The terms that somebody of ours sees, the innermost of those declared, else the innermost default.

    What nobody sees holds nowhere: what is known of the mount that it is behind does.
    """
    declared = [each.terms for position, each in declared_on(chain) if is_seen(chain, position)]
    defaults = [link.default for link in chain if isinstance(link, Layer) and link.default is not None]
    return [None, *defaults, *declared][-1]


def declared_on(chain: Chain) -> list[tuple[int, Declared]]:
    return [(position, link) for position, link in enumerate(chain) if isinstance(link, Declared)]


def is_outside_of_all_layers(chain: Chain) -> bool:
    """Whether something is declared on a mount, and nobody sees it unless it is the app of a layer as well."""
    first = next((position for position, link in enumerate(chain) if isinstance(link, Layer)), len(chain))
    return any(position < first and not is_seen(chain, position) for position, _ in declared_on(chain))


def is_enforced(terms: Terms | None, chain: Chain) -> bool:
    """The innermost policy says it; else any layer on the way does."""
    if terms is not None and terms.enforce is not None:
        return terms.enforce
    return any(isinstance(link, Layer) and link.enforces for link in chain)


def may_be_refused_further_out(chain: Chain) -> bool:
    """Whether somebody enforces who cannot see all that is further in: it is refused there when in doubt."""
    enforcing = [
        link
        for link in chain
        if isinstance(link, Layer | Declared) and (_enforces(link) or _has_strict(link))
    ]
    return bool(enforcing) and any(isinstance(link, Opaque) for link in chain)


def _enforces(link: Layer | Declared) -> bool:
    return isinstance(link, Layer) and link.enforces


def _has_strict(link: Layer | Declared) -> bool:
    terms = link.default if isinstance(link, Layer) else link.terms
    return terms is not None and terms.enforce is True


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
            if is_outside_of_all_layers(chain):
                continue
            terms = decides(chain)
            for asked in requests(method, origins_on(chain)):
                reply = await send(
                    arrangement, method, sec_fetch_site=asked.site, origin=asked.origin, cookie=asked.cookie
                )
                if is_enforced(terms, chain) and not asked.is_allowed_by(terms):
                    assert (reply.status, reply.ran) == (403, ()), (asked, chain)
                elif not may_be_refused_further_out(chain):
                    assert (reply.status, reply.ran) == (200, (party,)), (asked, chain)

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
