"""What a route grants to other origins, read from a described policy, and how two grants differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from route_cors.errors import CORSConfigError
from route_cors.origin_set import OriginSet
from route_cors.origins import ANY_ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What pages of other origins may do on a route, with one of its methods.

    Attributes:
        origins: as `describe_policy` writes them; empty if no origin is allowed.
        credentials: whether cookies may be sent.
        methods: those that a preflight grants; None: any.
        headers: request-header names.
        exposed: response-header names.
        enforce: whether calls of other origins are refused before the endpoint runs.
    """

    origins: frozenset[str] = frozenset()
    credentials: bool = False
    methods: frozenset[str] | None = frozenset()
    headers: frozenset[str] = frozenset()
    exposed: frozenset[str] = frozenset()
    enforce: bool = False

    def __str__(self) -> str:
        return f"{_origins(self.origins)}{' with credentials' if self.credentials else ''}"


NOTHING: Final = Grant()
"""No policy, or `no_cors`: browsers hide the response from every page of another origin."""

UNGUARDED: Final = Grant(origins=frozenset({ANY_ORIGIN}), credentials=True)
"""A websocket without a policy: browsers let every page open it, and send cookies."""


class Difference(NamedTuple):
    """One thing that another grant allows or forbids."""

    opened: bool
    sentence: str


def differences(before: Grant | None, after: Grant | None) -> Iterator[Difference]:
    """How one grant differs from the other, in sentences; None if there is no such route."""
    if before is None or after is None:
        yield from _new_or_gone(before, after)
        return
    yield from _enforcement(before, after)
    if before.origins and after.origins:
        yield from _changed(before, after)
    elif after.origins:
        yield Difference(opened=True, sentence=f"opened to {after}")
    elif before.origins:
        yield Difference(opened=False, sentence=f"no longer open to {before}")


def _new_or_gone(before: Grant | None, after: Grant | None) -> Iterator[Difference]:
    if after is not None and after.origins:
        yield Difference(opened=True, sentence=f"a new route, open to {after}")
    if before is not None and before.origins:
        yield Difference(opened=False, sentence=f"the route is gone; it was open to {before}")


def _enforcement(before: Grant, after: Grant) -> Iterator[Difference]:
    if before.enforce and not after.enforce:
        yield Difference(opened=True, sentence="calls of origins that are not allowed reach the endpoint now")
    if after.enforce and not before.enforce:
        yield Difference(opened=False, sentence="calls of origins that are not allowed are refused now")


def _changed(before: Grant, after: Grant) -> Iterator[Difference]:
    opened, closed = _uncovered(after.origins, before.origins), _uncovered(before.origins, after.origins)
    yield from _told(_origins(opened), "opened to {}", _origins(closed), "no longer open to {}")
    yield from _flag("credentials", before=before.credentials, after=after.credentials)
    yield from _methods(before.methods, after.methods)
    yield from _names(
        "request header", _unlisted(after.headers, before.headers), _unlisted(before.headers, after.headers)
    )
    yield from _told(
        _joined(_unlisted(after.exposed, before.exposed)),
        "pages may read response header {} now",
        _joined(_unlisted(before.exposed, after.exposed)),
        "pages may no longer read response header {}",
    )


def _methods(before: frozenset[str] | None, after: frozenset[str] | None) -> Iterator[Difference]:
    if before is not None and after is not None:
        yield from _names("method", after - before, before - after)
    elif before is not None:
        sentence = f"any method is allowed now, not only {_joined(before) or 'none'}"
        yield Difference(opened=True, sentence=sentence)
    elif after is not None:
        yield Difference(opened=False, sentence=f"only methods {_joined(after) or 'none'} are allowed now")


def _flag(what: str, *, before: bool, after: bool) -> Iterator[Difference]:
    if after and not before:
        yield Difference(opened=True, sentence=f"{what} are allowed now")
    if before and not after:
        yield Difference(opened=False, sentence=f"{what} are no longer allowed")


def _names(what: str, added: Iterable[str], removed: Iterable[str]) -> Iterator[Difference]:
    yield from _told(
        _joined(added), what + " {} is allowed now", _joined(removed), what + " {} is no longer allowed"
    )


def _told(opened: str, opened_sentence: str, closed: str, closed_sentence: str) -> Iterator[Difference]:
    if opened:
        yield Difference(opened=True, sentence=opened_sentence.format(opened))
    if closed:
        yield Difference(opened=False, sentence=closed_sentence.format(closed))


def _joined(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))


def _origins(origins: Iterable[str]) -> str:
    return _joined("every origin" if origin == ANY_ORIGIN else origin for origin in origins)


def _uncovered(origins: frozenset[str], others: frozenset[str]) -> set[str]:
    """Those that the others do not allow already, by their own text or by a pattern."""
    missing = origins - others
    if not missing:
        return set()
    patterns = OriginSet.compile(_patterns(others))
    return {origin for origin in missing if not patterns.matches(origin.encode("utf-8", "replace"))}


def _patterns(origins: Iterable[str]) -> Iterator[str]:
    """What in a file is an origin pattern; a regex there is text, and a callable a name."""
    for origin in origins:
        try:
            OriginSet.compile([origin])
        except CORSConfigError:
            continue
        yield origin


def _unlisted(names: frozenset[str], others: frozenset[str]) -> set[str]:
    """Those that the others do not name. `*` stands for every name but this one, which has to be listed."""
    if "*" in others:
        return {name for name in names if name.lower() == "authorization"} - others
    known = {name.lower() for name in others}
    return {name for name in names if name.lower() not in known}
