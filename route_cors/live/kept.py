"""The file that a `LiveOrigins` keeps its last good set in, for the next start."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from route_cors.live.members import MAX_MEMBERS
from route_cors.origins import MAX_ORIGIN_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

_FORMAT: Final = "route_cors live origins 1"
_MAX_BYTES: Final = MAX_MEMBERS * (MAX_ORIGIN_BYTES + len('"",'))


def read_kept(path: Path) -> list[Any]:
    """The origins in the file; they are validated as loaded ones are.

    The checksum finds accidents and manual edits. Anyone who can write to the file can allow origins: protect
    it like the app's code. Raises `OSError`, or `ValueError` for a file that was not written here.
    """
    with path.open("rb") as file:
        text = file.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise ValueError(f"the kept file has more than {_MAX_BYTES:,} bytes: delete it")
    try:
        kept = json.loads(text)
        origins: list[Any] = kept["origins"]
        is_whole = kept["format"] == _FORMAT and kept["sha256"] == _checksum(origins)
    except (KeyError, TypeError, RecursionError, ValueError) as error:
        raise ValueError("the kept file was not written by LiveOrigins, or is damaged: delete it") from error
    if not is_whole:
        raise ValueError("the kept file was changed after LiveOrigins wrote it: delete it")
    return origins


def write_kept(path: Path, origins: Iterable[str]) -> None:
    """Replace the file atomically: a reader finds the old one or the new one. Raises `OSError`."""
    listed = sorted(origins)
    text = json.dumps({"format": _FORMAT, "sha256": _checksum(listed), "origins": listed}, indent=0)
    # Its own name for each process: several workers may keep to the same file.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _checksum(origins: object) -> str:
    return hashlib.sha256(json.dumps(origins).encode()).hexdigest()
