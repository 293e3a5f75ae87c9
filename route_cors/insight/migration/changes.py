"""Who gains and who loses: each call before and after, by the simulated browser to the stand-in."""

from __future__ import annotations

import itertools
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, cast

from anyio.from_thread import start_blocking_portal

from route_cors.decorators import changes
from route_cors.dispatch.apps import DEFAULT
from route_cors.insight.attempt import attempt
from route_cors.insight.explanation import Call
from route_cors.insight.foreign import layer_of_middleware
from route_cors.insight.migration.found import is_cors, without_cors
from route_cors.insight.routes import survey_routes
from route_cors.insight.site import Site

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

    from route_cors.insight.routes import ReportedRoute, Surveyed
    from route_cors.policy import CORSPolicy

Asks: TypeAlias = Literal["nothing", "credentials", "headers"]
"""What a call needs besides the response: nothing, the user's cookies, or a token and a JSON body."""
Verdict: TypeAlias = Literal["gains", "loses", "not known"]

_ASKS: Final[tuple[Asks, ...]] = ("nothing", "credentials", "headers")
_TOKEN: Final = ("Authorization", "Bearer token")
_JSON: Final = ("Content-Type", "application/json")
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD"})
# For routes that do not tell their methods.
_USUAL_METHODS: Final = ("GET", "POST", "PUT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Calls that pages may make only before or only after: each origin, each method, and so on.

    Attributes:
        origins: of the pages.
        methods: of the calls.
        asks: what they need besides the answer.
        paths: of the routes, as declared.
        verdict: whether the pages gain or lose access.
    """

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    asks: tuple[Asks, ...]
    paths: tuple[str, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Compared:
    """All changes, the number of calls compared, and the paths for which no call could be made up."""

    changes: tuple[Change, ...]
    calls: int
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """An app whose CORSMiddleware is removed, and the default that replaces it, if any."""

    app: Any
    default: CORSPolicy | None


def compare(app: object, replaced: Sequence[Replaced], origins: Sequence[str]) -> Compared:
    """Make every call twice and report the differences.

    Meanwhile the middleware lists of the apps are changed and then restored. The app must not serve requests
    at that time.

    Args:
        app: a FastAPI or Starlette app, or a middleware around one.
        replaced: the changes to it, and to apps that are mounted in it.
        origins: of the pages that call.
    """
    before = survey_routes(app)
    with _as_replaced(replaced):
        groups = _alike(before, survey_routes(without_cors(app)))
    calls = [*_calls(groups, origins)]
    were = _outcomes(app, calls)
    with _as_replaced(replaced):
        are = _outcomes(without_cors(app), calls)
    told = [(asked.group, asked, was, now) for asked, was, now in zip(calls, were, are, strict=True)]
    differing = ((group, asked, was, now) for group, asked, was, now in told if was is not now)
    left_out = dict.fromkeys(
        each.reported.path for each in before if each.reported.example is None and _is_called(each)
    )
    return Compared(tuple(_gathered(differing)), len(calls), tuple(left_out))


@contextmanager
def _as_replaced(replaced: Iterable[Replaced]) -> Generator[None]:
    with ExitStack() as undo:
        undo.callback(changes.note)
        for each in replaced:
            app, added = each.app, each.app.user_middleware
            undo.callback(setattr, app, "user_middleware", added)
            app.user_middleware = [entry for entry in added if not is_cors(layer_of_middleware(entry))]
            if each.default is not None:
                undo.enter_context(_default_replaced(app, each.default))
        changes.note()
        yield


@contextmanager
def _default_replaced(app: object, default: CORSPolicy) -> Generator[None]:
    """Note another default of an app for a while; whether its layer enforces stays as it is."""
    before = getattr(app, DEFAULT, app)
    setattr(app, DEFAULT, default)
    try:
        yield
    finally:
        if before is app:  # there was none: see `is_installed`
            delattr(app, DEFAULT)
        else:
            setattr(app, DEFAULT, before)


class _Group(NamedTuple):
    """Equivalent routes: the same methods behind the same layers, with the same policy."""

    methods: tuple[str, ...]
    path: str
    host: str | None
    paths: tuple[str, ...]


class _Asked(NamedTuple):
    group: _Group
    asks: Asks
    call: Call


def _alike(before: Sequence[Surveyed], after: Sequence[Surveyed]) -> list[_Group]:
    groups: defaultdict[object, list[ReportedRoute]] = defaultdict(list)
    for was, now in zip(before, after, strict=True):
        if _is_called(was) and was.reported.example is not None:
            groups[_key(was.reported), _key(now.reported)].append(was.reported)
    return [
        _Group(
            routes[0].methods or _USUAL_METHODS,
            str(routes[0].example),
            routes[0].host,
            tuple(dict.fromkeys(each.path for each in routes)),
        )
        for routes in groups.values()
    ]


def _is_called(surveyed: Surveyed) -> bool:
    """Not for websockets, which neither CORSMiddleware nor a default covers; for a mount, use its routes."""
    return surveyed.reported.kind != "websocket" and not surveyed.placed.shows_routes


def _key(route: ReportedRoute) -> object:
    return (route.methods, route.host, route.policy, route.takes_effect, route.layers, route.preflight_layers)


def _calls(groups: Iterable[_Group], origins: Sequence[str]) -> Iterator[_Asked]:
    for group in groups:
        base: dict[str, Any] = {} if group.host is None else {"base_url": f"https://{group.host}"}
        for origin, method, asks in itertools.product(origins, group.methods, _ASKS):
            body = () if method in _WITHOUT_BODY else (_JSON,)
            call = Call(
                method=method,
                path=group.path,
                origin=origin,
                headers=(_TOKEN, *body) if asks == "headers" else (),
                credentials=asks == "credentials",
                **base,
            )
            yield _Asked(group, asks, call)


def _outcomes(app: object, calls: Iterable[_Asked]) -> list[bool | None]:
    """For each call, whether the page can read the response; None if that is not known."""
    site = Site(app)

    async def outcomes() -> list[bool | None]:
        made = [await attempt(site, asked.call) for asked in calls]
        return [each.blocked is None if each.is_known else None for each in made]

    with start_blocking_portal() as portal:
        return portal.call(outcomes)


def _gathered(
    differing: Iterable[tuple[_Group, _Asked, bool | None, bool | None]],
) -> list[Change]:
    """One change for all origins, methods and routes that have the same result."""
    cells: list[_Cell] = [
        (_verdict(was, now), (asked.asks,), (asked.call.method,), (asked.call.origin,), group.paths)
        for group, asked, was, now in differing
    ]
    for dimension in range(1, _DIMENSIONS):
        merged: defaultdict[object, list[_Cell]] = defaultdict(list)
        for cell in cells:
            merged[cell[:dimension], cell[dimension + 1 :]].append(cell)
        cells = [_merged(alike, dimension) for alike in merged.values()]
    return [
        Change(
            origins=origins,
            methods=methods,
            asks=cast("tuple[Asks, ...]", asks),
            paths=paths,
            verdict=verdict,
        )
        for verdict, asks, methods, origins, paths in cells
    ]


_Cell: TypeAlias = tuple[Verdict, tuple[str, ...], tuple[str, ...], tuple[str, ...], tuple[str, ...]]

_DIMENSIONS: Final = 5


def _merged(cells: Sequence[_Cell], dimension: int) -> _Cell:
    values = tuple(dict.fromkeys(itertools.chain.from_iterable(cell[dimension] for cell in cells)))
    return cast("_Cell", (*cells[0][:dimension], values, *cells[0][dimension + 1 :]))


def _verdict(was: bool | None, now: bool | None) -> Verdict:  # noqa: FBT001 - two of a kind
    if was is None or now is None:
        return "not known"
    return "gains" if now else "loses"
