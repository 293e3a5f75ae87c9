"""Where the engines and the standard differ: what one difference is, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from browser.engines import Name

if TYPE_CHECKING:
    from .cases import Case, Observed

LONGEST: Final = 80
ByEngine: TypeAlias = Mapping[Name, str]


@dataclass(frozen=True)
class Difference:
    """One difference, and the shortest case that shows it.

    `standard` and `does` are what `told` makes of the two sides; an engine that is not named does what the
    standard says. `shows` names the headers that matter. `also` is, for each engine, a regular expression of
    the names of those cases written by hand that come out differently for this reason; none is needed where
    the model plays the engine (quirks.py).
    """

    name: str
    standard_says: str
    case: Case
    standard: str
    does: ByEngine
    shows: tuple[str, ...] = ()
    also: ByEngine = field(default_factory=dict)
    is_played: bool = False


def told(observed: Observed, shows: tuple[str, ...] = ()) -> str:
    """The requests, and what became of the fetches, in one line."""
    parts: list[str] = []
    for sent in observed.sent:
        method = "preflight" if sent.is_preflight else sent.method
        headers = dict(sent.headers)
        from_null = " from null" if headers.get("origin") == "null" else ""
        with_cookies = f" with {shorten(headers['cookie'])}" if "cookie" in headers else ""
        parts.append(f"{method} {sent.to}{from_null}{with_cookies}{_shown(headers, shows)}")
    parts.append("->")
    for each in observed.outcomes:
        outcome = " ".join(filter(None, (each.type, str(each.status or ""))))
        text = f" {each.text!r}" if "text" in shows and each.text else ""
        parts.append(f"{outcome}{text}{_shown(dict(each.headers), shows)}")
    return ", ".join(parts).replace(", ->,", " ->")


def shorten(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:20]}... of {len(text)}"


def _shown(headers: Mapping[str, str], names: tuple[str, ...]) -> str:
    return "".join(f" [{name}: {headers[name]}]" for name in names if name in headers)
