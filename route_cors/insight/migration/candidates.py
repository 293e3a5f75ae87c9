"""The origins that calls are made from: those that are named, similar ones, and others."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.samples import Sampler
from route_cors.insight.foreign import never_called
from route_cors.testing.urls import parse_page_origin

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from starlette.middleware.cors import CORSMiddleware

    from route_cors.insight.foreign import KnownLayer

STRANGER: Final = "https://stranger.example"
_MAX_ORIGINS: Final = 20
_MAX_OF_A_REGEX: Final = 4
_ORIGIN: Final = re.compile(r"(?P<scheme>https?)://(?P<host>[^:]+)(?P<port>:.*)?")


def candidates(layers: Iterable[KnownLayer]) -> list[str]:
    """Origins of pages whose access may change, as browsers send them, 20 at most.

    Args:
        layers: each a CORSMiddleware.
    """
    named = [origin for layer in layers for origin in _named(layer)]
    wanted = [
        *itertools.chain(named[: _MAX_ORIGINS // 2], (STRANGER, "null")),
        *(similar for origin in named for similar in _similar(origin)),
    ]
    return [*dict.fromkeys(filter(_is_origin, wanted))][:_MAX_ORIGINS]


def _named(layer: KnownLayer) -> Iterator[str]:
    made: CORSMiddleware = layer.around(never_called)  # type: ignore[assignment]
    listed = made.allow_origins
    texts = [listed] if isinstance(listed, str) else sorted(map(str, listed))
    for text in texts:
        yield from filter(None, re.split(r"[,\s]+", text))
        # The intended origin, if it is misspelled; and a part, if all parts are allowed.
        yield text.strip().rstrip("/").lower()
        if isinstance(listed, str):
            yield text[:-1]
    if made.allow_origin_regex is not None:
        sampler = Sampler(made.allow_origin_regex)
        matching = (each for each in sampler.samples() if made.allow_origin_regex.fullmatch(each))
        yield from itertools.islice(filter(_is_origin, matching), _MAX_OF_A_REGEX)


def _similar(origin: str) -> Iterator[str]:
    """The other scheme, a subdomain, and other sites whose names begin or end alike."""
    parts = _ORIGIN.fullmatch(origin)
    if parts is None:
        return
    scheme, host, port = parts["scheme"], parts["host"], parts["port"] or ""
    yield f"{'http' if scheme == 'https' else 'https'}://{host}{port}"
    yield f"{scheme}://sub.{host}{port}"
    yield f"{scheme}://not{host}{port}"
    yield f"{scheme}://{host}.stranger.example{port}"


def _is_origin(text: str) -> bool:
    try:
        parse_page_origin(text)
    except ValueError:
        return False
    return True
