"""Where browsers differ from the standard: what `Browser(..., engine="firefox")` plays.

Each difference was seen in Chromium 156, Firefox 153 or WebKitGTK 2.50 with their default settings, except
for the limits of the preflight cache, which are read from their sources. Safari has WebKit's engine and its
own settings: it also sends no cookies to other sites, where WebKitGTK only stores none from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

EngineName: TypeAlias = Literal["standard", "chromium", "firefox", "webkit"]
"""Whose behaviour is played. `standard`: that of the Fetch and HTML standards and RFC 6265bis."""


CachedWildcard: TypeAlias = Literal[
    "always", "stored without credentials", "asked without credentials", "never"
]
"""When a `*` in the preflight cache stands for all names."""

BodyHeaders: TypeAlias = Literal["never", "with 307 and 308", "with CORS, or after 307 and 308"]
"""When the headers of a body that a redirect took away are sent with what the next redirects lead to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """What one engine does where engines differ. The defaults are the standard's."""

    # Preflights

    # https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name: `*` does not grant Authorization.
    wildcard_grants_authorization: bool = False
    # A listener for uploads forces a preflight even if there is no body: the method send of
    # https://xhr.spec.whatwg.org/
    upload_listener_needs_body: bool = False
    # https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names looks at each header by itself.
    joins_repeated_headers: bool = False
    # DPR, Save-Data and other client hints are not CORS-safelisted. Chromium: cors.cc
    safelists_client_hints: bool = False
    # https://fetch.spec.whatwg.org/#simple-range-header-value: numbers of any length. None: no limit.
    largest_range_number: int | None = None

    # https://fetch.spec.whatwg.org/#cors-unsafe-request-header-byte: bytes from 0x80 on are safe.
    safelists_non_ascii: bool = True
    # Safelisted headers of more than 1024 bytes together need a preflight.
    limits_safelisted_size: bool = True
    # Headers that a redirect removes are not named by the next preflight.
    preflight_names_removed_headers: bool = False

    # The preflight cache

    # In seconds. The standard leaves it to the browser. Chromium sets it in preflight_result.cc, Firefox
    # in nsCORSListenerProxy.cpp, and WebKit in CrossOriginPreflightResultCache.cpp.
    longest_max_age: int = 7200
    # Seconds for an Access-Control-Max-Age that is not a number: below zero, and otherwise.
    max_age_of_negative: int = 5
    max_age_of_nonsense: int = 5
    # https://fetch.spec.whatwg.org/#concept-cache-create-entry knows the origin `null` as any other.
    caches_null_origin: bool = True
    # The last preflight of a URL replaces what others granted, and a request that needs more removes it. A
    # response that is blocked then leaves it.
    caches_one_answer: bool = False
    # Whether a cached `*` stands for all names: the standard's entries do, whatever the credentials.
    cached_wildcard: CachedWildcard = "always"
    # Where `*` stands for Authorization in a preflight, it does so in the cache as well.
    cached_wildcard_grants_authorization: bool = True
    # What was granted with credentials counts without them too.
    caches_by_credentials: bool = False
    # HEAD is safelisted, and so is never looked up in the cache.
    looks_up_head: bool = False
    # What a forced preflight granted counts for the next one as well.
    caches_forced_preflights: bool = True
    # A preflight after a redirect to another origin names the origin `null`, as the request itself does.
    preflight_names_page: bool = False

    # Redirects

    # https://fetch.spec.whatwg.org/#concept-http-redirect-fetch: refused across origins only.
    redirects_to_userinfo: bool = True
    # https://fetch.spec.whatwg.org/#concept-response-location-url: an empty reference is the URL itself.
    empty_location: Literal["the URL itself", "none", "an error"] = "the URL itself"
    # The same: several values cannot be extracted.
    repeated_location: Literal["an error", "one", "joined"] = "an error"
    # For redirect "error" the status decides, and not whether there is a Location.
    needs_location_for_error: bool = False
    # For redirect "manual" the Location is not read.
    reads_location_for_manual: bool = False
    # A redirect without a cross-origin one before it leaves the Origin of a POST of mode no-cors as it is.
    hides_origin_after_redirect: bool = False
    # Credentials "same-origin" send no cookies once the request has left its origin.
    keeps_credentials_after_redirect: bool = False
    # So a redirect that another origin then answers with is judged as one of a request without credentials.
    checks_redirects_with_first_credentials: bool = False
    # Where a redirect has made a POST a GET, the Content-Type and others are gone, also after the next one.
    body_headers_return: BodyHeaders = "never"
    # For redirect "manual" a script cannot read any part of a redirect, even one without a Location.
    shows_body_of_redirect_without_location: bool = False

    # Origin and Sec-Fetch-*

    # https://fetch.spec.whatwg.org/#append-a-request-origin-header: `no-referrer` hides it, but in mode cors.
    origin_follows_referrer_policy: bool = True
    # The same: a GET of mode no-cors has none. Firefox: nsHttpChannel::SetOriginHeader
    sandboxed_get_has_origin: bool = False
    # The same: a POST that a redirect makes a GET loses it, also within its origin.
    keeps_origin_after_redirect: bool = False
    # https://w3c.github.io/webappsec-fetch-metadata/: a handshake has the headers of any request.
    websocket_has_metadata: bool = True
    # The same: Sec-Fetch-Site is about all URLs of a request.
    redirected_same_site_is_cross_site: bool = False
    cors_redirect_to_other_origin_has_metadata: bool = True
    preflight_site_of: Literal["all URLs", "the last URL", "the Origin header"] = "all URLs"

    # Cookies

    # https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis: what no SameSite means.
    default_same_site: Literal["lax", "none"] = "lax"
    # Seconds in which a new cookie without SameSite is also sent with a cross-site form's POST.
    # https://chromestatus.com/feature/5088147346030592
    lax_allows_post_for: int = 0
    # SameSite=None needs Secure, and Secure needs https or this machine.
    none_needs_secure: bool = True
    loopback_is_secure: bool = True
    # A cross-site redirect on the way makes a request one of another site.
    same_site_looks_at_redirects: bool = True
    # Of other sites than the page's. Firefox keeps a jar for each page's site:
    # https://developer.mozilla.org/en-US/docs/Web/Privacy/Guides/State_Partitioning
    third_party_cookies: Literal["like others", "in a jar of their own", "not stored"] = "like others"
    # A tab inside of a cookie belongs to it.
    tab_in_cookie: Literal["kept", "refused", "ends the value"] = "kept"
    # A cookie that gets a new value keeps its position.
    new_value_moves_cookie: bool = False

    # Bodies and streams

    # https://fetch.spec.whatwg.org/#concept-http-network-or-cache-fetch: checked after the preflight.
    checks_keepalive_first: bool = False
    # https://fetch.spec.whatwg.org/#dom-request. Without support a stream is "[object ReadableStream]", or an
    # error. Chromium sends none over HTTP/1.1, and browsers speak HTTP/2 over TLS only.
    request_streams: Literal["sent", "sent over TLS", "as text", "an error"] = "sent"
    # https://html.spec.whatwg.org/multipage/server-sent-events.html: only the type itself matters.
    event_stream_is_utf_8: bool = False
    # Where an EventSource that was redirected connects again. The standard fetches the same request again and
    # does not say from where.
    reconnects_to: Literal["the first URL", "the last URL", "the last permanent URL"] = "the first URL"


