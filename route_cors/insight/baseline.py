"""What a change opened or closed: an app's routes compared with those of an earlier report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, cast

from pydantic import BaseModel, ValidationError

from route_cors.insight.findings import BASELINE_CODES, Finding
from route_cors.insight.findings.facts import label
from route_cors.insight.grants import NOTHING, UNGUARDED, Grant, differences
from route_cors.insight.routes import ReportedRoute

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from route_cors.insight.grants import Difference
    from route_cors.insight.overview import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that other origins may do now and could not do before, or the reverse.

    Attributes:
        opened: True if more is allowed now, False if less.
        sentence: what has changed.
        route: the route it is about, as it is now or, if it was removed, as it was; only with the methods
            that the change applies to.
    """

    opened: bool
    sentence: str
    route: ReportedRoute

    def to_finding(self, others: Sequence[ReportedRoute] = ()) -> Finding:
        """The change as a finding; `others` are the other routes with the same change."""
        code = "RC101" if self.opened else "RC102"
        methods = "WEBSOCKET" if self.route.kind == "websocket" else ",".join(self.route.methods or ())
        return Finding(
            code=code,
            severity=BASELINE_CODES[code].severity,
            sentence=f"{methods} {self.route.path}: {self.sentence}{_likewise(others)}".lstrip(),
            fix="if that is intended, update the baseline: route-cors table --json > FILE",
            route=self.route,
            place=self.route.place,
            routes=(self.route, *others),
        )


def _likewise(routes: Sequence[ReportedRoute]) -> str:
    if not routes:
        return ""
    more = f" and {len(routes) - _MOST_SHOWN} more" if len(routes) > _MOST_SHOWN else ""
    return f"; the same holds for {', '.join(map(label, routes[:_MOST_SHOWN]))}{more}"


_MOST_SHOWN: Final = 3


def changes_as_findings(changes: Iterable[Change]) -> list[Finding]:
    """One finding per kind of change: an origin that was added may affect fifty routes."""
    groups: dict[tuple[bool, str], list[Change]] = {}
    for change in changes:
        groups.setdefault((change.opened, change.sentence), []).append(change)
    return [group[0].to_finding([other.route for other in group[1:]]) for group in groups.values()]


def compare(before: object, after: Report) -> tuple[Change, ...]:
    """What other origins may do now and could not do before, and the reverse; route by route.

    Routes are identified by kind, host, path and method. A route that allows no other origin is not a change,
    whether it is new or removed. A route whose policy no layer applies counts as one without a policy.

    Args:
        before: the data from an earlier `Report.to_dict()`.
        after: the report of the app as it is now.

    Raises:
        ValueError: `before` is not such data; the message says where.
    """
    was, now = _before(before), _now(after)
    told: dict[tuple[_Place, Difference], list[_Key]] = {}
    for key in [*now, *(key for key in was if key not in now)]:
        for difference in differences(*(_grant_of(side.get(key), key.method) for side in (was, now))):
            told.setdefault((key.place, difference), []).append(key)
    return tuple(
        Change(opened=opened, sentence=sentence, route=_route_of(keys, now if keys[0] in now else was))
        for (_, (opened, sentence)), keys in told.items()
    )


class _Place(NamedTuple):
    kind: str
    host: str | None
    path: str


class _Key(NamedTuple):
    place: _Place
    method: str | None


class _Row(NamedTuple):
    """A route as it is shown, and the data that is compared."""

    route: ReportedRoute
    described: _Route


class _Policy(BaseModel):
    origins: frozenset[str]
    methods: frozenset[str] | None
    allow_headers: frozenset[str]
    expose_headers: frozenset[str]
    allow_credentials: bool
    enforce: bool | None


class _Route(BaseModel):
    kind: Literal["http", "websocket", "mount"]
    path: str
    methods: list[str] | None
    host: str | None
    endpoint: str
    policy: _Policy | None
    takes_effect: bool
    # Earlier versions had no other enforcement than that of a policy.
    is_enforced: bool | None = None


class _Report(BaseModel):
    version: Literal[1]
    routes: list[_Route]


def _read(data: object) -> list[_Route]:
    if not isinstance(data, dict):
        raise ValueError(f"a report is an object, not of type {type(data).__name__}")  # noqa: TRY004 - the data is wrong, not the call
    try:
        return _Report(**cast("dict[str, Any]", data)).routes
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def _before(data: object) -> dict[_Key, _Row]:
    return _by_key(
        _Row(
            ReportedRoute(
                kind=route.kind,
                # As an earlier version wrote a mount at the root.
                path="/" if route.kind == "mount" and not route.path else route.path,
                methods=None if route.methods is None else tuple(route.methods),
                host=route.host,
                endpoint=route.endpoint,
                place=None,
                policy=None,
                source=None,
                takes_effect=route.takes_effect,
                example=None,
            ),
            route,
        )
        for route in _read(data)
    )


def _now(report: Report) -> dict[_Key, _Row]:
    return _by_key(map(_Row, report.routes, _read(report.to_dict())))


def _by_key(rows: Iterable[_Row]) -> dict[_Key, _Row]:
    """The first route wins, as it does for the router."""
    found: dict[_Key, _Row] = {}
    for row in rows:
        place = _Place(row.route.kind, row.route.host, row.route.path)
        for method in row.route.methods or (None,):
            found.setdefault(_Key(place, method), row)
    return found


def _grant_of(row: _Row | None, method: str | None) -> Grant | None:
    if row is None:
        return None
    policy = row.described.policy if row.described.takes_effect else None
    if row.route.kind == "websocket":
        # A handshake carries the cookies, and only the origins of a policy matter.
        return UNGUARDED if policy is None else Grant(origins=policy.origins, credentials=True)
    enforce = _is_enforced(row.described)
    if policy is None:
        return replace(NOTHING, enforce=enforce)
    return Grant(
        origins=policy.origins,
        credentials=policy.allow_credentials,
        methods=_methods_of(policy, method),
        headers=policy.allow_headers,
        exposed=policy.expose_headers,
        enforce=enforce,
    )


def _is_enforced(route: _Route) -> bool:
    if route.is_enforced is not None:
        return route.is_enforced
    return route.takes_effect and route.policy is not None and bool(route.policy.enforce)


def _methods_of(policy: _Policy, method: str | None) -> frozenset[str] | None:
    """The methods that a preflight grants; `method` is None if the route does not know its methods."""
    if method is None:
        return policy.methods
    return frozenset({method}) if policy.methods is None else policy.methods & {method}


def _route_of(keys: Sequence[_Key], rows: Mapping[_Key, _Row]) -> ReportedRoute:
    route = rows[keys[0]].route
    methods = tuple(sorted(key.method for key in keys if key.method is not None))
    return replace(route, methods=methods or route.methods)
