"""A browser without a network: pages, requests, and servers that answer from a table."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar, get_args

import pytest

from route_cors.testing.cache import PreflightCache
from route_cors.testing.cookies import Cookies
from route_cors.testing.engines import EngineName, engine_named
from route_cors.testing.fetch import fetch
from route_cors.testing.history import CORSBlocked, History
from route_cors.testing.messages import Headers, ReceivedResponse, Response, SentRequest
from route_cors.testing.page import Page
from route_cors.testing.request import Body, Request, build_request
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from route_cors.testing.referrer import ReferrerPolicy
    from route_cors.testing.request import Credentials, HeadersInit, Mode, Redirect
    from route_cors.testing.urls import Url

PAGE = "https://app.example.com"
SIBLING = "https://api.example.com"  # another origin, the same site
STRANGER = "https://stranger.example"  # another site
THIRD = "https://third.example"  # yet another one

FOR_ANY = "Access-Control-Allow-Origin: *"
FOR_PAGE = f"Access-Control-Allow-Origin: {PAGE}"
FOR_NULL = "Access-Control-Allow-Origin: null"
WITH_CREDENTIALS = "Access-Control-Allow-Credentials: true"
ALLOW_PUT = "Access-Control-Allow-Methods: PUT"

URL = f"{SIBLING}/notes"
OWN_URL = f"{PAGE}/notes"

ENGINES: Final[tuple[EngineName, ...]] = get_args(EngineName)
EVERY_ENGINE = pytest.mark.parametrize("engine", ENGINES)

Server: TypeAlias = Callable[[SentRequest], ReceivedResponse]
_Result = TypeVar("_Result")


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def open_page(
    origin: str = PAGE, *, clock: Callable[[], float] = lambda: 0.0, engine: EngineName = "standard"
) -> Page:
    """A page of a new browser."""
    played = engine_named(engine)
    return Page(
        origin=origin,
        url=None if origin == "null" else parse_url(origin),
        cookies=Cookies(parse_url(f"{SIBLING}/"), played),
        preflight_cache=PreflightCache(clock, played),
        history=History(),
        engine=played,
    )


def with_cookies(page: Page, *urls: str) -> Page:
    """Two cookies for each host: one that stays within its site, one that does not."""
    for url in urls:
        page.cookies.store(
            ["near=1; Path=/", "far=2; Path=/; SameSite=None; Secure"], parse_url(url), same_site=True
        )
    return page


def a_request(
    url: str = f"{SIBLING}/",
    *,
    base: Url | None = None,
    method: str = "GET",
    headers: HeadersInit | None = None,
    content: str | bytes | None = None,
    json: Any = None,
    data: Mapping[str, Any] | None = None,
    mode: Mode = "cors",
    credentials: Credentials = "same-origin",
    redirect: Redirect = "follow",
    referrer_policy: ReferrerPolicy = "",
) -> Request:
    """What a script hands to fetch; without arguments, what it hands over most often."""
    return build_request(
        url,
        base=base,
        method=method,
        headers=headers,
        body=Body(content, json, data),
        mode=mode,
        credentials=credentials,
        redirect=redirect,
        referrer_policy=referrer_policy,
    )


def answer(
    status: int = 200, *lines: str, content: bytes = b"", error: BaseException | None = None
) -> ReceivedResponse:
    """A response whose headers are written as they are on the wire: `Name: value`."""
    pairs = (line.partition(":") for line in lines)
    headers = Headers((name, value) for name, _, value in pairs)
    return ReceivedResponse(status, headers, content, error)


def redirect(location: str, *lines: str, status: int = 307) -> ReceivedResponse:
    return answer(status, f"Location: {location}", *lines)


def serving(answers: Mapping[str, ReceivedResponse]) -> Server:
    """A server that knows requests by `METHOD url` or by the URL alone. Any other one fails the test."""

    def server(sent: SentRequest) -> ReceivedResponse:
        for known in (f"{sent.method} {sent.url}", sent.url):
            if known in answers:
                return answers[known]
        pytest.fail(f"nobody expected {sent.method} {sent.url}")

    return server


def always(response: ReceivedResponse) -> Server:
    """A server that has one answer to everything."""
    return lambda _: response


def drive(steps: Generator[SentRequest, ReceivedResponse, _Result], server: Server) -> _Result:
    """Send what the machine wants sent, until it returns."""
    try:
        sent = next(steps)
        while True:
            sent = steps.send(server(sent))
    except StopIteration as done:
        result: _Result = done.value
        return result


def fetched(page: Page, request: Request, server: Server) -> Response:
    """What the script sees."""
    return drive(fetch(page, request), server)


def blocked(page: Page, request: Request, server: Server) -> CORSBlocked:
    """The error that the script gets in place of a response."""
    with pytest.raises(CORSBlocked) as caught:
        fetched(page, request, server)
    return caught.value


def log(page: Page) -> list[str]:
    """The requests that were sent, one a line."""
    return [f"{exchange.request.method} {exchange.request.url}" for exchange in page.history.sent]


def last_sent(page: Page) -> SentRequest:
    return page.history.sent[-1].request
