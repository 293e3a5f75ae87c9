"""What holds whatever a server answers, and in whatever order a page asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple, get_args

from hypothesis import given, settings
from hypothesis import strategies as st

from route_cors.testing.fetch import fetch, navigate
from route_cors.testing.forms import EncType, FormMethod, build_submission
from route_cors.testing.history import CORSBlocked
from route_cors.testing.messages import Headers, Navigation, ReceivedResponse
from route_cors.testing.referrer import ReferrerPolicy
from route_cors.testing.request import Credentials
from route_cors.testing.urls import parse_url

from .machine import (
    PAGE,
    SIBLING,
    STRANGER,
    Clock,
    Server,
    a_request,
    drive,
    open_page,
    with_cookies,
)

if TYPE_CHECKING:
    from route_cors.testing.messages import Response, SentRequest
    from route_cors.testing.page import Page
    from route_cors.testing.request import Request

_HOSTS = (PAGE, SIBLING, STRANGER)
_URLS = [f"{host}/{path}" for host in _HOSTS for path in ("", "x")]
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "patch")
_UNSAFE = ("authorization", "content-type", "x-token")
# One redirect more than are followed, each of them preflighted.
_MOST_REQUESTS = 2 * 21

_locations = st.sampled_from(
    [*_URLS, "/x", "x", "", "#y", "https://me@api.example.com/", "ftp://a.example/", "https://", "//"]
)
_values = st.text(st.characters(max_codepoint=0xFF), max_size=12)
_headers = st.one_of(
    st.tuples(
        st.just("Access-Control-Allow-Origin"),
        st.sampled_from(["*", "null", PAGE, SIBLING, f"{PAGE}, *"]) | _values,
    ),
    st.tuples(st.just("Access-Control-Allow-Credentials"), st.sampled_from(["true", "TRUE"]) | _values),
    st.tuples(
        st.just("Access-Control-Allow-Methods"),
        st.lists(st.sampled_from([*_METHODS, "*", "", "a b"])).map(", ".join) | _values,
    ),
    st.tuples(
        st.just("access-control-allow-headers"),
        st.lists(st.sampled_from([*_UNSAFE, "X-TOKEN", "*", "", "a b"])).map(",".join) | _values,
    ),
    st.tuples(st.just("Access-Control-Max-Age"), st.sampled_from(["0", "1", "9999999"]) | _values),
    st.tuples(st.just("Access-Control-Expose-Headers"), st.sampled_from(["*", "x-id, set-cookie"]) | _values),
    st.tuples(st.just("Location"), _locations | _values),
    st.tuples(
        st.just("Set-Cookie"), st.sampled_from(["a=b", "c=d; SameSite=None; Secure; Path=/"]) | _values
    ),
    st.tuples(_values, _values),
)
# Without help hardly any would get past the first check.
_helpful = st.fixed_dictionaries(
    {"Access-Control-Allow-Origin": st.sampled_from(["*", PAGE, "null"])},
    optional={
        "Access-Control-Allow-Credentials": st.just("true"),
        "Access-Control-Allow-Methods": st.sampled_from(["*", "PUT, DELETE, patch"]),
        "Access-Control-Allow-Headers": st.sampled_from(["*", ", ".join(_UNSAFE), "x-token"]),
        "Access-Control-Max-Age": st.sampled_from(["0", "10", "600"]),
        "Location": _locations,
    },
).map(lambda headers: [*headers.items()])
_responses = st.builds(
    lambda status, headers, content: ReceivedResponse(status, Headers(headers), content),
    st.sampled_from([200, 204, 301, 302, 303, 307, 308, 404]) | st.integers(100, 599),
    _helpful | st.lists(_headers, max_size=6),
    st.binary(max_size=5),
)
_grants = st.builds(
    lambda status, headers: ReceivedResponse(status, Headers(headers)),
    st.sampled_from([204, 204, 307]),
    _helpful,
)
_requests = st.builds(
    a_request,
    st.sampled_from(_URLS),
    method=st.sampled_from(_METHODS),
    headers=st.dictionaries(
        st.sampled_from(["Authorization", "X-Token", "Accept"]), st.sampled_from(["a", "b"])
    )
    | st.just({"Content-Type": "application/json"}),
    credentials=st.sampled_from(get_args(Credentials)),
    redirect=st.sampled_from(["follow", "follow", "manual", "error"]),
)
_opaque_requests = st.builds(
    a_request,
    st.sampled_from(_URLS),
    method=st.sampled_from(_METHODS[:3]),
    headers=st.just({"X-Token": "t", "Accept": "a"}),
    mode=st.sampled_from(["no-cors", "same-origin"]),
    credentials=st.sampled_from(get_args(Credentials)),
)


class Seen(NamedTuple):
    """One exchange, as the server remembers it."""

    sent: SentRequest
    response: ReceivedResponse
    now: float
    include: bool


@dataclass
class Hostile:
    """A server that answers anything, and remembers what it granted to whom."""

    data: st.DataObject
    include: bool = False
    clock: Clock = field(default_factory=Clock)
    seen: list[Seen] = field(default_factory=list)

    def __call__(self, sent: SentRequest) -> ReceivedResponse:
        is_preflight = sent.method == "OPTIONS"
        response = self.data.draw(_grants | _responses if is_preflight else _responses)
        self.seen.append(Seen(sent, response, self.clock.now, self.include))
        return response

    def has_granted(self, sent: SentRequest) -> bool:
        """Whether preflights cover this request: the standard's words, once more and shorter."""
        grants = [
            grant
            for seen in self.seen
            if seen.sent.method == "OPTIONS" and seen.sent.url == sent.url
            if seen.sent.headers["origin"] == sent.headers["origin"] and seen.include >= self.include
            if (grant := _grant(seen)) is not None
            if self.clock.now - seen.now < grant.max_age or seen is self.seen[-1]
        ]
        methods = {"GET", "HEAD", "POST"}.union(*(grant.methods for grant in grants))
        names: set[str] = set().union(*(grant.names for grant in grants))
        return ("*" in methods or sent.method in methods) and all(
            name in names or ("*" in names and name != "authorization") for name in _unsafe_names(sent)
        )


