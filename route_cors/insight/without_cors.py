"""Forms, images and links: what happens to what a page sends without a script, and so without CORS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from route_cors.insight.explanation import Check
from route_cors.insight.rulings import is_refused_with_cookies
from route_cors.testing.urls import MADE_UP_HOST, is_same_site, parse_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from route_cors.insight.attempt import Attempt, Sent
    from route_cors.insight.explanation import SentAs, Step
    from route_cors.insight.handled import Handled

_NAMES: dict[SentAs, str] = {"form": "a form", "image": "an image", "link": "a link"}
_SENT: dict[SentAs, str] = {
    "form": "the form is sent",
    "image": "the image is asked for",
    "link": "the link is followed",
}


def why_no_preflight(as_: SentAs) -> str:
    """In a sentence."""
    return f"No preflight: browsers send none for {_NAMES[as_]}."


def checks_without_cors(attempt: Attempt, sent: Sent) -> Iterator[Check]:
    """Which cookies are sent, and what the page can see of the response."""
    yield Check("cookies", passed=None, detail=_cookies(attempt, sent))
    yield Check("response", passed=None, detail=_WHAT_IS_SEEN[attempt.call.as_])


_WHAT_IS_SEEN: dict[SentAs, str] = {
    "form": "the browser shows it in place of the page, which cannot read it",
    "image": "the browser shows it if it is an image; the page can only read its size",
    "link": "the browser shows it in place of the page, which cannot read it",
}


def _cookies(attempt: Attempt, sent: Sent) -> str:
    """https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html#name-the-samesite-attribute-2."""
    url = parse_url(sent.request.url)
    page = None if attempt.call.origin == "null" else parse_url(attempt.call.origin)
    if url.host == MADE_UP_HOST:
        return (
            f"{MADE_UP_HOST} counts as the page's own site, so all of them are sent: "
            "give the app's URL (--base-url)"
        )
    if is_same_site(url, page):
        return "all of the app's are sent: the page is on the same site"
    if attempt.call.as_ == "image":
        return f"{_NONE} are sent, if the browser sends third-party cookies at all"
    if sent.request.method == "GET":
        return "those with SameSite=None or Lax are sent, and those without SameSite"
    return f"{_NONE} are sent; those without SameSite too, but in Chromium for two minutes only"


_NONE = "as the page is on another site, only cookies with SameSite=None"


def outcome_without_cors(attempt: Attempt, step: Step) -> str:
    """What happens to it, in sentences.

    Args:
        attempt: the whole call.
        step: its last request.
    """
    handled = attempt.last.handled
    sent = _SENT[attempt.call.as_]
    status = attempt.last.response.status_code
    if not attempt.goes_through:
        failed = next(check for check in step.checks if check.passed is False)
        how = "answered with a 403 before the endpoint runs" if handled.refused_for else f"gets a {status}"
        return f"Refused: {sent}, and {how}. It fails at the {failed.name}: {failed.detail}."
    gets = "the endpoint gets it" if handled.is_endpoints_own else f"the app answers with a {status}"
    read = "" if attempt.is_same_origin else " The page cannot read the response."
    cookies = " With cookies it would be refused." if is_refused_with_cookies(attempt.last) else ""
    return f"Let through: {sent}, and {gets}{_unless(handled)}.{read}{cookies}"


def _unless(handled: Handled) -> str:
    names = [layer.name for layer in handled.unknown]
    return f", unless {' or '.join(names)} refuses it, which is not known" if names else ""
