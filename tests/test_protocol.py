"""The protocol's decisions, without any ASGI: every answer in full, header for header."""

from __future__ import annotations

import gc
import re
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors import CORSPolicy
from route_cors.headers import MAX_REQUEST_HEADERS_BYTES, requested_names
from route_cors.insight.reasons import with_reason
from route_cors.merging import merge_headers
from route_cors.protocol import Answer, Headers, Preflight, Terms, read_origin, read_preflight

if TYPE_CHECKING:
    from collections.abc import Iterable

ORIGIN = b"https://a.example"
STRANGER = b"https://stranger.example"
VARY = b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
ALWAYS = b"Accept, Accept-Language, Content-Language, Content-Type"


def ask(
    policy: CORSPolicy | None,
    *,
    method: str = "PUT",
    names: bytes | None = None,
    origin: bytes = ORIGIN,
    explain: bool = False,
    registered: str = "GET PUT",
) -> Answer:
    terms = Terms(policy, registered.split())
    preflight = (origin, method.encode("latin-1"), names)
    return terms.answer_preflight(preflight, origin_allowed=terms.admits(origin), explain=explain)


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


@pytest.mark.parametrize("method", ["DELETE", "put", "PUT ", "", "PUT, PUT", "*", "\xff"])
def test_a_method_that_is_not_registered(method: str) -> None:
    assert refused(ask(LISTED, method=method)) == "method"


def test_every_failed_check_is_named_and_nothing_of_the_policy() -> None:
    assert refused(ask(LISTED, origin=STRANGER)) == "origin"
    assert refused(ask(LISTED, origin=STRANGER, method="DELETE", names=b"x-a")) == "origin, method, headers"


def test_a_closed_route_says_no_more_than_that() -> None:
    assert refused(ask(None, origin=STRANGER, method="DELETE", names=b"x-a")) == "origin"


def test_explaining_shows_an_allowed_origin_what_is_granted_so_that_its_browser_names_the_check() -> None:
    assert granted(ask(LISTED, method="DELETE", names=b"x-a", explain=True)) == granted(ask(LISTED))
    assert granted(ask(LISTED, explain=True, origin=STRANGER)) == {}
    assert granted(ask(None, explain=True, origin=STRANGER)) == {}
    assert granted(ask(LISTED, explain=True)) == granted(ask(LISTED))


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_safelisted_method_stays_refused_as_browsers_would_take_it_as_allowed(method: str) -> None:
    explained = ask(LISTED, method=method, explain=True, registered="PUT")
    granting = ask(LISTED, registered="PUT")
    assert (explained.status, explained.body) == (403, b"CORS preflight refused: method")
    assert sorted(explained.headers) == sorted(
        (*granting.headers, (b"content-length", b"30"), (b"content-type", b"text/plain; charset=utf-8"))
    )
    assert (
        refused(ask(LISTED, method=method, explain=True, registered="PUT", origin=STRANGER))
        == "origin, method"
    )


def test_the_reason_of_a_refusal_is_in_a_header_and_in_the_body_where_there_is_one() -> None:
    shown = with_reason(ask(LISTED, method="DELETE", explain=True), "because")
    assert granted(shown) == granted(ask(LISTED)) | {"x-route-cors-refused": "because"}
    refusal = with_reason(ask(LISTED, origin=STRANGER), "because")
    assert refusal == Answer(
        403,
        (
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", b"31"),
            (b"vary", VARY),
            (b"x-route-cors-refused", b"because"),
        ),
        b"CORS preflight refused: because",
        ("origin",),
    )


@pytest.mark.parametrize("explain", [False, True])
def test_an_answer_names_the_checks_that_failed(explain: bool) -> None:
    assert ask(LISTED, explain=explain).failed == ()
    assert ask(LISTED, origin=STRANGER, explain=explain).failed == ("origin",)
    assert ask(LISTED, method="DELETE", explain=explain).failed == ("method",)
    assert ask(LISTED, names=b"x-a", explain=explain).failed == ("headers",)
    every = ask(LISTED, origin=STRANGER, method="GET", names=b"x-a", registered="PUT", explain=explain)
    assert every.failed == ("origin", "method", "headers")
    assert ask(None, origin=STRANGER, method="DELETE", names=b"x-a", explain=explain).failed == ("origin",)


@pytest.mark.parametrize(
    ("policy", "origin", "expected"),
    [
        (ANY, ORIGIN, ((b"access-control-allow-origin", b"*"),)),
        (ANY, b"no origin at all", ((b"access-control-allow-origin", b"*"),)),
        (ANY, None, ((b"access-control-allow-origin", b"*"),)),
        (
            ANY.evolve(expose_headers="*"),
            None,
            ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*")),
        ),
        (LISTED, None, ((b"vary", b"Origin"),)),
        (LISTED, STRANGER, None),
        (
            COOKIES.evolve(expose_headers=["X-Id", "ETag"]),
            ORIGIN,
            (
                (b"access-control-allow-origin", ORIGIN),
                (b"access-control-allow-credentials", b"true"),
                (b"access-control-expose-headers", b"ETag, X-Id"),
                (b"vary", b"Origin"),
            ),
        ),
        (None, ORIGIN, None),
        (None, None, ()),
    ],
)
def test_who_may_read_a_response(
    policy: CORSPolicy | None, origin: bytes | None, expected: Headers | None
) -> None:
    assert Terms(policy).readable_by(origin) == expected


