"""What pages read, what a preflight allows, and what a cache may keep."""

from __future__ import annotations

from typing import Final

from browser.field.calls import (
    CLIENT,
    OWN,
    Call,
    all_of,
    answers,
    blocked,
    blocked_before_the_request,
    is_approved,
    is_not_echoed,
    names_it_once,
    preflights,
    reads,
    tells_nothing,
    varies_by,
    whole_in_a_cache,
)
from browser.field.rows import (
    CACHES,
    CHECK,
    CORS,
    FETCH,
    JSON,
    LISTS,
    NO_PART,
    OPTIONS,
    PREFLIGHT,
    TOKEN,
    VARY,
    Scenario,
    put,
    scenario,
    with_cookies,
)
from browser.field.setups import APP, EVIL, OTHER

__all__ = ["REQUESTS"]

_READING: Final = (
    scenario("get", "one", Call(APP), "the page reads it", reads(), CHECK, in_chromium=True),
    scenario(
        "get-of-a-stranger", "one", Call(EVIL), "the page cannot read it", blocked, CHECK, in_chromium=True
    ),
    scenario(
        "exposed-header", "one", Call(APP), "the page reads X-Id", reads(x_id="7"), CORS, in_chromium=True
    ),
    scenario(
        "exposed-on-an-error",
        "one",
        Call(APP, "/hidden"),
        "the page reads the 404 and its X-Id",
        reads(404, x_id="7"),
        CORS,
    ),
    scenario("returned-401", "one", Call(APP, "/account"), "the page reads the 401", reads(401), CORS),
    scenario("raised-418", "one", Call(APP, "/teapot"), "the page reads the 418", reads(418), CORS),
    scenario(
        "raised-error",
        "one",
        Call(APP, "/boom"),
        "the page reads the 500",
        reads(500),
        CORS,
        in_chromium=True,
    ),
    scenario("no-such-path", "one", Call(APP, "/nowhere"), "the page reads the 404", reads(404), CORS),
    scenario(
        "no-such-method",
        "one",
        Call(APP, "/account", "POST", content="a"),
        "the page reads the 405",
        reads(405),
        CORS,
    ),
    scenario(
        "redirect",
        "one",
        Call(APP, "/moved"),
        "the page follows it and reads /notes",
        reads(),
        f"{FETCH}#http-redirect-fetch",
        in_chromium=True,
    ),
    scenario(
        "handler-sets-the-header",
        "one",
        Call(APP, "/own"),
        "one Access-Control-Allow-Origin, that of the policy",
        all_of(reads(), names_it_once),
        CHECK,
        in_chromium=True,
    ),
)

