r"""What a regex among the origins allows by mistake: any site, http origins, requests that take seconds.

A regex cannot be understood for certain, so it is tried on origins that are made for it. A bad one may pass,
but `OriginSet` never lets it match insecure origins, and `route-cors check` looks again.
"""

from __future__ import annotations

import functools
import re
import time
import warnings
from typing import TYPE_CHECKING, Final

from route_cors.origins import MAX_ORIGIN_BYTES
from route_cors.suffixes import public_suffixes_by_ending

if TYPE_CHECKING:
    from collections.abc import Iterator

# Origins that anyone can register

# Random names of the kinds that anyone can register. A regex that matches one of them matches whatever name
# somebody registers. moz-extension: is not among them: Firefox chooses those origins at random for each
# installation, so a regex is the only way to allow an add-on.
_LABELS: Final = ("qzkvjwxhpt", "wvq7zk-xj4hd", "0817364529", "qzkvj", "c7f09b3e", "wvqzk-xjhd")
_SUFFIXES: Final = (
    *("app", "co.uk", "com", "com.au", "de", "dev", "fr", "info", "io", "me"),
    *("net", "online", "org", "ru", "shop", "site", "top", "xyz"),
)


def _names_under(suffix: str) -> Iterator[str]:
    return (
        f"{scheme}://{prefix}{label}.{suffix}{port}"
        for label in _LABELS
        for prefix in ("", "www.", "vbtkz.qwjx.")
        for scheme in ("https", "http")
        for port in ("", ":8443")
    )


# Made when the first regex is declared: most apps have none, and all import this. So the regexes below are
# texts, which `re` compiles at their first use and keeps.
@functools.cache
def _of_anyone() -> tuple[str, ...]:
    return (
        *(origin for suffix in _SUFFIXES for origin in _names_under(suffix)),
        "https://203.0.113.157",
        "http://203.0.113.157",
        "https://[2001:db8:3f1a::9c2e]",
        "http://[2001:db8:3f1a::9c2e]",
        "chrome-extension://pkbjfdmcoehaglinkbjfdmcoehaglinp",
    )


@functools.lru_cache(maxsize=256)
def origin_of_anyone(regex: re.Pattern[str]) -> str | None:
    """An origin on a domain that anyone can register, if the regex matches one.

    >>> origin_of_anyone(re.compile(r"https://.*"))
    'https://qzkvjwxhpt.app'
    """
    return next(filter(regex.fullmatch, _of_anyone()), None)


@functools.lru_cache(maxsize=256)
def origin_under_suffix(regex: re.Pattern[str]) -> tuple[str, str] | None:
    r"""An origin that the regex matches, directly under a public suffix that it names, and that suffix.

    >>> origin_under_suffix(re.compile(r"https://.*\.vercel\.app"))
    ('https://qzkvjwxhpt.vercel.app', 'vercel.app')
    """
    literal = re.sub(r"\\[a-zA-Z]", " ", regex.pattern.lower()).replace("\\-", "-")
    words = set(re.findall(r"[a-z0-9-]+", literal))
    for ending, suffixes in public_suffixes_by_ending().items():
        for suffix in suffixes if words.issuperset(ending.split(".")) else ():
            origin = next(filter(regex.fullmatch, _names_under(suffix)), None)
            if origin is not None:
                return origin, suffix
    return None


# http origins

_GROUP: Final = r"\((?:\?:)?"
_THIS_MACHINE: Final = (
    rf"(?:{_GROUP}[^()|]*\\\.\)[?*+]?)?localhost|127(?:\\?\.(?:[0-9]{{1,3}}|\\d[+*]))+|\\\[::1\\?\]"
)
# Any spelling of "http or https", then nothing but this machine.
_HTTP_OF_THIS_MACHINE: Final = (
    rf"(?i)(?:{_GROUP})*https?(?:\?|\(s\)\?|\[s\]\?|\|https?)?\)*\\?:(?:\\?/){{2}}"
    rf"(?:{_THIS_MACHINE}|{_GROUP}(?:{_THIS_MACHINE})(?:\|(?:{_THIS_MACHINE}))*\))"
    r"(?=\Z|[$:|)]|\\[Zz:]|\((?:\?:)?\\?:)"
)
# An http that is, or with the text after it can be, the scheme of an origin that is not this machine.
# Not the http in a host such as httpbin.example: a letter after it that is not optional makes another word.
_HTTP: Final = (
    r"(?i)http"
    r"(?!s(?:\\?:|[)|]))"
    r"(?!\\?:(?:\\?/){2}(?:localhost|127\\?\.|\\\[::1))"
    r"(?![a-rt-z]{2})"
)


