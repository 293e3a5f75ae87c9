"""`OriginSet`: the origins of a policy, compiled, to say whether an Origin header is among them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from route_cors.origins import ANY_ORIGIN, DeclaredOrigin, LiveItem, is_loopback, parse_origin, split_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from route_cors.origins import OriginCallable, OriginItem


@dataclass(frozen=True, slots=True)
class OriginSet:
    """Compiled origins: looking up an Origin header takes the same time among thousands as in one.

    Made by `compile`. `matches` does not call callables: they need the connection and may be async.

    Args:
        any: whether it is the set of all origins.
        exact: origins that match byte for byte.
        patterns: (scheme, host, port) of the patterns; a host that starts with a dot is a suffix, and the
            port b"*" is any port or none.
        regexes: matched with `fullmatch`.
        callables: to be called by the caller if `matches` is False and `is_serialized_origin` is True.
        live: say whether an origin is a member of a set that changes while the app runs.
        insecure_regexes: whether a regex may match http origins other than those of this machine.
    """

    any: bool = False
    exact: frozenset[bytes] = frozenset()
    patterns: frozenset[tuple[bytes, bytes, bytes]] = frozenset()
    regexes: tuple[re.Pattern[str], ...] = ()
    callables: tuple[OriginCallable, ...] = ()
    live: tuple[Callable[[bytes], bool], ...] = ()
    insecure_regexes: bool = True

    @classmethod
    def compile(
        cls,
        items: Iterable[OriginItem | DeclaredOrigin],
        *,
        insecure_regexes: bool = True,
        public_suffixes: bool = True,
    ) -> OriginSet:
        """Compile declared origins.

        Args:
            items: as `CORSPolicy` accepts them, or read already.
            insecure_regexes: if False, regexes and live items never match http origins of other machines.
            public_suffixes: if False, live items never match by a wildcard above a public suffix.

        Raises:
            CORSConfigError: if one of the strings is neither `"*"` nor an origin nor an origin pattern.

        >>> origins = OriginSet.compile(["https://a.example", "https://*.b.example"])
        >>> origins.matches(b"https://x.y.b.example"), origins.matches(b"https://b.example")
        (True, False)
        """
        declared: list[DeclaredOrigin] = []
        regexes: list[re.Pattern[str]] = []
        callables: list[OriginCallable] = []
        live: list[Callable[[bytes], bool]] = []
        is_any = False
        for item in items:
            if isinstance(item, str) and item == ANY_ORIGIN:
                is_any = True
            elif isinstance(item, str):
                declared.append(parse_origin(item))
            elif isinstance(item, re.Pattern):
                regexes.append(item)
            elif isinstance(item, DeclaredOrigin):
                declared.append(item)
            elif isinstance(item, LiveItem):
                live.append(item.under(insecure=insecure_regexes, public_suffixes=public_suffixes))
            else:
                callables.append(item)
        return cls(
            any=is_any,
            exact=frozenset(str(origin).encode() for origin in declared if not origin.is_pattern),
            patterns=frozenset(_pattern_key(origin) for origin in declared if origin.is_pattern),
            regexes=tuple(regexes),
            callables=tuple(callables),
            live=tuple(live),
            insecure_regexes=insecure_regexes,
        )

    def matches(self, origin: bytes) -> bool:
        """Whether `origin`, an Origin header's value, is in the set, callables aside.

        The byte-for-byte comparison of https://fetch.spec.whatwg.org/#concept-cors-check, step 4; never
        raises, whatever the bytes.
        """
        if self.any or origin in self.exact:
            return True
        for is_member in self.live:
            if is_member(origin):
                return True
        if not self.patterns and not self.regexes:
            return False
        parts = split_origin(origin)
        if parts is None:
            return False
        return self._matches_pattern(*parts) or self._matches_regex(origin, *parts)

    def _matches_pattern(self, scheme: bytes, host: bytes, port: bytes) -> bool:
        """Look up the host itself, then each of its suffixes that starts with a dot, the longest first."""
        patterns = self.patterns
        # `app://.x` is an origin, and none of a subdomain of x.
        suffix = b"" if host.startswith(b".") or b".." in host else host
        while suffix:
            if (scheme, suffix, port) in patterns or (scheme, suffix, b"*") in patterns:
                return True
            dot = host.find(b".", len(host) - len(suffix) + 1)
            suffix = host[dot:] if dot != -1 else b""
        return False

    def _matches_regex(self, origin: bytes, scheme: bytes, host: bytes, _port: bytes) -> bool:
        # Defence in depth: `CORSPolicy` refuses regexes whose text allows insecure origins, but the text
        # alone does not show for certain what a regex matches.
        if not self.insecure_regexes and scheme == b"http" and not is_loopback(host.decode("ascii")):
            return False
        text = origin.decode("ascii")
        return any(regex.fullmatch(text) is not None for regex in self.regexes)


def _pattern_key(origin: DeclaredOrigin) -> tuple[bytes, bytes, bytes]:
    host = f".{origin.host}" if origin.subdomains else origin.host
    return origin.scheme.encode(), host.encode(), origin.port.encode()
