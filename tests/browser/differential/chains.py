"""Cases of one redirect after another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING, Final, TypeAlias

from .cases import Answer, Case, Credentials, Fetch, Header, Headers, Mode, Resource, allowing

if TYPE_CHECKING:
    from collections.abc import Iterator

Road: TypeAlias = Sequence[str]

OF_A_BODY: Final[tuple[Header, ...]] = (("Content-Type", "text/plain;x"), ("Content-Language", "de"))
TO_CREDENTIALS: Final = allowing(credentials="true")
MANY_CREDENTIALS: Final[tuple[Credentials, ...]] = ("omit", "same-origin", "include")
# In mode no-cors only within an origin: elsewhere Chromium's Origin is a difference.
ROADS: Final[tuple[tuple[Mode, Road], ...]] = (
    ("cors", ("a", "a", "a", "a")),
    ("cors", ("a", "a", "b", "b")),
    ("cors", ("a", "b", "a", "b")),
    ("cors", ("page", "page", "page", "page")),
    ("cors", ("page", "page", "a", "a")),
    ("no-cors", ("a", "a", "a", "a")),
    ("no-cors", ("page", "page", "page", "page")),
    ("same-origin", ("page", "page", "page", "page")),
)
STATUSES: Final = ((303, 307, 302), (302, 302, 308), (301, 303, 301), (307, 303, 307))


def chain(
    name: str,
    fetch: Fetch,
    road: Road,
    statuses: Sequence[int],
    grants: Headers = TO_CREDENTIALS,
) -> Case:
    """From server to server. The fetch has to begin at the first one's `/0`; all of them grant this."""
    places = [f"{role}/{step}" for step, role in enumerate(road)]
    redirects = [
        Resource(place, (Answer(status, (*grants, ("Location", f"<{role}><case>/{step}"))),))
        for (place, _), status, (step, role) in zip(
            pairwise(places), statuses, list(enumerate(road))[1:], strict=True
        )
    ]
    return Case(name, (fetch,), (*redirects, Resource(places[-1], (Answer(headers=grants),))))


def redirected_again() -> Iterator[Case]:
    for (mode, road), statuses in product(ROADS, STATUSES):
        fetch = Fetch(f"<{road[0]}><case>/0", "POST", OF_A_BODY, "text", mode=mode)
        yield chain(f"POST along {' '.join(road)} with {statuses}, {mode}", fetch, road, statuses)


def credentials_of_chains() -> Iterator[Case]:
    grants = (
        allowing("*"),
        allowing("<page>"),
        allowing("<page>", credentials="true"),
    )
    roads = (("page", "a", "a"), ("page", "a", "page"), ("a", "a", "a"))
    for road, (number, granted), credentials in product(roads, enumerate(grants), MANY_CREDENTIALS):
        fetch = Fetch(f"<{road[0]}><case>/0", credentials=credentials)
        name = f"credentials {credentials} along {' '.join(road)}, grant {number}"
        yield chain(name, fetch, road, (302, 302), granted)


def redirects_that_are_not_followed() -> Iterator[Case]:
    for role, method, location in product(("a", "page"), ("GET", "POST"), (None, "<a><case>/y")):
        headers = allowing("*") + ((("Location", location),) if location else ())
        yield Case(
            f"{method} of {role}, not followed: {location}",
            (Fetch(f"<{role}><case>/x", method, redirect="manual"),),
            (Resource(f"{role}/x", (Answer(307, headers),)),),
        )


FAMILIES: Final = (redirected_again, credentials_of_chains, redirects_that_are_not_followed)
