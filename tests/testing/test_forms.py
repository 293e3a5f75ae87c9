"""Forms, links, images and scripts: what they send, and what becomes of the answer."""

from __future__ import annotations

from email import message_from_bytes
from typing import TYPE_CHECKING, Any, get_args
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from route_cors.testing.fetch import embed, navigate
from route_cors.testing.forms import (
    EmbedAs,
    EncType,
    build_embed,
    build_navigation,
    build_submission,
)
from route_cors.testing.history import CORSBlocked
from route_cors.testing.messages import Headers, Navigation, Response
from route_cors.testing.referrer import ReferrerPolicy

from .machine import (
    OWN_URL,
    PAGE,
    SIBLING,
    STRANGER,
    URL,
    a_request,
    always,
    answer,
    drive,
    fetched,
    last_sent,
    log,
    open_page,
    redirect,
    serving,
)

if TYPE_CHECKING:
    from route_cors.testing.forms import FormData, FormMethod
    from route_cors.testing.page import Page
    from route_cors.testing.request import Request

    from .machine import Server

ONE_OF_EACH = ("strict=1; SameSite=Strict", "lax=1; SameSite=Lax", "unset=1", "none=1; SameSite=None; Secure")
ALL = "strict=1; lax=1; unset=1; none=1"


def a_form(
    url: str = URL,
    *,
    data: FormData | None = None,
    method: FormMethod = "POST",
    enctype: EncType = "application/x-www-form-urlencoded",
    referrer_policy: ReferrerPolicy = "",
    user_activated: bool = False,
) -> Request:
    return build_submission(
        url,
        base=None,
        data=data,
        method=method,
        enctype=enctype,
        referrer_policy=referrer_policy,
        user_activated=user_activated,
    )


def a_link(url: str = URL, *, user_activated: bool = False) -> Request:
    return build_navigation(url, base=None, referrer_policy="", user_activated=user_activated)


def an_image(url: str = URL) -> Request:
    return build_embed(url, base=None, as_="image")


def navigated(page: Page, request: Request, server: Server) -> Navigation:
    return drive(navigate(page, request), server)


def with_all_cookies(page: Page, *hosts: str) -> Page:
    """Each host's own page has set a cookie of each kind."""
    for origin in hosts:
        navigated(page, a_link(origin), always(answer(200, *(f"Set-Cookie: {each}" for each in ONE_OF_EACH))))
    page.history.clear()
    return page


def sent_cookies(page: Page) -> list[str | None]:
    return [exchange.request.headers.get("cookie") for exchange in page.history]


def sent_origins(page: Page) -> list[str | None]:
    return [exchange.request.headers.get("origin") for exchange in page.history]


# --- what is sent -------------------------------------------------------------------------------------


def test_a_form_is_sent_as_it_is() -> None:
    page = open_page(STRANGER)
    seen = navigated(page, a_form(data={"to": "mallory", "n": ["1", "2"]}), always(answer(403)))
    assert seen == Navigation(403, URL)
    assert seen.type == "navigation"
    assert [exchange.step for exchange in page.history] == ["actual"]
    sent = last_sent(page)
    assert (sent.method, sent.url, sent.content) == ("POST", URL, b"to=mallory&n=1&n=2")
    assert sent.headers.raw == (
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("Content-Type", "application/x-www-form-urlencoded"),
        ("Origin", STRANGER),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    )


@pytest.mark.parametrize("request_", [a_link(), a_form(method="GET")])
def test_a_get_says_no_origin(request_: Request) -> None:
    page = open_page(STRANGER)
    navigated(page, request_, always(answer()))
    assert last_sent(page).method == "GET"
    assert last_sent(page).headers.raw == (
        ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Mode", "navigate"),
        ("Sec-Fetch-Dest", "document"),
    )


@pytest.mark.parametrize("clicked", [True, False])
def test_who_clicks_is_told(clicked: bool) -> None:
    for request in (a_link(user_activated=clicked), a_form(user_activated=clicked)):
        page = open_page()
        navigated(page, request, always(answer()))
        assert last_sent(page).headers.get("sec-fetch-user") == ("?1" if clicked else None)


@pytest.mark.parametrize(
    ("as_", "accept"), [("image", "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5"), ("script", "*/*")]
)
def test_an_element_asks_without_an_origin(as_: EmbedAs, accept: str) -> None:
    page = open_page()
    drive(embed(page, build_embed(URL, base=None, as_=as_)), always(answer()))
    assert last_sent(page).headers.raw == (
        ("Accept", accept),
        ("Sec-Fetch-Site", "same-site"),
        ("Sec-Fetch-Mode", "no-cors"),
        ("Sec-Fetch-Dest", as_),
    )


