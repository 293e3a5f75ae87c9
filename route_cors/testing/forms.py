"""What a page can send without fetch: links, forms, images and scripts.

CORS does not apply to them. Browsers send them without a preflight, with cookies by the rules of SameSite,
and the page cannot read the response:
https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#form-submission-2
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from urllib.parse import urlencode

from route_cors.testing.referrer import ReferrerPolicy
from route_cors.testing.request import Request, check_choice, checked_url
from route_cors.testing.urls import parse_url

if TYPE_CHECKING:
    from route_cors.testing.urls import Url

EncType: TypeAlias = Literal["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]
"""https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#attr-fs-enctype"""

FormMethod: TypeAlias = Literal["GET", "POST"]
"""The methods of a form; https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#attr-fs-method"""

FormData: TypeAlias = Mapping[str, str | list[str] | tuple[str, ...]] | Sequence[tuple[str, str]]
"""The fields by name, or pairs. A name with several values is sent several times."""

EmbedAs: TypeAlias = Literal["image", "script"]
"""The element: `<img>` or `<script>`."""

# https://fetch.spec.whatwg.org/#document-accept-header-value and the table of Accept values in concept-fetch
_ACCEPTS: Final = {
    "document": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "image": "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    "script": "*/*",
}
_NEWLINE = re.compile(r"\r\n|\r|\n")


def build_navigation(
    url: str, *, base: Url | None, referrer_policy: ReferrerPolicy, user_activated: bool
) -> Request:
    """The request of a link, or of a script that sets `location.href`.

    Args:
        url: absolute, or relative to `base`.
        base: the base of relative URLs; None if there is none.
        referrer_policy: see `ReferrerPolicy`.
        user_activated: whether a person clicked.

    Raises:
        ValueError: the URL or the policy is not valid.
    """
    check_choice("referrer_policy", referrer_policy, ReferrerPolicy)
    return _navigation(
        checked_url(url, base), "GET", None, None, referrer_policy, user_activated=user_activated
    )


def build_submission(
    url: str,
    *,
    base: Url | None,
    data: FormData | None,
    method: FormMethod,
    enctype: EncType,
    referrer_policy: ReferrerPolicy,
    user_activated: bool,
) -> Request:
    """The request of a form that is submitted.

    https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#form-submission-algorithm

    Args:
        url: the form's action: absolute, or relative to `base`.
        base: the base of relative URLs; None if there is none.
        data: the fields; None: there are none.
        method: with GET the fields replace the URL's query.
        enctype: how a POST sends them.
        referrer_policy: see `ReferrerPolicy`.
        user_activated: whether a person clicked.

    Raises:
        ValueError: a form cannot have such an argument.
        TypeError: a field's name or value is not a string.
    """
    check_choice("method", method, FormMethod)
    check_choice("enctype", enctype, EncType)
    check_choice("referrer_policy", referrer_policy, ReferrerPolicy)
    fields = list(_fields(data))
    action = checked_url(url, base)
    if method == "GET":
        action = _with_query(action, _urlencoded(fields))
        return _navigation(action, method, None, None, referrer_policy, user_activated=user_activated)
    content, content_type = _encoded(fields, enctype)
    return _navigation(action, method, content, content_type, referrer_policy, user_activated=user_activated)


def build_embed(url: str, *, base: Url | None, as_: EmbedAs) -> Request:
    """The request of an `<img>` or a `<script>` without the attribute crossorigin.

    https://html.spec.whatwg.org/multipage/urls-and-fetching.html#create-a-potential-cors-request

    Args:
        url: absolute, or relative to `base`.
        base: the base of relative URLs; None if there is none.
        as_: the element.

    Raises:
        ValueError: the URL or the element is not valid.
    """
    check_choice("as_", as_, EmbedAs)
    accept = (("Accept", _ACCEPTS[as_]),)
    return Request(
        checked_url(url, base), "GET", accept, None, "no-cors", "include", "follow", destination=as_
    )


def _navigation(
    url: Url,
    method: FormMethod,
    content: bytes | None,
    content_type: str | None,
    referrer_policy: ReferrerPolicy,
    *,
    user_activated: bool,
) -> Request:
    headers = [("Accept", _ACCEPTS["document"])]
    if content_type is not None:
        headers.append(("Content-Type", content_type))
    return Request(
        url,
        method,
        tuple(headers),
        content,
        mode="navigate",
        credentials="include",
        redirect="follow",
        referrer_policy=referrer_policy,
        destination="document",
        user_activated=user_activated,
    )


def _fields(data: FormData | None) -> Iterable[tuple[str, str]]:
    """The entry list, with the line breaks that a form sends.

    https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#convert-to-a-list-of-name-value-pairs
    """
    given = data.items() if isinstance(data, Mapping) else data or ()
    for name, value in given:
        for each in value if isinstance(value, list | tuple) else [value]:
            field = _normalized(name), _normalized(each)
            # A field without a name is not sent.
            if name:
                yield field


def _normalized(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(f"data: {text!r}: the names and values of a form are strings")
    return _NEWLINE.sub("\r\n", text)


def _with_query(url: Url, query: str) -> Url:
    """Mutate action URL (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#submit-mutate-action)."""
    fragment = "" if url.fragment is None else f"#{url.fragment}"
    return parse_url(f"{url.without_fragment.partition('?')[0]}?{query}{fragment}")


def _encoded(fields: Sequence[tuple[str, str]], enctype: EncType) -> tuple[bytes, str]:
    """The body, and its Content-Type."""
    match enctype:
        case "multipart/form-data":
            boundary = f"----WebKitFormBoundary{secrets.token_hex(8)}"
            return _multipart(fields, boundary), f"{enctype}; boundary={boundary}"
        case "text/plain":
            return "".join(f"{name}={value}\r\n" for name, value in fields).encode(), enctype
        case _:
            return _urlencoded(fields).encode(), enctype


def _urlencoded(fields: Sequence[tuple[str, str]]) -> str:
    """As Python's `urlencode`, except for `*` and `~` (https://url.spec.whatwg.org/#concept-urlencoded-serializer)."""
    return urlencode(fields, safe="*").replace("~", "%7E")


def _multipart(fields: Sequence[tuple[str, str]], boundary: str) -> bytes:
    """The encoding (https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data)."""
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{_escaped(name)}"\r\n\r\n{value}\r\n'
        for name, value in fields
    ]
    return "".join([*parts, f"--{boundary}--\r\n"]).encode()


def _escaped(name: str) -> str:
    return name.replace("\n", "%0A").replace("\r", "%0D").replace('"', "%22")
