"""What allows other origins: policies of route_cors and CORSMiddleware, in one form."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from route_cors.insight.findings.facts import named
from route_cors.insight.findings.finding import finding_about
from route_cors.insight.foreign import KnownLayer, OurLayer
from route_cors.origin_set import OriginSet
from route_cors.origins import ANY_ORIGIN, is_serialized_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.foreign import CORSArguments
    from route_cors.insight.routes import Place
    from route_cors.policy import CORSPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Grantor:
    """A policy, or a CORSMiddleware.

    Attributes:
        who: its name in a sentence.
        argument: the argument that names its origins.
        origins: the origins that are written as strings.
        regexes: the regexes that origins are matched with.
        credentials: whether it allows credentials.
        admits: whether its regexes allow a given origin.
        rows: the routes that it applies to.
        place: where it is declared.
        policy: the policy, if it is one.
        cors: the arguments, if it is a CORSMiddleware.
    """

    who: str
    argument: str
    origins: tuple[str, ...]
    regexes: tuple[re.Pattern[str], ...]
    credentials: bool
    admits: Callable[[str], bool]
    rows: list[Row]
    place: Place | None
    policy: CORSPolicy | None = None
    cors: CORSArguments | None = None

    def about(self, code: str, sentence: str, fix: str, *, severity: Severity | None = None) -> Finding:
        """A finding about it, with the routes that it applies to."""
        first = self.rows[0].reported if self.rows else None
        told = f"{sentence} ({named(self.rows, at_most=3)})"
        found = finding_about(first, code, told, fix, severity=severity)
        return replace(found, place=self.place, routes=tuple(row.reported for row in self.rows))


def grantors(facts: Facts) -> Sequence[Grantor]:
    """All grantors of an app: first the policies, then the CORSMiddleware."""
    if facts.grantors is None:
        facts.grantors = (*_policies(facts), *_layers(facts))
    return facts.grantors


def layers_of_others(facts: Facts) -> Iterator[tuple[Grantor, CORSArguments]]:
    """Each CORSMiddleware that decides for routes: no layer of ours outside of it overrides it."""
    return ((grantor, grantor.cors) for grantor in grantors(facts) if grantor.cors is not None)


def _policies(facts: Facts) -> Iterator[Grantor]:
    for policy, rows in facts.policies:
        yield Grantor(
            who="the policy",
            argument="origins",
            origins=tuple(item for item in policy.origins if isinstance(item, str) and item != ANY_ORIGIN),
            regexes=policy.origin_set.regexes,
            credentials=policy.allow_credentials,
            admits=_by_regexes(policy),
            rows=rows,
            place=facts.place_of_policy(policy, rows),
            policy=policy,
        )


def _by_regexes(policy: CORSPolicy) -> Callable[[str], bool]:
    origins = policy.origin_set
    of_regexes = OriginSet.compile(origins.regexes, insecure_regexes=origins.insecure_regexes)

    def admits(origin: str) -> bool:
        sent = origin.encode("utf-8", "replace")
        return is_serialized_origin(sent) and of_regexes.matches(sent)

    return admits


def _layers(facts: Facts) -> Iterator[Grantor]:
    groups: dict[KnownLayer, list[Row]] = {}
    for row in facts.rows:
        if row.speaks and row.placed.kind != "websocket":
            for layer in heard(row):
                groups.setdefault(layer, []).append(row)
    for layer, rows in groups.items():
        yield _of_layer(facts, layer, cast("CORSArguments", layer.cors), rows)  # `heard` gives no others


def _of_layer(facts: Facts, layer: KnownLayer, cors: CORSArguments, rows: list[Row]) -> Grantor:
    regex = cors.allow_origin_regex
    is_listed = not cors.any_origin and not isinstance(cors.allow_origins, str)

    def admits(origin: str) -> bool:
        return is_serialized_origin(origin.encode("utf-8", "replace")) and layer.allows(origin)

    return Grantor(
        who=layer.name.rpartition(".")[2],
        argument="allow_origins",
        origins=tuple(cors.allow_origins) if is_listed else (),
        regexes=() if cors.any_origin or regex is None else (re.compile(regex),),
        credentials=cors.allow_credentials,
        admits=admits,
        # FastAPI's own documentation is not a useful example.
        rows=sorted(rows, key=lambda row: row.is_documentation),
        place=facts.source.of_layer(layer.name, cors),
        cors=cors,
    )


def heard(row: Row) -> Iterator[KnownLayer]:
    """Each CORSMiddleware in front of a route that no layer of route_cors overrides, from the outside in."""
    for layer in row.reported.layers:
        if isinstance(layer, OurLayer) and row.placed.policy is not None:
            return
        if isinstance(layer, KnownLayer) and layer.cors is not None:
            yield layer