def test_whom_a_response_tells_nothing() -> None:
    assert Terms(LISTED).unreadable == ((b"vary", b"Origin"),)
    assert Terms(None).unreadable == ()


def test_each_answer_can_be_given_again() -> None:
    terms = Terms(LISTED, {"PUT"})
    preflight = (ORIGIN, b"PUT", b"content-type")
    answer = terms.answer_preflight(preflight, origin_allowed=True)
    assert granted(answer)["allow-methods"] == "PUT"
    assert terms.granted == {preflight: answer.headers}
    assert terms.readers == {}
    headers = terms.readable_by(ORIGIN)
    assert headers is not None
    assert terms.readers == {ORIGIN: headers}


def test_a_callable_is_not_asked_here_and_its_verdict_is_not_remembered() -> None:
    terms = Terms(LISTED.evolve(origins=["https://b.example", lambda origin, connection: True]), {"PUT"})
    assert not terms.admits(ORIGIN)
    assert terms.readable_by(ORIGIN) is None
    by_verdict = terms.answer_preflight((ORIGIN, b"PUT", None), origin_allowed=True)
    assert granted(by_verdict)["allow-origin"] == "https://a.example"
    assert (b"access-control-allow-origin", ORIGIN) in terms.readable_by_admitted(ORIGIN)
    terms.answer_preflight((ORIGIN, b"PUT", None), origin_allowed=False)
    assert terms.granted == {}
    assert terms.refused == {}
    assert terms.readers == {}


def test_what_a_client_makes_us_remember_is_bounded() -> None:
    policy = CORSPolicy(origins="https://*.example.com", allow_headers="*", allow_credentials=True)
    terms = Terms(policy, {"PUT"})

    def ask(numbers: Iterable[int]) -> None:
        for number in numbers:
            # The longest ones, of which most is kept: as long as they are let in, and a bit longer.
            origin = b"https://%s%d.example.com" % (b"x" * 60, number)
            assert terms.readable_by(origin) is not None
            for size in (0, 400, 700):
                preflight = (origin, b"PUT", b"x" * size)
                assert terms.answer_preflight(preflight, origin_allowed=True).status == 204
                stranger = (b"https://%d.example" % number, b"PUT", b"x" * size)
                assert terms.answer_preflight(stranger, origin_allowed=False).status == 403

    ask(range(1))
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        most = 0
        for number in range(1, 500):
            ask([number])
            most = max(most, tracemalloc.get_traced_memory()[0] - before)
    finally:
        tracemalloc.stop()
    assert 32 * 1024 < most <= 256 * 1024
    for memo in (terms.granted, terms.refused):
        assert all(len(b"".join(filter(None, asked))) <= 512 for asked in memo)


def test_those_who_are_refused_drive_out_no_grant() -> None:
    terms = Terms(LISTED, {"PUT"})
    allowed = (ORIGIN, b"PUT", None)
    terms.answer_preflight(allowed, origin_allowed=True)
    for number in range(1000):
        stranger = (b"https://%d.example" % number, b"PUT", None)
        assert terms.answer_preflight(stranger, origin_allowed=False).status == 403
    assert [*terms.granted] == [allowed]
    assert terms.readers == {}


@pytest.mark.parametrize("explain", [False, True])
@pytest.mark.parametrize(
    "preflight",
    [(STRANGER, b"PUT", None), (ORIGIN, b"PUT", b"x-other"), (ORIGIN, b"DELETE", None)],
)
def test_a_refusal_is_remembered_as_such(preflight: Preflight, explain: bool) -> None:
    terms = Terms(LISTED, {"PUT"})
    answer = terms.answer_preflight(preflight, origin_allowed=preflight[0] == ORIGIN, explain=explain)
    assert terms.readable_by(STRANGER) is None
    assert terms.granted == {}
    assert terms.readers == {}
    # What is explained is for whoever debugs the app.
    assert terms.refused == ({} if explain else {preflight: answer})


METHOD = b"access-control-request-method"
NAMES = b"access-control-request-headers"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([(b"origin", ORIGIN), (METHOD, b"PUT")], (ORIGIN, b"PUT", None)),
        (
            [(METHOD, b"PUT"), (NAMES, b""), (b"accept", b"*/*"), (b"origin", b"")],
            (b"", b"PUT", b""),
        ),
        ([(b"origin", ORIGIN)], None),
        ([(METHOD, b"PUT")], None),
        ([(b"Origin", ORIGIN), (METHOD, b"PUT")], None),  # ASGI has them in lower case
        ([], None),
        (
            [(b"origin", ORIGIN), (METHOD, b"PUT"), (b"origin", STRANGER)],
            (ORIGIN + b", " + STRANGER, b"PUT", None),
        ),
        (
            [(b"origin", ORIGIN), (METHOD, b"PUT"), (METHOD, b"PUT"), (b"host", b"a"), (b"host", b"b")],
            (ORIGIN, b"PUT, PUT", None),
        ),
        (
            [(NAMES, b"x-a"), (b"origin", ORIGIN), (METHOD, b"PUT"), (NAMES, b"x-b"), (NAMES, b"x-c")],
            (ORIGIN, b"PUT", b"x-a, x-b, x-c"),
        ),
    ],
)
def test_what_a_preflight_asks(sent: list[tuple[bytes, bytes]], expected: Preflight | None) -> None:
    assert read_preflight(sent) == expected


