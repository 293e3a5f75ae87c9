"""The checks of responses: each reason in the words of Chrome's console, each list in any spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from route_cors.testing.checks import (
    Asked,
    Granted,
    Refused,
    check_cors,
    check_preflight,
    readable_headers,
)
from route_cors.testing.messages import REDIRECT_STATUSES

from .machine import FOR_ANY, FOR_NULL, FOR_PAGE, PAGE, STRANGER, WITH_CREDENTIALS, answer

UNREADABLE = ("PUT DELETE", "PUT;DELETE", '"PUT"', "PUT,(x)", "PUT, D\xcbLETE", "PUT,\x0b", "a/b", "x: y")
SAFELISTED = (
    "Cache-Control",
    "Content-Language",
    "Content-Length",
    "Content-Type",
    "Expires",
    "Last-Modified",
    "Pragma",
)


def asked(
    method: str = "GET",
    *unsafe_names: str,
    origin: str = PAGE,
    credentials: bool = False,
) -> Asked:
    return Asked(origin, credentials, method, unsafe_names)


ADVICE = "Have the server send the header with a valid value."


def refusal(*lines: str, of: Asked) -> str | None:
    """Why a page may not read the response; None where it may."""
    try:
        check_cors(answer(200, *lines).headers, of)
    except Refused as refused:
        return str(refused)
    return None


def preflight_refusal(status: int, *lines: str, of: Asked) -> str | None:
    """Why the actual request may not be sent; None where it may."""
    try:
        check_preflight(answer(status, *lines), of)
    except Refused as refused:
        return str(refused)
    return None


def granted(*lines: str, of: Asked) -> Granted:
    return check_preflight(answer(204, *lines), of)


# --- the CORS check -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "lines",
    [
        [FOR_ANY],
        [FOR_PAGE],
        [f"access-control-ALLOW-origin: \t {PAGE} \t"],
        # Only with credentials does anyone look at it.
        [FOR_PAGE, "Access-Control-Allow-Credentials: false"],
        [FOR_ANY, WITH_CREDENTIALS],
    ],
)
def test_without_credentials_the_page_or_everyone_is_allowed(lines: list[str]) -> None:
    assert refusal(*lines, of=asked()) is None


def test_with_credentials_the_page_is_allowed_by_name() -> None:
    assert refusal(FOR_PAGE, WITH_CREDENTIALS, of=asked(credentials=True)) is None


@pytest.mark.parametrize("credentials", [False, True])
def test_an_opaque_origin_is_called_null(credentials: bool) -> None:
    assert refusal(FOR_NULL, WITH_CREDENTIALS, of=asked(origin="null", credentials=credentials)) is None


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize("origin", [PAGE, "null"])
@pytest.mark.parametrize("lines", [[], [WITH_CREDENTIALS], ["Allow-Origin: *"]])
def test_without_a_header_nobody_is_allowed(lines: list[str], origin: str, credentials: bool) -> None:
    assert (
        refusal(*lines, of=asked(origin=origin, credentials=credentials))
        == "No 'Access-Control-Allow-Origin' header is present on the requested resource."
    )


@pytest.mark.parametrize("lines", [[FOR_ANY], [FOR_ANY, WITH_CREDENTIALS]])
def test_everyone_is_nobody_with_credentials(lines: list[str]) -> None:
    assert refusal(*lines, of=asked(credentials=True)) == (
        "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard '*' "
        "when the request's credentials mode is 'include'."
    )


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([f"Access-Control-Allow-Origin: {PAGE},{STRANGER}"], f"{PAGE},{STRANGER}"),
        ([f"Access-Control-Allow-Origin: {PAGE} {STRANGER}"], f"{PAGE} {STRANGER}"),
        ([FOR_PAGE, FOR_PAGE], f"{PAGE}, {PAGE}"),
        ([FOR_PAGE, FOR_ANY], f"{PAGE}, *"),
        ([FOR_ANY, FOR_ANY], "*, *"),
        ([FOR_PAGE, "Access-Control-Allow-Origin:"], f"{PAGE}, "),
        ([f"Access-Control-Allow-Origin: {PAGE},"], f"{PAGE},"),
    ],
)
def test_several_origins_are_none(lines: list[str], value: str, credentials: bool) -> None:
    assert (
        refusal(*lines, WITH_CREDENTIALS, of=asked(credentials=credentials))
        == f"The 'Access-Control-Allow-Origin' header contains multiple values '{value}', "
        f"but only one is allowed. {ADVICE}"
    )


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        "",
        "app.example.com",
        "true",
        "**",
        "https://",
        "https:///",
        "//app.example.com",
        "https://a.example:99999",
    ],
)
def test_what_is_no_url_is_invalid(value: str, credentials: bool) -> None:
    assert (
        refusal(f"Access-Control-Allow-Origin: {value}", WITH_CREDENTIALS, of=asked(credentials=credentials))
        == f"The 'Access-Control-Allow-Origin' header contains the invalid value '{value}'. {ADVICE}"
    )


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize(
    "value",
    [
        STRANGER,
        "null",
        f"{PAGE}:443",
        f"{PAGE}:8443",
        PAGE.replace("https", "http"),
        PAGE.upper(),
        # For these a browser can make out a URL, and none of them is how it spells an origin.
        f"{PAGE}/",
        f"{PAGE}/path",
        f"{PAGE}?x",
        f"{PAGE}#x",
        "localhost:3000",
        "https://*.example.com",
    ],
)
def test_another_origin_is_not_the_pages(value: str, credentials: bool) -> None:
    assert (
        refusal(f"Access-Control-Allow-Origin: {value}", WITH_CREDENTIALS, of=asked(credentials=credentials))
        == f"The 'Access-Control-Allow-Origin' header has a value '{value}' that is not equal to the "
        f"supplied origin. {ADVICE}"
    )


@pytest.mark.parametrize("value", ["NULL", "Null", "none"])
def test_null_has_one_spelling(value: str) -> None:
    assert refusal(f"Access-Control-Allow-Origin: {value}", of=asked(origin="null")) is not None


@pytest.mark.parametrize(
    ("lines", "value"),
    [
        ([], ""),
        (["Access-Control-Allow-Credentials:"], ""),
        (["Access-Control-Allow-Credentials: True"], "True"),
        (["Access-Control-Allow-Credentials: TRUE"], "TRUE"),
        (["Access-Control-Allow-Credentials: 1"], "1"),
        (["Access-Control-Allow-Credentials: false"], "false"),
        (["Access-Control-Allow-Credentials: true,true"], "true,true"),
        ([WITH_CREDENTIALS, WITH_CREDENTIALS], "true, true"),
    ],
)
def test_credentials_are_allowed_by_one_word_in_lower_case(lines: list[str], value: str) -> None:
    assert refusal(FOR_PAGE, *lines, of=asked(credentials=True)) == (
        f"The value of the 'Access-Control-Allow-Credentials' header in the response is '{value}' "
        "which must be 'true' when the request's credentials mode is 'include'."
    )
    assert refusal(FOR_PAGE, *lines, of=asked()) is None


def test_white_space_around_a_value_is_not_part_of_it() -> None:
    lines = (f"Access-Control-Allow-Origin:\t{PAGE}  ", "Access-Control-Allow-Credentials:  true\t")
    assert refusal(*lines, of=asked(credentials=True)) is None


@given(st.text(st.characters(max_codepoint=0xFF)))
def test_any_other_value_allows_nobody(value: str) -> None:
    allowed = value.strip(" \t")
    allows = refusal(f"Access-Control-Allow-Origin:{value}", of=asked()) is None
    assert allows is (allowed in {"*", PAGE})


# --- the answer to a preflight ------------------------------------------------------------------------

DOES_NOT_PASS = "Response to preflight request doesn't pass access control check: "


@pytest.mark.parametrize("status", [200, 201, 204, 206, 250, 299])
def test_every_ok_status_will_do(status: int) -> None:
    assert preflight_refusal(status, FOR_PAGE, of=asked("POST")) is None


@pytest.mark.parametrize("status", [100, 199, 300, 304, 305, 306, 400, 401, 403, 404, 405, 500, 599])
def test_no_other_status_will(status: int) -> None:
    assert preflight_refusal(status, FOR_PAGE, of=asked("POST")) == (
        f"{DOES_NOT_PASS}It does not have HTTP ok status."
    )


@pytest.mark.parametrize("status", sorted(REDIRECT_STATUSES))
@pytest.mark.parametrize("lines", [[], [FOR_PAGE]])
def test_a_preflight_is_not_redirected(status: int, lines: list[str]) -> None:
    assert preflight_refusal(status, *lines, "Location: /", of=asked("POST")) == (
        f"{DOES_NOT_PASS}Redirect is not allowed for a preflight request."
    )


@pytest.mark.parametrize("status", [200, 404])
def test_the_cors_check_comes_before_the_status(status: int) -> None:
    assert preflight_refusal(status, of=asked("PUT")) == (
        f"{DOES_NOT_PASS}No 'Access-Control-Allow-Origin' header is present on the requested resource."
    )


def test_a_preflight_for_credentials_needs_them_allowed() -> None:
    put = asked("PUT", credentials=True)
    assert preflight_refusal(204, FOR_ANY, "Access-Control-Allow-Methods: PUT", of=put) == (
        f"{DOES_NOT_PASS}The value of the 'Access-Control-Allow-Origin' header in the response must not be "
        "the wildcard '*' when the request's credentials mode is 'include'."
    )
    assert preflight_refusal(204, FOR_PAGE, "Access-Control-Allow-Methods: PUT", of=put) == (
        f"{DOES_NOT_PASS}The value of the 'Access-Control-Allow-Credentials' header in the response is '' "
        "which must be 'true' when the request's credentials mode is 'include'."
    )


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("lines", [[], ["Access-Control-Allow-Methods: PUT"]])
def test_a_safelisted_method_needs_no_mention(method: str, lines: list[str]) -> None:
    assert preflight_refusal(204, FOR_PAGE, *lines, of=asked(method)) is None


@pytest.mark.parametrize(
    "lines",
    [
        ["Access-Control-Allow-Methods: PUT"],
        ["access-control-allow-METHODS: GET,PUT"],
        ["Access-Control-Allow-Methods: , ,GET ,\tPUT\t,,"],
        ["Access-Control-Allow-Methods: GET", "Access-Control-Allow-Methods: PUT"],
        ["Access-Control-Allow-Methods: *"],
        ["Access-Control-Allow-Methods: GET, *"],
    ],
)
def test_a_method_is_allowed(lines: list[str]) -> None:
    assert preflight_refusal(204, FOR_PAGE, *lines, of=asked("PUT")) is None


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["Access-Control-Allow-Methods:"],
        ["Access-Control-Allow-Methods: ,,"],
        ["Access-Control-Allow-Methods: GET, POST"],
        ["Access-Control-Allow-Methods: put"],
        ["Access-Control-Allow-Methods: PUTT"],
        ["Allow: PUT"],
    ],
)
def test_a_method_is_not_allowed(lines: list[str], credentials: bool) -> None:
    assert preflight_refusal(
        204, FOR_PAGE, WITH_CREDENTIALS, *lines, of=asked("PUT", credentials=credentials)
    ) == ("Method PUT is not allowed by Access-Control-Allow-Methods in preflight response.")


def test_an_asterisk_is_a_method_like_others_with_credentials() -> None:
    lines = (FOR_PAGE, WITH_CREDENTIALS, "Access-Control-Allow-Methods: *")
    assert preflight_refusal(204, *lines, of=asked("PUT", credentials=True)) == (
        "Method PUT is not allowed by Access-Control-Allow-Methods in preflight response."
    )
    assert preflight_refusal(204, *lines, of=asked("*", credentials=True)) is None


def test_the_case_of_a_method_counts() -> None:
    lines = (FOR_PAGE, "Access-Control-Allow-Methods: PATCH")
    assert preflight_refusal(204, *lines, of=asked("PATCH")) is None
    assert preflight_refusal(204, *lines, of=asked("patch")) is not None


@pytest.mark.parametrize(
    "lines",
    [
        ["Access-Control-Allow-Headers: x-a, x-b"],
        ["Access-Control-Allow-Headers: X-B,X-C,X-A"],
        ["Access-Control-Allow-Headers: ,x-A,,\tx-B ,"],
        ["Access-Control-Allow-Headers: X-A", "access-control-allow-headers: X-B"],
        ["Access-Control-Allow-Headers: *"],
        ["Access-Control-Allow-Headers: x-z, *"],
    ],
)
def test_headers_are_allowed(lines: list[str]) -> None:
    assert preflight_refusal(204, FOR_PAGE, *lines, of=asked("GET", "x-a", "x-b")) is None


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([], "x-a"),
        (["Access-Control-Allow-Headers:"], "x-a"),
        (["Access-Control-Allow-Headers: X-A"], "x-b"),
        (["Access-Control-Allow-Headers: x-b"], "x-a"),
        (["Access-Control-Allow-Headers: x-ab"], "x-a"),
        (["Access-Control-Expose-Headers: x-a, x-b"], "x-a"),
    ],
)
def test_the_first_header_that_is_not_allowed_is_named(lines: list[str], name: str) -> None:
    assert preflight_refusal(204, FOR_PAGE, *lines, of=asked("GET", "x-a", "x-b")) == (
        f"Request header field {name} is not allowed by Access-Control-Allow-Headers in preflight response."
    )


def test_an_asterisk_does_not_cover_authorization() -> None:
    get = asked("GET", "authorization", "x-a")
    assert preflight_refusal(204, FOR_PAGE, "Access-Control-Allow-Headers: *", of=get) == (
        "Request header field authorization is not allowed by Access-Control-Allow-Headers in preflight "
        "response."
    )
    assert preflight_refusal(204, FOR_PAGE, "Access-Control-Allow-Headers: *, Authorization", of=get) is None


def test_an_asterisk_is_a_header_like_others_with_credentials() -> None:
    lines = (FOR_PAGE, WITH_CREDENTIALS, "Access-Control-Allow-Headers: *")
    assert preflight_refusal(204, *lines, of=asked("GET", "x-a", credentials=True)) == (
        "Request header field x-a is not allowed by Access-Control-Allow-Headers in preflight response."
    )
    assert preflight_refusal(204, *lines, of=asked("GET", "*", credentials=True)) is None


@pytest.mark.parametrize("value", UNREADABLE)
@pytest.mark.parametrize("name", ["Access-Control-Allow-Methods", "Access-Control-Allow-Headers"])
def test_a_list_that_cannot_be_read_grants_nothing(name: str, value: str) -> None:
    # Not even what would need no mention.
    assert preflight_refusal(204, FOR_PAGE, f"{name}: {value}", of=asked("GET")) == (
        f"Cannot parse {name} response header field in preflight response."
    )


def test_both_lists_are_read_before_either_is_judged() -> None:
    lines = (FOR_PAGE, "Access-Control-Allow-Methods: GET", "Access-Control-Allow-Headers: (x)")
    assert preflight_refusal(204, *lines, of=asked("PUT")) == (
        "Cannot parse Access-Control-Allow-Headers response header field in preflight response."
    )


# --- what is granted, and for how long ----------------------------------------------------------------


def test_everything_that_is_listed_is_granted() -> None:
    lines = (
        FOR_PAGE,
        "Access-Control-Allow-Methods: PUT, patch,, *",
        "Access-Control-Allow-Headers: X-Token, *",
        "Access-Control-Max-Age: 60",
    )
    assert granted(*lines, of=asked("PUT")) == Granted(("PUT", "patch", "*"), ("x-token", "*"), 60)


@pytest.mark.parametrize(
    ("lines", "seconds"),
    [
        ([], 5),
        (["Access-Control-Max-Age: 0"], 0),
        (["Access-Control-Max-Age: 000"], 0),
        (["Access-Control-Max-Age: 1"], 1),
        (["Access-Control-Max-Age: 0600"], 600),
        (["Access-Control-Max-Age: 7199"], 7199),
        (["Access-Control-Max-Age: 7200"], 7200),
        (["Access-Control-Max-Age: 7201"], 7200),
        (["Access-Control-Max-Age: 86400"], 7200),
        (["Access-Control-Max-Age: 9999999999"], 7200),
        (["Access-Control-Max-Age: 10000000000"], 7200),
        ([f"Access-Control-Max-Age: {'9' * 10_000}"], 7200),
        ([f"Access-Control-Max-Age: {'0' * 10_000}7"], 7),
        (["Access-Control-Max-Age:"], 5),
        (["Access-Control-Max-Age: -1"], 5),
        (["Access-Control-Max-Age: +60"], 5),
        (["Access-Control-Max-Age: 60.5"], 5),
        (["Access-Control-Max-Age: 1e3"], 5),
        (["Access-Control-Max-Age: 1_000"], 5),
        (["Access-Control-Max-Age: 60s"], 5),
        (["Access-Control-Max-Age: 60 60"], 5),
        (["Access-Control-Max-Age: \xb2"], 5),
        (["Access-Control-Max-Age: 60, 60"], 5),
        (["Access-Control-Max-Age: 60", "Access-Control-Max-Age: 60"], 5),
    ],
)
def test_the_grant_holds_for_so_many_seconds(lines: list[str], seconds: int) -> None:
    assert granted(FOR_PAGE, *lines, of=asked()).max_age == seconds


# --- what a page may read -----------------------------------------------------------------------------


def readable(*lines: str, credentials: bool = False) -> list[str]:
    headers = readable_headers(answer(200, *lines).headers, include_credentials=credentials)
    return [f"{name}: {value}" for name, value in headers.raw]


@pytest.mark.parametrize("credentials", [False, True])
def test_seven_headers_are_readable_without_being_exposed(credentials: bool) -> None:
    lines = [f"{spelled(name)}: a" for name in SAFELISTED for spelled in (str, str.lower, str.upper)]
    hidden = ["Date: a", "ETag: a", "Location: a", "Set-Cookie: a=b", "Vary: a", "X-Id: a", FOR_ANY]
    assert readable(*lines, *hidden, credentials=credentials) == lines


@pytest.mark.parametrize("credentials", [False, True])
@pytest.mark.parametrize(
    "exposed",
    [
        ["Access-Control-Expose-Headers: x-id, x-page"],
        ["access-control-expose-headers: ,X-PAGE,,X-ID\t,"],
        ["Access-Control-Expose-Headers: X-Id", "Access-Control-Expose-Headers: X-Page"],
    ],
)
def test_exposed_headers_are_readable(exposed: list[str], credentials: bool) -> None:
    lines = ["X-Id: 7", "X-Other: 1", "x-page: 1", "X-Page: 2"]
    assert readable(*lines, *exposed, credentials=credentials) == ["X-Id: 7", "x-page: 1", "X-Page: 2"]


@pytest.mark.parametrize("exposed", ["*", "x-other, *"])
def test_an_asterisk_exposes_everything_without_credentials(exposed: str) -> None:
    line = f"Access-Control-Expose-Headers: {exposed}"
    lines = ["X-Id: 7", "Set-Cookie: a=b", "Set-Cookie2: a=b", "Authorization: x", line]
    assert readable(*lines) == ["X-Id: 7", "Authorization: x", line]


def test_an_asterisk_is_a_header_like_others_where_there_are_credentials() -> None:
    lines = ["X-Id: 7", "*: star", "Access-Control-Expose-Headers: *"]
    assert readable(*lines, credentials=True) == ["*: star"]


@pytest.mark.parametrize("credentials", [False, True])
def test_cookies_are_never_readable(credentials: bool) -> None:
    lines = ["Set-Cookie: a=b", "SET-COOKIE2: a=b"]
    exposed = "Access-Control-Expose-Headers: Set-Cookie, set-cookie2"
    assert readable(*lines, exposed, credentials=credentials) == []


@pytest.mark.parametrize("value", ["x-id x-page", "x-id, (x)", '"x-id"', "*, (x)"])
def test_a_list_that_cannot_be_read_exposes_nothing(value: str) -> None:
    lines = ["X-Id: 7", "Content-Type: a/b", f"Access-Control-Expose-Headers: {value}"]
    assert readable(*lines) == ["Content-Type: a/b"]


# --- what would have passed ---------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [PAGE, "null"])
@pytest.mark.parametrize("credentials", [False, True])
def test_a_refused_response_is_told_what_would_have_been_read(origin: str, credentials: bool) -> None:
    page = asked(origin=origin, credentials=credentials)
    with pytest.raises(Refused) as caught:
        check_cors(answer().headers, page)
    assert caught.value.step == "actual"
    lines = caught.value.fix.split("\n")
    assert lines == [f"Access-Control-Allow-Origin: {origin}", WITH_CREDENTIALS][: 1 + credentials]
    assert refusal(*lines, of=page) is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "patch"])
@pytest.mark.parametrize("names", [(), ("x-a",), ("authorization", "x-a")])
@pytest.mark.parametrize("credentials", [False, True])
def test_a_refused_preflight_is_told_what_would_have_been_enough_and_nothing_more(
    method: str, names: tuple[str, ...], credentials: bool
) -> None:
    preflight = asked(method, *names, credentials=credentials)
    with pytest.raises(Refused) as caught:
        check_preflight(answer(404), preflight)
    assert caught.value.step == "preflight"
    status, *lines = caught.value.fix.split("\n")
    assert status == "204 No Content"
    assert preflight_refusal(204, *lines, of=preflight) is None
    for line in lines:
        others = [other for other in lines if other != line]
        assert preflight_refusal(204, *others, of=preflight) is not None


def test_the_reason_is_what_the_refusal_says() -> None:
    with pytest.raises(Refused, match=r"^No 'Access-Control-Allow-Origin' header") as caught:
        check_cors(answer().headers, asked())
    assert caught.value.reason == str(caught.value)
