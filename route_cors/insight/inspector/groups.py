"""Routes in groups: by the mounts of an app, and by the tags and prefixes of its routers."""

from __future__ import annotations

import re
from collections import Counter
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, cast

from route_cors.insight.examples import example_host

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from route_cors.insight.survey import Placed

Kind: TypeAlias = Literal["mount", "tag", "prefix", "other", "documentation"]


class Group(NamedTuple):
    """Some of an app's routes.

    Attributes:
        kind: what they share: the `mount` they are in, their first `tag`, or the `prefix` of their paths;
            `other` for those that share nothing, `documentation` for FastAPI's own schema and pages.
        name: the mount's path, the tag or the prefix; a mount that has groups of its own comes first in
            the names of those.
        routes: their numbers in the report.
    """

    kind: Kind
    name: str
    routes: list[int]


# A mount with more routes than that is divided, as an app is.
_MOST_IN_A_MOUNT: Final = 20
# A first segment that all of an API has in common says nothing about a route.
_COMMON: Final = re.compile(r"api|rest|v[0-9][0-9A-Za-z._-]*", re.IGNORECASE)
_FASTAPIS_OWN: Final = "fastapi.applications"


def groups_of(placed: Sequence[Placed]) -> list[Group]:
    """Every route in one group. Groups are in the order of their first routes, the documentation comes last.

    Args:
        placed: an app's routes and mounts, as `survey` gives them.
    """
    keys = _without_singles([*_keys(placed)])
    groups: dict[_Key, Group] = {}
    for number, key in enumerate(keys):
        groups.setdefault(key, Group(key.kind, key.name, [])).routes.append(number)
    ordered = sorted(groups.values(), key=lambda group: _LAST.get(group.kind, 0))
    if all(group.kind in _LAST for group in ordered):
        return [group._replace(name=_ALONE) if group.kind == "other" else group for group in ordered]
    return ordered


_ALONE: Final = "Routes"
_LAST: Final[Mapping[Kind, int]] = {"other": 1, "documentation": 2}


class _Key(NamedTuple):
    """What the routes of a group have in common; `home` is the mount they are in, None for the app itself."""

    kind: Kind
    home: str | None
    name: str


_DOCUMENTATION: Final = _Key("documentation", None, "API documentation")
_OTHER: Final = _Key("other", None, "Other routes")


def _keys(placed: Sequence[Placed]) -> Iterator[_Key]:
    homes = [*_homes(placed)]
    sizes = Counter(homes)
    tags = _tags_by_prefix(placed, homes)
    for each, home in zip(placed, homes, strict=True):
        # An app that is mounted is a FastAPI as well.
        if each.kind != "mount" and getattr(each.endpoint, "__module__", None) == _FASTAPIS_OWN:
            yield _DOCUMENTATION
        elif home is not None and (each.shows_routes or sizes[home] <= _MOST_IN_A_MOUNT):
            yield _Key("mount", home, home)
        else:
            yield _key_of(each, home, tags)


def _key_of(placed: Placed, home: str | None, tags: Mapping[tuple[str | None, str], set[str]]) -> _Key:
    prefix = _prefix_of(placed, home)
    host = _host_of(placed)
    among = tags.get((home, prefix), set())
    # A websocket has no tags: it goes where the routes beside it are, if that is one place.
    tag = _tag_of(placed) or (next(iter(among)) if len(among) == 1 else None)
    if tag is None:
        return _Key("prefix", home, f"{host}{prefix}")
    return _Key("tag", home, tag if home is None else f"{home}: {tag}")


def _without_singles(keys: Sequence[_Key]) -> list[_Key]:
    """A prefix of a single route is not a group: the route joins the rest of its mount, or of the app."""
    sizes = Counter(keys)
    return [_rest_of(key) if key.kind == "prefix" and sizes[key] == 1 else key for key in keys]


def _rest_of(key: _Key) -> _Key:
    return _OTHER if key.home is None else _Key("mount", key.home, key.home)


def _homes(placed: Iterable[Placed]) -> Iterator[str | None]:
    """The innermost mount that each is in, by its name on the page; a mount is in itself."""
    around: list[str] = []
    for each in placed:
        del around[each.depth :]
        if each.shows_routes:
            around.append(f"{_host_of(each)}{each.path}" or "/")
        yield around[-1] if around else None


def _host_of(placed: Placed) -> str:
    host = example_host(placed)
    return "" if host is None else f"//{host}"


def _prefix_of(placed: Placed, home: str | None) -> str:
    """The first segment of a path that tells routers apart, and what comes before it."""
    path = "" if home is None else home.removeprefix(_host_of(placed))
    segments = placed.path.strip("/").split("/")
    end = path.rstrip("/").count("/")
    while end < len(segments) - 1 and _COMMON.fullmatch(segments[end]):
        end += 1
    if end < len(segments) and "{" not in segments[end]:
        end += 1
    return "/" + "/".join(segments[:end])


def _tag_of(placed: Placed) -> str | None:
    tags: Any = getattr(placed.view, "tags", None)
    if not isinstance(tags, list) or not tags:
        return None
    first = cast("list[object]", tags)[0]
    return str(first.value if isinstance(first, Enum) else first)


def _tags_by_prefix(
    placed: Iterable[Placed], homes: Iterable[str | None]
) -> dict[tuple[str | None, str], set[str]]:
    tags: dict[tuple[str | None, str], set[str]] = {}
    for each, home in zip(placed, homes, strict=True):
        tag = _tag_of(each)
        if tag is not None:
            tags.setdefault((home, _prefix_of(each, home)), set()).add(tag)
    return tags
