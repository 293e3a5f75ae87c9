"""The checks of a response: what Chrome says if one fails, and what would have passed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from route_cors.headers import SAFELISTED_METHODS, is_forbidden_response_header, is_token
from route_cors.testing.cache import DEFAULT_MAX_AGE
from route_cors.testing.engines import STANDARD
from route_cors.testing.messages import REDIRECT_STATUSES, Headers
from route_cors.testing.safelist import NON_WILDCARD_REQUEST_HEADER, SAFELISTED_RESPONSE_HEADERS
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from route_cors.testing.engines import Engine
    from route_cors.testing.history import Step
    from route_cors.testing.messages import ReceivedResponse

# https://fetch.spec.whatwg.org/#ok-status
_OK_STATUSES = range(200, 300)
_DELTA_SECONDS = re.compile(r"0*([0-9]+)")
_NEGATIVE_SECONDS = re.compile(r"-[0-9]+")
# A longer number is above the limit, and Python refuses to convert more than 4,300 digits.
_DIGITS_OF_ANY_LIMIT = 10


class Refused(Exception):  # noqa: N818 - a verdict, which fetch.py turns into what a user sees
    """A check that failed.

    Args:
        step: the step of the call.
        reason: in Chrome's words, if it has any.
        fix: what would have passed.
        by_policy: whether the CORS policy refuses it; False if the fetch itself fails.
        cause: in short, for a reader; None: it is found in the response.
    """

    def __init__(
        self, step: Step, reason: str, *, fix: str, by_policy: bool = True, cause: str | None = None
    ) -> None:
        super().__init__(reason)
        self.step: Step = step
        self.reason = reason
        self.fix = fix
        self.by_policy = by_policy
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Asked:
    """A cross-origin request of a page.

    Args:
        origin: the Origin header that was sent.
        include_credentials: whether the credentials mode is `include`.
        method: the method of the actual request.
        unsafe_names: the names of the headers that need a preflight, in lower case.
        engine: of the browser.
        is_forced: whether the preflight is sent even if no part of the request needs one.
    """

    origin: str
    include_credentials: bool
    method: str
    unsafe_names: tuple[str, ...]
    engine: Engine = STANDARD
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Granted:
    """What the response to a preflight grants, and for how long.

    Args:
        methods: as the server spells them.
        header_names: in lower case.
        max_age: seconds, within the browser's limit.
    """

    methods: tuple[str, ...]
    header_names: tuple[str, ...]
    max_age: int


def check_cors(headers: Headers, asked: Asked) -> None:
    """Check whether the page may read a response.

    https://fetch.spec.whatwg.org/#concept-cors-check

    Raises:
        Refused: it may not.
    """
    try:
        _check_origin_and_credentials(headers, asked)
    except _Fault as fault:
        raise Refused("actual", str(fault), fix=_needed_of_response(asked)) from None


def check_preflight(response: ReceivedResponse, asked: Asked) -> Granted:
    """Check whether the actual request may be sent.

    https://fetch.spec.whatwg.org/#cors-preflight-fetch-0

    Raises:
        Refused: it may not.
    """
    headers = response.headers
    try:
        _check_access(response, asked)
        methods = _names(headers, "Access-Control-Allow-Methods")
        names = tuple(name.lower() for name in _names(headers, "Access-Control-Allow-Headers"))
        _check_method(methods, asked)
        _check_names(names, asked)
    except _Fault as fault:
        raise Refused("preflight", str(fault), fix=_needed_of_preflight(asked)) from None
    if asked.is_forced and "access-control-allow-methods" not in headers:
        methods = (asked.method,)
    return Granted(methods, names, _max_age(headers, asked.engine))


def readable_headers(headers: Headers, *, include_credentials: bool) -> Headers:
    """The headers of a `cors` response that its page may read.

    https://fetch.spec.whatwg.org/#concept-filtered-response-cors
    """
    try:
        listed = _names(headers, "Access-Control-Expose-Headers")
    except _Fault:
        # The standard does not say what an invalid list exposes. In browsers it exposes nothing.
        listed = ()
    all_are = "*" in listed and not include_credentials
    exposed = set(headers) if all_are else {name.lower() for name in listed}
    return Headers(
        (name, value)
        for name, value in headers.raw
        if name.lower() in SAFELISTED_RESPONSE_HEADERS
        or (name.lower() in exposed and not is_forbidden_response_header(name))
    )


class _Fault(Exception):  # noqa: N818 - becomes a Refused
    """What is wrong with a response, in Chrome's words."""


