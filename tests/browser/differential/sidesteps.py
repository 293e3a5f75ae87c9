"""Generated cases without the input that an engine's differences are about.

Each difference has a case of its own (differences.py); here it would only hide what else may differ.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from browser.engines import Name

    from .cases import Answer, Case, Fetch, Header, Headers, Resource


def sidestep(engine: Name, case: Case) -> Case:
    return SIDESTEPS[engine](case)


def _as_it_is(case: Case) -> Case:
    return case


def _for_firefox(case: Case) -> Case:
    case = _changed(
        _without_redirects_of_what_is_preflighted(_without_cookies_if_sandboxed(case)), _answer_to_firefox
    )
    return replace(case, fetches=tuple(map(_fetch_of_firefox, case.fetches)))


def _fetch_of_firefox(fetch: Fetch) -> Fetch:
    # A HEAD that is preflighted is preflighted every time, unless it is listed.
    method = "GET" if fetch.method.upper() == "HEAD" and fetch.headers else fetch.method
    return replace(fetch, method=method, headers=_ascii(fetch.headers))


def _answer_to_firefox(answer: Answer) -> Answer:
    headers = dict.fromkeys((name, _in_digits(name, value)) for name, value in answer.headers)
    return replace(answer, headers=tuple(_one_content_type(headers)))


def _in_digits(name: str, value: str) -> str:
    """Firefox remembers nothing where a max-age is not one."""
    if name.lower() != "access-control-max-age" or not value:
        return value
    return value if value.isascii() and value.strip().isdecimal() else "600"


def _one_content_type(headers: dict[Header, None]) -> Iterator[Header]:
    found = False
    for name, value in headers:
        is_one = name.lower() == "content-type"
        if not (is_one and found):
            yield name, value
        found |= is_one


def _for_webkit(case: Case) -> Case:
    case = _changed(
        _without_redirects_of_what_is_preflighted(_without_cookies_if_sandboxed(case)),
        lambda answer: replace(
            answer, headers=_ascii(answer.headers), status=200 if answer.status == 205 else answer.status
        ),
    )
    return replace(case, fetches=tuple(replace(each, headers=_ascii(each.headers)) for each in case.fetches))


def _without_cookies_if_sandboxed(case: Case) -> Case:
    """Firefox and WebKit take a cookie without SameSite for one with SameSite=None."""
    if not case.sandboxed:
        return case
    return _changed(
        case,
        lambda answer: replace(
            answer, headers=tuple(header for header in answer.headers if header[0] != "Set-Cookie")
        ),
    )


def _ascii(headers: Headers) -> Headers:
    return tuple((name, value.replace("\xe9", "e").replace("\xb2", "2")) for name, value in headers)


def _without_redirects_of_what_is_preflighted(case: Case) -> Case:
    """Both engines preflight again after a redirect, whatever is left of the reason."""
    if not any(map(_may_be_preflighted, case.fetches)):
        return case
    return _changed(
        case,
        lambda answer: (
            replace(answer, status=200) if 300 < answer.status < 400 and answer.status != 304 else answer
        ),
    )


def _may_be_preflighted(fetch: Fetch) -> bool:
    return fetch.mode == "cors" and (
        bool(fetch.headers) or fetch.method.upper() not in {"GET", "HEAD", "POST"}
    )


def _changed(case: Case, change: Callable[[Answer], Answer]) -> Case:
    def of(resource: Resource) -> Resource:
        return replace(
            resource,
            actual=tuple(map(change, resource.actual)),
            preflight=tuple(map(change, resource.preflight)),
        )

    return replace(case, resources=tuple(map(of, case.resources)))


SIDESTEPS: Final = {"chromium": _as_it_is, "firefox": _for_firefox, "webkit": _for_webkit}