def can_match_http(regex: re.Pattern[str]) -> bool:
    r"""Whether the regex says that it matches http origins other than those of this machine.

    >>> can_match_http(re.compile(r"https?://a\.example"))
    True
    >>> can_match_http(re.compile(r"^https?://(localhost|127\.0\.0\.1)(:\d+)?$"))
    False
    """
    return re.search(_HTTP, re.sub(_HTTP_OF_THIS_MACHINE, "", regex.pattern)) is not None


# Time

# Far above any sound regex, which takes microseconds, and far below what a server would notice once.
_SLOW: Final = 0.025
_SUSPICIOUS: Final = 0.002
_MAX_PUMPS: Final = 8
# What may follow in an origin and what a regex does not expect there.
_ENDS: Final = ("", "-", "_-", ":1")
# By one character as long as a time that doubles with each could be the reason, then by a fifth.
_GROWING: Final = (*range(1, 32), *(round(32 * 1.2**step) for step in range(16)))


@functools.lru_cache(maxsize=256)
def slow_origin(regex: re.Pattern[str]) -> str | None:
    r"""An origin for which the regex takes long; None if none is found.

    A match cannot be stopped, so all origins grow together and in small steps, and the first that takes a few
    milliseconds is followed alone: even where the time doubles with each character, this takes 0.3 seconds.

    >>> slow_origin(re.compile(r"https://([a-z]+\.)+a\.example"))
    """
    pumps = [pump for pump in dict.fromkeys(_pumps(regex)) if pump[1]][:_MAX_PUMPS]
    for length in _GROWING:
        for start, unit in pumps:
            for end in _ENDS:
                if _seconds(regex, _grown(start, unit, end, length)) > _SUSPICIOUS:
                    return _followed(regex, start, unit, end, length)
    return None


def _followed(regex: re.Pattern[str], start: str, unit: str, end: str, length: int) -> str | None:
    for longer in range(length, MAX_ORIGIN_BYTES, max(1, length // 16)):
        origin = _grown(start, unit, end, longer)
        # Twice: this thread may have been charged for something else.
        if _seconds(regex, origin) > _SLOW and _seconds(regex, origin) > _SLOW:
            return origin
    return None


def _grown(start: str, unit: str, end: str, length: int) -> str:
    return f"{start}{(unit * length)[:length]}"[: MAX_ORIGIN_BYTES - len(end)] + end


def _seconds(regex: re.Pattern[str], text: str) -> float:
    """In this thread's own CPU time, whatever else the machine does."""
    started = time.thread_time()
    regex.fullmatch(text)
    return time.thread_time() - started


_PART: Final = (
    r"(?s)(?P<nothing>\^|\$|\\[AbBZz]|\(\?[aiLmsux]+\))"
    r"|(?P<open>\((?:\?(?:P<\w+>|[aiLmsux-]*:|>|<?[=!]))?)|(?P<close>\))|(?P<or>\|)"
    r"|(?P<times>[*+?]|\{(?P<least>\d*),?\d*\})|(?P<one>\[\^?\]?(?:\\.|[^\]\\])*\]|\\.|.)"
)


def _pumps(regex: re.Pattern[str]) -> Iterator[tuple[str, str]]:
    """What the regex matches up to each part that may repeat, and the text of that part."""
    text, piece = "", 0
    groups: list[tuple[int, bool]] = []
    for token in re.finditer(_PART, regex.pattern):
        match token.lastgroup:
            case "open":
                groups.append((len(text), token[0].endswith(("=", "!"))))
            case "close" | "or" if groups:
                piece, is_look = groups[-1]
                yield text[:piece], text[piece:]
                if token[0] == ")":
                    groups.pop()
                if token[0] == "|" or is_look:
                    text = text[:piece]
            case "or":
                text = ""
            case "one":
                piece, text = len(text), text + _one(token[0], regex.flags)
            case "times" | "least":
                yield text[:piece], text[piece:]
                text = (text + text[piece:] * (min(int(token["least"] or 1), MAX_ORIGIN_BYTES) - 1))[
                    :MAX_ORIGIN_BYTES
                ]
            case _:
                pass


def _one(atom: str, flags: int) -> str:
    """A character that a part of a regex matches; "" if none is found."""
    part = compiled(atom, flags)  # not one by itself is, for example, \\1
    return "" if part is None else next(filter(part.fullmatch, f"a1-.:/A{atom[-1]}"), "")


def compiled(pattern: str, flags: int = 0) -> re.Pattern[str] | None:
    """The regex, if it is one, without Python's warnings about its spelling."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError):
        return None
