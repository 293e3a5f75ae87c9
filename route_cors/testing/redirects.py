"""The effect of a redirect on a request.

https://fetch.spec.whatwg.org/#concept-http-redirect-fetch
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from route_cors.testing.checks import Refused
from route_cors.testing.engines import STANDARD
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from route_cors.testing.engines import Engine
    from route_cors.testing.url_list import UrlList
    from route_cors.testing.urls import Url

_MOST_REDIRECTS: Final = 20


def location_url(values: tuple[str, ...], current: Url, engine: Engine = STANDARD) -> Url | None:
    """The URL of a redirect (https://fetch.spec.whatwg.org/#concept-response-location-url).

    Args:
        values: of the Location headers.
        current: the URL of the response.
        engine: of the browser.

    Returns:
        None if there is no such header.

    Raises:
        Refused: it cannot be read, or there are several.
    """
    values = _as_read(values, engine)
    if not values:
        return None
    first, *others = values
    if others:
        said = f"Several Location headers: {', '.join(values)}."
        raise Refused(
            "redirect", said, fix="one of them", by_policy=False, cause="the redirect has several Locations"
        )
    try:
        location = parse_url(first, current)
    except ValueError as error:
        said = f"The redirect is not valid: {error}."
        cause = "the Location of the redirect is not a URL"
        raise Refused("redirect", said, fix="a valid Location", by_policy=False, cause=cause) from None
    if location.fragment is None and current.fragment is not None:
        return location.with_fragment(current.fragment)
    return location


def check_redirect(location: Url, urls: UrlList, *, mode: str, is_tainted: bool) -> None:
    """Check whether a redirect may be followed.

    Args:
        location: the new URL.
        urls: the URLs of the request so far.
        mode: of the request.
        is_tainted: whether its response tainting is `cors`.

    Raises:
        Refused: it may not.
    """
    if location.scheme not in {"http", "https"}:
        raise Refused(
            "redirect",
            "Cross origin requests are only supported for protocol schemes: http, https.",
            fix="a Location of http or https",
            cause=f"the redirect leads to the scheme {location.scheme}",
        )
    if len(urls.urls) > _MOST_REDIRECTS:
        said = f"More than {_MOST_REDIRECTS} redirects."
        cause = "there are too many redirects"
        raise Refused("redirect", said, fix="fewer redirects", by_policy=False, cause=cause)
    crosses = mode == "cors" and location.origin != urls.page.origin
    never = mode != "navigate" and not urls.page.engine.redirects_to_userinfo
    if location.has_credentials and (crosses or is_tainted or never):
        raise Refused(
            "redirect",
            f"Redirect location '{location.href}' contains a username and password, which is disallowed "
            "for cross-origin requests.",
            fix="a Location without a username and password",
            cause="the redirect leads to a URL with a username or password",
        )


def _as_read(values: tuple[str, ...], engine: Engine) -> tuple[str, ...]:
    """The values as an engine reads them."""
    if engine.repeated_location == "one" and len(set(values)) == 1:
        values = values[:1]
    if engine.repeated_location == "joined" and values:
        values = (", ".join(values),)
    if values != ("",):
        return values
    if engine.empty_location == "an error":
        said = "The Location is empty."
        cause = "the Location of the redirect is empty"
        raise Refused("redirect", said, fix="a URL as the Location", by_policy=False, cause=cause)
    return () if engine.empty_location == "none" else values


def becomes_get(status_code: int, method: str) -> bool:
    """Whether a redirect turns a request into a GET without a body.

    >>> becomes_get(302, "POST"), becomes_get(302, "PUT"), becomes_get(303, "PUT"), becomes_get(307, "POST")
    (True, False, True, False)
    """
    match status_code:
        case 301 | 302:
            return method == "POST"
        case 303:
            return method not in {"GET", "HEAD"}
        case _:
            return False