@pytest.mark.parametrize("url", [URL, OWN_URL])
def test_no_script_sees_what_an_element_loads(url: str) -> None:
    response = answer(200, "X-Id: 7", content=b"secret")
    seen = drive(embed(open_page(), an_image(url)), always(response))
    assert seen == Response(0, seen.headers, b"", "opaque", "")
    assert dict(seen.headers) == dict(Headers())


# --- cookies ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origin", "post", "get", "element"),
    [
        (PAGE, ALL, ALL, ALL),
        (SIBLING, ALL, ALL, ALL),
        (STRANGER, "none=1", "lax=1; unset=1; none=1", "none=1"),
        ("http://app.example.com", "none=1", "lax=1; unset=1; none=1", "none=1"),
        ("null", "none=1", "lax=1; unset=1; none=1", "none=1"),
    ],
)
def test_cookies_go_along_as_same_site_says(origin: str, post: str, get: str, element: str) -> None:
    page = with_all_cookies(open_page(origin), SIBLING)
    navigated(page, a_form(), always(answer()))
    navigated(page, a_form(method="GET"), always(answer()))
    navigated(page, a_link(), always(answer()))
    drive(embed(page, an_image()), always(answer()))
    fetched(page, a_request(URL, mode="no-cors", credentials="include"), always(answer()))
    assert sent_cookies(page) == [post, get, get, element, element]


def test_a_page_that_is_opened_sets_its_cookies_and_an_image_of_another_site_does_not() -> None:
    headers = [f"Set-Cookie: {each}" for each in ONE_OF_EACH]
    page = open_page(STRANGER)
    drive(embed(page, an_image()), always(answer(200, *headers)))
    assert dict(page.cookies) == {"none": "1"}
    navigated(page, a_form(), always(answer(200, *headers)))
    assert dict(page.cookies) == {"strict": "1", "lax": "1", "unset": "1", "none": "1"}


def test_a_post_that_becomes_a_get_carries_lax_cookies() -> None:
    page = with_all_cookies(open_page(STRANGER), SIBLING)
    answers = {URL: redirect(f"{SIBLING}/done", status=303), f"{SIBLING}/done": answer()}
    navigated(page, a_form(), serving(answers))
    assert log(page) == [f"POST {URL}", f"GET {SIBLING}/done"]
    assert sent_cookies(page) == ["none=1", "lax=1; unset=1; none=1"]


def test_a_detour_over_another_site_makes_it_one_of_that_site() -> None:
    page = with_all_cookies(open_page(), PAGE)
    answers = {f"{STRANGER}/": redirect(OWN_URL), OWN_URL: answer()}
    navigated(page, a_form(f"{STRANGER}/"), serving(answers))
    navigated(page, a_link(f"{STRANGER}/"), serving(answers))
    assert sent_cookies(page) == [None, "none=1", None, "lax=1; unset=1; none=1"]


# --- Origin -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", get_args(ReferrerPolicy))
@pytest.mark.parametrize(
    ("url", "is_null"),
    [
        (OWN_URL, {"no-referrer"}),
        (URL, {"no-referrer", "same-origin"}),
        (
            "http://api.example.com/",
            {
                "",
                "no-referrer",
                "no-referrer-when-downgrade",
                "same-origin",
                "strict-origin",
                "strict-origin-when-cross-origin",
            },
        ),
    ],
)
def test_the_referrer_policy_may_hide_the_origin(policy: ReferrerPolicy, url: str, is_null: set[str]) -> None:
    page = open_page()
    navigated(page, a_form(url, referrer_policy=policy), always(answer()))
    fetched(page, a_request(url, method="POST", mode="no-cors", referrer_policy=policy), always(answer()))
    assert sent_origins(page) == ["null" if policy in is_null else PAGE] * 2


def test_it_hides_nothing_in_mode_cors() -> None:
    page = open_page()
    allowed = always(answer(200, f"Access-Control-Allow-Origin: {PAGE}"))
    fetched(page, a_request(URL, method="POST", referrer_policy="no-referrer"), allowed)
    fetched(page, a_request(OWN_URL, method="POST", referrer_policy="no-referrer"), allowed)
    assert sent_origins(page) == [PAGE, PAGE]


def test_a_page_without_an_origin_says_null() -> None:
    page = open_page("null")
    navigated(page, a_form(referrer_policy="unsafe-url"), always(answer()))
    assert sent_origins(page) == ["null"]


