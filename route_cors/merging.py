"""Merging the headers that were decided into those of an app's response.

The decided headers replace the app's own CORS headers, and its `Vary` gets one more name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.protocol import ALLOW_ORIGIN, EXPOSE_HEADERS, VARY_ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from route_cors.protocol import Header, Headers, RawHeaders


def merge_headers(present: Iterable[Header], decided: Headers) -> RawHeaders:
    """The headers of an actual response, as a new list: the decided headers replace those that are present.

    `Vary` is merged: each name once, on one line. The names that a handler set are always kept. So are the
    names that it exposes, for those who may read, unless it brings other CORS headers too: then another CORS
    layer wrote them (CORSMiddleware exposes its names to those whom it does not allow as well).
    """
    headers = [*present]
    for name, _ in headers:
        if name not in _KEPT and name[:1] in _INITIALS:
            return _merged(headers, decided)
    headers += decided
    return headers


# The first letters of the headers that have to be replaced or merged, in either case.
_INITIALS = frozenset({b"a", b"A", b"v", b"V"})
# Headers of nearly all responses that never have to be: this saves a look-up.
_KEPT = frozenset({b"content-type", b"content-length"})


def _merged(headers: RawHeaders, decided: Headers) -> RawHeaders:
    merged: RawHeaders = []
    varying: list[bytes] = []
    theirs: dict[bytes, bytes] = {}  # the CORS headers that are present
    for header in headers:
        name = header[0].lower()
        if name == b"vary":
            varying.append(header[1])
        elif name.startswith(b"access-control-"):
            theirs[name] = theirs.get(name, b"") + b"," + header[1]
        else:
            merged.append(header)
    if theirs.keys() == {EXPOSE_HEADERS}:
        decided = _exposing(decided, theirs[EXPOSE_HEADERS])
    if VARY_ORIGIN in decided and varying:
        merged += [header for header in decided if header != VARY_ORIGIN]
        merged.append(_vary_by_origin(varying))
        return merged
    return [*merged, *decided, *((b"vary", value) for value in varying)]


def _exposing(decided: Headers, names: bytes) -> Headers:
    """With more names exposed, if they allow anybody to read."""
    ours = dict(decided)
    if ALLOW_ORIGIN not in ours:
        return decided
    both = (ours.get(EXPOSE_HEADERS, b"") + b"," + names).split(b",")
    return (*(ours | {EXPOSE_HEADERS: _each_once(map(bytes.strip, both))}).items(),)


def _vary_by_origin(varying: list[bytes]) -> Header:
    names = [name.strip() for name in b",".join(varying).split(b",")]
    if b"*" not in names:
        names.append(b"Origin")
    return (b"vary", _each_once(names))


def _each_once(names: Iterable[bytes]) -> bytes:
    once: dict[bytes, bytes] = {}
    for name in filter(None, names):
        once.setdefault(name.lower(), name)
    return b", ".join(once.values())
