"""The protocol's decisions, without any ASGI: every answer in full, header for header."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors import CORSPolicy
from route_cors.headers import MAX_REQUEST_HEADERS_BYTES, requested_names
from route_cors.protocol import (
    Answer,
    PreflightRequest,
    ResponseHeaders,
    Terms,
    merge_headers,
    own_origin,
    refuse_actual,
)

ORIGIN = b"https://a.example"
VARY = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
ALWAYS = b"Accept, Accept-Language, Content-Language, Content-Type"


def ask(
    policy: CORSPolicy | None,
    *,
    method: str = "PUT",
    names: bytes | None = None,
    private_network: bool = False,
    allowed: bool = True,
    explain: bool = False,
) -> Answer:
    request = PreflightRequest(ORIGIN, method, names, private_network)
    return Terms(policy, {"GET", "PUT"}).answer_preflight(request, origin_allowed=allowed, explain=explain)


def granted(answer: Answer) -> dict[str, str]:
    assert (answer.status, answer.body) == (204, b"")
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    assert len(headers) == len(answer.headers)
    assert headers.pop("vary").encode() == VARY
    return {name.removeprefix("access-control-"): value for name, value in headers.items()}


def refused(answer: Answer) -> str:
    assert answer.status == 403
    assert sorted(answer.headers) == [
        (b"content-length", str(len(answer.body)).encode()),
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"vary", VARY),
    ]
    text = answer.body.decode()
    assert text.startswith("CORS preflight refused: ")
    return text.removeprefix("CORS preflight refused: ")


LISTED = CORSPolicy(origins="https://a.example")
ANY = CORSPolicy(origins="*")
COOKIES = LISTED.evolve(allow_credentials=True)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (
            LISTED,
            {
                "allow-origin": "https://a.example",
                "allow-methods": "GET, PUT",
                "allow-headers": ALWAYS.decode(),
                "max-age": "600",
            },
        ),
        (
            ANY,
            {
                "allow-origin": "*",
                "allow-methods": "GET, PUT",
                "allow-headers": ALWAYS.decode(),
                "max-age": "600",
            },
        ),
        (
            COOKIES.evolve(allow_headers=["X-Token"], max_age=0, methods=["PUT", "DELETE"]),
            {
                "allow-origin": "https://a.example",
                "allow-credentials": "true",
                "allow-methods": "PUT",
                "allow-headers": f"{ALWAYS.decode()}, X-Token",
                "max-age": "0",
            },
        ),
        (
            ANY.evolve(allow_headers="*", max_age=None, expose_headers=["X-Id"]),
            {"allow-origin": "*", "allow-methods": "GET, PUT", "allow-headers": "*"},
        ),
        (
            ANY.evolve(allow_headers=["*", "Authorization"], max_age=None),
            {"allow-origin": "*", "allow-methods": "GET, PUT", "allow-headers": "*, Authorization"},
        ),
    ],
    ids=["listed", "any", "credentials", "any-header", "any-header-and-authorization"],
)
def test_a_grant_in_full(policy: CORSPolicy, expected: dict[str, str]) -> None:
    assert granted(ask(policy)) == expected


def test_a_name_that_is_listed_again_is_sent_once() -> None:
    assert granted(ask(LISTED.evolve(allow_headers=["content-type"])))[
        "allow-headers"
    ] == ALWAYS.decode().replace("Content-Type", "content-type")


@pytest.mark.parametrize(
    ("names", "ok"),
    [
        (b"content-type", True),
        (b"content-type,x-token", True),
        (b"X-Token, Content-Type", True),
        (b" x-token\t,, ,", True),
        (b"", True),
        (b"," * MAX_REQUEST_HEADERS_BYTES, True),
        (b"," * (MAX_REQUEST_HEADERS_BYTES + 1), False),
        (b"x-token," * 8192, False),
        (b"x-other", False),
        (b"x-token,x-other", False),
        (b"x token", False),
        (b"x-t\xf6ken", False),
        (b"x-token\r\nset-cookie: a=b", False),
        (b"*", False),
        (b"authorization", False),
    ],
)
def test_requested_names_against_a_list(names: bytes, ok: bool) -> None:
    answer = ask(LISTED.evolve(allow_headers=["X-Token"]), names=names)
    if ok:
        assert granted(answer)["allow-headers"] == f"{ALWAYS.decode()}, X-Token"
    else:
        assert refused(answer) == "headers"


@pytest.mark.parametrize(
    ("policy", "names", "expected"),
    [
        (ANY.evolve(allow_headers="*"), b"x-anything,content-type", "*"),
        (ANY.evolve(allow_headers="*"), b"authorization,x-a", None),
        (ANY.evolve(allow_headers="*"), b"x a", None),
        (ANY.evolve(allow_headers=["*", "Authorization"]), b"authorization,x-a", "*, Authorization"),
        (COOKIES.evolve(allow_headers="*"), b"X-B,authorization, x-a", "x-b, authorization, x-a"),
        (COOKIES.evolve(allow_headers="*"), b"x-a\r\nset-cookie: b=c", None),
        (COOKIES.evolve(allow_headers="*"), b"x" * (MAX_REQUEST_HEADERS_BYTES + 1), None),
    ],
)
def test_requested_names_against_the_wildcard(policy: CORSPolicy, names: bytes, expected: str | None) -> None:
    answer = ask(policy, names=names)
    if expected is None:
        assert refused(answer) == "headers"
    else:
        assert granted(answer)["allow-headers"] == expected


def test_with_credentials_the_wildcard_is_not_sent_where_no_name_is_asked_for() -> None:
    assert "allow-headers" not in granted(ask(COOKIES.evolve(allow_headers="*")))


def test_private_network_is_granted_where_it_is_asked_for_and_allowed() -> None:
    allowing = LISTED.evolve(allow_private_network=True)
    assert granted(ask(allowing, private_network=True))["allow-private-network"] == "true"
    assert "allow-private-network" not in granted(ask(allowing))
    assert "allow-private-network" not in granted(ask(LISTED, private_network=True))


@pytest.mark.parametrize("method", ["DELETE", "put", "PUT ", "", "PUT, PUT", "*", "\xff"])
def test_a_method_that_is_not_registered(method: str) -> None:
    assert refused(ask(LISTED, method=method)) == "method"


def test_every_failed_check_is_named_and_nothing_of_the_policy() -> None:
    assert refused(ask(LISTED, allowed=False)) == "origin"
    assert refused(ask(LISTED, allowed=False, method="DELETE", names=b"x-a")) == "origin, method, headers"


def test_a_closed_route_says_no_more_than_that() -> None:
    assert refused(ask(None, allowed=False, method="DELETE", names=b"x-a")) == "origin"


def test_explaining_shows_an_allowed_origin_what_is_granted_so_that_its_browser_names_the_check() -> None:
    assert granted(ask(LISTED, method="DELETE", names=b"x-a", explain=True)) == granted(ask(LISTED))
    assert granted(ask(LISTED, explain=True, allowed=False)) == {}
    assert granted(ask(None, explain=True, allowed=False)) == {}
    assert granted(ask(LISTED, explain=True)) == granted(ask(LISTED))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_safelisted_method_is_not_explained_as_browsers_would_take_it_as_allowed(method: str) -> None:
    answer = Terms(LISTED, {"PUT"}).answer_preflight(
        PreflightRequest(ORIGIN, method, None, private_network=False), origin_allowed=True, explain=True
    )
    assert refused(answer) == "method"


def test_each_answer_has_a_list_of_its_own() -> None:
    terms = Terms(LISTED, {"PUT"})
    request = PreflightRequest(ORIGIN, "PUT", None, private_network=False)
    first = terms.answer_preflight(request, origin_allowed=True)
    first.headers.clear()
    assert granted(terms.answer_preflight(request, origin_allowed=True))["allow-methods"] == "PUT"


@pytest.mark.parametrize(
    ("policy", "origin", "allowed", "expected"),
    [
        (ANY, ORIGIN, True, ResponseHeaders(((b"access-control-allow-origin", b"*"),), vary_origin=False)),
        (ANY, None, True, ResponseHeaders(((b"access-control-allow-origin", b"*"),), vary_origin=False)),
        (
            ANY.evolve(expose_headers="*"),
            None,
            True,
            ResponseHeaders(
                ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*")),
                vary_origin=False,
            ),
        ),
        (LISTED, None, False, ResponseHeaders((), vary_origin=True)),
        (LISTED, b"https://evil.example", False, ResponseHeaders((), vary_origin=True)),
        (
            COOKIES.evolve(expose_headers=["X-Id", "ETag"]),
            ORIGIN,
            True,
            ResponseHeaders(
                (
                    (b"access-control-allow-origin", ORIGIN),
                    (b"access-control-allow-credentials", b"true"),
                    (b"access-control-expose-headers", b"ETag, X-Id"),
                ),
                vary_origin=True,
            ),
        ),
        (None, ORIGIN, False, ResponseHeaders((), vary_origin=False)),
        (None, None, False, ResponseHeaders((), vary_origin=False)),
    ],
)
def test_response_headers(
    policy: CORSPolicy | None, origin: bytes | None, allowed: bool, expected: ResponseHeaders
) -> None:
    assert Terms(policy).response_headers(origin, origin_allowed=allowed) == expected


def test_what_enforce_answers() -> None:
    assert refuse_actual() == Answer(
        403,
        [
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"28"),
            (b"vary", b"Origin"),
        ],
        b"CORS request refused: origin",
    )


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("https", b"a.example", b"https://a.example"),
        ("https", b"A.example:443", b"https://a.example"),
        ("http", b"a.example:80", b"http://a.example"),
        ("http", b"a.example:443", b"http://a.example:443"),
        ("wss", b"a.example", b"https://a.example"),
        ("ws", b"a.example:8000", b"http://a.example:8000"),
        ("http", b"[::1]:8000", b"http://[::1]:8000"),
        ("http", None, None),
        ("http", b"a.example, b.example", b"http://a.example, b.example"),
    ],
)
def test_own_origin(scheme: str, host: bytes | None, expected: bytes | None) -> None:
    assert own_origin(scheme, host) == expected


ADDED = ResponseHeaders(((b"access-control-allow-origin", ORIGIN),), vary_origin=True)


@pytest.mark.parametrize(
    ("varying", "merged"),
    [
        ([], [b"Origin"]),
        ([b"Accept-Encoding"], [b"Accept-Encoding, Origin"]),
        ([b"accept-encoding, origin"], [b"accept-encoding, origin"]),
        ([b"Accept-Encoding", b"Origin, Cookie"], [b"Accept-Encoding, Origin, Cookie"]),
        ([b"Origin, ORIGIN", b"origin"], [b"Origin"]),
        ([b"*"], [b"*"]),
        ([b""], [b"Origin"]),
        ([b"X-Origin"], [b"X-Origin, Origin"]),
    ],
)
def test_vary_is_merged(varying: list[bytes], merged: list[bytes]) -> None:
    headers = merge_headers([(b"Vary", value) for value in varying], ADDED)
    assert [value for name, value in headers if name == b"vary"] == merged
    assert len(headers) == 2


def test_what_the_handler_wrote_of_cors_is_replaced_and_the_rest_is_kept_in_order() -> None:
    present = [
        (b"x-a", b"1"),
        (b"Access-Control-Allow-Origin", b"*"),
        (b"set-cookie", b"a=b"),
        (b"access-control-allow-credentials", b"true"),
        (b"set-cookie", b"c=d"),
        (b"access-control-max-age", b"5"),
    ]
    assert merge_headers(present, ADDED) == [
        (b"x-a", b"1"),
        (b"set-cookie", b"a=b"),
        (b"set-cookie", b"c=d"),
        (b"access-control-allow-origin", ORIGIN),
        (b"vary", b"Origin"),
    ]


def test_without_anything_to_vary_by_vary_stays_as_it_was() -> None:
    decided = ResponseHeaders((), vary_origin=False)
    assert merge_headers([(b"vary", b"Accept"), (b"vary", b"Cookie")], decided) == [
        (b"vary", b"Accept"),
        (b"vary", b"Cookie"),
    ]


TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@given(
    st.binary(max_size=200) | st.lists(st.sampled_from([b"x-a", b"X-B", b" ", b"", b"x-c"])).map(b",".join)
)
def test_a_grant_never_allows_a_name_that_the_policy_does_not_list(names: bytes) -> None:
    answer = ask(LISTED.evolve(allow_headers=["X-A", "X-B"]), names=names)
    asked_for = {name.strip(b" \t").lower() for name in names.split(b",")} - {b""}
    always = {name.lower().strip() for name in ALWAYS.split(b",")}
    assert (answer.status == 204) == (asked_for <= always | {b"x-a", b"x-b"})


@given(st.binary(max_size=300))
def test_an_echo_holds_tokens_and_nothing_else(names: bytes) -> None:
    answer = ask(COOKIES.evolve(allow_headers="*"), names=names)
    echoed = dict(answer.headers).get(b"access-control-allow-headers")
    if echoed is not None:
        assert all(TOKEN.fullmatch(name) for name in echoed.split(b", "))
        assert tuple(echoed.split(b", ")) == requested_names(names)