_PREFLIGHTS: Final = (
    scenario(
        "put",
        "one",
        put(APP, headers=(*JSON, *TOKEN)),
        "the page reads it",
        reads(),
        PREFLIGHT,
        in_chromium=True,
    ),
    scenario("delete", "one", Call(APP, method="DELETE"), "the page reads it", reads(), PREFLIGHT),
    scenario(
        "put-of-a-stranger",
        "one",
        put(EVIL),
        "the PUT is not sent",
        blocked_before_the_request,
        PREFLIGHT,
        in_chromium=True,
    ),
    scenario(
        "another-method",
        "one",
        Call(APP, method="PATCH", content="{}"),
        "the PATCH is not sent",
        blocked_before_the_request,
        PREFLIGHT,
    ),
    scenario(
        "another-header",
        "one",
        Call(APP, headers=(("X-Other", "1"),)),
        "the GET is not sent",
        blocked_before_the_request,
        PREFLIGHT,
        in_chromium=True,
    ),
    scenario(
        "preflight-kept",
        "one",
        (put(APP), put(APP)),
        "one preflight for both",
        preflights(1),
        f"{FETCH}#cors-preflight-cache",
    ),
    scenario(
        "preflight-not-kept",
        "fresh",
        (put(APP), put(APP)),
        "a preflight for each",
        preflights(2),
        f"{FETCH}#http-access-control-max-age",
    ),
    scenario(
        "empty-elements",
        "one",
        Call(
            CLIENT,
            method="OPTIONS",
            headers=(
                ("Origin", APP),
                ("Access-Control-Request-Method", "PUT"),
                ("Access-Control-Request-Headers", "content-type, ,x-token,"),
            ),
        ),
        "empty elements of the list are ignored: the preflight is approved",
        is_approved,
        LISTS,
    ),
    scenario(
        "eight-thousand-commas",
        "one",
        Call(
            CLIENT,
            method="OPTIONS",
            headers=(
                ("Origin", APP),
                ("Access-Control-Request-Method", "PUT"),
                ("Access-Control-Request-Headers", "," * 8000),
            ),
        ),
        "no server error, and an answer shorter than the question",
        is_not_echoed,
        LISTS,
    ),
    scenario(
        "options-of-the-app",
        "one",
        Call(OWN, "/described", "OPTIONS"),
        "the app's own OPTIONS handler answers, as this is no preflight",
        all_of(reads(), answers(b"options of the app")),
        OPTIONS,
    ),
    scenario(
        "options-after-a-preflight",
        "one",
        Call(APP, "/described", "OPTIONS"),
        "the preflight is approved, and the app's own OPTIONS handler answers the OPTIONS after it",
        all_of(reads(), answers(b"options of the app")),
        OPTIONS,
    ),
)

_OTHERS_THAN_PAGES: Final = (
    scenario(
        "own-page",
        "one",
        Call(OWN, method="POST", content="a"),
        "the site's own page posts, with its Origin",
        reads(),
        f"{FETCH}#origin-header",
    ),
    scenario("own-page-put", "one", put(OWN), "the site's own page puts", reads(), f"{FETCH}#origin-header"),
    scenario(
        "no-browser",
        "one",
        Call(CLIENT, method="POST", content="a"),
        "a client without Origin is served",
        reads(),
        CORS,
    ),
)

_DISCLOSURE: Final = (
    scenario(
        "nothing-for-a-stranger",
        "one",
        Call(EVIL),
        "no header of CORS but the allowed origin",
        tells_nothing,
        NO_PART,
    ),
    scenario(
        "nothing-for-a-stranger-with-cookies",
        "two",
        with_cookies(EVIL),
        "no header of CORS but the allowed origin",
        tells_nothing,
        NO_PART,
    ),
    scenario(
        "nothing-for-a-strangers-preflight",
        "two",
        put(EVIL, cookies=True),
        "no header of CORS but the allowed origin",
        tells_nothing,
        NO_PART,
    ),
)

_CACHED: Final = "what a cache keeps of the first call can be read by the page of the second"
_IN_CACHES: Final = (
    scenario(
        "cached-for-a-client", "one", (Call(APP, how="open"), Call(APP)), _CACHED, whole_in_a_cache, CACHES
    ),
    scenario("cached-for-a-stranger", "one", (Call(EVIL), Call(APP)), _CACHED, whole_in_a_cache, CACHES),
    scenario("cached-for-another", "two", (Call(OTHER), Call(APP)), _CACHED, whole_in_a_cache, CACHES),
    scenario(
        "cached-by-subdomain",
        "subdomains",
        (Call(EVIL), Call("https://x.app.example")),
        _CACHED,
        whole_in_a_cache,
        CACHES,
    ),
    scenario(
        "cached-for-everybody", "any", (Call(APP, how="open"), Call(EVIL)), _CACHED, whole_in_a_cache, CACHES
    ),
    scenario(
        "vary-of-the-app",
        "two",
        Call(APP, "/varies"),
        "Vary names both Origin and the app's Accept-Encoding",
        varies_by("Origin", "Accept-Encoding"),
        VARY,
    ),
)


REQUESTS: Final[tuple[Scenario, ...]] = (
    *_READING,
    *_PREFLIGHTS,
    *_OTHERS_THAN_PAGES,
    *_DISCLOSURE,
    *_IN_CACHES,
)
