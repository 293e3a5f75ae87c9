"""Origins that a policy allows, perhaps without intent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.grantors import grantors
from route_cors.insight.findings.hosts import named_origins
from route_cors.insight.findings.samples import Sampler
from route_cors.insight.printable import printable
from route_cors.origins import is_loopback
from route_cors.suffixes import public_suffix_list, suffix_below

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.findings.facts import Facts
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.findings.grantors import Grantor
    from route_cors.origins import DeclaredOrigin

# What the pages of an app have by default: Capacitor and Ionic on Android and on iOS, Tauri
# on macOS and Linux, on Windows and Android.
_OF_EVERY_APP: Final = frozenset(
    {
        *("https://localhost", "capacitor://localhost", "ionic://localhost", "tauri://localhost"),
        *("http://tauri.localhost", "https://tauri.localhost"),
    }
)


def find_wide_patterns(facts: Facts) -> Iterator[Finding]:
    """RC006: credentials for all subdomains of a site, including forgotten and rented ones."""
    for grantor in grantors(facts):
        if not grantor.credentials or grantor.policy is None:
            continue
        for text, origin in named_origins(grantor):
            if origin.subdomains and _is_site_or_suffix(origin.host):
                sentence = (
                    f"{text} with credentials: anyone with a name under {origin.host} can act as the user"
                )
                yield grantor.about("RC006", sentence, _fixed_pattern(origin))


def _fixed_pattern(origin: DeclaredOrigin) -> str:
    suffix = suffix_below(origin.host)
    if suffix is not None:
        return f"name the origins: anyone can register a name under {suffix}, a public suffix"
    narrower = f"{origin.scheme}://*.preview.{origin.host}"
    return f"name the origins, or put them under a name of their own: {narrower!r}"


def find_loose_regexes(facts: Facts) -> Iterator[Finding]:
    """RC007: a regex that allows credentials for origins of other sites, or for any depth of subdomains.

    For a CORSMiddleware without credentials too, if anyone can register such a site.
    """
    for grantor in grantors(facts):
        if not grantor.credentials and grantor.cors is None:
            continue
        for regex in grantor.regexes:
            stranger = _stranger(regex, grantor.admits, deep=grantor.credentials)
            if stranger is not None and not is_for_anyone(grantor):
                powers = ", with credentials" if grantor.credentials else ""
                sentence = f"the regex {printable(regex.pattern)} matches {stranger}{powers}"
                severity: Severity = "warning" if grantor.credentials else "info"
                yield grantor.about("RC007", sentence, _fixed_regex(grantor), severity=severity)


def _fixed_regex(grantor: Grantor) -> str:
    pattern = r"r'https://[a-z0-9-]+\.preview\.example\.com'"
    code = f"re.compile({pattern})" if grantor.cors is None else f"allow_origin_regex={pattern}"
    return f"write [a-z0-9-]+ for the variable part, escape the dots, and end with your own domain: {code}"


def is_for_anyone(grantor: Grantor) -> bool:
    """Whether a CORSMiddleware's regex is just another way to write `*`."""
    return grantor.cors is not None and all(map(grantor.admits, _OF_NOBODY))


_OF_NOBODY: Final = (
    "https://qzkvjwxhpt.app",
    "http://qzkvjwxhpt.example",
    "https://wvq7zk.qzkvjwxhpt.com:8443",
)


def find_insecure_origins(facts: Facts) -> Iterator[Finding]:
    """RC009: http origins, which anyone on the network can impersonate."""
    for grantor in grantors(facts):
        insecure = [text for text, origin in named_origins(grantor) if origin.is_insecure]
        for regex in () if is_for_anyone(grantor) else grantor.regexes:
            sample = _insecure_sample(regex, grantor.admits)
            if sample is not None:
                insecure.append(f"{sample}, by the regex {printable(regex.pattern)}")
        if insecure:
            admitted = "; ".join(insecure)
            sentence = f"{grantor.who} allows {admitted}: anyone on the network can impersonate it"
            yield grantor.about("RC009", sentence, "write https: instead of http:")


def find_origins_of_every_app(facts: Facts) -> Iterator[Finding]:
    """RC033: credentials for an origin that every app made with the same tool has."""
    for grantor in grantors(facts):
        shared = [text for text in grantor.origins if text in _OF_EVERY_APP] if grantor.credentials else []
        if shared:
            sentence = (
                f"{grantor.who} allows {', '.join(shared)}, with credentials: every app made with"
                " Capacitor, Ionic or Tauri has that origin"
            )
            fix = (
                "give the app a host name of its own (in Capacitor: server.hostname) and name that origin, or"
                " authenticate by a token in a header"
            )
            yield grantor.about("RC033", sentence, fix)


def _stranger(regex: re.Pattern[str], admits: Callable[[str], bool], *, deep: bool) -> str | None:
    """An origin that the regex matches, probably by mistake.

    Preferably one whose site anyone can register; else one of any depth under a site.
    """
    sampler = Sampler(regex)
    admitted = [*_admitted(sampler, admits)]
    mine = sampler.letter, sampler.digit
    foreign = (origin for origin in admitted if _is_anyones(origin, mine))
    nested = (origin for origin in admitted if deep and _is_deep(origin, mine))
    return next(foreign, None) or next(nested, None)


def _insecure_sample(regex: re.Pattern[str], admits: Callable[[str], bool]) -> str | None:
    admitted = _admitted(Sampler(regex), admits)
    return next((origin for origin in admitted if _is_insecure(origin)), None)


def _is_insecure(origin: str) -> bool:
    return origin.startswith("http:") and not is_loopback(_host_of(origin))


def _admitted(sampler: Sampler, admits: Callable[[str], bool]) -> Iterator[str]:
    """The samples that are allowed."""
    return filter(admits, sampler.samples())


def _host_of(origin: str) -> str:
    return re.sub(r":[0-9]+\Z", "", origin.partition("://")[2])


def _site_of(origin: str) -> tuple[str, str]:
    """The name to register to get that origin, and the suffix under which; empty if there is none."""
    host = _host_of(origin)
    is_address = host.rpartition(".")[2].isdigit()
    if is_address or is_loopback(host) or not origin.startswith(("https:", "http:")):
        return "", ""
    site = public_suffix_list().privatesuffix(host) or ""
    return site.partition(".")[0], site.partition(".")[2]


def _holds(text: str, characters: tuple[str | None, ...]) -> bool:
    return any(character is not None and character in text for character in characters)


def _is_anyones(origin: str, mine: tuple[str | None, ...]) -> bool:
    """Whether the name to register can be chosen freely, and its suffix cannot."""
    name, suffix = _site_of(origin)
    return _holds(name, mine) and not _holds(suffix, mine)


def _is_deep(origin: str, mine: tuple[str | None, ...]) -> bool:
    """Whether the two labels directly before the site can be chosen freely."""
    name, suffix = _site_of(origin)
    labels = _host_of(origin).removesuffix(f"{name}.{suffix}").strip(".").split(".")[-_DEEP:]
    return bool(name) and len(labels) == _DEEP and all(_holds(label, mine) for label in labels)


_DEEP: Final = 2


def _is_site_or_suffix(host: str) -> bool:
    """Whether a name directly under it is next to the whole site, or can be registered by anyone."""
    is_site = public_suffix_list().privatesuffix(host) == host
    return not is_loopback(host) and (is_site or suffix_below(host) is not None)