class Grant(NamedTuple):
    methods: set[str]
    names: set[str]
    max_age: int


def _grant(seen: Seen) -> Grant | None:
    headers = seen.response.headers
    allowed = headers.get("access-control-allow-origin")
    by_name = allowed == seen.sent.headers["origin"]
    if not 200 <= seen.response.status_code < 300 or not (by_name or (allowed == "*" and not seen.include)):
        return None
    if seen.include and headers.get("access-control-allow-credentials") != "true":
        return None
    methods = headers.get("access-control-allow-methods", "").split(",")
    names = headers.get("access-control-allow-headers", "").lower().split(",")
    max_age = headers.get("access-control-max-age", "")
    return Grant(
        {method.strip(" \t") for method in methods},
        {name.strip(" \t") for name in names},
        min(int(max_age), 7200) if max_age.isascii() and max_age.isdigit() else 5,
    )


def _unsafe_names(sent: SentRequest) -> set[str]:
    unsafe = {"authorization", "x-token"} & {*sent.headers}
    if sent.headers.get("content-type") == "application/json":
        unsafe.add("content-type")
    return unsafe


def outcome(page: Page, request: Request, server: Server) -> Response | None:
    """What the script sees; None where it was blocked. Any other exception fails the test."""
    try:
        return drive(fetch(page, request), server)
    except CORSBlocked:
        return None


@given(st.data(), _requests | _opaque_requests, st.sampled_from([PAGE, "null"]))
@settings(max_examples=300)
def test_whatever_a_server_answers_a_fetch_ends_well_or_is_blocked(
    data: st.DataObject, request: Request, origin: str
) -> None:
    page = with_cookies(open_page(origin), *_URLS)
    server = Hostile(data)
    seen = outcome(page, request, server)
    assert len(server.seen) <= _MOST_REQUESTS
    assert [exchange.request for exchange in page.history.sent] == [sent for sent, *_ in server.seen]
    if seen is not None and seen.type in {"opaque", "opaqueredirect"}:
        assert (seen.status_code, dict(seen.headers), seen.content) == (0, {}, b"")
    if seen is not None:
        assert not {"set-cookie", "set-cookie2"} & {*seen.headers}


