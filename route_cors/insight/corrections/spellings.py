"""What people write in place of an origin: lists, regexes, wildcards; and what to write instead."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from route_cors.regexes import compiled


class Spelling(NamedTuple):
    """A way of writing origins that is not read.

    Attributes:
        reason: what is wrong with it.
        fix: what to write instead, as `Problem.fix` has it; None if only the writer knows.
        instead: origins that are meant, which may need corrections themselves; if they are sound, the fix.
        is_list: whether the fix has to be a list.
    """

    reason: str
    fix: str | None = None
    instead: tuple[str, ...] = ()
    is_list: bool = False


_REGEX_CHARACTERS: Final = frozenset("^$()[]|\\+?")
# Where these characters do not indicate a regex: a "+" of the scheme, the brackets of an IPv6 address.
_SCHEME_OR_IPV6: Final = re.compile(r"\A[a-z][a-z0-9+.-]*://|(?<=://)\[[^\]]*:[^\]]*\]")


def looks_like_regex(text: str) -> bool:
    r"""Whether `text` holds a character that only a regex would.

    >>> looks_like_regex(r"https://.+\.a\.example"), looks_like_regex("http://[::1]:3000")
    (True, False)
    """
    return not _REGEX_CHARACTERS.isdisjoint(_SCHEME_OR_IPV6.sub("", text))


_NULL: Final = "the origin null, which anyone can have"
_OWN: Final = "serve the page over https, from http://localhost, or from a scheme of the app's own (app://.)"
_NONE: Final = {
    r"": ("an empty string is not an origin", "[]"),
    r"\[\s*\]": ("a list in a string", "[]"),
    r"\[\s*[\"']\*[\"']\s*\]": ("a list in a string", '["*"]'),
    r"null": (f"every sandboxed frame and every file: page has {_NULL}: {_OWN}", None),
    r"(?:about|blob|data|file|ftp|javascript):.*": (f"pages of that scheme have {_NULL}: {_OWN}", None),
    r"\w+://.*(?:\$\{|\{\{|<[\w -]+>|%\(|\{[a-z]\w*\}).*": ("a placeholder that nobody filled in", None),
    r"(?:https?://)?[0-9.]+/[0-9]{1,2}": (
        r"a range of addresses: write a callable, or a regex: re.compile(r'http://10\.\d+\.\d+\.\d+(:\d+)?')",
        None,
    ),
}


def spelling_of_none(text: str) -> Spelling | None:
    """Set if no origin can be recognised in `text`."""
    found = (said for form, said in _NONE.items() if re.fullmatch(form, text, re.IGNORECASE | re.DOTALL))
    return next((Spelling(*said) for said in found), None)


def spelling_of_list(text: str) -> Spelling | None:
    """Set if `text` is a list of origins, in JSON or separated.

    >>> spelling_of_list('["https://a.example", "https://b.example"]').instead
    ('https://a.example', 'https://b.example')
    """
    is_json = text.startswith("[") and re.search("://|[\"']", text) is not None
    is_regex = looks_like_regex(text.replace("|", ""))
    has_more = text.count("://") > 1 and re.search(r"[,;\s]" if is_regex else r"[,;|\s]", text) is not None
    if not (is_json or has_more or text[:1] in {'"', "'"} or ("," in text and not is_regex)):
        return None
    split = re.split(r"[,;|\s]+", text[1:].removesuffix("]") if is_json else text)
    parts = tuple(filter(None, (part.strip("\"'") for part in split)))
    # A part without a scheme may be anything, such as the rest of a path after a comma.
    is_clear = all(part == "localhost" or re.search(r"[.:]", part) for part in parts)
    return Spelling(
        "several origins in one string: write a list of strings",
        None,
        parts if is_clear else (),
        is_list=True,
    )


_STAR: Final = (
    'a "*" is only allowed for whole labels at the start ("https://*.a.example") or as the port (":*")'
)
# What is meant by some of them, by the form of the host.
_MEANT: Final = (
    (re.compile(r"\A(?:\*+\.)+"), "*."),
    (re.compile(r"\A\*(?=[a-z0-9][a-z0-9-]*\.[a-z]+\Z)"), "*."),
    (re.compile(r"\A(localhost|127\.0\.0\.1)\*\Z"), r"\1:*"),
)
_NAMED_SITE: Final = re.compile(r".+\.[a-z0-9-]+\.[a-z]+")
_DOT_STAR: Final = re.compile(r"(?:http|.*[:/])?\.\*")
_ADDRESS: Final = re.compile(r"[0-9*]+(?:\.[0-9*]+){3}")


def spelling_of_many(text: str) -> Spelling | None:
    r"""Set if `text` is a regex, or has a `*` where none is allowed.

    >>> spelling_of_many("https://app-*.vercel.app").fix
    "re.compile('https://app-[a-z0-9-]+\\\\.vercel\\\\.app')"
    """
    is_regex = looks_like_regex(text) or _DOT_STAR.match(text)
    regex = compiled(re.sub(r"\A/(.*)/\w*\Z", r"\1", text)) if is_regex else None
    if regex is not None:
        return Spelling("a string is never read as a regex", as_code(regex), (_plain(text),))
    scheme, separator, rest = text.partition("://")
    is_misplaced = "*" in scheme or "*" in re.sub(r"\A\*\.|:\*(?=/|\Z)", "", rest)
    return _wildcard(scheme, rest) if separator and is_misplaced else None


def _wildcard(scheme: str, rest: str) -> Spelling:
    host, colon, port = rest.partition("/")[0].partition(":")
    is_web = scheme in {"http", "https"}
    if scheme == "chrome-extension":
        return Spelling("every extension has such an origin: write the id of yours in place of the *")
    if host == "*" and is_web:
        return Spelling(f"{_STAR}, or alone for any origin", "*")
    meant = tuple(
        f"{scheme}://{form.sub(known, host)}{colon}{port}" for form, known in _MEANT if form.match(host)
    )
    if "*" in scheme:
        meant = f"http://{rest}", f"https://{rest}"
    is_number = _ADDRESS.fullmatch(host) is not None or "*" not in host
    if is_web and not is_number and not _NAMED_SITE.fullmatch(host):
        return Spelling(f"{_STAR}: anyone can register such a name, so name each origin", None, meant)
    escaped = re.escape(f"{scheme}://{host}{colon}{port}").replace("\\-", "-").replace(r":\*", "(:[0-9]+)?")
    regex = re.compile(escaped.replace(r"\*", "[0-9]+" if is_number else "[a-z0-9-]+"))
    return Spelling(f"{_STAR}: anything else needs a regex", as_code(regex), meant)


def _plain(regex: str) -> str:
    """The origin or pattern that a regex of one of the usual forms stands for."""
    pattern = re.sub(r"\A\^|\$\Z", "", regex)
    pattern = re.sub(r"(?<=://)(?:\.|\[[^\]]+\]|\\w)[*+]\\?\.", "*.", pattern)
    pattern = re.sub(r"\(?(?:\?:)?:(?:\\d|\[0-9\]|\.)(?:[*+]|\{[0-9,]+\})(?:\)\??)?\Z", ":*", pattern)
    return re.sub(r"\\(?=[./:-])", "", pattern)


def as_code(regex: re.Pattern[str]) -> str:
    """A regex as Python source."""
    flags = re.RegexFlag(regex.flags & ~re.UNICODE)
    return f"re.compile({regex.pattern!r}{f', {flags!r}' if flags else ''})"
