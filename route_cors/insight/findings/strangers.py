"""What CORSMiddleware accepts and a CORSPolicy would refuse when it is declared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.errors import CORSConfigError
from route_cors.insight.findings.cookies import sets_cookies
from route_cors.insight.findings.grantors import grantors, layers_of_others
from route_cors.insight.findings.origins import is_for_anyone
from route_cors.insight.printable import printable
from route_cors.origins import ANY_ORIGIN, parse_origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.findings.facts import Facts, Row
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.foreign import CORSArguments

_NAMED: Final = "allow_origins=['https://app.example.com']"
_NULL: Final = "null"


def find_any_origin_reflected(facts: Facts) -> Iterator[Finding]:
    """RC005: a response that reflects every origin and allows credentials."""
    for layer, cors in layers_of_others(facts):
        if layer.credentials and (cors.any_origin or is_for_anyone(layer)):
            how = "by *" if cors.any_origin else f"by the regex {printable(layer.regexes[0].pattern)}"
            sentence = f"{layer.who} reflects every origin, with credentials, {how}"
            yield layer.about("RC005", sentence, f"name the origins: {_NAMED}", severity="error")


def find_null(facts: Facts) -> Iterator[Finding]:
    """RC018: `null` among the origins of a CORSMiddleware, or matched by its regex."""
    for layer, _ in layers_of_others(facts):
        by_regex = any(regex.fullmatch(_NULL) for regex in layer.regexes) and not is_for_anyone(layer)
        if _NULL in layer.origins or by_regex:
            powers, severity = _powers(credentials=layer.credentials)
            sentence = f"{layer.who} allows the origin null{powers}"
            fix = "remove 'null'; serve the page from an origin of its own, and name that origin"
            yield layer.about("RC018", sentence, fix, severity=severity)


def _powers(*, credentials: bool) -> tuple[str, Severity]:
    return (", with credentials", "error") if credentials else ("", "warning")


def find_bare_strings(facts: Facts) -> Iterator[Finding]:
    """RC019: one string, which CORSMiddleware takes apart."""
    for layer, cors in layers_of_others(facts):
        for name, text, severity in _bare(cors):
            sentence = f"{layer.who} has {text} as {name}, not a list"
            yield layer.about("RC019", sentence, f"write a list: {name}=[{_quoted(text)}]", severity=severity)


def _quoted(text: str) -> str:
    return text if text.startswith("'") else "'...'"


def _bare(cors: CORSArguments) -> Iterator[tuple[str, str, Severity]]:
    origins = cors.allow_origins
    if isinstance(origins, str) and origins != ANY_ORIGIN:
        yield "allow_origins", repr(printable(origins)), "error"
    for name, values in (("allow_methods", cors.allow_methods), ("allow_headers", cors.added_headers)):
        if len(values) > 1 and all(len(value) == 1 for value in values):
            yield name, "the letters of a string", "warning"


def find_unsent_origins(facts: Facts) -> Iterator[Finding]:
    """RC020: a trailing slash, a path, upper case or a pattern: no Origin header ever equals that."""
    for layer, _ in layers_of_others(facts):
        unsent = [text for text in layer.origins if text != _NULL and not _is_sent(text)]
        if unsent:
            shown = ", ".join(repr(printable(text)) for text in unsent[:_MOST_SHOWN])
            sentence = f"{layer.who} allows {shown}, which no browser ever sends as an Origin"
            yield layer.about("RC020", sentence, _sent_instead(unsent[0]))


_MOST_SHOWN: Final = 3


def _is_sent(text: str) -> bool:
    return "*" not in text and _error_of(text) is None


def _error_of(text: str) -> CORSConfigError | None:
    try:
        parse_origin(text)
    except CORSConfigError as error:
        return error
    return None


def _sent_instead(text: str) -> str:
    error = _error_of(text)
    if "*" in text or error is None:
        return r"write a regex: allow_origin_regex=r'https://[a-z0-9-]+\.example\.com'"
    code = error.problems[0].code
    if code is None or code == "[]":
        return "name an origin: scheme, host and port"
    is_regex = code.startswith("re.compile(")
    return f"write allow_origin_regex={code[len('re.compile(') : -1]}" if is_regex else f"write {code}"


def find_needless_credentials(facts: Facts) -> Iterator[Finding]:
    """RC021: credentials for routes that take tokens, if it is certain that none of them takes cookies."""
    for grantor in grantors(facts):
        rows = [row for row in grantor.rows if not row.is_documentation]
        if not grantor.credentials or sets_cookies(facts, rows):
            continue
        if any(row.needs.tokens for row in rows) and all(map(_needs_none, rows)):
            sentence = f"{grantor.who} allows credentials, but its routes only take tokens"
            yield grantor.about("RC021", sentence, "leave allow_credentials out")


def _needs_none(row: Row) -> bool:
    return row.needs.is_known and not row.needs.reads_request and not row.needs.sent_by_browsers