def _check_origin_and_credentials(headers: Headers, asked: Asked) -> None:
    allowed = headers.get("access-control-allow-origin")
    if allowed is None:
        raise _Fault("No 'Access-Control-Allow-Origin' header is present on the requested resource.")
    if allowed == "*" and asked.include_credentials:
        raise _Fault(
            "The value of the 'Access-Control-Allow-Origin' header in the response must not be the wildcard "
            "'*' when the request's credentials mode is 'include'."
        )
    if allowed not in {"*", asked.origin}:
        raise _Fault(f"{_why_not_this_origin(allowed)} Have the server send the header with a valid value.")
    credentials = headers.get("access-control-allow-credentials", "")
    if asked.include_credentials and credentials != "true":
        raise _Fault(
            f"The value of the 'Access-Control-Allow-Credentials' header in the response is '{credentials}' "
            "which must be 'true' when the request's credentials mode is 'include'."
        )


def _why_not_this_origin(allowed: str) -> str:
    header = "The 'Access-Control-Allow-Origin' header"
    if "," in allowed or " " in allowed:
        return f"{header} contains multiple values '{allowed}', but only one is allowed."
    try:
        parse_url(allowed)
    except ValueError:
        if allowed != "null":
            return f"{header} contains the invalid value '{allowed}'."
    return f"{header} has a value '{allowed}' that is not equal to the supplied origin."


def _check_access(response: ReceivedResponse, asked: Asked) -> None:
    try:
        _check_no_redirect(response.status_code)
        _check_origin_and_credentials(response.headers, asked)
        _check_ok(response.status_code)
    except _Fault as fault:
        raise _Fault(f"Response to preflight request doesn't pass access control check: {fault}") from None


def _check_no_redirect(status_code: int) -> None:
    if status_code in REDIRECT_STATUSES:
        raise _Fault("Redirect is not allowed for a preflight request.")


def _check_ok(status_code: int) -> None:
    if status_code not in _OK_STATUSES:
        raise _Fault("It does not have HTTP ok status.")


def _check_method(methods: tuple[str, ...], asked: Asked) -> None:
    by_wildcard = "*" in methods and not asked.include_credentials
    if asked.method not in methods and asked.method not in SAFELISTED_METHODS and not by_wildcard:
        raise _Fault(
            f"Method {asked.method} is not allowed by Access-Control-Allow-Methods in preflight response."
        )


def _check_names(names: tuple[str, ...], asked: Asked) -> None:
    wildcard_counts = "*" in names and not asked.include_credentials
    for name in asked.unsafe_names:
        by_wildcard = wildcard_counts and _is_wildcard_name(name, asked.engine)
        if name not in names and not by_wildcard:
            raise _Fault(
                f"Request header field {name} is not allowed by Access-Control-Allow-Headers in preflight "
                "response."
            )


def _is_wildcard_name(name: str, engine: Engine) -> bool:
    """Whether `*` grants it (https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name)."""
    return name != NON_WILDCARD_REQUEST_HEADER or engine.wildcard_grants_authorization


def _names(headers: Headers, header_name: str) -> tuple[str, ...]:
    """The elements of a list header; none if it is missing.

    https://fetch.spec.whatwg.org/#extract-header-list-values

    Raises:
        _Fault: an element is not a token.
    """
    elements = (element.strip(" \t") for element in headers.get(header_name, "").split(","))
    names = tuple(element for element in elements if element)
    if not all(map(is_token, names)):
        raise _Fault(f"Cannot parse {header_name} response header field in preflight response.")
    return names


def _max_age(headers: Headers, engine: Engine) -> int:
    """Seconds; by the standard 5 if there is no header, or several, or one that cannot be read."""
    value = headers.get("access-control-max-age", "")
    if not value:
        return DEFAULT_MAX_AGE
    seconds = _DELTA_SECONDS.fullmatch(value)
    if seconds is None:
        is_negative = _NEGATIVE_SECONDS.fullmatch(value) is not None
        return engine.max_age_of_negative if is_negative else engine.max_age_of_nonsense
    digits, longest = seconds[1], engine.longest_max_age
    return longest if len(digits) > _DIGITS_OF_ANY_LIMIT else min(int(digits), longest)


def _needed_of_response(asked: Asked) -> str:
    """The headers that would let the page read a response."""
    lines = [f"Access-Control-Allow-Origin: {asked.origin}"]
    if asked.include_credentials:
        lines.append("Access-Control-Allow-Credentials: true")
    return "\n".join(lines)


def _needed_of_preflight(asked: Asked) -> str:
    """The response to a preflight with which the actual request would be sent."""
    lines = ["204 No Content", _needed_of_response(asked)]
    if asked.method not in SAFELISTED_METHODS:
        lines.append(f"Access-Control-Allow-Methods: {asked.method}")
    if asked.unsafe_names:
        lines.append(f"Access-Control-Allow-Headers: {', '.join(asked.unsafe_names)}")
    return "\n".join(lines)