_navigations = st.builds(
    build_submission,
    st.sampled_from(_URLS),
    base=st.none(),
    data=st.just({"a": "b"}),
    method=st.sampled_from(get_args(FormMethod)),
    enctype=st.sampled_from(get_args(EncType)),
    referrer_policy=st.sampled_from(get_args(ReferrerPolicy)),
    user_activated=st.booleans(),
)


@given(st.data(), _navigations, st.sampled_from([PAGE, "null"]))
def test_whatever_a_server_answers_a_form_is_sent_without_asking(
    data: st.DataObject, request: Request, origin: str
) -> None:
    page = with_cookies(open_page(origin), *_URLS)
    server = Hostile(data)
    seen: Navigation | CORSBlocked
    try:
        seen = drive(navigate(page, request), server)
    except CORSBlocked as blocked:
        seen = blocked
    if isinstance(seen, CORSBlocked):
        assert seen.step == "redirect"
        assert "CORS policy" not in seen.reason
    else:
        # The user and password of a Location are not sent, but stay in the URL.
        url = parse_url(seen.url).on_the_wire
        assert (seen.status_code, url) == (server.seen[-1].response.status_code, server.seen[-1].sent.url)
    assert {exchange.step for exchange in page.history} == {"actual"}
    for sent, *_ in server.seen:
        assert sent.headers["sec-fetch-mode"] == "navigate"
        assert ("origin" in sent.headers) is (sent.method == "POST")
        if sent.method == "POST" and sent.headers["sec-fetch-site"] == "cross-site":
            assert "near=1" not in sent.headers.get("cookie", "")


@given(_grants | _responses, _requests | _opaque_requests)
def test_a_server_that_never_says_anything_else_comes_to_an_end(
    response: ReceivedResponse, request: Request
) -> None:
    page = open_page()
    outcome(page, request, lambda _: response)
    assert sum(exchange.step == "actual" for exchange in page.history) <= 21
    assert len(page.history) <= _MOST_REQUESTS


@given(st.data(), _requests)
@settings(max_examples=300)
def test_across_origins_nothing_is_readable_that_did_not_pass_the_cors_check(
    data: st.DataObject, request: Request
) -> None:
    page = open_page()
    server = Hostile(data)
    seen = outcome(page, request, server)
    if seen is None:
        return
    sent, response, *_ = server.seen[-1]
    if seen.type == "basic":
        assert all(parse_url(sent.url).origin == PAGE for sent, *_ in server.seen)
    if seen.type == "cors":
        include = request.credentials == "include"
        allowed = response.headers["access-control-allow-origin"]
        assert allowed == sent.headers["origin"] or (allowed == "*" and not include)
        assert not include or response.headers["access-control-allow-credentials"] == "true"


@given(
    st.data(),
    st.lists(st.tuples(_requests, st.sampled_from([0.0, 4.0, 5.0, 3000.0])), min_size=1, max_size=4),
)
@settings(max_examples=300)
def test_nothing_unsafe_is_sent_across_origins_that_no_preflight_granted(
    data: st.DataObject, requests: list[tuple[Request, float]]
) -> None:
    server = Hostile(data)
    page = open_page(clock=server.clock)

    def checked(sent: SentRequest) -> ReceivedResponse:
        # Only a request that has never left the page's own origin goes without an Origin, or without asking.
        has_left.append(has_left[-1] or parse_url(sent.url).origin != PAGE)
        assert not has_left[-1] or sent.method == "OPTIONS" or server.has_granted(sent)
        return server(sent)

    for request, wait in requests:
        server.clock.now += wait
        server.include = request.credentials == "include"
        has_left = [False]
        outcome(page, request, checked)


@given(st.data(), st.lists(_requests | _opaque_requests, min_size=1, max_size=3))
def test_cookies_never_go_along_where_credentials_are_omitted(
    data: st.DataObject, requests: list[Request]
) -> None:
    page = with_cookies(open_page(), *_URLS)
    for request in requests:
        server = Hostile(data)
        outcome(page, request, server)
        for sent, *_ in server.seen:
            may = request.credentials == "include" or (
                request.credentials == "same-origin" and parse_url(sent.url).origin == PAGE
            )
            assert may or "cookie" not in sent.headers
            assert "access-control-request-method" not in sent.headers or "cookie" not in sent.headers
