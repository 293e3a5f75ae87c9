"""What the page shows, as data: the report, made ready for a table of routes by origin."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from route_cors.decorators import NoCORS
from route_cors.insight.access import ANY_OTHER_ORIGIN, STRANGER, accesses_of, speaking_layers
from route_cors.insight.describe import origins_in_words, policy_in_words
from route_cors.insight.foreign import KnownLayer
from route_cors.insight.inspector.groups import groups_of
from route_cors.insight.overview import report_of
from route_cors.insight.routes import survey_routes
from route_cors.origins import is_serialized_origin
from route_cors.policy import CORSPolicy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from route_cors.decorators import Declared
    from route_cors.insight.overview import Report
    from route_cors.insight.routes import ReportedRoute

_MOST_COLUMNS: Final = 8
_CLOSED: Final = "closed (@no_cors)"


def report_data(app: object) -> dict[str, Any]:
    """The report, its routes in groups, and columns of access.

    The first column is that of an origin that no policy names; those of the origins that policies name most
    follow.
    """
    surveyed = survey_routes(app)
    whole = report_of(app, surveyed)
    data = whole.to_dict()
    words: dict[tuple[object, ...], dict[str, Any]] = {}
    for shown, route in zip(data["routes"], whole.routes, strict=True):
        # Thousands of routes share a few policies.
        others = tuple(layer.in_words() for layer in speaking_layers(route))
        enforced = tuple(route.words_of_enforcement)
        key = (id(route.policy), others, enforced)
        if key not in words:
            words[key] = _in_words(route.policy, others, enforced)
        shown["words"] = words[key]
    _link_findings(data["findings"], whole)
    named = _origins_by_use(whole.routes)
    stranger = {"caption": ANY_OTHER_ORIGIN, **_column(whole.routes, STRANGER)}
    data["columns"] = [stranger, *(_column(whole.routes, origin) for origin in named[:_MOST_COLUMNS])]
    data["more_origins"] = named[_MOST_COLUMNS:]
    data["groups"] = [group._asdict() for group in groups_of([each.placed for each in surveyed])]
    return data


def access_data(app: object, origin: str) -> dict[str, Any]:
    """What one origin may do, for each route of the report, in its order."""
    return {"version": 1, **_column([each.reported for each in survey_routes(app)], origin)}


def _in_words(
    declared: Declared | None, others: tuple[str, ...], enforced: tuple[str, ...]
) -> dict[str, Any]:
    """Whom a policy lets in, what else it says, and what layers do beside it or in its place."""
    if isinstance(declared, NoCORS):
        return {"kind": "closed", "origins": _CLOSED, "rest": "; ".join(enforced), "others": [*others]}
    origins = origins_in_words(declared)
    said = policy_in_words(declared).removeprefix(origins).removeprefix("; ")
    rest = "; ".join(filter(None, (said, *enforced)))
    return {"kind": _kind(declared, others), "origins": origins, "rest": rest, "others": [*others]}


def _kind(declared: CORSPolicy | None, others: tuple[str, ...]) -> str:
    if declared is None:
        return "others" if others else "none"
    return "any" if declared.origin_set.any else "some"


def _link_findings(shown: Sequence[dict[str, Any]], whole: Report) -> None:
    numbers = {id(route): number for number, route in enumerate(whole.routes)}
    for finding, linked in zip(whole.findings, shown, strict=True):
        linked["route"] = numbers.get(id(finding.route))


def _origins_by_use(routes: Iterable[ReportedRoute]) -> list[str]:
    """The origins that policies, and layers of others, name in full, that of the most routes first."""
    uses: Counter[bytes] = Counter()
    for route in routes:
        if isinstance(route.policy, CORSPolicy):
            uses.update(route.policy.origin_set.exact)
        uses.update(set(_named_by_others(route)))
    return [origin.decode() for origin, _ in sorted(uses.items(), key=lambda item: (-item[1], item[0]))]


def _named_by_others(route: ReportedRoute) -> Iterator[bytes]:
    for layer in speaking_layers(route):
        if isinstance(layer, KnownLayer) and layer.cors is not None:
            named = layer.cors.allow_origins
            origins = [named.encode()] if isinstance(named, str) else map(str.encode, named)
            yield from filter(is_serialized_origin, origins)


def _column(routes: Iterable[ReportedRoute], origin: str) -> dict[str, Any]:
    """Short, as there may be thousands: the verdict, and whether credentials may be sent."""
    accesses = accesses_of(routes, origin)
    return {"origin": origin, "access": [[access.verdict, access.with_credentials] for access in accesses]}
