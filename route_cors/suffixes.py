"""Public suffixes: the names under which anyone can get a name of their own (https://publicsuffix.org/)."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from publicsuffixlist import PublicSuffixList


def is_public_suffix(host: str) -> bool:
    """Whether anyone can register a name directly under `host`.

    >>> is_public_suffix("github.io"), is_public_suffix("a.github.io"), is_public_suffix("localhost")
    (True, False, False)
    """
    # By its rules, the list treats names that are not on it as suffixes too. localhost is not one:
    # https://www.rfc-editor.org/rfc/rfc6761#section-6.3
    is_localhost = host == "localhost" or host.endswith(".localhost")
    return not is_localhost and public_suffix_list().is_public(host)


def suffix_below(host: str) -> str | None:
    """`host` itself if it is a public suffix, or else the shortest one under it; None if there is none.

    >>> suffix_below("amazonaws.com"), suffix_below("a.example"), suffix_below("co.uk")
    ('s3.amazonaws.com', None, 'co.uk')
    """
    if is_public_suffix(host):
        return host
    listed = public_suffixes_by_ending().get(".".join(host.split(".")[-2:]), ())
    # The shortest is the one that people know: s3.amazonaws.com.
    return min((suffix for suffix in listed if suffix.endswith(f".{host}")), key=len, default=None)


@functools.cache
def public_suffix_list() -> PublicSuffixList:
    """The list, loaded at first use."""
    from publicsuffixlist import PublicSuffixList  # noqa: PLC0415 - it takes long to load, and few need it

    # Suffixes of companies count too, such as github.io: anyone can get a name there as well.
    return PublicSuffixList(only_icann=False)


@functools.cache
def public_suffixes_by_ending() -> Mapping[str, Sequence[str]]:
    """The suffixes on the list, in ASCII, by their last two labels (or the only one)."""
    suffixes: dict[str, list[str]] = {}
    for suffix in _listed():
        suffixes.setdefault(".".join(suffix.split(".")[-2:]), []).append(suffix)
    return suffixes


def _listed() -> Iterator[str]:
    # The library does not show its rules; it does show the file that it reads them from.
    from publicsuffixlist import PSLFILE  # noqa: PLC0415 - as above

    with open(PSLFILE, encoding="utf-8") as lines:  # noqa: PTH123 - the library's own form of a path
        for line in lines:
            rule = line.partition(" ")[0].strip()
            # "!" is for an exception, "*." for each label under a suffix.
            if rule and not rule.startswith(("//", "!")):
                suffix = rule.removeprefix("*.")
                yield suffix if suffix.isascii() else suffix.encode("idna").decode("ascii")
