"""Origins that others can control: hosts where anyone can publish, and the visitor's own machine."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from route_cors.errors import CORSConfigError
from route_cors.insight.findings.grantors import grantors
from route_cors.origins import DEFAULT_PORTS, is_loopback, parse_origin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.findings.codes import Severity
    from route_cors.insight.findings.facts import Facts
    from route_cors.insight.findings.finding import Finding
    from route_cors.insight.findings.grantors import Grantor
    from route_cors.origins import DeclaredOrigin

# The pages of all their users have the same origin.
_OF_ALL_USERS: Final = frozenset(
    {
        *("cdn.jsdelivr.net", "cdpn.io", "codepen.io", "codesandbox.io", "docs.google.com"),
        *("fiddle.jshell.net", "glitch.com", "jsbin.com", "jsfiddle.net", "null.jsbin.com", "playcode.io"),
        *("plnkr.co", "raw.githubusercontent.com", "replit.com", "s.codepen.io", "s3.amazonaws.com"),
        *("sites.google.com", "stackblitz.com", "storage.googleapis.com", "translate.goog", "unpkg.com"),
    }
)
# Each user has a name there, and all projects of a user have that origin.
_OF_ONE_ACCOUNT: Final = frozenset({"bitbucket.io", "github.io", "gitlab.io", "codeberg.page"})


def find_shared_hosts(facts: Facts) -> Iterator[Finding]:
    """RC024: a host where anyone can publish; with credentials, also the name of one account there."""
    for grantor in grantors(facts):
        for text, origin in named_origins(grantor):
            powers = ", with credentials" if grantor.credentials else ""
            if origin.host in _OF_ALL_USERS:
                severity: Severity = "warning" if grantor.credentials else "info"
                sentence = f"{grantor.who} allows {text}{powers}: the pages of all its users have that origin"
                fix = f"remove {text!r} from {grantor.argument}, and serve the page from a domain of your own"
                yield grantor.about("RC024", sentence, fix, severity=severity)
            elif grantor.credentials and _is_of_an_account(origin):
                sentence = (
                    f"{grantor.who} allows {text}{powers}: all projects of that account have that origin"
                )
                fix = f"if other people use the account too, remove {text!r} from {grantor.argument}"
                yield grantor.about("RC024", sentence, fix, severity="info")


def _is_of_an_account(origin: DeclaredOrigin) -> bool:
    return not origin.is_pattern and origin.host.partition(".")[2] in _OF_ONE_ACCOUNT


def find_local_origins(facts: Facts) -> Iterator[Finding]:
    """RC025: localhost origins in the same list as origins of a site."""
    for grantor in grantors(facts):
        named = [*named_origins(grantor)]
        local = [text for text, origin in named if _is_local(origin)]
        if local and len(local) < len(named):
            shown = ", ".join(local[:_MOST_SHOWN])
            sentence = f"{grantor.who} allows {shown} next to production origins"
            kept = [text for text, origin in named if not _is_local(origin)]
            fix = (
                "add them only in development:"
                f" {grantor.argument}=[{', '.join(map(repr, kept[:_MOST_SHOWN]))}, *settings.local_origins]"
            )
            yield grantor.about("RC025", sentence, fix)


_MOST_SHOWN: Final = 3


def _is_local(origin: DeclaredOrigin) -> bool:
    """Whether it is a server on the visitor's machine, and not an app: `capacitor://localhost`."""
    return origin.scheme in DEFAULT_PORTS and is_loopback(origin.host)


def named_origins(grantor: Grantor) -> Iterator[tuple[str, DeclaredOrigin]]:
    """The origins and patterns that are written as strings, as far as a browser can send them."""
    for text in grantor.origins:
        with suppress(CORSConfigError):  # those of a CORSMiddleware are reported by RC020
            yield text, parse_origin(text)
