"""What a request still has after several redirects, in each engine, as tests/browser/ has seen it."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final, get_args

import pytest

from route_cors.testing.fetch import navigate
from route_cors.testing.forms import build_submission
from route_cors.testing.request import Credentials

from .machine import (
    EVERY_ENGINE,
    FOR_ANY,
    FOR_PAGE,
    OWN_URL,
    PAGE,
    SIBLING,
    STRANGER,
    URL,
    WITH_CREDENTIALS,
    a_request,
    always,
    answer,
    blocked,
    drive,
    fetched,
    last_sent,
    open_page,
    redirect,
    serving,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from route_cors.testing.engines import EngineName
    from route_cors.testing.messages import ReceivedResponse
    from route_cors.testing.page import Page
    from route_cors.testing.request import Mode

    from .machine import Server

BODY: Final = (("Content-Type", "text/plain;x"), ("Content-Language", "de"))


def along(origins: Sequence[str], statuses: Sequence[int], *grants: str) -> Server:
    """Servers that lead from `/0` of the first one to `/1` of the next, and so on."""
    urls = [f"{origin}/{step}" for step, origin in enumerate(origins)]
    answers: dict[str, ReceivedResponse] = {
        url: redirect(following, *grants, status=status)
        for (url, following), status in zip(pairwise(urls), statuses, strict=True)
    }
    return serving(answers | {urls[-1]: answer(200, *grants)})


def sent_of_the_body(page: Page) -> list[str]:
    """For each request the headers of a body: the first letters of what is after `Content-`."""
    return [
        "".join(
            sorted(
                name[8].lower()
                for name, _ in exchange.request.headers.raw
                if name.lower() in {"content-type", "content-language"}
            )
        )
        for exchange in page.history
    ]


# --- Headers of a body ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "origins", "statuses", "by_engine"),
    [
        ("cors", (SIBLING,) * 4, (303, 307, 302), {"firefox": ["lt", ""], "webkit": ["lt", "lt"]}),
        ("cors", (SIBLING,) * 4, (303, 302, 308), {"firefox": ["", "lt"], "webkit": ["lt", "lt"]}),
        ("cors", (SIBLING, SIBLING, STRANGER), (301, 302), {"webkit": ["lt"]}),
        ("cors", (PAGE, PAGE, SIBLING), (303, 302), {"webkit": ["lt"]}),
        ("cors", (PAGE,) * 4, (303, 307, 302), {"firefox": ["lt", ""], "webkit": ["t", "t"]}),
        ("same-origin", (PAGE,) * 4, (302, 302, 307), {"firefox": ["", "lt"], "webkit": ["", "t"]}),
        ("no-cors", (SIBLING,) * 4, (303, 302, 307), {"firefox": ["", "lt"], "webkit": ["", "t"]}),
        ("no-cors", (SIBLING, STRANGER, STRANGER), (303, 307), {"firefox": ["lt"], "webkit": ["t"]}),
        ("no-cors", (PAGE, SIBLING, SIBLING), (303, 307), {"firefox": ["lt"]}),
    ],
)
@EVERY_ENGINE
def test_headers_of_a_body_that_a_redirect_removed(
    engine: EngineName,
    mode: Mode,
    origins: Sequence[str],
    statuses: Sequence[int],
    by_engine: dict[EngineName, list[str]],
) -> None:
    page = open_page(engine=engine)
    request = a_request(f"{origins[0]}/0", method="POST", headers=BODY, content="text", mode=mode)
    fetched(page, request, along(origins, statuses, FOR_ANY))
    later = by_engine.get(engine, [""] * (len(origins) - 2))
    assert sent_of_the_body(page) == ["lt", "", *later]
    assert all(not exchange.request.content for exchange in page.history[1:])


@EVERY_ENGINE
def test_headers_of_a_get_stay(engine: EngineName) -> None:
    page = open_page(engine=engine)
    request = a_request(f"{SIBLING}/0", headers=BODY[1:])
    fetched(page, request, along((SIBLING,) * 3, (302, 307), FOR_ANY))
    assert sent_of_the_body(page) == ["l", "l", "l"]


@EVERY_ENGINE
def test_a_body_that_comes_back_is_asked_for(engine: EngineName) -> None:
    page = open_page(engine=engine)
    request = a_request(f"{PAGE}/0", method="POST", json=1)
    last = f"{SIBLING}/2"
    server = serving(
        {
            f"{PAGE}/0": redirect(f"{PAGE}/1", status=303),
            f"{PAGE}/1": redirect(last, status=307),
            f"OPTIONS {last}": answer(204, FOR_ANY, "Access-Control-Allow-Headers: content-type"),
            last: answer(200, FOR_ANY),
        }
    )
    fetched(page, request, server)
    asked = [each.request.headers["access-control-request-headers"] for each in page.history.preflights]
    assert asked == (["content-type"] if engine in {"firefox", "webkit"} else [])


@EVERY_ENGINE
def test_a_header_that_has_come_back_is_asked_for_as_one(engine: EngineName) -> None:
    page = open_page(engine=engine)
    # Twice as long it would not be safelisted.
    headers = {"X-One": "1", "Content-Language": "d" * 100}
    last = f"{SIBLING}/2"
    server = serving(
        {
            f"{PAGE}/0": redirect(f"{PAGE}/1", status=303),
            f"{PAGE}/1": redirect(last, status=302),
            f"OPTIONS {last}": answer(204, FOR_ANY, "Access-Control-Allow-Headers: *"),
            last: answer(200, FOR_ANY),
        }
    )
    fetched(page, a_request(f"{PAGE}/0", method="POST", headers=headers), server)
    asked = [each.request.headers["access-control-request-headers"] for each in page.history.preflights]
    assert asked == ["x-one"]


# --- Origin -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "origins", "statuses", "in_webkit"),
    [
        ("cors", (PAGE,) * 3, (303, 302), [PAGE, PAGE, PAGE]),
        ("no-cors", (SIBLING,) * 3, (302, 307), [PAGE, PAGE, PAGE]),
        ("no-cors", (PAGE, SIBLING, SIBLING), (303, 302), [PAGE, None, None]),
        ("no-cors", (SIBLING, SIBLING, SIBLING, STRANGER), (303, 302, 302), [PAGE, PAGE, PAGE, None]),
    ],
)
@EVERY_ENGINE
def test_the_origin_of_a_post_that_becomes_a_get(
    engine: EngineName,
    mode: Mode,
    origins: Sequence[str],
    statuses: Sequence[int],
    in_webkit: list[str | None],
) -> None:
    page = open_page(engine=engine)
    fetched(page, a_request(f"{origins[0]}/0", method="POST", mode=mode), along(origins, statuses))
    sent = [exchange.request.headers.get("origin") for exchange in page.history]
    assert sent == (in_webkit if engine == "webkit" else [PAGE, *[None] * (len(origins) - 1)])


@EVERY_ENGINE
def test_the_origin_of_a_form_that_becomes_a_get(engine: EngineName) -> None:
    page = open_page(engine=engine)
    form = build_submission(
        f"{PAGE}/0",
        base=None,
        data=None,
        method="POST",
        enctype="text/plain",
        referrer_policy="",
        user_activated=False,
    )
    drive(navigate(page, form), along((PAGE, PAGE), (303,)))
    assert "origin" not in last_sent(page).headers


# --- Credentials ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("credentials", get_args(Credentials))
@pytest.mark.parametrize(
    "road", [(PAGE, SIBLING, SIBLING), (PAGE, SIBLING, PAGE), (SIBLING, SIBLING, SIBLING)]
)
@EVERY_ENGINE
def test_a_redirect_of_another_origin_and_credentials(
    engine: EngineName, road: Sequence[str], credentials: Credentials
) -> None:
    page = open_page(engine=engine)
    request = a_request(f"{road[0]}/0", credentials=credentials)
    answers = {
        f"{road[0]}/0": redirect(
            f"{road[1]}/1", FOR_ANY if credentials != "include" else FOR_PAGE, WITH_CREDENTIALS
        ),
        f"{road[1]}/1": redirect(f"{road[2]}/2", FOR_ANY),
        f"{road[2]}/2": answer(200, "Access-Control-Allow-Origin: null", WITH_CREDENTIALS)
        if road[2] == PAGE
        else answer(200, FOR_PAGE, WITH_CREDENTIALS),
    }
    began_here = road[0] == PAGE
    if credentials == "include" or (engine == "webkit" and credentials == "same-origin" and began_here):
        assert blocked(page, request, serving(answers)).step == "actual"
        assert last_sent(page).url == f"{road[1]}/1"
    else:
        assert fetched(page, request, serving(answers)).status_code == 200


@EVERY_ENGINE
def test_the_last_response_is_judged_by_the_credentials_of_the_fetch(engine: EngineName) -> None:
    page = open_page(engine=engine)
    for last in (answer(200, FOR_ANY), answer(302, FOR_ANY)):
        server = serving({OWN_URL: redirect(URL), URL: last})
        assert fetched(page, a_request(OWN_URL), server).status_code == last.status_code


# --- Redirects that are not followed ----------------------------------------------------------------------


@pytest.mark.parametrize("url", [URL, OWN_URL])
@pytest.mark.parametrize(("lines", "text"), [((), "body"), (("Location:",), "body"), (("Location: /y",), "")])
@EVERY_ENGINE
def test_the_body_of_a_redirect_that_is_not_followed(
    engine: EngineName, url: str, lines: Sequence[str], text: str
) -> None:
    page = open_page(engine=engine)
    response = fetched(
        page, a_request(url, redirect="manual"), always(answer(302, FOR_ANY, *lines, content=b"body"))
    )
    assert (response.type, response.status_code, list(response.headers)) == ("opaqueredirect", 0, [])
    assert response.text == (text if engine == "webkit" else "")
