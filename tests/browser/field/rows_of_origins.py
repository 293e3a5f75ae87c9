"""Who is allowed: strangers, cookies, every origin, patterns, and how origins are written."""

from __future__ import annotations

from typing import Final

from browser.field.calls import Call, blocked, blocked_before_the_request, reads
from browser.field.rows import (
    CHECK,
    CREDENTIALS,
    JSON,
    MISTAKES,
    NULL,
    ORIGIN,
    PREFLIGHT,
    Scenario,
    put,
    scenario,
    with_cookies,
)
from browser.field.setups import APP, EVIL, OTHER

__all__ = ["ORIGINS"]


def _stranger(name: str, origin: str) -> Scenario:
    return scenario(name, "one", Call(origin), "the page cannot read it", blocked, MISTAKES)


_STRANGERS: Final = (
    _stranger("its-name-as-a-prefix", f"{APP}.evil.example"),
    _stranger("its-name-as-a-suffix", "https://evilapp.example"),
    _stranger("its-name-cut-off", "https://app.exam"),
    _stranger("another-letter-for-the-dot", "https://appxexample"),
    _stranger("below-its-name", "https://x.app.example"),
    _stranger("its-name-without-tls", "http://app.example"),
    _stranger("its-name-at-another-port", "https://app.example:8443"),
    _stranger("sandboxed-page", NULL),
)

_COOKIES: Final = (
    scenario(
        "cookies", "two", with_cookies(APP), "the page reads it", reads(), CREDENTIALS, in_chromium=True
    ),
    scenario("cookies-of-another", "two", with_cookies(OTHER), "the page reads it", reads(), CREDENTIALS),
    scenario(
        "cookies-of-a-stranger",
        "two",
        with_cookies(EVIL),
        "the page cannot read it",
        blocked,
        CREDENTIALS,
        in_chromium=True,
    ),
    scenario(
        "put-with-cookies",
        "two",
        put(APP, cookies=True, headers=JSON),
        "the page reads it",
        reads(),
        CREDENTIALS,
        in_chromium=True,
    ),
    scenario(
        "any-header-with-cookies",
        "any-header",
        Call(APP, "/me", headers=(("X-Anything", "1"),), credentials="include"),
        "the page reads it: `*` is no wildcard with cookies",
        reads(),
        CREDENTIALS,
        in_chromium=True,
    ),
    scenario(
        "any-method-with-cookies",
        "any-method",
        Call(APP, method="DELETE", credentials="include"),
        "the page reads it: `*` is no wildcard with cookies",
        reads(),
        CREDENTIALS,
        in_chromium=True,
    ),
    scenario(
        "all-exposed-with-cookies",
        "any-exposed",
        with_cookies(APP, "/notes"),
        "the page reads X-Id, or the app does not start: `*` is no wildcard with cookies",
        reads(x_id="7"),
        CREDENTIALS,
        in_chromium=True,
    ),
    scenario(
        "empty-list",
        "nobody",
        with_cookies(EVIL),
        "the page cannot read it",
        blocked,
        CHECK,
        in_chromium=True,
    ),
    scenario(
        "any-with-cookies",
        "any-cookies",
        with_cookies(EVIL),
        "the page cannot read it, or the app does not start",
        blocked,
        "https://nvd.nist.gov/vuln/detail/CVE-2025-34291",
        in_chromium=True,
    ),
    scenario(
        "any-with-cookies-put",
        "any-cookies",
        put(EVIL, cookies=True),
        "the PUT is not sent, or the app does not start",
        blocked_before_the_request,
        "https://nvd.nist.gov/vuln/detail/CVE-2025-34291",
    ),
    scenario(
        "null-with-cookies",
        "null-cookies",
        with_cookies(NULL),
        "the page cannot read it, or the app does not start: any site can be `null`",
        blocked,
        "https://nvd.nist.gov/vuln/detail/CVE-2024-47165",
    ),
)

_EVERYBODY: Final = (
    scenario("any-origin", "any", Call(EVIL), "the page reads it", reads(), CHECK, in_chromium=True),
    scenario("any-origin-sandboxed", "any", Call(NULL), "the page reads it", reads(), CHECK),
    scenario("any-origin-put", "any", put(EVIL, headers=JSON), "the page reads it", reads(), PREFLIGHT),
    scenario(
        "any-origin-without-cookies",
        "any",
        with_cookies(EVIL),
        "the page cannot read it",
        blocked,
        CREDENTIALS,
    ),
)

_OR_REFUSED: Final = "the page cannot read it, or the app does not start"
_PATTERNS: Final = (
    scenario(
        "subdomain",
        "subdomains",
        Call("https://x.app.example"),
        "the page reads it",
        reads(),
        CHECK,
        in_chromium=True,
    ),
    scenario(
        "subdomain-elsewhere",
        "subdomains",
        Call("https://x.app.example.evil.example"),
        "the page cannot read it",
        blocked,
        MISTAKES,
    ),
    scenario(
        "subdomain-without-a-dot",
        "subdomains",
        Call("https://xapp.example"),
        "the page cannot read it",
        blocked,
        MISTAKES,
    ),
    scenario(
        "subdomain-with-a-letter-for-a-dot",
        "subdomains",
        Call("https://x.app-example"),
        "the page cannot read it",
        blocked,
        "https://nvd.nist.gov/vuln/detail/CVE-2026-25478",
    ),
    scenario(
        "subdomain-without-tls",
        "subdomains",
        Call("http://x.app.example"),
        "the page cannot read it",
        blocked,
        MISTAKES,
    ),
    scenario(
        "regex-without-an-end",
        "regex",
        Call("https://x.app.example.evil.example"),
        _OR_REFUSED,
        blocked,
        "https://nvd.nist.gov/vuln/detail/CVE-2026-37737",
        in_chromium=True,
    ),
    scenario(
        "glob-as-a-regex",
        "glob",
        Call("https://xapp.example.evil.example"),
        _OR_REFUSED,
        blocked,
        MISTAKES,
        in_chromium=True,
    ),
)

_SAID: Final = "the page reads it, or the app does not start"
_SPELLINGS: Final = (
    scenario("string-for-a-list", "string", Call(APP), _SAID, reads(), CHECK),
    scenario(
        "part-of-the-string",
        "string",
        Call("https://app.exam"),
        _OR_REFUSED,
        blocked,
        MISTAKES,
        in_chromium=True,
    ),
    scenario("two-in-one-string", "joined", Call(APP), _SAID, reads(), CHECK),
    scenario("slash-at-the-end", "slash", Call(APP), _SAID, reads(), ORIGIN),
    scenario("upper-case", "upper", Call(APP), _SAID, reads(), ORIGIN),
)


ORIGINS: Final[tuple[Scenario, ...]] = (*_STRANGERS, *_COOKIES, *_EVERYBODY, *_PATTERNS, *_SPELLINGS)