@pytest.mark.parametrize(
    ("first", "last", "origin"),
    [
        (PAGE, SIBLING, PAGE),
        (SIBLING, SIBLING, PAGE),
        (SIBLING, PAGE, "null"),
        (STRANGER, SIBLING, "null"),
        (STRANGER, PAGE, "null"),
    ],
)
@pytest.mark.parametrize("status", [307, 308])
def test_a_redirect_from_elsewhere_takes_the_origin_away(
    first: str, last: str, origin: str, status: int
) -> None:
    page = open_page()
    answers = {f"{first}/": redirect(f"{last}/end", status=status), f"{last}/end": answer()}
    seen = navigated(page, a_form(f"{first}/", data={"a": "1"}), serving(answers))
    assert seen == Navigation(200, f"{last}/end")
    assert log(page) == [f"POST {first}/", f"POST {last}/end"]
    assert sent_origins(page) == [PAGE, origin]
    assert last_sent(page).content == b"a=1"


@pytest.mark.parametrize("status", [301, 302, 303])
def test_other_redirects_make_a_get_of_it(status: int) -> None:
    page = open_page()
    answers = {URL: redirect(f"{SIBLING}/end#top", status=status), f"{SIBLING}/end": answer(404)}
    seen = navigated(page, a_form(data={"a": "1"}), serving(answers))
    assert seen == Navigation(404, f"{SIBLING}/end")
    assert log(page) == [f"POST {URL}", f"GET {SIBLING}/end"]
    assert sent_origins(page) == [PAGE, None]
    assert last_sent(page).content == b""
    assert "content-type" not in last_sent(page).headers


# --- where a way ends ---------------------------------------------------------------------------------


@pytest.mark.parametrize("location", ["myapp://callback?code=1", "mailto:a@b.example", "data:text/html,x"])
def test_another_scheme_ends_the_way(location: str) -> None:
    page = open_page()
    seen = navigated(page, a_form(), always(redirect(location, status=302)))
    assert seen == Navigation(302, URL)
    assert log(page) == [f"POST {URL}"]


def test_a_redirect_without_a_location_is_an_answer() -> None:
    assert navigated(open_page(), a_form(), always(answer(302))) == Navigation(302, URL)


def test_what_an_app_answers_is_never_blocked_by_cors() -> None:
    wrong = answer(500, "Access-Control-Allow-Origin: https://third.example", "Vary: Origin")
    for request in (a_form(), a_link(), a_form(method="GET")):
        assert navigated(open_page(STRANGER), request, always(wrong)).status_code == 500


@pytest.mark.parametrize("of_a_link", [True, False])
def test_a_ring_of_redirects_is_left(of_a_link: bool) -> None:
    page = open_page()
    steps: Any = navigate(page, a_link()) if of_a_link else embed(page, an_image())
    with pytest.raises(CORSBlocked) as caught:
        drive(steps, always(redirect(URL)))
    assert caught.value.step == "redirect"
    assert caught.value.reason == f"Cannot load {URL}. More than 20 redirects."
    assert len(page.history) == 21


def test_an_element_is_stopped_in_its_own_name() -> None:
    page = open_page()
    answers = {URL: redirect(f"{STRANGER}/"), f"{STRANGER}/": redirect("ftp://x/")}
    with pytest.raises(CORSBlocked) as caught:
        drive(embed(page, an_image()), serving(answers))
    assert caught.value.reason == (
        f"Access to image at '{STRANGER}/' (redirected from '{URL}') from origin '{PAGE}' has been blocked "
        "by CORS policy: Cross origin requests are only supported for protocol schemes: http, https."
    )


# --- how fields are written ---------------------------------------------------------------------------

# Without lone surrogates, which browsers replace before anybody sees them.
_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
_names = _texts.filter(bool)
_fields = st.lists(st.tuples(_names, _texts), max_size=4)


