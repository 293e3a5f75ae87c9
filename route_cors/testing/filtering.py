"""What a script sees of a response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from route_cors.headers import is_forbidden_response_header
from route_cors.testing.checks import readable_headers
from route_cors.testing.engines import STANDARD
from route_cors.testing.messages import REDIRECT_STATUSES, Headers, Response

if TYPE_CHECKING:
    from route_cors.testing.engines import Engine
    from route_cors.testing.messages import ReceivedResponse
    from route_cors.testing.request import Request

Tainting: TypeAlias = Literal["basic", "cors", "opaque"]
"""https://fetch.spec.whatwg.org/#concept-request-response-tainting"""

OPAQUE: Final = Response(0, Headers(), b"", "opaque", "")
"""https://fetch.spec.whatwg.org/#concept-filtered-response-opaque"""

_NULL_BODY_STATUSES = frozenset({101, 103, 204, 205, 304})


def filtered(
    response: ReceivedResponse,
    request: Request,
    *,
    tainting: Tainting,
    method: str,
    url: str,
    engine: Engine = STANDARD,
) -> Response:
    """What a script sees of the response (https://fetch.spec.whatwg.org/#concept-filtered-response).

    Args:
        response: as the server sent it.
        request: as the page made it.
        tainting: of the request, after redirects.
        method: that was sent last.
        url: of the response.
        engine: of the browser.
    """
    if response.status_code in REDIRECT_STATUSES and request.redirect == "manual":
        is_shown = engine.shows_body_of_redirect_without_location and not any(
            response.headers.get_all("location")
        )
        return Response(0, Headers(), response.content if is_shown else b"", "opaqueredirect", url)
    if tainting == "opaque":
        return OPAQUE
    if tainting == "cors":
        headers = readable_headers(response.headers, include_credentials=request.credentials == "include")
    else:
        headers = Headers(
            header for header in response.headers.raw if not is_forbidden_response_header(header[0])
        )
    has_no_body = method == "HEAD" or response.status_code in _NULL_BODY_STATUSES
    content = b"" if has_no_body else response.content
    return Response(response.status_code, headers, content, tainting, url)
