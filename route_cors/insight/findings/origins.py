"""Origins that a policy lets in, and maybe was not meant to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from route_cors.insight.findings.facts import named
from route_cors.insight.findings.finding import Finding, finding_about
from route_cors.insight.findings.samples import Sampler
from route_cors.insight.printable import printable
from route_cors.origins import (
    ANY_ORIGIN,
    DeclaredOrigin,
    OriginSet,
    is_loopback,
    is_serialized_origin,
    parse_origin,
)
from route_cors.policy import public_suffix_list

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.policy import CORSPolicy

__all__ = ["find_insecure_origins", "find_loose_regexes", "find_wide_patterns"]


def find_wide_patterns(facts: Facts) -> Iterator[Finding]:
    """RC006: credentials for all subdomains of a site, the forgotten and the rented ones included."""
    for policy, rows in facts.policies:
        if not policy.allow_credentials:
            continue
        for text, origin in _written(policy):
            if origin.subdomains and _is_site_or_suffix(origin.host):
                sentence = (
                    f"{text} with credentials: whoever has any name under {origin.host} acts as the user"
                )
                yield _about("RC006", rows, sentence, _mended_pattern(origin))


def _mended_pattern(origin: DeclaredOrigin) -> str:
    if public_suffix_list().is_public(origin.host):
        return "name the origins: under a public suffix anyone can have a name"
    narrower = f"{origin.scheme}://*.preview.{origin.host}"
    return f"name the origins, or give them a name that nothing else stands under: {narrower!r}"


def find_loose_regexes(facts: Facts) -> Iterator[Finding]:
    """RC007: credentials for origins of other sites, or of any depth of subdomains, that a regex lets in."""
    for policy, rows in facts.policies:
        if not policy.allow_credentials:
            continue
        for regex in policy.origin_set.regexes:
            stranger = _stranger(regex, insecure=policy.origin_set.insecure_regexes)
            if stranger is not None:
                sentence = f"the regex {printable(regex.pattern)} admits {stranger}, with credentials"
                yield _about("RC007", rows, sentence, _MENDED_REGEX)


_MENDED_REGEX: Final = (
    "write what is open as [a-z0-9-]+, escape the dots, and end with a site of yours:"
    r" re.compile(r'https://[a-z0-9-]+\.preview\.example\.com')"
)


def find_insecure_origins(facts: Facts) -> Iterator[Finding]:
    """RC009: http origins, in whose name whoever sits on the network can speak."""
    for policy, rows in facts.policies:
        insecure = [text for text, origin in _written(policy) if origin.is_insecure]
        for regex in policy.origin_set.regexes:
            sample = _insecure_sample(regex, insecure=policy.origin_set.insecure_regexes)
            if sample is not None:
                insecure.append(f"{sample}, by the regex {printable(regex.pattern)}")
        if insecure:
            admitted = "; ".join(insecure)
            sentence = f"the policy lets in {admitted}: whoever sits on the network can speak in that name"
            yield _about("RC009", rows, sentence, "write https: in place of http:")


def _about(code: str, rows: list[Row], sentence: str, mend: str) -> Finding:
    """A finding about a policy, at the first route that it holds on."""
    first = rows[0].reported if rows else None
    return finding_about(first, code, f"{sentence} ({named(rows, at_most=3)})", mend)


def _written(policy: CORSPolicy) -> Iterator[tuple[str, DeclaredOrigin]]:
    """The origins and patterns of a policy that are written as text."""
    for item in policy.origins:
        if isinstance(item, str) and item != ANY_ORIGIN:
            yield item, parse_origin(item)


def _stranger(regex: re.Pattern[str], *, insecure: bool) -> str | None:
    """An origin that the regex admits, and that it is hardly meant for.

    First one whose site can be registered by whoever likes to; else one of any depth under a site.
    """
    sampler = Sampler(regex)
    admitted = [*_admitted(sampler, regex, insecure=insecure)]
    mine = sampler.letter, sampler.digit
    foreign = (origin for origin in admitted if _is_anyones(origin, mine))
    return next(foreign, None) or next((origin for origin in admitted if _is_deep(origin, mine)), None)


def _insecure_sample(regex: re.Pattern[str], *, insecure: bool) -> str | None:
    admitted = _admitted(Sampler(regex), regex, insecure=insecure)
    return next((origin for origin in admitted if _is_insecure(origin)), None)


def _is_insecure(origin: str) -> bool:
    return origin.startswith("http:") and not is_loopback(_host_of(origin))


def _admitted(sampler: Sampler, regex: re.Pattern[str], *, insecure: bool) -> Iterator[str]:
    """The samples that are origins, and that a policy with this regex lets in."""
    origins = OriginSet.compile([regex], insecure_regexes=insecure)
    for sample in sampler.samples():
        sent = sample.encode("utf-8", "replace")
        if is_serialized_origin(sent) and origins.matches(sent):
            yield sample


def _host_of(origin: str) -> str:
    return re.sub(r":[0-9]+\Z", "", origin.partition("://")[2])


def _site_of(origin: str) -> tuple[str, str]:
    """What somebody registers to have that origin, and the suffix under which; empty where nobody can."""
    host = _host_of(origin)
    is_address = host.rpartition(".")[2].isdigit()
    if is_address or is_loopback(host) or not origin.startswith(("https:", "http:")):
        return "", ""
    site = public_suffix_list().privatesuffix(host) or ""
    return site.partition(".")[0], site.partition(".")[2]


def _holds(text: str, characters: tuple[str | None, ...]) -> bool:
    return any(character is not None and character in text for character in characters)


def _is_anyones(origin: str, mine: tuple[str | None, ...]) -> bool:
    """Whether the name that is registered is of the visitor's choosing, and its suffix is none of it."""
    name, suffix = _site_of(origin)
    return _holds(name, mine) and not _holds(suffix, mine)


def _is_deep(origin: str, mine: tuple[str | None, ...]) -> bool:
    """Whether two labels directly before the site are of the visitor's choosing."""
    name, suffix = _site_of(origin)
    labels = _host_of(origin).removesuffix(f"{name}.{suffix}").strip(".").split(".")[-_DEEP:]
    return bool(name) and len(labels) == _DEEP and all(_holds(label, mine) for label in labels)


_DEEP: Final = 2


def _is_site_or_suffix(host: str) -> bool:
    """Whether a name directly under it is next to the whole site, or anyone's."""
    return not is_loopback(host) and public_suffix_list().privatesuffix(host) in {host, None}
