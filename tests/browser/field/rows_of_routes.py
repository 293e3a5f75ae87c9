"""A policy for each route, and websockets."""

from __future__ import annotations

from typing import Final

from browser.field.calls import Call, blocked, blocked_before_the_request, reads
from browser.field.rows import CORS, JSON, WEBSOCKET, Scenario, put, scenario, with_cookies
from browser.field.setups import APP, EVIL, OTHER

__all__ = ["ROUTES"]

_PER_ROUTE: Final = (
    scenario(
        "public-route", "routes", Call(EVIL, "/public"), "the page reads it", reads(), CORS, in_chromium=True
    ),
    scenario(
        "private-route-of-a-stranger",
        "routes",
        with_cookies(EVIL, "/private"),
        "the page cannot read it",
        blocked,
        CORS,
        in_chromium=True,
    ),
    scenario(
        "private-route-put",
        "routes",
        put(APP, "/private", cookies=True, headers=JSON),
        "the page reads it",
        reads(),
        CORS,
        in_chromium=True,
    ),
    scenario(
        "private-route-put-of-a-stranger",
        "routes",
        put(EVIL, "/private", cookies=True),
        "the PUT is not sent",
        blocked_before_the_request,
        CORS,
    ),
    scenario("closed-route", "routes", Call(APP, "/closed"), "the page cannot read it", blocked, CORS),
    scenario(
        "closed-route-put",
        "routes",
        put(APP, "/closed"),
        "the PUT is not sent",
        blocked_before_the_request,
        CORS,
    ),
    scenario(
        "one-path-get",
        "routes",
        Call(OTHER, "/shared"),
        "the page cannot read what GET's policy keeps from it",
        blocked,
        CORS,
    ),
    scenario(
        "one-path-put",
        "routes",
        put(OTHER, "/shared", cookies=True),
        "the page reads it by PUT's policy",
        reads(),
        CORS,
        in_chromium=True,
    ),
    scenario(
        "one-path-put-of-another",
        "routes",
        put(APP, "/shared", cookies=True),
        "the PUT is not sent: GET's policy is another",
        blocked_before_the_request,
        CORS,
        in_chromium=True,
    ),
    scenario(
        "overlapping-paths",
        "routes",
        put(APP, "/users/merge", cookies=True),
        "the page reads it by the policy of PUT /users/merge",
        reads(),
        CORS,
    ),
    scenario(
        "overlapping-paths-of-a-stranger",
        "routes",
        put(EVIL, "/users/merge"),
        "the PUT is not sent: the policy of GET /users/{name} is another",
        blocked_before_the_request,
        CORS,
    ),
    scenario(
        "private-route-error",
        "routes",
        with_cookies(APP, "/private/boom"),
        "the page reads the 500",
        reads(500),
        CORS,
    ),
    scenario(
        "private-route-418",
        "routes",
        with_cookies(APP, "/private/teapot"),
        "the page reads the 418",
        reads(418),
        CORS,
    ),
)

_WEBSOCKETS: Final = (
    scenario(
        "websocket", "websocket", Call(APP, "/socket", how="websocket"), "it opens", reads(101), WEBSOCKET
    ),
    scenario(
        "websocket-of-a-stranger",
        "websocket",
        Call(EVIL, "/socket", how="websocket"),
        "it does not open",
        blocked,
        WEBSOCKET,
    ),
)


ROUTES: Final[tuple[Scenario, ...]] = (*_PER_ROUTE, *_WEBSOCKETS)