STANDARD: Final = Engine()

_ENGINES: Final[dict[str, Engine]] = {
    "standard": STANDARD,
    "chromium": Engine(
        wildcard_grants_authorization=True,
        upload_listener_needs_body=True,
        joins_repeated_headers=True,
        safelists_client_hints=True,
        largest_range_number=2**63 - 1,
        longest_max_age=7200,
        max_age_of_negative=0,
        caches_null_origin=False,
        caches_one_answer=True,
        cached_wildcard="stored without credentials",
        cached_wildcard_grants_authorization=False,
        redirects_to_userinfo=False,
        empty_location="none",
        repeated_location="one",
        needs_location_for_error=True,
        reads_location_for_manual=True,
        hides_origin_after_redirect=True,
        origin_follows_referrer_policy=False,
        websocket_has_metadata=False,
        preflight_site_of="the last URL",
        lax_allows_post_for=120,
        same_site_looks_at_redirects=False,
        tab_in_cookie="refused",
        new_value_moves_cookie=True,
        checks_keepalive_first=True,
        request_streams="sent over TLS",
        event_stream_is_utf_8=True,
        reconnects_to="the last URL",
    ),
    "firefox": Engine(
        wildcard_grants_authorization=True,
        safelists_non_ascii=False,
        limits_safelisted_size=False,
        longest_max_age=86_400,
        max_age_of_negative=0,
        max_age_of_nonsense=0,
        caches_null_origin=False,
        cached_wildcard="never",
        caches_by_credentials=True,
        looks_up_head=True,
        caches_forced_preflights=False,
        preflight_names_page=True,
        repeated_location="one",
        body_headers_return="with 307 and 308",
        sandboxed_get_has_origin=True,
        redirected_same_site_is_cross_site=True,
        preflight_site_of="the last URL",
        default_same_site="none",
        same_site_looks_at_redirects=False,
        third_party_cookies="in a jar of their own",
        checks_keepalive_first=True,
        request_streams="as text",
        reconnects_to="the last permanent URL",
    ),
    "webkit": Engine(
        wildcard_grants_authorization=True,
        joins_repeated_headers=True,
        preflight_names_removed_headers=True,
        longest_max_age=600,
        max_age_of_negative=0,
        caches_one_answer=True,
        cached_wildcard="asked without credentials",
        empty_location="an error",
        repeated_location="joined",
        needs_location_for_error=True,
        keeps_credentials_after_redirect=True,
        checks_redirects_with_first_credentials=True,
        body_headers_return="with CORS, or after 307 and 308",
        shows_body_of_redirect_without_location=True,
        keeps_origin_after_redirect=True,
        cors_redirect_to_other_origin_has_metadata=False,
        preflight_site_of="the Origin header",
        default_same_site="none",
        none_needs_secure=False,
        loopback_is_secure=False,
        same_site_looks_at_redirects=False,
        third_party_cookies="not stored",
        tab_in_cookie="ends the value",
        checks_keepalive_first=True,
        request_streams="an error",
    ),
}


def engine_named(name: EngineName) -> Engine:
    """The engine of that name.

    Raises:
        ValueError: there is no such engine; the message lists all of them.

    >>> engine_named("webkit").longest_max_age
    600
    """
    known = get_args(EngineName)
    if name not in known:
        raise ValueError(f"engine: {name!r}: must be one of {', '.join(map(repr, known))}")
    return _ENGINES[name]
