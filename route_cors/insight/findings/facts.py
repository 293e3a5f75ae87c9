"""What the rules need to know about an app: its routes, which requests reach them, and their names."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

from starlette.convertors import CONVERTOR_TYPES
from starlette.routing import PARAM_REGEX

from route_cors.decorators import NoCORS
from route_cors.dispatch.apps import wrappers_of
from route_cors.dispatch.resolver import Resolver
from route_cors.insight.findings.needs import Needs, needs_of
from route_cors.insight.printable import printable
from route_cors.insight.source import Source, is_of_a_library
from route_cors.insight.survey import surrounded
from route_cors.middleware import is_dry_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from starlette.types import Scope

    from route_cors.insight.findings.grantors import Grantor
    from route_cors.insight.routes import Place, ReportedRoute, Surveyed
    from route_cors.insight.survey import Placed
    from route_cors.policy import CORSPolicy

_REMOVE_DRY_RUN: Final = "install_cors(dry_run=True) only watches; remove dry_run to apply the policies"


class Row:
    """A route of the app.

    Attributes:
        order: its position among them.
        mount: the innermost mount that leads to it, or None.
        policy: the one that applies; None for `no_cors`, which opens nothing.
    """

    def __init__(self, order: int, mount: Row | None, surveyed: Surveyed) -> None:
        self.order = order
        self.mount = mount
        self.reported: ReportedRoute = surveyed.reported
        self.placed: Placed = surveyed.placed
        declared = self.placed.policy
        self.policy = None if isinstance(declared, NoCORS) else declared

    @functools.cached_property
    def needs(self) -> Needs:
        """What it takes from the request."""
        return needs_of(self.placed.view)

    @functools.cached_property
    def inside(self) -> tuple[object, ...]:
        """The mounts that lead into it, if it is a mount that shows its routes; else those leading to it."""
        led_by = () if self.mount is None else self.mount.inside
        return led_by if self.speaks else (*led_by, self.placed.route)

    @property
    def speaks(self) -> bool:
        """Whether it serves requests itself; a mount that shows its routes does not: its routes do."""
        return not self.placed.shows_routes

    @property
    def is_documentation(self) -> bool:
        """Whether it is FastAPI's documentation: the schema and its pages are the same for everybody."""
        return self.reported.is_documentation

    def __str__(self) -> str:
        return label(self.reported)


class Facts:
    """An app and its routes, as the rules see them.

    Attributes:
        app: as it was given; it may be a middleware around the app.
        base_url: where the app is served, if known.
        around: the app itself, and the layers around it.
        rows: its routes and mounts.
        grantors: the policies and layers that allow other origins; filled at first use.
        source: the user's modules.
        policies: each policy, and the routes that it applies to (which may be none), so that a problem of a
            policy is reported once.
    """

    def __init__(self, app: object, routes: Sequence[Surveyed], base_url: str | None = None) -> None:
        self.app = app
        self.base_url = base_url
        self.grantors: Sequence[Grantor] | None = None
        self.around = surrounded(app)
        self.rows = [*_rows(routes)]
        self.policies = [*self._by_policy()]
        self.source = Source(app, {str(getattr(row.placed.endpoint, "__module__", "")) for row in self.rows})
        self._resolver = Resolver(self.around.app)
        self._by_target: dict[object, Row] = {}
        for row in self.rows:
            key = _key(row.inside, row.placed.route if row.speaks else None, row.placed.path)
            # If a router is included twice in the same place, the first one serves.
            self._by_target.setdefault(key, row)

    def layer_fix(self, fix: str) -> str:
        """The fix for a missing layer, or what to do instead if a dry run is all that the app has."""
        return _REMOVE_DRY_RUN if any(map(is_dry_run, self.apps_of(self.rows))) else fix

    def _by_policy(self) -> Iterator[tuple[CORSPolicy, list[Row]]]:
        groups: dict[CORSPolicy, list[Row]] = {}
        for row in self.rows:
            if row.policy is not None:
                groups.setdefault(row.policy, []).append(row)
        if not isinstance(self.around.default, NoCORS | None):
            groups.setdefault(self.around.default, [])
        for policy, rows in groups.items():
            # Point at a mount, or at FastAPI's own documentation, only if there is no other route.
            yield policy, sorted(rows, key=lambda row: (not row.speaks, row.is_documentation))

    def apps_of(self, rows: Iterable[Row]) -> list[object]:
        """The app, and the mounted apps that lead to these routes."""
        apps: dict[int, object] = {id(self.around.app): self.around.app}
        for row in rows:
            mount = row.mount
            while mount is not None:
                app = app_of_mount(mount)
                apps.setdefault(id(app), app)
                mount = mount.mount
        return [*apps.values()]

    def place_of(self, row: Row) -> Place | None:
        """Where the user wrote a route: its endpoint, or else what it gets its policy from."""
        place = row.reported.place
        if place is None or is_of_a_library(place.file):
            return self.place_of_declaration(row)
        return place

    def place_of_policy(self, policy: CORSPolicy, rows: Sequence[Row]) -> Place | None:
        """Where the user declared a policy: at the first route that it applies to, or as a default."""
        if not rows:
            return self.source.of_layer_of_ours(self.around.app)
        row = next((row for row in rows if row.policy == policy and row.speaks), rows[0])
        return self.place_of_declaration(row) or self.place_of(row)

    def place_of_declaration(self, row: Row) -> Place | None:
        """Where the user wrote the router, mount or default that a route gets its policy from."""
        match row.placed.source:
            case "router":
                return self.source.of_router(row.placed.policy)
            case "app":
                return self.source.of_layer_of_ours(self.around.app)
            case "mounted app":
                return self.source.of_layer_of_ours(_innermost_app(row))
            case "mount":
                return self.source.of_mount(row.placed.path if row.mount is None else row.mount.placed.path)
            case _:
                return None

    def reached(self, path: str, method: str, row: Row) -> Row | None:
        """The route that such a request goes to, at that row's host; None if no route is known for it.

        It is a mount if no route of the mount takes the request.
        """
        host = "qzkv.example" if row.reported.host is None else row.reported.host
        target = self._resolver.resolve(_scope(row.placed.kind, path, method, host), method)
        if target.redirects_to is not None:
            return None
        found = self._by_target.get(_key(target.through, target.route, target.path))
        # That an example for one host leads to a route of that host says nothing about a route for any host.
        return found if found is None or found.reported.host in {None, row.reported.host} else None


