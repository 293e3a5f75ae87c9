"""The checked arguments of the commands. Each error is one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from route_cors.cli.errors import CommandError
from route_cors.errors import CORSConfigError
from route_cors.headers import is_token
from route_cors.insight.explanation import Call
from route_cors.insight.page_origin import checked_page_origin
from route_cors.origins import parse_origin

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from route_cors.insight.explanation import SentAs

_PLAUSIBLE: Final[Mapping[str, str]] = {
    "accept": "application/json",
    "accept-language": "en",
    "authorization": "Bearer token",
    "content-language": "en",
    "content-type": "application/json",
    "if-match": '"etag"',
    "if-none-match": '"etag"',
    "range": "bytes=0-99",
}
_ANY_VALUE: Final = "1"
_LONGEST_SHOWN: Final = 100


def page_origin(given: str) -> str:
    """The origin of a page, as browsers send it, or `null`, which sandboxed pages have.

    Raises:
        CommandError: it is not an origin; the message says what is wrong, and the fix if there is one.
    """
    try:
        return checked_page_origin(given)
    except ValueError as error:
        raise CommandError(f"--origin {error}") from error.__cause__


def api_origin(given: str) -> str:
    """The origin of an API that is served at a URL.

    Raises:
        CommandError: it is not an http or https URL.
    """
    try:
        parts = urlsplit(given)
        parse_origin(f"{parts.scheme}://{parts.netloc}")
    except (ValueError, CORSConfigError) as error:
        raise CommandError(f"--base-url {_short(given)}: write a URL, https://api.example.com") from error
    return f"{parts.scheme}://{parts.netloc}"


def read_request(first: str | None, second: str | None, option: str | None) -> tuple[str, str]:
    """The method and the path of a call, where the method may be an option.

    Args:
        first: the first argument: the method, or with the option the path.
        second: the second argument: the path.
        option: the method as an option.

    Raises:
        CommandError: one of them is missing, or the method is given twice.
    """
    if option is not None and second is not None:
        raise CommandError(f"the method is given twice: {_short(str(first))} and --method {_short(option)}")
    method, path = (first, second) if option is None else (option, first)
    if method is None or path is None:
        raise CommandError("the method or the path is missing: route-cors explain PUT /account/7")
    return method, path


def read_call(
    method: str,
    path: str,
    *,
    origin: str,
    headers: Iterable[str],
    credentials: bool,
    base_url: str | None,
    as_: SentAs = "fetch",
) -> Call:
    """The call that the arguments of `explain` describe. Whether a browser can make it is checked later.

    Args:
        method: of the call.
        path: relative to the app's root; or a whole URL, which contains the base URL as well.
        origin: of the page.
        headers: `Name: value`, or only the name, which gets a plausible value.
        credentials: whether the script asks for credentials.
        base_url: where the app is served.
        as_: how the page sends it.

    Raises:
        CommandError: one of them is not valid.
    """
    if not is_token(method):
        raise CommandError(f"{_short(method)} is not a method; to name the app, write --app {_short(method)}")
    if "://" in path.partition("?")[0]:
        if base_url is not None:
            raise CommandError(f"{_short(path)} is a whole URL: leave --base-url out")
        base_url, path = _split(path)
    base = {} if base_url is None else {"base_url": base_url}
    return Call(
        method=method,
        path=path,
        origin=page_origin(origin),
        headers=tuple(map(read_header, headers)),
        credentials=credentials,
        as_=as_,
        **base,
    )


def _split(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise CommandError(f"{_short(url)} is not a URL: {error}") from error
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{parts.netloc}", f"{parts.path or '/'}{query}"


def read_header(given: str) -> tuple[str, str]:
    """The name and the value of a header: `Name: value`, or only the name, which gets a plausible value.

    Raises:
        CommandError: it has no valid name.
    """
    name, _, value = given.partition(":")
    name, value = name.strip(), value.strip()
    if not is_token(name):
        raise CommandError(f"--header {_short(given)}: write 'Name: value', or only the name")
    return name, value or _PLAUSIBLE.get(name.lower(), _ANY_VALUE)


def read_codes(given: Iterable[str], known: Collection[str]) -> frozenset[str]:
    """The codes to ignore; one text may hold several, separated by commas.

    Raises:
        CommandError: one of them does not exist.
    """
    codes = [code.strip().upper() for text in given for code in text.split(",")]
    for code in codes:
        if code not in known:
            raise CommandError(
                f"--ignore {_short(code)}: there is no such code; the codes are {', '.join(known)}"
            )
    return frozenset(codes)


def read_baseline(file: str) -> Any:
    """The output of an earlier `route-cors table --json`; its encoding depends on the shell.

    Raises:
        CommandError: there is no such file, or it is not JSON.
    """
    try:
        return json.loads(Path(file).read_bytes())
    except OSError as error:
        raise CommandError(f"--baseline {_short(file)}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"--baseline {_short(file)}: not JSON: {error}") from error


def _short(given: str) -> str:
    return repr(given if len(given) <= _LONGEST_SHOWN else f"{given[:_LONGEST_SHOWN]}…")