def with_line_breaks(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")


def body_of(request: Request) -> bytes:
    assert request.content is not None
    return request.content


@given(_fields)
@example([("a b", "~*-._"), ("\u00e9", "&=+%"), ("a", "\r\n\r\r\n")])
def test_a_server_reads_what_the_form_held(fields: list[tuple[str, str]]) -> None:
    expected = [(with_line_breaks(name), with_line_breaks(value)) for name, value in fields]
    posted = body_of(a_form(data=fields)).decode()
    assert parse_qsl(posted, keep_blank_values=True) == expected
    query = urlsplit(a_form(f"{URL}?old=1", data=fields, method="GET").url.href).query
    assert query == posted


@given(st.lists(st.tuples(st.sampled_from(["a", "b c", "\u00e9"]), _texts), min_size=1, max_size=4))
def test_parts_are_read_as_they_were_written(fields: list[tuple[str, str]]) -> None:
    request = a_form(data=fields, enctype="multipart/form-data")
    content_type = dict(request.headers)["Content-Type"]
    boundary = content_type.partition("boundary=")[2].encode()
    first, *parts, last = body_of(request).split(b"--" + boundary)
    assert (first, last) == (b"", b"--\r\n")
    read = [part.removeprefix(b"\r\n").partition(b"\r\n\r\n") for part in parts]
    assert [(head.decode(), value.decode()) for head, _, value in read] == [
        (f'Content-Disposition: form-data; name="{name}"', f"{with_line_breaks(value)}\r\n")
        for name, value in fields
    ]


def test_a_name_in_parts_cannot_end_its_quotes() -> None:
    request = a_form(data={'"\n': "x"}, enctype="multipart/form-data")
    content_type = dict(request.headers)["Content-Type"].encode()
    message = message_from_bytes(b"Content-Type: " + content_type + b"\n\n" + body_of(request))
    (part,) = list(message.walk())[1:]
    assert part["Content-Disposition"] == 'form-data; name="%22%0D%0A"'


def test_what_is_encoded_and_what_is_not() -> None:
    request = a_form(data=[("a b", "~*-._"), ("\u00e9", "&=+%\n")])
    assert body_of(request) == b"a+b=%7E*-._&%C3%A9=%26%3D%2B%25%0D%0A"


def test_a_field_without_a_name_is_not_sent() -> None:
    assert body_of(a_form(data=[("", "a"), ("b", "")])) == b"b="


def test_plain_text_can_pass_for_json() -> None:
    request = a_form(data={'{"a":"': '"}'}, enctype="text/plain")
    assert dict(request.headers)["Content-Type"] == "text/plain"
    assert body_of(request) == b'{"a":"="}\r\n'


@pytest.mark.parametrize(
    ("url", "data", "sent"),
    [
        (URL, None, f"{URL}?"),
        (f"{URL}?a=1", {}, f"{URL}?"),
        (f"{URL}?a=1#top", {"b": "2"}, f"{URL}?b=2#top"),
        (f"{URL}#a?b", [("b", "")], f"{URL}?b=#a?b"),
    ],
)
def test_a_get_puts_its_fields_in_place_of_the_query(url: str, data: FormData | None, sent: str) -> None:
    request = a_form(url, data=data, method="GET")
    assert (request.url.href, request.content) == (sent, None)


def test_a_post_leaves_the_query_and_has_a_body_even_if_it_is_empty() -> None:
    request = a_form(f"{URL}?a=1")
    assert (request.url.href, request.content) == (f"{URL}?a=1", b"")


# --- what no page can send ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"method": "PUT"}, "method: 'PUT': must be one of 'GET', 'POST'"),
        ({"method": "post"}, "method: 'post': must be one of 'GET', 'POST'"),
        ({"enctype": "application/json"}, "enctype: 'application/json': must be one of"),
        ({"referrer_policy": "never"}, "referrer_policy: 'never': must be one of '', 'no-referrer'"),
        ({"url": "ftp://a.example/"}, "url: 'ftp://a.example/': must be http or https"),
        ({"url": "/relative"}, "'/relative' is not a URL that a browser can parse; without a base_url"),
    ],
)
def test_a_form_that_there_cannot_be(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError) as caught:
        a_form(**arguments)
    assert says in str(caught.value)


@pytest.mark.parametrize("data", [{"a": 1}, {1: "a"}, [("a", None)], {"a": ["b", 2]}, {"a": b"b"}])
def test_a_field_is_a_string(data: Any) -> None:
    with pytest.raises(TypeError, match=r"^data: .*: the names and values of a form are strings$"):
        a_form(data=data)


def test_a_link_and_an_element_are_checked_too() -> None:
    never: Any = "never"
    with pytest.raises(ValueError, match=r"^referrer_policy: 'never'"):
        build_navigation(URL, base=None, referrer_policy=never, user_activated=False)
    with pytest.raises(ValueError, match=r"^as_: 'never': must be one of 'image', 'script'$"):
        build_embed(URL, base=None, as_=never)
    with pytest.raises(ValueError, match=r"^referrer_policy: 'never'"):
        a_request(referrer_policy=never)