def _innermost_app(row: Row) -> object:
    return None if row.mount is None else app_of_mount(row.mount)


def app_of_mount(row: Row) -> object:
    """The mounted app, without the middleware around it."""
    return [*wrappers_of(row.placed.endpoint)][-1]


def _key(through: Iterable[object], route: object, path: str) -> object:
    """An identity for where requests go: routes compare by path and name, and are not hashable."""
    return (*map(id, through), id(route), path)


def _rows(routes: Sequence[Surveyed]) -> Iterator[Row]:
    mounts: list[Row] = []
    for order, surveyed in enumerate(routes):
        del mounts[surveyed.placed.depth :]
        row = Row(order, mounts[-1] if mounts else None, surveyed)
        if surveyed.placed.shows_routes:
            mounts.append(row)
        yield row


def _scope(kind: str, path: str, method: str, host: str) -> Scope:
    common: dict[str, Any] = {
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "path": path,
        "raw_path": path.encode("utf-8", "replace"),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", host.encode("latin-1", "replace"))],
        "server": (host, 443),
        "client": ("192.0.2.1", 49152),
    }
    if kind == "websocket":
        return {**common, "type": "websocket", "scheme": "wss", "subprotocols": []}
    return {**common, "type": "http", "scheme": "https", "method": method}


# Values of many kinds: a route counts as hidden only if each of them leads to another route.
_VALUES: Final = (
    *("qzkv", "Qz-K_v.7~", "7", "70", "7.5", "2026-11-22"),
    *("01234567-89ab-4def-8123-456789abcdef", "qzkv/qzkv", "qzkv/7/qzkv", ""),
)


def example_paths(row: Row) -> list[str]:
    """Paths that the route matches, as different as possible; none if none can be made up."""
    template = row.placed.path + ("/{rest:path}" if row.placed.kind == "mount" else "")
    parameters = [*PARAM_REGEX.finditer(template)]
    values = [_values_of(parameter[2]) for parameter in parameters]
    if not all(values):
        return []
    paths: dict[str, None] = {}
    for position in range(max(map(len, values), default=1)):
        path, end = "", 0
        for parameter, fitting in zip(parameters, values, strict=True):
            path += template[end : parameter.start()] + fitting[position % len(fitting)]
            end = parameter.end()
        paths[path + template[end:]] = None
    return [*paths]


def _values_of(convertor_name: str | None) -> list[str]:
    convertor = CONVERTOR_TYPES.get((convertor_name or ":str").removeprefix(":"))
    return [value for value in _VALUES if convertor is not None and re.fullmatch(convertor.regex, value)]


def label(route: ReportedRoute) -> str:
    """The name of a route for people: `GET,PUT /items`, `WEBSOCKET /live`, `MOUNT /static`."""
    if route.kind != "http":
        what = route.kind.upper()
    else:
        what = "ANY" if route.methods is None else ",".join(route.methods)
    return printable(f"{what} {route.host or ''}{route.path}", _MAX_LABEL)


# A route may have a path of any length.
_MAX_LABEL: Final = 200


def place_of(route: ReportedRoute) -> str:
    """Its name, and where it is declared."""
    return label(route) if route.place is None else f"{label(route)} ({printable(str(route.place))})"


def named(rows: Sequence[Row], at_most: int = 5) -> str:
    """The routes' names, at most so many; for no routes, what a default applies to otherwise."""
    if not rows:
        return "the default, for paths without a route"
    more = len(rows) - at_most
    return ", ".join(map(str, rows[:at_most])) + (f" and {more} more" if more > 0 else "")
