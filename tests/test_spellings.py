"""What people write for origins in public code: taken, or refused once, with what to write instead."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.errors import CORSConfigError, Problem
from route_cors.policy import CORSPolicy
from route_cors.regexes import compiled

TAKEN = [
    "*",
    "http://localhost",
    "http://localhost:3000",
    "http://localhost:5173",
    "http://127.0.0.1:5500",
    "http://0.0.0.0:8000",
    "http://192.168.1.6:8080",
    "https://localhost:8443",
    "https://tds.local:3000",
    "https://socialdatalab.vercel.app",
    "https://sellerx.157.180.78.53.sslip.io",
    "http://localhost:*",
    "https://localhost:*",
    "http://127.0.0.1:*",
    "https://*.vercel.app",
    "https://*.ngrok-free.app",
    "https://*.onrender.com",
    "http://*.psx",
    "https://*.example.com:*",
    "https://valorant.csoesports.com:*",
    "capacitor://localhost",
    "ionic://localhost",
    "tauri://localhost",
    "http://tauri.localhost",
    "https://tauri.localhost",
    "app://.",
    "app://obsidian.md",
    "app://com.samhanair.logis.arologis-desktop",
    "app://localhost",
    "exp://localhost:19000",
    "exp://192.168.1.5:8081",
    "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
    "moz-extension://6b22a1b9-5a1c-4c8d-9f6b-2f0a1f3f5f11",
    "safari-web-extension://140BB581-6C3C-4C4F-8D9C-7B1F5C0A9E11",
    "vscode-webview://1jj2k3l4m5n6o7p8q9r0s1t2u3v4w5x6y7z8a9b0c1d2e3f4g5h6",
    "obsidian://app",
    "electron://myapp",
    "https://app.example.com:8443",
    "http://[::1]:3000",
    "https://xn--mller-kva.example",
]
FIXED = [
    ("http://localhost:3000/", "http://localhost:3000"),
    ("https://mhat-production.up.railway.app/", "https://mhat-production.up.railway.app"),
    ("http://localhost:3000/*", "http://localhost:3000"),
    ("https://example.com/api/v1", "https://example.com"),
    ("https://localhost:443", "https://localhost"),
    ("http://example.com:80", "http://example.com"),
    ("http://localhost:", "http://localhost"),
    ("HTTP://LOCALHOST:3000", "http://localhost:3000"),
    ("https://Example.com", "https://example.com"),
    (" https://example.com", "https://example.com"),
    ("https://example.com ", "https://example.com"),
    ("localhost", "http://localhost"),
    ("localhost:3000", "http://localhost:3000"),
    ("localhost:5173", "http://localhost:5173"),
    ("127.0.0.1", "http://127.0.0.1"),
    ("127.0.0.1:8000", "http://127.0.0.1:8000"),
    ("example.com", "https://example.com"),
    ("www.example.com", "https://www.example.com"),
    ("*.example.com", "https://*.example.com"),
    ("*.vercel.app", "https://*.vercel.app"),
    ("*.edu", "https://*.edu"),
    ("//example.com", "https://example.com"),
    ("http:localhost:3000", "http://localhost:3000"),
    ("http:/localhost:3000", "http://localhost:3000"),
    ("https:/example.com", "https://example.com"),
    ("ws://localhost:3000", "http://localhost:3000"),
    ("wss://app.example.com", "https://app.example.com"),
    ("http://user:pass@localhost:3000", "http://localhost:3000"),
    ("https://müller.example", "https://xn--mller-kva.example"),
    ("::1", "https://[::1]"),
    ("http://::1:3000", "http://[::1:3000]"),
    ("http://127.1", "http://127.0.0.1"),
    ("http://localhost:3000?x=1", "http://localhost:3000"),
    ("https://example.com/#/login", "https://example.com"),
    ("https://example.com.", "https://example.com"),
    ("http://localhost*", "http://localhost:*"),
    ("http://127.0.0.1*", "http://127.0.0.1:*"),
    ("http://*", "*"),
    ("https://*", "*"),
    ("http://*:3000", "*"),
    ("*://*", "re.compile('[a-z0-9-]+://[a-z0-9-]+')"),
    ("*://localhost:3000", '["http://localhost:3000", "https://localhost:3000"]'),
    ("http*://example.com", '["http://example.com", "https://example.com"]'),
    ("moz-extension://*", "re.compile('moz-extension://[a-z0-9-]+')"),
    ("safari-web-extension://*", "re.compile('safari-web-extension://[a-z0-9-]+')"),
    ("vscode-webview://*", "re.compile('vscode-webview://[a-z0-9-]+')"),
    ("app://*", "re.compile('app://[a-z0-9-]+')"),
    ("app://.*", "re.compile('app://.*')"),
    ("app://obsidian.md*", r"re.compile('app://obsidian\\.md[a-z0-9-]+')"),
    ("capacitor://*", "re.compile('capacitor://[a-z0-9-]+')"),
    ("tauri://*", "re.compile('tauri://[a-z0-9-]+')"),
    ("https://app-*.vercel.app", r"re.compile('https://app-[a-z0-9-]+\\.vercel\\.app')"),
    ("https://*-myteam.vercel.app", r"re.compile('https://[a-z0-9-]+-myteam\\.vercel\\.app')"),
    ("https://*--shop.netlify.app", r"re.compile('https://[a-z0-9-]+--shop\\.netlify\\.app')"),
    (
        "https://myapp-git-*-team.vercel.app",
        r"re.compile('https://myapp-git-[a-z0-9-]+-team\\.vercel\\.app')",
    ),
    (
        "https://deploy-preview-*--site.netlify.app",
        r"re.compile('https://deploy-preview-[a-z0-9-]+--site\\.netlify\\.app')",
    ),
    ("https://*.*.example.com", "https://*.example.com"),
    ("https://**.example.com", "https://*.example.com"),
    ("https://*example.com", "https://*.example.com"),
    ("https://app.*.example.com", r"re.compile('https://app\\.[a-z0-9-]+\\.example\\.com')"),
    ("http://192.168.1.*", r"re.compile('http://192\\.168\\.1\\.[0-9]+')"),
    ("http://192.168.1.*:3000", r"re.compile('http://192\\.168\\.1\\.[0-9]+:3000')"),
    ("http://192.168.1.*:*", r"re.compile('http://192\\.168\\.1\\.[0-9]+(:[0-9]+)?')"),
    ("http://192.168.*.*:5173", r"re.compile('http://192\\.168\\.[0-9]+\\.[0-9]+:5173')"),
    ("http://localhost:30*", "re.compile('http://localhost:30[0-9]+')"),
    ("http://localhost:300*", "re.compile('http://localhost:300[0-9]+')"),
    ("https://*.example.com/*", "https://*.example.com"),
    ("", "[]"),
    ("[]", "[]"),
    ('["http://localhost:3000"]', '["http://localhost:3000"]'),
    ('["http://localhost:3000","https://example.com"]', '["http://localhost:3000", "https://example.com"]'),
    ("['http://localhost:3000', 'https://example.com']", '["http://localhost:3000", "https://example.com"]'),
    ('["*"]', '["*"]'),
    ("[http://localhost:3000, https://example.com]", '["http://localhost:3000", "https://example.com"]'),
    ("http://localhost:3000,http://localhost:5173", '["http://localhost:3000", "http://localhost:5173"]'),
    ("http://localhost:3000, https://example.com/", '["http://localhost:3000", "https://example.com"]'),
    ("http://localhost:3000;https://example.com", '["http://localhost:3000", "https://example.com"]'),
    ("http://localhost:3000 https://example.com", '["http://localhost:3000", "https://example.com"]'),
    ("http://localhost:3000|https://example.com", '["http://localhost:3000", "https://example.com"]'),
    ("localhost:3000,localhost:5173", '["http://localhost:3000", "http://localhost:5173"]'),
    ("http://localhost:3000,", '["http://localhost:3000"]'),
    (
        "http://localhost:5173,capacitor://localhost,tauri://localhost,http://localhost",
        '["http://localhost:5173", "capacitor://localhost", "tauri://localhost", "http://localhost"]',
    ),
    ('"http://localhost:3000"', '["http://localhost:3000"]'),
    ("'http://localhost:3000'", '["http://localhost:3000"]'),
    ("https://example.com$", "https://example.com"),
    (r"^https://example\.com$", "https://example.com"),
    (r"https://.*\.example\.com", "https://*.example.com"),
    (r"https://.*\.vercel\.app", "https://*.vercel.app"),
    (r"^https://.*\.vercel\.app$", "https://*.vercel.app"),
    (r"https://[a-z0-9-]+\.example\.com", "https://*.example.com"),
    ("https://.*.example.com", "https://*.example.com"),
    ("https?://localhost:3000", "re.compile('https?://localhost:3000')"),
    ("https?://.*", "re.compile('https?://.*')"),
    (r"https?://localhost(:\d+)?", r"re.compile('https?://localhost(:\\d+)?')"),
    (
        r"^https?://(localhost|127\.0\.0\.1)(:\d+)?$",
        r"re.compile('^https?://(localhost|127\\.0\\.0\\.1)(:\\d+)?$')",
    ),
    ("^http://localhost:[0-9]+$", "http://localhost:*"),
    (r"http://localhost:\d+", "http://localhost:*"),
    ("http://localhost:.*", "http://localhost:*"),
    ("http://127.0.0.1:.*", "http://127.0.0.1:*"),
    (".*", "re.compile('.*')"),
    ("^.*$", "re.compile('^.*$')"),
    ("^(.*)", "re.compile('^(.*)')"),
    ("http.*", "re.compile('http.*')"),
    ("http.*?://.*", "re.compile('http.*?://.*')"),
    ("https://.*", "re.compile('https://.*')"),
    (r".*\.forestadmin\.com.*", r"re.compile('.*\\.forestadmin\\.com.*')"),
    ("chrome-extension://.*", "re.compile('chrome-extension://.*')"),
    ("chrome-extension://[a-z]{32}", "re.compile('chrome-extension://[a-z]{32}')"),
    (
        r"https://oraculo-frontend-.*-projects\.vercel\.app",
        r"re.compile('https://oraculo-frontend-.*-projects\\.vercel\\.app')",
    ),
    (r"https://.*-5173\.app\.github\.dev", r"re.compile('https://.*-5173\\.app\\.github\\.dev')"),
    (r"https://pr-\d+\.example\.com", r"re.compile('https://pr-\\d+\\.example\\.com')"),
    (r"^https://\w+\.uselotus\.io$", "https://*.uselotus.io"),
    (
        r"https://.*\.ngrok-free\.app|https://.*\.loca\.lt",
        r"re.compile('https://.*\\.ngrok-free\\.app|https://.*\\.loca\\.lt')",
    ),
    (
        r"^(https://a\.example|https://b\.example)$",
        r"re.compile('^(https://a\\.example|https://b\\.example)$')",
    ),
    (r"/https:\/\/.*\.example\.com$/", r"re.compile('https:\\/\\/.*\\.example\\.com$')"),
    ("https://(app|admin).example.com", "re.compile('https://(app|admin).example.com')"),
]
REFUSED = [
    ("http://localhost*:3000", "anyone can register"),
    ("chrome-extension://*", "the id of yours"),
    ("https://example.*", "anyone can register"),
    ("https://*-app.com", "anyone can register"),
    ("http://10.0.0.0/8", "or a regex"),
    ("192.168.0.0/16", "or a regex"),
    ("null", "serve the page over https"),
    ("NULL", "serve the page over https"),
    ("file://", "serve the page over https"),
    ("file://*", "serve the page over https"),
    ("file:///index.html", "serve the page over https"),
    ("data:", "serve the page over https"),
    ("about:blank", "serve the page over https"),
    ("blob:http://localhost:3000", "serve the page over https"),
    ("ftp://example.com", "serve the page over https"),
    ("*,http://localhost:3000", "write a list of strings"),
    ("chrome-extension://*,moz-extension://*,safari-web-extension://*", "write a list of strings"),
    ("https://<your-web>.vercel.app", "a placeholder"),
    ("https://<domain-frontend>.vercel.app,http://localhost:5500", "a placeholder"),
    ("http://${HOST}:3000", "a placeholder"),
    ("https://{{ domain }}", "a placeholder"),
    ("https://{tenant}.example.com", "a placeholder"),
    ("http://***REMOVED***:3000", "anyone can register"),
    ("http://127.0.0.1.*", "anyone can register"),
    ("https://[", "not an IPv6 address"),
]


# Compiled, with credentials: the fix, or None with what the reason says.
REGEXES: list[tuple[str, str | None, str]] = [
    (r"^https?://(localhost|127\.0\.0\.1)(:\d+)?$", None, "taken"),
    (r"^https?://(localhost|127\.0\.0\.1)(:[0-9]+)?$", None, "taken"),
    (r"https?://(localhost|127\.0\.0\.1)(:\d+)?", None, "taken"),
    (r"^https?://(127\.0\.0\.1|localhost):\d+$", None, "taken"),
    (r"http://(localhost|127\.0\.0\.1):\d+", None, "taken"),
    (r"^http://(localhost|127\.0\.0\.1):\d+$", None, "taken"),
    (r"^https?://localhost(:\d+)?$", None, "taken"),
    (r"http://localhost:\d+", None, "taken"),
    (r"http://localhost:[0-9]+", None, "taken"),
    (r"http://localhost(:\d+)?", None, "taken"),
    (r"http://127.0.0.1:.*", None, "taken"),
    (r"https://[a-z0-9-]+\.example\.com", None, "taken"),
    (r"https://.*\.example\.com", None, "taken"),
    (r"^https://\w+\.uselotus\.io$", None, "taken"),
    (r"https://.*-hzy3s-projects\.vercel\.app", None, "taken"),
    (r"^https://fitsphere-[a-z0-9]+-projects\.vercel\.app$", None, "taken"),
    (r"https://.*-5173\.app\.github\.dev", None, "taken"),
    (r"https://.*\.vercel\.app", None, "under vercel.app, a public suffix"),
    (r"^https://.*\.vercel\.app$", None, "under vercel.app, a public suffix"),
    (r"https://.*\.vercel\.app|http://localhost:3000", None, "under vercel.app, a public suffix"),
    (r"https://.*\.onrender\.com", None, "under onrender.com, a public suffix"),
    (r"https://.*\.railway\.app", None, "a public suffix"),
    (r"https://.*\.ngrok-free\.app|https://.*\.loca\.lt", None, "a public suffix"),
    (r"^https://.*\.gitpod\.io$", None, "taken"),
    (r"https://.*\.app\.github\.dev", None, "taken"),
    (r".*", None, "anyone can register"),
    (r"^.*$", None, "anyone can register"),
    (r"^(.*)", None, "anyone can register"),
    (r"https?://.*", None, "anyone can register"),
    (r"http.*", None, "anyone can register"),
    (r"http.*?://.*", None, "anyone can register"),
    (r"https://.*", None, "anyone can register"),
    (r"https://.*|http://localhost:.*|http://127.0.0.1:.*", None, "anyone can register"),
    (r"chrome-extension://.*", None, "anyone can register"),
    (r"chrome-extension://[a-p]{32}", None, "anyone can register"),
    (
        r"^https?://(localhost|127\.0\.0\.1|10\.0\.2\.2)(:\d+)?$",
        r"re.compile('^https://(localhost|127\\.0\\.0\\.1|10\\.0\\.2\\.2)(:\\d+)?$')",
        "http origins",
    ),
    (r"https?://a\.example(:\d+)?", r"re.compile('https://a\\.example(:\\d+)?')", "http origins"),
    (r"http://192\.168\.1\.\d+:5173", r"re.compile('https://192\\.168\\.1\\.\\d+:5173')", "http origins"),
    (r"https://([a-z]+)+\.example\.com", r"re.compile('https://[a-z]+\\.example\\.com')", "far too long"),
]


def the_problem_of(origins: Any, **arguments: Any) -> Problem:
    with pytest.raises(CORSConfigError) as raised:
        CORSPolicy(origins=origins, **arguments)
    return raised.value.problems[0]


def test_there_are_many() -> None:
    assert len({*TAKEN, *dict(FIXED), *dict(REFUSED)}) >= 150


@pytest.mark.parametrize("text", TAKEN)
def test_taken(text: str) -> None:
    assert CORSPolicy(origins=[text]).origins == (text,)


@pytest.mark.parametrize(("text", "fix"), FIXED)
def test_refused_with_a_fix_that_is_accepted(text: str, fix: str) -> None:
    with pytest.raises(CORSConfigError) as raised:
        CORSPolicy(origins=[text])
    (problem,) = raised.value.problems
    assert (problem.value, problem.fix) == (text, fix)
    assert str(raised.value).endswith(f"; write {problem.code} instead")
    # As somebody would paste it.
    pasted = eval(str(problem.code), {"re": re})  # noqa: S307
    CORSPolicy(origins=pasted)


@pytest.mark.parametrize(("text", "words"), REFUSED)
def test_refused_with_what_to_do(text: str, words: str) -> None:
    with pytest.raises(CORSConfigError) as raised:
        CORSPolicy(origins=[text])
    (problem,) = raised.value.problems
    assert (problem.value, problem.fix) == (text, None)
    assert words in problem.reason


@pytest.mark.parametrize(("pattern", "fix", "words"), REGEXES)
def test_regexes_with_credentials(pattern: str, fix: str | None, words: str) -> None:
    regex = re.compile(pattern)
    if words == "taken":
        assert CORSPolicy(origins=regex, allow_credentials=True).origins == (regex,)
        return
    problem = the_problem_of(regex, allow_credentials=True)
    assert (problem.value, problem.fix) == (regex, fix)
    assert words in problem.reason
    if fix is not None:
        CORSPolicy(origins=eval(fix, {"re": re}), allow_credentials=True)  # noqa: S307


@pytest.mark.parametrize(
    "text", ["a{99999999999}", "(" * 9000 + ")" * 9000, "(", "https://(a){99999999999}.*"]
)
def test_what_is_no_regex_is_not_compiled(text: str) -> None:
    assert compiled(text) is None
    assert the_problem_of(text).fix is None


near_regexes = st.lists(
    st.sampled_from(
        [
            "https",
            "http",
            "?",
            "://",
            ".*",
            "\\.",
            ".",
            "example",
            "com",
            "*",
            "-",
            "(",
            "|",
            ")",
            ":",
            "\\d+",
            "$",
            "^",
            "[a-z]+",
            "[",
            "]",
            "3000",
            '"',
            "'",
            ",",
            " ",
            "/",
            "localhost",
        ]
    ),
    max_size=10,
).map("".join)


@given(near_regexes)
def test_whatever_is_proposed_is_accepted_and_no_wider(text: str) -> None:
    """A regex that is fixed to origins or patterns must not have meant something else."""
    try:
        CORSPolicy(origins=[text])
    except CORSConfigError as error:
        (problem,) = error.problems
        if problem.code is not None:
            pasted = eval(problem.code, {"re": re})  # noqa: S307
            try:
                CORSPolicy(origins=pasted)
            except CORSConfigError as refused:
                assert "far too long" in str(refused) or pasted == "*"  # noqa: PT017