@pytest.mark.parametrize("length", [513, 65_536])
@pytest.mark.parametrize("times", [1, 2])
def test_what_is_too_long_for_an_origin_is_nobodys(length: int, times: int) -> None:
    longest = b"https://" + b"a" * 504
    assert read_origin([(b"origin", longest)]) == longest
    assert read_preflight([(b"origin", longest), (METHOD, b"PUT")]) == (longest, b"PUT", None)
    sent = [(b"origin", b"https://" + b"a" * (length - 8))] * times
    assert read_origin(sent) == b""
    assert read_preflight([*sent, (METHOD, b"PUT")]) == (b"", b"PUT", None)
    for policy in (LISTED, CORSPolicy(origins=re.compile(".*a"))):
        assert not Terms(policy).admits(b"")


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ([], None),
        ([(b"accept", b"*/*"), (b"origin", ORIGIN), (b"x-origin", STRANGER)], ORIGIN),
        ([(b"origin", b"")], b""),
        ([(b"origin", ORIGIN), (b"accept", b"*/*"), (b"origin", ORIGIN)], ORIGIN + b", " + ORIGIN),
    ],
)
def test_where_a_request_comes_from(sent: list[tuple[bytes, bytes]], expected: bytes | None) -> None:
    assert read_origin(sent) == expected


ADDED = ((b"access-control-allow-origin", ORIGIN), (b"vary", b"Origin"))


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


EXPOSING = (*ADDED, (b"access-control-expose-headers", b"ETag, X-Id"))


@pytest.mark.parametrize(
    ("written", "decided", "exposed"),
    [
        ([b"X-Total"], ADDED, b"X-Total"),
        ([b"X-Total"], EXPOSING, b"ETag, X-Id, X-Total"),
        ([b"x-id , X-Total,, etag"], EXPOSING, b"ETag, X-Id, X-Total"),
        ([b"X-A", b"X-B, x-a"], ADDED, b"X-A, X-B"),
        ([b"*"], EXPOSING, b"ETag, X-Id, *"),
        ([b""], EXPOSING, b"ETag, X-Id"),
        # Not for those who may not read, and not on a closed route.
        ([b"X-Total"], ((b"vary", b"Origin"),), None),
        ([b"X-Total"], (), None),
    ],
)
def test_exposed_names_that_the_handler_wrote_are_joined(
    written: list[bytes], decided: Headers, exposed: bytes | None
) -> None:
    present = [(b"x-a", b"1"), *((b"Access-Control-Expose-Headers", value) for value in written)]
    headers = merge_headers([*present, (b"Vary", b"Cookie")], decided)
    found = [value for name, value in headers if name == b"access-control-expose-headers"]
    assert found == ([] if exposed is None else [exposed])
    # Nothing else changes.
    without = [header for header in headers if header[0] != b"access-control-expose-headers"]
    plain = tuple(header for header in decided if header[0] != b"access-control-expose-headers")
    assert without == merge_headers([(b"x-a", b"1"), (b"Vary", b"Cookie")], plain)


@pytest.mark.parametrize(
    "other",
    [
        (b"Access-Control-Allow-Origin", b"*"),
        (b"access-control-allow-origin", b""),
        (b"access-control-allow-credentials", b"true"),
    ],
)
@pytest.mark.parametrize("decided", [ADDED, EXPOSING])
def test_exposed_names_of_another_layer_are_replaced(other: tuple[bytes, bytes], decided: Headers) -> None:
    written = (b"access-control-expose-headers", b"X-Evil")
    for present in ([other, written], [written, other]):
        assert merge_headers(present, decided) == [*decided]


def test_without_anything_to_vary_by_vary_stays_as_it_was() -> None:
    kept = [(b"vary", b"Accept"), (b"vary", b"Cookie")]
    assert merge_headers(kept, ()) == kept
    allowed = (b"access-control-allow-origin", b"*")
    assert merge_headers([*kept, (b"x-a", b"1")], (allowed,)) == [(b"x-a", b"1"), allowed, *kept]


@pytest.mark.parametrize(
    "name", [b"content-type", b"Content-Type", b"x-a", b"age", b"ACCEPT-RANGES", b"via", b""]
)
def test_what_is_none_of_ours_is_kept(name: bytes) -> None:
    present = ((name, b"1"),)
    assert merge_headers(iter(present), ADDED) == [*present, *ADDED]


def test_merging_makes_a_new_list() -> None:
    present = [(b"content-type", b"text/plain")]
    assert merge_headers(present, ADDED) is not present
    assert merge_headers(present, ()) is not present
    assert present == [(b"content-type", b"text/plain")]


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
